"""Checks with eigenvalues: classical rules by name, and consequences of cited matrix equations.

A classical rule (Cholesky, Eckart–Young, Ky Fan, the spectral theorem, Markov) is taken for granted as a theorem of
textbooks; what its check decides is that the premises have exactly the form that the rule asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from sympy import Add, Eq, Expr, Ge, Gt, Identity, Implies, MatrixSymbol, S, Symbol, Trace, expand
from sympy.core.function import AppliedUndef
from sympy.core.relational import Equality, GreaterThan, LessThan, StrictGreaterThan
from sympy.logic.boolalg import BooleanFunction, Equivalent
from sympy.matrices.expressions.matexpr import MatrixExpr

from verify.proofs.algebra import Expression
from verify.proofs.core import Check, Claim, Context, Finding, Kind, conjuncts
from verify.proofs.moments import MatrixMean


class TopPart(BooleanFunction):  # type: ignore[misc]
    """X is the part of the symmetric matrix Y at its r largest eigenvalues, without the negative ones.

    X = Σ_{i≤r} max(λ_i, 0) v_i v_iᵀ for some orthonormal eigenvectors v_i of Y with eigenvalues λ_1 ≥ λ_2 ≥ …
    """

    nargs = 3

    def _latex(self, printer: Any) -> str:
        X, Y, r = (printer._print(a) for a in self.args)
        return rf"{X} = \left({Y}\right)_{{{r}}}^{{+}}"


class TopSpace(BooleanFunction):  # type: ignore[misc]
    """Col(A) is spanned by eigenvectors v of Sv = λBv at the r largest eigenvalues, those of them that are positive."""

    nargs = 4

    def _latex(self, printer: Any) -> str:
        A, S_, B, r = (printer._print(a) for a in self.args)
        return rf"\mathrm{{Col}}({A}) = \left\langle v : {S_} v = \lambda\, {B} v,\ \lambda > 0 \right\rangle_{{{r}}}"


def _refuse(reason: str) -> Finding:
    return Finding(False, reason)


def _is_fresh(symbol: Any, context: Context) -> bool:
    return not any(step.claim.has(symbol) for step in context.earlier)


def _speaks_of(expression: Expression, letter: MatrixSymbol, context: Context) -> bool:
    """Return whether an expression depends on a letter once its abbreviations are written out."""
    poly = context.algebra.normal_form(expression)
    return any(c.has(letter) or any(name == letter.name for name, _, _ in word) for word, c in poly.items())


def _nonnegative(scalar: Expression, context: Context) -> bool:
    """Return whether a scalar is ≥ 0: a number, or by a cited claim."""
    if scalar.is_number:
        return bool(scalar >= 0)
    bounds = [f.lhs - f.rhs for kind in (GreaterThan, StrictGreaterThan) for f in context.facts(kind)]
    bounds += [f.rhs - f.lhs for f in context.facts(LessThan)]
    return any(expand(bound - scalar) == 0 for bound in bounds)


def _positive(scalar: Expression, context: Context) -> bool:
    return bool(scalar > 0) if scalar.is_number else context.cites(Gt(scalar, 0))


@dataclass(frozen=True)
class Times:
    """left·(a − b)·right for an equation a = b, or for its transpose.

    `premise` names a cited equation, or is "antecedent" for the claim's own, or is an equation that is cited among
    others.
    """

    premise: str | Equality
    left: Expression = 1
    right: Expression = 1
    transposed: bool = False

    def residual(self, antecedent: Claim | None, context: Context) -> Expression:
        """Return a − b. Raises ValueError when the premise is not a cited equation."""
        if isinstance(self.premise, str):
            fact = antecedent if self.premise == "antecedent" else context.claims.get(self.premise)
            equations = [p for p in conjuncts(fact) if isinstance(p, Equality) and not isinstance(p.lhs, MatrixMean)]
            if len(equations) != 1:
                raise ValueError(f"{self.premise} is not one cited equation")
            equation = equations[0]
        else:
            equation = self.premise
            if not context.cites(equation):
                raise ValueError(f"{equation} is not cited")
        difference: Expression = equation.lhs - equation.rhs
        return difference.T if self.transposed else difference


@dataclass(frozen=True)
class Consequence(Check):
    """An equation whose difference is a sum of cited equations' differences, each multiplied on both sides.

    For a claim about scalars the trace of a matrix multiple counts. The claim may be an implication: then its
    antecedent is a premise too.
    """

    kind: ClassVar[Kind] = Kind.IDENTITY
    terms: tuple[Times, ...]

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Decide by normal forms that the claim's difference equals the sum."""
        antecedent, wanted = claim.args if isinstance(claim, Implies) else (None, claim)
        if not isinstance(wanted, Equality):
            return _refuse("the claim is not an equation")
        target: Expression = wanted.lhs - wanted.rhs
        matrix = isinstance(target, MatrixExpr)
        try:
            parts = [self._part(term, antecedent, context, matrix) for term in self.terms]
        except ValueError as error:
            return _refuse(str(error))
        finding = context.equal(target, sum(parts[1:], parts[0]))
        return Finding(finding.passed, f"a combination of {len(self.terms)} multiplied equations: {finding.how}")

    @staticmethod
    def _part(term: Times, antecedent: Claim | None, context: Context, matrix: bool) -> Expression:
        product = term.left * term.residual(antecedent, context) * term.right
        return Trace(product) if isinstance(product, MatrixExpr) and not matrix else product


