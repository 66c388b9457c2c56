"""Steps that bring InfoNCE into the form of half a squared distance plus a remainder; other scripts go on from there.

L(M) = −δ tr(SM) + ½tr(MΣMR) + E φ(Mx) for a centred mixture, φ(z) = log Σ_k w_k exp(zᵀμ_k); so with M₀ = δR⁻¹SR⁻¹ and
‖H‖² = tr(HRHR) it is ½‖M − M₀‖² − ½‖M₀‖² + E[φ(Mx) − ½(Mx)ᵀS(Mx)].
"""

from __future__ import annotations

from sympy import (
    Eq,
    Expr,
    Function,
    Identity,
    Inverse,
    MatrixSymbol,
    Rational,
    Symbol,
    Trace,
)

from theorems.scripts import infonce_slope
from theorems.scripts.infonce_slope import (
    B,
    C,
    D,
    E,
    F,
    G,
    Lam,
    P,
    S,
    Sigma,
    c,
    eta,
    mu,
    o,
    p,
    phi,
    rho,
    x,
    x_hat,
    xi,
    xi_hat,
    z,
    zeta,
    zeta_hat,
)
from verify.proofs import (
    Algebra,
    Apply,
    Congruence,
    Definition,
    IndependentColumns,
    LinearConsequence,
    LogPartition,
    Mean,
    MeanOf,
    Mixture,
    Multiple,
    PartitionFunction,
    PositiveRoot,
    SecondMoment,
    Step,
)
from verify.vocabulary import K, PositiveDefinite, d, delta, m, mu_bar, r

HALF = Rational(1, 2)

# The letters are those of infonce-slope, but for P = FᵀRF. Γ = ΛΘ is a square root of R = Σ + S; J = cDcᵀ, so
# BᵀSB = GJG. M₀ = δR⁻¹SR⁻¹ minimises the quadratic part, M* = FFᵀ = AAᵀ, and M = sM* + tM₀ is either, or 0. The columns
# of V = B − FP⁻¹FᵀRB are what a basis of S_F has outside Col(A), in the inner product of R.
Theta, R, target = (MatrixSymbol(name, d, d) for name in ("Theta", "R", "M_0"))
J, V = MatrixSymbol("J", m, m), MatrixSymbol("V", d, m)
s, t = Symbol("s", nonnegative=True), Symbol("t", nonnegative=True)
L, e, f, g, h = (Function(name) for name in "Lefgh")

ALGEBRA = Algebra(
    definitions={
        Sigma: Lam * Lam.T,
        D: E * E.T,
        mu: Sigma * B * c,
        mu_bar: mu * D * o,
        S: mu * D * mu.T,
        C: delta * S + (1 - delta) * (mu_bar * mu_bar.T),
        R: Lam * Theta * Theta.T * Lam.T,
        G: B.T * Sigma * B,
        J: c * D * c.T,
        P: F.T * R * F,
        target: delta * R.I * S * R.I,
        V: B - F * P.I * F.T * R * B,
    },
    invertible=(Lam, E, Theta, G, J, P),
    needs={
        Lam: ("covariances-definite", "shared-covariance"),
        E: ("weights-positive",),
        mu: ("fisher-basis",),
        F: ("factor",),
        Theta: ("root",),
        Inverse(G): ("basis-gram",),
        Inverse(J): ("coordinates-gram",),
        Inverse(P): ("gram",),
        **dict.fromkeys((zeta, zeta_hat), ("pairs", "weights-positive", "weights-sum", "bias-range")),
        **dict.fromkeys((xi, xi_hat, eta), ("pairs", "shared-covariance", "covariances-definite")),
    },
    sizes=({d: 4, m: 2, K: 3, rho: 2, r: 3}, {d: 3, m: 1, K: 2, rho: 1, r: 4}),
)
MIXTURE = Mixture(Sigma, S, mu, mu_bar, p, zeta, D, o)
SHARED_STEPS = {step.name: step for step in infonce_slope.STEPS}
AT_MAP, AT_TARGET, AT_ZERO = {s: 1, t: 0}, {s: 0, t: 1}, {s: 0, t: 0}

