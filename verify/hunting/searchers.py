"""Searchers: they propose points and are told the margins. Given the seed and the margins, they are deterministic.

Between two turns all that a searcher knows is in its state, which is JSON: one that is restored from it goes on as the
one that was saved.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings, strategies, target
from hypothesis import seed as hypothesis_seed

from thmverify.models import Floats

_FAR = 1e6  # what Hypothesis, which cannot take −∞, is told
Measure: TypeAlias = Callable[[Floats], Floats]


class Searcher(Protocol):
    """Takes turns: it has points (n × size) measured, once or more often, and learns from their margins (n)."""

    every: int  # turns are taken in each so many generations

    def turn(self, measure: Measure, best: Floats | None) -> None:
        """Search for a while; `best` is the best point that any searcher of the island has met."""
        ...

    def state(self) -> dict[str, Any]:
        """Return all that the searcher knows, as JSON."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Know what the state says, and nothing else. Raises ValueError, KeyError or TypeError when it is none."""
        ...


def packed(array: Floats) -> str:
    """Return the numbers of an array as text, bit by bit.

    >>> packed(np.array([1.0]))
    'AAAAAAAA8D8='
    """
    return base64.b64encode(np.ascontiguousarray(array, dtype="<f8").tobytes()).decode("ascii")


def unpacked(text: str, shape: tuple[int, ...]) -> Floats:
    """Return the array of a shape that `packed` wrote. Raises ValueError when there are more numbers, or fewer."""
    data = base64.b64decode(text, validate=True)
    return np.frombuffer(data, dtype="<f8").astype(np.float64).reshape(shape)


class _Seeded:
    """What searchers share: a generator of random numbers, and arrays by name, which are their state."""

    every = 1
    _arrays: ClassVar[tuple[str, ...]] = ()

    def __init__(self, size: int, batch: int, seed: int) -> None:
        self._rng, self._shape = np.random.default_rng(seed), (batch, size)

    def state(self) -> dict[str, Any]:
        """Return all that the searcher knows, as JSON."""
        arrays = {name: packed(getattr(self, name)) for name in self._arrays}
        return {"random": self._rng.bit_generator.state, **arrays}

    def restore(self, state: dict[str, Any]) -> None:
        """Know what the state says. Raises ValueError, KeyError or TypeError when it is none of this searcher's."""
        self._rng.bit_generator.state = state["random"]
        for name in self._arrays:
            setattr(self, name, unpacked(state[name], getattr(self, name).shape))


class Random(_Seeded):
    """Independent normal points, some of them further out than others."""

    def turn(self, measure: Measure, _best: Floats | None) -> None:
        """Measure new points, whatever is known."""
        spread = np.exp(0.3 * self._rng.standard_normal((self._shape[0], 1)))
        measure(spread * self._rng.standard_normal(self._shape))


class Polish(_Seeded):
    """Steps round the best point so far, longer after a success and shorter after a failure (the 1/5 rule)."""

    _arrays = ("_centre", "_value", "_step")

    def __init__(self, size: int, batch: int, seed: int) -> None:
        super().__init__(size, batch, seed)
        self._centre, self._value, self._step = np.full(size, math.nan), np.array(-math.inf), np.array(0.3)

    def turn(self, measure: Measure, best: Floats | None) -> None:
        """Measure points round the best one; points from nowhere while there is none."""
        if best is not None and not np.array_equal(best, self._centre):
            self._centre, self._step = best, np.maximum(self._step, 0.1)
        noise = self._rng.standard_normal(self._shape)
        lengths = self._step * np.exp(self._rng.standard_normal((self._shape[0], 1)))
        points = noise if np.isnan(self._centre).any() else self._centre + lengths * noise
        margins = measure(points)
        i = int(np.argmax(margins))
        if margins[i] > self._value:
            self._value, self._step, self._centre = margins[i], self._step * 1.5, points[i]
        else:
            self._step = np.where(self._step > 1e-4, self._step * 0.7, 0.3)


