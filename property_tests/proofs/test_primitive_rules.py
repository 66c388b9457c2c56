"""Each primitive rule concludes what it should, and refuses each premise or term that breaks one of its conditions."""

# ruff: noqa: E501, PLW0108 (tables; and lambda k: u(k) reads like mathematics)

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from property_tests.proofs import evaluate
from property_tests.proofs.evaluate import Evaluator
from thmverify.kernel.proofs.rules import RULES, Theorem, infer, top_part
from thmverify.kernel.proofs.terms import PROP, Term, instantiate, make
from thmverify.kernel.strict import Rejected
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Fun,
    Index,
    Mat,
    Real,
    Size,
    as_term,
    conj,
    delta,
    disj,
    eq,
    exists,
    exp,
    eye,
    fn,
    forall,
    has_derivative,
    iff,
    inv,
    log,
    lse,
    mean,
    minv,
    moderate,
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

n, m, r = (var(x, Size) for x in "nmr")
a, b, c, s = (var(x, Real) for x in "abcs")
i, j = (var(x, Index(n)) for x in "ij")
k = var("k", Index(m))
u, w = (var(x, Family(n, Real)) for x in "uw")
X, Y, S = (var(x, Mat(n, n)) for x in "XYS")
A, B, F = var("A", Mat(m, n)), var("B", Mat(n, m)), var("F", Mat(n, r))
v, x = var("v", Col(n)), var("x", Col(n))
mu = var("mu", Family(n, Col(m)))
f, h = var("f", Fun(Real, Real)), var("h", Fun(Real, Index(n)))
p, q = Expr(make("var", "p", PROP)), Expr(make("var", "q", PROP))
POSITIVE = forall(Index(n), lambda k: w(k) > 0)
SHIFT = var("shift", Fun(Col(n), Real))
BENT = var("bent", Family(m, Fun(Col(n), Real)))
ROUGH, WILD = (var(name, Fun(Col(n), Real)) for name in ("rough", "wild"))
PAIR = var("pair", Fun(Col(n), Col(n), Real))
MOVED = var("moved", Fun(Real, Col(n), Real))
MODERATE = moderate(ROUGH)
STEEP = moderate(fn(Col(n), lambda t: exp(ROUGH(t))))


def convex(function: Expr) -> Expr:
    """A tangent from below at each column, and at most polynomial growth."""
    tangent = forall(
        Col(n),
        lambda y: exists(Col(n), lambda g: forall(Col(n), lambda z: function(y) + tr(g.T @ (z - y)) <= function(z))),
    )
    grows = exists(
        Real, lambda t: forall(Col(n), lambda z: function(z) <= exp(t * (num(1) + log(num(1) + tr(z.T @ z)))))
    )
    return conj(tangent, grows)


@dataclass
class Case:
    """Premises in groups, terms, and what is concluded: a formula, or nothing."""

    groups: list[list[Any]]
    terms: list[Any]
    wanted: Expr | None = None
    hypotheses: list[Expr] = field(default_factory=list)

    def run(self, rule: str) -> Theorem:
        groups = [[t if isinstance(t, Theorem) else theorem(t) for t in g] for g in self.groups]
        return infer(rule, groups, [as_term(t) for t in self.terms])


def theorem(formula: Expr, *hypotheses: Expr, indices: tuple[Expr, ...] = ()) -> Theorem:
    """Return Γ ⊢ φ, as if it had been derived."""
    found = infer("assume", [], [formula.term])
    more = frozenset(t.term for t in indices)
    return Theorem(frozenset(t.term for t in hypotheses), formula.term, found.indices | more, frozenset())


def refused(groups: list[list[Any]], *terms: Any) -> Case:
    return Case(groups, list(terms))


def loose(sort: Term, depth: int = 0) -> Expr:
    return Expr(make("bound", depth, sort))


def square(Z: Expr) -> Expr:
    return tr(Z.T @ Z)


def norm(t: Expr) -> Expr:
    return mean(S, lambda xi: t * tr(xi.T @ xi))


def spectrum(Z: Expr, U: Expr, value: Callable[[Expr], Expr]) -> Expr:
    return eq(Z, total(n, lambda k: value(k) * (U @ unit(k) @ unit(k).T @ U.T)))


def orthogonal(U: Expr) -> Expr:
    return eq(U.T @ U, eye(n)) & eq(U @ U.T, eye(n))


def top(Z: Expr, rank: Expr, part: Expr) -> Expr:
    def says(U: Expr, values: Expr, chosen: Expr) -> Expr:
        count = total(n, lambda k: chosen(k))
        return conj(
            orthogonal(U),
            spectrum(Z, U, lambda k: values(k)),
            spectrum(part, U, lambda k: chosen(k) * values(k)),
            forall(Index(n), lambda k: eq(chosen(k), 0) | eq(chosen(k), 1)),
            count <= rank,
            forall(Index(n), lambda k: eq(chosen(k), 1) >> (num(0) <= values(k))),
            forall(
                Index(n),
                lambda k: forall(Index(n), lambda y: (eq(chosen(k), 1) & eq(chosen(y), 0)) >> (values(y) <= values(k))),
            ),
            eq(count, rank) | forall(Index(n), lambda k: eq(chosen(k), 0) >> (values(k) <= 0)),
        )

    return exists(
        Mat(n, n), lambda U: exists(Family(n, Real), lambda d: exists(Family(n, Real), lambda e: says(U, d, e)))
    )


