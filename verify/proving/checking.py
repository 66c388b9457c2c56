"""Proofs of statements, and what the kernel says of them.

A `Proof` names a script. The script proposes a trace, and `check` has the kernel replay it, as data: the report is
what the kernel found and what the script says of its steps.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from verify.kernel.proofs.replay import Proved, replay
from verify.kernel.proofs.text import text
from verify.kernel.strict import Rejected, canonical
from verify.proving.latex import definition, latex, letters, parts
from verify.proving.proposal import Proposal


@dataclass(frozen=True)
class Proof:
    """The proof of a statement: the script in a module of that name, whose `prove()` proposes it."""

    module: str

    def propose(self) -> Proposal:
        """Return what the script proposes, made anew once a process."""
        return _proposal(self.module)


@lru_cache(maxsize=256)
def _proposal(module: str) -> Proposal:
    prove: Callable[[], Proposal] = importlib.import_module(module).prove
    return prove()


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


@lru_cache(maxsize=256)
def check(proof: Proof) -> ProofReport:
    """Return what the kernel finds, replaying the script's trace from its bytes.

    A script that fails to propose anything gives a report that says so; nothing is taken from it.
    """
    try:
        proposal = proof.propose()
    except Exception as error:  # a script is somebody's program: whatever it raises, it has proved nothing
        return _failed(proof.module, f"the script fails with {type(error).__name__}: {error}")
    return judge(proposal)


def judge(proposal: Proposal) -> ProofReport:
    """Return what the kernel finds in a proposal."""
    try:
        found = replay(json.loads(canonical(proposal.trace)))
    except (Rejected, RecursionError) as error:
        return _failed(proposal.name, f"the kernel refuses the trace: {error}")
    return _report(proposal, found)


def _failed(name: str, reason: str) -> ProofReport:
    return ProofReport(name, False, reason, "", "", (), (), (), (), (), (), (), (), 0, ())


def _report(proposal: Proposal, found: Proved) -> ProofReport:
    assumed = tuple(Named(name, repr(t), latex(t)) for name, t in found.assumptions)
    conditions = f", conditional on {', '.join(a.name for a in assumed)}" if assumed else ""
    steps = tuple(
        StepReport(
            name=s.name,
            sentence=s.sentence,
            formula=text(s.formula, brief=True),
            latex=latex(s.formula),
            rule=s.rule,
            premises=s.premises,
            lines=s.lines,
            rules=s.rules,
        )
        for s in proposal.steps
    )
    return ProofReport(
        theorem=found.theorem,
        passed=True,
        reason=f"the kernel replayed {found.lines} lines to the theorem{conditions}",
        conclusion=repr(found.conclusion),
        latex=latex(found.conclusion),
        steps=steps,
        hypotheses=tuple(Named(name, repr(t), latex(t)) for name, t, _ in found.hypotheses),
        used=tuple(name for name, _, used in found.hypotheses if used),
        unused=tuple(name for name, _, used in found.hypotheses if not used),
        assumed=assumed,
        classical=found.classical,
        cited=proposal.cited,
        definitions=tuple(Named(d.name, repr(d.body), definition(d)) for d in found.definitions),
        lines=found.lines,
        rules=tuple(sorted(found.rules.items())),
        parts=parts(found.conclusion),
        digest=found.digest,
        letters=letters([found.conclusion, *(t for _, t, _ in found.hypotheses)]),
    )
