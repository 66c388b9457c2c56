"""How worker processes start and end: afresh, quietly, at once, and never by an interrupt, which is the parent's."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from types import TracebackType
from typing import ParamSpec, TypeVar, TypeVarTuple

_Result = TypeVar("_Result")
_Task = TypeVarTuple("_Task")
_Arguments = ParamSpec("_Arguments")


class Workers(ProcessPoolExecutor):
    """A pool of processes with these modules loaded, which have called `prepare`.

    They end with this process, however it ends, and as soon as they are to `stop`, in the middle of a task.
    """

    def __init__(self, count: int, *preloaded: str, prepare: Callable[[], None] | None = None) -> None:
        context = _fresh_processes(*preloaded)
        self._theirs, self._ours = context.Pipe(duplex=False)  # nothing is sent: what they see is that it closes
        super().__init__(count, context, _begin, (self._theirs, prepare))

    def submit(
        self, function: Callable[_Arguments, _Result], /, *arguments: _Arguments.args, **named: _Arguments.kwargs
    ) -> Future[_Result]:
        """Submit a task. The processes that start for it never see an interrupt, and so end quietly."""
        with _interrupts_held():
            return super().submit(function, *arguments, **named)

    def stop(self) -> None:
        """End the processes, whatever they are doing."""
        self._ours.close()
        self.shutdown(cancel_futures=True)
        self._theirs.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(
    function: Callable[[*_Task], _Result], tasks: Sequence[tuple[*_Task]], jobs: int, *preloaded: str
) -> Iterator[tuple[int, _Result]]:
    """Yield the number of each task with the result of the function on it, as they are done.

    With one job they are done here, in order; with more in as many processes, which have these modules loaded.
    """
    jobs = min(jobs, len(tasks))
    if jobs <= 1:
        for i, task in enumerate(tasks):
            yield i, function(*task)
        return
    with Workers(jobs, *preloaded) as pool:
        number = {pool.submit(function, *task): i for i, task in enumerate(tasks)}
        for future in as_completed(number):
            yield number[future], future.result()


def _fresh_processes(*preloaded: str) -> BaseContext:
    """Return how processes start, with these modules loaded: a fork of a process with threads may hang."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*preloaded])
    return context


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold an interrupt back while processes start: they inherit that."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # now, since when it starts it lets interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(parent: Connection, prepare: Callable[[], None] | None) -> None:
    """Prepare a worker: an interrupt is the parent's to handle, and the parent's end is the worker's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if prepare:
        prepare()


def _end_with(parent: Connection) -> None:
    """End this process when the other end of the connection is closed, by the parent or because it is gone."""
    parent.poll(None)
    os._exit(1)
