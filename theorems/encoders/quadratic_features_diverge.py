"""InfoNCE of features with a part of degree two is infinite, whatever the part.

Let {w_k, μ_k, Σ} be a SharedGMM and f: R^d → R^r have polynomials of degree two as entries,

    f(x) = q(x) + Aᵀx + c,   q(x) = Σ_i (xᵀB_ix) e_i,   q ≠ 0.

Then E_x log E_y exp f(x)ᵀf(y) = +∞, and with it InfoNCE, as its other term is finite: for every r, every number of
components and every bias. So among polynomials of degree at most two InfoNCE is finite for affine maps alone, and its
minimisers over them are those of `affine-inclusion`.

It is exp of a quartic form against Gaussian tails. Let u = q(v) ≠ 0. Along v, f(x)ᵀf(y) grows in y like f(x)ᵀu times a
square; where f(x)ᵀu > ½vᵀΣ⁻¹v that is faster than the Gaussian falls, and E_y exp f(x)ᵀf(y) = +∞. As f(tv)ᵀu grows like
t²|u|², such x fill a neighbourhood of each point far out along v, which has mass. How little q is does not matter.
Training on samples does not see it before a batch has points so far out.

The proof is in terms of minorants, since there a mean is a number: to say that E_x log E_y exp f(x)ᵀf(y) is infinite is
to give functions t(x) ≤ log E_y exp f(x)ᵀf(y) of every mean. Covariances that differ change nothing in the argument
above; the script is written for one covariance.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, for linear maps; the talk names non-linear encoders as a
next step. The statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from functools import lru_cache

from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.hypotheses import ENOUGH_COLUMNS, SHARED_PAIRS
from thmverify.models import Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng, random_instance, random_matrix
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.theorems.encoders.common import SYMBOLS, source
from thmverify.theorems.formal import formal
from thmverify.theorems.infonce.common import WITNESS
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "quadratic-features-diverge"
QUANTITY = Quantity(
    r"L(f) = -\mathbb{E}[f(x)^T f(\hat x)] + \mathbb{E}_x \log \mathbb{E}_y \exp(f(x)^T f(y)),"
    r"\quad f(x) = \sum_i (x^T B_i x)\, e_i + A^T x + c"
)
CONCLUSION = Conclusion(
    r"\exists v.\ \sum_i (v^T B_i v)\, e_i \neq 0 \implies \mathbb{E}_x \log \mathbb{E}_y \exp(f(x)^T f(y)) = +\infty",
    "For every δ ∈ [0, 1] and every r, L(f) = +∞ for all features f of degree two in R^r whose quadratic part is not "
    "0.",
)
TRIES, DOUBLINGS = 3, 60  # random features of an instance; of the distance to a point where the mean is infinite


@dataclass(frozen=True)
class Features:
    """f(x) = Σ_i (xᵀB_ix) e_i + Aᵀx + c, exactly: B_i d × d, A d × r, c r × 1."""

    B: tuple[fmpq_mat, ...]
    A: fmpq_mat
    c: fmpq_mat

    @classmethod
    def random(cls, rng: random.Random, d: int, r: int) -> Features:
        """Draw features of small entries."""
        return cls(
            tuple(random_matrix(rng, d, d) for _ in range(r)), random_matrix(rng, d, r), random_matrix(rng, r, 1)
        )

    def part(self, x: fmpq_mat) -> fmpq_mat:
        """Return the part of degree two at x, r × 1."""
        return fmpq_mat(len(self.B), 1, [(x.transpose() * B * x)[0, 0] for B in self.B])

    def __call__(self, x: fmpq_mat) -> fmpq_mat:
        """Return f(x), r × 1."""
        return self.part(x) + self.A.transpose() * x + self.c


def steepness(f: Features, sigma: fmpq_mat, x: fmpq_mat, v: fmpq_mat) -> fmpq:
    """Return 2f(x)ᵀq(v) / vᵀΣ⁻¹v: beyond 1, E_y exp f(x)ᵀf(y) is infinite, as along v it grows faster than F falls."""
    return 2 * exact.inner(f(x), f.part(v)) / (v.transpose() * sigma.inv() * v)[0, 0]


def infinite_at(f: Features, sigma: fmpq_mat, v: fmpq_mat) -> fmpq_mat | None:
    """Return the first of the points tv, 2tv, 4tv, … at which E_y exp f(x)ᵀf(y) is seen to be infinite, exactly.

    Far out f(tv)ᵀq(v) is t²|q(v)|²: t ≥ 1 is about where that is ½vᵀΣ⁻¹v, so that the size of Σ does not matter.
    """
    u = f.part(v)
    wanted = (v.transpose() * sigma.inv() * v)[0, 0] / (2 * exact.inner(u, u) or fmpq(1))
    t = fmpq(2) ** max(0, (int(wanted.p).bit_length() - int(wanted.q).bit_length()) // 2 - 1)
    points = (v * t * exact.to_fmpq(2**i) for i in range(DOUBLINGS))
    return next((x for x in points if steepness(f, sigma, x, v) > 1), None)


@lru_cache(maxsize=4)
def steepest(instance: Instance) -> fmpq | None:
    """Return the least steepness at such points, over random features of the instance; None where there is none."""
    mixture, rng = instance.shared, instance_rng(instance)
    found = []
    for _ in range(TRIES):
        f, v = Features.random(rng, mixture.dimension, instance.rank), random_matrix(rng, mixture.dimension, 1)
        if exact.is_zero(f.part(v)):
            continue
        x = infinite_at(f, mixture.sigma, v)
        if x is None:
            return fmpq(0)
        found.append(steepness(f, mixture.sigma, x, v))
    return min(found, default=None)


def margin(instance: Instance) -> float:
    """Return 1 less the least steepness at a point far out, over random features: < 0 where L(f) is infinite."""
    found = steepest(instance)
    return -1.0 if found is None else float(1 - exact.to_fraction(found))


def examine(instance: Instance) -> Verdict:
    """Look, exactly, for points with E_y exp f(x)ᵀf(y) = +∞ for random features: others remain."""
    found = steepest(instance)
    if found is not None and found <= 1:
        reason = f"no point at which the mean is infinite among {DOUBLINGS} on a line"
        return Verdict(ID, Outcome.FAILED, reason, provenance=Provenance.EXACT)
    reason = "for random features E exp f(x)ᵀf(y) over y is infinite at a point x, exactly, and around it"
    return Verdict(ID, Outcome.UNDECIDED, reason, provenance=Provenance.EXACT)


def sample(rng: random.Random) -> Instance:
    """Draw a mixture with one covariance, anywhere."""
    return random_instance(rng)


STATEMENT = Statement(
    id=ID,
    title="InfoNCE is infinite once features have a part of degree two",
    source=source("Theorem 5.2, for polynomials of degree two", "the statement and its proof are ours"),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=SHARED_PAIRS,
    redundant=(ENOUGH_COLUMNS,),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.encoders.quadratic_features_diverge_proof"),
    formal=formal(ID),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
