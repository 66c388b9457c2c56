"""Proof script of infonce-slope: the slope of the InfoNCE loss across the column space of a map, and its sign."""

from __future__ import annotations

from sympy import (
    Eq,
    Function,
    Ge,
    Identity,
    Implies,
    IndexedBase,
    Inverse,
    MatrixSymbol,
    Sum,
    Symbol,
    Trace,
    ZeroMatrix,
    exp,
    log,
)

from theorems.scripts.theorem_5_2 import AUGMENTED_PAIRS, COMMON_FACTOR, FISHER_BASIS, INCLUDED, MINIMISER
from theorems.scripts.theorem_5_2 import PROOF as INCLUSION
from theorems.scripts.theorem_5_2 import SPANNED as INSIDE
from verify.hypotheses import (
    BIAS_RANGE,
    COLUMNS_REACH,
    COVARIANCES_DEFINITE,
    SHARED_COVARIANCE,
    WEIGHTS_POSITIVE,
    WEIGHTS_SUM,
)
from verify.proofs import (
    Algebra,
    Apply,
    Attainable,
    Attained,
    Cites,
    Combination,
    Congruence,
    Convex,
    ConvexFunction,
    Definition,
    Differentiate,
    Existential,
    FirstOrder,
    IndependentColumns,
    IndependentNoise,
    LinearConsequence,
    LogMean,
    LogPartition,
    MatrixIdentity,
    Mean,
    MeanOf,
    MeanSlope,
    Multiple,
    PartitionFunction,
    PositiveEntries,
    Proof,
    SecondMoment,
    Softmax,
    SoftmaxAtZero,
    SoftmaxMoments,
    Step,
    Term,
    Uncorrelated,
    Vanishing,
    log_sum_exp_squares,
    mean_equation,
    slope,
    vanishes,
)
from verify.vocabulary import K, PositiveDefinite, d, delta, k, m, r, w

HYPOTHESES = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, SHARED_COVARIANCE, BIAS_RANGE, COLUMNS_REACH)

# Λ is a square root of Σ and E of D = diag(w); μ holds the means as columns and o is a column of ones, so Do holds the
# weights. B is a basis of S_F, G = BᵀΣB. F has independent columns and FFᵀ = AAᵀ; P = FᵀΣF, Δ = Σ⁻¹ − FP⁻¹Fᵀ. The
# columns of V = Δμ are what Σ⁻¹μ has outside Col(A); T = μᵀV, so that T_jk = vᵀμ_j for v = Δμ_k. ζ, ζ̂ are the unit
# columns that pick the components of x = μζ + ξ and x̂ = μζ̂ + ξ̂; π is the softmax of the negatives at x.

rho = Symbol("rho", integer=True, positive=True)
Lam, Sigma, Delta = (MatrixSymbol(name, d, d) for name in ("Lambda", "Sigma", "Delta"))
E, D, o = MatrixSymbol("E", K, K), MatrixSymbol("D", K, K), MatrixSymbol("o", K, 1)
mu, S, C = MatrixSymbol("mu", d, K), MatrixSymbol("S", d, d), MatrixSymbol("C", d, d)
B, G, c = MatrixSymbol("B", d, m), MatrixSymbol("G", m, m), MatrixSymbol("c", m, K)
A, F, P = MatrixSymbol("A", d, r), MatrixSymbol("F", d, rho), MatrixSymbol("P", rho, rho)
V, T, Q = MatrixSymbol("V", d, K), MatrixSymbol("T", K, K), MatrixSymbol("Q", K, K)
b, u, v, z = (MatrixSymbol("b", rho, K), MatrixSymbol("u", rho, 1), MatrixSymbol("v", K, 1), MatrixSymbol("z", d, 1))
p, pi, zeta, zeta_hat = (MatrixSymbol(name, K, 1) for name in ("p", "pi", "zeta", "zetahat"))
xi, xi_hat, eta = (MatrixSymbol(name, d, 1) for name in ("xi", "xihat", "eta"))

