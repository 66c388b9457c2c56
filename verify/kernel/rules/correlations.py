"""Whitening, Barlow Twins and VICReg of linear maps, by the canonical correlations of x with x̂ (PROOFS.md, 14).

They are the eigenvalues 1 > ρ₁ ≥ ρ₂ ≥ … of R⁻¹C; those > 0 belong to S_F, and across it all are 0. VICReg sees Cov(x)
and Cov(x, x̂) alone, so that its mixture is moved to mean 0, where S_F is span{Σ̄⁻¹(μ_k − μ_l)}, of n dimensions.
"""

from collections.abc import Callable

from flint import fmpq

from thmverify.kernel.linear import solve, trace
from thmverify.kernel.models import Finding, Pairs
from thmverify.kernel.parse import rational, read
from thmverify.kernel.rules.affine import centred
from thmverify.kernel.rules.spectral import counts, rank_of_C
from thmverify.kernel.strict import Rejected

_BARLOW = fmpq(1, 200)  # λ of Barlow Twins
_VICREG = fmpq(2, 25)  # what a column of variance 1 costs VICReg by its covariances, as a correlation


def whitening(pairs: Pairs) -> Finding:
    """A maximiser has min(r, d) independent eigenvectors from the top: when rank C is less, some may be across S_F."""
    d, m = pairs.mixture.dimension, pairs.mixture.m
    reached = min(pairs.columns, d)
    inside = m == d or reached <= rank_of_C(pairs)
    return Finding("proved" if inside else "refuted", (reached, reached), (m,))


def barlow(pairs: Pairs) -> Finding:
    """C = 0: every map will do. One column is a first eigenvector; those on a line stay when λ(r − 1)ρ ≤ 1 − ρ."""
    mixture, law, reached = pairs.mixture, pairs.on_fisher.mixture, rank_of_C(pairs)
    if mixture.m == mixture.dimension or (pairs.columns == 1 and reached):
        return Finding("proved")
    if reached and mixture.m > 1:
        raise Rejected("without levels it is seen for r = 1 and where S_F is a line or everything")
    rho = trace(solve(law.R, pairs.on_fisher.C))
    stays = rho > 0 and _BARLOW * (pairs.columns - 1) * rho <= 1 - rho
    return Finding("proved" if stays else "refuted")


def barlow_levels(pairs: Pairs, hints: object) -> Finding:
    """All columns of every minimiser are multiples of the first eigenvector."""
    low, high, second = _levels(pairs, hints)
    if not (1 - high) * (low - second) > 2 * _BARLOW * (pairs.columns - 1) * high * (high + second):
        raise Rejected("it is not seen that the columns are multiples of one")
    return Finding("proved")


def vicreg(pairs: Pairs) -> Finding:
    """No direction is better than another when δ Cov(μ) = 0. At most n columns lie in span{Σ̄⁻¹(μ_k − μ_l)} ⊆ S_F."""
    if pairs.mixture.m == pairs.mixture.dimension:
        return Finding("proved")
    if not pairs.informative:
        return Finding("refuted")
    if pairs.columns > centred(pairs).mixture.m:
        raise Rejected("without levels it is seen for r ≤ dim span{Σ̄⁻¹(μ_k − μ_l)} and where S_F is everything")
    return Finding("proved")


def vicreg_levels(pairs: Pairs, hints: object) -> Finding:
    """The columns are multiples of the first eigenvector; or, where they are too many, they turn out of S_F."""
    moved, r = centred(pairs), pairs.columns
    low, high, second = _levels(moved, hints)
    longest = 1 if 4 * (1 - high) <= 1 else 1 / (4 * (1 - high))
    if _VICREG * r * longest**2 <= low - second:
        return Finding("proved")
    n, enough = moved.mixture.m, fmpq(r, 16)  # (sum of the variances of r columns inside is at least that)
    leaks = (r > 1 and high <= _VICREG * enough) if n == 1 else high < _VICREG * (enough / n - 1)
    if not (leaks and pairs.mixture.m < pairs.mixture.dimension):
        raise Rejected("it is not seen that the columns are multiples of one, or too many for S_F")
    return Finding("refuted")


def _levels(pairs: Pairs, hints: object) -> tuple[fmpq, fmpq, fmpq]:
    """Return levels with ρ₂ ≤ second ≤ low ≤ ρ₁ ≤ high ≤ 1."""
    low, high, second = read(hints, low=rational, high=rational, second=rational)
    law, C = pairs.on_fisher.mixture, pairs.on_fisher.C
    (_, reaching), (beyond, _), (above, _) = (counts(law.fisher, C, law.R, x) for x in (low, high, second))
    if not (0 <= second <= low <= high <= 1 and reaching > 0 and beyond == 0 and above <= 1):
        raise Rejected("the levels do not enclose the two largest correlations")
    return low, high, second


def equality(inclusion: Callable[[Pairs], Finding]) -> Callable[[Pairs], Finding]:
    """Col(A) = S_F: as no column of a minimiser is 0, it fails for m = 0, and for m = 1 it is inclusion."""

    def apply(pairs: Pairs) -> Finding:
        m = pairs.mixture.m
        found = Finding("refuted") if m == 0 or pairs.columns < m else inclusion(pairs)
        if m > 1 and found.verdict == "proved":
            raise Rejected("it is not seen which part of S_F the columns span")
        return found

    return apply


def equality_levels(inclusion: Callable[[Pairs, object], Finding]) -> Callable[[Pairs, object], Finding]:
    """Col(A) = S_F, by a rule that proves inclusion where all columns are multiples of one."""

    def apply(pairs: Pairs, hints: object) -> Finding:
        found = inclusion(pairs, hints)
        return found if pairs.mixture.m == 1 else Finding("refuted")

    return apply
