"""Checks of means of functionals: equal ones, rescaled maps, and Jensen's inequality for independent mixtures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sympy import Basic, Eq, Equivalent, Expr, Ge, MatrixSymbol, Symbol, ZeroMatrix
from sympy.core.relational import Equality
from sympy.logic.boolalg import BooleanFunction

from verify.proofs.algebra import Expression
from verify.proofs.checks import vanishes
from verify.proofs.convexity import Apply, Convex
from verify.proofs.core import Check, Claim, Context, Finding, Kind, refuse
from verify.proofs.moments import Gaussian, MatrixMean, Mean
from verify.proofs.partition import LogPartition


@dataclass(frozen=True)
class SameArguments(Check):
    """Two functionals that cited steps define are equal: the same means and log-means of equal numbers.

    The claim is that the two defined scalars are equal; `left` and `right` name the steps.
    """

    kind: ClassVar[Kind] = Kind.IDENTITY
    left: str
    right: str

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Go through both formulas alike, down to the scalars, which the algebra compares."""
        first, second = (context.claims.get(name) for name in (self.left, self.right))
        if not (isinstance(first, Equality) and isinstance(second, Equality)):
            return refuse("a cited step is not a definition")
        if claim != Eq(first.lhs, second.lhs):
            return refuse("the claim is not that the two defined scalars are equal")
        return _same(first.rhs, second.rhs, context)


def _same(left: Expr, right: Expr, context: Context) -> Finding:
    """Decide that two formulas are the same functional of equal numbers."""
    if not (left.has(Mean) or left.has(LogPartition)):
        return context.equal(left, right)
    if left.func != right.func or len(left.args) != len(right.args):
        return refuse(f"{left} is not made as {right} is")
    findings = [_same(a, b, context) for a, b in zip(left.args, right.args, strict=True)]
    return next((f for f in findings if not f.passed), findings[0])


@dataclass(frozen=True)
class Rescaling(Check):
    """L(A) = L'(sA) for every A, s > 0: A minimises L exactly when sA minimises L', since A ↦ sA is onto R^{d×r}.

    It gives the two propositions their meaning, `losses` being L and L' as cited claims equate them.
    """

    kind: ClassVar[Kind] = Kind.DEFINITION
    minimiser: Symbol
    rescaled: Symbol
    losses: tuple[Expr, Expr]
    scale: Symbol

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """The two propositions."""
        return self.minimiser, self.rescaled

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The losses are equal by a cited claim, and the scale is positive."""
        if claim != Equivalent(self.minimiser, self.rescaled):
            return refuse("the claim is not that the minimisers correspond")
        if not (self.scale.is_positive and context.cites(Eq(*self.losses))):
            return refuse("nothing cited says that the two losses are equal at a rescaled map")
        return Finding(True, f"the losses agree at A and at {self.scale}A, and every map is {self.scale}A for one A")


class Separate(BooleanFunction):  # type: ignore[misc]
    """Two pairs of random columns, a label and a noise each, are independent of each other."""

    nargs = 4

    def _latex(self, printer: Any) -> str:
        a, b, c, d = (printer._print(x) for x in self.args)
        return rf"({a}, {b}) \perp ({c}, {d})"


@dataclass(frozen=True)
class JensenIndependent(Check):
    """E φ(a + n) ≥ E φ(a): φ convex, n = factor·ζ + noise of mean 0 and independent of a.

    `kept` is a and `noise` n; n's label ζ and its Gaussian noise are apart from a's by a cited claim. E ζ = Do, where
    D = E ζζᵀ and o is `ones`, and factor·Do = outer·`mean`, which is 0 by a cited claim. The means exist: φ grows at
    most linearly.
    """

    kind: ClassVar[Kind] = Kind.JENSEN
    kept: Expression
    noise: Expression
    factor: Expression
    outer: Expression
    mean: Expression
    ones: MatrixSymbol

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Check the direction, the convexity, the independence and the mean."""
        names = {fact.args[0] for fact in context.facts(Convex)}
        whole = self.kept + self.noise
        if not any(claim == Ge(Mean(Apply(n, whole)) - Mean(Apply(n, self.kept)), 0) for n in names):
            return refuse("the claim is not E φ(a + n) ≥ E φ(a) for a cited convex φ")
        apart = next(iter(context.facts(Separate)), None)
        if apart is None or not context.cites(vanishes(self.mean)):
            return refuse("nothing cited says that the two parts are independent, or that a mean is 0")
        sides = [set(apart.args[:2]), set(apart.args[2:])]
        random = {s for side in sides for s in side}
        seen = [
            {s for s in part.atoms(MatrixSymbol) if s in random or s.shape[1] == 1} for part in (self.kept, self.noise)
        ]
        if seen not in (sides, sides[::-1]):
            return refuse("the parts are not those that are independent of each other")
        label, noise = apart.args[:2] if seen[1] == sides[0] else apart.args[2:]
        if not any(fact.args[0] == noise for fact in context.facts(Gaussian)):
            return refuse(f"nothing cited says that {noise} has mean 0")
        weights = next((f.rhs for f in context.facts(Equality) if f.lhs == MatrixMean(label * label.T)), None)
        if weights is None or self.factor.has(label):
            return refuse(f"nothing cited gives the law of {label}, or the noise is not linear in it")
        linear = self.noise.subs(noise, ZeroMatrix(*noise.shape)).doit()
        links = [(linear, self.factor * label), (self.factor * weights * self.ones, self.outer * self.mean)]
        for left, right in links:
            finding = context.equal(left, right)
            if not finding.passed:
                return refuse(f"{left} is not {right}: {finding.how}")
        return Finding(True, f"Jensen given the rest: {label} and {noise} are apart from it, and E {label} = Do")
