"""What a loss is made of, exactly: a rational number plus log-sum-exp integrals, and the same for its gradient.

A loss module states these expressions once; `thmverify.losses.levels` evaluates them in float64, mpmath and Arb.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.errors import InputError
from thmverify.integrate.candidates import ReducedCandidates
from thmverify.integrate.directions import Directions
from thmverify.integrate.problem import Reduced
from thmverify.integrate.scores import ReducedScores
from thmverify.integrate.transport import Transport
from thmverify.maps import Encoder, Gram, LinearMap


@dataclass(frozen=True)
class ValueExpression:
    """`rational` + Σ over `logarithms` of E log Σ_k w_k exp(…) + Σ over `scores` of E softplus(…) + Σ c log a + Σ c √a
    + Σ over `candidates` of E log Σ_i e^{z_i} + Σ over `directions` of InfoNCE of normalised features
    + Σ over `transports` of the transport of a mixture to itself.

    Each integral comes with its coefficient; `constants` holds the pairs (c, a) of logarithms, `roots` those of roots,
    a > 0. Exact when no integral, logarithm or root is left to do.
    """

    rational: fmpq
    logarithms: tuple[Reduced, ...] = ()
    scores: tuple[ReducedScores, ...] = ()
    constants: tuple[tuple[fmpq, fmpq], ...] = ()
    roots: tuple[tuple[fmpq, fmpq], ...] = ()
    candidates: tuple[ReducedCandidates, ...] = ()
    directions: tuple[Directions, ...] = ()
    transports: tuple[Transport, ...] = ()

    @property
    def known(self) -> fmpq:
        """The rational part, with the offsets of the reduced integrals."""
        return self.rational + sum((term.coefficient * term.offset for term in self.logarithms), fmpq(0))

    @property
    def is_exact(self) -> bool:
        """Whether the value is the rational number `known`."""
        turned = any(term.rank for term in self.directions) or any(term.rank for term in self.transports)
        left = self.scores or self.constants or self.roots or self.candidates or turned
        return not left and all(term.problem.is_zero for term in self.logarithms)


@dataclass(frozen=True)
class SoftmaxTerm:
    """Σ_k E[p_k x] r_kᵀ + Σ_k E[p_k x xᵀ] N_k, p the softmax of the reduced integral.

    first: K × d' with rows r_k. second: K matrices N_k (d × d'), or none when all are 0.
    form: the term itself, its transpose, or its symmetric part.
    """

    reduced: Reduced
    first: fmpq_mat
    second: tuple[fmpq_mat, ...] = ()
    form: Literal["plain", "transposed", "symmetric"] = "plain"


@dataclass(frozen=True)
class Pullback:
    """What a term of a formula adds to the derivative with respect to one of its matrices, times a coefficient.

    term: a `Term` of `thmverify.losses.expectations`. variable: the matrix (see `thmverify.losses.matrices`);
    `symmetric` takes the symmetric part.
    """

    coefficient: fmpq
    term: Any
    variable: Any
    symmetric: bool


@dataclass(frozen=True)
class GradientExpression:
    """The derivative with respect to one matrix: `rational` plus terms with integrals."""

    rational: fmpq_mat
    terms: tuple[SoftmaxTerm | Pullback, ...] = field(default=())


def gram_matrix(loss: str, linear_map: LinearMap, dimension: int) -> fmpq_mat:
    """Return M = AAᵀ of an encoder or a Gram matrix on R^d.

    Raises InputError for another kind of map or another dimension.
    """
    match linear_map:
        case Encoder(A):
            check_rows("A", A, dimension)
        case Gram(M):
            check_rows("M", M, dimension)
        case _:
            raise wrong_map(loss, linear_map, '{"A": …} (d × r) or {"M": …} (d × d)')
    return linear_map.M


def gram_factors(loss: str, linear_map: LinearMap, dimension: int) -> tuple[fmpq_mat, fmpq_mat]:
    """Return B (d × ρ, independent columns) and Y ≻ 0 (ρ × ρ) with M = B Y Bᵀ.

    Raises InputError as `gram_matrix` does.
    """
    if not isinstance(linear_map, Encoder):
        M = gram_matrix(loss, linear_map, dimension)
        J = exact.pivot_columns(M)
        return exact.submatrix(M, range(dimension), J), exact.submatrix(M, J, J).inv()
    A = linear_map.A
    check_rows("A", A, dimension)
    reduced, rho = A.rref()
    X = exact.submatrix(reduced, range(rho), range(A.ncols()))
    return exact.submatrix(A, range(dimension), exact.pivot_columns(A)), X * X.transpose()


def check_rows(name: str, m: fmpq_mat, dimension: int) -> None:
    """Raise InputError unless the matrix has `dimension` rows."""
    if m.nrows() != dimension:
        rule = f"must have {dimension} rows, the dimension of x"
        raise InputError(name, f"{m.nrows()} × {m.ncols()}", rule, "give one row per coordinate of x")


def wrong_map(loss: str, linear_map: LinearMap, wanted: str) -> InputError:
    """Return the error for a map of the wrong kind."""
    kind = type(linear_map).__name__
    return InputError("map", kind, f"is not a map that the loss {loss} takes", f"give {wanted}")


def columns(m: fmpq_mat) -> list[fmpq_mat]:
    """Return the columns of m as n × 1 matrices."""
    return [exact.submatrix(m, range(m.nrows()), [j]) for j in range(m.ncols())]
