"""Standings are computed: what a report says of a statement follows from what was checked."""

from __future__ import annotations

from dataclasses import replace

import sympy

from property_tests.report.support import made, shown, with_hypotheses, with_step
from reports import render
from theorems.fisher_optimality import STATEMENT
from theorems.pca_equality import STATEMENT as REFUTED
from verify.evidence import Need
from verify.proofs import Assumed
from verify.standing import Standing
from verify.verdicts import Outcome, Status, Verdict


def test_checked_proof_shows_as_proved(report, page):
    (statement,) = report.statements
    assert statement.standing is Standing.PROVED
    assert all(step.passed and not step.assumed for step in statement.proof.steps)
    assert "This statement is not established" not in page
    assert ">✗</span> failed" not in page


def test_broken_step_is_shown():
    wrong = sympy.Eq(STATEMENT.proof.steps[3].claim.lhs, 2 * STATEMENT.proof.steps[3].claim.rhs)
    standing, page, text = shown(replace(STATEMENT, proof=with_step({"claim": wrong})))
    assert standing is Standing.FAILED
    assert "This statement is not established" in page
    assert ">✗</span> failed" in page
    assert "✗ failed" in text
    assert "1 check failed" in page


def test_assumed_step_is_shown():
    standing, page, text = shown(replace(STATEMENT, proof=with_step({"check": Assumed()})))
    assert standing is Standing.CONDITIONAL
    assert "◇</span> assumed" in page
    assert "◇ assumed" in text
    assert "proved under assumptions" in text


def test_conclusion_that_does_not_follow_is_shown():
    proof = replace(STATEMENT.proof, conclusion=sympy.Symbol("nothing like it"))
    standing, page, _ = shown(replace(STATEMENT, proof=proof))
    assert standing is Standing.FAILED
    assert "does not follow" in page


def test_proved_without_a_script_is_not_proved():
    standing, page, _ = shown(replace(STATEMENT, proof=None))
    assert standing is Standing.FAILED
    assert "there is no proof script" in page


def test_contradicting_instance_is_shown():
    def refute(_instance):
        return Verdict(STATEMENT.id, Outcome.REFUTED, "it fails here")

    standing, page, _ = shown(replace(STATEMENT, examine=refute))
    assert standing is Standing.FAILED
    assert "not confirmed" in page


def test_violated_margin_is_shown():
    standing, page, _ = shown(replace(STATEMENT, margin=lambda _instance: 0.25))
    assert standing is Standing.FAILED
    assert "0.25" in page


def test_open_statement_stays_open():
    standing, _, text = shown(replace(STATEMENT, status=Status.OPEN, proof=None))
    assert standing is Standing.OPEN
    assert "○ open" in text


def test_no_accepted_instance_confirms_nothing():
    impossible = replace(
        STATEMENT.hypotheses[0], name="impossible", formula=sympy.Lt(sympy.Symbol("delta", real=True), 0)
    )
    standing, page, text = shown(with_hypotheses(*STATEMENT.hypotheses, impossible))
    assert standing is Standing.FAILED
    assert "6 did not and were discarded" in page
    assert "no random instance satisfied the hypotheses" in text


def test_hypotheses_tell_whether_they_are_needed(report):
    needs = {h.name: (h.need, h.stated) for h in report.statements[0].hypotheses}
    assert needs["covariances-definite"] == (Need.CONSTITUTIVE, True)
    extra = replace(STATEMENT.hypotheses[0], name="more")
    dropped = made(replace(STATEMENT, redundant=(extra,)))
    last = dropped.statements[0].hypotheses[-1]
    assert (last.need, last.stated) == (Need.REDUNDANT, False)
    assert "that every component has mass (in 1 statement)" in dropped.news[2].text
    assert "◌</span> not needed" in render.html(dropped)


def test_news_are_three_sentences_that_follow_the_records(report):
    assert len(report.news) == 3
    assert report.news[0].text.startswith("Of 1 statement 1 is proved by scripts, none is refuted")
    broken = made(replace(STATEMENT, proof=None))
    assert "none is proved by scripts, none is refuted by instances and 1 is not settled" in broken.news[0].text
    refuted = made(REFUTED)
    assert refuted.news[1].text.startswith("1 claim is false as stated")
    assert f">{REFUTED.title}</a>." in render.html(refuted)
    assert refuted.news[1].statements == (REFUTED.id,)
