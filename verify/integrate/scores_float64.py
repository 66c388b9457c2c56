"""Softplus expectations of scores in float64: the trapezoidal rule on the line, vectorised over components and nodes.

With G = FFᵀ, H = KKᵀ and the singular values FᵀK = QΛRᵀ, p = a + FQu and q = b + KRv for standard normal u and v, and
a score is c + aᵀb + γ·u + η·v + Σ_i λ_i u_i v_i. The integrand is even and analytic, so the rule converges
exponentially once its step resolves the score; the error is what two rules, shifted by half a step, differ by, and what
rounding may do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from flint import fmpq_mat
from numpy.typing import NDArray

from thmverify import exact
from thmverify.integrate.float64 import Estimate, whitening
from thmverify.integrate.scores import Lifts, Pair, ScoreMoments, Scores, unlifted
from thmverify.models import Floats

_END = 12.25  # 1/sinh(πt) is below 4e-17 from there
_NATS = 38.0
_TOLERANCE = 1e-14
_NODES = 2**19
_SHORTEST = _END / _NODES  # a step
_CHUNK = 2**16
_EPS = 2.0**-52


@dataclass(frozen=True)
class _Scores:
    """Components in those coordinates: c + aᵀb (P), γ, η, λ (P × ρ), weights (P), and the frames back, XFQ and YKR."""

    weights: Floats
    centres: Floats
    gamma: Floats
    eta: Floats
    sizes: Floats
    left: Floats
    right: Floats

    @property
    def variances(self) -> Floats:
        """Var z (P)."""
        return np.asarray(np.sum(self.sizes**2 + self.gamma**2 + self.eta**2, axis=1))

    def characteristic(self, t: Floats) -> tuple[NDArray[np.complex128], Floats]:
        """Return χ(t) (P × N), and 1 + t²λ² (P × N × ρ)."""
        widened = 1 + (t[:, None] * self.sizes[:, None, :]) ** 2
        damping = t[:, None] ** 2 * (self.gamma**2 + self.eta**2)[:, None, :] / 2
        turning = t[:, None] ** 3 * (self.sizes * self.gamma * self.eta)[:, None, :]
        exponent = np.sum(-(damping + 1j * turning) / widened - np.log(widened) / 2, axis=-1)
        return np.exp(exponent + 1j * self.centres[:, None] * t), widened


def _diagonal(problem: Scores, lifts: Lifts) -> _Scores:
    groups: dict[tuple[int, ...], list[int]] = {}  # components of the same covariance matrices share the objects
    for i, (pair, (X, Y)) in enumerate(zip(problem.pairs, lifts, strict=True)):
        groups.setdefault((id(pair.G), id(pair.H), id(X), id(Y)), []).append(i)
    P, rho = len(problem.pairs), problem.dimension
    gamma, eta, sizes = (np.empty((P, rho)) for _ in range(3))
    left, right = np.empty((P, lifts[0][0].nrows(), rho)), np.empty((P, lifts[0][1].nrows(), rho))
    for members in groups.values():
        pairs, (X, Y) = [problem.pairs[i] for i in members], lifts[members[0]]
        base = _Basis.of(pairs[0])
        gamma[members] = base.left(exact.hstack([pair.b for pair in pairs], rho))
        eta[members] = base.right(exact.hstack([pair.a for pair in pairs], rho))
        sizes[members] = base.sizes
        left[members] = (exact.to_floats(X * base.F) * base.f) @ base.Q
        right[members] = (exact.to_floats(Y * base.K) * base.k) @ base.R.T
    centres = np.array([exact.to_float(problem.constant + pair.mean) for pair in problem.pairs])
    weights = np.array([exact.to_float(pair.weight) for pair in problem.pairs])
    return _Scores(weights, centres, gamma, eta, sizes, left, right)


@dataclass(frozen=True)
class _Basis:
    """G = (Ff)(Ff)ᵀ, H = (Kk)(Kk)ᵀ with exact F and K, and the singular values (Ff)ᵀKk = QΛR."""

    F: fmpq_mat
    f: Floats
    K: fmpq_mat
    k: Floats
    Q: Floats
    sizes: Floats
    R: Floats

    @classmethod
    def of(cls, pair: Pair) -> _Basis:
        """Return that of a component."""
        (F, f), (K, k) = whitening(pair.G), whitening(pair.H)
        return cls(F, f, K, k, *np.linalg.svd(exact.to_floats(F.transpose() * K) * np.outer(f, k)))

    def left(self, columns: fmpq_mat) -> Floats:
        """Return γ = QᵀFᵀb for columns b (ρ × P), as rows; Fᵀb is exact until it is rounded."""
        return np.asarray((exact.to_floats(self.F.transpose() * columns).T * self.f) @ self.Q)

    def right(self, columns: fmpq_mat) -> Floats:
        """Return η = RKᵀa for columns a (ρ × P), as rows."""
        return np.asarray((exact.to_floats(self.K.transpose() * columns).T * self.k) @ self.R.T)


def _step(scores: _Scores) -> float:
    """Return a first step: the strip ends at the poles of 1/sinh and χ, and e^{a|z|} grows on its edge."""
    a = 0.8 / max(1.0, float(scores.sizes.max(initial=0.0)))
    size = float(np.max(np.abs(scores.centres) + 3 * np.sqrt(scores.variances)))
    return 2 * math.pi * a / (_NATS + a * size)


def expected_softplus(problem: Scores) -> Estimate:
    """Return E softplus(c + pᵀq)."""
    if problem.dimension == 0:
        c = exact.to_float(problem.constant)
        total = sum(exact.to_float(pair.weight) for pair in problem.pairs)
        value = total * float(np.logaddexp(0.0, c))
        return Estimate(value, 4 * _EPS * (1 + abs(value)))
    scores = _diagonal(problem, unlifted(problem))
    second, step = scores.centres**2 + scores.variances, _step(scores)
    if step < _SHORTEST:
        return _between(scores, second)

    def integrand(t: Floats) -> Floats:
        chi, _ = scores.characteristic(t)
        return np.asarray((1 - chi.real) / (t * np.sinh(np.pi * t)))

    integral, apart, step = _integrated(integrand, second / (2 * np.pi), step, scores.weights)
    value = float(scores.weights @ (scores.centres / 2 + math.log(2) + integral))
    # Near 0 the numerator's rounding is divided by πt²: over the nodes that sums to about ε/step.
    rounding = _EPS * (8 + 2 / step + float(scores.weights @ (np.abs(scores.centres) + np.abs(integral))))
    return Estimate(value, apart + rounding + _EPS * abs(value))


def _between(scores: _Scores, second: Floats) -> Estimate:
    """Return the middle of softplus(E z) ≤ E softplus z ≤ log 2 + E z/2 + √(E z²)/2, where no rule is short enough."""
    low = float(scores.weights @ np.logaddexp(0.0, scores.centres))
    high = float(scores.weights @ (math.log(2) + scores.centres / 2 + np.sqrt(second) / 2))
    return Estimate((low + high) / 2, (high - low) / 2 + 16 * _EPS * abs(high))


def score_moments(problem: Scores, lifts: Lifts | None = None) -> ScoreMoments:
    """Return the moments of σ = softplus' at the score; X = Y = I without lifts."""
    P, rho = len(problem.pairs), problem.dimension
    lifts = unlifted(problem) if lifts is None else lifts
    if rho == 0:
        c = exact.to_float(problem.constant)
        share = math.exp(-float(np.logaddexp(0.0, -c)))
        d, e = lifts[0][0].nrows(), lifts[0][1].nrows()
        return ScoreMoments(np.full(P, share), np.zeros((P, d)), np.zeros((P, e)), np.zeros((P, d, e)), 4 * _EPS)
    scores = _diagonal(problem, lifts)
    width = 1 + 2 * rho + rho * rho

    def integrand(t: Floats) -> Floats:
        chi, widened = scores.characteristic(t)
        it = 1j * t[:, None]
        gamma, eta, sizes = (x[:, None, :] for x in (scores.gamma, scores.eta, scores.sizes))
        p = (it * gamma - t[:, None] ** 2 * sizes * eta) / widened
        q = (it * eta - t[:, None] ** 2 * sizes * gamma) / widened
        both = p[..., :, None] * q[..., None, :]
        both[..., range(rho), range(rho)] += it * sizes / widened
        rows = np.concatenate([np.ones((*p.shape[:-1], 1)), p, q, both.reshape(*p.shape[:-1], rho * rho)], axis=-1)
        imaginary = (chi[..., None] * rows).imag / np.sinh(np.pi * t)[:, None]
        return np.asarray(np.moveaxis(imaginary, -1, 1))

    correlations = np.zeros((P, rho, rho))
    correlations[:, range(rho), range(rho)] = scores.sizes
    flat = np.concatenate([scores.centres[:, None], scores.gamma, scores.eta], axis=1)
    middle = np.concatenate([flat, correlations.reshape(P, -1)], axis=1)  # E[z g], whence the value at t = 0
    step = _step(scores)
    if step < _SHORTEST:  # |E (σ − ½)g| ≤ ½√(E g²), and E g² = 1
        integral, apart = np.zeros((P, width)), 0.5
    else:
        integral, apart, step = _integrated(integrand, middle / np.pi, step, None)
    integral[:, 0] += 0.5
    left = np.einsum("pij,pj->pi", scores.left, integral[:, 1 : 1 + rho])
    right = np.einsum("pij,pj->pi", scores.right, integral[:, 1 + rho : 1 + 2 * rho])
    both = scores.left @ integral[:, 1 + 2 * rho :].reshape(P, rho, rho) @ np.swapaxes(scores.right, 1, 2)
    stretch = max(1.0, *(float(np.linalg.norm(m, 2, (1, 2)).max()) for m in (scores.left, scores.right)))
    size = float(np.abs(integral).max()) + float(np.abs(middle).max()) * step
    rounding = 16 * width * _EPS * (1 + size) * (1 + abs(math.log(step)))
    return ScoreMoments(integral[:, 0], left, right, both, (apart + rounding) * stretch**2)


