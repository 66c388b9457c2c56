"""The supervised contrastive loss of linear maps (Khosla et al. 2020), in batches of n labelled points.

For each point x of a batch of independent points, with P the others of its component, the mean over P of log Σ_k
e^{z_k} − z_p, z_k = xᵀMy_k over all n − 1 others, and 0 where P is empty. For x of component j, P is empty with
probability (1 − w_j)^{n−1}, and then the others are independent draws of the mixture without j; else the mean score
over P has the mean μ_jᵀMμ_j. So

    L(M) = Σ_j w_j [ E_j log Σ_{k<n} e^{z_k} − (1 − w_j)^{n−1} E_j log Σ_{k<n} e^{z'_k}
                     − (1 − (1 − w_j)^{n−1}) μ_jᵀMμ_j ],

z' of draws without component j, both as in `thmverify.losses.draws`. The pairs (x, x̂) do not enter.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from thmverify import exact
from thmverify.integrate.candidates import Group
from thmverify.losses.draws import drawn_loss, log_sum_candidates
from thmverify.losses.expectations import Matrix, column
from thmverify.losses.record import Parameter, Settings
from thmverify.models import Instance


def formula(instance: Instance, settings: Settings, M: Matrix) -> Any:
    """Return L(M)."""
    mixture, others = instance.pairs.mixture, int(settings["batch"]) - 1
    drawn, outer = [], None
    for j, w in enumerate(mixture.w):
        drawn.append((j, exact.to_fmpq(Fraction(1)), (Group(mixture.w, others),)))
        empty: Any = exact.to_fmpq(Fraction(1))  # the probability that P is
        for _ in range(others):
            empty = empty * (1 - w)
        if mixture.components > 1:
            rest = tuple(v * int(k != j) / (1 - w) for k, v in enumerate(mixture.w))
            drawn.append((j, -empty, (Group(rest, others),)))
        mean = column(mixture.mu, j)
        part = mean * mean.transpose() * ((1 - empty) * w)
        outer = part if outer is None else outer + part
    return log_sum_candidates(mixture, M, drawn) - (M @ outer).trace()


LOSS = drawn_loss(
    formula,
    Parameter("batch", Fraction(3), "n, the points of a batch", least=Fraction(2), whole=True),
    name="supcon",
    title="Supervised",
    formula=r"\mathbb{E} \left[\frac{1}{|P|} \sum_{p \in P} \left(\log \sum_k e^{z_k} - z_p\right)\right],"
    r" \quad z_k = f(x)^T f(y_k),\ P = \{k: y_k \text{ of the component of } x\}",
    normalisation="the usual code’s mean over a batch of n points, those without a positive counted as 0",
)
