"""What the commands cost that users wait for: the reports, and the tests, in seconds of processor time.

python -m benchmarks.commands [--full] [--tests] [--write]

`--full` measures the full report too and `--tests` the test suite, some minutes each; `--write` keeps what was measured
in results.json. Nothing is kept from an earlier run: proofs are made anew. What worker processes take is counted. Two
machines, or a busy one and an idle one, differ: the time of a fixed loop of Python, taken before and after, says by how
much.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.losses import duration

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results.json"
REPORTS = {"report --quick": ("--quick",), "report": ()}
FULL = {"report --full": ("--full",)}
TESTS = "pytest property_tests"
_LOOP = 5_000_000


@dataclass(frozen=True)
class Cost:
    """Seconds of processor time of a command and of all its processes, and of the fixed loop beside it."""

    command: str
    seconds: float
    loop: float
    commit: str
    machine: str


def loop() -> float:
    """Return the processor time of a fixed loop of Python."""
    start, total = time.process_time(), 0
    for i in range(_LOOP):
        total += i * i % 7
    return time.process_time() - start


def cost(name: str, command: list[str]) -> Cost:
    """Run a command with nothing kept from before. Raises CalledProcessError when it fails."""
    before, beside = _children(), loop()
    with tempfile.TemporaryDirectory() as kept:
        environment = {**os.environ, "THMVERIFY_CACHE": kept, "OPENBLAS_NUM_THREADS": "1"}
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    seconds = _children() - before
    return Cost(name, round(seconds, 1), round((beside + loop()) / 2, 3), _commit(), _machine())


def report(name: str, options: tuple[str, ...]) -> Cost:
    """Return the cost of a report."""
    with tempfile.TemporaryDirectory() as out:
        return cost(name, [sys.executable, "-m", "thmverify", "report", *options, "--jobs", "1", "--out", out])


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"


def write(costs: list[Cost]) -> None:
    """Keep what was measured in results.json, in the place of what was measured of the same commands before."""
    record = json.loads(RESULTS.read_text(encoding="utf-8"))
    kept = {row["command"]: row for row in record.get("commands", [])}
    record["commands"] = [*(kept | {c.command: asdict(c) for c in costs}).values()]
    RESULTS.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> int:
    """Measure, print, and keep when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the full report too")
    parser.add_argument("--tests", action="store_true", help="the test suite too")
    parser.add_argument("--write", action="store_true", help="keep the numbers in results.json")
    asked = parser.parse_args()
    costs = []
    for name, options in (REPORTS | (FULL if asked.full else {})).items():
        costs.append(report(name, options))
        _print(costs[-1])
    if asked.tests:
        costs.append(cost(TESTS, [sys.executable, "-m", "pytest", "-q", "property_tests"]))
        _print(costs[-1])
    if asked.write:
        write(costs)
    return 0


def _print(found: Cost) -> None:
    print(
        f"{found.command:24} {duration(found.seconds)} of CPU (a fixed loop beside it: {duration(found.loop)})",
        flush=True,
    )


if __name__ == "__main__":
    raise SystemExit(main())
