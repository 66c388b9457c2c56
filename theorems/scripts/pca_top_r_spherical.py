"""Proof script of pca-top-r-spherical: Σ̄ = vI, so the variance that r columns capture is vr + v·J."""

from __future__ import annotations

from sympy import Eq, Ge, Gt, Identity, Implies, Inverse, MatrixSymbol, Symbol, Trace

from theorems.scripts import fisher_optimality as fisher
from theorems.scripts.fisher_optimality import E, Lam, S, Sbar, mu, q
from theorems.scripts.pca_spherical import LAW, SPHERICAL, D, R, V, v, x, xi, zeta
from verify.hypotheses import COVARIANCES_DEFINITE, WEIGHTS_POSITIVE, WEIGHTS_SUM
from verify.proofs import (
    Algebra,
    Congruence,
    Definition,
    Given,
    IndependentColumns,
    LinearConsequence,
    Mean,
    Multiple,
    PositiveFactor,
    Proof,
    SecondMoment,
    Step,
)
from verify.vocabulary import K, PositiveDefinite, d, r

HYPOTHESES = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, SPHERICAL)

# Λ is a square root of Σ̄ = vI and E of D = diag(w). A is the maximiser and B = QT any map of r independent columns, the
# columns of Q orthonormal. G = AᵀΣ̄A and H = BᵀΣ̄B. x = μζ + ξ.

A, B, Q = (MatrixSymbol(name, d, r) for name in "ABQ")
T, G, H = (MatrixSymbol(name, r, r) for name in "TGH")

ALGEBRA = Algebra(
    definitions={
        Sbar: Lam * Lam.T,
        D: E * E.T,
        S: mu * D * mu.T,
        R: Sbar + S,
        B: Q * T,
        G: A.T * Sbar * A,
        H: B.T * Sbar * B,
    },
    invertible=(Lam, G, H, T),
    needs={
        Lam: ("mean-covariance",),
        E: ("weights-positive",),
        q.label: ("component-variances", "covariances-definite"),
        Inverse(G): ("gram",),
        Inverse(H): ("other-gram",),
        **dict.fromkeys((Q, T), ("basis",)),
        **dict.fromkeys((zeta, xi), ("law",)),
    },
    sizes=({d: 4, r: 2, K: 3}, {d: 3, r: 1, K: 2}),
)

J, J_OTHER = Trace(G.I * A.T * S * A), Trace(H.I * B.T * S * B)
ORTHONORMAL, RADIUS = Eq(Q.T * Q, Identity(r)), Eq(Lam * Lam.T, v * Identity(d))
VALUE, BASIS_VALUE = (Eq(V(M), Mean(Trace(M.T * x * x.T * M))) for M in (A, Q))
MAXIMISER = Symbol(r"\{A \in \mathrm{argmax}\, V\}")

