"""Spectral contrastive loss and PCA: eigenspaces, compared over the rationals (PROOFS.md, 5)."""

from flint import fmpq, fmpq_mat

from thmverify.kernel.linear import beside, column_basis, inertia, kronecker, null_space, within
from thmverify.kernel.models import Finding, Mixture, Pairs
from thmverify.kernel.parse import rational, read
from thmverify.kernel.strict import Rejected

MAX_PRODUCT = 36  # m(d − m): the size of the matrix that compares all eigenvalues of two blocks


def spectral_equality(pairs: Pairs) -> Finding:
    """R^{1/2}MR^{1/2} is the top-r part of R^{-1/2}CR^{-1/2} ⪰ 0: Col(A*) ⊆ R⁻¹Col(C) ⊆ S_F has min(r, rank C)."""
    reached, m = min(pairs.columns, pairs.C.rank()), pairs.mixture.m
    return Finding("proved" if reached == m else "refuted", (reached, reached), (m,))


def spectral_top(pairs: Pairs) -> Finding:
    """J is largest exactly on top eigenspaces of T = Σ̄⁻¹S; for C ∝ S those of R⁻¹C ∝ T(I+T)⁻¹. 𝒦 = S_F: see below."""
    mixture, (_, (reached, _), (m,)) = pairs.mixture, spectral_equality(pairs)
    if reached == m or (pairs.bias > 0 and mixture.S * pairs.bias == pairs.C):
        return Finding("proved", (reached, reached), (m,))
    if reached < min(pairs.columns, m) or (pairs.bias < 1 and _krylov(mixture).ncols() == m):  # J rises with dimension
        return Finding("refuted", (reached, reached), (m,))
    raise Rejected("the order of the eigenvalues needs thresholds")


def spectral_top_threshold(pairs: Pairs, hints: object) -> Finding:
    """T and R⁻¹C preserve 𝒦 = span{TⁱΣ̄⁻¹μ̄} and its complement in S_F: Col(A*) has k eigenvectors of 𝒦, r − k across.

    It is T-invariant only for k = 0 or k = dim 𝒦; then a level of T tells whether it takes the r largest.
    """
    g, t = read(hints, threshold=rational, fisher_threshold=rational)
    mixture, r = pairs.mixture, pairs.columns
    if not (pairs.bias < 1 and r < mixture.m and r <= pairs.C.rank()):
        raise Rejected("the rule is for δ < 1 and r < m, with r eigenvalues of R⁻¹C that are not 0")
    krylov = _krylov(mixture)
    rest = mixture.fisher * null_space(krylov.transpose() * mixture.sigma * mixture.fisher)
    (k, k_most), (low, high) = (_at_least(V, pairs.C, mixture.R, g) for V in (krylov, rest))
    if k_most != k or not low <= r - k <= high:
        raise Rejected("the threshold does not single out r eigenvalues")
    (above, at_least), (low, high) = (_at_least(V, mixture.S, mixture.sigma, t) for V in (krylov, rest))
    if 0 < k < krylov.ncols() or (above < k and low > r - k) or (above > k and low < r - k):
        return Finding("refuted", (r, r), (mixture.m,))
    if above <= k <= at_least and low <= r - k <= high:
        return Finding("proved", (r, r), (mixture.m,))
    raise Rejected("the second threshold does not separate the eigenvalues")


def _krylov(mixture: Mixture) -> fmpq_mat:
    """Return a basis of span{TⁱΣ̄⁻¹μ̄}."""
    T, power = mixture.sigma.inv() * mixture.S, mixture.sigma.inv() * mixture.mean
    found = power
    for _ in range(mixture.m):
        power = T * power
        found = beside(found, power)
    return column_basis(found)


def _at_least(V: fmpq_mat, form: fmpq_mat, metric: fmpq_mat, level: fmpq) -> tuple[int, int]:
    """Return how many eigenvalues of metric⁻¹form on Col(V) are above the level, and how many are at least at it."""
    positive, negative = inertia(V.transpose() * (form - metric * level) * V)
    return positive, V.ncols() - negative


def pca(pairs: Pairs) -> Finding:
    """S_F is the one top eigenspace of R of min(r, d) dimensions: invariant, and BᵀRB ⊗ PᵀP ≻ BᵀB ⊗ PᵀRP, P = B^⊥."""
    R, B, m = pairs.mixture.R, pairs.mixture.fisher, pairs.mixture.m
    P, r = null_space(B.transpose()), min(pairs.columns, R.nrows())
    if r != m or not within(R * B, B):
        return Finding("refuted", (r, r), (m,))
    if m * P.ncols() > MAX_PRODUCT:
        raise Rejected("S_F and its complement are too large")
    along, across = ((Q.transpose() * R * Q, Q.transpose() * Q) for Q in (B, P))
    gaps = kronecker(along[0], across[1]) - kronecker(along[1], across[0])
    return Finding("proved" if inertia(gaps)[0] == gaps.nrows() else "refuted", (r, r), (m,))
