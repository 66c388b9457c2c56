"""What proofs speak of: mixtures, losses, predicates, hypotheses. Each has one meaning, here.

A script cannot give it another. A setting holds the letters of a model as variables, and writes its losses and
predicates as names that the script defines when it first uses them. The trace carries these definitions, and a reader
sees them beside the theorem.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

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
FIRST, OTHER = var("j", Index(K)), var("k", Index(K))
MAP, PAIRED_MAP = (d, K, r, w, mu, Sigma, A), (d, K, r, w, mu, Sigma, delta, A)  # the letters of predicates of a map


@dataclass(frozen=True)
class Mixture:
    """A Gaussian mixture Σ_k w_k N(μ_k, Σ_k) in R^d, with the bias δ of its augmented pairs; its names."""

    script: Script
    d: Expr = d
    K: Expr = K
    w: Expr = w
    mu: Expr = mu
    Sigma: Expr = Sigma
    delta: Expr = delta

    @property
    def own(self) -> Mixture:
        """The mixture of the letters above."""
        return Mixture(self.script)

    @property
    def values(self) -> dict[Expr, Expr]:
        """What stands for the letters."""
        return {d: self.d, K: self.K, w: self.w, mu: self.mu, Sigma: self.Sigma, delta: self.delta}

    # -- moments and subspaces ----------------------------------------------------------------------------------------

    @property
    @named("MeanCovariance", (d, K, w, Sigma))
    def sigma_bar(self) -> Expr:
        """Σ̄ = Σ_k w_k Σ_k."""
        return total(K, lambda k: w(k) * Sigma(k))

    @property
    @named("Mean", (d, K, w, mu))
    def mean(self) -> Expr:
        """μ̄ = Σ_k w_k μ_k."""
        return total(K, lambda k: w(k) * mu(k))

    @property
    @named("MeanScatter", (d, K, w, mu))
    def S(self) -> Expr:
        """S = Σ_k w_k μ_k μ_kᵀ."""
        return total(K, lambda k: w(k) * (mu(k) @ mu(k).T))

    @property
    @named("SecondMoment", (d, K, w, mu, Sigma))
    def R(self) -> Expr:
        """R = E xxᵀ = Σ_k w_k (Σ_k + μ_k μ_kᵀ)."""
        return total(K, lambda k: w(k) * (Sigma(k) + mu(k) @ mu(k).T))

    @property
    @named("PairMoment", (d, K, w, mu, delta))
    def C(self) -> Expr:
        """C = E x x̂ᵀ = δ S + (1 − δ) μ̄ μ̄ᵀ, over the augmented pairs."""
        return delta * self.S + (1 - delta) * (self.mean @ self.mean.T)

    @named("WithinFisher", MAP, A)
    def within_fisher(self, A: Expr) -> Expr:
        """Col(A) ⊆ S_F: A = Σ_k Σ̄⁻¹μ_k c_kᵀ for some columns c_k."""
        return exists(Family(K, Col(r)), lambda c: eq(A, total(K, lambda k: minv(self.sigma_bar) @ mu(k) @ c(k).T)))

    @named("SpansFisher", MAP, A)
    def spans_fisher(self, A: Expr) -> Expr:
        """S_F ⊆ Col(A): for every k, Σ̄⁻¹μ_k = Ac for some c."""
        return forall(Index(K), lambda k: exists(Col(r), lambda c: eq(minv(self.sigma_bar) @ mu(k), A @ c)))

    @named("Overlap", (*MAP, FIRST, OTHER), A, FIRST, OTHER)
    def overlap(self, A: Expr, j: Expr, k: Expr) -> Expr:
        """Q_jk = w_j E[π_k | j], π the softmax of the negatives at x: π_k ∝ w_k exp(xᵀAAᵀμ_k), if covariances agree."""
        return w(j) * mean(self.sigma_bar, lambda xi: softmax(K, w, lambda l: tr((mu(j) + xi).T @ A @ A.T @ mu(l)), k))

    @named("SpansLDA", MAP, A)
    def spans_lda(self, A: Expr) -> Expr:
        """S_LDA ⊆ Col(A): for all k, l, Σ̄⁻¹(μ_k − μ_l) = Ac for some c."""

        def reached(k: Expr, l: Expr) -> Expr:
            return exists(Col(r), lambda c: eq(minv(self.sigma_bar) @ (mu(k) - mu(l)), A @ c))

        return forall(Index(K), lambda k: forall(Index(K), lambda l: reached(k, l)))

    # -- InfoNCE ------------------------------------------------------------------------------------------------------

    @named("InfoNCE", PAIRED_MAP, A)
    def infonce(self, A: Expr) -> Expr:
        """InfoNCE of f(x) = Aᵀx: −E f(x)ᵀf(x̂) + E_x log E_y exp f(x)ᵀf(y), pairs of bias δ, y ~ F independent."""
        return infonce_body(A)

    @named("MinimisesInfoNCE", PAIRED_MAP, A)
    def minimises_infonce(self, A: Expr) -> Expr:
        """A minimises InfoNCE over the maps with as many columns."""
        return forall(Mat(d, r), lambda Y: self.infonce(A) <= self.infonce(Y))

    @named("StationaryInfoNCE", PAIRED_MAP, A)
    def stationary_infonce(self, A: Expr) -> Expr:
        """∇InfoNCE(A) = 0: the derivative in every direction is 0."""
        return forall(Mat(d, r), lambda H: has_derivative(fn(Real, lambda s: self.infonce(A + s * H)), 0, 0))


@dataclass(frozen=True)
class OfMixture:
    """What has names about a mixture: it writes them at the mixture's letters."""

    mixture: Mixture

    @property
    def script(self) -> Script:
        """The script of the mixture."""
        return self.mixture.script

    @property
    def own(self) -> Self:
        """The same of the mixture of the letters above."""
        return type(self)(self.mixture.own)

    @property
    def values(self) -> dict[Expr, Expr]:
        """What stands for the letters."""
        return self.mixture.values


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
