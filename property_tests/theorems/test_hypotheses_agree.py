"""A hypothesis says in a proof what it says on instances: the kernel's formula against the exact test, on mixtures."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest

from thmverify.formulas import mixtures as v
from thmverify.kernel.proofs.replay import read
from thmverify.kernel.proofs.rules import Definition
from thmverify.kernel.proofs.terms import Term
from thmverify.models import AugmentedPairs, Instance
from thmverify.proofs.evaluation import _from_example
from thmverify.proofs.numeric import FALSE, TRUE, Evaluator, Unclear
from thmverify.statement import prepare
from thmverify.theorems import REGISTRY

LETTERS = [x.term for x in (v.d, v.K, v.r, v.w, v.mu, v.Sigma, v.delta)]
ABOUT_MIXTURES = {
    name: s for name, s in REGISTRY.items() if s.proof is not None and isinstance(s.witness.model, AugmentedPairs)
}


def values(instance: Instance) -> dict[str, object]:
    """The letters of a mixture on an instance, as numbers."""
    mixture = instance.pairs.mixture
    return {
        "d": mixture.dimension,
        "K": mixture.components,
        "r": instance.rank,
        "delta": float(instance.pairs.bias),
        "w": [float(x) for x in mixture.weights],
        "mu": [[float(x) for x in mean] for mean in mixture.means],
        "Sigma": [np.array(S.tolist(), dtype=object).astype(float) for S in mixture.sigmas],
    }


@cache
def supposed(name: str) -> tuple[dict[str, Term], dict[str, Definition]]:
    """The hypotheses and the definitions of a statement's proof, which the kernel has replayed, as it reads them."""
    assert REGISTRY[name].checked.passed
    trace = REGISTRY[name].proof.propose().trace
    theory, terms = read(trace["nodes"], trace["definitions"])
    return {hypothesis: terms[i] for hypothesis, i in trace["hypotheses"]}, theory.definitions


def level(name: str, hypothesis: str, instance: Instance) -> int | None:
    """How true the kernel's formula of a hypothesis is; None where it is of more than the mixture, or not evaluated."""
    hypotheses, definitions = supposed(name)
    formula = hypotheses[hypothesis]
    if not formula.free <= set(LETTERS):
        return None
    given = values(instance)
    env = {x: _from_example(x, given[str(x.val)], {"error": 1e-12}) for x in LETTERS}
    try:
        with np.errstate(all="ignore"):
            return int(np.min(Evaluator(env, 1, definitions).level(formula)))
    except Unclear:
        return None


@pytest.fixture(scope="module", autouse=True)
def proofs():
    prepare(REGISTRY.values())


@pytest.mark.parametrize("name", ABOUT_MIXTURES)
def test_a_hypothesis_of_a_proof_holds_where_the_exact_one_does(name):
    statement, rng, compared = REGISTRY[name], random.Random(name), 0
    instances = [statement.witness, *(statement.sample(rng) for _ in range(3)), *(b.instance for b in statement.breaks)]
    stated = supposed(name)[0].keys()
    for hypothesis in (h for h in statement.hypotheses if h.name in stated):
        for instance in instances:
            found = level(name, hypothesis.name, instance)
            if found is None:
                continue
            assert found != (FALSE if hypothesis.holds(instance) else TRUE), (hypothesis.name, instance)
            compared += found in (FALSE, TRUE)
    assert compared >= len(instances) or not stated
