"""Proof of clip-inclusion-effective: the block argument of Theorem 5.2, one modality after the other.

L depends on W = A_V A_Tᵀ alone. Split A_V = A_in + A_out, A_in with columns in S_{V,F} and A_out orthogonal to it in
the inner product of Σ_V, and let W_t = W_in + t·W_out with W_in = A_in A_Tᵀ and W_out = A_out A_Tᵀ. Neither
E x_VᵀW_t x_T nor E log E exp(y_VᵀW_t x_T) but for its quadratic part sees t, so L(W_t) is a constant, plus t²(h + ½τ)
with h = tr(W_outᵀΣ_V W_out Σ_T) and τ ≥ 0, plus g(t) = E φ(W_tᵀx_V) with φ(z) = log Σ_l w_l exp(zᵀμ_{T,l}), convex.
W_outᵀx_V has mean 0 and is independent of W_inᵀx_V, so g has slope 0 at t = 0 and rises from there. So L(W_t) strictly
increases for t ≥ 0 unless h = 0, and h = 0 says that W_out = 0. Nothing asks that 0 ≤ δ ≤ 1, or that r is large.
"""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas import clip as v
from thmverify.proofs.expressions import (
    Expr,
    Index,
    Mat,
    Real,
    conj,
    eq,
    exists,
    fn,
    fresh,
    minv,
    num,
    zero,
)
from thmverify.proofs.lemmas.basic import folded, unfolded
from thmverify.proofs.lemmas.leak import Leak
from thmverify.proofs.lemmas.paired import Setting, spanned
from thmverify.proofs.lemmas.projector import projector
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script

HYPOTHESES = ("weights-positive", "weights-sum", "vision-definite", "text-definite", "match-range")


