"""Rank-one minimisers of InfoNCE for three equal components, whatever the bias: their slope across (PROOFS.md, 10).

At M = τuuᵀ the softmax is p_k ∝ e^{t e_k}, with t ~ N(D²e_j, D²τ) given j: D is the range of the √τ uᵀν_k, which are
De, e = (y − 2, 1 − 2y, 1 + y)/3, and n = (−y, 1, y − 1) is across. A box has a share y ∈ [0, ½] of the range, the range
D and the deviation σ = √τ ∈ [0, 1]. P_jk = E[p_k | j] and C_kl = E p_k p_l.
"""

from typing import NamedTuple

from flint import arb, fmpq

from thmverify.kernel.covers.bisection import Box, interval

AXES = ("share", "range", "deviation")
SCALES = (fmpq(1, 4), fmpq(2), fmpq(1))
HALF = fmpq(1, 2)
_TURN, _REACH, _LIFT = fmpq(12, 5), fmpq(4), fmpq(3)  # of phases, < π; of the nodes; of the strip, at most
_BEND_E, _BEND_N = fmpq(4, 27), fmpq(7, 25)  # bounds of ê″ and n̂″


class Softmax(NamedTuple):
    """P_jk as three rows; C_12, C_23 and C_13."""

    P: list[list[arb]]
    C: list[arb]


def nodes(width: fmpq) -> int:
    """Return how many steps the lattice takes to either side, for σD at most `width`."""
    return 5 + int(2 * width.p // width.q)


def softmax(box: Box) -> Softmax:
    """Enclose P and C, for all parameters in the box, by sums over the nodes hn (PROOFS.md, 10.4)."""
    share, range_, deviation = box
    y, D, sigma, one = interval(*share), interval(*range_), interval(*deviation), arb(1)
    width = range_[1] * deviation[1]
    N, a = nodes(width), _LIFT if width * _LIFT <= _TURN else _TURN / width
    h = _REACH / N
    decay = (2 * arb.pi() * arb(a / h)).exp() - 1
    error = 2 * arb(a * a / 2).exp() / (arb(a * width / 2).cos() ** 2 * decay)
    slack = arb(0, 1) * error + arb(0).union((arb(_REACH) / arb(2).sqrt()).erfc())
    weights = [arb(h) / (2 * arb.pi()).sqrt() * arb(-((h * n) ** 2) / 2).exp() for n in range(N + 1)]
    steps = [(sigma * D * arb(h * n), weights[abs(n)]) for n in range(-N, N + 1)]
    P, C = list[list[arb]](), [slack, slack, slack]
    for e in _means(y):
        start, z, p1, p2, p3, c12, c23, c13 = D * D * e, y - one, slack, slack, slack, arb(0), arb(0), arb(0)
        for step, weight in steps:
            t = start + step
            up, down, both = (t * y).exp(), (t * z).exp(), t.exp()  # p₃/p₂, p₁/p₂, p₃/p₁
            q1, q2, q3 = one / (one + one / down + both), one / (one + up + down), one / (one + one / up + one / both)
            first, second, third = weight * q1, weight * q2, weight * q3
            p1, p2, p3 = p1 + first, p2 + second, p3 + third
            c12, c23, c13 = c12 + first * q2, c23 + second * q3, c13 + first * q3
        P.append([x.max(arb(0)).min(arb(1)) for x in (p1, p2, p3)])
        C = [total + x / 3 for total, x in zip(C, (c12, c23, c13), strict=True)]
    return Softmax(P, [x.max(arb(0)) for x in C])


def _means(y: arb) -> tuple[arb, arb, arb]:
    return (y - 2) / 3, (1 - 2 * y) / 3, (1 + y) / 3


def slope(box: Box) -> arb:
    """Enclose the slope across, less what (F) says is 0: Q − 3B − 3τ(τ/D² + S + V) + ρ(ρ − DCov) of PROOFS.md, 10.3."""
    (_, P12, P13), (P21, _, P23), (P31, P32, _) = (found := softmax(box)).P
    C12, C23, C13 = found.C
    y, D, sigma = (interval(*side) for side in box)
    tau, S, V = sigma * sigma, 2 * (1 - y + y * y) / 9, (1 - y) * (1 - y) * C12 + y * y * C23 + C13
    Cov = (1 - y * y) * C12 - y * (2 - y) * C23 - (1 - 2 * y) * C13
    X = (2 + 4 * y - 4 * y * y) * (P32 - P12) + (2 - 8 * y + 2 * y * y) * (P13 - P23)
    X += (4 - 4 * y - 2 * y * y) * (P31 - P21)
    straight = (2 - 4 * y) * (P12 - P32) + (2 - 2 * y * y) * (P13 - P23) + (4 * y - 2 * y * y) * (P31 - P21)
    rho = D * (X / 9 + tau * Cov) / (2 * tau + D * D * (S + V))
    return straight / 3 - 3 * tau * (tau / (D * D) + S + V) + rho * (rho - D * Cov)


def settles(box: Box) -> bool:
    """Whether no point of the box is a minimiser's: the slope across is certainly negative."""
    return bool(slope(box) < 0)


def near(most: fmpq) -> bool:
    """Decide whether the slope is negative for all ranges of at most `most`: the inequality of PROOFS.md, 10.5."""
    if not 0 < most <= 1:
        return False
    D, bend = arb(most), arb(_BEND_N)
    root = (1 + 2 * D * D / 9).sqrt()
    rho = (arb(_BEND_N / 3 + _BEND_E / 2)) * D + bend * root / 2
    return bool(arb(_BEND_E + _BEND_N / 2) * D * D / 6 + D * D * rho * (rho + bend * root) < arb(fmpq(1, 12)))


def far(least: fmpq) -> bool:
    """Decide whether the slope is negative for all ranges of at least `least`: the inequalities of PROOFS.md, 10.6."""
    if not least > 0:
        return False
    tail = _beyond(least / 6) + arb(-least * least / 24).exp() + arb(-least * least / 6).exp()
    low, middle = (_beyond(least / n - 6 / least) + arb(-6).exp() for n in (6, 12))
    cases = (
        (fmpq(15, 8) * (HALF - low), fmpq(2, 3) + fmpq(4, 3) * low, (fmpq(7, 32) + low) / 3),
        (fmpq(55, 64) - fmpq(27, 32) * middle, fmpq(9, 32) + fmpq(23, 24) * middle, arb(fmpq(5, 64))),
        (arb(fmpq(39, 64)), arb(fmpq(71, 128)), arb(fmpq(5, 64))),
    )
    return all(_falls(fall, x + 2 * tail, k + tail, least, tail) for fall, x, k in cases)


def _falls(fall: arb, X: arb, Cov: arb, least: fmpq, tail: arb) -> bool:
    """Whether `fall` outweighs the rest, for bounds of 3|X₀| and |Cov|."""
    return bool(6 * X * Cov + 108 * (X / 3 + Cov) ** 2 / arb(least * least) + 7 * tail / 2 < fall)


def _beyond(x: fmpq) -> arb:
    """Return Pr(g > x), g ~ N(0, 1)."""
    return (arb(x) / arb(2).sqrt()).erfc() / 2
