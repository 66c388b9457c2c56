"""Formulas about sets of instances: what is accepted is true on each of them, and nothing wider passes."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from flint import ctx, fmpq

from property_tests.kernel.test_mutations import accepted, mutants, rehashed
from property_tests.kernel.test_regions import DELTA, TRIANGLE, inside
from thmverify.certifying.formulas import certify, expected_softmax, identity, name, trace
from thmverify.certifying.writing import instance_fields
from thmverify.covering.around import true_around
from thmverify.errors import InputError
from thmverify.instances import parse_instance
from thmverify.kernel import Rejected, check
from thmverify.kernel.covers import stated
from thmverify.kernel.covers.nearby import nearby, unit
from thmverify.kernel.covers.regions import read_set
from thmverify.kernel.formulas.claims import fields, of_pairs
from thmverify.kernel.strict import canonical, digest
from thmverify.models import Instance, Record
from thmverify.theorems.infonce.common import TILTED
from thmverify.verdicts import Outcome

INSTANCE = parse_instance(TRIANGLE)
SMALL = trace(name("covariance") ** -1 @ name("S")) < 3  # 225/80 in the middle
FOUND = true_around("small", SMALL, INSTANCE)
WHOLE: dict[str, Any] = json.loads(FOUND.certificate or b"{}")


def changed(path: str, value: Any) -> bytes:
    out = json.loads(json.dumps(WHOLE))
    *keys, last = path.split(".")
    at = out
    for key in keys:
        at = at[key]
    at[last] = value
    return rehashed(out)


def restated(formula: Any, **more: Any) -> bytes:
    """The certificate of another formula, with its hash."""
    out = {**json.loads(json.dumps(WHOLE)), "formula": formula, **more}
    return rehashed({**out, "statement": digest([out["claim"], out["definitions"], formula])})


def test_a_formula_is_true_within_a_radius():
    assert FOUND.outcome is Outcome.PROVED
    found = check(canonical(WHOLE))
    assert found.lines_of_text() == [
        f"VERIFIED small, within {FOUND.radius} of the instance given: trace(covariance^(-1)*S) < 3"
    ]
    assert true_around("small", SMALL, INSTANCE, FOUND.radius * 2).outcome is Outcome.UNDECIDED
    defined = true_around("small", name("t") < 4, INSTANCE, FOUND.radius, {"t": trace(name("S"))})
    assert check(defined.certificate).lines_of_text()[0] == "where t = trace(S)"


def test_an_axis_is_taken():
    whole = {**WHOLE["set"], "axes": [DELTA], "radius": "0"}
    found = check(restated(["<", "bias", "41/50"], set=whole))
    assert found.lines_of_text()[-1] == "VERIFIED small, delta [79/100, 81/100]: bias < 41/50"


REFUSED = [
    (changed("set.radius", str(FOUND.radius * Fraction(11, 10))), "not proved on every instance"),
    (changed("set.radius", "1/4"), "not certain that the weights are positive"),
    (changed("set.radius", "0"), "no axis and no radius"),
    (changed("hints.precision", "31"), "precision is not"),
    (changed("hints.frames", []), "frames does not have 1 entries"),
    (changed("hints.frames", [[["1", "0"], ["2", "0"]]]), "a frame is not invertible"),
    (changed("claim", "infonce-equality"), "built-in claim"),
    (changed("formula", ["<", "bias", "1"]), "the statement is not the hash"),
    (restated(["<", ["trace", ["*", ["inverse", "covariance"], "S"]], "281/100"]), "not proved on every instance"),
    (restated(["<", "bias", "4/5"]), "of the set: bias < 4/5 is not certain"),
    (restated(["<", "bias", "1/2"]), "it is false"),
    (restated("bias"), "a term, not a formula"),
    (restated(["<", "0", ["entry", ["expected_softmax", "means"], "0", "0"]]), "takes a matrix with a column"),
    (restated(["=", "bias", "bias"]), "not proved on every instance"),
    (restated(["<", "beta", "1"]), "beta"),
]


AXES: list[tuple[dict[str, Any], list[Any], str]] = [
    ({"range": ["2", "3"]}, [], "takes the bias out of"),  # no instance, of which anything would be true
    ({"range": ["4/5", "11/10"]}, [], "takes the bias out of"),
    ({"name": "bias", "bias": "0"}, [], "stands for two things"),  # "bias [79/100, 81/100]: bias = 4/5"
    ({"name": "t"}, [["t", "d"]], "stands for two things"),
]


@pytest.mark.parametrize("index", range(len(AXES)))
def test_axes_that_would_make_an_answer_mislead_are_refused(index):
    more, definitions, reason = AXES[index]
    whole = {**WHOLE["set"], "axes": [DELTA | more], "radius": "0"}
    with pytest.raises(Rejected, match=reason):
        check(restated(["<=", "bias", "1"], set=whole, definitions=definitions))


@pytest.mark.parametrize("index", range(len(REFUSED)))
def test_refused(index):
    data, reason = REFUSED[index]
    with pytest.raises(Rejected, match=reason):
        check(data)


@pytest.mark.parametrize(
    "given",
    [
        {"model": "record", "values": {"bias": "1"}},
        {"model": "population-graph", "weights": [["0", "1"], ["1", "0"]], "labels": ["0", "1"], "rank": "1"},
        {
            **instance_fields(INSTANCE),
            "model": "gmm",
            "covariance": None,
        },
    ],
    ids=["record", "graph", "own covariances"],
)
def test_other_instances_are_refused(given):
    if given["model"] == "gmm":
        given = {("covariances" if k == "covariance" else k): v for k, v in given.items()}
        given["covariances"] = [["1", "1"], ["1", "1"], ["2", "1"]]
    with pytest.raises(Rejected, match=r"is no mixture, or its components do not share|no known model"):
        check(restated(["<", "0", "1"], set={**WHOLE["set"], "instance": given}))


def test_numbers_of_instances_of_the_set_lie_in_the_balls():
    """Each name of the grammar, on random instances within the radius, is in what the kernel computes with."""
    region, rng = read_set({**WHOLE["set"], "radius": "1/500"}), random.Random(7)
    with ctx.workprec(128):
        balls = of_pairs(nearby(region.pairs, [unit(2)], [], [], fmpq(1, 500)))
        for _ in range(20):
            given = inside(instance_fields(INSTANCE), Fraction(1, 500), rng)
            names, _ = fields({**given, "rank": str(given["rank"])})
            for key in ("weights", "means", "mean", "S", "R", "C", "covariance"):
                there, ball = names[key], balls[key]
                whole = zip(there.entries(), ball.entries(), strict=True)
                assert all(b == x if key == "covariance" else b.contains(x) for x, b in whole), key
            assert balls["bias"].contains(names["bias"])


def test_a_change_is_refused_or_true_in_the_middle():
    assert [1 for mutant in mutants(WHOLE) if accepted(mutant.data)] == []
    for path, mutant in ((m.path, m.tree) for m in mutants(WHOLE)):
        data = rehashed(mutant) if path and path[0] != "content" else b""
        if data and accepted(data):
            given = {**mutant["set"]["instance"], "rank": int(mutant["set"]["instance"]["rank"])}
            assert certify("small", SMALL, parse_instance(given)).outcome is Outcome.PROVED


def test_what_is_proposed_has_to_be_a_formula_of_a_mixture():
    with pytest.raises(InputError, match="is no mixture"):
        true_around("small", SMALL, Instance(Record(x=1)))
    with pytest.raises(InputError, match="not the same for all components"):
        true_around("small", SMALL, TILTED)
    found = true_around("small", trace(expected_softmax(identity("d"))) < 3, INSTANCE)
    assert found.outcome is Outcome.UNDECIDED
    assert found.certificate is None


def test_the_example_of_the_format():
    text = (Path(stated.__file__).parents[1] / "FORMAT.md").read_text(encoding="utf-8")
    whole = next(row for row in text.splitlines() if row.startswith('{"format":"thmverify-formula-region-1"'))
    assert "\n".join(check(whole.encode() + b"\n").lines_of_text()) in text
