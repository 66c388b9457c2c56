"""Definitions: the steps by which a script gives its letters and propositions a meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sympy import Basic, Eq, Equivalent, Implies, Not, Or, Symbol
from sympy.core.function import AppliedUndef
from sympy.core.relational import Equality

from verify.proofs.algebra import Expression
from verify.proofs.core import Check, Claim, Context, Finding, Kind, conjuncts, refuse


@dataclass(frozen=True)
class Definition(Check):
    """The claim introduces symbols or named propositions that no earlier step speaks of; it says what they mean.

    Each part of the claim is one of: name = formula; proposition ⟺ formula, or proposition ⟹ formula where only this
    consequence of its meaning is used; or a stated property of an introduced object, such as the law of a random
    column. The first two add nothing to what can be proved about older symbols; the last is the setting itself.
    """

    kind: ClassVar[Kind] = Kind.DEFINITION
    introduces: tuple[Basic, ...]

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """The symbols and propositions that the script names."""
        return self.introduces

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Each part of the claim defines or describes an introduced symbol."""
        if not self.introduces:
            return refuse("a definition introduces something")
        for symbol in self.introduces:
            if not claim.has(symbol):
                return refuse(f"the claim does not speak of {symbol}")
        parts = conjuncts(claim)
        for part in parts:
            if not part.has(*self.introduces):
                return refuse(f"{part} says nothing of what is introduced")
            if isinstance(part, Equality) and part.lhs in context.algebra.definitions:
                finding = context.equal(part.lhs, part.rhs)
                if not finding.passed:
                    return refuse(f"{part.lhs} stands for something else in this script: {finding.how}")
            if isinstance(part, (Implies, Equivalent, Or, Not, Symbol)) and not self._names(part):
                return refuse(f"{part} does not say what a new proposition means")
        names = ", ".join(str(s) for s in self.introduces)
        if all(self._names(part) or self._equates(part) for part in parts):
            return Finding(True, f"an explicit definition of {names}, unused before")
        return Finding(True, f"introduces {names}, unused before, by these properties: the setting of the statement")

    def _names(self, part: Claim) -> bool:
        """Return whether a part is P ⟺ formula or P ⟹ formula with P new and not in the formula."""
        if not isinstance(part, (Implies, Equivalent)):
            return False
        proposition, *formula = (
            part.args if isinstance(part, Implies) else sorted(part.args, key=self._is_new, reverse=True)
        )
        return self._is_new(proposition) and len(formula) == 1 and not formula[0].has(proposition)

    def _is_new(self, proposition: Basic) -> bool:
        return isinstance(proposition, Symbol) and proposition in self.introduces

    def _equates(self, part: Claim) -> bool:
        """Return whether a part is name = formula, or name(argument) = formula, with the name new."""
        if not isinstance(part, Equality):
            return False
        name = part.lhs.func if isinstance(part.lhs, AppliedUndef) else part.lhs
        return name in self.introduces and not part.rhs.has(name)


@dataclass(frozen=True)
class Existential(Check):
    """A named proposition means that an equation has a solution.

    The claim is (proposition ⟹ equation in a fresh symbol) ∧ (equation at the witness ⟹ proposition).
    """

    kind: ClassVar[Kind] = Kind.DEFINITION
    proposition: Symbol
    equation: Equality
    unknown: Basic
    witness: Expression

    @property
    def claim(self) -> Claim:
        """The claim that this definition makes."""
        at_witness = Eq(self.equation.lhs, self.equation.rhs.subs(self.unknown, self.witness))
        return Implies(self.proposition, self.equation) & Implies(at_witness, self.proposition)

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """The proposition and the unknown."""
        return self.proposition, self.unknown

    def verify(self, claim: Claim, context: Context) -> Finding:  # noqa: ARG002
        """The claim is the expected one, and the unknown stands only in the place it is solved for."""
        if claim != self.claim:
            return refuse("the claim is not the two halves of the definition")
        if self.witness.has(self.unknown) or self.equation.lhs.has(self.unknown):
            return refuse(f"{self.unknown} stands outside the place it is solved for")
        return Finding(True, f"a definition of {self.proposition}: the equation is solvable for {self.unknown}")
