"""A loss at three levels that must agree: float64, mpmath, and a rigorous enclosure; exactly where it is rational.

Each level reads the same exact expression. Only `enclose` and `exact_value` may support a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from flint import arb, ctx, fmpq, fmpq_mat
from mpmath import mp
from numpy.typing import NDArray

from thmverify import exact
from thmverify.integrate import (
    candidates_enclosure,
    candidates_float64,
    candidates_multiprecision,
    candidates_sampled,
    directions,
    enclosure,
    float64,
    multiprecision,
    scores_enclosure,
    scores_float64,
    scores_multiprecision,
    transport,
    transport_enclosure,
)
from thmverify.integrate.candidates import CandidateMoments, ReducedCandidates
from thmverify.integrate.enclosure import Enclosure, ball_to_interval
from thmverify.integrate.float64 import Estimate
from thmverify.integrate.moments import enclose_moments
from thmverify.integrate.problem import Reduced
from thmverify.integrate.scores import ReducedScores, ScoreMoments
from thmverify.losses.expectations import CandidatesTerm, DirectionsTerm, HingeTerm, LogSumExpTerm, TransportTerm
from thmverify.losses.expressions import GradientExpression, Pullback, SoftmaxTerm, ValueExpression
from thmverify.losses.matrices import pulled_back
from thmverify.losses.record import Loss
from thmverify.maps import LinearMap
from thmverify.models import Instance

Array: TypeAlias = NDArray[Any]  # float64, or an object array of mpf or arb
_EPS = float(np.finfo(np.float64).eps)
_RETRIES = 3


@dataclass(frozen=True)
class _Engine:
    """How a kind of integral is computed at each level, float64, mpmath and balls: its value, and moments.

    Each takes the problem; beyond float64 the digits; and, for moments, what else they depend on.
    """

    values: tuple[Callable[..., Any], ...]
    moments: tuple[Callable[..., Any], ...]


_SOFTMAX = _Engine(
    (float64.expected_value, multiprecision.expected_value, enclosure.enclose_value),
    (float64.softmax_moments, multiprecision.softmax_moments, enclose_moments),
)
_SCORES = _Engine(
    (scores_float64.expected_softplus, scores_multiprecision.expected_softplus, scores_enclosure.enclose_softplus),
    (scores_float64.score_moments, scores_multiprecision.score_moments, scores_enclosure.enclose_score_moments),
)
_CANDIDATES = _Engine(
    (
        candidates_float64.expected_logarithm,
        candidates_multiprecision.expected_logarithm,
        candidates_enclosure.enclose_logarithm,
    ),
    (candidates_float64.moments, candidates_multiprecision.moments, candidates_enclosure.enclose_moments),
)

_DIRECTIONS = _Engine(
    (directions.expected_loss, directions.multiprecision_loss, directions.enclose_loss),
    (directions.slopes, directions.multiprecision_slopes, directions.enclose_slopes),
)
_TRANSPORTS = _Engine(
    (transport.expected_transport, transport.multiprecision_transport, transport_enclosure.enclose_transport),
    (transport.moments, transport.multiprecision_moments, transport_enclosure.enclose_moments),
)


@dataclass(frozen=True)
class _Part:
    """A number that is no rational, at each level, with its coefficient."""

    coefficient: fmpq
    float64: Callable[[], Estimate]
    multiprecision: Callable[[int], Any]
    enclosure: Callable[[int], Enclosure]


def _parts(expression: ValueExpression) -> Iterator[_Part]:
    """Yield what is to be computed of a value."""
    integrals: tuple[tuple[_Engine, Sequence[Any]], ...] = (
        (_SOFTMAX, expression.logarithms),
        (_SCORES, expression.scores),
        (_CANDIDATES, expression.candidates),
        (_DIRECTIONS, expression.directions),
        (_TRANSPORTS, expression.transports),
    )
    for engine, terms in integrals:
        for term in terms:
            yield _Part(term.coefficient, *(partial(value, term.problem) for value in engine.values))
    rest: tuple[tuple[tuple[Callable[..., Any], ...], Sequence[tuple[fmpq, fmpq]]], ...] = (
        ((_float_log, _multiprecision_log, _enclosed_log), expression.constants),
        ((_float_root, _multiprecision_root, _root), expression.roots),
    )
    for functions, numbers in rest:
        for coefficient, number in numbers:
            yield _Part(coefficient, *(partial(function, number) for function in functions))


def _float_root(square: fmpq) -> Estimate:
    value = math.sqrt(exact.to_fraction(square))
    return Estimate(value, _EPS * value)


def _multiprecision_root(square: fmpq, _: int) -> Any:
    return mp.sqrt(multiprecision.to_mpf(square))


def _root(square: fmpq, digits: int) -> Enclosure:
    with ctx.workprec(int(4 * digits) + 128):
        return Enclosure(*ball_to_interval(arb(square).sqrt()))


def _float_log(number: fmpq) -> Estimate:
    value = math.log(int(number.p)) - math.log(int(number.q))
    return Estimate(value, _EPS * (math.log(int(number.p)) + math.log(int(number.q))))


def _multiprecision_log(number: fmpq, _: int) -> Any:
    return mp.log(multiprecision.to_mpf(number))


def _enclosed_log(number: fmpq, digits: int) -> Enclosure:
    with ctx.workprec(int(4 * digits) + 128):
        return Enclosure(*ball_to_interval(arb(number).log()))


def exact_value(loss: Loss, instance: Instance, linear_map: LinearMap) -> fmpq | None:
    """Return the loss as a rational number where it is one, None where an integral is left."""
    expression = loss.value(instance, linear_map)
    return expression.known if expression.is_exact else None


def float64_value(loss: Loss, instance: Instance, linear_map: LinearMap) -> Estimate:
    """Return the loss in float64 with an honest estimate of its absolute error; neither is finite where floats end.

    Raises one of FLOATS_FAIL where the numbers are beyond floats from the start.
    """
    expression = loss.value(instance, linear_map)
    values, errors = [float(exact.to_fraction(expression.known))], []
    with np.errstate(all="ignore"):
        for part in _parts(expression):
            found, factor = part.float64(), float(exact.to_fraction(part.coefficient))
            values.append(factor * found.value)
            errors.append(abs(factor) * found.error)
    rounding = _EPS * sum(abs(x) for x in values)
    return Estimate(math.fsum(values), rounding + sum(errors))


def multiprecision_value(loss: Loss, instance: Instance, linear_map: LinearMap, digits: int = 30) -> Any:
    """Return the loss as an mpf computed with `digits` digits; not a bound.

    Raises ValueError when a log-sum-exp is an integral in more than two dimensions.
    """
    expression = loss.value(instance, linear_map)
    with mp.workdps(digits + 10):
        total = multiprecision.to_mpf(expression.known)
        for part in _parts(expression):
            total += multiprecision.to_mpf(part.coefficient) * part.multiprecision(digits)
        return total


def enclose(loss: Loss, instance: Instance, linear_map: LinearMap, digits: int = 30) -> Enclosure:
    """Return an interval that contains the loss, of width ≤ 10^−digits · max(1, |loss|) where `reached` says so."""
    return enclose_expression(loss.value(instance, linear_map), digits)


def enclose_expression(expression: ValueExpression, digits: int = 30) -> Enclosure:
    """Return an interval that contains a value, as narrow as `enclose` says."""
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
    for part in _parts(expression):
        found = part.enclosure(digits + extra)
        ends = part.coefficient * found.lower, part.coefficient * found.upper
        lower, upper = lower + min(ends), upper + max(ends)
        if not found.reached:
            notes.append(found.note)
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
class _Level:
    """How a level writes a rational matrix, and how it computes moments.

    root: √ of an entry. moments: (engine, problem, reach, what else they depend on); `reach` is what an error of 1 in
    every moment may come to in the gradient. sampled: whether candidates are sampled.
    """

    convert: Callable[[fmpq_mat], Array]
    root: Callable[[Any], Any]
    moments: Callable[..., Any]
    sampled: bool = False


def exact_gradient(loss: Loss, instance: Instance, linear_map: LinearMap) -> dict[str, fmpq_mat] | None:
    """Return the gradient as rational matrices where it is one, None where an integral is left."""
    expressions = loss.gradient(instance, linear_map)
    if any(expression.terms for expression in expressions.values()):
        return None
    return {name: expression.rational for name, expression in expressions.items()}


def float64_gradient(loss: Loss, instance: Instance, linear_map: LinearMap) -> GradientEstimate:
    """Return the gradient in float64 with an honest estimate of its absolute error."""
    error = 0.0

    def moments(engine: _Engine, problem: Any, reach: float, *given: Any) -> Any:
        nonlocal error
        found = engine.moments[0](problem, *given)
        error += found.error * reach
        return found

    level = _Level(exact.to_floats, math.sqrt, moments)
    derivatives = _gradient(loss, instance, linear_map, level)
    size = max((float(np.abs(d).max(initial=0.0)) for d in derivatives.values()), default=0.0)
    return GradientEstimate(derivatives, error + 16 * _EPS * size)


def rough(loss: Loss, instance: Instance, linear_map: LinearMap) -> tuple[float, dict[str, NDArray[np.float64]]]:
    """Return the value and the gradient in float64, candidates sampled: the start of a search."""
    expression = loss.value(instance, linear_map)
    value = float(exact.to_fraction(expression.known))
    for part in _parts(replace(expression, candidates=())):
        value += float(exact.to_fraction(part.coefficient)) * part.float64().value
    for drawn in expression.candidates:
        value += float(exact.to_fraction(drawn.coefficient)) * candidates_sampled.expected_logarithm(drawn)

    def moments(engine: _Engine, problem: Any, _: float, *given: Any) -> Any:
        return engine.moments[0](problem, *given)

    return value, _gradient(loss, instance, linear_map, _Level(exact.to_floats, math.sqrt, moments, sampled=True))


def multiprecision_gradient(
    loss: Loss, instance: Instance, linear_map: LinearMap, digits: int = 30
) -> dict[str, Array]:
    """Return the gradient as object arrays of mpf computed with `digits` digits; not a bound."""

    def moments(engine: _Engine, problem: Any, _: float, *given: Any) -> Any:
        return engine.moments[1](problem, digits, *given)

    with mp.workdps(digits + 10):
        level = _Level(multiprecision.to_array, mp.sqrt, moments)
        return _gradient(loss, instance, linear_map, level)


def enclosed_gradient(
    loss: Loss, instance: Instance, linear_map: LinearMap, digits: int = 15
) -> tuple[dict[str, Array], bool]:
    """Return object arrays of balls that contain the gradient, and whether the digits asked for were reached."""
    reached = True

    def moments(engine: _Engine, problem: Any, reach: float, *given: Any) -> Any:
        nonlocal reached
        counted = math.isfinite(reach)  # beyond, nobody counts how many digits are needed
        needed = digits + (math.ceil(math.log10(max(reach, 1.0))) + 1 if counted else 0)
        found = engine.moments[2](problem, needed, *given)
        reached = reached and counted and found.reached
        return found

    with ctx.workprec(int(4 * digits) + 128):
        level = _Level(to_balls, arb.sqrt, moments)
        return _gradient(loss, instance, linear_map, level), reached


def to_balls(m: fmpq_mat) -> Array:
    """Return a matrix of balls around the rational entries, at flint's working precision."""
    return np.array([arb(x) for x in m.entries()], dtype=object).reshape(m.nrows(), m.ncols())


