"""Instances of a model of one's own: its quantities with their symbols and ranges, drawn, searched, and made exact."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import scipy
from sympy import And, Eq, Ge, Gt, Le, Lt, MatrixSymbol, Poly, PolynomialError, Rational, Symbol, lambdify, latex, solve
from sympy.core.relational import Relational

from thmverify.errors import InputError
from thmverify.hypotheses import Hypothesis
from thmverify.models import Floats, Instance, Record
from thmverify.rationals import Number, rational

Values: TypeAlias = dict[str, Any]
_ATTEMPTS = 200
_STEPS = (1, 2, 3, 4, 10, 60)  # denominators of random fractions of a range
_FINEST = 40  # halvings of the distance between a float and the rational that stands for it


@dataclass(frozen=True, init=False)
class Variable:
    """A quantity: a Symbol, or a MatrixSymbol of given size, each entry of which lies between `low` and `high`.

    Raises InputError when `low` is not below `high`, or the size of a matrix is not a number.
    """

    symbol: Any
    meaning: str
    low: Fraction
    high: Fraction
    integer: bool

    def __init__(self, symbol: Any, meaning: str, low: Number, high: Number, integer: bool = False) -> None:
        name = str(symbol)
        if not isinstance(symbol, Symbol | MatrixSymbol):
            raise InputError("symbol", name, "is no symbol", 'write Symbol("x") or MatrixSymbol("X", 2, 2)')
        if isinstance(symbol, MatrixSymbol) and not all(n.is_Integer for n in symbol.shape):
            raise InputError(name, str(symbol.shape), "is no size", "give the numbers of rows and columns")
        bounds = rational(f"{name}.low", low), rational(f"{name}.high", high)
        if not bounds[0] < bounds[1]:
            raise InputError(f"{name}.low", str(low), f"is not below {name}.high = {high}", "give a range")
        values = (symbol, meaning, *bounds, integer)
        for field, value in zip(("symbol", "meaning", "low", "high", "integer"), values, strict=True):
            object.__setattr__(self, field, value)

    @property
    def name(self) -> str:
        """Its name in records and formulas."""
        return str(self.symbol)

    @property
    def latex(self) -> str:
        """The symbol as LaTeX."""
        return str(latex(self.symbol))

    @property
    def shape(self) -> tuple[int, ...]:
        """() for a number, (m, n) for a matrix."""
        return tuple(int(n) for n in self.symbol.shape) if isinstance(self.symbol, MatrixSymbol) else ()


@dataclass(frozen=True)
class Space:
    """The instances of a model: what its quantities are, and in which ranges they are looked for.

    >>> from sympy import symbols
    >>> x, y = symbols("x y")
    >>> space = Space("pair", (Variable(x, "a number", 0, 1), Variable(y, "another", 0, 1)))
    >>> space.draw(random.Random(0), (Hypothesis("ordered", x < y, "x is the smaller."),)).model.entries[0][0]
    'x'
    """

    name: str
    variables: tuple[Variable, ...]

    def check(self, record: Record) -> None:
        """Raise InputError unless a record has each quantity, in its shape, and no other."""
        given, known = dict(record.entries), {v.name: v for v in self.variables}
        for name in given:
            if name not in known:
                raise InputError(f"values.{name}", name, "is no quantity of the model", f"it has {', '.join(known)}")
        for name, v in known.items():
            if name not in given:
                raise InputError(f"values.{name}", "missing", "is required", f'add "{name}": {v.meaning}')
            x = given[name]
            rows = len(x) if isinstance(x, tuple) else 0
            first = x[0] if isinstance(x, tuple) else ()
            shape = () if not rows else (rows, len(first)) if isinstance(first, tuple) else (rows, 1)
            if shape != v.shape:
                wanted = f"{v.shape[0]} × {v.shape[1]}" if v.shape else "a number"
                found = f"{shape[0]} × {shape[1]}" if shape else "a number"
                raise InputError(f"values.{name}", found, f"must be {wanted}", v.meaning)

    def draw(self, rng: random.Random, hypotheses: Sequence[Hypothesis] = ()) -> Instance:
        """Return a random instance on which the hypotheses hold, exactly.

        A number is drawn between the bounds that linear hypotheses set it, given those drawn before it. Raises
        InputError when no instance is found.
        """
        relations = [r for h in hypotheses for r in _relations(h.formula)]
        for _ in range(_ATTEMPTS):
            values: dict[Any, Any] = {}
            for variable in self.variables:
                if not _assign(variable, values, relations, rng):
                    break
            else:
                instance = Instance(Record(**{v.name: values[v.symbol] for v in self.variables}))
                if all(h.holds(instance) for h in hypotheses):
                    return instance
        rule = f"none of {_ATTEMPTS} instances that were drawn satisfies them"
        remedy = "widen the ranges, or order the quantities so that each is bounded by those before it"
        raise InputError("hypotheses", [h.name for h in hypotheses], rule, remedy)

    def size(self, hypotheses: Sequence[Hypothesis]) -> int:
        """Return how many free numbers an instance has: those that a hypothesis does not determine."""
        return sum(math.prod(v.shape) for v in self.free(hypotheses))

    def free(self, hypotheses: Sequence[Hypothesis]) -> tuple[Variable, ...]:
        """Return the quantities that no hypothesis determines."""
        fixed = _determined(self.variables, tuple(hypotheses))
        return tuple(v for v in self.variables if v not in fixed)

    def batch(self, points: Floats, hypotheses: Sequence[Hypothesis]) -> dict[str, Floats]:
        """Return the quantities of points (n × size) of independent standard normal numbers, (n, …) each.

        Each number lies between the bounds that linear hypotheses set it, given those before it.
        """
        fixed, shares = _determined(self.variables, tuple(hypotheses)), scipy.special.ndtr(points)
        relations = [r for h in hypotheses for r in _relations(h.formula)]
        found: dict[str, Floats] = {}
        at = 0
        for v in self.variables:
            if v not in fixed:
                share = shares[:, at : at + math.prod(v.shape)].reshape(len(points), *v.shape)
                at += math.prod(v.shape)
                low, high = _edges(v, found, relations)
                spread = np.floor(share * (high - low + 1)) if v.integer else share * (high - low)
                found[v.name] = np.minimum(low + spread, high)
        for v, formula in fixed.items():
            found[v.name] = np.broadcast_to(_floats(formula, found), (len(points),))
        return found

    def exact(self, values: Mapping[str, Floats], hypotheses: Sequence[Hypothesis], halvings: int) -> Record:
        """Return a record of simple rationals near floats; what hypotheses determine is computed from the others."""
        near = {v.name: _near(v, values[v.name], halvings) for v in self.free(hypotheses)}
        return self.complete(near, hypotheses)

    def complete(self, values: Mapping[str, Any], hypotheses: Sequence[Hypothesis]) -> Record:
        """Return the record with these values of what is free; what hypotheses determine is computed from them.

        Raises InputError when that is not a rational number.
        """
        found: Values = dict(values)
        for v, formula in _determined(self.variables, tuple(hypotheses)).items():
            found[v.name] = formula.subs({s: found[str(s)] for s in formula.free_symbols})
        return Record(**{v.name: found[v.name] for v in self.variables})


@dataclass(frozen=True)
class Sampler:
    """Draws instances of a space under hypotheses; it travels to workers."""

    space: Space
    hypotheses: tuple[Hypothesis, ...]

    def __call__(self, rng: random.Random) -> Instance:
        """Return a random instance. Raises InputError when none is found."""
        return self.space.draw(rng, self.hypotheses)


@lru_cache(maxsize=64)
def _determined(variables: tuple[Variable, ...], hypotheses: tuple[Hypothesis, ...]) -> dict[Variable, Any]:
    """Return the numbers that an equation gives in terms of others that none gives, with their formulas."""
    found: dict[Variable, Any] = {}
    for relation in (r for h in hypotheses for r in _relations(h.formula) if isinstance(r, Eq)):
        for v in reversed(variables):
            others = relation.free_symbols - {v.symbol}
            if v.shape or v.integer or v in found or v.symbol not in relation.free_symbols:
                continue
            if others & {x.symbol for x in found} or any(v.symbol in f.free_symbols for f in found.values()):
                continue
            solutions = solve(relation, v.symbol)
            if len(solutions) == 1:
                found[v] = solutions[0]
                break
    return found


def _relations(formula: Any) -> tuple[Any, ...]:
    """Return the relations that a conjunction joins."""
    parts = formula.args if isinstance(formula, And) else (formula,)
    return tuple(p for p in parts if isinstance(p, Relational))


def _assign(variable: Variable, values: dict[Any, Any], relations: Sequence[Any], rng: random.Random) -> bool:
    """Draw a quantity, given those before it; say whether there is one."""
    if variable.shape:
        rows, columns = variable.shape
        drawn = [[_number(variable, variable.low, variable.high, rng) for _ in range(columns)] for _ in range(rows)]
        values[variable.symbol] = drawn
        return True
    known = {s: Rational(x) for s, x in values.items() if not isinstance(x, list)}
    low, high = variable.low, variable.high
    for relation in relations:
        if relation.free_symbols - set(known) == {variable.symbol}:
            low, high = _bounded(relation.subs(known), variable.symbol, low, high)
    if low > high or (variable.integer and math.ceil(low) > math.floor(high)):
        return False
    values[variable.symbol] = _number(variable, low, high, rng)
    return True


def _bounded(relation: Any, symbol: Any, low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """Return the range that is left by a relation which is linear in the symbol; another one leaves it as it is."""
    slope, constant = _line(relation, symbol)
    if not (isinstance(slope, Rational) and isinstance(constant, Rational) and slope):
        return low, high
    edge = Fraction(*(-constant / slope).as_numer_denom())
    if isinstance(relation, Eq):
        return max(low, edge), min(high, edge)
    below = isinstance(relation, Le | Lt) == bool(slope > 0)
    return (low, min(high, edge)) if below else (max(low, edge), high)


def _line(relation: Any, symbol: Any) -> tuple[Any, Any]:
    """Return a and b of a relation a·symbol + b ⋚ 0; zeros when it is not one."""
    try:
        polynomial = Poly(relation.lhs - relation.rhs, symbol)
    except (AttributeError, PolynomialError):
        return 0, 0
    if not isinstance(relation, Eq | Le | Lt | Ge | Gt) or polynomial.degree() != 1:
        return 0, 0
    return polynomial.coeff_monomial(symbol), polynomial.coeff_monomial(1)


def _edges(variable: Variable, found: Mapping[str, Floats], relations: Sequence[Any]) -> tuple[Any, Any]:
    """Return the bounds of a quantity in each record of a batch, given the quantities before it."""
    low, high = float(variable.low), float(variable.high)
    lows: Any = low
    highs: Any = high
    for relation in relations if not variable.shape else ():
        others = {str(s) for s in relation.free_symbols} - {variable.name}
        slope, constant = _line(relation, variable.symbol)
        if slope == 0 or isinstance(relation, Eq) or not others <= set(found):
            continue
        slopes = _floats(slope, found)
        with np.errstate(all="ignore"):
            edge = np.where(slopes == 0, np.nan, -_floats(constant, found) / slopes)
        below = isinstance(relation, Le | Lt) == (slopes > 0)
        highs = np.fmin(highs, np.where(below, edge, np.nan))
        lows = np.fmax(lows, np.where(below, np.nan, edge))
    return np.clip(np.minimum(lows, highs), low, high), np.clip(highs, low, high)


def _floats(formula: Any, found: Mapping[str, Floats]) -> Floats:
    """Return the value of a formula in each record of a batch, in float64."""
    names = sorted(formula.free_symbols, key=str)
    with np.errstate(all="ignore"):
        value: Floats = np.asarray(lambdify(names, formula, "numpy")(*(found[str(s)] for s in names)), dtype=np.float64)
    return value


def _number(variable: Variable, low: Fraction, high: Fraction, rng: random.Random) -> Fraction:
    if variable.integer:
        return Fraction(rng.randint(math.ceil(low), math.floor(high)))
    steps = rng.choice(_STEPS) * rng.choice(_STEPS)
    return low + (high - low) * Fraction(rng.randint(0, steps), steps)


def _near(variable: Variable, value: Floats, halvings: int) -> Any:
    """Return the simplest rationals within a fraction of the range, one for each entry of one record's value."""
    slack = (variable.high - variable.low) / 2 ** min(halvings, _FINEST)

    def one(x: float) -> Fraction:
        centre = Fraction(x)
        low, high = max(variable.low, centre - slack), min(variable.high, centre + slack)
        return Fraction(round(centre)) if variable.integer else simplest(min(low, high), max(low, high))

    return [[one(float(x)) for x in row] for row in value] if variable.shape else one(float(value))


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """Return the rational of least denominator in [low, high], and of least numerator among those.

    The continued fractions of the two ends agree up to it (Stern and Brocot).
    """
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -simplest(-high, -low)
    whole = low.numerator // low.denominator
    if whole == low:
        return Fraction(whole)
    if whole + 1 <= high:
        return Fraction(whole + 1)
    return whole + 1 / simplest(1 / (high - whole), 1 / (low - whole))
