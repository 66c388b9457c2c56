"""The evidence appendix: what a reader has to trust, and what happened when it was put to the test in this run."""

from __future__ import annotations

import ast
import inspect
import io
import json
import math
import random
import tokenize
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from flint import arb, fmpq, fmpq_mat

import thmverify.kernel
from thmverify import exact
from thmverify.decimals import outward
from thmverify.integrate.float64 import softmax_moments
from thmverify.integrate.moments import enclose_moments
from thmverify.integrate.problem import LogSumExp
from thmverify.kernel import Rejected, check
from thmverify.kernel.proofs.rules import RULES
from thmverify.kernel.strict import canonical, digest
from thmverify.processes import each
from thmverify.proofs.checking import ProofReport
from thmverify.reports.changed import Original
from thmverify.reports.effort import Size
from thmverify.reports.records import Comparison, Mutations, ProofMutations, Rule, SourceFile, Trust
from thmverify.statement import Statement

NODES = 40
SEPARATIONS = (1, 2, 4, 6, 8, 12, 16, 20)
_DIGITS = 10
_MOST = 20  # changes of one kind of one trace


def trust(statements: Sequence[Statement], size: Size, jobs: int = 1) -> Trust:
    """Return the appendix for these statements; `size` says in how many places certificates and traces are changed.

    That is done in so many processes.
    """
    certificates = _certificates(statements)
    traces = proof_traces(statements)
    return Trust(
        nodes=NODES,
        comparisons=tuple(comparison(separation) for separation in SEPARATIONS),
        kernel=kernel_files(),
        certificates=len(certificates),
        mutations=mutations(certificates, size.every, jobs),
        traces=sum(size.replayed >= len(trace["lines"]) for trace in traces.values()),
        proof_mutations=proof_mutations(traces, size.replayed, jobs),
        rules=rules(statements),
        base=base(),
    )


# --- floats against enclosures -------------------------------------------------------------------------------------


@lru_cache(len(SEPARATIONS))  # the same in every report
def comparison(separation: int) -> Comparison:
    """Return E p_2 under component 1, for two unit components whose means are this many standard deviations apart.

    p_2 is the weight that the softmax gives the other component: σ(−b q), b the separation, q ~ N(b/2, 1).
    """
    half = fmpq(separation, 2)
    problem = LogSumExp(
        (fmpq(1, 2), fmpq(1, 2)),
        fmpq_mat(1, 2, [half, -half]),
        (fmpq_mat(1, 1, [1]),),
        fmpq_mat(1, 2, [0, -separation]),
    )
    small = math.ceil(separation**2 / (8 * math.log(10)))  # leading zeros: the mean is about e^{−b²/8}
    ball: arb = enclose_moments(problem, _DIGITS + small + 4).p[0][1]
    ends = exact.to_fraction(exact.from_ball(ball.lower())), exact.to_fraction(exact.from_ball(ball.upper()))
    truth = (ends[0] + ends[1]) / 2
    floating, hermite = float(softmax_moments(problem).p[0, 1]), _hermite(separation)
    bounds = outward(*ends, _DIGITS)
    return Comparison(
        separation=str(separation),
        hermite=f"{hermite:.9e}",
        hermite_error=f"{_relative(hermite, truth):.1e}",
        float64=f"{floating:.9e}",
        float64_error=f"{_relative(floating, truth):.1e}",
        lower=bounds.lower,
        upper=bounds.upper,
    )


def _hermite(separation: int) -> float:
    """Return the same mean by Gauss–Hermite quadrature, which assumes that σ is nearly a polynomial."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    logits = np.clip(separation * (separation / 2 + nodes), -700, 700)
    return float(weights @ (1 / (1 + np.exp(logits))) / weights.sum())


def _relative(value: float, truth: Fraction) -> float:
    return float(abs(Fraction(value) - truth) / truth)


# --- the kernel ----------------------------------------------------------------------------------------------------


def kernel_files() -> tuple[SourceFile, ...]:
    """Return the kernel's source files with their lines, counted from the sources that run."""
    folder = Path(thmverify.kernel.__file__).parent
    files = sorted(folder.rglob("*.py"))
    return tuple(_source(str(file.relative_to(folder)), file.read_text(encoding="utf-8")) for file in files)


@lru_cache(256)  # a process that makes many reports reads the same files: their text is the key
def _source(name: str, text: str) -> SourceFile:
    return SourceFile(file=name, lines=len(text.splitlines()), code=len(code_lines(text)))


