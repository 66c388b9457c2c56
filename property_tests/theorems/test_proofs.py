"""Proofs pass, suppose what the mathematics needs, and say what is on record; bad scripts prove nothing."""

from __future__ import annotations

import copy
import json
import pkgutil
import random
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import thmverify
from property_tests.theorems import bad_scripts
from thmverify.cli import main
from thmverify.kernel.proofs.replay import Proved, replay
from thmverify.kernel.strict import Rejected, canonical, digest
from thmverify.proofs.checking import Proof, ProofReport
from thmverify.proofs.checking import judge as judged
from thmverify.proofs.proposal import Proposal
from thmverify.standing import Standing, judge
from thmverify.statement import Formal, Statement
from thmverify.theorems import REGISTRY
from thmverify.verdicts import Outcome, Status

# -- what each proof supposes and concludes ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """The hypotheses that a proof uses, and names that its conclusion speaks of."""

    supposes: frozenset[str]
    says: tuple[str, ...]


def row(model: str, further: str, says: str) -> Row:
    """Return a row: the hypotheses of a model and further ones, and names, all in words."""
    return Row(frozenset((model + " " + further).split()), tuple(says.split()))


MIXTURE = "weights-positive weights-sum covariances-definite"
SHARED = f"{MIXTURE} shared-covariance"
PAIRED = "weights-positive weights-sum vision-definite text-definite"
INFONCE = "MinimisesInfoNCE WithinFisher SpansFisher"
SIMSIAM = "Invertible WithinFisher SecondMoment PairMoment"
TABLE = {
    "lemma-4.2": row(SHARED, "", "PreservesPosterior SpansLDA SpansFisher WithinFisher IndependentColumns"),
    "fisher-optimality": row(MIXTURE, "", "FisherDiscriminant MeanCovariance MeanScatter SpansFisher"),
    "infonce-inclusion": row(SHARED, "", "MinimisesInfoNCE StationaryInfoNCE WithinFisher"),
    "infonce-slope": row(SHARED, "columns-reach", f"{INFONCE} Overlap"),
    "infonce-equality-two": row(SHARED, "centred two-components bias-positive some-column", INFONCE),
    "infonce-equality-balanced": row(SHARED, "columns-reach centred always-matched one-orbit", f"{INFONCE} Overlap"),
    "infonce-equality-small-signal": row(SHARED, "columns-reach centred", f"{INFONCE} Overlap"),
    "infonce-equality-vanishing": row(SHARED, "columns-reach centred bias-positive bias-small", INFONCE),
    "infonce-equality-product": row(SHARED, "columns-reach centred product", "MinimisesInfoNCE SpansFisher BlockSum"),
    "clip-inclusion-effective": row(PAIRED, "", "MinimisesCLIP StationaryCLIP WithinModality"),
    "clip-inclusion-balanced": row(PAIRED, "", "MinimisesCLIP Balanced MinimalNorm OneKernel WithinModality"),
    "clip-equality-lines": row(
        PAIRED, "vision-line text-line correlated some-matched", "MinimisesCLIP WithinModality SpansModality"
    ),
    "simsiam-inclusion": row(MIXTURE, "no-weight-decay", f"StationaryEncoder {SIMSIAM}"),
    "simsiam-collapse": row(MIXTURE, "no-weight-decay room-outside", "StationarySimSiam Invertible AcrossMeans"),
    "simsiam-invariant-means": row(MIXTURE, "weight-decay means-invariant", "StationaryEncoder WithinFisher"),
    "spectral-inclusion": row(MIXTURE, "", "MinimisesSpectral TopPart WithinFisher"),
    "spectral-equality": row(
        MIXTURE, "bias-range bias-positive columns-reach", "MinimisesSpectral WithinFisher SpansFisher"
    ),
    "spectral-top-r": row(MIXTURE, "bias-positive centred", "MinimisesSpectral TopEigenspace BestDiscriminant"),
    "shared-noise-bound": row(SHARED, "", "MinimisesSharedNoise WithinShared"),
    "clip-shared-noise-bound": row(PAIRED, "", "MinimisesSharedNoiseCLIP WithinSharedVision"),
    "whitening-equality": row(
        MIXTURE, "bias-range bias-positive columns-match", "MaximisesAgreement WithinFisher SpansFisher"
    ),
    "pca-spherical": row(MIXTURE, "spherical columns-match", "MaximisesVariance WithinFisher SpansFisher"),
    "pca-top-r-spherical": row(MIXTURE, "spherical", "MaximisesVariance FisherDiscriminant IndependentColumns"),
    "population-graph-equivalence": row(
        "", "weights-symmetric degrees-positive", "GraphSpectralLoss MinimisesGraphSpectralLoss TopPart Similarity"
    ),
    "linear-probe-bound": row(
        "",
        "weights-symmetric weights-nonnegative degrees-positive",
        "LowestEigenvectors LeastSquaresProbe ArgMax ErrorProbability Disagreement",
    ),
    "convex-scores-inclusion": row(
        MIXTURE, "maps-into-means", "IsBatch AreConvex Bends ScoreLoss MinimisesScoreLoss WithinFisher"
    ),
    **{
        f"{name}-inclusion": row(SHARED, "", f"IsBatch {further} MinimisesScoreLoss WithinFisher")
        for name, further in (
            ("infonce-finite", "AreContrasted"),
            ("siglip", ""),
            ("logistic", ""),
            ("dcl", "AreContrasted"),
            ("supcon", "AreContrasted"),
            ("ntxent-unnormalised", "AreContrasted"),
        )
    },
    "clip-batch-inclusion": row(
        "vision-definite text-definite", "", "IsPairedBatch AreAllPairs MinimisesPairedScoreLoss WithinModality"
    ),
    "nonshared-proportional": row(MIXTURE, "maps-into-means", "MinimisesInfoNCE WithinFisher"),
    "sufficiency": row("", "weights-symmetric degrees-positive", "MinimisesGraphInfoNCE Alike"),
    "measurable-encoders": row(
        "", "weights-symmetric degrees-positive", "MinimisesGraphInfoNCE Describes PointPosterior"
    ),
    "quadratic-features-diverge": row(SHARED, "", "QuadraticPart InfiniteNegatives"),
    "sample-deviation": row(SHARED, "columns-all", "MinimisesInfoNCE MinimisesSample Deviates GramDistance"),
    "affine-inclusion": row(SHARED, "", "MinimisesAffine WithinLDA"),
    "infonce-key-bias-inclusion": row(SHARED, "", "KeyBias MinimisesKeyBias WithinLDA"),
    "infonce-key-bias-equality": row(
        SHARED, "columns-reach always-matched", "KeyBias MinimisesKeyBias WithinLDA SpansLDA"
    ),
    "clip-proportional-inclusion": row(
        "weights-positive weights-sum vision-covariances-definite text-covariances-definite",
        "vision-maps-into-means text-maps-into-means",
        "MinimisesSeparateCLIP WithinFisher",
    ),
    "temperature": row("", "", "InfoNCEAt InfoNCE MinimisesInfoNCEAt MinimisesInfoNCE ColumnsWithin"),
}
CLASSICAL = {
    "Eckart–Young–Mirsky theorem", "orthonormal rows", "rank factorisation", "spectral theorem",
}  # fmt: skip
each_proof = pytest.mark.parametrize("id_", TABLE)


