"""Proof script of clip-inclusion-balanced: W lies inside, and a factor that is free nowhere has W's column space."""

from __future__ import annotations

from typing import Any

from sympy import Eq, Ge, Identity, Implies, Inverse, MatrixSymbol, Symbol, Trace

from theorems.scripts import clip_inclusion_effective as effective
from theorems.scripts.clip_inclusion_effective import HYPOTHESES, MINIMISER, STATIONARY, TEXT, VISION, Modality
from verify.proofs import (
    Algebra,
    Cites,
    Congruence,
    Definition,
    Existential,
    Given,
    LinearConsequence,
    MatrixIdentity,
    Multiple,
    Proof,
    Step,
    Vanishing,
    vanishes,
)
from verify.vocabulary import K, PositiveDefinite, d_T, d_V, m_T, m_V, r

# As in the script of clip-inclusion-effective, but A_in is taken in any metric N = MMᵀ in place of Σ: A_in = BJ⁻¹BᵀNA
# with J = BᵀNB, A_out = A − A_in.


class Metric:
    """The symbols that a metric N on one modality adds."""

    def __init__(self, this: Modality) -> None:
        d, m = this.B.shape
        self.modality = this
        self.M, self.N = MatrixSymbol(f"M_{this.tag}", d, d), MatrixSymbol(f"N_{this.tag}", d, d)
        self.J = MatrixSymbol(f"J_{this.tag}", m, m)
        self.projector = this.B * self.J.I * this.B.T * self.N
        self.norm, self.inner_norm = Trace(this.A.T * self.N * this.A), Trace(this.inside.T * self.N * this.inside)
        self.gram = this.A.T * self.N * this.A

    @property
    def definitions(self) -> dict[MatrixSymbol, Any]:
        """What the symbols abbreviate."""
        this = self.modality
        return {
            **this.basis_definitions,
            self.N: self.M * self.M.T,
            self.J: this.B.T * self.N * this.B,
            this.inside: self.projector * this.A,
            this.outside: this.A - this.inside,
        }

    @property
    def needs(self) -> dict[Any, tuple[str, ...]]:
        """What entitles the script to them."""
        return {
            **self.modality.basis_needs,
            self.M: ("metrics",),
            Inverse(self.J): (f"metric-gram-{self.modality.tag}",),
        }


IN_VISION, IN_TEXT = Metric(VISION), Metric(TEXT)
ALGEBRA = Algebra(
    definitions={**IN_VISION.definitions, **IN_TEXT.definitions},
    invertible=(VISION.Lam, VISION.G, IN_VISION.M, IN_VISION.J, TEXT.Lam, TEXT.G, IN_TEXT.M, IN_TEXT.J),
    needs={**IN_VISION.needs, **IN_TEXT.needs},
    sizes=({d_V: 3, d_T: 4, m_V: 2, m_T: 1, K: 3, r: 3}, {d_V: 3, d_T: 2, m_V: 1, m_T: 1, K: 2, r: 4}),
)

BALANCED = Symbol(r"\{A_V^T N_V A_V = A_T^T N_T A_T\}")
MINIMAL = Symbol(r"\{\mathrm{tr}(A_V^T N_V A_V) + \mathrm{tr}(A_T^T N_T A_T) \text{ minimal for } A_V A_T^T\}")
ONE_KERNEL = Symbol(r"\{\ker A_V = \ker A_T\}")
Z_V, Z_T = MatrixSymbol("Z_V", d_V, d_T), MatrixSymbol("Z_T", d_T, d_V)
BALANCE = Eq(IN_VISION.gram, IN_TEXT.gram)
SAME = {VISION.tag: Eq(VISION.A, Z_V * TEXT.A), TEXT.tag: Eq(TEXT.A, Z_T * VISION.A)}


def shorter(metric: Metric, other: Modality) -> Any:
    """Return: if A_in has the same product with the other factor, then A_in is no shorter than A."""
    this = metric.modality
    return Implies(vanishes(this.outside * other.A.T), Ge(metric.inner_norm - metric.norm, 0))


def contained(metric: Metric) -> Existential:
    """Return what it means that Col(A) lies in this modality's Fisher subspace."""
    this = metric.modality
    Y = MatrixSymbol(f"Y_{this.tag}", this.B.cols, r)
    proposition = Symbol(rf"\{{\mathrm{{Col}}(A_{this.tag}) \subseteq S_{{{this.tag},F}}\}}")
    return Existential(proposition, Eq(this.A, this.B * Y), Y, metric.J.I * this.B.T * metric.N * this.A)


def inside_steps(metric: Metric, other: Metric) -> tuple[Step, ...]:
    """Return the steps that say what the inclusion of W and of A in one modality mean."""
    this, tag = metric.modality, metric.modality.tag
    return (
        *effective.meaning_steps(this, other.modality),
        Step(
            f"metric-gram-{tag}",
            "J = BᵀNB ≻ 0, so A_in = BJ⁻¹BᵀNA and A_out = A − A_in are defined.",
            PositiveDefinite(metric.J),
            (f"fisher-basis-{tag}", "metrics"),
            Congruence(factor=metric.M.T * this.B, recover=metric.M.T.I),
        ),
        Step(
            f"factor-{tag}",
            "The same of A itself: A = BY, and A_out = 0 says that Y = J⁻¹BᵀNA is a solution.",
            contained(metric).claim,
            (f"metric-gram-{tag}",),
            contained(metric),
        ),
    )


