"""A trace, replayed: rules applied to earlier lines, as data, until the last line is the theorem that the file claims.

FORMAT.md has the format. Nothing here looks at how the trace was made.
"""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from typing import Any, NamedTuple

from thmverify.kernel.proofs.ring import remembered
from thmverify.kernel.proofs.rules import Definition, Theorem, bind, equal, infer, inferred
from thmverify.kernel.proofs.terms import PROP, Term, make, replace
from thmverify.kernel.strict import Rejected, array, digest, exactly, sealed

FORMAT = "thmverify-proof-1"
FIELDS = ("format", "theorem", "nodes", "definitions", "hypotheses", "assumptions", "lines", "conclusion", "content")
_LETTERS = "A-Za-zΓΔΘΛΞΠΣΦΨΩαβγδεζηθκλμξπρστφχψω"
_NAME = re.compile(rf"(?!(e|Σ|softmax)_)[{_LETTERS}][0-9_{_LETTERS}]*[⁺']*")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_RESERVED = {"exp", "log", "tr", "I", "true", "false", "formula", "HasDerivative", "Moderate", "softmax"}
_RATIONAL = re.compile(r"(0|-?[1-9][0-9]*)(?:/([1-9][0-9]*))?")
MAX_NODES, MAX_LINES = 10**6, 10**5


class Proved(NamedTuple):
    """What a trace proves: a formula, for all values of its free variables that satisfy the hypotheses it used."""

    theorem: str
    hypotheses: tuple[tuple[str, Term, bool], ...]  # name, formula, whether the proof uses it
    assumptions: tuple[tuple[str, Term], ...]  # formulas that were to be proved and are supposed instead
    definitions: tuple[Definition, ...]
    conclusion: Term
    classical: tuple[str, ...]
    lines: int
    rules: dict[str, int]
    theorems: tuple[Theorem, ...]  # line by line

    @property
    def digest(self) -> str:
        """A hash of what is proved: the conclusion, the hypotheses and assumptions by name, the definitions."""
        return digest(
            [
                self.conclusion.key.hex(),
                [[n, t.key.hex()] for n, t, _ in self.hypotheses],
                [[n, t.key.hex()] for n, t in self.assumptions],
                [[d.name, [p.key.hex() for p in d.parameters], d.body.key.hex()] for d in self.definitions],
            ]
        )

    @property
    def letters(self) -> list[tuple[str, Term]]:
        """The free variables that the theorem is about, with their sorts, sizes first."""
        stated = [self.conclusion, *(t for _, t, _ in self.hypotheses), *(t for _, t in self.assumptions)]
        free = frozenset().union(*(t.free for t in stated))
        return sorted(((str(v.val), v.args[0]) for v in free), key=lambda x: (x[1].op != "Size", x[0]))

    def lines_of_text(self) -> list[str]:
        """Return what is proved, from what, line by line; the last is the answer, which says more than the name."""
        found = [f"for every {name}: {sort!r}" for name, sort in self.letters]
        for d in self.definitions:
            parameters = ", ".join(f"{p.val}: {p.args[0]!r}" for p in d.parameters)
            found.append(f"{d.name}({parameters}) means {d.body!r}")
        found += [f"{'supposes' if used else 'does not use'} {name}: {t!r}" for name, t, used in self.hypotheses]
        found += [f"ASSUMES {name}: {t!r}" for name, t in self.assumptions]
        found += [f"takes by name: {name}" for name in self.classical]
        condition = f", conditional on {', '.join(name for name, _ in self.assumptions)}" if self.assumptions else ""
        return [*found, f"VERIFIED {self.theorem}, for every instance{condition}: {self.conclusion!r}"]


