"""Traces that are changed at random: most are refused, and what is still accepted is evaluated and not false.

A mutant changes the data of a published trace in one place and hashes it anew, as a forger would. The kernel may accept
it: a renamed variable, premises in another order. Then lines that say something new are evaluated on random instances.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any

import pytest

from thmverify.kernel.proofs import rules
from thmverify.kernel.proofs.replay import Proved, replay
from thmverify.kernel.strict import Rejected, digest
from thmverify.proofs.evaluation import Entry, evaluate, evaluate_lines, replayed
from thmverify.proofs.expressions import Real, num, var
from thmverify.proofs.script import Script
from thmverify.theorems import MODULES

Trace = dict[str, Any]
PROOFS = ("fisher-optimality", "temperature", "population-graph-equivalence", "lemma-4.2")
COUNT = 150


@cache
def published(name: str) -> Trace:
    return import_module(f"{MODULES[name]}_proof").prove().trace


@cache
def lines_of(name: str) -> tuple[list[Entry], dict[str, rules.Definition]]:
    return replayed(published(name))


def copied(trace: Trace) -> Trace:
    return json.loads(json.dumps(trace))


def rehashed(trace: Trace) -> Trace:
    body = {k: x for k, x in trace.items() if k != "content"}
    return {**body, "content": digest(list(body.items()))}


# -- changes: each changes a trace in place and says whether it did ---------------------------------------------------


def nodes(trace: Trace, *ops: str) -> list[Any]:
    return [n for n in trace["nodes"] if n[0] in ops]


def premises(trace: Trace) -> list[list[int]]:
    return [g for line in trace["lines"] for g in line[1] if g]


def swap_premises(t: Trace, rng: random.Random) -> None:
    group = rng.choice([g for g in premises(t) if len(g) > 1])
    i, j = rng.sample(range(len(group)), 2)
    group[i], group[j] = group[j], group[i]


def drop_premise(t: Trace, rng: random.Random) -> None:
    group = rng.choice(premises(t))
    del group[rng.randrange(len(group))]


def other_premise(t: Trace, rng: random.Random) -> None:
    number, line = rng.choice([(i, x) for i, x in enumerate(t["lines"]) if any(x[1])])
    group = rng.choice([g for g in line[1] if g])
    group[rng.randrange(len(group))] = rng.randrange(number)


def own_premise(t: Trace, rng: random.Random) -> None:
    """A line that rests on itself, or on a later one."""
    number, line = rng.choice([(i, x) for i, x in enumerate(t["lines"]) if any(x[1])])
    group = rng.choice([g for g in line[1] if g])
    group[rng.randrange(len(group))] = rng.randrange(number, len(t["lines"]) + 1)


def drop_line(t: Trace, rng: random.Random) -> None:
    gone = rng.randrange(len(t["lines"]))
    del t["lines"][gone]
    for group in premises(t):
        group[:] = [i - (i > gone) for i in group]


def swap_lines(t: Trace, rng: random.Random) -> None:
    i = rng.randrange(len(t["lines"]) - 1)
    t["lines"][i], t["lines"][i + 1] = t["lines"][i + 1], t["lines"][i]
    for group in premises(t):
        group[:] = [{i: i + 1, i + 1: i}.get(n, n) for n in group]


def swap_lines_badly(t: Trace, rng: random.Random) -> None:
    i, j = rng.sample(range(len(t["lines"])), 2)
    t["lines"][i], t["lines"][j] = t["lines"][j], t["lines"][i]


def number(t: Trace, rng: random.Random) -> None:
    node = rng.choice(nodes(t, "num"))
    node[1] = rng.choice([x for x in ("0", "1", "-1", "2", "1/2", "-2", "3") if x != node[1]])


def operation(t: Trace, rng: random.Random) -> None:
    """A formula or a term of another kind: weaker, stronger, or nonsense."""
    pairs = [("add", "mul"), ("and", "or"), ("all", "ex"), ("imp", "iff"), ("exp", "log"), ("T", "minv"), ("eq", "le")]
    other = dict(pairs) | {b: a for a, b in pairs} | {"inv": "exp", "sum": "lam"}
    node = rng.choice(nodes(t, *other))
    node[0] = other[node[0]]


def swap_arguments(t: Trace, rng: random.Random) -> None:
    node = rng.choice([n for n in t["nodes"] if len(n) > 3])
    i, j = rng.sample(range(2, len(node)), 2)
    node[i], node[j] = node[j], node[i]


def negate(t: Trace, rng: random.Random) -> None:
    """Leave a negation out: a < b becomes b ≤ a."""
    at = rng.choice([i for i, n in enumerate(t["nodes"]) if n[0] == "not"])
    shift = sum(n == ["define"] for n in t["nodes"][:at])
    inside = t["nodes"][at][2]
    old = at - shift

    def moved(i: int) -> int:
        return inside if i == old else i

    for n in t["nodes"]:
        n[2:] = [moved(i) for i in n[2:]]
    for line in t["lines"]:
        if line[0] != "definition":
            line[2] = [moved(i) for i in line[2]]
    for named in (*t["hypotheses"], *t["assumptions"]):
        named[1] = moved(named[1])
    t["conclusion"] = moved(t["conclusion"])


def merge_variables(t: Trace, rng: random.Random) -> None:
    pair = rng.sample(nodes(t, "var"), 2)
    pair[0][1] = pair[1][1]


def merge_all(t: Trace, rng: random.Random) -> None:
    """Two variables of one sort become one, everywhere."""
    first = rng.choice(nodes(t, "var"))
    second = rng.choice([n for n in nodes(t, "var") if n[2] == first[2] and n is not first] or [first])
    if first is second:
        raise IndexError
    first[1] = second[1]


def rename_variable(t: Trace, rng: random.Random) -> None:
    rng.choice(nodes(t, "var"))[1] = "fresh"


def change_sort(t: Trace, rng: random.Random) -> None:
    node = rng.choice(nodes(t, "var", "bound"))
    node[2] = rng.choice([n for n in nodes(t, "var", "bound") if n[2] != node[2]])[2]


def change_index(t: Trace, rng: random.Random) -> None:
    node = rng.choice(nodes(t, "bound"))
    node[1] += rng.choice([-1, 1])


def swap_terms(t: Trace, rng: random.Random) -> None:
    line = rng.choice([x for x in t["lines"] if len(x[2]) > 1])
    i, j = rng.sample(range(len(line[2])), 2)
    line[2][i], line[2][j] = line[2][j], line[2][i]


def other_term(t: Trace, rng: random.Random) -> None:
    line = rng.choice([x for x in t["lines"] if x[2] and x[0] != "definition"])
    line[2][rng.randrange(len(line[2]))] = rng.randrange(len(t["nodes"]) - len(t["definitions"]))


def rule(t: Trace, rng: random.Random) -> None:
    names = sorted({x[0] for x in t["lines"]} | {"units", "inverse", "sizes", "choice", "product"})
    rng.choice(t["lines"])[0] = rng.choice(names)


def change_body(t: Trace, rng: random.Random) -> None:
    rng.choice(t["definitions"])[2] = rng.randrange(len(t["nodes"]) - len(t["definitions"]))


def merge_definitions(t: Trace, rng: random.Random) -> None:
    names = [x[0] for x in t["definitions"]]
    node = rng.choice(nodes(t, "c"))
    node[1] = rng.choice([n for n in names if n != node[1]])


def define_twice(t: Trace, rng: random.Random) -> None:
    first, second = rng.sample(t["definitions"], 2)
    first[0] = second[0]


def change_parameters(t: Trace, rng: random.Random) -> None:
    parameters = rng.choice(t["definitions"])[1]
    i, j = rng.sample(range(len(parameters)), 2)
    parameters[i], parameters[j] = parameters[j], parameters[i]


def drop_hypothesis(t: Trace, rng: random.Random) -> None:
    del t["hypotheses"][rng.randrange(len(t["hypotheses"]))]


def other_hypothesis(t: Trace, rng: random.Random) -> None:
    formulas = [x[2][0] for x in t["lines"] if x[0] in ("assume", "tautology", "arithmetic")]
    rng.choice(t["hypotheses"])[1] = rng.choice(formulas)


def other_conclusion(t: Trace, rng: random.Random) -> None:
    t["conclusion"] = rng.choice([x[2][0] for x in t["lines"] if x[0] in ("assume", "tautology", "arithmetic")])


def cut_short(t: Trace, rng: random.Random) -> None:
    """End at an earlier line, and claim what it says."""
    candidates = [i for i, x in enumerate(t["lines"]) if x[0] in ("assume", "tautology", "arithmetic")]
    last = rng.choice(candidates)
    t["lines"] = t["lines"][: last + 1]
    t["conclusion"] = t["lines"][last][2][0]


CHANGES: tuple[Callable[[Trace, random.Random], None], ...] = (
    swap_premises, drop_premise, other_premise, own_premise, drop_line, swap_lines, swap_lines_badly, number, operation,
    swap_arguments, negate, merge_variables, merge_all, rename_variable, change_sort, change_index, swap_terms,
    other_term, rule, change_body, merge_definitions, define_twice, change_parameters, drop_hypothesis,
    other_hypothesis, other_conclusion, cut_short,
)  # fmt: skip


def mutants(name: str, count: int, seed: int, changes: Sequence[Callable[[Trace, random.Random], None]] = CHANGES):
    """Yield the change and the mutant; the trace is rebuilt from a copy every time."""
    rng = random.Random(f"{name} {seed}")
    tried = 0
    while tried < count:
        change = changes[tried % len(changes)]
        tried += 1
        trace = copied(published(name))
        try:
            change(trace, rng)
        except (IndexError, ValueError):  # there is nothing of the kind to change
            continue
        trace = rehashed(trace)
        if trace != published(name):
            yield change.__name__, trace


def theorem(proved: Proved) -> tuple[Any, ...]:
    """What is claimed: hypotheses that are used, conclusion, and what every name in them means."""
    return frozenset(f for _, f, used in proved.hypotheses if used), proved.conclusion, proved.definitions


def new_lines(name: str, lines: list[Entry], definitions: dict[str, rules.Definition]) -> list[int]:
    """The numbers of a mutant's lines that the published proof does not have, or has of other definitions."""
    before, known = lines_of(name)
    old = {(t.hypotheses, t.conclusion, t.indices) for *_, t in before} if definitions == known else set()
    return [i for i, (*_, t) in enumerate(lines) if (t.hypotheses, t.conclusion, t.indices) not in old]


