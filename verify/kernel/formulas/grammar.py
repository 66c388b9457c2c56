"""The grammar of formulas (FORMAT.md): what is read once becomes a shape, a text, and a function that evaluates it.

All shapes are checked before anything is evaluated. A comparison whose terms have no certain value has no truth (None):
what it is part of is true only if it is true whatever the truth of that part is.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple, TypeAlias

from flint import fmpq, fmpq_mat

from thmverify.kernel.formulas import values as v
from thmverify.kernel.formulas.expectations import EXPECTATIONS, expectation
from thmverify.kernel.integrals import Grids
from thmverify.kernel.linear import diagonal
from thmverify.kernel.models import Mixture
from thmverify.kernel.parse import check_hint, matrix, rational
from thmverify.kernel.strict import MAX_SIZE, Rejected, array

MAX_NODES, MAX_DEPTH = 2000, 40
_STEP = 64  # the work of a step, in the units of MAX_WORK
Shape: TypeAlias = tuple[int, ...] | None  # () a number, (m, n) a matrix, (K, m, n) K of them, None a formula
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_OR, _AND, _COMPARED, _SUM, _PRODUCT, _POWER, _ATOM = range(7)
_INFIX = {"or": _OR, "and": _AND, "=": _COMPARED, "<": _COMPARED, "<=": _COMPARED, "+": _SUM, "-": _SUM}
_INFIX |= {"*": _PRODUCT, "/": _PRODUCT, "^": _POWER}
_MANY = ("+", "*", "and", "or")
_BINDERS = {"sum": ". . . | . mn mn", "all": ". ? ?", "any": ". ? ?"}
RESERVED = {*v.OPERATIONS, *_BINDERS, *EXPECTATIONS, "matrix", "identity"}


class State:
    """What the names stand for, and the grids of integrals; the work that is left, and what was not certain."""

    def __init__(self, names: Mapping[str, Any], grids: Sequence[Grids]) -> None:
        self.names, self.grids, self.left = dict(names), grids, v.MAX_WORK
        self.reasons: list[str] = []

    def pay(self, work: int) -> None:
        """Take work, and that of a step, from what is left of half a minute's. Raises Rejected when it is too much."""
        self.left -= work + _STEP
        if self.left < 0:
            raise Rejected("the formula asks for too much work, or its numbers are too long")

    def apply(self, op: str, texts: Sequence[str], values: Sequence[Any]) -> Any:
        """Return what an operation makes of values of the right shapes. Raises Undefined when that is not certain."""
        _, function, work = v.OPERATIONS[op]
        self.pay(work(*values))
        try:
            return function(*values)
        except v.Undefined as error:
            raise v.Undefined(str(error).format(*texts)) from None

    def get(self, name: str) -> Any:
        """Return what a name stands for. Raises Undefined when that has no certain value."""
        self.pay(0)
        if isinstance(self.names[name], v.Undefined):
            raise self.names[name]
        return self.names[name]


class Term(NamedTuple):
    """A term or a formula; `level` says how tightly the parts of its text hold together."""

    shape: Shape
    text: str
    level: int
    value: Callable[[State], Any]

    def inside(self, level: int) -> str:
        """Return the text as a part of a text of this level."""
        return self.text if self.level >= level else f"({self.text})"


class Reader:
    """Reads formulas over the names of an instance, of definitions, and of binders on the way."""

    def __init__(self, names: Mapping[str, Any], law: Mixture | None) -> None:
        self.names: dict[str, Term] = {}
        self.sizes = {name: value for name, value in names.items() if isinstance(value, fmpq)}
        self.law, self.nodes, self.expectations = law, 0, 0
        for name, value in names.items():
            self.define(name, v.shape(value))

    def define(self, name: object, shape: Shape) -> str:
        """Let a name that stands for nothing yet stand for a value of this shape, and return it."""
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in RESERVED:
            raise Rejected("a name is not a letter and at most 39 letters, digits or _, or is that of an operation")
        if name in self.names:
            raise Rejected(f"the name {name} stands for two things")
        self.names[name] = Term(shape, name, _ATOM, lambda s: s.get(name))
        return name

    def read(self, node: object, depth: int = 0) -> Term:
        """Return the term that a node stands for. Raises Rejected when the shapes do not fit, or it is too large."""
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise Rejected(f"the formula has more than {MAX_NODES} terms, or is nested more than {MAX_DEPTH} deep")
        if isinstance(node, str):
            return self.names[node] if node in self.names else _number(node)
        match array(node, "a term", MAX_SIZE):
            case ["sum" | "all" | "any" as op, name, count, body]:
                return self._binder(op, self.read(count, depth + 1), name, body, depth + 1)
            case ["matrix", rows]:
                return _constant(matrix(rows, "a matrix"), f"matrix({_rows(rows)})")
            case ["identity", str(n)]:
                size = v.integer(self.sizes[n] if n in self.sizes else rational(n, "a size"), "a size", 0, MAX_SIZE)
                return _constant(diagonal([1] * size), f"identity({n})")
            case [str(op), argument] if op in EXPECTATIONS:
                return self._expectation(op, self.read(argument, depth + 1))
            case [str(op), *args] if op in v.OPERATIONS:
                return _operation(op, [self.read(x, depth + 1) for x in args])
        raise Rejected(f"a term is no name, no number and no operation with its arguments: {ascii(node)[:60]}")

    def _binder(self, op: str, count: Term, name: object, body: object, depth: int) -> Term:
        bound = self.define(name, ())
        inner = self.read(body, depth)
        del self.names[bound]
        shape = _fit(op, _BINDERS[op], [count.shape, inner.shape])

        def each(s: State) -> Iterator[Any]:
            for i in range(v.integer(count.value(s), "a number of summands", 0, v.MAX_POWER)):
                s.pay(0)
                s.names[bound] = fmpq(i)
                yield inner.value(s)

        text = f"{op}({bound} < {count.text}: {inner.text})"
        if shape is not None:
            zero = fmpq_mat(*shape) if shape else fmpq(0)
            return Term(shape, text, _ATOM, lambda s: reduce(lambda x, y: s.apply("+", [], [x, y]), each(s), zero))
        decide = v.every if op == "all" else v.some
        return Term(None, text, _ATOM, lambda s: _truth(s, lambda: decide(*each(s))))

    def _expectation(self, op: str, logits: Term) -> Term:
        if self.law is None or logits.shape != v.shape(self.law.means):
            raise Rejected(f"{op} takes a matrix with a column for each component of the instance's mixture")
        place, law, (d, K) = self.expectations, self.law, v.shape(self.law.means)
        self.expectations += 1
        shape = {"expected_softmax": (K, 1), "expected_softmax_moment": (d, K)}.get(op, ())
        value = lambda s: expectation(s.pay, op, law, logits.value(s), s.grids[place])  # noqa: E731
        return Term(shape, f"{op}({logits.text})", _ATOM, value)


