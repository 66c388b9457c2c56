"""The pictures of the documentation: what values, verdicts and checks cost, measured once and drawn from the record.

`python -m benchmarks.pictures --measure` writes what is drawn of results.json anew, a minute, and draws it; without the
option the record is drawn as it is, the same on every machine.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import json
import math
import platform
import random
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from thmverify.reports.experiments import charts
from thmverify.reports.experiments.charts import Axis, Panel, Sheet
from thmverify.reports.figures import growth
from thmverify.reports.figures.drawing import Frame, number

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"
STYLES = {
    "thmverify": "infonce",
    "cubature": "spectral",
    "samples": "random",
    "Sobol": "simsiam",
    "Hermite": "pca",
    "decide": "simsiam",
    "check": "infonce",
}
KEYS = ("thmverify", "Gauss–Hermite by hand", "scipy’s cubature", "Sobol points", "samples")
_LOG = {-6: "1 µs", -5: "10 µs", -4: "0.1 ms", -3: "1 ms", -2: "10 ms", -1: "0.1 s", 0: "1 s", 1: "10 s"}


def measure() -> dict[str, Any]:
    """Return the record: rows of `benchmarks.losses`, how costs grow, and seconds of `decide` and `check`."""
    from benchmarks.decide import Seeded, mixed
    from benchmarks.growth import curves
    from benchmarks.losses import SIZES, compare

    deciding, checking, outcomes = mixed(Seeded(random.Random(1)))
    return {
        "machine": f"{platform.system()} {platform.machine()}, one thread, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in ("python-flint", "numpy", "scipy")),
        "values": [asdict(row) for size in SIZES for row in compare(size, 9)],
        "growth": curves(),
        "decide": sorted(deciding),
        "check": sorted(checking),
        "outcomes": dict(outcomes),
    }


def drawings(record: dict[str, Any]) -> dict[str, str]:
    """Return the pictures by their file names."""
    return {
        "values.svg": _values(record),
        "growth.svg": growth.draw(growth.record(record, f"{FOLDER.name}/{RESULTS.name}")),
        "verdicts.svg": _verdicts(record),
    }


def _values(record: dict[str, Any]) -> str:
    spreads = list(dict.fromkeys(row["spread"] for row in record["values"]))
    panels = tuple(_value_panel(s, [row for row in record["values"] if row["spread"] == s]) for s in spreads)
    sheet = Sheet(
        "A loss in float64: the time of a value against its error",
        panels,
        2,
        tuple(charts.key(name, STYLES[_kind(name)]) for name in KEYS),
    )
    said = "; ".join(
        f"spread {row['spread']:.1f}, {row['method']}: {row['seconds']:.2g} s, error {row['error']:.0e}"
        for row in record["values"]
    )
    return charts.standalone(sheet, said)


def _kind(method: str) -> str:
    return next(kind for kind in STYLES if kind in method)


def _value_panel(spread: float, rows: Sequence[dict[str, Any]]) -> Panel:
    frame = Frame(66, 30, charts.WIDTH - 80, charts.HEIGHT - 78, (0, 1), (-4.2, 0.2))
    axis = Axis("error", tuple((x, f"1e{x}") for x in (-16, -12, -8, -4)), lambda x: (x + 17) / 15.5)
    title = f"logits spread by {spread:.0f} standard deviations" if spread >= 2 else "logits of ordinary spread"
    body = charts.axes(title, frame, axis, [(y, _LOG[y]) for y in range(-4, 1)], "time of a value")
    for row in rows:
        name = STYLES[_kind(row["method"])]
        x = frame.x(axis.place(math.log10(max(row["error"], 1e-17))))
        y = frame.y(math.log10(row["seconds"]))
        body += f'<g class="{name}">{charts.marker(charts.style(name).marker, x, y)}</g>'
    return Panel(title, charts.WIDTH, charts.HEIGHT, body)


def _verdicts(record: dict[str, Any]) -> str:
    frame = Frame(66, 30, 2 * charts.WIDTH - 80, charts.HEIGHT - 78, (0, 1), (0, 1.02))
    axis = Axis("CPU time", tuple((x, _LOG[x]) for x in range(-4, 2)), lambda x: (x + 4) / 5.2)
    count = len(record["decide"])
    title = f"Share of {count} instances done within a time"
    body = charts.axes(title, frame, axis, [(y / 4, f"{25 * y} %") for y in range(5)], "share")
    for name in ("decide", "check"):
        times = record[name]
        steps = [(math.log10(max(t, 1e-4)), (i + 1) / len(times)) for i, t in enumerate(times)]
        path = "".join(
            f"{'L' if i else 'M'}{number(frame.x(axis.place(x)))} {number(frame.y(y))}"
            for i, (x, y) in enumerate(steps)
        )
        body += f'<g class="{STYLES[name]}"><path class="line" d="{path}"/></g>'
    keys = tuple(charts.line_key(name, STYLES[name]) for name in ("decide", "check"))
    outcomes = ", ".join(f"{n} {word}" for word, n in record["outcomes"].items())
    median = {name: record[name][len(record[name]) // 2] for name in ("decide", "check")}
    said = f"Medians: {median['decide']:.2g} s to decide, {median['check']:.2g} s to check a certificate. {outcomes}."
    return charts.standalone(
        Sheet(
            "Deciding, and checking what was decided", (Panel(title, frame.right + 14, charts.HEIGHT, body),), 1, keys
        ),
        said,
    )


def main() -> int:
    """Measure when asked to, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true", help="measure anew")
    if parser.parse_args().measure:
        others = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
        RESULTS.write_text(json.dumps(others | measure(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for name, text in drawings(json.loads(RESULTS.read_text(encoding="utf-8"))).items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
