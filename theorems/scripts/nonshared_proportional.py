"""Proof script of nonshared-proportional: the block argument of Theorem 5.2, with a covariance for each component."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from sympy import Eq, Ge, Implies, Inverse, MatrixSymbol, Trace

from theorems.scripts import fisher_optimality as fisher
from theorems.scripts.theorem_5_2 import (
    INCLUDED,
    MINIMISER,
    PAIRED_MOMENTS,
    SETTING,
    A,
    B,
    E,
    G,
    L,
    Lam,
    Sigma,
    c,
    eta,
    f,
    inside,
    mu,
    outside,
    p,
    s,
    scaled,
    x,
    xi,
    xi_hat,
    z,
    zeta,
    zeta_hat,
)
from theorems.scripts.theorem_5_2 import NEGATIVES as PARTITION
from theorems.scripts.theorem_5_2 import STEPS as SHARED_STEPS
from verify.hypotheses import BIAS_RANGE, COVARIANCES_DEFINITE, WEIGHTS_POSITIVE, WEIGHTS_SUM, Hypothesis
from verify.proofs import (
    Algebra,
    Combination,
    CommonLowerBound,
    Definition,
    Gaussian,
    GeneratingFunction,
    IndependentColumns,
    LinearConsequence,
    LogMean,
    Mean,
    MixtureJensen,
    Multiple,
    Proof,
    SecondMoment,
    Square,
    Step,
    Term,
    Vanishing,
    mean_equation,
    nonnegative,
    vanishes,
)
from verify.vocabulary import K, Pi_F, Pi_mu, Sigma_k, d, m, r

MAPS_INTO = Hypothesis(
    "maps-into-means", Eq(Pi_mu * Sigma_k * Pi_F, Sigma_k * Pi_F), "Every Σ_k maps S_F into the span of the means."
)
HYPOTHESES = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, BIAS_RANGE, MAPS_INTO)

# The letters of Theorem 5.2, with Σ for Σ̄ = Σ_k w_k Σ_k and Λ for a square root of it. Σ_k = NNᵀ belongs to a
# component, Σ_0 = N₀N₀ᵀ is below them all, Σ_k = Σ_0 + ΩΩᵀ. a and n stand for A_inᵀx and A_outᵀx.

N, lower, Omega = MatrixSymbol("N", d, d), MatrixSymbol("N_0", d, d), MatrixSymbol("Omega", d, d)
h = MatrixSymbol("h", K, d)
a, n = MatrixSymbol("a", r, 1), MatrixSymbol("n", r, 1)
RANDOM = (zeta, zeta_hat, xi, xi_hat)

ALGEBRA = Algebra(
    definitions={**SETTING, Sigma_k: N * N.T},
    invertible=(Lam, lower, G),
    needs={
        Lam: ("mean-covariance",),
        N: ("covariances-definite",),
        E: ("weights-positive",),
        mu: ("fisher-basis",),
        Inverse(G): ("basis-gram",),
        lower: ("lower-bound",),
        fisher.q.label: ("component-variances", "covariances-definite"),
        **dict.fromkeys(RANDOM, ("pairs", "weights-positive", "weights-sum", "bias-range")),
        eta: ("component-law",),
    },
    sizes=({d: 4, m: 2, K: 3, r: 3}, {d: 3, m: 1, K: 2, r: 4}),
)

PROJECTS, SPAN = Eq(Pi_F * B, B), Eq(Pi_mu, mu * h)
SHIFT = a + n  # f(x) for s = 1
EXPONENT = Trace(z.T * scaled.T * mu * p) + Trace(z.T * scaled.T * Sigma_k * scaled * z) / 2
LINEAR = Trace(n.T * inside.T * mu * p) + Trace(a.T * (inside + outside).T * Sigma_k * (inside + outside) * n)
REST = Trace(n.T * outside.T * lower * lower.T * outside * n) / 2
LOWER_GAP = Trace(outside.T * lower * lower.T * outside * outside.T * Sigma * outside) / 2
NEGATIVES = Mean(PARTITION.subs(z, f))
BOUND = CommonLowerBound(Sigma_k, lower, Omega)
ROOT = lower.T * outside * outside.T * Lam
SHARED = {step.name: step for step in SHARED_STEPS}


def shared(name: str, *premises: str) -> Step:
    """Return a step of Theorem 5.2, which here follows from these premises."""
    return replace(SHARED[name], premises=premises)


STEPS = (
    *(step for step in fisher.PROOF.steps if step.name in ("component-variances", "mean-covariance")),
    Step(
        "fisher-basis",
        "Let the columns of B be a basis of S_F = span{Σ̄⁻¹μ_k}: Σ̄⁻¹μ = Bc. The projector on S_F leaves B as it is, and "
        "that on span{μ_k} is μh for some h.",
        IndependentColumns(B) & Eq(mu, Sigma * B * c) & PROJECTS & SPAN,
        ("mean-covariance",),
        Definition((B, c, h)),
    ),
    SHARED["basis-gram"],
    Step(
        "component-blocks",
        "Σ_k maps S_F into span{μ_l}, to which A_out is orthogonal: A_outᵀΣ_kA_in = 0 for every k.",
        vanishes(outside.T * Sigma_k * inside),
        ("maps-into-means", "fisher-basis", "basis-gram", "covariances-definite"),
        LinearConsequence(
            (
                Multiple("maps-into-means", -outside.T, inside),
                Multiple(PROJECTS, -outside.T * Sigma_k, G.I * B.T * Sigma * A),
                Multiple(PROJECTS, outside.T * Pi_mu * Sigma_k, G.I * B.T * Sigma * A),
                Multiple(SPAN, outside.T, Sigma_k * inside),
            )
        ),
    ),
    Step(
        "lower-bound",
        "The Σ_k are positive definite and finitely many: all are above some Σ_0 = N₀N₀ᵀ ≻ 0, Σ_k = Σ_0 + ΩΩᵀ.",
        BOUND.claim,
        ("covariances-definite",),
        BOUND,
    ),
    Step(
        "pairs",
        "Augmented pairs (Definition 5.1): x = μζ + ξ, x̂ = μζ̂ + ξ̂; the noise of a point has mean 0 given the "
        "components and the other's noise, and E ξξᵀ = Σ̄.",
        PAIRED_MOMENTS & mean_equation(xi, xi, Sigma),
        ("weights-positive", "weights-sum", "mean-covariance", "bias-range"),
        Definition(RANDOM),
    ),
    Step(
        "component-law",
        "Given component k, the noise η of a point, x or a negative y, is N(0, Σ_k).",
        Gaussian(eta, Sigma_k),
        ("covariances-definite",),
        Definition((eta,)),
    ),
    shared("alignment", "pairs", "fisher-basis", "basis-gram"),
    Step(
        "generating",
        "For y of component k, log E exp(zᵀf(y)) = zᵀA_sᵀμ_k + ½zᵀA_sᵀΣ_kA_s z, μ_k = μp.",
        Eq(LogMean(Trace(z.T * scaled.T * (mu * p + eta)), eta), EXPONENT),
        ("component-law", "fisher-basis", "basis-gram"),
        GeneratingFunction(),
    ),
    shared("loss", "pairs", "component-law", "fisher-basis", "basis-gram"),
    *(
        Step(name, sentence, nonnegative(Trace(root.T * root)), premises, Square(root))
        for name, sentence, root, premises in (
            (
                "kept-square",
                "aᵀA_outᵀΣ_kA_out a ≥ 0.",
                N.T * outside * a,
                ("covariances-definite", "basis-gram"),
            ),
            (
                "noise-square",
                "nᵀA_inᵀΣ_kA_in n ≥ 0.",
                N.T * inside * n,
                ("covariances-definite", "basis-gram"),
            ),
            (
                "rest-square",
                "nᵀA_outᵀ(Σ_k − Σ_0)A_out n = ‖ΩᵀA_out n‖² ≥ 0.",
                Omega.T * outside * n,
                ("lower-bound", "basis-gram"),
            ),
        )
    ),
    Step(
        "exponents",
        "At z = a + n, a = A_inᵀx, n = A_outᵀx, the exponents for A are at least those for A_in at a, plus a part "
        "linear in n, plus ½nᵀA_outᵀΣ_0A_out n, which is the same for every k.",
        Ge(EXPONENT.subs(z, SHIFT).subs(s, 1) - EXPONENT.subs(z, a).subs(s, 0) - LINEAR - REST, 0),
        ("kept-square", "noise-square", "rest-square", "component-blocks", "lower-bound", "fisher-basis"),
        LinearConsequence(
            (
                Multiple("kept-square", Fraction(1, 2)),
                Multiple("noise-square", Fraction(1, 2)),
                Multiple("rest-square", Fraction(1, 2)),
                Multiple("component-blocks", a.T, a),
                Multiple("component-blocks", n.T, n),
                Multiple("lower-bound", n.T * outside.T / 2, outside * n),
            )
        ),
    ),
    Step(
        "rest-mean",
        "E ½nᵀA_outᵀΣ_0A_out n = ½tr(A_outᵀΣ_0A_out A_outᵀΣ̄A_out): A_outᵀx has mean 0 and covariance A_outᵀΣ̄A_out.",
        Eq(Mean(REST.subs(n, outside.T * x)), LOWER_GAP),
        ("pairs", "lower-bound", "fisher-basis", "basis-gram"),
        SecondMoment(),
    ),
    Step(
        "jensen",
        "Given the component A_outᵀx is independent of A_inᵀx with mean 0, so by Jensen E log Σ_k w_k e^{…} is larger "
        "for A than for A_in, by at least the mean of what all exponents share.",
        nonnegative(NEGATIVES.subs(s, 1) - NEGATIVES.subs(s, 0) - LOWER_GAP),
        ("generating", "exponents", "rest-mean", "component-law", "component-blocks", "fisher-basis", "basis-gram"),
        MixtureJensen(
            "generating", "exponents", "rest-mean", s, inside, outside, x, mu * p, p, (z, a, n), LINEAR, REST
        ),
    ),
    Step(
        "gap",
        "L(A) − L(A_in) ≥ ½tr(A_outᵀΣ_0A_out A_outᵀΣ̄A_out).",
        nonnegative(L(1) - L(0) - LOWER_GAP),
        ("loss", "alignment", "jensen"),
        Combination(
            (
                Term("loss", 1, {s: 1}),
                Term("loss", -1, {s: 0}),
                Term("alignment", -1, {s: 1}),
                Term("alignment", 1, {s: 0}),
                Term("jensen"),
            )
        ),
    ),
    shared("minimiser", "loss"),
    Step(
        "minimal-gap",
        "If L(A) ≤ L(A_in) then ‖N₀ᵀA_out A_outᵀΛ‖² ≤ 0.",
        Implies(Ge(L(0) - L(1), 0), Ge(-Trace(ROOT.T * ROOT), 0)),
        ("gap",),
        Combination((Term("antecedent", 2), Term("gap", 2))),
    ),
    Step(
        "square-vanishes",
        "N₀ and Λ are invertible, so A_out A_outᵀ = 0.",
        Implies(Ge(-Trace(ROOT.T * ROOT), 0), vanishes(outside * outside.T)),
        ("lower-bound", "basis-gram"),
        Vanishing((ROOT,), left=lower.T.I, right=Lam.I),
    ),
    Step(
        "norm-vanishes",
        "Then ‖A_out‖² = tr(A_out A_outᵀ) = 0.",
        Implies(vanishes(outside * outside.T), Eq(Trace(outside.T * outside), 0)),
        ("basis-gram",),
        LinearConsequence((Multiple("antecedent"),)),
    ),
    Step(
        "outside-vanishes",
        "A matrix of norm 0 is 0: A_out = 0.",
        Implies(Eq(Trace(outside.T * outside), 0), vanishes(outside)),
        ("basis-gram",),
        Vanishing((outside,), left=1, right=1),
    ),
    SHARED["included"],
)

PROOF = Proof(
    hypotheses=HYPOTHESES,
    algebra=ALGEBRA,
    steps=STEPS,
    conclusion=Implies(MINIMISER, INCLUDED),
)