TABLE: dict[str, list[Case]] = {
    "assume": [
        Case([], [a <= b], a <= b, [a <= b]),
        refused([], a),
        refused([], make("le", None, loose(Real).term, num(0).term)),
        refused([], a <= b, a <= b),
    ],
    "discharge": [
        Case([[theorem(p, q)]], [q], q >> p),
        Case([[theorem(p, q)]], [a <= b], (a <= b) >> p, [q]),
        refused([[theorem(p, q)]], a),
        refused([[theorem(p), theorem(q)]], q),
    ],
    "tautology": [
        Case([[p >> q, ~q]], [~p], ~p),
        Case([[]], [p | ~p], p | ~p),
        Case([[]], [conj()], conj()),
        Case([[iff(p, q), disj()]], [a <= b], a <= b),
        refused([[p >> q, q]], p),
        refused([[p | q]], p & q),
        refused([[iff(p, q)]], p),
        refused([[]], disj()),
        refused([[p]], a),
        refused([[forall(Real, lambda t: t <= 0)]], num(1) <= 0),
    ],
    "generalise": [
        Case([[a <= b]], [a], forall(Real, lambda t: t <= b)),
        Case([[theorem(a <= b, c <= b)]], [a], forall(Real, lambda t: t <= b), [c <= b]),
        Case([[theorem(num(1) <= n, indices=(i,))]], [i], forall(Index(n), lambda k: num(1) <= n)),
        refused([[theorem(a <= b, a <= 0)]], a),
        refused([[eq(X, Y)]], n),  # the sort of X depends on n
        refused([[theorem(num(1) <= n, eq(X, Y))]], n),
        refused([[theorem(num(1) <= n, indices=(i,))]], n),
        refused([[theorem(num(1) <= n, indices=(h,))]], n),
        refused([[a <= b]], a + b),
    ],
    "specialise": [
        Case([[forall(Real, lambda t: t <= b)]], [a * a], a * a <= b),
        Case([[forall(Size, lambda k: num(0) <= k)]], [n], num(0) <= n),
        Case([[forall(Index(n), lambda k: forall(Real, lambda t: t <= u(k)))]], [i, b], b <= u(i)),
        refused([[forall(Real, lambda t: t <= b)]], X),
        refused([[forall(Index(n), lambda k: u(k) <= b)]], var("k", Index(m))),
        refused([[forall(Real, lambda t: t <= b)]], a, a),
        refused([[exists(Real, lambda t: t <= b)]], a),
        refused([[forall(Real, lambda t: t <= b)]], loose(Real)),
    ],
    "exhibit": [
        Case([[a * a <= b]], [exists(Real, lambda t: t * a <= b), a], exists(Real, lambda t: t * a <= b)),
        refused([[a * a <= b]], exists(Real, lambda t: t * a <= b), b),
        refused([[a * a <= b]], forall(Real, lambda t: t * a <= b), a),
        refused([[a * a <= b]], exists(Real, lambda t: t * a <= b), X),
    ],
    "choose": [
        Case([[exists(Real, lambda t: t <= b), theorem(p, c <= b)]], [c], p),
        Case([[exists(Real, lambda t: t <= b), theorem(p, c <= b, q)]], [c], p, [q]),
        refused([[exists(Real, lambda t: t <= b), theorem(c <= a, c <= b)]], c),
        refused([[exists(Real, lambda t: t <= b), theorem(p, c <= b, c <= a)]], c),
        refused([[exists(Real, lambda t: t <= c), theorem(p, c <= c)]], c),
        refused([[theorem(exists(Real, lambda t: t <= b), c <= a), theorem(p, c <= b)]], c),
        refused([[forall(Real, lambda t: t <= b), theorem(p, c <= b)]], c),
        refused([[exists(Size, lambda k: k <= b), theorem(p, c <= b)]], c),
        # what exists was derived from the index that is chosen
        refused([[theorem(exists(Index(n), lambda k: eq(k, k)), indices=(i,)), theorem(num(1) <= n, indices=(i,))]], i),
        # an index whose sort depends on the size that is chosen
        refused([[exists(Size, lambda k: num(1) <= k), theorem(p, num(1) <= n, indices=(i,))]], n),
    ],
    "rewrite": [
        Case([[eq(a, b), a * a <= a]], [c, c * a <= c], b * a <= b),
        Case([[iff(p, q), p & p]], [Expr(make("var", "g", PROP)), Expr(make("var", "g", PROP)) & p], q & p),
        Case(
            [[forall(Real, lambda t: eq(f(t), t * t)), forall(Real, lambda t: f(t) <= f(a))]],
            [var("g", Fun(Real, Real)), forall(Real, lambda t: var("g", Fun(Real, Real))(t) <= f(a))],
            forall(Real, lambda t: t * t <= f(a)),
        ),
        refused([[eq(a, b), a * a <= a]], c, c * c <= b),
        refused([[eq(a, b), b * b <= b]], c, c * c <= c),
        refused([[a <= b, a * a <= a]], c, c * c <= c),
        refused([[eq(a, b), a * a <= a]], X, eq(X, X)),
        refused([[eq(a, b), a * a <= a]], c + 0, c <= c),
    ],
    "arithmetic": [
        Case([[], [], [], []], [eq((a + b) * (a - b), a * a - b * b)], eq((a + b) * (a - b), a * a - b * b)),
        Case([[eq(a, b)], [], [], []], [eq(a * c, b * c), c], eq(a * c, b * c)),
        Case([[a <= b, b < c], [], [], []], [a < c, num(1), num(1)], a < c),
        Case([[a <= b], [], [], []], [a <= b + 1, num(1)], a <= b + 1),
        Case([[a <= b], [], [], []], [a < b + 1, num(1)], a < b + 1),
        Case([[eq(X @ Y, eye(n))], [], [], []], [eq(S @ X @ Y @ S, S @ S), num(1), S, S], eq(S @ X @ Y @ S, S @ S)),
        Case([[eq(X @ Y, eye(n))], [], [], []], [eq(tr(X @ Y), n), num(1), eye(n), eye(n)], eq(tr(X @ Y), n)),
        Case([[eq(a, 0)], [], [], []], [eq(a * X, zero(n, n)), X], eq(a * X, zero(n, n))),
        Case([[], [eq(X @ Y, eye(n))], [], []], [eq(S @ X @ Y @ S, S @ S)], eq(S @ X @ Y @ S, S @ S)),
        Case([[], [], [], [psd(S)]], [eq(norm(num(1)), tr(S))], eq(norm(num(1)), tr(S))),
        refused([[], [], [], []], eq(a * b, a)),
        refused([[], [], [], []], a <= b),
        refused([[], [], [], []], num(1) <= 0),
        refused([[], [], [], []], a < a),
        refused([[a <= b], [], [], []], a < b, num(1)),  # not strict
        refused([[a < b], [], [], []], a < a, num(0)),
        refused([[a <= b], [], [], []], b <= a, num(-1)),  # a negative factor
        refused([[a <= b], [], [], []], a * c <= b * c, c),  # a factor of unknown sign
        refused([[a <= b], [], [], []], eq(a, b), num(1)),  # an equation from a comparison
        refused([[eq(a, b)], [], [], []], eq(a, c), num(1)),
        refused([[eq(a, b)], [], [], []], eq(a, b), num(1), num(1)),  # a term is left over
        refused([[eq(a, b)], [], [], []], eq(a, b)),  # a factor is missing
        refused([[eq(eye(m), zero(m, m))], [], [], []], eq(eye(n), zero(n, n)), num(1), eye(m), eye(m)),  # of another size
        refused([[eq(a, 0)], [], [], []], eq(a * X, zero(n, n)), eye(m)),
        refused([[eq(X, Y)], [], [], []], eq(tr(A @ X @ A.T), tr(A @ Y @ A.T)), num(1), A, A),
        # means of sums: of a moderate function, and of whole powers of exp
        Case([[], [], [MODERATE], []], [eq(mean(S, lambda t: ROUGH(t) + a), mean(S, ROUGH) + a)], eq(mean(S, lambda t: ROUGH(t) + a), mean(S, ROUGH) + a)),
        Case(
            [[], [], [STEEP], []], [eq(mean(S, lambda t: exp(2 * ROUGH(t)) + a), mean(S, lambda t: exp(2 * ROUGH(t))) + a)],
            eq(mean(S, lambda t: exp(2 * ROUGH(t)) + a), mean(S, lambda t: exp(2 * ROUGH(t))) + a),
        ),
        Case(
            [[], [], [], []], [eq(mean(S, lambda t: exp(num("-1/2") * tr(v.T @ t)) + a), mean(S, lambda t: exp(num("-1/2") * tr(v.T @ t))) + a)],
            eq(mean(S, lambda t: exp(num("-1/2") * tr(v.T @ t)) + a), mean(S, lambda t: exp(num("-1/2") * tr(v.T @ t))) + a),
        ),
        refused([[], [], [STEEP], []], eq(mean(S, lambda t: exp(-ROUGH(t)) + a), mean(S, lambda t: exp(-ROUGH(t))) + a)),
        refused([[], [], [STEEP], []], eq(mean(S, lambda t: exp(num("1/2") * ROUGH(t)) + a), mean(S, lambda t: exp(num("1/2") * ROUGH(t))) + a)),
        refused([[], [], [STEEP], []], eq(mean(S, lambda t: exp(-tr(t.T @ X @ t)) + a), mean(S, lambda t: exp(-tr(t.T @ X @ t))) + a)),
        refused([[], [], [moderate(WILD)], []], eq(mean(S, lambda t: ROUGH(t) + a), mean(S, ROUGH) + a)),
        refused([[], [MODERATE], [], []], eq(a, a)),  # no equation
        refused([[], [], [], [MODERATE]], eq(a, a)),  # no covariance
        refused([[], [], [~MODERATE], []], eq(a, a)),
        refused([[], [], [conj(MODERATE, MODERATE)], []], eq(a, a)),
        refused([[], [], [], []], eq(norm(num(1)), tr(S))),  # not known to be a covariance
        refused([[eq(i, j)], [], [], []], eq(u(i), u(j)), num(1)),
        refused([[], [], [], []], eq(i, j)),
        refused([[], [a <= b], [], []], eq(a, b)),
        refused([[], [eq(a + b, 0)], [], []], eq(a + b, 0)),  # not one monomial
        refused([[], [eq(a * eye(0), zero(0, 0))], [], []], eq(a, 0)),  # a·I is no letter
        refused([[], [eq(eye(n), zero(n, n))], [], []], eq(X, zero(n, n))),
    ],
    "product": [
        Case([[a <= b, b <= c]], [], num(0) <= (b - a) * (c - b)),
        Case([[a < b, b < c]], [], num(0) < (b - a) * (c - b)),
        Case([[a < b, b <= c]], [], num(0) <= (b - a) * (c - b)),
        refused([[eq(a, b), b <= c]]),
        refused([[a <= b]]),
    ],
    "sum_order": [
        Case([[forall(Index(n), lambda k: u(k) <= w(k))]], [], total(n, lambda k: u(k)) <= total(n, lambda k: w(k))),
        Case(
            [[forall(Index(n), lambda k: u(k) < w(k)), num(1) <= n]], [], total(n, lambda k: u(k)) < total(n, lambda k: w(k))
        ),
        refused([[forall(Index(n), lambda k: u(k) < w(k))]]),  # n may be 0
        refused([[forall(Index(n), lambda k: u(k) < w(k)), num(1) <= m]]),
        refused([[forall(Index(n), lambda k: u(k) < w(k)), num(0) <= n]]),
        refused([[forall(Real, lambda t: t <= a)]]),
        refused([[exists(Index(n), lambda k: u(k) <= w(k))]]),
        refused([[forall(Index(n), lambda k: eq(u(k), w(k)))]]),
    ],
    "mean_order": [
        Case(
            [[forall(Col(n), lambda t: num(0) <= tr(t.T @ t))], []], [S],
            mean(S, lambda t: num(0)) <= mean(S, lambda t: tr(t.T @ t)),
        ),
        Case(
            [[forall(Col(n), lambda t: num(0) < exp(tr(v.T @ t)))], []], [S],
            mean(S, lambda t: num(0)) < mean(S, lambda t: exp(tr(v.T @ t))),
        ),
        Case(
            [[forall(Col(n), lambda t: a <= lse(n, lambda k: w(k), lambda k: tr(t.T @ t)))], [POSITIVE]], [S],
            mean(S, lambda t: a) <= mean(S, lambda t: lse(n, lambda k: w(k), lambda k: tr(t.T @ t))),
        ),
        refused([[forall(Col(n), lambda t: a <= lse(n, lambda k: w(k), lambda k: tr(t.T @ t)))], []], S),  # weights ≤ 0
        refused([[forall(Col(n), lambda t: num(0) <= exp(tr(t.T @ t)))], []], S),  # no mean
        refused([[forall(Col(n), lambda t: num(0) <= SHIFT(t))], []], S),
        refused([[forall(Col(n), lambda t: num(0) <= inv(tr(t.T @ t)))], []], S),
        refused([[forall(Col(n), lambda t: num(0) <= log(tr(t.T @ t)))], []], S),
        refused([[forall(Col(n), lambda t: num(0) <= exp(exp(tr(v.T @ t))))], []], S),
        refused([[forall(Col(n), lambda t: num(0) <= exp(tr(v.T @ t) * tr(x.T @ t)))], []], S),
        refused([[forall(Col(m), lambda t: num(0) <= tr(t.T @ t))], []], S),
        refused([[num(0) <= tr(v.T @ v)], []], S),
        refused([[forall(Col(n), lambda t: num(0) <= tr(t.T @ t))], []], B),
        # a convex function of a column of polynomials, alone and of a family
        Case(
            [[forall(Col(n), lambda t: num(0) <= SHIFT(X @ t))], [convex(SHIFT)]], [S],
            mean(S, lambda t: num(0)) <= mean(S, lambda t: SHIFT(X @ t)),
        ),
        Case(
            [[forall(Col(n), lambda t: num(0) <= BENT(k)(tr(t.T @ t) * t))], [forall(Index(m), lambda l: convex(BENT(l)))]],
            [S], mean(S, lambda t: num(0)) <= mean(S, lambda t: BENT(k)(tr(t.T @ t) * t)),
        ),
        refused([[forall(Col(n), lambda t: num(0) <= SHIFT(t))], [convex(fn(Col(n), lambda z: tr(z.T @ z)))]], S),
        refused([[forall(Col(n), lambda t: num(0) <= BENT(k)(t))], [convex(BENT(var("l", Index(m))))]], S),
        refused([[forall(Col(n), lambda t: num(0) <= SHIFT(exp(tr(v.T @ t)) * t))], [convex(SHIFT)]], S),  # no polynomial
        refused([[forall(Col(n), lambda t: num(0) <= exp(SHIFT(t)))], [convex(SHIFT)]], S),
        refused([[forall(Col(n), lambda t: num(0) <= SHIFT(t))], [Expr(convex(SHIFT).term.args[0])]], S),  # may grow
        refused([[forall(Col(n), lambda t: num(0) <= SHIFT(t))], [Expr(convex(SHIFT).term.args[1])]], S),  # may be no Borel function
        refused([[forall(Col(n), lambda t: num(0) <= SHIFT(t))], [conj(*map(Expr, reversed(convex(SHIFT).term.args)))]], S),
        # a moderate function of a column of degree 1, alone and of a family
        Case(
            [[forall(Col(n), lambda t: num(0) < ROUGH(X @ t + v))], [MODERATE]], [S],
            mean(S, lambda t: num(0)) < mean(S, lambda t: ROUGH(X @ t + v)),
        ),
        Case(
            [[forall(Col(n), lambda t: num(0) <= BENT(k)(t) * exp(tr(v.T @ t)))], [forall(Index(m), lambda l: moderate(BENT(l)))]],
            [S], mean(S, lambda t: num(0)) <= mean(S, lambda t: BENT(k)(t) * exp(tr(v.T @ t))),
        ),
        Case(
            [[forall(Col(n), lambda t: num(0) <= exp(ROUGH(t) + tr(v.T @ t)))], [STEEP]], [S],
            mean(S, lambda t: num(0)) <= mean(S, lambda t: exp(ROUGH(t) + tr(v.T @ t))),
        ),
        refused([[forall(Col(n), lambda t: num(0) <= exp(ROUGH(t) + tr(v.T @ t)))], [MODERATE]], S),
        refused([[forall(Col(n), lambda t: num(0) <= exp(ROUGH(t) + WILD(t)))], [STEEP]], S),
        refused([[forall(Col(n), lambda t: num(0) <= exp(ROUGH(t) + tr(t.T @ t)))], [STEEP]], S),
        refused([[forall(Col(n), lambda t: num(0) <= ROUGH(tr(t.T @ t) * v))], [MODERATE]], S),
        refused([[forall(Col(n), lambda t: num(0) <= ROUGH(inv(tr(v.T @ t)) * v))], [MODERATE]], S),
        refused([[forall(Col(n), lambda t: num(0) <= mean(S, lambda z: ROUGH(t @ z.T @ v)))], [MODERATE]], S),
        refused([[forall(Col(n), lambda t: num(0) <= mean(tr(t.T @ t) * S, lambda z: ROUGH(z)))], [MODERATE]], S),
        refused([[forall(Col(n), lambda t: num(0) <= PAIR(t, v))], [forall(Col(n), lambda t: moderate(PAIR(t)))]], S),
        refused([[forall(Col(n), lambda t: num(0) <= PAIR(t, t))], [forall(Col(n), lambda t: moderate(PAIR(t)))]], S),
        refused([[forall(Col(n), lambda t: num(0) <= BENT(k)(t))], [moderate(BENT(var("l", Index(m))))]], S),
        refused([[forall(Col(n), lambda t: num(0) <= BENT(k)(t))], [forall(Index(m), lambda l: moderate(ROUGH))]], S),
        refused([[forall(Col(n), lambda t: num(0) <= ROUGH(t))], [exists(Index(m), lambda l: moderate(ROUGH))]], S),
        refused([[forall(Col(n), lambda t: num(0) <= ROUGH(t))], [~MODERATE]], S),
        # strictly, from strictly at a column of the support
        Case(
            [[forall(Col(n), lambda t: num(0) <= tr(t.T @ t)), num(0) < tr((S @ x).T @ (S @ x)), psd(S)], []], [S, x],
            mean(S, lambda t: num(0)) < mean(S, lambda t: tr(t.T @ t)),
        ),
        refused([[forall(Col(n), lambda t: num(0) <= tr(t.T @ t)), num(0) < tr(x.T @ x), psd(S)], []], S, x),
        refused([[forall(Col(n), lambda t: num(0) <= tr(t.T @ t)), num(0) < tr((S @ x).T @ (S @ x)), psd(S)], []], S, v),
        refused([[forall(Col(n), lambda t: num(0) <= tr(t.T @ t)), num(0) <= tr((S @ x).T @ (S @ x)), psd(S)], []], S, x),
        refused([[forall(Col(n), lambda t: num(0) <= tr(t.T @ t)), num(0) < tr((S @ x).T @ (S @ x)), eq(S, S.T)], []], S, x),
        refused([[forall(Col(n), lambda t: num(0) <= tr(t.T @ t)), num(0) < tr((S @ x).T @ (S @ x)), psd(X)], []], S, x),
        refused([[forall(Col(n), lambda t: num(0) <= tr(t.T @ t)), num(0) < tr((S @ x).T @ (S @ x))], []], S, x),
        refused([[forall(Col(n), lambda t: num(0) <= tr(t.T @ t)), num(0) < tr((S @ x).T @ (S @ x)), psd(S)], []], S),
        refused([[forall(Col(n), lambda t: num(0) <= tr(t.T @ t))], []], S, x),
        refused([[forall(Col(n), lambda t: num(0) <= exp(tr(t.T @ t))), num(0) < exp(tr((S @ x).T @ (S @ x))), psd(S)], []], S, x),
        Case(
            [[theorem(forall(Col(n), lambda t: num(0) <= SHIFT(t)), p), theorem(num(0) < SHIFT(S @ x), q), theorem(psd(S), a <= b)], [theorem(convex(SHIFT), b <= c)]],
            [S, x], mean(S, lambda t: num(0)) < mean(S, SHIFT), [p, q, a <= b, b <= c],
        ),
        refused([[forall(Col(n), lambda t: num(0) <= ROUGH(t)), num(0) < ROUGH(S @ x), psd(S)], [MODERATE]], S, x),  # may be 0 elsewhere
        Case(
            [[forall(Col(n), lambda t: num(0) <= SHIFT(t)), num(0) < SHIFT(S @ x), psd(S)], [convex(SHIFT)]], [S, x],
            mean(S, lambda t: num(0)) < mean(S, SHIFT),
        ),
    ],
    "reciprocal": [Case([], [a], ~eq(a, 0) >> eq(a * inv(a), 1)), refused([], X)],
    "inverse": [
        Case([], [X, Y], eq(X @ Y, eye(n)) >> (eq(Y @ X, eye(n)) & eq(minv(X), Y))),
        refused([], A, B),  # AB = I says nothing of BA
        refused([], a, b),
    ],
    "exponential": [Case([], [a], (num(1) + a <= exp(a)) & (num(0) < exp(a))), refused([], X)],
    "logarithm": [Case([], [a], (num(0) < a) >> eq(exp(log(a)), a)), refused([], X)],
    "softmax": [
        Case(
            [], [lse(n, lambda k: w(k), lambda k: u(k) * a)],
            eq(lse(n, lambda k: w(k), lambda k: u(k) * a), log(total(n, lambda k: w(k) * exp(u(k) * a)))),
        ),
        Case(
            [], [softmax(n, lambda k: w(k), lambda k: u(k), i)],
            eq(softmax(n, lambda k: w(k), lambda k: u(k), i), w(i) * exp(u(i)) * inv(total(n, lambda k: w(k) * exp(u(k))))),
        ),
        refused([], total(n, lambda k: w(k))),
    ],
    "choice": [
        Case(
            [[forall(Index(n), lambda k: exists(Real, lambda t: t <= u(k)))]], [],
            exists(Family(n, Real), lambda g: forall(Index(n), lambda k: g(k) <= u(k))),
        ),
        refused([[forall(Real, lambda k: exists(Real, lambda t: t <= k))]]),  # of infinitely many
        refused([[forall(Index(n), lambda k: exists(Size, lambda t: real(t) <= u(k)))]]),
        refused([[forall(Index(n), lambda k: forall(Real, lambda t: t <= u(k)))]]),
        refused([[exists(Index(n), lambda k: exists(Real, lambda t: t <= u(k)))]]),
    ],
    "units": [Case([], [A], eq(A, total(m, lambda k: unit(k) @ unit(k).T @ A))), refused([], a)],
    "kronecker": [
        Case([], [i, j], (eq(i, j) & eq(delta(i, j), 1)) | (~eq(i, j) & eq(delta(i, j), 0))),
        refused([], i, var("k", Index(m))),
        refused([], i),
    ],
    "sizes": [Case([], [m, n], (num(0) <= n) & ((real(m) <= n) | (real(n) + 1 <= m))), refused([], a, n), refused([], n)],
    "image": [
        Case(
            [[psd(S)]], [S, A, fn(Col(m), lambda t: exp(tr(t.T @ t)))],
            eq(mean(S, lambda t: exp(tr((A @ t).T @ (A @ t)))), mean(A @ S @ A.T, lambda t: exp(tr(t.T @ t)))),
        ),
        refused([[eq(S, S.T)]], S, A, fn(Col(m), lambda t: tr(t.T @ t))),  # N(S) is a point where S is not ⪰ 0
        refused([[psd(X)]], S, A, fn(Col(m), lambda t: tr(t.T @ t))),
        refused([[psd(S)]], S, B, fn(Col(n), lambda t: tr(t.T @ t))),
        refused([[psd(S)]], S, A, fn(Col(n), lambda t: tr(t.T @ t))),
        refused([[psd(S)]], S, A, var("g", Fun(Col(m), Real))),
    ],
    "split": [
        Case(
            [[psd(S), eq(A @ S @ X.T, zero(m, n))], []],
            [S, A, X, fn(Col(m), lambda t: fn(Col(n), lambda z: tr(t.T @ A @ z) * exp(tr(v.T @ z))))],
            eq(
                mean(S, lambda t: tr((A @ t).T @ A @ (X @ t)) * exp(tr(v.T @ (X @ t)))),
                mean(S, lambda t: mean(S, lambda z: tr((A @ t).T @ A @ (X @ z)) * exp(tr(v.T @ (X @ z))))),
            ),
        ),
        Case(
            [[psd(S), eq(A @ S @ X.T, zero(m, n))], [MODERATE]], [S, A, X, fn(Col(m), lambda t: fn(Col(n), lambda z: ROUGH(B @ t + z)))],
            eq(mean(S, lambda t: ROUGH(B @ (A @ t) + X @ t)), mean(S, lambda t: mean(S, lambda z: ROUGH(B @ (A @ t) + X @ z)))),
        ),
        refused([[psd(S), eq(A @ S @ X.T, zero(m, n))], []], S, A, X, fn(Col(m), lambda t: fn(Col(n), lambda z: ROUGH(B @ t + z)))),
        refused([[psd(S), eq(A @ S @ X.T, zero(m, n))], [MODERATE]], S, A, X, fn(Col(m), lambda t: fn(Col(n), lambda z: ROUGH(B @ t @ z.T @ z)))),
        refused(
            [[psd(S), eq(X @ S @ X.T, zero(n, n))], [forall(Col(n), lambda t: moderate(PAIR(t)))]], S, X, X, fn(Col(n), lambda t: fn(Col(n), lambda z: PAIR(t, z)))
        ),
        refused(
            [[psd(S), eq(X @ S @ A.T, zero(n, m))], []], S, A, X, fn(Col(m), lambda t: fn(Col(n), lambda z: tr(t.T @ A @ z)))
        ),
        refused([[psd(S), eq(A @ X.T, zero(m, n))], []], S, A, X, fn(Col(m), lambda t: fn(Col(n), lambda z: tr(t.T @ A @ z)))),
        refused(
            [[psd(X), eq(A @ S @ X.T, zero(m, n))], []], S, A, X, fn(Col(m), lambda t: fn(Col(n), lambda z: tr(t.T @ A @ z)))
        ),
        refused(
            [[psd(S), eq(A @ S @ X.T, zero(m, n))], []], S, A, X,
            fn(Col(m), lambda t: fn(Col(n), lambda z: exp(tr(t.T @ A @ z)))),
        ),
    ],
    "tilt": [
        Case(
            [[psd(S)]], [S, v, SHIFT],
            eq(mean(S, lambda t: exp(tr(v.T @ t)) * SHIFT(t)),
               exp(num("1/2") * tr(v.T @ S @ v)) * mean(S, lambda t: SHIFT(t + S @ v))),
        ),
        Case(  # any function, means or none
            [[psd(S)]], [S, v, fn(Col(n), lambda t: inv(tr(x.T @ t)) * exp(exp(tr(t.T @ t))))],
            eq(mean(S, lambda t: exp(tr(v.T @ t)) * (inv(tr(x.T @ t)) * exp(exp(tr(t.T @ t))))),
               exp(num("1/2") * tr(v.T @ S @ v)) * mean(
                   S, lambda t: inv(tr(x.T @ (t + S @ v))) * exp(exp(tr((t + S @ v).T @ (t + S @ v)))))),
        ),
        Case([[theorem(psd(S), p)]], [S, zero(n, 1), SHIFT], eq(
            mean(S, lambda t: exp(tr(zero(n, 1).T @ t)) * SHIFT(t)),
            exp(num("1/2") * tr(zero(n, 1).T @ S @ zero(n, 1))) * mean(S, lambda t: SHIFT(t + S @ zero(n, 1)))), [p]),
        refused([[eq(S, S.T)]], S, v, SHIFT),  # N(S) is a point where S is not ⪰ 0
        refused([[psd(X)]], S, v, SHIFT),
        refused([[psd(S)]], S, X, SHIFT),
        refused([[psd(S)]], S, var("v", Col(m)), SHIFT),
        refused([[psd(S)]], S, v, var("g", Fun(Col(m), Real))),
        refused([[psd(S)]], S, v, f),
        refused([[psd(S)]], S, v, fn(Col(n), lambda t: t)),
        refused([[psd(S)]], S, v, a),
        refused([[psd(S)]], S, v),
        refused([[]], S, v, SHIFT),
    ],
    "moderate": [
        # tame
        Case([[], []], [fn(Col(n), lambda t: tr(t.T @ t) * exp(tr(v.T @ t)))], moderate(fn(Col(n), lambda t: tr(t.T @ t) * exp(tr(v.T @ t))))),
        Case([[], [MODERATE]], [ROUGH], MODERATE),
        Case([[], [convex(SHIFT)]], [SHIFT], moderate(SHIFT)),
        Case([[], [MODERATE]], [fn(Col(m), lambda t: ROUGH(B @ t + v))], moderate(fn(Col(m), lambda t: ROUGH(B @ t + v)))),
        Case(
            [[], [MODERATE, POSITIVE]], [fn(Col(n), lambda t: mean(S, lambda z: lse(n, lambda k: w(k), lambda k: u(k) * tr(t.T @ z)) + ROUGH(t + z)))],
            moderate(fn(Col(n), lambda t: mean(S, lambda z: lse(n, lambda k: w(k), lambda k: u(k) * tr(t.T @ z)) + ROUGH(t + z)))),
        ),
        refused([[], []], ROUGH),
        refused([[], []], fn(Col(n), lambda t: exp(tr(t.T @ t)))),
        refused([[], []], fn(Col(n), lambda t: inv(tr(v.T @ t)))),
        refused([[], [moderate(WILD)]], ROUGH),
        refused([[], [MODERATE]], fn(Col(n), lambda t: exp(ROUGH(t)))),
        refused([[], [MODERATE]], fn(Col(n), lambda t: ROUGH(tr(t.T @ t) * t))),
        refused([[], [MODERATE]], fn(Col(n), lambda t: mean(S, lambda z: ROUGH(tr(t.T @ z) * v)))),
        refused([[]], fn(Col(n), lambda t: tr(v.T @ t))),  # a group is missing
        # measurable, between tame bounds
        Case(
            [[forall(Col(n), lambda t: a <= inv(tr(v.T @ t))), forall(Col(n), lambda t: inv(tr(v.T @ t)) <= exp(tr(v.T @ t)))], []],
            [fn(Col(n), lambda t: inv(tr(v.T @ t)))], moderate(fn(Col(n), lambda t: inv(tr(v.T @ t)))),
        ),
        Case(
            [[forall(Col(n), lambda t: ROUGH(t) <= log(ROUGH(tr(t.T @ t) * t))), forall(Col(n), lambda t: log(ROUGH(tr(t.T @ t) * t)) <= b)], [MODERATE]],
            [fn(Col(n), lambda t: log(ROUGH(tr(t.T @ t) * t)))], moderate(fn(Col(n), lambda t: log(ROUGH(tr(t.T @ t) * t)))),
        ),
        *(
            Case(
                [[forall(Col(n), lambda t, g=g: a <= g(t)), forall(Col(n), lambda t, g=g: g(t) <= b)], [MODERATE, forall(Index(m), lambda l: moderate(BENT(l)))]],
                [fn(Col(n), g)], moderate(fn(Col(n), g)),
            )
            for g in (  # each operation that is a Borel function of its arguments
                lambda t: exp(ROUGH(t)) + ROUGH(t) * ROUGH(v), lambda t: tr(minv(t @ t.T + S)), lambda t: tr(exp(ROUGH(t)) * (X @ t).T @ t),
                lambda t: total(m, lambda k: exp(BENT(k)(t))), lambda t: mean(S, lambda z: exp(ROUGH(tr(t.T @ z) * z))),
                lambda t: lse(m, lambda l: exp(BENT(l)(t)), lambda l: BENT(l)(t)), lambda t: softmax(m, lambda l: BENT(l)(t), lambda l: exp(BENT(l)(t)), k),
            )
        ),
        *(
            refused([[forall(Col(n), lambda t, g=g: a <= g(t)), forall(Col(n), lambda t, g=g: g(t) <= b)], [MODERATE, forall(Index(m), lambda l: moderate(BENT(l))), forall(Col(n), lambda t: moderate(PAIR(t)))]], fn(Col(n), g))
            for g in (  # in each operation something that need not be measurable
                lambda t: WILD(t), lambda t: WILD(t) + a, lambda t: a * WILD(t), lambda t: tr(X @ (WILD(t) * t @ v.T)), lambda t: exp(WILD(t)),
                lambda t: log(WILD(t)), lambda t: inv(WILD(t)), lambda t: tr(minv(WILD(t) * X)), lambda t: total(m, lambda k: WILD(t)),
                lambda t: mean(S, lambda z: WILD(t)), lambda t: mean(S, lambda z: WILD(t + z)),
                lambda t: mean(S, lambda z: tr(t.T @ z) * WILD(z)), lambda t: Expr(make("c", "Wild", Real, t.term)),
                lambda t: mean(tr(t.T @ t) * S, lambda z: ROUGH(z)), lambda t: mean(S, lambda z: PAIR(t, z)), lambda t: PAIR(t, t),
                lambda t: lse(m, lambda l: WILD(t), lambda l: a), lambda t: lse(m, lambda l: a, lambda l: WILD(t)),
                lambda t: softmax(m, lambda l: WILD(t), lambda l: a, k), lambda t: softmax(m, lambda l: a, lambda l: WILD(t), k),
                lambda t: softmax(n, lambda l: w(l), lambda l: u(l), h(tr(v.T @ t))), lambda t: w(h(tr(v.T @ t))), lambda t: delta(h(tr(v.T @ t)), i),
                lambda t: BENT(var("name", Fun(Col(n), Index(m)))(t))(t), lambda t: f(tr(v.T @ t)), lambda t: ROUGH(WILD(t) * t),
            )
        ),
        refused([[forall(Col(n), lambda t: a <= exp(tr(t.T @ t)))], []], fn(Col(n), lambda t: exp(tr(t.T @ t)))),
        refused([[forall(Col(n), lambda t: exp(tr(t.T @ t)) <= a)] * 2, []], fn(Col(n), lambda t: exp(tr(t.T @ t)))),
        refused([[forall(Col(n), lambda t: exp(tr(t.T @ t)) <= a), forall(Col(n), lambda t: a <= exp(tr(t.T @ t)))], []], fn(Col(n), lambda t: exp(tr(t.T @ t)))),
        refused([[forall(Col(n), lambda t: a <= exp(tr(t.T @ t))), forall(Col(n), lambda t: exp(tr(t.T @ t)) <= b)] * 2, []], fn(Col(n), lambda t: exp(tr(t.T @ t)))),
        refused([[forall(Col(n), lambda t: a <= exp(tr(t.T @ t))), forall(Col(n), lambda t: exp(tr(t.T @ t)) < b)], []], fn(Col(n), lambda t: exp(tr(t.T @ t)))),
        refused([[forall(Col(n), lambda t: a <= exp(tr(t.T @ t))), exists(Col(n), lambda t: exp(tr(t.T @ t)) <= b)], []], fn(Col(n), lambda t: exp(tr(t.T @ t)))),
        refused([[forall(Col(n), lambda t: a <= exp(tr(t.T @ t))), forall(Col(n), lambda t: exp(tr(t.T @ t)) <= exp(tr(t.T @ t)))], []], fn(Col(n), lambda t: exp(tr(t.T @ t)))),
        refused([[forall(Col(n), lambda t: -exp(tr(t.T @ t)) <= exp(tr(t.T @ t))), forall(Col(n), lambda t: exp(tr(t.T @ t)) <= b)], []], fn(Col(n), lambda t: exp(tr(t.T @ t)))),
        refused([[forall(Col(n), lambda t: a <= ROUGH(t)), forall(Col(n), lambda t: ROUGH(t) <= b)], [MODERATE]], fn(Col(n), lambda t: exp(tr(t.T @ t)))),
        refused([[forall(Col(m), lambda t: a <= b), forall(Col(m), lambda t: b <= c)], []], fn(Col(n), lambda t: b)),
        Case([[forall(Col(n), lambda t: a <= b), forall(Col(n), lambda t: b <= c)], []], [fn(Col(n), lambda t: b)], moderate(fn(Col(n), lambda t: b))),
        refused([[a <= b, b <= c], []], fn(Col(n), lambda t: b)),
        refused([[forall(Col(n), lambda t: a <= b), forall(Col(n), lambda t: b <= c), a <= b], []], fn(Col(n), lambda t: b)),
        Case([[], [theorem(MODERATE, p)]], [ROUGH], MODERATE, [p]),
        Case(
            [[theorem(forall(Col(n), lambda t: a <= b), p), theorem(forall(Col(n), lambda t: b <= c), q)], [theorem(POSITIVE, a <= b)]],
            [fn(Col(n), lambda t: b)], moderate(fn(Col(n), lambda t: b)), [p, q, a <= b],
        ),
        # what is no function of columns to numbers
        refused([[], []], f),
        refused([[], []], fn(Col(n), lambda t: t)),
        refused([[], []], fn(Mat(n, n), lambda t: tr(t))),
        refused([[], []], a),
    ],
    "differentiate": [
        Case(
            [[], [], []], [fn(Real, lambda t: a * t * t + exp(b * t)), fn(Real, lambda t: 2 * a * t + b * exp(b * t))],
            forall(Real, lambda t: has_derivative(fn(Real, lambda z: a * z * z + exp(b * z)), t, 2 * a * t + b * exp(b * t))),
        ),
        Case(
            [[], [POSITIVE], []],
            [fn(Real, lambda t: lse(n, lambda k: w(k), lambda k: t * u(k))),
             fn(Real, lambda t: total(n, lambda k: softmax(n, lambda y: w(y), lambda y: t * u(y), k) * u(k)))],
            forall(Real, lambda t: has_derivative(
                fn(Real, lambda z: lse(n, lambda k: w(k), lambda k: z * u(k))), t,
                total(n, lambda k: softmax(n, lambda y: w(y), lambda y: t * u(y), k) * u(k)),
            )),
        ),
        Case(
            [[], [], []],
            [fn(Real, lambda t: mean(S, lambda z: exp(t * tr(v.T @ z)))),
             fn(Real, lambda t: mean(S, lambda z: tr(v.T @ z) * exp(t * tr(v.T @ z))))],
            forall(Real, lambda t: has_derivative(
                fn(Real, lambda y: mean(S, lambda z: exp(y * tr(v.T @ z)))), t,
                mean(S, lambda z: tr(v.T @ z) * exp(t * tr(v.T @ z))),
            )),
        ),
        Case(
            [[], [MODERATE], []], [fn(Real, lambda t: mean(S, lambda z: t * t * ROUGH(z))), fn(Real, lambda t: 2 * t * mean(S, ROUGH))],
            forall(Real, lambda t: has_derivative(fn(Real, lambda y: mean(S, lambda z: y * y * ROUGH(z))), t, 2 * t * mean(S, ROUGH))),
        ),
        refused([[], [], []], fn(Real, lambda t: mean(S, lambda z: t * t * ROUGH(z))), fn(Real, lambda t: 2 * t * mean(S, ROUGH))),
        refused([[], [MODERATE], []], fn(Real, lambda t: mean(S, lambda z: ROUGH(z + t * v))), fn(Real, lambda t: num(0))),
        *(
            refused([[], [forall(Real, lambda y: moderate(fn(Col(n), lambda z: MOVED(y, z)))), POSITIVE], []], fn(Real, g), fn(Real, lambda t: num(0)))
            for g in (  # the number in the function, at each depth
                lambda t: mean(S, lambda z: MOVED(t, z)), lambda t: mean(S, lambda z: a + MOVED(t, z)), lambda t: mean(S, lambda z: total(n, lambda k: MOVED(t, z))),
                lambda t: mean(S, lambda z: mean(S, lambda y: MOVED(t, y))), lambda t: mean(S, lambda z: tr(v.T @ z) * mean(S, lambda y: MOVED(t, y + z))),
                lambda t: mean(S, lambda z: lse(n, lambda k: w(k), lambda k: MOVED(t, v))), lambda t: MOVED(t, v),
            )
        ),
        refused([[], [], []], fn(Real, lambda t: t * t), fn(Real, lambda t: t)),
        refused([[], [], []], fn(Real, lambda t: lse(n, lambda k: w(k), lambda k: t)), fn(Real, lambda t: num(1))),
        refused([[], [POSITIVE], []], fn(Real, lambda t: lse(n, lambda k: w(k) * t, lambda k: t)), fn(Real, lambda t: num(1))),
        refused([[], [], []], fn(Real, lambda t: log(t)), fn(Real, lambda t: inv(t))),
        refused([[], [], []], fn(Real, lambda t: inv(t)), fn(Real, lambda t: -inv(t) * inv(t))),
        refused([[], [], []], fn(Real, lambda t: f(t)), fn(Real, lambda t: num(0))),
        refused([[], [], []], fn(Real, lambda t: mean(t * S, lambda z: tr(v.T @ z))), fn(Real, lambda t: num(0))),
        refused([[], [], []], fn(Real, lambda t: mean(S, lambda z: exp(t * tr(z.T @ z)))), fn(Real, lambda t: mean(S, lambda z: tr(z.T @ z) * exp(t * tr(z.T @ z))))),
        refused([[], [POSITIVE], []], fn(Real, lambda t: softmax(n, lambda k: w(k), lambda k: u(k), h(t))), fn(Real, lambda t: num(0))),
        refused([[], [], []], fn(Real, lambda t: tr(minv(t * X))), fn(Real, lambda t: num(0))),
        refused([[], [], []], f, f),
    ],
    "one_derivative": [
        Case([[has_derivative(f, a, b), has_derivative(f, a, c)]], [], eq(b, c)),
        refused([[has_derivative(f, a, b), has_derivative(f, b, c)]]),
        refused([[has_derivative(f, a, b), has_derivative(fn(Real, lambda t: t), a, c)]]),
        refused([[has_derivative(f, a, b), eq(f(a), c)]]),
    ],
    "fermat": [
        Case([[has_derivative(f, a, b), forall(Real, lambda t: (num(0) <= t) >> (f(a) <= f(a + t)))]], [], num(0) <= b),
        refused([[has_derivative(f, a, b), forall(Real, lambda t: (t <= 0) >> (f(a) <= f(a + t)))]]),
        refused([[has_derivative(f, a, b), forall(Real, lambda t: (num(0) <= t) >> (f(c) <= f(c + t)))]]),
        refused([[has_derivative(f, a, b), forall(Real, lambda t: (num(0) <= t) >> (f(a + t) <= f(a)))]]),
        refused([[eq(f(a), b), forall(Real, lambda t: (num(0) <= t) >> (f(a) <= f(a + t)))]]),
    ],
    "increasing": [
        Case(
            [[forall(Real, lambda t: has_derivative(f, t, t * c)), forall(Real, lambda t: ((a <= t) & (t <= b)) >> (num(0) <= t * c))]],
            [a, b], (a <= b) >> (f(a) <= f(b)),
        ),
        refused([[has_derivative(f, s, s * c), forall(Real, lambda t: ((a <= t) & (t <= b)) >> (num(0) <= t * c))]], a, b),
        refused([[forall(Real, lambda t: has_derivative(f, a, c)), forall(Real, lambda t: ((a <= t) & (t <= b)) >> (num(0) <= c))]], a, b),
        refused([[forall(Real, lambda t: has_derivative(f, t, t * c)), forall(Real, lambda t: ((a <= t) & (t <= a)) >> (num(0) <= t * c))]], a, b),
        refused([[forall(Real, lambda t: has_derivative(f, t, t * c)), forall(Real, lambda t: ((a <= t) & (t <= b)) >> (num(0) <= c))]], a, b),
        refused(  # another function at each point
            [[forall(Real, lambda t: has_derivative(fn(Real, lambda z: z * t), t, t)),
              forall(Real, lambda t: ((a <= t) & (t <= b)) >> (num(0) <= t))]], a, b,
        ),
    ],
    "factorisation": [
        Case(
            [], [A],
            exists(Size, lambda k: exists(Mat(m, k), lambda P: exists(Mat(k, m), lambda Q: exists(Mat(k, n), lambda H: exists(
                Mat(n, k), lambda J: conj(eq(A, P @ H), eq(Q @ P, eye(k)), eq(H @ J, eye(k)))))))),
        ),
        refused([], a),
    ],
    "embedding": [
        Case([], [m, n], (real(m) <= n) >> exists(Mat(m, n), lambda J: eq(J @ J.T, eye(m)))),
        refused([], a, n),
        refused([], m),
    ],
    "spectral": [
        Case(
            [], [X],
            eq(X, X.T) >> exists(Mat(n, n), lambda U: exists(Family(n, Real), lambda d: orthogonal(U) & spectrum(X, U, lambda k: d(k)))),
        ),
        refused([], A),
    ],
    "best_approximation": [
        Case(
            [], [Y, F],
            eq(Y, Y.T) >> iff(forall(Mat(n, r), lambda G: square(F @ F.T - Y) <= square(G @ G.T - Y)), top(Y, r, F @ F.T)),
        ),
        refused([], A, F),
        refused([], Y, A),
        refused([], Y, a),
    ],
}  # fmt: skip

