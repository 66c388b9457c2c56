"""Proof script of linear-probe-bound: the labels' energy bounds what the probe misses, and that bounds its errors."""

from __future__ import annotations

from fractions import Fraction

from sympy import Eq, Ge, Identity, Implies, MatrixSymbol, S, Symbol, Trace, ZeroMatrix, expand, symbols

from theorems.scripts.population_graph_equivalence import (
    ALGEBRA,
    DEGREES_POSITIVE,
    SUMS,
    SYMMETRIC,
    Abar,
    D,
    E,
    W,
    zeta,
    zeta_hat,
)
from verify.hypotheses import Hypothesis
from verify.proofs import (
    Algebra,
    Combination,
    Definition,
    LinearConsequence,
    LowestEigenvectors,
    Markov,
    Mean,
    MeanOfSquare,
    Multiple,
    NonnegativeProduct,
    Proof,
    ScalarSquare,
    SecondMoment,
    Square,
    Step,
    Term,
    mean_equation,
    nonnegative,
)
from verify.vocabulary import EntriesNonnegative, n, r

NONNEGATIVE = Hypothesis("weights-nonnegative", EntriesNonnegative(W), "Weights are probabilities.", True)
FEWER_VECTORS = Hypothesis("fewer-than-points", r < n, "There are fewer eigenvectors than points: λ exists.", True)
HYPOTHESES = (SYMMETRIC, NONNEGATIVE, DEGREES_POSITIVE, FEWER_VECTORS)

# Y (n × c) holds the unit columns of the labels as rows, g = EᵀY. U: eigenvectors of I − Ā at its r lowest eigenvalues,
# λ the next one. The probe predicts P = E⁻ᵀUb: of the features √w_x⁻¹U_x it takes the combination b.

c = Symbol("c", integer=True, positive=True)
Y, g, P = (MatrixSymbol(name, n, c) for name in ("Y", "g", "P"))
U, Omega = MatrixSymbol("U", n, r), MatrixSymbol("Omega", n, n)
b, v = MatrixSymbol("b", r, c), MatrixSymbol("v", n, 1)
lam, Phi, err = symbols("lambda Phi err", real=True)
p, q = symbols("p q", real=True)

LAPLACIAN = Identity(n) - Abar
ACROSS = Identity(n) - U * U.T
DIFFERENCE = v.T * E.I * (zeta - zeta_hat)  # of a function v_x/√w_x along a pair
DISAGREEMENT = Y.T * (zeta - zeta_hat)
ENERGY = Mean(Trace(DIFFERENCE.T * DIFFERENCE))
EIGENVECTORS = LowestEigenvectors(LAPLACIAN, U, lam, Omega, v)
MISSED = Trace(g.T * ACROSS * g)
MISCLASSIFIED = Markov("margin", (p, q), zeta, Y, P, err, W)

