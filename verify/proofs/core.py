"""Proofs, steps and the checker that goes through them.

What is trusted: SymPy's arithmetic, the rules that the check classes name (Jensen, the closed form of the Gaussian
moment generating function, …), and the definitions, which are printed as such. What is not trusted: the script. The
checker refuses a premise that is neither a hypothesis nor an earlier step, a claim that its check does not establish,
contradictory claims, and a conclusion that does not follow propositionally from the claims that passed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

from sympy import And, Basic, Equivalent, Implies, Not, Or, Symbol, latex, srepr
from sympy.core.relational import (
    Equality,
    GreaterThan,
    LessThan,
    StrictGreaterThan,
    StrictLessThan,
    Unequality,
)
from sympy.logic.boolalg import Boolean, BooleanFalse, BooleanTrue
from sympy.logic.inference import satisfiable

from verify.hypotheses import Hypothesis
from verify.proofs.algebra import Algebra

Claim: TypeAlias = Any  # a SymPy Boolean; SymPy carries no types


class Kind(StrEnum):
    """The reasons that the checker knows."""

    DEFINITION = "definition"
    IDENTITY = "identity"
    GAUSSIAN_MOMENT = "gaussian-moment"
    CONVEX = "convex"
    JENSEN = "jensen"
    PSD = "psd"
    SUM_OF_SQUARES = "sum-of-squares"
    SPECTRAL = "spectral"
    CITES = "cites"
    ASSUMED = "assumed"


@dataclass(frozen=True)
class Finding:
    """What a check found: whether the claim is established, and how, or why not."""

    passed: bool
    how: str


def refuse(reason: str) -> Finding:
    """Return the finding that a claim is not established."""
    return Finding(False, reason)


@dataclass(frozen=True)
class Given:
    """A condition on the objects that the theorem is quantified over, e.g. "A has independent columns"."""

    name: str
    claim: Claim
    sentence: str

    @property
    def latex(self) -> str:
        """The condition as LaTeX."""
        return str(latex(self.claim))


@dataclass(frozen=True)
class Context:
    """What a check may use: the algebra, the claims and steps that are cited by name, and all that those rest on.

    `claims` maps each cited name, a hypothesis, a given or a step, to its formula; `steps` the cited steps alone.
    `grounds` holds the names of all that the step rests on, directly or not; `earlier` the steps that stand before it.
    """

    algebra: Algebra
    claims: Mapping[str, Claim]
    steps: Mapping[str, Step]
    grounds: frozenset[str]
    earlier: tuple[Step, ...]

    def cites(self, fact: Claim) -> bool:
        """Return whether a cited claim is this very fact, or a conjunction that holds it."""
        return any(fact in conjuncts(claim) for claim in self.claims.values())

    def facts(self, form: type) -> list[Any]:
        """Return the conjuncts of the cited claims that have this form."""
        return [fact for claim in self.claims.values() for fact in conjuncts(claim) if isinstance(fact, form)]

    def knows(self, *factors: Any) -> bool:
        """Return whether the algebra knows every inverse in these factors, and what is cited entitles the step to them.

        SymPy cancels X⁻¹X whatever X is, before the algebra sees it: factors are looked at one by one, unmultiplied.
        """
        return all(self.equal(factor, factor).passed for factor in factors if isinstance(factor, Basic))

    def equal(self, left: Basic, right: Basic) -> Finding:
        """Decide left = right in the algebra; symbols that nothing cited entitles the step to are refused."""
        missing = (self.algebra.grounds(left) | self.algebra.grounds(right)) - self.grounds
        if missing:
            return Finding(False, f"symbols are used that {', '.join(sorted(missing))} justifies, without citing it")
        try:
            return Finding(*self.algebra.equal(left, right))
        except ZeroDivisionError:  # at random rational points: the matrix is singular everywhere
            return Finding(False, "a matrix that the script inverts is singular")
        except (TypeError, ValueError) as error:
            return Finding(False, str(error))


def conjuncts(claim: Claim) -> tuple[Claim, ...]:
    """Return the parts of a conjunction, or the claim itself."""
    return tuple(claim.args) if isinstance(claim, And) else (claim,)


class Check(ABC):
    """A reason that the checker knows how to verify."""

    kind: ClassVar[Kind]

    def introduced(self, _: Claim) -> tuple[Basic, ...]:
        """Return the letters and propositions to which the claim gives their meaning, so that none had one before."""
        return ()

    @abstractmethod
    def verify(self, claim: Claim, context: Context) -> Finding:
        """Decide whether the claim follows from the cited premises; never raises for a wrong claim."""


@dataclass(frozen=True)
class Step:
    """One step: a claim, in words and as a SymPy object, the names of its premises, and the check."""

    name: str
    sentence: str
    claim: Claim
    premises: tuple[str, ...]
    check: Check

    @property
    def latex(self) -> str:
        """The claim as LaTeX."""
        return str(latex(self.claim))

    @property
    def introduced(self) -> tuple[Basic, ...]:
        """The letters and propositions to which the step gives their meaning."""
        return self.check.introduced(self.claim)


@dataclass(frozen=True)
class Assumed(Check):
    """No check at all; the step shows as assumed everywhere."""

    kind: ClassVar[Kind] = Kind.ASSUMED

    def verify(self, claim: Claim, context: Context) -> Finding:  # noqa: ARG002
        """Pass, saying so."""
        return Finding(True, "ASSUMED: nothing was checked")


@dataclass(frozen=True)
class Proof:
    """A proof script: the hypotheses, the givens, the steps in order and the conclusion.

    `algebra` says what the matrix symbols stand for. Steps refer to hypotheses, givens and earlier steps by name.
    """

    hypotheses: tuple[Hypothesis, ...]
    algebra: Algebra
    steps: tuple[Step, ...]
    conclusion: Claim
    givens: tuple[Given, ...] = ()

    def without(self, hypothesis: str) -> Proof:
        """Return the same script with one hypothesis fewer to rest on."""
        return replace(self, hypotheses=tuple(h for h in self.hypotheses if h.name != hypothesis))

    @property
    def latex(self) -> str:
        """The conclusion as LaTeX."""
        return str(latex(self.conclusion))

    @cached_property
    def report(self) -> ProofReport:
        """The checker's report, computed once."""
        return _check(self)


