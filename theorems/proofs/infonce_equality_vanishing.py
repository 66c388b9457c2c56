"""Proof of `infonce-equality-vanishing`: a first-order condition in the inner product of R = Σ + S, and cubic remainders.

Let A be a minimiser, M = AAᵀ, and u in S_F with AᵀRu = 0; a_k = uᵀμ_k, z_k = xᵀMμ_k, q = xᵀMΣMx, and π the softmax of
the z_k. M + t uuᵀ is attained for t ≥ 0, and its quadratic part has uᵀΣMRu = 0 in its slope, so that

    δ uᵀSu ≤ E[xᵀu Σ_k π_k a_k],   |Σ_k π_k a_k − Σ_k w_k z_k a_k| ≤ bκ²q,   b² = κ²uᵀΣu,

as z_k² ≤ κ²q and a_k² ≤ b². The first-order part has E[xᵀu xᵀMSu] = uᵀRMSu = 0. So with 2(1 + λ)δρX ≤ δ²X² + (1 + λ)²ρ²

    2(1 + λ)δ² uᵀSu ≤ δ² uᵀRu + (1 + λ)² κ⁶ uᵀΣu E q²,   uᵀΣu ≤ λuᵀSu.

Scaling A gives E q = tr(MΣMR) ≤ δ tr(SM), as E Σ_k π_k z_k ≥ 0, and ‖M − δΣ⁻¹SR⁻¹‖² ≥ 0 in the norm of Σ and R turns
this into E q ≤ δ²τ; E q² ≤ (3 + κ²/4)(E q)² for a Gaussian mixture. So uᵀSu = 0 if δ² λ(1 + λ)(3 + κ²/4)κ⁶τ² < 1.
A column v of S_F with AᵀΣv = 0 has u = R⁻¹Σv in S_F with AᵀRu = 0, and uᵀSu = 0 makes u = v: nothing is missed.
"""

from __future__ import annotations

from functools import cached_property

