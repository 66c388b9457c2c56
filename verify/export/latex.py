"""A statement for an article: a theorem, its verdict, a row of a table, and the instances, as LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sympy import Symbol, true
from sympy import latex as sympy_latex

from thmverify.export.subjects import File, Subject
from thmverify.export.tex import matrix, number, text
from thmverify.relations import Relation
from thmverify.statement import Statement
from thmverify.verdicts import Standing

_SHOWN = 12  # characters of a hash in a table
_WORDS = {
    Standing.PROVED: "Proved",
    Standing.CONDITIONAL: "Proved, on what is assumed",
    Standing.REFUTED: "Refuted",
    Standing.OPEN: "Open",
    Standing.FAILED: "Not established",
}
_HEAD = r"""% {name}: written by `thmverify export {name} --format latex`.
% In the preamble:
%   \usepackage[T1]{{fontenc}} \usepackage{{amsmath, amssymb, amsthm}}
%   \newtheorem{{claim}}{{Claim}} \theoremstyle{{remark}} \newtheorem*{{verdict}}{{Verdict}}
"""


def latex(subject: Subject) -> str:
    """Return the fragments of a subject, each under a comment that says what it is."""
    parts = [_HEAD.format(name=subject.name).rstrip()]
    if subject.statement is not None:
        standing = subject.standing or Standing.OPEN
        parts += ["% the statement", *_claim(subject.statement), *_verdict(subject, subject.statement, standing)]
        parts += ["", "% a row of a table with the columns: statement, verdict, evidence", _row(subject, standing)]
    else:
        parts += ["% what the kernel answers", *(line for file in subject.files for line in _answer(file))]
    for count, fields in enumerate(subject.instances, 1):
        parts += ["", f"% the instance, {count} of {len(subject.instances)}", *_instance(fields)]
    return "\n".join(parts) + "\n"


def _claim(statement: Statement) -> Iterator[str]:
    yield rf"\begin{{claim}}[{text(statement.title)}]\label{{claim:{statement.id}}}"
    if statement.quantity.latex:
        yield rf"Let \[ {statement.quantity.latex} \]"
    if statement.hypotheses:
        yield "Suppose the following."
        yield r"\begin{itemize}"
        for h in statement.hypotheses:  # no formula where the symbols say it already: r is positive
            yield rf"\item {text(h.meaning)}" + ("" if h.formula is true else rf" $\displaystyle {h.latex}$")
        yield r"\end{itemize}"
    if not (isinstance(statement.examine, Relation) and statement.conclusion.sentence == statement.examine.sentence):
        yield text(statement.conclusion.sentence)  # not where it is the formula below in words
    yield rf"\[ {statement.conclusion.latex} \]"
    yield r"\end{claim}"


def _verdict(subject: Subject, statement: Statement, standing: Standing) -> Iterator[str]:
    yield r"\begin{verdict}"
    yield f"{_WORDS[standing]} ({text(str(statement.source))})."
    for found in statement.counterexamples:
        yield f"{_sentence(found.catch)}"
    report = statement.checked
    if report is not None and report.assumed:
        yield f"Assumed: {text(', '.join(a.name for a in report.assumed))}."
    if subject.files:
        hashes = "; ".join(_hash(file, len(file.digest)) for file in subject.files)
        yield rf"Checked by the kernel of \texttt{{thmverify}}: {hashes}."
    yield r"\end{verdict}"


def _answer(file: File) -> Iterator[str]:
    yield r"\begin{verdict}"
    yield f"{_hash(file, len(file.digest))}:"
    yield r"\begin{itemize}"
    yield from (rf"\item {text(line)}" for line in file.lines)
    yield r"\end{itemize}"
    yield r"\end{verdict}"


def _sentence(words: str) -> str:
    return text(words[:1].upper() + words[1:].rstrip(".") + ".")


def _row(subject: Subject, standing: Standing) -> str:
    title = "" if subject.statement is None else text(subject.statement.title)
    evidence = "; ".join(_hash(file, _SHOWN) for file in subject.files) or "--"
    return rf"{title} & {_WORDS[standing].lower()} & {evidence} \\"


def _hash(file: File, length: int) -> str:
    """Return the name and the hash of a file, which may break over lines."""
    pieces = (file.digest[i : min(i + 8, length)] for i in range(0, length, 8))
    return rf"\texttt{{{text(file.name)}}}, SHA-256 \texttt{{" + r"\allowbreak ".join(pieces) + "}"


def _instance(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield the quantities of an instance, one a line of an aligned display."""
    lines = [*_quantities(fields)]
    yield r"\begin{align*}"
    yield " \\\\\n".join(lines)
    yield r"\end{align*}"


_NUMBERS = {"bias": r"\delta", "rank": "r", "weight_decay": r"\eta"}


def _quantities(fields: Mapping[str, Any]) -> Iterator[str]:
    values = fields.get("values")
    if isinstance(values, Mapping):
        yield from (rf"{_symbol(name)} &= {_value(value)}" for name, value in values.items())
        return
    weights = fields["weights"]
    if isinstance(weights[0], list):
        yield rf"w &= {matrix(weights)}"
    else:
        yield rf"w &= ({', '.join(map(number, weights))})"
    if "labels" in fields:
        yield rf"y &= ({', '.join(map(str, fields['labels']))})"
    for place, under in (("vision", "V,"), ("text", "T,"), ("", "")):
        part = fields.get(place) if place else fields
        if isinstance(part, Mapping) and "means" in part:
            yield from _mixture(part, under)
    yield from (rf"{symbol} &= {number(str(fields[name]))}" for name, symbol in _NUMBERS.items() if name in fields)


def _mixture(part: Mapping[str, Any], under: str) -> Iterator[str]:
    for k, mean in enumerate(part["means"], 1):
        yield rf"\mu_{{{under}{k}}} &= {_value(mean)}"
    if "covariance" in part:
        yield rf"\Sigma_{{{under.rstrip(',')}}} &= {_covariance(part['covariance'])}".replace("_{}", "")
    for k, covariance in enumerate(part.get("covariances", ()), 1):
        yield rf"\Sigma_{{{under}{k}}} &= {_covariance(covariance)}"


def _covariance(value: Any) -> str:
    """Return a covariance: a matrix, or the numbers of a diagonal one."""
    return matrix(value) if isinstance(value[0], list) else rf"\operatorname{{diag}}({', '.join(map(number, value))})"


def _value(value: Any) -> str:
    """Return a number, a column or a matrix."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return number(str(value))
    rows = value if isinstance(value[0], list) else [[x] for x in value]
    return matrix(rows)


def _symbol(name: str) -> str:
    """Return the name of a quantity as SymPy sets it: mu is a Greek letter, x_1 has an index."""
    return str(sympy_latex(Symbol(name)))
