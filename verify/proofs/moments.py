"""Checks of Gaussian moments: second moments word by word, and the closed form of the moment generating function."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from sympy import Eq, Expr, Integer, MatrixSymbol, Rational, Symbol, Trace, exp, integrate, oo, pi, simplify, sqrt
from sympy.core.relational import Equality
from sympy.logic.boolalg import BooleanFunction
from sympy.matrices.expressions.matexpr import MatrixExpr

from verify.proofs.algebra import Algebra, Expression, Poly, Word
from verify.proofs.core import Check, Claim, Context, Finding, Kind


class Mean(Expr):  # type: ignore[misc]
    """𝔼 of a scalar that depends on random columns."""

    is_commutative = True

    def _latex(self, printer: Any) -> str:
        return rf"\mathbb{{E}}\left[{printer._print(self.args[0])}\right]"


class LogMean(Expr):  # type: ignore[misc]
    """log 𝔼 exp of a scalar, over one random column (the second argument) with the others held fixed."""

    is_commutative = True

    def _latex(self, printer: Any) -> str:
        scalar, column = (printer._print(a) for a in self.args)
        return rf"\log \mathbb{{E}}_{{{column}}} \exp\left({scalar}\right)"


class MatrixMean(MatrixExpr):  # type: ignore[misc]
    """𝔼 of a matrix that depends on random columns."""

    @property
    def shape(self) -> Any:
        """The shape of the matrix."""
        return self.args[0].shape

    def _latex(self, printer: Any) -> str:
        return rf"\mathbb{{E}}\left[{printer._print(self.args[0])}\right]"


class Gaussian(BooleanFunction):  # type: ignore[misc]
    """A random column is Gaussian with mean 0 and this covariance, independent of the component."""

    nargs = 2

    def _latex(self, printer: Any) -> str:
        column, covariance = (printer._print(a) for a in self.args)
        return rf"{column} \sim \mathcal{{N}}(0, {covariance})"


@cache
def _scalar_mgf_holds() -> bool:
    """Integrate ∫ e^{az} e^{−z²/2}/√(2π) dz symbolically and compare with e^{a²/2}."""
    z, a = Symbol("z", real=True), Symbol("a", real=True)
    integral = integrate(exp(a * z - z**2 / 2), (z, -oo, oo)) / sqrt(2 * pi)
    return bool(simplify(integral - exp(a**2 / 2)) == 0)


@dataclass(frozen=True)
class _Law:
    """The second moments 𝔼[abᵀ] of random columns that the cited claims state."""

    algebra: Algebra
    second: dict[tuple[str, str], Poly]
    sizes: dict[str, Expression]

    @classmethod
    def cited(cls, context: Context) -> _Law:
        """Collect the second moments from the cited claims."""
        second: dict[tuple[str, str], Poly] = {}
        sizes: dict[str, Expression] = {}
        for fact in context.facts(Equality):
            if isinstance(fact.lhs, MatrixMean):
                a, b = fact.lhs.args[0].args
                sizes |= {a.name: a.shape[0], b.arg.name: b.arg.shape[0]}
                second[a.name, b.arg.name] = context.algebra.words(fact.rhs)
                second[b.arg.name, a.name] = context.algebra.words(fact.rhs.T)
        for fact in context.facts(Gaussian):
            column, covariance = fact.args
            sizes[column.name] = column.shape[0]
            second[column.name, column.name] = context.algebra.words(covariance)
        return cls(context.algebra, second, sizes)

    @property
    def random(self) -> frozenset[str]:
        """The names of the random columns."""
        return frozenset(name for pair in self.second for name in pair)

    def mean(self, poly: Poly) -> Poly:
        """Return the mean of a sum of traces, each with no random column or with two.

        Raises TypeError when a trace has another number of random columns, or two whose moment is not stated.
        """
        out: Poly = {}
        for word, c in poly.items():
            for result, factor in self._word_mean(word).items():
                out[result] = out.get(result, Integer(0)) + c * factor
        return {word: c.expand() for word, c in out.items() if c.expand() != 0}

    def _word_mean(self, word: Word) -> Poly:
        found = sum(name in self.random for name, _, _ in word)
        if found == 0:
            return {word: Integer(1)}
        if found != 2:
            raise TypeError("a trace with one or more than two random columns")
        for candidate in (word, tuple((n, i, not t) for n, i, t in reversed(word))):
            for at in range(len(candidate)):
                (a, _, a_flipped), (b, _, b_flipped), *rest = candidate[at:] + candidate[:at]
                if a in self.random and b in self.random and b_flipped and not a_flipped and (a, b) in self.second:
                    inner = {u + tuple(rest): c for u, c in self.second[a, b].items()}
                    return self.algebra.trace(inner, self.sizes[a])
        raise TypeError("a trace holds two random columns whose joint moment is not stated")


@dataclass(frozen=True)
class SecondMoment(Check):
    """The mean of a quadratic in the random columns, from their stated second moments."""

    kind: ClassVar[Kind] = Kind.GAUSSIAN_MOMENT

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Replace each product abᵀ of random columns by its stated mean; compare the normal forms."""
        if not (isinstance(claim, Equality) and isinstance(claim.lhs, Mean)):
            return Finding(False, "the claim is not the value of a mean")
        try:
            mean = _Law.cited(context).mean(context.algebra.scalar(claim.lhs.args[0]))
            wanted = context.algebra.scalar(claim.rhs)
        except TypeError as error:
            return Finding(False, str(error))
        if mean != wanted:
            return Finding(False, "the mean, computed from the second moments, is not the one claimed")
        return Finding(
            True, "each product of two random columns has its stated mean; the normal forms agree, any dimension"
        )


