"""Lemmas about losses of scores: the part of a map across S_F costs, by Jensen's inequality given the part within.

P is the projector on S_F, (I − P)ᵀμ_k = 0 and (I − P)ᵀΣ_kP = 0 for every component k. Given its component, the parts
Pᵀx and (I − P)ᵀx of an item are then independent, and the second has mean 0. So the scores of PA are the means of
those of A given all the first parts, and a convex function of them does not have a larger mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from thmverify.formulas import mixtures as v
from thmverify.formulas import scores as f
from thmverify.formulas.nonshared import HYPOTHESES as OWN
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Real,
    delta,
    eq,
    exists,
    eye,
    fn,
    forall,
    fresh,
    inv,
    mean,
    minv,
    num,
    psd,
    total,
    tr,
    unit,
    zero,
)
from thmverify.proofs.lemmas.algebra import inverse
from thmverify.proofs.lemmas.basic import (
    definition,
    folded,
    positive_nonzero,
    reflexive,
    refute,
    square_norm,
    unfolded,
    vanishes_below,
    weaken,
)
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.projector import projector
from thmverify.proofs.lemmas.subspaces import summand_vanishes
from thmverify.proofs.script import Line, Script


def bounded_slope(s: Script) -> Line:
    """∀a, b. (∀t. a + tb ≤ 0) ⟹ b = 0."""
    a, b = fresh(Real, "a"), fresh(Real, "b")
    below = s.assume(forall(Real, lambda t: a + t * b <= 0))

    def absurd(negated: Line) -> tuple[Line, Line]:
        one = s.mp(s.apply("reciprocal", [], [b]), negated)
        far = s.spec(below, (1 - a) * inv(b))
        return s.lin(num(1) <= 0, [far, (one, a - 1)]), s.calc(num(0) < 1)

    return s.gen(s.discharge(refute(s, eq(b, 0), absurd), below), a, b)


class Fisher:
    """The projector P on S_F of a mixture whose covariances map S_F into the span of the means, as a variable."""

    def __init__(self, setting: Setting) -> None:
        """Choose P; what is chosen is undone by `Script.release`."""
        s = self.s = setting.s
        self.set, mix, k = setting, setting.mix, fresh(Index(v.K), "k")
        u = fn(Index(v.K), lambda k: minv(mix.sigma_bar) @ v.mu(k))
        (self.P, self.e), facts = s.obtain(projector(s, u, setting.sigma_definite), "P", "e")
        self.made, self.keeps, self.mirror = s.parts(facts)
        # Pᵀμ_k = PᵀΣ̄u_k = Σ̄Pu_k = Σ̄u_k = μ_k
        S, P = mix.sigma_bar, self.P
        back = setting.sigma_inverse[0]
        parts = [
            (self.mirror, -1, eye(v.d), minv(S) @ v.mu(k)),
            (s.spec(self.keeps, k), 1, S, eye(1)),
            (back, -1, P.T, v.mu(k)),
            (back, 1, eye(v.d), v.mu(k)),
        ]
        self.means = s.gen(s.lin(eq(P.T @ v.mu(k), v.mu(k)), parts), k)
        self.twice = s.lin(eq(P @ P, P), [(self.made, 1, P, eye(v.d)), (self.made, -1, eye(v.d), eye(v.d))], self.keeps)

    @cached_property
    def crossed(self) -> Line:
        """∀k. PᵀΣ_kP = Σ_kP: Σ_kP is made of means."""
        s, P = self.s, self.P
        k, j = fresh(Index(v.K), "k"), fresh(Index(v.K), "j")
        mark = s.mark()
        _, maps = s.obtain(s.spec(s.assume(OWN["maps-into-means"]), k, j), "c_j")
        into = s.rewrite(s.flip(self.set.sigma_unfolded), maps)
        kept = s.lin(eq(P.T @ into.left, into.left), [(into, 1, P.T, eye(1)), (into, -1, eye(v.d), eye(1))], self.means)
        kept = s.gen(s.release(kept, mark), j)
        s.forget(mark)
        claim = eq(P.T @ v.Sigma(k) @ P, v.Sigma(k) @ P)
        return s.gen(
            s.lin(claim, [(self.made, 1, P.T @ v.Sigma(k), eye(v.d)), (self.made, -1, v.Sigma(k), eye(v.d))], kept), k
        )


def _less(a: Expr, b: Expr) -> Expr:
    return a < b


class Across:
    """A batch, convex losses Φ_s and a map A: what the loss gains when A is replaced by PA, its part in S_F."""

    def __init__(self, setting: Setting, losses: Expr = f.Phi, A: Expr = v.A) -> None:
        """Assume that the batch is one and that the losses are convex."""
        s = self.s = setting.s
        self.set, self.A, self.losses, self.scores = setting, A, losses, f.Scores(s)
        self.batch = s.assume(self.scores.batch)
        self.likely, _, self.independent, self.different = s.parts(unfolded(s, self.batch))
        self.are_convex = s.assume(self.scores.convex(losses))
        self.convex = unfolded(s, self.are_convex)
        self.fisher = Fisher(setting)
        self.P = self.fisher.P
        self.kept = self.P @ A

    @cached_property
    def two(self) -> Line:
        """∀e. [first = second] = 0."""
        s, e = self.s, fresh(Index(f.q), "e")
        i, j = f.first(e), f.second(e)
        law = s.apply("kronecker", [], [i, j])
        return s.gen(s.taut(eq(delta(i, j), 0), law, s.spec(self.different, e)), e)

    @cached_property
    def covariances(self) -> list[Line]:
        """∀k. Σ_k = Σ_kᵀ, Σ_kΣ_k⁻¹ = I, Σ_k⁻¹Σ_k = I and Σ_k⁻¹ = (Σ_k⁻¹)ᵀ."""
        s, k = self.s, fresh(Index(v.K), "k")
        definite = s.spec(self.set.hypothesis("covariances-definite"), k)
        return [s.gen(line, k) for line in (s.parts(definite)[0], *inverse(s, definite))]

    @cached_property
    def mirrored(self) -> Line:
        """∀k. Σ_k⁻¹Pᵀ = PΣ_k⁻¹: Σ_kP = PᵀΣ_kP is symmetric."""
        s, k, P = self.s, fresh(Index(v.K), "k"), self.P
        symmetric, left, right, _ = self.covariances
        S, one = v.Sigma(k), eye(v.d)
        crossed = s.spec(self.fisher.crossed, k)
        turned = s.same(crossed.left.T, crossed)
        moved = s.lin(eq(S @ P, P.T @ S), [(crossed, -1, one, one), (turned, 1, one, one)], symmetric)
        claim = eq(minv(S) @ P.T, P @ minv(S))
        return s.gen(s.lin(claim, [(moved, 1, minv(S), minv(S))], left, right), k)

    @cached_property
    def standard(self) -> Line:
        """I ⪰ 0, the covariance of the noise ξ."""
        s, x = self.s, fresh(Col(f.D), "x")
        one = eye(f.D)
        form = s.lin(num(0) <= tr(x.T @ one @ x), [square_norm(s, x)])
        return s.taut(psd(one), s.calc(eq(one, one.T)), s.gen(form, x))

    # -- scores -------------------------------------------------------------------------------------------------------

    def joint(self, t: Expr, xi: Expr, eta: Expr) -> Expr:
        """The scores of A when the parts within S_F have the noise ξ and those across it the noise η."""
        P, L = self.P, f.L

        def item(i: Expr) -> Expr:
            return v.mu(f.c(t, i)) + P.T @ L(t, i) @ xi + L(t, i) @ eta - P.T @ L(t, i) @ eta

        return f.column(f.q, lambda e: tr(item(f.first(e)).T @ self.A @ self.A.T @ item(f.second(e))))

    def value(self, t: Expr, z: Expr) -> Expr:
        """Φ_t(z)."""
        return self.losses(t)(z)

    def inside(self, t: Expr, xi: Expr) -> Expr:
        """The scores of PA, the means of those of A given the parts within S_F."""
        return self.scores.of(self.kept, t, xi)

    @cached_property
    def split(self) -> Line:
        """∀s. E_ξ Φ_s(z) = E_ξ E_η Φ_s(z'), z' with the noise η across S_F: the two parts are independent."""
        s, t, i, P, L = self.s, fresh(Index(f.T), "s"), fresh(Index(f.n), "i"), self.P, f.L
        mark = s.mark()

        def part(of: Expr) -> Expr:  # Σ_i L_iᵀΣ_i⁻¹ (of) L_i, which changes x_i into (of) x_i
            return total(f.n, lambda i: L(t, i).T @ minv(v.Sigma(f.c(t, i))) @ of @ L(t, i))

        X, is_X = s.let("X", part(P.T))
        Y, is_Y = s.let("Y", part(eye(v.d) - P.T))
        facts = (self.independent, self.fisher.crossed, *self.covariances)
        within = s.gen(s.lin(eq(L(t, i) @ X, P.T @ L(t, i)), [(is_X, 1, L(t, i), eye(f.D))], *facts), i)
        across = s.gen(s.lin(eq(L(t, i) @ Y, L(t, i) - P.T @ L(t, i)), [(is_Y, 1, L(t, i), eye(f.D))], *facts), i)
        k = f.c(t, i)
        turned = s.lin(
            eq(L(t, i).T @ minv(v.Sigma(k)) @ P.T @ L(t, i), L(t, i).T @ P @ minv(v.Sigma(k)) @ L(t, i)),
            [(s.spec(self.mirrored, k), 1, L(t, i).T, L(t, i))],
        )
        summed = s.same(part(P.T), s.gen(turned, i))
        one = eye(f.D)
        crossed = s.lin(eq(X @ one @ Y.T, zero(f.D, f.D)), [(summed, 1, one, one)], is_X, is_Y, *facts)
        function = fn(Col(f.D), lambda x: fn(Col(f.D), lambda y: self.value(t, self.scores.of(self.A, t, x + y))))
        line = s.apply("split", [[self.standard, crossed], [self.convex]], [eye(f.D), X, Y, function])
        whole = mean(eye(f.D), lambda xi: self.value(t, self.scores.of(self.A, t, xi)))
        apart = mean(eye(f.D), lambda xi: mean(eye(f.D), lambda eta: self.value(t, self.joint(t, xi, eta))))
        twice = self.fisher.twice
        line = s.lin(eq(whole, apart), [line], within, across, twice, positive=[self.convex])
        line = s.gen(s.release(line, mark), t)
        s.forget(mark)
        return line

    # -- Jensen -------------------------------------------------------------------------------------------------------

    def tangent(self, t: Expr, z: Expr, name: str) -> tuple[Expr, Line]:
        """A column g with ∀b. Φ_t(z) + gᵀ(b − z) ≤ Φ_t(b), chosen."""
        s = self.s
        (g,), line = s.obtain(s.spec(s.parts(s.spec(self.convex, t))[0], z), name)
        return g, line

    @cached_property
    def centred(self) -> list[Line]:
        """What makes the mean over η of the scores of A, given ξ, those of PA."""
        return [self.fisher.means, self.independent, self.two]

    def above(self, t: Expr, xi: Expr, g: Expr, eta: Expr) -> tuple[Expr, Expr]:
        """The tangent with slope g at z̄, and Φ_t, at the scores z' for the noises ξ and η."""
        inner, z = self.inside(t, xi), self.joint(t, xi, eta)
        return self.value(t, inner) + tr(g.T @ (z - inner)), self.value(t, z)

    def averaged(self, t: Expr, xi: Expr, g: Expr, tangent: Line, at: Expr | None = None, *strict: Line) -> Line:
        """Φ_t(z̄) ≤ E_η Φ_t(z') at ξ, from the tangent at z̄; strictly, from a column η where it lies below Φ_t."""
        s, eta, one = self.s, fresh(Col(f.D), "eta"), eye(f.D)
        premises, terms = [s.gen(s.spec(tangent, self.joint(t, xi, eta)), eta)], [one]
        if at is not None:
            low, high = self.above(t, xi, g, one @ at)
            premises += [s.lin(low < high, strict), self.standard]
            terms.append(at)
        line = s.apply("mean_order", [premises, [self.convex]], terms)
        low, high = self.value(t, self.inside(t, xi)), line.right
        claim = low <= high if at is None else low < high
        return s.lin(claim, [line], *self.centred, positive=[self.convex], psd=[self.standard])

    @cached_property
    def jensen(self) -> Line:
        """∀s, ξ. Φ_s(z̄) ≤ E_η Φ_s(z')."""
        s, t, xi, mark = self.s, fresh(Index(f.T), "s"), fresh(Col(f.D), "xi"), self.s.mark()
        g, tangent = self.tangent(t, self.inside(t, xi), "g")
        line = s.gen(s.release(self.averaged(t, xi, g, tangent), mark), t, xi)
        s.forget(mark)
        return line

    # -- strictly ------------------------------------------------------------------------------------------------------

    def line_of_scores(
        self, t: Expr, a: Expr, rates: Expr, out: Expr, facts: Sequence[Line]
    ) -> tuple[Expr, Expr, Expr, Line]:
        """ξ = 0, v and w with z'(v + τw) = z'(v) + τh for every τ: item a moves along (0 ≠ AAᵀ`out`), across S_F.

        `facts` are Pᵀout = 0 and κ‖Aᵀout‖² = 1. Item i has the part β_i out across S_F, which is so that its score with
        item a moves at the rate η_i: β_i = κ(η_i − outᵀAAᵀμ).
        """
        s, A, L = self.s, self.A, f.L
        i, e, tau = fresh(Index(f.n), "i"), fresh(Index(f.q), "e"), fresh(Real, "tau")
        kappa = inv(tr(out.T @ A @ A.T @ out))

        def pull(j: Expr) -> Expr:  # moves item j by `out`, and no other
            return L(t, j).T @ minv(v.Sigma(f.c(t, j))) @ out

        def beta(j: Expr) -> Expr:
            return kappa * (rates(j) - tr(out.T @ A @ A.T @ v.mu(f.c(t, j))))

        start, is_start = s.let("v", total(f.n, lambda j: beta(j) * pull(j)))
        move, is_move = s.let("w", pull(a))
        used = (self.independent, *self.covariances)
        at_start = s.gen(s.lin(eq(L(t, i) @ start, beta(i) * out), [(is_start, 1, L(t, i), eye(1))], *used), i)
        law = s.apply("kronecker", [], [i, a])
        one, none = (s.assume(Expr(case)) for case in law.theorem.conclusion.args)
        equal, unit_line = s.parts(one)
        claim = eq(L(t, i) @ move, delta(i, a) * out)
        own = s.lin(eq(L(t, a) @ move, out), [(is_move, 1, L(t, a), eye(1))], *used)
        first = s.lin(claim, [s.same(L(t, i) @ move, equal), own, (unit_line, out)])
        second = s.lin(claim, [(is_move, 1, L(t, i), eye(1)), (s.parts(none)[1], out)], *used, s.parts(none)[1])
        at_move = s.gen(s.taut(claim, law, s.discharge(first, one), s.discharge(second, none)), i)
        both = s.gen(self.not_both(e, a), e)
        zeros = zero(f.D)
        moved = self.joint(t, zeros, start) + tau * f.direction(a, rates)
        claim = eq(self.joint(t, zeros, start + tau * move), moved)
        line = s.lin(claim, [], *facts, at_start, at_move, both)
        return zeros, start, move, s.gen(line, tau)

    def not_both(self, e: Expr, a: Expr) -> Line:
        """[first = a][second = a] = 0: the items of a score are two."""
        s, i, j = self.s, f.first(e), f.second(e)
        claim = eq(delta(i, a) * delta(j, a), 0)
        laws = [s.apply("kronecker", [], [x, a]) for x in (i, j)]
        off = [s.assume(eq(delta(x, a), 0)) for x in (i, j)]
        gone = [
            s.discharge(s.lin(claim, [(line, other)]), line)
            for line, other in zip(off, (delta(j, a), delta(i, a)), strict=True)
        ]
        same = [s.assume(eq(x, a)) for x in (i, j)]
        apart = s.rewrite(same[1], s.rewrite(same[0], s.spec(self.different, e)))  # a ≠ a
        absurd = s.discharge(s.taut(claim, apart, reflexive(s, a)), *same)
        return s.taut(claim, *laws, *gone, absurd)

    def direction(self, a: Expr, rates: Expr) -> Expr:
        """h: how the scores move when those of item a move at these rates."""
        return f.direction(a, rates)

    def somewhere(
        self, t: Expr, a: Expr, rates: Expr, z: Expr, bend: Line, out: Expr, facts: Sequence[Line]
    ) -> tuple[Expr, Line]:
        """Some ξ, and Φ_t(z̄) < E_η Φ_t(z') there, if Φ_t bends at z along h, and Aᵀ`out` is not 0.

        Else Φ_t is affine in τ at z'(v + τw) = z'(v) + τh. Every tangent of Φ_t lies below that for every τ, so all
        have one slope along h, and Φ_t is affine along h everywhere. What is chosen is for the caller to release.
        """
        s = self.s
        zeros, start, move, line = self.line_of_scores(t, a, rates, out, facts)
        inner = self.inside(t, zeros)
        g, tangent = self.tangent(t, inner, "g")
        h, is_h = s.let("h", self.direction(a, rates))
        base, is_base = s.let("z_0", self.joint(t, zeros, start))
        eta, tau = fresh(Col(f.D), "eta"), fresh(Real, "tau")
        claim = exists(Col(f.D), lambda eta: _less(*self.above(t, zeros, g, eta)))

        def absurd(negated: Line) -> tuple[Line, Line]:
            low, high = self.above(t, zeros, g, eta)
            strict = s.assume(low < high)
            none = s.discharge(s.exhibit(claim, eta, strict), strict)
            flat = s.gen(s.taut(high <= low, none, negated), eta)  # Φ_t is its tangent at z̄
            path = s.lin(
                eq(self.joint(t, zeros, start + tau * move), base + tau * h), [s.spec(line, tau)], is_base, is_h
            )
            below = s.rewrite(path, s.spec(flat, start + tau * move))
            ends = []
            for name, end in (("g_1", z + h), ("g_2", z - h)):
                other, support = self.tangent(t, end, name)
                slope = tr((other - g).T @ h)
                level = (
                    self.value(t, end) + tr(other.T @ (base - end)) - self.value(t, inner) - tr(g.T @ (base - inner))
                )
                steep = s.lin(level + tau * slope <= 0, [below, s.spec(support, base + tau * h)])
                ends += [s.mp(s.known(bounded_slope, level, slope), s.gen(steep, tau)), s.spec(support, z)]
            bent = s.lin(num(2) * self.value(t, z) < self.value(t, z + h) + self.value(t, z - h), [bend], is_h)
            return s.calc(num(0) <= 0), s.lin(num(0) < 0, [bent, *ends])

        (at,), strict = s.obtain(refute(s, claim, absurd), "eta_0")
        return zeros, self.averaged(t, zeros, g, tangent, at, strict)

    # -- what follows -------------------------------------------------------------------------------------------------

    def mean_of(self, t: Expr, X: Expr) -> Expr:
        """E Φ_t(z), z the scores of X."""
        return mean(eye(f.D), lambda xi: self.value(t, self.scores.of(X, t, xi)))

    def compared(self, t: Expr, at: Expr | None = None, *strict: Line) -> Line:
        """E Φ_t(z̄) ≤ E Φ_t(z); strictly, if it is so given that the parts within S_F are those at one ξ."""
        s, xi, one = self.s, fresh(Col(f.D), "xi"), eye(f.D)
        premises, terms = [s.gen(s.spec(self.jensen, t, xi), xi)], [one]
        if at is not None:
            here = s.spec(self.jensen, t, one @ at)
            premises += [s.lin(here.left < here.right, strict), self.standard]
            terms.append(at)
        line = s.apply("mean_order", [premises, [self.convex]], terms)
        low, high = self.mean_of(t, self.kept), self.mean_of(t, self.A)
        return s.lin(low <= high if at is None else low < high, [line, s.spec(self.split, t)], positive=[self.convex])

    @cached_property
    def gains(self) -> Line:
        """∀s. 0 ≤ p_s(E Φ_s(z) − E Φ_s(z̄))."""
        s, t = self.s, fresh(Index(f.T), "s")
        part = s.apply("product", [[weaken(s, s.spec(self.likely, t)), self.compared(t)]])
        return s.gen(s.lin(num(0) <= self.gain(t), [part]), t)

    def gain(self, t: Expr) -> Expr:
        """p_s(E Φ_s(z) − E Φ_s(z̄))."""
        return f.p(t) * (self.mean_of(t, self.A) - self.mean_of(t, self.kept))

    def difference(self) -> Line:
        """L(A) − L(PA) = Σ_s p_s(E Φ_s(z) − E Φ_s(z̄))."""
        s = self.s
        losses = [self.scores.loss(self.losses, X) for X in (self.A, self.kept)]
        opened = [definition(s, loss) for loss in losses]
        return s.lin(eq(losses[0] - losses[1], total(f.T, self.gain)), [(opened[0], -1), opened[1]])

    def no_worse(self) -> Line:
        """L(PA) ≤ L(A)."""
        s = self.s
        summed = s.apply("sum_order", [[self.gains]])
        claim = self.scores.loss(self.losses, self.kept) <= self.scores.loss(self.losses, self.A)
        return s.lin(claim, [summed, self.difference()])

    def flat(self, no_worse: Line, bends: Line) -> Line:
        """∀y. Aᵀ(I − P)ᵀy = 0, from L(A) ≤ L(PA) and what it means that the losses bend."""
        s, A, y, mark = self.s, self.A, fresh(Col(self.P.rows), "y"), self.s.mark()
        (t, a, rates, z), bend = s.obtain(bends, "s_0", "a", "eta", "z")
        out, is_out = s.let("out", y - self.P.T @ y)
        across = s.lin(eq(self.P.T @ out, zero(self.P.rows)), [(is_out, 1, self.P.T, eye(1))], self.fisher.twice)
        length = tr(out.T @ A @ A.T @ out)
        long = s.assume(num(0) < length)
        one = s.mp(s.apply("reciprocal", [], [length]), positive_nonzero(s, long))
        inner = s.mark()
        strict = s.release(self.compared(t, *self.somewhere(t, a, rates, z, bend, out, [across, one])), inner)
        s.forget(inner)
        none = summand_vanishes(s, self.gains, s.lin(total(f.T, self.gain) <= 0, [self.difference(), no_worse]), t)
        some = s.apply("product", [[s.spec(self.likely, t), strict]])
        absurd = s.taut(length <= 0, s.lin(num(0) < 0, [some, none]), s.calc(num(0) <= 0))
        low = s.taut(length <= 0, s.discharge(absurd, long))
        gone = vanishes_below(s, A.T @ out, s.lin(tr((A.T @ out).T @ A.T @ out) <= 0, [low]))
        claim = eq(A.T @ y - A.T @ self.P.T @ y, zero(A.cols))
        line = s.lin(claim, [gone, (is_out, -1, A.T, eye(1))])
        line = s.gen(s.release(line, mark), y)
        s.forget(mark)
        return line

    def included(self, flat: Line) -> Line:
        """Col(A) ⊆ S_F, from ∀y. Aᵀ(I − P)ᵀy = 0: A = PA, which is made of the Σ̄⁻¹μ_k."""
        s, A, P, d = self.s, self.A, self.P, self.P.rows
        i, one = fresh(Index(d), "i"), eye(d)

        def part(i: Expr) -> Expr:
            return (A.T @ unit(i) - A.T @ P.T @ unit(i)) @ unit(i).T

        column = s.lin(eq(part(i), zero(A.cols, d)), [(s.spec(flat, unit(i)), 1, eye(A.cols), unit(i).T)])
        columns = s.same(total(d, part), s.gen(column, i))
        units = s.apply("units", [], [one])
        back = s.lin(eq(A.T, A.T @ P.T), [columns, (units, 1, A.T, one), (units, -1, A.T @ P.T, one)])
        whole = s.lin(eq(P @ A, A), [(s.same(A.T.T, back), 1, one, eye(A.cols))])
        return s.rewrite(whole, self.kept_within)

    @cached_property
    def kept_within(self) -> Line:
        """Col(PA) ⊆ S_F: PA is made of the Σ̄⁻¹μ_k."""
        s, A = self.s, self.A
        within = self.set.mix.within_fisher(self.kept)

        def coefficient(k: Expr) -> Expr:
            return A.T @ self.fisher.e(k)

        column = minv(self.set.mix.sigma_bar)
        body = total(v.K, lambda k: column @ v.mu(k) @ coefficient(k).T)
        made = s.lin(eq(self.kept, body), [(self.fisher.made, 1, eye(v.d), A)])
        there = definition(s, within).right
        return folded(s, within, s.exhibit(there, fn(Index(v.K), coefficient), made))
