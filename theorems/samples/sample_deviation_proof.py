"""Proof of sample-deviation: InfoNCE is strictly convex in M = AAᵀ, so that a small deviation moves M a little.

Let A minimise L, Â minimise L̂, M = AAᵀ, M̂ = ÂÂᵀ, D = M̂ − M and ρ² = tr(DΣDΣ). With r ≥ d columns ½(M + M̂) = XXᵀ for
some X, and 2L(X) + ¼ρ² ≤ L(A) + L(Â), L(A) ≤ L(X). So ¼ρ² ≤ L(Â) − L(A). As L̂(Â) ≤ L̂(A), that is at most what L̂ − L
differs by between the two, ερ; so ρ ≤ 4ε.

Col(A) ⊆ S_F gives MΣg = 0 where gᵀμ_k = 0 for all k. Then M̂Σg = DΣg, and gᵀΣM̂ΣM̂Σg = gᵀΣDΣDΣg ≤ ρ² gᵀΣg.
"""

from __future__ import annotations

from collections.abc import Sequence

from thmverify.formulas import mixtures as v
from thmverify.formulas.samples import (
    COLUMNS_ALL,
    LHAT,
    SAMPLE_MAP,
    TOLERANCE,
    deviates,
    gram_distance,
    minimises_sample,
)
from thmverify.proofs.expressions import Col, Expr, Index, eq, exists, eye, forall, fresh, num, tr, zero
from thmverify.proofs.lemmas.algebra import root
from thmverify.proofs.lemmas.basic import definition, square_nonnegative, square_norm, unfolded
from thmverify.proofs.lemmas.midpoint import Midpoint, closed_forms
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.remainder import submultiplicative
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.infonce import infonce_inclusion_proof as infonce_inclusion

HYPOTHESES = ("weights-positive", "weights-sum", "covariances-definite", "shared-covariance")


def between(s: Script, A: Expr, B: Expr, shares: Sequence[Line]) -> Line:
    """∃X. XXᵀ = aAAᵀ + bBBᵀ, from d ≤ r, and 0 ≤ a and 0 ≤ b, the two shares."""
    (a, b), x = (share.right for share in shares), fresh(Col(A.rows), "x")
    Y = a * (A @ A.T) + b * (B @ B.T)
    ends = zip(shares, (A, B), strict=True)
    squares = [s.apply("product", [[share, square_norm(s, Z.T @ x)]]) for share, Z in ends]
    low = s.gen(s.lin(num(0) <= tr(x.T @ Y @ x), squares), x)
    mark = s.mark()
    W, gram = root(s, s.both(s.calc(eq(Y, Y.T)), low), "Ω")
    (J,), rows = s.obtain(s.mp(s.apply("embedding", [], [A.rows, A.cols]), s.assume(COLUMNS_ALL)), "J")
    there = exists(A.sort, lambda X: eq(X @ X.T, Y))
    found = s.exhibit(there, W @ J, s.lin(eq(W @ J @ (W @ J).T, Y), [gram, (rows, 1, W, W.T)]))
    found = s.release(found, mark)
    s.forget(mark)
    return found


def near(s: Script, st: Setting, A: Expr, B: Expr, facts: list[Line]) -> Line:
    """tr(DΣDΣ) ≤ 16ε²."""
    best, least, deviation = facts
    halves = [s.calc(num(0) <= num("1/2"))] * 2
    middle = s.step("midpoint", "½(AAᵀ + ÂÂᵀ) is XXᵀ for some X of r columns, as r ≥ d.", between(s, B, A, halves))
    mark = s.mark()
    (X,), gram = s.obtain(middle, "X")
    path = Midpoint(st, closed_forms(st, A), B, A, X, gram)
    convex = s.step("convex", "L is strictly convex in XXᵀ: 2L(X) + ¼ tr(DΣDΣ) ≤ L(A) + L(Â).", path.below())
    optimal = s.spec(unfolded(s, best), X)
    (length,), says = s.obtain(unfolded(s, deviation), "ρ")
    _, square, within = s.parts(says)
    known = [convex, optimal, s.spec(unfolded(s, least), A), within]
    distance = definition(s, gram_distance(st.mix, B, A))
    eps = TOLERANCE
    low = s.lin(length * length <= 4 * eps * length, [*known, square, distance])
    s.step("gap", "L(A) ≤ L(X) and L̂(Â) ≤ L̂(A), so ¼ρ² ≤ L(Â) − L(A) ≤ ερ.", low)
    apart = square_nonnegative(s, length - 4 * eps)
    found = s.lin(gram_distance(st.mix, B, A) <= 16 * eps * eps, [apart, (low, 2), square])
    found = s.release(found, mark)
    s.forget(mark)
    return s.step("near", "So ‖ÂÂᵀ − AAᵀ‖ = ρ ≤ 4ε.", found)


