"""What a proof about a product of two mixtures speaks of: the two factors, and that a mixture is their product.

x = E_1 x_1 + E_2 x_2, where the columns of E_1 and E_2 are an orthonormal basis together: coordinates in two blocks, in
any order. Component k of the mixture puts x_1 in component a_1(k) of the first factor, x_2 in a_2(k) of the second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thmverify.formulas.mixtures import A, K, Mixture, Sigma, d, delta, mu, r, w
from thmverify.formulas.names import named
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Index,
    Mat,
    Real,
    Size,
    conj,
    eq,
    eye,
    forall,
    total,
    var,
)
from thmverify.proofs.expressions import delta as same

if TYPE_CHECKING:
    from thmverify.proofs.script import Script


@dataclass(frozen=True)
class Factor:
    """A mixture Σ_a w_a N(μ_a, Σ_a) in R^d, the embedding E of its space, and the component a(k) that k belongs to."""

    d: Expr
    K: Expr
    w: Expr
    mu: Expr
    Sigma: Expr
    E: Expr
    at: Expr

    def mixture(self, script: Script) -> Mixture:
        """The factor as a mixture of its own, with the bias δ of the product."""
        return Mixture(script, self.d, self.K, self.w, self.mu, self.Sigma, delta)

    @property
    def letters(self) -> tuple[Expr, ...]:
        """The factor's letters, sizes first."""
        return self.d, self.K, self.w, self.mu, self.Sigma


def _factor(i: int) -> Factor:
    size, count = var(f"d_{i}", Size), var(f"K_{i}", Size)
    return Factor(
        size,
        count,
        var(f"w_{i}", Family(count, Real)),
        var(f"mu_{i}", Family(count, Col(size))),
        var(f"Sigma_{i}", Family(count, Mat(size, size))),
        var(f"E_{i}", Mat(d, size)),
        var(f"a_{i}", Family(K, Index(count))),
    )


FIRST, SECOND = _factor(1), _factor(2)
FACTORS = (FIRST, SECOND)


def blocks() -> Expr:
    """E_1ᵀE_1 = I, E_2ᵀE_2 = I, E_1E_1ᵀ + E_2E_2ᵀ = I; so E_1ᵀE_2 = 0."""
    E, F = FIRST.E, SECOND.E
    return conj(eq(E.T @ E, eye(FIRST.d)), eq(F.T @ F, eye(SECOND.d)), eq(E @ E.T + F @ F.T, eye(d)))


def weights(factor: Factor) -> Expr:
    """0 < w_a, and Σ_a w_a = 1."""
    return conj(forall(Index(factor.K), lambda a: factor.w(a) > 0), eq(total(factor.K, factor.w), 1))


def independent() -> Expr:
    """The weights of the components with a_1(k) = a and a_2(k) = b make w_1(a)·w_2(b) together, for all a and b."""
    f, g = FACTORS
    return forall(
        Index(f.K),
        lambda a: forall(
            Index(g.K), lambda b: eq(total(K, lambda k: w(k) * same(f.at(k), a) * same(g.at(k), b)), f.w(a) * g.w(b))
        ),
    )


def means() -> Expr:
    """μ_k = E_1 μ_1(a_1(k)) + E_2 μ_2(a_2(k))."""
    return forall(Index(K), lambda k: eq(mu(k), sum_of(lambda f: f.E @ f.mu(f.at(k)))))


def covariances() -> Expr:
    """Σ_k = E_1 Σ_1(a_1(k)) E_1ᵀ + E_2 Σ_2(a_2(k)) E_2ᵀ."""
    return forall(Index(K), lambda k: eq(Sigma(k), sum_of(lambda f: f.E @ f.Sigma(f.at(k)) @ f.E.T)))


def sum_of(part: Callable[[Factor], Expr]) -> Expr:
    """What the two factors give, added."""
    return part(FIRST) + part(SECOND)


PRODUCT = conj(blocks(), weights(FIRST), weights(SECOND), independent(), means(), covariances())

HYPOTHESES: dict[str, Expr] = {"product": PRODUCT}


A_1, A_2 = var("A_1", Mat(FIRST.d, r)), var("A_2", Mat(SECOND.d, r))


@named("BlockSum", (d, FIRST.d, SECOND.d, r, FIRST.E, SECOND.E, A, A_1, A_2), A, A_1, A_2)
def block_sum(_: Script, A: Expr, A_1: Expr, A_2: Expr) -> Expr:
    """AAᵀ = A_1A_1ᵀ ⊕ A_2A_2ᵀ: AAᵀ = E_1A_1A_1ᵀE_1ᵀ + E_2A_2A_2ᵀE_2ᵀ."""
    E, F = FIRST.E, SECOND.E
    return eq(A @ A.T, E @ A_1 @ A_1.T @ E.T + F @ A_2 @ A_2.T @ F.T)
