"""InfoNCE with a temperature, a weight on its second term, and negatives drawn with other component weights.

    L(M) = −E[f(x)ᵀf(x̂)]/τ + λ E_x log E_{y ~ F_v} exp(f(x)ᵀf(y)/τ),     F_v = Σ_k v_k N(μ_k, Σ_k),

with v = (1 − β) w + β/K: β = 0 draws negatives from the data (InfoNCE for τ = λ = 1), β = 1 from every component alike.
λ is the weight of uniformity against alignment (Wang and Isola 2020).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from thmverify import exact
from thmverify.losses.expectations import Matrix, from_formula, log_mean_exp, of_gram
from thmverify.losses.record import Parameter, Row, Sense, Settings
from thmverify.maps import Encoder, Gram
from thmverify.models import Instance


def formula(instance: Instance, settings: Settings, M: Matrix) -> Any:
    """Return L(M)."""
    pairs, mixture = instance.pairs, instance.pairs.mixture
    scaled = M * (1 / settings["temperature"])
    even, K = exact.to_fmpq(settings["balance"]), mixture.components
    weights = [w * (1 - even) + even / K for w in mixture.w]
    uniformity = log_mean_exp(mixture, scaled, weights=weights)
    return uniformity * settings["uniformity"] - (pairs.C @ scaled).trace()


LOSS = from_formula(
    formula,
    of_gram,
    (
        Parameter("temperature", Fraction(1), "τ, which divides every score", least=Fraction(0), open_below=True),
        Parameter("uniformity", Fraction(1), "λ, the weight of the second term", least=Fraction(0), open_below=True),
        Parameter("balance", Fraction(0), "β, the share of evenly drawn negatives", Fraction(0), most=Fraction(1)),
    ),
    name="infonce-weighted",
    title="InfoNCE, weighted",
    formula=r"-\tfrac{1}{\tau} \mathbb{E}\, f(x)^T f(\hat{x})"
    r" + \lambda\, \mathbb{E}_x \log \mathbb{E}_{y \sim F_v} \exp(f(x)^T f(y) / \tau)",
    sense=Sense.MINIMISED,
    normalisation="as for infonce: the limit of the usual code as the negatives N grow, less λ log N",
    models=("shared-gmm", "gmm"),
    maps=(Encoder, Gram),
    map_shape='{"A": …} (d × r) or {"M": …} (d × d)',
    example=("shared-gmm.json", "encoder.json"),
    rows=(Row("infonce-weighted", "InfoNCE, weighted", always=False),),
)