class Evolution(_Seeded):
    """CMA-ES, several runs side by side, each started anew when it has converged or no longer climbs.

    A covariance is kept as its Cholesky factor A, as in O. Krause, D. R. Arbonès and C. Igel, "CMA-ES with optimal
    covariance update and storage complexity" (2016); weights and rates are those of N. Hansen, "The CMA evolution
    strategy: a tutorial" (2016). Arrays have the runs first.
    """

    _POPULATION = 16
    _SIGMA = 0.7
    _arrays = ("_mean", "_factor", "_sigma", "_path", "_length", "_age", "_top", "_stale")

    def __init__(self, size: int, batch: int, seed: int) -> None:
        super().__init__(size, batch, seed)
        runs, n = max(1, batch // self._POPULATION), size
        self._mean, self._factor = np.zeros((runs, n)), np.zeros((runs, n, n))
        self._sigma, self._age, self._top, self._stale = np.zeros((4, runs))
        self._path, self._length = np.zeros((2, runs, n))  # of the covariance, and of the step's length
        self._start(np.full(runs, True))

    def _start(self, chosen: Floats) -> None:
        """Start the runs chosen (a mask) somewhere else."""
        self._mean[chosen] = self._rng.standard_normal(self._mean[chosen].shape)
        self._factor[chosen] = np.eye(self._shape[1])
        self._path[chosen] = self._length[chosen] = 0.0
        self._sigma[chosen], self._top[chosen], self._age[chosen], self._stale[chosen] = self._SIGMA, -math.inf, 0, 0

    def turn(self, measure: Measure, _best: Floats | None) -> None:
        """Measure one generation of each run, and let it evolve or start again."""
        runs, n = self._mean.shape
        z = self._rng.standard_normal((runs, self._POPULATION, n))
        y = z @ self._factor.transpose(0, 2, 1)
        points = self._mean[:, None] + self._sigma[:, None, None] * y
        margins = measure(points.reshape(-1, n)).reshape(runs, -1)
        order = np.argsort(-margins, axis=1, kind="stable")[:, : self._POPULATION // 2, None]
        self._evolve(np.take_along_axis(z, order, axis=1), np.take_along_axis(y, order, axis=1))
        top = margins.max(axis=1)
        better = top - 1e-12 * np.abs(top) > self._top
        self._stale = np.where(better, 0, self._stale + 1)
        self._top, self._age = np.maximum(top, self._top), self._age + 1
        self._start(self._finished())

    def _evolve(self, z: Floats, y: Floats) -> None:
        """Move to the better half, y = z Aᵀ (runs × μ × n), the best first."""
        _, mu, n = z.shape
        weights = math.log(mu + 0.5) - np.log(np.arange(1, mu + 1))
        weights /= weights.sum()
        mass = 1 / float((weights**2).sum())
        c_sigma = (mass + 2) / (n + mass + 5)
        damping = 1 + 2 * max(0.0, math.sqrt((mass - 1) / (n + 1)) - 1) + c_sigma
        c_path = (4 + mass / n) / (n + 4 + 2 * mass / n)
        c_one = 2 / ((n + 1.3) ** 2 + mass)
        c_mu = min(1 - c_one, 2 * (mass - 2 + 1 / mass) / ((n + 2) ** 2 + mass))
        usual = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))  # E ‖N(0, I)‖, nearly
        step = np.einsum("k,rki->ri", weights, y)
        self._mean = self._mean + self._sigma[:, None] * step
        drift = math.sqrt(c_sigma * (2 - c_sigma) * mass)
        self._length = (1 - c_sigma) * self._length + drift * np.einsum("k,rki->ri", weights, z)
        length = np.linalg.norm(self._length, axis=1)
        young = np.sqrt(1 - (1 - c_sigma) ** (2 * (self._age + 1)))
        held = (length / young < (1.4 + 2 / (n + 1)) * usual).astype(float)  # else the path would grow too quickly
        self._path = (1 - c_path) * self._path + (held * math.sqrt(c_path * (2 - c_path) * mass))[:, None] * step
        left = 1 - c_one - c_mu + (1 - held) * c_one * c_path * (2 - c_path)
        covariance = left[:, None, None] * self._factor @ self._factor.transpose(0, 2, 1)
        covariance += c_one * self._path[:, :, None] * self._path[:, None, :]
        covariance += c_mu * np.einsum("k,rki,rkj->rij", weights, y, y)
        floor = 1e-14 * np.trace(covariance, axis1=1, axis2=2)
        self._factor = np.linalg.cholesky(covariance + floor[:, None, None] * np.eye(n))
        self._sigma = self._sigma * np.exp(np.minimum(1.0, c_sigma / damping * (length / usual - 1)))

    def _finished(self) -> Floats:
        """Return which runs have converged, are lost, or have not climbed for long (a mask)."""
        n = self._mean.shape[1]
        scales = np.abs(np.diagonal(self._factor, axis1=1, axis2=2))
        reach = self._sigma * scales.max(axis=1)
        lost = (reach > 1e8) | (scales.max(axis=1) > 1e7 * scales.min(axis=1))
        finished: Floats = (reach < 1e-11) | lost | (self._stale > 20 + 2 * n)
        return finished


