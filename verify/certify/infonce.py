"""Proposals for infonce-equality: a factor of the minimiser, its null vectors, a grid; the margin once accepted."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from flint import arb, arb_mat

from verify import exact
from verify.certify.grids import floats, propose, rational, whitening
from verify.certify.proposal import Interval, Proposal
from verify.certify.writing import dyadics
from verify.kernel.enclosure import enclose_infonce
from verify.kernel.linear import certainly_definite, identity, precision
from verify.kernel.models import Mixture, Pairs, cross_moment
from verify.minimize import minimise
from verify.minimize.energy import LogSumExpTerm, SharedEnergy
from verify.models import Floats, Instance

_NATS = ((26.0, 36.0), (26.0, 36.0), (26.0, 36.0), (20.0, 29.0, 37.0), (20.0, 22.5))  # by rank: a node costs more
_LEVELS = (1e-11, 1e-9, 1e-7, 1e-5)  # eigenvalues below are tried as 0


def infonce_proposals(instance: Instance, pairs: Pairs) -> Iterator[Proposal]:
    """Yield KKT hints, the most promising first.

    Raises OutOfReachError without an affordable grid.
    """
    mixture = pairs.mixture
    Q = whitening(mixture)
    exact_Q = rational(Q, mixture.m)
    law = mixture.reduced(exact_Q)
    found = minimise("infonce", instance, mixture.m)
    into = floats((mixture.sigma * mixture.fisher * exact_Q).transpose())  # M = BQYQᵀBᵀ and QᵀBᵀΣBQ ≈ I
    values, vectors = np.linalg.eigh(into @ found.maps["M"] @ into.T)
    values, vectors = values[::-1], vectors[:, ::-1]
    ranks = dict.fromkeys([found.rank, *(int(np.sum(values > level)) for level in _LEVELS)])
    for rho in ranks:
        U = vectors[:, :rho] * np.sqrt(np.maximum(values[:rho], 0.0))
        V, N = dyadics(U), dyadics(_steep(law, U, vectors[:, rho:], pairs))
        D = rational(V, rho)
        for nats in _NATS[min(rho, 4)]:
            grid = propose(law, D, D.transpose() * law.offsets, nats)
            yield Proposal("kkt", {"precision": str(grid.bits), "Q": Q, "grids": grid.grids, "V": V, "N": N})


def _steep(law: Mixture, U: Floats, null: Floats, pairs: Pairs) -> Floats:
    """Return the directions of `null` along which the gradient at UUᵀ rises, in coordinates that are nearly white."""
    if null.shape[1] == 0:
        return null
    centres = floats(law.means)
    weights = np.array([float(exact.to_fraction(w)) for w in law.weights])
    C = floats(cross_moment(law, law, pairs.bias))
    energy = SharedEnergy(C, floats(law.S), LogSumExpTerm(weights, centres, centres))
    slopes, directions = np.linalg.eigh(null.T @ energy.point(U @ U.T).gradient @ null)
    return np.asarray(null @ directions[:, slopes > 1e-10])


def infonce_margin(pairs: Pairs, proposal: Proposal, proved: bool) -> Interval:
    """Return an interval around minus the least eigenvalue of M* (proved), or around the slope that refutes.

    Both whitened; the slope is the least eigenvalue of ∇L(M*) on the null vectors of the certificate.
    """
    enclosed = enclose_infonce(pairs, proposal.hints)
    with precision(int(proposal.hints["precision"])):
        if proved:
            lo, hi = _least(enclosed.inner, arb_mat(identity(enclosed.inner.nrows())))
            return _outward(-hi - enclosed.epsilon, -lo + enclosed.epsilon)
        lo, hi = _least(enclosed.Gamma, enclosed.outer)
        drift = enclosed.Lambda * enclosed.epsilon
        return _outward(lo - drift, hi + drift)


def _least(m: arb_mat, metric: arb_mat) -> tuple[arb, arb]:
    """Return bounds of the least eigenvalue of the pencil (m, metric), metric ≻ 0."""
    n = m.nrows()
    left, right = (np.array([[float(x[i, j].mid()) for j in range(n)] for i in range(n)]) for x in (m, metric))
    root = np.linalg.cholesky(right)
    inverse = np.linalg.inv(root)
    values, vectors = np.linalg.eigh(inverse @ left @ inverse.T)
    u = arb_mat([[float(x)] for x in inverse.T @ vectors[:, 0]])
    quotient = (u.transpose() * m * u)[0, 0] / (u.transpose() * metric * u)[0, 0]
    gap = 1e-12 * max(1.0, float(abs(values).max()))
    for _ in range(60):
        low = arb(float(values[0]) - gap)
        if certainly_definite(m - metric * low):
            return low, quotient.upper()
        gap *= 4
    return arb("-inf"), quotient.upper()


def _outward(low: arb, high: arb) -> Interval:
    return _exact(low.lower()), _exact(high.upper())


def _exact(point: arb) -> Fraction:
    mantissa, exponent = point.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
