"""Proposals that rest on rational arithmetic: symmetries, thresholds and levels of eigenvalues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice
from math import ceil, floor

import numpy as np
import scipy
from flint import fmpq_mat

from thmverify.certifying.grids import rational, whitening
from thmverify.certifying.proposal import Proposal
from thmverify.exact import to_floats
from thmverify.kernel.linear import beside, diagonal, null_space, select
from thmverify.kernel.models import Mixture, Pairs
from thmverify.kernel.rules.affine import centred
from thmverify.kernel.rules.ranks import symmetric
from thmverify.minimize.closed_forms import Pencil

_TRIALS, _SYMMETRIES = 5000, 720


def symmetry_proposals(pairs: Pairs) -> Iterator[Proposal]:
    """Yield symmetries that move the first component to each other one, with the one that bounds the rank best."""
    some = transitive_symmetries(pairs.modalities) or []
    if len(pairs.modalities) == 2:
        candidates = islice(_symmetries(pairs.modalities, []), _SYMMETRIES)
        some = [*some, min(candidates, key=lambda p: symmetric(pairs, _symmetry([p]).hints)[1])]
    if symmetric(pairs, _symmetry(some).hints)[1] < max(pairs.sizes):
        yield _symmetry(some)


def transitive_symmetries(mixtures: tuple[Mixture, ...]) -> list[list[int]] | None:
    """Return permutations of the components that move the first to each other one, or None."""
    found = [next(_symmetries(mixtures, [k]), None) for k in range(1, len(mixtures[0].weights))]
    return None if None in found else [p for p in found if p is not None]


def _symmetry(permutations: list[list[int]]) -> Proposal:
    return Proposal("symmetry", {"permutations": [[str(k) for k in p] for p in permutations]})


def unseen_proposals(pairs: Pairs) -> Iterator[Proposal]:
    """Yield permutations that move one modality alone, and the level by which its best directions are missed most."""
    for number, law in enumerate(pairs.modalities):
        other, moves = pairs.modalities[1 - number], fmpq_mat(law.m, 0)
        kept: list[list[int]] = []
        for p in islice(_symmetries((law,), [], other), _SYMMETRIES):
            more = beside(moves, select(law.means, range(law.m), p) - law.means)
            if more.rank() > moves.rank():
                moves, kept = more, [*kept, p]
        if kept:
            V = null_space(moves.transpose())
            seen = Pencil(V.transpose() * law.S * V, V.transpose() * law.sigma * V).values if V.ncols() else np.zeros(0)
            best = Pencil(law.S, law.sigma).values
            gaps = best[: pairs.columns] - np.pad(seen, (0, law.m - len(seen)))[: pairs.columns]
            n = int(np.argmax(gaps))
            level = Fraction(float(best[n] - gaps[n] / 2)).limit_denominator(10**6)
            symmetry = _symmetry(kept).hints
            yield Proposal("unseen", {"modality": str(number), **symmetry, "level": str(level)})


def _symmetries(mixtures: tuple[Mixture, ...], start: list[int], still: Mixture | None = None) -> Iterator[list[int]]:
    """Yield permutations that begin like this and preserve the weights and each Gram matrix, within a budget.

    Where another mixture is to stay `still`, they do not move its means.
    """
    places = None if still is None else still.means.transpose().tolist()
    grams = [(m.means.transpose() * m.sigma.inv() * m.means).tolist() for m in mixtures]
    grams.append(diagonal(mixtures[0].weights).tolist())
    K = len(mixtures[0].weights)

    def fits(image: list[int]) -> bool:
        n = len(image) - 1
        if places is not None and places[n] != places[image[n]]:
            return False
        return all(g[j][n] == g[image[j]][image[n]] for g in grams for j in range(n + 1))

    waiting = [start] if not start or fits(start) else []
    for _ in range(_TRIALS):
        if not waiting:
            return
        image = waiting.pop()
        if len(image) == K:
            yield image
        waiting += [[*image, k] for k in reversed(range(K)) if k not in image and fits([*image, k])]


def top_proposals(pairs: Pairs) -> Iterator[Proposal]:
    """Yield a level between the r-th eigenvalue of R⁻¹C on S_F and the next, and one for the order of Σ̄⁻¹S there.

    The second is the middle between the worst eigenvector of Σ̄⁻¹S that is taken and the best that is not, when those of
    R⁻¹C are eigenvectors of both; where they are not, any will do.
    """
    mixture, r = pairs.mixture, pairs.columns
    if not (pairs.bias < 1 and r < mixture.m):
        return
    B = mixture.fisher * rational(whitening(mixture), mixture.m)  # so that float64 sees a Σ̄ that is nearly 1
    C, R, S, sigma = (to_floats(B.transpose() * m * B) for m in (pairs.C, mixture.R, mixture.S, mixture.sigma))
    values, vectors = scipy.linalg.eigh(C, R)
    order = np.sum(vectors * (S @ vectors), 0) / np.sum(vectors * (sigma @ vectors), 0)
    levels = (values[-r] + values[-r - 1]) / 2, (order[-r:].min() + order[:-r].max()) / 2
    yield from _thresholds(levels)


def correlation_proposals(pairs: Pairs) -> Iterator[Proposal]:
    """Yield levels around the largest eigenvalue of R⁻¹C, and above the second, for pairs on S_F."""
    if not pairs.mixture.m:
        return
    first, second = map(float, [*Pencil(pairs.C, pairs.mixture.R).values, 0.0][:2])
    near = [Fraction(x).limit_denominator(10**6) for x in (first, first, second)]
    for low, high, more in (near, *(_outward(first, second, 10**digits) for digits in (3, 6, 12))):
        yield Proposal("levels", {"low": str(low), "high": str(high), "second": str(more)})


def _outward(first: float, second: float, places: int) -> list[Fraction]:
    """Return fractions of so many parts below the first number, above it and above the second."""
    low, high, more = (
        Fraction(round_(x * places), places) for round_, x in ((floor, first), (ceil, first), (ceil, second))
    )
    return [max(low, Fraction(0)), min(high, Fraction(1)), max(more, Fraction(0))]


def covariance_proposals(_instance: object, pairs: Pairs) -> Iterator[Proposal]:
    """Yield such levels for the mixture moved to mean 0."""
    return correlation_proposals(centred(pairs).on_fisher)


def pca_top_proposals(pairs: Pairs) -> Iterator[Proposal]:
    """Yield levels between the r-th eigenvalues of R and Σ̄⁻¹S and the next."""
    mixture, r, d = pairs.mixture, pairs.columns, pairs.mixture.dimension
    if r < d:
        orders = Pencil(mixture.R, diagonal([1] * d)).values, Pencil(mixture.S, mixture.sigma).values
        yield from _thresholds([(x[r - 1] + x[r]) / 2 for x in orders])


def _thresholds(levels: Sequence[float]) -> Iterator[Proposal]:
    """Yield the rule `threshold` for these two levels, in short numbers and then as they are."""
    for places in (10**3, 10**6, None):
        texts = [Fraction(float(x)) if places is None else Fraction(float(x)).limit_denominator(places) for x in levels]
        yield Proposal("threshold", dict(zip(("threshold", "fisher_threshold"), map(str, texts), strict=True)))
