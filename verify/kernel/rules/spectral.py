"""Spectral contrastive loss and PCA: eigenspaces, compared over the rationals (PROOFS.md, 5)."""

from flint import fmpq, fmpq_mat

from thmverify.kernel.linear import (
    PRIMES,
    Diagonal,
    beside,
    column_basis,
    decided_definite,
    diagonal,
    independent,
    inertia,
    is_zero,
    kronecker,
    modulo,
    null_space,
    product,
    select,
    times,
)
from thmverify.kernel.models import Finding, Mixture, Pairs
from thmverify.kernel.parse import check_work, rational, read
from thmverify.kernel.strict import Rejected

MAX_COMMUTING = 24  # dimensions in which a d²-dimensional space is searched for what commutes with two matrices
MAX_PRODUCT = 36  # m(d − m): the size of the matrix that compares all eigenvalues of two blocks


def spectral_equality(pairs: Pairs) -> Finding:
    """R^{1/2}MR^{1/2} is the top-r part of R^{-1/2}CR^{-1/2} ⪰ 0: Col(A*) ⊆ R⁻¹Col(C) ⊆ S_F has min(r, rank C)."""
    reached, m = min(pairs.columns, rank_of_C(pairs)), pairs.mixture.m
    return Finding("proved" if reached == m else "refuted", (reached, reached), (m,))


def rank_of_C(pairs: Pairs) -> int:
    """C = μ[δ diag(w) + (1−δ)wwᵀ]μᵀ, and for δ > 0 the matrix between is ≻ 0."""
    return pairs.mixture.m if pairs.bias > 0 else int(not is_zero(pairs.mixture.mean))


def spectral_top(pairs: Pairs) -> Finding:
    """J is largest exactly on top eigenspaces of T = Σ̄⁻¹S; for C ∝ S those of R⁻¹C ∝ T(I+T)⁻¹. 𝒦 = S_F: see below."""
    _, (reached, _), (m,) = spectral_equality(pairs)
    if reached == m or (pairs.bias > 0 and (pairs.bias == 1 or is_zero(pairs.mixture.mean))):  # C ∝ S
        return Finding("proved", (reached, reached), (m,))
    if reached < min(pairs.columns, m) or _krylov(pairs.on_fisher.mixture).ncols() == m:  # J rises with dimension
        return Finding("refuted", (reached, reached), (m,))
    raise Rejected("the order of the eigenvalues needs thresholds")


def spectral_top_threshold(pairs: Pairs, hints: object) -> Finding:
    """T and R⁻¹C preserve 𝒦 = span{TⁱΣ̄⁻¹μ̄} and its complement in S_F: Col(A*) has k eigenvectors of 𝒦, r − k across.

    It is T-invariant only for k = 0 or k = dim 𝒦; then a level of T tells whether it takes the r largest. In a tie
    there is an A* for each k, and one that is not best refutes.
    """
    g, t = read(hints, threshold=rational, fisher_threshold=rational)
    r, m = pairs.columns, pairs.mixture.m
    if not (pairs.bias < 1 and r < m and r <= rank_of_C(pairs)):
        raise Rejected("the rule is for δ < 1 and r < m, with r eigenvalues of R⁻¹C that are not 0")
    mixture, C = pairs.on_fisher.mixture, pairs.on_fisher.C
    krylov = _krylov(mixture)
    rest = null_space(krylov.transpose() * mixture.sigma)
    (above, at_least), (low, high) = (counts(V, C, mixture.R, g) for V in (krylov, rest))
    taken = [k for k in range(above, at_least + 1) if low <= r - k <= high]  # more than one: a tie
    if not taken:
        raise Rejected("the threshold does not single out r eigenvalues")
    (above, at_least), (low, high) = (counts(V, mixture.S, mixture.sigma, t) for V in (krylov, rest))
    for k in taken:
        if 0 < k < krylov.ncols() or (above < k and low > r - k) or (above > k and low < r - k):
            return Finding("refuted", (r, r), (m,))
    if len(taken) == 1 and above <= taken[0] <= at_least and low <= r - taken[0] <= high:
        return Finding("proved", (r, r), (m,))
    raise Rejected("the second threshold does not separate the eigenvalues")


def _krylov(mixture: Mixture) -> fmpq_mat:
    """Return a basis of span{TⁱΣ̄⁻¹μ̄}."""
    T, power = mixture.sigma.inv() * mixture.S, mixture.sigma.inv() * mixture.mean
    found = power
    for _ in range(mixture.m):
        power = T * power
        found = beside(found, power)
    return column_basis(found)


