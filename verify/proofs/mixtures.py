"""Checks for mixtures whose components have covariances of their own: a common lower bound, and Jensen's inequality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sympy import Basic, Eq, Ge, MatrixSymbol, Symbol
from sympy.core.relational import Equality

from verify.proofs.algebra import Expression
from verify.proofs.checks import vanishes
from verify.proofs.core import Check, Claim, Context, Finding, Kind, refuse
from verify.proofs.moments import Gaussian, LogMean, Mean
from verify.proofs.partition import LogPartition
from verify.vocabulary import PositiveDefinite


@dataclass(frozen=True)
class CommonLowerBound(Check):
    """Positive definite Σ_1 … Σ_K have a positive definite Σ_0 below them all: Σ_k = Σ_0 + ΩΩᵀ, Σ_0 = N₀N₀ᵀ.

    Σ_0 = κI for the least eigenvalue κ of them all, K being finite. The claim introduces N₀ and Ω; Ω belongs to k.
    """

    kind: ClassVar[Kind] = Kind.DEFINITION
    matrix: MatrixSymbol
    root: MatrixSymbol
    rest: MatrixSymbol

    @property
    def claim(self) -> Equality:
        """Σ_k = N₀N₀ᵀ + ΩΩᵀ."""
        return Eq(self.matrix, self.root * self.root.T + self.rest * self.rest.T)

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """N₀ and Ω."""
        return self.root, self.rest

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Σ_k ≻ 0 is cited, and the two letters stand for nothing else, N₀ with an inverse."""
        if claim != self.claim:
            return refuse("the claim is not what the rule gives")
        if not context.cites(PositiveDefinite(self.matrix)):
            return refuse(f"nothing cited says that {self.matrix} is positive definite")
        algebra = context.algebra
        if not algebra.definitions.keys().isdisjoint((self.root, self.rest)):
            return refuse("a letter that the rule introduces has a meaning already")
        if self.root not in algebra.invertible:
            return refuse(f"{self.root} is not an invertible letter")
        return Finding(True, "finitely many positive definite matrices lie above a multiple of I")


@dataclass(frozen=True)
class MixtureJensen(Check):
    """M(1) ≥ M(0) + β for M(s) = 𝔼_x log Σ_k w_k 𝔼 exp(zᵀf_s(y_k)) at z = f_s(x) = a + s n.

    `generating` gives the exponents e_k(s, z); its Gaussian column is the noise of any point, x's or y's, given the
    component. Given x's component, a = keptᵀx is independent of n = noiseᵀx, which has
    mean 0. `lower` says e_k(1, a + n) ≥ e_k(0, a) + (linear in n) + ρ(n) for every k, with one ρ for all k. Log-sum-exp
    increases with each exponent, and the ρ leaves it; what is left is convex in n, so by Jensen's inequality, given a
    and the component, the linear parts only raise it. `mean` says that 𝔼 ρ(n) = β.
    """

    kind: ClassVar[Kind] = Kind.JENSEN
    generating: str
    lower: str
    mean: str
    scale: Symbol
    kept: Expression
    noise: Expression
    point: Expression  # x
    centre: Expression  # the mean of the component that `label` picks
    label: MatrixSymbol
    letters: tuple[MatrixSymbol, MatrixSymbol, MatrixSymbol]  # z, a, n
    linear: Expression
    rest: Expression

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Check each premise's form, then that the claim is what they give."""
        z, a, n = self.letters
        s = self.scale
        generating, value = context.claims.get(self.generating), context.claims.get(self.mean)
        if not (isinstance(generating, Equality) and isinstance(generating.lhs, LogMean)):
            return refuse(f"{self.generating} does not say what the exponents are")
        problem = self._noise_problem(context, generating.lhs.args[1]) or self._form_problem(context)
        if problem:
            return refuse(problem)
        exponent = generating.rhs
        start, end = exponent.subs(z, a).subs(s, 0), exponent.subs(z, a + n).subs(s, 1)
        if context.claims.get(self.lower) != Ge(end - start - self.linear - self.rest, 0):
            return refuse(f"{self.lower} does not bound the exponents from below")
        if not (isinstance(value, Equality) and value.lhs == Mean(self.rest.subs(n, self.noise.T * self.point))):
            return refuse(f"{self.mean} does not say what the mean of the rest is")
        partition = Mean(LogPartition(*generating.lhs.args, self.label).subs(z, self.image))
        if claim != Ge(partition.subs(s, 1) - partition.subs(s, 0) - value.rhs, 0):
            return refuse("the claim is not M(1) − M(0) − β ≥ 0")
        how = "log-sum-exp is increasing and convex; the noise has mean 0 and is independent, given the component"
        return Finding(True, f"{how}; {self.lower} bounds the exponents, {self.mean} gives β")

    @property
    def image(self) -> Expression:
        """f_s(x) = (kept + s·noise)ᵀx."""
        return (self.kept + self.scale * self.noise).T * self.point

    def _noise_problem(self, context: Context, column: MatrixSymbol) -> str:
        """Return why n is not known to be independent of a with mean 0, given the component, or nothing."""
        covariance = next((fact.args[1] for fact in context.facts(Gaussian) if fact.args[0] == column), None)
        if covariance is None:
            return f"nothing cited says that the noise {column} of a point is Gaussian"
        if not context.cites(vanishes(self.noise.T * covariance * self.kept)):
            return "nothing cited says that the noise is uncorrelated with what is kept, given the component"
        if context.algebra.words(self.noise.T * self.centre):
            return "the noise has a mean"
        return ""

    def _form_problem(self, context: Context) -> str:
        """Return why the linear part is not linear in n or the rest is not the same for all components, or nothing."""
        _, a, n = self.letters
        algebra = context.algebra
        if any(sum(name == n.name for name, _, _ in word) != 1 for word in algebra.scalar(self.linear)):
            return f"the linear part is not linear in {n}"
        covariances = [fact.args[1] for fact in context.facts(Gaussian)]
        own = {name for c in covariances for word in algebra.words(c) for name, _, _ in word}
        own |= {self.label.name, a.name}
        own |= {step.check.rest.name for step in context.earlier if isinstance(step.check, CommonLowerBound)}
        if any(name in own for word in algebra.scalar(self.rest) for name, _, _ in word):
            return "the rest depends on the component, or on what is kept"
        return ""
