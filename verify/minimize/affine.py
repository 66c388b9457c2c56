"""InfoNCE over affine maps as a function of M = AAᵀ and β = Ac, and its minimiser over M ⪰ 0, enclosed.

For a centred mixture with one covariance the loss of f(x) = Aᵀx + c is, up to |c|², which cancels,

    L(M, β) = −⟨C, M⟩ + ½ tr(MΣMR) + ½ βᵀΣβ + E log Σ_l w_l exp(xᵀMμ_l + βᵀμ_l),

convex, and 1-strongly so in ‖(H, h)‖² = tr(HΣHR) + hᵀΣh; D²L ≤ Λ = 1 + diam²/4 times that, diam the largest distance of
two means in the metric Σ⁻¹, as a variance of numbers is at most a quarter of their squared range. Over M ⪰ 0 and all β
there is one minimiser (M*, β*). Let p = (M̃, β̃), M̃ = AAᵀ, Z ⪰ 0 with ZM̃ = 0, and ε the norm dual to ‖·‖ of
∇L(p) − (Z, 0), ε² = tr(EΣ⁻¹ER⁻¹) + eᵀΣ⁻¹e for (E, e). Then ‖(M*, β*) − p‖ ≤ ε: L(p + D) ≥ L(p) − ε‖D‖ + ½‖D‖² for
M̃ + H ⪰ 0, and at the minimiser L(p) ≥ L(p + D) + ½‖D‖². The gradient moves by at most Λε in the dual norm.

Maps with r ≥ d columns reach every (M, β) with β ∈ Col M, and so come as near to (M*, β*) as one likes. They have a
minimiser exactly when β* ∈ Col M*.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat
from scipy.optimize import minimize

from thmverify import exact
from thmverify.exact import to_floats
from thmverify.integrate.enclosure import enclose_moments
from thmverify.integrate.problem import reduce
from thmverify.models import Floats, Instance

DIGITS, BITS, STEPS = 18, 160, 6
_REACH, _WIDTH = 7.5, 0.125  # of the float lattice, in standard deviations


@dataclass(frozen=True)
class Relaxed:
    """The loss on an instance that is centred, with one covariance near the identity."""

    instance: Instance

    @cached_property
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
        line = np.arange(-_REACH, _REACH, _WIDTH)
        nodes = np.array(list(itertools.product(line, repeat=A.shape[1])))
        density = np.exp(-0.5 * np.sum(nodes**2, axis=1))
        density /= density.sum()
        value, softmax, moments = 0.0, np.zeros(len(w)), np.zeros_like(mu)
        for weight, centre in zip(w, mu.T, strict=True):
            x = centre + nodes @ (root @ U).T
            logits = x @ M @ mu + beta @ mu + np.log(w)
            top = logits.max(axis=1)
            p = np.exp(logits - top[:, None])
            sums = p.sum(axis=1)
            p *= (density / sums)[:, None]
            value += weight * float(density @ (top + np.log(sums)))
            softmax += weight * p.sum(axis=0)
            moments += weight * x.T @ p
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

    # -- balls, which decide -------------------------------------------------------------------------------------------

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

    @cached_property
    def Lambda(self) -> fmpq:
        """1 + diam²/4."""
        mixture = self.instance.shared
        gram = mixture.mu.transpose() * mixture.sigma.solve(mixture.mu)
        K = range(mixture.components)
        return 1 + max(gram[j, j] + gram[k, k] - 2 * gram[j, k] for j in K for k in K) / 4

    @cached_property
    def least(self) -> fmpq | None:
        """λ ≤ 1 below all eigenvalues of Σ, where one of a few does."""
        return next((fmpq(1, n) for n in (2, 4, 16) if _above(self.instance.shared.sigma, fmpq(1, n))), None)

    def enclosed(self, A: fmpq_mat, beta: fmpq_mat, v: fmpq_mat | None) -> tuple[arb, arb] | None:
        """Return ε, and a lower bound of vᵀ∇_M L v at (M*, β*), 0 without v, where Aᵀv = 0; None if that is not > 0."""
        mixture = self.instance.shared
        with ctx.workprec(BITS):
            g, h = self.gradient(A, beta)
            steep, size, Z = arb(0), fmpq(0), arb_mat(self.d, self.d)
            if v is not None:
                steep = (arb_mat(v.transpose()) * g * arb_mat(v))[0, 0]
                if not steep > 0:
                    return None
                Z = arb_mat(v * v.transpose()) * (steep / arb(exact.inner(v, v)) ** 2)
                size = exact.inner(v, mixture.sigma * v) * exact.inner(v, mixture.R * v)  # ‖vvᵀ‖²
            inverse = arb_mat(mixture.sigma.inv())
            E = g - Z
            squared = (E * inverse * E * arb_mat(mixture.R.inv())).trace() + (h.transpose() * inverse * h)[0, 0]
            epsilon = squared.abs_upper().sqrt().abs_upper()
            return epsilon, steep - arb(self.Lambda) * epsilon * arb(size).sqrt()

    def apart(self, A: fmpq_mat, beta: fmpq_mat, v: fmpq_mat) -> bool:
        """Decide whether M* is certainly singular and β* not in its column space, d = 2 and A of one column.

        H and h have lengths ε/λ at most, λ ≤ 1 below the eigenvalues of Σ, R ⪰ Σ. For each of M's columns det[β, M e_i]
        moves by less than (|β| + |M e_i| + 2ε/λ)·2ε/λ, and one of them stays apart from 0.
        """
        found = self.enclosed(A, beta, v)
        if found is None or not found[1] > 0:
            return False
        if self.least is None:
            return False
        M = A * A.transpose()
        with ctx.workprec(BITS):
            room = found[0] / arb(self.least)
            for i in range(self.d):
                determinant = abs(beta[0, 0] * M[1, i] - beta[1, 0] * M[0, i])
                sizes = arb(abs(beta[0, 0]) + abs(beta[1, 0]) + abs(M[0, i]) + abs(M[1, i]))
                if arb(determinant) > (sizes + 2 * room) * 2 * room:
                    return True
        return False

    def full(self, A: fmpq_mat, beta: fmpq_mat) -> bool:
        """Decide whether M* certainly has rank d: M̃ ≻ ε/λ, with λ as in `apart`."""
        found = self.enclosed(A, beta, None)
        if found is None or self.least is None:
            return False
        level = exact.to_fmpq(Fraction(float(found[0].upper())) * 2) / self.least
        return exact.is_positive_definite(A * A.transpose() - exact.identity(self.d) * level)


def _above(sigma: fmpq_mat, level: fmpq) -> bool:
    return exact.is_positive_definite(sigma - exact.identity(sigma.nrows()) * level)


def _short(m: fmpq_mat) -> fmpq_mat:
    unit = fmpq(2) ** 100
    return fmpq_mat(m.nrows(), m.ncols(), [(x * unit + fmpq(1, 2)).floor() / unit for x in m.entries()])
