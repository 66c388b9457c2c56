"""Proofs of statements, and what the kernel says of them.

A `Proof` names a script. The script proposes a trace, and `check` has the kernel replay it, as data: the report is
what the kernel found and what the script says of its steps.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from thmverify.kernel.answer import MAX_PROOF_BYTES
from thmverify.kernel.proofs.replay import Proved, replay
from thmverify.kernel.proofs.text import text
from thmverify.kernel.strict import Rejected, canonical, parse
from thmverify.proofs import cache
from thmverify.proofs.latex import definition, latex, letters, parts
from thmverify.proofs.proposal import Proposal, Shown


@dataclass(frozen=True)
class Proof:
    """The proof of a statement: the script in a module of that name, whose `prove()` proposes it."""

    module: str

    def propose(self) -> Proposal:
        """Return what the script proposes, run once in a process of its own.

        Raises ValueError, with the reason, when it proposes nothing.
        """
        if self.module not in _PROPOSED:
            _run([self.module])
        found = _PROPOSED[self.module]
        if "failure" in found:
            raise ValueError(str(found["failure"]))
        return Proposal.from_json(found)


_PROPOSED: dict[str, dict[str, Any]] = {}  # by module


def _run(modules: Sequence[str]) -> None:
    """Run scripts in a process that this one shares nothing with, unless what they propose is kept from another run."""
    known = {module: found for module in modules if (found := cache.kept(module)) is not None}
    _PROPOSED.update(known)
    if missing := [module for module in modules if module not in known]:
        _run_anew(missing)


def _run_anew(modules: Sequence[str]) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)}
    command = [sys.executable, "-m", "thmverify.proofs", *modules]
    found = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=environment, check=False)
    lines = found.stdout.splitlines()
    ended = f"the script ends its process, with exit code {found.returncode}"
    for i, module in enumerate(modules):
        _PROPOSED[module] = _read(lines[i]) if i < len(lines) else {"failure": ended}
        cache.keep(module, _PROPOSED[module])


def _read(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {"failure": "what the script proposes is no JSON"}
    return value if isinstance(value, dict) else {"failure": "what the script proposes is no proof"}


def prepare(proofs: Iterable[Proof]) -> None:
    """Run the scripts of many proofs in one process: what they share they derive once. Then `check` them."""
    missing = [p.module for p in dict.fromkeys(proofs) if p.module not in _PROPOSED and p not in _CHECKED]
    if missing:
        _run(missing)


@dataclass(frozen=True)
class StepReport:
    """A step that a reader is shown: what it says, its formula, the rule of its last line, and what it rests on.

    `lines` counts the lines of the trace that it takes beyond its premises, `rules` the rules that they use.
    """

    name: str
    sentence: str
    formula: str
    latex: str
    rule: str
    premises: tuple[str, ...]
    lines: int
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Named:
    """A formula with its name."""

    name: str
    formula: str
    latex: str


@dataclass(frozen=True)
class ProofReport:
    """What the kernel says of a proof. `passed` says that the trace replays to the theorem that it claims.

    `used` and `unused` are the hypotheses, by name; `assumed` are steps that are supposed and not derived, so that the
    theorem is conditional on them; `classical` are the theorems of mathematics that are taken by name; `cited` are the
    statements whose theorems it derives on the way. `parts` are the formulas that the conclusion joins, and `letters`
    what the theorem is quantified over, both as LaTeX. `digest` is a hash of what is proved.
    """

    theorem: str
    passed: bool
    reason: str
    conclusion: str
    latex: str
    steps: tuple[StepReport, ...]
    hypotheses: tuple[Named, ...]
    used: tuple[str, ...]
    unused: tuple[str, ...]
    assumed: tuple[Named, ...]
    classical: tuple[str, ...]
    cited: tuple[str, ...]
    definitions: tuple[Named, ...]
    lines: int
    rules: tuple[tuple[str, int], ...]
    parts: tuple[str, ...] = ()
    letters: str = ""
    digest: str = ""

    @property
    def conditional(self) -> bool:
        """Whether it rests on steps that are assumed."""
        return bool(self.assumed)


_CHECKED: dict[Proof, ProofReport] = {}


def check(proof: Proof) -> ProofReport:
    """Return what the kernel finds, replaying the script's trace from its bytes, once a process.

    A script that fails to propose anything gives a report that says so; nothing is taken from it.
    """
    if proof not in _CHECKED:
        try:
            _CHECKED[proof] = judge(proof.propose())
        except ValueError as error:
            _CHECKED[proof] = _failed(proof.module, str(error))
    return _CHECKED[proof]


@dataclass(frozen=True)
class Known:
    """What a process has found out about a proof, for another one to take over."""

    proposed: dict[str, Any] | None
    report: ProofReport | None


def known(proof: Proof) -> Known:
    """Return what this process has found out about a proof."""
    return Known(_PROPOSED.get(proof.module), _CHECKED.get(proof))


def remember(proof: Proof, found: Known) -> None:
    """Take over what the process that started this one has found out, or one that it started."""
    if found.proposed is not None:
        _PROPOSED[proof.module] = found.proposed
    if found.report is not None:
        _CHECKED[proof] = found.report


def judge(proposal: Proposal) -> ProofReport:
    """Return what the kernel finds in a proposal."""
    try:
        data = canonical(proposal.trace)
        with _uncollected():
            found = replay(parse(data, MAX_PROOF_BYTES))
        steps = tuple(_step(proposal, found, s) for s in proposal.steps)
    except (Rejected, ValueError, TypeError, IndexError) as error:
        return _failed(str(proposal.trace.get("theorem", "")), f"the kernel refuses the trace: {error}")
    return _report(proposal, found, steps)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Leave garbage alone for a while: terms are kept and make no cycles, so that it is looked for in vain."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _failed(name: str, reason: str) -> ProofReport:
    return ProofReport(name, False, reason, "", "", (), (), (), (), (), (), (), (), 0, ())


def _step(proposal: Proposal, found: Proved, shown: Shown) -> StepReport:
    """Return a step as the trace has it: its formula, its rule, and the steps and hypotheses it rests on."""
    lines, nodes = proposal.trace["lines"], dict(proposal.trace["hypotheses"] + proposal.trace["assumptions"])
    suppositions = {term: name for name, term in nodes.items()}
    named = {n: name for name, n in proposal.cited} | {s.line: s.name for s in proposal.steps}
    premises: dict[str, None] = {}
    seen, todo = {shown.line}, [shown.line]
    while todo:
        rule, groups, terms = lines[todo.pop()]
        if rule == "assume" and terms[0] in suppositions:
            premises[suppositions[terms[0]]] = None
        for i in (i for group in groups for i in group):
            if i in named and named[i] != shown.name:
                premises[named[i]] = None
            elif i not in seen:
                seen.add(i)
                todo.append(i)
    formula = found.theorems[shown.line].conclusion
    return StepReport(
        name=shown.name,
        sentence=shown.sentence,
        formula=text(formula, brief=True),
        latex=latex(formula),
        rule=lines[shown.line][0],
        premises=tuple(premises),
        lines=len(seen),
        rules=tuple(sorted({lines[n][0] for n in seen})),
    )


def _report(proposal: Proposal, found: Proved, steps: tuple[StepReport, ...]) -> ProofReport:
    assumed = tuple(Named(name, repr(t), latex(t)) for name, t in found.assumptions)
    conditions = f", conditional on {', '.join(a.name for a in assumed)}" if assumed else ""
    return ProofReport(
        theorem=found.theorem,
        passed=True,
        reason=f"the kernel replayed {found.lines:,} lines to the theorem{conditions}",
        conclusion=repr(found.conclusion),
        latex=latex(found.conclusion),
        steps=steps,
        hypotheses=tuple(Named(name, repr(t), latex(t)) for name, t, _ in found.hypotheses),
        used=tuple(name for name, _, used in found.hypotheses if used),
        unused=tuple(name for name, _, used in found.hypotheses if not used),
        assumed=assumed,
        classical=found.classical,
        cited=tuple(name for name, _ in proposal.cited),
        definitions=tuple(Named(d.name, repr(d.body), definition(d)) for d in found.definitions),
        lines=found.lines,
        rules=tuple(sorted(found.rules.items())),
        parts=parts(found.conclusion),
        digest=found.digest,
        letters=letters([found.conclusion, *(t for _, t, _ in found.hypotheses)]),
    )
