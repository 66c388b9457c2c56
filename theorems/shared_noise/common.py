"""What the statements about pairs that share noise share: the loss, one kind of such pairs, and what it costs to leave.

On an instance both points of a pair keep the noise of the first coordinate, as a crop keeps the background: given the
component ξ₁ = ξ̂₁, and the rest of ξ and ξ̂ is independent given that. Then Γ = Cov(x, x̂ | k) = Σe₁e₁ᵀΣ/Σ₁₁.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

from flint import fmpq, fmpq_mat

from thmverify import exact, vocabulary
from thmverify.headlines import Source
from thmverify.losses import LOSSES
from thmverify.losses.clip import paired_mixture
from thmverify.losses.levels import float64_value
from thmverify.maps import CLIPFactors, Encoder
from thmverify.models import CLIPGMM, Instance, SharedGMM
from thmverify.sampling import instance_rng, random_instance, random_matrix
from thmverify.statement import Quantity
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import PAPER
from thmverify.theorems.common import leaking

ROW, CLIP_ROW = "infonce-shared-noise", "clip-shared-noise"
SYMBOLS = vocabulary.entries("d", "K", "r", "w", "Sigma_k", "Sigma_1", "delta")
QUANTITY = Quantity(
    r"L(A) = -\mathbb{E}[f(x)^T f(\hat x)] + \mathbb{E}_x \log \mathbb{E}_y \exp(f(x)^T f(y)),\quad f(x) = A^T x,"
    r"\quad \mathrm{Cov}(x, \hat x \mid k) = \Gamma"
)


def source(label: str) -> Source:
    """Return the source of a statement about such pairs."""
    return Source(PAPER, label, "for pairs that share noise, which Definition 5.1 excludes; the statement is ours")


def kept(mixture: SharedGMM) -> fmpq_mat:
    """Return e₁, the direction of Σ⁻¹Col Γ (d × 1)."""
    return fmpq_mat(mixture.dimension, 1, [int(i == 0) for i in range(mixture.dimension)])


def shared_noise(mixture: SharedGMM) -> fmpq_mat:
    """Return Γ = Σe₁e₁ᵀΣ/Σ₁₁ (d × d)."""
    column = mixture.sigma * kept(mixture)
    return column * column.transpose() / mixture.sigma[0, 0]


def is_inside(mixture: SharedGMM) -> bool:
    """Decide whether e₁ lies in S_F."""
    B = fisher_subspace(mixture).basis
    return bool(exact.hstack([B, kept(mixture)], mixture.dimension).rank() == B.ncols())


def least_ratio(
    mixture: SharedGMM, columns: int, rng: random.Random, ratio: Callable[[fmpq_mat, fmpq_mat, Fraction], float | None]
) -> float | None:
    """Return the least of `ratio` over random maps A_in + A_out, each at two sizes; None where nothing is outside.

    A_in, of rank 2 at most, has its columns in S_F + span{e₁}; A_out is Σ-orthogonal to that (d × columns both).
    """
    B, found = fisher_subspace(mixture).basis, []
    span = B if is_inside(mixture) else exact.hstack([B, kept(mixture)], mixture.dimension)
    rank = min(2, span.ncols())
    for size in (Fraction(1, 4), Fraction(1)) if span.ncols() < mixture.dimension else ():
        inside = span * random_matrix(rng, span.ncols(), rank) * random_matrix(rng, rank, columns)
        _, outside = leaking(rng, span, mixture.sigma, columns)
        found.append(ratio(inside, outside, size))
    return min((x for x in found if x is not None), default=None)


def scale(size: Fraction, square: fmpq) -> fmpq:
    """Return about size/√square, a rational."""
    return exact.to_fmpq(size / Fraction(float(exact.to_fraction(square)) ** 0.5).limit_denominator(1000))


@lru_cache(maxsize=4)
def least_gain(instance: Instance) -> float | None:
    """Return the least of [L(A) − L(A_in)]/½ tr Q² over random maps, in float64: at least 1, says the proof.

    None where nothing is outside.
    """
    mixture, rng = instance.shared, instance_rng(instance)
    Gamma, bias = shared_noise(mixture), exact.to_fmpq(instance.pairs.bias)

    def loss(A: fmpq_mat) -> float:
        plain = float64_value(LOSSES["infonce"], instance, Encoder(A)).value
        return plain - float(exact.to_fraction(bias * exact.inner(A, Gamma * A)))

    def ratio(inside: fmpq_mat, outside: fmpq_mat, size: Fraction) -> float:
        unit = scale(size, exact.inner(inside + outside, mixture.R * (inside + outside)))
        a, b = inside * unit, outside * unit
        Q = b.transpose() * mixture.sigma * b
        return (loss(a + b) - loss(a)) / (0.5 * float(exact.to_fraction(exact.inner(Q, Q))))

    return least_ratio(mixture, instance.rank, rng, ratio)


def sample(rng: random.Random) -> Instance:
    """Draw a mixture in two dimensions or more."""
    while True:
        instance = random_instance(rng)
        if instance.shared.dimension > 1:
            return instance


# -- CLIP: on an instance the noises of the first coordinates of image and caption are correlated ----------------------


def paired_noise(model: CLIPGMM) -> fmpq_mat:
    """Return Γ = Σ_V e₁e₁ᵀΣ_T/max(Σ_V,₁₁, Σ_T,₁₁) (d_V × d_T)."""
    left, right = (m.sigma * kept(m) for m in (model.vision, model.text))
    return left * right.transpose() / max(model.vision.sigma[0, 0], model.text.sigma[0, 0])


@lru_cache(maxsize=4)
def least_paired_gain(instance: Instance) -> float | None:
    """Return the least of [L(W) − L(W_in)]/tr(W_outᵀΣ_V W_out Σ_T) over random maps, in float64: ≥ 1 by the proof.

    W = (A_in + A_out)A_Tᵀ, of two columns each. None where nothing is outside.
    """
    model, rng = paired_mixture(instance), instance_rng(instance)
    vision, text, Gamma, bias = model.vision, model.text, paired_noise(model), exact.to_fmpq(model.bias)

    def loss(A_V: fmpq_mat, A_T: fmpq_mat) -> float:
        plain = float64_value(LOSSES["clip"], instance, CLIPFactors(A_V, A_T)).value
        return plain - float(exact.to_fraction(2 * bias * exact.inner(A_V * A_T.transpose(), Gamma)))

    def ratio(inside: fmpq_mat, outside: fmpq_mat, size: Fraction) -> float | None:
        A_T, whole = random_matrix(rng, text.dimension, 2), inside + outside
        noise = exact.inner(outside.transpose() * vision.sigma * outside, A_T.transpose() * text.sigma * A_T)
        if not noise:
            return None
        unit = scale(size, exact.inner(whole.transpose() * vision.R * whole, A_T.transpose() * text.R * A_T))
        gained = loss(whole * unit, A_T) - loss(inside * unit, A_T)
        return gained / float(exact.to_fraction(noise * unit * unit))

    return least_ratio(vision, 2, rng, ratio)
