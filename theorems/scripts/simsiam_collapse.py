"""Proof script of simsiam-collapse: what a singular predictor does not see may be added to A, across the means."""

from __future__ import annotations

from typing import Any

from sympy import Eq, Equivalent, Identity, Implies, MatrixSymbol, Ne, Not, Symbol, Trace, ZeroMatrix

from theorems.scripts.simsiam_inclusion import (
    DEFINITIONS,
    MODEL_STEPS,
    NEEDS,
    SETTING,
    SIZES,
    A,
    H,
    H_next,
    J,
    J_next,
    Lam,
    P,
    R,
    Sbar,
    V,
    along_encoder,
    along_predictor,
    encoder_steps,
    gradient_vanishes,
    loss,
    mu,
    predictor_steps,
    slope_at_0,
)
from verify.hypotheses import NO_WEIGHT_DECAY, ROOM_OUTSIDE
from verify.proofs import (
    Algebra,
    Combination,
    Definition,
    Given,
    IndependentColumns,
    LinearConsequence,
    MatrixIdentity,
    Multiple,
    Proof,
    Step,
    Term,
    Vanishing,
    vanishes,
)
from verify.vocabulary import K, d, r

HYPOTHESES = (*SETTING, NO_WEIGHT_DECAY, ROOM_OUTSIDE)

# N = avᵀ, where a is orthogonal to the means and Pv = 0; M = A + N.

a, v = MatrixSymbol("a", d, 1), MatrixSymbol("v", r, 1)
N, M = MatrixSymbol("N", d, r), MatrixSymbol("M", d, r)
GROUNDS = ("mean-covariance", "weights-positive")
ACROSS, ACROSS_T = vanishes(mu.T * a), vanishes(a.T * mu)
UNSEEN, UNSEEN_T, UNIT = vanishes(P * v), vanishes(v.T * P.T), Eq(v.T * v, Identity(1))
BLIND = vanishes(P * A.T * R * a)
NO_DECAY = NO_WEIGHT_DECAY.formula
STATIONARY = Symbol(r"\{\nabla L_{\mathrm{SimSiam}}(A, P) = 0\}")
MOVED = Symbol(r"\{\nabla L_{\mathrm{SimSiam}}(A + N, P) = 0\}")
AT_A = vanishes(along_encoder(A, P)), vanishes(along_predictor(A, P))
AT_M = vanishes(along_encoder(M, P)), vanishes(along_predictor(M, P))


IN_A, IN_M = Symbol(r"\{\mathrm{Col}(A) \subseteq S_F\}"), Symbol(r"\{\mathrm{Col}(A + N) \subseteq S_F\}")
Y_A, Y_M = MatrixSymbol("Y_A", K, r), MatrixSymbol("Y_M", K, r)
A_SPANNED, M_SPANNED = Eq(A, Sbar.I * mu * Y_A), Eq(M, Sbar.I * mu * Y_M)


def _stationary(proposition: Symbol, tag: str, what: str) -> Step:
    slopes = [slope_at_0(loss(f"{kind}{tag}")) for kind in "AP"]
    return Step(
        f"stationary{tag}",
        f"{what} is stationary when the slope is 0 along every direction H of the encoder and J of the predictor.",
        Equivalent(proposition, Eq(slopes[0], 0) & Eq(slopes[1], 0)),
        (f"loss-A{tag}", f"loss-P{tag}"),
        Definition((proposition,)),
    )


def _slope_vanishes(name: str, way: MatrixSymbol, gradient: Any) -> tuple[Step, ...]:
    pairing = Trace(way.T * gradient)
    return (
        Step(
            f"pairing-{name}",
            "Where the gradient is 0, so is its pairing with every direction,",
            Implies(vanishes(gradient), Eq(pairing, 0)),
            (f"slope-{name}",),
            MatrixIdentity(left=way.T),
        ),
        Step(
            f"flat-{name}",
            "and so is the slope.",
            Implies(Eq(pairing, 0), Eq(slope_at_0(loss(name)), 0)),
            (f"slope-{name}",),
            Combination((Term("antecedent"), Term(f"slope-{name}"))),
        ),
    )


