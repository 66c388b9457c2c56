"""Proof of clip-equality-lines: W = 0 is no minimiser, and on a line that is all there is to lose.

Where the means of each modality lie on a line, their covariance Cov is a product through one column: maps of one column
make W = t·Cov, and r ≥ 1 columns do so too. L has the slope −2δ tr(CᵀCov) at W = 0 in any direction C, so −2δ‖Cov‖² < 0
along Cov, and W = 0 is no minimiser. W* of a minimiser lies inside (clip-inclusion-effective): on a line spanned by u
it is uyᵀ with y ≠ 0, so u is a multiple of W*y.
"""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas import clip as v
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Mat,
    Real,
    conj,
    eq,
    exists,
    fn,
    fresh,
    inv,
    mean,
    minv,
    num,
    real,
    softmax,
    total,
    tr,
    unit,
    var,
    zero,
)
from thmverify.proofs.lemmas.basic import definition, divide, folded, some_index, unfolded, vanishes, vanishes_below
from thmverify.proofs.lemmas.paired import Setting, alignment, closed
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.clip.common_proof import HYPOTHESES as EFFECTIVE
from thmverify.theorems.clip.common_proof import Inclusion

HYPOTHESES = (*EFFECTIVE, "vision-line", "text-line", "correlated", "some-matched")


