"""Theorems of algebra that no rule says: each is derived from the rules, for every number, size and matrix."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from thmverify.kernel.proofs.replay import replay
from thmverify.kernel.strict import Rejected
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Index,
    Mat,
    Real,
    Size,
    conj,
    eq,
    exists,
    eye,
    forall,
    fresh,
    iff,
    minv,
    num,
    pd,
    psd,
    real,
    total,
    tr,
    var,
    zero,
)
from thmverify.proofs.lemmas.algebra import basis, definite_inverse, dimension, factor, square_root
from thmverify.proofs.lemmas.basic import (
    antisymmetric,
    gram,
    sandwich,
    some_index,
    square_vanishes,
    squares,
    total_order,
)
from thmverify.proofs.lemmas.line import bias_drops_out, linear_forms, slope_across
from thmverify.proofs.script import Line, Script, derived

m, n = var("m", Size), var("n", Size)
a, b = var("a", Real), var("b", Real)
X, S = var("X", Mat(n, n)), var("S", Mat(n, n))
A, B = var("A", Mat(m, n)), var("B", Mat(n, m))
u = var("u", Family(n, Col(m)))
tau, delta, alpha, rho = (var(x, Real) for x in ("tau", "delta", "alpha", "rho"))
Sq, V, Bq, C, X0, Q, N2 = numbers = [var(x, Real) for x in ("Sq", "V", "Bq", "C", "X0", "Q", "N2")]


def spanned(k: Expr) -> Expr:
    weights = Family(n, Col(k))
    return exists(
        Mat(m, k),
        lambda P: exists(
            Mat(k, m),
            lambda Q: exists(
                weights,
                lambda h: exists(
                    weights,
                    lambda c: conj(
                        eq(Q @ P, eye(k)),
                        forall(Index(n), lambda l: eq(u(l), P @ h(l))),
                        eq(P, total(n, lambda l: u(l) @ c(l).T)),
                    ),
                ),
            ),
        ),
    )


FACTORS, SPECTRUM = {"rank factorisation"}, {"spectral theorem"}
TABLE: list[tuple[Callable[[Script], Line], list[Expr], Expr, set[str]]] = [
    (squares, [a], num(0) <= a * a, set()),
    (square_vanishes, [a], eq(a * a, 0) >> eq(a, 0), set()),
    (gram, [m, n, A], (num(0) <= tr(A.T @ A)) & (eq(tr(A.T @ A), 0) >> eq(A, zero(m, n))), set()),
    (antisymmetric, [a, b], (a <= b) >> ((b <= a) >> eq(a, b)), set()),
    (some_index, [n], iff(num(1) <= n, exists(Index(n), lambda k: eq(k, k))), set()),
    (square_root, [a], (num(0) <= a) >> exists(Real, lambda t: (num(0) <= t) & eq(t * t, a)), set()),
    (factor, [n, S], psd(S) >> exists(Mat(n, n), lambda W: eq(S, W @ W.T)), SPECTRUM),
    (
        definite_inverse,
        [n, S],
        pd(S) >> conj(eq(S @ minv(S), eye(n)), eq(minv(S) @ S, eye(n)), eq(minv(S), minv(S).T)),
        FACTORS,
    ),
    (basis, [m, n, u], exists(Size, spanned), FACTORS),
    (
        slope_across,
        [tau, delta, alpha, rho, *numbers],
        (num(0) < 2 * tau + Sq + V)
        >> (
            eq(rho * (2 * tau + Sq + V), X0 + tau * C)
            >> (
                eq(0, tau * tau + tau * Sq + tau * V + (1 - delta) * Sq + Bq)
                >> (
                    eq(0, alpha * ((tau + 2 * (1 - delta)) * Sq + 2 * Bq + tau * V) + (X0 + tau * C))
                    >> (
                        (num(0) <= (1 - delta) * N2 + Q + alpha * X0 + alpha * alpha * (Bq + (1 - delta) * Sq))
                        >> (num(0) <= (1 - delta) * N2 + Q + rho * rho - rho * C)
                    )
                )
            )
        ),
        set(),
    ),
    (dimension, [m, n, A, B], eq(A @ B, eye(m)) >> (real(m) <= real(n)), FACTORS),
]


@pytest.mark.parametrize(("theorem", "terms", "claim", "classical"), TABLE, ids=[row[0].__name__ for row in TABLE])
def test_a_theorem_says_what_it_should_from_nothing(theorem, terms, claim, classical):
    s = Script("derived")
    found = replay(s.qed(s.known(theorem, *terms), {}).trace)
    assert found.conclusion is claim.term
    assert set(found.classical) == classical
    assert s.known(theorem, *terms) is s.known(theorem, *terms)


@pytest.mark.parametrize("theorem", [bias_drops_out, linear_forms])
def test_the_normal_form_of_a_line_is_derived_from_nothing(theorem):
    s = Script("line")
    found = replay(s.qed(s.known(theorem), {}).trace)
    assert not found.classical
    assert not found.conclusion.free


def test_the_linear_forms_at_a_point():
    """At y = ½ with all P = ⅛ and all C = 1/16 they are numbers, which the conclusion gets right."""
    s = Script("point")
    line = s.known(linear_forms, num(1) / 2, *[num(1) / 8] * 6, *[num(1) / 16] * 3)
    values = [part.right for part in s.parts(line)]
    for value, number in zip(values, (0, 0, num(3) / 32, 0), strict=True):
        s.calc(eq(value, number))
        with pytest.raises(Rejected):
            s.calc(eq(value, number + 1))


@pytest.mark.parametrize("factor", [1, 3])
def test_a_wrong_constant_is_refused(factor):
    """α(2τ + S + V)τ = 2ρT is none of what stationarity says, nor is a slope with another multiple of ρC."""
    s = Script("wrong")
    terms = [tau, delta, alpha, rho, *numbers]
    line = s.known(slope_across, *terms)
    formula = line.formula
    lines = []
    for _ in range(5):
        lines.append(s.assume(formula.left))
        formula = formula.right
    right = s.mp(line, *lines)
    assert s.lin(formula, [right])
    with pytest.raises(Rejected):
        s.lin(num(0) <= formula.right - factor * rho * C, [right])


@pytest.mark.parametrize("theorem", [row[0] for row in TABLE], ids=[row[0].__name__ for row in TABLE])
def test_it_speaks_of_nothing_free(theorem):
    found = derived(theorem.__name__, theorem).theorem
    assert not found.conclusion.free | found.hypotheses | found.indices


def test_numbers_are_ordered():
    s = Script("order")
    assert replay(s.qed(total_order(s, a, b), {}).trace).conclusion is ((a <= b) | (b <= a)).term
    line = sandwich(s, s.assume(a <= b), s.assume(b <= a))
    found = replay(s.qed(line, {"low": a <= b, "high": b <= a}).trace)
    assert found.conclusion is eq(a, b).term


def test_names_that_are_made_up_go_on_where_they_were():
    """A theorem that is derived on the way makes up names of its own, and none of the script's a second time."""

    def reflexive(s: Script) -> Line:
        t = fresh(Real, "t")
        return s.gen(s.calc(eq(t, t)), t)

    s = Script("names")
    before = fresh(Real, "t")
    s.known(reflexive, before)
    assert fresh(Real, "t") not in (before, Expr(derived("reflexive", reflexive).script.lines[1][2][0]))
    assert s.known(reflexive) is s.take(derived("reflexive", reflexive))
