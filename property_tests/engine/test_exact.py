"""Exact linear algebra against floats, against characteristic polynomials, and where floats cannot decide."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import pytest
from flint import arb, fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from thmverify import exact
from thmverify.testing import invertible_matrices, rational_matrices, rationals


def as_floats(m: fmpq_mat) -> np.ndarray:
    return np.array([[int(x.p) / int(x.q) for x in row] for row in m.tolist()]).reshape(m.nrows(), m.ncols())


def sign_changes(coefficients: list[fmpq]) -> int:
    signs = [c > 0 for c in coefficients if c != 0]
    return sum(a != b for a, b in pairwise(signs))


def inertia(m: fmpq_mat) -> tuple[int, int, int]:
    """Count the positive, negative and zero eigenvalues of a symmetric matrix by Descartes' rule of signs.

    The rule is exact for a polynomial with real roots only, and shares nothing with an LDLᵀ.
    """
    coefficients = list(m.charpoly())
    zero = next(i for i, c in enumerate(coefficients) if c != 0)
    positive = sign_changes(coefficients)
    negative = sign_changes([c * (-1) ** i for i, c in enumerate(coefficients)])
    return positive, negative, zero


symmetric = rational_matrices((1, 7), (1, 7)).map(lambda b: b * b.transpose())
indefinite = st.integers(1, 6).flatmap(lambda n: rational_matrices(n, n)).map(exact.symmetrise)


@given(st.one_of(symmetric, indefinite))
def test_definiteness_agrees_with_the_characteristic_polynomial(m):
    positive, negative, _ = inertia(m)
    assert exact.is_positive_definite(m) == (positive == m.nrows())
    assert exact.is_positive_semidefinite(m) == (negative == 0)


@given(st.one_of(symmetric, indefinite))
def test_definiteness_agrees_with_floating_eigenvalues(m):
    eigenvalues = np.linalg.eigvalsh(as_floats(m))
    doubt = 1e-9 * max(1.0, abs(eigenvalues).max())
    if eigenvalues.min() > doubt:
        assert exact.is_positive_definite(m)
    if eigenvalues.min() < -doubt:
        assert not exact.is_positive_semidefinite(m)


@given(symmetric)
def test_ldl_reproduces_the_matrix_and_its_rank(m):
    factors = exact.ldl(m)
    assert factors is not None
    assert factors.factor * exact.diagonal(factors.pivots) * factors.factor.transpose() == m
    assert all(p > 0 for p in factors.pivots)
    assert len(factors.pivots) == m.rank() == factors.factor.rank()


@given(symmetric, invertible_matrices((1, 7)))
def test_definiteness_is_invariant_under_congruence(m, T):
    n = min(m.nrows(), T.nrows())
    m, T = (exact.submatrix(x, range(n), range(n)) for x in (m, T))
    if T.det() == 0:
        return
    assert exact.is_positive_definite(m) == exact.is_positive_definite(T.transpose() * m * T)


SMALL = fmpq(1, 10**40)


@pytest.mark.parametrize(
    ("corner", "definite", "semidefinite"),
    [(1 - SMALL, True, True), (fmpq(1), False, True), (1 + SMALL, False, False), (SMALL - 1, True, True)],
)
def test_decides_what_floats_cannot(corner, definite, semidefinite):
    m = fmpq_mat(2, 2, [1, corner, corner, 1])
    assert exact.is_positive_definite(m) is definite
    assert exact.is_positive_semidefinite(m) is semidefinite


@pytest.mark.parametrize(
    ("rows", "semidefinite"),
    [
        ([[0]], True),
        ([[-SMALL]], False),
        ([[0, 1], [1, 0]], False),
        ([[0, SMALL], [SMALL, 1]], False),
        ([[1, 1, 0], [1, 1, SMALL], [0, SMALL, 0]], False),
        ([[1, 1, 0], [1, 1, 0], [0, 0, 0]], True),
        ([[0, 0, 0], [0, 4, 2], [0, 2, 1]], True),
    ],
)
def test_semidefinite_edges(rows, semidefinite):
    m = fmpq_mat(rows)
    assert exact.is_positive_semidefinite(m) is semidefinite
    assert not exact.is_positive_definite(m)


def test_the_hilbert_matrix_is_definite_and_one_ulp_less_is_not():
    n = 9
    hilbert = fmpq_mat(n, n, [fmpq(1, i + j + 1) for i in range(n) for j in range(n)])
    assert exact.is_positive_definite(hilbert)
    corner = hilbert.det() / exact.submatrix(hilbert, range(n - 1), range(n - 1)).det()  # the last Schur complement
    hilbert[n - 1, n - 1] = hilbert[n - 1, n - 1] - corner
    assert exact.is_positive_semidefinite(hilbert)
    assert not exact.is_positive_definite(hilbert)


def test_the_empty_matrix_is_definite():
    assert exact.is_positive_definite(fmpq_mat(0, 0))


@given(rational_matrices((0, 6), (1, 6)))
def test_null_space_is_all_of_it(m):
    basis = exact.null_space(m)
    assert exact.is_zero(m * basis)
    assert basis.ncols() == m.ncols() - m.rank() == basis.rank()


@given(rational_matrices((1, 6), (1, 6)))
def test_pivot_columns_are_the_first_independent_ones(m):
    pivots = exact.pivot_columns(m)
    rows = range(m.nrows())
    ranks = [exact.submatrix(m, rows, range(j + 1)).rank() for j in range(m.ncols())]
    assert pivots == [j for j in range(m.ncols()) if ranks[j] > (ranks[j - 1] if j else 0)]


@given(rational_matrices((1, 5), (1, 5)))
def test_rank_agrees_with_floats(m):
    singular = np.linalg.svd(as_floats(m), compute_uv=False)
    assert (singular > 1e-9).sum() == m.rank()


@given(rationals(size=10**30, denominators=(1, 10**20 + 39, 7)))
def test_numbers_cross_unchanged(x):
    assert exact.to_fraction(exact.to_fmpq(x)) == x


@given(rational_matrices((1, 4), (1, 4)))
def test_rows_cross_unchanged(m):
    assert exact.matrix(exact.to_rows(m)) == m


@given(rational_matrices((0, 4), (0, 4)))
def test_matrices_survive_pickling(m):
    assert pickle.loads(pickle.dumps(m)) == m


@given(rational_matrices(3, 4), rational_matrices(3, 4))
def test_inner_product_trace_and_blocks_agree_with_floats(a, b):
    assert float(exact.to_fraction(exact.inner(a, b))) == pytest.approx((as_floats(a) * as_floats(b)).sum())
    assert exact.trace(a.transpose() * b) == exact.inner(a, b)
    np.testing.assert_allclose(as_floats(exact.hstack([a, b], 3)), np.hstack([as_floats(a), as_floats(b)]))
    np.testing.assert_allclose(as_floats(exact.submatrix(a, [2, 0], [1, 3])), as_floats(a)[np.ix_([2, 0], [1, 3])])


def test_a_ball_is_a_rational_unless_it_would_fill_the_memory():
    for x in (arb(0), arb(3) / 8, -(arb(2) ** 5000), arb(2) ** -exact.MAX_EXPONENT):
        assert arb(exact.from_ball(x)) == x
    for x in (arb(10**30).exp(), arb(2) ** (10**10), -(arb(2) ** -(10**10))):
        with pytest.raises(OverflowError, match="is beyond what rationals are written out for"):
            exact.from_ball(x)
    for x in (arb("inf"), arb("nan")):
        with pytest.raises(OverflowError, match="is not finite"):
            exact.from_ball(x)
