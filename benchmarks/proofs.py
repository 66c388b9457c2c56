"""What proofs cost: the script that makes a trace, and the kernel that replays it, in seconds of processor time.

python -m benchmarks.proofs [ID...]

Necessity costs nothing: which hypotheses a theorem rests on is read off the theorem.
"""

from __future__ import annotations

import importlib
import sys
import time

from thmverify.kernel.answer import answer
from thmverify.kernel.strict import canonical
from thmverify.theorems import REGISTRY


def cost(module: str) -> tuple[float, float, int, int]:
    """Return the seconds to make and to replay a proof, the lines of its trace and its bytes."""
    start = time.process_time()
    proposal = importlib.import_module(module).prove()
    made = time.process_time()
    data = canonical(proposal.trace)
    begin = time.process_time()
    found, _ = answer(data)
    return made - start, time.process_time() - begin, found.lines, len(data)


def main() -> None:
    """Print a row for each proof, and the sums; what an earlier script derived is remembered, as it is in use."""
    chosen = sys.argv[1:] or [name for name, statement in REGISTRY.items() if statement.proof is not None]
    print(f"{'statement':32} {'make':>7} {'replay':>7} {'lines':>6} {'kB':>5}")
    sums = [0.0, 0.0, 0, 0]
    for name in chosen:
        proof = REGISTRY[name].proof
        if proof is None:
            sys.exit(f"{name} has no proof")
        row = cost(proof.module)
        sums = [a + b for a, b in zip(sums, row, strict=True)]
        print(f"{name:32} {row[0]:6.2f}s {row[1]:6.2f}s {row[2]:6} {row[3] // 1000:5}")
    print(f"{'in all':32} {sums[0]:6.2f}s {sums[1]:6.2f}s {sums[2]:6} {sums[3] // 1000:5}")
    print(f"replay / make: {sums[1] / sums[0]:.2f}")


if __name__ == "__main__":
    main()
