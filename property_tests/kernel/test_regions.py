"""Sets of instances: what is accepted holds on every instance of the set, and nothing wider passes."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from property_tests.kernel import second_opinion
from property_tests.kernel.test_mutations import accepted, mutants, rehashed
from thmverify import exact, theorems
from thmverify.certifying import decide
from thmverify.certifying.grids import propose
from thmverify.covering.around import around
from thmverify.covering.following import Follower
from thmverify.errors import InputError
from thmverify.instances import parse_instance
from thmverify.kernel import Rejected, check
from thmverify.kernel.claims import statement_hash
from thmverify.kernel.covers import regions, slopes
from thmverify.kernel.enclosure import infonce_gradient, slack
from thmverify.kernel.integrals import read_grids
from thmverify.kernel.models import Mixture
from thmverify.kernel.models import instance as kernel_instance
from thmverify.verdicts import Outcome

SHIPPED = [p for p in sorted(theorems.NEIGHBOURHOODS.glob("*.json")) if regions.FORMAT.encode() in p.read_bytes()]
TRIANGLE = {
    "model": "shared-gmm",
    "weights": ["1/4", "1/4", "1/2"],
    "means": [["2", "0"], ["-1", "3/2"], ["-1/2", "-3/4"]],
    "covariance": [["1", "1/4"], ["1/4", "1"]],
    "bias": "4/5",
    "rank": 3,
}


def near(radius: str = "1/1000") -> dict[str, Any]:
    found = around("infonce-equality", parse_instance(TRIANGLE), Fraction(radius))
    assert found.certificate is not None, found.reason
    return json.loads(found.certificate)


WHOLE = near()
DELTA = {"name": "delta", "at": "4/5", "range": ["79/100", "81/100"], "weights": ["0"] * 3, "bias": "1"}
DELTA["means"] = [[["0", "0"]] * 3]
DELTA = {key: DELTA[key] for key in ("name", "at", "range", "weights", "means", "bias")}


def changed(path: str, value: Any, tree: dict[str, Any] = WHOLE) -> bytes:
    """The certificate with another value at a path such as set.radius, hashed anew."""
    out = json.loads(json.dumps(tree))
    at, keys = out, path.split(".")
    for key in keys[:-1]:
        at = at[int(key) if isinstance(at, list) else key]
    at[int(keys[-1]) if isinstance(at, list) else keys[-1]] = value
    return rehashed(out)


def axes(*given: dict[str, Any], pieces: Any = None) -> bytes:
    tree = json.loads(changed("set.axes", list(given)))
    return rehashed(tree) if pieces is None else changed("hints.pieces", pieces, tree)


PIECE = WHOLE["hints"]["pieces"][0]


def piece(path: str, turns: Any = ([["0", "0"], ["0", "0"]],)) -> dict[str, Any]:
    return {**PIECE, "path": path, "hints": {**PIECE["hints"], "turns": [*turns]}}


# ------------------------------------------------------------------------------------------------- accept, reject


def test_a_radius_is_accepted():
    found = check(rehashed(WHOLE))
    assert found.lines_of_text()[-1] == "VERIFIED infonce-equality, within 1/1000 of the instance given: proved"
    assert (found.proved, found.refuted, found.finding.verdict) == (1, 0, "proved")


def test_an_axis_is_accepted_in_part():
    found = check(axes(DELTA, pieces=[piece("0"), piece("10")]))
    assert (found.proved, found.refuted) == (fmpq(3, 4), 0)
    assert found.finding.verdict not in ("proved", "refuted")
    assert found.lines_of_text()[-1].endswith("delta [79/100, 81/100]: " + found.lines_of_text()[-1].split(": ")[1])
    assert "proved on 3/4, refuted on 0" in found.lines_of_text()[-1]


REFUSED = [
    (changed("set.radius", "1/20"), "known to be between|strip is too wide"),
    (changed("set.radius", "0"), "no axis and no radius"),
    (changed("set.radius", "2"), "radius is not at most"),
    (changed("set.radius", "1"), "not certain that the weights are positive"),
    (changed("hints.pieces.0.verdict", "refuted"), "what was found is not what the certificate says"),
    (changed("hints.pieces.0.path", "0"), "a path is not"),
    (changed("hints.pieces.0.rule", "symmetry"), "by a rule that does not take sets"),
    (changed("hints.pieces.0.rule", "border"), "by a rule that does not take sets"),
    (changed("hints.pieces.0.rule", "kkt"), "hints does not have exactly"),
    (changed("hints.pieces.0.hints.turns", [[["0", "0"], ["0", "0"]]]), "one turn of V for each axis"),
    (changed("hints.pieces.0.hints.V", [["1"], ["0"]]), "known to be between|strip is too wide"),
    (changed("hints.pieces", []), "no pieces"),
    (changed("hints.pieces", [PIECE, PIECE]), "two pieces may overlap"),
    (changed("hints.frames", []), "frames does not have 1 entries"),
    (changed("hints.frames", [[["1", "0"], ["2", "0"]]]), "a frame is not invertible"),
    (changed("hints.frames", [[["1"]]]), "has the wrong shape"),
    (changed("claim", "lemma-4.2"), "the statement is not the one"),
    (axes(DELTA, pieces=[piece(""), piece("01")]), "two pieces may overlap"),
    (axes(DELTA, {**DELTA, "name": "other"}, pieces=[piece("0"), piece("3")]), "two pieces may overlap"),
    (axes(DELTA, {**DELTA, "name": "other"}, pieces=[piece("00"), piece("03"), piece("1")]), "two pieces may overlap"),
    (axes(DELTA, pieces=[piece("2")]), "a path is not"),
    (axes(DELTA, pieces=[piece("0" * 61)]), "a path is not"),
    (axes(DELTA, pieces=[PIECE]), "one turn of V for each axis"),
    (axes(DELTA, pieces=[piece("", [[["0"], ["0"]]])]), "one turn of V for each axis"),
    (
        axes(DELTA, pieces=[piece("", [[["90", "0"], ["0", "90"]]])]),
        "known to be between|strip is too wide|not certain",
    ),
    (axes({**DELTA, "weights": ["1", "0", "0"]}), "a weight for each component, with sum 0"),
    (axes({**DELTA, "weights": ["1", "-1"]}), "a weight for each component, with sum 0"),
    (axes({**DELTA, "means": []}), "means for each modality"),
    (axes({**DELTA, "means": [[["0", "0"]] * 2]}), "do not fit those of the instance"),
    (axes({**DELTA, "range": ["1", "0"]}), "range is not an interval"),
    (axes({**DELTA, "range": ["0"]}), "range does not have 2 entries"),
    (axes({**DELTA, "name": "δ"}), "the name of an axis"),
    (axes({**DELTA, "name": 3}), "the name of an axis"),
    (axes({**DELTA, "name": "for every instance with delta"}), "the name of an axis"),
    (axes({**DELTA, "range": ["0", "1"]}, pieces=[piece("")]), "known to be between|not certain"),
    (axes({**DELTA, "range": ["-1", "1"]}, pieces=[piece("")]), "takes the bias out of"),
    (axes({**DELTA, "range": ["2", "3"]}, pieces=[piece("")]), "takes the bias out of"),
    (axes(*[DELTA] * 4), "not an array of at most 3"),
]


@pytest.mark.parametrize("index", range(len(REFUSED)))
def test_refused(index):
    data, reason = REFUSED[index]
    with pytest.raises(Rejected, match=reason):
        check(data)


def test_covariances_that_differ_are_refused():
    """Of ±2 with opposite tilts Σ̄ = I at equal weights, where SimSiam does not leak; away from them it does."""
    tilted = [[["1", tilt], [tilt, "1"]] for tilt in ("1/2", "-1/2")]
    fields = {"model": "gmm", "weights": ["9/10", "1/10"], "means": [["2", "0"], ["-2", "0"]], "covariances": tilted}
    fields |= {"bias": "1", "rank": 1, "weight_decay": "1/100"}
    verdict, data = decide("simsiam-inclusion", parse_instance(fields))
    assert verdict.outcome is Outcome.REFUTED
    assert decide("simsiam-inclusion", parse_instance({**fields, "weights": ["1/2"] * 2}))[0].outcome is Outcome.PROVED
    found, statement = json.loads(data), statement_hash("simsiam-inclusion")
    move = {**DELTA, "at": "9/10", "range": ["1/2", "500000001/1000000000"], "weights": ["1", "-1"], "bias": "0"}
    instances = {"instance": found["instance"], "axes": [{**move, "means": [[["0", "0"]] * 2]}], "radius": "0"}
    piece = {"path": "", "verdict": "refuted", "rule": "leak", "hints": {**found["hints"], "radius": "1/100000"}}
    hints = {"frames": [[["1"]]], "pieces": [piece]}
    values = (regions.FORMAT, "simsiam-inclusion", statement, instances, hints, "")
    with pytest.raises(Rejected, match="do not share a covariance"):
        check(rehashed(dict(zip(regions.FIELDS, values, strict=True))))


def test_an_axis_out_of_the_span_is_refused():
    flat = json.loads(json.dumps(TRIANGLE)) | {"means": [["2", "0"], ["-1", "0"], ["-1/2", "0"]]}
    found = around("infonce-equality", parse_instance(flat), Fraction(1, 100))
    lifted = {**DELTA, "means": [[["0", "1"], ["0", "0"], ["0", "0"]]]}
    with pytest.raises(Rejected, match="out of their span"):
        check(changed("set.axes", [lifted], json.loads(found.certificate)))


def test_work_is_bounded_before_it_is_done(monkeypatch):
    monkeypatch.setattr(regions, "settle", lambda *_: pytest.fail("a piece was looked at"))
    grid = ["1/100", "0", "100000", "1"]
    heavy = {**PIECE, "hints": {**PIECE["hints"], "precision": "2000", "grids": [[grid]] * 3}}
    many = [{**heavy, "path": f"{i:06b}"} for i in range(64)]
    assert regions.MAX_WORK < 64 * 3 * 10**5 * 9 * 2000
    with pytest.raises(Rejected, match="ask for too much work"):
        check(axes(DELTA, pieces=many))


def test_many_pieces_of_a_large_instance_are_refused_before_any_is_seen(monkeypatch):
    monkeypatch.setattr(regions, "settle", lambda *_: pytest.fail("a piece was looked at"))
    d = K = 30
    means = [[str(int(i == k)) for i in range(d)] for k in range(K)]
    given = {"model": "shared-gmm", "weights": [f"1/{K}"] * K, "means": means, "covariance": ["1"] * d}
    given |= {"bias": "4/5", "rank": "1", "weight_decay": "0"}
    eye = [[str(int(i == j)) for j in range(d)] for i in range(d)]
    pieces = [{"path": f"{i:011b}", "verdict": "refuted", "rule": "exact", "hints": {}} for i in range(1500)]
    axis = {**DELTA, "weights": ["0"] * K, "means": [[["0"] * d] * K]}
    whole = changed("set", {"instance": given, "axes": [axis], "radius": "0"})
    whole = changed("hints", {"frames": [eye], "pieces": pieces}, json.loads(whole))
    with pytest.raises(Rejected, match="pieces is not an array of at most 1481 entries"):
        check(whole)


def test_slopes_of_many_components_are_refused_before_any_is_seen(monkeypatch):
    monkeypatch.setattr(regions, "settle", lambda *_: pytest.fail("a piece was looked at"))
    K, m = 64, 4
    means = [[str((k + 1) ** i) for i in range(m)] for k in range(K)]
    given = {"model": "shared-gmm", "weights": [f"1/{K}"] * K, "means": means, "covariance": ["1"] * m}
    given |= {"bias": "1", "rank": "4", "weight_decay": "0"}
    eye = [[str(int(i == j)) for j in range(m)] for i in range(m)]
    grids = [[["1", "0", "1", "1"]] * m] * K
    hints = {"precision": "64", "grids": grids, "V": eye, "turns": [], "N": [[]] * m}
    whole = changed("set", {"instance": given, "axes": [], "radius": "1/1000"})
    pieces = [{"path": "", "verdict": "proved", "rule": "follow", "hints": hints}]
    whole = changed("hints", {"frames": [eye], "pieces": pieces}, json.loads(whole))
    with pytest.raises(Rejected, match="too much work"):
        check(whole)


def test_other_grids_are_refused():
    ball = {"active": ["0"], "frame": [], "steps": [], "radius": "1", "width": "1"}
    for grids in ([ball] * 3, [[["30", "60"]]] * 3):
        with pytest.raises(Rejected, match="a grid of a set of instances is not a lattice"):
            check(changed("hints.pieces.0.hints.grids", grids))


def test_a_change_is_refused_or_proves_what_deciding_proves():
    """With the hash left, every change; with it made anew, what is accepted is a set that holds what is said of it."""
    small = json.loads(SHIPPED[0].read_bytes())
    assert [1 for mutant in mutants(small) if accepted(mutant.data)] == []
    for change in mutants(small):
        data = change.rehashed if change.path and change.path[0] != "content" else b""
        if data and accepted(data):
            found, mutant = check(data), change.tree
            given = json.loads(json.dumps(mutant["set"]["instance"])) | {"rank": int(mutant["set"]["instance"]["rank"])}
            decided, _ = decide(found.claim, parse_instance(given), measured=False)
            assert decided.outcome.value == found.finding.verdict


# ------------------------------------------------------------------------------------------------- every instance


def inside(fields: dict[str, Any], radius: Fraction, rng: random.Random) -> dict[str, Any]:
    """A random instance within the radius, with means in the span of those given."""

    def step() -> Fraction:
        return radius * Fraction(rng.choice([-64, 64, rng.randint(-64, 64)]), 64)

    def moved(means: list[list[str]], covariance: Any) -> list[list[str]]:
        K = len(means)
        d = len(covariance)
        straight = not isinstance(covariance[0], list)
        dense = [[covariance[i] if i == j else 0 for j in range(d)] for i in range(d)] if straight else covariance
        sigma = exact.matrix([[Fraction(x) for x in row] for row in dense])
        rows = exact.matrix([[Fraction(x) for x in row] for row in means])
        out = []
        for row in means:
            e = exact.matrix([[Fraction(rng.randint(-9, 9)) for _ in range(K)]]) * rows
            size = (e * sigma.inv() * e.transpose())[0, 0]
            root = Fraction(float(size) ** 0.5 * 1.0001 + 1e-5).limit_denominator(10**6)
            share = abs(step()) / root
            out.append([str(Fraction(x) + share * Fraction(str(y))) for x, y in zip(row, e.entries(), strict=True)])
        return out

    K = len(fields["weights"])
    weights = [Fraction(w) for w in fields["weights"]]
    if K > 1:
        (i, j), moved_by = rng.sample(range(K), 2), step()
        weights[i], weights[j] = weights[i] + moved_by, weights[j] - moved_by
    bias = min(max(Fraction(fields["bias"]) + step(), Fraction(0)), Fraction(1))
    out = {**fields, "weights": [str(w) for w in weights], "bias": str(bias), "rank": int(fields["rank"])}
    for part in (out, *(out[name] for name in ("vision", "text") if name in out)):
        if "means" in part:
            part["means"] = moved(part["means"], part["covariance"])
    return json.loads(json.dumps(out))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda path: path.stem)
def test_what_ships_holds_on_random_instances(file):
    found, fields = check(file.read_bytes()), json.loads(file.read_bytes())["set"]["instance"]
    rng, radius = random.Random(3), Fraction(str(found.region.radius))
    assert found.refuted == 1
    for _ in range(1 if len(fields["weights"]) > 9 else 3):
        given = parse_instance(inside(json.loads(json.dumps(fields)), radius, rng))
        assert decide(found.claim, given)[0].outcome is Outcome.REFUTED


def test_slopes_contain_the_gradient_of_an_instance():
    """∇L and S of random instances of the set, by the kernel's other way to them, lie in what slopes make of it."""
    rng, tree = random.Random(5), near("1/200")
    region = regions.read_region(tree["set"], "infonce-equality")
    frames, pieces = regions.read_hints(tree["hints"], "infonce-equality", region)
    digits, grids, V, turns, seed = slopes.read_hints(region.pairs, [], pieces[0].hints)
    with ctx.workprec(digits):
        whole = slopes.trace(region.pairs, frames[0], [], (), region.radius, grids, V, turns, seed)
    B = region.pairs.mixture.fisher * frames[0]
    for _ in range(6):
        one = inside(json.loads(json.dumps(TRIANGLE)), Fraction(1, 200), rng)
        pairs = kernel_instance({**one, "rank": "3", "weight_decay": "0"})
        law = pairs.mixture.reduced(B)
        found = infonce_gradient(law, B.transpose() * pairs.C * B, V, lattices(law, V))
        for ball, point in zip(whole.gradient.value.entries(), found.entries(), strict=True):
            assert ball.contains(point)
        assert all(a.contains(arb(b)) for a, b in zip(whole.S.value.entries(), law.S.entries(), strict=True))


