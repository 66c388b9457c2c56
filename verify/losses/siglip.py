"""SigLIP of linear maps on augmented pairs (Zhai et al. 2023): each pair of a batch is classified by itself.

With scores z = f(x)ᵀf(y) + b, z_0 of a positive pair and z_1 of independent points, and N negatives to each positive,

    L(M, b) = E softplus(−z_0) + N E softplus(z_1),      M = AAᵀ, z = xᵀMy + b:

given its components a score is a bilinear form of Gaussians, so each expectation is an integral on the line.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from thmverify.losses.expectations import Matrix, from_formula, negative_pairs, of_scores, positive_pairs, softplus_mean
from thmverify.losses.record import Parameter, Row, Sense, Settings
from thmverify.maps import BiasedEncoder, Encoder, Gram
from thmverify.models import Instance


def formula(instance: Instance, settings: Settings, M: Matrix, b: Matrix) -> Any:
    """Return L(M, b)."""
    pairs = instance.pairs
    positive = softplus_mean(positive_pairs(pairs), -M, -b)
    return positive + softplus_mean(negative_pairs(pairs.mixture), M, b) * settings["negatives"]


LOSS = from_formula(
    formula,
    of_scores,
    (
        Parameter(
            "negatives", Fraction(1), "N, the negatives to each positive pair", least=Fraction(0), open_below=True
        ),
    ),
    name="siglip",
    title="SigLIP",
    formula=r"\mathbb{E} \log(1 + e^{-z_0}) + N\, \mathbb{E} \log(1 + e^{z_1}), \quad z = f(x)^T f(y) + b",
    sense=Sense.MINIMISED,
    normalisation="the usual code’s sum over a batch of N + 1 pairs, divided by N + 1; a temperature is a scale of M",
    models=("shared-gmm", "gmm"),
    maps=(BiasedEncoder, Encoder, Gram),
    map_shape='{"A": …, "b": …} or, with b = 0, {"A": …} (d × r) or {"M": …} (d × d)',
    example=("shared-gmm.json", "biased-encoder.json"),
    rows=(Row("siglip", "SigLIP", always=False),),
)
