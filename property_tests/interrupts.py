"""Interrupting a command under test, and bounds on the work of one: processor time, whatever else the machine does."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

# For commands that end by themselves within seconds: no bound on anything, only a net under a test that would hang.
SAFETY_NET = 900


def heed_interrupts() -> None:
    """Undo what a job started in the background inherits: that interrupts are ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def at_most(cpu: int | None = None, memory: int | None = None) -> Callable[[], None]:
    """What a child runs before it starts, so that it gets no more processor time (seconds) and memory (bytes)."""

    def limit() -> None:
        if cpu:
            resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
        if memory:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    return limit


def wait_for_work(session: int, seconds: float) -> None:
    """Wait until the processes of a session have used so much processor time together, or the first has ended."""
    ticks = os.sysconf("SC_CLK_TCK")
    while True:
        used, running = 0.0, False
        for file in Path("/proc").glob("[0-9]*/stat"):
            try:
                name, _, rest = file.read_text(encoding="utf-8", errors="replace").rpartition(")")
            except OSError:  # it has ended meanwhile
                continue
            fields = rest.split()
            if int(fields[3]) == session:
                used += (int(fields[11]) + int(fields[12])) / ticks
                running = running or (int(name.split()[0]) == session and fields[0] != "Z")
        if used >= seconds or not running:
            return
        time.sleep(0.05)