def lattices(law: Mixture, V: fmpq_mat) -> Any:
    return read_grids(propose(law, V, V.transpose() * law.offsets, 40.0, boxes=True).grids, "grids")


def test_slopes_along_axes_contain_the_gradient():
    """The same along axes, where V turns: at random points of a box of δ and of a move of weights and means."""
    rng, move = random.Random(8), {**DELTA, "name": "move", "at": "0", "range": ["-1/50", "1/50"]}
    move |= {"weights": ["1", "-2", "1"], "means": [[["1", "0"], ["0", "-1"], ["2", "1"]]], "bias": "0"}
    whole = json.loads(json.dumps(WHOLE["set"])) | {"axes": [DELTA, move], "radius": "0"}
    region = regions.read_region(whole, "infonce-equality")
    follower = Follower(region.pairs, region.axes, Fraction(0))
    frame = exact.matrix([[Fraction(x) for x in row] for row in follower.frame])
    digits, grids, V, turns, seed = slopes.read_hints(
        region.pairs, region.axes, follower.hints(follower.middle(region.whole))
    )
    with ctx.workprec(digits):
        found = slopes.trace(region.pairs, frame, region.axes, region.whole, fmpq(0), grids, V, turns, seed)
    for _ in range(6):
        a, b = (fmpq(rng.randint(-64, 64), 64) for _ in range(2))
        law = slopes.Family(region.pairs, frame, region.axes, region.whole, fmpq(0))
        steps = a * fmpq(1, 100), b * fmpq(1, 50)
        means = region.pairs.mixture.means + region.axes[1].means[0] * steps[1]
        w = [x + steps[1] * y for x, y in zip(region.pairs.mixture.weights, region.axes[1].weights, strict=True)]
        B = region.pairs.mixture.fisher * frame
        point = Mixture(w, B.transpose() * means, [law.sigma] * 3)
        at, delta = V + turns[0] * steps[0] + turns[1] * steps[1], region.pairs.bias + steps[0]
        C = point.S * delta + point.mean * point.mean.transpose() * (1 - delta)
        there = infonce_gradient(point, C, at, lattices(point, at))
        assert all(x.contains(y) for x, y in zip(found.gradient.value.entries(), there.entries(), strict=True))
        rest = slack(there, law.sigma, at, seed)[-1] if seed.ncols() else there
        assert all(x.overlaps(y) for x, y in zip(found.made[2].value.entries(), rest.entries(), strict=True))


