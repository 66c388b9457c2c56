"""How far infonce-equality is decided: means thousands of σ apart, tiny eigenvalues, ranks up to six."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from property_tests.kernel.library import rehashed, shared
from thmverify.certifying import decide
from thmverify.instances import parse_instance
from thmverify.kernel import Rejected, check
from thmverify.verdicts import Outcome

FAR = shared("1/3 1/5 7/15", "-1000 -2667 333, -2000 0 -2000, -2500 1000 0", bias="4/5")
SHIFTED = shared("1/2 1/4 1/4", "1 2 3000, 0 -2 3000, -1 1 3000", bias="1/2")
APART = shared("1/2 1/4 1/4", "3000 0, -2000 1, 1 -5000", bias="1/2")
RARE = shared("1/2 499999999/1000000000 1/1000000000", "2 0, -2 1, 0 3")
FAINT = shared("1/2 1/2", "-1000 3000, 2000 3000", bias="1/1000000")
SPREAD = shared(  # 10³ σ apart and spread in four dimensions
    "1/5 1/5 1/5 1/5 1/5",
    "2320/3 1960/3 1400 1120, -560 760/3 2400 -880, 3320/3 760/3 1400 1120, 440 760/3 -1600 -880, "
    "-1760 -4240/3 -3600 -480",
    bias="9/10",
)
CROSS = shared("1/5 1/5 1/5 1/5 1/5", "1 0 0 0, 0 1 0 0, 0 0 1 0, 0 0 0 1, -1 -1 -1 -3/2", bias="9/10")
LARGE = sorted((Path(__file__).parent / "instances").glob("*.json"))
RANKS = {"four": 4, "five": 5, "six": 6}


@pytest.mark.parametrize(
    ("instance", "outcome", "rank"),
    [
        (FAR, Outcome.REFUTED, 2),
        (SHIFTED, Outcome.PROVED, 3),
        (APART, Outcome.PROVED, 2),
        (RARE, Outcome.PROVED, 2),
        (CROSS, Outcome.PROVED, 4),
        (SPREAD, Outcome.PROVED, 4),
    ],
    ids=["far", "shifted", "apart", "rare", "rank four", "rank four, spread"],
)
def test_verdicts_at_the_border_of_what_floats_see(instance, outcome, rank):
    verdict, data = decide("infonce-equality", parse_instance(instance))
    assert (verdict.outcome, verdict.rank) == (outcome, rank)
    assert check(data).finding.verdict == outcome.value
    low, high = verdict.margin
    assert (0 < low < high) if outcome is Outcome.REFUTED else (low < high < 0)


def test_a_minimiser_that_floats_take_for_0_ends_with_an_answer():
    """δ = 10⁻⁶, means 3000 σ apart: the polish has no column to work on."""
    verdict, data = decide("infonce-equality", parse_instance(FAINT))
    assert (data is None) == (verdict.outcome is Outcome.UNDECIDED)


@pytest.mark.parametrize("path", LARGE, ids=lambda path: path.stem)
def test_minimisers_of_large_rank_are_decided(path):
    """Full rank, so infonce-equality is proved, by balls of lattice points; what makes a ball worse is refused."""
    verdict, data = decide("infonce-equality", parse_instance(json.loads(path.read_text(encoding="utf-8"))))
    rank = RANKS[path.stem.split("-")[1]]
    assert (verdict.outcome, verdict.rank, verdict.dimension) == (Outcome.PROVED, rank, rank)
    assert check(data).finding.verdict == "proved"
    assert verdict.margin[1] < 0
    certificate = json.loads(data)
    for change in ({"radius": "1"}, {"width": "1/16"}, {"active": ["0"]}, {"steps": ["4"] * rank}):
        grids = certificate["hints"]["grids"]
        hints = certificate["hints"] | {"grids": [grid | change for grid in grids]}
        with pytest.raises(Rejected):
            check(rehashed(certificate | {"hints": hints}))
