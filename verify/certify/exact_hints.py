"""Proposals that rest on rational arithmetic: symmetries and thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

import numpy as np
from scipy.linalg import eigh

from verify.certify.proposal import Proposal
from verify.exact import to_floats
from verify.kernel.linear import diagonal, null_space
from verify.kernel.models import Mixture, Paired, Pairs
from verify.kernel.rules.clip import symmetry_bound

_TRIALS, _SYMMETRIES = 5000, 720


def symmetry_proposals(mixtures: tuple[Mixture, ...]) -> Iterator[Proposal]:
    """Yield symmetries that move the first component to each other one, if there are such."""
    found = transitive_symmetries(mixtures)
    if found is not None:
        yield _symmetry(found)


def clip_symmetry_proposals(paired: Paired) -> Iterator[Proposal]:
    """Yield those, and the symmetry that bounds the rank of the minimiser best."""
    modalities = (paired.vision, paired.text)
    some = transitive_symmetries(modalities) or []
    best = min(
        islice(_symmetries(modalities, []), _SYMMETRIES),
        key=lambda p: symmetry_bound(paired, _symmetry([p]).hints),
    )
    proposal = _symmetry([*some, best])
    if symmetry_bound(paired, proposal.hints) < max(paired.vision.m, paired.text.m):
        yield proposal


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
    if not (0 < pairs.bias < 1 and r < mixture.m):
        return
    C, R, S, sigma = (
        to_floats(mixture.fisher.transpose() * m * mixture.fisher)
        for m in (pairs.C, mixture.R, mixture.S, mixture.sigma)
    )
    values, vectors = eigh(C, R)
    order = np.sum(vectors * (S @ vectors), 0) / np.sum(vectors * (sigma @ vectors), 0)
    levels = (values[-r] + values[-r - 1]) / 2, (order[-r:].min() + order[:-r].max()) / 2
    for places in (10**3, 10**6, None):
        texts = [Fraction(float(x)) if places is None else Fraction(float(x)).limit_denominator(places) for x in levels]
        yield Proposal("threshold", dict(zip(("threshold", "fisher_threshold"), map(str, texts), strict=True)))


def threshold_proposals(pairs: Pairs) -> Iterator[Proposal]:
    """Yield the middle between R's eigenvalues on S_F and across it."""
    mixture = pairs.mixture
    B = mixture.fisher
    P = null_space(B.transpose())
    if B.ncols() and P.ncols():
        along, across = (
            eigh(to_floats(Q.transpose() * mixture.R * Q), to_floats(Q.transpose() * Q), eigvals_only=True)
            for Q in (B, P)
        )
        middle = (float(along.min()) + float(across.max())) / 2
        yield Proposal("threshold", {"threshold": str(Fraction(middle).limit_denominator(10**9))})
        yield Proposal("threshold", {"threshold": str(Fraction(middle))})
