"""What proofs speak of: mixtures, losses, predicates, hypotheses. Each has one meaning, here.

A script cannot give it another. A setting holds the letters of a model as variables, and writes its losses and
predicates as names that the script defines when it first uses them. The trace carries these definitions, and a reader
sees them beside the theorem.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    eye,
    fn,
    forall,
    has_derivative,
    log,
    mean,
    minv,
    num,
    pd,
    real,
    softmax,
    total,
    tr,
    var,
    zero,
)

if TYPE_CHECKING:
    from thmverify.proofs.script import Script

d, K, r = var("d", Size), var("K", Size), var("r", Size)
w, mu, Sigma = var("w", Family(K, Real)), var("mu", Family(K, Col(d))), var("Sigma", Family(K, Mat(d, d)))
delta = var("delta", Real)
A = var("A", Mat(d, r))


@dataclass(frozen=True)
class Mixture:
    """A Gaussian mixture Σ_k w_k N(μ_k, Σ_k) in R^d, with the bias δ of its augmented pairs.

    Every method writes a name whose definition is the one below, at this mixture's letters and the arguments given.
    """

    script: Script
    d: Expr = d
    K: Expr = K
    w: Expr = w
    mu: Expr = mu
    Sigma: Expr = Sigma
    delta: Expr = delta

    # -- moments and subspaces ----------------------------------------------------------------------------------------

    @property
    def sigma_bar(self) -> Expr:
        """Σ̄ = Σ_k w_k Σ_k."""
        body = total(K, lambda k: w(k) * Sigma(k))
        return self.script.define("MeanCovariance", (d, K, w, Sigma), body)(self.d, self.K, self.w, self.Sigma)

    @property
    def mean(self) -> Expr:
        """μ̄ = Σ_k w_k μ_k."""
        body = total(K, lambda k: w(k) * mu(k))
        return self.script.define("Mean", (d, K, w, mu), body)(self.d, self.K, self.w, self.mu)

    @property
    def S(self) -> Expr:
        """S = Σ_k w_k μ_k μ_kᵀ."""
        body = total(K, lambda k: w(k) * (mu(k) @ mu(k).T))
        return self.script.define("MeanScatter", (d, K, w, mu), body)(self.d, self.K, self.w, self.mu)

    @property
    def R(self) -> Expr:
        """R = E xxᵀ = Σ_k w_k (Σ_k + μ_k μ_kᵀ)."""
        body = total(K, lambda k: w(k) * (Sigma(k) + mu(k) @ mu(k).T))
        define = self.script.define("SecondMoment", (d, K, w, mu, Sigma), body)
        return define(self.d, self.K, self.w, self.mu, self.Sigma)

    @property
    def C(self) -> Expr:
        """C = E x x̂ᵀ = δ S + (1 − δ) μ̄ μ̄ᵀ, over the augmented pairs."""
        own = Mixture(self.script)
        body = delta * own.S + (1 - delta) * (own.mean @ own.mean.T)
        define = self.script.define("PairMoment", (d, K, w, mu, delta), body)
        return define(self.d, self.K, self.w, self.mu, self.delta)

    def _shape(self, X: Expr, name: str, body: Callable[[Expr], Expr]) -> Expr:
        self.sigma_bar  # noqa: B018  (the name that the definition speaks of)
        define = self.script.define(name, (d, K, r, w, mu, Sigma, A), body(A))
        return define(self.d, self.K, X.cols, self.w, self.mu, self.Sigma, X)

    def within_fisher(self, X: Expr) -> Expr:
        """Col(X) ⊆ S_F: X = Σ_k Σ̄⁻¹μ_k c_kᵀ for some columns c_k."""
        own = Mixture(self.script)
        return self._shape(
            X,
            "WithinFisher",
            lambda A: exists(
                Family(K, Col(r)), lambda c: eq(A, total(K, lambda k: minv(own.sigma_bar) @ mu(k) @ c(k).T))
            ),
        )

    def spans_fisher(self, X: Expr) -> Expr:
        """S_F ⊆ Col(X): for every k, Σ̄⁻¹μ_k = Xc for some c."""
        own = Mixture(self.script)
        return self._shape(
            X,
            "SpansFisher",
            lambda A: forall(Index(K), lambda k: exists(Col(r), lambda c: eq(minv(own.sigma_bar) @ mu(k), A @ c))),
        )

    def overlap(self, X: Expr, j: Expr, k: Expr) -> Expr:
        """Q_jk = w_j E[π_k | j], π the softmax of the negatives at x: π_k ∝ w_k exp(xᵀXXᵀμ_k), if covariances agree."""
        own, a, b = Mixture(self.script), var("j", Index(K)), var("k", Index(K))
        body = w(a) * mean(own.sigma_bar, lambda xi: softmax(K, w, lambda l: tr((mu(a) + xi).T @ A @ A.T @ mu(l)), b))
        define = self.script.define("Overlap", (d, K, r, w, mu, Sigma, A, a, b), body)
        return define(self.d, self.K, X.cols, self.w, self.mu, self.Sigma, X, j, k)

    def spans_lda(self, X: Expr) -> Expr:
        """S_LDA ⊆ Col(X): for all k, l, Σ̄⁻¹(μ_k − μ_l) = Xc for some c."""
        own = Mixture(self.script)
        return self._shape(
            X,
            "SpansLDA",
            lambda A: forall(
                Index(K),
                lambda k: forall(
                    Index(K), lambda l: exists(Col(r), lambda c: eq(minv(own.sigma_bar) @ (mu(k) - mu(l)), A @ c))
                ),
            ),
        )

    # -- InfoNCE ------------------------------------------------------------------------------------------------------

    def infonce(self, X: Expr) -> Expr:
        """InfoNCE of f(x) = Xᵀx: −E f(x)ᵀf(x̂) + E_x log E_y exp f(x)ᵀf(y), pairs of bias δ, y ~ F independent."""
        return self.script.define("InfoNCE", (d, K, r, w, mu, Sigma, delta, A), infonce_body(A))(
            self.d, self.K, X.cols, self.w, self.mu, self.Sigma, self.delta, X
        )

    def _map(self, X: Expr, name: str, body: Callable[[Mixture], Expr]) -> Expr:
        own = Mixture(self.script)
        define = self.script.define(name, (d, K, r, w, mu, Sigma, delta, A), body(own))
        return define(self.d, self.K, X.cols, self.w, self.mu, self.Sigma, self.delta, X)

    def minimises_infonce(self, X: Expr) -> Expr:
        """X minimises InfoNCE over the maps with as many columns."""
        return self._map(
            X, "MinimisesInfoNCE", lambda own: forall(Mat(d, r), lambda Y: own.infonce(A) <= own.infonce(Y))
        )

    def stationary_infonce(self, X: Expr) -> Expr:
        """∇InfoNCE(X) = 0: the derivative in every direction is 0."""
        return self._map(
            X,
            "StationaryInfoNCE",
            lambda own: forall(Mat(d, r), lambda H: has_derivative(fn(Real, lambda s: own.infonce(A + s * H)), 0, 0)),
        )


def pair_mean(score: Callable[[Expr, Expr], Expr]) -> Expr:
    """E score(x, x̂) over the augmented pairs: with probability δ of one component, else independent."""
    matched = total(
        K, lambda k: w(k) * mean(Sigma(k), lambda xi: mean(Sigma(k), lambda eta: score(mu(k) + xi, mu(k) + eta)))
    )
    mixed = total(
        K,
        lambda k: total(
            K,
            lambda l: (
                w(k) * w(l) * mean(Sigma(k), lambda xi: mean(Sigma(l), lambda eta: score(mu(k) + xi, mu(l) + eta)))
            ),
        ),
    )
    return delta * matched + (1 - delta) * mixed


def infonce_body(A: Expr) -> Expr:
    """The InfoNCE loss of f(x) = Aᵀx, written out."""

    def score(x: Expr, y: Expr) -> Expr:
        return tr(x.T @ A @ A.T @ y)

    negatives = total(
        K,
        lambda k: (
            w(k)
            * mean(
                Sigma(k),
                lambda xi: log(
                    total(K, lambda l: w(l) * mean(Sigma(l), lambda eta: exp(score(mu(k) + xi, mu(l) + eta))))
                ),
            )
        ),
    )
    return -pair_mean(score) + negatives


# -- hypotheses: formulas over the letters above, by the names that statements use ------------------------------------

WEIGHTS_POSITIVE = forall(Index(K), lambda k: w(k) > 0)
WEIGHTS_SUM = eq(total(K, w), 1)
COVARIANCES_DEFINITE = forall(Index(K), lambda k: pd(Sigma(k)))
SHARED_COVARIANCE = forall(Index(K), lambda k: forall(Index(K), lambda l: eq(Sigma(k), Sigma(l))))
BIAS_RANGE = conj(num(0) <= delta, delta <= 1)
BIAS_POSITIVE = num(0) < delta
ALWAYS_MATCHED = eq(delta, 1)
CENTRED = eq(total(K, lambda k: w(k) * mu(k)), zero(d))
TWO_COMPONENTS = exists(
    Index(K),
    lambda i: exists(Index(K), lambda j: conj(~eq(i, j), forall(Index(K), lambda k: disj(eq(k, i), eq(k, j))))),
)
SOME_COLUMN = num(1) <= real(r)


def fisher_dimension(m: Expr) -> Expr:
    """dim S_F = m: S_F has a basis of m columns. B has independent columns, Σ̄⁻¹μ_k = B h_k, B = Σ_k Σ̄⁻¹μ_k c_kᵀ."""
    generator = minv(total(K, lambda k: w(k) * Sigma(k)))
    return exists(
        Mat(d, m),
        lambda basis: conj(
            exists(Mat(m, d), lambda left: eq(left @ basis, eye(m))),
            forall(Index(K), lambda k: exists(Col(m), lambda h: eq(generator @ mu(k), basis @ h))),
            exists(Family(K, Col(m)), lambda c: eq(basis, total(K, lambda k: generator @ mu(k) @ c(k).T))),
        ),
    )


COLUMNS_REACH = exists(Size, lambda m: conj(fisher_dimension(m), real(m) <= real(r)))

HYPOTHESES: dict[str, Expr] = {
    "weights-positive": WEIGHTS_POSITIVE,
    "weights-sum": WEIGHTS_SUM,
    "covariances-definite": COVARIANCES_DEFINITE,
    "shared-covariance": SHARED_COVARIANCE,
    "bias-range": BIAS_RANGE,
    "bias-positive": BIAS_POSITIVE,
    "always-matched": ALWAYS_MATCHED,
    "centred": CENTRED,
    "two-components": TWO_COMPONENTS,
    "columns-reach": COLUMNS_REACH,
    "some-column": SOME_COLUMN,
}
