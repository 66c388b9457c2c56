"""The front page: the guarantee matrix and the graph of what rests on what, both computed from the statements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from thmverify import matrix as guarantees
from thmverify.guarantees import Column
from thmverify.losses import row_title
from thmverify.reports.records import Cell, Edge, Graph, HuntedCase, Level, Matrix, Node, Row, SpecialCase
from thmverify.reports.records import Statement as Record
from thmverify.standing import Judgement
from thmverify.statement import Statement
from thmverify.verdicts import Standing, Status


def matrix(registry: Mapping[str, Statement], done: Sequence[Record], *, whole: bool = True) -> Matrix:
    """Return the guarantee matrix of statements; those that this run has verified stand where it found them.

    `whole` keeps the rows that none of them says anything about.
    """
    judged = {s.id: Judgement(s.standing, s.reason) for s in done}
    found = guarantees.Matrix(registry, judged)
    rows = (
        Row(loss=loss, title=row_title(loss), cells=tuple(_cell(registry, cell) for cell in found.row(loss)))
        for loss in found.losses
    )
    told = (row for row in rows if whole or any(cell.standing is not None for cell in row.cells))
    return Matrix(columns=tuple(column.value for column in Column), rows=tuple(told))


def _cell(registry: Mapping[str, Statement], cell: guarantees.Cell) -> Cell:
    return Cell(
        loss=cell.loss,
        column=cell.column.value,
        standing=cell.standing,
        statement=cell.statement,
        reason=cell.reason,
        commands=cell.commands,
        special=tuple(SpecialCase(id=name, title=registry[name].title) for name in cell.special),
        hunted=tuple(
            HuntedCase(id=name, title=registry[name].title, evaluations=registry[name].evaluations)
            for name in cell.hunted
        ),
        coq=cell.coq,
    )


@dataclass(frozen=True)
class _Definition:
    """A definition of the sources: what it defines, and the hypotheses that state it."""

    title: str
    hypotheses: tuple[str, ...] = ()


# A statement uses a definition when its source's label names the number, or when it supposes one of the hypotheses.
_DEFINITIONS = {
    "3.1": _Definition("SharedGMM", ("shared-covariance",)),
    "3.2": _Definition("Fisher discriminant"),
    "4.1": _Definition("Fisher subspace S_F"),
    "5.1": _Definition("augmented pairs, bias δ", ("bias-range", "bias-positive")),
    "6.1": _Definition("CLIPGMM"),
}
_NUMBERS = re.compile(r"Definitions? ((?:\d+\.\d+(?:, | and |; )?)+)")


def graph(statements: Iterable[Statement], done: Sequence[Record]) -> Graph:
    """Return the graph of definitions and statements, without the arrows that others already imply."""
    chosen = list(statements)
    found = {s.id: s for s in done}
    edges = [edge for statement in chosen for edge in _edges(statement, set(found))]
    used = {edge.source for edge in edges}
    cited = {edge.source for edge in edges if edge.kind == "cites"}
    definitions = [
        Node(
            id=_definition_id(number),
            title=definition.title,
            family="",
            kind="definition",
            level=Level.DEFINITION,
            standing=None,
            special=False,
            note=f"Definition {number}",
        )
        for number, definition in _DEFINITIONS.items()
        if _definition_id(number) in used
    ]
    nodes = (*definitions, *(_node(statement, found[statement.id], cited) for statement in chosen))
    return Graph(nodes=nodes, edges=tuple(_reduced(edges)))


def _definition_id(number: str) -> str:
    return f"definition-{number}"


def definitions_of(statement: Statement) -> tuple[str, ...]:
    """Return the numbers of the definitions that a statement uses, in order."""
    named = {n for found in _NUMBERS.findall(statement.source.label) for n in re.findall(r"\d+\.\d+", found)}
    supposed = {h.name for h in (*statement.hypotheses, *statement.redundant)}
    return tuple(n for n, d in _DEFINITIONS.items() if n in named or supposed & set(d.hypotheses))


def _edges(statement: Statement, known: set[str]) -> list[Edge]:
    edges = [Edge(source=_definition_id(n), target=statement.id, kind="defines") for n in definitions_of(statement)]
    report = statement.checked
    cited = () if report is None else report.cited
    edges += [Edge(source=name, target=statement.id, kind="cites") for name in cited if name in known]
    if statement.special_case_of in known:
        edges.append(Edge(source=statement.id, target=statement.special_case_of, kind="special case"))
    return edges


def _reduced(edges: Sequence[Edge]) -> list[Edge]:
    """Leave out the definitions that a statement uses through another that it rests on."""
    into: dict[str, list[Edge]] = {}
    for edge in edges:
        into.setdefault(edge.target, []).append(edge)

    def below(name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        sources = [e.source for e in into.get(name, ()) if e.kind != "special case" and e.source not in seen]
        return set(sources).union(*(below(source, seen | {name}) for source in sources))

    def implied(edge: Edge) -> bool:
        others = (e.source for e in into[edge.target] if e is not edge and e.kind == "cites")
        return edge.kind == "defines" and any(edge.source in below(other) for other in others)

    return [edge for edge in edges if not implied(edge)]


def _node(statement: Statement, record: Record, cited: set[str]) -> Node:
    lemma = "Lemma" in statement.source.label or statement.id in cited
    conjecture = statement.status is Status.OPEN
    return Node(
        id=statement.id,
        title=statement.title,
        family=record.family,
        kind="conjecture" if conjecture else "lemma" if lemma else "theorem",
        level=_level(statement),
        standing=record.standing,
        special=bool(statement.special_case_of),
        note=_note(record),
    )


def _level(statement: Statement) -> Level:
    if statement.proof is not None or statement.cover is not None:
        return Level.PROOF
    return Level.KERNEL if statement.claim else Level.FORMULA


def _note(record: Record) -> str:
    """Return what the standing rests on, in a few words."""
    if record.standing is Standing.PROVED and record.proof is not None:
        return f"{record.proof.lines:,} lines"
    if record.standing is Standing.PROVED and record.cover is not None:
        return f"{record.cover.boxes:,} boxes"
    if record.standing is Standing.REFUTED:
        count = len(record.counterexamples)
        return f"{count} counterexample{'' if count == 1 else 's'}"
    if record.standing is Standing.OPEN:
        tried = record.evaluations
        return f"{tried:,} evaluations" if tried else f"{record.verification.accepted} tried"
    return ""
