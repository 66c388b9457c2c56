"""Proof of pca-spherical: R = vI + S, so the variance beyond vr is what A captures of S, all of it at best.

Every Σ_k is a multiple of I, so Σ̄ = vI with v = Σ_k w_k tr(Σ_k)/d, and R = E xxᵀ = vI + S. For AᵀA = I

    V(A) = tr(AᵀRA) = vr + tr(S) − Σ_k w_k ‖(I − AAᵀ)μ_k‖².

S_F has a basis of r columns, hence an orthonormal one, Q. It misses nothing, since μ_k = vΣ̄⁻¹μ_k: V(Q) = vr + tr(S). So
a maximiser A has (I − AAᵀ)μ_k = 0 and keeps every Σ̄⁻¹μ_k: S_F ⊆ Col(A). Then AAᵀQ = Q, the square matrix O = AᵀQ has
OᵀO = I = OOᵀ, and A = AOOᵀ = QQᵀA: Col(A) ⊆ S_F. The sizes d and r may be 0.
"""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas import mixtures, pca
from thmverify.formulas.mixtures import A
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    eq,
    exists,
    eye,
    fn,
    fresh,
    inv,
    minv,
    num,
    real,
    total,
    tr,
)
from thmverify.proofs.lemmas.basic import definition, folded, positive_nonzero, square_norm, unfolded, vanishes, weaken
from thmverify.proofs.lemmas.pca import Orthonormal, PcaSetting, orthonormalised
from thmverify.proofs.lemmas.subspaces import summand_vanishes
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script

HYPOTHESES = ("weights-positive", "weights-sum", "covariances-definite", "spherical", "columns-match")


