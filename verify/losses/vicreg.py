"""VICReg of linear maps f(x) = Aᵀx, from exact moments (Bardes, Ponce, LeCun 2022).

With C_v = Cov x, C_p = Cov(x, x̂) = C − μ̄μ̄ᵀ and the covariances c_ij = a_iᵀC_v a_j of features, of x and of x̂ alike,

    L(A) = a E|f(x) − f(x̂)|² + v Σ_i max(0, 1 − √c_ii) + 2c Σ_{i≠j} c_ij²,

and E|Aᵀ(x − x̂)|² = 2 tr Aᵀ(C_v − C_p)A, as x and x̂ have the same law. So L is a polynomial in A and the roots of the
variances, with no integral: rational where each of these is the square of a rational number or at least 1. It has a
kink where a variance is 0 or 1, and at the latter minimisers may lie. The usual code adds 10⁻⁴ to variances under the
root; we do not.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from thmverify.losses.expectations import Matrix, from_formula, hinge, of_encoder
from thmverify.losses.record import Parameter, Row, Sense, Settings, deferred
from thmverify.maps import Encoder
from thmverify.models import Instance


def formula(instance: Instance, settings: Settings, A: Matrix) -> Any:
    """Return L(A)."""
    pairs = instance.pairs
    mixture = pairs.mixture
    covariance = mixture.R - mixture.mean * mixture.mean.transpose()
    features = A.T @ covariance @ A
    apart = (A.T @ (mixture.R - pairs.C) @ A).trace()
    variances = features.diagonal()
    off = (features * features).total() - (variances * variances).total()
    polynomial = apart * (2 * settings["invariance"]) + off * (2 * settings["covariance"])
    return hinge(variances) * settings["variance"] + polynomial


LOSS = from_formula(
    formula,
    of_encoder,
    (
        Parameter("invariance", Fraction(25), "a, the weight of E|f(x) − f(x̂)|²", least=Fraction(0)),
        Parameter("variance", Fraction(25), "v, the weight of the hinge on standard deviations", least=Fraction(0)),
        Parameter("covariance", Fraction(1), "c, the weight of the covariances of features", least=Fraction(0)),
    ),
    name="vicreg",
    title="VICReg",
    formula=r"a\, \mathbb{E} \| f(x) - f(\hat{x}) \|^2 + v \sum_i \max(0, 1 - \sqrt{c_{ii}})"
    r" + 2c \sum_{i \neq j} c_{ij}^2, \quad c_{ij} = a_i^T \mathrm{Cov}(x)\, a_j",
    sense=Sense.MINIMISED,
    normalisation="the usual code’s loss times r, without the 10⁻⁴ that it adds to variances under the root",
    models=("shared-gmm", "gmm"),
    maps=(Encoder,),
    map_shape='{"A": …} (d × r)',
    example=("shared-gmm.json", "encoder.json"),
    rows=(Row("vicreg", "VICReg", always=False),),
    minimiser=deferred("minimize.vicreg:minimise_vicreg"),
    polisher=deferred("minimize.vicreg:polish_vicreg"),
)
