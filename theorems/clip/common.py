"""What the statements about CLIP share: the loss, symbols, margins, and instances that several speak of."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from thmverify import exact, vocabulary
from thmverify.exact import to_floats
from thmverify.losses import LOSSES
from thmverify.losses.clip import paired_mixture
from thmverify.losses.levels import float64_gradient
from thmverify.maps import CLIPFactors
from thmverify.minimize import minimise
from thmverify.minimize.result import ACCEPTED
from thmverify.models import CLIPGMM, Instance, SharedGMM
from thmverify.rationals import NumberRows
from thmverify.statement import Conclusion, Quantity
from thmverify.subspaces import fisher_subspace
from thmverify.theorems.common import split

SYMBOLS = vocabulary.entries("d_V", "d_T", "K", "r", "w", "Sigma_V", "Sigma_T", "delta")

QUANTITY = Quantity(
    r"L(A_V, A_T) = -2\,\mathbb{E}[x_V^T W x_T] + \mathbb{E}_{x_V} \log \mathbb{E}_{y_T} \exp(x_V^T W y_T)"
    r" + \mathbb{E}_{x_T} \log \mathbb{E}_{y_V} \exp(y_V^T W x_T),\quad W = A_V A_T^T",
    "clip",
)


@dataclass(frozen=True)
class Leak:
    """How fast L grows, in float64, when the part of W outside one modality's S_F is scaled up, and at least.

    `least` is what the proof says it is at least, 2 tr(HQ) + tr(TQ) with Q = A_outᵀΣA_out of this modality, H = AᵀΣA
    and T = AᵀSA of the other: exact, and positive where W has a part outside.
    """

    slope: float
    least: float


def leaks(instance: Instance, factors: CLIPFactors) -> list[Leak]:
    """Evaluate the slope ⟨∇L(W), A_out Aᵀ⟩ in each modality in which W leaks."""
    model = paired_mixture(instance)
    gradient = float64_gradient(LOSSES["clip"], instance, factors).derivatives["W"]
    found = []
    for this, other, A, B, slopes in (
        (model.vision, model.text, factors.A_V, factors.A_T, gradient),
        (model.text, model.vision, factors.A_T, factors.A_V, gradient.T),
    ):
        outside = split(this, A)[1]
        Q = outside.transpose() * this.sigma * outside
        least = exact.inner(Q, B.transpose() * (other.sigma * 2 + other.S) * B)
        if least:
            slope = float(np.sum(slopes * to_floats(outside * B.transpose())))
            found.append(Leak(slope, float(exact.to_fraction(least))))
    return found


WITNESS = Instance(
    CLIPGMM(
        SharedGMM((Fraction(1, 3), Fraction(2, 3)), ((1, 0, 0), (0, 1, 0)), ((2, 1, 0), (1, 2, 1), (0, 1, 3))),
        SharedGMM((Fraction(1, 3), Fraction(2, 3)), ((1, 2, 0), (0, 0, 1)), ((1, 0, 0), (0, 2, 1), (0, 1, 2))),
    ),
    2,
)

EQUALITY = Conclusion(
    r"(A_V^*, A_T^*) \in \mathrm{argmin}\, L \implies "
    r"\mathrm{Col}(W^*) = S_{V,F},\ \mathrm{Col}(W^{*T}) = S_{T,F},\quad W^* = A_V^* A_T^{*T}",
    "Col(W*) = S_{V,F} and Col(W*ᵀ) = S_{T,F} for W* = A_V* A_T*ᵀ of every minimiser of the CLIP loss over factors "
    "with r columns.",
)


def smallest_value(instance: Instance) -> float:
    """Return minus the smallest singular value of W*, whitened, in float64; 1 where the dimensions differ or exceed r.

    Where a number below the error of the minimiser counts as 0. −1 where both subspaces are {0}.
    """
    model = paired_mixture(instance)
    sizes = [fisher_subspace(mixture).dimension for mixture in (model.vision, model.text)]
    if sizes == [0, 0]:
        return -1.0
    if sizes[0] != sizes[1] or sizes[0] > instance.rank:
        return 1.0
    W = minimise("clip", instance).maps["W"]
    roots = [np.linalg.cholesky(to_floats(mixture.sigma)) for mixture in (model.vision, model.text)]
    return ACCEPTED - float(np.linalg.svd(roots[0].T @ W @ roots[1], compute_uv=False)[sizes[0] - 1])


def plain(vision: NumberRows, text: NumberRows, bias: Fraction = Fraction(1)) -> Instance:
    """Return the instance of equally likely components with these means and covariance I."""
    weights = (Fraction(1, len(vision)),) * len(vision)
    return Instance(CLIPGMM(SharedGMM(weights, vision), SharedGMM(weights, text), bias), len(vision))


CORNERS = list(itertools.product((1, -1), repeat=3))

CROSSED = plain([(1,), (1,), (-1,), (-1,)], [(1,), (-1,), (1,), (-1,)])

BLURRED = plain([(1, 0), (0, 1), (-1, -1)], [(1,), (0,), (-1,)], Fraction(1, 2))

PAIR = plain([(1,), (-1,)], [(1,), (-1,)])
