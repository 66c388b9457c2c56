"""Certificates written out for Coq: what is written is the certificate's, and what is changed does not compile.

The tests marked `coq` are skipped where there is no `coqc`; the first of them compiles the whole folder, in under
three minutes of processor time. A mutation is compiled with all that it does not touch taken from there.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from property_tests.interrupts import SAFETY_NET, at_most
from thmverify.artefacts import entries
from thmverify.certifying import decide
from thmverify.cli import main
from thmverify.errors import InputError
from thmverify.export.coq import instance_files
from thmverify.export.folder import folder_files, write_folder
from thmverify.export.planar import Symmetric, numbers, read
from thmverify.export.text import rational
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.theorems import CHECKED, COUNTEREXAMPLES, FORMAL
from thmverify.theorems.coq import assumptions

SHIPPED = COUNTEREXAMPLES / "infonce-equality.json"
BIASED = COUNTEREXAMPLES / "infonce-equality-biased.json"
RATIONAL = {
    "Pca": COUNTEREXAMPLES / "pca-equality.json",
    "Clip": COUNTEREXAMPLES / "clip-inclusion-literal.json",
    "Spectral": FORMAL / "cases" / "spectral-equality.json",
}
NUMBER = r"(?:\((-?\d+(?: / \d+)?)\)|(\d+))"
DECLARED = re.compile(r"\b(Admitted|admit|Axioms?|Parameters?|Conjecture|Abort|bypass_check)\b|Unset .*Check")
LIMIT = 60  # seconds of processor time for a file: a false integral must not run for ever
COMPONENTS = ("Component1", "Component2", "Component3")


def values(text: str) -> list[Fraction]:
    return [Fraction((a or b).replace(" ", "")) for a, b in re.findall(NUMBER, text)]


def defined(text: str, name: str) -> list[Fraction]:
    """The numbers in the definition of `name`."""
    (body,) = re.findall(rf"^Definition {name} : [\w ]+ := (.*?)\.$", text, flags=re.MULTILINE | re.DOTALL)
    return values(body)


def refuted_in_space() -> bytes:
    """A certificate for a mixture in three dimensions whose S_F is a plane, that of the shipped one moved."""
    means = [(Fraction(44, 245), Fraction(-1, 49)), (Fraction(-8), Fraction(1)), (Fraction(-24), Fraction(1))]
    weights = (Fraction(49, 50), Fraction(19, 1000), Fraction(1, 1000))
    moved = tuple((x, y, x + y) for x, y in means)
    model = SharedGMM(weights, moved, ((1, 0, 1), (0, 1, 1), (1, 1, 3)))
    _, data = decide("infonce-equality", Instance(AugmentedPairs(model, Fraction(1)), 3))
    assert data is not None
    return data


@pytest.mark.parametrize("path", [SHIPPED, BIASED], ids=lambda path: path.stem)
def test_the_mixture_is_the_certificates_by_value(path):
    given = json.loads(path.read_bytes())["instance"]
    text = instance_files(path.read_bytes())["instance/Mixture.v"]
    for k, (weight, mean) in enumerate(zip(given["weights"], given["means"], strict=True), 1):
        assert defined(text, f"component{k}") == [Fraction(x) for x in (weight, *mean)]
    (xx, xy), (_, yy) = given["covariance"]
    assert defined(text, "Sigma") == [Fraction(x) for x in (xx, xy, yy)]
    assert defined(text, "delta") == [Fraction(given["bias"])]
    assert f"Definition columns : nat := {given['rank']}." in text


def test_the_direction_is_the_certificates():
    certificate = json.loads(SHIPPED.read_bytes())
    hints, means = certificate["hints"], certificate["instance"]["means"]  # Σ = I, so B has the first two means
    first, second = ([Fraction(x) for x in row] for row in means[:2])
    coefficients = [
        sum(Fraction(q) * Fraction(v) for q, (v,) in zip(row, hints["V"], strict=True)) for row in hints["Q"]
    ]
    exact = [a * coefficients[0] + b * coefficients[1] for a, b in zip(first, second, strict=True)]
    found = defined(instance_files(SHIPPED.read_bytes())["instance/Numbers.v"], "direction")
    assert all(abs(x - y) < Fraction(1, 10**9) for x, y in zip(found, exact, strict=True))


def test_the_folder_in_the_repository_is_what_export_writes():
    written = {}
    for certificate in (SHIPPED, *RATIONAL.values()):
        written |= folder_files(certificate.read_bytes(), FORMAL)
    del written["cases/Assumptions.v"]  # there it is about one case, here about all
    for name, text in written.items():
        assert (FORMAL / name).read_text(encoding="utf-8") == text, name
    sources = {path.relative_to(FORMAL).as_posix() for path in FORMAL.rglob("*.v")}
    assert sources - {"cases/Assumptions.v"} == {name for name in written if name.endswith(".v")}


def test_nothing_is_declared_or_admitted():
    for certificate in (BIASED, *RATIONAL.values()):
        for name, text in folder_files(certificate.read_bytes(), FORMAL).items():
            code = re.sub(r"\(\*.*?\*\)", "", text, flags=re.DOTALL)
            assert name == "README.md" or not DECLARED.search(code), name


def test_the_makefile_compiles_every_file():
    text = (FORMAL / "Makefile").read_text(encoding="utf-8")
    for folder in ("theory", "exact", "cases"):
        for path in (FORMAL / folder).glob("*.v"):
            assert path.stem == "Assumptions" or f"{folder}/{path.stem}.vo" in text


@pytest.mark.parametrize("path", [SHIPPED, BIASED], ids=lambda path: path.stem)
def test_the_numbers_satisfy_what_the_theorem_asks_of_them(path):
    mixture = read(path.read_bytes())
    found = numbers(mixture)
    n, size = (-found.direction[1], found.direction[0]), sum(x * x for x in found.direction)
    across = sum(x * y for x, y in zip(n, mixture.covariance @ n, strict=True))
    heights = [n[0] * x + n[1] * y for x, y in mixture.means]
    moment = across + sum(w * h * h for w, h in zip(mixture.weights, heights, strict=True))
    cost = found.step**2 * moment * (across / 2 + found.spread**2) + 2 * found.eps**2 / found.floor**2
    assert cost < found.step * (found.curvature * size**2 - 2 * found.eps * size)
    assert sum(w * piece.error for w, piece in zip(mixture.weights, found.pieces, strict=True)) <= found.tolerance
    assert found.tolerance < found.eps


def test_a_mixture_in_space_is_stated_in_coordinates_of_its_plane():
    data = refuted_in_space()
    given = read(SHIPPED.read_bytes())
    mixture = read(data)
    assert mixture.frame is not None
    assert given.frame is None

    def products(m):  # μ_iᵀ Σ⁻¹ μ_j, whatever the coordinates
        s = m.covariance
        det = s.xx * s.yy - s.xy**2
        solved = [((s.yy * x - s.xy * y) / det, (s.xx * y - s.xy * x) / det) for x, y in m.means]
        return [[x * u + y * v for x, y in m.means] for u, v in solved]

    assert products(mixture) == products(given)
    rows = "; ".join(", ".join(map(str, row)) for row in mixture.frame)
    assert rows in instance_files(data)["instance/Mixture.v"]


@pytest.mark.parametrize(
    ("x", "text"), [(3, "3"), (-3, "(-3)"), (Fraction(1, 2), "(1 / 2)"), (Fraction(-1, 2), "(-1 / 2)"), (0, "0")]
)
def test_rationals_are_written_as_coq_reads_them(x, text):
    assert rational(Fraction(x)) == text


@pytest.mark.parametrize(
    ("name", "field", "rule"),
    [
        ("spectral-top-r", "claim", 'only "infonce-equality", "pca-equality", "clip-inclusion-literal", '),
        ("infonce-equality-uncentred", "rule", 'only "kkt" can be exported'),
        ("infonce-equality-equal-weights-biased", "instance.weights", "more than 6 components"),
    ],
)
def test_other_certificates_are_refused_in_one_line(name, field, rule, tmp_path, capsys):
    path = COUNTEREXAMPLES / f"{name}.json"
    assert main(["export", str(path), "--out", str(tmp_path / "out")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"thmverify: {path}: {field}: ")
    assert rule in captured.err
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def certificate_of(means: tuple[tuple[int, ...], ...], rank: int) -> bytes:
    identity = tuple(tuple(int(i == j) for j in range(len(means[0]))) for i in range(len(means[0])))
    model = SharedGMM((Fraction(1, len(means)),) * len(means), means, identity)
    _, data = decide("infonce-equality", Instance(AugmentedPairs(model, Fraction(1)), rank))
    assert data is not None
    return data


@pytest.mark.parametrize(
    ("means", "field"),
    [
        (((2, 0), (-1, 1), (-1, -2)), "rank"),  # the minimiser fills the plane
        (((2, 0, 0), (0, 2, 0), (0, 0, 3), (-2, -2, -3)), "dimension"),
    ],
)
def test_certificates_of_other_dimensions_and_ranks_are_refused(means, field):
    with pytest.raises(InputError, match=f"^{field}: .* can be exported; give a certificate whose {field} is"):
        instance_files(certificate_of(means, len(means)))


@pytest.mark.parametrize(
    "covariance",
    [(1, 0, Fraction(1, 10**30)), (10**400, 0, 1), (1, 1, 1)],
    ids=["nearly singular", "beyond floats", "singular"],
)
def test_numbers_that_would_not_do_are_refused(covariance):
    mixture = replace(read(SHIPPED.read_bytes()), covariance=Symmetric(*map(Fraction, covariance)))
    with pytest.raises(InputError, match=r"^instance\.covariance: "):
        numbers(mixture)


def test_what_the_kernel_rejects_is_refused(tmp_path, capsys):
    path = tmp_path / "changed.json"
    path.write_bytes(SHIPPED.read_bytes().replace(b'"-24"', b'"-25"'))
    assert main(["export", str(path), "--out", str(tmp_path / "out")]) == 2
    assert "the kernel rejects it: the content hash does not match" in capsys.readouterr().err


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path, capsys):
    (tmp_path / "mine.v").write_text("")
    assert main(["export", str(SHIPPED), "--out", str(tmp_path)]) == 2
    assert "--out" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.v"]
    assert main(["export", str(SHIPPED), "--out", str(tmp_path / "mine.v")]) == 2


def test_the_command_says_how_to_compile(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["export", str(SHIPPED), "--format", "coq", "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["command"] == f"make -C {out}"
    assert sorted(told["files"]) == sorted(str(path) for path in out.rglob("*") if path.is_file())


# With Coq.


def compiles(folder: Path, *names: str, part: str = "instance") -> bool:
    """Whether coqc takes these files of a part of the folder, one after the other."""
    flags = ["-q", "-w", "none", "-Q", "theory", "InfoNCE", "-Q", "instance", "Instance"]
    for name in names:
        command = ["nice", "coqc", *flags, f"{part}/{name}.v"]
        done = subprocess.run(command, cwd=folder, capture_output=True, preexec_fn=at_most(cpu=LIMIT), check=False)
        if done.returncode != 0:
            return False
    return True


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The shipped certificate's folder, compiled, and what make printed."""
    if shutil.which("coqc") is None:
        pytest.skip("needs coqc")
    folder = tmp_path_factory.mktemp("coq") / "infonce"
    write_folder(SHIPPED.read_bytes(), FORMAL, folder)
    make = ["nice", "make", f"LIMIT={SAFETY_NET}"]
    made = subprocess.run(make, cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-2000:]
    return folder, made.stdout


