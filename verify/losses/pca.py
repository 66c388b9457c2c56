"""PCA: −tr(AᵀRA) over maps with orthonormal columns, AᵀA = I, R = E xxᵀ (the talk's spectral method, uncentred)."""

from __future__ import annotations

from flint import fmpq_mat

from thmverify import exact
from thmverify.errors import InputError
from thmverify.losses.expressions import GradientExpression, ValueExpression, gram_matrix
from thmverify.losses.record import Loss, Row, Sense, deferred
from thmverify.maps import Encoder, Gram, LinearMap
from thmverify.models import Instance


def value(instance: Instance, linear_map: LinearMap) -> ValueExpression:
    """Return −tr(AᵀRA) = −⟨R, M⟩ for AᵀA = I, or M a projector."""
    mixture = instance.pairs.mixture
    return ValueExpression(-exact.inner(mixture.R, _projector(linear_map, mixture.dimension)))


def gradient(instance: Instance, linear_map: LinearMap) -> dict[str, GradientExpression]:
    """Return the derivative −R with respect to M in the ambient space; with respect to A it is −2RA."""
    mixture = instance.pairs.mixture
    _projector(linear_map, mixture.dimension)
    return {"M": GradientExpression(-mixture.R)}


def _projector(linear_map: LinearMap, dimension: int) -> fmpq_mat:
    M = gram_matrix("pca", linear_map, dimension)
    if isinstance(linear_map, Encoder):
        A = linear_map.A
        if A.transpose() * A != exact.identity(A.ncols()):
            value = [[str(x) for x in row] for row in exact.to_rows(A)]
            raise InputError(
                "A", value, "must have orthonormal columns, AᵀA = I", "e.g. columns of a rational rotation"
            )
    elif M * M != M:
        value = [[str(x) for x in row] for row in exact.to_rows(M)]
        raise InputError("M", value, "must be a projector, M² = M", "M = AAᵀ with AᵀA = I")
    return M


LOSS = Loss(
    name="pca",
    title="PCA",
    formula=r"-\mathrm{tr}\, A^T R A, \quad A^T A = I",
    sense=Sense.MINIMISED,
    normalisation="minus the variance kept, over AᵀA = I; R = E xxᵀ is not centred, where the usual code centres it",
    models=("shared-gmm", "gmm"),
    maps=(Encoder, Gram),
    map_shape='{"A": …} (AᵀA = I) or {"M": …} (M² = M)',
    value=value,
    gradient=gradient,
    example=("shared-gmm.json", "orthonormal.json"),
    rows=(Row("pca", "PCA"),),
    minimiser=deferred("minimize.closed_forms:minimise_pca"),
    polisher=deferred("minimize.polishing:polish_pca"),
)
