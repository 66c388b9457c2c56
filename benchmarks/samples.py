"""How near minimisers of samples are, against the bound of `sample-radius`: measured once and drawn from the record.

`python -m benchmarks.samples --measure` trains on samples anew, two minutes, writes samples.json and draws it; without
the option the record is drawn as it is, and printed as docs/pages/samples.md has it.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import json
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from scipy.optimize import brentq, minimize

from thmverify.models import AugmentedPairs, Floats, Instance, SharedGMM
from thmverify.reports.experiments import charts
from thmverify.reports.experiments.charts import Axis, Panel, Sheet
from thmverify.reports.figures.drawing import Frame, number
from thmverify.theorems.samples.common import nearest
from thmverify.theorems.samples.radius_common import pairs_needed, radius, slope_bound
from thmverify.theorems.samples.sample_radius import slopes

FOLDER = Path(__file__).parent
RESULTS, PICTURE = FOLDER / "samples.json", FOLDER / "samples.svg"
PLANE = Instance(AugmentedPairs(SharedGMM(("1/2", "1/2"), ((1, 0), (-1, 0)))), 2)  # S_F is the first axis
LINE = Instance(AugmentedPairs(SharedGMM(("1/2", "1/2"), (("1/2",), ("-1/2",)))), 1)
MANY = 10**7  # pairs on the line
P = Fraction(1, 20)
TRAINED = {100: 20, 316: 20, 1000: 20, 3162: 8, 10_000: 4}  # samples by numbers of pairs
BOUNDED = (10**8, 10**9, 10**10, 10**11, 10**12)
ROWS = 1000  # of scores at a time


def loss(M: Floats, x: Floats, y: Floats) -> tuple[float, Floats]:
    """Return L̂ of the pairs and its gradient in M, a few points at a time."""
    value, slope = 0.0, np.zeros_like(M)
    for start in range(0, len(x), ROWS):
        part, paired = x[start : start + ROWS], y[start : start + ROWS]
        scores = part @ M @ y.T
        top = scores.max(axis=1, keepdims=True)
        np.exp(scores - top, out=scores)
        whole = scores.sum(axis=1, keepdims=True)
        value += float(np.sum(np.log(whole / len(x)) + top) - np.sum(part @ M * paired))
        slope += part.T @ (scores @ y / whole - paired)
    return value / len(x), (slope + slope.T) / (2 * len(x))


def trained(x: Floats, y: Floats, start: Floats) -> Floats:
    """Return M̂ of the pairs: the minimiser over maps with two columns, from a start near the population's."""

    def at(a: Floats) -> tuple[float, Floats]:
        A = a.reshape(start.shape)
        value, slope = loss(A @ A.T, x, y)
        return value, np.asarray(2 * slope @ A).ravel()

    A = minimize(at, start.ravel(), jac=True, method="BFGS", options={"gtol": 1e-7}).x.reshape(start.shape)
    return np.asarray(A @ A.T)


class OnALine:
    """L̂ of many pairs on a line, as a function of M ∈ R: log of the mean of e^{sx̂} is interpolated on a strip of s."""

    def __init__(self, x: Floats, y: Floats, top: float, nodes: int = 14) -> None:
        self.reach = top * float(np.abs(x).max())
        at = self.reach * chebyshev.chebpts1(nodes)
        values = [math.log(sum(float(np.exp(s * part).sum()) for part in _pieces(y)) / len(y)) for s in at]
        slope = chebyshev.chebder(chebyshev.chebfit(at / self.reach, values, nodes - 1)) / self.reach
        self.x, self.slope, self.paired = x, slope, float(np.mean(x * y))

    def derivative(self, M: float) -> float:
        total = sum(float(x @ chebyshev.chebval(M * x / self.reach, self.slope)) for x in _pieces(self.x))
        return total / len(self.x) - self.paired


def _pieces(x: Floats) -> list[Floats]:
    """Return x in pieces that a processor's cache holds."""
    return np.split(x, range(2**14, len(x), 2**14))


def on_a_line(count: int) -> dict[str, Any]:
    """Return distances of samples so large that the bound says something, on a line."""
    best = float((nearest(LINE) ** 2).sum())
    rho = radius(LINE, MANY, P).rho
    if rho is None:
        raise ValueError("the bound says nothing at so many pairs")
    found = []
    for seed in range(count):
        x, y = (z[:, 0] for z in LINE.pairs.sample(MANY, np.random.default_rng(seed)))
        slope = OnALine(x, y, best + float(rho)).derivative
        found.append(abs(float(brentq(slope, best - float(rho), best + float(rho), xtol=1e-7)) - best))
    return {"n": MANY, "learnt": best, "distances": found, "rho": str(rho)}


