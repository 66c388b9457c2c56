"""One hidden layer: does InfoNCE of f(x) = ReLU(Aᵀx) stay inside the Fisher subspace? In floats, not always.

Let {w_k, μ_k, Σ} be a SharedGMM with mean 0 and L the InfoNCE loss of the maps f(x) = max(Aᵀx, 0), entry by entry,
A ∈ R^{d×r}. The claim is that Col(A*) ⊆ S_F for every minimiser. The class is not closed under conditional means given
what the posterior depends on, so that the argument of `sufficiency` and `affine-inclusion` does not apply: the mean of
max(s + τn, 0) over noise n is not a ReLU of s.

And noise pays where one component is rare: for weights 29/30 and 1/30, means four standard deviations apart in a plane
and δ = 1, the best two units found inside have loss −0.05444, and the best found with a noise axis −0.05448, by the
same difference on three lattices of nodes. One unit is for the frequent component; the other, the weak one, takes most
of its slope across S_F. Nothing certifies it: the kernel has no integrals of ReLU features. For equal weights no leak
was found.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, for linear maps; the talk names non-linear encoders as a
next step. The question is ours.

Status: open.
"""

from __future__ import annotations

import itertools
import random
import sys
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from thmverify.hypotheses import CENTRED, SHARED_PAIRS
from thmverify.minimize.coordinates import fisher_coordinates
from thmverify.models import AugmentedPairs, Floats, Instance, SharedGMM
from thmverify.randomised import run_alone
from thmverify.sampling import random_centred_instance
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.theorems.encoders.common import SYMBOLS, source
from thmverify.theorems.infonce.common import WITNESS
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "relu-inclusion"
QUANTITY = Quantity(
    r"L(A) = -\mathbb{E}[f(x)^T f(\hat x)] + \mathbb{E}_x \log \mathbb{E}_y \exp(f(x)^T f(y)),"
    r"\quad f(x) = \max(A^T x, 0)"
)
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A) \implies \mathrm{Col}(A^*) \subseteq S_F",
    "For every r, Col(A*) ⊆ S_F for every minimiser A* of L over R^{d×r}.",
)
UNITS, STARTS = 2, 2
ROUGH, FINE = (0.5, 0.8), (0.3, 0.5)  # steps of the lattice, along S_F and across it
FLOOR = 1e-5  # of a gain that the lattice sees


@dataclass(frozen=True)
class Layer:
    """The loss of two units over s along S_F, a line, and n across it, whitened: rows of A are what they weigh."""

    instance: Instance
    steps: tuple[float, float]

    @cached_property
    def nodes(self) -> tuple[Floats, Floats]:
        """Points (N × 2) and how likely they are in each component (K × N)."""
        centres = fisher_coordinates(self.instance.shared).centres[0]
        low, high = centres.min() - 4.5, centres.max() + 4.5
        points = np.array(list(itertools.product(np.arange(low, high, self.steps[0]), np.arange(-4, 4, self.steps[1]))))
        density = np.exp(-0.5 * ((points[:, 0] - centres[:, None]) ** 2 + points[:, 1] ** 2))
        return points, np.asarray(density / density.sum(axis=1, keepdims=True))

    def loss(self, A: Floats) -> tuple[float, Floats]:
        """Return L and its gradient in A (2 × r)."""
        points, likely = self.nodes
        w = np.array([float(x) for x in self.instance.shared.weights])
        delta, p = float(self.instance.pairs.bias), w @ likely
        before = points @ A
        f = np.maximum(before, 0)
        z = f @ f.T
        top = z.max(axis=1, keepdims=True)
        powers = np.exp(z - top) * p
        sums = powers.sum(axis=1, keepdims=True)
        G = p[:, None] * powers / sums
        means, mean = likely @ f, p @ f
        value = float(p @ (top + np.log(sums))[:, 0]) - delta * float(w @ np.sum(means**2, axis=1))
        value -= (1 - delta) * float(mean @ mean)
        slope = (G + G.T) @ f - 2 * delta * likely.T @ (w[:, None] * means) - 2 * (1 - delta) * np.outer(p, mean)
        return value, np.asarray(points.T @ (slope * (before > 0)))


