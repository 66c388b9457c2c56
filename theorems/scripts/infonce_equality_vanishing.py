"""Proof script of infonce-equality-vanishing: half a squared distance plus a cubic remainder."""

from __future__ import annotations

from sympy import (
    Eq,
    Ge,
    Gt,
    Identity,
    Implies,
    MatrixSymbol,
    Rational,
    Symbol,
    Trace,
)

from theorems.scripts.infonce_quadratic import (
    ALGEBRA,
    AT_MAP,
    AT_TARGET,
    AT_ZERO,
    DISTANCE,
    LOSS_STEPS,
    MIXTURE,
    PULL,
    SETTING,
    SHARED_STEPS,
    G,
    Gamma,
    J,
    L,
    R,
    V,
    away,
    e,
    f,
    form,
    found,
    g,
    h,
    path,
    s,
    t,
    target,
)
from theorems.scripts.infonce_slope import (
    CONTAINS,
    INCLUDED,
    MINIMISER,
    A,
    B,
    E,
    F,
    Lam,
    P,
    S,
    Sigma,
    c,
    factor_inside,
    inside_step,
    mu,
    rho,
    xi,
)
from verify.hypotheses import (
    BIAS_POSITIVE,
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
    CentredPotential,
    CubicRemainder,
    Definition,
    Existential,
    FourthMoment,
    LinearConsequence,
    Multiple,
    NoBetter,
    PositiveFactor,
    Proof,
    Square,
    SquareRoot,
    Step,
    Submultiplicative,
    UnitColumn,
    Vanishing,
    vanishes,
)
from verify.vocabulary import K, d, delta, m, theta_0

BIAS_SMALL = Hypothesis("bias-small", Gt(1, delta**2 * theta_0), "The bias is below the threshold δ₀ of the mixture.")
HYPOTHESES = (
    WEIGHTS_POSITIVE,
    WEIGHTS_SUM,
    COVARIANCES_DEFINITE,
    SHARED_COVARIANCE,
    BIAS_RANGE,
    CENTRED,
    COLUMNS_REACH,
    BIAS_POSITIVE,
    BIAS_SMALL,
)

# The letters are those of infonce_quadratic. v = Ba is a combination of the columns of V with vᵀRv = 1. κ² bounds
# μ_kᵀΣ⁻¹μ_k, ν² = tr(Σ⁻¹SR⁻¹S), ℓ = tr((BᵀSB)⁻¹BᵀRB), and N = 32ν²ℓ².
a, q, b = MatrixSymbol("a", m, 1), MatrixSymbol("q", m, 1), MatrixSymbol("b", rho, K)
kappa, nu, ell = (Symbol(name, real=True) for name in ("kappa", "nu", "ell"))
TAU = Trace(Sigma.I * S * R.I * S)
BOUND = 4 * delta**2 * nu**2
FOURTH = 3 * (1 + kappa**2) * BOUND**2
SCALE = 32 * nu**2 * ell**2
WEIGHT = SCALE**2 * kappa**6 / 36
THRESHOLD = Rational(1024, 3) * ell**4 * (1 + kappa**2) * kappa**6 * nu**6  # 1/δ₀²

INSIDE = factor_inside(R)
v = B * a
UNIT_COLUMN = UnitColumn(INSIDE, V, (Identity(m), -P.I * F.T * R * B), (a, q), metric=R, root=Gamma)
(ORTHOGONAL, UNIT) = UNIT_COLUMN.properties
FAR = Ge(16 * nu**2 * ell**2 * DISTANCE - 16 * nu**2 * delta**2, 0)
NO_WORSE, BELOW_ZERO = Ge(L(0, 1) - L(1, 0), 0), Ge(L(0, 0) - L(1, 0), 0)
SMALL = Ge(2 * delta * Trace(S * found) - e(1, 0), 0)
BOUNDED, BOUNDED_TARGET = Ge(BOUND - e(1, 0), 0), Ge(BOUND - e(0, 1), 0)
FLAT, FLAT_TARGET = Ge(FOURTH - f(1, 0), 0), Ge(FOURTH - f(0, 1), 0)
ROOM = 1 - delta**2 * theta_0
WITNESS = P.I * F.T * R * B * c
SPANNED = Existential(CONTAINS, Eq(Sigma.I * mu, F * b), b, WITNESS)

