"""Gaussian moments of any order: Isserlis' sum over pairings against moments computed coordinate by coordinate."""

from __future__ import annotations

import random
from itertools import product
from math import prod
from typing import Any

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Eq, Identity, Integer, MatrixSymbol, Symbol, Trace, symbols

from verify.proofs import Algebra, Checker, Gaussian, Given, Mean, Proof, SecondMoment, Step, mean_equation
from verify.proofs.isserlis import Independent, Isserlis, mean, traces

n = symbols("n", integer=True, positive=True)
A, B, S, R = (MatrixSymbol(name, n, n) for name in "ABSR")
u, v, xi, zeta = (MatrixSymbol(name, n, 1) for name in ("u", "v", "xi", "zeta"))
a = Symbol("a", real=True)
ALGEBRA = Algebra(definitions={S: R * R.T})


def found(claim: Any, *facts: Any, rule: Any = None) -> Any:
    granted = tuple(Given(f"given-{i}", fact, "") for i, fact in enumerate(facts))
    checker = Checker(Proof((), ALGEBRA, (), Symbol("P"), granted))
    return checker.report(Step("step", "", claim, tuple(g.name for g in granted), rule or Isserlis()))


def quadratic(M: Any, x: Any = xi) -> Any:
    return Trace(x.T * M * x)


FOURTH = Trace(A * S) * Trace(B * S) + Trace(A * S * B * S) + Trace(A * S * B.T * S)
TRUE = [
    (quadratic(A), Trace(A * S)),
    (quadratic(A) * quadratic(B), FOURTH),
    (quadratic(A) ** 2, Trace(A * S) ** 2 + Trace(A * S * A * S) + Trace(A * S * A.T * S)),
    (Trace(u.T * xi) ** 2, Trace(u.T * S * u)),
    (Trace(u.T * xi) ** 4, 3 * Trace(u.T * S * u) ** 2),
    (Trace(u.T * xi) ** 6, 15 * Trace(u.T * S * u) ** 3),
    (Trace(u.T * xi) ** 3, Integer(0)),
    (Trace(u.T * xi) ** 2 * quadratic(A), Trace(u.T * S * u) * Trace(A * S) + 2 * Trace(u.T * S * A * S * u)),
    (a * quadratic(A) + Trace(B) ** 2, a * Trace(A * S) + Trace(B) ** 2),
    ((Trace(u.T * xi) + a) ** 2, Trace(u.T * S * u) + a**2),
    (Trace(xi * xi.T * A * xi * xi.T * B), FOURTH),
]
FALSE = [
    (quadratic(A) * quadratic(B), Trace(A * S) * Trace(B * S)),
    (quadratic(A) * quadratic(B), FOURTH + Trace(A * S * B * S)),
    (Trace(u.T * xi) ** 4, Trace(u.T * S * u) ** 2),
    (Trace(u.T * xi) ** 4, 3 * Trace(u.T * S * u)),
    (Trace(u.T * xi) ** 3, Trace(u.T * S * u)),
    (quadratic(A), Trace(A)),
]


@pytest.mark.parametrize(("value", "wanted"), TRUE, ids=str)
def test_true_moments_are_accepted(value: Any, wanted: Any) -> None:
    report = found(Eq(Mean(value), wanted, evaluate=False), Gaussian(xi, S))
    assert report.passed, report.how
    assert "every dimension" in report.how


@pytest.mark.parametrize(("value", "wanted"), FALSE, ids=str)
def test_false_moments_are_refused(value: Any, wanted: Any) -> None:
    assert not found(Eq(Mean(value), wanted, evaluate=False), Gaussian(xi, S)).passed


def test_the_law_must_be_cited() -> None:
    claim = Eq(Mean(quadratic(A) ** 2), TRUE[2][1])
    assert not found(claim).passed
    assert not found(claim, mean_equation(xi, xi, S)).passed  # the second moment alone: not a Gaussian
    assert not found(claim, Gaussian(zeta, S)).passed


