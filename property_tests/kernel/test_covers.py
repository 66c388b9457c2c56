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

from property_tests.kernel import line_opinion
from property_tests.kernel.test_mutations import accepted, mutants, rehashed
from property_tests.kernel.test_trust import run
from thmverify.exact import matrix
from thmverify.kernel import Rejected, check
from thmverify.kernel.claims import statement_hash
from thmverify.kernel.covers import FIELDS, FORMAT, claims, line
from thmverify.kernel.covers.bisection import Box, cover, halves, volume
from thmverify.losses import find_loss
from thmverify.losses.levels import float64_value
from thmverify.maps import Encoder
from thmverify.models import AugmentedPairs, Instance, SharedGMM

CLAIM = "infonce-equality-three"


def certificate(distance: str = "2", **changes: Any) -> bytes:
    hints = {"range": ["3/5", distance], "boxes": "4000", "precision": "53"} | changes
    values = (FORMAT, CLAIM, statement_hash(CLAIM), {"distance": distance}, hints, "")
    return rehashed(dict(zip(FIELDS, values, strict=True)))


@cache
def settled(distance: str) -> list[Box]:
    """The settled boxes of a cover that leaves none."""
    whole = json.loads(certificate(distance))
    boxes: list[Box] = []
    found = claims.run(
        claims.read_set(whole["set"]),
        claims.read_plan(whole["hints"]),
        lambda box, certain: boxes.append(box) if certain else None,
    )
    assert not found.remaining
    return boxes


# ------------------------------------------------------------------------------------------------- accept, reject


def test_a_cover_is_accepted():
    found = check(certificate())
    assert found.lines_of_text()[-1] == f"VERIFIED {CLAIM}, for means at distances of at most 2"
    assert found.settled == len(settled("2")) > 500


@pytest.mark.cover
def test_every_distance():
    assert check(certificate("any", range=["3/5", "12"])).set.distance is None


REFUSED = [
    ({"boxes": "100"}, "boxes are not settled"),
    ({"distance": "4", "range": ["3/5", "3"]}, "the largest range is smaller than the distance"),
    ({"range": ["4/5", "2"]}, "the inequality for near means does not hold"),
    ({"range": ["0", "2"]}, "the inequality for near means does not hold"),
    ({"range": ["100", "200"], "distance": "1", "boxes": "1"}, "the inequality for near means does not hold"),
    ({"distance": "any", "range": ["3/5", "11"]}, "the inequality for far means does not hold"),
    ({"distance": "any", "range": ["3/5", "1"]}, "the inequality for far means does not hold"),
    ({"range": ["2", "3/5"]}, "range is not an interval"),
    ({"range": ["2"]}, "range does not have 2 entries"),
    ({"range": "2"}, "range is not an array"),
    ({"distance": "-1", "range": ["3/5", "1"]}, "distance is not at most"),
    ({"distance": "20000", "range": ["3/5", "1"]}, "distance is not at most"),
    ({"range": ["3/5", "1000"], "boxes": "1000000"}, "the boxes ask for too much work"),
    ({"precision": "2000", "boxes": "1000000"}, "the boxes ask for too much work"),
    ({"precision": "8"}, "precision is not at most"),
    ({"boxes": "0"}, "boxes is not at most"),
    ({"boxes": "10000000"}, "boxes is not at most"),
    ({"tests": ["slope"]}, "hints does not have exactly"),
]


@pytest.mark.parametrize(("changes", "reason"), REFUSED, ids=lambda x: str(x)[:50])
def test_refused(changes, reason):
    with pytest.raises(Rejected, match=reason):
        check(certificate(**changes))


def test_work_is_bounded_before_it_is_done(monkeypatch):
    monkeypatch.setattr(line, "settles", lambda box: pytest.fail("a box was looked at"))
    for changes in REFUSED[1:]:
        with pytest.raises(Rejected):
            check(certificate(**changes[0]))