STEPS = (
    Step(
        "pairs",
        SUMS + " The other point of a pair has the same weights.",
        mean_equation(zeta, zeta_hat, W) & mean_equation(zeta, zeta, D) & mean_equation(zeta_hat, zeta_hat, D),
        ("weights-symmetric", "degrees-positive"),
        Definition((zeta, zeta_hat)),
    ),
    Step(
        "energy-square",
        "Weights are nonnegative, so ½Σ w_{xx'} (v_x/√w_x − v_x'/√w_x')² ≥ 0 for every column v.",
        Ge(S.Half * ENERGY, 0),
        ("pairs", "weights-nonnegative"),
        MeanOfSquare(DIFFERENCE, W, Fraction(1, 2)),
    ),
    Step(
        "energy",
        "½Σ w_{xx'} (v_x/√w_x − v_x'/√w_x')² = vᵀ(I − Ā)v.",
        Eq(ENERGY, 2 * Trace(v.T * LAPLACIAN * v)),
        ("pairs",),
        SecondMoment(),
    ),
    Step(
        "semidefinite",
        "vᵀ(I − Ā)v ≥ 0 for every column v.",
        nonnegative(Trace(v.T * LAPLACIAN * v)),
        ("energy-square", "energy"),
        Combination((Term("energy-square"), Term("energy", Fraction(-1, 2)))),
    ),
    Step(
        "eigenvectors",
        "Let U hold orthonormal eigenvectors of I − Ā at its r lowest eigenvalues, and let λ be the next eigenvalue: "
        "I − Ā − λ(I − UUᵀ) ⪰ 0 is some ΩΩᵀ.",
        EIGENVECTORS.claim,
        ("semidefinite", "fewer-than-points"),
        EIGENVECTORS,
    ),
    Step(
        "labels",
        "Yᵀζ is the unit column of x's label; of two labels ½‖Yᵀ(ζ − ζ̂)‖² is 1 where they differ and 0 elsewhere. So "
        "Φ = ½𝔼‖Yᵀ(ζ − ζ̂)‖² is the weight of the pairs whose labels differ: φ, when the weights sum to 1.",
        Eq(Phi, Mean(Trace(DISAGREEMENT.T * DISAGREEMENT)) / 2),
        ("pairs",),
        Definition((Phi, Y)),
    ),
    Step(
        "disagreement",
        "𝔼‖Yᵀ(ζ − ζ̂)‖² = 2tr(Yᵀ(D − W)Y) = 2tr(gᵀ(I − Ā)g), g = EᵀY.",
        Eq(Mean(Trace(DISAGREEMENT.T * DISAGREEMENT)), 2 * Trace(g.T * LAPLACIAN * g)),
        ("pairs", "labels"),
        SecondMoment(),
    ),
    Step(
        "label-energy",
        "Φ = tr(gᵀ(I − Ā)g).",
        Eq(Phi, Trace(g.T * LAPLACIAN * g)),
        ("labels", "disagreement"),
        Combination((Term("labels"), Term("disagreement", Fraction(1, 2)))),
    ),
    Step(
        "rest",
        "tr(gᵀΩΩᵀg) = ‖Ωᵀg‖² ≥ 0.",
        nonnegative(Trace(g.T * Omega * Omega.T * g)),
        ("eigenvectors", "labels"),
        Square(Omega.T * g),
    ),
    Step(
        "gap",
        "tr(gᵀ(I − Ā)g) ≥ λ tr(gᵀ(I − UUᵀ)g).",
        nonnegative(Trace(g.T * LAPLACIAN * g) - lam * MISSED),
        ("rest", "eigenvectors", "labels"),
        LinearConsequence((Multiple("rest"), Multiple(EIGENVECTORS.split, g.T, g))),
    ),
    Step(
        "probe",
        "The probe predicts P = E⁻ᵀUb with b by least squares, weighted by w_x: (E⁻ᵀU)ᵀD(Y − P) = 0.",
        Eq(U.T * E.I * D * (Y - E.I.T * U * b), ZeroMatrix(r, c)),
        ("eigenvectors", "labels"),
        Definition((b,)),
    ),
    Step(
        "coefficients",
        "UᵀU = I, so b = Uᵀg.",
        Eq(b, U.T * g),
        ("probe", "eigenvectors", "labels"),
        LinearConsequence((Multiple("probe", -1), Multiple(EIGENVECTORS.orthonormal, -1, b))),
    ),
    Step(
        "residual",
        "𝔼‖(Y − P)ᵀζ‖² = ‖g − Ub‖².",
        Eq(MISCLASSIFIED.mean, Trace((g - U * b).T * (g - U * b))),
        ("pairs", "probe", "labels"),
        SecondMoment(),
    ),
    Step(
        "missed",
        "‖g − Ub‖² = tr(gᵀ(I − UUᵀ)g).",
        Eq(Trace((g - U * b).T * (g - U * b)), MISSED),
        ("coefficients", "eigenvectors", "labels"),
        LinearConsequence((Multiple(EIGENVECTORS.orthonormal, b.T, b), Multiple("coefficients", (b - U.T * g).T))),
    ),
    Step(
        "sum-square",
        "½(1 − p − q)² ≥ 0 for real scores p and q.",
        nonnegative(expand((1 - p - q) ** 2 / 2)),
        (),
        ScalarSquare(1 - p - q, Fraction(1, 2)),
    ),
    Step(
        "lead-square",
        "½(q − p)² ≥ 0.",
        nonnegative(expand((q - p) ** 2 / 2)),
        (),
        ScalarSquare(q - p, Fraction(1, 2)),
    ),
    Step(
        "margin",
        "Where another class scores q ≥ p, the score of the label: (1 − p)² + q² ≥ ½.",
        Implies(Ge(q - p, 0), Ge((1 - p) ** 2 + q**2 - S.Half, 0)),
        ("sum-square", "lead-square"),
        Combination((Term("antecedent"), Term("sum-square"), Term("lead-square"))),
    ),
    Step(
        "error",
        "So the arg-max of the probe errs on a weight err of at most 2𝔼‖(Y − P)ᵀζ‖².",
        Ge(2 * MISCLASSIFIED.mean - err, 0),
        ("margin", "probe", "labels", "weights-nonnegative"),
        MISCLASSIFIED,
    ),
    Step(
        "scaled",
        "λ ≥ 0.",
        nonnegative(2 * lam * MISCLASSIFIED.mean - lam * err),
        ("error", "eigenvectors"),
        NonnegativeProduct((lam, 2 * MISCLASSIFIED.mean - err)),
    ),
    Step(
        "bound",
        "λ·err ≤ 2λ tr(gᵀ(I − UUᵀ)g) ≤ 2Φ.",
        nonnegative(2 * Phi - lam * err),
        ("scaled", "gap", "label-energy", "residual", "missed"),
        LinearConsequence(
            (
                Multiple("scaled"),
                Multiple("gap", 2),
                Multiple("label-energy", 2),
                Multiple("residual", -2 * lam),
                Multiple("missed", -2 * lam),
            )
        ),
    ),
)

PROOF = Proof(
    hypotheses=HYPOTHESES,
    algebra=Algebra(
        definitions={**ALGEBRA.definitions, g: E.T * Y, P: E.I.T * U * b},
        invertible=ALGEBRA.invertible,
        needs={
            **ALGEBRA.needs,
            Y: ("labels",),
            b: ("probe",),
            **dict.fromkeys((U, Omega, lam), ("eigenvectors",)),
        },
        sizes=({n: 4, r: 2, c: 3}, {n: 3, r: 1, c: 2}),
    ),
    steps=STEPS,
    conclusion=nonnegative(2 * Phi - lam * err),
)
