"""Proof script of simsiam-inclusion: without weight decay and with an invertible predictor, A = R⁻¹CAP⁻ᵀ.

The stationarity equations come from the loss here; the other SimSiam scripts share these steps.
"""

from __future__ import annotations

from typing import Any

from sympy import (
    Derivative,
    Eq,
    Function,
    Identity,
    Implies,
    Inverse,
    MatrixSymbol,
    Subs,
    Symbol,
    Trace,
    ZeroMatrix,
)

from theorems.scripts import fisher_optimality as fisher
from theorems.scripts.fisher_optimality import E, Lam, Sbar, mu, q
from theorems.scripts.theorem_5_2 import PAIRED_MOMENTS, D, o, xi, xi_hat, zeta, zeta_hat
from verify.hypotheses import BIAS_RANGE, COVARIANCES_DEFINITE, NO_WEIGHT_DECAY, WEIGHTS_POSITIVE, WEIGHTS_SUM
from verify.proofs import (
    Algebra,
    Combination,
    Congruence,
    Definition,
    Differentiate,
    Existential,
    Given,
    IndependentColumns,
    LinearConsequence,
    LinearPart,
    MatrixIdentity,
    Mean,
    Multiple,
    Proof,
    SecondMoment,
    Step,
    Term,
    mean_equation,
    vanishes,
)
from verify.vocabulary import K, PositiveDefinite, d, delta, eta, r

SETTING = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, BIAS_RANGE)
HYPOTHESES = (*SETTING, NO_WEIGHT_DECAY)

# Λ is a square root of Σ̄ and E of D = diag(w); μ holds the means as columns and o is a column of ones. x = μζ + ξ and
# x̂ = μζ̂ + ξ̂; V = E[ζζ̂ᵀ]. H and J are directions in which A and P move.

S, R, C, V = (MatrixSymbol(name, *shape) for name, shape in zip("SRCV", ((d, d),) * 3 + ((K, K),), strict=True))
A, P = MatrixSymbol("A", d, r), MatrixSymbol("P", r, r)
H, H_next, J, J_next = (
    MatrixSymbol(name, *shape)
    for name, shape in zip(("H", "H_1", "J", "J_1"), ((d, r),) * 2 + ((r, r),) * 2, strict=True)
)
s = Symbol("s", real=True)
x, x_hat = mu * zeta + xi, mu * zeta_hat + xi_hat

DEFINITIONS = {
    Sbar: Lam * Lam.T,
    D: E * E.T,
    V: delta * D + (1 - delta) * (D * o * o.T * D),
    S: mu * D * mu.T,
    R: Sbar + S,
    C: mu * V * mu.T,
}
NEEDS: dict[Any, tuple[str, ...]] = {
    Lam: ("mean-covariance",),
    E: ("weights-positive",),
    q.label: ("component-variances", "covariances-definite"),
    **dict.fromkeys((zeta, zeta_hat, xi, xi_hat), ("pairs",)),
}
SIZES = ({d: 4, K: 3, r: 2}, {d: 3, K: 2, r: 3})

# The laws: Σ̄ ≻ 0, and the second moments of the pairs, all that the loss sees of the components' covariances.
MODEL_STEPS = (
    *fisher.PROOF.steps[:2],
    Step(
        "pairs",
        "Augmented pairs (Definition 5.1): x = μζ + ξ, x̂ = μζ̂ + ξ̂. The noises have mean 0 given the components, and "
        "second moments Σ̄ = Σ_k w_k Σ_k; with probability δ both points have one component, else each its own.",
        PAIRED_MOMENTS
        & mean_equation(zeta, zeta, D)
        & mean_equation(zeta_hat, zeta_hat, D)
        & mean_equation(xi, xi, Sbar)
        & mean_equation(xi_hat, xi_hat, Sbar)
        & mean_equation(zeta_hat, xi_hat, ZeroMatrix(K, d)),
        ("mean-covariance", "weights-positive", "weights-sum", "bias-range"),
        Definition((zeta, zeta_hat, xi, xi_hat)),
    ),
)


