"""Configurations of a mixture's components: their symmetries, and thresholds that they set, exactly."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import TypeAlias

from flint import arb, ctx, fmpq, fmpq_mat

from thmverify import exact
from thmverify.models import GMM
from thmverify.subspaces import fisher_subspace

Point: TypeAlias = tuple[Fraction, ...]
_BITS, _GRAIN = 128, 2**10  # of the balls that enclose an exponential; numbers that it bounds are multiples of 1/GRAIN


def geometry(mixture: GMM) -> fmpq_mat:
    """Return μᵀΣ̄⁻¹μ (K × K): the components up to an isometry of the whitened space."""
    return mixture.mu.transpose() * mixture.sigma_bar.solve(mixture.mu)


def symmetries(mixture: GMM, source: int, target: int) -> Iterator[tuple[int, ...]]:
    """Yield the permutations of the components that move `source` to `target` and preserve weights and geometry."""
    gram, weights, count = geometry(mixture), mixture.weights, mixture.components
    order = [source, *(k for k in range(count) if k != source)]

    def extend(images: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(images) == count:
            yield tuple(images[order.index(k)] for k in range(count))
            return
        k = order[len(images)]
        for image in set(range(count)) - set(images) if images else {target}:
            moved = (*images, image)
            if weights[image] == weights[k] and all(
                gram[order[i], k] == gram[moved[i], image] for i in range(len(moved))
            ):
                yield from extend(moved)

    return extend(())


def orbits(mixture: GMM) -> int:
    """Return the number of classes of components that no symmetry moves into each other."""
    representatives: list[int] = []
    for k in range(mixture.components):
        if not any(next(symmetries(mixture, k, other), None) for other in representatives):
            representatives.append(k)
    return len(representatives)


def vanishing_threshold(mixture: GMM) -> fmpq:
    """Return 1/δ₀² of infonce-equality-vanishing, 4(1 + λ)(3 + κ²/4)ηω²τ²; 0 where S_F = {0}, for then any δ will do.

    λ = tr(S⁻¹Σ̄) on S_F, so that Σ̄ ⪯ λS there; κ² is the largest μ_kᵀΣ̄⁻¹μ_k and η the largest μ_kᵀS⁻¹μ_k on S_F, at most
    1/w_k; ω = Σ_k w_k c_k μ_kᵀΣ̄⁻¹μ_k, c_k by `parabola`, so that Σ_k w_k c_k μ_kμ_kᵀ ⪯ ωΣ̄; τ = tr(Σ̄⁻¹SR⁻¹S), R = Σ̄ + S.
    """
    basis = fisher_subspace(mixture).basis
    if basis.ncols() == 0:
        return fmpq(0)
    G, S = (basis.transpose() * matrix * basis for matrix in (mixture.sigma_bar, mixture.S))
    means = basis.transpose() * mixture.mu
    ratio, reach = exact.trace(S.solve(G)), means.transpose() * S.solve(means)
    gram = geometry(mixture)
    height, share = (max(X[k, k] for k in range(mixture.components)) for X in (gram, reach))
    bend = sum((exact.to_fmpq(w) * parabola(w) * gram[k, k] for k, w in enumerate(mixture.weights)), fmpq(0))
    tau = exact.trace(mixture.sigma_bar.solve(mixture.S) * mixture.R.solve(mixture.S))
    return 4 * (1 + ratio) * (3 + height / 4) * share * bend**2 * tau**2


def parabola(weight: Fraction) -> fmpq:
    """Return a c ≥ ½ with exp z ≤ 1 + z + cz² for every z ≤ log 1/w, for a weight w in (0, 1].

    It is (exp ζ − 1 − ζ)/ζ², rounded up, at a ζ just above log 1/w: the bound at ζ implies it below. The exponential is
    enclosed in a ball.

    >>> float(parabola(Fraction(1, 100)))
    4.4560546875
    """
    with ctx.workprec(_BITS):
        zeta = _above((1 / arb(exact.to_fmpq(weight))).log())
        return max(_above((arb(zeta).exp() - 1 - arb(zeta)) / arb(zeta) ** 2), fmpq(1, 2))


def _above(ball: arb) -> fmpq:
    """Return a multiple of 1/GRAIN above a ball."""
    whole = (ball * _GRAIN).upper().ceil().unique_fmpz()
    if whole is None:
        raise ArithmeticError("the ball is too wide")
    return fmpq(int(whole) + 1, _GRAIN)


def is_product(mixture: GMM, split: int) -> bool:
    """Decide whether the first `split` coordinates are independent of the others: Σ̄ is block diagonal, w a product."""
    d, sigma = mixture.dimension, mixture.sigma_bar
    if any(sigma[i, j] != 0 for i in range(split) for j in range(split, d)):
        return False
    joint: dict[tuple[Point, Point], Fraction] = {}
    left: dict[Point, Fraction] = {}
    right: dict[Point, Fraction] = {}
    for weight, mean in zip(mixture.weights, mixture.means, strict=True):
        a, b = mean[:split], mean[split:]
        joint[a, b] = joint.get((a, b), Fraction(0)) + weight
        left[a], right[b] = left.get(a, Fraction(0)) + weight, right.get(b, Fraction(0)) + weight
    return all(joint.get((a, b)) == p * q for a, p in left.items() for b, q in right.items())


def product_blocks(mixture: GMM) -> tuple[int, ...]:
    """Return the sizes of the most consecutive blocks of coordinates that are independent, for a shared covariance."""
    cuts = [0, *(s for s in range(1, mixture.dimension) if is_product(mixture, s)), mixture.dimension]
    return tuple(b - a for a, b in itertools.pairwise(cuts))