def _gradient(loss: Loss, instance: Instance, linear_map: LinearMap, level: _Level) -> dict[str, Array]:
    adjoints: dict[int, list[tuple[Any, Array]]] = {}  # of each term: the same for every matrix

    def evaluate(expression: GradientExpression) -> Array:
        total = level.convert(expression.rational)
        for term in expression.terms:
            if isinstance(term, SoftmaxTerm):
                order = 2 if term.second else 1
                moments = level.moments(_SOFTMAX, term.reduced.problem, _or_infinite(_sensitivity, term), order)
                total = total + _contract(term, level, moments)
                continue
            if id(term.term) not in adjoints:
                adjoints[id(term.term)] = _adjoints(term, level)
            total = total + _pulled(term, adjoints[id(term.term)], level.convert)
        return total

    return {name: evaluate(e) for name, e in loss.gradient(instance, linear_map).items()}


def _pulled(term: Pullback, adjoints: Sequence[tuple[Any, Array]], convert: Callable[[fmpq_mat], Array]) -> Array:
    """Return a term's part of the derivative with respect to its variable."""
    found = pulled_back(adjoints, convert).get(id(term.variable))
    rows, columns = term.variable.shape
    total = convert(fmpq_mat(rows, columns)) if found is None else found
    scaled: Array = total * convert(fmpq_mat([[term.coefficient]]))
    return (scaled + scaled.T) / 2 if term.symmetric else scaled


