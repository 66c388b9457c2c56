"""How fast hunts are: margins a second, searchers compared up to their first certificate, Dask workers compared.

python -m benchmarks.hunt [SEEDS]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from thmverify.hunting.jobs import margins
from thmverify.hunting.ledger import Ledger
from thmverify.hunting.questions import ask
from thmverify.hunting.run import Budget, Plan, Result, hunt
from thmverify.hunting.searchers import PORTFOLIO
from thmverify.minimize.across import SlopeAcross

BUDGETS = {"7/10": "60s", "1": "10m"}
SCALING = ("components=8", "weights=equal")  # nothing to find: all of the budget is spent on margins
SCALED = 60_000


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
    """Print evaluations a second with one and with two local Dask workers."""
    try:
        from distributed import LocalCluster
    except ImportError:
        print("\nDask is not installed: pip install 'thmverify[cluster]'")
        return
    from thmverify.hunting.executors import Cluster

    print("\nDask workers, one thread each")
    plan = Plan(ask("infonce-equality", SCALING), searchers=("random",), batch=2048)
    speeds = []
    for n in (1, 2):
        with (
            LocalCluster(n_workers=n, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
            tempfile.TemporaryDirectory() as folder,
        ):
            executor, ledger = Cluster(cluster.scheduler_address), Ledger(Path(folder))
            hunt(plan, ledger, Budget(0.0, SCALED // 10), executor)  # the workers import what they need
            before, start = ledger.rounds(plan.id)[-1].evaluations, time.perf_counter()
            result = hunt(plan, ledger, Budget(0.0, SCALED), executor)
            speeds.append((result.done.evaluations - before) / (time.perf_counter() - start))
            executor.close()
            ledger.close()
        print(f"  {n}: {speeds[-1]:8,.0f} evaluations a second")
    print(f"  ratio {speeds[1] / speeds[0]:.2f}")


def main() -> None:
    """Print all three."""
    rates()
    searchers(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
    workers()


if __name__ == "__main__":
    main()
