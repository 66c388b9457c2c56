"""What the statements about Barlow Twins share: the loss at its usual λ, and its minimisers where they are known.

In coordinates in which R = I, L(A) = Σ_i (1 − p_i)² + λ Σ_{i≠j} (b_iᵀCb_j)² with unit columns b_i and p_i = b_iᵀCb_i;
C has the eigenvalues 1 > ρ₁ ≥ ρ₂ ≥ … ≥ 0 and is 0 across S_F. Columns count by their directions, so minimisers exist.
Where S_F is a line in a larger space, all of them lie inside exactly when λ(r − 1)ρ ≤ 1 − ρ and ρ > 0. Where (1 −
ρ₁)(ρ₁ − ρ₂) > 2λ(r − 1)ρ₁(ρ₁ + ρ₂), all columns of every minimiser are multiples of one. The kernel decides by both;
the proofs are in its PROOFS.md, 14.
"""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

from thmverify import exact
from thmverify.certifying.formulas import determinant, exp, log, name, rank, trace
from thmverify.evidence import Fails
from thmverify.headlines import Source
from thmverify.losses import LOSSES
from thmverify.minimize.closed_forms import Pencil
from thmverify.models import GMM, AugmentedPairs, Instance
from thmverify.sampling import random_instance
from thmverify.statement import Quantity
from thmverify.theorems import PAPER

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
    """Return (1 − ρ₁)(ρ₁ − ρ₂) − 2λ(r − 1)ρ₁(ρ₁ + ρ₂), for d ≥ 2, in float64."""
    first, second = Pencil(instance.pairs.C, instance.pairs.mixture.R).values[:2]
    return float((1 - first) * (first - second) - 2 * float(LAMBDA) * (instance.rank - 1) * first * (first + second))


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
