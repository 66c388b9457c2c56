"""Training step by step: slopes by differences, and what the figures rest on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp

from thmverify.reports.experiments import descents
from thmverify.reports.experiments.descents import DESCENTS, Descent, run, slopes

N = 9
RUNS = [(figure, d) for figure, (_, drawn) in DESCENTS.items() for d in drawn]


def value(descent: Descent, A: np.ndarray, b: float, x: np.ndarray, partner: np.ndarray) -> float:
    """The loss of a batch, by its definition, term by term."""
    f, g = x @ A, partner @ A
    if descent.temperature is not None:
        f, g = (side / np.linalg.norm(side, axis=1)[:, None] / np.sqrt(descent.temperature) for side in (f, g))
    z = f @ g.T
    n = len(z)
    others = [[j for j in range(n) if j != i] for i in range(n)]
    match descent.slope:
        case descents.in_batch:
            return float(np.mean([logsumexp(z[i]) - z[i, i] for i in range(n)]))
        case descents.decoupled:
            return float(np.mean([logsumexp(z[i, others[i]]) - z[i, i] for i in range(n)]))
        case descents.sigmoid:
            own = np.mean([np.logaddexp(0, -z[i, i] - b) for i in range(n)])
            return float(own + np.mean([np.logaddexp(0, z[i, j] + b) for i in range(n) for j in others[i]]))
        case descents.logistic:
            return float(np.mean([np.logaddexp(0, z[i, j] - z[i, i]) for i in range(n) for j in others[i]]))
        case _:
            own = np.mean([z[i, i] for i in range(n)])
            return float(-2 * own + np.mean([z[i, j] ** 2 for i in range(n) for j in others[i]]))


@pytest.mark.parametrize(("figure", "descent"), RUNS, ids=[d.words for _, d in RUNS])
def test_slopes_by_differences(figure: str, descent: Descent) -> None:
    rng = np.random.default_rng(0)
    x, partner = rng.standard_normal((2, N, 5))
    A, b, step = rng.standard_normal((5, 2)), 0.3, 1e-6
    along_A, along_b = slopes(descent, A, b, x, partner)
    for place in np.ndindex(A.shape):
        E = np.zeros_like(A)
        E[place] = step
        change = value(descent, A + E, b, x, partner) - value(descent, A - E, b, x, partner)
        assert along_A[place] == pytest.approx(change / (2 * step), abs=1e-6)
    change = value(descent, A, b + step, x, partner) - value(descent, A, b - step, x, partner)
    assert along_b == pytest.approx(change / (2 * step), abs=1e-6)


def test_a_run_is_a_function_of_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descents, "SHOWN", (0, 30))
    assert run(("7", 2, 0, 1)) == run(("7", 2, 0, 1))
    assert run(("7", 2, 0, 1)) != run(("7", 2, 1, 1))
    first, last = run(("7", 2, 0, 1))
    assert last.outside < first.outside / 2
    first, last = run(("8", 0, 0, 1))
    assert 0 < first.outside < 0.1
    assert last.outside > 2 * first.outside
