"""Derivations of what is false, each by a trick that must not work: a step is refused, or an index is missed."""

# ruff: noqa: PLW0108 (lambda k: u(k) reads like mathematics)

from __future__ import annotations

import json

import pytest

from thmverify.kernel.proofs.replay import replay
from thmverify.kernel.proofs.terms import make
from thmverify.kernel.strict import Rejected, canonical
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Fun,
    Index,
    Like,
    Mat,
    Real,
    Size,
    delta,
    eq,
    exists,
    exp,
    eye,
    fn,
    forall,
    fresh,
    lse,
    mean,
    nth,
    num,
    psd,
    real,
    softmax,
    total,
    tr,
    unit,
    var,
    zero,
)  # fmt: skip
from thmverify.proofs.lemmas.basic import gram, some_index
from thmverify.proofs.script import Line, Script

n, m, r = (var(x, Size) for x in "nmr")
a, b = var("a", Real), var("b", Real)
u = var("u", Family(n, Real))
X, S = var("X", Mat(n, n)), var("S", Mat(n, n))


def proved(s: Script, line: Line) -> None:
    """Replay the theorem, without hypotheses."""
    replay(json.loads(canonical(s.qed(line, {}).trace)))


def same(s: Script, i: Expr) -> Line:
    """I = i."""
    h = s.assume(eq(delta(i, i), 0))
    absurd = s.discharge(s.lin(num(1) <= 0, [(h, 1)]), h)
    return s.taut(eq(i, i), s.apply("kronecker", [], [i, i]), absurd, s.calc(num(0) < 1))


def from_nothing(s: Script, formula: Expr) -> Line:
    """∀i < 0. φ, for any φ."""
    i = fresh(Index(0))
    there = s.exhibit(exists(Index(0), lambda k: eq(k, k)), i, same(s, i))
    none = s.calc(~(num(1) <= real(Expr(make("lit", 0)))))
    return s.gen(s.taut(formula, s.known(some_index, make("lit", 0)), none, there), i)


def test_what_is_vacuous_is_proved():
    """The tricks below start from this, which is right."""
    s = Script("vacuous")
    proved(s, from_nothing(s, eq(num(0), 1)))


def an_index_of_an_index() -> tuple[Script, Line]:
    """1 ≤ n: i is chosen from what exists because of i."""
    s, i = Script("choose"), var("i", Index(n))
    there = s.exhibit(exists(Index(n), lambda k: eq(k, k)), i, same(s, i))
    positive = s.taut(num(1) <= n, s.known(some_index, n), there)
    return s, s.apply("choose", [[there, positive]], [i])


def a_template_that_forgets() -> tuple[Script, Line]:
    s, i, f = Script("rewrite"), fresh(Index(0)), fresh(Family(0, Real))
    return s, s.apply("rewrite", [[from_nothing(s, eq(num(0), 1)), s.calc(eq(0, 0))]], [f, eq(0, f(i))])


def a_multiplier_that_forgets() -> tuple[Script, Line]:
    s, i, w = Script("multiplier"), fresh(Index(0)), var("w", Family(0, Real))
    rules = [
        s.gen(s.taut(eq(w(i) * exp(x), y), s.spec(from_nothing(s, eq(w(i) * exp(x), y)), i)), i)
        for x, y in ((a, 0), (num(1), 1))
    ]
    h = s.assume(eq(exp(a), exp(1)))
    line = s.spec(s.gen(s.discharge(s.lin(eq(num(0), 1), [(h, w(i))], *rules), h), a), 1)
    return s, s.mp(line, s.calc(eq(exp(1), exp(1))))


def a_symmetry_of_nothing() -> tuple[Script, Line]:
    s = Script("symmetric")
    return s, s.calc(eq(X, X.T), from_nothing(s, eq(X, X.T)))


def a_covariance_of_nothing() -> tuple[Script, Line]:
    s = Script("definite")
    return s, s.calc(eq(mean(S, lambda x: tr(x.T @ x)), tr(S)), psd=[from_nothing(s, psd(S))])


