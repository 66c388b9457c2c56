# ruff: noqa: ARG002, ARG005 (every operation takes a term, a context and a depth)

"""Terms and formulas as floating-point numbers, on many instances at once, each number with an estimate of its error.

Not a proof of anything: a net under the rules. A value of a term is an array whose last three axes are instances, rows
and columns; each binder that is open adds one axis in front, for its indices, its Gaussian nodes or its samples. A
formula has one of five levels: FALSE and TRUE are clear; NO and YES are what samples of a quantifier say; UNKNOWN is
neither.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product as tuples
from typing import Any, NamedTuple, TypeAlias
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from thmverify.kernel.proofs.ring import semidefinite
from thmverify.kernel.proofs.rules import Definition, bind, equal
from thmverify.kernel.proofs.terms import PROP, Term, instantiate
from thmverify.proofs.expressions import definite_term

Array: TypeAlias = NDArray[Any]
Value: TypeAlias = Any  # a Num, an array of indices, a size (int), or a function of a Value and a depth
Context: TypeAlias = tuple[Value, ...]  # values of the bound variables, the innermost first

TRUE, YES, UNKNOWN, NO, FALSE = 2, 1, 0, -1, -2
U = 1e-15  # relative error of an operation
MARGIN = 30.0  # a comparison is clear when the difference is so many times the estimated error
TIE, VAGUE = 1e-9, 1e-6  # an equation within its error holds when the error is at most this, relatively
BIG, TINY = 1e250, 1e-40  # the error of what is not known, beyond every number; and what may be an underflow
RANGE = 200.0  # of exponents
LIMIT = 250_000  # numbers in an array
# Gauss–Hermite points per dimension, of two orders: under few open binders, under three, and under five.
NODES = {0: (1, 1), 1: (9, 14), 2: (5, 8), 3: (3, 5)}
DEEP = (
    (3, NODES),
    (5, {0: (1, 1), 1: (8, 12), 2: (4, 6), 3: (2, 3)}),
    (99, {0: (1, 1), 1: (4, 6), 2: (3, 4), 3: (2, 3)}),
)
CONVERGED = 0.01  # a mean is not known where two orders differ by more than this, relatively
LARGEST_SIZE = 3
WORK = [0]  # numbers computed so far: what evaluation has cost, the same in every run


class Unclear(Exception):  # noqa: N818 (it is an answer)
    """A term or formula that is not evaluated here; the message says why."""


class Num(NamedTuple):
    """Real numbers or matrices, and bounds on their errors."""

    v: Array
    e: Array


def exact(v: Array) -> Num:
    """Return numbers without error."""
    return Num(v, np.zeros_like(v))


def constant(x: float) -> Num:
    """Return one number for every instance."""
    return exact(np.full((1, 1, 1), float(x)))


class Table:
    """A function of an index: its values, and the concrete sort that they have, or would have."""

    def __init__(self, values: Sequence[Value], sort: tuple[Any, ...]) -> None:
        """Take the values in order."""
        self.values, self.sort = values, sort

    def __call__(self, i: Array, depth: int) -> Value:
        """Return the value at an index."""
        return _select(self.values, i) if self.values else _nothing(self.sort, i)


def _nothing(sort: tuple[Any, ...], i: Array) -> Value:
    """What a family without members has at no index."""
    if sort[0] == "Fun":
        return lambda x, depth: _nothing(sort[2], i)
    if sort[0] == "Index":
        return np.zeros(i.shape, dtype=int)
    return exact(np.zeros(np.broadcast_shapes(i.shape, (1, *_shape(sort)))))


def _select(values: Sequence[Value], i: Array) -> Value:
    first = values[0]
    if len(values) == 1:
        if isinstance(first, Num):  # keep the axes of the index
            return Num(*(np.broadcast_to(x, np.broadcast_shapes(x.shape, i.shape)) for x in first))
        return first
    if isinstance(first, Num):
        return Num(*(_pick([x[part] for x in values], i) for part in (0, 1)))
    if isinstance(first, np.ndarray):
        return _pick(values, i)
    return lambda x, depth: _select([f(x, depth) for f in values], i)


def _pick(values: Sequence[Array], i: Array) -> Array:
    out = values[0]
    for k, v in enumerate(values[1:], 1):
        out = np.where(i == k, v, out)
    return out if out.ndim >= i.ndim else np.broadcast_to(out, np.broadcast_shapes(out.shape, i.shape))


# -- operations -------------------------------------------------------------------------------------------------------


def _fits(a: Array, b: Array) -> None:
    if a.size * b.size > LIMIT and math.prod(np.broadcast_shapes(a.shape[:-2], b.shape[:-2])) > LIMIT:
        raise Unclear("there are too many cases")


def _times(a: Array, b: Array) -> Array:
    """The product of small matrices."""
    inner = a.shape[-1]
    _fits(a, b)
    if not inner:
        return np.zeros((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1]))
    if inner > 6 or (inner > 1 and a.size + b.size < 300):
        return np.asarray(a @ b)
    out = a[..., :, :1] * b[..., :1, :]
    for k in range(1, inner):
        out = out + a[..., :, k : k + 1] * b[..., k : k + 1, :]
    return np.asarray(out)


def dot(a: Num, b: Num) -> Num:
    """Return the matrix product."""
    size = np.abs(b.v)
    e = _times(np.abs(a.v), b.e + U * size)
    if a.e.any():
        e = e + _times(a.e, size + b.e)
    return Num(_times(a.v, b.v), e)


def add(a: Num, b: Num) -> Num:
    """Return the sum."""
    _fits(a.v, b.v)
    v = a.v + b.v
    return Num(v, a.e + b.e + U * np.abs(v))


def mul(a: Num, b: Num) -> Num:
    """Return the product with a number, or of two."""
    _fits(a.v, b.v)
    v = a.v * b.v
    return Num(v, np.abs(a.v) * b.e + np.abs(b.v) * a.e + a.e * b.e + U * np.abs(v))


def negative(a: Num) -> Num:
    """Return −a."""
    return Num(-a.v, a.e)


def _inv(a: Num) -> Num:
    zero = (a.v == 0) & (a.e == 0)
    unclear = ~zero & (np.abs(a.v) <= 4 * a.e)
    v = np.where(zero, 0.0, 1 / np.where(a.v == 0, 1.0, a.v))
    return Num(v, np.where(unclear, BIG, np.where(zero, 0.0, 2 * a.e * v * v + U * np.abs(v))))


def _exp(a: Num) -> Num:
    v = np.exp(np.clip(a.v, -RANGE, RANGE))
    e = v * (np.expm1(np.minimum(a.e, 50.0)) + U * (1 + np.abs(a.v)))
    return Num(v, np.where((a.v > RANGE) | (a.e > 50), BIG, np.where(a.v < -RANGE, v, e)))


def _log(a: Num) -> Num:
    """The logarithm, 0 for a ≤ 0."""
    up = a.v > 4 * a.e
    down = (a.v < -4 * a.e) | ((a.v == 0) & (a.e == 0))
    v = np.where(up, np.log(np.where(up, a.v, 1.0)), 0.0)
    e = np.where(up, 2 * a.e / np.where(up, a.v, 1.0) + U * (1 + np.abs(v)), np.where(down, 0.0, BIG))
    return Num(v, e)


def _trace(a: Num) -> Num:
    if a.v.shape[-1] == 1:
        return a
    v, size, e = (np.einsum("...ii->...", x)[..., None, None] for x in (a.v, np.abs(a.v), a.e))
    return Num(v, e + U * size)


def _minv(a: Num) -> Num:
    """The inverse, 0 where the matrix is singular."""
    n = a.v.shape[-1]
    if n == 0:
        return a
    s = np.linalg.svd(a.v, compute_uv=False)
    low, high, error = s[..., -1], s[..., 0], a.e.max(axis=(-1, -2)) * n
    singular = (low <= 1e-12 * high + 4 * error)[..., None, None]
    vague = (error > 1e-9 * high)[..., None, None]
    v = np.linalg.inv(np.where(singular, np.eye(n), a.v))
    size = np.abs(v)
    e = 2 * _times(_times(size, a.e + n * U * np.abs(a.v)), size)
    return Num(np.where(singular, 0.0, v), np.where(singular, np.where(vague, BIG, 0.0), e))


def _turned(x: Array) -> Array:
    return np.swapaxes(x, -1, -2)


def symmetric_part(a: Array) -> Array:
    """Return (X + Xᵀ)/2."""
    return np.asarray((a + _turned(a)) / 2)


def _root(S: Num) -> Num:
    """Ω with Σ = ΩΩᵀ, 0 where Σ is not symmetric positive semidefinite."""
    if S.v.shape[-1] == 0:
        return S
    values, U_ = np.linalg.eigh(symmetric_part(S.v))
    scale = 1e-9 * (np.abs(values).max(axis=-1) + 1e-300)
    apart = np.abs(S.v - _turned(S.v)).max(axis=(-1, -2))
    proper = ((values[..., 0] >= -scale) & (apart <= scale))[..., None, None]
    roots = np.sqrt(np.where(values > 1e-4 * scale[..., None], values, 0.0))
    v = np.where(proper, U_ * roots[..., None, :], 0.0)
    least = np.sqrt(np.maximum(values[..., -1], 1e-300))[..., None, None]
    return Num(v, np.broadcast_to(4 * U * np.abs(v) + S.e.max(axis=(-1, -2), keepdims=True) / least, v.shape))


@cache
def _nodes(d: int, stage: int) -> tuple[Array, Array, Array]:
    """Gaussian nodes in d dimensions, of two orders one after the other, and the weights of each."""
    parts, weights = [], []
    for count in DEEP[stage][1][d]:
        x, w = np.polynomial.hermite_e.hermegauss(count)
        w = w / w.sum()
        parts.append(np.array(list(tuples(x, repeat=d))).reshape(count**d, d, 1))
        weights.append(np.array([np.prod(p) for p in tuples(w, repeat=d)]))
    low = np.concatenate([weights[0], np.zeros(len(weights[1]))])
    high = np.concatenate([np.zeros(len(weights[0])), weights[1]])
    return np.concatenate(parts), low, high


def _squeezed(x: Num) -> Num:
    """Drop axes in front along which nothing varies, so that a value reads the same under fewer binders."""
    while x.v.ndim > 3 and x.v.shape[0] == 1:
        e = np.broadcast_to(x.e, x.v.shape)[0]
        x = Num(x.v[0], e)
    return x


@cache
def _loose(t: Term) -> tuple[int, ...]:
    return tuple(sorted({i for i, _ in t.loose}))


# -- levels -----------------------------------------------------------------------------------------------------------


def _level(x: Array) -> Array:
    return np.asarray(x, dtype=np.int8)


def _tie(tolerance: Array, scale: Array) -> Array:
    """The level of an equation whose sides differ by less than the tolerance; where tiny, it may be an underflow."""
    scale = np.where((tolerance > 0) & (tolerance < TINY), 0.0, scale)
    return np.where(tolerance <= TIE * scale, TRUE, np.where(tolerance <= VAGUE * scale, YES, UNKNOWN))


def equals(a: Num, b: Num) -> Array:
    """Return the level of a = b."""
    apart, tolerance = np.abs(a.v - b.v), MARGIN * (a.e + b.e)
    scale = 1 + np.abs(a.v) + np.abs(b.v)
    level = np.where(
        apart > tolerance, FALSE, np.maximum(_tie(tolerance, scale), np.where(tolerance < TINY, TRUE, UNKNOWN))
    )
    level = np.where(np.isfinite(apart) & (tolerance < BIG / 1e6), level, UNKNOWN)
    return _level(level.min(axis=(-1, -2), keepdims=True, initial=TRUE))


def at_most(a: Num, b: Num) -> tuple[Array, Array]:
    """Return the levels of a ≤ b and of b < a."""
    gap, tolerance = b.v - a.v, MARGIN * (a.e + b.e)
    tie = _tie(tolerance, 1 + np.abs(a.v) + np.abs(b.v))
    clear = np.isfinite(gap) & (tolerance < BIG / 1e6)
    low = np.where(clear, np.where(gap > tolerance, TRUE, np.where(gap < -tolerance, FALSE, tie)), UNKNOWN)
    high = np.where(clear, np.where(gap > tolerance, FALSE, np.where(gap < -tolerance, TRUE, -tie)), UNKNOWN)
    return _level(low), _level(high)


@cache
def unfolded(t: Term, known: Definition) -> Term:
    """Return what a defined name stands for at its arguments."""
    formula = _closed(known)
    for a in t.args[1:]:
        formula = instantiate(formula.args[1], a)
    return formula if known.body.sort is PROP else formula.args[0]


@cache
def _closed(known: Definition) -> Term:
    formula = known.body if known.body.sort is PROP else equal(known.body, known.body)
    for p in reversed(known.parameters):
        formula = bind("all", p, formula)
    return formula


@cache
def about_definite(t: Term) -> tuple[Term, bool] | None:
    """Return X and whether it is strict, for X ≻ 0 or X ⪰ 0."""
    if t.op != "and" or len(t.args) != 2 or t.args[0].op != "eq" or t.args[1].op != "all":
        return None
    X = t.args[0].args[0]
    if X.sort is None or X.sort.op != "Mat" or X.sort.args[0] is not X.sort.args[1]:
        return None
    return (X, True) if t is definite_term(X) else (X, False) if t is semidefinite(X) else None


class Evaluator:
    """The terms of a trace at given values of its free variables; `depth` counts the axes in front of the values."""

    def __init__(
        self, env: dict[Term, Value], count: int, definitions: dict[str, Definition], depth: int = 0, seed: int = 0
    ) -> None:
        """Take values, the number of instances, and definitions."""
        self.env, self.count, self.definitions, self.depth, self.seed = env, count, definitions, depth, seed
        self.memo: dict[Any, tuple[Any, Any]] = {}
        self.samples: dict[Any, Value] = {}

    # -- terms --------------------------------------------------------------------------------------------------------

    def value(self, t: Term, ctx: Context = (), depth: int | None = None) -> Value:
        """Return the value of a term."""
        depth = self.depth if depth is None else depth
        if t.op == "bound":
            return ctx[int(str(t.val))]
        if not t.args and t.op == "num":
            return constant(float(t.val))  # type: ignore[arg-type]
        key: Any = (t, *(id(ctx[i]) for i in _loose(t))) if t.loose else t
        known = self.memo.get(key)
        if known is None:
            rule = getattr(self, f"_{t.op}", None)
            if rule is None:
                raise Unclear(f"{t.op} is not evaluated")
            found = rule(t, ctx, depth)
            WORK[0] += 500
            if isinstance(found, Num):
                WORK[0] += found.v.size
                if found.v.size > LIMIT:
                    raise Unclear("there are too many cases")
                found = _squeezed(found)
            small = not isinstance(found, Num) or found.v.size <= 20000 or not t.loose
            if small:
                self.memo[key] = found, [ctx[i] for i in _loose(t)]
            return found
        return known[0]

    def size(self, t: Term, ctx: Context = ()) -> int:
        """Return a size."""
        found = self.value(t, ctx)
        if not isinstance(found, int):
            raise Unclear("a size is not known")
        return found

    def open(self, t: Term) -> Term:
        """Return what a defined name stands for."""
        return unfolded(t, self.definitions[str(t.val)])

    def _var(self, t: Term, ctx: Context, depth: int) -> Value:
        found = self.env.get(t)
        if found is None:
            raise Unclear(f"{t.val} has no value")
        return self.value(found) if isinstance(found, Term) else found

    def _c(self, t: Term, ctx: Context, depth: int) -> Value:
        return self.value(self.open(t), ctx, depth)

    def _lit(self, t: Term, ctx: Context, depth: int) -> int:
        return int(t.val)  # type: ignore[call-overload,no-any-return]

    def _plus(self, t: Term, ctx: Context, depth: int) -> int:
        return sum(self.size(a, ctx) for a in t.args)

    def _nth(self, t: Term, ctx: Context, depth: int) -> Array:
        return np.full((1, 1, 1), t.val)

    def _num(self, t: Term, ctx: Context, depth: int) -> Num:
        return constant(float(t.val))  # type: ignore[arg-type]

    def _size(self, t: Term, ctx: Context, depth: int) -> Num:
        return constant(self.size(t.args[0], ctx))

    def _add(self, t: Term, ctx: Context, depth: int) -> Num:
        found: Num = self.value(t.args[0], ctx, depth)
        for a in t.args[1:]:
            found = add(found, self.value(a, ctx, depth))
        return found

    def _mul(self, t: Term, ctx: Context, depth: int) -> Num:
        found: Num = self.value(t.args[0], ctx, depth)
        for a in t.args[1:]:
            found = mul(found, self.value(a, ctx, depth))
        return found

    _scale = _mul

    def _dot(self, t: Term, ctx: Context, depth: int) -> Num:
        """A product of matrices, from the side that is a row or a column."""
        parts: list[Num] = [self.value(a, ctx, depth) for a in t.args]
        if parts[-1].v.shape[-1] == 1 and parts[0].v.shape[-2] != 1:
            found = parts.pop()
            while parts:
                found = dot(parts.pop(), found)
            return found
        found = parts[0]
        for p in parts[1:]:
            found = dot(found, p)
        return found

    def _inv(self, t: Term, ctx: Context, depth: int) -> Num:
        return _inv(self.value(t.args[0], ctx, depth))

    def _exp(self, t: Term, ctx: Context, depth: int) -> Num:
        return _exp(self.value(t.args[0], ctx, depth))

    def _log(self, t: Term, ctx: Context, depth: int) -> Num:
        return _log(self.value(t.args[0], ctx, depth))

    def _tr(self, t: Term, ctx: Context, depth: int) -> Num:
        return _trace(self.value(t.args[0], ctx, depth))

    def _T(self, t: Term, ctx: Context, depth: int) -> Num:
        found = self.value(t.args[0], ctx, depth)
        return Num(_turned(found.v), _turned(found.e))

    def _minv(self, t: Term, ctx: Context, depth: int) -> Num:
        return _minv(self.value(t.args[0], ctx, depth))

    def _id(self, t: Term, ctx: Context, depth: int) -> Num:
        return exact(np.eye(self.size(t.args[0], ctx))[None])

    def _zero(self, t: Term, ctx: Context, depth: int) -> Num:
        return exact(np.zeros((1, *(self.size(a, ctx) for a in t.args))))

    def _unit(self, t: Term, ctx: Context, depth: int) -> Num:
        n = self.size(t.args[0].sort.args[0], ctx)  # type: ignore[union-attr]
        return exact((np.arange(n).reshape(n, 1) == self.value(t.args[0], ctx, depth)).astype(float))

    def _delta(self, t: Term, ctx: Context, depth: int) -> Num:
        i, j = (self.value(a, ctx, depth) for a in t.args)
        return exact((i == j).astype(float))

    def _ap(self, t: Term, ctx: Context, depth: int) -> Value:
        return self.value(t.args[0], ctx, depth)(self.value(t.args[1], ctx, depth), depth)

    def _lam(self, t: Term, ctx: Context, depth: int) -> Value:
        return lambda x, now: self.value(t.args[1], (x, *ctx), now)

    # -- binders over numbers -----------------------------------------------------------------------------------------

    def indices(self, n: Term, ctx: Context, depth: int) -> tuple[int, Array]:
        """Return a size and, on a new axis, the indices below it."""
        count = self.size(n, ctx)
        key = ("indices", count, depth)
        if key not in self.samples:
            self.samples[key] = np.arange(count).reshape(count, *[1] * depth, 1, 1, 1)
        return count, self.samples[key]

    def _under(self, n: Term, body: Term, ctx: Context, depth: int) -> Num:
        """The values of a body for each index, on the axis of the index."""
        count, i = self.indices(n, ctx, depth)
        found: Num = self.value(body, (i, *ctx), depth + 1)
        if found.v.ndim < depth + 4:
            missing = depth + 4 - found.v.ndim
            found = Num(*(np.broadcast_to(x, (count, *[1] * (missing - 1), *x.shape)) for x in found))
        return found

    def _sum(self, t: Term, ctx: Context, depth: int) -> Num:
        found = self._under(t.args[0], t.args[1], ctx, depth)
        return Num(found.v.sum(axis=0), found.e.sum(axis=0) + U * np.abs(found.v).sum(axis=0))

    def _weighed(self, t: Term, ctx: Context, depth: int) -> tuple[Num, Num, Array]:
        """The terms w_l exp(z_l − max z), their sum, and max z."""
        w, z = (self._under(t.args[0], a, ctx, depth) for a in t.args[1:3])
        high = z.v.max(axis=0, initial=-BIG, keepdims=True)
        high = np.where(high == -BIG, 0.0, high)
        parts = mul(w, _exp(Num(z.v - high, z.e)))
        whole = Num(parts.v.sum(axis=0), parts.e.sum(axis=0) + U * np.abs(parts.v).sum(axis=0))
        return parts, whole, high[0]

    def _lse(self, t: Term, ctx: Context, depth: int) -> Num:
        _, whole, high = self._weighed(t, ctx, depth)
        found = _log(whole)
        nothing = (found.v == 0) & (whole.v <= 0)
        v = np.where(nothing, 0.0, found.v + high)
        return Num(v, found.e + U * np.abs(v))

    def _smax(self, t: Term, ctx: Context, depth: int) -> Num:
        parts, whole, _ = self._weighed(t, ctx, depth)
        if not parts.v.shape[0]:
            raise Unclear("there is no index")
        own = _select([Num(v, e) for v, e in zip(*parts, strict=True)], self.value(t.args[3], ctx, depth))
        return mul(own, _inv(whole))

    def _mean(self, t: Term, ctx: Context, depth: int) -> Num:
        """E over N(Σ), by tensor Gauss–Hermite rules of two orders, whose difference is taken for the error."""
        S = self.value(t.args[0], ctx, depth)
        d = S.v.shape[-1]
        if d not in NODES:
            raise Unclear("a Gaussian has too many dimensions")
        key = ("nodes", t.args[0], depth, *(id(ctx[i]) for i in _loose(t.args[0])))
        nodes, low, high = _nodes(d, next(i for i, (limit, _) in enumerate(DEEP) if depth - self.depth < limit))
        if key not in self.samples:
            z = nodes.reshape(len(nodes), *[1] * depth, 1, d, 1)
            root = _root(S)
            self.samples[key] = Num(_times(root.v, z), _times(root.e, np.abs(z))), ctx
        xi = self.samples[key][0]
        found: Num = self.value(t.args[1], (xi, *ctx), depth + 1)
        if found.v.ndim < depth + 4:
            return found
        v = np.tensordot(high, found.v, axes=(0, 0))
        apart = np.abs(v - np.tensordot(low, found.v, axes=(0, 0)))
        size = np.tensordot(high, np.abs(found.v), axes=(0, 0))
        error = apart + U * size + np.tensordot(high, found.e, axes=(0, 0))
        return Num(v, np.where(apart <= CONVERGED * size, error, BIG))

    # -- formulas -----------------------------------------------------------------------------------------------------

    def level(self, t: Term, ctx: Context = (), depth: int | None = None) -> Array:
        """Return the level of a formula for each instance."""
        depth = self.depth if depth is None else depth
        op = t.op
        if op == "not":
            inner = t.args[0]
            return self.compared(inner, ctx, depth)[1] if inner.op == "le" else _level(-self.level(inner, ctx, depth))
        if op == "le":
            return self.compared(t, ctx, depth)[0]
        if op in ("and", "or"):
            return self._joined(t, ctx, depth)
        if op == "imp":
            given = self.level(t.args[0], ctx, depth)
            if (given == FALSE).all():
                return _level(-given)
            return np.maximum(-given, self.level(t.args[1], ctx, depth))
        if op == "iff":
            a, b = (self.level(x, ctx, depth) for x in t.args)
            return _level(np.sign(a) * np.sign(b) * np.minimum(np.abs(a), np.abs(b)))
        if op == "eq":
            a, b = (self.value(x, ctx, depth) for x in t.args)
            return equals(a, b) if isinstance(a, Num) else _level(np.where(a == b, TRUE, FALSE))
        if op in ("all", "ex"):
            return self._quantified(t, ctx, depth)
        if op == "deriv":
            return self._derivative(t, ctx, depth)
        if op == "moderate":
            return self._moderate(t, ctx, depth)
        if op == "c":
            return self.level(self.open(t), ctx, depth)
        raise Unclear(f"{op} is not evaluated")

    def compared(self, t: Term, ctx: Context, depth: int) -> tuple[Array, Array]:
        """Return the levels of a ≤ b and of its negation."""
        return at_most(self.value(t.args[0], ctx, depth), self.value(t.args[1], ctx, depth))

    def _joined(self, t: Term, ctx: Context, depth: int) -> Array:
        about = about_definite(t)
        if about is not None:
            return self.definite(self.value(about[0], ctx, depth), about[1])
        stop, join = (FALSE, np.minimum) if t.op == "and" else (TRUE, np.maximum)
        found = np.full((1, 1, 1), -stop, dtype=np.int8)
        for a in t.args:
            found = join(found, self._try(a, ctx, depth))
            if (found == stop).all():
                break
        return found

    def _try(self, t: Term, ctx: Context, depth: int) -> Array:
        try:
            return self.level(t, ctx, depth)
        except Unclear:
            return np.full((1, 1, 1), UNKNOWN, dtype=np.int8)

    @staticmethod
    def definite(X: Num, strict: bool) -> Array:
        """Return the level of X ≻ 0 or X ⪰ 0."""
        alike = equals(X, Num(_turned(X.v), _turned(X.e)))
        if not X.v.shape[-1]:
            return alike
        low = np.linalg.eigvalsh(symmetric_part(X.v))[..., :1, None]
        error = X.e.sum(axis=(-1, -2), keepdims=True) + U * np.abs(X.v).sum(axis=(-1, -2), keepdims=True)
        least, nothing = Num(low, error), constant(0)
        return np.minimum(alike, at_most(least, nothing)[1] if strict else at_most(nothing, least)[0])

    def _quantified(self, t: Term, ctx: Context, depth: int) -> Array:
        sort, body = t.args
        least = t.op == "all"
        if sort.op == "Index":
            _, i = self.indices(sort.args[0], ctx, depth)
            found = self._spread(self.level(body, (i, *ctx), depth + 1), len(i), depth)
            return _level(found.min(axis=0, initial=TRUE) if least else found.max(axis=0, initial=FALSE))
        if not least:
            return self._exists(t, ctx, depth)
        if sort.op == "Size":
            found = np.full((1, 1, 1), TRUE, dtype=np.int8)
            for n in range(LARGEST_SIZE + 1):
                found = np.minimum(found, self.level(body, (n, *ctx), depth))
            return _level(np.minimum(found, YES))
        values, count = self.sampled(sort, ctx, depth)
        found = self._spread(self.level(body, (values, *ctx), depth + 1), count, depth).min(axis=0)
        return _level(found if self._one_value(sort, ctx) else np.minimum(found, YES))

    @staticmethod
    def _spread(found: Array, count: int, depth: int) -> Array:
        missing = depth + 4 - found.ndim
        return np.broadcast_to(found, (count, *[1] * (missing - 1), *found.shape)) if missing > 0 else found

    def _one_value(self, sort: Term, ctx: Context) -> bool:
        return sort.op == "Mat" and 0 in (self.size(a, ctx) for a in sort.args)

    # -- samples for ∀ ------------------------------------------------------------------------------------------------

    def sampled(self, sort: Term, ctx: Context, depth: int) -> tuple[Value, int]:
        """Return values of a sort on a new axis: nothing, units, and some at random."""
        count = 6 if depth == self.depth else 4 if depth == self.depth + 1 else 3
        concrete = self.concrete(sort, ctx)
        key = (concrete, depth)
        if key not in self.samples:
            rng = np.random.default_rng([self.seed, depth, crc32(repr(concrete).encode())])
            self.samples[key] = draw(concrete, rng, (count, *[1] * depth, self.count), special=True)
        return self.samples[key], count

    def concrete(self, sort: Term, ctx: Context = ()) -> tuple[Any, ...]:
        """Return a sort with its sizes as numbers."""
        if sort.op == "Fun":
            return ("Fun", *(self.concrete(a, ctx) for a in sort.args))
        return (sort.op, *(self.size(a, ctx) for a in sort.args))

    # -- witnesses for ∃ ----------------------------------------------------------------------------------------------

    def _exists(self, t: Term, ctx: Context, depth: int) -> Array:
        """∃: true with a witness; false where linear equations for it have no solution; otherwise samples say NO."""
        sorts: list[tuple[Any, ...]] = []
        if t.args[0].op == "Size":
            found = np.full((1, 1, 1), NO, dtype=np.int8)
            for n in range(LARGEST_SIZE + 1):
                found = np.maximum(found, self._try(t.args[1], (n, *ctx), depth))
                if (found == TRUE).all():
                    break
            return np.maximum(found, NO)
        inner, holes = t, ctx
        while inner.op == "ex" and inner.args[0].op not in ("Size", "Index"):
            sorts.append(self.concrete(inner.args[0], holes))
            holes = (None, *holes)
            inner = inner.args[1]
        try:
            return self._solve(inner, sorts, ctx, depth)
        except Unclear:  # no equations: some values at random
            values, count = self.sampled(t.args[0], ctx, depth)
            found = self._spread(self._try(t.args[1], (values, *ctx), depth + 1), count, depth).max(axis=0)
            return _level(np.maximum(found, UNKNOWN))

    def _solve(self, body: Term, sorts: list[tuple[Any, ...]], ctx: Context, depth: int) -> Array:
        total = sum(entries(s) for s in sorts)
        if total > 24:
            raise Unclear("what exists has too many entries")

        def residual(x: Array) -> Array:
            return self.residual(body, (*unpack_all(sorts, x)[::-1], *ctx), depth + 1)

        def attempt(start: Array, steps: int) -> tuple[Array, Array]:
            x, left, linear, error = gauss_newton(residual, start, steps, straight=True)
            hopeless = linear & (left > 1e-6) & _only_equations(body)
            return self._try(body, (*unpack_all(sorts, x, error)[::-1], *ctx), depth), hopeless[..., None, None]

        found, hopeless = attempt(np.zeros((*[1] * depth, 1, total)), 3)
        if ((found < YES) & ~hopeless).any():
            rng = np.random.default_rng([self.seed, total])
            found = np.maximum(found, attempt(rng.standard_normal((*[1] * depth, self.count, total)), 8)[0])
        return _level(np.where(found > UNKNOWN, found, np.where(hopeless, FALSE, NO)))

    # -- residuals: how far instances are from a formula --------------------------------------------------------------

    def residual(self, t: Term, ctx: Context, depth: int) -> Array:
        """Return numbers, in the last axis, that are 0 where a formula holds, after `depth` axes and instances."""
        flat = [_flat(r, depth) for r in self._residuals(t, ctx, depth)]
        if not flat:
            return np.zeros((*[1] * (depth + 1), 0))
        lead = np.broadcast_shapes(*(f.shape[:-1] for f in flat))
        return np.concatenate([np.broadcast_to(f, (*lead, f.shape[-1])) for f in flat], axis=-1)

    def _residuals(self, t: Term, ctx: Context, depth: int) -> list[Array]:
        op = t.op
        about = about_definite(t)
        if about is not None:
            X = self.value(about[0], ctx, depth).v
            low = np.linalg.eigvalsh(symmetric_part(X))[..., :1, None] if X.shape[-1] else np.ones((1, 1, 1))
            return [X - _turned(X), np.maximum((0.1 if about[1] else 0.0) - low, 0.0)]
        if op == "and":
            return [r for a in t.args for r in self._residuals(a, ctx, depth)]
        if op == "c":
            return self._residuals(self.open(t), ctx, depth)
        if op == "eq":
            a, b = (self.value(x, ctx, depth) for x in t.args)
            if isinstance(a, Num):
                return [a.v - b.v]
        if op == "le":
            a, b = (self.value(x, ctx, depth) for x in t.args)
            return [np.maximum(a.v - b.v, 0.0)]
        if op == "not" and t.args[0].op == "le":
            b, a = (self.value(x, ctx, depth) for x in t.args[0].args)
            return [np.maximum(a.v - b.v + 0.05, 0.0)]
        if op == "not" and t.args[0].op == "eq":
            return []
        if op == "all" and t.args[0].op == "Index":
            _, i = self.indices(t.args[0].args[0], ctx, depth)
            return self._residuals(t.args[1], (i, *ctx), depth + 1)
        if op == "imp":
            off = self.level(t.args[0], ctx, depth) <= NO
            return [np.where(off, 0.0, r) for r in self._residuals(t.args[1], ctx, depth)]
        if op == "ex" and t.args[0].op not in ("Size", "Index"):
            return [self._nearest(t, ctx, depth)]
        raise Unclear(f"{op} is no equation or comparison")

    def _nearest(self, t: Term, ctx: Context, depth: int) -> Array:
        """The residual of what exists at the value where it is least, for equations that are linear in that value."""
        sort = self.concrete(t.args[0], ctx)

        def residual(x: Array) -> Array:
            return self.residual(t.args[1], (unpack(sort, x), *ctx), depth + 1)

        x, *_ = gauss_newton(residual, np.zeros((*[1] * depth, 1, entries(sort))), steps=1)
        return np.asarray(residual(x[None])[0][..., None, :])

    # -- derivatives --------------------------------------------------------------------------------------------------

    def _derivative(self, t: Term, ctx: Context, depth: int) -> Array:
        """f has the derivative v at a: by central differences of two orders."""
        f, a, v = (self.value(x, ctx, depth) for x in t.args)
        h = 0.02
        steps = h * np.arange(-3.0, 4.0)
        at = Num(a.v + steps.reshape(7, *[1] * depth, 1, 1, 1), np.zeros((1, 1, 1)))
        found: Num = f(at, depth + 1)
        if found.v.ndim < depth + 4:
            return equals(constant(0), v)
        fourth = np.array([0, 1, -8, 0, 8, -1, 0]) / (12 * h)
        sixth = np.array([-1, 9, -45, 0, 45, -9, 1]) / (60 * h)
        slope = np.tensordot(sixth, found.v, axes=(0, 0))
        apart = np.abs(slope - np.tensordot(fourth, found.v, axes=(0, 0)))
        noise = np.tensordot(np.abs(sixth), found.e + U * np.abs(found.v), axes=(0, 0))
        return equals(Num(slope, apart + noise), Num(v.v, v.e + a.e * np.abs(slope)))

    def _moderate(self, t: Term, ctx: Context, depth: int) -> Array:
        """A function that is drawn is moderate, by what it is made of; values at some columns say it of no other."""
        drawn = isinstance(self.value(t.args[0], ctx, depth), Smooth)
        return np.full((1, 1, 1), TRUE if drawn else UNKNOWN, dtype=np.int8)


def _only_equations(t: Term) -> bool:
    """Return whether a formula is equations, all of them, for every index."""
    if t.op == "and":
        return about_definite(t) is None and all(map(_only_equations, t.args))
    if t.op == "all":
        return t.args[0].op == "Index" and _only_equations(t.args[1])
    return t.op == "eq"


# -- values as vectors ------------------------------------------------------------------------------------------------


def entries(sort: tuple[Any, ...]) -> int:
    """Return how many numbers a value of a sort has."""
    if sort[0] == "Real":
        return 1
    if sort[0] == "Mat":
        return int(sort[1] * sort[2])
    if sort[0] == "Fun" and sort[1][0] == "Index":
        return int(sort[1][1]) * entries(sort[2])
    raise Unclear(f"a value of sort {sort} is no list of numbers")


def _shape(sort: tuple[Any, ...]) -> tuple[int, int]:
    while sort[0] == "Fun":
        sort = sort[2]
    return (sort[1], sort[2]) if sort[0] == "Mat" else (1, 1)


def unpack(sort: tuple[Any, ...], x: Array, error: Array | None = None) -> Value:
    """Return a value from numbers in the last axis; the axis before it is that of the instances."""
    if sort[0] == "Fun":
        part = entries(sort[2])
        rows = [unpack(sort[2], x[..., i * part : (i + 1) * part], error) for i in range(sort[1][1])]
        return Table(rows, sort[2])
    v = x.reshape(*x.shape[:-1], *_shape(sort))
    return exact(v) if error is None else Num(*np.broadcast_arrays(v, error[..., None, None]))


def unpack_all(sorts: Sequence[tuple[Any, ...]], x: Array, error: Array | None = None) -> list[Value]:
    """Return values of several sorts from numbers in the last axis."""
    found, at = [], 0
    for s in sorts:
        n = entries(s)
        found.append(unpack(s, x[..., at : at + n], error))
        at += n
    return found


def pack(value: Value, count: int) -> Array:
    """Return the numbers of a value, for each instance."""
    if isinstance(value, Table):
        return np.concatenate([np.zeros((count, 0)), *(pack(v, count) for v in value.values)], axis=-1)
    if not isinstance(value, Num) or value.v.ndim != 3:
        raise Unclear("a value is no list of numbers")
    return np.broadcast_to(value.v, (count, *value.v.shape[1:])).reshape(count, -1)


def draw(sort: tuple[Any, ...], rng: np.random.Generator, lead: tuple[int, ...], special: bool = False) -> Value:
    """Return random values; special ones have 0 and units first, on the first axis."""
    if sort[0] == "Index":
        if not sort[1]:
            raise Unclear("there is no index")
        return rng.integers(0, sort[1], (*lead, 1, 1))
    if sort[0] == "Fun" and sort[1][0] == "Index":
        return Table([draw(sort[2], rng, lead, special) for _ in range(sort[1][1])], sort[2])
    if sort[0] == "Fun":
        return _smooth(sort, rng, lead)
    shape = (*lead, *((1, 1) if sort[0] == "Real" else sort[1:]))
    x = (1.0 if sort[0] == "Real" else 0.55) * rng.standard_normal(shape)
    grid = rng.integers(-2, 3, shape) / 2
    x = np.where(rng.random((*lead, 1, 1)) < 0.25, grid, x)
    if special:
        x[0] = 0.0
        if len(x) > 1:
            x[1] = np.eye(*shape[-2:])
        if sort[0] == "Real" and len(x) > 2:
            x[2] = -1.0
    return exact(x)


@dataclass(frozen=True)
class Smooth:
    """A function of a number or a matrix X: affine in t = tr(XᵀN), and a wave; or a bend that is convex."""

    normal: Num
    top: Value
    slope: Value
    wave: Value
    convex: bool

    def __call__(self, x: Num, depth: int) -> Value:
        """Return the value at x."""
        inner = _trace(dot(Num(_turned(x.v), _turned(x.e)), self.normal))
        bend = Num(np.logaddexp(inner.v, -inner.v) if self.convex else np.sin(inner.v), inner.e + U)
        if not isinstance(self.top, Num):
            raise Unclear("a function of functions is not drawn")
        return add(add(self.top, mul(inner, self.slope)), mul(bend, self.wave))

    def parts(self) -> tuple[Value, ...]:
        """Return what it is made of, for each instance."""
        return self.normal, self.top, self.slope, self.wave


def _smooth(sort: tuple[Any, ...], rng: np.random.Generator, lead: tuple[int, ...]) -> Value:
    """Return a function; one of a column that has numbers as values is convex, since only such ones have means."""
    if sort[1][0] not in ("Real", "Mat"):
        raise Unclear("a function of this sort is not drawn")
    normal = draw(("Mat", *_shape(sort[1])), rng, lead[-1:])
    top, slope, wave = (draw(sort[2], rng, lead[-1:]) for _ in range(3))
    convex = sort[1][0] == "Mat" and sort[1][2] == 1 and sort[2][0] == "Real"
    if convex:
        wave = Num(np.abs(wave.v), wave.e)
    return Smooth(normal, top, slope, wave, convex)


def _flat(r: Array, depth: int) -> Array:
    """Return an array with the axes of inner binders, of rows and of columns as one, the last."""
    inner = max(r.ndim - 3 - depth, 0)
    r = r.reshape(*[1] * (depth + 3 - r.ndim), *r.shape)
    r = np.moveaxis(r, range(inner), range(-inner, 0)) if inner else r
    return r.reshape(*r.shape[: depth + 1], math.prod(r.shape[depth + 1 :]))


def gauss_newton(
    residual: Callable[[Array], Array], x: Array, steps: int, straight: bool = False
) -> tuple[Array, Array, Array, Array]:
    """Return x where the residual is small, how large it is, whether it is affine (if asked), and the error of x.

    `residual` takes x with a new first axis, of trials. The last axis of x, and of residuals, is the unknowns'.
    """
    n, h = x.shape[-1], 0.01
    affine: Array | None = None
    stretch = np.zeros(1)
    here = residual(x[None])[0]
    best, least = x, _norm(here)
    before = least
    for step in range(steps):
        if not n or not here.shape[-1] or (least < 1e-13).all() or (step > 2 and (least > 0.5 * before).all()):
            break
        before = least
        moves = h * np.concatenate([np.eye(n), -np.eye(n)]).reshape(2 * n, *[1] * (x.ndim - 1), n)
        around = residual(x[None] + moves)
        around = np.broadcast_to(around, (2 * n, *around.shape[1:]))
        J = np.moveaxis((around[:n] - around[n:]) / (2 * h), 0, -1)
        back = np.linalg.pinv(np.nan_to_num(J), rcond=1e-9)
        move = -(back @ np.nan_to_num(here)[..., None])[..., 0]
        stretch = np.sqrt((back**2).sum(axis=(-1, -2)))
        new = x + move
        after = residual(new[None])[0]
        if straight and affine is None:
            affine = _affine(residual, x, here, J)
        size = _norm(after)
        better = size < least
        best = np.where(better[..., None], new, best)
        least = np.where(better, size, least)
        x, here = new, after
    error = 1e-14 * (1 + np.abs(best).max(axis=-1, initial=0.0)) + 4 * stretch * (least + 2e-15)
    return best, least, np.full(least.shape, not n) if affine is None else affine, error


def _affine(residual: Callable[[Array], Array], x: Array, here: Array, J: Array) -> Array:
    """Whether the residual is seen to be affine: J says what it is far from x."""
    far = np.random.default_rng(5).standard_normal(x.shape)
    bent = np.abs(residual((x + far)[None])[0] - here - (J @ far[..., None])[..., 0]).max(axis=-1, initial=0.0)
    return np.asarray(bent <= 1e-9 * (1 + np.abs(here).max(axis=-1, initial=0.0)))


def _norm(r: Array) -> Array:
    found = np.abs(r).max(axis=-1, initial=0.0)
    return np.where(np.isfinite(found), found, BIG)
