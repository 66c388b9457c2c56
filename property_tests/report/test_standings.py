"""Standings are computed: what a report says of a statement follows from what was checked."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy
from markupsafe import escape

from property_tests.report.support import made, shown, with_hypotheses
from property_tests.scripts import with_script
from thmverify import mathml
from thmverify.evidence import Need
from thmverify.randomised import evaluated, true_on
from thmverify.reports import render
from thmverify.reports.builder import QUICK_LINES
from thmverify.standing import Standing
from thmverify.theorems import REGISTRY
from thmverify.theorems.fisher.fisher_optimality import STATEMENT
from thmverify.theorems.infonce.infonce_equality_three import STATEMENT as THREE
from thmverify.theorems.pca.pca_equality import STATEMENT as REFUTED
from thmverify.verdicts import Outcome, Status, Verdict


def test_replayed_proof_shows_as_proved(report, page):
    (statement,) = report.statements
    assert statement.standing is Standing.PROVED
    assert statement.proof.passed
    assert statement.proof.assumed == ()
    assert "✓</span> replayed" in page
    assert "This statement is not established" not in page
    assert ">✗</span> does not check" not in page


def test_theorem_is_shown_as_the_kernel_states_it(report, page):
    proof, found = report.statements[0].proof, STATEMENT.checked
    assert proof.conclusion == found.conclusion
    assert str(escape(found.conclusion)) in page
    assert [h.name for h in proof.hypotheses if h.used] == [*found.used]
    assert [d.formula.kernel for d in proof.definitions] == [d.formula for d in found.definitions]
    for step in found.steps:
        assert mathml.formula(step.latex, display=True) in page
        assert render.prose(step.sentence) in page
    for name in found.classical:
        assert name.lower() in page.lower()


def test_each_step_says_on_how_many_random_instances_it_is_true(report, page):
    every = evaluated(STATEMENT, QUICK_LINES, report.settings.seed)
    proof = report.statements[0].proof
    assert [s.true_on for s in proof.steps] == [*true_on(STATEMENT, every).values()]
    assert any(s.true_on for s in proof.steps)
    for step in proof.steps:
        head = f'<strong>{step.name}</strong> <span class="quiet">true on {step.true_on} random instances</span>'
        assert head in page
    assert f"; true on {proof.steps[0].true_on} random instances)" in render.markdown(report)


@pytest.mark.parametrize(("count", "words"), [(1, "true on 1 random instance<"), (0, "not met at random<")])
def test_a_step_that_is_met_once_or_never_says_so(report, count, words):
    assert words in render.html(_tried(report, count))


def test_a_step_that_was_not_tried_says_nothing(report):
    page = render.html(_tried(report, None))
    assert "random instance</span>" not in page
    assert "Beside each step" not in page


def _tried(report, count):
    (statement,) = report.statements
    steps = tuple(s.model_copy(update={"true_on": count}) for s in statement.proof.steps)
    proof = statement.proof.model_copy(update={"steps": steps})
    return report.model_copy(update={"statements": (statement.model_copy(update={"proof": proof}),)})


def test_hypothesis_that_is_not_used_is_named():
    statement = REGISTRY["infonce-inclusion"]
    report = made(statement)
    unused = [h.name for h in report.statements[0].proof.hypotheses if not h.used]
    assert unused == [*statement.checked.unused] == ["bias-range"]
    assert "<dt>Not used</dt><dd><code>bias-range</code></dd>" in render.html(report)


def test_small_proof_that_holds_is_proved():
    standing, page, _ = shown(with_script(STATEMENT, "sound"))
    assert standing is Standing.PROVED
    assert "Its square is positive." in page


def test_forged_proof_is_shown():
    standing, page, text = shown(with_script(STATEMENT, "forged"))
    assert standing is Standing.FAILED
    assert "This statement is not established" in page
    assert "✗</span> does not check" in page
    assert "kernel refuses the trace" in page
    assert "✗ does not check" in text
    assert "1 check failed" in page


def test_script_that_raises_is_shown():
    standing, page, _ = shown(with_script(STATEMENT, "raising"))
    assert standing is Standing.FAILED
    assert "the script fails with ZeroDivisionError" in page


def test_assumed_step_is_shown():
    report = made(with_script(STATEMENT, "conditional"))
    page, text = render.html(report), render.markdown(report)
    assert report.statements[0].standing is Standing.CONDITIONAL
    assert "◇</span> assumed" in page
    assert "conditional on <code>leap</code>" in page
    assert "✓</span> replayed" not in page
    assert "◇ assumed" in text
    assert "Assumed: leap: " in text
    assert "proved under assumptions" in text
    assert "lines of 1 proof, 1 is conditional" in report.news[0].text


def test_theorem_that_is_not_the_one_on_record_is_shown():
    recorded = REGISTRY[STATEMENT.id]
    wrong = replace(recorded.formal, conclusion="something else")
    standing, page, _ = shown(replace(recorded, formal=wrong))
    assert standing is Standing.FAILED
    assert "the proof concludes something else" in page


def test_proved_without_a_script_is_not_proved():
    standing, page, _ = shown(replace(STATEMENT, proof=None))
    assert standing is Standing.FAILED
    assert "There is no proof of this statement" in page


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
    assert report.news[0].text.startswith("Of 1 statement 1 is proved for every instance, none is refuted")
    assert (
        f"the kernel replayed {STATEMENT.checked.lines:,} lines of 1 proof, with nothing assumed" in report.news[0].text
    )
    broken = made(replace(STATEMENT, proof=None))
    assert "none is proved for every instance, none is refuted by instances and 1 is not settled" in broken.news[0].text
    refuted = made(REFUTED)
    assert refuted.news[1].text.startswith("1 claim is false as stated")
    assert f">{REFUTED.title}</a>." in render.html(refuted)
    assert refuted.news[1].statements == (REFUTED.id,)


def test_a_cover_is_shown_with_its_boxes_and_its_picture():
    report = made(THREE)
    page, text = render.html(report), render.markdown(report)
    found = report.statements[0].cover
    assert found.passed
    assert report.statements[0].standing is Standing.PROVED
    assert f"the kernel settled {found.boxes:,} boxes" in found.reason
    assert found.picture.startswith("data:image/svg+xml;base64,")
    assert f'src="{found.picture}"' in page
    assert "There is no proof" not in page + text
    assert f"{found.boxes:,} boxes" in text
    assert "thmverify check infonce-equality-three" in page