@dataclass(frozen=True)
class StepReport:
    """What the checker says about one step."""

    name: str
    kind: Kind
    sentence: str
    claim: Claim
    premises: tuple[str, ...]
    how: str
    passed: bool

    @property
    def latex(self) -> str:
        """The claim as LaTeX."""
        return str(latex(self.claim))

    @property
    def assumed(self) -> bool:
        """Whether the step was taken without a check."""
        return self.kind is Kind.ASSUMED


@dataclass(frozen=True)
class ProofReport:
    """What the checker says about a proof: every step, the glue, and the reason when it is rejected."""

    steps: tuple[StepReport, ...]
    glue: Finding

    @property
    def passed(self) -> bool:
        """Whether every step passed, none was assumed, and the conclusion follows."""
        return bool(self.steps) and self.glue.passed and not self.assumed and all(s.passed for s in self.steps)

    @property
    def assumed(self) -> tuple[str, ...]:
        """The names of the steps taken without a check."""
        return tuple(s.name for s in self.steps if s.assumed)

    @property
    def reason(self) -> str:
        """Why the proof is rejected, or that it is not."""
        failed = [f"step {s.name}: {s.how}" for s in self.steps if not s.passed]
        failed += [f"step {name} is assumed" for name in self.assumed]
        failed += [] if self.glue.passed else [f"glue: {self.glue.how}"]
        return "; ".join(failed) or "every step is checked and the conclusion follows"


def check(proof: Proof) -> ProofReport:
    """Check a proof script, step by step and as a whole."""
    return proof.report


def _check(proof: Proof) -> ProofReport:
    checker = Checker(proof)
    return ProofReport(tuple(checker.report(step) for step in proof.steps), checker.glue())


