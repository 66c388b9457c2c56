"""Terms: numbers, matrices, sizes, indices, functions and formulas, each with a sort, without names for what is bound.

A term is built by `make` alone, which refuses what has no sort. Bound variables are de Bruijn indices: two terms that
differ in the names of bound variables are one object. Every operation is total: 0⁻¹ = 0, log t = 0 for t ≤ 0, the
inverse of a singular matrix is 0, and N(Σ) is the point mass at 0 where Σ is not symmetric positive semidefinite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
    if op not in SORTS:
        raise Rejected(f"there is no operation {op!r}")
    if op == "ap" and args and args[0].op == "lam":
        return instantiate(args[0].args[1], args[1]) if _applies(args) else _ill(op, args)
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
    t.sort = SORTS[op](val, args)
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


def _ill(op: str, args: Iterable[Term]) -> Term:
    raise Rejected(
        f"{op} does not take {', '.join('a sort' if a.sort is None else repr(a.sort) for a in args) or 'nothing'}"
    )


def shape(t: Term) -> tuple[Term, Term]:
    """Return the numbers of rows and columns of a matrix."""
    if t.sort is None or t.sort.op != "Mat":
        raise Rejected("a matrix is expected here")
    return t.sort.args[0], t.sort.args[1]


def _shaped(p: Term, q: Term) -> Term:
    return mat(p, q)


def _none(val: object) -> None:
    if val is not None:
        raise Rejected("this operation has no value")


def _sort(*wanted: str) -> Callable[[object, tuple[Term, ...]], None]:
    """Sorts themselves: their arguments are sizes, or sorts."""

    def check(val: object, args: tuple[Term, ...]) -> None:
        _none(val)
        kinds = ["sort" if a.sort is None else a.sort.op for a in args]
        if kinds != list(wanted):
            _ill("a sort", args)

    return check


def _function_sort(val: object, args: tuple[Term, ...]) -> None:
    _none(val)
    if len(args) != 2 or any(a.sort is not None or a.op == "Size" for a in args):
        _ill("a function sort", args)


def _applies(args: tuple[Term, ...]) -> bool:
    return (
        len(args) == 2
        and args[0].sort is not None
        and args[0].sort.op == "Fun"
        and args[0].sort.args[0] is args[1].sort
    )


def _typed(*wanted: str, result: str) -> Callable[[object, tuple[Term, ...]], Term]:
    """An operation on arguments of these kinds, with a result of this sort."""

    def check(val: object, args: tuple[Term, ...]) -> Term:
        _none(val)
        if [a.sort.op if a.sort else "sort" for a in args] != list(wanted):
            return _ill("this operation", args)
        return make(result)

    return check


def _var(val: object, args: tuple[Term, ...]) -> Term:
    if type(val) is not str or not val or len(args) != 1 or args[0].sort is not None:
        raise Rejected("a variable has a name and a sort")
    if args[0].loose:
        raise Rejected("the sort of a variable depends on what is bound")
    return args[0]


def _bound(val: object, args: tuple[Term, ...]) -> Term:
    _natural(val)
    if len(args) != 1 or args[0].sort is not None:
        raise Rejected("a bound variable has a sort")
    return args[0]


def _number(val: object, args: tuple[Term, ...]) -> Term:
    if type(val) is not Fraction or args:
        raise Rejected("a number is a fraction")
    return REAL


def _literal(val: object, args: tuple[Term, ...]) -> Term:
    if _natural(val) > MAX_LITERAL or args:
        raise Rejected("a size that is a number is small")
    return SIZE


def _nth(val: object, args: tuple[Term, ...]) -> Term:
    if len(args) != 1 or args[0].op != "lit" or _natural(val) >= _natural(args[0].val):
        raise Rejected("an index that is a number lies below its size")
    return index(args[0])


def _plus(val: object, args: tuple[Term, ...]) -> Term:
    _none(val)
    if len(args) < 2 or any(a.sort is not SIZE for a in args):
        return _ill("plus", args)
    return SIZE


def _alike(op: str, kinds: tuple[str, ...]) -> Callable[[object, tuple[Term, ...]], Term]:
    def check(val: object, args: tuple[Term, ...]) -> Term:
        _none(val)
        sort = args[0].sort if args else None
        if sort is None or sort.op not in kinds or any(a.sort is not sort for a in args):
            return _ill(op, args)
        return sort

    return check


def _dot(val: object, args: tuple[Term, ...]) -> Term:
    _none(val)
    shapes = [shape(a) for a in args]
    if not args or any(a[1] is not b[0] for a, b in pairwise(shapes)):
        return _ill("dot", args)
    return mat(shapes[0][0], shapes[-1][1])


def _of_matrix(
    result: Callable[[Term, Term], Term], square: bool = False
) -> Callable[[object, tuple[Term, ...]], Term]:
    def check(val: object, args: tuple[Term, ...]) -> Term:
        _none(val)
        if len(args) != 1 or (square and shape(args[0])[0] is not shape(args[0])[1]):
            return _ill("this operation", args)
        return result(*shape(args[0]))

    return check


def _scale(val: object, args: tuple[Term, ...]) -> Term:
    _none(val)
    if len(args) != 2 or args[0].sort is not REAL:
        return _ill("scale", args)
    shape(args[1])
    return args[1].sort  # type: ignore[return-value]


def _sized(count: int, result: Callable[..., Term]) -> Callable[[object, tuple[Term, ...]], Term]:
    def check(val: object, args: tuple[Term, ...]) -> Term:
        _none(val)
        if len(args) != count or any(a.sort is not SIZE for a in args):
            return _ill("this operation", args)
        return result(*args)

    return check


def _unit(val: object, args: tuple[Term, ...]) -> Term:
    _none(val)
    if len(args) != 1 or args[0].sort is None or args[0].sort.op != "Index":
        return _ill("unit", args)
    return mat(args[0].sort.args[0], ONE)


def _sum(val: object, args: tuple[Term, ...]) -> Term:
    _none(val)
    if len(args) != 2 or args[0].sort is not SIZE or args[1].sort is None or args[1].sort.op not in ("Real", "Mat"):
        return _ill("sum", args)
    return lower(args[1].sort)


def _mean(val: object, args: tuple[Term, ...]) -> Term:
    _none(val)
    if len(args) != 2 or args[1].sort is not REAL:
        return _ill("mean", args)
    return REAL


def _softmax(count: int) -> Callable[[object, tuple[Term, ...]], Term]:
    def check(val: object, args: tuple[Term, ...]) -> Term:
        _none(val)
        if len(args) != count or args[0].sort is not SIZE or args[1].sort is not REAL or args[2].sort is not REAL:
            return _ill("softmax", args)
        if count == 4 and args[3].sort is not index(args[0]):
            return _ill("softmax", args)
        return REAL

    return check


def _lam(val: object, args: tuple[Term, ...]) -> Term:
    _none(val)
    if len(args) != 2 or args[0].sort is not None or args[1].sort is None:
        return _ill("lam", args)
    return fun(args[0], lower(args[1].sort))


def _ap(val: object, args: tuple[Term, ...]) -> Term:
    _none(val)
    return args[0].sort.args[1] if _applies(args) and args[0].sort else _ill("ap", args)


def _quantifier(val: object, args: tuple[Term, ...]) -> Term:
    _none(val)
    if len(args) != 2 or args[0].sort is not None or args[1].sort is not PROP:
        return _ill("a quantifier", args)
    return PROP


def _equation(val: object, args: tuple[Term, ...]) -> Term:
    _none(val)
    if (
        len(args) != 2
        or args[0].sort is None
        or args[0].sort is not args[1].sort
        or args[0].sort.op not in ("Real", "Mat", "Index")
    ):
        return _ill("eq", args)
    return PROP


def _joined(val: object, args: tuple[Term, ...]) -> Term:
    _none(val)
    return PROP if all(a.sort is PROP for a in args) else _ill("a connective", args)


def _delta(val: object, args: tuple[Term, ...]) -> Term:
    _none(val)
    if len(args) != 2 or args[0].sort is None or args[0].sort.op != "Index" or args[0].sort is not args[1].sort:
        return _ill("delta", args)
    return REAL


def _deriv(val: object, args: tuple[Term, ...]) -> Term:
    _none(val)
    if len(args) != 3 or args[0].sort is not fun(REAL, REAL) or args[1].sort is not REAL or args[2].sort is not REAL:
        return _ill("deriv", args)
    return PROP


def _constant(val: object, args: tuple[Term, ...]) -> Term:
    """A defined name: its first argument is its sort, which `rules.Theory` compares with the definition."""
    if type(val) is not str or not args or args[0].sort is not None:
        raise Rejected("a defined name has a sort and arguments")
    return args[0]


SORTS: dict[str, Callable[[object, tuple[Term, ...]], Term | None]] = {
    "Size": _sort(), "Real": _sort(), "Prop": _sort(), "Index": _sort("Size"), "Mat": _sort("Size", "Size"),
    "Fun": _function_sort, "var": _var, "bound": _bound, "slot": _bound, "c": _constant, "lam": _lam, "ap": _ap,
    "lit": _literal, "plus": _plus, "nth": _nth, "num": _number, "size": _typed("Size", result="Real"),
    "add": _alike("add", ("Real", "Mat")), "mul": _alike("mul", ("Real",)), "inv": _typed("Real", result="Real"),
    "exp": _typed("Real", result="Real"), "log": _typed("Real", result="Real"), "delta": _delta, "sum": _sum,
    "mean": _mean, "tr": _of_matrix(lambda *_: REAL, square=True), "lse": _softmax(3), "smax": _softmax(4),
    "id": _sized(1, lambda n: mat(n, n)), "zero": _sized(2, _shaped), "unit": _unit, "dot": _dot, "scale": _scale,
    "T": _of_matrix(lambda p, q: mat(q, p)), "minv": _of_matrix(_shaped, square=True),
    "eq": _equation, "le": _typed("Real", "Real", result="Prop"), "not": _typed("Prop", result="Prop"),
    "and": _joined, "or": _joined, "imp": _typed("Prop", "Prop", result="Prop"),
    "iff": _typed("Prop", "Prop", result="Prop"), "all": _quantifier, "ex": _quantifier, "deriv": _deriv,
}  # fmt: skip


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


def rebuild(t: Term, leaf: Leaf, concerns: Callable[[Term, int], bool], depth: int = 0) -> Term:
    """Return t, which lies under so many binders, with each subterm for which `leaf` is a term replaced by it.

    `concerns` says whether anything in a subterm can change, so that what cannot is left alone.
    """
    return _walk(t, depth, leaf, concerns, {})


def _walk(
    x: Term, depth: int, leaf: Leaf, concerns: Callable[[Term, int], bool], memo: dict[tuple[Term, int], Term]
) -> Term:
    if not concerns(x, depth):
        return x
    found = memo.get((x, depth))
    if found is None:
        found = leaf(x, depth)
        if found is None:
            under = BINDERS.get(x.op, 0)
            args = [
                _walk(a, depth + 1 if 1 <= i <= under else depth, leaf, concerns, memo) for i, a in enumerate(x.args)
            ]
            found = make(x.op, x.val, *args)
        memo[x, depth] = found
    return found


def _reaches(t: Term, depth: int) -> bool:
    return t.reach > depth


def _moved(t: Term, at: Callable[[Term, int, Term], Term], depth: int = 0) -> Term:
    """Return t with `at(variable, depth, its new sort)` for each variable that no binder in t binds."""
    return rebuild(t, partial(_leaf_moved, at), _reaches, depth)


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
    closed = rebuild(lifted, leaf, lambda x, _: name in x.free)
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
    if t.free.isdisjoint(values):
        return t
    concerns: Callable[[Term, int], bool] = lambda x, _: not x.free.isdisjoint(values)  # noqa: E731
    return rebuild(t, lambda x, depth: lift(values[x], depth) if x in values else None, concerns)
