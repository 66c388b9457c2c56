"""One record for each claim of the kernel: what is proposed for it, and the number that decides it.

The kernel says which claims there are (`kernel/claims.py`), what each is about and which rules decide it
(`kernel/rules/`). A claim that nothing but rational arithmetic decides needs its name here and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, TypeAlias

from thmverify.certifying.border import (
    clip_nonshared_proposals,
    infonce_top_proposals,
    nonshared_proposals,
    reflection_proposals,
)
from thmverify.certifying.clip import clip_proposals
from thmverify.certifying.exact_hints import (
    correlation_proposals,
    covariance_proposals,
    pca_top_proposals,
    symmetry_proposals,
    top_proposals,
    unseen_proposals,
)
from thmverify.certifying.infonce import floating_margin, infonce_margin, infonce_proposals
from thmverify.certifying.margins import clip_margin, leak_margin, normalised_margin, pca_margin, spectral_margin
from thmverify.certifying.normalised import normalised_proposals
from thmverify.certifying.proposal import Interval, Proposal
from thmverify.certifying.simsiam import simsiam_proposals
from thmverify.errors import InputError, one_of
from thmverify.kernel.models import Pairs
from thmverify.kernel.rules import KINDS
from thmverify.kernel.rules.ranks import alike
from thmverify.models import CLIPGMM, GMM, AugmentedPairs, Instance, PairedGMM, PopulationGraph, SharedGMM

Propose: TypeAlias = Callable[[Instance, Pairs], Iterator[Proposal]]
Margin: TypeAlias = Callable[[Pairs, Proposal, bool], Interval | None]

_MODELS: dict[str, tuple[type, str]] = {
    "shared": (SharedGMM, "shared-gmm"),
    "pairs": (GMM, "gmm or shared-gmm"),
    "clip": (CLIPGMM, "clip-gmm with one covariance in each modality"),
    "paired": (PairedGMM, "clip-gmm"),
    "graph": (PopulationGraph, "population-graph"),
}


@dataclass(frozen=True)
class Claim:
    """What the proposers know of a claim.

    propose: what to try after rational arithmetic, in this order; each takes the instance of the files and that of the
    kernel. on_fisher: whether all of it lives on S_F, so that the kernel's instance is taken in coordinates there.
    margins: by rule, how the deciding number is enclosed, of the kernel's instance, a proposal that it has accepted
    and whether the claim is proved. rank_one: where the claim is no more than that the minimiser is not 0, which
    rational arithmetic proves; the number is then that of the first of `propose` that has a margin. floating: float64's
    idea of the number, where nothing is decided, and the remedy.
    """

    name: str
    propose: tuple[Propose, ...] = ()
    on_fisher: bool = False
    margins: Mapping[str, Margin] = field(default_factory=dict)
    rank_one: Callable[[Pairs], bool] = lambda _: False
    floating: Callable[[Instance, Pairs], Interval | None] | None = None
    remedy: str = ""

    @property
    def model(self) -> tuple[type, str]:
        """The class of the model that it is about, and its names in instance files."""
        return _MODELS[KINDS[self.name]]

    def check(self, instance: Instance) -> None:
        """Raise InputError when the instance is of another model."""
        model = instance.model
        given = model.mixture if isinstance(model, AugmentedPairs) else model
        wanted, name = self.model
        if not isinstance(given, wanted):
            raise InputError("model", instance.kind, f"is not what {self.name} is about", f"use {name}")

    def proposals(self, instance: Instance, seen: object) -> Iterator[Proposal]:
        """Yield what to try: rational arithmetic first, integrals last, and what lives on S_F in its coordinates."""
        yield Proposal("exact", {})
        if isinstance(seen, Pairs):
            seen = seen.on_fisher if self.on_fisher else seen
            for propose in self.propose:
                yield from propose(instance, seen)

    def margin(self, instance: Instance, seen: object, proposal: Proposal, proved: bool) -> Interval | None:
        """Return an interval around the deciding number of a verdict, where the claim has one.

        Raises what proposing raises.
        """
        if not isinstance(seen, Pairs):
            return None
        pairs = seen.on_fisher if self.on_fisher else seen
        if proved and proposal.rule == "exact" and seen.informative and self.rank_one(pairs):
            proposal = next(p for propose in self.propose for p in propose(instance, pairs) if p.rule in self.margins)
        measure = self.margins.get(proposal.rule)
        return None if measure is None else measure(pairs, proposal, proved)


def _later(module: str, role: str) -> Callable[..., Any]:
    """Return a module's function of that role, imported when it is called: few decisions need its minimisers."""

    def call(*arguments: object) -> object:
        return getattr(import_module(f"thmverify.certifying.{module}"), f"{module}_{role}")(*arguments)

    return call


def _equality_on_a_line(pairs: Pairs) -> bool:
    return max(pairs.sizes) == 1


