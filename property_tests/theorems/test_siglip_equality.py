"""SigLIP's minimisers, localised in balls: verdicts both ways, and what the kernel's rule rests on."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import arb_mat, ctx, fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as hst

from property_tests.kernel.library import TRIANGLE as BALANCED
from property_tests.kernel.library import UNEVEN as OTHER
from thmverify import exact
from thmverify.certifying import decide
from thmverify.certifying.fisher import instance_of
from thmverify.certifying.grids import propose_pairs, rational, whitening
from thmverify.certifying.siglip import best, modulus
from thmverify.certifying.writing import instance_fields
from thmverify.exact import to_floats
from thmverify.instances import parse_instance
from thmverify.kernel import Rejected, integrals
from thmverify.kernel.integrals import read_grids
from thmverify.kernel.models import Mixture, Pairs
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.rules import RULES
from thmverify.kernel.rules.siglip import components, curvature, localised, slopes
from thmverify.losses import LOSSES
from thmverify.losses.levels import enclosed_gradient, float64_value
from thmverify.maps import BiasedEncoder
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.standing import judge
from thmverify.testing import examples
from thmverify.theorems.infonce.common import TRIANGLE, WITNESS
from thmverify.theorems.scores.siglip_equality import STATEMENT, UNEVEN, fills, margin
from thmverify.verdicts import Outcome, Provenance

UNEVEN_PAIRS = Instance(AugmentedPairs(UNEVEN), 2)
(EXAMPLE,) = STATEMENT.counterexamples
KERNEL = RULES["siglip-equality", "kkt"]


def seen(instance: Instance) -> Pairs:
    pairs = kernel_instance(instance_fields(instance))
    assert isinstance(pairs, Pairs)
    return pairs


def white(pairs: Pairs) -> tuple[list[list[str]], Mixture, fmpq_mat]:
    """Q, the law in nearly white coordinates of S_F, and C there."""
    there = pairs.on_fisher
    Q = whitening(there.mixture)
    turn = rational(Q, there.mixture.m)
    return Q, there.mixture.reduced(turn), turn.transpose() * there.C * turn


def test_the_claim_is_refuted_by_a_certificate_of_an_instance_that_satisfies_it() -> None:
    assert STATEMENT.false_hypotheses(EXAMPLE.instance) == ()
    assert EXAMPLE.verdict(STATEMENT.claim, STATEMENT.examine).outcome is Outcome.REFUTED
    found, data = STATEMENT.decided(EXAMPLE.instance)
    assert data is not None
    assert (found.outcome, found.rank, found.dimension) == (Outcome.REFUTED, 1, 2)
    assert found.margin is not None
    assert margin(EXAMPLE.instance) == pytest.approx(float(found.margin[0]), rel=1e-4)
    assert EXAMPLE.instance == UNEVEN_PAIRS
    assert "decided exactly" in judge(STATEMENT).reason


def test_equality_is_proved_on_a_line_and_where_there_is_nothing() -> None:
    assert STATEMENT.examine(WITNESS).outcome is Outcome.PROVED
    nothing = Instance(AugmentedPairs(SharedGMM((1,), ((0, 0),))), 1)
    assert STATEMENT.examine(nothing).outcome is Outcome.PROVED
    assert STATEMENT.examine(replace(UNEVEN_PAIRS, rank=1)).outcome is Outcome.REFUTED  # a column spans no plane
    unbiased = Instance(AugmentedPairs(UNEVEN, 0), 2)
    assert (STATEMENT.examine(unbiased).outcome, STATEMENT.examine(unbiased).provenance) == (
        Outcome.REFUTED,
        Provenance.EXACT,
    )
    assert margin(Instance(AugmentedPairs(TRIANGLE), 2)) < 0


def test_a_full_minimiser_is_proved_without_a_certificate() -> None:
    found, data = STATEMENT.decided(parse_instance(BALANCED))
    assert (found.outcome, found.provenance, found.rank, data) == (Outcome.PROVED, Provenance.ENCLOSED, 2, None)
    assert fills(WITNESS).outcome is Outcome.UNDECIDED
    assert fills(replace(UNEVEN_PAIRS, rank=1)).outcome is Outcome.UNDECIDED


def test_the_kernel_s_gradient_is_the_library_s() -> None:
    for bias in (Fraction(1), Fraction(3, 5)):
        instance = parse_instance(OTHER | {"bias": str(bias)})
        pairs, V, b = seen(instance), exact.matrix([[Fraction(1, 20)], [Fraction(-1, 50)]]), fmpq(-1, 3)
        _, law, C = white(pairs)
        inside = instance_of(instance, [law])
        grid = propose_pairs(law, V, 40.0)
        with ctx.workprec(grid.bits):
            g, e = slopes(law, components(pairs), V, b, read_grids(grid.grids, "grids"))
            balls, _ = enclosed_gradient(LOSSES["siglip"], inside, BiasedEncoder(V, b), 20)
            assert (e - 1).overlaps(balls["b"][0, 0])
            assert (g - arb_mat(C))[0, 1].overlaps(balls["M"][0, 1])
            assert (g - arb_mat(C))[1, 1].overlaps(balls["M"][1, 1])
            assert e.rad() < 1e-12


def test_what_is_mirrored_is_integrated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The grid of l, k as that of k, l with axes exchanged, or with a node more: the same, from 6 or 9 integrals."""
    pairs, V, b = seen(parse_instance(OTHER)), exact.matrix([[Fraction(1, 20)], [Fraction(-1, 50)]]), fmpq(-1, 3)
    _, law, _ = white(pairs)
    grid = propose_pairs(law, V, 20.0)
    mirrored = read_grids(grid.grids, "grids")
    longer = [[x._replace(steps=range(x.steps.start, x.steps.stop + (i % 3 < i // 3))) for x in axes]
              for i, axes in enumerate(mirrored)]  # fmt: skip
    taken: list[object] = []
    integrate = integrals.component_moments
    monkeypatch.setattr(integrals, "component_moments", lambda law, axes: taken.append(axes) or integrate(law, axes))
    found = []
    for grids, times in ((mirrored, 6), (longer, 9)):
        taken.clear()
        with ctx.workprec(grid.bits):
            found.append(slopes(law, components(pairs), V, b, grids))
        assert len(taken) == times
    (g, e), (h, f) = found
    assert g.overlaps(h)
    assert e.overlaps(f)
    assert max(e.rad(), f.rad()) < 1e-6


def test_the_loss_is_as_convex_as_the_modulus_says() -> None:
    """Second differences of the loss itself, in random directions, at a point that is near the minimiser or not."""
    rng = np.random.default_rng(1)
    pairs = seen(UNEVEN_PAIRS)
    mixture = pairs.mixture
    tau = to_floats(exact.submatrix(mixture.means, range(2), [0]))
    G, R = to_floats(mixture.sigma), to_floats(mixture.sigma) + 2 * tau @ tau.T

    def value(M: np.ndarray, b: float) -> float:
        root = exact.matrix([[Fraction(x) for x in row] for row in np.linalg.cholesky(M).tolist()])
        return float64_value(LOSSES["siglip"], UNEVEN_PAIRS, BiasedEncoder(root, exact.to_fmpq(Fraction(b)))).value

    for b in (-0.389, 0.2):
        A = exact.matrix([[Fraction("-0.142"), 0], [0, Fraction("0.01")]])
        M = to_floats(A * A.transpose())
        kappa = float(modulus(pairs, mixture, A, exact.to_fmpq(Fraction(str(b)))))
        H, h = rng.standard_normal((2, 2)) * 1e-5, 1e-3 * rng.standard_normal()
        H = H + H.T
        ends = [value(M + H * s, b + h * s) for s in (-1, 0, 1)]
        norm2 = np.trace(H @ G @ H @ R) + (h + (tau.T @ H @ tau).item()) ** 2
        assert ends[0] + ends[2] - 2 * ends[1] >= kappa * norm2 > 0


@given(hst.lists(hst.integers(-9, 9), min_size=2, max_size=2))
@settings(max_examples=examples(30))
def test_the_curvature_is_bounded_by_f(v: list[int]) -> None:
    pairs = seen(parse_instance(OTHER))
    law, joint = pairs.mixture, components(pairs)
    column = exact.matrix([[Fraction(x)] for x in v])
    sizes = [exact.inner(column, law.sigma * column) + exact.inner(column, m) ** 2 for m in _columns(law.means)]
    total = sum((joint[k, n] * sizes[k] * sizes[n] for k in range(3) for n in range(3)), fmpq(0))
    bound = (arb_mat(column.transpose()) * curvature(law, joint) * arb_mat(column))[0, 0]
    assert not bound**2 < total


def _columns(m: fmpq_mat) -> list[fmpq_mat]:
    return [exact.submatrix(m, range(m.nrows()), [k]) for k in range(m.ncols())]


numbers = hst.integers(-40, 40).map(Fraction)


@given(hst.lists(numbers, min_size=5, max_size=5), hst.sampled_from([500, 10**4, 10**8]), hst.integers(1, 10**6))
@settings(max_examples=examples(10), deadline=None)
def test_no_hints_refute_where_it_holds(shift: list[Fraction], scale: int, size: int) -> None:
    """Equal weights round a triangle: whatever the point, near the best of rank 1 or not, nothing is refuted."""
    instance = parse_instance(BALANCED)
    pairs = seen(instance)
    Q, law, _ = white(pairs)
    found = best(instance_of(instance, [law]), 1)
    assert found is not None
    moved = exact.matrix([[x / scale] for x in shift[:2]])
    V, b = found[0] + moved, found[1] + exact.to_fmpq(shift[2] / scale)
    grid = propose_pairs(law, V, 12.0)
    hints = {
        "precision": str(grid.bits),
        "Q": Q,
        "grids": grid.grids,
        "V": [[str(x) for x in row] for row in exact.to_rows(V)],
        "N": [[str(shift[3] + 1)], [str(shift[4])]],
        "offset": str(b),
        "modulus": str(modulus(pairs, law, V, b) / size),
    }
    try:
        finding = KERNEL(pairs, hints)
    except Rejected:
        return
    assert finding.verdict == "proved"


def test_a_point_that_is_not_nearly_stationary_or_not_so_convex_is_refused() -> None:
    found = decide("siglip-equality", UNEVEN_PAIRS)[1]
    assert found is not None
    hints = json.loads(found)["hints"]
    assert localised(seen(UNEVEN_PAIRS).on_fisher, hints).bounds(2) == (1, 1)
    for name, value in (
        ("offset", "1/2"),
        ("modulus", "1"),
        ("modulus", "0"),
        ("modulus", "-1/1000"),
        ("N", hints["V"]),
        ("V", [[], []]),
        ("grids", hints["grids"][:-1]),
    ):
        with pytest.raises(Rejected):
            KERNEL(seen(UNEVEN_PAIRS), hints | {name: value})


def test_for_one_component_no_lattice_is_summed() -> None:
    """The largest ones would take twice the time: there are two softmax weights, and one grid to count."""
    alone = seen(Instance(AugmentedPairs(SharedGMM((1,), ((2, 1),))), 1))
    grid = [["1/1000", "-100000", "100000", "1"], ["1", "-9", "2", "1"]]
    hints = {"precision": "128", "Q": [["1"]], "grids": [grid], "V": [["1"]], "N": [[]], "offset": "0", "modulus": "1"}
    with pytest.raises(Rejected, match="one component"):
        KERNEL(alone, hints)
