"""Checks of first-order optimality: which maps a loss may move to, its slope there, and what a minimiser makes of it.

The setting is a loss of M = AAᵀ whose non-quadratic part is E φ(z), φ(z) = log Σ_k w_k exp(y_k) of numbers y_k linear
in z. Its gradient is the softmax, a random column here, whose joint moments with others make the slope.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from sympy import (
    Add,
    And,
    Basic,
    Derivative,
    Eq,
    Expr,
    Function,
    Ge,
    Identity,
    Implies,
    MatrixSymbol,
    Subs,
    Sum,
    Symbol,
    Trace,
    ZeroMatrix,
    diff,
    exp,
    log,
    simplify,
    symbols,
)
from sympy.core.relational import Equality
from sympy.logic.boolalg import BooleanFunction

from verify.proofs.algebra import Expression
from verify.proofs.checks import IndependentColumns, vanishes
from verify.proofs.convexity import Apply, Convex
from verify.proofs.core import Check, Claim, Context, Finding, Kind, refuse
from verify.proofs.moments import IndependentNoise, MatrixMean, Mean
from verify.proofs.partition import LogPartition
from verify.vocabulary import K, k, w


class Softmax(BooleanFunction):  # type: ignore[misc]
    """A random column π holds the softmax weights of φ, w_k exp(y_k)/Σ_l w_l exp(y_l), at a column z.

    The arguments are π, the name of φ and z.
    """

    nargs = 3

    def _latex(self, printer: Any) -> str:
        pi, phi, point = (printer._print(a) for a in self.args)
        return rf"{pi} = \text{{the softmax of }} {phi} \text{{ at }} {point}"


class PositiveEntries(BooleanFunction):  # type: ignore[misc]
    """Every entry of a matrix is positive."""

    nargs = 1

    def _latex(self, printer: Any) -> str:
        return rf"{printer._print(self.args[0])}_{{jk}} > 0"


class Attained(BooleanFunction):  # type: ignore[misc]
    """A matrix that depends on t is AAᵀ for a map A with so many columns, for every t ≥ 0 (the arguments: M, r, t)."""

    nargs = 3

    def _latex(self, printer: Any) -> str:
        matrix, columns, t = (printer._print(a) for a in self.args)
        return rf"{matrix} = A_{t} A_{t}^T,\ A_{t} \in \mathbb{{R}}^{{d \times {columns}}},\quad {t} \geq 0"


def slope(function: Any, t: Symbol) -> Expr:
    """Return the derivative of a function of t at 0."""
    return Subs(Derivative(function(t), t), t, 0)


def infonce(gram: Expression, pair: tuple[Expression, Expression], negative: Expression, parts: Any) -> Expr:
    """Return −E[xᵀMx̂] + E log E_y exp(xᵀMy), the InfoNCE loss at M; `parts` are the noise and the label of y."""
    x, x_hat = pair
    return -Mean(Trace(x.T * gram * x_hat)) + Mean(LogPartition(Trace(x.T * gram * negative), *parts))


@cache
def _softmax_is_gradient() -> bool:
    """Differentiate log Σ_k w_k exp(y_k + t h_k) at t = 0 for two and three terms, and compare with Σ_k p_k h_k."""
    t = Symbol("t", real=True)
    for n in (2, 3):
        weights, y, h = (symbols(f"{name}:{n}", positive=True) for name in "wyh")
        terms = [a * exp(b + t * c) for a, b, c in zip(weights, y, h, strict=True)]
        found = diff(log(Add(*terms)), t).subs(t, 0)
        wanted = sum(a.subs(t, 0) * c for a, c in zip(terms, h, strict=True)) / Add(*terms).subs(t, 0)
        if simplify(found - wanted) != 0:
            return False
    return True


def _linear_form(context: Context, name: Basic) -> tuple[Expression, MatrixSymbol, MatrixSymbol] | None:
    """Return y_k of a cited φ = log Σ_k w_k exp(y_k), the column that it is linear in, and the component's label."""
    for fact in context.facts(Convex):
        phi, formula, y, form, z = fact.args
        if phi == name and formula == log(Sum(w[k] * exp(y[k]), (k, 1, K))):
            labels = {s for s in form.atoms(MatrixSymbol) if s != z and s.shape == (K, 1)}
            return (form, z, labels.pop()) if len(labels) == 1 else None
    return None


