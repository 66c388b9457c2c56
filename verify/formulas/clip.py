"""What proofs about CLIP speak of: a paired mixture, the loss, its minimisers, the two Fisher subspaces, hypotheses.

A pair is (x_V, x_T), x_V = μ_{V,k} + ξ with ξ ~ N(0, Σ_V) and x_T = μ_{T,l} + η with η ~ N(0, Σ_T): with probability
δ the caption is right, k = l drawn with the weights w, and else k and l are drawn independently. Each name has one
definition, below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from thmverify.formulas.names import named
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Index,
    Mat,
    Real,
    Size,
    conj,
    disj,
    eq,
    exists,
    exp,
    fn,
    forall,
    has_derivative,
    log,
    mean,
    minv,
    num,
    pd,
    total,
    tr,
    var,
    zero,
)

if TYPE_CHECKING:
    from thmverify.proofs.script import Script

d_V, d_T, K, r = var("d_V", Size), var("d_T", Size), var("K", Size), var("r", Size)
w, delta = var("w", Family(K, Real)), var("delta", Real)
mu_V, mu_T = var("mu_V", Family(K, Col(d_V))), var("mu_T", Family(K, Col(d_T)))
Sigma_V, Sigma_T = var("Sigma_V", Mat(d_V, d_V)), var("Sigma_T", Mat(d_T, d_T))
A_V, A_T = var("A_V", Mat(d_V, r)), var("A_T", Mat(d_T, r))
W = var("W", Mat(d_V, d_T))
LETTERS = (d_V, d_T, K, r, w, mu_V, mu_T, Sigma_V, Sigma_T, delta)
EXCHANGED = (d_T, d_V, K, r, w, mu_T, mu_V, Sigma_T, Sigma_V, delta)

Covariances: TypeAlias = Callable[[Expr], Expr]  # of a component

# the letters of one modality, for the predicates about its Fisher subspace
d, n = var("d", Size), var("n", Size)
mu, Sigma, X = var("mu", Family(K, Col(d))), var("Sigma", Mat(d, d)), var("X", Mat(d, n))


@dataclass(frozen=True)
class Modality:
    """One modality of a paired mixture: Gaussians N(μ_k, Σ) in R^d with the covariance Σ; its names."""

    script: Script
    d: Expr = d
    mu: Expr = mu
    Sigma: Expr = Sigma

    @property
    def own(self) -> Modality:
        """The modality of the letters above."""
        return Modality(self.script)

    @property
    def values(self) -> dict[Expr, Expr]:
        """What stands for the letters of a modality."""
        return {d: self.d, mu: self.mu, Sigma: self.Sigma}

    @named("WithinModality", (d, n, K, mu, Sigma, X), X)
    def within_fisher(self, X: Expr) -> Expr:
        """Col(X) ⊆ S_F: X = Σ_k Σ⁻¹μ_k c_kᵀ for some columns c_k."""
        return exists(Family(K, Col(n)), lambda c: eq(X, total(K, lambda k: minv(Sigma) @ mu(k) @ c(k).T)))

    @named("SpansModality", (d, n, K, mu, Sigma, X), X)
    def spans_fisher(self, X: Expr) -> Expr:
        """S_F ⊆ Col(X): for every k, Σ⁻¹μ_k = Xc for some c."""
        return forall(Index(K), lambda k: exists(Col(n), lambda c: eq(minv(Sigma) @ mu(k), X @ c)))

    @named("OutsideFisher", (d, n, K, mu, X), X)
    def outside_fisher(self, X: Expr) -> Expr:
        """The columns of X are orthogonal to S_F in the inner product of Σ: Xᵀμ_k = XᵀΣ(Σ⁻¹μ_k) = 0 for every k."""
        return forall(Index(K), lambda k: eq(X.T @ mu(k), zero(n)))


@dataclass(frozen=True)
class Pairs:
    """A paired mixture, its modalities exchanged where told: names for its loss and for optimal pairs (A_V, A_T)."""

    script: Script
    exchanged: bool = False

    @property
    def own(self) -> Pairs:
        """The pairs of the letters above."""
        return Pairs(self.script)

    @property
    def values(self) -> dict[Expr, Expr]:
        """What stands for the letters: those of the other modality, where they are exchanged."""
        return dict(zip(LETTERS, EXCHANGED, strict=True)) if self.exchanged else {}

    @property
    def vision(self) -> Modality:
        """The modality V."""
        return Modality(self.script, d_V, mu_V, Sigma_V)

    @property
    def text(self) -> Modality:
        """The modality T."""
        return Modality(self.script, d_T, mu_T, Sigma_T)

    @property
    @named("Covariance", (d_V, d_T, K, w, mu_V, mu_T))
    def covariance(self) -> Expr:
        """Cov, the covariance of the means of the two modalities."""
        return covariance()

    @named("ProductLoss", (d_V, d_T, K, w, mu_V, mu_T, Sigma_V, Sigma_T, delta, W), W)
    def product_loss(self, W: Expr) -> Expr:
        """The loss as a function of the product W = A_V A_Tᵀ."""
        return loss_body(W)

    @named("CLIP", (*LETTERS, A_V, A_T), A_V, A_T)
    def loss(self, A_V: Expr, A_T: Expr) -> Expr:
        """L(A_V, A_T), the CLIP loss of f_V(x) = A_Vᵀx, f_T(x) = A_Tᵀx."""
        return loss_body(A_V @ A_T.T)

    @named("MinimisesCLIP", (*LETTERS, A_V, A_T), A_V, A_T)
    def minimises(self, A_V: Expr, A_T: Expr) -> Expr:
        """(A_V, A_T) minimises the loss over the pairs of maps with as many columns."""
        return forall(Mat(d_V, r), lambda F: forall(Mat(d_T, r), lambda G: self.loss(A_V, A_T) <= self.loss(F, G)))

    @named("StationaryCLIP", (*LETTERS, A_V, A_T), A_V, A_T)
    def stationary(self, A_V: Expr, A_T: Expr) -> Expr:
        """∇L(A_V, A_T) = 0: the derivative in every direction, of both maps at once, is 0."""
        return forall(
            Mat(d_V, r),
            lambda F: forall(
                Mat(d_T, r),
                lambda G: has_derivative(fn(Real, lambda s: self.loss(A_V + s * F, A_T + s * G)), 0, 0),
            ),
        )

    # -- pairs of factors that are free nowhere -----------------------------------------------------------------------

    @named("Balanced", (d_V, d_T, r, A_V, A_T), A_V, A_T)
    def balanced(self, A_V: Expr, A_T: Expr) -> Expr:
        """A_VᵀN_V A_V = A_TᵀN_T A_T for some N_V ≻ 0 and N_T ≻ 0."""
        return _metrics(lambda N, M: eq(A_V.T @ N @ A_V, A_T.T @ M @ A_T))

    @named("MinimalNorm", (d_V, d_T, r, A_V, A_T), A_V, A_T)
    def minimal_norm(self, A_V: Expr, A_T: Expr) -> Expr:
        """For some N_V ≻ 0 and N_T ≻ 0, tr(A_VᵀN_V A_V) + tr(A_TᵀN_T A_T) is minimal for the product A_V A_Tᵀ."""

        def size(N: Expr, M: Expr, F: Expr, G: Expr) -> Expr:
            return tr(F.T @ N @ F) + tr(G.T @ M @ G)

        return _metrics(
            lambda N, M: forall(
                Mat(d_V, r),
                lambda F: forall(
                    Mat(d_T, r), lambda G: eq(F @ G.T, A_V @ A_T.T) >> (size(N, M, A_V, A_T) <= size(N, M, F, G))
                ),
            )
        )

    @named("OneKernel", (d_V, d_T, r, A_V, A_T), A_V, A_T)
    def one_kernel(self, A_V: Expr, A_T: Expr) -> Expr:
        """ker A_V = ker A_T."""
        vanish = (lambda c: eq(A_V @ c, zero(d_V)), lambda c: eq(A_T @ c, zero(d_T)))
        return forall(Col(r), lambda c: conj(vanish[0](c) >> vanish[1](c), vanish[1](c) >> vanish[0](c)))

    def free_nowhere(self, X: Expr, Y: Expr) -> Expr:
        """The pair is balanced, or of minimal norm, or X and Y have one kernel."""
        return disj(self.balanced(X, Y), self.minimal_norm(X, Y), self.one_kernel(X, Y))


def _metrics(body: Callable[[Expr, Expr], Expr]) -> Expr:
    """∃N_V ≻ 0, N_T ≻ 0. body."""
    return exists(Mat(d_V, d_V), lambda N: exists(Mat(d_T, d_T), lambda M: conj(pd(N), pd(M), body(N, M))))


# -- the loss, written out, as a function of W = A_V A_Tᵀ ------------------------------------------------------------


def loss_body(W: Expr, S_V: Covariances | None = None, S_T: Covariances | None = None) -> Expr:
    """L = −2 E x_VᵀWx_T + E_{x_V} log E_{y_T} exp(x_VᵀWy_T) + E_{x_T} log E_{y_V} exp(y_VᵀWx_T), y independent of x.

    S_V and S_T take a component to its covariance, which is Σ_V and Σ_T when they are left out.
    """
    vision, text = S_V or (lambda _: Sigma_V), S_T or (lambda _: Sigma_T)

    def score(x: Expr, y: Expr) -> Expr:
        return tr(x.T @ W @ y)

    def pair(k: Expr, j: Expr) -> Expr:
        return mean(vision(k), lambda xi: mean(text(j), lambda eta: score(mu_V(k) + xi, mu_T(j) + eta)))

    matched = total(K, lambda k: w(k) * pair(k, k))
    mixed = total(K, lambda k: total(K, lambda j: w(k) * w(j) * pair(k, j)))
    forward, backward = against_text(W, vision, text), against_vision(W, vision, text)
    return -2 * (delta * matched + (1 - delta) * mixed) + forward + backward


def against_text(W: Expr, S_V: Covariances | None = None, S_T: Covariances | None = None) -> Expr:
    """E_{x_V} log E_{y_T} exp(x_VᵀWy_T)."""
    vision, text = S_V or (lambda _: Sigma_V), S_T or (lambda _: Sigma_T)

    def one(x: Expr, j: Expr) -> Expr:
        return mean(text(j), lambda eta: exp(tr(x.T @ W @ (mu_T(j) + eta))))

    return total(K, lambda k: w(k) * mean(vision(k), lambda xi: log(total(K, lambda j: w(j) * one(mu_V(k) + xi, j)))))


def against_vision(W: Expr, S_V: Covariances | None = None, S_T: Covariances | None = None) -> Expr:
    """E_{x_T} log E_{y_V} exp(y_VᵀWx_T)."""
    vision, text = S_V or (lambda _: Sigma_V), S_T or (lambda _: Sigma_T)

    def one(x: Expr, j: Expr) -> Expr:
        return mean(vision(j), lambda xi: exp(tr((mu_V(j) + xi).T @ W @ x)))

    return total(K, lambda k: w(k) * mean(text(k), lambda eta: log(total(K, lambda j: w(j) * one(mu_T(k) + eta, j)))))


# -- hypotheses: formulas over the letters above, by the names that statements use ------------------------------------


def line(d: Expr, mu: Expr, Sigma: Expr) -> Expr:
    """S_F is a line, dim S_F = 1: the span of the columns Σ⁻¹μ_k is that of one column u ≠ 0."""

    def spans(u: Expr) -> Expr:
        within = exists(Family(K, Real), lambda a: forall(Index(K), lambda k: eq(minv(Sigma) @ mu(k), a(k) * u)))
        return within & exists(Family(K, Real), lambda c: eq(u, total(K, lambda k: c(k) * (minv(Sigma) @ mu(k)))))

    return exists(Col(d), lambda u: ~eq(u, zero(d)) & spans(u))


def covariance() -> Expr:
    """Cov = Σ_k w_k (μ_{V,k} − μ̄_V)(μ_{T,k} − μ̄_T)ᵀ, of the means of the two modalities."""
    mean_V, mean_T = total(K, lambda k: w(k) * mu_V(k)), total(K, lambda k: w(k) * mu_T(k))
    return total(K, lambda k: w(k) * ((mu_V(k) - mean_V) @ (mu_T(k) - mean_T).T))


HYPOTHESES: dict[str, Expr] = {
    "weights-positive": forall(Index(K), lambda k: w(k) > 0),
    "weights-sum": eq(total(K, w), 1),
    "vision-definite": pd(Sigma_V),
    "text-definite": pd(Sigma_T),
    "match-range": conj(num(0) <= delta, delta <= 1),
    "some-matched": num(0) < delta,
    "vision-line": line(d_V, mu_V, Sigma_V),
    "text-line": line(d_T, mu_T, Sigma_T),
    "correlated": ~eq(covariance(), zero(d_V, d_T)),
}
