"""Lemmas about principal components: orthonormal bases, and the captured variance of spherical components."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, NamedTuple

from thmverify.formulas import pca as v
from thmverify.formulas.mixtures import A as MAP
from thmverify.formulas.pca import Pca
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    eq,
    eye,
    fresh,
    minv,
    num,
    pd,
    real,
    total,
    tr,
    unit,
    zero,
)
from thmverify.proofs.lemmas.algebra import inverse, root
from thmverify.proofs.lemmas.basic import definition, semidefinite, vanishes_below
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.script import Line, Script


def gram_definite(s: Script, B: Expr, left_inverse: Line) -> Line:
    """BᵀB ≻ 0 from B⁺B = I: where ‖Bv‖² ≤ 0, v = B⁺Bv = 0."""
    v, G = fresh(Col(B.cols), "v"), B.T @ B
    claim = num(0) < tr(v.T @ G @ v)
    low = s.assume(tr(v.T @ G @ v) <= 0)
    image = vanishes_below(s, B @ v, low)
    plus = Expr(left_inverse.left.term.args[0])
    zeros = s.lin(eq(v, zero(B.cols)), [(left_inverse, 1, eye(B.cols), v), (image, 1, plus, eye(1))])
    nonzero = s.assume(~zeros.formula)
    found = s.taut(claim, s.discharge(zeros, low), nonzero)
    return s.taut(pd(G), s.calc(eq(G, G.T)), s.gen(s.discharge(found, nonzero), v))


class Orthonormal(NamedTuple):
    """An orthonormal basis Q of the columns of B: QᵀQ = I, B = QT and Q = BX, TᵀT = BᵀB."""

    Q: Expr
    T: Expr
    X: Expr
    orthonormal: Line
    product: Line
    made: Line
    gram: Line


def orthonormalised(s: Script, B: Expr, left_inverse: Line) -> Orthonormal:
    """An orthonormal basis, from B⁺B = I: Q = BG⁻¹Ω and T = Ωᵀ, where G = BᵀB = ΩΩᵀ. Ω and Q are chosen."""
    n = B.cols
    definite, G = gram_definite(s, B, left_inverse), B.T @ B
    one, back, turned = inverse(s, definite)
    W, factored = root(s, semidefinite(s, definite), "Omega")
    # Ω(ΩᵀG⁻¹) = I, so (ΩᵀG⁻¹)Ω = I: Ω is square.
    first = s.lin(eq(W @ (W.T @ minv(G)), eye(n)), [one, (factored, 1, eye(n), minv(G))])
    second = s.parts(s.mp(s.apply("inverse", [], [W, W.T @ minv(G)]), first))[0]
    Q, made = s.let("Q", B @ minv(G) @ W)
    orthonormal = s.lin(eq(Q.T @ Q, eye(n)), [(back, 1, W.T, minv(G) @ W), second], made, turned)
    product = s.lin(eq(B, Q @ W.T), [(factored, 1, B @ minv(G), eye(n)), (back, 1, B, eye(n))], made)
    return Orthonormal(Q, W.T, minv(G) @ W, orthonormal, product, made, s.flip(factored))


class PcaSetting(Setting):
    """A mixture of spherical components in a script: Σ̄ = vI, R = Σ̄ + S, and what orthonormal columns capture."""

    HYPOTHESES: ClassVar = {**Setting.HYPOTHESES, **v.HYPOTHESES}

    def __init__(self, script: Script) -> None:
        """Take the letters; nothing is assumed yet."""
        super().__init__(script)
        self.pca = Pca(self.mix)
        self.v, self.r = self.pca.radius, MAP.cols

    @cached_property
    def sphere(self) -> Line:
        """Σ̄ = vI."""
        s, K, w, Sigma = self.s, self.K, self.w, self.Sigma
        each = s.same(total(K, lambda k: w(k) * Sigma(k)), self.hypothesis("spherical"))
        return s.lin(eq(self.mix.sigma_bar, self.v * eye(self.d)), [each], self.sigma_unfolded, definition(s, self.v))

    @cached_property
    def moment(self) -> Line:
        """R = Σ̄ + S."""
        s, k, d = self.s, fresh(Index(self.K), "k"), self.d
        covariance = semidefinite(s, s.spec(self.hypothesis("covariances-definite"), k))
        own, mirror = s.gen(covariance, k), s.gen(s.parts(covariance)[0], k)
        M = self.mix.sigma_bar + self.mix.S
        one = s.apply("units", [], [eye(d)])  # I = Σ_i e_i e_iᵀ
        D = total(d, lambda i: unit(i) @ unit(i).T)
        opened = [definition(s, t) for t in (self.pca.R, self.mix.sigma_bar, self.mix.S)]
        return s.lin(eq(self.pca.R, M), [(one, 1, eye(d), M @ D), (one, 1, M, eye(d))], *opened, mirror, psd=[own])

    def value(self, orthonormal: Line, X: Expr) -> Line:
        """V(X) = vr + tr(XᵀSX), from XᵀX = I."""
        s, V = self.s, self.pca.variance(X)
        claim = eq(V, self.v * real(X.cols) + tr(X.T @ self.mix.S @ X))
        return s.lin(
            claim, [(orthonormal, self.v, eye(X.cols), eye(X.cols))], definition(s, V), self.moment, self.sphere
        )
