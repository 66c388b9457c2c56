"""Proof of `infonce-equality-vanishing`: a slope along u with AᵀRu = 0, and a remainder of second order in M = AAᵀ.

Let A be a minimiser, z_k = xᵀMμ_k, q = xᵀMΣMx, π the softmax of the z_k, R = E xxᵀ = Σ + S, and u in S_F with AᵀRu = 0,
a_k = uᵀμ_k. M + t uuᵀ is attained for t ≥ 0, and uᵀΣMRu = 0, so its slope at t = 0 says that

    δ uᵀSu ≤ E[xᵀu Σ_k π_k a_k],   |Σ_k π_k a_k − Σ_k w_k z_k a_k| ≤ 2bωq,   b² = ηuᵀSu,

as a_k² ≤ b²: with π_k ≤ 1 and π_k ≤ w_k exp z_k comes π_k ≤ u_k = w_k(1 + z_k + c_k z_k²), and to move π_k to u_k and
that to w_k(1 + z_k) costs b Σ_k w_kc_kz_k² ≤ bωq each. What is of first order is E[xᵀu xᵀMSu] = uᵀRMSu = 0. So
2(1 + λ)δXρ ≤ δ²X² + (1 + λ)²ρ² for X = xᵀu and the remainder ρ, and uᵀΣu ≤ λuᵀSu, give

    2(1 + λ)δ² uᵀSu ≤ δ²(1 + λ) uᵀSu + 4(1 + λ)²ηω² E q² uᵀSu.

Scaling A gives E q = tr(MΣMR) ≤ δ tr(SM), as E Σ_k π_k z_k ≥ 0; tr(YᵀΣYR) ≥ 0 for Y = M − δΣ⁻¹SR⁻¹ turns this into
E q ≤ δ²τ, and E q² ≤ (3 + κ²/4)(E q)² for a Gaussian mixture. So uᵀSu = 0 if 4δ²(1 + λ)(3 + κ²/4)ηω²τ² < 1. A
column v of S_F with AᵀΣv = 0 has u = R⁻¹Σv in S_F with AᵀRu = 0, and uᵀSu = 0 makes u = v: nothing of S_F is missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from thmverify.formulas import mixtures as v
from thmverify.formulas.vanishing import SORTS, bias_small, tau, threshold
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Real,
    conj,
    eq,
    eye,
    fn,
    fresh,
    lse,
    mean,
    minv,
    num,
    softmax,
    total,
    tr,
    zero,
)
from thmverify.proofs.lemmas.algebra import root, square_root
from thmverify.proofs.lemmas.basic import divide, square_nonnegative, square_norm, weaken
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.remainder import (
    Expansion,
    Weights,
    at_most_root,
    submultiplicative,
    submultiplicative_matrices,
)
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.infonce import infonce_inclusion_proof as infonce_inclusion
from thmverify.theorems.infonce.equality_lemmas import squares_vanish
from thmverify.theorems.infonce.infonce_slope_proof import attained, contains, line_parts, nothing_missed

HYPOTHESES = (
    "weights-positive",
    "weights-sum",
    "covariances-definite",
    "shared-covariance",
    "bias-range",
    "centred",
    "columns-reach",
    "bias-positive",
)


class Small:
    """A minimiser A of InfoNCE for a centred mixture, M = AAᵀ, and how small it is."""

    def __init__(self, s: Script, st: Setting) -> None:
        """Suppose that A is a minimiser, and choose κ² and λ."""
        self.s, self.st, self.mix, self.A = s, st, st.mix, v.A
        self.K, self.w, self.mu, self.S, self.delta = st.K, st.w, st.mu, st.mix.sigma_bar, st.mix.delta
        self.best = s.assume(st.mix.minimises_infonce(self.A))
        unfolded = st.unfold(self.best.formula)
        self.no_better = s.taut(unfolded.right, unfolded, self.best)
        self.centred = st.hypothesis("centred")
        self.weights = Weights(s, self.K, self.w, st.positive, st.weights_sum, st.nonempty)
        names = (*SORTS, "c", "ζ")
        (self.height, self.ratio, self.share, self.bend, self.c, self.zeta), bounds = s.obtain(
            s.assume(bias_small(st.mix)), *names
        )
        s.step(
            "bounds",
            "Let μ_kᵀΣ⁻¹μ_k ≤ κ² and μ_kμ_kᵀ ⪯ ηS for all k, Σ ⪯ λS on S_F, and Σ_k w_kc_kμ_kμ_kᵀ ⪯ ωΣ, where exp z ≤ "
            "1 + z + c_kz² up to z = log 1/w_k, with 4δ²(1 + λ)(3 + κ²/4)ηω²τ² < 1.",
            bounds,
        )
        self.high, self.ratio_nonnegative, self.wide, self.share_nonnegative, self.shared, *rest = line_parts(s, bounds)
        self.bend_nonnegative, self.bent, self.gathered, self.below = rest

    # -- letters ------------------------------------------------------------------------------------------------------

    @property
    def M(self) -> Expr:
        """M = AAᵀ."""
        return self.A @ self.A.T

    def x(self, k: Expr, xi: Expr) -> Expr:
        """A point of component k: μ_k + ξ."""
        return self.mu(k) + xi

    def z(self, x: Expr, j: Expr) -> Expr:
        """z_j = xᵀMμ_j."""
        return tr(x.T @ self.M @ self.mu(j))

    def q(self, x: Expr) -> Expr:
        """q = xᵀMΣMx."""
        return tr(x.T @ self.M @ self.S @ self.M @ x)

    def b(self, k: Expr) -> Expr:
        """b_k = μ_kᵀMΣMμ_k."""
        return self.q(self.mu(k))

    @property
    def noise(self) -> Expr:
        """t = tr(MΣMΣ)."""
        return tr(self.M @ self.S @ self.M @ self.S)

    @property
    def means(self) -> Expr:
        """b̄ = Σ_k w_k b_k."""
        return total(self.K, lambda k: self.w(k) * self.b(k))

    @property
    def energy(self) -> Expr:
        """E q = b̄ + t = tr(MΣMR)."""
        return self.means + self.noise

    @property
    def pull(self) -> Expr:
        """tr(SM) = Σ_k w_k μ_kᵀMμ_k."""
        return total(self.K, lambda k: self.w(k) * tr(self.mu(k).T @ self.M @ self.mu(k)))

    @property
    def bound(self) -> Expr:
        """δ²τ."""
        return self.delta * self.delta * tau(self.st.mix)

    @property
    def factor(self) -> Expr:
        """3 + κ²/4."""
        return 3 + num("1/4") * self.height

    @property
    def tail(self) -> Expr:
        """4ηω²."""
        return 4 * self.share * self.bend * self.bend

    # -- means over the mixture ---------------------------------------------------------------------------------------

    def averaged(self, line: Line, k: Expr, claim: Expr, *parts: Any) -> Line:
        """Σ_k w_k a_k ≤ Σ_k w_k b_k, the claim up to these parts and normal forms, from a_k ≤ b_k for the index k."""
        s = self.s
        part = s.apply("product", [[weaken(s, s.spec(self.st.positive, k)), line]])
        return self.in_means(claim, [s.apply("sum_order", [[s.gen(part, k)]]), *parts])

    def in_means(self, claim: Expr, parts: Sequence[Any]) -> Line:
        """A linear consequence, with means of polynomials written out."""
        st = self.st
        return self.s.lin(claim, parts, st.sigma_symmetric, positive=[st.positive], psd=[st.sigma_psd])

    def expected(self, line: Line, xi: Expr) -> Line:
        """E a ≤ E b from a ≤ b for the noise ξ."""
        return self.s.apply("mean_order", [[self.s.gen(line, xi)], [self.st.positive]], [self.S])

    def rooted(self) -> tuple[Expr, tuple[Line, Line]]:
        """Λ with ΛΛᵀ = Σ, and Σ = Σᵀ, to rewrite with."""
        Lam, line = root(self.s, self.st.sigma_psd, "Λ")
        return Lam, (self.s.flip(line), self.st.sigma_symmetric)

    def released(self, line: Line, mark: int) -> Line:
        """The line without the choices made since the mark."""
        line = self.s.release(line, mark)
        self.s.forget(mark)
        return line

    # -- how large M is: E q ≤ δ²τ ------------------------------------------------------------------------------------

    def no_logit(self, x: Expr) -> Line:
        """Σ_j w_j z_j = 0."""
        average = total(self.K, lambda j: self.w(j) * self.z(x, j))
        return self.s.lin(eq(average, 0), [(self.centred, 1, x.T @ self.M, eye(1))])

    def along(self, c: Expr) -> Expr:
        """Σ_k w_k E Σ_j π_j z_j, π the softmax of the logits c²z."""

        def inner(x: Expr) -> Expr:
            return total(self.K, lambda j: softmax(self.K, self.w, lambda i: c * c * self.z(x, i), j) * self.z(x, j))

        return total(self.K, lambda k: self.w(k) * mean(self.S, lambda xi: inner(self.x(k, xi))))

    @cached_property
    def drawn(self) -> Line:
        """0 ≤ E Σ_j π_j z_j."""
        k, xi = fresh(Index(self.K), "k"), fresh(Col(self.st.d), "xi")
        x = self.x(k, xi)
        line = self.expected(self.weights.drawn(lambda j: self.z(x, j), self.no_logit(x)), xi)
        line = self.averaged(line, k, num(0) <= self.along(num(1)))
        return self.s.step("drawn", "E Σ_k π_k z_k ≥ 0: log-sum-exp is convex and Σ_k w_k z_k = 0.", line)

    @cached_property
    def scaled(self) -> Line:
        """E q ≤ δ tr(SM): the derivative of L((1 − t)A) at t = 0 is not negative."""
        s, st, w, mu = self.s, self.st, self.w, self.mu
        mixed = total(self.K, lambda k: total(self.K, lambda j: w(k) * w(j) * tr(mu(k).T @ self.M @ mu(j))))
        matched = self.delta * self.pull + (1 - self.delta) * mixed

        def smaller(t: Expr) -> Expr:
            return (1 - t) * self.A

        def rate(t: Expr) -> Expr:
            c = 1 - t
            return 2 * c * matched - 2 * c * c * c * self.energy - 2 * c * self.along(c)

        form = fn(Real, lambda t: st.quadratic(smaller(t)) + st.potential(smaller(t)))
        derivative = s.apply("differentiate", [[st.sigma_symmetric], [st.positive], []], [form, fn(Real, rate)])
        t = fresh(Real, "t")
        nonnegative = s.assume(num(0) <= t)
        worse = s.spec(self.no_better, smaller(t))
        rises = s.lin(form(num(0)) <= form(num(0) + t), [st.closed_form(self.A), st.closed_form(smaller(t)), worse])
        line = s.apply("fermat", [[s.spec(derivative, num(0)), s.gen(s.discharge(rises, nonnegative), t)]])
        average = total(self.K, lambda k: w(k) * mu(k).T) @ self.M
        ends = [line, self.drawn, (self.centred, 1 - self.delta, average, eye(1))]
        line = s.lin(self.energy <= self.delta * self.pull, ends)
        return s.step("scaled", "E q = tr(MΣMR) ≤ δ tr(SM): else L would fall when A is scaled down.", line)

    def square_norm(self, Y: Expr) -> Line:
        """0 ≤ tr(YᵀΣYR) = ‖ΛᵀYΛ‖² + Σ_k w_k ‖ΛᵀYμ_k‖²."""
        s, st, k = self.s, self.st, fresh(Index(self.K), "k")
        form = Y.T @ self.S @ Y
        mark = s.mark()
        Lam, back = self.rooted()
        noise = s.lin(num(0) <= tr(form @ self.S), [square_norm(s, Lam.T @ Y @ Lam)], *back)
        own = s.lin(num(0) <= tr(self.mu(k).T @ form @ self.mu(k)), [square_norm(s, Lam.T @ Y @ self.mu(k))], *back)
        noise, own = s.release(noise, mark), s.release(own, mark)
        s.forget(mark)
        means = total(self.K, lambda k: self.w(k) * tr(self.mu(k).T @ form @ self.mu(k)))
        parts = [noise, self.averaged(own, k, num(0) <= means)]
        return s.lin(num(0) <= tr(form @ st.R), [*parts, *self.moment(1, form, eye(st.d))])

    def moment(self, factor: Any, left: Expr, right: Expr) -> list[Any]:
        """R = Σ + S and S = Σ_k w_k μ_kμ_kᵀ, between these, as parts of a linear consequence."""
        st = self.st
        return [(st.R_parts, factor, left, right), (st.unfold(st.mix.S), factor, left, right)]

    @cached_property
    def square(self) -> Line:
        """0 ≤ E q − 2δ tr(SM) + δ²τ."""
        s, st, M = self.s, self.st, self.M
        whole = self.square_norm(M - self.delta * (minv(self.S) @ st.mix.S @ minv(st.R)))
        inverses = (*st.sigma_inverse, *st.R_inverse, st.sigma_symmetric, st.R_symmetric, st.S_symmetric)
        scattered = (st.unfold(st.mix.S), self.delta, M, eye(st.d))
        line = s.lin(
            num(0) <= self.energy - 2 * self.delta * self.pull + self.bound,
            [whole, *self.moment(1, M @ self.S @ M, eye(st.d)), scattered],
            *inverses,
        )
        return s.step("square", "tr(YᵀΣYR) = tr(MΣMR) − 2δ tr(SM) + δ²τ ≥ 0 for Y = M − δΣ⁻¹SR⁻¹.", line)

    @cached_property
    def bounded(self) -> Line:
        """E q ≤ δ²τ."""
        line = self.s.lin(self.energy <= self.bound, [self.scaled, self.square])
        return self.s.step("energy", "So E q ≤ δ²τ.", line)

    # -- Cauchy–Schwarz -----------------------------------------------------------------------------------------------

    @cached_property
    def projected(self) -> Line:
        """∀y, k. (yᵀμ_k)² ≤ κ² yᵀΣy."""
        s, y, k = self.s, fresh(Col(self.st.d), "y"), fresh(Index(self.K), "k")
        mark = s.mark()
        Lam, back = self.rooted()
        cauchy = submultiplicative(s, y.T @ Lam, Lam.T @ minv(self.S) @ self.mu(k))
        size = s.lin(num(0) <= tr(y.T @ self.S @ y), [square_norm(s, Lam.T @ y)], *back)
        short = s.apply("product", [[size, s.spec(self.high, k)]])
        claim = tr(y.T @ self.mu(k)) * tr(y.T @ self.mu(k)) <= self.height * tr(y.T @ self.S @ y)
        line = self.released(s.lin(claim, [cauchy, short], *back, *self.st.sigma_inverse), mark)
        return s.step("projected", "(yᵀμ_k)² ≤ κ² yᵀΣy for every y, by Cauchy–Schwarz.", s.gen(line, y, k))

    @cached_property
    def products(self) -> Line:
        """∀k. 0 ≤ b_k ∧ 0 ≤ t ∧ b_k ≤ κ²t ∧ μ_kᵀMΣMΣMΣMμ_k ≤ b_kt ∧ tr(MΣMΣMΣMΣ) ≤ t²."""
        s, k, S, M, t = self.s, fresh(Index(self.K), "k"), self.S, self.M, self.noise
        mark = s.mark()
        Lam, back = self.rooted()
        Z, p, y = Lam.T @ M @ Lam, Lam.T @ M @ self.mu(k), Lam.T @ minv(S) @ self.mu(k)
        own = s.lin(num(0) <= self.b(k), [square_norm(s, p)], *back)
        noise = s.lin(num(0) <= t, [square_norm(s, Z)], *back)
        near, short = submultiplicative(s, Z, y), s.apply("product", [[noise, s.spec(self.high, k)]])
        low = s.lin(self.b(k) <= self.height * t, [near, short], *back, *self.st.sigma_inverse)
        middle = M @ S @ M @ S @ M @ S @ M
        crossed = s.lin(tr(self.mu(k).T @ middle @ self.mu(k)) <= self.b(k) * t, [submultiplicative(s, Z, p)], *back)
        square = s.lin(tr(middle @ S) <= t * t, [submultiplicative_matrices(s, Z, Z)], *back)
        return s.step(
            "products",
            "With b_k = μ_kᵀMΣMμ_k and t = tr(MΣMΣ), b_k ≤ κ²t, μ_kᵀMΣMΣMΣMμ_k ≤ b_kt and tr(MΣMΣMΣMΣ) ≤ t².",
            s.gen(self.released(s.both(own, noise, low, crossed, square), mark), k),
        )

    # -- signs --------------------------------------------------------------------------------------------------------

    @cached_property
    def height_nonnegative(self) -> Line:
        """0 ≤ κ²."""
        s, k = self.s, fresh(Index(self.K), "k")
        mark = s.mark()
        Lam, back = self.rooted()
        square = square_norm(s, Lam.T @ minv(self.S) @ self.mu(k))
        form = num(0) <= tr(self.mu(k).T @ minv(self.S) @ self.mu(k))
        line = self.released(s.lin(form, [square], *back, *self.st.sigma_inverse), mark)
        line = s.lin(num(0) <= self.height, [line, s.spec(self.high, k)])
        return self.averaged(line, k, num(0) <= self.height, (self.st.weights_sum, self.height))

    @cached_property
    def tail_nonnegative(self) -> Line:
        """0 ≤ 4ηω²."""
        s, low = self.s, self.share_nonnegative
        return s.lin(num(0) <= self.tail, [(s.apply("product", [[low, square_nonnegative(s, self.bend)]]), 4)])

    @cached_property
    def factor_nonnegative(self) -> Line:
        """0 ≤ 3 + κ²/4."""
        return self.s.lin(num(0) <= self.factor, [self.height_nonnegative])

    @cached_property
    def energy_nonnegative(self) -> Line:
        """0 ≤ E q."""
        s, k = self.s, fresh(Index(self.K), "k")
        own, noise, *_ = s.parts(s.spec(self.products, k))
        each = s.lin(num(0) <= self.b(k) + self.noise, [own, noise])
        return self.averaged(each, k, num(0) <= self.energy, (self.st.weights_sum, self.noise))

    # -- the fourth moment: E q² ≤ (3 + κ²/4)(δ²τ)² -------------------------------------------------------------------

    @property
    def fourth(self) -> Expr:
        """Σ_k w_k E[q² | k]."""

        def square(x: Expr) -> Expr:
            return self.q(x) * self.q(x)

        return total(self.K, lambda k: self.w(k) * mean(self.S, lambda xi: square(self.x(k, xi))))

    @cached_property
    def fourth_moment(self) -> Line:
        """Σ_k w_k E[q² | k] ≤ (3 + κ²/4)(δ²τ)²."""
        s, t, e, bound, bounded = self.s, self.noise, self.energy, self.bound, self.bounded
        k = fresh(Index(self.K), "k")
        own, _, low, crossed, square = s.parts(s.spec(self.products, k))
        grown = s.apply("product", [[own, low]])

        def q(xi: Expr) -> Expr:
            return self.q(self.x(k, xi))

        claim = mean(self.S, lambda xi: q(xi) * q(xi)) <= (6 + self.height) * t * self.b(k) + 3 * t * t
        each = self.in_means(claim, [grown, crossed, square])
        # (6 + κ²)tb̄ + 3t² ≤ (3 + κ²/4)(b̄ + t)²
        apart = s.apply("product", [[self.height_nonnegative, square_nonnegative(s, self.means - t)]])
        ends = (apart, square_nonnegative(s, self.means), (self.st.weights_sum, 3 * t * t))
        line = self.averaged(each, k, self.fourth <= self.factor * e * e, *ends)
        down = s.apply("product", [[bounded, self.energy_nonnegative]])
        top = s.lin(num(0) <= bound, [self.energy_nonnegative, bounded])
        up = s.apply("product", [[bounded, top]])
        higher = s.apply("product", [[self.factor_nonnegative, s.lin(num(0) <= bound * bound - e * e, [down, up])]])
        return s.step(
            "fourth-moment",
            "E q² ≤ (3 + κ²/4)(E q)² ≤ (3 + κ²/4)(δ²τ)²: the moments of a Gaussian, written out.",
            self.in_means(self.fourth <= self.factor * bound * bound, [line, higher]),
        )


class Missed:
    """A column u of S_F with AᵀRu = 0: uᵀμ_k = 0 for all k."""

    def __init__(self, small: Small, inside: Line) -> None:
        """Take Col(A) ⊆ S_F; suppose the two properties of u."""
        self.small, self.s, self.st, self.A = small, small.s, small.st, small.A
        self.K, self.w, self.mu, self.S, self.delta = small.K, small.w, small.mu, small.S, small.delta
        self.inside = inside
        s, st = self.s, self.st
        self.u = u = fresh(Col(st.d), "u")
        self.within = s.assume(st.mix.within_fisher(u))
        self.flat = s.assume(eq(self.A.T @ st.R @ u, zero(v.r)))
        means = total(self.K, lambda k: self.w(k) * (self.A.T @ self.mu(k) @ self.mu(k).T @ u))
        claim = eq(self.A.T @ self.S @ u + means, zero(v.r))
        self.across = s.lin(claim, [self.flat, *small.moment(1, self.A.T, u)])

    def a(self, k: Expr) -> Expr:
        """a_k = uᵀμ_k."""
        return tr(self.u.T @ self.mu(k))

    @property
    def signal(self) -> Expr:
        """uᵀSu = Σ_k w_k a_k²."""
        return total(self.K, lambda k: self.w(k) * self.a(k) * self.a(k))

    @property
    def size(self) -> Expr:
        """uᵀΣu."""
        return tr(self.u.T @ self.S @ self.u)

    def first(self, x: Expr) -> Expr:
        """Σ_j w_j z_j a_j."""
        return total(self.K, lambda j: self.w(j) * self.small.z(x, j) * self.a(j))

    def moved(self, x: Expr) -> Expr:
        """Σ_j π_j a_j."""
        return total(self.K, lambda j: softmax(self.K, self.w, lambda i: self.small.z(x, i), j) * self.a(j))

    @property
    def gain(self) -> Expr:
        """Σ_k w_k E[xᵀu Σ_j π_j a_j]."""

        def inner(x: Expr) -> Expr:
            return tr(x.T @ self.u) * self.moved(x)

        return total(self.K, lambda k: self.w(k) * mean(self.S, lambda xi: inner(self.small.x(k, xi))))

    @property
    def share(self) -> Expr:
        """1 + λ."""
        return 1 + self.small.ratio

    @property
    def cost(self) -> Expr:
        """4(1 + λ)²ηω²."""
        return self.share * self.share * self.small.tail

    @cached_property
    def average(self) -> Line:
        """Σ_k w_k a_k = 0."""
        claim = eq(total(self.K, lambda k: self.w(k) * self.a(k)), 0)
        return self.s.lin(claim, [(self.small.centred, 1, self.u.T, eye(1))])

    @cached_property
    def signal_nonnegative(self) -> Line:
        """0 ≤ uᵀSu."""
        k = fresh(Index(self.K), "k")
        return self.small.averaged(square_nonnegative(self.s, self.a(k)), k, num(0) <= self.signal)

    def owned(self, k: Expr) -> Line:
        """a_k² ≤ ηuᵀSu."""
        line = self.s.spec(self.small.shared, k, self.u)
        claim = self.a(k) * self.a(k) <= self.small.share * self.signal
        return self.s.lin(claim, [line], self.st.unfold(self.st.mix.S))

    @cached_property
    def size_nonnegative(self) -> Line:
        """0 ≤ uᵀΣu."""
        return self.s.spec(self.s.parts(self.st.sigma_psd)[1], self.u)

    # -- the slope along M + t uuᵀ ------------------------------------------------------------------------------------

    def M(self, t: Expr) -> Expr:
        """M_t = AAᵀ + t uuᵀ."""
        return self.A @ self.A.T + t * (self.u @ self.u.T)

    def logit(self, k: Expr, j: Expr, xi: Expr, t: Expr) -> Expr:
        """(μ_k + ξ)ᵀM_tμ_j."""
        return tr((self.mu(k) + xi).T @ self.M(t) @ self.mu(j))

    def loss(self, t: Expr) -> Expr:
        """The loss at M_t."""
        K, w, mu, S, M = self.K, self.w, self.mu, self.S, self.M(t)
        matched = total(K, lambda k: w(k) * tr(mu(k).T @ M @ mu(k)))
        mixed = total(K, lambda k: total(K, lambda j: w(k) * w(j) * tr(mu(k).T @ M @ mu(j))))
        noise = total(K, lambda k: w(k) * tr(mu(k).T @ M @ S @ M @ mu(k))) + tr(M @ S @ M @ S)
        potential = total(K, lambda k: w(k) * mean(S, lambda xi: lse(K, w, lambda j: self.logit(k, j, xi, t))))
        return -(self.delta * matched + (1 - self.delta) * mixed) + num("1/2") * noise + potential

    @property
    def mean_a(self) -> Expr:
        """Σ_k w_k a_k."""
        return total(self.K, lambda k: self.w(k) * self.a(k))

    def rate(self, t: Expr) -> Expr:
        """The derivative of the loss at M_t."""
        K, w, mu, S, u, M = self.K, self.w, self.mu, self.S, self.u, self.M(t)
        bend = total(K, lambda k: w(k) * tr(mu(k).T @ u @ u.T @ S @ M @ mu(k))) + tr(u @ u.T @ S @ M @ S)

        def inner(k: Expr, xi: Expr) -> Expr:
            return total(
                K,
                lambda j: softmax(K, w, lambda i: self.logit(k, i, xi, t), j) * (tr((mu(k) + xi).T @ u) * self.a(j)),
            )

        gain = total(K, lambda k: w(k) * mean(S, lambda xi: inner(k, xi)))
        return -(self.delta * self.signal + (1 - self.delta) * self.mean_a * self.mean_a) + bend + gain

    @cached_property
    def rises(self) -> Line:
        """∀t. 0 ≤ t ⟹ the loss at M_0 is at most the loss at M_t."""
        s, st = self.s, self.st
        there = s.step(
            "attained",
            "Let u be in S_F with AᵀRu = 0. M + t uuᵀ is XXᵀ for some X of r columns, for every t ≥ 0.",
            attained(s, st, self.A, self.u, st.hypothesis("columns-reach"), (self.inside, self.within)),
        )
        t = fresh(Real, "t")
        nonnegative = s.assume(num(0) <= t)
        mark = s.mark()
        (X,), gram = s.obtain(s.mp(s.spec(there, t), nonnegative), "X")
        ends = [st.closed_form(self.A), st.closed_form(X), s.spec(self.small.no_better, X)]
        grown = s.lin(self.loss(num(0)) <= self.loss(num(0) + t), ends, gram)
        return s.gen(s.discharge(self.small.released(grown, mark), nonnegative), t)

    @cached_property
    def slope(self) -> Line:
        """δ uᵀSu ≤ Σ_k w_k E[xᵀu Σ_j π_j a_j]."""
        s, st = self.s, self.st
        functions = [fn(Real, self.loss), fn(Real, self.rate)]
        derivative = s.apply("differentiate", [[st.sigma_symmetric], [st.positive], []], functions)
        line = s.apply("fermat", [[s.spec(derivative, num(0)), self.rises]])
        flat = (self.across, 1, self.u.T @ self.S @ self.A, eye(1))
        ends = [line, flat, (self.average, (1 - self.delta) * self.mean_a)]
        return s.step(
            "slope",
            "The loss does not fall along it: δ Σ_k w_k a_k² ≤ E[xᵀu Σ_k π_k a_k], a_k = uᵀμ_k, since uᵀΣMRu = 0.",
            s.lin(self.delta * self.signal <= self.gain, ends, st.sigma_symmetric),
        )

    # -- what the softmax moves ---------------------------------------------------------------------------------------

    def remainder(self, x: Expr) -> Line:
        """ρ² ≤ 4ηuᵀSu (ωq)² for ρ = Σ_j π_j a_j − Σ_j w_j z_j a_j."""
        s, small, j = self.s, self.small, fresh(Index(self.K), "j")
        expansion = s.step(
            "expansion",
            "|Σ_k π_k a_k − Σ_k w_k z_k a_k| ≤ 2b Σ_k w_kc_kz_k² for the softmax π of any z with |a_k| ≤ b, both of "
            "mean 0: π_k ≤ w_k(1 + z_k + c_kz_k²), as π_k ≤ 1 and π_k ≤ w_k exp z_k.",
            Expansion(small.weights).line(),
        )
        top, c = small.share * self.signal, small.bend * small.q(x)
        nonnegative = s.apply("product", [[small.share_nonnegative, self.signal_nonnegative]])
        mark = s.mark()
        (b,), line = s.obtain(s.mp(s.known(square_root, top), s.lin(num(0) <= top, [nonnegative])), "b")
        sign, square = s.parts(line)
        own, a = self.owned(j), self.a(j)
        above = at_most_root(s, sign, s.lin(a * a <= b * b, [own, square]), a)
        below = at_most_root(s, sign, s.lin(-a * -a <= b * b, [own, square]), -a)
        bounds = s.both(s.lin(-b <= a, [below]), above, *s.parts(s.spec(small.bent, j)))
        families = [fn(Index(self.K), f) for f in (lambda j: small.z(x, j), self.a)]
        near = s.mp(
            s.spec(expansion, *families, small.c, small.zeta, b), s.gen(bounds, j), small.no_logit(x), self.average
        )
        up, down = s.parts(near)
        size = total(self.K, lambda j: self.w(j) * small.c(j) * small.z(x, j) * small.z(x, j))
        gathered = s.lin(size <= c, [s.spec(small.gathered, small.M @ x)], self.st.sigma_symmetric)
        wide = s.apply("product", [[sign, gathered]])
        rho = self.moved(x) - self.first(x)
        whole = s.apply("product", [[s.lin(rho <= 2 * b * c, [up, wide]), s.lin(-(2 * b * c) <= rho, [down, wide])]])
        line = small.released(s.lin(rho * rho <= 4 * top * c * c, [whole, (square, 4 * c * c)]), mark)
        return s.step("remainder", "Here b² = ηuᵀSu, and Σ_k w_kc_kz_k² ≤ ωq.", line)

    def pointwise(self, x: Expr) -> Line:
        """2(1 + λ)δX Σ_j π_j a_j ≤ 2(1 + λ)δX Σ_j w_j z_j a_j + δ²X² + 4(1 + λ)²ηω² uᵀSu q², X = xᵀu."""
        s, q, delta = self.s, self.small.q(x), self.delta
        X, rho = tr(x.T @ self.u), self.moved(x) - self.first(x)
        square = square_nonnegative(s, delta * X - self.share * rho)
        scaled = s.apply("product", [[square_nonnegative(s, self.share), self.remainder(x)]])
        twice = 2 * self.share * delta * X
        right = twice * self.first(x) + delta * delta * X * X + self.cost * self.signal * q * q
        return s.step(
            "pointwise",
            "So 2(1 + λ)δ xᵀu Σ_k π_k a_k ≤ 2(1 + λ)δ xᵀu Σ_k w_k z_k a_k + δ²(xᵀu)² + 4(1 + λ)²ηω² uᵀSu q².",
            s.lin(twice * self.moved(x) <= right, [square, scaled]),
        )

    @cached_property
    def gained(self) -> Line:
        """2(1 + λ)δ Σ_k w_k E[xᵀu Σ_j π_j a_j] ≤ δ²(uᵀΣu + uᵀSu) + 4(1 + λ)²ηω² uᵀSu Σ_k w_k E q²."""
        small, delta, twice = self.small, self.delta, 2 * self.share * self.delta
        k, xi = fresh(Index(self.K), "k"), fresh(Col(self.st.d), "xi")
        line = small.expected(self.pointwise(small.x(k, xi)), xi)
        scattered = total(self.K, lambda k: self.w(k) * self.a(k) * self.mu(k))  # Su
        once = delta * delta * self.size + twice * tr(scattered.T @ small.M @ self.S @ self.u)
        right = delta * delta * (self.size + self.signal) + self.cost * self.signal * small.fourth
        flat = (self.across, twice, scattered.T @ self.A, eye(1))
        line = small.averaged(line, k, twice * self.gain <= right, flat, (self.st.weights_sum, once))
        return self.s.step("gained", "In the mean its first-order part vanishes: E[xᵀu xᵀMSu] = uᵀRMSu = 0.", line)

    # -- the end ------------------------------------------------------------------------------------------------------

    @cached_property
    def wide(self) -> Line:
        """uᵀΣu ≤ λuᵀSu."""
        s, st = self.s, self.st
        line = s.mp(s.spec(self.small.wide, self.u), self.within)
        return s.lin(self.size <= self.small.ratio * self.signal, [line], st.unfold(st.mix.S))

    @property
    def gap(self) -> Expr:
        """1 − δ²/δ₀²."""
        small = self.small
        return 1 - self.delta * self.delta * threshold(self.st.mix, small.height, small.ratio, small.share, small.bend)

    @cached_property
    def left_over(self) -> Line:
        """0 ≤ −δ²(1 − δ²/δ₀²)(1 + λ)uᵀSu."""
        s, small, delta, slope = self.s, self.small, self.delta, self.slope

        def product(p: Line, q: Line, claim: Expr | None = None) -> Line:
            found = s.apply("product", [[p, q]])
            return found if claim is None else s.lin(num(0) <= claim, [found])

        share = s.lin(num(0) <= 2 * self.share, [small.ratio_nonnegative])
        twice = product(share, weaken(s, self.st.hypothesis("bias-positive")), 2 * self.share * delta)
        cost = product(square_nonnegative(s, self.share), small.tail_nonnegative, self.cost)
        sized = product(cost, self.signal_nonnegative, self.cost * self.signal)
        parts = [
            self.gained,
            product(twice, slope),
            product(sized, small.fourth_moment),
            product(square_nonnegative(s, delta), self.wide),
        ]
        return small.in_means(num(0) <= delta * delta * (self.gap * -(self.share * self.signal)), parts)

    @cached_property
    def none(self) -> Line:
        """∀k. a_k = 0."""
        s, positive, rest = self.s, self.st.hypothesis("bias-positive"), -(self.share * self.signal)
        square = s.lin(num(0) < self.delta * self.delta, [s.apply("product", [[positive, positive]])])
        line = divide(s, square, self.left_over, num(0) <= self.gap * rest)
        line = divide(s, s.lin(num(0) < self.gap, [self.small.below]), line, num(0) <= rest)
        low = s.lin(self.signal <= 0, [line, self.wide, self.size_nonnegative])
        s.step("left-over", "With uᵀΣu ≤ λuᵀSu all this leaves uᵀSu ≤ 0, as δ > 0 and δ < δ₀.", low)
        return squares_vanish(s, self.st, self.a, low)


def none_flat(small: Small, inside: Line) -> Line:
    """Every u in S_F with AᵀRu = 0 has uᵀμ_k = 0 for all k."""
    s, missed = small.s, Missed(small, inside)
    whole = s.assume(conj(missed.within.formula, missed.flat.formula))
    none = missed.none
    none = s.taut(none.formula, s.discharge(none, missed.within, missed.flat), whole)
    line = s.gen(s.discharge(none, whole), missed.u)
    return s.step("flat", "So uᵀμ_k = 0 for every u in S_F with AᵀRu = 0.", line)


def none_missed(small: Small, flat: Line) -> Line:
    """Every v in S_F with AᵀΣv = 0 has vᵀμ_k = 0 for all k, from `none_flat`."""
    s, st, S, mu, w = small.s, small.st, small.S, small.mu, small.w
    direction, k = fresh(Col(st.d), "v"), fresh(Index(st.K), "k")
    within = s.assume(st.mix.within_fisher(direction))
    across = s.assume(eq(small.A.T @ S @ direction, zero(v.r)))
    u = minv(st.R) @ S @ direction
    apart = s.lin(
        eq(u, direction - minv(S) @ st.mix.S @ u),
        [(st.R_inverse[0], 1, minv(S), S @ direction), (st.R_parts, 1, minv(S), u)],
        *st.sigma_inverse[:2],
    )
    s.step("corrected", "For v in S_F with AᵀΣv = 0, u = R⁻¹Σv = v − Σ⁻¹Su is in S_F and AᵀRu = AᵀΣv = 0.", apart)
    scattered = st.unfold(st.mix.S)
    unfolded, claim = st.unfold(within.formula), st.unfold(st.mix.within_fisher(u))
    mark = s.mark()
    (c,), spanned = s.obtain(s.taut(unfolded.right, unfolded, within), "c")
    family = fn(Index(st.K), lambda k: c(k) - w(k) * tr(mu(k).T @ u) * eye(1))
    written = eq(u, total(st.K, lambda k: minv(S) @ mu(k) @ family(k).T))
    inside = s.exhibit(claim.right, family, s.lin(written, [apart, spanned, (scattered, 1, minv(S), u)]))
    inside = small.released(s.taut(claim.left, claim, inside), mark)
    reached = s.lin(eq(small.A.T @ st.R @ u, zero(v.r)), [across], st.R_inverse[0])
    gone = s.mp(s.spec(flat, u), s.both(inside, reached))
    ends = [s.spec(gone, k), (apart, 1, mu(k).T, eye(1)), (scattered, 1, mu(k).T @ minv(S), u)]
    line = s.gen(s.lin(eq(tr(direction.T @ mu(k)), 0), ends, gone), k)
    whole = s.assume(conj(within.formula, across.formula))
    line = s.taut(line.formula, s.discharge(line, within, across), whole)
    line = s.gen(s.discharge(line, whole), direction)
    if line.formula != nothing_missed(st, small.A):
        raise ValueError("what is missed is not what infonce-slope asks for")
    return s.step("missed", "uᵀμ_k = 0 for all k makes Su = 0 and u = v: S_F has no such v ≠ 0.", line)


def equality(s: Script, st: Setting) -> Line:
    """MinimisesInfoNCE(A) ⟹ Col(A) = S_F."""
    small = Small(s, st)
    included = s.parts(s.cite("infonce-inclusion", infonce_inclusion.inclusion))[0]
    inside = s.mp(included, small.best)
    s.step("inclusion", "A minimiser has Col(A) ⊆ S_F: Theorem 5.2, first half.", inside)
    small.fourth_moment  # noqa: B018  (its steps come first)
    reached = s.cite("infonce-slope", lambda s: contains(s, Setting(s)))
    spans = s.mp(reached, inside, none_missed(small, none_flat(small, inside)))
    line = s.step("equal", "So Col(A) = S_F.", s.both(inside, spans))
    return s.release(s.discharge(line, small.best))


def prove() -> Proposal:
    """infonce-equality-vanishing."""
    s = Script("infonce-equality-vanishing")
    st = Setting(s)
    line = equality(s, st)
    return s.qed(line, {**{name: v.HYPOTHESES[name] for name in HYPOTHESES}, "bias-small": bias_small(st.mix)})
