"""Statements as records: the registry is whole, hypotheses are evaluated exactly, verdicts have no truth value."""

from __future__ import annotations

import importlib
import importlib.util
import json
import pickle
import pkgutil
import random
import re
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from sympy import Eq, Symbol

from thmverify.errors import InputError
from thmverify.evidence import Break, ByKernel, Counterexample, Need
from thmverify.hypotheses import (
    BIAS_RANGE,
    COVARIANCES_DEFINITE,
    ENOUGH_COLUMNS,
    SHARED_COVARIANCE,
    WEIGHTS_POSITIVE,
    WEIGHTS_SUM,
    Hypothesis,
)
from thmverify.models import CLIPGMM, GMM, AugmentedPairs, Instance, PopulationGraph, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.sampling import random_clip_instance, random_instance
from thmverify.standing import Standing, judge
from thmverify.statement import Formal, Statement
from thmverify.theorems import COUNTEREXAMPLES, FAMILIES, MODULES, REGISTRY, formal
from thmverify.verdicts import Outcome, Status, Verdict
from thmverify.vocabulary import VOCABULARY, K, PositiveDefinite, Sigma_k, delta, entries, evaluate, k, m, mu_bar, w

each_statement = pytest.mark.parametrize("statement", REGISTRY.values(), ids=REGISTRY)
HALF = Fraction(1, 2)
SHARED = Instance(AugmentedPairs(SharedGMM((HALF, HALF), ((1, 0), (-1, 0)), ((2, 1), (1, 3))), Fraction(7, 10)), 1)
SEPARATE = Instance(
    AugmentedPairs(GMM((HALF, HALF), ((1, 0), (0, 1)), (((2, 1), (1, 3)), ((2, 1), (1, 3 + Fraction(1, 10**40)))))), 2
)


def problems(modules: dict[str, str], files: set[str], registry: dict[str, Statement]) -> list[str]:
    """Return what is wrong with a registry, given the modules that exist."""
    found = [f"orphan: {name}" for name in sorted(files - set(modules.values()))]
    found += [f"missing: {name}" for name in sorted(set(modules.values()) - files)]
    found += [f"{id_}: its module says {s.id}" for id_, s in registry.items() if s.id != id_]
    for id_, s in registry.items():
        if s.status is Status.PROVED and s.proof is None and s.cover is None:
            found.append(f"{id_}: proved, without a proof")
        if s.cover is not None and s.unproved:
            found.append(f"{id_}: {s.unproved}")
        if s.proof is not None and (s.unproved or s.formal is None):
            found.append(f"{id_}: {s.unproved or 'what it says is not on record'}")
        if s.status is Status.REFUTED and not s.counterexamples:
            found.append(f"{id_}: refuted, without a counterexample")
        for cited in s.checked.cited if s.checked else ():
            if cited not in REGISTRY or REGISTRY[cited].status is not Status.PROVED:
                found.append(f"{id_}: cites {cited}")
        if s.unsupported():
            found.append(f"{id_}: {s.unsupported()}")
    return found


def files() -> set[str]:
    """The modules in the families' folders that are neither scripts nor shared by several statements."""
    return {m for m in modules() if not m.endswith(("_proof", "_lemmas", "common"))}


def modules() -> set[str]:
    """Every module in a family's folder."""
    folders = [importlib.import_module(f"thmverify.theorems.{family}") for family in FAMILIES]
    return {f"{folder.__name__}.{m.name}" for folder in folders for m in pkgutil.iter_modules(folder.__path__)}


def test_statements_share_by_the_common_module_of_a_family_and_import_no_other_statement() -> None:
    for name in files():
        source = Path(importlib.util.find_spec(name).origin).read_text(encoding="utf-8")
        assert not {m for m in files() if re.search(rf"import {m}|from {re.escape(m)} import", source)}, name


def test_registry_has_no_orphan_and_no_missing_entry() -> None:
    assert problems(MODULES, files(), REGISTRY) == []