def along_encoder(encoder: Any, predictor: Any) -> Any:
    """Return ∂_A = RAPᵀP − CAP + ηA."""
    return R * encoder * predictor.T * predictor - C * encoder * predictor + eta * encoder


def along_predictor(encoder: Any, predictor: Any) -> Any:
    """Return ∂_P = PAᵀRA − AᵀCA + ηP."""
    return predictor * encoder.T * R * encoder - encoder.T * C * encoder + eta * predictor


def slope_at_0(function: Any) -> Any:
    """Return the derivative at s = 0."""
    return Subs(Derivative(function(s), s), s, 0)


def encoder_steps(encoder: Any, tag: str = "", grounds: tuple[str, ...] = ()) -> tuple[Step, ...]:
    """Return the steps to the slope of the loss where A moves along H, the target held fixed."""
    return _slope_steps(f"A{tag}", encoder + s * H, P, encoder, H, along_encoder(encoder, P), grounds)


def predictor_steps(encoder: Any, tag: str = "", grounds: tuple[str, ...] = ()) -> tuple[Step, ...]:
    """Return the steps to the slope of the loss where P moves along J, the target held fixed."""
    return _slope_steps(f"P{tag}", encoder, P + s * J, encoder, J, along_predictor(encoder, P), grounds)


def loss(name: str) -> Any:
    """Return the name of the loss along the path of these steps."""
    return Function(f"L_{name}")


def _slope_steps(
    name: str, moved: Any, predictor: Any, encoder: Any, way: Any, gradient: Any, grounds: tuple[str, ...]
) -> tuple[Step, ...]:
    L, moves = loss(name), name[0]
    residual = predictor * moved.T * x - encoder.T * x_hat
    fit = Mean(Trace(residual.T * residual) / 2)
    size = (Trace(moved.T * moved) + Trace(predictor.T * predictor)) / 2
    product, change = P * encoder.T, P * H.T if moves == "A" else J * encoder.T
    start = Trace(product * R * product.T) / 2 + Trace(encoder.T * R * encoder) / 2 - Trace(product * C * encoder)
    slope, bend = Trace(change * R * product.T) - Trace(change * C * encoder), Trace(change * R * change.T) / 2
    resting = eta * (Trace(encoder.T * encoder) + Trace(P.T * P)) / 2
    return (
        Step(
            f"loss-{name}",
            f"L(s) is L_SimSiam with {moves} moved by s: ½E‖PAᵀx − sg(Aᵀx̂)‖² + ½η(‖A‖² + ‖P‖²), the target held fixed.",
            Eq(L(s), fit + eta * size),
            ("pairs", *grounds),
            Definition((L,)),
        ),
        Step(
            f"fit-{name}",
            "Its mean, from the second moments R and C of the pairs.",
            Eq(fit, start + s * slope + s**2 * bend),
            ("pairs", *grounds),
            SecondMoment(),
        ),
        Step(
            f"form-{name}",
            "L(s) is a polynomial in s.",
            Eq(
                L(s),
                start + resting + s * Trace(way.T * gradient) + s**2 * (bend + eta * Trace(way.T * way) / 2),
            ),
            (f"loss-{name}", f"fit-{name}"),
            Combination((Term(f"loss-{name}"), Term(f"fit-{name}"))),
        ),
        Step(
            f"slope-{name}",
            "∂_A = RAPᵀP − CAP + ηA." if moves == "A" else "∂_P = PAᵀRA − AᵀCA + ηP.",
            Eq(slope_at_0(L), Trace(way.T * gradient)),
            (f"form-{name}",),
            Differentiate(f"form-{name}", s, 0),
        ),
    )