def test_two_columns_must_be_independent() -> None:
    claim = Eq(Mean(Trace(xi.T * zeta) ** 2), Trace(S * S))
    laws = (Gaussian(xi, S), Gaussian(zeta, S))
    assert not found(claim, *laws).passed
    assert found(claim, *laws, Independent(xi, zeta)).passed
    assert not found(Eq(Mean(Trace(xi.T * zeta) ** 2), Trace(S) ** 2), *laws, Independent(xi, zeta)).passed


def test_the_trace_of_an_identity_is_its_size() -> None:
    norm = Trace(xi.T * xi)
    for rule, fact in ((Isserlis(), Gaussian(xi, Identity(n))), (SecondMoment(), mean_equation(xi, xi, Identity(n)))):
        assert found(Eq(Mean(norm), n), fact, rule=rule).passed
        assert not found(Eq(Mean(norm), 1), fact, rule=rule).passed
    fourth = Eq(Mean(norm**2), n**2 + 2 * n)
    assert found(fourth, Gaussian(xi, Identity(n))).passed
    assert not found(Eq(Mean(norm**2), n**2), Gaussian(xi, Identity(n))).passed
    assert not ALGEBRA.equal(Trace(Identity(n)), Integer(1))[0]
    assert ALGEBRA.equal(Trace(Identity(n)), n)[0]


def test_too_many_columns_are_refused() -> None:
    assert "at most" in found(Eq(Mean(Trace(u.T * xi) ** 14), 0), Gaussian(xi, S)).how


# --- against brute force -------------------------------------------------------------------------------------------


def standard_moment(powers: list[int]) -> int:
    """𝔼 Π z_i^{p_i} for independent standard normals: the odd vanish, z^{2m} has mean (2m − 1)!!."""
    return 0 if any(p % 2 for p in powers) else prod(prod(range(1, p, 2)) for p in powers)


def brute_force(forms: list[list[fmpq]]) -> fmpq:
    """𝔼 Π_i (f_iᵀz) for linear forms of standard normals z, expanded over all choices of a coordinate each."""
    size = len(forms[0])
    total = fmpq(0)
    for choice in product(range(size), repeat=len(forms)):
        moment = standard_moment([choice.count(i) for i in range(size)])
        total += moment * prod((f[i] for f, i in zip(forms, choice, strict=True)), start=fmpq(1))
    return total


@given(st.integers(0, 10**6), st.integers(1, 3))
@settings(max_examples=25)
def test_moments_agree_with_brute_force(seed: int, half: int) -> None:
    """𝔼 Π_i (u_iᵀξ), ξ = Fz with z standard normal: of order 2, 4, 6, in two dimensions."""
    rng = random.Random(seed)
    order = 2 * half
    columns = [MatrixSymbol(f"u{i}", n, 1) for i in range(order)]
    values = {c.name: fmpq_mat(2, 1, [fmpq(rng.randint(-4, 4), rng.randint(1, 3)) for _ in range(2)]) for c in columns}
    F = fmpq_mat(2, 2, [fmpq(rng.randint(-3, 3)) for _ in range(4)])
    covariance = F * F.transpose()
    poly = mean(Algebra(), prod(Trace(c.T * xi) for c in columns), {"xi": S})

    def value(word: Any) -> fmpq:
        out = None
        for name, _, flipped in word:
            letter = covariance if name == "S" else values[name]
            letter = letter.transpose() if flipped else letter
            out = letter if out is None else out * letter
        return sum((out[i, i] for i in range(out.nrows())), fmpq(0))

    total = sum((int(c) * prod((value(word) for word in key), start=fmpq(1)) for key, c in poly.items()), fmpq(0))
    forms = [list((F.transpose() * values[c.name]).entries()) for c in columns]
    assert total == brute_force(forms)
    assert len(poly) <= prod(range(1, order, 2))


def test_products_of_traces_have_a_normal_form() -> None:
    assert traces(ALGEBRA, Trace(A) * Trace(B)) == traces(ALGEBRA, Trace(B.T) * Trace(A))
    assert traces(ALGEBRA, (Trace(A) + 1) ** 2) == traces(ALGEBRA, Trace(A) ** 2 + 2 * Trace(A) + 1)
    assert traces(ALGEBRA, Trace(A) * Trace(B)) != traces(ALGEBRA, Trace(A * B))
