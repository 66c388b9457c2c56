"""Checks of relations that follow from cited ones: linear combinations, squares, products, means, Cholesky, Markov."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

from sympy import Add, Basic, Eq, Expr, Ge, Gt, Identity, Implies, MatrixSymbol, S, Symbol, Trace, expand, sympify
from sympy.core.relational import Equality, GreaterThan, LessThan, Relational, StrictGreaterThan
from sympy.matrices.expressions.matexpr import MatrixExpr

from verify.proofs.algebra import Expression
from verify.proofs.checks import is_variable
from verify.proofs.core import Check, Claim, Context, Finding, Kind, conjuncts, refuse
from verify.proofs.moments import MatrixMean, Mean
from verify.vocabulary import EntriesNonnegative

_RELATIONS = (Equality, GreaterThan, StrictGreaterThan)


def speaks_of(expression: Expression, letter: MatrixSymbol, context: Context) -> bool:
    """Return whether an expression depends on a letter once its abbreviations are written out."""
    poly = context.algebra.normal_form(expression)
    return any(c.has(letter) or any(name == letter.name for name, _, _ in word) for word, c in poly.items())


def nonnegative(scalar: Expression, context: Context) -> bool:
    """Return whether a scalar is ≥ 0: a number, or by a cited claim."""
    if scalar.is_number:
        return bool(scalar >= 0)
    bounds = [f.lhs - f.rhs for kind in (GreaterThan, StrictGreaterThan) for f in context.facts(kind)]
    bounds += [f.rhs - f.lhs for f in context.facts(LessThan)]
    return any(expand(bound - scalar) == 0 for bound in bounds)


def positive(scalar: Expression, context: Context) -> bool:
    """Return whether a scalar is > 0: a number, or by a cited claim."""
    return bool(scalar > 0) if scalar.is_number else context.cites(Gt(scalar, 0))


@dataclass(frozen=True)
class Multiple:
    """by·left·(a − b)·right for a relation a = b, a ≥ b or a > b, or for the transpose of an equation.

    `fact` names a premise that holds one relation, or is "antecedent" where the claim's own holds one, or is a relation
    that the claim supposes or a premise states. `at` gives values to scalars for every value of which a named premise
    holds. An inequality is multiplied by a nonnegative number, or by a square of real symbols and the like.
    """

    fact: str | Claim
    left: Expression = 1
    right: Expression = 1
    by: Expression = 1
    at: Mapping[Symbol, int] = field(default_factory=dict)
    transposed: bool = False

    @property
    def factor(self) -> Expression:
        """What an inequality is multiplied by."""
        return sympify(self.by) * self.left

    def relation(self, antecedent: Claim | None, context: Context) -> Relational:
        """Return the relation. Raises ValueError when it is neither cited nor supposed."""
        if not isinstance(self.fact, str):
            if not (
                isinstance(self.fact, _RELATIONS) and (self.fact in conjuncts(antecedent) or context.cites(self.fact))
            ):
                raise ValueError(f"{self.fact} is not a relation that is supposed or cited")
            return self.fact
        holder = antecedent if self.fact == "antecedent" else context.claims.get(self.fact)
        relations = [p for p in conjuncts(holder) if isinstance(p, _RELATIONS)]
        if len(relations) != 1 or isinstance(relations[0].lhs, MatrixMean):
            raise ValueError(f"{self.fact} is not one cited relation")
        if self.at and not (holder is not antecedent and all(is_variable(symbol, context) for symbol in self.at)):
            raise ValueError(f"a symbol that {self.fact} is evaluated at stands for one number")
        return relations[0].subs(self.at)

    def multiple(self, relation: Relational) -> Expression:
        """Return by·left·(a − b)·right. Raises ValueError when that does not preserve an inequality."""
        difference: Expression = relation.lhs - relation.rhs
        if not isinstance(relation, Equality) and not (self.factor.is_nonnegative and self.right == 1):
            raise ValueError(f"the multiple of {relation} does not preserve its direction")
        return self.factor * (difference.T if self.transposed else difference) * self.right


@dataclass(frozen=True)
class LinearConsequence(Check):
    """A relation whose difference is a sum of the differences of cited or supposed relations, each multiplied.

    Equations between matrices are multiplied on both sides; for a claim about scalars the trace of the product counts.
    The claim may be an implication: then its antecedent is a premise too.
    """

    kind: ClassVar[Kind] = Kind.IDENTITY
    terms: tuple[Multiple, ...]

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Decide by normal forms that the claim's difference equals the sum."""
        antecedent, wanted = claim.args if isinstance(claim, Implies) else (None, claim)
        if not isinstance(wanted, _RELATIONS) or not self.terms:
            return refuse("the claim is neither e ≥ 0, nor e > 0, nor an equation, or nothing is combined")
        strict = not isinstance(wanted, StrictGreaterThan)
        parts: list[Expression] = []
        try:
            for term in self.terms:
                relation = term.relation(antecedent, context)
                if not context.knows(term.by, term.left, term.right):
                    return refuse(f"{term.fact} is multiplied by an inverse that nothing justifies")
                if isinstance(wanted, Equality) and not isinstance(relation, Equality):
                    return refuse("an inequality does not give an equation")
                strict = strict or (isinstance(relation, StrictGreaterThan) and bool(term.factor.is_positive))
                product = term.multiple(relation)
                traced = isinstance(product, MatrixExpr) and not isinstance(wanted.lhs, MatrixExpr)
                parts.append(Trace(product) if traced else product)
            finding = context.equal(wanted.lhs - wanted.rhs, sum(parts[1:], parts[0]))
        except (TypeError, ValueError) as error:
            return refuse(str(error))
        if not strict:
            return refuse("a strict inequality needs a strict one")
        return Finding(finding.passed, f"a linear combination of {len(self.terms)} multiplied relations: {finding.how}")