def _one_column(pairs: Pairs) -> bool:
    return pairs.columns == 1


def _symmetry(_instance: Instance, pairs: Pairs) -> Iterator[Proposal]:
    return symmetry_proposals(pairs)


def _infonce_top(instance: Instance, pairs: Pairs) -> Iterator[Proposal]:
    return infonce_top_proposals(instance, pairs) if pairs.columns < pairs.mixture.m else iter(())


def _clip_equality(instance: Instance, pairs: Pairs) -> Iterator[Proposal]:
    return clip_proposals(instance, pairs, pairs.mixture.m)


def _clip_literal(instance: Instance, pairs: Pairs) -> Iterator[Proposal]:
    return clip_proposals(instance, pairs, pairs.columns)


def _clip_top(instance: Instance, pairs: Pairs) -> Iterator[Proposal]:
    if pairs.columns < max(pairs.sizes) and not all(x.m == pairs.columns or alike(x) for x in pairs.modalities):
        return unseen_proposals(pairs)
    return clip_proposals(instance, pairs, min(pairs.columns, pairs.mixture.m))


def _correlations(_instance: Instance, pairs: Pairs) -> Iterator[Proposal]:
    return correlation_proposals(pairs)


CLAIMS: dict[str, Claim] = {
    claim.name: claim
    for claim in (
        Claim("lemma-4.2"),
        Claim("fisher-optimality"),
        Claim("infonce-inclusion"),
        Claim(
            "infonce-equality",
            (_symmetry, infonce_proposals),
            on_fisher=True,
            margins={"kkt": infonce_margin},
            rank_one=_equality_on_a_line,
            floating=floating_margin,
            remedy="more digits of the minimiser, or a larger lattice, would decide it unless the margin is 0",
        ),
        Claim("translation", (_later("translation", "proposals"),)),
        Claim("infonce-top-r", (_symmetry, _infonce_top, infonce_proposals), on_fisher=True),
        Claim("nonshared-inclusion", (reflection_proposals, nonshared_proposals)),
        Claim(
            "simclr-normalised-inclusion",
            (lambda _, pairs: normalised_proposals(pairs),),
            margins={"losses": normalised_margin},
        ),
        Claim("affine-equality", (_later("affine", "proposals"),), margins={"kkt": _later("affine", "margin")}),
        Claim("affine-existence", (_later("affine", "proposals"),)),
        Claim(
            "infonce-key-bias-equality",
            (_later("key_bias", "proposals"),),
            margins={"coupling": _later("key_bias", "margin")},
        ),
        Claim(
            "siglip-equality",
            (_later("siglip", "proposals"),),
            on_fisher=True,
            margins={"kkt": _later("siglip", "margin")},
        ),
        Claim("shared-noise-inclusion"),
        Claim("sample-inclusion"),
        Claim("sample-existence"),
        Claim("whitening-inclusion"),
        Claim("barlow-inclusion", (_correlations,), on_fisher=True),
        Claim("barlow-equality", (_correlations,), on_fisher=True),
        Claim("vicreg-inclusion", (covariance_proposals,)),
        Claim("vicreg-equality", (covariance_proposals,)),
        Claim("spectral-equality", on_fisher=True, margins={"exact": spectral_margin}),
        Claim("spectral-top-r", (lambda _, pairs: top_proposals(pairs),), on_fisher=True),
        Claim("pca-equality", margins={"exact": pca_margin}),
        Claim("pca-top-r", (lambda _, pairs: pca_top_proposals(pairs),)),
        Claim("simsiam-equality"),
        Claim("simsiam-top-r"),
        Claim("simsiam-inclusion", (lambda _, pairs: simsiam_proposals(pairs),), margins={"leak": leak_margin}),
        Claim("clip-inclusion-effective"),
        Claim("clip-nonshared-inclusion", (clip_nonshared_proposals,)),
        Claim(
            "clip-effective-equality",
            (_symmetry, _clip_equality),
            on_fisher=True,
            margins={"kkt": lambda pairs, proposal, _: clip_margin(pairs, proposal, pairs.mixture.m)},
            rank_one=_equality_on_a_line,
        ),
        Claim(
            "clip-inclusion-literal",
            (_symmetry, _clip_literal),
            on_fisher=True,
            margins={"kkt": lambda pairs, proposal, _: clip_margin(pairs, proposal, pairs.columns)},
            rank_one=_one_column,
        ),
        Claim("clip-top-r", (_symmetry, _clip_top), on_fisher=True),
        Claim("clip-shared-noise-inclusion"),
        Claim("population-graph-equivalence"),
        Claim("population-graph-as-printed"),
        Claim("linear-probe-bound"),
    )
}


def claim_of(name: str) -> Claim:
    """Return the record of a claim. Raises InputError when there is none."""
    if name not in CLAIMS:
        raise InputError("CLAIM", name, "is not a claim", one_of(name, CLAIMS))
    return CLAIMS[name]
