"""Checks for the cubic remainder of a log-sum-exp in a Gaussian mixture, and the norms that bound it.

Throughout φ(z) = log Σ_k w_k exp(zᵀμ_k) with Σ_k w_k μ_k = 0, S = Σ_k w_k μ_kμ_kᵀ, and μ_kᵀΣ⁻¹μ_k ≤ h for every k.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from sympy import (
    And,
    Basic,
    Eq,
    Expr,
    Ge,
    Identity,
    Implies,
    MatrixSymbol,
    Ne,
    S,
    Sum,
    Symbol,
    Trace,
    ZeroMatrix,
    diff,
    exp,
    expand,
    log,
    simplify,
    symbols,
)
from sympy.core.relational import Equality

from verify.proofs.algebra import Algebra, Expression
from verify.proofs.checks import vanishes
from verify.proofs.convexity import Apply, Convex
from verify.proofs.core import Check, Claim, Context, Finding, Kind, refuse
from verify.proofs.isserlis import mean, traces
from verify.proofs.moments import Gaussian, Mean, mean_equation
from verify.proofs.relations import nonnegative
from verify.vocabulary import K, k, w, weight_sum


def defined(value: Expr, context: Context) -> Expr | None:
    """Return what a cited equation says that a function's value is."""
    return next((fact.rhs for fact in context.facts(Equality) if fact.lhs == value), None)


@dataclass(frozen=True)
class Mixture:
    """The letters of a mixture: Σ, S, μ (d × K), a component's label p, the label ζ with E ζζᵀ = D, and Do = E ζ."""

    covariance: MatrixSymbol
    between: MatrixSymbol
    means: MatrixSymbol
    mean: MatrixSymbol
    pick: MatrixSymbol
    label: MatrixSymbol
    weights: MatrixSymbol
    ones: MatrixSymbol

    def centred_problem(self, context: Context) -> str:
        """Return why the cited claims do not say that w is a probability with Σ_k w_k μ_k = 0, or nothing."""
        if not (context.cites(w[k] > 0) and context.cites(Eq(weight_sum, 1))):
            return "nothing cited says that the weights are positive and sum to 1"
        if not context.cites(mean_equation(self.label, self.label, self.weights)):
            return f"nothing cited states the law of {self.label}"
        mu, D = self.means, self.weights
        for left, right in ((self.mean, mu * D * self.ones), (self.between, mu * D * mu.T)):
            if not context.equal(left, right).passed:
                return f"{left} is not {right}"
        return "" if context.cites(vanishes(self.mean)) else "nothing cited says that the mixture is centred"

    def height(self, h: Expr) -> Claim:
        """μ_kᵀΣ⁻¹μ_k ≤ h, the component being the one that the label p picks."""
        return Ge(h - Trace(self.pick.T * self.means.T * self.covariance.I * self.means * self.pick), 0)

    def potential(self, value: Expr, context: Context) -> Expression | None:
        """Return z where a cited step says that the value is E φ(z); None where none does."""
        rhs = defined(value, context)
        if not (isinstance(rhs, Mean) and isinstance(rhs.args[0], Apply)):
            return None
        name, column = rhs.args[0].args
        for fact in context.facts(Convex):
            phi, formula, y, form, z = fact.args
            wanted = Trace(z.T * self.means * self.pick)
            if (phi, form, formula) == (name, wanted, log(Sum(w[k] * exp(y[k]), (k, 1, K)))):
                return column
        return None


