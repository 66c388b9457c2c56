"""Islands: the independent searches of a hunt. What an island finds depends on its seed and its question alone.

An island goes on in rounds, a round in generations, in each of which every searcher takes its turn and the most
promising points go to the kernel. A round is what a worker does in one go: it starts from a checkpoint and ends in one,
so that where rounds end, and who does them, makes no difference.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import time
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from thmverify.errors import InputError
from thmverify.hunting import jobs
from thmverify.hunting.jobs import Refutation
from thmverify.hunting.questions import Question
from thmverify.hunting.searchers import Searcher, packed, start, unpacked
from thmverify.models import Floats

_PART = 128  # points that are evaluated together
_CANDIDATES = 2  # certificates tried in a generation, at most
_REMEMBERED = 64  # points that were tried last, and are not tried again
_LIBRARIES = ("thmverify", "numpy", "hypothesis", "python-flint")


@lru_cache
def versions() -> dict[str, str]:
    """Return the versions of all that proposes."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


@dataclass(frozen=True)
class Island:
    """What an island is: all that its course depends on, besides the versions of libraries."""

    question: Question
    searchers: tuple[str, ...]
    batch: int
    seed: int
    number: int

    def start(self) -> list[Searcher]:
        """Return its searchers at the beginning."""
        return start(self.searchers, self.question.target().size, self.batch, (self.seed, self.number))


@dataclass(frozen=True)
class Best:
    """The best point of an island, its margin, and which searcher met it in which generation."""

    margin: float
    point: Floats
    searcher: str
    generation: int


@dataclass(frozen=True)
class Checkpoint:
    """Where an island is after a number of generations: evaluations, certificates tried, and what its searchers know.

    `recent` are the last points tried, by digest.
    """

    generation: int = 0
    evaluations: int = 0
    tried: int = 0
    recent: tuple[str, ...] = ()
    best: Best | None = None
    state: tuple[dict[str, Any], ...] = ()

    @property
    def margin(self) -> float:
        """The best margin, −∞ where there is none."""
        return -math.inf if self.best is None else self.best.margin

    def text(self) -> str:
        """Return the checkpoint as JSON, the same text for the same checkpoint; floats are kept bit by bit."""
        best = self.best
        data = {
            "generation": self.generation,
            "evaluations": self.evaluations,
            "tried": self.tried,
            "recent": [*self.recent],
            "best": best and [packed(np.array(best.margin)), packed(best.point), best.searcher, best.generation],
            "state": [*self.state],
        }
        return json.dumps(data, sort_keys=True, separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> Checkpoint:
        """Return the checkpoint that `text` wrote. Raises ValueError, KeyError or TypeError when it is none."""
        data = json.loads(text)
        counts = [data[name] for name in ("generation", "evaluations", "tried")]
        if [type(count) for count in counts] != [int, int, int] or min(counts) < 0:
            raise ValueError("a checkpoint has other counts")
        best = None
        if data["best"] is not None:
            margin, point, searcher, when = data["best"]
            best = Best(float(unpacked(margin, ())), unpacked(point, (-1,)), str(searcher), int(when))
        generation, evaluations, tried = counts
        return cls(generation, evaluations, tried, tuple(map(str, data["recent"])), best, tuple(data["state"]))


@dataclass(frozen=True)
class Goal:
    """How far a round goes: to a generation or a number of evaluations of its island, or for some seconds."""

    generation: float
    evaluations: float
    seconds: float


@dataclass(frozen=True)
class Round:
    """What a round came to; `found` is a certificate of its last generation, which ends the island."""

    after: Checkpoint
    found: Refutation | None


def advance(island: Island, at: Checkpoint, goal: Goal, wanted: dict[str, str]) -> Round:
    """Do a round: a generation at least, if the goal is not reached, and more until it is.

    Raises InputError when the checkpoint is none of this island, or this worker has other versions than those wanted.
    """
    if versions() != wanted:
        others = ", ".join(
            f"{name} {own} for {wanted.get(name)}" for name, own in versions().items() if own != wanted.get(name)
        )
        raise InputError("--scheduler", others, "are versions of a worker", "install the same on every machine")
    search, begun = _Search(island, at), time.perf_counter()
    found: Refutation | None = None
    while found is None and search.generation < goal.generation and search.evaluations < goal.evaluations:
        found = search.step()
        if time.perf_counter() - begun >= goal.seconds:
            break
    return Round(search.checkpoint(), found)


@dataclass
class _Search:
    """An island at work."""

    island: Island
    at: Checkpoint
    _searchers: list[Searcher] = field(default_factory=list)
    _promising: list[tuple[float, Floats]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._searchers = self.island.start()
        if not self.at.generation:
            return
        try:
            for searcher, state in zip(self._searchers, self.at.state, strict=True):
                searcher.restore(state)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            rule = f"has a checkpoint that no searcher of this version wrote ({error})"
            raise InputError("--resume", f"island {self.island.number}", rule, "hunt with a new seed") from None

    @property
    def generation(self) -> int:
        """How many generations are done."""
        return self.at.generation

    @property
    def evaluations(self) -> int:
        """How many points have been evaluated."""
        return self.at.evaluations

    def checkpoint(self) -> Checkpoint:
        """Return where the island is."""
        return replace(self.at, state=tuple(searcher.state() for searcher in self._searchers))

    def step(self) -> Refutation | None:
        """Do one generation, and return the certificate that it came to, if any."""
        self._promising = []
        number = self.at.generation + 1
        self.at = replace(self.at, generation=number)
        for name, searcher in zip(self.island.searchers, self._searchers, strict=True):
            if number % searcher.every == 0:
                best = None if self.at.best is None else self.at.best.point
                searcher.turn(partial(self._measure, name), best)
        return self._certify()

    def _measure(self, searcher: str, points: Floats) -> Floats:
        """Return the margins of points, and remember the best, and those that look violated."""
        parts = (points[at : at + _PART] for at in range(0, len(points), _PART))
        margins: Floats = np.concatenate([jobs.margins(self.island.question, part) for part in parts])
        i = int(np.argmax(margins))
        self.at = replace(self.at, evaluations=self.at.evaluations + len(points))
        if margins[i] > self.at.margin:
            self.at = replace(self.at, best=Best(float(margins[i]), points[i], searcher, self.at.generation))
        self._promising += [(float(margins[j]), points[j]) for j in np.flatnonzero(margins > 0)]
        return margins

    def _certify(self) -> Refutation | None:
        """Return the first certificate that the best points make which look violated and have not been tried."""
        left = _CANDIDATES
        for _, point in sorted(self._promising, key=lambda pair: -pair[0]):
            digest = hashlib.sha256(packed(point).encode()).hexdigest()[:16]
            if digest in self.at.recent:
                continue
            self.at = replace(self.at, tried=self.at.tried + 1, recent=(*self.at.recent, digest)[-_REMEMBERED:])
            found = jobs.certify(self.island.question, point)
            left -= 1
            if found is not None or not left:
                return found
        return None
