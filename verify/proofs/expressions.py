"""Expressions: the kernel's terms with operators, so that a script reads like mathematics.

`a + b`, `a * b`, `a / b`, `a ** 2` are of real numbers, `X + Y`, `X @ Y`, `a * X`, `X.T` of matrices, `f(x)` applies a
function; `a <= b`, `a < b`, `p & q`, `p | q`, `~p`, `p >> q` are formulas, and so are `eq(a, b)` and `iff(p, q)`.
Integers and fractions stand for themselves; a size where a number is expected is that number.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, TypeAlias

from thmverify.kernel.proofs.ring import semidefinite as semidefinite_term
from thmverify.kernel.proofs.rules import less as less_term
from thmverify.kernel.proofs.terms import ONE, PROP, REAL, SIZE, Term, bound_sort, close, lift, make, shape

Like: TypeAlias = Any  # an Expr, a Term, or a number
_scopes: list[tuple[str, Iterator[int]]] = [("", itertools.count())]
_open = [0]  # binders whose bodies are being written


class Expr:
    """A term of the kernel with operators."""

    __slots__ = ("term",)

    def __init__(self, term: Term) -> None:
        """Wrap a term."""
        self.term = term

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expr) and other.term is self.term

    def __hash__(self) -> int:
        return hash(self.term)

    def __repr__(self) -> str:
        return repr(self.term)

    @property
    def sort(self) -> Term:
        """The sort of the term."""
        if self.term.sort is None:
            raise TypeError("a sort has no sort")
        return self.term.sort

    @property
    def left(self) -> Expr:
        """The left side of an equation, comparison, equivalence or implication."""
        return Expr(self.term.args[0].args[1] if self.term.op == "not" else self.term.args[0])

    @property
    def right(self) -> Expr:
        """The right side of an equation, comparison, equivalence or implication."""
        return Expr(self.term.args[0].args[0] if self.term.op == "not" else self.term.args[1])

    @property
    def is_matrix(self) -> bool:
        """Whether it is a matrix."""
        return self.sort.op == "Mat"

    @property
    def rows(self) -> Expr:
        """The number of rows of a matrix, a size."""
        return Expr(self.sort.args[0])

    @property
    def cols(self) -> Expr:
        """The number of columns of a matrix, a size."""
        return Expr(self.sort.args[1])

    @property
    def T(self) -> Expr:
        """The transpose."""
        return Expr(make("T", None, self.term))

    def __add__(self, other: Like) -> Expr:
        if not self.is_matrix:
            return Expr(make("add", None, real(self).term, real(other).term))
        return Expr(make("add", None, self.term, as_term(other)))

    def __radd__(self, other: Like) -> Expr:
        return self if isinstance(other, int) and other == 0 else real(other) + self

    def __neg__(self) -> Expr:
        return num(-1) * self

    def __sub__(self, other: Like) -> Expr:
        return self + (-(other if isinstance(other, Expr) else real(other)))

    def __rsub__(self, other: Like) -> Expr:
        return real(other) - self

    def __mul__(self, other: Like) -> Expr:
        other = other if isinstance(other, Expr) else real(other)
        if other.is_matrix:
            return Expr(make("scale", None, real(self).term, other.term))
        if self.is_matrix:
            return Expr(make("scale", None, real(other).term, self.term))
        return Expr(make("mul", None, real(self).term, real(other).term))

    def __rmul__(self, other: Like) -> Expr:
        return real(other) * self

    def __truediv__(self, other: Like) -> Expr:
        if isinstance(other, int):
            return num(Fraction(1, other)) * self
        return self * inv(other)

    def __rtruediv__(self, other: Like) -> Expr:
        return real(other) * inv(self)

    def __pow__(self, power: int) -> Expr:
        found = self
        for _ in range(power - 1):
            found = found * self
        return found

    def __matmul__(self, other: Like) -> Expr:
        return Expr(make("dot", None, self.term, as_term(other)))

    def __call__(self, *arguments: Like) -> Expr:
        found = self.term
        for a in arguments:
            found = make("ap", None, found, as_term(a))
        return Expr(found)

    def __le__(self, other: Like) -> Expr:
        return Expr(make("le", None, real(self).term, real(other).term))

    def __ge__(self, other: Like) -> Expr:
        return real(other) <= self

    def __lt__(self, other: Like) -> Expr:
        return Expr(less_term(real(self).term, real(other).term))

    def __gt__(self, other: Like) -> Expr:
        return real(other) < self

    def __and__(self, other: Expr) -> Expr:
        return conj(self, other)

    def __or__(self, other: Expr) -> Expr:
        return disj(self, other)

    def __invert__(self) -> Expr:
        return Expr(make("not", None, self.term))

    def __rshift__(self, other: Expr) -> Expr:
        return Expr(make("imp", None, self.term, other.term))


def as_term(x: Like) -> Term:
    """Return the term of an expression, a term or a number."""
    return x.term if isinstance(x, Expr) else x if isinstance(x, Term) else num(x).term


def num(x: int | Fraction | str) -> Expr:
    """Return a rational number."""
    return Expr(make("num", Fraction(x)))


def real(x: Like) -> Expr:
    """Return a real number: a size is cast, a number stands for itself."""
    if not isinstance(x, (Expr, Term)):
        return num(x)
    t = as_term(x)
    return Expr(make("size", None, t)) if t.sort is SIZE else Expr(t)


# -- sorts and variables ----------------------------------------------------------------------------------------------


def size(x: Like) -> Term:
    """Return a size: a size variable, or a small natural number."""
    return make("lit", x) if isinstance(x, int) else as_term(x)


def Mat(p: Like, q: Like) -> Term:
    """Return the sort of p × q matrices."""
    return make("Mat", None, size(p), size(q))


def Col(p: Like) -> Term:
    """Return the sort of columns of p numbers."""
    return make("Mat", None, size(p), ONE)


def Index(n: Like) -> Term:
    """Return the sort of indices below n."""
    return make("Index", None, size(n))


def Fun(*sorts: Term) -> Term:
    """Return the sort of functions: the last sort is that of the result."""
    found = sorts[-1]
    for s in reversed(sorts[:-1]):
        found = make("Fun", None, s, found)
    return found


def Family(n: Like, sort: Term) -> Term:
    """Return the sort of families of n things."""
    return Fun(Index(n), sort)


def var(name: str, sort: Term) -> Expr:
    """Return a variable."""
    return Expr(make("var", name, sort))


def fresh(sort: Term, name: str = "x") -> Expr:
    """Return a variable that occurs nowhere else in this script."""
    prefix, counter = _scopes[-1]
    return var(f"{name}#{prefix}{next(counter)}", sort)


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Count names that are made up anew, under a name: what is derived there is the same in every script."""
    outside = list(_scopes)
    _scopes.append((f"{name}.", itertools.count()))
    try:
        yield
    finally:
        _scopes[:] = outside