class Lines:
    """The lines of the argument."""

    def __init__(self, setting: Setting) -> None:
        """Take the setting."""
        self.s, self.set, self.pairs = setting.s, setting, setting.pairs
        self.W = var("W", Mat(v.d_V, v.d_T))

    # -- the slope at W = 0 -------------------------------------------------------------------------------------------

    def rate(self, C: Expr, t: Expr) -> Expr:
        """The derivative of L(tC) in t."""
        K, w, mu, nu, S, R = v.K, v.w, v.mu_V, v.mu_T, v.Sigma_V, v.Sigma_T

        def forward(k: Expr, xi: Expr) -> Expr:
            def gain(j: Expr) -> Expr:
                return tr((mu(k) + xi).T @ C @ nu(j))

            return total(K, lambda j: softmax(K, w, lambda m: t * gain(m), j) * gain(j))

        def backward(k: Expr, eta: Expr) -> Expr:
            def gain(j: Expr) -> Expr:
                return tr(mu(j).T @ C @ (nu(k) + eta))

            return total(K, lambda j: softmax(K, w, lambda m: t * gain(m), j) * gain(j))

        text = total(K, lambda k: w(k) * tr(mu(k).T @ C @ R @ C.T @ mu(k)))
        vision = total(K, lambda k: w(k) * tr(nu(k).T @ C.T @ S @ C @ nu(k)))
        bends = 2 * t * tr(C @ R @ C.T @ S) + t * (text + vision)
        pulls = total(K, lambda k: w(k) * mean(S, lambda xi: forward(k, xi)))
        pulls = pulls + total(K, lambda k: w(k) * mean(R, lambda eta: backward(k, eta)))
        return -2 * alignment(C) + bends + pulls

    @cached_property
    def even(self) -> Line:
        """∀l. the softmax weights of equal logits are w_l."""
        s, j = self.s, fresh(Index(v.K), "l")
        weight = softmax(v.K, v.w, lambda _: num(0), j)
        return s.gen(s.lin(eq(weight, v.w(j)), [s.apply("softmax", [], [weight])], self.set.weights_sum), j)

    @cached_property
    def slope(self) -> Line:
        """∀C. t ↦ L(tC) has the derivative −2δ tr(CᵀCov) at 0."""
        s, st, C, t = self.s, self.set, fresh(self.W.sort, "C"), fresh(Real, "t")
        value, rate = fn(Real, lambda t: closed(t * C)), fn(Real, lambda t: self.rate(C, t))
        found = s.spec(s.apply("differentiate", [[], [st.positive], []], [value, rate]), num(0))
        found = s.rewrite(s.flip(s.gen(s.spec(st.product_loss, t * C), t)), found)
        at_zero = s.calc(
            eq(self.rate(C, num(0)), -2 * v.delta * tr(C.T @ self.pairs.covariance)),
            self.even,
            definition(s, self.pairs.covariance),
            st.weights_sum,
            positive=[st.positive],
            psd=list(st.psd),
        )
        return s.gen(s.rewrite(at_zero, found), C)

    # -- W = 0 is no minimiser ----------------------------------------------------------------------------------------

    @cached_property
    def through_one(self) -> Line:
        """∃κ, p, q. Cov = κ pqᵀ, where the means lie on lines."""
        s, mark = self.s, self.s.mark()
        (u, a), on_vision = self._line(self.set.hypothesis("vision-line"), "V")
        (y, b), on_text = self._line(self.set.hypothesis("text-line"), "T")
        vision, text = v.Sigma_V @ u, v.Sigma_T @ y
        k = fresh(Index(v.K), "k")
        here = s.lin(eq(v.mu_V(k), a(k) * vision), [(s.spec(on_vision, k), 1, v.Sigma_V, None)], self.set.inverse[0])
        there = s.lin(eq(v.mu_T(k), b(k) * text), [(s.spec(on_text, k), 1, v.Sigma_T, None)], self.inverse_T)
        kappa = total(v.K, lambda k: v.w(k) * (a(k) - _mean(a)) * (b(k) - _mean(b)))
        claim = eq(self.pairs.covariance, kappa * (vision @ text.T))
        line = s.calc(claim, definition(s, self.pairs.covariance), s.gen(here, k), s.gen(there, k))

        def says(kappa: Expr, p: Expr, q: Expr) -> Expr:
            return eq(self.pairs.covariance, kappa * (p @ q.T))

        line = s.exhibit(exists(Col(v.d_T), lambda q: says(kappa, vision, q)), text, line)
        line = s.exhibit(exists(Col(v.d_V), lambda p: exists(Col(v.d_T), lambda q: says(kappa, p, q))), vision, line)
        whole = exists(Real, lambda x: exists(Col(v.d_V), lambda p: exists(Col(v.d_T), lambda q: says(x, p, q))))
        line = s.release(s.exhibit(whole, kappa, line), mark)
        s.forget(mark)
        return line

    @property
    def inverse_T(self) -> Line:
        """Σ_TΣ_T⁻¹ = I."""
        return self.set.exchanged(self.set.inverse[0])

    def _line(self, hypothesis: Line, tag: str) -> tuple[tuple[Expr, Expr], Line]:
        """u and a with Σ⁻¹μ_k = a_k u for every k, chosen."""
        s = self.s
        (u,), facts = s.obtain(hypothesis, f"u_{tag}")
        (a,), line = s.obtain(s.parts(facts)[1], f"a_{tag}")
        return (u, a), line

    @cached_property
    def reached(self) -> Line:
        """1 ≤ r ⟹ ∀t. ∃F, G. FGᵀ = t·Cov."""
        s, mark, t = self.s, self.s.mark(), fresh(Real, "t")
        wide = s.assume(num(1) <= real(v.r))
        some = s.known(some_index, v.r)
        (i,), index = s.obtain(s.taut(some.right, some, wide), "i")
        (kappa, p, q), product = s.obtain(self.through_one, "kappa", "p", "q")
        left, right = (t * kappa) * (p @ unit(i).T), q @ unit(i).T
        line = s.lin(eq(left @ right.T, t * self.pairs.covariance), [(product, t)])

        def says(F: Expr, G: Expr) -> Expr:
            return eq(F @ G.T, t * self.pairs.covariance)

        line = s.exhibit(exists(v.A_T.sort, lambda G: says(left, G)), right, line)
        line = s.exhibit(exists(v.A_V.sort, lambda F: exists(v.A_T.sort, lambda G: says(F, G))), left, line)
        line = s.release(s.taut(line.formula, line, index), mark)  # there is an index below r
        s.forget(mark)
        return s.discharge(s.gen(line, t), wide)

    @cached_property
    def lowest(self) -> Line:
        """1 ≤ r, Minimises(A_V, A_T), A_V A_Tᵀ = 0 ⊢ ∀t. L(0) ≤ L(t·Cov)."""
        s, t, f = self.s, fresh(Real, "t"), self.along
        wide, optimal, nothing = self.supposed
        mark = s.mark()
        (F, G), product = s.obtain(s.spec(s.mp(self.reached, wide), t), "F", "G")
        least = s.spec(unfolded(s, optimal), F, G)
        here = s.calc(eq(self.pairs.loss(v.A_V, v.A_T), f(num(0))), nothing, self.set.factors)
        moved = s.calc(eq(self.pairs.loss(F, G), f(t)), product, self.set.factors)
        line = s.release(s.lin(f(num(0)) <= f(t), [least, here, moved]), mark)
        s.forget(mark)
        return s.gen(line, t)

    @property
    def along(self) -> Expr:
        """t ↦ L(t·Cov)."""
        return fn(Real, lambda t: self.pairs.product_loss(t * self.pairs.covariance))

    @cached_property
    def supposed(self) -> tuple[Line, Line, Line]:
        """1 ≤ r, Minimises(A_V, A_T), A_V A_Tᵀ = 0: assumed."""
        s = self.s
        nothing = eq(v.A_V @ v.A_T.T, zero(v.d_V, v.d_T))
        return s.assume(num(1) <= real(v.r)), s.assume(self.pairs.minimises(v.A_V, v.A_T)), s.assume(nothing)

    @cached_property
    def nonzero(self) -> Line:
        """1 ≤ r ⟹ Minimises(A_V, A_T) ⟹ A_V A_Tᵀ ≠ 0."""
        s, st, t = self.s, self.set, fresh(Real, "t")
        wide, optimal, nothing = self.supposed
        C = self.pairs.covariance
        up = s.spec(self.lowest, num(0) + t)
        shape = s.gen(s.taut((num(0) <= t) >> up.formula, up), t)
        flat = s.apply("fermat", [[s.spec(self.slope, C), shape]])
        whole = s.lin(num(0) <= v.delta * (-tr(C.T @ C)), [flat])
        low = divide(s, st.hypothesis("some-matched"), whole, num(0) <= -tr(C.T @ C))
        gone = vanishes_below(s, C, s.lin(tr(C.T @ C) <= 0, [low]))
        uncorrelated = s.lin(eq(v.covariance(), zero(v.d_V, v.d_T)), [definition(s, C), gone])
        absurd = s.taut(~nothing.formula, s.discharge(uncorrelated, nothing), st.hypothesis("correlated"))
        return s.discharge(absurd, wide, optimal)

    # -- on a line ----------------------------------------------------------------------------------------------------

    @cached_property
    def spans(self) -> Line:
        """∀W. S_{V,F} a line ⟹ Col(W) ⊆ S_{V,F} ⟹ W ≠ 0 ⟹ S_{V,F} ⊆ Col(W)."""
        s, W, modality = self.s, self.W, self.pairs.vision
        on_line = s.assume(v.HYPOTHESES["vision-line"])
        within = s.assume(modality.within_fisher(W))
        there = s.assume(~eq(W, zero(v.d_V, v.d_T)))
        mark = s.mark()
        (u, a), multiples = self._line(on_line, "V")
        (c,), made = s.obtain(unfolded(s, within), "c")
        y, is_y = s.let("y", total(v.K, lambda k: a(k) * c(k)))
        k = fresh(Index(v.K), "k")
        product = s.lin(eq(W, u @ y.T), [made], multiples, is_y)
        supposed = s.assume(eq(tr(y.T @ y), 0))
        no_y = vanishes(s, y, supposed)
        gone = s.discharge(s.lin(eq(W, zero(v.d_V, v.d_T)), [product], no_y), supposed)
        unit_size = s.mp(s.apply("reciprocal", [], [tr(y.T @ y)]), s.taut(~supposed.formula, gone, there))
        witness = (a(k) * inv(tr(y.T @ y))) * y
        target = minv(v.Sigma_V) @ v.mu_V(k)
        reached = s.lin(
            eq(target, W @ witness),
            [s.spec(multiples, k), (product, a(k) * inv(tr(y.T @ y)), None, y), (unit_size, a(k) * u)],
        )
        line = s.exhibit(exists(Col(v.d_T), lambda c: eq(target, W @ c)), witness, reached)
        line = s.release(line, mark)
        s.forget(mark)
        line = folded(s, modality.spans_fisher(W), s.gen(line, k))
        return s.gen(s.discharge(line, on_line, within, there), W)