def report_of(id_: str) -> ProofReport:
    found = REGISTRY[id_].checked
    assert found is not None
    return found


def test_every_statement_that_a_script_proves_is_in_the_table() -> None:
    assert set(TABLE) == {id_ for id_, s in REGISTRY.items() if s.status is Status.PROVED and s.cover is None}


@each_proof
def test_a_proof_passes_and_assumes_nothing(id_: str) -> None:
    statement, report = REGISTRY[id_], report_of(id_)
    assert report.passed, report.reason
    assert statement.unproved == ""
    assert report.assumed == ()
    assert judge(statement).standing is Standing.PROVED
    assert statement.decide(statement.witness).outcome is Outcome.PROVED


@each_proof
def test_a_proof_supposes_what_is_needed_and_says_what_is_claimed(id_: str) -> None:
    report, expected = report_of(id_), TABLE[id_]
    assert set(report.used) == expected.supposes
    defined = {d.name for d in report.definitions}
    for name in expected.says:
        assert name in defined
        assert f"{name}(" in report.conclusion
    assert set(report.classical) <= CLASSICAL


@each_proof
def test_steps_are_for_readers(id_: str) -> None:
    report = report_of(id_)
    assert len(report.steps) >= 2
    assert len({s.name for s in report.steps}) == len(report.steps)
    for step in report.steps:
        assert step.sentence
        assert step.formula
        assert step.latex
        assert step.lines >= 1
    named = {s.name for s in report.steps} | {h.name for h in report.hypotheses} | set(report.cited)
    assert {p for s in report.steps for p in s.premises} <= named


