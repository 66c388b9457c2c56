"""A theorem of your own in one file: `thmverify --with examples/own_theorem.py verify gd-contracts`.

Gradient descent with step s on f(x) = ½hx², where μ ≤ h ≤ L, gives x − s·h·x. With s = 1/L each step brings x nearer to
0 by the factor 1 − μ/L at least. That every step shorter than 2/L does the same is false: `hunt gd-longer` finds out.
"""

from sympy import Eq, symbols

import thmverify as tv

mu, L, h, s, x = symbols("mu L h s x")
SPACE = tv.Space(
    "quadratic",
    (
        tv.Variable(mu, "the strong convexity", "1/100", 10),
        tv.Variable(L, "the smoothness", "1/100", 10),
        tv.Variable(h, "the curvature", "1/100", 10),
        tv.Variable(s, "the step", 0, 100),
        tv.Variable(x, "the starting point", -5, 5),
    ),
)
CURVED = tv.Hypothesis("curved", (mu <= h) & (h <= L), "The curvature lies between μ and L.")
SHORT = tv.Hypothesis("short", Eq(s * L, 1), "The step is 1/L.")
LONG = tv.Hypothesis("long", (s > 0) & (s * L < 2), "The step is shorter than 2/L.")
CONTRACTS = (x - s * h * x) ** 2 <= (1 - mu / L) ** 2 * x**2

THEORY = tv.Theory(
    "gradient-descent",
    (
        tv.Statement.of(
            "gd-contracts", "A step of 1/L contracts", SPACE, (CURVED, SHORT), CONTRACTS, source="folklore"
        ),
        tv.Statement.of(
            "gd-longer", "Every step below 2/L does so too", SPACE, (CURVED, LONG), CONTRACTS, source="folklore"
        ),
    ),
)
