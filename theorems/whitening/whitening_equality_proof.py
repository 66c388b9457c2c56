"""Proof of whitening-equality: with dim S_F columns, white features agree most exactly on S_F.

Let AᵀRA = I and Δ = R⁻¹ − AAᵀ. Then ΔRΔ = Δ, and tr(CR⁻¹) − tr(AᵀCA) = tr(CΔ) = δ Σ_k w_k μ_kᵀΔμ_k + (1 − δ) μ̄ᵀΔμ̄
with μᵀΔμ = ‖ΓᵀΔμ‖², R = ΓΓᵀ. A basis B of S_F, made white, reaches tr(CR⁻¹), since R⁻¹μ_k = BG⁻¹Bᵀμ_k with G = BᵀRB. So
a maximiser has Δμ_k = 0: R⁻¹μ_k = AAᵀμ_k, and Σ̄⁻¹μ_k = R⁻¹μ_k + Σ_l w_l R⁻¹μ_l (μ_lᵀΣ̄⁻¹μ_k) lies in Col(A). As
r = dim S_F, B = AY with a square Y, and A = BB⁺A.
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from thmverify.formulas import mixtures, pca
from thmverify.formulas.mixtures import A
from thmverify.formulas.whitening import maximises_agreement
from thmverify.proofs.expressions import Col, Expr, Index, eq, exists, eye, fn, fresh, inv, minv, num, total, tr, zero
from thmverify.proofs.lemmas.algebra import inverse, root
from thmverify.proofs.lemmas.basic import (
    congruence,
    definition,
    folded,
    positive_nonzero,
    semidefinite,
    square_norm,
    unfolded,
    vanishes,
    weaken,
)
from thmverify.proofs.lemmas.spectral import SpectralSetting
from thmverify.proofs.lemmas.subspaces import summand_vanishes
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script

HYPOTHESES = (
    "weights-positive",
    "weights-sum",
    "covariances-definite",
    "bias-range",
    "bias-positive",
    "columns-match",
)


class Setting(SpectralSetting):
    """A mixture, its augmented pairs, and r = dim S_F."""

    HYPOTHESES: ClassVar = {**mixtures.HYPOTHESES, **pca.HYPOTHESES}


class Maximiser:
    """A maximiser A of tr(AᵀCA), AᵀRA = I, and a basis B of S_F."""

    def __init__(self, s: Script) -> None:
        """Suppose that A is one, and choose B."""
        self.s, self.set = s, Setting(s)
        self.mix, self.mu, self.K, self.d = self.set.mix, self.set.mu, self.set.K, self.set.d
        self.supposed = s.assume(maximises_agreement(self.mix, A))
        self.white, self.best = s.parts(unfolded(s, self.supposed))
        named = s.rewrite(s.flip(self.set.sigma_unfolded), self.set.hypothesis("columns-match"))
        (self.B,), line = s.obtain(named, "B")
        independent, self.spans, within = s.parts(line)
        (self.left,), self.left_inverse = s.obtain(independent, "B⁺")
        (self.c,), self.within = s.obtain(within, "c")
        self.gap = minv(self.set.R) - A @ A.T
        self.k = fresh(Index(self.K), "k")

    def fisher(self, k: Expr) -> Expr:
        """Σ̄⁻¹μ_k."""
        return minv(self.mix.sigma_bar) @ self.mu(k)

    @cached_property
    def resolved(self) -> Line:
        """∀k. Σ̄⁻¹μ_k = R⁻¹μ_k + Σ_l w_l R⁻¹μ_l (μ_lᵀΣ̄⁻¹μ_k): RΣ̄⁻¹μ_k = μ_k + SΣ̄⁻¹μ_k."""
        s, st, k = self.s, self.set, self.k
        slope, inverse_R = self.fisher(k), minv(st.R)
        line = s.lin(
            eq(slope, inverse_R @ self.mu(k) + inverse_R @ self.mix.S @ slope),
            [
                (st.R_inverse[1], 1, eye(self.d), slope),
                (st.R_parts, 1, inverse_R, slope),
                (st.sigma_inverse[0], 1, inverse_R, self.mu(k)),
            ],
        )
        return s.gen(line, k)

    @cached_property
    def inside(self) -> Line:
        """∀k. BB⁺R⁻¹μ_k = R⁻¹μ_k: R⁻¹μ_k = Σ̄⁻¹μ_k − Σ_l w_l Σ̄⁻¹μ_l (μ_lᵀR⁻¹μ_k)."""
        s, st, k, P, one = self.s, self.set, self.k, self.B @ self.left, eye(self.d)
        slope, whitened, inverse_S = self.fisher(k), minv(st.R) @ self.mu(k), minv(self.mix.sigma_bar)
        mark = s.mark()
        (h,), spanned = s.obtain(s.spec(self.spans, k), "h")
        kept = s.lin(
            eq(P @ slope, slope),
            [(spanned, 1, P, eye(1)), (spanned, 1, one, eye(1)), (self.left_inverse, 1, self.B, h)],
        )
        kept = s.gen(s.release(kept, mark), k)
        s.forget(mark)
        opened = s.lin(
            eq(whitened, slope - inverse_S @ self.mix.S @ whitened),
            [
                (st.R_inverse[0], 1, inverse_S, self.mu(k)),
                (st.R_parts, 1, inverse_S, whitened),
                (st.sigma_inverse[1], 1, one, whitened),
            ],
        )
        parts = [(opened, 1, P, eye(1)), (opened, 1, one, eye(1))]
        return s.gen(s.lin(eq(P @ whitened, whitened), parts, st.unfold(self.mix.S), kept), k)

    @cached_property
    def made_white(self) -> tuple[Expr, Line, Line]:
        """Q = BG⁻¹Ω, QᵀRQ = I, and QQᵀ = BG⁻¹Bᵀ, where G = BᵀRB = ΩΩᵀ."""
        s, st, B, n = self.s, self.set, self.B, A.cols
        definite = congruence(s, st.R_definite, B, self.left_inverse)
        G = B.T @ st.R @ B
        one, back, turned = inverse(s, definite)
        W, factored = root(s, semidefinite(s, definite), "Ω")
        first = s.lin(eq(W @ (W.T @ minv(G)), eye(n)), [one, (factored, 1, eye(n), minv(G))])
        second = s.parts(s.mp(s.apply("inverse", [], [W, W.T @ minv(G)]), first))[0]
        Q, made = s.let("Q", B @ minv(G) @ W)
        white = s.lin(eq(Q.T @ st.R @ Q, eye(n)), [(back, 1, W.T, minv(G) @ W), second], made, turned)
        square = s.lin(
            eq(Q @ Q.T, B @ minv(G) @ B.T),
            [(factored, 1, B @ minv(G), minv(G) @ B.T), (back, 1, B, minv(G) @ B.T)],
            made,
            turned,
        )
        return Q, white, square

    @cached_property
    def reached(self) -> Line:
        """∀k. QQᵀμ_k = R⁻¹μ_k: for z = B⁺R⁻¹μ_k, Gz = Bᵀμ_k."""
        s, st, B, k = self.s, self.set, self.B, self.k
        Q, _, square = self.made_white
        G = B.T @ st.R @ B
        back = inverse(s, congruence(s, st.R_definite, B, self.left_inverse))[1]
        whitened, z = minv(st.R) @ self.mu(k), self.left @ minv(st.R) @ self.mu(k)
        here = s.spec(self.inside, k)
        solved = s.lin(
            eq(G @ z, B.T @ self.mu(k)), [(here, 1, B.T @ st.R, eye(1)), (st.R_inverse[0], 1, B.T, self.mu(k))]
        )
        line = s.lin(
            eq(Q @ Q.T @ self.mu(k), whitened),
            [(square, 1, eye(self.d), self.mu(k)), (solved, 1, B @ minv(G), eye(1)), (back, 1, B, z), here],
        )
        return s.gen(line, k)

    @cached_property
    def most(self) -> Line:
        """tr(CR⁻¹) ≤ tr(CAAᵀ): Q reaches tr(CR⁻¹), and A does no worse."""
        s, st = self.s, self.set
        Q, white, _ = self.made_white
        better = s.mp(s.spec(self.best, Q), white)
        value = s.lin(eq(tr(Q.T @ st.C @ Q), tr(st.C @ minv(st.R))), [], *st.moments, self.reached)
        return s.lin(tr(st.C @ minv(st.R)) <= tr(st.C @ A @ A.T), [better, value])

    @cached_property
    def projector(self) -> Line:
        """ΔRΔ = Δ."""
        s, st = self.s, self.set
        one, other, _ = st.R_inverse
        parts = [
            (one, 1, minv(st.R), eye(self.d)),
            (other, 1, eye(self.d), A @ A.T),
            (one, 1, A @ A.T, eye(self.d)),
            (self.white, 1, A, A.T),
        ]
        return s.lin(eq(self.gap @ st.R @ self.gap, self.gap), parts)

    @cached_property
    def missed(self) -> Line:
        """∀k. Δμ_k = 0: each δ w_k ‖ΓᵀΔμ_k‖² is 0, R = ΓΓᵀ."""
        s, st, j, k, mark = self.s, self.set, fresh(Index(self.K), "j"), self.k, self.s.mark()
        W, rooted = root(s, st.R_psd, "Γ")
        delta, w = st.delta, st.w

        def length(v: Expr) -> Expr:
            return tr((W.T @ self.gap @ v).T @ (W.T @ self.gap @ v))

        def form(v: Expr) -> Line:
            """‖ΓᵀΔv‖² = vᵀΔv."""
            facts = (st.R_inverse[2],)
            parts = [(rooted, 1, v.T @ self.gap, self.gap @ v), (self.projector, 1, v.T, v)]
            return s.lin(eq(length(v), tr(v.T @ self.gap @ v)), parts, *facts)

        mean = self.mix.mean
        other = s.apply("product", [[st.bias[1], square_norm(s, W.T @ self.gap @ mean)]])
        forms = s.gen(s.flip(form(self.mu(j))), j)
        share = total(self.K, lambda i: delta * w(i) * tr(self.mu(i).T @ self.gap @ self.mu(i)))
        whole = s.lin(
            share <= 0,
            [self.most, other, (form(mean), 1 - delta)],
            *st.moments[1:3],
        )
        weight = s.apply("product", [[st.hypothesis("bias-positive"), s.spec(st.positive, j)]])
        part = s.apply("product", [[weaken(s, weight), square_norm(s, W.T @ self.gap @ self.mu(j))]])
        value = delta * w(j) * tr(self.mu(j).T @ self.gap @ self.mu(j))
        part = s.gen(s.lin(num(0) <= value, [part, (s.spec(forms, j), delta * w(j))]), j)
        none = summand_vanishes(s, part, whole, k)
        own = s.lin(
            num(0) < delta * w(k), [s.apply("product", [[st.hypothesis("bias-positive"), s.spec(st.positive, k)]])]
        )
        cancel = s.mp(s.apply("reciprocal", [], [own.right]), positive_nonzero(s, own))
        square = tr(self.mu(k).T @ self.gap @ self.mu(k))
        flat = s.lin(eq(square, 0), [(none, inv(own.right)), (cancel, square)])
        flat = s.lin(eq(length(self.mu(k)), 0), [flat, form(self.mu(k))])
        image = vanishes(s, W.T @ self.gap @ self.mu(k), flat)
        line = s.lin(
            eq(self.gap @ self.mu(k), zero(self.d)),
            [
                (st.R_inverse[1], 1, eye(self.d), self.gap @ self.mu(k)),
                (rooted, 1, minv(st.R), self.gap @ self.mu(k)),
                (image, 1, minv(st.R) @ W, eye(1)),
            ],
        )
        line = s.release(line, mark)
        s.forget(mark)
        return s.gen(line, k)

    def coordinates(self, k: Expr) -> Expr:
        """Y_k with Σ̄⁻¹μ_k = AY_k."""
        w = self.set.w
        return A.T @ self.mu(k) + total(self.K, lambda l: w(l) * (A.T @ self.mu(l) @ self.mu(l).T @ self.fisher(k)))

    @cached_property
    def in_columns(self) -> Line:
        """∀k. Σ̄⁻¹μ_k = AY_k."""
        s, st, k = self.s, self.set, self.k
        inverse_R = minv(st.R)
        whitened = s.gen(s.lin(eq(inverse_R @ self.mu(k), A @ A.T @ self.mu(k)), [s.spec(self.missed, k)]), k)
        claim = eq(self.fisher(k), A @ self.coordinates(k))
        return s.gen(s.lin(claim, [s.spec(self.resolved, k)], st.unfold(self.mix.S), whitened), k)

    @cached_property
    def covers(self) -> Line:
        """S_F ⊆ Col(A)."""
        s, k = self.s, self.k
        there = exists(Col(A.cols), lambda c: eq(self.fisher(k), A @ c))
        line = s.exhibit(there, self.coordinates(k), s.spec(self.in_columns, k))
        return folded(s, self.mix.spans_fisher(A), s.gen(line, k))

    @cached_property
    def across(self) -> Line:
        """A = BB⁺A: B = AY, and B⁺AY = I says YB⁺A = I, as Y is square."""
        s, n, k = self.s, A.cols, self.k
        y, named = s.let_family("y", [Index(self.K)], self.coordinates)
        column = s.lin(eq(self.fisher(k), A @ y(k)), [s.spec(self.in_columns, k), (s.spec(named, k), -1, A, eye(1))])
        Y = total(self.K, lambda k: y(k) @ self.c(k).T)
        made = s.lin(eq(self.B, A @ Y), [self.within], s.gen(column, k))
        first = s.lin(eq(self.left @ A @ Y, eye(n)), [self.left_inverse, (made, 1, self.left, eye(n))])
        second = s.parts(s.mp(s.apply("inverse", [], [self.left @ A, Y]), first))[0]
        parts = [(second, 1, A, eye(n)), (made, 1, eye(self.d), self.left @ A)]
        return s.lin(eq(A, self.B @ self.left @ A), parts)

    @cached_property
    def included(self) -> Line:
        """Col(A) ⊆ S_F: A = Σ_k Σ̄⁻¹μ_k c_kᵀB⁺A."""
        s, claim = self.s, self.mix.within_fisher(A)
        columns = fn(Index(self.K), lambda k: A.T @ self.left.T @ self.c(k))
        whole = total(self.K, lambda k: self.fisher(k) @ columns(k).T)
        line = s.lin(eq(A, whole), [self.across, (self.within, 1, eye(self.d), self.left @ A)])
        return folded(s, claim, s.exhibit(definition(s, claim).right, columns, line))


def prove() -> Proposal:
    """Return the proposal for the theorem."""
    s = Script("whitening-equality")
    p = Maximiser(s)
    s.step("inside", "R⁻¹μ_k lies in S_F: BB⁺R⁻¹μ_k = R⁻¹μ_k for a basis B of S_F, of r columns.", p.inside)
    s.step("white", "Q = BG⁻¹Ω with G = BᵀRB = ΩΩᵀ has white features: QᵀRQ = I.", p.made_white[1])
    s.step("reached", "QQᵀ = BG⁻¹Bᵀ, so QQᵀμ_k = R⁻¹μ_k, and tr(QᵀCQ) = tr(CR⁻¹).", p.reached)
    s.step("most", "A maximiser A does no worse: tr(CR⁻¹) ≤ tr(CAAᵀ).", p.most)
    s.step("projector", "Δ = R⁻¹ − AAᵀ has ΔRΔ = Δ, so μᵀΔμ = ‖ΓᵀΔμ‖² ≥ 0, R = ΓΓᵀ.", p.projector)
    s.step("missed", "tr(CΔ) ≤ 0 and δ > 0: Δμ_k = 0.", p.missed)
    s.step("in-columns", "So R⁻¹μ_k = AAᵀμ_k, and Σ̄⁻¹μ_k = R⁻¹μ_k + Σ_l w_l R⁻¹μ_l (μ_lᵀΣ̄⁻¹μ_k) = AY_k.", p.in_columns)
    covers = s.step("covers", "So S_F ⊆ Col(A).", p.covers)
    s.step("across", "B = AY with a square Y, and B⁺B = I: A = BB⁺A.", p.across)
    included = s.step("included", "So Col(A) ⊆ S_F.", p.included)
    line = s.discharge(s.release(s.both(included, covers)), p.supposed)
    return s.qed(line, {name: Setting.HYPOTHESES[name] for name in HYPOTHESES})
