"""Checks with eigenvalues: classical rules by name.

A classical rule (Eckart–Young, Ky Fan, the spectral theorem) is taken for granted as a theorem of
textbooks; what its check decides is that the premises have exactly the form that the rule asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sympy import Basic, Eq, Ge, Identity, Implies, MatrixSymbol, Symbol, Trace
from sympy.core.function import AppliedUndef
from sympy.core.relational import Equality, StrictLessThan
from sympy.logic.boolalg import BooleanFunction, Equivalent

from verify.proofs.algebra import Expression
from verify.proofs.core import Check, Claim, Context, Finding, Kind, refuse
from verify.proofs.relations import nonnegative, positive, speaks_of


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

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """That A is a minimiser."""
        return (self.minimiser,)

    def verify(self, claim: Claim, context: Context) -> Finding:
        """A is any matrix, the factor is invertible, Y is symmetric, and the rest of L does not depend on A."""
        equation = context.claims.get(self.premise)
        if claim != self.claim:
            return refuse("the claim is not what the rule gives")
        if not (isinstance(equation, Equality) and isinstance(equation.lhs, AppliedUndef)):
            return refuse(f"{self.premise} does not say what the loss is")
        algebra, A = context.algebra, self.variable
        if equation.lhs.args != (A,) or A in algebra.definitions or A in algebra.needs:
            return refuse(f"{A} is not the matrix that the loss is a function of, free to vary")
        symmetric = context.equal(self.target, self.target.T)
        if not context.knows(self.factor.I) or not symmetric.passed:
            return refuse(f"nothing says that the factor is invertible, or the target symmetric: {symmetric.how}")
        distance = self._square - self.target
        rest = equation.rhs - Trace(distance.T * distance)
        if speaks_of(self.target, A, context) or speaks_of(rest, A, context):
            return refuse(f"the target, or the loss beyond the squared distance, depends on {A}")
        return Finding(True, f"Eckart, Young, Mirsky: {self.premise} is a squared distance plus a constant")


@dataclass(frozen=True)
class TopRange(Check):
    """The part X of Y at some of its eigenvalues is YV, V the projector on those eigenvectors (spectral theorem)."""

    kind: ClassVar[Kind] = Kind.SPECTRAL
    projector: MatrixSymbol

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """The projector."""
        return (self.projector,)

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The claim is that X is the top part of Y ⟹ X = YV, with a V that stands for nothing else."""
        match claim:
            case Implies(args=(TopPart(args=(X, Y, _)), Equality() as wanted)):
                pass
            case _:
                return refuse("the claim is not about a top part")
        if self.projector in context.algebra.definitions:
            return refuse(f"{self.projector} has a meaning already")
        if wanted != Eq(X, Y * self.projector):
            return refuse("the claim is not X = YV")
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
                return refuse("the claim is not that the top part is the whole")
        equation, Z = context.claims.get(self.premise), self.left * self.right
        if not (isinstance(equation, Equality) and equation.lhs == Y and context.equal(equation.rhs, Z * Z.T).passed):
            return refuse(f"{self.premise} does not say that Y is ZZᵀ")
        if not nonnegative(columns - self.left.shape[1], context):
            return refuse(f"nothing cited says that {self.left.shape[1]} ≤ {columns}")
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
                return refuse("the claim does not pass from a top part to a top eigenspace")
        equation = context.claims.get(self.premise)
        if not (isinstance(equation, Equality) and equation.lhs == Y):
            return refuse(f"{self.premise} does not say what the matrix of the top part is")
        F, inverse = self.root.T * A, self.root.I
        target = self.factor * inverse * second * inverse.T
        for a, b in ((X, F * F.T), (base, self.root * self.root.T), (equation.rhs, target)):
            finding = context.equal(a, b)
            if not finding.passed:
                return refuse(f"{a} is not {b}: {finding.how}")
        if not positive(self.factor, context):
            return refuse(f"nothing cited says that {self.factor} > 0")
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
                return refuse("the claim does not pass between two pencils")
        if (A, S1, r1) != (A2, S2, r2) or context.claims.get(self.premise) != Eq(base + S1, shifted):
            return refuse(f"{self.premise} does not say that the second pencil is shifted by {S1}")
        for matrix, root in ((shifted, self.root), (base, self.base_root)):
            square = context.equal(matrix, root * root.T)
            if not (square.passed and context.knows(root.I)):
                return refuse(f"{matrix} is not the square of an invertible matrix: {square.how}")
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

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """That A is optimal."""
        return (self.optimal,)

    def verify(self, claim: Claim, context: Context) -> Finding:
        """S is a square, and B that of an invertible matrix."""
        match claim:
            case Implies(args=(TopSpace(args=(_, second, base, _)), proposition)) if proposition == self.optimal:
                pass
            case _:
                return refuse("the claim is not that a top eigenspace is optimal")
        finding = context.equal(second, self.square * self.square.T)
        definite = context.equal(base, self.root * self.root.T)
        if not (finding.passed and definite.passed and context.knows(self.root.I)):
            return refuse(f"S is not YYᵀ, or B not ΓΓᵀ with Γ invertible: {finding.how}; {definite.how}")
        return Finding(True, f"Ky Fan's maximum principle for S = YYᵀ ⪰ 0 and B = ΓΓᵀ ≻ 0: {finding.how}")


