"""The CLIP theorem for balanced factors: a factor that is free nowhere has the column space of W."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from sympy import Eq, Ge, Implies

from property_tests import strategies
from property_tests.theorems.encodings import permuted_pair, swapped, transformed_pair
from property_tests.theorems.scripts import claim, faults, rejection, with_check, with_step, without_step
from theorems import clip_inclusion_balanced as module
from theorems.clip_inclusion_balanced import STATEMENT, margin, one_kernel_pair
from theorems.clip_inclusion_effective import leaks
from theorems.scripts import clip_inclusion_balanced as script
from theorems.scripts.clip_inclusion_effective import PROOF as EFFECTIVE
from theorems.scripts.lemma_4_2 import PROOF as LEMMA
from verify import exact
from verify.maps import CLIPFactors
from verify.minimize import minimise
from verify.models import CLIPGMM, Instance
from verify.proofs import Cites, Multiple, Proof, vanishes
from verify.sampling import instance_rng, random_matrix
from verify.subspaces import Subspace, fisher_subspace
from verify.verdicts import Outcome

PLAIN = STATEMENT.witness
small_pairs = strategies.clip_gmms(components=(1, 3), dimensions=((1, 4), (1, 4)), hostile=False)


@settings(max_examples=25, deadline=None)
@given(strategies.clip_gmms(components=(1, 4), dimensions=((1, 5), (1, 5))))
def test_inclusion_is_never_violated(model: CLIPGMM) -> None:
    instance = Instance(model, 3)
    assert margin(instance) <= -1 + 1e-6
    verdict = STATEMENT.decide(instance)
    assert verdict.outcome is Outcome.PROVED, verdict.reason


@settings(max_examples=10, deadline=None)
@given(small_pairs)
def test_balanced_minimisers_lie_inside(model: CLIPGMM) -> None:
    found = minimise("clip", Instance(model, 4))
    for name, mixture in (("A_V", model.vision), ("A_T", model.text)):
        A, inside = found.maps[name], fisher_subspace(mixture).as_floats()
        assert np.linalg.norm(A - inside @ (inside.T @ A)) <= 1e-7 * (1 + np.linalg.norm(A))
    assert np.allclose(found.maps["A_V"].T @ found.maps["A_V"], found.maps["A_T"].T @ found.maps["A_T"], atol=1e-9)


def test_a_free_column_violates(monkeypatch: pytest.MonkeyPatch) -> None:
    free = CLIPFactors(exact.matrix([[1, 1], [0, 2], [0, 5]]), exact.zeros(3, 2))
    monkeypatch.setattr(module, "one_kernel_pair", lambda _: free)
    assert margin(PLAIN) == 1
    assert module.examine(PLAIN).outcome is Outcome.REFUTED
    assert STATEMENT.decide(PLAIN).outcome is Outcome.FAILED


@settings(max_examples=10, deadline=None)
@given(small_pairs)
def test_other_encodings_have_the_same_slopes_and_kernels(model: CLIPGMM) -> None:
    instance = Instance(model, 2)
    rng, pair = instance_rng(instance), one_kernel_pair(instance)
    here = [leak.slope for leak in leaks(instance, pair)]
    T_V, T_T = (random_matrix(rng, n, n) + exact.identity(n) * 20 for n in (pair.A_V.nrows(), pair.A_T.nrows()))
    pulled = CLIPFactors(T_V.inv().transpose() * pair.A_V, T_T.inv().transpose() * pair.A_T)
    order = [0, *reversed(range(len(model.weights)))]
    others = [
        (transformed_pair(instance, T_V, T_T), pulled),
        (permuted_pair(instance, order), pair),
    ]
    for other, factors in others:
        assert [leak.slope for leak in leaks(other, factors)] == pytest.approx(here, rel=1e-6, abs=1e-8)
        assert Subspace.spanned_by(factors.A_V) == Subspace.spanned_by(factors.W)
        assert STATEMENT.decide(other).outcome is Outcome.PROVED
    assert STATEMENT.decide(swapped(instance)).outcome is Outcome.PROVED


# --- the proof script ----------------------------------------------------------------------------------------------


def test_the_script_has_no_fault() -> None:
    everything = {"weights-positive", "weights-sum", "vision-definite", "text-definite", "match-range"}
    assert faults(script.PROOF, everything) == []


V, T, PROOF = script.VISION, script.TEXT, script.PROOF


def _terms(name: str) -> tuple[Multiple, ...]:
    (step,) = (step for step in PROOF.steps if step.name == name)
    return step.check.terms


def _citing(proof: Proof) -> Proof:
    return with_step(PROOF, "effective", check=Cites("clip-inclusion-effective", proof))


PLANTED: dict[str, Callable[[], Proof]] = {
    "metrics that need not be definite": lambda: replace(PROOF, givens=()),
    "the citation of a statement about one modality": lambda: _citing(LEMMA),
    "the citation of a broken proof": lambda: _citing(without_step(EFFECTIVE, "gap-T")),
    "more than the cited statement concludes": lambda: with_step(
        PROOF, "effective", claim=Implies(script.OPTIMAL, script.FACTORS)
    ),
    "every W lies inside": lambda: with_step(PROOF, "effective", claim=script.effective.INCLUDED),
    "a citation without the hypotheses": lambda: with_step(PROOF, "effective", premises=("weights-positive",)),
    "balance with the wrong sign": lambda: with_check(
        PROOF, "balanced-V", terms=(_terms("balanced-V")[0], replace(_terms("balanced-V")[1], by=-1))
    ),
    "balance that is not supposed": lambda: with_check(PROOF, "balanced-T", terms=_terms("kernel-T")),
    "one metric for both modalities' balance": lambda: with_step(
        PROOF, "balance", claim=Implies(script.BALANCED, Eq(script.IN_VISION.gram, script.IN_VISION.gram))
    ),
    "a kernel in one direction only": lambda: with_step(
        PROOF, "one-kernel", claim=Implies(script.ONE_KERNEL, script.SAME["V"])
    ),
    "minimal without the same product": lambda: with_step(
        PROOF, "minimality", claim=Implies(script.MINIMAL, Ge(script.IN_VISION.norm, 0))
    ),
    "A_out of one modality for both": lambda: without_step(PROOF, "factor-T"),
    "A vanishes with A_out": lambda: with_step(
        PROOF, "zero-V", claim=Implies(claim(PROOF, "zero-V").args[0], vanishes(V.A))
    ),
    "the literal claim": lambda: replace(PROOF, conclusion=Implies(script.OPTIMAL, script.FACTORS)),
    "balance without optimality": lambda: replace(PROOF, conclusion=Implies(script.BALANCED, script.FACTORS)),
}


@pytest.mark.parametrize("error", PLANTED)
def test_planted_error_is_rejected(error: str) -> None:
    assert rejection(PLANTED[error]())


def test_the_cited_proof_is_the_one_on_record() -> None:
    (cited,) = (step.check for step in PROOF.steps if isinstance(step.check, Cites))
    assert cited.proof is EFFECTIVE
