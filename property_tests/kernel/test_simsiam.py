"""The SimSiam rules: a box with a stationary point outside S_F is found and checked, and nothing true is refuted."""

from __future__ import annotations

import json
import random
from fractions import Fraction

import numpy as np
import pytest
from flint import arb_mat, ctx, fmpq, fmpq_poly

from property_tests.kernel.library import LEAKING, LINE, SHIPPED, TWISTED
from thmverify import exact
from thmverify import testing as st
from thmverify.certifying import decide
from thmverify.certifying.simsiam import _solutions, leak_proposals, simsiam_proposals
from thmverify.certifying.writing import instance_fields
from thmverify.instances import parse_instance
from thmverify.kernel import Rejected
from thmverify.kernel.linear import changes
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.rules import RULES
from thmverify.kernel.rules.simsiam import derivative, equations, sturm, unknown_entries
from thmverify.losses import LOSSES
from thmverify.maps import SimSiamPair
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.sampling import random_covariance, random_instance
from thmverify.testing import MULTIPLIER, Seeded
from thmverify.verdicts import Outcome

LEAK = RULES["simsiam-inclusion", "leak"]


def pairs_of(instance):
    return kernel_instance(instance_fields(instance))


def leaking(rank: int, **fields):
    return parse_instance({**LEAKING, "rank": rank, "weight_decay": "1/20", **fields})


def drawn(seed: int, rank: int):
    """A random instance of more dimensions than components, with a full covariance: S_F is not invariant."""
    rng = random.Random(seed)
    source = Seeded(rng)
    d = source.integer(rank + 2, 8)
    weights = st.mixture_weights(source, d - 1, hostile=False)
    means = st.mixture_means(source, weights, d, centred=False, hostile=False)
    mixture = SharedGMM(weights, means, random_covariance(rng, d))
    return Instance(AugmentedPairs(mixture, Fraction(source.integer(1, 10), 10)), rank, Fraction(1, 10**5))


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(2 * MULTIPLIER))
def test_a_leak_is_a_stationary_point_outside_the_fisher_subspace(seed, rank):
    instance = drawn(seed, rank)
    verdict, data = decide("simsiam-inclusion", instance)
    assert verdict.outcome is Outcome.REFUTED
    hints = json.loads(data)["hints"]
    U, P = (exact.matrix([[Fraction(x) for x in row] for row in hints[name]]) for name in ("U", "P"))
    found = LOSSES["simsiam"].gradient(instance, SimSiamPair(U * P, P))
    assert all(abs(x) < fmpq(1, 10**10) for part in found.values() for x in part.rational.entries())
    assert P.rank() == rank
    assert (exact.hstack([pairs_of(instance).mixture.fisher, U], U.nrows())).rank() > pairs_of(instance).mixture.m


def test_the_derivative_is_that_of_the_equations():
    pairs = pairs_of(leaking(2))
    rng = random.Random(5)
    d, r = 4, 2
    x, step = (arb_mat([[rng.randint(-9, 9) for _ in range(r)] for _ in range(d + r)]) for _ in range(2))
    unknowns = unknown_entries(d + r, r)
    with ctx.workprec(300):
        step[d + 1, 0] = 0  # below the diagonal of P
        along = derivative(pairs, x, unknowns) * arb_mat([[step[i, j]] for i, j in unknowns])
        tiny = fmpq(1, 2**100)
        secant = (equations(pairs, x + step * tiny) - equations(pairs, x - step * tiny)) / (2 * tiny)
        assert all(abs(a - b) < 1e-20 for a, b in zip(along.entries(), secant.entries(), strict=True))


def changed(hints, **fields):
    return {**hints, **fields}


def scaled(rows, factor):
    return [[str(Fraction(x) * Fraction(factor)) for x in row] for row in rows]


