"""Where the minimisers of SigLIP are: L is strongly convex near a point, so in a small ball; then what their rank is.

L(M, b) = E softplus(−z_0 − b) + E softplus(z_1 + b), z = xᵀMy, is convex on M ⪰ 0. Let φ = (x_iy_j + x_jy_i, …, 1), so
that z + b is linear in φ, W = E φφᵀ over x, y ~ N(μ_j, Σ) independent, for the likeliest component j, and ‖D‖² = DᵀWD
for D = (H, h). Of D²L[D, D] = E σ'(z_0 + b)(Dφ)² + E σ'(z_1 + b)(Dφ)², σ' = 1/(2 + 2cosh), the part of the negatives
with both points in component j, where |z_1 + b| ≤ B, is at least

    w_j² σ'(B)(1 − (‖p‖ + ρ)²E[Q²]/B²)‖D‖² = μ‖D‖²,     Q = φᵀW⁻¹φ,

within ρ of p = (M̃, b̃): (Dφ)² ≤ ‖D‖²Q, and E[Q; |z_1 + b| > B] ≤ E[Q (z_1 + b)²]/B². Let Z ⪰ 0 with ZM̃ = 0, and ε the
norm of ∇L(p) − (Z, 0) dual to ‖·‖. On M ⪰ 0 then L(p + D) ≥ L(p) − ε‖D‖ + ½μ‖D‖² for ‖D‖ ≤ ρ; if s = 2ε/μ < ρ, every
minimiser lies within s of p, by convexity, and there is one. There vᵀ∇_M L v has moved by at most
¼ s Σ_± √(E(vᵀx vᵀy)² tr(W_±W⁻¹)), W_± and E over pairs and over negatives, as σ' ≤ ¼.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from thmverify import exact
from thmverify.losses import LOSSES
from thmverify.losses.levels import enclosed_gradient
from thmverify.maps import BiasedEncoder
from thmverify.models import Instance

DIGITS, BITS = 20, 200
RADIUS = fmpq(1, 10)
REACHES = range(2, 40)  # of B
Term = tuple[int, int]  # x_i y_j


@cache
def basis(d: int) -> tuple[tuple[Term, ...], ...]:
    """Return what each entry of φ is a sum of: x_iy_j + x_jy_i for i < j, x_iy_i, and 1 for no term at all."""
    return (*(tuple({(i, j), (j, i)}) for i in range(d) for j in range(i, d)), ())


def coordinates(M: fmpq_mat, b: fmpq) -> list[fmpq]:
    """Return p with pᵀφ = xᵀMy + b, M symmetric."""
    d = M.nrows()
    return [*(M[i, j] for i in range(d) for j in range(i, d)), b]


def moment(indices: tuple[int, ...], mean: Sequence[fmpq], sigma: fmpq_mat) -> fmpq:
    """Return E Π x_i over the indices, x ~ N(mean, Σ): Stein's identity, one index at a time."""
    if not indices:
        return fmpq(1)
    i, rest = indices[0], indices[1:]
    total = mean[i] * moment(rest, mean, sigma)
    for k, j in enumerate(rest):
        total += sigma[i, j] * moment(rest[:k] + rest[k + 1 :], mean, sigma)
    return total