@dataclass(frozen=True)
class CentredPotential(Check):
    """φ ≥ 0 = φ(0): by Jensen's inequality φ(z) ≥ Σ_k w_k zᵀμ_k = 0, and φ(0) = log Σ_k w_k = 0.

    The claim is E φ(z) ≥ 0, or that it is 0 at the values `zero` of the scalars that z depends on.
    """

    kind: ClassVar[Kind] = Kind.JENSEN
    mixture: Mixture
    value: Expr
    zero: Mapping[Symbol, int]

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The function is E φ(z) by a cited step, the mixture is centred, and z vanishes there."""
        if claim not in (Ge(self.value, 0), Eq(self.value.subs(self.zero), 0)):
            return refuse("the claim is not that E φ is nonnegative, or 0 at 0")
        column = self.mixture.potential(self.value, context)
        problem = self.mixture.centred_problem(context)
        if column is None or problem:
            return refuse(problem or f"nothing cited says that {self.value} is the mean of φ")
        finding = context.equal(column.subs(self.zero), ZeroMatrix(*column.shape))
        return Finding(finding.passed, f"Jensen's inequality in the sum over the components: {finding.how}")


@cache
def _third_derivative_is_third_moment() -> bool:
    """Differentiate log Σ_k w_k e^{t y_k} three times at 0, Σ_k w_k = 1: the third central moment.

    At another t the weights are tilted, and are again a probability. Two and three terms are expanded.
    """
    t = Symbol("t", real=True)
    for n in (2, 3):
        a, y = (symbols(f"{name}:{n}", positive=True) for name in "ay")
        p = [x / sum(a) for x in a]
        centre = sum(x * b for x, b in zip(p, y, strict=True))
        third = sum(x * (b - centre) ** 3 for x, b in zip(p, y, strict=True))
        value = log(sum(x * exp(t * b) for x, b in zip(p, y, strict=True)))
        if simplify(diff(value, t, 3).subs(t, 0) - third) != 0:
            return False
    return True


def _square_completes() -> bool:
    """Expand r² ± N c³r³/3 + N²c⁶r⁴/36 = (r ± N c³r²/6)²."""
    r, c, N = symbols("r c N", real=True)
    return all(
        expand(r**2 + sign * N * c**3 * r**3 / 3 + N**2 * c**6 * r**4 / 36 - (r + sign * N * c**3 * r**2 / 6) ** 2) == 0
        for sign in (1, -1)
    )


@dataclass(frozen=True)
class CubicRemainder(Check):
    """E q + (N²h³/36) E q² + N (E φ(z) − ½ E zᵀSz) ≥ 0 for every real N, with q = zᵀΣz.

    For fixed z the numbers y_k = zᵀμ_k lie in [−c, c], c² = hq, by Cauchy–Schwarz. f(t) = log Σ_k w_k e^{t y_k} has
    f(0) = f′(0) = 0 and f″(0) = zᵀSz, and f‴ is the third central moment under tilted weights, at most 2c·Var ≤ 2c³ in
    absolute value. By Taylor's formula |φ(z) − ½zᵀSz| ≤ c³/3, and |N| c³/3 ≤ q + N²h³q²/36. `values` are the
    functions that cited steps define as E φ(z), E q, E q² and E zᵀSz; `scale` is N and `height` is h.
    """

    kind: ClassVar[Kind] = Kind.JENSEN
    mixture: Mixture
    values: tuple[Expr, Expr, Expr, Expr]
    scale: Expr
    height: Expr

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Compare the claim and the four definitions, and check the height and the two expansions."""
        g, u, n, y = self.values
        N, h = self.scale, self.height
        if not (N.is_real and isinstance(claim, Ge) and claim.rhs == 0):
            return refuse("the scale is not a real number, or the claim is no inequality")
        if expand(claim.lhs - (u + N**2 * h**3 * n / 36 + N * (g - y / 2))) != 0:
            return refuse("the claim is not the bound of the remainder")
        column = self.mixture.potential(g, context)
        problem = self.mixture.centred_problem(context)
        if column is None or problem:
            return refuse(problem or f"nothing cited says that {g} is the mean of φ")
        q = Trace(column.T * self.mixture.covariance * column)
        wanted = (Mean(q), Mean(q**2), Mean(Trace(column.T * self.mixture.between * column)))
        if tuple(defined(value, context) for value in (u, n, y)) != wanted:
            return refuse("the means are not those of q, q² and zᵀSz at the column of φ")
        if not context.cites(self.mixture.height(h)):
            return refuse(f"nothing cited says that no mean is longer than {h}")
        if not (_third_derivative_is_third_moment() and _square_completes()):
            return refuse("SymPy does not confirm the third cumulant, or the square")
        how = "Taylor's formula with |f‴| ≤ 2c³, the third central moment of numbers in [−c, c] (SymPy)"
        return Finding(True, f"{how}; c² ≤ hq by Cauchy–Schwarz, and a completed square")


@cache
def _gaussian_fourth_moment() -> bool:
    """Check by Isserlis that E q² = (α + τ)² + 2 tr C² + 4β for q = |Lᵀ(a + ξ)|².

    Here α = |Lᵀa|², C = LᵀΣL ⪰ 0, τ = tr C, β = aᵀLCLᵀa. As tr C² ≤ τ² and β ≤ ατ, 3(α + τ)² − E q² ≥ 2α² ≥ 0.
    """
    d = Symbol("d", integer=True, positive=True)
    L, N = MatrixSymbol("L", d, d), MatrixSymbol("Lambda", d, d)
    a, xi = MatrixSymbol("a", d, 1), MatrixSymbol("xi", d, 1)
    sigma, point = N * N.T, a + xi
    alpha, tau = Trace(a.T * L * L.T * a), Trace(L.T * sigma * L)
    square, beta = Trace(L.T * sigma * L * L.T * sigma * L), Trace(a.T * L * L.T * sigma * L * L.T * a)
    found = mean(Algebra(), Trace(point.T * L * L.T * point) ** 2, {xi.name: sigma})
    if found != traces(Algebra(), (alpha + tau) ** 2 + 2 * square + 4 * beta):
        return False
    x, y, z, b = symbols("x y z b", nonnegative=True)
    gap = 3 * (x + y) ** 2 - ((x + y) ** 2 + 2 * z + 4 * b)
    return bool(expand(gap - 2 * (y**2 - z) - 4 * (x * y - b) - 2 * x**2) == 0)