def test_every_proof_belongs_to_a_statement() -> None:
    names = {name for name in modules() if name.endswith("_proof") and not name.endswith(".common_proof")}
    proofs = {name for name in modules() if hasattr(importlib.import_module(name), "prove")}
    assert names == proofs
    assert proofs == {s.proof.module for s in REGISTRY.values() if s.proof is not None}
    for id_, s in REGISTRY.items():
        assert s.proof is None or s.proof.module == f"{MODULES[id_]}_proof"


def test_what_theorems_say_is_on_record_and_nothing_else() -> None:
    record = json.loads(formal.FILE.read_text(encoding="utf-8"))
    assert [*record] == [id_ for id_, s in REGISTRY.items() if s.proof is not None]
    for id_, s in REGISTRY.items():
        assert s.checked is None or Formal.of(s.checked) == formal.formal(id_) == s.formal


@pytest.mark.parametrize("part", ["everything", "conclusion", "hypotheses", "definitions"])
def test_a_forgotten_record_fails(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record = json.loads(formal.FILE.read_text(encoding="utf-8"))
    if part == "everything":
        del record["lemma-4.2"]
    else:
        record["lemma-4.2"][part] = type(record["lemma-4.2"][part])()
    monkeypatch.setattr(formal, "_read", lambda: record)
    unrecorded = replace(REGISTRY["lemma-4.2"], formal=formal.formal("lemma-4.2"))
    assert judge(unrecorded).standing is Standing.FAILED
    said = {"hypotheses": "the hypothesis", "definitions": "the definition"}.get(part, "concludes something else")
    assert said in problems(MODULES, files(), {"lemma-4.2": unrecorded})[0]


def test_registry_check_finds_what_is_wrong() -> None:
    lemma = REGISTRY["lemma-4.2"]
    assert problems(MODULES, files() | {"theorem_9"}, REGISTRY) == ["orphan: theorem_9"]
    assert problems({**MODULES, "x": "theorem_9"}, files(), REGISTRY) == ["missing: theorem_9"]
    assert problems(MODULES, files(), {"lemma-4.3": lemma}) == ["lemma-4.3: its module says lemma-4.2"]
    assert problems(MODULES, files(), {"lemma-4.2": replace(lemma, proof=None)}) == [
        "lemma-4.2: proved, without a proof"
    ]
    assert "not on record" in problems(MODULES, files(), {"lemma-4.2": replace(lemma, formal=None)})[0]
    another = replace(lemma, proof=Proof("thmverify.theorems.fisher.fisher_optimality_proof"))
    assert "the proof is of fisher-optimality" in problems(MODULES, files(), {"lemma-4.2": another})[0]
    weaker = replace(lemma, hypotheses=lemma.hypotheses[1:])
    assert "rests on weights-positive" in problems(MODULES, files(), {"lemma-4.2": weaker})[0]
    refuted = replace(lemma, status=Status.REFUTED, counterexamples=(Counterexample(Path("nowhere.json"), "", "", ""),))
    assert "nowhere.json" in problems(MODULES, files(), {"lemma-4.2": refuted})[0]
    elsewhere = replace(refuted.counterexamples[0], evidence=COUNTEREXAMPLES / "pca-equality.json")
    (found,) = problems(MODULES, files(), {"lemma-4.2": replace(refuted, counterexamples=(elsewhere,))})
    assert "is about pca-equality" in found
    assert problems(MODULES, files(), {"lemma-4.2": replace(refuted, counterexamples=())})


@each_statement
def test_module_docstring_says_title_source_and_status(statement: Statement) -> None:
    text = sys.modules[MODULES[statement.id]].__doc__ or ""
    assert re.search(r"arXiv:\d{4}\.\d{5}", text)
    assert f"Status: {statement.status}." in text
    assert statement.source.label
    assert statement.conclusion.sentence


@each_statement
def test_witness_satisfies_every_hypothesis_and_is_decided(statement: Statement) -> None:
    assert [h.name for h in statement.hypotheses if not h.holds(statement.witness)] == []
    verdict = statement.decide(statement.witness)
    if statement.status is Status.PROVED:
        assert verdict.outcome is Outcome.PROVED, verdict.reason
        assert statement.margin(statement.witness) <= 0


@each_statement
def test_the_proof_supposes_hypotheses_of_the_statement_and_no_redundant_one(statement: Statement) -> None:
    report = statement.checked
    if report is None:
        assert statement.redundant == ()
        return
    assert statement.unproved == ""
    assert {h.name for h in report.hypotheses} <= {h.name for h in statement.hypotheses}
    assert not {h.name for h in statement.redundant} & {h.name for h in report.hypotheses}


def test_the_source_supposes_enough_columns_and_the_proof_does_not() -> None:
    assert REGISTRY["infonce-inclusion"].redundant == (ENOUGH_COLUMNS,)


@each_statement
def test_formulas_print(statement: Statement) -> None:
    for item in (*statement.hypotheses, statement.quantity, statement.conclusion):
        assert item.latex
        assert item.mathml.startswith("<math")
    assert all(entry.latex and entry.meaning for entry in statement.symbols)


@each_statement
def test_statement_survives_pickling(statement: Statement) -> None:
    again = pickle.loads(pickle.dumps(statement))
    assert again.id == statement.id
    assert again.hypotheses == statement.hypotheses


@each_statement
def test_hypotheses_are_droppable(statement: Statement) -> None:
    for hypothesis in statement.hypotheses:
        weaker = statement.without(hypothesis.name)
        assert hypothesis not in weaker.hypotheses
        assert weaker.status is (Status.PROVED if hypothesis.name in statement.unused_hypotheses() else Status.OPEN)
        assert (weaker.proof is None) is (weaker.status is Status.OPEN)
        assert weaker.unproved == ""
    with pytest.raises(InputError, match="is not a hypothesis"):
        statement.without("continuum")


def test_necessity_is_computed_from_proof_and_instances() -> None:
    infonce = REGISTRY["infonce-inclusion"]
    needs = {n.hypothesis: n.need for n in infonce.necessity()}
    assert needs["enough-columns"] is Need.REDUNDANT
    assert needs["weights-positive"] is Need.CONSTITUTIVE
    assert needs["shared-covariance"] is Need.NECESSARY
    (found,) = [n for n in replace(infonce, breaks=()).necessity() if n.hypothesis == "shared-covariance"]
    assert found.need is Need.UNKNOWN
    wrong = Break("shared-covariance", SHARED, ByKernel("infonce-equality"))
    (found,) = [n for n in replace(infonce, breaks=(wrong,)).necessity() if n.hypothesis == "shared-covariance"]
    assert found.need is Need.UNKNOWN
    assert "does not show it" in found.reason
    refuting = replace(wrong, instance=SEPARATE, examine=lambda _: Verdict("x", Outcome.REFUTED, "it leaks"))
    (found,) = [n for n in replace(infonce, breaks=(refuting,)).necessity() if n.hypothesis == "shared-covariance"]
    assert found.need is Need.NECESSARY


def test_the_question_is_moot_for_a_refuted_statement() -> None:
    needs = {n.hypothesis: n.need for n in REGISTRY["infonce-equality"].necessity()}
    assert needs["always-matched"] is needs["shared-covariance"] is Need.MOOT
    assert needs["bias-range"] is Need.CONSTITUTIVE
    unsupported = replace(REGISTRY["infonce-equality"], counterexamples=())
    assert {n.need for n in unsupported.necessity()} == {Need.CONSTITUTIVE, Need.UNKNOWN}


# What the proof of a statement does without, or its source supposes in vain; all else is needed, or part of the model.
COLUMNS = "enough-columns"
REDUNDANT = {
    "infonce-inclusion": {"bias-range", COLUMNS},
    "infonce-slope": {"bias-range", COLUMNS},
    "infonce-equality-two": {"bias-range", COLUMNS},
    "infonce-equality-balanced": {"bias-range", COLUMNS},
    "infonce-equality-small-signal": {"bias-range", COLUMNS},
    "infonce-equality-vanishing": {"bias-range"},
    "infonce-equality-product": {"bias-range", COLUMNS},
    "clip-inclusion-effective": {"match-range", COLUMNS},
    "clip-inclusion-balanced": {"match-range", COLUMNS},
    "clip-equality-lines": {"match-range", COLUMNS},
    "simsiam-inclusion": {"bias-range", "shared-covariance", COLUMNS},
    "simsiam-collapse": {"bias-range", "shared-covariance"},
    "simsiam-invariant-means": {"bias-range", "shared-covariance", COLUMNS},
    "spectral-inclusion": {"bias-range", "shared-covariance", COLUMNS},
    "spectral-equality": {"shared-covariance", COLUMNS},
    "spectral-top-r": {"bias-range", "shared-covariance", COLUMNS},
    "shared-noise-bound": {"bias-range"},
    "clip-shared-noise-bound": {"match-range"},
    "whitening-equality": {"shared-covariance"},
    "pca-spherical": {"shared-covariance"},
    "pca-top-r-spherical": {"shared-covariance", "fewer-columns"},
    "linear-probe-bound": {"fewer-than-points"},
    "clip-batch-inclusion": {"match-range", "weights-positive", "weights-sum"},
    "convex-scores-inclusion": {"bias-range"},
    "infonce-finite-inclusion": {"bias-range"},
    "siglip-inclusion": {"bias-range"},
    "logistic-inclusion": {"bias-range"},
    "dcl-inclusion": {"bias-range"},
    "supcon-inclusion": {"bias-range"},
    "ntxent-unnormalised-inclusion": {"bias-range"},
    "nonshared-proportional": {"bias-range", COLUMNS},
    "clip-proportional-inclusion": {"match-range", COLUMNS},
    "affine-inclusion": {"bias-range", COLUMNS},
    "infonce-key-bias-inclusion": {"bias-range", COLUMNS},
    "infonce-key-bias-equality": {"bias-range"},
    "quadratic-features-diverge": {"bias-range", COLUMNS},
    "sample-deviation": {"bias-range"},
    "temperature": {"weights-positive", "weights-sum", "covariances-definite"},
}

# What nothing decides of a proved statement, and why.
UNDECIDED = {
    ("affine-inclusion", "shared-covariance"): "no rule of the kernel knows the loss of affine maps",
    ("infonce-key-bias-inclusion", "shared-covariance"): "the kernel's bounds of the loss are for one covariance",
    ("infonce-key-bias-equality", "shared-covariance"): "the kernel's bounds of the loss are for one covariance",
    ("sample-deviation", "shared-covariance"): "the midpoint argument is written for one covariance",
    (
        "sample-deviation",
        "columns-all",
    ): "r ≥ dim S_F may be enough: a midpoint of fewer columns is not known to be there",
    ("quadratic-features-diverge", "shared-covariance"): (
        "the argument by points far out needs none; the script is written for one covariance"
    ),
    ("infonce-equality-product", "shared-covariance"): (
        "the argument by Jensen's inequality needs independent factors alone; the script is written for one covariance"
    ),
}


@pytest.mark.parametrize("id_", [id_ for id_, s in REGISTRY.items() if s.status is Status.PROVED])
def test_each_hypothesis_of_a_proved_statement_is_known_to_be_needed_or_not(id_: str) -> None:
    needs = REGISTRY[id_].necessity()
    unknown = {(id_, n.hypothesis) for n in needs if n.need is Need.UNKNOWN}
    assert unknown == {key for key in UNDECIDED if key[0] == id_}
    assert {n.hypothesis for n in needs if n.need is Need.REDUNDANT} == REDUNDANT.get(id_, set())


def test_a_certificate_of_another_instance_or_claim_does_not_support() -> None:
    example = Counterexample(COUNTEREXAMPLES / "infonce-equality.json", "", "", "")
    assert example.instance.pairs.mixture.is_centred
    assert example.verdict("infonce-equality", ByKernel("infonce-equality")).outcome is Outcome.REFUTED
    assert example.verdict("infonce-inclusion", ByKernel("infonce-equality")).outcome is Outcome.FAILED


def test_a_statement_whose_proof_rests_on_other_hypotheses_is_not_proved() -> None:
    lemma = REGISTRY["lemma-4.2"]
    weaker = replace(lemma, hypotheses=lemma.hypotheses[1:])
    assert weaker.unproved == "the proof rests on weights-positive, which the statement does not suppose"
    assert judge(weaker).standing is Standing.FAILED
    assert weaker.unused_hypotheses() == ()
    assert "does not check" in weaker.decide(SHARED).reason


def test_hypotheses_are_evaluated_exactly() -> None:
    assert SHARED_COVARIANCE.holds(SHARED)
    assert not SHARED_COVARIANCE.holds(SEPARATE)  # the covariances differ by 10⁻⁴⁰
    assert not ENOUGH_COLUMNS.holds(SHARED)
    assert ENOUGH_COLUMNS.holds(SEPARATE)
    for hypothesis in (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, BIAS_RANGE):
        assert hypothesis.holds(SHARED)
        assert hypothesis.holds(SEPARATE)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        (Eq(delta, Fraction(7, 10)), True),
        (delta < Fraction(7, 10), False),
        (w[k] > Fraction(1, 2) - Fraction(1, 10**30), True),
        (w[k] > Fraction(1, 2), False),
        (K < 2, False),
        (Eq(m, 1), True),
        (Eq(mu_bar, mu_bar * 2), True),
        (PositiveDefinite(Sigma_k), True),
        (PositiveDefinite(-Sigma_k), False),
        (Eq(w[1], w[2]) & (delta > 0), True),
    ],
)
def test_what_is_printed_is_what_is_evaluated(formula: object, value: bool) -> None:
    assert Hypothesis("h", formula, "").holds(SHARED) is value