def _softmax(context: Context) -> Softmax | None:
    """Return the one cited softmax."""
    found = context.facts(Softmax)
    return found[0] if len(found) == 1 else None


@dataclass(frozen=True)
class MeanSlope(Check):
    """d/dt E φ(z_t) at t = 0 is the mean of Σ_k π_k dy_k/dt, π the softmax at z_0.

    φ is smooth and its slopes are bounded by max |dy_k/dt|, which has a mean: so E and d/dt may be exchanged. `value`
    is the function g with g(t) = E φ(z_t), which a cited step defines.
    """

    kind: ClassVar[Kind] = Kind.GAUSSIAN_MOMENT
    value: Function
    t: Symbol

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Compare the mean's argument with the linear form at dz/dt, its label replaced by π."""
        if not (isinstance(claim, Equality) and claim.lhs == slope(self.value, self.t)):
            return refuse("the claim is not the value of the slope at 0")
        means = Add.make_args(claim.rhs)
        if not all(isinstance(term, Mean) for term in means):
            return refuse("the claim is not a sum of means")
        softmax = _softmax(context)
        definition = next((f for f in context.facts(Equality) if f.lhs == self.value(self.t)), None)
        if softmax is None or definition is None or not isinstance(definition.rhs, Mean):
            return refuse("no cited step defines the function, or the softmax")
        applied = definition.rhs.args[0]
        linear = _linear_form(context, softmax.args[1])
        if linear is None or not (isinstance(applied, Apply) and applied.args[0] == softmax.args[1]):
            return refuse("the function is not the mean of the φ whose softmax is cited")
        form, z, label = linear
        start, end = (applied.args[1].subs(self.t, at) for at in (0, 1))
        for left, right in ((applied.args[1], start + self.t * (end - start)), (start, softmax.args[2])):
            if not context.equal(left, right).passed:
                return refuse("the argument is not affine in t, or the softmax is not the one at t = 0")
        if not _softmax_is_gradient():
            return refuse("SymPy does not confirm the gradient of log-sum-exp")
        wanted = form.subs(z, end - start).subs(label, softmax.args[0])
        finding = context.equal(Add(*(term.args[0] for term in means)), wanted)
        how = "the softmax is the gradient of log Σ w_k e^{y_k} (SymPy); E and d/dt exchange, the slopes being bounded"
        return Finding(finding.passed, f"{how}; {finding.how}")


