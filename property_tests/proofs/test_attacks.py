"""False scripts, each as tempting as could be: what a checker must not accept is refused, or cannot be said.

An attack is a few lines of a script that would prove what is false; it is refused where it is wrong, for that reason.
Attacks on the process come last: a script that forges lines or patches the rules convinces itself alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from thmverify.formulas import mixtures as v
from thmverify.formulas.mixtures import Mixture
from thmverify.kernel.answer import answer
from thmverify.kernel.proofs.replay import Proved, replay
from thmverify.kernel.proofs.rules import Theorem
from thmverify.kernel.proofs.terms import Term, make
from thmverify.kernel.strict import Rejected, canonical, digest
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Fun,
    Index,
    Mat,
    Prop,
    Real,
    Size,
    conj,
    delta,
    eq,
    exists,
    exp,
    eye,
    fn,
    forall,
    inv,
    log,
    lse,
    mean,
    minv,
    moderate,
    num,
    psd,
    real,
    softmax,
    total,
    tr,
    var,
    zero,
)  # fmt: skip
from thmverify.proofs.lemmas.algebra import definite_inverse, factor, no_wider, square_root
from thmverify.proofs.lemmas.basic import generating, sandwich, some_index, square_norm, vanishes
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.script import Line, Script
from thmverify.theorems.infonce.infonce_equality_two_proof import HYPOTHESES as TWO
from thmverify.theorems.infonce.infonce_equality_two_proof import equality

ROOT = Path(__file__).parents[2]
d, n, r, K = (var(x, Size) for x in ("d", "n", "r", "K"))
a, b, c, s_, t_, bias = (var(x, Real) for x in ("a", "b", "c", "s", "t", "delta"))
i, j = (var(x, Index(K)) for x in "ij")
w, z = (var(x, Family(K, Real)) for x in "wz")
mu = var("mu", Family(K, Col(d)))
A, Y = (var(x, Mat(d, r)) for x in "AY")
X, B, S = (var(x, Mat(d, d)) for x in "XBS")
u, x = var("u", Col(d)), var("x", Col(d))
f, g = (var(name, Fun(Col(d), Real)) for name in "fg")
F = var("F", Fun(Index(K), Col(d), Real))
G = var("G", Fun(Col(d), Col(d), Real))
H = var("H", Fun(Real, Col(d), Real))
label = var("label", Fun(Col(d), Index(K)))
P, Q = (var(name, Prop) for name in "PQ")

Attack = Callable[[Script], object]
ATTACKS: dict[str, tuple[Attack, str]] = {}


def refused(reason: str) -> Callable[[Attack], Attack]:
    """Register an attack, with what the refusal says."""

    def register(attack: Attack) -> Attack:
        ATTACKS[attack.__name__.strip("_")] = attack, reason
        return attack

    return register


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused(name: str) -> None:
    attack, reason = ATTACKS[name]
    with pytest.raises(Rejected, match=reason):
        attack(Script(name))


def test_the_lines_that_attacks_are_made_of_are_accepted_where_they_are_right() -> None:
    """Else an attack may be refused for another reason than the one that matters."""
    s = Script("right")
    one = s.mp(s.apply("reciprocal", [], [bias]), s.assume(~eq(bias, 0)))
    zero_ = s.assume(eq(bias * tr(A.T @ A), 0))
    s.lin(eq(tr(A.T @ A), 0), [(zero_, inv(bias)), (one, tr(A.T @ A))])
    law = s.assume(psd(S))
    s.calc(eq(mean(S, lambda xi: a * tr(xi.T @ xi)), a * tr(S)), psd=[law])
    generating(s, law, S, u)
    s.gen(s.calc(eq(total(K, lambda k: w(k) * a), a * total(K, w))), a)
    s.apply("sum_order", [[s.assume(forall(Index(K), lambda k: w(k) <= z(k)))]])
    s.taut(P >> P)


# -- roots that are not real ------------------------------------------------------------------------------------------


@refused("the value of a term")
def imaginary_number(s: Script) -> object:
    """tr((iY)ᵀ(iY)) ≥ 0."""
    return square_norm(s, Expr(make("num", 1j)) * Y)  # type: ignore[arg-type]


@refused("which is no hypothesis")
def imaginary_letter(s: Script) -> object:
    """Let i·i = −1: −|Y|² = |iY|² ≥ 0, so every Y is 0."""
    root = s.assume(eq(a * a, -1))
    below = s.lin(tr(Y.T @ Y) <= 0, [square_norm(s, a * Y)], root)
    nothing = vanishes(s, Y, sandwich(s, below, square_norm(s, Y)))
    return s.qed(nothing, {})


@refused("does not follow by propositional logic")
def imaginary_root(s: Script) -> object:
    """∃b. b·b = −1, by the theorem of roots."""
    law = s.known(square_root, -1)
    return s.taut(law.right, law)


@refused("does not follow by propositional logic")
def root_of_minus_identity(s: Script) -> object:
    """−I = NNᵀ, by Cholesky's factorisation."""
    law = s.known(factor, d, -eye(d))
    return s.obtain(s.taut(law.right, law), "N")


@refused("what is left of it")
def root_of_a_square(s: Script) -> object:
    """b ≥ 0 and b·b = a·a: b = a."""
    there = s.mp(s.known(square_root, a * a), s.lin(num(0) <= a * a, [square_norm(s, a * eye(1))]))
    (root,), line = s.obtain(there, "b")
    return s.lin(eq(root, a), [s.parts(line)[1]])


# -- division by what may be 0 ----------------------------------------------------------------------------------------


@refused("what is left of it")
def divided_by_zero(s: Script) -> object:
    """δ = 0, so δ|A|² = 0; divided by δ, A = 0."""
    never = s.assume(eq(bias, 0))
    line = s.lin(eq(bias * tr(A.T @ A), 0), [(never, tr(A.T @ A))])
    return s.lin(eq(tr(A.T @ A), 0), [(line, inv(bias))])


@refused("what is left of it")
def cancelled(s: Script) -> object:
    """δ/δ = 1."""
    return s.calc(eq(bias / bias, 1))


@refused("does not follow by propositional logic")
def reciprocal_of_anything(s: Script) -> object:
    """δ·δ⁻¹ = 1, by the rule, which asks for δ ≠ 0."""
    law = s.apply("reciprocal", [], [bias])
    return s.taut(law.right, law)


@refused("a comparison is multiplied by a number ≥ 0")
def divided_comparison(s: Script) -> object:
    """0 ≤ δa gives 0 ≤ a, times 1/δ."""
    line = s.assume(num(0) <= bias * a)
    return s.apply("arithmetic", [[line], [], [], []], [num(0) <= a, inv(bias)])


@refused("what is left of it")
def inverse_of_a_singular_matrix(s: Script) -> object:
    """XX⁻¹ = I for every X."""
    return s.calc(eq(X @ minv(X), eye(d)))


@refused("does not follow by propositional logic")
def inverse_of_a_semidefinite_matrix(s: Script) -> object:
    """X ⪰ 0 has an inverse."""
    law = s.known(definite_inverse, d, X)
    return s.taut(law.right, law, s.assume(psd(X)))


@refused("what is left of it")
def logarithm_of_a_product(s: Script) -> object:
    """log ab = log a + log b, for negative a and b too."""
    return s.calc(eq(log(a * b), log(a) + log(b)))