class _Enough(KeyboardInterrupt):
    """Ends one run of Hypothesis, before it would end by the clock: it passes interrupts on."""


class Shrinking(_Seeded):
    """Hypothesis: `target()` climbs the margin; once a point looks violated, its shrinker makes the point simple.

    Points are eighths of small integers, so that shorter means simpler. A turn is one run of Hypothesis, of a hundred
    examples, and so turns are rare.
    """

    every = 64
    _REACH, _UNIT = 24, 8.0
    _ROWS = 8
    # Hypothesis likes to draw the constants of whatever modules are loaded: there are none from here on.
    _BASE = 3**40

    def turn(self, measure: Measure, _best: Floats | None) -> None:
        """Go through some examples, fewer where a batch is small, or until a violation has shrunk."""
        batch, size = self._shape
        examples = max(40, min(100, batch))
        left = [3 * examples]  # with those that shrink
        coordinate = strategies.integers(self._BASE, self._BASE + 2 * self._REACH)
        row = strategies.lists(coordinate, min_size=size, max_size=size)

        @hypothesis_seed(int(self._rng.integers(2**31)))
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            derandomize=False,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.target, Phase.shrink),
            print_blob=False,
        )
        @given(strategies.lists(row, min_size=1, max_size=min(batch, self._ROWS)))
        def climb(rows: list[list[int]]) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise _Enough
            points = np.array([[_folded(n - self._BASE) for n in row] for row in rows]) / self._UNIT
            best = float(np.max(measure(points)))
            target(max(best, -_FAR))
            if best > 0:
                raise _ViolatedError

        try:
            climb()
        except (_ViolatedError, _Enough):
            return


def _folded(n: int) -> float:
    """Return 0, 1, −1, 2, −2, … for n = 0, 1, 2, …: Hypothesis shrinks to the least n."""
    return float((n + 1) // 2 * (1 if n % 2 else -1))


class _ViolatedError(Exception):
    """A point with a positive margin: what Hypothesis shrinks."""


SEARCHERS: dict[str, Callable[[int, int, int], Searcher]] = {
    "random": Random,
    "cma": Evolution,
    "hypothesis": Shrinking,
    "polish": Polish,
}
PORTFOLIO = tuple(SEARCHERS)


def start(names: tuple[str, ...], size: int, batch: int, seed: tuple[int, ...]) -> list[Searcher]:
    """Return the searchers by name, each with a seed of its own; raises KeyError for an unknown name."""
    seeds = np.random.SeedSequence(seed).generate_state(len(names))
    return [SEARCHERS[name](size, batch, int(s)) for name, s in zip(names, seeds, strict=True)]