def seen(st: Setting, B: Expr, g: Expr) -> Expr:
    """The value gᵀΣM̂ΣM̂Σg."""
    S, M = st.mix.sigma_bar, B @ B.T
    return tr(g.T @ S @ M @ S @ M @ S @ g)


def leak(s: Script, st: Setting, A: Expr, B: Expr, inside: Line, close: Line) -> Line:
    """∀g. (∀k. gᵀμ_k = 0) ⟹ gᵀΣM̂ΣM̂Σg ≤ ρ² gᵀΣg, from a line tr(DΣDΣ) ≤ ρ²."""
    S, g = st.mix.sigma_bar, fresh(Col(v.d), "g")
    across = s.assume(forall(Index(v.K), lambda k: eq(tr(g.T @ v.mu(k)), 0)))
    mark = s.mark()
    _, spanned = s.obtain(unfolded(s, inside), "c")
    known = (*st.sigma_inverse, across)
    gone = s.lin(eq(g.T @ S @ A, zero(1, v.r)), [(spanned, 1, g.T @ S, eye(v.r))], *known)
    gone = s.release(gone, mark)
    s.forget(mark)
    s.step("flat", "Col(A) ⊆ S_F (Theorem 5.2, first half), so gᵀΣA = 0 where gᵀμ_k = 0 for all k.", gone)
    D = B @ B.T - A @ A.T
    Lam, gram = root(s, st.sigma_psd, "Λ")
    rules = (s.flip(gram), st.sigma_symmetric)
    small = submultiplicative(s, Lam.T @ D @ Lam, Lam.T @ g)
    size = s.lin(num(0) <= tr(g.T @ S @ g), [square_norm(s, Lam.T @ g)], *rules)
    room = s.apply("product", [[close, size]])
    bound = close.right * tr(g.T @ S @ g)
    distance = (definition(s, gram_distance(st.mix, B, A)), tr(g.T @ S @ g))
    moved = s.lin(tr(g.T @ S @ D @ S @ D @ S @ g) <= bound, [small, room, distance], *rules)
    moved = s.release(moved, mark)
    s.forget(mark)
    found = s.lin(seen(st, B, g) <= bound, [moved], gone, st.sigma_symmetric)
    return s.gen(s.discharge(found, across), g)


def deviation(s: Script) -> Line:
    """What a deviation of ε does: ‖ÂÂᵀ − AAᵀ‖ ≤ 4ε, and what Â has across S_F."""
    st = Setting(s)
    A, B = v.A, SAMPLE_MAP
    given = [
        st.mix.minimises_infonce(A),
        minimises_sample(st.mix, LHAT, B),
        deviates(st.mix, LHAT, B, A, TOLERANCE),
    ]
    facts = [s.assume(formula) for formula in given]
    close = near(s, st, A, B, facts)
    included = s.parts(s.cite("infonce-inclusion", infonce_inclusion.inclusion))[0]
    across = leak(s, st, A, B, s.mp(included, facts[0]), close)
    across = s.step("leak", "Then M̂Σg = DΣg, and gᵀΣM̂ΣM̂Σg ≤ ρ² gᵀΣg ≤ 16ε² gᵀΣg.", across)
    return s.discharge(s.both(close, across), *facts)


def prove() -> Proposal:
    """sample-deviation."""
    s = Script("sample-deviation")
    hypotheses = {**{name: v.HYPOTHESES[name] for name in HYPOTHESES}, "columns-all": COLUMNS_ALL}
    return s.qed(deviation(s), hypotheses)
