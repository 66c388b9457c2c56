"""Bounds that need no integral: Jensen's inequality from both sides. Wide, rigorous, and there in every dimension."""

from __future__ import annotations

from flint import arb, fmpq, fmpq_mat

from thmverify import exact
from thmverify.integrate.problem import LogSumExp


def jensen_bounds(problem: LogSumExp) -> tuple[fmpq, fmpq]:
    """Return exact lower and upper bounds of the problem's value.

    For each component j and any probabilities π (here the softmax at m_j, rounded),
      Σ_k π_k E_j ℓ_k + Σ_k π_k log(w_k/π_k) ≤ E_j log Σ_k w_k e^{ℓ_k} ≤ E_j ℓ̄ + log Σ_k w_k E_j e^{ℓ_k − ℓ̄},
    ℓ̄ = Σ_k π_k ℓ_k: the concavity of the logarithm, applied to the sum and to the expectation.
    """
    lower = upper = arb(0)
    for j, weight in enumerate(problem.shares):
        mean = [_mean(problem, j, k) for k in range(problem.terms)]
        shares = _shares(problem, j)
        centre = sum((p * m for p, m in zip(shares, mean, strict=True)), fmpq(0))
        entropy = arb(0)
        for p, w in zip(shares, problem.weights, strict=True):
            if p > 0:
                entropy += arb(p) * (arb(w) / arb(p)).log()
        lower += arb(weight) * (arb(centre) + entropy)
        upper += arb(weight) * _upper(problem, j, shares)
    low, high = lower.lower(), upper.upper()
    return exact.from_ball(low), exact.from_ball(high)


def _at_centre(problem: LogSumExp, j: int, k: int) -> fmpq:
    m = problem.centre(j)
    return problem.constant(k) + exact.inner(problem.slope(k) + problem.curvature(k) * m * fmpq(1, 2), m)


def _mean(problem: LogSumExp, j: int, k: int) -> fmpq:
    """Return E_j ℓ_k."""
    return _at_centre(problem, j, k) + exact.inner(problem.curvature(k), problem.covariance(j)) / 2


def _shares(problem: LogSumExp, j: int) -> list[fmpq]:
    """Return rational probabilities close to the softmax of the logits at m_j."""
    scores = []
    for k, w in enumerate(problem.weights):
        log_weight = fmpq(round(float(arb(w).log()) * 2**20), 2**20)
        scores.append(_at_centre(problem, j, k) + log_weight)
    top = max(scores)
    rounded = [fmpq(round(float(arb(x - top).exp()) * 2**40), 2**40) for x in scores]
    total = sum(rounded, fmpq(0))  # at least the top's 1
    return [x / total for x in rounded]


def _upper(problem: LogSumExp, j: int, shares: list[fmpq]) -> arb:
    """Return an upper bound of E_j log Σ_k w_k e^{ℓ_k}."""
    rho, H = problem.dimension, problem.covariance(j)
    if problem.quadratic:
        return _upper_by_parts(problem, j)
    tilt = exact.zeros(rho, 1)
    for k, p in enumerate(shares):
        tilt = tilt + problem.slope(k) * p
    total = arb(0)
    for k, w in enumerate(problem.weights):
        rest = problem.slope(k) - tilt
        spread = exact.inner(rest, H * rest) / 2 + problem.constant(k)
        total += arb(w) * arb(exact.inner(rest, problem.centre(j)) + spread).exp()
    bound = arb(exact.inner(tilt, problem.centre(j))) + total.log()
    return bound if bound.is_finite() else _upper_by_parts(problem, j)


def _upper_by_parts(problem: LogSumExp, j: int) -> arb:
    """Return a bound that needs no moment generating function: it may be infinite, or too large to write.

    log Σ w_k e^{ℓ_k} ≤ max_k ℓ_k ≤ Σ_k (ℓ_k)₊, and E (ℓ)₊ ≤ (E ℓ + √(E ℓ²))/2.
    """
    total = arb(0)
    H = problem.covariance(j)
    for k in range(problem.terms):
        mean = _mean(problem, j, k)
        c = problem.curvature(k)
        slope = problem.slope(k) + c * problem.centre(j)
        variance = exact.inner(slope, H * slope) + _trace_square(c, H) / 2
        total += (arb(mean) + arb(mean * mean + variance).sqrt()) / 2
    return total


def _trace_square(c: fmpq_mat, H: fmpq_mat) -> fmpq:
    product = c * H
    return exact.trace(product * product)
