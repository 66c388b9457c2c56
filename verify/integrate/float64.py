"""Log-sum-exp and softmax moments of Gaussian mixtures in float64, vectorised, with honest errors.

In whitened coordinates s = F⁻¹(q − m_j) component j is N(0, I_ρ) and the exponents are α_jk + β_k·s (+ ½ sᵀγ_k s):
one set of nodes serves every component, so K exponentials a node suffice, and sums over the nodes are matrix products.
The axes are the principal directions of the slopes, each with its own step (`rules.step`).

These numbers propose; they are no proof. Errors cover truncation, discretisation and rounding: an a-priori bound for
linear exponents, the difference of two shifted lattices for quadratic ones, and the spread of independent
randomisations where the node budget allows no lattice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import scipy
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from thmverify import exact
from thmverify.integrate.problem import LogSumExp
from thmverify.integrate.rules import Lattice, Rule, plan_lattice, sobol
from thmverify.models import Floats

TOLERANCE = 1e-14
# Nodes: what an iteration may spend, and what a single value may, some seconds.
BUDGET, PATIENT = 2**21, 2**24
_LOOSEST = 1e-5
_EPS = 2.0**-52
# e^-600 is a normal float64: exponents that spread less need no maximum of their own for each component.
_SPREAD = 300.0
# Doubles of one intermediate array, so that it stays in the cache, and the fewest nodes worth a call.
_CACHED, _SHORTEST = 2**18, 2**8
REPLICATES, _SOBOL_BUDGET = 16, 2**20
# An event that n points all miss has probability below 14/n, but for a chance of 10⁻⁶.
_UNSEEN = 14.0


@cache
def mean_confidence() -> float:
    """Return how many standard deviations of the replicates their mean is off once in 10⁶: Student's t."""
    return float(scipy.special.stdtrit(REPLICATES - 1, 1 - 5e-7)) / math.sqrt(REPLICATES - 1)


@dataclass(frozen=True)
class Estimate:
    """A float64 value and an estimate of its absolute error that is meant never to be too small."""

    value: float
    error: float


@dataclass(frozen=True)
class Moments:
    """Softmax moments under each component: E_j is the mean over q ~ N(m_j, H_j).

    p: J × K, p[j, k] = E_j p_k. first: J × K × ρ, E_j[p_k (q − m_j)]. second: J × K × ρ × ρ, E_j[p_k (q−m_j)(q−m_j)ᵀ];
    zeros above the order asked for. error: an estimate of the largest absolute error of an entry.
    """

    p: Floats
    first: Floats
    second: Floats
    error: float


@dataclass(frozen=True)
class Window:
    """Components that share whitened coordinates s: q − m_j = factor · s, plus what the exponents do not depend on.

    offsets: J × K (α). slopes: K × ρ (β). curvature: K × ρ × ρ (γ), or None when linear. factor: dim q × ρ.
    """

    offsets: Floats
    slopes: Floats
    curvature: Floats | None
    factor: Floats


@dataclass(frozen=True)
class Sums:
    """Sums over a rule's nodes in whitened coordinates; batch dimensions lead, and J counts the components.

    value: (…, J), E_j log Σ_k exp(exponent_k). size: (…, J), E_j of the modulus of its part that varies.
    moments: (…, J, K, f), E_j[p_k m] for the monomials m = 1, s_a, s_a s_b (a ≤ b) up to the order asked for.
    pairs: (…, J, K(K+1)/2, f), E_j[p_k p_l m] for k ≤ l. Empty when not asked for.
    """

    value: Floats
    size: Floats
    moments: Floats
    pairs: Floats


@dataclass(frozen=True)
class Integral:
    """Sums and their errors: of the value (J), and of any moment in whitened coordinates."""

    sums: Sums
    value_error: Floats
    moment_error: float


