"""InfoNCE at a temperature τ, and the root of a positive number."""

from __future__ import annotations

from thmverify.formulas.mixtures import A, K, Mixture, Sigma, d, delta, mu, pair_mean, r, w
from thmverify.proofs.expressions import Expr, Mat, Real, exp, forall, inv, log, mean, num, total, tr, var

tau = var("tau", Real)


def _named(mixture: Mixture, X: Expr, value: Expr, name: str, body: Expr) -> Expr:
    define = mixture.script.define(name, (d, K, r, w, mu, Sigma, delta, tau, A), body)
    return define(mixture.d, mixture.K, X.cols, mixture.w, mixture.mu, mixture.Sigma, mixture.delta, value, X)


def infonce_at(mixture: Mixture, X: Expr, value: Expr) -> Expr:
    """L_τ of f(x) = Xᵀx: −E[f(x)ᵀf(x̂)/τ] + E_x log E_y exp(f(x)ᵀf(y)/τ), pairs of bias δ, y ~ F independent."""

    def score(x: Expr, y: Expr) -> Expr:
        return inv(tau) * tr(x.T @ A @ A.T @ y)

    def partition(x: Expr) -> Expr:
        return total(K, lambda j: w(j) * mean(Sigma(j), lambda eta: exp(score(x, mu(j) + eta))))

    negatives = total(K, lambda k: w(k) * mean(Sigma(k), lambda xi: log(partition(mu(k) + xi))))
    return _named(mixture, X, value, "InfoNCEAt", -pair_mean(score) + negatives)


def minimises_infonce_at(mixture: Mixture, X: Expr, value: Expr) -> Expr:
    """X minimises L_τ over the maps with as many columns."""
    own = Mixture(mixture.script)
    body = forall(Mat(d, r), lambda Y: infonce_at(own, A, tau) <= infonce_at(own, Y, tau))
    return _named(mixture, X, value, "MinimisesInfoNCEAt", body)


def root(value: Expr) -> Expr:
    """√τ for τ > 0, written exp(½ log τ)."""
    return exp(num("1/2") * log(value))


TEMPERATURE_POSITIVE = num(0) < tau
HYPOTHESES: dict[str, Expr] = {"temperature-positive": TEMPERATURE_POSITIVE}
