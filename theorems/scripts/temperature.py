"""Proof script of temperature: InfoNCE at temperature τ is InfoNCE at τ = 1 of the map A/√τ."""

from __future__ import annotations

from sympy import Eq, Equivalent, Implies, MatrixSymbol, Symbol, Trace

from verify.hypotheses import COVARIANCES_DEFINITE, WEIGHTS_POSITIVE, WEIGHTS_SUM
from verify.proofs import (
    Algebra,
    Definition,
    LinearConsequence,
    LogPartition,
    Mean,
    Multiple,
    PositiveFactor,
    Proof,
    Rescaling,
    SameArguments,
    Step,
)
from verify.vocabulary import K, d, m, r

HYPOTHESES = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE)

# s = 1/√τ. x and x̂ are any pair of random columns, y = μp + η a negative; B is a basis of any subspace.

A, B = MatrixSymbol("A", d, r), MatrixSymbol("B", d, m)
X = MatrixSymbol("X", m, r)
x, x_hat, eta = (MatrixSymbol(name, d, 1) for name in ("x", "xhat", "eta"))
mu, p = MatrixSymbol("mu", d, K), MatrixSymbol("p", K, 1)
s = Symbol("s", positive=True)
AT_TEMPERATURE, RESCALED = Symbol("L_tau", real=True), Symbol("L_1", real=True)
MINIMISER = Symbol(r"\{A \in \mathrm{argmin}\, L_\tau\}")
RESCALED_MINIMISER = Symbol(r"\{A/\sqrt\tau \in \mathrm{argmin}\, L_1\}")
INSIDE, SCALED = Eq(A, B * X), Eq(s * A, s * B * X)
ALGEBRA = Algebra(
    needs={x: ("pairs",), x_hat: ("pairs",), eta: ("pairs",), p: ("pairs",)},
    sizes=({d: 4, m: 2, K: 3, r: 2}, {d: 3, m: 1, K: 2, r: 3}),
)


def loss(A: MatrixSymbol, inverse_temperature: object) -> object:
    """Return −E[f(x)ᵀf(x̂)/τ] + E log E_y exp(f(x)ᵀf(y)/τ), f(x) = Aᵀx."""
    f, f_hat, f_y = A.T * x, A.T * x_hat, A.T * (mu * p + eta)
    pairs = Mean(inverse_temperature * Trace(f.T * f_hat))
    return -pairs + Mean(LogPartition(inverse_temperature * Trace(f.T * f_y), eta, p))


PROOF = Proof(
    hypotheses=HYPOTHESES,
    algebra=ALGEBRA,
    steps=(
        Step(
            "pairs",
            "Let L_τ(A) = −E[f(x)ᵀf(x̂)/τ] + E_x log E_y exp(f(x)ᵀf(y)/τ), f(x) = Aᵀx, and s = 1/√τ.",
            Eq(AT_TEMPERATURE, loss(A, s**2)),
            ("weights-positive", "weights-sum", "covariances-definite"),
            Definition((AT_TEMPERATURE, x, x_hat, eta, p)),
        ),
        Step(
            "rescaled",
            "L_1(sA) is the loss at temperature 1 of the map A/√τ.",
            Eq(RESCALED, loss(s * A, 1)),
            ("pairs",),
            Definition((RESCALED,)),
        ),
        Step(
            "same-loss",
            "Both take the mean and the log-mean of the same numbers: (sAᵀx)ᵀ(sAᵀy) = f(x)ᵀf(y)/τ.",
            Eq(AT_TEMPERATURE, RESCALED),
            ("pairs", "rescaled"),
            SameArguments("pairs", "rescaled"),
        ),
        Step(
            "same-minimisers",
            "A ↦ A/√τ maps R^{d×r} onto itself, so A minimises L_τ exactly when A/√τ minimises L_1.",
            Equivalent(MINIMISER, RESCALED_MINIMISER),
            ("same-loss",),
            Rescaling(MINIMISER, RESCALED_MINIMISER, (AT_TEMPERATURE, RESCALED), s),
        ),
        Step(
            "inside",
            "Each solution of sA = BY is Y = sX; so Col(A/√τ) ⊆ Col(B) gives A = BX, which is Col(A) ⊆ Col(B),",
            Implies(SCALED, INSIDE),
            (),
            PositiveFactor(s),
        ),
        Step(
            "inside-too",
            "and back. (That B = (sA)c exactly when B = A(sc), so that both contain the same, needs no proof.)",
            Implies(INSIDE, SCALED),
            (),
            LinearConsequence((Multiple(INSIDE, by=s),)),
        ),
    ),
    conclusion=Eq(AT_TEMPERATURE, RESCALED) & Equivalent(MINIMISER, RESCALED_MINIMISER) & Equivalent(SCALED, INSIDE),
)