CLASSICAL = {"factorisation", "embedding", "spectral", "best_approximation"}


def test_every_rule_has_a_row():
    assert set(TABLE) == set(RULES)
    for rule, cases in TABLE.items():
        assert any(c.wanted for c in cases), rule
        assert any(c.wanted is None for c in cases), rule


@pytest.mark.parametrize(("rule", "k"), [(rule, k) for rule, cases in TABLE.items() for k in range(len(cases))])
def test_rule(rule, k):
    case = TABLE[rule][k]
    if case.wanted is None:
        with pytest.raises(Rejected):
            case.run(rule)
        return
    found = case.run(rule)
    assert found.conclusion is case.wanted.term
    assert found.hypotheses == {t.term for t in case.hypotheses}
    assert bool(found.classical) == (rule in CLASSICAL)


@pytest.mark.parametrize("rule", RULES)
def test_what_a_rule_does_not_take_is_refused(rule):
    some = theorem(a <= b)
    for groups in ([], [[]], [[some]], [[some, some]], [[some], [some]], [[], [], [], []], [[some]] * 5):
        for terms in ([], [a], [X], [p], [i], [n], [f], [a, b, c, s, a, b], [Expr(Real)], [loose(Real)]):
            given = [as_term(t) for t in terms]
            try:
                found = infer(rule, groups, given)
            except Rejected:
                continue
            assert not found.conclusion.loose
            assert found.conclusion.sort is PROP
    with pytest.raises(Rejected):
        infer(rule, [], [make("slot", 0, Index(n))])


