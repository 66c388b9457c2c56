"""Lemmas about the lowest eigenvectors of a symmetric matrix: across them it is at least the next eigenvalue."""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas.graphs import Graph
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Mat,
    Real,
    eq,
    eye,
    forall,
    fresh,
    num,
    total,
    tr,
    unit,
    var,
    zero,
)
from thmverify.proofs.lemmas.basic import divide, square_norm, unfolded, vanishes_below
from thmverify.proofs.script import Line


class Lowest:
    """M = Mᵀ, orthonormal eigenvectors U of its lowest eigenvalues ν, and the next eigenvalue λ, all of them supposed.

    P = UUᵀ commutes with M, and X = (I − P)M(I − P) = M − MP. For Xq = κq, u = (I − P)q is 0 or an eigenvector of M at
    κ that is orthogonal to U, so κ ≥ λ; X = Σ κ_i q_i q_iᵀ.
    """

    def __init__(self, graph: Graph, columns: Expr) -> None:
        """Suppose it of a matrix M that is a variable; g has this many columns."""
        self.s, self.n, self.r = graph.script, graph.n, graph.r
        self.M, self.U, self.level = var("M", Mat(self.n, self.n)), var("U", Mat(self.n, self.r)), var("lambda", Real)
        self.g = fresh(Mat(self.n, columns), "g")
        s = self.s
        self.symmetric = s.assume(eq(self.M, self.M.T))
        self.supposed = s.assume(graph.lowest(self.M, self.U, self.level))
        self.orthonormal, self.own, self.next, self.least = s.parts(unfolded(s, self.supposed))
        self.across = eye(self.n) - self.U @ self.U.T
        self.mark = s.mark()

    @cached_property
    def commutes(self) -> Line:
        """MUUᵀ = UUᵀM: MU = UN with N = diag(ν)."""
        s, M, U, one, own = self.s, self.M, self.U, eye(self.n), eye(self.r)
        (nu,), each = s.obtain(self.own, "nu")
        a = fresh(Index(self.r), "a")
        column = s.parts(s.spec(each, a))[0]
        N = total(self.r, lambda a: nu(a) * (unit(a) @ unit(a).T))
        claim = eq(M @ U @ unit(a) @ unit(a).T, nu(a) * (U @ unit(a) @ unit(a).T))
        part = s.gen(s.lin(claim, [(column, 1, one, unit(a).T)]), a)
        split = s.same(total(self.r, lambda a: M @ U @ unit(a) @ unit(a).T), part)
        whole = s.lin(eq(M @ U, U @ N), [(s.apply("units", [], [own]), 1, M @ U, own), split])
        turned = s.lin(eq(U.T @ M, N @ U.T), [s.same((M @ U).T, whole)], self.symmetric)
        return s.lin(eq(M @ U @ U.T, U @ U.T @ M), [(whole, 1, one, U.T), (turned, 1, U, one)])

    @cached_property
    def compression(self) -> Expr:
        """X = (I − P)M(I − P)."""
        return self.across @ self.M @ self.across

    @cached_property
    def eigenvectors(self) -> tuple[Expr, Expr, list[Line]]:
        """V, κ with VᵀV = I, VVᵀ = I and X = Σ_i κ_i V e_i e_iᵀVᵀ."""
        s, X = self.s, self.compression
        law = s.apply("spectral", [], [X])
        (V, kappa), line = s.obtain(s.mp(law, s.calc(law.left, self.symmetric)), "V", "kappa")
        return V, kappa, s.parts(line)

    def vector(self, i: Expr) -> Expr:
        """u_i = (I − P)V e_i."""
        return self.across @ self.eigenvectors[0] @ unit(i)

    def part(self, i: Expr) -> Expr:
        """‖gᵀu_i‖²."""
        return tr(self.vector(i).T @ self.g @ self.g.T @ self.vector(i))

    @cached_property
    def eigenvector(self) -> Line:
        """∀i. Mu_i = κ_i u_i: M(I − P) = X = (I − P)X and XVe_i = κ_i Ve_i."""
        s, i, one = self.s, fresh(Index(self.n), "i"), eye(self.n)
        V, kappa, (unitary, _, spectrum) = self.eigenvectors
        q = V @ unit(i)
        at = s.lin(eq(self.compression @ q, kappa(i) * q), [(spectrum, 1, one, q)], unitary)
        inner = (self.commutes, 1, one, self.across @ q)  # M(I − P)q = (I − P)M(I − P)q
        claim = eq(self.M @ self.vector(i), kappa(i) * self.vector(i))
        parts = [(at, 1, self.across, eye(1)), inner, (self.commutes, 1, self.U @ self.U.T, self.across @ q)]
        return s.gen(s.lin(claim, parts, self.orthonormal), i)

    @cached_property
    def above(self) -> Line:
        """∀i. λ‖gᵀu_i‖² ≤ κ_i‖gᵀu_i‖²."""
        s, i = self.s, fresh(Index(self.n), "i")
        u, level = self.vector(i), self.eigenvectors[1](i)
        claim = self.level * self.part(i) <= level * self.part(i)
        none = s.assume(eq(u, zero(self.n)))
        row = u.T @ self.g @ self.g.T
        trivial = s.lin(claim, [(none, self.level, row, eye(1)), (none, level, row, eye(1))])
        some = s.assume(~none.formula)
        orthogonal = s.calc(eq(self.U.T @ u, zero(self.r)), self.orthonormal)
        least = s.mp(s.spec(self.least, level, u), some, orthogonal, s.spec(self.eigenvector, i))
        square = square_norm(s, self.g.T @ u)
        found = s.lin(claim, [s.apply("product", [[least, square]])])
        return s.gen(s.taut(claim, s.discharge(trivial, none), s.discharge(found, some)), i)

    @cached_property
    def gap(self) -> Line:
        """λ tr(gᵀ(I − P)g) + tr((Pg)ᵀM(Pg)) ≤ tr(gᵀMg)."""
        s, g, C, one = self.s, self.g, self.across, eye(self.n)
        V, _, (_, whole, spectrum) = self.eigenvectors
        P, G = self.U @ self.U.T, self.U @ self.U.T @ g
        summed = s.apply("sum_order", [[self.above]])
        units = s.apply("units", [], [one])
        inside = s.lin(
            eq(summed.left, self.level * tr(g.T @ C @ g)),
            [(units, self.level, V.T @ C @ g @ g.T @ C @ V, one), (whole, self.level, one, C @ g @ g.T @ C)],
            self.orthonormal,
        )
        outside = s.lin(eq(summed.right, tr(g.T @ C @ self.compression @ C @ g)), [(spectrum, 1, one, C @ g @ g.T @ C)])
        square = s.lin(
            eq(tr(g.T @ C @ self.compression @ C @ g), tr(g.T @ self.M @ g) - tr(G.T @ self.M @ G)),
            [(self.commutes, 1, one, g @ g.T), (self.commutes, 1, P, g @ g.T)],
            self.orthonormal,
        )
        claim = self.level * tr(g.T @ C @ g) + tr(G.T @ self.M @ G) <= tr(g.T @ self.M @ g)
        return s.lin(claim, [summed, inside, outside, square])

    @cached_property
    def nonnegative(self) -> Line:
        """0 ≤ λ, where 0 ≤ vᵀMv for every column v: for an eigenvector v at λ that is 0 ≤ λ‖v‖²."""
        s = self.s
        form = s.assume(forall(Col(self.n), lambda v: num(0) <= tr(v.T @ self.M @ v)))
        (v,), facts = s.obtain(self.next, "v")
        nonzero, _, eigen = s.parts(facts)
        low = s.assume(tr(v.T @ v) <= 0)
        positive = s.taut(num(0) < tr(v.T @ v), s.discharge(vanishes_below(s, v, low), low), nonzero)
        whole = s.lin(num(0) <= tr(v.T @ v) * self.level, [s.spec(form, v), (eigen, 1, v.T, eye(1))])
        return s.discharge(divide(s, positive, whole, num(0) <= self.level), form)

    def theorem(self) -> Line:
        """∀M, U, λ. M = Mᵀ and U, λ lowest: `gap` for every g, and 0 ≤ λ where M is semidefinite."""
        s = self.s
        line = s.both(s.gen(s.release(self.gap, self.mark), self.g), s.release(self.nonnegative, self.mark))
        s.forget(self.mark)
        return s.gen(s.discharge(line, self.symmetric, self.supposed), self.M, self.U, self.level)
