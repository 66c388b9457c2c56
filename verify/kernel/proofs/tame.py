"""Which functions of Gaussian columns have a mean, and may be split, exchanged or differentiated under it.

A tame term is a finite sum of products of polynomials, of exponentials of degree at most 1 jointly in every column that
is random, of log-sum-exps and softmax weights with positive weights and polynomial logits, of convex functions of
polynomial growth at columns of polynomials, and of moderate functions at columns of degree at most 1. Its absolute
value is at most C·exp(c|ξ|) for some C and c, which depend continuously on what else is in it, but not on what is in a
moderate function: so it is integrable against any Gaussian, and its derivatives are in what no moderate function
speaks of. Without moderate functions it is continuous.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeAlias

from thmverify.kernel.proofs.terms import BINDERS, Term, make

Random: TypeAlias = frozenset[int]  # bound variables, the random ones, by their indices
NONE: Random = frozenset()
# What is a Borel function of its arguments.
_BOREL = frozenset(["add", "mul", "dot", "scale", "T", "tr", "exp", "log", "inv", "minv", "sum", "mean", "lse", "smax"])


class Given(Protocol):
    """What theorems say of terms."""

    def is_positive(self, size: Term, weights: Term) -> bool:
        """Return whether weights, the body of a family over an index below a size, are positive."""

    def is_convex(self, function: Term) -> bool:
        """Return whether a function of a column is convex and of polynomial growth."""

    def moderate(self, t: Term) -> Iterator[list[Term]]:
        """Yield x and what else is in f, for each moderate function f with f(x) = t."""


def holds_variable(t: Term, random: Random) -> bool:
    """Return whether a random variable occurs in t."""
    return t.reach > 0 and any(i in random for i, _ in t.loose)


def _inside(random: Random, count: int = 1) -> Random:
    return frozenset(i + count for i in random)


def degree(t: Term, random: Random) -> int | None:
    """Return a bound on the degree of t as a polynomial in the random variables; None when it is not seen to be one."""
    if not holds_variable(t, random):
        return 0
    if t.op == "bound":
        return 1
    if t.op == "sum":
        return None if holds_variable(t.args[0], random) else degree(t.args[1], _inside(random))
    if t.op not in ("add", "mul", "dot", "scale", "T", "tr"):
        return None
    parts = [degree(a, random) for a in t.args]
    if any(p is None for p in parts):
        return None
    known = [p for p in parts if p is not None]
    return sum(known) if t.op in ("mul", "dot", "scale") else max(known)


def is_tame(t: Term, random: Random, given: Given, moved: Random = NONE) -> bool:
    """Return whether t is seen to be tame in the random variables jointly; no moderate function speaks of the moved."""
    if degree(t, random) is not None or _is_moderate(t, random, given, moved):
        return True
    inside, moved_inside = _inside(random), _inside(moved)
    if t.op in ("add", "mul"):
        return all(is_tame(a, random, given, moved) for a in t.args)
    if t.op == "sum":
        return not holds_variable(t.args[0], random) and is_tame(t.args[1], inside, given, moved_inside)
    if t.op == "mean":
        return not holds_variable(t.args[0], random) and is_tame(t.args[1], inside | {0}, given, moved_inside)
    if t.op == "exp" and t.args[0].op == "add":  # exp(a + b) = exp a · exp b
        return all(is_tame(make("exp", None, a), random, given, moved) for a in t.args[0].args)
    if t.op == "exp":
        bound = degree(t.args[0], random)
        return bound is not None and bound <= 1
    if t.op in ("lse", "smax"):
        size, weights, logits = t.args[:3]
        constant = not any(holds_variable(x, random) for x in (size, *t.args[3:])) and not holds_variable(
            weights, inside
        )
        return constant and given.is_positive(size, weights) and degree(logits, inside) is not None
    if t.op == "ap":
        function, column = t.args
        return not holds_variable(function, random) and degree(column, random) is not None and given.is_convex(function)
    return False


def _is_moderate(t: Term, random: Random, given: Given, moved: Random) -> bool:
    """Return whether t is a moderate function at a column of degree at most 1, and nothing else in it is random."""
    for column, *others in () if holds_variable(t, moved) else given.moderate(t):
        bound = degree(column, random)
        if bound is not None and bound <= 1 and not any(holds_variable(x, random) for x in others):
            return True
    return False


def is_measurable(t: Term, random: Random, given: Given) -> bool:
    """Return whether t is seen to be a Borel function of the random variables jointly."""
    if not holds_variable(t, random) or t.op == "bound":
        return True
    for column, *others in given.moderate(t):
        if is_measurable(column, random, given) and not any(holds_variable(x, random) for x in others):
            return True
    first, *rest = t.args
    if t.op not in _BOREL or (t.op == "mean" and holds_variable(first, random)):
        return False
    under = BINDERS.get(t.op, 0)
    inside = _inside(random) | ({0} if t.op == "mean" else NONE)
    return is_measurable(first, random, given) and all(
        is_measurable(a, inside if i < under else random, given) for i, a in enumerate(rest)
    )
