"""CLIP on two lines: W = 0 is no minimiser where the means are correlated, and nothing else can be lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from sympy import And, Eq, Implies, Trace

from property_tests.theorems.encodings import permuted_pair, swapped, transformed_pair
from property_tests.theorems.scripts import claim, faults, rejection, with_check, with_step, without_step
from theorems.clip_equality_lines import STATEMENT, exchanged, margin, on_a_line, sample
from theorems.scripts import clip_equality_lines as script
from theorems.scripts.lemma_4_2 import PROOF as LEMMA
from verify import exact
from verify.evidence import Need
from verify.exact import to_floats
from verify.hypotheses import CORRELATED
from verify.losses import LOSSES
from verify.losses.clip import paired_mixture
from verify.losses.levels import float64_gradient
from verify.maps import CLIPProduct
from verify.minimize import minimise
from verify.models import CLIPGMM, Instance, SharedGMM
from verify.proofs import Cites, Proof, mean_equation, vanishes
from verify.verdicts import Outcome

SEEDS = range(8)


def drawn(seed: int) -> Instance:
    return sample(random.Random(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_it_holds_on_lines(seed: int) -> None:
    instance = drawn(seed)
    verdict = STATEMENT.decide(instance)
    assert verdict.outcome is Outcome.PROVED, verdict.reason
    assert (verdict.rank, verdict.dimension) == (1, 1)
    assert margin(instance) < 0


@pytest.mark.parametrize("seed", SEEDS)
def test_slope_at_zero_is_what_the_proof_says(seed: int) -> None:
    instance = drawn(seed)
    model = paired_mixture(instance)
    covariance = model.vision.mu * exact.diagonal(model.vision.w) * model.text.mu.transpose()
    covariance = covariance - model.vision.mean * model.text.mean.transpose()
    zero = CLIPProduct(covariance * 0)
    gradient = float64_gradient(LOSSES["clip"], instance, zero).derivatives["W"]
    wanted = -2 * float(model.bias) * to_floats(covariance)
    assert np.allclose(gradient, wanted, atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_other_encodings_have_the_same_verdict(seed: int) -> None:
    instance = drawn(seed)
    T_V, T_T = (exact.identity(m.dimension) * fmpq(5, 3) for m in _modalities(instance))
    order = [0, *range(len(paired_mixture(instance).weights))]
    for other in (transformed_pair(instance, T_V, T_T), permuted_pair(instance, order), swapped(instance)):
        assert STATEMENT.decide(other).outcome is Outcome.PROVED


def _modalities(instance: Instance) -> tuple[SharedGMM, SharedGMM]:
    model = paired_mixture(instance)
    return model.vision, model.text


def test_two_centred_components_are_correlated() -> None:
    rng = random.Random(5)
    for _ in range(20):
        p = Fraction(rng.randint(1, 9), 10)
        vision, text = (tuple(rng.randint(-3, 3) or 1 for _ in range(3)) for _ in range(2))
        mixtures = [
            SharedGMM((p, 1 - p), [[(1 - p) * x for x in mean], [-p * x for x in mean]]) for mean in (vision, text)
        ]
        instance = Instance(CLIPGMM(*mixtures), 1)
        assert STATEMENT.false_hypotheses(instance) == ()
        assert STATEMENT.decide(instance).outcome is Outcome.PROVED


def test_uncorrelated_lines_learn_nothing() -> None:
    (crossed,) = (b.instance for b in STATEMENT.breaks if b.hypothesis == CORRELATED.name)
    assert STATEMENT.decide(crossed).outcome is Outcome.UNDECIDED
    assert STATEMENT.examine(crossed).outcome is Outcome.REFUTED
    assert np.allclose(minimise("clip", crossed).maps["W"], 0)


def test_every_condition_is_needed() -> None:
    needs = {n.hypothesis: n.need for n in STATEMENT.necessity()}
    named = ("vision-line", "text-line", "correlated", "some-matched")
    assert [needs[name] for name in named] == [Need.NECESSARY] * 4


def test_means_are_moved_to_a_line() -> None:
    mixture = SharedGMM((Fraction(1, 2), Fraction(1, 2)), ((1, 0), (0, 1)))
    assert on_a_line(random.Random(1), mixture).mu.rank() <= 1
    assert exchanged(exchanged(STATEMENT.witness)) == STATEMENT.witness


# --- the proof script ----------------------------------------------------------------------------------------------


def test_the_script_has_no_fault() -> None:
    assert faults(script.PROOF, {h.name for h in script.HYPOTHESES}) == []


_s, PROOF = script, script.PROOF
COV = _s.Cov_VT


def _pairs_without(*facts: object) -> Proof:
    kept = [fact for fact in claim(PROOF, "pairs").args if fact not in facts]
    return with_step(PROOF, "pairs", claim=And(*kept))


INDEPENDENT = [fact for fact in claim(PROOF, "pairs").args if isinstance(fact, _s.Independent)]
PLANTED: dict[str, Callable[[], Proof]] = {
    "negatives that are not independent": lambda: _pairs_without(*INDEPENDENT),
    "negatives whose law is not stated": lambda: _pairs_without(mean_equation(_s.NU_T, _s.NU_T, _s.D)),
    "a cumulant of half its size": lambda: with_step(
        PROOF, "cumulant-V", claim=Eq(claim(PROOF, "cumulant-V").lhs, claim(PROOF, "cumulant-V").rhs / 2)
    ),
    "a cumulant of the other negative": lambda: with_check(PROOF, "cumulant-V", negative=_s.NU_V),
    "a cumulant at s = 1": lambda: with_step(PROOF, "cumulant-T", claim=Eq(_s.N_T(1), claim(PROOF, "cumulant-T").rhs)),
    "negatives paired like positives": lambda: with_step(
        PROOF,
        "unrelated-V",
        claim=Eq(claim(PROOF, "unrelated-V").lhs, Trace(COV.T * _s.VISION.mu * _s.D * _s.TEXT.mu.T)),
    ),
    "one direction of the loss forgotten": lambda: with_step(
        PROOF, "loss", claim=claim(PROOF, "loss").subs(_s.N_T(_s.s), 0)
    ),
    "the slope without its δ": lambda: with_step(PROOF, "slope", claim=Eq(_s.slope_at_0(_s.L), -2 * _s.SIZE)),
    "a covariance that is not centred": lambda: replace(
        PROOF,
        algebra=replace(
            PROOF.algebra,
            definitions={**PROOF.algebra.definitions, COV: _s.VISION.mu * _s.D * _s.TEXT.mu.T},
        ),
    ),
    "δ that may be 0": lambda: with_step(PROOF, "matched", premises=("weights-positive", *_s.BASIS)),
    "a plane reached through one column": lambda: with_step(PROOF, "reached-V", premises=("fisher-basis-V",)),
    "the other line": lambda: with_step(PROOF, "reached-V", premises=("fisher-basis-V", "text-line")),
    "0 reaches the line": lambda: with_step(
        PROOF, "reached-T", claim=Implies(claim(PROOF, "reached-T").args[0].args[0], claim(PROOF, "reached-T").args[1])
    ),
    "a minimiser that is not 0 by definition": lambda: with_step(
        PROOF, "minimiser", claim=claim(PROOF, "minimiser") & _s.NONZERO
    ),
    "W vanishes with Cov": lambda: with_step(
        PROOF, "uncorrelated", claim=Implies(claim(PROOF, "uncorrelated").args[0], vanishes(_s.W))
    ),
    "another statement": lambda: with_step(PROOF, "effective", check=Cites("lemma-4.2", LEMMA)),
    "no inclusion": lambda: without_step(PROOF, "effective"),
    "whole without a minimiser": lambda: replace(PROOF, conclusion=_s.CONTAINS["V"]),
}


@pytest.mark.parametrize("error", PLANTED)
def test_planted_error_is_rejected(error: str) -> None:
    assert rejection(PLANTED[error]())
