"""Maps, drawn from a source of choices, and questions about a loss: an instance with a map of moderate logits."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flint import fmpq, fmpq_mat
from hypothesis.strategies import SearchStrategy

from thmverify import exact
from thmverify.maps import BiasedEncoder, CLIPFactors, Encoder, LinearMap, SimSiamPair
from thmverify.models import CLIPGMM, GMM, Instance
from thmverify.testing.matrices import orthonormal_columns, rational, rational_matrix
from thmverify.testing.models import clip_gmm, mixture_instance
from thmverify.testing.sources import Source, Span, size_in, strategy


def map_matrix(source: Source, rows: int, columns: int, hostile: bool = True) -> fmpq_mat:
    """Return a rows × columns factor; when hostile, sometimes 0, of rank 1, or with a repeated column."""
    A = rational_matrix(source, rows, columns, size=2)
    if hostile:
        match source.integer(0, 7):
            case 5:
                return exact.zeros(rows, columns)
            case 6:
                return A * exact.column([1] + [0] * (columns - 1)) * rational_matrix(source, 1, columns)
            case 7:
                return exact.submatrix(A, range(rows), [source.integer(0, columns - 1) for _ in range(columns)])
    return A


def encoder(source: Source, dimension: int, columns: Span | None = None, hostile: bool = True) -> Encoder:
    """Return f(x) = Aᵀx with A of d × r; r defaults to 1 … d + 2."""
    return Encoder(map_matrix(source, dimension, size_in(source, columns or (1, dimension + 2)), hostile))


def clip_factors(source: Source, dimensions: tuple[int, int], columns: Span = (1, 4)) -> CLIPFactors:
    """Return A_V and A_T with the same number of columns."""
    r = size_in(source, columns)
    return CLIPFactors(map_matrix(source, dimensions[0], r), map_matrix(source, dimensions[1], r))


def simsiam_pair(source: Source, dimension: int, columns: Span = (1, 4)) -> SimSiamPair:
    """Return an encoder and a predictor, which is singular now and then."""
    r = size_in(source, columns)
    return SimSiamPair(map_matrix(source, dimension, r), map_matrix(source, r, r))


def moderated(A: fmpq_mat, mixture: GMM, spread: int = 4) -> fmpq_mat:
    """Return A scaled by a power of 2 so that the logits of InfoNCE, xᵀAAᵀμ_k and so on, spread by at most `spread`."""
    while _spread(A * A.transpose(), mixture, mixture) > spread:
        A = A * fmpq(1, 2)
    return A


def moderated_factors(factors: CLIPFactors, model: CLIPGMM, spread: int = 4) -> CLIPFactors:
    """Return the factors scaled alike by a power of 2, as `moderated` does, for both directions of CLIP."""
    W = factors.W
    scale = fmpq(1)
    while max(_spread(W, model.vision, model.text), _spread(W.transpose(), model.text, model.vision)) > spread:
        W, scale = W * fmpq(1, 4), scale * fmpq(1, 2)
    return CLIPFactors(factors.A_V * scale, factors.A_T * scale)


def _spread(W: fmpq_mat, source: GMM, target: GMM) -> float:
    """Return the size of log E_y exp(xᵀWy) as a function of x: within a component, between them, and bent."""
    slopes = W * target.mu
    within = [slopes.transpose() * sigma * slopes for sigma in source.sigmas]
    between = [abs(x) for x in (source.mu.transpose() * slopes).entries()]
    bends = [W * sigma * W.transpose() for sigma in target.sigmas]
    bent = [exact.inner(bend, sigma) for bend in bends for sigma in source.sigmas]
    worst = max(w[k, k] for w in within for k in range(target.components))
    return math.sqrt(exact.to_fraction(worst)) + float(exact.to_fraction(max(between) + max(bent)))


@dataclass(frozen=True)
class Posed:
    """A question about a loss: its name, an instance, and a map it takes."""

    loss: str
    instance: Instance
    linear_map: LinearMap


def posed(
    source: Source,
    loss: str,
    components: Span = (1, 4),
    dimension: Span = (1, 4),
    columns: Span = 1,
    spread: int = 4,
    shared: bool | None = True,
    hostile: bool = True,
) -> Posed:
    """Return a question about `loss`; maps of losses with integrals have r = `columns` and are moderated."""
    if loss in ("clip", "clip-batch"):
        model = clip_gmm(source, components, (dimension, dimension), hostile=hostile)
        factors = clip_factors(source, (model.vision.dimension, model.text.dimension), columns)
        return Posed(loss, Instance(model, 1), moderated_factors(factors, model, spread))
    question = mixture_instance(source, components, dimension, None, shared, hostile)
    mixture = question.pairs.mixture
    d = mixture.dimension
    match loss:
        case (
            "infonce"
            | "infonce-weighted"
            | "logistic"
            | "infonce-finite"
            | "dcl"
            | "supcon"
            | "ntxent-unnormalised"
            | "simclr-normalised"
            | "infonce-key-bias"
        ):
            A = encoder(source, d, columns, hostile).A
            return Posed(loss, question, Encoder(moderated(A, mixture, spread)))
        case "siglip":
            A = encoder(source, d, columns, hostile).A
            return Posed(
                loss, question, BiasedEncoder(moderated(A, mixture, spread), exact.to_fmpq(rational(source, 2)))
            )
        case "barlow-twins":
            A = encoder(source, d, columns, hostile=False).A
            return Posed(loss, question, Encoder(without_zeros(A)))
        case "vicreg":
            A = without_zeros(encoder(source, d, columns, hostile=False).A)
            return Posed(loss, question, Encoder(A * fmpq(1, 2 ** source.integer(0, 3))))
        case "simsiam":
            return Posed(loss, question, simsiam_pair(source, d))
        case "pca":
            columns = source.integer(1, d)
            return Posed(loss, question, Encoder(orthonormal_columns(source, d, columns)))
        case _:
            return Posed(loss, question, encoder(source, d, hostile=hostile))


def without_zeros(A: fmpq_mat) -> fmpq_mat:
    """Return A with each column that is 0 replaced by the first unit vector."""
    for j in range(A.ncols()):
        if all(A[i, j] == 0 for i in range(A.nrows())):
            A[0, j] = fmpq(1)
    return A


def encoders(dimension: int, columns: Span | None = None, hostile: bool = True) -> SearchStrategy[Encoder]:
    """Encoders on Q^d; see `encoder`."""
    return strategy(lambda source: encoder(source, dimension, columns, hostile))


def posed_questions(
    loss: str,
    components: Span = (1, 4),
    dimension: Span = (1, 4),
    columns: Span = 1,
    spread: int = 4,
    shared: bool | None = True,
    hostile: bool = True,
) -> SearchStrategy[Posed]:
    """Questions about a loss; see `posed`."""
    return strategy(lambda source: posed(source, loss, components, dimension, columns, spread, shared, hostile))
