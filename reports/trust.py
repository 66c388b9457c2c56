"""The evidence appendix: what a reader has to trust, and what happened when it was put to the test in this run."""

from __future__ import annotations

import io
import json
import math
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from flint import arb, fmpq, fmpq_mat

import verify.kernel
from reports.records import Comparison, Mutations, Rule, SourceFile, Trust
from verify import exact
from verify.decimals import outward
from verify.integrate.enclosure import enclose_moments
from verify.integrate.float64 import softmax_moments
from verify.integrate.problem import LogSumExp
from verify.kernel import Rejected, check
from verify.kernel.parse import canonical, digest
from verify.proofs import Assumed, Check, Definition
from verify.proofs import check as check_proof
from verify.proofs.algebra import TESTING
from verify.statements import Statement

NODES = 40
SEPARATIONS = (1, 2, 4, 6, 8, 12, 16, 20)
_DIGITS = 10


def trust(statements: Sequence[Statement], *, quick: bool) -> Trust:
    """Return the appendix for these statements; `quick` changes fewer places of each certificate."""
    certificates = _certificates(statements)
    return Trust(
        nodes=NODES,
        comparisons=tuple(comparison(separation) for separation in SEPARATIONS),
        kernel=kernel_files(),
        certificates=len(certificates),
        mutations=mutations(certificates, every=3 if quick else 1),
        rules=rules(statements),
        tested=tested(statements),
        base=base(),
    )


# --- floats against enclosures -------------------------------------------------------------------------------------


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
    folder = Path(verify.kernel.__file__).parent
    files = sorted(folder.rglob("*.py"))
    return tuple(_source(str(file.relative_to(folder)), file.read_text(encoding="utf-8")) for file in files)


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


def mutations(certificates: dict[str, bytes], every: int = 1) -> tuple[Mutations, ...]:
    """Change each certificate in many single places and return how many changes the kernel refuses.

    A changed byte, or a changed statement with a new content hash, must be refused. A changed hint with a new hash may
    still prove the same verdict of the same instance; then it is no forgery, and counts as not refused.
    """
    kinds = {
        "one byte changed": _changed_bytes,
        "what is stated changed, hash computed anew": _changed_statements,
        "a number of the hints changed, hash computed anew": _changed_hints,
    }
    counted = []
    for kind, change in kinds.items():
        tried = refused = 0
        for data in certificates.values():
            for number, mutant in enumerate(change(data)):
                if number % every == 0:
                    tried += 1
                    refused += not _accepted(mutant)
        counted.append(Mutations(kind=kind, tried=tried, refused=refused))
    return tuple(counted)


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
    for name in STATED:
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
    """Yield the tree with one rational changed: its sign, or its numerator by one."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from ({**value, key: other} for other in _changed_numbers(child))
    elif isinstance(value, list):
        for i, child in enumerate(value):
            yield from ([*value[:i], other, *value[i + 1 :]] for other in _changed_numbers(child))
    else:
        number = Fraction(value)
        yield str(number + Fraction(1, number.denominator))
        if number:
            yield str(-number)


def rehashed(tree: dict[str, Any]) -> bytes:
    """Return a certificate's bytes with the content hash that it should have."""
    body = {key: value for key, value in tree.items() if key != "content"}
    return canonical({**body, "content": digest(list(body.items()))})


# --- the proof checker ---------------------------------------------------------------------------------------------


def rules(statements: Iterable[Statement]) -> tuple[Rule, ...]:
    """Return the rules that the scripts use, with the number of steps that each decides."""
    steps = [step for s in statements if s.proof is not None for step in s.proof.steps]
    counts = Counter(type(step.check) for step in steps)
    ordered = sorted(counts, key=lambda rule: (rule.kind.value, rule.__name__))
    return tuple(
        Rule(name=rule.__name__, kind=rule.kind.value, meaning=_meaning(rule), steps=counts[rule]) for rule in ordered
    )


def tested(statements: Iterable[Statement]) -> tuple[str, ...]:
    """Return the steps that normal forms do not settle, with what their checks say of their failure probability."""
    reports = ((s.id, check_proof(s.proof)) for s in statements if s.proof is not None)
    return tuple(
        f"{name}, step {step.name}: {step.how}"
        for name, report in reports
        for step in report.steps
        if TESTING in step.how
    )


def _meaning(rule: type[Check]) -> str:
    """Return the first sentence of the rule's description."""
    return " ".join((rule.__doc__ or "").split("\n\n")[0].split())


def base() -> tuple[str, ...]:
    """Return what a verdict rests on besides the sources shown here."""
    return (
        f"A certificate’s verdict: CPython, python-flint {version('python-flint')} (exact rationals and Arb balls), "
        "the kernel’s files listed here, the sentences in kernel/claims.py that say what each claim means, and the "
        "proofs in kernel/PROOFS.md that its rules are right.",
        f"A proof’s verdict: SymPy {version('sympy')} (arithmetic, differentiation, satisfiability), the rules listed "
        f"here, and the steps of kind {Definition.kind}, which say what symbols mean and cannot be checked.",
        "An exact evaluation of a hypothesis on an instance: the vocabulary in verify/vocabulary.py.",
        "That a statement here is the one its source makes: a reader’s judgement. Where wording is ours, it says so.",
        f"Nothing is assumed silently: a step without a check has the kind {Assumed.kind} and shows as such.",
    )
