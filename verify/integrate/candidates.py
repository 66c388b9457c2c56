"""E log Σ_i e^{z_i} of n candidates with scores z_i = pᵀq_i, which are independent given p and their components.

With g(s) = exp(−e^s), log S = ∫_R (g(s) − g(s + log S)) ds (Frullani, t = e^s), and g(s + log Σ_i e^{z_i}) is the
product of the g(s + z_i). So for candidates that are drawn in groups, group γ of n_γ candidates from Σ_k v_γk N(b_k,
H_k),

    E[log Σ_i e^{z_i} | p] = ∫_R (g(s) − Π_γ φ_γ(p, s)^{n_γ}) ds,     φ_γ = Σ_k v_γk φ_k,  φ_k(p, s) = E g(s + pᵀq),

where pᵀq ~ N(pᵀb_k, pᵀH_kp) under φ_k, and φ_γ = Σ_kl v_γkl φ_kφ_l for candidates that come in pairs: whatever the
number of candidates is, and of the dimension ρ of p and q, three
integrals are nested: over p in ρ dimensions, over s, and over a score. Likewise the softmax π_i = e^{z_i} / Σ has
E[π_i f(z_i) | p] = ∫ E[f e^{s+z}g(s + z)] Π_others ds: with ψ_k and ω_k in the place of φ_k for the functions e^w g(w)
and (e^w − e^{2w}) g(w), its derivative in the score, and E[(q_i − b_k) π_i | p, k] = H_kp E[π_i(1 − π_i) | p, k] by
Stein's identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.integrate.problem import ONE


@dataclass(frozen=True)
class Group:
    """Independent candidates of one law: each is of component k with the chance `weights[k]`, and how many they are.

    joint: for `count` pairs of candidates, the chance that one is of component k and the other of l, symmetric, with
    both marginals `weights`; given their components those of a pair are independent, too.
    """

    weights: tuple[fmpq, ...]
    count: int
    joint: tuple[tuple[fmpq, ...], ...] = ()

    @property
    def width(self) -> int:
        """How many candidates depend on each other: 1, or 2 of a pair."""
        return 2 if self.joint else 1

    @cached_property
    def chances(self) -> tuple[tuple[tuple[int, ...], fmpq], ...]:
        """The components of a candidate, or of a pair, with the chance of each that is not 0."""
        rows = enumerate(self.joint)
        pairs = [((k, l), v) for k, row in rows for l, v in enumerate(row)] if self.joint else []
        singles = [] if self.joint else [((k,), v) for k, v in enumerate(self.weights)]
        return tuple((place, v) for place, v in (*pairs, *singles) if v != 0)


Draw: TypeAlias = tuple[Group, ...]


@dataclass(frozen=True)
class Anchor:
    """p ~ N(mean, covariance), with the factor `weight` ≠ 0 of either sign, and its candidates."""

    weight: fmpq
    mean: fmpq_mat
    covariance: fmpq_mat
    draw: Draw

    @property
    def count(self) -> int:
        """n, the number of candidates."""
        return sum(group.count * group.width for group in self.draw)

    @cached_property
    def expected(self) -> tuple[fmpq, ...]:
        """The mean number of candidates of each component."""
        return tuple(
            sum((group.count * group.width * group.weights[k] for group in self.draw), fmpq(0))
            for k in range(len(self.draw[0].weights))
        )


@dataclass(frozen=True)
class Candidates:
    """Σ over anchors of weight · E log Σ_i exp(pᵀq_i), q ~ N(b_k, H_k) for a candidate of component k, on R^ρ.

    targets: (b_k, H_k). ρ = 0 leaves the logarithms of the numbers of candidates.
    """

    anchors: tuple[Anchor, ...]
    targets: tuple[tuple[fmpq_mat, fmpq_mat], ...]

    @property
    def dimension(self) -> int:
        """ρ."""
        return self.targets[0][0].nrows()

    def centre(self, anchor: Anchor) -> fmpq_mat:
        """Return β, the mean of the candidates of an anchor."""
        total = exact.zeros(self.dimension, 1)
        for number, (b, _) in zip(anchor.expected, self.targets, strict=True):
            total = total + b * (number / anchor.count)
        return total

    @cached_property
    def mean(self) -> fmpq:
        """Σ weight · E pᵀβ, what the mean score adds to the value."""
        return sum((a.weight * exact.inner(a.mean, self.centre(a)) for a in self.anchors), fmpq(0))


@dataclass(frozen=True)
class CandidateMoments:
    """E Σ_i π_i over candidates of component k, times 1, p − m, q_i − b_k and (p − m)(q_i − b_k)ᵀ, for each anchor.

    zeroth: P × K. left, right: P × K × ρ. both: P × K × ρ × ρ: floats, mpf or balls. error: of floats, an estimate of
    the largest absolute error. reached: of balls, whether they are as small as asked.
    """

    zeroth: Any
    left: Any
    right: Any
    both: Any
    error: float = 0.0
    reached: bool = True


@dataclass(frozen=True)
class ReducedCandidates:
    """The problem of p = Uᵀx and q = Vᵀy, W = UVᵀ with ρ = rank W columns, for scores xᵀWy.

    sources: μ (d × 1) and Σ of each anchor's x. targets: those of y. lifts: for each anchor X (d × ρ), and for each
    target Y (d' × ρ), with E[x | p] = μ + X(p − m), E[y | q] = ν + Y(q − b). scores: W. coefficient: its factor in a
    sum.
    """

    problem: Candidates
    sources: tuple[tuple[fmpq_mat, fmpq_mat], ...]
    targets: tuple[tuple[fmpq_mat, fmpq_mat], ...]
    lifts: tuple[fmpq_mat, ...]
    target_lifts: tuple[fmpq_mat, ...]
    scores: fmpq_mat
    coefficient: fmpq = ONE


Sources: TypeAlias = tuple[tuple[fmpq, fmpq_mat, fmpq_mat, Draw], ...]


def reduce_candidates(
    sources: Sources, targets: tuple[tuple[fmpq_mat, fmpq_mat], ...], W: fmpq_mat
) -> ReducedCandidates:
    """Return Σ weight · E log Σ_i exp(xᵀWy_i) in the fewest coordinates.

    sources: weight, μ, Σ and candidates of each anchor; those of weight 0 are left out. targets: ν and T.
    """
    U = exact.submatrix(W, range(W.nrows()), exact.pivot_columns(W))
    V = ((U.transpose() * U).solve(U.transpose() * W)).transpose()
    kept = [source for source in sources if source[0] != 0]
    anchors, lifts = [], []
    for weight, mu, sigma, draw in kept:
        G = U.transpose() * sigma * U
        anchors.append(Anchor(weight, U.transpose() * mu, G, draw))
        lifts.append(sigma * U * G.inv())
    reduced, target_lifts = [], []
    for nu, tau in targets:
        H = V.transpose() * tau * V
        reduced.append((V.transpose() * nu, H))
        target_lifts.append(tau * V * H.inv())
    return ReducedCandidates(
        Candidates(tuple(anchors), tuple(reduced)),
        tuple((mu, sigma) for _, mu, sigma, _ in kept),
        targets,
        tuple(lifts),
        tuple(target_lifts),
        W,
    )
