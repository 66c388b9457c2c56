"""How the tests run: reproducible by default, random on request, one thread, no state left behind.

Profiles (`--hypothesis-profile=NAME` or THMVERIFY_PROFILE=NAME):
    ci      the default: the same examples every time, no example database, no deadline
    random  fresh examples, more of them, with a blob that reproduces a failure
THMVERIFY_MULTIPLIER=n runs n times as many examples in the containment tests. Tests marked `hunt` or `cover` run only
when the mark expression names them (`-m hunt`); `--hunt-budget=5m` says what each hunt may spend.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# Before NumPy loads its BLAS, and for the processes that tests start.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import flint
import mpmath
import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from thmverify.statement import Statement

pytest_plugins = ("property_tests.slowest",)

settings.register_profile("ci", derandomize=True, deadline=None, database=None, max_examples=50)
settings.register_profile("random", deadline=None, max_examples=200, print_blob=True)
settings.load_profile(os.environ.get("THMVERIFY_PROFILE", "ci"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the long hunts be longer or shorter."""
    help_ = "what each hunt of `-m hunt` may spend: 60s, 5m, 20000ev; by default each test's own budget"
    parser.addoption("--hunt-budget", default=None, metavar="60s", help=help_)


def pytest_configure(config: pytest.Config) -> None:
    """Keep what scripts propose for this run alone: its processes share it, and it begins with nothing."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="thmverify-tests-")
        os.environ["THMVERIFY_CACHE"] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests with a mark of the long ones unless the mark expression names it."""
    long = [mark for mark in ("hunt", "cover") if mark not in (config.option.markexpr or "")]
    left_out = [item for item in items if any(item.get_closest_marker(mark) for mark in long)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    """Leave what collection made out of the search for garbage, and search less often: 6 % of all processor time.

    Where no bytecode is written the processes that tests start share what they compile, in the folder of this run: each
    of them compiled the package.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(os.environ["THMVERIFY_CACHE"]) / "compiled")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Ask for theories, by hand or by `--with`, and forget them at the end."""
    from thmverify import theories

    monkeypatch.setenv(theories.VARIABLE, "")
    monkeypatch.setattr(sys, "path", [*sys.path])
    theories.registry.cache_clear()
    yield theories.ask_for
    theories.registry.cache_clear()


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let these statements be all that there are: `registered(statement, …)`."""
    from thmverify import theories

    def register(*statements: Statement) -> None:
        found = theories.Found(theories.Theory("test", statements), theories.OURS)
        monkeypatch.setattr(theories, "registry", lambda: theories.Registry([found]))

    return register


@pytest.fixture(autouse=True, scope="session")
def single_thread() -> Iterator[None]:
    """Keep BLAS to one thread even where it was loaded before: more make small matrices slower."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(autouse=True)
def default_precision() -> Iterator[None]:
    """Start and end each test at the default precision of flint and mpmath, both global to the process."""
    flint.ctx.default()
    mpmath.mp.prec = 53
    yield
    flint.ctx.default()
    mpmath.mp.prec = 53
