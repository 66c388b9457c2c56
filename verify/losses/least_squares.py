"""The least-squares loss of linear maps on triplets of an augmented pair and an independent point, which is rational.

With the scores z_0 = f(x)ᵀf(x̂) and z_1 = f(x)ᵀf(y), y ~ F independent, R_k = Σ_k + μ_kμ_kᵀ, R = Σ_k w_k R_k,
C = E xx̂ᵀ and N_k = δR_k + (1 − δ)R, the second moment of x beside an x̂ of component k,

    L(M) = E(1 + z_1 − z_0)²,      M = AAᵀ,
    L(M) = 1 + 2(μ̄ᵀMμ̄ − tr CM) + tr MRMR − 2 Σ_k w_k μ_kᵀMN_kMμ̄ + Σ_k w_k tr MN_kMR_k.
"""

from __future__ import annotations

from typing import Any

from thmverify import exact
from thmverify.losses.expectations import Matrix, column, from_formula, of_gram
from thmverify.losses.record import Row, Sense, Settings
from thmverify.maps import Encoder, Gram
from thmverify.models import Instance


def formula(instance: Instance, _: Settings, M: Matrix) -> Any:
    """Return L(M)."""
    pairs, mixture = instance.pairs, instance.pairs.mixture
    delta = exact.to_fmpq(pairs.bias)
    mean = mixture.mean
    value = 1 + 2 * (M @ (mean * mean.transpose() - pairs.C)).trace() + (M @ mixture.R @ M @ mixture.R).trace()
    for k, w in enumerate(mixture.w):
        mu = column(mixture.mu, k)
        own = mixture.sigmas[k] + mu * mu.transpose()
        beside = own * delta + mixture.R * (1 - delta)
        value += w * (M @ beside @ M @ (own - mean * mu.transpose() * 2)).trace()
    return value


LOSS = from_formula(
    formula,
    of_gram,
    name="least-squares",
    title="Least squares",
    formula=r"\mathbb{E} (1 + z_1 - z_0)^2, \quad z_0 = f(x)^T f(\hat{x}),\ z_1 = f(x)^T f(y)",
    sense=Sense.MINIMISED,
    normalisation="the triplet loss with a square in the place of the hinge, and the margin 1",
    models=("shared-gmm", "gmm"),
    maps=(Encoder, Gram),
    map_shape='{"A": …} (d × r) or {"M": …} (d × d)',
    example=("gmm.json", "encoder.json"),
    rows=(Row("least-squares", "Least squares", always=False),),
)
