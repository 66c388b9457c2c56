"""The front page and the appendix: the matrix, the graph, counterexamples, and what the trust rests on."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from itertools import pairwise

from markupsafe import escape
from sympy import Symbol

from property_tests.report.support import made, shown
from property_tests.scripts import with_script
from thmverify import theorems
from thmverify.certifying.formulas import certify, from_sympy
from thmverify.guarantees import Column, Guarantee
from thmverify.kernel.proofs.replay import replay
from thmverify.kernel.proofs.rules import RULES
from thmverify.kernel.strict import Rejected
from thmverify.models import Instance, Record
from thmverify.reports import front, render, trust
from thmverify.reports.figures import families
from thmverify.reports.figures import graph as layered
from thmverify.reports.records import Edge, Graph
from thmverify.theorems import REGISTRY
from thmverify.theorems.fisher.fisher_optimality import STATEMENT
from thmverify.theorems.pca.pca_equality import STATEMENT as REFUTED
from thmverify.verdicts import Standing

# --- the front page ------------------------------------------------------------------------------------------------


def test_matrix_shows_the_standings_of_this_run(whole):
    rows = {row.loss: {cell.column: cell for cell in row.cells} for row in whole.matrix.rows}
    assert rows["fisher"][Column.EQUALITY].standing is Standing.OPEN
    assert [case.id for case in rows["fisher"][Column.EQUALITY].special] == [STATEMENT.id]
    assert rows["pca"][REFUTED.guarantees[0].column].standing is Standing.REFUTED
    contradicted = made(replace(STATEMENT, guarantees=rows_of("fisher"), margin=lambda _instance: 1.0))
    assert contradicted.matrix.rows[-1].cells[0].standing is Standing.FAILED


def rows_of(loss):
    return (Guarantee(loss, Column.INCLUSION),)


def test_matrix_links_to_what_the_page_holds(whole):
    text = render.html(whole)
    matrix = text[text.index('<section id="matrix">') : text.index('<section id="graph">')]
    assert 'href="#general"' in matrix
    assert 'href="#special-1"' in matrix
    assert "thmverify verify pca-equality" in matrix


def test_graph_has_the_definitions_and_the_special_case(whole):
    edges = {(edge.source, edge.target): edge.kind for edge in whole.graph.edges}
    assert edges[STATEMENT.id, "general"] == "special case"
    assert edges["definition-3.2", STATEMENT.id] == "defines"
    kinds = {node.id: node.kind for node in whole.graph.nodes}
    assert (kinds["general"], kinds[STATEMENT.id], kinds["definition-4.1"]) == ("conjecture", "theorem", "definition")


def test_definitions_are_read_off_labels_and_hypotheses():
    assert "3.2" in front.definitions_of(STATEMENT)
    bare = replace(STATEMENT, source=replace(STATEMENT.source, label="Lemma 9"), hypotheses=(), proof=None)
    assert front.definitions_of(bare) == ()


def test_statements_are_chosen_by_where_they_stand_without_a_script(whole, report):
    text = render.html(whole)
    assert [(standing, count) for standing, count in render.kinds(whole)] == [
        (Standing.PROVED, 1),
        (Standing.REFUTED, 1),
        (Standing.OPEN, 1),
    ]
    for standing, _ in render.kinds(whole):
        assert f'<input type="radio" name="shown" id="show-{standing}">' in text
        assert f'#show-{standing}:checked) tr[class^="stands-"]:not(.stands-{standing})' in text
        assert f'<tr class="stands-{standing}">' in text
    assert '<input type="radio"' not in render.html(report)  # one statement leaves nothing to choose


def test_a_family_is_a_column_with_its_arrows(whole):
    (column,) = families.columns(whole.graph)
    assert [row.node.id for row in column.rows] == [STATEMENT.id, REFUTED.id, "general"]
    assert [arc.edge.kind for arc in column.arcs] == ["special case"]
    assert dict(column.tally) == {Standing.PROVED: 1, Standing.REFUTED: 1, Standing.OPEN: 1}
    tops = [row.y for row in column.rows]
    assert all(b - a > families.HEIGHT for a, b in pairwise(tops))
    assert tops[-1] + families.HEIGHT <= column.height


def test_a_statement_that_is_pointed_at_keeps_what_it_rests_on(whole):
    names = [node.id for node in whole.graph.nodes if node.standing is not None]
    chain = tuple(Edge(source=a, target=b, kind="cites") for a, b in pairwise(names))
    (column,) = families.columns(Graph(nodes=whole.graph.nodes, edges=chain))
    assert [arc.below for arc in column.arcs] == [(1, 2), (2,)]
    (special,) = families.columns(whole.graph)[0].arcs
    assert special.below == (0, 2)
    assert ".column1:has(.row2:is(:hover, :focus-visible)) .arc:not(.under2)" in render.html(whole)


def test_what_another_family_proves_stands_on_top(whole):
    nodes = tuple(n.model_copy(update={"family": n.id}) for n in whole.graph.nodes)
    cites = Edge(source=REFUTED.id, target="general", kind="cites")
    apart = families.columns(Graph(nodes=nodes, edges=(*whole.graph.edges, cites)))
    assert [column.title for column in apart] == [STATEMENT.id, REFUTED.id, "general"]
    assert [(row.node.id, row.foreign) for row in apart[0].rows] == [("general", True), (STATEMENT.id, False)]
    assert [(row.node.id, row.foreign) for row in apart[2].rows] == [(REFUTED.id, True), ("general", False)]


def drawn(report, graph=None):
    graph = graph or report.graph
    return layered.layout(graph, {node.id: render.node_lines(node) for node in graph.nodes})


def test_a_statement_shows_what_it_rests_on_and_what_rests_on_it(whole):
    part = layered.around(whole.graph, "general")
    assert {node.id for node in part.nodes} >= {"general", STATEMENT.id}
    assert REFUTED.id not in {node.id for node in part.nodes}
    below = layered.around(whole.graph, STATEMENT.id)
    assert {"definition-3.2", "definition-4.1", "general"} <= {node.id for node in below.nodes}


def test_boxes_of_the_graph_do_not_overlap(whole):
    drawing = drawn(whole)
    boxes = [(b.x, b.y, b.x + b.width, b.y + b.height) for b in drawing.boxes]
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0
        assert right <= drawing.width
        assert bottom <= drawing.height
        for l2, t2, r2, b2 in boxes[:i]:
            assert right <= l2 or r2 <= left or bottom <= t2 or b2 <= top
    at = {b.node.id: b for b in drawing.boxes}
    assert all(at[a.edge.source].x < at[a.edge.target].x for a in drawing.arrows)


def test_a_circle_of_citations_is_drawn_all_the_same(whole):
    edge = whole.graph.edges[-1]
    back = edge.model_copy(update={"source": edge.target, "target": edge.source})
    circle = whole.graph.model_copy(update={"edges": (*whole.graph.edges, back)})
    assert len(drawn(whole, circle).arrows) == len(circle.edges)
    assert len(layered.around(circle, STATEMENT.id).nodes) >= 2
    both = [Edge(source=a, target=b, kind="cites") for a, b in ((STATEMENT.id, REFUTED.id), (REFUTED.id, STATEMENT.id))]
    (column,) = families.columns(Graph(nodes=whole.graph.nodes, edges=tuple(both)))
    assert len(column.arcs) == 2


# --- counterexamples and evidence ----------------------------------------------------------------------------------


def test_counterexample_is_shown_with_its_certificate_and_picture(whole):
    shown_one = whole.statements[1].counterexamples[0]
    assert shown_one.refutes
    assert json.loads(shown_one.certificate)["claim"] == REFUTED.claim
    text = render.html(whole)
    assert str(escape(shown_one.certificate)) in text
    assert shown_one.command in text
    (scene,) = shown_one.scenes
    assert scene.lines[0].name == "S_F"
    assert len(scene.means) == len(scene.weights)


def test_a_certificate_that_does_not_check_shows():
    wrong = replace(REFUTED.counterexamples[0], evidence=theorems.COUNTEREXAMPLES / "infonce-equality.json")
    standing, page, _ = shown(replace(REFUTED, counterexamples=(wrong,)))
    assert standing is Standing.FAILED
    assert "does not refute" in page


def test_float_quadrature_is_caught_by_the_enclosure(report):
    rows = {int(c.separation): c for c in report.trust.comparisons}
    assert float(rows[1].hermite_error) < 1e-9
    assert max(float(c.hermite_error) for c in rows.values()) > 0.6
    for c in rows.values():
        assert float(c.lower) <= float(c.upper)
        assert float(c.upper) - float(c.lower) <= 1e-8 * float(c.upper)


def test_code_lines_leave_out_comments_and_docstrings():
    text = '"""Doc\nstring."""\n\n# comment\nx = 1  # why\n\ndef f():\n    """Doc."""\n    return "text"\n'
    assert trust.code_lines(text) == {5, 7, 9}


def test_every_forgery_is_refused(whole):
    forged = [m for m in whole.trust.mutations if "hints" not in m.kind]
    assert all(m.refused == m.tried > 0 for m in forged)


def test_forgeries_of_a_claim_of_ones_own_are_refused():
    x = Symbol("x")
    data = certify("squares", from_sympy(x**2 + 1 > 0), Instance(Record(x="1/3"))).data
    for found in trust.mutations({"squares": data}):
        assert found.refused == found.tried or "hints" in found.kind
        assert found.tried > 0


def test_changed_hints_are_counted():
    path = theorems.COUNTEREXAMPLES / "simsiam-inclusion.json"
    (hints,) = (m for m in trust.mutations({path.name: path.read_bytes()}) if "hints" in m.kind)
    assert hints.tried > hints.refused > 0  # another precision or radius may prove the same


def test_rules_are_all_there_and_count_every_line(report):
    found = STATEMENT.checked
    rules = {rule.name: rule for rule in report.trust.rules}
    assert set(rules) == {*RULES, "definition"}
    assert {name: rule.lines for name, rule in rules.items() if rule.lines} == dict(found.rules)
    assert sum(rule.lines for rule in rules.values()) == found.lines
    assert all(rule.meaning for rule in rules.values())
    assert {rule.classical for rule in rules.values() if rule.proofs} - {""} == set(found.classical)


def test_every_classical_theorem_is_found_in_the_rules():
    named = {rule.classical for rule in trust.rules([])} - {""}
    taken = {name for s in REGISTRY.values() if s.proof is not None for name in s.checked.classical}
    assert taken <= named
    assert len(named) == 4


def test_code_of_the_proof_kernel_is_counted_apart(report):
    files = {file.file: file.code for file in report.trust.kernel}
    assert files["proofs/rules.py"] > 100
    proofs = sum(code for name, code in files.items() if name.startswith("proofs/"))
    assert f"{proofs:,} lines of code in <code>kernel/proofs</code>" in render.html(report)


def test_an_unchanged_trace_is_the_same_theorem():
    for trace in trust.proof_traces([STATEMENT]).values():
        assert trust.Original(trace).outcome(trace) == "same"
        assert trust.Original(trace).outcome({**trace, "theorem": "another"}) == "another"
        assert trust.Original(trace).outcome({**trace, "lines": trace["lines"][:-1]}) == "refused"


def test_a_changed_trace_is_replayed_as_if_all_of_it_were():
    """What a change leaves alone is not derived again, and the answer is that of a replay from the beginning."""
    ((name, trace),) = trust.proof_traces([STATEMENT]).items()
    original = trust.Original(trace)
    for kind, change in trust.CHANGES.items():
        draws = random.Random(f"{kind}:{name}")
        for mutant in [change(trace, draws) for _ in range(40)]:
            try:
                replay(trust.rehash(mutant))
            except Rejected:
                assert original.outcome(mutant) == "refused"
            else:
                assert original.outcome(mutant) in ("same", "another")


def test_changed_traces_are_refused_or_say_something_else():
    changed = trust.proof_mutations(trust.proof_traces([STATEMENT]), replayed=2000)
    assert {m.tried for m in changed} == {2000 // STATEMENT.checked.lines}
    for m in changed:
        assert m.refused + m.another + m.same == m.tried
        assert m.refused >= m.tried // 2
    assert changed == trust.proof_mutations(trust.proof_traces([STATEMENT]), replayed=2000)


def test_every_certificate_on_record_can_be_changed():
    for data in trust._certificates(REGISTRY.values()).values():
        changed = [*trust._changed_statements(data), *trust._changed_hints(data)]
        assert changed
        assert data not in changed


def test_a_word_among_the_hints_is_no_number_to_change():
    assert [*trust._changed_numbers({"rule": "symmetry", "level": "1/2"})] == [
        {"rule": "symmetry", "level": "1"},
        {"rule": "symmetry", "level": "-1/2"},
    ]


def test_a_proof_that_does_not_check_is_not_counted():
    forged = with_script(STATEMENT, "forged")
    assert trust.proof_traces([forged]) == {}
    assert sum(rule.lines for rule in trust.rules([forged])) == 0


def test_a_statement_rests_on_what_its_proof_derives_again():
    names = ("infonce-inclusion", "infonce-slope")
    report = made(*(REGISTRY[name] for name in names))
    assert [(e.source, e.target) for e in report.graph.edges if e.kind == "cites"] == [names]
    notes = {node.id: node.note for node in report.graph.nodes}
    assert notes[names[1]] == f"{REGISTRY[names[1]].checked.lines:,} lines"
