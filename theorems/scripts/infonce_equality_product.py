"""Proof script of infonce-equality-product: what ties two independent factors together only costs."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from sympy import Eq, Ge, Gt, Identity, Implies, IndexedBase, MatrixSymbol, Sum, Symbol, Trace, ZeroMatrix, exp, log

from theorems.scripts.theorem_5_2 import COMMON_FACTOR, MINIMISER
from verify.hypotheses import (
    BIAS_RANGE,
    CENTRED,
    COLUMNS_REACH,
    COVARIANCES_DEFINITE,
    SHARED_COVARIANCE,
    WEIGHTS_POSITIVE,
    WEIGHTS_SUM,
    Hypothesis,
)
from verify.proofs import (
    Algebra,
    Apply,
    Convex,
    ConvexFunction,
    Definition,
    Gaussian,
    JensenIndependent,
    LinearConsequence,
    LogPartition,
    Mean,
    MeanOf,
    Multiple,
    PartitionFunction,
    Proof,
    SecondMoment,
    Separate,
    Square,
    Step,
    Vanishing,
    log_sum_exp_squares,
    mean_equation,
    nonnegative,
    vanishes,
)
from verify.vocabulary import K, delta, k, n_blocks, r, w

PRODUCT = Hypothesis("product", Gt(n_blocks, 1), "The coordinates fall into at least two independent blocks.", True)
HYPOTHESES = (
    WEIGHTS_POSITIVE,
    WEIGHTS_SUM,
    COVARIANCES_DEFINITE,
    SHARED_COVARIANCE,
    BIAS_RANGE,
    CENTRED,
    COLUMNS_REACH,
    PRODUCT,
)

# Two factors, i = 1, 2: x_i = μ_iζ_i + ξ_i has d_i coordinates and K_i components, Λ_i is a square root of Σ_i, E_i of
# D_i, and μ̄_i = μ_iD_io_i. A has the blocks A_1 over A_2, so f(x) = A_1ᵀx_1 + A_2ᵀx_2 and M has the blocks A_iA_jᵀ.
# G_i = A_iᵀΣ_iA_i and H_i = A_iᵀR_iA_i. In a sum over the components of one factor w and K are that factor's.

BOTH = (0, 1)
sizes = [Symbol(f"d_{i}", integer=True, positive=True) for i in (1, 2)]
counts = [Symbol(f"K_{i}", integer=True, positive=True) for i in (1, 2)]


def letters(name: str, rows: list[Any], columns: list[Any]) -> list[MatrixSymbol]:
    """Return a letter for each factor."""
    return [MatrixSymbol(f"{name}_{i + 1}", rows[i], columns[i]) for i in BOTH]


one, columns = [1, 1], [r, r]
Lam, Sigma = letters("Lambda", sizes, sizes), letters("Sigma", sizes, sizes)
E, D, o = letters("E", counts, counts), letters("D", counts, counts), letters("o", counts, one)
mu = letters("mu", sizes, counts)
A, G, H = letters("A", sizes, columns), letters("G", columns, columns), letters("H", columns, columns)
C = letters("C", columns, columns)
zeta, zeta_hat, p = letters("zeta", counts, one), letters("zetahat", counts, one), letters("p", counts, one)
xi, xi_hat, eta = letters("xi", sizes, one), letters("xihat", sizes, one), letters("eta", sizes, one)
z = MatrixSymbol("z", r, 1)

mean = [mu[i] * D[i] * o[i] for i in BOTH]  # μ̄_i
MATCHES = [delta * D[i] + (1 - delta) * (D[i] * o[i] * o[i].T * D[i]) for i in BOTH]  # E ζ_i ζ̂_iᵀ
RANDOM = [*zeta, *zeta_hat, *xi, *xi_hat, *eta]
ALGEBRA = Algebra(
    definitions={
        **{Sigma[i]: Lam[i] * Lam[i].T for i in BOTH},
        **{D[i]: E[i] * E[i].T for i in BOTH},
        **{G[i]: A[i].T * Sigma[i] * A[i] for i in BOTH},
        **{H[i]: A[i].T * (Sigma[i] + mu[i] * D[i] * mu[i].T) * A[i] for i in BOTH},
        **{C[i]: A[i].T * mu[i] * MATCHES[i] * mu[i].T * A[i] for i in BOTH},
    },
    invertible=tuple(Lam),
    needs={
        **dict.fromkeys(Lam, ("covariances-definite", "shared-covariance", "product")),
        **dict.fromkeys(E, ("weights-positive", "product")),
        **dict.fromkeys(RANDOM, ("pairs",)),
    },
    sizes=({sizes[0]: 2, sizes[1]: 3, counts[0]: 3, counts[1]: 2, r: 3},),
)
phi = [Symbol("phi_1"), Symbol("phi_2")]
y = IndexedBase("y")
L, own, other = Symbol("L", real=True), [Symbol("L_1"), Symbol("L_2")], [Symbol("Lother_1"), Symbol("Lother_2")]
x = [mu[i] * zeta[i] + xi[i] for i in BOTH]
x_hat = [mu[i] * zeta_hat[i] + xi_hat[i] for i in BOTH]
parts, parts_hat = [A[i].T * x[i] for i in BOTH], [A[i].T * x_hat[i] for i in BOTH]
f, f_hat = parts[0] + parts[1], parts_hat[0] + parts_hat[1]
NEGATIVES = [LogPartition(Trace(z.T * A[i].T * (mu[i] * p[i] + eta[i])), eta[i], p[i]) for i in BOTH]
BORDER = Trace(G[0] * G[1])
TIE = Trace(A[0].T * mean[0] * mean[1].T * A[1])
ZEROS = [
    *((xi[i], xi_hat[j]) for i in BOTH for j in BOTH),
    *((zeta[i], noise[j]) for i in BOTH for j in BOTH for noise in (xi, xi_hat)),
    *((xi[i], zeta_hat[j]) for i in BOTH for j in BOTH),
    (xi[0], xi[1]),
]


def product_law() -> Any:
    """Return what is stated of the random columns: the laws of the factors' pairs, and that the factors are apart."""
    claim = Separate(zeta[0], xi[0], zeta[1], xi[1])
    for i, j in ((0, 1), (1, 0)):
        apart = D[i] * o[i] * o[j].T * D[j]
        claim &= Gaussian(xi[i], Sigma[i]) & Gaussian(eta[i], Sigma[i])
        claim &= mean_equation(zeta[i], zeta[i], D[i]) & mean_equation(zeta[i], zeta_hat[i], MATCHES[i])
        claim &= mean_equation(zeta[i], zeta_hat[j], apart)
    claim &= mean_equation(zeta[0], zeta[1], D[0] * o[0] * o[1].T * D[1])
    for a, b in ZEROS:
        claim &= mean_equation(a, b, ZeroMatrix(a.shape[0], b.shape[0]))
    return claim