def _integrated(
    f: Callable[[Floats], Floats], middle: Floats, step: float, weights: Floats | None
) -> tuple[Floats, float, float]:
    """Return ∫_0^∞ f, whose value at 0 is `middle`, what the last two rules differ by at most, and the step.

    f: nodes (N) → P × … × N, or P × N. The difference is of the sums weighted by `weights`, where these are given.
    """
    whole = middle / 2 + _summed(f, step, 0.0)
    shifted = _summed(f, step, 0.5)
    while True:
        apart = step * (whole - shifted)
        gap = abs(float(weights @ apart)) if weights is not None else float(np.abs(apart).max(initial=0.0))
        best = step * (whole + shifted) / 2
        if gap <= _TOLERANCE * (1 + float(np.abs(best).max(initial=0.0))) or 2 * _END / step > _NODES:
            return best, gap, step
        whole, step = whole + shifted, step / 2
        shifted = _summed(f, step, 0.5)


def _summed(f: Callable[[Floats], Floats], step: float, shift: float) -> Floats:
    """Return the sum of f over the nodes (n + shift)·step in (0, end]."""
    count = math.ceil(_END / step)
    total: Floats = np.zeros(1)
    for start in range(0, count, _CHUNK):
        n = np.arange(start, min(start + _CHUNK, count)) + (shift or 1.0)
        total = total + np.sum(f(np.asarray(n * step, dtype=np.float64)), axis=-1)
    return total
