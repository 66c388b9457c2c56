"""Proposals for infonce-equality: a factor of the minimiser, its null vectors, a grid; the margin once accepted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
from flint import arb, arb_mat, ctx, fmpq_mat

from thmverify import exact
from thmverify.certifying.fisher import instance_of
from thmverify.certifying.grids import OutOfReachError, propose, rational, whitening
from thmverify.certifying.proposal import Interval, Proposal
from thmverify.certifying.writing import dyadics
from thmverify.exact import from_ball, identity, to_floats, to_fraction
from thmverify.kernel.enclosure import Enclosed, enclose_infonce
from thmverify.kernel.linear import certainly_definite, dual_norm_squared
from thmverify.kernel.models import Mixture, Pairs
from thmverify.kernel.strict import Rejected
from thmverify.minimize import minimise
from thmverify.minimize.energy import ROUGH, LogSumExpTerm, SharedEnergy
from thmverify.minimize.newton import Rescaled, flattening, minimise_on_cone
from thmverify.minimize.result import Minimiser, leading
from thmverify.models import Floats, Instance

_NATS = ((22.0, 32.0), (22.0, 32.0), (22.0, 32.0), (16.0, 25.0, 33.0))  # accuracy of the integrals, by rank
_POLISHED = ((), *((36.0, 56.0, 76.0),) * 2, (26.0, 36.0, 48.0))  # with further Newton steps
_FIRST, _SPARE, _LEAP, _LOOKS = 7.0, 0.7, 4.0, 8  # for larger ranks, where a node costs more: by a first look
DEAR, DEAREST = 4, 8  # dimensions from which, and up to which, lattices give the minimiser to fewer digits
_FLAT = 1e-10
_LEVELS = (1e-11, 1e-9, 1e-7, 1e-5)  # eigenvalues below, where the largest is at most 1, are tried as 0


def infonce_proposals(instance: Instance, pairs: Pairs, boxes: bool = False) -> Iterator[Proposal]:
    """Yield KKT hints, the most promising first; with lattices in boxes alone where that is asked for.

    Raises OutOfReachError without an affordable grid.
    """
    mixture = pairs.mixture
    Q, law, energy, found = _start(instance, pairs)
    values, vectors = found.values, found.vectors
    beyond: OutOfReachError | None = None
    scale = min(1.0, float(values[0]))  # far means make all eigenvalues small
    for rho in dict.fromkeys([found.rank, *(int(np.sum(values > level * scale)) for level in _LEVELS)]):
        U = vectors[:, :rho] * np.sqrt(np.maximum(values[:rho], 0.0))
        slopes, steep = _steep(energy, U, vectors[:, rho:])
        V, N = dyadics(U), dyadics(steep)
        if rho == 0 and not len(slopes):
            continue  # nothing here tells the minimiser from 0
        if rho >= len(_NATS):
            try:
                yield from _measured(pairs, law, energy, Q, V, N, boxes)
            except OutOfReachError as error:  # another rank may be within reach
                beyond = error
            continue
        for nats in _NATS[rho]:
            yield _proposal(law, Q, V, N, nats, boxes)
        for nats in _POLISHED[rho]:
            V = _polish(pairs, energy, _proposal(law, Q, V, [[]] * mixture.m, nats))
            yield _proposal(law, Q, V, N, nats, boxes)
    if beyond:
        raise beyond


def _measured(
    pairs: Pairs,
    law: Mixture,
    energy: SharedEnergy,
    Q: list[list[str]],
    V: list[list[str]],
    N: list[list[str]],
    boxes: bool,
) -> Iterator[Proposal]:
    """Yield hints with a first accuracy of the integrals, then with the one that its error asks for.

    Where the error is that of V, Newton's method is taken a step further.
    """
    nats = _FIRST
    for _ in range(_LOOKS):
        proposal = _proposal(law, Q, V, N, nats, boxes)
        yield proposal
        try:
            missing, sharp = _missing(enclose_infonce(pairs, proposal.hints), law, proposal)
        except Rejected:  # so coarse that the gradient is not definite on N
            missing, sharp = _LEAP, False
        if sharp:
            V = _polish(pairs, energy, _proposal(law, Q, V, [[]] * pairs.mixture.m, nats))
        nats += 0.0 if sharp else missing + _SPARE


def _missing(e: Enclosed, law: Mixture, proposal: Proposal) -> tuple[float, bool]:
    """Return the logarithm of the factor by which ε is too large to bound the rank, and whether V alone is to blame."""
    G, R = law.sigma, law.R
    with ctx.workprec(int(proposal.hints["precision"])):
        low = least(e.inner, e.inner_R.inv())[0].sqrt() / e.epsilon
        high = least(e.Gamma, e.allowed)[0] if e.Gamma.nrows() else low
        # The balls of the entries hide the signs, which may add up: what V leaves over is seen at their middles.
        middle = arb_mat(G.nrows(), G.ncols(), [x.mid() for x in e.gradient.entries()])
        sharp = 4 * dual_norm_squared(middle, G, R) > e.epsilon**2
    sizes = [float(x.mid()) for x in (low, high)]
    return (max(-math.log(min(sizes)), 0.0) if min(sizes) > 0 else _LEAP), bool(sharp)


@dataclass(frozen=True)
class _Spectrum:
    """Y, M* = BQYQᵀBᵀ with QᵀBᵀΣBQ ≈ I: eigenvalues and eigenvectors, largest first; its rank, and its error."""

    values: Floats
    vectors: Floats
    rank: int
    error_bound: float | None


def _spectrum(instance: Instance, law: Mixture, energy: SharedEnergy) -> _Spectrum:
    m = law.means.nrows()
    if not DEAR <= m <= DEAREST:
        found = _minimiser(instance_of(instance, [law]), m)
        values, vectors = np.linalg.eigh(found.maps["M"])
        return _Spectrum(values[::-1], vectors[:, ::-1], found.rank, found.error_bound)
    rough = replace(energy, term=energy.term.rough())
    optimum = minimise_on_cone(rough, np.eye(m) + energy.S, 10 * ROUGH)
    values, vectors = np.linalg.eigh(optimum.Y)
    bound = optimum.size + optimum.point.gradient_error
    return _Spectrum(values[::-1], vectors[:, ::-1], leading(values, bound), bound)


@lru_cache(maxsize=1)
def _minimiser(reduced: Instance, m: int) -> Minimiser:
    """Return the minimiser over all maps, found once for an instance that stays undecided."""
    return minimise("infonce", reduced, m)


def _start(instance: Instance, pairs: Pairs) -> tuple[list[list[str]], Mixture, SharedEnergy, _Spectrum]:
    """Return Q, the law and the loss of t = (BQ)ᵀx, and the minimiser."""
    mixture = pairs.mixture
    Q = whitening(mixture)
    frame = mixture.fisher * rational(Q, mixture.m)
    law = mixture.reduced(frame)
    energy = _energy(law, frame.transpose() * pairs.C * frame)
    return Q, law, energy, _spectrum(instance, law, energy)


def floating_margin(instance: Instance, pairs: Pairs) -> Interval | None:
    """Return float64's idea of minus the least eigenvalue of M* on S_F, whitened: supported numerically, no proof."""
    *_, found = _start(instance, pairs)
    if found.error_bound is None:
        return None
    least, error = Fraction(float(found.values[-1])), Fraction(found.error_bound)
    return -least - error, -least + error