def factor_steps(i: int) -> tuple[Step, ...]:
    """Return the steps about one factor: its log-sum-exp, its own loss, and Jensen's inequality."""
    n, here = i + 1, parts[i]
    return (
        Step(
            f"convexity-{n}",
            f"φ_{n}(z) = log Σ_k w_k exp(y_k), y_k = zᵀA_{n}ᵀμ_k, is convex.",
            Convex(phi[i], log(Sum(w[k] * exp(y[k]), (k, 1, K))), y, Trace(z.T * A[i].T * mu[i] * p[i]), z),
            ("weights-positive",),
            ConvexFunction(log_sum_exp_squares),
        ),
        Step(
            f"partition-{n}",
            f"log E_y exp(zᵀA_{n}ᵀy_{n}) = ½zᵀG_{n}z + φ_{n}(z).",
            Eq(NEGATIVES[i], Trace(z.T * G[i] * z) / 2 + Apply(phi[i], z)),
            ("pairs", f"convexity-{n}", "common-factor"),
            PartitionFunction("common-factor"),
        ),
        Step(
            f"negatives-{n}",
            "Its mean at z = f(x).",
            Eq(Mean(NEGATIVES[i].subs(z, f)), Mean(Trace(f.T * G[i] * f) / 2) + Mean(Apply(phi[i], f))),
            (f"partition-{n}",),
            MeanOf(f"partition-{n}", z, f),
        ),
        Step(
            f"own-negatives-{n}",
            f"Its mean at z = A_{n}ᵀx_{n}.",
            Eq(Mean(NEGATIVES[i].subs(z, here)), Mean(Trace(here.T * G[i] * here) / 2) + Mean(Apply(phi[i], here))),
            (f"partition-{n}",),
            MeanOf(f"partition-{n}", z, here),
        ),
        Step(
            f"quadratic-{n}",
            f"E[½fᵀG_{n}f] = ½tr(G_{n}H_1) + ½tr(G_{n}H_2), and a term in μ̄_1 and μ̄_2.",
            Eq(
                Mean(Trace(f.T * G[i] * f) / 2),
                Trace(G[i] * H[0]) / 2 + Trace(G[i] * H[1]) / 2 + Trace(G[i] * A[0].T * mean[0] * mean[1].T * A[1]),
            ),
            ("pairs",),
            SecondMoment(),
        ),
        Step(
            f"own-quadratic-{n}",
            f"For the factor alone it is ½tr(G_{n}H_{n}).",
            Eq(Mean(Trace(here.T * G[i] * here) / 2), Trace(G[i] * H[i]) / 2),
            ("pairs",),
            SecondMoment(),
        ),
        Step(
            f"own-alignment-{n}",
            f"E[x_{n}ᵀA_{n}A_{n}ᵀx̂_{n}] = tr C_{n}.",
            Eq(Mean(Trace(here.T * parts_hat[i])), Trace(C[i])),
            ("pairs",),
            SecondMoment(),
        ),
        Step(
            f"own-loss-{n}",
            f"L_{n} is the InfoNCE loss of A_{n} on the factor alone.",
            Eq(own[i], -Mean(Trace(here.T * parts_hat[i])) + Mean(NEGATIVES[i].subs(z, here))),
            ("pairs",),
            Definition((own[i],)),
        ),
        Step(
            f"jensen-{n}",
            f"E φ_{n}(f(x)) ≥ E φ_{n}(A_{n}ᵀx_{n}): the other factor is independent of this one, with mean 0.",
            nonnegative(Mean(Apply(phi[i], f)) - Mean(Apply(phi[i], here))),
            (f"convexity-{n}", "pairs", f"centred-{2 - i}"),
            JensenIndependent(
                kept=here,
                noise=parts[1 - i],
                factor=A[1 - i].T * mu[1 - i],
                outer=A[1 - i].T,
                mean=mean[1 - i],
                ones=o[1 - i],
            ),
        ),
        Step(
            f"cost-{n}",
            f"tr(G_{n}H_{2 - i}) − tr(G_1G_2) = ‖Λ_{n}ᵀA_{n}A_{2 - i}ᵀμ_{2 - i}E_{2 - i}‖² ≥ 0.",
            nonnegative(Trace(G[i] * H[1 - i]) - BORDER),
            ("weights-positive", "covariances-definite", "shared-covariance", "product"),
            Square(Lam[i].T * A[i] * A[1 - i].T * mu[1 - i] * E[1 - i]),
        ),
    )