def test_arithmetic_of_slopes():
    """Sums, products and inverses of random functions of θ, linear ones to begin with, at random points."""
    rng = random.Random(2)
    steps = [arb(0, 0.1), arb(0, 0.2)]

    def some() -> tuple[Any, Any]:
        parts = [fmpq_mat(2, 2, [fmpq(rng.randint(-9, 9), 7) for _ in range(4)]) for _ in range(3)]
        parts[0] += fmpq_mat(2, 2, [5, 0, 0, 5])
        made = slopes.Sloped(parts[0], {i: arb_mat(x) for i, x in enumerate(parts[1:])}, steps)
        return made, lambda a, b: parts[0] + parts[1] * a + parts[2] * b

    for _ in range(20):
        (f, at_f), (g, at_g) = some(), some()
        made = {
            "sum": f + g,
            "difference": f - g,
            "product": f * g,
            "inverse": f.inv() * g,
            "turned": f.transpose() * f,
        }
        a, b = fmpq(rng.randint(-10, 10), 100), fmpq(rng.randint(-20, 20), 100)
        x, y = at_f(a, b), at_g(a, b)
        points = {
            "sum": x + y,
            "difference": x - y,
            "product": x * y,
            "inverse": x.inv() * y,
            "turned": x.transpose() * x,
        }
        for name, point in points.items():
            assert all(
                ball.contains(arb(z)) for ball, z in zip(made[name].value.entries(), point.entries(), strict=True)
            )
        scaled = f.times(g.map(corner)).value
        assert all(ball.contains(arb(z)) for ball, z in zip(scaled.entries(), (x * y[0, 0]).entries(), strict=True))


