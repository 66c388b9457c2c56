"""From a certified counterexample to a small one: every step is kept only if the kernel still refutes the claim.

Delta debugging takes away components, dimensions and covariances; then each number tries 0, the nearest integers and
the convergents of its continued fraction, the simplest first, as long as that makes it shorter; and when no number
gives way alone, two move together, one of them perhaps to a longer number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, TypeAlias

from thmverify.hunting.drafts import Proposed, convergents, length
from thmverify.hunting.jobs import Refutation, refute
from thmverify.hunting.screen import looks_true
from thmverify.spaces import simplest

TRIALS = 400
Accepted: TypeAlias = Callable[[Refutation], None]
_TOLERANCES = tuple(Fraction(1, n) for n in (2, 4, 10, 30, 100))
_STEPS = tuple(Fraction(*step) for step in ((3, 4), (4, 3), (1, 2), (2, 1)))
_LESS, _MORE = Fraction(9, 10), Fraction(11, 10)


class _Trials:
    """Asks the kernel about drafts, up to a number of times, and each one once."""

    def __init__(self, claim: str, settings: Any, limit: int) -> None:
        self.claim, self.settings, self.left = claim, settings, limit
        self._seen: set[Proposed] = set()

    def __call__(self, draft: Proposed) -> Refutation | None:
        if self.left <= 0 or draft in self._seen or not (draft.kept(self.settings) and draft.spans):
            return None
        self._seen.add(draft)
        if looks_true(self.claim, draft):
            return None
        self.left -= 1
        return refute(self.claim, draft)


def simplify(
    claim: str,
    settings: Any,
    found: Refutation,
    accepted: Accepted = lambda _: None,
    limit: int = TRIALS,
) -> Refutation:
    """Return a refutation from which no move takes anything more; `accepted` is called after each step."""
    trial = _Trials(claim, settings, limit)
    while True:
        before = found
        found = _first_of(found, lambda draft: draft.smaller(), trial, accepted)
        found = _sweep(found, trial, accepted)
        if found is before:
            found = _first_of(found, _couples, trial, accepted)
        if found is before:
            return found


def _first_of(
    found: Refutation, moves: Callable[[Proposed], Iterator[Proposed]], trial: _Trials, accepted: Accepted
) -> Refutation:
    """Take the first move that lowers the cost and is still refuted, if there is one."""
    for draft in moves(found.draft):
        better = trial(draft) if draft.cost < found.draft.cost else None
        if better is not None:
            accepted(better)
            return better
    return found


def _sweep(found: Refutation, trial: _Trials, accepted: Accepted) -> Refutation:
    """Make each number simpler once, if it can be, the longest number first."""
    numbers = found.draft.numbers
    for i in sorted(range(len(numbers)), key=lambda i: -length(numbers[i])):

        def moves(draft: Proposed, i: int = i) -> Iterator[Proposed]:
            now = draft.numbers
            return (draft.with_numbers([*now[:i], value, *now[i + 1 :]]) for value in simpler(now[i]))

        found = _first_of(found, moves, trial, accepted)
    return found


def _couples(draft: Proposed) -> Iterator[Proposed]:
    """Yield the draft with one number simpler and another one a step away, the longest first."""
    numbers = draft.numbers
    for i in sorted(range(len(numbers)), key=lambda i: -length(numbers[i])):
        for j, other in enumerate(numbers):
            if j == i or other == 0:
                continue
            for value in list(simpler(numbers[i]))[-3:]:  # the nearest
                for step in _STEPS:
                    changed = [*numbers]
                    changed[i], changed[j] = value, simplest(*sorted((other * step * _LESS, other * step * _MORE)))
                    yield draft.with_numbers(changed)


def simpler(x: Fraction) -> Iterator[Fraction]:
    """Yield rationals near x that are shorter, the shortest first."""
    near = [simplest(x - abs(x) * t, x + abs(x) * t) for t in _TOLERANCES]
    values = {Fraction(0), Fraction(1 if x > 0 else -1), Fraction(round(x)), *near, *convergents(x)}
    yield from sorted((v for v in values if length(v) < length(x)), key=lambda v: (length(v), abs(v - x)))