@refused("what is left of it")
def exponential_of_a_logarithm(s: Script) -> object:
    """exp log a = a."""
    return s.calc(eq(exp(log(a)), a))


# -- variables that something fixes -----------------------------------------------------------------------------------


@refused("a hypothesis speaks of it")
def derivative_in_what_is_fixed(s: Script) -> object:
    """δ = 1 gives δ|A|² = |A|², for every δ; both sides have one derivative, so |A|² = 0."""
    always, size = s.assume(eq(bias, 1)), tr(A.T @ A)
    same = s.gen(s.lin(eq(bias * size, size), [(always, size)]), bias)
    moved = s.apply("differentiate", [[], [], []], [fn(Real, lambda t: t * size), fn(Real, lambda t: size)])
    return s.rewrite(same, s.spec(moved, 0))


@refused("expected the derivative a, found 0")
def derivative_with_an_equation(s: Script) -> object:
    """The same, with δ = 1 as an equation to rewrite the derivative with."""
    always = s.assume(eq(bias, 1))
    return s.apply("differentiate", [[always], [], []], [fn(Real, lambda t: t * a), fn(Real, lambda t: num(0))])


@refused("not of one function at one point")
def derivatives_of_two_functions(s: Script) -> object:
    """λt. ta and λt. a agree at 1, so their derivatives do."""
    left = s.apply("differentiate", [[], [], []], [fn(Real, lambda t: t * a), fn(Real, lambda t: a)])
    right = s.apply("differentiate", [[], [], []], [fn(Real, lambda t: a), fn(Real, lambda t: num(0))])
    return s.apply("one_derivative", [[s.spec(left, 1), s.spec(right, 1)]])


@refused("a hypothesis speaks of it")
def means_of_a_centred_mixture(s: Script) -> object:
    """Centred: tr(Yᵀμ̄) = 0, for all means; so it is 0 at means that are all Y."""
    centred = s.assume(v.CENTRED)
    line = s.lin(eq(tr(x.T @ total(v.K, lambda k: v.w(k) * v.mu(k))), 0), [(centred, 1, x.T, eye(1))])
    return s.spec(s.gen(line, v.mu), fn(Index(v.K), lambda k: x))


@refused("is not for all values of something")
def a_given_at_another_value(s: Script) -> object:
    """s ≥ 1, at s = 0."""
    return s.spec(s.assume(num(1) <= s_), 0)


@refused("a hypothesis speaks of it")
def a_given_for_all_values(s: Script) -> object:
    """s ≥ 1, so (s − 1)|A|² ≥ 0, so for all s; at s = 0, −|A|² ≥ 0."""
    line = s.apply("product", [[s.assume(num(1) <= s_), square_norm(s, A)]])
    return s.spec(s.gen(line, s_), 0)


@refused("a hypothesis speaks of it")
def what_is_chosen_for_all_values(s: Script) -> object:
    """Choose c ≥ 1; so every number is ≥ 1."""
    there = s.exhibit(exists(Real, lambda t: num(1) <= t), 1, s.calc(num(1) <= 1))
    (chosen,), line = s.obtain(there, "chosen")
    return s.gen(line, chosen)


@refused("is chosen, and yet something else speaks of it")
def what_is_chosen_in_the_conclusion(s: Script) -> object:
    """Choose c ≥ 1 by the name of a letter in use: so that letter is ≥ 1."""
    there = s.exhibit(exists(Real, lambda t: num(1) <= t), 1, s.calc(num(1) <= 1))
    _, line = s.obtain(there, "delta")
    return s.qed(s.both(line, s.assume(v.BIAS_RANGE)), {"bias-range": v.BIAS_RANGE})


@refused("is chosen, and yet something else speaks of it")
def a_size_of_the_model_is_chosen(s: Script) -> object:
    """Let K = 2, where weights-sum speaks of K: infonce-equality for every K, by the script for two components."""
    two_ = Expr(make("lit", 2))
    there = s.exhibit(exists(Size, lambda m: eq(real(m), 2)), two_, s.calc(eq(real(two_), 2)))
    _, line = s.obtain(there, "K")
    weights = s.assume(v.WEIGHTS_SUM)
    return s.qed(s.both(s.lin(num(1) <= real(v.K), [line]), weights), {"weights-sum": v.WEIGHTS_SUM})


@refused("n is not a variable, or a hypothesis speaks of it")
def a_size_that_a_sort_depends_on(s: Script) -> object:
    """M: n × n is 0 for every n, as it is for n = 0."""
    M = var("M", Mat(n, n))
    line = s.lin(eq(tr(M), 0), [(s.assume(eq(M, zero(n, n))), 1, eye(n), eye(n))])
    return s.gen(line, n)


@refused("does not follow by propositional logic")
def quantifiers_exchanged(s: Script) -> object:
    """∀a. ∃b. a < b, so ∃b. ∀a. a < b."""
    line = s.gen(s.exhibit(exists(Real, lambda t: a < t), a + 1, s.calc(a < a + 1)), a)
    return s.taut(exists(Real, lambda t: forall(Real, lambda y: y < t)), line)


@refused("expected the premise")
def witness_that_depends_on_what_is_for_all(s: Script) -> object:
    """The same, with a + 1 as the witness."""
    line = s.gen(s.calc(a < a + 1), a)
    return s.exhibit(exists(Real, lambda t: forall(Real, lambda y: y < t)), a + 1, line)


@refused("for every index something exists")
def a_choice_for_every_number(s: Script) -> object:
    """The rule of choice, over real numbers."""
    line = s.gen(s.exhibit(exists(Real, lambda t: a < t), a + 1, s.calc(a < a + 1)), a)
    return s.apply("choice", [[line]])


@refused("does not follow by propositional logic")
def two_that_exist_are_one(s: Script) -> object:
    """∃a. a < 0 and ∃a. 0 < a, so ∃a. a < 0 < a."""
    low, high = exists(Real, lambda t: t < 0), exists(Real, lambda t: num(0) < t)
    return s.taut(exists(Real, lambda t: (t < 0) & (num(0) < t)), s.assume(low), s.assume(high))


# -- random columns in what looks constant ----------------------------------------------------------------------------


@refused("what is left of it")
def opaque_factor(s: Script) -> object:
    """E f(ξ)|ξ|² = E f(ξ) tr Σ."""
    law = s.assume(psd(S))
    whole = mean(S, lambda xi: f(xi) * tr(xi.T @ xi))
    return s.calc(eq(whole, mean(S, f) * tr(S)), psd=[law])


@refused("what is left of it")
def opaque_value(s: Script) -> object:
    """E f(ξ) = f(x) at every x."""
    return s.calc(eq(mean(S, f), f(x)), psd=[s.assume(psd(S))])


@refused("what is left of it")
def opaque_exponent(s: Script) -> object:
    """E exp(f(ξ)bᵀξ) = exp(½f(x)²bᵀΣb), with the law for every b to rewrite with."""
    law = s.gen(generating(s, s.assume(psd(S)), S, u), u)
    whole = mean(S, lambda xi: exp(f(xi) * tr(u.T @ xi)))
    return s.calc(eq(whole, exp(num("1/2") * f(x) * f(x) * tr(u.T @ S @ u))), law)


@refused("a variable that nothing binds")
def exponent_that_is_random(s: Script) -> object:
    """The law of E exp(bᵀξ), with the random column itself as b."""
    bound = make("bound", 0, Col(d))
    return generating(s, s.assume(psd(S)), S, bound)