@pytest.mark.parametrize("name", PROOFS)
def test_mutants_are_refused_or_true(name, capsys):
    original = theorem(replay(published(name)))
    counts: Counter[str] = Counter()
    survivors: Counter[str] = Counter()
    for seed, (change, mutant) in enumerate(mutants(name, COUNT, 0)):
        counts["tried"] += 1
        try:
            proved = replay(mutant)
        except Rejected:
            counts["refused"] += 1
            continue
        counts["accepted"] += 1
        survivors[change] += 1
        counts["of them another theorem"] += theorem(proved) != original
        lines, definitions = replayed(mutant)
        fresh = new_lines(name, lines, definitions)
        if not fresh:
            continue
        only = {*fresh[-6:], *fresh[:: max(1, len(fresh) // 6)]}  # the theorem, and lines on the way
        found = evaluate_lines(name, lines, definitions, 12, seed, only)
        assert found.counterexample is None, f"{change}: {found}"
        counts["evaluated lines"] += found.count("true")
    with capsys.disabled():
        print(f"\n{name}: " + ", ".join(f"{n} {what}" for what, n in counts.items()) + f"; accepted {dict(survivors)}")
    assert counts["refused"] > counts["tried"] / 2


@pytest.mark.parametrize("broken", ["arithmetic", "tautology"])
def test_mutants_of_a_broken_kernel_are_caught(broken, monkeypatch):
    """Were a rule to conclude whatever it is told, evaluation would find what is false among the accepted mutants."""
    name, caught = "fisher-optimality", 0
    lines_of(name)
    monkeypatch.setitem(rules.RULES, broken, lambda groups, terms: rules._conclude(rules._all(groups), terms[0]))
    changes = (number, operation, swap_arguments, negate)
    for seed, (_, mutant) in enumerate(mutants(name, 60, 1, changes)):
        try:
            replay(mutant)
        except Rejected:
            continue
        lines, definitions = replayed(mutant)
        wrong = [i for i in new_lines(name, lines, definitions) if lines[i][0] == broken]
        caught += evaluate_lines(name, lines, definitions, 12, seed, set(wrong[:6])).counterexample is not None
        if caught == 3:
            return
    pytest.fail(f"only {caught} are caught")


def test_a_generalisation_over_what_a_hypothesis_speaks_of_is_caught(monkeypatch):
    def generalise(groups, terms):
        return rules._conclude(rules._all(groups), rules.bind("all", terms[0], groups[0][0].conclusion))

    monkeypatch.setitem(rules.RULES, "generalise", generalise)
    s, x = Script("broken"), var("x", Real)
    found = evaluate(s.qed(s.gen(s.assume(num(0) < x), x), {"positive": num(0) < x}).trace, 16)
    assert found.counterexample is not None
    assert found.counterexample.rule == "generalise"


def test_a_hypothesis_that_is_forgotten_is_caught(monkeypatch):
    def discharge(groups, terms):
        found = rules._conclude(rules._all(groups), groups[0][0].conclusion)
        return found._replace(hypotheses=found.hypotheses - {terms[0]})

    monkeypatch.setitem(rules.RULES, "discharge", discharge)
    s, x = Script("broken"), var("x", Real)
    found = evaluate(s.qed(s.discharge(s.assume(num(0) < x), num(0) < x), {}).trace, 16)
    assert found.counterexample is not None
    assert found.counterexample.rule == "discharge"


@pytest.mark.parametrize("name", PROOFS)
def test_a_line_that_rests_on_itself_or_on_a_later_one_is_refused(name):
    rng = random.Random(name)
    for _ in range(10):
        trace = copied(published(name))
        own_premise(trace, rng)
        with pytest.raises(Rejected):
            replay(rehashed(trace))


def test_definitions_that_speak_of_themselves_are_refused():
    trace = copied(published("fisher-optimality"))
    at = next(i for i, n in enumerate(trace["nodes"]) if n == ["define"])
    name, parameters, _ = trace["definitions"][0]
    trace["nodes"].insert(at, ["c", name, *parameters])
    with pytest.raises(Rejected):
        replay(rehashed(trace))


def test_nodes_that_hold_themselves_are_refused():
    trace = copied(published("fisher-optimality"))
    for at in (0, 5, len(trace["nodes"]) - 1):
        changed = copied(trace)
        shift = sum(n == ["define"] for n in changed["nodes"][:at])
        changed["nodes"][at] = ["not", None, at - shift]
        with pytest.raises(Rejected):
            replay(rehashed(changed))


def test_scripts_without_end_are_refused():
    """A formula that doubles with every node, a proof without lines, a rule that would search for ever."""
    trace = copied(published("temperature"))
    with pytest.raises(Rejected):
        replay(rehashed({**trace, "lines": []}))
    atoms: list[list[Any]] = [["num", "1"], ["Real", None]] + [["var", f"x{i}", 1] for i in range(40)]
    some = [["le", None, 0, 2 + i] for i in range(40)]
    pairs = [["iff", None, 42 + i, 42 + (7 * i + 3) % 40] for i in range(40)]
    whole = [["and", None, *range(82, 122)], ["iff", None, 42, 61]]
    body = {
        "format": trace["format"], "theorem": "endless", "nodes": [*atoms, *some, *pairs, *whole],
        "definitions": [],
        "hypotheses": [["all", 122]], "assumptions": [],
        "lines": [["assume", [], [122]], ["tautology", [[0]], [123]]], "conclusion": 123,
    }  # fmt: skip
    with pytest.raises(Rejected):
        replay(rehashed({**body, "content": ""}))


def test_a_trace_whose_hash_is_old_is_refused():
    trace = copied(published("temperature"))
    trace["theorem"] = "another"
    with pytest.raises(Rejected, match="hash"):
        replay(trace)
