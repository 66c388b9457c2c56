"""InfoNCE of a sample is hoped to stay inside the Fisher subspace as the population loss does. It does not.

Let (x_i, x̂_i), i = 1, …, n, be independent augmented pairs of a SharedGMM, and

    L̂(A) = (1/n) Σ_i [−f(x_i)ᵀf(x̂_i) + log (1/n) Σ_j exp f(x_i)ᵀf(x̂_j)],   f(x) = Aᵀx,

the loss of the batch. The claim is that almost surely each minimiser Â of L̂, if there is one, has Col(Â) ⊆ S_F. It is
false for every mixture with S_F ≠ R^d, by exact samples: pairs that disagree along S_F and agree across it, (s, −s)
and (−s, s) for each s of a basis of S_F, ±(2v, v) and ±(v, 2v) for each v of one across. L̂ is convex in M = AAᵀ; at M =
0 its slope is positive in every direction inside S_F, so that no map inside does better than A = 0, and negative along
vvᵀ, so that a map outside does. There is a minimiser: if each x is paired with the x̂ of its neighbour, s with s and 2v
with 2v, all scores rise, and L̂, which is at least the mean of x_iᵀM(x̂_j − x̂_i) less log n for any such j, grows with M
without bound. The inequalities are strict: they hold for all samples near, and as a pair has a density that is
positive everywhere, such samples have positive probability. Noise that happens to agree is learnt.

This is not how most samples leak. There S_F is learnt, and the noise of the sample besides: how much of it there may be
is `sample-deviation`. A minimiser need not exist either: `sample-existence`.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, first half, is about the population loss; its figures
train on samples.

Status: refuted.
"""

from __future__ import annotations

import random
import sys

from flint import fmpq_mat

from thmverify import exact
from thmverify.certifying.formulas import name, rank
from thmverify.evidence import ByKernel, Counterexample, Fails, Near
from thmverify.hypotheses import SHARED_PAIRS
from thmverify.models import Instance
from thmverify.randomised import run_alone
from thmverify.sampling import random_instance
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import COUNTEREXAMPLES, NEIGHBOURHOODS
from thmverify.theorems.infonce.common import WITNESS
from thmverify.theorems.samples.common import QUANTITY, SYMBOLS, Pairs, contrary, source
from thmverify.verdicts import Status

ID = "sample-inclusion"
CONCLUSION = Conclusion(
    r"\Pr\big(\hat A \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} \hat L(A) \implies "
    r"\mathrm{Col}(\hat A) \subseteq S_F\big) = 1",
    "For every number n of independent pairs, Col(Â) ⊆ S_F for every minimiser Â of L̂ over R^{d×r}, almost surely.",
)
ROOM = Fails(rank(name("fisher")) < name("d"), "S_F is not everything, and there are samples that leak")


def leaking(instance: Instance) -> tuple[Pairs, fmpq_mat, fmpq_mat] | None:
    """Return pairs, a basis of S_F (d × m) and a v orthogonal to S_F (d × 1); None where S_F = R^d."""
    basis = fisher_subspace(instance.shared).basis
    across = exact.null_space(basis.transpose()) if basis.ncols() else exact.identity(instance.shared.dimension)
    if not across.ncols():
        return None
    v = exact.submatrix(across, range(across.nrows()), [0])
    return contrary(basis, across), basis, v


def margin(instance: Instance) -> float:
    """Return how L̂ of those pairs falls along vvᵀ at M = 0, relative to |v|⁴; −1 where S_F = R^d."""
    found = leaking(instance)
    if found is None:
        return -1.0
    pairs, _, v = found
    fall = exact.inner(v, pairs.descent * v) / exact.inner(v, v) ** 2
    return float(exact.to_fraction(fall))


def sample(rng: random.Random) -> Instance:
    """Draw a mixture whose S_F is the whole space, where it holds."""
    while True:
        instance = random_instance(rng)
        if fisher_subspace(instance.shared).dimension == instance.shared.dimension:
            return instance


STATEMENT = Statement(
    id=ID,
    title="InfoNCE of a sample learns nothing outside the Fisher subspace",
    source=source("Theorem 5.2, first half, for samples"),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=SHARED_PAIRS,
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    claim=ID,
    witness=WITNESS,
    sample=sample,
    counterexamples=(
        Counterexample(
            COUNTEREXAMPLES / "sample-inclusion.json",
            tempting="Noise is independent in the two points of a pair, so that nothing is gained by it.",
            catch="In the mean. In a sample the noise of pairs happens to agree somewhere, and L̂ falls there.",
            repaired="How far Â is from the population's minimiser is bounded by how far L̂ deviates "
            "(sample-deviation).",
            near=Near(NEIGHBOURHOODS / f"{ID}-near.json", ROOM),
        ),
    ),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
