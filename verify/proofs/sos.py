"""Inequalities by exact definiteness: rational matrices, and polynomials that are sums of squares.

A certificate p = zᵀGz + Σ_i (z_iᵀG_i z_i)·e_i + Σ_j q_j·h_j, with G, G_i ⪰ 0 by a rational LDLᵀ, cited e_i ≥ 0 and
h_j = 0, proves p ≥ 0 at every real point where these hold. `search` finds one in floats, rounds it and projects it on
the exact identities; only what the check then verifies in rationals counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any, ClassVar

import cvxpy
import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray
from scipy.optimize import linprog
from sympy import Expr, ImmutableMatrix, Integer, Mul, Poly, PolynomialError, Rational, Symbol, expand
from sympy.core.relational import Equality, GreaterThan, StrictGreaterThan
from sympy.logic.boolalg import BooleanFunction
from sympy.matrices.matrixbase import MatrixBase

from verify import exact
from verify.proofs.core import Check, Claim, Context, Finding, Kind
from verify.vocabulary import PositiveDefinite

cp: Any = cvxpy  # its atoms carry no types


class PositiveSemidefinite(BooleanFunction):  # type: ignore[misc]
    """X ⪰ 0 for a symmetric matrix X; a claim, never evaluated by itself."""

    nargs = 1

    def _latex(self, printer: Any) -> str:
        return rf"{printer._print(self.args[0])} \succeq 0"


@dataclass(frozen=True)
class RationalMatrix(Check):
    """A matrix of rational numbers is positive definite or semidefinite, by an exact LDLᵀ."""

    kind: ClassVar[Kind] = Kind.PSD

    def verify(self, claim: Claim, context: Context) -> Finding:  # noqa: ARG002
        """Factor the matrix; its pivots decide."""
        if not isinstance(claim, (PositiveDefinite, PositiveSemidefinite)):
            return Finding(False, "the claim is not that a matrix is positive definite or semidefinite")
        matrix = claim.args[0]
        if not isinstance(matrix, MatrixBase) or not all(entry.is_Rational for entry in matrix):
            return Finding(False, "the matrix does not hold rational numbers alone")
        m = fmpq_mat(matrix.rows, matrix.cols, [fmpq(int(x.p), int(x.q)) for x in matrix])
        if m.nrows() != m.ncols() or not exact.is_symmetric(m):
            return Finding(False, "the matrix is not symmetric")
        factors = exact.ldl(m)
        if factors is None:
            return Finding(False, "the rational LDLᵀ meets a pivot that is not positive")
        rank, n = len(factors.pivots), m.nrows()
        if rank < n and isinstance(claim, PositiveDefinite):
            return Finding(False, f"the matrix is singular: rank {rank} of {n}")
        return Finding(True, f"rational LDLᵀ with {rank} positive pivots, exact")


@dataclass(frozen=True)
class Gram:
    """The polynomial zᵀGz of a vector z of polynomials; a sum of squares when G ⪰ 0."""

    basis: tuple[Expr, ...]
    entries: tuple[tuple[Fraction, ...], ...]

    @property
    def matrix(self) -> fmpq_mat:
        """G. Raises ValueError when it does not have one row and one column for each element of the basis."""
        n = len(self.basis)
        if len(self.entries) != n or any(len(row) != n for row in self.entries):
            raise ValueError(f"a Gram matrix of {n} polynomials has {n} rows and columns")
        return exact.matrix(self.entries, n)

    @property
    def rank(self) -> int | None:
        """How many squares there are; None when G is not symmetric and positive semidefinite."""
        factors = exact.ldl(self.matrix) if exact.is_symmetric(self.matrix) else None
        return None if factors is None else len(factors.pivots)

    @property
    def polynomial(self) -> Expr:
        """zᵀGz, expanded."""
        n = range(len(self.basis))
        terms = (Rational(self.entries[i][j]) * self.basis[i] * self.basis[j] for i, j in product(n, n))
        return expand(sum(terms, Integer(0)))


@dataclass(frozen=True)
class SumOfSquares(Check):
    """p ≥ 0, or p > 0 with a positive constant `slack` to spare, for real variables.

    `squares` maps the name of a cited e ≥ 0, or "" for e = 1, to the Gram matrix that multiplies e; `equations` maps
    the name of a cited a = b to the polynomial that multiplies a − b.
    """

    kind: ClassVar[Kind] = Kind.SUM_OF_SQUARES
    squares: Mapping[str, Gram]
    equations: Mapping[str, Expr] = field(default_factory=dict)
    slack: Fraction = Fraction(0)

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Expand the certificate, compare with p, and factor every Gram matrix."""
        if not isinstance(claim, (GreaterThan, StrictGreaterThan)):
            return Finding(False, "the claim is not that a polynomial is nonnegative or positive")
        if self.slack < 0 or (isinstance(claim, StrictGreaterThan) and self.slack == 0):
            return Finding(False, "the constant to spare is not positive")
        p = claim.lhs - claim.rhs
        polynomials = [p, *(z for gram in self.squares.values() for z in gram.basis)]
        if any(not s.is_real for q in polynomials for s in q.free_symbols) or not p.is_polynomial(*p.free_symbols):
            return Finding(False, f"{p} is not a polynomial in real symbols, or its squares are not")
        indefinite = [name for name, gram in self.squares.items() if gram.rank is None]
        if indefinite:
            return Finding(False, f"the Gram matrix {' of '.join(('', *indefinite))} is not positive semidefinite")
        try:
            difference = expand(p - self._total(context))
        except TypeError as error:
            return Finding(False, str(error))
        if difference != 0:
            return Finding(False, f"the certificate differs from the claim by {difference}")
        squares = sum(gram.rank or 0 for gram in self.squares.values())
        sizes = " and ".join(f"{len(gram.basis)}×{len(gram.basis)}" for gram in self.squares.values())
        return Finding(True, f"a rational sum of {squares} squares, its Gram matrices ({sizes}) ⪰ 0 by an exact LDLᵀ")

    def _total(self, context: Context) -> Expr:
        """Return the right-hand side of the certificate.

        Raises TypeError when a multiplied premise is not cited or not of the right form.
        """
        total: Expr = Rational(self.slack)
        for name, gram in self.squares.items():
            total += gram.polynomial * (_cited(context, name, GreaterThan) if name else Integer(1))
        for name, multiplier in self.equations.items():
            total += multiplier * _cited(context, name, Equality)
        return total


