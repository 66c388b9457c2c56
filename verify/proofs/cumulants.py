"""The first cumulant: how log E exp(t·e) starts at t = 0."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from sympy import Add, Basic, Eq, Implies, MatrixSymbol, Ne, Symbol, diff, exp, log, simplify, symbols
from sympy.core.function import Derivative, Subs
from sympy.core.relational import Equality, Unequality

from verify.proofs.checks import vanishes
from verify.proofs.core import Check, Claim, Context, Finding, Kind, conjuncts, refuse
from verify.proofs.isserlis import Independent
from verify.proofs.moments import Gaussian, MatrixMean, Mean, mean_equation
from verify.proofs.partition import LogPartition


@cache
def _starts_at_the_mean() -> bool:
    """Differentiate log Σ_k w_k exp(t y_k + t² q_k) at 0, Σ_k w_k = 1, for a few components: Σ_k w_k y_k."""
    t = Symbol("t", real=True)
    for n in (1, 2, 3):
        parts, y, q = (symbols(f"{name}:{n}", positive=True) for name in "ayq")
        weights = [a / Add(*parts) for a in parts]
        terms = [w * exp(t * b + t**2 * c) for w, b, c in zip(weights, y, q, strict=True)]
        mean = Add(*(w * b for w, b in zip(weights, y, strict=True)))
        if simplify(diff(log(Add(*terms)), t).subs(t, 0) - mean) != 0:
            return False
    return True


@dataclass(frozen=True)
class FirstCumulant(Check):
    """d/dt E_x log E_y exp(t·e(x, y)) at t = 0 is E e(x, y), y independent of x.

    `value` is the function g with g(t) = E_x log Σ_k w_k E_η exp(t·e), which a cited step defines. `negative` is a
    label of y that takes the place of the sum over k: its law is w (`weights` is diag(w)), and it and the noise of y
    are independent of x. In t the slope of log Σ_k w_k exp(t y_k + t² q_k) is bounded by a polynomial in |x|, which
    has a mean: so E and d/dt may be exchanged.
    """

    kind: ClassVar[Kind] = Kind.GAUSSIAN_MOMENT
    value: Any
    t: Symbol
    negative: MatrixSymbol
    weights: MatrixSymbol

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Compare the mean's argument with the exponent, and find the law of the negative and its independence."""
        slope = Subs(Derivative(self.value(self.t), self.t), self.t, 0)
        if not (isinstance(claim, Equality) and claim.lhs == slope and isinstance(claim.rhs, Mean)):
            return refuse("the claim is not that the slope at 0 is a mean")
        defined = next((f.rhs for f in context.facts(Equality) if f.lhs == self.value(self.t)), None)
        if not (isinstance(defined, Mean) and isinstance(defined.args[0], LogPartition)):
            return refuse("no cited step defines the function as the mean of a log-partition function")
        exponent, noise, label = defined.args[0].args
        form = exponent.subs(self.t, 1)
        links = ((exponent, self.t * form), (claim.rhs.args[0], form.subs(label, self.negative)))
        for left, right in links:
            finding = context.equal(left, right)
            if not finding.passed:
                return refuse(f"{left} is not {right}: {finding.how}")
        if not context.cites(mean_equation(self.negative, self.negative, self.weights)):
            return refuse(f"nothing cited states the law of {self.negative}")
        if not any(fact.args[0] == noise for fact in context.facts(Gaussian)):
            return refuse(f"nothing cited says that {noise} is Gaussian")
        seen = (_random(context) & form.atoms(MatrixSymbol)) | {noise, self.negative}
        if not any(seen <= set(fact.args) for fact in context.facts(Independent)):
            return refuse(f"nothing cited says that {', '.join(sorted(map(str, seen)))} are independent")
        if not _starts_at_the_mean():
            return refuse("SymPy does not confirm the first cumulant")
        how = "the first cumulant is the mean (SymPy); E and d/dt exchange, the slopes being bounded by a polynomial"
        return Finding(True, f"{how}: {finding.how}")


def _random(context: Context) -> set[Any]:
    """Return the random columns that the cited claims speak of."""
    columns = {c for f in context.facts(Gaussian) for c in (f.args[0],)}
    for fact in context.facts(Equality):
        if isinstance(fact.lhs, MatrixMean):
            columns |= fact.lhs.atoms(MatrixSymbol)
    return columns


@dataclass(frozen=True)
class LineReached(Check):
    """W = BX ≠ 0 for a B of one column: an entry of the row X is not 0, so B is a multiple of a column of W.

    The claim is (W = BX ∧ V ≠ 0 ⟹ B = W·column), V being W or its transpose and `column` one that the claim introduces.
    """

    kind: ClassVar[Kind] = Kind.IDENTITY
    column: MatrixSymbol

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """The column."""
        return (self.column,)

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Compare the parts of the claim; that B has one column is cited."""
        given = conjuncts(claim.args[0]) if isinstance(claim, Implies) else ()
        product = next((c for c in given if isinstance(c, Equality)), None)
        nonzero = next((c for c in given if isinstance(c, Unequality)), None)
        if product is None or nonzero is None:
            return refuse("the claim does not suppose that W = BX, and that W is not 0")
        W, (B, _) = product.lhs, product.rhs.args
        if claim != Implies(product & nonzero, Eq(B, W * self.column)):
            return refuse("the claim is not that a product that is not 0 reaches its left factor")
        if nonzero not in (Ne(V, vanishes(V).rhs) for V in (W, W.T)):
            return refuse("it is not W that is supposed not to be 0")
        if not context.cites(Eq(B.shape[1], 1)):
            return refuse(f"nothing cited says that {B} has one column")
        return Finding(True, "the row X has an entry that is not 0: dividing that column of W by it gives B")
