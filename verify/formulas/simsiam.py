"""What proofs about linear SimSiam speak of: its loss with the target held fixed, its stationary points, hypotheses.

The stop-gradient is part of the meaning: the loss is a function of the encoder A, the predictor P and the target map B,
and a pair (A, P) is stationary when no derivative in A or P is left at B = A, while B stays where it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from thmverify.formulas.mixtures import (
    PAIRED_MAP,
    A,
    K,
    OfMixture,
    Sigma,
    d,
    delta,
    fisher_dimension,
    mu,
    pair_mean,
    r,
    w,
)
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
LETTERS = (d, K, r, w, mu, Sigma, delta, eta, A, P)


@dataclass(frozen=True)
class SimSiam(OfMixture):
    """Linear SimSiam with weight decay η on the augmented pairs of a mixture; each component has its own covariance."""

    eta: Expr = eta

    @property
    def values(self) -> dict[Expr, Expr]:
        """What stands for the letters."""
        return {**self.mixture.values, eta: self.eta}

    # -- the loss and its stationary points ---------------------------------------------------------------------------

    @named("SimSiam", (*LETTERS, B), A, P, B)
    def loss(self, A: Expr, P: Expr, B: Expr) -> Expr:
        """½ E‖P Aᵀx − Bᵀx̂‖² + ½ η (‖A‖² + ‖P‖²) over augmented pairs, B the map of the target."""

        def error(x: Expr, x_hat: Expr) -> Expr:
            residual = P @ A.T @ x - B.T @ x_hat
            return tr(residual.T @ residual)

        return num("1/2") * pair_mean(error) + num("1/2") * eta * (tr(A.T @ A) + tr(P.T @ P))

    @named("StationaryEncoder", LETTERS, A, P)
    def stationary_encoder(self, A: Expr, P: Expr) -> Expr:
        """∂_A L = 0 at (A, P): the slope is 0 along every direction of A, the target Aᵀx̂ held fixed."""
        return forall(Mat(d, r), lambda H: has_derivative(fn(Real, lambda s: self.loss(A + s * H, P, A)), 0, 0))

    @named("StationaryPredictor", LETTERS, A, P)
    def stationary_predictor(self, A: Expr, P: Expr) -> Expr:
        """∂_P L = 0 at (A, P): the slope is 0 along every direction of P."""
        return forall(Mat(r, r), lambda J: has_derivative(fn(Real, lambda s: self.loss(A, P + s * J, A)), 0, 0))

    @named("StationarySimSiam", LETTERS, A, P)
    def stationary(self, A: Expr, P: Expr) -> Expr:
        """(A, P) is stationary: ∂_A L = 0 and ∂_P L = 0, the target held fixed."""
        return conj(self.stationary_encoder(A, P), self.stationary_predictor(A, P))

    # -- subspaces and predictors -------------------------------------------------------------------------------------

    @named("WithinPairs", PAIRED_MAP, A)
    def within_pairs(self, A: Expr) -> Expr:
        """Col(A) ⊆ R⁻¹Col(C): A = R⁻¹CZ for some Z."""
        mix = self.mixture
        return exists(Mat(d, r), lambda Z: eq(A, minv(mix.R) @ mix.C @ Z))

    @named("Invertible", (r, P), P)
    def invertible(self, P: Expr) -> Expr:
        """The square matrix P is invertible: PQ = I for some Q, and then QP = I."""
        return exists(Mat(r, r), lambda Q: eq(P @ Q, eye(r)))

    @named("AcrossMeans", (d, K, mu, a), a)
    def across_means(self, a: Expr) -> Expr:
        """A column a ≠ 0 that is orthogonal to the means: aᵀμ_k = 0 for every k."""
        return conj(~eq(a, zero(d)), forall(Index(K), lambda k: eq(tr(a.T @ mu(k)), 0)))

    @property
    @named("FisherIsSpanOfMeans", (d, K, w, mu, Sigma))
    def fisher_is_span_of_means(self) -> Expr:
        """S_F = span{μ_k}: each Σ̄⁻¹μ_k is a combination of means, and each μ_k one of the Σ̄⁻¹μ_l."""
        inverse = minv(self.mixture.sigma_bar)
        return forall(
            Index(K),
            lambda k: conj(
                exists(Family(K, Real), lambda c: eq(inverse @ mu(k), total(K, lambda j: c(j) * mu(j)))),
                exists(Family(K, Real), lambda c: eq(mu(k), total(K, lambda j: c(j) * (inverse @ mu(j))))),
            ),
        )


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
