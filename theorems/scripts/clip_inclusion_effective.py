"""Proof script of clip-inclusion-effective: the block argument of Theorem 5.2, one modality after the other."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from sympy import Eq, Function, Ge, Gt, Implies, Inverse, MatrixSymbol, Ne, Sum, Symbol, Trace, ZeroMatrix, exp, log

from theorems.scripts.theorem_5_2 import COMMON_FACTOR, D, E, o, p, s, slope_at_1, u, v, y, z
from verify.hypotheses import MATCH_RANGE, TEXT_DEFINITE, VISION_DEFINITE, WEIGHTS_POSITIVE, WEIGHTS_SUM
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
from verify.vocabulary import K, PositiveDefinite, Sigma_T, Sigma_V, d_T, d_V, delta, k, m_T, m_V, r, w

HYPOTHESES = (WEIGHTS_POSITIVE, WEIGHTS_SUM, VISION_DEFINITE, TEXT_DEFINITE, MATCH_RANGE)


class Modality:
    """The symbols of one modality, as in the script of Theorem 5.2: x = μζ + ξ with ξ ~ N(0, Σ), Σ = ΛΛᵀ.

    The columns of B are a basis of the Fisher subspace, G = BᵀΣB, A_in = BG⁻¹BᵀΣA and A_s = A_in + s·A_out. H and T are
    AᵀΣA and AᵀSA for the whole of A; P, Q and T_in are A_inᵀΣA_in, A_outᵀΣA_out and A_inᵀSA_in.
    """

    def __init__(self, tag: str, definite: str, Sigma: MatrixSymbol, m: Symbol) -> None:
        def matrix(name: str, *shape: Any) -> MatrixSymbol:
            return MatrixSymbol(f"{name}_{tag}", *shape)

        d = Sigma.rows
        self.tag, self.definite, self.Sigma = tag, definite, Sigma
        self.Lam, self.mu, self.S = matrix("Lambda", d, d), matrix("mu", d, K), matrix("S", d, d)
        self.B, self.G, self.c = matrix("B", d, m), matrix("G", m, m), matrix("c", m, K)
        self.A, self.inside, self.outside = matrix("A", d, r), matrix("Ain", d, r), matrix("Aout", d, r)
        self.P, self.Q, self.T_in = matrix("P", r, r), matrix("Q", r, r), matrix("Tin", r, r)
        self.H, self.T = matrix("H", r, r), matrix("T", r, r)
        self.zeta, self.xi, self.eta = matrix("zeta", K, 1), matrix("xi", d, 1), matrix("eta", d, 1)
        self.L, self.g, self.phi, self.psi = (
            Function(f"L_{tag}"),
            Function(f"g_{tag}"),
            Symbol(f"phi_{tag}"),
            Symbol(f"psi_{tag}"),
        )
        self.scaled = self.inside + s * self.outside
        self.x = self.mu * self.zeta + self.xi

    @property
    def basis_definitions(self) -> dict[MatrixSymbol, Any]:
        """What the symbols about the Fisher subspace abbreviate."""
        return {
            self.Sigma: self.Lam * self.Lam.T,
            self.mu: self.Sigma * self.B * self.c,
            self.G: self.B.T * self.Sigma * self.B,
        }

    @property
    def definitions(self) -> dict[MatrixSymbol, Any]:
        """What the symbols abbreviate."""
        return {
            **self.basis_definitions,
            self.S: self.mu * D * self.mu.T,
            self.inside: self.B * self.G.I * self.B.T * self.Sigma * self.A,
            self.outside: self.A - self.inside,
            self.P: self.inside.T * self.Sigma * self.inside,
            self.Q: self.outside.T * self.Sigma * self.outside,
            self.T_in: self.inside.T * self.S * self.inside,
            self.H: self.A.T * self.Sigma * self.A,
            self.T: self.A.T * self.S * self.A,
        }

    @property
    def basis_needs(self) -> dict[Any, tuple[str, ...]]:
        """What entitles a script to the symbols about the Fisher subspace."""
        return {
            self.Lam: (self.definite,),
            self.mu: (f"fisher-basis-{self.tag}",),
            Inverse(self.G): (f"basis-gram-{self.tag}",),
        }

    @property
    def needs(self) -> dict[Any, tuple[str, ...]]:
        """What entitles the script to all of them."""
        return {
            **self.basis_needs,
            **dict.fromkeys((self.zeta, self.xi, self.eta), ("pairs", self.definite)),
        }


VISION = Modality("V", VISION_DEFINITE.name, Sigma_V, m_V)
TEXT = Modality("T", TEXT_DEFINITE.name, Sigma_T, m_T)

ALGEBRA = Algebra(
    definitions={D: E * E.T, **VISION.definitions, **TEXT.definitions},
    invertible=(VISION.Lam, VISION.G, TEXT.Lam, TEXT.G),
    needs={E: ("weights-positive",), **VISION.needs, **TEXT.needs},
    sizes=({d_V: 3, d_T: 4, m_V: 2, m_T: 1, K: 3, r: 3}, {d_V: 3, d_T: 2, m_V: 1, m_T: 1, K: 2, r: 4}),
)

MINIMISER = Symbol(r"\{(A_V, A_T) \in \mathrm{argmin}\, L_{\mathrm{CLIP}}\}")
STATIONARY = Symbol(r"\{\nabla L_{\mathrm{CLIP}}(A_V, A_T) = 0\}")


def included(this: Modality, other: Modality) -> Existential:
    """Return what it means that Col(W) lies in S_{V,F}, or Col(Wᵀ) in S_{T,F}, W = A_V A_Tᵀ."""
    product, name = this.A * other.A.T, "W" if this is VISION else "W^T"
    X = MatrixSymbol(f"X_{this.tag}", this.G.rows, other.A.rows)
    proposition = Symbol(rf"\{{\mathrm{{Col}}({name}) \subseteq S_{{{this.tag},F}}\}}")
    return Existential(proposition, Eq(product, this.B * X), X, this.G.I * this.B.T * this.Sigma * product)


def basis_steps(this: Modality) -> tuple[Step, ...]:
    """Return the steps that split A."""
    tag = this.tag
    return (
        Step(
            f"fisher-basis-{tag}",
            f"Let the columns of B_{tag} be a basis of S_{{{tag},F}}, so Σ_{tag}⁻¹μ_{tag} = B_{tag} c_{tag}.",
            IndependentColumns(this.B) & Eq(this.mu, this.Sigma * this.B * this.c),
            (this.definite,),
            Definition((this.B, this.c)),
        ),
        Step(
            f"basis-gram-{tag}",
            "G = BᵀΣB ≻ 0, so A_in = BG⁻¹BᵀΣA and A_out = A − A_in are defined.",
            PositiveDefinite(this.G),
            (f"fisher-basis-{tag}",),
            Congruence(factor=this.Lam.T * this.B, recover=this.Lam.T.I),
        ),
        Step(
            f"blocks-{tag}",
            "A_out is orthogonal to the means and, in the inner product of Σ, to A_in; A_s is A at s = 1.",
            vanishes(this.outside.T * this.mu)
            & vanishes(this.outside.T * this.Sigma * this.inside)
            & Eq(this.inside + this.outside, this.A),
            (f"basis-gram-{tag}",),
            MatrixIdentity(),
        ),
    )


def meaning_steps(this: Modality, other: Modality) -> tuple[Step, ...]:
    """Return the steps by which a script that cites this one says what it means that W, or Wᵀ, lies inside."""
    basis, gram, _ = basis_steps(this)
    meaning, name = included(this, other), "W" if this is VISION else "Wᵀ"
    return (
        basis,
        replace(gram, sentence="G = BᵀΣB ≻ 0."),
        Step(
            f"included-{this.tag}",
            f"Col({name}) ⊆ S_{{{this.tag},F}} means that {name} = BX has a solution X, such as G⁻¹BᵀΣ{name}.",
            meaning.claim,
            (gram.name,),
            meaning,
        ),
    )


def _uncorrelated(*columns: MatrixSymbol) -> list[Any]:
    pairs = [(a, b) for i, a in enumerate(columns) for b in columns[:i]]
    return [mean_equation(a, b, ZeroMatrix(a.rows, b.rows)) for a, b in pairs]


def _pairs() -> Step:
    V, T = VISION, TEXT
    claim = mean_equation(V.zeta, T.zeta, delta * D + (1 - delta) * (D * o * o.T * D))
    for this in (V, T):
        claim &= Gaussian(this.xi, this.Sigma) & Gaussian(this.eta, this.Sigma) & mean_equation(this.zeta, this.zeta, D)
    for equation in (*_uncorrelated(V.zeta, V.xi), *_uncorrelated(T.zeta, T.xi), *_uncorrelated(V.xi, T.xi)):
        claim &= equation
    claim &= mean_equation(V.zeta, T.xi, ZeroMatrix(K, d_T)) & mean_equation(T.zeta, V.xi, ZeroMatrix(K, d_V))
    return Step(
        "pairs",
        "Pairs (Definition 6.1): x_V = μ_V ζ_V + ξ_V and x_T = μ_T ζ_T + ξ_T, noises N(0, Σ_V) and N(0, Σ_T) "
        "independent of the components and of each other; with probability δ both have one component, else each its "
        "own. Negatives have noises η_V and η_T.",
        claim,
        ("weights-positive", "weights-sum", "vision-definite", "text-definite", "match-range"),
        Definition((V.zeta, T.zeta, V.xi, T.xi, V.eta, T.eta)),
    )


def modality_steps(this: Modality, other: Modality) -> tuple[Step, ...]:
    """Return the steps that scale the part of one modality's map outside its Fisher subspace by s."""
    tag, L, g, phi, psi = this.tag, this.L, this.g, this.phi, this.psi
    f, h = this.scaled.T * this.x, other.A.T * other.x  # the two embeddings
    alignment = Mean(Trace(f.T * h))
    against_other = LogPartition(Trace(z.T * other.A.T * (other.mu * p + other.eta)), other.eta, p)
    against_this = LogPartition(Trace(z.T * this.scaled.T * (this.mu * p + this.eta)), this.eta, p)
    forward, backward = against_other.subs(z, f), against_this.subs(z, h)
    constant = Mean(Apply(psi, h))
    H, T, P, Q = other.H, other.T, this.P, this.Q
    bend = Mean(Trace(f.T * other.A.T * other.Sigma * other.A * f) / 2)
    own_bend = Mean(Trace(h.T * this.scaled.T * this.Sigma * this.scaled * h) / 2)
    crossing = this.inside.T * this.mu * (delta * D + (1 - delta) * (D * o * o.T * D)) * other.mu.T * other.A
    fixed = Trace(H * (P + this.T_in)) / 2 + Trace(P * (H + T)) / 2 - 2 * Trace(crossing)
    leak = s**2 * (Trace(H * Q) + Trace(T * Q) / 2)
    whole = this.outside * other.A.T

    def at(name: str) -> str:
        return f"{name}-{tag}"

    split = (at("blocks"), "pairs", f"fisher-basis-{other.tag}")
    grounds = (at("basis-gram"), f"fisher-basis-{other.tag}")
    return (
        Step(
            at("alignment"),
            "E[f_V(x_V)ᵀf_T(x_T)] sees only A_in: it does not depend on s.",
            Eq(alignment, Trace(crossing)),
            split,
            SecondMoment(),
        ),
        Step(
            at("convexity"),
            "φ(z) = log Σ_k w_k exp(y_k), y_k = zᵀAᵀμ_k of the other modality (μ_k = μp), is convex.",
            Convex(phi, log(Sum(w[k] * exp(y[k]), (k, 1, K))), y, Trace(z.T * other.A.T * other.mu * p), z),
            ("weights-positive", f"fisher-basis-{other.tag}"),
            ConvexFunction(log_sum_exp_squares),
        ),
        Step(
            at("own-convexity"),
            "ψ(z) = log Σ_k w_k exp(y_k), y_k = zᵀA_inᵀμ_k of this modality, is convex.",
            Convex(psi, log(Sum(w[k] * exp(y[k]), (k, 1, K))), y, Trace(z.T * this.inside.T * this.mu * p), z),
            ("weights-positive", at("basis-gram")),
            ConvexFunction(log_sum_exp_squares),
        ),
        Step(
            at("partition"),
            "Against a negative of the other modality, log E exp(zᵀf(y)) = ½zᵀAᵀΣA z + φ(z) for fixed z = A_sᵀx.",
            Eq(against_other, Trace(z.T * other.A.T * other.Sigma * other.A * z) / 2 + Apply(phi, z)),
            ("pairs", at("convexity"), "common-factor"),
            PartitionFunction("common-factor"),
        ),
        Step(
            at("own-partition"),
            "Against a negative of this modality, log E exp(zᵀf(y)) = ½zᵀA_sᵀΣA_s z + ψ(z): ψ does not depend on s.",
            Eq(against_this, Trace(z.T * this.scaled.T * this.Sigma * this.scaled * z) / 2 + Apply(psi, z)),
            (*split, at("own-convexity"), "common-factor"),
            PartitionFunction("common-factor"),
        ),
        Step(
            at("negatives"),
            "The mean of the first at z = A_sᵀx.",
            Eq(Mean(forward), bend + Mean(Apply(phi, f))),
            (at("partition"), at("blocks")),
            MeanOf(at("partition"), z, f),
        ),
        Step(
            at("own-negatives"),
            "The mean of the second at z = Aᵀx of the other modality.",
            Eq(Mean(backward), own_bend + constant),
            (at("own-partition"), f"fisher-basis-{other.tag}"),
            MeanOf(at("own-partition"), z, h),
        ),
        Step(
            at("potential"),
            "Write g(s) = E φ(A_sᵀx).",
            Eq(g(s), Mean(Apply(phi, f))),
            (*split, at("convexity")),
            Definition((g,)),
        ),
        Step(
            at("loss"),
            f"L(s) is L_CLIP with A_s for A_{tag}: −2E[f_V(x_V)ᵀf_T(x_T)] and both log-partition functions.",
            Eq(L(s), -2 * alignment + Mean(forward) + Mean(backward)),
            split,
            Definition((L,)),
        ),
        Step(
            at("quadratic"),
            "With H = AᵀΣA of the other modality, P = A_inᵀΣA_in, Q = A_outᵀΣA_out, T_in = A_inᵀSA_in the first "
            "quadratic part is ½tr(H(P + T_in)) + ½s²tr(HQ).",
            Eq(bend, Trace(H * (P + this.T_in)) / 2 + s**2 * Trace(H * Q) / 2),
            split,
            SecondMoment(),
        ),
        Step(
            at("own-quadratic"),
            "With T = AᵀSA of the other modality the second is ½tr((P + s²Q)(H + T)).",
            Eq(own_bend, Trace(P * (H + T)) / 2 + s**2 * Trace(Q * (H + T)) / 2),
            split,
            SecondMoment(),
        ),
        Step(
            at("form"),
            "L(s) is a constant, plus s²(tr(HQ) + ½tr(TQ)), plus g(s).",
            Eq(L(s), fixed + leak + g(s) + constant),
            tuple(
                map(at, ("loss", "alignment", "negatives", "own-negatives", "quadratic", "own-quadratic", "potential"))
            ),
            Combination(
                (
                    Term(at("loss")),
                    Term(at("alignment"), -2),
                    *(Term(at(name)) for name in ("negatives", "own-negatives", "quadratic", "own-quadratic")),
                    Term(at("potential"), -1),
                )
            ),
        ),
        Step(
            at("independence"),
            "A_outᵀx has mean 0 and is independent of the component and of A_inᵀx.",
            Eq(
                LogMean(Trace(u.T * this.inside.T * this.x) + Trace(v.T * this.outside.T * this.x), this.xi),
                Trace(u.T * this.inside.T * this.mu * this.zeta) + Trace(u.T * P * u) / 2 + Trace(v.T * Q * v) / 2,
            ),
            split,
            IndependentNoise(kept=this.inside, noise=this.outside, point=this.x, label=this.zeta, tests=(u, v)),
        ),
        Step(
            at("jensen"),
            "g(s) = E φ(A_inᵀx + s A_outᵀx) ≥ E φ(A_inᵀx) = g(0) for every s.",
            nonnegative(g(s) - g(0)),
            (at("convexity"), at("independence"), at("potential")),
            Jensen(g(s), s, at("independence")),
        ),
        Step(
            at("tangent"),
            "g is convex in s, so it lies above its tangent at 1: g(0) ≥ g(1) − g′(1).",
            nonnegative(g(0) - g(1) + slope_at_1(g)),
            (at("convexity"), at("potential")),
            Tangent(g(s), s),
        ),
        Step(
            at("mean-block"),
            "tr(TQ) = ‖ΛᵀA_out AᵀμE‖² ≥ 0, where EEᵀ = diag(w).",
            nonnegative(Trace(T * Q)),
            (*grounds, "weights-positive"),
            Square(this.Lam.T * whole * other.mu * E),
        ),
        Step(
            at("gap"),
            "L(1) − L(0) ≥ tr(HQ).",
            nonnegative(L(1) - L(0) - Trace(H * Q)),
            (at("form"), at("jensen"), at("mean-block")),
            Combination(
                (
                    Term(at("form"), 1, {s: 1}),
                    Term(at("form"), -1, {s: 0}),
                    Term(at("jensen"), 1, {s: 1}),
                    Term(at("mean-block"), Fraction(1, 2)),
                )
            ),
        ),
        Step(
            at("derivative"),
            "L′(1) = 2tr(HQ) + tr(TQ) + g′(1).",
            Eq(slope_at_1(L), 2 * Trace(H * Q) + Trace(T * Q) + slope_at_1(g)),
            (at("form"),),
            Differentiate(at("form"), s, 1),
        ),
        Step(
            at("slope"),
            "L′(1) ≥ 2tr(HQ).",
            nonnegative(slope_at_1(L) - 2 * Trace(H * Q)),
            tuple(map(at, ("derivative", "jensen", "tangent", "mean-block"))),
            Combination(
                (
                    Term(at("derivative")),
                    Term(at("jensen"), 1, {s: 1}),
                    Term(at("tangent")),
                    Term(at("mean-block")),
                )
            ),
        ),
        Step(
            at("outside-vanishes"),
            "tr(HQ) = ‖ΛᵀA_out AᵀΛ‖² ≤ 0, Λ of either modality, only if A_out Aᵀ = 0: W has no part outside.",
            Implies(Ge(-Trace(H * Q), 0), vanishes(whole)),
            grounds,
            Vanishing((this.Lam.T * whole * other.Lam,), left=this.Lam.T.I, right=other.Lam.I),
        ),
        Step(
            at("minimal-gap"),
            "If L(1) ≤ L(0) then tr(HQ) ≤ 0.",
            Implies(Ge(L(0) - L(1), 0), Ge(-Trace(H * Q), 0)),
            (at("gap"),),
            Combination((Term("antecedent"), Term(at("gap")))),
        ),
        Step(
            at("flat-gap"),
            "If L′(1) ≤ 0 then tr(HQ) ≤ 0.",
            Implies(Ge(-slope_at_1(L), 0), Ge(-Trace(H * Q), 0)),
            (at("slope"),),
            Combination((Term("antecedent", Fraction(1, 2)), Term(at("slope"), Fraction(1, 2)))),
        ),
    )


