"""One row for each claim, in the kernel's tables and in the proposers': a row that is forgotten fails here."""

from __future__ import annotations

import json

import pytest

from thmverify.certifying import Certificate, certify, decide
from thmverify.certifying.claims import CLAIMS, claim_of
from thmverify.errors import InputError
from thmverify.kernel import Rejected, certificate, check
from thmverify.kernel.claims import STATEMENTS
from thmverify.kernel.rules import KINDS, RULES
from thmverify.kernel.strict import canonical, digest
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


def test_what_a_rule_finds_is_computed_once_and_every_byte_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []
    for (claim, rule), found in RULES.items():
        monkeypatch.setitem(RULES, (claim, rule), lambda *given, f=found, name=rule: computed.append(name) or f(*given))
    certificate.find.cache_clear()
    made = certify("infonce-equality", COUNTEREXAMPLE.instance)
    assert isinstance(made, Certificate)
    assert computed[-1] == made.proposal.rule == "kkt"
    before = len(computed)
    tree = json.loads(made.data)
    for other in ({"verdict": "proved"}, {"rank": ["2", "2"]}):  # found already, and not what the certificate says
        body = {**tree, **other}
        body["content"] = digest([*body.items()][:-1])
        with pytest.raises(Rejected, match="not what the certificate says"):
            check(canonical(body))
    assert len(computed) == before
    body = {**tree, "hints": {**tree["hints"], "precision": "65"}}
    body["content"] = digest([*body.items()][:-1])
    assert check(canonical(body)).finding == made.finding
    assert len(computed) == before + 1
