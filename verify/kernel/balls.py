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
from thmverify.kernel.parse import check_work, integer, matrix, rational, vector
from thmverify.kernel.strict import Rejected, array, record

MAX_AXES = 8
MAX_POINTS = 5 * 10**4  # of one half of the axes, in the box around the ball
MAX_NODE_WORK = 10**11  # nodes · (K² + 64) · bits, at least 128: about half a minute
_CHUNK = 16  # points of the first half that are summed together
_SHELLS = 64  # of the dual lattice are counted: those of square norm up to it

Point = tuple[fmpq, list[fmpq]]  # |u|² and u
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
    check_work("frame", turn.nrows(), turn.ncols(), turn.entries())
    return Ball(indices, turn, h, rational(radius, "radius", 0), rational(width, "width", 0))


def pair_moments(weights: Sequence[fmpq], b: fmpq_mat, mean: fmpq_mat, covariance: fmpq_mat, ball: Ball) -> arb_mat:
    """Return E[p_k p_l] (K × K) for q ~ N(mean, covariance), p_k ∝ w_k exp(b_k·q), b = [b_1 … b_K] (ρ × K)."""
    K, active = len(weights), ball.active
    if active[-1] >= K:
        raise Rejected("a ball has more active components than there are")
    rest = [k for k in range(K) if k not in active]
    largest = {k: _negligible(weights, b, mean, covariance, k, active) for k in rest} | dict.fromkeys(active, arb(1))
    dropped = 2 * sum((largest[k] for k in rest), arb(0))
    logits = _along(weights, b, mean, covariance, ball)
    error, sums = dual_error(logits.slopes, ball), pair_sums(logits, ball)
    missing = 1 + error - sum(sums.entries(), arb(0))
    if not error < 1:
        raise Rejected("the lattice of a ball is too coarse for a bound")
    found = [[arb(0).union(largest[k].min(largest[n])) for n in range(K)] for k in range(K)]
    for (i, k), (j, n) in itertools.product(enumerate(active), repeat=2):
        low = (sums[i, j] / (1 + error) - dropped).max(arb(0))
        found[k][n] = low.union((sums[i, j] + missing) / (1 - error))
    return arb_mat(found)


def _negligible(
    weights: Sequence[fmpq], b: fmpq_mat, mean: fmpq_mat, covariance: fmpq_mat, k: int, active: list[int]
) -> arb:
    """Return a bound of E p_k ≤ E (p_k/p_n)^τ = exp(τg + τ²v/2), 0 ≤ τ ≤ 1, g and v of log p_k/p_n, for the active n."""
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
    apart = [
        sum(((x - y) ** 2 for x, y in zip(*pair, strict=True)), arb(0)) for pair in itertools.combinations(steep, 2)
    ]
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
    first, second = _columns(logits.slopes, 0, half), _columns(logits.slopes, half, len(ball.steps))
    totals = [arb(0)] * len(pairs)
    for outer, inner, blocks in halves(ball):
        fronts = [[c * x for c, x in zip(logits.scales, row, strict=True)] for row in _exponentials(outer, first)]
        rows = _exponentials(inner, second)
        left, right = _products(outer, fronts, pairs), _products(inner, rows, pairs)
        for start, stop, reach in blocks:
            below = arb_mat(rows[:reach]) * arb_mat(fronts[start:stop]).transpose()
            shares = arb_mat(reach, stop - start, [1 / (z * z) for z in below.entries()])
            along = (arb_mat(right[:reach]).transpose() * shares).transpose().tolist()
            for x, y in zip(left[start:stop], along, strict=True):
                totals = [total + a * b for total, a, b in zip(totals, x, y, strict=True)]
    cell = math.prod([arb(h) for h in ball.steps], start=arb(1)) / 2 / (2 * arb.pi()) ** (arb(len(ball.steps)) / 2)
    found = {pair: total * cell for pair, total in zip(pairs, totals, strict=True)}
    return arb_mat([[found[min(k, n), max(k, n)] for n in range(K)] for k in range(K)])


def node_work(balls: Sequence[Ball], K: int) -> int:
    """Return nodes · (K² + 64) · bits; no function is evaluated."""
    blocks = [block for ball in balls for *_, some in halves(ball) for block in some]
    return sum((stop - start) * reach for start, stop, reach in blocks) * (K * K + 64) * max(ctx.prec, 128)


def halves(ball: Ball) -> Iterator[tuple[list[Point], list[Point], list[Block]]]:
    """Yield, for each of the two shifts, the points u' and u'' in the order of |u|, and the nodes in blocks of pairs.

    A block (start, stop, reach) has the nodes (u', u'') of outer[start:stop] and inner[:reach]; together they are a
    set that contains the ball.
    """
    half, limit = len(ball.steps) // 2, ball.radius**2
    for shift in (fmpq(0), fmpq(1, 2)):
        outer, inner = _points(ball.steps[:half], shift, limit), _points(ball.steps[half:], shift, limit)
        blocks = []
        for start in range(0, len(outer), _CHUNK):
            reach = bisect_right(inner, limit - outer[start][0], key=lambda point: point[0])
            blocks.append((start, min(start + _CHUNK, len(outer)), reach))
        yield outer, inner, [block for block in blocks if block[2]]


def _points(steps: Sequence[fmpq], shift: fmpq, limit: fmpq) -> list[Point]:
    """Return the u = h∘(n + shift) with |u|² ≤ limit, in the order of |u|."""
    axes, found = [], [(fmpq(0), list[fmpq]())]
    for h in steps:
        most = math.isqrt(int(limit.p) * int(h.q) ** 2 // (int(limit.q) * int(h.p) ** 2)) + 1
        if (2 * most + 1) * math.prod(len(axis) for axis in axes) > MAX_POINTS:
            raise Rejected("a ball has too many points")
        axes.append([h * (n + shift) for n in range(-most - 1, most + 1)])
    for axis in axes:
        found = [(size + x * x, [*u, x]) for size, u in found for x in axis if size + x * x <= limit]
    return sorted(found, key=lambda point: point[0])


def _exponentials(points: list[Point], slopes: arb_mat) -> list[list[arb]]:
    """Return e^{α_k·u} for each u and k."""
    u = arb_mat(len(points), slopes.ncols(), [arb(x) for _, point in points for x in point])
    return [[x.exp() for x in row] for row in (u * slopes.transpose()).tolist()]


def _products(points: list[Point], rows: list[list[arb]], pairs: list[tuple[int, int]]) -> list[list[arb]]:
    """Return e^{−|u|²/2} x_k x_l for each u and pair k ≤ l, x the row of u."""
    gauss = [(arb(-size) / 2).exp() for size, _ in points]
    return [[g * row[k] * row[n] for k, n in pairs] for g, row in zip(gauss, rows, strict=True)]


def _columns(m: arb_mat, start: int, stop: int) -> arb_mat:
    return arb_mat(m.nrows(), stop - start, [x for row in m.tolist() for x in row[start:stop]])