class Checker:
    """Goes through a proof's steps in order; holds what is established so far."""

    def __init__(self, proof: Proof) -> None:
        self._proof = proof
        self._claims: dict[str, Claim] = {h.name: h.formula for h in proof.hypotheses}
        self._claims |= {g.name: g.claim for g in proof.givens}
        self._skeletons = {name: _skeleton(claim, proof.algebra) for name, claim in self._claims.items()}
        self._facts: list[Claim] = list(self._skeletons.values())
        self._grounds = {name: frozenset({name}) for name in self._claims}
        self._passed: dict[str, Step] = {}
        self._earlier: list[Step] = []

    def copy(self) -> Checker:
        """Return a checker with the same steps behind it, that goes its own way from here."""
        other = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, (dict, list)):
                setattr(other, name, copy(value))
        return other

    def report(self, step: Step) -> StepReport:
        """Check one step and, if it passes, admit its claim."""
        finding = self._verify(step)
        self._earlier.append(step)
        if finding.passed:
            skeleton = _skeleton(step.claim, self._proof.algebra)
            self._facts.append(Implies(And(*(self._skeletons[p] for p in step.premises)), skeleton))
            self._skeletons[step.name] = skeleton
            self._grounds[step.name] = self._rests_on(step) | {step.name}
            self._claims[step.name] = step.claim
            self._passed[step.name] = step
        kind = step.check.kind
        return StepReport(step.name, kind, step.sentence, step.claim, step.premises, finding.how, finding.passed)

    def _rests_on(self, step: Step) -> frozenset[str]:
        return frozenset[str]().union(*(self._grounds[p] for p in step.premises))

    def _verify(self, step: Step) -> Finding:
        if step.name in self._claims or any(e.name == step.name for e in self._earlier):
            return Finding(False, f"the name {step.name} is taken")
        unknown = [p for p in step.premises if p not in self._claims]
        if unknown:
            return Finding(False, f"premise {', '.join(unknown)}: neither a hypothesis nor an earlier step that passed")
        spoken = [given.claim for given in self._proof.givens] + [earlier.claim for earlier in self._earlier]
        known = [str(x) for x in step.introduced if any(claim.has(x) for claim in spoken)]
        if known:
            return Finding(False, f"{', '.join(known)} cannot be introduced: it has a meaning already")
        # A definition may speak of the symbols it introduces; any other step must cite what entitles it to its symbols.
        itself = {step.name} if step.check.kind is Kind.DEFINITION else set()
        grounds = self._rests_on(step) | itself
        missing = self._proof.algebra.grounds(step.claim) - grounds
        if missing:
            names = ", ".join(sorted(missing))
            return Finding(False, f"the claim has symbols that {names} justifies, without citing it")
        claims = {p: self._claims[p] for p in step.premises}
        steps = {p: self._passed[p] for p in step.premises if p in self._passed}
        context = Context(self._proof.algebra, claims, steps, grounds, tuple(self._earlier))
        try:
            return step.check.verify(step.claim, context)
        except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
            return Finding(False, f"the check can make no sense of the claim: {error}")

    def glue(self) -> Finding:
        """Decide propositionally whether the claims that passed give the conclusion."""
        if not _consistent(*self._facts):
            return Finding(False, "the claims of the steps contradict each other")
        if _consistent(*self._facts, Not(_skeleton(self._proof.conclusion, self._proof.algebra))):
            return Finding(False, "the conclusion does not follow from the steps that passed")
        return Finding(True, "the negated conclusion is unsatisfiable together with the hypotheses and the steps")


def entails(premise: Claim, claim: Claim, algebra: Algebra) -> bool:
    """Decide whether a claim follows propositionally from another."""
    return not _consistent(_skeleton(premise, algebra), Not(_skeleton(claim, algebra)))


def _consistent(*formulas: Claim) -> bool:
    return satisfiable(And(*formulas)) is not False


def _skeleton(claim: Claim, algebra: Algebra) -> Claim:
    """Return the propositional skeleton of a claim: each relation and each named proposition becomes an atom.

    A strict inequality is the negation of the opposite weak one. An atom is known by the normal form of the difference
    of its two sides, so that a ≤ b, b ≥ a and b − a ≥ 0 are one atom.
    """
    match claim:
        case BooleanTrue() | BooleanFalse() | Symbol():
            return claim
        case And() | Or() | Not() | Implies() | Equivalent():
            return claim.func(*(_skeleton(a, algebra) for a in claim.args))
        case GreaterThan():
            return _atom("nonnegative", claim.lhs - claim.rhs, algebra)
        case LessThan():
            return _atom("nonnegative", claim.rhs - claim.lhs, algebra)
        case StrictGreaterThan():
            return Not(_atom("nonnegative", claim.rhs - claim.lhs, algebra))
        case StrictLessThan():
            return Not(_atom("nonnegative", claim.lhs - claim.rhs, algebra))
        case Equality():
            difference = claim.lhs - claim.rhs
            return min(_atom("zero", difference, algebra), _atom("zero", -difference, algebra), key=str)
        case Unequality():
            return Not(_skeleton(Equality(claim.lhs, claim.rhs, evaluate=False), algebra))
        case Boolean():
            return Symbol(srepr(claim))
        case _:
            raise TypeError(f"{claim} is not a claim")


def _atom(name: str, expression: Any, algebra: Algebra) -> Symbol:
    try:
        words = sorted((str(word), srepr(c)) for word, c in algebra.normal_form(expression).items())
    except TypeError:  # outside the algebra: known by its form alone
        return Symbol(f"{name}:{srepr(expression)}")
    return Symbol(f"{name}:{words}")