def new_script() -> None:
    """Count names that are made up from the start."""
    _scopes[:] = [("", itertools.count())]


# -- binders ----------------------------------------------------------------------------------------------------------


def _bound(op: str, first: Term, body: Callable[[Expr], Expr]) -> tuple[Term, Term]:
    """Return the variable of a binder, named by how many are open around it, and the body, which has no name for it.

    So what is written again under as many binders is made of terms that are there already.
    """
    x = var(f"x#{_open[0]}.", bound_sort(op, first))
    next(_scopes[-1][1])  # names that are made up afterwards do not depend on how it is called
    _open[0] += 1
    try:
        inner = body(x)
    finally:
        _open[0] -= 1
    return x.term, close(inner.term if isinstance(inner, Expr) else as_term(inner), x.term)


def total(n: Like, body: Callable[[Expr], Expr]) -> Expr:
    """Return Σ over an index below n."""
    return Expr(make("sum", None, size(n), _bound("sum", size(n), body)[1]))


def mean(covariance: Expr, body: Callable[[Expr], Expr]) -> Expr:
    """Return E over ξ ~ N(covariance), ξ a column."""
    return Expr(make("mean", None, covariance.term, _bound("mean", covariance.term, body)[1]))


def lse(n: Like, weights: Callable[[Expr], Expr], logits: Callable[[Expr], Expr]) -> Expr:
    """Return log Σ_l w_l exp z_l."""
    n = size(n)
    return Expr(make("lse", None, n, _bound("lse", n, weights)[1], _bound("lse", n, logits)[1]))


def softmax(n: Like, weights: Callable[[Expr], Expr], logits: Callable[[Expr], Expr], k: Expr) -> Expr:
    """Return the weight of k among w_l exp z_l."""
    n = size(n)
    return Expr(make("smax", None, n, _bound("smax", n, weights)[1], _bound("smax", n, logits)[1], k.term))


