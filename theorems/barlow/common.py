"""What the statements about Barlow Twins share: the loss at its usual λ, and its minimisers where they are known.

In coordinates in which R = I, L(A) = Σ_i (1 − p_i)² + λ Σ_{i≠j} (b_iᵀCb_j)² with unit columns b_i and p_i = b_iᵀCb_i; C
has the eigenvalues 1 > ρ₁ ≥ ρ₂ ≥ … ≥ 0 and is 0 across S_F. Columns count by their directions, so minimisers exist.

*A line.* Let m = 1, u its direction, t_i = (uᵀb_i)² ∈ [0, 1]: L = Σ_i (1 − ρt_i)² + λρ² Σ_{i≠j} t_i t_j, and inside all
t_i are 1. ∂L/∂t_i = −2ρ(1 − ρt_i) + 2λρ² Σ_{j≠i} t_j. If λ(r − 1)ρ ≤ 1 − ρ and ρ > 0, that is at most −2ρ + 2ρ²t_i +
2ρ²λ(r − 1) ≤ 0, with 0 only where t_i = 1: L is least at t = (1, …, 1) alone. If not, it is positive there, and where
d > 1 a column that turns out of the line lowers L. For ρ = 0 L is constant.

*Collapse.* Let u be the first eigenvector, b_i = c_i u + s_i v_i with c_i ≥ 0 (a sign of b_i is free) and unit v_i
across u, σ = Σ_i s_i². By convexity, with L₁ the loss where all columns are u, and x² ≥ 2ρ₁x − ρ₁²,

    L − L₁ ≥ 2(1 − ρ₁) Σ_i (ρ₁ − p_i) − 2λρ₁ Σ_{i≠j} (ρ₁ − b_iᵀCb_j).

ρ₁ − p_i ≥ (ρ₁ − ρ₂)s_i², and ρ₁ − b_iᵀCb_j = ½(b_i − b_j)ᵀC(b_i − b_j) + ρ₁ − ½(p_i + p_j) ≤ (ρ₁ + ρ₂)(s_i² + s_j²), as
(c_i − c_j)² ≤ s_i² + s_j² and p_i ≥ ρ₁c_i². So L − L₁ ≥ 2σ[(1 − ρ₁)(ρ₁ − ρ₂) − 2λ(r − 1)ρ₁(ρ₁ + ρ₂)]: where the bracket
is positive all columns of every minimiser are multiples of one.
"""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

from thmverify import exact
from thmverify.certifying.formulas import determinant, exp, log, name, rank, trace
from thmverify.certifying.margins import nth_eigenvalue
from thmverify.evidence import Fails
from thmverify.headlines import Source
from thmverify.losses import LOSSES
from thmverify.minimize.closed_forms import Pencil
from thmverify.models import GMM, AugmentedPairs, Instance
from thmverify.sampling import random_instance
from thmverify.statement import Quantity
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import PAPER
from thmverify.verdicts import Verdict

ROW = "barlow-twins"
LAMBDA = LOSSES["barlow-twins"].parameters[0].default
QUANTITY = Quantity(
    r"L(A) = \sum_i (1 - c_{ii})^2 + \tfrac{1}{200} \sum_{i \neq j} c_{ij}^2,"
    r"\quad c_{ij} = \frac{a_i^T C a_j}{\sqrt{a_i^T R a_i \cdot a_j^T R a_j}}",
    "barlow-twins",
)


def source(label: str) -> Source:
    """Return the source of a statement about this loss."""
    note = "for the loss of Zbontar et al., arXiv:2103.03230, at its usual λ; the claim is carried over"
    return Source(PAPER, label, note)


def correlation(instance: Instance) -> Fraction:
    """Return tr(R⁻¹C), which is ρ where dim S_F = 1."""
    return exact.to_fraction(exact.trace(instance.pairs.mixture.R.inv() * instance.pairs.C))


def excess(instance: Instance) -> Fraction:
    """Return λ(r − 1)ρ − (1 − ρ), where dim S_F = 1: a minimiser lies inside exactly when it is ≤ 0, and ρ > 0."""
    rho = correlation(instance)
    return LAMBDA * (instance.rank - 1) * rho - (1 - rho)