@pytest.mark.parametrize("rank", [1, 2])
def test_spoilt_hints_are_refused(rank):
    pairs = pairs_of(leaking(rank))
    hints = next(leak_proposals(pairs)).hints
    assert LEAK(pairs, hints).verdict == "refuted"
    spoilt = [
        changed(hints, radius="0"),
        changed(hints, radius="-1"),
        changed(hints, radius="1"),  # the derivative is singular somewhere in the box
        changed(hints, radius=str(fmpq(1, 2**90))),  # the step leads out of the box
        changed(hints, precision="32"),
        changed(hints, precision="100000"),
        changed(hints, U=scaled(hints["U"], 2)),
        changed(hints, U=scaled(hints["U"], "1000001/1000000")),
        changed(hints, U=scaled(hints["U"], 0)),
        changed(hints, P=scaled(hints["P"], "1000001/1000000")),
        changed(hints, P=scaled(hints["P"], -1)),
        changed(hints, P=scaled(hints["P"], 0)),
        changed(hints, U=hints["U"][:-1]),
        changed(hints, P=[*hints["P"], hints["P"][0]]),
        {"p": "1/3"},
    ]
    for other in spoilt:
        with pytest.raises(Rejected):
            LEAK(pairs, other)


def test_the_same_point_in_other_coordinates_of_the_features_is_accepted():
    pairs = pairs_of(leaking(2))
    hints = next(leak_proposals(pairs)).hints
    Q = exact.matrix([[Fraction(3, 5), Fraction(4, 5)], [Fraction(-4, 5), Fraction(3, 5)]])
    U, P = (exact.matrix([[Fraction(x) for x in row] for row in hints[name]]) for name in ("U", "P"))
    turned = {"U": U * Q, "P": Q.transpose() * P * Q}
    rows = {name: [[str(x) for x in row] for row in exact.to_rows(m)] for name, m in turned.items()}
    assert LEAK(pairs, changed(hints, **rows)).verdict == "refuted"


@pytest.mark.parametrize("rank", [1, 2])
def test_a_stationary_point_inside_is_no_leak(rank):
    """Σ = 1 preserves span μ: true for every η, with stationary points that the box encloses."""
    covariance = [[str(int(i == j)) for j in range(4)] for i in range(4)]
    instance = leaking(rank, covariance=covariance, weight_decay="1/100")
    pairs = pairs_of(instance)
    assert decide("simsiam-inclusion", instance)[0].outcome is Outcome.PROVED
    assert list(leak_proposals(pairs)) == []
    U, P = next(_solutions(pairs))
    rows = {"U": [[str(Fraction(x)) for x in r] for r in U], "P": [[str(Fraction(x)) for x in r] for r in P]}
    with pytest.raises(Rejected, match="outside"):
        LEAK(pairs, {"precision": "128", **rows, "radius": "1/10000000000"})


def test_without_decay_there_is_no_leak():
    hints = json.loads(next(p for p in SHIPPED if "simsiam" in p.stem).read_bytes())["hints"]
    with pytest.raises(Rejected):
        LEAK(pairs_of(parse_instance({**LINE, "rank": 1, "weight_decay": "0"})), hints)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_vacuous_decays_have_no_solution(rank):
    """Where the claim is proved because nothing is stationary, the search finds nothing either."""
    for eta in ("1/2", "1", "2", "5"):
        instance = leaking(rank, weight_decay=eta)
        if decide("simsiam-inclusion", instance)[0].outcome is Outcome.PROVED:
            assert list(_solutions(pairs_of(instance))) == []


@pytest.mark.parametrize(("share", "outcome"), [("999/1000", Outcome.REFUTED), ("1001/1000", Outcome.PROVED)])
def test_one_column_of_two_means_leaks_up_to_the_largest_decay(share, outcome):
    """K = 2, ±μ, r = 1: N(p) = p²R − pC + ηI is singular for some p exactly when a vᵀCv is ≥ 2√(η vᵀRv)."""
    skewed = {**LINE, "covariance": [["2", "1"], ["1", "5"]], "rank": 1}
    instance = parse_instance({**skewed, "weight_decay": "1"})
    R, C = exact.to_floats(instance.pairs.mixture.R), exact.to_floats(instance.pairs.C)
    angles = np.linspace(0, np.pi, 20_000)
    v = np.stack([np.cos(angles), np.sin(angles)])
    largest = Fraction(float((np.sum(v * (C @ v), 0) ** 2 / np.sum(v * (R @ v), 0)).max()) / 4)
    decay = (largest * Fraction(share)).limit_denominator(10**5)
    assert decide("simsiam-inclusion", parse_instance({**skewed, "weight_decay": str(decay)}))[0].outcome is outcome


