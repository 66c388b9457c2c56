"""One row for each claim, in the kernel's tables and in the proposers': a row that is forgotten fails here."""

from __future__ import annotations

import pytest

from thmverify import certifying
from thmverify.certifying import Certificate, certify, decide
from thmverify.certifying.claims import CLAIMS, Claim, claim_of
from thmverify.errors import InputError
from thmverify.kernel import check
from thmverify.kernel.claims import STATEMENTS
from thmverify.kernel.models import Finding
from thmverify.kernel.rules import KINDS, RULES
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.theorems import REGISTRY
from thmverify.theorems.infonce.common import COUNTEREXAMPLE

each_claim = pytest.mark.parametrize("name", STATEMENTS)


def test_the_tables_have_the_same_rows() -> None:
    assert {*CLAIMS} == {*KINDS} == {*STATEMENTS} == {claim for claim, _ in RULES}
    assert {s.claim for s in REGISTRY.values()} - {None} == {*STATEMENTS}


@each_claim
def test_a_margin_belongs_to_a_rule_of_the_claim(name: str) -> None:
    record = CLAIMS[name]
    assert record.name == name
    assert {(name, rule) for rule in record.margins} <= {*RULES}
    assert (record.floating is None) == (record.remedy == "")


@each_claim
def test_a_statement_s_witness_is_of_the_claim_s_model_and_others_are_refused(name: str) -> None:
    for statement in REGISTRY.values():
        if statement.claim == name:
            claim_of(name).check(statement.witness)
    wanted, _ = claim_of(name).model
    for statement in REGISTRY.values():
        model = statement.witness.model
        given = model.mixture if isinstance(model, AugmentedPairs) else model
        if not isinstance(given, wanted):
            with pytest.raises(InputError, match=f"is not what {name} is about"):
                claim_of(name).check(statement.witness)


def test_an_unknown_claim_is_named_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match="infonce-equality"):
        decide("infonce-equalty", Instance(AugmentedPairs(SharedGMM((1,), ((1,),))), 1))


def test_the_kernel_is_asked_once_where_what_it_finds_is_foreseen(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    monkeypatch.setattr(certifying, "check", lambda data: asked.append(data) or check(data))
    found = certify("infonce-equality", COUNTEREXAMPLE.instance)
    assert isinstance(found, Certificate)
    assert found.proposal.rule == "kkt"
    assert found.finding == CLAIMS["infonce-equality"].foreseen(found.seen, found.proposal)
    assert asked == [found.data]


def test_what_is_foreseen_wrongly_changes_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    right = certify("infonce-equality", COUNTEREXAMPLE.instance)
    wrong = Finding("proved", (2, 2), (2,))
    monkeypatch.setattr(Claim, "foreseen", lambda *_: wrong)
    found = certify("infonce-equality", COUNTEREXAMPLE.instance)
    assert isinstance(found, Certificate)
    assert isinstance(right, Certificate)
    assert found.data == right.data
    assert found.finding != wrong
