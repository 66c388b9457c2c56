"""The commands as a user runs them: what they print, their JSON, their exit codes, and how they end when cut short."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import unicodedata
from fractions import Fraction
from pathlib import Path

import pytest

from property_tests.interrupts import SAFETY_NET, heed_interrupts, wait_for_work
from thmverify import cli, minimize, theorems
from thmverify.cli import main
from thmverify.instances import read_instance, read_map
from thmverify.losses import LOSSES
from thmverify.losses.levels import exact_value, float64_value

EXAMPLES = Path(__file__).parents[2] / "examples"
COMMANDS = ("list", "show", "matrix", "verify", "loss", "losses", "minimize", "report")
EVALUATIONS = [
    ("infonce", "shared-gmm", "encoder"),
    ("infonce", "gmm", "gram"),
    ("clip", "clip-gmm", "clip-factors"),
    ("clip", "clip-gmm", "clip-product"),
    ("spectral", "shared-gmm", "gram"),
    ("spectral", "gmm", "encoder"),
    ("simsiam", "shared-gmm", "simsiam"),
    ("pca", "gmm", "orthonormal"),
    ("fisher", "shared-gmm", "encoder"),
    ("siglip", "gmm", "biased-encoder"),
    ("siglip", "shared-gmm", "gram"),
    ("barlow-twins", "gmm", "encoder"),
    ("infonce-weighted", "shared-gmm", "gram"),
    ("logistic", "shared-gmm", "encoder"),
    ("least-squares", "gmm", "encoder"),
    ("vicreg", "gmm", "encoder"),
    ("infonce-finite", "shared-gmm", "encoder"),
    ("dcl", "gmm", "gram"),
    ("supcon", "gmm", "encoder"),
    ("ntxent-unnormalised", "shared-gmm", "column"),
    ("clip-batch", "clip-gmm", "clip-product"),
    ("simclr-normalised", "gmm", "encoder"),
    ("infonce-key-bias", "shared-gmm", "column"),
]
DIGITS = {"ntxent-unnormalised": 3, "infonce-key-bias": 8}  # nested rules; others have 12 in less time
MINIMISATIONS = [
    ("infonce", "shared-gmm"),
    ("clip", "clip-gmm"),
    ("spectral", "gmm"),
    ("simsiam", "shared-gmm"),
    ("pca", "gmm"),
    ("fisher", "shared-gmm"),
    ("siglip", "shared-gmm"),
    ("barlow-twins", "shared-gmm"),
    ("infonce-weighted", "shared-gmm"),
    ("logistic", "shared-gmm"),
    ("least-squares", "gmm"),
    ("vicreg", "gmm"),
    ("infonce-finite", "shared-gmm"),
    ("dcl", "shared-gmm"),
    ("supcon", "shared-gmm"),
    ("ntxent-unnormalised", "shared-gmm"),
    ("clip-batch", "clip-gmm"),
    ("simclr-normalised", "shared-gmm"),
    ("infonce-key-bias", "shared-gmm"),
]
STATEMENTS = ("lemma-4.2", "fisher-optimality", "infonce-inclusion")


def example(name: str) -> str:
    return str(EXAMPLES / f"{name}.json")


def json_of(capsys, *arguments: str) -> tuple[int, dict]:
    """The exit code and the one JSON object of a command."""
    code = main([*arguments, "--json"])
    streams = capsys.readouterr()
    assert streams.err == ""
    return code, json.loads(streams.out)


def columns(line: str) -> int:
    """How wide a terminal shows a line: the bar of Σ̄ takes no column of its own."""
    return sum(not unicodedata.combining(c) for c in line)


def text_of(capsys, *arguments: str) -> tuple[int, str]:
    code = main([*arguments])
    streams = capsys.readouterr()
    assert streams.err == ""
    assert all(columns(line) <= 80 for line in streams.out.splitlines())
    return code, streams.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_examples(command, capsys):
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Usage: thmverify {command}" in text
    assert "Examples:" in text
    assert f"  thmverify {command}" in text


def test_the_help_names_the_commands_and_the_exit_codes(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {command} " in text for command in COMMANDS)
    assert "Exit codes" in text


def test_the_version_is_the_installed_one(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "thmverify 0.1.0\n"


@pytest.mark.parametrize(("loss", "instance", "linear_map"), EVALUATIONS)
def test_loss_prints_an_interval_that_contains_the_loss(loss, instance, linear_map, capsys):
    digits = DIGITS.get(loss, 12)
    code, printed = json_of(capsys, "loss", loss, example(instance), example(linear_map), "--digits", str(digits))
    model, chosen = read_instance(example(instance)), read_map(example(linear_map))
    estimate = float64_value(LOSSES[loss], model, chosen)
    exact = exact_value(LOSSES[loss], model, chosen)
    lower, value, upper = (Fraction(printed[name]) for name in ("lower", "value", "upper"))
    assert code == 0
    assert (printed["loss"], printed["rigorous"], printed["reached"]) == (loss, True, True)
    assert lower <= value <= upper
    assert upper - lower <= Fraction(1, 10**digits) * max(1, abs(value))
    assert float(lower) - estimate.error <= estimate.value <= float(upper) + estimate.error
    if exact is not None:
        assert lower <= Fraction(int(exact.p), int(exact.q)) <= upper
        assert printed["exact"] == str(exact)


def test_more_digits_give_an_interval_inside(capsys):
    arguments = ("loss", "infonce", example("shared-gmm"), example("encoder"), "--digits")
    coarse, fine = (json_of(capsys, *arguments, digits)[1] for digits in ("3", "40"))
    assert Fraction(coarse["lower"]) <= Fraction(fine["lower"]) <= Fraction(fine["upper"]) <= Fraction(coarse["upper"])


@pytest.fixture(scope="module")
def out_of_reach(tmp_path_factory) -> tuple[str, str]:
    """An instance and a map whose loss is an integral in twelve dimensions."""
    folder = tmp_path_factory.mktemp("hard")
    unit = [[int(i == j) for j in range(12)] for i in range(12)]
    instance = {"model": "shared-gmm", "weights": ["1/13"] * 13, "means": [*unit, [-1] * 12]}
    (folder / "instance.json").write_text(json.dumps(instance), encoding="utf-8")
    (folder / "map.json").write_text(json.dumps({"M": unit}), encoding="utf-8")
    return str(folder / "instance.json"), str(folder / "map.json")


def test_loss_says_what_it_cannot_reach(out_of_reach, capsys):
    code, printed = json_of(capsys, "loss", "infonce", *out_of_reach, "--digits", "30")
    assert code == 3
    assert printed["reached"] is False
    assert printed["rigorous"] is True
    assert printed["note"]
    assert Fraction(printed["lower"]) <= Fraction(printed["value"]) <= Fraction(printed["upper"])
    code, text = text_of(capsys, "loss", "infonce", *out_of_reach, "--digits", "30")
    assert code == 3
    assert "undecided" in text


def test_loss_in_words(capsys):
    code, text = text_of(capsys, "loss", "pca", example("shared-gmm"), example("orthonormal"))
    assert code == 0
    assert "exact     -172/27" in text


@pytest.fixture
def minimised_once(monkeypatch):
    """Minimisers are found once, and printed as JSON and as text."""
    found, original = {}, minimize.minimise

    def minimise(loss, *rest):
        if loss.name not in found:
            found[loss.name] = original(loss, *rest)
        return found[loss.name]

    monkeypatch.setattr(minimize, "minimise", minimise)


@pytest.mark.parametrize(("loss", "instance"), MINIMISATIONS)
def test_minimize_proposes_and_says_so(loss, instance, capsys, minimised_once):
    code, printed = json_of(capsys, "minimize", loss, example(instance))
    assert code == 0
    assert printed["loss"] == loss
    assert printed["supported"] == "numerically"
    assert printed["converged"] is True
    assert len(printed["column_space"]) == len(printed[{"clip": "W", "clip-batch": "W", "simsiam": "A"}.get(loss, "M")])
    assert 0 < len(printed["principal_angles"]) <= printed["rank"]
    code, text = text_of(capsys, "minimize", loss, example(instance))
    assert code == 0
    assert "supported numerically; no verdict" in text
    assert "angles to S_F" in text


def test_every_loss_is_evaluated_and_minimised_by_the_command():
    assert {loss for loss, *_ in EVALUATIONS} == {loss for loss, _ in MINIMISATIONS} == set(LOSSES)


def test_parameters_of_a_loss_are_set_and_printed(capsys):
    arguments = ("loss", "infonce-weighted", example("gmm"), example("encoder"), "--digits", "8")
    code, plain = json_of(capsys, *arguments)
    assert code == 0
    assert plain["parameters"] == {"temperature": "1", "uniformity": "1", "balance": "0"}
    code, printed = json_of(capsys, *arguments, "--set", "temperature=1/2", "--set", "balance=0.25")
    assert code == 0
    assert printed["parameters"] == {"temperature": "1/2", "uniformity": "1", "balance": "1/4"}
    assert printed["value"] != plain["value"]
    _, text = text_of(capsys, *arguments, "--set", "temperature=1/2")
    assert "temperature  1/2" in text


def test_a_bias_of_scores_is_read_and_proposed(capsys):
    code, printed = json_of(capsys, "minimize", "siglip", example("shared-gmm"), "--digits", "20")
    assert code == 0
    assert isinstance(printed["b"], float)
    ((b,),) = printed["precise"]["b"]
    assert float(b) == pytest.approx(printed["b"], abs=1e-12)


def test_losses_lists_every_record(capsys):
    code, printed = json_of(capsys, "losses")
    assert code == 0
    assert [loss["name"] for loss in printed["losses"]] == [*LOSSES]
    assert all(loss["origin"] == "thmverify" for loss in printed["losses"])
    _, text = text_of(capsys, "losses")
    words = " ".join(text.split())
    for loss in LOSSES.values():
        assert f"{loss.title}, {loss.sense.value}" in words
        assert all(f"{p.name} = {p.default}" in words for p in loss.parameters)


@pytest.mark.parametrize("command", ["loss", "minimize"])
def test_the_help_lists_the_losses(command, capsys):
    main([command, "--help"])
    text = capsys.readouterr().out
    for loss in LOSSES.values():
        assert f"  {loss.name} " in text
        assert loss.title in text


def test_minimize_takes_a_rank(capsys):
    _, printed = json_of(capsys, "minimize", "spectral", example("gmm"), "--rank", "1")
    assert printed["rank"] == 1


def test_minimize_gives_digits_beyond_floats(capsys):
    code, printed = json_of(capsys, "minimize", "infonce", example("shared-gmm"), "--digits", "25")
    assert code == 0
    for name, rows in printed["precise"].items():
        for row, floats in zip(rows, printed[name], strict=True):
            assert [float(text) for text in row] == pytest.approx(floats, abs=1e-12)
    assert max(len(text) for row in printed["precise"]["M"] for text in row) >= 25
    code, text = text_of(capsys, "minimize", "infonce", example("shared-gmm"), "--digits", "25")
    assert code == 0
    assert printed["precise"]["M"][0][0] in text


def test_list_names_every_statement(capsys):
    code, printed = json_of(capsys, "list")
    assert code == 0
    assert [s["id"] for s in printed["statements"]] == [*theorems.MODULES]
    assert {s["status"] for s in printed["statements"]} <= {"proved", "refuted", "open"}
    code, text = text_of(capsys, "list")
    assert code == 0
    assert all(name in text for name in theorems.MODULES)


@pytest.mark.parametrize("name", STATEMENTS)
def test_show_checks_the_proof(name, capsys):
    code, printed = json_of(capsys, "show", name)
    assert code == 0
    assert printed["id"] == name
    assert printed["hypotheses"]
    assert printed["proof"]["passed"] is True
    assert printed["proof"]["conditional"] is False
    assert printed["proof"]["assumed"] == []
    assert all(step["formula"] and step["rule"] and step["lines"] for step in printed["proof"]["steps"])
    code, text = text_of(capsys, "show", name)
    assert code == 0
    assert "checked" in text
    assert "FAILED" not in text


def test_verify_confirms_and_does_not_depend_on_jobs(capsys):
    arguments = ("verify", "lemma-4.2", "fisher-optimality", "--instances", "12", "--seed", "7")
    code, alone = json_of(capsys, *arguments)
    _, together = json_of(capsys, *arguments, "--jobs", "2")
    assert code == 0
    assert alone == together
    assert alone["confirmed"] is True
    assert [s["id"] for s in alone["statements"]] == ["lemma-4.2", "fisher-optimality"]
    assert all(s["accepted"] + s["discarded"] == 12 for s in alone["statements"])


def test_verify_in_words(capsys):
    code, text = text_of(capsys, "verify", "lemma-4.2", "--instances", "3")
    assert code == 0
    assert "confirmed" in text


def test_an_unconfirmed_status_exits_with_1(registered, capsys):
    from dataclasses import replace

    from thmverify import theorems
    from thmverify.verdicts import Status

    wrong = replace(theorems.REGISTRY["lemma-4.2"], status=Status.REFUTED)
    registered(wrong)
    code, printed = json_of(capsys, "verify", "--instances", "3")
    assert code == 1
    assert printed["confirmed"] is False
    assert printed["statements"][0]["reason"]
    code, text = text_of(capsys, "verify", "--instances", "3")
    assert code == 1
    assert "NOT confirmed" in text


def test_a_mistake_of_ours_is_no_verdict(monkeypatch, capsys):
    def fail(_arguments, **_options):
        raise RuntimeError("a mistake")

    monkeypatch.setattr(cli, "_command", lambda: fail)
    assert main(["list"]) == 70
    assert "RuntimeError: a mistake" in capsys.readouterr().err


def start(*arguments: str, **options) -> subprocess.Popen:
    command = [sys.executable, "-m", "thmverify", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_a_closed_pipe_is_quiet():
    process = start("list")
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=SAFETY_NET) == 141


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt_ends_quietly(jobs):
    arguments = ("verify", "--instances", "100000", "--jobs", jobs)
    process = start(*arguments, start_new_session=True, preexec_fn=heed_interrupts)
    try:
        wait_for_work(process.pid, 8.0)  # by then each process is in the middle of a statement
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well
        out, err = process.communicate(timeout=SAFETY_NET)
    finally:
        process.kill()
    assert process.returncode == 130
    assert (out, err) == (b"", b"")


def test_an_encoding_without_greek_letters_is_no_obstacle():
    process = start("show", "lemma-4.2", env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    out, err = process.communicate(timeout=SAFETY_NET)
    assert (process.returncode, err) == (0, b"")
    assert out.isascii()


FAR = "1" + "0" * 400


@pytest.mark.parametrize("model", ["shared-gmm", "gmm"])
def test_numbers_beyond_any_float_are_enclosed_but_not_minimised(model, tmp_path, capsys):
    wide = {"shared-gmm": {"covariance": [[FAR]]}, "gmm": {"covariances": [[["1"]], [[FAR]]]}}[model]
    instance, encoder = tmp_path / "instance.json", tmp_path / "map.json"
    instance.write_text(json.dumps({"model": model, "weights": ["1/2", "1/2"], "means": [["1"], [FAR]], **wide}))
    encoder.write_text(json.dumps({"A": [["1/3"]]}))
    code, printed = json_of(capsys, "loss", "infonce", str(instance), str(encoder), "--digits", "5")
    assert code in (0, 3)
    assert Fraction(printed["lower"]) <= Fraction(printed["value"]) <= Fraction(printed["upper"])
    assert main(["minimize", "infonce", str(instance)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "means" in err
    assert "rescale" in err