def test_the_quantifier_is_printed_with_a_free_index() -> None:
    assert "k = 1" in WEIGHTS_POSITIVE.latex
    assert "k = 1" in COVARIANCES_DEFINITE.latex
    assert "quad" not in BIAS_RANGE.latex
    assert "quad" not in WEIGHTS_SUM.latex


def test_vocabulary_covers_its_symbols_and_refuses_others() -> None:
    assert len(entries("d", "K", "r", "w", "delta", "Sigma_k")) == 6
    assert len({entry.symbol for entry in VOCABULARY}) == len(VOCABULARY)
    with pytest.raises(TypeError, match="not in the vocabulary"):
        evaluate(Symbol("gamma") > 0, SHARED)
    with pytest.raises(TypeError, match="true or false"):
        evaluate(delta + 1, SHARED)


def test_a_false_hypothesis_leaves_the_statement_undecided() -> None:
    verdict = REGISTRY["infonce-inclusion"].decide(SEPARATE)
    assert verdict.outcome is Outcome.UNDECIDED
    assert "shared-covariance" in verdict.reason


def test_another_model_is_bad_input() -> None:
    paired = Instance(CLIPGMM(SHARED.shared, SHARED.shared), 1)
    graph = Instance(PopulationGraph(((1, 1), (1, 0)), (0, 1)), 1)
    for statement in REGISTRY.values():
        (accepted,) = [i for i in (paired, graph, SHARED) if _is_of_its_model(statement, i)]
        assert isinstance(accepted.model, type(statement.witness.model))