def _adjoints(pullback: Pullback, level: _Level) -> list[tuple[Any, Array]]:
    """Return the derivatives of a term with respect to the matrices that it takes, at one level."""
    term = pullback.term
    if isinstance(term, HingeTerm):
        return list(term.adjoints(level.convert(term.variances.value), level.root))
    if isinstance(term, DirectionsTerm):
        return list(term.adjoints(level.moments(_DIRECTIONS, term.reduced, 1.0).gradient))
    if isinstance(term, TransportTerm):
        return list(term.adjoints(level.moments(_TRANSPORTS, term.reduced, 1.0).outer))
    if isinstance(term, LogSumExpTerm):
        reduced, order = term.reduced, 2 if term.separate else 1
        moments = level.moments(_SOFTMAX, reduced.problem, _or_infinite(_reach, pullback), order)
        K = reduced.problem.terms
        shares = level.convert(fmpq_mat(1, len(reduced.problem.shares), list(reduced.problem.shares)))[0]
        p = np.array([sum(w * moments.p[j, k] for j, w in enumerate(shares)) for k in range(K)])
        first = np.array([_first_moment(reduced, level, moments, k) for k in range(K)]).T
        second = [_second_moment(reduced, level, moments, k) for k in range(K)] if term.separate else None
        return list(term.adjoints(p, first, None if second is None else np.array(second), level.convert))
    if isinstance(term, CandidatesTerm):
        if level.sampled:
            return list(term.adjoints(candidates_sampled.outer(term.reduced)))
        drawn = level.moments(_CANDIDATES, term.reduced.problem, _or_infinite(_reach, pullback))
        return list(term.adjoints(_outer(term.reduced, level, drawn)))
    scored: ReducedScores = term.reduced
    found = level.moments(_SCORES, scored.problem, _or_infinite(_reach, pullback), scored.lifts)
    return list(term.adjoints(*_score_adjoints(scored, level, found)))


