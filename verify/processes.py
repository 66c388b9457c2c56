"""How worker processes start: afresh, quietly, and without ever seeing an interrupt that is the parent's to handle."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.context import BaseContext
from typing import TypeVar, TypeVarTuple

_Result = TypeVar("_Result")
_Task = TypeVarTuple("_Task")


def fresh_processes(*preloaded: str) -> BaseContext:
    """Return how processes start, with these modules loaded: a fork of a process with threads may hang."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*preloaded])
    return context


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold an interrupt back while processes start: they inherit that and never see one, and so end quietly."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # now, since when it starts it lets interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_interrupts() -> None:
    """Prepare a worker: an interrupt is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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
    pool = ProcessPoolExecutor(jobs, fresh_processes(*preloaded), ignore_interrupts)
    try:
        with interrupts_held():
            number = {pool.submit(function, *task): i for i, task in enumerate(tasks)}
        for future in as_completed(number):
            yield number[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)