def _is_of_its_model(statement: Statement, instance: Instance) -> bool:
    try:
        statement.decide(instance)
    except InputError:
        return False
    return True


def test_a_contradicted_proof_is_a_checker_failure() -> None:
    lemma = REGISTRY["lemma-4.2"]
    lying = replace(lemma, examine=lambda _: Verdict(lemma.id, Outcome.REFUTED, "the posterior changes"))
    verdict = lying.decide(SHARED)
    assert verdict.outcome is Outcome.FAILED
    assert "one of the two is wrong" in verdict.reason


def test_without_a_valid_proof_the_exact_evaluation_decides_alone() -> None:
    lemma, infonce = REGISTRY["lemma-4.2"], REGISTRY["infonce-inclusion"]
    assert lemma.without("weights-positive").decide(SHARED).outcome is Outcome.PROVED
    assert infonce.without("weights-positive").decide(SHARED).outcome is Outcome.UNDECIDED
    assert replace(infonce, proof=None).decide(SHARED).outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("outcome", Outcome)
def test_verdict_has_no_truth_value(outcome: Outcome) -> None:
    with pytest.raises(TypeError, match=r"\.outcome"):
        bool(Verdict("lemma-4.2", outcome, ""))


def test_verdict_as_json_is_text_and_integers() -> None:
    verdict = Verdict("c", Outcome.PROVED, "why", (Fraction(1, 3), Fraction(1, 2)), rank=1, dimension=2)
    data = verdict.to_json()
    assert (data["verdict"], data["margin"], data["rank"], data["dimension"]) == ("proved", ["1/3", "1/2"], 1, 2)


