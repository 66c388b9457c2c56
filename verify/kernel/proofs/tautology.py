"""Propositional logic: whether a formula follows from others, its atoms being whatever is no connective."""

from __future__ import annotations

from collections.abc import Sequence

from thmverify.kernel.proofs.terms import Term
from thmverify.kernel.strict import Rejected

MAX_STEPS = 200000
_CONNECTIVES = ("not", "and", "or", "imp", "iff")


def follows(premises: Sequence[Term], conclusion: Term) -> bool:
    """Return whether no truth values of the atoms make the premises true and the conclusion false."""
    left = [MAX_STEPS]

    def satisfiable(formulas: list[tuple[Term, bool]], values: dict[Term, bool]) -> bool:
        """Return whether values for the other atoms give each formula the value beside it."""
        todo, branches = list(formulas), []
        while todo:
            t, wanted = todo.pop()
            left[0] -= 1
            if left[0] < 0:
                raise Rejected("the propositional argument is too long")
            if t.op not in _CONNECTIVES:
                if values.setdefault(t, wanted) is not wanted:
                    return False
            elif t.op == "not":
                todo.append((t.args[0], not wanted))
            elif t.op == "imp" and not wanted:
                todo += [(t.args[0], True), (t.args[1], False)]
            elif t.op in ("and", "or") and wanted is (t.op == "and"):
                todo += [(a, wanted) for a in t.args]
            else:
                branches.append((t, wanted))
        if not branches:
            return True
        options = [[w for w in _ways(t, v) if all(values.get(a, x) is x for a, x in w)] for t, v in branches]
        least = min(range(len(branches)), key=lambda i: len(options[i]))
        rest = branches[:least] + branches[least + 1 :]
        for way in options[least]:
            left[0] -= 1
            if left[0] < 0:
                raise Rejected("the propositional argument is too long")
            if satisfiable([*rest, *way], dict(values)):
                return True
        return False

    return not satisfiable([*((p, True) for p in premises), (conclusion, False)], {})


def _ways(t: Term, wanted: bool) -> list[list[tuple[Term, bool]]]:
    """Return the ways in which a connective gets a value, each what its parts must be."""
    if t.op == "iff":
        a, b = t.args
        return [[(a, True), (b, wanted)], [(a, False), (b, not wanted)]]
    if t.op == "imp":
        return [[(t.args[0], False)], [(t.args[1], True)]]
    return [[(a, wanted)] for a in t.args]
