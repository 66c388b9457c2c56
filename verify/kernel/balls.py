"""Gaussian integrals of pairs of softmax weights, E[p_k p_l], enclosed by lattice points in a ball (PROOFS.md, 2.5).

q ~ N(c, H) and p_k ∝ w_k exp(b_k·q). A ball names the *active* k; the other p_k have to be negligible. With a basis
of the b_k − b_a, a the first active, times the ball's frame as F, b_k − b_a = Fβ_k. With FᵀHF = LLᵀ and Fᵀ(q − c) =
Lu, u ~ N(0, I) in R^r, the logits are constants and α_k·u, α_k = Lᵀβ_k. The nodes are those u = h∘n and u = h∘(n +
½·1), n ∈ Z^r, that are near 0: a body-centred lattice, stretched along the axes.
"""

import itertools
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat, fmpz_poly

from thmverify.kernel.linear import cholesky, echelon, select
from thmverify.kernel.parse import check_hint, integer, matrix, rational, vector
from thmverify.kernel.strict import Rejected, array, record

MAX_AXES = 8
MAX_POINTS = 5 * 10**4  # of one half of the axes, in the box around the ball
MAX_PRODUCTS = 3 * 10**6  # points · pairs of a half: less than a gigabyte
MAX_NODE_WORK = 4 * 10**10  # nodes · (K² + 64) · bits, at least 128: about ten seconds
_CHUNK, _LEVELS = 64, 16  # points of the first half that are summed together, and how finely their reaches differ
_SHELLS = 64  # of the dual lattice are counted: those of square norm up to it

Point = tuple[int, list[fmpq]]  # |u|², as a multiple of something, and u
Block = tuple[int, int, int]


class Ball(NamedTuple):
    """The active k; the frame (r × r); the steps h; the radius around 0; the half-width a: |Im u/h| ≤ a."""

    active: list[int]
    frame: fmpq_mat
    steps: list[fmpq]
    radius: fmpq
    width: fmpq


class Logits(NamedTuple):
    """The active p_k ∝ c_k exp(α_k·u): the c_k and the α_k (r columns)."""

    scales: list[arb]
    slopes: arb_mat


def read_ball(value: object, name: str) -> Ball:
    """Return the ball that a certificate describes."""
    active, frame, steps, radius, width = record(value, name, ("active", "frame", "steps", "radius", "width"))
    indices, h = [integer(k, "active", 0, 10**4) for k in array(active, "active")], vector(steps, "steps")
    if not indices or any(k >= n for k, n in itertools.pairwise(indices)):
        raise Rejected("the active components of a ball are none, or are not in order")
    if len(h) > MAX_AXES or any(x <= 0 for x in h):
        raise Rejected(f"a ball has more than {MAX_AXES} axes, or a step that is not positive")
    turn = matrix(frame, "frame")
    check_hint("frame", turn)
    return Ball(indices, turn, h, rational(radius, "radius", 0), rational(width, "width", 0))


def pair_moments(
    weights: Sequence[fmpq], b: fmpq_mat, mean: fmpq_mat, covariance: fmpq_mat, ball: Ball
) -> tuple[list[arb], arb_mat]:
    """Return E p_k (K) and E[p_k p_l] (K × K), q ~ N(mean, covariance), p_k ∝ w_k exp(b_k·q), b = [b_1 …] (ρ × K)."""
    K, active = len(weights), ball.active
    if active[-1] >= K:
        raise Rejected("a ball has more active components than there are")
    rest = {k: _negligible(weights, b, mean, covariance, k, active) for k in range(K) if k not in active}
    logits, lost = _along(weights, b, mean, covariance, ball), sum(rest.values(), arb(0))
    error = dual_error(logits.slopes, ball)
    if not error < 1:
        raise Rejected("the lattice of a ball is too coarse for a bound")
    sums = pair_sums(logits, ball)
    missing = 1 + error - sum(sums.entries(), arb(0))

    def integral(total: arb, lost: arb) -> arb:
        return (total / (1 + error) - lost).max(arb(0)).union((total + missing) / (1 - error))

    single = [arb(0).union(rest.get(k, arb(0))) for k in range(K)]
    pairs = [[arb(0).union(rest.get(k, arb(1)).min(rest.get(n, arb(1)))) for n in range(K)] for k in range(K)]
    for k, row in zip(active, sums.tolist(), strict=True):
        single[k] = integral(sum(row, arb(0)), lost)
        for n, total in zip(active, row, strict=True):
            pairs[k][n] = integral(total, 2 * lost)
    return single, arb_mat(pairs)


