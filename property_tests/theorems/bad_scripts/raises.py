"""A script that fails."""


def prove() -> None:
    """Fail."""
    raise ZeroDivisionError("1/0")
