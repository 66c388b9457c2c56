"""Proof script of Theorem 5.2, first half: a block argument and Jensen, for every bias δ and every r."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from sympy import (
    Derivative,
    Eq,
    Function,
    Ge,
    Gt,
    Implies,
    IndexedBase,
    Inverse,
    MatrixSymbol,
    Ne,
    Subs,
    Sum,
    Symbol,
    Trace,
    ZeroMatrix,
    exp,
    log,
)

from verify.hypotheses import (
    BIAS_RANGE,
    COVARIANCES_DEFINITE,
    SHARED_COVARIANCE,
    WEIGHTS_POSITIVE,
    WEIGHTS_SUM,
)
from verify.proofs import (
    Algebra,
    Apply,
    Combination,
    Congruence,
    Convex,
    ConvexFunction,
    Definition,
    Differentiate,
    Existential,
    Gaussian,
    IndependentColumns,
    IndependentNoise,
    Jensen,
    LogMean,
    LogPartition,
    MatrixIdentity,
    Mean,
    MeanOf,
    PartitionFunction,
    Proof,
    ScalarIdentity,
    SecondMoment,
    Square,
    Step,
    Tangent,
    Term,
    Vanishing,
    log_sum_exp_squares,
    mean_equation,
    nonnegative,
    vanishes,
)
from verify.vocabulary import K, PositiveDefinite, d, delta, k, m, r, w

HYPOTHESES = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, SHARED_COVARIANCE, BIAS_RANGE)

# Λ is a square root of Σ and E of D = diag(w); μ holds the means as columns and o is a column of ones, so Do holds the
# weights. B is a basis of S_F, G = BᵀΣB. A = A_in + A_out, where A_in = BG⁻¹BᵀΣA has its columns in S_F; A_s below is
# A_in + s·A_out. ζ and ζ̂ are the unit columns that pick the components of x = μζ + ξ and x̂ = μζ̂ + ξ̂.

Lam, Sigma = MatrixSymbol("Lambda", d, d), MatrixSymbol("Sigma", d, d)
E, D, o = MatrixSymbol("E", K, K), MatrixSymbol("D", K, K), MatrixSymbol("o", K, 1)
mu, S, C = MatrixSymbol("mu", d, K), MatrixSymbol("S", d, d), MatrixSymbol("C", d, d)
B, G, c = MatrixSymbol("B", d, m), MatrixSymbol("G", m, m), MatrixSymbol("c", m, K)
A, inside, outside = (MatrixSymbol(name, d, r) for name in ("A", "A_in", "A_out"))
P, Q, T = (MatrixSymbol(name, r, r) for name in ("P", "Q", "T"))
X, p = MatrixSymbol("X", m, r), MatrixSymbol("p", K, 1)
u, v, z = (MatrixSymbol(name, r, 1) for name in ("u", "v", "z"))
zeta, zeta_hat = MatrixSymbol("zeta", K, 1), MatrixSymbol("zetahat", K, 1)
xi, xi_hat, eta = (MatrixSymbol(name, d, 1) for name in ("xi", "xihat", "eta"))

SETTING = {
    Sigma: Lam * Lam.T,
    D: E * E.T,
    mu: Sigma * B * c,
    S: mu * D * mu.T,
    C: delta * S + (1 - delta) * (mu * D * o * o.T * D * mu.T),
    G: B.T * Sigma * B,
    inside: B * G.I * B.T * Sigma * A,
    outside: A - inside,
}
ALGEBRA = Algebra(
    definitions={
        **SETTING,
        P: inside.T * Sigma * inside,
        Q: outside.T * Sigma * outside,
        T: inside.T * S * inside,
    },
    invertible=(Lam, G),
    needs={
        Lam: ("covariances-definite", "shared-covariance"),
        E: ("weights-positive",),
        mu: ("fisher-basis",),
        Inverse(G): ("basis-gram",),
        **dict.fromkeys((zeta, zeta_hat), ("pairs", "weights-positive", "weights-sum", "bias-range")),
        **dict.fromkeys((xi, xi_hat, eta), ("pairs", "shared-covariance", "covariances-definite")),
    },
    sizes=({d: 4, m: 2, K: 3, r: 3}, {d: 3, m: 1, K: 2, r: 4}),
)

s, phi = Symbol("s", real=True), Symbol("phi")
L, g = Function("L"), Function("g")
y, linear, shift = IndexedBase("y"), IndexedBase("ell"), Symbol("q", real=True)
scaled = inside + s * outside
x, x_hat = mu * zeta + xi, mu * zeta_hat + xi_hat
f, f_hat = scaled.T * x, scaled.T * x_hat
ALIGNMENT = Mean(Trace(f.T * f_hat))
QUADRATIC = Mean(Trace(f.T * scaled.T * Sigma * scaled * f) / 2)
NEGATIVES = LogPartition(Trace(z.T * scaled.T * (mu * p + eta)), eta, p)  # log E_y exp(zᵀf(y))
BASE = Trace(P * (P + T)) / 2  # what is left of the quadratic at s = 0
LEAK = s**2 * (Trace(P * Q) + Trace(Q * T) / 2) + s**4 * Trace(Q * Q) / 2


def slope_at_1(function: Any) -> Any:
    """Return the derivative at s = 1."""
    return Subs(Derivative(function(s), s), s, 1)


MINIMISER = Symbol(r"\{A \in \mathrm{argmin}\, L_{\mathrm{InfoNCE}}\}")
STATIONARY = Symbol(r"\{\nabla L_{\mathrm{InfoNCE}}(A) = 0\}")
INCLUDED = Symbol(r"\{\mathrm{Col}(A) \subseteq S_F\}")
SPANNED = Existential(INCLUDED, Eq(A, B * X), X, G.I * B.T * Sigma * A)

FISHER_BASIS = Step(
    "fisher-basis",
    "Let the columns of B be a basis of S_F = span{Σ⁻¹μ_k}; so Σ⁻¹μ = Bc for some c.",
    IndependentColumns(B) & Eq(mu, Sigma * B * c),
    ("covariances-definite", "shared-covariance"),
    Definition((B, c)),
)

# What Definition 5.1 says of the second moments between the points of a pair, whatever the law of the noises.
PAIRED_MOMENTS = (
    mean_equation(zeta, zeta_hat, delta * D + (1 - delta) * (D * o * o.T * D))
    & mean_equation(xi, xi_hat, ZeroMatrix(d, d))
    & mean_equation(zeta, xi, ZeroMatrix(K, d))
    & mean_equation(zeta, xi_hat, ZeroMatrix(K, d))
    & mean_equation(xi, zeta_hat, ZeroMatrix(d, K))
)

AUGMENTED_PAIRS = Step(
    "pairs",
    "Augmented pairs (Definition 5.1): x = μζ + ξ, x̂ = μζ̂ + ξ̂, noises N(0, Σ) independent of the components and of "
    "each other; with probability δ both have one component, else each its own. A negative y has noise η.",
    Gaussian(xi, Sigma) & Gaussian(eta, Sigma) & mean_equation(zeta, zeta, D) & PAIRED_MOMENTS,
    ("weights-positive", "weights-sum", "shared-covariance", "covariances-definite", "bias-range"),
    Definition((zeta, zeta_hat, xi, xi_hat, eta)),
)

COMMON_FACTOR = Step(
    "common-factor",
    "What does not depend on k leaves the log-sum-exp: Σ_k w_k e^{ℓ_k + q} = e^q Σ_k w_k e^{ℓ_k}.",
    Eq(Sum(w[k] * exp(linear[k] + shift), (k, 1, K)), exp(shift) * Sum(w[k] * exp(linear[k]), (k, 1, K))),
    (),
    ScalarIdentity(),
)

STEPS = (
    FISHER_BASIS,
    Step(
        "basis-gram",
        "G = BᵀΣB ≻ 0, so A_in = BG⁻¹BᵀΣA and A_out = A − A_in are defined.",
        PositiveDefinite(G),
        ("fisher-basis",),
        Congruence(factor=Lam.T * B, recover=Lam.T.I),
    ),
    Step(
        "blocks",
        "A_out is orthogonal to the means and, in the inner product of Σ, to A_in; A_s is A at s = 1.",
        vanishes(outside.T * mu) & vanishes(outside.T * Sigma * inside) & Eq(inside + outside, A),
        ("basis-gram",),
        MatrixIdentity(),
    ),
    AUGMENTED_PAIRS,
    Step(
        "alignment",
        "E[f(x)ᵀf(x̂)] = tr(AᵀCA) sees only A_in: it does not depend on s.",
        Eq(ALIGNMENT, Trace(inside.T * C * inside)),
        ("pairs", "blocks"),
        SecondMoment(),
    ),
    Step(
        "convexity",
        "φ(z) = log Σ_k w_k exp(y_k), y_k = zᵀA_inᵀμ_k (μ_k = μp), is convex.",
        Convex(phi, log(Sum(w[k] * exp(y[k]), (k, 1, K))), y, Trace(z.T * inside.T * mu * p), z),
        ("weights-positive", "basis-gram"),
        ConvexFunction(log_sum_exp_squares),
    ),
    COMMON_FACTOR,
    Step(
        "partition",
        "For fixed z = f(x), log E_y exp(zᵀf(y)) = ½zᵀA_sᵀΣA_s z + φ(z): the covariance is shared, so the "
        "quadratic does not depend on k, and φ does not depend on s.",
        Eq(NEGATIVES, Trace(z.T * scaled.T * Sigma * scaled * z) / 2 + Apply(phi, z)),
        ("pairs", "blocks", "convexity", "common-factor"),
        PartitionFunction("common-factor"),
    ),
    Step(
        "negatives",
        "E_x log E_y exp(f(x)ᵀf(y)) = E[½f(x)ᵀA_sᵀΣA_s f(x)] + E φ(f(x)).",
        Eq(Mean(NEGATIVES.subs(z, f)), QUADRATIC + Mean(Apply(phi, f))),
        ("partition",),
        MeanOf("partition", z, f),
    ),
    Step(
        "potential",
        "Write g(s) = E φ(A_sᵀx).",
        Eq(g(s), Mean(Apply(phi, f))),
        ("pairs", "blocks", "convexity"),
        Definition((g,)),
    ),
    Step(
        "loss",
        "L(s) = L_InfoNCE(A_s) = −E[f(x)ᵀf(x̂)] + E_x log E_y exp(f(x)ᵀf(y)), f(x) = A_sᵀx.",
        Eq(L(s), -ALIGNMENT + Mean(NEGATIVES.subs(z, f))),
        ("pairs", "blocks"),
        Definition((L,)),
    ),
    Step(
        "quadratic",
        "With P = A_inᵀΣA_in, Q = A_outᵀΣA_out, T = A_inᵀSA_in the quadratic part is "
        "½tr(P(P + T)) + s²(tr(PQ) + ½tr(QT)) + ½s⁴tr(Q²).",
        Eq(QUADRATIC, BASE + LEAK),
        ("pairs", "blocks"),
        SecondMoment(),
    ),
    Step(
        "form",
        "L(s) is a constant, plus s²(tr(PQ) + ½tr(QT)) + ½s⁴tr(Q²), plus g(s).",
        Eq(L(s), BASE - Trace(inside.T * C * inside) + LEAK + g(s)),
        ("loss", "alignment", "negatives", "quadratic", "potential"),
        Combination((Term("loss"), Term("alignment", -1), Term("negatives"), Term("quadratic"), Term("potential", -1))),
    ),
    Step(
        "independence",
        "A_outᵀx has mean 0 and is independent of the component and of A_inᵀx.",
        Eq(
            LogMean(Trace(u.T * inside.T * x) + Trace(v.T * outside.T * x), xi),
            Trace(u.T * inside.T * mu * zeta) + Trace(u.T * P * u) / 2 + Trace(v.T * Q * v) / 2,
        ),
        ("pairs", "blocks"),
        IndependentNoise(kept=inside, noise=outside, point=x, label=zeta, tests=(u, v)),
    ),
    Step(
        "jensen",
        "g(s) = E φ(A_inᵀx + s A_outᵀx) ≥ E φ(A_inᵀx) = g(0) for every s.",
        nonnegative(g(s) - g(0)),
        ("convexity", "independence", "potential"),
        Jensen(g(s), s, "independence"),
    ),
    Step(
        "tangent",
        "g is convex in s, so it lies above its tangent at 1: g(0) ≥ g(1) − g′(1).",
        nonnegative(g(0) - g(1) + slope_at_1(g)),
        ("convexity", "potential"),
        Tangent(g(s), s),
    ),
    Step(
        "cross-block",
        "tr(PQ) = ‖ΛᵀA_in A_outᵀΛ‖² ≥ 0: the off-diagonal block of M, whitened.",
        nonnegative(Trace(P * Q)),
        ("basis-gram",),
        Square(Lam.T * inside * outside.T * Lam),
    ),
    Step(
        "mean-block",
        "tr(QT) = ‖ΛᵀA_out A_inᵀμE‖² ≥ 0, where EEᵀ = diag(w).",
        nonnegative(Trace(Q * T)),
        ("basis-gram", "weights-positive"),
        Square(Lam.T * outside * inside.T * mu * E),
    ),
    Step(
        "gap",
        "L(A) − L(A_in) ≥ ½tr(Q²).",
        nonnegative(L(1) - L(0) - Trace(Q * Q) / 2),
        ("form", "jensen", "cross-block", "mean-block"),
        Combination(
            (
                Term("form", 1, {s: 1}),
                Term("form", -1, {s: 0}),
                Term("jensen", 1, {s: 1}),
                Term("cross-block"),
                Term("mean-block", Fraction(1, 2)),
            )
        ),
    ),
    Step(
        "derivative",
        "L′(1) = 2tr(PQ) + tr(QT) + 2tr(Q²) + g′(1).",
        Eq(slope_at_1(L), 2 * Trace(P * Q) + Trace(Q * T) + 2 * Trace(Q * Q) + slope_at_1(g)),
        ("form",),
        Differentiate("form", s, 1),
    ),
    Step(
        "slope",
        "L′(1) ≥ 2tr(Q²).",
        nonnegative(slope_at_1(L) - 2 * Trace(Q * Q)),
        ("derivative", "jensen", "tangent", "cross-block", "mean-block"),
        Combination(
            (
                Term("derivative"),
                Term("jensen", 1, {s: 1}),
                Term("tangent"),
                Term("cross-block", 2),
                Term("mean-block"),
            )
        ),
    ),
    Step(
        "outside-vanishes",
        "tr(Q²) = ‖ΛᵀA_out A_outᵀΛ‖² ≤ 0 only if A_out = 0.",
        Implies(Ge(-Trace(Q * Q), 0), vanishes(outside)),
        ("basis-gram",),
        Vanishing((Lam.T * outside * outside.T * Lam, Lam.T * outside), left=Lam.T.I, right=1),
    ),
    Step(
        "minimiser",
        "A minimiser A does no worse than A_in, which has r columns too, whatever r is.",
        Implies(MINIMISER, Ge(L(0) - L(1), 0)),
        ("loss", "blocks"),
        Definition((MINIMISER,)),
    ),
    Step(
        "minimal-gap",
        "If L(A) ≤ L(A_in) then tr(Q²) ≤ 0.",
        Implies(Ge(L(0) - L(1), 0), Ge(-Trace(Q * Q), 0)),
        ("gap",),
        Combination((Term("antecedent", 2), Term("gap", 2))),
    ),
    Step(
        "stationary",
        "At a stationary point L does not change along s ↦ A_s to first order: L′(1) = 0, so −L′(1) ≥ 0.",
        Implies(STATIONARY, Eq(slope_at_1(L), 0)),
        ("loss", "blocks"),
        Definition((STATIONARY,)),
    ),
    Step(
        "no-slope",
        "If L′(1) = 0 then L′(1) ≤ 0.",
        Implies(Eq(slope_at_1(L), 0), Ge(-slope_at_1(L), 0)),
        ("loss",),
        Combination((Term("antecedent", -1),)),
    ),
    Step(
        "flat-gap",
        "If L′(1) ≤ 0 then tr(Q²) ≤ 0.",
        Implies(Ge(-slope_at_1(L), 0), Ge(-Trace(Q * Q), 0)),
        ("slope",),
        Combination((Term("antecedent", Fraction(1, 2)), Term("slope", Fraction(1, 2)))),
    ),
    Step(
        "included",
        "Col(A) ⊆ S_F means that A = BX has a solution X; A_out = 0 says that X = G⁻¹BᵀΣA is one.",
        SPANNED.claim,
        ("basis-gram",),
        SPANNED,
    ),
)
PROOF = Proof(
    hypotheses=HYPOTHESES,
    algebra=ALGEBRA,
    steps=STEPS,
    conclusion=Implies(MINIMISER, INCLUDED)
    & Implies(STATIONARY, INCLUDED)
    & Implies(Ne(outside, ZeroMatrix(d, r)), Gt(slope_at_1(L), 0)),
)
