"""Proposals that rest on rational arithmetic: symmetries and thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

import numpy as np
import scipy

from thmverify.certifying.grids import rational, whitening
from thmverify.certifying.proposal import Proposal
from thmverify.exact import to_floats
from thmverify.kernel.linear import diagonal
from thmverify.kernel.models import Mixture, Pairs
from thmverify.kernel.rules.ranks import symmetric

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


def _symmetries(mixtures: tuple[Mixture, ...], start: list[int]) -> Iterator[list[int]]:
    """Yield permutations that begin like this and preserve the weights and each Gram matrix, within a budget."""
    grams = [(m.means.transpose() * m.sigma.inv() * m.means).tolist() for m in mixtures]
    grams.append(diagonal(mixtures[0].weights).tolist())
    K = len(mixtures[0].weights)

    def fits(image: list[int]) -> bool:
        n = len(image) - 1
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
    for places in (10**3, 10**6, None):
        texts = [Fraction(float(x)) if places is None else Fraction(float(x)).limit_denominator(places) for x in levels]
        yield Proposal("threshold", dict(zip(("threshold", "fisher_threshold"), map(str, texts), strict=True)))