@dataclass(frozen=True)
class LowestEigenvectors(Check):
    """H ⪰ 0 has orthonormal eigenvectors U at its r lowest eigenvalues, and λ ≥ 0 is the next (spectral theorem).

    So H − λ(I − UUᵀ) ⪰ 0, which is ΩΩᵀ: on U it is H, and across U the eigenvalues of H are at least λ. The claim is
    UᵀU = I, λ ≥ 0 and H − λ(I − UUᵀ) = ΩΩᵀ; it introduces U, λ and Ω. `test` is a column v, any, for which vᵀHv ≥ 0 is
    cited, and so is r < n.
    """

    kind: ClassVar[Kind] = Kind.DEFINITION
    matrix: Expression
    vectors: MatrixSymbol
    level: Symbol
    root: MatrixSymbol
    test: MatrixSymbol

    @property
    def split(self) -> Equality:
        """H − λ(I − UUᵀ) = ΩΩᵀ."""
        across = Identity(self.vectors.shape[0]) - self.vectors * self.vectors.T
        return Eq(self.matrix - self.level * across, self.root * self.root.T)

    @property
    def orthonormal(self) -> Equality:
        """UᵀU = I."""
        return Eq(self.vectors.T * self.vectors, Identity(self.vectors.shape[1]))

    @property
    def claim(self) -> Claim:
        """What the rule gives."""
        return self.orthonormal & Ge(self.level, 0) & self.split

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """U, λ and Ω."""
        return self.vectors, self.level, self.root

    def verify(self, claim: Claim, context: Context) -> Finding:
        """H is symmetric and ⪰ 0 by a cited claim about any column, r < n, and the letters stand for nothing else."""
        n, r = self.vectors.shape
        if claim != self.claim:
            return refuse("the claim is not what the rule gives")
        if not context.algebra.definitions.keys().isdisjoint((self.vectors, self.root)):
            return refuse("a letter that the rule introduces has a meaning already")
        if self.test in context.algebra.definitions or self.test in context.algebra.needs:
            return refuse(f"{self.test} is not any column")
        symmetric = context.equal(self.matrix, self.matrix.T)
        form = Trace(self.test.T * self.matrix * self.test)
        if not (symmetric.passed and context.cites(Ge(form, 0))):
            return refuse("nothing cited says that the matrix is positive semidefinite, or it is not symmetric")
        if not any(f.lhs - f.rhs == r - n for f in context.facts(StrictLessThan)):
            return refuse(f"nothing cited says that {r} < {n}")
        return Finding(True, f"spectral theorem for a positive semidefinite matrix: {symmetric.how}")
