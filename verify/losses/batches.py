"""A loss that was made from a formula, for a batch of mixtures at once: value and derivatives, in float64.

It is the loss's own formula, traced on `Stack`s in place of rational matrices; the rules of `integrate/stacks.py` do
the integrals. Nothing here says how large an error is: see `shift` there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from thmverify.integrate.scores import Law
from thmverify.integrate.stacks import softmax, softplus
from thmverify.losses.expectations import (
    CandidatesTerm,
    DirectionsTerm,
    Formula,
    HingeTerm,
    LogSumExpTerm,
    SoftplusTerm,
    Term,
    TransportTerm,
    as_formula,
)
from thmverify.losses.matrices import pulled_back
from thmverify.losses.record import Loss
from thmverify.losses.stacks import Instances, Mixtures, Stack, array_of
from thmverify.models import Floats


@dataclass(frozen=True)
class Evaluated:
    """A loss at maps A (n × d × r) and shifts b (n): its value (n), and its derivatives by A, by b (n), and by M = AAᵀ.

    M: symmetric (n × d × d), None where the loss is no function of M.
    """

    value: Floats
    A: Floats
    b: Floats
    M: Floats | None


def has_batches(loss: Loss) -> bool:
    """Whether the loss has a formula that is traced on batches."""
    return loss.expression is not None and loss.expression.variables.made is not None


def evaluated(loss: Loss, instances: Instances, A: Floats, b: Floats, shift: float = 0.0) -> Evaluated:
    """Return the loss and its derivatives; NaN in a row where the rules do not reach. Raises as `evaluated_twice`."""
    return next(_evaluations(loss, instances, A, b, (shift,)))


def evaluated_twice(loss: Loss, instances: Instances, A: Floats, b: Floats) -> tuple[Evaluated, Evaluated]:
    """Return the loss and its derivatives with a shift of 0 and of ½: where they agree they are believed.

    Raises TypeError, AttributeError, … where the formula asks for what a batch does not have, and TooManyError where an
    integral has too many dimensions.
    """
    first, second = _evaluations(loss, instances, A, b, (0.0, 0.5))
    return first, second


def _evaluations(
    loss: Loss, instances: Instances, A: Floats, b: Floats, shifts: tuple[float, ...]
) -> Iterator[Evaluated]:
    source = loss.expression
    if source is None or source.variables.made is None:
        raise TypeError(f"the loss {loss.name} was not made from a formula")
    n = len(instances)
    encoder, constant = Stack(A), Stack(b[:, None, None])
    matrices = source.variables.made(encoder, constant)
    with np.errstate(all="ignore"):
        formula = as_formula(source.formula(instances, loss.settings, *matrices.values()))
        integrated = [_integrated(formula, n, shift) for shift in shifts]
        traced: list[tuple[Floats, Any]] = [(value, pulled_back(starts, _converted)) for value, starts in integrated]
    for value, found in traced:

        def derivative(matrix: Any, like: Floats, found: Any = found) -> Floats:
            return np.broadcast_to(found.get(id(matrix), np.zeros_like(like)), like.shape)

        by_M = None
        if "M" in matrices:
            by_M = derivative(matrices["M"], matrices["M"].array)
            by_M = (by_M + np.swapaxes(by_M, 1, 2)) / 2
        yield Evaluated(value, derivative(encoder, A), derivative(constant, b[:, None, None])[:, 0, 0], by_M)


def _integrated(formula: Formula, n: int, shift: float) -> tuple[Floats, list[tuple[Any, Floats]]]:
    """Return the value (n), and the derivatives with respect to the matrices that the formula ends in."""
    one = np.ones((n, 1, 1))
    value = np.broadcast_to(_converted(formula.rational)[:, 0, 0], (n,))
    starts: list[tuple[Any, Floats]] = [(formula.rational, one)]
    for coefficient, x in formula.logs:
        value = value + _converted(coefficient)[:, 0, 0] * np.log(_converted(x)[:, 0, 0])
    for coefficient, term in formula.terms:
        factor = _converted(coefficient)
        size, adjoints = _evaluated(term, n, shift)
        value = value + factor[:, 0, 0] * size
        starts += [(matrix, factor * part) for matrix, part in adjoints if isinstance(matrix, Stack)]
    return value, starts


def _evaluated(term: Term, n: int, shift: float) -> tuple[Floats, list[tuple[Any, Floats]]]:
    """Return a term's value (n) and its derivatives."""
    match term:
        case LogSumExpTerm():
            return _softmax(term, n, shift)
        case HingeTerm():
            variances = _wide(term.variances, n)
            short = variances < 1
            slope = np.where(short, -0.5 / np.sqrt(variances), 0.0)
            return np.sum(np.maximum(0.0, 1 - np.sqrt(variances)), axis=(1, 2)), [(term.variances, slope)]
        case SoftplusTerm():
            return _softplus(term, n, shift)
        case CandidatesTerm():
            raise TypeError("losses of many candidates are not evaluated in batches")
        case DirectionsTerm():
            raise TypeError("losses of normalised features are not evaluated in batches")
        case TransportTerm():
            raise TypeError("losses with a key bias are not evaluated in batches")


def _converted(x: Any) -> Floats:
    found = array_of(x)
    if found is None:
        raise TypeError(f"{type(x).__name__} is no matrix")
    return found


def _wide(x: Any, n: int) -> Floats:
    """Return a matrix for each of n rows."""
    array = _converted(x)
    return array if len(array) == n else np.broadcast_to(array, (n, *array.shape[1:]))


def _softmax(term: LogSumExpTerm, n: int, shift: float) -> tuple[Floats, list[tuple[Any, Floats]]]:
    law: Any = term.law
    if not isinstance(law, Mixtures):
        raise TypeError("the law is not that of the batch")
    logs = np.concatenate([np.log(_wide(a, n)[:, :, 0]) for a in term.weights], axis=1) + _wide(term.constants, n)[:, 0]
    quadratic = np.stack([_wide(Q, n) for Q in term.quadratic], axis=1)
    given = (law.weights, law.centres, law.spreads)
    found = softmax(given, logs, _wide(term.linear, n), quadratic, shift)
    return found.value, list(term.adjoints(found.p, found.first, found.second, _converted))


def _softplus(term: SoftplusTerm, n: int, shift: float) -> tuple[Floats, list[tuple[Any, Floats]]]:
    law: Law = term.law
    weights = np.concatenate([_wide(v, n)[:, :, 0] for v in law.weights], axis=1)
    left, right = (
        (
            np.stack([_wide(mean, n)[:, :, 0] for mean, _ in side], axis=1),
            np.stack([_wide(spread, n) for _, spread in side], axis=1),
        )
        for side in (law.left, law.right)
    )
    found = softplus(weights, left, right, _wide(term.W, n), _wide(term.constant, n)[:, 0, 0], shift)
    return found.value, list(term.adjoints(found.total, found.outer))
