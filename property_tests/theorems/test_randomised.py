"""Randomised verification is reproducible, does not depend on the number of jobs, and can fail."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from thmverify.models import Instance
from thmverify.randomised import attempt, run, run_all, sample
from thmverify.sampling import random_instance
from thmverify.statement import Statement
from thmverify.theorems import REGISTRY
from thmverify.verdicts import Outcome, Status, Verdict

each_statement = pytest.mark.parametrize("statement", REGISTRY.values(), ids=REGISTRY)
LEMMA = REGISTRY["lemma-4.2"]


@each_statement
def test_recorded_status_is_confirmed(statement: Statement) -> None:
    found = run(statement, 30, seed=1)
    assert found.confirmed, found.unconfirmed
    assert found.accepted >= 27
    assert found.accepted + found.discarded == 30
    assert max(found.margins) == found.worst_margin
    assert Outcome.FAILED not in found.outcomes
    if statement.status is Status.PROVED:
        assert found.outcomes == {Outcome.PROVED: found.accepted}
        assert max(found.margins) <= 0


def test_infonce_slope_is_at_least_what_the_proof_says() -> None:
    found = run(REGISTRY["infonce-inclusion"], 150, seed=2)
    assert found.worst_margin == pytest.approx(-1, abs=1e-6) or found.worst_margin < -1  # type: ignore[operator]


@each_statement
def test_an_instance_and_what_is_found_of_it_come_again(statement: Statement) -> None:
    for index in range(10):
        assert sample(statement, 5, index) == sample(statement, 5, index)
    assert attempt(statement, 5, 0) == attempt(statement, 5, 0)


@pytest.mark.parametrize("name", ["infonce-inclusion", "pca-equality", "infonce-equality-three", "clip-top-r"])
def test_jobs_and_repetition_change_nothing(name: str) -> None:
    """A proof, a counterexample, a cover, a paired mixture: whatever a process has to be told of a statement."""
    statement = REGISTRY[name]
    alone, again, shared = run(statement, 20, seed=5), run(statement, 20, seed=5), run(statement, 20, seed=5, jobs=2)
    assert alone == again == shared
    assert name != "infonce-inclusion" or run(statement, 20, seed=6).margins != alone.margins


def test_many_statements_at_once_are_each_by_itself() -> None:
    statements = [REGISTRY[name] for name in ("lemma-4.2", "pca-equality", "spectral-equality")]
    seen: list[int] = []
    together = run_all(statements, 5, seed=5, jobs=2, progress=seen.append)
    assert together == run_all(statements, 5, seed=5) == [run(s, 5, seed=5) for s in statements]
    assert seen == [5, 10, 15]


def test_instances_depend_on_seed_and_index_alone() -> None:
    assert sample(LEMMA, 3, 7) == sample(LEMMA, 3, 7)
    assert len({sample(LEMMA, seed, index) for seed in range(3) for index in range(10)}) == 30


def test_worst_instance_reproduces_the_worst_margin() -> None:
    statement = REGISTRY["infonce-inclusion"]
    found = run(statement, 15, seed=4)
    assert found.worst_instance is not None
    assert statement.margin(found.worst_instance) == found.worst_margin


def test_instances_on_which_a_hypothesis_is_false_are_discarded() -> None:
    found = run(replace(LEMMA, sample=_any_mixture), 20)
    assert found.discarded > 0
    assert found.accepted + found.discarded == 20


def _any_mixture(rng: random.Random) -> Instance:
    return random_instance(rng, shared=rng.random() < 0.5)


def test_a_statement_never_tried_is_not_confirmed() -> None:
    found = run(replace(LEMMA, sample=_separate), 5)
    assert not found.confirmed
    assert "no random instance" in found.unconfirmed


def _separate(rng: random.Random) -> Instance:
    while True:
        instance = random_instance(rng, shared=False)
        if len(set(instance.pairs.mixture.covariances)) > 1:
            return instance


@pytest.mark.parametrize("margin", [0.5, math.nan])
def test_a_violated_margin_is_not_confirmed(margin: float) -> None:
    found = run(replace(LEMMA, margin=lambda _: margin), 5)
    assert not found.confirmed
    assert "violates" in found.unconfirmed


def test_a_refuted_instance_is_not_confirmed() -> None:
    refuted = replace(LEMMA, proof=None, examine=lambda _: Verdict(LEMMA.id, Outcome.REFUTED, "so it is"))
    assert "so it is" in run(refuted, 3).unconfirmed
    assert not run(replace(refuted, status=Status.OPEN), 3).confirmed
    assert run(replace(refuted, status=Status.REFUTED), 3).confirmed


def test_an_undecided_proved_statement_without_proof_is_not_confirmed() -> None:
    undecided = replace(LEMMA, proof=None, examine=lambda _: Verdict(LEMMA.id, Outcome.UNDECIDED, ""))
    assert not run(undecided, 3).confirmed
    assert run(replace(undecided, status=Status.OPEN), 3).confirmed
    assert not run(replace(undecided, status=Status.REFUTED), 3).confirmed


def test_progress_counts_every_instance() -> None:
    seen: list[int] = []
    run(LEMMA, 7, progress=seen.append)
    assert seen == list(range(1, 8))


def test_random_instances_are_varied() -> None:
    drawn = [random_instance(random.Random(i)) for i in range(300)]
    mixtures = [instance.shared for instance in drawn]
    assert {mixture.components for mixture in mixtures} == set(range(1, 7))
    assert {mixture.dimension for mixture in mixtures} == set(range(1, 9))
    assert any(instance.rank > instance.shared.dimension for instance in drawn)
    assert any(mixture.is_centred for mixture in mixtures)
    assert any(len(set(mixture.means)) < mixture.components for mixture in mixtures)
    assert min(min(mixture.weights) for mixture in mixtures) < 1e-4
    assert {instance.pairs.bias for instance in drawn} >= {0, 1}
