"""Expectations over a mixture: E p_k, E p_k x, E log Σ_k w_k e^{b_k·x}, with p_k ∝ w_k e^{b_k·x} (PROOFS.md, 8.3).

With β_k = b_k − b_1 in the place of b_k the softmax is the same and the logarithm is less by b_1·x; the integrals have
as many dimensions as the β_k span.
"""

import math
from collections.abc import Callable

from flint import arb, arb_mat, ctx, fmpq_mat

from thmverify.kernel import integrals
from thmverify.kernel.formulas.values import MAX_WORK, Value, elimination, is_ball
from thmverify.kernel.integrals import Grids, component_moments, log_mean, whiten
from thmverify.kernel.linear import diagonal, is_zero, select
from thmverify.kernel.models import Mixture
from thmverify.kernel.strict import Rejected

EXPECTATIONS = ("expected_softmax", "expected_softmax_moment", "expected_logsumexp")


def expectation(pay: Callable[[int], None], name: str, law: Mixture, b: Value, grids: Grids) -> Value:
    """Return E p_k (K × 1), E p_k x (d × K) or E log Σ_k w_k e^{b_k·x}, x ~ law; b has the columns b_k (d × K)."""
    if is_ball(b):
        raise Rejected(f"{name} takes a matrix that is rational")
    K, d = b.ncols(), b.nrows()
    pay((K + 4) * elimination(b))  # the coordinates, and the covariances in them
    first = select(b, range(d), [0] * K)
    D, beta = integrals.fewer_directions(diagonal([1] * d), b - first)
    integrals.check_grids(grids, 0 if is_zero(b - first) else K)
    pay(K**3 * beta.nrows())  # the error of a lattice looks at pairs of components, for each component
    pay(_price(grids, K) * (4 if name == "expected_logsumexp" else 1))
    base = (first.transpose() * law.mean)[0, 0]
    if is_zero(b - first):  # p_k = w_k
        w = fmpq_mat(K, 1, law.weights)
        return {"expected_softmax": w, "expected_softmax_moment": law.mean * w.transpose()}.get(name, base)
    if name == "expected_softmax_moment":
        units = [select(diagonal([1] * K), [k], range(K)) for k in range(K)]
        return integrals.softmax_moments(law, diagonal([1] * d), b - first, units, grids)
    parts = [(w, whiten(law, j, D, beta)[1], grid) for j, (w, grid) in enumerate(zip(law.weights, grids, strict=True))]
    if name == "expected_logsumexp":
        return sum((log_mean(part, grid) * w for w, part, grid in parts), arb(base))
    constant = (0,) * beta.nrows()
    return sum(
        (arb_mat([[x] for x in component_moments(part, grid)[constant]]) * w for w, part, grid in parts), arb_mat(K, 1)
    )


def _price(grids: Grids, K: int) -> int:
    """Return the work of the integrals: half of all for adaptive ones and balls, a third for the largest lattices."""
    if not all(isinstance(grid, list) for grid in grids):
        return MAX_WORK // 2
    nodes = sum(math.prod(len(axis.steps) for axis in grid) for grid in grids if isinstance(grid, list))
    return nodes * K * max(ctx.prec, 128) * MAX_WORK // (3 * integrals.MAX_WORK)
