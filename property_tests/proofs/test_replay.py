"""A trace proves what it says or is rejected: nothing in the file is believed, and nothing in it crashes the reader."""

# ruff: noqa: E501, PLW0108 (tables; and lambda k: u(k) reads like mathematics)

from __future__ import annotations

import copy
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thmverify.kernel.proofs.replay import FIELDS, FORMAT, Proved, replay
from thmverify.kernel.strict import Rejected, canonical, digest
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Fun,
    Index,
    Mat,
    Real,
    Size,
    eq,
    exists,
    exp,
    fn,
    forall,
    inv,
    mean,
    num,
    total,
    tr,
    var,
)
from thmverify.proofs.lemmas.basic import some_index
from thmverify.proofs.script import Script

ROOT = Path(__file__).parents[2]
a, b = var("a", Real), var("b", Real)


def trace(nodes: list[Any], lines: list[Any], conclusion: Any = 0, **more: Any) -> dict[str, Any]:
    """Return a trace with its hash."""
    whole = {
        "format": FORMAT, "theorem": "t", "nodes": nodes, "definitions": [], "hypotheses": [], "assumptions": [],
        "lines": lines, "conclusion": conclusion,
    }  # fmt: skip
    return hashed({**whole, **more})


def hashed(whole: dict[str, Any]) -> dict[str, Any]:
    return {**whole, "content": digest([(k, v) for k, v in whole.items() if k != "content"])}


def again(whole: dict[str, Any]) -> Proved:
    return replay(json.loads(canonical(whole)))


def small() -> dict[str, Any]:
    """A proof with hypotheses, a definition, a choice and a rewrite."""
    s = Script("small")
    n = var("n", Size)
    w, v = var("w", Family(n, Real)), var("v", Col(n))
    norm = s.define("norm", [n, v], tr(v.T @ v))
    h = s.assume(eq(total(n, lambda k: w(k)), 1))
    _, there = s.obtain(s.assume(exists(Real, lambda t: (a <= t) & (t <= norm(n, v)))), "c")
    low, high = s.parts(there)
    line = s.lin(a <= tr(v.T @ v), [low, high, (s.unfold("norm", n, v), 1)])
    line = s.both(line, s.calc(eq(total(n, lambda k: w(k) * a), a), h))
    found = s.qed(line, {"sum": h.formula, "there": exists(Real, lambda t: (a <= t) & (t <= norm(n, v)))})
    return found.trace


SMALL = small()


def test_a_proof_is_replayed():
    found = again(SMALL)
    assert [name for name, _, used in found.hypotheses if used] == ["sum", "there"]
    assert found.classical == ()
    assert [d.name for d in found.definitions] == ["norm"]
    assert sum(found.rules.values()) == found.lines == len(SMALL["lines"])


def test_a_proof_can_be_replayed_twice():
    whole = json.loads(canonical(SMALL))
    assert replay(whole) == replay(whole)
    assert whole == SMALL


def test_what_is_not_named_is_not_supposed():
    for k in range(2):
        kept = [h for i, h in enumerate(SMALL["hypotheses"]) if i != k]
        with pytest.raises(Rejected, match="neither a hypothesis nor an assumption"):
            again(hashed({**SMALL, "hypotheses": kept}))
        found = again(hashed({**SMALL, "hypotheses": kept, "assumptions": [SMALL["hypotheses"][k]]}))
        assert [name for name, _ in found.assumptions] == [SMALL["hypotheses"][k][0]]


def test_a_hypothesis_that_is_not_used_says_so():
    nodes = [*SMALL["nodes"], ["le", None, *two_numbers()]]
    extra = ["idle", len(nodes) - 1 - len(SMALL["definitions"])]
    found = again(hashed({**SMALL, "nodes": nodes, "hypotheses": [*SMALL["hypotheses"], extra]}))
    assert [used for _, _, used in found.hypotheses] == [True, True, False]


def two_numbers() -> tuple[int, int]:
    kept = [x for x in SMALL["nodes"] if x != ["define"]]
    return kept.index(["num", "1"]), kept.index(["num", "1"])


@pytest.mark.parametrize("name", FIELDS[:-1])
def test_every_field_is_bound_by_the_hash(name):
    value = SMALL[name]
    changed = (
        [*value, value[-1]]
        if isinstance(value, list) and value
        else [["x", 0]]
        if isinstance(value, list)
        else value + 1
        if isinstance(value, int)
        else value + "x"
    )
    with pytest.raises(Rejected):
        again({**SMALL, name: changed})


