"""`python -m verify.kernel CERT.json...`: the checker alone."""

import sys

from verify.kernel.check import main

sys.exit(main(sys.argv[1:]))
