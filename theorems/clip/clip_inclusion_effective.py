"""The CLIP theorem for W = A_V A_Tᵀ: CLIP learns nothing outside the Fisher subspaces.

Let {w_k, μ_{V,k}, μ_{T,k}, Σ_V, Σ_T} be a CLIP Gaussian mixture, (x_V, x_T) its pairs, of which a share δ are matched
(δ = 1 in the source), S_{V,F} and S_{T,F} the Fisher subspaces of the two modalities and

    L(A_V, A_T) = −2E[f_V(x_V)ᵀf_T(x_T)] + E log E exp(f_V(x_V)ᵀf_T(y_T)) + E log E exp(f_V(y_V)ᵀf_T(x_T)),

f_V(x) = A_Vᵀx and f_T(x) = A_Tᵀx with r columns each, y_V and y_T independent of the pair. L depends on W = A_V A_Tᵀ
alone. Then Col(W*) ⊆ S_{V,F} and Col(W*ᵀ) ⊆ S_{T,F} for every minimiser and every stationary pair (A_V*, A_T*), for
every δ and every r: the source's r ≥ K is not needed. Stronger: wherever W has a part outside, L strictly increases
when that part alone is scaled up. The source says this of A_V* and A_T* themselves: see `clip-inclusion-literal`.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, the CLIP theorem (the talk's Theorem 5.2; CLIPGMM is Definition 6.1
of the paper and 5.1 of the talk). The statement about W, stationary pairs, δ < 1, every r and the proof are ours.

Status: proved.
"""

from __future__ import annotations

import sys
from fractions import Fraction

from flint import fmpq_mat

from thmverify import exact
from thmverify.evidence import ByKernel
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import ENOUGH_COLUMNS, PAIRED
from thmverify.losses.clip import paired_mixture
from thmverify.maps import CLIPFactors
from thmverify.models import Instance, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng, random_clip_instance, random_matrix
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import PAPER
from thmverify.theorems.clip.common import QUANTITY, SYMBOLS, WITNESS, leaks
from thmverify.theorems.common import split
from thmverify.theorems.formal import formal
from thmverify.verdicts import Status

ID = "clip-inclusion-effective"
CONCLUSION = Conclusion(
    r"(A_V^*, A_T^*) \in \mathrm{argmin}\, L \text{ or } \nabla L(A_V^*, A_T^*) = 0 \implies "
    r"\mathrm{Col}(W^*) \subseteq S_{V,F},\ \mathrm{Col}(W^{*T}) \subseteq S_{T,F},\quad W^* = A_V^* A_T^{*T}",
    "For every δ ∈ [0, 1] and every r ≥ 1, W* = A_V* A_T*ᵀ has Col(W*) ⊆ S_{V,F} and Col(W*ᵀ) ⊆ S_{T,F} for every "
    "minimiser and every stationary pair (A_V*, A_T*); and with A_V = A_in + A_out, A_in in S_{V,F} and A_out "
    "orthogonal to the means, t ↦ L(A_in + t·A_out, A_T) is strictly increasing for t ≥ 0 unless A_out A_Tᵀ = 0; "
    "likewise for A_T.",
)


# -- on one instance --------------------------------------------------------------------------------------------------


def leaking_map(instance: Instance, mixture: SharedGMM, columns: fmpq_mat) -> fmpq_mat:
    """Return A = U·columns, U random: its part in S_F has rank at most 2, so that integrals have few dimensions."""
    basis, rng = fisher_subspace(mixture).basis, instance_rng(instance)
    rank = min(2, basis.ncols())
    inside = basis * random_matrix(rng, basis.ncols(), rank) * random_matrix(rng, rank, columns.nrows())
    outside = split(mixture, random_matrix(rng, mixture.dimension, columns.nrows()))[1]
    return (inside + outside) * columns


def worst_slope(instance: Instance, columns: tuple[fmpq_mat, fmpq_mat]) -> float:
    """Return the smallest slope over its least, of W at two sizes; infinite where both S_F are everything.

    `columns` are the matrices that the columns of the two random maps are mixed by.
    """
    model = paired_mixture(instance)
    A_V, A_T = (leaking_map(instance, m, c) for m, c in zip((model.vision, model.text), columns, strict=True))
    found = []
    for size in (Fraction(1, 2), Fraction(3)):  # of x_VᵀW y_T, the square root of its mean square
        spread = exact.inner(A_V.transpose() * model.vision.R * A_V, A_T.transpose() * model.text.R * A_T)
        if spread:
            scale = exact.to_fmpq(size / Fraction(float(exact.to_fraction(spread)) ** 0.5).limit_denominator(1000))
            found += leaks(instance, CLIPFactors(A_V * scale, A_T))
    return min((leak.slope / leak.least for leak in found), default=float("inf"))


def margin(instance: Instance) -> float:
    """Return −slope / least slope, the worst over random maps: at most −1 by the proof, positive where L decreases."""
    whole = exact.identity(instance.rank)
    return max(-worst_slope(instance, (whole, whole)), -1e6)


STATEMENT = Statement(
    id=ID,
    title="CLIP learns nothing outside the Fisher subspaces: the product W",
    source=Source(
        PAPER,
        "the CLIP theorem (in the talk: Theorem 5.2); Definition 6.1 (in the talk: 5.1)",
        "the source's claim is about A_V and A_T; about W, for stationary pairs, every δ and every r it is ours",
    ),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=PAIRED,
    redundant=(ENOUGH_COLUMNS,),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    claim=ID,
    witness=WITNESS,
    sample=random_clip_instance,
    proof=Proof("thmverify.theorems.clip.clip_inclusion_effective_proof"),
    formal=formal(ID),
    guarantees=(Guarantee("clip-product", Column.INCLUSION),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