PROOF = Proof(
    hypotheses=HYPOTHESES,
    givens=(Given("singular-predictor", Not(IndependentColumns(P)), "The predictor P is singular."),),
    algebra=Algebra(
        definitions={**DEFINITIONS, N: a * v.T, M: A + N},
        invertible=(Lam,),
        needs={**NEEDS, a: ("across",), v: ("unseen",)},
        sizes=SIZES,
    ),
    steps=(
        *MODEL_STEPS,
        Step(
            "across",
            "dim span μ = m < d, so there is an a ≠ 0 that is orthogonal to the means.",
            ACROSS & ACROSS_T & Ne(a, ZeroMatrix(d, 1)),
            ("room-outside",),
            Definition((a,)),
        ),
        Step(
            "unseen",
            "P is singular, so there is a unit vector v with Pv = 0.",
            UNSEEN & UNSEEN_T & UNIT,
            ("singular-predictor",),
            Definition((v,)),
        ),
        *encoder_steps(A),
        *predictor_steps(A),
        _stationary(STATIONARY, "", "(A, P)"),
        *gradient_vanishes("A", H, H_next, along_encoder(A, P)),
        *gradient_vanishes("P", J, J_next, along_predictor(A, P)),
        *encoder_steps(M, "-moved", ("across", "unseen")),
        *predictor_steps(M, "-moved", ("across", "unseen")),
        _stationary(MOVED, "-moved", "(A + N, P)"),
        *_slope_vanishes("A-moved", H, along_encoder(M, P)),
        *_slope_vanishes("P-moved", J, along_predictor(M, P)),
        Step(
            "encoder",
            "With Pv = 0 and μᵀa = 0, ∂_A at A + N is ∂_A at A: RNPᵀP = Ra(Pv)ᵀP = 0 and CNP = 0.",
            Implies(AT_A[0] & UNSEEN_T & ACROSS & NO_DECAY, AT_M[0]),
            (*GROUNDS, "across", "unseen"),
            LinearConsequence(
                (
                    Multiple(AT_A[0]),
                    Multiple(UNSEEN_T, left=R * a, right=P),
                    Multiple(ACROSS, left=-mu * V, right=v.T * P),
                    Multiple(NO_DECAY, by=N),
                )
            ),
        ),
        Step(
            "blind-square",
            "aᵀ∂_A = 0 says that aᵀRAPᵀP = 0, so ‖PAᵀRa‖² = 0.",
            Implies(AT_A[0] & ACROSS_T & NO_DECAY, Eq(Trace(P * A.T * R * a * a.T * R * A * P.T), 0)),
            (*GROUNDS, "across"),
            LinearConsequence(
                (
                    Multiple(AT_A[0], left=a.T, right=A.T * R * a),
                    Multiple(ACROSS_T, right=V * mu.T * A * P * A.T * R * a),
                    Multiple(NO_DECAY, by=-Trace(a.T * A * A.T * R * a)),
                )
            ),
        ),
        Step(
            "blind",
            "So PAᵀRa = 0: what P makes of Aᵀx is not correlated with aᵀx.",
            Implies(Eq(Trace(P * A.T * R * a * a.T * R * A * P.T), 0), BLIND),
            (*GROUNDS, "across"),
            Vanishing((P * A.T * R * a,), left=Identity(r), right=Identity(1)),
        ),
        Step(
            "predictor",
            "Then ∂_P at A + N is ∂_P at A too: each further term holds Pv, PAᵀRa or μᵀa.",
            Implies(AT_A[1] & BLIND & UNSEEN & ACROSS & ACROSS_T, AT_M[1]),
            (*GROUNDS, "across", "unseen"),
            LinearConsequence(
                (
                    Multiple(AT_A[1]),
                    Multiple(BLIND, right=v.T),
                    Multiple(UNSEEN, right=a.T * R * M),
                    Multiple(ACROSS, left=-A.T * mu * V, right=v.T),
                    Multiple(ACROSS_T, left=-v, right=V * mu.T * M),
                )
            ),
        ),
        Step(
            "in-A",
            "Col(A) ⊆ S_F means that A = Σ̄⁻¹μY for some Y.",
            Implies(IN_A, A_SPANNED),
            GROUNDS,
            Definition((IN_A, Y_A)),
        ),
        Step(
            "in-M",
            "Col(A + N) ⊆ S_F means that A + N = Σ̄⁻¹μY for some Y.",
            Implies(IN_M, M_SPANNED),
            (*GROUNDS, "across", "unseen"),
            Definition((IN_M, Y_M)),
        ),
        Step(
            "difference",
            "If both lie inside, so does N: aᵀΣ̄a = aᵀΣ̄Nv = aᵀμ(…)v = 0.",
            Implies(A_SPANNED & M_SPANNED & ACROSS_T & UNIT, Eq(Trace(a.T * Sbar * a), 0)),
            (*GROUNDS, "across", "unseen"),
            LinearConsequence(
                (
                    Multiple(M_SPANNED, left=a.T * Sbar, right=v),
                    Multiple(A_SPANNED, left=-a.T * Sbar, right=v),
                    Multiple(ACROSS_T, right=(Y_M - Y_A) * v),
                    Multiple(UNIT, left=-a.T * Sbar * a),
                )
            ),
        ),
        Step(
            "contradiction",
            "But aᵀΣ̄a = ‖Λᵀa‖² = 0 only if a = 0.",
            Implies(Eq(Trace(a.T * Sbar * a), 0), vanishes(a)),
            (*GROUNDS, "across"),
            Vanishing((Lam.T * a,), left=Lam.T.I, right=Identity(1)),
        ),
    ),
    conclusion=Implies(STATIONARY, MOVED & ~(IN_A & IN_M)),
)
