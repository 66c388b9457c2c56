"""Which functions of Gaussian columns have a mean, and may be split, exchanged or differentiated under it.

A tame term is a finite sum of products of polynomials, of exponentials of degree at most 1 jointly in every column that
is random, of log-sum-exps and softmax weights with positive weights and polynomial logits, and of convex functions of
polynomial growth at columns of polynomials. Its absolute value is at most C·exp(c|ξ|) for some C and c, which depend
continuously on what else is in it: so it is integrable against any Gaussian, and so are its derivatives.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

from thmverify.kernel.proofs.terms import Term

Random: TypeAlias = frozenset[int]  # the bound variables that are random, by their indices


class Given(Protocol):
    """What theorems say of terms."""

    def is_positive(self, size: Term, weights: Term) -> bool:
        """Return whether weights, the body of a family over an index below a size, are positive."""

    def is_convex(self, function: Term) -> bool:
        """Return whether a function of a column is convex and of polynomial growth."""


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


def is_tame(t: Term, random: Random, given: Given) -> bool:
    """Return whether t is seen to be tame in the random variables jointly."""
    if degree(t, random) is not None:
        return True
    if t.op in ("add", "mul"):
        return all(is_tame(a, random, given) for a in t.args)
    if t.op == "sum":
        return not holds_variable(t.args[0], random) and is_tame(t.args[1], _inside(random), given)
    if t.op == "mean":
        return not holds_variable(t.args[0], random) and is_tame(t.args[1], _inside(random) | {0}, given)
    if t.op == "exp":
        bound = degree(t.args[0], random)
        return bound is not None and bound <= 1
    if t.op in ("lse", "smax"):
        size, weights, logits = t.args[:3]
        inside = _inside(random)
        constant = not any(holds_variable(x, random) for x in (size, *t.args[3:])) and not holds_variable(
            weights, inside
        )
        return constant and given.is_positive(size, weights) and degree(logits, inside) is not None
    if t.op == "ap":
        function, column = t.args
        return not holds_variable(function, random) and degree(column, random) is not None and given.is_convex(function)
    return False