@dataclass(frozen=True)
class PositiveRoot(Check):
    """aI + bYYᵀ with a > 0 and b ≥ 0 is positive definite, so it is ΘΘᵀ with Θ invertible (Cholesky)."""

    kind: ClassVar[Kind] = Kind.DEFINITION
    root: MatrixSymbol
    square: Expression
    level: Expression = S.One
    weight: Expression = S.One

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The root is a new letter, the matrix does not depend on it, and the signs are cited."""
        matrix = self.level * Identity(self.root.shape[0]) + self.weight * self.square * self.square.T
        if not isinstance(claim, Equality) or claim != Eq(matrix, self.root * self.root.T):
            return _refuse("the claim is not that aI + bYYᵀ is the square of its root")
        algebra = context.algebra
        if not _is_fresh(self.root, context) or self.root in algebra.definitions or self.root not in algebra.invertible:
            return _refuse(f"{self.root} is not a new invertible letter")
        if _speaks_of(matrix, self.root, context):
            return _refuse(f"the matrix depends on {self.root}")
        if not (_positive(self.level, context) and _nonnegative(self.weight, context)):
            return _refuse("nothing cited says that a > 0 and b ≥ 0")
        how = f"aI + bYYᵀ ≻ 0 for a = {self.level} > 0, b = {self.weight} ≥ 0; Cholesky gives the root {self.root}"
        return Finding(True, how)


@dataclass(frozen=True)
class EckartYoung(Check):
    """The minimisers of ‖FFᵀ − Y‖² + constant over F of r columns are the F for which FFᵀ is Y's top-r positive part.

    `premise` says that L(A) = ‖FFᵀ − Y‖² + what does not depend on A, with F = factor·A and factor invertible, so that
    F is any matrix when A is. Positive semidefinite matrices of rank ≤ r are the FFᵀ (Eckart, Young, Mirsky).
    """

    kind: ClassVar[Kind] = Kind.SPECTRAL
    premise: str
    minimiser: Symbol
    variable: MatrixSymbol
    factor: Expression
    target: Expression

    @property
    def claim(self) -> Claim:
        """What the rule gives."""
        return Equivalent(self.minimiser, TopPart(self._square, self.target, self.variable.shape[1]))

    @property
    def _square(self) -> Expression:
        F = self.factor * self.variable
        return F * F.T

    def verify(self, claim: Claim, context: Context) -> Finding:
        """A is any matrix, the factor is invertible, Y is symmetric, and the rest of L does not depend on A."""
        equation = context.claims.get(self.premise)
        if claim != self.claim or not _is_fresh(self.minimiser, context):
            return _refuse("the claim is not what the rule gives, or names the minimisers a second time")
        if not (isinstance(equation, Equality) and isinstance(equation.lhs, AppliedUndef)):
            return _refuse(f"{self.premise} does not say what the loss is")
        algebra, A = context.algebra, self.variable
        if equation.lhs.args != (A,) or A in algebra.definitions or A in algebra.needs:
            return _refuse(f"{A} is not the matrix that the loss is a function of, free to vary")
        inverse = context.equal(self.factor.I * self.factor, Identity(A.shape[0]))
        symmetric = context.equal(self.target, self.target.T)
        if not inverse.passed or not symmetric.passed:
            return _refuse(f"the factor is not invertible, or the target not symmetric: {inverse.how}; {symmetric.how}")
        distance = self._square - self.target
        rest = equation.rhs - Trace(distance.T * distance)
        if _speaks_of(self.target, A, context) or _speaks_of(rest, A, context):
            return _refuse(f"the target, or the loss beyond the squared distance, depends on {A}")
        return Finding(True, f"Eckart, Young, Mirsky: {self.premise} is a squared distance plus a constant")


@dataclass(frozen=True)
class TopRange(Check):
    """The part X of Y at some of its eigenvalues is YV, V the projector on those eigenvectors (spectral theorem)."""

    kind: ClassVar[Kind] = Kind.SPECTRAL
    projector: MatrixSymbol

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The claim is that X is the top part of Y ⟹ X = YV, with V new."""
        match claim:
            case Implies(args=(TopPart(args=(X, Y, _)), Equality() as wanted)):
                pass
            case _:
                return _refuse("the claim is not about a top part")
        if not _is_fresh(self.projector, context) or self.projector in context.algebra.definitions:
            return _refuse(f"{self.projector} has a meaning already")
        if wanted != Eq(X, Y * self.projector):
            return _refuse("the claim is not X = YV")
        return Finding(True, f"spectral theorem: {self.projector} projects on the eigenvectors that X keeps")


