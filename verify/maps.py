"""Linear maps, exact: the encoder A, its Gram matrix M = AAᵀ, CLIP's factors and their product, SimSiam's pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from flint import fmpq, fmpq_mat

from thmverify import exact, rationals
from thmverify.errors import InputError


def _read(linear_map: object, *names: str) -> None:
    """Put exact matrices for rows of numbers as people have them. Raises InputError, as for a model."""
    for name in names:
        given = getattr(linear_map, name)
        if hasattr(given, "nrows"):  # a matrix already
            continue
        rows = rationals.rows(name, given)
        if not rows or not rows[0]:
            raise InputError(name, given, "has no entry", "write a matrix as a list of its rows")
        for i, row in enumerate(rows):
            if len(row) != len(rows[0]):
                rule = f"has {len(row)} entries where row 0 has {len(rows[0])}"
                raise InputError(f"{name}[{i}]", [*map(str, row)], rule, "give every row the same length")
        object.__setattr__(linear_map, name, exact.matrix(rows))


def _size(m: fmpq_mat) -> str:
    return f"{m.nrows()} × {m.ncols()}"


@dataclass(frozen=True)
class Encoder:
    """f(x) = Aᵀx, A of d × r: a matrix, or its rows.

    >>> Encoder([[1, 0], ["1/2", 1]]).A
    [  1, 0]
    [1/2, 1]
    """

    A: fmpq_mat

    def __post_init__(self) -> None:
        _read(self, "A")

    @property
    def M(self) -> fmpq_mat:
        """M = AAᵀ (d × d)."""
        return self.A * self.A.transpose()


@dataclass(frozen=True)
class Gram:
    """M = AAᵀ (d × d) without a choice of A.

    Raises InputError when M is not symmetric positive semidefinite, decided exactly.
    """

    M: fmpq_mat

    def __post_init__(self) -> None:
        _read(self, "M")
        if self.M.nrows() != self.M.ncols():
            raise InputError("M", _size(self.M), "must be square", "M = AAᵀ is d × d")
        if not exact.is_symmetric(self.M):
            raise InputError("M", str(exact.to_rows(self.M)), "is not symmetric", "make M equal to its transpose")
        if not exact.is_positive_semidefinite(self.M):
            value = [[str(x) for x in row] for row in exact.to_rows(self.M)]
            raise InputError("M", value, "is not positive semidefinite", "M = AAᵀ has no negative eigenvalue")


@dataclass(frozen=True)
class BiasedEncoder:
    """f(x) = Aᵀx, A of d × r, and a number b that is added to every score f(x)ᵀf(y)."""

    A: fmpq_mat
    b: fmpq

    @property
    def M(self) -> fmpq_mat:
        """M = AAᵀ (d × d)."""
        return self.A * self.A.transpose()


@dataclass(frozen=True)
class CLIPFactors:
    """f_V(x) = A_Vᵀx (A_V of d_V × r) and f_T(x) = A_Tᵀx (A_T of d_T × r).

    Raises InputError when the two have different numbers of columns.
    """

    A_V: fmpq_mat
    A_T: fmpq_mat

    def __post_init__(self) -> None:
        _read(self, "A_V", "A_T")
        if self.A_V.ncols() != self.A_T.ncols():
            rule = f"has {self.A_T.ncols()} columns where A_V has {self.A_V.ncols()}"
            raise InputError("A_T", _size(self.A_T), rule, "give both the same number of columns r")

    @property
    def W(self) -> fmpq_mat:
        """W = A_V A_Tᵀ (d_V × d_T)."""
        return self.A_V * self.A_T.transpose()


@dataclass(frozen=True)
class CLIPProduct:
    """W = A_V A_Tᵀ (d_V × d_T) without a choice of factors."""

    W: fmpq_mat


@dataclass(frozen=True)
class SimSiamPair:
    """Encoder A (d × r) and predictor P (r × r).

    Raises InputError when P is not r × r.
    """

    A: fmpq_mat
    P: fmpq_mat

    def __post_init__(self) -> None:
        r = self.A.ncols()
        if (self.P.nrows(), self.P.ncols()) != (r, r):
            raise InputError("P", _size(self.P), f"must be {r} × {r}", "the predictor acts on the r outputs of A")


LinearMap: TypeAlias = Encoder | Gram | BiasedEncoder | CLIPFactors | CLIPProduct | SimSiamPair
