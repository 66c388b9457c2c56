"""Log-sum-exps of candidates in mpmath, for maps of rank 1: Gauss–Legendre panels over p, and rules over s and a score.

A second opinion on the rules, not bounds.
"""

from __future__ import annotations

from bisect import bisect
from itertools import pairwise
from typing import Any

from mpmath import mp

from thmverify.integrate.candidates import Anchor, CandidateMoments, Candidates
from thmverify.integrate.multiprecision import nodes, to_mpf

_PANELS = (0, 0.125, 0.5, 1.5, 4)


def expected_logarithm(problem: Candidates, digits: int) -> Any:
    """Return Σ weight · E log Σ_i exp(pᵀq_i) as an mpf computed with `digits` digits.

    Raises ValueError for more than one dimension.
    """
    if problem.dimension > 1:
        raise ValueError("candidates in more than one dimension have no second opinion")
    with mp.workdps(digits + 6):
        total = to_mpf(problem.mean)
        for anchor in problem.anchors:
            value = mp.log(anchor.count)
            if problem.dimension:
                value += _excess(problem, anchor, digits + 1)
            total += to_mpf(anchor.weight) * value
        return total


def moments(problem: Candidates, _: int) -> CandidateMoments:
    """Refuse: the softmax of candidates has no second opinion in mpmath. Raises ValueError."""
    raise ValueError(f"the softmax of {problem.anchors[0].count} candidates has no second opinion")


def _excess(problem: Candidates, anchor: Anchor, digits: int) -> Any:
    """Return E J(p), J(p) = E[log Σ e^{pq_i} | p] − log n − pβ."""
    m, root = to_mpf(anchor.mean[0, 0]), mp.sqrt(to_mpf(anchor.covariance[0, 0]))
    beta = to_mpf(problem.centre(anchor)[0, 0])
    laws = [(to_mpf(b[0, 0]) - beta, mp.sqrt(to_mpf(H[0, 0]))) for b, H in problem.targets]
    groups = [([(place, to_mpf(v)) for place, v in group.chances], group.count) for group in anchor.draw]
    reach = root * mp.sqrt(2 * (digits + 2) * mp.log(10))
    total = mp.mpf(0)
    for sign in (1, -1):
        far = sign * m + reach
        if far <= 0:
            continue

        def f(p: Any, sign: int = sign) -> Any:
            given = [(sign * p * b, p * h) for b, h in laws]
            return mp.npdf(p, sign * m, root) * _inner(given, groups, anchor.count, digits)

        near = max(sign * m - reach, mp.mpf(0))
        ends = [near, *(x for x in _PANELS if near < x < far), far]
        total += mp.fsum(w * f(x) for a, b in pairwise(_split(ends, 4 * min(root, 1))) for x, w in nodes(a, b, 2))
    return total


def _split(ends: list[Any], longest: Any) -> list[Any]:
    """Return the ends with more in between, so that no panel is longer."""
    found = [ends[0]]
    for start, end in pairwise(ends):
        count = int(mp.ceil((end - start) / longest))
        found += [start + (end - start) * (i + 1) / count for i in range(count)]
    return found


def _inner(
    laws: list[tuple[Any, Any]], groups: list[tuple[list[tuple[tuple[int, ...], Any]], int]], n: int, digits: int
) -> Any:
    """Return ∫ (g(s + log n) − Φ(s)) ds for scores N(a, σ²), the nodes of all at multiples of steps of their own."""
    nats = (digits + 2) * mp.log(10)
    step = mp.pi**2 / (nats + 2)
    tables = []
    for a, sigma in laws:
        alpha = min(mp.sqrt(2 * nats), mp.pi / 2 / sigma)
        h = 2 * mp.pi * alpha / (nats + alpha * alpha / 2)
        count = int(mp.ceil(mp.sqrt(2 * nats) / h))
        places = [i * h for i in range(-count, count + 1)]
        tables.append(([mp.exp(a + sigma * u) for u in places], [h * mp.npdf(u) for u in places]))
    wide = mp.sqrt(2 * nats)
    s = -nats - mp.log(n) - max(a + wide * sigma for a, sigma in laws)
    end = max(wide * sigma - a for a, sigma in laws) + mp.log(nats) + 1
    total, lost = mp.mpf(0), nats + 12
    while s < end:
        E = -mp.exp(s)  # negative: what a scale is multiplied by
        seen = [(scales[: bisect(scales, -lost / E)], weights) for scales, weights in tables]  # of what is not lost
        values = [mp.fdot(weights[: len(scales)], [mp.exp(E * z) for z in scales]) for scales, weights in seen]
        product = mp.mpf(1)
        for chances, count in groups:
            product *= mp.fsum(v * mp.fprod(values[k] for k in place) for place, v in chances) ** count
        total += mp.exp(E * n) - product
        s += step
    return total * step
