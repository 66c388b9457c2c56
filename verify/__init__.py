"""Exact models, population losses, minimisers and proof checking for theorems of machine-learning theory.

>>> import thmverify as tv
>>> mixture = tv.SharedGMM(weights=["1/2", "1/2"], means=[[1, 0], [-1, 0]])
>>> tv.decide("infonce-equality", mixture, rank=2).outcome
<Outcome.PROVED: 'proved'>

Names are loaded when they are asked for, so the import is quick. The kernel, `thmverify.kernel`, stands alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thmverify.api import (
        certify,
        chart,
        check,
        cover,
        decide,
        hunt,
        instance,
        load,
        loss,
        minimise,
        near,
        statements,
    )
    from thmverify.data import Rounded, from_floats, from_sklearn
    from thmverify.errors import InputError
    from thmverify.evidence import Break, Counterexample
    from thmverify.findings import Clause, Finding
    from thmverify.headlines import Source
    from thmverify.hypotheses import Hypothesis
    from thmverify.losses import Loss, Sense, from_formula
    from thmverify.maps import CLIPFactors as Factors
    from thmverify.maps import Encoder, Gram
    from thmverify.minimize.across import SlopeAcross
    from thmverify.models import CLIPGMM, GMM, AugmentedPairs, Instance, PopulationGraph, Record, SharedGMM
    from thmverify.proofs.checking import Proof
    from thmverify.reports.picture import Picture, picture
    from thmverify.spaces import Space, Variable
    from thmverify.statement import Formal, Statement
    from thmverify.theories import Theory
    from thmverify.verdicts import Outcome, Standing, Status, Verdict

    __version__: str

_HOMES = {
    "api": (
        *("certify", "chart", "check", "cover", "decide", "hunt", "instance", "load", "loss", "minimise", "near"),
        "statements",
    ),
    "data": ("Rounded", "from_floats", "from_sklearn"),
    "errors": ("InputError",),
    "evidence": ("Break", "Counterexample"),
    "findings": ("Clause", "Finding"),
    "headlines": ("Source",),
    "hypotheses": ("Hypothesis",),
    "losses": ("Loss", "Sense", "from_formula"),
    "maps": ("Encoder", "Gram"),
    "minimize.across": ("SlopeAcross",),
    "models": ("CLIPGMM", "GMM", "AugmentedPairs", "Instance", "PairedGMM", "PopulationGraph", "Record", "SharedGMM"),
    "proofs.checking": ("Proof",),
    "reports.picture": ("Picture", "picture"),
    "spaces": ("Space", "Variable"),
    "statement": ("Formal", "Statement"),
    "theories": ("Theory",),
    "verdicts": ("Outcome", "Standing", "Status", "Verdict"),
}
_ALIASES = {"Factors": ("maps", "CLIPFactors")}
_HOME = {name: (home, name) for home, names in _HOMES.items() for name in names} | _ALIASES

__all__ = [
    "CLIPGMM",
    "GMM",
    "AugmentedPairs",
    "Break",
    "Clause",
    "Counterexample",
    "Encoder",
    "Factors",
    "Finding",
    "Formal",
    "Gram",
    "Hypothesis",
    "InputError",
    "Instance",
    "Loss",
    "Outcome",
    "PairedGMM",
    "Picture",
    "PopulationGraph",
    "Proof",
    "Record",
    "Rounded",
    "Sense",
    "SharedGMM",
    "SlopeAcross",
    "Source",
    "Space",
    "Standing",
    "Statement",
    "Status",
    "Theory",
    "Variable",
    "Verdict",
    "__version__",
    "certify",
    "chart",
    "check",
    "cover",
    "decide",
    "from_floats",
    "from_formula",
    "from_sklearn",
    "hunt",
    "instance",
    "load",
    "loss",
    "minimise",
    "near",
    "picture",
    "statements",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("thmverify")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home, original = _HOME[name]
    return getattr(import_module(f"thmverify.{home}"), original)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