def weights_of_nothing() -> tuple[Script, Line]:
    s = Script("positive")
    h = from_nothing(s, forall(Index(n), lambda k: u(k) > 0))
    f = fn(Real, lambda t: lse(n, lambda k: u(k), lambda k: t))
    return s, s.apply(
        "differentiate",
        [[], [h], []],
        [f, fn(Real, lambda t: total(n, lambda k: softmax(n, lambda y: u(y), lambda y: t, k)))],
    )


def none(s: Script, Y: Expr) -> Line:
    """Y = 0 for a matrix without entries."""
    return s.taut(eq(Y, zero(0, 0)), s.known(gram, Y.rows, Y.cols, Y), s.calc(eq(tr(Y.T @ Y), 0)))


def an_identity_of_another_size() -> tuple[Script, Line]:
    s = Script("sizes")
    return s, s.apply("arithmetic", [[none(s, eye(0))], [], [], []], [eq(eye(n), zero(n, n)), num(1), eye(0), eye(0)])


def a_scalar_of_no_matrix() -> tuple[Script, Line]:
    s = Script("scalar")
    return s, s.calc(eq(a, 0), none(s, a * eye(0)))


def fixed_points() -> tuple[Script, Line]:
    """Σ_i [i = f(i)] a_i is not a_f(i)."""
    s, f = Script("delta"), var("f", Fun(Index(n), Index(n)))

    def fixed(*factors: Expr) -> Expr:
        return total(
            n, lambda k: delta(k, f(k)) * (factors[0](k) if len(factors) == 1 else factors[0](k) * factors[1](k))
        )

    w = var("w", Family(n, Real))
    return s, s.calc(eq(fixed(u) * fixed(w), fixed(u, w)))


def an_index_captured_in_a_word() -> tuple[Script, Line]:
    s, mu, c, d = Script("word"), var("mu", Family(n, Col(m))), var("c", Col(r)), var("d", Col(r))
    h = s.assume(eq(tr(c.T @ d), total(n, lambda k: u(k))))
    return s, s.discharge(s.calc(eq(total(n, lambda k: mu(k) @ c.T) @ d, n * total(n, lambda k: u(k) * mu(k))), h), h)


def an_index_captured_in_a_value() -> tuple[Script, Line]:
    s, g = Script("value"), var("g", Fun(Real, Real))
    h, k = (var(x, Fun(Real, Index(n), Real)) for x in "hk")
    says = [s.assume(forall(Real, lambda t, f=f: eq(total(n, lambda i: f(t, i)), g(t)))) for f in (h, k)]
    line = s.calc(eq(total(n, lambda i: h(u(i), i)), total(n, lambda i: k(u(i), i))), *says)
    return s, s.discharge(line, *says)


def a_size_that_varies() -> tuple[Script, Line]:
    """Σ_{i < h(t)} 1 does not have the derivative 0."""
    s = Script("size")
    h = s.define("h", [a, n], n)
    D = s.apply(
        "differentiate",
        [[], [], []],
        [fn(Real, lambda t: total(h(t, n), lambda i: num(1))), fn(Real, lambda t: num(0))],
    )
    return s, D


def an_index_that_varies() -> tuple[Script, Line]:
    s, g, k = Script("index"), var("g", Fun(Real, Index(n))), fresh(Index(n))
    positive = s.gen(s.calc(num(1) > 0), k)
    f = fn(Real, lambda t: softmax(n, lambda y: num(1), lambda y: u(y), g(t)))
    return s, s.apply("differentiate", [[], [positive], []], [f, fn(Real, lambda t: num(0))])


def a_random_size() -> tuple[Script, Line]:
    s, x = Script("tame"), fresh(Col(1))
    h = s.define("h", [a, n], n)

    def body(y: Expr) -> Expr:
        return 1 + total(h(tr(y), n), lambda i: num(1))

    least = s.taut(num(0) <= h(tr(x), n), s.apply("sizes", [], [h(tr(x), n), h(tr(x), n)]))
    return s, s.apply("mean_order", [[s.gen(s.lin(num(1) <= body(x), [least]), x)], []], [eye(1)])


