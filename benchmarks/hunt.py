"""How fast hunts are: margins a second, searchers up to their first certificate, workers.

python -m benchmarks.hunt [SEEDS | islands]
"""

from __future__ import annotations

import heapq
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from thmverify.budget import Budget
from thmverify.hunting import run
from thmverify.hunting.islands import Checkpoint, Goal, Island, Round, advance, versions
from thmverify.hunting.jobs import margins
from thmverify.hunting.ledger import Ledger
from thmverify.hunting.questions import ask
from thmverify.hunting.run import _LONGEST, Plan, Result, hunt
from thmverify.hunting.searchers import PORTFOLIO
from thmverify.minimize.across import SlopeAcross

BUDGETS = {"7/10": "60s", "1": "10m"}
SCALING = ("components=8", "weights=equal")  # nothing to find: all of the budget is spent on margins
SCALED = 200_000
RATE = 17_000  # evaluations a second of a simulated worker


def rates() -> None:
    """Print margins a second on one core, in the parts that hunts evaluate."""
    for title, shape in (("near a line", "line"), ("in a plane, any position", "any")):
        print(f"margins a second, one core, infonce-equality {title}")
        for K in range(3, 9):
            question = ask("infonce-equality", [f"components={K}", "dimension=2", f"shape={shape}"])
            points = np.random.default_rng(0).standard_normal((64, question.target().size))
            margins(question, points)
            start, rounds = time.process_time(), 20
            for _ in range(rounds):
                margins(question, points)
            print(f"  K = {K}: {rounds * 64 / (time.process_time() - start):8,.0f}")
    print("margins a second, one core, of a loss from its formula, K = 3: a batch, one by one")
    for name in ("infonce-weighted", "siglip"):
        print(f"  {name:18}" + "".join(f"{rate:8,.1f}" for rate in formula_rates(name)))


def formula_rates(loss: str) -> tuple[float, float]:
    """Return the margins a second of `SlopeAcross`, of a batch of means in a plane and of its first few one by one."""
    target = ask("siglip-equality", ["components=3", "covariance=identity"]).target()
    points = np.random.default_rng(0).standard_normal((128, target.size))
    instances = [next(target.drafts(point)).instance() for point in points]
    slope, rates = SlopeAcross(loss), []
    for evaluate, few in ((slope.batch, instances), (lambda few: [slope(i) for i in few], instances[:8])):
        start = time.process_time()
        evaluate(few)
        rates.append(len(few) / (time.process_time() - start))
    return rates[0], rates[1]