def gradient_vanishes(name: str, way: Any, other: Any, gradient: Any) -> tuple[Step, ...]:
    """Return the steps from a slope of 0 along every direction to a gradient of 0."""
    slope = slope_at_0(loss(name))
    return (
        Step(
            f"flat-{name}",
            "If the slope is 0, so is the pairing of gradient and direction.",
            Implies(Eq(slope, 0), Eq(Trace(way.T * gradient), 0)),
            (f"slope-{name}",),
            Combination((Term("antecedent"), Term(f"slope-{name}", -1))),
        ),
        Step(
            f"gradient-{name}",
            "It is 0 along every direction only if the gradient is 0.",
            Implies(Eq(Trace(way.T * gradient), 0), vanishes(gradient)),
            (f"slope-{name}",),
            LinearPart(way, other),
        ),
    )


STATIONARY = Symbol(r"\{\partial_A L_{\mathrm{SimSiam}} = 0\}")
FIXED = Eq(R * A * P.T * P, C * A * P)
Y, Z = MatrixSymbol("Y", K, r), MatrixSymbol("Z", d, r)
COEFFICIENTS = V * mu.T * A * P.T.I - D * mu.T * A
INCLUDED = Existential(Symbol(r"\{\mathrm{Col}(A) \subseteq S_F\}"), Eq(A, Sbar.I * mu * Y), Y, COEFFICIENTS)
SHARPER = Existential(Symbol(r"\{\mathrm{Col}(A) \subseteq R^{-1}\mathrm{Col}(C)\}"), Eq(R * A, C * Z), Z, A * P.T.I)

PROOF = Proof(
    hypotheses=HYPOTHESES,
    givens=(Given("invertible-predictor", IndependentColumns(P), "The predictor P is invertible."),),
    algebra=Algebra(
        definitions=DEFINITIONS,
        invertible=(Lam, P),
        needs={**NEEDS, Inverse(P): ("predictor-gram",), Inverse(P.T): ("predictor-gram",)},
        sizes=SIZES,
    ),
    steps=(
        *MODEL_STEPS,
        Step(
            "predictor-gram",
            "PᵀP ≻ 0, so the square matrix P has an inverse.",
            PositiveDefinite(P.T * P),
            ("invertible-predictor",),
            Congruence(factor=P, recover=Identity(r)),
        ),
        *encoder_steps(A),
        Step(
            "stationary",
            "At a stationary point the slope is 0 along every direction H of A.",
            Implies(STATIONARY, Eq(slope_at_0(loss("A")), 0)),
            ("loss-A",),
            Definition((STATIONARY,)),
        ),
        *gradient_vanishes("A", H, H_next, along_encoder(A, P)),
        Step(
            "no-decay",
            "Without weight decay that says RAPᵀP = CAP.",
            Implies(vanishes(along_encoder(A, P)), FIXED),
            ("no-weight-decay", "mean-covariance", "weights-positive"),
            LinearConsequence((Multiple(vanishes(along_encoder(A, P))), Multiple("no-weight-decay", by=-A))),
        ),
        Step(
            "spans",
            "As R = Σ̄ + μDμᵀ and C = μVμᵀ, A = Σ̄⁻¹μ(VμᵀAP⁻ᵀ − DμᵀA).",
            Implies(FIXED, Eq(A, Sbar.I * mu * COEFFICIENTS)),
            ("predictor-gram", "mean-covariance", "weights-positive"),
            MatrixIdentity(left=Sbar.I, right=P.I * P.T.I),
        ),
        Step(
            "spans-more",
            "And RA = C·AP⁻ᵀ.",
            Implies(FIXED, Eq(R * A, C * (A * P.T.I))),
            ("predictor-gram", "mean-covariance", "weights-positive"),
            MatrixIdentity(right=P.I * P.T.I),
        ),
        Step(
            "included",
            "Col(A) ⊆ S_F means that A = Σ̄⁻¹μY has a solution Y.",
            INCLUDED.claim,
            ("predictor-gram", "mean-covariance", "weights-positive"),
            INCLUDED,
        ),
        Step(
            "included-more",
            "Col(A) ⊆ R⁻¹Col(C) means that RA = CZ has a solution Z.",
            SHARPER.claim,
            ("predictor-gram", "mean-covariance", "weights-positive"),
            SHARPER,
        ),
    ),
    conclusion=Implies(STATIONARY, INCLUDED.proposition & SHARPER.proposition),
)
