"""Two bounds of InfoNCE with a key bias, in balls, which together show that no minimiser has full rank.

L(M, b) = −⟨C, M⟩ − E b + E_x log E_y exp(xᵀMy + b(y)) is convex in (M, b), M any symmetric matrix.

*From below.* Let π be a coupling of F with itself. For each x, log E_y e^h ≥ E_π[h | x] − KL(π(·|x) | F), so that for
all M and b, with the second marginal F and D = E_π ½(xyᵀ + yxᵀ) − C,

    L(M, b) ≥ ⟨D, M⟩ − KL(π | F × F),     at least −KL(π | F × F) for every M ⪰ 0 where D ⪰ 0.

π is made of cells: a direction u cuts space into strips, of which strip a has mass p_a under F and the mean m_a, and
a matrix T_ab ≥ 0 with marginals p says how much π joins a with b, where x and y are independent. Then KL = Σ T_ab
log(T_ab/(p_a p_b)) and E_π xyᵀ = Σ T_ab m_a m_bᵀ, all of it by the error function. T = T₀ + ρρᵀ/Σρ with rational T₀
and ρ = p − T₀1 > 0, so that its marginals are p exactly.

*From above.* At any symmetric M, definite or not, and e^b = Σ_k β_k N(m_k, Σ) / Σ_k w_k N(μ_k, Σ), the logarithm of a
quotient of sums of exponentials of linear functions, so Lipschitz: L is a rational number and three log-sum-exps.

If some (M, b) has L below −KL, no (M*, b*) with M* ≻ 0 is a minimiser over M ⪰ 0: by convexity L falls from it
towards (M, b), and M* ≻ 0 leaves room to go there. Nothing of optimal transport is needed; it says what to propose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from thmverify import exact
from thmverify.exact import to_floats
from thmverify.integrate.enclosure import Enclosure
from thmverify.losses.expectations import Formula, Matrix, log_sum_exp
from thmverify.losses.levels import enclose_expression
from thmverify.minimize.key_bias import KeyBiasLoss
from thmverify.models import Floats, Instance

BITS, DIGITS = 128, 6
_REACH, _STEP, _NEAR = 6.0, 0.5, 0.1  # of the strips round each component, in standard deviations
_ROUNDS, _LEFT = 4000, 1e-9  # of Sinkhorn's scaling; the share of T that ρρᵀ makes up for
_SLACKS = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)  # of D along u, in units of 1 + uᵀCu


@dataclass(frozen=True)
class Strips:
    """The law of a mixture with one covariance, cut by the values of uᵀx at rational edges.

    masses p_a and means m_a (d × 1 each), N = number of edges + 1 of both.
    """

    masses: list[arb]
    means: list[arb_mat]

    @classmethod
    def cut(cls, instance: Instance, u: fmpq_mat, edges: Sequence[fmpq]) -> Strips:
        """Return the strips of an instance, u (d × 1), edges in increasing order, at flint's working precision."""
        mixture = instance.shared
        d, spread = mixture.dimension, mixture.sigma * u
        sigma = arb(exact.inner(u, spread)).sqrt()
        N = len(edges) + 1
        masses, moments = [arb(0)] * N, [arb_mat(d, 1)] * N
        for k, w in enumerate(mixture.w):
            mu = exact.submatrix(mixture.mu, range(d), [k])
            places = [arb(edge - exact.inner(u, mu)) / sigma for edge in edges]
            below = [arb(0), *(_normal(z) for z in places), arb(1)]
            density = [arb(0), *((-z * z / 2).exp() / (2 * arb.pi()).sqrt() for z in places), arb(0)]
            for a in range(N):
                mass = below[a + 1] - below[a]
                masses[a] = masses[a] + arb(w) * mass
                drift = arb_mat(spread) * ((density[a] - density[a + 1]) / sigma)
                moments[a] = moments[a] + (arb_mat(mu) * mass + drift) * arb(w)
        return cls(masses, [moment * (1 / p) for moment, p in zip(moments, masses, strict=True)])

    def below(self, T: Floats, C: fmpq_mat) -> arb | None:
        """Return −KL(π | F × F), a lower bound of L for M ⪰ 0, from T₀ (N × N); None unless D ≻ 0, ρ > 0 and T > 0."""
        N, d = len(self.masses), C.nrows()
        given = arb_mat(N, N, [arb(float(x)) for x in ((T + T.T) / 2).ravel()])
        rest = [p - sum((given[a, b] for b in range(N)), arb(0)) for a, p in enumerate(self.masses)]
        if not all(x > 0 for x in rest):
            return None
        scale = 1 / sum(rest, arb(0))
        joined = arb_mat(N, N, [given[a, b] + rest[a] * rest[b] * scale for a in range(N) for b in range(N)])
        if not all(x > 0 for x in joined.entries()):
            return None
        logs = [p.log() for p in self.masses]
        KL = sum((joined[a, b] * (joined[a, b].log() - logs[a] - logs[b]) for a in range(N) for b in range(N)), arb(0))
        means = arb_mat(N, d, [m[i, 0] for m in self.means for i in range(d)])
        D = means.transpose() * joined * means - arb_mat(C)
        D = (D + D.transpose()) * (arb(1) / 2)
        minors = (arb_mat(n, n, [D[i, j] for i in range(n) for j in range(n)]).det() for n in range(1, d + 1))
        return -KL if all(minor > 0 for minor in minors) else None


def _normal(z: arb) -> arb:
    return (-z / arb(2).sqrt()).erfc() / 2


