"""SimCLR as it is used, with normalised features g(x) = Aᵀx/|Aᵀx| (Chen et al. 2020), of linear maps.

With a temperature τ, and in the limit of many negatives less the logarithm of their number, as `infonce`,

    L(A) = E_x log E_y exp(g(x)ᵀg(y)/τ) − E g(x)ᵀg(x̂)/τ,     g(x) = 0 where Aᵀx = 0, as in the usual code.

So the loss of A = 0 is 0; for every other map that happens with probability 0. L does not change when A is multiplied
by a number. `thmverify.integrate.directions` encloses it at ranks up to 2; beyond it is sampled. It has a kink, and no
gradient, at A = 0 and at maps of rank 1 with two columns or more.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from thmverify.losses.expectations import Matrix, from_formula, normalised_infonce, of_encoder
from thmverify.losses.record import Parameter, Row, Sense, Settings
from thmverify.maps import Encoder
from thmverify.models import Instance


def formula(instance: Instance, settings: Settings, A: Matrix) -> Any:
    """Return L(A)."""
    return normalised_infonce(instance.pairs, A, settings["temperature"])


LOSS = from_formula(
    formula,
    of_encoder,
    (Parameter("temperature", Fraction(1), "τ, the temperature", least=Fraction(0), open_below=True),),
    name="simclr-normalised",
    title="SimCLR, normalised",
    formula=r"\mathbb{E}_x \log \mathbb{E}_y \exp(g(x)^T g(y)/\tau) - \mathbb{E}\, g(x)^T g(\hat{x})/\tau,"
    r" \quad g(x) = f(x)/|f(x)|",
    sense=Sense.MINIMISED,
    normalisation="the limit of the usual code as the negatives N grow, less log N; g = 0 where f = 0",
    models=("shared-gmm", "gmm"),
    maps=(Encoder,),
    map_shape='{"A": …} (d × r)',
    example=("shared-gmm.json", "encoder.json"),
    rows=(Row("simclr-normalised", "SimCLR, normalised", always=False),),
)
