"""Every rule accepts what is true and rejects what is not; verdicts do not depend on names or coordinates."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given, settings

from property_tests.kernel.library import KNOWN, LEAKING, SHIPPED, SKEW, certificate_of, label, scaled, shared
from thmverify import exact
from thmverify import testing as st
from thmverify.certifying import decide
from thmverify.certifying.writing import certificate
from thmverify.instances import parse_instance
from thmverify.kernel import Rejected, check
from thmverify.kernel.models import Finding
from thmverify.kernel.rules import RULES
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.verdicts import Outcome

INDICES = range(len(KNOWN))


@pytest.mark.parametrize("index", INDICES, ids=label)
def test_known_answers(index):
    claim, _, verdict, rule = KNOWN[index]
    found = check(certificate_of(index))
    assert (found.claim, found.finding.verdict) == (claim, verdict)
    assert json.loads(certificate_of(index))["rule"] == rule


def test_every_rule_has_a_known_answer():
    assert {(claim, rule) for claim, _, _, rule in KNOWN} == set(RULES)


@pytest.mark.parametrize("index", INDICES, ids=label)
def test_the_opposite_verdict_is_rejected(index):
    fields = json.loads(certificate_of(index))
    verdict = "refuted" if fields["verdict"] == "proved" else "proved"
    finding = Finding(verdict, *(tuple(int(x) for x in fields[name]) for name in ("rank", "dimension")))
    data = certificate(fields["claim"], fields["instance"], fields["rule"], fields["hints"], finding)
    with pytest.raises(Rejected):
        check(data)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_counterexamples_refute_the_claim_they_are_named_by(path):
    found = check(path.read_bytes())
    assert found.finding.verdict == "refuted"
    assert path.stem.startswith(found.claim)


def outcome(claim, instance):
    verdict, _ = decide(claim, instance, measured=False)
    return verdict.outcome, verdict.rank


@pytest.mark.parametrize("index", [i for i in INDICES if KNOWN[i][1]["model"] == "shared-gmm"], ids=label)
def test_relabelling_leaves_the_verdict_alone(index):
    claim, instance, _, _ = KNOWN[index]
    turned = {**instance, "weights": instance["weights"][::-1], "means": instance["means"][::-1]}
    found = check(certificate_of(index)).finding  # of the instance itself, decided once
    rank = found.rank[0] if found.rank and found.rank[0] == found.rank[1] else None
    assert outcome(claim, parse_instance(turned)) == (found.verdict, rank)


@pytest.mark.parametrize("index", [i for i in INDICES if KNOWN[i][0] == "infonce-equality"], ids=label)
def test_scaling_leaves_equality_alone(index):
    _, instance, _, _ = KNOWN[index]
    expected = outcome("infonce-equality", parse_instance(instance))
    assert outcome("infonce-equality", parse_instance(scaled(instance, 3))) == expected


@given(st.shared_gmms(components=2, dimension=(1, 4), centred=True, hostile=False), st.rationals(1))
@settings(max_examples=25)
def test_two_centred_components_are_recovered(mixture, delta):
    bias = abs(delta) or Fraction(1)
    verdict, _ = decide("infonce-equality", Instance(AugmentedPairs(mixture, bias), 2))
    assert verdict.outcome is Outcome.PROVED


@given(st.shared_gmms(components=(1, 4), dimension=(1, 4), hostile=False))
@settings(max_examples=25)
def test_without_bias_nothing_is_learned(mixture):
    verdict, _ = decide("infonce-equality", Instance(AugmentedPairs(mixture, Fraction(0)), 4))
    dimension = exact.matrix(mixture.means).rank()
    assert verdict.outcome is (Outcome.REFUTED if dimension else Outcome.PROVED)
    assert verdict.rank == 0


@given(st.shared_gmms(components=3, dimension=(1, 3), hostile=False), st.invertible_matrices(3))
@settings(max_examples=15)
def test_coordinates_leave_equality_alone(mixture, T):
    d = mixture.dimension
    T = exact.submatrix(T, range(d), range(d))
    if T.rank() < d:
        T = exact.identity(d) * 2
    moved = SharedGMM(
        mixture.weights,
        exact.to_rows((T * mixture.mu).transpose()),
        exact.to_rows(T * mixture.sigma * T.transpose()),
    )
    answers = [outcome("infonce-equality", Instance(AugmentedPairs(m), 3)) for m in (mixture, moved)]
    assert answers[0] == answers[1] or Outcome.UNDECIDED in (answers[0][0], answers[1][0])


def test_singular_instances_end_undecided_with_a_reason():
    # M* has a slope of exactly 0 along the constant direction; no symmetry moves the first component to the second.
    product = shared(
        "1/4 1/4 1/4 1/4",
        "1 1 1, 1 -1 1, -1 1 1, -1 -1 1",
        covariance=[["1", "0", "0"], ["0", "1", "0"], ["0", "0", "1"]],
    )
    assert decide("infonce-equality", parse_instance(product))[0].outcome is Outcome.REFUTED
    tie = shared("1/2 1/2", "3 0, -3 0", covariance=[["1", "0"], ["0", "10"]], rank=1)
    assert decide("pca-equality", parse_instance(tie))[0].outcome is Outcome.REFUTED  # some maximiser is not S_F
    verdict, data = decide("simsiam-inclusion", parse_instance({**LEAKING, "rank": 2, "weight_decay": "1/3"}))
    assert verdict.outcome is Outcome.UNDECIDED
    assert data is None
    assert "no stationary point" in verdict.reason


@pytest.mark.parametrize("delta", ["1", "1/2"])
def test_margins_contain_the_eigenvalue(delta):
    line = shared("1/2 1/2", "1 0, -1 0", covariance=SKEW, bias=delta)
    verdict, _ = decide("infonce-equality", parse_instance(line))
    low, high = verdict.margin
    assert low <= high < 0
    assert high - low < Fraction(1, 10**6)