def test_the_inequalities_hold_where_they_should_and_nowhere_else():
    assert [line.near(fmpq(n, 20)) for n in (-1, 0, 1, 6, 12, 13, 14, 20, 21)] == [
        False,
        False,
        *[True] * 4,
        *[False] * 3,
    ]
    assert [line.far(fmpq(n)) for n in (-20, 0, 1, 5, 8, 11, 12, 13, 20, 1000)] == [*[False] * 6, *[True] * 4]


def test_what_remains_is_told():
    """Nothing is dropped: settled and remaining boxes add up to the whole."""
    whole = json.loads(certificate(boxes="500"))
    boxes, plan = list[Box](), claims.read_plan(whole["hints"])
    found = claims.run(
        claims.read_set(whole["set"]), plan, lambda part, certain: boxes.append(part) if certain else None
    )
    assert len(boxes) == found.settled
    assert sum((volume(part) for part in boxes + found.remaining), fmpq(0)) == volume(claims.parameters(plan))
    assert len(found.remaining) > 1
    with pytest.raises(Rejected, match=rf"^{len(found.remaining)} boxes are not settled, [0-9/]+ of the volume; the"):
        check(certificate(boxes="500"))


def test_a_claim_that_is_false_somewhere_is_not_covered():
    """x² ≤ x on [0, 2]: whatever the limit, the boxes beyond 1 remain."""
    for limit in (10, 100, 1000):
        found = cover(((fmpq(0), fmpq(2)),), lambda box: bool(box[0][1] <= 1), [fmpq(1)], limit)
        assert found.settled == 1
        assert sum((volume(box) for box in found.remaining), fmpq(0)) == 1


def test_a_box_that_touches_the_origin_is_not_settled():
    """At D = 0 the slope is 0: no box with it in is settled, and none is a mistake."""
    for side in (fmpq(1, 10), fmpq(1, 100), fmpq(1, 1000)):
        assert not line.settles(((fmpq(0), side), (fmpq(0), side), (fmpq(0), side)))


def test_halves_make_the_box():
    box = ((fmpq(1), fmpq(1)), (fmpq(0), fmpq(1, 3)), (fmpq(0), fmpq(4)))
    first, second = halves(box, (fmpq(1), fmpq(1), fmpq(1)))
    assert (first[2], second[2]) == ((0, 2), (2, 4))
    assert first[:2] == second[:2] == box[:2]


def test_the_command(tmp_path):
    file = tmp_path / "cover.json"
    file.write_bytes(certificate("1"))
    found = run("-m", "thmverify.kernel", str(file))
    assert found.returncode == 0
    assert found.stdout.splitlines()[-1].startswith(f"VERIFIED {CLAIM}, for means at distances of at most 1")


# ------------------------------------------------------------------------------------------------------ mutations


SHORT = certificate("7/10", boxes="400")


def test_every_change_is_refused():
    tried = [mutant.data for mutant in mutants(json.loads(SHORT))]
    assert len(tried) > 150
    assert [data for data in tried if accepted(data)] == []


def test_a_changed_cover_proves_no_more_than_its_boxes_do():
    """With the hash made anew, what is accepted is about a set that a cover of its own range settles."""
    survivors = [m.rehashed for m in mutants(json.loads(SHORT)) if m.path and m.path[0] != "content"]
    for found in (check(data) for data in survivors if accepted(data)):
        assert found.set.distance is not None
        assert found.set.distance <= found.box[1][1]
        assert line.near(found.box[1][0])
        assert (found.box[0], found.box[2]) == ((0, fmpq(1, 2)), (0, 1))


def test_every_changed_byte_is_refused():
    for i, byte in enumerate(SHORT):
        for other in (byte ^ 1, byte ^ 32, 0):
            if other != byte:
                assert not accepted(SHORT[:i] + bytes([other]) + SHORT[i + 1 :])


# ----------------------------------------------------------------------------------------------- second opinions


def test_boxes_by_another_way():
    """A random sample of settled boxes, halved further where cells of the line are coarser than lattices."""
    rng = random.Random(7)
    for box in rng.sample([box for box in settled("4") if box[1][0] >= 2], 5):
        waiting, seen = [box], 0
        while waiting and seen < 300:
            part, seen = waiting.pop(), seen + 1
            if not line_opinion.settles(part):
                waiting.extend(halves(part, line.SCALES))
        assert not waiting, box


