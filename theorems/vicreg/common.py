"""What the statements about VICReg share: the loss at its usual weights, and its minimisers where they are known.

With C_v = Cov x, C_p = Cov(x, x̂) = δ Σ_k w_k (μ_k − μ̄)(μ_k − μ̄)ᵀ, and columns a_i of A, σ_i² = a_iᵀC_v a_i,

    L(A) = 50 tr Aᵀ(C_v − C_p)A + 25 Σ_i max(0, 1 − σ_i) + 2 Σ_{i≠j} (a_iᵀC_v a_j)²,

which is 25 E|f(x) − f(x̂)|² for invariance, the hinge on standard deviations, and the covariances of x and of x̂: the
usual code's loss times r, but for the 10⁻⁴ that it adds to variances under the root. The means do not matter. In
coordinates in which C_v = I, let B be A and ρ₁ ≥ ρ₂ ≥ … the eigenvalues of C_p, all < 1; those > 0 belong to S_LDA,
of m dimensions where δ > 0, and C_p is 0 across it. With G = BᵀB and p_i = G_ii = σ_i²,

    L = 50 tr G − 50 tr BᵀC_pB + 25 Σ_i max(0, 1 − √p_i) + 2 (‖G‖² − Σ_i p_i²).

C_v − C_p ≻ 0, so that minimisers exist. Let B be one. σ_i ≤ 1, as shrinking a longer column lowers all terms, and σ_i
> 0, as the hinge falls with slope −25 at 0. Where σ_i < 1, stationarity in the length of column i says

    25 σ_i = 100 b_iᵀ(I − C_p)b_i + 8 Σ_{j≠i} G_ij².                                                               (1)

*Few columns, r ≤ m.* Let Π be the projection on S_LDA. The eigenvalues of BᵀΠB are at most those of G, so that tr
BᵀC_pB ≤ Σ_{i≤r} ρ_i γ_i(BᵀΠB) ≤ Σ_{i≤r} ρ_i γ_i(G) (von Neumann), which B' = Σ_i √γ_i u_i v_iᵀ reaches with the same
G, u_i the eigenvectors of C_p and v_i those of G. As ρ_r > 0 the second is equality only where tr BᵀΠB = tr G: B lies
in S_LDA.

*Collapse.* tr BᵀC_pB ≤ ρ₁γ + ρ₂(tr G − γ), γ the largest eigenvalue of G, and ‖G‖² ≥ γ². For given p_i, q = Σ_i p_i,
what is left of L is at least −50(ρ₁ − ρ₂)γ + 2γ², which falls on [0, q] where 4q ≤ 50(ρ₁ − ρ₂): then it is least
where γ = q alone, G has rank 1, and all columns are multiples of the first eigenvector. By (1), σ_i ≤ κ = min(1,
1/(4(1 − ρ₁))), so that (2/25) r κ² ≤ ρ₁ − ρ₂ suffices. Where m = 1, ρ₂ = 0.

*Leaks, m < d.* Let all columns lie inside. Turning column i out of S_LDA by a small angle, its length kept, changes L
by the angle's square times 50 b_iᵀC_pb_i − 4 Σ_{j≠i} G_ij², which must not be negative; with (1), 25σ_i ≤ 100σ_i² or
σ_i = 1: p_i ≥ 1/16. For m = 1 and r ≥ 2, columns ±σ_i u, turn all of them into one direction across, by parts s_i
with Σ_i ±σ_i s_i = 0: the change is Σ_i s_i² (50ρ − 4q) but for higher powers, and q ≥ r/16, with 50ρ = 4(q − p_i) <
4q where all σ_i are 1/4. So L can be lowered where ρ ≤ r/200. For any m, the sum over i of what must not be negative
is at most 50ρ₁q − 4(q²/m − q), as ‖G‖² ≥ q²/m and p_i² ≤ p_i; it is negative, with q ≥ r/16, where ρ₁ <
(2/25)(r/(16m) − 1).
"""

