"""Premises that several rules check."""

from __future__ import annotations

from flint import fmpq_mat

from verify.kernel.linear import beside, is_zero, null_space, rank, select
from verify.kernel.models import Mixture
from verify.kernel.parse import Rejected, array, integer, record


def check_blocks(mixture: Mixture) -> None:
    """Check the premises of inclusion: t = Bᵀx and u = Pᵀx, P = (span μ)^⊥, are independent given k, and E[u|k] = 0.

    In these coordinates cut M to its t-block. ⟨C,M⟩ stays, M ⪰ 0 stays, the rank does not rise. By Jensen in u, E log
    Σ w_k exp(xᵀMμ_k + ½xᵀMΣ_kMx) does not rise, since u enters through convex exponents and has mean 0 given (t, k);
    and it falls unless the cut is 0: the quadratic loses M_ut at u = 0 and is strictly convex in M_uu u. So every
    minimiser, whatever r and δ, has Col(A) ⊆ S_F. For CLIP the same cut in each modality; its quadratics are strict.
    """
    P = null_space(mixture.means.transpose())
    for sigma in mixture.covariances:
        if not is_zero(P.transpose() * sigma * mixture.fisher):
            raise Rejected("given the component, x within S_F and across it are correlated")
    if rank(beside(mixture.fisher, P)) != mixture.means.nrows():
        raise Rejected("S_F and its complement do not span the space")


def check_transitive(mixtures: tuple[Mixture, ...], hints: object) -> None:
    """Check that the `symmetries` of the hints act transitively on the components.

    Each leaves L unchanged, so the unique minimiser commutes with it. The vectors that all of them fix are the
    multiples of μ̄ (whitened), and ⟨μ̄, μ_k⟩ is constant. So the minimiser is a block along μ̄ and one across it, the
    losses of the two add up, and that of the block along μ̄, ½(1 + ‖μ̄‖²)y² (twice that for CLIP) is least at 0: the
    log-sum-exp cancels ⟨C, ·⟩ there. For CLIP with one mean 0 there is no block along the other.
    """
    if not are_transitive(symmetries(mixtures, hints)):
        raise Rejected("the permutations are not transitive")


def symmetries(mixtures: tuple[Mixture, ...], hints: object) -> list[list[int]]:
    """Return the permutations of the hints: they preserve w and μᵀΣ⁻¹μ (of each modality), so they are isometries.

    With them comes the identity.
    """
    (given,) = record(hints, "hints", ("permutations",))
    K = len(mixtures[0].weights)
    maps = [
        [integer(x, "permutations", 0, K - 1) for x in array(p, "permutations")] for p in array(given, "permutations")
    ]
    grams = [m.means.transpose() * m.sigma.inv() * m.means for m in mixtures]
    for p in maps:
        if sorted(p) != list(range(K)) or any(
            mixtures[0].weights[p[k]] != w for k, w in enumerate(mixtures[0].weights)
        ):
            raise Rejected("a permutation is none, or moves a weight")
        if any(g[p[j], p[k]] != g[j, k] for g in grams for j in range(K) for k in range(K)):
            raise Rejected("a permutation does not preserve the geometry of the means")
    return [list(range(K)), *maps]


def are_transitive(maps: list[list[int]]) -> bool:
    """Decide whether the permutations generate a group that takes the first component to every other one."""
    orbit = {0}
    for _ in maps[0]:
        orbit |= {p[k] for p in maps for k in orbit}
    return len(orbit) == len(maps[0])


def isometry(mixture: Mixture, permutation: list[int]) -> fmpq_mat:
    """Return the matrix that takes each Bᵀμ_k to Bᵀμ_{π(k)} (m × m)."""
    points = mixture.fisher.transpose() * mixture.means
    moved = select(points, range(points.nrows()), permutation)
    return moved * points.transpose() * (points * points.transpose()).inv()
