"""Proof script of pca-spherical: R = vI + S, so the variance beyond vm is what A captures of S, all of it at best."""

from __future__ import annotations

from sympy import Eq, Function, Ge, Identity, Implies, MatrixSymbol, Symbol, Trace, ZeroMatrix

from theorems.scripts.fisher_optimality import E, S, Sbar, mu
from verify.hypotheses import COVARIANCES_DEFINITE, WEIGHTS_POSITIVE, WEIGHTS_SUM, Hypothesis
from verify.proofs import (
    Algebra,
    Combination,
    Definition,
    Existential,
    Given,
    LinearConsequence,
    Mean,
    Multiple,
    Proof,
    SecondMoment,
    SquareInverse,
    Step,
    Term,
    Vanishing,
    mean_equation,
    vanishes,
)
from verify.vocabulary import K, Sigma_k, d, m, r

SPHERICAL = Hypothesis(
    "spherical", Eq(Sigma_k, Trace(Sigma_k) / d * Identity(d)), "Every Σ_k is a multiple of I, its own or a common one."
)
COLUMNS_MATCH = Hypothesis("columns-match", Eq(r, m), "The map has as many columns as S_F has dimensions.")
HYPOTHESES = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, SPHERICAL, COLUMNS_MATCH)

# E is a square root of D = diag(w) and μ holds the means as columns. Σ̄ = vI and u = 1/v. B is an orthonormal basis of
# span{μ_k}: μ = Bc and B = μb. O = AᵀB is square. x = μζ + ξ.

u, v = Symbol("u", real=True), Symbol("v", real=True)
D, R = MatrixSymbol("D", K, K), MatrixSymbol("R", d, d)
A, B = MatrixSymbol("A", d, m), MatrixSymbol("B", d, m)
b, c, O = MatrixSymbol("b", K, m), MatrixSymbol("c", m, K), MatrixSymbol("O", m, m)  # noqa: E741
X, Y = MatrixSymbol("X", K, m), MatrixSymbol("Y", m, K)
zeta, xi = MatrixSymbol("zeta", K, 1), MatrixSymbol("xi", d, 1)

ALGEBRA = Algebra(
    definitions={Sbar: v * Identity(d), D: E * E.T, S: mu * D * mu.T, R: Sbar + S, O: A.T * B},
    invertible=(E,),
    needs={
        E: ("weights-positive",),
        Sbar: ("mean-covariance",),
        A: ("columns-match",),
        B: ("basis",),
        **dict.fromkeys((zeta, xi), ("law",)),
    },
    sizes=({d: 4, m: 2, K: 3}, {d: 3, m: 1, K: 2}),
)

V = Function("V", real=True)
x = mu * zeta + xi
ORTHONORMAL, SPAN, WITHIN = Eq(B.T * B, Identity(m)), Eq(mu, B * c), Eq(B, mu * b)
VALUE = Eq(V(A), Mean(Trace(A.T * x * x.T * A)))
BASIS_VALUE = Eq(V(B), Mean(Trace(B.T * x * x.T * B)))
MISSED = mu - A * A.T * mu
ACROSS = A - B * B.T * A
MAXIMISER = Symbol(r"\{A \in \mathrm{argmax}\, V\}")
INCLUDED, COVERS = Symbol(r"\{\mathrm{Col}(A) \subseteq S_F\}"), Symbol(r"\{S_F \subseteq \mathrm{Col}(A)\}")
SPANNED = Existential(INCLUDED, Eq(Sbar * A, mu * X), X, v * b * B.T * A)
COVERED = Existential(COVERS, Eq(mu, Sbar * A * Y), Y, u * A.T * mu)

LAW = Step(
    "law",
    "x = μζ + ξ, ζ the unit column of the component; E ξξᵀ = Σ̄.",
    mean_equation(zeta, zeta, D) & mean_equation(xi, xi, Sbar) & mean_equation(zeta, xi, ZeroMatrix(K, d)),
    ("weights-positive", "weights-sum", "mean-covariance"),
    Definition((zeta, xi)),
)

