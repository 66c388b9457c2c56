"""Lemmas about losses of scores between two modalities: what they gain when A_V is cut to the Fisher subspace of V.

As in `scores`, but the items of one modality alone are cut: the scores are x_VᵀA_VA_Tᵀx_T, affine in the part of x_V
across S_F.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from thmverify.formulas import bilinear as f
from thmverify.formulas import clip as v
from thmverify.formulas.scores import D, Scores, T, column, q
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Real,
    delta,
    eq,
    eye,
    fn,
    fresh,
    inv,
    mean,
    minv,
    total,
    tr,
    zero,
)
from thmverify.proofs.lemmas.algebra import inverse
from thmverify.proofs.lemmas.basic import definition, folded, unfolded
from thmverify.proofs.lemmas.paired import Setting
from thmverify.proofs.lemmas.projector import projector
from thmverify.proofs.lemmas.scores import Across
from thmverify.proofs.script import Line


@dataclass(frozen=True)
class Letters:
    """The letters of the modality that is cut, and of the other: means, covariance, noise, components, items, map."""

    mu: Expr
    Sigma: Expr
    L: Expr
    c: Expr
    own: Expr
    A: Expr
    definite: str


VISION = Letters(v.mu_V, v.Sigma_V, f.L_V, f.c_V, f.first, v.A_V, "vision-definite")
TEXT = Letters(v.mu_T, v.Sigma_T, f.L_T, f.c_T, f.second, v.A_T, "text-definite")


class Projector:
    """The projector P on the Fisher subspace of a modality, as a variable: P² = P, Pᵀμ_k = μ_k, PᵀΣP = ΣP."""

    def __init__(self, setting: Setting, one: Letters) -> None:
        """Choose P; what is chosen is undone by `Script.release`."""
        s, S, k = setting.s, one.Sigma, fresh(Index(v.K), "k")
        definite = setting.hypothesis(one.definite)
        self.symmetric = s.parts(definite)[0]
        self.left, self.right, self.turned = inverse(s, definite)
        columns = fn(Index(v.K), lambda k: minv(S) @ one.mu(k))
        (self.P, self.e), facts = s.obtain(projector(s, columns, definite), "P", "e")
        self.made, self.keeps, self.mirror = s.parts(facts)
        P, d = self.P, S.rows
        self.twice = s.lin(eq(P @ P, P), [(self.made, 1, P, eye(d)), (self.made, -1, eye(d), eye(d))], self.keeps)
        parts = [
            (self.mirror, -1, eye(d), minv(S) @ one.mu(k)),
            (s.spec(self.keeps, k), 1, S, eye(1)),
            (self.left, -1, P.T, one.mu(k)),
            (self.left, 1, eye(d), one.mu(k)),
        ]
        self.means = s.gen(s.lin(eq(P.T @ one.mu(k), one.mu(k)), parts), k)
        crossed = [(self.mirror, -1, eye(d), P), (self.twice, 1, S, eye(d))]
        self.crossed = s.lin(eq(P.T @ S @ P, S @ P), crossed)
        self.mirrored = s.lin(
            eq(minv(S) @ P.T, P @ minv(S)), [(self.mirror, 1, minv(S), minv(S))], self.left, self.right
        )


class Side(Across):
    """A batch of pairs, convex losses and maps A_V, A_T: what the loss gains when one is replaced by PA.

    W is A_VA_Tᵀ, or its transpose when texts are cut: what is cut stands on the left.
    """

    def __init__(self, setting: Setting, losses: Expr, cut: Letters, other: Letters) -> None:
        """Assume that the batch is one and that the losses are convex."""
        s = self.s = setting.s
        self.pairs, self.losses, self.cut, self.other, self.bilinear = setting, losses, cut, other, f.Bilinear(s)
        self.batch = s.assume(self.bilinear.batch)
        self.likely, _, *self.independent_parts = s.parts(unfolded(s, self.batch))
        self.are_convex = s.assume(Scores(s).convex(losses))
        self.convex = unfolded(s, self.are_convex)
        self.projector = self.fisher = Projector(setting, cut)  # type: ignore[assignment]
        self.P, self.A = self.projector.P, cut.A @ other.A.T
        self.kept = self.P @ self.A
        definite = setting.hypothesis(other.definite)
        self.other_inverse = inverse(s, definite)

    def item(self, letters: Letters, t: Expr, e: Expr, noise: Expr) -> Expr:
        """The mean of an item of score e, and a noise."""
        return letters.mu(letters.c(t, letters.own(e))) + noise

    def joint(self, t: Expr, xi: Expr, eta: Expr) -> Expr:
        """The scores when the parts across S_F have the noise η, and all else ξ."""
        P, cut, other = self.P, self.cut, self.other

        def entry(e: Expr) -> Expr:
            L = cut.L(t, cut.own(e))
            left = self.item(cut, t, e, P.T @ L @ xi + L @ eta - P.T @ L @ eta)
            return tr(left.T @ self.A @ self.item(other, t, e, other.L(t, other.own(e)) @ xi))

        return column(q, entry)

    def scores_of(self, t: Expr, W: Expr, xi: Expr) -> Expr:
        """The scores of W, what is cut on the left."""
        cut, other = self.cut, self.other

        def entry(e: Expr) -> Expr:
            left, right = (self.item(side, t, e, side.L(t, side.own(e)) @ xi) for side in (cut, other))
            return tr(left.T @ W @ right)

        return column(q, entry)

    def inside(self, t: Expr, xi: Expr) -> Expr:
        """The scores of PW."""
        return self.scores_of(t, self.kept, xi)

    @property
    def centred(self) -> list[Line]:
        """What makes the mean over η of the scores, given ξ, those of PW."""
        return [self.fisher.means]

    def mean_of(self, t: Expr, X: Expr) -> Expr:
        """E Φ_t(z), z the scores of X."""
        return mean(eye(D), lambda xi: self.value(t, self.scores_of(t, X, xi)))

    @cached_property
    def split(self) -> Line:
        """∀s. E_ξ Φ_s(z) = E_ξ E_η Φ_s(z'), z' with the noise η across S_F: the two parts are independent."""
        s, t, i, P, L, U = self.s, fresh(Index(T), "s"), fresh(Index(f.n), "i"), self.P, self.cut.L, self.other.L
        mark, one, S, R = s.mark(), eye(D), self.cut.Sigma, self.other.Sigma

        def part(of: Expr) -> Expr:
            return total(f.n, lambda i: L(t, i).T @ minv(S) @ of @ L(t, i))

        rest = total(f.n, lambda i: U(t, i).T @ minv(R) @ U(t, i))
        X, is_X = s.let("X", part(P.T) + rest)
        Y, is_Y = s.let("Y", part(eye(S.rows) - P.T))
        fisher = self.projector
        facts = (
            *self.independent_parts,
            fisher.crossed, fisher.symmetric, fisher.left, fisher.right, fisher.turned, *self.other_inverse,
        )  # fmt: skip
        rules = []
        for noise, claims in ((L, ((X, is_X, P.T @ L(t, i)), (Y, is_Y, L(t, i) - P.T @ L(t, i)))),
                              (U, ((X, is_X, U(t, i)), (Y, is_Y, zero(R.rows, D))))):  # fmt: skip
            for Z, is_Z, value in claims:
                rules.append(s.gen(s.lin(eq(noise(t, i) @ Z, value), [(is_Z, 1, noise(t, i), one)], *facts), i))
        turned = s.lin(
            eq(L(t, i).T @ minv(S) @ P.T @ L(t, i), L(t, i).T @ P @ minv(S) @ L(t, i)),
            [(fisher.mirrored, 1, L(t, i).T, L(t, i))],
        )
        summed = s.same(part(P.T), s.gen(turned, i))
        crossed = s.lin(eq(X @ one @ Y.T, zero(D, D)), [(summed, 1, one, one)], is_X, is_Y, *facts)
        function = fn(Col(D), lambda x: fn(Col(D), lambda y: self.value(t, self.scores_of(t, self.A, x + y))))
        line = s.apply("split", [[self.standard, crossed], [self.convex]], [one, X, Y, function])
        whole = self.mean_of(t, self.A)
        halves = mean(one, lambda xi: mean(one, lambda eta: self.value(t, self.joint(t, xi, eta))))
        line = s.lin(eq(whole, halves), [line], *rules, fisher.twice, positive=[self.convex])
        line = s.gen(s.release(line, mark), t)
        s.forget(mark)
        return line

    def direction(self, a: Expr, rates: Expr) -> Expr:
        """h: how the scores move when those of item a move at these rates."""
        return f.direction(self.cut.own, self.other.own, a, rates)

    def line_of_scores(
        self, t: Expr, a: Expr, rates: Expr, out: Expr, facts: Sequence[Line]
    ) -> tuple[Expr, Expr, Expr, Line]:
        """ξ, 0 and w with z'(τw) = z'(0) + τh: item a moves along `out`, and others are where they must be.

        At ξ items of the other modality are ν + β_j Wᵀ`out`, β_j = κ(η_j − outᵀWν), κ‖Wᵀout‖² = 1.
        """
        s, W, L, U = self.s, self.A, self.cut.L, self.other.L
        i, tau = fresh(Index(f.n), "i"), fresh(Real, "tau")
        kappa = inv(tr(out.T @ W @ W.T @ out))
        S, R, nu, c = self.cut.Sigma, self.other.Sigma, self.other.mu, self.other.c

        def beta(j: Expr) -> Expr:
            return kappa * (rates(j) - tr(out.T @ W @ nu(c(t, j))))

        point, is_point = s.let("xi_0", total(f.n, lambda j: beta(j) * (U(t, j).T @ minv(R) @ W.T @ out)))
        move, is_move = s.let("w", L(t, a).T @ minv(S) @ out)
        used = (*self.independent_parts, self.projector.left, *self.other_inverse)
        claims = [
            (point, is_point, L, zero(S.rows)),
            (point, is_point, U, beta(i) * (W.T @ out)),
            (move, is_move, L, delta(i, a) * out),
        ]
        rules = [
            s.gen(s.lin(eq(N(t, i) @ x, value), [(is_x, 1, N(t, i), eye(1))], *used), i) for x, is_x, N, value in claims
        ]
        start = zero(D)
        moved = self.joint(t, point, start) + tau * self.direction(a, rates)
        line = s.lin(eq(self.joint(t, point, start + tau * move), moved), [], *facts, *rules)
        return point, start, move, s.gen(line, tau)

    def loss(self, X: Expr) -> Expr:
        """The loss when the map that is cut is X."""
        maps = (X, self.other.A) if self.cut is VISION else (self.other.A, X)
        return self.bilinear.loss(self.losses, *maps)

    def difference(self) -> Line:
        """L(A) − L(PA) = Σ_s p_s(E Φ_s(z) − E Φ_s(z̄))."""
        s, losses = self.s, [self.loss(X) for X in (self.cut.A, self.P @ self.cut.A)]
        opened = [definition(s, loss) for loss in losses]
        return s.lin(eq(losses[0] - losses[1], total(T, self.gain)), [(opened[0], -1), opened[1]])

    @cached_property
    def kept_within(self) -> Line:
        """Col(PW) ⊆ S_F: PW is made of the Σ⁻¹μ_k."""
        s, W = self.s, self.A
        modality = self.pairs.pairs.vision if self.cut is VISION else self.pairs.pairs.text
        within = modality.within_fisher(self.kept)

        def coefficient(k: Expr) -> Expr:
            return W.T @ self.fisher.e(k)

        inverse_covariance = minv(self.cut.Sigma)
        body = total(v.K, lambda k: inverse_covariance @ self.cut.mu(k) @ coefficient(k).T)
        made = s.lin(eq(self.kept, body), [(self.fisher.made, 1, eye(self.cut.Sigma.rows), W)])
        there = definition(s, within).right
        return folded(s, within, s.exhibit(there, fn(Index(v.K), coefficient), made))
