"""Tasks on several processes, their results in order: what comes out does not depend on how many there are."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeAlias

from threadpoolctl import threadpool_limits

from thmverify.processes import fresh_processes, interrupts_held

# As the built-in map: a function and its arguments, to an iterator of results in their order.
Map: TypeAlias = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]

_PRELOADED = ("sklearn.cluster", "thmverify.reports.experiments.sweeps")


@contextmanager
def pool(jobs: int) -> Iterator[Map]:
    """Yield a `map` that runs on `jobs` processes of one thread each; on this process when that is one."""
    if jobs <= 1:
        with threadpool_limits(limits=1):
            yield map
        return
    executor = ProcessPoolExecutor(jobs, fresh_processes(*_PRELOADED), _prepare)

    def run(function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterable[Any]:
        with interrupts_held():
            return executor.map(function, tasks)

    try:
        yield run
    finally:
        executor.shutdown(cancel_futures=True)


def _prepare() -> None:
    import sklearn.cluster  # noqa: F401 - its OpenMP runtime must be there to be limited

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's to handle
    threadpool_limits(limits=1)
