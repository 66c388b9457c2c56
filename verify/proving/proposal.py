"""What a script proposes: a trace for the kernel to replay, and the steps that a reader is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from verify.kernel.proofs.terms import Term
from verify.proving.trace import needed, trace

if TYPE_CHECKING:
    from verify.proving.expressions import Expr
    from verify.proving.script import Line, Script


@dataclass(frozen=True)
class Step:
    """A step: its name, a sentence, the formula that is derived, the rule of its last line, and what it rests on.

    `premises` are the steps and hypotheses it rests on directly, `lines` how many lines of the trace it takes beyond
    theirs, and `rules` the rules that these lines use.
    """

    name: str
    sentence: str
    formula: Term
    rule: str
    premises: tuple[str, ...]
    lines: int
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Proposal:
    """A theorem that a script claims: the trace that the kernel replays, its steps, and the statements whose theorems it uses."""

    name: str
    trace: dict[str, object]
    steps: tuple[Step, ...]
    cited: tuple[str, ...] = ()


def propose(script: Script, line: Line, hypotheses: dict[str, Expr], assumptions: dict[str, Expr]) -> Proposal:
    """Return the proposal for a line of the script."""
    whole = trace(script, line, hypotheses, assumptions)
    used = set(needed(script, line.number))
    names = {f.term: n for n, f in {**hypotheses, **assumptions}.items()}
    shown = {n: name for name, n in script.cited.items()} | {step.line: step.name for step in script.steps}
    steps = [_step(script, s.name, s.sentence, s.line, shown, names) for s in script.steps if s.line in used]
    return Proposal(script.name, whole, tuple(steps), tuple(n for n, line in script.cited.items() if line in used))


def _step(script: Script, name: str, sentence: str, number: int, shown: dict[int, str], names: dict[Term, str]) -> Step:
    premises: dict[str, None] = {}
    seen, todo = {number}, [number]
    while todo:
        n = todo.pop()
        rule, groups, terms = script.lines[n]
        if rule == "assume" and terms[0] in names:
            premises[names[terms[0]]] = None
        for group in groups:
            for i in group:
                if i in shown and shown[i] != name:
                    premises[shown[i]] = None
                elif i not in seen:
                    seen.add(i)
                    todo.append(i)
    rules = tuple(sorted({script.lines[n][0] for n in seen}))
    return Step(
        name,
        sentence,
        script.theorems[number].theorem.conclusion,
        script.lines[number][0],
        tuple(premises),
        len(seen),
        rules,
    )
