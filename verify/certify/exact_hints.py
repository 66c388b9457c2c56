"""Proposals that rest on rational arithmetic: symmetries and thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from scipy.linalg import eigh

from verify.certify.proposal import Proposal
from verify.exact import to_floats
from verify.kernel.linear import null_space
from verify.kernel.models import Mixture, Pairs

_PERMUTATIONS = 5000


def symmetry_proposals(mixtures: tuple[Mixture, ...]) -> Iterator[Proposal]:
    """Yield permutations that move the first component to each other one and preserve weights and Gram matrices."""
    grams = [(m.means.transpose() * m.sigma.inv() * m.means).tolist() for m in mixtures]
    weights, K = mixtures[0].weights, len(mixtures[0].weights)
    if any(w != weights[0] for w in weights):
        return
    budget = [_PERMUTATIONS]

    def extend(image: list[int]) -> list[int] | None:
        n = len(image)
        budget[0] -= 1
        if n == K or budget[0] < 0:
            return image if n == K else None
        for k in set(range(K)) - set(image):
            trial = [*image, k]
            if all(g[j][n] == g[trial[j]][k] for g in grams for j in range(n + 1)):
                done = extend(trial)
                if done is not None:
                    return done
        return None

    found = [extend([k]) if all(g[0][0] == g[k][k] for g in grams) else None for k in range(1, K)]
    permutations = [[str(k) for k in p] for p in found if p is not None]
    if len(permutations) == K - 1:
        yield Proposal("symmetry", {"permutations": permutations})


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
