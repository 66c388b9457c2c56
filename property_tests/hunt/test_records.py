"""Records of hunts: written by a command, true to the ledger and to the margins, and evidence only when they are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from property_tests.hunt.support import hunted, plan
from thmverify import theorems
from thmverify.cli import main
from thmverify.errors import InputError
from thmverify.evidence import Need
from thmverify.hunting.exports import nearest
from thmverify.hunting.jobs import margins
from thmverify.hunting.ledger import Ledger, hunt_id
from thmverify.hunting.questions import Question
from thmverify.huntrecords import read_record, summary
from thmverify.schemas import texts
from thmverify.standing import Standing, judge
from thmverify.theorems.infonce.infonce_equality_equal_weights import STATEMENT

FOLDER = Path(theorems.__file__).parent / "hunts"
RECORDS = sorted(FOLDER.glob("*.json"))
SCHEMA = json.loads(texts()["hunt.json"])


def question(data: dict) -> Question:
    return Question.from_json({key: data[key] for key in ("conjecture", "settings")})


def test_every_record_belongs_to_a_statement():
    carried = {path for statement in theorems.REGISTRY.values() for path in statement.hunts}
    assert carried == set(RECORDS)
    assert RECORDS


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_record_says_what_its_hunt_would(path):
    data = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(data, SCHEMA)
    record, asked = read_record(path), question(data)
    assert record.hunt == hunt_id(asked.to_json(), record.seed, record.searchers, record.batch, record.islands)
    assert record.claim == asked.claim
    point = np.array([float(x) for x in record.point])
    assert margins(asked, point[None])[0] == pytest.approx(float(record.best_margin), rel=1e-6)
    assert nearest(asked, point) == record.exact_instance


def test_the_export_is_the_ledger_and_comes_again(tmp_path, capsys):
    texts = []
    for name in ("one", "two"):
        the_plan = plan("infonce-equality", "weights=equal", "components=4")
        result = hunted(tmp_path / name, the_plan, 700)
        file = tmp_path / f"{name}.json"
        assert main(["hunts", "export", the_plan.id[:6], str(file), "--out", str(tmp_path / name)]) == 0
        assert str(file) in capsys.readouterr().out.replace("\n", "").replace(" ", "")
        record = read_record(file)
        assert record.evaluations == result.done.evaluations
        assert float(record.best_margin) == result.done.best
        assert record.certified == ()
        assert record.hunt == hunt_id(
            question(json.loads(file.read_text())).to_json(),
            record.seed,
            record.searchers,
            record.batch,
            record.islands,
        )
        texts.append(file.read_text(encoding="utf-8"))
    assert texts[0] == texts[1]


def test_the_export_names_certificates(tmp_path):
    the_plan = plan("infonce-top-r")
    hunted(tmp_path, the_plan, 2000)
    assert main(["hunts", "export", the_plan.id, str(tmp_path / "record.json"), "--out", str(tmp_path)]) == 0
    ledger = Ledger(tmp_path)
    digests = [saved.digest for saved in ledger.certificates(the_plan.id)]
    ledger.close()
    record = read_record(tmp_path / "record.json")
    assert [*record.certified] == digests
    assert "certified 1 counterexample;" in summary([record], ())


def test_what_cannot_be_exported_is_refused(tmp_path, capsys):
    Ledger(tmp_path).close()
    assert main(["hunts", "export", "abc", str(tmp_path / "r.json"), "--out", str(tmp_path)]) == 2
    assert "ID" in capsys.readouterr().err
    the_plan = plan("infonce-equality", "weights=equal")
    hunted(tmp_path, the_plan, 200)
    for ledger, file in ((tmp_path / "no", "r.json"), (tmp_path, "no/r.json")):
        assert main(["hunts", "export", the_plan.id, str(tmp_path / file), "--out", str(ledger)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    ledger = Ledger(tmp_path / "begun")
    ledger.begin(the_plan.description())
    ledger.close()
    assert main(["hunts", "export", the_plan.id, str(tmp_path / "r.json"), "--out", str(tmp_path / "begun")]) == 2
    assert "--resume" in capsys.readouterr().err


DAMAGE = {
    "typed by hand": {"best_margin": -0.5},
    "no number": {"best_margin": "small"},
    "another format": {"format": "thmverify-hunt/3"},
    "a field too many": {"verdict": "true"},
    "no evaluations": {"evaluations": 0},
    "no instance": {"instance": {"model": "shared-gmm", "weights": ["1"], "means": []}},
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_record_is_refused_and_is_no_evidence(change, tmp_path):
    data = json.loads(RECORDS[0].read_text(encoding="utf-8"))
    path = tmp_path / "record.json"
    path.write_text(json.dumps({**data, **change}), encoding="utf-8")
    with pytest.raises(InputError, match=r"record\.json"):
        read_record(path)
    assert judge(replace(STATEMENT, hunts=(path,))).standing is Standing.FAILED


def test_a_hunt_that_found_something_contradicts_what_is_open(tmp_path):
    def judged(source: Path) -> Standing:
        data = json.loads(source.read_text(encoding="utf-8"))
        path = tmp_path / source.name
        path.write_text(json.dumps({**data, "certified": ["0" * 64]}), encoding="utf-8")
        return judge(replace(STATEMENT, hunts=(path,))).standing

    assert judge(STATEMENT).standing is Standing.OPEN
    assert judged(next(p for p in RECORDS if p.stem.endswith("components-3"))) is Standing.FAILED
    assert judged(next(p for p in RECORDS if p.stem.endswith("biased"))) is Standing.OPEN
    assert judge(replace(STATEMENT, hunts=(tmp_path / "missing.json",))).standing is Standing.FAILED


def test_the_statement_says_what_its_hunts_came_to(capsys):
    records = [read_record(path) for path in STATEMENT.hunts]
    few = [r for r in records if r.settings.delta == "1" and r.settings.components <= 8]
    assert STATEMENT.evaluations == sum(r.evaluations for r in few)
    assert f"evaluated {STATEMENT.evaluations:,} instances" in judge(STATEMENT).reason
    assert {dropped for dropped, _ in STATEMENT.hunted} == {(), ("always-matched",), ("few-components",)}
    (need,) = [n for n in STATEMENT.necessity() if n.hypothesis == "few-components"]
    (many,) = STATEMENT.hunted_without("few-components")
    assert need.need is Need.UNKNOWN
    assert f"{many.evaluations:,} instances" in need.reason
    assert main(["show", STATEMENT.id, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [h["hunt"] for h in shown["hunts"]] == [r.hunt for r in records]
    assert shown["evidence"][: len(STATEMENT.evidence)] == [*STATEMENT.evidence]
    assert main(["show", STATEMENT.id]) == 0
    assert f"open · {STATEMENT.evaluations:,} evaluations" in capsys.readouterr().out
