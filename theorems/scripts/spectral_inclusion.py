"""Proof script of spectral-inclusion: the square completed, Eckart–Young, and R⁻¹span{μ_k} = S_F.

`LOSS_STEPS` brings the loss into the form ‖ΓᵀAAᵀΓ − Γ⁻¹CΓ⁻ᵀ‖² + constant, R = ΓΓᵀ; other scripts go on from there.
"""

from __future__ import annotations

from sympy import (
    Eq,
    Equivalent,
    Function,
    Identity,
    Implies,
    Inverse,
    MatrixSymbol,
    Symbol,
    Trace,
    ZeroMatrix,
)

from theorems.scripts import fisher_optimality as fisher
from theorems.scripts.theorem_5_2 import INCLUDED, PAIRED_MOMENTS, D, eta, o, xi, xi_hat, zeta, zeta_hat
from verify.hypotheses import BIAS_RANGE, COVARIANCES_DEFINITE, WEIGHTS_POSITIVE, WEIGHTS_SUM
from verify.proofs import (
    Algebra,
    Combination,
    Congruence,
    Definition,
    EckartYoung,
    Existential,
    IndependentColumns,
    LinearConsequence,
    Mean,
    MeanOf,
    Multiple,
    PositiveRoot,
    Proof,
    SecondMoment,
    Step,
    Term,
    TopPart,
    TopRange,
    Vanishing,
    mean_equation,
    vanishes,
)
from verify.vocabulary import K, PositiveDefinite, d, delta, m, mu_bar, r

HYPOTHESES = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, BIAS_RANGE)

# Λ is a square root of Σ̄ and E of D = diag(w); μ holds the means as columns and o is a column of ones. Θ is a square
# root of I + Λ⁻¹SΛ⁻ᵀ, so Γ = ΛΘ is one of R = Σ̄ + S. B is a basis of S_F, G = BᵀΣ̄B, and A_out = A − BG⁻¹BᵀΣ̄A. ζ, ζ̂
# and υ are the unit columns that pick the components of x = μζ + ξ, x̂ = μζ̂ + ξ̂ and y = μυ + η.

Lam, Sbar, E, mu, S = fisher.Lam, fisher.Sbar, fisher.E, fisher.mu, fisher.S
Theta, R, C = (MatrixSymbol(name, d, d) for name in ("Theta", "R", "C"))
B, G, c = MatrixSymbol("B", d, m), MatrixSymbol("G", m, m), MatrixSymbol("c", m, K)
A, outside, X = MatrixSymbol("A", d, r), MatrixSymbol("A_out", d, r), MatrixSymbol("X", m, r)
V = MatrixSymbol("V", d, d)
z, upsilon = MatrixSymbol("z", r, 1), MatrixSymbol("upsilon", K, 1)
RANDOM = (zeta, zeta_hat, upsilon, xi, xi_hat, eta)

ALGEBRA = Algebra(
    definitions={
        Sbar: Lam * Lam.T,
        D: E * E.T,
        S: mu * D * mu.T,
        mu_bar: mu * D * o,
        C: delta * S + (1 - delta) * (mu_bar * mu_bar.T),
        R: Lam * Theta * Theta.T * Lam.T,
        G: B.T * Sbar * B,
        outside: A - B * G.I * B.T * Sbar * A,
    },
    invertible=(Lam, Theta, E, G),
    needs={
        Lam: ("mean-covariance",),
        E: ("weights-positive",),
        Theta: ("second-moment-root",),
        B: ("fisher-basis",),
        Inverse(G): ("basis-gram",),
        fisher.q.label: ("component-variances", "covariances-definite"),
        **dict.fromkeys(RANDOM, ("pairs", "weights-sum", "bias-range")),
    },
    sizes=({d: 4, m: 2, K: 3, r: 3}, {d: 3, m: 1, K: 2, r: 4}),
)

