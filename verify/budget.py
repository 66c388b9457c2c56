"""How long a hunt, a cover or a minimiser may go on, as people write it."""

from __future__ import annotations

from dataclasses import dataclass

from thmverify.errors import InputError


@dataclass(frozen=True)
class Budget:
    """When to give up: seconds of work, or evaluations; 0 stands for no limit."""

    seconds: float = 60.0
    evaluations: int = 0

    def spent(self, seconds: float, evaluations: int) -> bool:
        """Whether the hunt has used it up."""
        return (0 < self.seconds <= seconds) or (0 < self.evaluations <= evaluations)

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Return the budget that "60s", "5m", "2h" or "2000ev" says.

        Raises InputError for anything else.
        """
        for suffix, unit in (("ev", 0), ("s", 1), ("m", 60), ("h", 3600)):
            number = text.removesuffix(suffix)
            if number != text and number.isascii() and number.isdigit() and len(number) <= 9 and int(number) > 0:
                return cls(float(unit * int(number)), 0 if unit else int(number))
        raise InputError("--budget", text, "is no time and no number of evaluations", "write 60s, 5m, 2h or 20000ev")