def test_no_proof_rests_on_itself() -> None:
    cited = {id_: set(report_of(id_).cited) for id_ in TABLE}
    for _ in TABLE:
        for names in cited.values():
            names |= {further for name in names for further in cited[name]}
    assert all(id_ not in names for id_, names in cited.items())


# -- files and commands -----------------------------------------------------------------------------------------------

WRITTEN = ("lemma-4.2", "temperature", "pca-spherical")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The proofs of some statements, written by `thmverify show`."""
    found = tmp_path_factory.mktemp("proofs")
    for id_ in WRITTEN:
        assert main(["show", id_, "--proof", str(found / f"{id_}.json")]) == 0
    return found


def test_a_fresh_process_verifies_a_proof_by_the_standard_library_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "thmverify").symlink_to(Path(thmverify.__file__).parent)
    files = [str(folder / f"{id_}.json") for id_ in WRITTEN]
    code = "from thmverify.kernel.answer import main; sys.exit(main(sys.argv[1:]))"
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"
    command = [sys.executable, "-I", "-S", "-c", code, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for id_ in WRITTEN:
        assert f"VERIFIED {id_}, for every instance: {report_of(id_).conclusion}" in lines
    for hypothesis in report_of("lemma-4.2").hypotheses:
        assert f"supposes {hypothesis.name}: {hypothesis.formula}" in lines


def test_check_says_what_is_proved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "pca-spherical.json"
    assert main(["check", str(file)]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"VERIFIED pca-spherical, for every instance: {report_of('pca-spherical').conclusion}"
    broken = folder / "broken.json"
    broken.write_bytes(file.read_bytes().replace(b'"theorem":"pca-spherical"', b'"theorem":"pca-equality"'))
    assert main(["check", str(file), str(broken), "--json"]) == 1
    good, bad = json.loads(capsys.readouterr().out)["certificates"]
    assert (good["answer"], bad["answer"]) == ("VERIFIED", "REJECTED")
    assert bad["reason"] == "the content hash does not match"
    assert "pca-spherical" in json.dumps(good)


def test_show_writes_the_trace_that_is_checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads((folder / "lemma-4.2.json").read_bytes()) == REGISTRY["lemma-4.2"].proof.propose().trace  # type: ignore[union-attr]
    assert main(["show", "lemma-4.2", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["proof"]
    assert (shown["passed"], shown["conditional"], shown["assumed"]) == (True, False, [])
    assert shown["conclusion"]["formula"] == report_of("lemma-4.2").conclusion
    assert main(["show", "pca-equality", "--proof", str(folder / "none.json")]) == 2
    assert "has no proof to write" in capsys.readouterr().err


# -- changed traces ---------------------------------------------------------------------------------------------------

CHANGED = "pca-spherical"


def trace_of(id_: str) -> dict[str, Any]:
    proof = REGISTRY[id_].proof
    assert proof is not None
    return copy.deepcopy(proof.propose().trace)


def hashed(whole: dict[str, Any]) -> dict[str, Any]:
    return {**whole, "content": digest([(k, v) for k, v in whole.items() if k != "content"])}


def refusal(whole: dict[str, Any]) -> str:
    """Return why a trace does not prove the statement that is changed, or nothing."""
    report = judged(Proposal(hashed(whole), ()))
    formal = REGISTRY[CHANGED].formal
    assert formal is not None
    if report.passed and report.theorem != CHANGED:
        return "another name"
    return formal.differs(report) if report.passed else report.reason


def _number(whole: dict[str, Any], rng: random.Random) -> None:
    node = rng.choice([n for n in whole["nodes"] if n[0] == "num"])
    node[1] = str(int(node[1].split("/")[0]) + rng.choice((1, 2)))


def _premise(whole: dict[str, Any], rng: random.Random) -> None:
    at = rng.choice([i for i, (_, groups, _) in enumerate(whole["lines"]) if i and any(groups)])
    group = rng.choice([g for g in whole["lines"][at][1] if g])
    i = rng.randrange(len(group))
    group[i] = (group[i] + rng.randrange(1, at + 1)) % (at + 1)


def _rule(whole: dict[str, Any], rng: random.Random) -> None:
    rng.choice(whole["lines"])[0] = rng.choice(("assume", "tautology", "arithmetic", "generalise", "discharge"))


def _term(whole: dict[str, Any], rng: random.Random) -> None:
    terms = rng.choice([t for rule, _, t in whole["lines"] if t and rule != "definition"])
    terms[rng.randrange(len(terms))] = rng.randrange(len(whole["nodes"]) - len(whole["definitions"]))


def _hypothesis(whole: dict[str, Any], rng: random.Random) -> None:
    rng.choice(whole["hypotheses"])[1] = rng.randrange(len(whole["nodes"]) - len(whole["definitions"]))


def _definition(whole: dict[str, Any], rng: random.Random) -> None:
    rng.choice(whole["definitions"])[2] = rng.randrange(len(whole["nodes"]) - len(whole["definitions"]))


def _parameters(whole: dict[str, Any], rng: random.Random) -> None:
    rng.shuffle(rng.choice([d for d in whole["definitions"] if len(d[1]) > 1])[1])


def _argument(whole: dict[str, Any], rng: random.Random) -> None:
    at = rng.choice([i for i, n in enumerate(whole["nodes"]) if len(n) > 2])
    defined = sum(n[0] == "define" for n in whole["nodes"][:at])
    node = whole["nodes"][at]
    node[rng.randrange(2, len(node))] = rng.randrange(at - defined)


def _conclusion(whole: dict[str, Any], rng: random.Random) -> None:
    whole["conclusion"] = rng.randrange(len(whole["nodes"]) - len(whole["definitions"]))


def _cut(whole: dict[str, Any], rng: random.Random) -> None:
    del whole["lines"][rng.randrange(len(whole["lines"]))]


CHANGES = (_number, _premise, _rule, _term, _hypothesis, _definition, _parameters, _argument, _conclusion, _cut)


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_trace_proves_the_recorded_theorem_or_nothing(change: Any) -> None:
    """What is accepted after all, by a change that does not matter, is the same theorem, term by term."""
    rng = random.Random(change.__name__)
    whole, refused = trace_of(CHANGED), 0
    original = replay(json.loads(canonical(whole)))
    for _ in range(8):
        changed = copy.deepcopy(whole)
        change(changed, rng)
        if changed == whole:
            continue
        reason = refusal(changed)
        refused += bool(reason)
        assert reason or _same(replay(hashed(changed)), original)
    assert refused >= 4


def _same(found: Proved, original: Proved) -> bool:
    return (found.theorem, found.conclusion, found.hypotheses, found.assumptions, found.definitions) == (
        original.theorem, original.conclusion, original.hypotheses, original.assumptions, original.definitions,
    )  # fmt: skip


def test_one_change_and_its_reason() -> None:
    whole = trace_of(CHANGED)
    assert refusal(whole) == ""
    assert refusal({**whole, "theorem": "pca-equality"}) == "another name"
    assert "neither a hypothesis nor an assumption" in refusal({**whole, "hypotheses": whole["hypotheses"][1:]})
    moved = {**whole, "hypotheses": whole["hypotheses"][1:], "assumptions": whole["hypotheses"][:1]}
    assert refusal(moved) == f"the hypothesis {whole['hypotheses'][0][0]} is not the one on record"
    first, second, *rest = whole["hypotheses"]
    swapped = {**whole, "hypotheses": [[first[0], second[1]], [second[0], first[1]], *rest]}
    assert refusal(swapped).startswith("the hypothesis ")
    assert "not what the file claims" in refusal({**whole, "conclusion": 0})
    with pytest.raises(Rejected, match="the content hash"):
        replay({**whole, "theorem": "pca-equality"})


# -- bad scripts ------------------------------------------------------------------------------------------------------

GOOD = REGISTRY[bad_scripts.ID]
BAD = {
    "another_theorem": r"the proof concludes something else: expected MinimisesInfoNCE.*found 0 ≤ tr\(",
    "another_name": "the proof is of nonshared-inclusion, expected nonshared-proportional",
    "trivial_minimiser": "the definition (InfoNCE|MinimisesInfoNCE) is not the one on record",
    "another_loss": "the definition InfoNCE is not the one on record",
    "another_hypothesis": "the hypothesis weights-sum is not the one on record",
    "further_hypothesis": "the proof rests on convenient, which the statement does not suppose",
    "assumes": "what the proof establishes reads the same, and is another term",
    "raises": "the script fails with ZeroDivisionError",
    "recurses": "the script fails with RecursionError",
    "rewrites_for_ever": "the script fails with (Rejected|RecursionError)",
    "not_a_proof": "the script proposes no proof",
    "leaves": "the script fails with SystemExit: 0",
    "nests": "what the script proposes is no JSON",
    "writes": "what the script proposes is no (JSON|proof)",
    "patches": "the kernel refuses the trace: line 0: kronecker is not given what it takes",
    "loops": "the script ends its process, with exit code -",
}


def bad(name: str, statement: Statement = GOOD) -> Statement:
    return replace(statement, proof=Proof(f"{bad_scripts.__name__}.{name}"))


def test_every_bad_script_is_tried() -> None:
    assert {m.name for m in pkgutil.iter_modules(bad_scripts.__path__)} == set(BAD)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts get two seconds of CPU time."""
    code = "import sys; from thmverify.proofs import __main__ as m; m.SECONDS = 2; sys.exit(m.main(sys.argv[1:]))"

    def run(command: list[str], **options: Any) -> Any:
        return started([command[0], "-c", code, *command[3:]], **options)

    started = subprocess.run
    monkeypatch.setattr("thmverify.proofs.checking.subprocess.run", run)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_script_proves_nothing(name: str) -> None:
    statement = bad(name)
    assert statement.unproved
    assert re.search(BAD[name], statement.unproved, re.DOTALL)
    assert judge(statement).standing is Standing.FAILED
    assert statement.decide(GOOD.witness).outcome is not Outcome.FAILED
    assert "does not check" in statement.decide(GOOD.witness).reason
    assert statement.unused_hypotheses() == ()
    weaker = statement.without("bias-range")
    assert (weaker.status, weaker.proof) == (Status.OPEN, None)


