"""`python -m thmverify` is `thmverify`."""

import sys

from thmverify.cli import main

if __name__ == "__main__":
    sys.exit(main())