@pytest.mark.parametrize("module", ["infonce.infonce_inclusion"])
def test_a_theorem_module_runs_alone(module: str) -> None:
    command = [sys.executable, "-W", "error", "-m", f"thmverify.theorems.{module}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.rstrip().endswith("CONFIRMED")


@pytest.mark.parametrize("part", ["definitions", "hypotheses"])
def test_a_name_means_one_thing_in_all_theorems(part: str) -> None:
    meanings: dict[str, set[str]] = {}
    for record in json.loads(formal.FILE.read_text(encoding="utf-8")).values():
        for name, text in record[part].items():
            meanings.setdefault(name, set()).add(text)
    assert {name: texts for name, texts in meanings.items() if len(texts) > 1} == {}


@pytest.mark.parametrize(
    "id_", [i for i, s in REGISTRY.items() if s.claim is None and not isinstance(s.witness.model, PopulationGraph)]
)
@pytest.mark.parametrize("seed", range(4))
def test_a_statement_is_decided_outside_its_hypotheses_too_and_says_so(id_: str, seed: int) -> None:
    statement, rng = REGISTRY[id_], random.Random(seed)
    paired = isinstance(statement.witness.model, CLIPGMM)
    instance = replace(random_clip_instance(rng) if paired else random_instance(rng), rank=1 + 8 * (seed % 2))
    verdict, certificate = statement.decided(instance)
    by_kernel = isinstance(statement.examine, ByKernel)  # of another statement's claim
    assert certificate is None or (by_kernel and json.loads(certificate)["claim"] == statement.examine.claim)
    assert verdict.violated == statement.false_hypotheses(instance)
    assert verdict.applicable == (not verdict.violated)


def test_what_the_proof_alone_decides_is_proved_where_the_statement_is_about_the_instance() -> None:
    statement = REGISTRY["temperature"]
    assert statement.examine(SHARED).outcome is Outcome.UNDECIDED
    verdict, certificate = statement.decided(SHARED)
    assert (verdict.outcome, certificate) == (Outcome.PROVED, None)
    assert "the hypotheses hold exactly and the kernel replayed" in verdict.reason
    unproved = replace(statement, proof=None, status=Status.OPEN)
    assert unproved.decided(SHARED)[0].outcome is Outcome.UNDECIDED
