"""Proposals for infonce-equality: a factor of the minimiser, its null vectors, a grid; the margin once accepted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from flint import arb, arb_mat, ctx, fmpq_mat

from thmverify import exact
from thmverify.certifying.grids import propose, rational, whitening
from thmverify.certifying.proposal import Interval, Proposal
from thmverify.certifying.writing import dyadics
from thmverify.exact import from_ball, identity, to_floats, to_fraction
from thmverify.kernel.enclosure import enclose_infonce
from thmverify.kernel.linear import certainly_definite
from thmverify.kernel.models import Mixture, Pairs
from thmverify.minimize import Minimiser, minimise
from thmverify.minimize.energy import LogSumExpTerm, SharedEnergy
from thmverify.minimize.newton import Rescaled, flattening
from thmverify.models import Floats, Instance

_NATS = ((22.0, 32.0), (22.0, 32.0), (22.0, 32.0), (16.0, 25.0, 33.0))  # accuracy of the integrals, by rank
_POLISHED = ((), *((36.0, 56.0, 76.0),) * 2, (26.0, 36.0, 48.0))  # with further Newton steps
_BEYOND = (1.5, 4.0)  # for larger ranks, where a node costs more: nats beyond the size of what is to be seen
_FLAT = 1e-10
_LEVELS = (1e-11, 1e-9, 1e-7, 1e-5)  # eigenvalues below are tried as 0


def infonce_proposals(instance: Instance, pairs: Pairs) -> Iterator[Proposal]:
    """Yield KKT hints, the most promising first.

    Raises OutOfReachError without an affordable grid.
    """
    mixture = pairs.mixture
    Q = whitening(mixture)
    frame = mixture.fisher * rational(Q, mixture.m)
    law = mixture.reduced(frame)
    found, values, vectors = _spectrum(instance, mixture, Q)
    ranks = dict.fromkeys([found.rank, *(int(np.sum(values > level)) for level in _LEVELS)])
    energy = _energy(law, frame.transpose() * pairs.C * frame)
    for rho in ranks:
        U = vectors[:, :rho] * np.sqrt(np.maximum(values[:rho], 0.0))
        slopes, steep = _steep(energy, U, vectors[:, rho:])
        V, N = dyadics(U), dyadics(steep)
        if rho == 0 and not len(slopes):
            continue  # nothing here tells the minimiser from 0
        needed = _needed(law, min([*values[:rho], *slopes]))
        for nats in _NATS[rho] if rho < len(_NATS) else needed:
            yield _proposal(law, Q, V, N, nats)
        for nats in _POLISHED[rho] if rho < len(_POLISHED) else needed[-1:]:
            V = _polish(pairs, energy, _proposal(law, Q, V, [[]] * mixture.m, nats))
            yield _proposal(law, Q, V, N, nats)


def _needed(law: Mixture, smallest: float) -> list[float]:
    """Return accuracies of the integrals at which an eigenvalue of this size can be told from 0."""
    sizes = np.linalg.norm(to_floats(law.means), axis=0)
    weights = np.array([float(exact.to_fraction(w)) for w in law.weights])
    amplified = (float(weights @ sizes) + math.sqrt(law.means.nrows())) * float(sizes.sum())
    return [extra + math.log(amplified / smallest) for extra in _BEYOND] if smallest > 0 else []


def _spectrum(instance: Instance, mixture: Mixture, Q: list[list[str]]) -> tuple[Minimiser, Floats, Floats]:
    """Return the minimiser and the eigenvalues and eigenvectors, largest first, of its Y: M = BQYQᵀBᵀ, QᵀBᵀΣBQ ≈ I."""
    found = minimise("infonce", instance, mixture.m)
    into = to_floats((mixture.sigma * mixture.fisher * rational(Q, mixture.m)).transpose())
    values, vectors = np.linalg.eigh(into @ found.maps["M"] @ into.T)
    return found, values[::-1], vectors[:, ::-1]


def floating_margin(instance: Instance, pairs: Pairs) -> Interval | None:
    """Return float64's idea of minus the least eigenvalue of M* on S_F, whitened: supported numerically, no proof."""
    found, values, _ = _spectrum(instance, pairs.mixture, whitening(pairs.mixture))
    if found.error_bound is None:
        return None
    least, error = Fraction(float(values[-1])), Fraction(found.error_bound)
    return -least - error, -least + error


