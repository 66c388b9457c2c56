"""Proof script of spectral-equality: for r ≥ m nothing of Γ⁻¹CΓ⁻ᵀ is left out, so RM*R = C, and S_F ⊆ Col(A*)."""

from __future__ import annotations

from dataclasses import replace

from sympy import Eq, Equivalent, Identity, Implies, Inverse, MatrixSymbol, Symbol

from theorems.scripts.spectral_inclusion import (
    ALGEBRA,
    BASIS_STEPS,
    FACTOR,
    HYPOTHESES,
    INCLUDED,
    INCLUSION_STEPS,
    LOSS_STEPS,
    MINIMISER,
    PART,
    TARGET,
    A,
    B,
    C,
    D,
    E,
    G,
    Gamma,
    R,
    Sbar,
    c,
    mu,
    o,
)
from verify.hypotheses import BIAS_POSITIVE, COLUMNS_REACH
from verify.proofs import Congruence, Existential, LinearConsequence, Multiple, PositiveRoot, Proof, Step, WholePart
from verify.vocabulary import K, PositiveDefinite, delta, m, r

# Ψ is a square root of δI + (1 − δ)EᵀooᵀE, so EΨ is one of E[ζζ̂ᵀ]; J = cEΨ(cEΨ)ᵀ; Z are coordinates in Col(A).

Psi = MatrixSymbol("Psi", K, K)
J = MatrixSymbol("J", m, m)
Z = MatrixSymbol("Z", r, m)
COORDINATES = c * E * Psi  # of a square root of C in the basis Σ̄B
CLOSED = Eq(FACTOR * FACTOR.T, TARGET)
SQUARED = Gamma.I * Sbar * B * COORDINATES
MIXED = Identity(m) + c * D * c.T * G
WITNESS = A.T * R * B * G.I * J.I * MIXED
COVERS = Symbol(r"\{S_F \subseteq \mathrm{Col}(A)\}")
COVERED = Existential(COVERS, Eq(B, A * Z), Z, WITNESS)

STEPS = (
    *LOSS_STEPS,
    *BASIS_STEPS,
    *INCLUSION_STEPS,
    Step(
        "weights-root",
        "δI + (1 − δ)EᵀooᵀE ≻ 0 for 0 < δ ≤ 1: it is ΨΨᵀ with Ψ invertible.",
        Eq(delta * Identity(K) + (1 - delta) * (E.T * o) * (E.T * o).T, Psi * Psi.T),
        ("weights-positive", "bias-range", "bias-positive"),
        PositiveRoot(Psi, E.T * o, delta, 1 - delta),
    ),
    Step(
        "coordinates-gram",
        "J = cEΨ(cEΨ)ᵀ ≻ 0: c has independent rows.",
        PositiveDefinite(J),
        ("fisher-basis", "weights-root"),
        Congruence(factor=COORDINATES.T, recover=(E * Psi).I.T),
    ),
    Step(
        "factored",
        "Γ⁻¹CΓ⁻ᵀ = ZZᵀ with Z = Γ⁻¹Σ̄B·cEΨ, which passes through m = dim S_F dimensions.",
        Eq(TARGET, SQUARED * SQUARED.T),
        ("weights-root", "fisher-basis", "second-moment-root"),
        LinearConsequence(
            (
                Multiple("weights-root", Gamma.I * mu * E, E.T * mu.T * Gamma.I.T),
                Multiple("fisher-basis", Gamma.I, E * Psi * Psi.T * E.T * mu.T * Gamma.I.T),
                Multiple("fisher-basis", Gamma.I * Sbar * B * COORDINATES * Psi.T * E.T, Gamma.I.T, transposed=True),
            )
        ),
    ),
    Step(
        "whole",
        "r ≥ m, so the top-r part is the whole: ΓᵀM*Γ = Γ⁻¹CΓ⁻ᵀ, M* = AAᵀ = R⁻¹CR⁻¹.",
        Implies(PART, CLOSED),
        ("factored", "closed-form", "columns-reach"),
        WholePart("factored", Gamma.I * Sbar * B, COORDINATES),
    ),
    Step(
        "core",
        "CBG⁻¹J⁻¹ = Σ̄B.",
        Eq(C * B * G.I * J.I, Sbar * B),
        ("weights-root", "fisher-basis", "basis-gram", "coordinates-gram"),
        LinearConsequence(
            (
                Multiple("weights-root", mu * E, E.T * mu.T * B * G.I * J.I),
                Multiple("fisher-basis", right=E * Psi * Psi.T * E.T * mu.T * B * G.I * J.I),
                Multiple("fisher-basis", Sbar * B * COORDINATES * Psi.T * E.T, B * G.I * J.I, transposed=True),
            )
        ),
    ),
    Step(
        "basis-image",
        "RB = Σ̄B(I + cDcᵀG).",
        Eq(R * B, Sbar * B * MIXED),
        ("second-moment", "fisher-basis", "basis-gram"),
        LinearConsequence(
            (
                Multiple("second-moment", -1, B),
                Multiple("fisher-basis", right=D * mu.T * B),
                Multiple("fisher-basis", Sbar * B * c * D, B, transposed=True),
            )
        ),
    ),
    Step(
        "covers-basis",
        "Then B = AZ with Z = AᵀRBG⁻¹J⁻¹(I + cDcᵀG).",
        Implies(CLOSED, Eq(B, A * WITNESS)),
        ("core", "basis-image", "closed-form"),
        LinearConsequence(
            (
                Multiple("basis-image", R.I),
                Multiple("core", -R.I, MIXED),
                Multiple("antecedent", -Gamma.I.T, Gamma.T * B * G.I * J.I * MIXED),
            )
        ),
    ),
    Step(
        "covers",
        "S_F ⊆ Col(A) means that B = AZ has a solution Z.",
        COVERED.claim,
        ("core", "basis-image"),
        COVERED,
    ),
)

PROOF = Proof(
    hypotheses=(*HYPOTHESES, BIAS_POSITIVE, COLUMNS_REACH),
    algebra=replace(
        ALGEBRA,
        definitions={**ALGEBRA.definitions, J: COORDINATES * COORDINATES.T},
        invertible=(*ALGEBRA.invertible, Psi, J),
        needs={**ALGEBRA.needs, Psi: ("weights-root",), Inverse(J): ("coordinates-gram",)},
    ),
    steps=STEPS,
    conclusion=Implies(MINIMISER, INCLUDED & COVERS & CLOSED) & Equivalent(MINIMISER, PART),
)
