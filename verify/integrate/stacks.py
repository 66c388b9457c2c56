"""Gaussian integrals for many problems at once, in float64: fixed rules, for a search.

No error is estimated here: whoever asks evaluates twice, the second time with other nodes (`shift`), and believes what
agrees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thmverify.models import Floats

_REACH = 7.5  # of the lattice, in standard deviations
_NODES = {1: 64, 2: 40}  # in each coordinate, by the dimension of the integral
_ALIKE = 1e-11  # singular values below this part of the largest are 0
_END, _NATS, _LINE = 10.0, 30.0, 256  # of the rule for scores: its end, digits, and nodes


class TooManyError(Exception):
    """The integrals have more dimensions than a lattice is made for."""


@dataclass(frozen=True)
class Softmax:
    """E log Σ_k a_k exp(ℓ_k(v)) (n), E p_k (n, K), E[p_k v] (n, d, K) and E[p_k vvᵀ] (n, K, d, d), if asked for."""

    value: Floats
    p: Floats
    first: Floats
    second: Floats | None


def softmax(
    law: tuple[Floats, Floats, Floats], logs: Floats, linear: Floats, quadratic: Floats, shift: float = 0.0
) -> Softmax:
    """Return E log Σ_k exp(c_k + u_k·v + ½vᵀQ_kv) and what derivatives need, v ~ Σ_j w_j N(μ_j, Σ_j).

    law: w (n, J), μ (n, d, J), Σ (n, 1 or J, d, d). logs: c (n, K). linear: u (n, d, K). quadratic: Q (n, 1 or K, d,
    d).
    Given component j, v = μ_j + G_j z + a residual that no exponent's difference depends on, z standard normal in as
    many dimensions as these differences have. Raises TooManyError when there are more than two.
    """
    w, mu, sigma = law
    separate = quadratic.shape[1] > 1
    differences = linear[:, :, 1:] - linear[:, :, :1]
    forms = quadratic[:, 1:] - quadratic[:, :1]
    columns = np.concatenate([differences, *np.moveaxis(forms, 1, 0)], axis=2)
    roots = np.asarray(np.linalg.cholesky(sigma), dtype=np.float64)
    G = _directions(columns, roots)  # (n, 1 or J, d, ρ)
    z, density = _lattice(G.shape[-1], shift)
    x = np.moveaxis(mu, -1, 1)[:, :, None] + (G @ z).swapaxes(-1, -2)  # (n, J, Z, d)
    relative = (logs[:, 1:] - logs[:, :1])[:, None, None] + x @ differences[:, None]
    if separate:
        relative = relative + np.einsum("njzd,nkde,njze->njzk", x, forms, x, optimize=True) / 2
    exponents = np.concatenate([np.zeros((*relative.shape[:-1], 1)), relative], axis=-1)
    most = exponents.max(axis=-1, keepdims=True)
    powers = np.exp(exponents - most)
    total = powers.sum(axis=-1, keepdims=True)
    mass = w[:, :, None] * density  # (n, J, Z)
    value = np.sum(mass * (most + np.log(total))[..., 0], axis=(1, 2))
    p = powers / total * mass[..., None]  # (n, J, Z, K)
    R = np.einsum("nj,njde->nde", w, np.broadcast_to(sigma, (*w.shape, *sigma.shape[2:])))
    R = R + (mu * w[:, None]) @ np.swapaxes(mu, 1, 2)
    mean = logs[:, 0] + np.einsum("nd,ndj,nj->n", linear[:, :, 0], mu, w) + np.sum(quadratic[:, 0] * R, (1, 2)) / 2
    first = np.einsum("njzd,njzk->ndk", x, p, optimize=True)
    second = None
    if separate:
        residual = sigma - G @ np.swapaxes(G, -1, -2)
        residual = np.broadcast_to(residual, (*w.shape, *residual.shape[2:]))
        second = np.einsum("njzd,njzk,njze->nkde", x, p, x, optimize=True)
        second = second + np.einsum("njk,njde->nkde", p.sum(axis=2), residual)
    return Softmax(mean + value, p.sum(axis=(1, 2)), first, second)


def _directions(columns: Floats, roots: Floats) -> Floats:
    """Return G_j = F_jQ_j (n, 1 or J, d, ρ): F_jF_jᵀ = Σ_j, and Q_j spans F_jᵀD, D what the columns (n, d, m) span."""
    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    largest = sizes[:, :1] if sizes.shape[1] else np.zeros((len(columns), 1))
    rho = max(1, int(np.max(np.sum(sizes > _ALIKE * largest, axis=1), initial=0)))
    if rho > max(_NODES):
        raise TooManyError
    D = left[:, :, :rho] if left.shape[2] else np.broadcast_to(np.eye(columns.shape[1])[:, :1], (len(columns), 1, 1))
    return np.asarray(roots @ np.linalg.qr(np.swapaxes(roots, -1, -2) @ D[:, None])[0])


def _lattice(dimension: int, shift: float) -> tuple[Floats, Floats]:
    """Return nodes (ρ, Z) and their weights (Z), of sum 1, for a standard normal vector."""
    step = 2 * _REACH / (_NODES[dimension] - 1)
    line = np.linspace(-_REACH, _REACH, _NODES[dimension]) + shift * step
    nodes = np.stack(np.meshgrid(*[line] * dimension, indexing="ij")).reshape(dimension, -1)
    density = np.exp(-np.sum(nodes * nodes, axis=0) / 2)
    return nodes, density / density.sum()


@dataclass(frozen=True)
class Scored:
    """E softplus(z) (n), E σ(z) (n) and E σ(z) xyᵀ (n, d, d'), σ = softplus'; NaN where the rule is too short."""

    value: Floats
    total: Floats
    outer: Floats


def softplus(
    weights: Floats,
    left: tuple[Floats, Floats],
    right: tuple[Floats, Floats],
    W: Floats,
    constant: Floats,
    shift: float = 0.0,
) -> Scored:
    """Return what is needed of softplus at z = c + xᵀWy, (x, y) ~ Σ_i v_i N(μ_i, Σ_i) × N(ν_i, T_i).

    weights: v (n, P). left: μ (n, P, d) and Σ (n, P, d, d); right: ν and T. W: (n, d, d'). constant: c (n).
    In the coordinates of `scores_float64` a score is c + μᵀWν + γ·u + η·v + Σ_i λ_i u_i v_i. The rule is the
    midpoint's, on even integrands that a shift does not change: `shift` makes the step shorter instead.
    """
    (mu, sigma), (nu, tau) = left, right
    F, K = np.linalg.cholesky(sigma), np.linalg.cholesky(tau)
    W = W[:, None]
    Q, sizes, R = np.linalg.svd(np.swapaxes(F, -1, -2) @ W @ K)
    X, Y = F @ Q, K @ np.swapaxes(R, -1, -2)  # x = μ + Xu, y = ν + Yv
    gamma = (np.swapaxes(X, -1, -2) @ W @ nu[..., None])[..., 0]
    eta = (np.swapaxes(Y, -1, -2) @ np.swapaxes(W, -1, -2) @ mu[..., None])[..., 0]
    centre = constant[:, None] + (mu[..., None, :] @ W @ nu[..., None])[..., 0, 0]
    variance = np.sum(sizes**2 + gamma**2 + eta**2, axis=-1)
    a = 0.8 / np.maximum(1.0, sizes.max(axis=-1))
    step = (1 - shift / 4) * 2 * np.pi * a / (_NATS + a * (np.abs(centre) + 3 * np.sqrt(variance)))
    long_enough = np.all((step * _LINE >= _END) | (weights == 0), axis=1)
    needed = np.ceil(np.max(_END / step, where=long_enough[:, None] & (weights > 0), initial=1.0))
    t = step[..., None] * (np.arange(min(int(needed), _LINE)) + 0.5)  # (n, P, T)
    widened = 1 + (t[..., None] * sizes[:, :, None]) ** 2
    damping = t[..., None] ** 2 * (gamma**2 + eta**2)[:, :, None] / 2
    turning = t[..., None] ** 3 * (sizes * gamma * eta)[:, :, None]
    exponent = np.sum(-(damping + 1j * turning) / widened - np.log(widened) / 2, axis=-1)
    chi = np.exp(exponent + 1j * centre[..., None] * t)
    over = step[..., None] / np.sinh(np.minimum(np.pi * t, 300.0))
    integral = np.sum((1 - chi.real) / t * over, axis=-1)
    it = 1j * t[..., None]
    p = (it * gamma[:, :, None] - t[..., None] ** 2 * (sizes * eta)[:, :, None]) / widened  # E of u under the tilt
    q = (it * eta[:, :, None] - t[..., None] ** 2 * (sizes * gamma)[:, :, None]) / widened
    cross = it * sizes[:, :, None] / widened

    def tilted(values: Floats) -> Floats:
        return np.asarray(np.sum((chi * over * values).imag, axis=-1))

    zeroth = 0.5 + np.sum(chi.imag * over, axis=-1)
    u, v = (np.einsum("npt,npti->npi", chi * over, m).imag for m in (p, q))
    both = np.einsum("npt,npti,nptj->npij", chi * over, p, q, optimize=True).imag
    index = range(sizes.shape[-1])
    both[..., index, index] += np.einsum("npt,npti->npi", chi * over, cross).imag
    x, y = (X @ u[..., None])[..., 0], (Y @ v[..., None])[..., 0]
    outer = zeroth[..., None, None] * mu[..., :, None] * nu[..., None, :] + X @ both @ np.swapaxes(Y, -1, -2)
    outer = outer + x[..., :, None] * nu[..., None, :] + mu[..., :, None] * y[..., None, :]
    value = np.sum(weights * (centre / 2 + np.log(2) + integral), axis=1)
    nothing = np.where(long_enough, 0.0, np.nan)
    return Scored(
        value + nothing,
        np.sum(weights * zeroth, axis=1) + nothing,
        np.einsum("np,npij->nij", weights, outer) + nothing[:, None, None],
    )
