"""Linear SimSiam: encoder A (d × r), predictor P (r × r), a stop-gradient on the target.

L(A, P) = ½ E‖P Aᵀx − sg(Aᵀx̂)‖² + (η/2)(‖P‖² + ‖A‖²). Since x and x̂ have the same law and C is symmetric,

    L = ½ tr(P AᵀRA Pᵀ) − tr(P AᵀCA) + ½ tr(AᵀRA) + (η/2)(‖P‖² + ‖A‖²).

Its "gradient" is what training follows: the target sg(Aᵀx̂) is held fixed,

    ∂_P = P AᵀRA − AᵀCA + ηP,     ∂_A = R A PᵀP − C A P + ηA.
"""

from __future__ import annotations

from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.losses.expressions import GradientExpression, ValueExpression, check_rows, wrong_map
from thmverify.losses.record import Loss, Row, Sense, deferred
from thmverify.maps import LinearMap, SimSiamPair
from thmverify.models import Instance


def value(instance: Instance, linear_map: LinearMap) -> ValueExpression:
    """Return L(A, P)."""
    A, P = _pair(instance, linear_map)
    within, across = _moments(instance, A)
    decay = exact.to_fmpq(instance.weight_decay) * (exact.inner(P, P) + exact.inner(A, A)) / 2
    fit = exact.inner(P * within, P) / 2 + exact.trace(within) / 2 - exact.inner(P.transpose(), across)
    return ValueExpression(fit + decay)


def gradient(instance: Instance, linear_map: LinearMap) -> dict[str, GradientExpression]:
    """Return ∂_A (d × r) and ∂_P (r × r) with the target held fixed."""
    A, P = _pair(instance, linear_map)
    within, across = _moments(instance, A)
    decay: fmpq = exact.to_fmpq(instance.weight_decay)
    pairs = instance.pairs
    along_A = pairs.mixture.R * A * P.transpose() * P - pairs.C * A * P + A * decay
    along_P = P * within - across + P * decay
    return {"A": GradientExpression(along_A), "P": GradientExpression(along_P)}


def _pair(instance: Instance, linear_map: LinearMap) -> tuple[fmpq_mat, fmpq_mat]:
    if not isinstance(linear_map, SimSiamPair):
        raise wrong_map("simsiam", linear_map, '{"A": …, "P": …}')
    check_rows("A", linear_map.A, instance.pairs.mixture.dimension)
    return linear_map.A, linear_map.P


def _moments(instance: Instance, A: fmpq_mat) -> tuple[fmpq_mat, fmpq_mat]:
    """Return AᵀRA and AᵀCA (r × r)."""
    pairs = instance.pairs
    return A.transpose() * pairs.mixture.R * A, A.transpose() * pairs.C * A


LOSS = Loss(
    name="simsiam",
    title="SimSiam",
    formula=r"\tfrac{1}{2}\mathbb{E} \| P A^T x - \mathrm{sg}(A^T \hat{x}) \|^2"
    r" + \tfrac{\eta}{2} (\| P \|^2 + \| A \|^2)",
    sense=Sense.STATIONARY,
    normalisation="half the squared distance where the usual code has a cosine; η is the optimiser’s weight decay",
    models=("shared-gmm", "gmm"),
    maps=(SimSiamPair,),
    map_shape='{"A": …, "P": …}',
    value=value,
    gradient=gradient,
    example=("shared-gmm.json", "simsiam.json"),
    rows=(Row("simsiam", "SimSiam"),),
    minimiser=deferred("minimize.simsiam:stationary_simsiam"),
    polisher=deferred("minimize.polishing:polish_simsiam"),
)
