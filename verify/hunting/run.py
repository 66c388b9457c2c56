"""The loop of a hunt: hand out rounds of islands, record what comes back, simplify what was found.

Each island goes on by itself, and no round waits for another's. What a hunt finds depends on its islands and not on who
does their rounds: of several certificates it takes the one of the earliest generation, and there of the first island,
and every island goes as far as it takes to know which that is.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace

from thmverify.budget import Budget
from thmverify.errors import InputError
from thmverify.hunting.executors import ATTEMPTS, Executor, Here, died
from thmverify.hunting.islands import Checkpoint, Goal, Island, Round, advance, versions
from thmverify.hunting.jobs import Refutation, refute
from thmverify.hunting.ledger import Description, Ledger, Saved, hunt_id
from thmverify.hunting.questions import Question
from thmverify.hunting.searchers import PORTFOLIO, SEARCHERS
from thmverify.hunting.simplify import simplify
from thmverify.notebook import escaped, table, word

BATCH = 128
MOST_ISLANDS = 4096
_SHORTEST, _LONGEST = 0.25, 5.0  # seconds of a round
_PATIENCE = 2.0  # seconds between two looks whether all is well


@dataclass(frozen=True)
class Plan:
    """What to hunt and how: all that the course of the hunt depends on, besides the versions of libraries."""

    question: Question
    seed: int = 0
    searchers: tuple[str, ...] = PORTFOLIO
    batch: int = BATCH
    islands: int = 1

    @property
    def id(self) -> str:
        """The hunt's name in the ledger."""
        return hunt_id(self.question.to_json(), self.seed, self.searchers, self.batch, self.islands)

    def check(self) -> None:
        """Raise InputError when a searcher is unknown or named twice."""
        if len(set(self.searchers)) != len(self.searchers):
            raise InputError("--searcher", ", ".join(self.searchers), "names one twice", "name each once")
        for name in self.searchers:
            if name not in SEARCHERS:
                raise InputError("--searcher", name, "is not a searcher", f"write {', '.join(SEARCHERS)}")

    def island(self, number: int) -> Island:
        """Return one of its islands."""
        return Island(self.question, self.searchers, self.batch, self.seed, number)

    def description(self) -> Description:
        """Return what the ledger holds of it."""
        asked = self.question.to_json()
        return Description(self.id, asked, self.seed, self.searchers, self.batch, self.islands, {**versions()}, "")


@dataclass(frozen=True)
class Totals:
    """What the islands of a hunt have come to: evaluations, seconds, certificates tried, the best margin."""

    evaluations: int
    seconds: float
    tried: int
    best: float

    @property
    def rate(self) -> float:
        """Evaluations a second."""
        return self.evaluations / max(self.seconds, 1e-9)


@dataclass(frozen=True)
class Progress:
    """Where a hunt is: "searching" or "simplifying", what is done, and how many islands have found something."""

    stage: str
    done: Totals
    certified: int
    height: int | None = None

    def _repr_html_(self) -> str:
        done = self.done
        found = f"{self.certified} certified" + ("" if self.height is None else f", of height {self.height}")
        text = f"{self.stage}: {done.evaluations:,} instances in {done.seconds:.0f} s"
        return escaped(f"{text} ({done.rate:,.0f}/s); best margin {done.best:.3g}; {found}")