def test_premises_leave_their_hypotheses_and_indices():
    """What a premise supposes, its consequence supposes."""
    first, second = theorem(a <= b, p, indices=(i,)), theorem(b <= a, q, indices=(j,))
    for rule, groups, terms in (
        ("product", [[first, second]], []),
        ("tautology", [[first, second]], [a <= b]),
        ("arithmetic", [[first, second], [], [], []], [a <= a, num(1), num(1)]),
        ("exhibit", [[first]], [exists(Real, lambda t: t <= b), a]),
        ("choose", [[theorem(exists(Real, lambda t: t <= b), p, indices=(i,)), theorem(q, q, indices=(j,))]], [c]),
    ):
        found = infer(rule, groups, [as_term(t) for t in terms])
        wanted = {p.term} if rule == "exhibit" else {p.term, q.term}
        assert found.hypotheses == wanted
        assert {t.term for t in (i, *((j,) if len(wanted) > 1 else ()))} <= found.indices


def test_indices_of_terms_that_vanish_are_supposed():
    """A multiplier or a template with an index in it supposes that there is one, whatever is left of it."""
    vacuous = theorem(forall(Index(n), lambda k: eq(0, 1)))
    g = var("g", Family(n, Real))
    assert i.term in infer("rewrite", [[vacuous, theorem(eq(0, 0))]], [g.term, eq(0, g(i)).term]).indices
    ones = [theorem(forall(Index(n), lambda k, t=t, z=z: eq(u(k) * t, z))) for t, z in ((a, 0), (b, 1))]
    assert i.term in infer("arithmetic", [[theorem(eq(a, b))], ones, [], []], [eq(0, 1).term, u(i).term]).indices
    assert i.term in infer("specialise", [[theorem(forall(Index(n), lambda k: a <= b))]], [i.term]).indices
    assert i.term in infer("specialise", [[theorem(forall(Real, lambda t: a <= b))]], [u(i).term]).indices
    assert h.term in infer("assume", [], [eq(u(h(a)), 0).term]).indices
    assert not infer("specialise", [[theorem(forall(Index(2), lambda k: a <= b))]], [nth(0, 2).term]).indices


