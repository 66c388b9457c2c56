"""The slope of InfoNCE across the column space of a map: the number whose sign decides equality in Theorem 5.2.

Let A be a map and v a column with AᵀΣv = 0. With a_j = vᵀμ_j, ā = Σ_j w_j a_j, π the softmax weights
π_k ∝ w_k exp(xᵀAAᵀμ_k) of the negatives at x, and Q_jk = w_j E[π_k | j], the derivative of the loss at AAᵀ + t vvᵀ,
t = 0, is

    Σ_jk Q_jk a_j a_k − δ Σ_k w_k a_k² − (1 − δ) ā².

Q has positive entries and row sums w, its column sums are E π_k, and Q_jk = w_j w_k at A = 0. If A is a minimiser over
R^{d×r} with r ≥ dim S_F then Col(A) ⊆ S_F and this slope is ≥ 0 for every v of S_F; and Col(A) ⊇ S_F where every such v
has a_k = 0 for all k. Such v are the columns of Δμ, Δ = Σ⁻¹ − F(FᵀΣF)⁻¹Fᵀ for independent columns F of Col(A); the sum
of the slopes over them is tr(TQT) − δ tr(TDT) − (1 − δ)|Tw|², T = μᵀΔμ, D = diag(w): what is evaluated on instances.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, behind Theorem 5.2; the formula and the proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
from flint import fmpq_mat

from thmverify import exact, vocabulary
from thmverify.certifying import decide
from thmverify.evidence import Break
from thmverify.exact import to_floats
from thmverify.headlines import Source
from thmverify.hypotheses import COLUMNS_REACH, ENOUGH_COLUMNS, SHARED_PAIRS
from thmverify.losses import LOSSES
from thmverify.losses.levels import float64_gradient
from thmverify.maps import Encoder
from thmverify.models import AugmentedPairs, Floats, Instance, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng, random_instance, random_matrix
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.infonce.common import COVARIANCES_DIFFER, TRIANGLE
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "infonce-slope"
QUANTITY = Quantity(
    r"\frac{d}{dt} L(AA^T + t\,vv^T)\Big|_{t=0} = \sum_{jk} Q_{jk} a_j a_k - \delta \sum_k w_k a_k^2 - (1-\delta)"
    r"\bar a^2,\quad a_j = v^T\mu_j,\ Q_{jk} = w_j \mathbb{E}[\pi_k \mid j]",
    "infonce",
)
CONCLUSION = Conclusion(
    r"A \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A) \implies \mathrm{Col}(A) \subseteq S_F \text{ and } "
    r"\sum_{jk} Q_{jk} a_j a_k \geq \delta \sum_k w_k a_k^2 + (1-\delta)\, \bar a^2,\quad a_k = v^T \mu_k,\ "
    r"v \in S_F,\ A^T \Sigma v = 0",
    "For every minimiser A of L over R^{d×r}, Col(A) ⊆ S_F, and for every v in S_F with AᵀΣv = 0 the slope across "
    "Col(A) along v is ≥ 0: Σ_jk Q_jk a_j a_k − δ Σ_k w_k a_k² − (1 − δ)ā² ≥ 0, a_k = vᵀμ_k; Q has positive entries "
    "and row sums w, Q = wwᵀ at A = 0; and Col(A) ⊇ S_F where every such v has a_k = 0 for all k.",
)
TOLERANCE = 1e-7  # of the slope, relative to its parts
NODES, REACH = 1601, 10.0  # of the trapezoidal rule, in standard deviations


@dataclass(frozen=True)
class Slope:
    """The sum of the slopes over the columns of Δμ, from the gradient of the loss and by the formula, in float64."""

    derivative: float
    formula: float
    size: float


def shares(mixture: SharedGMM, F: fmpq_mat) -> Floats:
    """Return Q_jk = w_j E[π_k | j] (K × K) for a map with the one column F, by a trapezoidal rule for q = Fᵀx."""
    weights = np.array([float(x) for x in mixture.weights])
    centres, spread = (
        to_floats(F.transpose() * mixture.mu)[0],
        to_floats(F.transpose() * mixture.sigma * F)[0, 0] ** 0.5,
    )
    s = np.linspace(-REACH, REACH, NODES)
    normal = np.exp(-(s**2) / 2) / np.exp(-(s**2) / 2).sum()
    logits = np.log(weights) + (centres[:, None, None] + spread * s[None, :, None]) * centres
    p = np.exp(logits - logits.max(axis=2, keepdims=True))
    return np.asarray(weights[:, None] * np.einsum("s,jsk->jk", normal, p / p.sum(axis=2, keepdims=True)))


def slope(instance: Instance, F: fmpq_mat) -> Slope:
    """Evaluate the slope both ways at the map with the one column F."""
    mixture, bias = instance.shared, float(instance.pairs.bias)
    P = F.transpose() * mixture.sigma * F
    V = mixture.sigma.solve(mixture.mu) - F * P.inv() * F.transpose() * mixture.mu
    gradient = float64_gradient(LOSSES["infonce"], instance, Encoder(F)).derivatives["M"]
    columns, T = to_floats(V), to_floats(mixture.mu.transpose() * V)
    w = np.array([float(x) for x in mixture.weights])
    negatives = float(np.sum(T * (shares(mixture, F) @ T)))
    pairs = bias * float(w @ np.sum(T**2, axis=1)) + (1 - bias) * float(np.sum((T @ w) ** 2))
    size = float(w @ np.sum(T**2, axis=1)) + 1e-12
    return Slope(float(np.sum(columns * (gradient @ columns))), negatives - pairs, size)


@lru_cache(maxsize=4)
def trial(instance: Instance) -> Slope | None:
    """Return the slopes at a random map of one column in S_F, with E f(x)² near 1; None where S_F = {0}."""
    mixture, rng = instance.shared, instance_rng(instance)
    basis = fisher_subspace(mixture).basis
    F = basis * random_matrix(rng, basis.ncols(), 1)
    if exact.is_zero(F):
        return None
    length = float(exact.to_fraction((F.transpose() * mixture.R * F)[0, 0])) ** 0.5
    return slope(instance, F * exact.to_fmpq(1 / Fraction(length).limit_denominator(10**6)))


def margin(instance: Instance) -> float:
    """Return how far the formula is from the derivative of the loss, relative to its parts, less the tolerance."""
    found = trial(instance)
    return -TOLERANCE if found is None else abs(found.derivative - found.formula) / found.size - TOLERANCE


def examine(instance: Instance) -> Verdict:
    """Compare the formula with the derivative of the loss at a random map: floats can contradict the proof here."""
    if margin(instance) > 0:
        reason = f"the formula and the derivative of the loss differ: {trial(instance)}"
        return Verdict(ID, Outcome.FAILED, reason, provenance=Provenance.FLOATING)
    reason = f"in floats the formula is the derivative of the loss to {TOLERANCE:g} of its parts, at a random map"
    return Verdict(ID, Outcome.UNDECIDED, reason, provenance=Provenance.FLOATING)


def one_column_short(instance: Instance) -> Verdict:
    """Refute the claim for r = 1 where dim S_F = 2 and the minimiser over all M ⪰ 0, which is unique, has rank 2.

    A minimiser A with one column has ∇L·A = 0, and is not 0 where the rank is 2. As AAᵀ is not the minimiser, the slope
    along some direction of S_F is negative, and so along the one across Col(A), which all columns of Δμ have.
    """
    fuller = decide("infonce-equality", replace(instance, rank=2), measured=False)[0]
    if (instance.rank, fuller.dimension, fuller.rank) != (1, 2, 2):
        return Verdict(ID, Outcome.UNDECIDED, "the rank of the minimiser is not certainly 2, or r not 1")
    reason = f"{fuller.reason}; a minimiser with one column is none among all, and the slope across it is negative"
    return Verdict(ID, Outcome.REFUTED, reason, provenance=Provenance.ENCLOSED)


def sample(rng: random.Random) -> Instance:
    """Draw an instance with at least dim S_F columns."""
    instance = random_instance(rng)
    return replace(instance, rank=max(instance.rank, fisher_subspace(instance.shared).dimension))


WITNESS = Instance(
    AugmentedPairs(
        SharedGMM((Fraction(1, 3), Fraction(2, 3)), ((1, 0, 0), (0, 1, 0)), ((2, 1, 0), (1, 2, 1), (0, 1, 3))),
        Fraction(7, 10),
    ),
    2,
)

STATEMENT = Statement(
    id=ID,
    title="The slope of InfoNCE across the column space of a map",
    source=Source(PAPER, "behind Theorem 5.2", "the formula and the proof are ours"),
    status=Status.PROVED,
    symbols=vocabulary.entries("d", "K", "r", "m", "w", "Sigma_k", "Sigma_1", "delta"),
    hypotheses=(*SHARED_PAIRS, COLUMNS_REACH),
    redundant=(ENOUGH_COLUMNS,),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.infonce.infonce_slope_proof"),
    formal=formal(ID),
    breaks=(COVARIANCES_DIFFER, Break(COLUMNS_REACH.name, Instance(AugmentedPairs(TRIANGLE), 1), one_column_short)),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