def _negligible(
    weights: Sequence[fmpq], b: fmpq_mat, mean: fmpq_mat, covariance: fmpq_mat, k: int, active: list[int]
) -> arb:
    """Return a bound of E p_k ≤ E (p_k/p_n)^τ = exp(τg + τ²v/2), 0 ≤ τ ≤ 1, g and v of log p_k/p_n, n active."""
    least = arb(1)
    for n in active:
        apart = _column(b, k) - _column(b, n)
        gap = arb(weights[k] / weights[n]).log() + arb((apart.transpose() * mean)[0, 0])
        spread = arb((apart.transpose() * covariance * apart)[0, 0])
        tau = (-gap / spread).mid().max(arb(0)).min(arb(1)) if spread > 0 else arb(1)
        least = least.min((tau * gap + tau * tau * spread / 2).exp())
    return least.upper()


def _column(m: fmpq_mat, k: int) -> fmpq_mat:
    return select(m, range(m.nrows()), [k])


def _along(weights: Sequence[fmpq], b: fmpq_mat, mean: fmpq_mat, covariance: fmpq_mat, ball: Ball) -> Logits:
    """Return the logits of the active components along u, up to one summand: their slopes add up to 0."""
    ones = fmpq_mat(1, len(ball.active), [1] * len(ball.active))
    apart = select(b, range(b.nrows()), ball.active) - _column(b, ball.active[0]) * ones
    reduced, pivots = echelon(apart)  # apart = basis · reduced
    if (ball.frame.nrows(), ball.frame.ncols(), len(ball.steps)) != (len(pivots),) * 3:
        raise Rejected(f"a ball does not have the {len(pivots)} dimensions that its active logits see")
    F = select(apart, range(b.nrows()), pivots) * ball.frame
    beta = ball.frame.inv() * select(reduced, range(len(pivots)), range(len(ball.active)))
    centred = beta - beta * ones.transpose() * ones / len(ball.active)
    slopes = arb_mat(centred.transpose()) * cholesky(arb_mat(F.transpose() * covariance * F))
    level = (apart.transpose() * mean).entries()
    return Logits([arb(weights[k]) * arb(x).exp() for k, x in zip(ball.active, level, strict=True)], slopes)


def dual_error(slopes: arb_mat, ball: Ball) -> arb:
    """Return a bound of |lattice sum/integral − 1|, Σ e^{−2πa|m| + a²H²/2}/cos²(aD/2) over the m of the dual lattice.

    H = max h_i, D = max |h∘(α_k − α_l)|; the m ≠ 0 have whole entries with an even sum.
    """
    r, a = len(ball.steps), arb(ball.width)
    if r == 0:
        return arb(0)
    steep = [[arb(h) * x for h, x in zip(ball.steps, row, strict=True)] for row in slopes.tolist()]
    pairs = itertools.combinations(steep, 2)
    apart = [sum(((x - y) * (x - y) for x, y in zip(*pair, strict=True)), arb(0)) for pair in pairs]
    theta = a * max_of(apart).sqrt()
    if not (theta < arb.pi() and a > 0):
        raise Rejected("the tube of a ball is empty or too wide")
    rate, squares = 2 * arb.pi() * a, fmpz_poly([1, *(2 * int(math.isqrt(n) ** 2 == n) for n in range(1, _SHELLS + 1))])
    counts = squares**r
    near = sum((int(counts[n]) * (-rate * arb(n).sqrt()).exp() for n in range(2, _SHELLS + 1, 2)), arb(0))
    slow = (-rate / (2 * arb(r).sqrt())).exp()  # |m| ≥ Σ|m_i|/√r
    far = (-rate * arb(_SHELLS + 1).sqrt() / 2).exp() * ((1 + slow) / (1 - slow)) ** r
    growth = (a**2 * max_of([arb(h) for h in ball.steps]) ** 2 / 2).exp() / (theta / 2).cos() ** 2
    return ((near + far) * growth).upper()


def max_of(values: Sequence[arb]) -> arb:
    """Return the largest of these numbers and 0."""
    largest = arb(0)
    for x in values:
        largest = largest.max(x)
    return largest


