"""Checks of consequences of cited facts: divisions by a positive number, and a few facts of linear algebra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sympy import (
    Basic,
    Eq,
    Expr,
    Ge,
    Gt,
    Identity,
    Implies,
    MatrixSymbol,
    Or,
    S,
    Symbol,
    Trace,
    expand,
    symbols,
)
from sympy.core.relational import Equality, GreaterThan
from sympy.logic.boolalg import BooleanFunction

from verify.proofs.algebra import Expression
from verify.proofs.checks import IndependentColumns, vanishes
from verify.proofs.convexity import Convex
from verify.proofs.core import Check, Claim, Context, Finding, Kind, conjuncts, refuse
from verify.proofs.optimality import PositiveEntries, Softmax
from verify.vocabulary import K, k, n_orbits, w


@dataclass(frozen=True)
class PositiveFactor(Check):
    """(c·e ≥ 0 ⟹ e ≥ 0), or (c·a = c·b ⟹ a = b), where c > 0.

    That is cited, or supposed beside the relation, or c is the symbol of a positive number.
    """

    kind: ClassVar[Kind] = Kind.IDENTITY
    factor: Expr

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The antecedent is the consequent times the factor."""
        if not isinstance(claim, Implies):
            return refuse("the claim is not an implication")
        positive, (supposed, wanted) = Gt(self.factor, 0), claim.args
        others = [fact for fact in conjuncts(supposed) if fact != positive]
        if len(others) != 1 or not isinstance(wanted, (Equality, GreaterThan)) or others[0].func != wanted.func:
            return refuse("the claim is not an implication between two relations of one kind")
        (given,) = others
        if not (self.factor.is_positive or context.cites(positive) or positive in conjuncts(supposed)):
            return refuse(f"nothing cited says that {self.factor} is positive")
        finding = context.equal(given.lhs - given.rhs, self.factor * (wanted.lhs - wanted.rhs))
        return Finding(finding.passed, f"both sides are divided by {self.factor} > 0: {finding.how}")


def _laplacian_identity(n: int) -> bool:
    """Expand Σ_jk q_jk (a_j − a_k)²/2 = ½ Σ_j (r_j + c_j) a_j² − Σ_jk q_jk a_j a_k for n components."""
    q = [symbols(f"q{j}_:{n}") for j in range(n)]
    a = symbols(f"a:{n}")
    squares = sum(q[j][k] * (a[j] - a[k]) ** 2 for j in range(n) for k in range(n)) / 2
    margins = [sum(q[j][k] + q[k][j] for k in range(n)) / 2 for j in range(n)]
    form = sum(r * x**2 for r, x in zip(margins, a, strict=True))
    form -= sum(q[j][k] * a[j] * a[k] for j in range(n) for k in range(n))
    return bool(expand(squares - form) == 0)


@dataclass(frozen=True)
class EqualColumns(Check):
    """Q > 0 with row and column sums w: tr(T(Q − D)T) = −½ Σ_jk Q_jk |T_j − T_k|² ≥ 0 only if T's columns are equal.

    The claim is (Qᵀo = Do ∧ tr(TQT) − tr(TDT) ≥ 0 ⟹ T = column·oᵀ), T symmetric, `column` one that it introduces.
    """

    kind: ClassVar[Kind] = Kind.SUM_OF_SQUARES
    Q: MatrixSymbol
    D: MatrixSymbol
    ones: MatrixSymbol
    T: Expression
    column: MatrixSymbol

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """The column."""
        return (self.column,)

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Check the row sums, positivity and symmetry, and expand the sum of squares for a few sizes."""
        Q, D, o, T = self.Q, self.D, self.ones, self.T
        if not (context.cites(PositiveEntries(Q)) and context.cites(Eq(Q * o, D * o))):
            return refuse("nothing cited says that Q has positive entries and the row sums of D")
        columns = Eq(Q.T * o, D * o)
        bound = next((c for c in conjuncts(claim.args[0]) if isinstance(c, GreaterThan)), None)
        if bound is None or claim != Implies(columns & bound, Eq(T, self.column * o.T)):
            return refuse("the claim is not that column sums equal to the row sums make the columns equal")
        for left, right in ((T, T.T), (bound.lhs - bound.rhs, Trace(T * Q * T) - Trace(T * D * T))):
            finding = context.equal(left, right)
            if not finding.passed:
                return refuse(f"{left} is not {right}: {finding.how}")
        if not all(_laplacian_identity(n) for n in (1, 2, 3, 4)):
            return refuse("the sum of squares does not expand as it should")
        how = "−½ Σ_jk Q_jk |T_j − T_k|², expanded for 1 to 4 components, a pair at a time; ≥ 0 only if each term is 0"
        return Finding(True, f"{how}: {finding.how}")


@dataclass(frozen=True)
class CentredRank(Check):
    """K columns with Σ_k w_k μ_k = 0, w_k > 0, span at most K − 1 dimensions: K − 1 − m ≥ 0, B a basis of m columns.

    `basis` is B; a cited claim says that its columns are independent and span the same as Σ⁻¹[μ_1 … μ_K].
    """

    kind: ClassVar[Kind] = Kind.PSD
    basis: MatrixSymbol
    means: MatrixSymbol
    mean: MatrixSymbol

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The relation is cited, with a positive weight, and the claim is about the number of columns of the basis."""
        m = self.basis.shape[1]
        if not (context.cites(vanishes(self.mean)) and context.cites(w[k] > 0)):
            return refuse("nothing cited says that the weighted means add up to 0, with positive weights")
        if not context.cites(IndependentColumns(self.basis)):
            return refuse("nothing cited says that the basis is one")
        if claim != Ge(K - 1 - m, 0):
            return refuse("the claim is not K − 1 − m ≥ 0")
        if not context.algebra.definitions.get(self.mean, S.Zero).has(self.means):
            return refuse(f"{self.mean} is not a combination of the means")
        return Finding(
            True, "K columns with a linear relation whose coefficients are not 0 span at most K − 1 dimensions"
        )