def _mean(a: Expr) -> Expr:
    return total(v.K, lambda k: v.w(k) * a(k))


def prove() -> Proposal:
    """W of a minimiser has exactly the Fisher subspaces as column spaces, where these are lines."""
    s = Script("clip-equality-lines")
    setting = Setting(s)
    pairs, argument, effective = setting.pairs, Lines(setting), Inclusion(setting)
    W, W_T = v.A_V @ v.A_T.T, v.A_T @ v.A_V.T
    there = argument.nonzero
    optimal = pairs.minimises(v.A_V, v.A_T)
    in_text = setting.exchanged(argument.spans)
    nothing = s.assume(eq(W_T, zero(v.d_T, v.d_V)))
    turned = s.lin(
        eq(W, zero(v.d_V, v.d_T)), [s.calc(eq(W, nothing.right.T), s.calc(eq(W_T.T, nothing.right.T), nothing))]
    )
    turned = s.discharge(turned, nothing)
    wide = num(1) <= real(v.r)
    whole = conj(
        pairs.vision.within_fisher(W),
        pairs.vision.spans_fisher(W),
        pairs.text.within_fisher(W_T),
        pairs.text.spans_fisher(W_T),
    )
    line = s.taut(
        (wide & optimal) >> whole,
        effective.minimisers,
        there,
        s.spec(argument.spans, W),
        s.spec(in_text, W_T),
        turned,
        setting.hypothesis("vision-line"),
        setting.hypothesis("text-line"),
    )
    for name, sentence, step in (
        ("product", "The loss depends on W = A_V A_Tᵀ alone.", setting.factors),
        (
            "closed-form",
            "Gaussian integrals: log E exp(xᵀWy) is a quadratic form of x plus a log-sum-exp over the means.",
            setting.product_loss,
        ),
        ("even", "At W = 0 all logits are equal, and the softmax weights are w.", argument.even),
        (
            "slope",
            "So the slope of L at W = 0 in a direction C is −2δ tr(CᵀCov): what pairs say beyond what negatives say.",
            argument.slope,
        ),
        (
            "through-one",
            "The means of each modality are multiples of one column, so Cov is a product through one.",
            argument.through_one,
        ),
        ("reached", "So maps with r ≥ 1 columns make W = t·Cov for every t.", argument.reached),
        ("nothing", "Suppose that W = 0 for a minimiser.", argument.supposed[2]),
        ("lowest", "Then no t does better than t = 0,", argument.lowest),
        (
            "nonzero",
            "so −2δ‖Cov‖² ≥ 0, and Cov = 0, as δ > 0, against the hypothesis: W of a minimiser is not 0.",
            argument.nonzero,
        ),
        (
            "spans-V",
            "S_{V,F} is spanned by one column u: if W lies inside, W = uyᵀ, and if W is not 0, u = W·y/‖y‖².",
            argument.spans,
        ),
        ("spans-T", "The same of Wᵀ and S_{T,F}, with the modalities exchanged.", in_text),
        (
            "effective",
            "W of a minimiser lies inside in both modalities (clip-inclusion-effective).",
            effective.minimisers,
        ),
    ):
        s.step(name, sentence, step)
    return s.qed(line, {h: v.HYPOTHESES[h] for h in HYPOTHESES})
