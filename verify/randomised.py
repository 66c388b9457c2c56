"""Randomised verification: a statement tried on many random instances, reproducibly.

Instance number i depends on the seed, the statement and i alone, so the result does not depend on the number of jobs.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from thmverify import covering
from thmverify.covering import CoverReport
from thmverify.models import Instance
from thmverify.processes import each
from thmverify.proofs import checking
from thmverify.proofs.checking import ProofReport
from thmverify.statement import Statement
from thmverify.verdicts import Outcome, Status

if TYPE_CHECKING:
    from thmverify.proofs.evaluation import Evaluation

_CHUNK = 16


@dataclass(frozen=True)
class Trial:
    """One random instance: whether the hypotheses hold on it and, if so, its margin and the outcome."""

    index: int
    false_hypotheses: tuple[str, ...]
    margin: float = math.nan
    outcome: Outcome = Outcome.UNDECIDED
    reason: str = ""


@dataclass(frozen=True)
class Verification:
    """What randomised verification of one statement found.

    `discarded` counts instances on which a hypothesis is false; `margins` are those of the accepted ones, in the order
    drawn. `worst_margin` is the largest of them (positive = violated), at `worst_instance`, the sample number
    `worst_index` of this seed. `unconfirmed` says why the recorded status is not confirmed; it is empty when it is.
    `evaluation` is what was found when lines of the proof were evaluated on random instances of their hypotheses.
    """

    id: str
    status: Status
    seed: int
    instances: int
    accepted: int
    discarded: int
    outcomes: dict[Outcome, int]
    margins: tuple[float, ...]
    worst_margin: float | None
    worst_index: int | None
    worst_instance: Instance | None
    proof: ProofReport | None
    unconfirmed: str
    evaluation: Evaluation | None = None

    @property
    def confirmed(self) -> bool:
        """Whether the recorded status stands."""
        return not self.unconfirmed


def sample(statement: Statement, seed: int, index: int) -> Instance:
    """Return random instance number `index` of this seed."""
    return statement.sample(random.Random(f"{seed}:{statement.id}:{index}"))


def attempt(statement: Statement, seed: int, index: int) -> Trial:
    """Try the statement on random instance number `index` of this seed."""
    instance = sample(statement, seed, index)
    missing = statement.false_hypotheses(instance)
    if missing:
        return Trial(index, missing)
    verdict = statement.judge(statement.examine(instance))
    return Trial(index, (), statement.margin(instance), verdict.outcome, verdict.reason)


@dataclass(frozen=True)
class Known:
    """What a process has found out about a statement's proof and cover, for another process to take over."""

    proof: checking.Known | None
    cover: CoverReport | None


def known(statement: Statement) -> Known:
    """Return what this process has found out about a statement."""
    proof = None if statement.proof is None else checking.known(statement.proof)
    return Known(proof, None if statement.cover is None else covering.known(statement.cover))


def remember(statement: Statement, found: Known) -> None:
    """Take over what another process, started by this one or this one's parent, has found out."""
    if statement.proof is not None and found.proof is not None:
        checking.remember(statement.proof, found.proof)
    if statement.cover is not None and found.cover is not None:
        covering.remember(statement.cover, found.cover)


def _attempt_all(statement: Statement, found: Known, seed: int, indices: range) -> list[Trial]:
    remember(statement, found)
    return [attempt(statement, seed, index) for index in indices]


def _attempts(statement: Statement, instances: int, seed: int, jobs: int) -> Iterator[Trial]:
    """Yield the trials in order, as those before them are done."""
    if jobs <= 1:
        yield from (attempt(statement, seed, index) for index in range(instances))
        return
    chunks = [range(instances)[i : i + _CHUNK] for i in range(0, instances, _CHUNK)]
    tasks = [(statement, known(statement), seed, chunk) for chunk in chunks]
    done: dict[int, list[Trial]] = {}
    at = 0
    for number, trials in each(_attempt_all, tasks, jobs, __name__, "thmverify.losses.levels"):
        done[number] = trials
        while at in done:
            yield from done.pop(at)
            at += 1


def run(
    statement: Statement,
    instances: int,
    seed: int = 0,
    jobs: int = 1,
    progress: Callable[[int], None] | None = None,
    lines: int = 0,
    shown: bool = False,
) -> Verification:
    """Try a statement on random instances; `progress` is called with the number done after each.

    Each line of its proof, or each that is `shown` as a step, is evaluated on about `lines` random instances: a net
    under the kernel's rules.
    """
    proof = statement.checked
    if statement.cover is not None:
        _ = statement.cover.checked  # here, once, and not in each process
    evaluation = evaluated(statement, lines, seed, shown)
    trials = []
    for trial in _attempts(statement, instances, seed, jobs):
        trials.append(trial)
        if progress is not None:
            progress(len(trials))
    accepted = [t for t in trials if not t.false_hypotheses]
    # A margin that is no number is worse than any.
    worst = max(accepted, key=lambda t: math.inf if math.isnan(t.margin) else t.margin, default=None)
    return Verification(
        statement.id,
        statement.status,
        seed,
        instances,
        len(accepted),
        len(trials) - len(accepted),
        dict(Counter(t.outcome for t in accepted)),
        tuple(t.margin for t in accepted),
        None if worst is None else worst.margin,
        None if worst is None else worst.index,
        None if worst is None else sample(statement, seed, worst.index),
        proof,
        _unconfirmed(statement, accepted, proof, evaluation),
        evaluation,
    )


