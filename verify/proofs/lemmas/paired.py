"""Lemmas about paired mixtures and CLIP, derived for the modality V; `exchanged` carries them over to T."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from thmverify.formulas import clip as v
from thmverify.formulas.clip import Pairs
from thmverify.kernel.proofs.terms import instantiate
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Mat,
    eq,
    exp,
    fn,
    fresh,
    lse,
    mean,
    num,
    total,
    tr,
)
from thmverify.proofs.lemmas.algebra import inverse
from thmverify.proofs.lemmas.assumptions import WeightedAssumptions
from thmverify.proofs.lemmas.basic import SoftMax, definition, folded, generating, semidefinite, unfolded
from thmverify.proofs.script import Line, Script

EXCHANGED = {  # hypotheses, and what they become when the modalities are exchanged
    "weights-positive": "weights-positive",
    "weights-sum": "weights-sum",
    "vision-definite": "text-definite",
    "text-definite": "vision-definite",
}


class Setting(WeightedAssumptions):
    """A paired mixture in a script: its hypotheses as assumptions, made when first used, and what follows from them."""

    HYPOTHESES = v.HYPOTHESES

    def __init__(self, script: Script) -> None:
        """Take the letters; nothing is assumed yet."""
        super().__init__(script)
        self.pairs = Pairs(script)

    @cached_property
    def psd(self) -> tuple[Line, Line]:
        """Σ_V ⪰ 0 and Σ_T ⪰ 0."""
        return semidefinite(self.s, self.hypothesis("vision-definite")), semidefinite(
            self.s, self.hypothesis("text-definite")
        )

    @cached_property
    def symmetric(self) -> tuple[Line, Line]:
        """Σ_V = Σ_Vᵀ and Σ_T = Σ_Tᵀ."""
        return self.s.parts(self.psd[0])[0], self.s.parts(self.psd[1])[0]

    @cached_property
    def inverse(self) -> tuple[Line, Line, Line]:
        """ΣΣ⁻¹ = I, Σ⁻¹Σ = I, Σ⁻¹ = (Σ⁻¹)ᵀ, Σ of the modality V."""
        return inverse(self.s, self.hypothesis("vision-definite"))

    def exchanged(self, line: Line) -> Line:
        """A line with the modalities exchanged; its free variables are letters of the mixture, and r."""
        s = self.s
        used = {h: other for h, other in EXCHANGED.items() if v.HYPOTHESES[h].term in line.theorem.hypotheses}
        line = s.discharge(line, *(v.HYPOTHESES[h] for h in used))
        line = s.spec(s.gen(line, *v.LETTERS), *v.EXCHANGED)
        return s.mp(line, *map(self.hypothesis, used.values()))

    # -- the loss without exponentials --------------------------------------------------------------------------------

    @cached_property
    def product_loss(self) -> Line:
        """∀W. ProductLoss(W) is `closed(W)`: E exp of a Gaussian is known, and its exponent leaves the logarithm."""
        s = self.s
        W = fresh(Mat(v.d_V, v.d_T), "W")
        text = self._partition(v.d_V, v.Sigma_T, v.mu_T, lambda x, y: tr(x.T @ W @ y), lambda x: W.T @ x, 1)
        vision = self._partition(v.d_T, v.Sigma_V, v.mu_V, lambda x, y: tr(y.T @ W @ x), lambda x: W @ x, 0)
        opened = s.same(v.loss_body(W), *text, *vision)
        name = self.pairs.product_loss(W)
        claim, using = eq(name, closed(W)), (*self.symmetric, self.weights_sum)
        found = s.lin(claim, [definition(s, name), opened], *using, positive=[self.positive], psd=list(self.psd))
        return s.gen(found, W)

    def _partition(
        self,
        d: Expr,
        S: Expr,
        mu: Expr,
        score: Callable[[Expr, Expr], Expr],
        slope: Callable[[Expr], Expr],
        side: int,
    ) -> tuple[Line, Line]:
        """∀x, l. E exp(xᵀW(μ_l + η)) = exp(xᵀWμ_l) exp(q) and ∀x. log Σ_l w_l exp(xᵀWμ_l) exp(q) = q + lse(xᵀWμ_l)."""
        s, psd = self.s, self.psd[side]
        x, j = fresh(Col(d), "x"), fresh(Index(v.K), "l")
        moment = generating(s, psd, S, slope(x))
        q = num("1/2") * tr(slope(x).T @ S @ slope(x))
        value = exp(score(x, mu(j))) * exp(q)
        of_negative = eq(mean(S, lambda eta: exp(score(x, mu(j) + eta))), value)
        computed = s.calc(of_negative, moment, self.symmetric[side], psd=[psd])
        soft = SoftMax(s, v.K, v.w, lambda k: score(x, mu(k)), self.positive, self.nonempty)
        return s.gen(computed, x, j), s.gen(soft.scaled(q), x)

    @cached_property
    def factors(self) -> Line:
        """∀A_V, A_T. CLIP(A_V, A_T) = ProductLoss(A_V A_Tᵀ)."""
        s, product = self.s, self.pairs.product_loss(v.A_V @ v.A_T.T)
        name = self.pairs.loss(v.A_V, v.A_T)
        line = s.lin(eq(name, product), [definition(s, name), definition(s, product)])
        return s.gen(line, v.A_V, v.A_T)

    # -- the two modalities -------------------------------------------------------------------------------------------

    @cached_property
    def symmetry(self) -> Line:
        """∀A_V, A_T. CLIP(A_V, A_T) is the loss of (A_T, A_V) with the modalities exchanged."""
        s, pairs = self.s, self.pairs
        there = v.Pairs(s, exchanged=True).loss(v.A_T, v.A_V)
        facts = [self.factors, self.product_loss, self.exchanged(self.factors), self.exchanged(self.product_loss)]
        return s.gen(s.calc(eq(pairs.loss(v.A_V, v.A_T), there), *facts), v.A_V, v.A_T)

    @cached_property
    def minimises_both_ways(self) -> Line:
        """∀A_V, A_T. a minimiser (A_V, A_T) minimises with the modalities exchanged too."""
        s, pairs = self.s, self.pairs
        given, turned = s.assume(pairs.minimises(v.A_V, v.A_T)), v.Pairs(s, exchanged=True)
        F, G = fresh(v.A_V.sort, "F"), fresh(v.A_T.sort, "G")
        here = s.spec(unfolded(s, given), F, G)
        claim = turned.loss(v.A_T, v.A_V) <= turned.loss(G, F)
        there = folded(s, turned.minimises(v.A_T, v.A_V), s.gen(s.lin(claim, [here], self.symmetry), G, F))
        return s.gen(s.discharge(there, given), v.A_V, v.A_T)

    @cached_property
    def stationary_both_ways(self) -> Line:
        """∀A_V, A_T. a stationary pair (A_V, A_T) is stationary with the modalities exchanged too."""
        s, pairs = self.s, self.pairs
        given = s.assume(pairs.stationary(v.A_V, v.A_T))
        F, G = fresh(v.A_V.sort, "F"), fresh(v.A_T.sort, "G")
        here = s.rewrite(self.symmetry, s.spec(unfolded(s, given), F, G))
        there = folded(s, v.Pairs(s, exchanged=True).stationary(v.A_T, v.A_V), s.gen(here, G, F))
        return s.gen(s.discharge(there, given), v.A_V, v.A_T)


def spanned(s: Script, claim: Expr, coefficients: Callable[[Expr], Expr], parts: Sequence[Any], *using: Line) -> Line:
    """Col(X) ⊆ S_F, the claim, with these coefficients, from parts that give X = Σ_k Σ⁻¹μ_k c_kᵀ."""
    there = definition(s, claim).right
    witness = fn(Index(v.K), coefficients)
    equation = Expr(instantiate(there.term.args[1], witness.term))
    return folded(s, claim, s.exhibit(there, witness, s.lin(equation, parts, *using)))


# -- expressions in W -------------------------------------------------------------------------------------------------


def alignment(W: Expr) -> Expr:
    """E x_VᵀWx_T = Σ_k w_k (δ μ_{V,k}ᵀWμ_{T,k} + (1 − δ) Σ_l w_l μ_{V,k}ᵀWμ_{T,l})."""
    K, w, mu, nu = v.K, v.w, v.mu_V, v.mu_T
    matched = total(K, lambda k: w(k) * tr(mu(k).T @ W @ nu(k)))
    mixed = total(K, lambda k: total(K, lambda j: w(k) * w(j) * tr(mu(k).T @ W @ nu(j))))
    return v.delta * matched + (1 - v.delta) * mixed


def closed(W: Expr) -> Expr:
    """The loss: −2 E x_VᵀWx_T, a quadratic form of W, and two means of log-sum-exps."""
    K, w, mu, nu, S, R = v.K, v.w, v.mu_V, v.mu_T, v.Sigma_V, v.Sigma_T
    noise = tr(W @ R @ W.T @ S)
    text = total(K, lambda k: w(k) * tr(mu(k).T @ W @ R @ W.T @ mu(k)))
    vision = total(K, lambda k: w(k) * tr(nu(k).T @ W.T @ S @ W @ nu(k)))
    return -2 * alignment(W) + noise + num("1/2") * (text + vision) + potential(W) + back_potential(W)


def potential(W: Expr) -> Expr:
    """Σ_k w_k E log Σ_l w_l exp(x_VᵀWμ_{T,l}), x_V = μ_{V,k} + ξ."""
    K, w, mu, nu = v.K, v.w, v.mu_V, v.mu_T
    return total(K, lambda k: w(k) * mean(v.Sigma_V, lambda xi: lse(K, w, lambda j: tr((mu(k) + xi).T @ W @ nu(j)))))


def back_potential(W: Expr) -> Expr:
    """Σ_k w_k E log Σ_l w_l exp(μ_{V,l}ᵀWx_T), x_T = μ_{T,k} + η."""
    K, w, mu, nu = v.K, v.w, v.mu_V, v.mu_T
    return total(K, lambda k: w(k) * mean(v.Sigma_T, lambda eta: lse(K, w, lambda j: tr(mu(j).T @ W @ (nu(k) + eta)))))
