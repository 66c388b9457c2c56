"""The deciding number of a verdict, enclosed: at most 0 where the claim holds, positive where it fails."""

from __future__ import annotations

from fractions import Fraction

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from thmverify import exact
from thmverify.certifying.grids import rational
from thmverify.certifying.infonce import outward
from thmverify.certifying.proposal import Interval, Proposal
from thmverify.kernel.enclosure import enclose_clip
from thmverify.kernel.linear import inertia, null_space
from thmverify.kernel.models import Pairs
from thmverify.kernel.rules.angles import losses
from thmverify.minimize.closed_forms import Pencil

_BITS = 128
_LARGEST = 20  # dimensions in which eigenvalues are counted for a margin
_RELATIVE = Fraction(1, 10**9)


def clip_margin(paired: Pairs, proposal: Proposal, n: int) -> Interval:
    """Enclose minus the n-th largest singular value of W°, whitened."""
    e = enclose_clip(paired, proposal.hints)
    low, high = nth_eigenvalue(e.Y.transpose() * e.G_V * e.Y, e.G_T.inv(), n)
    with ctx.workprec(_BITS):
        error = e.epsilon2.sqrt()
        return outward(-arb(high).sqrt() - error, error - arb(low).sqrt())


def spectral_margin(pairs: Pairs, _proposal: Proposal, proved: bool) -> Interval | None:
    """Enclose minus the least eigenvalue of M* on S_F, in coordinates in which E xxᵀ = I; of what is proved alone."""
    if not proved or not pairs.mixture.m:
        return None
    low, high = nth_eigenvalue(pairs.C, pairs.mixture.R, pairs.mixture.m)
    return exact.to_fraction(-high), exact.to_fraction(-low)


def pca_margin(pairs: Pairs, _proposal: Proposal, _proved: bool) -> Interval | None:
    """Enclose the largest eigenvalue of R across an invariant S_F of r dimensions less the smallest on it."""
    mixture = pairs.mixture
    d = mixture.dimension
    if d > _LARGEST or not min(pairs.columns, d) == mixture.m < d or not mixture.invariant:
        return None
    R, B = mixture.R, mixture.basis
    P = null_space(B.transpose())
    along = nth_eigenvalue(B.transpose() * R * B, B.transpose() * B, B.ncols())
    across = nth_eigenvalue(P.transpose() * R * P, P.transpose() * P, 1)
    return exact.to_fraction(across[0] - along[1]), exact.to_fraction(across[1] - along[0])


def leak_margin(pairs: Pairs, proposal: Proposal, _proved: bool) -> Interval:
    """Enclose the Frobenius norm of the part of U across S_F, U an orthonormal basis of Col(A)."""
    P = null_space(pairs.mixture.fisher.transpose())
    projector = P * (P.transpose() * P).inv() * P.transpose()
    with ctx.workprec(_BITS):
        radius = arb(exact.to_fmpq(Fraction(proposal.hints["radius"])))
        U = arb_mat(rational(proposal.hints["U"], pairs.columns))
        U += arb_mat(U.nrows(), U.ncols(), [arb(0, radius)] * (U.nrows() * U.ncols()))
        part = arb_mat(projector) * U
        size = sum((x * x for x in part.entries()), arb(0)).sqrt()
        return outward(size, size)


def normalised_margin(pairs: Pairs, proposal: Proposal, _proved: bool) -> Interval:
    """Enclose the one value of the loss inside S_F less its value at the map across."""
    across, inside = losses(pairs, proposal.hints)
    return outward(inside - across, inside - across)


def nth_eigenvalue(form: fmpq_mat, metric: fmpq_mat, n: int) -> tuple[fmpq, fmpq]:
    """Return bounds of the n-th largest eigenvalue of metric⁻¹form, form ⪰ 0 and metric ≻ 0, by counting."""
    middle = Fraction(float(Pencil(form, metric).values[n - 1]))
    slack = max(abs(middle), Fraction(1, 10**30)) * _RELATIVE
    while True:
        low, high = exact.to_fmpq(max(middle - slack, Fraction(0))), exact.to_fmpq(middle + slack)
        enough = low == 0 or inertia(form - metric * low)[0] >= n
        if enough and inertia(form - metric * high)[0] < n:
            return low, high
        slack *= 4