class Theory:
    """Definitions: each a new name, once, for a term over parameters and earlier names."""

    def __init__(self) -> None:
        self.definitions: dict[str, Definition] = {}

    def define(self, name: str, parameters: tuple[Term, ...], body: Term) -> None:
        """Add a definition. Raises Rejected when the name is not new or the term speaks of something else."""
        if name in self.definitions:
            raise Rejected(f"{name!r} is defined already, or is no name")
        if len(set(parameters)) != len(parameters) or any(p.op != "var" for p in parameters):
            raise Rejected(f"the parameters of {name} are not different variables")
        for i, p in enumerate(parameters):
            if not p.args[0].free <= set(parameters[:i]):
                raise Rejected(f"the sort of a parameter of {name} speaks of what is not before it")
        if body.sort is None or body.loose or not body.free <= set(parameters):
            raise Rejected(f"the definition of {name} speaks of more than its parameters")
        self.definitions[name] = Definition(name, parameters, body)

    def constant(self, name: object, arguments: tuple[Term, ...]) -> Term:
        """Return a defined name applied to arguments, with the sort that its definition gives it."""
        known = self.definitions.get(name) if isinstance(name, str) else None
        if known is None or len(arguments) != len(known.parameters):
            raise Rejected(f"{name!r} is not defined, or has another number of arguments")
        sort = replace(known.body.sort, dict(zip(known.parameters, arguments, strict=True)))  # type: ignore[arg-type]
        return make("c", known.name, sort, *arguments)

    def unfolded(self, name: str) -> Theorem:
        """Return ∀x̄. c(x̄) = t, or ⟺, for the definition of c."""
        known = self.definitions[name]
        whole = self.constant(name, known.parameters)
        formula = make("iff", None, whole, known.body) if known.body.sort is PROP else equal(whole, known.body)
        for p in reversed(known.parameters):
            formula = bind("all", p, formula)
        return Theorem(frozenset(), formula, frozenset(), frozenset())


def _pick(items: list[Any], i: object, what: str) -> Any:
    if type(i) is not int or not 0 <= i < len(items):
        raise Rejected(f"{what} {i!r} is not there yet")
    return items[i]


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 200 or not value.isprintable():
        raise Rejected(f"{what} is not a short text")
    return value


def _name(value: object) -> str:
    """Return a name that can be read as nothing else."""
    if not isinstance(value, str) or not _NAME.fullmatch(value) or len(value) > 60 or value in _RESERVED:
        raise Rejected(f"{str(value)[:80]!r} is not a name: letters, digits and _, and no word of formulas")
    return value


def _label(value: object, what: str) -> str:
    """Return the name of a theorem or a hypothesis."""
    if not _LABEL.fullmatch(_text(value, what)):
        raise Rejected(f"{what}: {value!r} is not a name of letters, digits, points and hyphens")
    return str(value)


def _readable(found: Proved) -> None:
    """Reject a theorem in which one name means two things, or a name is one that scripts make up."""
    sorts: dict[object, Term] = {}
    stated = [found.conclusion, *(t for _, t, _ in found.hypotheses), *(t for _, t in found.assumptions)]
    names = {d.name for d in found.definitions}
    for group in (stated, *([d.body, *d.parameters] for d in found.definitions)):
        sorts.clear()
        for v in frozenset().union(*(t.free for t in group)):
            if _name(v.val) in names or sorts.setdefault(v.val, v.args[0]) is not v.args[0]:
                raise Rejected(f"the name {v.val} stands for two things")


def _value(op: str, value: object) -> object:
    """Return the value of a node: a fraction for a number, a natural number or a name otherwise."""
    if op == "num":
        match = _RATIONAL.fullmatch(_text(value, "a number"))
        if match is None or str(number := Fraction(int(match[1]), int(match[2] or "1"))) != value:
            raise Rejected("a number is not a fraction in lowest terms")
        return number
    if op == "var":
        return _text(value, "a name")
    if value is not None and type(value) is not int:
        raise Rejected("the value of a node is a name or a number")
    return value


def node(theory: Theory, terms: list[Term], entry: object) -> Term:
    """Return the term of a node, whose arguments are among these terms. Raises Rejected when it is none."""
    parts = array(entry, "a node")
    if len(parts) < 2:
        raise Rejected("a node is an operation, a value and arguments")
    op, value, *arguments = parts
    args = tuple(_pick(terms, i, "term") for i in arguments)
    if op == "c":
        return theory.constant(value, args)
    if not isinstance(op, str) or op == "slot":
        raise Rejected(f"there is no operation {op!r}")
    return make(op, _value(op, value), *args)


def _named(value: object, terms: list[Term], what: str) -> list[tuple[str, Term]]:
    found = []
    for entry in array(value, what):
        name, i = exactly(2, entry, what)
        formula = _pick(terms, i, "term")
        if formula.sort is not PROP or formula.loose:
            raise Rejected(f"{what} is not a list of formulas with names")
        found.append((_label(name, what), formula))
    if len({n for n, _ in found}) != len(found):
        raise Rejected(f"a name occurs twice among the {what}")
    return found


