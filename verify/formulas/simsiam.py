"""What proofs about linear SimSiam speak of: its loss with the target held fixed, its stationary points, hypotheses.

The stop-gradient is part of the meaning: the loss is a function of the encoder A, the predictor P and the target map B,
and a pair (A, P) is stationary when no derivative in A or P is left at B = A, while B stays where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from thmverify.formulas.mixtures import A, K, Mixture, Sigma, d, delta, fisher_dimension, mu, pair_mean, r, w
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Index,
    Mat,
    Real,
    Size,
    conj,
    eq,
    exists,
    eye,
    fn,
    forall,
    has_derivative,
    minv,
    num,
    real,
    total,
    tr,
    var,
    zero,
)

eta = var("eta", Real)
a = var("a", Col(d))
P, B = var("P", Mat(r, r)), var("B", Mat(d, r))


@dataclass(frozen=True)
class SimSiam:
    """Linear SimSiam with weight decay η on the augmented pairs of a mixture; each component has its own covariance."""

    mixture: Mixture
    eta: Expr = eta

    # -- the loss and its stationary points ---------------------------------------------------------------------------

    def loss(self, encoder: Expr, predictor: Expr, target: Expr) -> Expr:
        """½ E‖P Aᵀx − Bᵀx̂‖² + ½ η (‖A‖² + ‖P‖²) over augmented pairs, B the map of the target."""
        mix = self.mixture
        define = mix.script.define("SimSiam", (d, K, r, w, mu, Sigma, delta, eta, A, P, B), loss_body())
        letters = (mix.d, mix.K, encoder.cols, mix.w, mix.mu, mix.Sigma, mix.delta, self.eta)
        return define(*letters, encoder, predictor, target)

    def stationary_encoder(self, encoder: Expr, predictor: Expr) -> Expr:
        """∂_A L = 0 at (A, P): the slope is 0 along every direction of A, the target Aᵀx̂ held fixed."""
        return self._pair(
            "StationaryEncoder",
            encoder,
            predictor,
            lambda own: forall(
                Mat(d, r), lambda H: has_derivative(fn(Real, lambda s: own.loss(A + s * H, P, A)), 0, 0)
            ),
        )

    def stationary_predictor(self, encoder: Expr, predictor: Expr) -> Expr:
        """∂_P L = 0 at (A, P): the slope is 0 along every direction of P."""
        return self._pair(
            "StationaryPredictor",
            encoder,
            predictor,
            lambda own: forall(
                Mat(r, r), lambda J: has_derivative(fn(Real, lambda s: own.loss(A, P + s * J, A)), 0, 0)
            ),
        )

    def stationary(self, encoder: Expr, predictor: Expr) -> Expr:
        """(A, P) is stationary: ∂_A L = 0 and ∂_P L = 0, the target held fixed."""
        return self._pair(
            "StationarySimSiam",
            encoder,
            predictor,
            lambda own: conj(own.stationary_encoder(A, P), own.stationary_predictor(A, P)),
        )

    def _pair(self, name: str, encoder: Expr, predictor: Expr, body: Callable[[SimSiam], Expr]) -> Expr:
        mix = self.mixture
        define = mix.script.define(name, (d, K, r, w, mu, Sigma, delta, eta, A, P), body(SimSiam(Mixture(mix.script))))
        letters = (mix.d, mix.K, encoder.cols, mix.w, mix.mu, mix.Sigma, mix.delta, self.eta)
        return define(*letters, encoder, predictor)

    # -- subspaces and predictors -------------------------------------------------------------------------------------

    def within_pairs(self, X: Expr) -> Expr:
        """Col(X) ⊆ R⁻¹Col(C): X = R⁻¹CZ for some Z."""
        mix, own = self.mixture, Mixture(self.mixture.script)
        body = exists(Mat(d, r), lambda Z: eq(A, minv(own.R) @ own.C @ Z))
        define = mix.script.define("WithinPairs", (d, K, r, w, mu, Sigma, delta, A), body)
        return define(mix.d, mix.K, X.cols, mix.w, mix.mu, mix.Sigma, mix.delta, X)

    def invertible(self, X: Expr) -> Expr:
        """The square matrix X is invertible: XQ = I for some Q, and then QX = I."""
        define = self.mixture.script.define("Invertible", (r, P), exists(Mat(r, r), lambda Q: eq(P @ Q, eye(r))))
        return define(X.rows, X)

    def across_means(self, column: Expr) -> Expr:
        """A column a ≠ 0 that is orthogonal to the means: aᵀμ_k = 0 for every k."""
        mix = self.mixture
        body = conj(~eq(a, zero(d)), forall(Index(K), lambda k: eq(tr(a.T @ mu(k)), 0)))
        return mix.script.define("AcrossMeans", (d, K, mu, a), body)(mix.d, mix.K, mix.mu, column)

    @property
    def fisher_is_span_of_means(self) -> Expr:
        """S_F = span{μ_k}: each Σ̄⁻¹μ_k is a combination of means, and each μ_k one of the Σ̄⁻¹μ_l."""
        mix, own = self.mixture, Mixture(self.mixture.script)
        inverse = minv(own.sigma_bar)
        body = forall(
            Index(K),
            lambda k: conj(
                exists(Family(K, Real), lambda c: eq(inverse @ mu(k), total(K, lambda j: c(j) * mu(j)))),
                exists(Family(K, Real), lambda c: eq(mu(k), total(K, lambda j: c(j) * (inverse @ mu(j))))),
            ),
        )
        define = mix.script.define("FisherIsSpanOfMeans", (d, K, w, mu, Sigma), body)
        return define(mix.d, mix.K, mix.w, mix.mu, mix.Sigma)


def loss_body() -> Expr:
    """The loss, written out."""

    def error(x: Expr, x_hat: Expr) -> Expr:
        residual = P @ A.T @ x - B.T @ x_hat
        return tr(residual.T @ residual)

    return num("1/2") * pair_mean(error) + num("1/2") * eta * (tr(A.T @ A) + tr(P.T @ P))


# -- hypotheses: formulas over the letters above, by the names that statements use ------------------------------------


NO_WEIGHT_DECAY = eq(eta, 0)
WEIGHT_DECAY = num(0) < eta
ROOM_OUTSIDE = exists(Size, lambda m: conj(fisher_dimension(m), real(m) < real(d)))
MEANS_INVARIANT = forall(
    Index(K),
    lambda k: exists(
        Family(K, Real),
        lambda c: eq(total(K, lambda j: w(j) * Sigma(j)) @ mu(k), total(K, lambda j: c(j) * mu(j))),
    ),
)

HYPOTHESES: dict[str, Expr] = {
    "no-weight-decay": NO_WEIGHT_DECAY,
    "weight-decay": WEIGHT_DECAY,
    "room-outside": ROOM_OUTSIDE,
    "means-invariant": MEANS_INVARIANT,
}
