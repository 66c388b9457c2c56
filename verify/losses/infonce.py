"""InfoNCE of linear maps f(x) = Aᵀx, M = AAᵀ.

L(M) = −E[f(x)ᵀf(x̂)] + E_x log E_y exp(f(x)ᵀf(y)), y ~ F independent of x (the talk's InfoNCE; Theorem 5.2).
By the Gaussian moment generating function E_y exp(xᵀMy) = Σ_k w_k exp(xᵀMμ_k + ½ xᵀMΣ_kMx), so

    L(M) = −⟨C, M⟩ + E_x log Σ_k w_k exp(xᵀMμ_k + ½ xᵀMΣ_kMx),
    ∇L(M) = −C + sym Σ_k E[p_k x] μ_kᵀ + sym Σ_k E[p_k x xᵀ] M Σ_k,

with p the softmax weights of the sum. Σ_k p_k = 1 turns Σ_k E[p_k xxᵀ]MΣ_k into R M Σ_1 + Σ_k E[p_k xxᵀ]M(Σ_k − Σ_1):
for a shared covariance the second sum vanishes and only first moments are left.
"""

from __future__ import annotations

from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.integrate.problem import Reduced, reduce
from thmverify.kernel.linear import times
from thmverify.losses.expressions import GradientExpression, SoftmaxTerm, ValueExpression, gram_factors, gram_matrix
from thmverify.losses.record import Loss, Row, Sense, deferred
from thmverify.maps import Encoder, Gram, LinearMap
from thmverify.models import GMM, Instance


def value(instance: Instance, linear_map: LinearMap) -> ValueExpression:
    """Return L(M), in the coordinates Bᵀx of M = B Y Bᵀ, of which there are rank M."""
    pairs, mixture = instance.pairs, instance.pairs.mixture
    B, Y = gram_factors("infonce", linear_map, mixture.dimension)
    if not B.ncols():
        return ValueExpression(fmpq(0))
    means = B.transpose() * mixture.mu
    sigmas = [B.transpose() * times(sigma, B) for sigma in mixture.law.given[: 1 if mixture.law.shared else None]]
    quadratic = [Y * sigma * Y for sigma in sigmas] * (mixture.components if mixture.law.shared else 1)
    inner = exact.inner(means * pairs.coupling * means.transpose(), Y)
    return ValueExpression(-inner, (reduce(mixture.w, means, sigmas, Y * means, quadratic),))


def gradient(instance: Instance, linear_map: LinearMap) -> dict[str, GradientExpression]:
    """Return ∇L(M) (d × d, symmetric); with respect to A it is 2 ∇L(M) A."""
    pairs, mixture = instance.pairs, instance.pairs.mixture
    M = gram_matrix("infonce", linear_map, mixture.dimension)
    base = mixture.sigmas[0]
    rational = exact.symmetrise(mixture.R * M * base) - pairs.C
    differences = tuple(M * (sigma - base) for sigma in mixture.sigmas)
    second = () if all(exact.is_zero(N) for N in differences) else differences
    term = SoftmaxTerm(_log_partition(mixture, M), mixture.mu.transpose(), second, "symmetric")
    return {"M": GradientExpression(rational, (term,))}


def _log_partition(mixture: GMM, M: fmpq_mat) -> Reduced:
    """Return E_x log E_y exp(xᵀMy)."""
    quadratic = [M * sigma * M for sigma in mixture.sigmas]
    return reduce(mixture.w, mixture.mu, mixture.sigmas, M * mixture.mu, quadratic)


LOSS = Loss(
    name="infonce",
    title="InfoNCE",
    formula=r"-\mathbb{E}\, f(x)^T f(\hat{x}) + \mathbb{E}_x \log \mathbb{E}_y \exp(f(x)^T f(y))",
    sense=Sense.MINIMISED,
    normalisation="the limit of the usual code as the negatives N grow, less log N; a temperature τ is M/τ",
    models=("shared-gmm", "gmm"),
    maps=(Encoder, Gram),
    map_shape='{"A": …} (d × r) or {"M": …} (d × d)',
    value=value,
    gradient=gradient,
    example=("shared-gmm.json", "encoder.json"),
    rows=(Row("infonce", "InfoNCE"),),
    minimiser=deferred("minimize.infonce:minimise_infonce"),
    budgeted=True,
    polisher=deferred("minimize.polishing:polish_infonce"),
)