GENERAL = {
    "ClassicalDedekindReals.sig_not_dec",
    "ClassicalDedekindReals.sig_forall_dec",
    "FunctionalExtensionality.functional_extensionality_dep",
    "Classical_Prop.classic",
}


@pytest.mark.coq
def test_the_shipped_certificate_compiles_and_rests_on_what_the_readme_says(compiled):
    axioms = {theorem: {*names} for theorem, names in assumptions(compiled[1]).items()}
    recorded = {a.theorem: {*a.assumptions} for a in entries(CHECKED)}
    assert recorded["infonce_equality_fails"] == axioms["infonce_equality_fails"]
    planar = {"gaussian", "infonce_closed", "minimisers_exist", "refutation", "infonce_equality_fails"}
    scores = {"no_worse", "minimiser_within", "negatives_minimiser_within"}
    assert set(axioms) == planar | scores | {"population_no_worse", "population_minimiser_within"}
    assert "infonce_equality_fails\n     : let E := expectation Sigma in" in compiled[1]  # of no other expectation
    instance = axioms.pop("infonce_equality_fails")
    assert all(found <= GENERAL for found in axioms.values())
    assert {name.partition(".")[0] for name in instance - GENERAL} == {"PrimInt63", "Uint63"}  # no hardware floats


@pytest.fixture
def copy(compiled, tmp_path):
    """A copy of the compiled folder, to change."""
    return Path(shutil.copytree(compiled[0], tmp_path / "copy"))