def measure() -> dict[str, Any]:
    """Return the record: distances and sines of samples, slopes at M*, and the bounds at p = 1/20."""
    best = nearest(PLANE)
    M = best @ best.T
    samples = []
    for n, count in TRAINED.items():
        rng = np.random.default_rng(n)
        distances, sines = [], []
        for _ in range(count):
            found = trained(*PLANE.pairs.sample(n, rng), best + np.diag([0.0, 0.2]))
            distances.append(float(np.linalg.norm(found - M)))
            sines.append(float(abs(np.linalg.eigh(found)[1][1, -1])))
        steepest = float(slopes(PLANE, n, count, rng).max())
        bound = radius(PLANE, n, P).rho
        row = {
            "n": n,
            "distances": distances,
            "sines": sines,
            "slope": steepest,
            "rho": None if bound is None else str(bound),
        }
        samples.append(row | {"slope bound": float(slope_bound(PLANE, n, P))})
    bounds = {str(n): str(radius(PLANE, n, P).rho) for n in BOUNDED}
    learnt = float(np.linalg.eigvalsh(M).max())
    first = {
        str(share): pairs_needed(PLANE, Fraction(share) * Fraction(learnt), P)
        for share in (Fraction(1, 2), Fraction(1, 10))
    }
    return {
        "p": str(P),
        "learnt": learnt,
        "samples": samples,
        "bounds": bounds,
        "pairs for a share of it": first,
        "line": on_a_line(8),
    }


def constant(record: dict[str, Any]) -> float:
    """Return c where samples are at c/√n, from the largest ones."""
    last = record["samples"][-1]
    return float(np.mean(last["distances"]) * math.sqrt(last["n"]))


def table(record: dict[str, Any]) -> str:
    """Return the record as a table in Markdown."""
    lines = [
        "| n | ‖M̂ − M*‖, mean (largest) | sin ∠(M̂, S_F), mean (largest) | ρ(n, 1/20) | ρ over the distance |",
        "|---|---|---|---|---|",
    ]
    for row in record["samples"]:
        sizes = [f"{np.mean(row[key]):.2g} ({max(row[key]):.2g})" for key in ("distances", "sines")]
        lines.append(f"| {_count(row['n'])} | {sizes[0]} | {sizes[1]} | none | |")
    for n, rho in record["bounds"].items():
        expected = constant(record) / math.sqrt(int(n))
        bound = float(Fraction(rho))
        lines.append(f"| {_count(int(n))} | {expected:.2g} expected | | {bound:.2g} | {bound / expected:.0f} |")
    return "\n".join(lines)


def large(record: dict[str, Any]) -> str:
    """Return in a sentence what the large samples on a line come to."""
    line = record["line"]
    rho, mean = float(Fraction(line["rho"])), float(np.mean(line["distances"]))
    return (
        f"On a line with components at ±½, M* = {line['learnt']:.2g}, {len(line['distances'])} samples of "
        f"{_count(line['n'])} pairs are {mean:.2g} from it, {max(line['distances']):.2g} at most, where ρ = {rho:.2g}: "
        f"{rho / mean:.0f} times as far."
    )


def _count(n: int) -> str:
    return (
        f"{n:,}" if n < 10**6 else "10" + str(round(math.log10(n))).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    )


def draw(record: dict[str, Any]) -> str:
    """Return the picture: what samples do, and what is proved."""
    frame = Frame(66, 30, 2 * charts.WIDTH - 80, charts.HEIGHT - 78, (0, 1), (-6.5, 0.5))
    axis = Axis("pairs n", tuple((x, _count(10**x)) for x in range(2, 13, 2)), lambda x: (x - 1.7) / 10.6)
    title = "Distance ‖M̂ − M*‖ for two components at ±1, in the plane"
    body = charts.axes(title, frame, axis, [(y, f"1e{y}") for y in range(-6, 1, 2)], "distance")

    def path(points: Sequence[tuple[float, float]]) -> str:
        steps = (f"{frame.x(axis.place(math.log10(n)))} {frame.y(math.log10(size))}" for n, size in points)
        return "M" + "L".join(" ".join(number(float(v)) for v in step.split()) for step in steps)

    c = constant(record)
    proved = [(int(n), float(Fraction(rho))) for n, rho in record["bounds"].items()]
    expected = path([(n, c / math.sqrt(n)) for n in (10**4, 10**12)])
    learnt = path([(n, record["learnt"]) for n in (100, 10**12)])
    for name, d in (("infonce", path(proved)), ("random", expected), ("fisher-flat", learnt)):
        body += f'<g class="{name}"><path class="line" d="{d}" stroke-dasharray="{charts.style(name).dash}"/></g>'
    for row in record["samples"]:
        x = frame.x(axis.place(math.log10(row["n"])))
        dots = "".join(
            charts.marker(charts.style("simsiam").marker, x, frame.y(math.log10(size))) for size in row["distances"]
        )
        body += f'<g class="simsiam">{dots}</g>'
    keys = (
        charts.key("samples", "simsiam"),
        *(
            charts.line_key(words, name, charts.style(name).dash)
            for words, name in (
                ("their mean, as 1/√n", "random"),
                ("proved, p = 1/20", "infonce"),
                ("‖M*‖", "fisher-flat"),
            )
        ),
    )
    said = f"Samples are at about {c:.1f}/√n. The bound begins near 10⁸ pairs: " + ", ".join(
        f"{rho:.2g} at {_count(n)}" for n, rho in proved
    )
    sheet = Sheet(
        "Samples, and what is proved of them", (Panel(title, frame.right + 14, charts.HEIGHT, body),), 1, keys
    )
    return charts.standalone(sheet, said + ".")


def main() -> int:
    """Measure when asked to, draw, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true", help="measure anew")
    if parser.parse_args().measure:
        RESULTS.write_text(json.dumps(measure(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    record = json.loads(RESULTS.read_text(encoding="utf-8"))
    PICTURE.write_text(draw(record), encoding="utf-8")
    print(table(record), large(record), sep="\n\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