@refused("not seen to be tame")
def weights_that_are_random(s: Script) -> object:
    """E of log-sum-exps compared, whose weights are random."""
    soft = fn(Col(d), lambda xi: lse(K, lambda k: w(k) * f(xi), z))
    line = s.gen(s.lin(soft(x) <= soft(x) + 1, []), x)
    return s.apply("mean_order", [[line], [s.assume(forall(Index(K), lambda k: num(0) < w(k)))]], [S])


@refused("not seen to be tame")
def means_that_do_not_exist(s: Script) -> object:
    """1 ≤ exp(|ξ|²) gives 1 ≤ E exp(|ξ|²), which is 0 where it does not exist."""
    power = tr(x.T @ x)
    grows = s.parts(s.apply("exponential", [], [power]))[0]
    line = s.lin(num(1) <= exp(power), [grows, square_norm(s, x)])
    return s.apply("mean_order", [[s.gen(line, x)], []], [S])


@refused("not seen to be tame")
def exchanged_means_that_do_not_exist(s: Script) -> object:
    """E exp((Xξ)ᵀBξ) with a noise of its own on either side, in one order and in the other."""
    apart = s.assume(eq(X @ S @ B.T, zero(d, d)))
    product = fn(Col(d), lambda u: fn(Col(d), lambda v: exp(tr(u.T @ v))))
    return s.apply("split", [[s.assume(psd(S)), apart], []], [S, X, B, product])


@refused("what is left of it")
def moments_of_what_is_no_covariance(s: Script) -> object:
    """E|ξ|² = tr Σ, whatever Σ: for Σ = −I it would be negative."""
    return s.calc(eq(mean(S, lambda xi: tr(xi.T @ xi)), tr(S)))


@refused("expected the premise")
def law_of_what_is_no_covariance(s: Script) -> object:
    """E exp(bᵀξ) = exp(½bᵀΣb), from Σ = Σᵀ alone."""
    return generating(s, s.assume(eq(S, S.T)), S, u)


@refused("expected the premise")
def independent_of_itself(s: Script) -> object:
    """Xξ and Xξ are independent, since AΣBᵀ = 0 for two other matrices."""
    line = s.assume(eq(X @ S @ B.T, zero(d, d)))
    product = fn(Col(d), lambda p: fn(Col(d), lambda q: tr(p.T @ q)))
    return s.apply("split", [[s.assume(psd(S)), line], []], [S, X, X, product])


@refused("what is left of it")
def uncorrelated_with_a_weight_that_holds_it(s: Script) -> object:
    """E π(ξ)|Vᵀξ|² = 0, as ξ has mean 0."""
    law, positive = s.assume(psd(S)), s.assume(forall(Index(K), lambda k: num(0) < w(k)))
    weight = lambda xi: softmax(K, w, lambda k: tr(mu(k).T @ xi), i)  # noqa: E731
    return s.calc(eq(mean(S, lambda xi: weight(xi) * tr(xi.T @ X @ xi)), 0), psd=[law], positive=[positive])


@refused("what is left of it")
def mean_of_a_square_is_the_square_of_the_mean(s: Script) -> object:
    """E (bᵀξ)² = (E bᵀξ)² = 0."""
    return s.calc(eq(mean(S, lambda xi: tr(u.T @ xi) * tr(u.T @ xi)), 0), psd=[s.assume(psd(S))])


# -- moderate functions, and means that are tilted --------------------------------------------------------------------

MODERATE = moderate(f)
ALL_MODERATE = forall(Index(K), lambda k: moderate(F(k)))
POSITIVE = forall(Index(K), lambda k: num(0) < w(k))


def average(s: Script, value: Callable[[Expr], Expr], *given: Expr) -> Line:
    """0 ≤ E t, from 0 ≤ t everywhere: false where t is measurable nowhere, or has no mean, at t + 1 for example."""
    line = s.assume(forall(Col(d), lambda x: num(0) <= value(x)))
    return s.apply("mean_order", [[line], [s.assume(h) for h in given]], [S])


def slope(s: Script, value: Callable[[Expr], Expr], derivative: Callable[[Expr], Expr], *given: Expr) -> Line:
    """The derivative of a mean in t."""
    return s.apply("differentiate", [[], [s.assume(h) for h in given], []], [fn(Real, value), fn(Real, derivative)])


def none(_: Expr) -> Expr:
    """0, for the derivative of what seems to be constant."""
    return num(0)


def test_the_lines_that_attacks_on_moderate_functions_are_made_of_are_accepted_where_they_are_right() -> None:
    s = Script("right")
    steep, power = moderate(fn(Col(d), lambda x: exp(f(x)))), fn(Col(d), lambda x: exp(2 * f(x)))
    inner = fn(Col(d), lambda x: mean(S, lambda y: f(x + y)))
    rate = fn(Real, lambda t: fn(Col(d), lambda x: exp(t * tr(u.T @ x))))
    average(s, lambda x: f(X @ x + u) * exp(tr(u.T @ x)), MODERATE)
    average(s, lambda x: F(i, x), ALL_MODERATE)
    average(s, inner, MODERATE)
    average(s, lambda x: exp(f(x) + tr(u.T @ x)), steep)
    average(s, lambda x: G(u, x), forall(Col(d), lambda y: moderate(G(y))))
    s.calc(
        eq(mean(S, lambda x: power(x) + f(x)), mean(S, power) + mean(S, f)),
        positive=[s.assume(steep), s.assume(MODERATE)],
    )
    slope(s, lambda t: mean(S, lambda x: t * t * f(x)), lambda t: 2 * t * mean(S, f), MODERATE)
    slope(
        s,
        lambda t: mean(S, lambda x: rate(t)(x) * inner(x)),
        lambda t: mean(S, lambda x: tr(u.T @ x) * rate(t)(x) * inner(x)),
        MODERATE,
    )
    raised = fn(Real, lambda t: mean(S, lambda x: exp(t + f(x))))
    slope(s, raised, raised, steep)
    s.rewrite(s.assume(forall(Col(d), lambda y: eq(g(y), f(y)))), s.assume(moderate(fn(Col(d), g))))


@refused("what is left of it")
def power_that_is_not_whole(s: Script) -> object:
    """exp b is moderate, so E(exp(−b) + 1) = E exp(−b) + 1. For b(x) = −|x|² no mean exists: 0 = 0 + 1."""
    given = s.assume(moderate(fn(Col(d), lambda x: exp(f(x)))))
    return s.calc(eq(mean(S, lambda x: exp(-f(x)) + 1), mean(S, lambda x: exp(-f(x))) + 1), positive=[given])


@refused("what is left of it")
def power_below_a_sum(s: Script) -> object:
    """The same with Σ_k exp(−b_k)."""
    given = s.assume(forall(Index(K), lambda k: moderate(fn(Col(d), lambda x: exp(F(k, x))))))
    whole = mean(S, lambda x: total(K, lambda k: exp(-F(k, x))))
    return s.calc(eq(whole, total(K, lambda k: mean(S, lambda x: exp(-F(k, x))))), positive=[given])


@refused("not seen to be tame")
def exponential_of_a_moderate_function(s: Script) -> object:
    """|x|² is moderate, exp(|x|²) is not."""
    return average(s, lambda x: exp(f(x)), MODERATE)


