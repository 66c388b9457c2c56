"""Rank-one minimisers of InfoNCE for three equal components: what settles a box of their parameters (PROOFS.md, 10).

At M = τuuᵀ the softmax is p_k ∝ e^{t e_k}, with t ~ N(D²e_j, D²τ) given j: D is the range of the √τ uᵀν_k, which are
De, e = (y − 2, 1 − 2y, 1 + y)/3, and n = (−y, 1, y − 1) is across. A box has a bias δ, a share y ∈ [0, ½] of the range,
the range D and the deviation σ = √τ. P_jk = E[p_k | j] and C_kl = E p_k p_l.
"""

from collections.abc import Callable
from typing import NamedTuple

from flint import arb, fmpq

from thmverify.kernel.covers.bisection import Box, interval

AXES = ("bias", "share", "range", "deviation")
SCALES = (fmpq(8), fmpq(1, 4), fmpq(2), fmpq(1))  # the least bias is the worst, so that one is seldom halved
HALF = fmpq(1, 2)
_TURN, _REACH, _LIFT = fmpq(12, 5), fmpq(4), fmpq(3)  # of phases, < π; of the nodes; of the strip, at most


class Softmax(NamedTuple):
    """P_jk as three rows; C_12, C_23 and C_13."""

    P: list[list[arb]]
    C: list[arb]


class Candidate(NamedTuple):
    """What stationarity and the slope are made of, the quantities of PROOFS.md, 10.3; X is X₀."""

    tau: arb
    D: arb
    S: arb
    V: arb
    B: arb
    X: arb
    Cov: arb
    Q: arb


def nodes(width: fmpq) -> int:
    """Return how many steps the lattice takes to either side, for σD at most `width`."""
    return 5 + int(2 * width.p // width.q)


def softmax(box: Box) -> Softmax:
    """Enclose P and C, for all parameters in the box, by sums over the nodes hn (PROOFS.md, 10.4)."""
    _, share, range_, deviation = box
    y, D, sigma = interval(*share), interval(*range_), interval(*deviation)
    width = range_[1] * deviation[1]
    N, a = nodes(width), _LIFT if width * _LIFT <= _TURN else _TURN / width
    h = _REACH / N
    decay = (2 * arb.pi() * arb(a / h)).exp() - 1
    error = 2 * arb(a * a / 2).exp() / (arb(a * width / 2).cos() ** 2 * decay)
    slack = arb(0, 1) * error + arb(0).union((arb(_REACH) / arb(2).sqrt()).erfc())
    weights = [arb(h) / (2 * arb.pi()).sqrt() * arb(-((h * n) ** 2) / 2).exp() for n in range(N + 1)]
    P, C = list[list[arb]](), [slack, slack, slack]
    for e in _means(y):
        row = [slack, slack, slack]
        for n in range(-N, N + 1):
            t, weight = D * D * e + sigma * D * arb(h * n), weights[abs(n)]
            up, down, both = (t * y).exp(), (t * (y - 1)).exp(), t.exp()  # p₃/p₂, p₁/p₂, p₃/p₁
            p = [1 / (1 + 1 / down + both), 1 / (1 + up + down), 1 / (1 + 1 / up + 1 / both)]
            row = [total + weight * x for total, x in zip(row, p, strict=True)]
            pairs = (p[0] * p[1], p[1] * p[2], p[0] * p[2])
            C = [total + weight * x / 3 for total, x in zip(C, pairs, strict=True)]
        P.append([x.max(arb(0)).min(arb(1)) for x in row])
    return Softmax(P, [x.max(arb(0)) for x in C])


def _means(y: arb) -> tuple[arb, arb, arb]:
    return (y - 2) / 3, (1 - 2 * y) / 3, (1 + y) / 3


def candidate(box: Box) -> Candidate:
    """Return the quantities of a box, from P and C."""
    (_, P12, P13), (P21, _, P23), (P31, P32, _) = (found := softmax(box)).P
    C12, C23, C13 = found.C
    delta, y, D, sigma = (interval(*side) for side in box)
    e1, e2, e3 = _means(y)
    S = 2 * (1 - y + y * y) / 9
    B = e1 * ((1 - y) * P12 + P13) + e2 * (y * P23 - (1 - y) * P21) - e3 * (y * P32 + P31)
    X = (2 + 4 * y - 4 * y * y) * (P32 - P12) + (2 - 8 * y + 2 * y * y) * (P13 - P23)
    X += (4 - 4 * y - 2 * y * y) * (P31 - P21)
    Q = -y * (1 + y) * P12 + y * (1 - 2 * y) * P13 - (1 + y) * P21 - (2 - y) * P23
    Q -= (1 - y) * ((2 - y) * P32 + (1 - 2 * y) * P31)
    return Candidate(
        tau=sigma * sigma,
        D=D,
        S=S,
        V=(1 - y) * (1 - y) * C12 + y * y * C23 + C13,
        B=(1 - delta) * S + B / 3,
        X=X / 9,
        Cov=(1 - y * y) * C12 - y * (2 - y) * C23 - (1 - 2 * y) * C13,
        Q=(1 - delta) * 3 * S + Q / 3,
    )


def stationarity(c: Candidate) -> bool:
    """uᵀ∇L u ≠ 0."""
    F = c.tau * c.tau + c.D * c.D * (c.tau * (c.S + c.V) + c.B)
    return bool(F > 0) or bool(F < 0)


def signal(c: Candidate) -> bool:
    """The slope across is negative whatever the offsets: [[B, X₀/2], [X₀/2, Q]] ≺ 0."""
    return bool(c.B < 0) and bool(c.Q < 0) and bool(c.X * c.X < 4 * c.B * c.Q)


def slope(c: Candidate) -> bool:
    """The slope across is negative with the offsets for which uᵀ∇L v = 0."""
    rho = c.D * (c.X + c.tau * c.Cov) / (2 * c.tau + c.D * c.D * (c.S + c.V))
    return bool(c.Q + rho * (rho - c.D * c.Cov) < 0)


TESTS: dict[str, Callable[[Candidate], bool]] = {"slope": slope, "signal": signal, "stationarity": stationarity}


def far(bias: fmpq, least: fmpq) -> bool:
    """Decide whether the slope is negative for each range of at least `least`, share, deviation ≤ 1 and bias ≥ `bias`.

    The inequality of PROOFS.md, 10.6, for y ≤ ¼ and for y ≥ ¼.
    """
    if not least > 0:
        return False
    tail = _beyond(least / 6) + arb(-least * least / 24).exp() + arb(-least * least / 6).exp()
    middle = _beyond(least / 6 - 6 / least) + arb(-6).exp()
    near = (fmpq(1, 2), fmpq(2), fmpq(2, 3) + fmpq(4, 3) * middle, (fmpq(7, 32) + middle) / 3)
    wide = (fmpq(5, 8), fmpq(13, 8), arb(fmpq(73, 96)), arb(fmpq(5, 64)))
    for fall, square, x, k in (near, wide):
        X, Cov = x + 2 * tail, k + tail
        rest = 6 * X * Cov + 108 * (X / 3 + Cov) ** 2 / arb(least * least) + tail / 8
        if not rest + arb((1 - bias) * square) < arb(fall):
            return False
    return True


def _beyond(x: fmpq) -> arb:
    """Return Pr(g > x), g ~ N(0, 1)."""
    return (arb(x) / arb(2).sqrt()).erfc() / 2