class Maximiser:
    """A maximiser A of the captured variance, r = dim S_F."""

    def __init__(self, script: Script) -> None:
        """Suppose that A maximises V, and choose an orthonormal basis of S_F."""
        self.s, self.set = script, PcaSetting(script)
        self.mix, self.mu, self.K, self.d = self.set.mix, self.set.mu, self.set.K, self.set.d
        self.supposed = script.assume(self.set.pca.maximises(A))
        self.orthonormal, self.best = script.parts(unfolded(script, self.supposed))
        self.k = fresh(Index(self.K), "k")

    def fisher(self, k: Expr) -> Expr:
        """Σ̄⁻¹μ_k."""
        return minv(self.mix.sigma_bar) @ self.mu(k)

    @cached_property
    def fisher_basis(self) -> tuple[Orthonormal, Line, Expr, Line]:
        """Q, ∀k ∃h. Σ̄⁻¹μ_k = Bh, c and B = Σ_k Σ̄⁻¹μ_k c_kᵀ for the basis B that Q makes orthonormal."""
        s = self.s
        named = s.rewrite(s.flip(self.set.sigma_unfolded), self.set.hypothesis("columns-match"))
        (B,), line = s.obtain(named, "B")
        independent, spans, within = s.parts(line)
        (_,), left_inverse = s.obtain(independent, "B_left")
        (c,), within = s.obtain(within, "c")
        return orthonormalised(s, B, left_inverse), spans, c, within

    @property
    def basis(self) -> Orthonormal:
        """The orthonormal basis Q of S_F."""
        return self.fisher_basis[0]

    @cached_property
    def recovered(self) -> Line:
        """∀k. μ_k = vΣ̄⁻¹μ_k."""
        s, k, (one, _, _) = self.s, self.k, self.set.sigma_inverse
        claim = eq(self.mu(k), self.set.v * self.fisher(k))
        return s.gen(
            s.lin(claim, [(one, 1, eye(self.d), self.mu(k)), (self.set.sphere, 1, eye(self.d), self.fisher(k))]), k
        )

    @cached_property
    def kept(self) -> Line:
        """∀k. QQᵀμ_k = μ_k: μ_k = vΣ̄⁻¹μ_k = vQTh."""
        s, k = self.s, self.k
        q, spans, *_ = self.fisher_basis
        mark = s.mark()
        (h,), in_basis = s.obtain(s.spec(spans, k), "h")
        claim = eq(q.Q @ q.Q.T @ self.mu(k), self.mu(k))
        mean = s.lin(
            eq(self.mu(k), self.set.v * (q.Q @ q.T @ h)),
            [s.spec(self.recovered, k), (in_basis, self.set.v), (q.product, self.set.v, eye(self.d), h)],
        )
        found = s.lin(claim, [(mean, 1, q.Q @ q.Q.T, eye(1)), (mean, 1, eye(self.d), eye(1))], q.orthonormal)
        found = s.release(found, mark)
        s.forget(mark)
        return s.gen(found, k)

    @cached_property
    def best_value(self) -> Line:
        """V(Q) = vr + tr(S)."""
        s, q, S = self.s, self.basis, self.mix.S
        value = self.set.value(q.orthonormal, q.Q)
        claim = eq(value.left, self.set.v * real(A.cols) + tr(S))
        return s.lin(claim, [value], definition(s, S), self.kept)

    @cached_property
    def value(self) -> Line:
        """V(A) = vr + tr(S) − Σ_k w_k ‖(I − AAᵀ)μ_k‖²."""
        s, S = self.s, self.mix.S
        value = self.set.value(self.orthonormal, A)
        whole = total(self.K, self.missed_part)
        claim = eq(value.left, self.set.v * real(A.cols) + tr(S) - whole)
        return s.lin(claim, [value], definition(s, S), self.orthonormal)

    def missed(self, k: Expr) -> Expr:
        """(I − AAᵀ)μ_k."""
        return self.mu(k) - A @ A.T @ self.mu(k)

    def missed_part(self, k: Expr) -> Expr:
        """w_k ‖(I − AAᵀ)μ_k‖²."""
        return self.set.w(k) * tr(self.missed(k).T @ self.missed(k))

    @cached_property
    def small(self) -> Line:
        """Σ_k w_k ‖(I − AAᵀ)μ_k‖² ≤ 0: A does no worse than Q."""
        s = self.s
        better = s.mp(s.spec(self.best, self.basis.Q), self.basis.orthonormal)
        return s.lin(total(self.K, self.missed_part) <= 0, [better, self.value, self.best_value])

    @cached_property
    def nothing_missed(self) -> Line:
        """∀k. (I − AAᵀ)μ_k = 0."""
        s, k, w = self.s, self.k, self.set.w
        positive = s.spec(self.set.positive, k)
        part = s.apply("product", [[weaken(s, positive), square_norm(s, self.missed(k))]])
        nonnegative = s.gen(s.lin(num(0) <= self.missed_part(k), [part]), k)
        zero_part = summand_vanishes(s, nonnegative, self.small, k)
        one = s.mp(s.apply("reciprocal", [], [w(k)]), positive_nonzero(s, positive))
        square = tr(self.missed(k).T @ self.missed(k))
        return s.gen(vanishes(s, self.missed(k), s.lin(eq(square, 0), [(zero_part, inv(w(k))), (one, square)])), k)

    @cached_property
    def fixed(self) -> Line:
        """∀k. AAᵀΣ̄⁻¹μ_k = Σ̄⁻¹μ_k: (I − AAᵀ)Σ̄⁻¹μ_k = Σ̄⁻¹(I − AAᵀ)vΣ̄⁻¹μ_k = Σ̄⁻¹(I − AAᵀ)μ_k."""
        s, k, P, one = self.s, self.k, minv(self.mix.sigma_bar), eye(self.d)
        _, back, _ = self.set.sigma_inverse
        x, sphere = self.fisher(k), self.set.sphere
        across = one - A @ A.T
        parts = [
            (back, 1, one, across @ x),
            (sphere, 1, P, across @ x),
            (s.spec(self.recovered, k), 1, P @ across, eye(1)),
            (s.spec(self.nothing_missed, k), 1, P, eye(1)),
        ]
        return s.gen(s.lin(eq(A @ A.T @ x, x), parts), k)

    @cached_property
    def covers(self) -> Line:
        """S_F ⊆ Col(A)."""
        s, k = self.s, self.k
        there = exists(Col(A.cols), lambda c: eq(self.fisher(k), A @ c))
        line = s.exhibit(there, A.T @ self.fisher(k), s.flip(s.spec(self.fixed, k)))
        return folded(s, self.mix.spans_fisher(A), s.gen(line, k))

    @cached_property
    def written(self) -> Line:
        """Q = Σ_k Σ̄⁻¹μ_k (Xᵀc_k)ᵀ."""
        s, (q, _, c, within) = self.s, self.fisher_basis
        whole = total(self.K, lambda k: self.fisher(k) @ (q.X.T @ c(k)).T)
        return s.lin(eq(q.Q, whole), [q.made, (within, 1, eye(self.d), q.X)])

    @cached_property
    def rotation(self) -> Line:
        """AAᵀQ = Q: Q is a combination of the Σ̄⁻¹μ_k."""
        s, Q, one = self.s, self.basis.Q, eye(A.cols)
        return s.lin(
            eq(A @ A.T @ Q, Q), [(self.written, 1, A @ A.T, one), (self.written, 1, eye(self.d), one)], self.fixed
        )

    @cached_property
    def square(self) -> Line:
        """AᵀQQᵀA = I: O = AᵀQ is square, and OᵀO = QᵀAAᵀQ = QᵀQ = I."""
        s, q, O = self.s, self.basis, A.T @ self.basis.Q
        one = eye(A.cols)
        first = s.lin(eq(O.T @ O, one), [(self.rotation, 1, q.Q.T, one), q.orthonormal])
        return s.parts(s.mp(s.apply("inverse", [], [O.T, O]), first))[0]

    @cached_property
    def across(self) -> Line:
        """A = QQᵀA: A = AOOᵀ = (AAᵀQ)QᵀA."""
        s, Q, one = self.s, self.basis.Q, eye(A.cols)
        return s.lin(eq(A, Q @ Q.T @ A), [(self.square, 1, A, one), (self.rotation, 1, eye(self.d), Q.T @ A)])

    @cached_property
    def included(self) -> Line:
        """Col(A) ⊆ S_F: A = Σ_k Σ̄⁻¹μ_k (Xᵀc_k)ᵀQᵀA."""
        s, (q, _, c, _) = self.s, self.fisher_basis
        claim = self.mix.within_fisher(A)
        columns = fn(Index(self.K), lambda k: A.T @ q.Q @ q.X.T @ c(k))
        whole = total(self.K, lambda k: self.fisher(k) @ columns(k).T)
        line = s.lin(eq(A, whole), [self.across, (self.written, 1, eye(self.d), q.Q.T @ A)])
        return folded(s, claim, s.exhibit(definition(s, claim).right, columns, line))