@refused("not seen to be tame")
def moderate_at_a_square(s: Script) -> object:
    """exp(bᵀx) is moderate, exp(|x|²bᵀx) is not."""
    return average(s, lambda x: f(tr(x.T @ x) * x), MODERATE)


@refused("not seen to be tame")
def moderate_at_a_product_of_two_columns(s: Script) -> object:
    """E_ξ E_η f(ξᵀη b), where one of the columns is outside."""
    return average(s, lambda x: mean(S, lambda y: f(tr(x.T @ y) * u)), MODERATE)


@refused("not seen to be tame")
def moderate_at_an_exponential(s: Script) -> object:
    """f(exp(bᵀx)x)."""
    return average(s, lambda x: f(exp(tr(u.T @ x)) * x), MODERATE)


@refused("not seen to be tame")
def moderate_at_a_moderate_column(s: Script) -> object:
    """f(g(x)b)."""
    return average(s, lambda x: f(g(x) * u), MODERATE, moderate(g))


@refused("not seen to be tame")
def one_of_moderate_functions_by_lot(s: Script) -> object:
    """Each F_k is moderate; F_label(x)(x) need not be measurable, as the label need not be."""
    return average(s, lambda x: F(label(x), x), ALL_MODERATE)


@refused("not seen to be tame")
def random_parameter(s: Script) -> object:
    """Each H_t is moderate, in t anything."""
    return average(s, lambda x: H(tr(u.T @ x), x), forall(Real, lambda t: moderate(H(t))))


@refused("not seen to be tame")
def the_diagonal_of_a_family(s: Script) -> object:
    """Each λx. G(y, x) is moderate; λx. G(x, x) is any function."""
    return average(s, lambda x: G(x, x), forall(Col(d), lambda y: moderate(G(y))))


@refused("not seen to be tame")
def in_each_of_two_columns(s: Script) -> object:
    """G is moderate in each of its columns, and not in both: Fubini fails (Sierpiński)."""
    first = forall(Col(d), lambda y: moderate(fn(Col(d), lambda x: G(x, y))))
    return average(s, lambda x: mean(S, lambda y: G(x, y)), first, forall(Col(d), lambda y: moderate(G(y))))


@refused("not seen to be tame")
def moderate_under_a_random_covariance(s: Script) -> object:
    """E_η f(η), η ~ N(|ξ|²Σ)."""
    return average(s, lambda x: mean(tr(x.T @ x) * S, f), MODERATE)


@refused("not seen to be tame")
def factor_of_a_moderate_function(s: Script) -> object:
    """a·bᵀx is moderate for every a; so for a = g(x)."""
    given = forall(Real, lambda t: moderate(fn(Col(d), lambda x: t * tr(u.T @ x))))
    return average(s, lambda x: g(x) * tr(u.T @ x), given)


@refused("not seen to be tame")
def summand_of_a_moderate_function(s: Script) -> object:
    """a + bᵀx is moderate for every a; so for a = g(x)."""
    given = forall(Real, lambda t: moderate(fn(Col(d), lambda x: t + tr(u.T @ x))))
    return average(s, lambda x: g(x) + tr(u.T @ x), given)


@refused("not seen to be tame")
def constants_are_moderate(s: Script) -> object:
    """λx. a is moderate for every number a; so for a = g(x)."""
    given = forall(Real, lambda t: moderate(fn(Col(d), lambda _: t)))
    return average(s, g, given)


@refused("not seen to be tame")
def values_at_two_indices(s: Script) -> object:
    """F_k² is moderate for every k; F_iF_j need not be."""
    given = forall(Index(K), lambda k: moderate(fn(Col(d), lambda x: F(k, x) * F(k, x))))
    return average(s, lambda x: F(i, x) * F(j, x), given)


@refused("not seen to be tame")
def twice_the_same_column(s: Script) -> object:
    """λx. G(x, x) is moderate; E G(ξ, 2ξ)."""
    return average(s, lambda x: G(x, 2 * x), moderate(fn(Col(d), lambda x: G(x, x))))


@refused("not seen to be tame")
def moderate_for_each_of_no_indices(s: Script) -> object:
    """g is moderate for each index below 0."""
    return average(s, g, forall(Index(0), lambda _: moderate(g)))


@refused("a theorem about weights reads")
def moderate_under_a_condition(s: Script) -> object:
    """P ⟹ g is moderate."""
    return average(s, g, P >> moderate(g))


@refused("a comparison at one column is of continuous functions")
def positive_at_one_column(s: Script) -> object:
    """f(Σx) = 1 and f = 0 elsewhere: 0 < E f."""
    lines = [s.assume(forall(Col(d), lambda y: num(0) <= f(y))), s.assume(num(0) < f(S @ x)), s.assume(psd(S))]
    return s.apply("mean_order", [lines, [s.assume(MODERATE)]], [S, x])


@refused("what is not tame is not differentiated under a mean")
def derivative_along_a_shift(s: Script) -> object:
    """d/dt E f(ξ + tb) = 0, with the noise 0: f need have no derivative."""
    return slope(s, lambda t: mean(S, lambda x: f(x + t * u)), none, MODERATE)


@refused("what is not tame is not differentiated under a mean")
def derivative_in_what_the_theorem_is_for_all_of(s: Script) -> object:
    """d/dt E H_t(ξ) = 0, as each H_t is moderate, of whatever t."""
    return slope(s, lambda t: mean(S, lambda x: H(t, x)), none, forall(Real, lambda t: moderate(H(t))))


@refused("what is not tame is not differentiated under a mean")
def derivative_under_a_sum_in_a_mean(s: Script) -> object:
    """d/dt E Σ_k H_{tw_k}(ξ)."""
    value = lambda t: mean(S, lambda x: total(K, lambda k: H(t * w(k), x)))  # noqa: E731
    return slope(s, value, none, forall(Real, lambda t: moderate(H(t))))


@refused("what is not tame is not differentiated under a mean")
def derivative_under_a_mean_in_a_mean(s: Script) -> object:
    """d/dt E_ξ bᵀξ E_η H_t(η): t is not random, and a function of it all the same."""
    value = lambda t: mean(S, lambda x: tr(u.T @ x) * mean(S, H(t)))  # noqa: E731
    return slope(s, value, none, forall(Real, lambda t: moderate(H(t))))


@refused("what is not tame is not differentiated under a mean")
def derivative_of_a_rate(s: Script) -> object:
    """d/dt E exp(tf(ξ)), from exp tf moderate for each t: no bound is for all of them at once."""
    given = forall(Real, lambda t: moderate(fn(Col(d), lambda x: exp(t * f(x)))))
    value = lambda t: mean(S, lambda x: exp(t * f(x)))  # noqa: E731
    return slope(s, value, lambda t: mean(S, lambda x: f(x) * exp(t * f(x))), given, MODERATE)


@refused("ap is not differentiated here")
def derivative_of_a_moderate_function(s: Script) -> object:
    """d/dt f(tb)·E f(ξ)."""
    return slope(s, lambda t: f(t * u) * mean(S, f), none, MODERATE)


@refused("ap is not differentiated here")
def derivative_in_logits(s: Script) -> object:
    """d/dt E log Σ_k w_k exp(f(tb) + μ_kᵀξ): the logits are polynomials in ξ."""
    value = lambda t: mean(S, lambda x: lse(K, w, lambda k: f(t * u) + tr(mu(k).T @ x)))  # noqa: E731
    return slope(s, value, none, MODERATE, POSITIVE)


