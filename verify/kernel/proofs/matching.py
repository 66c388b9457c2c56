"""Matching: whether a term is a value of a pattern, for some values of the pattern's variables.

Sums and products match in any order of their parts, and traces however they are written, so what matches is equal to
the pattern at these values, and not the same term always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from typing import NamedTuple, TypeAlias

from thmverify.kernel.proofs.terms import BINDERS, ONE, Term, lower, make, shape

Letter: TypeAlias = tuple[Term, bool]  # a matrix, and whether it is transposed
Word: TypeAlias = tuple[Letter, ...]
Binding: TypeAlias = dict[object, Term]

MAX_PARTS = 5  # sums and products of more parts match in order only


class Shape(NamedTuple):
    """What varies in a pattern: so many bound variables from outside, and slots; and which letters are symmetric."""

    variables: int
    slots: tuple[Term, ...] = ()
    upright: Callable[[Letter], Letter] = lambda letter: letter


def sizes(letter: Letter) -> tuple[Term, Term]:
    """Return the rows and columns of a letter."""
    p, q = shape(letter[0])
    return (q, p) if letter[1] else (p, q)


def letters(X: Term) -> Word:
    """Return the letters of a word that is a term in normal form."""
    parts = X.args if X.op == "dot" else (X,)
    return tuple((x.args[0], True) if x.op == "T" else (x, False) for x in parts)


def turned(word: Word) -> Word:
    """Return the transpose of a word."""
    return tuple((x, not t) for x, t in reversed(word))


def readings(word: Word, upright: Callable[[Letter], Letter]) -> list[Word]:
    """Return every way to write the trace of a word that begins and ends with a size 1, or that goes round."""
    both = [tuple(map(upright, w)) for w in (word, turned(word))]
    if sizes(word[0])[0] is ONE:
        return both
    return [w[i:] + w[:i] for w in both for i in range(len(w))]


def under(op: str, position: int) -> int:
    """Return how many binders of a node its argument at this position lies under."""
    return int(1 <= position <= BINDERS.get(op, 0))


def match(p: Term, t: Term, depth: int, form: Shape, bound: Binding) -> Iterator[Binding]:
    """Yield values of a pattern's variables, which count from `depth` on, at which it is t; `bound` are known ones."""
    if (p.op == "bound" and depth <= p.val < depth + form.variables) or p in form.slots:  # type: ignore[operator]
        yield from _variable(p, t, depth, form, bound)
    elif p is t and all(i < depth for i, _ in p.loose) and p.free.isdisjoint(form.slots):
        yield bound
    elif p.op == t.op and p.val == t.val and len(p.args) == len(t.args):
        if p.op in ("add", "mul") and len(p.args) <= MAX_PARTS:
            for order in permutations(t.args):
                yield from _all([(a, b, depth) for a, b in zip(p.args, order, strict=True)], form, bound)
        elif p.op == "tr":
            for reading in readings(letters(p.args[0]), form.upright):
                yield from match_words(reading, letters(t.args[0]), depth, form, bound)
        else:
            yield from _all(
                [(a, b, depth + under(p.op, i)) for i, (a, b) in enumerate(zip(p.args, t.args, strict=True))],
                form,
                bound,
            )


def _variable(p: Term, t: Term, depth: int, form: Shape, bound: Binding) -> Iterator[Binding]:
    name = p if p in form.slots else p.val - depth  # type: ignore[operator]
    if any(i < depth for i, _ in t.loose) or t.sort is None or (p in form.slots and t.op != "slot"):
        return
    sort = p.args[0]
    for _ in range(depth):
        t, sort = lower(t), lower(sort)
    if name in bound:
        if bound[name] is t:
            yield bound
        return
    for found in match(sort, t.sort, 0, form, bound):  # type: ignore[arg-type]
        yield {**found, name: t}


def _all(pairs: Sequence[tuple[Term, Term, int]], form: Shape, bound: Binding) -> Iterator[Binding]:
    if not pairs:
        yield bound
        return
    (p, t, depth), *rest = pairs
    for found in match(p, t, depth, form, bound):
        yield from _all(rest, form, found)


def match_words(p: Word, word: Word, depth: int, form: Shape, bound: Binding) -> Iterator[Binding]:
    """Yield the ways in which a word is a pattern letter by letter."""
    if len(p) == len(word) and all(
        s == t and (x is y or x.op != "var") for (x, s), (y, t) in zip(p, word, strict=True)
    ):
        yield from _all([(x, y, depth) for (x, _), (y, _) in zip(p, word, strict=True)], form, bound)


def matches(p: Term, t: Term, variables: int = 0, depth: int = 0) -> Binding | None:
    """Return the first match, or None."""
    return next(match(p, t, depth, Shape(variables), {}), None)


def matrix(letter: Letter) -> Term:
    """Return a letter as a term."""
    return make("T", None, letter[0]) if letter[1] else letter[0]
