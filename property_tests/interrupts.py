"""Interrupting a command under test."""

from __future__ import annotations

import signal


def heed_interrupts() -> None:
    """Undo what a job started in the background inherits: that interrupts are ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
