"""A loss at three levels that must agree: float64, mpmath, and a rigorous enclosure; exactly where it is rational.

Each level reads the same exact expression. Only `enclose` and `exact_value` may support a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from flint import arb, ctx, fmpq, fmpq_mat
from mpmath import mp
from numpy.typing import NDArray

from thmverify import exact
from thmverify.integrate import enclosure, float64, multiprecision
from thmverify.integrate.enclosure import Enclosure
from thmverify.integrate.float64 import Estimate
from thmverify.losses.expressions import GradientExpression, Loss, SoftmaxTerm, ValueExpression
from thmverify.maps import LinearMap
from thmverify.models import Instance

Array: TypeAlias = NDArray[Any]  # float64, or an object array of mpf or arb
_EPS = float(np.finfo(np.float64).eps)
_RETRIES = 3


def exact_value(loss: Loss, instance: Instance, linear_map: LinearMap) -> fmpq | None:
    """Return the loss as a rational number where it is one, None where an integral is left."""
    expression = loss.value(instance, linear_map)
    return expression.known if expression.is_exact else None


def float64_value(loss: Loss, instance: Instance, linear_map: LinearMap) -> Estimate:
    """Return the loss in float64 with an honest estimate of its absolute error; neither is finite where floats end.

    Raises one of FLOATS_FAIL where the numbers are beyond floats from the start.
    """
    expression = loss.value(instance, linear_map)
    with np.errstate(all="ignore"):
        parts = [float64.expected_value(term.problem) for term in expression.logarithms]
    known = float(exact.to_fraction(expression.known))
    values = [known, *(part.value for part in parts)]
    rounding = _EPS * sum(abs(x) for x in values)
    return Estimate(math.fsum(values), rounding + sum(part.error for part in parts))


def multiprecision_value(loss: Loss, instance: Instance, linear_map: LinearMap, digits: int = 30) -> Any:
    """Return the loss as an mpf computed with `digits` digits; not a bound.

    Raises ValueError when an integral has more than two dimensions.
    """
    expression = loss.value(instance, linear_map)
    with mp.workdps(digits + 10):
        total = multiprecision.to_mpf(expression.known)
        for term in expression.logarithms:
            total += multiprecision.expected_value(term.problem, digits)
        return total


def enclose(loss: Loss, instance: Instance, linear_map: LinearMap, digits: int = 30) -> Enclosure:
    """Return an interval that contains the loss, of width ≤ 10^−digits · max(1, |loss|) where `reached` says so."""
    expression = loss.value(instance, linear_map)
    extra = 1
    for _ in range(_RETRIES):
        result = _enclose_once(expression, digits, extra)
        shortfall = _missing_digits(result, digits)
        if shortfall == 0 or result.note:
            return result
        extra += shortfall  # the terms are much larger than their sum
    return replace(result, note="the terms cancel beyond the precision that was tried")


def _enclose_once(expression: ValueExpression, digits: int, extra: int) -> Enclosure:
    lower = upper = expression.known
    notes = []
    for term in expression.logarithms:
        part = enclosure.enclose_value(term.problem, digits + extra)
        lower, upper = lower + part.lower, upper + part.upper
        if not part.reached:
            notes.append(part.note)
    narrow = _missing_digits(Enclosure(lower, upper), digits) == 0
    return Enclosure(lower, upper, narrow, "" if narrow else "; ".join(notes))


def _missing_digits(interval: Enclosure, digits: int) -> int:
    size = max(abs(interval.lower), abs(interval.upper), fmpq(1))
    excess = interval.width * fmpq(10) ** digits / size
    return 0 if excess <= 1 else math.ceil(math.log10(int(excess.p)) - math.log10(int(excess.q))) + 1


@dataclass(frozen=True)
class GradientEstimate:
    """Derivatives in float64 by the name of the matrix, and an estimate of the largest entry's absolute error."""

    derivatives: dict[str, NDArray[np.float64]]
    error: float


@dataclass(frozen=True)
class _Moments:
    """Softmax moments of one level, and how that level writes a rational matrix."""

    p: Array
    first: Array
    second: Array | None
    convert: Callable[[fmpq_mat], Array]


def exact_gradient(loss: Loss, instance: Instance, linear_map: LinearMap) -> dict[str, fmpq_mat] | None:
    """Return the gradient as rational matrices where it is one, None where an integral is left."""
    expressions = loss.gradient(instance, linear_map)
    if any(expression.terms for expression in expressions.values()):
        return None
    return {name: expression.rational for name, expression in expressions.items()}


def float64_gradient(loss: Loss, instance: Instance, linear_map: LinearMap) -> GradientEstimate:
    """Return the gradient in float64 with an honest estimate of its absolute error."""
    error = 0.0

    def moments(term: SoftmaxTerm) -> _Moments:
        nonlocal error
        found = float64.softmax_moments(term.reduced.problem, _order(term))
        error += found.error * _sensitivity(term)
        return _Moments(found.p, found.first, found.second, exact.to_floats)

    derivatives = _gradient(loss, instance, linear_map, exact.to_floats, moments)
    size = max((float(np.abs(d).max(initial=0.0)) for d in derivatives.values()), default=0.0)
    return GradientEstimate(derivatives, error + 16 * _EPS * size)