def collapse(instance: Instance) -> tuple[Fraction, Fraction]:
    """Return bounds of (1 − ρ₁)(ρ₁ − ρ₂) − 2λ(r − 1)ρ₁(ρ₁ + ρ₂), for d ≥ 2, by counting eigenvalues."""
    pairs = instance.pairs
    (low, high), (least, most) = (
        tuple(map(exact.to_fraction, nth_eigenvalue(pairs.C, pairs.mixture.R, n))) for n in (1, 2)
    )
    cost = 2 * LAMBDA * (instance.rank - 1)
    lower = (1 - high) * (low - most) - cost * high * (high + most)
    return lower, (1 - low) * (high - least) - cost * low * (low + least)


def columns_turn() -> Fails:
    """Return that S_F is a line, and not everything, with λ(r − 1)ρ > 1 − ρ: see `excess`."""
    rho, line = trace(name("R") ** -1 @ name("C")), (rank(name("fisher")) == 1) & (name("d") > 1)
    return Fails(line & (1 - rho < LAMBDA * (name("r") - 1) * rho), "λ(r − 1)ρ > 1 − ρ: columns turn out of the line")


def columns_collapse() -> Fails:
    """Return that all columns collapse, for d = m = 2: the bracket of the module's head, 2ρ₁,₂ = t ± root, is > 0."""
    M, t, D, root = name("R") ** -1 @ name("C"), name("t"), name("D"), name("root")
    meant = {"t": trace(M), "D": determinant(M), "root": exp(log(t**2 - 4 * D) / 2)}
    plane = (name("d") == 2) & (rank(name("fisher")) == 2) & (name("r") >= 2)
    some = 2 * LAMBDA * (name("r") - 1) * (t + root) * t < (2 - t - root) * root
    return Fails(plane & some, "all columns of every minimiser are multiples of one", meant)


def bracket(instance: Instance) -> float:
    """Return what `collapse` bounds, in float64."""
    first, second = Pencil(instance.pairs.C, instance.pairs.mixture.R).values[:2]
    return float((1 - first) * (first - second) - 2 * float(LAMBDA) * (instance.rank - 1) * first * (first + second))


def decide_inclusion(claim: str, instance: Instance) -> Verdict:
    """Decide Col(A*) ⊆ S_F exactly where dim S_F ≤ 1, r = 1, or S_F is everything."""
    mixture, pairs = instance.pairs.mixture, instance.pairs
    m = fisher_subspace(mixture).dimension
    if m == mixture.dimension:
        return Verdict.exact(claim, True, "S_F is everything", m)
    if exact.is_zero(pairs.C):
        return Verdict.exact(claim, False, "C = 0: every map is a minimiser, and S_F is not everything", m)
    if instance.rank == 1:
        return Verdict.exact(claim, True, "the best single column is a first eigenvector of R⁻¹C, in S_F", m)
    if m == 1:
        over = excess(instance)
        sign = "> 0: columns turn out of the line" if over > 0 else "≤ 0: all columns lie on the line"
        return Verdict.exact(claim, over <= 0, f"λ(r − 1)ρ − (1 − ρ) {sign}", m)
    reason = "it is known for r = 1 and where S_F is a line or everything"
    return Verdict.exact(claim, None, reason, m)


def decide_equality(claim: str, instance: Instance) -> Verdict:
    """Decide Col(A*) = S_F exactly where dim S_F ≤ 1, r is too small, or all columns collapse."""
    m = fisher_subspace(instance.pairs.mixture).dimension
    if m == 0:
        return Verdict.exact(claim, False, "S_F = {0}, and no column is 0", m)
    if m == 1:
        return decide_inclusion(claim, instance)
    if instance.rank < m:
        return Verdict.exact(claim, False, "there are fewer columns than dim S_F", m)
    if collapse(instance)[0] > 0:
        return Verdict.exact(claim, False, "all columns of every minimiser are multiples of one", m)
    reason = "it is known for dim S_F = 1 and where the columns collapse"
    return Verdict.exact(claim, None, reason, m)


def sample(rng: random.Random) -> Instance:
    """Draw a mixture with δ > 0 and r ≥ K; half of them have their means on a line, some of these far apart."""
    instance = random_instance(rng, shared=rng.random() < 0.5)
    mixture, means = instance.pairs.mixture, instance.pairs.mixture.means
    if rng.random() < 0.5:
        far = rng.choice([1, 20])
        steps = [rng.randint(-4, 4) * far for _ in means]
        means = tuple(tuple(step * x for x in means[0]) for step in steps)
    bias = instance.pairs.bias or Fraction(rng.randint(1, 20), 20)
    moved = GMM(mixture.weights, means, mixture.covariances)
    return replace(instance, model=AugmentedPairs(moved, bias), rank=mixture.components + rng.randint(0, 1))
