"""The decoupled contrastive loss of linear maps (Yeh et al. 2022): InfoNCE without the positive in the sum.

    L(M) = E[log Σ_{i=1}^N e^{z_i} − z_0],      z_0 = xᵀMx̂, z_i = xᵀMy_i, y_1, …, y_N independent.

Given x the scores of the negatives are independent: `thmverify.losses.draws`. For N = 2 an integral on the line is
left, and for N = 1 nothing but tr M(μ̄μ̄ᵀ − C), which has no minimum; from N = 2 on there need not be one either.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from thmverify import exact
from thmverify.integrate.candidates import Group
from thmverify.losses.draws import drawn_loss, log_sum_candidates, negatives
from thmverify.losses.expectations import Matrix
from thmverify.losses.record import Settings
from thmverify.models import Instance


def formula(instance: Instance, settings: Settings, M: Matrix) -> Any:
    """Return L(M)."""
    pairs = instance.pairs
    draw = (Group(pairs.mixture.w, int(settings["negatives"])),)
    drawn = [(j, exact.to_fmpq(Fraction(1)), draw) for j in range(pairs.mixture.components)]
    return log_sum_candidates(pairs.mixture, M, drawn) - (M @ pairs.C).trace()


LOSS = drawn_loss(
    formula,
    negatives(2),
    name="dcl",
    title="Decoupled",
    formula=r"\mathbb{E} \left[\log \sum_{i=1}^N e^{z_i} - z_0\right],"
    r" \quad z_0 = f(x)^T f(\hat{x}),\ z_i = f(x)^T f(y_i)",
)
