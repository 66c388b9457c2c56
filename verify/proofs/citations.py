"""Citations of other statements' proofs, which are checked again and must mean the same by what is cited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from sympy import And, Basic, Implies, MatrixSymbol, Or, Symbol
from sympy.core.function import AppliedUndef

from verify.proofs.core import Check, Claim, Context, Finding, Kind, Proof, Step, check, conjuncts, entails, refuse


@dataclass(frozen=True)
class Cites(Check):
    """The claim is part of what another statement's checked proof concludes.

    All that the cited proof supposes is cited here. Each letter that the claim, or what is supposed, is made of,
    directly or through definitions, means the same in both scripts. One that the cited proof defines in its algebra is
    defined alike here. One to which a step there gives its meaning has all these properties here too, or no earlier
    step here speaks of it and it takes its meaning from there, or it is a proposition that the steps of both scripts
    only suppose, such as being a minimiser: it is known by its name, which says of what loss, and each script uses some
    of what follows from it.
    """

    kind: ClassVar[Kind] = Kind.CITES
    id: str
    proof: Proof

    def verify(self, claim: Claim, context: Context) -> Finding:
        """Re-check the cited proof; its premises must be cited here and its conclusion must entail the claim."""
        supposed = {h.name: h.formula for h in self.proof.hypotheses} | {g.name: g.claim for g in self.proof.givens}
        missing = [name for name, fact in supposed.items() if not all(map(context.cites, conjuncts(fact)))]
        if missing:
            return refuse(f"{self.id} also supposes {', '.join(missing)}, which is not cited")
        other = self._meant_otherwise(claim, supposed.values(), context)
        if other:
            return refuse(f"{self.id} means something else by {', '.join(other)}")
        report = check(self.proof)
        if not report.passed:
            return refuse(f"the proof of {self.id} does not check: {report.reason}")
        if not entails(self.proof.conclusion, claim, self.proof.algebra):
            return refuse(f"the conclusion of {self.id} does not entail the claim")
        return Finding(True, f"the proof of {self.id} checks and its conclusion entails the claim")

    def _meant_otherwise(self, claim: Claim, supposed: Iterable[Claim], context: Context) -> list[str]:
        """Return the letters that the claim, or what is supposed, is made of and that mean something else here."""
        here, there = context.algebra.definitions, self.proof.algebra.definitions
        properties = _properties(self.proof.steps)
        left, seen, other = _letters(claim).union(*map(_letters, supposed)), set[Basic](), list[str]()
        while left:
            letter = left.pop()
            seen.add(letter)
            if here.get(letter) != there.get(letter):
                other.append(str(letter))
                continue
            made_of = [there[letter]] if letter in there else []
            if letter in properties and not self._only_supposed(letter, claim, context):
                if not _alike(letter, properties[letter], context):
                    other.append(str(letter))
                made_of += properties[letter]
            left = left.union(*map(_letters, made_of)) - seen
        return sorted(other)

    def _only_supposed(self, proposition: Basic, claim: Claim, context: Context) -> bool:
        """Return whether a proposition stands in no step but as something that the step supposes."""
        claims = [claim, *(step.claim for step in (*context.earlier, *self.proof.steps))]
        return all(_supposes(part, proposition) for c in claims for part in conjuncts(c) if part.has(proposition))


def _letters(expression: Basic) -> set[Basic]:
    """Return the symbols, matrices and functions of an expression."""
    return {*expression.atoms(MatrixSymbol, Symbol), *(call.func for call in expression.atoms(AppliedUndef))}


def _properties(steps: Iterable[Step]) -> Mapping[Basic, tuple[Claim, ...]]:
    """Return, for each letter to which a step gives its meaning, what that step says."""
    return {letter: conjuncts(step.claim) for step in steps for letter in step.introduced}


def _alike(letter: Basic, properties: tuple[Claim, ...], context: Context) -> bool:
    """Return whether the earlier steps give a letter all these properties, or do not speak of it."""
    stated = _properties(context.earlier).get(letter)
    if stated is None:
        return not any(step.claim.has(letter) for step in context.earlier)
    return set(properties) <= set(stated)


def _supposes(part: Claim, proposition: Basic) -> bool:
    """Return whether a claim is an implication that supposes a proposition and says something else."""
    match part:
        case Implies(args=(And() | Or() as given, wanted)):
            return proposition in given.args and not wanted.has(proposition)
        case Implies(args=(given, wanted)):
            return bool(given == proposition) and not wanted.has(proposition)
        case _:
            return False