NO_BETTER = NoBetter(
    MINIMISER,
    A,
    L(s, t),
    path,
    AT_MAP,
    others=((AT_TARGET, delta, R.I * Sigma * B, c * E), (AT_ZERO, 0, R.I * Sigma * B, c * E)),
)

REMAINDER_STEPS = (
    Step(
        "height",
        "Let κ² = max_k μ_kᵀΣ⁻¹μ_k (μ_k = μp).",
        MIXTURE.height(kappa**2),
        ("fisher-basis",),
        Definition((kappa,)),
    ),
    Step(
        "tau",
        "tr(Σ⁻¹SR⁻¹S) = ‖Λ⁻¹SΓ⁻ᵀ‖² ≥ 0.",
        Ge(TAU, 0),
        ("root",),
        Square(Lam.I * S * Gamma.I.T),
    ),
    Step("norm", "Let it be ν².", Eq(nu**2, TAU), ("tau",), SquareRoot(nu)),
    Step(
        "spread",
        "Let ℓ = tr((BᵀSB)⁻¹BᵀRB), BᵀSB = GJG.",
        Eq(ell, Trace(G.I * J.I * G.I * B.T * R * B)),
        ("basis-gram", "coordinates-gram", "root"),
        Definition((ell,)),
    ),
    Step(
        "threshold",
        "Then 1/δ₀² = (1024/3) ℓ⁴(1 + κ²)κ⁶ν⁶.",
        Eq(theta_0, THRESHOLD),
        ("height", "norm", "spread"),
        Definition((theta_0,)),
    ),
    *(
        Step(
            name,
            sentence,
            relation,
            ("potential", "convexity", "pairs", "weights-positive", "weights-sum", "centred"),
            CentredPotential(MIXTURE, g(s, t), AT_ZERO),
        )
        for name, sentence, relation in (
            ("potential-nonnegative", "φ(z) ≥ Σ_k w_k zᵀμ_k = 0, so g ≥ 0.", Ge(g(s, t), 0)),
            ("potential-at-zero", "φ(0) = 0.", Eq(g(0, 0), 0)),
        )
    ),
    *(
        Step(
            name,
            sentence,
            Ge(e(s, t) + WEIGHT * f(s, t) + scale * (g(s, t) - h(s, t) / 2), 0),
            (
                "potential",
                "energy",
                "fourth",
                "signal",
                "convexity",
                "pairs",
                "weights-positive",
                "weights-sum",
                "centred",
                "height",
            ),
            CubicRemainder(MIXTURE, (g(s, t), e(s, t), f(s, t), h(s, t)), scale, kappa**2),
        )
        for name, sentence, scale in (
            ("remainder-below", "g − ½h ≥ −(e + N²κ⁶f/36)/N, N = 32ν²ℓ²: |φ(z) − ½zᵀSz| ≤ κ³q^{3/2}/3.", SCALE),
            ("remainder-above", "g − ½h ≤ (e + N²κ⁶f/36)/N, likewise.", -SCALE),
        )
    ),
)