Gamma = Lam * Theta
found = F * F.T
path = s * found + t * target
column = path * x
ALIGNMENT = Mean(Trace(x.T * path * x_hat))
NEGATIVES = LogPartition(Trace(z.T * path * (mu * p + eta)), eta, p)  # log E_y exp(zᵀMy)
QUADRATIC = Mean(Trace(x.T * path * Sigma * path * x) / 2)
ENERGY, SIGNAL = Trace(column.T * Sigma * column), Trace(column.T * S * column)  # |Mx|² in Σ and in S
PULL = s * Trace(S * found) + t * Trace(S * target)  # tr(SM)
MOMENT = Sigma + S  # R, before it has a square root
away = found - target
DISTANCE = Trace(away * R * away * R)


def form(matrix: MatrixSymbol) -> Expr:
    """Return tr(M·matrix·M R) along the path M."""
    first, mixed, second = (
        Trace(left * matrix * right * R) for left, right in ((found, found), (found, target), (target, target))
    )
    return s**2 * first + 2 * s * t * mixed + t**2 * second


SETTING = (
    Step(
        "fisher-basis",
        "Let the columns of B be a basis of S_F = span{Σ⁻¹μ_k}; so Σ⁻¹μ = Bc, and c has independent rows.",
        IndependentColumns(B) & IndependentColumns(c.T) & Eq(mu, Sigma * B * c),
        ("covariances-definite", "shared-covariance"),
        Definition((B, c)),
    ),
    Step(
        "root",
        "I + YYᵀ for Y = Λ⁻¹μE is ΘΘᵀ with Θ invertible.",
        Eq(Identity(d) + (Lam.I * mu * E) * (Lam.I * mu * E).T, Theta * Theta.T),
        ("fisher-basis", "weights-positive"),
        PositiveRoot(Theta, Lam.I * mu * E),
    ),
    Step(
        "second-moment",
        "So R = Σ + S, which is E[xxᵀ].",
        Eq(R, MOMENT),
        ("root",),
        LinearConsequence((Multiple("root", left=-Lam, right=Lam.T),)),
    ),
    SHARED_STEPS["basis-gram"],
    Step(
        "coordinates-gram",
        "J = cDcᵀ ≻ 0, so S is definite on S_F.",
        PositiveDefinite(J),
        ("fisher-basis", "weights-positive"),
        Congruence(factor=(c * E).T, recover=E.T.I),
    ),
    SHARED_STEPS["factor"],
    Step(
        "gram",
        "P = FᵀRF ≻ 0.",
        PositiveDefinite(P),
        ("factor", "root"),
        Congruence(factor=Gamma.T * F, recover=Gamma.T.I),
    ),
    SHARED_STEPS["pairs"],
)

