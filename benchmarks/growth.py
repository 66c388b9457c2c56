"""How the cost of a value of InfoNCE grows: with the components, the dimension, the rank of the map and the digits.

python -m benchmarks.growth
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

from benchmarks.losses import duration, encoder, mixture, timed
from thmverify.instances import parse_instance, parse_map
from thmverify.integrate.enclosure import enclose_value
from thmverify.integrate.float64 import expected_value
from thmverify.integrate.problem import LogSumExp
from thmverify.losses import LOSSES, levels
from thmverify.maps import LinearMap
from thmverify.models import Instance

COMPONENTS, DIMENSIONS, RANKS, DIGITS = (2, 4, 8, 16, 32), (10, 100, 1000, 10_000), (1, 2, 3), (15, 30, 60, 120, 240)


def curves() -> dict[str, list[tuple[int, float]]]:
    """Return for each axis pairs of what grows and the CPU seconds of a value."""
    loss = LOSSES["infonce"]
    on_a_line = problem(mixture(3), encoder(1, 0))
    return {
        "components K: 15 digits, rank 1": _curve(
            COMPONENTS, lambda K: partial(levels.enclose, loss, mixture(K), encoder(1, 0), 15)
        ),
        "dimension d: 15 digits, rank 1, K = 10": _curve(
            DIMENSIONS, lambda d: partial(levels.enclose, loss, *diagonal(d), 15)
        ),
        "rank: float64, K = 6": _curve(RANKS, lambda r: partial(expected_value, problem(mixture(6), encoder(r, 0)))),
        "digits: rank 1, K = 3": _curve(DIGITS, lambda digits: partial(enclose_value, on_a_line, digits)),
    }


def problem(instance: Instance, linear: LinearMap) -> LogSumExp:
    """Return the integral of InfoNCE."""
    return LOSSES["infonce"].value(instance, linear).logarithms[0].problem


def diagonal(d: int) -> tuple[Instance, LinearMap]:
    """Return ten components in R^d with a diagonal covariance, and a map of one column."""
    means = [[((7 * k + 3 * i + k * i) % 11) - 5 for i in range(d)] for k in range(10)]
    covariance = [str(Fraction(2 + i % 5, 3)) for i in range(d)]
    data = {"model": "shared-gmm", "weights": ["1/10"] * 10, "means": means, "covariance": covariance}
    column = [[str(Fraction((3 * i) % 7 - 3, 5 * d))] for i in range(d)]
    return parse_instance(data), parse_map({"A": column})


def _curve(sizes: tuple[int, ...], call: Callable[[int], Callable[[], Any]]) -> list[tuple[int, float]]:
    return [(size, timed([call(size)] * 3).seconds) for size in sizes]


def main() -> None:
    """Print the curves."""
    for what, curve in curves().items():
        print(what)
        for x, seconds in curve:
            print(f"  {x:6,}: {duration(seconds)}")


if __name__ == "__main__":
    main()
