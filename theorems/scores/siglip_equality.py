"""SigLIP is hoped to learn the whole Fisher subspace where all pairs match. It does not.

Let {w_k, μ_k, Σ} be a SharedGMM with mean 0, (x, x̂) its augmented pairs with bias δ = 1, and

    L(A, b) = E log(1 + e^{−z_0}) + E log(1 + e^{z_1}),   z_0 = f(x)ᵀf(x̂) + b,  z_1 = f(x)ᵀf(y) + b,   f(x) = Aᵀx,

y ~ F independent of x, over maps with r ≥ dim S_F columns and biases b. The claim is that Col(A*) = S_F for every
minimiser (A*, b*). Inclusion holds (`siglip-inclusion`).

It is false, for three components of weights 0.736, 0.238 and 0.026 in the plane: every minimiser has rank 1. The best
map of rank 1 has eigenvalue 0.0203 and b = −0.389, and the slope across it is +0.0040. L is strongly convex near that
point, which puts all minimisers near it, and the slope there is still positive: no minimiser has rank 2. The kernel
verifies it: 1/(1 + e^{−z}) is the second of two softmax weights whose logits are quadratic in (x, y), and such moments
it integrates. That an M* of rank 2 fills a plane takes integrals in four dimensions, mostly more than the kernel takes;
there the library encloses the gradient, on the line, and decides.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, second half, for InfoNCE; the loss is that of Zhai,
Mustafa, Kolesnikov, Beyer, arXiv:2303.15343, without its normalisation. The claim is the theorem's, carried over.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from flint import arb_mat, fmpq_mat

from thmverify import exact
from thmverify.certifying.fisher import instance_of
from thmverify.certifying.grids import rational, whitening
from thmverify.certifying.siglip import best, modulus
from thmverify.certifying.writing import instance_fields
from thmverify.evidence import ByKernel, Counterexample
from thmverify.exact import centred
from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import ALWAYS_MATCHED, COLUMNS_REACH
from thmverify.kernel.models import Pairs
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.rules.siglip import components, near
from thmverify.kernel.strict import Rejected
from thmverify.losses import LOSSES
from thmverify.losses.levels import enclosed_gradient
from thmverify.maps import BiasedEncoder
from thmverify.minimize.across import SlopeAcross
from thmverify.models import Instance, SharedGMM
from thmverify.randomised import run_alone
from thmverify.sampling import random_centred_instance
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.theorems import COUNTEREXAMPLES
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


MOST = 2  # dimensions in which it is proved without the kernel
DIGITS = 20

margin = SlopeAcross("siglip")


def fills(instance: Instance) -> Verdict:
    """Prove that M* fills a plane S_F by the kernel's bounds, for a gradient that the library encloses on the line."""
    undecided = Verdict(ID, Outcome.UNDECIDED, "M* is not localised", provenance=Provenance.FLOATING)
    pairs = kernel_instance(instance_fields(instance))
    if not isinstance(pairs, Pairs) or not pairs.mixture.m == MOST <= instance.rank:
        return undecided
    law = pairs.on_fisher.mixture.reduced(rational(whitening(pairs.on_fisher.mixture), MOST))
    inside = instance_of(instance, [law])
    found = best(inside, MOST)
    if found is None or found[0].rank() < MOST:
        return undecided
    balls, _ = enclosed_gradient(LOSSES["siglip"], inside, BiasedEncoder(*found), DIGITS)
    g = arb_mat([[balls["M"][i, j] for j in range(MOST)] for i in range(MOST)])
    point, kappa = (found[0], fmpq_mat(MOST, 0), found[1]), exact.to_fmpq(modulus(pairs, law, *found))
    try:
        place = near(law, components(pairs), (g, balls["b"][0, 0]), point, kappa)
    except Rejected as error:
        return replace(undecided, reason=str(error))
    if place.bounds(MOST)[0] < MOST:
        return undecided
    reason = "all minimisers lie near one of rank dim S_F"
    return replace(
        undecided, outcome=Outcome.PROVED, reason=reason, provenance=Provenance.ENCLOSED, rank=MOST, dimension=MOST
    )


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
    examine=ByKernel(ID, fills),
    witness=WITNESS,
    sample=sample,
    claim=ID,
    counterexamples=(
        Counterexample(
            COUNTEREXAMPLES / "siglip-equality.json",
            tempting="Positive pairs agree along every direction that tells components apart, negatives do not: one "
            "more column along one that is missed should lower the loss.",
            catch="The logistic loss of a pair that is classified well gains nothing. Along the missed direction the "
            "rare component lies far out, and its negatives with the others cost more than the pairs gain.",
            repaired="Inclusion holds (siglip-inclusion); whether equality does is decided instance by instance.",
            near=NO_RULE,
        ),
    ),
    guarantees=(Guarantee("siglip", Column.EQUALITY),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
