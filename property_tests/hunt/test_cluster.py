"""A Dask cluster as one is started by hand: it finds what one process finds, also when its parts are killed.

Needs the extra `cluster`.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from property_tests.hunt.support import contents, generations, hunted, plan
from thmverify.errors import InputError

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own

EVALUATIONS = 12_000


@contextmanager
def running(command: str, *arguments: str) -> Iterator[subprocess.Popen]:
    """A process of Dask's command line, killed at the end."""
    line = [sys.executable, "-m", f"distributed.cli.dask_{command}", *arguments, "--no-dashboard"]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        return there.getsockname()[1]


@contextmanager
def cluster(port: int, workers: int) -> Iterator[tuple[subprocess.Popen, list[subprocess.Popen]]]:
    """A scheduler at the port and its workers, ready."""
    address = f"tcp://127.0.0.1:{port}"
    with ExitStack() as stack:
        scheduler = stack.enter_context(running("scheduler", "--host", "127.0.0.1", "--port", str(port)))
        options = [address, "--nthreads", "1", "--no-nanny"]
        found = [stack.enter_context(running("worker", *options)) for _ in range(workers)]
        with distributed.Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
        yield scheduler, found


def test_a_cluster_whose_parts_are_killed_finds_what_one_process_finds(tmp_path, monkeypatch):
    """First a worker is killed, then the scheduler: the hunt says so, and goes on from where it was on another."""
    from thmverify.hunting.executors import Cluster

    monkeypatch.setattr("thmverify.hunting.run._SHORTEST", 0.05)
    the_plan = plan("infonce-equality", "weights=equal", "components=4", islands=3)
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    with cluster(port, 2) as (scheduler, workers):
        doomed = [scheduler, workers[0]]

        def killing(_progress: object) -> None:
            if doomed:
                doomed.pop().send_signal(signal.SIGKILL)

        executor = Cluster(address)
        assert executor.workers == 2
        try:
            with pytest.raises(InputError, match="does not answer any more"):
                hunted(tmp_path / "cluster", the_plan, EVALUATIONS, executor=executor, observe=killing)
        finally:
            executor.close()
    assert not doomed
    assert generations(tmp_path / "cluster", the_plan.id) > 0
    with cluster(port, 1):
        executor = Cluster(address)
        try:
            hunted(tmp_path / "cluster", the_plan, EVALUATIONS, executor=executor)
        finally:
            executor.close()
    hunted(tmp_path / "here", the_plan, EVALUATIONS)
    assert contents(tmp_path / "here", the_plan.id) == contents(tmp_path / "cluster", the_plan.id)