def _outer(reduced: ReducedCandidates, level: _Level, moments: CandidateMoments) -> Array:
    """Return E Σ_i π_i xy_iᵀ, with x = μ + X(p − m) and y = ν + Y(q − b) but for independent residuals of mean 0."""
    convert, d, e = level.convert, reduced.sources[0][0].nrows(), reduced.targets[0][0].nrows()
    total: Array = convert(fmpq_mat(d, e))
    targets = [
        (convert(nu)[:, 0], convert(Y)) for (nu, _), Y in zip(reduced.targets, reduced.target_lifts, strict=True)
    ]
    for j, (anchor, (mu, _), X) in enumerate(zip(reduced.problem.anchors, reduced.sources, reduced.lifts, strict=True)):
        (weight,), mean, lift = convert(fmpq_mat([[anchor.weight]]))[0], convert(mu)[:, 0], convert(X)
        for k, (nu, Y) in enumerate(targets):
            inner = moments.zeroth[j, k] * np.outer(mean, nu) + lift @ moments.both[j, k] @ Y.T
            inner = inner + np.outer(lift @ moments.left[j, k], nu) + np.outer(mean, Y @ moments.right[j, k])
            total = total + inner * weight
    return total


def _score_adjoints(reduced: ReducedScores, level: _Level, moments: ScoreMoments) -> tuple[Array, Array]:
    """Return E σ and E σ xyᵀ, with x = μ + X(p − a) and y = ν + Y(q − b) but for independent residuals of mean 0."""
    law, convert = reduced.law, level.convert
    weights = convert(fmpq_mat(1, len(law.weights), list(law.weights)))[0]
    totals, outers = [], []
    for i, weight in enumerate(weights):
        mu, nu = convert(law.left[i][0])[:, 0], convert(law.right[i][0])[:, 0]
        left, right = moments.left[i], moments.right[i]
        inner = moments.zeroth[i] * np.outer(mu, nu) + moments.both[i]
        totals.append(weight * moments.zeroth[i])
        outers.append(weight * (inner + np.outer(left, nu) + np.outer(mu, right)))
    total: Array = np.array(sum(totals[1:], totals[0]))
    outer: Array = sum(outers[1:], outers[0])
    return total, outer


