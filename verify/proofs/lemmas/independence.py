"""Lemma: with at most dim S_F columns, a minimiser of the spectral contrastive loss has independent columns."""

from __future__ import annotations

from thmverify.formulas.subspaces import independent_columns
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Real,
    eq,
    eye,
    fn,
    fresh,
    minv,
    num,
    real,
    total,
    tr,
    unit,
    zero,
)
from thmverify.proofs.lemmas.algebra import no_wider, square_root
from thmverify.proofs.lemmas.basic import (
    definition,
    divide,
    folded,
    refute,
    unfolded,
    vanishes_below,
)
from thmverify.proofs.lemmas.spectral import Reach, SpectralSetting
from thmverify.proofs.script import Line


class Independence:
    """r ≤ dim S_F: a minimiser A = FH has independent columns, for ρ columns in F, ρ < r, would have S_F ⊆ Col(F)."""

    def __init__(self, st: SpectralSetting, A: Expr) -> None:
        """Suppose that A is a minimiser and r ≤ dim S_F, and factor A; Z = I − H⁺H."""
        self.st, s = st, st.s
        self.s, self.A, self.r, self.mark = s, A, A.cols, s.mark()
        self.minimal, self.given = s.assume(st.spec.minimises(A)), s.assume(st.spec.few_columns(A))
        self.reach = reach = Reach(st, A, self._above())
        self.Z, self.named = s.let("Z", eye(self.r) - reach.H_right @ reach.H)
        parts = [(reach.product, 1, eye(A.rows), self.Z), (self.named, 1, reach.F @ reach.H, eye(self.r))]
        self.null = s.lin(eq(A @ self.Z, zero(A.rows, self.r)), [*parts, (reach.right, 1, reach.F, reach.H)])

    def _above(self) -> Line:
        """∀v. δ vᵀSv ≤ vᵀCv: C = δS, for a mixture with mean 0."""
        s, st, x = self.s, self.st, fresh(Col(self.st.d), "x")
        claim = st.delta * tr(x.T @ st.mix.S @ x) <= tr(x.T @ st.C @ x)
        return s.gen(s.calc(claim, st.centred), x)

    def length(self, y: Expr) -> Expr:
        """‖Zy‖²."""
        return tr(y.T @ self.Z.T @ self.Z @ y)

    def excess(self, x: Expr) -> Expr:
        """xᵀCx − xᵀRAAᵀRx."""
        return tr(x.T @ self.st.C @ x) - tr(x.T @ self.st.R @ self.A @ self.A.T @ self.st.R @ x)

    def perturbed(self, x: Expr, y: Expr) -> Line:
        """0 ≤ −2zb for z = ‖Zy‖² and b = xᵀCx − xᵀRAAᵀRx: A + t·x(Zy)ᵀ is no better than A for any t.

        AZ = 0, so with τ = t² the loss changes by f(τ) = −2zbτ + (z xᵀRx)²τ²: f(0) ≤ f(τ) for τ ≥ 0, and f'(0) ≥ 0.
        """
        s, st, A, mark = self.s, self.st, self.A, self.s.mark()
        z, b, c = self.length(y), self.excess(x), tr(x.T @ st.R @ x)
        f = fn(Real, lambda u: num(-2) * z * b * u + z * z * c * c * u * u)
        slope = fn(Real, lambda u: num(-2) * z * b + 2 * z * z * c * c * u)
        tau = fresh(Real, "τ")
        positive = s.assume(num(0) <= tau)
        (t,), line = s.obtain(s.mp(s.known(square_root, tau), positive), "t")
        near = A + t * (x @ y.T @ self.Z.T)
        less = s.spec(unfolded(s, self.minimal), near)
        forms = [s.spec(st.form, A), s.spec(st.form, near)]
        facts = st.R_symmetric, st.C_symmetric, self.null, s.parts(line)[1]
        rises = s.release(s.lin(f(num(0)) <= f(num(0) + tau), [less, *forms], *facts), mark)
        s.forget(mark)
        rises = s.gen(s.discharge(rises, positive), tau)
        derived = s.spec(s.apply("differentiate", [[], [], []], [f, slope]), 0)
        return s.lin(num(0) <= num(-2) * z * b, [s.apply("fermat", [[derived, rises]])])

    def bound(self, fewer: Line) -> Line:
        """∀x. xᵀCx ≤ xᵀRAAᵀRx, from ρ + 1 ≤ r: else Z = 0, so that H⁺H = I and r ≤ ρ."""
        s, x, y, i = self.s, fresh(Col(self.st.d), "x"), fresh(Col(self.r), "y"), fresh(Index(self.r), "i")
        reach, one = self.reach, eye(self.r)
        claim = tr(x.T @ self.st.C @ x) <= tr(x.T @ self.st.R @ self.A @ self.A.T @ self.st.R @ x)

        def absurd(negated: Line) -> tuple[Line, Line]:
            positive = s.lin(num(0) < self.excess(x), [s.taut(claim.right < claim.left, negated)])
            whole = s.lin(num(0) <= self.excess(x) * -self.length(y), [self.perturbed(x, y)])
            short = s.gen(divide(s, positive, whole, num(0) <= -self.length(y)), y)
            each = s.gen(s.spec(short, unit(i)), i)
            summed = s.apply("sum_order", [[each]])
            units = (s.apply("units", [], [one]), 1, self.Z.T @ self.Z, one)
            zeros = vanishes_below(s, self.Z, s.lin(tr(self.Z.T @ self.Z) <= 0, [summed, units]))
            inverse = s.lin(eq(reach.H_right @ reach.H, one), [zeros, self.named])
            return s.mp(no_wider(s, reach.H_right, reach.H), inverse), self._not(fewer)

        return s.gen(refute(s, claim, absurd), x)

    def _not(self, fewer: Line) -> Line:
        """¬ r ≤ ρ from ρ + 1 ≤ r."""
        s = self.s
        many = s.assume(real(self.r) <= real(self.reach.rank))
        absurd = s.lin(num(1) <= 0, [many, fewer])
        return s.taut(~many.formula, s.discharge(absurd, many), s.calc(num(0) < 1))

    def reached(self, fewer: Line) -> Line:
        """r ≤ ρ, from ρ + 1 ≤ r: S_F ⊆ Col(F), so a basis of S_F has at most ρ columns."""
        s, reach, mark = self.s, self.reach, self.s.mark()
        line = reach.reached(reach.whitened(self.bound(fewer)))
        _, given = s.obtain(unfolded(s, self.given), "m")
        dimension, low = s.parts(given)
        (B,), facts = s.obtain(dimension, "B")
        left, _, within = s.parts(facts)
        (B_left,), left = s.obtain(left, "B⁺")
        (c,), within = s.obtain(within, "c")
        X, Y = B_left @ reach.F, total(self.st.K, lambda k: reach.coordinates(k) @ c(k).T)
        k = fresh(Index(self.st.K), "k")
        slope = minv(self.st.sigma_unfolded.right) @ self.st.mu(k) @ c(k).T
        image = (s.spec(line, k), 1, eye(self.st.d), c(k).T)
        part = s.gen(s.lin(eq(slope, reach.F @ reach.coordinates(k) @ c(k).T), [image], self.st.sigma_unfolded), k)
        inside = s.lin(eq(B, reach.F @ Y), [within, s.same(within.right, part)])
        product = s.lin(eq(X @ Y, eye(B.cols)), [(inside, 1, B_left, eye(B.cols)), left])
        size = s.mp(no_wider(s, X, Y), product)
        line = s.release(s.lin(real(self.r) <= real(reach.rank), [size, low]), mark)
        s.forget(mark)
        return line

    def independent(self, enough: Line) -> Line:
        """IndependentColumns(A) from r ≤ ρ: JJᵀ = I for some J: r × ρ, (JH)(H⁺Jᵀ) = I, so H⁺JᵀJF⁺A = H⁺JᵀJH = I."""
        s, reach, one, mark = self.s, self.reach, eye(self.r), self.s.mark()
        claim = independent_columns(s, self.A)
        (J,), wide = s.obtain(s.mp(s.apply("embedding", [], [self.r, reach.rank]), enough), "J")
        right = s.lin(eq(J @ reach.H @ (reach.H_right @ J.T), one), [wide, (reach.right, 1, J, J.T)])
        left = s.parts(s.mp(s.apply("inverse", [], [J @ reach.H, reach.H_right @ J.T]), right))[0]
        inverse = reach.H_right @ J.T @ J @ reach.F_left
        parts = [
            (reach.product, 1, inverse, one),
            (reach.left, 1, reach.H_right @ J.T @ J, reach.H),
            left,
        ]
        found = s.exhibit(definition(s, claim).right, inverse, s.lin(eq(inverse @ self.A, one), parts))
        line = folded(s, claim, s.release(found, mark))
        s.forget(mark)
        return line

    def line(self) -> Line:
        """MinimisesSpectral(A) ⟹ r ≤ dim S_F ⟹ IndependentColumns(A)."""
        s = self.s
        rank = self.reach.rank
        sizes = s.apply("sizes", [], [self.r, rank])
        enough, fewer = (s.assume(Expr(t)) for t in sizes.theorem.conclusion.args[1].args)
        many = s.taut(enough.formula, sizes, s.discharge(self.reached(fewer), fewer))
        found = s.release(self.independent(many), self.mark)
        s.forget(self.mark)
        return s.discharge(found, self.minimal, self.given)
