"""Proof script of population-graph-equivalence: the square completed on a finite graph, then Eckart–Young."""

from __future__ import annotations

from sympy import Eq, Equivalent, Function, MatrixSymbol, OneMatrix, Symbol, Trace

from verify.hypotheses import Hypothesis
from verify.proofs import (
    Algebra,
    Combination,
    Definition,
    EckartYoung,
    Mean,
    MeanOf,
    Proof,
    SecondMoment,
    Step,
    Term,
    TopPart,
    mean_equation,
)
from verify.vocabulary import EntriesPositive, W, n, r

SYMMETRIC = Hypothesis("weights-symmetric", Eq(W, W.T), "The graph is undirected.", True)
DEGREES_POSITIVE = Hypothesis("degrees-positive", EntriesPositive(W * OneMatrix(n, 1)), "Every point has weight.", True)
HYPOTHESES = (SYMMETRIC, DEGREES_POSITIVE)

# W is H + Hᵀ, since it is symmetric. D = diag(w_x) = EEᵀ. f holds the f(x)ᵀ as rows, F = Eᵀf the √w_x f(x)ᵀ. ζ, ζ̂ and υ
# are the unit columns of the points x, x' and y, so that f(x) = fᵀζ.

H, E, D = (MatrixSymbol(name, n, n) for name in ("H", "E", "D"))
Abar, F = MatrixSymbol("Abar", n, n), MatrixSymbol("F", n, r)
f, z = MatrixSymbol("f", n, r), MatrixSymbol("z", r, 1)
zeta, zeta_hat, upsilon = (MatrixSymbol(name, n, 1) for name in ("zeta", "zetahat", "upsilon"))
RANDOM = (zeta, zeta_hat, upsilon)

ALGEBRA = Algebra(
    definitions={W: H + H.T, D: E * E.T, Abar: E.I * W * E.I.T, F: E.T * f},
    invertible=(E,),
    needs={H: ("weights-symmetric",), E: ("degrees-positive",), **dict.fromkeys(RANDOM, ("pairs",))},
    sizes=({n: 4, r: 2}, {n: 3, r: 4}),
)

L = Function("L")
x, x_hat, y = f.T * zeta, f.T * zeta_hat, f.T * upsilon  # f(x), f(x') and f(y)
ALIGNMENT = Mean(Trace(x.T * x_hat))
SQUARE = Mean(Trace(x.T * z * z.T * x))
SPREAD = Trace(z.T * f.T * D * f * z)
NEGATIVES = SQUARE.subs(z, y)
GAP = F * F.T - Abar
MINIMISER = Symbol(r"\{f \in \mathrm{argmin}\, L_{\mathrm{spec}}\}")
PART = TopPart((E.T * f) * (E.T * f).T, Abar, r)
CLOSED_FORM = EckartYoung("constant", MINIMISER, f, E.T, Abar)

SUMS = (
    "Write 𝔼 for sums with the weights w_{xx'} of the pairs (x, x'), and w_x of the points, whose unit columns are ζ "
    "and ζ̂: 𝔼ζζ̂ᵀ = W, 𝔼ζζᵀ = D = diag(w_x)."
)
PAIRS = Step(
    "pairs",
    SUMS + " The point y with the unit column υ is an independent copy of x.",
    mean_equation(zeta, zeta_hat, W) & mean_equation(zeta, zeta, D) & mean_equation(upsilon, upsilon, D),
    ("weights-symmetric", "degrees-positive"),
    Definition(RANDOM),
)

STEPS = (
    PAIRS,
    Step(
        "alignment",
        "Σ w_{xx'} f(x)ᵀf(x') = tr(fᵀWf).",
        Eq(ALIGNMENT, Trace(f.T * W * f)),
        ("pairs",),
        SecondMoment(),
    ),
    Step(
        "spread",
        "Σ_x w_x (zᵀf(x))² = zᵀfᵀDfz for a fixed column z.",
        Eq(SQUARE, SPREAD),
        ("pairs",),
        SecondMoment(),
    ),
    Step(
        "negatives",
        "Σ w_x w_y (f(x)ᵀf(y))² = Σ_y w_y f(y)ᵀfᵀDf f(y).",
        Eq(Mean(NEGATIVES), Mean(SPREAD.subs(z, y))),
        ("spread",),
        MeanOf("spread", z, y),
    ),
    Step(
        "negatives-value",
        "Σ_y w_y f(y)ᵀfᵀDf f(y) = tr((fᵀDf)²).",
        Eq(Mean(SPREAD.subs(z, y)), Trace(f.T * D * f * f.T * D * f)),
        ("pairs",),
        SecondMoment(),
    ),
    Step(
        "loss",
        "L(f) = −2Σ w_{xx'} f(x)ᵀf(x') + Σ w_x w_y (f(x)ᵀf(y))²: the spectral contrastive loss L_spec.",
        Eq(L(f), -2 * ALIGNMENT + Mean(NEGATIVES)),
        ("pairs",),
        Definition((L,)),
    ),
    Step(
        "constant",
        "L(f) = ‖FFᵀ − Ā‖² − ‖Ā‖², F = Eᵀf, Ā = E⁻¹WE⁻ᵀ: the two differ by a constant.",
        Eq(L(f), Trace(GAP.T * GAP) - Trace(Abar.T * Abar)),
        ("loss", "alignment", "negatives", "negatives-value"),
        Combination((Term("loss"), Term("alignment", -2), Term("negatives"), Term("negatives-value"))),
    ),
    Step(
        "closed-form",
        "f minimises L exactly when FFᵀ is the part of Ā at its r largest eigenvalues, without the negative ones.",
        CLOSED_FORM.claim,
        ("constant",),
        CLOSED_FORM,
    ),
)

PROOF = Proof(
    hypotheses=HYPOTHESES,
    algebra=ALGEBRA,
    steps=STEPS,
    conclusion=Eq(L(f), Trace(GAP.T * GAP) - Trace(Abar.T * Abar)) & Equivalent(MINIMISER, PART),
)
