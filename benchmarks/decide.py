"""How long `decide` and `check` take: on a mixed bag of 50 instances (K ≤ 5, d ≤ 6, minimiser rank ≤ 2), then by rank.

python benchmarks/decide.py [SEED]
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections import Counter
from fractions import Fraction

from property_tests import strategies as st
from thmverify.certifying import decide
from thmverify.kernel import check
from thmverify.models import AugmentedPairs, Instance
from thmverify.testing import Seeded

COUNT, RANK = 50, 2
RANKS, EACH = range(3, 8), 3  # infonce-equality for K = rank + 1 components, and so many instances of each rank


def instance(source: Seeded, claim: str) -> Instance:
    """Return a random instance whose minimiser has rank at most RANK."""
    if claim.startswith("clip"):
        paired = st.clip_gmm(source, components=(2, 5), dimensions=(RANK, RANK), hostile=False)
        return Instance(paired, RANK)
    K = source.integer(2, 5)
    dimension = source.integer(1, 6) if K <= RANK else source.integer(1, RANK)
    mixture = st.shared_gmm(source, components=K, dimension=dimension, hostile=False)
    return Instance(AugmentedPairs(mixture, Fraction(source.integer(1, 10), 10)), K)


def main() -> None:
    """Print the medians, the largest ratio, and how many are undecided."""
    source = Seeded(random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
    deciding, checking, outcomes = [], [], Counter()
    for i in range(COUNT):
        claim = ("infonce-equality", "infonce-equality", "clip-effective-equality", "clip-inclusion-literal")[i % 4]
        given = instance(source, claim)
        start = time.perf_counter()
        verdict, data = decide(claim, given)
        deciding.append(time.perf_counter() - start)
        outcomes[verdict.outcome.value] += 1
        if data is not None:
            start = time.perf_counter()
            check(data)
            checking.append(time.perf_counter() - start)
    print(f"decide: median {statistics.median(deciding):.3f} s, largest {max(deciding):.3f} s, of {COUNT}")
    print(f"check:  median {statistics.median(checking):.4f} s, largest {max(checking):.3f} s")
    print(f"check / decide in all: {sum(checking) / sum(deciding):.2f}")
    print(", ".join(f"{n} {outcome}" for outcome, n in outcomes.items()))
    by_rank(source)


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


if __name__ == "__main__":
    main()
