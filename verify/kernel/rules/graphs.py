"""Finite graphs: spectral contrastive loss and linear probe."""

from __future__ import annotations

from flint import fmpq_mat

from verify.kernel.linear import rank
from verify.kernel.models import Graph
from verify.kernel.parse import Rejected
from verify.kernel.rules.finding import PROVED, Finding


def graph_equivalence(graph: Graph) -> Finding:
    """Expand the squares: ‖Ā − FFᵀ‖² = Σ w_{xx'}²/(w_x w_x') − 2Σ w_{xx'} f(x)ᵀf(x') + Σ w_x w_x' (f(x)ᵀf(x'))².

    All w_x > 0 by the model. By Eckart and Young the minimiser FFᵀ is the top-k positive part of Ā.
    """
    if not all(w > 0 for w in graph.degrees):
        raise Rejected("a point has no weight")
    return PROVED


def probe_bound(graph: Graph) -> Finding:
    """With g_c = √w_x 1[y_x = c]/√(Σw) and Π the projector on the r lowest eigenvectors: Σ_c g_cᵀ(I − Ā)g_c = φ, so

    Σ_c ‖(I − Π)g_c‖² ≤ φ/λ_{r+1}; where the arg-max errs the residual is ≥ w_x/2Σw. λ_{r+1} > 0 iff rank(D−w) ≥ n−r.
    """
    n = graph.weights.nrows()
    laplacian = fmpq_mat(n, n, [-x for x in graph.weights.entries()])
    for i, w in enumerate(graph.degrees):
        laplacian[i, i] += w
    if rank(laplacian) < n - graph.columns:
        raise Rejected("λ_{r+1} = 0, so the bound says nothing")
    return PROVED
