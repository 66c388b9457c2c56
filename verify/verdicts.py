"""The answers the toolkit gives: what is known of a statement, and what is decided about one instance.

There are four outcomes and nothing else. None of them is a truth value: whoever writes `if verdict:` has not said what
to do when nothing is decided, so `bool()` raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, NoReturn

from thmverify import notebook
from thmverify.decimals import outward

_DIGITS = 6  # of a margin that people read


class Status(StrEnum):
    """What is known of a statement in general: the one status word of its module."""

    PROVED = "proved"
    REFUTED = "refuted"
    OPEN = "open"


class Standing(StrEnum):
    """Where a statement stands: computed from the checks (`thmverify.standing`), never declared."""

    PROVED = "proved"
    CONDITIONAL = "conditional"
    REFUTED = "refuted"
    OPEN = "open"
    FAILED = "failed"


class Outcome(StrEnum):
    """What is decided about a claim on one instance."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNDECIDED = "undecided"
    FAILED = "checker failure"


class Provenance(StrEnum):
    """How a number was come by; it travels with the number."""

    EXACT = "exact"
    ENCLOSED = "enclosed"
    FLOATING = "floating"


def between(lower: Fraction, upper: Fraction) -> str:
    """Return an interval in words, in decimals that contain it.

    >>> between(Fraction(-2, 3), Fraction(-2, 3) + Fraction(1, 10**9)), between(Fraction(1, 4), Fraction(1, 4))
    ('between -0.666667 and -0.666666', '0.25')
    """
    found = outward(lower, upper, _DIGITS)
    return found.lower if found.lower == found.upper else f"between {found.lower} and {found.upper}"


@dataclass(frozen=True)
class Verdict:
    """The outcome for one claim on one instance, and why.

    `margin` is an interval that contains the deciding number when there is one, `provenance` says how it was come by;
    `rank` is the rank of the minimiser and `dimension` the dimension of the subspace it is compared with, where the
    claim is about those. `applicable` says whether the instance satisfies the hypotheses of the statement that was
    asked about, None where only a claim was, and `violated` which it does not.
    """

    claim: str
    outcome: Outcome
    reason: str
    margin: tuple[Fraction, Fraction] | None = None
    provenance: Provenance | None = None
    rank: int | None = None
    dimension: int | None = None
    applicable: bool | None = None
    violated: tuple[str, ...] = ()

    @classmethod
    def exact(cls, claim: str, holds: bool | None, reason: str, dimension: int, rank: int | None = None) -> Verdict:
        """Return what rational arithmetic says of a claim: that it holds or not, or nothing (None).

        >>> Verdict.exact("claim", None, "it is known in the plane", 3).outcome
        <Outcome.UNDECIDED: 'undecided'>
        """
        outcome = {True: Outcome.PROVED, False: Outcome.REFUTED, None: Outcome.UNDECIDED}[holds]
        return cls(claim, outcome, reason, provenance=Provenance.EXACT, rank=rank, dimension=dimension)

    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict has no truth value: compare its .outcome with an Outcome")

    def __str__(self) -> str:
        """The verdict in words, a line for each thing that is known.

        >>> print(Verdict.exact("claim", False, "C = 0", 2, rank=0))
        claim: refuted
          rank: 0
          dimension: 2
          reason: C = 0
        """
        lines = [f"{self.claim}: {self.outcome}", *(f"  {name}: {text}" for name, text in self._known())]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [(name, notebook.escaped(text)) for name, text in self._known()]
        rows.insert(1 if self.violated else 0, ("verdict", notebook.word(self.outcome)))
        return notebook.table(notebook.escaped(self.claim), rows)

    def _known(self) -> list[tuple[str, str]]:
        """Return what is known besides claim and outcome, each with its name; a hypothesis that fails comes first."""
        rows = []
        if self.violated:
            fails = f"{', '.join(self.violated)} {'fails' if len(self.violated) == 1 else 'fail'} on this instance"
            rows.append(("applicable", f"no: {fails}; the verdict is on the conclusion alone"))
        rows += [(name, str(x)) for name in ("rank", "dimension") if (x := getattr(self, name)) is not None]
        if self.margin is not None:
            rows.append(("margin", between(*self.margin)))
        return [*rows, ("reason", self.reason)]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of `thmverify decide --json`; rationals are text."""
        return {
            "claim": self.claim,
            "verdict": self.outcome.value,
            "applicable": self.applicable,
            "violated": [*self.violated],
            "rank": self.rank,
            "dimension": self.dimension,
            "margin": None if self.margin is None else [str(end) for end in self.margin],
            "provenance": None if self.provenance is None else self.provenance.value,
            "reason": self.reason,
        }
