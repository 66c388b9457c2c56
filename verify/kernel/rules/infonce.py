"""InfoNCE: nothing outside S_F, and the rank of the minimiser within."""

from __future__ import annotations

from verify.kernel.enclosure import enclose_infonce, rank_bounds
from verify.kernel.linear import is_zero, trace
from verify.kernel.models import Pairs, covariance_of_means
from verify.kernel.parse import Rejected
from verify.kernel.rules.finding import PROVED, Finding, full_rank, shared
from verify.kernel.rules.premises import check_blocks, check_transitive


def infonce_inclusion(pairs: Pairs) -> Finding:
    """See `check_blocks`; the premises always hold for a shared covariance."""
    check_blocks(shared(pairs))
    return PROVED


def nonshared_inclusion(pairs: Pairs) -> Finding:
    """See `check_blocks`; the premises hold when every Σ_k maps S_F into span μ, e.g. for proportional covariances.

    With δ Cov(μ) = 0 they are not needed: ∇L(0) = −δ Cov(μ) = 0, and L is strictly convex, so M* = 0.
    """
    if not _uninformative(pairs):
        check_blocks(pairs.mixture)
    return PROVED


def _uninformative(pairs: Pairs) -> bool:
    """Whether M* = 0: ∇L(0) = −δ Cov(μ), the softmax being w there."""
    return is_zero(covariance_of_means(pairs.mixture, pairs.mixture) * pairs.bias)


def infonce_equality(pairs: Pairs) -> Finding:
    """With r < m the rank is too small. Otherwise the claim is about Y* over Y ⪰ 0, unique by strong convexity."""
    m, r = shared(pairs).m, pairs.columns
    if r < m and not _uninformative(pairs):
        return Finding("refuted", (1, r), (m,))  # Y = 0 is not optimal, since ∇L(0) is not ⪰ 0
    return infonce_top(pairs)


def infonce_top(pairs: Pairs) -> Finding:
    """J is largest exactly on column spaces ⊇ S_F when r ≥ m, and Col(A*) ⊆ S_F: this is equality. M* = 0 never is."""
    m = shared(pairs).m
    if m == 0:
        return Finding("proved", (0, 0), (0,))
    if _uninformative(pairs):
        return Finding("refuted", (0, 0), (m,))
    raise Rejected("rational arithmetic alone does not decide this instance")


def infonce_kkt(pairs: Pairs, hints: object) -> Finding:
    """The rank bounds of `enclosure.rank_bounds` against m."""
    m = shared(pairs).m
    if m == 0 or pairs.columns < m:
        raise Rejected("the rule is for r ≥ m ≥ 1")
    bounds = rank_bounds(enclose_infonce(pairs, hints), m)
    return Finding(full_rank(bounds, m), bounds, (m,))


def infonce_top_kkt(pairs: Pairs, hints: object) -> Finding:
    """For r ≥ m as equality. For r < m proved when Σ⁻¹S is a multiple of 1 on S_F and rank M* ≥ r, rank being free.

    J is then largest on every subspace of S_F of r dimensions. A minimiser over r columns of rank < r would have
    ∇L ⪰ 0 (else another column lowers L), hence be M* (convexity), whose rank is not < r.
    """
    mixture, r = shared(pairs), pairs.columns
    if r >= mixture.m:
        return infonce_kkt(pairs, hints)
    image, B = mixture.S * mixture.fisher, mixture.sigma * mixture.fisher
    if not is_zero(image * mixture.m - B * trace(mixture.sigma.inv() * mixture.S)):
        raise Rejected("for r < m the rule is for a Σ⁻¹S that is a multiple of 1 on S_F")
    bounds = rank_bounds(enclose_infonce(pairs, hints), mixture.m)
    if bounds[0] < r:
        raise Rejected("the rank of the minimiser is not certainly r or more")
    return Finding("proved", (r, r), (mixture.m,))


def infonce_symmetry(pairs: Pairs, hints: object) -> Finding:
    """See `check_transitive`: M*Σe = 0 for e = Σ⁻¹μ̄ in S_F, so the rank is at most m − 1."""
    mixture = shared(pairs)
    check_transitive((mixture,), hints)
    if is_zero(mixture.mean) or pairs.columns < mixture.m:
        raise Rejected("the rule is for r ≥ m and a mean that is not 0")
    return Finding("refuted", (0, mixture.m - 1), (mixture.m,))
