"""The guarantee matrix, computed: each cell is the standing of the statement that is its claim, checked anew.

Four columns ask what becomes of a claim without a hypothesis. Unless a statement is recorded as their claim, their
cells follow from the row's first claim (inclusion, else equality): a claim that is refuted under a hypothesis is
refuted without it; one that is proved holds without the hypotheses that its proof does not need, and fails without
those that an instance on record shows to be necessary.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from thmverify.evidence import Counterexample, Necessity, Need
from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import CENTRED, ENOUGH_COLUMNS, SHARED_COVARIANCE, Hypothesis
from thmverify.losses import rows
from thmverify.standing import Judgement, judge
from thmverify.statement import Statement
from thmverify.verdicts import Standing
from thmverify.vocabulary import r

_FIRST = (Column.INCLUSION, Column.EQUALITY, Column.EQUALITY_BIASED)  # the claims that a hypothesis is dropped from

# Which hypotheses a column drops.
_DROPS: dict[Column, Callable[[Hypothesis], bool]] = {
    Column.COLUMNS: lambda h: h.name == ENOUGH_COLUMNS.name,
    Column.UNCENTRED: lambda h: h.name == CENTRED.name,
    Column.SEPARATE: lambda h: h.name == SHARED_COVARIANCE.name,
    Column.ANY_RANK: lambda h: r in h.formula.free_symbols,
}
_BY_NEED = {Need.REDUNDANT: Standing.PROVED, Need.NECESSARY: Standing.REFUTED}


@dataclass(frozen=True)
class Cell:
    """One cell: the standing of its claim, and the statement and the commands behind it.

    `standing` is None where no statement is the claim of the cell; `special` are the ids of the special cases that are
    proved beside a claim that is not, `hunted` those that are open and that a counterexample was hunted for. `coq` says
    whether Coq has checked a theorem about its statement.
    """

    loss: str
    column: Column
    standing: Standing | None = None
    statement: str = ""
    reason: str = ""
    commands: tuple[str, ...] = ()
    special: tuple[str, ...] = ()
    hunted: tuple[str, ...] = ()
    coq: bool = False


@dataclass(frozen=True)
class Matrix:
    """The matrix of these statements, by id.

    `judgements` are standings that are known already, from randomised verification for example; what is missing is
    judged when asked for. Raises ValueError when two statements are the claim of one cell.
    """

    statements: Mapping[str, Statement]
    judgements: Mapping[str, Judgement] = field(default_factory=dict)

    def __post_init__(self) -> None:
        seen: dict[Guarantee, str] = {}
        for statement in self.statements.values():
            for cell in () if statement.special_case_of else statement.guarantees:
                if cell in seen:
                    raise ValueError(f"{seen[cell]} and {statement.id} are both the claim of {cell}")
                seen[cell] = statement.id

    @property
    def losses(self) -> tuple[str, ...]:
        """The rows: those of the table of losses that are always shown, then those that only a statement names."""
        always = [name for name, row in rows().items() if row.always]
        named = [g.loss for s in self.statements.values() for g in s.guarantees]
        return tuple(dict.fromkeys([*always, *named]))

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell, row by row."""
        return tuple(self.cell(loss, column) for loss in self.losses for column in Column)

    def row(self, loss: str) -> tuple[Cell, ...]:
        """Return the cells of one loss."""
        return tuple(cell for cell in self.cells if cell.loss == loss)

    def cell(self, loss: str, column: Column) -> Cell:
        """Compute one cell."""
        claim = self._claim(loss, column)
        if claim is not None:
            judged = self.judgement(claim)
            filled = Cell(loss, column, judged.standing, claim.id, judged.reason, commands(claim), coq=bool(claim.coq))
            if judged.standing is Standing.PROVED:
                return filled
            special, unsettled = (self._beside(claim, filled, s) for s in (Standing.PROVED, Standing.OPEN))
            hunted = tuple(name for name in unsettled if self.statements[name].evaluations)
            return replace(filled, special=special, hunted=hunted)
        first = next((s for c in _FIRST if (s := self._claim(loss, c)) is not None), None)
        empty = Cell(loss, column)
        return empty if first is None or column not in _DROPS else self._without(empty, first)

    def judgement(self, statement: Statement) -> Judgement:
        """Return where a statement stands, judged once."""
        if statement.id not in self._judged:
            self._judged[statement.id] = self.judgements.get(statement.id) or judge(statement)
        return self._judged[statement.id]

    def necessity(self, statement: Statement) -> tuple[Necessity, ...]:
        """Return what is known of each of its hypotheses, computed once."""
        if statement.id not in self._needs:
            self._needs[statement.id] = statement.necessity()
        return self._needs[statement.id]

    @cached_property
    def _judged(self) -> dict[str, Judgement]:
        return {}

    @cached_property
    def _needs(self) -> dict[str, tuple[Necessity, ...]]:
        return {}

    def _claim(self, loss: str, column: Column) -> Statement | None:
        wanted = Guarantee(loss, column)
        general = (s for s in self.statements.values() if not s.special_case_of)
        return next((s for s in general if wanted in s.guarantees), None)

    def _beside(self, claim: Statement, cell: Cell, standing: Standing) -> tuple[str, ...]:
        """Return the special cases of a claim that stand so and show beside this cell."""
        beside = (s for s in self.statements.values() if s.special_case_of == claim.id)
        here = (s for s in beside if not s.guarantees or Guarantee(cell.loss, cell.column) in s.guarantees)
        return tuple(s.id for s in here if self.judgement(s).standing is standing)

    def _without(self, empty: Cell, claim: Statement) -> Cell:
        """Compute a cell that asks for a claim without some hypotheses."""
        column, judged = empty.column, self.judgement(claim)
        stated = [h for h in claim.hypotheses if _DROPS[column](h)]
        redundant = [h for h in claim.redundant if _DROPS[column](h)]
        if column is Column.SEPARATE and not stated + redundant:
            return empty  # the model itself has one covariance: nothing is claimed of another
        filled = replace(empty, statement=claim.id, commands=commands(claim))
        if not stated:
            what = f"does not suppose {_names(redundant)}" if redundant else "supposes nothing of the kind"
            return replace(filled, standing=judged.standing, reason=f"the claim {what}")
        if judged.standing is Standing.REFUTED:
            reason = f"refuted with {_names(stated)}, so without it too"
            return replace(filled, standing=Standing.REFUTED, reason=reason)
        if judged.standing is Standing.FAILED:
            return replace(filled, standing=Standing.FAILED, reason=judged.reason)
        names = {h.name for h in stated}
        needs = [n for n in self.necessity(claim) if n.hypothesis in names and n.need is not Need.CONSTITUTIVE]
        if not needs:
            return empty
        standing, reason = _worst(needs)
        if standing is Standing.PROVED:  # without each alone, which is not without all of them
            standing = judged.standing if len(names) == 1 else Standing.OPEN
        return replace(filled, standing=standing, reason=reason)


