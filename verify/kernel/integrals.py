"""Gaussian integrals of softmax weights, E[p_k t], enclosed.

t ~ Σ_j w_j N(τ_j, G) and p_k ∝ w_k exp(b_k·q) depend on t through q = Dᵀt alone. With DᵀGD = LLᵀ and q = Ls, component
j is s ~ N(c_j, I), c_j = L⁻¹Dᵀτ_j, the logits are α_k·s with α_k = Lᵀb_k, and since t − τ_j regresses on s − c_j,

    E[p_k t] = Σ_j w_j ( E_j[p_k] τ_j + G D L⁻ᵀ E_j[p_k (s − c_j)] ).

Two engines for f(s) = φ(s − c) p_k(s) u, u = 1 or a coordinate of s − c; a certificate chooses one and its grid.

*Lattice.* The sum over h·Z on each axis, inside a box whose ends are half-way between nodes. Lemma (one axis, the
others real and in the box): let f be analytic in |Im s| ≤ a, lo ≤ Re s ≤ hi. By residues the sum less the integral is
a contour integral with kernel 1/(e^{∓2πiz/h} − 1). Its long sides give at most 2N/(e^{2πa/h} − 1), N = ∫|f| along
one; on its four half short sides the kernel is 1/(1 + e^{2πy/h}), which gives at most 4·(h ln 2/2π)·sup|f|. There
|φ(s + ia)| = e^{a²/2}φ(s), and while the phases spread over θ = a·(max_k α_k − min_k α_k) < π, |Σ w_k e^{α_k s}| ≥
cos(θ/2) Σ |w_k e^{α_k s}|, so |p_k| ≤ 1/cos(θ/2). What lies outside the box is a Gaussian tail.

*Adaptive.* On the line, `acb.integral`: rigorous, better for steep logits. Where the denominator may vanish the
integrand is not a finite ball, as the integrator asks of a function that may not be analytic there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from flint import acb, arb, arb_mat, ctx, fmpq_mat

from verify.kernel.linear import cholesky, column, column_basis, rank
from verify.kernel.models import Mixture
from verify.kernel.parse import Rejected, array, integer, rational

MAX_DIMENSION = 4
MAX_WORK = 4 * 10**8  # nodes · components · bits: less than a minute
_EVALUATIONS = 20_000


@dataclass(frozen=True)
class Axis:
    """Nodes h·(first + n), 0 ≤ n < count, and the half-width a of the strip."""

    h: arb
    first: int
    count: int
    a: arb

    @property
    def nodes(self) -> list[arb]:
        """The nodes."""
        return [self.h * (self.first + n) for n in range(self.count)]

    @property
    def ends(self) -> tuple[arb, arb]:
        """The ends of the box, half a step outside the first and the last node."""
        return self.h * (self.first - arb(0.5)), self.h * (self.first + self.count - arb(0.5))


@dataclass(frozen=True)
class Adaptive:
    """Integrate over c ± radius, aiming at an error of 2^−bits."""

    radius: int
    bits: int


@dataclass(frozen=True)
class Whitened:
    """The integrals in the coordinates s: weights w_k, centres c_j and slopes α_k (K × ρ)."""

    weights: list[arb]
    centres: list[list[arb]]
    slopes: list[list[arb]]


Grid = tuple[Axis, ...] | Adaptive
Grids = list[Grid]  # one for all components, or one for each
Moments = list[list[list[arb]]]  # [j][k] ↦ E_j p_k, then E_j[p_k (s − c_j)_i] for each i


def read_grids(value: object) -> Grids:
    """Return the grids of a certificate."""
    return [_grid([array(row, "an axis", 4) for row in array(grid, "a grid")]) for grid in array(value, "grids")]


def _grid(rows: list[list[object]]) -> Grid:
    """Return the grid with axes [h, first, count, a], or with one row [radius, bits] for the line."""
    if len(rows) == 1 and len(rows[0]) == 2:
        return Adaptive(integer(rows[0][0], "radius", 1, 10**4), integer(rows[0][1], "bits", 1, 2000))
    if len(rows) > MAX_DIMENSION or any(len(row) != 4 for row in rows):
        raise Rejected(f"a grid has more than {MAX_DIMENSION} axes, or one without four entries")
    return tuple(_axis(*row) for row in rows)


def _axis(h: object, first: object, count: object, a: object) -> Axis:
    step, strip = rational(h, "h"), rational(a, "a")
    if not (step > 0 and strip > 0):
        raise Rejected("a step or a strip of the grid is not positive")
    return Axis(arb(step), integer(first, "first", -(10**9), 10**9), integer(count, "count", 1, 10**6), arb(strip))


def softmax_points(law: Mixture, D: fmpq_mat, b: fmpq_mat, grids: Grids) -> arb_mat:
    """Return the matrix with columns E[p_k t] (n × K), t ~ law with shared covariance, p_k ∝ w_k exp(b_k · Dᵀt).

    D is n × ρ; b is ρ × K with columns b_k, and b_1 = 0. When the b_k span less than R^ρ, fewer directions are needed.
    """
    G, tau, K = law.sigma, law.means, len(law.weights)
    if rank(b) < b.nrows():
        basis = column_basis(b)
        D, b = D * basis, (basis.transpose() * basis).inv() * basis.transpose() * b
    if b.nrows() == 0 and not grids:  # p_k = w_k
        return arb_mat(law.mean * law.w.transpose())
    L = cholesky(arb_mat(D.transpose() * G * D))
    centres = L.solve(arb_mat(D.transpose() * tau)).transpose().tolist()
    slopes = (arb_mat(b.transpose()) * L).tolist()
    moments = _moments(Whitened([arb(w) for w in law.weights], centres, slopes), grids)
    lift = arb_mat(G * D) * L.transpose().inv()
    points = arb_mat(law.means.nrows(), K)
    for j, w in enumerate(law.weights):
        zeroth = arb_mat(1, K, [entry[0] for entry in moments[j]])
        first = arb_mat([entry[1:] for entry in moments[j]]).transpose()
        points += (arb_mat(column(tau, j)) * zeroth + lift * first) * arb(w)
    return points


def _moments(law: Whitened, grids: Grids) -> Moments:
    nodes = sum(math.prod(axis.count for axis in grid) for grid in grids if not isinstance(grid, Adaptive))
    if nodes * len(law.weights) * ctx.prec > MAX_WORK:
        raise Rejected("the grids ask for too much work")
    if len(grids) == 1:
        return _on_grid(law, grids[0])
    if len(grids) != len(law.centres):
        raise Rejected("there is neither one grid nor one for each component")
    alone = [Whitened(law.weights, [c], law.slopes) for c in law.centres]
    return [row for part, grid in zip(alone, grids, strict=True) for row in _on_grid(part, grid)]


def _on_grid(law: Whitened, grid: Grid) -> Moments:
    rho = len(law.slopes[0])
    if isinstance(grid, Adaptive):
        if rho != 1:
            raise Rejected("adaptive integration is for one dimension")
        return adaptive_moments(law, grid)
    if len(grid) != rho:
        raise Rejected(f"the grid has {len(grid)} axes for an integral in {rho} dimensions")
    error = arb(0, lattice_error(law, grid))
    return [[[x + error for x in entry] for entry in row] for row in lattice_sums(law, grid)]


def lattice_sums(law: Whitened, axes: Sequence[Axis]) -> Moments:
    """Return the lattice sums: every axis but the last is fixed along a row, and exponentials factorise."""
    rho, K, J = len(axes), len(law.weights), len(law.centres)
    nodes = [axis.nodes for axis in axes]
    scale = [axis.h / (2 * arb.pi()).sqrt() for axis in axes]
    factor = [[[(row[i] * s).exp() for s in nodes[i]] for row in law.slopes] for i in range(rho)]
    gauss = [[[scale[i] * (-((s - c[i]) ** 2) / 2).exp() for s in nodes[i]] for i in range(rho)] for c in law.centres]
    last = arb_mat(factor[-1])
    along = []  # for each j, φ and φ·(s − c) along the last axis
    for c, g in zip(law.centres, gauss, strict=True):
        along += [g[-1], [x * (s - c[-1]) for x, s in zip(g[-1], nodes[-1], strict=True)]]
    columns = arb_mat(along).transpose()
    sums = [[[arb(0)] * (rho + 1) for _ in range(K)] for _ in range(J)]
    for index in itertools.product(*(range(axis.count) for axis in axes[:-1])):
        left = list(law.weights)
        for i, n in enumerate(index):
            left = [x * factor[i][k][n] for k, x in enumerate(left)]
        inverse = [1 / x for x in (arb_mat([left]) * last).entries()]
        shares = arb_mat([[x * y for x, y in zip(row, inverse, strict=True)] for row in factor[-1]])
        totals = shares * columns  # K × 2J
        for j, c in enumerate(law.centres):
            weight = arb(1)
            for i, n in enumerate(index):
                weight *= gauss[j][i][n]
            for k in range(K):
                zeroth, first = (weight * left[k] * totals[k, 2 * j + n] for n in range(2))
                entry = sums[j][k]
                entry[0] += zeroth
                for i, n in enumerate(index):
                    entry[1 + i] += zeroth * (nodes[i][n] - c[i])
                entry[rho] += first
    return sums


def lattice_error(law: Whitened, axes: Sequence[Axis]) -> arb:
    """Return a bound of |sum − integral| for every j, k and u (see the module's lemma)."""
    pi = arb.pi()
    kappa = arb(1)  # Σ_n h φ(hn − c) ≤ 1 + h max φ, since φ rises and then falls
    for axis in axes:
        kappa *= 1 + axis.h / (2 * pi).sqrt()
    worst = arb(0)
    for c in law.centres:
        inner = [(x - axis.ends[0]).min(axis.ends[1] - x) for x, axis in zip(c, axes, strict=True)]
        outer = [(x - axis.ends[0]).max(axis.ends[1] - x) for x, axis in zip(c, axes, strict=True)]
        longest = arb(1)  # ≥ |u| on the box, thickened
        for R, axis in zip(outer, axes, strict=True):
            longest = longest.max(R + axis.a)
        total = arb(0)
        for i, axis in enumerate(axes):
            slopes = [row[i] for row in law.slopes]
            theta = axis.a * (_largest(slopes) + _largest([-x for x in slopes]))
            if not (inner[i] > 0 and theta < pi):
                raise Rejected("the grid misses a component or its strip is too wide")
            size = kappa * longest * (axis.a**2 / 2).exp() / (theta / 2).cos()
            long_sides = 2 / ((2 * pi * axis.a / axis.h).exp() - 1)
            short_sides = 4 * axis.h * arb(2).log() / (2 * pi) * (-(inner[i] ** 2) / 2).exp() / (2 * pi).sqrt()
            total += size * (long_sides + short_sides) + tail(inner[i])
        worst = worst.max(total)
    if not worst.is_finite():
        raise Rejected("the grid has no finite error bound")
    return worst.upper()


def tail(R: arb) -> arb:
    """Return ∫_{|u|>R} (1 + |u|) φ(u) du ≥ the integral of |f| over |u_i| > R, since E|u_l| < 1 for the others."""
    return (R / arb(2).sqrt()).erfc() + 2 * (-R * R / 2).exp() / (2 * arb.pi()).sqrt()


def _largest(values: Sequence[arb]) -> arb:
    best = values[0]
    for x in values[1:]:
        best = best.max(x)
    return best


def adaptive_moments(law: Whitened, grid: Adaptive) -> Moments:
    """Return enclosures on the line by `acb.integral`, with Gaussian tails beyond the radius."""
    goal = arb(2) ** -grid.bits
    out: Moments = []
    for (c,) in law.centres:
        middle = arb(c.mid())
        R = arb(grid.radius) - abs(c - middle)
        if not R > 0:
            raise Rejected("the radius does not cover a centre")
        rest = arb(0, tail(R).upper())
        breaks = [middle - grid.radius, middle, middle + grid.radius]
        row = []
        for k in range(len(law.weights)):
            entry = []
            for n in range(2):

                def f(s: acb, _analytic: bool, c: arb = c, k: int = k, n: int = n) -> acb:
                    # p_k = w_k / Σ_l w_l e^{(α_l − α_k)s}: no exponential overflows where p_k matters.
                    below = sum((w * ((a[0] - law.slopes[k][0]) * s).exp() for w, a in _terms(law)), acb(0))
                    return (-((s - c) ** 2) / 2).exp() / (2 * arb.pi()).sqrt() * (s - c) ** n * law.weights[k] / below

                parts = [
                    acb.integral(f, acb(lo), acb(hi), abs_tol=goal, rel_tol=goal, eval_limit=_EVALUATIONS).real
                    for lo, hi in itertools.pairwise(breaks)
                ]
                entry.append(parts[0] + parts[1] + rest)
            row.append(entry)
        out.append(row)
    return out


def _terms(law: Whitened) -> Sequence[tuple[arb, list[arb]]]:
    return list(zip(law.weights, law.slopes, strict=True))