L = Function("L")
Gamma = Lam * Theta
MOMENT = Sbar + S  # R, before it has a square root
x, x_hat, y = mu * zeta + xi, mu * zeta_hat + xi_hat, mu * upsilon + eta
f, f_hat, f_y = A.T * x, A.T * x_hat, A.T * y
ALIGNMENT = Mean(Trace(f.T * f_hat))
SQUARE = Mean(Trace(f.T * z * z.T * f))  # E_x (zᵀf(x))² for a fixed column z
NEGATIVES = SQUARE.subs(z, f_y)
SPREAD = Trace(z.T * A.T * MOMENT * A * z)
FACTOR = Gamma.T * A
TARGET = Gamma.I * C * Gamma.I.T
PART = TopPart(FACTOR * FACTOR.T, TARGET, r)
GRAM = A * A.T
MINIMISER = Symbol(r"\{A \in \mathrm{argmin}\, L_{\mathrm{spec}}\}")
CLOSED_FORM = EckartYoung("square", MINIMISER, A, Gamma.T, TARGET)
SPANNED = Existential(INCLUDED, Eq(A, B * X), X, G.I * B.T * Sbar * A)
ACROSS = Identity(d) - B * G.I * B.T * Sbar  # A_out = ACROSS · A

COVARIANCE_STEPS = tuple(s for s in fisher.PROOF.steps if s.name in ("component-variances", "mean-covariance"))

LOSS_STEPS = (
    *COVARIANCE_STEPS,
    Step(
        "second-moment-root",
        "I + YYᵀ ≻ 0 for Y = Λ⁻¹μE, where EEᵀ = diag(w) = D: it is ΘΘᵀ with Θ invertible.",
        Eq(Identity(d) + (Lam.I * mu * E) * (Lam.I * mu * E).T, Theta * Theta.T),
        ("mean-covariance", "weights-positive"),
        PositiveRoot(Theta, Lam.I * mu * E),
    ),
    Step(
        "second-moment",
        "E xxᵀ = Σ̄ + S, S = μDμᵀ, is R = ΓΓᵀ with Γ = ΛΘ.",
        Eq(MOMENT, R),
        ("second-moment-root",),
        LinearConsequence((Multiple("second-moment-root", Lam, Lam.T),)),
    ),
    Step(
        "pairs",
        "Augmented pairs (Definition 5.1): x = μζ + ξ, x̂ = μζ̂ + ξ̂; the noise of a point has mean 0 given the "
        "components and the other's noise; E ξξᵀ = Σ_k w_k Σ_k = Σ̄. A negative y = μυ + η is an independent copy of x.",
        PAIRED_MOMENTS
        & mean_equation(zeta, zeta, D)
        & mean_equation(xi, xi, Sbar)
        & mean_equation(upsilon, upsilon, D)
        & mean_equation(eta, eta, Sbar)
        & mean_equation(upsilon, eta, ZeroMatrix(K, d)),
        ("weights-positive", "weights-sum", "mean-covariance", "bias-range"),
        Definition(RANDOM),
    ),
    Step(
        "alignment",
        "E[f(x)ᵀf(x̂)] = tr(AᵀCA), C = δS + (1 − δ)μ̄μ̄ᵀ.",
        Eq(ALIGNMENT, Trace(A.T * C * A)),
        ("pairs",),
        SecondMoment(),
    ),
    Step(
        "spread",
        "E_x (zᵀf(x))² = zᵀAᵀ(Σ̄ + S)Az for a fixed column z.",
        Eq(SQUARE, SPREAD),
        ("pairs",),
        SecondMoment(),
    ),
    Step(
        "negatives",
        "E_{x,y} (f(x)ᵀf(y))² = E_y f(y)ᵀAᵀ(Σ̄ + S)A f(y): x is independent of y.",
        Eq(Mean(NEGATIVES), Mean(SPREAD.subs(z, f_y))),
        ("spread",),
        MeanOf("spread", z, f_y),
    ),
    Step(
        "negatives-value",
        "E_y f(y)ᵀAᵀ(Σ̄ + S)A f(y) = tr((AᵀRA)²), R written as Σ̄ + S.",
        Eq(Mean(SPREAD.subs(z, f_y)), Trace(A.T * MOMENT * GRAM * MOMENT * A)),
        ("pairs",),
        SecondMoment(),
    ),
    Step(
        "loss",
        "L(A) = −2E[f(x)ᵀf(x̂)] + E_{x,y}[(f(x)ᵀf(y))²], f(x) = Aᵀx: the spectral contrastive loss L_spec.",
        Eq(L(A), -2 * ALIGNMENT + Mean(NEGATIVES)),
        ("pairs",),
        Definition((L,)),
    ),
    Step(
        "form",
        "L(A) = −2tr(AᵀCA) + tr((AᵀRA)²).",
        Eq(L(A), -2 * Trace(A.T * C * A) + Trace(A.T * R * GRAM * R * A)),
        ("loss", "alignment", "negatives", "negatives-value", "second-moment"),
        LinearConsequence(
            (
                Multiple("loss"),
                Multiple("alignment", -2),
                Multiple("negatives"),
                Multiple("negatives-value"),
                Multiple("second-moment", GRAM, GRAM * MOMENT),
                Multiple("second-moment", GRAM * R * GRAM),
            )
        ),
    ),
    Step(
        "square",
        "The square completed: L(A) = ‖ΓᵀAAᵀΓ − Γ⁻¹CΓ⁻ᵀ‖² − ‖Γ⁻¹CΓ⁻ᵀ‖².",
        Eq(
            L(A),
            Trace((FACTOR * FACTOR.T - TARGET).T * (FACTOR * FACTOR.T - TARGET)) - Trace(TARGET.T * TARGET),
        ),
        ("form",),
        Combination((Term("form"),)),
    ),
    Step(
        "closed-form",
        "A minimises L over R^{d×r} exactly when ΓᵀAAᵀΓ is the part of Γ⁻¹CΓ⁻ᵀ at its r largest eigenvalues, without "
        "the negative ones.",
        CLOSED_FORM.claim,
        ("square",),
        CLOSED_FORM,
    ),
)

