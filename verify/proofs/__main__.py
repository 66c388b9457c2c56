"""`python -m thmverify.proofs MODULE...`: run scripts, and write what each proposes as a line of JSON.

Scripts run in a process of their own: whatever they do to it, the process that replays their traces never loads them.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import sys

from thmverify.proofs.proposal import Proposal

SECONDS, BYTES = 600, 8 * 2**30  # of CPU time and of memory, for all the scripts of one run


def limited() -> None:
    """Bound what this process may use, where the system can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


def proposed(module: str) -> dict[str, object]:
    """Return what a script proposes, or why it proposes nothing."""
    try:
        found = importlib.import_module(module).prove()
        if not isinstance(found, Proposal):
            return {"failure": f"the script proposes no proof: prove() returns {type(found).__name__}"}
        return found.to_json()
    except BaseException as error:  # a script is somebody's program
        return {"failure": f"the script fails with {type(error).__name__}: {error}"}


def main(modules: list[str]) -> int:
    """Write a line for each module: what it proposes."""
    limited()
    gc.disable()  # terms are kept to the end, which is near
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # what a script prints is not what it proposes
        for module in modules:
            out.write(json.dumps(proposed(module)) + "\n")
            out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
