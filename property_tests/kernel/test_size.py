"""Size is judged where the work is: large instances, limits, and encodings of one instance in other coordinates."""

from __future__ import annotations

import json
import random
import time
from fractions import Fraction

import pytest
from flint import fmpq, fmpq_mat

from property_tests.kernel.library import GRAPH, TRIANGLE, shared
from property_tests.kernel.test_mutations import accepted, rehashed
from thmverify import exact
from thmverify.certifying import decide, infonce
from thmverify.errors import InputError
from thmverify.instances import parse_instance
from thmverify.kernel import Rejected, check
from thmverify.kernel.linear import PRIMES, independent
from thmverify.kernel.models import Graph
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.parse import check_work
from thmverify.kernel.rules.identities import probe_bound
from thmverify.models import AugmentedPairs, Instance, SharedGMM

CLAIMS = ("infonce-inclusion", "infonce-equality", "infonce-top-r", "spectral-equality", "spectral-top-r")
MINUTE = 60  # of CPU time


def unit(d: int, i: int, size: str = "1") -> list[str]:
    return ["0"] * i + [size] + ["0"] * (d - i - 1)


@pytest.mark.parametrize("d", [62, 1000, 10_000])
def test_two_opposite_means_whatever_the_dimension(d):
    given = parse_instance(shared("1/2 1/2", "1, -1") | {"means": [unit(d, 0), unit(d, 0, "-1")]})
    start = time.process_time()
    verdict, data = decide("infonce-equality", given)
    assert (verdict.outcome.value, verdict.rank, verdict.dimension) == ("proved", 1, 1)
    assert check(data).finding.verdict == "proved"
    assert time.process_time() - start < MINUTE


@pytest.mark.parametrize("claim", ["lemma-4.2", "fisher-optimality", "infonce-inclusion", "spectral-equality"])
def test_many_components_and_long_numbers(claim):
    rng = random.Random(1)
    means = [[f"{rng.getrandbits(300)}/{rng.getrandbits(300) | 1}" for _ in range(100)] for _ in range(64)]
    variances = [f"{rng.getrandbits(1900) + 1}/{10**400 + i}" for i in range(100)]
    weights = [f"1/{2**k}" for k in range(1, 64)] + [f"1/{2**63}"]
    given = parse_instance({"model": "shared-gmm", "weights": weights, "means": means, "covariance": variances})
    start = time.process_time()
    verdict, _ = decide(claim, given)
    assert verdict.outcome.value == "proved"
    assert time.process_time() - start < MINUTE


@pytest.mark.parametrize(
    ("changed", "field", "limit"),
    [
        ({"means": [["0"] * 10_001] * 3}, "means[0]", "10000"),
        ({"weights": ["1/65"] * 65}, "weights", "64"),
        ({"means": [["0"] * 201] * 3, "covariance": [["0"] * 201] * 201}, "covariance", "200"),
        ({"bias": "0." + "1" * 999}, "bias", "1000"),
        ({"rank": 65}, "rank", "64"),
    ],
    ids=["dimension", "components", "dense", "digits", "columns"],
)
def test_just_beyond_a_limit_the_line_names_it(changed, field, limit):
    with pytest.raises(InputError) as caught:
        parse_instance({**TRIANGLE, **changed})
    assert caught.value.field.startswith(field)
    assert limit in str(caught.value)


@pytest.mark.parametrize(
    ("covariance", "field", "rule"),
    [
        (["1", "0"], "covariance[1]", "not positive"),
        (["1"], "covariance", "1 entries"),
        (["1", "x"], "covariance[1]", "not a rational"),
        ([["1", "0"], ["0", "x"]], "covariance[1][1]", "not a rational"),
        ("0", "covariance", "not positive"),
        ("x", "covariance", "not a rational"),
        ({"a": "1"}, "covariance", "not a number"),
    ],
)
def test_a_diagonal_that_is_none(covariance, field, rule):
    with pytest.raises(InputError) as caught:
        parse_instance({**TRIANGLE, "covariance": covariance})
    assert caught.value.field == field
    assert rule in str(caught.value)


def test_work_is_refused_with_its_size():
    check_work("it", 10**6, [[fmpq(3, 7)]])
    with pytest.raises(Rejected, match=r"it: 1000000 multiplications of more than 1732 bits"):
        check_work("it", 10**6, [[fmpq(2) ** 1700]])


def moved(instance: dict, noise: int, rng: random.Random) -> dict:
    """The instance with coordinates of noise, in other coordinates: x ↦ Ax, A rational and invertible."""
    d = len(instance["means"][0]) + noise
    while True:
        A = fmpq_mat(d, d, [fmpq(rng.randint(-5, 5), rng.randint(1, 3)) for _ in range(d * d)])
        if A.rank() == d:
            break
    means = [exact.matrix([[Fraction(x)] for x in [*row, *(["0"] * noise)]]) for row in instance["means"]]
    rows = [[str(x) for x in (A * mean).entries()] for mean in means]
    sigma = [[str(x) for x in row] for row in exact.to_rows(A * A.transpose())]
    return {**instance, "means": rows, "covariance": sigma}


@pytest.mark.parametrize("seed", range(6))
def test_other_coordinates_change_no_verdict(seed):
    rng = random.Random(seed)
    given = {**TRIANGLE, "rank": rng.choice([1, 2, 3]), "bias": rng.choice(["1", "7/10", "0"])}
    given["means"] = [[str(rng.randint(-3, 3)) for _ in range(2)] for _ in range(3)]
    for claim in CLAIMS:
        before, after = (decide(claim, parse_instance(x))[0] for x in (given, moved(given, 5, rng)))
        assert (before.outcome, before.rank, before.dimension) == (after.outcome, after.rank, after.dimension), claim


