"""Citations: a proof is cited whole, and for claims that mean the same in both scripts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from sympy import Eq, Equivalent, Ge, Identity, Implies, MatrixSymbol, Symbol, Trace, symbols

from property_tests.theorems.scripts import claim, rejection, with_step
from theorems import REGISTRY
from theorems.scripts import clip_equality_lines as lines
from theorems.scripts import clip_inclusion_balanced as balanced
from theorems.scripts import clip_inclusion_effective as effective
from theorems.scripts import fisher_optimality
from theorems.scripts import infonce_equality_small_signal as small
from theorems.scripts import infonce_slope as slope
from theorems.scripts import simsiam_inclusion as simsiam
from theorems.scripts import spectral_inclusion as spectral
from theorems.scripts import theorem_5_2 as infonce
from verify.proofs import (
    Algebra,
    Assumed,
    Cites,
    Congruence,
    Convex,
    Definition,
    IndependentColumns,
    Proof,
    Step,
    check,
    nonnegative,
    vanishes,
)
from verify.proofs.core import Claim
from verify.vocabulary import PositiveDefinite

vision = effective.VISION
n, m = symbols("n m", integer=True, positive=True)
V, S, A = MatrixSymbol("V", n, m), MatrixSymbol("S", m, m), MatrixSymbol("A", n, n)
SUPPOSED, NAMED = Symbol("P"), Symbol("Q")

COLUMN = Step("column", "", IndependentColumns(V), (), Definition((V,)))
SIZE = Ge(Trace(V.T * V), 0)
GRAM = Step("gram", "", PositiveDefinite(S), ("column",), Congruence(V, Identity(n)))
MEANING = Step("meaning", "", Implies(SUPPOSED, vanishes(A)), (), Definition((SUPPOSED,)))
NAMING = Step("naming", "", Equivalent(NAMED, PositiveDefinite(S)), ("column",), Definition((NAMED,)))
CITED = Proof((), Algebra({S: V.T * V}), (COLUMN, GRAM, MEANING, NAMING), Implies(SUPPOSED, NAMED & vanishes(A)))


def citing(*steps: Step, algebra: Algebra = CITED.algebra) -> Proof:
    """Return a script of these steps and a citation."""
    cited = Implies(SUPPOSED, NAMED)
    return Proof((), algebra, (*steps, Step("cited", "", cited, (), Cites("a-lemma", CITED))), cited)


def reworded(step: Step, wording: Claim, *introduces: Any) -> Step:
    """Return the step with another claim, by definition."""
    return replace(step, claim=wording, check=Definition(introduces))


SAME: dict[str, Callable[[], Proof]] = {
    "all that is cited is new": citing,
    "the same steps": lambda: citing(COLUMN, GRAM, MEANING, NAMING),
    "a column with one more property": lambda: citing(reworded(COLUMN, COLUMN.claim & Eq(V.T * V, Identity(m)), V)),
    "a proposition that is only supposed, and has another consequence": lambda: citing(
        reworded(MEANING, Implies(SUPPOSED, Eq(Trace(A), 1)), SUPPOSED)
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_what_means_the_same_is_cited(case: str) -> None:
    assert rejection(SAME[case]()) == ""


def assumed(fact: Claim) -> Step:
    """Return a step that takes something for granted."""
    return Step("assumed", "", fact, (), Assumed())


def sharper(convex: Claim) -> Claim:
    """Return that φ(2z) is convex, by the name of φ."""
    name, formula, y, form, z = convex.args
    return Convex(name, formula, y, 2 * form, z)


def redefined(proof: Proof, letter: MatrixSymbol, meaning: Any) -> Proof:
    """Return the script with another abbreviation for a letter."""
    return replace(proof, algebra=replace(proof.algebra, definitions={**proof.algebra.definitions, letter: meaning}))


OTHERWISE: dict[str, tuple[str, Callable[[], Proof]]] = {
    "another abbreviation": ("S", lambda: citing(algebra=Algebra({S: 2 * V.T * V}))),
    "no abbreviation": ("S", lambda: citing(algebra=Algebra())),
    "a column of other properties": ("V", lambda: citing(reworded(COLUMN, Eq(V.T * V, Identity(m)), V))),
    "a column that may be any": ("V", lambda: citing(assumed(SIZE))),
    "a name for something else": ("Q", lambda: citing(COLUMN, reworded(NAMING, Equivalent(NAMED, SIZE), NAMED))),
    "a part of what a name means": (
        "Q",
        lambda: citing(COLUMN, reworded(NAMING, Implies(NAMED, PositiveDefinite(S)), NAMED)),
    ),
    "a name that is spoken of": ("Q", lambda: citing(assumed(Implies(NAMED, SIZE)))),
    "a supposition that something gives": (
        "P",
        lambda: citing(reworded(MEANING, Implies(SUPPOSED, SIZE), SUPPOSED), assumed(Implies(SIZE, SUPPOSED))),
    ),
    "a supposition with a meaning": ("P", lambda: citing(reworded(MEANING, Equivalent(SUPPOSED, SIZE), SUPPOSED))),
    "Col(A) by another factor": (
        str(slope.INCLUDED),
        lambda: with_step(
            slope.PROOF,
            "included",
            claim=Implies(slope.INCLUDED, Eq(slope.A, slope.B * slope.INSIDE.unknown)),
            check=Definition((slope.INCLUDED, slope.INSIDE.unknown)),
        ),
    ),
    "the softmax of another function": (
        "phi",
        lambda: with_step(small.PROOF, "convexity", claim=sharper(claim(small.PROOF, "convexity"))),
    ),
    "a Gram matrix in another metric": (
        "G_V",
        lambda: redefined(balanced.PROOF, vision.G, vision.B.T * balanced.IN_VISION.N * vision.B),
    ),
    "another covariance": ("Sigma_V", lambda: redefined(lines.PROOF, vision.Sigma, 2 * vision.Lam * vision.Lam.T)),
}


@pytest.mark.parametrize("case", OTHERWISE)
def test_what_means_something_else_is_not_cited(case: str) -> None:
    letter, plant = OTHERWISE[case]
    proof = plant()
    steps = zip(proof.steps, check(proof).steps, strict=True)
    (why,) = (report.how for step, report in steps if isinstance(step.check, Cites))
    assert "means something else by" in why
    assert letter in why


INCLUSIONS: dict[str, tuple[Proof, Symbol, Claim]] = {
    "infonce": (infonce.PROOF, infonce.MINIMISER, infonce.INCLUDED),
    "spectral": (spectral.PROOF, spectral.MINIMISER, spectral.INCLUDED),
    "clip": (effective.PROOF, effective.MINIMISER, effective.INCLUDED),
    "simsiam": (simsiam.PROOF, simsiam.STATIONARY, simsiam.INCLUDED.proposition),
}


def citing_inclusion(loss: str, own: str) -> Proof:
    """Return a script that only supposes that a map is optimal for its own loss, and cites the theorem about a loss."""
    (cited, _, included), optimal = INCLUSIONS[loss], INCLUSIONS[own][1]
    better = Ge(Symbol("L_0") - Symbol("L"), 0)
    meaning = Step("optimal", "", Implies(optimal, better), (), Definition((optimal, *better.free_symbols)))
    claimed = Implies(optimal, included)
    names = tuple(h.name for h in cited.hypotheses) + tuple(g.name for g in cited.givens)
    step = Step("cited", "", claimed, names, Cites(f"{loss}-inclusion", cited))
    return Proof(cited.hypotheses, replace(cited.algebra, needs={}), (meaning, step), claimed, cited.givens)


@pytest.mark.parametrize("loss", ["infonce", "clip", "simsiam"])
def test_a_theorem_about_a_loss_is_cited_for_it(loss: str) -> None:
    assert rejection(citing_inclusion(loss, loss)) == ""


@pytest.mark.parametrize(("loss", "own"), list(permutations(INCLUSIONS, 2)))
def test_a_theorem_about_one_loss_is_not_cited_for_another(loss: str, own: str) -> None:
    assert "does not entail" in rejection(citing_inclusion(loss, own))


def test_a_name_for_being_optimal_is_of_one_loss() -> None:
    losses = defaultdict(set)
    for statement in filter(lambda s: s.proof is not None, REGISTRY.values()):
        quantity = statement.quantity
        for step in statement.proof.steps:
            for name in (str(symbol) for symbol in step.claim.atoms(Symbol)):
                if re.search(r"arg(min|max)|\\nabla|\\partial", name):
                    losses[name].add(quantity.loss or quantity.latex)
    assert {"infonce", "spectral", "clip", "simsiam", "pca"} <= set().union(*losses.values())
    assert [name for name, of in losses.items() if len(of) > 1] == []


def _fisher(claim: Any, cited: Proof, **changes: Any) -> Proof:
    source = fisher_optimality.PROOF
    names = tuple(h.name for h in source.hypotheses) + tuple(g.name for g in source.givens)
    step = Step("cited", "", claim, names, Cites("fisher-optimality", cited))
    premises = changes.pop("premises", names)
    return replace(source, steps=(replace(step, premises=premises),), conclusion=claim, **changes)


def test_a_citation_rests_on_the_whole_cited_proof() -> None:
    source = fisher_optimality.PROOF
    bound = nonnegative(fisher_optimality.BOUND - fisher_optimality.J)
    algebra = replace(source.algebra, needs={})
    assert check(_fisher(bound, source, algebra=algebra)).passed
    reverse = nonnegative(fisher_optimality.J - fisher_optimality.BOUND)
    assert "does not entail" in check(_fisher(reverse, source, algebra=algebra)).reason
    broken = replace(source, steps=source.steps[:-1])
    assert "does not check" in check(_fisher(bound, broken, algebra=algebra)).reason
    fewer = check(_fisher(bound, source, algebra=algebra, premises=("weights-positive",)))
    assert "also supposes" in fewer.reason


def test_a_citation_means_the_same_by_its_symbols() -> None:
    source = fisher_optimality.PROOF
    bound = nonnegative(fisher_optimality.BOUND - fisher_optimality.J)
    half = {**source.algebra.definitions, fisher_optimality.S: source.algebra.definitions[fisher_optimality.S] / 2}
    algebra = replace(source.algebra, needs={}, definitions=half)
    assert "means something else by S" in check(_fisher(bound, source, algebra=algebra)).reason


def test_what_a_citation_supposes_is_cited_itself_not_something_of_its_name() -> None:
    source = fisher_optimality.PROOF
    bound = nonnegative(fisher_optimality.BOUND - fisher_optimality.J)
    first, *rest = source.hypotheses
    weaker = (replace(first, formula=Ge(first.formula.lhs, 0)), *rest)
    fewer = _fisher(bound, source, algebra=replace(source.algebra, needs={}), hypotheses=weaker)
    assert f"also supposes {first.name}" in check(fewer).reason
