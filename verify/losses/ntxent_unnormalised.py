"""SimCLR's loss, NT-Xent, of linear maps without normalisation of the features (Chen et al. 2020), in batches.

Of B augmented pairs, 2B points x_1, …, x_{2B}, each is told its partner x_p(i) from among all others: with the scores
z_ij = x_iᵀMx_j, whose law is that of every i,

    L(M) = E[log Σ_{j≠i} e^{z_ij} − z_ip(i)].

Given x_i and its component the partner and the other B − 1 pairs are independent, and the points of a pair are given
their two components: `thmverify.losses.draws`. So these are not 2B − 2 independent negatives, as for `infonce-finite`,
but for δ = 0. With B = 2 there are three candidates, and no default with fewer.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from thmverify import exact
from thmverify.integrate.candidates import Group
from thmverify.losses.draws import drawn_loss, log_sum_candidates, partners
from thmverify.losses.expectations import Matrix
from thmverify.losses.record import Parameter, Settings
from thmverify.models import Instance


def formula(instance: Instance, settings: Settings, M: Matrix) -> Any:
    """Return L(M)."""
    pairs = instance.pairs
    mixture, delta = pairs.mixture, exact.to_fmpq(pairs.bias)
    laws = partners(mixture, delta)
    joint = tuple(tuple(w * v for v in law) for w, law in zip(mixture.w, laws, strict=True))
    others = Group(mixture.w, int(settings["pairs"]) - 1, joint)
    drawn = [(j, exact.to_fmpq(Fraction(1)), (Group(law, 1), others)) for j, law in enumerate(laws)]
    return log_sum_candidates(mixture, M, drawn) - (M @ pairs.C).trace()


LOSS = drawn_loss(
    formula,
    Parameter("pairs", Fraction(2), "B, the pairs of a batch", least=Fraction(2), whole=True),
    name="ntxent-unnormalised",
    title="SimCLR, not normalised",
    formula=r"\mathbb{E} \left[\log \sum_{j \neq i} e^{z_{ij}} - z_{i\,p(i)}\right],"
    r" \quad z_{ij} = f(x_i)^T f(x_j),\ p(i) \text{ the partner of } i",
    normalisation="the usual code’s mean over the 2B points of a batch; a temperature τ is M/τ",
    example=("shared-gmm.json", "column.json"),
)
