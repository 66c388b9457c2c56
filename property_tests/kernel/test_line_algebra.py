"""The algebra of PROOFS.md, 10.2 and 10.3, in SymPy: what the paper proof says of signs and factors is checked here."""

from __future__ import annotations

import itertools

from sympy import Rational, expand, factor, simplify, solve, symbols

from thmverify.kernel.covers import line

tau, delta, alpha, S, V, B, X0, Cov, Q, N2, D, y = symbols("tau delta alpha S V B X_0 Cov Q N_2 D y")
E = [(y - 2) / 3, (1 - 2 * y) / 3, (1 + y) / 3]
N = [-y, 1, y - 1]
P = [[symbols(f"P_{j}{k}") for k in range(3)] for j in range(3)]
C = {(k, m): symbols(f"C_{k}{m}") for k, m in itertools.combinations(range(3), 2)}
THIRD = Rational(1, 3)


def across(f, g):
    """⅓Σ_j f_j E_j(ĝ − g_j), with Σ_k P_jk = 1."""
    total = sum(f[j] * (sum(P[j][k] * g[k] for k in range(3)) - g[j]) for j in range(3)) * THIRD
    return expand(total.subs({P[j][j]: 1 - sum(P[j][k] for k in range(3) if k != j) for j in range(3)}))


def covariance(f, g):
    """E Cov_p(f, g)."""
    return expand(sum(c * (f[k] - f[m]) * (g[k] - g[m]) for (k, m), c in C.items()))


def test_the_offset_and_the_slope():
    """(F) and stationarity along uv give α = ρ/τ, and then the slope is (1−δ)N² + Q + ρ² − ρCov."""
    X, bias = X0 + tau * Cov, solve(tau**2 + tau * S + tau * V + (1 - delta) * S + B, delta)[0]
    along = alpha * ((tau + 2 - 2 * delta) * S + 2 * B + tau * V) + X
    rho = X / (2 * tau + S + V)
    assert solve(along.subs(delta, bias), alpha) == [simplify(rho / tau)]
    slope = (1 - delta) * N2 + Q + alpha * X0 + alpha**2 * (B + (1 - delta) * S)
    straight = (1 - delta) * N2 + Q + rho**2 - rho * Cov
    assert simplify((slope - straight).subs(alpha, rho / tau).subs(delta, bias)) == 0
    assert simplify((slope - straight).subs(alpha, rho).subs(delta, bias)) != 0


def test_scaling_by_the_range():
    """With De in the place of s the slope is G of 10.3, in which the bias is gone."""
    long = {S: D**2 * S, V: D**2 * V, B: D**2 * B, X0: D * X0, Cov: D * Cov}
    rho = ((X0 + tau * Cov) / (2 * tau + S + V)).subs(long, simultaneous=True)
    unmatched = (-(tau**2 + tau * S + tau * V + B) / S).subs(long, simultaneous=True)
    G = Q - 3 * B - 3 * tau * (tau / D**2 + S + V) + rho * (rho - D * Cov)
    assert simplify(unmatched * 3 * S + Q + rho**2 - rho * D * Cov - G) == 0


def test_the_linear_forms():
    """e and n are as 10.2 wants them, and 3(Q − 3B), 9X₀, V and Cov are the forms of 10.3, which the kernel has."""
    assert [expand(sum(v)) for v in (E, N)] == [0, 0]
    assert expand(sum(e * n for e, n in zip(E, N, strict=True))) == 0
    size = factor(sum(e * e for e in E) * THIRD)
    assert expand(size - 2 * (1 - y + y * y) / 9) == 0
    assert expand(sum(n * n for n in N) * THIRD - 3 * size) == 0
    P12, P13, P21, P23, P31, P32 = P[0][1], P[0][2], P[1][0], P[1][2], P[2][0], P[2][1]
    straight = (2 - 4 * y) * (P12 - P32) + (2 - 2 * y**2) * (P13 - P23) + (4 * y - 2 * y**2) * (P31 - P21)
    assert expand(3 * (across(N, N) - 3 * across(E, E)) - straight) == 0
    X = (2 + 4 * y - 4 * y**2) * (P32 - P12) + (2 - 8 * y + 2 * y**2) * (P13 - P23)
    X += (4 - 4 * y - 2 * y**2) * (P31 - P21)
    assert expand(9 * (across(E, N) + across(N, E)) - X) == 0
    assert expand(covariance(E, E) - (1 - y) ** 2 * C[0, 1] - y**2 * C[1, 2] - C[0, 2]) == 0
    assert expand(covariance(E, N) - (1 - y**2) * C[0, 1] + y * (2 - y) * C[1, 2] + (1 - 2 * y) * C[0, 2]) == 0


def test_the_bounds_of_near_means():
    """max q²(1 − q) = 4/27 on [½, 1]; q²(1−q)(2q−1) is largest at (9 + √17)/16, where it is below λ²."""
    q = symbols("q")
    assert max((q**2 * (1 - q)).subs(q, x) for x in solve((q**2 * (1 - q)).diff(q), q)) == line._BEND_E.p / Rational(
        int(line._BEND_E.q)
    )
    places = [x for x in solve((q**2 * (1 - q) * (2 * q - 1)).diff(q), q) if x > Rational(1, 2)]
    assert [simplify(16 * x - 9) ** 2 for x in places] == [17]
    most = (q**2 * (1 - q) * (2 * q - 1)).subs(q, places[0])
    assert most < Rational(int(line._BEND_N.p), int(line._BEND_N.q)) ** 2
    assert Rational(4, 81) < Rational(7, 25) ** 2
