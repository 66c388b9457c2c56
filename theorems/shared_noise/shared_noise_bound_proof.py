"""Proof of `shared-noise-bound`: InfoNCE leaves S_F no further than for the noise that the points of a pair share.

Given the component, x = μ_k + Uψ and x̂ = μ_k + Vψ: only E xx̂ᵀ changes, by Γ = UΨVᵀ, so that L(A) = InfoNCE(A) −
δ tr(AᵀΓA). Let X = Σ⁻¹(S + GG)Σ⁻¹, G = Γ + Γᵀ: its columns span S_F + Σ⁻¹Col G. Split A = A_in + A_out, Σ-orthogonally,
with A_in in Col(X). Then A_outᵀ(S + GG)A_out = 0, so A_out is orthogonal to the means and to G, and tr(AᵀΓA) =
½ tr(AᵀGA) is that of A_in. InfoNCE gains ½ tr(Q²) by leaving A_out out, Q = A_outᵀΣA_out, as in infonce-inclusion: the
part of x across, A_outᵀξ, is independent of A_inᵀξ. So a minimiser has A_out = 0.
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from thmverify.formulas import mixtures as v
from thmverify.formulas import shared_noise as n
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
from thmverify.proofs.lemmas.mixtures import Setting as Mixtures
from thmverify.proofs.lemmas.subspaces import summand_vanishes
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.infonce.infonce_inclusion_proof import Leak

HYPOTHESES = ("weights-positive", "weights-sum", "covariances-definite", "shared-covariance")
G = n.SHARED


class Setting(Mixtures):
    """A mixture with one covariance, and pairs that share noise."""

    HYPOTHESES: ClassVar = {**Mixtures.HYPOTHESES, **n.HYPOTHESES}

    @cached_property
    def noise(self) -> Line:
        """Ψ ⪰ 0."""
        return self.s.taut(psd(n.Psi), self.hypothesis("shared-noise"))

    @cached_property
    def G_symmetric(self) -> Line:
        """G = Gᵀ."""
        return self.s.calc(eq(G, G.T), self.s.parts(self.noise)[0])


class Split:
    """X = FH with independent columns F, A_in = F(FᵀΣF)⁻¹FᵀΣA and A_out = A − A_in."""

    def __init__(self, s: Script, setting: Setting) -> None:
        """Choose the factors, and give the parts their names."""
        self.s, self.set, A, d = s, setting, v.A, setting.d
        self.Sb, self.inverse_S = setting.mix.sigma_bar, minv(setting.mix.sigma_bar)
        self.core = setting.mix.S + G @ G
        self.X = self.inverse_S @ self.core @ self.inverse_S
        found, line = s.obtain(s.apply("factorisation", [], [self.X]), "ρ", "F", "F⁺", "H", "H⁺")
        (self.rho, self.F, _, self.H, self.right), self.factored = found, line
        self.is_X, independent, onto = s.parts(line)
        P = self.F.T @ self.Sb @ self.F
        self.back = inverse(s, congruence(s, setting.sigma_definite, self.F, independent))[0]
        self.weights = minv(P) @ self.F.T @ self.Sb @ A
        self.inside, self.is_inside = s.let("A_in", self.F @ self.weights)
        self.outside, self.is_outside = s.let("A_out", A - self.inside)
        self.F_is = s.lin(
            eq(self.F, self.X @ self.right), [(self.is_X, 1, eye(d), self.right), (onto, 1, self.F, eye(self.rho))]
        )

    @cached_property
    def across(self) -> Line:
        """FᵀΣA_out = 0."""
        left, one = self.F.T @ self.Sb, eye(v.r)
        parts = [
            (self.is_outside, 1, left, one),
            (self.is_inside, -1, left, one),
            (self.back, -1, eye(self.rho), left @ v.A),
        ]
        return self.s.lin(eq(left @ self.outside, zero(self.rho, v.r)), parts)

    @cached_property
    def crossed(self) -> Line:
        """A_outᵀΣA_in = 0."""
        s, left = self.s, self.outside.T @ self.Sb
        turned = s.lin(eq(left @ self.F, zero(v.r, self.rho)), [], self.across, self.set.sigma_symmetric)
        parts = [(self.is_inside, 1, left, eye(v.r)), (turned, 1, eye(v.r), self.weights)]
        return s.lin(eq(left @ self.inside, zero(v.r, v.r)), parts)

    @cached_property
    def flat(self) -> Line:
        """(S + GG)A_out = 0: X = Xᵀ = HᵀFᵀ, so XΣA_out = 0."""
        s, d, b = self.s, self.set.d, self.outside
        facts = (s.parts(self.set.noise)[0], self.set.S_symmetric, self.set.sigma_inverse[2])
        mirrored = s.calc(eq(self.X.T, self.X), *facts)
        flipped = s.lin(eq(self.X, self.H.T @ self.F.T), [(mirrored, -1), (s.same(self.X.T, self.is_X), 1)])
        parts = [(flipped, 1, eye(d), self.Sb @ b), (self.across, 1, self.H.T, eye(v.r))]
        gone = s.lin(eq(self.X @ self.Sb @ b, zero(d, v.r)), parts)
        one, other, _ = self.set.sigma_inverse
        parts = [
            (gone, 1, self.Sb, eye(v.r)),
            (one, -1, eye(d), self.core @ self.inverse_S @ self.Sb @ b),
            (other, -1, self.core, b),
        ]
        return s.lin(eq(self.core @ b, zero(d, v.r)), parts)

    def written(self, vanished: Line) -> Line:
        """WithinShared(A) from A_out = 0: A = A_in = XY with Y = H⁺(FᵀΣF)⁻¹FᵀΣA."""
        s, setting, Y = self.s, self.set, self.right @ self.weights
        whole = s.lin(eq(v.A, self.inside + self.outside), [self.is_outside])
        made = s.lin(
            eq(v.A, self.X @ Y), [whole, vanished, self.is_inside, (self.F_is, 1, eye(setting.d), self.weights)]
        )
        claim = n.within_shared(setting.mix, v.A)
        columns = fn(Index(setting.K), lambda k: setting.w(k) * (Y.T @ self.inverse_S @ setting.mu(k)))
        E, opened = G @ self.inverse_S @ Y, definition(s, claim)
        inner = Expr(instantiate(opened.right.term.args[1], columns.term))
        reading = Expr(instantiate(inner.term.args[1], E.term))
        line = s.lin(reading, [made], setting.unfold(setting.mix.S), setting.sigma_inverse[2])
        return s.taut(claim, opened, s.exhibit(opened.right, columns, s.exhibit(inner, E, line)))


class Path(Leak):
    """A_in, and A_out orthogonal to the means with A_outᵀΣA_in = 0."""

    def __init__(self, split: Split, means: Line) -> None:
        """Take ∀k. A_outᵀμ_k = 0."""
        self.s, self.set, self.inside, self.outside = split.s, split.set, split.inside, split.outside
        self.crossed, self.orthogonal = split.crossed, means


def loss(s: Script, setting: Setting, X: Expr) -> Line:
    """L(X) = InfoNCE(X) − ½δ tr(XᵀGX)."""
    mix = setting.mix
    whole = n.infonce_shared(mix, X)
    noise = setting.noise
    claim = eq(whole, mix.infonce(X) - num("1/2") * mix.delta * tr(X.T @ G @ X))
    facts = (definition(s, whole), definition(s, mix.infonce(X)), s.parts(noise)[0], setting.weights_sum)
    return s.calc(claim, *facts, psd=[setting.own_psd, noise])


def orthogonal(s: Script, setting: Setting, outside: Expr, flat: Line) -> tuple[Line, Line]:
    """∀k. A_outᵀμ_k = 0 and GA_out = 0, from (S + GG)A_out = 0."""
    K, w, mu, S = setting.K, setting.w, setting.mu, setting.mix.S
    k, j, r = fresh(Index(K), "k"), fresh(Index(K), "j"), outside.cols

    def length(i: Expr) -> Expr:
        return w(i) * tr((outside.T @ mu(i)).T @ (outside.T @ mu(i)))

    noise = square_norm(s, G @ outside)
    balanced = setting.G_symmetric
    part = s.apply("product", [[weaken(s, s.spec(setting.positive, j)), square_norm(s, outside.T @ mu(j))]])
    part = s.gen(s.lin(num(0) <= length(j), [part]), j)
    whole = total(K, length)
    both = s.lin(
        eq(whole + tr((G @ outside).T @ (G @ outside)), 0),
        [(flat, 1, outside.T, eye(r)), (balanced, 1, outside.T, G @ outside)],
        setting.unfold(S),
    )
    none = summand_vanishes(s, part, s.lin(whole <= 0, [both, noise]), k)
    summed = s.apply("sum_order", [[part]])
    positive = s.spec(setting.positive, k)
    one = s.mp(s.apply("reciprocal", [], [w(k)]), positive_nonzero(s, positive))
    square = tr((outside.T @ mu(k)).T @ (outside.T @ mu(k)))
    means = s.gen(vanishes(s, outside.T @ mu(k), s.lin(eq(square, 0), [(none, inv(w(k))), (one, square)])), k)
    low = s.lin(tr((G @ outside).T @ (G @ outside)) <= 0, [both, summed])
    return means, vanishes_below(s, G @ outside, low)


def gained(path: Path) -> Line:
    """½ tr Q² ≤ InfoNCE(A) − InfoNCE(A_in)."""
    s, loss_of, form = path.s, path.set.mix.infonce, path.form()
    a, b = path.inside, path.outside
    ends = [s.rewrite(s.calc(eq(a + t * b, end)), s.spec(form, t)) for t, end in ((num(1), a + b), (num(0), a))]
    facts = [*ends, path.cross_block(), path.mean_block(), s.spec(path.jensen(), num(1))]
    return s.lin(num("1/2") * path.QQ <= loss_of(a + b) - loss_of(a), facts)


def bound(s: Script, setting: Setting) -> Line:
    """MinimisesSharedNoise(A) ⟹ WithinShared(A)."""
    mix, A, r = setting.mix, v.A, v.r
    best, mark = s.assume(n.minimises_shared(mix, A)), s.mark()
    split = Split(s, setting)
    a, b = split.inside, split.outside
    sentence = "X = Σ⁻¹(S + GG)Σ⁻¹ spans S_F + Σ⁻¹Col G: X = FH with independent columns F."
    s.step("columns", sentence, split.factored)
    s.step("split", "A = A_in + A_out, A_in in Col(X), and A_out Σ-orthogonal to it.", split.crossed)
    means, unshared = orthogonal(s, setting, b, split.flat)
    s.step("orthogonal", "So A_out is orthogonal to the means, and GA_out = 0.", s.both(means, unshared))
    path = Path(split, means)
    gap = gained(path)
    s.step("gap", "Without A_out InfoNCE is lower by ½ tr Q² at least, as for pairs that share no noise.", gap)
    compared = s.rewrite(s.lin(eq(A, a + b), [split.is_outside]), s.spec(unfolded(s, best), a))
    values = [loss(s, setting, a + b), loss(s, setting, a)]
    s.step("loss", "L(A) = InfoNCE(A) − ½δ tr(AᵀGA), Γ + Γᵀ = G.", s.both(*values))
    alike = s.lin(
        eq(tr((a + b).T @ G @ (a + b)), tr(a.T @ G @ a)),
        [(unshared, 1, (a + b).T, eye(r)), (unshared, 1, a.T, eye(r))],
        s.parts(setting.noise)[0],
    )
    low = s.lin(path.QQ <= 0, [compared, *values, gap, (alike, num("1/2") * mix.delta)])
    vanished = s.step("outside-vanishes", "So tr Q² ≤ 0 at a minimiser, and A_out = 0.", path.vanishes(low))
    found = s.release(split.written(vanished), mark)
    s.forget(mark)
    return s.discharge(s.step("inside", "A = A_in = XY lies in S_F + Σ⁻¹Col G.", found), best)


def prove() -> Proposal:
    """shared-noise-bound: for every noise that pairs share."""
    s = Script("shared-noise-bound")
    setting = Setting(s)
    line = bound(s, setting)
    line = s.discharge(line, setting.hypothesis("shared-noise"))
    return s.qed(line, {name: Setting.HYPOTHESES[name] for name in HYPOTHESES})
