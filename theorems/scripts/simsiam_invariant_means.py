"""Proof script of simsiam-invariant-means: where Σ̄ maps span μ to itself, what lies across it has positive energy."""

from __future__ import annotations

from dataclasses import replace

from sympy import Eq, Ge, Identity, Implies, Inverse, MatrixSymbol, Symbol, Trace

from theorems.scripts.simsiam_inclusion import (
    DEFINITIONS,
    MODEL_STEPS,
    NEEDS,
    SETTING,
    STATIONARY,
    A,
    H,
    H_next,
    Lam,
    P,
    Sbar,
    along_encoder,
    encoder_steps,
    gradient_vanishes,
    loss,
    mu,
    slope_at_0,
)
from verify.hypotheses import MEANS_INVARIANT, WEIGHT_DECAY
from verify.proofs import (
    Algebra,
    Combination,
    Congruence,
    Definition,
    Existential,
    IndependentColumns,
    LinearConsequence,
    MatrixIdentity,
    Multiple,
    PositiveFactor,
    Proof,
    Square,
    Step,
    Term,
    Vanishing,
    nonnegative,
    vanishes,
)
from verify.vocabulary import K, PositiveDefinite, d, eta, m, r

HYPOTHESES = (*SETTING, WEIGHT_DECAY, MEANS_INVARIANT)

# The columns of U are a basis of span μ, G = UᵀU; A_in = UG⁻¹UᵀA and A_out = A − A_in.

U, G, c, e, T = (
    MatrixSymbol(name, *shape)
    for name, shape in (("U", (d, m)), ("G", (m, m)), ("c", (m, K)), ("e", (K, m)), ("T", (m, m)))
)
inside, outside = MatrixSymbol("A_in", d, r), MatrixSymbol("A_out", d, r)
Y = MatrixSymbol("Y", K, r)
GRADIENT = vanishes(along_encoder(A, P))
INVARIANT, CROSS, MEANS = Eq(Sbar * U, U * T), vanishes(outside.T * Sbar * U), Eq(U, mu * e)
ENERGY, SIZE = Trace(P * outside.T * Sbar * outside * P.T), Trace(outside.T * outside)
COORDINATES = G.I * U.T * A
INCLUDED = Existential(Symbol(r"\{\mathrm{Col}(A) \subseteq S_F\}"), Eq(A, Sbar.I * mu * Y), Y, e * T * COORDINATES)
(*COVARIANCE, PAIRS) = MODEL_STEPS
GROUNDS = ("means-gram", "mean-covariance", "weights-positive")

PROOF = Proof(
    hypotheses=HYPOTHESES,
    algebra=Algebra(
        definitions={
            **DEFINITIONS,
            mu: U * c,
            G: U.T * U,
            inside: U * G.I * U.T * A,
            outside: A - inside,
        },
        invertible=(Lam, G),
        needs={**NEEDS, mu: ("means-basis",), Inverse(G): ("means-gram",)},
        sizes=({d: 4, m: 2, K: 3, r: 2}, {d: 3, m: 1, K: 2, r: 3}),
    ),
    steps=(
        *COVARIANCE,
        Step(
            "means-basis",
            "Let the columns of U be a basis of span μ: μ = Uc and U = μe. Σ̄ maps the span to itself: Σ̄U = UT.",
            IndependentColumns(U) & Eq(mu, U * c) & MEANS & INVARIANT,
            ("mean-covariance", "means-invariant"),
            Definition((U, c, e, T)),
        ),
        Step(
            "means-gram",
            "G = UᵀU ≻ 0, so A_in = UG⁻¹UᵀA and A_out = A − A_in are defined.",
            PositiveDefinite(G),
            ("means-basis",),
            Congruence(factor=U, recover=Identity(d)),
        ),
        replace(PAIRS, premises=(*PAIRS.premises, "means-basis")),
        *encoder_steps(A),
        Step(
            "stationary",
            "At a stationary point the slope is 0 along every direction H of A.",
            Implies(STATIONARY, Eq(slope_at_0(loss("A")), 0)),
            ("loss-A",),
            Definition((STATIONARY,)),
        ),
        *gradient_vanishes("A", H, H_next, along_encoder(A, P)),
        Step(
            "cross",
            "A_out is orthogonal to U, so to UT = Σ̄U.",
            Implies(INVARIANT, CROSS),
            GROUNDS,
            MatrixIdentity(left=outside.T),
        ),
        Step(
            "energy",
            "Across the means, ∂_A L = 0 says that ‖PA_outᵀ‖² (in the norm of Σ̄) and η‖A_out‖² add up to 0.",
            Implies(GRADIENT & CROSS, Eq(ENERGY + eta * SIZE, 0)),
            GROUNDS,
            LinearConsequence(
                (Multiple(GRADIENT, left=outside.T), Multiple(CROSS, right=-COORDINATES * P.T * P)),
            ),
        ),
        Step(
            "kinetic",
            "The first is ≥ 0.",
            nonnegative(ENERGY),
            GROUNDS,
            Square(Lam.T * outside * P.T),
        ),
        Step(
            "decay",
            "So the second is ≤ 0.",
            Implies(Eq(ENERGY + eta * SIZE, 0), Ge(-eta * SIZE, 0)),
            ("kinetic",),
            Combination((Term("antecedent", -1), Term("kinetic"))),
        ),
        Step(
            "size",
            "As η > 0, ‖A_out‖² ≤ 0.",
            Implies(Ge(-eta * SIZE, 0), Ge(-SIZE, 0)),
            ("weight-decay", "means-gram"),
            PositiveFactor(eta),
        ),
        Step(
            "outside-vanishes",
            "Then A_out = 0.",
            Implies(Ge(-SIZE, 0), vanishes(outside)),
            ("means-gram",),
            Vanishing((outside,), left=Identity(d), right=Identity(r)),
        ),
        Step(
            "spans",
            "Then A = UG⁻¹UᵀA, and U = Σ̄⁻¹UT = Σ̄⁻¹μeT.",
            Implies(vanishes(outside) & INVARIANT & MEANS, Eq(A, Sbar.I * mu * (e * T * COORDINATES))),
            GROUNDS,
            LinearConsequence(
                (
                    Multiple(vanishes(outside)),
                    Multiple(INVARIANT, left=Sbar.I, right=COORDINATES),
                    Multiple(MEANS, left=Sbar.I, right=T * COORDINATES),
                )
            ),
        ),
        Step(
            "included",
            "Col(A) ⊆ S_F means that A = Σ̄⁻¹μY has a solution Y.",
            INCLUDED.claim,
            GROUNDS,
            INCLUDED,
        ),
    ),
    conclusion=Implies(STATIONARY, INCLUDED.proposition),
)
