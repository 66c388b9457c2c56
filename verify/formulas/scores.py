"""What proofs about losses of scores speak of: batches of items, and losses of the scores of their pairs.

A batch has n items. In state s, which has probability p_s, item i is of component c_si, and given the state the items
are independent: x_i = μ_{c_si} + L_si ξ with ξ ~ N(I_D) and L_si L_sjᵀ = [i = j] Σ_{c_si}. (Independent normal columns
are of this form: D is nd, and L_si has a root of the covariance in block i.) Score e < q is that of the items `first` e
and `second` e, which are different: z_e = x_iᵀAAᵀx_j for a linear map A. A loss is E Φ_s(z) with a function Φ_s of the
column of all scores, which may know the state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thmverify.formulas.mixtures import A, K, Sigma, d, mu, r
from thmverify.formulas.names import named
from thmverify.kernel.proofs.ring import convex as convex_term
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Fun,
    Index,
    Mat,
    Real,
    Size,
    conj,
    delta,
    eq,
    exists,
    eye,
    forall,
    lse,
    mean,
    num,
    total,
    tr,
    unit,
    var,
)

if TYPE_CHECKING:
    from thmverify.proofs.script import Script

n, D, T, q = (var(name, Size) for name in ("n", "D", "T", "q"))
p = var("p", Family(T, Real))
c = var("c", Fun(Index(T), Index(n), Index(K)))
L = var("L", Fun(Index(T), Index(n), Mat(d, D)))
first, second = var("first", Family(q, Index(n))), var("second", Family(q, Index(n)))
Phi = var("Phi", Fun(Index(T), Col(q), Real))
SIZES = (n, D, T, q)
LETTERS = (d, K, r, *SIZES, mu, p, c, L, first, second, Phi, A)


def column(count: Expr, entry: Callable[[Expr], Expr]) -> Expr:
    """Return the column with these entries."""
    return total(count, lambda e: entry(e) * unit(e))


def convex(function: Expr) -> Expr:
    """A function of columns is convex, with a tangent from below at each column, and grows at most as a polynomial."""
    return Expr(convex_term(function.term))


def direction(a: Expr, rates: Expr) -> Expr:
    """How the scores move when the score of item a with item i moves at the rate η_i, for each i."""

    def rate(e: Expr) -> Expr:
        return delta(first(e), a) * rates(second(e)) + delta(second(e), a) * rates(first(e))

    return column(q, rate)


@dataclass(frozen=True)
class Scores:
    """Batches and losses of scores, as names that a script defines when it first uses them."""

    script: Script

    def item(self, s: Expr, i: Expr, xi: Expr) -> Expr:
        """x_i = μ_{c_si} + L_si ξ."""
        return mu(c(s, i)) + L(s, i) @ xi

    def of(self, X: Expr, s: Expr, xi: Expr) -> Expr:
        """The scores of the linear map X in state s."""
        return column(q, lambda e: tr(self.item(s, first(e), xi).T @ X @ X.T @ self.item(s, second(e), xi)))

    @property
    @named("IsBatch", (d, K, *SIZES, Sigma, p, c, L, first, second))
    def batch(self) -> Expr:
        """p is a law of the state, items are independent with the covariances of their components, pairs are of two."""
        return conj(
            forall(Index(T), lambda s: p(s) > 0),
            eq(total(T, p), 1),
            forall(
                Index(T),
                lambda s: forall(
                    Index(n),
                    lambda i: forall(Index(n), lambda j: eq(L(s, i) @ L(s, j).T, delta(i, j) * Sigma(c(s, i)))),
                ),
            ),
            forall(Index(q), lambda e: ~eq(first(e), second(e))),
        )

    @named("AreConvex", (T, q, Phi), Phi)
    def convex(self, Phi: Expr) -> Expr:
        """Φ_s is convex and of polynomial growth, for every state s."""
        return forall(Index(T), lambda s: convex(Phi(s)))

    @named("Bends", (n, T, q, first, second, Phi), Phi)
    def bends(self, Phi: Expr) -> Expr:
        """In some state s the loss is not affine in the scores of some item a: 2Φ_s(z) < Φ_s(z + h) + Φ_s(z − h).

        h is the direction in which the score of a with item i moves at the rate η_i, for some rates η.
        """

        def says(s: Expr, a: Expr, rates: Expr, z: Expr) -> Expr:
            h = direction(a, rates)
            return num(2) * Phi(s)(z) < Phi(s)(z + h) + Phi(s)(z - h)

        return exists(
            Index(T),
            lambda s: exists(
                Index(n),
                lambda a: exists(Family(n, Real), lambda rates: exists(Col(q), lambda z: says(s, a, rates, z))),
            ),
        )

    @named("ScoreLoss", LETTERS, Phi, A)
    def loss(self, Phi: Expr, A: Expr) -> Expr:
        """Σ_s p_s E Φ_s(z), the loss of the linear map A."""
        return total(T, lambda s: p(s) * mean(eye(D), lambda xi: Phi(s)(self.of(A, s, xi))))

    @named("MinimisesScoreLoss", LETTERS, Phi, A)
    def minimises(self, Phi: Expr, A: Expr) -> Expr:
        """A minimises the loss over the maps with as many columns."""
        return forall(Mat(d, r), lambda Y: self.loss(Phi, A) <= self.loss(Phi, Y))


# -- scores of anchors with their candidates --------------------------------------------------------------------------

M, N = var("M", Size), var("N", Size)
anchor = var("anchor", Family(M, Index(n)))
candidate = var("candidate", Fun(Index(M), Index(N), Index(q)))


def score(z: Expr, e: Expr) -> Expr:
    """z_e."""
    return tr(unit(e).T @ z)


def partition(z: Expr, candidates: Callable[[Expr], Expr]) -> Expr:
    """log Σ_l exp z_l over the scores of an anchor with its N candidates."""
    return lse(N, lambda _: num(1), lambda l: score(z, candidates(l)))


@named("AreContrasted", (n, q, M, N, first, second, anchor, candidate), M, anchor, candidate)
def contrasted(_: Script, M: Expr, anchor: Expr, candidate: Expr) -> Expr:
    """Each of an anchor's N candidates is the score of that anchor with an item, a different one for each."""

    def apart(m: Expr, l: Expr, k: Expr) -> Expr:
        return eq(second(candidate(m, l)), second(candidate(m, k))) >> eq(l, k)

    def each(m: Expr, l: Expr) -> Expr:
        return conj(eq(first(candidate(m, l)), anchor(m)), forall(Index(N), lambda k: apart(m, l, k)))

    return forall(Index(M), lambda m: forall(Index(N), lambda l: each(m, l)))


def two_candidates() -> Expr:
    """N ≥ 2: there are two candidates."""
    return exists(Index(N), lambda l: exists(Index(N), lambda k: ~eq(k, l)))