def _cited(context: Context, name: str, form: type[Any]) -> Expr:
    fact: Any = context.claims.get(name)
    if not isinstance(fact, form):
        raise TypeError(f"{name} is not a cited {'equation' if form is Equality else 'e ≥ 0'}")
    return fact.lhs - fact.rhs


# -- the search, in floats --------------------------------------------------------------------------------------------

_DENOMINATORS = (1, 60, 5040, 10**6, 10**9)
_INTERIOR = 1e-7  # a smaller least eigenvalue is taken for 0


def monomials(variables: Sequence[Symbol], degree: int) -> tuple[Expr, ...]:
    """Return the monomials of at most this degree, in a fixed order."""
    powers = (e for e in product(range(degree + 1), repeat=len(variables)) if sum(e) <= degree)
    return tuple(
        Mul(*(v**n for v, n in zip(variables, e, strict=True))) for e in sorted(powers, key=lambda e: (sum(e), e))
    )


def halves(p: Expr) -> tuple[Expr, ...]:
    """Return the monomials that a sum of squares equal to p may square: twice each lies in p's Newton polytope."""
    variables = sorted(p.free_symbols, key=str)
    powers = np.array(Poly(p, *variables).monoms(), dtype=float)
    hull = np.vstack([powers.T, np.ones(len(powers))])
    candidates = monomials(variables, int(powers.sum(axis=1).max()) // 2)
    twice = [np.array([2 * Poly(z, *variables).monoms()[0][i] for i in range(len(variables))]) for z in candidates]
    inside = [linprog(np.zeros(len(powers)), A_eq=hull, b_eq=[*point, 1.0]).success for point in twice]
    return tuple(z for z, kept in zip(candidates, inside, strict=True) if kept)


def vanishing(basis: Sequence[Expr], zeros: Sequence[Mapping[Symbol, Any]]) -> tuple[Expr, ...]:
    """Return a basis of the combinations that vanish at rational points: where p is 0, each of its squares is."""
    rows = [[Fraction(str(z.subs(point))) for z in basis] for point in zeros]
    kernel = exact.null_space(exact.matrix(rows, len(basis))) if rows else exact.identity(len(basis))
    columns = [[Rational(str(kernel[i, j])) for i in range(len(basis))] for j in range(kernel.ncols())]
    return tuple(expand(sum((c * z for c, z in zip(column, basis, strict=True)), Integer(0))) for column in columns)


def search(
    p: Expr, bases: Mapping[str, Sequence[Expr]], factors: Mapping[str, Expr] | None = None
) -> SumOfSquares | None:
    """Look for a certificate that p ≥ 0; None when no Gram matrix with positive eigenvalues is found.

    `bases` maps "" and the names of the e ≥ 0 in `factors` to the polynomials whose Gram matrix is wanted. A solver
    proposes the matrices with the largest least eigenvalue, which leaves room to round them. Where p has zeros there
    is no such room until the bases are made `vanishing` there.
    """
    given = {name: (factors or {}).get(name, Integer(1)) for name in bases}
    system, wanted = _identities(p, bases, given)
    proposed = _propose([len(b) for b in bases.values()], system, wanted)
    if proposed is None:
        return None
    for denominator in _DENOMINATORS:
        rounded = [Fraction(x).limit_denominator(denominator) for x in proposed]
        certificate = _certificate(bases, _projected(system, wanted, rounded))
        if all(gram.rank is not None for gram in certificate.squares.values()):
            return certificate
    return None


def _identities(p: Expr, bases: Mapping[str, Sequence[Expr]], factors: Mapping[str, Expr]) -> tuple[fmpq_mat, fmpq_mat]:
    """Return the linear equations on the Gram entries, row by row, that say that the certificate equals p."""
    variables = sorted(p.free_symbols.union(*(z.free_symbols for b in bases.values() for z in b)), key=str)
    products = [factors[name] * u * v for name, basis in bases.items() for u, v in product(basis, basis)]
    try:
        columns = [dict(Poly(q, *variables).terms()) for q in products]
        target = dict(Poly(p, *variables).terms())
    except PolynomialError as error:
        raise ValueError(f"{p} is not a polynomial: {error}") from None
    powers = sorted(set(target).union(*columns))
    rows = [[_fraction(column.get(power, 0)) for column in columns] for power in powers]
    return exact.matrix(rows), exact.column([_fraction(target.get(power, 0)) for power in powers])


def _fraction(x: Any) -> Fraction:
    return Fraction(str(x))


def _propose(sizes: Sequence[int], system: fmpq_mat, wanted: fmpq_mat) -> NDArray[np.float64] | None:
    """Return the entries of the Gram matrices whose least eigenvalue is largest, or None when it is not positive."""
    grams = [cp.Variable((n, n), symmetric=True) for n in sizes]
    least = cp.Variable()
    entries = cp.hstack([cp.vec(g, order="C") for g in grams])
    bounded = [least <= 1, exact.to_floats(system) @ entries == exact.to_floats(wanted).ravel()]
    problem = cp.Problem(
        cp.Maximize(least), [*bounded, *(g >> least * np.eye(n) for g, n in zip(grams, sizes, strict=True))]
    )
    try:
        problem.solve(solver=cp.CLARABEL)
    except cp.error.SolverError:
        return None
    if entries.value is None or least.value is None or least.value < _INTERIOR:
        return None
    return np.asarray(entries.value, dtype=float)


def _projected(system: fmpq_mat, wanted: fmpq_mat, entries: Sequence[Fraction]) -> list[Fraction]:
    """Return the nearest solution of the equations to rational entries, exactly; the entries when there is none."""
    x = exact.column(entries)
    independent = exact.pivot_columns(system.transpose())
    rows = exact.submatrix(system, independent, range(system.ncols()))
    values = exact.submatrix(wanted, independent, [0])
    nearest = x + rows.transpose() * (rows * rows.transpose()).solve(values - rows * x)
    return [exact.to_fraction(value) for value in nearest.entries()]


def _certificate(bases: Mapping[str, Sequence[Expr]], entries: Sequence[Fraction]) -> SumOfSquares:
    squares, at = {}, 0
    for name, basis in bases.items():
        n = len(basis)
        rows = [entries[at + i * n : at + (i + 1) * n] for i in range(n)]
        # Symmetric where the two entries of a pair stand in the same equations; averaging changes no identity.
        symmetric = tuple(tuple((rows[i][j] + rows[j][i]) / 2 for j in range(n)) for i in range(n))
        squares[name] = Gram(tuple(basis), symmetric)
        at += n * n
    return SumOfSquares(squares)


def rational_matrix(rows: Sequence[Sequence[Fraction | int]]) -> ImmutableMatrix:
    """Return a SymPy matrix of rationals, for the claim that it is positive definite or semidefinite."""
    return ImmutableMatrix([[Rational(x) for x in row] for row in rows])