def expected_value(problem: LogSumExp, tolerance: float = TOLERANCE, budget: int = PATIENT) -> Estimate:
    """Return E log Σ_k w_k exp(a_k + b_k·q + ½ qᵀc_k q).

    `tolerance` is what the quadrature aims at for integrands of unit size; `budget` bounds its nodes.
    """
    weights = np.array([exact.to_float(w) for w in problem.shares])
    value, error = 0.0, 0.0
    for members, window in _windows(problem):
        integral = integrate(window, -1, tolerance, budget)
        value += float(weights[members] @ integral.sums.value)
        error += float(weights[members] @ integral.value_error)
    return Estimate(value, error)


def softmax_moments(
    problem: LogSumExp, order: int = 1, tolerance: float = TOLERANCE, budget: int = PATIENT // 4
) -> Moments:
    """Return E_j p_k and the moments E_j[p_k (q − m_j)…] up to `order` (0, 1 or 2)."""
    shape, rho = (problem.components, problem.terms), problem.dimension
    p, first, second = np.zeros(shape), np.zeros((*shape, rho)), np.zeros((*shape, rho, rho))
    error = 0.0
    for members, window in _windows(problem):
        integral = integrate(window, order, tolerance, budget)
        F = window.factor
        in_s = symmetric_moments(integral.sums.moments, rho)
        p[members], first[members], second[members] = in_s[0], in_s[1] @ F.T, F @ in_s[2] @ F.T
        stretch = float(np.linalg.norm(F, 2)) if rho else 0.0
        error = max(error, integral.moment_error * max(1.0, stretch) ** order)
    return Moments(p, first, second, error)


def whitening(covariance: fmpq_mat) -> tuple[fmpq_mat, Floats]:
    """Return L (exact, unit triangular up to order) and √D with H = L D Lᵀ ≻ 0.

    The factor L√D is accurate entry by entry, however ill-conditioned H is.
    """
    factors = _definite_ldl(covariance)
    return factors.factor, _roots(factors)


def inverse_whitening(covariance: fmpq_mat) -> tuple[fmpq_mat, Floats]:
    """Return L⁻¹ and √D: √D⁻¹L⁻¹q is white for q ~ N(0, H)."""
    factors = _definite_ldl(covariance)
    return factors.inverse, _roots(factors)


def _definite_ldl(covariance: fmpq_mat) -> exact.LDL:
    factors = exact.ldl(covariance)
    if factors is None or len(factors.pivots) < covariance.nrows():
        raise ValueError("the covariance is not positive definite")
    return factors


def _roots(factors: exact.LDL) -> Floats:
    return np.sqrt(np.array([exact.to_float(x) for x in factors.pivots], dtype=np.float64))


def _windows(problem: LogSumExp) -> Iterator[tuple[list[int], Window]]:
    """Yield the components in groups that share a window: all of them, or one by one."""
    if problem.is_linear:
        yield list(range(problem.components)), _window(problem, range(problem.components))
    else:
        for j in range(problem.components):
            yield [j], _window(problem, [j])


def _window(problem: LogSumExp, members: Sequence[int]) -> Window:
    """Return the window of components with one covariance; all that can cancel is computed exactly."""
    L, roots = whitening(problem.covariance(members[0]))
    logs = np.log([exact.to_float(w) for w in problem.weights])
    if problem.constants:
        logs = logs + np.array([exact.to_float(a) for a in problem.constants])
    if not problem.quadratic:
        slopes = exact.to_floats(problem.linear.transpose() * L) * roots
        offsets = exact.to_floats(problem.centres.transpose() * problem.linear)[list(members)]
        axes = principal_axes(slopes - slopes.mean(axis=0))
        return Window(logs + offsets, slopes @ axes, None, (exact.to_floats(L) * roots) @ axes)
    centre = problem.centre(members[0])
    bends = [c * centre for c in problem.quadratic]
    pulls = [exact.inner(problem.slope(k) + bend * fmpq(1, 2), centre) for k, bend in enumerate(bends)]
    slopes = exact.to_floats((problem.linear + exact.hstack(bends, problem.dimension)).transpose() * L) * roots
    curvature = np.array([exact.to_floats(L.transpose() * c * L) for c in problem.quadratic]) * np.outer(roots, roots)
    axes = principal_axes(np.concatenate([slopes, *curvature]))
    offsets = np.array([[exact.to_float(x) for x in pulls]])
    return Window(logs + offsets, slopes @ axes, axes.T @ curvature @ axes, (exact.to_floats(L) * roots) @ axes)


