"""A script that never comes to an end."""

from itertools import count


def prove() -> None:
    """Go on."""
    for _ in count():
        pass
