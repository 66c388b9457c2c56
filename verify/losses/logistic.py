"""The logistic loss of linear maps on triplets of an augmented pair and an independent point.

With the scores z_0 = f(x)ᵀf(x̂) and z_1 = f(x)ᵀf(y), y ~ F independent,

    L(M) = E log(1 + exp(z_1 − z_0)),      M = AAᵀ, z_1 − z_0 = xᵀM(y − x̂):

InfoNCE with one negative. Given the components z_1 − z_0 is a bilinear form of independent Gaussians, x and y − x̂, so
the expectation is an integral on the line.
"""

from __future__ import annotations

from typing import Any

from thmverify.losses.expectations import Matrix, from_formula, of_gram, softplus_mean, triplets
from thmverify.losses.record import Row, Sense, Settings
from thmverify.maps import Encoder, Gram
from thmverify.models import Instance


def formula(instance: Instance, _: Settings, M: Matrix) -> Any:
    """Return L(M)."""
    return softplus_mean(triplets(instance.pairs), M)


LOSS = from_formula(
    formula,
    of_gram,
    name="logistic",
    title="Logistic",
    formula=r"\mathbb{E} \log(1 + e^{z_1 - z_0}), \quad z_0 = f(x)^T f(\hat{x}),\ z_1 = f(x)^T f(y)",
    sense=Sense.MINIMISED,
    normalisation="that of the usual code for triplets; InfoNCE with one negative to each positive",
    models=("shared-gmm", "gmm"),
    maps=(Encoder, Gram),
    map_shape='{"A": …} (d × r) or {"M": …} (d × d)',
    example=("shared-gmm.json", "encoder.json"),
    rows=(Row("logistic", "Logistic", always=False),),
)