@dataclass(frozen=True)
class GeneratingFunction(Check):
    """log 𝔼 exp(a + bᵀξ) = a + ½ bᵀΣb for ξ ~ N(0, Σ)."""

    kind: ClassVar[Kind] = Kind.GAUSSIAN_MOMENT

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Compute mean and variance of the exponent and compare with the claim."""
        if not (isinstance(claim, Equality) and isinstance(claim.lhs, LogMean)):
            return Finding(False, "the claim is not the value of a log-mean")
        exponent, column = claim.lhs.args
        covariance = next((f.args[1] for f in context.facts(Gaussian) if f.args[0] == column), None)
        if covariance is None:
            return Finding(False, f"nothing cited says that {column} is Gaussian")
        if not _scalar_mgf_holds():
            return Finding(False, "SymPy does not confirm the scalar moment generating function")
        try:
            computed = log_mean(context.algebra, exponent, column, covariance)
            wanted = context.algebra.scalar(claim.rhs)
        except TypeError as error:
            return Finding(False, str(error))
        if computed != wanted:
            return Finding(False, "mean + ½ variance of the exponent is not what is claimed")
        how = "mean + ½ variance of the exponent, by normal forms for every dimension"
        return Finding(True, f"{how}; SymPy integrates the scalar case")


def log_mean(algebra: Algebra, exponent: Expression, column: MatrixSymbol, covariance: Expression) -> Poly:
    """Return log 𝔼 exp of a scalar that is affine in one Gaussian column with mean 0.

    Raises TypeError when the exponent is not affine in the column.
    """
    total: Poly = {}
    rows: list[tuple[Any, Word]] = []
    for word, c in algebra.scalar(exponent).items():
        count = sum(name == column.name for name, _, _ in word)
        if count > 1:
            raise TypeError(f"the exponent is not affine in {column}")
        if count == 0:
            total[word] = total.get(word, Integer(0)) + c
        else:
            rows.append((c, _row(word, column.name)))
    middle = algebra.words(covariance)
    for c1, u in rows:
        for c2, v in rows:
            back = tuple((n, i, not t) for n, i, t in reversed(v))
            for word, c in algebra.trace({u + s + back: c for s, c in middle.items()}).items():
                total[word] = total.get(word, Integer(0)) + Rational(1, 2) * c1 * c2 * c
    return {word: c.expand() for word, c in total.items() if c.expand() != 0}


def _row(word: Word, column: str) -> Word:
    """Return the row u with tr(word) = uᵀξ: the word rotated, and transposed if need be, so that ξ comes last."""
    at = next(i for i, (name, _, _) in enumerate(word) if name == column)
    if word[at][2]:
        return _row(tuple((n, i, not t) for n, i, t in reversed(word)), column)
    return word[at + 1 :] + word[:at]


@dataclass(frozen=True)
class IndependentNoise(Check):
    """noiseᵀx is Gaussian with mean 0, independent of the component and of keptᵀx, where x = centre + ξ.

    The claim is the log-mean of exp(uᵀkeptᵀx + vᵀnoiseᵀx): it must be a sum of a part without v and a part in v alone,
    quadratic in v, and without the component's label.
    """

    kind: ClassVar[Kind] = Kind.GAUSSIAN_MOMENT
    kept: Expression
    noise: Expression
    point: Expression
    label: MatrixSymbol
    tests: tuple[MatrixSymbol, MatrixSymbol]

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Check the generating function, then that it factors."""
        closed_form = GeneratingFunction().verify(claim, context)
        if not closed_form.passed:
            return closed_form
        u, v = self.tests
        exponent = Trace(u.T * self.kept.T * self.point) + Trace(v.T * self.noise.T * self.point)
        if not context.equal(exponent, claim.lhs.args[0]).passed:
            return Finding(False, "the claim is not about the two parts of x")
        for word in context.algebra.scalar(claim.rhs):
            names = [name for name, _, _ in word]
            if v.name in names and (names.count(v.name) != 2 or u.name in names or self.label.name in names):
                return Finding(False, "the noise has a mean, or depends on the component or on the part kept")
        how = "the joint generating function factors; the noise's factor is even and knows no component"
        return Finding(True, f"{how}: {closed_form.how}")


def mean_equation(a: MatrixSymbol, b: MatrixSymbol, value: Expression) -> Equality:
    """Return the claim 𝔼[abᵀ] = value."""
    return Eq(MatrixMean(a * b.T), value)
