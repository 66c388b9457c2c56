"""Checks of identities, positive semidefiniteness and nonnegative combinations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

from sympy import (
    Derivative,
    Dummy,
    Eq,
    Expr,
    Ge,
    Gt,
    Identity,
    Implies,
    Indexed,
    Mul,
    Rational,
    S,
    Subs,
    Sum,
    Symbol,
    Trace,
    ZeroMatrix,
    expand,
    expand_log,
    simplify,
)
from sympy.core.function import AppliedUndef
from sympy.core.relational import Equality, GreaterThan, Relational, StrictGreaterThan
from sympy.logic.boolalg import BooleanFunction
from sympy.matrices.expressions.matexpr import MatrixExpr

from verify.proofs.algebra import Expression
from verify.proofs.core import Check, Claim, Context, Finding, Kind, conjuncts, refuse
from verify.vocabulary import VOCABULARY, PositiveDefinite, k, w


class IndependentColumns(BooleanFunction):  # type: ignore[misc]
    """The columns of a matrix are linearly independent."""

    nargs = 1

    def _latex(self, printer: Any) -> str:
        return rf"{printer._print(self.args[0])} \text{{ has independent columns}}"


@dataclass(frozen=True)
class MatrixIdentity(Check):
    """lhs = rhs, or lhs = rhs as a consequence of a = b: then lhs − rhs = left (a − b) right, its trace for scalars."""

    kind: ClassVar[Kind] = Kind.IDENTITY
    left: Expression | None = None
    right: Expression | None = None

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Decide the identity by normal forms and random rational points."""
        parts = conjuncts(claim)
        if len(parts) > 1:
            findings = [self.verify(part, context) for part in parts]
            return next((f for f in findings if not f.passed), findings[0])
        match claim:
            case Equality():
                return context.equal(claim.lhs, claim.rhs)
            case Implies(args=(Equality() as given, Equality() as wanted)):
                return self._consequence(given, wanted, context)
            case _:
                return refuse("the claim is not an identity")

    def _consequence(self, given: Equality, wanted: Equality, context: Context) -> Finding:
        if not isinstance(given.lhs, MatrixExpr):
            return refuse("only an equation between matrices can be multiplied on both sides")
        residual: Expression = given.lhs - given.rhs
        left = Identity(residual.shape[0]) if self.left is None else self.left
        right = Identity(residual.shape[1]) if self.right is None else self.right
        if not context.knows(left, right):
            return refuse("the equation is multiplied by an inverse that nothing justifies")
        derived = left * residual * right
        if not isinstance(wanted.lhs, MatrixExpr):
            derived = Trace(derived)
        finding = context.equal(wanted.lhs - wanted.rhs, derived)
        return Finding(finding.passed, f"the equation, multiplied on both sides, gives the claim: {finding.how}")


@dataclass(frozen=True)
class ScalarIdentity(Check):
    """An identity between scalar functions: exponentials, logarithms, sums over the components.

    Weights count as positive only where a cited premise says so.
    """

    kind: ClassVar[Kind] = Kind.IDENTITY

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Reduce the difference of the two sides to 0 symbolically."""
        positive = context.cites(Gt(w[k], 0))
        for part in conjuncts(claim):
            if not isinstance(part, Equality):
                return refuse("the claim is not an identity")
            difference: Expr = part.lhs - part.rhs
            if positive:
                weights = [x for x in part.atoms(Indexed) if x.base == w and not _summed(x, part)]
                difference = difference.xreplace({x: Dummy(positive=True) for x in weights})
            difference = _without_constant_factors(expand(expand_log(difference), power_exp=True))
            if simplify(difference) != 0:
                return refuse(f"the two sides differ by {difference}")
        return Finding(True, "SymPy reduces the difference of the two sides to 0, for every number of components")


def _summed(indexed: Indexed, claim: Claim) -> bool:
    """Return whether the index of this symbol is the summation index of a sum in the claim."""
    return any(indexed.indices[0] in total.variables for total in claim.atoms(Sum))


def _without_constant_factors(expression: Expr) -> Expr:
    """Take the factors that do not depend on the summation index out of each sum."""

    def take_out(total: Sum) -> Expr:
        index = total.variables[0]
        constant, varying = total.function.as_independent(index, as_Add=False)
        return constant * Sum(varying, *total.limits)

    return expression.replace(lambda e: isinstance(e, Sum), take_out)


@dataclass(frozen=True)
class Differentiate(Check):
    """The claim is a cited equation between functions of a scalar, differentiated and evaluated at a point."""

    kind: ClassVar[Kind] = Kind.IDENTITY
    premise: str
    variable: Symbol
    at: int

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Differentiate both sides of the cited equation; traces that do not depend on the variable are constants."""
        given = context.claims.get(self.premise)
        if not (isinstance(given, Equality) and isinstance(claim, Equality)):
            return refuse(f"{self.premise} and the claim must be equations")
        derivative = Subs(Derivative(given.lhs - given.rhs, self.variable), self.variable, self.at)
        constants = {t: Dummy() for t in (derivative.atoms(Trace) | claim.atoms(Trace)) if not t.has(self.variable)}
        if any(t.has(self.variable) for t in derivative.atoms(Trace)):
            return refuse(f"a trace depends on {self.variable}: expand it first")
        difference = derivative.xreplace(constants).doit() - (claim.lhs - claim.rhs).xreplace(constants).doit()
        if expand(difference) != 0:
            return refuse(f"the derivative is not the one claimed: they differ by {expand(difference)}")
        return Finding(True, f"SymPy differentiates {self.premise} with respect to {self.variable} at {self.at}")


