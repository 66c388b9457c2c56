"""How long `decide` and `check` take in CPU time: a mixed bag of 50 instances, then by rank, hostile and large ones.

python -m benchmarks.decide [SEED]
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

from thmverify import exact
from thmverify import testing as st
from thmverify.certifying import decide
from thmverify.errors import InputError
from thmverify.kernel import check
from thmverify.losses import LOSSES
from thmverify.losses.levels import enclose
from thmverify.maps import Encoder
from thmverify.minimize import minimise
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.testing import Seeded
from thmverify.verdicts import Outcome

COUNT, RANK = 50, 2
RANKS, EACH = range(3, 8), 3  # infonce-equality for K = rank + 1 components, and so many instances of each rank
HOSTILE = 200  # infonce-equality where rank = K ≤ 7; half of the draws are degenerate on purpose
LARGE = (
    (10, 61, "dense"),
    (64, 200, "dense"),
    (10, 1000, "diagonal"),
    (64, 1000, "diagonal"),
    (10, 10_000, "diagonal"),
)
CLAIMS = ("infonce-inclusion", "spectral-equality", "pca-equality", "infonce-equality")
T = TypeVar("T")


def instance(source: Seeded, claim: str) -> Instance:
    """Return a random instance whose minimiser has rank at most RANK."""
    if claim.startswith("clip"):
        paired = st.clip_gmm(source, components=(2, 5), dimensions=(RANK, RANK), hostile=False)
        return Instance(paired, RANK)
    K = source.integer(2, 5)
    dimension = source.integer(1, 6) if K <= RANK else source.integer(1, RANK)
    mixture = st.shared_gmm(source, components=K, dimension=dimension, hostile=False)
    return Instance(AugmentedPairs(mixture, Fraction(source.integer(1, 10), 10)), K)


def large(K: int, d: int, covariance: str, rng: random.Random) -> Instance:
    """Return a centred instance with equal weights, means of four digits and a covariance of this kind."""
    means = [[Fraction(rng.randint(-9999, 9999), 10_000) for _ in range(d)] for _ in range(K - 1)]
    means.append([-sum(column, Fraction(0)) for column in zip(*means, strict=True)])
    if covariance == "diagonal":
        sigma = exact.Diagonal([Fraction(rng.randint(1000, 9999), 1000) for _ in range(d)])
        return Instance(AugmentedPairs(SharedGMM([Fraction(1, K)] * K, means, sigma)), K)
    root = exact.matrix([[Fraction(rng.randint(-9, 9), 10) for _ in range(d)] for _ in range(d)])
    rows = exact.to_rows(root * root.transpose() + exact.identity(d))
    return Instance(AugmentedPairs(SharedGMM([Fraction(1, K)] * K, means, rows)), K)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return the CPU seconds of a call, and what it returned."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def main() -> None:
    """Print the medians, the largest ratio, and how many are undecided; then a row for each large instance."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    source = Seeded(random.Random(seed))
    deciding, checking, outcomes = mixed(source)
    print(f"decide: median {statistics.median(deciding):.3f} s, largest {max(deciding):.3f} s, of {COUNT}, CPU time")
    print(f"check:  median {statistics.median(checking):.4f} s, largest {max(checking):.3f} s")
    print(f"check / decide in all: {sum(checking) / sum(deciding):.2f}")
    print(", ".join(f"{n} {outcome}" for outcome, n in outcomes.items()), flush=True)
    by_rank(source)
    hostile(seed)
    rng = random.Random(seed)
    for K, d, covariance in LARGE:
        row(large(K, d, covariance, rng), f"K = {K}, d = {d}, {covariance}")


def mixed(source: Seeded) -> tuple[list[float], list[float], Counter[str]]:
    """Return the CPU seconds of `decide` and of `check` on a mixed bag of instances, and the outcomes."""
    deciding, checking, outcomes = [], [], Counter[str]()
    for i in range(COUNT):
        claim = ("infonce-equality", "infonce-equality", "clip-effective-equality", "clip-inclusion-literal")[i % 4]
        given = instance(source, claim)
        seconds, (verdict, data) = timed(lambda claim=claim, given=given: decide(claim, given))
        deciding.append(seconds)
        outcomes[verdict.outcome.value] += 1
        if data is not None:
            checking.append(timed(lambda data=data: check(data))[0])
    return deciding, checking, outcomes


def by_rank(source: Seeded) -> None:
    """Print for each rank the CPU seconds of `decide` and `check`, and the outcomes, instance by instance."""
    for rank in RANKS:
        row = []
        for _ in range(EACH):
            mixture = st.shared_gmm(source, components=rank + 1, dimension=rank, hostile=False)
            given = Instance(AugmentedPairs(mixture, Fraction(source.integer(1, 10), 10)), rank + 1)
            start = time.process_time()
            verdict, data = decide("infonce-equality", given)
            middle = time.process_time()
            if data is not None:
                check(data)
            row.append(f"{verdict.outcome.value} {middle - start:.1f} + {time.process_time() - middle:.1f} s")
        print(f"rank {rank}: {', '.join(row)}", flush=True)


def hostile(seed: int) -> None:
    """Print how many of the hostile draws of these seeds stay undecided, and the CPU seconds of `decide`."""
    seconds, undecided = [], []
    for number in range(seed, seed + HOSTILE):
        source = Seeded(random.Random(number))
        K = source.integer(2, 7)
        mixture = st.shared_gmm(source, components=K, dimension=source.integer(1, K), centred=True)
        given = Instance(AugmentedPairs(mixture, Fraction(source.integer(1, 10), 10)), K)
        took, (verdict, _) = timed(lambda given=given: decide("infonce-equality", given))
        seconds.append(took)
        undecided += [number] if verdict.outcome is Outcome.UNDECIDED else []
    median = statistics.median(seconds)
    print(f"hostile: {len(undecided)} of {HOSTILE} undecided (seeds {undecided}), median {median:.2f} s", flush=True)


def row(given: Instance, name: str) -> None:
    """Print the CPU seconds of claims, of the minimiser and of the loss, and the ratio of check to decide."""
    print(f"\n{name}")
    for claim in CLAIMS:
        seconds, (verdict, data) = timed(lambda claim=claim: decide(claim, given))
        checked = "" if data is None else f", check / decide {timed(lambda data=data: check(data))[0] / seconds:.2f}"
        print(f"  {claim}: {seconds:.2f} s, {verdict.outcome.value}{checked}", flush=True)
    try:
        seconds, found = timed(lambda: minimise("infonce", given))
    except InputError as error:
        print(f"  minimise: refused, {error}")
        return
    print(f"  minimise: {seconds:.2f} s, rank {found.rank}, error bound {found.error_bound:.1e}", flush=True)
    column = exact.matrix([[Fraction(round(float(x) * 1000), 1000)] for x in found.maps["A"][:, 0]])
    seconds, enclosed = timed(lambda: enclose(LOSSES["infonce"], given, Encoder(column), 15))
    print(
        f"  loss of one column to 15 digits: {seconds:.2f} s, {'reached' if enclosed.reached else 'not reached'}",
        flush=True,
    )


if __name__ == "__main__":
    main()