def test_a_diagonal_covariance_may_be_written_in_two_ways():
    given = {**TRIANGLE, "covariance": ["2", "3"]}
    twice = {**TRIANGLE, "covariance": [["2", "0"], ["0", "3"]]}
    for claim in (*CLAIMS, "pca-equality"):
        (one, data), (other, whole) = (decide(claim, parse_instance(x)) for x in (given, twice))
        assert (one.outcome, one.rank) == (other.outcome, other.rank)
        fields, written = json.loads(data), json.loads(whole)["instance"]
        assert accepted(rehashed({**fields, "instance": written}))
        assert not accepted(rehashed({**fields, "instance": {**written, "covariance": ["2", "-3"]}}))


@pytest.mark.parametrize("seed", range(12))
def test_pca_of_a_diagonal_covariance_as_after_a_rotation(seed):
    """The rotation makes the covariance dense, for which all differences of eigenvalues are compared."""
    rng = random.Random(seed)
    sigma = [Fraction(rng.choice([1, 2, 2, 5])) for _ in range(3)]
    mean = [Fraction(x) for x in rng.choice([(1, 0, 0), (2, 0, 0), (0, 1, 0), (0, 0, 3), (1, 1, 0)])]
    turn = exact.matrix([[Fraction(x, 5) for x in row] for row in ((3, -4, 0), (4, 3, 0), (0, 0, 5))])
    turn = turn * exact.matrix([[Fraction(x, 13) for x in row] for row in ((13, 0, 0), (0, 5, -12), (0, 12, 5))])
    dense = exact.to_rows(turn * exact.matrix(exact.Diagonal(sigma)) * turn.transpose())
    image = [row[0] for row in exact.to_rows(turn * exact.column(mean))]
    halves = [Fraction(1, 2)] * 2
    one = SharedGMM(halves, [mean, [-x for x in mean]], exact.Diagonal(sigma))
    other = SharedGMM(halves, [image, [-x for x in image]], dense)
    found = [decide("pca-equality", Instance(AugmentedPairs(mixture), 1))[0] for mixture in (one, other)]
    assert found[0].outcome == found[1].outcome


@pytest.mark.parametrize("seed", range(20))
def test_independent_rows_and_columns(seed):
    rng = random.Random(seed)
    rows, columns, rank = (rng.randint(1, 6) for _ in range(3))
    left, right = (
        fmpq_mat(a, b, [fmpq(rng.randint(-4, 4), rng.randint(1, 4)) for _ in range(a * b)])
        for a, b in ((rows, rank), (rank, columns))
    )
    m = left * right
    I, J = independent(m)
    assert len(I) == len(J) == m.rank()
    assert exact.submatrix(m, I, J).rank() == len(J)


def test_a_prime_that_does_not_see_the_rank_is_passed_over():
    p, q, last = PRIMES
    assert independent(fmpq_mat([[p, 0], [0, 1]])) == ([0, 1], [0, 1])
    assert independent(fmpq_mat([[fmpq(1, p), 0], [0, 0]])) == ([0], [0])
    assert independent(fmpq_mat([[p * q, 0], [0, 0]])) == ([0], [0])
    with pytest.raises(Rejected, match="no prime"):
        independent(fmpq_mat([[p * q * last, 0], [0, 0]]))


@pytest.mark.parametrize("seed", range(20))
def test_the_probe_counts_components_as_the_laplacian_does(seed):
    rng = random.Random(seed)
    n, r = rng.randint(1, 7), rng.randint(1, 4)
    w = fmpq_mat(n, n)
    for i in range(n):
        w[i, i] = 1
        for j in range(i):
            w[i, j] = w[j, i] = rng.choice([0, 0, 1])
    laplacian = exact.diagonal([sum(row, fmpq(0)) for row in w.tolist()]) - w
    if laplacian.rank() >= n - r:
        assert probe_bound(Graph(w, r)).verdict == "proved"
    else:
        with pytest.raises(Rejected):
            probe_bound(Graph(w, r))


def test_a_graph_of_all_points_that_a_file_may_have():
    n = 256
    rows = [[str(int(abs(i - j) <= 1)) for j in range(n)] for i in range(n)]
    given = parse_instance({**GRAPH, "weights": rows, "labels": [0] * n})
    assert decide("population-graph-equivalence", given)[0].outcome.value == "proved"
    assert decide("linear-probe-bound", given)[0].outcome.value == "proved"


def test_an_undecided_claim_costs_one_minimisation(monkeypatch):
    calls, minimise = [], infonce.minimise
    monkeypatch.setattr(infonce, "minimise", lambda *a: calls.append(a) or minimise(*a))
    rng = random.Random(3)
    means = [[str(rng.randint(-9, 9)) for _ in range(10)] for _ in range(11)]
    verdict, data = decide("infonce-equality", parse_instance(shared(" ".join(["1/11"] * 11), "0") | {"means": means}))
    assert (verdict.outcome.value, data, len(calls)) == ("undecided", None, 1)
    assert "dimensions" in verdict.reason


def test_many_dense_covariances_are_refused_before_any_work():
    d = 100
    sigmas = [[[str(2 + k if i == j else int(abs(i - j) == 1)) for j in range(d)] for i in range(d)] for k in range(31)]
    fields = {"model": "gmm", "weights": ["1/31"] * 31, "means": [["0"] * d] * 31, "covariances": sigmas}
    with pytest.raises(Rejected, match="more than 30000000"):
        kernel_instance({**fields, "bias": "1", "rank": "1", "weight_decay": "0"})