def test_fields_are_those_of_the_format():
    for broken in (
        {k: v for k, v in SMALL.items() if k != "assumptions"},
        {**SMALL, "more": 1},
        dict(reversed(SMALL.items())),
        hashed({**SMALL, "format": "thmverify-proof-0"}),
        [], None, 1, "proof", {},
    ):  # fmt: skip
        with pytest.raises(Rejected):
            replay(broken)


ODD = (
    None, True, False, -1, 1.0, float("nan"), 10**30, "1", "", [], {}, [[]], "x" * 300, "\ud800", 0, 1, 2, 3, "Real", "all", "bound",
)  # fmt: skip


def test_changed_traces_are_rejected_or_prove_what_they_say():
    """Whatever one value of a trace is changed to, the answer is a theorem or `Rejected`, and the theorem is well formed."""
    rng = np.random.default_rng(0)
    accepted = 0
    for _ in range(1500):
        whole = copy.deepcopy(SMALL)
        place: Any = whole
        key: Any = str(
            rng.choice(
                [
                    "nodes",
                    "nodes",
                    "lines",
                    "lines",
                    "definitions",
                    "hypotheses",
                    "assumptions",
                    "conclusion",
                    "theorem",
                ]
            )
        )
        while isinstance(place[key], list) and place[key] and rng.random() < 0.85:
            place, key = place[key], int(rng.integers(len(place[key])))
        kind = rng.random()
        if kind < 0.15 and isinstance(place, list):
            del place[key]
        elif kind < 0.3 and isinstance(place, list):
            place.insert(key, copy.deepcopy(place[int(rng.integers(len(place)))]))
        elif kind < 0.6 and type(place[key]) is int:
            place[key] = int(rng.integers(0, 60))
        else:
            place[key] = copy.deepcopy(ODD[int(rng.integers(len(ODD)))])
        try:
            found = replay(hashed(whole))
        except Rejected:
            continue
        accepted += 1
        assert not found.conclusion.loose
        assert found.lines == len(whole["lines"])
    assert 0 < accepted < 700


BASE = [
    ["Real", None],
    ["var", "x", 0],
    ["num", "0"],
    ["eq", None, 1, 1],
    ["Size", None],
    ["var", "n", 4],
    ["Index", None, 5],
    ["var", "i", 6],
]


@pytest.mark.parametrize(
    "node",
    [
        [], ["eq"], ["eq", None], ["eq", None, 1], ["eq", None, 1, 1, 1], ["eq", 0, 1, 1], ["eq", None, 1, 5], ["eq", None, 99, 1],
        ["eq", None, -1, 1], ["eq", None, True, 1], ["eq", None, "1", 1], ["eq", None, 1.0, 1], ["nothing", None], [["eq"], None, 1, 1],
        [None, None], "eq", 5, None, {"eq": 1}, ["slot", 0, 6], ["slot", 0, 0], ["num", 1], ["num", "1.0"], ["num", "2/4"], ["num", "-0"],
        ["num", "1/0"], ["num", "+1"], ["num", " 1"], ["num", "1_0"], ["num", "1e9"], ["num", "1e999999999"], ["num", "٣"], ["num", None],
        ["num", "1" * 300], ["num", "1", 1], ["var", "", 0], ["var", "x", 1], ["var", "x"], ["var", 1, 0], ["var", None, 0], ["var", "a\n", 0],
        ["var", "x" * 201, 0], ["var", ["x"], 0], ["lit", "1"], ["lit", 17], ["lit", -1], ["lit", True], ["lit", 1.0], ["lit", None],
        ["nth", 0, 5], ["bound", -1, 0], ["bound", True, 0], ["bound", "0", 0], ["bound", 0, 1], ["c", "f"], ["c", None, 1], ["c", ["f"], 1],
        ["define", 1], ["add", None], ["add", None, 5, 5], ["add", [1], 1, 1], ["add", "x", 1, 1], ["sum", None, 5, 5], ["mean", None, 1, 1],
        ["ap", None, 1, 1], ["Index", None, 1], ["Fun", None, 4, 0], ["Fun", None, 0, 4], ["Mat", None, 1, 1], ["lam", None, 1, 1],
        ["all", None, 0, 1], ["size", None, 1], ["unit", None, 5], ["delta", None, 7, 5], ["deriv", None, 1, 1, 1], ["plus", None, 5],
        ["moderate", None, 1], ["moderate", None, 5], ["moderate", None],
    ],
)  # fmt: skip
def test_nodes_that_are_no_terms(node):
    with pytest.raises(Rejected):
        again(trace([*BASE, node], [["assume", [], [3]]], 3))


