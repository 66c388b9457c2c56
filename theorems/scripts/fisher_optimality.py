"""Proof script of fisher-optimality: J(A) ≤ tr(Σ̄⁻¹S), with equality exactly when Col(A) contains S_F."""

from __future__ import annotations

from sympy import Eq, Equivalent, Gt, Implies, IndexedBase, Inverse, MatrixSymbol, Sum, Symbol, Trace

from verify.hypotheses import COVARIANCES_DEFINITE, WEIGHTS_POSITIVE, WEIGHTS_SUM
from verify.proofs import (
    Algebra,
    Congruence,
    Definition,
    Existential,
    Given,
    IndependentColumns,
    MatrixIdentity,
    PositiveSum,
    Proof,
    Square,
    Step,
    Vanishing,
    nonnegative,
    vanishes,
)
from verify.vocabulary import K, PositiveDefinite, d, k, r, w

HYPOTHESES = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE)

# Λ is a square root of Σ̄ and E of diag(w); μ holds the means as columns; Δ = Σ̄⁻¹ − A(AᵀΣ̄A)⁻¹Aᵀ.

Lam, Sbar, Delta = (MatrixSymbol(name, d, d) for name in ("Lambda", "Sigmabar", "Delta"))
E, mu, A = MatrixSymbol("E", K, K), MatrixSymbol("mu", d, K), MatrixSymbol("A", d, r)
S, G, c = MatrixSymbol("S", d, d), MatrixSymbol("G", r, r), MatrixSymbol("c", r, K)
q = IndexedBase("q")

ALGEBRA = Algebra(
    definitions={
        Sbar: Lam * Lam.T,
        S: mu * E * E.T * mu.T,
        G: A.T * Sbar * A,
        Delta: Sbar.I - A * G.I * A.T,
    },
    invertible=(Lam, E, G),
    needs={
        Lam: ("mean-covariance",),
        E: ("weights-positive",),
        q.label: ("component-variances", "covariances-definite"),
        Inverse(G): ("gram",),
    },
    sizes=({d: 4, K: 3, r: 2}, {d: 3, K: 2, r: 3}),
)

J, BOUND = Trace(G.I * A.T * S * A), Trace(Sbar.I * S)
CONTAINS = Symbol(r"S_F \subseteq \mathrm{Col}(A)")
SPANNED = Existential(CONTAINS, Eq(Sbar.I * mu, A * c, evaluate=False), c, G.I * A.T * mu)

PROOF = Proof(
    hypotheses=HYPOTHESES,
    givens=(Given("independent-columns", IndependentColumns(A), "A ∈ R^{d×r} has linearly independent columns."),),
    algebra=ALGEBRA,
    steps=(
        Step(
            "component-variances",
            "Write q_k = vᵀΣ_k v for a vector v ≠ 0; it is positive.",
            Gt(q[k], 0),
            ("covariances-definite",),
            Definition((q.label,)),
        ),
        Step(
            "mean-covariance",
            "vᵀΣ̄v = Σ_k w_k q_k > 0 for every v ≠ 0, so Σ̄ ≻ 0 and Σ̄ = ΛΛᵀ with Λ invertible.",
            Gt(Sum(w[k] * q[k], (k, 1, K)), 0),
            ("component-variances", "weights-positive"),
            PositiveSum(),
        ),
        Step(
            "gram",
            "G = AᵀΣ̄A ≻ 0, so J(A) = tr(G⁻¹AᵀSA) is defined.",
            PositiveDefinite(G),
            ("mean-covariance", "independent-columns"),
            Congruence(factor=Lam.T * A, recover=Lam.T.I),
        ),
        Step(
            "bound",
            "With Δ = Σ̄⁻¹ − AG⁻¹Aᵀ, ΔΣ̄Δ = Δ, so tr(Σ̄⁻¹S) − J(A) = tr(ΔS) = ‖ΛᵀΔμE‖² ≥ 0, where EEᵀ = diag(w).",
            nonnegative(BOUND - J),
            ("gram", "weights-positive"),
            Square(Lam.T * Delta * mu * E),
        ),
        Step(
            "equality-gives-zero",
            "Equality forces ΛᵀΔμE = 0, and Λ and E are invertible: Δμ = 0.",
            Implies(Eq(BOUND - J, 0), vanishes(Delta * mu)),
            ("gram", "weights-positive"),
            Vanishing((Lam.T * Delta * mu * E,), left=Lam.T.I, right=E.I),
        ),
        Step(
            "zero-gives-equality",
            "If Δμ = 0 then tr(ΔS) = tr(Δμ diag(w) μᵀ) = 0.",
            Implies(vanishes(Delta * mu), Eq(BOUND - J, 0)),
            ("gram", "weights-positive"),
            MatrixIdentity(right=E * E.T * mu.T),
        ),
        Step(
            "contains",
            "S_F ⊆ Col(A) means that Σ̄⁻¹μ = Ac has a solution c; Δμ = 0 says that c = G⁻¹Aᵀμ is one.",
            SPANNED.claim,
            ("gram",),
            SPANNED,
        ),
        Step(
            "spans-zero",
            "If Σ̄⁻¹μ = Ac then Δμ = (I − AG⁻¹AᵀΣ̄)(Σ̄⁻¹μ − Ac) = 0.",
            Implies(Eq(Sbar.I * mu, A * c), vanishes(Delta * mu)),
            ("gram",),
            MatrixIdentity(left=Delta * Sbar),
        ),
    ),
    conclusion=nonnegative(BOUND - J) & Equivalent(Eq(BOUND - J, 0), CONTAINS),
)
