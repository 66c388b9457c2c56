"""The minimiser of InfoNCE for all instances of a box, followed along the box to first order (PROOFS.md, 10.8).

Of a number there is what it is in the middle of the box, and slopes: f(θ) − f(θ°) ∈ Σ_i (θ_i − θ°_i)·slope_i. A factor
V of the minimiser's Y may move with θ, so that the gradient of the loss at it stays near 0 on all of the box.
"""

import itertools
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import NamedTuple

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from thmverify.kernel.covers.bisection import Box
from thmverify.kernel.covers.nearby import Axis
from thmverify.kernel.enclosure import Enclosed, complement, enclosed, infonce_rank, rising
from thmverify.kernel.integrals import Grid, Grids, Moments, Whitened, check_grids, component_moments, read_grids
from thmverify.kernel.linear import certainly_definite, cholesky
from thmverify.kernel.models import Finding, Pairs
from thmverify.kernel.parse import bits, matrix, read
from thmverify.kernel.rules.ranks import equality
from thmverify.kernel.strict import MAX_SIZE, Rejected, array

Slopes = dict[int, arb_mat]


class Sloped:
    """A matrix that depends on θ: `middle` at θ°, and for some i a slope; the θ_i − θ°_i are in the balls `steps`."""

    def __init__(self, middle: fmpq_mat | arb_mat, slopes: Slopes, steps: Sequence[arb]) -> None:
        self.middle, self.slopes, self.steps = arb_mat(middle), slopes, steps

    @cached_property
    def value(self) -> arb_mat:
        """What contains it at every θ of the box."""
        return sum((slope * self.steps[i] for i, slope in self.slopes.items()), self.middle)

    def map(self, linear: Callable[[arb_mat], arb_mat]) -> "Sloped":
        """Return a linear function of it."""
        return Sloped(linear(self.middle), {i: linear(slope) for i, slope in self.slopes.items()}, self.steps)

    def __add__(self, other: "Sloped") -> "Sloped":
        slopes = dict(self.slopes)
        for i, slope in other.slopes.items():
            slopes[i] = slopes[i] + slope if i in slopes else slope
        return Sloped(self.middle + other.middle, slopes, self.steps)

    def __sub__(self, other: "Sloped") -> "Sloped":
        return self + other.map(lambda x: -x)

    def __mul__(self, other: "Sloped") -> "Sloped":
        """fg − f°g° = (f − f°)g° + f(g − g°)."""
        left = Sloped(self.middle * other.middle, {i: x * other.middle for i, x in self.slopes.items()}, self.steps)
        right = {i: self.value * y for i, y in other.slopes.items()}
        return left + Sloped(arb_mat(self.middle.nrows(), other.middle.ncols()), right, self.steps)

    def times(self, factor: "Sloped") -> "Sloped":
        """Return its product with a number (1 × 1)."""
        f, whole = factor.middle[0, 0], self.value
        moved = Sloped(self.middle * arb(0), {i: whole * x[0, 0] for i, x in factor.slopes.items()}, self.steps)
        return self.map(lambda x: x * f) + moved

    def transpose(self) -> "Sloped":
        """Return the transpose."""
        return self.map(lambda x: x.transpose())

    def inv(self) -> "Sloped":
        """f⁻¹ − f°⁻¹ = −f⁻¹(f − f°)f°⁻¹."""
        middle, whole = self.middle.inv(), self.value.inv()
        return Sloped(middle, {i: -(whole * x * middle) for i, x in self.slopes.items()}, self.steps)

    def column(self, k: int) -> "Sloped":
        """Return a column."""
        return self.map(lambda x: arb_mat([[x[i, k]] for i in range(x.nrows())]))


