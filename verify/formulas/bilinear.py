"""What proofs about losses of scores between two modalities speak of: batches of images and texts, as in `scores`.

In state s image i is x_i = μ_{V,c} + L_V ξ and text j is y_j = μ_{T,c} + L_T ξ with ξ ~ N(I_D), c the component of
each; given the state all are independent. Score e is that of the image `first` e and the text `second` e: z_e =
x_iᵀA_VA_Tᵀy_j.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thmverify.formulas.clip import A_T, A_V, K, Sigma_T, Sigma_V, d_T, d_V, mu_T, mu_V, r
from thmverify.formulas.names import named
from thmverify.formulas.scores import D, Phi, T, column, p, q, score
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
    var,
    zero,
)

if TYPE_CHECKING:
    from thmverify.proofs.script import Script

n = var("n", Size)
c_V, c_T = (var(name, Fun(Index(T), Index(n), Index(K))) for name in ("c_V", "c_T"))
L_V, L_T = var("L_V", Fun(Index(T), Index(n), Mat(d_V, D))), var("L_T", Fun(Index(T), Index(n), Mat(d_T, D)))
first, second = var("first", Family(q, Index(n))), var("second", Family(q, Index(n)))
pair = var("pair", Fun(Index(n), Index(n), Index(q)))
LETTERS = (d_V, d_T, K, r, n, D, T, q, mu_V, mu_T, p, c_V, c_T, L_V, L_T, first, second)


def direction(own: Expr, other: Expr, a: Expr, rates: Expr) -> Expr:
    """How the scores move when that of item a of one modality with item j of the other moves at the rate η_j."""
    return column(q, lambda e: delta(own(e), a) * rates(other(e)))


@dataclass(frozen=True)
class Bilinear:
    """Batches of images and texts, and losses of their scores, as names that a script defines."""

    script: Script

    def of(self, W: Expr, s: Expr, xi: Expr) -> Expr:
        """The scores of the product W in state s."""

        def entry(e: Expr) -> Expr:
            image = mu_V(c_V(s, first(e))) + L_V(s, first(e)) @ xi
            return tr(image.T @ W @ (mu_T(c_T(s, second(e))) + L_T(s, second(e)) @ xi))

        return column(q, entry)

    @property
    @named("IsPairedBatch", (d_V, d_T, n, D, T, Sigma_V, Sigma_T, p, L_V, L_T))
    def batch(self) -> Expr:
        """p is a law of the state; given the state all images and texts are independent, with their covariances."""

        def each(body: Callable[[Expr, Expr, Expr], Expr]) -> Expr:
            return forall(Index(T), lambda s: forall(Index(n), lambda i: forall(Index(n), lambda j: body(s, i, j))))

        return conj(
            forall(Index(T), lambda s: p(s) > 0),
            eq(total(T, p), 1),
            each(lambda s, i, j: eq(L_V(s, i) @ L_V(s, j).T, delta(i, j) * Sigma_V)),
            each(lambda s, i, j: eq(L_T(s, i) @ L_T(s, j).T, delta(i, j) * Sigma_T)),
            each(lambda s, i, j: eq(L_V(s, i) @ L_T(s, j).T, zero(d_V, d_T))),
        )

    @property
    @named("AreAllPairs", (n, q, first, second, pair))
    def all_pairs(self) -> Expr:
        """Score `pair`(i, j) is that of image i and text j."""
        return forall(
            Index(n), lambda i: forall(Index(n), lambda j: conj(eq(first(pair(i, j)), i), eq(second(pair(i, j)), j)))
        )

    @named("PairedScoreLoss", (*LETTERS, Phi, A_V, A_T), Phi, A_V, A_T)
    def loss(self, Phi: Expr, A_V: Expr, A_T: Expr) -> Expr:
        """Σ_s p_s E Φ_s(z), the loss of the maps A_V of images and A_T of texts."""
        return total(T, lambda s: p(s) * mean(eye(D), lambda xi: Phi(s)(self.of(A_V @ A_T.T, s, xi))))

    @named("MinimisesPairedScoreLoss", (*LETTERS, Phi, A_V, A_T), Phi, A_V, A_T)
    def minimises(self, Phi: Expr, A_V: Expr, A_T: Expr) -> Expr:
        """(A_V, A_T) minimises the loss over the pairs of maps with as many columns."""
        return forall(
            Mat(d_V, r),
            lambda X: forall(Mat(d_T, r), lambda Y: self.loss(Phi, A_V, A_T) <= self.loss(Phi, X, Y)),
        )


def bends(losses: Expr, own: Expr, other: Expr) -> Expr:
    """In some state the loss is not affine in the scores of an item of one modality: 2Φ(z) < Φ(z + h) + Φ(z − h)."""

    def says(s: Expr, a: Expr, rates: Expr, z: Expr) -> Expr:
        h = direction(own, other, a, rates)
        return num(2) * losses(s)(z) < losses(s)(z + h) + losses(s)(z - h)

    return exists(
        Index(T),
        lambda s: exists(
            Index(n), lambda a: exists(Family(n, Real), lambda rates: exists(Col(q), lambda z: says(s, a, rates, z)))
        ),
    )


def clip(z: Expr) -> Expr:
    """CLIP's loss of a batch of n pairs: Σ_i (log Σ_j e^{z_ij} − z_ii) + Σ_j (log Σ_i e^{z_ij} − z_jj)."""
    return total(n, lambda i: lse(n, lambda _: num(1), lambda j: score(z, pair(i, j))) - score(z, pair(i, i))) + total(
        n, lambda j: lse(n, lambda _: num(1), lambda i: score(z, pair(i, j))) - score(z, pair(j, j))
    )