def a_size_by_two_names() -> tuple[Script, Line]:
    """A column of h(1 + 1) numbers is no column of h(2) numbers, though 1 + 1 = 2."""
    s, t = Script("sorts"), fresh(Real)
    h = s.define("h", [a, n], n)

    def column(x: Like) -> Expr:
        return var("x", Col(h(x, n)))

    one = num(1) + 1
    nil = s.assume(eq(column(one), zero(h(one, n), 1)))
    line = s.apply("rewrite", [[s.calc(eq(one, 2)), nil]], [t, eq(column(t), zero(h(t, n), 1))])
    return s, s.discharge(s.gen(line, column(num(2))), nil)


def a_size_that_is_bound() -> tuple[Script, Line]:
    """∀m. φ(x: m × 1) for one x."""
    s = Script("bound")
    line = s.calc(eq(var("x", Col(n)), var("x", Col(n))))
    return s, s.gen(line, n)


def a_sum_of_a_size_that_is_bound() -> tuple[Script, Line]:
    s, g = Script("lambda"), var("g", Fun(Fun(Size, Real), Real))
    f = var("f", Fun(Fun(Real, Real), Real))
    one = s.define("one", [n], total(n, lambda k: unit(k)))

    def entry(k: Expr, size: Expr) -> Expr:
        return f(fn(Real, lambda t: t * tr(unit(k).T @ one(size))))

    left = fn(Size, lambda k: real(k) * total(k, lambda i: entry(i, k) * entry(i, k)))
    right = fn(Size, lambda k: total(k, lambda i: entry(i, k)) * total(k, lambda i: entry(i, k)))
    return s, s.calc(eq(g(left), g(right)))


def a_derivative_at_another_point() -> tuple[Script, Line]:
    s, f = Script("one derivative"), fn(Real, lambda t: t * t)
    D = s.apply("differentiate", [[], [], []], [f, fn(Real, lambda t: 2 * t)])
    return s, s.apply("one_derivative", [[s.spec(D, 0), s.spec(D, 1)]], [])


def a_variable_of_a_hypothesis() -> tuple[Script, Line]:
    s = Script("generalise")
    h = s.assume(eq(a, 0))
    return s, s.discharge(s.gen(h, a), h)


def a_witness_for_all() -> tuple[Script, Line]:
    """∀x ∃y. y = x gives no y for all x."""
    s, y = Script("choose"), var("y", Real)
    there = s.gen(s.exhibit(exists(Real, lambda t: eq(t, a)), a, s.calc(eq(a, a))), a)
    h = s.assume(eq(y, a))
    line = s.gen(s.apply("choose", [[s.spec(there, a), h]], [y]), a)
    return s, line


def entries_of_a_unit() -> tuple[Script, Line]:
    s = Script("units")
    return s, s.calc(eq(delta(nth(0, 2), nth(1, 2)), 1))


TRICKS = [
    an_index_of_an_index,
    a_template_that_forgets,
    a_multiplier_that_forgets,
    a_symmetry_of_nothing,
    a_covariance_of_nothing,
    weights_of_nothing,
    an_identity_of_another_size,
    a_scalar_of_no_matrix,
    fixed_points,
    an_index_captured_in_a_word,
    an_index_captured_in_a_value,
    a_size_that_varies,
    an_index_that_varies,
    a_random_size,
    a_size_by_two_names,
    a_size_that_is_bound,
    a_sum_of_a_size_that_is_bound,
    a_derivative_at_another_point,
    a_variable_of_a_hypothesis,
    a_witness_for_all,
    entries_of_a_unit,
]


@pytest.mark.parametrize("trick", TRICKS)
def test_nothing_false_is_proved(trick):
    with pytest.raises(Rejected):
        proved(*trick())