@dataclass(frozen=True)
class PositiveRoot(Check):
    """aI + bYYᵀ with a > 0 and b ≥ 0 is positive definite, so it is ΘΘᵀ with Θ invertible (Cholesky)."""

    kind: ClassVar[Kind] = Kind.DEFINITION
    root: MatrixSymbol
    square: Expression
    level: Expression = S.One
    weight: Expression = S.One

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """The root."""
        return (self.root,)

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The root is an invertible letter, the matrix does not depend on it, and the signs are cited."""
        matrix = self.level * Identity(self.root.shape[0]) + self.weight * self.square * self.square.T
        if not isinstance(claim, Equality) or claim != Eq(matrix, self.root * self.root.T):
            return refuse("the claim is not that aI + bYYᵀ is the square of its root")
        algebra = context.algebra
        if self.root in algebra.definitions or self.root not in algebra.invertible:
            return refuse(f"{self.root} is not a free invertible letter")
        if speaks_of(matrix, self.root, context):
            return refuse(f"the matrix depends on {self.root}")
        if not (positive(self.level, context) and nonnegative(self.weight, context)):
            return refuse("nothing cited says that a > 0 and b ≥ 0")
        how = f"aI + bYYᵀ ≻ 0 for a = {self.level} > 0, b = {self.weight} ≥ 0; Cholesky gives the root {self.root}"
        return Finding(True, how)


@dataclass(frozen=True)
class SquareInverse(Check):
    """WᵀW = I for a square W gives WWᵀ = I: a left inverse of a square matrix is its inverse."""

    kind: ClassVar[Kind] = Kind.IDENTITY

    def verify(self, claim: Claim, context: Context) -> Finding:  # noqa: ARG002
        """The claim is WᵀW = I ⟹ WWᵀ = I, with W square."""
        match claim:
            case Implies(args=(Equality(args=(given, Identity() as unit)), Equality() as wanted)):
                pass
            case _:
                return refuse("the claim is not about a left inverse")
        for W in (wanted.lhs.args[0],) if wanted.lhs.args else ():
            if W.shape[0] == W.shape[1] and given == W.T * W and wanted == Eq(W * W.T, unit):
                return Finding(True, f"{W} is square, so its left inverse is its inverse")
        return refuse("the two equations are not WᵀW = I and WWᵀ = I for one square W")


@dataclass(frozen=True)
class ScalarSquare(Check):
    """A scalar is the square of a real scalar, or a positive multiple of one, and so is ≥ 0."""

    kind: ClassVar[Kind] = Kind.SUM_OF_SQUARES
    root: Expr
    factor: Fraction | int = 1

    def verify(self, claim: Claim, context: Context) -> Finding:  # noqa: ARG002
        """The root is real and the scalar is factor·root²."""
        if not (isinstance(claim, GreaterThan) and claim.rhs == 0 and self.root.is_real and self.factor > 0):
            return refuse("the claim is not that a real scalar is nonnegative")
        if expand(claim.lhs - S(self.factor) * self.root**2) != 0:
            return refuse(f"the scalar is not {self.factor} times the square of {self.root}")
        return Finding(True, f"{self.factor} times the square of {self.root}")


@dataclass(frozen=True)
class NonnegativeProduct(Check):
    """A product of scalars that cited claims say are ≥ 0 is ≥ 0."""

    kind: ClassVar[Kind] = Kind.SUM_OF_SQUARES
    factors: tuple[Expression, Expression]

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Each factor is cited as ≥ 0, and the claim is about their product."""
        a, b = self.factors
        if not (isinstance(claim, GreaterThan) and claim.rhs == 0):
            return refuse("the claim is not that a scalar is nonnegative")
        if not all(context.cites(Ge(factor, 0)) for factor in self.factors):
            return refuse("nothing cited says that a factor is nonnegative")
        finding = context.equal(claim.lhs, Add(*(term * a for term in Add.make_args(b))))
        return Finding(finding.passed, f"the product of two nonnegative scalars: {finding.how}")