SIZE_STEPS = (
    Step(
        "minimal",
        "A minimiser does no worse than M₀, of rank m ≤ r, and 0.",
        NO_BETTER.claim,
        ("loss", "factor", "fisher-basis", "root", "columns-reach", "bias-range"),
        NO_BETTER,
    ),
    Step(
        "below-zero",
        "From L(M*) ≤ L(0) = 0 and g ≥ 0, e(M*) ≤ 2δ tr(SM*).",
        Implies(BELOW_ZERO, SMALL),
        ("form", "energy-form", "potential-nonnegative", "potential-at-zero"),
        LinearConsequence(
            (
                Multiple(BELOW_ZERO, by=2),
                Multiple("form", at=AT_ZERO, by=-2),
                Multiple("form", at=AT_MAP, by=2),
                Multiple("potential-nonnegative", at=AT_MAP, by=2),
                Multiple("potential-at-zero", by=-2),
                Multiple("energy-form", at=AT_ZERO, by=-1),
            )
        ),
    ),
    Step(
        "square",
        "‖ΛᵀMΓ − 2δΛ⁻¹SΓ⁻ᵀ‖² = tr(MΣMR) − 4δ tr(SM) + 4δ²ν² ≥ 0.",
        Ge(form(Sigma) - 4 * delta * PULL + 4 * delta**2 * TAU, 0),
        ("root", "factor"),
        Square(Lam.T * path * Gamma - 2 * delta * Lam.I * S * Gamma.I.T),
    ),
    Step(
        "bounded",
        "So e(M*) ≤ 4δ²ν².",
        Implies(SMALL, BOUNDED),
        ("square", "norm", "energy-form"),
        LinearConsequence(
            (
                Multiple(SMALL, by=2),
                Multiple("square", at=AT_MAP),
                Multiple("norm", by=4 * delta**2),
                Multiple("energy-form", at=AT_MAP),
            )
        ),
    ),
    *(
        Step(
            name,
            sentence,
            Ge(Trace(target * matrix * target * R), 0),
            ("root", *more),
            Square(half.T * target * Gamma),
        )
        for name, sentence, matrix, half, more in (
            ("target-energy", "tr(M₀ΣM₀R) = ‖ΛᵀM₀Γ‖² ≥ 0.", Sigma, Lam, ()),
            ("target-signal", "tr(M₀SM₀R) = ‖(μE)ᵀM₀Γ‖² ≥ 0.", S, mu * E, ()),
        )
    ),
    Step(
        "bounded-target",
        "e(M₀) ≤ 4δ²ν² too, as δ tr(SM₀) = tr(M₀RM₀R) ≥ tr(M₀ΣM₀R).",
        BOUNDED_TARGET,
        ("square", "norm", "energy-form", "second-moment", "target-energy", "target-signal"),
        LinearConsequence(
            (
                Multiple("square", at=AT_TARGET),
                Multiple("norm", by=4 * delta**2),
                Multiple("energy-form", at=AT_TARGET, by=-1),
                Multiple("second-moment", left=4 * target * R * target),
                Multiple("target-energy", by=2),
                Multiple("target-signal", by=4),
            )
        ),
    ),
    *(
        Step(
            name,
            sentence,
            Implies(bounded, flat),
            ("energy", "fourth", "pairs", "weights-positive", "height"),
            FourthMoment(MIXTURE, (e(s, t), f(s, t)), at, path, xi, BOUND, kappa**2),
        )
        for name, sentence, bounded, flat, at in (
            ("flat", "f(M*) ≤ 3(1 + κ²)(4δ²ν²)².", BOUNDED, FLAT, AT_MAP),
            ("flat-target", "f(M₀) ≤ 3(1 + κ²)(4δ²ν²)².", BOUNDED_TARGET, FLAT_TARGET, AT_TARGET),
        )
    ),
)

