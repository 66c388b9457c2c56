"""The posterior of a Gaussian mixture with one covariance, through its log-odds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sympy import Basic, Eq, Equivalent, IndexedBase, MatrixSymbol, Sum, Symbol, Trace, exp, log
from sympy.core.relational import Equality

from verify.proofs.algebra import Expression
from verify.proofs.core import Check, Claim, Context, Finding, Kind, conjuncts
from verify.proofs.moments import LogMean
from verify.vocabulary import K, k, l, w

_a = IndexedBase("a", positive=True)
_n, _alpha, _beta = Symbol("n", positive=True), Symbol("alpha", real=True), Symbol("beta", real=True)

POSTERIOR_FROM_ODDS = Eq(_a[k] / Sum(_a[l], (l, 1, K)), 1 / Sum(_a[l] / _a[k], (l, 1, K)))
LOG_ODDS = Eq(
    log(w[k] * _n * exp(-_alpha / 2) / (w[l] * _n * exp(-_beta / 2))),
    log(w[k]) - log(w[l]) + (_beta - _alpha) / 2,
)


@dataclass(frozen=True)
class GaussianOdds:
    """Components N(mean·e_k, covariance), seen at a point; the pair of unit columns picks two of them."""

    point: Expression
    mean: Expression
    covariance: Expression
    pair: tuple[MatrixSymbol, MatrixSymbol]

    @property
    def log_ratio(self) -> Expression:
        """The log-density of the first component less that of the second; the normalisers cancel."""
        p, q = (self.point - self.mean * unit for unit in self.pair)
        precision = self.covariance.I
        return (Trace(q.T * precision * q) - Trace(p.T * precision * p)) / 2


@dataclass(frozen=True)
class PosteriorPreserved(Check):
    """Defines a proposition: the posteriors given x and given Aᵀx agree, which is that their log-odds do.

    `law` names the cited step that gives the log generating function of Aᵀx in component k, uᵀ mean e_k + ½uᵀ
    covariance u; `argument` is the column u. The two identities about odds must be cited.
    """

    kind: ClassVar[Kind] = Kind.DEFINITION
    proposition: Symbol
    full: GaussianOdds
    projected: GaussianOdds
    law: str
    argument: MatrixSymbol

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """That the posteriors agree."""
        return (self.proposition,)

    def verify(self, claim: Claim, context: Context) -> Finding:
        """The projected law is the cited one, and the claim is that the two log-ratios agree."""
        if not all(context.cites(fact) for fact in (POSTERIOR_FROM_ODDS, LOG_ODDS)):
            return Finding(False, "nothing cited says that posteriors are functions of log-odds")
        law = context.claims.get(self.law)
        if not (isinstance(law, Equality) and isinstance(law.lhs, LogMean)):
            return Finding(False, f"{self.law} is not a cited law")
        u, p = self.argument, self.projected.pair[0]
        stated = Trace(u.T * self.projected.mean * p) + Trace(u.T * self.projected.covariance * u) / 2
        if not context.equal(law.rhs, stated).passed:
            return Finding(False, f"{self.law} gives the projection another mean or covariance")
        if not isinstance(claim, Equivalent) or self.proposition not in claim.args:
            return Finding(False, f"the claim does not say what {self.proposition} means")
        (equation,) = (part for part in claim.args if part != self.proposition)
        if not (isinstance(equation, Equality) and len(conjuncts(equation)) == 1):
            return Finding(False, "the claim is not that the log-odds agree")
        finding = context.equal(equation.lhs - equation.rhs, self.full.log_ratio - self.projected.log_ratio)
        return Finding(finding.passed, f"posteriors agree exactly when log-odds do, of these Gaussians: {finding.how}")
