"""The slowest tests, by the processor time that they and the processes they start take: a busy machine changes little.

A plugin of pytest, loaded by `conftest.py`; it works under pytest-xdist as well, where the tests run elsewhere.
"""

from __future__ import annotations

import resource
from collections.abc import Generator

import pytest

SHOWN = 20
_KEY = "processor time"
_STARTED = pytest.StashKey[float]()


class Slowest:
    """Adds up the processor time of the tests, and prints the total and those that take most of it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a test's time from its last report."""
        if report.when == "teardown":
            self.seconds[report.nodeid] = float(str(dict(report.user_properties).get(_KEY, 0)))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the total and the slowest."""
        slowest = sorted(self.seconds.items(), key=lambda pair: -pair[1])[:SHOWN]
        terminalreporter.section(
            f"the slowest of {len(self.seconds)} tests, {sum(self.seconds.values()):.0f} s of processor time in all"
        )
        for name, seconds in slowest:
            terminalreporter.write_line(f"{seconds:7.2f} s  {name}")


def pytest_configure(config: pytest.Config) -> None:
    """Print the slowest tests at the end."""
    config.pluginmanager.register(Slowest())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Start the clock of a test before its fixtures are made."""
    item.stash[_STARTED] = _spent()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write a test's time into its last report, which pytest-xdist brings to where it is printed."""
    report = yield
    if call.when == "teardown":
        report.user_properties.append((_KEY, _spent() - item.stash[_STARTED]))
    return report


def _spent() -> float:
    """Return the processor time, in seconds, of this process and of those it started that have ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