def code_lines(text: str) -> set[int]:
    """Return the numbers of the lines that hold code: no blank line, comment or docstring."""
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    lines: set[int] = set()
    begins = True  # a string where a statement begins is a docstring
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in skipped:
            begins = begins or token.type in (tokenize.NEWLINE, tokenize.INDENT)
            continue
        if not (begins and token.type == tokenize.STRING):
            lines |= set(range(token.start[0], token.end[0] + 1))
        begins = False
    return lines


def _certificates(statements: Iterable[Statement]) -> dict[str, bytes]:
    """Return the certificates on record, by file name; one that is missing is the statement's failure, not ours."""
    paths = (c.evidence for s in statements for c in s.counterexamples if isinstance(c.evidence, Path))
    return {path.name: path.read_bytes() for path in sorted(set(paths)) if path.is_file()}


STATED = ("format", "claim", "statement", "verdict", "rank", "dimension", "rule")


def mutations(certificates: dict[str, bytes], every: int = 1, jobs: int = 1) -> tuple[Mutations, ...]:
    """Change each certificate in many single places and return how many changes the kernel refuses.

    A changed byte, or a changed statement with a new content hash, must be refused. A changed hint with a new hash may
    still prove the same verdict of the same instance; then it is no forgery, and counts as not refused.
    """
    tasks = [(data, every) for data in sorted(certificates.values(), key=len, reverse=True)]
    tried, refused = Counter[str](), Counter[str]()
    for _, (changed, rejected) in each(_forged, tasks, jobs, __name__):
        tried.update(changed)
        refused.update(rejected)
    return tuple(Mutations(kind=kind, tried=tried[kind], refused=refused[kind]) for kind in _KINDS)


def _forged(data: bytes, every: int) -> tuple[Counter[str], Counter[str]]:
    """Return how many changes of a certificate were tried, of each kind, and how many the kernel refuses."""
    tried, refused = Counter[str](), Counter[str]()
    for kind, change in _KINDS.items():
        for number, mutant in enumerate(change(data)):
            if number % every == 0:
                tried[kind] += 1
                refused[kind] += not _accepted(mutant)
    return tried, refused


def _accepted(data: bytes) -> bool:
    try:
        check(data)
    except Rejected:
        return False
    return True


def _changed_bytes(data: bytes) -> Iterator[bytes]:
    for i, byte in enumerate(data):
        yield data[:i] + bytes([byte ^ 1]) + data[i + 1 :]


def _changed_statements(data: bytes) -> Iterator[bytes]:
    tree = json.loads(data)
    if "formula" in tree:  # a claim of one's own: its contrary, under the hash of that
        contrary = ["not", tree["formula"]]
        yield rehashed(
            {**tree, "formula": contrary, "statement": digest([tree["claim"], tree["definitions"], contrary])}
        )
    for name in (name for name in STATED if name in tree):
        for other in _others(tree[name]):
            yield rehashed({**tree, name: other})
        yield rehashed({key: value for key, value in tree.items() if key != name})


def _others(value: Any) -> Iterator[Any]:
    """Yield other values in the place of this one: a verdict reversed, a number off by one, a text changed."""
    if isinstance(value, list):
        for i, entry in enumerate(value):
            for step in (-1, 1):
                yield [*value[:i], str(int(entry) + step), *value[i + 1 :]]
    elif value in ("proved", "refuted"):
        yield "refuted" if value == "proved" else "proved"
    else:
        yield value[::-1]
        yield value[:-1] + ("0" if value[-1] != "0" else "1")


def _changed_hints(data: bytes) -> Iterator[bytes]:
    tree = json.loads(data)
    for hints in _changed_numbers(tree["hints"]):
        yield rehashed({**tree, "hints": hints})


def _changed_numbers(value: Any) -> Iterator[Any]:
    """Yield the tree with one rational changed: its sign, or its numerator by one; a word, such as a rule's, stays."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from ({**value, key: other} for other in _changed_numbers(child))
    elif isinstance(value, list):
        for i, child in enumerate(value):
            yield from ([*value[:i], other, *value[i + 1 :]] for other in _changed_numbers(child))
    elif (number := _rational(value)) is not None:
        yield str(number + Fraction(1, number.denominator))
        if number:
            yield str(-number)


def _rational(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except ValueError:
        return None


_KINDS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "one byte changed": _changed_bytes,
    "what is stated changed, hash computed anew": _changed_statements,
    "a number of the hints changed, hash computed anew": _changed_hints,
}


def rehashed(tree: dict[str, Any]) -> bytes:
    """Return a certificate's bytes with the content hash that it should have."""
    return canonical(rehash(tree))


