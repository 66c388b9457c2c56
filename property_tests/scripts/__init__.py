"""Small scripts for statements under test: conditional, forged, of another theorem, and one that raises."""

from __future__ import annotations

from dataclasses import replace

from thmverify.proofs.checking import Proof, check
from thmverify.proofs.expressions import Real, exp, num, var
from thmverify.proofs.lemmas.basic import exp_positive
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Script
from thmverify.statement import Formal, Statement

SMALL = "small-theorem"
t = var("t", Real)


def with_script(statement: Statement, name: str) -> Statement:
    """Return the statement with a small script's theorem in place of its own, on record if the kernel replays it."""
    proof = Proof(f"{__name__}.{name}")
    report = check(proof)
    return replace(statement, id=SMALL, proof=proof, formal=Formal.of(report) if report.passed else None)


def proposed(leap: str = "") -> Proposal:
    """0 < exp(t)·exp(t), by two steps; the second is assumed, by the name `leap`, if there is one."""
    s = Script(SMALL)
    positive = s.step("positive", "A power is positive.", exp_positive(s, t))
    square = num(0) < exp(t) * exp(t)
    if leap:
        line = s.step("square", "Its square is positive.", s.assume(square))
        return s.qed(s.both(positive, line), {}, {leap: square})
    product = s.apply("product", [[positive, positive]])
    line = s.step("square", "Its square is positive.", s.lin(square, [product]))
    return s.qed(line, {})
