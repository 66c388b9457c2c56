"""Proof of infonce-equality-product: what ties two independent centred factors together only costs.

Let x = E_1x_1 + E_2x_2 with independent x_1 and x_2 of mean 0, A a map, M = AAᵀ, N = E_1ᵀME_2. The log-sum-exp of the
product is φ_1(x) + φ_2(x), φ_i(x) = log Σ_c w_c exp(xᵀME_iμ_c) over the components of factor i. φ_1 is convex, and x_2
is independent of x_1 with mean 0: by Jensen E φ_1(x) ≥ E φ_1(E_1x_1), which is the mean in the loss of factor 1. With
the quadratic parts, L(A) ≥ L_1(E_1ᵀA) + L_2(E_2ᵀA) + tr(NᵀΣ_1NΣ_2), with equality where N = 0; and that trace is ≤ 0
only if N = 0.

What a minimiser A is compared with: for maps A_i with their columns in the factors' S_F, A_1A_1ᵀ ⊕ A_2A_2ᵀ is XXᵀ for
some X of r columns, as r ≥ dim S_F, and the part of any map inside S_F has no larger loss (Theorem 5.2). So N = 0, and
E_1ᵀA and E_2ᵀA minimise the losses of the factors. Conversely, let A_1 and A_2 minimise them. Their columns are in S_F
by Theorem 5.2, so A_1A_1ᵀ ⊕ A_2A_2ᵀ is attained, and any X that attains it minimises L, as
L(X) = L_1(A_1) + L_2(A_2) ≤ L_1(E_1ᵀY) + L_2(E_2ᵀY) ≤ L(Y).

AAᵀE_i = E_iE_iᵀAAᵀE_i for a minimiser A, so S_F ⊆ Col(A) exactly if the same holds for both factors.

The two factors are any two groups of coordinates that are independent, in any order, or more generally two orthogonal
subspaces. For more than two blocks take one block and all the others together: that says it of every block.
"""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas import mixtures as v
from thmverify.formulas import product as formulas
from thmverify.formulas.product import FACTORS, block_sum
from thmverify.proofs.expressions import (
    Expr,
    Mat,
    conj,
    eq,
    exists,
    eye,
    fresh,
    num,
    var,
    zero,
)
from thmverify.proofs.lemmas.basic import folded, total_order, unfolded
from thmverify.proofs.lemmas.product import Product, at, closed
from thmverify.proofs.lemmas.product_fisher import Spanning
from thmverify.proofs.lemmas.product_loss import Split
from thmverify.proofs.lemmas.subspaces import fisher_part
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.infonce import infonce_inclusion_proof as infonce_inclusion
from thmverify.theorems.infonce import infonce_slope_proof as infonce_slope

HYPOTHESES = (
    "weights-positive",
    "weights-sum",
    "covariances-definite",
    "shared-covariance",
    "bias-range",
    "centred",
    "columns-reach",
    "product",
)
A = v.A


