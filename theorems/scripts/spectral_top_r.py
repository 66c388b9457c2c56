"""Proof script of spectral-top-r: C = δS when centred, and the top eigenvectors of (S, R) are those of (S, Σ̄)."""

from __future__ import annotations

from sympy import Eq, Equivalent, Implies, Symbol

from theorems.scripts.spectral_inclusion import (
    ALGEBRA,
    HYPOTHESES,
    LOSS_STEPS,
    MINIMISER,
    PART,
    TARGET,
    A,
    E,
    Gamma,
    Lam,
    R,
    S,
    Sbar,
    mu,
)
from verify.hypotheses import BIAS_POSITIVE, CENTRED
from verify.proofs import KyFan, LinearConsequence, Multiple, Proof, ShiftedPencil, Step, TopColumns, TopSpace
from verify.vocabulary import delta, mu_bar, r

OPTIMAL = Symbol(r"\{J(A) = \max_{B \in \mathbb{R}^{d \times r}} J(B)\}")
SHIFTED, TOP = TopSpace(A, S, R, r), TopSpace(A, S, Sbar, r)
MEAN_PART = (1 - delta) * Gamma.I

STEPS = (
    *LOSS_STEPS,
    Step(
        "centred-target",
        "μ̄ = 0, so C = δS and Γ⁻¹CΓ⁻ᵀ = δΓ⁻¹SΓ⁻ᵀ.",
        Eq(TARGET, delta * (Gamma.I * S * Gamma.I.T)),
        ("centred", "closed-form"),
        LinearConsequence((Multiple("centred", MEAN_PART, mu_bar.T * Gamma.I.T),)),
    ),
    Step(
        "top-columns",
        "Col(A) is spanned by eigenvectors Sv = λRv at the r largest eigenvalues, those that are positive.",
        Implies(PART, SHIFTED),
        ("second-moment", "bias-positive", "centred-target"),
        TopColumns("centred-target", Gamma, delta),
    ),
    Step(
        "same-pencil",
        "R = Σ̄ + S: Sv = λRv says that (1 − λ)Sv = λΣ̄v, and λ/(1 − λ) increases, so the order is that of (S, Σ̄).",
        Implies(SHIFTED, TOP),
        ("second-moment",),
        ShiftedPencil("second-moment", Gamma, Lam),
    ),
    Step(
        "optimal",
        "Ky Fan: among maps of r columns J(A) = tr[(AᵀΣ̄A)⁻¹AᵀSA] is largest on the top-r eigenspace of (S, Σ̄).",
        Implies(TOP, OPTIMAL),
        ("mean-covariance", "weights-positive"),
        KyFan(OPTIMAL, mu * E, Lam),
    ),
)

PROOF = Proof(
    hypotheses=(*HYPOTHESES, BIAS_POSITIVE, CENTRED),
    algebra=ALGEBRA,
    steps=STEPS,
    conclusion=Implies(MINIMISER, TOP & OPTIMAL) & Equivalent(MINIMISER, PART),
)
