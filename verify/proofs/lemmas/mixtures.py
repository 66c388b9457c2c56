"""Lemmas about Gaussian mixtures and InfoNCE, from the hypotheses by which statements suppose them."""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas import mixtures as v
from thmverify.formulas.mixtures import Mixture
from thmverify.proofs.expressions import Col, Expr, Index, eq, exp, fresh, lse, mean, num, pd, total, tr, zero
from thmverify.proofs.lemmas.algebra import inverse
from thmverify.proofs.lemmas.assumptions import WeightedAssumptions
from thmverify.proofs.lemmas.basic import (
    SoftMax,
    definition,
    generating,
    mixture_definite,
    semidefinite,
    square_norm,
)
from thmverify.proofs.script import Line, Script


class Setting(WeightedAssumptions):
    """A mixture in a script: its hypotheses as assumptions, made when first used, and what follows from them."""

    HYPOTHESES = v.HYPOTHESES

    def __init__(self, script: Script, mixture: Mixture | None = None) -> None:
        """Take the mixture's letters; nothing is assumed yet."""
        super().__init__(script)
        self.mix = mixture or Mixture(script)
        self.d, self.K, self.w, self.mu, self.Sigma = self.mix.d, self.mix.K, self.mix.w, self.mix.mu, self.mix.Sigma

    @cached_property
    def sigma_unfolded(self) -> Line:
        """Σ̄ = Σ_k w_k Σ_k."""
        return self.unfold(self.mix.sigma_bar)

    def unfold(self, constant: Expr) -> Line:
        """c(x̄) = t, or ⟺, for a defined name applied to arguments."""
        return definition(self.s, constant)

    @cached_property
    def sigma_definite(self) -> Line:
        """Σ̄ ≻ 0."""
        whole = mixture_definite(
            self.s, self.w, self.Sigma, self.positive, self.hypothesis("covariances-definite"), self.nonempty
        )
        return self.s.rewrite(self.s.flip(self.sigma_unfolded), whole)

    @cached_property
    def sigma_psd(self) -> Line:
        """Σ̄ ⪰ 0."""
        return semidefinite(self.s, self.sigma_definite)

    @cached_property
    def sigma_symmetric(self) -> Line:
        """Σ̄ = Σ̄ᵀ."""
        return self.s.parts(self.sigma_definite)[0]

    @cached_property
    def sigma_inverse(self) -> tuple[Line, Line, Line]:
        """Σ̄Σ̄⁻¹ = I, Σ̄⁻¹Σ̄ = I, Σ̄⁻¹ = (Σ̄⁻¹)ᵀ."""
        return inverse(self.s, self.sigma_definite)

    @cached_property
    def shared(self) -> Line:
        """∀k. Σ_k = Σ̄, for a shared covariance."""
        s, k, l = self.s, fresh(Index(self.K), "k"), fresh(Index(self.K), "l")
        alike = s.spec(self.hypothesis("shared-covariance"), l, k)
        part = s.gen(s.lin(eq(self.w(l) * self.Sigma(l), self.w(l) * self.Sigma(k)), [(alike, self.w(l))]), l)
        body = total(self.K, lambda j: self.w(j) * self.Sigma(j))
        same = s.same(body, part)
        line = s.lin(
            eq(self.Sigma(k), self.mix.sigma_bar), [same, self.sigma_unfolded, (self.weights_sum, self.Sigma(k))]
        )
        return s.gen(line, k)

    # -- second moments ------------------------------------------------------------------------------------------------

    @property
    def R(self) -> Expr:
        """R = E xxᵀ."""
        return self.mix.R

    @property
    def C(self) -> Expr:
        """C = E x x̂ᵀ."""
        return self.mix.C

    @cached_property
    def own_psd(self) -> Line:
        """∀k. Σ_k ⪰ 0."""
        k = fresh(Index(self.K), "k")
        return self.s.gen(semidefinite(self.s, self.s.spec(self.hypothesis("covariances-definite"), k)), k)

    @cached_property
    def own_symmetric(self) -> Line:
        """∀k. Σ_k = Σ_kᵀ."""
        k = fresh(Index(self.K), "k")
        return self.s.gen(self.s.parts(self.s.spec(self.own_psd, k))[0], k)

    @cached_property
    def moments(self) -> tuple[Line, ...]:
        """R, C, S, μ̄ as they are defined, to rewrite with, each in terms of those after it."""
        return tuple(map(self.unfold, (self.R, self.C, self.mix.S, self.mix.mean)))

    @cached_property
    def R_symmetric(self) -> Line:
        """R = Rᵀ."""
        return self.s.calc(eq(self.R, self.R.T), *self.moments, self.own_symmetric)

    @cached_property
    def C_symmetric(self) -> Line:
        """C = Cᵀ."""
        return self.s.calc(eq(self.C, self.C.T), *self.moments)

    @cached_property
    def S_symmetric(self) -> Line:
        """S = Sᵀ."""
        return self.s.calc(eq(self.mix.S, self.mix.S.T), *self.moments)

    @cached_property
    def R_parts(self) -> Line:
        """R = Σ̄ + S."""
        return self.s.calc(eq(self.R, self.mix.sigma_bar + self.mix.S), *self.moments, self.sigma_unfolded)

    @cached_property
    def S_nonnegative(self) -> Line:
        """∀v. 0 ≤ vᵀSv."""
        s, v, k = self.s, fresh(Col(self.d), "v"), fresh(Index(self.K), "k")
        square = square_norm(s, self.mu(k).T @ v)
        part = s.lin(
            num(0) <= self.w(k) * (tr(v.T @ self.mu(k)) * tr(v.T @ self.mu(k))),
            [s.apply("product", [[s.spec(self.positive, k), square]])],
        )
        summed = s.apply("sum_order", [[s.gen(part, k)]])
        return s.gen(s.lin(num(0) <= tr(v.T @ self.mix.S @ v), [summed], *self.moments), v)

    @cached_property
    def R_definite(self) -> Line:
        """R ≻ 0: R = Σ̄ + S, Σ̄ ≻ 0 and S ⪰ 0."""
        s, v = self.s, fresh(Col(self.d), "v")
        nonzero = s.assume(~eq(v, zero(self.d)))
        strict = s.mp(s.spec(s.parts(self.sigma_definite)[1], v), nonzero)
        found = s.lin(num(0) < tr(v.T @ self.R @ v), [strict, s.spec(self.S_nonnegative, v)], self.R_parts)
        return s.taut(pd(self.R), self.R_symmetric, s.gen(s.discharge(found, nonzero), v))

    @cached_property
    def R_inverse(self) -> tuple[Line, Line, Line]:
        """RR⁻¹ = I, R⁻¹R = I, R⁻¹ = (R⁻¹)ᵀ."""
        return inverse(self.s, self.R_definite)

    @cached_property
    def R_psd(self) -> Line:
        """R ⪰ 0."""
        return semidefinite(self.s, self.R_definite)

    # -- InfoNCE of a shared covariance --------------------------------------------------------------------------------

    def closed_form(self, X: Expr) -> Line:
        """InfoNCE(X) = a quadratic in M = XXᵀ plus Σ_k w_k E log Σ_l w_l exp((μ_k + ξ)ᵀMμ_l), covariances shared."""
        s, K, w, mu, Sb = self.s, self.K, self.w, self.mu, self.mix.sigma_bar
        x, l = fresh(Col(self.d), "x"), fresh(Index(K), "l")
        M = X @ X.T
        moment = generating(s, self.sigma_psd, Sb, M @ x)
        q = num("1/2") * tr(x.T @ M @ Sb @ M @ x)
        logit = tr(x.T @ M @ mu(l))
        partition = s.calc(
            eq(mean(Sb, lambda eta: exp(tr(x.T @ X @ X.T @ (mu(l) + eta)))), exp(logit) * exp(q)),
            moment,
            self.sigma_symmetric,
            psd=[self.sigma_psd],
        )
        soft = SoftMax(s, K, w, lambda k: tr(x.T @ M @ mu(k)), self.positive, self.nonempty)
        pulled = soft.scaled(q)
        opened = s.same(
            self.mix.infonce(X), self.unfold(self.mix.infonce(X)), self.shared, s.gen(partition, x, l), s.gen(pulled, x)
        )
        return s.lin(
            eq(self.mix.infonce(X), self.quadratic(X) + self.potential(X)),
            [opened],
            self.sigma_symmetric,
            self.weights_sum,
            positive=[self.positive],
            psd=[self.sigma_psd],
        )

    def quadratic(self, X: Expr) -> Expr:
        """−tr(CM) + ½ tr(MΣ̄M(Σ̄ + S)), C = δ S + (1 − δ) μ̄μ̄ᵀ, written out over the components."""
        K, w, mu, delta, Sb = self.K, self.w, self.mu, self.mix.delta, self.mix.sigma_bar
        M = X @ X.T
        matched = total(K, lambda k: w(k) * tr(mu(k).T @ M @ mu(k)))
        mixed = total(K, lambda k: total(K, lambda l: w(k) * w(l) * tr(mu(k).T @ M @ mu(l))))
        noise = total(K, lambda k: w(k) * tr(mu(k).T @ M @ Sb @ M @ mu(k))) + tr(M @ Sb @ M @ Sb)
        return -(delta * matched + (1 - delta) * mixed) + num("1/2") * noise

    def potential(self, X: Expr) -> Expr:
        """Σ_k w_k E log Σ_l w_l exp((μ_k + ξ)ᵀXXᵀμ_l)."""
        K, w, mu = self.K, self.w, self.mu
        return total(
            K,
            lambda k: (
                w(k) * mean(self.mix.sigma_bar, lambda xi: lse(K, w, lambda l: tr((mu(k) + xi).T @ X @ X.T @ mu(l))))
            ),
        )
