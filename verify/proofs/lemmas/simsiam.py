"""Lemmas about linear SimSiam: its loss in closed form, and stationarity as equations of matrices."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import ClassVar

from thmverify.formulas import simsiam as v
from thmverify.formulas.mixtures import Mixture, pair_mean, r
from thmverify.formulas.simsiam import SimSiam
from thmverify.proofs.expressions import (
    Expr,
    Index,
    Mat,
    Real,
    eq,
    eye,
    fn,
    fresh,
    iff,
    minv,
    num,
    total,
    tr,
    zero,
)
from thmverify.proofs.lemmas.basic import vanishes
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.script import Line, Script

Path = Callable[[Expr], tuple[Expr, Expr, Expr]]  # encoder, predictor and target map at each number


class SimSiamSetting(Setting):
    """A mixture and SimSiam on its augmented pairs in a script."""

    HYPOTHESES: ClassVar = {**Setting.HYPOTHESES, **v.HYPOTHESES}

    def __init__(self, script: Script) -> None:
        """Take the letters; nothing is assumed yet."""
        super().__init__(script, Mixture(script))
        self.sim = SimSiam(self.mix)
        self.r, self.eta = r, self.sim.eta

    # -- the loss -----------------------------------------------------------------------------------------------------

    @cached_property
    def second_moments(self) -> Line:
        """∀X. E xᵀXx = tr(XR), E x̂ᵀXx̂ = tr(XR) and E x̂ᵀXx = tr(XC): so R = E xxᵀ = E x̂x̂ᵀ and C = E x x̂ᵀ."""
        X = fresh(Mat(self.d, self.d), "X")
        claims = [
            eq(pair_mean(lambda x, _: tr(x.T @ X @ x)), tr(X @ self.R)),
            eq(pair_mean(lambda _, y: tr(y.T @ X @ y)), tr(X @ self.R)),
            eq(pair_mean(lambda x, y: tr(y.T @ X @ x)), tr(X @ self.C)),
        ]
        facts = (*self.moments, self.own_symmetric, self.weights_sum)
        return self.s.gen(self.s.both(*(self.s.calc(c, *facts, psd=[self.own_psd]) for c in claims)), X)

    def closed(self, A: Expr, P: Expr, B: Expr) -> Expr:
        """½ tr(PAᵀRAPᵀ) − tr(PAᵀCB) + ½ tr(BᵀRB) + ½η(‖A‖² + ‖P‖²)."""
        R, C, half = self.R, self.C, num("1/2")
        fit = half * tr(P @ A.T @ R @ A @ P.T) - tr(P @ A.T @ C @ B) + half * tr(B.T @ R @ B)
        return fit + half * self.eta * (tr(A.T @ A) + tr(P.T @ P))

    @cached_property
    def loss_form(self) -> Line:
        """∀A, P, B. L(A, P, B) in closed form, for d × r matrices A."""
        s, r = self.s, self.r
        A, P, B = fresh(Mat(self.d, r), "A"), fresh(Mat(r, r), "P"), fresh(Mat(self.d, r), "B")
        loss = self.sim.loss(A, P, B)
        squares = (A @ P.T @ P @ A.T, B @ B.T, B @ P @ A.T)  # ‖PAᵀx‖², ‖Bᵀx̂‖² and the product of the two
        moments = [s.parts(s.spec(self.second_moments, X))[i] for i, X in enumerate(squares)]
        scales = [num("1/2"), num("1/2"), num(-1)]
        line = s.lin(eq(loss, self.closed(A, P, B)), [self.unfold(loss), *zip(moments, scales, strict=True)])
        return s.gen(line, A, P, B)

    # -- stationary pairs ---------------------------------------------------------------------------------------------

    def encoder_gradient(self, A: Expr, P: Expr) -> Expr:
        """RAPᵀP − CAP + ηA."""
        return self.R @ A @ P.T @ P - self.C @ A @ P + self.eta * A

    def predictor_gradient(self, A: Expr, P: Expr) -> Expr:
        """PAᵀRA − AᵀCA + ηP."""
        return P @ A.T @ self.R @ A - A.T @ self.C @ A + self.eta * P

    @cached_property
    def encoder_equation(self) -> Line:
        """∀A, P. ∂_A L(A, P) = 0 ⟺ RAPᵀP − CAP + ηA = 0."""
        r = self.r
        A, P, H = fresh(Mat(self.d, r), "A"), fresh(Mat(r, r), "P"), fresh(Mat(self.d, r), "H")
        return self._equation(
            (A, P),
            self.sim.stationary_encoder(A, P),
            H,
            lambda t: (A + t * H, P, A),
            self.encoder_gradient(A, P),
            tr(H @ P.T @ P @ H.T @ self.R) + self.eta * tr(H.T @ H),
        )

    @cached_property
    def predictor_equation(self) -> Line:
        """∀A, P. ∂_P L(A, P) = 0 ⟺ PAᵀRA − AᵀCA + ηP = 0."""
        r = self.r
        A, P, J = fresh(Mat(self.d, r), "A"), fresh(Mat(r, r), "P"), fresh(Mat(r, r), "J")
        return self._equation(
            (A, P),
            self.sim.stationary_predictor(A, P),
            J,
            lambda t: (A, P + t * J, A),
            self.predictor_gradient(A, P),
            tr(J @ A.T @ self.R @ A @ J.T) + self.eta * tr(J.T @ J),
        )

    def _equation(
        self, pair: tuple[Expr, Expr], stationary: Expr, way: Expr, path: Path, gradient: Expr, bend: Expr
    ) -> Line:
        """Stationary ⟺ gradient = 0, where the loss along the path has the slope tr(wayᵀ gradient) + t·bend at t."""
        s, none = self.s, zero(gradient.rows, gradient.cols)
        unfolded = self.unfold(stationary)
        slope = self._slope(path, way, gradient, bend)
        flat = eq(tr(way.T @ gradient), 0)

        supposed = s.assume(stationary)  # the slope is 0 along each direction, the gradient's own among them
        zero_slope = s.spec(s.taut(unfolded.right, unfolded, supposed), way)
        everywhere = s.gen(s.lin(flat, [s.apply("one_derivative", [[zero_slope, slope]])]), way)
        forth = s.discharge(vanishes(s, gradient, s.spec(everywhere, gradient)), supposed)

        level = s.assume(eq(gradient, none))
        pairing = s.lin(flat, [(level, 1, way.T, eye(gradient.cols))])
        along = s.gen(s.rewrite(pairing, slope), way)
        back = s.discharge(s.taut(stationary, unfolded, along), level)
        return s.gen(s.taut(iff(stationary, level.formula), forth, back), *pair)

    def _slope(self, path: Path, way: Expr, gradient: Expr, bend: Expr) -> Line:
        """The derivative of the loss along the path at 0 is tr(wayᵀ gradient)."""
        s = self.s
        closed = fn(Real, lambda t: self.closed(*path(t)))
        slope = fn(Real, lambda t: tr(way.T @ gradient) + t * bend)
        found = s.apply("differentiate", [[self.R_symmetric, self.C_symmetric], [], []], [closed, slope])
        t = fresh(Real, "t")
        at_0 = s.rewrite(s.gen(s.flip(s.spec(self.loss_form, *path(t))), t), s.spec(found, 0))
        simple = s.calc(eq(tr(way.T @ gradient) + num(0) * bend, tr(way.T @ gradient)))
        return s.rewrite(simple, at_0)

    # -- subspaces ----------------------------------------------------------------------------------------------------

    def spanned(self, X: Expr, column: Callable[[Expr], Expr], line: Line) -> Line:
        """Col(X) ⊆ S_F, from X = Σ_k Σ̄⁻¹μ_k c_kᵀ for the columns c_k that are given."""
        unfolded = self.unfold(self.mix.within_fisher(X))
        there = self.s.exhibit(unfolded.right, fn(Index(self.K), column), line)
        return self.s.taut(unfolded.left, unfolded, there)

    def learnt(self, X: Expr, Z: Expr, line: Line) -> Line:
        """Col(X) ⊆ S_F, from RX = CZ: then Σ̄X = CZ − SX, and C and S are combinations of the means."""
        s, w, mu, delta = self.s, self.w, self.mu, self.mix.delta
        back = minv(self.mix.sigma_bar)

        def column(k: Expr) -> Expr:
            return w(k) * (Z.T @ (delta * mu(k) + (1 - delta) * self.mix.mean) - X.T @ mu(k))

        combination = total(self.K, lambda k: back @ mu(k) @ column(k).T)
        parts = [(line, 1, back, eye(X.cols)), (self.sigma_inverse[1], 1, eye(self.d), X)]
        facts = (self.R_parts, *map(self.unfold, (self.C, self.mix.S, self.mix.mean)))
        return self.spanned(X, column, s.lin(eq(X, combination), parts, *facts))

    @cached_property
    def pairs_within(self) -> Line:
        """R⁻¹Col(C) ⊆ S_F."""
        X = minv(self.R) @ self.C
        line = self.s.lin(eq(self.R @ X, self.C @ eye(self.d)), [(self.R_inverse[0], 1, eye(self.d), self.C)])
        return self.learnt(X, eye(self.d), line)
