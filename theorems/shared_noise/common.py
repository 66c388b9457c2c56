"""What the statements about pairs that share noise share: the loss, one kind of such pairs, and what it costs to leave.

On an instance both points of a pair keep the noise of the first coordinate, as a crop keeps the background: given the
component ξ₁ = ξ̂₁, and the rest of ξ and ξ̂ is independent given that. Then Γ = Cov(x, x̂ | k) = Σe₁e₁ᵀΣ/Σ₁₁.
"""

from __future__ import annotations

import random
from fractions import Fraction
from functools import lru_cache

from flint import fmpq_mat

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
from thmverify.theorems.common import projected

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


@lru_cache(maxsize=4)
def least_gain(instance: Instance) -> float | None:
    """Return the least of [L(A) − L(A_in)]/½ tr Q² over random maps, in float64: at least 1, says the proof.

    A_in, of rank 2 at most, has its columns in S_F + span{e₁}; A_out is Σ-orthogonal to that. None where nothing is.
    """
    mixture, rng = instance.shared, instance_rng(instance)
    B, sigma, Gamma = fisher_subspace(mixture).basis, mixture.sigma, shared_noise(mixture)
    span = B if is_inside(mixture) else exact.hstack([B, kept(mixture)], mixture.dimension)
    if span.ncols() == mixture.dimension:
        return None
    bias, found = exact.to_fmpq(instance.pairs.bias), []
    for scale in (Fraction(1, 4), Fraction(1)):
        rank = min(2, span.ncols())
        inside = span * random_matrix(rng, span.ncols(), rank) * random_matrix(rng, rank, instance.rank)
        drawn = random_matrix(rng, mixture.dimension, instance.rank)
        outside = drawn - projected(span, sigma, drawn)
        if exact.is_zero(outside):
            continue
        size = exact.inner(inside + outside, mixture.R * (inside + outside))
        unit = exact.to_fmpq(scale / Fraction(float(exact.to_fraction(size)) ** 0.5).limit_denominator(1000))
        a, b = inside * unit, outside * unit
        values = [float64_value(LOSSES["infonce"], instance, Encoder(X)).value for X in (a + b, a)]
        shared = [float(exact.to_fraction(bias * exact.inner(X, Gamma * X))) for X in (a + b, a)]
        Q = b.transpose() * sigma * b
        found.append(
            (values[0] - shared[0] - values[1] + shared[1]) / (0.5 * float(exact.to_fraction(exact.inner(Q, Q))))
        )
    return min(found, default=None)


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

    A_in has its columns in S_{V,F} + span{e₁}, A_out is Σ_V-orthogonal to that, W = (A_in + A_out)A_Tᵀ of rank 2 at
    most. None where nothing is outside.
    """
    model, rng = paired_mixture(instance), instance_rng(instance)
    vision, Gamma, bias = model.vision, paired_noise(model), exact.to_fmpq(model.bias)
    B, sigma = fisher_subspace(vision).basis, vision.sigma
    span = B if is_inside(vision) else exact.hstack([B, kept(vision)], vision.dimension)
    if span.ncols() == vision.dimension:
        return None
    found = []
    for scale in (Fraction(1, 4), Fraction(1)):
        inside, drawn = (
            span * random_matrix(rng, span.ncols(), 2),
            random_matrix(rng, vision.dimension, 2),
        )
        outside = drawn - projected(span, sigma, drawn)
        A_T = random_matrix(rng, model.text.dimension, 2)
        spread = exact.inner(
            (inside + outside).transpose() * vision.R * (inside + outside), A_T.transpose() * model.text.R * A_T
        )
        noise = exact.inner(outside.transpose() * sigma * outside, A_T.transpose() * model.text.sigma * A_T)
        if not noise:
            continue
        unit = exact.to_fmpq(scale / Fraction(float(exact.to_fraction(spread)) ** 0.5).limit_denominator(1000))
        values = []
        for A_V in ((inside + outside) * unit, inside * unit):
            shared = 2 * bias * exact.inner(A_V * A_T.transpose(), Gamma)
            plain = float64_value(LOSSES["clip"], instance, CLIPFactors(A_V, A_T)).value
            values.append(plain - float(exact.to_fraction(shared)))
        found.append((values[0] - values[1]) / float(exact.to_fraction(noise * unit * unit)))
    return min(found, default=None)