MISSED_STEPS = (
    SHARED_STEPS["included"],
    inside_step(R),
    SHARED_STEPS["inclusion"],
    Step(
        "unit",
        "If V ≠ 0 let v = Ba be a combination of its columns with vᵀRv = 1.",
        UNIT_COLUMN.claim,
        ("gram", "root", "fisher-basis"),
        UNIT_COLUMN,
    ),
    Step(
        "wide",
        "On S_F, R ⪯ ℓS: vᵀRv = ‖XY‖² ≤ ‖X‖²‖Y‖², X = ΓᵀB(GJ)⁻¹cE with ‖X‖² = ℓ, Y = (μE)ᵀv.",
        Ge(ell * Trace(v.T * S * v) - Trace(v.T * R * v), 0),
        ("spread", "weights-positive"),
        Submultiplicative(ell, Gamma.T * B * G.I * J.I * c * E, E.T * mu.T * v),
    ),
    Step(
        "square-far",
        "‖4ν(ℓΓᵀHΓ + δΓᵀvvᵀΓ)‖² ≥ 0 for H = M* − M₀.",
        Ge(
            16 * nu**2 * ell**2 * DISTANCE
            + 32 * nu**2 * ell * delta * Trace(v.T * R * away * R * v)
            + 16 * nu**2 * delta**2 * Trace(v.T * R * v * v.T * R * v),
            0,
        ),
        ("root", "factor"),
        Square(4 * nu * (ell * Gamma.T * away * Gamma + delta * Gamma.T * v * v.T * Gamma)),
    ),
    Step(
        "far",
        "FᵀRv = 0 and RM₀R = δS, so vᵀRHRv = −δvᵀSv ≤ −δ/ℓ, and ‖H‖² ≥ δ²/ℓ².",
        Implies(ORTHOGONAL & UNIT, FAR),
        ("square-far", "wide", "gram"),
        LinearConsequence(
            (
                Multiple("square-far"),
                Multiple("wide", by=32 * nu**2 * delta**2),
                Multiple(UNIT, left=-16 * nu**2 * delta**2 * (v.T * R * v - Identity(1))),
                Multiple(ORTHOGONAL, left=-32 * nu**2 * ell * delta * v.T * R * found * R),
            )
        ),
    ),
    Step(
        "near",
        "From L(M*) ≤ L(M₀), ½N‖H‖² ≤ 2(4δ²ν² + N²κ⁶·48(1 + κ²)δ⁴ν⁴/36); as N = 32ν²ℓ², 8ν²δ²(1 − δ²/δ₀²) ≤ 0.",
        Implies(NO_WORSE & BOUNDED & FLAT & FLAT_TARGET & FAR, Ge(-8 * nu**2 * delta**2 * ROOM, 0)),
        ("distance", "remainder-below", "remainder-above", "bounded-target", "threshold"),
        LinearConsequence(
            (
                Multiple(NO_WORSE, by=SCALE),
                Multiple("distance", by=-SCALE),
                Multiple("remainder-below", at=AT_MAP),
                Multiple("remainder-above", at=AT_TARGET),
                Multiple(BOUNDED),
                Multiple("bounded-target"),
                Multiple(FLAT, by=WEIGHT),
                Multiple(FLAT_TARGET, by=WEIGHT),
                Multiple(FAR),
                Multiple("threshold", by=8 * nu**2 * delta**4),
            )
        ),
    ),
    Step(
        "room",
        "δ < δ₀.",
        Gt(ROOM, 0),
        ("bias-small",),
        LinearConsequence((Multiple("bias-small"),)),
    ),
    *(
        Step(name, sentence, Implies(Ge(factor * rest, 0), Ge(rest, 0)), (premise, "norm"), PositiveFactor(factor))
        for name, sentence, factor, rest, premise in (
            ("no-room", "So ν²δ² ≤ 0,", ROOM, -8 * nu**2 * delta**2, "room"),
            ("no-bias", "ν²δ ≤ 0", delta, -8 * nu**2 * delta, "bias-positive"),
            ("no-size", "and ν² ≤ 0, as δ > 0:", delta, -8 * nu**2, "bias-positive"),
        )
    ),
    Step(
        "no-norm",
        "tr(Σ⁻¹SR⁻¹S) ≤ 0.",
        Implies(Ge(-8 * nu**2, 0), Ge(-TAU, 0)),
        ("norm",),
        LinearConsequence((Multiple(Ge(-8 * nu**2, 0), by=Rational(1, 8)), Multiple("norm"))),
    ),
    Step(
        "no-signal",
        "‖Λ⁻¹SΓ⁻ᵀ‖² ≤ 0 only if S = 0.",
        Implies(Ge(-TAU, 0), vanishes(S)),
        ("root",),
        Vanishing((Lam.I * S * Gamma.I.T,), left=Lam, right=Gamma.T),
    ),
    Step(
        "nothing-missed",
        "Then B = B(BᵀSB)⁻¹BᵀSB = 0 and V = 0, against V ≠ 0.",
        Implies(vanishes(S), vanishes(V)),
        ("basis-gram", "coordinates-gram", "gram"),
        LinearConsequence(
            (Multiple(vanishes(S), left=(Identity(d) - F * P.I * F.T * R) * B * G.I * J.I * G.I * B.T, right=B),)
        ),
    ),
    Step(
        "reached",
        "If V = 0 then Σ⁻¹μ = Bc = F·P⁻¹FᵀRBc.",
        Implies(vanishes(V), Eq(Sigma.I * mu, F * WITNESS)),
        ("gram",),
        LinearConsequence((Multiple(vanishes(V), right=c),)),
    ),
    Step(
        "contains",
        "S_F ⊆ Col(A) means that Σ⁻¹μ = Fb has a solution b.",
        SPANNED.claim,
        ("gram",),
        SPANNED,
    ),
)

PROOF = Proof(
    hypotheses=HYPOTHESES,
    algebra=ALGEBRA,
    steps=(*SETTING, *LOSS_STEPS, *REMAINDER_STEPS, *SIZE_STEPS, *MISSED_STEPS),
    conclusion=Implies(MINIMISER, INCLUDED & CONTAINS),
)
