"""Lemmas about finite graphs: square roots of degrees, the completed square, the energy of functions on points."""

from __future__ import annotations

from functools import cached_property

from verify.formulas import graphs as v
from verify.formulas.graphs import Graph, norm
from verify.proving.expressions import Col, Expr, Family, Index, Mat, Real, eq, fn, fresh, inv, log, num, unit
from verify.proving.lemmas.basic import exp_positive, log_exp, positive_nonzero
from verify.proving.lemmas.subspaces import definition
from verify.proving.script import Line, Script


class GraphSetting:
    """A graph in a script: its hypotheses as assumptions, made when first used, and what follows from them."""

    def __init__(self, script: Script) -> None:
        """Take the graph's letters; nothing is assumed yet."""
        self.s, self.g = script, Graph(script)
        self.n, self.r, self.w = v.n, v.r, v.w

    def hypothesis(self, name: str) -> Line:
        """A hypothesis by its name, assumed."""
        return self.s.assume(v.HYPOTHESES[name])

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
