"""Nothing makes the kernel crash, hang, grow or believe; it stands alone, and `python -O` changes nothing."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as hst

import thmverify.kernel
from property_tests.interrupts import SAFETY_NET, at_most
from property_tests.kernel.library import KNOWN, SHIPPED, all_certificates
from property_tests.kernel.test_mutations import accepted, rehashed
from thmverify.kernel.answer import main
from thmverify.kernel.claims import statement_hash
from thmverify.testing import examples

FOLDER = Path(thmverify.kernel.__file__).parent
SOURCES = sorted(FOLDER.rglob("*.py"))


def run(*arguments: str, cpu: int | None = None, memory: int | None = None) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parents[1])}
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=SAFETY_NET,
        env=environment,
        preexec_fn=at_most(cpu, memory),
        check=False,
    )


@given(hst.binary(max_size=400))
@example(b"")
@example(b"[" * 100_000)
@example(b'{"a":' * 50_000)
@example(b"9" * 100_000)
@example(b'"' + b"\\u0000" * 1000 + b'"\n')
@example(b"\xff\xfe")
@settings(max_examples=examples(300))
def test_bytes_are_refused(data):
    assert not accepted(data)


@given(hst.data())
@settings(max_examples=examples(300))
def test_damaged_certificates_are_refused(data):
    whole = data.draw(hst.sampled_from(all_certificates()))
    start = data.draw(hst.integers(0, len(whole) - 1))
    length = data.draw(hst.integers(0, 40))
    damaged = whole[:start] + data.draw(hst.binary(max_size=20)) + whole[start + length :]
    assert not accepted(damaged) or damaged == whole


# What text() takes by default, said so that Hypothesis need not find out which of a million characters UTF-8 encodes.
CHARACTERS = hst.characters(exclude_categories=("Cs",))
JSON_LIKE = hst.recursive(
    hst.one_of(hst.text(CHARACTERS, max_size=5), hst.sampled_from(["0", "1", "-1", "1/2", "kkt", "exact"])),
    lambda inner: hst.one_of(
        hst.lists(inner, max_size=4), hst.dictionaries(hst.text(CHARACTERS, max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(hst.data())
@settings(max_examples=examples(300))
def test_fields_of_any_shape_are_refused_or_harmless(data):
    tree = json.loads(data.draw(hst.sampled_from(all_certificates())))
    field = data.draw(hst.sampled_from([name for name in tree if name != "content"]))
    value = data.draw(JSON_LIKE)
    assert not accepted(rehashed({**tree, field: value})) or value == tree[field]


def about(claim: str, fields: dict) -> dict:
    stated = {"claim": claim, "statement": statement_hash(claim), "verdict": "refuted", "rank": [], "dimension": []}
    return {**fields, **stated}


def bombs() -> dict[str, bytes]:
    """Certificates that ask for much: work, memory, digits, depth."""
    kkt = json.loads(next(d for d in all_certificates() if b'"rule":"kkt"' in d and b"infonce-equality" in d))
    hints = {"precision": "80", "Q": [["1"]], "grids": [[["1/4", "-60", "121", "1"]]] * 2, "V": [["1/2"]], "N": [[]]}
    line = {"weights": ["1/2", "1/2"], "means": [["1"], ["-1"]], "covariance": [["1"]], "bias": "1", "rank": "1"}
    kkt |= {"instance": {"model": "shared-gmm", **line, "weight_decay": "0"}, "hints": hints}
    digits, size = "9" * 400, 64

    def with_hints(**changes: object) -> bytes:
        return rehashed({**kkt, "hints": {**hints, **changes}})

    mean = [[str(Fraction((i * 7919 + i * i * j) % 1000, 997 + j)) for j in range(40)] for i in range(40)]
    covariance = [[str(Fraction(10**9 * (i == j) + 1, 3 + i * j)) for j in range(40)] for i in range(40)]
    wide = {
        **kkt["instance"],
        "weights": ["1/40"] * 40,
        "means": mean,
        "covariance": covariance,
    }
    long = [[digits if i == j else "0" for j in range(30)] for i in range(30)]
    unit = [[str(int(i == j)) for j in range(16)] for i in range(16)]
    cube = {**kkt["instance"], "weights": ["1/16"] * 16, "means": unit, "covariance": unit, "rank": "16"}
    spread = [[f"{10**180 + 16 * i + j}/{10**180 + 16 * i + j + 1}" for j in range(16)] for i in range(16)]
    crowd = {**kkt["instance"], "weights": ["1/8"] * 8, "means": [[str(3 * i * i)] for i in range(8)], "rank": "1"}
    crowd["covariance"] = [["1"]]
    many = {**crowd, "weights": ["1/16"] * 16, "means": [[str(3 * i * i)] for i in range(16)]}
    unlike = {**kkt["instance"], "weights": ["1/64"] * 64, "means": [["0"] * 30] * 64, "rank": "1"}
    unlike["covariance"] = [[f"1/{10**389 + 30 * i + j}" for j in range(30)] for i in range(30)]
    four = {"model": "gmm", "weights": ["1/2", "1/2"], "means": [["1", "0", "0", "0"], ["-1", "0", "0", "0"]]}
    four["covariances"] = [[[str((1 + c) * (i == j)) for j in range(4)] for i in range(4)] for c in (0, 1)]
    four |= {"bias": "1", "rank": "4", "weight_decay": "0"}
    box = [["1/4", f"-{n // 2}", str(n), "1/100"] for n in (15, 63, 63)] + [["1", "0", "1", "1/100"]]
    across = {"precision": "2000", "modulus": "1/2", "V": [[]], "N": [[]], "grids": [], "W": four["covariances"][0]}
    across["grids_across"] = [box, [["1", "0", "1", "1"]] * 4]
    plane = {**four, "means": [row[:2] for row in four["means"]], "rank": "2"}
    plane["covariances"] = [[row[:2] for row in c[:2]] for c in four["covariances"]]
    flat = [["1/100", "-500", "1000", "1/100"], ["1/1000", "-7500", "15000", "1/100"]]
    long_rows = {**across, "precision": "32", "W": plane["covariances"][0]}
    long_rows["grids_across"] = [flat, [["1", "0", "1", "1"]] * 2]
    scattered = {"precision": "2000", "Q": [["1"]], "grids": [[["10000", "2000"]]] * 8, "V": [["1000"]], "N": [[]]}
    return {
        "nodes": with_hints(grids=[[["1/100000", "-50000", "100000", "1"]]] * 2),
        "more nodes": with_hints(grids=[[["1", "-500", "1000", "1"]] * 4] * 2),
        "bits": with_hints(precision="2000", grids=[[["1/1000", "-9000", "18000", "1"]]] * 2),
        "adaptive": with_hints(precision="2000", grids=[[["10000", "2000"]]] * 2),
        "digits": with_hints(V=[[digits]], Q=[[digits]]),
        "steep": with_hints(V=[[digits]], grids=[[["1000", "100"]]] * 2),
        "crowd": rehashed({**kkt, "instance": crowd, "hints": scattered}),
        "many": rehashed({**kkt, "instance": many, "hints": scattered | {"grids": [[["40", "2000"]]] * 16}}),
        "unlike denominators": rehashed({**kkt, "instance": unlike, "rule": "exact", "hints": {}}),
        "rows": rehashed(about("nonshared-inclusion", {**kkt, "instance": four, "rule": "border", "hints": across})),
        "plane": rehashed(
            about("nonshared-inclusion", {**kkt, "instance": plane, "rule": "border", "hints": long_rows})
        ),
        "coordinates": rehashed(
            {**kkt, "instance": cube, "hints": {**hints, "Q": spread, "V": [[]] * 16, "N": [[]] * 16}}
        ),
        "columns": with_hints(V=[["1"] * size], N=[["1"] * size]),
        "permutations": rehashed({**kkt, "rule": "symmetry", "hints": {"permutations": [["0", "1"]] * size}}),
        "mixture": rehashed({**kkt, "instance": wide, "rule": "exact", "hints": {}}),
        "diagonal": rehashed(
            {
                **kkt,
                "instance": {**wide, "covariance": long, "means": [m[:30] for m in mean]},
                "rule": "exact",
                "hints": {},
            }
        ),
        "depth": b'{"format":' + b"[" * 200_000 + b"]" * 200_000 + b"}\n",
        "size": b'"' + b"1" * 10_000_000 + b'"\n',
    }


def test_bombs_are_defused_within_half_a_minute_of_work_and_a_gigabyte(tmp_path):
    for name, data in bombs().items():
        path = tmp_path / f"{name}.json"
        path.write_bytes(data)
        done = run("-m", "thmverify.kernel", str(path), cpu=30, memory=2**30)
        assert done.returncode in (0, 1), (name, done.returncode)  # the system ends what takes longer, by a signal
        answer = done.stdout.splitlines()[-1].split()[0]
        # A dear but right proof may be taken.
        assert answer == "REJECTED" or (answer == "VERIFIED" and name in ("bits", "adaptive")), (name, done.stderr)
        assert done.stderr == "", name


@pytest.mark.parametrize("flags", [[], ["-O"], ["-OO"]], ids=["plain", "O", "OO"])
def test_optimisation_changes_nothing(flags, tmp_path):
    good = [str(path) for path in SHIPPED]
    fields = json.loads(SHIPPED[0].read_bytes())
    bad = tmp_path / "bad.json"
    bad.write_bytes(rehashed({**fields, "verdict": "proved"}))
    done = run(*flags, "-m", "thmverify.kernel", *good, str(bad))
    answers = [line for line in done.stdout.splitlines() if line.startswith(("VERIFIED", "REJECTED"))]
    assert done.returncode == 1
    assert [a.split()[0] for a in answers] == ["VERIFIED"] * len(good) + ["REJECTED"]
    assert run(*flags, "-m", "thmverify.kernel", *good).returncode == 0


def test_each_certificate_verifies_in_a_fresh_process(tmp_path):
    paths = []
    for i, data in enumerate(all_certificates()):
        paths.append(tmp_path / f"{i}.json")
        paths[-1].write_bytes(data)
    done = run("-m", "thmverify.kernel", *map(str, paths))
    assert done.returncode == 0
    answers = [line for line in done.stdout.splitlines() if line.startswith("VERIFIED ")]
    assert [a.split(": ")[0] for a in answers[: len(KNOWN)]] == [f"VERIFIED {claim}" for claim, _, _, _ in KNOWN]


def test_it_stands_alone():
    imported = "import thmverify.kernel.certificate, thmverify.kernel.answer, thmverify.kernel.proofs.replay"
    done = run("-c", f"import sys; old = set(sys.modules); {imported}; print(*set(sys.modules) - old)")
    loaded = {m for m in done.stdout.split() if not m.startswith("thmverify.kernel")}
    assert "thmverify" in loaded
    roots = {m.split(".")[0] for m in loaded} - set(sys.stdlib_module_names)
    assert {m for m in roots if "cython" not in m} == {"thmverify", "flint"}
    assert not {m for m in loaded if m.startswith("thmverify.")}


def test_the_source_has_no_assertion_and_no_float_decision():
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not any(isinstance(node, ast.Assert) for node in ast.walk(tree)), path
        called = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert "float" not in called, path


@pytest.mark.parametrize(
    ("part", "most"), [("certificates", 2444), ("covers", 784), ("formulas", 545), ("proofs", 2091)]
)
def test_the_source_is_short(part, most):
    """Docstrings and all, blank lines aside; of proofs without `text.py`, which writes and does not judge."""
    folders = ["kernel", "rules"] if part == "certificates" else [part]
    counted = [p for p in SOURCES if p.parent.name in folders and p.name != "text.py"]
    lines = [line for path in counted for line in path.read_text(encoding="utf-8").splitlines()]
    assert sum(bool(line.strip()) for line in lines) < most


def test_the_answer_is_the_last_line(capsys, tmp_path):
    assert main([str(SHIPPED[0])]) == 0
    whole = json.loads(SHIPPED[0].read_bytes())
    wanted = f"VERIFIED {whole['claim']}: {whole['verdict']} for the instance given"
    assert capsys.readouterr().out.splitlines()[-1] == wanted
    assert main([str(tmp_path / "absent.json")]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "REJECTED the file cannot be read, or is not a regular file"
    assert main([]) == 2


def test_a_pipe_or_a_device_is_rejected_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    paths = [str(tmp_path / "pipe"), "/dev/zero", "/dev/ptmx", str(tmp_path)]
    for command in (["thmverify.kernel"], ["thmverify", "check"]):
        done = run("-m", *command, *paths)
        answers = done.stdout.splitlines()[1::2]
        assert (done.returncode, done.stderr) == (1, "")
        assert answers == ["REJECTED the file cannot be read, or is not a regular file"] * len(paths)


def test_the_format_is_specified_with_a_certificate_that_verifies():
    text = (FOLDER / "FORMAT.md").read_text(encoding="utf-8")
    example = text.split("```json\n")[1].split("```")[0].encode()
    assert accepted(example)
    fields = json.loads(example)
    assert fields["content"] in text.replace(example.decode(), "")
    assert fields["statement"] in text.replace(example.decode(), "")
