"""Theorems of algebra for every number, size and matrix, each derived once: what no rule of the kernel needs to say.

Existence is said by functions of its own, so that witnesses can be computed for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from thmverify.kernel.proofs.terms import instantiate
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Index,
    Like,
    Mat,
    Real,
    Size,
    as_term,
    conj,
    eq,
    exists,
    exp,
    eye,
    fn,
    forall,
    fresh,
    log,
    minv,
    num,
    pd,
    psd,
    real,
    total,
    tr,
    unit,
    zero,
)
from thmverify.proofs.lemmas.basic import (
    by_cases,
    exp_positive,
    log_exp,
    sandwich,
    square_norm,
    vanishes_below,
    weaken,
)
from thmverify.proofs.script import Line, Script

# -- what exists ------------------------------------------------------------------------------------------------------


def square_root_exists(a: Expr) -> Expr:
    """∃b. 0 ≤ b ∧ b·b = a."""
    return exists(Real, lambda b: conj(num(0) <= b, eq(b * b, a)))


def factor_exists(X: Expr) -> Expr:
    """∃Ω. X = ΩΩᵀ, Ω as large as X."""
    return exists(X.sort, lambda W: eq(X, W @ W.T))


def basis_exists(u: Expr) -> Expr:
    """∃m, B: d × m, B⁺, h, c. B⁺B = I ∧ (∀k. u_k = Bh_k) ∧ B = Σ_k u_k c_kᵀ, for columns u_k."""
    index, column = u.sort.args
    n, d = Expr(index.args[0]), Expr(column.args[0])

    def says(B: Expr, left: Expr, h: Expr, c: Expr) -> Expr:
        spans = forall(Index(n), lambda k: eq(u(k), B @ h(k)))
        return conj(eq(left @ B, eye(B.cols)), spans, eq(B, total(n, lambda k: u(k) @ c(k).T)))

    def of(m: Expr) -> Expr:
        weights = Family(n, Col(m))
        return exists(
            Mat(d, m),
            lambda B: exists(
                Mat(m, d), lambda left: exists(weights, lambda h: exists(weights, lambda c: says(B, left, h, c)))
            ),
        )

    return exists(Size, of)


def exhibited(s: Script, existence: Expr, witnesses: Sequence[Like], line: Line) -> Line:
    """∃x, y, …. φ from φ at witnesses, the first for the outermost."""
    stages = [existence]
    for w in witnesses:
        stages.append(Expr(instantiate(stages[-1].term.args[1], as_term(w))))
    for formula, w in zip(reversed(stages[:-1]), reversed(witnesses), strict=True):
        line = s.exhibit(formula, w, line)
    return line


# -- theorems ---------------------------------------------------------------------------------------------------------


def square_root(s: Script) -> Line:
    """∀a. 0 ≤ a ⟹ ∃b. 0 ≤ b ∧ b·b = a: exp(½ log a), or 0."""
    a = fresh(Real, "a")
    given, claim = s.assume(num(0) <= a), square_root_exists(a)

    def nothing(low: Line) -> Line:
        square = s.lin(eq(num(0) * num(0), a), [sandwich(s, given, low)])
        return s.exhibit(claim, num(0), s.both(s.calc(num(0) <= 0), square))

    def positive(high: Line) -> Line:
        b = exp(num("1/2") * log(a))
        square = s.lin(eq(b * b, a), [log_exp(s, high)])
        return s.exhibit(claim, b, s.both(weaken(s, exp_positive(s, b.left)), square))

    return s.gen(s.discharge(by_cases(s, a, 0, claim, nothing, positive), given), a)


def factor(s: Script) -> Line:
    """∀n, X. X ⪰ 0 ⟹ ∃Ω. X = ΩΩᵀ: X = U diag(λ) Uᵀ by the spectral theorem, λ_i = (Ue_i)ᵀXUe_i ≥ 0."""
    n = fresh(Size, "n")
    X, i = fresh(Mat(n, n), "X"), fresh(Index(n), "i")
    given = s.assume(psd(X))
    symmetric, nonnegative = s.parts(given)
    mark = s.mark()
    (U, values), line = s.obtain(s.mp(s.apply("spectral", [], [X]), symmetric), "U", "λ")
    orthonormal, _, is_X = s.parts(line)
    low = s.lin(num(0) <= values(i), [s.spec(nonnegative, U @ unit(i))], is_X, orthonormal)
    roots = s.gen(s.mp(s.known(square_root, values(i)), low), i)
    (f,), line = s.obtain(s.apply("choice", [[roots]]), "f")
    squares = s.gen(s.parts(s.spec(line, i))[1], i)
    W = total(n, lambda i: f(i) * (U @ unit(i) @ unit(i).T))
    found = s.exhibit(factor_exists(X), W, s.lin(eq(X, W @ W.T), [is_X], squares))
    found = s.release(found, mark)
    s.forget(mark)
    return s.gen(s.discharge(found, given), n, X)


def definite_inverse(s: Script) -> Line:
    """∀n, X. X ≻ 0 ⟹ XX⁻¹ = I ∧ X⁻¹X = I ∧ X⁻¹ = (X⁻¹)ᵀ.

    With a rank factorisation X = FH, F⁺F = I and HH⁺ = I: XP = 0 only for P = 0, so H⁺H = I and FF⁺ = I, and H⁺F⁺ is
    an inverse.
    """
    n = fresh(Size, "n")
    X, P, i, one = fresh(Mat(n, n), "X"), fresh(Mat(n, n), "P"), fresh(Index(n), "i"), eye(n)
    given = s.assume(pd(X))
    symmetric, strict = s.parts(given)
    flat = s.assume(eq(X @ P, zero(n, n)))
    v = P @ unit(i)
    low = s.lin(tr(v.T @ X @ v) <= 0, [(flat, 1, v.T, unit(i))])
    gone = s.gen(s.taut(eq(v, zero(n)), s.spec(strict, v), low), i)
    nothing = s.lin(eq(P, zero(n, n)), [(s.apply("units", [], [one]), 1, P, one)], gone)
    injective = s.gen(s.discharge(nothing, flat), P)
    mark = s.mark()
    (_, F, left, H, right), line = s.obtain(s.apply("factorisation", [], [X]), "ρ", "F", "F⁺", "H", "H⁺")
    is_X, independent, onto = s.parts(line)

    def whole(P: Expr, *facts: Line) -> Line:
        """I − P = 0, since X(I − P) = 0 by the facts."""
        return s.mp(s.spec(injective, one - P), s.calc(eq(X @ (one - P), zero(n, n)), *facts))

    rows = s.lin(eq(right @ H, one), [whole(right @ H, is_X, onto)])
    turned = s.lin(eq(X, H.T @ F.T), [symmetric, s.calc(eq(X.T, H.T @ F.T), is_X)])
    columns = s.lin(eq(left.T @ F.T, one), [whole(left.T @ F.T, turned, independent)])
    Y = right @ left
    product = s.calc(eq(X @ Y, one), is_X, onto, columns)
    _, is_inverse = s.parts(s.mp(s.apply("inverse", [], [X, Y]), product))
    back = s.calc(eq(Y @ X, one), is_X, independent, rows)
    other = s.calc(eq(Y.T @ X, one), turned, columns, onto)  # YᵀX = (XY)ᵀ
    alike = s.lin(eq(Y, Y.T), [(other, 1, one, Y), (product, 1, Y.T, one)])
    found = s.both(
        s.lin(eq(X @ minv(X), one), [(is_inverse, 1, X, one), product]),
        s.lin(eq(minv(X) @ X, one), [(is_inverse, 1, one, X), back]),
        s.lin(eq(minv(X), minv(X).T), [is_inverse, alike, s.calc(eq(minv(X).T, Y.T), is_inverse)]),
    )
    found = s.release(found, mark)
    s.forget(mark)
    return s.gen(s.discharge(found, given), n, X)


def basis(s: Script) -> Line:
    """∀d, n, u. the columns u_k have a basis of their span: the F of a rank factorisation Σ_k u_k e_kᵀ = FH."""
    d, n = fresh(Size, "d"), fresh(Size, "n")
    u, k = fresh(Family(n, Col(d)), "u"), fresh(Index(n), "k")
    U = total(n, lambda k: u(k) @ unit(k).T)
    mark = s.mark()
    (m, F, left, H, right), line = s.obtain(s.apply("factorisation", [], [U]), "ρ", "F", "F⁺", "H", "H⁺")
    is_U, independent, onto = s.parts(line)
    h, c = fn(Index(n), lambda k: H @ unit(k)), fn(Index(n), lambda k: right.T @ unit(k))
    spans = s.gen(s.lin(eq(u(k), F @ h(k)), [(is_U, 1, eye(d), unit(k))]), k)
    within = s.lin(eq(F, total(n, lambda k: u(k) @ c(k).T)), [(is_U, 1, eye(d), right)], onto)
    found = exhibited(s, basis_exists(u), (m, F, left, h, c), s.both(independent, spans, within))
    found = s.release(found, mark)
    s.forget(mark)
    return s.gen(found, d, n, u)


def dimension(s: Script) -> Line:
    """∀m, n, X, Y. XY = I_m ⟹ m ≤ n, X: m × n: 0 ≤ ‖I − Xᵀ(XXᵀ)⁻¹X‖² = n − m."""
    m, n = fresh(Size, "m"), fresh(Size, "n")
    X, Y, v = fresh(Mat(m, n), "X"), fresh(Mat(n, m), "Y"), fresh(Col(m), "v")
    given, nonzero = s.assume(eq(X @ Y, eye(m))), s.assume(~eq(v, zero(m)))
    low = s.assume(tr(v.T @ X @ X.T @ v) <= 0)
    back = s.calc(eq(Y.T @ X.T, eye(m)), given)
    gone = s.lin(eq(v, zero(m)), [(back, 1, eye(m), v), (vanishes_below(s, X.T @ v, low), 1, Y.T, eye(1))])
    strict = s.taut(~low.formula, s.discharge(gone, low), nonzero)
    W = X @ X.T
    whole = s.gen(s.discharge(strict, nonzero), v)
    one, _, symmetric = inverse(s, s.both(s.calc(eq(W, W.T)), whole))
    apart = eye(n) - X.T @ minv(W) @ X
    found = s.lin(real(m) <= real(n), [square_norm(s, apart)], one, symmetric)
    return s.gen(s.discharge(found, given), m, n, X, Y)


# -- what scripts take from them --------------------------------------------------------------------------------------


def inverse(s: Script, definite: Line) -> tuple[Line, Line, Line]:
    """XX⁻¹ = I, X⁻¹X = I and X⁻¹ = (X⁻¹)ᵀ from X ≻ 0."""
    X = s.parts(definite)[0].left
    a, b, c = s.parts(s.mp(s.known(definite_inverse, X.rows, X), definite))
    return a, b, c


def root(s: Script, semidefinite: Line, name: str) -> tuple[Expr, Line]:
    """Ω with X = ΩΩᵀ, from X ⪰ 0."""
    X = s.parts(semidefinite)[0].left
    (W,), line = s.obtain(s.mp(s.known(factor, X.rows, X), semidefinite), name)
    return W, line


def basis_of(s: Script, u: Expr) -> Line:
    """`basis_exists` for a family u of columns."""
    index, column = u.sort.args
    return s.known(basis, column.args[0], index.args[0], u)


def no_wider(s: Script, X: Expr, Y: Expr) -> Line:
    """XY = I_m ⟹ m ≤ n, for X: m × n."""
    return s.known(dimension, X.rows, X.cols, X, Y)
