"""Proof of pca-top-r-spherical: Σ̄ = vI, so the variance that r orthonormal columns capture is vr + v·J.

Every Σ_k is a multiple of I, so Σ̄ = vI with v = Σ_k w_k tr(Σ_k)/d, and R = E xxᵀ = vI + S. For QᵀQ = I

    V(Q) = tr(QᵀRQ) = vr + tr(QᵀSQ).

Let B have independent columns and B = QT, QᵀQ = I. H = BᵀΣ̄B = vBᵀB ≻ 0, so vH⁻¹ = (BᵀB)⁻¹ and

    v·J(B) = tr((BᵀB)⁻¹BᵀSB) = tr(QᵀSQ);

likewise v·J(A) = tr(AᵀSA) where AᵀA = I. A maximiser A has V(A) ≥ V(Q), so v·J(A) ≥ v·J(B), and v > 0. (Or no column is
nonzero, d = 0, and then J = 0.) The sizes d and r may be 0; for r > d there is neither an A nor a B.
"""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas import mixtures, pca
from thmverify.formulas.fisher import discriminant
from thmverify.formulas.mixtures import A
from thmverify.formulas.subspaces import independent_columns
from thmverify.proofs.expressions import Col, Expr, Index, Mat, eq, eye, fresh, minv, num, tr, zero
from thmverify.proofs.lemmas.algebra import inverse
from thmverify.proofs.lemmas.basic import by_cases, congruence, definition, divide, square_norm, unfolded
from thmverify.proofs.lemmas.pca import PcaSetting, orthonormalised
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script

HYPOTHESES = ("weights-positive", "weights-sum", "covariances-definite", "spherical")


class Maximiser:
    """A maximiser A of the captured variance, and a map B of as many independent columns."""

    def __init__(self, script: Script) -> None:
        """Suppose that A maximises V, and that B has independent columns; choose an orthonormal basis of Col(B)."""
        self.s, self.set, self.B = script, PcaSetting(script), fresh(Mat(*A.sort.args), "B")
        self.mix, self.v = self.set.mix, self.set.v
        self.maximal = script.assume(self.set.pca.maximises(A))
        self.independent = script.assume(independent_columns(script, self.B))
        self.orthonormal, self.best = script.parts(unfolded(script, self.maximal))
        (_,), self.left_inverse = script.obtain(unfolded(script, self.independent), "B_left")
        self.basis = orthonormalised(script, self.B, self.left_inverse)

    def J(self, X: Expr) -> Expr:
        """The discriminant tr[(XᵀΣ̄X)⁻¹XᵀSX]."""
        return discriminant(self.mix, X)

    def captured(self, X: Expr) -> Expr:
        """tr(XᵀSX)."""
        return tr(X.T @ self.mix.S @ X)

    def gram(self, X: Expr, left_inverse: Line) -> Line:
        """HH⁻¹ = I, H = XᵀΣ̄X ≻ 0."""
        return inverse(self.s, congruence(self.s, self.set.sigma_definite, X, left_inverse))[0]

    @cached_property
    def discriminant(self) -> Line:
        """v·J(A) = tr(AᵀSA): H = AᵀΣ̄A = vI, so vH⁻¹ = HH⁻¹ = I."""
        s, J, X = self.s, self.J(A), A
        one = self.gram(X, self.orthonormal)
        n = eye(X.cols)
        H, M = minv(X.T @ self.mix.sigma_bar @ X), X.T @ self.mix.S @ X
        parts = [(one, 1, n, M), (self.set.sphere, 1, X.T, X @ H @ M), (self.orthonormal, self.v, n, H @ M)]
        return s.lin(eq(self.v * J, self.captured(X)), parts, definition(s, J))

    @cached_property
    def other_discriminant(self) -> Line:
        """v·J(B) = tr(QᵀSQ): H = BᵀΣ̄B = vBᵀB and Q = BX, XᵀBᵀBX = I = XXᵀBᵀB, so vH⁻¹ = XXᵀ."""
        s, q, J, B = self.s, self.basis, self.J(self.B), self.B
        X, n, one = q.X, eye(self.B.cols), self.gram(B, self.left_inverse)
        small = s.lin(eq((X.T @ B.T @ B) @ X, n), [q.orthonormal], q.made)
        square = s.parts(s.mp(s.apply("inverse", [], [X.T @ B.T @ B, X]), small))[0]
        H, M = minv(B.T @ self.mix.sigma_bar @ B), B.T @ self.mix.S @ B
        parts = [
            (one, 1, X @ X.T, M),
            (self.set.sphere, 1, X @ X.T @ B.T, B @ H @ M),
            (square, self.v, n, H @ M),
        ]
        return s.lin(eq(self.v * J, self.captured(q.Q)), parts, definition(s, J), q.made)

    @cached_property
    def better(self) -> Line:
        """0 ≤ v·(J(A) − J(B)): V(Q) ≤ V(A)."""
        s, q = self.s, self.basis
        values = [self.set.value(self.orthonormal, A), self.set.value(q.orthonormal, q.Q)]
        line = s.mp(s.spec(self.best, q.Q), q.orthonormal)
        claim = num(0) <= self.v * (self.J(A) - self.J(self.B))
        return s.lin(claim, [line, *values, self.discriminant, self.other_discriminant])

    def nothing(self, low: Line) -> Line:
        """J(B) ≤ J(A), both 0, from v ≤ 0: Σ̄ = vI is definite, so no column is nonzero."""
        s, x, k = self.s, fresh(Col(self.set.d), "x"), fresh(Index(self.set.K), "k")
        strict = s.spec(s.parts(self.set.sigma_definite)[1], x)  # x ≠ 0 ⟹ 0 < xᵀΣ̄x = v‖x‖²
        nonzero = s.assume(~eq(x, zero(self.set.d)))
        short = s.apply("product", [[low, square_norm(s, x)]])
        absurd = s.lin(num(0) < 0, [s.mp(strict, nonzero), short], self.set.sphere)
        empty = s.taut(eq(x, zero(self.set.d)), s.discharge(absurd, nonzero), s.calc(num(0) <= 0))
        means = s.gen(s.spec(s.gen(empty, x), self.set.mu(k)), k)
        opened = [definition(s, t) for t in (self.J(A), self.J(self.B), self.mix.S)]
        return s.calc(self.J(self.B) <= self.J(A), *opened, means)

    @cached_property
    def conclusion(self) -> Line:
        """J(B) ≤ J(A)."""
        s, claim = self.s, self.J(self.B) <= self.J(A)

        def divided(positive: Line) -> Line:
            return s.lin(claim, [divide(s, positive, self.better, num(0) <= self.J(A) - self.J(self.B))])

        return by_cases(s, self.v, 0, claim, self.nothing, divided)


