"""The conjectures in the box: what each hunt is about, what may be set, and which hypotheses may be dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from thmverify.errors import InputError
from thmverify.hunting.margins.border import fisher_line_margins, top_line_margins
from thmverify.hunting.margins.linear import leak_margins, pca_margins, top_margins
from thmverify.hunting.margins.optimum import deficiency_margins
from thmverify.hunting.settings import MOST_COMPONENTS, Settings
from thmverify.hunting.space import Mixtures
from thmverify.hunting.targets import CollinearTarget, MixtureTarget, PairedTarget, Target, fisher_dimension
from thmverify.models import Floats

_MIXTURE = ("components", "dimension", "delta", "centred", "weights")
Drop: TypeAlias = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Conjecture:
    """A statement to refute and the instances to look at.

    name: of the statement, which may be a case of the claim that decides it. settings: what is searched by default.
    allowed: what `--set` may change. build: the target for settings. droppable: for each hypothesis that a hunt can do
    without, the conjecture that is left, and what changes in the settings.
    """

    name: str
    claim: str
    settings: Settings
    allowed: tuple[str, ...]
    build: Callable[[Settings], Target]
    droppable: Mapping[str, Drop] = field(default_factory=dict)


def _equality(settings: Settings) -> Target:
    K, d = settings.components, settings.dimension
    most = K - 1 if settings.centred else K
    if d > max(most, 1):
        rule = f"{K} means{' with mean 0' if settings.centred else ''} span {most} dimensions at most"
        raise InputError("--set dimension", str(d), rule, f"set dimension={max(most, 1)} or more components")
    if settings.columns < min(d, most) or (settings.delta == 0 and d > 1):
        return MixtureTarget("infonce-equality", settings, _certain)
    if settings.shape == "line":
        return CollinearTarget(settings)
    measure = partial(deficiency_margins, delta=float(settings.delta))
    return MixtureTarget("infonce-equality", settings, measure)


def _certain(mixtures: Mixtures) -> Floats:
    """Return 1 for every mixture: the claim fails wherever the means span what they can."""
    return np.ones(len(mixtures.weights))


def _span(settings: Settings) -> int:
    """Return dim S_F.

    Raises InputError when it is 0: one centred component.
    """
    m = fisher_dimension(settings.components, settings.dimension, settings.centred)
    if m == 0:
        raise InputError("--set components", "1", "a centred component has mean 0", "set components=2 or more")
    return m


def _pca(settings: Settings) -> Target:
    m = _span(settings)
    if settings.rank and min(settings.rank, settings.dimension) != m:
        return MixtureTarget("pca-equality", settings, _certain)
    return MixtureTarget("pca-equality", replace(settings, rank=settings.rank or m), partial(pca_margins, m=m))


def _top(settings: Settings) -> Target:
    if settings.rank >= _span(settings):
        rule = "leaves nothing to choose: it is dim S_F or more"
        raise InputError("--set rank", str(settings.rank), rule, "lower the rank or raise dimension and components")
    measure = partial(top_margins, delta=float(settings.delta), r=settings.rank)
    return MixtureTarget("spectral-top-r", settings, measure)


def _top_line(settings: Settings) -> Target:
    if settings.rank != 1 or _span(settings) < 2:
        rule = "needs one column and means that span two dimensions or more"
        raise InputError("--set rank", str(settings.rank), rule, "set rank=1, dimension=2 and components=3, say")
    measure = partial(top_line_margins, delta=float(settings.delta)) if settings.delta else _certain
    return MixtureTarget("infonce-top-r", settings, measure)


def _border(settings: Settings) -> Target:
    if _span(settings) != 1 or settings.dimension == 1:
        rule = "is searched where S_F is a line and not the whole space"
        remedy = "set components=2, centred=true, dimension=2"
        raise InputError("--set dimension", str(settings.dimension), rule, remedy)
    measure = partial(fisher_line_margins, delta=float(settings.delta))
    return MixtureTarget("nonshared-inclusion", settings, measure, "gmm")


def _simsiam(settings: Settings) -> Target:
    if settings.decay == 0:
        raise InputError("--set decay", "0", "nothing leaks without weight decay", "set decay=1/100, say")
    m = _span(settings)
    measure = partial(leak_margins, delta=float(settings.delta), decay=float(settings.decay), m=m)
    return MixtureTarget("simsiam-inclusion", settings, measure)


def _spectral(settings: Settings) -> Target:
    m, rank = _span(settings), 0 if settings.centred else 1
    reached = min(settings.columns, m if settings.delta else rank)
    return MixtureTarget("spectral-equality", settings, _certain if reached < m else _never)


def _never(mixtures: Mixtures) -> Floats:
    """Return −1 for every mixture: the claim holds."""
    return -np.ones(len(mixtures.weights))


def _proved(_settings: Settings) -> Target:
    rule = "is proved as it stands"
    raise InputError("ID", "infonce-inclusion", rule, "add --drop shared-covariance")


def _paired(claim: str) -> Callable[[Settings], Target]:
    return lambda settings: PairedTarget(claim, settings)


_EQUALITY = ("infonce-equality", (*_MIXTURE, "rank", "shape"), _equality)
_FEW: Drop = ("infonce-equality", {"rank": 1})
_BIASED = Fraction(7, 10)
_FREE = {"covariance": "free"}

CONJECTURES: dict[str, Conjecture] = {
    c.name: c
    for c in (
        Conjecture(
            "infonce-equality",
            _EQUALITY[0],
            Settings(),
            *_EQUALITY[1:],
            {
                "centred": ("infonce-equality", {"centred": False}),
                "enough-columns": _FEW,
                "always-matched": ("infonce-equality", {"delta": _BIASED}),
            },
        ),
        Conjecture(
            "infonce-equality-biased",
            _EQUALITY[0],
            Settings(delta=_BIASED),
            *_EQUALITY[1:],
            {
                "centred": ("infonce-equality", {"centred": False, "delta": _BIASED}),
                "enough-columns": ("infonce-equality", {"rank": 1, "delta": _BIASED}),
                "bias-positive": ("infonce-equality", {"delta": Fraction(0)}),
                "bias-below-one": ("infonce-equality", {}),
            },
        ),
        Conjecture(
            "infonce-equality-two",
            _EQUALITY[0],
            Settings(components=2, dimension=1),
            *_EQUALITY[1:],
            {
                "centred": ("infonce-equality", {"centred": False, "components": 2}),
                "two-components": ("infonce-equality", {}),
                "bias-positive": ("infonce-equality-two", {"delta": Fraction(0)}),
            },
        ),
        Conjecture(
            "infonce-equality-equal-weights",
            _EQUALITY[0],
            Settings(weights="equal"),
            *_EQUALITY[1:],
            {
                "centred": ("infonce-equality", {"centred": False, "weights": "equal"}),
                "enough-columns": ("infonce-equality", {"rank": 1, "weights": "equal"}),
                "always-matched": ("infonce-equality", {"delta": _BIASED, "weights": "equal"}),
                "equal-weights": ("infonce-equality", {}),
                "few-components": ("infonce-equality", {"components": MOST_COMPONENTS, "weights": "equal"}),
            },
        ),
        Conjecture(
            "infonce-inclusion",
            "infonce-inclusion",
            Settings(),
            _MIXTURE,
            _proved,
            {"shared-covariance": ("nonshared-inclusion", {})},
        ),
        Conjecture(
            "infonce-top-r",
            "infonce-top-r",
            Settings(rank=1),
            (*_MIXTURE, "covariance"),
            _top_line,
            {
                "centred": ("infonce-top-r", {"centred": False}),
                "bias-positive": ("infonce-top-r", {"delta": Fraction(0)}),
            },
        ),
        Conjecture(
            "nonshared-inclusion",
            "nonshared-inclusion",
            Settings(components=2, covariance="free"),
            (*_MIXTURE, "rank"),
            _border,
        ),
        Conjecture(
            "clip-inclusion-literal",
            "clip-inclusion-literal",
            Settings(components=2),
            (*_MIXTURE, "rank"),
            _paired("clip-inclusion-literal"),
        ),
        Conjecture(
            "clip-effective-equality",
            "clip-effective-equality",
            Settings(),
            (*_MIXTURE, "rank"),
            _paired("clip-effective-equality"),
        ),
        Conjecture(
            "simsiam-inclusion",
            "simsiam-inclusion",
            Settings(components=2, covariance="free", rank=1, decay=Fraction(1, 100)),
            (*_MIXTURE, "covariance", "decay"),
            _simsiam,
        ),
        Conjecture(
            "simsiam-invariant-means",
            "simsiam-inclusion",
            Settings(components=2, rank=1, decay=Fraction(1, 100)),
            (*_MIXTURE, "decay"),
            _simsiam,
            {"means-invariant": ("simsiam-inclusion", {})},
        ),
        Conjecture(
            "pca-equality",
            "pca-equality",
            Settings(components=2, covariance="free"),
            (*_MIXTURE, "covariance", "rank"),
            _pca,
        ),
        Conjecture(
            "pca-spherical",
            "pca-equality",
            Settings(components=3),
            (*_MIXTURE, "rank"),
            _pca,
            {"spherical": ("pca-equality", {"components": 2}), "columns-match": ("pca-spherical", {"rank": 1})},
        ),
        Conjecture(
            "spectral-equality",
            "spectral-equality",
            Settings(covariance="free"),
            (*_MIXTURE, "covariance", "rank"),
            _spectral,
            {
                "bias-positive": ("spectral-equality", {"delta": Fraction(0)}),
                "columns-reach": ("spectral-equality", {"rank": 1}),
            },
        ),
        Conjecture(
            "spectral-top-r",
            "spectral-top-r",
            Settings(delta=_BIASED, covariance="free", rank=1),
            (*_MIXTURE, "covariance", "rank"),
            _top,
            {
                "centred": ("spectral-top-r", {"centred": False}),
                "bias-positive": ("spectral-top-r", {"delta": Fraction(0)}),
            },
        ),
    )
}
