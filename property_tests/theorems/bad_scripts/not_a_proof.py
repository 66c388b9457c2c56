"""What the script returns is no proposal."""


def prove() -> str:
    """Claim it."""
    return "quod erat demonstrandum"