class Attained:
    """A_1A_1ᵀ ⊕ A_2A_2ᵀ is XXᵀ for a map X of r columns, for maps A_i with their columns in the factors' S_F."""

    def __init__(self, split: Split) -> None:
        """Take the maps A_1 and A_2 as variables."""
        self.s, self.product, self.set, self.split = split.s, split.product, split.set, split
        self.maps = [var(f"A_{i}", Mat(f.d, v.r)) for i, f in enumerate(FACTORS, 1)]

    @property
    def whole(self) -> Expr:
        """The name for XXᵀ = A_1A_1ᵀ ⊕ A_2A_2ᵀ, X = A."""
        return block_sum(self.s, A, *self.maps)

    @cached_property
    def there(self) -> Line:
        """∀A_1, A_2. Col(A_1) ⊆ S_F1 ∧ Col(A_2) ⊆ S_F2 ⟹ ∃X. XXᵀ = A_1A_1ᵀ ⊕ A_2A_2ᵀ."""
        s, sides = self.s, self.product.sides
        given = [s.assume(side.mix.within_fisher(X)) for side, X in zip(sides, self.maps, strict=True)]
        inside = [side.embedded(X, line) for side, X, line in zip(sides, self.maps, given, strict=True)]
        first, second = (f.E @ X for f, X in zip(FACTORS, self.maps, strict=True))
        reach = self.set.hypothesis("columns-reach")
        line = infonce_slope.attained(s, self.set, first, second, reach, (inside[0], inside[1]))
        line = s.mp(s.spec(line, num(1)), s.calc(num(0) <= 1))
        mark = s.mark()
        (X,), gram = s.obtain(line, "X")
        name = block_sum(s, X, *self.maps)
        found = folded(s, name, s.lin(self.set.unfold(name).right, [gram]))
        found = s.exhibit(exists(A.sort, lambda X: block_sum(s, X, *self.maps)), X, found)
        found = s.release(found, mark)
        s.forget(mark)
        whole = s.assume(conj(*(line.formula for line in given)))
        found = s.discharge(s.taut(found.formula, s.discharge(found, *given), whole), whole)
        return s.gen(found, *self.maps)

    @cached_property
    def value(self) -> Line:
        """∀A, A_1, A_2. AAᵀ = A_1A_1ᵀ ⊕ A_2A_2ᵀ ⟹ L(A) = L_1(A_1) + L_2(A_2): the losses are functions of XXᵀ."""
        s = self.s
        name = s.assume(self.whole)
        gram = unfolded(s, name)
        f, g = FACTORS
        untied = s.lin(eq(self.split.tie, zero(g.d, f.d)), [(gram, 1, g.E.T, f.E)], *self.product.blocks)
        parts = [s.mp(self.split.equal, untied)]
        for side, X in zip(self.product.sides, self.maps, strict=True):
            Y, E = side.own.E.T @ A, side.own.E
            same = s.lin(eq(Y @ Y.T, X @ X.T), [(gram, 1, E.T, E)], *self.product.blocks)
            parts.append(s.mp(at(side, v.r, self.by_gram, Y, X), same))
        one, two = (side.mix.infonce(X) for side, X in zip(self.product.sides, self.maps, strict=True))
        claim = eq(self.set.mix.infonce(A), one + two)
        return s.gen(s.discharge(s.lin(claim, parts), name), A, *self.maps)

    @cached_property
    def by_gram(self) -> tuple[Line, tuple[str, ...]]:
        """XXᵀ = YYᵀ ⟹ L(X) = L(Y)."""
        s, loss = self.s, self.set.mix.infonce
        X, Y = fresh(A.sort, "X"), fresh(A.sort, "Y")
        gram = s.assume(eq(X @ X.T, Y @ Y.T))
        line = s.lin(eq(loss(X), loss(Y)), [self.set.unfold(loss(X)), self.set.unfold(loss(Y))], gram)
        return closed(s, s.discharge(line, gram), X, Y)


class Inside:
    """Theorem 5.2, first half, for any mixture, so that it holds for the factors."""

    def __init__(self, product: Product) -> None:
        """Derive it."""
        self.s = s = product.s
        self.set = product.set
        facts = s.cite("infonce-inclusion", infonce_inclusion.inclusion)
        included, _, self.leak = s.parts(facts)
        self.included = closed(s, included, A)
        self.projected = closed(s, self._projected(), A)

    def _projected(self) -> Line:
        """∃X. Col(X) ⊆ S_F ∧ L(X) ≤ L(A): the part of A inside S_F has no larger loss."""
        s, mix, loss = self.s, self.set.mix, self.set.mix.infonce
        mark = s.mark()
        (X,), line = s.obtain(fisher_part(self.set, A), "A_in")
        facts = s.mp(s.spec(self.leak, X, A - X), line)
        if_no_worse = s.rewrite(s.calc(eq(X + (A - X), A)), s.parts(facts)[0])
        claim = loss(X) <= loss(A)
        no_worse = s.assume(loss(A) <= loss(X))
        one = s.lin(eq(X, A), [s.mp(if_no_worse, no_worse)])
        same = s.lin(claim, [s.same(loss(X), one)])
        low = s.taut(claim, total_order(s, loss(X), loss(A)), s.discharge(same, no_worse))
        both = s.both(s.parts(line)[0], low)
        there = exists(A.sort, lambda X: conj(mix.within_fisher(X), loss(X) <= loss(A)))
        found = s.release(s.exhibit(there, X, both), mark)
        s.forget(mark)
        return found


