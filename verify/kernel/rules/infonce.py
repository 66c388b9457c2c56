"""InfoNCE: nothing outside S_F, and the rank of the minimiser within."""

from __future__ import annotations

from verify.kernel.enclosure import enclose_infonce, rank_bounds
from verify.kernel.linear import (
    is_zero,
)
from verify.kernel.models import Pairs, covariance_of_means
from verify.kernel.parse import Rejected
from verify.kernel.rules.finding import PROVED, Finding, full_rank, shared
from verify.kernel.rules.premises import check_blocks, check_transitive


def infonce_inclusion(pairs: Pairs) -> Finding:
    """See `check_blocks`; the premises always hold for a shared covariance."""
    check_blocks(shared(pairs))
    return PROVED


def nonshared_inclusion(pairs: Pairs) -> Finding:
    """See `check_blocks`; the premises hold when every Σ_k maps S_F into span μ, e.g. for proportional covariances."""
    check_blocks(pairs.mixture)
    return PROVED


def infonce_equality(pairs: Pairs) -> Finding:
    """With r < m the rank is too small. Otherwise the claim is about Y* over Y ⪰ 0, unique by strong convexity.

    At Y = 0 the softmax is w and ∇L(0) = −δ Cov(τ): when that is 0, Y* = 0.
    """
    mixture = shared(pairs)
    m, r = mixture.m, pairs.columns
    if m == 0:
        return Finding("proved", (0, 0), (0,))
    if is_zero(covariance_of_means(mixture, mixture) * pairs.bias):
        return Finding("refuted", (0, 0), (m,))
    if r < m:  # Y = 0 is not optimal, and neither is any Y of rank < r with a gradient that is not ⪰ 0
        return Finding("refuted", (1, r), (m,))
    raise Rejected("rational arithmetic alone does not decide this instance")


def infonce_kkt(pairs: Pairs, hints: object) -> Finding:
    """The rank bounds of `enclosure.rank_bounds` against m."""
    m = shared(pairs).m
    if m == 0 or pairs.columns < m:
        raise Rejected("the rule is for r ≥ m ≥ 1")
    bounds = rank_bounds(enclose_infonce(pairs, hints), m)
    return Finding(full_rank(bounds, m), bounds, (m,))


def infonce_symmetry(pairs: Pairs, hints: object) -> Finding:
    """See `check_transitive`: M*Σe = 0 for e = Σ⁻¹μ̄ in S_F, so the rank is at most m − 1."""
    mixture = shared(pairs)
    check_transitive((mixture,), hints)
    if is_zero(mixture.mean) or pairs.columns < mixture.m:
        raise Rejected("the rule is for r ≥ m and a mean that is not 0")
    return Finding("refuted", (0, mixture.m - 1), (mixture.m,))
