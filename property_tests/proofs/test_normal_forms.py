"""Normal forms keep the values of terms, with equations and without, and do not depend on how a term is written."""

# ruff: noqa: PLW0108 (lambda k: u(k) reads like mathematics)

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from property_tests.proofs.evaluate import Evaluator, Undecided
from property_tests.proofs.generate import DEFINITIONS, D, Equations, K, N, Terms
from property_tests.proofs.generate import num as number
from property_tests.proofs.rearrange import Rearranger
from thmverify.kernel.proofs.calculus import derivative
from thmverify.kernel.proofs.ring import Ring, semidefinite
from thmverify.kernel.proofs.tame import is_tame
from thmverify.kernel.proofs.tautology import follows
from thmverify.kernel.proofs.terms import ONE, PROP, REAL, Term, close, fun, index, make, mat
from thmverify.kernel.strict import Rejected
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Fun,
    Mat,
    Real,
    delta,
    eq,
    exp,
    eye,
    fn,
    forall,
    inv,
    log,
    lse,
    mean,
    moderate,
    num,
    total,
    tr,
    var,
    zero,
)

TWO = make("lit", 2)


def some(g: Terms, seed: int, depth: int) -> Term:
    """Return a number or a matrix, every other time with an index that is free."""
    if seed % 2:
        g.indices.append(g.variable("i0", index(N)))
    return g.real(depth) if seed % 3 else g.matrix(g.some_size(), g.some_size(), depth)


def covariances(g: Terms) -> list[Term]:
    return [semidefinite(g.variable("S", mat(p, p))) for p in g.sizes]


def agree(g: Terms, t: Term, u: Term, draws: int = 2) -> int:
    """Check that t and u have the same values at random values of their variables; return at how many."""
    checked = 0
    for seed in range(draws):
        try:
            values = g.values(seed)
            if any(v.sort.op == "Index" and not values(v.sort.args[0]) for v in g.free):
                continue  # no such index
            x, y = values(t), values(u)
        except Undecided:
            continue
        scale = 1 + np.max(np.abs(x), initial=0)
        assert np.allclose(x, y, rtol=1e-6, atol=1e-6 * scale), (t, u, x, y)
        checked += 1
    return checked


def closed(t: Term) -> bool:
    return not t.loose and all(v.op == "var" for v in t.free)


@pytest.mark.parametrize("block", range(6))
def test_values_are_kept(block):
    checked = 0
    for seed in range(200 * block, 200 * (block + 1)):
        g = Terms(seed)
        t = some(g, seed, 3 + seed % 3)
        ring = Ring(definite=covariances(g) if seed % 4 < 2 else [])
        found = ring.normal(t)
        assert closed(found)
        checked += agree(g, t, found)
    assert checked > 250


@pytest.mark.parametrize("block", range(8))
def test_values_are_kept_by_true_equations(block):
    checked = rewritten = 0
    for seed in range(100 * block, 100 * (block + 1)):
        g = Equations(seed)
        t = some(g, seed, 4)
        equations: list[Term] = []
        for k in np.random.default_rng(seed).permutation(len(g.found)):
            try:
                Ring([*equations, g.found[k]])
                equations.append(g.found[k])
            except Rejected:  # the left side is no monomial
                pass
        ring = Ring(equations, definite=covariances(g) if seed % 4 < 2 else [])
        found = ring.normal(t)
        assert closed(found)
        rewritten += ring._count > 0
        checked += agree(g, t, found)
    assert checked > 140
    assert rewritten > 25


def moderate_functions(g: Terms) -> list[Term]:
    """Plant functions of columns, and some of a family, in the terms to come; return that they are moderate."""
    found = []
    for p in g.sizes:
        column = mat(p, ONE)
        plain, family = g.variable("g", fun(column, REAL)), g.variable("h", fun(index(K), fun(column, REAL)))
        found.append(make("moderate", None, plain))
        i = make("bound", 0, index(K))
        found.append(make("all", None, index(K), make("moderate", None, make("ap", None, family, i))))

        def value(p: Term = p, plain: Term = plain, family: Term = family) -> Term:
            k = g.index(K)
            return make("ap", None, plain if k is None else make("ap", None, family, k), g.matrix(p, ONE, 1))

        g.planted.append((None, value))
    return found


def test_values_are_kept_where_functions_are_moderate():
    checked = split = 0
    for seed in range(400):
        g = Terms(seed)
        given = moderate_functions(g)
        t = g.mean(4)
        found = Ring(positive=given).normal(t)
        assert closed(found)
        split += found is not Ring().normal(t)
        checked += agree(g, t, found)
    assert (checked, split) > (400, 30)