def change(folder: Path, name: str, old: str, new: str, part: str = "instance") -> None:
    path = folder / part / f"{name}.v"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.coq
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("Expectation", "(offset mu x)) / 2))", "(offset mu x)) / 3))"),
        ("Expectation", "2 * PI * sqrt (det Sigma)).", "PI * sqrt (det Sigma))."),
        ("Scores", "contrast_bends N : (1 <= N)", "contrast_bends N : (0 <= N)"),
    ],
    ids=["density", "its mass", "no negatives"],
)
def test_a_changed_definition_of_the_theory_does_not_compile(copy, name, old, new):
    change(copy, name, old, new, part="theory")
    assert not compiles(copy, name, part="theory")


@pytest.mark.coq
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Component (19 / 1000) (Vec (-8) 1)", "Component (19 / 1000) (Vec (-9) 1)"),
        ("Component (49 / 50)", "Component (48 / 50)"),
        ("Sym 1 0 1", "Sym 1 0 2"),
    ],
    ids=["mean", "weight", "covariance"],
)
def test_a_changed_mixture_does_not_compile(copy, old, new):
    change(copy, "Mixture", old, new)
    assert compiles(copy, "Mixture", "Numbers")
    assert not compiles(copy, "Component1")


@pytest.mark.coq
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(-147190092104", "(147190092104"),
        ("Definition heft : R := 1", "Definition heft : R := -1"),
        ("Definition outside : R := (33 /", "Definition outside : R := (99 /"),
        ("Definition width : R := (1 /", "Definition width : R := (3 /"),
    ],
    ids=["row", "heft", "outside", "width"],
)
def test_a_changed_bound_of_a_component_does_not_compile(copy, old, new):
    change(copy, "Component1", old, new)
    assert not compiles(copy, "Component1")


