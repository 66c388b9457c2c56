"""How long a minimiser may go on, and who is told how far it is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field


def _unheard(_text: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Effort:
    """Seconds from now on, and what is called with a line of text at every step."""

    seconds: float = math.inf
    observe: Callable[[str], None] = _unheard
    start: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> bool:
        """Whether the time is over: the step in flight is the last."""
        return time.monotonic() - self.start > self.seconds
