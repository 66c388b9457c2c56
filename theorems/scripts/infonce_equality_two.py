"""Proof script of infonce-equality-two: with two components S_F is a line, and A = 0 is no minimiser."""

from __future__ import annotations

from dataclasses import replace

from sympy import Eq, Ge, Implies, Trace

from theorems.scripts import infonce_slope
from theorems.scripts.infonce_slope import (
    AT_ZERO,
    CONTAINS,
    INCLUDED,
    MINIMISER,
    MISSED,
    SETTING,
    SLOPE,
    A,
    B,
    D,
    Q,
    T,
    V,
    mu,
    o,
    pi,
)
from verify.hypotheses import (
    BIAS_POSITIVE,
    BIAS_RANGE,
    CENTRED,
    COVARIANCES_DEFINITE,
    SHARED_COVARIANCE,
    TWO_COMPONENTS,
    WEIGHTS_POSITIVE,
    WEIGHTS_SUM,
)
from verify.proofs import (
    AtLeastOne,
    CentredRank,
    Cites,
    LinearConsequence,
    Multiple,
    PositiveFactor,
    Proof,
    Step,
    WithinLine,
    vanishes,
)
from verify.vocabulary import K, delta, m, mu_bar, r

HYPOTHESES = (
    WEIGHTS_POSITIVE,
    WEIGHTS_SUM,
    COVARIANCES_DEFINITE,
    SHARED_COVARIANCE,
    BIAS_RANGE,
    CENTRED,
    TWO_COMPONENTS,
    BIAS_POSITIVE,
)
# The letters are those of infonce-slope; μ̄ = μDo.
ALGEBRA = replace(
    infonce_slope.ALGEBRA,
    definitions=infonce_slope.ALGEBRA.definitions | {mu_bar: mu * D * o},
    needs={letter: names for letter, names in infonce_slope.ALGEBRA.needs.items() if letter not in (pi, Q)},
)
SHARED_STEPS = {step.name: step for step in infonce_slope.STEPS}
AT_PRODUCT = Eq(Q, D * o * o.T * D)
NEGATIVE = Ge(-delta * Trace(T * D * T), 0)

PROOF = Proof(
    hypotheses=HYPOTHESES,
    algebra=ALGEBRA,
    steps=(
        *SETTING,
        Step(
            "dimension",
            "The means satisfy Σ_k w_k μ_k = 0, so they span at most K − 1 dimensions, and so does S_F.",
            Ge(K - 1 - m, 0),
            ("fisher-basis", "centred", "weights-positive"),
            CentredRank(B, mu, mu_bar),
        ),
        Step(
            "line",
            "With K = 2, S_F is a line or {0}.",
            Ge(1 - m, 0),
            ("dimension", "two-components"),
            LinearConsequence((Multiple("dimension"), Multiple("two-components", by=-1))),
        ),
        Step(
            "columns-reach",
            "A has enough columns: r ≥ 1 ≥ dim S_F.",
            Ge(r, m),
            ("line",),
            AtLeastOne(),
        ),
        SHARED_STEPS["basis-gram"],
        SHARED_STEPS["included"],
        SHARED_STEPS["contains"],
        Step(
            "all-or-nothing",
            "A column space inside a line is 0 or the line.",
            Implies(INCLUDED, vanishes(A) | CONTAINS),
            ("included", "contains", "line", "factor", "fisher-basis", "gram"),
            WithinLine(INCLUDED, CONTAINS, A),
        ),
        Step(
            "slope",
            "A minimiser has Col(A) ⊆ S_F and a slope ≥ 0; at A = 0 the softmax is w; tr(TDT) ≤ 0 only if nothing of "
            "S_F is missed.",
            Implies(MINIMISER, INCLUDED) & Implies(MINIMISER, Ge(SLOPE, 0)) & AT_ZERO & Implies(MISSED, CONTAINS),
            (*(h.name for h in HYPOTHESES[:5]), "columns-reach", "total-weight", "gram"),
            Cites("infonce-slope", infonce_slope.PROOF),
        ),
        Step(
            "slope-at-zero",
            "With Q = Do(Do)ᵀ and Σ_k w_k μ_k = 0 the slope is −δ tr(TDT).",
            Implies(AT_PRODUCT & Ge(SLOPE, 0), NEGATIVE),
            ("centred", "gram", "fisher-basis", "total-weight"),
            LinearConsequence(
                (
                    Multiple(Ge(SLOPE, 0)),
                    Multiple(AT_PRODUCT, left=-T, right=T),
                    Multiple("centred", left=-delta * V.T, right=o.T * D * T),
                )
            ),
        ),
        Step(
            "positive-bias",
            "As δ > 0, that is ≥ 0 only if tr(TDT) ≤ 0.",
            Implies(NEGATIVE, MISSED),
            ("bias-positive", "weights-positive", "gram", "fisher-basis"),
            PositiveFactor(delta),
        ),
    ),
    conclusion=Implies(MINIMISER, INCLUDED & CONTAINS),
)
