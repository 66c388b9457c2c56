"""The loop of a hunt: ask, evaluate, record, certify, simplify; the same rounds whatever runs them, and wherever.

A round is one batch of every searcher. What follows from a round depends on the ledger alone, so a hunt that was killed
and resumed is the hunt that was not. Evaluations are handed out in parts of a fixed size, so that not even rounding
depends on the number of workers.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from thmverify.errors import InputError
from thmverify.hunting import jobs
from thmverify.hunting.executors import Executor, Here, run_all
from thmverify.hunting.jobs import Refutation
from thmverify.hunting.ledger import Batch, Description, Ledger, Round, Saved, hunt_id
from thmverify.hunting.questions import Question
from thmverify.hunting.searchers import PORTFOLIO, SEARCHERS, Searcher, start
from thmverify.hunting.simplify import simplify
from thmverify.models import Floats
from thmverify.notebook import escaped, table, word

BATCH = 128
_PART = 64  # points that are evaluated together
_JOBS = 2  # for each worker in a round: fewer leave some idle, more cost
_CANDIDATES = 2  # certificates tried a round, at most
_LIBRARIES = ("thmverify", "numpy", "cma", "hypothesis", "python-flint")


@dataclass(frozen=True)
class Budget:
    """When to give up: seconds of work, or evaluations; 0 stands for no limit."""

    seconds: float = 60.0
    evaluations: int = 0

    def spent(self, seconds: float, evaluations: int) -> bool:
        """Whether the hunt has used it up."""
        return (0 < self.seconds <= seconds) or (0 < self.evaluations <= evaluations)

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Return the budget that "60s", "5m", "2h" or "2000ev" says.

        Raises InputError for anything else.
        """
        for suffix, unit in (("ev", 0), ("s", 1), ("m", 60), ("h", 3600)):
            number = text.removesuffix(suffix)
            if number != text and number.isascii() and number.isdigit() and len(number) <= 9 and int(number) > 0:
                return cls(float(unit * int(number)), 0 if unit else int(number))
        raise InputError("--budget", text, "is no time and no number of evaluations", "write 60s, 5m, 2h or 20000ev")


@dataclass(frozen=True)
class Plan:
    """What to hunt and how: all that the course of the hunt depends on, besides the versions of libraries."""

    question: Question
    seed: int = 0
    searchers: tuple[str, ...] = PORTFOLIO
    batch: int = BATCH

    @property
    def id(self) -> str:
        """The hunt's name in the ledger."""
        return hunt_id(self.question.to_json(), self.seed, self.searchers, self.batch)

    def check(self) -> None:
        """Raise InputError when a searcher is unknown or named twice."""
        if len(set(self.searchers)) != len(self.searchers):
            raise InputError("--searcher", ", ".join(self.searchers), "names one twice", "name each once")
        for name in self.searchers:
            if name not in SEARCHERS:
                raise InputError("--searcher", name, "is not a searcher", f"write {', '.join(SEARCHERS)}")

    def description(self) -> Description:
        """Return what the ledger holds of it."""
        return Description(self.id, self.question.to_json(), self.seed, self.searchers, self.batch, versions(), "")

    @classmethod
    def of(cls, hunt: Description) -> Plan:
        """Return the plan of a hunt in the ledger."""
        return cls(Question.from_json(hunt.question), hunt.seed, hunt.searchers, hunt.batch)


@dataclass(frozen=True)
class Progress:
    """Where a hunt is: "searching" or "simplifying", and the round it has done."""

    stage: str
    done: Round
    certified: int
    height: int | None = None

    def _repr_html_(self) -> str:
        done = self.done
        found = f"{self.certified} certified" + ("" if self.height is None else f", of height {self.height}")
        rate = done.evaluations / max(done.seconds, 1e-9)
        text = f"{self.stage}: round {done.number + 1}, {done.evaluations:,} instances in {done.seconds:.0f} s"
        return escaped(f"{text} ({rate:,.0f}/s); best margin {done.best:.3g}; {found}")


@dataclass(frozen=True)
class Result:
    """How a hunt ended: what it took, the best margin, and the simplest counterexample if one was certified."""

    id: str
    done: Round
    found: Refutation | None
    simplest: Refutation | None

    def _repr_html_(self) -> str:
        rows = [("instances", f"{self.done.evaluations:,}"), ("best margin", f"{self.done.best:.3g} (floating point)")]
        if self.simplest is None:
            return table(escaped(f"hunt {self.id}: no counterexample found (this is not a proof)"), rows)
        instance = self.simplest.draft.instance()
        return table(f"hunt {escaped(self.id)}: {word('refuted')}", [*rows, ("instance", instance._repr_html_())])


@dataclass
class _State:
    """What the rounds so far came to."""

    done: Round = field(default_factory=lambda: Round(-1, 0, 0.0, 0, -np.inf))
    best: Floats | None = None
    tried: set[bytes] = field(default_factory=set)