def fn(sort: Term, body: Callable[[Expr], Expr]) -> Expr:
    """Return the function λx: sort. body(x)."""
    return Expr(make("lam", None, sort, _bound("lam", sort, body)[1]))


def forall(sort: Term, body: Callable[[Expr], Expr]) -> Expr:
    """Return ∀x: sort. body(x)."""
    return Expr(make("all", None, sort, _bound("all", sort, body)[1]))


def exists(sort: Term, body: Callable[[Expr], Expr]) -> Expr:
    """Return ∃x: sort. body(x)."""
    return Expr(make("ex", None, sort, _bound("ex", sort, body)[1]))


def bind(op: str, x: Expr, body: Expr) -> Expr:
    """Return a binder ("all", "ex", "lam") over a variable that occurs in the body."""
    return Expr(make(op, None, x.sort, close(body.term, x.term)))


# -- operations -------------------------------------------------------------------------------------------------------


def tr(X: Expr) -> Expr:
    """Return the trace."""
    return Expr(make("tr", None, X.term))


def exp(x: Like) -> Expr:
    """Return exp x."""
    return Expr(make("exp", None, real(x).term))


def log(x: Like) -> Expr:
    """Return log x, 0 for x ≤ 0."""
    return Expr(make("log", None, real(x).term))


def inv(x: Like) -> Expr:
    """Return 1/x, 0 for x = 0."""
    return Expr(make("inv", None, real(x).term))


def minv(X: Expr) -> Expr:
    """Return X⁻¹, 0 where X is singular."""
    return Expr(make("minv", None, X.term))


def eye(n: Like) -> Expr:
    """Return the identity matrix."""
    return Expr(make("id", None, size(n)))


def zero(p: Like, q: Like = 1) -> Expr:
    """Return the zero matrix."""
    return Expr(make("zero", None, size(p), size(q)))


def unit(i: Expr) -> Expr:
    """Return the unit column e_i."""
    return Expr(make("unit", None, i.term))


def delta(i: Expr, j: Expr) -> Expr:
    """Return [i = j]."""
    return Expr(make("delta", None, i.term, j.term))


def nth(i: int, n: int) -> Expr:
    """Return the index i below the number n."""
    return Expr(make("nth", i, make("lit", n)))


def eq(a: Like, b: Like) -> Expr:
    """Return a = b."""
    a, b = (x if isinstance(x, Expr) else real(x) for x in (a, b))
    if a.sort.op in ("Size", "Real"):
        a, b = real(a), real(b)
    return Expr(make("eq", None, a.term, b.term))


def iff(p: Expr, q: Expr) -> Expr:
    """Return p ⟺ q."""
    return Expr(make("iff", None, p.term, q.term))


def conj(*parts: Expr) -> Expr:
    """Return the conjunction."""
    return Expr(make("and", None, *(p.term for p in parts)))


def disj(*parts: Expr) -> Expr:
    """Return the disjunction."""
    return Expr(make("or", None, *(p.term for p in parts)))


def psd(X: Expr) -> Expr:
    """Return X ⪰ 0."""
    return Expr(semidefinite_term(X.term))


def pd(X: Expr) -> Expr:
    """Return X ≻ 0."""
    return Expr(definite_term(X.term))


def definite_term(X: Term) -> Term:
    """Return X ≻ 0: X = Xᵀ, and 0 < tr(vᵀXv) for every column v ≠ 0; what is bound outside X stays so."""
    v, inner = Expr(make("bound", 0, Col(lift(shape(X)[0], 1)))), Expr(lift(X, 1))
    strict = ~eq(v, zero(v.rows)) >> (num(0) < tr(v.T @ inner @ v))
    return make("and", None, eq(Expr(X), Expr(X).T).term, make("all", None, Col(shape(X)[0]), strict.term))


def has_derivative(f: Expr, a: Like, v: Like) -> Expr:
    """Return: the function f of a number has the derivative v at a."""
    return Expr(make("deriv", None, f.term, real(a).term, real(v).term))


def moderate(f: Expr) -> Expr:
    """Return: f, a function of columns, is measurable and |f(x)| ≤ exp(c(1 + |x|)) for some c."""
    return Expr(make("moderate", None, f.term))


Real, Prop, Size = REAL, PROP, SIZE
