"""CLIP: the factors, and the minimiser over all W."""

from __future__ import annotations

from verify.kernel.enclosure import clip_rank, enclose_clip
from verify.kernel.linear import is_zero
from verify.kernel.models import Paired, covariance_of_means
from verify.kernel.parse import Rejected
from verify.kernel.rules.finding import PROVED, REFUTED, Finding, full_rank
from verify.kernel.rules.premises import are_transitive, check_blocks, isometry, symmetries


def clip_inclusion(paired: Paired) -> Finding:
    """See `check_blocks`, for W ↦ P_V W P_T."""
    check_blocks(paired.vision)
    check_blocks(paired.text)
    return PROVED


def _uninformative(paired: Paired) -> bool:
    """Whether W° = 0: ∇L(0) = −2δ Cov(μ_V, μ_T)."""
    return is_zero(covariance_of_means(paired.vision, paired.text) * paired.bias)


def clip_equality(paired: Paired) -> Finding:
    """Col(W*) = S_{V,F} and Col(W*ᵀ) = S_{T,F} need rank W* = m_V = m_T ≤ r."""
    sizes = (paired.vision.m, paired.text.m)
    if sizes == (0, 0):
        return Finding("proved", (0, 0), sizes)
    if _uninformative(paired):
        return Finding("refuted", (0, 0), sizes)
    if sizes[0] != sizes[1] or paired.columns < sizes[0]:
        return Finding("refuted", (1, min(*sizes, paired.columns)), sizes)
    raise Rejected("rational arithmetic alone does not decide this instance")


def clip_equality_kkt(paired: Paired, hints: object) -> Finding:
    """The rank of `enclosure.clip_rank` is m_V = m_T ≤ r."""
    sizes = (paired.vision.m, paired.text.m)
    if not 0 < sizes[0] == sizes[1] <= paired.columns:
        raise Rejected("the rule is for r ≥ m_V = m_T ≥ 1")
    return Finding(full_rank((clip_rank(enclose_clip(paired, hints)), sizes[0]), sizes[0]), (sizes[0], sizes[0]), sizes)


def clip_symmetry(paired: Paired, hints: object) -> Finding:
    """The rank is at most that of `symmetry_bound`, less than m_V or m_T."""
    sizes, bound = (paired.vision.m, paired.text.m), symmetry_bound(paired, hints)
    if paired.columns < max(sizes) or bound == max(sizes):
        raise Rejected("the rule is for r ≥ m_V, m_T, and the symmetries allow for full rank")
    return Finding("refuted", (0, bound), sizes)


def symmetry_bound(paired: Paired, hints: object) -> int:
    """Return a bound of the rank of W°: symmetries move the components, U_V and U_T their means, and U_V W°U_Tᵀ = W°.

    So Col(W°) is U_V-invariant, and U_V acts on it as U_T does on a complement of ker W°: its characteristic polynomial
    there divides both. And when they are transitive, W° is 0 along the means: see `check_transitive`.
    """
    modalities = (paired.vision, paired.text)
    maps = symmetries(modalities, hints)
    bounds = [x.m - int(are_transitive(maps) and not is_zero(x.mean)) for x in modalities]
    for p in maps:
        left, right = (isometry(x, p).charpoly() for x in modalities)
        bounds.append(int(left.gcd(right).degree()))
    return min(bounds)


def clip_literal(paired: Paired) -> Finding:
    """True when S_{V,F} and S_{T,F} are everything. Else, W° the minimiser over all W and ρ its rank: false if r > ρ.

    For W° = A_V A_Tᵀ with ρ columns, a further column of A_V may be any vector while that of A_T is 0, and conversely.
    ρ ≤ min(m_V, m_T) always, and ρ = 0 when the modalities are uncorrelated.
    """
    vision, text = paired.vision, paired.text
    sizes = (vision.m, text.m)
    if sizes == (vision.means.nrows(), text.means.nrows()):
        return PROVED
    if _uninformative(paired) or paired.columns > min(sizes):
        return REFUTED
    raise Rejected("r is at most the rank that the minimiser may have")


def clip_literal_symmetry(paired: Paired, hints: object) -> Finding:
    """See `clip_literal`, with ρ at most the `symmetry_bound`."""
    everything = (paired.vision.m, paired.text.m) == (paired.vision.means.nrows(), paired.text.means.nrows())
    if everything or paired.columns <= symmetry_bound(paired, hints):
        raise Rejected("r is at most the rank that the symmetries allow for, or both subspaces are everything")
    return REFUTED


def clip_literal_kkt(paired: Paired, hints: object) -> Finding:
    """For r ≤ ρ the optimal W have rank r, so Col(A_V) = Col(W) ⊆ S_{V,F} and Col(A_T) = Col(Wᵀ) ⊆ S_{T,F}.

    An optimal W of rank < r would be stationary along every uvᵀ, hence W°, of rank ρ ≥ r.
    """
    clip_inclusion(paired)
    if not 0 < paired.columns <= min(paired.vision.m, paired.text.m):
        raise Rejected("the rule is for r ≤ m_V, m_T")
    if clip_rank(enclose_clip(paired, hints)) < paired.columns:
        raise Rejected("fewer than r singular values are certainly positive")
    return PROVED