def _or_infinite(bound: Callable[[Any], float], term: Any) -> float:
    """Return a bound of a term, ∞ beyond the range of floats."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            found = bound(term)
    except OverflowError:
        return math.inf
    return math.inf if math.isnan(found) else found


def _reach(pullback: Pullback) -> float:
    """Return how much an error of 1 in every moment of a term can change an entry of its part of the gradient."""
    term, reduced = pullback.term, pullback.term.reduced

    def size(m: fmpq_mat) -> Array:
        return np.abs(exact.to_floats(m))

    if isinstance(term, LogSumExpTerm):
        reach, residual = _lifted(reduced)
        d, K = term.linear.shape
        second = np.full((K, d, d), reach**2 + residual) if term.separate else None
        adjoints = term.adjoints(np.ones(K), np.full((d, K), reach), second, size)
    elif isinstance(term, CandidatesTerm):
        given = ((reduced.sources, reduced.lifts), (reduced.targets, reduced.target_lifts))
        left, right = ([_carried(m, lift) for (m, _), lift in zip(*side, strict=True)] for side in given)
        shares = [abs(float(exact.to_fraction(anchor.weight))) for anchor in reduced.problem.anchors]
        adjoints = term.adjoints(np.full(term.W.shape, float(np.dot(shares, left)) * sum(right)))
    else:
        sides = [
            max(1 + float(size(mean).max(initial=0.0)) for mean, _ in side)
            for side in (reduced.law.left, reduced.law.right)
        ]
        adjoints = term.adjoints(np.ones(()), np.full(term.W.shape, sides[0] * sides[1]))
    return float(_pulled(pullback, adjoints, size).max(initial=0.0))


def _carried(mean: fmpq_mat, lift: fmpq_mat) -> float:
    """Return a bound of an entry of μ + X(p − m) for moments of size 1."""
    centre, spread = np.abs(exact.to_floats(mean)), np.abs(exact.to_floats(lift))
    return float(centre.max(initial=0.0) + spread.sum(axis=1).max(initial=0.0))


def _contract(term: SoftmaxTerm, level: _Level, moments: Any) -> Array:
    """Return Σ_k E[p_k x] r_kᵀ + Σ_k E[p_k xxᵀ] N_k in the term's form, from the moments of the reduced integral."""
    rows = level.convert(term.first)
    parts = []
    for k in range(term.reduced.problem.terms):
        parts.append(np.outer(_first_moment(term.reduced, level, moments, k), rows[k]))
        if term.second:
            parts.append(_second_moment(term.reduced, level, moments, k) @ level.convert(term.second[k]))
    total: Array = np.sum(parts, axis=0)
    if term.form == "transposed":
        return total.T
    return (total + total.T) / 2 if term.form == "symmetric" else total


def _first_moment(reduced: Reduced, level: _Level, moments: Any, k: int) -> Array:
    """Return E[p_k x] = Σ_j w_j (E_j[p_k] μ_j + X_j E_j[p_k (q − m_j)])."""
    means = level.convert(reduced.means)
    weights = level.convert(fmpq_mat(1, len(reduced.problem.shares), list(reduced.problem.shares)))[0]
    parts = []
    for j, w in enumerate(weights):
        X = level.convert(reduced.lifts[_index(reduced.lifts, j)])
        parts.append(w * (moments.p[j, k] * means[:, j] + X @ moments.first[j, k]))
    total: Array = np.sum(parts, axis=0)
    return total


def _second_moment(reduced: Reduced, level: _Level, moments: Any, k: int) -> Array:
    """Return E[p_k xxᵀ], with x = μ_j + X_j (q − m_j) + an independent residual."""
    means = level.convert(reduced.means)
    weights = level.convert(fmpq_mat(1, len(reduced.problem.shares), list(reduced.problem.shares)))[0]
    if moments.second is None:
        raise ValueError("second moments were not computed")
    parts = []
    for j, w in enumerate(weights):
        X = level.convert(reduced.lifts[_index(reduced.lifts, j)])
        residual = level.convert(reduced.residuals[_index(reduced.residuals, j)])
        mu, shift = means[:, j], X @ moments.first[j, k]
        inner = moments.p[j, k] * (np.outer(mu, mu) + residual) + X @ moments.second[j, k] @ X.T
        parts.append(w * (inner + np.outer(mu, shift) + np.outer(shift, mu)))
    total: Array = np.sum(parts, axis=0)
    return total


def _index(shared_or_each: tuple[fmpq_mat, ...], j: int) -> int:
    return 0 if len(shared_or_each) == 1 else j


def _sensitivity(term: SoftmaxTerm) -> float:
    """Return how much an error of 1 in every moment can change an entry of the contracted term."""
    K = term.reduced.problem.terms
    reach, residual = _lifted(term.reduced)
    rows = np.abs(exact.to_floats(term.first)).max(initial=0.0)
    first = K * reach * rows
    if not term.second:
        return float(first)
    columns = max(float(np.abs(exact.to_floats(N)).sum(axis=0).max(initial=0.0)) for N in term.second)
    return float(first + K * (reach**2 + residual) * columns)


def _lifted(reduced: Reduced) -> tuple[float, float]:
    """Return bounds of an entry of E[p_k x], and of what the residual adds to E[p_k xxᵀ], for moments of size 1."""
    means = float(np.abs(exact.to_floats(reduced.means)).max(initial=0.0))
    lift = max(float(np.abs(exact.to_floats(X)).sum(axis=1).max(initial=0.0)) for X in reduced.lifts)
    residual = max(float(np.abs(exact.to_floats(r)).max(initial=0.0)) for r in reduced.residuals)
    return means + lift, residual
