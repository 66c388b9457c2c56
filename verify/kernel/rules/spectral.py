"""Spectral contrastive loss and PCA: eigenspaces, compared over the rationals."""

from __future__ import annotations

from flint import fmpq

from verify.kernel.linear import (
    beside,
    identity,
    is_positive_definite,
    is_semidefinite,
    is_zero,
    null_space,
    rank,
    within,
)
from verify.kernel.models import Pairs
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

    C ∝ S: R⁻¹S = T(I+T)⁻¹ has the same order. 0 < δ < 1, r < m: if Col(A*) is T-invariant then it is invariant under
    R⁻¹μ̄μ̄ᵀ, so it contains R⁻¹μ̄, hence every TⁱΣ̄⁻¹μ̄, or is orthogonal to μ̄, and then they lie in its
    Σ̄-complement in S_F: neither can be when they span S_F. δ = 0: Col(A*) is the line of R⁻¹μ̄, or 0.
    """
    mixture, r, delta = pairs.mixture, pairs.columns, pairs.bias
    reached, m = min(r, _check_spectral(pairs)), mixture.m
    rest = ((reached, reached), (m,))
    if reached == m or (delta > 0 and (delta == 1 or is_zero(mixture.mean))):
        return Finding("proved", *rest)
    if reached < min(r, m):  # J rises with every dimension of S_F
        return Finding("refuted", *rest)
    T, v = mixture.sigma.inv() * mixture.S, mixture.R.inv() * mixture.mean
    if delta == 0:
        quotient: fmpq = (v.transpose() * mixture.S * v)[0, 0] / (v.transpose() * mixture.sigma * v)[0, 0]
        best = T * v == v * quotient and is_semidefinite(mixture.sigma * quotient - mixture.S)
        return Finding("proved" if best else "refuted", *rest)
    krylov = column = mixture.sigma.inv() * mixture.mean
    for _ in range(m - 1):
        column = T * column
        krylov = beside(krylov, column)
    if rank(krylov) == m:
        return Finding("refuted", *rest)
    raise Rejected("μ̄ lies in a proper invariant subspace")


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