@pytest.mark.parametrize(
    "eigenvalues",
    [(), (2.0,), (-1.0,), (0.0,), (2, 1), (1, 1), (1, -1), (0, 0), (2, 2, 1), (1, 1, 0), (1, 0, -1), (1, 1, 1)],
)
def test_a_top_part_is_a_best_approximation(eigenvalues):
    """Among diagonal matrices: what has the least error is a top part, and nothing else is, ties and ranks above n too."""
    count = len(eigenvalues)
    choices = list(itertools.product((0.0, 1.0), repeat=count))

    def error(s: tuple[float, ...]) -> float:
        return sum((x - s_ * x) ** 2 for x, s_ in zip(eigenvalues, s, strict=True))

    Z = var("Z", Mat(n, n))
    formula = top_part(Y.term, r.term, Z.term)
    names = [var("U", Mat(n, n)), var("values", Family(n, Real)), var("chosen", Family(n, Real))]
    for name in names:
        formula = instantiate(formula.args[1], name.term)
    for rank in range(count + 2):
        allowed = [s for s in choices if sum(x * s_ > 0 for x, s_ in zip(eigenvalues, s, strict=True)) <= rank
                   and all(x >= 0 for x, s_ in zip(eigenvalues, s, strict=True) if s_)]  # fmt: skip
        least = min(map(error, allowed))
        for part in allowed:
            values = Evaluator(
                {n.term: count, r.term: rank, Y.term: np.diag(np.array(eigenvalues, float)).reshape(count, count)}
            )
            values.values[Z.term] = np.diag(np.multiply(eigenvalues, part)).reshape(count, count)
            values.values[names[0].term] = np.eye(count)
            values.values[names[1].term] = lambda k: eigenvalues[k]
            found = []
            for s in choices:
                values.values[names[2].term] = lambda k, s=s: s[k]
                found.append(values(formula))
            assert any(found) == (error(part) <= least)


