"""Gaussian integrals of softmax weights, E[p_k t] and E[p_k t qᵀ], enclosed (PROOFS.md, 2).

t ~ Σ_j w_j N(τ_j, G_j) and p_k ∝ w_k exp(b_k·q + ½qᵀc_kq) depend on t through q = Dᵀt alone. For component j let
DᵀG_jD = LLᵀ and q = Ls, so s ~ N(c, I), c = L⁻¹Dᵀτ_j, and the logits are ℓ_k = α_k·s + ½sᵀC_ks, α_k = Lᵀb_k,
C_k = Lᵀc_kL. With u = s − c and ũ = (1, u), given s, t is Tũ on average, T = [τ_j  G_jDL⁻ᵀ], and q = DᵀTũ, so

    E_j[p_k t] = T E[p_k ũ],   E_j[p_k t qᵀ] = T E[p_k ũũᵀ] TᵀD.
"""

import itertools
import math
from collections.abc import Sequence
from operator import mul
from typing import NamedTuple

from flint import acb, arb, arb_mat, ctx, fmpq, fmpq_mat

from thmverify.kernel.balls import Ball, check_balls, max_of, pair_moments, read_ball
from thmverify.kernel.linear import cholesky, column_basis, select
from thmverify.kernel.models import Mixture
from thmverify.kernel.parse import integer, rational
from thmverify.kernel.strict import Rejected, array

MAX_DIMENSION = 4
MAX_WORK = 25 * 10**7  # nodes · components · bits, at least 128: some ten seconds, and so are
MAX_ROWS = 5 * 10**5  # lattice rows · components, and the nodes in a row · components
_MAX_ADAPTIVE = 3 * 10**8  # exponentials · (bits + 400), of all integrals


class Axis(NamedTuple):
    """Nodes h·n for the n in `steps`, in a box that ends half a step outside; half-width a of the strip."""

    h: fmpq
    steps: range
    a: fmpq


class Adaptive(NamedTuple):
    """Integrate over c ± radius, aiming at an error of 2^−bits."""

    radius: int
    bits: int


class Whitened(NamedTuple):
    """A component in the coordinates s: w_k, centre c, slopes α_k (K × ρ), the C_k, none if all are 0; largest |n|."""

    weights: list[arb]
    centre: list[arb]
    slopes: arb_mat
    bends: list[arb_mat]
    order: int = 1


Grid = list[Axis] | Adaptive | Ball
Grids = list[Grid]  # one for each component
Moments = dict[tuple[int, ...], list[arb]]  # exponents n of u ↦ E[p_k uⁿ] for each k


def read_grids(value: object, name: str) -> Grids:
    """Return the grids of a certificate."""
    return [_grid(grid) for grid in array(value, name)]


def _grid(value: object) -> Grid:
    """Return the grid with axes [h, first, count, a], or with one row [radius, bits] for the line, or the ball."""
    if isinstance(value, dict):
        return read_ball(value, "a ball")
    rows = [array(row, "an axis", 4) for row in array(value, "a grid")]
    if [len(row) for row in rows] == [2]:
        return Adaptive(integer(rows[0][0], "radius", 1, 10**4), integer(rows[0][1], "bits", 1, 2000))
    if len(rows) > MAX_DIMENSION or any(len(row) != 4 for row in rows):
        raise Rejected(f"a grid has more than {MAX_DIMENSION} axes, or one without four entries")
    axes = []
    for h, first, count, a in rows:
        step, strip, start = rational(h, "h", 0), rational(a, "a", 0), integer(first, "first", -(10**9), 10**9)
        axes.append(Axis(step, range(start, start + integer(count, "count", 1, 10**5)), strip))
    return axes