def free_steps(metric: Metric, other: Metric) -> tuple[Step, ...]:
    """Return the steps by which A_out vanishes in one modality, for each of the three kinds of factors."""
    this, tag = metric.modality, metric.modality.tag
    A, outside, across = this.A, this.outside, Identity(this.A.rows) - metric.projector
    B, product = other.modality.A, effective.included(this, other.modality)
    orthogonal, basis = vanishes(outside * B.T), (f"metric-gram-{tag}",)
    squared = Eq(Trace(outside * outside.T), 0)
    return (
        Step(
            f"orthogonal-{tag}",
            "If W = BX then A_out Aᵀ = (I − BJ⁻¹BᵀN)W = 0, A of the other modality.",
            Implies(product.equation, orthogonal),
            basis,
            MatrixIdentity(left=across),
        ),
        Step(
            f"balanced-{tag}",
            "Then, for balanced factors, A_out·AᵀNA·A_outᵀ is the same in both modalities, and 0 in the other.",
            Implies(orthogonal & BALANCE, Eq(Trace(outside * metric.gram * outside.T), 0)),
            (*basis, f"metric-gram-{other.modality.tag}"),
            LinearConsequence(
                (
                    Multiple(orthogonal, right=other.N * B * outside.T),
                    Multiple(BALANCE, left=outside, right=outside.T, by=1 if metric is IN_VISION else -1),
                )
            ),
        ),
        Step(
            f"flat-{tag}",
            "tr(A_out·AᵀNA·A_outᵀ) = ‖MᵀA A_outᵀ‖² = 0 only if A A_outᵀ = 0.",
            Implies(Eq(Trace(outside * metric.gram * outside.T), 0), vanishes(A * outside.T)),
            basis,
            Vanishing((metric.M.T * A * outside.T,), left=metric.M.T.I, right=1),
        ),
        Step(
            f"crossed-{tag}",
            "If A A_outᵀ = 0 then A_out A_outᵀ = (I − BJ⁻¹BᵀN)A A_outᵀ = 0.",
            Implies(vanishes(A * outside.T), squared),
            basis,
            MatrixIdentity(left=across),
        ),
        Step(
            f"kernel-{tag}",
            "If A = Z times the other factor, then A_out A_outᵀ = A_out(ZA)ᵀ(I − BJ⁻¹BᵀN)ᵀ = 0 too.",
            Implies(orthogonal & SAME[tag], squared),
            basis,
            LinearConsequence(
                (
                    Multiple(orthogonal, right=SAME[tag].rhs.args[0].T * across.T),
                    Multiple(SAME[tag], left=across, right=outside.T),
                )
            ),
        ),
        Step(
            f"zero-{tag}",
            "tr(A_out A_outᵀ) = 0 only if A_out = 0.",
            Implies(squared, vanishes(outside)),
            basis,
            Vanishing((outside,), left=Identity(A.rows), right=Identity(r)),
        ),
        Step(
            f"minimal-{tag}",
            "tr(A_inᵀNA_in) − tr(AᵀNA) = −tr(A_outᵀNA_out) = −‖MᵀA_out‖² ≥ 0 only if A_out = 0.",
            Implies(Ge(metric.inner_norm - metric.norm, 0), vanishes(outside)),
            basis,
            Vanishing((metric.M.T * outside,), left=metric.M.T.I, right=Identity(r)),
        ),
    )


OPTIMAL, FREE_NOWHERE = MINIMISER | STATIONARY, BALANCED | MINIMAL | ONE_KERNEL
FACTORS = contained(IN_VISION).proposition & contained(IN_TEXT).proposition

PROOF = Proof(
    hypotheses=HYPOTHESES,
    givens=(
        Given(
            "metrics",
            PositiveDefinite(IN_VISION.N) & PositiveDefinite(IN_TEXT.N),
            "N_V and N_T are positive definite, for example I and I, or Σ_V and Σ_T.",
        ),
    ),
    algebra=ALGEBRA,
    steps=(
        *inside_steps(IN_VISION, IN_TEXT),
        *inside_steps(IN_TEXT, IN_VISION),
        Step(
            "effective",
            "W of a minimiser or a stationary pair lies inside in both modalities (clip-inclusion-effective).",
            Implies(OPTIMAL, effective.INCLUDED),
            tuple(h.name for h in HYPOTHESES),
            Cites("clip-inclusion-effective", effective.PROOF),
        ),
        Step(
            "balance",
            "Balanced: A_VᵀN_V A_V = A_TᵀN_T A_T.",
            Implies(BALANCED, BALANCE),
            ("metrics",),
            Definition((BALANCED,)),
        ),
        Step(
            "minimality",
            "Of minimal norm: A_in is no shorter than A, in either modality, if it leaves the product as it is.",
            Implies(MINIMAL, shorter(IN_VISION, TEXT) & shorter(IN_TEXT, VISION)),
            ("metric-gram-V", "metric-gram-T"),
            Definition((MINIMAL,)),
        ),
        Step(
            "one-kernel",
            "Kernels are equal when each factor is a matrix times the other.",
            Implies(ONE_KERNEL, SAME["V"] & SAME["T"]),
            (),
            Definition((ONE_KERNEL, Z_V, Z_T)),
        ),
        *free_steps(IN_VISION, IN_TEXT),
        *free_steps(IN_TEXT, IN_VISION),
    ),
    conclusion=Implies(OPTIMAL & FREE_NOWHERE, FACTORS),
)
