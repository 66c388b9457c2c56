"""With fewer columns than dim S_F, SimSiam may keep any directions of S_F: stationary is not best.

Setting and loss as in `simsiam-inclusion`, η = 0, δ > 0 and r < dim S_F. The claim is that Fisher's J is as large as on
any r columns on Col(A), for every stationary pair (A, P) with r independent columns and an invertible predictor.

The column spaces of these pairs are the r-dimensional R⁻¹C-invariant subspaces of S_F, all of them. ∂_A L = 0 says that
RAPᵀ = CA, so Col(A) is invariant. If RAX = CA and X is invertible, (A, Xᵀ) is stationary: AᵀRAX = AᵀCA is symmetric, so
∂_P L = XᵀAᵀRA − AᵀCA = 0. And R⁻¹C is invertible on S_F, since Col(C) = Col(S) for δ > 0. So nothing ranks directions:
for the components (±2, ±1) with Σ = I and δ = 1, A = (0, 1)ᵀ with P = 1/2 is stationary, J(A) = 1, and J is 4 on
(1, 0)ᵀ.

The claim holds on an instance exactly if Σ̄⁻¹S is a multiple of I on S_F, where J is the same on all r columns. For let
v_1, …, v_m be eigenvectors of R⁻¹C that span S_F. If any r of them span a top-r eigenspace of Σ̄⁻¹S, then the v_i
themselves are eigenvectors of it, as intersections of such spaces, and exchanging one for another shows that their
eigenvalues are the same.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Definition 3.2 and the result on SimSiam announced in the abstract.
The source claims no optimality for r < dim S_F: the question is ours.

Status: refuted.
"""

from __future__ import annotations

import itertools
import random
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
from flint import fmpq_mat

from thmverify import vocabulary
from thmverify.certifying.formulas import name, rank
from thmverify.evidence import ByKernel, Counterexample, Fails, Near
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import BIAS_POSITIVE, FEWER_COLUMNS, NO_WEIGHT_DECAY, PAIRS
from thmverify.maps import SimSiamPair
from thmverify.minimize.closed_forms import Pencil
from thmverify.models import AugmentedPairs, Instance
from thmverify.randomised import run_alone
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import COUNTEREXAMPLES, NEIGHBOURHOODS, PAPER
from thmverify.theorems.common import TOLERANCE, corners, missed
from thmverify.theorems.simsiam.common import QUANTITY, SYMBOLS, sample_anywhere
from thmverify.verdicts import Status

ID = "simsiam-top-r"
CONCLUSION = Conclusion(
    r"\nabla L(A, P) = 0,\ \mathrm{rank}\, A = r,\ P \text{ invertible} \implies "
    r"J(A) = \max_{B \in \mathbb{R}^{d \times r}} J(B)",
    "For every stationary pair (A, P) with r independent columns and an invertible predictor P, J(A) is as large as on "
    "any map of r columns.",
)


def with_predictor(instance: Instance, A: fmpq_mat) -> SimSiamPair:
    """Return (A, P) with ∂_P L = 0, P = (AᵀCA)(AᵀRA)⁻¹, for independent columns and η = 0."""
    pairs = instance.pairs
    within, across = A.transpose() * pairs.mixture.R * A, A.transpose() * pairs.C * A
    return SimSiamPair(A, across * within.inv())


def margin(instance: Instance) -> float:
    """Return what J misses on the worst r eigenvectors of R⁻¹C, relative to its largest value, less a tolerance."""
    mixture, r = instance.pairs.mixture, instance.rank
    V = Pencil(instance.pairs.C, mixture.R).vectors(fisher_subspace(mixture).dimension)
    V = V / np.linalg.norm(V, axis=0)
    chosen = itertools.combinations(range(V.shape[1]), r)
    return max(missed(mixture, V[:, columns], r) for columns in map(list, chosen)) - TOLERANCE


def sample(rng: random.Random) -> Instance:
    """Draw an instance without weight decay, δ > 0 and r < dim S_F."""
    while True:
        instance = sample_anywhere(rng)
        mixture, bias = instance.pairs.mixture, instance.pairs.bias or Fraction(rng.randint(1, 20), 20)
        dimension = fisher_subspace(mixture).dimension
        if dimension > 1:
            return replace(instance, model=AugmentedPairs(mixture, bias), rank=rng.randint(1, dimension - 1))


T = name("covariance") ** -1 @ name("S")
UNLIKE = Fails(
    (name("weight_decay") == 0)
    & (name("bias") > 0)
    & (name("r") == 1)
    & (name("d") == rank(name("fisher")))
    & (T[0, 0] != T[1, 1]),
    "every eigenvector of R⁻¹C is stationary, and Σ⁻¹S is no multiple of I",
)
SECOND_BEST = Counterexample(
    COUNTEREXAMPLES / "simsiam-top-r.json",
    tempting="The fit E‖PAᵀx − Aᵀx̂‖² rewards what x and x̂ share most, which is the direction in which the components "
    "differ most.",
    catch="The target Aᵀx̂ is held fixed, so an A along (0, 1) predicts its own target as well as it can and stays "
    "there, with J(A) = 1 where (1, 0)ᵀ has 4.",
    repaired="It holds exactly where Σ̄⁻¹S is a multiple of I on S_F. The spectral contrastive loss is optimal for "
    "every centred mixture (spectral-top-r).",
    near=Near(NEIGHBOURHOODS / "simsiam-top-r-near.json", UNLIKE),
)
WRONG_PAIRS = replace(
    SECOND_BEST,
    evidence=COUNTEREXAMPLES / "simsiam-top-r-biased.json",
    near=Near(NEIGHBOURHOODS / "simsiam-top-r-biased-near.json", UNLIKE),
)

STATEMENT = Statement(
    id=ID,
    title="SimSiam with fewer columns than dim S_F learns the best directions",
    source=Source(
        PAPER,
        "the result on SimSiam announced in the abstract; Definition 3.2",
        "the source claims no optimality for r < dim S_F; the question is ours",
    ),
    status=Status.REFUTED,
    symbols=(*SYMBOLS, *vocabulary.entries("m")),
    hypotheses=(*PAIRS, NO_WEIGHT_DECAY, BIAS_POSITIVE, FEWER_COLUMNS),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    claim=ID,
    witness=corners((1, 1), (1, 1)),
    sample=sample,
    counterexamples=(SECOND_BEST, WRONG_PAIRS),
    guarantees=(Guarantee("simsiam", Column.TOP_R),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
