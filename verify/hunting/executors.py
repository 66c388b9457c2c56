"""Where work runs: here, in a pool of processes, or on a Dask cluster; each behind submit → future.

A worker that dies takes nothing with it: its work is handed out again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from typing import Any, Protocol, TypeVar

from thmverify.errors import InputError
from thmverify.processes import fresh_processes, ignore_interrupts, interrupts_held

T = TypeVar("T")
Job = tuple[Callable[..., Any], tuple[Any, ...]]
_ATTEMPTS = 5
_CONNECT = 10  # seconds
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Executor(Protocol):
    """Runs jobs. `workers` says how many at once."""

    workers: int

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Start a job and return its future."""
        ...

    def revive(self) -> None:
        """Replace what has died."""
        ...

    def close(self) -> None:
        """Stop, without waiting for jobs that have not begun."""
        ...


class Here:
    """The process itself: a job is done when it is submitted."""

    workers = 1

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run the job."""
        future: Future[Any] = Future()
        future.set_result(function(*arguments))
        return future

    def revive(self) -> None:
        """Nothing can have died."""

    def close(self) -> None:
        """Nothing is held."""


class Pool:
    """A pool of processes on this machine."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        os.environ.update({name: os.environ.get(name, "1") for name in _THREADS})
        self._pool = self._start()

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.workers, fresh_processes("thmverify.hunting.jobs"), ignore_interrupts)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Start a job."""
        with interrupts_held():
            return self._pool.submit(function, *arguments)

    def revive(self) -> None:
        """Start a new pool."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._start()

    def close(self) -> None:
        """Stop the processes."""
        self._pool.shutdown(cancel_futures=True)


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
        self.workers = sum(self._client.nthreads().values())
        if not self.workers:
            self._client.close()
            rule = "is a scheduler without workers"
            raise InputError("--scheduler", address, rule, f"start some with `dask worker {address} --nthreads 1`")

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Start a job."""
        return self._client.submit(function, *arguments, pure=False, retries=_ATTEMPTS)

    def revive(self) -> None:
        """The scheduler has done so."""

    def close(self) -> None:
        """Leave the cluster."""
        self._client.close()


def _died(error: BaseException) -> bool:
    """Whether a job failed because its worker did."""
    return isinstance(error, BrokenExecutor) or type(error).__name__ in ("KilledWorker", "CancelledError")


def run_all(executor: Executor, jobs: Sequence[Job]) -> list[Any]:
    """Return the jobs' results in order; jobs whose worker died are done again, up to a few times each."""
    results: dict[int, Any] = {}
    for attempt in range(_ATTEMPTS):
        missing = [i for i in range(len(jobs)) if i not in results]
        lost: BaseException | None = None
        try:
            futures = {i: executor.submit(jobs[i][0], *jobs[i][1]) for i in missing}
            for i, future in futures.items():
                results[i] = future.result()
        except Exception as error:
            if not _died(error):
                raise
            lost = error
        if len(results) == len(jobs):
            break
        if lost is not None and attempt == _ATTEMPTS - 1:
            raise lost
        executor.revive()
    return [results[i] for i in range(len(jobs))]
