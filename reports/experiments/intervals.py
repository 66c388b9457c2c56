"""How sure a mean is: confidence intervals over the repetitions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from thmverify.models import Floats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean and the ends of its 95 % confidence interval by Student's t."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        mean, low, high = (f"{round(x, 3) + 0.0:.3f}".replace("-", "−") for x in (self.mean, self.low, self.high))
        return f"{mean} [{low}, {high}]"


def interval(values: Sequence[float] | Floats) -> Interval:
    """Return the mean of independent values with its confidence interval; one value alone has the whole line."""
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Interval(mean, -math.inf, math.inf)
    half = float(student.ppf((1 + CONFIDENCE) / 2, n - 1) * np.std(values, ddof=1) / math.sqrt(n))
    return Interval(mean, mean - half, mean + half)
