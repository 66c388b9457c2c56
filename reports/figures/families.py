"""The overview of statements: a column for each family, with what rests on what as arcs beside its boxes.

What a proof derives again stands above it, joined on the left; a special case is joined to its general claim on the
right. A statement of another family that one of these rests on stands on top, dashed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from thmverify.reports.records import Edge, Graph, Node
from thmverify.verdicts import Standing

WIDTH = 300.0
LEFT, BOX, HEIGHT = 34.0, 240.0, 26.0  # the gutter of the arcs, a box
_STEP = 33.0  # from box to box
_RIGHT = LEFT + BOX
_HEAD = 6.0  # length of an arrow's head


@dataclass(frozen=True)
class Row:
    """A statement in pixels; `foreign` when it is of another family."""

    node: Node
    y: float
    foreign: bool


@dataclass(frozen=True)
class Arc:
    """An edge: the path of its line and that of its head, and the numbers of the rows that rest on it."""

    edge: Edge
    line: str
    head: str
    below: tuple[int, ...]


@dataclass(frozen=True)
class Column:
    """A family: how many of its statements stand where, its boxes and arcs, and how tall it is."""

    title: str
    tally: tuple[tuple[Standing, int], ...]
    rows: tuple[Row, ...]
    arcs: tuple[Arc, ...]
    height: float


def columns(graph: Graph) -> tuple[Column, ...]:
    """Return the columns of all families, in the order in which their first statements come."""
    nodes = [node for node in graph.nodes if node.standing is not None]
    edges = [edge for edge in graph.edges if edge.kind != "defines"]
    return tuple(_column(title, nodes, edges) for title in dict.fromkeys(node.family for node in nodes))


def _column(title: str, nodes: Sequence[Node], edges: Sequence[Edge]) -> Column:
    own = [node for node in nodes if node.family == title]
    ids = {node.id for node in own}
    arriving = [edge for edge in edges if (edge.source if edge.kind == "special case" else edge.target) in ids]
    ends = {end for edge in arriving for end in (edge.source, edge.target)}
    foreign = [node for node in nodes if node.id in ends - ids]
    ordered = [*foreign, *_ordered(own, arriving)]
    rows = tuple(Row(node, 1 + _STEP * i, node.family != title) for i, node in enumerate(ordered))
    at = {row.node.id: row.y + HEIGHT / 2 for row in rows}
    rests = [{node.id, *_ancestors(node.id, arriving)} for node in ordered]
    below = [tuple(i for i, on in enumerate(rests) if _ends(edge) & on) for edge in arriving]
    arcs = tuple(
        _arc(edge, at[edge.source], at[edge.target], under) for edge, under in zip(arriving, below, strict=True)
    )
    counts = Counter(node.standing for node in own)
    tally = tuple((standing, counts[standing]) for standing in Standing if counts[standing])
    return Column(title, tally, rows, arcs, _STEP * len(rows) - _STEP + HEIGHT + 2)


def _ordered(nodes: Sequence[Node], edges: Sequence[Edge]) -> list[Node]:
    """Return the nodes in their order, but each after what it cites; a circle is cut where it closes."""
    waiting, placed = list(nodes), list[Node]()
    needs = {node.id: {e.source for e in edges if e.kind == "cites" and e.target == node.id} for node in nodes}
    while waiting:
        left = {node.id for node in waiting}
        free = next((node for node in waiting if not needs[node.id] & (left - {node.id})), waiting[0])
        waiting.remove(free)
        placed.append(free)
    return placed


def _ends(edge: Edge) -> set[str]:
    """Return the statements that an arrow belongs to: what cites, or both ends of a special case."""
    return {edge.target} | ({edge.source} if edge.kind == "special case" else set())


def _ancestors(name: str, edges: Sequence[Edge]) -> set[str]:
    """Return what a statement rests on, directly or not."""
    found, waiting = set[str](), [name]
    while waiting:
        target = waiting.pop()
        fresh = {e.source for e in edges if e.kind == "cites" and e.target == target} - found
        found |= fresh
        waiting.extend(fresh)
    return found


def _arc(edge: Edge, y0: float, y1: float, below: tuple[int, ...]) -> Arc:
    """Join two boxes on the left, or on the right for a special case; the farther apart, the wider the arc."""
    side, x = (1.0, _RIGHT) if edge.kind == "special case" else (-1.0, LEFT)
    out = x + side * min(12 + abs(y1 - y0) / _STEP * 4, (WIDTH - _RIGHT if side > 0 else LEFT) * 1.25)
    line = f"M{x:.1f} {y0:.1f}C{out:.1f} {y0:.1f} {out:.1f} {y1:.1f} {x + side * _HEAD:.1f} {y1:.1f}"
    return Arc(edge, line, f"M{x:.1f} {y1:.1f}l{side * _HEAD:.1f} -3.5v7z", below)