@pytest.mark.parametrize("name", ["another_loss", "assumes", "raises"])
def test_show_says_that_a_proof_does_not_check(
    name: str, registered: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    statement = bad(name)
    registered(statement)
    assert main(["show", statement.id]) == 1
    assert "does NOT check" in capsys.readouterr().out
    assert main(["show", statement.id, "--json"]) == 1
    assert not json.loads(capsys.readouterr().out)["proof"]["passed"]


@pytest.fixture
def conditional(registered: Callable[..., None]) -> Statement:
    """A statement whose theorem is on record as conditional."""
    statement = bad("assumes")
    assert statement.checked is not None
    statement = replace(statement, formal=Formal.of(statement.checked))
    registered(statement)
    return statement


def test_what_is_assumed_is_said(conditional: Statement, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert conditional.unproved == ""
    assert judge(conditional).standing is Standing.CONDITIONAL
    assert judge(conditional).reason == "its proof rests on what is assumed: the-gap"
    assert judge(replace(conditional, status=Status.REFUTED)).standing is Standing.FAILED
    decided = conditional.decide(GOOD.witness)
    assert decided.outcome is GOOD.examine(GOOD.witness).outcome
    assert "the proof is conditional on the-gap" in decided.reason
    assert conditional.unused_hypotheses() == ()  # it uses none, and yet the statement does not hold without them
    file = tmp_path / "conditional.json"
    assert main(["show", conditional.id, "--proof", str(file)]) == 0
    assert "the-gap: MinimisesInfoNCE(" in capsys.readouterr().out
    assert main(["show", conditional.id, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["proof"]
    assert shown["conditional"]
    assert [a["name"] for a in shown["assumed"]] == ["the-gap"]
    assert main(["check", str(file)]) == 0
    out = capsys.readouterr().out
    assert "ASSUMES the-gap: " in out
    last = out.splitlines()[-1]
    assert last.startswith(f"VERIFIED {conditional.id}, for every instance, conditional on the-gap: ")


def test_the_record_of_a_theorem_is_not_that_of_a_conditional_one(conditional: Statement) -> None:
    assert conditional.formal != GOOD.formal
    assert bad("assumes").unproved
    assert replace(GOOD, formal=conditional.formal).unproved


def test_a_proof_of_what_is_not_on_record_proves_nothing() -> None:
    statement = replace(GOOD, formal=None)
    assert statement.unproved == "what its theorem says is not on record"
    assert judge(statement).standing is Standing.FAILED
    assert "the proof does not check" in statement.decide(GOOD.witness).reason