@dataclass(frozen=True)
class LinearPart(Check):
    """An equation that holds for every value of a column gives the equation of its linear parts.

    The claim is (trace equation in x ⟹ matrix equation T = 0), where the trace's linear part in x is tr(xᵀT).
    """

    kind: ClassVar[Kind] = Kind.IDENTITY
    variable: Expression
    step: Expression

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Subtract the equation at x from the equation at x + v: tr(vᵀT) = 0 for every v."""
        match claim:
            case Implies(args=(Equality() as given, Equality() as wanted)):
                pass
            case _:
                return refuse("the claim is not an implication between equations")
        if given.has(self.step) or wanted.has(self.step) or wanted.has(self.variable):
            return refuse("the linear part depends on the variable, or the step is not fresh")
        residual = given.lhs - given.rhs
        change = residual.subs(self.variable, self.variable + self.step) - residual
        finding = context.equal(change, Trace(self.step.T * (wanted.lhs - wanted.rhs)))
        return Finding(finding.passed, f"the change from x to x + v is tr(vᵀT) for every v: {finding.how}")


@dataclass(frozen=True)
class PositiveSum(Check):
    """A sum over the components of products of numbers, each positive by a cited premise, is positive."""

    kind: ClassVar[Kind] = Kind.PSD

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Every factor of the summand is positive by a cited claim; the sum has at least one term."""
        if not (isinstance(claim, StrictGreaterThan) and isinstance(claim.lhs, Sum) and claim.rhs == 0):
            return refuse("the claim is not that a sum is positive")
        summand, ((index, first, last),) = claim.lhs.function, claim.lhs.limits
        if first != 1 or not last.is_positive:
            return refuse("the sum may be empty")
        factors = summand.args if isinstance(summand, Mul) else (summand,)
        for factor in factors:
            if not (isinstance(factor, Indexed) and factor.indices == (index,) and context.cites(Gt(factor, 0))):
                return refuse(f"nothing cited says that {factor} is positive")
        return Finding(True, "each term is a product of numbers that the premises say are positive")


@dataclass(frozen=True)
class Congruence(Check):
    """X = FᵀF ≻ 0, since F has independent columns: a matrix times F has, by a cited premise."""

    kind: ClassVar[Kind] = Kind.PSD
    factor: Expression
    recover: Expression

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Decide X = FᵀF, and recover·F = a matrix whose columns are independent by a cited premise."""
        if not isinstance(claim, PositiveDefinite):
            return refuse("the claim is not that a matrix is positive definite")
        square = context.equal(claim.args[0], self.factor.T * self.factor)
        if not context.knows(self.recover):
            return refuse("nothing justifies the inverse that recovers the columns")
        if not square.passed:
            return refuse(f"the matrix is not the square of its factor: {square.how}")
        recovered = self.recover * self.factor
        for fact in context.facts(IndependentColumns):
            if fact.args[0].shape == recovered.shape and context.equal(recovered, fact.args[0]).passed:
                how = f"X = FᵀF, and Fv = 0 gives {fact.args[0]} v = 0, so v = 0: {square.how}"
                return Finding(True, how)
        return refuse("nothing cited says that the factor has independent columns")


@dataclass(frozen=True)
class Square(Check):
    """A scalar is ‖Y‖² = tr(YᵀY) ≥ 0 for the matrix Y that the script names."""

    kind: ClassVar[Kind] = Kind.PSD
    root: Expression

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Decide that the scalar equals tr(YᵀY)."""
        if not (isinstance(claim, GreaterThan) and claim.rhs == 0):
            return refuse("the claim is not that a scalar is nonnegative")
        finding = context.equal(claim.lhs, Trace(self.root.T * self.root))
        return Finding(finding.passed, f"equals the squared norm of {self.root}: {finding.how}")