def pair_sums(logits: Logits, ball: Ball) -> arb_mat:
    """Return the lattice sums of φ p_k p_l: over u = (u', u''), half of the axes each, Σ_u' Σ_u'' of three factors."""
    K, half = len(logits.scales), len(ball.steps) // 2
    pairs = list(itertools.combinations_with_replacement(range(K), 2))
    first, second = (select(logits.slopes, range(K), x) for x in (range(half), range(half, len(ball.steps))))
    totals, one = [arb(0)] * len(pairs), arb(1)
    for outer, inner, blocks in halves(ball):
        fronts = [[c * x for c, x in zip(logits.scales, row, strict=True)] for row in _exponentials(outer, first)]
        rows = _exponentials(inner, second)
        left, right = _products(outer, fronts, pairs), _products(inner, rows, pairs)
        for start, stop, reach in blocks:
            below = arb_mat(rows[:reach]) * arb_mat(fronts[start:stop]).transpose()
            shares = arb_mat(reach, stop - start, [one / (z * z) for z in below.entries()])
            along = (arb_mat(right[:reach]).transpose() * shares).transpose().tolist()
            for x, y in zip(left[start:stop], along, strict=True):
                totals = [total + a * b for total, a, b in zip(totals, x, y, strict=True)]
    cell = math.prod([arb(h) for h in ball.steps], start=arb(1)) / 2 / (2 * arb.pi()) ** (arb(len(ball.steps)) / 2)
    found = {pair: total * cell for pair, total in zip(pairs, totals, strict=True)}
    return arb_mat([[found[min(k, n), max(k, n)] for n in range(K)] for k in range(K)])


def check_balls(balls: Sequence[Ball], K: int) -> None:
    """Check that the nodes do not make too much work; no function is evaluated."""
    work, price = 0, (K * K + 64) * max(ctx.prec, 128)
    for ball in balls:
        for outer, inner, blocks in halves(ball):
            if (len(outer) + len(inner)) * len(ball.active) ** 2 > MAX_PRODUCTS:
                raise Rejected("the points of a ball make too many products")
            work += price * sum((stop - start) * reach for start, stop, reach in blocks)
            if work > MAX_NODE_WORK:
                raise Rejected("the balls ask for too much work")


def halves(ball: Ball) -> Iterator[tuple[list[Point], list[Point], list[Block]]]:
    """Yield, for each of the two shifts, the points u' and u'' in the order of |u|, and the nodes in blocks of pairs.

    A block (start, stop, reach) has the nodes (u', u'') of outer[start:stop] and inner[:reach]; together they are a
    set that contains the ball.
    """
    half, unit = len(ball.steps) // 2, math.lcm(2, *(int(h.q) for h in ball.steps)) ** 2
    limit = int(ball.radius.p) ** 2 * unit * 4 // int(ball.radius.q) ** 2
    for shift in (0, 1):
        outer, inner = (_points(steps, shift, unit, limit) for steps in (ball.steps[:half], ball.steps[half:]))
        level, sizes = len(inner) // _LEVELS + 1, [size for size, _ in inner]
        reaches = [-(-bisect_right(sizes, limit - size) // level) * level for size, _ in outer]
        blocks, start = [], 0
        for reach, group in itertools.groupby(reaches):
            stop = start + len(list(group))
            blocks += [(n, min(n + _CHUNK, stop), min(reach, len(inner))) for n in range(start, stop, _CHUNK) if reach]
            start = stop
        yield outer, inner, blocks


def _points(steps: Sequence[fmpq], shift: int, unit: int, limit: int) -> list[Point]:
    """Return the u = h∘(n + shift/2) with 4·unit·|u|² ≤ limit, in the order of |u|; unit is a square, h√unit whole."""
    root, found = math.isqrt(unit), [(0, list[fmpq]())]
    axes: list[list[tuple[int, fmpq]]] = []
    for h in steps:
        length = int(h.p) * root // int(h.q)
        most = math.isqrt(limit) // (2 * length) + 1
        if (2 * most + 1) * math.prod(len(axis) for axis in axes) > MAX_POINTS:
            raise Rejected("a ball has too many points")
        whole = [2 * n + shift for n in range(-most - shift, most + 1)]
        axes.append([(length * length * n * n, h * n / 2) for n in whole])
    for axis in axes:
        found = [(size + more, [*u, x]) for size, u in found for more, x in axis if size + more <= limit]
    return sorted(found, key=lambda point: point[0])


def _exponentials(points: list[Point], slopes: arb_mat) -> list[list[arb]]:
    """Return e^{α_k·u} for each u and k."""
    u = arb_mat(len(points), slopes.ncols(), [arb(x) for _, point in points for x in point])
    return [[x.exp() for x in row] for row in (u * slopes.transpose()).tolist()]


def _products(points: list[Point], rows: list[list[arb]], pairs: list[tuple[int, int]]) -> list[list[arb]]:
    """Return e^{−|u|²/2} x_k x_l for each u and pair k ≤ l, x the row of u."""
    gauss = [(arb(-sum((x * x for x in u), fmpq(0))) / 2).exp() for _, u in points]
    scaled = [[g * x for x in row] for g, row in zip(gauss, rows, strict=True)]
    return [[some[k] * row[n] for k, n in pairs] for some, row in zip(scaled, rows, strict=True)]
