"""Checks of the partition function of a mixture: log Σ_k w_k E exp, and means of cited equations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sympy import Add, Expr, MatrixSymbol, Sum, exp, log
from sympy.core.relational import Equality

from verify.proofs.algebra import Expression
from verify.proofs.convexity import Apply, Convex
from verify.proofs.core import Check, Claim, Context, Finding, Kind
from verify.proofs.moments import Gaussian, Mean, log_mean
from verify.vocabulary import K, k, w


class LogPartition(Expr):  # type: ignore[misc]
    """log Σ_k w_k E exp of a scalar: the mean over a Gaussian column, the sum over the unit columns of a label.

    The arguments are the scalar, the Gaussian column and the label.
    """

    is_commutative = True

    def _latex(self, printer: Any) -> str:
        scalar, column, label = (printer._print(a) for a in self.args)
        return rf"\log \sum_k w_k \mathbb{{E}}_{{{column}}} \exp\left({scalar}\right)\Big|_{{{label} = e_k}}"


@dataclass(frozen=True)
class PartitionFunction(Check):
    """log Σ_k w_k E exp(…) = φ(z) + what does not depend on k, with φ(z) = log Σ_k w_k exp(y_k).

    `common_factor` names the cited identity Σ_k w_k e^{ℓ_k + q} = e^q Σ_k w_k e^{ℓ_k}.
    """

    kind: ClassVar[Kind] = Kind.GAUSSIAN_MOMENT
    common_factor: str

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Take the Gaussian mean in closed form; what depends on the label is φ's exponent, the rest comes out."""
        if not (isinstance(claim, Equality) and isinstance(claim.lhs, LogPartition)):
            return Finding(False, "the claim is not the value of a log-partition function")
        exponent, column, label = claim.lhs.args
        covariance = next((f.args[1] for f in context.facts(Gaussian) if f.args[0] == column), None)
        if covariance is None:
            return Finding(False, f"nothing cited says that {column} is Gaussian")
        if not is_common_factor(context.claims.get(self.common_factor)):
            return Finding(False, f"{self.common_factor} does not say that a common factor leaves the sum")
        outside, applied = _split(claim.rhs)
        form = next(
            (_form(fact, applied) for fact in context.facts(Convex) if applied and fact.args[0] == applied.args[0]),
            None,
        )
        if form is None:
            return Finding(False, "the claim does not hold φ once, or no cited step says what φ is")
        try:
            computed = log_mean(context.algebra, exponent, column, covariance)
            wanted = context.algebra.scalar(form), context.algebra.scalar(outside)
        except TypeError as error:
            return Finding(False, str(error))
        labelled = {word: c for word, c in computed.items() if any(name == label.name for name, _, _ in word)}
        common = {word: c for word, c in computed.items() if word not in labelled}
        if (labelled, common) != wanted:
            return Finding(False, "mean + ½ variance of the exponent is not φ's exponent plus the common part claimed")
        how = "mean + ½ variance of the exponent, by normal forms for every dimension; its part without the component"
        return Finding(True, f"{how} leaves the sum ({self.common_factor})")


def is_common_factor(fact: Claim) -> bool:
    """Return whether a claim says that Σ_k w_k e^{ℓ_k + q} = e^q Σ_k w_k e^{ℓ_k}."""
    if not (isinstance(fact, Equality) and isinstance(fact.lhs, Sum)):
        return False
    summand, exponents = fact.lhs.function, fact.lhs.function.atoms(exp)
    if fact.lhs.limits != ((k, 1, K),) or len(exponents) != 1 or summand != w[k] * next(iter(exponents)):
        return False
    varying, constant = _by_index(next(iter(exponents)).args[0])
    return bool(fact.rhs == exp(constant) * Sum(w[k] * exp(varying), (k, 1, K)))


def _by_index(exponent: Expr) -> tuple[Expr, Expr]:
    terms = Add.make_args(exponent)
    return Add(*(t for t in terms if t.has(k))), Add(*(t for t in terms if not t.has(k)))


def _split(value: Expr) -> tuple[Expr, Apply | None]:
    """Return a sum without its one applied function, and that function; None when there is not exactly one."""
    terms = Add.make_args(value)
    applied = [t for t in terms if isinstance(t, Apply)]
    rest = Add(*(t for t in terms if not isinstance(t, Apply)))
    return (rest, applied[0]) if len(applied) == 1 and not rest.has(Apply) else (value, None)


def _form(fact: Convex, applied: Apply) -> Expression | None:
    """Return the exponents of log Σ_k w_k exp(y_k) at the column that φ is applied to."""
    _, formula, y, form, variable = fact.args
    if formula != log(Sum(w[k] * exp(y[k]), (k, 1, K))):
        return None
    return form.subs(variable, applied.args[1])


@dataclass(frozen=True)
class MeanOf(Check):
    """The mean of both sides of a cited equation that holds for every value of a column, at a random column."""

    kind: ClassVar[Kind] = Kind.GAUSSIAN_MOMENT
    premise: str
    variable: MatrixSymbol
    at: Expression

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The mean is linear: compare term by term."""
        given = context.claims.get(self.premise)
        if not (isinstance(given, Equality) and isinstance(claim, Equality)):
            return Finding(False, f"{self.premise} and the claim must be equations")
        sides = [Add(*(Mean(t) for t in Add.make_args(side.subs(self.variable, self.at)))) for side in given.args]
        if [claim.lhs.doit(), claim.rhs.doit()] != [side.doit() for side in sides]:
            return Finding(False, f"the claim is not the mean of {self.premise} at the random column")
        return Finding(True, f"the mean of both sides of {self.premise} at {self.variable} = {self.at}, term by term")