from __future__ import annotations

from fractions import Fraction

from thmverify import exact
from thmverify.certifying.formulas import Expression, determinant, exp, log, name, rank, trace
from thmverify.certifying.margins import nth_eigenvalue
from thmverify.evidence import Fails
from thmverify.headlines import Source
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.statement import Quantity
from thmverify.subspaces import fisher_subspace, lda_subspace
from thmverify.theorems import PAPER
from thmverify.verdicts import Verdict

ROW = "vicreg"
QUANTITY = Quantity(
    r"L(A) = 25\, \mathbb{E} |A^T(x - \hat x)|^2 + 25 \sum_i \max(0, 1 - \sqrt{c_{ii}}) + 2 \sum_{i \neq j} c_{ij}^2,"
    r"\quad c_{ij} = a_i^T \mathrm{Cov}(x)\, a_j",
    ROW,
)
PER_COLUMN = Fraction(2, 25)  # what a column of variance 1 costs by its covariances, as a correlation
LEAST = Fraction(1, 4)  # the standard deviation of a column that is alone, and across S_LDA


def source(label: str) -> Source:
    """Return the source of a statement about this loss."""
    note = "for the loss of Bardes, Ponce, LeCun, arXiv:2105.04906, at its usual weights; the claim is carried over"
    return Source(PAPER, label, note)


def correlations(instance: Instance, count: int) -> list[tuple[Fraction, Fraction]]:
    """Return bounds of the `count` largest canonical correlations ρ_i of x with x̂, by counting eigenvalues."""
    pairs, mean = instance.pairs, instance.pairs.mixture.mean
    outer = mean * mean.transpose()
    form, metric = pairs.C - outer, pairs.mixture.R - outer
    found = [nth_eigenvalue(form, metric, n) for n in range(1, count + 1)]
    return [(exact.to_fraction(low), exact.to_fraction(high)) for low, high in found]


def longest(rho: Fraction) -> Fraction:
    """Return min(1, 1/(4(1 − ρ))), which no column of a minimiser is longer than; it grows with ρ < 1."""
    return min(Fraction(1), LEAST / (1 - rho)) if rho < 1 else Fraction(1)


def _correlation() -> Expression:
    """Return Cov(x)⁻¹Cov(x, x̂), whose eigenvalues are the ρ_i."""
    outer = name("mean") @ name("mean").T
    return (name("R") - outer) ** -1 @ (name("C") - outer)


def columns_leak() -> Fails:
    """Return that S_F is a line, and not everything, with ρ < r/200: see *Leaks*."""
    line = (rank(name("fisher")) == 1) & (name("d") > 1) & (name("bias") > 0) & (name("r") >= 2)
    return Fails(line & (200 * trace(_correlation()) < name("r")), "ρ < r/200: columns turn out of the line")


def columns_collapse() -> Fails:
    """Return that all columns collapse, for d = 2 = dim S_F: (2/25)rκ² < ρ₁ − ρ₂, with 2ρ₁,₂ = t ± root."""
    t, root, r = name("t"), name("root"), name("r")
    meant = {"M": _correlation(), "t": trace(name("M")), "root": exp(log(t**2 - 4 * determinant(name("M"))) / 2)}
    plane = (name("d") == 2) & (rank(name("fisher")) == 2) & (name("bias") > 0) & (r >= 2)
    short = (2 * r < 25 * root) | (r < 50 * root * (2 - t - root) ** 2)
    return Fails(plane & short, "all columns of every minimiser are multiples of one", meant)


def collapses(instance: Instance, m: int) -> bool:
    """Whether all columns of every minimiser are certain to be multiples of the first canonical direction."""
    first, second = correlations(instance, 2) if m > 1 else (*correlations(instance, 1), (Fraction(0), Fraction(0)))
    return PER_COLUMN * instance.rank * longest(first[1]) ** 2 <= first[0] - second[1]


