"""One file, one answer: a certificate for an instance, or a proof for every instance. Only what is needed is loaded."""

import sys
from typing import Any

from thmverify.kernel.strict import MAX_BYTES, Rejected, file_bytes, parse

MAX_PROOF_BYTES = 16 * 1024 * 1024
PROOF = b'{"format":"thmverify-proof-'  # canonical bytes: what a proof begins with


def answer(data: bytes) -> tuple[Any, list[str]]:
    """Return what a file proves, and the lines that say so. Raises Rejected; whatever goes wrong is a rejection."""
    try:
        if data.startswith(PROOF):
            from thmverify.kernel.proofs.replay import forget, replay

            forget()  # so that the answer depends on the file alone, near a limit too
            proved = replay(parse(data, MAX_PROOF_BYTES))
            return proved, proved.lines_of_text()
        from thmverify.kernel.certificate import check

        found = check(data)
        return found, found.lines_of_text()
    except Rejected:
        raise
    except (Exception, RecursionError) as error:  # a checker that breaks down has not accepted
        raise Rejected(f"the check broke down with {type(error).__name__}") from error


def report(path: str) -> tuple[Any, list[str]]:
    """Return what the file proves, if it does, and the lines that say so; the last is the answer."""
    try:
        data = file_bytes(path, MAX_PROOF_BYTES)
        if len(data) > MAX_BYTES and not data.startswith(PROOF):
            raise Rejected(f"the file is larger than {MAX_BYTES} bytes")
        return answer(data)
    except (OSError, ValueError):
        return None, ["REJECTED the file cannot be read, or is not a regular file"]
    except Rejected as error:
        return None, [f"REJECTED {error}"]


def main(paths: list[str]) -> int:
    """Check each file and print its answer; return 0 when all are verified, 1 when not, 2 when no file is named."""
    if not paths:
        print("usage: python -m thmverify.kernel CERT.json...", file=sys.stderr)
        return 2
    failed = 0
    for path in paths:
        found, lines = report(path)
        failed |= found is None
        print("\n".join([ascii(path), *lines]), flush=True)
    return failed
