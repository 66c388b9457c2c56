"""Searchers: they propose points and are told the margins. Given the seed and the margins, they are deterministic.

So a searcher needs no saving: told the same margins again, it proposes the same points again.
"""

from __future__ import annotations

import math
import queue
import threading
import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings, strategies, target
from hypothesis import seed as hypothesis_seed

from thmverify.models import Floats

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # cma misses matplotlib, for plots that nobody asks it for
    import cma

_FAR = 1e6  # what a searcher that cannot take −∞ is told


class Searcher(Protocol):
    """Proposes a batch of points (n × size), then is told their margins (n), and so on."""

    def ask(self, best: Floats | None) -> Floats:
        """Return points to evaluate; `best` is the best point that any searcher has met."""
        ...

    def tell(self, points: Floats, margins: Floats) -> None:
        """Take the margins of the points just asked for."""
        ...

    def close(self) -> None:
        """Give back what the searcher holds."""
        ...


class Random:
    """Independent normal points, some of them further out than others."""

    def __init__(self, size: int, batch: int, seed: int) -> None:
        self._rng, self._shape = np.random.default_rng(seed), (batch, size)

    def ask(self, _best: Floats | None) -> Floats:
        """Return new points, whatever is known."""
        spread = np.exp(0.3 * self._rng.standard_normal((self._shape[0], 1)))
        points: Floats = spread * self._rng.standard_normal(self._shape)
        return points

    def tell(self, points: Floats, margins: Floats) -> None:
        """Nothing is learnt."""

    def close(self) -> None:
        """Nothing is held."""


class Polish:
    """Steps round the best point so far, longer after a success and shorter after a failure (the 1/5 rule)."""

    def __init__(self, size: int, batch: int, seed: int) -> None:
        self._rng, self._shape = np.random.default_rng(seed), (batch, size)
        self._centre: Floats | None = None
        self._value, self._step = -math.inf, 0.3

    def ask(self, best: Floats | None) -> Floats:
        """Return points round the best one; points from nowhere while there is none."""
        if best is not None and (self._centre is None or not np.array_equal(best, self._centre)):
            self._centre, self._step = best, max(self._step, 0.1)
        noise = self._rng.standard_normal(self._shape)
        lengths = self._step * np.exp(self._rng.standard_normal((self._shape[0], 1)))
        return noise if self._centre is None else self._centre + lengths * noise

    def tell(self, points: Floats, margins: Floats) -> None:
        """Lengthen or shorten the step."""
        i = int(np.argmax(margins))
        if margins[i] > self._value:
            self._value, self._step = float(margins[i]), self._step * 1.5
            self._centre = points[i]
        else:
            self._step = self._step * 0.7 if self._step > 1e-4 else 0.3

    def close(self) -> None:
        """Nothing is held."""


