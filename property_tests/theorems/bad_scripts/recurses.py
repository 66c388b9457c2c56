"""A script that never comes to an end by itself."""


def prove() -> None:
    """Go on."""
    prove()
