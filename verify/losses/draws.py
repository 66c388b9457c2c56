"""Log-sum-exps of few scores as parts of a formula: an anchor x, and candidates y_i drawn for its component.

Of one candidate nothing is left but its score, and of two E log(e^{z_1} + e^{z_2}) = E z_1 + E log(1 + e^{z_2 − z_1}),
an integral on the line at any rank. For more see `thmverify.integrate.candidates`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from flint import fmpq

from thmverify import exact
from thmverify.integrate.candidates import Draw
from thmverify.integrate.scores import Law
from thmverify.losses.expectations import (
    CandidatesTerm,
    Formula,
    Matrix,
    Variables,
    as_formula,
    column,
    from_formula,
    of_gram,
    softplus_mean,
)
from thmverify.losses.record import Loss, Parameter, Row, Sense
from thmverify.maps import Encoder, Gram
from thmverify.models import GMM

Drawn = tuple[int, fmpq, Draw]  # the component of x, a weight, and the groups of the candidates


def log_sum_candidates(mixture: GMM, W: Matrix, drawn: Sequence[Drawn], target: GMM | None = None) -> Formula:
    """Return Σ weight · w_j E log Σ_i exp(xᵀWy_i) over (j, weight, groups), x of component j, candidates as they say.

    Candidates are of components of `target`, by default of the mixture of x, and independent of each other and of x,
    given the components. All anchors have as many of them. Raises
    InputError as `softplus_mean` does for a W that does not fit, and TypeError on a batch of mixtures for more than two
    candidates.
    """
    counts = {sum(group.count * group.width for group in draw) for _, _, draw in drawn}
    other = mixture if target is None else target
    if counts == {1}:
        return as_formula((W @ _mean_outer(mixture, other, drawn)).trace())
    if counts == {2}:
        return _of_two(mixture, other, W, drawn)
    if not isinstance(mixture, GMM):
        raise TypeError("losses of many candidates are not evaluated in batches")
    own, targets = ([(column(m.mu, k), m.sigmas[k]) for k in range(m.components)] for m in (mixture, other))
    sources = tuple((mixture.w[j] * weight, *own[j], draw) for j, weight, draw in drawn)
    return Formula(Matrix(exact.zeros(1, 1)), ((fmpq(1), CandidatesTerm(sources, tuple(targets), W)),))


def partners(mixture: GMM, delta: fmpq) -> list[tuple[fmpq, ...]]:
    """Return, for x of each component, the law of the component of x̂: the same with probability δ, any one else."""
    components = range(mixture.components)
    return [tuple(w * (1 - delta) + delta * int(k == j) for k, w in enumerate(mixture.w)) for j in components]


def _singly(draw: Draw) -> list[Any]:
    """Return the weights of each candidate by itself."""
    return [group.weights for group in draw for _ in range(group.count)]


def _mean_outer(mixture: GMM, other: GMM, drawn: Sequence[Drawn]) -> Any:
    """Return Σ weight · w_j E[y | j] μ_jᵀ for the first candidate y."""
    total: Any = None
    for j, weight, draw in drawn:
        for k, v in enumerate(_singly(draw)[0]):
            part = column(other.mu, k) * column(mixture.mu, j).transpose() * (mixture.w[j] * weight * v)
            total = part if total is None else total + part
    return total


def _of_two(mixture: GMM, other: GMM, W: Matrix, drawn: Sequence[Drawn]) -> Formula:
    """Return E z_1 + E log(1 + e^{z_2 − z_1}); z_1 is the first candidate's score."""
    chances, left, right = [], [], []
    for j, weight, draw in drawn:
        first, second = _singly(draw)
        for k, v in enumerate(first):
            for l, u in enumerate(second):
                chance = mixture.w[j] * weight * v * u
                if chance == 0:
                    continue
                chances.append(chance)
                left.append((column(mixture.mu, j), mixture.sigmas[j]))
                apart = column(other.mu, l) - column(other.mu, k)
                right.append((apart, other.sigmas[l] + other.sigmas[k]))
    law = Law(tuple(chances), tuple(left), tuple(right))
    first_score = as_formula((W @ _mean_outer(mixture, other, drawn)).trace())
    return softplus_mean(law, W) + first_score


def negatives(default: int) -> Parameter:
    """Return the parameter N, the number of negatives to each positive pair."""
    return Parameter("negatives", Fraction(default), "N, the negatives to each positive pair", Fraction(1), whole=True)


def drawn_loss(
    function: Callable[..., Any],
    parameter: Parameter,
    variables: Callable[[str], Variables] = of_gram,
    /,
    *,
    name: str,
    title: str,
    **parts: Any,
) -> Loss:
    """Return the record of a loss that is minimised and made of draws; the other parts are those of `Loss`.

    function: (instance, settings, matrix) → Formula, of M = AAᵀ unless the variables are given. normalisation: that of
    N negatives unless it is given.
    """
    given: dict[str, Any] = {
        "sense": Sense.MINIMISED,
        "normalisation": "the usual code with N independent negatives, a mean over a batch; a temperature τ is M/τ",
        "models": ("shared-gmm", "gmm"),
        "maps": (Encoder, Gram),
        "map_shape": '{"A": …} (d × r) or {"M": …} (d × d)',
        "example": ("shared-gmm.json", "encoder.json"),
        "rows": (Row(name, title, always=False),),
        **parts,
    }
    return from_formula(function, variables, (parameter,), name=name, title=title, **given)


__all__ = ["Drawn", "drawn_loss", "log_sum_candidates", "negatives", "partners"]