def principal_axes(slopes: Floats) -> Floats:
    """Return an orthogonal matrix (ρ × ρ) whose columns are the principal directions of the slopes (n × ρ)."""
    axes: Floats = np.linalg.svd(slopes, full_matrices=True)[2].T
    return axes


def integrate(
    window: Window, order: int, tolerance: float = TOLERANCE, budget: int = BUDGET, pairs: bool = False
) -> Integral:
    """Return the sums for one window by the cheapest rule that meets `tolerance`, or the best within `budget` nodes."""
    if window.curvature is not None:
        return _integrate_curved(window, window.curvature, order, tolerance, budget)
    rule = fitting_lattice(np.ptp(window.slopes, axis=0), order, tolerance, budget)
    if rule is None:
        return _integrate_randomised(window, order, budget, pairs)
    sums = softmax_sums(window.offsets, window.slopes, rule, order=order, pairs=pairs)
    return _with_errors(window, sums, rule.error, np.zeros(1), 0.0)


def fitting_lattice(spreads: Floats, order: int, tolerance: float, budget: int) -> Rule | None:
    """Return the lattice for slopes of these spreads (ρ) at the least tolerance that the budget allows, if any."""
    loosest = max(tolerance, _LOOSEST)
    while tolerance <= loosest:
        plan = plan_lattice(spreads, max(order, 1), tolerance)
        if plan.size <= budget:
            return Lattice(plan)
        tolerance *= 10
    return None


def _integrate_curved(window: Window, curvature: Floats, order: int, tolerance: float, budget: int) -> Integral:
    """Refine two lattices, shifted by half a step, until they agree: quadratic exponents have no uniform strip."""
    bends = np.linalg.norm(np.ptp(curvature, axis=0), axis=-1)
    spreads = np.ptp(window.slopes, axis=0) / 2 + bends  # a first guess, refined until the lattices agree
    best: Integral | None = None
    while tolerance <= _LOOSEST:
        plan = plan_lattice(spreads, 2, tolerance)
        if 2 * plan.size > budget:
            if best is not None:
                break
            tolerance *= 10
            continue
        rules = [Lattice(plan, shift) for shift in (0.0, 0.5)]
        halves = [softmax_sums(window.offsets, window.slopes, r, order=order, curvature=curvature) for r in rules]
        best, apart = _combined(window, halves, plan.error, 2.0)
        if apart <= 20 * tolerance:
            return best
        spreads = spreads * math.sqrt(2)
    if best is not None and best.moment_error < _LOOSEST:
        return best
    randomised = _integrate_randomised(window, order, budget, pairs=False)
    return randomised if best is None or randomised.moment_error < best.moment_error else best


def _integrate_randomised(window: Window, order: int, budget: int, pairs: bool) -> Integral:
    """Average independent randomisations of Sobol points; their spread tells the error."""
    log2_nodes = int(math.log2(min(budget, _SOBOL_BUDGET) / REPLICATES))
    rules = (sobol(window.slopes.shape[1], log2_nodes, seed) for seed in range(REPLICATES))
    replicates = [
        softmax_sums(window.offsets, window.slopes, r, order=order, curvature=window.curvature, pairs=pairs)
        for r in rules
    ]
    unseen = _UNSEEN / (REPLICATES * 2**log2_nodes)
    return _combined(window, replicates, unseen, mean_confidence())[0]