def _proposal(
    law: Mixture, Q: list[list[str]], V: list[list[str]], N: list[list[str]], nats: float, boxes: bool = False
) -> Proposal:
    D = rational(V, len(V[0]))
    grid = propose(law, D, D.transpose() * law.offsets, nats, boxes=boxes, whole=boxes)
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
    return rank_margin(enclose_infonce(pairs, proposal.hints), int(proposal.hints["precision"]), proved)


def rank_margin(e: Enclosed, bits: int, proved: bool) -> Interval:
    """Return the interval of `infonce_margin` for what is enclosed, computed with so many bits."""
    with ctx.workprec(bits):
        if proved:
            low, high = least(e.inner, arb_mat(identity(e.inner.nrows())))
            return outward(-high - e.epsilon, -low * (1 - e.epsilon / least(e.inner, e.inner_R.inv())[0].sqrt()))
        low, high = least(e.Gamma, e.outer)
        drift = (e.outer.inv() * e.outer_R).trace().sqrt() * e.Lambda.sqrt() * e.epsilon
        return outward(low * (1 - 1 / least(e.Gamma, e.allowed)[0]), high + drift)


def least(m: arb_mat, metric: arb_mat) -> tuple[arb, arb]:
    """Return bounds of the least eigenvalue of the pencil (m, metric), metric ≻ 0."""
    n = m.nrows()
    left, right = (np.array([[float(x[i, j].mid()) for j in range(n)] for i in range(n)]) for x in (m, metric))
    root = np.linalg.cholesky(right)
    inverse = np.linalg.inv(root)
    values, vectors = np.linalg.eigh(inverse @ left @ inverse.T)
    u = arb_mat([[float(x)] for x in inverse.T @ vectors[:, 0]])
    quotient = (u.transpose() * m * u)[0, 0] / (u.transpose() * metric * u)[0, 0]
    gap = 1e-15 * float(abs(values).max())
    for _ in range(60):
        low = arb(float(values[0]) - gap)
        if certainly_definite(m - metric * low):
            return low, quotient.upper()
        gap *= 4
    return arb("-inf"), quotient.upper()


def outward(low: arb, high: arb) -> Interval:
    """Return rational ends of the hull of two balls."""
    return to_fraction(from_ball(low.lower())), to_fraction(from_ball(high.upper()))