PAIRS = ("pairs", "weights-positive", "weights-sum", "bias-range", "shared-covariance", "covariances-definite")
ALGEBRA = Algebra(
    definitions={
        Sigma: Lam * Lam.T,
        D: E * E.T,
        mu: Sigma * B * c,
        S: mu * D * mu.T,
        C: delta * S + (1 - delta) * (mu * D * o * o.T * D * mu.T),
        G: B.T * Sigma * B,
        P: F.T * Sigma * F,
        Delta: Sigma.I - F * P.I * F.T,
        V: Delta * mu,
        T: mu.T * V,
    },
    invertible=(Lam, E, G, P),
    needs={
        Lam: ("covariances-definite", "shared-covariance"),
        E: ("weights-positive",),
        mu: ("fisher-basis",),
        F: ("factor",),
        Inverse(G): ("basis-gram",),
        Inverse(P): ("gram",),
        **dict.fromkeys((zeta, zeta_hat), ("pairs", "weights-positive", "weights-sum", "bias-range")),
        **dict.fromkeys((xi, xi_hat, eta), ("pairs", "shared-covariance", "covariances-definite")),
        pi: ("softmax",),
        Q: ("softmax",),
    },
    sizes=({d: 4, m: 2, K: 3, rho: 2, r: 3}, {d: 3, m: 1, K: 2, rho: 1, r: 4}),
)

t, phi = Symbol("t", nonnegative=True), Symbol("phi")
L, g = Function("L"), Function("g")
y = IndexedBase("y")
path = F * F.T + t * V * V.T
x, x_hat = mu * zeta + xi, mu * zeta_hat + xi_hat
ALIGNMENT = Mean(Trace(x.T * path * x_hat))
NEGATIVES = LogPartition(Trace(z.T * path * (mu * p + eta)), eta, p)  # log E_y exp(zᵀM_t y)
QUADRATIC = Mean(Trace(x.T * path * Sigma * path * x) / 2)
BASE = Trace(F * P * F.T * (S + Sigma)) / 2 - Trace(F.T * C * F)  # what does not depend on t
CURVE = t**2 * (Trace(T * T * D * T) + Trace(T * T)) / 2
ALIGNED = delta * Trace(T * D * T) + (1 - delta) * Trace(T * D * o * o.T * D * T)
NEGATIVE = Trace(T * Q * T)
SLOPE = NEGATIVE - ALIGNED

CONTAINS = Symbol(r"\{S_F \subseteq \mathrm{Col}(A)\}")
SPANNED = Existential(CONTAINS, Eq(Sigma.I * mu, F * b), b, P.I * F.T * mu)
MISSED = Ge(-Trace(T * D * T), 0)
AT_ZERO = Implies(vanishes(A), Eq(Q, D * o * o.T * D))


def factor_inside(metric: MatrixSymbol) -> Eq:
    """Return how the columns of F lie in S_F when A = BX does: F = BXAᵀNFP⁻¹ for a metric N with P = FᵀNF."""
    return Eq(F, INSIDE.equation.rhs * A.T * metric * F * P.I)


def inside_step(metric: MatrixSymbol) -> Step:
    """Return the step from A to F, where P = FᵀNF for this metric N."""
    return Step(
        "inside",
        "If A = BX then F has its columns in S_F too: F = FFᵀNFP⁻¹ with P = FᵀNF, and FFᵀ = AAᵀ.",
        Implies(INSIDE.equation, factor_inside(metric)),
        ("factor", "gram"),
        LinearConsequence(
            (Multiple(INSIDE.equation, right=A.T * metric * F * P.I), Multiple("factor", right=metric * F * P.I))
        ),
    )


SETTING = (
    FISHER_BASIS,
    Step(
        "total-weight",
        "With a column o of ones, oᵀDo = Σ_k w_k = 1.",
        Eq(o.T * D * o, Identity(1)),
        ("weights-positive", "weights-sum"),
        Definition((o,)),
    ),
    Step(
        "factor",
        "Let F have independent columns and FFᵀ = AAᵀ; so Col(F) = Col(A). (If A = 0 it has none.)",
        IndependentColumns(F) & Eq(F * F.T, A * A.T),
        (),
        Definition((F,)),
    ),
    Step(
        "gram",
        "P = FᵀΣF ≻ 0, so Δ = Σ⁻¹ − FP⁻¹Fᵀ is defined.",
        PositiveDefinite(P),
        ("covariances-definite", "shared-covariance", "factor"),
        Congruence(factor=Lam.T * F, recover=Lam.T.I),
    ),
)

