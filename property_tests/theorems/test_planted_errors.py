"""The proof checker rejects every planted error: by hand for each script, and every mutant of every claim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from sympy import Eq, Ge, Gt, Implies, Not, Rational, Sum, Symbol, Trace

from property_tests.theorems.scripts import (
    claim,
    mutants,
    rejection,
    survivors,
    unneeded,
    with_check,
    with_step,
    without_step,
)
from theorems.scripts import fisher_optimality as fisher
from theorems.scripts import lemma_4_2 as lemma
from theorems.scripts import theorem_5_2 as infonce
from verify.proofs import (
    Assumed,
    Definition,
    IndependentColumns,
    Kind,
    PositiveSum,
    Proof,
    Step,
    Term,
    check,
    nonnegative,
    vanishes,
)

SCRIPTS = {"lemma-4.2": lemma.PROOF, "fisher-optimality": fisher.PROOF, "infonce-inclusion": infonce.PROOF}
NEEDED = {
    "lemma-4.2": {"weights-positive", "covariances-definite", "shared-covariance"},
    "fisher-optimality": {"weights-positive", "covariances-definite"},
    "infonce-inclusion": {
        "weights-positive",
        "weights-sum",
        "covariances-definite",
        "shared-covariance",
        "bias-range",
    },
}
each_script = pytest.mark.parametrize("proof", SCRIPTS.values(), ids=SCRIPTS)


@each_script
def test_script_checks_with_no_step_assumed(proof: Proof) -> None:
    report = check(proof)
    assert report.passed, report.reason
    assert report.assumed == ()
    assert len(report.steps) == len(proof.steps)
    assert all(step.how for step in report.steps)


@each_script
def test_every_mutant_of_every_claim_is_rejected(proof: Proof) -> None:
    assert sum(1 for step in proof.steps for _ in mutants(step)) > 20
    assert list(survivors(proof)) == []


@each_script
def test_every_step_is_needed(proof: Proof) -> None:
    assert list(unneeded(proof)) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_dropped_hypothesis_breaks_the_proof_unless_it_is_unused(name: str) -> None:
    proof = SCRIPTS[name]
    broken = {h.name for h in proof.hypotheses if rejection(proof.without(h.name))}
    assert broken == NEEDED[name]


@each_script
def test_a_step_may_cite_neither_itself_nor_a_later_step(proof: Proof) -> None:
    first, last = proof.steps[0].name, proof.steps[-1].name
    for cited in (first, last, "no-such-name"):
        report = check(with_step(proof, first, premises=(cited,)))
        assert not report.passed
        assert "neither a hypothesis nor an earlier step" in report.steps[0].how


@each_script
def test_an_assumed_step_shows_and_does_not_prove(proof: Proof) -> None:
    last = next(step for step in reversed(proof.steps) if step.check.kind is not Kind.DEFINITION)
    report = check(with_step(proof, last.name, check=Assumed()))
    assert report.assumed == (last.name,)
    assert report.glue.passed
    assert not report.passed
    assert f"{last.name} is assumed" in report.reason


@each_script
def test_a_conclusion_that_does_not_follow_is_rejected(proof: Proof) -> None:
    report = check(replace(proof, conclusion=proof.conclusion & Symbol("the moon is made of cheese")))
    assert all(step.passed for step in report.steps)
    assert not report.passed


@each_script
def test_contradictory_claims_prove_nothing(proof: Proof) -> None:
    step = next(s for s in proof.steps if s.check.kind is Kind.PSD)
    clash = Step("clash", "The opposite.", Not(step.claim), step.premises, Assumed())
    report = check(replace(proof, steps=(*proof.steps, clash)))
    assert "contradict" in report.glue.how


@each_script
def test_an_empty_script_proves_nothing(proof: Proof) -> None:
    assert not check(replace(proof, steps=())).passed


def _fisher(name: str, **changes: Any) -> Proof:
    return with_step(fisher.PROOF, name, **changes)


def _lemma(name: str, **changes: Any) -> Proof:
    return with_step(lemma.PROOF, name, **changes)


def _infonce(name: str, **changes: Any) -> Proof:
    return with_step(infonce.PROOF, name, **changes)


_f, _l, _i = fisher, lemma, infonce
PLANTED: dict[str, Callable[[], Proof]] = {
    "fisher: the bound with the wrong sign": lambda: _fisher("bound", claim=nonnegative(_f.J - _f.BOUND)),
    "fisher: twice the bound": lambda: _fisher("bound", claim=nonnegative(2 * _f.J - _f.BOUND)),
    "fisher: a missing square": lambda: with_check(fisher.PROOF, "bound", root=_f.Lam.T * _f.Delta * _f.mu),
    "fisher: the wrong square root": lambda: with_check(fisher.PROOF, "bound", root=_f.Lam * _f.Delta * _f.mu * _f.E),
    "fisher: the projector with the wrong metric": lambda: _fisher(
        "spans-zero", check=type(next(s for s in fisher.PROOF.steps if s.name == "spans-zero").check)(left=_f.Delta)
    ),
    "fisher: a positive sum without positive weights": lambda: _fisher(
        "mean-covariance", premises=("component-variances",)
    ),
    "fisher: a sum that may be empty": lambda: _fisher(
        "mean-covariance", claim=Gt(Sum(_f.w[_f.k] * _f.q[_f.k], (_f.k, 2, _f.K)), 0)
    ),
    "fisher: A without independent columns": lambda: replace(fisher.PROOF, givens=()),
    "fisher: independence of the wrong matrix": lambda: replace(
        fisher.PROOF, givens=(replace(fisher.PROOF.givens[0], claim=IndependentColumns(_f.mu)),)
    ),
    "fisher: an inverse that nothing justifies": lambda: _fisher("bound", premises=("mean-covariance",)),
    "fisher: equality concluded from the bound alone": lambda: without_step(fisher.PROOF, "equality-gives-zero"),
    "fisher: zero gives more than equality": lambda: _fisher(
        "zero-gives-equality", claim=Implies(vanishes(_f.Delta * _f.mu), Eq(_f.BOUND + _f.J, 0))
    ),
    "lemma: the projected law without its ½": lambda: _lemma(
        "projected-law",
        claim=Eq(
            claim(lemma.PROOF, "projected-law").lhs, Trace(_l.u.T * _l.A.T * _l.mu * _l.p) + Trace(_l.u.T * _l.G * _l.u)
        ),
    ),
    "lemma: the projected law with the wrong mean": lambda: _lemma(
        "projected-law", claim=claim(lemma.PROOF, "projected-law").xreplace({_l.p: _l.q})
    ),
    "lemma: log-odds with the wrong sign": lambda: _lemma(
        "preserved", claim=claim(lemma.PROOF, "preserved").subs(_l.GAP, _l.FULL.log_ratio + _l.PROJECTED.log_ratio)
    ),
    "lemma: log-odds without the ½": lambda: _lemma(
        "preserved", claim=claim(lemma.PROOF, "preserved").subs(_l.GAP, 2 * _l.FULL.log_ratio - _l.PROJECTED.log_ratio)
    ),
    "lemma: an unprojected covariance": lambda: with_check(
        lemma.PROOF, "preserved", projected=replace(_l.PROJECTED, mean=2 * _l.A.T * _l.mu)
    ),
    "lemma: a midpoint without its ½": lambda: with_check(
        lemma.PROOF, "no-slope", left=(_l.x - _l.mu * (_l.p + _l.q)).T
    ),
    "lemma: a midpoint with the wrong sign": lambda: with_check(
        lemma.PROOF, "no-slope", left=(_l.x + _l.mu * (_l.p + _l.q) / 2).T
    ),
    "lemma: the slope of one component alone": lambda: _lemma(
        "slope", claim=Implies(Eq(_l.GAP, 0), vanishes(_l.Delta * _l.mu * _l.p))
    ),
    "lemma: a slope along the variable itself": lambda: with_check(lemma.PROOF, "slope", step=_l.x),
    "lemma: odds of weights that may be negative": lambda: _lemma("bayes", premises=()),
    "lemma: the converse of the definition of S_F": lambda: _lemma(
        "fisher", claim=Implies(Eq(_l.Sigma.I * _l.mu, _l.A * _l.b), _l.EQUALS)
    ),
    "lemma: preserved by every A": lambda: replace(lemma.PROOF, conclusion=_l.PRESERVED),
    "lemma: preserved only by S_F": lambda: replace(lemma.PROOF, conclusion=Implies(_l.PRESERVED, _l.EQUALS)),
    "infonce: the wrong block in Q": lambda: _with_definition(_i.Q, _i.inside.T * _i.Sigma * _i.outside),
    "infonce: the projector without its metric": lambda: _with_definition(_i.inside, _i.B * _i.G.I * _i.B.T * _i.A),
    "infonce: the bias on the wrong term": lambda: _with_definition(
        _i.C, (1 - _i.delta) * _i.S + _i.delta * (_i.mu * _i.D * _i.o * _i.o.T * _i.D * _i.mu.T)
    ),
    "infonce: the quadratic without its ½": lambda: _infonce(
        "quadratic", claim=Eq(_i.QUADRATIC, 2 * _i.BASE + _i.LEAK)
    ),
    "infonce: s² where s⁴ belongs": lambda: _infonce(
        "quadratic", claim=claim(infonce.PROOF, "quadratic").subs(_i.s**4, _i.s**2)
    ),
    "infonce: the partition function without its ½": lambda: _infonce(
        "partition", claim=claim(infonce.PROOF, "partition").subs(Rational(1, 2), 1)
    ),
    "infonce: the loss with the alignment's sign lost": lambda: _infonce(
        "loss", claim=claim(infonce.PROOF, "loss").subs(_i.ALIGNMENT, -_i.ALIGNMENT)
    ),
    "infonce: a log-sum-exp that is concave": lambda: _infonce("convexity", claim=_negated_potential()),
    "infonce: a Hessian with a square missing": lambda: with_check(
        infonce.PROOF, "convexity", squares=_one_square_less
    ),
    "infonce: Jensen the wrong way round": lambda: _infonce("jensen", claim=nonnegative(_i.g(0) - _i.g(_i.s))),
    "infonce: Jensen without independence": lambda: _infonce("jensen", premises=("convexity", "potential")),
    "infonce: Jensen without convexity": lambda: _infonce("jensen", premises=("independence", "potential")),
    "infonce: Jensen with noise that has a mean": lambda: with_check(
        infonce.PROOF, "independence", noise=_i.inside, kept=_i.outside
    ),
    "infonce: a tangent above its function": lambda: _infonce(
        "tangent", claim=Ge(-claim(infonce.PROOF, "tangent").lhs, 0)
    ),
    "infonce: a missing square in the cross block": lambda: with_check(
        infonce.PROOF, "cross-block", root=_i.Lam.T * _i.inside
    ),
    "infonce: the derivative of s² without its 2": lambda: _infonce(
        "derivative", claim=claim(infonce.PROOF, "derivative").subs(2 * Trace(_i.P * _i.Q), Trace(_i.P * _i.Q))
    ),
    "infonce: a negative multiple of an inequality": lambda: with_check(
        infonce.PROOF,
        "gap",
        terms=tuple(replace(t, multiplier=-t.multiplier) if t.premise == "cross-block" else t for t in _terms("gap")),
    ),
    "infonce: a term of the gap left out": lambda: with_check(infonce.PROOF, "gap", terms=_terms("gap")[:-1]),
    "infonce: ½ of the mean block left out": lambda: with_check(
        infonce.PROOF, "gap", terms=(*_terms("gap")[:-1], Term("mean-block"))
    ),
    "infonce: a strict gap out of nothing": lambda: _infonce(
        "gap", claim=nonnegative(_i.L(1) - _i.L(0) - Trace(_i.Q * _i.Q))
    ),
    "infonce: the part inside vanishes too": lambda: _infonce(
        "outside-vanishes", claim=Implies(Ge(-Trace(_i.Q * _i.Q), 0), vanishes(_i.inside))
    ),
    "infonce: a definition that smuggles in a fact": lambda: _infonce(
        "minimiser", claim=claim(infonce.PROOF, "minimiser") & vanishes(_i.outside)
    ),
    "infonce: a definition that asserts its proposition": lambda: _infonce(
        "minimiser", claim=claim(infonce.PROOF, "minimiser") & _i.MINIMISER
    ),
    "infonce: a definition of an old symbol": lambda: _infonce("minimiser", check=Definition((_i.L,))),
    "infonce: equality concluded from inclusion": lambda: replace(
        infonce.PROOF, conclusion=infonce.PROOF.conclusion & Eq(_i.A, _i.inside)
    ),
    "infonce: every A is included": lambda: replace(infonce.PROOF, conclusion=_i.INCLUDED),
}


def _with_definition(symbol: Any, value: Any) -> Proof:
    algebra = infonce.PROOF.algebra
    return replace(infonce.PROOF, algebra=replace(algebra, definitions={**algebra.definitions, symbol: value}))


def _terms(name: str) -> tuple[Term, ...]:
    step = next(s for s in infonce.PROOF.steps if s.name == name)
    return step.check.terms  # type: ignore[attr-defined, no-any-return]


def _negated_potential() -> Any:
    name, formula, *rest = claim(infonce.PROOF, "convexity").args
    return claim(infonce.PROOF, "convexity").func(name, -formula, *rest)


def _one_square_less(weights: Any, y: Any, v: Any) -> Any:
    return infonce.log_sum_exp_squares(weights, y, v)[:-1]


@pytest.mark.parametrize("error", PLANTED)
def test_planted_error_is_rejected(error: str) -> None:
    assert rejection(PLANTED[error]())


def test_multipliers_are_exact() -> None:
    assert all(isinstance(t.multiplier, (int, Fraction)) for name in ("gap", "slope") for t in _terms(name))


def test_positive_sum_needs_positive_factors() -> None:
    assert isinstance(next(s for s in fisher.PROOF.steps if s.name == "mean-covariance").check, PositiveSum)