@dataclass(frozen=True)
class FourthMoment(Check):
    """E q ≤ a gives E q² ≤ 3(1 + h)a², where q = zᵀΣz and z = outer·(μζ + ξ).

    Given the component k, z is Gaussian, so E_k q² ≤ 3(E_k q)². With N = outerᵀΣ outer, E_k q = tr(NΣ) + μ_kᵀNμ_k is
    at most (1 + h) tr(NΣ) ≤ (1 + h) E q, as μ_kμ_kᵀ ⪯ hΣ; hence Σ_k w_k (E_k q)² ≤ (1 + h)(E q)². `values` are the
    functions that cited steps define as E q and E q², taken `at` values of their scalars.
    """

    kind: ClassVar[Kind] = Kind.GAUSSIAN_MOMENT
    mixture: Mixture
    values: tuple[Expr, Expr]
    at: Mapping[Symbol, int]
    outer: Expression
    noise: MatrixSymbol
    bound: Expr
    height: Expr

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Compare the claim and the two definitions, and check the law of z and the height."""
        u, n = self.values
        a, h, mixture = self.bound, self.height, self.mixture
        wanted = Implies(Ge(a - u.subs(self.at), 0), Ge(3 * (1 + h) * a**2 - n.subs(self.at), 0))
        if claim != wanted:
            return refuse("the claim is not the bound of the fourth moment")
        z = self.outer * (mixture.means * mixture.label + self.noise)
        q = Trace(z.T * mixture.covariance * z)
        if (defined(u, context), defined(n, context)) != (Mean(q), Mean(q**2)):
            return refuse("the means are not those of q and q²")
        random = {mixture.label.name, self.noise.name}
        if any(name in random for word in context.algebra.words(self.outer) for name, _, _ in word):
            return refuse(f"{self.outer} is random")
        if not context.cites(Gaussian(self.noise, mixture.covariance)):
            return refuse(f"nothing cited says that {self.noise} is Gaussian with covariance {mixture.covariance}")
        if not (
            context.cites(mean_equation(mixture.label, mixture.label, mixture.weights)) and context.cites(w[k] > 0)
        ):
            return refuse(f"nothing cited states the law of {mixture.label}")
        if not context.cites(mixture.height(h)):
            return refuse(f"nothing cited says that no mean is longer than {h}")
        if not _gaussian_fourth_moment():
            return refuse("Isserlis does not confirm the fourth moment")
        return Finding(True, "Isserlis for each component, E_k q² ≤ 3(E_k q)²; and E_k q ≤ (1 + h) E q for every k")


@dataclass(frozen=True)
class Submultiplicative(Check):
    """‖XY‖² ≤ ‖X‖²‖Y‖² for Frobenius norms (Cauchy–Schwarz); `size` is by a cited claim ‖X‖²."""

    kind: ClassVar[Kind] = Kind.PSD
    size: Expr
    left: Expression
    right: Expression

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The size is the squared norm of the left factor, and the claim compares the other two norms."""
        X, Y = self.left, self.right
        sizes = [f.rhs for f in context.facts(Equality) if f.lhs == self.size]
        if not any(context.equal(size, Trace(X.T * X)).passed for size in sizes):
            return refuse(f"nothing cited says that {self.size} is the squared norm of {X}")
        if not (isinstance(claim, Ge) and claim.rhs == 0):
            return refuse("the claim is no inequality")
        Z = X * Y
        finding = context.equal(claim.lhs, self.size * Trace(Y.T * Y) - Trace(Z.T * Z))
        return Finding(finding.passed, f"the Frobenius norm is submultiplicative: {finding.how}")