def corner(x: arb_mat) -> arb_mat:
    return arb_mat([[x[0, 0]]])


def back(basis: fmpq_mat, wanted: fmpq_mat) -> fmpq_mat:
    """Q with basis·Q = wanted."""
    return basis.inv() * wanted


def test_the_second_opinion_agrees_inside():
    """The V and N of a set, for a random instance of it, under the checker that shares nothing with the kernel."""
    fields = json.loads(next(path for path in SHIPPED if path.stem == "infonce-equality-biased-near").read_bytes())
    hints = fields["hints"]["pieces"][0]["hints"]
    centre = kernel_instance(fields["set"]["instance"]).mixture.fisher
    Q = exact.matrix([[Fraction(x) for x in row] for row in fields["hints"]["frames"][0]])
    given = inside(
        fields["set"]["instance"], Fraction(fields["set"]["radius"]) / 4, random.Random(1)
    )  # its bounds are coarser
    given = {**given, "rank": str(given["rank"])}
    turned = back(kernel_instance(given).mixture.fisher, centre * Q)
    rows = [[str(x) for x in row] for row in exact.to_rows(turned)]
    _, high = second_opinion.infonce_rank({"instance": given, "hints": {**hints, "Q": rows}})
    assert high < 2


def test_a_set_that_reaches_over_the_border_is_refused():
    """Two instances, one where the claim is proved and one where it is refuted: no set with both is settled."""
    biased = json.loads(next(path for path in SHIPPED if path.stem == "infonce-equality-biased-near").read_bytes())
    up = {**DELTA, "at": "7/10", "range": ["7/10", "1"]}
    turned = [{**biased["hints"]["pieces"][0]}]
    turned[0] = {**turned[0], "hints": {**turned[0]["hints"], "turns": [[["0"], ["0"]]]}}
    biased["hints"]["pieces"] = turned
    assert decide("infonce-equality", parse_instance({**biased["set"]["instance"], "rank": 3, "bias": "1"}))[
        0
    ].outcome is (Outcome.PROVED)
    with pytest.raises(Rejected):
        check(changed("set.axes", [up], biased))