def _combined(window: Window, parts: list[Sums], error: float, confidence: float) -> tuple[Integral, float]:
    """Return the mean of the parts, `confidence` standard deviations added to its errors, and those of unit size."""
    values = np.array([x.value for x in parts])
    moments = np.array([x.moments for x in parts])
    mean = Sums(
        values.mean(axis=0),
        np.mean([x.size for x in parts], axis=0),
        moments.mean(axis=0),
        np.mean([x.pairs for x in parts], axis=0),
    )
    value_apart = confidence * values.std(axis=0)
    moment_apart = confidence * float(np.max(moments.std(axis=0), initial=0.0))
    integral = _with_errors(window, mean, error, value_apart, moment_apart)
    return integral, max(moment_apart, float(np.max(value_apart / (1 + mean.size))))


def _with_errors(window: Window, sums: Sums, error: float, value_apart: Floats, moment_apart: float) -> Integral:
    """Scale a rule's error for unit integrands to these, and add what the parts differ by and what rounding may do.

    |log-sum-exp| is at most its modulus at s = 0 plus steepness·|s|; on the shifted contour its argument is below π.
    """
    steepness = 2 * _longest(window.slopes)
    if window.curvature is not None:
        steepness += 8 * float(np.max(np.abs(window.curvature), initial=0.0))
    rounding = _EPS * (8 + 8 * steepness)
    value_error = error * (sums.size + 5 + steepness) + rounding + _EPS * (np.abs(sums.value) + sums.size)
    return Integral(sums, value_error + value_apart, error + rounding + _rounded_offsets(window, sums) + moment_apart)


def _rounded_offsets(window: Window, sums: Sums) -> float:
    """Return about what rounding the offsets may do to a moment: p_k moves by Σ_l p_k p_l (δ_k − δ_l).

    E p_k p_l ≤ E p_l. So far components whose exponents agree count, and those with p_k = 0 do not.
    """
    if sums.moments.shape[-1] == 0 or sums.moments.shape[:2] != window.offsets.shape:
        return 0.0
    p = np.abs(sums.moments[..., 0])
    size = np.where(p > 0, np.abs(window.offsets), 0.0)
    shared = np.minimum(p[:, :, None], p[:, None, :]) * (1 - np.eye(p.shape[1]))
    moved = (shared * (size[:, :, None] + size[:, None, :])).sum(axis=2)
    return 2 * _EPS * float(moved.max(initial=0.0))


def softmax_sums(
    offsets: Floats,
    slopes: Floats,
    rule: Rule,
    *,
    order: int = -1,
    pairs: bool = False,
    curvature: Floats | None = None,
) -> Sums:
    """Return the sums over the rule's nodes for exponents α_jk + β_k·s + ½ sᵀγ_k s.

    offsets: (…, J, K). slopes: (…, K, ρ). curvature: (…, K, ρ, ρ) or None. order < 0 leaves out the moments; `pairs`
    adds those of p_k p_l. Batch dimensions broadcast; one rule serves the batch.
    """
    slopes = slopes - slopes.mean(axis=-2, keepdims=True)  # an odd part: its mean is 0, its rounding is not
    spread = float(np.ptp(offsets, axis=-1).max(initial=0.0)) + 2 * _longest(slopes) * rule.radius
    if curvature is None and spread < _SPREAD:
        return _sums(offsets, slopes, rule, order, pairs, None, None)
    # Steep exponents: each component takes its own maximum over k at each node.
    alone = np.zeros((*offsets.shape[:-1], 1, offsets.shape[-1]))
    curved = None if curvature is None else curvature[..., None, :, :, :]
    highest = offsets.max(axis=-1, keepdims=True)
    sums = _sums(alone, slopes[..., None, :, :], rule, order, pairs, curved, offsets - highest)
    value, size, moments, products = (
        np.squeeze(x, offsets.ndim - 1) for x in (sums.value, sums.size, sums.moments, sums.pairs)
    )
    return Sums(value + highest[..., 0], size, moments, products)


