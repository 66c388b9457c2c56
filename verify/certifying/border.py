"""Proposals for the border rule: the best map inside a subspace, and a better one across its border."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import scipy
from flint import fmpq_mat

from thmverify import exact
from thmverify.certifying.fisher import instance_of
from thmverify.certifying.grids import Grids, OutOfReachError, propose, rational, whitening
from thmverify.certifying.proposal import Proposal
from thmverify.certifying.writing import dyadics, rationals
from thmverify.exact import to_floats
from thmverify.kernel.models import Mixture, Pairs
from thmverify.kernel.rules.border import is_reflected
from thmverify.losses.clip import pairs_of
from thmverify.minimize.clip import separate_energy, unconstrained
from thmverify.minimize.coordinates import Coordinates, fisher_coordinates, full_coordinates
from thmverify.minimize.energy import SharedEnergy
from thmverify.minimize.infonce import restricted
from thmverify.minimize.newton import minimise_on_cone
from thmverify.minimize.result import TOLERANCE, gram_factor
from thmverify.minimize.separate import SeparateEnergy, SeparatePairedEnergy
from thmverify.models import Floats, Instance

_NATS = ((24.0, 32.0, 40.0),) * 4 + ((12.0, 16.0, 20.0),)  # by rank: a node costs more
_STEPS = [4.0 * 2.0**-n for n in range(14)]  # tried across the border
_SLOPE, _GAIN = 1e-10, 1e-14  # below this rounding may have made it


def nonshared_proposals(instance: Instance, pairs: Pairs) -> Iterator[Proposal]:
    """Yield hints that a map across the border of S_F is better than all inside.

    Raises OutOfReachError without an affordable grid.
    """
    for hints in _crossings(instance, pairs, pairs.mixture.fisher):
        yield Proposal("border", hints)


def reflection_proposals(instance: Instance, pairs: Pairs) -> Iterator[Proposal]:
    """Yield hints that the best map inside S_F is the minimiser, where a reflection swaps components.

    Raises OutOfReachError without an affordable grid.
    """
    mixture = pairs.mixture
    if mixture.shared or pairs.columns < mixture.m or not is_reflected(mixture):
        return
    X = mixture.fisher
    inside = _inside(instance, X, full_coordinates(instance.pairs.mixture))
    factor = X * rational(inside.V, len(inside.V[0]))
    for nats in _NATS[min(4, factor.ncols())]:
        grids = gradient_grids(mixture, factor, nats)
        hints = {"V": inside.V, "N": inside.N, "grids": grids.grids}
        yield Proposal("reflection", {"precision": str(grids.bits), "modulus": str(modulus_of(mixture)), **hints})


def clip_nonshared_proposals(instance: Instance, pairs: Pairs) -> Iterator[Proposal]:
    """Yield hints that a W across the border of the Fisher subspaces is better than all inside.

    Raises OutOfReachError without an affordable grid.
    """
    model = pairs_of(instance)
    frames = fisher_coordinates(model.vision), fisher_coordinates(model.text)
    spaces = full_coordinates(model.vision), full_coordinates(model.text)
    energy = separate_energy(model, *spaces)
    into = [np.linalg.pinv(s.embedding) @ f.embedding for s, f in zip(spaces, frames, strict=True)]
    left, right = _halves(unconstrained(separate_energy(model, *frames)))
    moduli = [modulus_of(mixture) for mixture in pairs.modalities]
    within = into[0] @ left @ (into[1] @ right).T
    across = _halves(_paired_across(energy, within, pairs.columns, float(sum(moduli))))
    texts = [_text(f.to_basis @ x) for f, x in zip(frames, (left, right), strict=True)]
    points = [_text(s.embedding @ x) for s, x in zip(spaces, across, strict=True)]
    columns, r = left.shape[1], across[0].shape[1]
    inside = [x.fisher * rational(text, columns) for x, text in zip(pairs.modalities, texts, strict=True)]
    outside = [rational(text, r) for text in points]
    for nats in _NATS[min(4, max(columns, r))]:
        grids = [[_clip_grids(pairs, D, i, nats) for i in (0, 1)] for D in (inside, outside)]
        hints = {
            "precision": str(max(g.bits for both in grids for g in both)),
            "moduli": [str(kappa) for kappa in moduli],
            "left": texts[0],
            "right": texts[1],
            "grids": [g.grids for g in grids[0]],
            "W_V": points[0],
            "W_T": points[1],
            "grids_across": [g.grids for g in grids[1]],
        }
        yield Proposal("border", hints)


def _halves(Y: Floats) -> tuple[Floats, Floats]:
    """Return columns V and W with Y = VWᵀ."""
    outer, sizes, inner = np.linalg.svd(Y, full_matrices=False)
    kept = sizes > _SLOPE * max(1.0, float(sizes.max(initial=0.0)))
    roots = np.sqrt(sizes[kept])
    return outer[:, kept] * roots, inner[kept].T * roots


def _paired_across(energy: SeparatePairedEnergy, Y: Floats, r: int, modulus: float) -> Floats:
    """Return the Y' of rank at most r such that L certainly rises most from it to Y: a step down the gradient.

    Raises OutOfReachError when nothing helps.
    """
    g = energy.point(Y).gradient
    best, gain = Y, -math.inf
    for s in _STEPS:
        outer, sizes, inner = np.linalg.svd(Y - s * g, full_matrices=False)
        there = outer[:, :r] * sizes[:r] @ inner[:r]
        step = Y - there
        found = float(np.sum(energy.point(there).gradient * step)) + modulus / 2 * float(np.sum(step * step))
        if found > gain:
            best, gain = there, found
    if gain < _GAIN:
        raise OutOfReachError("as far as float64 can tell, no step across the border leads to a better map")
    return best


def _clip_grids(pairs: Pairs, D: Sequence[fmpq_mat], source: int, nats: float) -> Grids:
    """Return grids for one direction of `kernel.enclosure.clip_gradient` at D[0]·D[1]ᵀ.

    Raises OutOfReachError when the kernel would not take them.
    """
    x, y, own, other = pairs.modalities[source], pairs.modalities[1 - source], D[source], D[1 - source]
    bends = [other.transpose() * (sigma - y.covariances[0]) * other for sigma in y.covariances]
    return propose(x, own, other.transpose() * y.offsets, nats, () if y.shared else bends)


def infonce_top_proposals(instance: Instance, pairs: Pairs, boxes: bool = False) -> Iterator[Proposal]:
    """Yield hints that a map across the border of the best column space for J is better than all inside.

    `pairs` are those on S_F; floats work in coordinates that are nearly white; the grids are lattices in boxes alone if
    `boxes`. Raises OutOfReachError without an affordable grid.
    """
    Q = rational(whitening(pairs.mixture), pairs.mixture.m)
    pairs = Pairs([pairs.mixture.reduced(Q)], pairs.bias, pairs.columns, pairs.decay)
    instance = instance_of(instance, pairs.modalities)
    mixture, r = pairs.mixture, pairs.columns
    B = mixture.fisher
    S, G = (to_floats(B.transpose() * m * B) for m in (mixture.S, mixture.sigma))
    values, vectors = scipy.linalg.eigh(S, G)
    values, vectors = values[::-1], vectors[:, ::-1]
    gap = float(values[r - 1] - values[r])
    if gap < _SLOPE * values[0]:  # a tie: no space is the best
        return
    levels = [str(_simple(float(values[r - 1]) - gap / 4)), str(_simple(float(values[r]) + gap / 4))]
    X = B * _rational_space(mixture, vectors[:, :r])
    for hints in _crossings(instance, pairs, X, boxes):
        W = rationals(Q * rational(hints["W"], len(hints["W"][0])))
        yield Proposal("border", {"X": rationals(Q * X), "levels": levels, "border": {**hints, "W": W}})


def _rational_space(mixture: Mixture, vectors: Floats) -> fmpq_mat:
    """Return columns that span what the vectors span: exactly invariant under Σ⁻¹S if small numbers are, else rounded.

    vectors: m × r, in the coordinates of B.
    """
    B, r = mixture.fisher, vectors.shape[1]
    T = (B.transpose() * mixture.sigma * B).inv() * B.transpose() * mixture.S * B
    rows = _independent_rows(vectors)
    reduced = vectors @ np.linalg.inv(vectors[rows])
    simple = exact.matrix([[_simple(float(x)) for x in row] for row in reduced], columns=r)
    if exact.hstack([simple, T * simple], len(vectors)).rank() == r:
        return simple
    return exact.matrix([[Fraction(float(x)) for x in row] for row in reduced], columns=r)


def _independent_rows(vectors: Floats) -> list[int]:
    """Return r rows of an m × r matrix with a determinant that is not small: those that pivoting picks."""
    left, rows = vectors.copy(), []
    for _ in range(vectors.shape[1]):
        best = int(np.argmax(np.linalg.norm(left, axis=1)))
        rows.append(best)
        unit = left[best] / np.linalg.norm(left[best])
        left = left - np.outer(left @ unit, unit)
    return rows


def _simple(x: float) -> Fraction:
    return Fraction(x).limit_denominator(1000)


@dataclass(frozen=True)
class _Inside:
    """The best map inside: V and the null vectors N in the basis X (texts), and V in the coordinates of the space."""

    V: list[list[str]]
    N: list[list[str]]
    factor: Floats


def _crossings(instance: Instance, pairs: Pairs, X: fmpq_mat, boxes: bool = False) -> Iterator[dict[str, Any]]:
    mixture = pairs.mixture
    given = instance.pairs.mixture
    whole = fisher_coordinates(given) if mixture.shared else full_coordinates(given)
    energy, _ = restricted(instance, whole)
    inside = _inside(instance, X, whole)
    modulus = modulus_of(mixture)
    across = _across(energy, inside.factor, pairs.columns, float(modulus))
    W = _text(whole.embedding @ across)
    factors = [X * rational(inside.V, len(inside.V[0])), rational(W, across.shape[1])]
    for nats in _NATS[min(4, max(factor.ncols() for factor in factors))]:
        grids = [gradient_grids(mixture, factor, nats, boxes) for factor in factors]
        yield {
            "precision": str(max(g.bits for g in grids)),
            "modulus": str(modulus),
            "V": inside.V,
            "N": inside.N,
            "grids": grids[0].grids,
            "W": W,
            "grids_across": grids[1].grids,
        }


def _inside(instance: Instance, X: fmpq_mat, whole: Coordinates) -> _Inside:
    coordinates = Coordinates(instance.pairs.mixture, X)
    energy, R = restricted(instance, coordinates)
    found = minimise_on_cone(energy, R, TOLERANCE)
    V = gram_factor(found.Y)
    slopes, vectors = np.linalg.eigh(found.Z)
    N = vectors[:, slopes > _SLOPE]
    back = np.linalg.pinv(whole.embedding) @ coordinates.embedding
    return _Inside(_text(coordinates.to_basis @ V), _text(coordinates.to_basis @ N), back @ V)


def _text(columns: Floats) -> list[list[str]]:
    return dyadics(columns) if columns.shape[1] else [[] for _ in columns]


def _across(energy: SharedEnergy | SeparateEnergy, V: Floats, r: int, modulus: float) -> Floats:
    """Return W such that L certainly rises most from WWᵀ to VVᵀ: a step from V down the gradient.

    Where V is stationary, another column is tried instead if there may be one; of more than r the main part is kept.
    Raises OutOfReachError when nothing helps.
    """
    M = V @ V.T
    g = energy.point(M).gradient
    best, gain, new = V, -math.inf, V[:, :0]
    if np.linalg.norm(g @ V) < _SLOPE and V.shape[1] < r:
        slopes, vectors = np.linalg.eigh(g)
        new = vectors[:, :1] * math.sqrt(max(0.0, -float(slopes[0])))
    for s in _STEPS:
        directions, sizes, _ = np.linalg.svd(np.hstack([V - s * g @ V, math.sqrt(s) * new]), full_matrices=False)
        W = (directions * sizes)[:, :r]
        step = M - W @ W.T
        found = float(np.sum(energy.point(W @ W.T).gradient * step)) + modulus / 2 * float(np.sum(step * step))
        if found > gain:
            best, gain = W, found
    if gain < _GAIN and V.shape[1] > r:
        raise OutOfReachError(f"the best map inside has rank {V.shape[1]}, and none of rank {r} is known to be better")
    if gain < _GAIN:
        raise OutOfReachError("as far as float64 can tell, no step across the border leads to a better map")
    return best


def modulus_of(mixture: Mixture) -> Fraction:
    """Return a simple κ with Σ_k ⪰ κΣ̄ for all k, nearly the largest."""
    if mixture.shared:
        return Fraction(1)
    sigma = to_floats(mixture.sigma)
    least = min(float(scipy.linalg.eigh(to_floats(s), sigma, eigvals_only=True)[0]) for s in mixture.covariances)
    scale = 10 ** max(1, math.ceil(1 - math.log10(least)))
    return Fraction(max(1, math.floor(least * (1 - 1e-9) * scale)), scale)


def gradient_grids(mixture: Mixture, V: fmpq_mat, nats: float, boxes: bool = False) -> Grids:
    """Return grids for `kernel.enclosure.infonce_gradient` at VVᵀ.

    Raises OutOfReachError when the kernel would not take them.
    """
    bends = [V.transpose() * (sigma - mixture.covariances[0]) * V for sigma in mixture.covariances]
    return propose(mixture, V, V.transpose() * mixture.offsets, nats, () if mixture.shared else bends, boxes, boxes)