IN_VISION, IN_TEXT = included(VISION, TEXT), included(TEXT, VISION)
STEPS = (
    *basis_steps(VISION),
    *basis_steps(TEXT),
    _pairs(),
    COMMON_FACTOR,
    *modality_steps(VISION, TEXT),
    *modality_steps(TEXT, VISION),
    Step(
        "minimiser",
        "A minimiser does no worse than with A_in for A in either modality, which has r columns too, whatever r is.",
        Implies(MINIMISER, Ge(VISION.L(0) - VISION.L(1), 0) & Ge(TEXT.L(0) - TEXT.L(1), 0)),
        ("loss-V", "loss-T"),
        Definition((MINIMISER,)),
    ),
    Step(
        "stationary",
        "At a stationary pair L does not change along s ↦ A_s to first order, in either modality: L′(1) is 0, not > 0.",
        Implies(STATIONARY, Ge(-slope_at_1(VISION.L), 0) & Ge(-slope_at_1(TEXT.L), 0)),
        ("loss-V", "loss-T"),
        Definition((STATIONARY,)),
    ),
    Step(
        "included-V",
        "Col(W) ⊆ S_{V,F} means that W = B_V X has a solution X; A_out A_Tᵀ = 0 says that X = G⁻¹BᵀΣW is one.",
        IN_VISION.claim,
        ("basis-gram-V",),
        IN_VISION,
    ),
    Step(
        "included-T",
        "The same for Wᵀ = A_T A_Vᵀ and S_{T,F}.",
        IN_TEXT.claim,
        ("basis-gram-T",),
        IN_TEXT,
    ),
)
INCLUDED = IN_VISION.proposition & IN_TEXT.proposition
PROOF = Proof(
    hypotheses=HYPOTHESES,
    algebra=ALGEBRA,
    steps=STEPS,
    conclusion=Implies(MINIMISER, INCLUDED)
    & Implies(STATIONARY, INCLUDED)
    & Implies(Ne(VISION.outside * TEXT.A.T, ZeroMatrix(d_V, d_T)), Gt(slope_at_1(VISION.L), 0))
    & Implies(Ne(TEXT.outside * VISION.A.T, ZeroMatrix(d_T, d_V)), Gt(slope_at_1(TEXT.L), 0)),
)