def random_words(g: Terms, p: Term, x: Term) -> list[Callable[[], tuple[Term, ...]]]:
    """Return ways to draw a word with x in it once or twice."""
    row = make("T", None, x)
    return [
        lambda: (row, g.matrix(p, p, 1), x),
        lambda: (g.matrix(ONE, p, 1), x),
        lambda: (row, g.matrix(p, ONE, 1)),
        lambda: (g.matrix(p, p, 1), x, row),
        lambda: (g.matrix(p, p, 1), x, row, g.matrix(p, p, 0)),
    ]


def holds(t: Term, op: str) -> bool:
    return t.op == op or any(holds(a, op) for a in t.args)


def test_moments_are_those_of_the_covariance():
    checked = 0
    for seed in range(150):
        g = Terms(seed, means=False)
        p = (D, ONE, TWO)[seed % 3]
        S, one = g.variable("S", mat(p, p)), make("id", None, p)
        forms = (
            S,
            make("add", None, S, one),
            make("dot", None, S, make("T", None, S)),
            make("scale", None, number(2), S),
            one,
        )
        covariance, x = forms[seed % 5], make("var", "xi", mat(p, ONE))
        k = make("var", "kk", index(N))
        g.indices += [k] * (seed % 4 == 0)
        parts = [
            make("tr", None, make("dot", None, *g.pick(random_words(g, p, x)))) for _ in range(g.rng.integers(1, 4))
        ]
        t = make("mean", None, covariance, close(make("mul", None, *parts, g.real(1)), x))
        t = make("sum", None, N, close(t, k)) if seed % 4 == 0 else t
        found = Ring(definite=[semidefinite(covariance)]).normal(t)
        assert not holds(found, "mean")
        checked += agree(g, t, found)
    assert checked > 250


def test_one_normal_form_however_a_term_is_written():
    for seed in range(400):
        g = Terms(seed)
        t = some(g, seed, 4)
        u = Rearranger(seed)(t)
        if seed % 2:
            u = Rearranger(seed + 1)(u)
        ring = Ring(definite=covariances(g) if seed % 4 < 2 else [])
        assert ring.equal(t, u), (t, u, ring.normal(t), ring.normal(u))
        agree(g, t, u, 1)


def test_what_is_remembered_changes_no_normal_form(monkeypatch):
    """A ring that has read much, and one that has forgotten it, read a term as a new one does."""
    a, b = var("a", Real), var("b", Real)
    equations = [eq(a * b, a + 1).term]
    terms = [((a + b) * (a - k * b) * a * b).term for k in range(4)]
    fresh = [Ring(equations).poly(t) for t in terms]
    ring = Ring(equations)
    assert [ring.poly(t) for t in terms] == fresh
    assert ring._products
    assert ring._changed
    monkeypatch.setattr("thmverify.kernel.proofs.ring.MAX_STEPS", len(ring._products) - 1)
    ring.restart()
    assert not any((ring._memo, ring._products, ring._changed))
    monkeypatch.undo()
    assert [ring.poly(t) for t in reversed(terms)] == fresh[::-1]


def test_a_normal_form_is_its_own():
    for seed in range(600):
        g = Terms(seed)
        t = some(g, seed, 4)
        ring = Ring()
        assert ring.poly(ring.normal(t)) == ring.poly(t)


class ExponentialWeights:
    """What is given of the weights that are drawn, which are exponentials: they are positive."""

    def is_positive(self, size: Term, weights: Term) -> bool:
        return weights.op == "exp"

    def is_convex(self, function: Term) -> bool:
        return False

    def moderate(self, t: Term) -> Iterator[list[Term]]:
        return iter(())


def test_derivatives():
    checked = 0
    for seed in range(300):
        g = Terms(seed)
        s, plain = make("var", "s", REAL), g.variable
        g.variable = lambda name, sort, s=s, plain=plain: s if sort is REAL else plain(name, sort)  # type: ignore[method-assign]
        body = close(g.real(4), s)
        try:
            found = derivative(body, 0, ExponentialWeights())
        except Rejected:
            continue
        try:
            values, at, h = g.values(seed), 0.37, 1e-4
            f = [values(body, at + k * h) for k in (-2, -1, 1, 2)]
            slope = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h)
            assert values(found, at) == pytest.approx(slope, rel=1e-4, abs=1e-4 * (1 + abs(f[0])))
        except Undecided:
            continue
        checked += found is not number(0)
    assert checked > 30


