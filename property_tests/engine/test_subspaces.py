"""Subspaces: the laws of a modular lattice, how S_F moves under linear maps, and angles that floats confirm."""

from __future__ import annotations

from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
from flint import arb, fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from thmverify import exact
from thmverify.models import SharedGMM
from thmverify.subspaces import (
    Subspace,
    certified_cosines_squared,
    certified_principal_angles,
    fisher_subspace,
    lda_subspace,
    mean_subspace,
    pca_subspace,
    principal_angles,
)
from thmverify.testing import (
    gmms,
    invertible_matrices,
    permutations,
    rational_matrices,
    rational_orthogonal_matrices,
    shared_gmms,
)

AMBIENT = 5
subspaces = rational_matrices(AMBIENT, (0, 6)).map(Subspace.spanned_by)


@given(subspaces, subspaces, subspaces)
def test_inclusion_is_an_order_and_the_sum_its_least_upper_bound(a, b, c):
    assert a <= a
    assert not a < a
    assert (a == b) == (a <= b and b <= a)
    assert (a < b) == (a <= b and a != b)
    assert (a >= b) == (b <= a)
    assert (a > b) == (b < a)
    if a <= b and b <= c:
        assert a <= c
    assert a <= a + b
    assert b <= a + b
    assert (a + b <= c) == (a <= c and b <= c)
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)


@given(subspaces, subspaces)
def test_the_complement_reverses_inclusion_and_splits_the_space(a, b):
    ac, bc = a.orthogonal_complement(), b.orthogonal_complement()
    assert ac.orthogonal_complement() == a
    assert (a <= b) == (bc <= ac)
    assert a.dimension + ac.dimension == AMBIENT
    assert (a + ac).dimension == AMBIENT
    assert exact.is_zero(a.basis.transpose() * ac.basis)
    meet = (ac + bc).orthogonal_complement()
    assert meet <= a
    assert meet <= b
    assert a.dimension + b.dimension == (a + b).dimension + meet.dimension


@given(rational_matrices(AMBIENT, (1, 6)), invertible_matrices(AMBIENT), st.data())
def test_a_subspace_does_not_depend_on_the_columns_that_span_it(m, T, data):
    a = Subspace.spanned_by(m)
    mixing = data.draw(invertible_matrices(m.ncols()))
    assert Subspace.spanned_by(m * mixing) == a
    assert a.dimension == m.rank()
    assert a.image(T).image(T.inv()) == a
    assert a.image(T).dimension == a.dimension
    b = data.draw(subspaces)
    assert (a + b).image(T) == a.image(T) + b.image(T)


def test_inclusion_is_decided_where_floats_cannot():
    line = Subspace.spanned_by(exact.column([1, 1]))
    near = Subspace.spanned_by(exact.column([Fraction(1), 1 + Fraction(1, 10**40)]))
    assert not line <= near
    assert not near <= line
    assert (line + near).dimension == 2
    (angle,) = certified_principal_angles(line, near)
    assert angle > 0


def test_the_zero_subspace():
    zero, whole = Subspace.spanned_by(fmpq_mat(3, 0)), Subspace.spanned_by(exact.identity(3))
    assert zero <= zero
    assert zero < whole
    assert zero.orthogonal_complement() == whole
    assert whole.orthogonal_complement() == zero
    assert zero + zero == zero
    assert zero.image(exact.identity(3)) == zero
    assert zero == Subspace.spanned_by(fmpq_mat(3, 2))
    assert zero.as_floats().shape == (3, 0)
    assert certified_principal_angles(zero, whole) == []


# ------------------------------------------------------------------------------------ the subspaces of the sources


@given(shared_gmms(centred=True))
def test_centred_means_need_all_of_the_fisher_subspace(mixture):
    assert lda_subspace(mixture) == fisher_subspace(mixture)


@given(gmms())
def test_the_posterior_needs_at_most_the_fisher_subspace(mixture):
    lda, fisher = lda_subspace(mixture), fisher_subspace(mixture)
    assert lda <= fisher
    assert fisher.dimension - lda.dimension <= 1
    assert fisher.dimension == mean_subspace(mixture).dimension
    assert fisher == lda + Subspace.spanned_by(mixture.sigma_bar.solve(mixture.mean))


def test_uncentred_means_can_need_less():
    mixture = SharedGMM((Fraction(1, 2), Fraction(1, 2)), ((1, 1), (1, -1)))
    assert lda_subspace(mixture) < fisher_subspace(mixture)
    single = SharedGMM((Fraction(1),), ((1, 1),))
    assert lda_subspace(single).dimension == 0 < fisher_subspace(single).dimension


def moved(mixture: SharedGMM, T: fmpq_mat) -> SharedGMM:
    """Return the law of Tx."""
    means = exact.to_rows((T * mixture.mu).transpose())
    return SharedGMM(mixture.weights, means, exact.to_rows(T * mixture.sigma * T.transpose()))


