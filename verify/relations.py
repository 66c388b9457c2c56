"""Conclusions as formulas: one SymPy relation is what is printed, evaluated, certified and hunted.

Its symbols are the quantities of a record, and the kernel evaluates it, exactly or in balls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sympy import And, Eq, Ge, Gt, Implies, Le, Lt, Ne, Not, Or, latex

from thmverify.certifying.formulas import Expression, FormulaCertificate, certify, from_sympy, margins
from thmverify.errors import InputError
from thmverify.kernel.formulas import VerifiedFormula
from thmverify.kernel.strict import digest
from thmverify.models import Floats, Instance, Record
from thmverify.verdicts import Outcome, Provenance, Verdict
from thmverify.vocabulary import Formula


@dataclass(frozen=True)
class Relation:
    """A claim of one's own: its name, and its formula, a SymPy relation.

    `definitions` are quantities that the formula speaks of by name, each in terms of those before it.

    >>> from sympy import Symbol
    >>> square = Relation("square", Symbol("x") ** 2 <= 2)
    >>> square(Instance(Record(x="7/5"))).outcome
    <Outcome.PROVED: 'proved'>
    """

    name: str
    formula: Formula
    definitions: Mapping[str, Formula] = field(default_factory=dict, hash=False)

    @property
    def latex(self) -> str:
        """The formula as LaTeX."""
        return str(latex(self.formula))

    @property
    def expression(self) -> Expression:
        """The formula in the kernel's grammar. Raises InputError when the grammar has no word for a part of it."""
        return from_sympy(self.formula)

    @property
    def _defined(self) -> dict[str, Expression]:
        return {name: from_sympy(term) for name, term in self.definitions.items()}

    def __call__(self, instance: Instance) -> Verdict:
        """Return the kernel's verdict on an instance."""
        return self.decide(instance)[0]

    def decide(self, instance: Instance) -> tuple[Verdict, bytes | None]:
        """Return the kernel's verdict on an instance, and the certificate that it is read off when it is decided.

        Raises InputError when the formula speaks of what the instance does not have.
        """
        found = certify(self.name, self.expression, instance, self._defined)
        if not isinstance(found, FormulaCertificate):
            reason = f"neither the formula nor its negation is certain: {found.reason}"
            return Verdict(self.name, Outcome.UNDECIDED, reason, found.margin, Provenance.ENCLOSED), None
        truth = "true" if found.outcome is Outcome.PROVED else "false"
        reason = f"the kernel evaluates the formula: it is {truth} on this instance"
        return Verdict(self.name, found.outcome, reason, provenance=Provenance.EXACT), found.data

    def margin(self, instance: Instance) -> float:
        """Return a float that is at most 0 where the formula looks true, and positive where it looks violated.

        Raises InputError for an instance that is no record.
        """
        if not isinstance(instance.model, Record):
            raise InputError("model", instance.kind, "is no record", 'use "record"')
        batch = {name: np.asarray([_floats(value)]) for name, value in instance.model.entries}
        return float(self.margins(batch)[0])

    def margins(self, batch: Mapping[str, ArrayLike]) -> Floats:
        """Return the margin on each record of a batch (see `thmverify.certifying.formulas.margins`)."""
        return margins(self.expression, batch, self._defined)

    def truth_of(self, found: VerifiedFormula) -> bool | None:
        """Return what a certificate says of the formula: true, false, or nothing when it is about another one."""
        meant, node = [[name, term.node] for name, term in self._defined.items()], self.expression.node
        if found.statement == digest([self.name, meant, node]):
            return True
        return False if found.statement == digest([f"not-{self.name}", meant, ["not", node]]) else None

    @property
    def sentence(self) -> str:
        """The formula in words that can be read aloud."""
        return f"{_said(self.formula)}."


def _floats(value: Any) -> Any:
    return [_floats(x) for x in value] if isinstance(value, tuple) else float(value)


_SIGNS = {Lt: "<", Le: "≤", Gt: ">", Ge: "≥", Eq: "=", Ne: "≠"}


def _said(formula: Any) -> str:
    for kind, sign in _SIGNS.items():
        if isinstance(formula, kind):
            return f"{formula.lhs} {sign} {formula.rhs}".replace("**", "^")
    match formula:
        case And() | Or():
            joint = " and " if isinstance(formula, And) else " or "
            return joint.join(_said(part) for part in formula.args)
        case Not():
            return f"not {_said(formula.args[0])}"
        case Implies():
            return f"if {_said(formula.args[0])} then {_said(formula.args[1])}"
    return str(formula)
