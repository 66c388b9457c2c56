"""Centred, the linear spectral contrastive loss learns the best r directions, for every r.

Let {w_k, μ_k, Σ_k} be a Gaussian mixture with mean 0, (x, x̂) its augmented pairs with bias δ ∈ (0, 1] and L the
spectral contrastive loss of the maps f(x) = Aᵀx, A ∈ R^{d×r} (see `spectral-inclusion`). For every r, Col(A*) of every
minimiser is spanned by generalised eigenvectors Sv = λΣ̄v at the r largest eigenvalues: no map of r columns has a larger
Fisher discriminant J(A) = tr[(AᵀΣ̄A)⁻¹AᵀSA]. In the linear case this answers the talk's wish for "a better contrastive
loss"; for InfoNCE with r < dim S_F columns see `infonce-top-r`.

Centring is needed: for δ < 1 the mean direction enters C = δS + (1 − δ)μ̄μ̄ᵀ a second time, and can win over a direction
that separates better. At δ = 1 it does not: C = S.

Source: the loss is that of HaoChen et al., arXiv:2106.04156; J is Definition 3.2 of Bansal, Kavis, Sanghavi,
arXiv:2411.03517. The statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import scipy

from thmverify import exact, vocabulary
from thmverify.certifying.formulas import determinant, matrix, name, rank
from thmverify.evidence import Break, ByKernel, Counterexample, Fails, Near
from thmverify.exact import to_floats
from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import BIAS_POSITIVE, CENTRED, ENOUGH_COLUMNS, PAIRS, SHARED_COVARIANCE
from thmverify.minimize.closed_forms import Pencil
from thmverify.models import GMM, AugmentedPairs, Instance, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import random_biased_instance
from thmverify.statement import Conclusion, Statement
from thmverify.theorems import COUNTEREXAMPLES, NEIGHBOURHOODS
from thmverify.theorems.formal import formal
from thmverify.theorems.spectral.common import QUANTITY, source
from thmverify.verdicts import Status

ID = "spectral-top-r"
CLAIM = "spectral-top-r"
SYMBOLS = vocabulary.entries("d", "K", "r", "w", "mubar", "Sigma_k", "delta")
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A),\ F \text{ a basis of } \mathrm{Col}(A^*) \implies "
    r"J(F) = \max_{\mathrm{rank}\, B = q \leq r} J(B),\ B \in \mathbb{R}^{d \times q};\qquad "
    r"r \leq \dim S_F \implies \mathrm{rank}\, A^* = r",
    "For every δ > 0 and every r ≥ 1, Col(A*) of every minimiser A* of L over R^{d×r} is spanned by generalised "
    "eigenvectors Sv = κΣ̄v at the r largest κ, by fewer if all the others are 0; and J(B) ≤ J(F) for every basis F of "
    "Col(A*) and every B of at most r independent columns. If r ≤ dim S_F then the columns of A* are independent, so "
    "J(A*) itself is the largest value.",
)
TOLERANCE = 1e-6  # of the float64 eigenvectors, on nearly singular covariances


def margin(instance: Instance) -> float:
    """Return by how much J(A*) falls short of the best map of r columns, relative to that, less a tolerance.

    In float64: A* from the closed form, J from its column space.
    """
    mixture, r = instance.pairs.mixture, instance.rank
    best = float(np.sum(Pencil(mixture.S, mixture.sigma_bar).values[:r]))
    A = Pencil(instance.pairs.C, mixture.R).vectors(min(r, instance.pairs.C.rank()))
    if A.shape[1] == 0 or best <= 0:
        return -TOLERANCE if exact.is_zero(mixture.S) else 1.0
    A = A / np.linalg.norm(A, axis=0)
    within, between = (A.T @ to_floats(m) @ A for m in (mixture.sigma_bar, mixture.S))
    return 1 - float(np.sum(scipy.linalg.eigh(between, within, eigvals_only=True))) / best - TOLERANCE


def centred(instance: Instance) -> Instance:
    """Return the instance moved so that its mean is 0."""
    mixture = instance.pairs.mixture
    mean = [row[0] for row in exact.to_rows(mixture.mean)]
    means = tuple(tuple(x - a for x, a in zip(row, mean, strict=True)) for row in mixture.means)
    moved = GMM(mixture.weights, means, mixture.covariances)
    return replace(instance, model=AugmentedPairs(moved, instance.pairs.bias))


def sample(rng: random.Random) -> Instance:
    """Draw a mixture with mean 0 and δ > 0."""
    return centred(random_biased_instance(rng))


def _mean_generates() -> Fails:
    """Return that for d = m = 2 Σ⁻¹μ̄ and TΣ⁻¹μ̄, T = Σ⁻¹S, span S_F; then no line is T- and R⁻¹C-invariant."""
    T, mean, (first, second) = name("covariance") ** -1 @ name("S"), name("mean"), ([["1", "0"]], [["0", "1"]])
    start = name("covariance") ** -1 @ mean
    both = start @ matrix(first) + T @ start @ matrix(second)
    plane = (name("d") == 2) & (rank(name("fisher")) == 2) & (name("r") == 1)
    biased = (name("bias") > 0) & (name("bias") < 1)
    why = "μ̄ generates S_F, so a line that is invariant under R⁻¹C is not under Σ⁻¹S"
    return Fails(plane & biased & (determinant(both) != 0), why)


MEAN_WINS = Counterexample(  # of the claim without centring
    COUNTEREXAMPLES / "spectral-top-r.json",
    "",
    "",
    "",
    near=Near(NEIGHBOURHOODS / "spectral-top-r-near.json", _mean_generates()),
)
THREE = SharedGMM((Fraction(1, 4), Fraction(1, 4), Fraction(1, 2)), ((2, 0), (0, 2), (-1, -1)), ((2, 1), (1, 3)))
WITNESS = Instance(AugmentedPairs(THREE, Fraction(1, 10)), 1)

STATEMENT = Statement(
    id=ID,
    title="The spectral contrastive loss learns the r best directions of a centred mixture",
    source=source("Definitions 3.2 and 5.1"),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=(*PAIRS, BIAS_POSITIVE, CENTRED),
    redundant=(SHARED_COVARIANCE, ENOUGH_COLUMNS),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(CLAIM),
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.spectral.spectral_top_r_proof"),
    formal=formal(ID),
    claim=CLAIM,
    breaks=(
        Break("centred", MEAN_WINS.instance, ByKernel(CLAIM)),
        Break("bias-positive", Instance(AugmentedPairs(THREE, Fraction(0)), 1), ByKernel(CLAIM)),
    ),
    guarantees=(Guarantee("spectral", Column.TOP_R),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
