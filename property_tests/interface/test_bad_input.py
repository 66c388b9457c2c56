"""Whatever is wrong with an instance, a map or a path: exit 2, one line on stderr that says what, nothing on stdout."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from property_tests.interrupts import SAFETY_NET
from thmverify.cli import main
from thmverify.errors import InputError
from thmverify.huntrecords import read_record
from thmverify.jsonfiles import MAX_BYTES, write_text
from thmverify.losses import LOSSES

ROOT = Path(__file__).parents[2]
SHARED = {
    "model": "shared-gmm",
    "weights": ["1/2", "1/2"],
    "means": [[1, 0], [-1, 0]],
    "covariance": [["2", "1"], ["1", "2"]],
    "bias": "7/10",
    "rank": 2,
}
SEPARATE = {
    "model": "gmm",
    "weights": ["1/2", "1/2"],
    "means": [[1, 0], [-1, 0]],
    "covariances": [[[1, 0], [0, 1]], [[2, 1], [1, 2]]],
}
PAIRED = {
    "model": "clip-gmm",
    "weights": ["1/2", "1/2"],
    "vision": {"means": [[1, 0], [-1, 0]]},
    "text": {"means": [[1], [-1]], "covariance": [["1/2"]]},
}
GRAPH = {"model": "population-graph", "weights": [["1/2", 0], [0, "1/2"]], "labels": [0, 1]}
MILLION = "1" * 10**6


def changed(base: dict[str, Any] = SHARED, **fields: Any) -> str:
    return json.dumps({**base, **fields})


def without(base: dict[str, Any], field: str) -> str:
    return json.dumps({key: value for key, value in base.items() if key != field})


def raw(field: str, text: str, base: dict[str, Any] = SHARED) -> str:
    """The base with `text` standing as it is where the value of `field` would be."""
    return changed(base, **{field: "@@"}).replace('"@@"', text)


# what is wrong: (content of the instance file, field named, part of the value shown, part of the rule)
INSTANCES = {
    "weights do not sum to 1": (changed(weights=["1/2", "1/3"]), "weights", "1/3", "must sum to exactly 1"),
    "weights sum to 1 only as floats": (
        changed(weights=["0.1", "0.9000000000000000001"]),
        "weights",
        "1/10",
        "must sum to exactly 1",
    ),
    "weights sum to a long fraction": (
        changed(weights=[f"1/{10**900 + k}" for k in range(64)], means=[[0]] * 64, covariance=[[1]]),
        "weights",
        "1/1000",
        "must sum to exactly 1",
    ),
    "negative weight": (changed(weights=["3/2", "-1/2"]), "weights[1]", "-1/2", "must be positive"),
    "zero weight": (changed(weights=[1, 0]), "weights[1]", "0", "must be positive"),
    "no weight": (changed(weights=[]), "weights", "[]", "has no entry"),
    "too many weights": (changed(weights=["1/65"] * 65), "weights", "1/65", "too many entries"),
    "weights not a list": (changed(weights="1"), "weights", '"1"', "is not a list"),
    "weights null": (changed(weights=None), "weights", "null", "is not a list"),
    "weights missing": (without(SHARED, "weights"), "weights", "missing", "is required"),
    "JSON float": (changed(weights=[0.5, 0.5]), "weights[0]", "0.5", "is a JSON float"),
    "JSON float in a mean": (changed(means=[[1, 0.25], [0, 0]]), "means[0][1]", "0.25", "is a JSON float"),
    "exponent": (raw("bias", "1e-1"), "bias", "1e-1", "is a JSON float"),
    "NaN": (raw("bias", "NaN"), "bias", "NaN", "is not a number"),
    "Infinity": (raw("bias", "Infinity"), "bias", "Infinity", "is not a number"),
    "-Infinity": (raw("bias", "-Infinity"), "bias", "-Infinity", "is not a number"),
    "NaN as text": (changed(bias="NaN"), "bias", "NaN", "is not a rational"),
    "fewer means than weights": (changed(means=[[1, 0]]), "means", "1 rows", "for 2 weights"),
    "more means than weights": (changed(means=[[1, 0]] * 3), "means", "3 rows", "for 2 weights"),
    "ragged means": (changed(means=[[1, 0], [1]]), "means[1]", "1", "1 coordinates where row 0 has 2"),
    "means a vector": (changed(means=[1, 0]), "means[0]", "1", "is not a list"),
    "means too deep": (changed(means=[[[1], [0]]]), "means[0][0]", "[1]", "is not a number"),
    "no means": (changed(means=[]), "means", "[]", "has no entry"),
    "empty means": (changed(means=[[], []]), "means[0]", "[]", "has no entry"),
    "too many coordinates": (changed(means=[[0] * 10_001] * 2), "means[0]", "[0, 0", "too many entries"),
    "asymmetric covariance": (changed(covariance=[[2, 1], ["1/2", 2]]), "covariance[1][0]", "1/2", "is symmetric"),
    "singular covariance": (changed(covariance=[[1, 1], [1, 1]]), "covariance", "'1'", "not positive definite"),
    "indefinite covariance": (changed(covariance=[[1, 2], [2, 1]]), "covariance", "'2'", "not positive definite"),
    "zero covariance": (changed(covariance=[[0, 0], [0, 0]]), "covariance", "'0'", "not positive definite"),
    "covariance singular by a hair": (
        changed(covariance=[["1/3", "1"], ["1", "2.9999999999999999999999999999"]]),
        "covariance",
        "1/3",
        "not positive definite",
    ),
    "covariance too small": (changed(covariance=[[1]]), "covariance", "1 rows", "must be 2 × 2"),
    "covariance ragged": (changed(covariance=[[1, 0], [0]]), "covariance", "[1, 2]", "must be 2 × 2"),
    "covariance not square": (changed(covariance=[[1, 0]]), "covariance", "1 rows", "must be 2 × 2"),
    "covariance null": (changed(covariance=None), "covariance", "null", "is null"),
    "covariance a negative number": (changed(covariance=-1), "covariance", "-1", "is not positive"),
    "covariance a word": (changed(covariance="round"), "covariance", "round", "is not a rational"),
    "unknown key": (changed(colour="red"), "colour", "red", "is not a field"),
    "a key misspelt": (changed(Bias=1), "Bias", "1", "did you mean bias? write one of model, weights, means"),
    "key of another model": (changed(covariances=[]), "covariances", "[]", "is not a field"),
    "key of a million characters": (changed(**{"k" * 10**6: 1}), "kkkk", "1", "is not a field"),
    "key with control characters": (changed(**{"a\n\x1b[31mb": 1}), r"a\n\x1b[31mb", "1", "is not a field"),
    "300 000 unknown keys": (changed(**{str(k): 0 for k in range(300_000)}), "0", "0", "is not a field"),
    "lone surrogate": (changed(**{"\ud800": 1}), "file", r"\ud800", "is not Unicode text"),
    "lone surrogate as a value": (changed(bias="\udfff"), "bias", r"\udfff", "is not"),
    "duplicate key": (changed()[:-1] + ', "bias": "1"}', "bias", "given twice", "appears once"),
    "duplicate key below": (
        changed(PAIRED).replace('{"means": [[1]', '{"means": 1, "means": [[1]'),
        "means",
        "",
        "once",
    ),
    "empty file": ("", "file", '""', "is empty"),
    "blank file": (" \n\t\n", "file", '""', "is empty"),
    "not JSON": ("{'model': 1}", "file", "line 1, column 2", "is not JSON"),
    "cut short": (changed()[:-9], "file", "line 1", "is not JSON"),
    "two objects": (changed() * 2, "file", "line 1", "is not JSON"),
    "a list": ("[]", "file", "[]", "is not a JSON object"),
    "a number": ("3", "file", "3", "is not a JSON object"),
    "a string": ('"shared-gmm"', "file", "shared-gmm", "is not a JSON object"),
    "null": ("null", "file", "null", "is not a JSON object"),
    "an empty object": ("{}", "model", "missing", 'is required; add "model": "shared-gmm", or another of'),
    "open brackets": ("[" * 100_000, "file", "nested", "nested too deeply"),
    "deep objects": ('{"a":' * 100_000 + "1" + "}" * 100_000, "file", "nested", "nested too deeply"),
    "deep below the limit": (raw("bias", "[" * 400 + "]" * 400), "bias", "[[[", "is not a number"),
    "huge file": (changed() + " " * MAX_BYTES, "file", "", "is larger than"),
    "700 000 entries": (changed(means=[[0] * 700_000]), "means[0]", "[0, 0", "too many entries"),
    "million digits": (raw("bias", MILLION), "bias", "111", "more than 1000 digits"),
    "million digits as text": (changed(bias=MILLION), "bias", "111", "more than 1000 characters"),
    "million digits in a float": (raw("bias", f"0.{MILLION}"), "bias", "0.111", "is a JSON float"),
    "million digits of a denominator": (changed(bias=f"1/{MILLION}"), "bias", "1/111", "more than 1000 characters"),
    "denominator 0": (changed(bias="1/0"), "bias", "1/0", "denominator 0"),
    "denominator 000": (changed(bias="0/000"), "bias", "0/000", "denominator 0"),
    "negative denominator": (changed(bias="1/-2"), "bias", "1/-2", "is not a rational"),
    "1e400": (changed(bias="1e400"), "bias", "100000", "must lie in [0, 1]"),
    "hexadecimal": (changed(bias="0x1"), "bias", "0x1", "is not a rational"),
    "underscore": (changed(bias="1_0/20"), "bias", "1_0/20", "is not a rational"),
    "other digits": (changed(bias="１/２"), "bias", "１/２", "is not a rational"),
    "spaces": (changed(bias=" 1/2"), "bias", " 1/2", "is not a rational"),
    "a line break": (changed(bias="1/2\n"), "bias", r"1/2\n", "is not a rational"),
    "an empty number": (changed(bias=""), "bias", '""', "is not a rational"),
    "a number in a list": (changed(bias=["1"]), "bias", "['1']", "is not a number"),
    "boolean number": (changed(bias=True), "bias", "true", "is not a number"),
    "null number": (changed(bias=None), "bias", "null", "is not a number"),
    "bias 2": (changed(bias=2), "bias", "2", "must lie in [0, 1]"),
    "negative bias": (changed(bias="-1/10"), "bias", "-1/10", "must lie in [0, 1]"),
    "rank 0": (changed(rank=0), "rank", "0", "must lie between 1 and"),
    "negative rank": (changed(rank=-3), "rank", "-3", "must lie between 1 and"),
    "rank 65": (changed(rank=65), "rank", "65", "must lie between 1 and"),
    "rank true": (changed(rank=True), "rank", "true", "is not an integer"),
    "rank as text": (changed(rank="2"), "rank", '"2"', "is not an integer"),
    "rank as a float": (raw("rank", "2.0"), "rank", "2.0", "is not an integer"),
    "rank null": (changed(rank=None), "rank", "null", "is null"),
    "rank of a million digits": (raw("rank", MILLION), "rank", "111", "is not an integer"),
    "negative weight decay": (changed(weight_decay="-1/9"), "weight_decay", "-1/9", "must be ≥ 0"),
    "unknown model": (changed(model="student-t"), "model", "student-t", "names no model"),
    "model of a wrong type": (changed(model=["gmm"]), "model", "gmm", "names no model"),
    "model missing": (without(SHARED, "model"), "model", "missing", "is required"),
    "gmm: covariances missing": (without(SEPARATE, "covariances"), "covariances", "missing", "is required"),
    "gmm: too few covariances": (
        changed(SEPARATE, covariances=[[[1, 0], [0, 1]]]),
        "covariances",
        "1 matrices",
        "for 2 weights",
    ),
    "gmm: one covariance singular": (
        changed(SEPARATE, covariances=[[[1, 0], [0, 1]], [[1, 2], [2, 4]]]),
        "covariances[1]",
        "'4'",
        "not positive definite",
    ),
    "clip: text missing": (without(PAIRED, "text"), "text", "missing", "is required"),
    "clip: vision a list": (changed(PAIRED, vision=[[1, 0]]), "vision", "[[1, 0]]", "is not an object"),
    "clip: too few text means": (changed(PAIRED, text={"means": [[1]]}), "text.means", "1 rows", "for 2 weights"),
    "clip: text covariance": (
        changed(PAIRED, text={"means": [[1], [2]], "covariance": [[-1]]}),
        "text.covariance",
        "-1",
        "not positive definite",
    ),
    "clip: weights": (changed(PAIRED, weights=["1/2", "1/4"]), "weights", "1/4", "must sum to exactly 1"),
    "graph: asymmetric": (changed(GRAPH, weights=[[1, 2], [3, 1]]), "weights[0][1]", "2", "undirected"),
    "graph: negative": (changed(GRAPH, weights=[[1, -1], [-1, 1]]), "weights[0][1]", "-1", "must be ≥ 0"),
    "graph: not square": (changed(GRAPH, weights=[[1, 2]]), "weights[0]", "2 entries", "must have 1"),
    "graph: labels": (changed(GRAPH, labels=[0]), "labels", "1 labels", "must be 2"),
    "graph: label true": (changed(GRAPH, labels=[0, True]), "labels[1]", "true", "is not an integer"),
    "graph: no loss": (changed(GRAPH), "model", "population-graph", "is not a model that the loss"),
    "clip model for infonce": (changed(PAIRED), "model", "clip-gmm", "is not a model that the loss"),
}

# what is wrong: (loss, instance, content of the map file, field, part of the value shown, part of the rule)
ENCODER = {"A": [[1, 0], [0, 1]]}
MAPS = {
    "no key": ("infonce", SHARED, "{}", "map", "[]", "names no map"),
    "wrong key": ("infonce", SHARED, '{"B": [[1], [0]]}', "map", "B", "names no map"),
    "both A and M": ("infonce", SHARED, changed(ENCODER, M=[[1, 0], [0, 1]]), "A", "1", "is not a field"),
    "A and W": ("infonce", SHARED, changed(ENCODER, W=[[1]]), "A", "1", "is not a field"),
    "unknown key beside A": ("infonce", SHARED, changed(ENCODER, bias=1), "bias", "1", "is not a field"),
    "A null": ("infonce", SHARED, '{"A": null}', "A", "null", "is not a list"),
    "A empty": ("infonce", SHARED, '{"A": []}', "A", "[]", "has no entry"),
    "A without columns": ("infonce", SHARED, '{"A": [[], []]}', "A[0]", "[]", "has no entry"),
    "A a vector": ("infonce", SHARED, '{"A": [1, 0]}', "A[0]", "1", "is not a list"),
    "A ragged": ("infonce", SHARED, '{"A": [[1, 0], [1]]}', "A[1]", "1", "has 1 entries where row 0 has 2"),
    "A with a float": ("infonce", SHARED, '{"A": [[1.5], [0]]}', "A[0][0]", "1.5", "is a JSON float"),
    "A with a boolean": ("infonce", SHARED, '{"A": [[true], [0]]}', "A[0][0]", "true", "is not a number"),
    "A with too few rows": ("infonce", SHARED, '{"A": [[1, 2]]}', "A", "1 × 2", "must have 2 rows"),
    "A with too many rows": ("infonce", SHARED, '{"A": [[1], [2], [3]]}', "A", "3 × 1", "must have 2 rows"),
    "M not square": ("infonce", SHARED, '{"M": [[1, 0]]}', "M", "1 × 2", "must be square"),
    "M of another size": ("infonce", SHARED, '{"M": [[1]]}', "M", "1 × 1", "must have 2 rows"),
    "M asymmetric": ("infonce", SHARED, '{"M": [[1, 2], [0, 9]]}', "M", "2", "is not symmetric"),
    "M not PSD": ("infonce", SHARED, '{"M": [[1, 2], [2, 1]]}', "M", "'2'", "not positive semidefinite"),
    "M negative": ("spectral", SHARED, '{"M": [[0, 0], [0, "-1/9"]]}', "M", "-1/9", "not positive semidefinite"),
    "duplicate A": ("infonce", SHARED, '{"A": [[1], [0]], "A": [[1], [1]]}', "A", "given twice", "appears once"),
    "map an array": ("infonce", SHARED, "[[1], [0]]", "file", "[[1], [0]]", "is not a JSON object"),
    "map empty": ("infonce", SHARED, "", "file", '""', "is empty"),
    "clip factors for infonce": ("infonce", SHARED, '{"W": [[1, 0], [0, 1]]}', "map", "", "is not a map"),
    "encoder for clip": ("clip", PAIRED, changed(ENCODER), "map", "Encoder", "is not a map"),
    "A_T missing": ("clip", PAIRED, '{"A_V": [[1], [0]]}', "A_T", "missing", "is required"),
    "A_V and W": ("clip", PAIRED, '{"A_V": [[1], [0]], "W": [[1]]}', "A_T", "missing", "is required"),
    "factors of different r": ("clip", PAIRED, '{"A_V": [[1], [0]], "A_T": [[1, 2]]}', "A_T", "1 × 2", "2 columns"),
    "A_V of another dimension": ("clip", PAIRED, '{"A_V": [[1]], "A_T": [[1]]}', "A_V", "1 × 1", "must have 2 rows"),
    "W transposed": ("clip", PAIRED, '{"W": [[1, 2]]}', "W", "1 × 2", "must have 2 rows"),
    "W with too many columns": ("clip", PAIRED, '{"W": [[1, 2], [3, 4]]}', "W", "2 × 2", "must have 1 columns"),
    "P not r × r": ("simsiam", SHARED, changed(ENCODER, P=[[1]]), "P", "1 × 1", "must be 2 × 2"),
    "P null": ("simsiam", SHARED, changed(ENCODER, P=None), "P", "null", "is null"),
    "P missing": ("simsiam", SHARED, changed(ENCODER), "map", "Encoder", "is not a map"),
    "P for infonce": ("infonce", SHARED, changed(ENCODER, P=[[1, 0], [0, 1]]), "map", "SimSiamPair", "is not a map"),
    "b null": ("siglip", SHARED, changed(ENCODER, b=None), "b", "null", "is not a number"),
    "b a float": ("siglip", SHARED, '{"A": [[1], [0]], "b": 0.5}', "b", "0.5", "float"),
    "b beside P": ("siglip", SHARED, changed(ENCODER, b=1, P=[[1, 0], [0, 1]]), "b", "1", "stands beside P"),
    "b for infonce": ("infonce", SHARED, changed(ENCODER, b="1/2"), "map", "BiasedEncoder", "is not a map"),
    "P for siglip": ("siglip", SHARED, changed(ENCODER, P=[[1, 0], [0, 1]]), "map", "SimSiamPair", "is not a map"),
    "M for barlow-twins": ("barlow-twins", SHARED, '{"M": [[1, 0], [0, 1]]}', "map", "Gram", "is not a map"),
    "M for vicreg": ("vicreg", SHARED, '{"M": [[1, 0], [0, 1]]}', "map", "Gram", "is not a map"),
    "A column 0": (
        "barlow-twins",
        SHARED,
        '{"A": [[1, 0], [0, 0]]}',
        "map",
        "2 × 1",
        "makes a denominator of the loss 0",
    ),
    "A not orthonormal": ("pca", SHARED, '{"A": [["1/2"], ["1/2"]]}', "A", "'1/2'", "orthonormal columns"),
    "M no projector": ("pca", SHARED, '{"M": [[2, 0], [0, 1]]}', "M", "'2'", "must be a projector"),
}


def one_refusal(capsys, code: int) -> str:
    """The line that a refused command wrote."""
    streams = capsys.readouterr()
    assert code == 2
    assert streams.out == ""
    assert streams.err.endswith("\n")
    assert len(streams.err.splitlines()) == 1
    assert len(streams.err) < 900
    assert "Traceback" not in streams.err
    return streams.err


@pytest.mark.parametrize(("content", "field", "value", "rule"), INSTANCES.values(), ids=INSTANCES.keys())
def test_malformed_instances_are_refused(content, field, value, rule, tmp_path, capsys):
    instance, linear_map = tmp_path / "instance.json", tmp_path / "map.json"
    instance.write_text(content, encoding="utf-8", errors="surrogatepass")
    linear_map.write_text(json.dumps(ENCODER), encoding="utf-8")
    line = one_refusal(capsys, main(["loss", "infonce", str(instance), str(linear_map), "--json"]))
    where, shown, why = line.partition(f"{instance}: ")[2].split(": ", 2)
    assert where.startswith(field)
    assert value in shown
    assert rule in why
    assert "; " in why


@pytest.mark.parametrize(("loss", "model", "content", "field", "value", "rule"), MAPS.values(), ids=MAPS.keys())
def test_malformed_maps_are_refused(loss, model, content, field, value, rule, tmp_path, capsys):
    instance, linear_map = tmp_path / "instance.json", tmp_path / "map.json"
    instance.write_text(json.dumps(model), encoding="utf-8")
    linear_map.write_text(content, encoding="utf-8")
    line = one_refusal(capsys, main(["loss", loss, str(instance), str(linear_map)]))
    where, shown, why = line.partition(f"{linear_map}: ")[2].split(": ", 2)
    assert where == field
    assert value in shown
    assert rule in why
    assert "; " in why


def missing(folder: Path) -> Path:
    return folder / "missing.json"


def directory(folder: Path) -> Path:
    return folder


def not_utf8(folder: Path) -> Path:
    path = folder / "latin1.json"
    path.write_bytes('{"model": "é"}'.encode("latin-1"))
    return path


def utf16(folder: Path) -> Path:
    path = folder / "utf16.json"
    path.write_bytes(changed().encode("utf-16"))
    return path


def below_a_file(folder: Path) -> Path:
    return not_utf8(folder) / "instance.json"


def name_too_long(folder: Path) -> Path:
    return folder / ("x" * 300)


def newline_in_the_name(folder: Path) -> Path:
    return folder / "two\nlines.json"


def endless(_folder: Path) -> Path:
    return Path("/dev/zero")


def pipe(folder: Path) -> Path:
    path = folder / "pipe"
    os.mkfifo(path)
    return path


def socket_file(folder: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "socket"))
    return folder / "socket"


PATHS = {
    missing: "no such file",
    directory: "is a directory",
    not_utf8: "is not UTF-8",
    utf16: "is not UTF-8",
    below_a_file: "not a directory",
    name_too_long: "too long",
    newline_in_the_name: "no such file",
    endless: "is not a regular file",
    pipe: "is not a regular file",
    socket_file: "no such device",
}


@pytest.mark.parametrize(("make", "rule"), PATHS.items(), ids=[make.__name__ for make in PATHS])
def test_unreadable_paths_are_refused(make, rule, tmp_path, capsys):
    line = one_refusal(capsys, main(["minimize", "infonce", str(make(tmp_path))]))
    assert rule in line


@pytest.fixture
def no_hanging():
    """Turn a wait for a pipe into a failure; a safety net, far longer than any of these tests takes."""

    def fail(*_):
        raise AssertionError("it waits for a pipe")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(300)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def unopenable(folder: Path) -> list[Path]:
    """A pipe that nobody writes to, a link to it, and devices: one never ends, one may wait for a key."""
    link = folder / "link"
    link.symlink_to(pipe(folder))
    return [folder / "pipe", link, Path("/dev/zero"), Path("/dev/ptmx")]


@pytest.mark.usefixtures("no_hanging")
@pytest.mark.parametrize(
    "arguments",
    [
        ["loss", "infonce", "PATH", "examples/encoder.json"],
        ["loss", "infonce", "examples/shared-gmm.json", "PATH"],
        ["minimize", "infonce", "PATH"],
        ["decide", "infonce-equality", "PATH"],
    ],
    ids=" ".join,
)
def test_no_command_waits_for_a_pipe_or_a_device(arguments, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    for path in unopenable(tmp_path):
        line = one_refusal(capsys, main([str(path) if part == "PATH" else part for part in arguments]))
        assert "is not a regular file; " in line


def test_a_certificate_does_not_replace_a_pipe(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    for path in unopenable(tmp_path)[:2]:  # no device of this machine is put at risk
        command = ["decide", "spectral-equality", "examples/shared-gmm.json", "--certificate", str(path)]
        assert "is not a regular file" in one_refusal(capsys, main(command))
        assert path.is_fifo()


@pytest.mark.usefixtures("no_hanging")
@pytest.mark.parametrize("command", [["hunts"], ["hunts", "show", "1"], ["hunts", "export", "1", "x"]], ids=" ".join)
def test_no_ledger_is_a_pipe(command, tmp_path, capsys):
    pipe(tmp_path).rename(tmp_path / "ledger.sqlite")
    assert "--out" in one_refusal(capsys, main([*command, "--out", str(tmp_path)]))


@pytest.mark.usefixtures("no_hanging")
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
def test_no_hunt_waits_for_a_pipe(suffix, tmp_path, capsys):
    if suffix:
        (tmp_path / "ledger.sqlite").touch()
    pipe(tmp_path).rename(tmp_path / f"ledger.sqlite{suffix}")
    line = one_refusal(capsys, main(["hunt", "pca-equality", "--out", str(tmp_path)]))
    assert f"ledger.sqlite{suffix} is not a regular file" in line


@pytest.mark.usefixtures("no_hanging")
def test_records_of_hunts_are_no_pipes(tmp_path):
    for path in unopenable(tmp_path):
        with pytest.raises(InputError, match="is not a regular file"):
            read_record(path)


def test_a_file_is_written_behind_a_link(tmp_path):
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "file.json")
    for text in ("new", "newer"):
        write_text(link, text)
        assert link.is_symlink()
        assert (tmp_path / "file.json").read_text(encoding="utf-8") == text


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_files_are_refused(tmp_path, capsys):
    path = tmp_path / "secret.json"
    path.write_text(changed(), encoding="utf-8")
    path.chmod(0)
    assert "permission denied" in one_refusal(capsys, main(["minimize", "infonce", str(path)]))


def test_a_byte_order_mark_is_no_error(tmp_path, capsys):
    instance, linear_map = tmp_path / "instance.json", tmp_path / "map.json"
    instance.write_text(changed(), encoding="utf-8-sig")
    linear_map.write_text(json.dumps(ENCODER), encoding="utf-8")
    assert main(["loss", "spectral", str(instance), str(linear_map)]) == 0
    assert capsys.readouterr().err == ""


USAGE = {
    "no command": [],
    "unknown command": ["verfy"],
    "unknown option": ["list", "--nope"],
    "unknown loss": ["loss", "hinge", "instance.json", "map.json"],
    "unknown loss to minimise": ["minimize", "hinge", "instance.json"],
    "missing arguments": ["loss", "infonce"],
    "too many arguments": ["minimize", "infonce", "a.json", "b.json"],
    "digits 0": ["loss", "infonce", "a.json", "b.json", "--digits", "0"],
    "digits 1001": ["loss", "infonce", "a.json", "b.json", "--digits", "1001"],
    "digits not a number": ["loss", "infonce", "a.json", "b.json", "--digits", "many"],
    "no digits of a minimiser": ["minimize", "infonce", "a.json", "--digits", "0"],
    "rank 0": ["minimize", "infonce", "a.json", "--rank", "0"],
    "rank 65": ["minimize", "infonce", "a.json", "--rank", "65"],
    "no budget": ["minimize", "infonce", "a.json", "--budget", "soon"],
    "unknown statement to show": ["show", "lemma-9.9"],
    "unknown statement to verify": ["verify", "lemma-9.9"],
    "no instances": ["verify", "--instances", "0"],
    "jobs 0": ["verify", "--jobs", "0"],
    "negative seed": ["verify", "--seed", "-1"],
    "no such parameter": ["loss", "infonce", "a.json", "b.json", "--set", "temperature=1"],
    "parameter without a value": ["minimize", "siglip", "a.json", "--set", "negatives"],
    "parameter out of range": ["minimize", "siglip", "a.json", "--set", "negatives=0"],
    "parameter no rational": ["loss", "siglip", "a.json", "b.json", "--set", "negatives=1e3"],
    "parameter twice": ["loss", "siglip", "a.json", "b.json", "--set", "negatives=1", "--set", "negatives=2"],
    "a newline in a name": ["loss", "a\nb", "a.json", "b.json"],
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE.keys())
def test_wrong_usage_is_refused(arguments, capsys):
    line = one_refusal(capsys, main(arguments))
    assert line.startswith("thmverify: ")


def test_unknown_names_list_the_known_ones(capsys):
    assert ", ".join(LOSSES) in one_refusal(capsys, main(["loss", "hinge", "a.json", "b.json"]))
    assert "did you mean lemma-4.2?" in one_refusal(capsys, main(["show", "lemma-9.9"]))


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    {
        "below the least": (
            ["fit", "x.csv", "--digits", "0"],
            '--digits: "0": must be greater than or equal to 1; see',
        ),
        "no integer": (["verify", "--instances", "x"], '--instances: "x": must be a valid integer; see'),
        "no such choice": (["export", "a", "--format", "foo"], "--format: \"foo\": is not one of 'pytest', 'latex'"),
        "a nearest loss": (["minimize", "infonse", "a.json"], "did you mean infonce"),
        "a nearest row": (["matrix", "infonse"], "did you mean infonce"),
        "a nearest statement": (
            ["report", "--only", "lemma-4.3", "--out", "r"],
            '--only: "lemma-4.3": names no statement; did',
        ),
        "a nearest certificate": (["check", "infonce-equalty"], "did you mean infonce-equality"),
        "a statement to export": (["export", "lemma-4.3"], "did you mean lemma-4.2"),
        "two sizes": (["report", "--quick", "--full", "--out", "r"], "--full:"),
        "a word of Python": (["new", "class"], "write another one, such as my-class"),
        "a module that is there": (["new", "numpy"], "write another one, such as my-numpy"),
        "a proof that is none": (["show", "infonce-equality", "--proof", "p.json"], "--proof:"),
        "no cover": (["cover", "infonce-equality"], "or map a family with --set slice=FILE.json"),
        "a distance below 0": (
            ["cover", "infonce-equality-three", "--set", "distance=-1"],
            "--set distance: -1: is not",
        ),
        "no slice": (["cover", "infonce-equality", "--set", "slice=none.json"], "none.json: file:"),
        "two teams to cover": (
            ["cover", "infonce-equality-three", "--workers", "2", "--scheduler", "tcp://x:1"],
            "--workers: 2: stands beside --scheduler",
        ),
        "two teams to hunt": (
            ["hunt", "infonce-equality", "--workers", "2", "--scheduler", "tcp://x:1"],
            "--workers: 2: stands beside --scheduler",
        ),
        "no module": (["--with", "no_module_of_that_name", "list"], "is no module that is installed, and no .py file"),
        "the folder itself": (["--with", ".", "list"], "is no file; give the path of a Python file"),
    }.values(),
)
def test_what_was_written_is_named_with_what_to_write_instead(arguments, wanted, asked, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert wanted in one_refusal(capsys, main(arguments))
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "read.csv", "--labels", "b", "--out", "read.csv"],
        ["decide", "infonce-equality", "read.csv", "--certificate", "./read.csv"],
        ["check", "read.csv", "--junit", "read.csv"],
        ["export", "read.csv", "--format", "pytest", "--out", "link.csv"],
    ],
)
def test_no_command_writes_over_what_it_reads(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    file = Path("read.csv")
    file.write_text("a,b\n1,2\n")
    Path("link.csv").symlink_to(file)
    assert "is a file that this command reads" in one_refusal(capsys, main(arguments))
    assert file.read_text() == "a,b\n1,2\n"


@pytest.mark.parametrize("arguments", [["check", "infonce-equality"], ["verify", "lemma-4.2", "--instances", "1"]])
def test_results_that_cannot_be_written_leave_nothing_on_stdout(arguments, tmp_path, capsys):
    assert "output: " in one_refusal(capsys, main([*arguments, "--junit", str(tmp_path / "absent" / "out.xml")]))


@pytest.mark.parametrize("name", ["weights do not sum to 1", "million digits", "open brackets", "singular covariance"])
def test_a_real_process_refuses_as_well(name, tmp_path):
    content, field, _, rule = INSTANCES[name]
    instance = tmp_path / "instance.json"
    instance.write_text(content, encoding="utf-8")
    command = [sys.executable, "-m", "thmverify", "minimize", "infonce", str(instance), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=SAFETY_NET, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"thmverify: {instance}: {field}")
    assert rule in done.stderr
    assert done.stderr.count("\n") == 1