def leaks(instance: Instance, m: int) -> bool:
    """Whether every minimiser is certain to leave S_LDA, of 0 < m < d dimensions."""
    high = correlations(instance, 1)[0][1]
    if m == 1:
        return instance.rank >= 2 and high <= PER_COLUMN * instance.rank * LEAST**2
    return high < PER_COLUMN * (instance.rank * LEAST**2 / m - 1)


def inside(instance: Instance) -> tuple[bool | None, str]:
    """Return whether Col(A*) ⊆ S_F for every minimiser, None where it is not known, and why."""
    mixture, m = instance.pairs.mixture, lda_subspace(instance.pairs.mixture).dimension
    if fisher_subspace(mixture).dimension == mixture.dimension:
        return True, "S_F is everything"
    if m == 0 or instance.pairs.bias == 0:
        return False, "x̂ is not correlated with x: no direction is better than another, and S_F is not everything"
    if instance.rank <= m:
        return True, "there are no more columns than dim S_LDA"
    if collapses(instance, m):
        return True, "all columns of every minimiser are multiples of the first canonical direction, in S_LDA"
    if leaks(instance, m):
        return False, "columns turn out of S_LDA: they are too many for how well pairs agree there"
    return None, "it is known for r ≤ dim S_LDA, where columns collapse, and where they are too many"


def decide_inclusion(claim: str, instance: Instance) -> Verdict:
    """Decide Col(A*) ⊆ S_F exactly, where the bounds of this module do."""
    return Verdict.exact(claim, *inside(instance), fisher_subspace(instance.pairs.mixture).dimension)


def decide_equality(claim: str, instance: Instance) -> Verdict:
    """Decide Col(A*) = S_F exactly, where the bounds of this module do. No column of a minimiser is 0."""
    mixture = instance.pairs.mixture
    m, dimension = lda_subspace(mixture).dimension, fisher_subspace(mixture).dimension
    if dimension == 0:
        return Verdict.exact(claim, False, "S_F = {0}, and no column is 0", 0)
    if instance.rank < dimension:
        return Verdict.exact(claim, False, "there are fewer columns than dim S_F", dimension)
    if dimension > 1 and m > 0 and instance.pairs.bias > 0 and collapses(instance, m):
        reason = "all columns of every minimiser are multiples of the first canonical direction"
        return Verdict.exact(claim, False, reason, dimension)
    holds, reason = inside(instance)
    if dimension == 1 or holds is False:
        return Verdict.exact(claim, holds, reason, dimension)
    return Verdict.exact(claim, None, "it is known where S_F is a line, and where columns collapse or leak", dimension)


def short_of(instance: Instance) -> float:
    """Return how far ρ₁ lies below what `leaks` asks for, in float64; −1 where all is inside, 1 where C_p = 0."""
    mixture = instance.pairs.mixture
    m = lda_subspace(mixture).dimension
    if fisher_subspace(mixture).dimension == mixture.dimension:
        return -1.0
    if m == 0 or instance.pairs.bias == 0:
        return 1.0
    if instance.rank <= m:
        return -1.0
    columns = instance.rank * LEAST**2
    return float(PER_COLUMN * (columns if m == 1 else columns / m - 1) - sum(correlations(instance, 1)[0]) / 2)


def too_steep(instance: Instance) -> float:
    """Return how far ρ₁ − ρ₂ lies above what `collapses` asks for, where dim S_LDA ≥ 2, in float64."""
    first, second = (sum(bounds, Fraction(0)) / 2 for bounds in correlations(instance, 2))
    return float(first - second - PER_COLUMN * instance.rank * longest(first) ** 2)


def apart(size: Fraction | int, rank: int) -> Instance:
    """Return two components ±size on the first axis of the plane, δ = 1."""
    half = Fraction(1, 2)
    return Instance(AugmentedPairs(SharedGMM((half, half), ((size, 0), (-size, 0)))), rank)