def test_an_instance_on_a_border_has_no_radius():
    """Two opposite components off the origin: a change of the weights, however small, makes the claim true."""
    given = {
        **TRIANGLE,
        "weights": ["1/2", "1/2"],
        "means": [["1", "1"], ["-1", "1"]],
        "covariance": [["1", "0"], ["0", "1"]],
    }
    given |= {"bias": "1", "rank": 2}
    assert decide("infonce-equality", parse_instance(given))[0].outcome is Outcome.REFUTED
    assert around("infonce-equality", parse_instance(given)).outcome is Outcome.UNDECIDED


@pytest.mark.parametrize("bias", ["1", "1/2"])
def test_means_that_differ_along_one_line_only(bias):
    """Two components off the origin: the logits see one direction, the instances near have others."""
    given = {
        "model": "shared-gmm",
        "weights": ["1/5", "4/5"],
        "means": [["-8", "6"], ["-5", "0"]],
        "bias": bias,
        "rank": 2,
    }
    found = around("infonce-equality", parse_instance(given), Fraction(1, 10**5))
    assert found.outcome is Outcome.REFUTED
    assert check(found.certificate).finding.verdict == "refuted"


@pytest.mark.parametrize(
    ("claim", "radius", "rule"),
    [
        ("pca-equality", "1/2", "has no rule for sets"),
        ("infonce-equality", "2", "is not a radius"),
        ("infonce-equality", "0", "is not"),
    ],
)
def test_bad_input(claim, radius, rule):
    with pytest.raises(InputError, match=rule):
        around(claim, parse_instance(TRIANGLE), Fraction(radius))


def test_the_example_of_the_format():
    text = (Path(regions.__file__).parents[1] / "FORMAT.md").read_text(encoding="utf-8")
    whole = next(row for row in text.splitlines() if row.startswith('{"format":"thmverify-region-1"'))
    assert "\n".join(check(whole.encode() + b"\n").lines_of_text()) in text
