"""Configurations of a mixture's components: their symmetries, and thresholds that they set, exactly."""

from __future__ import annotations

from collections.abc import Iterator

from flint import fmpq, fmpq_mat

from verify import exact
from verify.models import GMM
from verify.subspaces import fisher_subspace


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
    """Return δ₀² of infonce-equality-vanishing, 16 w_min / (27 ℓ⁴ D³ τ³); 2, which no δ² reaches, where S_F = {0}.

    ℓ = m + tr(S⁻¹Σ) on S_F, D the largest (μ_j − μ_k)ᵀΣ̄⁻¹(μ_j − μ_k), τ = tr(Σ̄⁻¹SR⁻¹S), R = Σ̄ + S.
    """
    basis = fisher_subspace(mixture).basis
    if basis.ncols() == 0:
        return fmpq(2)
    G, S = (basis.transpose() * matrix * basis for matrix in (mixture.sigma_bar, mixture.S))
    spread = basis.ncols() + exact.trace(S.solve(G))
    gram, count = geometry(mixture), mixture.components
    diameter = max(gram[j, j] + gram[k, k] - 2 * gram[j, k] for j in range(count) for k in range(count))
    if diameter == 0:
        return fmpq(0)  # one mean, which is not 0: nothing is learnt
    tau = exact.trace(mixture.sigma_bar.solve(mixture.S) * mixture.R.solve(mixture.S))
    return fmpq(16, 27) * min(mixture.w) / (spread**4 * diameter**3 * tau**3)