@refused("ap is not differentiated here")
def derivative_in_logits_of_a_weight(s: Script) -> object:
    """The same for softmax weights."""
    value = lambda t: mean(S, lambda x: softmax(K, w, lambda k: f(t * u) + tr(mu(k).T @ x), i))  # noqa: E731
    return slope(s, value, none, MODERATE, POSITIVE)


@refused("what is not tame is not differentiated under a mean")
def derivative_of_logits_that_are_moderate(s: Script) -> object:
    """d/dt E log Σ_k w_k exp(tF_k(ξ))."""
    value = lambda t: mean(S, lambda x: lse(K, w, lambda k: t * F(k, x)))  # noqa: E731
    return slope(s, value, none, ALL_MODERATE, POSITIVE)


@refused("a size, an index or a covariance depends on the number")
def derivative_in_a_covariance(s: Script) -> object:
    """d/dt E f(ξ), ξ ~ N(t²Σ)."""
    return slope(s, lambda t: mean(t * t * S, f), none, MODERATE)


def bounded(s: Script, value: Callable[[Expr], Expr], *given: Expr) -> Line:
    """A function that lies between 0 and 1 is moderate."""
    bounds = [forall(Col(d), lambda x: num(0) <= value(x)), forall(Col(d), lambda x: value(x) <= 1)]
    return s.apply("moderate", [[s.assume(h) for h in bounds], [s.assume(h) for h in given]], [fn(Col(d), value)])


def test_bounded_measurable_functions_are_moderate() -> None:
    s = Script("right")
    bounded(s, lambda x: f(x) * inv(log(tr(x.T @ x))), MODERATE)
    bounded(s, lambda x: softmax(K, lambda k: F(k, x), lambda k: mean(S, lambda y: F(k, exp(tr(x.T @ y)) * x)), i),
            ALL_MODERATE)  # fmt: skip


@refused("not seen to be measurable")
def bounded_functions_are_moderate(s: Script) -> object:
    """0 ≤ g ≤ 1: the indicator of a set that is not measurable."""
    return bounded(s, g)


@refused("not seen to be measurable")
def bounded_label(s: Script) -> object:
    """[label(x) = i]: the same."""
    return bounded(s, lambda x: delta(label(x), i))


@refused("not seen to be measurable")
def bounded_value_of_a_label(s: Script) -> object:
    """w_label(x)."""
    return bounded(s, lambda x: w(label(x)))


@refused("not seen to be measurable")
def bounded_softmax_weight_of_a_label(s: Script) -> object:
    """softmax_label(x)(w, z)."""
    return bounded(s, lambda x: softmax(K, w, z, label(x)))


@refused("not seen to be measurable")
def bounded_sum(s: Script) -> object:
    """Σ_k G(μ_k, x)."""
    return bounded(s, lambda x: total(K, lambda k: G(mu(k), x)), MODERATE)


@refused("not seen to be measurable")
def bounded_mean(s: Script) -> object:
    """E_η G(x, η), as each λη. G(x, η) is moderate."""
    return bounded(s, lambda x: mean(S, G(x)), forall(Col(d), lambda y: moderate(G(y))))


@refused("not seen to be measurable")
def bounded_mean_of_random_noise(s: Script) -> object:
    """E_η f(η), η ~ N(|x|²Σ): the rule does not look at laws."""
    return bounded(s, lambda x: mean(tr(x.T @ x) * S, f), MODERATE)


@refused("not seen to be measurable")
def bounded_weights(s: Script) -> object:
    """log Σ_k g(x)exp z_k."""
    return bounded(s, lambda x: lse(K, lambda _: g(x), z))


@refused("not seen to be tame")
def bounds_that_are_not_tame(s: Script) -> object:
    """0 ≤ exp(|x|²) ≤ exp(|x|²)."""
    power = fn(Col(d), lambda x: exp(tr(x.T @ x)))
    bounds = [s.gen(s.lin(num(0) <= power(x), [s.parts(s.apply("exponential", [], [tr(x.T @ x)]))[1]]), x),
              s.gen(s.calc(power(x) <= power(x)), x)]  # fmt: skip
    return s.apply("moderate", [bounds, []], [power])


@refused("not seen to be tame")
def no_bounds(s: Script) -> object:
    """exp(|x|²) is measurable, so it is moderate."""
    return s.apply("moderate", [[], []], [fn(Col(d), lambda x: exp(tr(x.T @ x)))])


@refused("is not given what it takes")
def one_bound(s: Script) -> object:
    """0 ≤ exp(|x|²)."""
    power = fn(Col(d), lambda x: exp(tr(x.T @ x)))
    return s.apply("moderate", [[s.assume(forall(Col(d), lambda x: num(0) <= power(x)))], []], [power])


@refused("expected the premise")
def bounds_of_another_function(s: Script) -> object:
    """0 ≤ f ≤ 1, so exp(|x|²) is moderate."""
    bounds = [forall(Col(d), lambda x: num(0) <= f(x)), forall(Col(d), lambda x: f(x) <= 1)]
    return s.apply("moderate", [[s.assume(h) for h in bounds], []], [fn(Col(d), lambda x: exp(tr(x.T @ x)))])


@refused("what is left of it")
def tilted_the_other_way(s: Script) -> object:
    """E exp(bᵀξ)f(ξ) = exp(½bᵀΣb) E f(ξ − Σb)."""
    law = s.apply("tilt", [[s.assume(psd(S))]], [S, u, f])
    tilted = mean(S, lambda xi: exp(tr(u.T @ xi)) * f(xi))
    return s.lin(eq(tilted, exp(num("1/2") * tr(u.T @ S @ u)) * mean(S, lambda xi: f(xi - S @ u))), [law])


@refused("expected the premise")
def tilted_without_a_covariance(s: Script) -> object:
    """The law for Σ = −I, a point at 0: f(0) = exp(−½|b|²)f(0)."""
    return s.apply("tilt", [[s.assume(eq(S, S.T))]], [S, u, f])


@refused("a variable that nothing binds")
def tilted_by_what_is_random(s: Script) -> object:
    """E exp(ξᵀξ)f(ξ) = exp(½ξᵀΣξ) E f(ξ + Σξ)."""
    return s.apply("tilt", [[s.assume(psd(S))]], [S, make("bound", 0, Col(d)), f])


@refused("what is left of it")
def tilted_means_that_do_not_exist(s: Script) -> object:
    """E exp(bᵀξ)(exp(|ξ|²) + 1) = exp(½bᵀΣb)(E exp(|ξ + Σb|²) + 1): the law says 0 = 0 where they do not exist."""
    power = fn(Col(d), lambda xi: exp(tr(xi.T @ xi)))
    law = s.apply("tilt", [[s.assume(psd(S))]], [S, u, fn(Col(d), lambda xi: power(xi) + 1)])
    high = exp(num("1/2") * tr(u.T @ S @ u)) * (mean(S, lambda xi: power(xi + S @ u)) + 1)
    return s.lin(eq(law.left, high), [law])


# -- scalars and words ------------------------------------------------------------------------------------------------


@refused("what is left of it")
def trace_as_a_word(s: Script) -> object:
    """tr(X)B = XB."""
    return s.calc(eq(tr(X) * B, X @ B))


