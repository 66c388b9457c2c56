"""InfoNCE over affine maps as a function of M = AAᵀ and β = Ac, and where floats find its minimiser over M ⪰ 0.

For a centred mixture with one covariance the loss of f(x) = Aᵀx + c is, up to |c|², which cancels,

    L(M, β) = −⟨C, M⟩ + ½ tr(MΣMR) + ½ βᵀΣβ + E log Σ_l w_l exp(xᵀMμ_l + βᵀμ_l),

strictly convex. Over M ⪰ 0 and all β there is one minimiser (M*, β*); the kernel says what follows from a point near
it (`kernel/rules/affine.py`). Maps with r ≥ d columns come as near to it as one likes, and reach it exactly when β* ∈
Col M*.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat
from scipy.optimize import minimize

from thmverify import exact
from thmverify.exact import to_floats
from thmverify.integrate.moments import enclose_moments
from thmverify.integrate.problem import reduce
from thmverify.models import Floats, Instance

DIGITS, BITS, STEPS = 18, 160, 6
_REACH, _WIDTH = 7.5, 0.125  # of the float lattice, in standard deviations


@cache
def _lattice(rank: int) -> tuple[Floats, Floats]:
    """Return the nodes of the float lattice in so many dimensions (rank × nodes), and their masses."""
    nodes = np.array(list(itertools.product(np.arange(-_REACH, _REACH, _WIDTH), repeat=rank))).T
    density = np.exp(-0.5 * np.sum(nodes**2, axis=0))
    return nodes.copy(), density / density.sum()


@dataclass(frozen=True)
class Relaxed:
    """The loss on an instance that is centred, with one covariance near the identity."""

    instance: Instance

    @property
    def d(self) -> int:
        """The dimension."""
        return self.instance.shared.dimension

    # -- floats, which propose -----------------------------------------------------------------------------------------

    def slopes(self, A: Floats, beta: Floats) -> tuple[float, Floats, Floats]:
        """Return L, ∇_M L and ∇_β L at (AAᵀ, β) in float64, Σ taken for what it is."""
        mixture = self.instance.shared
        w, mu, S = np.array([float(x) for x in mixture.weights]), to_floats(mixture.mu), to_floats(mixture.sigma)
        C, R = to_floats(self.instance.pairs.C), to_floats(mixture.R)
        M, root = A @ A.T, np.linalg.cholesky(S)
        U = np.linalg.qr(root.T @ A)[0]  # directions of the noise that the logits see
        nodes, density = _lattice(A.shape[1])
        spread = root @ U  # x is centre + spread · node
        across, middle = (mu.T @ M @ spread) @ nodes, mu.T @ M @ mu + beta @ mu + np.log(w)
        value, softmax, moments = 0.0, np.zeros(len(w)), np.zeros_like(mu)
        for weight, centre, level in zip(w, mu.T, middle, strict=True):
            p = across + level[:, None]
            top = p.max(axis=0)
            p -= top
            np.exp(p, out=p)
            sums = p.sum(axis=0)
            p *= density / sums
            share = p.sum(axis=1)
            value += weight * float(density @ (top + np.log(sums)))
            softmax += weight * share
            moments += weight * (np.outer(centre, share) + spread @ (nodes @ p.T))
        whole = M @ S @ M
        value += float(-np.sum(C * M) + 0.5 * np.sum(whole * R) + 0.5 * beta @ S @ beta)
        g = S @ M @ R + moments @ mu.T
        return value, (g + g.T) / 2 - C, S @ beta + mu @ softmax

    def proposed(self, rank: int) -> tuple[fmpq_mat, fmpq_mat]:
        """Return A (d × rank) and β (d × 1) where L is nearly stationary."""
        cut = self.d * rank

        def first(z: Floats) -> tuple[float, Floats]:
            A, beta = z[:cut].reshape(self.d, rank), z[cut:]
            value, g, h = self.slopes(A, beta)
            return value, np.concatenate([(2 * g @ A).ravel(), h])

        rng = np.random.default_rng(0)
        starts = [np.concatenate([0.3 * rng.standard_normal(cut), np.zeros(self.d)]) for _ in range(3)]
        found = [minimize(first, z, jac=True, method="BFGS", options={"gtol": 1e-9}) for z in starts]
        z = min(found, key=lambda r: r.fun).x
        step = 1e-5
        rows = [(first(z + step * e)[1] - first(z - step * e)[1]) / (2 * step) for e in np.eye(len(z))]
        back = np.linalg.pinv(np.array(rows), rcond=1e-7)
        place = fmpq_mat(len(z), 1, [exact.to_fmpq(Fraction(float(x))) for x in z])
        for _ in range(STEPS):
            A, beta = self._parts(place, rank)
            g, h = self.gradient(A, beta)
            residual = [float(x.mid()) for x in (*(g * arb_mat(A) * 2).entries(), *h.entries())]
            change = fmpq_mat(len(z), 1, [exact.to_fmpq(Fraction(float(x))) for x in back @ np.array(residual)])
            place = _short(place - change)
        return self._parts(place, rank)

    def _parts(self, z: fmpq_mat, rank: int) -> tuple[fmpq_mat, fmpq_mat]:
        entries, cut = z.entries(), self.d * rank
        return fmpq_mat(self.d, rank, entries[:cut]), fmpq_mat(self.d, 1, entries[cut:])

    # -- balls ---------------------------------------------------------------------------------------------------------

    def gradient(self, A: fmpq_mat, beta: fmpq_mat) -> tuple[arb_mat, arb_mat]:
        """Return balls around ∇_M L (d × d, symmetric) and ∇_β L (d × 1) at (AAᵀ, β)."""
        mixture, M = self.instance.shared, A * A.transpose()
        K, d = mixture.components, self.d
        constants = (beta.transpose() * mixture.mu).entries()
        reduced = reduce(mixture.w, mixture.mu, mixture.sigmas, M * mixture.mu, [exact.zeros(d, d)] * K, (), constants)
        with ctx.workprec(BITS):
            found = enclose_moments(reduced.problem, DIGITS, 1)
            lift = arb_mat(reduced.lifts[0])
            moments, softmax = arb_mat(d, K), arb_mat(K, 1)
            for j, w in enumerate(mixture.w):
                for k in range(K):
                    centre = arb_mat(exact.submatrix(mixture.mu, range(d), [j])) * found.p[j, k]
                    first = arb_mat([[found.first[j, k, i]] for i in range(reduced.problem.dimension)])
                    column = (centre + lift * first) * arb(w)
                    softmax[k, 0] += found.p[j, k] * arb(w)
                    for i in range(d):
                        moments[i, k] += column[i, 0]
            g = arb_mat(mixture.sigma * M * mixture.R) + moments * arb_mat(mixture.mu.transpose())
            symmetric = (g + g.transpose()) / 2 - arb_mat(self.instance.pairs.C)
            return symmetric, arb_mat(mixture.sigma * beta) + arb_mat(mixture.mu) * softmax


def _short(m: fmpq_mat) -> fmpq_mat:
    unit = fmpq(2) ** 100
    return fmpq_mat(m.nrows(), m.ncols(), [(x * unit + fmpq(1, 2)).floor() / unit for x in m.entries()])
