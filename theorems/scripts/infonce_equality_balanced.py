"""Proof script of infonce-equality-balanced: where E p_k = w_k the negatives leave no direction out, at δ = 1."""

from __future__ import annotations

from sympy import Eq, Ge, Identity, Implies, MatrixSymbol, Trace

from theorems.scripts import infonce_slope
from theorems.scripts.infonce_equality_two import ALGEBRA as CENTRED_ALGEBRA
from theorems.scripts.infonce_slope import (
    CONTAINS,
    INCLUDED,
    MINIMISER,
    MISSED,
    SETTING,
    SLOPE,
    D,
    Lam,
    Q,
    Sigma,
    T,
    V,
    o,
)
from verify.hypotheses import (
    ALWAYS_MATCHED,
    BIAS_RANGE,
    CENTRED,
    COLUMNS_REACH,
    COVARIANCES_DEFINITE,
    ONE_ORBIT,
    SHARED_COVARIANCE,
    WEIGHTS_POSITIVE,
    WEIGHTS_SUM,
)
from verify.proofs import (
    Cites,
    EqualColumns,
    LinearConsequence,
    Multiple,
    PositiveEntries,
    Proof,
    Step,
    SymmetricMinimiser,
    Vanishing,
    vanishes,
)
from verify.vocabulary import K, d

SETTING_HYPOTHESES = (
    WEIGHTS_POSITIVE,
    WEIGHTS_SUM,
    COVARIANCES_DEFINITE,
    SHARED_COVARIANCE,
    BIAS_RANGE,
    COLUMNS_REACH,
)
HYPOTHESES = (*SETTING_HYPOTHESES, CENTRED, ALWAYS_MATCHED, ONE_ORBIT)
# The letters are those of infonce-slope; q is the column that all columns of T equal, H a change of M.
ALGEBRA = CENTRED_ALGEBRA
SHARED_STEPS = {step.name: step for step in infonce_slope.STEPS}
q, H = MatrixSymbol("q", K, 1), MatrixSymbol("H", d, d)
BALANCED = Eq(Q.T * o, D * o)  # the k-th entry of oᵀQ is E π_k
DEFECT = Ge(Trace(T * Q * T) - Trace(T * D * T), 0)
CONSTANT = Eq(T, q * o.T)

PROOF = Proof(
    hypotheses=HYPOTHESES,
    algebra=ALGEBRA,
    steps=(
        *SETTING,
        SHARED_STEPS["pairs"],
        SHARED_STEPS["convexity"],
        SHARED_STEPS["softmax"],
        Step(
            "strict",
            "The quadratic part of L is strictly convex in M: tr(HΣHᵀΣ) = ‖ΛᵀHΛ‖² = 0 only if H = 0.",
            Implies(Eq(Trace(H * Sigma * H.T * Sigma), 0), vanishes(H)),
            ("covariances-definite", "shared-covariance"),
            Vanishing((Lam.T * H * Lam,), left=Lam.T.I, right=Lam.I),
        ),
        Step(
            "symmetric",
            "M* is unique, so it has the symmetries of the mixture, and E π_k is the same for every k, as w_k is.",
            Implies(MINIMISER, BALANCED),
            ("one-orbit", "convexity", "strict", "softmax", "total-weight"),
            SymmetricMinimiser(MINIMISER, Q, D, o, Sigma, H),
        ),
        Step(
            "slope",
            "A minimiser has Col(A) ⊆ S_F and a slope ≥ 0; Q_jk > 0, Qo = Do; tr(TDT) ≤ 0 only if nothing is missed.",
            Implies(MINIMISER, INCLUDED)
            & Implies(MINIMISER, Ge(SLOPE, 0))
            & PositiveEntries(Q)
            & Eq(Q * o, D * o)
            & Implies(MISSED, CONTAINS),
            (*(h.name for h in SETTING_HYPOTHESES), "total-weight", "gram", "fisher-basis"),
            Cites("infonce-slope", infonce_slope.PROOF),
        ),
        Step(
            "matched",
            "At δ = 1 the slope is tr(TQT) − tr(TDT).",
            Implies(Ge(SLOPE, 0), DEFECT),
            ("always-matched", "gram", "fisher-basis", "total-weight"),
            LinearConsequence(
                (
                    Multiple(Ge(SLOPE, 0)),
                    Multiple("always-matched", by=Trace(T * D * T) - Trace(T * D * o * o.T * D * T)),
                )
            ),
        ),
        Step(
            "equal-columns",
            "If E π_k = w_k, that is −½ Σ_jk Q_jk |T_j − T_k|²: ≥ 0 only if the columns of T are equal.",
            Implies(BALANCED & DEFECT, CONSTANT),
            ("slope", "gram", "fisher-basis"),
            EqualColumns(Q, D, o, T, q),
        ),
        Step(
            "constant-vanishes",
            "Equal columns are their own mean, which is TDo = Vᵀμ̄ = 0.",
            Implies(CONSTANT, vanishes(T)),
            ("centred", "total-weight", "gram", "fisher-basis"),
            LinearConsequence(
                (
                    Multiple(CONSTANT, right=Identity(K) - D * o * o.T),
                    Multiple("centred", left=V.T, right=o.T),
                    Multiple("total-weight", left=-q, right=o.T),
                )
            ),
        ),
        Step(
            "nothing-missed",
            "If T = 0 then tr(TDT) ≤ 0.",
            Implies(vanishes(T), MISSED),
            ("weights-positive", "gram", "fisher-basis"),
            LinearConsequence((Multiple(vanishes(T), left=-T * D),)),
        ),
    ),
    conclusion=Implies(MINIMISER, INCLUDED & CONTAINS) & Implies(MINIMISER & BALANCED, INCLUDED & CONTAINS),
)