@pytest.mark.parametrize(
    "line",
    [
        [], ["assume"], ["assume", []], ["assume", [], [3], []], ["assume", [], [99]], ["assume", [], [True]], ["assume", [], ["3"]],
        ["assume", [], 3], ["assume", None, [3]], [None, [], [3]], [["assume"], [], [3]], ["nothing", [], [3]], ["infer", [], [3]],
        ["tautology", [[0]], [3]], ["tautology", [[-1]], [3]], ["tautology", [0], [3]], ["definition", [], []], ["definition", [], ["f"]],
        ["definition", [], [["f"]]], ["definition", [[]], ["f"]], ["definition", [], [0]], ["assume", [[]] * 9, [3]], "assume", 5, None,
    ],
)  # fmt: skip
def test_lines_that_are_no_steps(line):
    with pytest.raises(Rejected):
        again(trace(BASE, [line], 3))


def test_a_line_rests_on_earlier_ones():
    with pytest.raises(Rejected):
        again(trace(BASE, [["tautology", [[1]], [3]], ["assume", [], [3]]], 3))


def test_the_last_line_is_the_theorem():
    nodes = [*BASE, ["eq", None, 1, 2]]
    lines = [["arithmetic", [[], [], [], []], [3]]]
    assert again(trace(BASE, lines, 3)).conclusion is again(trace(nodes, lines, 3)).conclusion
    for conclusion in (8, 1, 99, -1, None, "3", True):
        with pytest.raises(Rejected):
            again(trace(nodes, lines, conclusion))
    with pytest.raises(Rejected):
        again(trace(BASE, [], 3))


def test_an_index_is_not_supposed_in_silence():
    """1 ≤ n follows from an index below n, and from nothing else."""
    s = Script("index")
    n = var("n", Size)
    i = var("i", Index(n))
    there = exists(Index(n), lambda k: eq(k, k))
    refl = s.taut(eq(i, i), s.apply("kronecker", [], [i, i]), s.assume(~eq(num(0), 1)), *_one(s, i))
    line = s.taut(num(1) <= n, s.known(some_index, n), s.exhibit(there, i, refl))
    assert i.term in line.theorem.indices
    found = s.qed(line, {"nonzero": ~eq(num(0), 1)}).trace
    with pytest.raises(Rejected, match="supposes"):
        again(found)
    every = s.gen(line, i)
    assert (
        again(s.qed(every, {"nonzero": ~eq(num(0), 1)}).trace).conclusion
        is forall(Index(n), lambda k: num(1) <= n).term
    )


def _one(s: Script, i: Expr) -> list[Any]:
    """[i = i] = 1, and so not 0."""
    zero = s.assume(eq(Expr(s.apply("kronecker", [], [i, i]).theorem.conclusion.args[0].args[1].args[0]), 0))
    return [s.discharge(s.lin(eq(num(0), 1), [(zero, -1)]), zero)]


DEFINED = [
    ["Real", None],
    ["var", "x", 0],
    ["var", "y", 0],
    ["define"],
    ["c", "f", 1],
    ["eq", None, 3, 1],
    ["all", None, 0, 5],
]


def test_definitions():
    s = Script("definitions")
    f = s.define("f", [a], a * a)
    assert again(s.qed(s.unfold("f"), {}).trace).conclusion is forall(Real, lambda t: eq(f(t), t * t)).term
    for definition in (
        ["f", [1], 2],  # speaks of y
        ["f", [1, 1], 1], ["f", [0], 1], ["f", [1], 0], ["", [1], 1], [["f"], [1], 1], ["f", 1, 1], ["f", [1]], ["f", [True], 1], ["f", [1], 99],
        ["g", [1], 1],  # f is not defined
    ):  # fmt: skip
        with pytest.raises(Rejected):
            again(trace(DEFINED, [["definition", [], ["f"]]], 5, definitions=[definition]))
    twice = [["Real", None], ["var", "x", 0], ["num", "0"], ["define"], ["define"], ["c", "f", 1], ["eq", None, 3, 3]]
    with pytest.raises(Rejected, match="defined already"):
        again(trace(twice, [["assume", [], [4]]], 4, definitions=[["f", [1], 1], ["f", [1], 2]]))
    with pytest.raises(Rejected):  # of itself
        again(trace([["Real", None], ["var", "x", 0], ["c", "f", 1], ["define"]], [], definitions=[["f", [1], 2]]))
    with pytest.raises(Rejected, match="left over"):
        again(trace(BASE, [["arithmetic", [[], [], [], []], [3]]], 3, definitions=[["f", [1], 1]]))