class Evolution:
    """CMA-ES: several at once, each started anew with more points when it has converged."""

    _POPULATION, _LARGEST = 16, 64

    def __init__(self, size: int, batch: int, seed: int) -> None:
        self._rng, self._size = np.random.default_rng(seed), max(size, 2)  # CMA-ES needs two variables
        self._used = size
        self._runs = [self._start(self._POPULATION) for _ in range(max(1, batch // self._POPULATION))]
        self._asked: list[list[Any]] = []

    def _start(self, population: int) -> Any:
        own = np.random.default_rng(int(self._rng.integers(2**31)))
        options = {
            "seed": math.nan,  # no: that seeds NumPy's global generator, which runs and libraries share
            "randn": lambda *shape: own.standard_normal(shape),
            "popsize": population,
            "verbose": -9,
            "verb_log": 0,
            "CMA_diagonal": 0,
            "tolflatfitness": 20,
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of what it does not use
            return cma.CMAEvolutionStrategy(self._rng.standard_normal(self._size), 0.7, options)

    def ask(self, _best: Floats | None) -> Floats:
        """Return one generation of each."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._asked = [run.ask() for run in self._runs]
        points: Floats = np.array([x[: self._used] for asked in self._asked for x in asked])
        return points

    def tell(self, _points: Floats, margins: Floats) -> None:
        """Let each evolve, or start again."""
        start = 0
        for i, (run, asked) in enumerate(zip(self._runs, self._asked, strict=True)):
            losses = np.minimum(-margins[start : start + len(asked)], _FAR)
            start += len(asked)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                run.tell(asked, losses.tolist())
                stopped = bool(run.stop())
            if stopped:
                self._runs[i] = self._start(min(2 * len(asked), self._LARGEST))

    def close(self) -> None:
        """Nothing is held."""


class _Closed(KeyboardInterrupt):
    """Ends Hypothesis from inside a test: it passes interrupts on and takes no other exception for one."""


class _Enough(KeyboardInterrupt):
    """Ends one run of Hypothesis, before it would end by the clock."""


class Shrinking:
    """Hypothesis: `target()` climbs the margin; once a point looks violated, its shrinker makes the point simple.

    Points are eighths of small integers, so that shorter means simpler. Hypothesis calls its test; a thread turns that
    round into asking and telling.
    """

    _REACH, _UNIT = 24, 8.0
    _ROWS = 8
    _EXAMPLES, _MOST = 300, 900  # to generate, and in all with those that shrink
    # Hypothesis likes to draw the constants of whatever modules are loaded: there are none from here on.
    _BASE = 3**40

    def __init__(self, size: int, batch: int, seed: int) -> None:
        self._size, self._rows = size, min(batch, self._ROWS)
        self._rng = np.random.default_rng(seed)
        self._questions: queue.Queue[Floats | BaseException] = queue.Queue()
        self._answers: queue.Queue[Floats | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def ask(self, _best: Floats | None) -> Floats:
        """Return the points of Hypothesis's next example."""
        if not self._thread.is_alive():
            self._thread.start()
        question = self._questions.get()
        if isinstance(question, BaseException):
            raise question
        return question

    def tell(self, _points: Floats, margins: Floats) -> None:
        """Let Hypothesis go on."""
        self._answers.put(margins)

    def close(self) -> None:
        """End the thread."""
        if self._thread.is_alive():
            self._answers.put(None)
            self._thread.join()

    def _run(self) -> None:
        try:
            while True:
                self._session(int(self._rng.integers(2**31)))()
        except _Closed:
            return
        except BaseException as error:  # the thread that asks must hear of it
            self._questions.put(error)

    def _session(self, seed: int) -> Callable[[], None]:
        """Return one run of Hypothesis: a few hundred examples, or until it has shrunk a violation."""
        coordinate = strategies.integers(self._BASE, self._BASE + 2 * self._REACH)
        left = [self._MOST]
        row = strategies.lists(coordinate, min_size=self._size, max_size=self._size)

        @hypothesis_seed(seed)
        @settings(
            max_examples=self._EXAMPLES,
            database=None,
            deadline=None,
            derandomize=False,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.target, Phase.shrink),
            print_blob=False,
        )
        @given(strategies.lists(row, min_size=1, max_size=self._rows))
        def climb(rows: list[list[int]]) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise _Enough
            self._questions.put(np.array([[_folded(n - self._BASE) for n in row] for row in rows]) / self._UNIT)
            margins = self._answers.get()
            if margins is None:
                raise _Closed
            best = float(np.max(margins))
            target(max(best, -_FAR))
            if best > 0:
                raise _ViolatedError

        def session() -> None:
            try:
                climb()
            except (_ViolatedError, _Enough):
                return

        return session


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


def start(names: tuple[str, ...], size: int, batch: int, seed: int) -> list[Searcher]:
    """Return the searchers by name, each with a seed of its own; raises KeyError for an unknown name."""
    seeds = np.random.SeedSequence(seed).generate_state(len(names))
    return [SEARCHERS[name](size, batch, int(s)) for name, s in zip(names, seeds, strict=True)]