STEPS = (
    *fisher.PROOF.steps[:2],
    Step(
        "radius",
        "Σ̄ = Σ_k w_k Σ_k = ΛΛᵀ ≻ 0 is a positive multiple of I, say vI.",
        RADIUS & Gt(v, 0),
        ("spherical", "mean-covariance"),
        Definition((v,)),
    ),
    Step(
        "gram",
        "G = AᵀΣ̄A ≻ 0, so J(A) = tr(G⁻¹AᵀSA) is defined.",
        PositiveDefinite(G),
        ("mean-covariance", "independent-columns"),
        Congruence(factor=Lam.T * A, recover=Lam.T.I),
    ),
    Step(
        "basis",
        "Let B = QT, the columns of Q an orthonormal basis of Col(B) and T invertible.",
        ORTHONORMAL,
        ("independent-columns",),
        Definition((Q,)),
    ),
    Step(
        "other-gram",
        "H = BᵀΣ̄B ≻ 0, so J(B) = tr(H⁻¹BᵀSB) is defined.",
        PositiveDefinite(H),
        ("mean-covariance", "independent-columns", "basis"),
        Congruence(factor=Lam.T * B, recover=Lam.T.I),
    ),
    LAW,
    Step(
        "variance",
        "E‖Aᵀx‖² = tr(AᵀRA), R = E xxᵀ = Σ̄ + S.",
        Eq(VALUE.rhs, Trace(A.T * R * A)),
        ("law",),
        SecondMoment(),
    ),
    Step(
        "basis-variance",
        "E‖Qᵀx‖² = tr(QᵀRQ).",
        Eq(BASIS_VALUE.rhs, Trace(Q.T * R * Q)),
        ("law", "basis"),
        SecondMoment(),
    ),
    Step(
        "objective",
        "PCA maximises V(A) = E‖Aᵀx‖² over the A with AᵀA = I.",
        VALUE & BASIS_VALUE,
        ("law", "basis"),
        Definition((V,)),
    ),
    Step(
        "value",
        "AᵀA = I and Σ̄ = vI: V(A) = vr + tr(AᵀSA).",
        Eq(V(A), v * r + Trace(A.T * S * A)),
        ("objective", "variance", "radius", "orthonormal"),
        LinearConsequence(
            (Multiple(VALUE), Multiple("variance"), Multiple(RADIUS, A.T, A), Multiple("orthonormal", v))
        ),
    ),
    Step(
        "basis-value",
        "Likewise V(Q) = vr + tr(QᵀSQ).",
        Eq(V(Q), v * r + Trace(Q.T * S * Q)),
        ("objective", "basis-variance", "radius", "basis"),
        LinearConsequence(
            (Multiple(BASIS_VALUE), Multiple("basis-variance"), Multiple(RADIUS, Q.T, Q), Multiple(ORTHONORMAL, v))
        ),
    ),
    Step(
        "discriminant",
        "G = vAᵀA = vI, so tr(AᵀSA) = v·J(A).",
        Eq(Trace(A.T * S * A), v * J),
        ("gram", "weights-positive", "radius", "orthonormal"),
        LinearConsequence(
            (Multiple(RADIUS, A.T, A * G.I * A.T * S * A), Multiple("orthonormal", v, G.I * A.T * S * A))
        ),
    ),
    Step(
        "other-discriminant",
        "H = vBᵀB = vTᵀT, so tr(QᵀSQ) = v·J(B).",
        Eq(Trace(Q.T * S * Q), v * J_OTHER),
        ("other-gram", "weights-positive", "radius", "basis"),
        LinearConsequence(
            (
                Multiple(RADIUS, T.I * T.I.T * B.T, B * H.I * B.T * S * B),
                Multiple(ORTHONORMAL, v * T.I * T.I.T * T.T, T * H.I * B.T * S * B),
            )
        ),
    ),
    Step(
        "maximiser",
        "A maximiser does no worse than Q.",
        Implies(MAXIMISER, Ge(V(A) - V(Q), 0)),
        ("objective",),
        Definition((MAXIMISER,)),
    ),
    Step(
        "difference",
        "V(A) − V(Q) = v·(J(A) − J(B)).",
        Implies(Ge(V(A) - V(Q), 0), Ge(v * (J - J_OTHER), 0)),
        ("value", "basis-value", "discriminant", "other-discriminant"),
        LinearConsequence(
            (
                Multiple("antecedent"),
                Multiple("value", -1),
                Multiple("basis-value"),
                Multiple("discriminant", -1),
                Multiple("other-discriminant"),
            )
        ),
    ),
    Step(
        "better",
        "v > 0, so J(A) ≥ J(B).",
        Implies(Ge(v * (J - J_OTHER), 0), Ge(J - J_OTHER, 0)),
        ("radius", "gram", "other-gram", "weights-positive"),
        PositiveFactor(v),
    ),
)

PROOF = Proof(
    hypotheses=HYPOTHESES,
    givens=(
        Given("orthonormal", Eq(A.T * A, Identity(r)), "A ∈ R^{d×r} has orthonormal columns."),
        Given(
            "independent-columns",
            IndependentColumns(A) & IndependentColumns(B),
            "They are independent, and so are those of B ∈ R^{d×r}, any map.",
        ),
    ),
    algebra=ALGEBRA,
    steps=STEPS,
    conclusion=Implies(MAXIMISER, Ge(J - J_OTHER, 0)),
)
