"""Spectral contrastive loss and PCA: eigenspaces, compared over the rationals."""

from __future__ import annotations

from flint import fmpq, fmpq_mat

from verify.kernel.linear import (
    beside,
    column_basis,
    identity,
    is_positive_definite,
    is_semidefinite,
    is_zero,
    null_space,
    positive_eigenvalues,
    rank,
    within,
)
from verify.kernel.models import Mixture, Pairs
from verify.kernel.parse import Rejected, rational, record
from verify.kernel.rules.finding import Finding


def _check_spectral(pairs: Pairs) -> int:
    """Return rank C. R^{1/2}MR^{1/2} is the top-r part of R^{-1/2}CR^{-1/2} ⪰ 0, so Col(A*) ⊆ R⁻¹Col(C) ⊆ S_F."""
    mixture = pairs.mixture
    if not within(mixture.R.inv() * pairs.C, mixture.fisher):
        raise Rejected("R⁻¹Col(C) is not in S_F")
    return rank(pairs.C)


def spectral_equality(pairs: Pairs) -> Finding:
    """Col(A*) ⊆ S_F has dimension min(r, rank C)."""
    reached, m = min(pairs.columns, _check_spectral(pairs)), pairs.mixture.m
    return Finding("proved" if reached == m else "refuted", (reached, reached), (m,))


def spectral_top(pairs: Pairs) -> Finding:
    """Col(A*) is spanned by top eigenvectors of R⁻¹C; J is largest exactly on top eigenspaces of T = Σ̄⁻¹S (Ky Fan).

    C ∝ S: R⁻¹S = T(I+T)⁻¹ has the same order. 0 < δ < 1: see `spectral_top_threshold`, for 𝒦 = S_F. δ = 0: Col(A*) is
    the line of R⁻¹μ̄, or 0.
    """
    mixture, r, delta = pairs.mixture, pairs.columns, pairs.bias
    reached, m = min(r, _check_spectral(pairs)), mixture.m
    rest = ((reached, reached), (m,))
    if reached == m or (delta > 0 and (delta == 1 or is_zero(mixture.mean))):
        return Finding("proved", *rest)
    if reached < min(r, m):  # J rises with every dimension of S_F
        return Finding("refuted", *rest)
    if delta > 0:
        if _krylov(mixture).ncols() == m:
            return Finding("refuted", *rest)
        raise Rejected("the order of the eigenvalues needs thresholds")
    T, v = mixture.sigma.inv() * mixture.S, mixture.R.inv() * mixture.mean
    quotient: fmpq = (v.transpose() * mixture.S * v)[0, 0] / (v.transpose() * mixture.sigma * v)[0, 0]
    best = T * v == v * quotient and is_semidefinite(mixture.sigma * quotient - mixture.S)
    return Finding("proved" if best else "refuted", *rest)


def spectral_top_threshold(pairs: Pairs, hints: object) -> Finding:
    """For 0 < δ < 1 and r < m cut S_F into 𝒦 = span{TⁱΣ̄⁻¹μ̄} and its Σ̄-complement 𝓛; T and R⁻¹C preserve both.

    Let Col(A*) take the k largest eigenvalues of R⁻¹C on 𝒦 and the r − k largest on 𝓛: a level with r above it tells.
    Where it is T-invariant, it is invariant under R⁻¹μ̄μ̄ᵀ; so its part in 𝒦 contains R⁻¹μ̄, and is 𝒦, or is orthogonal
    to μ̄, and is 0. On 𝓛, R⁻¹C = δT(I+T)⁻¹ has the order of T. A level for T tells whether it takes the r largest.
    """
    g, t = (rational(x, "a threshold") for x in record(hints, "hints", ("threshold", "fisher_threshold")))
    mixture, r = pairs.mixture, pairs.columns
    if not (0 < pairs.bias < 1 and r < mixture.m) or _check_spectral(pairs) != mixture.m:
        raise Rejected("the rule is for 0 < δ < 1 and r < m")
    krylov = _krylov(mixture)
    rest = mixture.fisher * null_space(krylov.transpose() * mixture.sigma * mixture.fisher)
    in_krylov, in_rest = (_at_least(V, pairs.C, mixture.R, g) for V in (krylov, rest))
    k = in_krylov[0]
    if in_krylov[1] != k or not in_rest[0] <= r - k <= in_rest[1]:
        raise Rejected("the threshold does not single out r eigenvalues")
    bounds = ((r, r), (mixture.m,))
    if 0 < k < krylov.ncols():
        return Finding("refuted", *bounds)
    in_krylov, in_rest = (_at_least(V, mixture.S, mixture.sigma, t) for V in (krylov, rest))
    if in_krylov[0] <= k <= in_krylov[1] and in_rest[0] <= r - k <= in_rest[1]:
        return Finding("proved", *bounds)
    if (in_krylov[0] < k and in_rest[0] > r - k) or (in_krylov[0] > k and in_rest[0] < r - k):
        return Finding("refuted", *bounds)
    raise Rejected("the second threshold does not separate the eigenvalues")


def _krylov(mixture: Mixture) -> fmpq_mat:
    """Return a basis of span{TⁱΣ̄⁻¹μ̄}."""
    T, last = mixture.sigma.inv() * mixture.S, mixture.sigma.inv() * mixture.mean
    krylov = column_basis(last)
    for _ in range(mixture.m - 1):
        last = T * last
        krylov = column_basis(beside(krylov, last))
    return krylov


def _at_least(V: fmpq_mat, form: fmpq_mat, metric: fmpq_mat, level: fmpq) -> tuple[int, int]:
    """Return how many eigenvalues of metric⁻¹form on Col(V) are above the level, and how many are at least at it."""
    shifted = V.transpose() * (form - metric * level) * V
    return positive_eigenvalues(shifted), V.ncols() - positive_eigenvalues(shifted * -1)


def pca_exact(pairs: Pairs) -> Finding:
    """A* spans a top eigenspace of R, of dimension min(r, d): S_F is none if of another one, or not R-invariant."""
    mixture = pairs.mixture
    r = min(pairs.columns, mixture.means.nrows())
    if r != mixture.m or not within(mixture.R * mixture.fisher, mixture.fisher):
        return Finding("refuted", (r, r), (mixture.m,))
    if r == mixture.means.nrows():
        return Finding("proved", (r, r), (r,))
    raise Rejected("the order of the eigenvalues needs a threshold")


def pca_threshold(pairs: Pairs, hints: object) -> Finding:
    """For an R-invariant S_F of dimension r a threshold between R's eigenvalues on S_F and those across it decides."""
    (given,) = record(hints, "hints", ("threshold",))
    mixture, level = pairs.mixture, rational(given, "threshold")
    B = mixture.fisher
    if min(pairs.columns, B.nrows()) != mixture.m or not within(mixture.R * B, B):
        raise Rejected("the rule is for an invariant S_F of dimension r")
    P = null_space(B.transpose())
    along = B.transpose() * (mixture.R - identity(B.nrows()) * level) * B
    across = P.transpose() * (identity(B.nrows()) * level - mixture.R) * P
    sizes = ((mixture.m, mixture.m), (mixture.m,))
    if is_positive_definite(along) and is_positive_definite(across):
        return Finding("proved", *sizes)
    if not is_semidefinite(along) and not is_semidefinite(across):
        return Finding("refuted", *sizes)
    raise Rejected("the threshold does not separate the eigenvalues")
