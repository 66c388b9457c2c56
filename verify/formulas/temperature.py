"""InfoNCE at a temperature τ, and the root of a positive number."""

from __future__ import annotations

from thmverify.formulas.mixtures import A, K, Mixture, Sigma, d, delta, mu, pair_mean, r, w
from thmverify.formulas.names import named
from thmverify.proofs.expressions import Expr, Mat, Real, exp, forall, inv, log, mean, num, total, tr, var

tau = var("tau", Real)
LETTERS = (d, K, r, w, mu, Sigma, delta, tau, A)


@named("InfoNCEAt", LETTERS, A, tau)
def infonce_at(_: Mixture, A: Expr, tau: Expr) -> Expr:
    """L_τ of f(x) = Aᵀx: −E[f(x)ᵀf(x̂)/τ] + E_x log E_y exp(f(x)ᵀf(y)/τ), pairs of bias δ, y ~ F independent."""

    def score(x: Expr, y: Expr) -> Expr:
        return inv(tau) * tr(x.T @ A @ A.T @ y)

    def partition(x: Expr) -> Expr:
        return total(K, lambda j: w(j) * mean(Sigma(j), lambda eta: exp(score(x, mu(j) + eta))))

    return -pair_mean(score) + total(K, lambda k: w(k) * mean(Sigma(k), lambda xi: log(partition(mu(k) + xi))))


@named("MinimisesInfoNCEAt", LETTERS, A, tau)
def minimises_infonce_at(mixture: Mixture, A: Expr, tau: Expr) -> Expr:
    """A minimises L_τ over the maps with as many columns."""
    return forall(Mat(d, r), lambda Y: infonce_at(mixture, A, tau) <= infonce_at(mixture, Y, tau))


def root(value: Expr) -> Expr:
    """√τ for τ > 0, written exp(½ log τ)."""
    return exp(num("1/2") * log(value))


TEMPERATURE_POSITIVE = num(0) < tau
HYPOTHESES: dict[str, Expr] = {"temperature-positive": TEMPERATURE_POSITIVE}
