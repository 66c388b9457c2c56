"""PCA: −tr(AᵀRA) over maps with orthonormal columns, AᵀA = I, R = E xxᵀ (the talk's spectral method, uncentred)."""

from __future__ import annotations

from flint import fmpq_mat

from thmverify import exact
from thmverify.errors import InputError
from thmverify.losses.expressions import GradientExpression, Loss, ValueExpression, gram_matrix
from thmverify.maps import Encoder, LinearMap
from thmverify.models import Instance


class PCA(Loss):
    """The PCA objective, negated so that it is minimised."""

    name = "pca"
    title = "PCA"

    def value(self, instance: Instance, linear_map: LinearMap) -> ValueExpression:
        """Return −tr(AᵀRA) = −⟨R, M⟩ for AᵀA = I, or M a projector."""
        mixture = instance.pairs.mixture
        return ValueExpression(-exact.inner(mixture.R, _projector(linear_map, mixture.dimension)))

    def gradient(self, instance: Instance, linear_map: LinearMap) -> dict[str, GradientExpression]:
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