def floats(y, D, sigma) -> dict[str, Any]:
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
    found |= {"B": across(e, e), "Q": across(n, n)}
    return found | {"X": across(e, n) + across(n, e)}


def bias(v: dict[str, Any]) -> Any:
    """The δ for which (F) holds."""
    return 1 + (v["tau"] ** 2 / v["D"] ** 2 + v["tau"] * (v["S"] + v["V"]) + v["B"]) / v["S"]


def offset(v: dict[str, Any]) -> Any:
    """ρ of 10.3."""
    return v["D"] * (v["X"] + v["tau"] * v["Cov"]) / (2 * v["tau"] + v["D"] ** 2 * (v["S"] + v["V"]))


def slope(v: dict[str, Any]) -> Any:
    """The slope across, from (slope) and the bias."""
    return (1 - bias(v)) * 3 * v["S"] + v["Q"] + offset(v) * (offset(v) - v["D"] * v["Cov"])


def brute_force(points: int, reach: float, seed: int) -> None:
    """At random points of the whole set the slope is negative: at most −⅔ of what it is at δ for no signal."""
    rng = np.random.default_rng(seed)
    y, D, sigma = rng.uniform(0, 0.5, points), rng.uniform(0.05, reach, points), rng.uniform(0, 1, points) ** 2
    found = floats(y, D, sigma)
    assert np.max(slope(found) / found["S"] / np.minimum(1, bias(found))) < -1.9


def test_brute_force():
    for reach in (1, 3, 8, 40):
        brute_force(1500, reach, 3)


@pytest.mark.cover
def test_brute_force_at_many_points():
    for seed in range(25):
        for reach in (2, 40):
            brute_force(2000, reach, seed)


def contains(ball: Any, value: float) -> bool:
    return float(ball.lower()) - 1e-9 <= value <= float(ball.upper()) + 1e-9


def test_balls_contain_points():
    """A random box, a random point in it: the slope and all that it is made of lie in their balls."""
    rng = random.Random(11)
    for _ in range(60):
        ends = [(rng.uniform(0, 0.4), 0.05), (rng.uniform(0.2, 12), 0.3), (rng.uniform(0, 0.9), 0.1)]
        box = tuple((fmpq(int(1000 * a), 1000), fmpq(int(1000 * (a + w)), 1000)) for a, w in ends)
        inside = [Fraction(int(a.p), int(a.q)) for a, _ in box]
        width = [Fraction(int(b.p), int(b.q)) - a for (_, b), a in zip(box, inside, strict=True)]
        point = [np.array(float(a + w * Fraction(rng.randint(0, 16), 16))) for a, w in zip(inside, width, strict=True)]
        values, found = floats(*point), line.softmax(box)
        assert contains(line.slope(box), float(slope(values)))
        for j in range(3):
            assert all(contains(found.P[j][k], values["P"][j, k]) for k in range(3))
        for (k, n), ball in zip(((0, 1), (1, 2), (0, 2)), found.C, strict=True):
            assert contains(ball, values["C"][k, n])


def test_bounds_of_near_means():
    """The bounds of 10.5 at random points up to the least range."""
    rng = np.random.default_rng(6)
    y, D, sigma = rng.uniform(0, 0.5, 4000), rng.uniform(0.01, 0.65, 4000), rng.uniform(0, 1, 4000)
    v, bend_e, bend_n = floats(y, D, sigma), 4 / 27, 7 / 25
    b = D**2 * v["S"] + sigma**2
    assert np.all(np.abs(v["Q"] + 3 * v["S"]) <= bend_n / 2 * D**2 * b)
    assert np.all(v["B"] + v["S"] >= D**2 * (v["S"] ** 2 - bend_e / 3 * b))
    assert np.all(np.abs(v["X"]) <= (bend_n / 3 + bend_e / 2) * D**2 * b)
    assert np.all(np.abs(v["Cov"]) <= bend_n * D * np.sqrt(b))
    assert np.all(np.abs(offset(v)) <= D**2 * ((bend_n / 3 + bend_e / 2) * D + bend_n / 2 * np.sqrt(b)))