@dataclass(frozen=True)
class MeanOfSquare(Check):
    """A positive multiple of 𝔼‖Y‖² is ≥ 0, 𝔼 a mean or a sum with weights that a cited claim says are ≥ 0."""

    kind: ClassVar[Kind] = Kind.PSD
    root: Expression
    weights: MatrixSymbol
    factor: Fraction | int = 1

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The claim is factor·𝔼 tr(YᵀY) ≥ 0, and the weights are cited as nonnegative."""
        if not context.cites(EntriesNonnegative(self.weights)):
            return refuse("nothing cited says that the weights are nonnegative")
        if not (self.factor > 0 and claim == Ge(S(self.factor) * Mean(Trace(self.root.T * self.root)), 0)):
            return refuse(f"the claim is not that 𝔼‖{self.root}‖² ≥ 0")
        return Finding(True, f"a sum of squared norms of {self.root} with nonnegative weights")


@dataclass(frozen=True)
class Markov(Check):
    """The weight of an event is at most twice 𝔼Z, when Z ≥ 0 and Z ≥ ½ wherever the event happens (Markov).

    The event: at a point with label y some class c ≠ y has a score q_c ≥ q_y = p, so Z = Σ_c (1[c = y] − score_c)² is
    at least (1 − p)² + q². `margin` names the cited q − p ≥ 0 ⟹ (1 − p)² + q² − ½ ≥ 0. The claim is 2𝔼Z − err ≥ 0;
    it introduces err, the weight of the points where the arg-max may err. The scores of the point picked by the unit
    column ζ are predictionᵀζ, and labelsᵀζ is the unit column of its label: Z = ‖(labels − prediction)ᵀζ‖².
    """

    kind: ClassVar[Kind] = Kind.SPECTRAL
    margin: str
    scores: tuple[Symbol, Symbol]
    point: MatrixSymbol
    labels: MatrixSymbol
    prediction: Expression
    error: Symbol
    weights: MatrixSymbol

    @property
    def mean(self) -> Expression:
        """𝔼Z."""
        residual = (self.labels - self.prediction).T * self.point
        return Mean(Trace(residual.T * residual))

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """The weight of the points where the arg-max may err."""
        return (self.error,)

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The cited bound is the one that the event asks for, and weights are nonnegative."""
        p, q = self.scores
        bound = Implies(Ge(q - p, 0), Ge((1 - p) ** 2 + q**2 - S.Half, 0))
        if context.claims.get(self.margin) != bound or not context.cites(EntriesNonnegative(self.weights)):
            return refuse("no cited bound says that Z ≥ ½ where the arg-max errs, or the weights may be negative")
        if claim != Ge(2 * self.mean - self.error, 0):
            return refuse("the claim is not that the error is at most twice the mean")
        return Finding(True, f"Markov's inequality: {self.margin} holds wherever the arg-max errs")
