"""Proposals for infonce-key-bias-equality: a coupling that bounds the loss from below, and an M that is not ⪰ 0."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import ctx, fmpq, fmpq_mat
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from thmverify import exact
from thmverify.certifying.grids import OutOfReachError, propose, rational, whitening
from thmverify.certifying.infonce import outward
from thmverify.certifying.proposal import Interval, Proposal
from thmverify.certifying.writing import rationals
from thmverify.exact import to_floats
from thmverify.kernel.models import Mixture, Pairs
from thmverify.kernel.rules.affine import centred
from thmverify.kernel.rules.coupling import losses, strips
from thmverify.minimize.key_bias import KeyBiasLoss
from thmverify.models import Floats, Instance

_BITS = 80  # of the strips, masses of 10⁻¹⁵ next to 1 among them
_NATS = (8.0, 13.0)  # accuracy of the integrals; the second takes some three times as many nodes
_REACH, _STEP, _NEAR = 6.0, 0.5, 0.1  # of the strips round each component, in standard deviations
_ROUNDS, _LEFT = 4000, 1e-9  # of Sinkhorn's scaling; the share of the coupling that is left for its last part
_SLACKS = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)  # of what is agreed along u beyond C, in units of 1 + uᵀCu


@dataclass(frozen=True)
class _Plane:
    """The law of an instance in centred, nearly white coordinates of S_LDA, and C there."""

    law: Mixture
    C: fmpq_mat

    @property
    def floats(self) -> tuple[Floats, Floats, Floats]:
        """w (K), the means (m × K) and Σ (m × m)."""
        w = np.array([float(exact.to_fraction(x)) for x in self.law.weights])
        return w, to_floats(self.law.means), to_floats(self.law.sigma)


def key_bias_proposals(_instance: Instance, pairs: Pairs) -> Iterator[Proposal]:
    """Yield hints where floats see L rise across the best M of rank 1, in a plane S_LDA. Raises OutOfReachError and
    InputError.
    """
    there = centred(pairs).on_fisher
    m = there.mixture.m
    if m != 2:
        raise OutOfReachError(f"a coupling is looked for in the plane, and dim S_LDA = {m}")
    turn = _frame(there.mixture)
    plane = _Plane(there.mixture.reduced(turn), turn.transpose() * there.C * turn)
    weights, means, _ = plane.floats
    loss = KeyBiasLoss(weights, means.T, float(exact.to_fraction(pairs.bias)))
    slope, best = loss.across()
    values, vectors = np.linalg.eigh(best)
    if values[-1] <= 0 or slope < 0:
        return
    u = _rounded(vectors[:, -1:])
    edges = _edges(plane, u)
    above, slopes = _indefinite(plane, best)
    grids = [[_grids(plane.law, b, nats) for b in slopes] for nats in _NATS]
    with ctx.workprec(_BITS):
        cut = [(float(p.mid()), [float(x.mid()) for x in n]) for p, n in zip(*strips(plane.law, u, edges), strict=True)]
    for slack in _SLACKS:
        along, potentials = _scaled(plane, u, np.array([p for p, _ in cut]), np.array([n for _, n in cut]), slack)
        texts = {"u": rationals(u), "edges": _texts(edges), "slope": str(along), "potentials": _texts(potentials)}
        for three in grids:
            hints = {"precision": str(_BITS), "Q": rationals(turn), **texts, **above, "grids": three}
            yield Proposal("coupling", hints)


def key_bias_margin(pairs: Pairs, proposal: Proposal, _proved: bool) -> Interval:
    """Return an interval around what the bound from below exceeds that from above by."""
    below, above = losses(centred(pairs), proposal.hints)
    with ctx.workprec(_BITS):
        return outward(below - above, below - above)


def _frame(law: Mixture) -> fmpq_mat:
    """Return nearly white coordinates in which the means lie as far along the last axis as they can.

    A lattice for logarithms of the law has steps as small as the slopes along its axis are apart: so along one alone.
    """
    white = rational(whitening(law), law.m)
    apart = to_floats(white.transpose() * law.offsets)
    return white * _rounded(np.linalg.svd(apart)[0][:, ::-1])


def _texts(numbers: list[fmpq]) -> list[str]:
    return [str(x) for x in numbers]


def _rounded(m: Floats) -> fmpq_mat:
    return exact.matrix([[Fraction(f"{x:.9g}") for x in row] for row in m.tolist()])


def _edges(plane: _Plane, u: fmpq_mat) -> list[fmpq]:
    """Return where strips are cut: evenly round each component, none nearer to another than a part of σ."""
    centres = to_floats(u.transpose() * plane.law.means)[0]
    sigma = math.sqrt(float(exact.to_fraction(exact.inner(u, plane.law.sigma * u))))
    found: list[float] = []
    for x in sorted(c + sigma * z for c in centres for z in np.arange(-_REACH, _REACH + _STEP / 2, _STEP)):
        if not found or x > found[-1] + _NEAR * sigma:
            found.append(float(f"{x:.6g}"))
    return [exact.to_fmpq(Fraction(x).limit_denominator(10**6)) for x in found]


def _scaled(plane: _Plane, u: fmpq_mat, p: Floats, n: Floats, slack: float) -> tuple[fmpq, list[fmpq]]:
    """Return the slope and the potentials of Sinkhorn's scaling of exp(slope·q_a·q_b), q = uᵀn, with uᵀDu the slack."""
    q = n @ to_floats(u)[:, 0]
    own = float(exact.to_fraction(exact.inner(u, plane.C * u)))
    wanted, potential = own + slack * (1 + own), np.zeros(len(p))

    def agreed(slope: float) -> float:
        nonlocal potential
        scores = slope * np.outer(q, q) + np.log(p)
        for _ in range(_ROUNDS):
            change = (logsumexp(scores - potential, axis=1) - potential) / 2
            potential = potential + change
            if np.abs(change).max() < 1e-13:
                break
        return float(q @ (np.exp(scores - potential[:, None] - potential) * p[:, None]) @ q)

    low, high = 0.0, 1.0
    while agreed(high) < wanted and high < 1e3:
        low, high = high, 2 * high
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if agreed(middle) < wanted else (low, middle)
    slope = Fraction(f"{high:.12g}")
    agreed(float(slope))
    return exact.to_fmpq(slope), [exact.to_fmpq(Fraction(f"{-x - _LEFT:.14g}")) for x in potential.tolist()]