ROOT = RULES["simsiam-inclusion", "root"]


def by_roots(instance) -> str:
    """What exact roots say, by the rules themselves and by no box."""
    pairs = pairs_of(instance)
    try:
        return RULES["simsiam-inclusion", "exact"](pairs, {}).verdict
    except Rejected:
        roots = [p.hints for p in simsiam_proposals(pairs) if p.rule == "root"]
    for hints in roots:
        try:
            return ROOT(pairs, hints).verdict
        except Rejected:
            continue
    return ""


@pytest.mark.parametrize("seed", range(20 * MULTIPLIER))
def test_all_roots_decide_what_boxes_do(seed):
    rng = random.Random(seed)
    drawn = random_instance(rng, shared=rng.random() < 0.5)
    bias, decay = Fraction(rng.randint(1, 4), 4), Fraction(rng.randint(1, 40), rng.choice([4, 20, 100]))
    instance = Instance(AugmentedPairs(drawn.pairs.mixture, bias), 1, decay)
    assert by_roots(instance) == decide("simsiam-inclusion", instance)[0].outcome.value != "undecided"


def test_roots_are_for_one_column_a_positive_decay_and_a_change_of_sign():
    refuted = {**TWISTED, "weight_decay": "1/2"}
    pairs = pairs_of(parse_instance(refuted))
    hints = next(p.hints for p in simsiam_proposals(pairs) if p.rule == "root")
    assert ROOT(pairs, hints).verdict == "refuted"
    for fields in ({"rank": 2}, {"weight_decay": "0"}, {"weight_decay": "1"}):
        with pytest.raises(Rejected):
            ROOT(pairs_of(parse_instance({**refuted, **fields})), hints)
    for spoilt in (
        {"low": hints["high"], "high": hints["low"]},
        {"low": "0"},
        {"low": "-1"},
        {"high": hints["low"]},
        {"low": "1/1000000", "high": "1000000"},
        {"precision": "4"},
        {"root": "1"},
    ):
        with pytest.raises(Rejected):
            ROOT(pairs, {**hints, **spoilt})


@pytest.mark.parametrize("roots", [(), (1,), (1, 2), (1, 1), ("1/3", "1/3", 2), (-1,), (-1, 5, 5, 5)])
def test_sturm_counts_different_positive_roots(roots):
    f = fmpq_poly([1, 0, 1])  # x² + 1
    for root in roots:
        f *= fmpq_poly([-exact.to_fmpq(Fraction(root)), 1])
    chain = sturm(f)
    found = changes(g(0) for g in chain) - changes(g.leading_coefficient() for g in chain)
    assert found == len({root for root in map(Fraction, roots) if root > 0})


@pytest.mark.parametrize("decay", ["1/100", "1/10"])
def test_stationary_points_inside_are_no_leak_whatever_the_roots(decay):
    """Σ preserves span μ in part: U = e₁ at every root, e₁ in S_F and in span μ."""
    mixture = {**LINE, "means": [["2", "0"], ["-2", "0"]], "covariance": [["1", "0"], ["0", "3"]], "rank": 1}
    instance = parse_instance({**mixture, "weight_decay": decay})
    assert decide("simsiam-inclusion", instance)[0].outcome is Outcome.PROVED
    pairs = pairs_of(instance)
    assert [p for p in simsiam_proposals(pairs) if p.rule == "leak"] == []
    for hints in [p.hints for p in simsiam_proposals(pairs) if p.rule == "root"]:
        with pytest.raises(Rejected, match="outside"):
            ROOT(pairs, hints)