LOSS_STEPS = (
    Step(
        "loss",
        "L(s, t) = −E[xᵀMx̂] + E_x log E_y exp(xᵀMy) at M = sM* + tM₀: L_InfoNCE.",
        Eq(L(s, t), -ALIGNMENT + Mean(NEGATIVES.subs(z, x))),
        ("pairs", "factor", "root"),
        Definition((L,)),
    ),
    Step(
        "alignment",
        "E[xᵀMx̂] = tr(MC).",
        Eq(ALIGNMENT, s * Trace(found * C) + t * Trace(target * C)),
        ("pairs", "factor", "root"),
        SecondMoment(),
    ),
    SHARED_STEPS["convexity"],
    SHARED_STEPS["common-factor"],
    Step(
        "partition",
        "For fixed z, log E_y exp(zᵀMy) = ½zᵀMΣMz + φ(Mz): the covariance is shared.",
        Eq(NEGATIVES, Trace(z.T * path * Sigma * path * z) / 2 + Apply(phi, path * z)),
        ("pairs", "factor", "root", "convexity", "common-factor"),
        PartitionFunction("common-factor"),
    ),
    Step(
        "negatives",
        "E_x log E_y exp(xᵀMy) = E[½xᵀMΣMx] + E φ(Mx).",
        Eq(Mean(NEGATIVES.subs(z, x)), QUADRATIC + Mean(Apply(phi, column))),
        ("partition",),
        MeanOf("partition", z, x),
    ),
    Step(
        "quadratic",
        "E[½xᵀMΣMx] = ½tr(MΣM(Σ + S)).",
        Eq(QUADRATIC, Trace(path * Sigma * path * MOMENT) / 2),
        ("pairs", "factor", "root"),
        SecondMoment(),
    ),
    *(
        Step(name, sentence, Eq(function(s, t), value), ("pairs", "factor", "root", *more), Definition((function,)))
        for name, sentence, function, value, more in (
            ("energy", "Write e for E q, q = (Mx)ᵀΣMx.", e, Mean(ENERGY), ()),
            ("fourth", "Write f for E q².", f, Mean(ENERGY**2), ()),
            ("potential", "Write g for E φ(Mx).", g, Mean(Apply(phi, column)), ("convexity",)),
            ("signal", "Write h for E (Mx)ᵀSMx.", h, Mean(SIGNAL), ()),
        )
    ),
    *(
        Step(
            f"{name}-moment",
            sentence,
            Eq(Mean(value), Trace(path * matrix * path * MOMENT)),
            ("pairs", "factor", "root"),
            SecondMoment(),
        )
        for name, sentence, value, matrix in (
            ("energy", "E q = tr(MΣM(Σ + S)).", ENERGY, Sigma),
            ("signal", "E (Mx)ᵀSMx = tr(MSM(Σ + S)).", SIGNAL, S),
        )
    ),
    *(
        Step(
            f"{name}-form",
            sentence,
            Eq(function(s, t), form(matrix)),
            (name, f"{name}-moment", "second-moment"),
            LinearConsequence(
                (Multiple(name), Multiple(f"{name}-moment"), Multiple("second-moment", left=-path * matrix * path))
            ),
        )
        for name, sentence, function, matrix in (
            ("energy", "So e = tr(MΣMR).", e, Sigma),
            ("signal", "So h = tr(MSMR).", h, S),
        )
    ),
    Step(
        "form",
        "As μ̄ = 0, L = −δ tr(SM) + ½e + g.",
        Eq(L(s, t), -delta * PULL + e(s, t) / 2 + g(s, t)),
        (
            *("loss", "alignment", "negatives", "quadratic", "energy", "energy-moment", "potential", "centred"),
            *("fisher-basis", "factor", "root"),
        ),
        LinearConsequence(
            (
                Multiple("loss"),
                Multiple("alignment", by=-1),
                Multiple("negatives"),
                Multiple("quadratic"),
                Multiple("energy", by=-HALF),
                Multiple("energy-moment", by=-HALF),
                Multiple("potential", by=-1),
                Multiple("centred", left=-(1 - delta) * mu_bar.T * path),
            )
        ),
    ),
    Step(
        "distance",
        "So L(M₀) − L(M*) = −½‖M* − M₀‖² + (g − ½h)(M₀) − (g − ½h)(M*), with ‖H‖² = tr(HRHR).",
        Eq(L(0, 1) - L(1, 0), -DISTANCE / 2 + g(0, 1) - h(0, 1) / 2 - g(1, 0) + h(1, 0) / 2),
        ("form", "energy-form", "signal-form", "second-moment"),
        LinearConsequence(
            tuple(
                Multiple(name, at=at, by=sign * size, left=left)
                for sign, at, M in ((1, AT_TARGET, target), (-1, AT_MAP, found))
                for name, size, left in (
                    ("form", 1, 1),
                    ("energy-form", HALF, 1),
                    ("signal-form", HALF, 1),
                    ("second-moment", -HALF, M * R * M),
                )
            )
        ),
    ),
)
