"""Checks of convexity, of Jensen's inequality, and of the tangent of a convex function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, TypeAlias

import cvxpy as cp
from sympy import (
    Add,
    Basic,
    Derivative,
    Expr,
    Ge,
    Gt,
    IndexedBase,
    Integer,
    MatrixSymbol,
    Mul,
    Rational,
    Subs,
    Sum,
    Symbol,
    diff,
    exp,
    log,
    simplify,
)
from sympy.core.relational import Equality
from sympy.logic.boolalg import BooleanFunction

from verify.proofs.algebra import Expression
from verify.proofs.core import Check, Claim, Context, Finding, Kind
from verify.proofs.moments import IndependentNoise, Mean
from verify.vocabulary import K, k, w

Squares: TypeAlias = Callable[[Sequence[Any], Sequence[Any], Sequence[Any]], list[tuple[Expr, Expr]]]
_SIZES = (1, 2, 3, 4)


class Convex(BooleanFunction):  # type: ignore[misc]
    """A named function φ of a column z is a convex formula of numbers y_k that are linear in z.

    The arguments are the name, the formula, y, the linear form that is y_k at a component's label, and z.
    """

    nargs = 5

    def _latex(self, printer: Any) -> str:
        name, formula, y, form, z = (printer._print(a) for a in self.args)
        return rf"{name}({z}) = {formula} \text{{ is convex}},\quad {y}_k = {form}"


class Apply(Expr):  # type: ignore[misc]
    """A named function applied to a column."""

    is_commutative = True

    def _latex(self, printer: Any) -> str:
        name, column = (printer._print(a) for a in self.args)
        return rf"{name}\left({column}\right)"


@dataclass(frozen=True)
class ConvexFunction(Check):
    """A function of the numbers y_1…y_K is convex: by cvxpy's DCP rules, and by an exact Hessian.

    `squares(weights, y, v)` gives coefficients and linear forms with vᵀ∇²v = Σ coefficient·form², each coefficient
    nonnegative. Weights count as positive only where a cited premise says so.
    """

    kind: ClassVar[Kind] = Kind.CONVEX
    squares: Squares

    def introduced(self, claim: Claim) -> tuple[Basic, ...]:
        """The name of the function."""
        return claim.args[:1] if isinstance(claim, Convex) else ()

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Check both arguments, the Hessian for each of a few numbers of components."""
        if not isinstance(claim, Convex):
            return Finding(False, "the claim is not that a function is convex")
        _, formula, y, form, z = claim.args
        if not _is_linear(context, form, z):
            return Finding(False, f"{form} is not linear in {z}")
        return _convexity(formula, y, context.cites(Gt(w[k], 0)), self.squares)


@lru_cache(maxsize=64)
def _convexity(formula: Expr, y: IndexedBase, positive: bool, squares: Squares) -> Finding:
    """Decide whether a formula in y_1…y_K and the weights is convex in y."""
    for n in _SIZES:
        weights = [Symbol(f"w{i}", real=True, positive=positive or None) for i in range(n)]
        points = [Symbol(f"y{i}", real=True) for i in range(n)]
        explicit = _explicit(formula, y, weights, points)
        if not _is_dcp_convex(explicit, weights, points):
            return Finding(False, f"{formula} is not convex by the DCP rules")
        finding = _hessian(explicit, weights, points, squares)
        if not finding.passed:
            return finding
    how = "cvxpy's DCP rules; exactly, the Hessian is the sum of squares that the script names"
    some = f"{how} for {_SIZES[0]} to {_SIZES[-1]} terms"
    return Finding(
        True, f"{some}, and a variance for every number of terms" if positive and is_variance(formula, y) else some
    )


def is_variance(formula: Expr, y: IndexedBase) -> bool:
    """Decide whether the second derivative of a formula along every direction is a variance, whatever K is.

    With t_k = w_k e^{y_k} and P_i = Σ_k t_k v_k^i, that of log Σ_k t_k along v is P_2/P_0 − (P_1/P_0)², the variance of
    v under the weights t_k/P_0. A nonnegative multiple of it will do.
    """
    s, v = Symbol("s", real=True), IndexedBase("v")
    moved = formula.xreplace({y[k]: y[k] + s * v[k]})
    second = diff(moved, s, 2).subs(s, 0)
    powers = [Symbol(f"P{i}", positive=True) for i in range(3)]
    second = second.replace(lambda e: isinstance(e, Sum), lambda e: _power_sum(e, y, v, powers))
    variance = powers[2] / powers[0] - (powers[1] / powers[0]) ** 2
    factor = simplify(second / variance)
    return bool(factor.is_nonnegative) and not factor.free_symbols


