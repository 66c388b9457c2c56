"""One small gallery for all tests: experiments a hundred times smaller than those of a quick run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from thmverify.reports.experiments import build, descending, descents, experiments, ranks, sweeps

SMALL = experiments.Size(repetitions=2, points=60, test_points=60)


@contextmanager
def small_experiments() -> Iterator[None]:
    """Few repetitions, few points, and the ends of each sweep alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiments, "QUICK", SMALL)
        patch.setattr(ranks, "QUICK_STEPS", 4)
        for module in (descents, descending):
            patch.setattr(module, "SHOWN", (0, 2))
        for name, sweep in sweeps.SWEEPS.items():
            few = sweep.quick_values if name == "1" else (sweep.quick_values[0], sweep.quick_values[-1])
            patch.setitem(sweeps.SWEEPS, name, replace(sweep, quick_values=few))
        yield


@pytest.fixture
def small():
    with small_experiments():
        yield


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """A finished gallery; what is built into it again must leave it as it is."""
    out = tmp_path_factory.mktemp("figures")
    with small_experiments():
        build(out, quick=True)
    return out
