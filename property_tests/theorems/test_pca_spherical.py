"""PCA finds the Fisher subspace of spherical components, of one radius or of several."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Eq, Ge, Identity, Implies, Trace

from property_tests.theorems.encodings import permuted, split_component, transformed
from property_tests.theorems.scripts import claim, faults, rejection, with_check, with_step
from theorems.pca_spherical import STATEMENT, margin, sample
from theorems.scripts import pca_spherical as script
from theorems.scripts.pca_spherical import PROOF
from verify import exact
from verify.evidence import Need
from verify.exact import to_floats
from verify.models import AugmentedPairs, Instance, SharedGMM
from verify.proofs import Proof
from verify.subspaces import fisher_subspace, mean_subspace
from verify.verdicts import Outcome

spherical = st.integers(0, 10**9).map(lambda seed: sample(random.Random(seed)))


@settings(max_examples=40)
@given(spherical)
def test_pca_finds_s_f_exactly(instance: Instance) -> None:
    mixture = instance.pairs.mixture
    assert fisher_subspace(mixture) == mean_subspace(mixture)
    assert STATEMENT.false_hypotheses(instance) == ()
    assert STATEMENT.decide(instance).outcome is Outcome.PROVED
    assert margin(instance) <= 0


@settings(max_examples=20)
@given(spherical)
def test_what_a_map_misses_of_the_means_is_what_it_loses(instance: Instance) -> None:
    # V(A) = vm + tr(S) − ‖(I − AAᵀ)μE‖², in floats and for a random frame.
    mixture, m = instance.pairs.mixture, instance.rank
    rng = np.random.default_rng(0)
    A = np.linalg.qr(rng.standard_normal((mixture.dimension, m)))[0]
    mu, weights, v = to_floats(mixture.mu), np.array(mixture.weights, dtype=float), float(mixture_variance(instance))
    missed = (mu - A @ (A.T @ mu)) * np.sqrt(weights)
    value = np.trace(A.T @ to_floats(mixture.R) @ A)
    assert value == pytest.approx(v * m + np.trace(to_floats(mixture.S)) - np.sum(missed**2), rel=1e-9)


def mixture_variance(instance: Instance) -> float:
    return float(exact.to_fraction(instance.pairs.mixture.sigma_bar[0, 0]))


@settings(max_examples=15)
@given(spherical)
def test_other_encodings_give_the_same_verdict(instance: Instance) -> None:
    d, K = instance.pairs.mixture.dimension, instance.pairs.mixture.components
    turned = exact.matrix([[2 * ((i + 1) % d == j) for j in range(d)] for i in range(d)])  # a rotation and a scale
    for other in (transformed(instance, turned), permuted(instance, range(K)[::-1]), split_component(instance)):
        assert STATEMENT.decide(other).outcome is Outcome.PROVED


def test_a_hair_off_spherical_is_noticed() -> None:
    mixture = SharedGMM((1,), ((1, 0),), ((10**12, 0), (0, 10**12 + 1)))
    assert STATEMENT.false_hypotheses(Instance(AugmentedPairs(mixture), 1)) == ("spherical",)


def test_what_each_hypothesis_is_for() -> None:
    needs = {n.hypothesis: n.need for n in STATEMENT.necessity()}
    assert needs["spherical"] is Need.NECESSARY
    assert needs["columns-match"] is Need.NECESSARY
    assert needs["shared-covariance"] is Need.REDUNDANT


def test_script_has_no_fault() -> None:
    assert faults(PROOF, {h.name for h in PROOF.hypotheses}) == []


_s = script
PLANTED: dict[str, Callable[[], Proof]] = {
    "columns that are not orthonormal": lambda: replace(PROOF, givens=()),
    "the missed part without its weights": lambda: with_check(PROOF, "missed", roots=(_s.MISSED,)),
    "the value with the sign lost": lambda: with_step(
        PROOF,
        "value",
        claim=Eq(_s.V(_s.A), _s.v * _s.m + Trace(_s.S) + Trace((_s.MISSED * _s.E).T * (_s.MISSED * _s.E))),
    ),
    "the variance without its dimension": lambda: with_step(PROOF, "best", claim=Eq(_s.V(_s.B), _s.v + Trace(_s.S))),
    "a maximiser that minimises": lambda: with_step(
        PROOF, "maximiser", claim=Implies(_s.MAXIMISER, Ge(_s.V(_s.B) - _s.V(_s.A), 0))
    ),
    "a left inverse of a tall matrix": lambda: with_step(
        PROOF,
        "square",
        claim=Implies(Eq(_s.B.T * _s.B, Identity(_s.m)), Eq(_s.B * _s.B.T, Identity(_s.d))),
    ),
    "another frame": lambda: with_step(PROOF, "across-norm", claim=claim(PROOF, "across")),
    "every frame is included": lambda: replace(PROOF, conclusion=_s.INCLUDED),
}


@pytest.mark.parametrize("error", PLANTED)
def test_planted_error_is_rejected(error: str) -> None:
    assert rejection(PLANTED[error]())
