"""Proof script of clip-equality-lines: W = 0 is no minimiser, and on a line that is all there is to lose."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from sympy import Eq, Function, Ge, Implies, MatrixSymbol, Ne, Symbol, Trace, ZeroMatrix

from theorems.scripts import clip_inclusion_effective as effective
from theorems.scripts.clip_inclusion_effective import MINIMISER, TEXT, VISION, Modality
from theorems.scripts.simsiam_inclusion import slope_at_0
from theorems.scripts.theorem_5_2 import D, E, o, p, s
from verify.hypotheses import CORRELATED, SOME_MATCHED, TEXT_LINE, VISION_LINE
from verify.proofs import (
    Algebra,
    Cites,
    Combination,
    Definition,
    Differentiate,
    Existential,
    FirstCumulant,
    Gaussian,
    Independent,
    LineReached,
    LogPartition,
    Mean,
    PositiveFactor,
    Proof,
    SecondMoment,
    Step,
    Term,
    Vanishing,
    mean_equation,
    vanishes,
)
from verify.vocabulary import Cov_VT, K, d_T, d_V, delta, m_T, m_V, r

HYPOTHESES = (*effective.HYPOTHESES, VISION_LINE, TEXT_LINE, CORRELATED, SOME_MATCHED)

# As in the script of clip-inclusion-effective; besides ν are the labels of negatives, and W moves from 0 along s·Cov.

NU_V, NU_T = MatrixSymbol("nu_V", K, 1), MatrixSymbol("nu_T", K, 1)
W = VISION.A * TEXT.A.T
PRODUCT = D * o * o.T * D
x_V, x_T = VISION.x, TEXT.x
L, N_V, N_T = Function("L"), Function("N_V"), Function("N_T")
COLUMNS = (VISION.zeta, VISION.xi, VISION.eta, NU_V, TEXT.zeta, TEXT.xi, TEXT.eta, NU_T)
C = VISION.mu * (delta * D + (1 - delta) * PRODUCT) * TEXT.mu.T

ALGEBRA = Algebra(
    definitions={
        D: E * E.T,
        **VISION.basis_definitions,
        **TEXT.basis_definitions,
        Cov_VT: VISION.mu * (D - PRODUCT) * TEXT.mu.T,
    },
    invertible=(VISION.Lam, VISION.G, TEXT.Lam, TEXT.G),
    needs={
        E: ("weights-positive",),
        **VISION.basis_needs,
        **TEXT.basis_needs,
        **dict.fromkeys(COLUMNS, ("pairs",)),
    },
    sizes=({d_V: 3, d_T: 4, m_V: 1, m_T: 1, K: 3, r: 3}, {d_V: 3, d_T: 2, m_V: 1, m_T: 1, K: 2, r: 1}),
)
FACTORS = VISION.Sigma * VISION.B * (VISION.c * (D - PRODUCT) * TEXT.c.T) * TEXT.B.T * TEXT.Sigma.T
THROUGH_ONE = Eq(Cov_VT, FACTORS)
SIZE = Trace(Cov_VT.T * Cov_VT)
BASIS = ("fisher-basis-V", "fisher-basis-T")


def _pairs() -> Step:
    V, T = VISION, TEXT
    claim = Independent(V.zeta, V.xi, NU_T, T.eta) & Independent(T.zeta, T.xi, NU_V, V.eta)
    claim &= mean_equation(V.zeta, T.zeta, delta * D + (1 - delta) * PRODUCT)
    for this, other, nu in ((V, T, NU_T), (T, V, NU_V)):
        claim &= Gaussian(this.xi, this.Sigma) & Gaussian(this.eta, this.Sigma)
        claim &= mean_equation(nu, nu, D) & mean_equation(this.zeta, nu, PRODUCT)
        for a, b in ((this.xi, nu), (this.zeta, other.eta), (this.xi, other.eta), (this.zeta, other.xi)):
            claim &= mean_equation(a, b, ZeroMatrix(a.rows, b.rows))
    claim &= mean_equation(V.xi, T.xi, ZeroMatrix(d_V, d_T))
    return Step(
        "pairs",
        "Pairs (Definition 6.1): x_V = μ_V ζ_V + ξ_V, x_T = μ_T ζ_T + ξ_T; with probability δ both have one component, "
        "else each its own. Negatives μν + η are independent of what they are compared with.",
        claim,
        ("weights-positive", "weights-sum", "vision-definite", "text-definite", "match-range"),
        Definition(COLUMNS),
    )


def _log_partition(this: Modality, other: Modality, N: Any, nu: MatrixSymbol) -> tuple[Step, ...]:
    """Return the steps to the slope of one modality's mean log-partition function against the other's negatives."""
    along = Cov_VT if this is VISION else Cov_VT.T
    exponent = Trace(this.x.T * (s * along) * (other.mu * p + other.eta))
    first = Mean(Trace(this.x.T * along * (other.mu * nu + other.eta)))
    tag = this.tag
    return (
        Step(
            f"negatives-{tag}",
            f"Write N_{tag}(s) for the mean log-partition function of x_{tag} against negatives at W = s·Cov.",
            Eq(N(s), Mean(LogPartition(exponent, other.eta, p))),
            ("pairs", *BASIS),
            Definition((N,)),
        ),
        Step(
            f"cumulant-{tag}",
            "At s = 0 it grows like the mean of the score at an independent pair,",
            Eq(slope_at_0(N), first),
            ("pairs", f"negatives-{tag}"),
            FirstCumulant(N, s, nu, D),
        ),
        Step(
            f"unrelated-{tag}",
            "which is μ̄_VᵀCov μ̄_T.",
            Eq(first, Trace(Cov_VT.T * VISION.mu * PRODUCT * TEXT.mu.T)),
            ("pairs", *BASIS),
            SecondMoment(),
        ),
    )


def _line(this: Modality, other: Modality) -> tuple[Step, ...]:
    tag, product = this.tag, effective.included(this, other)
    W_here = product.equation.lhs
    y, column = (MatrixSymbol(f"{name}_{tag}", W_here.cols, this.B.cols) for name in ("y", "column"))
    contains = Existential(CONTAINS[tag], Eq(this.B, W_here * y, evaluate=False), y, column)
    name = "W" if this is VISION else "Wᵀ"
    return (
        *effective.meaning_steps(this, other),
        Step(
            f"reached-{tag}",
            f"B has one column: if {name} = BX is not 0, B is a multiple of a column of {name}.",
            Implies(product.equation & NONZERO, Eq(this.B, W_here * column, evaluate=False)),
            (f"fisher-basis-{tag}", "vision-line" if this is VISION else "text-line"),
            LineReached(column),
        ),
        Step(
            f"contains-{tag}",
            f"S_{{{tag},F}} ⊆ Col({name}) means that B = {name}·y has a solution y.",
            contains.claim,
            (f"fisher-basis-{tag}",),
            contains,
        ),
    )


NONZERO = Ne(W, ZeroMatrix(d_V, d_T))
CONTAINS = {
    "V": Symbol(r"\{S_{V,F} \subseteq \mathrm{Col}(W)\}"),
    "T": Symbol(r"\{S_{T,F} \subseteq \mathrm{Col}(W^T)\}"),
}
ALIGNMENT = Mean(Trace(x_V.T * (s * Cov_VT) * x_T))

PROOF = Proof(
    hypotheses=HYPOTHESES,
    algebra=ALGEBRA,
    steps=(
        *_line(VISION, TEXT),
        *_line(TEXT, VISION),
        _pairs(),
        *_log_partition(VISION, TEXT, N_V, NU_T),
        *_log_partition(TEXT, VISION, N_T, NU_V),
        Step(
            "loss",
            "L(s) is L_CLIP at W = s·Cov.",
            Eq(L(s), -2 * ALIGNMENT + N_V(s) + N_T(s)),
            ("pairs", *BASIS),
            Definition((L,)),
        ),
        Step(
            "alignment",
            "E[x_VᵀCov x_T] = tr(CovᵀE[x_V x_Tᵀ]).",
            Eq(ALIGNMENT, s * Trace(Cov_VT.T * C)),
            ("pairs", *BASIS),
            SecondMoment(),
        ),
        Step(
            "form",
            "So L(s) is linear but for the log-partition functions,",
            Eq(L(s), -2 * s * Trace(Cov_VT.T * C) + N_V(s) + N_T(s)),
            ("loss", "alignment"),
            Combination((Term("loss"), Term("alignment", -2))),
        ),
        Step(
            "derivative",
            "and its slope at 0 is −2tr(CovᵀE[x_V x_Tᵀ]) + N_V′(0) + N_T′(0).",
            Eq(slope_at_0(L), -2 * Trace(Cov_VT.T * C) + slope_at_0(N_V) + slope_at_0(N_T)),
            ("form",),
            Differentiate("form", s, 0),
        ),
        Step(
            "slope",
            "That is −2δ‖Cov‖²: what pairs say beyond what negatives say is δ Cov.",
            Eq(slope_at_0(L), -2 * delta * SIZE),
            ("derivative", "cumulant-V", "cumulant-T", "unrelated-V", "unrelated-T"),
            Combination(tuple(map(Term, ("derivative", "cumulant-V", "cumulant-T", "unrelated-V", "unrelated-T")))),
        ),
        Step(
            "minimiser",
            "Cov is a product through one column, as the means of each modality lie on a line: so maps of one column "
            "make W = s·Cov, and more may be 0. If W = 0 is a minimiser, no s does better: the slope at 0 is 0.",
            Implies(MINIMISER, Implies(THROUGH_ONE & vanishes(W), Eq(slope_at_0(L), 0))),
            ("loss", "vision-line", "text-line"),
            Definition((MINIMISER,)),
        ),
        Step(
            "flat",
            "Then −δ‖Cov‖² ≥ 0,",
            Implies(Eq(slope_at_0(L), 0), Ge(-delta * SIZE, 0)),
            ("slope",),
            Combination((Term("antecedent", Fraction(1, 2)), Term("slope", Fraction(-1, 2)))),
        ),
        Step(
            "matched",
            "so −‖Cov‖² ≥ 0, as δ > 0,",
            Implies(Ge(-delta * SIZE, 0), Ge(-SIZE, 0)),
            ("some-matched", *BASIS, "weights-positive"),
            PositiveFactor(delta),
        ),
        Step(
            "uncorrelated",
            "and Cov = 0, against the hypothesis.",
            Implies(Ge(-SIZE, 0), vanishes(Cov_VT)),
            (*BASIS, "weights-positive"),
            Vanishing((Cov_VT,), left=1, right=1),
        ),
        Step(
            "effective",
            "W of a minimiser lies inside in both modalities (clip-inclusion-effective).",
            Implies(MINIMISER, effective.INCLUDED),
            tuple(h.name for h in effective.HYPOTHESES),
            Cites("clip-inclusion-effective", effective.PROOF),
        ),
    ),
    conclusion=Implies(MINIMISER, effective.INCLUDED & CONTAINS["V"] & CONTAINS["T"]),
)
