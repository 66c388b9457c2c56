"""`python -m thmverify.kernel FILE.json...`: the checker alone, of certificates and of proofs."""

import os
import sys

from thmverify.kernel.answer import main

try:
    sys.exit(os.fstat(1) and main(sys.argv[1:]))  # `print` says nothing of a stdout that is closed; fstat does
except OSError as error:  # stdout takes no answer; nothing may be left for the interpreter to write when it ends
    try:
        if not isinstance(error, BrokenPipeError):
            print(f"the answer cannot be written to stdout: {error.strerror}", file=sys.stderr)
    finally:
        os._exit(141 if isinstance(error, BrokenPipeError) else 74)
