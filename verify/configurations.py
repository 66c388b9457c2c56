"""Configurations of a mixture's components: their symmetries, decided exactly."""

from __future__ import annotations

from collections.abc import Iterator

from flint import fmpq_mat

from verify.models import GMM


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
