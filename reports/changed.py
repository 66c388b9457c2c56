"""A trace that is changed in single places: what a change leaves alone is read and derived once, the rest each time."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from thmverify.kernel.proofs.replay import Proved, Theory, concluded, define, derive, line, node, read, stated
from thmverify.kernel.proofs.rules import Theorem
from thmverify.kernel.proofs.terms import Term
from thmverify.kernel.strict import Rejected

Trace = dict[str, Any]


class Original:
    """A trace that replays, to be changed in single places.

    An entry of a trace means what the entries that it names mean: where these are the original's own objects, what the
    kernel made of them is what it made of the original's.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def outcome(self, mutant: Trace) -> str:
        """Return whether a mutant is refused, or replays to the same theorem or to another one."""
        try:
            found = _established(self._replayed(mutant))
        except (Rejected, RecursionError):
            return "refused"
        return "same" if found == self._own else "another"

    def _replayed(self, mutant: Trace) -> Proved:
        """Return what a mutant proves. Raises Rejected when it proves nothing."""
        ends = [mutant[part] for part in ("theorem", "hypotheses", "assumptions", "conclusion")]
        if any(len(mutant[part]) != len(self.trace[part]) for part in ("nodes", "definitions", "lines")):
            return concluded(*read(mutant["nodes"], mutant["definitions"]), [*ends[:3], mutant["lines"], ends[3]])
        theory, terms = self._reread(mutant)
        rules = [entry[0] for entry in mutant["lines"]]
        return stated(theory, terms, ends, rules, self._derived(mutant, theory, terms))

    def _reread(self, mutant: Trace) -> tuple[Theory, list[Term]]:
        """Return the definitions and the terms of a mutant."""
        own, known = self._read
        if all(mutant[part] is self.trace[part] for part in ("nodes", "definitions")):
            return own, known
        theory, terms, pending = Theory(), list[Term](), iter(mutant["definitions"])
        changed: set[object] = set()  # numbers of terms, and names
        for before, entry in zip(self.trace["nodes"], mutant["nodes"], strict=True):
            if entry == ["define"]:
                name, *_ = definition = next(pending)
                define(theory, terms, definition)
                if theory.definitions[name] != own.definitions.get(name):
                    changed.add(name)
            elif entry is before and changed.isdisjoint(entry[1:]):
                terms.append(known[len(terms)])
            else:
                terms.append(node(theory, terms, entry))
                if terms[-1] is not known[len(terms) - 1]:
                    changed.add(len(terms) - 1)
        return theory, terms

    def _derived(self, mutant: Trace, theory: Theory, terms: list[Term]) -> list[Theorem]:
        """Return the theorems of a mutant's lines: those of the original where nothing that they rest on is changed."""
        own, known = self._read
        meant: set[object] = {i for i, (a, b) in enumerate(zip(known, terms, strict=True)) if a is not b}
        meant |= {name for name, meaning in theory.definitions.items() if own.definitions.get(name) != meaning}
        found, changed = list(self._theorems), set[int]()
        for i, (before, entry) in enumerate(zip(self.trace["lines"], mutant["lines"], strict=True)):
            _, groups, given = entry
            if entry is before and meant.isdisjoint(given) and all(changed.isdisjoint(group) for group in groups):
                continue
            _, theorem = line(theory, found[:i], terms, entry)
            if theorem != found[i]:
                found[i] = theorem
                changed.add(i)
        return found

    @cached_property
    def _read(self) -> tuple[Theory, list[Term]]:
        return read(self.trace["nodes"], self.trace["definitions"])

    @cached_property
    def _theorems(self) -> list[Theorem]:
        return derive(*self._read, self.trace["lines"])[1]

    @cached_property
    def _own(self) -> tuple[object, ...]:
        return _established(self._replayed(self.trace))


def _established(found: Proved) -> tuple[object, ...]:
    return found.theorem, found.hypotheses, found.assumptions, found.definitions, found.conclusion
