"""SimCLR as it is used, with normalised features, is hoped to stay inside the Fisher subspace. It does not.

Let {w_k, μ_k, Σ} be a mixture with a shared covariance, S_F = span{Σ⁻¹μ_k}, g(x) = Aᵀx/|Aᵀx| for A ∈ R^{d×r}, A ≠ 0,

    L(A) = −E g(x)ᵀg(x̂)/τ + E_x log E_y exp(g(x)ᵀg(y)/τ),     τ > 0 the temperature,

over augmented pairs (x, x̂) with bias δ and independent y: InfoNCE with the features that SimCLR uses. The claim is that
Col(A*) ⊆ S_F for every minimiser A*, as it is without the normalisation (`infonce-inclusion`).

It is false: for two components ±μ of equal weights no minimiser lies inside, whatever μ ≠ 0, Σ, δ, τ and r ≥ 2 are.
Inside, g = ±e says which side x is on, and has to say it always. Across, a noise axis turns g away from ±e where Σ⁻¹μ
says little: it is learnt in order to say "unsure". In whitened coordinates, x₁ along S_F, x₂ across it and n =
|Σ^{-1/2}μ|, the features (x₁, εx₂) have

    dL/dε(0⁺) = φ(n) ∫_R E[log c + c − 1] du < 0,  c = cosh(cos θ/τ)/cosh(1/τ), cos θ = |u|/√(u² + x₂²),

since the second term alone changes at first order: where |x₁| ≲ ε the posterior is even, and the pairs lose nothing.
At n = τ = δ = 1 the loss falls by 0.0642 at ε = 3/10: the kernel encloses both losses. For every τ it goes by the
symmetry. At n = 3 the loss falls by less than 0.0002: the leak is of the size of the overlap φ(n).

What a noise axis is worth, in floats: the best ε, and by how much the loss falls.

            δ = 1:  n = 1          n = 2           n = 3       δ = 1/2:  n = 1         n = 3
    τ = 1/10        0.27, 0.45     0.14, 0.065     0.10, 0.0042          0.50, 0.70    0.71, 0.13
    τ = 1/2         0.55, 0.21     0.28, 0.027     0.14, 0.0012          0.89, 0.32    1.5,  0.095
    τ = 5           0.07, 0.0007   0.015, 3·10⁻⁵   0.007, 5·10⁻⁷         0.18, 0.0016  0.011, 2·10⁻⁶

So at the low temperatures of practice the leak is large where components overlap, and fades as they part if the pairs
always match; if they do not, it stays: the second term asks for features all round the circle.

With one column, r = 1, g is ±1, and nothing is left to be unsure with: then Col(A*) = S_F for two opposite components
of equal weights and δ > 0.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2 for features without normalisation; Chen, Kornblith,
Norouzi, Hinton, arXiv:2002.05709, for the loss. The claim is the theorem's, carried over.

Status: refuted.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import replace
from fractions import Fraction

from thmverify import vocabulary
from thmverify.certifying.normalised import Line
from thmverify.certifying.writing import instance_fields
from thmverify.evidence import ByKernel, Counterexample, Near
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import SHARED_PAIRS
from thmverify.kernel.models import Pairs
from thmverify.kernel.models import instance as kernel_instance
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.randomised import run_alone
from thmverify.sampling import random_instance
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import COUNTEREXAMPLES, NEIGHBOURHOODS, PAPER
from thmverify.verdicts import Status

ID = "simclr-normalised-inclusion"
CLAIM = "simclr-normalised-inclusion"
SYMBOLS = vocabulary.entries("d", "K", "r", "w", "Sigma_k", "delta")
QUANTITY = Quantity(
    r"L(A) = -\tfrac{1}{\tau} \mathbb{E}[g(x)^T g(\hat x)] + \mathbb{E}_x \log \mathbb{E}_y \exp(g(x)^T g(y)/\tau),"
    r"\quad g(x) = A^T x / |A^T x|"
)
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}_{0 \ne A \in \mathbb{R}^{d \times r}} L(A) \implies "
    r"\mathrm{Col}(A^*) \subseteq S_F = \mathrm{span}\{\Sigma^{-1}\mu_k\}",
    "For every temperature τ > 0, every δ ∈ [0, 1] and every r ≥ 1, Col(A*) ⊆ S_F for every minimiser A* ≠ 0 of L.",
)
TOLERANCE = 1e-9


def margin(instance: Instance) -> float:
    """Return how much smaller the loss of a map out of S_F is than all inside, at τ = 1, less a tolerance, in float64.

    The maps have two features, along a line S_F and across it. −1 where S_F is no line, or no such map is better.
    """
    mixture = instance.shared
    if not fisher_subspace(mixture).dimension == 1 < min(mixture.dimension, instance.rank):
        return -1.0
    pairs = kernel_instance(json.loads(json.dumps(instance_fields(instance))))
    if not isinstance(pairs, Pairs):
        raise TypeError("a mixture is pairs")
    return max(-1.0, float(Line.of(pairs).gains(1.0).max())) - TOLERANCE


def sample(rng: random.Random) -> Instance:
    """Draw a mixture whose means lie on a line through 0, in two dimensions or more."""
    while True:
        instance = random_instance(rng)
        mixture = instance.shared
        if mixture.dimension > 1 and any(mixture.means[0]):
            steps = [Fraction(1), *(Fraction(rng.randint(-4, 4), 2) for _ in mixture.means[1:])]
            means = tuple(tuple(s * x for x in mixture.means[0]) for s in steps)
            line = SharedGMM(mixture.weights, means, mixture.covariances[0])
            return replace(instance, model=AugmentedPairs(line, instance.pairs.bias))


LOSSES = Counterexample(
    COUNTEREXAMPLES / "simclr-normalised-inclusion.json",
    tempting="As for InfoNCE, the part of x across S_F is noise, independent of everything else: averaging it away "
    "lowers a convex function of the scores.",
    catch="Normalised features are no linear function of x: without the noise they are ±e, as far apart where x says "
    "little about its component as where it says all. A little noise turns them aside just there, and the second term "
    "gains more than the pairs lose. At τ = 1 both losses are enclosed.",
    repaired="It holds without the normalisation (infonce-inclusion), and for r = 1 and two opposite components.",
)
EVERY_TEMPERATURE = Counterexample(
    COUNTEREXAMPLES / "simclr-normalised-inclusion-every-temperature.json",
    tempting="At another temperature, low enough or high enough, the noise would cost more than it gains.",
    catch="Two opposite components of equal weights: the pairs lose O(ε² log 1/ε) by a tilt ε of the features, and the "
    "second term gains in proportion to ε at every temperature, since |cos| ≤ 1.",
    repaired="The leak is small where the components hardly overlap, but is there.",
    near=Near(NEIGHBOURHOODS / "simclr-normalised-inclusion-near.json", CLAIM),  # of the same instance, at τ = 1
)
WITNESS = Instance(
    AugmentedPairs(SharedGMM((Fraction(1, 4), Fraction(3, 4)), ((2, 1), (-1, 1)), ((2, 1), (1, 2))), Fraction(1, 2)), 2
)

STATEMENT = Statement(
    id=ID,
    title="SimCLR with normalised features learns nothing outside the Fisher subspace",
    source=Source(
        PAPER,
        "Theorem 5.2, first half, for the features of SimCLR (arXiv:2002.05709)",
        "the sources do not claim it: their features are not normalised",
    ),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=SHARED_PAIRS,
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(CLAIM),
    witness=WITNESS,
    sample=sample,
    claim=CLAIM,
    counterexamples=(LOSSES, EVERY_TEMPERATURE),
    guarantees=(Guarantee("simclr-normalised", Column.INCLUSION),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
