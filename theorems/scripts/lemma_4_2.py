"""Proof script of Lemma 4.2 in its sharp form: A preserves the posterior exactly when Col(A) contains S_LDA."""

from __future__ import annotations

from sympy import Eq, Equivalent, Implies, Inverse, MatrixSymbol, Symbol, Trace

from verify.hypotheses import COVARIANCES_DEFINITE, SHARED_COVARIANCE, WEIGHTS_POSITIVE, WEIGHTS_SUM
from verify.proofs import (
    LOG_ODDS,
    POSTERIOR_FROM_ODDS,
    Algebra,
    Congruence,
    Definition,
    Existential,
    Gaussian,
    GaussianOdds,
    GeneratingFunction,
    Given,
    IndependentColumns,
    LinearPart,
    LogMean,
    MatrixIdentity,
    PosteriorPreserved,
    Proof,
    ScalarIdentity,
    Step,
    vanishes,
)
from verify.vocabulary import K, PositiveDefinite, d, r

HYPOTHESES = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, SHARED_COVARIANCE)

# Λ is a square root of Σ; μ holds the means as columns; p and q pick two components, μ_k = μp and μ_l = μq; b and c are
# coordinates in Col(A); Δ = Σ⁻¹ − A(AᵀΣA)⁻¹Aᵀ.

Lam, Sigma, Delta = (MatrixSymbol(name, d, d) for name in ("Lambda", "Sigma", "Delta"))
mu, A = MatrixSymbol("mu", d, K), MatrixSymbol("A", d, r)
G, b = MatrixSymbol("G", r, r), MatrixSymbol("b", r, K)
x, v, xi = (MatrixSymbol(name, d, 1) for name in ("x", "v", "xi"))
c, u = (MatrixSymbol(name, r, 1) for name in ("c", "u"))
p, q = (MatrixSymbol(name, K, 1) for name in ("p", "q"))

ALGEBRA = Algebra(
    definitions={Sigma: Lam * Lam.T, G: A.T * Sigma * A, Delta: Sigma.I - A * G.I * A.T},
    invertible=(Lam, G),
    needs={Lam: ("covariances-definite", "shared-covariance"), Inverse(G): ("gram",), xi: ("component-law",)},
    sizes=({d: 4, K: 3, r: 2}, {d: 3, K: 2, r: 3}),
)


FULL = GaussianOdds(x, mu, Sigma, (p, q))
PROJECTED = GaussianOdds(A.T * x, A.T * mu, G, (p, q))
GAP = FULL.log_ratio - PROJECTED.log_ratio
SLOPE = Delta * mu * (p - q)

PRESERVED = Symbol(r"\{\Pr(z=k \mid x) = \Pr(z=k \mid A^T x)\}")
EQUALS = Symbol(r"\{\mathrm{Col}(A) = S_F\}")
CONTAINS = Symbol(r"\{S_{LDA} \subseteq \mathrm{Col}(A)\}")
SPANNED = Existential(CONTAINS, Eq(Sigma.I * mu * (p - q), A * c), c, G.I * A.T * mu * (p - q))

PROOF = Proof(
    hypotheses=HYPOTHESES,
    givens=(Given("independent-columns", IndependentColumns(A), "A ∈ R^{d×r} has linearly independent columns."),),
    algebra=ALGEBRA,
    steps=(
        Step(
            "gram",
            "G = AᵀΣA ≻ 0.",
            PositiveDefinite(G),
            ("covariances-definite", "shared-covariance", "independent-columns"),
            Congruence(factor=Lam.T * A, recover=Lam.T.I),
        ),
        Step(
            "component-law",
            "Given z = k, x = μ_k + ξ with ξ ~ N(0, Σ), the same ξ for every component.",
            Gaussian(xi, Sigma),
            ("covariances-definite", "shared-covariance"),
            Definition((xi,)),
        ),
        Step(
            "projected-law",
            "Given z = k, Aᵀx ~ N(Aᵀμ_k, G): its log generating function at u is uᵀAᵀμ_k + ½uᵀGu.",
            Eq(LogMean(Trace(u.T * A.T * (mu * p + xi)), xi), Trace(u.T * A.T * mu * p) + Trace(u.T * G * u) / 2),
            ("component-law",),
            GeneratingFunction(),
        ),
        Step(
            "bayes",
            "Posteriors are functions of their odds, a_k/Σ_l a_l = 1/Σ_l (a_l/a_k), and the log-odds of two densities "
            "w_k n e^{−α/2} and w_l n e^{−β/2} with one normaliser n are log(w_k/w_l) + (β − α)/2.",
            POSTERIOR_FROM_ODDS & LOG_ODDS,
            ("weights-positive",),
            ScalarIdentity(),
        ),
        Step(
            "preserved",
            "The posterior is preserved when the log-odds given x and given Aᵀx agree for every k, l and x.",
            Equivalent(PRESERVED, Eq(GAP, 0)),
            ("weights-positive", "gram", "bayes", "projected-law"),
            PosteriorPreserved(PRESERVED, FULL, PROJECTED, "projected-law", u),
        ),
        Step(
            "slope",
            "Both log-odds are affine in x, so if they agree for every x their slopes do: Δ(μ_k − μ_l) = 0.",
            Implies(Eq(GAP, 0), vanishes(SLOPE)),
            ("gram",),
            LinearPart(x, v),
        ),
        Step(
            "no-slope",
            "The log-odds differ by (x − ½(μ_k + μ_l))ᵀ Δ(μ_k − μ_l): if Δ(μ_k − μ_l) = 0 they agree.",
            Implies(vanishes(SLOPE), Eq(GAP, 0)),
            ("gram",),
            MatrixIdentity(left=(x - mu * (p + q) / 2).T),
        ),
        Step(
            "contains",
            "S_LDA ⊆ Col(A) means that Σ⁻¹(μ_k − μ_l) = Ac has a solution c for every k and l; Δ(μ_k − μ_l) = 0 says "
            "that c = G⁻¹Aᵀ(μ_k − μ_l) is one.",
            SPANNED.claim,
            ("gram",),
            SPANNED,
        ),
        Step(
            "spans-zero",
            "If Σ⁻¹(μ_k − μ_l) = Ac then Δ(μ_k − μ_l) = ΔΣ(Σ⁻¹(μ_k − μ_l) − Ac) = 0, since ΔΣA = 0.",
            Implies(Eq(Sigma.I * mu * (p - q), A * c), vanishes(SLOPE)),
            ("gram",),
            MatrixIdentity(left=Delta * Sigma),
        ),
        Step(
            "fisher",
            "Col(A) = S_F gives b with Σ⁻¹μ = Ab.",
            Implies(EQUALS, Eq(Sigma.I * mu, A * b)),
            ("covariances-definite", "shared-covariance"),
            Definition((EQUALS, b)),
        ),
        Step(
            "fisher-zero",
            "If Σ⁻¹μ = Ab then Δ(μ_k − μ_l) = ΔΣ(Σ⁻¹μ − Ab)(p − q) = 0.",
            Implies(Eq(Sigma.I * mu, A * b), vanishes(SLOPE)),
            ("gram",),
            MatrixIdentity(left=Delta * Sigma, right=p - q),
        ),
    ),
    conclusion=Implies(EQUALS, PRESERVED) & Equivalent(CONTAINS, PRESERVED),
)