class Minimisers:
    """M*(F_1 × F_2) = M*(F_1) ⊕ M*(F_2)."""

    def __init__(self, s: Script) -> None:
        """Derive Theorem 5.2 for any mixture; A is a minimiser where `best` is used."""
        self.s = s
        self.product = Product(s)
        self.set, self.sides = self.product.set, self.product.sides
        self.split = Split(self.product)
        self.attained = Attained(self.split)
        self.inside = Inside(self.product)
        self.parts = [side.own.E.T @ A for side in self.sides]
        self.best = s.assume(self.set.mix.minimises_infonce(A))

    @cached_property
    def projected(self) -> list[Line]:
        """∀Y. ∃X. Col(X) ⊆ S_F ∧ L_i(X) ≤ L_i(Y), for each factor."""
        maps = [fresh(Mat(side.own.d, v.r), "Y") for side in self.sides]
        return [
            self.s.gen(at(side, v.r, self.inside.projected, Y), Y) for side, Y in zip(self.sides, maps, strict=True)
        ]

    @cached_property
    def reached(self) -> Line:
        """∀Y_1, Y_2. ∃X. L(X) ≤ L_1(Y_1) + L_2(Y_2)."""
        s, sides, loss = self.s, self.sides, self.set.mix.infonce
        Y = [fresh(Mat(side.own.d, v.r), "Y") for side in sides]
        mark = s.mark()
        (first,), one = s.obtain(s.spec(self.projected[0], Y[0]), "X_1")
        (second,), two = s.obtain(s.spec(self.projected[1], Y[1]), "X_2")
        (within, low), (inside, small) = s.parts(one), s.parts(two)
        (X,), gram = s.obtain(s.mp(s.spec(self.attained.there, first, second), s.both(within, inside)), "X")
        value = s.mp(s.spec(self.attained.value, X, first, second), gram)
        high = sides[0].mix.infonce(Y[0]) + sides[1].mix.infonce(Y[1])
        line = s.lin(loss(X) <= high, [value, low, small])
        line = s.release(s.exhibit(exists(A.sort, lambda X: loss(X) <= high), X, line), mark)
        s.forget(mark)
        return s.gen(line, *Y)

    @cached_property
    def bound(self) -> Line:
        """∀Y_1, Y_2. L(A) ≤ L_1(Y_1) + L_2(Y_2), for a minimiser A."""
        s, loss = self.s, self.set.mix.infonce
        Y = [fresh(Mat(side.own.d, v.r), "Y") for side in self.sides]
        mark = s.mark()
        (X,), low = s.obtain(s.spec(self.reached, *Y), "X")
        line = s.lin(loss(A) <= low.right, [low, s.spec(unfolded(s, self.best), X)])
        line = s.release(line, mark)
        s.forget(mark)
        return s.gen(line, *Y)

    @cached_property
    def untied(self) -> Line:
        """E_2ᵀAAᵀE_1 = 0, for a minimiser A."""
        low = self.s.lin(self.split.border <= 0, [self.s.spec(self.bound, *self.parts), self.split.gap])
        return self.s.mp(self.split.untied, low)

    @cached_property
    def blocks(self) -> Line:
        """AAᵀ = (E_1ᵀA)(E_1ᵀA)ᵀ ⊕ (E_2ᵀA)(E_2ᵀA)ᵀ, for a minimiser A."""
        s, (f, g), whole = self.s, FACTORS, self.product.whole
        M, halves = A @ A.T, [h.E @ h.E.T for h in FACTORS]
        name = block_sum(s, A, *self.parts)
        turned = s.calc(eq(f.E.T @ M @ g.E, zero(f.d, g.d)), self.untied)
        # M = (E_1E_1ᵀ + E_2E_2ᵀ) M (E_1E_1ᵀ + E_2E_2ᵀ)
        parts: list[tuple[Line, int, Expr, Expr]] = [(whole, 1, eye(v.d), M)]
        parts += [(whole, 1, h @ M, eye(v.d)) for h in halves]
        parts += [(self.untied, 1, g.E, f.E.T), (turned, 1, f.E, g.E.T)]
        return folded(s, name, s.lin(self.set.unfold(name).right, parts))

    @cached_property
    def factors(self) -> list[Line]:
        """E_iᵀA minimises the loss of factor i, for a minimiser A."""
        return [self._factor(i) for i in range(2)]

    def _factor(self, index: int) -> Line:
        s, side, X = self.s, self.sides[index], self.parts[index]
        Y = fresh(Mat(side.own.d, v.r), "Y")
        against = [Y if i == index else part for i, part in enumerate(self.parts)]
        parts = [s.spec(self.bound, *against), self.split.gap, self.split.border_nonnegative]
        line = s.lin(side.mix.infonce(X) <= side.mix.infonce(Y), parts)
        return folded(s, side.mix.minimises_infonce(X), s.gen(line, Y))

    @cached_property
    def spanning(self) -> Line:
        """S_F ⊆ Col(A) ⟺ S_F1 ⊆ Col(E_1ᵀA) ∧ S_F2 ⊆ Col(E_2ᵀA), for a minimiser A."""
        return Spanning(self.product, self.untied).both

    @cached_property
    def apart(self) -> Line:
        """A minimises ⟹ AAᵀ is the sum of its blocks, E_iᵀA minimises L_i for both factors, and `spanning`."""
        return self.s.discharge(self.s.both(self.blocks, *self.factors, self.spanning), self.best)

    @cached_property
    def together(self) -> Line:
        """For minimisers A_1, A_2 of the factors, A_1A_1ᵀ ⊕ A_2A_2ᵀ is XXᵀ for some X, and every such X minimises."""
        s, maps, sides = self.s, self.attained.maps, self.sides
        best = [s.assume(side.mix.minimises_infonce(X)) for side, X in zip(sides, maps, strict=True)]
        given = s.assume(conj(*(b.formula for b in best)))
        insides = [
            s.mp(at(side, v.r, self.inside.included, X), b) for side, X, b in zip(sides, maps, best, strict=True)
        ]
        there = s.mp(s.spec(self.attained.there, *maps), s.both(*insides))
        both = s.both(there, self._all_minimise(best))
        return s.gen(s.discharge(s.taut(both.formula, s.discharge(both, *best), given), given), *maps)

    def _all_minimise(self, best: list[Line]) -> Line:
        """∀X. XXᵀ = A_1A_1ᵀ ⊕ A_2A_2ᵀ ⟹ X minimises: L(X) = L_1(A_1) + L_2(A_2) ≤ L_1(E_1ᵀY) + L_2(E_2ᵀY) ≤ L(Y)."""
        s, split, loss = self.s, self.split, self.set.mix.infonce
        name, Y = s.assume(self.attained.whole), fresh(A.sort, "Y")
        gap = s.gen(s.lin(split.apart <= loss(A), [split.gap, split.border_nonnegative]), A)
        lows = [s.spec(unfolded(s, b), side.own.E.T @ Y) for side, b in zip(self.sides, best, strict=True)]
        value = s.mp(s.spec(self.attained.value, A, *self.attained.maps), name)
        line = s.gen(s.lin(loss(A) <= loss(Y), [value, *lows, s.spec(gap, Y)]), Y)
        return s.gen(s.discharge(folded(s, self.set.mix.minimises_infonce(A), line), name), A)