def test_propositional_logic():
    names = [make("var", x, PROP) for x in "pqrs"]
    rng = np.random.default_rng(0)

    def formula(depth: int) -> Term:
        kind = int(rng.integers(6))
        if depth == 0 or kind == 5:
            return names[rng.integers(4)]
        if kind < 2:
            return make(("and", "or")[kind], None, *(formula(depth - 1) for _ in range(rng.integers(0, 4))))
        return (
            make("not", None, formula(depth - 1))
            if kind == 2
            else make(("imp", "iff")[kind - 3], None, formula(depth - 1), formula(depth - 1))
        )

    def value(t: Term, at: dict[Term, bool]) -> bool:
        parts = [value(a, at) for a in t.args] if t.op != "var" else []
        if t.op in ("var", "not"):
            return at[t] if t.op == "var" else not parts[0]
        if t.op in ("and", "or"):
            return all(parts) if t.op == "and" else any(parts)
        return (not parts[0] or parts[1]) if t.op == "imp" else parts[0] == parts[1]

    seen = [0, 0]
    for _ in range(1500):
        premises, conclusion = [formula(3) for _ in range(rng.integers(0, 3))], formula(3)
        lines = [dict(zip(names, at, strict=True)) for at in itertools.product((True, False), repeat=4)]
        wanted = all(value(conclusion, at) for at in lines if all(value(p, at) for p in premises))
        assert follows(premises, conclusion) is wanted
        seen[wanted] += 1
    assert min(seen) > 200


# -- what must not be, and what must ----------------------------------------------------------------------------------

n, k = Expr(N), Expr(K)
a, b = var("a", Real), var("b", Real)
i, j = var("i", index(N)), var("j", index(N))
u, w = var("u", Family(n, Real)), var("w", Family(n, Real))
f = var("f", Fun(index(N), index(N)))
X, Y, S = (var(x, Mat(n, n)) for x in "XYS")
v, z = var("v", Col(n)), var("z", Col(n))
mu = var("mu", Family(k, Col(n)))
g = var("g", Fun(Col(n), Real))


def square(t: Expr) -> Expr:
    return t * t


EQUAL = [
    (square(total(n, lambda y: u(y))), total(n, lambda y: total(n, lambda m: u(m) * u(y)))),
    (total(n, lambda y: delta(y, i) * u(y)), u(i)),
    (total(n, lambda y: total(n, lambda m: delta(y, m) * u(y) * w(m))), total(n, lambda y: u(y) * w(y))),
    (total(n, lambda y: delta(f(i), y) * u(y)), u(f(i))),
    (total(n, lambda y: num(3)), num(3) * n),
    (total(2, lambda y: num(3)), num(6)),
    (total(0, lambda y: a), num(0)),
    (tr(X @ v @ z.T), tr(z.T @ X @ v)),
    (v @ z.T @ z @ v.T, tr(z.T @ z) * (v @ v.T)),
    (tr(X @ Y.T), tr(Y @ X.T)),
    (tr(eye(n)), n * num(1)),
    (exp(a) * exp(-a), num(1)),
    (exp(total(n, lambda y: a)), exp(n * a)),
    (log(exp(a) * exp(b)), a + b),
    (inv(a * b), inv(a) * inv(b)),
    (inv(inv(a)), a),
    (inv(exp(a)), exp(-a)),
    (inv(-2 * a - 2 * b), num("-1/2") * inv(a + b)),
    (inv(num(0)), num(0)),
    (mean(S, lambda x: a + tr(v.T @ x)), a + mean(S, lambda x: tr(v.T @ x))),
    (mean(S, lambda x: a * exp(exp(tr(v.T @ x)))), a * mean(S, lambda x: exp(exp(tr(v.T @ x))))),
    (
        mean(S, lambda x: total(n, lambda y: u(y) * tr(v.T @ x))),
        total(n, lambda y: u(y)) * mean(S, lambda x: tr(v.T @ x)),
    ),
]
DIFFERENT = [
    (a * inv(a), num(1)),
    (log(a * b), log(a) + log(b)),
    (exp(log(a)), a),
    (log(2 * exp(a)), a),
    (inv(a + b), inv(a) + inv(b)),
    (tr(X @ Y), tr(X @ Y.T)),
    (tr(X @ Y @ S), tr(Y @ X @ S)),
    (X @ Y, Y @ X),
    (total(n, lambda y: delta(y, f(y)) * u(y)), u(i)),
    (square(total(n, lambda y: delta(y, f(y)))), total(n, lambda y: delta(y, f(y)))),
    (n * total(n, lambda y: square(u(y))), square(total(n, lambda y: u(y)))),
    (total(n, lambda y: u(y) * inv(n)), total(n, lambda y: u(y))),
    (total(n, lambda y: a), a),
    (exp(total(n, lambda y: u(y))), total(n, lambda y: exp(u(y)))),
    (delta(i, j), num(0)),
    (total(n, lambda y: inv(u(y))), inv(total(n, lambda y: u(y)))),
    # no mean: E is not linear
    (mean(S, lambda x: a + exp(tr(x.T @ x))), a + mean(S, lambda x: exp(tr(x.T @ x)))),
    (
        mean(S, lambda x: inv(tr(v.T @ x)) + tr(v.T @ x)),
        mean(S, lambda x: inv(tr(v.T @ x))) + mean(S, lambda x: tr(v.T @ x)),
    ),
    (
        mean(S, lambda x: total(n, lambda y: exp(u(y) * tr(x.T @ x)))),
        total(n, lambda y: mean(S, lambda x: exp(u(y) * tr(x.T @ x)))),
    ),
    # not known to be a covariance
    (mean(S, lambda x: tr(x.T @ x)), tr(S)),
    (mean(S, lambda x: tr(v.T @ x)), num(0)),
    (mean(S, lambda x: square(tr(v.T @ x))), square(mean(S, lambda x: tr(v.T @ x)))),
]


