"""Proof of quadratic-features-diverge: a Gaussian that moves along v sees exp of a quadratic form grow, at x far out.

Let f(x) = q(x) + Aᵀx + c with q(x) = Σ_i (xᵀB_ix)e_i, u = q(v) ≠ 0 and Σβ = v. For each number y and each affine ℓ,
exp S ≥ exp ℓ (1 + S − ℓ) at S = f(x)ᵀf(·). With ℓ(z) = yβᵀ(z − μ_j) + h given component j, exp ℓ moves its mean by yv:
with m(y) = Σ_j w_j f(μ_j + yv) + Σ_i tr(B_iΣ)e_i and h = f(x)ᵀm(y) − y²κ, κ = βᵀv,

    log E_y exp f(x)ᵀf(y) ≥ f(x)ᵀm(y) − ½y²κ,   m(y) = m₀ + y m₁ + y²u.

Let y = λ exp(½tβᵀx): a function of x. The mean of the right side is λ²P₂ + λP₁ + P₀, and P₂ is a sum over the
components of positive multiples of uᵀf(μ_j + tv) + Σ_i u_i tr(B_iΣ) − ½κ = t²|u|² + …, since exp tβᵀx moves their means
by tv. So P₂ > 0 for some t, and the mean exceeds every number for some λ.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from thmverify.formulas import mixtures as v
from thmverify.formulas.affine import c
from thmverify.formulas.quadratic import B, infinite_negatives, quadratic_feature, quadratic_part
from thmverify.kernel.proofs.terms import instantiate
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Index,
    Real,
    eq,
    exists,
    exp,
    eye,
    fn,
    forall,
    fresh,
    inv,
    mean,
    minv,
    num,
    total,
    tr,
    unit,
    zero,
)
from thmverify.proofs.lemmas.basic import (
    definition,
    divide,
    exp_positive,
    folded,
    positive_nonzero,
    positive_sum,
    sandwich,
    square_nonnegative,
    squared,
    weaken,
)
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.subspaces import summand_at_most
from thmverify.proofs.lemmas.tilted import tilted
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script

HYPOTHESES = ("weights-positive", "weights-sum", "covariances-definite", "shared-covariance")


def grows(s: Script) -> Line:
    """∀a, l, e, y. 0 < a ∧ 2 + l² + (ae)² ≤ y ⟹ 0 < a(y/a)² + l(y/a) + e."""
    a, l, e, y = (fresh(Real, name) for name in "aley")
    positive, large = s.assume(num(0) < a), s.assume(2 + l * l + a * e * (a * e) <= y)
    one = s.mp(s.apply("reciprocal", [], [a]), positive_nonzero(s, positive))
    squares = [square_nonnegative(s, z) for z in (y + l, 1 + a * e, l, a * e)]
    above = s.lin(num(1) <= y, [large, squares[2], squares[3]])
    step = s.apply("product", [[above, s.lin(num(0) <= y, [above])]])  # 0 ≤ (y − 1)y
    whole = s.lin(
        num(0) < y * y + l * y + a * e, [(squares[0], "1/2"), (step, "1/2"), (large, "1/2"), (squares[1], "1/2")]
    )
    t = y * inv(a)
    scaled = s.lin(num(0) < a * (a * t * t + l * t + e), [whole, (one, y * y * (1 + a * inv(a))), (one, l * y)])
    found = divide(s, positive, scaled, num(0) < a * t * t + l * t + e)
    return s.gen(s.discharge(found, positive, large), a, l, e, y)


def beyond(s: Script) -> Line:
    """∀a, l, e. 0 < a ⟹ ∃t. 0 < at² + lt + e."""
    a, l, e = (fresh(Real, name) for name in "ale")
    positive = s.assume(num(0) < a)
    y = 2 + l * l + a * e * (a * e)
    found = s.mp(s.known(grows, a, l, e, y), positive, s.calc(2 + l * l + a * e * (a * e) <= y))
    claim = exists(Real, lambda t: num(0) < a * t * t + l * t + e)
    return s.gen(s.discharge(s.exhibit(claim, y * inv(a), found), positive), a, l, e)


def together(s: Script) -> Line:
    """∀K, a, l, e. 0 < a ⟹ ∃t. ∀k. 0 < at² + l_kt + e_k."""
    K = v.K
    a, l, e = fresh(Real, "a"), fresh(Family(K, Real), "l"), fresh(Family(K, Real), "e")
    k, positive = fresh(Index(K), "k"), s.assume(num(0) < a)

    def size(k: Expr) -> Expr:
        return l(k) * l(k) + a * e(k) * (a * e(k))

    each = s.lin(num(0) <= size(k), [square_nonnegative(s, l(k)), square_nonnegative(s, a * e(k))])
    y = 2 + total(K, size)
    large = s.lin(2 + l(k) * l(k) + a * e(k) * (a * e(k)) <= y, [summand_at_most(s, s.gen(each, k), k)])
    found = s.mp(s.known(grows, a, l(k), e(k), y), positive, large)
    claim = exists(Real, lambda t: forall(Index(K), lambda k: num(0) < a * t * t + l(k) * t + e(k)))
    return s.gen(s.discharge(s.exhibit(claim, y * inv(a), s.gen(found, k)), positive), K, a, l, e)


class Features:
    """Features of degree two whose quadratic part is not 0 at v, as assumptions, and the bound along v."""

    def __init__(self, s: Script, st: Setting, direction: Expr, given: Line) -> None:
        """Take the setting, v, and the line u = q(v) ≠ 0."""
        self.s, self.st, self.mix, self.v, self.given = s, st, st.mix, direction, given
        self.S = self.mix.sigma_bar
        self.u = quadratic_part(self.mix, B, self.v)
        self.beta = minv(self.S) @ self.v
        self.kappa = tr(self.beta.T @ self.v)
        self.lam, self.t, self.goal = fresh(Real, "λ"), fresh(Real, "t"), fresh(Real, "L")
        self.says = definition(s, infinite_negatives(self.mix, B, v.A, c))

    def f(self, x: Expr) -> Expr:
        """The features at x."""
        return quadratic_feature(self.mix, B, v.A, c, x)

    @cached_property
    def opened(self) -> tuple[Line, Line]:
        """∀x. f(x) = q(x) + Aᵀx + c, and ∀x. q(x) = Σ_i (xᵀB_ix) e_i, to rewrite with."""
        s, x = self.s, fresh(Col(v.d), "x")
        feature, part = (s.gen(definition(s, name), x) for name in (self.f(x), quadratic_part(self.mix, B, x)))
        return feature, part

    @cached_property
    def direction(self) -> Line:
        """Σβ = v."""
        s = self.s
        return s.lin(eq(self.S @ self.beta, self.v), [(self.st.sigma_inverse[0], 1, eye(v.d), self.v)])

    @cached_property
    def positive(self) -> Line:
        """0 < |u|²."""
        s = self.s
        low, law = squared(s, self.u)
        none = s.assume(law.left.left <= 0)
        gone = s.mp(law, sandwich(s, none, low))
        return s.taut(num(0) < law.left.left, s.discharge(s.taut(eq(self.u, zero(v.r)), gone), none), self.given)

    # -- m(y) = m₀ + y m₁ + y²u ---------------------------------------------------------------------------------------

    @property
    def spread(self) -> Expr:
        """Σ_i tr(B_iΣ)e_i."""
        return total(v.r, lambda i: tr(B(i) @ self.S) * unit(i))

    def cross(self, x: Expr) -> Expr:
        """What f(x + yv) has of first order in y: Σ_i (xᵀB_iv + vᵀB_ix)e_i + Aᵀv."""
        return total(v.r, lambda i: (tr(x.T @ B(i) @ self.v) + tr(self.v.T @ B(i) @ x)) * unit(i)) + v.A.T @ self.v

    @property
    def m0(self) -> Expr:
        """m₀ = Σ_j w_j f(μ_j) + Σ_i tr(B_iΣ)e_i."""
        return total(v.K, lambda j: v.w(j) * self.f(v.mu(j))) + self.spread

    @property
    def m1(self) -> Expr:
        """m₁, the mean of what is of first order."""
        return total(v.K, lambda j: v.w(j) * self.cross(v.mu(j)))

    def m(self, y: Expr) -> Expr:
        """The column m₀ + y m₁ + y²u."""
        return self.m0 + y * self.m1 + y * y * self.u

    @cached_property
    def shifted(self) -> Line:
        """∀x, y. f(x + yv) = f(x) + y(…) + y²u."""
        s, x, y = self.s, fresh(Col(v.d), "x"), fresh(Real, "y")
        claim = eq(self.f(x + y * self.v), self.f(x) + y * self.cross(x) + y * y * self.u)
        return s.gen(s.lin(claim, [], *self.opened), x, y)

    # -- the bound at one x -------------------------------------------------------------------------------------------

    def affine(self, j: Expr, y: Expr, h: Expr, z: Expr) -> Expr:
        """ℓ(z) = yβᵀ(z − μ_j) + h."""
        return y * tr(self.beta.T @ (z - v.mu(j))) + h

    def below(self, j: Expr, F: Expr, y: Expr, h: Expr, z: Expr) -> Expr:
        """s_j(z) = (1 + Fᵀf(z) − ℓ) exp ℓ."""
        line = self.affine(j, y, h, z)
        return (1 + tr(F.T @ self.f(z)) - line) * exp(line)

    def tangent(self, F: Expr, y: Expr, h: Expr) -> Line:
        """∀j, z. s_j(z) ≤ exp Fᵀf(z)."""
        s, j, z = self.s, fresh(Index(v.K), "j"), fresh(Col(v.d), "z")
        line, score = self.affine(j, y, h, z), tr(F.T @ self.f(z))
        above = s.parts(s.apply("exponential", [], [score - line]))[0]
        part = s.apply("product", [[weaken(s, exp_positive(s, line)), above]])
        return s.gen(s.lin(self.below(j, F, y, h, z) <= exp(score), [part]), j, z)

    @cached_property
    def known(self) -> tuple[Line, ...]:
        """What normal forms are told: the features, the covariance and its inverse."""
        return (*self.opened, self.st.shared, self.st.sigma_symmetric, *self.st.sigma_inverse)

    def kept(self, j: Expr, F: Expr, y: Expr, h: Expr) -> Line:
        """E_j s_j = (1 + Fᵀ(f(μ_j + yv) + Σ_i tr(B_iΣ)e_i) − y²κ − h) exp(h + ½y²κ)."""
        s, tilt, square = self.s, y * self.beta, y * y * self.kappa

        def weighted(part: Callable[[Expr], Expr]) -> Expr:  # Σ_i F_i part_i
            return total(v.r, lambda i: tr(unit(i).T @ F) * part(i))

        slope = weighted(lambda i: (B(i) + B(i).T) @ v.mu(j)) + v.A @ F - tilt
        level = 1 + tr(F.T @ self.f(v.mu(j))) - h
        law = s.known(tilted, v.d, self.S, tilt, weighted(B), slope, level)
        law = s.mp(law, self.st.sigma_psd)
        own = mean(v.Sigma(j), lambda xi: self.below(j, F, y, h, v.mu(j) + xi))
        seen = tr(F.T @ (self.f(v.mu(j) + y * self.v) + self.spread))
        claim = eq(own, (1 + seen - square - h) * exp(h + num("1/2") * square))
        return s.lin(claim, [(law, exp(h))], *self.known)

    def bound(self, F: Expr, y: Expr) -> Line:
        """Σ_j w_j E_j s_j = exp(Fᵀm(y) − ½y²κ), at h = Fᵀm(y) − y²κ."""
        s, j, h = self.s, fresh(Index(v.K), "j"), fresh(Real, "h")
        square = y * y * self.kappa
        each = s.gen(self.kept(j, F, y, h), j)
        own = total(v.K, lambda j: v.w(j) * mean(v.Sigma(j), lambda xi: self.below(j, F, y, h, v.mu(j) + xi)))
        seen = tr(F.T @ self.m(y))
        power = exp(h + num("1/2") * square)
        summed = s.same(own, each)
        found = s.lin(
            eq(own, (1 + seen - square - h) * power),
            [summed, (self.st.weights_sum, (1 + tr(F.T @ (self.spread + y * y * self.u)) - square - h) * power)],
            self.shifted,
        )
        found = s.spec(s.gen(found, h), seen - square)
        return s.lin(eq(found.left, exp(seen - num("1/2") * square)), [found])

    # -- its mean over x ----------------------------------------------------------------------------------------------

    def far(self, x: Expr) -> Expr:
        """y = λ exp ½tβᵀx."""
        return self.lam * exp(num("1/2") * self.t * tr(self.beta.T @ x))

    def level(self, x: Expr) -> Expr:
        """The bound f(x)ᵀm(y) − ½y²κ."""
        return tr(self.f(x).T @ self.m(self.far(x))) - num("1/2") * self.far(x) * self.far(x) * self.kappa

    @cached_property
    def attained(self) -> Line:
        """∀x. ∃s. (∀j, z. s_j(z) ≤ exp f(x)ᵀf(z)) ∧ exp(level) ≤ Σ_j w_j E_j s_j."""
        s, x = self.s, fresh(Col(v.d), "x")
        F, y = self.f(x), self.far(x)
        h = tr(F.T @ self.m(y)) - y * y * self.kappa
        minorant = fn(Index(v.K), lambda j: fn(Col(v.d), lambda z: self.below(j, F, y, h, z)))
        tangent, bound = self.tangent(F, y, h), self.bound(F, y)
        order = s.lin(bound.right <= bound.left, [bound])
        claim = Expr(instantiate(self.wanted(fn(Col(v.d), self.level)).term.args[1].args[1], x.term))
        return s.gen(s.exhibit(claim, minorant, s.both(tangent, order)), x)

    def wanted(self, t: Expr) -> Expr:
        """What is to be shown of t: its mean is above the level, and it is below log E_y exp f(x)ᵀf(y) everywhere."""
        at_level = Expr(instantiate(self.says.right.term.args[1], self.goal.term))
        return Expr(instantiate(at_level.term.args[1], t.term))

    def expected(self, body: Callable[[Expr], Expr]) -> Expr:
        """Σ_j w_j E_j body."""
        return total(v.K, lambda j: v.w(j) * mean(v.Sigma(j), lambda xi: body(v.mu(j) + xi)))

    @property
    def coefficients(self) -> tuple[Expr, Expr, Expr]:
        """P₂, P₁ and P₀."""

        def grown(x: Expr) -> Expr:
            return exp(num("1/2") * self.t * tr(self.beta.T @ x))

        return (
            self.expected(lambda x: grown(x) * grown(x) * (tr(self.f(x).T @ self.u) - num("1/2") * self.kappa)),
            self.expected(lambda x: grown(x) * tr(self.f(x).T @ self.m1)),
            self.expected(lambda x: tr(self.f(x).T @ self.m0)),
        )

    @cached_property
    def polynomial(self) -> Line:
        """E level = λ²P₂ + λP₁ + P₀."""
        s, (p2, p1, p0) = self.s, self.coefficients
        return s.lin(eq(self.expected(self.level), p2 * self.lam * self.lam + p1 * self.lam + p0), [], *self.known)

    def body(self, x: Expr) -> Expr:
        """exp(tβᵀx) (f(x)ᵀu − ½κ)."""
        return exp(self.t * tr(self.beta.T @ x)) * (tr(self.f(x).T @ self.u) - num("1/2") * self.kappa)

    @cached_property
    def each(self) -> Line:
        """∀j. E_j exp(tβᵀx) (f(x)ᵀu − ½κ) = (t²|u|² + t l_j + e_j) exp(tβᵀμ_j + ½t²κ)."""
        s, j, t = self.s, fresh(Index(v.K), "j"), self.t
        tilt = t * self.beta

        def weighted(part: Callable[[Expr], Expr]) -> Expr:
            return total(v.r, lambda i: tr(unit(i).T @ self.u) * part(i))

        slope = weighted(lambda i: (B(i) + B(i).T) @ v.mu(j)) + v.A @ self.u
        level = tr(self.u.T @ self.f(v.mu(j))) - num("1/2") * self.kappa
        law = s.mp(s.known(tilted, v.d, self.S, tilt, weighted(B), slope, level), self.st.sigma_psd)

        lift = exp(t * tr(self.beta.T @ v.mu(j)))
        value = self.size * t * t + self.slope(j) * t + self.height(j)
        claim = eq(
            mean(v.Sigma(j), lambda xi: self.body(v.mu(j) + xi)), value * (lift * exp(num("1/2") * t * t * self.kappa))
        )
        return s.gen(s.lin(claim, [(law, lift)], *self.known), j)

    @property
    def size(self) -> Expr:
        """|u|²."""
        return tr(self.u.T @ self.u)

    def slope(self, j: Expr) -> Expr:
        """l_j."""
        return tr(self.u.T @ self.cross(v.mu(j)))

    def height(self, j: Expr) -> Expr:
        """e_j."""
        return tr(self.u.T @ (self.f(v.mu(j)) + self.spread)) - num("1/2") * self.kappa

    def rising(self, somewhere: Line) -> Line:
        """0 < P₂, from ∀j. 0 < t²|u|² + t l_j + e_j."""
        s, j, t = self.s, fresh(Index(v.K), "j"), self.t
        part = s.spec(somewhere, j)
        for power in (t * tr(self.beta.T @ v.mu(j)), num("1/2") * t * t * self.kappa):
            raised = s.apply("product", [[part, exp_positive(s, power)]])
            part = s.lin(num(0) < part.right * exp(power), [raised])
        weighted = s.apply("product", [[s.spec(self.st.positive, j), part]])
        part = s.lin(num(0) < v.w(j) * part.right, [weighted])
        summed = positive_sum(s, s.gen(part, j), self.st.nonempty)
        own = s.same(total(v.K, lambda j: v.w(j) * mean(v.Sigma(j), lambda xi: self.body(v.mu(j) + xi))), self.each)
        return s.lin(num(0) < self.coefficients[0], [summed, own])

    def diverges(self) -> Line:
        """E_x log E_y exp f(x)ᵀf(y) = +∞."""
        s = self.s
        slopes, heights = (fn(Index(v.K), part) for part in (self.slope, self.height))
        (t,), somewhere = s.obtain(s.mp(s.known(together, v.K, self.size, slopes, heights), self.positive), "t")
        self.t = t
        p2, p1, p0 = self.coefficients
        rises = s.step("rises", "For some t every component has its share of P₂ > 0.", self.rising(somewhere))
        law = s.mp(s.known(beyond, p2, p1, p0 - self.goal), rises)
        (lam,), high = s.obtain(law, "λ")
        self.lam = lam
        mean_of = s.step("mean", "The mean of the bound is λ²P₂ + λP₁ + P₀,", self.polynomial)
        large = s.lin(self.goal <= mean_of.left, [high, mean_of])
        large = s.step("large", "which exceeds every number for some λ.", large)
        below = s.step("below", "At every x the bound is below log E_y exp f(x)ᵀf(y).", self.attained)
        witness = fn(Col(v.d), self.level)
        found = s.exhibit(
            Expr(instantiate(self.says.right.term.args[1], self.goal.term)), witness, s.both(large, below)
        )
        found = s.gen(s.release(found), self.goal)
        return folded(s, self.says.left, found)


def divergence(s: Script) -> Line:
    """(∃v. q(v) ≠ 0) ⟹ InfiniteNegatives(B, A, c)."""
    st = Setting(s)
    there = s.assume(exists(Col(v.d), lambda x: ~eq(quadratic_part(st.mix, B, x), zero(v.r))))
    (direction,), given = s.obtain(there, "v")
    p = Features(s, st, direction, given)
    return s.discharge(s.release(p.diverges()), there)


def prove() -> Proposal:
    """quadratic-features-diverge."""
    s = Script("quadratic-features-diverge")
    return s.qed(divergence(s), {name: v.HYPOTHESES[name] for name in HYPOTHESES})