def softmax_moments(
    law: Mixture,
    D: fmpq_mat,
    b: fmpq_mat,
    targets: Sequence[fmpq_mat],
    grids: Grids,
    c: Sequence[fmpq_mat] = (),
    tilts: Sequence[arb] = (),
) -> arb_mat:
    """Return Σ_k E[p_k t]ν_k (n × N), t ~ law, p_k ∝ w_k exp(b_k·q + ½qᵀc_kq), q = Dᵀt, ν_k the targets (1 × N).

    D is n × ρ; b is ρ × K with columns b_k, and b_1 = 0. When the b_k span less than R^ρ, fewer directions are needed.
    With c it is Σ_k E[p_k t (1, qᵀ)]ν_k, ν_k (1 + ρ) × N. With `tilts`, p_k has the k-th of them as a further factor.
    The law, b and ν_k may be in balls.
    """
    D, b = fewer_directions(D, b) if isinstance(b, fmpq_mat) and not c else (D, b)
    rho, K = b.nrows(), len(law.weights)
    check_grids(grids, K if rho else 0)
    total = arb_mat(D.nrows(), targets[0].ncols())
    if tilts and (rho == 0 or any(isinstance(grid, Ball) for grid in grids)):
        raise Rejected("further factors are for softmax weights that are not constant, and for lattices in boxes")
    if rho == 0:  # p_k = w_k
        return sum((arb_mat(law.mean * target * w) for w, target in zip(law.weights, targets, strict=True)), total)
    for j, (w, grid) in enumerate(zip(law.weights, grids, strict=True)):
        if isinstance(grid, Ball):
            if c or not isinstance(b, fmpq_mat):
                raise Rejected("a ball is for straight logits, of one instance")
            total += _by_pairs(law, j, D, b, targets, grid) * w
        else:
            total += _by_moments(law, j, D, b, targets, grid, c, tilts) * w
    return total


def _by_pairs(law: Mixture, j: int, D: fmpq_mat, b: fmpq_mat, targets: Sequence[fmpq_mat], ball: Ball) -> arb_mat:
    """Return Σ_k E_j[p_k t]ν_k = τ_j(ν_j + Σ_k E_j p_k (ν_k−ν_j)) + G_jD Σ_{k<l} E_j[p_k p_l] (b_k−b_l)(ν_k−ν_l)."""
    tau = select(law.means, range(D.nrows()), [j])
    single, pairs = pair_moments(law.weights, b, D.transpose() * tau, D.transpose() * law.covariances[j] * D, ball)
    middle, turned = arb_mat(targets[j]), arb_mat(D.ncols(), targets[j].ncols())
    for k, row in enumerate(pairs.tolist()):
        middle += arb_mat(targets[k] - targets[j]) * single[k]
        apart = select(b, range(b.nrows()), [k] * k) - select(b, range(b.nrows()), range(k))
        falls = [x * p for p, target in zip(row, targets[:k], strict=False) for x in (targets[k] - target).entries()]
        turned += arb_mat(apart) * arb_mat(k, turned.ncols(), falls)
    return arb_mat(tau) * middle + arb_mat(law.covariances[j] * D) * turned


def _by_moments(
    law: Mixture,
    j: int,
    D: fmpq_mat,
    b: fmpq_mat,
    targets: Sequence[fmpq_mat],
    grid: list[Axis] | Adaptive,
    c: Sequence[fmpq_mat],
    tilts: Sequence[arb],
) -> arb_mat:
    """Return Σ_k E_j[p_k t (1, qᵀ)]ν_k by the moments of the module's head."""
    G, tau, rho = law.covariances[j], [x[j] for x in law.means.tolist()], b.nrows()
    units = [tuple(int(i == a) for i in range(1, 1 + rho)) for a in range(1 + rho)]
    L, whitened = whiten(law, j, D, b, c)
    if tilts:
        whitened = whitened._replace(weights=[w * x for w, x in zip(whitened.weights, tilts, strict=True)])
    frame = arb_mat([tau, *L.solve(arb_mat(D.transpose() * G)).tolist()])  # Tᵀ
    moments = component_moments(whitened, grid)
    right = arb_mat([[int(a == 0), *row] for a, row in enumerate((frame * arb_mat(D)).tolist())] if c else [[1]])
    powers = [[tuple(map(sum, zip(x, y, strict=True))) for y in units[: right.nrows()]] for x in units]
    found = arb_mat(D.nrows(), targets[0].ncols())
    for k, target in enumerate(targets):
        moment = arb_mat([[moments[n][k] for n in row] for row in powers])
        found += frame.transpose() * moment * (right * arb_mat(target))
    return found


