"""CLIP in batches learns nothing outside the Fisher subspaces: the product W.

Let {w_k, μ_{V,k}, μ_{T,k}, Σ_V, Σ_T} be a CLIPGMM and (x_1, y_1), …, (x_n, y_n) a batch of n ≥ 2 pairs of it. With
f_V(x) = A_Vᵀx, f_T(y) = A_Tᵀy, W = A_VA_Tᵀ and the scores z_ij = x_iᵀWy_j, CLIP's loss as it is trained is

    L(A_V, A_T) = E[Σ_i (log Σ_j e^{z_ij} − z_ii) + Σ_j (log Σ_i e^{z_ij} − z_jj)].

Then Col(W*) ⊆ S_{V,F} = span{Σ_V⁻¹μ_{V,k}} and Col(W*ᵀ) ⊆ S_{T,F} for every minimiser (A_V*, A_T*) over maps with r
columns: for every batch size n ≥ 2, every r, and every law of the components of all images and texts, right captions
or not, as long as the points are independent given them. `clip-inclusion-effective` says it of the limit of large
batches. Of A_V* itself nothing is claimed: a column of A_V may be anything where that of A_T is 0. A temperature is a
scale of W.

The scores are affine in the part of one image across S_{V,F}, which is independent of everything else and has mean 0:
so the loss falls when A_V is cut, as in `convex-scores-inclusion`, and likewise for texts.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Definition 6.1 and the CLIP theorem, for the limit of large batches.
The statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import itertools
import sys
from functools import lru_cache

import numpy as np

from thmverify.exact import to_floats
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import PAIRED
from thmverify.losses.clip import paired_mixture
from thmverify.models import Floats, Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng, random_clip_instance, random_matrix
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import PAPER
from thmverify.theorems.clip.common import SYMBOLS, WITNESS
from thmverify.theorems.common import split
from thmverify.theorems.formal import formal
from thmverify.theorems.scores.common import SAMPLES, fallen, log_sum_exp
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "clip-batch-inclusion"
CONCLUSION = Conclusion(
    r"(A_V^*, A_T^*) \in \mathrm{argmin}\, L \implies \mathrm{Col}(W^*) \subseteq S_{V,F},\ "
    r"\mathrm{Col}(W^{*T}) \subseteq S_{T,F},\quad W^* = A_V^* A_T^{*T}",
    "For every batch size n ≥ 2, every law of the components of its images and texts and every r ≥ 1, "
    "W* = A_V* A_T*ᵀ has Col(W*) ⊆ S_{V,F} and Col(W*ᵀ) ⊆ S_{T,F} for every minimiser (A_V*, A_T*).",
)
PAIRS = 2  # of the batches that are sampled


def phi(z: Floats) -> Floats:
    """Return CLIP's loss of the scores of a batch, the last two axes images and texts."""
    right = np.trace(z, axis1=-2, axis2=-1)
    found: Floats = log_sum_exp(z).sum(axis=-1) + log_sum_exp(z.swapaxes(-1, -2)).sum(axis=-1) - 2 * right
    return found


@lru_cache(maxsize=4)
def gains(instance: Instance) -> tuple[float, ...]:
    """Return what L gains, on samples, when the map of one modality is cut to its part in the Fisher subspace.

    The part of an item across has a law that is the same when its sign changes, and over all changes of signs the mean
    of the scores is that of the cut map: by convexity the loss falls on every sample.
    """
    model, exact_rng = paired_mixture(instance), instance_rng(instance)
    rng, found = np.random.default_rng(exact_rng.getrandbits(32)), list[float]()
    images, texts = (x.reshape(SAMPLES, PAIRS, -1) for x in model.sample(SAMPLES * PAIRS, rng))
    for mixture, own, other, points in (
        (model.vision, images, texts, model.text),
        (model.text, texts, images, model.vision),
    ):
        A = random_matrix(exact_rng, mixture.dimension, instance.rank)
        B = to_floats(random_matrix(exact_rng, points.dimension, instance.rank))
        inside, outside = split(mixture, A)
        if fisher_subspace(mixture).dimension == mixture.dimension or not (outside * outside.transpose()).rank():
            continue
        within, across, rest = own @ to_floats(inside), own @ to_floats(outside), other @ B
        size = np.sqrt(np.mean(((within + across) @ rest.swapaxes(-1, -2)) ** 2)) + 1e-12
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=PAIRS)))
        features = within[:, None] + signs[None, :, :, None] * across[:, None]
        whole = phi(features @ rest[:, None].swapaxes(-1, -2) / size)
        found.append(fallen(whole, phi(within @ rest.swapaxes(-1, -2) / size)))
    return tuple(found)


def margin(instance: Instance) -> float:
    """Return minus the least gain: negative where cutting helps; −1 where both Fisher subspaces are everything."""
    return -min(gains(instance), default=1.0)


def examine(instance: Instance) -> Verdict:
    """Look for a map that is no worse than its part inside: floats can contradict the proof, not prove it."""
    found = gains(instance)
    if not found:
        reason = "the Fisher subspaces are the whole spaces, so they contain every column space"
        return Verdict(ID, Outcome.PROVED, reason, provenance=Provenance.EXACT)
    if min(found) < 0:
        reason = f"on samples the loss of a pair of maps is smaller than when one is cut, by {-min(found):.3g}"
        return Verdict(ID, Outcome.FAILED, reason, provenance=Provenance.FLOATING)
    least = f"{min(found):.3g} or more, up to rounding"
    reason = f"on samples the loss falls when one map is cut to its Fisher subspace, by {least}"
    return Verdict(ID, Outcome.UNDECIDED, reason, provenance=Provenance.FLOATING)


STATEMENT = Statement(
    id=ID,
    title="CLIP in batches learns nothing outside the Fisher subspaces: the product W",
    source=Source(
        PAPER,
        "the CLIP theorem (in the talk: Theorem 5.2); Definition 6.1 (in the talk: 5.1), here of finite batches",
        "the statement and its proof are ours",
    ),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=PAIRED,
    quantity=Quantity(
        r"L(A_V, A_T) = \mathbb{E}\left[\sum_i \Big(\log \sum_j e^{z_{ij}} - z_{ii}\Big) + "
        r"\sum_j \Big(\log \sum_i e^{z_{ij}} - z_{jj}\Big)\right],\quad z_{ij} = x_i^T W y_j,\quad W = A_V A_T^T"
    ),
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=random_clip_instance,
    proof=Proof("thmverify.theorems.scores.clip_batch_inclusion_proof"),
    formal=formal(ID),
    guarantees=(Guarantee("clip-batch", Column.INCLUSION),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
