"""Tasks on several processes, their results in order: what comes out does not depend on how many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from threadpoolctl import threadpool_limits

from thmverify.processes import Workers

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
    with Workers(jobs, *_PRELOADED, prepare=_one_thread) as executor:
        yield executor.map


def _one_thread() -> None:
    import sklearn.cluster  # noqa: F401 - its OpenMP runtime must be there to be limited

    threadpool_limits(limits=1)