def line(theory: Theory, theorems: list[Theorem], terms: list[Term], entry: object) -> tuple[str, Theorem]:
    """Return the rule of a line and the theorem that it derives from earlier ones. Raises Rejected when it fails."""
    rule, premises, arguments = exactly(3, entry, "a line")
    if rule == "definition":
        name = _text(exactly(1, arguments, "a definition")[0], "a name")
        if premises != [] or name not in theory.definitions:
            raise Rejected(f"{name!r} is not defined")
        return rule, theory.unfolded(name)
    if not isinstance(rule, str):
        raise Rejected("a rule is named by a text")
    groups = [
        [_pick(theorems, i, "line") for i in array(g, "a group of premises")] for g in array(premises, "premises", 8)
    ]
    given = [_pick(terms, i, "term") for i in array(arguments, "terms")]
    return rule, infer(rule, groups, given)


def forget() -> None:
    """Forget the normal forms and conclusions that earlier proofs left behind."""
    remembered.cache_clear()
    inferred.cache_clear()


def replay(whole: object) -> Proved:
    """Return what a trace proves. Raises Rejected, with the line and the reason, when it proves nothing."""
    try:
        theorem, nodes, definitions, *rest = sealed(whole, "the proof", FORMAT, FIELDS)
        return concluded(*read(nodes, definitions), [theorem, *rest])
    except RecursionError:
        raise Rejected("the proof is nested too deeply") from None


def concluded(theory: Theory, terms: list[Term], rest: list[object]) -> Proved:
    """Return what the rest of a trace proves, whose definitions and terms have been read. Raises as `replay` does."""
    theorem, hypotheses, assumptions, lines, conclusion = rest
    return stated(theory, terms, [theorem, hypotheses, assumptions, conclusion], *derive(theory, terms, lines))


def stated(theory: Theory, terms: list[Term], rest: list[object], rules: list[str], theorems: list[Theorem]) -> Proved:
    """Return what the lines of a trace prove, whose theorems have been derived. Raises as `replay` does."""
    theorem, hypotheses, assumptions, conclusion = rest
    given, supposed = _named(hypotheses, terms, "hypotheses"), _named(assumptions, terms, "assumptions")
    if not theorems:
        raise Rejected("there is no line")
    last = theorems[-1]
    if last.conclusion is not _pick(terms, conclusion, "term"):
        raise Rejected(f"the last line concludes {last.conclusion!r}, not what the file claims")
    if not last.hypotheses <= {f for _, f in given} | {f for _, f in supposed}:
        raise Rejected("the last line rests on what is neither a hypothesis nor an assumption that is named")
    if not last.indices <= last.conclusion.free.union(*(h.free for h in last.hypotheses)):
        raise Rejected(f"the last line supposes that {', '.join(str(i.val) for i in last.indices)} exist")
    found = Proved(
        _label(theorem, "the name of the theorem"),
        tuple((n, f, f in last.hypotheses) for n, f in given),
        tuple((n, f) for n, f in supposed if f in last.hypotheses),
        tuple(theory.definitions.values()),
        last.conclusion,
        tuple(sorted(last.classical)),
        len(theorems),
        dict(Counter(rules)),
        tuple(theorems),
    )
    _readable(found)
    return found


def read(nodes: object, definitions: object) -> tuple[Theory, list[Term]]:
    """Return the definitions and the terms of a trace. Raises Rejected when an entry is none."""
    theory, terms = Theory(), list[Term]()
    pending = list(array(definitions, "definitions", 1000))
    for entry in array(nodes, "nodes", MAX_NODES):
        if entry != ["define"]:
            terms.append(node(theory, terms, entry))
        elif pending:
            define(theory, terms, pending.pop(0))
        else:
            raise Rejected("there is no definition left")
    if pending:
        raise Rejected("a definition is left over")
    return theory, terms


def derive(theory: Theory, terms: list[Term], lines: object) -> tuple[list[str], list[Theorem]]:
    """Return the rules and the theorems of the lines of a trace. Raises Rejected, with the line, where a rule fails."""
    rules, theorems = list[str](), list[Theorem]()
    for number, entry in enumerate(array(lines, "lines", MAX_LINES)):
        try:
            rule, found = line(theory, theorems, terms, entry)
        except Rejected as error:
            raise Rejected(f"line {number}: {error}") from error
        rules.append(rule)
        theorems.append(found)
    return rules, theorems


def define(theory: Theory, terms: list[Term], entry: object) -> None:
    """Add a definition of a trace, of and over these terms. Raises Rejected when it is none."""
    name, parameters, body = exactly(3, entry, "a definition")
    given = tuple(_pick(terms, i, "term") for i in array(parameters, "parameters"))
    theory.define(_name(name), given, _pick(terms, body, "term"))