def run_all(
    statements: Sequence[Statement],
    instances: int,
    seed: int = 0,
    jobs: int = 1,
    progress: Callable[[int], None] = lambda _done: None,
    lines: int = 0,
) -> list[Verification]:
    """Try many statements as `run` tries one, each a job; `progress` is called with the number of instances done."""
    if jobs <= 1 or len(statements) == 1:
        before = range(0, len(statements) * instances, instances)
        return [
            run(s, instances, seed, jobs, partial(_later, progress, n), lines)
            for s, n in zip(statements, before, strict=True)
        ]
    tasks = [(s, known(s), instances, seed, lines) for s in statements]
    found: dict[int, Verification] = {}
    for number, verification in each(_run_apart, tasks, jobs, __name__, "thmverify.losses.levels"):
        found[number] = verification
        progress(len(found) * instances)
    return [found[i] for i in range(len(statements))]


def _later(progress: Callable[[int], None], before: int, done: int) -> None:
    progress(before + done)


def _run_apart(statement: Statement, before: Known, instances: int, seed: int, lines: int) -> Verification:
    remember(statement, before)
    return run(statement, instances, seed, lines=lines)


def evaluated(statement: Statement, lines: int, seed: int = 0, shown: bool = False) -> Evaluation | None:
    """Evaluate each line of the statement's proof, or each that is `shown` as a step.

    Each is tried on about so many random instances of its hypotheses; None when there is no proof, or no instance.
    """
    if not lines or statement.proof is None or statement.checked is None or not statement.checked.passed:
        return None
    from thmverify.proofs.evaluation import evaluate

    proposal = statement.proof.propose()
    return evaluate(proposal.trace, lines, seed, only={s.line for s in proposal.steps} if shown else None)


def true_on(statement: Statement, evaluation: Evaluation | None) -> dict[str, int]:
    """Return on how many random instances each step of a proof is true, by name; nothing when they were not tried."""
    if evaluation is None or statement.proof is None:
        return {}
    return {s.name: evaluation.instances(s.line) for s in statement.proof.propose().steps}


def _unconfirmed(
    statement: Statement, accepted: list[Trial], proof: ProofReport | None, evaluation: Evaluation | None
) -> str:
    """Return why the recorded status is not confirmed, or nothing."""
    if evaluation is not None and evaluation.counterexample is not None:
        return f"the proof is wrong: {evaluation.counterexample}"
    if not accepted:
        return "no random instance satisfied the hypotheses"
    failed = [t for t in accepted if t.outcome is Outcome.FAILED]
    refuted = failed or [t for t in accepted if t.outcome is Outcome.REFUTED]
    if statement.status is Status.REFUTED and not failed:
        known = refuted or statement.counterexamples
        return statement.unsupported() if known else "no counterexample is on record and none was met"
    if refuted:
        return f"instance {refuted[0].index}: {refuted[0].outcome}: {refuted[0].reason}"
    if statement.status is Status.OPEN:
        return ""
    violated = [t for t in accepted if not t.margin <= 0]
    if violated:
        return f"instance {violated[0].index} violates the conclusion by {violated[0].margin:.3g}"
    if proof is None:
        undecided = [t for t in accepted if t.outcome is not Outcome.PROVED]
        return f"instance {undecided[0].index} is undecided and there is no proof" if undecided else ""
    return f"the proof does not check: {statement.unproved}" if statement.unproved else ""


def run_alone(statement: Statement, instances: int = 50, seed: int = 0) -> int:
    """Check one statement and print what is found; return 0 when its status is confirmed and 1 when it is not."""
    print(f"{statement.id}: {statement.title} [{statement.status}]\n{statement.source}\n")
    print(statement.conclusion.sentence, "\n\nHypotheses")
    for hypothesis in statement.hypotheses:
        print(f"  {hypothesis.name}: {hypothesis.meaning}")
    found = run(statement, instances, seed)
    if found.proof is not None:
        print("\nProof")
        for step in found.proof.steps:
            print(f"  {step.name} ({step.rule}): {step.sentence}\n       {step.formula}")
        print(f"  [{'ok' if found.proof.passed else 'REJECTED'}] {found.proof.reason}")
    print(f"\nRandom instances (seed {seed}): {found.accepted} accepted, {found.discarded} discarded")
    print(f"  worst margin {found.worst_margin} at instance {found.worst_index} (positive = violated)")
    print(f"\n{'CONFIRMED' if found.confirmed else 'NOT CONFIRMED: ' + found.unconfirmed}")
    return 0 if found.confirmed else 1
