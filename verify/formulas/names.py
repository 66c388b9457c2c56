"""The names of proofs: each loss, quantity and predicate has one meaning, here, and one sentence that says what it is.

A function under `named` writes a name. Its body is the definition, over the letters of a setting and of what is given:

    @named("IndependentColumns", (p, q, X), X)
    def independent_columns(script, X):
        \"\"\"X has independent columns: CX = I for some C.\"\"\"
        return exists(Mat(q, p), lambda C: eq(C @ X, eye(q)))

`independent_columns(script, A)` then defines the name in the script, once, and returns it at A and the sizes of A.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec

from thmverify.kernel.proofs.terms import Term
from thmverify.proofs.expressions import Expr

P = ParamSpec("P")


@dataclass(frozen=True)
class Name:
    """A name of proofs.

    letters: the parameters of its definition, sizes first. given: those of them that are given where it is written;
    sizes are read off their sorts, and the others are the setting's. says: what it is, in words. meaning: its
    definition, a function of a setting at its own letters and of what is given.

    A setting is a script, or has one, as `script`; `own` is the setting at its own letters, itself if there is none,
    and `values` says what stands for them.
    """

    name: str
    letters: tuple[Expr, ...]
    given: tuple[Expr, ...]
    says: str
    meaning: Callable[..., Expr]

    def write(self, setting: Any, values: Sequence[Expr]) -> Expr:
        """Return the name in a setting, at these values of what is given, defined in the script if it is not yet."""
        at = dict(getattr(setting, "values", {}))
        for letter, value in zip(self.given, values, strict=True):
            at[letter] = value
            _read_sizes(letter.sort, value.sort, at)
        body = self.meaning(getattr(setting, "own", setting), *self.given)
        define = getattr(setting, "script", setting).define(self.name, self.letters, body)
        found: Expr = define(*(at.get(letter, letter) for letter in self.letters))
        return found


NAMES: dict[str, Name] = {}


def named(name: str, letters: Sequence[Expr], *given: Expr) -> Callable[[Callable[P, Expr]], Callable[P, Expr]]:
    """Return what makes a definition a function that writes its name, and enter it in the table.

    Raises ValueError when another definition has the name, or this one says nothing of itself.
    """

    def enter(meaning: Callable[P, Expr]) -> Callable[P, Expr]:
        says = " ".join((inspect.getdoc(meaning) or "").partition("\n\n")[0].split())
        if name in NAMES or not says:
            raise ValueError(f"{name} has two definitions, or one without a docstring")
        NAMES[name] = record = Name(name, tuple(letters), given, says, meaning)

        @wraps(meaning)
        def write(*arguments: P.args, **_: P.kwargs) -> Expr:
            setting, *values = arguments
            return record.write(setting, values)  # type: ignore[arg-type]

        return write

    return enter


def _read_sizes(letter: Term, value: Term, at: dict[Expr, Expr]) -> None:
    """Read the sizes in the sort of a letter off the sort of its value, where they are not known."""
    if letter.op == "var":
        at.setdefault(Expr(letter), Expr(value))
    for part, other in zip(letter.args, value.args, strict=False):
        if letter.op != "var":
            _read_sizes(part, other, at)
