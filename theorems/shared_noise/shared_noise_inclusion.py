"""Pairs that share noise: InfoNCE is hoped to stay inside the Fisher subspace. It learns the noise that they share.

Setting as in `shared-noise-bound`; on an instance both points of a pair keep the noise of the first coordinate. The
claim is that Col(A*) ⊆ S_F for every minimiser A*, for every δ ∈ (0, 1] and every r.

It is false, for one Gaussian already: S_F = {0}, and L(A) = −δ tr(AᵀΓA) + ½ tr((AᵀΣA)²) is negative for a small A along
e₁. For any mixture and r > dim S_F it holds exactly when e₁ ∈ S_F. If e₁ ∈ S_F the bound says so. If not, there is a v
across S_F, vᵀμ_k = 0 for all k, with vᵀΓv = (vᵀΣe₁)²/Σ₁₁ > 0; a map A inside has rank < r, so that AAᵀ + t vvᵀ is that
of a map of r columns too, for t ≥ 0, and the derivative of L along it at t = 0 is −δ vᵀΓv < 0: v is Σ-orthogonal to
Col(A), the softmax weights do not see vᵀx, which is noise of mean 0, and the quadratic part of L begins with t².

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, first half; Definition 5.1, whose pairs share no noise.
The claim is the theorem's, carried over.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from thmverify.certifying.formulas import is_within, matrix, name, rank
from thmverify.evidence import ByKernel, Counterexample, Fails, Near
from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import BIAS_POSITIVE, SHARED_PAIRS
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.randomised import run_alone
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import COUNTEREXAMPLES, NEIGHBOURHOODS
from thmverify.theorems.shared_noise.common import QUANTITY, ROW, SYMBOLS, is_inside, source
from thmverify.theorems.shared_noise.common import sample as sample_anywhere
from thmverify.verdicts import Status

ID = "shared-noise-inclusion"
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A) \implies \mathrm{Col}(A^*) \subseteq S_F",
    "For pairs that share noise, every δ ∈ (0, 1] and every r, Col(A*) ⊆ S_F for every minimiser A* of L over R^{d×r}.",
)


def margin(instance: Instance) -> float:
    """Return 1 where e₁ is not in S_F and r > dim S_F, −1 elsewhere: exactly."""
    free = instance.rank > fisher_subspace(instance.shared).dimension and instance.pairs.bias > 0
    return 1.0 if free and not is_inside(instance.shared) else -1.0


def sample(rng: random.Random) -> Instance:
    """Draw a mixture in two dimensions or more with δ > 0."""
    instance = sample_anywhere(rng)
    bias = instance.pairs.bias or Fraction(rng.randint(1, 20), 20)
    return replace(instance, model=AugmentedPairs(instance.shared, bias))


OUTSIDE = ~is_within(matrix([["1"], ["0"]]), name("fisher"))
KEPT_OUTSIDE = Fails(
    (name("bias") > 0) & (rank(name("fisher")) < name("r")) & OUTSIDE,
    "e₁, whose noise the pairs keep, is not in S_F, and there is a column for it",
)
ONE = Counterexample(
    COUNTEREXAMPLES / "shared-noise-inclusion.json",
    tempting="What tells components apart is in S_F, and the loss contrasts pairs against independent points.",
    catch="The pairs agree in all that they share, noise or not: the loss learns what x tells about x̂.",
    repaired="Col(A*) ⊆ S_F + Σ⁻¹Col(Γ + Γᵀ) (shared-noise-bound).",
    near=Near(NEIGHBOURHOODS / "shared-noise-inclusion-near.json", KEPT_OUTSIDE),
)
TWO = replace(
    ONE,
    evidence=COUNTEREXAMPLES / "shared-noise-inclusion-biased.json",
    near=Near(NEIGHBOURHOODS / "shared-noise-inclusion-biased-near.json", KEPT_OUTSIDE),
)

STATEMENT = Statement(
    id=ID,
    title="InfoNCE on pairs that share noise learns nothing outside the Fisher subspace",
    source=source("Theorem 5.2, first half, without the independence in Definition 5.1"),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(*SHARED_PAIRS, BIAS_POSITIVE),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    claim=ID,
    witness=Instance(AugmentedPairs(SharedGMM((Fraction(1, 2),) * 2, ((1, 0), (-1, 0)))), 2),
    sample=sample,
    counterexamples=(ONE, TWO),
    guarantees=(Guarantee(ROW, Column.INCLUSION),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
