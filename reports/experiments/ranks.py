"""The rank of the InfoNCE minimiser along the bias δ, for mixtures on which equality with S_F fails.

The eigenvalues of M* are float64; whether Col(M*) = S_F is decided by `thmverify.certifying`, and a decision is one
that the kernel has checked.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from thmverify import theorems
from thmverify.certifying import decide
from thmverify.certifying.writing import written_instance
from thmverify.jsonfiles import read_object
from thmverify.minimize import minimise
from thmverify.models import Instance, SharedGMM
from thmverify.reports.experiments.records import RankCell
from thmverify.verdicts import Outcome

CLAIM = "infonce-equality"
# Shipped certificates and the names of their mixtures in the figure.
MIXTURES = {"A": "infonce-equality.json", "B": "infonce-equality-biased.json"}
STEPS, QUICK_STEPS = 100, 20


def biases(quick: bool) -> tuple[Fraction, ...]:
    """Return the values of δ, from 0 to 1."""
    steps = QUICK_STEPS if quick else STEPS
    return tuple(Fraction(i, steps) for i in range(steps + 1))


def instance(name: str, bias: Fraction = Fraction(1)) -> Instance:
    """Return the named mixture, read from its certificate, with this bias."""
    read = written_instance(read_object(theorems.COUNTEREXAMPLES / MIXTURES[name])["instance"])
    return replace(read, model=replace(read.pairs, bias=bias))


def run_cell(task: tuple[str, Fraction]) -> RankCell:
    """Return the minimiser's eigenvalues and the verdict for one mixture at one δ."""
    name, bias = task
    asked = instance(name, bias)
    eigenvalues = np.linalg.eigvalsh(minimise("infonce", asked).maps["M"])[::-1]
    verdict, certificate = decide(CLAIM, asked)
    decided = verdict.outcome in (Outcome.PROVED, Outcome.REFUTED) and certificate is not None
    return RankCell(
        name,
        str(bias),
        tuple(float(f"{max(value, 0.0):.6g}") for value in eigenvalues),
        verdict.outcome.value,
        verdict.rank if decided else None,
        verdict.dimension if decided else None,
        certificate.decode("ascii") if certificate is not None else None,
    )


def describe(mixture: SharedGMM) -> str:
    """Return the mixture's weights and means in one phrase."""
    weights = ", ".join(str(w) for w in mixture.weights)
    means = ", ".join("(" + ", ".join(str(x) for x in mean) + ")" for mean in mixture.means)
    return f"weights {weights}; means {means}".replace("-", "−")