def _proposal(law: Mixture, Q: list[list[str]], V: list[list[str]], N: list[list[str]], nats: float) -> Proposal:
    D = rational(V, len(V[0]))
    grid = propose(law, D, D.transpose() * law.offsets, nats)
    return Proposal("kkt", {"precision": str(grid.bits), "Q": Q, "grids": grid.grids, "V": V, "N": N})


def _polish(pairs: Pairs, energy: SharedEnergy, proposal: Proposal) -> list[list[str]]:
    """Return V after a step of Newton's method on ∇L(VVᵀ)V = 0: ∇L from balls, the Hessian in float64."""
    bits = int(proposal.hints["precision"])
    exact_V = rational(proposal.hints["V"], len(proposal.hints["V"][0]))
    F = flattening(np.eye(len(energy.S)) + energy.S)
    with ctx.workprec(bits):
        gradient = enclose_infonce(pairs, proposal.hints).gradient
        residual = F.T @ _middle(gradient * arb_mat(exact_V))
    V, g = np.linalg.solve(F, to_floats(exact_V)), F.T @ _middle(gradient) @ F
    m, rho = V.shape
    moves = np.eye(m * rho).reshape(-1, m, rho)
    curved = (_twice_symmetric(moves @ V.T).reshape(-1, m * m) @ Rescaled(energy, F, F).hessian(V @ V.T)) / 2
    derivative = (_twice_symmetric(curved.reshape(-1, m, m)) @ V + g @ moves).reshape(-1, m * rho).T
    # Turning the columns of V into each other changes nothing: the step is orthogonal to all turns.
    units = np.eye(rho * rho).reshape(-1, rho, rho)
    turns = (V @ (units - np.swapaxes(units, 1, 2))).reshape(-1, m * rho)
    wanted = np.concatenate([-residual.reshape(-1), np.zeros(len(turns))])
    step = F @ np.linalg.lstsq(np.concatenate([derivative, turns]), wanted, rcond=None)[0].reshape(m, rho)
    scale = 2 ** max(bits, 64)
    moved = exact_V + rational(dyadics(step), rho)
    return [[str(Fraction(round(x * scale), scale)) for x in row] for row in exact.to_rows(moved)]


def _twice_symmetric(stack: Floats) -> Floats:
    """Return X + Xᵀ for each matrix of a stack."""
    return np.asarray(stack + np.swapaxes(stack, 1, 2))


def _middle(balls: arb_mat) -> Floats:
    return np.array([[float(x.mid()) for x in row] for row in balls.tolist()])


def _energy(law: Mixture, C: fmpq_mat) -> SharedEnergy:
    """Return L in coordinates that are nearly white, in float64."""
    centres = to_floats(law.means)
    weights = np.array([float(exact.to_fraction(w)) for w in law.weights])
    return SharedEnergy(to_floats(C), to_floats(law.S), LogSumExpTerm(weights, centres, centres))


def _steep(energy: SharedEnergy, U: Floats, null: Floats) -> tuple[Floats, Floats]:
    """Return the slopes of the loss at UUᵀ along the directions in `null` in which it rises, and these directions."""
    if null.shape[1] == 0:
        return np.zeros(0), null
    slopes, directions = np.linalg.eigh(null.T @ energy.point(U @ U.T).gradient @ null)
    return slopes[slopes > _FLAT], np.asarray(null @ directions[:, slopes > _FLAT])


def infonce_margin(pairs: Pairs, proposal: Proposal, proved: bool) -> Interval:
    """Return an interval around minus the least eigenvalue of M* (proved), or around the slope that refutes.

    Both whitened; the slope is the least eigenvalue of ∇L(M*) on the null vectors of the certificate.
    """
    enclosed = enclose_infonce(pairs, proposal.hints)
    with ctx.workprec(int(proposal.hints["precision"])):
        if proved:
            lo, hi = _least(enclosed.inner, arb_mat(identity(enclosed.inner.nrows())))
            return outward(-hi - enclosed.epsilon, -lo + enclosed.epsilon)
        lo, hi = _least(enclosed.Gamma, enclosed.outer)
        drift = enclosed.Lambda.sqrt() * enclosed.epsilon
        return outward(lo - drift, hi + drift)


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


def outward(low: arb, high: arb) -> Interval:
    """Return rational ends of the hull of two balls."""
    return to_fraction(from_ball(low.lower())), to_fraction(from_ball(high.upper()))
