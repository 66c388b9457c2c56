"""Instances near one, or of a family of them, all at once: their numbers are balls (PROOFS.md, 10.7).

For the rules nothing else changes: what they compute in balls of one instance they enclose of each of these.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from flint import arb, arb_mat, fmpq, fmpq_mat

from thmverify.kernel.linear import certainly_definite, coefficients
from thmverify.kernel.models import Mixture, Pairs
from thmverify.kernel.strict import Rejected


class Axis(NamedTuple):
    """A parameter θ: at θ the instance has these times θ − `at` more."""

    name: str
    at: fmpq
    ends: tuple[fmpq, fmpq]
    weights: list[fmpq]
    means: list[fmpq_mat]  # d × K, of each modality
    bias: fmpq


Move = tuple[arb, fmpq_mat]  # a step, and what it moves the means by


class Nearby(Mixture):
    """The mixtures with weights in balls, the Σ of `base`, and means μ_k + Σ_i s_i·move_ik + e_k, e_kᵀΣ⁻¹e_k ≤ ρ².

    The moves and the e_k are in the span of the μ_k, so all have their S_F in that of the base.
    """

    def __init__(self, base: Mixture, weights: Sequence[arb], moves: Sequence[Move], rho: fmpq, Q: fmpq_mat) -> None:
        self.base, self.moves, self.rho, self.frame = base, list(moves), rho, Q
        self.balls, self.dimension, self.shared = list(weights), base.dimension, True
        self.weights = self.balls  # type: ignore[assignment]
        self.given = base.given

    @cached_property
    def means(self) -> arb_mat:  # type: ignore[override]
        """The means (d × K)."""
        d, K, sigma = self.dimension, len(self.weights), self.sigma
        reach = [arb(0, (arb(sigma[i, i]).sqrt() * arb(self.rho)).upper()) for i in range(d)]
        around = arb_mat(d, K, [x for x in reach for _ in range(K)])
        return sum((arb_mat(move) * step for step, move in self.moves), arb_mat(self.base.means) + around)

    @property
    def m(self) -> int:
        """dim S_F; `nearby` sees that it is the same for all."""
        return self.base.m

    @cached_property
    def fisher(self) -> fmpq_mat:
        """The basis of S_F, the same for all."""
        return self.base.fisher

    @cached_property
    def sigma(self) -> fmpq_mat:
        """Σ (d × d), the same for all."""
        return self.base.sigma

    @cached_property
    def mean(self) -> arb_mat:  # type: ignore[override]
        """μ̄ (d × 1)."""
        return self.means * arb_mat([[w] for w in self.balls])

    def moment(self, other: Mixture) -> arb_mat:  # type: ignore[override]
        """Return Σ_k w_k μ_k μ'_kᵀ."""
        weighted = [w * x for row in self.means.tolist() for w, x in zip(self.balls, row, strict=True)]
        return arb_mat(self.dimension, len(self.balls), weighted) * other.means.transpose()

    @cached_property
    def on_fisher(self) -> "Nearby":
        """The laws of t = (BQ)ᵀx."""
        law = self.base.on_fisher.reduced(self.frame)
        law.fisher, law.pivots = unit(self.m), self.base.on_fisher.pivots
        turned = (self.fisher * self.frame).transpose()
        return Nearby(law, self.balls, [(s, turned * move) for s, move in self.moves], self.rho, unit(self.m))

    def reduced(self, frame: fmpq_mat) -> "Nearby":
        """Return the laws of frameᵀx; e_k is enclosed anew in these coordinates."""
        moves = [(s, frame.transpose() * move) for s, move in self.moves]
        return Nearby(self.base.reduced(frame), self.balls, moves, self.rho, self.frame)


def unit(m: int) -> fmpq_mat:
    """Return the identity."""
    return fmpq_mat(m, m, [int(i == j) for i in range(m) for j in range(m)])


class NearbyPairs(Pairs):
    """The pairs with such laws and a bias in a ball."""

    @cached_property
    def informative(self) -> bool:
        """Whether δ Cov(μ, μ') ≠ 0 for all. Raises Rejected where that is not certain."""
        x, y = (law.on_fisher for law in (self.modalities[0], self.modalities[-1]))
        covariance = x.moment(y) - x.mean * y.mean.transpose()
        if self.bias > 0 and any(entry > 0 or entry < 0 for entry in covariance.entries()):
            return True
        raise Rejected("it is not certain that the pairs are informative")

    @cached_property
    def on_fisher(self) -> "NearbyPairs":
        """The pairs of t = (BQ)ᵀx, Q the frames."""
        return NearbyPairs([x.on_fisher for x in self.modalities], self.bias, self.columns, self.decay)


def nearby(
    pairs: Pairs, frames: Sequence[fmpq_mat], axes: Sequence[Axis], values: Sequence[arb], rho: fmpq
) -> NearbyPairs:
    """Return the instances whose parameters are in `values`, and those within ρ of them, in balls.

    Within ρ: |w'_k − w_k| ≤ ρ, |δ' − δ| ≤ ρ, and (μ'_k − μ_k)ᵀΣ⁻¹(μ'_k − μ_k) ≤ ρ² with μ'_k in the span of the means.
    Raises Rejected where a weight may be 0, or S_F smaller than that of the instance.
    """
    steps, around = [value - axis.at for axis, value in zip(axes, values, strict=True)], arb(0, arb(rho).upper())
    bias = sum((s * axis.bias for s, axis in zip(steps, axes, strict=True)), arb(pairs.bias) + around)
    weights = [arb(w) + around for w in pairs.mixture.weights]
    for s, axis in zip(steps, axes, strict=True):
        weights = [w + s * move for w, move in zip(weights, axis.weights, strict=True)]
    if not all(w > 0 for w in weights):
        raise Rejected("it is not certain that the weights are positive")
    laws = []
    for i, (mixture, Q) in enumerate(zip(pairs.modalities, frames, strict=True)):
        moves = [(s, axis.means[i]) for s, axis in zip(steps, axes, strict=True)]
        laws.append(Nearby(mixture, weights, moves, rho, Q))
    if not all(certainly_definite(arb_mat(law.on_fisher.S)) for law in laws):
        raise Rejected("it is not certain that the means span as many dimensions as those of the instance")
    return NearbyPairs(laws, bias.max(arb(0)).min(arb(1)), pairs.columns, pairs.decay)  # type: ignore[arg-type]


def check_axis(pairs: Pairs, axis: Axis) -> None:
    """Check that an axis has a number for each of the instance, keeps Σw = 1, and the means in their span."""
    K = len(pairs.mixture.weights)
    if len(axis.weights) != K or sum(axis.weights, fmpq(0)) != 0:
        raise Rejected("an axis does not have a weight for each component, with sum 0")
    if len(axis.means) != len(pairs.modalities):
        raise Rejected("an axis does not have means for each modality")
    for mixture, move in zip(pairs.modalities, axis.means, strict=True):
        if (move.nrows(), move.ncols()) != (mixture.dimension, K):
            raise Rejected("the means of an axis do not fit those of the instance")
        if coefficients(mixture.means, mixture.pivots, move) is None:
            raise Rejected("an axis takes the means out of their span")
