"""What proofs about the linear spectral contrastive loss speak of: its minimisers, discriminants, eigenvectors.

The loss is L(A) = −2 E f(x)ᵀf(x̂) + E_{x,y} (f(x)ᵀf(y))² of the maps f(x) = Aᵀx, on the augmented pairs (x, x̂) of a
mixture whose components have covariances of their own; y ~ F is independent of x.
"""

from __future__ import annotations

from thmverify.formulas.fisher import discriminant
from thmverify.formulas.mixtures import (
    MAP,
    PAIRED_MAP,
    A,
    K,
    Mixture,
    OfMixture,
    Sigma,
    d,
    fisher_dimension,
    mu,
    pair_mean,
    r,
    w,
)
from thmverify.formulas.names import named
from thmverify.formulas.subspaces import columns_within, independent_columns, top_part
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Index,
    Mat,
    Real,
    Size,
    conj,
    disj,
    eq,
    exists,
    eye,
    forall,
    mean,
    num,
    real,
    total,
    tr,
    unit,
    var,
)

q = var("q", Size)
B = var("B", Mat(d, q))


class Spectral(OfMixture):
    """The spectral contrastive loss of linear maps on the augmented pairs of a mixture."""

    # -- the loss and its minimisers ----------------------------------------------------------------------------------

    @named("SpectralLoss", PAIRED_MAP, A)
    def loss(self, A: Expr) -> Expr:
        """−2 E f(x)ᵀf(x̂) + E_{x,y} (f(x)ᵀf(y))², f(x) = Aᵀx."""
        return loss_body(A)

    @named("MinimisesSpectral", PAIRED_MAP, A)
    def minimises(self, A: Expr) -> Expr:
        """A minimises the loss over the maps with as many columns."""
        return forall(Mat(d, r), lambda Y: self.loss(A) <= self.loss(Y))

    def top_part(self, of: Expr, columns: Expr, part: Expr) -> Expr:
        """The part of a symmetric matrix on eigenvectors of its r largest eigenvalues, without the negative ones."""
        return top_part(self.script, of, columns, part)

    @named("AtMostFisherDimension", (d, K, r, w, mu, Sigma), A)
    def few_columns(self, _: Expr) -> Expr:
        """A has at most as many columns as S_F has dimensions: dim S_F = m for some m with r ≤ m."""
        return exists(Size, lambda m: conj(fisher_dimension(m), real(r) <= real(m)))

    # -- the discriminant ---------------------------------------------------------------------------------------------

    @named("BestDiscriminant", (d, K, q, r, w, mu, Sigma, B), B, r)
    def best_discriminant(self, B: Expr, r: Expr) -> Expr:
        """J(Y) ≤ J(B) for every Y with independent columns, at most r of them."""

        def no_better(count: Expr) -> Expr:
            few = real(count) <= real(r)
            return forall(
                Mat(d, count),
                lambda Y: (
                    conj(few, independent_columns(self.script, Y))
                    >> (discriminant(self.mixture, Y) <= discriminant(self.mixture, B))
                ),
            )

        return forall(Size, no_better)

    @named("BestColumnSpace", MAP, A)
    def best_column_space(self, A: Expr) -> Expr:
        """J(B) ≤ J(F) for every B with independent columns, at most as many as A has, and every basis F of Col(A)."""

        def bases(count: Expr) -> Expr:
            return forall(
                Mat(d, count),
                lambda F: (
                    conj(
                        independent_columns(self.script, F),
                        columns_within(self.script, F, A),
                        columns_within(self.script, A, F),
                    )
                    >> self.best_discriminant(F, r)
                ),
            )

        return forall(Size, bases)

    @named("TopEigenspace", MAP, A)
    def top_eigenspace(self, _: Expr) -> Expr:
        """Col(A) is spanned by eigenvectors Sv = κΣ̄v at the r largest κ, by fewer if all the others are 0.

        ∃P, κ, s: PᵀΣ̄P = I, SPe_i = κ_iΣ̄Pe_i, s_i ∈ {0, 1}, Σ s_i ≤ r, κ_j ≤ κ_i where s_i = 1 and s_j = 0, Σ s_i = r
        unless κ_i = 0 wherever s_i = 0; and Col(A) is spanned by the columns Pe_i with s_i = 1.
        """
        return exists(
            Mat(d, d),
            lambda P: exists(
                Family(d, Real), lambda kappa: exists(Family(d, Real), lambda s: top_space(self.mixture, P, kappa, s))
            ),
        )


def top_space(mixture: Mixture, P: Expr, kappa: Expr, s: Expr) -> Expr:
    """What P, κ and s are in `top_eigenspace`, for the map A."""
    Sb, S = mixture.sigma_bar, mixture.S
    count = total(d, s)
    return conj(
        eq(P.T @ Sb @ P, eye(d)),
        forall(Index(d), lambda i: eq(S @ P @ unit(i), kappa(i) * (Sb @ P @ unit(i)))),
        forall(Index(d), lambda i: disj(eq(s(i), 0), eq(s(i), 1))),
        count <= real(r),
        forall(
            Index(d),
            lambda i: forall(Index(d), lambda j: conj(eq(s(i), 1), eq(s(j), 0)) >> (kappa(j) <= kappa(i))),
        ),
        disj(eq(count, real(r)), forall(Index(d), lambda i: eq(s(i), 0) >> eq(kappa(i), 0))),
        exists(Family(d, Col(r)), lambda c: eq(A, total(d, lambda i: s(i) * (P @ unit(i) @ c(i).T)))),
        forall(Index(d), lambda i: eq(s(i), 1) >> exists(Col(r), lambda c: eq(P @ unit(i), A @ c))),
    )


def _score(A: Expr, x: Expr, y: Expr) -> Expr:
    """f(x)ᵀf(y), f(x) = Aᵀx."""
    return tr(x.T @ A @ A.T @ y)


def alignment(A: Expr) -> Expr:
    """E f(x)ᵀf(x̂) over the augmented pairs, f(x) = Aᵀx."""
    return pair_mean(lambda x, y: _score(A, x, y))


def negatives(A: Expr) -> Expr:
    """E_{x,y} (f(x)ᵀf(y))², f(x) = Aᵀx, for independent x and y."""

    def squared(k: Expr, j: Expr) -> Expr:
        return mean(Sigma(k), lambda xi: mean(Sigma(j), lambda eta: _score(A, mu(k) + xi, mu(j) + eta) ** 2))

    return total(K, lambda k: total(K, lambda j: w(k) * w(j) * squared(k, j)))


def loss_body(A: Expr) -> Expr:
    """The spectral contrastive loss of f(x) = Aᵀx, written out."""
    return num(-2) * alignment(A) + negatives(A)