@given(st.data(), shared_gmms(dimension=(1, 5)))
def test_linear_maps_move_the_fisher_subspace_by_the_inverse_transpose(data, mixture):
    T = data.draw(invertible_matrices(mixture.dimension))
    dual = T.inv().transpose()
    assert fisher_subspace(moved(mixture, T)) == fisher_subspace(mixture).image(dual)
    assert lda_subspace(moved(mixture, T)) == lda_subspace(mixture).image(dual)
    assert mean_subspace(moved(mixture, T)) == mean_subspace(mixture).image(T)


@given(st.data(), shared_gmms(dimension=(1, 5)))
def test_rotations_move_every_subspace_alike(data, mixture):
    T = data.draw(rational_orthogonal_matrices(mixture.dimension))
    assert T.transpose() * T == exact.identity(mixture.dimension)
    assert fisher_subspace(moved(mixture, T)) == fisher_subspace(mixture).image(T)


@given(st.data(), shared_gmms())
def test_the_order_of_the_components_is_immaterial(data, mixture):
    order = data.draw(permutations(mixture.components))
    shuffled = SharedGMM([mixture.weights[k] for k in order], [mixture.means[k] for k in order], mixture.covariance)
    assert fisher_subspace(shuffled) == fisher_subspace(mixture)
    assert lda_subspace(shuffled) == lda_subspace(mixture)


def test_spherical_covariance_makes_pca_find_the_fisher_subspace():
    mixture = SharedGMM((Fraction(1, 3),) * 3, ((2, 1, 0), (-1, 2, 1), (-1, -3, -1)))
    R = np.array(exact.to_rows(mixture.R), dtype=float)
    fisher = fisher_subspace(mixture)
    angles = principal_angles(pca_subspace(R, fisher.dimension), fisher.as_floats())
    np.testing.assert_allclose(angles, 0, atol=1e-7)


def test_parallel_pancakes_turn_pca_away():
    mixture = SharedGMM((Fraction(1, 2), Fraction(1, 2)), ((1, 0), (-1, 0)), ((1, 0), (0, 100)))
    R = np.array(exact.to_rows(mixture.R), dtype=float)
    angles = principal_angles(pca_subspace(R, 1), fisher_subspace(mixture).as_floats())
    np.testing.assert_allclose(angles, np.pi / 2, atol=1e-12)


# --------------------------------------------------------------------------------------------------------- angles


@given(subspaces, subspaces)
def test_certified_angles_contain_the_floating_ones(a, b):
    certified = certified_principal_angles(a, b)
    floating = principal_angles(a.as_floats(), b.as_floats())
    assert len(certified) == len(floating) == min(a.dimension, b.dimension)
    for angle, estimate in zip(certified, floating, strict=True):
        assert angle.rel_accuracy_bits() > 45
        assert float(angle.mid()) == pytest.approx(estimate, abs=1e-7)


@given(subspaces, subspaces)
def test_zero_and_right_angles_are_exact(a, b):
    cosines = certified_cosines_squared(a, b)
    common = a.dimension + b.dimension - (a + b).dimension
    assert sum(c == 1 for c in cosines) == common
    orthogonal = (a.basis.transpose() * b.basis).rank()
    assert sum(not c.is_zero() for c in cosines) == orthogonal
    angles = certified_principal_angles(a, b)
    assert sum(angle.is_zero() for angle in angles) == common
    assert sum(angle.overlaps(arb.pi() / 2) for angle in angles) == len(cosines) - orthogonal


@given(subspaces, subspaces, rational_orthogonal_matrices(AMBIENT))
def test_angles_are_symmetric_and_survive_rotation(a, b, T):
    for pair in ((b, a), (a.image(T), b.image(T))):
        for x, y in zip(certified_principal_angles(a, b), certified_principal_angles(*pair), strict=True):
            assert x.overlaps(y)


@pytest.mark.parametrize("prec", [53, 200])
def test_an_angle_known_in_closed_form(prec):
    a = Subspace.spanned_by(fmpq_mat([[1, 0], [0, 1], [0, 0]]))
    b = Subspace.spanned_by(fmpq_mat([[1, 0], [0, 1], [0, 2]]))
    with flint.ctx.workprec(prec):
        largest, least = certified_principal_angles(a, b)
        assert least == 0
        assert largest.contains(arb(2).atan()) or largest.overlaps(arb(2).atan())
        assert largest.rel_accuracy_bits() > prec - 10


@pytest.mark.parametrize("exponent", [3, 10, 20])
def test_small_angles_keep_their_relative_accuracy(exponent):
    """The angle between (1, 0) and (1, ε) is atan ε: lost when it is computed as acos of a rounded cosine."""
    epsilon = fmpq(1, 10**exponent)
    a, b = Subspace.spanned_by(fmpq_mat([[1], [0]])), Subspace.spanned_by(fmpq_mat([[1], [epsilon]]))
    with flint.ctx.workprec(200), mpmath.workprec(200):
        (angle,) = certified_principal_angles(a, b)
        truth = mpmath.atan(mpmath.mpf(10) ** -exponent)
        low, high = (mpmath.mpf(x.str(60, radius=False)) for x in (angle.lower(), angle.upper()))
        assert abs(low - truth) < truth * mpmath.mpf(10) ** -30
        assert abs(high - truth) < truth * mpmath.mpf(10) ** -30