def whiten(law: Mixture, j: int, D: fmpq_mat, b: fmpq_mat, c: Sequence[fmpq_mat] = ()) -> tuple[arb_mat, Whitened]:
    """Return the L of component j, and its coordinates."""
    L = cholesky(arb_mat(D.transpose() * law.covariances[j] * D))
    centre = L.solve(arb_mat(D.transpose() * select(law.means, range(D.nrows()), [j]))).entries()
    bends = [L.transpose() * arb_mat(bend) * L for bend in c]
    return L, Whitened([arb(w) for w in law.weights], centre, arb_mat(b.transpose()) * L, bends, 2 if c else 1)


def fewer_directions(D: fmpq_mat, b: fmpq_mat) -> tuple[fmpq_mat, fmpq_mat]:
    """Return D and b with as many directions as the b_k span, and the same b_k·Dᵀt (PROOFS.md, 2.4)."""
    if b.rank() == b.nrows():
        return D, b
    basis = column_basis(b)
    return D * basis, (basis.transpose() * basis).inv() * basis.transpose() * b


def check_grids(grids: Grids, wanted: int) -> None:
    """Check that there is a grid for each component, and that together they do not ask for too much work."""
    if len(grids) != wanted:
        raise Rejected("there is not one grid for each component, or there are some for a constant softmax")
    shapes = [[len(axis.steps) for axis in grid] for grid in grids if isinstance(grid, list)]
    nodes, rows = sum(map(math.prod, shapes)), sum(math.prod(shape[:-1]) for shape in shapes)
    longest = max((n for shape in shapes for n in shape), default=0)
    if nodes * wanted * max(ctx.prec, 128) > MAX_WORK or max(rows, longest) * wanted > MAX_ROWS:
        raise Rejected("the grids ask for too much work")
    check_balls([grid for grid in grids if isinstance(grid, Ball)], wanted)


def component_moments(law: Whitened, grid: Grid) -> Moments:
    """Return the moments given a component, with the error of the grid."""
    if isinstance(grid, Ball):
        raise Rejected("a ball is for moments in pairs")
    if (len(grid) if isinstance(grid, list) else 1) != len(law.centre):
        raise Rejected(f"a grid does not fit an integral in {len(law.centre)} dimensions")
    if isinstance(grid, Adaptive):
        return adaptive_moments(law, grid)
    error = arb(0, lattice_error(law, grid))
    return {n: [x + error for x in sums] for n, sums in lattice_sums(law, grid).items()}


