"""Three rigorous rules for the same integral: lattice, adaptive integration, cells. Their balls must meet."""

from __future__ import annotations

import pytest
from flint import arb, ctx, fmpq, fmpq_mat
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from thmverify import exact
from thmverify.integrate import adaptive, cells
from thmverify.integrate.lattice import Lattice, choose_axes, error_bound, window
from thmverify.integrate.problem import LogSumExp
from thmverify.integrate.windows import plan_windows

NATS = 30.0
BITS = 160

small = st.builds(fmpq, st.integers(-12, 12), st.integers(1, 5))


@st.composite
def problems(draw: st.DrawFn, dimension: int, curved: bool, reach: int = 1) -> LogSumExp:
    """Log-sum-exp problems with K = 2 or 3, exponents relative to the first."""
    K = draw(st.integers(2, 3))
    raw = draw(st.lists(st.integers(1, 50), min_size=K, max_size=K))
    weights = tuple(fmpq(x, sum(raw)) for x in raw)
    covariances = tuple(_covariance(draw, dimension) for _ in range(K if curved else 1))
    linear = fmpq_mat(dimension, K, [draw(small) * reach if k else fmpq(0) for _ in range(dimension) for k in range(K)])
    quadratic = tuple(_bend(draw, dimension, k) for k in range(K)) if curved else ()
    centres = fmpq_mat(dimension, K, [draw(small) for _ in range(dimension * K)])
    return LogSumExp(weights, centres, covariances, linear, quadratic)


def _covariance(draw: st.DrawFn, dimension: int) -> fmpq_mat:
    factor = fmpq_mat(dimension, dimension, [draw(st.integers(-2, 2)) for _ in range(dimension**2)])
    return factor * factor.transpose() * fmpq(1, 4) + exact.identity(dimension) * fmpq(1, 3)


def _bend(draw: st.DrawFn, dimension: int, k: int) -> fmpq_mat:
    factor = fmpq_mat(dimension, 1, [draw(st.integers(-2, 2)) for _ in range(dimension)])
    return factor * factor.transpose() * fmpq(k, 4)


def lattice_value(problem: LogSumExp) -> arb:
    plan = plan_windows(problem, 8.0, budget=1e5)
    assume(plan is not None and plan.complete)
    return plan.value()


@pytest.mark.parametrize(("dimension", "curved"), [(1, False), (1, True), (2, False), (2, True)])
@settings(max_examples=5)
@given(data=st.data())
def test_cells_meet_the_lattice(data: st.DataObject, dimension: int, curved: bool) -> None:
    problem = data.draw(problems(dimension, curved))
    with ctx.workprec(BITS):
        by_lattice = lattice_value(problem)
        plan = cells.plan_cells(problem, 12.0)
        assert plan is not None
        by_cells = cells.value(problem, plan)
    assert by_cells.overlaps(by_lattice)
    assert by_cells.rad() < 1e-3
    assert by_lattice.rad() < 1e-2


@settings(max_examples=8)
@given(problem=problems(1, curved=False, reach=20))
def test_adaptive_integration_meets_the_lattice(problem: LogSumExp) -> None:
    with ctx.workprec(BITS):
        for j in range(problem.components):
            win = window(problem, (j,), problem.centre(j))
            axes = choose_axes(win, NATS)
            lattice = Lattice(win, axes)
            spread = arb(0, error_bound(win, axes))
            assert (lattice.values()[0] + spread).overlaps(adaptive.values(win, NATS)[0])


@settings(max_examples=10)
@given(problem=problems(1, curved=False), nats=st.floats(2.0, 12.0))
def test_a_coarse_lattice_still_contains_the_truth(problem: LogSumExp, nats: float) -> None:
    """The bound is computed from the lattice in use, so even a poor one gives a ball round the truth."""
    with ctx.workprec(BITS):
        win = window(problem, tuple(range(problem.components)), problem.centre(0))
        fine, coarse = choose_axes(win, 40.0), choose_axes(win, nats)
        truth = Lattice(win, fine).values()
        bound = error_bound(win, coarse)
        for value, reference in zip(Lattice(win, coarse).values(), truth, strict=True):
            assert (value + arb(0, bound)).overlaps(reference)


def test_the_bound_is_not_idle() -> None:
    """A lattice too coarse for its strip must be given a bound that covers its real error, which is large."""
    steep = LogSumExp((fmpq(1, 2), fmpq(1, 2)), fmpq_mat(1, 2), (fmpq_mat([[1]]),), fmpq_mat([[fmpq(0), fmpq(40)]]))
    with ctx.workprec(BITS):
        win = window(steep, (0, 1), steep.centre(0))
        coarse = choose_axes(win, 3.0)
        error = abs(Lattice(win, coarse).values()[0] - Lattice(win, choose_axes(win, 40.0)).values()[0])
        assert error > 1e-4
        assert error < error_bound(win, coarse)