def prove() -> Proposal:
    """Return the proposal for the theorem."""
    s = Script("pca-top-r-spherical")
    p = Maximiser(s)
    s.step("mean-covariance", "Σ̄ = Σ_k w_kΣ_k is positive definite.", p.set.sigma_definite)
    s.step("radius", "It is a multiple of I, vI with v = Σ_k w_k tr(Σ_k)/d.", p.set.sphere)
    s.step("moment", "R = E xxᵀ = Σ̄ + S.", p.set.moment)
    s.step("basis", "Let Q hold an orthonormal basis of Col(B), B = QT.", p.basis.orthonormal)
    s.step("value", "AᵀA = I and Σ̄ = vI: V(A) = vr + tr(AᵀSA).", p.set.value(p.orthonormal, A))
    s.step("basis-value", "Likewise V(Q) = vr + tr(QᵀSQ).", p.set.value(p.basis.orthonormal, p.basis.Q))
    s.step("discriminant", "AᵀΣ̄A = vI, so tr(AᵀSA) = v·J(A).", p.discriminant)
    s.step("other-discriminant", "BᵀΣ̄B = vBᵀB, so tr(QᵀSQ) = v·J(B).", p.other_discriminant)
    s.step("better", "A maximiser A does no worse than Q: v·(J(A) − J(B)) ≥ 0.", p.better)
    better = s.step("divided", "v > 0, or else d = 0 and J = 0: so J(A) ≥ J(B).", p.conclusion)
    line = s.gen(s.discharge(s.release(better), p.independent), p.B)
    line = s.step(
        "conclusion",
        "Every maximiser A of the captured variance has J(A) ≥ J(B) for every B of as many columns, independent ones.",
        s.discharge(line, p.maximal),
    )
    formulas = {**mixtures.HYPOTHESES, **pca.HYPOTHESES}
    return s.qed(line, {name: formulas[name] for name in HYPOTHESES})
