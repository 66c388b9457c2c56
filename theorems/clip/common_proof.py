"""What the scripts about CLIP's minimisers share: that they lie in the Fisher subspaces."""

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
from thmverify.proofs.script import Line

HYPOTHESES = ("weights-positive", "weights-sum", "vision-definite", "text-definite", "match-range")


def included(pairs: v.Pairs) -> Expr:
    """Col(W) ⊆ S_{V,F} ∧ Col(Wᵀ) ⊆ S_{T,F}, W = A_V A_Tᵀ."""
    return pairs.vision.within_fisher(v.A_V @ v.A_T.T) & pairs.text.within_fisher(v.A_T @ v.A_V.T)


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
