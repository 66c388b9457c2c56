"""Any statement about mixtures is hunted by its own margin, and only among the instances that it is about."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from property_tests.hunt.support import hunted, plan
from thmverify import theories
from thmverify.cli import main
from thmverify.errors import InputError
from thmverify.hunting.conjectures import CONJECTURES
from thmverify.hunting.questions import Question, ask, read_draft
from thmverify.hunting.stated import Stated
from thmverify.huntrecords import read_record, summary
from thmverify.instances import read_instance
from thmverify.models import Instance, PopulationGraph
from thmverify.theorems import REGISTRY
from thmverify.verdicts import Outcome, Provenance, Verdict

ABOUT_MIXTURES = [i for i, s in REGISTRY.items() if not isinstance(s.witness.model, PopulationGraph)]
RARE = "one-orbit"  # the hypothesis that no random mixture satisfies
NEVER = "infonce-equality-product"  # whose mixtures are products by definition


@pytest.mark.parametrize("name", [i for i in ABOUT_MIXTURES if i not in (*CONJECTURES, NEVER)])
def test_every_statement_about_mixtures_can_be_hunted(name: str) -> None:
    rare = [h.name for h in REGISTRY[name].hypotheses if h.name == RARE]
    question = ask(name, (), rare)
    assert isinstance(question.settings, Stated)
    assert Question.from_json(json.loads(json.dumps(question.to_json()))) == question
    target = question.target()
    points = np.random.default_rng(3).standard_normal((3, target.size))
    margins = target.margins(points)
    for point, margin in zip(points, margins, strict=True):
        draft = next(target.drafts(point))
        assert read_draft(json.loads(json.dumps(draft.to_json()))) == draft
        missing = REGISTRY[name].false_hypotheses(draft.instance())
        assert (margin < -1e5) == bool({*missing} - {*rare})
        if margin > -1e5:
            assert margin == pytest.approx(REGISTRY[name].margin(draft.instance()), rel=1e-3, abs=1e-9)


def test_a_hypothesis_that_no_random_mixture_satisfies_is_named() -> None:
    with pytest.raises(InputError, match=r"one-orbit.*--drop one-orbit"):
        ask("infonce-equality-balanced")
    assert ask("infonce-equality-balanced", (), ("one-orbit",)).settings.dropped == ("one-orbit",)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("linear-probe-bound",), "about graphs"),
        (("temperature", "--drop", "weights-sum"), "no hypothesis that temperature can be hunted without"),
        (("temperature", "--set", "shape=line"), "components"),
        ((NEVER,), "verify infonce-equality-product` draws some that do"),
        (("temprature",), "did you mean temperature"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], part: str, tmp_path, capsys) -> None:
    assert main(["hunt", *arguments, "--out", str(tmp_path), "--budget", "16ev"]) == 2
    error = capsys.readouterr().err
    assert part in error
    assert error.count("\n") == 1


def test_what_the_statement_decides_by_itself_is_written_as_an_instance(
    registered, monkeypatch, tmp_path, capsys
) -> None:
    def examine(instance: Instance) -> Verdict:
        return Verdict("itself", Outcome.REFUTED, "as it happens", provenance=Provenance.EXACT)

    registered(replace(REGISTRY["temperature"], id="itself", examine=examine, margin=lambda _: 1.0))
    for part in ("questions", "stated"):
        monkeypatch.setattr(f"thmverify.hunting.{part}.registry", theories.registry)
    assert main(["hunt", "itself", "--budget", "64ev", "--out", str(tmp_path), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["certificate"], answer["claim"]) == (None, "itself")
    assert REGISTRY["temperature"].false_hypotheses(read_instance(answer["instance_file"])) == ()


def test_the_kernel_checks_what_a_hunt_finds_against_simsiam(tmp_path, capsys) -> None:
    assert main(["hunt", "simsiam-equality", "--budget", "64ev", "--out", str(tmp_path), "--json"]) == 1
    assert main(["check", json.loads(capsys.readouterr().out)["certificate"]]) == 0


def test_a_claim_of_the_kernel_gives_a_certificate_that_checks(tmp_path, capsys) -> None:
    command = ["hunt", "infonce-equality-equal-weights-biased", "--set", "components=2", "--drop", "centred"]
    command += ["--budget", "64ev", "--out", str(tmp_path), "--json"]
    code = main(command)
    answer = json.loads(capsys.readouterr().out)
    assert code in (1, 3)
    if code == 1:
        assert main(["check", answer["certificate"]]) == 0


def test_a_proved_statement_is_not_refuted(tmp_path) -> None:
    result = hunted(tmp_path, plan("lemma-4.2", batch=16), 48)
    assert result.simplest is None
    assert result.done.best <= 0


@pytest.mark.parametrize("own", [[], ["--with", "examples/own_theorem.py"]])
def test_a_hunt_of_any_statement_becomes_a_record(own: list[str], asked, tmp_path, capsys) -> None:
    assert asked
    name = "gd-longer" if own else "temperature"
    main([*own, "hunt", name, "--budget", "16ev", "--out", str(tmp_path), "--json"])
    hunt = json.loads(capsys.readouterr().out)["hunt"]
    file = tmp_path / "record.json"
    assert main([*own, "hunts", "export", hunt, str(file), "--out", str(tmp_path)]) == 0
    found = read_record(file)
    assert found.conjecture == name
    assert "evaluated" in summary([found, found], ())