BASIS_STEPS = (
    Step(
        "fisher-basis",
        "Let the columns of B be a basis of S_F = span{Σ̄⁻¹μ_k}: Σ̄⁻¹μ = Bc for a c with independent rows.",
        IndependentColumns(B) & IndependentColumns(c.T) & Eq(mu, Sbar * B * c),
        ("mean-covariance",),
        Definition((B, c)),
    ),
    Step(
        "basis-gram",
        "G = BᵀΣ̄B ≻ 0, so A_out = A − BG⁻¹BᵀΣ̄A is defined.",
        PositiveDefinite(G),
        ("fisher-basis",),
        Congruence(factor=Lam.T * B, recover=Lam.T.I),
    ),
    Step(
        "image",
        "R⁻¹μ = B(c − cDμᵀR⁻¹μ): R⁻¹ maps the means into S_F, since (Σ̄ + S)v = μ says that Σ̄v = μ(1 − Dμᵀv).",
        Eq(R.I * mu, B * (c - c * D * mu.T * R.I * mu)),
        ("second-moment", "fisher-basis"),
        LinearConsequence(
            (
                Multiple("second-moment", Sbar.I, R.I * mu),
                Multiple("fisher-basis", Sbar.I),
                Multiple("fisher-basis", -Sbar.I, D * mu.T * R.I * mu),
            )
        ),
    ),
)

INCLUSION_STEPS = (
    Step(
        "range",
        "A top part of Γ⁻¹CΓ⁻ᵀ is Γ⁻¹CΓ⁻ᵀV, V the projector on the eigenvectors that it keeps.",
        Implies(PART, Eq(FACTOR * FACTOR.T, TARGET * V)),
        ("closed-form",),
        TopRange(V),
    ),
    Step(
        "outside-norm",
        "AAᵀ = R⁻¹CΓ⁻ᵀVΓ⁻¹ has its columns in R⁻¹span{μ_k} = S_F, so ‖A_out‖² = 0.",
        Implies(Eq(FACTOR * FACTOR.T, TARGET * V), Eq(Trace(outside.T * outside), 0)),
        ("image", "basis-gram", "closed-form"),
        LinearConsequence(
            (
                Multiple("antecedent", ACROSS * Gamma.I.T, Gamma.I * ACROSS.T),
                Multiple(
                    "image",
                    ACROSS,
                    (delta * D + (1 - delta) * (D * o * o.T * D)) * mu.T * Gamma.I.T * V * Gamma.I * ACROSS.T,
                ),
            )
        ),
    ),
    Step(
        "outside",
        "A matrix of norm 0 is 0: A_out = 0.",
        Implies(Eq(Trace(outside.T * outside), 0), vanishes(outside)),
        ("basis-gram",),
        Vanishing((outside,), left=1, right=1),
    ),
    Step(
        "included",
        "Col(A) ⊆ S_F means that A = BX has a solution X; A_out = 0 says that X = G⁻¹BᵀΣ̄A is one.",
        SPANNED.claim,
        ("basis-gram",),
        SPANNED,
    ),
)

PROOF = Proof(
    hypotheses=HYPOTHESES,
    algebra=ALGEBRA,
    steps=(*LOSS_STEPS, *BASIS_STEPS, *INCLUSION_STEPS),
    conclusion=Equivalent(MINIMISER, PART) & Implies(MINIMISER, INCLUDED),
)