def test_arguments_of_definitions_have_the_sorts_of_the_parameters():
    s = Script("sorts")
    n, m = var("n", Size), var("m", Size)
    X = var("X", Mat(n, n))
    double = s.define("double", [n, X], X + X)
    s.define("where", [var("F", Fun(Real, Real))], var("F", Fun(Real, Real))(num(1)))
    Y = var("Y", Mat(m, m))
    assert double(m, Y).term.sort is Mat(m, m)
    for wrong in ((n, Y), (m, X), (Y, Y), (m,), (m, Y, Y), (exp(a), Y)):
        with pytest.raises(Rejected):
            double(*wrong)
    with pytest.raises(Rejected):
        s.define("late", [X, n], X)
    with pytest.raises(Rejected):
        s.define("more", [n], X)


def chain(op: str, length: int, double: bool, start: str = "Real", between: str = "") -> dict[str, Any]:
    """A term of many levels, each twice in the next: written out it is of size 2^length."""
    nodes: list[Any] = [[start, None], ["var", "x", 0]]
    for _ in range(length):
        last = len(nodes) - 1
        nodes.append([op, None, last, last] if double else [op, None, last])
        if between:
            nodes.append([between, None, len(nodes) - 1])
    last = len(nodes) - 1
    if start == "Prop":
        nodes.append(["imp", None, last, 1])
        return trace(nodes, [["tautology", [[]], [last + 1]]], last + 1)
    nodes += [["eq", None, last, 1]]
    return trace(nodes, [["arithmetic", [[], [], [], []], [last + 1]]], last + 1)