@dataclass(frozen=True)
class Result:
    """How a hunt ended: what it took, the best margin, and the simplest counterexample if one was certified."""

    id: str
    done: Totals
    found: Refutation | None
    simplest: Refutation | None

    def _repr_html_(self) -> str:
        rows = [("instances", f"{self.done.evaluations:,}"), ("best margin", f"{self.done.best:.3g} (floating point)")]
        if self.simplest is None:
            return table(escaped(f"hunt {self.id}: no counterexample found (this is not a proof)"), rows)
        instance = self.simplest.draft.instance()
        return table(f"hunt {escaped(self.id)}: {word('refuted')}", [*rows, ("instance", instance._repr_html_())])


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

    Raises InputError when the hunt was begun with other versions of what searches.
    """
    _same_versions(ledger.begin(plan.description()))
    hunting = _Hunt(plan, ledger, budget, executor or Here(), observe)
    hunting.run()
    found, done = hunting.first(), hunting.totals()
    if found is None or not simpler:
        return Result(plan.id, done, None if found is None else found.refutation, None)
    return Result(plan.id, done, found.refutation, _simplest(plan, ledger, found, done, observe))


def _same_versions(begun: Description) -> None:
    for name, number in versions().items():
        if name != "python" and begun.versions.get(name) != number:
            rule = f"was begun with {name} {begun.versions.get(name)}, and this is {number}"
            raise InputError("--resume", begun.id, rule, "use the versions that it was begun with, or a new seed")


class _Hunt:
    """A hunt under way: where its islands are, and what they have found."""

    def __init__(
        self, plan: Plan, ledger: Ledger, budget: Budget, executor: Executor, observe: Callable[[Progress], None]
    ) -> None:
        self.plan, self.ledger, self.budget, self.executor, self.observe = plan, ledger, budget, executor, observe
        self.at = dict.fromkeys(range(plan.islands), Checkpoint())
        known, self._before = ledger.checkpoints(plan.id)
        self._recorded = self._before
        self.at |= known
        saved = [decided_again(plan, x) for x in ledger.certificates(plan.id) if x.stage == "found"]
        self.found = {found.island: found for found in saved}
        self._begun = time.perf_counter()

    @property
    def seconds(self) -> float:
        """The seconds of the clock that the hunt has taken, those before it was resumed included."""
        return self._before + time.perf_counter() - self._begun

    def totals(self) -> Totals:
        """Return what the islands have come to."""
        at = self.at.values()
        best = max(place.margin for place in at)
        evaluations, tried = (sum(getattr(place, name) for place in at) for name in ("evaluations", "tried"))
        return Totals(evaluations, self._recorded, tried, best)

    def first(self) -> Saved | None:
        """Return the first certificate: of the earliest generation, and there of the first island."""
        return min(self.found.values(), key=lambda saved: (saved.generation, saved.island), default=None)

    def run(self) -> None:
        """Hand out rounds until no island has one to do; an island has one at a time.

        A round whose worker died is handed out again, up to a few times.
        """
        flying: dict[Future[Round], int] = {}
        deaths: Counter[int] = Counter()
        while True:
            free = self.executor.workers - len(flying)
            for number in self._waiting({*flying.values()})[: max(free, 0)]:
                task = (self.plan.island(number), self.at[number], self._goal(number), versions())
                flying[self.executor.submit(advance, *task)] = number
            if not flying:
                return
            done, _ = wait(flying, _PATIENCE, FIRST_COMPLETED)
            self.executor.check()
            for future in sorted(done, key=flying.__getitem__):
                number = flying.pop(future)
                deaths[number] = deaths[number] + 1 if died(future.exception()) else 0
                if not 0 < deaths[number] < ATTEMPTS:
                    self._take(number, future.result())

    def _waiting(self, busy: set[int]) -> list[int]:
        """Return the islands that have a round to do and do none, those that are behind first."""
        if self.budget.spent(self.seconds, 0):
            return []
        numbers = (number for number in self.at if number not in busy and not self._done(number))
        return sorted(numbers, key=lambda number: self.at[number].generation)

    def _done(self, number: int) -> bool:
        at, goal = self.at[number], self._goal(number)
        return number in self.found or at.generation >= goal.generation or at.evaluations >= goal.evaluations

    def _goal(self, number: int) -> Goal:
        """Return how far an island goes: its share of the budget, and not beyond what was found."""
        first = self.first()
        generation = math.inf if first is None else first.generation - (number > first.island)
        share = -(-self.budget.evaluations // self.plan.islands) or math.inf
        left = self.budget.seconds - self.seconds if self.budget.seconds > 0 else math.inf
        return Goal(generation, share, min(max(_SHORTEST, self.seconds / 8), _LONGEST, left))

    def _take(self, number: int, done: Round) -> None:
        """Record a round, and say so."""
        self._recorded = self.seconds
        self.ledger.record(self.plan.id, number, self._recorded, self.at[number], done.after, done.found)
        self.at[number] = done.after
        if done.found is not None:
            self.found[number] = Saved("found", number, done.after.generation, done.found)
        self.observe(Progress("searching", self.totals(), len(self.found)))


def decided_again(plan: Plan, saved: Saved) -> Saved:
    """Return what a ledger holds once its instance is decided again: a file proposes, and the kernel judges.

    Raises InputError when it does not refute the claim.
    """
    again = refute(plan.question.claim, saved.refutation.draft)
    if again is None:
        rule = f"has an instance of island {saved.island} in the ledger that does not refute {plan.question.claim}"
        raise InputError("--resume", plan.id, rule, "hunt with a new seed")
    return replace(saved, refutation=again)


def _simplest(
    plan: Plan, ledger: Ledger, found: Saved, done: Totals, observe: Callable[[Progress], None]
) -> Refutation:
    """Return the simplest refutation that the moves reach; each step is safe in the ledger when it is taken."""
    place = found.island, found.generation
    for saved in ledger.certificates(plan.id):
        if saved.stage == "simplest" and (saved.island, saved.generation) == place:
            return decided_again(plan, saved).refutation

    def accepted(refutation: Refutation) -> None:
        ledger.save(plan.id, Saved("simpler", *place, refutation))
        observe(Progress("simplifying", done, 1, refutation.draft.height))

    simplest = simplify(plan.question.claim, plan.question.settings, found.refutation, accepted)
    ledger.save(plan.id, Saved("simplest", *place, simplest))
    return simplest