@dataclass(frozen=True)
class WholePart(Check):
    """The part of Y at its r largest eigenvalues is Y itself, when Y = ZZᵀ and Z is a product through m ≤ r dimensions.

    `premise` says that Y = ZZᵀ; Z = left·right, left with m columns.
    """

    kind: ClassVar[Kind] = Kind.SPECTRAL
    premise: str
    left: Expression
    right: Expression

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Y ⪰ 0 and rank Y ≤ m by the factors, m ≤ r by a cited claim."""
        match claim:
            case Implies(args=(TopPart(args=(X, Y, columns)), Equality() as wanted)) if wanted == Eq(X, Y):
                pass
            case _:
                return _refuse("the claim is not that the top part is the whole")
        equation, Z = context.claims.get(self.premise), self.left * self.right
        if not (isinstance(equation, Equality) and equation.lhs == Y and context.equal(equation.rhs, Z * Z.T).passed):
            return _refuse(f"{self.premise} does not say that Y is ZZᵀ")
        if not _nonnegative(columns - self.left.shape[1], context):
            return _refuse(f"nothing cited says that {self.left.shape[1]} ≤ {columns}")
        return Finding(True, f"Y = ZZᵀ ⪰ 0 has rank ≤ {self.left.shape[1]} ≤ {columns}: nothing is left out")


@dataclass(frozen=True)
class TopColumns(Check):
    """FFᵀ is the top part of Y ⟹ Col(A) is spanned by top eigenvectors of the pencil (S, B).

    F = ΓᵀA, B = ΓΓᵀ, and `premise` says that Y = aΓ⁻¹SΓ⁻ᵀ with a > 0. Col(F) is spanned by the eigenvectors that FFᵀ
    keeps, and Yu = aλu says that v = Γ⁻ᵀu has Sv = λBv. `root` is Γ, `factor` is a.
    """

    kind: ClassVar[Kind] = Kind.SPECTRAL
    premise: str
    root: Expression
    factor: Expression

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Decide the three identities; a > 0 is cited."""
        match claim:
            case Implies(args=(TopPart(args=(X, Y, r)), TopSpace(args=(A, second, base, columns)))) if r == columns:
                pass
            case _:
                return _refuse("the claim does not pass from a top part to a top eigenspace")
        equation = context.claims.get(self.premise)
        if not (isinstance(equation, Equality) and equation.lhs == Y):
            return _refuse(f"{self.premise} does not say what the matrix of the top part is")
        F, inverse = self.root.T * A, self.root.I
        target = self.factor * inverse * second * inverse.T
        for a, b in ((X, F * F.T), (base, self.root * self.root.T), (equation.rhs, target)):
            finding = context.equal(a, b)
            if not finding.passed:
                return _refuse(f"{a} is not {b}: {finding.how}")
        if not _positive(self.factor, context):
            return _refuse(f"nothing cited says that {self.factor} > 0")
        return Finding(True, f"Yu = aλu says that S(Γ⁻ᵀu) = λB(Γ⁻ᵀu), a > 0: {finding.how}")