def counts(V: fmpq_mat, form: fmpq_mat, metric: fmpq_mat, level: fmpq) -> tuple[int, int]:
    """Return how many eigenvalues of metric⁻¹form on Col(V) are above the level, and how many are at least at it."""
    check_work("eigenvalues against a level", form.nrows() ** 4, [[level]])
    positive, negative = inertia(V.transpose() * (form - metric * level) * V)
    return positive, V.ncols() - negative


def pca(pairs: Pairs) -> Finding:
    """S_F is the one top eigenspace of R of min(r, d) dimensions: R preserves it, and is larger on it than across."""
    mixture, m = pairs.mixture, pairs.mixture.m
    r = min(pairs.columns, mixture.dimension)
    above = r == m and mixture.invariant and (m == mixture.dimension or _above(mixture))
    return Finding("proved" if above else "refuted", (r, r), (m,))


def pca_top(pairs: Pairs) -> Finding:
    """Σ̄ = vI: R and Σ̄⁻¹S have one order. A space that is first for both is preserved by R and Σ̄; there may be none."""
    mixture, r, d = pairs.mixture, pairs.columns, pairs.mixture.dimension
    if mixture.spherical or mixture.m == 0 or r >= d:
        return Finding("proved")
    if r <= mixture.m and _irreducible(mixture):
        return Finding("refuted")
    raise Rejected("the orders of R and Σ̄⁻¹S need thresholds")


def _irreducible(mixture: Mixture) -> bool:
    """Whether multiples of I alone commute with R and Σ̄, and d is small enough to see that modulo a prime."""
    d, one = mixture.dimension, diagonal([1] * mixture.dimension)
    if d > MAX_COMMUTING:
        return False
    both = [row for m in (mixture.R, mixture.sigma) for row in (kronecker(m, one) - kronecker(one, m)).tolist()]
    seen = (modulo(fmpq_mat(both), p) for p in PRIMES)
    return any(m is not None and m.rank() == d * d - 1 for m in seen)


def pca_top_threshold(pairs: Pairs, hints: object) -> Finding:
    """Where R and Σ̄ commute, (R − g)(S − tΣ̄) has a negative eigenvalue if an eigenvector is first in one order only."""
    g, t = read(hints, threshold=rational, fisher_threshold=rational)
    mixture, r, one = pairs.mixture, pairs.columns, diagonal([1] * pairs.mixture.dimension)
    R, S, sigma = mixture.R, mixture.S, mixture.sigma
    both = (R - one * g) * (S - sigma * t)
    check_work("R and Σ̄⁻¹S against levels", mixture.dimension**4, both.tolist())
    if not (R * sigma == sigma * R and counts(one, R, one, g) == counts(one, S, sigma, t) == (r, r)):
        raise Rejected("R and Σ̄ do not commute, or a threshold does not single out r eigenvalues")
    return Finding("refuted" if inertia(both)[1] else "proved")


def _above(mixture: Mixture) -> bool:
    """Decide whether R on S_F = span μ exceeds it across, where it is Σ̄: eigenvalue by eigenvalue (PROOFS.md, 5.4)."""
    B, m, average = mixture.basis, mixture.m, mixture.average
    if not isinstance(average, Diagonal):
        if m * (mixture.dimension - m) > MAX_PRODUCT:
            raise Rejected(f"m(d − m) is more than {MAX_PRODUCT} for a covariance that is not diagonal")
        P = null_space(B.transpose())
        along, across = ((Q.transpose() * mixture.R * Q, Q.transpose() * Q) for Q in (B, P))
        gaps = kronecker(along[0], across[1]) - kronecker(along[1], across[0])
        return inertia(gaps)[0] == gaps.nrows()
    levels = set(average.entries)
    if len(levels) == 1:  # Σ̄ = λI, and S ≻ 0 on S_F
        return True
    level = max(x for x in levels if _reached(mixture, average, x) < average.entries.count(x))
    weights = diagonal(mixture.weights)
    image = product(B.transpose(), mixture.means)
    excess = product(B.transpose(), times(Diagonal([x - level for x in average.entries]), B))
    return decided_definite(excess + product(product(image, weights), image.transpose()))


def _reached(mixture: Mixture, average: Diagonal, level: fmpq) -> int:
    """Return how many dimensions of the eigenspace of Σ̄ at this level are in span μ, which Σ̄ preserves."""
    rows = [i for i, x in enumerate(average.entries) if x == level]
    return len(independent(select(mixture.means, rows, range(len(mixture.weights))))[1])