def rehash(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a certificate or a trace with the content hash that it should have."""
    body = {key: value for key, value in tree.items() if key != "content"}
    return {**body, "content": digest(list(body.items()))}


# --- the proofs ----------------------------------------------------------------------------------------------------


def proof_traces(statements: Iterable[Statement]) -> dict[str, dict[str, Any]]:
    """Return the traces that replay, by statement, as data."""
    checked = {s.id: s.proof for s in statements if s.proof is not None and s.checked and s.checked.passed}
    return {name: proof.propose().trace for name, proof in checked.items()}


Change = Callable[[dict[str, Any], random.Random], dict[str, Any]]


def proof_mutations(traces: dict[str, dict[str, Any]], replayed: int, jobs: int = 1) -> tuple[ProofMutations, ...]:
    """Change each trace in single places, drawn at random and the same in every run, and replay it.

    The content hash is left out, so that it is the kernel's rules that refuse a change. A trace is changed the more
    often the shorter it is, and not at all when it has more lines than `replayed`.
    """
    chosen = [(name, trace, replayed) for name, trace in traces.items() if len(trace["lines"]) <= replayed]
    tasks = sorted(chosen, key=lambda task: len(task[1]["lines"]), reverse=True)
    counts: Counter[tuple[str, str]] = Counter()
    for _, found in each(_retraced, tasks, jobs, __name__):
        counts.update(found)
    return tuple(_counted(kind, {o: counts[kind, o] for o in ("refused", "another", "same")}) for kind in CHANGES)


def _retraced(name: str, trace: dict[str, Any], replayed: int) -> Counter[tuple[str, str]]:
    """Return what became of the changes of a trace, by kind and outcome."""
    original, counts = Original(trace), Counter[tuple[str, str]]()
    for kind, change in CHANGES.items():
        draws = random.Random(f"{kind}:{name}")
        for _ in range(min(_MOST, replayed // len(trace["lines"]))):
            counts[kind, original.outcome(change(trace, draws))] += 1
    return counts


def _counted(kind: str, outcomes: dict[str, int]) -> ProofMutations:
    return ProofMutations(kind=kind, tried=sum(outcomes.values()), **outcomes)


def _other(value: int, below: int, draws: random.Random) -> int:
    """Return another number below `below`."""
    return (value + draws.randrange(1, below)) % below if below > 1 else value + 1


def _changed_claim(trace: dict[str, Any], draws: random.Random) -> dict[str, Any]:
    """Change the conclusion, the body of a definition, or a hypothesis: into another term, or leave it out."""
    terms = len(trace["nodes"]) - len(trace["definitions"])
    part = draws.choice([p for p in ("conclusion", "definitions", "hypotheses") if trace[p] or p == "conclusion"])
    if part == "conclusion":
        return {**trace, part: _other(trace[part], terms, draws)}
    entries = list(trace[part])
    i = draws.randrange(len(entries))
    if part == "hypotheses" and draws.random() < 1 / 2:
        del entries[i]
    else:
        *rest, body = entries[i]
        entries[i] = [*rest, _other(body, terms, draws)]
    return {**trace, part: entries}


_SWAPPED = {
    "le": "eq", "eq": "le", "and": "or", "or": "and", "all": "ex", "ex": "all", "imp": "iff", "iff": "imp",
    "add": "mul", "mul": "add", "exp": "log", "log": "exp", "inv": "exp", "minv": "T", "zero": "id", "sum": "lse",
}  # fmt: skip


def _changed_node(trace: dict[str, Any], draws: random.Random) -> dict[str, Any]:
    """Change a node: a number, the operation, or one of the terms that it is made of."""
    nodes = list(trace["nodes"])
    i = draws.choice([i for i, node in enumerate(nodes) if node[0] == "num" or len(node) > 2])
    op, value, *arguments = nodes[i]
    if op == "num":
        nodes[i] = [op, str(Fraction(value) + draws.choice([-1, 1]))]
    elif op in _SWAPPED and draws.random() < 1 / 2:
        nodes[i] = [_SWAPPED[op], value, *arguments]
    else:
        place = draws.randrange(len(arguments))
        arguments[place] = _other(arguments[place], max(arguments[place] + 1, 2), draws)
        nodes[i] = [op, value, *arguments]
    return {**trace, "nodes": nodes}


def _changed_rule(trace: dict[str, Any], draws: random.Random) -> dict[str, Any]:
    lines = list(trace["lines"])
    i = draws.randrange(len(lines))
    rule, premises, terms = lines[i]
    lines[i] = [draws.choice([name for name in RULES if name != rule]), premises, terms]
    return {**trace, "lines": lines}


def _changed_premise(trace: dict[str, Any], draws: random.Random) -> dict[str, Any]:
    lines = list(trace["lines"])
    i = draws.choice([i for i, (_, groups, _terms) in enumerate(lines) if i and any(groups)] or [0])
    rule, groups, terms = lines[i]
    places = [(g, j) for g, group in enumerate(groups) for j in range(len(group))]
    if places:
        g, j = draws.choice(places)
        changed = list(groups[g])
        changed[j] = _other(changed[j], i, draws)
        groups = [*groups[:g], changed, *groups[g + 1 :]]
    lines[i] = [rule, groups, terms]
    return {**trace, "lines": lines}


def _changed_argument(trace: dict[str, Any], draws: random.Random) -> dict[str, Any]:
    lines = list(trace["lines"])
    i = draws.choice([i for i, (rule, _, terms) in enumerate(lines) if terms and rule != "definition"])
    rule, groups, terms = lines[i]
    j = draws.randrange(len(terms))
    other = _other(terms[j], len(trace["nodes"]) - len(trace["definitions"]), draws)
    lines[i] = [rule, groups, [*terms[:j], other, *terms[j + 1 :]]]
    return {**trace, "lines": lines}


CHANGES: dict[str, Change] = {
    "what is stated": _changed_claim,
    "a formula": _changed_node,
    "a rule": _changed_rule,
    "a premise": _changed_premise,
    "a term that a rule is given": _changed_argument,
}


def rules(statements: Iterable[Statement]) -> tuple[Rule, ...]:
    """Return the primitive rules, in the kernel's order, with how often the proofs use them; then definitions."""
    reports = [report for s in statements if (report := s.checked) is not None and report.passed]
    unfolding = "c(x̄) = t, or ⟺, for a definition of c: a name stands for a term over its parameters."
    described = {name: (_meaning(rule), _classical(rule)) for name, rule in RULES.items()}
    return tuple(
        _rule(name, meaning, classical, reports)
        for name, (meaning, classical) in {**described, "definition": (unfolding, "")}.items()
    )


def _rule(name: str, meaning: str, classical: str, reports: Sequence[ProofReport]) -> Rule:
    counts = [dict(report.rules).get(name, 0) for report in reports]
    used = sum(count > 0 for count in counts)
    return Rule(name=name, meaning=meaning, classical=classical, lines=sum(counts), proofs=used)


def _meaning(rule: Callable[..., object]) -> str:
    """Return the first sentence of the rule's description."""
    return " ".join((rule.__doc__ or "").split("\n\n")[0].split())


def _classical(rule: Callable[..., object]) -> str:
    """Return the classical theorem that a rule takes by name: the last argument of its conclusion in the source."""
    calls = (node for node in ast.walk(ast.parse(inspect.getsource(rule))) if isinstance(node, ast.Call))
    names = (c.args[2] for c in calls if isinstance(c.func, ast.Name) and c.func.id == "_conclude" and len(c.args) > 2)
    return next((str(name.value) for name in names if isinstance(name, ast.Constant)), "")


def base() -> tuple[str, ...]:
    """Return what a verdict rests on besides the sources shown here."""
    return (
        "That a theorem holds: CPython, the files of the kernel listed here that replay its proof, and the argument in "
        "kernel/proofs/PROOFS.md that each primitive rule is right. The scripts that make the proofs are not trusted, "
        "and no computer algebra system is: the kernel takes a proof as data, line by line.",
        "The theorems of mathematics that some rules take by name are taken on trust: each is listed with the rules, "
        "and each proof says which of them it uses.",
        "That a theorem says what its statement says: its formula and its definitions, shown with each proof and kept "
        "on record in theorems/formal.json, apart from the scripts. Nothing is assumed silently: a step that is "
        "supposed and not derived makes the theorem conditional, and shows as such.",
        f"A certificate’s verdict: CPython, python-flint {version('python-flint')} (exact rationals and Arb balls), "
        "the kernel’s files, the sentences in kernel/claims.py that say what each claim means, and kernel/PROOFS.md.",
        "An exact evaluation of a hypothesis on an instance: the vocabulary in verify/vocabulary.py. It decides which "
        "random instances count and what a counterexample satisfies, and no proof.",
        "That a statement here is the one its source makes: a reader’s judgement. Where wording is ours, it says so.",
        "The page is for reading. Its formulas are set from the terms that the kernel derived: the model’s own letters "
        "are left out of the arguments of defined names, an index V or T says which of two models is meant, 1 × 1 "
        "matrices are written as numbers, and indices run from 0. The kernel’s own text is under each theorem.",
    )
