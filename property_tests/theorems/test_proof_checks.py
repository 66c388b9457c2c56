"""Each rule of the proof checker, alone: it accepts what is true and rejects what is not."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import (
    Eq,
    Equivalent,
    Function,
    Ge,
    Gt,
    Identity,
    Implies,
    IndexedBase,
    Integer,
    Inverse,
    MatrixSymbol,
    Sum,
    Symbol,
    Trace,
    ZeroMatrix,
    exp,
    latex,
    log,
    symbols,
)

from theorems.scripts import fisher_optimality, lemma_4_2, theorem_5_2
from verify.proofs import (
    Algebra,
    Apply,
    Check,
    Checker,
    Combination,
    Congruence,
    Convex,
    ConvexFunction,
    Definition,
    Differentiate,
    Existential,
    Gaussian,
    GeneratingFunction,
    Given,
    IndependentColumns,
    LinearPart,
    LogMean,
    MatrixIdentity,
    Mean,
    Proof,
    ScalarIdentity,
    SecondMoment,
    Square,
    Step,
    Term,
    Vanishing,
    log_sum_exp_squares,
    mean_equation,
    nonnegative,
    vanishes,
)
from verify.proofs.convexity import is_variance
from verify.proofs.points import Point
from verify.vocabulary import K, PositiveDefinite, k, w

n, m = symbols("n m", integer=True, positive=True)
A, B, X, Y = (MatrixSymbol(name, n, n) for name in "ABXY")
V, G, R = MatrixSymbol("V", n, m), MatrixSymbol("G", m, m), MatrixSymbol("R", n, n)
S = MatrixSymbol("S", n, n)
u, v, x, xi = (MatrixSymbol(name, n, 1) for name in ("u", "v", "x", "xi"))
a, b, s = Symbol("a", real=True), Symbol("b", real=True), Symbol("s", real=True)
P, Q = Symbol("P"), Symbol("Q")
g = Function("g")
ALGEBRA = Algebra(
    definitions={S: R * R.T, G: V.T * S * V},
    invertible=(R, G),
    needs={Inverse(G): ("gram",)},
    sizes=({n: 3, m: 2}, {n: 4, m: 1}),
)
TAU = IndexedBase("y")


def accepted(claim: Any, rule: Check, *given_claims: Any) -> bool:
    """Check one step that cites these claims, in the algebra above, G being invertible."""
    facts = [Given(f"given-{i}", fact, "") for i, fact in enumerate((*given_claims,))]
    granted = Given("gram", PositiveDefinite(G), "")
    names = tuple(fact.name for fact in (*facts, granted))
    checker = Checker(Proof((), ALGEBRA, (), P, (*facts, granted)))
    return checker.report(Step("step", "", claim, names, rule)).passed


TRUE = [
    ((A + B) * (A - B), A * A - A * B + B * A - B * B),
    ((A * B).T, B.T * A.T),
    (R * R.I * A, A),
    (S.I * R, R.T.I),
    (G.I * V.T * R * R.T * V, Identity(m)),
    (G.I.T, G.I),
    (Trace(A * B * X), Trace(X * A * B)),
    (Trace(A * B), Trace(B.T * A.T)),
    (Trace(V.T * S * V * G.I), Trace(Identity(m))),
    (Trace(2 * A + a * B), 2 * Trace(A) + a * Trace(B)),
    (A - A, ZeroMatrix(n, n)),
    (A**3, A * A * A),
    ((a + b) ** 2 * Trace(A), a**2 * Trace(A) + 2 * a * b * Trace(A) + b**2 * Trace(A)),
]
FALSE = [
    ((A + B) * (A - B), A * A - B * B),
    ((A * B).T, A.T * B.T),
    (A * R * R.I, R * A * R.I),
    (S.I * R, R.I),
    (G.I * V.T * V, Identity(m)),
    (Trace(A * B * X), Trace(B * A * X)),
    (Trace(A * B), Trace(A) + Trace(B)),
    (Trace(A), Trace(A) / 2),
    (g(1) * Trace(A), g(0) * Trace(A)),
    (A, A.T),
]


@pytest.mark.parametrize(("left", "right"), TRUE)
def test_true_identities_are_proved_for_every_dimension(left: Any, right: Any) -> None:
    equal, how = ALGEBRA.equal(left, right)
    assert equal, how
    assert "every dimension" in how


@pytest.mark.parametrize(("left", "right"), FALSE)
def test_false_identities_are_refused(left: Any, right: Any) -> None:
    equal, how = ALGEBRA.equal(left, right)
    assert not equal
    assert "differ" in how
    assert not replace(ALGEBRA, sizes=()).equal(left, right)[0]


def test_what_normal_forms_miss_is_tested_and_says_with_what_probability() -> None:
    # uᵀAv is a number: it commutes with w and equals its transpose, which words do not see.
    equal, how = ALGEBRA.equal(x * u.T * A * v, x * v.T * A.T * u)
    assert equal
    # Both sides have degree 4 in the entries, drawn from 2³² integers.
    assert "entries uniform among 4294967296 integers" in how
    assert "of degree ≤ 4 passes with probability ≤ 9.3e-10 (Schwartz, Zippel)" in how
    assert "other dimensions are not covered" in how
    assert not replace(ALGEBRA, sizes=()).equal(x * u.T * A * v, x * v.T * A.T * u)[0]


@given(st.integers(0, 10**6))
def test_normal_forms_agree_with_values(seed: int) -> None:
    rng = random.Random(seed)
    letters = (A, B, A.T, R, R.I, S, S.I, V * G.I * V.T)

    def some() -> Any:
        product = rng.choice(letters)
        for _ in range(rng.randint(0, 3)):
            product = product * rng.choice(letters)
        return rng.randint(-2, 2) * product

    left, right = some() + some(), some() + some()
    same = ALGEBRA.normal_form(Trace(left)) == ALGEBRA.normal_form(Trace(right))
    point = Point(ALGEBRA.definitions, ALGEBRA.sizes[0], random.Random(seed))
    assert same == (point.value(Trace(left)) == point.value(Trace(right)))


@pytest.mark.parametrize("wrong", [A.I * A, Trace(A) * Trace(B), (A + B).I * A])
def test_what_is_outside_the_algebra_is_refused(wrong: Any) -> None:
    assert not accepted(Eq(wrong, wrong + wrong, evaluate=False), MatrixIdentity())


def test_an_inverse_needs_the_step_that_justifies_it() -> None:
    claim = Eq(G.I * G, Identity(m), evaluate=False)
    assert accepted(Eq(G.I * V.T * S * V, Identity(m)), MatrixIdentity())
    bare = Checker(Proof((), ALGEBRA, (), P, (Given("other", P, ""),)))
    report = bare.report(Step("step", "", Eq(G.I * V.T * S * V, Identity(m)), ("other",), MatrixIdentity()))
    assert not report.passed
    assert "gram" in report.how
    assert claim is not None


ACCEPT: dict[str, tuple[Any, Check, tuple[Any, ...]]] = {
    "identity": (Eq(Trace(A * B), Trace(B * A)), MatrixIdentity(), ()),
    "consequence": (Implies(Eq(A, B), Eq(X * A * Y, X * B * Y)), MatrixIdentity(left=X, right=Y), ()),
    "scalar consequence": (Implies(Eq(A, B), Eq(Trace(X * A), Trace(X * B))), MatrixIdentity(left=X), ()),
    "scalar": (Eq(exp(a + b), exp(a) * exp(b)), ScalarIdentity(), ()),
    "weights": (Eq(log(w[k] * exp(a)), log(w[k]) + a), ScalarIdentity(), (Gt(w[k], 0),)),
    "derivative": (
        Eq(g(s).diff(s).subs(s, 1), 2 * Trace(A)),
        Differentiate("given-0", s, 1),
        (Eq(g(s), s**2 * Trace(A)),),
    ),
    "linear part": (Implies(Eq(Trace(x.T * A * u), 0), vanishes(A * u)), LinearPart(x, v), ()),
    "square": (nonnegative(Trace(A.T * S * A)), Square(R.T * A), ()),
    "vanishing": (Implies(Ge(-Trace(A.T * S * A), 0), vanishes(A)), Vanishing((R.T * A,), R.T.I, Integer(1)), ()),
    "congruence": (PositiveDefinite(G), Congruence(R.T * V, R.T.I), (IndependentColumns(V),)),
    "combination": (nonnegative(2 * a + b), Combination((Term("given-0", 2), Term("given-1"))), (Ge(a, 0), Ge(b, 0))),
    "equation both ways": (Eq(2 * b, 2 * a), Combination((Term("given-0", -2),)), (Eq(a, b),)),
    "antecedent": (Implies(Ge(-a, 0), Ge(b - a, 0)), Combination((Term("antecedent"), Term("given-0"))), (Ge(b, 0),)),
    "definition": (Equivalent(Q, Ge(a, 0)), Definition((Q,)), ()),
    "consequence of a definition": (Implies(Q, Ge(a, 0)), Definition((Q,)), ()),
    "existential": (
        Existential(Q, Eq(A, B * X), X, R.I * A).claim,
        Existential(Q, Eq(A, B * X), X, R.I * A),
        (),
    ),
    "second moment": (
        Eq(Mean(Trace(x.T * A * x)), Trace(A * S)),
        SecondMoment(),
        (mean_equation(x, x, S),),
    ),
    "generating function": (
        Eq(LogMean(Trace(u.T * (v + xi)), xi), Trace(u.T * v) + Trace(u.T * S * u) / 2),
        GeneratingFunction(),
        (Gaussian(xi, S),),
    ),
    "convexity": (
        Convex(P, log(Sum(w[k] * exp(TAU[k]), (k, 1, K))), TAU, Trace(u.T * x), x),
        ConvexFunction(log_sum_exp_squares),
        (Gt(w[k], 0),),
    ),
}
REJECT: dict[str, tuple[Any, Check, tuple[Any, ...]]] = {
    "identity": (Eq(Trace(A * B), Trace(A * B.T)), MatrixIdentity(), ()),
    "not an identity": (Ge(a, 0), MatrixIdentity(), ()),
    "consequence from the wrong side": (Implies(Eq(A, B), Eq(A * X, X * B)), MatrixIdentity(right=X), ()),
    "scalar": (Eq(exp(a + b), exp(a) + exp(b)), ScalarIdentity(), ()),
    "weights of unknown sign": (Eq(log(w[k] * w[1]), log(w[k]) + log(w[1])), ScalarIdentity(), ()),
    "derivative": (Eq(g(s).diff(s).subs(s, 1), Trace(A)), Differentiate("given-0", s, 1), (Eq(g(s), s**2 * Trace(A)),)),
    "derivative of an inequality": (Eq(g(s).diff(s).subs(s, 1), 0), Differentiate("given-0", s, 1), (Ge(g(s), 0),)),
    "derivative through a trace": (
        Eq(g(s).diff(s).subs(s, 1), Trace(A)),
        Differentiate("given-0", s, 1),
        (Eq(g(s), Trace(s * A)),),
    ),
    "linear part of a quadratic": (Implies(Eq(Trace(x.T * A * x), 0), vanishes(A * u)), LinearPart(x, v), ()),
    "linear part along a used column": (Implies(Eq(Trace(x.T * A * u), 0), vanishes(A * u)), LinearPart(x, u), ()),
    "square of something else": (nonnegative(Trace(A.T * S * A)), Square(A), ()),
    "square that is not one": (nonnegative(Trace(A)), Square(A), ()),
    "square, upside down": (nonnegative(-Trace(A.T * A)), Square(A), ()),
    "vanishing without definiteness": (
        Implies(Ge(-Trace(A.T * B.T * B * A), 0), vanishes(A)),
        Vanishing((B * A,), Identity(n), Integer(1)),
        (),
    ),
    "congruence without independence": (PositiveDefinite(G), Congruence(R.T * V, R.T.I), ()),
    "congruence of another matrix": (PositiveDefinite(G), Congruence(V, Identity(n)), (IndependentColumns(V),)),
    "negative multiplier": (
        nonnegative(b - a),
        Combination((Term("given-0", -1), Term("given-1"))),
        (Ge(a, 0), Ge(b, 0)),
    ),
    "equation from an inequality": (Eq(a, 0), Combination((Term("given-0"),)), (Ge(a, 0),)),
    "combination that does not add up": (nonnegative(a + b), Combination((Term("given-0"),)), (Ge(a, 0), Ge(b, 0))),
    "combination of what is not cited": (nonnegative(a), Combination((Term("elsewhere"),)), (Ge(a, 0),)),
    "definition of nothing": (Ge(a, 0), Definition(()), ()),
    "definition that asserts": (Q & Ge(a, 0), Definition((Q,)), ()),
    "definition the wrong way round": (Implies(Ge(a, 0), Q), Definition((Q,)), ()),
    "circular definition": (Equivalent(Q, Q & Ge(a, 0)), Definition((Q,)), ()),
    "existential with a circular witness": (
        Existential(Q, Eq(A, B * X), X, X).claim,
        Existential(Q, Eq(A, B * X), X, X),
        (),
    ),
    "existential that claims too much": (Q, Existential(Q, Eq(A, B * X), X, R.I * A), ()),
    "second moment": (Eq(Mean(Trace(x.T * A * x)), Trace(A)), SecondMoment(), (mean_equation(x, x, S),)),
    "second moment of an unknown law": (Eq(Mean(Trace(x.T * A * u)), 0), SecondMoment(), (mean_equation(x, x, S),)),
    "fourth moment": (
        Eq(Mean(Trace(x.T * A * x * x.T * A * x)), Trace(A * S * A * S)),
        SecondMoment(),
        (mean_equation(x, x, S),),
    ),
    "generating function without ½": (
        Eq(LogMean(Trace(u.T * xi), xi), Trace(u.T * S * u)),
        GeneratingFunction(),
        (Gaussian(xi, S),),
    ),
    "generating function of an unknown law": (
        Eq(LogMean(Trace(u.T * xi), xi), Trace(u.T * S * u) / 2),
        GeneratingFunction(),
        (),
    ),
    "generating function of a quadratic": (
        Eq(LogMean(Trace(xi.T * xi), xi), Trace(S)),
        GeneratingFunction(),
        (Gaussian(xi, S),),
    ),
    "convexity with weights of unknown sign": (
        Convex(P, log(Sum(w[k] * exp(TAU[k]), (k, 1, K))), TAU, Trace(u.T * x), x),
        ConvexFunction(log_sum_exp_squares),
        (),
    ),
    "convexity of a concave function": (
        Convex(P, -log(Sum(w[k] * exp(TAU[k]), (k, 1, K))), TAU, Trace(u.T * x), x),
        ConvexFunction(log_sum_exp_squares),
        (Gt(w[k], 0),),
    ),
    "convexity in what is not linear": (
        Convex(P, log(Sum(w[k] * exp(TAU[k]), (k, 1, K))), TAU, Trace(x.T * x), x),
        ConvexFunction(log_sum_exp_squares),
        (Gt(w[k], 0),),
    ),
}


@pytest.mark.parametrize("rule", ACCEPT)
def test_rule_accepts(rule: str) -> None:
    claim, certificate, given_claims = ACCEPT[rule]
    assert accepted(claim, certificate, *given_claims)


@pytest.mark.parametrize("rule", REJECT)
def test_rule_rejects(rule: str) -> None:
    claim, certificate, given_claims = REJECT[rule]
    assert not accepted(claim, certificate, *given_claims)


LOG_SUM_EXP = log(Sum(w[k] * exp(TAU[k]), (k, 1, K)))


@pytest.mark.parametrize(
    ("formula", "general"),
    [
        (LOG_SUM_EXP, True),
        (3 * LOG_SUM_EXP + a, True),
        (-LOG_SUM_EXP, False),
        (LOG_SUM_EXP + log(Sum(w[k] * exp(2 * TAU[k]), (k, 1, K))), False),
        (Sum(w[k] * exp(TAU[k]), (k, 1, K)), False),
    ],
    ids=str,
)
def test_a_second_derivative_is_a_variance_for_every_number_of_terms(formula: Any, general: bool) -> None:
    assert is_variance(formula, TAU) is general


def test_convexity_says_for_how_many_terms() -> None:
    claim, rule, given_claims = ACCEPT["convexity"]
    granted = Given("weights-positive", given_claims[0], "")
    checker = Checker(Proof((), ALGEBRA, (), P, (granted,)))
    how = checker.report(Step("step", "", claim, ("weights-positive",), rule)).how
    assert "DCP rules" in how
    assert "a variance for every number of terms" in how


def test_a_symbol_is_defined_once() -> None:
    checker = Checker(Proof((), ALGEBRA, (), P))
    first = Step("first", "", Equivalent(Q, Ge(a, 0)), (), Definition((Q,)))
    assert checker.report(first).passed
    assert not checker.report(replace(first, name="second")).passed
    assert not checker.report(first).passed  # nor is a name used twice


def test_what_is_given_is_not_introduced() -> None:
    whole = Given("whole", IndependentColumns(V), "")
    checker = Checker(Proof((), ALGEBRA, (), P, (whole,)))
    report = checker.report(Step("column", "", Eq(V.T * V, Identity(m)), (), Definition((V,))))
    assert not report.passed
    assert "has a meaning already" in report.how


def test_formulas_print_as_latex() -> None:
    steps = theorem_5_2.PROOF.steps + fisher_optimality.PROOF.steps + lemma_4_2.PROOF.steps
    assert all("Apply" not in step.latex and "Mean" not in step.latex for step in steps)
    assert latex(Mean(Apply(Symbol("phi"), x))) == r"\mathbb{E}\left[\phi\left(x\right)\right]"
    assert latex(Gaussian(xi, S)) == r"\xi \sim \mathcal{N}(0, S)"
