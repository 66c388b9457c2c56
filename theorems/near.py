"""The certificates about instances near counterexamples; `python -m thmverify.theorems.near` writes what is missing.

That of 32 components takes more than eight minutes, the others seconds.
"""

from __future__ import annotations

from collections.abc import Iterator

from thmverify.covering.around import Neighbourhood, around, true_around
from thmverify.evidence import Counterexample
from thmverify.theorems import REGISTRY
from thmverify.theorems.infonce.common import UNCENTRED
from thmverify.theorems.spectral.spectral_top_r import MEAN_WINS

BESIDE = (UNCENTRED, MEAN_WINS)  # they show that a hypothesis is needed


def shipped() -> Iterator[Counterexample]:
    """Yield every counterexample that ships."""
    for statement in REGISTRY.values():
        yield from statement.counterexamples
    yield from BESIDE


def proposed(found: Counterexample) -> Neighbourhood | None:
    """Return what is found of the instances near one, within the largest radius of two digits; None where it is said
    that nothing is.
    """
    if (near := found.nearby) is None:
        return None
    if isinstance(near.about, str):
        return around(near.about, found.instance)
    return true_around(near.claim, near.about.formula, found.instance, definitions=near.about.definitions)


def main() -> None:
    """Write the certificates that are not there."""
    for found in shipped():
        if (near := found.nearby) is None or near.certificate.exists():
            continue
        there = proposed(found)
        if there is not None and there.certificate is not None:
            near.certificate.write_bytes(there.certificate)


if __name__ == "__main__":
    main()
