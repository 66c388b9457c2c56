"""The errors a user can cause or meet, each one sentence long."""

from __future__ import annotations

from dataclasses import dataclass

_SHOWN = 60


def shown(value: object) -> str:
    """Return `value` as it appears in an error: one line, cut to a readable length."""
    text = " ".join(repr(value).split()) if not isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 12]}… ({len(text)} characters)"


@dataclass(frozen=True)
class InputError(Exception):
    """Input that breaks a rule: which field, which value, which rule, and what to write instead.

    `file` is empty for objects built in Python; the reader of a file fills it in with `in_file`.
    """

    field: str
    value: object
    rule: str
    remedy: str
    file: str = ""

    def __str__(self) -> str:
        where = f"{self.file}: " if self.file else ""
        return f"{where}{self.field}: {shown(self.value)}: {self.rule}; {self.remedy}"

    def in_file(self, file: str) -> InputError:
        """Return the same error, naming `file`."""
        return InputError(self.field, self.value, self.rule, self.remedy, file)

    def under(self, prefix: str) -> InputError:
        """Return the same error with its field inside `prefix`."""
        return InputError(f"{prefix}.{self.field}", self.value, self.rule, self.remedy, self.file)
