"""Claims that identities and exact ranks decide: Lemma 4.2, Fisher subspace, inclusion, graphs (PROOFS.md, 1)."""

from thmverify.kernel.linear import coefficients, times
from thmverify.kernel.models import Finding, Graph, Mixture, Pairs
from thmverify.kernel.strict import Rejected


def valid(_pairs: Pairs) -> Finding:
    """What holds for every instance of the model, and only asks that this is one: 1.2, 1.3 and, Σ shared, 1.4."""
    return Finding("proved")


def inclusion(pairs: Pairs) -> Finding:
    """Cutting M, or W, to its block on S_F lowers L when, given k, x within S_F and across it are independent.

    With δ Cov(μ, μ') = 0 that is not needed: ∇L(0) = 0 and L is strictly convex, so the minimiser is 0.
    """
    for mixture in pairs.modalities if pairs.informative else ():
        check_blocks(mixture)
    return Finding("proved")


def check_blocks(mixture: Mixture) -> None:
    """Check that Σ_k S_F ⊆ span μ: then Bᵀx and Pᵀx, P = (span μ)^⊥, are independent given k; E[Pᵀx | k] = 0 anyway."""
    for sigma in () if mixture.shared else mixture.given:
        if coefficients(mixture.means, mixture.pivots, times(sigma, mixture.fisher)) is None:
            raise Rejected("given the component, x within S_F and across it are correlated")


def graph_equivalence(_graph: Graph) -> Finding:
    """Expand the squares: all w_x > 0, so the difference is Σ w_{xx'}²/(w_x w_x'); then Hoffman and Wielandt."""
    return Finding("proved")


def probe_bound(graph: Graph) -> Finding:
    """The bound 2φ/λ says something when λ_{r+1} > 0: when the graph has at most r connected components."""
    rows, found = graph.weights.tolist(), 0
    left = set(range(len(rows)))
    while left:
        found, reached = found + 1, {min(left)}
        while reached:
            left -= reached
            reached = {j for i in reached for j in left if rows[i][j] > 0}
    if found > graph.columns:
        raise Rejected("λ_{r+1} = 0, so the bound says nothing")
    return Finding("proved")