class Family:
    """The laws of t = (BQ)ᵀx of all instances of a box: w (K × 1), the means (m × K), δ (1 × 1); Σ, the same for all.

    The parameters are those of the axes, then, for a radius, each weight, δ, and each coordinate of each mean.
    """

    def __init__(self, pairs: Pairs, Q: fmpq_mat, axes: Sequence[Axis], box: Box, rho: fmpq) -> None:
        base, B = pairs.mixture, pairs.mixture.fisher
        law, turned = base.on_fisher.reduced(Q), (B * Q).transpose()
        m, K = law.means.nrows(), law.means.ncols()
        self.sigma = law.sigma
        self.steps = [arb(0, arb((high - low) / 2).upper()) for low, high in box]
        shifts = [(low + high) / 2 - axis.at for (low, high), axis in zip(box, axes, strict=True)]
        weights, means, bias = fmpq_mat(K, 1, base.weights), law.means, fmpq_mat(1, 1, [pairs.bias])
        parts: tuple[Slopes, Slopes, Slopes] = ({}, {}, {})
        for i, (axis, shift) in enumerate(zip(axes, shifts, strict=True)):
            step = fmpq_mat(K, 1, axis.weights), turned * axis.means[0], fmpq_mat(1, 1, [axis.bias])
            weights, means, bias = weights + step[0] * shift, means + step[1] * shift, bias + step[2] * shift
            for part, move in zip(parts, step, strict=True):
                part[i] = arb_mat(move)
        if rho > 0:
            reach = [(arb(law.sigma[i, i]).sqrt() * arb(rho)).upper() for i in range(m)]
            for part, rows, columns, sizes in (
                (parts[0], K, 1, [arb(rho).upper()] * K),
                (parts[1], m, K, reach),
                (parts[2], 1, 1, [arb(rho).upper()]),
            ):
                for i, k in itertools.product(range(rows), range(columns)):
                    unit = arb_mat(rows, columns)
                    unit[i, k] = 1
                    part[len(self.steps)] = unit
                    self.steps.append(arb(0, sizes[i]))
        self.weights, self.means, self.bias = (
            Sloped(middle, part, self.steps) for middle, part in zip((weights, means, bias), parts, strict=True)
        )

    def constant(self, m: fmpq_mat | arb_mat) -> Sloped:
        """Return a matrix that does not depend on θ."""
        return Sloped(m, {}, self.steps)


def diagonal(column: arb_mat) -> arb_mat:
    """Return the diagonal matrix with these entries."""
    n = column.nrows()
    return arb_mat(n, n, [column[i, 0] if i == j else 0 for i in range(n) for j in range(n)])


def gradient(law: Family, V: Sloped, grids: Grids) -> tuple[Sloped, Sloped]:
    """Return ∇L at VVᵀ, and S: RYG + μ̄τ_1ᵀ + Σ_j w_j E_j[Σ_k p_k t](τ_k − τ_1)ᵀ, symmetrised, less C."""
    G, Y, K = law.constant(law.sigma), V * V.transpose(), law.means.middle.ncols()
    S, mean = law.means * law.weights.map(diagonal) * law.means.transpose(), law.means * law.weights
    first = law.means.column(0)
    offsets = law.means - first * law.constant(arb_mat(1, K, [1] * K))
    root = law.constant(cholesky(arb_mat(law.sigma)))
    total = (G + S) * Y * G + mean * first.transpose()
    check_grids(grids, K)
    for j, grid in enumerate(grids):
        tau = law.means.column(j)
        levels, slopes = offsets.transpose() * Y * tau, offsets.transpose() * Y * root
        moments = softmax(law, levels, slopes, grid)
        along = tau * moments.map(lambda x: arb_mat(x.tolist()[:1])) + root * moments.map(
            lambda x: arb_mat(x.tolist()[1:])
        )
        total += (along * offsets.transpose()).times(law.weights.map(partial(_entry, j)))
    one = law.constant(arb_mat([[1]]))
    C = S.times(law.bias) + (mean * mean.transpose()).times(one - law.bias)
    return (total + total.transpose()).map(lambda x: x / 2) - C, S


def _entry(j: int, column: arb_mat) -> arb_mat:
    """Return an entry of a column (1 × 1)."""
    return arb_mat([[column[j, 0]]])


def softmax(law: Family, levels: Sloped, slopes: Sloped, grid: Grid) -> Sloped:
    """Return E[p_k ũ] ((1 + m) × K), ũ = (1, u), u ~ N(0, I), p_k ∝ w_k exp(levels_k + slopes_k·u).

    p_k(θ) − p_k(θ°) = Σ_l p_k p_l (Δ_k − Δ_l), Δ how far the logits have come, p_k p_l at logits between the two.
    """
    K, m = slopes.middle.nrows(), slopes.middle.ncols()
    w = law.weights
    logits = levels + Sloped(
        arb_mat([[x.log()] for x in w.middle.entries()]),
        {
            i: arb_mat([[x / y] for x, y in zip(s.entries(), w.value.entries(), strict=True)])
            for i, s in w.slopes.items()
        },
        law.steps,
    )
    units = [tuple(int(i == a) for i in range(1, 1 + m)) for a in range(1 + m)]
    centre = [arb(0)] * m
    middle = component_moments(Whitened([x.exp() for x in logits.middle.entries()], centre, slopes.middle, []), grid)
    pairs = list(itertools.combinations(range(K), 2))
    spread = pair_moments([x.exp() for x in logits.value.entries()], slopes.value, grid)
    moved: Slopes = {}
    for i in sorted({*logits.slopes, *slopes.slopes}):
        level, slope = logits.slopes.get(i, arb_mat(K, 1)), slopes.slopes.get(i, arb_mat(K, m))
        found = arb_mat(1 + m, K)
        for n, (k, l) in enumerate(pairs):
            apart = [level[k, 0] - level[l, 0], *(slope[k, a] - slope[l, a] for a in range(m))]
            for a, one in enumerate(units):
                powers = [tuple(map(sum, zip(one, other, strict=True))) for other in units]
                change = sum((spread[p][n] * x for p, x in zip(powers, apart, strict=True)), arb(0))
                found[a, k], found[a, l] = found[a, k] + change, found[a, l] - change
        moved[i] = found
    return Sloped(arb_mat([middle[n] for n in units]), moved, law.steps)