def _indefinite(plane: _Plane, start: Floats) -> tuple[dict[str, object], list[fmpq_mat]]:
    """Return M, weights and centres where L of a mixture's bias is nearly least over all symmetric M, from M ⪰ 0.

    With them the slopes of the logits in the three logarithms that are integrated.
    """
    w, mu, sigma = plane.floats
    C, R, inverse = to_floats(plane.C), to_floats(plane.law.R), np.linalg.inv(sigma)
    d, K = mu.shape
    axis = np.arange(-4.5, 4.6, 0.5)
    grid = np.stack(np.meshgrid(*[axis] * d, indexing="ij"), -1).reshape(-1, d)
    grid = grid[(grid**2).sum(1) <= 4.6**2]
    mass = np.exp(-(grid**2).sum(1) / 2)
    x = np.concatenate([centre + grid @ np.linalg.cholesky(sigma).T for centre in mu.T])
    masses = np.concatenate([share * mass / mass.sum() for share in w])

    def quotient(logs: Floats, centres: Floats) -> Floats:
        turned = inverse @ centres
        return np.asarray(logs + x @ turned - (centres * turned).sum(0) / 2)

    law = logsumexp(quotient(np.log(w), mu), axis=1)

    def loss(z: Floats) -> tuple[float, Floats]:
        M, logs, centres = z[: d * d].reshape(d, d), z[d * d : d * d + K], z[d * d + K :].reshape(d, K)
        M = (M + M.T) / 2
        scores, densities = logs + x @ M @ centres, quotient(logs, centres)
        p, s = (masses[:, None] * softmax(a, axis=1) for a in (scores, densities))
        along = sigma @ M @ R
        value = masses @ (logsumexp(scores, axis=1) - logsumexp(densities, axis=1) + law)
        value += float(np.sum(M * (along / 2 - C)))
        slope = (along + along.T) / 2 - C + (x.T @ p @ centres.T + centres @ p.T @ x) / 2
        moved = M @ x.T @ p - inverse @ (x.T @ s - centres * s.sum(0))
        return float(value), np.concatenate([slope.ravel(), p.sum(0) - s.sum(0), moved.ravel()])

    z = np.concatenate([start.ravel(), np.log(w), mu.ravel()])
    found = minimize(loss, z, jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 300}).x
    M = found[: d * d].reshape(d, d)
    M, centres = _rounded((M + M.T) / 2), _rounded(found[d * d + K :].reshape(d, K))
    weights = [exact.to_fmpq(Fraction(f"{math.exp(y):.12g}")) for y in found[d * d : d * d + K]]
    slopes = [M * centres, plane.law.sigma.inv() * centres, plane.law.sigma.inv() * plane.law.means]
    return {"M": rationals(M), "weights": _texts(weights), "centres": rationals(centres)}, slopes


def _grids(law: Mixture, b: fmpq_mat, nats: float) -> object:
    first = exact.submatrix(b, range(b.nrows()), [0] * b.ncols())
    return propose(law, exact.identity(b.nrows()), b - first, nats, boxes=True, whole=True).grids