def _power_sum(total: Sum, y: IndexedBase, v: IndexedBase, powers: Sequence[Symbol]) -> Expr:
    """Return c·P_i for a sum c·Σ_k w_k e^{y_k} v_k^i; the sum itself when it is none of these."""
    for i, power in enumerate(powers):
        factor = simplify(total.function / (w[k] * exp(y[k]) * v[k] ** i))
        if total.limits == ((k, 1, K),) and factor.is_number:
            return factor * power
    return total


def _hessian(formula: Expr, weights: Sequence[Symbol], points: Sequence[Symbol], squares: Squares) -> Finding:
    v = [Symbol(f"v{i}", real=True) for i in range(len(points))]
    directions = list(zip(v, points, strict=True))
    form = sum(a * b * diff(formula, y, z) for a, y in directions for b, z in directions)
    terms = squares(weights, points, v)
    if not all(coefficient.is_nonnegative for coefficient, _ in terms):
        return Finding(False, "a coefficient of the Hessian's squares is not known to be nonnegative")
    # In t = exp(y) the Hessian is a rational function, which SymPy decides.
    t = {exp(y): Symbol(f"t{i}", positive=True) for i, y in enumerate(points)}
    difference = (form - sum(c * linear**2 for c, linear in terms)).subs(t)
    if simplify(difference) != 0:
        return Finding(False, "the Hessian is not the sum of squares that the script names")
    return Finding(True, "the Hessian is a sum of squares")


def _is_linear(context: Context, form: Expression, column: MatrixSymbol) -> bool:
    words = context.algebra.scalar(form)
    return all(sum(name == column.name for name, _, _ in word) == 1 for word in words)


def _explicit(formula: Expr, y: IndexedBase, weights: Sequence[Symbol], points: Sequence[Symbol]) -> Expr:
    expanded = formula.subs(K, len(points)).doit()
    values = {w[i + 1]: x for i, x in enumerate(weights)} | {y[i + 1]: x for i, x in enumerate(points)}
    return expanded.xreplace(values)


def _is_dcp_convex(formula: Expr, weights: Sequence[Symbol], points: Sequence[Symbol]) -> bool:
    variables = {p: cp.Variable() for p in points}
    values = {x: Rational(i + 1, len(weights) + 1) for i, x in enumerate(weights)}
    try:
        return bool(_to_cvxpy(formula.xreplace(values), variables).is_convex())
    except ValueError:
        return False


def _to_cvxpy(formula: Expr, variables: dict[Symbol, Any]) -> Any:
    """Translate an affine combination of logarithms of sums of exponentials.

    Raises ValueError for anything else.
    """
    match formula:
        case Symbol():
            return variables[formula]
        case _ if formula.is_number:
            return cp.Constant(float(formula))
        case Add():
            return sum((_to_cvxpy(a, variables) for a in formula.args), cp.Constant(0))
        case Mul() if formula.args[0].is_number:
            return float(formula.args[0]) * _to_cvxpy(Mul(*formula.args[1:]), variables)
        case log():
            exponents = [_log_term(term, variables) for term in Add.make_args(formula.args[0])]
            return cp.log_sum_exp(cp.hstack(exponents))  # type: ignore[attr-defined]
        case _:
            raise ValueError(f"no DCP rule for {formula}")


def _log_term(term: Expr, variables: dict[Symbol, Any]) -> Any:
    coefficient, factor = term.as_coeff_Mul()
    if not (coefficient > 0 and isinstance(factor, exp)):
        raise ValueError(f"{term} is not a positive multiple of an exponential")
    return cp.Constant(float(log(coefficient))) + _to_cvxpy(factor.args[0], variables)


