"""How long covers and certified maps take in CPU time, to propose on one core and to check.

python -m benchmarks.covers [check]

`check` leaves out what is proposed, which takes several minutes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from thmverify.covering import Region, propose
from thmverify.covering.maps import Family, chart
from thmverify.kernel import check
from thmverify.theorems import COVERS, MAPS

COVER = "infonce-equality-three"
CHARTS = ("infonce-equality-off-the-origin", "infonce-equality-weights")
WANTED = Fraction(95, 100)


class Reached(Exception):  # noqa: N818 (it is what is waited for)
    """As much of a map is settled as was wanted."""


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU time and what was found."""
    start = time.process_time()
    found = function()
    return time.process_time() - start, found


def family(name: str) -> Family:
    """Return the family of instances of a map that ships."""
    whole = json.loads((MAPS / f"{name}.json").read_bytes())["set"]
    instance = {**whole["instance"], "rank": int(whole["instance"]["rank"])}
    axes = [{**axis, "means": axis["means"][0]} for axis in whole["axes"]]
    return Family.of({"instance": instance, "axes": axes})


def until(name: str, wanted: Fraction) -> None:
    """Propose a map until so much of its area is settled."""

    def observe(share: Fraction) -> None:
        if share >= wanted:
            raise Reached

    try:
        chart(family(name), observe=observe)
    except Reached:
        return


def main() -> int:
    """Print a line for each."""
    for name, folder in ((COVER, COVERS), *((name, MAPS) for name in CHARTS)):
        seconds, said = timed(lambda path=folder / f"{name}.json": check(path.read_bytes()))
        print(f"check    {name:<34} {seconds:7.1f} s   {said.lines_of_text()[0]}", flush=True)
    if "check" in sys.argv[1:]:
        return 0
    seconds, found = timed(lambda: propose(COVER, Region.of("any")))
    print(f"propose  {COVER:<34} {seconds:7.1f} s   {len(found.settled):,} boxes", flush=True)
    for name, wanted in zip(CHARTS, (WANTED, Fraction(1)), strict=True):
        seconds, _ = timed(lambda name=name, wanted=wanted: until(name, wanted))
        print(f"propose  {name:<34} {seconds:7.1f} s   {float(wanted):.0%} of the area", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
