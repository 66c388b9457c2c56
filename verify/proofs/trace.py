"""From a script's lines to the JSON object that the kernel replays: the lines that a theorem needs, and their terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thmverify.kernel.proofs.replay import FORMAT
from thmverify.kernel.proofs.terms import Term
from thmverify.kernel.strict import digest

if TYPE_CHECKING:
    from thmverify.proofs.expressions import Expr
    from thmverify.proofs.script import Line, Script


class _Table:
    """Terms as nodes, each with the numbers of its arguments; definitions where they are first needed."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.nodes: list[list[object]] = []
        self.numbers: dict[Term, int] = {}
        self.definitions: list[list[object]] = []
        self.defined: set[str] = set()

    def add(self, root: Term) -> int:
        todo = [root]
        while todo:
            t = todo[-1]
            if t in self.numbers:
                todo.pop()
                continue
            if t.op == "c" and t.val not in self.defined:
                self.define(str(t.val))
                continue
            args = t.args[1:] if t.op == "c" else t.args
            if missing := [a for a in args if a not in self.numbers]:
                todo += missing
                continue
            value = str(t.val) if t.op == "num" else t.val
            self.nodes.append([t.op, value, *(self.numbers[a] for a in args)])
            self.numbers[t] = len(self.nodes) - 1 - len(self.definitions)
            todo.pop()
        return self.numbers[root]

    def define(self, name: str) -> None:
        known = self.script.theory.definitions[name]
        parameters = [self.add(p) for p in known.parameters]
        body = self.add(known.body)
        if name not in self.defined:
            self.defined.add(name)
            self.nodes.append(["define"])
            self.definitions.append([name, parameters, body])


def needed(script: Script, last: int) -> list[int]:
    """Return the numbers of the lines that a line rests on, itself included, in order."""
    seen, todo = {last}, [last]
    while todo:
        for group in script.lines[todo.pop()][1]:
            for i in group:
                if i not in seen:
                    seen.add(i)
                    todo.append(i)
    return sorted(seen)


def trace(
    script: Script, line: Line, hypotheses: dict[str, Expr], assumptions: dict[str, Expr]
) -> tuple[dict[str, object], dict[int, int]]:
    """Return the JSON object for a theorem of the script, and the numbers of the script's lines in it."""
    order = needed(script, line.number)
    place = {n: i for i, n in enumerate(order)}
    table = _Table(script)
    lines: list[list[object]] = []
    for n in order:
        rule, groups, terms = script.lines[n]
        if rule == "definition":
            name = str(terms[0])
            if name not in table.defined:
                table.define(name)
            lines.append([rule, [], [name]])
            continue
        lines.append([rule, [[place[i] for i in g] for g in groups], [table.add(t) for t in terms]])
    named = [[[n, table.add(f.term)] for n, f in group.items()] for group in (hypotheses, assumptions)]
    conclusion = table.add(line.theorem.conclusion)
    whole: dict[str, object] = {
        "format": FORMAT,
        "theorem": script.name,
        "nodes": table.nodes,
        "definitions": table.definitions,
        "hypotheses": named[0],
        "assumptions": named[1],
        "lines": lines,
        "conclusion": conclusion,
    }
    return {**whole, "content": digest(list(whole.items()))}, place
