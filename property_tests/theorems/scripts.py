"""Ways to break a proof script, for the tests that see the checker reject every one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from sympy import Basic, Eq, Ge, Implies, MatrixSymbol, Rational
from sympy.core.relational import Relational
from sympy.matrices.expressions.matexpr import MatrixExpr

from verify.proofs import Checker, Proof, Step


def with_step(proof: Proof, name: str, **changes: Any) -> Proof:
    """Return the script with one step changed."""
    if not any(step.name == name for step in proof.steps):
        raise KeyError(name)
    steps = tuple(replace(step, **changes) if step.name == name else step for step in proof.steps)
    return replace(proof, steps=steps)


def with_check(proof: Proof, name: str, **changes: Any) -> Proof:
    """Return the script with the certificate of one step changed."""
    (step,) = (step for step in proof.steps if step.name == name)
    return with_step(proof, name, check=replace(step.check, **changes))


def without_step(proof: Proof, name: str) -> Proof:
    """Return the script without one step, and without the citations of it."""
    kept = (step for step in proof.steps if step.name != name)
    return replace(proof, steps=tuple(replace(s, premises=tuple(p for p in s.premises if p != name)) for s in kept))


def claim(proof: Proof, name: str) -> Any:
    """Return the claim of a step."""
    return next(step.claim for step in proof.steps if step.name == name)


def mutants(step: Step) -> Iterator[tuple[str, Any]]:
    """Yield wrong variants of a step's claim: signs, coefficients, directions, and one symbol for another."""
    yield from _relations(step.claim)
    for number in sorted(step.claim.atoms(Rational), key=str):
        if number not in (-1, 0, 1):  # −1 is also the exponent of an inverse
            yield f"{number} becomes {2 * number}", step.claim.xreplace({number: 2 * number})
            yield f"{number} becomes {-number}", step.claim.xreplace({number: -number})
    letters = sorted((a for a in step.claim.atoms(MatrixSymbol)), key=str)
    for old in letters:
        for new in letters:
            if old != new and old.shape == new.shape:
                yield f"{old} becomes {new}", step.claim.xreplace({old: new})


def _relations(formula: Any) -> Iterator[tuple[str, Any]]:
    for relation in sorted(formula.atoms(Relational), key=str):
        if isinstance(relation, Eq) and not _is_zero(relation.rhs):
            yield f"the sign of {relation.rhs}", _swap(formula, relation, Eq(relation.lhs, -relation.rhs))
        elif isinstance(relation, Ge):
            yield f"the direction of {relation}", _swap(formula, relation, Ge(-relation.lhs, -relation.rhs))
    if isinstance(formula, Implies):
        yield "the converse", Implies(formula.args[1], formula.args[0])


def _swap(formula: Any, old: Basic, new: Basic) -> Any:
    return new if formula == old else formula.xreplace({old: new})


def _is_zero(side: Any) -> bool:
    return bool(side.is_ZeroMatrix) if isinstance(side, MatrixExpr) else side == 0


def survivors(proof: Proof) -> Iterator[tuple[str, str, Any]]:
    """Yield each mutant of a claim with which the whole proof still checks: the step, the change and the claim."""
    for checker, step, later in _positions(proof):
        for change, wrong in mutants(step):
            if _checks(checker.copy(), (replace(step, claim=wrong), *later)):
                yield step.name, change, wrong


def unneeded(proof: Proof) -> Iterator[str]:
    """Yield the name of each step without which, and without the citations of which, the proof still checks."""
    for checker, step, later in _positions(proof):
        rest = (replace(s, premises=tuple(p for p in s.premises if p != step.name)) for s in later)
        if _checks(checker.copy(), rest):
            yield step.name


def _positions(proof: Proof) -> Iterator[tuple[Checker, Step, tuple[Step, ...]]]:
    """Yield, for each step, a checker that has gone through the steps before it, the step, and those after it."""
    checker = Checker(proof)
    for at, step in enumerate(proof.steps):
        yield checker, step, proof.steps[at + 1 :]
        checker.report(step)


def _checks(checker: Checker, steps: Iterable[Step]) -> bool:
    return all(checker.report(step).passed for step in steps) and checker.glue().passed


def rejection(proof: Proof) -> str:
    """Return why the script is rejected, at the first step that fails or at the glue; nothing when it checks."""
    checker = Checker(proof)
    for step in proof.steps:
        report = checker.report(step)
        if not report.passed:
            return f"{step.name}: {report.how}"
    glue = checker.glue()
    return "" if glue.passed else f"glue: {glue.how}"


def faults(proof: Proof, needed: Iterable[str]) -> list[str]:
    """Return what is wrong with a script, all its claims mutated and each step and each hypothesis left out in turn."""
    found = [] if proof.report.passed else [proof.report.reason]
    found += [f"{step}: {change}, and it checks" for step, change, _ in survivors(proof)]
    found += [f"{step} is not needed" for step in unneeded(proof)]
    used = {h.name for h in proof.hypotheses if rejection(proof.without(h.name))}
    return found + [f"{name} is needed, or not, against expectation" for name in sorted(used ^ set(needed))]
