"""Gaussian integrals of softmax weights, E[p_k t] and E[p_k t qᵀ], enclosed.

t ~ Σ_j w_j N(τ_j, G_j) and p_k ∝ w_k exp(b_k·q + ½qᵀc_kq) depend on t through q = Dᵀt alone. With DᵀG_jD = LLᵀ and
q = Ls, component j is s ~ N(c_j, I), c_j = L⁻¹Dᵀτ_j, and the logits are α_k·s + ½sᵀC_ks, α_k = Lᵀb_k, C_k = Lᵀc_kL.
Write u = s − c_j and ũ = (1, u). Given s, t is T_jũ on average, T_j = [τ_j  G_jDL⁻ᵀ], and q = DᵀT_jũ, so with

    E[p_k t] = Σ_j w_j T_j E_j[p_k ũ],   E[p_k t qᵀ] = Σ_j w_j T_j E_j[p_k ũũᵀ] T_jᵀD

only moments of p_k in s are left. When all c_k = 0 and the components share G, L is the same for all of them.

Two engines for f(s) = φ(s − c) p_k(s) ũ_a ũ_b; a certificate chooses one and its grid.

*Lattice.* The sum over h·Z on each axis, inside a box whose ends are half-way between nodes. Lemma (one axis, the
others real and in the box): let f be analytic in |Im s| ≤ a, lo ≤ Re s ≤ hi. By residues the sum less the integral is
a contour integral with kernel 1/(e^{∓2πiz/h} − 1). Its long sides give at most 2N/(e^{2πa/h} − 1), N = ∫|f| along
one; on its four half short sides the kernel is 1/(1 + e^{2πy/h}), which gives at most 4·(h ln 2/2π)·sup|f|. There
|φ(s + ia)| = e^{a²/2}φ(s), and the phase of the k-th exponential e^{ℓ_k} is y·∂ℓ_k(Re s) at the height y. While the
phases spread over at most θ = a·max_{k,n} max_box (∂ℓ_k − ∂ℓ_n) < π, |Σ w_k e^{ℓ_k}| ≥ cos(θ/2) Σ |w_k e^{ℓ_k}|, so
|p_k| ≤ 1/cos(θ/2). What lies outside the box is a Gaussian tail.

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
MAX_WORK = 4 * 10**8  # nodes · components · bits: less than a minute, and so are
MAX_ROWS = 5 * 10**6  # lattice rows · components · components that share the row
_MAX_ADAPTIVE = 10**9  # exponentials · (bits + 400)


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
    """The integrals in the coordinates s: weights w_k, centres c_j, slopes α_k (K × ρ), bends C_k.

    The moments wanted go up to `order`: 1 without c, where the bends are 0, else 2.
    """

    weights: list[arb]
    centres: list[list[arb]]
    slopes: list[list[arb]]
    bends: list[list[list[arb]]]
    order: int

    def slope(self, k: int, i: int, s: Sequence[arb]) -> arb:
        """Return (α_k + C_k s)_i, where coordinates that s does not have are 0."""
        return sum((x * y for x, y in zip(self.bends[k][i], s, strict=False)), self.slopes[k][i])

    def steepness(self, i: int, box: Sequence[arb]) -> arb:
        """Return a bound of ∂_iℓ_k − ∂_iℓ_n over the box, for all k and n."""
        worst = arb(0)
        for k, n in itertools.permutations(range(len(self.weights)), 2):
            bends = zip(self.bends[k][i], self.bends[n][i], box, strict=True)
            worst = worst.max(sum(((x - y) * s for x, y, s in bends), self.slopes[k][i] - self.slopes[n][i]))
        return worst.upper()


Grid = tuple[Axis, ...] | Adaptive
Grids = list[Grid]  # one for all components, or one for each
Moments = list[list[list[list[arb]]]]  # [j][k] ↦ the matrix E_j[p_k ũũᵀ], its first row alone for order 1


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


def softmax_points(law: Mixture, D: fmpq_mat, b: fmpq_mat, grids: Grids, c: Sequence[fmpq_mat] = ()) -> arb_mat:
    """Return the matrix with columns E[p_k t] (n × K), t ~ law, p_k ∝ w_k exp(b_k·q + ½qᵀc_kq), q = Dᵀt.

    With c given, each is followed by E[p_k t qᵀ] (n × K(1 + ρ)); without, the components share their covariance.
    D is n × ρ; b is ρ × K with columns b_k, and b_1 = 0. When the b_k span less than R^ρ, fewer directions are needed.
    """
    K = len(law.weights)
    if not c and rank(b) < b.nrows():
        basis = column_basis(b)
        D, b = D * basis, (basis.transpose() * basis).inv() * basis.transpose() * b
    if b.nrows() == 0 and not grids:  # p_k = w_k
        return arb_mat(law.mean * law.w.transpose())
    parts = [[j] for j in range(K)] if c or len(grids) == K else [list(range(K))]
    if len(grids) != len(parts):
        raise Rejected("there is neither one grid nor one for each component")
    _check_work(grids, K)
    weights, points = [arb(w) for w in law.weights], arb_mat(K * (1 + b.nrows() if c else 1), law.means.nrows())
    for part, grid in zip(parts, grids, strict=True):
        G = law.covariances[part[0] if c else 0]
        L = cholesky(arb_mat(D.transpose() * G * D))
        centres = L.solve(arb_mat(D.transpose() * law.means)).transpose().tolist()
        slopes = (arb_mat(b.transpose()) * L).tolist()
        bends = [(L.transpose() * arb_mat(bend) * L).tolist() for bend in c or [D.transpose() * D * 0] * K]
        lift = (arb_mat(G * D) * L.transpose().inv()).transpose().tolist()
        moments = _on_grid(Whitened(weights, [centres[j] for j in part], slopes, bends, 2 if c else 1), grid)
        for j, row in zip(part, moments, strict=True):
            frame = arb_mat([*arb_mat(column(law.means, j).transpose()).tolist(), *lift])  # T_jᵀ
            turn = [[arb(1)] + [arb(0)] * len(lift), *(frame * arb_mat(D)).transpose().tolist()] if c else [[arb(1)]]
            together = [line for entry in row for line in (arb_mat(turn) * arb_mat(entry)).tolist()]
            points += arb_mat(together) * frame * weights[j]
    return points.transpose()


def _check_work(grids: Grids, components: int) -> None:
    shapes = [[axis.count for axis in grid] for grid in grids if not isinstance(grid, Adaptive)]
    nodes, rows = sum(map(math.prod, shapes)), sum(math.prod(shape[:-1]) for shape in shapes)
    if nodes * components * ctx.prec > MAX_WORK or rows * components**2 > MAX_ROWS * len(grids):
        raise Rejected("the grids ask for too much work")


def _on_grid(law: Whitened, grid: Grid) -> Moments:
    rho = len(law.slopes[0])
    if isinstance(grid, Adaptive):
        if rho != 1:
            raise Rejected("adaptive integration is for one dimension")
        return adaptive_moments(law, grid)
    if len(grid) != rho:
        raise Rejected(f"the grid has {len(grid)} axes for an integral in {rho} dimensions")
    error = arb(0, lattice_error(law, grid))
    return [[[[x + error for x in line] for line in entry] for entry in row] for row in lattice_sums(law, grid)]


def lattice_sums(law: Whitened, axes: Sequence[Axis]) -> Moments:
    """Return the lattice sums, row by row: every axis but the last is fixed along a row."""
    rho, K, J, order = len(axes), len(law.weights), len(law.centres), law.order
    nodes = [axis.nodes for axis in axes]
    scale = [axis.h / (2 * arb.pi()).sqrt() for axis in axes]
    gauss = [[[scale[i] * (-((s - c[i]) ** 2) / 2).exp() for s in nodes[i]] for i in range(rho)] for c in law.centres]
    powers = []  # for each j, φuⁿ along the last axis, n ≤ order
    for c, g in zip(law.centres, gauss, strict=True):
        powers += [[x * (s - c[-1]) ** n for x, s in zip(g[-1], nodes[-1], strict=True)] for n in range(order + 1)]
    columns = arb_mat(powers).transpose()
    height = rho + 1 if order == 2 else 1
    sums = [[[[arb(0)] * (rho + 1) for _ in range(height)] for _ in range(K)] for _ in range(J)]
    along: list[list[arb]] = []
    last_axis = arb_mat(0, 0)
    for index in itertools.product(*(range(axis.count) for axis in axes[:-1])):
        outer = [nodes[i][n] for i, n in enumerate(index)]
        left = [w * _logit(law, k, outer).exp() for k, w in enumerate(law.weights)]
        if order == 2 or not along:  # straight logits factorise: the same for every row
            along = [_along(law, k, outer, nodes[-1]) for k in range(K)]
            last_axis = arb_mat(along)
        inverse = [1 / x for x in (arb_mat([left]) * last_axis).entries()]
        totals = arb_mat([[x * y for x, y in zip(row, inverse, strict=True)] for row in along]) * columns
        for j, c in enumerate(law.centres):
            weight = arb(1)
            for i, n in enumerate(index):
                weight *= gauss[j][i][n]
            known = [arb(1), *(s - c[i] for i, s in enumerate(outer)), arb(1)]
            for k in range(K):
                last = [weight * left[k] * totals[k, j * (order + 1) + n] for n in range(order + 1)]
                for a, b in itertools.product(range(height), range(rho + 1)):
                    sums[j][k][a][b] += known[a] * known[b] * last[(a == rho) + (b == rho)]
    return sums


def _logit(law: Whitened, k: int, s: Sequence[arb]) -> arb:
    """Return α_k·s + ½sᵀC_ks, where coordinates that s does not have are 0."""
    return sum(((law.slope(k, i, s) + law.slopes[k][i]) * x / 2 for i, x in enumerate(s)), arb(0))


def _along(law: Whitened, k: int, outer: Sequence[arb], nodes: Sequence[arb]) -> list[arb]:
    """Return exp(ℓ_k) at the nodes of the last axis, without what depends on the outer coordinates alone."""
    last = len(outer)
    slope, bend = law.slope(k, last, outer), law.bends[k][last][last] / 2
    return [((slope + bend * s) * s).exp() for s in nodes]


def lattice_error(law: Whitened, axes: Sequence[Axis]) -> arb:
    """Return a bound of |sum − integral| for every j, k and u (see the module's lemma)."""
    pi = arb.pi()
    kappa = arb(1)  # Σ_n h φ(hn − c) ≤ 1 + h max φ, since φ rises and then falls
    for axis in axes:
        kappa *= 1 + axis.h / (2 * pi).sqrt()
    box = [axis.ends[0].union(axis.ends[1]) for axis in axes]
    worst = arb(0)
    for c in law.centres:
        inner = [(x - axis.ends[0]).min(axis.ends[1] - x) for x, axis in zip(c, axes, strict=True)]
        outer = [(x - axis.ends[0]).max(axis.ends[1] - x) for x, axis in zip(c, axes, strict=True)]
        longest = arb(1)  # ≥ |u| on the box, thickened
        for R, axis in zip(outer, axes, strict=True):
            longest = longest.max(R + axis.a)
        total = arb(0)
        for i, axis in enumerate(axes):
            theta = axis.a * law.steepness(i, box)
            if not (inner[i] > 0 and theta < pi):
                raise Rejected("the grid misses a component or its strip is too wide")
            size = kappa * longest**law.order * (axis.a**2 / 2).exp() / (theta / 2).cos()
            long_sides = 2 / ((2 * pi * axis.a / axis.h).exp() - 1)
            short_sides = 4 * axis.h * arb(2).log() / (2 * pi) * (-(inner[i] ** 2) / 2).exp() / (2 * pi).sqrt()
            total += size * (long_sides + short_sides) + tail(inner[i])
        worst = worst.max(total)
    if not worst.is_finite():
        raise Rejected("the grid has no finite error bound")
    return worst.upper()


def tail(R: arb) -> arb:
    """Return ∫_{|u|>R} (1 + u²) φ(u) du ≥ the integral of |f| over |u_i| > R, since E u_l² = 1 for the others."""
    return 2 * (R / arb(2).sqrt()).erfc() + 2 * R * (-R * R / 2).exp() / (2 * arb.pi()).sqrt()


def adaptive_moments(law: Whitened, grid: Adaptive) -> Moments:
    """Return enclosures on the line by `acb.integral`, with Gaussian tails beyond the radius."""
    goal, K = arb(2) ** -grid.bits, len(law.weights)
    # 2(order + 1)K² integrals over all components, whichever their grids, of K exponentials at a point
    limit = max(1, _MAX_ADAPTIVE // (2 * (law.order + 1) * K**3 * (ctx.prec + 400)))
    out: Moments = []
    for (c,) in law.centres:
        middle = arb(c.mid())
        R = arb(grid.radius) - abs(c - middle)
        if not R > 0:
            raise Rejected("the radius does not cover a centre")
        rest = arb(0, tail(R).upper())
        breaks = [middle - grid.radius, middle, middle + grid.radius]
        row = []
        for k in range(K):
            powers = []
            for n in range(law.order + 1):

                def f(s: acb, _analytic: bool, c: arb = c, k: int = k, n: int = n) -> acb:
                    return (-((s - c) ** 2) / 2).exp() / (2 * arb.pi()).sqrt() * (s - c) ** n * _share(law, k, s)

                parts = [
                    acb.integral(f, acb(lo), acb(hi), abs_tol=goal, rel_tol=goal, eval_limit=limit).real
                    for lo, hi in itertools.pairwise(breaks)
                ]
                powers.append(parts[0] + parts[1] + rest)
            row.append([powers[n : n + 2] for n in range(law.order)])
        out.append(row)
    return out


def _share(law: Whitened, k: int, s: acb) -> acb:
    """Return p_k = w_k / Σ_l w_l e^{ℓ_n − ℓ_k}: no exponential overflows where p_k matters."""
    below = acb(0)
    for n, w in enumerate(law.weights):
        slope, bend = law.slopes[n][0] - law.slopes[k][0], (law.bends[n][0][0] - law.bends[k][0][0]) / 2
        below += w * ((slope + bend * s) * s).exp()
    return law.weights[k] / below
