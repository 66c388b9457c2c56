"""The KKT certificates under a checker that shares nothing with the kernel."""

from __future__ import annotations

import ast
import json
from fractions import Fraction
from pathlib import Path

import pytest
from flint import arb, ctx, fmpq

from property_tests.kernel import second_opinion
from property_tests.kernel.library import CASES, HEADS, certificate_of

# Not of SigLIP and affine maps: their definitions are integrated in the tests of their statements.
KNOWN = {"infonce-equality", "infonce-top-r", "clip-effective-equality", "clip-inclusion-literal"}
KKT = [index for index, (claim, rule) in enumerate(HEADS) if rule == "kkt" and claim in KNOWN]


@pytest.mark.parametrize("index", KKT, ids=lambda index: f"{index}-{CASES[index]}")
def test_the_second_opinion_agrees(index):
    fields = json.loads(certificate_of(index))
    if fields["claim"].startswith("infonce"):
        low, high = second_opinion.infonce_rank(fields)
        m, r = int(fields["dimension"][0]), int(fields["instance"]["rank"])
        wanted = min(m, r) if fields["claim"] == "infonce-top-r" else m
        assert (low >= wanted) if fields["verdict"] == "proved" else (high < m)
    else:
        wanted = fields["instance"]["rank"] if fields["claim"] == "clip-inclusion-literal" else fields["dimension"][0]
        assert second_opinion.clip_rank(fields) >= int(wanted)


def test_a_spoilt_factor_convinces_neither():
    fields = next(f for f in map(json.loads, map(certificate_of, KKT)) if f["verdict"] == "refuted")
    hints = {**fields["hints"], "V": [[str(Fraction(x) * 3 / 2) for x in row] for row in fields["hints"]["V"]]}
    assert second_opinion.infonce_rank({**fields, "hints": hints}) == (0, int(fields["dimension"][0]))


@pytest.mark.parametrize("x", [Fraction(n, 7) for n in range(-650, 300, 37)])
def test_its_exponential_is_directed(x):
    found = second_opinion.exp(second_opinion.interval(x))
    with ctx.workprec(300):
        truth = arb(fmpq(x.numerator, x.denominator)).exp()
        assert arb(fmpq(found.lo.numerator, found.lo.denominator)) < truth
        assert arb(fmpq(found.hi.numerator, found.hi.denominator)) > truth
    assert found.hi - found.lo < max(found.hi, 1) / 10**20


def test_its_powers_hold_the_exponentials():
    x = second_opinion.interval(Fraction(22, 7))
    found = second_opinion.powers(x, 9)
    for m, power in zip(range(-9, 10), found, strict=True):
        truth = second_opinion.exp(x * m)
        assert power.lo <= truth.hi
        assert power.hi >= truth.lo
        assert power.hi - power.lo < max(power.hi, 1) / 10**20


def test_it_shares_no_code_with_the_kernel():
    tree = ast.parse(Path(second_opinion.__file__).read_text(encoding="utf-8"))
    imports = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    imports |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imports == {"__future__", "dataclasses", "fractions", "itertools", "math", "operator"}