@lru_cache(maxsize=64)
def gain(instance: Instance) -> float | None:
    """Return how much better the best map with a noise axis is than the best inside, in float64, relative to its loss.

    Descents on a rough lattice, some inside and some with a noise axis; the best of each goes on on a fine one. None
    where S_F is not a line, or everything.
    """
    if instance.shared.law.m != 1 or instance.shared.dimension == 1:
        return None
    rough, fine, rng = Layer(instance, ROUGH), Layer(instance, FINE), np.random.default_rng(0)
    mask = np.array([[1.0], [0.0]])

    def descend(layer: Layer, start: Floats, inside: bool) -> tuple[float, Floats]:
        def first(a: Floats) -> tuple[float, Floats]:
            A = a.reshape(2, UNITS)
            value, slope = layer.loss(A * mask if inside else A)
            return value, (slope * mask if inside else slope).ravel()

        found = minimize(first, start.ravel(), jac=True, method="BFGS", options={"gtol": 1e-6})
        return float(found.fun), found.x.reshape(2, UNITS)

    starts = [np.array([[1.0, -1.0], [0.0, 0.0]]) * x + 0.3 * rng.standard_normal((2, UNITS)) for x in (0.5, 1.5)]
    start = min((descend(rough, A * mask, True) for A in starts), key=lambda x: x[0])[1]
    inside = descend(fine, start, True)
    free = min(
        (descend(rough, A, False) for A in (inside[1] + 0.2 * rng.standard_normal((2, UNITS)), *starts[:STARTS])),
        key=lambda x: x[0],
    )
    better = descend(fine, free[1], False)[0]
    return (inside[0] - better) / max(abs(inside[0]), 0.01)


def margin(instance: Instance) -> float:
    """Return the gain of a noise axis, less what the lattice may make up; −1 where S_F is not a line in a larger space.

    Positive: a map with a part outside S_F does better, in floats, than all inside.
    """
    found = gain(instance)
    return -1.0 if found is None else found - FLOOR


def examine(instance: Instance) -> Verdict:
    """Say what floats see: they decide nothing."""
    found = gain(instance)
    if instance.shared.law.m == instance.shared.dimension:
        return Verdict.exact(ID, True, "S_F is the whole space", instance.shared.dimension)
    seen = "S_F is not a line" if found is None else f"the best map with a noise axis does better by {found:.2g}"
    return Verdict(ID, Outcome.UNDECIDED, f"no rule knows the claim; {seen}", provenance=Provenance.FLOATING)


def sample(rng: random.Random) -> Instance:
    """Draw two centred components, mostly on a line, where nothing is outside: in the plane minimisers take time."""
    flat = rng.random() < 0.9
    while True:
        instance = random_centred_instance(rng, Fraction(1), components=(2, 2))
        if (instance.shared.dimension == 1) is flat:
            return Instance(AugmentedPairs(instance.pairs.mixture, Fraction(rng.randint(10, 20), 20)), UNITS)


RARE = Instance(AugmentedPairs(SharedGMM(("29/30", "1/30"), (("-2/15", 0), ("58/15", 0)))), UNITS)


STATEMENT = Statement(
    id=ID,
    title="InfoNCE of one hidden layer learns nothing outside the Fisher subspace",
    source=source("Theorem 5.2, first half, for one hidden layer", "the question is ours"),
    status=Status.OPEN,
    symbols=SYMBOLS,
    hypotheses=(*SHARED_PAIRS, CENTRED),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    evidence=(
        "In floats it fails: weights 29/30 and 1/30, means (−2/15, 0) and (58/15, 0), Σ = I, δ = 1. The best two units "
        "have loss −0.05448 with a noise axis, and −0.05444 inside. The kernel has no integrals of ReLU features.",
        "For two components of equal weights the descents end inside.",
    ),
    hunts=(Path(__file__).parents[1] / "hunts" / f"{ID}.json",),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
