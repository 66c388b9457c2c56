"""Theorems: the normal form of the slope across a rank-one candidate of InfoNCE (kernel/PROOFS.md, 10.2 and 10.3).

At M = τuuᵀ what the first order of the loss sees are numbers: S = Σ w s², V, B, C = E Cov_p(s, n), X₀, Q and
N² = Σ w n² of the scaled positions s_k along u and of an n across; the means across are n + αs. Stationarity along uuᵀ
and uvᵀ gives α = ρ/τ, and then the slope along vvᵀ has no α in it. The number of components is of no consequence.
"""

from __future__ import annotations

from thmverify.proofs.expressions import Expr, Real, eq, inv, num, var
from thmverify.proofs.lemmas.basic import positive_nonzero
from thmverify.proofs.script import Line, Script

NAMES = ("τ", "δ", "α", "ρ", "S", "V", "B", "C", "X₀", "Q", "N²")


def slope_across(s: Script) -> Line:
    """With T = 2τ + S + V > 0, X = X₀ + τC = ρT, and M stationary along uuᵀ and uvᵀ, a slope ≥ 0 along vvᵀ means that

    0 ≤ (1−δ)N² + Q + ρ² − ρC.
    """
    tau, delta, alpha, rho, S, V, B, C, X0, Q, N2 = letters = [var(name, Real) for name in NAMES]
    T, X, unmatched = 2 * tau + S + V, X0 + tau * C, 1 - delta
    given = [
        num(0) < T,
        eq(rho * T, X),
        eq(0, tau * tau + tau * S + tau * V + unmatched * S + B),
        eq(0, alpha * ((tau + 2 * unmatched) * S + 2 * B + tau * V) + X),
        num(0) <= unmatched * N2 + Q + alpha * X0 + alpha * alpha * (B + unmatched * S),
    ]
    positive, offset, along, turned, across = lines = [s.assume(formula) for formula in given]
    whole = s.lin(eq(T * (alpha * tau), T * rho), [(offset, -1), turned, (along, -2 * alpha)])
    one = s.mp(s.apply("reciprocal", [], [T]), positive_nonzero(s, positive))
    found = s.lin(eq(alpha * tau, rho), [(whole, inv(T)), (one, rho - alpha * tau)])
    parts = [across, (found, rho + alpha * tau - C - alpha * T), (offset, -alpha), (along, -alpha * alpha)]
    claim = s.lin(num(0) <= unmatched * N2 + Q + rho * rho - rho * C, parts)
    return s.gen(s.discharge(claim, *lines), *letters)


def bias_drops_out(s: Script) -> Line:
    """With De in the place of s, N² = 3S, and M stationary along uuᵀ, what `slope_across` says is G ≥ 0 of 10.3."""
    tau, delta, S, V, B, C, Q, D, offset = letters = [
        var(x, Real) for x in ("τ", "δ", "S", "V", "B", "C", "Q", "D", "ρ")
    ]
    square, unmatched, shrunk = D * D, 1 - delta, inv(D) * inv(D)
    given = [
        num(0) < D,
        eq(0, tau * tau + tau * (square * S) + tau * (square * V) + unmatched * (square * S) + square * B),
        num(0) <= unmatched * (3 * S) + Q + offset * offset - offset * (D * C),
    ]
    positive, along, across = lines = [s.assume(formula) for formula in given]
    one = s.mp(s.apply("reciprocal", [], [D]), positive_nonzero(s, positive))
    unit = s.lin(eq(square * shrunk, 1), [(one, D * inv(D)), one])
    G = Q - 3 * B - 3 * tau * (tau * shrunk + S + V) + offset * (offset - D * C)
    rest = 3 * (tau * S + tau * V + unmatched * S + B)
    claim = s.lin(num(0) <= G, [across, (along, -3 * shrunk), (unit, -rest)])
    return s.gen(s.discharge(claim, *lines), *letters)


def linear_forms(s: Script) -> Line:
    """For e = (y−2, 1−2y, 1+y)/3, n = (−y, 1, y−1): 3(Q − 3B), 9X₀, V and Cov are the forms of 10.3 in P and C."""
    y, third = var("y", Real), num(1) / 3
    P = {(j, k): var(f"P{j}{k}", Real) for j in (1, 2, 3) for k in (1, 2, 3) if j != k}
    C = {(k, l): var(f"C{k}{l}", Real) for k, l in ((1, 2), (2, 3), (1, 3))}
    e = {1: third * (y - 2), 2: third * (1 - 2 * y), 3: third * (1 + y)}
    n = {1: num(0) - y, 2: num(1), 3: y - 1}

    def across(f: dict[int, Expr], g: dict[int, Expr]) -> Expr:
        """⅓Σ_j f_j E_j(ĝ − g_j)."""
        return third * sum((f[j] * p * (g[k] - g[j]) for (j, k), p in P.items()), num(0))

    def covariance(f: dict[int, Expr], g: dict[int, Expr]) -> Expr:
        return sum((c * (f[k] - f[l]) * (g[k] - g[l]) for (k, l), c in C.items()), num(0))

    straight = (2 - 4 * y) * (P[1, 2] - P[3, 2]) + (2 - 2 * y * y) * (P[1, 3] - P[2, 3])
    straight += (4 * y - 2 * y * y) * (P[3, 1] - P[2, 1])
    crossed = (2 + 4 * y - 4 * y * y) * (P[3, 2] - P[1, 2]) + (2 - 8 * y + 2 * y * y) * (P[1, 3] - P[2, 3])
    crossed += (4 - 4 * y - 2 * y * y) * (P[3, 1] - P[2, 1])
    claims = [
        eq(3 * (across(n, n) - 3 * across(e, e)), straight),
        eq(9 * (across(e, n) + across(n, e)), crossed),
        eq(covariance(e, e), (1 - y) * (1 - y) * C[1, 2] + y * y * C[2, 3] + C[1, 3]),
        eq(covariance(e, n), (1 - y * y) * C[1, 2] - y * (2 - y) * C[2, 3] - (1 - 2 * y) * C[1, 3]),
    ]
    return s.gen(s.both(*(s.calc(claim) for claim in claims)), y, *P.values(), *C.values())
