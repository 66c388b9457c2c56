"""Covers: what is accepted is proved on the whole set, what is left is said, and nothing wider passes."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from scipy.optimize import brentq

from property_tests.kernel import line_opinion
from property_tests.kernel.test_mutations import accepted, mutants, rehashed
from property_tests.kernel.test_trust import run
from thmverify.exact import matrix
from thmverify.kernel import Rejected, check
from thmverify.kernel.covers import FIELDS, FORMAT, claims, line
from thmverify.kernel.covers.bisection import Box, cover, halves, volume
from thmverify.kernel.strict import canonical
from thmverify.losses import find_loss
from thmverify.losses.levels import float64_value
from thmverify.maps import Encoder
from thmverify.models import AugmentedPairs, Instance, SharedGMM

CLAIM = "infonce-equality-three"
ALWAYS, FACTOR = ("1", "1"), ("3/5", "1")


def certificate(bias: tuple[str, str] = ALWAYS, distance: str = "3", **changes: Any) -> bytes:
    hints = {"tests": ["signal", "slope", "stationarity"], "range": changes.pop("range", distance)}
    hints |= {"boxes": changes.pop("boxes", "2000"), "precision": changes.pop("precision", "53")} | changes
    instances = {"bias": list(bias), "distance": distance}
    return rehashed(dict(zip(FIELDS, (FORMAT, CLAIM, claims.statement_hash(CLAIM), instances, hints, ""), strict=True)))


@cache
def settled(bias: tuple[str, str], distance: str) -> list[tuple[Box, str]]:
    """The settled boxes of a cover that leaves none, each with its test."""
    whole = json.loads(certificate(bias, distance))
    boxes: list[tuple[Box, str]] = []
    found = claims.run(
        claims.read_set(whole["set"]), claims.read_plan(whole["hints"]), lambda box, test: boxes.append((box, test))
    )[1]
    assert not found.remaining
    return [(box, test) for box, test in boxes if test]


# ------------------------------------------------------------------------------------------------- accept, reject


def test_a_cover_is_accepted():
    found = check(certificate())
    assert found.lines_of_text()[-1] == (
        f"VERIFIED {CLAIM}, for every bias in [1, 1] and means at distances of at most 3"
    )
    assert found.settled["slope"] > 50 < found.settled["signal"]


def test_an_interval_of_biases():
    assert "every bias in [3/5, 1]" in check(certificate(FACTOR, "2")).lines_of_text()[-1]


@pytest.mark.cover
def test_every_distance():
    assert check(certificate(distance="any", range="14", boxes="4000")).set.distance is None


REFUSED = [
    ({"boxes": "100"}, "boxes of the set are not settled"),
    ({"tests": ["signal"], "distance": "5"}, "boxes of the set are not settled"),
    ({"tests": []}, "boxes of the set are not settled"),
    ({"tests": ["slope", "luck"]}, "tests are not some of"),
    ({"distance": "4", "range": "3"}, "the range is smaller than the distance"),
    ({"distance": "any", "range": "12"}, "the inequality for far means does not hold"),
    ({"distance": "any", "range": "0"}, "the inequality for far means does not hold"),
    ({"distance": "any", "range": "14", "bias": ("1/2", "1")}, "the inequality for far means does not hold"),
    ({"distance": "-1"}, "distance is not at most"),
    ({"distance": "20000"}, "distance is not at most"),
    ({"bias": ("0", "1")}, "bias is not an interval of positive numbers"),
    ({"bias": ("1", "1/2")}, "bias is not an interval of positive numbers"),
    ({"bias": ("1/2", "3/2")}, "an end of bias is not at most"),
    ({"range": "1000", "boxes": "1000000"}, "the boxes ask for too much work"),
    ({"precision": "2000", "boxes": "1000000"}, "the boxes ask for too much work"),
    ({"boxes": "0"}, "boxes is not at most"),
    ({"boxes": "10000000"}, "boxes is not at most"),
]


@pytest.mark.parametrize(("changes", "reason"), REFUSED, ids=lambda x: str(x)[:50])
def test_refused(changes, reason):
    with pytest.raises(Rejected, match=reason):
        check(certificate(**changes))


def test_work_is_bounded_before_it_is_done(monkeypatch):
    monkeypatch.setattr(line, "candidate", lambda box: pytest.fail("a box was looked at"))
    for changes in ({"range": "1000", "boxes": "1000000"}, {"distance": "any", "range": "12"}, {"range": "2"}):
        with pytest.raises(Rejected):
            check(certificate(**changes))


def test_what_remains_is_told():
    """Nothing is dropped: settled and remaining boxes add up to the whole."""
    whole = json.loads(certificate(boxes="150"))
    boxes: list[Box] = []
    box, found = claims.run(
        claims.read_set(whole["set"]),
        claims.read_plan(whole["hints"]),
        lambda part, test: boxes.append(part) if test else None,
    )
    assert len(boxes) == sum(found.settled.values())
    assert sum((volume(part) for part in boxes + found.remaining), fmpq(0)) == volume(box)
    assert len(found.remaining) > 1
    with pytest.raises(Rejected, match=rf"^{len(found.remaining)} boxes of the set are not settled, [0-9/]+ of its"):
        check(certificate(boxes="150"))


def test_a_claim_that_is_false_somewhere_is_not_covered():
    """x² ≤ x on [0, 2]: whatever the limit, the boxes beyond 1 remain."""

    def settle(box: Box) -> str:
        return "true" if box[0][1] <= 1 else ""

    for limit in (10, 100, 1000):
        found = cover(((fmpq(0), fmpq(2)),), settle, [fmpq(1)], limit)
        assert found.settled == {"true": 1}
        assert sum((volume(box) for box in found.remaining), fmpq(0)) == 1


def test_halves_make_the_box():
    box = ((fmpq(1), fmpq(1)), (fmpq(0), fmpq(1, 3)), (fmpq(0), fmpq(4)))
    first, second = halves(box, (fmpq(1), fmpq(1), fmpq(1)))
    assert (first[2], second[2]) == ((0, 2), (2, 4))
    assert first[:2] == second[:2] == box[:2]


def test_the_command(tmp_path):
    file = tmp_path / "cover.json"
    file.write_bytes(certificate(distance="2"))
    found = run("-m", "thmverify.kernel", str(file))
    assert found.returncode == 0
    assert found.stdout.splitlines()[-1].startswith(f"VERIFIED {CLAIM}, for every bias in [1, 1]")


# ------------------------------------------------------------------------------------------------------ mutations


SHORT = certificate(distance="1", boxes="60")


def test_every_change_is_refused():
    tried = [canonical(mutant) for _, mutant in mutants(json.loads(SHORT))]
    assert len(tried) > 200
    assert [data for data in tried if accepted(data)] == []


def test_a_changed_cover_proves_no_more_than_its_boxes_do():
    """With the hash made anew, what is accepted is about a set that a cover of its own range settles."""
    survivors = [rehashed(mutant) for path, mutant in mutants(json.loads(SHORT)) if path and path[0] != "content"]
    for found in (check(data) for data in survivors if accepted(data)):
        assert found.set.distance is not None
        assert found.set.distance <= found.box[2][1]
        assert found.set.bias == found.box[0]
        assert found.box[1] == (0, fmpq(1, 2))
        assert found.box[3] == (0, 1)


def test_every_changed_byte_is_refused():
    for i, byte in enumerate(SHORT):
        for other in (byte ^ 1, byte ^ 32, 0):
            if other != byte:
                assert not accepted(SHORT[:i] + bytes([other]) + SHORT[i + 1 :])


# ----------------------------------------------------------------------------------------------- second opinions


@pytest.mark.parametrize(("bias", "distance"), [(ALWAYS, "3"), (FACTOR, "2")])
def test_boxes_by_another_way(bias, distance):
    """A random sample of settled boxes, halved further where cells of the line are coarser than lattices."""
    rng = random.Random(7)
    for box, test in rng.sample(settled(bias, distance), 5):
        waiting, seen = [box], 0
        while waiting and seen < 400:
            part, seen = waiting.pop(), seen + 1
            if not line_opinion.settles(part, test):
                waiting.extend(halves(part, line.SCALES))
        assert not waiting, (box, test)


def floats(delta, y, D, sigma) -> dict[str, Any]:
    """The quantities of 10.3 at points (arrays), in float64, from their definitions."""
    g = np.linspace(-7, 7, 281)
    weights = np.exp(-g * g / 2) / np.exp(-g * g / 2).sum()
    e = np.stack([y - 2, 1 - 2 * y, 1 + y], -1) / 3
    n = np.stack([-y, 0 * y + 1, y - 1], -1)
    P, C = np.zeros((*y.shape, 3, 3)), np.zeros((*y.shape, 3, 3))
    for j in range(3):
        t = (D * D * e[..., j])[..., None] + (sigma * D)[..., None] * g
        logits = t[..., None] * e[..., None, :]
        p = np.exp(logits - logits.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        P[..., j, :] = np.einsum("g,...gk->...k", weights, p)
        C += np.einsum("g,...gk,...gl->...kl", weights, p, p) / 3

    def across(f, h):
        return (np.einsum("...j,...jk,...k->...", f, P, h) - (f * h).sum(-1)) / 3

    def covariance(f, h):
        apart = [(f[..., :, None] - f[..., None, :]), (h[..., :, None] - h[..., None, :])]
        return (C * apart[0] * apart[1]).sum((-1, -2)) / 2

    S = (e * e).sum(-1) / 3
    found = {"S": S, "V": covariance(e, e), "Cov": covariance(e, n), "P": P, "C": C, "tau": sigma**2, "D": D}
    found |= {"B": across(e, e) + (1 - delta) * S, "Q": across(n, n) + (1 - delta) * 3 * S}
    return found | {"X": across(e, n) + across(n, e)}


def failing(v: dict[str, Any]) -> tuple[Any, Any]:
    """(F)/D² and the slope of 10.2."""
    tau, D = v["tau"], v["D"]
    rho = D * (v["X"] + tau * v["Cov"]) / (2 * tau + D**2 * (v["S"] + v["V"]))
    return tau**2 / D**2 + tau * (v["S"] + v["V"]) + v["B"], v["Q"] + rho * (rho - D * v["Cov"])


def test_brute_force():
    """At random points of the whole set, far ones too, the slope at δ = 1 is at most −⅔ of what it is at 0 signal."""
    rng = np.random.default_rng(3)
    for reach in (2, 5, 14, 40):
        y, D, sigma = rng.uniform(0, 0.5, 1500), rng.uniform(0.01, reach, 1500), rng.uniform(0, 1, 1500) ** 2
        found = floats(np.ones(1500), y, D, sigma)
        assert np.max(failing(found)[1] / (3 * found["S"])) < -0.66


@pytest.mark.cover
def test_brute_force_at_many_points():
    rng = np.random.default_rng(4)
    for _ in range(50):
        y, D, sigma = rng.uniform(0, 0.5, 2000), rng.exponential(8, 2000) + 0.01, rng.uniform(0, 1, 2000) ** 2
        found = floats(np.ones(2000), y, D, sigma)
        assert np.max(failing(found)[1] / (3 * found["S"])) < -0.66


def test_balls_contain_points():
    """A random box, a random point in it: each quantity lies in its ball."""
    rng = random.Random(11)
    for _ in range(60):
        ends = [
            (rng.uniform(0.1, 1), 0.02),
            (rng.uniform(0, 0.4), 0.05),
            (rng.uniform(0, 12), 0.3),
            (rng.random(), 0.1),
        ]
        box = tuple((fmpq(int(1000 * a), 1000), fmpq(int(1000 * (a + w)), 1000)) for a, w in ends)
        inside = [Fraction(int(a.p), int(a.q)) for a, _ in box]
        width = [Fraction(int(b.p), int(b.q)) - a for (_, b), a in zip(box, inside, strict=True)]
        point = [np.array(float(a + w * Fraction(rng.randint(0, 16), 16))) for a, w in zip(inside, width, strict=True)]
        values, balls, found = floats(*point), line.candidate(box), line.softmax(box)
        for name in line.Candidate._fields:
            ball, value = getattr(balls, name), float(values[name])
            assert float(ball.lower()) - 1e-9 <= value <= float(ball.upper()) + 1e-9, (name, box)
        for j in range(3):
            for k in range(3):
                assert float(found.P[j][k].lower()) - 1e-9 <= values["P"][j, k] <= float(found.P[j][k].upper()) + 1e-9
        for (k, n), ball in zip(((0, 1), (1, 2), (0, 2)), found.C, strict=True):
            assert float(ball.lower()) - 1e-9 <= values["C"][k, n] <= float(ball.upper()) + 1e-9


def test_bounds_of_far_means():
    """The bounds of 10.6 at random points beyond the range."""
    rng = np.random.default_rng(5)
    y, D, sigma = rng.uniform(0, 0.5, 4000), rng.uniform(14, 30, 4000), rng.uniform(0, 1, 4000)
    v = floats(np.ones(4000), y, D, sigma)
    tail, middle = 0.0104, 0.031
    assert np.max(v["P"][:, 0, 1] + v["P"][:, 0, 2]) < tail
    assert np.max(v["P"][:, 2, 0]) < tail
    assert np.max(v["P"][:, 1, 1]) <= 0.5
    near = y <= 0.25
    assert np.max(v["P"][near, 1, 0]) < middle
    assert np.max(v["P"][~near, 2, 0] + v["P"][~near, 2, 1]) < tail
    assert np.max(3 * v["Q"] + (1 + y) / 2) < tail / 8
    for some, X, Cov in ((near, 2 / 3 + 4 / 3 * middle, (7 / 32 + middle) / 3), (~near, 73 / 96, 5 / 64)):
        assert np.max(np.abs(3 * v["X"][some])) < X + 2 * tail
        assert np.max(np.abs(v["Cov"][some])) < Cov + tail


@pytest.mark.parametrize(("delta", "y", "D"), [(1, 0.3, 2.0), (1, 0.45, 2.5), (0.7, 0.1, 1.5), (0.9, 0.5, 2.0)])
def test_the_loss_has_this_slope(delta, y, D):
    """Where a rank-one M is stationary along uuᵀ and uvᵀ, differences of the loss are 0, 0 and (slope)."""

    def at(sigma: float) -> dict[str, Any]:
        return floats(*(np.array(float(x)) for x in (delta, y, D, sigma)))

    sigma = brentq(lambda x: failing(at(x))[0], 0.02, 1)
    v = at(sigma)
    tau = sigma**2
    rho = D * (v["X"] + tau * v["Cov"]) / (2 * tau + D**2 * (v["S"] + v["V"]))
    s, n = D * np.array([y - 2, 1 - 2 * y, 1 + y]) / 3, np.array([-y, 1, y - 1])
    means = np.stack([s / sigma, n + rho / tau * s], -1)
    mixture = SharedGMM(["1/3"] * 3, [[Fraction(float(x)) for x in row] for row in means - means.mean(0)])
    pairs = AugmentedPairs(mixture, Fraction(delta).limit_denominator(10))
    loss, instance = find_loss("infonce"), Instance(pairs, 2)

    def value(*columns: tuple[Any, Any]) -> float:
        return float64_value(
            loss, instance, Encoder(matrix([[Fraction(float(x)) for x in row] for row in zip(*columns, strict=True)]))
        ).value

    h, k = 1e-4, 1 / 64
    base, along, turned = (
        value((sigma, 0)),
        [value((sigma + x, 0)) for x in (h, -h)],
        [value((sigma, x)) for x in (h, -h)],
    )
    assert abs(along[0] - along[1]) / (2 * h) < 1e-6
    assert abs(turned[0] - turned[1]) / (2 * h) < 1e-6
    once, twice = (value((sigma, 0), (0, x)) - base for x in (k, 2 * k))
    assert (16 * once - twice) / (12 * k**2) == pytest.approx(float(failing(v)[1]), abs=1e-5)


def test_the_example_of_the_format():
    text = (Path(line.__file__).parents[1] / "FORMAT.md").read_text(encoding="utf-8")
    whole = next(row for row in text.splitlines() if row.startswith('{"format":"thmverify-cover-1"'))
    assert "\n".join(check(whole.encode() + b"\n").lines_of_text()) in text