def _sums(
    offsets: Floats,
    slopes: Floats,
    rule: Rule,
    order: int,
    pairs: bool,
    curvature: Floats | None,
    base: Floats | None,
) -> Sums:
    """`softmax_sums` with one maximum over k for every J; `base` (…, K) is added to the exponents of every J."""
    (K, rho), batch = slopes.shape[-2:], offsets.shape[:-1]
    k, el = upper(K) if pairs else (np.zeros(0, dtype=np.intp),) * 2
    highest = offsets.max(axis=-1, keepdims=True)
    scale = np.exp(offsets - highest)
    width = math.comb(rho + max(order, 0), rho)
    value, size = np.zeros(batch), np.zeros(batch)
    moments = np.zeros((*batch, K if order >= 0 else 0, width))
    products = np.zeros((*batch, len(k), width))
    rows = math.prod(batch[:-1]) * width * max(len(k), K)
    for nodes, weights in rule.chunks(max(_SHORTEST, _CACHED // rows)):
        exponents = slopes @ nodes.T
        if curvature is not None:
            exponents = exponents + 0.5 * np.sum((curvature @ nodes.T) * nodes.T, axis=-2)
        if base is not None:
            exponents = exponents + base[..., None]
        if base is None and curvature is None:  # a spread below `_SPREAD`, round 0
            powers = np.exp(exponents)
            totals = scale @ powers
            logs = np.log(totals)
        else:
            top = exponents.max(axis=-2, keepdims=True)
            powers = np.exp(exponents - top)
            totals = scale @ powers
            logs = np.log(totals) + top
        value += logs @ weights
        size += np.abs(logs) @ weights
        if order >= 0:
            features = monomials(nodes, order)
            moments += _contracted(weights / totals, powers, features)
        if pairs:
            products += _contracted(weights / totals**2, powers[..., k, :] * powers[..., el, :], features)
    if order >= 0:
        moments *= scale[..., None]
    if pairs:
        products *= (scale[..., k] * scale[..., el])[..., None]
    return Sums(value + highest[..., 0], size, moments, products)


def _longest(rows: Floats) -> float:
    """Return the greatest length of a row (…, n)."""
    return math.sqrt(float(np.square(rows).sum(axis=-1).max(initial=0.0)))


def _contracted(weights: Floats, powers: Floats, features: Floats) -> Floats:
    """Return Σ_n weights[…, j, n] powers[…, k, n] features[f, n] as (…, J, K, f)."""
    rows = powers[..., :, None, :] * features
    flat = rows.reshape(*rows.shape[:-3], -1, rows.shape[-1])
    sums = weights @ np.swapaxes(flat, -1, -2)
    return sums.reshape(*sums.shape[:-1], *rows.shape[-3:-1])


def monomials(nodes: Floats, order: int) -> Floats:
    """Return the monomials 1, s_a, s_a s_b (a ≤ b) up to `order` ≤ 2 at the nodes (N × ρ): f × N."""
    rows = [np.ones((1, len(nodes)))]
    if order >= 1:
        rows.append(nodes.T)
    if order >= 2:
        a, b = upper(nodes.shape[1])
        rows.append(nodes.T[a] * nodes.T[b])
    return np.concatenate(rows)


@lru_cache(maxsize=64)
def upper(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the indices i ≤ j of the upper triangle of n × n, row by row; not to be written to."""
    rows, columns = np.triu_indices(n)
    return rows, columns


def symmetric_moments(moments: Floats, rho: int) -> tuple[Floats, Floats, Floats]:
    """Return moments (…, f) as arrays (…), (…, ρ) and (…, ρ, ρ); zeros above the order that they hold."""
    first = np.zeros((*moments.shape[:-1], rho))
    second = np.zeros((*moments.shape[:-1], rho, rho))
    if moments.shape[-1] >= 1 + rho:
        first[...] = moments[..., 1 : 1 + rho]
    if moments.shape[-1] > 1 + rho:
        a, b = upper(rho)
        second[..., a, b] = second[..., b, a] = moments[..., 1 + rho :]
    return moments[..., 0], first, second