STEPS = (
    Step(
        "mean-covariance",
        "Σ̄ = Σ_k w_k Σ_k is a positive multiple of I, say vI.",
        Eq(Sbar, v * Identity(d)),
        ("spherical", "weights-positive", "covariances-definite"),
        Definition((Sbar, v)),
    ),
    Step("precision", "Let u = 1/v.", Eq(u * v, 1), ("mean-covariance",), Definition((u,))),
    Step(
        "basis",
        "Let the columns of B be an orthonormal basis of span{μ_k}; there are m = dim S_F, since S_F = v⁻¹span{μ_k}.",
        ORTHONORMAL & SPAN & WITHIN,
        ("mean-covariance",),
        Definition((B, b, c)),
    ),
    LAW,
    Step(
        "variance",
        "E‖Aᵀx‖² = tr(AᵀRA), R = E xxᵀ = Σ̄ + S.",
        Eq(Mean(Trace(A.T * x * x.T * A)), Trace(A.T * R * A)),
        ("law", "columns-match"),
        SecondMoment(),
    ),
    Step(
        "basis-variance",
        "E‖Bᵀx‖² = tr(BᵀRB).",
        Eq(Mean(Trace(B.T * x * x.T * B)), Trace(B.T * R * B)),
        ("law", "basis"),
        SecondMoment(),
    ),
    Step(
        "objective",
        "PCA maximises V(A) = E‖Aᵀx‖² over the A with AᵀA = I.",
        VALUE & BASIS_VALUE,
        ("law", "basis", "columns-match"),
        Definition((V,)),
    ),
    Step(
        "value",
        "AᵀA = I: V(A) = vm + tr(S) − ‖(I − AAᵀ)μE‖², where EEᵀ = diag(w).",
        Eq(V(A), v * m + Trace(S) - Trace((MISSED * E).T * (MISSED * E))),
        ("objective", "variance", "orthonormal"),
        LinearConsequence(
            (
                Multiple(VALUE),
                Multiple("variance"),
                Multiple("orthonormal", v),
                Multiple("orthonormal", A.T * S * A),
            )
        ),
    ),
    Step(
        "best",
        "B misses nothing: V(B) = vm + tr(S).",
        Eq(V(B), v * m + Trace(S)),
        ("objective", "basis-variance", "basis"),
        LinearConsequence(
            (
                Multiple(BASIS_VALUE),
                Multiple("basis-variance"),
                Multiple(ORTHONORMAL, v),
                Multiple(SPAN, -(Identity(d) - B * B.T), D * mu.T),
                Multiple(ORTHONORMAL, B, c * D * mu.T),
            )
        ),
    ),
    Step(
        "maximiser",
        "A maximiser does no worse than B.",
        Implies(MAXIMISER, Ge(V(A) - V(B), 0)),
        ("objective",),
        Definition((MAXIMISER,)),
    ),
    Step(
        "missed-norm",
        "So ‖(I − AAᵀ)μE‖² ≤ 0.",
        Implies(Ge(V(A) - V(B), 0), Ge(-Trace((MISSED * E).T * (MISSED * E)), 0)),
        ("value", "best"),
        Combination((Term("antecedent"), Term("value", -1), Term("best"))),
    ),
    Step(
        "missed",
        "A squared norm ≤ 0 is 0, and E is invertible: (I − AAᵀ)μ = 0.",
        Implies(Ge(-Trace((MISSED * E).T * (MISSED * E)), 0), vanishes(MISSED)),
        ("columns-match", "weights-positive"),
        Vanishing((MISSED * E,), left=1, right=E.I),
    ),
    Step(
        "rotation",
        "Then B = AAᵀB, so O = AᵀB has OᵀO = BᵀB = I.",
        Implies(vanishes(MISSED), Eq(O.T * O, Identity(m))),
        ("basis", "columns-match"),
        LinearConsequence(
            (
                Multiple("antecedent", -B.T, b),
                Multiple(WITHIN, -B.T),
                Multiple(WITHIN, B.T * A * A.T),
                Multiple(ORTHONORMAL),
            )
        ),
    ),
    Step(
        "square",
        "O is square, so OOᵀ = I.",
        Implies(Eq(O.T * O, Identity(m)), Eq(O * O.T, Identity(m))),
        ("columns-match", "basis"),
        SquareInverse(),
    ),
    Step(
        "across-norm",
        "‖A − BBᵀA‖² = tr(AᵀA) − tr(OOᵀ) = 0.",
        Implies(Eq(O * O.T, Identity(m)), Eq(Trace(ACROSS.T * ACROSS), 0)),
        ("orthonormal", "basis", "columns-match"),
        LinearConsequence(
            (Multiple("antecedent", -1), Multiple("orthonormal"), Multiple(ORTHONORMAL, A.T * B, B.T * A))
        ),
    ),
    Step(
        "across",
        "A matrix of norm 0 is 0: A = BBᵀA.",
        Implies(Eq(Trace(ACROSS.T * ACROSS), 0), vanishes(ACROSS)),
        ("basis", "columns-match"),
        Vanishing((ACROSS,), left=1, right=1),
    ),
    Step(
        "within-span",
        "B = μb, so Σ̄A = vA = μ·vbBᵀA.",
        Implies(vanishes(ACROSS), Eq(Sbar * A, mu * (v * b * B.T * A))),
        ("basis", "columns-match", "mean-covariance"),
        LinearConsequence((Multiple("antecedent", v), Multiple(WITHIN, v, B.T * A))),
    ),
    Step(
        "included",
        "Col(A) ⊆ S_F means that Σ̄A = μX has a solution X.",
        SPANNED.claim,
        ("basis", "columns-match", "mean-covariance"),
        SPANNED,
    ),
    Step(
        "covers-span",
        "μ = AAᵀμ = Σ̄A·uAᵀμ.",
        Implies(vanishes(MISSED), Eq(mu, Sbar * A * (u * A.T * mu))),
        ("precision", "columns-match"),
        LinearConsequence((Multiple("antecedent"), Multiple("precision", -A * A.T * mu))),
    ),
    Step(
        "covers",
        "S_F ⊆ Col(A) means that μ = Σ̄AY has a solution Y.",
        COVERED.claim,
        ("precision", "columns-match"),
        COVERED,
    ),
)

PROOF = Proof(
    hypotheses=HYPOTHESES,
    givens=(Given("orthonormal", Eq(A.T * A, Identity(m)), "A ∈ R^{d×m} has orthonormal columns."),),
    algebra=ALGEBRA,
    steps=STEPS,
    conclusion=Implies(MAXIMISER, INCLUDED & COVERS),
)