class Inclusion:
    """The lines of the argument, for the modality V; what is said of T is got by exchanging the two."""

    def __init__(self, setting: Setting) -> None:
        """Take the setting."""
        self.s, self.set, self.pairs, self.leak = setting.s, setting, setting.pairs, Leak(setting)
        self.F, self.G = fresh(Mat(v.d_V, v.r), "F"), fresh(Mat(v.d_V, v.r), "G")

    # -- splitting A_V ------------------------------------------------------------------------------------------------

    @cached_property
    def projector(self) -> Line:
        """∃P, e. P = Σ_k Σ⁻¹μ_k e_kᵀ ∧ (∀k. PΣ⁻¹μ_k = Σ⁻¹μ_k) ∧ ΣP = PᵀΣ."""
        columns = fn(Index(v.K), lambda k: minv(v.Sigma_V) @ v.mu_V(k))
        return projector(self.s, columns, self.set.hypothesis("vision-definite"))

    @cached_property
    def split(self) -> Line:
        """∀A_V. ∃F, G. WithinModality(F) ∧ OutsideFisher(G) ∧ A_V = F + G."""
        s, modality = self.s, self.pairs.vision
        mark = s.mark()
        (P, e), facts = s.obtain(self.projector, "P", "e")
        made, keeps, mirror = s.parts(facts)
        inside, outside = P @ v.A_V, v.A_V - P @ v.A_V
        within = spanned(s, modality.within_fisher(inside), lambda k: v.A_V.T @ e(k), [(made, 1, None, v.A_V)])
        k = fresh(Index(v.K), "k")
        u = minv(v.Sigma_V) @ v.mu_V(k)
        back = s.calc(eq(v.mu_V(k), v.Sigma_V @ u), self.set.inverse[0])
        apart = s.lin(  # Gᵀμ = Gᵀ Σu = A_Vᵀ(Σu − PᵀΣu) = A_VᵀΣ(u − Pu)
            eq(outside.T @ v.mu_V(k), zero(v.r)),
            [
                (back, 1, outside.T, None),
                (mirror, 1, v.A_V.T, u),
                (s.spec(keeps, k), 1, v.A_V.T @ v.Sigma_V, None),
                (back, 1, v.A_V.T, None),
            ],
        )
        orthogonal = folded(s, modality.outside_fisher(outside), s.gen(apart, k))
        whole = s.both(within, orthogonal, s.calc(eq(v.A_V, inside + outside)))

        def says(F: Expr, G: Expr) -> Expr:
            return conj(modality.within_fisher(F), modality.outside_fisher(G), eq(v.A_V, F + G))

        there = s.exhibit(exists(v.A_V.sort, lambda G: says(inside, G)), outside, whole)
        there = s.exhibit(exists(v.A_V.sort, lambda F: exists(v.A_V.sort, lambda G: says(F, G))), inside, there)
        there = s.release(there, mark)
        s.forget(mark)
        return s.gen(there, v.A_V)

    @cached_property
    def parts(self) -> Line:
        """WithinModality(F) ∧ OutsideFisher(G), assumed."""
        return self.s.assume(self.pairs.vision.within_fisher(self.F) & self.pairs.vision.outside_fisher(self.G))

    @cached_property
    def blocks(self) -> tuple[Line, Line]:
        """(GA_Tᵀ)ᵀμ_k = 0 for every k, and (GA_Tᵀ)ᵀΣ(FA_Tᵀ) = 0, from `parts`."""
        s, out, inside = self.s, self.G @ v.A_T.T, self.F @ v.A_T.T
        within, outside = (unfolded(s, p) for p in s.parts(self.parts))
        k = fresh(Index(v.K), "k")
        orthogonal = s.gen(s.calc(eq(out.T @ v.mu_V(k), zero(v.d_T)), outside), k)
        mark = s.mark()
        _, spans = s.obtain(within, "c")
        crossed = s.calc(eq(out.T @ v.Sigma_V @ inside, zero(v.d_T, v.d_T)), spans, self.set.inverse[0], outside)
        crossed = s.release(crossed, mark)
        s.forget(mark)
        return orthogonal, crossed

    def of_parts(self, line: Line) -> Line:
        """A line about W_in and W_out, at FA_Tᵀ and GA_Tᵀ."""
        s, leak = self.s, self.leak
        line = s.gen(s.discharge(line, leak.orthogonal, leak.crossed), leak.inside, leak.outside)
        return s.mp(s.spec(line, self.F @ v.A_T.T, self.G @ v.A_T.T), *self.blocks)

    # -- the three claims ---------------------------------------------------------------------------------------------

    @cached_property
    def grows(self) -> Line:
        """∀A_T, F, G, a, b. what is outside in F + aG makes the loss grow with a ≥ 0."""
        s, a, b = self.s, fresh(Real, "a"), fresh(Real, "b")
        line = s.spec(self.of_parts(self.leak.grows), a, b)
        out = eq(self.G @ v.A_T.T, zero(v.d_V, v.d_T))
        given = s.assume(conj(*(p.formula for p in s.parts(self.parts)), ~out, num(0) <= a, a < b))
        left, right = (self.pairs.loss(self.F + t * self.G, v.A_T) for t in (a, b))
        strict = s.mp(line, s.taut(line.left, given))
        found = s.lin(left < right, [strict], self.set.factors)
        found = s.mp(s.discharge(found, self.parts), s.taut(self.parts.formula, given))
        return s.gen(s.discharge(found, given), v.A_T, self.F, self.G, a, b)

    @cached_property
    def slope(self) -> Line:
        """∀t. the derivative of L along A_V = F + (1 + t)G, from `parts`."""
        s, t = self.s, fresh(Real, "t")
        line = self.of_parts(self.leak.slope)
        moved = self.pairs.loss(self.F + (1 + t) * self.G, v.A_T)
        product = self.leak.set.pairs.product_loss(self.F @ v.A_T.T + (1 + t) * (self.G @ v.A_T.T))
        return s.rewrite(s.gen(s.calc(eq(product, moved), self.set.factors), t), line)

    def _included(self, optimal: Expr, vanishing: Line) -> Line:
        """∀A_V, A_T. optimal ⟹ WithinModality(A_V A_Tᵀ), from `parts`, A_V = F + G, optimal ⊢ GA_Tᵀ = 0."""
        s, modality = self.s, self.pairs.vision
        equation = s.assume(eq(v.A_V, self.F + self.G))
        given = s.assume(optimal)
        mark = s.mark()
        (c,), spans = s.obtain(unfolded(s, s.parts(self.parts)[0]), "c")
        within = spanned(
            s,
            modality.within_fisher(v.A_V @ v.A_T.T),
            lambda k: v.A_T @ c(k),
            [(equation, 1, None, v.A_T.T), vanishing, (spans, 1, None, v.A_T.T)],
        )
        within = s.release(within, mark)
        s.forget(mark)
        general = s.discharge(within, self.parts, equation)
        general = s.gen(general, self.F, self.G)
        (F, G), facts = s.obtain(s.spec(self.split, v.A_V), "A_in", "A_out")
        both, same = s.taut(s.spec(general, F, G).left, facts), s.parts(facts)[2]
        found = s.release(s.mp(s.spec(general, F, G), both, same), mark)
        s.forget(mark)
        return s.gen(s.discharge(found, given), v.A_V, v.A_T)

    @cached_property
    def minimiser(self) -> Line:
        """∀A_V, A_T. Minimises(A_V, A_T) ⟹ WithinModality(A_V A_Tᵀ): else A_in for A_V would do better."""
        s, pairs, F, G = self.s, self.pairs, self.F, self.G
        equation = s.assume(eq(v.A_V, F + G))
        given = s.assume(pairs.minimises(v.A_V, v.A_T))
        gone = eq(G @ v.A_T.T, zero(v.d_V, v.d_T))
        line = s.spec(self.grows, v.A_T, F, G, num(0), num(1))
        better = s.mp(line, s.both(*s.parts(self.parts), s.assume(~gone), s.calc(num(0) <= 0), s.calc(num(0) < 1)))
        here = s.flip(s.same(pairs.loss(v.A_V, v.A_T), equation))
        no_better = s.spec(unfolded(s, given), F, v.A_T)
        absurd = s.lin(num(0) < 0, [better, here, no_better])
        vanishing = s.taut(gone, s.discharge(absurd, ~gone), s.calc(num(0) <= 0))
        return self._included(given.formula, vanishing)

    @cached_property
    def stationary(self) -> Line:
        """∀A_V, A_T. Stationary(A_V, A_T) ⟹ WithinModality(A_V A_Tᵀ): the slope along G is not positive."""
        s, pairs, F, G, t = self.s, self.pairs, self.F, self.G, fresh(Real, "t")
        equation = s.assume(eq(v.A_V, F + G))
        given = s.assume(pairs.stationary(v.A_V, v.A_T))
        nowhere = zero(v.d_T, v.r)
        level = s.spec(unfolded(s, given), G, nowhere)
        along = pairs.loss(v.A_V + t * G, v.A_T + t * nowhere)
        moved = s.calc(eq(along, pairs.loss(F + (1 + t) * G, v.A_T)), equation)
        level = s.rewrite(s.gen(moved, t), level)
        rate = s.apply("one_derivative", [[level, s.spec(self.slope, num(0))]])
        flat = self.of_parts(self.leak.flat)
        vanishing = s.mp(flat, s.lin(flat.left, [rate]))
        return self._included(given.formula, vanishing)

    # -- both modalities ----------------------------------------------------------------------------------------------

    @cached_property
    def grows_in_text(self) -> Line:
        """The same of A_T."""
        s = self.s
        line = self.set.exchanged(self.grows)
        a, b, F, G = fresh(Real, "a"), fresh(Real, "b"), fresh(v.A_T.sort, "F"), fresh(v.A_T.sort, "G")
        line = s.spec(line, v.A_V, F, G, a, b)
        given = s.assume(line.left)
        left, right = (self.pairs.loss(v.A_V, F + t * G) for t in (a, b))
        found = s.lin(left < right, [s.mp(line, given)], self.set.symmetry)
        return s.gen(s.discharge(found, given), v.A_V, F, G, a, b)

    def both(self, optimal: Expr, line: Line, there: Line) -> Line:
        """Optimal ⟹ WithinModality(A_V A_Tᵀ) ∧ WithinModality(A_T A_Vᵀ)."""
        s = self.s
        text = s.spec(self.set.exchanged(line), v.A_T, v.A_V)
        return s.taut(optimal >> included(self.pairs), s.spec(line, v.A_V, v.A_T), text, s.spec(there, v.A_V, v.A_T))

    @cached_property
    def minimisers(self) -> Line:
        """Minimises(A_V, A_T) ⟹ W lies inside in both modalities."""
        return self.both(self.pairs.minimises(v.A_V, v.A_T), self.minimiser, self.set.minimises_both_ways)

    @cached_property
    def stationaries(self) -> Line:
        """Stationary(A_V, A_T) ⟹ W lies inside in both modalities."""
        return self.both(self.pairs.stationary(v.A_V, v.A_T), self.stationary, self.set.stationary_both_ways)


