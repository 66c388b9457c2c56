"""Proof script of infonce-equality-small-signal: negatives that hardly tell the components apart leave nothing out."""

from __future__ import annotations

from dataclasses import replace

from sympy import Eq, Ge, Gt, Implies, Symbol, Trace

from theorems.scripts import infonce_slope
from theorems.scripts.infonce_equality_two import ALGEBRA as CENTRED_ALGEBRA
from theorems.scripts.infonce_equality_two import SHARED_STEPS
from theorems.scripts.infonce_slope import CONTAINS, INCLUDED, MINIMISER, MISSED, SETTING, SLOPE, D, Q, T, V, o
from verify.hypotheses import (
    BIAS_RANGE,
    CENTRED,
    COLUMNS_REACH,
    COVARIANCES_DEFINITE,
    SHARED_COVARIANCE,
    WEIGHTS_POSITIVE,
    WEIGHTS_SUM,
)
from verify.proofs import (
    Cites,
    Definition,
    LinearConsequence,
    Multiple,
    NearProduct,
    NearProductForm,
    PositiveFactor,
    Proof,
    Step,
)
from verify.vocabulary import delta

SETTING_HYPOTHESES = (
    WEIGHTS_POSITIVE,
    WEIGHTS_SUM,
    COVARIANCES_DEFINITE,
    SHARED_COVARIANCE,
    BIAS_RANGE,
    COLUMNS_REACH,
)
HYPOTHESES = (*SETTING_HYPOTHESES, CENTRED)
# The letters are those of infonce-slope; h = max_jk |E[π_k | j]/w_k − 1|, and e = δ − h.
ALGEBRA = replace(CENTRED_ALGEBRA, needs={**CENTRED_ALGEBRA.needs, Q: ("softmax",)})
h, e = Symbol("h", real=True), Symbol("e", real=True)
HARDLY = Symbol(r"\{|\mathbb{E}[\pi_k \mid j] - w_k| \leq h\, w_k,\ h < \delta\}")
PRODUCT = D * o * o.T * D
LEFT_OVER = Ge(-e * Trace(T * D * T), 0)

PROOF = Proof(
    hypotheses=HYPOTHESES,
    algebra=ALGEBRA,
    steps=(
        *SETTING,
        SHARED_STEPS["pairs"],
        SHARED_STEPS["convexity"],
        SHARED_STEPS["softmax"],
        Step(
            "hardly",
            "Let |E[π_k | j] − w_k| ≤ h w_k for all j and k, that is |Q_jk − w_j w_k| ≤ h w_j w_k, with h < δ.",
            Implies(HARDLY, NearProduct(Q, D, o, h) & Gt(delta - h, 0)),
            ("softmax", "weights-positive", "total-weight"),
            Definition((HARDLY, h)),
        ),
        Step("excess", "Write e = δ − h.", Eq(e, delta - h), ("hardly",), Definition((e,))),
        Step(
            "near",
            "Then tr(TQT) − |TDo|² ≤ h tr(TDT): a sum of squares with weights h w_j w_k ± (Q_jk − w_j w_k) ≥ 0.",
            Implies(NearProduct(Q, D, o, h), Ge(h * Trace(T * D * T) - Trace(T * Q * T) + Trace(T * PRODUCT * T), 0)),
            ("total-weight", "hardly", "gram", "fisher-basis"),
            NearProductForm(Q, D, o, T, h),
        ),
        Step(
            "slope",
            "A minimiser has Col(A) ⊆ S_F and a slope ≥ 0; tr(TDT) ≤ 0 only if nothing of S_F is missed.",
            Implies(MINIMISER, INCLUDED) & Implies(MINIMISER, Ge(SLOPE, 0)) & Implies(MISSED, CONTAINS),
            (
                *(hypothesis.name for hypothesis in SETTING_HYPOTHESES),
                "softmax",
                "total-weight",
                "gram",
                "fisher-basis",
            ),
            Cites("infonce-slope", infonce_slope.PROOF),
        ),
        Step(
            "left-over",
            "As TDo = Vᵀμ̄ = 0, the slope is at most (h − δ) tr(TDT).",
            Implies(
                Ge(h * Trace(T * D * T) - Trace(T * Q * T) + Trace(T * PRODUCT * T), 0) & Ge(SLOPE, 0),
                LEFT_OVER,
            ),
            ("centred", "excess", "hardly", "gram", "fisher-basis", "total-weight"),
            LinearConsequence(
                (
                    Multiple(Ge(h * Trace(T * D * T) - Trace(T * Q * T) + Trace(T * PRODUCT * T), 0)),
                    Multiple(Ge(SLOPE, 0)),
                    Multiple("excess", by=-Trace(T * D * T)),
                    Multiple("centred", left=-delta * V.T, right=o.T * D * T),
                )
            ),
        ),
        Step(
            "exceeds",
            "e > 0, since h < δ.",
            Implies(Gt(delta - h, 0), Gt(e, 0)),
            ("excess",),
            LinearConsequence((Multiple(Gt(delta - h, 0)), Multiple("excess"))),
        ),
        Step(
            "nothing-missed",
            "So tr(TDT) ≤ 0.",
            Implies(Gt(e, 0) & LEFT_OVER, MISSED),
            ("excess", "weights-positive", "gram", "fisher-basis", "hardly"),
            PositiveFactor(e),
        ),
    ),
    conclusion=Implies(MINIMISER & HARDLY, INCLUDED & CONTAINS),
)
