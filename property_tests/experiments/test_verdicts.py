"""Verdicts follow the data: data as the paper has them confirm its claims, and doctored data do not."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import pytest

from thmverify.reports.experiments import FIGURES, experiments
from thmverify.reports.experiments.descents import DESCENTS, SHOWN
from thmverify.reports.experiments.records import (
    CLIP,
    FISHER,
    INFONCE,
    LEARNED,
    MEANS,
    ORTHONORMAL,
    PCA,
    POPULATION,
    SAMPLE,
    SIMSIAM,
    TEXT,
    VISION,
    Check,
    Data,
    RankCell,
    Row,
    Step,
    Verdict,
    verdict,
)
from thmverify.reports.experiments.tables import Table, robust
from thmverify.reports.figures import pancakes as plane

SEEDS = 6
VIEWS = {"5": (VISION, TEXT)}
METHODS = (FISHER, INFONCE, SIMSIAM, PCA, MEANS, CLIP)


def good(experiment: str, step: float, method: str, view: str) -> float:
    """The score that the claim asks for; `step` goes from 0 to 1 along the sweep."""
    learner = method in (INFONCE, SIMSIAM, CLIP)
    match experiment:
        case "1":
            collapsed = (method == PCA and step > 0) or (method == MEANS and step == 1)
            return 0.0 if collapsed else 0.9
        case "2a":
            return 0.9 if learner else 0.1
        case "2d":
            return 0.9 if view == LEARNED and learner else 0.9 - 0.5 * step
        case _:
            return 0.9 if learner else 0.8 * (1 - step)


def bad(experiment: str, step: float, method: str, view: str) -> float:
    """A score against the claim: learners fall where they should not, and the others do not."""
    learner = method in (INFONCE, SIMSIAM, CLIP)
    match experiment:
        case "1":
            return {FISHER: 0.4}.get(method, 0.9)
        case "2a":
            return 0.9 - 0.9 * step
        case "2d" if view == ORTHONORMAL:
            return 0.9
        case _:
            return 0.9 - 0.8 * step if learner else 0.9


def sweep(experiment: str, score, jitter: float = 0.002, outside: float = 0.0) -> Data:
    settings = experiments.settings(experiment, 0, True)
    values = [float(Fraction(v)) for v in settings.values]
    rows = []
    for i, x in enumerate(values):
        for seed in range(SEEDS):
            for regime in (POPULATION, SAMPLE):
                for method in METHODS:
                    for view in VIEWS.get(experiment, (LEARNED, ORTHONORMAL)):
                        noise = jitter * ((seed * 7 + i * 3 + len(method)) % SEEDS - 2.5)
                        ami = score(experiment, i / (len(values) - 1), method, view) + noise
                        rows.append(Row(x, seed, regime, method, view, ami, outside))
    scene = plane.compute(0) if experiment == "1" else None
    return Data(settings=settings, rows=tuple(rows), scene=scene)


def ranks(verdicts: dict[str, str]) -> Data:
    cells = tuple(
        RankCell(name, bias, (0.1, 0.0 if word == "refuted" else 0.01), word, None, None, None)
        for name in ("A", "B")
        for bias, word in verdicts.items()
    )
    return Data(settings=experiments.settings("6", 0, True), ranks=cells)


def descended(name: str, right: bool, jitter: float = 0.002) -> Data:
    """Parts outside S_F as claimed, or the other way round: those with a temperature are to leave, others to stay."""
    steps = tuple(
        Step(step, seed, d.words, (0.5 if (d.temperature is not None) is right else 0.1) + jitter * (seed - 2))
        for d in DESCENTS[name][1]
        for step in SHOWN
        for seed in range(5)
    )
    return Data(settings=experiments.settings(name, 0, True), steps=steps)


@dataclass(frozen=True)
class Case:
    confirming: dict[str, Data]
    doctored: dict[str, Data]


def swapped(data: Data) -> Data:
    """Data of figure 1 whose lines are those of another picture: (a) gets (b)'s, (b) and (c) get (a)'s."""
    a, b, _ = data.scene.panels
    panels = tuple(p.model_copy(update={"lines": q.lines}) for p, q in zip(data.scene.panels, (b, a, a), strict=True))
    return data.model_copy(update={"scene": data.scene.model_copy(update={"panels": panels})})


def cases() -> dict[str, Case]:
    found = {}
    for name, figure in FIGURES.items():
        if name in DESCENTS:
            found[name] = Case({name: descended(name, True)}, {name: descended(name, False)})
            continue
        if name == "6":
            found[name] = Case(
                {"6": ranks({"0": "refuted", "1/2": "proved", "1": "proved"})},
                {"6": ranks({"0": "refuted", "1/2": "refuted", "1": "undecided"})},
            )
            continue
        right = {e: sweep(e, good) for e in figure.experiments}
        wrong = {e: sweep(e, bad, outside=0.5) for e in figure.experiments}
        found[name] = Case(right, {"1": swapped(wrong["1"])} if name == "1" else wrong)
    return found


CASES = cases()


def test_every_figure_has_its_case():
    assert set(CASES) == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_data_as_claimed_confirm(name):
    checks = FIGURES[name].check(CASES[name].confirming)
    assert [c.text for c in checks if not c.holds] == []
    assert verdict(checks) is Verdict.CONFIRMED


@pytest.mark.parametrize("name", FIGURES)
def test_every_check_can_fail(name):
    checks = FIGURES[name].check(CASES[name].doctored)
    assert [c.text for c in checks if c.holds] == []
    assert verdict(checks) is Verdict.REFUSED


@pytest.mark.parametrize("name", [name for name in FIGURES if name not in ("1", "6")])
def test_too_few_or_too_scattered_repetitions_confirm_nothing(name):
    if name in DESCENTS:
        assert verdict(FIGURES[name].check({name: descended(name, True, 0.2)})) is Verdict.REFUSED
        return
    scattered = {e: sweep(e, good, jitter=0.4) for e in FIGURES[name].experiments}
    assert verdict(FIGURES[name].check(scattered)) is not Verdict.CONFIRMED


def test_a_refutation_between_zero_and_one_is_named():
    data = {"6": ranks({"0": "refuted", "1/2": "refuted", "3/4": "refuted", "1": "proved"})}
    at_one, between = FIGURES["6"].check(data)
    assert at_one.holds
    assert not between.holds
    assert "from 1/2 to 3/4" in between.detail


def test_nothing_at_one_is_no_confirmation():
    assert not FIGURES["6"].check({"6": ranks({"1/2": "proved"})})[0].holds


def test_verdict_counts_its_checks():
    yes, no = (Check(text="", holds=holds, detail="") for holds in (True, False))
    assert verdict([yes, yes]) is Verdict.CONFIRMED
    assert verdict([yes, no]) is Verdict.PARTLY
    assert verdict([no]) is Verdict.REFUSED
    assert verdict([]) is Verdict.REFUSED


def test_robustness_says_how_far_it_reaches():
    table = Table(sweep("2a", lambda _e, step, _m, _v: 0.9 if step < 0.7 else 0.1))
    found = robust(table, POPULATION, INFONCE)
    assert found.holds
    assert "down to δ = 0.3" in found.detail
