"""CLIP of linear maps f_V(x) = A_Vᵀx, f_T(x) = A_Tᵀx; it depends on W = A_V A_Tᵀ alone.

Both directions, x against the text and x against the image (the talk's CLIP loss; Definition 6.1):

    L(W) = −2⟨C_VT, W⟩ + E_{x_V} log E_{y_T} exp(x_VᵀWy_T) + E_{x_T} log E_{y_V} exp(y_VᵀWx_T),
    ∇L(W) = −2C_VT + Σ_k E[p_k x_V] μ_{T,k}ᵀ + Σ_k E[p_k x_V x_Vᵀ] W Σ_{T,k} + (the same the other way),

p the softmax weights of the sum of the Gaussian moment generating functions. Σ_k p_k = 1 turns the last sum into
R_V W Σ_{T,1} + Σ_k E[p_k x_V x_Vᵀ] W (Σ_{T,k} − Σ_{T,1}), whose second part vanishes for a shared covariance.
"""

from __future__ import annotations

from typing import Literal

from flint import fmpq_mat

from thmverify import exact
from thmverify.errors import InputError
from thmverify.integrate.problem import Reduced, reduce
from thmverify.losses.expressions import (
    GradientExpression,
    SoftmaxTerm,
    ValueExpression,
    check_rows,
    wrong_map,
)
from thmverify.losses.record import Loss, Row, Sense, deferred
from thmverify.maps import CLIPFactors, CLIPProduct, LinearMap
from thmverify.models import CLIPGMM, GMM, Instance, PairedGMM


def value(instance: Instance, linear_map: LinearMap) -> ValueExpression:
    """Return L(W)."""
    model = pairs_of(instance)
    W = product_matrix(linear_map, model)
    logarithms = (
        _log_partition(model.vision, model.text, W),
        _log_partition(model.text, model.vision, W.transpose()),
    )
    return ValueExpression(-2 * exact.inner(model.C, W), logarithms)


def gradient(instance: Instance, linear_map: LinearMap) -> dict[str, GradientExpression]:
    """Return ∇L(W) (d_V × d_T); with respect to A_V it is ∇L(W) A_T, to A_T it is ∇L(W)ᵀ A_V."""
    model = pairs_of(instance)
    vision, text = model.vision, model.text
    W = product_matrix(linear_map, model)
    rational = vision.R * W * text.sigmas[0] + vision.sigmas[0] * W * text.R - model.C * 2
    terms = (_direction(vision, text, W, "plain"), _direction(text, vision, W.transpose(), "transposed"))
    return {"W": GradientExpression(rational, terms)}


def _direction(source: GMM, target: GMM, W: fmpq_mat, form: Literal["plain", "transposed"]) -> SoftmaxTerm:
    """Return the integrals of ∇ E_x log E_y exp(xᵀWy), x from the source and y from the target."""
    bends = tuple(W * (sigma - target.sigmas[0]) for sigma in target.sigmas)
    bends = () if all(exact.is_zero(N) for N in bends) else bends
    return SoftmaxTerm(_log_partition(source, target, W), target.mu.transpose(), bends, form)


def pairs_of(instance: Instance) -> PairedGMM:
    """Return the instance's paired mixture.

    Raises InputError for another model.
    """
    if not isinstance(instance.model, PairedGMM):
        raise InputError("model", instance.kind, "has one modality where clip needs two", 'use "model": "clip-gmm"')
    return instance.model


def paired_mixture(instance: Instance) -> CLIPGMM:
    """Return the instance's paired mixture, in which each modality has one covariance.

    Raises InputError for another model, and where covariances differ.
    """
    return pairs_of(instance).shared


def product_matrix(linear_map: LinearMap, model: PairedGMM, loss: str = "clip") -> fmpq_mat:
    """Return W (d_V × d_T).

    Raises InputError for another kind of map or other dimensions.
    """
    match linear_map:
        case CLIPFactors(A_V, A_T):
            check_rows("A_V", A_V, model.vision.dimension)
            check_rows("A_T", A_T, model.text.dimension)
        case CLIPProduct(W):
            check_rows("W", W, model.vision.dimension)
            if W.ncols() != model.text.dimension:
                rule = f"must have {model.text.dimension} columns, the dimension of x_T"
                raise InputError("W", f"{W.nrows()} × {W.ncols()}", rule, "W is d_V × d_T")
        case _:
            raise wrong_map(loss, linear_map, '{"A_V": …, "A_T": …} or {"W": …}')
    return linear_map.W


def _log_partition(source: GMM, target: GMM, W: fmpq_mat) -> Reduced:
    """Return E_x log E_y exp(xᵀWy), x from the source and y from the target."""
    quadratic = [W * sigma * W.transpose() for sigma in target.sigmas]
    return reduce(source.w, source.mu, source.sigmas, W * target.mu, quadratic)


LOSS = Loss(
    name="clip",
    title="CLIP",
    formula=r"-2\,\mathbb{E}\, x_V^T W x_T + \mathbb{E}_{x_V} \log \mathbb{E}_{y_T} \exp(x_V^T W y_T)"
    r" + \mathbb{E}_{x_T} \log \mathbb{E}_{y_V} \exp(y_V^T W x_T)",
    sense=Sense.MINIMISED,
    normalisation="the sum of both directions, 2(ClipLoss − log N) as the batch N grows; a temperature τ is W/τ",
    models=("clip-gmm",),
    maps=(CLIPFactors, CLIPProduct),
    map_shape='{"A_V": …, "A_T": …} or {"W": …}',
    value=value,
    gradient=gradient,
    example=("clip-gmm.json", "clip-factors.json"),
    rows=(Row("clip", "CLIP"), Row("clip-product", "CLIP’s W")),
    minimiser=deferred("minimize.clip:minimise_clip"),
    budgeted=True,
    polisher=deferred("minimize.polishing:polish_clip"),
)