from theorems.proofs import theorem_5_2
from theorems.proofs.equality import squares_vanish
from theorems.proofs.infonce_slope import attained, contains, line_parts, nothing_missed
from verify.formulas import mixtures as v
from verify.formulas.vanishing import bias_small, tau, threshold
from verify.proving.expressions import (
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
from verify.proving.lemmas.basic import divide, root, square_nonnegative, square_norm, weaken
from verify.proving.lemmas.remainder import (
    Expansion,
    Weights,
    at_most_root,
    submultiplicative,
    submultiplicative_matrices,
)
from verify.proving.lemmas.spectral import SpectralSetting
from verify.proving.proposal import Proposal
from verify.proving.script import Line, Script

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

    def __init__(self, s: Script, st: SpectralSetting) -> None:
        """Suppose that A is a minimiser, and choose κ² and λ."""
        self.s, self.st, self.mix, self.A = s, st, st.mix, v.A
        self.K, self.w, self.mu, self.S, self.delta = st.K, st.w, st.mu, st.mix.sigma_bar, st.mix.delta
        self.best = s.assume(st.mix.minimises_infonce(self.A))
        unfolded = st.unfold(self.best.formula)
        self.no_better = s.taut(unfolded.right, unfolded, self.best)
        self.centred = st.hypothesis("centred")
        self.weights = Weights(s, self.K, self.w, st.positive, st.weights_sum, st.nonempty)
        (self.height, self.ratio), bounds = s.obtain(s.assume(bias_small(st.spec)), "κ²", "λ")
        self.high, self.ratio_sign, self.wide, self.below = line_parts(s, bounds)

    # -- letters ------------------------------------------------------------------------------------------------------

    @property
    def M(self) -> Expr:
        """M = AAᵀ."""
        return self.A @ self.A.T

    def x(self, k: Expr, xi: Expr) -> Expr:
        """A point of component k: μ_k + ξ."""
        return self.mu(k) + xi

    def z(self, x: Expr, l: Expr) -> Expr:
        """z_l = xᵀMμ_l."""
        return tr(x.T @ self.M @ self.mu(l))

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
        return self.delta * self.delta * tau(self.st.spec)

    def averaged(self, line: Line, k: Expr, claim: Expr) -> Line:
        """Σ_k w_k a_k ≤ Σ_k w_k b_k, the claim up to normal forms, from a_k ≤ b_k for the index k."""
        s, st = self.s, self.st
        part = s.apply("product", [[weaken(s, s.spec(st.positive, k)), line]])
        summed = s.apply("sum_order", [[s.gen(part, k)]])
        return s.lin(claim, [summed], st.sigma_symmetric, positive=[st.positive], psd=[st.sigma_psd])

    def no_logit(self, x: Expr) -> Line:
        """Σ_l w_l z_l = 0."""
        average = total(self.K, lambda l: self.w(l) * self.z(x, l))
        return self.s.lin(eq(average, 0), [(self.centred, 1, x.T @ self.M, eye(1))])

    def expected(self, line: Line, xi: Expr) -> Line:
        """E a ≤ E b from a ≤ b for the noise ξ."""
        return self.s.apply("mean_order", [[self.s.gen(line, xi)], [self.st.positive]], [self.S])

    # -- how large M is: E q ≤ δ²τ --------------------------------------------------------------------------------------

    @cached_property
    def drawn(self) -> Line:
        """0 ≤ E Σ_l π_l z_l."""
        k, xi = fresh(Index(self.K), "k"), fresh(Col(self.st.d), "xi")
        x = self.x(k, xi)
        line = self.expected(self.weights.drawn(lambda l: self.z(x, l), self.no_logit(x)), xi)
        line = self.averaged(line, k, num(0) <= self.along(num(1)))
        return self.s.step("drawn", "E Σ_k π_k z_k ≥ 0: log-sum-exp is convex and Σ_k w_k z_k = 0.", line)

    def along(self, c: Expr) -> Expr:
        """Σ_k w_k E Σ_l π_l z_l, π the softmax of the logits c²z."""

        def inner(k: Expr, xi: Expr) -> Expr:
            x = self.x(k, xi)
            weight = lambda l: softmax(self.K, self.w, lambda m: c * c * self.z(x, m), l)  # noqa: E731
            return total(self.K, lambda l: weight(l) * self.z(x, l))

        return total(self.K, lambda k: self.w(k) * mean(self.S, lambda xi: inner(k, xi)))

    @cached_property
    def scaled(self) -> Line:
        """E q ≤ δ tr(SM): the derivative of L((1 − t)A) at t = 0 is not negative."""
        s, st = self.s, self.st
        mixed = total(
            self.K,
            lambda k: total(self.K, lambda l: self.w(k) * self.w(l) * tr(self.mu(k).T @ self.M @ self.mu(l))),
        )
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
        rises = s.gen(s.discharge(rises, nonnegative), t)
        line = s.apply("fermat", [[s.spec(derivative, num(0)), rises]])
        average = total(self.K, lambda k: self.w(k) * self.mu(k).T) @ self.M
        ends = [line, self.drawn, (self.centred, 1 - self.delta, average, eye(1))]
        return s.step(
            "scaled",
            "E q = tr(MΣMR) ≤ δ tr(SM): else L would fall when A is scaled down.",
            s.lin(self.energy <= self.delta * self.pull, ends),
        )

    @cached_property
    def square(self) -> Line:
        """0 ≤ E q − 2δ tr(SM) + δ²τ: it is tr(YᵀΣYR) for Y = M − δΣ⁻¹SR⁻¹."""
        s, st = self.s, self.st
        R, scatter = st.R, st.mix.S
        Y = self.M - self.delta * (minv(self.S) @ scatter @ minv(R))
        mark = s.mark()
        Lam, rooted = root(s, st.sigma_psd, "Λ")
        back = (s.flip(rooted), self.st.sigma_symmetric)
        k = fresh(Index(self.K), "k")
        noise = s.lin(num(0) <= tr(Y.T @ self.S @ Y @ self.S), [square_norm(s, Lam.T @ Y @ Lam)], *back)
        own = s.lin(
            num(0) <= tr(self.mu(k).T @ Y.T @ self.S @ Y @ self.mu(k)), [square_norm(s, Lam.T @ Y @ self.mu(k))], *back
        )
        noise, own = s.release(noise, mark), s.release(own, mark)
        s.forget(mark)
        means = self.averaged(
            own, k, num(0) <= total(self.K, lambda k: self.w(k) * tr(self.mu(k).T @ Y.T @ self.S @ Y @ self.mu(k)))
        )
        scattered = st.unfold(scatter)
        whole = s.lin(
            num(0) <= tr(Y.T @ self.S @ Y @ R),
            [noise, means, (st.R_parts, 1, Y.T @ self.S @ Y, eye(st.d)), (scattered, 1, Y.T @ self.S @ Y, eye(st.d))],
        )
        inverses = (*st.sigma_inverse, *st.R_inverse, st.sigma_symmetric, st.R_symmetric, st.S_symmetric)
        M, I = self.M, eye(st.d)
        line = s.lin(
            num(0) <= self.energy - 2 * self.delta * self.pull + self.bound,
            [
                whole,
                (st.R_parts, 1, M @ self.S @ M, I),
                (scattered, 1, M @ self.S @ M, I),
                (scattered, self.delta, M, I),
            ],
            *inverses,
        )
        return s.step("square", "tr(YᵀΣYR) = tr(MΣMR) − 2δ tr(SM) + δ²τ ≥ 0 for Y = M − δΣ⁻¹SR⁻¹.", line)

    @cached_property
    def bounded(self) -> Line:
        """E q ≤ δ²τ."""
        line = self.s.lin(self.energy <= self.bound, [self.scaled, self.square])
        return self.s.step("energy", "So E q ≤ δ²τ.", line)

    # -- the fourth moment: Σ_k w_k E q² ≤ (3 + κ²/4)(δ²τ)² -------------------------------------------------------------

    @cached_property
    def height_nonnegative(self) -> Line:
        """0 ≤ κ²."""
        s, k = self.s, fresh(Index(self.K), "k")
        mark = s.mark()
        Lam, rooted = root(s, self.st.sigma_psd, "Λ")
        form = tr(self.mu(k).T @ minv(self.S) @ self.mu(k))
        inverses = self.st.sigma_inverse
        square = square_norm(s, Lam.T @ minv(self.S) @ self.mu(k))
        line = s.lin(num(0) <= form, [square], s.flip(rooted), self.st.sigma_symmetric, *inverses)
        line = s.release(line, mark)
        s.forget(mark)
        line = s.lin(num(0) <= self.height, [line, s.spec(self.high, k)])
        summed = self.averaged(line, k, num(0) <= self.height * total(self.K, lambda k: self.w(k)))
        return s.lin(num(0) <= self.height, [summed, (self.st.weights_sum, self.height)])

    @cached_property
    def projected(self) -> Line:
        """∀y, k. (yᵀμ_k)² ≤ κ² yᵀΣy."""
        s, y, k = self.s, fresh(Col(self.st.d), "y"), fresh(Index(self.K), "k")
        mark = s.mark()
        Lam, rooted = root(s, self.st.sigma_psd, "Λ")
        back, inverses = (s.flip(rooted), self.st.sigma_symmetric), self.st.sigma_inverse
        column = Lam.T @ minv(self.S) @ self.mu(k)
        cauchy = submultiplicative(s, y.T @ Lam, column)
        size = s.lin(num(0) <= tr(y.T @ self.S @ y), [square_norm(s, Lam.T @ y)], *back)
        short = s.apply("product", [[size, s.spec(self.high, k)]])
        claim = tr(y.T @ self.mu(k)) * tr(y.T @ self.mu(k)) <= self.height * tr(y.T @ self.S @ y)
        line = s.lin(claim, [cauchy, short], *back, *inverses)
        line = s.release(line, mark)
        s.forget(mark)
        return s.step("projected", "(yᵀμ_k)² ≤ κ² yᵀΣy for every y, by Cauchy–Schwarz.", s.gen(line, y, k))

    @cached_property
    def own_parts(self) -> Line:
        """∀k. 0 ≤ b_k ∧ 0 ≤ t ∧ b_k ≤ κ²t ∧ μ_kᵀMΣMΣMΣMμ_k ≤ b_kt ∧ tr(MΣMΣMΣMΣ) ≤ t²."""
        s, k, S, M = self.s, fresh(Index(self.K), "k"), self.S, self.M
        mark = s.mark()
        Lam, rooted = root(s, self.st.sigma_psd, "Λ")
        back, inverses = (s.flip(rooted), self.st.sigma_symmetric), self.st.sigma_inverse
        Z, p, y = Lam.T @ M @ Lam, Lam.T @ M @ self.mu(k), Lam.T @ minv(S) @ self.mu(k)
        own = s.lin(num(0) <= self.b(k), [square_norm(s, p)], *back)
        noise = s.lin(num(0) <= self.noise, [square_norm(s, Z)], *back)
        near = submultiplicative(s, Z, y)
        short = s.apply("product", [[noise, s.spec(self.high, k)]])
        low = s.lin(self.b(k) <= self.height * self.noise, [near, short], *back, *inverses)
        mixed = tr(self.mu(k).T @ M @ S @ M @ S @ M @ S @ M @ self.mu(k))
        crossed = s.lin(mixed <= self.b(k) * self.noise, [submultiplicative(s, Z, p)], *back)
        fourth = tr(M @ S @ M @ S @ M @ S @ M @ S)
        square = s.lin(fourth <= self.noise * self.noise, [submultiplicative_matrices(s, Z, Z)], *back)
        line = s.release(s.both(own, noise, low, crossed, square), mark)
        s.forget(mark)
        return s.step(
            "products",
            "With b_k = μ_kᵀMΣMμ_k and t = tr(MΣMΣ), b_k ≤ κ²t, μ_kᵀMΣMΣMΣMμ_k ≤ b_kt and tr(MΣMΣMΣMΣ) ≤ t².",
            s.gen(line, k),
        )

    def fourth(self, k: Expr) -> Expr:
        """E[q² | k]."""
        return mean(self.S, lambda xi: self.q(self.x(k, xi)) * self.q(self.x(k, xi)))

    @cached_property
    def fourth_moment(self) -> Line:
        """Σ_k w_k E[q² | k] ≤ (3 + κ²/4)(δ²τ)²."""
        s, st, k = self.s, self.st, fresh(Index(self.K), "k")
        own, noise, low, crossed, square = s.parts(s.spec(self.own_parts, k))
        t, height = self.noise, self.height
        grown = s.apply("product", [[own, low]])
        line = s.lin(
            self.fourth(k) <= (6 + height) * t * self.b(k) + 3 * t * t,
            [grown, crossed, square],
            st.sigma_symmetric,
            psd=[st.sigma_psd],
        )
        claim = total(self.K, lambda k: self.w(k) * self.fourth(k)) <= (6 + height) * t * self.means + 3 * t * t
        whole = s.apply("product", [[weaken(s, s.spec(st.positive, k)), line]])
        whole = s.apply("sum_order", [[s.gen(whole, k)]])
        ones = (st.weights_sum, 3 * t * t)
        line = s.lin(claim, [whole, ones], st.sigma_symmetric, psd=[st.sigma_psd])
        apart = s.apply("product", [[self.height_nonnegative, square_nonnegative(s, self.means - t)]])
        e = self.energy
        factor = 3 + num("1/4") * height
        line = s.lin(
            line.left <= factor * e * e,
            [line, apart, square_nonnegative(s, self.means)],
            st.sigma_symmetric,
            psd=[st.sigma_psd],
        )
        positive = self.energy_nonnegative
        room = s.lin(num(0) <= factor, [self.height_nonnegative])
        down = s.apply("product", [[self.bounded, positive]])
        up = s.apply("product", [[self.bounded, s.lin(num(0) <= self.bound, [positive, self.bounded])]])
        both = s.lin(num(0) <= self.bound * self.bound - e * e, [down, up])
        grown = s.apply("product", [[room, both]])
        line = s.lin(
            line.left <= factor * self.bound * self.bound, [line, grown], st.sigma_symmetric, psd=[st.sigma_psd]
        )
        return s.step(
            "fourth-moment",
            "E q² ≤ (3 + κ²/4)(E q)² ≤ (3 + κ²/4)(δ²τ)²: the moments of a Gaussian, written out.",
            line,
        )

    @cached_property
    def energy_nonnegative(self) -> Line:
        """0 ≤ E q."""
        s, k = self.s, fresh(Index(self.K), "k")
        own, noise, *_ = s.parts(s.spec(self.own_parts, k))
        means = self.averaged(own, k, num(0) <= self.means)
        whole = self.averaged(noise, k, num(0) <= self.noise * total(self.K, lambda k: self.w(k)))
        return s.lin(num(0) <= self.energy, [means, whole, (self.st.weights_sum, self.noise)])


class Missed:
    """A column u of S_F with AᵀRu = 0: uᵀμ_k = 0 for all k."""

    def __init__(self, small: Small, inside: Line) -> None:
        """Take Col(A) ⊆ S_F; suppose the two properties of u."""
        self.small, self.s, self.st, self.A = small, small.s, small.st, small.A
        self.K, self.w, self.mu, self.S, self.delta = small.K, small.w, small.mu, small.S, small.delta
        self.inside = inside
        s, st = self.s, self.st
        self.u = fresh(Col(st.d), "u")
        self.within = s.assume(st.mix.within_fisher(self.u))
        self.flat = s.assume(eq(self.A.T @ st.R @ self.u, zero(v.r)))
        # Aᵀ(Σ + S)u = 0, with S written out
        parts = self.A.T @ self.S @ self.u + total(
            self.K, lambda k: self.w(k) * (self.A.T @ self.mu(k) @ self.mu(k).T @ self.u)
        )
        scattered = st.unfold(st.mix.S)
        self.across = s.lin(
            eq(parts, zero(v.r)), [self.flat, (st.R_parts, 1, self.A.T, self.u), (scattered, 1, self.A.T, self.u)]
        )

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
        """Σ_l w_l z_l a_l."""
        return total(self.K, lambda l: self.w(l) * self.small.z(x, l) * self.a(l))

    def moved(self, x: Expr) -> Expr:
        """Σ_l π_l a_l."""
        z = self.small.z
        return total(self.K, lambda l: softmax(self.K, self.w, lambda m: z(x, m), l) * self.a(l))

    @cached_property
    def average(self) -> Line:
        """Σ_k w_k a_k = 0."""
        s = self.s
        claim = eq(total(self.K, lambda k: self.w(k) * self.a(k)), 0)
        return s.lin(claim, [(self.small.centred, 1, self.u.T, eye(1))])

    # -- the slope ----------------------------------------------------------------------------------------------------

    @cached_property
    def slope(self) -> Line:
        """δ uᵀSu ≤ Σ_k w_k E[xᵀu Σ_l π_l a_l]."""
        s, st, K, w, mu, S, u = self.s, self.st, self.K, self.w, self.mu, self.S, self.u
        U = u @ u.T
        mean_a = total(K, lambda k: w(k) * self.a(k))

        def M(t: Expr) -> Expr:
            return self.A @ self.A.T + t * U

        def logit(k: Expr, l: Expr, xi: Expr, t: Expr) -> Expr:
            return tr((mu(k) + xi).T @ M(t) @ mu(l))

        def form(t: Expr) -> Expr:
            matched = total(K, lambda k: w(k) * tr(mu(k).T @ M(t) @ mu(k)))
            mixed = total(K, lambda k: total(K, lambda l: w(k) * w(l) * tr(mu(k).T @ M(t) @ mu(l))))
            noise = total(K, lambda k: w(k) * tr(mu(k).T @ M(t) @ S @ M(t) @ mu(k))) + tr(M(t) @ S @ M(t) @ S)
            potential = total(K, lambda k: w(k) * mean(S, lambda xi: lse(K, w, lambda l: logit(k, l, xi, t))))
            return -(self.delta * matched + (1 - self.delta) * mixed) + num("1/2") * noise + potential

        def rate(t: Expr) -> Expr:
            bend = total(K, lambda k: w(k) * tr(mu(k).T @ U @ S @ M(t) @ mu(k))) + tr(U @ S @ M(t) @ S)

            def inner(k: Expr, xi: Expr) -> Expr:
                weight = lambda l: softmax(K, w, lambda m: logit(k, m, xi, t), l)  # noqa: E731
                return total(K, lambda l: weight(l) * (tr((mu(k) + xi).T @ u) * self.a(l)))

            gain = total(K, lambda k: w(k) * mean(S, lambda xi: inner(k, xi)))
            return -(self.delta * self.signal + (1 - self.delta) * mean_a * mean_a) + bend + gain

        derivative = s.apply(
            "differentiate", [[st.sigma_symmetric], [st.positive], []], [fn(Real, form), fn(Real, rate)]
        )
        t = fresh(Real, "t")
        nonnegative = s.assume(num(0) <= t)
        there = s.step(
            "attained",
            "Let u be in S_F with AᵀRu = 0. M + t uuᵀ is XXᵀ for some X of r columns, for every t ≥ 0.",
            attained(s, st, self.A, u, st.hypothesis("columns-reach"), (self.inside, self.within)),
        )
        mark = s.mark()
        (X,), gram = s.obtain(s.mp(s.spec(there, t), nonnegative), "X")
        grown = s.lin(
            form(num(0)) <= form(num(0) + t),
            [st.closed_form(self.A), st.closed_form(X), s.spec(self.small.no_better, X)],
            gram,
        )
        grown = s.release(grown, mark)
        s.forget(mark)
        rises = s.gen(s.discharge(grown, nonnegative), t)
        line = s.apply("fermat", [[s.spec(derivative, num(0)), rises]])
        ends = [line, (self.across, 1, u.T @ S @ self.A, eye(1)), (self.average, (1 - self.delta) * mean_a)]
        return s.step(
            "slope",
            "The slope of L along it is not negative: δ Σ_k w_k a_k² ≤ E[xᵀu Σ_k π_k a_k], a_k = uᵀμ_k, since uᵀΣMRu = 0.",
            s.lin(self.delta * self.signal <= self.gain, ends, st.sigma_symmetric),
        )

    @property
    def gain(self) -> Expr:
        """Σ_k w_k E[xᵀu Σ_l π_l a_l]."""

        def inner(x: Expr) -> Expr:
            return tr(x.T @ self.u) * self.moved(x)

        return total(self.K, lambda k: self.w(k) * mean(self.S, lambda xi: inner(self.small.x(k, xi))))

    # -- what the softmax moves -----------------------------------------------------------------------------------------

    def remainder(self, x: Expr) -> Line:
        """ρ² ≤ κ² uᵀΣu (κ²q)² for ρ = Σ_l π_l a_l − Σ_l w_l z_l a_l."""
        s, small, l = self.s, self.small, fresh(Index(self.K), "l")
        expansion = Expansion(small.weights).line()
        s.step(
            "expansion",
            "|Σ_k π_k a_k − Σ_k w_k z_k a_k| ≤ bc for the softmax π of any z with |a_k| ≤ b, z_k² ≤ c, both of mean 0: "
            "the second derivative of Σ_k π_k a_k along tz is at most 2bc.",
            expansion,
        )
        top, c = small.height * self.size, small.height * small.q(x)
        nonnegative = s.apply("product", [[small.height_nonnegative, self.size_nonnegative]])
        mark = s.mark()
        (b,), line = s.obtain(s.mp(s.apply("square_root", [], [top]), s.lin(num(0) <= top, [nonnegative])), "b")
        sign, square = s.parts(line)
        own = s.spec(small.projected, self.u, l)
        above = at_most_root(s, sign, s.lin(self.a(l) * self.a(l) <= b * b, [own, square]), self.a(l))
        below = at_most_root(s, sign, s.lin(-self.a(l) * -self.a(l) <= b * b, [own, square]), -self.a(l))
        z = small.z(x, l)
        logits = s.lin(z * z <= c, [s.spec(small.projected, small.M @ x, l)], self.st.sigma_symmetric)
        low, high, narrow = (s.gen(y, l) for y in (s.lin(-b <= self.a(l), [below]), above, logits))
        terms = [fn(Index(self.K), f) for f in (lambda l: small.z(x, l), self.a)]
        up, down = s.parts(
            s.mp(s.spec(expansion, *terms, b, c), sign, low, high, narrow, small.no_logit(x), self.average)
        )
        rho = self.moved(x) - self.first(x)
        whole = s.apply("product", [[s.lin(rho <= b * c, [up]), s.lin(-(b * c) <= rho, [down])]])
        line = s.release(s.lin(rho * rho <= top * c * c, [whole, (square, c * c)]), mark)
        s.forget(mark)
        return s.step("remainder", "Here b² = κ²uᵀΣu and c = κ²q.", line)

    @cached_property
    def size_nonnegative(self) -> Line:
        """0 ≤ uᵀΣu."""
        return self.s.spec(self.s.parts(self.st.sigma_psd)[1], self.u)

    @property
    def share(self) -> Expr:
        """1 + λ."""
        return 1 + self.small.ratio

    @cached_property
    def gained(self) -> Line:
        """2(1 + λ)δ Σ_k w_k E[xᵀu Σ_l π_l a_l] ≤ δ²(uᵀΣu + uᵀSu) + (1 + λ)² κ⁶ uᵀΣu Σ_k w_k E q²."""
        s, st, small = self.s, self.st, self.small
        k, xi = fresh(Index(self.K), "k"), fresh(Col(st.d), "xi")
        x = small.x(k, xi)
        X, rho = tr(x.T @ self.u), self.moved(x) - self.first(x)
        square = square_nonnegative(s, self.delta * X - self.share * rho)
        bound = self.remainder(x)
        scaled = s.apply("product", [[square_nonnegative(s, self.share), bound]])
        h3 = small.height * small.height * small.height
        cost = self.share * self.share * h3 * self.size
        twice = 2 * self.share * self.delta
        line = s.lin(
            twice * X * self.moved(x)
            <= twice * X * self.first(x) + self.delta * self.delta * X * X + cost * small.q(x) * small.q(x),
            [square, scaled],
        )
        line = s.step(
            "pointwise",
            "So 2(1 + λ)δ xᵀu Σ_k π_k a_k ≤ 2(1 + λ)δ xᵀu Σ_k w_k z_k a_k + δ²(xᵀu)² + (1 + λ)²κ⁶ uᵀΣu q².",
            line,
        )
        line = small.expected(line, xi)
        part = s.apply("product", [[weaken(s, s.spec(st.positive, k)), line]])
        summed = s.apply("sum_order", [[s.gen(part, k)]])
        fourth = total(self.K, lambda k: self.w(k) * small.fourth(k))
        scatter = total(self.K, lambda k: self.w(k) * self.a(k) * self.mu(k))
        line = s.lin(
            twice * self.gain <= self.delta * self.delta * (self.size + self.signal) + cost * fourth,
            [
                summed,
                (self.across, twice, scatter.T @ self.A, eye(1)),
                (st.weights_sum, self.delta * self.delta * self.size),
                (st.weights_sum, twice * tr(scatter.T @ small.M @ self.S @ self.u)),
            ],
            st.sigma_symmetric,
            positive=[st.positive],
            psd=[st.sigma_psd],
        )
        return s.step("gained", "In the mean its first-order part vanishes: E[xᵀu xᵀMSu] = uᵀRMSu = 0.", line)

    @cached_property
    def none(self) -> Line:
        """∀k. a_k = 0."""
        s, st, small = self.s, self.st, self.small
        sigma, size, lam, share = self.signal, self.size, small.ratio, self.share
        wide = s.mp(s.spec(small.wide, self.u), self.within)
        wide = s.lin(size <= lam * sigma, [wide], st.unfold(st.mix.S))
        positive = st.hypothesis("bias-positive")
        nonnegative_share = s.lin(num(0) <= share, [small.ratio_sign])
        scale = s.apply("product", [[s.lin(num(0) <= 2 * share, [nonnegative_share]), weaken(s, positive)]])
        steep = s.apply("product", [[s.lin(num(0) <= 2 * share * self.delta, [scale]), self.slope]])
        h3 = small.height * small.height * small.height
        h2 = s.apply("product", [[small.height_nonnegative, small.height_nonnegative]])
        cube = s.lin(
            num(0) <= h3,
            [s.apply("product", [[small.height_nonnegative, s.lin(num(0) <= small.height * small.height, [h2])]])],
        )
        rate = s.apply("product", [[square_nonnegative(s, share), cube]])
        rate = s.lin(num(0) <= share * share * h3, [rate])
        cost = s.lin(num(0) <= share * share * h3 * size, [s.apply("product", [[rate, self.size_nonnegative]])])
        dear = s.apply("product", [[cost, small.fourth_moment]])
        F = (3 + num("1/4") * small.height) * small.bound * small.bound
        factor = s.lin(num(0) <= 3 + num("1/4") * small.height, [small.height_nonnegative])
        top = s.lin(num(0) <= F, [s.apply("product", [[factor, square_nonnegative(s, small.bound)]])])
        top = s.lin(num(0) <= share * share * h3 * F, [s.apply("product", [[rate, top]])])
        wider = s.apply("product", [[top, wide]])
        own = s.apply("product", [[square_nonnegative(s, self.delta), wide]])
        gap = 1 - self.delta * self.delta * threshold(st.spec, small.height, lam)
        whole = self.delta * self.delta * (gap * -(share * sigma))
        line = s.lin(
            num(0) <= whole,
            [steep, self.gained, dear, wider, own],
            st.sigma_symmetric,
            positive=[st.positive],
            psd=[st.sigma_psd],
        )
        square = s.lin(num(0) < self.delta * self.delta, [s.apply("product", [[positive, positive]])])
        line = divide(s, square, line, num(0) <= gap * -(share * sigma))
        line = divide(s, s.lin(num(0) < gap, [small.below]), line, num(0) <= -(share * sigma))
        low = s.lin(sigma <= 0, [line, wide, self.size_nonnegative])
        s.step("left-over", "Hence uᵀSu ≤ 0, as δ > 0 and δ < δ₀.", low)
        return squares_vanish(s, st, self.a, low)


def nothing(small: Small, inside: Line) -> Line:
    """Every v in S_F with AᵀΣv = 0 has vᵀμ_k = 0 for all k."""
    s, st, A, S, mu, w = small.s, small.st, small.A, small.S, small.mu, small.w
    missed = Missed(small, inside)
    given = conj(missed.within.formula, missed.flat.formula)
    whole = s.assume(given)
    none = missed.none
    none = s.taut(none.formula, s.discharge(none, missed.within, missed.flat), whole)
    flat = s.step("flat", "So uᵀμ_k = 0 for every u in S_F with AᵀRu = 0.", s.gen(s.discharge(none, whole), missed.u))
    direction = fresh(Col(st.d), "v")
    within, across = s.assume(st.mix.within_fisher(direction)), s.assume(eq(A.T @ S @ direction, zero(v.r)))
    k = fresh(Index(st.K), "k")
    u = minv(st.R) @ S @ direction
    reached = s.lin(eq(A.T @ st.R @ u, zero(v.r)), [across], st.R_inverse[0])
    # u = v − Σ⁻¹Su: R = Σ + S
    one, back, _ = st.sigma_inverse
    unfolded = st.unfold(within.formula)
    mark = s.mark()
    (c,), spanned = s.obtain(s.taut(unfolded.right, unfolded, within), "c")
    family = fn(Index(st.K), lambda k: c(k) - w(k) * tr(mu(k).T @ u) * eye(1))
    scattered = st.unfold(st.mix.S)
    apart = s.lin(
        eq(u, direction - minv(S) @ st.mix.S @ u),
        [(st.R_inverse[0], 1, minv(S), S @ direction), (st.R_parts, 1, minv(S), u)],
        one,
        back,
    )
    s.step("corrected", "For v in S_F with AᵀΣv = 0, u = R⁻¹Σv = v − Σ⁻¹Su is in S_F and AᵀRu = AᵀΣv = 0.", apart)
    written = s.lin(
        eq(u, total(st.K, lambda l: minv(S) @ mu(l) @ family(l).T)),
        [apart, spanned, (scattered, 1, minv(S), u)],
    )
    claim = st.unfold(st.mix.within_fisher(u))
    inner = s.taut(claim.left, claim, s.exhibit(claim.right, family, written))
    inner = s.release(inner, mark)
    s.forget(mark)
    gone = s.mp(s.spec(flat, u), s.both(inner, reached))
    # u = v: Su = 0
    line = s.lin(
        eq(tr(direction.T @ mu(k)), 0),
        [s.spec(gone, k), (apart, 1, mu(k).T, eye(1)), (scattered, 1, mu(k).T @ minv(S), u)],
        gone,
    )
    whole = s.assume(conj(within.formula, across.formula))
    line = s.gen(line, k)
    line = s.taut(line.formula, s.discharge(line, within, across), whole)
    line = s.gen(s.discharge(line, whole), direction)
    if line.formula != nothing_missed(st, A):
        raise ValueError("what is missed is not what infonce-slope asks for")
    return line


def equality(s: Script, st: SpectralSetting) -> Line:
    """MinimisesInfoNCE(A) ⟹ Col(A) = S_F."""
    small = Small(s, st)
    included = s.parts(s.cite("infonce-inclusion", lambda: theorem_5_2.inclusion(s, st)))[0]
    inside = s.step("inclusion", "A minimiser has Col(A) ⊆ S_F: Theorem 5.2, first half.", s.mp(included, small.best))
    reaches = s.cite("infonce-slope", lambda: contains(s, st))
    missed = s.step(
        "missed", "uᵀμ_k = 0 for all k makes Su = 0 and u = v: S_F has no such v ≠ 0.", nothing(small, inside)
    )
    spans = s.mp(reaches, inside, missed)
    line = s.step("equal", "So Col(A) = S_F.", s.both(inside, spans))
    return s.release(s.discharge(line, small.best))


def prove() -> Proposal:
    """infonce-equality-vanishing."""
    s = Script("infonce-equality-vanishing")
    st = SpectralSetting(s)
    line = equality(s, st)
    return s.qed(line, {**{name: v.HYPOTHESES[name] for name in HYPOTHESES}, "bias-small": bias_small(st.spec)})