def log_sum_exp_squares(weights: Sequence[Any], y: Sequence[Any], v: Sequence[Any]) -> list[tuple[Expr, Expr]]:
    """Return the squares of the Hessian of log Σ_k w_k e^{y_k}: Σ_{j<k} p_j p_k (v_j − v_k)², p the softmax."""
    terms = [a * exp(b) for a, b in zip(weights, y, strict=True)]
    p = [t / Add(*terms) for t in terms]
    return [(p[i] * p[j], v[i] - v[j]) for j in range(len(p)) for i in range(j)]


@dataclass(frozen=True)
class _MeanOfConvex:
    """g(s) = 𝔼 φ(X_s) as a cited claim states it, with φ convex by a cited step."""

    argument: Expression
    how: str

    @classmethod
    def cited(cls, g: Expr, scale: Symbol, context: Context) -> _MeanOfConvex | None:
        """Find the cited equation g(s) = 𝔼 φ(X_s) and the cited step that says φ, the same for every s, is convex."""
        for fact in context.facts(Equality):
            if fact.lhs == g and isinstance(fact.rhs, Mean) and isinstance(fact.rhs.args[0], Apply):
                name, argument = fact.rhs.args[0].args
                for convex in context.facts(Convex):
                    if convex.args[0] == name and not convex.has(scale):
                        return cls(argument, f"{name} is convex")
        return None


@dataclass(frozen=True)
class Jensen(Check):
    """g(s) ≥ g(0) for g(s) = 𝔼 φ(a + s n): φ convex, n of mean 0 and independent of a.

    `value` is g(s), `scale` is s, `noise` names the step of kind `IndependentNoise` that splits x into a and n. The
    means exist: a log-sum-exp of linear forms grows at most linearly, and Gaussian mixtures have all moments.
    """

    kind: ClassVar[Kind] = Kind.JENSEN
    value: Expr
    scale: Symbol
    noise: str

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Check the direction, the convexity, the split a + s n, and that n is independent noise."""
        if claim != Ge(self.value - self.value.subs(self.scale, 0), 0):
            return Finding(False, "the claim is not g(s) ≥ g(0), the direction of a convex function")
        mean = _MeanOfConvex.cited(self.value, self.scale, context)
        if mean is None:
            return Finding(False, f"nothing cited says that {self.value} is the mean of a convex function")
        split = context.steps.get(self.noise)
        if split is None or not isinstance(split.check, IndependentNoise):
            return Finding(False, f"{self.noise} is not a cited step that makes the noise independent with mean 0")
        parts = split.check
        if parts.kept.has(self.scale) or parts.noise.has(self.scale):
            return Finding(False, f"the two parts depend on {self.scale}")
        argument = mean.argument
        wanted = parts.kept.T * parts.point + self.scale * parts.noise.T * parts.point
        finding = context.equal(argument, wanted)
        if not finding.passed:
            return Finding(False, f"the argument is not the kept part plus {self.scale} times the noise: {finding.how}")
        how = f"{mean.how}; {split.name} makes the noise independent with mean 0; Jensen given the rest"
        return Finding(True, f"{how} ({finding.how})")


@dataclass(frozen=True)
class Tangent(Check):
    """g(0) − g(1) + g′(1) ≥ 0: the convex function g lies above its tangent at 1. `value` is g(s), `scale` is s.

    The derivative exists: φ is smooth with bounded slopes, so that E and d/ds may be exchanged.
    """

    kind: ClassVar[Kind] = Kind.CONVEX
    value: Expr
    scale: Symbol

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The mean of a convex function is convex in s where its argument is affine in s."""
        slope = Subs(Derivative(self.value, self.scale), self.scale, Integer(1))
        at = {point: self.value.subs(self.scale, point) for point in (0, 1)}
        if claim != Ge(at[0] - at[1] + slope, 0):
            return Finding(False, "the claim is not g(0) ≥ g(1) − g′(1)")
        mean = _MeanOfConvex.cited(self.value, self.scale, context)
        if mean is None:
            return Finding(False, f"nothing cited says that {self.value} is the mean of a convex function")
        start, end = (mean.argument.subs(self.scale, point) for point in (0, 1))
        finding = context.equal(mean.argument, start + self.scale * (end - start))
        if not finding.passed:
            return Finding(False, f"the argument is not affine in {self.scale}: {finding.how}")
        return Finding(True, f"{mean.how} and its argument affine in {self.scale}: {finding.how}")
