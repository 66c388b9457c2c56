"""The value of a term in floats, by brute force: a second reading of what the operations of the proof checker mean.

A size is an integer, an index too, a matrix an array, a function a Python function. A Gaussian mean is a Gauss–Hermite
rule with four nodes an axis: linear, of total 1, and exact for polynomials of degree 7.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from thmverify.kernel.proofs.terms import Term

TINY = 1e-9  # what counts as 0 where a function jumps there
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(4)
WEIGHTS = WEIGHTS / WEIGHTS.sum()

Values = dict[Term, Any]


class Undecided(Exception):  # noqa: N818
    """A value is too large, or too near a jump, for floats to say anything."""


class Evaluator:
    """Values of terms, given those of their free variables and the definitions of their constants.

    `closed`: those of terms without variables that are bound outside, within a mean, whose nodes all have them.
    """

    def __init__(
        self,
        values: Values,
        definitions: dict[str, tuple[tuple[Term, ...], Term]] | None = None,
        closed: Values | None = None,
    ) -> None:
        self.values = values
        self.definitions = definitions or {}
        self.closed = closed

    def __call__(self, t: Term, *bound: Any) -> Any:
        """Return the value; `bound` are the values of the variables bound outside, the innermost first."""
        if self.closed is None or t.reach:
            return self._found(t, bound)
        if t not in self.closed:
            self.closed[t] = self._found(t, bound)
        return self.closed[t]

    def _found(self, t: Term, bound: tuple[Any, ...]) -> Any:
        found = getattr(self, f"of_{t.op}")(t, bound)
        if isinstance(found, float):
            small = abs(found) < 1e7
        else:
            small = not isinstance(found, np.ndarray) or (np.abs(found) < 1e7).all()
        if not small:
            raise Undecided
        return found

    def family(self, n: Term, body: Term, bound: tuple[Any, ...]) -> list[Any]:
        return [self(body, i, *bound) for i in range(self(n, *bound))]

    # -- leaves -----------------------------------------------------------------------------------------------------

    def of_var(self, t: Term, bound: tuple[Any, ...]) -> Any:
        return self.values[t]

    def of_bound(self, t: Term, bound: tuple[Any, ...]) -> Any:
        return bound[t.val]

    def of_lit(self, t: Term, bound: tuple[Any, ...]) -> int:
        return t.val

    of_nth = of_lit

    def of_plus(self, t: Term, bound: tuple[Any, ...]) -> int:
        return sum(self(a, *bound) for a in t.args)

    def of_num(self, t: Term, bound: tuple[Any, ...]) -> float:
        return float(t.val)

    def of_size(self, t: Term, bound: tuple[Any, ...]) -> float:
        return float(self(t.args[0], *bound))

    def of_id(self, t: Term, bound: tuple[Any, ...]) -> Any:
        return np.eye(self(t.args[0], *bound))

    def of_zero(self, t: Term, bound: tuple[Any, ...]) -> Any:
        return np.zeros([self(a, *bound) for a in t.args])

    def of_unit(self, t: Term, bound: tuple[Any, ...]) -> Any:
        return np.eye(self(t.args[0].sort.args[0], *bound))[:, [self(t.args[0], *bound)]]

    # -- functions --------------------------------------------------------------------------------------------------

    def of_lam(self, t: Term, bound: tuple[Any, ...]) -> Callable[[Any], Any]:
        return lambda x: self(t.args[1], x, *bound)

    def of_ap(self, t: Term, bound: tuple[Any, ...]) -> Any:
        return self(t.args[0], *bound)(self(t.args[1], *bound))

    def of_c(self, t: Term, bound: tuple[Any, ...]) -> Any:
        parameters, body = self.definitions[t.val]
        inner = Evaluator(dict(zip(parameters, (self(a, *bound) for a in t.args[1:]), strict=True)), self.definitions)
        return inner(body)

    # -- numbers ----------------------------------------------------------------------------------------------------

    def of_add(self, t: Term, bound: tuple[Any, ...]) -> Any:
        return sum(self(a, *bound) for a in t.args)

    def of_mul(self, t: Term, bound: tuple[Any, ...]) -> float:
        return math.prod(self(a, *bound) for a in t.args)

    def of_inv(self, t: Term, bound: tuple[Any, ...]) -> float:
        a = self(t.args[0], *bound)
        if TINY**2 < abs(a) < 1e-4:
            raise Undecided
        return 1 / a if abs(a) > TINY else 0.0

    def of_exp(self, t: Term, bound: tuple[Any, ...]) -> float:
        a = self(t.args[0], *bound)
        if a > 15:
            raise Undecided
        return math.exp(a)

    def of_log(self, t: Term, bound: tuple[Any, ...]) -> float:
        a = self(t.args[0], *bound)
        if TINY**2 < abs(a) < 1e-4:
            raise Undecided
        return math.log(a) if a > TINY else 0.0

    def of_delta(self, t: Term, bound: tuple[Any, ...]) -> float:
        return float(self(t.args[0], *bound) == self(t.args[1], *bound))

    def of_sum(self, t: Term, bound: tuple[Any, ...]) -> Any:
        parts = self.family(t.args[0], t.args[1], bound)
        if t.sort.op == "Mat" and not parts:
            return np.zeros([self(a, *bound) for a in t.sort.args])
        return sum(parts, 0.0)

    def _weights(self, t: Term, bound: tuple[Any, ...]) -> list[float]:
        n, w, z = t.args[:3]
        logits = self.family(n, z, bound)
        if any(x > 15 for x in logits):
            raise Undecided
        return [a * math.exp(b) for a, b in zip(self.family(n, w, bound), logits, strict=True)]

    def _checked(self, total: float) -> float:
        if TINY**2 < abs(total) < 1e-4:
            raise Undecided
        return total

    def of_lse(self, t: Term, bound: tuple[Any, ...]) -> float:
        total = self._checked(sum(self._weights(t, bound)))
        return math.log(total) if total > TINY else 0.0

    def of_smax(self, t: Term, bound: tuple[Any, ...]) -> float:
        weights = self._weights(t, bound)
        total = self._checked(sum(weights))
        return weights[self(t.args[3], *bound)] / total if abs(total) > TINY else 0.0

    def of_mean(self, t: Term, bound: tuple[Any, ...]) -> float:
        S = self(t.args[0], *bound)
        L, d = factor(S), len(S)
        if L is None:
            return self(t.args[1], np.zeros((d, 1)), *bound)
        inner = self if self.closed is not None else Evaluator(self.values, self.definitions, {})
        total = 0.0
        for node, weight in rule(tuple(NODES), tuple(WEIGHTS), d):
            total += weight * inner(t.args[1], L @ node, *bound)
        return total

    # -- matrices ---------------------------------------------------------------------------------------------------

    def of_tr(self, t: Term, bound: tuple[Any, ...]) -> float:
        return float(np.trace(self(t.args[0], *bound)))

    def of_dot(self, t: Term, bound: tuple[Any, ...]) -> Any:
        found = self(t.args[0], *bound)
        for a in t.args[1:]:
            found = found @ self(a, *bound)
        return found

    def of_scale(self, t: Term, bound: tuple[Any, ...]) -> Any:
        return self(t.args[0], *bound) * self(t.args[1], *bound)

    def of_T(self, t: Term, bound: tuple[Any, ...]) -> Any:
        return self(t.args[0], *bound).T

    def of_minv(self, t: Term, bound: tuple[Any, ...]) -> Any:
        X = self(t.args[0], *bound)
        det = abs(np.linalg.det(X)) if X.size else 1.0
        if TINY**2 < det < 1e-4:
            raise Undecided
        return np.linalg.inv(X) if det > TINY else np.zeros_like(X)

    # -- formulas -----------------------------------------------------------------------------------------------------

    def of_eq(self, t: Term, bound: tuple[Any, ...]) -> bool:
        return bool(np.allclose(self(t.args[0], *bound), self(t.args[1], *bound), atol=TINY))

    def of_le(self, t: Term, bound: tuple[Any, ...]) -> bool:
        return bool(self(t.args[0], *bound) <= self(t.args[1], *bound) + TINY)

    def of_not(self, t: Term, bound: tuple[Any, ...]) -> bool:
        return not self(t.args[0], *bound)

    def of_and(self, t: Term, bound: tuple[Any, ...]) -> bool:
        return all(self(a, *bound) for a in t.args)

    def of_or(self, t: Term, bound: tuple[Any, ...]) -> bool:
        return any(self(a, *bound) for a in t.args)

    def of_imp(self, t: Term, bound: tuple[Any, ...]) -> bool:
        return not self(t.args[0], *bound) or self(t.args[1], *bound)

    def of_iff(self, t: Term, bound: tuple[Any, ...]) -> bool:
        return self(t.args[0], *bound) == self(t.args[1], *bound)

    def of_moderate(self, t: Term, bound: tuple[Any, ...]) -> bool:
        """What values at some columns never tell."""
        raise Undecided

    def of_all(self, t: Term, bound: tuple[Any, ...]) -> bool:
        """Return whether it holds for every index."""
        return all(self.family(t.args[0].args[0], t.args[1], bound))


@lru_cache(100)
def rule(nodes: tuple[float, ...], weights: tuple[float, ...], d: int) -> list[tuple[Any, float]]:
    """Return the nodes of a rule for each axis in d dimensions, as columns, and their weights."""
    columns = (np.array(x).reshape(d, 1) for x in itertools.product(nodes, repeat=d))
    return list(zip(columns, (float(np.prod(w)) for w in itertools.product(weights, repeat=d)), strict=True))


def factor(S: Any) -> Any:
    """Return L with LLᵀ = S for a symmetric positive semidefinite S, and None for any other."""
    d = len(S)
    if not np.allclose(S, S.T, atol=TINY):
        return None
    S, L = np.array(S, dtype=float), np.zeros((d, d))
    for j in range(d):
        if S[j, j] < -TINY or (S[j, j] <= TINY and np.any(np.abs(S[j:, j]) > 1e-6)):
            return None
        if S[j, j] > TINY:
            L[:, j] = S[:, j] / math.sqrt(S[j, j])
            S -= np.outer(L[:, j], L[:, j])
    return L


# -- values that nothing is known of ----------------------------------------------------------------------------------


def features(sort: Term, value: Any, sizes: Evaluator) -> list[float]:
    """Return numbers on which a random function of a value of this sort depends smoothly."""
    if sort.op == "Real":
        return [value]
    if sort.op in ("Index", "Size"):
        return [math.cos(1.7 * value + 0.3), math.sin(2.3 * value)]
    if sort.op == "Mat":
        return [float(x) * (1 + 0.37 * i) for i, x in enumerate(np.ravel(value))][:6]
    points = {"Real": [0.3, -0.8], "Size": [1, 2]}.get(sort.args[0].op)
    if sort.args[0].op == "Index":
        points = list(range(sizes(sort.args[0].args[0])))
    return [y for p in points or () for y in features(sort.args[1], value(p), sizes)]


class Repeated:
    """A generator that draws the same numbers again from each start on, if it is asked for the same."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._drawn: list[Any] = []
        self._next = 0
        self._inner: dict[int, Repeated] = {}

    def inner(self, seed: int) -> Repeated:
        """Return the generator of a function that this one draws."""
        return self._inner.setdefault(seed, Repeated(seed))

    def from_the_start(self) -> Repeated:
        self._next = 0
        return self

    def _again(self, draw: Callable[..., Any], *asked: Any) -> Any:
        if self._next == len(self._drawn):
            self._drawn.append((asked, draw(*asked)))
        before, found = self._drawn[self._next]
        assert before == asked
        self._next += 1
        return found

    def uniform(self, *asked: Any) -> Any:
        return self._again(self._rng.uniform, *asked)

    def integers(self, *asked: Any) -> Any:
        return self._again(self._rng.integers, *asked)


def anything(sort: Term, rng: np.random.Generator | Repeated, sizes: Evaluator, given: tuple[float, ...] = ()) -> Any:
    """Return a random value of a sort; one of a function depends on its arguments and is the same each time."""
    if sort.op == "Fun":
        seed = int(rng.integers(2**31))
        repeated = rng.inner(seed) if isinstance(rng, Repeated) else Repeated(seed)

        def value(x: Any) -> Any:
            more = tuple(features(sort.args[0], x, sizes))
            return anything(sort.args[1], repeated.from_the_start(), sizes, (*given, *more))

        return value
    if sort.op == "Size":
        return _choice(rng, given, 3)
    if sort.op == "Index":
        return _choice(rng, given, sizes(sort.args[0]))
    shape = () if sort.op == "Real" else tuple(sizes(a) for a in sort.args)
    found = rng.uniform(-1, 1, shape)
    for x in given:
        found = found + np.sin(rng.uniform(-1.5, 1.5, shape) * x)
    return found if shape else float(found)


def _choice(rng: np.random.Generator | Repeated, given: tuple[float, ...], count: int) -> int:
    total = rng.uniform(0, 97) + sum(rng.uniform(5, 50) * x for x in given)
    return math.floor(total) % count if count else 0
