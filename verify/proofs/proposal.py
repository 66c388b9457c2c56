"""What a script proposes: a trace for the kernel to replay, and which of its lines a reader is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from thmverify.proofs.trace import trace

if TYPE_CHECKING:
    from thmverify.proofs.expressions import Expr
    from thmverify.proofs.script import Line, Script


@dataclass(frozen=True)
class Shown:
    """A line of the trace with a name and a sentence."""

    name: str
    sentence: str
    line: int


@dataclass(frozen=True)
class Proposal:
    """A theorem that a script claims: the trace that the kernel replays, the lines that are shown, and where it derives
    the theorem of another statement on the way. What a line says is read off the trace, when it is replayed.
    """

    trace: dict[str, Any]
    steps: tuple[Shown, ...]
    cited: tuple[tuple[str, int], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the proposal as a JSON object."""
        steps = [[s.name, s.sentence, s.line] for s in self.steps]
        return {"trace": self.trace, "steps": steps, "cited": [list(c) for c in self.cited]}

    @classmethod
    def from_json(cls, value: Any) -> Proposal:
        """Return the proposal in a JSON object. Raises ValueError when it is none."""
        try:
            steps = tuple(Shown(str(name), str(sentence), int(line)) for name, sentence, line in value["steps"])
            cited = tuple((str(name), int(line)) for name, line in value["cited"])
            return cls(dict(value["trace"]), steps, cited)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError("the script proposes no proof") from error


def propose(script: Script, line: Line, hypotheses: dict[str, Expr], assumptions: dict[str, Expr]) -> Proposal:
    """Return the proposal for a line of the script."""
    whole, place = trace(script, line, hypotheses, assumptions)
    steps = tuple(Shown(s.name, s.sentence, place[s.line]) for s in script.steps if s.line in place)
    cited = tuple((name, place[n]) for name, n in script.cited.items() if n in place)
    return Proposal(whole, steps, cited)