@dataclass(frozen=True)
class Localised:
    """p = (M̃, b̃), M̃ = AAᵀ (d × d), and v ≠ 0 with Aᵀv = 0, or none where M̃ has rank d."""

    instance: Instance
    A: fmpq_mat
    b: fmpq
    v: fmpq_mat | None

    @property
    def d(self) -> int:
        """The dimension."""
        return self.instance.shared.dimension

    @cached_property
    def likeliest(self) -> int:
        """The component of the largest weight."""
        w = self.instance.shared.w
        return max(range(len(w)), key=lambda k: w[k])

    def products(self, factors: Sequence[tuple[Term, ...]], j: int, k: int) -> fmpq:
        """Return E of a product of entries of φ, x ~ N(μ_j, Σ) and y ~ N(μ_k, Σ) independent."""
        total = fmpq(0)
        for chosen in itertools.product(*(f or ((),) for f in factors)):
            terms = [t for t in chosen if t]
            total += self._moment(j, tuple(sorted(t[0] for t in terms))) * self._moment(
                k, tuple(sorted(t[1] for t in terms))
            )
        return total

    @cached_property
    def _moments(self) -> dict[tuple[int, tuple[int, ...]], fmpq]:
        return {}

    def _moment(self, j: int, indices: tuple[int, ...]) -> fmpq:
        if (j, indices) not in self._moments:
            mixture = self.instance.shared
            mean = [mixture.mu[i, j] for i in range(self.d)]
            self._moments[j, indices] = moment(indices, mean, mixture.sigma)
        return self._moments[j, indices]

    def second(self, coupling: fmpq_mat | None) -> fmpq_mat:
        """Return E φφᵀ over pairs of this coupling of the components, or within the likeliest one."""
        size = len(basis(self.d))
        K = self.instance.shared.components

        def entry(a: int, b: int) -> fmpq:
            factors = (basis(self.d)[a], basis(self.d)[b])
            if coupling is None:
                return self.products(factors, self.likeliest, self.likeliest)
            return sum((coupling[j, k] * self.products(factors, j, k) for j in range(K) for k in range(K)), fmpq(0))

        return fmpq_mat(size, size, [entry(a, b) for a in range(size) for b in range(size)])

    @cached_property
    def W(self) -> fmpq_mat:
        """E φφᵀ within the likeliest component."""
        return self.second(None)

    @cached_property
    def fourth(self) -> fmpq:
        """E Q² within the likeliest component."""
        inverse, size = self.W.inv(), len(basis(self.d))
        cells = [(a, b) for a in range(size) for b in range(size) if inverse[a, b]]
        total = fmpq(0)
        for (a, b), (c, e) in itertools.product(cells, repeat=2):
            factors = [basis(self.d)[n] for n in (a, b, c, e)]
            weight = inverse[a, b] * inverse[c, e]
            total += weight * self.products(factors, self.likeliest, self.likeliest)
        return total

    def modulus(self) -> arb:
        """Return μ: the largest that one of the REACHES gives."""
        p = fmpq_mat(len(basis(self.d)), 1, coordinates(self.A * self.A.transpose(), self.b))
        size = arb(exact.inner(p, self.W * p)).sqrt() + arb(RADIUS)
        w = arb(self.instance.shared.w[self.likeliest]) ** 2
        bounds = [w / (2 + 2 * arb(B).cosh()) * (1 - size**2 * arb(self.fourth) / B**2) for B in REACHES]
        return max(bounds, key=lambda x: float(x.mid()))

    def slope(self) -> tuple[arb, arb] | None:
        """Return vᵀ∇_M L(p)v (0 without v), and s, where s < ρ is certain; None elsewhere."""
        with ctx.workprec(BITS):
            balls, _ = enclosed_gradient(LOSSES["siglip"], self.instance, BiasedEncoder(self.A, self.b), DIGITS)
            g = arb_mat([[balls["M"][i, j] for j in range(self.d)] for i in range(self.d)])
            steep, Z = arb(0), arb_mat(self.d, self.d)
            if self.v is not None:
                v = arb_mat(self.v)
                steep = (v.transpose() * g * v)[0, 0]
                Z = v * v.transpose() * (steep / arb(exact.inner(self.v, self.v)) ** 2)
                if not steep > 0:
                    return None
            rest = g - Z
            flat = [rest[i, j] * (1 + int(i < j)) for i in range(self.d) for j in range(i, self.d)]
            column = arb_mat([[x] for x in [*flat, balls["b"][0, 0]]])
            epsilon = (column.transpose() * arb_mat(self.W.inv()) * column)[0, 0].abs_upper().sqrt()
            mu = self.modulus()
            if not (mu > 0 and 2 * epsilon / mu < arb(RADIUS)):
                return None
            return steep, 2 * epsilon / mu

    def misses(self) -> arb | None:
        """Return the least that vᵀ∇_M L v is at a minimiser, where it is certainly > 0: no minimiser has rank d."""
        found = None if self.v is None else self.slope()
        if found is None or self.v is None:
            return None
        steep, s = found
        mixture, along = self.instance.shared, self.v * self.v.transpose()
        w = fmpq_mat(mixture.components, 1, list(mixture.w))
        direction = fmpq_mat(len(basis(self.d)), 1, coordinates(along, fmpq(0)))
        with ctx.workprec(BITS):
            moved = arb(0)
            for coupling in (self.instance.pairs.coupling, w * w.transpose()):
                W = self.second(coupling)
                trace = exact.trace(W * self.W.inv())
                moved += (arb(exact.inner(direction, W * direction)) * arb(trace)).sqrt()
            least = steep - s * moved / 4
            return least if least > 0 else None

    def fills(self) -> bool:
        """Decide whether every minimiser has rank d: M̃ ≻ √2 √tr W⁻¹ s, as the entries of D are ≤ √tr W⁻¹ ‖D‖."""
        found = self.slope() if self.v is None else None
        if found is None:
            return False
        with ctx.workprec(BITS):
            room = (found[1] * (2 * arb(exact.trace(self.W.inv()))).sqrt()).upper()
        level = Fraction(float(room)) * 2
        least = self.A * self.A.transpose() - exact.identity(self.d) * exact.to_fmpq(level)
        return exact.is_positive_definite(least)