def mixture_bias(instance: Instance, M: fmpq_mat, beta: Sequence[fmpq], centres: fmpq_mat) -> Enclosure:
    """Return an interval around L(M, b), e^b = Σ_k β_k N(m_k, Σ) / Σ_k w_k N(μ_k, Σ); centres m_k are d × K."""
    mixture, W = instance.shared, Matrix(M)

    def densities(weights: Sequence[fmpq], means: fmpq_mat) -> Formula:
        linear = mixture.sigma.solve(means)
        squares = (means.transpose() * linear).entries()[:: means.ncols() + 1]
        constants = Matrix(fmpq_mat(1, means.ncols(), [-x / 2 for x in squares]))
        return log_sum_exp(mixture, Matrix(linear), None, weights, constants)

    scores = log_sum_exp(mixture, W @ centres, W @ mixture.sigma @ W.T, beta)
    bias = densities(beta, centres) - densities(mixture.w, mixture.mu)
    loss = scores - bias - (W @ instance.pairs.C).trace()
    return enclose_expression(loss.value(), DIGITS)


def gap(instance: Instance) -> tuple[fmpq, fmpq] | None:
    """Return bounds of what −KL exceeds L(M, b) by, > 0, for what floats propose; None where they propose nothing.

    The instance is in the plane, with one covariance near the identity and mean 0. If there is a gap, every minimiser
    over M ⪰ 0 is singular.
    """
    best = KeyBiasLoss(
        np.array([float(w) for w in instance.shared.weights]),
        to_floats(instance.shared.mu).T,
        float(instance.pairs.bias),
    ).best(1)
    values, vectors = np.linalg.eigh(best)
    if values[-1] <= 0:
        return None
    u = _rational(vectors[:, -1:])
    edges = _edges(instance, u)
    with ctx.workprec(BITS):
        strips = Strips.cut(instance, u, edges)
        for slack in _SLACKS:
            below = strips.below(_proposed(strips, instance, u, slack), instance.pairs.C)
            if below is not None:
                break
        else:
            return None
        above = mixture_bias(instance, *_indefinite(instance, best))
        difference = arb(below) - _between(above)
        if not difference > 0:
            return None
        low, high = difference.lower(), difference.upper()
        return _exactly(low), _exactly(high)


def _between(interval: Enclosure) -> arb:
    return arb(interval.lower).union(arb(interval.upper))


def _exactly(x: arb) -> fmpq:
    mantissa, exponent = x.man_exp()
    return fmpq(int(mantissa)) * fmpq(2) ** int(exponent)


def _rational(m: Floats) -> fmpq_mat:
    return exact.matrix([[Fraction(float(f"{x:.9g}")) for x in row] for row in m])


def _edges(instance: Instance, u: fmpq_mat) -> list[fmpq]:
    """Return where strips are cut: evenly round each component, none nearer to another than a part of σ."""
    centres = to_floats(u.transpose() * instance.shared.mu)[0]
    sigma = math.sqrt(float(exact.to_fraction(exact.inner(u, instance.shared.sigma * u))))
    found: list[float] = []
    for x in sorted(c + sigma * z for c in centres for z in np.arange(-_REACH, _REACH + _STEP / 2, _STEP)):
        if not found or x > found[-1] + _NEAR * sigma:
            found.append(float(f"{x:.6g}"))
    return [exact.to_fmpq(Fraction(x)) for x in found]


def _proposed(strips: Strips, instance: Instance, u: fmpq_mat, slack: float) -> Floats:
    """Return T₀: Sinkhorn's scaling of exp(m q_a q_b), q = uᵀm_a, with m where uᵀDu is the slack."""
    p = np.array([float(x.mid()) for x in strips.masses])
    direction = arb_mat(u.transpose())
    q = np.array([float((direction * m)[0, 0].mid()) for m in strips.means])
    own = float(exact.to_fraction(exact.inner(u, instance.pairs.C * u)))
    wanted, potential = own + slack * (1 + own), np.zeros(len(p))

    def joined(m: float) -> Floats:
        nonlocal potential
        scores = m * np.outer(q, q) + np.log(p)
        for _ in range(_ROUNDS):
            change = (logsumexp(scores - potential, axis=1) - potential) / 2
            potential = potential + change
            if np.abs(change).max() < 1e-12:
                break
        return np.asarray(np.exp(scores - potential[:, None] - potential + np.log(p)[:, None]))

    low, high = 0.0, 1.0
    while q @ joined(high) @ q < wanted and high < 1e3:
        low, high = high, 2 * high
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if q @ joined(middle) @ q < wanted else (low, middle)
    T = joined(high)
    return np.asarray(T * np.minimum.outer(p / T.sum(1), p / T.sum(1)) * (1 - _LEFT))


def _indefinite(instance: Instance, start: Floats) -> tuple[fmpq_mat, list[fmpq], fmpq_mat]:
    """Return M, β and centres where L of a mixture's bias is nearly least over all symmetric M, from M ⪰ 0."""
    mixture = instance.shared
    w, mu, sigma = np.array([float(x) for x in mixture.weights]), to_floats(mixture.mu), to_floats(mixture.sigma)
    C, R, inverse = to_floats(instance.pairs.C), to_floats(mixture.R), np.linalg.inv(sigma)
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
    beta = [exact.to_fmpq(Fraction(float(f"{math.exp(y):.12g}"))) for y in found[d * d : d * d + K]]
    return _rational((M + M.T) / 2), beta, _rational(found[d * d + K :].reshape(d, K))