@dataclass(frozen=True)
class SquareRoot(Check):
    """A scalar that a cited claim says is ≥ 0 is the square of a real number; the claim introduces it."""

    kind: ClassVar[Kind] = Kind.DEFINITION
    root: Symbol

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """The root, which stands for one number from here on."""
        return (self.root,)

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The root is a new real symbol."""
        if not (isinstance(claim, Equality) and claim.lhs == self.root**2 and self.root.is_real):
            return refuse("the claim is not that a scalar is the square of its root")
        if claim.rhs.has(self.root):
            return refuse(f"{self.root} is defined by itself")
        if not context.cites(Ge(claim.rhs, 0)):
            return refuse("nothing cited says that the scalar is nonnegative")
        return Finding(True, f"{self.root} is the root of a number that is ≥ 0")


@dataclass(frozen=True)
class UnitColumn(Check):
    """V = Ba + Fb ≠ 0 with F = BX: a multiple v = By of a column of V has vᵀRv = 1, as R = ΓΓᵀ ≻ 0.

    The claim is (F = BX ∧ V ≠ 0 ⟹ By = V·column ∧ vᵀRv = 1); it introduces y and the column. `span` holds a and b,
    `root` is Γ.
    """

    kind: ClassVar[Kind] = Kind.DEFINITION
    inside: Equality
    matrix: MatrixSymbol
    span: tuple[Expression, Expression]
    letters: tuple[MatrixSymbol, MatrixSymbol]
    metric: MatrixSymbol
    root: Expression

    @property
    def properties(self) -> tuple[Equality, Equality]:
        """By = V·column and vᵀRv = 1."""
        y, column = self.letters
        v = self.inside.rhs.args[0] * y
        return Eq(v, self.matrix * column), Eq(v.T * self.metric * v, Identity(1))

    @property
    def claim(self) -> Claim:
        """What the rule gives."""
        return Implies(self.inside & Ne(self.matrix, vanishes(self.matrix).rhs), And(*self.properties))

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """The letter y and the column."""
        return self.letters

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The matrix is in the span, Γ is invertible, and the letters stand for nothing else."""
        if claim != self.claim:
            return refuse("the claim is not what the rule gives")
        if not context.algebra.definitions.keys().isdisjoint(self.letters) or not context.knows(self.root.I):
            return refuse("a letter has a meaning already, or nothing says that the root is invertible")
        if not context.equal(self.metric, self.root * self.root.T).passed:
            return refuse(f"{self.metric} is not the square of its root")
        F, B = self.inside.lhs, self.inside.rhs.args[0]
        finding = context.equal(self.matrix, B * self.span[0] + F * self.span[1])
        return Finding(finding.passed, f"a column of V that is not 0, divided by its norm: {finding.how}")


@dataclass(frozen=True)
class NoBetter(Check):
    """A minimiser of L over maps of r columns does no worse than any M = c·YYᵀ, c ≥ 0, Y a product through m ≤ r.

    Such an M is AAᵀ for another map A of r columns. `loss` is by a cited definition the loss at a matrix `path` that
    depends on scalars; at `start` it is AAᵀ, and `others` are the values at which it is c·YYᵀ, with c and Y's factors.
    """

    kind: ClassVar[Kind] = Kind.DEFINITION
    proposition: Symbol
    map: MatrixSymbol
    loss: Expr
    path: Expression
    start: Mapping[Symbol, int]
    others: tuple[tuple[Mapping[Symbol, int], Expr, Expression, Expression], ...]

    @property
    def claim(self) -> Claim:
        """What the rule gives."""
        least = self.loss.subs(self.start)
        return Implies(self.proposition, And(*(Ge(self.loss.subs(at) - least, 0) for at, _, _, _ in self.others)))

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """That A is a minimiser."""
        return (self.proposition,)

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The loss depends on the scalars through the path alone, which at each value is what it should be."""
        if claim != self.claim:
            return refuse("the claim is not what the rule gives")
        loss, fixed = defined(self.loss, context), MatrixSymbol("fixed", *self.path.shape)
        if loss is None or loss.xreplace({self.path: fixed}).has(*self.start):
            return refuse("no cited step defines the loss along the path")
        square = self.map * self.map.T
        grams = [{f.lhs, f.rhs} - {square} for f in context.facts(Equality) if square in (f.lhs, f.rhs)]
        if not any(context.equal(self.path.subs(self.start), gram.pop()).passed for gram in grams if gram):
            return refuse("the path does not start at AAᵀ")
        for at, weight, left, right in self.others:
            Y = left * right
            finding = context.equal(self.path.subs(at), weight * Y * Y.T)
            if not finding.passed or not nonnegative(S(weight), context):
                return refuse(f"{self.path.subs(at)} is not a nonnegative multiple of {Y}{Y.T}: {finding.how}")
            if not context.cites(Ge(self.map.shape[1], left.shape[1])):
                return refuse(f"nothing cited says that {left.shape[1]} columns are enough")
        return Finding(True, f"each matrix is AAᵀ for a map of {self.map.shape[1]} columns: {finding.how}")