@dataclass(frozen=True)
class ShiftedPencil(Check):
    """The pencils (S, B + S) and (S, B) have the same eigenvectors in the same order, for B ≻ 0.

    Sv = λ(B + S)v says that (1 − λ)Sv = λBv; 1 − λ > 0, since (1 − λ)·vᵀ(B + S)v = vᵀBv > 0 and B + S ≻ 0; and
    λ/(1 − λ) increases with λ and has its sign. `premise` says that B + S is the shifted matrix; `root`
    and `base_root` are invertible square roots of B + S and of B.
    """

    kind: ClassVar[Kind] = Kind.SPECTRAL
    premise: str
    root: Expression
    base_root: Expression

    def verify(self, claim: Claim, context: Context) -> Finding:
        """B + S and B are squares of invertible matrices, and a cited equation says that they differ by S."""
        match claim:
            case Implies(args=(TopSpace(args=(A, S1, shifted, r1)), TopSpace(args=(A2, S2, base, r2)))):
                pass
            case _:
                return _refuse("the claim does not pass between two pencils")
        if (A, S1, r1) != (A2, S2, r2) or context.claims.get(self.premise) != Eq(base + S1, shifted):
            return _refuse(f"{self.premise} does not say that the second pencil is shifted by {S1}")
        for matrix, root in ((shifted, self.root), (base, self.base_root)):
            square, inverse = (
                context.equal(matrix, root * root.T),
                context.equal(root.I * root, Identity(root.shape[0])),
            )
            if not (square.passed and inverse.passed):
                return _refuse(f"{matrix} is not the square of an invertible matrix: {square.how}; {inverse.how}")
        return Finding(True, f"λ ↦ λ/(1 − λ) increases on λ < 1 and keeps the sign; {self.premise}: {square.how}")


@dataclass(frozen=True)
class KyFan(Check):
    """J(A) = tr[(AᵀBA)⁻¹AᵀSA] is largest, among maps of r columns, on the top-r eigenspace of (S, B) (Ky Fan).

    S = YYᵀ ⪰ 0 and B = ΓΓᵀ ≻ 0, so eigenvalues that are not positive are 0 and nothing is lost without their
    eigenvectors. The proposition `optimal` is introduced here.
    """

    kind: ClassVar[Kind] = Kind.SPECTRAL
    optimal: Symbol
    square: Expression
    root: Expression

    def verify(self, claim: Claim, context: Context) -> Finding:
        """S is a square, B that of an invertible matrix, and the proposition is new."""
        match claim:
            case Implies(args=(TopSpace(args=(_, second, base, _)), proposition)) if proposition == self.optimal:
                pass
            case _:
                return _refuse("the claim is not that a top eigenspace is optimal")
        if not _is_fresh(self.optimal, context):
            return _refuse(f"{self.optimal} has a meaning already")
        finding = context.equal(second, self.square * self.square.T)
        definite = context.equal(base, self.root * self.root.T)
        inverse = context.equal(self.root.I * self.root, Identity(self.root.shape[0]))
        if not (finding.passed and definite.passed and inverse.passed):
            return _refuse(f"S is not YYᵀ or B not ΓΓᵀ: {finding.how}; {definite.how}; {inverse.how}")
        return Finding(True, f"Ky Fan's maximum principle for S = YYᵀ ⪰ 0 and B = ΓΓᵀ ≻ 0: {finding.how}")


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
                return _refuse("the claim is not about a left inverse")
        for W in (wanted.lhs.args[0],) if wanted.lhs.args else ():
            if W.shape[0] == W.shape[1] and given == W.T * W and wanted == Eq(W * W.T, unit):
                return Finding(True, f"{W} is square, so its left inverse is its inverse")
        return _refuse("the two equations are not WᵀW = I and WWᵀ = I for one square W")


@dataclass(frozen=True)
class ScalarSquare(Check):
    """A scalar is the square of a real scalar, or a positive multiple of one, and so is ≥ 0."""

    kind: ClassVar[Kind] = Kind.SUM_OF_SQUARES
    root: Expr
    factor: Fraction | int = 1

    def verify(self, claim: Claim, context: Context) -> Finding:  # noqa: ARG002
        """The root is real and the scalar is factor·root²."""
        if not (isinstance(claim, GreaterThan) and claim.rhs == 0 and self.root.is_real and self.factor > 0):
            return _refuse("the claim is not that a real scalar is nonnegative")
        if expand(claim.lhs - S(self.factor) * self.root**2) != 0:
            return _refuse(f"the scalar is not {self.factor} times the square of {self.root}")
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
            return _refuse("the claim is not that a scalar is nonnegative")
        if not all(context.cites(Ge(factor, 0)) for factor in self.factors):
            return _refuse("nothing cited says that a factor is nonnegative")
        finding = context.equal(claim.lhs, Add(*(term * a for term in Add.make_args(b))))
        return Finding(finding.passed, f"the product of two nonnegative scalars: {finding.how}")


__all__ = [
    "Consequence",
    "EckartYoung",
    "KyFan",
    "NonnegativeProduct",
    "PositiveRoot",
    "ScalarSquare",
    "ShiftedPencil",
    "SquareInverse",
    "Times",
    "TopColumns",
    "TopPart",
    "TopRange",
    "TopSpace",
    "WholePart",
]