@pytest.mark.parametrize("name", ["polynomial", "smooth", "exponential", "bell"])
@pytest.mark.parametrize("law", ["full", "singular", "nothing", "a line", "no dimension"])
def test_a_tilted_mean_is_that_of_the_moved_column(name, law, monkeypatch):
    """Both sides of what the rule concludes, by 24 nodes an axis: singular covariances and no dimension too."""
    count = {"a line": 1, "no dimension": 0}.get(law, 2)
    nodes, weights = np.polynomial.hermite_e.hermegauss(24)
    monkeypatch.setattr(evaluate, "NODES", nodes)
    monkeypatch.setattr(evaluate, "WEIGHTS", weights / weights.sum())
    functions = {
        "polynomial": lambda t: tr(t.T @ X @ t) * tr(x.T @ t) + a,
        "smooth": lambda t: inv(1 + exp(tr(x.T @ t))) + tr(x.T @ t),
        "exponential": lambda t: exp(tr(x.T @ t)) * exp(num("-1/8") * tr(t.T @ t)),
        "bell": lambda t: exp(num("-1/4") * (tr(x.T @ t) - 1) * (tr(x.T @ t) - 1)),
    }
    found = infer("tilt", [[theorem(psd(S))]], [S.term, v.term, fn(Col(n), functions[name]).term])
    root = {"full": np.array([[1.0, 0.2], [-0.3, 0.6]]), "singular": np.array([[0.8, 0.0], [0.4, 0.0]])}
    L = root.get(law, np.eye(count) * 0.9 if law != "nothing" else np.zeros((2, 2)))
    rng = np.random.default_rng(0)
    values = {n.term: count, S.term: L @ L.T, a.term: 0.7, X.term: rng.normal(size=(count, count))}
    values |= {v.term: rng.normal(size=(count, 1)) / 2, x.term: rng.normal(size=(count, 1)) / 2}
    left, right = (Evaluator(values)(t) for t in found.conclusion.args)
    assert left == pytest.approx(right, rel=1e-6, abs=1e-9)
    for wrong in (-v, 2 * v, zero(n, 1)) if law in ("full", "singular") else ():  # else the mean is the same
        other = infer("tilt", [[theorem(psd(S))]], [S.term, wrong.term, fn(Col(n), functions[name]).term])
        assert left != pytest.approx(Evaluator(values)(other.conclusion.args[1]), rel=1e-3)