def included(pairs: v.Pairs) -> Expr:
    """Col(W) ⊆ S_{V,F} ∧ Col(Wᵀ) ⊆ S_{T,F}, W = A_V A_Tᵀ."""
    return pairs.vision.within_fisher(v.A_V @ v.A_T.T) & pairs.text.within_fisher(v.A_T @ v.A_V.T)


def name_steps(argument: Inclusion) -> None:
    """Show the lines that a reader may want to see."""
    s, setting, leak = argument.s, argument.set, argument.leak
    for name, sentence, line in (
        ("product", "The loss depends on W = A_V A_Tᵀ alone.", setting.factors),
        (
            "closed-form",
            "Gaussian integrals: log E exp(xᵀWy) is a quadratic form of x plus a log-sum-exp over the means, in both "
            "directions.",
            setting.product_loss,
        ),
        (
            "projector",
            "The projector onto S_{V,F} that is orthogonal in the inner product of Σ_V: P = BJ⁻¹BᵀΣ, J = BᵀΣB ≻ 0, B a "
            "basis.",
            argument.projector,
        ),
        ("split", "So A_V = A_in + A_out, A_in = PA_V inside S_{V,F} and A_out orthogonal to it.", argument.split),
        ("means", "Suppose that W_out is orthogonal to the means", leak.orthogonal),
        ("blocks", "and to W_in in the inner product of Σ, as A_out A_Tᵀ and A_in A_Tᵀ are.", leak.crossed),
        (
            "form",
            "Then L(W_in + t W_out) is a constant, plus t²(h + ½τ), plus g(t): h = tr(W_outᵀΣ_V W_out Σ_T), τ a mean "
            "of squares, g the mean of a log-sum-exp.",
            leak.form,
        ),
        (
            "independence",
            "g has slope 0 at t = 0: W_outᵀx_V has mean 0 and is independent of W_inᵀx_V.",
            leak.independent,
        ),
        ("tangents", "g lies above its tangents, as a log-sum-exp does.", leak.tangent),
        ("rises", "So its slope at a > 0 is not negative.", leak.rises),
        ("mean-block", "τ = Σ_k w_k ‖ΛᵀW_outμ_{T,k}‖² ≥ 0, where Σ_V = ΛΛᵀ.", leak.mean_block),
        ("noise-block", "h = ‖ΛᵀW_outΩ‖² ≤ 0, Σ_T = ΩΩᵀ, only if W_out = 0.", leak.vanishes),
        ("grows", "So L strictly increases with t ≥ 0 unless W_out = 0.", leak.grows),
        ("slope", "The slope of L at W_{1+t} is (1 + t)(2h + τ) + g′(1 + t).", leak.slope),
        ("flat", "At t = 0 it is not positive only if W_out = 0.", leak.flat),
        (
            "symmetry",
            "Exchanging the modalities leaves the loss as it is: everything holds for A_T too.",
            setting.symmetry,
        ),
        (
            "minimisers",
            "A minimiser has A_out A_Tᵀ = 0, since A_in for A_V does no better: W lies inside.",
            argument.minimisers,
        ),
        (
            "stationary",
            "A stationary pair has A_out A_Tᵀ = 0, since the slope along A_out is 0.",
            argument.stationaries,
        ),
        ("grows-V", "Scaling A_out up makes L grow in the modality V,", argument.grows),
        ("grows-T", "and in the modality T.", argument.grows_in_text),
    ):
        s.step(name, sentence, line)


def prove() -> Proposal:
    """W of minimisers and stationary pairs lies inside, and whatever of W lies outside makes L grow when scaled up."""
    script = Script("clip-inclusion-effective")
    argument = Inclusion(Setting(script))
    name_steps(argument)
    line = script.both(argument.minimisers, argument.stationaries, argument.grows, argument.grows_in_text)
    return script.qed(line, {h: v.HYPOTHESES[h] for h in HYPOTHESES})
