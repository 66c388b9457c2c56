"""What a hunt holds fixed: the settings of `--set`, read from text, each with the rule it must keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction

from thmverify.errors import InputError

MOST_COMPONENTS, MOST_DIMENSIONS = 16, 8
_LONGEST = 200  # characters of a value


@dataclass(frozen=True)
class Settings:
    """The instances that are searched: what is fixed of them, and which of it the user fixed (`named`).

    `rank` 0 stands for as many columns as there are components; `shape` says whether the means are nearly on a line,
    where margins are quick, or anywhere. What the user did not name may be simplified away.
    """

    components: int = 3
    dimension: int = 2
    delta: Fraction = Fraction(1)
    centred: bool = True
    weights: str = "free"
    covariance: str = "identity"
    shape: str = "line"
    rank: int = 0
    decay: Fraction = Fraction(0)
    named: tuple[str, ...] = field(default=())

    @property
    def equal_weights(self) -> bool:
        """Whether all components weigh the same."""
        return self.weights == "equal"

    @property
    def identity(self) -> bool:
        """Whether the covariance is I."""
        return self.covariance == "identity"

    @property
    def columns(self) -> int:
        """r, the number of columns."""
        return self.rank or self.components

    def with_text(self, pairs: Sequence[str], allowed: Sequence[str]) -> Settings:
        """Return the settings with each "key=value" of `pairs` read.

        Raises InputError when a key is not among `allowed`, is given twice, or its value breaks a rule.
        """
        given = assigned(pairs, allowed, "that this conjecture has")
        read = {key: _READERS[key](key, value) for key, value in given.items()}
        named = tuple(sorted({*self.named, *read}))
        return replace(self, named=named, **read)  # type: ignore[arg-type]

    def to_json(self) -> dict[str, object]:
        """Return the settings as JSON, rationals as text."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {key: _plain(value) for key, value in values.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Settings:
        """Return the settings that `to_json` wrote."""
        texts = {**data, "delta": Fraction(str(data["delta"])), "decay": Fraction(str(data["decay"]))}
        texts["named"] = tuple(data["named"])  # type: ignore[arg-type]
        return cls(**texts)  # type: ignore[arg-type]


def assigned(pairs: Sequence[str], allowed: Sequence[str], which: str) -> dict[str, str]:
    """Return what each "key=value" sets. Raises InputError for a key that is not `allowed`, or is given twice."""
    found: dict[str, str] = {}
    for text in pairs:
        key, sign, value = (part.strip() for part in text.partition("="))
        if not sign or key not in allowed:
            rule = f"does not set anything {which}" if sign else "is not key=value"
            raise InputError("--set", text, rule, f"write KEY=VALUE with KEY one of {', '.join(allowed)}")
        if key in found:
            raise InputError("--set", text, f"sets {key} a second time", "give each key once")
        found[key] = value
    return found


def _plain(value: object) -> object:
    if isinstance(value, Fraction):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _integer(low: int, high: int) -> Callable[[str, str], int]:
    def read(key: str, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 6 and low <= int(text) <= high):
            raise InputError(f"--set {key}", text, f"must be an integer from {low} to {high}", f"e.g. {key}={low}")
        return int(text)

    return read


def _rational(low: Fraction, high: Fraction | None) -> Callable[[str, str], Fraction]:
    bound = f"≥ {low}" if high is None else f"in [{low}, {high}]"

    def read(key: str, text: str) -> Fraction:
        try:
            value = Fraction(text) if len(text) <= _LONGEST and "e" not in text.lower() else None
        except (ValueError, ZeroDivisionError):
            value = None
        if value is None or value < low or (high is not None and value > high):
            raise InputError(f"--set {key}", text, f"must be a rational {bound}", f"e.g. {key}=7/10")
        return value

    return read


def _word(*words: str) -> Callable[[str, str], str]:
    def read(key: str, text: str) -> str:
        if text not in words:
            raise InputError(f"--set {key}", text, f"must be {' or '.join(words)}", f"e.g. {key}={words[0]}")
        return text

    return read


def _truth(key: str, text: str) -> bool:
    return _word("true", "false")(key, text) == "true"


_READERS: dict[str, Callable[[str, str], object]] = {
    "components": _integer(1, MOST_COMPONENTS),
    "dimension": _integer(1, MOST_DIMENSIONS),
    "delta": _rational(Fraction(0), Fraction(1)),
    "centred": _truth,
    "weights": _word("free", "equal"),
    "covariance": _word("identity", "free"),
    "shape": _word("line", "any"),
    "rank": _integer(1, 64),
    "decay": _rational(Fraction(0), None),
}