def _worst(needs: Iterable[Necessity]) -> tuple[Standing, str]:
    """Return what the hypothesis does whose loss hurts most: refuted before open before proved."""
    found = [(_BY_NEED.get(n.need, Standing.OPEN), f"{n.hypothesis} is {n.need}: {n.reason}") for n in needs]
    order = (Standing.REFUTED, Standing.OPEN, Standing.PROVED)
    return min(found, key=lambda pair: order.index(pair[0]))


def _names(hypotheses: Iterable[Hypothesis]) -> str:
    return " and ".join(h.name for h in hypotheses)


def certificate_file(counterexample: Counterexample) -> str:
    """Return the path of a certificate: of ours from the repository's root, of another from the working folder.

    Nothing for an instance that rationals decide.
    """
    evidence = counterexample.evidence
    if not isinstance(evidence, Path):
        return ""
    return "/".join(evidence.parts[-3:]) if _shipped(evidence) else os.path.relpath(evidence)


def _shipped(certificate: Path) -> bool:
    return certificate.parts[-3:-1] == ("theorems", "counterexamples")


def check_command(counterexample: Counterexample) -> str:
    """Return the command that checks a certificate, from any folder; nothing for an instance that rationals decide.

    One that ships goes by its name alone, which is short enough for one line.
    """
    evidence = counterexample.evidence
    if not isinstance(evidence, Path):
        return ""
    return f"thmverify check {evidence.stem if _shipped(evidence) else os.path.relpath(evidence)}"


def commands(statement: Statement) -> tuple[str, ...]:
    """Return the commands that check what is recorded of a statement: its certificates alone, then all of it."""
    checks = [command for c in statement.counterexamples if (command := check_command(c))]
    return (*checks, f"thmverify verify {statement.id}")
