"""Worker processes end at once: when they are stopped in the middle of a task, and when their parent is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from property_tests.interrupts import SAFETY_NET
from thmverify.processes import Workers, each

LONG = 3 * SAFETY_NET  # a task that nobody waits for

PARENT = """
import os, time
from thmverify.processes import Workers
if __name__ == "__main__":
    pool = Workers(1)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, {long})
    time.sleep({long})
"""


def ended(process: int) -> bool:
    """Return whether a process ends before the net is needed."""
    stat, until = Path(f"/proc/{process}/stat"), time.monotonic() + SAFETY_NET
    while time.monotonic() < until:
        try:
            if stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def interrupt_a_task(pool: Workers) -> None:
    with pool:
        worker = pool.submit(os.getpid).result()
        pool.submit(time.sleep, LONG)
        raise KeyboardInterrupt(worker)


def test_workers_are_stopped_in_the_middle_of_a_task():
    with pytest.raises(KeyboardInterrupt) as interrupt:
        interrupt_a_task(Workers(1))
    assert ended(interrupt.value.args[0])


def test_results_that_nobody_takes_are_not_waited_for():
    for _, result in each(time.sleep, [(0,), (LONG,)], 2):
        assert result is None
        break


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="how another process fares is read from /proc")
def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(long=LONG), encoding="utf-8")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        worker = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    assert ended(worker)