STEPS = (
    *SETTING,
    AUGMENTED_PAIRS,
    Step(
        "loss",
        "L(t) = −E[xᵀM_t x̂] + E_x log E_y exp(xᵀM_t y) at M_t = AAᵀ + t VVᵀ: L_InfoNCE, from A on.",
        Eq(L(t), -ALIGNMENT + Mean(NEGATIVES.subs(z, x))),
        ("pairs", "gram", "fisher-basis"),
        Definition((L,)),
    ),
    Step(
        "alignment",
        "E[xᵀM_t x̂] = tr(FᵀCF) + t tr(VᵀCV), and μᵀV = T.",
        Eq(ALIGNMENT, Trace(F.T * C * F) + t * ALIGNED),
        ("pairs", "gram", "fisher-basis"),
        SecondMoment(),
    ),
    Step(
        "convexity",
        "φ(z) = log Σ_k w_k exp(y_k), y_k = zᵀμ_k (μ_k = μp), is convex.",
        Convex(phi, log(Sum(w[k] * exp(y[k]), (k, 1, K))), y, Trace(z.T * mu * p), z),
        ("weights-positive", "fisher-basis", "covariances-definite", "shared-covariance"),
        ConvexFunction(log_sum_exp_squares),
    ),
    COMMON_FACTOR,
    Step(
        "partition",
        "For fixed z, log E_y exp(zᵀM_t y) = ½zᵀM_tΣM_t z + φ(M_t z): the covariance is shared.",
        Eq(NEGATIVES, Trace(z.T * path * Sigma * path * z) / 2 + Apply(phi, path * z)),
        ("pairs", "gram", "convexity", "common-factor"),
        PartitionFunction("common-factor"),
    ),
    Step(
        "negatives",
        "E_x log E_y exp(xᵀM_t y) = E[½xᵀM_tΣM_t x] + E φ(M_t x).",
        Eq(Mean(NEGATIVES.subs(z, x)), QUADRATIC + Mean(Apply(phi, path * x))),
        ("partition",),
        MeanOf("partition", z, x),
    ),
    Step(
        "quadratic",
        "M_tΣM_t = AAᵀΣAAᵀ + t²VTVᵀ, since AᵀΣV = 0: the quadratic has no part linear in t.",
        Eq(QUADRATIC, Trace(F * P * F.T * (S + Sigma)) / 2 + CURVE),
        ("pairs", "gram", "fisher-basis"),
        SecondMoment(),
    ),
    Step(
        "potential",
        "Write g(t) = E φ(M_t x).",
        Eq(g(t), Mean(Apply(phi, path * x))),
        ("pairs", "gram", "convexity"),
        Definition((g,)),
    ),
    Step(
        "form",
        "L(t) is a constant, less t tr(VᵀCV), plus a multiple of t², plus g(t).",
        Eq(L(t), BASE - t * ALIGNED + CURVE + g(t)),
        ("loss", "alignment", "negatives", "quadratic", "potential"),
        Combination((Term("loss"), Term("alignment", -1), Term("negatives"), Term("quadratic"), Term("potential", -1))),
    ),
    Step(
        "derivative",
        "L′(0) = g′(0) − tr(VᵀCV).",
        Eq(slope(L, t), slope(g, t) - ALIGNED),
        ("form",),
        Differentiate("form", t, 0),
    ),
    Step(
        "independence",
        "Vᵀξ is independent of the component and of Fᵀξ, with mean 0.",
        Eq(
            LogMean(Trace(u.T * F.T * xi) + Trace(v.T * V.T * xi), xi),
            Trace(u.T * P * u) / 2 + Trace(v.T * T * v) / 2,
        ),
        ("pairs", "gram", "fisher-basis"),
        IndependentNoise(kept=F, noise=V, point=xi, label=zeta, tests=(u, v)),
    ),
    Step(
        "softmax",
        "Let π be the softmax of φ at AAᵀx, π_k ∝ w_k exp(xᵀAAᵀμ_k), and Q = E[ζπᵀ]: Q_jk = w_j E[π_k | j].",
        Softmax(pi, phi, F * F.T * x) & mean_equation(zeta, pi, Q),
        ("pairs", "convexity", "factor"),
        Definition((pi, Q)),
    ),
    Step(
        "gradient",
        "g′(0) = E[πᵀμᵀVVᵀx] = E[πᵀT(Tζ + Vᵀξ)]: the softmax is the gradient of the log-sum-exp.",
        Eq(slope(g, t), Mean(Trace(pi.T * T * T * zeta)) + Mean(Trace(pi.T * T * V.T * xi))),
        ("potential", "softmax", "convexity"),
        MeanSlope(g, t),
    ),
    Step(
        "uncorrelated",
        "E[πᵀT Vᵀξ] = 0: π depends on ζ and Fᵀξ alone.",
        Eq(Mean(Trace(pi.T * T * V.T * xi)), 0),
        ("independence", "softmax"),
        Uncorrelated("independence", outer=F, weight=T, point=x),
    ),
    Step(
        "cross",
        "E[πᵀTTζ] = tr(TQT).",
        Eq(Mean(Trace(pi.T * T * T * zeta)), NEGATIVE),
        ("softmax", "gram"),
        SecondMoment(),
    ),
    Step(
        "slope",
        "L′(0) = tr(TQT) − δ tr(TDT) − (1 − δ)|TDo|²: with a_j = vᵀμ_j, the sum over the columns v of V of "
        "Σ_jk Q_jk a_j a_k − δ Σ_k w_k a_k² − (1 − δ)ā².",
        Eq(slope(L, t), SLOPE),
        ("derivative", "gradient", "uncorrelated", "cross"),
        Combination((Term("derivative"), Term("gradient"), Term("uncorrelated"), Term("cross"))),
    ),
    Step(
        "first-order",
        "A minimises L over R^{d×r}: then L′(0) ≥ 0, if M_t is AAᵀ for another A of r columns.",
        Implies(MINIMISER & Attained(path, r, t), Ge(slope(L, t), 0)),
        ("loss", "factor", "derivative"),
        FirstOrder(MINIMISER, L(t), A),
    ),
    Step(
        "basis-gram",
        "G = BᵀΣB ≻ 0.",
        PositiveDefinite(G),
        ("fisher-basis",),
        Congruence(factor=Lam.T * B, recover=Lam.T.I),
    ),
    Step(
        "included",
        "Col(A) ⊆ S_F means that A = BX has a solution X, such as G⁻¹BᵀΣA.",
        INSIDE.claim,
        ("basis-gram",),
        INSIDE,
    ),
    inside_step(Sigma),
    Step(
        "inclusion",
        "Theorem 5.2, first half: a minimiser has Col(A) ⊆ S_F.",
        Implies(MINIMISER, INCLUDED),
        ("weights-positive", "weights-sum", "covariances-definite", "shared-covariance", "bias-range"),
        Cites("infonce-inclusion", INCLUSION),
    ),
    Step(
        "attained",
        "Then AAᵀ and VVᵀ have their columns in S_F, whose m ≤ r dimensions hold M_t for every t ≥ 0.",
        Implies(factor_inside(Sigma), Attained(path, r, t)),
        ("fisher-basis", "gram", "columns-reach"),
        Attainable(
            parts=((1, F), (t, V)),
            spans=((ZeroMatrix(m, rho), Identity(rho)), (c, -P.I * F.T * mu)),
        ),
    ),
    Step(
        "sign",
        "If L′(0) ≥ 0 then the slope is ≥ 0.",
        Implies(Ge(slope(L, t), 0), Ge(SLOPE, 0)),
        ("slope",),
        Combination((Term("antecedent"), Term("slope", -1))),
    ),
    Step(
        "row-sums",
        "A softmax is positive and sums to 1: Q_jk > 0, and Qo = Do.",
        PositiveEntries(Q) & Eq(Q * o, D * o),
        ("softmax", "pairs", "weights-positive", "total-weight"),
        SoftmaxMoments(zeta, D, o),
    ),
    Step(
        "at-zero",
        "At A = 0 the softmax is w, and Q = Do(Do)ᵀ.",
        AT_ZERO,
        ("softmax", "pairs", "factor", "convexity"),
        SoftmaxAtZero(zeta, D, o, outer=x),
    ),
    Step(
        "contains",
        "S_F ⊆ Col(A) means that Σ⁻¹μ = Fb has a solution b; V = 0 says that b = P⁻¹Fᵀμ is one.",
        SPANNED.claim,
        ("gram", "fisher-basis"),
        SPANNED,
    ),
    Step(
        "nothing-missed",
        "tr(TDT) = ‖TE‖² ≤ 0, EEᵀ = D, only if T = 0.",
        Implies(MISSED, vanishes(T)),
        ("weights-positive", "gram", "fisher-basis"),
        Vanishing((T * E,), left=1, right=E.I),
    ),
    Step(
        "no-trace",
        "If T = 0 then tr T = 0.",
        Implies(vanishes(T), Eq(Trace(T), 0)),
        ("gram", "fisher-basis"),
        MatrixIdentity(),
    ),
    Step(
        "no-part",
        "tr T = ‖ΛᵀV‖² = 0 only if V = 0.",
        Implies(Eq(Trace(T), 0), vanishes(V)),
        ("gram", "fisher-basis"),
        Vanishing((Lam.T * V,), left=Lam.T.I, right=1),
    ),
)
PROOF = Proof(
    hypotheses=HYPOTHESES,
    algebra=ALGEBRA,
    steps=STEPS,
    conclusion=Implies(MINIMISER, INCLUDED)
    & Implies(MINIMISER, Ge(SLOPE, 0))
    & PositiveEntries(Q)
    & Eq(Q * o, D * o)
    & AT_ZERO
    & Implies(MISSED, CONTAINS),
)
