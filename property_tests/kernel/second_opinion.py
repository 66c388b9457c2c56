"""A second, slow checker for the two KKT rules: it shares no code and no arithmetic with the kernel.

Intervals end at multiples of 2^−PLACES, rounded outwards in whole numbers; exp, sqrt and π are directed and our own.
The integrals are lattice sums on a grid of its own choice, whose error bound uses only |Im logit spread| ≤ 2, so that
the softmax is at most 1/cos 1 < 2, and whose tails are bounded by φ(R)/R. Nothing of the certificate's grid is used.
"""

from __future__ import annotations

import itertools
import math
import operator
from dataclasses import dataclass
from fractions import Fraction

PLACES = 96
_ONE = 1 << PLACES


def _down(x: Fraction) -> int:
    return (x.numerator << PLACES) // x.denominator


def _up(x: Fraction) -> int:
    return -_down(-x)


@dataclass(frozen=True, slots=True)
class Interval:
    """Its ends are whole numbers of 2^−PLACES."""

    low: int
    high: int

    @property
    def lo(self) -> Fraction:
        return Fraction(self.low, _ONE)

    @property
    def hi(self) -> Fraction:
        return Fraction(self.high, _ONE)

    def __add__(self, other):
        other = interval(other)
        return Interval(self.low + other.low, self.high + other.high)

    __radd__ = __add__

    def __neg__(self):
        return Interval(-self.high, -self.low)

    def __sub__(self, other):
        return self + -interval(other)

    def __rsub__(self, other):
        return interval(other) - self

    def __mul__(self, other):
        other = interval(other)
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Interval(min(ends) >> PLACES, -(-max(ends) >> PLACES))

    __rmul__ = __mul__

    def inverse(self):
        if self.low <= 0 <= self.high:
            raise ZeroDivisionError("an interval around 0 has no inverse")
        return Interval((_ONE << PLACES) // self.high, -((_ONE << PLACES) // -self.low))

    def __truediv__(self, other):
        return self * interval(other).inverse()

    def over(self, n: int):
        """The quotient by a whole number n > 0."""
        return Interval(self.low // n, -(-self.high // n))

    def wider(self, by: Fraction):
        return Interval(self.low - _up(by), self.high + _up(by))


def between(low, high):
    """The interval with these ends, rounded outwards."""
    return Interval(_down(Fraction(low)), _up(Fraction(high)))


def interval(x):
    return x if isinstance(x, Interval) else between(x, x)


def sqrt(x: Interval) -> Interval:
    return Interval(math.isqrt(x.low << PLACES), math.isqrt(x.high << PLACES) + 1)


def exp(x: Interval) -> Interval:
    """Halve until |y| ≤ 1/2, sum 30 terms of the series, whose rest is at most 2·|y|^30/30!, and square back."""
    x = interval(x)
    low = _exp(x.lo)
    return Interval(low.low, (low if x.low == x.high else _exp(x.hi)).high)


def _exp(x: Fraction) -> Interval:
    if x < -100:  # 0 ≤ e^x < 2^−PLACES
        return Interval(0, 1)
    halvings = 0
    y = interval(x)
    while max(abs(y.lo), abs(y.hi)) > Fraction(1, 2):
        y, halvings = y.over(2), halvings + 1
    total = term = interval(1)
    for n in range(1, 30):
        term = (term * y).over(n)
        total = total + term
    total = total.wider(2 * Fraction(1, 2) ** 30 / math.factorial(30))
    for _ in range(halvings):
        total = total * total
    return total


def powers(x: Interval, n: int) -> list[Interval]:
    """e^{mx} for m = −n, …, n, outwards from m = 0."""
    left, right = ([*itertools.accumulate([exp(y)] * n, operator.mul)] for y in (-x, x))
    return [*reversed(left), interval(1), *right]


def _arctangent_of_inverse(n: int) -> Interval:
    total = interval(0)
    for i in range(50):
        total = total + interval(Fraction((-1) ** i, (2 * i + 1) * n ** (2 * i + 1)))
    return total.wider(Fraction(1, n**101))


PI = 16 * _arctangent_of_inverse(5) - 4 * _arctangent_of_inverse(239)  # Machin
NORMAL = sqrt(2 * PI).inverse()

# ---------------------------------------------------------------------------------- matrices are lists of rows


def transpose(a):
    return [list(row) for row in zip(*a, strict=True)]


def product(*factors):
    out = factors[0]
    for b in factors[1:]:
        columns = list(zip(*b, strict=True))
        out = [[sum((x * y for x, y in zip(row, c, strict=True)), Fraction(0)) for c in columns] for row in out]
    return out


def plus(a, b, scale=1):
    return [[x + y * scale for x, y in zip(r, s, strict=True)] for r, s in zip(a, b, strict=True)]


def solve(a, b):
    """a⁻¹b by Gauss and Jordan; a has Fraction or Interval entries."""
    n = len(a)
    rows = [[*r, *s] for r, s in zip(a, b, strict=True)]
    for i in range(n):
        pivot = next(r for r in range(i, n) if not _may_vanish(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        inverse = rows[i][i].inverse() if isinstance(rows[i][i], Interval) else 1 / Fraction(rows[i][i])
        rows[i] = [x * inverse for x in rows[i]]
        for r in range(n):
            if r != i:
                factor = rows[r][i]
                rows[r] = [x - y * factor for x, y in zip(rows[r], rows[i], strict=True)]
    return [row[n:] for row in rows]


def _may_vanish(x) -> bool:
    return x.low <= 0 <= x.high if isinstance(x, Interval) else x == 0


def independent_columns(a):
    """The columns that are independent of those before them."""
    chosen, reduced = [], []
    for column in zip(*a, strict=True):
        rest = list(column)
        for pivot, vector in reduced:
            factor = rest[pivot]
            rest = [x - factor * y for x, y in zip(rest, vector, strict=True)]
        pivot = next((i for i, x in enumerate(rest) if x != 0), None)
        if pivot is not None:
            reduced.append((pivot, [x / rest[pivot] for x in rest]))
            chosen.append(list(column))
    return transpose(chosen)


def cholesky(a):
    n = len(a)
    L = [[interval(0)] * n for _ in range(n)]
    for j in range(n):
        pivot = interval(a[j][j]) - sum((L[j][m] * L[j][m] for m in range(j)), interval(0))
        if pivot.low <= 0:
            return None
        L[j][j] = sqrt(pivot)
        for i in range(j + 1, n):
            L[i][j] = (interval(a[i][j]) - sum((L[i][m] * L[j][m] for m in range(j)), interval(0))) / L[j][j]
    return L


def definite(a) -> bool:
    return cholesky(a) is not None


# ------------------------------------------------------------------------------------------------- integrals


@dataclass(frozen=True)
class Law:
    """t = Bᵀx: weights, means τ (columns), G, S, the cross moment and the points' offsets τ_k − τ_1."""

    weights: list
    tau: list
    G: list

    @property
    def S(self):
        scaled = [[x * w for x, w in zip(row, self.weights, strict=True)] for row in self.tau]
        return product(scaled, transpose(self.tau))

    @property
    def offsets(self):
        return [[x - row[0] for x in row] for row in self.tau]


def law_of(weights, means, covariance, Q) -> Law:
    mu = transpose(means)
    B = product(independent_columns(solve(covariance, mu)), Q)
    return Law(weights, product(transpose(B), mu), product(transpose(B), covariance, B))


def cross(a: Law, b: Law, delta):
    scaled = [[x * w for x, w in zip(row, a.weights, strict=True)] for row in a.tau]
    means = [[[sum(x * w for x, w in zip(row, law.weights, strict=True))] for row in law.tau] for law in (a, b)]
    matched = [[x * delta for x in row] for row in product(scaled, transpose(b.tau))]
    return plus(matched, product(means[0], transpose(means[1])), 1 - delta)


def softmax_points(law: Law, D, b):
    """Columns E[p_k t], p_k ∝ w_k exp(b_k · Dᵀt)."""
    K, n = len(law.weights), len(law.tau)
    if b and any(isinstance(x, Interval) for row in b for x in row):
        pass  # as many directions as there are rows
    elif b and any(x for row in b for x in row):
        rows = independent_columns(b)
        if len(rows[0]) < len(b):
            gram = product(transpose(rows), rows)
            D, b = product(D, rows), solve(gram, product(transpose(rows), b))
    else:
        mean = [[sum(x * w for x, w in zip(row, law.weights, strict=True))] for row in law.tau]
        return product(mean, [law.weights])
    L = cholesky(product(transpose(D), law.G, D))
    centres = transpose(solve(L, product(transpose(D), law.tau)))
    slopes = transpose(product(transpose(L), b))
    lift = product(
        law.G, D, transpose(solve(L, [[Fraction(int(i == j)) for j in range(len(L))] for i in range(len(L))]))
    )
    out = [[interval(0)] * K for _ in range(n)]
    for j, c in enumerate(centres):
        zeroth, first = lattice(law.weights, c, slopes)
        for k in range(K):
            for i in range(n):
                value = zeroth[k] * law.tau[i][j] + sum(
                    (x * y for x, y in zip(lift[i], first[k], strict=True)), interval(0)
                )
                out[i][k] = out[i][k] + value * law.weights[j]
    return out


NATS = {1: 40, 2: 14, 3: 12}  # the accuracy aimed at, e^−NATS, by dimension


def lattice(weights, centre, slopes):
    """E p_k and E p_k (s − c) for s ~ N(c, I), by a grid centred near c, in the coordinates u = s − c."""
    rho, K = len(centre), len(weights)
    nats, axes = NATS[rho], []
    for i in range(rho):
        column = [row[i] for row in slopes]
        rate = max(x.hi for x in column) - min(x.lo for x in column)
        a = min(2 / rate if rate else Fraction(4), Fraction(4))
        a = Fraction(math.floor(a * 1024), 1024)
        h = Fraction(max(1, math.floor(1024 * 6.28 * float(a) / (nats + float(a) ** 2))), 1024)
        n = math.ceil((math.sqrt(2 * nats + float(a) ** 2) + 1) / h)
        axes.append((a, h, n))
    error = _error(axes)
    left = [
        w * exp(sum((x * y for x, y in zip(row, centre, strict=True)), interval(0)))
        for w, row in zip(weights, slopes, strict=True)
    ]
    tables = []
    for i, (_, h, n) in enumerate(axes):
        nodes = [h * m for m in range(-n, n + 1)]
        right = [exp(interval(-u * u / 2)) * NORMAL * h for u in nodes[n:]]
        density = [*reversed(right[1:]), *right]
        tables.append(([*map(interval, nodes)], density, [powers(row[i] * h, n) for row in slopes]))
    zeroth, first = [interval(0)] * K, [[interval(0)] * rho for _ in range(K)]
    for index in itertools.product(*(range(len(t[0])) for t in tables)):
        terms, weight = list(left), interval(1)
        for i, m in enumerate(index):
            weight = weight * tables[i][1][m]
            terms = [x * tables[i][2][k][m] for k, x in enumerate(terms)]
        scale = weight / sum(terms, interval(0))
        for k in range(K):
            p = terms[k] * scale
            zeroth[k] = zeroth[k] + p
            for i, m in enumerate(index):
                first[k][i] = first[k][i] + p * tables[i][0][m]
    return [x.wider(error) for x in zeroth], [[x.wider(error) for x in row] for row in first]


def _error(axes) -> Fraction:
    """The rule's error: for each axis, long sides, short sides (half a step beyond the last node) and tails."""
    kappa = interval(1)
    for _, h, _ in axes:
        kappa = kappa * (1 + h * NORMAL)
    longest = 1 + max(h * (n + 1) + a for a, h, n in axes)
    total = interval(0)
    for a, h, n in axes:
        R = h * (2 * n + 1) / 2
        edge = exp(interval(-R * R / 2)) * NORMAL
        size = kappa * exp(interval(a * a / 2)) * 2 * longest
        long_sides = (exp(PI * (2 * a / h)) - 1).inverse() * 2
        total = total + size * (long_sides + edge * h) + edge * (2 / R + 2)
    return total.hi


# --------------------------------------------------------------------------------------------------- the two rules


def _matrix(rows):
    return [[Fraction(x) for x in row] for row in rows]


def _covariance(given):
    """A matrix, or the entries of a diagonal one."""
    if isinstance(given[0], list):
        return _matrix(given)
    return [[Fraction(x) if i == j else Fraction(0) for j in range(len(given))] for i, x in enumerate(given)]


def _trace(a):
    return sum((a[i][i] for i in range(len(a))), Fraction(0))


def infonce_rank(certificate) -> tuple[int, int]:
    """Bounds of rank M* from the instance and the factor V, N of the certificate."""
    inst, hints = certificate["instance"], certificate["hints"]
    weights, delta = [Fraction(w) for w in inst["weights"]], Fraction(inst["bias"])
    law = law_of(weights, _matrix(inst["means"]), _covariance(inst["covariance"]), _matrix(hints["Q"]))
    return rank_bounds(law, delta, _matrix(hints["V"]), _matrix(hints["N"]))


def rank_bounds(law: Law, delta, V, seed) -> tuple[int, int]:
    """Bounds of rank M* for a law, or for all laws whose means (and bias) lie in intervals; V and N are rational."""
    G, m, rho = law.G, len(law.tau), len(V[0])
    Y = product(V, transpose(V)) if rho else [[Fraction(0)] * m for _ in range(m)]
    quadratic = product(G, Y, plus(G, law.S))
    points = softmax_points(law, V, product(transpose(V), law.offsets) if rho else [])
    drift = product(points, transpose(law.tau))
    both = plus(quadratic, drift)
    g = plus([[x * Fraction(1, 2) for x in row] for row in plus(both, transpose(both))], cross(law, law, delta), -1)
    identity = [[Fraction(int(i == j)) for j in range(m)] for i in range(m)]
    inner = product(transpose(V), G, V) if rho else []
    Z = [[interval(0)] * m for _ in range(m)]
    n = len(seed[0])
    if n:
        N = seed
        if rho:
            N = plus(seed, product(V, solve(inner, product(transpose(V), G, seed))), -1)
        outer, Gamma = product(transpose(N), G, N), product(transpose(N), g, N)
        if not definite(Gamma):
            return 0, m
        X = transpose(solve(outer, transpose(solve(outer, Gamma))))
        Z = product(G, N, X, transpose(N), G)
    inverse = solve(G, identity)
    residual = plus(g, Z, -1)
    epsilon2 = _trace(product(residual, inverse, residual, inverse)).hi
    epsilon = sqrt(interval(epsilon2)).hi
    gram = product(transpose(law.tau), inverse, law.tau)
    K = range(len(law.weights))
    diameter2 = max(interval(gram[j][j] + gram[k][k] - 2 * gram[j][k]).hi for j in K for k in K)
    Lambda = interval(1 + _trace(product(inverse, law.S))).hi * (1 + diameter2 / 4)
    unit = [[Fraction(int(i == j)) for j in range(rho)] for i in range(rho)]
    low = rho if rho and definite(plus(inner, unit, -epsilon)) else 0
    high = m - 1 if _trace(product(g, inverse, g, inverse)).lo > Lambda * epsilon2 else m
    if n and definite(plus(Gamma, outer, -sqrt(interval(Lambda)).hi * epsilon)):
        high = min(high, m - n)
    return low, high


def clip_rank(certificate) -> int:
    """A lower bound of the rank of CLIP's minimiser over all W."""
    inst, hints = certificate["instance"], certificate["hints"]
    weights, delta = [Fraction(w) for w in inst["weights"]], Fraction(inst["bias"])
    vision, text = (
        law_of(weights, _matrix(inst[name]["means"]), _covariance(inst[name]["covariance"]), _matrix(hints[Q]))
        for name, Q in (("vision", "Q_V"), ("text", "Q_T"))
    )
    left, right, U = (_matrix(hints[name]) for name in ("left", "right", "U"))
    Y = product(left, transpose(right))
    g = plus(product(plus(vision.G, vision.S), Y, text.G), product(vision.G, Y, plus(text.G, text.S)))
    g = plus(g, cross(vision, text, delta), -2)
    g = plus(product(softmax_points(vision, left, product(transpose(right), text.offsets)), transpose(text.tau)), g)
    back = softmax_points(text, right, product(transpose(left), vision.offsets))
    g = plus(product(vision.tau, transpose(back)), g)
    epsilon2 = _dual2(g, vision.G, text.G)
    image = product(Y, U)
    above = plus(product(transpose(image), vision.G, image), product(transpose(U), solve(text.G, U)), -epsilon2 / 4)
    return len(U[0]) if definite(above) else 0


def _dual2(g, left, right) -> Fraction:
    """tr(left⁻¹ g right⁻¹ gᵀ), its upper end."""
    return _trace(product(solve(left, g), solve(right, transpose(g)))).hi
