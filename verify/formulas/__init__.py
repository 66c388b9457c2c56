"""The vocabulary of proofs: what a loss, a predicate, a hypothesis means, each in one place."""

from __future__ import annotations

import importlib
import pkgutil

from thmverify.formulas.names import NAMES, Name


def names() -> dict[str, Name]:
    """Return the table of all names, each with its definition and what it is in words.

    >>> names()["WithinFisher"].says
    'Col(A) ⊆ S_F: A = Σ_k Σ̄⁻¹μ_k c_kᵀ for some columns c_k.'
    """
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return NAMES


__all__ = ["Name", "names"]
