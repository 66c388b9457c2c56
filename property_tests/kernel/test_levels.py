"""Rules that count eigenvalues, and those beside them: false hints are rejected, and edges are where they should be."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from property_tests.kernel.library import APART, CAPTIONS, LINE, ON_AXES, PAIRED, SKEW, TETRAHEDRON, clip, shared
from property_tests.theorems import test_vicreg
from thmverify.certifying import decide
from thmverify.certifying.exact_hints import pca_top_proposals, unseen_proposals
from thmverify.certifying.writing import instance_fields
from thmverify.instances import parse_instance
from thmverify.kernel import Rejected
from thmverify.kernel.models import Finding
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.rules import RULES
from thmverify.testing import MULTIPLIER

PAIR = shared("1/2 1/2", "1 0, -1 0", rank=2)
ASIDE = shared("1/2 1/2", "1/10 1, -1/10 1", rank=2)  # S_F is the plane, and span{Σ⁻¹(μ_1 − μ_2)} a line
ABOVE = shared("1/2 1/2", "1/10 1 0, -1/10 1 0", rank=2)  # and the same in space
LEVELLED = ("barlow-inclusion", "barlow-equality", "vicreg-inclusion", "vicreg-equality")


def found(claim: str, rule: str, instance: dict[str, Any], hints: dict[str, Any]) -> Finding:
    return RULES[claim, rule](kernel_instance(instance_fields(parse_instance(instance))), hints)


def levels(low: str, high: str, second: str) -> dict[str, str]:
    return {"low": low, "high": high, "second": second}


def outcome(claim: str, instance: dict[str, Any]) -> str:
    return decide(claim, parse_instance(instance))[0].outcome.value


# R⁻¹C of APART has the eigenvalues 2/3, 2/5 and, across S_F, 0.
@pytest.mark.parametrize("claim", LEVELLED)
@pytest.mark.parametrize(
    "hints",
    [
        levels("67/100", "7/10", "2/5"),  # above ρ₁
        levels("3/5", "66/100", "2/5"),  # below it
        levels("2/3", "2/3", "39/100"),  # below ρ₂
        levels("2/3", "2/3", "0"),
        levels("3/5", "2", "2/5"),  # above 1
        levels("-1", "2/3", "2/5"),
        levels("2/5", "2/3", "1/2"),  # out of order
        levels("2/3", "2/5", "2/5"),
        levels("0", "1", "0"),
    ],
)
def test_levels_that_do_not_enclose_are_rejected(claim: str, hints: dict[str, str]) -> None:
    assert found(claim, "levels", APART, levels("2/3", "2/3", "2/5")).verdict in ("proved", "refuted")
    with pytest.raises(Rejected):
        found(claim, "levels", APART, hints)


@pytest.mark.parametrize("claim", LEVELLED)
def test_no_levels_prove_the_opposite(claim: str) -> None:
    steps = ["-1/9", "0", "1/101", "1/50", "2/5", "3/5", "2/3", "7/10", "1", "3/2"]
    for instance in (APART, ABOVE, ASIDE, {**LINE, "bias": "1/100", "rank": 3}, {**PAIR, "bias": "0"}):
        seen, verdicts = kernel_instance(instance_fields(parse_instance(instance))), set()
        for hints in itertools.product(steps, repeat=3):
            try:
                verdicts.add(RULES[claim, "levels"](seen, levels(*hints)).verdict)
            except Rejected:
                continue
        assert verdicts <= {outcome(claim, instance)}


@pytest.mark.parametrize(("variance", "verdict"), [("1/2", "proved"), ("499/1000", "refuted")])
def test_the_threshold_of_barlow_twins_is_sharp(variance: str, verdict: str) -> None:
    """±(10, 0) with this variance: λ(r − 1)ρ = 1 − ρ at a signal of 200."""
    instance = {**PAIR, "means": [["10", "0"], ["-10", "0"]], "covariance": [variance, "1"]}
    assert outcome("barlow-inclusion", instance) == outcome("barlow-equality", instance) == verdict


def test_columns_leave_a_line_at_one_two_hundredth_for_each() -> None:
    instance = {**PAIR, "covariance": ["99", "1"]}  # ρ = 1/100 = r/200
    assert outcome("vicreg-inclusion", instance) == "refuted"
    assert outcome("vicreg-inclusion", {**instance, "rank": 1}) == "proved"
    assert outcome("vicreg-inclusion", {**instance, "covariance": ["989/10", "1"]}) == "undecided"


def test_columns_that_leave_a_line_need_room_outside_the_fisher_subspace() -> None:
    hints = levels("1/101", "1/101", "0")
    assert found("vicreg-inclusion", "levels", ABOVE, hints).verdict == "refuted"
    for claim in ("vicreg-inclusion", "vicreg-equality"):
        with pytest.raises(Rejected):
            found(claim, "levels", ASIDE, hints)


def test_what_is_across_may_be_turned_out_of_a_larger_fisher_subspace() -> None:
    """The mean is across: columns that leave the line may lie in S_F or not, at the same loss."""
    faint = parse_instance({**ABOVE, "means": [["1/100", "1", "0"], ["-1/100", "1", "0"]]})
    total, common = test_vicreg.moments(faint)
    value, A = test_vicreg.best(faint)
    turned = np.array([[1, 0, 0], [0, 0, -1], [0, 1.0, 0]]) @ A
    losses = [test_vicreg.loss(x, total, common) for x in (A, turned)]
    assert losses == pytest.approx([value, value], abs=1e-7)
    assert max(np.abs(A[2]).max(), np.abs(turned[2]).max()) > 0.1


ONE = shared("1", "1 0", rank=2)
NOTHING = shared("1/2 1/2", "0 0, 0 0", rank=2)
ALIKE = shared("1/2 1/2", "1 0, 1 0", rank=1)
POINT = shared("1/2 1/2", "1, -1", rank=2)


@pytest.mark.parametrize(
    ("claim", "instance", "verdict"),
    [
        ("whitening-inclusion", ONE, "refuted"),
        ("whitening-inclusion", {**ONE, "rank": 1}, "proved"),
        ("whitening-inclusion", POINT, "proved"),
        ("whitening-inclusion", {**PAIR, "bias": "0", "rank": 1}, "refuted"),
        ("barlow-inclusion", NOTHING, "refuted"),
        ("barlow-equality", NOTHING, "refuted"),
        ("barlow-equality", POINT, "proved"),
        ("barlow-inclusion", {**PAIR, "bias": "0"}, "refuted"),
        ("barlow-inclusion", {**ALIKE, "bias": "0"}, "proved"),  # the mean is what they agree in
        ("barlow-equality", {**TETRAHEDRON, "rank": 3}, "undecided"),
        ("vicreg-inclusion", ALIKE, "refuted"),  # and it is of no use here
        ("vicreg-equality", POINT, "proved"),
        ("vicreg-equality", NOTHING, "refuted"),
        ("shared-noise-inclusion", ONE, "proved"),
        ("shared-noise-inclusion", NOTHING, "refuted"),
        ("shared-noise-inclusion", POINT, "proved"),
        ("shared-noise-inclusion", {**PAIR, "covariance": SKEW, "bias": "0"}, "proved"),
        ("shared-noise-inclusion", {**PAIR, "covariance": SKEW, "rank": 1}, "undecided"),
        ("sample-inclusion", POINT, "proved"),
        ("sample-inclusion", NOTHING, "refuted"),
        ("sample-existence", POINT, "refuted"),
        ("simsiam-equality", NOTHING, "proved"),
        ("simsiam-equality", {**PAIR, "weight_decay": "1/10"}, "undecided"),
        ("simsiam-top-r", {**ON_AXES, "rank": 2}, "proved"),
        ("simsiam-top-r", {**ON_AXES, "rank": 3}, "proved"),  # there is no such pair
        ("simsiam-top-r", {**ON_AXES, "bias": "0"}, "undecided"),
        ("pca-top-r", {**PAIR, "covariance": ["1", "9"]}, "proved"),
        ("pca-top-r", {**PAIR, "covariance": ["1", "9"], "rank": 1}, "refuted"),
        ("pca-top-r", NOTHING, "proved"),
        ("pca-top-r", {**ON_AXES, "covariance": ["1", "4"]}, "undecided"),  # R is a multiple of 1
        ("clip-top-r", {**CAPTIONS, "bias": "0"}, "refuted"),
        ("clip-top-r", clip("1/2 1/2", "0, 0", "0, 0", rank=1), "proved"),
        ("clip-top-r", {**PAIRED, "rank": 1}, "undecided"),
    ],
)
def test_edges(claim: str, instance: dict[str, Any], verdict: str) -> None:
    assert outcome(claim, instance) == verdict


def test_a_permutation_that_is_seen_or_bends_the_means_is_rejected() -> None:
    proposal = next(unseen_proposals(kernel_instance(instance_fields(parse_instance(CAPTIONS))).on_fisher))
    hints = proposal.hints
    assert found("clip-top-r", "unseen", CAPTIONS, hints).verdict == "refuted"
    (unseen,) = hints["permutations"]
    sign = [str(k ^ 4) for k in range(8)]  # both see the sign of the first coordinate
    bent = [*unseen[:2], unseen[2], unseen[3], *(str(k) for k in range(4, 8))]
    for changed in (
        {"permutations": [sign]},
        {"permutations": [bent]},
        {"permutations": []},
        {"permutations": [[str(k) for k in range(8)]]},
        {"modality": "1"},
        {"modality": "2"},
        {"level": "4"},  # no eigenvalue is above
        {"level": "1/2"},  # one of those seen is
    ):
        with pytest.raises(Rejected):
            found("clip-top-r", "unseen", CAPTIONS, {**hints, **changed})
    uneven = {**CAPTIONS, "weights": ["1/16", "1/8", "3/16", *["1/8"] * 5]}
    with pytest.raises(Rejected):
        found("clip-top-r", "unseen", uneven, hints)


def test_texts_that_images_do_not_show() -> None:
    turned = {**CAPTIONS, "vision": CAPTIONS["text"], "text": CAPTIONS["vision"]}
    assert outcome("clip-top-r", turned) == "refuted"


@pytest.mark.parametrize("seed", range(10 * MULTIPLIER))
def test_no_thresholds_prove_the_opposite_of_pca(seed: int) -> None:
    rng = random.Random(seed)
    sides, variances = [rng.randint(1, 4) for _ in range(2)], [str(rng.randint(1, 9)) for _ in range(2)]
    means = [[str(i * sides[0]), str(j * sides[1])] for i in (1, -1) for j in (1, -1)]
    instance = {**ON_AXES, "means": means, "covariance": variances}
    verdicts = set()
    for g, t in itertools.product(range(1, 30, 2), repeat=2):
        try:
            hints = {"threshold": str(Fraction(g, 1)), "fisher_threshold": str(Fraction(t, 3))}
            verdicts.add(found("pca-top-r", "threshold", instance, hints).verdict)
        except Rejected:
            continue
    assert verdicts <= {outcome("pca-top-r", instance)}


def test_thresholds_are_for_what_commutes() -> None:
    skewed = {**ON_AXES, "covariance": SKEW}
    pairs = kernel_instance(instance_fields(parse_instance(skewed)))
    for proposal in pca_top_proposals(pairs):
        with pytest.raises(Rejected):
            RULES["pca-top-r", "threshold"](pairs, proposal.hints)
