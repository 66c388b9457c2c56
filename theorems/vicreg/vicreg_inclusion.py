"""VICReg with many columns learns noise: its covariances push columns out of S_F.

Let {w_k, μ_k, Σ_k} be a Gaussian mixture, (x, x̂) its augmented pairs with bias δ ∈ (0, 1], f(x) = Aᵀx, and L the
loss of VICReg with its usual weights 25, 25 and 1: invariance, a hinge on standard deviations, and covariances of
columns. The claim is that Col(A*) ⊆ S_F for every minimiser A* of L.

It is false. The hinge lets no column be 0, and columns on one line are correlated. Where S_LDA is a line and ρ the
canonical correlation of x with x̂, they leave it for ρ ≤ r/200: two columns where the signal is faint, ρ = 1/101, and
sixty-four, as many as an instance may have, where two components are one standard deviation apart, ρ = 1/5. Real
models have thousands. It holds for r ≤ dim S_LDA, whatever the mixture, and where S_LDA is a line and ρ ≥ (2/25) r
min(1, 1/(4(1 − ρ)))².

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, first half, for the loss of Bardes, Ponce, LeCun,
arXiv:2105.04906, of linear maps. The claim is the theorem's, carried over.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from thmverify.evidence import ByKernel, Counterexample, Near
from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import BIAS_POSITIVE, PAIRS
from thmverify.instances import MAX_SIZE
from thmverify.models import Instance
from thmverify.randomised import run_alone
from thmverify.sampling import random_biased_instance
from thmverify.statement import Conclusion, Statement
from thmverify.theorems import COUNTEREXAMPLES, NEIGHBOURHOODS
from thmverify.theorems.vicreg.common import QUANTITY, ROW, apart, columns_leak, short_of, source
from thmverify.verdicts import Status
from thmverify.vocabulary import entries

ID = "vicreg-inclusion"
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A) \implies \mathrm{Col}(A^*) \subseteq S_F",
    "For every δ ∈ (0, 1] and every r, Col(A*) ⊆ S_F for every minimiser A* of L.",
)


def sample(rng: random.Random) -> Instance:
    """Draw a mixture, with one covariance or several, δ > 0, and few columns or many."""
    instance = random_biased_instance(rng)
    return replace(instance, rank=rng.choice([1, 2, instance.pairs.mixture.components, MAX_SIZE]))


STATEMENT = Statement(
    id=ID,
    title="VICReg learns nothing outside the Fisher subspace",
    source=source("Theorem 5.2, first half, for another loss"),
    status=Status.REFUTED,
    symbols=entries("d", "K", "r", "m", "w", "Sigma_k", "delta"),
    hypotheses=(*PAIRS, BIAS_POSITIVE),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=short_of,
    examine=ByKernel(ID),
    claim=ID,
    witness=apart(Fraction(1, 10), 1),
    sample=sample,
    counterexamples=(
        Counterexample(
            COUNTEREXAMPLES / "vicreg-inclusion.json",
            tempting="Across S_F x and x̂ are not correlated: a column there costs the most that invariance can cost.",
            catch="The hinge lets no column vanish. A second one on the same line costs more by its covariance with "
            "the first than it saves where pairs agree little: ρ = 1/101.",
            repaired="It holds for r ≤ dim S_LDA, and where S_LDA is a line and ρ ≥ (2/25) r min(1, 1/(4(1 − ρ)))².",
            near=Near(NEIGHBOURHOODS / "vicreg-inclusion-near.json", columns_leak()),
        ),
        Counterexample(
            COUNTEREXAMPLES / "vicreg-inclusion-many.json",
            tempting="Where pairs agree better, ρ = 1/5, columns on the line cost little.",
            catch="Sixty-four of them cost more by their covariances, which grow with the square of their number.",
            repaired="On a line as many columns as (25/2) ρ max(1, 4(1 − ρ))² stay inside.",
            near=Near(NEIGHBOURHOODS / "vicreg-inclusion-many-near.json", columns_leak()),
        ),
    ),
    guarantees=(Guarantee(ROW, Column.INCLUSION),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