@dataclass(frozen=True)
class Uncorrelated(Check):
    """The softmax is a function of the component and of the kept part of the noise, so 𝔼[π nᵀ] = 0 for the other part.

    `noise` names the step of kind `IndependentNoise` that makes nᵀ = ξᵀN independent of the component and of ξᵀF, with
    mean 0; `outer` is the matrix with z_0 = outer·Fᵀx, and `weight` the one with claim E tr(πᵀ weight n) = 0.
    """

    kind: ClassVar[Kind] = Kind.GAUSSIAN_MOMENT
    noise: str
    outer: Expression
    weight: Expression
    point: Expression

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Decide that z_0 sees x through the kept part alone, and that the claim is about the other part."""
        split, softmax = context.steps.get(self.noise), _softmax(context)
        if split is None or not isinstance(split.check, IndependentNoise) or softmax is None:
            return refuse("no cited step splits the noise, or defines the softmax")
        parts = split.check
        centre = self.point - parts.point
        if centre.has(parts.point):
            return refuse(f"{self.point} is not a centre plus {parts.point}")
        if any(s.shape[1] == 1 and s not in (parts.label, parts.point) for s in self.point.atoms(MatrixSymbol)):
            return refuse("the point depends on more than the component and the noise")
        through = context.equal(softmax.args[2], self.outer * parts.kept.T * self.point)
        if not through.passed:
            return refuse(f"the softmax sees more than the part kept: {through.how}")
        if not (isinstance(claim, Equality) and isinstance(claim.lhs, Mean) and claim.rhs == 0):
            return refuse("the claim is not that a mean is 0")
        wanted = Trace(softmax.args[0].T * self.weight * parts.noise.T * parts.point)
        finding = context.equal(claim.lhs.args[0], wanted)
        how = (
            f"the softmax sees the component and the part kept alone, of which {self.noise} makes the other independent"
        )
        return Finding(finding.passed, f"{how}, with mean 0: {finding.how}")


@dataclass(frozen=True)
class SoftmaxMoments(Check):
    """Q = 𝔼[ζπᵀ] has positive entries, and Qo = 𝔼[ζ] = Do, since a softmax is positive and sums to 1.

    `weights` is D = 𝔼[ζζᵀ] and `ones` the column o of ones.
    """

    kind: ClassVar[Kind] = Kind.PSD
    label: MatrixSymbol
    weights: MatrixSymbol
    ones: MatrixSymbol

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The claim is about the cited joint moment of the label and the softmax, its row sums being those of D."""
        softmax = _softmax(context)
        if softmax is None:
            return refuse("no cited step defines the softmax")
        moments = {f.lhs.args[0]: f.rhs for f in context.facts(Equality) if isinstance(f.lhs, MatrixMean)}
        joint = moments.get(self.label * softmax.args[0].T)
        if joint is None or moments.get(self.label * self.label.T) != self.weights:
            return refuse("no cited step states the joint moments of the label")
        if not all(context.cites(fact) for fact in (w[k] > 0, Eq(self.ones.T * self.weights * self.ones, Identity(1)))):
            return refuse("nothing cited says that the weights are positive and sum to 1")
        if claim != PositiveEntries(joint) & Eq(joint * self.ones, self.weights * self.ones):
            return refuse("the claim is not that Q > 0 and Qo = Do")
        return Finding(True, "Q_jk = w_j E[π_k | j] with w_j > 0, π_k > 0 and Σ_k π_k = 1")


@dataclass(frozen=True)
class SoftmaxAtZero(Check):
    """Where AAᵀ = 0 the softmax is taken at z = 0: it is the weights themselves, and 𝔼[ζπᵀ] = Do(Do)ᵀ.

    The claim is (A = 0 ⟹ Q = Do oᵀD); `outer` is the matrix with z = AAᵀ·outer.
    """

    kind: ClassVar[Kind] = Kind.IDENTITY
    label: MatrixSymbol
    weights: MatrixSymbol
    ones: MatrixSymbol
    outer: Expression

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The softmax's column vanishes with A, and y_k is linear in it."""
        softmax = _softmax(context)
        if softmax is None or _linear_form(context, softmax.args[1]) is None:
            return refuse("no cited step defines the softmax of a log-sum-exp of linear forms")
        match claim:
            case Implies(args=(Equality() as zero, Equality() as wanted)):
                pass
            case _:
                return refuse("the claim is not an implication between equations")
        A, factor = zero.lhs, _factored(context, zero.lhs)
        if zero != vanishes(A) or factor is None or not context.equal(softmax.args[2], factor * self.outer).passed:
            return refuse("the softmax's column does not vanish with the map")
        moments = {f.lhs.args[0]: f.rhs for f in context.facts(Equality) if isinstance(f.lhs, MatrixMean)}
        if moments.get(self.label * softmax.args[0].T) != wanted.lhs:
            return refuse("the claim is not about the joint moment of the label and the softmax")
        if moments.get(self.label * self.label.T) != self.weights:
            return refuse("no cited step states the law of the label")
        outer_product = self.weights * self.ones * self.ones.T * self.weights
        if not context.equal(wanted.rhs, outer_product).passed:
            return refuse("the moment at 0 is not the product of the weights")
        return Finding(True, "at z = 0 the softmax is w, which is not random: E[ζ wᵀ] = E[ζ] wᵀ = Do(Do)ᵀ")