def pair_moments(weights: list[arb], slopes: arb_mat, grid: Grid) -> Moments:
    """Return E[p_k p_l uⁿ], |n| ≤ 2, k < l: halves of weights in a softmax of sums of two logits."""
    K, rows = len(weights), slopes.tolist()
    pairs = list(itertools.combinations(range(K), 2)) + [(k, k) for k in range(K)]
    both = [weights[k] * weights[l] * (1 if k == l else 2) for k, l in pairs]
    sums = arb_mat([[x + y for x, y in zip(rows[k], rows[l], strict=True)] for k, l in pairs])
    found = component_moments(Whitened(both, [arb(0)] * slopes.ncols(), sums, [], 2), grid)
    return {n: [x / 2 for x in values[: K * (K - 1) // 2]] for n, values in found.items()}


class Traced(NamedTuple):
    """Along a box: the laws, V, ∇L at VVᵀ, S, and N, Γ and ∇L − Z of `complement`."""

    law: Family
    factor: Sloped
    gradient: Sloped
    S: Sloped
    made: tuple[Sloped, Sloped, Sloped]


def follow(pairs: Pairs, Q: fmpq_mat, axes: Sequence[Axis], box: Box, rho: fmpq, hints: object) -> Finding:
    """Return what infonce-equality is on every instance of a box, by the bounds of `infonce_rank` for all of them."""
    digits, grids, V, turns, seed = read_hints(pairs, axes, hints)
    with ctx.workprec(digits):
        return conclude(pairs, trace(pairs, Q, axes, box, rho, grids, V, turns, seed))


def read_hints(
    pairs: Pairs, axes: Sequence[Axis], hints: object
) -> tuple[int, Grids, fmpq_mat, list[fmpq_mat], fmpq_mat]:
    """Return the hints: the precision, grids, V, how fast it turns with each axis, and what N is made of."""
    m = pairs.mixture.m
    digits, grids, V, turns, seed = read(hints, precision=bits, grids=read_grids, V=(m,), turns=_turns, N=(m,))
    if len(turns) != len(axes) or any((x.nrows(), x.ncols()) != (m, V.ncols()) for x in turns):
        raise Rejected("there is not one turn of V for each axis")
    return digits, grids, V, turns, seed


def _turns(value: object, name: str) -> list[fmpq_mat]:
    return [matrix(array(turn, name, MAX_SIZE), name) for turn in array(value, name)]


def trace(
    pairs: Pairs,
    Q: fmpq_mat,
    axes: Sequence[Axis],
    box: Box,
    rho: fmpq,
    grids: Grids,
    V: fmpq_mat,
    turns: Sequence[fmpq_mat],
    seed: fmpq_mat,
) -> Traced:
    """Return the gradient of the loss along a box. Raises Rejected where the weights are not certainly positive."""
    law = Family(pairs, Q, axes, box, rho)
    if not all(w > 0 for w in law.weights.value.entries()):
        raise Rejected("it is not certain that the weights are positive")
    factor = Sloped(V, {i: arb_mat(turn) for i, turn in enumerate(turns)}, law.steps)
    G, (g, S) = law.constant(law.sigma), gradient(law, factor, grids)
    return Traced(law, factor, g, S, complement(g, G, factor, law.constant(seed)))


def conclude(pairs: Pairs, found: Traced) -> Finding:
    """Return what infonce-equality is on all instances of the box."""
    if not certainly_definite(found.S.value):
        raise Rejected("it is not certain that the means span as many dimensions as those of the instance")
    return equality(pairs, infonce_rank(bounds(found), pairs.mixture.m))


def bounds(found: Traced) -> Enclosed:
    """Return what bounds the rank of all minimisers."""
    S, (N, Gamma, rest) = found.S.value, (x.value for x in found.made)
    G, V, means = found.law.sigma, found.factor.value, found.law.means.value
    return enclosed(found.gradient.value, rising((N, Gamma, rest)), G, G + S, V, means)