@dataclass(frozen=True)
class Vanishing(Check):
    """A squared norm that is ≤ 0 vanishes, and a matrix with it.

    The claim is (−tr(Y₀ᵀY₀) ≥ 0 ⟹ T = 0) or (tr(Y₀ᵀY₀) = 0 ⟹ T = 0). Each next root satisfies Y_i = Y_{i+1}Y_{i+1}ᵀ,
    so Y_{i+1} = 0 too, and T = left·Y_n·right.
    """

    kind: ClassVar[Kind] = Kind.PSD
    roots: tuple[Expression, ...]
    left: Expression
    right: Expression

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Decide each link of the chain."""
        match claim:
            case Implies(args=(GreaterThan() as bound, Equality() as wanted)) if bound.rhs == 0:
                norm: Expression = -bound.lhs
            case Implies(args=(Equality() as zero, Equality() as wanted)):
                norm = zero.lhs - zero.rhs
            case _:
                return refuse("the claim is not that a vanishing scalar makes a matrix vanish")
        if not context.knows(self.left, self.right):
            return refuse("the root is multiplied by an inverse that nothing justifies")
        links = [(norm, Trace(self.roots[0].T * self.roots[0]))]
        links += [(y, z * z.T) for y, z in zip(self.roots, self.roots[1:], strict=False)]
        links += [(wanted.lhs - wanted.rhs, self.left * self.roots[-1] * self.right)]
        for a, b in links:
            finding = context.equal(a, b)
            if not finding.passed:
                return refuse(f"{a} is not {b}: {finding.how}")
        return Finding(True, f"a squared norm ≤ 0 is 0, and so is its root: {finding.how}")


def is_variable(symbol: Symbol, context: Context) -> bool:
    """Return whether earlier steps hold for every value of a symbol.

    It is the argument of a function that a definition introduces; neither the vocabulary nor a step gives it one value.
    """
    introduced = {name for step in context.earlier for name in step.introduced}
    calls = {call for step in context.earlier for call in step.claim.atoms(AppliedUndef) if call.func in introduced}
    arguments = {x for call in calls for x in call.args}
    return symbol in arguments - introduced - {entry.symbol for entry in VOCABULARY}


@dataclass(frozen=True)
class Term:
    """A multiple of a cited relation: its premise ("antecedent" for the claim's own), multiplier and substitution."""

    premise: str
    multiplier: Fraction | int = 1
    at: Mapping[Symbol, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Combination(Check):
    """The claim is a rational combination of cited relations: nonnegative multiples of e ≥ 0, any of a = b.

    The claim is a relation, or (relation ⟹ relation), whose antecedent is then a premise too.
    """

    kind: ClassVar[Kind] = Kind.SUM_OF_SQUARES
    terms: tuple[Term, ...]

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Decide that the claim's difference equals the combination, with multipliers of the right sign."""
        antecedent, wanted = claim.args if isinstance(claim, Implies) else (None, claim)
        if not isinstance(wanted, (GreaterThan, Equality)):
            return refuse("the claim is neither e ≥ 0 nor an equation")
        total: Expression = S.Zero
        for term in self.terms:
            fact = antecedent if term.premise == "antecedent" else context.claims.get(term.premise)
            if not isinstance(fact, (GreaterThan, Equality)):
                return refuse(f"{term.premise} is not a cited relation")
            if not all(is_variable(symbol, context) for symbol in term.at):
                return refuse(f"a symbol that {term.premise} is evaluated at stands for one number")
            if not self._allowed(term, fact, wanted):
                return refuse(f"the multiplier {term.multiplier} of {term.premise} does not preserve the relation")
            total += Rational(term.multiplier) * (fact.lhs - fact.rhs).subs(term.at)
        finding = context.equal(wanted.lhs - wanted.rhs, total)
        return Finding(finding.passed, f"a combination of {len(self.terms)} cited relations: {finding.how}")

    @staticmethod
    def _allowed(term: Term, fact: Relational, wanted: Relational) -> bool:
        return isinstance(fact, Equality) or (isinstance(wanted, GreaterThan) and term.multiplier >= 0)


def vanishes(matrix: Expression) -> Equality:
    """Return the claim matrix = 0."""
    return Eq(matrix, ZeroMatrix(*matrix.shape))


def nonnegative(scalar: Expression) -> Relational:
    """Return the claim scalar ≥ 0."""
    return Ge(scalar, 0)