@dataclass(frozen=True)
class Attainable(Check):
    """M_t = Σ c_i Y_iY_iᵀ, each Y_i with its columns in the span of B and c_i ≥ 0: m columns make M_t, and r ≥ m do.

    The claim is (F = BX ⟹ M_t is AAᵀ for an A with r columns, t ≥ 0). `parts` are the pairs c_i, Y_i, c_i being 1 or
    t; `spans` gives for each Y_i the matrices a, b with Y_i = Ba + Fb.
    """

    kind: ClassVar[Kind] = Kind.PSD
    parts: tuple[tuple[Expression, Expression], ...]
    spans: tuple[tuple[Expression, Expression], ...]

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Decide the decomposition and the spans; B has m columns and r ≥ m is cited."""
        match claim:
            case Implies(args=(Equality() as inside, Attained() as wanted)):
                pass
            case _:
                return refuse("the claim is not that a matrix is attained when a factor lies in a span")
        matrix, columns, t = wanted.args
        F, B = inside.lhs, inside.rhs.args[0]
        if not (
            context.cites(Ge(columns, B.shape[1])) and any(f.args[0] == B for f in context.facts(IndependentColumns))
        ):
            return refuse(f"nothing cited says that {columns} columns are enough for the span")
        if not (t.is_nonnegative and all(c in (1, t) for c, _ in self.parts)):
            return refuse("a coefficient is not known to be ≥ 0")
        made: Expression = ZeroMatrix(*matrix.shape)
        for coefficient, Y in self.parts:
            made = made + coefficient * Y * Y.T
        links = [(matrix, made)]
        links += [(Y, B * a + F * b) for (_, Y), (a, b) in zip(self.parts, self.spans, strict=True)]
        for left, right in links:
            finding = context.equal(left, right)
            if not finding.passed:
                return refuse(f"{left} is not {right}: {finding.how}")
        how = f"M = B N Bᵀ with N ⪰ 0, so M = AAᵀ with A = B√N of {B.shape[1]} columns, and zeros up to {columns}"
        return Finding(True, f"{how}: {finding.how}")


@dataclass(frozen=True)
class FirstOrder(Check):
    """A minimiser cannot be improved to first order: L'(0) ≥ 0 along a path of maps that starts at it.

    The claim is (A is a minimiser ∧ M_t is attained for t ≥ 0 ⟹ L'(0) ≥ 0), and gives the proposition its meaning: A
    minimises, over its d × r matrices, the loss that the cited definition of L(t) takes at M_t.
    """

    kind: ClassVar[Kind] = Kind.DEFINITION
    proposition: Symbol
    loss: Expr
    map: MatrixSymbol

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """That A is a minimiser."""
        return (self.proposition,)

    def verify(self, claim: Claim, context: Context) -> Finding:
        """L(t) is by a cited definition the loss at M_t, M_0 = AAᵀ, and r is A's number of columns."""
        match claim:
            case Implies(args=(And() as given, wanted)):
                attained = [a for a in given.args if isinstance(a, Attained)]
            case _:
                return refuse("the claim is not about a minimiser")
        if len(attained) != 1 or given != self.proposition & attained[0]:
            return refuse("the claim supposes something else than a minimiser and a path")
        matrix, columns, t = attained[0].args
        name = self.loss.func
        if wanted != Ge(slope(name, t), 0) or columns != self.map.shape[1]:
            return refuse("the claim is not that the slope at the start is ≥ 0, among maps of A's columns")
        definition = next((f.rhs for f in context.facts(Equality) if f.lhs == self.loss), None)
        if definition is None or not _is_loss_at(definition, matrix, t):
            return refuse("no cited step defines the loss along the path")
        if not any(fact.lhs == slope(name, t) for fact in context.facts(Equality)):
            return refuse("no cited step differentiates the loss")
        square = _factored(context, self.map)
        if square is None or not context.equal(matrix.subs(t, 0).doit(), square).passed:
            return refuse("the path does not start at AAᵀ")
        return Finding(True, "a differentiable function on t ≥ 0 that is least at 0 has L'(0) ≥ 0")


def _factored(context: Context, A: MatrixSymbol) -> Expression | None:
    """Return what a cited claim says that AAᵀ equals."""
    sides = ((f.lhs, f.rhs) for f in context.facts(Equality))
    return next((x if y == A * A.T else y for x, y in sides if A * A.T in (x, y)), None)


def _is_loss_at(loss: Expr, matrix: Expression, t: Symbol) -> bool:
    """Return whether a loss depends on t through this matrix alone: it does not once the matrix is fixed."""
    fixed = MatrixSymbol("fixed", *matrix.shape)
    return not loss.xreplace({matrix: fixed}).has(t)
