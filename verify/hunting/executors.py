"""Where work runs: here, in a pool of processes, or on a Dask cluster; each behind submit → future.

A worker that dies takes nothing with it: its work is handed out again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future
from functools import partial
from typing import Any, Protocol, TypeVar

from thmverify.errors import InputError
from thmverify.processes import Workers

T = TypeVar("T")
Job = tuple[Callable[..., Any], tuple[Any, ...]]
ATTEMPTS = 5  # deaths of workers in a row
_CONNECT = 10  # seconds
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Executor(Protocol):
    """Runs jobs."""

    @property
    def workers(self) -> int:
        """How many jobs it runs at once."""
        ...

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """Start a job and return its future."""
        ...

    def check(self) -> None:
        """Raise InputError when nothing runs the jobs any more, and nothing tells them so."""
        ...

    def close(self) -> None:
        """Stop, without waiting for jobs that have not begun."""
        ...


class Here:
    """The process itself: a job is done when it is submitted."""

    workers = 1

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """Run the job."""
        future: Future[T] = Future()
        future.set_result(function(*arguments))
        return future

    def check(self) -> None:
        """A job is done when it is submitted."""

    def close(self) -> None:
        """Nothing is held."""


class Pool:
    """A pool of processes on this machine."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        os.environ.update({name: os.environ.get(name, "1") for name in _THREADS})
        self._pool = self._start()

    def _start(self) -> Workers:
        return Workers(self.workers, "thmverify.hunting.jobs")

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """Start a job, in a new pool where a process has died: that breaks the pool, and all its jobs."""
        try:
            return self._pool.submit(function, *arguments)
        except BrokenExecutor:
            self._pool.stop()
            self._pool = self._start()
            return self._pool.submit(function, *arguments)

    def check(self) -> None:
        """A pool that breaks tells its jobs."""

    def close(self) -> None:
        """Stop the processes, in the middle of what they are doing."""
        self._pool.stop()


class Cluster:
    """A Dask cluster, which keeps no state of ours."""

    def __init__(self, address: str) -> None:
        try:
            import distributed

            connect: Any = distributed.Client  # Dask carries no types
        except ImportError:
            rule = "needs Dask, which is not installed"
            raise InputError("--scheduler", address, rule, "pip install 'thmverify[cluster]'") from None
        try:
            self._client = connect(address, timeout=_CONNECT, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            rule = f"there is no Dask scheduler to reach ({type(error).__name__})"
            raise InputError("--scheduler", address, rule, "start one with `dask scheduler`") from None
        self._address = address
        if not sum(self._client.nthreads().values()):
            self._client.close()
            rule = "is a scheduler without workers"
            raise InputError("--scheduler", address, rule, f"start some with `dask worker {address} --nthreads 1`")

    @property
    def workers(self) -> int:
        """How many there are now: they come and go."""
        threads: int = sum(worker["nthreads"] for worker in self._client.scheduler_info(-1)["workers"].values())
        return max(1, threads)

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """Start a job."""
        there = self._client.submit(function, *arguments, pure=False, retries=ATTEMPTS)
        here: Future[T] = Future()
        there.add_done_callback(partial(_settle, here))
        return here

    def check(self) -> None:
        """Raise InputError when the scheduler has died: a job given to it then would wait for ever."""
        if self._client.status != "running":
            remedy = "start it again, and add --resume to go on"
            raise InputError("--scheduler", self._address, "does not answer any more", remedy)

    def close(self) -> None:
        """Leave the cluster."""
        self._client.close()


def _settle(here: Future[T], there: Any) -> None:
    """Pass on how a job of Dask's ended; one that was cancelled, as it is when the scheduler dies, is lost."""
    if there.status == "finished":
        here.set_result(there.result())
    else:
        here.set_exception(there.exception() if there.status == "error" else CancelledError(there.status))


def died(error: BaseException | None) -> bool:
    """Whether a job failed because its worker did."""
    return isinstance(error, BrokenExecutor | CancelledError) or type(error).__name__ == "KilledWorker"


def run_all(executor: Executor, jobs: Sequence[Job]) -> list[Any]:
    """Return the jobs' results in order; jobs whose worker died are done again, up to a few times each."""
    results: dict[int, Any] = {}
    for attempt in range(ATTEMPTS):
        missing = [i for i in range(len(jobs)) if i not in results]
        lost: BaseException | None = None
        try:
            futures = {i: executor.submit(jobs[i][0], *jobs[i][1]) for i in missing}
            for i, future in futures.items():
                results[i] = future.result()
        except Exception as error:
            if not died(error):
                raise
            lost = error
            executor.check()
        if len(results) == len(jobs):
            break
        if lost is not None and attempt == ATTEMPTS - 1:
            raise lost
    return [results[i] for i in range(len(jobs))]