def _operation(op: str, args: list[Term]) -> Term:
    signature, *_ = v.OPERATIONS[op]
    texts, shapes = [_brief(x.text) for x in args], [x.shape for x in args]
    many = op in _MANY and len(args) > 2
    fold = lambda x, y: _fit(op, signature, [x, y])  # noqa: E731
    shape = reduce(fold, shapes) if many else _fit(op, signature, shapes)
    text, level = _text(op, args)

    def value(s: State) -> Any:
        found = [x.value(s) for x in args]
        return reduce(lambda x, y: s.apply(op, texts, [x, y]), found) if many else s.apply(op, texts, found)

    unsure = "" if shapes[0] is None else f"{_brief(text)} is not certain"
    return Term(shape, text, level, value if shape is not None else lambda s: _truth(s, lambda: value(s), unsure))


def _truth(s: State, decide: Callable[[], v.Truth], unsure: str = "") -> v.Truth:
    try:
        found = decide()
    except v.Undefined as error:
        found, unsure = None, str(error)
    if found is None and unsure:
        s.reasons.append(unsure)
    return found


def _fit(op: str, signatures: str, shapes: list[Shape]) -> Shape:
    """Return the shape of what an operation makes of these. Raises Rejected when it does not take them."""
    for signature in signatures.split(" | "):
        *wanted, made = signature.split()
        sizes = {"1": 1}
        if len(wanted) == len(shapes) and all(_agrees(a, b, sizes) for a, b in zip(wanted, shapes, strict=True)):
            return None if made == "?" else tuple(sizes[letter] for letter in made if letter != ".")
    raise Rejected(f"{op} does not take {' and '.join(map(_kind, shapes)) or 'nothing'}")


def _agrees(wanted: str, shape: Shape, sizes: dict[str, int]) -> bool:
    if wanted == "?" or shape is None:
        return wanted == "?" and shape is None
    letters = wanted.strip(".")
    return len(letters) == len(shape) and all(sizes.setdefault(a, n) == n for a, n in zip(letters, shape, strict=True))


def _kind(shape: Shape) -> str:
    return "a formula" if shape is None else f"a {'x'.join(map(str, shape))}" if shape else "a number"


def _brief(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}..."


def _number(text: str) -> Term:
    value = rational(text, f"{ascii(text)[:42]} is no name here, and")
    return Term((), text, _SUM if value < 0 else _ATOM if value.q == 1 else _PRODUCT, lambda _: value)


def _constant(value: fmpq_mat, text: str) -> Term:
    check_hint("a matrix", value)
    return Term(v.shape(value), text, _ATOM, lambda _: value)


def _rows(rows: list[list[str]]) -> str:
    inner = ", ".join(f"[{', '.join(row)}]" for row in rows)
    return f"[{inner}]"


def _text(op: str, args: list[Term]) -> tuple[str, int]:
    level = _INFIX.get(op, _ATOM)
    if level == _ATOM:
        return f"{op}({', '.join(x.text for x in args)})", level
    if len(args) == 1:  # a sign
        return f"{op}{args[0].inside(level + 1)}", level
    sign = op if level in (_PRODUCT, _POWER) else f" {op} "
    first = args[0].inside(level + (level == _POWER))
    return sign.join([first, *(x.inside(level + 1) for x in args[1:])]), level
