"""Lemmas about products of mixtures: sums over components are sums over pairs, and the factors are mixtures too."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from thmverify.formulas import mixtures as v
from thmverify.formulas.product import FACTORS, PRODUCT, sum_of
from thmverify.kernel.proofs.terms import Term
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Fun,
    Index,
    Real,
    delta,
    eq,
    eye,
    fn,
    fresh,
    inv,
    minv,
    num,
    pd,
    total,
    tr,
    zero,
)
from thmverify.proofs.lemmas.basic import congruence, positive_nonzero
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.script import Line, Script

LETTERS = (v.d, v.K, v.r, v.w, v.mu, v.Sigma, v.delta)


def closed(s: Script, line: Line, *more: Expr) -> tuple[Line, tuple[str, ...]]:
    """A line for all mixtures: its hypotheses as antecedents, their names, and ∀ over letters and more variables."""
    names = tuple(n for n, f in v.HYPOTHESES.items() if f.term in line.theorem.hypotheses)
    line = s.discharge(line, *(v.HYPOTHESES[n] for n in names))
    return s.gen(line, *LETTERS, *more), names


def at(setting: Setting, r: Expr, law: tuple[Line, tuple[str, ...]], *more: Expr) -> Line:
    """What a closed line says of a mixture."""
    line, names = law
    s, mix = setting.s, setting.mix
    line = s.spec(line, mix.d, mix.K, r, mix.w, mix.mu, mix.Sigma, mix.delta, *more)
    for n in names:
        line = s.mp(line, setting.hypothesis(n))
    return line


class Product:
    """A mixture that is a product: the whole, its two sides, and sums over its components."""

    def __init__(self, s: Script) -> None:
        """Assume the hypothesis `product`, and take it apart."""
        self.s, self.set = s, Setting(s)
        self.hypothesis = s.assume(PRODUCT)
        parts = [s.taut(Expr(t), self.hypothesis) for t in PRODUCT.term.args]
        blocks, first, second, self.independent, self.means, self.covariances = parts
        *self.orthonormal, self.whole = s.parts(blocks)
        self.weights = [s.parts(first), s.parts(second)]
        f, g = FACTORS
        back = s.lin(  # E_2ᵀE_1 = E_2ᵀ(E_1E_1ᵀ + E_2E_2ᵀ)E_1 = 2 E_2ᵀE_1
            eq(g.E.T @ f.E, zero(g.d, f.d)),
            [
                (self.whole, 1, g.E.T, f.E),
                (self.orthonormal[0], 1, g.E.T @ f.E, eye(f.d)),
                (self.orthonormal[1], 1, eye(g.d), g.E.T @ f.E),
            ],
        )
        self.blocks = [*self.orthonormal, back]  # E_1ᵀE_1 = I, E_2ᵀE_2 = I, E_2ᵀE_1 = 0: to rewrite with
        self.sides = [Side(self, 0), Side(self, 1)]

    def averages(self, sort: Term = Real) -> Line:
        """∀t. Σ_k w_k t(a_1(k), a_2(k)) = Σ_a Σ_b w_1(a) w_2(b) t(a, b)."""
        s, (f, g) = self.s, FACTORS
        t = fresh(Fun(Index(f.K), Index(g.K), sort), "t")
        a, b = fresh(Index(f.K), "a"), fresh(Index(g.K), "b")
        law = s.spec(self.independent, a, b)
        part = s.lin(eq(f.w(a) * g.w(b) * t(a, b), law.left * t(a, b)), [(law, t(a, b))])
        both = total(f.K, lambda a: total(g.K, lambda b: f.w(a) * g.w(b) * t(a, b)))
        spread = s.same(both, s.gen(part, a, b))
        claim = eq(total(v.K, lambda k: v.w(k) * t(f.at(k), g.at(k))), both)
        return s.gen(s.lin(claim, [spread]), t)

    def average(self, t: Callable[[Expr, Expr], Expr]) -> Line:
        """Σ_k w_k t(a_1(k), a_2(k)) = Σ_a Σ_b w_1(a) w_2(b) t(a, b)."""
        f, g = FACTORS
        body = fn(Index(f.K), lambda a: fn(Index(g.K), lambda b: t(a, b)))
        sort = body.sort.args[1].args[1]
        return self.s.spec(self.averages(sort), body)

    @cached_property
    def sigma_sum(self) -> Line:
        """Σ̄ = E_1Σ̄_1E_1ᵀ + E_2Σ̄_2E_2ᵀ."""
        s, (f, g) = self.s, FACTORS
        S = self.set.mix.sigma_bar
        crossed = s.lin(  # E_2ᵀΣ_kE_1 = 0 for every k
            eq(g.E.T @ S @ f.E, zero(g.d, f.d)),
            [(self.set.sigma_unfolded, 1, g.E.T, f.E)],
            self.covariances,
            *self.blocks,
        )
        turned = s.calc(eq(f.E.T @ S @ g.E, zero(f.d, g.d)), crossed, self.set.sigma_symmetric)
        halves = [h @ h.T for h in (f.E, g.E)]
        parts = [(crossed, 1, g.E, f.E.T), (turned, 1, f.E, g.E.T)]
        parts += [(side.covariance, 1, side.own.E, side.own.E.T) for side in self.sides]
        parts += [(self.whole, 1, eye(v.d), S), *((self.whole, 1, h @ S, eye(v.d)) for h in halves)]
        return s.lin(eq(S, sum_of(lambda h: h.E @ h.mixture(s).sigma_bar @ h.E.T)), parts)

    @cached_property
    def inverse_sum(self) -> Line:
        """Σ̄⁻¹ = E_1Σ̄_1⁻¹E_1ᵀ + E_2Σ̄_2⁻¹E_2ᵀ."""
        s, S = self.s, self.set.mix.sigma_bar
        back = sum_of(lambda f: f.E @ minv(f.mixture(s).sigma_bar) @ f.E.T)
        inverses = [side.sigma_inverse[0] for side in self.sides]
        one = s.lin(eq(S @ back, eye(v.d)), [self.whole], self.sigma_sum, *self.blocks, *inverses)
        return s.parts(s.mp(s.apply("inverse", [], [S, back]), one))[1]


class Side(Setting):
    """One factor of a product, a setting of its own: what the product supposes holds for it."""

    def __init__(self, product: Product, index: int) -> None:
        """Take the factor of this index."""
        self.own, self.other = FACTORS[index], FACTORS[1 - index]
        self.product, self.index = product, index
        super().__init__(product.s, self.own.mixture(product.s))

    def average(self, t: Callable[[Expr, Expr], Expr]) -> Line:
        """Σ_k w_k t(a(k), b(k)) = Σ_a Σ_b w(a) w(b) t(a, b), a of this factor and b of the other."""
        return self.product.average(t if self.index == 0 else lambda b, a: t(a, b))

    def marginal(self, t: Callable[[Expr], Expr]) -> Line:
        """Σ_k w_k t(a(k)) = Σ_a w(a) t(a)."""
        line = self.average(lambda a, _: t(a))
        return self.s.lin(eq(line.left, total(self.own.K, lambda a: self.own.w(a) * t(a))), [line], self.other_sum)

    @property
    def other_sum(self) -> Line:
        """Σ_b w(b) = 1, over the other factor."""
        return self.product.weights[1 - self.index][1]

    def hypothesis(self, name: str) -> Line:
        """What the product supposes, for the factor."""
        found: Line = getattr(self, "_" + name.replace("-", "_"))
        return found

    @property
    def _weights_positive(self) -> Line:
        return self.product.weights[self.index][0]

    @property
    def _weights_sum(self) -> Line:
        return self.product.weights[self.index][1]

    @cached_property
    def restricted(self) -> Line:
        """EᵀΣ̄E ≻ 0 for the covariance Σ̄ of the product."""
        return congruence(self.s, self.product.set.sigma_definite, self.own.E, self.product.orthonormal[self.index])

    @cached_property
    def constant(self) -> Line:
        """∀a. Σ_a = EᵀΣ̄E: w_aΣ_a = Σ_k w_k [a(k) = a] EᵀΣ_kE."""
        s, own, whole = self.s, self.own, self.product
        a, k = fresh(Index(own.K), "a"), fresh(Index(v.K), "k")
        mean = own.E.T @ whole.set.mix.sigma_bar @ own.E
        here = s.lin(
            eq(own.Sigma(own.at(k)), mean),
            [(s.spec(whole.covariances, k), 1, own.E.T, own.E), (s.spec(whole.set.shared, k), 1, own.E.T, own.E)],
            *whole.blocks,
        )
        same = s.same(total(v.K, lambda k: v.w(k) * delta(own.at(k), a) * own.Sigma(own.at(k))), s.gen(here, k))
        picked = self.marginal(lambda c: delta(c, a) * own.Sigma(c))
        number = self.marginal(lambda c: delta(c, a))
        weighted = s.lin(eq(own.w(a) * own.Sigma(a), own.w(a) * mean), [picked, same, (number, mean)])
        one = s.mp(s.apply("reciprocal", [], [own.w(a)]), positive_nonzero(s, s.spec(self._weights_positive, a)))
        factor = inv(own.w(a))
        return s.gen(s.lin(eq(own.Sigma(a), mean), [(weighted, factor), (one, own.Sigma(a)), (one, mean)]), a)

    @cached_property
    def _covariances_definite(self) -> Line:
        s, a, x = self.s, fresh(Index(self.own.K), "a"), fresh(Col(self.own.d), "x")
        symmetric, positive = s.parts(self.restricted)
        here = s.spec(self.constant, a)
        X = here.left
        strict = s.assume(~eq(x, zero(self.own.d)))
        above = s.lin(num(0) < tr(x.T @ X @ x), [s.mp(s.spec(positive, x), strict), (here, 1, x.T, x)])
        mirrored = s.lin(eq(X, X.T), [here, symmetric, s.same(X.T, here)])
        return s.gen(s.taut(pd(X), mirrored, s.gen(s.discharge(above, strict), x)), a)

    @cached_property
    def _shared_covariance(self) -> Line:
        s, a, b = self.s, fresh(Index(self.own.K), "a"), fresh(Index(self.own.K), "b")
        line = s.lin(eq(self.own.Sigma(a), self.own.Sigma(b)), [s.spec(self.constant, a), s.spec(self.constant, b)])
        return s.gen(line, a, b)

    @cached_property
    def covariance(self) -> Line:
        """Σ̄ of the factor is EᵀΣ̄E."""
        s, own = self.s, self.own
        mean = own.E.T @ self.product.set.mix.sigma_bar @ own.E
        opened = s.same(self.sigma_unfolded.right, self.constant)
        return s.lin(eq(self.mix.sigma_bar, mean), [self.sigma_unfolded, opened], self._weights_sum)

    @property
    def _bias_range(self) -> Line:
        return self.product.set.hypothesis("bias-range")

    @cached_property
    def _centred(self) -> Line:
        """Σ_a w_a μ_a = Eᵀ Σ_k w_k μ_k = 0."""
        s, own, whole = self.s, self.own, self.product
        line = self.marginal(own.mu)
        centred = whole.set.hypothesis("centred")
        return s.lin(eq(line.right, zero(own.d)), [line, (centred, 1, own.E.T, eye(1))], whole.means, *whole.blocks)

    def embedded(self, X: Expr, within: Line) -> Line:
        """Col(EX) ⊆ S_F, from Col(X) ⊆ S_F of the factor.

        For X = Σ_a Σ⁻¹μ_a c_aᵀ gives EX = Σ_k Σ̄⁻¹μ_k (w_k/w_a(k)) c_a(k)ᵀ.
        """
        s, own, whole = self.s, self.own, self.product
        other = whole.sides[1 - self.index]
        law = self.unfold(within.formula)
        mark = s.mark()
        (c,), written = s.obtain(s.taut(law.right, law, within), "c")
        slope = [h.own.E @ minv(h.mix.sigma_bar) for h in (self, other)]

        def term(a: Expr, b: Expr) -> Expr:
            return inv(own.w(a)) * ((slope[0] @ own.mu(a) + slope[1] @ other.mu(b)) @ c(a).T)

        a = fresh(Index(own.K), "a")
        one = s.mp(s.apply("reciprocal", [], [own.w(a)]), positive_nonzero(s, s.spec(self.positive, a)))
        average = total(own.K, lambda a: own.w(a) * inv(own.w(a)) * c(a).T)
        family = fn(Index(v.K), lambda k: v.w(k) * inv(own.w(own.at(k))) * c(own.at(k)))
        S = whole.set.mix.sigma_bar
        spanned = total(v.K, lambda k: minv(S) @ v.mu(k) @ family(k).T)
        parts = [
            self.average(term),
            (written, 1, own.E, eye(X.cols)),
            (other.hypothesis("centred"), 1, slope[1], average),
        ]
        rules = [whole.inverse_sum, whole.means, *whole.blocks, other.weights_sum, s.gen(one, a)]
        name = whole.set.mix.within_fisher(own.E @ X)
        law = whole.set.unfold(name)
        found = s.taut(name, law, s.exhibit(law.right, family, s.lin(eq(own.E @ X, spanned), parts, *rules)))
        found = s.release(found, mark)
        s.forget(mark)
        return found