@dataclass(frozen=True)
class WithinLine(Check):
    """A column space inside one of dimension at most 1 is 0 or all of it.

    The claim is (included ⟹ A = 0 ∨ contains). Cited claims say what the propositions mean: included ⟹ A = BX with B
    of m columns; contains ⟸ Σ⁻¹μ = F·something, FFᵀ = AAᵀ; and 1 − m ≥ 0.
    """

    kind: ClassVar[Kind] = Kind.PSD
    included: Symbol
    contains: Symbol
    map: MatrixSymbol

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Compare the claim with the cited meanings."""
        if claim != Implies(self.included, Or(vanishes(self.map), self.contains)):
            return refuse("the claim is not that a subspace of a line is 0 or the line")
        inside = next((i.args[1] for i in context.facts(Implies) if i.args[0] == self.included), None)
        spanned = next((i.args[0] for i in context.facts(Implies) if i.args[1] == self.contains), None)
        if not (isinstance(inside, Equality) and isinstance(spanned, Equality)):
            return refuse("no cited step says what the propositions mean")
        basis, factor = inside.rhs.args[0], spanned.rhs.args[0]
        if not context.cites(Ge(1 - basis.shape[1], 0)):
            return refuse("nothing cited says that the space is a line or less")
        square = self.map * self.map.T
        if not any({f.lhs, f.rhs} == {factor * factor.T, square} for f in context.facts(Equality)):
            return refuse("the factor is not one of AAᵀ")
        if inside.lhs != self.map or not any(basis in f.free_symbols for f in context.facts(Equality)):
            return refuse("the propositions are not about the same spaces")
        return Finding(True, "a subspace of a space of at most one dimension is {0} or that space")


@dataclass(frozen=True)
class AtLeastOne(Check):
    """n ≥ m for a positive integer n, since 1 − m ≥ 0 by a cited premise."""

    kind: ClassVar[Kind] = Kind.IDENTITY

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The claim compares a symbol that stands for a positive integer with one that is at most 1."""
        if not isinstance(claim, GreaterThan):
            return refuse("the claim is not n ≥ m")
        number, least = claim.args
        if not (isinstance(number, Symbol) and number.is_integer and number.is_positive):
            return refuse(f"{number} does not stand for a positive integer")
        if not context.cites(Ge(1 - least, 0)):
            return refuse(f"nothing cited says that {least} is at most 1")
        return Finding(True, f"{number} is a positive integer, and 1 is at least {least}")