LARGE = {
    "add": ("add", 60, True), "mul": ("mul", 60, True), "mul-exp": ("mul", 60, True, "Real", "exp"), "exp": ("exp", 30000, False),
    "not": ("not", 30000, False, "Prop"), "and": ("and", 60, True, "Prop"), "iff": ("iff", 60, True, "Prop"),
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_a_small_file_does_not_take_long(name):
    """Each in a process of its own with 2 GB and 20 s of CPU time: a theorem or `Rejected`, not a crash."""
    code = (
        "import sys\nfrom property_tests.proofs.test_replay import LARGE, chain\nfrom thmverify.kernel.proofs.replay import replay\n"
        "from thmverify.kernel.strict import Rejected\ntry:\n    replay(chain(*LARGE[sys.argv[1]]))\nexcept Rejected:\n    pass\n"
    )

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))

    found = subprocess.run(
        [sys.executable, "-c", code, name], cwd=ROOT, capture_output=True, text=True, preexec_fn=limit,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr[-300:]


@pytest.mark.parametrize(
    "name",
    [
        "x + 1", "0", "1x", "", " x", "x y", "x\u00a0", "xᵀ", "X¹", "x⁻¹", "e_0", "e_x", "exp", "log", "tr", "I", "true", "false", "softmax",
        "HasDerivative", "Moderate", "a\u0301", "\u0430", "∃x", "(x)", "λ.", "x" * 100, 7, None, ["x"],
    ],
)  # fmt: skip
def test_names_that_read_as_something_else(name):
    with pytest.raises(Rejected):
        again(trace([["Real", None], ["var", name, 0], ["eq", None, 1, 1]], [["arithmetic", [[], [], [], []], [2]]], 2))
    nodes = [["Real", None], ["num", "0"], ["define"], ["c", name], ["eq", None, 2, 1]]
    with pytest.raises(Rejected):
        again(trace(nodes, [["definition", [], [name]]], 3, definitions=[[name, [], 1]]))


def test_a_theorem_is_about_one_thing_of_a_name():
    nodes = [
        ["Real", None],
        ["Size", None],
        ["var", "x", 0],
        ["var", "x", 1],
        ["size", None, 3],
        ["eq", None, 2, 2],
        ["eq", None, 4, 4],
    ]
    for conclusion in (5, 6):
        assert again(trace(nodes, [["arithmetic", [[], [], [], []], [conclusion]]], conclusion))
    both = [*nodes, ["and", None, 5, 6]]
    lines = [*(["arithmetic", [[], [], [], []], [k]] for k in (5, 6)), ["tautology", [[0, 1]], [7]]]
    with pytest.raises(Rejected):
        again(trace(both, lines, 7))
    made_up = [["Real", None], ["var", "x#1", 0], ["eq", None, 1, 1]]
    with pytest.raises(Rejected):
        again(trace(made_up, [["arithmetic", [[], [], [], []], [2]]], 2))


def other_than(s: Script, x: Expr) -> Any:
    """∃t. t ≠ x."""
    h = s.assume(eq(x + 1, x))
    absurd = s.discharge(s.lin(num(1) <= 0, [(h, 1)]), h)
    line = s.taut(~eq(x + 1, x), absurd, s.calc(num(0) < 1))
    return s.exhibit(exists(Real, lambda t: ~eq(t, x)), x + 1, line)


def test_the_answer_is_the_formula_whatever_its_name():
    s = Script("infonce-equality")
    found = again(s.qed(s.calc(eq(num(0), 0)), {}).trace)
    assert found.lines_of_text() == ["VERIFIED infonce-equality, for every instance: 0 = 0"]


def test_a_bound_variable_is_not_shown_as_something_else():
    for name in "xyzuvst":
        s = Script("shown")
        known = s.define(name, [], num(3))
        found = again(s.qed(other_than(s, known()), {}).trace)
        assert not found.lines_of_text()[-1].endswith(f": ∃{name}:ℝ. {name} ≠ {name}")
        s = Script("shown")
        found = again(s.qed(other_than(s, var(name, Real)), {}).trace)
        assert not found.lines_of_text()[-1].endswith(f": ∃{name}:ℝ. {name} ≠ {name}")


def test_a_bound_function_is_not_shown_as_a_definition():
    """∃g. g(0) ≠ x(0), x(a) being a: g gets a name of its own."""
    s = Script("shown")
    known = s.define("x", [a], a)
    same = s.assume(eq(num(1), known(num(0))))
    absurd = s.discharge(s.lin(num(1) <= 0, [same, s.unfold("x", num(0))]), same)
    apart = s.taut(~same.formula, absurd, s.calc(num(0) < 1))
    some = exists(Fun(Real, Real), lambda g: ~eq(g(num(0)), known(num(0))))
    found = again(s.qed(s.exhibit(some, fn(Real, lambda _: num(1)), apart), {}).trace)
    assert found.lines_of_text()[-1].endswith(": ∃y:ℝ → ℝ. y(0) ≠ x(0)")


def test_different_terms_are_different_texts():
    S, F, G = var("S", Mat(1, 1)), var("F", Fun(Real, Real, Real)), var("F", Fun(Fun(Real, Real), Real))
    texts = [repr(x.term) for x in (inv(mean(S, lambda x: tr(x))), mean(S, lambda x: inv(tr(x))))]
    assert texts == ["(E[x ~ N(S)] (tr(x)))⁻¹", "E[x ~ N(S)] (tr(x)⁻¹)"]
    assert [repr(x.term.sort) for x in (F, G)] == ["ℝ → ℝ → ℝ", "(ℝ → ℝ) → ℝ"]


def test_a_variable_does_not_have_the_name_of_a_definition():
    s = Script("definition")
    s.define("f", [a], num(0))
    f = var("f", Fun(Real, Real))
    with pytest.raises(Rejected):
        again(s.qed(s.both(s.unfold("f", num(1)), s.calc(eq(f(1), f(1)))), {}).trace)


def test_the_digest_tells_hypotheses_from_assumptions():
    s = Script("digest")
    line = s.assume(a <= b)
    first = s.qed(line, {"h": a <= b}).trace
    second = hashed({**first, "hypotheses": [], "assumptions": first["hypotheses"]})
    other = s.qed(line, {"g": a <= b}).trace
    digests = [again(t).digest for t in (first, second, other, SMALL)]
    assert len(set(digests)) == len(digests)
    assert again(first).digest == digests[0]