def test_bounds_of_far_means():
    """The bounds of 10.6 at random points beyond the largest range."""
    rng = np.random.default_rng(5)
    y, D, sigma = rng.uniform(0, 0.5, 4000), rng.uniform(12, 30, 4000), rng.uniform(0, 1, 4000)
    v = floats(y, D, sigma)
    tail, low, middle = 0.0254, 0.0694, 0.3111
    P, X, Cov = v["P"], np.abs(3 * v["X"]), np.abs(v["Cov"])
    assert np.max(P[:, 0, 1] + P[:, 0, 2]) < tail
    assert np.max(P[:, 2, 0]) < tail
    assert np.max(P[:, 1, 1]) <= 0.5
    assert np.max(P[y > 0.25, 2, 0] + P[y > 0.25, 2, 1]) < tail
    assert np.max(P[y < 0.25, 1, 0]) < low
    assert np.max(P[y < 0.375, 1, 0]) < middle
    cases = (
        (y <= 0.25, 15 / 8 * (0.5 - low), 2 / 3 + 4 / 3 * low, (7 / 32 + low) / 3),
        ((y > 0.25) & (y <= 0.375), 55 / 64 - 27 / 32 * middle, 9 / 32 + 23 / 24 * middle, 5 / 64),
        (y > 0.375, 39 / 64, 71 / 128, 5 / 64),
    )
    for some, fall, x, k in cases:
        assert np.max(3 * (v["Q"] - 3 * v["B"])[some]) < 3.5 * tail - fall
        assert np.max(X[some]) < x + 2 * tail
        assert np.max(Cov[some]) < k + tail


@pytest.mark.parametrize(("y", "D", "sigma"), [(0.3, 2.0, 0.2), (0.45, 2.5, 0.1), (0.1, 1.5, 0.3), (0.5, 1.0, 0.4)])
def test_the_loss_has_this_slope(y, D, sigma):
    """Where a rank-one M is stationary along uuᵀ and uvᵀ, differences of the loss are 0, 0 and the slope."""
    v = floats(*(np.array(x) for x in (y, D, sigma)))
    s, n = D * np.array([y - 2, 1 - 2 * y, 1 + y]) / 3, np.array([-y, 1, y - 1])
    means = np.stack([s / sigma, n + float(offset(v)) / sigma**2 * s], -1)
    mixture = SharedGMM(["1/3"] * 3, [[Fraction(float(x)) for x in row] for row in means - means.mean(0)])
    assert 0.1 < bias(v) <= 1
    instance = Instance(AugmentedPairs(mixture, Fraction(float(bias(v)))), 2)
    loss = find_loss("infonce")

    def value(*columns: tuple[Any, Any]) -> float:
        A = matrix([[Fraction(float(x)) for x in row] for row in zip(*columns, strict=True)])
        return float64_value(loss, instance, Encoder(A)).value

    h, k = 1e-4, 1 / 64
    base = value((sigma, 0))
    along = [value((sigma + x, 0)) for x in (h, -h)]
    turned = [value((sigma, x)) for x in (h, -h)]
    assert abs(along[0] - along[1]) / (2 * h) < 1e-6
    assert abs(turned[0] - turned[1]) / (2 * h) < 1e-6
    once, twice = (value((sigma, 0), (0, x)) - base for x in (k, 2 * k))
    assert (16 * once - twice) / (12 * k**2) == pytest.approx(float(slope(v)), abs=1e-5)


def test_the_example_of_the_format():
    text = (Path(line.__file__).parents[1] / "FORMAT.md").read_text(encoding="utf-8")
    whole = next(row for row in text.splitlines() if row.startswith('{"format":"thmverify-cover-1"'))
    assert "\n".join(check(whole.encode() + b"\n").lines_of_text()) in text