@refused("what is left of it")
def trace_as_a_word_in_a_mean(s: Script) -> object:
    """E tr(tr(X)ξξᵀ) = tr(XΣ)."""
    return s.calc(eq(mean(S, lambda xi: tr(tr(X) * (xi @ xi.T))), tr(X @ S)), psd=[s.assume(psd(S))])


@refused("what is left of it")
def factors_commute(s: Script) -> object:
    """XB = BX."""
    return s.calc(eq(X @ B, B @ X))


@refused("what is left of it")
def trace_of_three(s: Script) -> object:
    """tr(XBS) = tr(BXS): cyclic, and more."""
    return s.calc(eq(tr(X @ B @ S), tr(B @ X @ S)))


@refused("what is left of it")
def transposed_in_order(s: Script) -> object:
    """(XB)ᵀ = XᵀBᵀ."""
    return s.calc(eq((X @ B).T, X.T @ B.T))


@refused("a matrix is expected here")
def scalar_in_a_word(s: Script) -> object:
    """The word aX, a being a number."""
    return s.calc(eq(Expr(make("dot", None, a.term, X.term)), X))


@refused("eq does not take")
def a_matrix_that_is_a_number(s: Script) -> object:
    """X = tr X, for a matrix of any size."""
    return s.assume(Expr(make("eq", None, X.term, tr(X).term)))


@refused("a comparison is multiplied by a number ≥ 0")
def square_with_a_negative_coefficient(s: Script) -> object:
    """|Y|² is a square; so is −|Y|², whose word is the same."""
    return s.lin(num(0) <= -tr(Y.T @ Y), [square_norm(s, Y)])


@refused("what is left of it")
def square_between_others(s: Script) -> object:
    """0 ≤ tr(XYYᵀ), from 0 ≤ tr(YYᵀ)."""
    return s.lin(num(0) <= tr(X @ Y @ Y.T), [square_norm(s, Y)])


# -- sizes ------------------------------------------------------------------------------------------------------------


@refused("what is left of it")
def convex_for_few_sizes(s: Script) -> object:
    """(5 − K)·t ≥ 0 for t ≥ 0, as for K = 1, …, 4."""
    few = s.apply("sizes", [], [K, var("five", Size)])
    gap = s.assume(num(0) <= t_)
    return s.lin(num(0) <= (5 - real(K)) * t_, [gap, s.parts(few)[0]])


@refused("lies below its size")
def first_index_of_any_size(s: Script) -> object:
    """The first of K components, for K = 0 too."""
    return s.calc(eq(delta(Expr(make("nth", 0, K.term)), i), 1))


@refused("what is left of it")
def sum_of_two_for_every_size(s: Script) -> object:
    """Σ_k w_k = w_0 + w_1, at K = 2, and so at K."""
    some = s.lin(eq(total(2, lambda k: a), 2 * a), [])
    return s.lin(eq(total(K, lambda k: a), 2 * a), [some])


@refused("what is left of it")
def no_sum_is_empty(s: Script) -> object:
    """Σ_k 1 ≥ 1."""
    return s.lin(num(1) <= total(K, lambda k: num(1)), [s.parts(s.apply("sizes", [], [K, K]))[0]])


@refused("expected the premise")
def strict_sum_that_may_be_empty(s: Script) -> object:
    """0 < w_k for all k, so 0 < Σ_k w_k, without a k."""
    return s.apply("sum_order", [[s.assume(forall(Index(K), lambda k: num(0) < w(k)))]])


@refused("what is left of it")
def rank_at_least_one(s: Script) -> object:
    """A = FH with independent columns: F has a column, so A ≠ 0; infonce-equality-two without δ > 0."""
    (rho, *_), _ = s.obtain(s.apply("factorisation", [], [A]), "rho", "F", "F⁺", "H", "H⁺")
    return s.lin(num(1) <= real(rho), [s.parts(s.apply("sizes", [], [rho, r]))[0]])


@refused("does not follow by propositional logic")
def rank_at_most_anything(s: Script) -> object:
    """A basis of R^d has K − 1 columns or fewer, as the means have: its columns need not be theirs."""
    law = no_wider(s, var("G", Mat(d, K)), var("H", Mat(K, d)))
    return s.taut(law.right, law)


# -- definitions ------------------------------------------------------------------------------------------------------


@refused("defined already, as something else")
def two_definitions(s: Script) -> object:
    """Let y = 0 and y = |A|²."""
    s.define("y", [d, r, A], num(0))
    return s.define("y", [d, r, A], tr(A.T @ A))


@refused("is defined already")
def two_definitions_by_force(s: Script) -> object:
    """The same, past the script's own test."""
    s.theory.define("y", (), num(0).term)
    s.theory.define("y", (), num(1).term)
    return s


@refused("speaks of more than its parameters")
def definition_of_a_letter(s: Script) -> object:
    """Let y be |A|², for the A of the theorem and no other."""
    return s.define("y", [], tr(A.T @ A))


@refused("is not defined")
def circular_definition(s: Script) -> object:
    """Let f(a) = f(a) + 1."""
    loop = Expr(s.theory.constant("f", (a.term,)))
    return s.define("f", [a], loop + 1)


@refused("does not follow by propositional logic")
def definition_of_a_letter_of_the_model(s: Script) -> object:
    """Let K = 2, by a definition of that name: it is another K."""
    s.define("K", [], num(2))
    return s.taut(eq(real(v.K), 2), s.unfold("K"))


@refused("does not follow by propositional logic")
def definition_that_is_an_axiom(s: Script) -> object:
    """Let MinimisesInfoNCE(A) mean that it implies what is to be proved."""
    mix = Mixture(s)
    goal = mix.spans_fisher(v.A)
    s.define("Optimal", [v.d, v.K, v.r, v.w, v.mu, v.Sigma, v.A], goal)
    means = s.unfold("Optimal", v.d, v.K, v.r, v.w, v.mu, v.Sigma, v.A)
    return s.taut(mix.minimises_infonce(v.A) >> goal, means)


@refused("defined already, as something else")
def loss_of_the_script(s: Script) -> object:
    """InfoNCE means 0, and whatever speaks of it speaks of that."""
    s.define("InfoNCE", [v.d, v.K, v.r, v.w, v.mu, v.Sigma, v.delta, v.A], num(0))
    return Mixture(s).minimises_infonce(v.A)


@refused("takes the place of X")
def definition_at_another_shape(s: Script) -> object:
    """A predicate of square matrices, of one that is not."""
    return s.define("Square", [d, X], eq(X, X.T))(d, A)


# -- what is supposed -------------------------------------------------------------------------------------------------


@refused("which is no hypothesis")
def nothing_has_the_property(s: Script) -> object:
    """Suppose that some N has −I = NNᵀ."""
    there = s.assume(exists(Mat(d, d), lambda N: eq(-eye(d), N @ N.T)))
    (N,), line = s.obtain(there, "N")
    below = s.lin(tr(eye(d)) <= 0, [square_norm(s, N.T), (line, 1, eye(d), eye(d))])
    return s.qed(below, {})


@refused("what is left of it")
def uniqueness(s: Script) -> object:
    """Two matrices that are least are equal: nothing says that there is only one."""
    value = var("L", Fun(Mat(d, r), Real))
    least = lambda Z: forall(Mat(d, r), lambda W: value(Z) <= value(W))  # noqa: E731
    p, q = s.assume(least(A)), s.assume(least(Y))
    low, high = s.spec(p, Y), s.spec(q, A)
    same = sandwich(s, low, high)
    return s.lin(eq(A, Y), [(same, A)])


