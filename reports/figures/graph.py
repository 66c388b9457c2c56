"""Layered layout of the dependency graph: what is used stands left of what uses it.

Longest paths give the layers, an arrow over several layers bends at a place of its own in each, and sweeps towards the
mean position of the neighbours keep crossings few. No other program is needed, and the same graph is drawn the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from thmverify.reports.records import Edge, Graph, Node

_LETTER, _PADDING, _LEAST = 6.4, 20.0, 120.0  # pixels of a letter, at both sides of a label, of a box at least
_HEIGHT, _BEND = 44.0, 8.0
_APART, _BETWEEN = 13.0, 42.0  # from box to box in a layer, and from layer to layer
_EDGE = 2.0  # room for half a border
_SWEEPS = 12


@dataclass(frozen=True)
class Box:
    """A node in pixels."""

    node: Node
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Arrow:
    """An edge as an SVG path."""

    edge: Edge
    path: str


@dataclass(frozen=True)
class Drawing:
    """A graph in pixels."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def label_lines(node: Node, word: str) -> tuple[str, str]:
    """Return the two lines of a box: what it is, and what is known of it."""
    if node.kind == "definition":
        return node.note, node.title
    parts = (word, "special case" if node.special else "", node.note)
    return node.id, " · ".join(part for part in parts if part)


def around(graph: Graph, name: str) -> Graph:
    """Return the part of a graph that a node rests on, directly or not, and what rests directly on it."""
    into: dict[str, list[str]] = {}
    for edge in graph.edges:
        if edge.kind != "special case":
            into.setdefault(edge.target, []).append(edge.source)
    below, waiting = {name}, [name]
    while waiting:
        fresh = [source for source in into.get(waiting.pop(), ()) if source not in below]
        below.update(fresh)
        waiting.extend(fresh)
    near = below | {end for e in graph.edges if name in (e.source, e.target) for end in (e.source, e.target)}
    edges = tuple(e for e in graph.edges if {e.source, e.target} <= below or name in (e.source, e.target))
    return Graph(nodes=tuple(node for node in graph.nodes if node.id in near), edges=edges)


def layout(graph: Graph, lines: Mapping[str, tuple[str, str]]) -> Drawing:
    """Return where everything goes; `lines` holds the two lines of each box by the node's id."""
    routes = _routes(graph, _ranks(graph))
    layers = _ordered(_layers(graph, routes), routes)
    nodes = {node.id: node for node in graph.nodes}
    sizes = {name: _width(lines[name]) for name in nodes}
    heights = [sum(_height(name, nodes) for name in layer) + _APART * (len(layer) - 1) for layer in layers]
    tallest = max(heights, default=0.0)
    places: dict[str, tuple[float, float, float]] = {}  # the left end, the middle, and the width
    left = _EDGE
    for layer, height in zip(layers, heights, strict=True):
        width = max((sizes[name] for name in layer if name in nodes), default=0.0)
        top = _EDGE + (tallest - height) / 2
        for name in layer:
            own = _height(name, nodes)
            places[name] = (left, top + own / 2, width)
            top += own + _APART
        left += width + _BETWEEN
    boxes = tuple(_box(node, *places[node.id]) for node in graph.nodes)
    arrows = tuple(Arrow(edge, _path([places[name] for name in route])) for edge, route in routes)
    return Drawing(max(left - _BETWEEN, 0.0) + _EDGE, tallest + 2 * _EDGE, boxes, arrows)


def _width(lines: tuple[str, str]) -> float:
    return max(_LEAST, _PADDING + _LETTER * max(len(lines[0]) + 2, len(lines[1]) * 0.94))


def _height(name: str, nodes: Mapping[str, Node]) -> float:
    return _HEIGHT if name in nodes else _BEND


def _box(node: Node, left: float, middle: float, width: float) -> Box:
    return Box(node, left, middle - _HEIGHT / 2, width, _HEIGHT)


def _ranks(graph: Graph) -> dict[str, int]:
    """Return the layer of each node: 0 for definitions, else one more than the last of what it uses."""
    sources: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        sources[edge.target].append(edge.source)
    ranks = {node.id: 0 for node in graph.nodes if node.kind == "definition"}

    def rank(name: str, above: frozenset[str]) -> int:
        if name not in ranks:
            known = [
                rank(s, above | {name}) for s in sources[name] if s not in above
            ]  # a circle is cut where it closes
            ranks[name] = 1 + max(known, default=0)
        return ranks[name]

    for name in sources:
        rank(name, frozenset({name}))
    return ranks


def _routes(graph: Graph, ranks: Mapping[str, int]) -> list[tuple[Edge, list[str]]]:
    """Return for each edge the names that it passes: its ends, and a bend in each layer between them."""
    routes = []
    for number, edge in enumerate(graph.edges):
        first, last = ranks[edge.source], ranks[edge.target]
        bends = [f"{number}@{rank}" for rank in range(first + 1, last)]
        routes.append((edge, [edge.source, *bends, edge.target]))
    return routes


def _layers(graph: Graph, routes: Sequence[tuple[Edge, list[str]]]) -> list[list[str]]:
    ranks = _ranks(graph)
    layers: list[list[str]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for node in graph.nodes:
        layers[ranks[node.id]].append(node.id)
    for _, route in routes:
        for bend in route[1:-1]:
            layers[int(bend.partition("@")[2])].append(bend)
    return [layer for layer in layers if layer]


def _ordered(layers: list[list[str]], routes: Sequence[tuple[Edge, list[str]]]) -> list[list[str]]:
    """Sort each layer by the mean position of the neighbours, forwards and backwards in turn."""
    neighbours: dict[str, tuple[list[str], list[str]]] = {name: ([], []) for layer in layers for name in layer}
    for _, route in routes:
        for a, b in pairwise(route):
            neighbours[a][1].append(b)
            neighbours[b][0].append(a)
    for sweep in range(_SWEEPS):
        backwards = sweep % 2
        for layer in reversed(layers) if backwards else layers:
            at = {name: (i + 0.5) / len(other) for other in layers for i, name in enumerate(other)}
            layer.sort(key=lambda name: _mean([at[n] for n in neighbours[name][backwards]], at[name]))
    return layers


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _path(places: Sequence[tuple[float, float, float]]) -> str:
    """Return a curve from the right end of the first box to the left end of the last, level at every bend."""
    x, y, width = places[0]
    at = (x + width, y)
    path = f"M{at[0]:.1f} {at[1]:.1f}"
    for x, y, width in places[1:]:
        middle = (at[0] + x) / 2
        path += f"C{middle:.1f} {at[1]:.1f} {middle:.1f} {y:.1f} {x:.1f} {y:.1f}"
        at = (x + width, y)
        path += f"L{at[0]:.1f} {at[1]:.1f}"
    return path.rpartition("L")[0]
