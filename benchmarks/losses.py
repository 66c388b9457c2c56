"""What the population losses cost, and the error that each method reaches. Run: python -m benchmarks.losses

Rigorous values: the median time of an enclosure and its width, which is a proof, not an estimate.

Float64 values: the same integral by the toolkit, by Gauss–Hermite rules written by hand (the fewest nodes an axis
whose error is no larger than the toolkit's, or than 2e-16), by `scipy.integrate.cubature` (its default rule, and the
mixture's density in one vectorised call, the form it is fastest in), by Sobol points of `scipy.stats.qmc`, and by Monte
Carlo; by Gauss–Hermite in loops compiled by Numba, and by vegas, where these are installed (`pip install numba vegas`).
Errors are distances from an enclosure to 20 digits: what was reached, not what was asked for. The spread is that of the
logits in standard deviations: cubature subdivides where they are steep, the toolkit's lattice is uniform, so its lead
shrinks as they steepen. Whoever writes Gauss–Hermite by hand beats the toolkit where logits are mild: the toolkit
begins with exact rationals, and chooses its nodes itself, with a bound of the error.

Values on a line to 30 digits: the toolkit's enclosure, `acb.integral` on the same integrand, cut off where it is below
1e-40, and `mpmath.quad`, which proves nothing; each begins with the same numbers.

Times are medians of CPU time on one thread; every repetition of the toolkit's own calls poses a new problem, so that
nothing but rules of quadrature is remembered from the last.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import math
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial, reduce
from importlib.util import find_spec
from typing import Any, Generic, TypeVar

import mpmath
import numpy as np
from flint import acb, arb, ctx, fmpq
from rich.console import Console
from rich.table import Table
from scipy.integrate import cubature
from scipy.stats import qmc

from thmverify import exact
from thmverify.exact import to_floats
from thmverify.instances import parse_instance, parse_map
from thmverify.integrate.enclosure import enclose_value
from thmverify.integrate.float64 import expected_value
from thmverify.integrate.problem import LogSumExp
from thmverify.losses import LOSSES, levels
from thmverify.maps import LinearMap
from thmverify.models import Floats, Instance

T = TypeVar("T")

RIGOROUS_RANK_1 = 0.050
RIGOROUS_RANK_2 = 2.0
SPEED_UP = 100
FLOAT_ERROR = 1e-12
OURS, CUBATURE = "thmverify", "cubature"
LEAST = 2e-16  # an error below which nobody is asked to get
SIZES = (1, 2, 4)  # of the maps: how steep the logits are


@dataclass(frozen=True)
class Timed(Generic[T]):
    """The median CPU time of some calls in seconds, and what the first returned."""

    seconds: float
    result: T


def timed(calls: Sequence[Callable[[], T]]) -> Timed[T]:
    """Return the median time of the calls after the first, which warms up, or of that one alone."""
    times, results = [], []
    for call in calls:
        start = time.process_time()
        results.append(call())
        times.append(time.process_time() - start)
    return Timed(statistics.median(times[1:] or times), results[0])


def duration(seconds: float) -> str:
    """Return a time with a readable unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def mixture(components: int) -> Instance:
    """Return K components in R⁵ with a full rational covariance and unequal weights."""
    weights = [Fraction(k + 2, components * (components + 3) // 2) for k in range(components)]
    means = [[((7 * k + 3 * i + k * i) % 11) - 5 for i in range(5)] for k in range(components)]
    covariance = [[Fraction(2 if i == j else 1, 2 + abs(i - j)) for j in range(5)] for i in range(5)]
    return parse_instance(
        {
            "model": "shared-gmm",
            "weights": [str(w) for w in weights],
            "means": means,
            "covariance": [[str(x) for x in row] for row in covariance],
            "bias": "7/10",
        }
    )


def encoder(rank: int, variant: int, size: int = 1) -> LinearMap:
    """Return a map of this rank whose logits spread by about size²; variants differ by parts in a thousand."""
    scale = Fraction((1000 + variant) * size, 12_000)
    return parse_map({"A": [[str(scale * ((3 * i + 5 * j) % 7 - 3)) for j in range(rank)] for i in range(5)]})


def rigorous(console: Console, repetitions: int) -> bool:
    """Print the enclosures' costs; return whether every claim holds."""
    loss, table = LOSSES["infonce"], Table(title="Rigorous InfoNCE values")
    for heading in ("K", "rank", "digits", "time", "claim", "width of the enclosure", "holds"):
        table.add_column(heading, justify="right", no_wrap=True)
    cases = [(2, 1, 30), (3, 1, 30), (4, 1, 30), (3, 2, 15), (4, 2, 15), (8, 1, 30), (8, 2, 15)]
    every = True
    for components, rank, digits in cases:
        instance = mixture(components)
        maps = [encoder(rank, variant) for variant in range(repetitions + 1)]
        found = timed([partial(levels.enclose, loss, instance, m, digits) for m in maps])
        limit = (RIGOROUS_RANK_1 if rank == 1 else RIGOROUS_RANK_2) if components <= 4 else None
        holds = found.result.reached and (limit is None or found.seconds <= limit)
        every = every and holds
        claim = f"≤ {duration(limit)}" if limit is not None else "–"
        width = f"{float(exact.to_fraction(found.result.width)):.1e}"
        table.add_row(
            str(components), str(rank), str(digits), duration(found.seconds), claim, width, "yes" if holds else "NO"
        )
    console.print(table)
    return every


@dataclass(frozen=True)
class Whitened:
    """A problem in coordinates in which its components are N(c_j, I): weights (K), centres and slopes (ρ × K)."""

    weights: Floats
    centres: Floats
    slopes: Floats


def whitened(problem: LogSumExp) -> Whitened:
    """Return the problem of one covariance in whitened coordinates."""
    root = np.linalg.cholesky(to_floats(problem.covariance(0)))
    w = np.array([float(exact.to_fraction(x)) for x in problem.weights])
    return Whitened(w, np.linalg.solve(root, to_floats(problem.centres)), root.T @ to_floats(problem.linear))


def log_sums(problem: Whitened, s: Floats) -> Floats:
    """Return log Σ_k w_k exp(ℓ_k) at the points s (n × ρ)."""
    logits = s @ problem.slopes
    top = logits.max(axis=1)
    values: Floats = top + np.log(np.exp(logits - top[:, None]) @ problem.weights)
    return values


def box(problem: Whitened) -> tuple[Floats, Floats]:
    """Return the corners of a box of 8.5 standard deviations round the centres."""
    return problem.centres.min(axis=1) - 8.5, problem.centres.max(axis=1) + 8.5


def weighted(problem: Whitened, s: Floats) -> Floats:
    """Return the mixture's density times log Σ_k w_k exp(ℓ_k) at the points s (n × ρ)."""
    squares = ((s[:, :, None] - problem.centres) ** 2).sum(axis=1)
    values: Floats = np.exp(-squares / 2) @ problem.weights / (2 * math.pi) ** (len(problem.centres) / 2)
    return values * log_sums(problem, s)


def by_cubature(problem: Whitened, tolerance: float) -> float:
    """Return the value by scipy on a box of 8.5 standard deviations round the centres."""
    low, high = box(problem)
    return float(cubature(partial(weighted, problem), low, high, rtol=0.0, atol=tolerance).estimate)


@cache
def hermite(nodes: int, rho: int) -> tuple[Floats, Floats]:
    """Return the points (nodes^ρ × ρ) and weights of the product of Gauss–Hermite rules."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    points = np.stack(np.meshgrid(*[x] * rho, indexing="ij"), axis=-1).reshape(-1, rho)
    return points, reduce(np.multiply.outer, [w / w.sum()] * rho).ravel()


def by_gauss_hermite(problem: Whitened, nodes: int) -> float:
    """Return the value by so many nodes an axis round each centre: what one would write by hand."""
    points, weights = hermite(nodes, len(problem.centres))
    means = [log_sums(problem, points + centre) @ weights for centre in problem.centres.T]
    return float(problem.weights @ np.array(means))


def by_sobol(problem: Whitened, log2_points: int, seed: int) -> float:
    """Return the value as the mean over scrambled Sobol points round each centre."""
    sobol = qmc.MultivariateNormalQMC(np.zeros(len(problem.centres)), engine=qmc.Sobol(len(problem.centres), rng=seed))
    noise = sobol.random(2**log2_points)
    means = [log_sums(problem, noise + centre).mean() for centre in problem.centres.T]
    return float(problem.weights @ np.array(means))


def by_vegas(problem: Whitened, evaluations: int, seed: int) -> float:
    """Return the value by vegas: ten iterations, the first five to adapt its grid alone."""
    import gvar
    import vegas

    gvar.ranseed(seed)
    integrator = vegas.Integrator(np.column_stack(box(problem)).tolist())
    integrand = vegas.lbatchintegrand(partial(weighted, problem))
    integrator(integrand, nitn=5, neval=evaluations)
    return float(integrator(integrand, nitn=5, neval=evaluations).mean)


def compiled() -> Callable[[Floats, Floats, Floats, Floats, Floats], float]:
    """Return what sums a rule round each centre as loops that Numba has compiled."""
    import numba

    @numba.njit
    def total(points: Floats, weights: Floats, centres: Floats, slopes: Floats, shares: Floats) -> float:
        value = 0.0
        for j in range(len(shares)):
            mean = 0.0
            for n in range(len(points)):
                inside = 0.0
                for k in range(len(shares)):
                    logit = 0.0
                    for i in range(points.shape[1]):
                        logit += (points[n, i] + centres[i, j]) * slopes[i, k]
                    inside += shares[k] * math.exp(logit)
                mean += weights[n] * math.log(inside)
            value += shares[j] * mean
        return value

    return total


def by_numba(total: Callable[..., float], problem: Whitened, nodes: int) -> float:
    """Return what `by_gauss_hermite` does, by compiled loops."""
    points, weights = hermite(nodes, len(problem.centres))
    return float(total(points, weights, problem.centres, problem.slopes, problem.weights))


def by_monte_carlo(problem: Whitened, points: int, seed: int) -> float:
    """Return the value as the mean over sampled points."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(len(problem.weights), points, p=problem.weights)
    noise = rng.standard_normal((points, len(problem.centres)))
    return float(log_sums(problem, problem.centres.T[labels] + noise).mean())


def distance(value: float, truth: fmpq) -> float:
    """Return |value − truth|, the difference taken exactly."""
    return abs(float(Fraction(value) - exact.to_fraction(truth)))


def log_sum_exp(size: int, variant: int) -> LogSumExp:
    """Return the integral of InfoNCE for K = 3 and a map of rank 2."""
    return LOSSES["infonce"].value(mixture(3), encoder(2, variant, size)).logarithms[0].problem


@dataclass(frozen=True)
class Row:
    """What one method came to at one steepness: seconds, the error reached, and the one that it claims or was asked."""

    spread: float
    method: str
    seconds: float
    error: float
    claimed: float | None


def floating(console: Console, repetitions: int) -> bool:
    """Print what a float64 value costs by each method; return whether the claim holds for logits of ordinary spread."""
    table = Table(title="Float64 values of the log-sum-exp of InfoNCE, K = 3, rank 2")
    for heading in ("spread", "method", "time", "error", "claimed", "times slower"):
        table.add_column(heading, justify="right", no_wrap=True)
    compared = [compare(size, repetitions) for size in SIZES]
    for rows in compared:
        for row in rows:
            claimed = "–" if row.claimed is None else f"{row.claimed:.0e}"
            cells = (f"{row.spread:.1f}", row.method, duration(row.seconds), f"{row.error:.0e}", claimed)
            slower = f"{row.seconds / rows[0].seconds:.{0 if row.method == CUBATURE else 1}f}"
            table.add_row(*cells, slower, style="bold" if row is rows[0] else None, end_section=row is rows[-1])
    console.print(table)
    steep = compared[0][0].spread
    console.print(f"claim: at spread {steep:.0f}, cubature asked for 1e-12 is ≥ {SPEED_UP} times slower")
    ours, *_, strictest = (row for row in compared[0] if row.claimed is not None)
    accurate = ours.error <= FLOAT_ERROR and (ours.claimed or 1.0) <= FLOAT_ERROR
    return accurate and strictest.seconds / ours.seconds >= SPEED_UP


def spread(problem: LogSumExp) -> float:
    """Return the largest standard deviation of a logit."""
    return float(np.linalg.norm(whitened(problem).slopes, axis=0).max())


def compare(size: int, repetitions: int) -> list[Row]:
    """Return what each method comes to at one steepness, the toolkit first."""
    problems = [log_sum_exp(size, variant) for variant in range(5 * repetitions + 1)]
    enclosure = enclose_value(problems[0], 20)
    truth = (enclosure.lower + enclosure.upper) / 2
    floats, steep = whitened(problems[0]), spread(problems[0])
    ours = timed([partial(expected_value, p) for p in problems])
    rows = [Row(steep, OURS, ours.seconds, distance(ours.result.value, truth), ours.result.error)]
    good = max(rows[0].error, LEAST)
    nodes = next((n for n in range(4, 200, 2) if distance(by_gauss_hermite(floats, n), truth) <= good), 200)
    by_hand = timed([partial(by_gauss_hermite, floats, nodes)] * (repetitions + 1))
    reached = distance(by_hand.result, truth)
    rows.append(Row(steep, f"Gauss–Hermite, {nodes}", by_hand.seconds, reached, None))
    if find_spec("numba"):
        total = compiled()
        loops = timed([partial(by_numba, total, floats, nodes)] * (repetitions + 1))
        rows.append(Row(steep, f"the same, Numba, {nodes}", loops.seconds, distance(loops.result, truth), None))
    for tolerance in (1e-6, 1e-9, FLOAT_ERROR):
        other = timed([partial(by_cubature, floats, tolerance)] * 4)
        rows.append(Row(steep, CUBATURE, other.seconds, distance(other.result, truth), tolerance))
    for log2 in (10, 16):
        quasi = timed([partial(by_sobol, floats, log2, seed) for seed in range(repetitions + 1)])
        rows.append(Row(steep, f"{2**log2} Sobol points", quasi.seconds, distance(quasi.result, truth), None))
    for evaluations in (10**3, 10**5) if find_spec("vegas") else ():
        adapted = timed([partial(by_vegas, floats, evaluations, seed) for seed in range(4)])
        rows.append(Row(steep, f"vegas, {evaluations}", adapted.seconds, distance(adapted.result, truth), None))
    for points in (10**3, 10**6):
        samples = timed([partial(by_monte_carlo, floats, points, seed) for seed in range(repetitions + 1)])
        rows.append(Row(steep, f"{points} samples", samples.seconds, distance(samples.result, truth), None))
    return rows


def on_a_line(console: Console) -> None:
    """Print what 30 digits of a value on a line cost, by the toolkit, by Arb's own integration and by mpmath."""
    problem = LOSSES["infonce"].value(mixture(3), encoder(1, 0)).logarithms[0].problem
    truth = enclose_value(problem, 60)
    table = Table(title="Values of the log-sum-exp of InfoNCE to 30 digits, K = 3, rank 1")
    for heading in ("method", "CPU time", "error reached", "proves it", "times slower"):
        table.add_column(heading, justify="right", no_wrap=True)
    ours = timed([partial(enclose_value, problem, 30)] * 4)
    with working_precision(118):
        middle = arb(truth.lower + truth.upper) / 2
        by_arb = timed([partial(by_acb, problem)] * 4)
        apart = float(abs(by_arb.result - middle).upper())
        by_mpmath = timed([partial(by_mpmath_quad, problem)] * 4)
        error = float(abs(arb(mpmath.nstr(by_mpmath.result, 45)) - middle).upper())
    width = float(exact.to_fraction(ours.result.width))
    rows = ((OURS, ours.seconds, width, "yes"), ("acb.integral", by_arb.seconds, apart, "on the interval"))
    for method, seconds, reached, proves in (*rows, ("mpmath.quad", by_mpmath.seconds, error, "no")):
        table.add_row(method, duration(seconds), f"{reached:.0e}", proves, f"{seconds / ours.seconds:.1f}")
    console.print(table)


@contextmanager
def working_precision(bits: int) -> Iterator[None]:
    """Set the precision of Arb and of mpmath for the block."""
    before = ctx.prec, mpmath.mp.prec
    ctx.prec = mpmath.mp.prec = bits
    try:
        yield
    finally:
        ctx.prec, mpmath.mp.prec = before


def line(problem: LogSumExp) -> tuple[list[fmpq], list[fmpq], list[fmpq], fmpq]:
    """Return weights, centres, slopes and the variance of a problem on a line."""
    centres, slopes = ([row[0, k] for k in range(problem.terms)] for row in (problem.centres, problem.linear))
    return list(problem.weights), centres, slopes, problem.covariance(0)[0, 0]


def by_acb(problem: LogSumExp) -> arb:
    """Return the value by `acb.integral`, 14 standard deviations to each side of the centres."""
    weights, centres, slopes, variance = line(problem)
    root = arb(variance).sqrt()

    def integrand(q: acb, analytic: bool) -> acb:
        density, total = acb(0), acb(0)
        for w, m, b in zip(weights, centres, slopes, strict=True):
            density += acb(w) * (-((q - acb(m)) ** 2) / acb(2 * variance)).exp()
            total += acb(w) * (acb(b) * q).exp()
        return density * total.log(analytic=analytic)

    low, high = arb(min(centres)) - 14 * root, arb(max(centres)) + 14 * root
    found = acb.integral(integrand, acb(low.mid()), acb(high.mid()))
    return found.real / (root * (2 * arb.pi()).sqrt())


def by_mpmath_quad(problem: LogSumExp) -> Any:
    """Return the value by `mpmath.quad`, on the same interval, in pieces of two standard deviations."""
    mpf, (weights, centres, slopes, variance) = mpmath.mpf, line(problem)
    w, m, b = ([mpf(int(x.p)) / int(x.q) for x in row] for row in (weights, centres, slopes))
    root = mpmath.sqrt(mpf(int(variance.p)) / int(variance.q))

    def integrand(q: Any) -> Any:
        density = sum(wk * mpmath.exp(-(((q - mk) / root) ** 2) / 2) for wk, mk in zip(w, m, strict=True))
        return density * mpmath.log(sum(wk * mpmath.exp(bk * q) for wk, bk in zip(w, b, strict=True)))

    low, high = min(m) - 14 * root, max(m) + 14 * root
    pieces = mpmath.linspace(low, high, 2 + int((high - low) / (2 * root)))
    return mpmath.quad(integrand, pieces) / (root * mpmath.sqrt(2 * mpmath.pi))


def main() -> int:
    """Run the benchmarks; return 0 when every claim holds, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=9, help="how many times each call is timed (default 9)")
    repetitions = parser.parse_args().repetitions
    warnings.simplefilter("error")
    console = Console()
    holds = [rigorous(console, repetitions), floating(console, repetitions)]
    on_a_line(console)
    console.print("every claim holds" if all(holds) else "A CLAIM FAILS")
    return 0 if all(holds) else 1


if __name__ == "__main__":
    raise SystemExit(main())
