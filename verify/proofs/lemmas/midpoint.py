"""Lemmas about InfoNCE between two maps: it is strictly convex in M = XXᵀ, for a shared covariance."""

from __future__ import annotations

from thmverify.proofs.expressions import Col, Expr, Index, eq, fresh, lse, minv, num, total, tr, zero
from thmverify.proofs.lemmas.algebra import root
from thmverify.proofs.lemmas.basic import SoftMax, Terms, square_norm, vanishes_below, weaken
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.script import Line


def closed_forms(setting: Setting, like: Expr) -> Line:
    """∀X. L(X) in closed form, X of the sort of `like`."""
    X = fresh(like.sort, "X")
    return setting.s.gen(setting.closed_form(X), X)


class Midpoint:
    """Maps A and B, and X with XXᵀ = ½(AAᵀ + BBᵀ): L(X) is less than the mean of L(A) and L(B) unless AAᵀ = BBᵀ."""

    def __init__(self, setting: Setting, closed: Line, A: Expr, B: Expr, X: Expr, between: Line) -> None:
        """Take L in closed form, for every map, and XXᵀ = ½AAᵀ + ½BBᵀ."""
        self.s, self.set, self.A, self.B, self.X, self.between = setting.s, setting, A, B, X, between
        self.closed = [self.s.spec(closed, Z) for Z in (X, A, B)]
        self.gap = A @ A.T - B @ B.T

    @property
    def spread(self) -> Expr:
        """tr(DΣ̄DΣ̄), D = AAᵀ − BBᵀ."""
        S = self.set.mix.sigma_bar
        return tr(self.gap @ S @ self.gap @ S)

    def _logits(self, M: Expr, x: Expr) -> Terms:
        """xᵀMμ_i."""
        return lambda i: tr(x.T @ M @ self.set.mu(i))

    def potential(self) -> Line:
        """Twice the mean of the log-sum-exp at X is at most the sum of those at A and B: it is convex."""
        s, st, K, w = self.s, self.set, self.set.K, self.set.w
        k, xi = fresh(Index(K), "k"), fresh(Col(st.d), "xi")
        A, B = (Z @ Z.T for Z in (self.A, self.B))
        half = num("1/2")

        def value(M: Expr, x: Expr) -> Expr:
            return lse(K, w, self._logits(M, x))

        x = st.mu(k) + xi
        middle = SoftMax(s, K, w, self._logits(half * (A + B), x), st.positive, st.nonempty)
        tangents = [middle.tangent(self._logits(half * (end - other), x)) for end, other in ((A, B), (B, A))]
        convex = s.lin(2 * value(self.X @ self.X.T, x) <= value(A, x) + value(B, x), tangents, self.between)
        averaged = s.apply("mean_order", [[s.gen(convex, xi)], [st.positive]], [st.mix.sigma_bar])
        part = s.apply("product", [[weaken(s, s.spec(st.positive, k)), averaged]])
        summed = s.apply("sum_order", [[s.gen(part, k)]])
        claim = 2 * st.potential(self.X) <= st.potential(self.A) + st.potential(self.B)
        return s.lin(claim, [summed], positive=[st.positive])

    def noise(self) -> Line:
        """0 ≤ Σ_k w_k μ_kᵀDΣ̄Dμ_k, D = AAᵀ − BBᵀ: squares ‖ΛᵀDμ_k‖² with Σ̄ = ΛΛᵀ."""
        s, st, D = self.s, self.set, self.gap
        k, mark = fresh(Index(st.K), "k"), self.s.mark()
        Lam, squared = root(s, st.sigma_psd, "Λ")
        square = square_norm(s, Lam.T @ D @ st.mu(k))
        part = s.apply("product", [[weaken(s, s.spec(st.positive, k)), square]])
        summed = s.apply("sum_order", [[s.gen(part, k)]])
        whole = total(st.K, lambda k: st.w(k) * tr(st.mu(k).T @ D @ st.mix.sigma_bar @ D @ st.mu(k)))
        found = s.release(s.lin(num(0) <= whole, [summed], squared), mark)
        s.forget(mark)
        return found

    def below(self) -> Line:
        """2L(X) + ¼ tr(DΣ̄DΣ̄) ≤ L(A) + L(B)."""
        s, st, L = self.s, self.set, self.set.mix.infonce
        claim = 2 * L(self.X) + num("1/4") * self.spread <= L(self.A) + L(self.B)
        return s.lin(claim, [*self.closed, self.potential(), self.noise()], self.between, st.sigma_symmetric)

    def alike(self, low: Line) -> Line:
        """AAᵀ = BBᵀ from tr(DΣ̄DΣ̄) ≤ 0."""
        s, D, S = self.s, self.gap, self.set.mix.sigma_bar
        mark = s.mark()
        Lam, squared = root(s, self.set.sigma_psd, "Λ")
        Y = Lam.T @ D @ Lam
        gone = vanishes_below(s, Y, s.lin(tr(Y.T @ Y) <= 0, [low], squared))
        whole = s.lin(eq(S @ D @ S, zero(self.set.d, self.set.d)), [(gone, 1, Lam, Lam.T)], squared)
        whole = s.release(whole, mark)
        s.forget(mark)
        M, N = (Z @ Z.T for Z in (self.A, self.B))
        return s.lin(eq(M, N), [(whole, 1, minv(S), minv(S))], *self.set.sigma_inverse[:2])