def multiprecision_gradient(
    loss: Loss, instance: Instance, linear_map: LinearMap, digits: int = 30
) -> dict[str, Array]:
    """Return the gradient as object arrays of mpf computed with `digits` digits; not a bound."""

    def moments(term: SoftmaxTerm) -> _Moments:
        p, first, second = multiprecision.softmax_moments(term.reduced.problem, digits, _order(term))
        return _Moments(p, first, second, multiprecision.to_array)

    with mp.workdps(digits + 10):
        return _gradient(loss, instance, linear_map, multiprecision.to_array, moments)


def enclosed_gradient(
    loss: Loss, instance: Instance, linear_map: LinearMap, digits: int = 15
) -> tuple[dict[str, Array], bool]:
    """Return object arrays of balls that contain the gradient, and whether the digits asked for were reached."""
    reached = True

    def moments(term: SoftmaxTerm) -> _Moments:
        nonlocal reached
        amplified = math.ceil(math.log10(max(_sensitivity(term), 1.0)))
        found = enclosure.enclose_moments(term.reduced.problem, digits + amplified + 1, _order(term))
        reached = reached and found.reached
        return _Moments(found.p, found.first, found.second, to_balls)

    with ctx.workprec(int(4 * digits) + 128):
        return _gradient(loss, instance, linear_map, to_balls, moments), reached


def to_balls(m: fmpq_mat) -> Array:
    """Return a matrix of balls around the rational entries, at flint's working precision."""
    return np.array([arb(x) for x in m.entries()], dtype=object).reshape(m.nrows(), m.ncols())


def _order(term: SoftmaxTerm) -> int:
    return 2 if term.second else 1


def _gradient(
    loss: Loss,
    instance: Instance,
    linear_map: LinearMap,
    convert: Callable[[fmpq_mat], Array],
    moments: Callable[[SoftmaxTerm], _Moments],
) -> dict[str, Array]:
    def evaluate(expression: GradientExpression) -> Array:
        total = convert(expression.rational)
        for term in expression.terms:
            total = total + _contract(term, moments(term))
        return total

    return {name: evaluate(e) for name, e in loss.gradient(instance, linear_map).items()}


def _contract(term: SoftmaxTerm, moments: _Moments) -> Array:
    """Return Σ_k E[p_k x] r_kᵀ + Σ_k E[p_k xxᵀ] N_k in the term's form, from the moments of the reduced integral."""
    rows = moments.convert(term.first)
    parts = []
    for k in range(term.reduced.problem.components):
        parts.append(np.outer(_first_moment(term, moments, k), rows[k]))
        if term.second:
            parts.append(_second_moment(term, moments, k) @ moments.convert(term.second[k]))
    total: Array = np.sum(parts, axis=0)
    if term.form == "transposed":
        return total.T
    return (total + total.T) / 2 if term.form == "symmetric" else total


def _first_moment(term: SoftmaxTerm, moments: _Moments, k: int) -> Array:
    """Return E[p_k x] = Σ_j w_j (E_j[p_k] μ_j + X_j E_j[p_k (q − m_j)])."""
    reduced = term.reduced
    means = moments.convert(reduced.means)
    weights = moments.convert(fmpq_mat(1, len(reduced.problem.weights), list(reduced.problem.weights)))[0]
    parts = []
    for j, w in enumerate(weights):
        X = moments.convert(reduced.lifts[_index(reduced.lifts, j)])
        parts.append(w * (moments.p[j, k] * means[:, j] + X @ moments.first[j, k]))
    total: Array = np.sum(parts, axis=0)
    return total


def _second_moment(term: SoftmaxTerm, moments: _Moments, k: int) -> Array:
    """Return E[p_k xxᵀ], with x = μ_j + X_j (q − m_j) + an independent residual."""
    reduced = term.reduced
    means = moments.convert(reduced.means)
    weights = moments.convert(fmpq_mat(1, len(reduced.problem.weights), list(reduced.problem.weights)))[0]
    if moments.second is None:
        raise ValueError("second moments were not computed")
    parts = []
    for j, w in enumerate(weights):
        X = moments.convert(reduced.lifts[_index(reduced.lifts, j)])
        residual = moments.convert(reduced.residuals[_index(reduced.residuals, j)])
        mu, shift = means[:, j], X @ moments.first[j, k]
        inner = moments.p[j, k] * (np.outer(mu, mu) + residual) + X @ moments.second[j, k] @ X.T
        parts.append(w * (inner + np.outer(mu, shift) + np.outer(shift, mu)))
    total: Array = np.sum(parts, axis=0)
    return total


def _index(shared_or_each: tuple[fmpq_mat, ...], j: int) -> int:
    return 0 if len(shared_or_each) == 1 else j


def _sensitivity(term: SoftmaxTerm) -> float:
    """Return how much an error of 1 in every moment can change an entry of the contracted term."""
    reduced, K = term.reduced, term.reduced.problem.components
    means = np.abs(exact.to_floats(reduced.means)).max(initial=0.0)
    lift = max(float(np.abs(exact.to_floats(X)).sum(axis=1).max(initial=0.0)) for X in reduced.lifts)
    rows = np.abs(exact.to_floats(term.first)).max(initial=0.0)
    first = K * (means + lift) * rows
    if not term.second:
        return float(first)
    residual = max(float(np.abs(exact.to_floats(r)).max(initial=0.0)) for r in reduced.residuals)
    columns = max(float(np.abs(exact.to_floats(N)).sum(axis=0).max(initial=0.0)) for N in term.second)
    return float(first + K * ((means + lift) ** 2 + residual) * columns)
