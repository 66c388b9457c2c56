"""Claims that identities and exact ranks decide: Lemma 4.2, Fisher subspace, inclusion, graphs (PROOFS.md, 1)."""

from flint import fmpq_mat

from thmverify.kernel.linear import coefficients, is_zero, times
from thmverify.kernel.models import Finding, Graph, Mixture, Pairs
from thmverify.kernel.strict import Rejected


def valid(_pairs: Pairs) -> Finding:
    """What holds for every instance of the model, and only asks that this is one: 1.2, 1.3 and, Σ shared, 1.4."""
    return Finding("proved")


def unmoved(pairs: Pairs) -> Finding:
    """x − μ̄ is x where μ̄ = 0."""
    if not is_zero(pairs.mixture.mean):
        raise Rejected("the mean is not 0")
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


def shared_noise(pairs: Pairs) -> Finding:
    """Γ ∝ Σe₁e₁ᵀΣ (Σ_T on the right for CLIP) is 0 across S_F when e₁ ∈ S_F. If not, a free column learns it (1.7)."""
    mixture = pairs.mixture
    first = times(mixture.average, fmpq_mat(mixture.dimension, 1, [1] + [0] * (mixture.dimension - 1)))
    if pairs.bias == 0 or coefficients(mixture.means, mixture.pivots, first) is not None:
        return Finding("proved")
    if pairs.columns <= mixture.m:
        raise Rejected("it is known for e₁ in S_F and for r > dim S_F")
    return Finding("refuted")


def sample_inclusion(pairs: Pairs) -> Finding:
    """Where S_F is not everything there are samples whose minimisers all leave it, and all samples near do it (1.8)."""
    return Finding("proved" if pairs.mixture.m == pairs.mixture.dimension else "refuted")


def sample_existence(_pairs: Pairs) -> Finding:
    """Two pairs near (u, u) and (−u, −u) are told apart by every large uuᵀ, ever better (1.8)."""
    return Finding("refuted")


def graph_printed(_graph: Graph) -> Finding:
    """At constant features f = c the difference is a number and (c⁴ − c²)(Σ w_x)²."""
    return Finding("refuted")


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