@refused("what is left of it")
def what_is_chosen_twice(s: Script) -> object:
    """Chosen twice from one existence, it is the same."""
    there = s.assume(exists(Real, lambda t: num(0) < t))
    (first,), _ = s.obtain(there, "p")
    (second,), _ = s.obtain(there, "q")
    return s.calc(eq(first, second))


@refused("does not follow by propositional logic")
def one_of_many_best_approximations(s: Script) -> object:
    """FFᵀ is a top part of X, and GGᵀ too: they are equal, ties or not."""
    F, G = var("F", Mat(d, r)), var("G", Mat(d, r))
    laws = [s.apply("best_approximation", [], [X, M]) for M in (F, G)]
    return s.taut(eq(F @ F.T, G @ G.T), *laws)


@refused("which is no hypothesis")
def proposition_of_the_script(s: Script) -> object:
    """P, called the theorem."""
    return s.qed(s.assume(var("Theorem", Prop)), {})


@refused("does not follow by propositional logic")
def proposition_named_like_a_formula(s: Script) -> object:
    """P, called A = 0, and P."""
    named = var("A = 0", Prop)
    return s.taut(eq(A, zero(d, r)), s.assume(named))


@refused("does not follow by propositional logic")
def converse(s: Script) -> object:
    """P ⟹ Q and Q, so P."""
    return s.taut(P, s.assume(P >> Q), s.assume(Q))


@refused("what is left of it")
def strict_from_weak(s: Script) -> object:
    """a ≤ b, so a < b."""
    return s.lin(a < b, [s.assume(a <= b)])


@refused("does not follow by propositional logic")
def sandwich_of_others(s: Script) -> object:
    """a ≤ b and b ≤ c, so a = b."""
    return sandwich(s, s.assume(a <= b), s.assume(b <= c))


@refused("reads ∀k. 0 < w_k")
def weights_that_may_be_zero(s: Script) -> object:
    """Log-sum-exp with weights ≥ 0 is smooth."""
    law = s.assume(forall(Index(K), lambda k: num(0) <= w(k)))
    soft = fn(Real, lambda t: lse(K, w, lambda k: t * z(k)))
    return s.apply("differentiate", [[], [law], []], [soft, fn(Real, lambda t: num(0))])


@refused("is not differentiated here")
def derivative_of_a_reciprocal(s: Script) -> object:
    """d/dt 1/t = −1/t², at 0 too."""
    return s.apply("differentiate", [[], [], []], [fn(Real, inv), fn(Real, lambda t: -(inv(t) * inv(t)))])


@refused("expected the premise")
def slope_of_both_signs(s: Script) -> object:
    """f is least at 0 on t ≥ 0 alone: −f is too, so the slope is 0."""
    h = fn(Real, lambda t: t)
    slope = s.spec(s.apply("differentiate", [[], [], []], [fn(Real, lambda t: -t), fn(Real, lambda t: num(-1))]), 0)
    nonnegative = s.assume(num(0) <= t_)
    rises = s.gen(s.discharge(s.lin(h(num(0)) <= h(num(0) + t_), [nonnegative]), nonnegative), t_)
    return s.apply("fermat", [[slope, rises]])


@refused("expected the premise")
def increasing_on_a_part(s: Script) -> object:
    """t² rises on [0, 1], so from −1 to 1."""
    square = s.apply("differentiate", [[], [], []], [fn(Real, lambda t: t * t), fn(Real, lambda t: 2 * t)])
    within = s.assume(conj(num(0) <= t_, t_ <= 1))
    slope = s.gen(s.discharge(s.lin(num(0) <= 2 * t_, [s.parts(within)[0]]), within), t_)
    return s.apply("increasing", [[square, slope]], [num(-1), num(1)])


# -- what is bound ----------------------------------------------------------------------------------------------------


@refused("what is left of it")
def bound_index_leaves_its_sum(s: Script) -> object:
    """Σ_k w_k|μ_k|² = |μ_k|² Σ_k w_k, with the k of the sum, taken out of it."""
    leaked: list[Expr] = []

    def size(k: Expr) -> Expr:
        leaked.append(k)
        return tr(mu(k).T @ mu(k))

    whole = total(K, lambda k: w(k) * size(k))
    return s.calc(eq(whole, size(leaked[0]) * total(K, w)))


@refused("nothing binds")
def bound_index_without_a_sum(s: Script) -> object:
    """The k of a sum, by itself."""
    return s.assume(eq(w(Expr(make("bound", 0, Index(K)))), 1))


@refused("what is left of it")
def indices_of_two_sums(s: Script) -> object:
    """(Σ_k w_k)(Σ_k z_k) = Σ_k w_k z_k."""
    return s.calc(eq(total(K, w) * total(K, z), total(K, lambda k: w(k) * z(k))))


@refused("what is left of it")
def rule_under_a_sum_for_one_index(s: Script) -> object:
    """w_i = 0 for this i, used for every k of a sum."""
    return s.calc(eq(total(K, w), 0), s.assume(eq(w(i), 0)))


@refused("the last line supposes that i exist")
def an_index_from_nothing(s: Script) -> object:
    """Let i be an index; so there is one, and 1 ≤ K."""
    there = exists(Index(K), lambda k: eq(k, k))
    supposed = s.assume(eq(delta(i, i), 0))
    one = s.discharge(s.lin(num(1) <= 0, [supposed]), supposed)
    itself = s.taut(eq(i, i), s.apply("kronecker", [], [i, i]), one, s.calc(num(0) < 1))
    line = s.taut(num(1) <= real(K), s.known(some_index, K), s.exhibit(there, i, itself))
    return replay(s.qed(line, {}).trace)


# -- theorems that read like another ----------------------------------------------------------------------------------


def stated(formula: Expr) -> Proved:
    """What a theorem says that supposes this formula and concludes it."""
    s = Script("stated")
    return replay(json.loads(canonical(s.qed(s.assume(formula), {"supposed": formula}).trace)))


@pytest.mark.parametrize(
    "name",
    [
        "a = 0",
        "−a",
        "x + y",
        "w(k)",
        "0",
        "delta, A",
        "exp",
        "tr",
        "I",
        "true",
        "",
        "a\n",
        "a b",
        "(a)",
        "e_k",
        "Σ_k",
        "Moderate",
        "HasDerivative",
    ],
)
def test_no_letter_reads_like_a_formula(name: str) -> None:
    with pytest.raises(Rejected, match="name"):
        stated(num(0) < var(name, Real))


@pytest.mark.parametrize("name", ["Moderate", "HasDerivative"])
def test_no_definition_reads_like_a_formula(name: str) -> None:
    """Moderate(f) := 0 = 0 would be printed like what it is not."""
    s = Script("name")
    line = s.taut(s.define(name, [d, f], eq(num(0), 0))(d, f), s.spec(s.unfold(name), d, f), s.calc(eq(0, 0)))
    with pytest.raises(Rejected, match="is not a name"):
        replay(json.loads(canonical(s.qed(line, {}).trace)))


def test_one_letter_has_one_sort() -> None:
    with pytest.raises(Rejected, match="delta"):
        stated((num(0) < bias) & (real(var("delta", Size)) <= 1))


