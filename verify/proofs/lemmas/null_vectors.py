"""Lemmas about columns that a matrix maps to 0: when there are any, and what follows."""

from __future__ import annotations

from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Mat,
    conj,
    disj,
    eq,
    exists,
    eye,
    fresh,
    iff,
    num,
    tr,
    unit,
    zero,
)
from thmverify.proofs.lemmas.algebra import no_wider
from thmverify.proofs.lemmas.basic import refute, vanishes, vanishes_below
from thmverify.proofs.script import Line, Script


def square_positive(s: Script, nonzero: Line) -> Line:
    """0 < tr(YᵀY) from Y ≠ 0."""
    Y = _what(nonzero)
    claim = num(0) < tr(Y.T @ Y)

    def absurd(negated: Line) -> tuple[Line, Line]:
        return vanishes_below(s, Y, s.taut(claim.right <= 0, negated)), nonzero

    return refute(s, claim, absurd)


def nonzero_image(s: Script, nonzero: Line) -> Line:
    """∃y. Xy ≠ 0 from X ≠ 0: else each Xe_i is 0, and X = Σ_i Xe_i e_iᵀ."""
    whole = _what(nonzero)
    X = fresh(whole.sort, "X")
    supposed = s.assume(~eq(X, zero(X.rows, X.cols)))
    claim = exists(Col(X.cols), lambda y: ~eq(X @ y, zero(X.rows)))
    i = fresh(Index(X.cols), "i")

    def absurd(negated: Line) -> tuple[Line, Line]:
        none = eq(X @ unit(i), zero(X.rows))
        some = s.assume(~none)
        there = s.discharge(s.exhibit(claim, unit(i), some), some)
        columns = s.gen(s.taut(none, there, negated), i)
        turned = s.lin(eq(tr(X.T @ X), 0), [(s.apply("units", [], [X.T]), 1, eye(X.cols), X)], columns)
        return vanishes(s, X, turned), supposed

    law = s.gen(s.discharge(refute(s, claim, absurd), supposed), X)
    return s.mp(s.spec(law, whole), nonzero)


def wide_null(s: Script, B: Expr, left_inverse: Line, narrow: Line) -> Line:
    """∃b. b ≠ 0 ∧ Bᵀb = 0, from LB = I and m < d for B: d × m: b = (I − LᵀBᵀ)y, as LᵀBᵀ = I_d would ask for d ≤ m."""
    d, L = B.rows, Expr(left_inverse.left.term.args[0])
    apart = eye(d) - L.T @ B.T
    whole = s.assume(eq(apart, zero(d, d)))
    law = no_wider(s, L.T, B.T)
    wide = s.mp(law, s.lin(law.left, [(whole, -1, eye(d), eye(d))]))
    nonzero = s.taut(~whole.formula, s.discharge(wide, whole), narrow)
    return _null(s, B.T, apart, nonzero, left_inverse)


def singular_null(s: Script, P: Expr) -> Line:
    """(¬∃Q. PQ = I) ⟺ ∃v. v ≠ 0 ∧ Pv = 0, for a square P.

    With a rank factorisation P = FH, F⁺F = I and HH⁺ = I: either H⁺H = I, and then H⁺F⁺ is an inverse of P, or
    v = (I − H⁺H)y ≠ 0 for some y.
    """
    n, mark = P.rows, s.mark()
    invertible = exists(Mat(n, n), lambda Q: eq(P @ Q, eye(n)))
    singular = s.assume(~invertible)
    (_, _, F_left, H, H_right), facts = s.obtain(s.apply("factorisation", [], [P]), "ρ", "F", "F_left", "H", "H_right")
    product, left_inverse, right_inverse = s.parts(facts)
    apart = eye(n) - H_right @ H
    whole = s.assume(eq(apart, zero(n, n)))
    inverse = H_right @ F_left
    other = [(product, 1, inverse, eye(n)), (whole, 1, eye(n), eye(n)), (left_inverse, 1, H_right, H)]
    law = s.apply("inverse", [], [inverse, P])
    found = s.parts(s.mp(law, s.lin(law.left, other)))[0]
    there = s.discharge(s.exhibit(invertible, inverse, found), whole)
    nonzero = s.taut(~whole.formula, there, singular)
    null = s.discharge(s.release(_null(s, P, apart, nonzero, right_inverse, product), mark), singular)
    s.forget(mark)
    return s.taut(iff(singular.formula, null.right), null, _null_singular(s, P, invertible, null.right))


def _null_singular(s: Script, P: Expr, invertible: Expr, there: Expr) -> Line:
    """(∃v. v ≠ 0 ∧ Pv = 0) ⟹ ¬∃Q. PQ = I: then QP = I and v = QPv."""
    mark = s.mark()
    null, regular = s.assume(there), s.assume(invertible)
    (v,), facts = s.obtain(null, "v")
    nonzero, zero_image = s.parts(facts)
    (Q,), right_inverse = s.obtain(regular, "Q")
    back = s.parts(s.mp(s.apply("inverse", [], [P, Q]), right_inverse))[0]
    vanished = s.lin(eq(v, zero(v.rows)), [(back, 1, eye(v.rows), v), (zero_image, 1, Q, eye(1))])
    absurd = s.release(s.taut(disj(), vanished, nonzero), mark)
    s.forget(mark)
    return s.discharge(s.taut(~invertible, s.discharge(absurd, regular)), null)


def _null(s: Script, X: Expr, apart: Expr, nonzero: Line, *facts: Line) -> Line:
    """∃v. v ≠ 0 ∧ Xv = 0, from Y ≠ 0 where XY = 0 by these facts."""
    claim = exists(Col(X.cols), lambda v: conj(~eq(v, zero(X.cols)), eq(X @ v, zero(X.rows))))
    mark = s.mark()
    (y,), moved = s.obtain(nonzero_image(s, nonzero), "y")
    killed = s.calc(eq(X @ (apart @ y), zero(X.rows)), *facts)
    line = s.release(s.exhibit(claim, apart @ y, s.both(moved, killed)), mark)
    s.forget(mark)
    return line


def _what(nonzero: Line) -> Expr:
    """X, of a line X ≠ 0."""
    return Expr(nonzero.theorem.conclusion.args[0].args[0])