def differences(sign: int, *names: str) -> tuple[Multiple, ...]:
    """Return a multiple of ±1 of the step of each name, for both factors."""
    return tuple(Multiple(f"{name}-{n}", by=sign) for name in names for n in (1, 2))


STEPS = (
    *(
        Step(
            f"centred-{i + 1}",
            f"The product has mean (μ̄_1, μ̄_2) = 0, where μ̄_{i + 1} = μ_{i + 1}D_{i + 1}o_{i + 1}, o_{i + 1} of ones.",
            Eq(mean[i], ZeroMatrix(sizes[i], 1)),
            ("centred", "weights-positive", "weights-sum", "product"),
            Definition((o[i],)),
        )
        for i in BOTH
    ),
    Step(
        "pairs",
        "Augmented pairs of each factor, x_i = μ_iζ_i + ξ_i, x̂_i = μ_iζ̂_i + ξ̂_i (Definition 5.1). The factors are "
        "independent; so are their partners, whether or not the pair has one component.",
        product_law(),
        (*(h.name for h in HYPOTHESES[:5]), "product"),
        Definition(tuple(RANDOM)),
    ),
    COMMON_FACTOR,
    *factor_steps(0),
    *factor_steps(1),
    Step(
        "alignment",
        "E[f(x)ᵀf(x̂)] = tr C_1 + tr C_2, and a term in μ̄_1 and μ̄_2.",
        Eq(Mean(Trace(f.T * f_hat)), Trace(C[0]) + Trace(C[1]) + 2 * TIE),
        ("pairs",),
        SecondMoment(),
    ),
    Step(
        "loss",
        "L = L_InfoNCE(A): y_1 and y_2 are independent, so log E exp(f(x)ᵀf(y)) is a sum.",
        Eq(L, -Mean(Trace(f.T * f_hat)) + Mean(NEGATIVES[0].subs(z, f)) + Mean(NEGATIVES[1].subs(z, f))),
        ("pairs",),
        Definition((L,)),
    ),
    Step(
        "gap",
        "L − L_1 − L_2 ≥ tr(G_1G_2).",
        nonnegative(L - own[0] - own[1] - BORDER),
        (
            "loss",
            "alignment",
            "centred-1",
            *(
                f"{name}-{n}"
                for name in ("own-loss", "own-alignment", "negatives", "own-negatives", "quadratic", "own-quadratic")
                for n in (1, 2)
            ),
            *(f"{name}-{n}" for name in ("jensen", "cost") for n in (1, 2)),
        ),
        LinearConsequence(
            (
                Multiple("loss"),
                Multiple("alignment", by=-1),
                *differences(1, "own-alignment", "negatives", "quadratic", "jensen"),
                *differences(-1, "own-loss", "own-negatives", "own-quadratic"),
                *(Multiple(f"cost-{n}", by=Fraction(1, 2)) for n in (1, 2)),
                Multiple("centred-1", left=A[0].T, right=mean[1].T * A[1] * (G[0] + G[1] - 2 * Identity(r))),
            )
        ),
    ),
    Step(
        "border",
        "tr(G_1G_2) = ‖Λ_1ᵀA_1A_2ᵀΛ_2‖² ≥ 0.",
        nonnegative(BORDER),
        ("covariances-definite", "shared-covariance", "product"),
        Square(Lam[0].T * A[0] * A[1].T * Lam[1]),
    ),
    Step(
        "border-vanishes",
        "It is ≤ 0 only if A_1A_2ᵀ = 0: M is block diagonal.",
        Implies(Ge(-BORDER, 0), vanishes(A[0] * A[1].T)),
        ("covariances-definite", "shared-covariance", "product"),
        Vanishing((Lam[0].T * A[0] * A[1].T * Lam[1],), left=Lam[0].T.I, right=Lam[1].I),
    ),
    Step(
        "minimiser",
        "M_1 ⊕ M_2 has the loss L_1 + L_2. A minimiser A does no worse than A_1A_1ᵀ ⊕ A_2A_2ᵀ, or than that with "
        "another map in S_F of one factor, of loss L'_i: their ranks are at most dim S_F ≤ r.",
        Implies(
            MINIMISER,
            Ge(own[0] + own[1] - L, 0) & Ge(other[0] + own[1] - L, 0) & Ge(own[0] + other[1] - L, 0),
        ),
        ("loss", "own-loss-1", "own-loss-2", "columns-reach"),
        Definition((MINIMISER, *other)),
    ),
    Step(
        "no-border",
        "So tr(G_1G_2) ≤ 0,",
        Implies(Ge(own[0] + own[1] - L, 0), Ge(-BORDER, 0)),
        ("gap",),
        LinearConsequence((Multiple(Ge(own[0] + own[1] - L, 0)), Multiple("gap"))),
    ),
    *(
        Step(
            f"best-{i + 1}",
            f"and A_{i + 1} is no worse than any other map of its factor.",
            Implies(Ge(other[i] + own[1 - i] - L, 0), Ge(other[i] - own[i], 0)),
            ("gap", "border"),
            LinearConsequence((Multiple(Ge(other[i] + own[1 - i] - L, 0)), Multiple("gap"), Multiple("border"))),
        )
        for i in BOTH
    ),
)
PROOF = Proof(
    hypotheses=HYPOTHESES,
    algebra=ALGEBRA,
    steps=STEPS,
    conclusion=Implies(MINIMISER, vanishes(A[0] * A[1].T) & Ge(other[0] - own[0], 0) & Ge(other[1] - own[1], 0)),
)
