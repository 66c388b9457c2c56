"""Lemmas about finite graphs: square roots of degrees, the completed square, the energy of functions on points."""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas import graphs as v
from thmverify.formulas.graphs import Graph, norm, pairs
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Index,
    Mat,
    Real,
    Size,
    delta,
    eq,
    eye,
    fn,
    fresh,
    inv,
    log,
    num,
    total,
    tr,
    unit,
)
from thmverify.proofs.lemmas.assumptions import Assumptions
from thmverify.proofs.lemmas.basic import definition, exp_positive, log_exp, positive_nonzero, square_norm, weaken
from thmverify.proofs.script import Line, Script


class GraphSetting(Assumptions):
    """A graph in a script: its hypotheses as assumptions, made when first used, and what follows from them."""

    HYPOTHESES = v.HYPOTHESES

    def __init__(self, script: Script) -> None:
        """Take the graph's letters; nothing is assumed yet."""
        super().__init__(script)
        self.g = Graph(script)
        self.n, self.r, self.w = v.n, v.r, v.w

    # -- degrees and their roots --------------------------------------------------------------------------------------

    def root(self, x: Expr) -> Expr:
        """√w_x."""
        return self.g.root(self.g.degree(x))

    @cached_property
    def sums(self) -> Line:
        """∀x. Σ_x' w(x, x') = w_x, to rewrite with."""
        x = fresh(Index(self.n), "x")
        return self.s.gen(self.s.flip(definition(self.s, self.g.degree(x))), x)

    @cached_property
    def positive(self) -> Line:
        """∀x. 0 < w_x."""
        return self.s.rewrite(self.sums, self.hypothesis("degrees-positive"))

    @cached_property
    def roots(self) -> Line:
        """∀x. √w_x √w_x = w_x."""
        s, x = self.s, fresh(Index(self.n), "x")
        law = log_exp(s, s.spec(self.positive, x))  # exp(log w_x) = w_x
        claim = eq(self.root(x) * self.root(x), self.g.degree(x))
        return s.gen(s.lin(claim, [law], definition(s, self.root(x))), x)

    @cached_property
    def cancel(self) -> Line:
        """∀x. √w_x · (√w_x)⁻¹ = 1."""
        s, x = self.s, fresh(Index(self.n), "x")
        a = fresh(Real, "a")
        power = s.rewrite(s.flip(definition(s, self.g.root(a))), exp_positive(s, num("1/2") * log(a)))
        nonzero = s.spec(s.gen(positive_nonzero(s, power), a), self.g.degree(x))
        return s.gen(s.mp(s.apply("reciprocal", [], [self.root(x)]), nonzero), x)

    @cached_property
    def symmetric(self) -> Line:
        """Ā = Āᵀ."""
        s, A, x, y = self.s, self.g.similarity, fresh(Index(self.n), "x"), fresh(Index(self.n), "y")

        def entry(weight: Expr) -> Expr:
            return weight * inv(self.root(x)) * inv(self.root(y)) * (unit(x) @ unit(y).T)

        swapped = s.spec(self.hypothesis("weights-symmetric"), x, y)
        claim = eq(entry(self.w(x, y)), entry(self.w(y, x)))
        part = s.gen(s.lin(claim, [(swapped, entry(num(1)))]), x, y)
        opened = definition(s, A)
        turned = s.same(opened.right, part)  # Σ w(x, x') … = Σ w(x', x) …
        return s.lin(eq(A, A.T), [(turned, 1)], opened)

    # -- the completed square -----------------------------------------------------------------------------------------

    def gap(self, F: Expr) -> Expr:
        """‖FFᵀ − Ā‖²."""
        return norm(F @ F.T - self.g.similarity)

    @cached_property
    def completed(self) -> Line:
        """∀f. ‖FFᵀ − Ā‖² = L(f) + ‖Ā‖², for F with the rows √w_x f(x)ᵀ."""
        s, A, f = self.s, self.g.similarity, fresh(Family(self.n, Col(self.r)), "f")
        F, loss = self.g.rows(f), self.g.loss(f)
        opened = [definition(s, t) for t in (loss, A, F)]
        return s.gen(s.calc(eq(self.gap(F), loss + norm(A)), *opened, self.cancel, self.roots), f)

    def features(self, G: Expr) -> Expr:
        """F with f(x) = G_x/√w_x."""
        return fn(Index(self.n), lambda x: inv(self.root(x)) * (G.T @ unit(x)))

    @cached_property
    def onto(self) -> Line:
        """∀G. F = G for those features: the rows reach every matrix."""
        s, G = self.s, fresh(Mat(self.n, self.r), "G")
        F, units = self.g.rows(self.features(G)), s.apply("units", [], [G])
        return s.gen(s.lin(eq(F, G), [units], definition(s, F), self.cancel), G)

    # -- the energy of functions on points ----------------------------------------------------------------------------

    @cached_property
    def column_sums(self) -> Line:
        """∀x. Σ_x' w(x', x) = w_x, to rewrite with."""
        s, x, y = self.s, fresh(Index(self.n), "x"), fresh(Index(self.n), "y")
        swapped = s.gen(s.spec(self.hypothesis("weights-symmetric"), y, x), y)
        turned = s.same(total(self.n, lambda y: self.w(y, x)), swapped)
        return s.gen(s.lin(eq(turned.left, self.g.degree(x)), [turned, s.spec(self.sums, x)]), x)

    @cached_property
    def weighted(self) -> Line:
        """∀x. w_x (√w_x)⁻¹(√w_x)⁻¹ = 1, to rewrite with."""
        s, x = self.s, fresh(Index(self.n), "x")
        i = inv(self.root(x))
        claim = eq(self.g.degree(x) * i * i, 1)
        return s.gen(s.lin(claim, [(s.spec(self.roots, x), i * i)], self.cancel), x)

    @cached_property
    def energy(self) -> Line:
        """∀q, G: n × q. 0 ≤ tr(Gᵀ(I − Ā)G) = ½ Σ w(x, x') ‖G_x/√w_x − G_x'/√w_x'‖²."""
        s, n, columns = self.s, self.n, fresh(Size, "q")
        G, x, y = fresh(Mat(n, columns), "G"), fresh(Index(n), "x"), fresh(Index(n), "y")

        def value(x: Expr) -> Expr:
            return inv(self.root(x)) * (G.T @ unit(x))

        square = square_norm(s, value(x) - value(y))
        part = s.apply("product", [[s.spec(self.hypothesis("weights-nonnegative"), x, y), square]])
        inner = s.apply("sum_order", [[s.gen(s.lin(num(0) <= self.w(x, y) * square.right, [part]), y)]])
        outer = s.apply("sum_order", [[s.gen(s.lin(num(0) <= inner.right, [inner]), x)]])
        units, A = s.apply("units", [], [G]), self.g.similarity
        claim = num(0) <= tr(G.T @ self.g.laplacian @ G)
        known = [definition(s, A), self.sums, self.column_sums, self.weighted]
        return s.gen(s.lin(claim, [outer, (units, 1, G.T, eye(columns))], *known), columns, G)

    # -- labels and a probe -------------------------------------------------------------------------------------------

    @property
    def label_graph(self) -> Graph:
        """The graph with features in as many dimensions as there are classes."""
        return Graph(self.s, self.n, v.c, self.w)

    @property
    def labels(self) -> Expr:
        """The matrix g with the rows √w_x e_{y_x}ᵀ."""
        return self.label_graph.rows(fn(Index(self.n), lambda x: unit(v.label(x))))

    @cached_property
    def fit(self) -> Line:
        """∀b. Σ_x w_x ‖e_{y_x} − bᵀφ(x)‖² = ‖g − Ub‖²."""
        s, b, x = self.s, fresh(Mat(self.r, v.c), "b"), fresh(Index(self.n), "x")
        probe, own = self.g.fit(v.label, v.U, b), self.labels
        feature = s.gen(definition(s, self.g.feature(v.U, x)), x)
        units = s.apply("units", [], [v.U])
        known = [definition(s, probe), definition(s, own), feature, self.weighted, self.scaled, self.roots]
        claim = eq(probe, norm(own - v.U @ b))
        return s.gen(s.lin(claim, [(units, 1, b @ b.T @ v.U.T, eye(self.r))], *known), b)

    @cached_property
    def scaled(self) -> Line:
        """∀x. w_x (√w_x)⁻¹ = √w_x, to rewrite with."""
        s, x = self.s, fresh(Index(self.n), "x")
        i = inv(self.root(x))
        return s.gen(s.lin(eq(self.g.degree(x) * i, self.root(x)), [(s.spec(self.roots, x), i)], self.cancel), x)

    @cached_property
    def disagreement(self) -> Line:
        """Σ w(x, x') [y_x ≠ y_x'] = tr(gᵀ(I − Ā)g)."""
        s, g, A = self.s, self.labels, self.g.similarity
        y = v.label
        differ = pairs(self.n, lambda i, j: self.w(i, j) * (1 - delta(y(i), y(j))))
        known = [definition(s, A), definition(s, g), self.sums, self.cancel, self.roots]
        return s.calc(eq(differ, tr(g.T @ self.g.laplacian @ g)), *known)


def inverse_nonnegative(s: Script, line: Line) -> Line:
    """0 ≤ a⁻¹ from 0 ≤ a: 0⁻¹ = 0."""
    a = line.right
    claim, none = num(0) <= inv(a), s.assume(eq(a, 0))
    trivial = s.lin(claim, [s.same(inv(a), none)])
    some, low = s.assume(~none.formula), s.assume(inv(a) < 0)
    one = s.mp(s.apply("reciprocal", [], [a]), some)
    absurd = s.lin(num(1) <= 0, [one, s.apply("product", [[line, weaken(s, low)]])])  # 0 ≤ −a·a⁻¹ = −1
    found = s.taut(claim, s.discharge(absurd, low), s.calc(num(0) < 1))
    return s.taut(claim, s.discharge(trivial, none), s.discharge(found, some))