def prove() -> Proposal:
    """Return the proposal for the theorem."""
    s = Script("pca-spherical")
    p = Maximiser(s)
    s.step("mean-covariance", "Σ̄ is a multiple of I, vI with v = Σ_k w_k tr(Σ_k)/d.", p.set.sphere)
    s.step("moment", "R = E xxᵀ = Σ̄ + S.", p.set.moment)
    s.step("recovered", "Σ̄Σ̄⁻¹ = I, so μ_k = vΣ̄⁻¹μ_k: S_F is the span of the means.", p.recovered)
    s.step("value", "AᵀA = I: V(A) = tr(AᵀRA) = vr + tr(S) − Σ_k w_k ‖(I − AAᵀ)μ_k‖².", p.value)
    s.step(
        "basis",
        "S_F has a basis of r columns, and so an orthonormal one: let Q hold it.",
        p.basis.orthonormal,
    )
    s.step("kept", "Q misses nothing of the means: QQᵀμ_k = μ_k.", p.kept)
    s.step("best", "So V(Q) = vr + tr(S).", p.best_value)
    s.step("missed-norm", "A maximiser A does no worse than Q, so Σ_k w_k ‖(I − AAᵀ)μ_k‖² ≤ 0.", p.small)
    s.step("missed", "Every w_k is positive and no square is negative: (I − AAᵀ)μ_k = 0.", p.nothing_missed)
    s.step("fixed", "Σ̄⁻¹ is a multiple of I too: AAᵀΣ̄⁻¹μ_k = Σ̄⁻¹μ_k.", p.fixed)
    covers = s.step("covers", "Σ̄⁻¹μ_k = A·AᵀΣ̄⁻¹μ_k: S_F ⊆ Col(A).", p.covers)
    s.step("rotation", "The columns of Q are combinations of the Σ̄⁻¹μ_k, so AAᵀQ = Q.", p.rotation)
    s.step("square", "O = AᵀQ is square and OᵀO = QᵀAAᵀQ = I, so OOᵀ = I.", p.square)
    s.step("across", "A = AOOᵀ = AAᵀQQᵀA = QQᵀA.", p.across)
    included = s.step("included", "So the columns of A are combinations of the Σ̄⁻¹μ_k: Col(A) ⊆ S_F.", p.included)
    line = s.release(s.both(included, covers))
    line = s.step(
        "conclusion", "Every maximiser A of the captured variance has Col(A) = S_F.", s.discharge(line, p.supposed)
    )
    formulas = {**mixtures.HYPOTHESES, **pca.HYPOTHESES}
    return s.qed(line, {name: formulas[name] for name in HYPOTHESES})
