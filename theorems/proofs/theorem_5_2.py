"""Proof of Theorem 5.2, first half: a block argument and Jensen, for every bias δ and every r.

Let A_in have its columns in S_F, and let A_out be orthogonal to the means; A_s = A_in + s·A_out. Then L(A_s) is a constant,
plus s²(tr PQ + ½ tr QT) + ½ s⁴ tr Q², plus g(s) = E φ(A_sᵀx), with P = A_inᵀΣA_in, Q = A_outᵀΣA_out, T = A_inᵀSA_in and
φ(z) = log Σ_l w_l exp(zᵀA_inᵀμ_l), convex. A_outᵀx has mean 0 and is independent of the rest, so g(0) ≤ g(s) by Jensen.
"""

from __future__ import annotations

from verify.formulas import mixtures as v
from verify.proving.expressions import Col, Expr, Fun, Index, Mat, Real, conj, eq, exp, exists, eye, fn, forall, fresh, has_derivative, log, lse, mean, minv, num, real, softmax, total, tr, var, zero
from verify.proving.lemmas.basic import SoftMax, congruence, inverse, mixture_definite, nonempty, root, sandwich, semidefinite, square_norm, vanishes, vanishes_below
from verify.proving.lemmas.mixtures import Setting
from verify.proving.script import Line, Script
from verify.formulas.mixtures import Mixture

HYPOTHESES = ("weights-positive", "weights-sum", "covariances-definite", "shared-covariance", "bias-range")


class Leak:
    """A_in with its columns in S_F and A_out orthogonal to the means: what L does along A_s = A_in + s·A_out."""

    def __init__(self, s: Script, inside: Expr, outside: Expr, within: Line, orthogonal: Line, setting: Setting) -> None:
        """Take WithinFisher(A_in) and ∀k. A_outᵀμ_k = 0."""
        self.s, self.set, self.inside, self.outside, self.orthogonal = s, setting, inside, outside, orthogonal
        (_,), spanned = s.obtain(s.taut(setting.unfold(within.formula).right, setting.unfold(within.formula), within), "c")
        mix = setting.mix
        self.crossed = s.calc(  # A_outᵀΣA_in = 0: A_in is Σ⁻¹ times means
            eq(outside.T @ mix.sigma_bar @ inside, zero(outside.cols, inside.cols)), spanned, setting.sigma_inverse[0], orthogonal
        )

    def at(self, t: Expr) -> Expr:
        """A_t = A_in + t·A_out."""
        return self.inside + t * self.outside

    def potential(self, t: Expr) -> Expr:
        """g(t) = Σ_k w_k E log Σ_l w_l exp((μ_k + ξ)ᵀA_tA_inᵀμ_l)."""
        K, w, mu = self.set.K, self.set.w, self.set.mu
        return total(K, lambda k: w(k) * mean(self.set.mix.sigma_bar, lambda xi: lse(K, w, lambda l: self.logit(k, l, xi, t))))

    def logit(self, k: Expr, l: Expr, xi: Expr, t: Expr) -> Expr:
        """μ_kᵀA_inA_inᵀμ_l + ξᵀA_inA_inᵀμ_l + t ξᵀA_outA_inᵀμ_l."""
        mu, inside = self.set.mu, self.inside
        return tr(mu(k).T @ inside @ inside.T @ mu(l)) + tr(xi.T @ inside @ inside.T @ mu(l)) + t * tr(xi.T @ self.outside @ inside.T @ mu(l))

    def form(self) -> Line:
        """∀t. L(A_t) = c + t²(tr PQ + ½ tr QT) + ½ t⁴ tr Q² + g(t)."""
        s, st = self.s, self.set
        t = fresh(Real, "t")
        closed = st.closed_form(self.at(t))
        claim = eq(closed.left, self.right(t))
        return s.gen(s.lin(claim, [closed], self.crossed, self.orthogonal, st.sigma_symmetric), t)

    def right(self, t: Expr) -> Expr:
        """The right side of `form`."""
        st, a, b = self.set, self.inside, self.outside
        S, mu, w = st.mix.sigma_bar, st.mu, st.w
        PQ, QQ, QT = self.PQ, self.QQ, self.QT
        base = st.quadratic(a)
        return base + t * t * (PQ + num("1/2") * QT) + num("1/2") * t * t * t * t * QQ + self.potential(t)

    @property
    def PQ(self) -> Expr:
        """tr PQ."""
        a, b, S = self.inside, self.outside, self.set.mix.sigma_bar
        return tr(a.T @ S @ a @ b.T @ S @ b)

    @property
    def QQ(self) -> Expr:
        """tr Q²."""
        b, S = self.outside, self.set.mix.sigma_bar
        return tr(b.T @ S @ b @ b.T @ S @ b)

    @property
    def QT(self) -> Expr:
        """tr QT."""
        a, b, S, mu, w = self.inside, self.outside, self.set.mix.sigma_bar, self.set.mu, self.set.w
        return total(self.set.K, lambda k: w(k) * tr(mu(k).T @ a @ b.T @ S @ b @ a.T @ mu(k)))
