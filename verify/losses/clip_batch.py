"""CLIP of linear maps in batches of n pairs, as it is trained (Radford et al. 2021); it depends on W = A_V A_Tᵀ alone.

With independent pairs (x_1, y_1), …, (x_n, y_n) and the scores z_ij = x_iᵀWy_j, whose law is that of every i ≠ j,

    L(W) = E[log Σ_j e^{z_1j} − z_11] + E[log Σ_i e^{z_i1} − z_11],      E z_11 = tr WᵀC_VT.

Given an image and its component the texts are independent, its own caption of the same component with probability δ
and of the mixture else: `thmverify.losses.draws`, in both directions. For n = 2 an integral on the line is left. L − 2
log n tends to the CLIP of `clip` as n grows.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flint import fmpq_mat

from thmverify import exact
from thmverify.integrate.candidates import Group
from thmverify.losses.clip import pairs_of, product_matrix
from thmverify.losses.draws import drawn_loss, log_sum_candidates, partners
from thmverify.losses.expectations import Matrix, Variables
from thmverify.losses.record import Parameter, Settings
from thmverify.maps import CLIPFactors, CLIPProduct, LinearMap
from thmverify.models import Instance


def formula(instance: Instance, settings: Settings, W: Matrix) -> Any:
    """Return L(W)."""
    model, others, one = pairs_of(instance), int(settings["batch"]) - 1, exact.to_fmpq(Fraction(1))
    laws = partners(model.vision, exact.to_fmpq(model.bias))
    drawn = [(j, one, (Group(law, 1), Group(model.vision.w, others))) for j, law in enumerate(laws)]
    to_text = log_sum_candidates(model.vision, W, drawn, model.text)
    to_image = log_sum_candidates(model.text, W.T, drawn, model.vision)
    return to_text + to_image - (W.T @ model.C).trace() * 2


def of_product(loss: str) -> Variables:
    """A loss of W = A_V A_Tᵀ."""

    def read(instance: Instance, linear_map: LinearMap) -> dict[str, fmpq_mat]:
        return {"W": product_matrix(linear_map, pairs_of(instance), loss)}

    return Variables(read)


LOSS = drawn_loss(
    formula,
    Parameter("batch", Fraction(2), "n, the pairs of a batch", least=Fraction(2), whole=True),
    of_product,
    name="clip-batch",
    title="CLIP’s W, batches",
    formula=r"\mathbb{E} \left[\log \sum_j e^{z_{1j}} - z_{11}\right] + \mathbb{E} \left[\log \sum_i e^{z_{i1}}"
    r" - z_{11}\right], \quad z_{ij} = f_V(x_i)^T f_T(y_j)",
    normalisation="the sum of both directions, 2 ClipLoss of a batch of n pairs; a temperature τ is W/τ",
    models=("clip-gmm",),
    maps=(CLIPFactors, CLIPProduct),
    map_shape='{"A_V": …, "A_T": …} or {"W": …}',
    example=("clip-gmm.json", "clip-factors.json"),
)
