"""InfoNCE with N negatives, exactly as a sum over them (van den Oord et al. 2018), of linear maps.

With z_0 = xᵀMx̂ of a positive pair and z_i = xᵀMy_i of independent y_1, …, y_N,

    L(M) = E[log Σ_{i=0}^N e^{z_i} − z_0],      E z_0 = tr MC.

Given x and its component j the scores are independent, z_0 of the law of component j with probability δ and of the
mixture else: `thmverify.losses.draws`. For N = 1 it is the logistic loss, an integral on the line. L − log N tends to
the InfoNCE of `infonce` as N grows.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from thmverify import exact
from thmverify.integrate.candidates import Group
from thmverify.losses.draws import drawn_loss, log_sum_candidates, negatives, partners
from thmverify.losses.expectations import Matrix
from thmverify.losses.record import Settings
from thmverify.models import Instance


def formula(instance: Instance, settings: Settings, M: Matrix) -> Any:
    """Return L(M)."""
    pairs = instance.pairs
    mixture, delta, N = pairs.mixture, exact.to_fmpq(pairs.bias), int(settings["negatives"])
    one = exact.to_fmpq(Fraction(1))
    drawn = [(j, one, (Group(law, 1), Group(mixture.w, N))) for j, law in enumerate(partners(mixture, delta))]
    return log_sum_candidates(mixture, M, drawn) - (M @ pairs.C).trace()


LOSS = drawn_loss(
    formula,
    negatives(1),
    name="infonce-finite",
    title="InfoNCE, N negatives",
    formula=r"\mathbb{E} \left[\log \sum_{i=0}^N e^{z_i} - z_0\right],"
    r" \quad z_0 = f(x)^T f(\hat{x}),\ z_i = f(x)^T f(y_i)",
)