def lattice_sums(law: Whitened, axes: list[Axis]) -> Moments:
    """Return the lattice sums, row by row: every axis but the last is fixed along a row."""
    order, end, one, rows = law.order, len(axes) - 1, arb(1), list[list[arb]]()
    nodes = [[arb(axis.h * n) for n in axis.steps] for axis in axes]
    tables = [[[arb(x.h) * gauss(s - c) for s in row]] for x, row, c in zip(axes, nodes, law.centre, strict=True)]
    for table, row, c in zip(tables, nodes, law.centre, strict=True):  # [axis][n][node]: h φ(u) uⁿ
        for _ in range(order):
            table.append([x * (s - c) for x, s in zip(table[-1], row, strict=True)])
    exponents = [n for n in itertools.product(range(order + 1), repeat=len(axes)) if sum(n) <= order]
    bends, alone = [C[end, end] / 2 for C in law.bends] or [arb(0)] * len(law.weights), law.bends or not end
    for s in (arb_mat([[x] for x in (*point, arb(0))]) for point in itertools.product(*nodes[:end])):
        tilt = law.slopes + arb_mat([(C * s).entries() for C in law.bends]) if law.bends else law.slopes  # ∇ℓ_k
        front = [w * x.exp() for w, x in zip(law.weights, ((law.slopes + tilt) * s / 2).entries(), strict=True)]
        if law.bends or not rows:  # straight logits factorise: the same for every row
            along = arb_mat([[((tilt[k, end] + c * x) * x).exp() for x in nodes[end]] for k, c in enumerate(bends)])
            parts = along if alone else arb_mat([list(map(mul, row, t)) for row in along.tolist() for t in tables[end]])
        below = (arb_mat([front]) * along).entries()
        if alone:
            found = parts * arb_mat([[y / x for y in row] for *row, x in zip(*tables[end], below, strict=True)])
        else:
            found = parts * arb_mat([[one / x] for x in below])
        rows.append([front[i // (order + 1)] * x for i, x in enumerate(found.entries())])
    outer = [itertools.product(*(table[m] for table, m in zip(tables, n[:end], strict=False))) for n in exponents]
    sums = (arb_mat([[math.prod(x, start=one) for x in row] for row in outer]) * arb_mat(rows)).tolist()
    return {n: row[n[end] :: order + 1] for n, row in zip(exponents, sums, strict=True)}


def gauss(u: arb) -> arb:
    """Return φ(u)."""
    return (-u * u / 2).exp() / (2 * arb.pi()).sqrt()


def lattice_error(law: Whitened, axes: list[Axis], logarithm: bool = False) -> arb:
    """Return a bound of |sum − integral| for every k and moment (PROOFS.md, 2), or for log Σ_k w_k e^{ℓ_k} (8.3)."""
    ends = [[arb(axis.h * (2 * end - 1) / 2) for end in (axis.steps.start, axis.steps.stop)] for axis in axes]
    box = arb_mat([[low.union(high)] for low, high in ends])
    rows = law.slopes.tolist()  # spread ≥ |∂_iℓ_k − ∂_iℓ_n| on the box: straight ones lie between least and largest
    spread = [arb(0) if law.bends else max_of(x) + max_of([-y for y in x]) for x in zip(*rows, strict=True)]
    for k, n in itertools.combinations(range(len(law.bends)), 2):
        apart = arb_mat([[x - y] for x, y in zip(rows[k], rows[n], strict=True)]) + (law.bends[k] - law.bends[n]) * box
        spread = [x.max(abs(y).upper()) for x, y in zip(spread, apart.entries(), strict=True)]
    reach = [(c - low, high - c) for c, (low, high) in zip(law.centre, ends, strict=True)]
    longest, kappa, total = arb(1), arb(1), arb(0)  # longest ≥ |u| on the box, thickened
    for (low, high), axis in zip(reach, axes, strict=True):
        longest, kappa = longest.max(low.max(high) + arb(axis.a)), kappa * (1 + arb(axis.h) * gauss(arb(0)))
    steep = max((sum(map(abs, row), arb(0)).upper() for row in rows), default=arb(0))  # |ℓ_k(s)| ≤ steep·max|s_i|
    far = max((abs(c).upper() for c in law.centre), default=arb(0))
    for (low, high), rate, axis in zip(reach, spread, axes, strict=True):
        R, h, a = low.min(high), arb(axis.h), arb(axis.a)
        theta = a * rate
        if not (R > 0 and theta < arb.pi()):
            raise Rejected("the grid misses a component or its strip is too wide")
        near = (theta / 2).cos()  # Σ_k w_k e^{ℓ_k} stays so far from 0, relatively
        most = steep * (far + longest) + theta - near.log() if logarithm else longest**law.order / near
        size = kappa * most * (a**2 / 2).exp()
        long_sides = 2 / ((2 * arb.pi() * a / h).exp() - 1)
        short_sides = 4 * h * arb(2).log() / (2 * arb.pi()) * gauss(R)
        total += size * (long_sides + short_sides) + tail(R) * (steep * (far + len(axes)) if logarithm else 1)
    if not total.is_finite():
        raise Rejected("the grid has no finite error bound")
    return total.upper()


def log_mean(law: Whitened, axes: Grid) -> arb:
    """Return E log Σ_k w_k e^{ℓ_k} given a component, by a lattice; ℓ_1 = 0 and Σ_k w_k = 1."""
    if not isinstance(axes, list) or len(axes) != len(law.centre):
        raise Rejected(f"the expectation of a logarithm takes lattices in {len(law.centre)} dimensions")
    return arb(0, lattice_error(law, axes, logarithm=True)) + log_sum(law, axes)


def log_sum(law: Whitened, axes: list[Axis]) -> arb:
    """Return the lattice sum of `log_mean`, row by row."""
    *outer, last = [
        [(arb(x.h * n), arb(x.h) * gauss(arb(x.h * n) - c)) for n in x.steps]
        for x, c in zip(axes, law.centre, strict=True)
    ]
    along = arb_mat([[(row[-1] * s).exp() for s, _ in last] for row in law.slopes.tolist()])
    weights, total = arb_mat([[weight] for _, weight in last]), arb(0)
    for point in itertools.product(*outer):
        logits = [sum((x * s for x, (s, _) in zip(row, point, strict=False)), arb(0)) for row in law.slopes.tolist()]
        front = arb_mat([[w * x.exp() for w, x in zip(law.weights, logits, strict=True)]])
        logs = arb_mat([[z.log() for z in (front * along).entries()]])
        total += (logs * weights)[0, 0] * math.prod((weight for _, weight in point), start=arb(1))
    return total


def tail(R: arb) -> arb:
    """Return ∫_{|u|>R} (1 + u²) φ du ≥ the integral of |φ p_k uⁿ| over |u_i| > R, since E u_l² = 1 for the others."""
    return 2 * (R / arb(2).sqrt()).erfc() + 2 * R * gauss(R)


def adaptive_moments(law: Whitened, grid: Adaptive) -> Moments:
    """Return enclosures on the line by `acb.integral`, with Gaussian tails beyond the radius."""
    c, K, goal = law.centre[0], len(law.weights), arb(2) ** -grid.bits
    middle = arb(c.mid())
    R = arb(grid.radius) - abs(c - middle)
    if not R > 0:
        raise Rejected("the radius does not cover the centre")
    ends = [acb(middle - grid.radius), acb(middle), acb(middle + grid.radius)]
    most, points = _MAX_ADAPTIVE // (K**2 * (ctx.prec + 400)), itertools.count()

    def moment(k: int, n: int) -> arb:
        def counted(s: acb, _analytic: bool) -> acb:
            next(points)  # an exception could not leave the integrator
            return _integrand(law, k, n, s)

        total = arb(0, tail(R).upper())
        for a, b in itertools.pairwise(ends):
            left = most - next(points)
            if left <= 0:
                raise Rejected("adaptive integration takes too many points")
            total += acb.integral(counted, a, b, abs_tol=goal, rel_tol=goal, eval_limit=left).real
        return total

    return {(n,): [moment(k, n) for k in range(K)] for n in range(law.order + 1)}


def _integrand(law: Whitened, k: int, n: int, s: acb) -> acb:
    """Return φ(u) p_k uⁿ, p_k = w_k e^{ℓ_k − ℓ_m} / Σ_l w_l e^{ℓ_l − ℓ_m}; no finite ball where the sum may be 0.

    Any m will do; for the largest ℓ_m in the middle of s the sum is far from 0 in large balls too (PROOFS.md, 2.3).
    """
    bends = [bend[0, 0] / 2 for bend in law.bends] or [arb(0)] * len(law.weights)
    curves, x = list(zip(law.slopes.entries(), bends, strict=True)), s.real.mid()
    top, over = max(curves, key=lambda curve: ((curve[0] + curve[1] * x) * x).mid())
    terms = [
        w * ((slope - top + (bend - over) * s) * s).exp() for w, (slope, bend) in zip(law.weights, curves, strict=True)
    ]
    u = s - law.centre[0]
    density = (-u * u / 2).exp() / (2 * arb.pi()).sqrt()
    return density * math.prod([u] * n, start=acb(1)) * terms[k] / sum(terms, acb(0))
