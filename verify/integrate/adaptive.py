"""Adaptive rigorous integration on the line (`acb.integral`, Petras's algorithm), for logits too steep for a lattice.

The integrands are analytic where they are finite; where a logarithm would meet its cut, or a sum its zero, they return
an infinite ball when the integrator asks for analyticity, and it bisects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from flint import acb, arb

from thmverify.integrate.lattice import Window, growth_of, outside, tails

_NOT_ANALYTIC = acb("nan", "nan")


def _logits(win: Window, s: acb) -> list[acb]:
    return [
        b + s * (row[0] + s * (win.curvature(k, 0, 0) / 2))
        for k, (b, row) in enumerate(zip(win.beta, win.slopes, strict=True))
    ]


def _relative_sum(win: Window, s: acb) -> tuple[list[acb], acb, int]:
    """Return w_k exp(ℓ_k − ℓ_r), their sum, and the index r of the largest logit at the middle of the ball."""
    logits = _logits(win, s)
    r = max(range(len(logits)), key=lambda k: float(logits[k].real.mid()))
    # ℓ_k − ℓ_r as one polynomial: subtracting wide balls would lose what they share.
    terms = []
    for k, weight in enumerate(win.weights):
        slope = win.slopes[k][0] - win.slopes[r][0]
        bend = (win.curvature(k, 0, 0) - win.curvature(r, 0, 0)) / 2
        terms.append(weight * (win.beta[k] - win.beta[r] + s * (slope + s * bend)).exp())
    return terms, sum(terms, acb(0)), r


def _density(s: acb, centre: arb) -> acb:
    return (-(s - centre) * (s - centre) / 2).exp() / (2 * arb.pi()).sqrt()


def _integrate(f: Callable[[acb, bool], acb], breaks: Sequence[arb], goal: arb) -> arb:
    total = arb(0)
    for lo, hi in pairwise(breaks):
        total += acb.integral(f, acb(lo), acb(hi), abs_tol=goal, rel_tol=goal, eval_limit=200_000).real
    return total


def _breaks(centre: arb, radius: int) -> list[arb]:
    start = arb(centre.mid())
    return [start + offset for offset in range(-radius, radius + 1, 2)]


def values(win: Window, nats: float) -> list[arb]:
    """Return an enclosure of each component's value; its width is whatever the integrator reached."""
    goal, radius, out = (-arb(nats)).exp(), _radius(nats), []
    for centre in win.centres:

        def f(s: acb, analytic: bool, c: arb = centre[0]) -> acb:
            _, total, r = _relative_sum(win, s)
            if analytic and not total.real > 0:
                return _NOT_ANALYTIC
            return _density(s, c) * (_logits(win, s)[r] + total.log())

        ball = _integrate(f, _breaks(centre[0], radius), goal)
        out.append(ball + _tail(win, centre, radius))
    return out


def _radius(nats: float) -> int:
    return 2 * int((2 * nats) ** 0.5 / 2 + 1)


def _tail(win: Window, centre: Sequence[arb], radius: int) -> arb:
    """Return a ball round 0 that holds what lies more than `radius` (less the centre's rounding) from the centre."""
    R = arb(radius) - (centre[0] - arb(centre[0].mid())).abs_upper()
    size = outside(growth_of(win, centre), 0, tails(R))
    return arb(0, size.upper())
