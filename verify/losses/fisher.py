"""The Fisher discriminant J(A) = tr[(AᵀΣ̄A)⁻¹ AᵀSA], to be maximised (Definition 3.2).

J depends on Col(A) alone, so it is taken on a basis of Col(A) where A has dependent columns, and J(0) = 0.
∇J(A) = 2 [SA − Σ̄A G⁻¹(AᵀSA)] G⁻¹ with G = AᵀΣ̄A.
"""

from __future__ import annotations

from flint import fmpq_mat

from thmverify import exact
from thmverify.errors import InputError
from thmverify.losses.expressions import GradientExpression, ValueExpression, gram_matrix
from thmverify.losses.record import Loss, Row, Sense, deferred
from thmverify.maps import Encoder, Gram, LinearMap
from thmverify.models import GMM, Instance


def value(instance: Instance, linear_map: LinearMap) -> ValueExpression:
    """Return J(A)."""
    mixture = instance.pairs.mixture
    M = gram_matrix("fisher", linear_map, mixture.dimension)
    columns = linear_map.A if isinstance(linear_map, Encoder) else M
    basis = exact.submatrix(columns, range(columns.nrows()), exact.pivot_columns(columns))
    if basis.ncols() == 0:
        return ValueExpression(exact.to_fmpq(0))
    within, between = _moments(mixture, basis)
    return ValueExpression(exact.trace(within.solve(between)))


def gradient(instance: Instance, linear_map: LinearMap) -> dict[str, GradientExpression]:
    """Return ∇J(A) (d × r).

    Raises InputError where J is not differentiable: A with dependent columns, or M without a choice of A.
    """
    mixture = instance.pairs.mixture
    gram_matrix("fisher", linear_map, mixture.dimension)
    if not isinstance(linear_map, Encoder):
        raise InputError("map", "M", "has no gradient: J is a function of A", 'give {"A": …}')
    A = linear_map.A
    if A.rank() < A.ncols():
        rule = "has dependent columns, where J is not differentiable"
        raise InputError("A", f"rank {A.rank()} of {A.ncols()} columns", rule, "drop the dependent columns")
    within, between = _moments(mixture, A)
    residual = mixture.S * A - mixture.sigma_bar * A * within.solve(between)
    return {"A": GradientExpression(residual * within.inv() * 2)}


def _moments(mixture: GMM, A: fmpq_mat) -> tuple[fmpq_mat, fmpq_mat]:
    """Return AᵀΣ̄A and AᵀSA."""
    return A.transpose() * mixture.sigma_bar * A, A.transpose() * mixture.S * A


LOSS = Loss(
    name="fisher",
    title="Fisher discriminant",
    formula=r"J(A) = \mathrm{tr}\, (A^T \bar{\Sigma} A)^{-1} A^T S A",
    sense=Sense.MAXIMISED,
    normalisation="S is the second moment of the means, not centred, where the usual LDA centres it",
    models=("shared-gmm", "gmm"),
    maps=(Encoder, Gram),
    map_shape='{"A": …} (d × r) or {"M": …} (d × d)',
    value=value,
    gradient=gradient,
    example=("shared-gmm.json", "encoder.json"),
    rows=(Row("fisher", "Fisher", always=False),),
    minimiser=deferred("minimize.closed_forms:maximise_fisher"),
    polisher=deferred("minimize.polishing:polish_fisher"),
)
