"""Proof of `clip-shared-noise-bound`: CLIP leaves S_F no further than for the noise that image and caption share.

As for one modality (shared-noise-bound): L(A_V, A_T) is the loss without shared noise at W = A_V A_Tᵀ, less 2δ tr(WᵀΓ).
X = Σ_V⁻¹(S + ΓΓᵀ)Σ_V⁻¹ spans S_{V,F} + Σ_V⁻¹Col Γ. Split A_V = A_in + A_out, Σ_V-orthogonally, with A_in in Col(X):
then A_out is orthogonal to the means and ΓᵀA_out = 0. The loss without shared noise strictly grows from A_in A_Tᵀ to
A_V A_Tᵀ unless A_out A_Tᵀ = 0, as in clip-inclusion-effective, and tr(WᵀΓ) is the same for both.
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from thmverify.formulas import clip as v
from thmverify.formulas import clip_shared_noise as n
from thmverify.kernel.proofs.terms import instantiate
from thmverify.proofs.expressions import Expr, Index, eq, eye, fn, fresh, inv, minv, num, psd, total, tr, zero
from thmverify.proofs.lemmas.algebra import inverse
from thmverify.proofs.lemmas.basic import (
    congruence,
    definition,
    positive_nonzero,
    square_norm,
    unfolded,
    vanishes,
    vanishes_below,
    weaken,
)
from thmverify.proofs.lemmas.leak import Leak
from thmverify.proofs.lemmas.paired import Setting as Paired
from thmverify.proofs.lemmas.subspaces import summand_vanishes
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script

HYPOTHESES = ("weights-positive", "weights-sum", "vision-definite", "text-definite")
G, S_V = n.SHARED, v.Sigma_V


class Setting(Paired):
    """A paired mixture whose modalities share noise."""

    HYPOTHESES: ClassVar = {**Paired.HYPOTHESES, **n.HYPOTHESES}

    @cached_property
    def noise(self) -> Line:
        """Ψ ⪰ 0."""
        return self.s.taut(psd(n.Psi), self.hypothesis("shared-noise"))

    def loss(self, X: Expr, Y: Expr) -> Line:
        """L(X, Y) = ProductLoss(XYᵀ) − 2δ tr((XYᵀ)ᵀΓ)."""
        s, W = self.s, X @ Y.T
        whole, plain = n.clip_shared(self.pairs, X, Y), self.pairs.product_loss(W)
        claim = eq(whole, plain - 2 * v.delta * tr(W.T @ G))
        facts = (definition(s, whole), definition(s, plain), s.parts(self.noise)[0], self.weights_sum)
        return s.calc(claim, *facts, psd=[*self.psd, self.noise])


class Split:
    """X = FH with independent columns F, A_in = F(FᵀΣF)⁻¹FᵀΣA_V and A_out = A_V − A_in."""

    def __init__(self, s: Script, setting: Setting) -> None:
        """Choose the factors, and give the parts their names."""
        self.s, self.set, self.inverse_S = s, setting, minv(S_V)
        self.core = total(v.K, lambda k: v.w(k) * (v.mu_V(k) @ v.mu_V(k).T)) + G @ G.T
        self.X = self.inverse_S @ self.core @ self.inverse_S
        found, self.factored = s.obtain(s.apply("factorisation", [], [self.X]), "ρ", "F", "F⁺", "H", "H⁺")
        self.rho, self.F, _, self.H, self.right = found
        self.is_X, independent, onto = s.parts(self.factored)
        P = self.F.T @ S_V @ self.F
        self.back = inverse(s, congruence(s, setting.hypothesis("vision-definite"), self.F, independent))[0]
        self.weights = minv(P) @ self.F.T @ S_V @ v.A_V
        self.inside, self.is_inside = s.let("A_in", self.F @ self.weights)
        self.outside, self.is_outside = s.let("A_out", v.A_V - self.inside)
        parts = [(self.is_X, 1, eye(v.d_V), self.right), (onto, 1, self.F, eye(self.rho))]
        self.F_is = s.lin(eq(self.F, self.X @ self.right), parts)

    @cached_property
    def across(self) -> Line:
        """FᵀΣA_out = 0."""
        left, one = self.F.T @ S_V, eye(v.r)
        parts = [
            (self.is_outside, 1, left, one),
            (self.is_inside, -1, left, one),
            (self.back, -1, eye(self.rho), left @ v.A_V),
        ]
        return self.s.lin(eq(left @ self.outside, zero(self.rho, v.r)), parts)

    @cached_property
    def crossed(self) -> Line:
        """A_outᵀΣA_in = 0."""
        s, left = self.s, self.outside.T @ S_V
        turned = s.lin(eq(left @ self.F, zero(v.r, self.rho)), [], self.across, self.set.symmetric[0])
        parts = [(self.is_inside, 1, left, eye(v.r)), (turned, 1, eye(v.r), self.weights)]
        return s.lin(eq(left @ self.inside, zero(v.r, v.r)), parts)

    @cached_property
    def flat(self) -> Line:
        """(S + ΓΓᵀ)A_out = 0: X = Xᵀ = HᵀFᵀ, so XΣA_out = 0."""
        s, b = self.s, self.outside
        mirrored = s.calc(eq(self.X.T, self.X), self.set.inverse[2])
        flipped = s.lin(eq(self.X, self.H.T @ self.F.T), [(mirrored, -1), (s.same(self.X.T, self.is_X), 1)])
        parts = [(flipped, 1, eye(v.d_V), S_V @ b), (self.across, 1, self.H.T, eye(v.r))]
        gone = s.lin(eq(self.X @ S_V @ b, zero(v.d_V, v.r)), parts)
        one, other, _ = self.set.inverse
        parts = [
            (gone, 1, S_V, eye(v.r)),
            (one, -1, eye(v.d_V), self.core @ self.inverse_S @ S_V @ b),
            (other, -1, self.core, b),
        ]
        return s.lin(eq(self.core @ b, zero(v.d_V, v.r)), parts)

    @cached_property
    def orthogonal(self) -> tuple[Line, Line]:
        """∀k. A_outᵀμ_k = 0 and ΓᵀA_out = 0."""
        s, b, w, mu = self.s, self.outside, v.w, v.mu_V
        k, j = fresh(Index(v.K), "k"), fresh(Index(v.K), "j")

        def length(i: Expr) -> Expr:
            return w(i) * tr((b.T @ mu(i)).T @ (b.T @ mu(i)))

        part = s.apply("product", [[weaken(s, s.spec(self.set.positive, j)), square_norm(s, b.T @ mu(j))]])
        part = s.gen(s.lin(num(0) <= length(j), [part]), j)
        whole, square = total(v.K, length), tr((G.T @ b).T @ (G.T @ b))
        both = s.lin(eq(whole + square, 0), [(self.flat, 1, b.T, eye(v.r))])
        none = summand_vanishes(s, part, s.lin(whole <= 0, [both, square_norm(s, G.T @ b)]), k)
        positive = s.spec(self.set.positive, k)
        one = s.mp(s.apply("reciprocal", [], [w(k)]), positive_nonzero(s, positive))
        own = tr((b.T @ mu(k)).T @ (b.T @ mu(k)))
        means = s.gen(vanishes(s, b.T @ mu(k), s.lin(eq(own, 0), [(none, inv(w(k))), (one, own)])), k)
        low = s.lin(square <= 0, [both, s.apply("sum_order", [[part]])])
        return means, vanishes_below(s, G.T @ b, low)

    def written(self, vanished: Line) -> Line:
        """WithinSharedVision(A_V, A_T) from A_out A_Tᵀ = 0: W = A_in A_Tᵀ = XY."""
        s, Y = self.s, self.right @ self.weights @ v.A_T.T
        whole = s.lin(eq(v.A_V, self.inside + self.outside), [self.is_outside])
        parts = [
            (whole, 1, eye(v.d_V), v.A_T.T),
            vanished,
            (self.is_inside, 1, eye(v.d_V), v.A_T.T),
            (self.F_is, 1, eye(v.d_V), self.weights @ v.A_T.T),
        ]
        made = s.lin(eq(v.A_V @ v.A_T.T, self.X @ Y), parts)
        claim = n.within_shared(self.set.pairs, v.A_V, v.A_T)
        columns = fn(Index(v.K), lambda k: v.w(k) * (Y.T @ self.inverse_S @ v.mu_V(k)))
        E, opened = G.T @ self.inverse_S @ Y, definition(s, claim)
        inner = Expr(instantiate(opened.right.term.args[1], columns.term))
        reading = Expr(instantiate(inner.term.args[1], E.term))
        line = s.lin(reading, [made], self.set.inverse[2])
        return s.taut(claim, opened, s.exhibit(opened.right, columns, s.exhibit(inner, E, line)))


def bound(s: Script, setting: Setting) -> Line:
    """MinimisesSharedNoiseCLIP(A_V, A_T) ⟹ WithinSharedVision(A_V, A_T)."""
    best, mark, one = s.assume(n.minimises_shared(setting.pairs, v.A_V, v.A_T)), s.mark(), eye(v.d_T)
    split, leak = Split(s, setting), Leak(setting)
    a, b = split.inside, split.outside
    s.step("columns", "X = Σ_V⁻¹(S + ΓΓᵀ)Σ_V⁻¹ spans S_{V,F} + Σ_V⁻¹Col Γ: X = FH.", split.factored)
    s.step("split", "A_V = A_in + A_out, A_in in Col(X), and A_out Σ_V-orthogonal to it.", split.crossed)
    means, unshared = split.orthogonal
    s.step("orthogonal", "So A_out is orthogonal to the means, and ΓᵀA_out = 0.", s.both(means, unshared))
    inside, outside, k = a @ v.A_T.T, b @ v.A_T.T, fresh(Index(v.K), "k")
    grows = s.gen(s.discharge(leak.grows, leak.orthogonal, leak.crossed), leak.inside, leak.outside)
    apart = s.gen(s.lin(eq(outside.T @ v.mu_V(k), zero(v.d_T)), [(s.spec(means, k), 1, v.A_T, eye(1))]), k)
    across = s.lin(eq(outside.T @ S_V @ inside, zero(v.d_T, v.d_T)), [(split.crossed, 1, v.A_T, v.A_T.T)])
    grows = s.spec(s.mp(s.spec(grows, inside, outside), apart, across), num(0), num(1))
    there = s.assume(~eq(outside, zero(v.d_V, v.d_T)))
    less = s.mp(grows, s.both(s.calc(num(0) <= 0), s.calc(num(0) < 1), there))
    ends = [s.calc(eq(inside + t * outside, end)) for t, end in ((num(0), inside), (num(1), (a + b) @ v.A_T.T))]
    for end in ends:
        less = s.rewrite(end, less)
    s.step("grows", "Without shared noise L strictly grows from A_in A_Tᵀ to A_V A_Tᵀ, unless A_out A_Tᵀ = 0.", less)
    whole = s.lin(eq(v.A_V, a + b), [split.is_outside])
    compared = s.rewrite(whole, s.spec(unfolded(s, best), a, v.A_T))
    values = [setting.loss(a + b, v.A_T), setting.loss(a, v.A_T)]
    s.step("loss", "Shared noise adds −2δ tr(WᵀΓ), W = A_V A_Tᵀ.", s.both(*values))
    alike = s.lin(
        eq(tr(((a + b) @ v.A_T.T).T @ G), tr((a @ v.A_T.T).T @ G)),
        [
            (
                s.lin(eq(b.T @ G, zero(v.r, v.d_T)), [], s.lin(eq(unshared.left.T, zero(v.r, v.d_T)), [], unshared)),
                1,
                v.A_T,
                one,
            )
        ],
    )
    absurd = s.lin(num(0) < 0, [less, compared, *values, (alike, 2 * v.delta)])
    supposed = s.discharge(absurd, there)
    vanished = s.taut(eq(outside, zero(v.d_V, v.d_T)), supposed, s.calc(num(0) <= 0))
    s.step("outside-vanishes", "A minimiser does no worse than A_in: A_out A_Tᵀ = 0.", vanished)
    found = s.release(split.written(vanished), mark)
    s.forget(mark)
    return s.discharge(s.step("inside", "So W = A_in A_Tᵀ lies in S_{V,F} + Σ_V⁻¹Col Γ.", found), best)


def prove() -> Proposal:
    """clip-shared-noise-bound: for every noise that the modalities share."""
    s = Script("clip-shared-noise-bound")
    setting = Setting(s)
    line = s.discharge(bound(s, setting), setting.hypothesis("shared-noise"))
    return s.qed(line, {name: Setting.HYPOTHESES[name] for name in HYPOTHESES})