@dataclass(frozen=True)
class SymmetricMinimiser(Check):
    """A symmetry of the mixture is one of L; M* is unique, so it shares the symmetry, and so does E π_k.

    A symmetry is a permutation of the components and a Σ-isometry of S_F that moves their means alike, the weights
    being equal along it; L is made of w, μ and Σ alone. With one orbit E π_k is the same for all k, as w_k is, and both
    sum to 1. The claim is (minimiser ⟹ Qᵀo = Do), where oᵀQ holds E π_k. M* is unique since L is a convex function plus
    a strictly convex one: the claims cited say that φ is convex and that tr(HΣHΣ) = 0 only if H = 0.
    """

    kind: ClassVar[Kind] = Kind.CONVEX
    minimiser: Symbol
    Q: MatrixSymbol
    D: MatrixSymbol
    ones: MatrixSymbol
    covariance: MatrixSymbol
    change: MatrixSymbol

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The hypothesis, convexity, strict convexity and the definition of Q are cited."""
        H, Sigma = self.change, self.covariance
        if claim != Implies(self.minimiser, Eq(self.Q.T * self.ones, self.D * self.ones)):
            return refuse("the claim is not that E π_k = w_k at a minimiser")
        if not context.cites(Eq(n_orbits, 1)):
            return refuse("nothing cited says that the components are one orbit")
        strict = Implies(Eq(Trace(H * Sigma * H.T * Sigma), 0), vanishes(H))
        if not (context.facts(Convex) and context.cites(strict)):
            return refuse("nothing cited says that the loss is strictly convex")
        softmax = next(iter(context.facts(Softmax)), None)
        moments = [f.rhs for f in context.facts(Equality) if softmax is not None and f.lhs.has(softmax.args[0])]
        if softmax is None or softmax.args[1] != context.facts(Convex)[0].args[0] or self.Q not in moments:
            return refuse("nothing cited says that Q is the joint moment of the component and the softmax")
        return Finding(
            True, "the unique minimiser has the symmetries of the loss, under which the components are one orbit"
        )


class NearProduct(BooleanFunction):  # type: ignore[misc]
    """|Q_jk − w_j w_k| ≤ h w_j w_k for all j and k; the arguments are Q, D = diag(w), a column of ones and h."""

    nargs = 4

    def _latex(self, printer: Any) -> str:
        Q, _, _, h = (printer._print(a) for a in self.args)
        return rf"|{Q}_{{jk}} - w_j w_k| \leq {h}\, w_j w_k"


def _pair_identity() -> bool:
    """Expand ½c(a² + b²) − q·ab = ¼(c + q)(a − b)² + ¼(c − q)(a + b)²."""
    a, b, c, q = symbols("a b c q")
    squares = (c + q) * (a - b) ** 2 / 4 + (c - q) * (a + b) ** 2 / 4
    return bool(expand(c * (a**2 + b**2) / 2 - q * a * b - squares) == 0)


@dataclass(frozen=True)
class NearProductForm(Check):
    """If |Q_jk − w_j w_k| ≤ h w_j w_k then h tr(TDT) ≥ tr(T(Q − Do oᵀD)T), T symmetric.

    With q_jk = Q_jk − w_j w_k and Σ_k w_k = 1 the difference is Σ_jk [½h w_j w_k(|T_j|² + |T_k|²) − q_jk⟨T_j, T_k⟩], a
    sum of ¼(h w_j w_k + q_jk)|T_j − T_k|² + ¼(h w_j w_k − q_jk)|T_j + T_k|².
    """

    kind: ClassVar[Kind] = Kind.SUM_OF_SQUARES
    Q: MatrixSymbol
    D: MatrixSymbol
    ones: MatrixSymbol
    T: Expression
    h: Symbol

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Check the form of the claim, that the weights sum to 1, and expand the squares of one pair."""
        Q, D, o, T, h = self.Q, self.D, self.ones, self.T, self.h
        match claim:
            case Implies(args=(NearProduct() as near, GreaterThan() as wanted)) if near == NearProduct(Q, D, o, h):
                pass
            case _:
                return refuse("the claim is not that a matrix near a product has a small form")
        if not context.cites(Eq(o.T * D * o, Identity(1))):
            return refuse("nothing cited says that the weights sum to 1")
        form = h * Trace(T * D * T) - Trace(T * Q * T) + Trace(T * D * o * o.T * D * T)
        for left, right in ((T, T.T), (wanted.lhs - wanted.rhs, form)):
            finding = context.equal(left, right)
            if not finding.passed:
                return refuse(f"{left} is not {right}: {finding.how}")
        if not _pair_identity():
            return refuse("the squares of a pair do not expand as they should")
        return Finding(True, f"a sum over the pairs j, k of two squares with coefficients ≥ 0: {finding.how}")
