"""SigLIP is hoped to learn the whole Fisher subspace where all pairs match. It does not.

Let {w_k, μ_k, Σ} be a SharedGMM with mean 0, (x, x̂) its augmented pairs with bias δ = 1, and

    L(A, b) = E log(1 + e^{−z_0}) + E log(1 + e^{z_1}),   z_0 = f(x)ᵀf(x̂) + b,  z_1 = f(x)ᵀf(y) + b,   f(x) = Aᵀx,

y ~ F independent of x, over maps with r ≥ dim S_F columns and biases b. The claim is that Col(A*) = S_F for every
minimiser (A*, b*). Inclusion holds (`siglip-inclusion`).

It is false, for three components of weights 0.736, 0.238 and 0.026 in the plane: every minimiser has rank 1. The best
map of rank 1 has eigenvalue 0.0203 and b = −0.389, and the slope across it is +0.0040. L is strongly convex near that
point, which puts all minimisers within 10⁻¹⁰ of it, and the slope there is still positive: no minimiser has rank 2. All
of this is exact, or in balls, but the kernel has no rule for it: its integrals are of softmax weights, and a softplus
of a product of Gaussians is none. The library's enclosures decide it (`verify/minimize/siglip.py`).

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, second half, for InfoNCE; the loss is that of Zhai,
Mustafa, Kolesnikov, Beyer, arXiv:2303.15343, without its normalisation. The claim is the theorem's, carried over.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.certifying.fisher import instance_of
from thmverify.certifying.grids import rational, whitening
from thmverify.evidence import Counterexample
from thmverify.exact import centred
from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import ALWAYS_MATCHED, COLUMNS_REACH
from thmverify.integrate.enclosure import ball_to_interval
from thmverify.kernel.linear import null_space
from thmverify.minimize import minimise
from thmverify.minimize.across import SlopeAcross
from thmverify.minimize.siglip import DIGITS, Localised
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.randomised import run_alone
from thmverify.sampling import random_centred_instance
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.theorems.common import NO_RULE
from thmverify.theorems.infonce.common import SETTING, SYMBOLS, WITNESS
from thmverify.theorems.scores.common import source
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "siglip-equality"
CONCLUSION = Conclusion(
    r"(A^*, b^*) \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r},\, b \in \mathbb{R}} L(A, b) \implies "
    r"\mathrm{Col}(A^*) = S_F = \mathrm{span}\{\Sigma^{-1}\mu_k\}",
    "Col(A*) = S_F for every minimiser (A*, b*) of L over R^{d×r} × R.",
)


MOST = 2  # dimensions in which minimisers are localised: moments of four entries of φ are many beyond


@lru_cache(maxsize=8)
def best(instance: Instance, rank: int) -> tuple[fmpq_mat, fmpq] | None:
    """Return A and b, as rationals, of the best map of this rank that floats find; None where they do not converge."""
    found = minimise("siglip", instance, rank, digits=DIGITS + 5)
    return (found.precise["A"], found.precise["b"][0, 0]) if found.converged and "A" in found.precise else None


margin = SlopeAcross("siglip")


def examine(instance: Instance) -> Verdict:
    """Decide by the gradient −½δ Cov(μ) at M = 0, b = 0, where that is enough; else localise the minimisers in balls.

    If it is 0 then M* = 0, L being convex, and strictly so; if not, and S_F is a line, then M* has rank 1.
    """
    law = instance.shared.law.on_fisher
    undecided = Verdict(ID, Outcome.UNDECIDED, "", provenance=Provenance.FLOATING, dimension=law.m)
    mean = instance.shared.mean
    learns = not exact.is_zero(instance.pairs.C - mean * mean.transpose())
    if law.m == 0 or not learns or law.m == 1:
        reason = f"the gradient at M = 0 is {'not ' if learns else ''}0, and dim S_F = {law.m}"
        return Verdict.exact(ID, law.m == 0 or learns, reason, law.m)
    if law.m > MOST or instance.rank < law.m:
        return replace(undecided, reason=f"minimisers are localised in {MOST} dimensions at most, for r ≥ dim S_F")
    law = law.reduced(rational(whitening(law), law.m))
    inside = instance_of(instance, [law])
    for rank in range(law.m - 1, law.m + 1):
        found = best(inside, rank)
        null = null_space(found[0].transpose()) if found else None
        if found is None or null is None or null.ncols() != law.m - rank:
            continue
        place = Localised(inside, *found, _unit(null, law.sigma) if null.ncols() else None)
        least = place.misses()
        if least is not None:
            reason = "all minimisers lie near a map of lower rank, where L rises across it: none has rank dim S_F"
            low, high = ball_to_interval(least)
            return replace(
                undecided,
                outcome=Outcome.REFUTED,
                reason=reason,
                provenance=Provenance.ENCLOSED,
                margin=(exact.to_fraction(low), exact.to_fraction(high)),
            )
        if place.fills():
            reason = "all minimisers lie near one of rank dim S_F"
            return replace(undecided, outcome=Outcome.PROVED, reason=reason, provenance=Provenance.ENCLOSED)
    return replace(undecided, reason="the minimisers are not localised")


def _unit(v: fmpq_mat, sigma: fmpq_mat) -> fmpq_mat:
    """Return a multiple of v with vᵀΣv near 1."""
    largest = max(abs(x) for x in v.entries())
    v = v / largest
    return v / exact.to_fmpq(Fraction(float(exact.to_fraction(exact.inner(v, sigma * v))) ** 0.5))


def sample(rng: random.Random) -> Instance:
    """Draw two centred components at δ = 1, where it holds: with more, minimisers take seconds each."""
    return random_centred_instance(rng, Fraction(1), components=(2, 2))


_WEIGHTS = (Fraction(736, 1000), Fraction(238, 1000), Fraction(26, 1000))
_PLACES = tuple((Fraction(x), Fraction(y)) for x, y in ((0, 0), ("14.471", "18.16"), ("30.724", "46.24")))
UNEVEN = SharedGMM(_WEIGHTS, centred(_WEIGHTS, _PLACES))

STATEMENT = Statement(
    id=ID,
    title="SigLIP learns the whole Fisher subspace when δ = 1",
    source=source("; the claim is the theorem's, carried over"),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(*SETTING, COLUMNS_REACH, ALWAYS_MATCHED),
    quantity=Quantity(
        r"L(A, b) = \mathbb{E} \log(1 + e^{-z_0}) + \mathbb{E} \log(1 + e^{z_1}),\quad "
        r"z_0 = f(x)^T f(\hat x) + b,\ z_1 = f(x)^T f(y) + b,\quad f(x) = A^T x",
        "siglip",
    ),
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    counterexamples=(
        Counterexample(
            Instance(AugmentedPairs(UNEVEN), 2),
            tempting="Positive pairs agree along every direction that tells components apart, negatives do not: one "
            "more column along one that is missed should lower the loss.",
            catch="The logistic loss of a pair that is classified well gains nothing. Along the missed direction the "
            "rare component lies far out, and its negatives with the others cost more than the pairs gain.",
            repaired="Inclusion holds (siglip-inclusion); whether equality does is decided instance by instance.",
            decided=Provenance.ENCLOSED,
            near=NO_RULE,
        ),
    ),
    guarantees=(Guarantee("siglip", Column.EQUALITY),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