@pytest.mark.parametrize(
    ("left", "right", "wanted"), [*((*pair, True) for pair in EQUAL), *((*pair, False) for pair in DIFFERENT)]
)
def test_equal_or_not(left, right, wanted):
    assert Ring().equal(left.term, right.term) is wanted
    assert Ring().equal(right.term, left.term) is wanted


def test_rewriting_does_not_capture():
    """An index that an equation sums over is none of those around it."""
    c, d = var("c", Col(n)), var("d", Col(n))
    sums = eq(tr(c.T @ d), total(k, lambda y: var("q", Family(k, Real))(y)))
    t = total(k, lambda y: mu(y) @ c.T) @ d
    wanted = total(k, lambda y: var("q", Family(k, Real))(y)) * total(k, lambda y: mu(y))
    assert Ring([sums.term]).equal(t.term, wanted.term)
    assert not Ring([sums.term]).equal(t.term, (k * total(k, lambda y: var("q", Family(k, Real))(y) * mu(y))).term)


def test_a_sum_is_not_rewritten_at_what_depends_on_its_index():
    h, g = var("h", Fun(Real, index(N), Real)), var("g", Fun(Real, Real))
    says = forall(Real, lambda x: eq(total(n, lambda y: h(x, y)), g(x)))
    ring = Ring([says.term])
    assert ring.equal(total(n, lambda y: a * h(b, y)).term, (a * g(b)).term)
    t = total(n, lambda y: h(u(y), y)).term
    assert ring.normal(t) is Ring().normal(t)


@pytest.mark.parametrize("size", [Expr(N), Expr(make("lit", 0))])
def test_a_theorem_for_each_of_no_indices_says_nothing(size):
    none = index(size.term)
    assert not Ring([forall(none, lambda y: eq(X, X.T)).term]).equal(X.term, X.T.term)
    definite = make("all", None, none, semidefinite(S.term))
    assert not Ring(definite=[definite]).equal(mean(S, lambda x: tr(x.T @ x)).term, tr(S).term)
    positive = forall(none, lambda y: forall(index(N), lambda m: w(m) > 0))
    assert not Ring(positive=[positive.term]).is_positive(N, close(w(i).term, i.term))
    assert Ring(positive=[forall(index(N), lambda m: w(m) > 0).term]).is_positive(N, close(w(i).term, i.term))
    rough = forall(none, lambda y: moderate(g))
    assert not list(Ring(positive=[rough.term]).moderate(g(z).term))
    assert list(Ring(positive=[moderate(g).term]).moderate(g(z).term)) == [[z.term]]
    with pytest.raises(Rejected):
        assert not Ring([forall(none, lambda y: eq(X @ Y, zero(n, n))).term]).equal((X @ Y).term, zero(n, n).term)