def test_a_bias_that_is_a_natural_number_is_said_to_be_one() -> None:
    """0 < δ ≤ 1 means δ = 1 for it; the formulas are written alike, the theorems differ."""
    natural = real(var("delta", Size))
    ours, theirs = (stated((num(0) < t) & (t <= 1)) for t in (bias, natural))
    assert repr(ours.conclusion) == repr(theirs.conclusion)
    assert "for every delta: ℝ" in ours.lines_of_text()
    assert "for every delta: ℕ" in theirs.lines_of_text()
    assert ours.digest != theirs.digest


def test_the_order_of_parameters_is_part_of_a_definition() -> None:
    found = []
    for order in ((a, b), (b, a)):
        s = Script("order")
        below = s.define("Below", order, a <= b)
        line = s.assume(below(a, b))
        found.append(replay(s.qed(s.discharge(line, line), {}).trace))
    ours, theirs = found
    assert repr(ours.conclusion) == repr(theirs.conclusion)
    assert ours.definitions != theirs.definitions
    assert ours.digest != theirs.digest


# -- rules and lines of the script's own ------------------------------------------------------------------------------


@refused("there is no rule 'trust'")
def rule_of_the_script(s: Script) -> object:
    """A rule that says yes."""
    return s.apply("trust", [], [eq(A, zero(d, r))])


@refused("there is no rule '_conclude'")
def rule_that_is_a_function(s: Script) -> object:
    """A helper of the rules, taken for a rule."""
    return s.apply("_conclude", [], [eq(A, zero(d, r))])


@refused("which is no hypothesis")
def proof_of_itself(s: Script) -> object:
    """The theorem cites a derivation of itself."""
    goal = eq(A, zero(d, r))
    return s.qed(s.cite("infonce-inclusion", lambda t: t.assume(goal)), {})


@pytest.fixture(scope="module")
def two() -> tuple[Script, Line]:
    """infonce-equality-two, up to its last line."""
    s = Script("infonce-equality-two")
    return s, equality(s, Setting(s))


@pytest.mark.parametrize("name", [name for name in TWO if name != "bias-range"])
def test_a_theorem_cannot_do_without_what_it_used(two: tuple[Script, Line], name: str) -> None:
    """infonce-equality-two without δ > 0, or without any other of its hypotheses."""
    s, line = two
    with pytest.raises(Rejected, match="which is no hypothesis"):
        s.qed(line, {other: v.HYPOTHESES[other] for other in TWO if other != name})


# -- lies in the script's own process ---------------------------------------------------------------------------------

FALSE = eq(num(0), 1)


def underived(t: Term) -> Theorem:
    """A theorem that nobody derived."""
    return Theorem(frozenset(), t, frozenset(), frozenset())


def forged_line(s: Script) -> Line:
    """A line that is assumed, and yet without hypotheses."""
    return s._add(("assume", [], [FALSE.term]), underived(FALSE.term))


def forged_rule(s: Script) -> Line:
    """A line by a rule that the kernel does not have."""
    return s._add(("trust", [], [FALSE.term]), underived(FALSE.term))


def forged_premise(s: Script) -> Line:
    """0 = 1 by propositional logic from a line that says less."""
    line = s.calc(num(0) < 1)
    forged = replace(line, theorem=line.theorem._replace(conclusion=FALSE.term))
    return s._add(("tautology", [[forged.number]], [FALSE.term]), forged.theorem)


def remembered_line(s: Script) -> Line:
    """The script remembers another theorem for what a rule was given."""
    line = s.calc(num(0) < 1)
    s._known["tautology", ((line.number,),), (FALSE.term,)] = forged_premise(s)
    return s.taut(FALSE, line)


FORGED = {
    forged_line: "neither a hypothesis nor an assumption",
    forged_rule: "there is no rule 'trust'",
    forged_premise: "does not follow by propositional logic",
    remembered_line: "does not follow by propositional logic",
}


@pytest.mark.parametrize("forge", FORGED)
def test_a_forged_line_does_not_replay(forge: Callable[[Script], Line]) -> None:
    s = Script("forged")
    proposal = s.qed(forge(s), {})  # the script is convinced
    with pytest.raises(Rejected, match=FORGED[forge]):
        replay(json.loads(canonical(proposal.trace)))


def test_lines_that_rest_on_each_other_do_not_replay() -> None:
    s = Script("circle")
    s.calc(num(0) < 1)
    lines = [["tautology", [[1]], [2]], ["tautology", [[0]], [2]]]
    nodes = [["num", "0"], ["num", "1"], ["eq", None, 0, 1]]
    whole = {**s.qed(s.theorems[0], {}).trace, "nodes": nodes, "lines": lines, "conclusion": 2}
    del whole["content"]
    with pytest.raises(Rejected, match="line 0: line 1 is not there yet"):
        replay({**whole, "content": digest(list(whole.items()))})


PATCHED = """
import sys
from pathlib import Path
from thmverify.kernel.proofs import calculus, replay, ring, rules, tautology, terms
from thmverify.kernel.strict import canonical
from thmverify.proofs.expressions import eq, num, inv, var, Real, fn, real
from thmverify.proofs import script
from thmverify.proofs.script import Script

false, a = eq(num(0), 1), var("a", Real)

def rule(s):
    rules.RULES["kronecker"] = lambda groups, terms: rules._conclude([], terms[0])
    return s.apply("kronecker", [], [false])

def logic(s):
    rules.follows = lambda premises, conclusion: True
    return s.taut(false)

def forms(s):
    ring.Ring.poly = lambda self, t: {}
    return s.calc(false)

def variable(s):
    line = s.assume(eq(a, 0))
    rules.generalise.__code__ = (lambda groups, terms: groups[0][0]._replace(hypotheses=frozenset())).__code__
    return s.apply("generalise", [[line]], [a])

def names(s):
    known = rules.RULES["assume"]
    rules.RULES["assume"] = lambda groups, terms: known(groups, terms)._replace(hypotheses=frozenset())
    return s.assume(false)

def door(s):
    none = frozenset()
    replay.infer = script.infer = lambda rule, groups, terms: rules.Theorem(none, terms[0], none, none)
    return s.apply("tautology", [[]], [false])

lie = globals()[sys.argv[1]]
s = Script(sys.argv[1])
proposal = s.qed(lie(s), {})
found = replay.replay(proposal.trace)
assert not any(used for _, _, used in found.hypotheses), "the lie convinces its own process"
Path(sys.argv[2]).write_bytes(canonical(proposal.trace))
"""
LIES = {
    "rule": "kronecker is not given what it takes",
    "logic": "does not follow by propositional logic",
    "forms": "what is left of it",
    "variable": "not what the file claims|rests on what is neither|a hypothesis speaks of it",
    "names": "neither a hypothesis nor an assumption",
    "door": "does not follow by propositional logic",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_script_that_patches_the_rules_convinces_itself_alone(lie: str, tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    command = [sys.executable, "-c", PATCHED, lie, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    with pytest.raises(Rejected, match=LIES[lie]):
        answer(file.read_bytes())


def test_a_term_is_built_by_make_alone() -> None:
    with pytest.raises(TypeError, match="built by make"):
        Term()
    forged: Any = object.__new__(Term)
    forged.op, forged.val, forged.args, forged.sort = "eq", None, (), Prop
    forged.free, forged.loose, forged.key = frozenset(), frozenset(), b""
    s = Script("term")
    with pytest.raises((Rejected, IndexError, KeyError)):
        replay(s.qed(s._add(("assume", [], [forged]), underived(forged)), {}).trace)
