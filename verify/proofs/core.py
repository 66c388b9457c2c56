"""Proofs, steps and the checker that goes through them.

What is trusted: SymPy's arithmetic, the rules that the check classes name (Jensen, the closed form of the Gaussian
moment generating function, …), and the definitions, which are printed as such. What is not trusted: the script. The
checker refuses a premise that is neither a hypothesis nor an earlier step, a claim that its check does not establish,
contradictory claims, and a conclusion that does not follow propositionally from the claims that passed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

from sympy import And, Basic, Equivalent, Implies, Not, Or, Symbol, expand, latex, srepr
from sympy.core.relational import Equality, GreaterThan, LessThan, Relational, StrictGreaterThan, StrictLessThan
from sympy.core.relational import Unequality as Unequal
from sympy.logic.boolalg import Boolean, BooleanFalse, BooleanTrue
from sympy.logic.inference import satisfiable

from verify.proofs.algebra import Algebra

Claim: TypeAlias = Any  # a SymPy Boolean; SymPy carries no types
_CONNECTIVES = (And, Or, Not, Implies, Equivalent)


class Kind(StrEnum):
    """The reasons that the checker knows."""

    DEFINITION = "definition"
    IDENTITY = "identity"
    GAUSSIAN_MOMENT = "gaussian-moment"
    CONVEX = "convex"
    JENSEN = "jensen"
    PSD = "psd"
    SUM_OF_SQUARES = "sum-of-squares"
    CITES = "cites"
    ASSUMED = "assumed"


@dataclass(frozen=True)
class Finding:
    """What a check found: whether the claim is established, and how, or why not."""

    passed: bool
    how: str


@dataclass(frozen=True)
class Given:
    """A condition on the objects that the theorem is quantified over, e.g. "A has independent columns"."""

    name: str
    sentence: str


@dataclass(frozen=True)
class Context:
    """What a check may use: the algebra, the steps it cites by name, and all that those rest on.

    `grounds` holds the names of the hypotheses, givens and steps that the step rests on, directly or not; `earlier`
    the steps that stand before it.
    """

    algebra: Algebra
    cited: Mapping[str, Step]
    grounds: frozenset[str]
    earlier: tuple[Step, ...]

    def claim(self, name: str) -> Claim | None:
        """Return the claim of a cited step, or None when it is not cited."""
        step = self.cited.get(name)
        return None if step is None else step.claim


class Check(ABC):
    """A reason that the checker knows how to verify."""

    kind: ClassVar[Kind]

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


@dataclass(frozen=True)
class Assumed(Check):
    """No check at all; the step shows as assumed everywhere."""

    kind: ClassVar[Kind] = Kind.ASSUMED

    def verify(self, claim: Claim, context: Context) -> Finding:  # noqa: ARG002
        """Pass, saying so."""
        return Finding(True, "ASSUMED: nothing was checked")


@dataclass(frozen=True)
class Cites(Check):
    """The claim is part of what another statement's checked proof concludes."""

    kind: ClassVar[Kind] = Kind.CITES
    id: str
    proof: Proof

    def verify(self, claim: Claim, context: Context) -> Finding:  # noqa: ARG002
        """Re-check the cited proof; its conclusion must entail the claim."""
        report = check(self.proof)
        if not report.passed:
            return Finding(False, f"the proof of {self.id} does not check: {report.reason}")
        if _consistent(_skeleton(self.proof.conclusion), Not(_skeleton(claim))):
            return Finding(False, f"the conclusion of {self.id} does not entail the claim")
        how = f"the proof of {self.id} checks and its conclusion entails the claim"
        return Finding(True, f"{how}{'; it rests on an assumed step' if report.assumed else ''}")


