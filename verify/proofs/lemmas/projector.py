"""The projector onto the span of columns u_k that is orthogonal in the inner product of a definite matrix N."""

from __future__ import annotations

from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Index,
    Mat,
    bind,
    conj,
    eq,
    exists,
    eye,
    forall,
    fresh,
    minv,
    total,
)
from thmverify.proofs.lemmas.algebra import basis_of, inverse
from thmverify.proofs.lemmas.basic import congruence
from thmverify.proofs.script import Line, Script


def projector(s: Script, columns: Expr, definite: Line) -> Line:
    """∃P, e. P = Σ_k u_k e_kᵀ ∧ (∀k. Pu_k = u_k) ∧ NP = PᵀN, from N ≻ 0: P = BJ⁻¹BᵀN, J = BᵀNB, B a basis."""
    N = s.parts(definite)[0].left
    count, d = Expr(columns.sort.args[0].args[0]), N.rows
    k = fresh(Index(count), "k")
    mark = s.mark()
    (_, B, _, _, c), facts = s.obtain(basis_of(s, columns), "m", "B", "B_left", "h", "c")
    recovers, spans, within = s.parts(facts)
    J = B.T @ N @ B
    _, back, turned = inverse(s, congruence(s, definite, B, recovers))
    P = B @ minv(J) @ B.T @ N
    symmetric = s.parts(definite)[0]

    def coefficient(k: Expr) -> Expr:
        return N @ B @ minv(J) @ c(k)

    body = total(count, lambda k: columns(k) @ coefficient(k).T)
    made = s.lin(eq(P, body), [(within, 1, eye(d), minv(J) @ B.T @ N)], symmetric, turned)
    keeps = s.lin(
        eq(P @ columns(k), columns(k)), [(s.spec(spans, k), 1, P, eye(1)), (s.spec(spans, k), 1, eye(d), eye(1))], back
    )
    mirror = s.calc(eq(N @ P, P.T @ N), symmetric, turned)

    def says(P: Expr, e: Expr) -> Expr:
        parts = (
            eq(P, total(count, lambda k: columns(k) @ e(k).T)),
            forall(Index(count), lambda k: eq(P @ columns(k), columns(k))),
        )
        return conj(*parts, eq(N @ P, P.T @ N))

    witness = bind("lam", k, coefficient(k))
    line = s.both(made, s.gen(keeps, k), mirror)
    line = s.exhibit(exists(Family(count, Col(d)), lambda e: says(P, e)), witness, line)
    line = s.exhibit(exists(Mat(d, d), lambda P: exists(Family(count, Col(d)), lambda e: says(P, e))), P, line)
    line = s.release(line, mark)
    s.forget(mark)
    return line