def versions() -> dict[str, str]:
    """Return the versions of all that proposes."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def hunt(
    plan: Plan,
    ledger: Ledger,
    budget: Budget = Budget(),
    executor: Executor | None = None,
    observe: Callable[[Progress], None] = lambda _: None,
    simpler: bool = True,
) -> Result:
    """Hunt until a counterexample is certified, or the budget is spent; go on where the ledger ends.

    What is found is simplified, unless `simpler` is false.
    """
    executor = executor or Here()
    ledger.begin(plan.description())
    found = _first(ledger.certificates(plan.id), "found")
    if found is None or found.round >= len(ledger.rounds(plan.id)):  # killed before the round was written: once more
        found = _search(plan, ledger, budget, executor, observe)
    rounds = ledger.rounds(plan.id)
    done = rounds[-1] if rounds else _State().done
    if found is None or not simpler:
        return Result(plan.id, done, None if found is None else found.refutation, None)
    return Result(plan.id, done, found.refutation, _simplest(plan, ledger, found, done, observe))


def _first(saved: Sequence[Saved], stage: str) -> Saved | None:
    return next((s for s in saved if s.stage == stage), None)


def _search(
    plan: Plan, ledger: Ledger, budget: Budget, executor: Executor, observe: Callable[[Progress], None]
) -> Saved | None:
    """Go through rounds, those of the ledger first, until a certificate is found or the budget is spent."""
    searchers = start(plan.searchers, plan.question.target().size, plan.batch, plan.seed)
    past = ledger.rounds(plan.id)
    state, begun = _State(), time.perf_counter()
    before = past[-1].seconds if past else 0.0
    try:
        while len(past) > state.done.number + 1 or not budget.spent(state.done.seconds, state.done.evaluations):
            number = state.done.number + 1
            replayed = past[number] if number < len(past) else None
            batches = _evaluate(plan, number, searchers, state.best, ledger if replayed else None, executor)
            champion = _champion(batches, state)
            candidates = _candidates(batches, state)
            found = None if replayed else _certify(plan, number, candidates, ledger, executor)
            seconds = before + time.perf_counter() - begun
            evaluations = state.done.evaluations + sum(len(b.margins) for b in batches)
            best = state.done.best if champion is None else champion[1]
            state.done = replayed or Round(number, evaluations, seconds, state.done.tried + len(candidates), best)
            if replayed is None:
                ledger.record(plan.id, state.done, batches, champion)
            elif number == len(past) - 1:
                begun = time.perf_counter()
            observe(Progress("searching", state.done, int(found is not None)))
            if found is not None:
                return found
    finally:
        for searcher in searchers:
            searcher.close()
    return None


def _evaluate(
    plan: Plan,
    number: int,
    searchers: Sequence[Searcher],
    best: Floats | None,
    past: Ledger | None,
    executor: Executor,
) -> list[Batch]:
    """Return the batches of a round: computed, or read from the ledger when it is a past one."""
    asked = [searcher.ask(best) for searcher in searchers]
    if past is None:
        margins = _margins(plan.question, asked, executor)
    else:
        margins = [_replayed(past, plan.id, number, *pair) for pair in zip(plan.searchers, asked, strict=True)]
    for searcher, points, values in zip(searchers, asked, margins, strict=True):
        searcher.tell(points, values)
    return [Batch(*batch) for batch in zip(plan.searchers, asked, margins, strict=True)]


def _replayed(past: Ledger, hunt: str, number: int, searcher: str, points: Floats) -> Floats:
    margins = past.margins(hunt, number, searcher, points)
    if margins is None:
        rule = f"round {number} of {searcher} is missing from {past.path}"
        raise InputError("--resume", hunt, rule, "the file is damaged: hunt with a new seed or another --out")
    return margins


def _margins(question: Question, asked: Sequence[Floats], executor: Executor) -> list[Floats]:
    parts = [points[at : at + _PART] for points in asked for at in range(0, len(points), _PART)]
    share = -(-len(parts) // (_JOBS * executor.workers))
    handed_out = [parts[at : at + share] for at in range(0, len(parts), share)]
    done = run_all(executor, [(jobs.margins_of_all, (question, part)) for part in handed_out])
    values = np.concatenate([margins for job in done for margins in job])
    return np.split(values, np.cumsum([len(points) for points in asked])[:-1])


def _champion(batches: Sequence[Batch], state: _State) -> tuple[str, float, Floats] | None:
    """Return searcher, margin and point of a new best, and remember it."""
    best = max(batches, key=lambda batch: float(batch.margins.max()))
    i = int(np.argmax(best.margins))
    if best.margins[i] <= state.done.best:
        return None
    state.best = best.points[i]
    return best.searcher, float(best.margins[i]), best.points[i]


def _candidates(batches: Sequence[Batch], state: _State) -> list[Floats]:
    """Return the best points that look violated and have not been tried."""
    points, margins = np.concatenate([b.points for b in batches]), np.concatenate([b.margins for b in batches])
    chosen: list[Floats] = []
    for i in np.argsort(-margins, kind="stable"):
        if margins[i] <= 0 or len(chosen) == _CANDIDATES:
            break
        key = points[i].tobytes()
        if key not in state.tried:
            state.tried.add(key)
            chosen.append(points[i])
    return chosen


def _certify(plan: Plan, number: int, candidates: Sequence[Floats], ledger: Ledger, executor: Executor) -> Saved | None:
    """Return the first certificate, safe in the ledger, if any candidate makes one."""
    for refutation in run_all(executor, [(jobs.certify, (plan.question, point)) for point in candidates]):
        if refutation is not None:
            saved = Saved("found", number, refutation)
            ledger.save(plan.id, saved)
            return saved
    return None


def _simplest(plan: Plan, ledger: Ledger, found: Saved, done: Round, observe: Callable[[Progress], None]) -> Refutation:
    """Return the simplest refutation that the moves reach; each step is safe in the ledger when it is taken."""
    known = _first(ledger.certificates(plan.id), "simplest")
    if known is not None:
        return known.refutation

    def accepted(refutation: Refutation) -> None:
        ledger.save(plan.id, Saved("simpler", found.round, refutation))
        observe(Progress("simplifying", done, 1, refutation.draft.height))

    simplest = simplify(plan.question.claim, plan.question.settings, found.refutation, accepted)
    ledger.save(plan.id, Saved("simplest", found.round, simplest))
    return simplest
