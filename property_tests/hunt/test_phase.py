"""Phase pictures: what a cell says is what `decide` says, and both phases are there."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from thmverify.certifying import decide
from thmverify.errors import InputError
from thmverify.hunting.executors import Pool
from thmverify.hunting.phase import CLAIM, default_grid, default_slice, phase_picture, scaled
from thmverify.models import SharedGMM

DELTAS, SEPARATIONS = default_grid(4)


def test_each_cell_is_what_is_decided():
    picture = phase_picture(default_slice(), DELTAS, SEPARATIONS)
    assert picture.dimension == 2
    assert [(c.delta, c.separation) for c in picture.cells] == [(d, s) for d in DELTAS for s in SEPARATIONS]
    for cell in picture.cells:
        verdict, _ = decide(CLAIM, scaled(picture.mixture, cell.delta, cell.separation))
        assert cell.verdict == verdict.outcome.value
        assert cell.certified == (cell.verdict != "undecided")
        assert (cell.rank == 2) == (cell.verdict == "proved")
    assert {c.rank for c in picture.cells} == {1, 2}


def test_what_is_not_decided_is_not_certified(monkeypatch):
    from thmverify.hunting import phase
    from thmverify.verdicts import Outcome, Verdict

    monkeypatch.setattr(phase, "decide", lambda claim, *_: (Verdict(claim, Outcome.UNDECIDED, ""), None))
    (cell,) = phase_picture(default_slice(), [Fraction(1)], [Fraction(1, 8)]).cells
    assert (cell.rank, cell.certified) == (2, False)


def test_a_pool_draws_the_same_picture_and_it_is_json():
    here = phase_picture(default_slice(), DELTAS[:2], SEPARATIONS[:2])
    pool = Pool(2)
    seen: list[int] = []
    try:
        assert phase_picture(default_slice(), DELTAS[:2], SEPARATIONS[:2], pool, seen.append) == here
    finally:
        pool.close()
    assert seen[-1] == 4
    again = json.loads(json.dumps(here.to_json()))
    assert [cell["rank"] for cell in again["cells"]] == [cell.rank for cell in here.cells]


def test_the_slice_is_centred_and_a_bias_is_a_probability():
    mixture = default_slice()
    assert isinstance(mixture, SharedGMM)
    assert mixture.is_centred
    with pytest.raises(InputError):
        phase_picture(mixture, [Fraction(2)], [Fraction(1)])
