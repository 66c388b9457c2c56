"""What the statements about VICReg share: the loss at its usual weights, and its minimisers where they are known.

With C_v = Cov x, C_p = Cov(x, x̂) = δ Σ_k w_k (μ_k − μ̄)(μ_k − μ̄)ᵀ, and columns a_i of A, σ_i² = a_iᵀC_v a_i,

    L(A) = 50 tr Aᵀ(C_v − C_p)A + 25 Σ_i max(0, 1 − σ_i) + 2 Σ_{i≠j} (a_iᵀC_v a_j)²,

which is 25 E|f(x) − f(x̂)|² for invariance, the hinge on standard deviations, and the covariances of x and of x̂: the
usual code's loss times r, but for the 10⁻⁴ that it adds to variances under the root. The means do not matter.

Let ρ₁ ≥ ρ₂ ≥ … be the canonical correlations of x with x̂, the eigenvalues of C_v⁻¹C_p; those > 0 belong to S_LDA, of
n dimensions. For r ≤ n all columns of every minimiser lie in S_LDA. Where (2/25) r κ² ≤ ρ₁ − ρ₂, with κ = min(1, 1/(4(1
− ρ₁))), they are multiples of one. Where n = 1 < r and ρ₁ ≤ r/200, or ρ₁ < (2/25)(r/(16n) − 1), they turn out of S_LDA
if there is room. The kernel decides by these; the proofs are in its PROOFS.md, 14.
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
    """Return that S_F is a line, and not everything, with ρ < r/200."""
    line = (rank(name("fisher")) == 1) & (name("d") > 1) & (name("bias") > 0) & (name("r") >= 2)
    return Fails(line & (200 * trace(_correlation()) < name("r")), "ρ < r/200: columns turn out of the line")


def columns_collapse() -> Fails:
    """Return that all columns collapse, for d = 2 = dim S_F: (2/25)rκ² < ρ₁ − ρ₂, with 2ρ₁,₂ = t ± root."""
    t, root, r = name("t"), name("root"), name("r")
    meant = {"M": _correlation(), "t": trace(name("M")), "root": exp(log(t**2 - 4 * determinant(name("M"))) / 2)}
    plane = (name("d") == 2) & (rank(name("fisher")) == 2) & (name("bias") > 0) & (r >= 2)
    short = (2 * r < 25 * root) | (r < 50 * root * (2 - t - root) ** 2)
    return Fails(plane & short, "all columns of every minimiser are multiples of one", meant)


def short_of(instance: Instance) -> float:
    """Return how far ρ₁ lies below what makes columns leave S_LDA, in float64; −1 where they stay, 1 where C_p = 0."""
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
    """Return how far ρ₁ − ρ₂ lies above what makes all columns multiples of one, for dim S_LDA ≥ 2, in float64."""
    first, second = (sum(bounds, Fraction(0)) / 2 for bounds in correlations(instance, 2))
    return float(first - second - PER_COLUMN * instance.rank * longest(first) ** 2)


def apart(size: Fraction | int, rank: int) -> Instance:
    """Return two components ±size on the first axis of the plane, δ = 1."""
    half = Fraction(1, 2)
    return Instance(AugmentedPairs(SharedGMM((half, half), ((size, 0), (-size, 0)))), rank)
