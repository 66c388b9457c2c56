"""What proofs about the linear spectral contrastive loss speak of: its minimisers, discriminants, eigenvectors.

The loss is L(A) = −2 E f(x)ᵀf(x̂) + E_{x,y} (f(x)ᵀf(y))² of the maps f(x) = Aᵀx, on the augmented pairs (x, x̂) of a
mixture whose components have covariances of their own; y ~ F is independent of x.
"""

from __future__ import annotations

from dataclasses import dataclass

from thmverify.formulas.fisher import discriminant
from thmverify.formulas.mixtures import A, K, Mixture, Sigma, d, delta, fisher_dimension, mu, pair_mean, r, w
from thmverify.formulas.subspaces import columns_within, independent_columns
from thmverify.kernel.proofs.rules import top_part
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

n, q = var("n", Size), var("q", Size)
Y, Z = var("Y", Mat(n, n)), var("Z", Mat(n, n))
B = var("B", Mat(d, q))


@dataclass(frozen=True)
class Spectral:
    """The spectral contrastive loss of linear maps on the augmented pairs of a mixture."""

    mixture: Mixture

    def _own(self) -> Spectral:
        return Spectral(Mixture(self.mixture.script))

    # -- the loss and its minimisers ----------------------------------------------------------------------------------

    def loss(self, X: Expr) -> Expr:
        """−2 E f(x)ᵀf(x̂) + E_{x,y} (f(x)ᵀf(y))², f(x) = Xᵀx."""
        mix = self.mixture
        define = mix.script.define("SpectralLoss", (d, K, r, w, mu, Sigma, delta, A), loss_body(A))
        return define(mix.d, mix.K, X.cols, mix.w, mix.mu, mix.Sigma, mix.delta, X)

    def minimises(self, X: Expr) -> Expr:
        """X minimises the loss over the maps with as many columns."""
        mix, own = self.mixture, self._own()
        body = forall(Mat(d, r), lambda Y: own.loss(A) <= own.loss(Y))
        define = mix.script.define("MinimisesSpectral", (d, K, r, w, mu, Sigma, delta, A), body)
        return define(mix.d, mix.K, X.cols, mix.w, mix.mu, mix.Sigma, mix.delta, X)

    def top_part(self, of: Expr, columns: Expr, part: Expr) -> Expr:
        """The part of a symmetric matrix on eigenvectors of its r largest eigenvalues, without the negative ones."""
        body = Expr(top_part(Y.term, r.term, Z.term))
        return self.mixture.script.define("TopPart", (n, r, Y, Z), body)(of.rows, columns, of, part)

    def few_columns(self, X: Expr) -> Expr:
        """X has at most as many columns as S_F has dimensions: dim S_F = m for some m with r ≤ m."""
        mix, body = self.mixture, exists(Size, lambda m: conj(fisher_dimension(m), real(r) <= real(m)))
        define = mix.script.define("AtMostFisherDimension", (d, K, r, w, mu, Sigma), body)
        return define(mix.d, mix.K, X.cols, mix.w, mix.mu, mix.Sigma)

    # -- the discriminant ---------------------------------------------------------------------------------------------

    def best_discriminant(self, X: Expr, columns: Expr) -> Expr:
        """J(B) ≤ J(X) for every B with independent columns, at most r of them."""
        mix, own = self.mixture, self._own()

        def no_better(count: Expr) -> Expr:
            few = real(count) <= real(r)
            return forall(
                Mat(d, count),
                lambda Y: (
                    conj(few, independent_columns(mix.script, Y))
                    >> (discriminant(own.mixture, Y) <= discriminant(own.mixture, B))
                ),
            )

        body = forall(Size, no_better)
        define = mix.script.define("BestDiscriminant", (d, K, q, r, w, mu, Sigma, B), body)
        return define(mix.d, mix.K, X.cols, columns, mix.w, mix.mu, mix.Sigma, X)

    def best_column_space(self, X: Expr) -> Expr:
        """J(B) ≤ J(F) for every B with independent columns, at most as many as X has, and every basis F of Col(X)."""
        mix, own, script = self.mixture, self._own(), self.mixture.script

        def bases(count: Expr) -> Expr:
            return forall(
                Mat(d, count),
                lambda F: (
                    conj(
                        independent_columns(script, F),
                        columns_within(script, F, A),
                        columns_within(script, A, F),
                    )
                    >> own.best_discriminant(F, r)
                ),
            )

        define = script.define("BestColumnSpace", (d, K, r, w, mu, Sigma, A), forall(Size, bases))
        return define(mix.d, mix.K, X.cols, mix.w, mix.mu, mix.Sigma, X)

    def top_eigenspace(self, X: Expr) -> Expr:
        """Col(X) is spanned by eigenvectors Sv = κΣ̄v at the r largest κ, by fewer if all the others are 0.

        ∃P, κ, s: PᵀΣ̄P = I, SPe_i = κ_iΣ̄Pe_i, s_i ∈ {0, 1}, Σ s_i ≤ r, κ_j ≤ κ_i where s_i = 1 and s_j = 0, Σ s_i = r
        unless κ_i = 0 wherever s_i = 0; and Col(X) is spanned by the columns Pe_i with s_i = 1.
        """
        mix, own = self.mixture, self._own().mixture
        body = exists(
            Mat(d, d),
            lambda P: exists(
                Family(d, Real), lambda kappa: exists(Family(d, Real), lambda s: top_space(own, P, kappa, s))
            ),
        )
        define = mix.script.define("TopEigenspace", (d, K, r, w, mu, Sigma, A), body)
        return define(mix.d, mix.K, X.cols, mix.w, mix.mu, mix.Sigma, X)


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
