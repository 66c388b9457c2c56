"""Each status stands: the proof replays, the rate holds on instances, and the counterexample is one."""

import random

import pytest
from quadratics import THEORY

import thmverify as tv

STATEMENTS = {statement.id: statement for statement in THEORY.statements}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_instances_satisfy_the_hypotheses(statement):
    for seed in range(10):
        assert statement.false_hypotheses(statement.sample(random.Random(seed))) == ()


def test_the_descent_lemma_is_proved():
    assert STATEMENTS["gd-descent"].unproved == ""
    assert STATEMENTS["gd-descent"].checked.assumed == ()


@pytest.mark.parametrize("name", ["gd-descent", "gd-rate"])
def test_what_is_true_is_decided_so(name):
    for seed in range(10):
        verdict, _ = STATEMENTS[name].decided(STATEMENTS[name].sample(random.Random(seed)))
        assert verdict.outcome is tv.Outcome.PROVED


def test_the_false_rate_is_refuted():
    assert STATEMENTS["gd-rate-any-step"].unsupported() == ""
