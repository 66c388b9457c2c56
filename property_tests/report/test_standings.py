"""Standings are computed: what a report says of a statement follows from what was checked."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy
from markupsafe import escape

from property_tests.report.support import made, shown, with_hypotheses
from property_tests.scripts import with_script
from thmverify import mathml, theories
from thmverify.evidence import Need
from thmverify.findings import Clause, Finding
from thmverify.randomised import evaluated, true_on
from thmverify.reports import render
from thmverify.reports.effort import SIZES
from thmverify.reports.findings import Words
from thmverify.theorems import REGISTRY
from thmverify.theorems.fisher.fisher_optimality import STATEMENT
from thmverify.theorems.infonce.infonce_equality_three import STATEMENT as THREE
from thmverify.theorems.pca.pca_equality import STATEMENT as REFUTED
from thmverify.verdicts import Outcome, Standing, Status, Verdict


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
    every = evaluated(STATEMENT, SIZES[report.settings.effort].lines, report.settings.seed)
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
    assert "lines of 1 proof, 1 is conditional" in report.numbers[0]


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
    assert "that every component has mass (in 1 statement)" in dropped.numbers[1]
    assert "◌</span> not needed" in render.html(dropped)


def test_a_statement_of_ones_own_without_a_quantity_shows_none(asked):
    asked(["thmverify.examples.own_theorem"])
    report = made(theories.registry()["gd-contracts"])
    page, text = render.html(report), render.markdown(report)
    assert "not typeset" not in page
    assert "The quantity" not in page
    assert "### Quantity" not in text
    assert page.count("<code>gd-contracts</code> · gd-contracts") == 0
    assert "Source: folklore." in page


def test_numbers_follow_the_records(report):
    assert report.numbers[0].startswith("Of 1 statement 1 is proved for every instance, none is refuted")
    assert (
        f"the kernel replayed {STATEMENT.checked.lines:,} lines of 1 proof, with nothing assumed" in report.numbers[0]
    )
    broken = made(replace(STATEMENT, proof=None))
    assert "none is proved for every instance, none is refuted by instances and 1 is not settled" in broken.numbers[0]


def finding(*clauses, picture="") -> Words:
    return Words(title="Of pancakes", about="About S_F.", findings=(Finding("They are flat", clauses, picture),))


def test_numbers_are_silent_where_there_is_nothing_to_count():
    """A refuted statement alone: no proof, and no random instance that could refute what is not refuted already."""
    (tally,) = made(REFUTED).numbers
    assert "there was no proof to replay." in tally
    assert "random instance" not in tally


def test_a_finding_says_what_its_statements_bear_out():
    both = Clause((STATEMENT.id, REFUTED.id), {Standing.PROVED: "Both hold."})
    either = Clause((REFUTED.id,), {Standing.PROVED: "It holds.", Standing.REFUTED: "It <fails> for S_F."})
    report = made(STATEMENT, REFUTED, words=finding(either, picture=REFUTED.id))
    (found,) = report.findings
    assert found.borne_out
    page, text = render.html(report), render.markdown(report)
    assert "<h1>Of pancakes</h1>" in page
    assert "It &lt;fails&gt; for S<sub>F</sub>." in page
    assert "It holds" not in page + text
    assert 'id="scene-finding-1-text"' in page
    assert "Not borne out" not in page + text
    doubtful = made(STATEMENT, REFUTED, words=finding(either, both))
    assert [bool(clause.text) for clause in doubtful.findings[0].clauses] == [True, False]
    page, text = render.html(doubtful), render.markdown(doubtful)
    assert "Both hold" not in page + text
    assert "Not borne out in this run: They are flat" in page
    assert "Not borne out in this run: They are flat" in text


def test_where_no_finding_is_about_the_statements_they_are_listed():
    elsewhere = Clause(("another",), {Standing.PROVED: "It holds."})
    report = made(STATEMENT, REFUTED, words=finding(elsewhere))
    assert [f.title.partition(",")[0] for f in report.findings] == ["Refuted", "Proved"]
    assert report.findings[0].picture == REFUTED.id
    assert report.findings[1].clauses[0].statements == (STATEMENT.id,)
    many = made(*(replace(STATEMENT, id=f"copy-{i}") for i in range(5)))
    assert many.findings[0].clauses[-1].text == "2 more are listed below."


def test_our_findings_are_borne_out_by_the_records():
    words = Words.of(theories.registry(), [*REGISTRY])
    recorded = {Status.PROVED: Standing.PROVED, Status.REFUTED: Standing.REFUTED, Status.OPEN: Standing.OPEN}
    for found in words.findings:
        assert found.picture in REGISTRY
        for clause in found.clauses:
            stands = {s: recorded[REGISTRY[s].status] for s in clause.statements}
            assumed = {s: Standing.CONDITIONAL for s in stands if stands[s] is Standing.OPEN and REGISTRY[s].proof}
            assert clause.text({**stands, **assumed}), clause


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