@dataclass(frozen=True)
class Proof:
    """A proof script: the names of the hypotheses, the givens, the steps in order and the conclusion.

    `algebra` says what the matrix symbols stand for. Steps refer to hypotheses, givens and earlier steps by name.
    """

    hypotheses: tuple[str, ...]
    algebra: Algebra
    steps: tuple[Step, ...]
    conclusion: Claim
    givens: tuple[Given, ...] = ()

    def without(self, hypothesis: str) -> Proof:
        """Return the same script with one hypothesis fewer to rest on."""
        return replace(self, hypotheses=tuple(h for h in self.hypotheses if h != hypothesis))

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
    latex: str
    premises: tuple[str, ...]
    how: str
    passed: bool

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
    passed: dict[str, Step] = {}
    grounds: dict[str, frozenset[str]] = {name: frozenset({name}) for name in _ground_names(proof)}
    reports = []
    earlier: list[Step] = []
    for step in proof.steps:
        finding = _verify(step, proof.algebra, passed, grounds, tuple(earlier))
        if finding.passed:
            passed[step.name] = step
            rests_on = frozenset().union(*(grounds[p] for p in step.premises))
            grounds[step.name] = rests_on | {step.name}
        earlier.append(step)
        reports.append(
            StepReport(
                step.name, step.check.kind, step.sentence, step.latex, step.premises, finding.how, finding.passed
            )
        )
    return ProofReport(tuple(reports), _glue(proof, passed))


def _ground_names(proof: Proof) -> tuple[str, ...]:
    return proof.hypotheses + tuple(g.name for g in proof.givens)


def _verify(
    step: Step,
    algebra: Algebra,
    passed: Mapping[str, Step],
    grounds: Mapping[str, frozenset[str]],
    earlier: tuple[Step, ...],
) -> Finding:
    """Check one step against the names established before it."""
    if step.name in grounds or any(e.name == step.name for e in earlier):
        return Finding(False, f"the name {step.name} is taken")
    unknown = [p for p in step.premises if p not in grounds]
    if unknown:
        return Finding(False, f"premise {', '.join(unknown)}: neither a hypothesis nor an earlier step that passed")
    rests_on = frozenset().union(*(grounds[p] for p in step.premises))
    missing = algebra.grounds(step.claim) - rests_on - {step.name}
    if missing:
        return Finding(False, f"the claim uses symbols that {', '.join(sorted(missing))} justifies, without citing it")
    cited = {name: passed[name] for name in step.premises if name in passed}
    return step.check.verify(step.claim, Context(algebra, cited, rests_on, earlier))


def _glue(proof: Proof, passed: Mapping[str, Step]) -> Finding:
    """Decide propositionally whether the claims that passed give the conclusion."""
    facts: list[Any] = [Symbol(f"given:{name}") for name in _ground_names(proof)]
    for step in passed.values():
        premises = [_skeleton(passed[p].claim) if p in passed else Symbol(f"given:{p}") for p in step.premises]
        facts.append(Implies(And(*premises), _skeleton(step.claim)))
    if not _consistent(*facts):
        return Finding(False, "the claims of the steps contradict each other")
    if _consistent(*facts, Not(_skeleton(proof.conclusion))):
        return Finding(False, "the conclusion does not follow from the steps that passed")
    return Finding(True, "the negated conclusion is unsatisfiable together with the hypotheses and the steps")


def _consistent(*formulas: Claim) -> bool:
    return satisfiable(And(*formulas)) is not False


def _skeleton(claim: Claim) -> Claim:
    """Return the propositional skeleton of a claim: each relation and each named proposition becomes an atom.

    A strict inequality is the negation of the opposite weak one; sides are brought together, so that a ≤ b, b ≥ a and
    b − a ≥ 0 are one atom.
    """
    match claim:
        case BooleanTrue() | BooleanFalse() | Symbol():
            return claim
        case And() | Or() | Not() | Implies() | Equivalent():
            return claim.func(*(_skeleton(a) for a in claim.args))
        case GreaterThan():
            return _atom("nonnegative", claim.lhs - claim.rhs)
        case LessThan():
            return _atom("nonnegative", claim.rhs - claim.lhs)
        case StrictGreaterThan():
            return Not(_atom("nonnegative", claim.rhs - claim.lhs))
        case StrictLessThan():
            return Not(_atom("nonnegative", claim.lhs - claim.rhs))
        case Unequal():
            return Not(_skeleton(Equality(claim.lhs, claim.rhs, evaluate=False)))
        case Relational() | Boolean():
            return Symbol(srepr(claim))
        case _:
            raise TypeError(f"{claim} is not a claim")


def _atom(name: str, expression: Basic) -> Symbol:
    return Symbol(f"{name}:{srepr(expand(expression))}")
