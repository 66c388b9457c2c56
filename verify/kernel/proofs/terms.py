"""Terms: numbers, matrices, sizes, indices, functions and formulas, each with a sort, without names for what is bound.

A term is built by `make` alone, which refuses what has no sort. Bound variables are de Bruijn indices: two terms that
differ in the names of bound variables are one object. Every operation is total: 0⁻¹ = 0, log t = 0 for t ≤ 0, the
inverse of a singular matrix is 0, and N(Σ) is the point mass at 0 where Σ is not symmetric positive semidefinite.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from fractions import Fraction
from functools import lru_cache, partial
from hashlib import blake2b
from itertools import pairwise
from typing import TypeAlias

from thmverify.kernel.proofs.text import text
from thmverify.kernel.strict import Rejected

# How many of the arguments of a binder lie under it, counted from its second argument.
BINDERS = {"lam": 1, "all": 1, "ex": 1, "sum": 1, "mean": 1, "lse": 2, "smax": 2}
MAX_LITERAL = 16  # the largest size that is a number
MAX_PARTS, MAX_DEPTH = 2000, 80  # of a sum or a product; of terms in each other


class Term:
    """A node: an operation, a value (a name, a number) or None, and arguments. Interned: equal terms are one object."""

    __slots__ = ("args", "depth", "free", "key", "loose", "op", "reach", "sort", "val")

    op: str
    val: object
    args: tuple[Term, ...]
    sort: Term | None  # None for a sort
    key: bytes  # a hash of the structure: orders terms in the same way in every process
    free: frozenset[Term]  # the variables in it, those of their sorts included
    depth: int
    reach: int  # beyond the largest index that no binder in it binds
    loose: frozenset[tuple[int, Term]]  # the indices that no binder in it binds, with their sorts

    def __init__(self) -> None:
        raise TypeError("a term is built by make()")

    def __repr__(self) -> str:
        return text(self)


_TERMS: dict[tuple[object, ...], Term] = {}
_NOTHING: frozenset[tuple[int, Term]] = frozenset()


def make(op: str, val: object = None, *args: Term) -> Term:
    """Return the term. Raises Rejected when it has no sort."""
    if val is not None and type(val) not in (str, int, Fraction):
        raise Rejected("the value of a term is a name or a number")
    identity = (op, type(val), val, *args)
    known = _TERMS.get(identity)
    if known is not None:
        return known
    if op == "ap" and args and args[0].op == "lam" and _sort(op, val, args):
        return instantiate(args[0].args[1], args[1])
    if op in ("plus", "add", "mul", "dot") and val is None:  # a + (b + c) is a + b + c
        flat = [y for x in args for y in (x.args if x.op == op else (x,))]
        if len(flat) > MAX_PARTS:
            raise Rejected("a sum or a product has too many parts")
        parts = tuple(sorted(flat, key=lambda y: y.key) if op == "plus" else flat)
        if parts != args:
            return make(op, None, *parts)
    t = object.__new__(Term)
    t.op, t.val, t.args = op, val, args
    t.depth = 1 + max((a.depth for a in args), default=0)
    if t.depth > MAX_DEPTH:
        raise Rejected("a term is nested too deeply")
    t.key = blake2b(
        repr((op, type(val).__name__, str(val))).encode() + b"".join(a.key for a in args), digest_size=16
    ).digest()
    t.free = frozenset().union(*(a.free for a in args)) | ({t} if op in ("var", "slot") else frozenset())
    t.loose = _loose(op, val, args)
    t.reach = 1 + max((i for i, _ in t.loose), default=-1)
    t.sort = _sort(op, val, args)
    return _TERMS.setdefault(identity, t)


def _loose(op: str, val: object, args: tuple[Term, ...]) -> frozenset[tuple[int, Term]]:
    under = BINDERS.get(op, 0)
    found = _NOTHING.union(*(a.loose for a in (*args[:1], *args[1 + under :])))
    for body in args[1 : 1 + under]:
        binds = bound_sort(op, args[0])
        for i, sort in body.loose:
            if i and any(j == 0 for j, _ in sort.loose):
                raise Rejected("the sort of a variable depends on one that is bound inside")
            if i == 0 and sort is not lift(binds, 1):
                raise Rejected("a bound variable does not have the sort that its binder says")
            if i:
                found |= {(i - 1, lower(sort))}
    return found | {(_natural(val), args[0])} if op == "bound" else found


def bound_sort(op: str, first: Term) -> Term:
    """Return the sort of the variable that a binder with this first argument binds."""
    if op == "mean":
        p, q = shape(first)
        if p is not q:
            raise Rejected("a covariance is a square matrix")
        return mat(p, ONE)
    return index(first) if op in ("sum", "lse", "smax") else first


def _natural(val: object) -> int:
    if type(val) is not int or val < 0:
        raise Rejected("an index or a size is not a natural number")
    return val


# -- sorts ------------------------------------------------------------------------------------------------------------

_VALUED = ("var", "bound", "slot", "c", "num", "lit", "nth")  # operations with a name or a number beside arguments


def _sort(op: str, val: object, args: tuple[Term, ...]) -> Term | None:  # noqa: PLR0912 (a case each)
    """Return the sort of what an operation makes of a value and arguments, None where it makes a sort.

    Raises Rejected when it makes nothing of them. The sort of a defined name is compared with its definition elsewhere.
    """
    sorts = [a.sort for a in args]
    kinds = ["sort" if s is None else s.op for s in sorts]
    if val is not None and op not in _VALUED:
        raise Rejected("this operation has no value")
    match [op, *kinds]:
        case ["Size" | "Real" | "Prop"] | ["Index", "Size"] | ["Mat", "Size", "Size"]:
            return None
        case ["Fun", "sort", "sort"] if SIZE not in args:
            return None
        case ["var", "sort"]:
            if type(val) is not str or not val:
                raise Rejected("a variable has a name")
            if args[0].loose:
                raise Rejected("the sort of a variable depends on what is bound")
            return args[0]
        case ["bound" | "slot", "sort"] if _natural(val) >= 0:
            return args[0]
        case ["c", "sort", *_] if type(val) is str:
            return args[0]
        case ["num"] if type(val) is Fraction:
            return REAL
        case ["lit"] if _natural(val) <= MAX_LITERAL:
            return SIZE
        case ["nth", "Size"]:
            if args[0].op == "lit" and _natural(val) < _natural(args[0].val):
                return index(args[0])
            raise Rejected("an index that is a number lies below its size")
        case ["plus", "Size", "Size", *_] if all(s is SIZE for s in sorts):
            return SIZE
        case (
            ["size", "Size"]
            | ["inv" | "exp" | "log", "Real"]
            | ["mean", "Mat", "Real"]
            | ["lse", "Size", "Real", "Real"]
        ):
            return REAL
        case ["smax", "Size", "Real", "Real", "Index"] if sorts[3] is index(args[0]):
            return REAL
        case ["delta", "Index", "Index"] if sorts[0] is sorts[1]:
            return REAL
        case ["mul", "Real", *_] | ["add", "Real" | "Mat", *_] if all(s is sorts[0] for s in sorts):
            return sorts[0]
        case ["sum", "Size", "Real" | "Mat"]:
            return lower(sorts[1])
        case ["id", "Size"]:
            return mat(args[0], args[0])
        case ["zero", "Size", "Size"]:
            return mat(*args)
        case ["unit", "Index"]:
            return mat(sorts[0].args[0], ONE)  # type: ignore[union-attr]
        case ["dot", _, *_]:
            shapes = [shape(a) for a in args]
            if all(a[1] is b[0] for a, b in pairwise(shapes)):
                return mat(shapes[0][0], shapes[-1][1])
        case ["scale", "Real", "Mat"]:
            return sorts[1]
        case ["T", "Mat"]:
            return mat(*reversed(shape(args[0])))
        case ["tr" | "minv", "Mat"] if len(set(shape(args[0]))) == 1:
            return REAL if op == "tr" else sorts[0]
        case ["lam", "sort", body] if body != "sort":
            return fun(args[0], lower(sorts[1]))
        case ["ap", "Fun", _] if sorts[0].args[0] is sorts[1]:  # type: ignore[union-attr]
            return sorts[0].args[1]  # type: ignore[union-attr]
        case ["eq", "Real" | "Mat" | "Index", _] if sorts[0] is sorts[1]:
            return PROP
        case (
            ["le", "Real", "Real"] | ["not", "Prop"] | ["imp" | "iff", "Prop", "Prop"] | ["all" | "ex", "sort", "Prop"]
        ):
            return PROP
        case ["and" | "or", *_] if all(s is PROP for s in sorts):
            return PROP
        case ["deriv", "Fun", "Real", "Real"] if sorts[0] is fun(REAL, REAL):
            return PROP
        case ["moderate", "Fun"] if sorts[0].args[0].args[1:] == (ONE,) and sorts[0].args[1] is REAL:  # type: ignore[union-attr]
            return PROP
    raise Rejected(f"{op} does not take {', '.join('a sort' if x is None else repr(x) for x in sorts) or 'nothing'}")


def shape(t: Term) -> tuple[Term, Term]:
    """Return the numbers of rows and columns of a matrix."""
    if t.sort is None or t.sort.op != "Mat":
        raise Rejected("a matrix is expected here")
    return t.sort.args[0], t.sort.args[1]


def mat(p: Term, q: Term) -> Term:
    """Return the sort of p × q matrices."""
    return make("Mat", None, p, q)


def index(n: Term) -> Term:
    """Return the sort of indices below n."""
    return make("Index", None, n)


def fun(a: Term, b: Term) -> Term:
    """Return the sort of functions from a to b."""
    return make("Fun", None, a, b)


SIZE: Term = make("Size")
REAL: Term = make("Real")
PROP: Term = make("Prop")
ONE = make("lit", 1)


# -- substitution -----------------------------------------------------------------------------------------------------


Leaf: TypeAlias = Callable[[Term, int], Term | None]  # what takes the place of a subterm under so many binders


def rebuild(t: Term, leaf: Leaf, names: Collection[Term] | None = None, depth: int = 0) -> Term:
    """Return t, which lies under so many binders, with each subterm for which `leaf` is a term replaced by it.

    What cannot change is left alone: what holds none of the `names` or, without them, no variable bound outside t.
    """
    concerned = t.reach > depth if names is None else not t.free.isdisjoint(names)
    return _walk(t, depth, leaf, names, {}) if concerned else t


def _walk(x: Term, depth: int, leaf: Leaf, names: Collection[Term] | None, memo: dict[tuple[Term, int], Term]) -> Term:
    found = memo.get((x, depth))
    if found is None:
        found = leaf(x, depth)
        if found is None:
            args, under = list(x.args), BINDERS.get(x.op, 0)
            for i, a in enumerate(args):
                inner = depth + 1 if 1 <= i <= under else depth
                if a.reach > inner if names is None else not a.free.isdisjoint(names):
                    args[i] = _walk(a, inner, leaf, names, memo)
            found = make(x.op, x.val, *args)
        memo[x, depth] = found
    return found


def _moved(t: Term, at: Callable[[Term, int, Term], Term], depth: int = 0) -> Term:
    """Return t with `at(variable, depth, its new sort)` for each variable that no binder in t binds."""
    return rebuild(t, partial(_leaf_moved, at), None, depth)


def _leaf_moved(at: Callable[[Term, int, Term], Term], x: Term, depth: int) -> Term | None:
    if x.op != "bound":
        return None
    sort = _moved(x.args[0], at, depth)
    return make("bound", x.val, sort) if x.val < depth else at(x, depth, sort)  # type: ignore[operator]


@lru_cache(maxsize=2**17)
def lift(t: Term, by: int) -> Term:
    """Return t as it reads under `by` more binders."""
    if not by or not t.reach:
        return t
    return _moved(t, lambda x, _, sort: make("bound", x.val + by, sort))  # type: ignore[operator]


@lru_cache(maxsize=2**17)
def lower(t: Term) -> Term:
    """Return t as it reads outside one binder. Raises Rejected when it holds the variable of that binder."""

    def at(x: Term, depth: int, sort: Term) -> Term:
        if x.val == depth:
            raise Rejected("a bound variable leaves its binder")
        return make("bound", x.val - 1, sort)  # type: ignore[operator]

    return _moved(t, at)


@lru_cache(maxsize=2**17)
def instantiate(body: Term, value: Term) -> Term:
    """Return the body of a binder with its variable replaced by a value of its sort."""

    def at(x: Term, depth: int, sort: Term) -> Term:
        if x.val != depth:
            return make("bound", x.val - 1, sort)  # type: ignore[operator]
        placed = lift(value, depth)
        if placed.sort is not sort:
            raise Rejected(f"a term of sort {value.sort!r} takes the place of a variable of sort {sort!r}")
        return placed

    return _moved(body, at)


@lru_cache(maxsize=2**17)
def close(t: Term, name: Term) -> Term:
    """Return the body of a binder that binds a free variable, or a slot, of t."""

    def leaf(x: Term, depth: int) -> Term | None:
        return make("bound", depth, lift(name.args[0], depth + 1)) if x is name else None

    lifted = lift(t, 1)
    closed = rebuild(lifted, leaf, (name,))
    if name in closed.free:
        raise Rejected(f"the sort of another variable depends on {name.val}")
    return closed


def replace(t: Term, values: dict[Term, Term]) -> Term:
    """Return t with free variables replaced, all at once, by terms of their sorts once these are replaced too."""
    names = values.keys()
    if any(not v.args[0].free.isdisjoint(names) for v in t.free - names):
        raise Rejected("the sort of another variable depends on one that is replaced")
    for name, value in values.items():
        if value.sort is not _put(name.args[0], values):
            raise Rejected(f"a term of sort {value.sort!r} takes the place of {name.val}, of sort {name.args[0]!r}")
    return _put(t, values)


def _put(t: Term, values: dict[Term, Term]) -> Term:
    return rebuild(t, lambda x, depth: lift(values[x], depth) if x in values else None, values)
