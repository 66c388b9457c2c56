"""The second check of proofs: it passes what is true, and finds planted falsehoods, by line and instance."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from importlib import import_module

import pytest

from thmverify.formulas import mixtures as v
from thmverify.kernel.proofs.rules import RULES, Theorem
from thmverify.kernel.proofs.terms import Term, make
from thmverify.proofs.evaluation import Checked, Entry, evaluate, evaluate_lines, evaluate_sequent, replayed
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Fun,
    Index,
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
    has_derivative,
    inv,
    log,
    lse,
    mean,
    minv,
    moderate,
    num,
    pd,
    psd,
    real,
    softmax,
    total,
    tr,
    unit,
    var,
    zero,
)  # fmt: skip
from thmverify.proofs.lemmas.algebra import basis, factor, square_root
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.script import Script
from thmverify.theorems import MODULES

d, K, r, w, mu, Sigma, A = v.d, v.K, v.r, v.w, v.mu, v.Sigma, v.A
a, b, c = (var(name, Real) for name in "abc")
M, N = var("M", Mat(d, d)), var("N", Mat(d, d))
u = var("u", Col(d))
f = var("f", Fun(Col(d), Real))
SCRIPT = Script("evaluation")
MIX, SETTING = v.Mixture(SCRIPT), Setting(SCRIPT)
CLOSED = SETTING.closed_form(A).formula
POSITIVE, SUM, DEFINITE, SHARED = (
    v.HYPOTHESES[n] for n in ("weights-positive", "weights-sum", "covariances-definite", "shared-covariance")
)


def verdict(given: list[Expr], claim: Expr) -> Checked:
    return evaluate_sequent([g.term for g in given], claim.term, SCRIPT.theory.definitions).lines[-1]


def bell(X: Expr, by: str) -> Expr:
    """E exp(uᵀξ) = exp(q uᵀXu)."""
    return eq(mean(X, lambda xi: exp(tr(u.T @ xi))), exp(num(by) * tr(u.T @ X @ u)))


def tilted(by: str, sign: int = 1) -> Expr:
    """E exp(uᵀξ)f(ξ) = exp(q uᵀXu) E f(ξ ± Xu)."""
    left = mean(M, lambda xi: exp(tr(u.T @ xi)) * f(xi))
    return eq(left, exp(num(by) * tr(u.T @ M @ u)) * mean(M, lambda xi: f(xi + sign * (M @ u))))


TRUE = {
    "square": ([], eq((a - b) * (a - b), a * a - 2 * a * b + b * b)),
    "semidefinite": ([pd(M)], psd(M)),
    "mean covariance": ([DEFINITE, POSITIVE, SUM], pd(MIX.sigma_bar)),
    "generating": ([psd(M)], bell(M, "1/2")),
    "tilted": ([psd(M)], tilted("1/2")),
    "tilted, moderate": ([psd(M), moderate(f)], tilted("1/2")),
    "mean of a moderate sum": ([moderate(f)], eq(mean(M, lambda x: f(x) + a), mean(M, f) + a)),
    "drawn": ([], moderate(f)),
    "fourth moment": ([psd(M)], eq(mean(M, lambda x: tr(x.T @ x) * tr(x.T @ x)), tr(M) * tr(M) + 2 * tr(M @ M))),
    "closed form": ([POSITIVE, SUM, DEFINITE, SHARED], CLOSED),
    "inverse": ([pd(M)], eq(M @ minv(M), eye(d))),
    "projector": ([eq(M, M.T), eq(M @ M, M)], psd(M)),
    "orthonormal": ([eq(A.T @ A, eye(r))], real(r) <= real(d)),
    "centred": ([v.HYPOTHESES["centred"]], eq(MIX.mean, zero(d))),
    "always matched": ([v.HYPOTHESES["always-matched"]], v.HYPOTHESES["bias-range"]),
    "derivative": ([], has_derivative(fn(Real, lambda s: exp(a * s)), b, a * exp(a * b))),
    "solvable": ([pd(M)], exists(Col(d), lambda x: eq(M @ x, u))),
    "zero is stationary": ([POSITIVE, SUM, DEFINITE, SHARED], MIX.stationary_infonce(zero(d, r))),
    "log of exp": ([], eq(log(exp(a)), a)),
    "lse": ([POSITIVE, SUM], eq(lse(K, w, lambda k: a), a)),
    "softmax": ([POSITIVE, SUM], eq(total(K, lambda k: softmax(K, w, lambda j: a * tr(mu(j).T @ mu(j)), k)), 1)),
    "unit columns": ([], eq(total(d, lambda i: unit(i) @ unit(i).T), eye(d))),
    "kronecker": ([], eq(total(d, lambda i: total(d, lambda j: delta(i, j))), real(d))),
    "total inverse": ([], eq(inv(0), 0)),
    "total logarithm": ([a <= 0], eq(log(a), 0)),
    "within": (
        [MIX.within_fisher(A), POSITIVE, SUM, DEFINITE],
        exists(Fun(Index(K), Col(r)), lambda f: eq(A, total(K, lambda k: minv(MIX.sigma_bar) @ mu(k) @ f(k).T))),
    ),
}  # fmt: skip

FALSE = {
    "wrong sign": ([], eq((a - b) * (a - b), a * a - 2 * a * b - b * b)),
    "strict for weak": ([], num(0) < a * a),
    "definite for semidefinite": ([psd(M)], pd(M)),
    "no sum of weights": ([DEFINITE, POSITIVE], pd(MIX.sigma_bar)),
    "no positive weights": ([DEFINITE, SUM], pd(MIX.sigma_bar)),
    "wrong constant": ([psd(M)], bell(M, "1/3")),
    "no covariance": ([], bell(M, "1/2")),
    "tilted, wrong constant": ([psd(M)], tilted("1/3")),
    "tilted, the other way": ([psd(M)], tilted("1/2", -1)),
    "tilted, no covariance": ([], tilted("1/2")),
    "mean of another moderate sum": ([moderate(f)], eq(mean(M, lambda x: f(x) + a), mean(M, f) - a)),
    "not Gaussian": ([psd(M)], eq(mean(M, lambda x: tr(x.T @ x) * tr(x.T @ x)), tr(M) * tr(M) + tr(M @ M))),
    "closed form, not shared": ([POSITIVE, SUM, DEFINITE], CLOSED),
    "closed form, a thousandth": (
        [POSITIVE, SUM, DEFINITE, SHARED],
        eq(CLOSED.left, CLOSED.right + num(Fraction(1, 1000)) * tr(A.T @ A)),
    ),
    "singular": ([], eq(M @ minv(M), eye(d))),
    "order of factors": ([], eq(tr(M @ N @ M.T), tr(M @ M.T @ N.T) + tr(M) - tr(M.T) + tr(M @ N) - tr(N @ N.T))),
    "commutes": ([], eq(M @ N, N @ M)),
    "left inverse": ([], exists(Mat(r, d), lambda Y: eq(Y @ A, eye(r)))),
    "any map within": ([POSITIVE, SUM, DEFINITE], MIX.within_fisher(A)),
    "any map is stationary": ([POSITIVE, SUM, DEFINITE, SHARED], MIX.stationary_infonce(A)),
    "any map is a minimiser": ([POSITIVE, SUM, DEFINITE, SHARED], MIX.minimises_infonce(A)),
    "wrong number": ([v.HYPOTHESES["two-components"]], eq(real(K), 3)),
    "chain rule": ([], has_derivative(fn(Real, lambda s: exp(a * s)), b, exp(a * b))),
    "Jensen backwards": ([psd(M)], mean(M, lambda x: exp(tr(u.T @ x))) <= 1),
    "reciprocal of zero": ([], eq(a * inv(a), 1)),
    "exp of log": ([], eq(exp(log(a)), a)),
    "empty": ([], exists(Index(K), lambda k: eq(k, k))),
    "one for all": ([], exists(Real, lambda x: forall(Index(K), lambda k: eq(w(k), x)))),
    "orthogonal": ([eq(A.T @ A, eye(r))], eq(A @ A.T, eye(d))),
    "antecedent": ([], forall(Real, lambda x: forall(Real, lambda y: (x * x <= y * y) >> (x <= y)))),
}  # fmt: skip


@pytest.mark.parametrize("name", TRUE)
def test_true_claims_are_evaluated_and_pass(name):
    found = verdict(*TRUE[name])
    assert (found.verdict, found.true > 0) == ("true", True)


@pytest.mark.parametrize("name", FALSE)
def test_false_claims_are_found(name):
    assert verdict(*FALSE[name]).verdict == "false"


@pytest.mark.parametrize("negated", [False, True])
def test_floats_say_of_a_formula_neither_that_it_is_moderate_nor_that_it_is_not(negated):
    """exp |x|² is not, and a mean of 1 is; both are unclear, and in a conjunction and after ⟹ too."""
    for g in (fn(Col(d), lambda x: exp(tr(x.T @ x))), fn(Col(d), lambda x: mean(M, lambda y: num(1)))):
        says = ~moderate(g) if negated else moderate(g)
        assert verdict([], says).verdict == "unclear"
        assert verdict([], says & eq(a, a)).verdict == "unclear"
        assert verdict([], says & eq(a, a + 1)).verdict == "false"
        assert verdict([], says >> eq(a, a)).verdict == "skipped"  # no instance is known to satisfy it


def test_an_example_meets_a_hypothesis_that_nothing_random_does():
    """x minimises (y − a)²: a minimiser is given, up to an error, and tells what follows from what does not."""
    best = forall(Real, lambda y: (b - a) * (b - a) <= (y - a) * (y - a))
    found = {}
    for name, x in (
        ("follows", eq(b, a)),
        ("does not", eq(b, a + num(Fraction(1, 100)))),
        ("too close", eq(b, a + num("1e-9"))),
    ):
        example = {"a": 0.3, "b": 0.3, "error": 1e-8}
        found[name] = evaluate_sequent([best.term], x.term, examples=[example]).lines[-1].verdict
    assert found == {"follows": "true", "does not": "false", "too close": "true"}
    assert verdict([best], eq(b, a)).verdict == "skipped"


def test_contradictory_hypotheses_have_no_instance():
    assert verdict([eq(a, 0), ~eq(a, 0)], eq(b, 5)).verdict == "skipped"


def test_a_claim_beyond_reach_is_not_called_true_or_false():
    n = var("n", Size)
    assert verdict([], exists(Size, lambda m: real(n) * real(n) + 1 <= real(m))).verdict != "false"


DERIVED = {f.__name__: f for f in (square_root, factor, basis)}


def classical(rule: str, *terms: Expr) -> Expr:
    return Expr(RULES[rule]([], [t.term for t in terms]).conclusion)


@pytest.mark.parametrize(
    ("rule", "terms", "given"),
    [
        ("factor", [M.rows, M], [psd(M)]),
        ("spectral", [M], [eq(M, M.T)]),
        ("square_root", [a], [num(0) <= a]),
        ("factorisation", [A], []),
        ("basis", [d, K, mu], []),
        ("embedding", [r, d], [real(r) <= real(d)]),
    ],
)
def test_what_classical_theorems_choose_is_computed(rule, terms, given):
    """The chosen objects satisfy what is said of them, and a claim about them that does not follow is false."""
    s = Script("choice")
    line = s.known(DERIVED[rule], *terms) if rule in DERIVED else s.apply(rule, [], terms)
    if line.theorem.conclusion.op == "imp":
        line = s.mp(line, s.assume(line.left))
    names = []
    while line.theorem.conclusion.op == "ex":
        (x,), line = s.obtain(line, f"chosen{len(names)}")
        names.append(x)
    last = next(x for x in names if x.sort is not Size)
    entry = last if last.sort is Real else tr(last.T @ last)
    found = evaluate_lines(rule, [*entries(s), claim(line.theorem, eq(entry, 7)), *undone(s)], {}, 24)
    assert [x.verdict for x in found.lines if x.rule == "claim"] == ["false"]
    assert all(x.verdict != "false" for x in found.lines if x.rule != "claim")


def entries(s: Script) -> list[Entry]:
    return [
        (rule, groups, terms, line.theorem) for (rule, groups, terms), line in zip(s.lines, s.theorems, strict=True)
    ]


def claim(theorem: Theorem, formula: Expr) -> Entry:
    return "claim", [], [], theorem._replace(conclusion=formula.term)


def undone(s: Script) -> list[Entry]:
    """The lines that would undo the choices of a script."""
    known = Theorem(frozenset(), eq(num(0), 0).term, frozenset(), frozenset())
    return [("choose", [[e.number, e.number]], [x], known) for e, x in s._chosen]


# -- proofs -----------------------------------------------------------------------------------------------------------


@cache
def proof(name: str):
    return import_module(f"{MODULES[name]}_proof").prove().trace


@pytest.mark.parametrize(
    ("name", "share"), [("fisher-optimality", 0.85), ("temperature", 0.7), ("population-graph-equivalence", 0.7)]
)
def test_proofs_pass_and_most_of_their_lines_are_evaluated(name, share):
    found = evaluate(proof(name), instances=16)
    assert found.counterexample is None, str(found)
    assert found.count("true") >= share * len(found.lines), str(found)


def flipped(t: Term) -> Term | None:
    """A formula with its first comparison turned round, or its first number changed."""
    changed = []

    def walk(x: Term) -> Term:
        if changed or x.op not in ("le", "num"):
            return make(x.op, x.val, *map(walk, x.args))
        changed.append(x)
        return make("le", None, x.args[1], x.args[0]) if x.op == "le" else make("num", x.val + Fraction(1, 7))

    found = walk(t)
    return found if changed and found is not t else None


@pytest.mark.parametrize(("name", "least"), [("fisher-optimality", 6), ("temperature", 3)])
def test_planted_lines_are_found(name, least):
    """Change what one line claims: the check names this line, or, where the change is true as well, no other."""
    lines, definitions = replayed(proof(name))
    met = {x.line for x in evaluate_lines(name, lines, definitions, 16).lines if x.true}  # no absurd hypotheses
    candidates = [i for i in met if lines[i][0] == "arithmetic" and flipped(lines[i][3].conclusion) is not None]
    caught = 0
    for i in candidates[:: max(1, len(candidates) // 15)]:
        rule, groups, terms, t = lines[i]
        planted = [*lines[:i], (rule, groups, terms, t._replace(conclusion=flipped(t.conclusion))), *lines[i + 1 :]]
        found = evaluate_lines(name, planted, definitions, 16, only={i})
        caught += found.counterexample is not None
        if found.counterexample is not None:
            assert found.counterexample.line == i
            assert found.counterexample.instance or not t.conclusion.free
    assert caught >= least


def test_the_same_seed_gives_the_same_evaluation():
    assert str(evaluate(proof("temperature"), 8, seed=3)) == str(evaluate(proof("temperature"), 8, seed=3))


def test_exponentials_beyond_the_range_of_floats_are_not_judged():
    large = [num(400) <= a * a, eq(b, 1)]
    for sign in (1, -1):
        power = exp(sign * num(400) * a * a)
        assert verdict(large, eq(log(power), sign * num(400) * a * a)).verdict != "false"
        assert verdict(large, num(0) < power * b).verdict != "false"