def test_what_a_moderate_function_is_applied_to_is_told():
    """The column first, then what the theorem is for all of, in the order of its quantifiers from the inside."""
    h = var("h", Fun(Real, index(K), Col(n), Real))
    y = var("y", index(K))
    ring = Ring(positive=[forall(Real, lambda r: forall(index(K), lambda m: moderate(h(r, m)))).term])
    assert list(ring.moderate(h(a, y)(X @ z).term)) == [[(X @ z).term, y.term, a.term]]
    assert list(ring.moderate(h(a + b - a, y)(z).term)) == [[z.term, y.term, b.term]]
    assert not list(ring.moderate((h(a, y)(z) + 1).term))
    assert not list(ring.moderate(z.term))
    written = moderate(fn(Col(n), lambda t: 2 * g(t) - g(t)))
    assert list(Ring(positive=[written.term]).moderate((g(z) + a - a).term)) == [[z.term]]
    once, twice = (
        fn(Col(n), lambda t: tr(t.T @ X @ t)),
        Ring(positive=[moderate(fn(Col(n), lambda t: g(t) * g(t))).term]),
    )
    assert list(Ring(positive=[moderate(once).term]).moderate(tr(z.T @ X @ z).term)) == [[z.term]]
    assert not list(Ring(positive=[moderate(once).term]).moderate(tr(z.T @ X @ v).term))
    assert list(twice.moderate((g(z) * g(z)).term)) == [[z.term]]
    assert not list(twice.moderate((g(z) * g(v)).term))
    assert not list(Ring(positive=[forall(Real, lambda r: moderate(fn(Col(n), lambda _: r))).term]).moderate(a.term))


def test_a_theorem_is_of_continuous_functions_where_none_is_moderate():
    assert Ring(positive=[forall(index(N), lambda m: w(m) > 0).term]).is_continuous
    assert not Ring(positive=[moderate(g).term]).is_continuous


def test_moderate_functions_are_tame_at_columns_of_degree_one():
    given = Ring(
        positive=[
            moderate(g).term,
            moderate(fn(Col(n), lambda t: exp(square(g(t))))).term,
            forall(Real, lambda r: moderate(fn(Col(n), lambda t: exp(r * tr(v.T @ t)) * g(t)))).term,
        ]
    )
    xi, eta = (Expr(make("bound", m, Col(n))) for m in (0, 1))
    one, two, moved = frozenset({0}), frozenset({0, 1}), frozenset({1})
    s = Expr(make("bound", 1, REAL))
    for t, random, forbidden, wanted in (
        (g(xi), one, moved, True),
        (g(X @ xi + v), two, moved, True),
        (g(xi + eta), two, frozenset(), True),
        (g(xi + eta), one, frozenset(), True),
        (g(xi + eta), one, moved, False),
        (g(eta @ eta.T @ xi), one, frozenset(), True),
        (g(eta @ eta.T @ xi), two, frozenset(), False),
        (exp(s * tr(v.T @ xi)) * g(xi), one, moved, True),  # by its factors
        (exp(square(g(xi)) + s * tr(v.T @ xi)), one, moved, True),
        (exp(square(g(xi + eta)) + tr(v.T @ xi)), one, frozenset(), True),
        (exp(square(g(xi + eta)) + tr(v.T @ xi)), one, moved, False),
        (total(n, lambda y: u(y) * g(xi)), one, moved, True),
        (total(n, lambda y: u(y) * g(xi + eta)), one, moved, False),
        (mean(S, lambda x: g(x + xi)), one, moved, True),
        (mean(S, lambda x: g(x + xi + eta)), one, moved, False),
        (mean(S, lambda x: g(tr(x.T @ xi) * v)), one, moved, False),
        (lse(n, w, lambda y: g(xi)), one, moved, False),
        (g(g(xi) * v), one, moved, False),
    ):
        assert is_tame(t.term, random, given, forbidden) is wanted, t


def test_means_and_sums_over_sizes_that_are_bound_are_refused():
    m = make("bound", 0, N.sort)
    with pytest.raises(Rejected):
        Ring().poly(make("sum", None, m, number(1)))


def test_the_evaluator_knows_the_conventions():
    at = Evaluator({N: 2, a.term: 0.0}, DEFINITIONS)
    assert at(inv(a).term) == at(log(a).term) == at(log(a - 1).term) == 0
    assert at(total(0, lambda y: a + 1).term) == 0
    assert np.all(at(Expr(make("minv", None, zero(n, n).term)).term) == 0)
    assert at(mean(zero(n, n) - eye(n), lambda x: 3 + tr(x.T @ x)).term) == 3  # a point mass at 0
    assert at(mean(eye(n), lambda x: square(tr(x.T @ x))).term) == pytest.approx(8)
