"""A small bias: the script and every error planted in it, and each inequality that it rests on, by numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Eq, Ge, Identity, Implies, Symbol

from property_tests.theorems.scripts import claim, faults, rejection, with_check, with_step, without_step
from theorems.infonce_equality_biased import with_bias
from theorems.infonce_equality_vanishing import STATEMENT
from theorems.scripts import infonce_equality_vanishing as script
from theorems.scripts import infonce_quadratic as form
from verify import exact
from verify.configurations import geometry, vanishing_threshold
from verify.losses import LOSSES
from verify.losses.levels import float64_value
from verify.maps import Gram
from verify.models import Floats, Instance
from verify.proofs import Multiple, Proof, Square
from verify.randomised import sample
from verify.subspaces import fisher_subspace

NEEDED = {h.name for h in script.HYPOTHESES}
s, t, g, e, f, h = form.s, form.t, form.g, form.e, form.f, form.h
kappa, nu, ell, delta = script.kappa, script.nu, script.ell, script.delta


def test_every_claim_step_and_hypothesis_is_needed_as_it_stands() -> None:
    assert faults(script.PROOF, NEEDED) == []


def _terms(name: str) -> tuple[Multiple, ...]:
    (step,) = (step for step in script.PROOF.steps if step.name == name)
    return tuple(step.check.terms)


def _step(name: str, **changes: object) -> Proof:
    return with_step(script.PROOF, name, **changes)


def _without_premise(name: str, premise: str) -> Proof:
    (step,) = (step for step in script.PROOF.steps if step.name == name)
    return _step(name, premises=tuple(p for p in step.premises if p != premise))


def _mixture(**changes: object) -> object:
    return replace(form.MIXTURE, **changes)


PLANTED: dict[str, Callable[[], Proof]] = {
    "φ ≥ 0 without mean 0": lambda: _without_premise("potential-nonnegative", "centred"),
    "φ ≥ 0 for any weights": lambda: _without_premise("potential-nonnegative", "weights-sum"),
    "φ of another label": lambda: with_check(script.PROOF, "potential-at-zero", mixture=_mixture(pick=form.zeta)),
    "φ = 0 away from 0": lambda: with_check(script.PROOF, "potential-at-zero", zero=form.AT_MAP),
    "a remainder without mean 0": lambda: _without_premise("remainder-below", "centred"),
    "a remainder of longer means": lambda: _without_premise("remainder-below", "height"),
    "a remainder of another norm": lambda: with_check(
        script.PROOF, "remainder-below", mixture=_mixture(covariance=form.R)
    ),
    "a remainder against another form": lambda: with_check(
        script.PROOF, "remainder-below", values=(g(s, t), e(s, t), f(s, t), e(s, t))
    ),
    "half the remainder": lambda: _step(
        "remainder-below",
        claim=Ge(e(s, t) + script.WEIGHT * f(s, t) + 2 * script.SCALE * (g(s, t) - h(s, t) / 2), 0),
    ),
    "a scale that is not real": lambda: with_check(script.PROOF, "remainder-below", scale=Symbol("N")),
    "a height for another bound": lambda: with_check(script.PROOF, "flat", height=kappa),
    "a fourth moment of longer means": lambda: _without_premise("flat", "height"),
    "a fourth moment without the law of the noise": lambda: _without_premise("flat", "pairs"),
    "a fourth moment for weights of any sign": lambda: _without_premise("flat", "weights-positive"),
    "a fourth moment of a random map": lambda: with_check(script.PROOF, "flat", outer=form.path * form.xi * form.xi.T),
    "a fourth moment of another noise": lambda: with_check(script.PROOF, "flat", noise=form.eta),
    "a fourth moment at another map": lambda: with_check(script.PROOF, "flat", at=form.AT_TARGET),
    "twice as many columns": lambda: _without_premise("minimal", "columns-reach"),
    "a competitor of negative weight": lambda: _without_premise("minimal", "bias-range"),
    "a competitor of too many columns": lambda: with_check(
        script.PROOF,
        "minimal",
        others=(
            (form.AT_TARGET, delta, form.R.I * form.mu, form.E),
            (form.AT_ZERO, 0, form.R.I * form.Sigma * form.B, form.c * form.E),
        ),
    ),
    "a minimiser that is another map": lambda: with_check(script.PROOF, "minimal", start=form.AT_TARGET),
    "the norm of another matrix": lambda: with_check(script.PROOF, "wide", left=form.Gamma.T * form.B * form.G.I),
    "a norm of the wrong factor": lambda: with_check(script.PROOF, "wide", right=form.E.T * form.c.T * script.a),
    "a root of nothing known to be ≥ 0": lambda: _step("norm", premises=("root",)),
    "a root that is not real": lambda: with_check(script.PROOF, "norm", root=Symbol("n")),
    "a unit column of a matrix outside": lambda: with_check(
        script.PROOF, "unit", span=(Identity(form.m), form.P.I * form.F.T * form.R * form.B)
    ),
    "a unit column in another metric": lambda: with_check(script.PROOF, "unit", root=form.Lam),
    "a unit column of a letter in use": lambda: with_check(script.PROOF, "unit", letters=(script.a, form.o)),
    "a distance without the unit column": lambda: _step("far", claim=Implies(script.UNIT, script.FAR)),
    "a claim evaluated at another bias": lambda: with_check(
        script.PROOF, "bounded", terms=(*_terms("bounded")[:-1], Multiple("energy-form", at={delta: 1}))
    ),
    "a claim evaluated at another norm": lambda: with_check(
        script.PROOF, "bounded", terms=(*_terms("bounded")[:-1], Multiple("energy-form", at={nu: 1}))
    ),
    "a multiplier that may be negative": lambda: with_check(
        script.PROOF, "far", terms=(Multiple("square-far"), Multiple("wide", by=32 * ell * delta), *_terms("far")[2:])
    ),
    "a threshold twice as large": lambda: _step("threshold", claim=Eq(script.theta_0, script.THRESHOLD / 4)),
    "a bias at the threshold": lambda: with_check(script.PROOF, "no-room", factor=1 - 2 * delta**2 * script.theta_0),
    "a square of another matrix": lambda: _step("square", check=Square(form.Lam.T * form.path * form.Gamma)),
    "no first comparison": lambda: without_step(script.PROOF, "below-zero"),
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_planted_errors_are_rejected(plant: Callable[[], Proof]) -> None:
    assert rejection(plant())


def test_the_conclusion_claims_no_more() -> None:
    for wrong in (script.CONTAINS, script.FAR, claim(script.PROOF, "unit").args[1]):
        assert "does not follow" in rejection(replace(script.PROOF, conclusion=wrong))


# -- by numbers; Σ = I loses nothing, as every quantity is the same in all coordinates --------------------------------


def _centred(rng: np.random.Generator, d: int, K: int) -> tuple[Floats, Floats]:
    """Return weights and means (d × K) of a random centred mixture with Σ = I."""
    w = rng.dirichlet(np.full(K, 0.5)) + 1e-3
    w /= w.sum()
    mu = rng.normal(size=(d, K)) * rng.exponential() * 2
    return w, mu - (mu @ w)[:, None]


def _phi(z: Floats, w: Floats, mu: Floats) -> Floats:
    y = z @ mu
    top = y.max(axis=-1, keepdims=True)
    return np.asarray(top[..., 0] + np.log(np.exp(y - top) @ w))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6))
def test_the_remainder_is_cubic(seed: int) -> None:
    rng = np.random.default_rng(seed)
    w, mu = _centred(rng, int(rng.integers(1, 4)), int(rng.integers(2, 6)))
    z = rng.normal(size=(50, len(mu))) * rng.exponential(size=(50, 1)) * 2
    gap = np.abs(_phi(z, w, mu) - ((z @ mu) ** 2 @ w) / 2)
    height = (mu**2).sum(axis=0).max()
    assert np.all(gap <= (height * (z**2).sum(axis=1)) ** 1.5 / 3 + 1e-12)
    assert np.all(_phi(z, w, mu) >= -1e-12)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6))
def test_the_fourth_moment_is_bounded(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 3))
    w, mu = _centred(rng, d, int(rng.integers(2, 5)))
    half = rng.normal(size=(d, d))
    M = half @ half.T
    nodes, values = np.polynomial.hermite_e.hermegauss(5)  # exact for polynomials of degree 9
    noise = np.array(list(product(nodes, repeat=d)))
    mass = np.array([np.prod(x) for x in product(values / values.sum(), repeat=d)])
    q = (((noise[None] + mu.T[:, None]) @ M) ** 2).sum(axis=2)
    first, second = w @ (q @ mass), w @ (q**2 @ mass)
    height = (mu**2).sum(axis=0).max()
    assert first == pytest.approx(np.trace(M @ M @ (np.eye(d) + mu * w @ mu.T)))
    assert second <= 3 * (1 + height) * first**2 * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_loss_is_half_a_squared_distance_plus_a_remainder(seed: int) -> None:
    instance = with_bias(sample(STATEMENT, seed, 0), Fraction(1, 2))
    mixture = instance.shared
    map_ = mixture.R.inv() * mixture.S * mixture.R.inv()
    value = float64_value(LOSSES["infonce"], instance, Gram(map_ * 3 / 4)).value
    R, at, target = exact.to_floats(mixture.R), exact.to_floats(map_ * 3 / 4), exact.to_floats(map_ / 2)
    away = at - target
    quadratic = np.trace(away @ R @ away @ R) / 2 - np.trace(target @ R @ target @ R) / 2
    sigma, mu = exact.to_floats(mixture.sigma), exact.to_floats(mixture.mu)
    w = np.array([float(x) for x in mixture.weights])
    rng = np.random.default_rng(seed)
    picks = rng.choice(len(w), size=200_000, p=w / w.sum())
    x = mu.T[picks] + rng.normal(size=(len(picks), len(mu))) @ np.linalg.cholesky(sigma).T
    z = x @ at
    rest = _phi(z, w, mu) - ((z @ mu) ** 2 @ w) / 2
    assert value - quadratic == pytest.approx(rest.mean(), abs=6 * rest.std() / len(rest) ** 0.5 + 1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_the_threshold_is_the_one_of_the_script(seed: int) -> None:
    mixture = sample(STATEMENT, seed, 1).shared
    B = fisher_subspace(mixture).basis
    gram = geometry(mixture)
    inner = (B.transpose() * mixture.S * B).inv() * B.transpose() * mixture.R * B
    height = max(gram[k, k] for k in range(mixture.components))
    tau = exact.trace(mixture.sigma.inv() * mixture.S * mixture.R.inv() * mixture.S)
    squares = {kappa: height, nu: tau, ell: exact.trace(inner) ** 2}  # the formula holds even powers alone
    value = 1.0
    for factor in script.THRESHOLD.args:
        value *= float(factor.subs({x: float(exact.to_fraction(y)) ** 0.5 for x, y in squares.items()}))
    assert value == pytest.approx(float(exact.to_fraction(vanishing_threshold(mixture))))


def test_the_hypothesis_is_strict() -> None:
    root = vanishing_threshold(STATEMENT.witness.shared)
    instance: Instance = STATEMENT.witness
    assert script.BIAS_SMALL.holds(instance)
    assert exact.to_fmpq(instance.pairs.bias) ** 2 * root < 1
    assert not script.BIAS_SMALL.holds(replace(instance, model=replace(instance.pairs, bias=Fraction(1))))