def found(plan: Plan, budget: Budget) -> tuple[Result, float]:
    """Hunt from nothing; return the result and the seconds of the clock."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder))
        start = time.perf_counter()
        result = hunt(plan, ledger, budget, simpler=False)
        seconds = time.perf_counter() - start
        ledger.close()
    return result, seconds


def searchers(seeds: int) -> None:
    """Print evaluations and seconds to the first certified counterexample, K = 3, centred, for each searcher."""
    print(f"\nto the first certificate against infonce-equality, K = 3, centred, {seeds} seeds")
    print("  δ     searcher      certified   evaluations median (most)   seconds median (most)")
    for delta, budget in BUDGETS.items():
        question = ask("infonce-equality", [f"delta={delta}"])
        for names in (PORTFOLIO, *((name,) for name in PORTFOLIO)):
            runs = [found(Plan(question, seed, names), Budget.parse(budget)) for seed in range(seeds)]
            ends = [(result.done.evaluations, seconds) for result, seconds in runs if result.found is not None]
            name = "all together" if len(names) > 1 else names[0]
            print(f"  {delta:5} {name:12} {len(ends):5} of {seeds:2}", end="")
            if ends:
                evaluations, seconds = zip(*ends, strict=True)
                print(f"{statistics.median(evaluations):14,.0f} ({max(evaluations):,})", end="")
                print(f"{statistics.median(seconds):18.2f} ({max(seconds):.2f})", end="")
            print(flush=True)


def workers() -> None:
    """Print evaluations a second with one and two local Dask workers, and what share of its time the driver is busy.

    On a machine that does other work as well the clock says little: the CPU time of workers and driver says what two
    idle cores would do.
    """
    try:
        import psutil
        from distributed import LocalCluster
    except ImportError:
        print("\nDask is not installed: pip install 'thmverify[cluster]'")
        return
    from thmverify.hunting.executors import Cluster

    print("\nDask workers, one thread each, two islands")
    plan, rates, costs = Plan(ask("infonce-equality", SCALING), islands=2), [], []
    for n in (1, 2):
        with (
            LocalCluster(n_workers=n, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
            tempfile.TemporaryDirectory() as folder,
        ):
            executor, ledger, rounds = Cluster(cluster.scheduler_address), Ledger(Path(folder)), []
            processes = [psutil.Process(worker.pid) for worker in cluster.workers.values()]
            hunt(plan, ledger, Budget(0.0, SCALED // 10), executor)  # the workers import what they need
            before, spent = _evaluations(ledger, plan), [sum(p.cpu_times()[:2]) for p in processes]
            start, busy = time.perf_counter(), time.process_time()
            done = hunt(plan, ledger, Budget(0.0, SCALED), executor, rounds.append).done
            seconds, busy = time.perf_counter() - start, time.process_time() - busy
            ends = [sum(p.cpu_times()[:2]) for p in processes]
            worked = [end - begun for begun, end in zip(spent, ends, strict=True)]
            executor.close()
            ledger.close()
        evaluations = done.evaluations - before
        rates.append(evaluations / max(worked))
        costs.append(busy / len(rounds))
        print(
            f"  {n}: {evaluations / seconds:8,.0f} a second of the clock, {rates[-1]:8,.0f} a second of CPU time"
            f" of the busiest worker; driver and scheduler {1000 * costs[-1]:.1f} ms a round"
        )
    print(f"  ratio, in CPU time of the busiest worker: {rates[1] / rates[0]:.2f}")
    print(f"  at 100 workers and rounds of {_LONGEST:.0f} s: {100 * costs[-1] / _LONGEST:.1%} of one core")


def _evaluations(ledger: Ledger, plan: Plan) -> int:
    return sum(place.evaluations for place in ledger.checkpoints(plan.id)[0].values())


class Simulated:
    """Workers that take a round of `_LONGEST` seconds each, in a time of their own: the driver alone is real."""

    def __init__(self, workers: int, sample: Round, evaluations: int) -> None:
        self.workers, self.clock, self.rounds = workers, 0.0, 0
        self._sample, self._evaluations = sample.after, evaluations
        self._flying: list[tuple[float, int, Future[Any], Round]] = []

    def submit(self, _function: Callable[..., Any], _island: Island, at: Checkpoint, *_rest: Any) -> Future[Any]:
        """Start a round: one checkpoint differs from the last in its counts alone."""
        counts = {"generation": at.generation + 200, "evaluations": at.evaluations + self._evaluations}
        future: Future[Any] = Future()
        self.rounds += 1
        ends = self.clock + _LONGEST * (1 + 0.1 * math.sin(self.rounds))
        heapq.heappush(self._flying, (ends, self.rounds, future, Round(replace(self._sample, **counts), None)))
        return future

    def check(self) -> None:
        """Let the time pass in which the next round ends."""
        if self._flying:
            self.clock, _, future, done = heapq.heappop(self._flying)
            future.set_result(done)


def simulated(workers: int = 100, wanted: int = 10**8) -> None:
    """Print how busy the driver of many workers is, the size of the ledger, and what resuming takes."""
    plan = Plan(ask("infonce-equality", SCALING), islands=workers)
    sample = advance(plan.island(0), Checkpoint(), Goal(70, 1e9, 60.0), versions())
    executor = Simulated(workers, sample, int(RATE * _LONGEST))
    run._PATIENCE = 0.0
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder))
        start = time.process_time()
        done = hunt(plan, ledger, Budget(0.0, wanted), executor).done  # type: ignore[arg-type]
        busy = time.process_time() - start
        ledger.close()
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        start = time.process_time()
        ledger = Ledger(Path(folder))
        hunt(plan, ledger, Budget(0.0, wanted))
        ledger.close()
        resumed = time.process_time() - start
    print(f"\n{workers} simulated workers of {RATE:,} evaluations a second, {done.evaluations:,} evaluations")
    print(f"  {executor.rounds:,} rounds in {executor.clock:.0f} simulated s: driver busy {busy / executor.clock:.1%}")
    print(f"  ledger {size / 1e6:.1f} MB; resumed in {resumed:.2f} s CPU")


def main() -> None:
    """Print all: `python -m benchmarks.hunt islands` prints what is about workers alone."""
    chosen = sys.argv[1] if len(sys.argv) > 1 else "10"
    if chosen != "islands":
        rates()
        searchers(int(chosen))
    workers()
    simulated()


if __name__ == "__main__":
    main()
