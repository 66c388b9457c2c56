"""Certified maps, and covers that are stopped, gone on with, or shared out among workers."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from functools import cache, partial
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flint import fmpq

import thmverify as tv
from property_tests.kernel import box_opinion, second_opinion
from property_tests.kernel.test_mutations import accepted, rehashed
from thmverify import exact
from thmverify.certifying import decide
from thmverify.cli import main
from thmverify.covering import Chart, Region, propose
from thmverify.covering.around import certificate
from thmverify.covering.boxes import Found, Journal, Team, explore
from thmverify.covering.mappicture import draw_map
from thmverify.covering.maps import Family, chart
from thmverify.errors import InputError
from thmverify.hunting.executors import Pool, run_all
from thmverify.instances import parse_instance
from thmverify.kernel import Rejected, check
from thmverify.kernel.covers import regions
from thmverify.kernel.covers.regions import part
from thmverify.kernel.models import instance as kernel_instance
from thmverify.reports import collect
from thmverify.theorems import REGISTRY

MEANS = [["7/15", "-2/45"], ["-6", "0"], ["12", "4"]]
BIASED = {"model": "shared-gmm", "weights": ["9/10", "9/100", "1/100"], "means": MEANS, "bias": "7/10", "rank": 3}
CORNERS = [["1", "0"], ["-1/2", "7/8"], ["-1/2", "-7/8"]]
TRIANGLE = {"model": "shared-gmm", "weights": ["1/3"] * 3, "means": CORNERS, "bias": "1", "rank": 3}


def family(instance: dict, bias: list[str], separation: list[str]) -> dict:
    """Instances of other biases and separations than that given."""
    axes = [
        {"name": "bias", "at": instance["bias"], "range": bias, "bias": "1"},
        {"name": "separation", "at": "1", "range": separation, "means": instance["means"]},
    ]
    return {"instance": instance, "axes": axes}


PROVED = family(TRIANGLE, ["4/5", "1"], ["9/10", "11/10"])
REFUTED = family(BIASED, ["699/1000", "701/1000"], ["998/1000", "1002/1000"])


def at(whole: dict, path: str, rng: random.Random) -> dict:
    """A random instance of a box of the family."""
    sides = tuple(tuple(fmpq(*Fraction(x).as_integer_ratio()) for x in axis["range"]) for axis in whole["axes"])
    ends = (Fraction(str(low + (high - low) * fmpq(rng.randint(0, 16), 16))) for low, high in part(sides, path))
    bias, scale = ends
    means = [[str(Fraction(x) * scale) for x in row] for row in whole["instance"]["means"]]
    return {**whole["instance"], "bias": str(bias), "means": means}


@pytest.mark.parametrize(("whole", "verdict"), [(PROVED, "proved"), (REFUTED, "refuted")])
def test_a_map_is_settled_and_holds_at_random_points(whole, verdict):
    found = chart(Family.of(whole))
    assert found.share(verdict) == 1
    assert found.unsettled == ()
    said = check(found.certificate)
    assert said.finding.verdict == verdict
    rng = random.Random(4)
    for path in list(found.pieces)[:3]:
        assert decide("infonce-equality", parse_instance(at(whole, path, rng)))[0].outcome.value == verdict


def test_python():
    found = tv.chart(PROVED, budget="2m")
    assert found.share("proved") == 1
    assert tv.check(found.certificate).endswith("proved")
    given = tv.SharedGMM(["1/2", "1/2"], [["1"], ["-1"]])
    near = tv.near("infonce-equality", given, bias=1, radius="1/10")
    assert tv.check(near.certificate) == "VERIFIED infonce-equality, within 1/10 of the instance given: proved"


def test_a_map_with_a_radius_is_of_all_instances_near_the_family(tmp_path, capsys):
    file = tmp_path / "slice.json"
    file.write_text(json.dumps(PROVED))
    words = ["cover", "infonce-equality", "--set", f"slice={file}", "--out", str(tmp_path / "map"), "--json"]
    assert main([*words, "--box", "1/1000"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["verdict"], answer["share"]) == ("proved", "1")
    said = check(Path(answer["certificate"]).read_bytes())
    assert said.region.text == "within 1/1000 of bias [4/5, 1] x separation [9/10, 11/10]"
    widened = json.loads(Path(answer["certificate"]).read_bytes())
    widened["set"]["radius"] = "1/10"
    assert not accepted(rehashed(widened))
    assert main([*words, "--box", "2"]) == 2
    assert main(["cover", "infonce-equality-three", "--box", "1/1000"]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_what_is_not_settled_is_white_and_nobody_says_more():
    whole = family(BIASED, ["69/100", "71/100"], ["9/10", "1"])
    found = chart(Family.of(whole), deepest=3)
    said = check(found.certificate) if found.certificate else None
    settled = found.share("proved") + found.share("refuted")
    assert settled < 1
    assert settled + sum(Fraction(1, 2 ** len(path)) for path in found.unsettled) == 1
    assert said is None or Fraction(str(said.proved + said.refuted)) == settled


def test_the_command(tmp_path, capsys):
    file = tmp_path / "slice.json"
    file.write_text(json.dumps(PROVED))
    words = ["cover", "infonce-equality", "--set", f"slice={file}", "--out", str(tmp_path / "map"), "--json"]
    assert main(words) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["verdict"], answer["share"], answer["unsettled"]) == ("proved", "1", 0)
    assert main(["check", answer["certificate"]]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("bias [4/5, 1] x separation [9/10, 11/10]: proved")
    assert ElementTree.parse(answer["picture"]).getroot().tag.endswith("svg")
    assert sorted(path.suffix for path in (tmp_path / "map").iterdir()) == [".json", ".svg"]


def test_the_picture_has_a_legend_and_the_area_of_each_verdict():
    verdicts = {"0": "proved", "10": "refuted", "12": "refuted", "110": "refuted"}
    root = ElementTree.fromstring(draw_map("A <map>", [("x", fmpq(0), fmpq(1)), ("y", fmpq(-1), fmpq(1))], verdicts))
    texts = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert "proved: 50.0 %" in texts
    assert any(text.startswith("not settled: ") for text in texts)
    assert len([element for element in root.iter() if element.tag.endswith("path")]) == 2


BAD = [
    ({"instance": TRIANGLE}, "does not have exactly the fields"),
    ({**PROVED, "axes": [{"name": "bias"}]}, "is not an axis"),
    ({**PROVED, "axes": []}, "no axis and no radius"),
    ({**PROVED, "axes": [{**PROVED["axes"][0], "range": ["1", "0"]}]}, "range is not an interval"),
    ({**PROVED, "axes": [{**PROVED["axes"][0], "range": "1"}]}, "range does not have 2 entries"),
    ({**PROVED, "axes": [{**PROVED["axes"][0], "weights": ["1", "0", "0"]}]}, "with sum 0"),
    ({**PROVED, "axes": [{**PROVED["axes"][0], "means": [["1"]]}]}, "do not fit those of the instance"),
    ({**PROVED, "axes": [{**PROVED["axes"][0], "bias": "x"}]}, "axes[0].bias"),
    ({**PROVED, "axes": [{**PROVED["axes"][0], "bias": 0.5}]}, "axes[0].bias"),
    ({**PROVED, "instance": {**TRIANGLE, "bias": "2"}}, "bias"),
]


@pytest.mark.parametrize(("whole", "reason"), BAD, ids=lambda x: str(x)[:40])
def test_bad_families_are_one_line(whole, reason):
    with pytest.raises(InputError) as caught:
        Family.of(whole)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "words",
    [
        ["infonce-top-r", "--set", "slice=examples/shared-gmm.json"],
        ["infonce-equality", "--set", "slice=examples/shared-gmm.json"],
        ["infonce-equality", "--set", "slice=nowhere.json"],
        ["infonce-equality-three", "--set", "distance=1", "--set", "slice=x.json"],
        ["infonce-equality-three", "--workers", "0"],
    ],
)
def test_bad_input_is_one_line(words, capsys, tmp_path):
    assert main(["cover", *words, "--out", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1


# ------------------------------------------------------------------------------------------------- rounds, journal


def halves(limit: int, paths: list[str]) -> list[Found]:
    return [Found(path, settled=True) if len(path) >= limit else Found(path, axes=[0]) for path in paths]


def test_a_run_that_is_stopped_goes_on_where_it_was(tmp_path):
    file, seen = tmp_path / "boxes.jsonl", list[str]()

    def look(limit: int, paths: list[str]) -> list[Found]:
        seen.extend(paths)
        if len(seen) > 20:
            raise KeyboardInterrupt
        return halves(limit, paths)

    with pytest.raises(KeyboardInterrupt):
        explore(look, (5,), journal=Journal(file, "a set", resume=False))
    done = len(file.read_text().splitlines()) - 1
    assert 0 < done <= 20
    with pytest.raises(InputError, match="is there from another run"):
        Journal(file, "a set", resume=False)
    with pytest.raises(InputError, match="is about another set"):
        Journal(file, "another set", resume=True)
    with file.open("a") as torn:
        torn.write('["0101010", tr')  # killed while it was written
    again = Journal(file, "a set", resume=True)
    assert len(again.found) == done
    seen.clear()
    found = explore(partial(halves), (5,), journal=again)
    assert (len(found.settled), found.share, found.waiting) == (32, 1, [])
    assert len(file.read_text().splitlines()) == 1 + 63


def test_workers_find_the_same():
    alone = propose("infonce-equality-three", Region.of("7/10"))
    pool = Pool(2)
    try:
        team = Team(partial(run_all, pool), 2)
        shared = propose("infonce-equality-three", Region.of("7/10"), team=team)
    finally:
        pool.close()
    assert shared.certificate == alone.certificate
    assert set(shared.settled) == set(alone.settled)


def test_a_cover_is_gone_on_with(tmp_path, capsys):
    words = ["cover", "infonce-equality-three", "--set", "distance=40", "--budget", "1s", "--out", str(tmp_path)]
    journal = tmp_path / "infonce-equality-three.boxes.jsonl"
    assert main(words) == 3
    before = journal.read_text()
    assert main(words) == 2
    assert "--resume" in capsys.readouterr().err
    assert main([*words, "--resume"]) == 3
    assert journal.read_text().startswith(before)
    assert len(journal.read_text()) > len(before)
    assert main(["cover", "infonce-equality-three", "--set", "distance=39", "--resume", "--out", str(tmp_path)]) == 2


def test_a_journal_ends_with_the_cover(tmp_path, capsys):
    words = ["cover", "infonce-equality-three", "--set", "distance=7/10", "--out", str(tmp_path), "--json"]
    for _ in range(2):  # nothing is left to go on with
        assert main(words) == 0
        assert json.loads(capsys.readouterr().out)["share"] == "1"
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".svg"]


# ------------------------------------------------------------------------------------------------- what ships

CHART = REGISTRY["infonce-equality"].charts[0]


@pytest.mark.cover
def test_the_map_that_ships():
    found = CHART.check()
    assert found.passed, found.reason
    said = check(CHART.certificate.read_bytes())
    assert said.proved + said.refuted >= Fraction(95, 100)
    assert min(said.proved, said.refuted) > 0
    assert ElementTree.fromstring(found.picture).tag.endswith("svg")


def test_boxes_of_the_map_that_ships():
    """A few at random, by the kernel, and at random points of them by deciding the instance there."""
    whole, rng = json.loads(CHART.certificate.read_bytes()), random.Random(6)
    region = regions.read_region(whole["set"], CHART.claim)
    frames, pieces = regions.read_hints(whole["hints"], CHART.claim, region)
    assert sum(Fraction(1, 2 ** len(piece.path)) for piece in pieces) >= Fraction(95, 100)
    refuted = [piece for piece in pieces if piece.verdict == "refuted"]
    for piece in (*rng.sample(pieces, 4), *rng.sample(refuted, 4)):
        box = part(region.whole, piece.path)
        assert regions.settle(CHART.claim, region, frames, box, piece.rule, piece.hints) == piece.verdict
        instance = parse_instance({**at(whole["set"], piece.path, rng), "rank": 3})
        assert decide(CHART.claim, instance)[0].outcome.value == piece.verdict
        other = "proved" if piece.verdict == "refuted" else "refuted"
        with pytest.raises(Rejected, match="what was found is not"):
            check(
                certificate(
                    CHART.claim, whole["set"], whole["hints"]["frames"], [{**piece._asdict(), "verdict": other}]
                )
            )


def test_the_map_of_weights():
    """All of it is proved; checked here in full, it is short."""
    found = REGISTRY["infonce-equality"].charts[1].check()
    assert found.passed
    assert "proved on 100.0% of the area" in found.reason


@pytest.mark.parametrize("verdict", ["proved", "refuted"])
def test_the_second_opinion_in_the_middle_of_a_box(verdict):
    """V and N of a piece, for the instance in its middle, under the checker that shares nothing with the kernel."""
    whole, rng = json.loads(CHART.certificate.read_bytes()), random.Random(8)
    region = regions.read_region(whole["set"], CHART.claim)
    piece = rng.choice([piece for piece in whole["hints"]["pieces"] if piece["verdict"] == verdict])
    bias, scale = (Fraction(str((low + high) / 2)) for low, high in part(region.whole, piece["path"]))
    given = whole["set"]["instance"]
    means = [[str(Fraction(x) * scale) for x in row] for row in given["means"]]
    instance = {**given, "bias": str(bias), "means": means}
    frame = exact.matrix([[Fraction(x) for x in row] for row in whole["hints"]["frames"][0]])
    turned = kernel_instance(instance).mixture.fisher.inv() * region.pairs.mixture.fisher * frame
    Q = [[str(x) for x in row] for row in exact.to_rows(turned)]
    low, high = second_opinion.infonce_rank({"instance": instance, "hints": {**piece["hints"], "Q": Q}})
    assert (low == 2) if verdict == "proved" else (high < 2)


@cache
def map_that_ships() -> tuple[dict, regions.Region, list[list[Fraction]]]:
    """What the file holds, its set, and (BQ)ᵀ row by row."""
    whole = json.loads(CHART.certificate.read_bytes())
    region = regions.read_region(whole["set"], CHART.claim)
    frame = exact.matrix([[Fraction(x) for x in row] for row in whole["hints"]["frames"][0]])
    return whole, region, exact.to_rows((region.pairs.mixture.fisher * frame).transpose())


def seen(piece: dict, monkeypatch: pytest.MonkeyPatch, wider: Fraction | int = 1, cells: int = 1) -> bool:
    """Whether the second opinion sees the verdict on a whole box, in at most so many parts."""
    monkeypatch.setattr(second_opinion, "NATS", {1: 20, 2: 9})
    whole, region, frame = map_that_ships()
    box = [tuple(Fraction(str(x)) for x in side) for side in part(region.whole, piece["path"])]
    middle = [sum(side) / 2 for side in box]
    waiting = [
        tuple((m - (m - low) * wider, m + (high - m) * wider) for (low, high), m in zip(box, middle, strict=True))
    ]
    for _ in range(cells):
        here = waiting.pop()
        bounds = box_opinion.rank_bounds(whole["set"]["instance"], frame, here, middle, piece["hints"], monkeypatch)
        if not (bounds[0] == 2 if piece["verdict"] == "proved" else bounds[1] < 2):
            waiting += box_opinion.halves(here)
        if not waiting:
            return True
    return False


def test_the_second_opinion_on_the_inner_part_of_a_box(monkeypatch):
    """A refuted box at random, a sixteenth of it at once; one that is thirty times as wide is not settled."""
    refuted = [piece for piece in map_that_ships()[0]["hints"]["pieces"] if piece["verdict"] == "refuted"]
    piece = random.Random(1).choice(refuted)
    assert seen(piece, monkeypatch, wider=Fraction(1, 4))
    assert not seen(piece, monkeypatch, wider=30)


@pytest.mark.cover
def test_the_second_opinion_on_whole_boxes(monkeypatch):
    """Part by part, all of it."""
    rng, pieces = random.Random(2), map_that_ships()[0]["hints"]["pieces"]
    refuted, proved = ([x for x in pieces if x["verdict"] == verdict] for verdict in ("refuted", "proved"))
    assert all(seen(piece, monkeypatch, cells=64) for piece in (*rng.sample(refuted, 3), rng.choice(proved)))


@pytest.mark.cover
def test_brute_force_on_the_map_that_ships():
    whole, rng = json.loads(CHART.certificate.read_bytes()), random.Random(9)
    for piece in rng.sample(whole["hints"]["pieces"], 200):
        instance = parse_instance({**at(whole["set"], piece["path"], rng), "rank": 3})
        assert decide(CHART.claim, instance)[0].outcome.value == piece["verdict"]


def test_a_chart_says_what_the_kernel_says(tmp_path):
    file = tmp_path / "small.json"
    file.write_bytes(chart(Family.of(REFUTED)).certificate)
    found = collect._chart(Chart(file, "infonce-equality", "A map"))
    assert found.passed
    assert "refuted on 100.0%" in found.reason
    assert found.picture.startswith("data:image/svg+xml")
    wrong = collect._chart(Chart(file, "clip-effective-equality", "A map"))
    assert (wrong.passed, wrong.picture) == (False, "")
    file.write_text("{}\n")
    assert not Chart(file, "infonce-equality", "A map").check().passed
