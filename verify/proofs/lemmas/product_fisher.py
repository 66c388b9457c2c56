"""Lemmas about the Fisher subspace of a product of mixtures: a map reaches all of it if it does so for both factors."""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas import mixtures as v
from thmverify.kernel.proofs.terms import instantiate
from thmverify.proofs.expressions import Col, Expr, Index, conj, delta, eq, exists, eye, fresh, iff, inv, minv, total
from thmverify.proofs.lemmas.algebra import inverse
from thmverify.proofs.lemmas.basic import folded, positive_nonzero, unfolded
from thmverify.proofs.lemmas.pca import gram_definite
from thmverify.proofs.lemmas.product import Product, Side
from thmverify.proofs.script import Line, Script

A = v.A


class Spanning:
    """S_F ⊆ Col(A) exactly if the same holds for both factors, where AAᵀ is the sum of its blocks."""

    def __init__(self, product: Product, untied: Line) -> None:
        """Take E_2ᵀAAᵀE_1 = 0."""
        self.s, self.product, self.set, self.untied = product.s, product, product.set, untied
        self.parts = [side.mix.spans_fisher(side.own.E.T @ A) for side in product.sides]
        self.whole = self.set.mix.spans_fisher(A)

    def down(self, side: Side) -> Line:
        """S_F ⊆ Col(A) ⟹ the same for a factor: w_aΣ_i⁻¹μ_a = Σ_k w_k [a(k) = a] E_iᵀΣ̄⁻¹μ_k."""
        s, own, product = self.s, side.own, self.product
        given = s.assume(self.whole)
        mark = s.mark()
        (c,), spans = s.obtain(s.apply("choice", [[unfolded(s, given)]]), "c")
        k, a = fresh(Index(v.K), "k"), fresh(Index(own.K), "a")
        inverse, X = minv(side.mix.sigma_bar), own.E.T @ A
        rules = [product.inverse_sum, product.means, *product.blocks]
        here = s.lin(eq(inverse @ own.mu(own.at(k)), X @ c(k)), [(s.spec(spans, k), 1, own.E.T, eye(1))], *rules)
        picked = side.marginal(lambda b: delta(b, a) * (inverse @ own.mu(b)))
        moved = s.same(picked.left, s.gen(here, k))
        one = s.mp(s.apply("reciprocal", [], [own.w(a)]), positive_nonzero(s, s.spec(side.positive, a)))
        slope = total(v.K, lambda k: v.w(k) * delta(own.at(k), a) * c(k))
        weighted = s.lin(eq(own.w(a) * (inverse @ own.mu(a)), X @ slope), [picked, moved])
        target = inv(own.w(a)) * slope
        line = s.lin(eq(inverse @ own.mu(a), X @ target), [(weighted, inv(own.w(a))), (one, inverse @ own.mu(a))])
        name = self.parts[side.index]
        law = self.set.unfold(name).right
        there = Expr(instantiate(law.term.args[1], a.term))
        found = folded(s, name, s.gen(s.exhibit(there, target, line), a))
        found = s.release(found, mark)
        s.forget(mark)
        return s.discharge(found, given)

    @cached_property
    def up(self) -> Line:
        """The same for both factors ⟹ S_F ⊆ Col(A): Σ̄⁻¹μ_k = Σ_i E_iE_iᵀAAᵀE_iy_i = AAᵀ Σ_i E_iy_i."""
        s, k, M = self.s, fresh(Index(v.K), "k"), A @ A.T
        given = [s.assume(name) for name in self.parts]
        mark = s.mark()
        parts: list[tuple[Line, int, Expr, Expr]] = []
        ends = []
        for side, line in zip(self.product.sides, given, strict=True):
            own = side.own
            (c,), slope = s.obtain(s.spec(unfolded(s, line), own.at(k)), f"c_{side.index}")
            (y,), image = s.obtain(gram_image(s, own.E.T @ A, c), f"y_{side.index}")
            # E_iE_iᵀME_i = (I − E_jE_jᵀ)ME_i = ME_i
            parts += [(slope, 1, own.E, eye(1)), (image, 1, own.E, eye(1))]
            parts += [(self.product.whole, 1, eye(v.d), M @ own.E @ y)]
            ends.append(A.T @ own.E @ y)
        target = ends[0] + ends[1]
        inverse = minv(self.set.mix.sigma_bar)
        rules = [self.product.inverse_sum, self.product.means, *self.product.blocks, self.untied]
        line = s.lin(eq(inverse @ v.mu(k), A @ target), parts, *rules)
        there = Expr(instantiate(self.set.unfold(self.whole).right.term.args[1], k.term))
        line = s.release(s.exhibit(there, target, line), mark)
        s.forget(mark)
        found = folded(s, self.whole, s.gen(line, k))
        return s.discharge(found, *given)

    @cached_property
    def both(self) -> Line:
        """S_F ⊆ Col(A) ⟺ S_F1 ⊆ Col(E_1ᵀA) ∧ S_F2 ⊆ Col(E_2ᵀA)."""
        down = [self.down(side) for side in self.product.sides]
        return self.s.taut(iff(self.whole, conj(*self.parts)), self.up, *down)


def gram_image(s: Script, X: Expr, c: Expr) -> Line:
    """∃y. Xc = XXᵀy: with X = FH, F of independent columns and H of independent rows, y = F(FᵀF)⁻¹(HHᵀ)⁻¹Hc."""
    mark = s.mark()
    (_, F, _, H, right), line = s.obtain(s.apply("factorisation", [], [X]), "ρ", "F", "F⁺", "H", "H⁺")
    is_X, independent, onto = s.parts(line)
    turned = s.lin(eq(right.T @ H.T, eye(H.rows)), [s.same((H @ right).T, onto)])
    columns = inverse(s, gram_definite(s, F, independent))
    rows = inverse(s, gram_definite(s, H.T, turned))
    y = F @ minv(F.T @ F) @ minv(H.T.T @ H.T) @ H @ c
    line = s.lin(eq(X @ c, X @ X.T @ y), [], is_X, columns[0], rows[0])
    line = s.release(s.exhibit(exists(Col(X.rows), lambda y: eq(X @ c, X @ X.T @ y)), y, line), mark)
    s.forget(mark)
    return line
