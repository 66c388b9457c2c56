"""Gradient descent on convex quadratics: what a step gains, a rate, and a rate that is false."""

from pathlib import Path

from sympy import Eq, symbols

import thmverify as tv

HERE = Path(__file__).parent
L, mu, s, k = symbols("L mu s k")
a, b, c, h1, h2, x1, x2 = symbols("a b c h1 h2 x1 x2")

# -- one step, in the plane: H = (a, b; b, c) -------------------------------------------------------------------------

PLANE = tv.Space(
    "quadratics in the plane",
    (
        tv.Variable(L, "the smoothness", 1, 4),
        tv.Variable(s, "the step", 0, 2),
        tv.Variable(a, "H₁₁", -4, 4),
        tv.Variable(c, "H₂₂", -4, 4),
        tv.Variable(b, "H₁₂ = H₂₁", -2, 2),
        tv.Variable(x1, "the first coordinate of x", -3, 3),
        tv.Variable(x2, "the second coordinate of x", -3, 3),
    ),
)
g1, g2 = a * x1 + b * x2, b * x1 + c * x2  # ∇f(x) = Hx
y1, y2 = x1 - s * g1, x2 - s * g2
BELOW = tv.Hypothesis(
    "below", (a <= L) & (c <= L) & ((L - a) * (L - c) >= b**2), "H ⪯ L·I: the gradient is L-Lipschitz from above."
)


def energy(u, v):
    """Return f(u, v) = ½(u, v)H(u, v)ᵀ."""
    return (a * u**2 + 2 * b * u * v + c * v**2) / 2


DESCENT = tv.Statement.of(
    "gd-descent",
    "A step of gradient descent lowers a quadratic",
    PLANE,
    (BELOW,),
    energy(y1, y2) <= energy(x1, x2) - s * (1 - s * L / 2) * (g1**2 + g2**2),
    source="the descent lemma",
    sentence="For every d, every symmetric H ⪯ L·I, every x and every s, f(x − s∇f(x)) ≤ f(x) − s(1 − sL/2)‖∇f(x)‖².",
    status="proved",
    proof=tv.Proof("quadratics.descent"),
    formal=tv.Formal(  # what the kernel says that the script proves, for every d
        "(1/2)·tr((x − s·H·x)ᵀ·H·(x − s·H·x)) ≤ (1/2)·tr(xᵀ·H·x) − s·(1 − (1/2)·s·L)·tr((H·x)ᵀ·H·x)",
        (("below", "L·I(d) − H = (L·I(d) − H)ᵀ ∧ (∀x:d×1. 0 ≤ tr(xᵀ·(L·I(d) − H)·x))"),),
    ),
)

# -- k steps on a diagonal H -------------------------------------------------------------------------------------------

DIAGONAL = tv.Space(
    "diagonal quadratics",
    (
        tv.Variable(mu, "the strong convexity", "1/10", 2),
        tv.Variable(L, "the smoothness", "1/10", 4),
        tv.Variable(h1, "the first curvature", "1/10", 4),
        tv.Variable(h2, "the second curvature", "1/10", 4),
        tv.Variable(s, "the step", 0, 20),
        tv.Variable(k, "the number of steps", 1, 6, integer=True),
        tv.Variable(x1, "the first coordinate of x", -3, 3),
        tv.Variable(x2, "the second coordinate of x", -3, 3),
    ),
)
CURVED = tv.Hypothesis("curved", (mu <= h1) & (h1 <= L) & (mu <= h2) & (h2 <= L), "The curvatures lie between μ and L.")
SHORT = tv.Hypothesis("short", Eq(s * L, 1), "The step is 1/L.")
ANY = tv.Hypothesis("any", (s > 0) & (s * L < 2), "The step is shorter than 2/L.")
AFTER = (h1 * (1 - s * h1) ** (2 * k) * x1**2 + h2 * (1 - s * h2) ** (2 * k) * x2**2) / 2
BEFORE = (h1 * x1**2 + h2 * x2**2) / 2
RATE = (1 - mu / L) ** (2 * k) * BEFORE >= AFTER

THEORY = tv.Theory(
    "quadratics",
    (
        DESCENT,
        tv.Statement.of(
            "gd-rate",
            "Gradient descent contracts at the rate 1 − μ/L",
            DIAGONAL,
            (CURVED, SHORT),
            RATE,
            source="folklore",
        ),
        tv.Statement.of(
            "gd-rate-any-step",
            "Every step shorter than 2/L gives that rate",
            DIAGONAL,
            (CURVED, ANY),
            RATE,
            source="a tempting guess",
            status="refuted",
            counterexamples=(
                tv.Counterexample(
                    HERE / "any-step.json",
                    "For s < 2/L every coordinate shrinks.",
                    "A coordinate with h = L and a short step shrinks slowly.",
                    "The step is 1/L.",
                ),
            ),
        ),
    ),
)