@pytest.mark.coq
def test_a_changed_value_of_an_integral_does_not_compile(copy):
    change(copy, "Numbers", "Sym (2778201 /", "Sym (2778901 /")
    assert compiles(copy, "Numbers")
    assert not compiles(copy, "Component1")


@pytest.fixture
def granted(copy):
    """The folder with the integrals taken for granted: what is left is to be refused by the theorem itself."""
    for path in (copy / "instance").glob("Component*.v"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"Proof\..*?Qed\.", "Admitted.", text, flags=re.DOTALL), encoding="utf-8")
    return copy


@pytest.mark.coq
def test_with_the_integrals_granted_the_rest_compiles(granted):
    assert compiles(granted, *COMPONENTS, "Refuted")


@pytest.mark.coq
@pytest.mark.parametrize(
    ("old", "new"),
    [("delta : R := 1", "delta : R := (9 / 10)"), ("columns : nat := 3", "columns : nat := 1")],
    ids=["bias", "columns"],
)
def test_changed_pairs_do_not_compile(granted, old, new):
    change(granted, "Mixture", old, new)
    assert compiles(granted, "Mixture", "Numbers", *COMPONENTS)
    assert not compiles(granted, "Refuted")


@pytest.mark.coq
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Definition z : R := (4", "Definition z : R := (-4"),
        ("Definition z : R := (4", "Definition z : R := (5"),
        ("Definition lambda : R := 1", "Definition lambda : R := 2"),
        ("Definition eps : R := (3 /", "Definition eps : R := (1 /"),
        ("Definition tolerance : R := (3 /", "Definition tolerance : R := (2 /"),
        ("Definition spread : R := (23", "Definition spread : R := (22"),
        ("Definition step : R := (16629 /", "Definition step : R := (36629 /"),
        ("component1 component2)", "component1 component1)"),
    ],
    ids=["sign of z", "z", "lambda", "eps", "tolerance", "spread", "step", "parallel means"],
)
def test_a_changed_number_of_the_refutation_does_not_compile(copy, old, new):
    change(copy, "Refuted", old, new)
    assert not compiles(copy, "Refuted")
