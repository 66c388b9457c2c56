"""The rules about eigenvalues, consequences and mixtures, alone: each accepts what it says and rejects the rest."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from sympy import Eq, Equivalent, Function, Ge, Gt, Identity, Implies, Lt, MatrixSymbol, S, Symbol, Trace, symbols

from verify.proofs import (
    Algebra,
    Check,
    Checker,
    Combination,
    CommonLowerBound,
    Congruence,
    EckartYoung,
    Given,
    IndependentColumns,
    KyFan,
    LinearConsequence,
    LowestEigenvectors,
    Markov,
    MatrixIdentity,
    Mean,
    MeanOfSquare,
    Multiple,
    NonnegativeProduct,
    PositiveRoot,
    Proof,
    ScalarSquare,
    ShiftedPencil,
    SquareInverse,
    Step,
    Term,
    TopColumns,
    TopPart,
    TopRange,
    TopSpace,
    Vanishing,
    WholePart,
    nonnegative,
    vanishes,
)
from verify.vocabulary import EntriesNonnegative, PositiveDefinite

n, m, r = symbols("n m r", integer=True, positive=True)
A, F = MatrixSymbol("A", n, r), MatrixSymbol("F", n, m)
X, Y, Z, V, W, H, R, Q = (MatrixSymbol(name, n, n) for name in "XYZVWHRQ")
Sym, Sq, New = MatrixSymbol("Sym", n, n), MatrixSymbol("Sq", n, n), MatrixSymbol("New", n, n)
U, v = MatrixSymbol("U", n, r), MatrixSymbol("v", n, 1)
a, b, lam, err = symbols("a b lambda err", real=True)
p, q = symbols("p q", real=True)
P, OPTIMAL = Symbol("P"), Symbol("OPTIMAL")
L = Function("L")
ALGEBRA = Algebra(
    definitions={Sym: H + H.T, Sq: R * R.T}, invertible=(R, Q, New), sizes=({n: 3, m: 2, r: 2}, {n: 4, m: 1, r: 3})
)


def accepted(claim: Any, rule: Check, *facts: Any) -> bool:
    """Check one step that cites these claims, named given-0, given-1, …"""
    givens = [Given(f"given-{i}", fact, "") for i, fact in enumerate(facts)]
    checker = Checker(Proof((), ALGEBRA, (), P, tuple(givens)))
    return checker.report(Step("step", "", claim, tuple(g.name for g in givens), rule)).passed


def test_consequence() -> None:
    rule = LinearConsequence((Multiple("given-0", X, Y), Multiple("given-1")))
    assert accepted(Eq(X * V * Y + W, X * Z * Y + H), rule, Eq(V, Z), Eq(W, H))
    assert not accepted(Eq(X * V * Y + W, X * Z * Y - H), rule, Eq(V, Z), Eq(W, H))
    assert not accepted(Eq(X * V * Y + W, X * Z * Y + H), rule, Eq(V, Z))
    assert accepted(Eq(Trace(X * V), Trace(X * Z)), LinearConsequence((Multiple("given-0", X),)), Eq(V, Z))
    assert accepted(Eq(V.T, Z.T), LinearConsequence((Multiple("given-0", transposed=True),)), Eq(V, Z))
    assert accepted(Implies(Eq(V, Z), Eq(X * V, X * Z)), LinearConsequence((Multiple("antecedent", X),)))
    assert accepted(Eq(V, Z), LinearConsequence((Multiple(Eq(V, Z)),)), Eq(V, Z) & Eq(W, H))
    assert not accepted(Eq(V, Z), LinearConsequence((Multiple(Eq(V, Z)),)), Eq(W, H))
    assert not accepted(Eq(V, Z), LinearConsequence((Multiple("given-0"),)), Eq(V, Z) & Eq(W, H))


def test_consequences_of_inequalities_keep_their_direction() -> None:
    assert accepted(
        Ge(2 * a + b, 3), LinearConsequence((Multiple("given-0", 2), Multiple("given-1"))), Ge(a, 0), Eq(b, 3)
    )
    assert not accepted(Ge(-a, 0), LinearConsequence((Multiple("given-0", -1),)), Ge(a, 0))
    assert not accepted(Eq(a, 0), LinearConsequence((Multiple("given-0"),)), Ge(a, 0))
    assert not accepted(Ge(a * b, 0), LinearConsequence((Multiple("given-0", b),)), Ge(a, 0))
    assert not accepted(Ge(a * b, 0), LinearConsequence((Multiple("given-0", by=b),)), Ge(a, 0))
    assert not accepted(Ge(-a, 0), LinearConsequence((Multiple("given-0", -1, by=1),)), Ge(a, 0))
    assert not accepted(Ge(a, 0), LinearConsequence((Multiple("given-0", transposed=True),)), Eq(V, Z))
    strict = LinearConsequence((Multiple("given-0"), Multiple("given-1")))
    assert accepted(Gt(a + b, 0), strict, Gt(a, 0), Ge(b, 0))
    assert not accepted(Gt(a + b, 0), strict, Ge(a, 0), Ge(b, 0))
    assert not accepted(
        Gt(b, 0), LinearConsequence((Multiple("given-0", by=0), Multiple("given-1"))), Gt(a, 0), Ge(b, 0)
    )


def test_a_relation_that_is_neither_cited_nor_supposed_is_refused() -> None:
    assert accepted(Implies(Eq(V, Z) & Ge(a, 0), Eq(X * V, X * Z)), LinearConsequence((Multiple(Eq(V, Z), X),)))
    assert not accepted(Implies(Ge(a, 0), Eq(X * V, X * Z)), LinearConsequence((Multiple(Eq(V, Z), X),)))
    assert not accepted(Eq(V, Z), LinearConsequence((Multiple("antecedent"),)))
    assert not accepted(Eq(V, Z), LinearConsequence((Multiple(P),)), P)


def test_a_relation_about_one_number_is_not_evaluated_at_another() -> None:
    at_two = LinearConsequence((Multiple("antecedent", at={a: 2}),))
    assert not accepted(Implies(Ge(a, 0), Ge(2, 0)), at_two)
    assert not accepted(Ge(b + 2, 0), LinearConsequence((Multiple("given-0", at={a: 2}),)), Ge(a + b, 0))
    assert not accepted(Ge(b + 2, 0), Combination((Term("given-0", 1, {a: 2}),)), Ge(a + b, 0))


def test_positive_root() -> None:
    claim = Eq(a * Identity(n) + b * X * X.T, New * New.T)
    assert accepted(claim, PositiveRoot(New, X, a, b), Gt(a, 0), Ge(b, 0))
    assert not accepted(claim, PositiveRoot(New, X, a, b), Ge(a, 0), Ge(b, 0))
    assert not accepted(claim, PositiveRoot(New, X, a, b), Gt(a, 0))
    assert not accepted(claim, PositiveRoot(New, Y, a, b), Gt(a, 0), Ge(b, 0))
    assert not accepted(Eq(Identity(n) + New * New.T, New * New.T), PositiveRoot(New, New))
    assert not accepted(Eq(Identity(n) + X * X.T, Y * Y.T), PositiveRoot(Y, X))  # Y has no inverse


DISTANCE = R * A * (R * A).T - Sym
PART = TopPart(R * A * (R * A).T, Sym, r)


def test_eckart_young() -> None:
    loss = Eq(L(A), Trace(DISTANCE.T * DISTANCE) - Trace(Sym * Sym) + a)
    rule = EckartYoung("given-0", P, A, R, Sym)
    assert accepted(Equivalent(P, PART), rule, loss)
    assert not accepted(Equivalent(P, PART), rule, Eq(L(A), loss.rhs + Trace(A.T * A)))
    assert not accepted(Equivalent(P, PART), rule, Eq(L(A), 2 * loss.rhs))
    assert not accepted(Equivalent(P, TopPart(R * A * (R * A).T, Sym, n)), rule, loss)
    other = R * A * (R * A).T - H
    asymmetric = Eq(L(A), Trace(other.T * other))
    assert not accepted(Equivalent(P, TopPart(R * A * (R * A).T, H, r)), EckartYoung("given-0", P, A, R, H), asymmetric)
    singular = X * A * (X * A).T - Sym
    assert not accepted(
        Equivalent(P, TopPart(X * A * (X * A).T, Sym, r)),
        EckartYoung("given-0", P, A, X, Sym),
        Eq(L(A), Trace(singular.T * singular)),
    )


def test_parts_and_spaces() -> None:
    assert accepted(Implies(PART, Eq(PART.args[0], Sym * V)), TopRange(V))
    assert not accepted(Implies(PART, Eq(PART.args[0], V * Sym)), TopRange(V))
    whole = Implies(TopPart(X, Sym, r), Eq(X, Sym))
    low = F * F.T
    assert accepted(whole, WholePart("given-0", F, Identity(m)), Eq(Sym, low), Ge(r, m))
    assert not accepted(whole, WholePart("given-0", F, Identity(m)), Eq(Sym, low))
    assert not accepted(whole, WholePart("given-0", F, Identity(m)), Eq(Sym, -low), Ge(r, m))
    columns = Implies(TopPart(R.T * A * (R.T * A).T, X, r), TopSpace(A, Sym, Sq, r))
    target = Eq(X, a * (R.I * Sym * R.I.T))
    assert accepted(columns, TopColumns("given-0", R, a), target, Gt(a, 0))
    assert not accepted(columns, TopColumns("given-0", R, a), target)
    assert not accepted(columns, TopColumns("given-0", R, a), Eq(X, a * (R.I.T * Sym * R.I)), Gt(a, 0))


def test_shifted_pencil_and_ky_fan() -> None:
    base = Q * Q.T
    moved = Implies(TopSpace(A, Sym, Sq, r), TopSpace(A, Sym, base, r))
    assert accepted(moved, ShiftedPencil("given-0", R, Q), Eq(base + Sym, Sq))
    assert not accepted(moved, ShiftedPencil("given-0", R, Q), Eq(base - Sym, Sq))
    assert not accepted(moved, ShiftedPencil("given-0", R, X), Eq(base + Sym, Sq))
    singular = Implies(TopSpace(A, Sym, Sq, r), TopSpace(A, Sym, X * X.T, r))
    assert not accepted(singular, ShiftedPencil("given-0", R, X), Eq(X * X.T + Sym, Sq))
    best = Implies(TopSpace(A, X * X.T, Sq, r), OPTIMAL)
    assert accepted(best, KyFan(OPTIMAL, X, R))
    assert not accepted(best, KyFan(OPTIMAL, Y, R))
    assert not accepted(best, KyFan(OPTIMAL, X, Y))
    assert not accepted(Implies(OPTIMAL, TopSpace(A, X * X.T, Sq, r)), KyFan(OPTIMAL, X, R))


def test_no_rule_multiplies_by_an_inverse_that_nothing_justifies() -> None:
    # SymPy itself cancels X⁻¹X, whatever X is.
    assert accepted(Implies(vanishes(R * V), vanishes(V)), LinearConsequence((Multiple("antecedent", R.I),)))
    assert not accepted(Implies(vanishes(X * V), vanishes(V)), LinearConsequence((Multiple("antecedent", X.I),)))
    assert accepted(Implies(vanishes(R * V), vanishes(V)), MatrixIdentity(left=R.I))
    assert not accepted(Implies(vanishes(X * V), vanishes(V)), MatrixIdentity(left=X.I))
    zero = Eq(Trace((X * V).T * X * V), 0)
    assert not accepted(Implies(zero, vanishes(V)), Vanishing((X * V,), left=X.I, right=1))
    gram = PositiveDefinite((X * F).T * X * F)
    assert not accepted(gram, Congruence(factor=X * F, recover=X.I), IndependentColumns(F))


def test_square_inverse_is_for_square_matrices() -> None:
    assert accepted(Implies(Eq(X.T * X, Identity(n)), Eq(X * X.T, Identity(n))), SquareInverse())
    assert not accepted(Implies(Eq(F.T * F, Identity(m)), Eq(F * F.T, Identity(n))), SquareInverse())
    assert not accepted(Implies(Eq(X.T * X, Identity(n)), Eq(Y * Y.T, Identity(n))), SquareInverse())


def test_squares_and_products() -> None:
    assert accepted(nonnegative(2 * a**2 - 4 * a * b + 2 * b**2), ScalarSquare(a - b, 2))
    assert not accepted(nonnegative(a**2 - 3 * a * b + b**2), ScalarSquare(a - b))
    assert not accepted(nonnegative(-2 * a * b), ScalarSquare(a - b, -1))
    assert accepted(nonnegative(a * b), NonnegativeProduct((a, b)), Ge(a, 0), Ge(b, 0))
    assert not accepted(nonnegative(a * b), NonnegativeProduct((a, b)), Ge(a, 0))
    mean = Mean(Trace(v.T * v))
    assert accepted(Ge(S.Half * mean, 0), MeanOfSquare(v, W, Fraction(1, 2)), EntriesNonnegative(W))
    assert not accepted(Ge(S.Half * mean, 0), MeanOfSquare(v, W, Fraction(1, 2)))
    assert not accepted(Ge(-mean, 0), MeanOfSquare(v, W, -1), EntriesNonnegative(W))


def test_lowest_eigenvectors() -> None:
    rule = LowestEigenvectors(Sym, U, lam, X, v)
    positive = Ge(Trace(v.T * Sym * v), 0)
    assert accepted(rule.claim, rule, positive, Lt(r, n))
    assert not accepted(rule.claim, rule, positive)
    assert not accepted(rule.claim, rule, Lt(r, n))
    assert not accepted(rule.orthonormal & Gt(lam, 0) & rule.split, rule, positive, Lt(r, n))
    assert not accepted(LowestEigenvectors(H, U, lam, X, v).claim, LowestEigenvectors(H, U, lam, X, v), Lt(r, n))


def test_markov() -> None:
    labels, scores = MatrixSymbol("labels", n, m), MatrixSymbol("scores", n, m)
    rule = Markov("given-0", (p, q), v, labels, scores, err, W)
    margin = Implies(Ge(q - p, 0), Ge((1 - p) ** 2 + q**2 - S.Half, 0))
    assert accepted(Ge(2 * rule.mean - err, 0), rule, margin, EntriesNonnegative(W))
    assert not accepted(Ge(rule.mean - err, 0), rule, margin, EntriesNonnegative(W))
    assert not accepted(Ge(2 * rule.mean - err, 0), rule, margin)
    weaker = Implies(Ge(q - p, 0), Ge((1 - p) ** 2 + q**2 - S.One / 4, 0))
    assert not accepted(Ge(2 * rule.mean - err, 0), rule, weaker, EntriesNonnegative(W))


def test_common_lower_bound() -> None:
    rule = CommonLowerBound(Sym, New, X)
    assert accepted(rule.claim, rule, PositiveDefinite(Sym))
    assert not accepted(rule.claim, rule)
    assert not accepted(rule.claim, rule, PositiveDefinite(Sq))
    assert not accepted(CommonLowerBound(Sym, Y, X).claim, CommonLowerBound(Sym, Y, X), PositiveDefinite(Sym))


@pytest.mark.parametrize(
    "rule", [SquareInverse(), TopRange(V), WholePart("x", F, F), KyFan(P, X, X), LinearConsequence(())]
)
def test_a_claim_of_another_kind_is_refused(rule: Check) -> None:
    for claim in (Ge(a, 0), vanishes(X), Implies(P, OPTIMAL)):
        assert not accepted(claim, rule)