def steps(s: Script, m: Minimisers) -> None:
    """Show the steps of the argument."""
    product, split, (p, q) = m.product, m.split, m.split.potentials
    for i, side in enumerate(m.sides):
        s.step(f"centred-{i + 1}", f"Factor {i + 1} has mean 0.", side.hypothesis("centred"))
    s.step("covariance", "Σ = E_1Σ_1E_1ᵀ + E_2Σ_2E_2ᵀ, where Σ_i is the covariance of factor i.", product.sigma_sum)
    s.step(
        "loss",
        "L is a quadratic part and the mean of the log-sum-exp at x: the mean of exp(f(x)ᵀf(y)) over noise is known.",
        split.forms[0],
    )
    s.step("partition", "y_1 and y_2 are independent, so the log-sum-exp is φ_1(x) + φ_2(x).", split.partition)
    s.step(
        "jensen-1",
        "E φ_1(x) is at least its mean over factor 1 alone: φ_1 is convex, x_2 is independent of x_1 and has mean 0.",
        p.jensen,
    )
    s.step("jensen-2", "E φ_2(x) is at least its mean over factor 2 alone.", q.jensen)
    s.step(
        "quadratic",
        "The quadratic part of L is the sum of those of L_1 and L_2, plus tr(NᵀΣ_1NΣ_2) and half of two squares.",
        split.quadratic,
    )
    for i, line in enumerate(split.costs_nonnegative):
        s.step(f"cost-{i + 1}", f"Square {i + 1} is not negative.", line)
    s.step("gap", "L(A) is at least L_1(E_1ᵀA) + L_2(E_2ᵀA) + tr(NᵀΣ_1NΣ_2).", split.gap)
    s.step("border", "tr(NᵀΣ_1NΣ_2) = ‖Λ_1ᵀNΛ_2‖² ≥ 0, where Σ_i = Λ_iΛ_iᵀ.", split.border_nonnegative)
    s.step("border-vanishes", "It is ≤ 0 only if N = 0.", split.untied)
    s.step("equal", "If N = 0 then L(A) = L_1(E_1ᵀA) + L_2(E_2ᵀA).", split.equal)
    s.step("value", "If AAᵀ = A_1A_1ᵀ ⊕ A_2A_2ᵀ then L(A) = L_1(A_1) + L_2(A_2).", m.attained.value)
    s.step(
        "attained",
        "A_1A_1ᵀ ⊕ A_2A_2ᵀ is XXᵀ for some X of r columns, if A_1 and A_2 have their columns in the factors' S_F.",
        m.attained.there,
    )
    for i in range(2):
        s.step(f"inside-{i + 1}", "The part of a map inside S_F has no larger loss: Theorem 5.2.", m.projected[i])
    s.step("reached", "So some X does as well as any A_1 and A_2 together.", m.reached)
    s.step("minimiser", "A minimiser A does no worse than any A_1 and A_2 together.", m.bound)
    s.step("no-border", "So N = 0,", m.untied)
    s.step("blocks", "AAᵀ is the sum of its two blocks,", m.blocks)
    for i in range(2):
        s.step(f"best-{i + 1}", f"and E_{i + 1}ᵀA minimises L_{i + 1}.", m.factors[i])
    s.step("equality", "S_F lies in Col(A) exactly if the same holds for both factors.", m.spanning)
    s.step("together", "Minimisers of L_1 and L_2 together make a minimiser of L.", m.together)


def minimisers(s: Script) -> Line:
    """A minimises exactly if AAᵀ is the sum of two blocks that minimisers of the factors have; these are attained."""
    m = Minimisers(s)
    steps(s, m)
    return s.both(m.apart, m.together)


def prove() -> Proposal:
    """infonce-equality-product."""
    s = Script("infonce-equality-product")
    names = {**v.HYPOTHESES, **formulas.HYPOTHESES}
    return s.qed(minimisers(s), {name: names[name] for name in HYPOTHESES})
