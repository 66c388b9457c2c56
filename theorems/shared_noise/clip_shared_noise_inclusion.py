"""Image and caption that share noise: CLIP is hoped to stay inside the Fisher subspace. It learns the noise.

Setting as in `clip-shared-noise-bound`; on an instance the noises of the first coordinates are correlated, Γ =
Σ_V e₁e₁ᵀΣ_T/max(Σ_V,₁₁, Σ_T,₁₁). The claim is that Col(W*) ⊆ S_{V,F} for every minimiser, for every δ ∈ (0, 1] and
every r.

It is false, for one Gaussian with mean 0 already: S_{V,F} = {0}, and the gradient of the loss at W = 0 is −2δΓ ≠ 0.
For r > dim S_{V,F} it holds exactly when e₁ ∈ S_{V,F}. If e₁ ∈ S_{V,F} the bound says so. If not, there are v across
S_{V,F}, vᵀμ_{V,k} = 0 for all k, and u with vᵀΓu ≠ 0; a W inside has rank < r, so that W + t vuᵀ is that of maps of r
columns too, and the derivative of L along it at t = 0 is −2δ vᵀΓu: what the logarithms see of vᵀx_V is noise of mean
0, independent of all else that they see.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, the CLIP theorem; Definition 6.1, whose modalities share no noise.
The claim is the theorem's, carried over.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from thmverify.certifying.formulas import name, rank
from thmverify.evidence import ByKernel, Counterexample, Fails, Near
from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import PAIRED, SOME_MATCHED
from thmverify.losses.clip import paired_mixture
from thmverify.models import CLIPGMM, Instance, SharedGMM
from thmverify.randomised import run_alone
from thmverify.sampling import random_clip_instance
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import COUNTEREXAMPLES, NEIGHBOURHOODS
from thmverify.theorems.clip.common import QUANTITY, SYMBOLS, WITNESS
from thmverify.theorems.shared_noise.common import CLIP_ROW, is_inside, source
from thmverify.verdicts import Status

ID = "clip-shared-noise-inclusion"
CONCLUSION = Conclusion(
    r"(A_V^*, A_T^*) \in \mathrm{argmin}\, L \implies \mathrm{Col}(W^*) \subseteq S_{V,F},\quad W^* = A_V^* A_T^{*T}",
    "For image and caption that share noise, every δ ∈ (0, 1] and every r, W* = A_V* A_T*ᵀ has Col(W*) ⊆ S_{V,F} for "
    "every minimiser (A_V*, A_T*).",
)


def margin(instance: Instance) -> float:
    """Return 1 where e₁ is not in S_{V,F} and r > dim S_{V,F}, −1 elsewhere: exactly."""
    model = paired_mixture(instance)
    free = instance.rank > fisher_subspace(model.vision).dimension and model.bias > 0
    return 1.0 if free and not is_inside(model.vision) else -1.0


def sample(rng: random.Random) -> Instance:
    """Draw a paired mixture with δ > 0; the images of half of them have mean 0."""
    instance = random_clip_instance(rng)
    model = paired_mixture(instance)
    vision, bias = model.vision, model.bias or Fraction(1, 2)
    if rng.random() < 0.5:
        vision = SharedGMM(vision.weights, [[0] * vision.dimension] * vision.components, vision.covariance)
    return replace(instance, model=CLIPGMM(vision, model.text, bias))


ONE = Counterexample(
    COUNTEREXAMPLES / "clip-shared-noise-inclusion.json",
    tempting="What a caption tells about its image goes through the component, and that is in S_{V,F}.",
    catch="The two agree in all that they share, noise or not: the loss learns what x_V tells about x_T.",
    repaired="Col(W*) ⊆ S_{V,F} + Σ_V⁻¹Col Γ (clip-shared-noise-bound).",
    near=Near(
        NEIGHBOURHOODS / "clip-shared-noise-inclusion-near.json",
        Fails((name("bias") > 0) & (rank(name("vision_fisher")) == 0), "S_{V,F} = {0}, and W = 0 is not stationary"),
    ),
)

STATEMENT = Statement(
    id=ID,
    title="CLIP on pairs that share noise learns nothing outside the Fisher subspace: the product W",
    source=source("the CLIP theorem, without the independence in Definition 6.1"),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(*PAIRED, SOME_MATCHED),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    claim=ID,
    witness=WITNESS,
    sample=sample,
    counterexamples=(ONE,),
    guarantees=(Guarantee(CLIP_ROW, Column.INCLUSION),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
