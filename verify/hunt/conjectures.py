"""The conjectures in the box: what each hunt is about, what may be set, and which hypotheses may be dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial

from verify.errors import InputError
from verify.hunt.margins.border import fisher_line_margins, top_line_margins
from verify.hunt.margins.linear import leak_margins, pca_margins, top_margins
from verify.hunt.margins.optimum import deficiency_margins
from verify.hunt.settings import Settings
from verify.hunt.targets import CollinearTarget, MixtureTarget, PairedTarget, Target, fisher_dimension

_MIXTURE = ("components", "dimension", "delta", "centred", "weights")


@dataclass(frozen=True)
class Conjecture:
    """A claim to refute and the instances to look at.

    settings: what is searched by default. allowed: what `--set` may change. build: the target for settings. droppable:
    for each hypothesis of the claim that may be dropped, the conjecture without it.
    """

    claim: str
    sentence: str
    settings: Settings
    allowed: tuple[str, ...]
    build: Callable[[Settings], Target]
    droppable: Mapping[str, Callable[[Settings], tuple[str, Settings]]] = field(default_factory=dict)

    def target(self, settings: Settings) -> Target:
        """Return what a searcher climbs.

        Raises InputError when there is no such instance.
        """
        return self.build(settings)


@dataclass(frozen=True)
class Question:
    """What is hunted: a claim and settings. It travels to workers and into the ledger as text."""

    claim: str
    settings: Settings

    def to_json(self) -> dict[str, object]:
        """Return the question as JSON."""
        return {"claim": self.claim, "settings": self.settings.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Question:
        """Return the question that `to_json` wrote."""
        settings = data["settings"]
        if not isinstance(settings, Mapping):
            raise TypeError("settings are an object")
        return cls(str(data["claim"]), Settings.from_json(settings))

    def target(self) -> Target:
        """Return what a searcher climbs."""
        return CONJECTURES[self.claim].target(self.settings)


def ask(name: str, pairs: Sequence[str] = (), dropped: Sequence[str] = ()) -> Question:
    """Return the question about a conjecture with settings "key=value" and dropped hypotheses.

    Raises InputError for what is unknown, or leaves nothing to search.
    """
    if name not in CONJECTURES:
        raise InputError("CONJECTURE", name, "is not a conjecture", f"write one of {', '.join(CONJECTURES)}")
    conjecture, settings = CONJECTURES[name], CONJECTURES[name].settings
    for hypothesis in dropped:
        key = _ALIASES.get(hypothesis, hypothesis)
        if key not in conjecture.droppable:
            known = ", ".join(conjecture.droppable) or "none"
            rule = f"is no hypothesis that {name} can be asked without"
            raise InputError("--drop", hypothesis, rule, f"these can be dropped: {known}")
        name, settings = conjecture.droppable[key](settings)
        conjecture = CONJECTURES[name]
    question = Question(name, settings.with_text(pairs, conjecture.allowed))
    question.target()
    return question


_ALIASES = {"r>=K": "enough-columns", "shared": "shared-covariance"}


def _equality(settings: Settings) -> Target:
    K, d = settings.components, settings.dimension
    most = K - 1 if settings.centred else K
    if d > max(most, 1):
        rule = f"{K} means{' with mean 0' if settings.centred else ''} span {most} dimensions at most"
        raise InputError("--set dimension", str(d), rule, f"set dimension={max(most, 1)} or more components")
    if settings.shape == "line":
        return CollinearTarget(settings)
    measure = partial(deficiency_margins, delta=float(settings.delta))
    return MixtureTarget("infonce-equality", settings, measure)


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
    measure = partial(top_line_margins, delta=float(settings.delta))
    return MixtureTarget("infonce-top-r", settings, measure)


def _border(settings: Settings) -> Target:
    if _span(settings) != 1 or settings.dimension == 1:
        rule = "is searched where S_F is a line and not the whole space"
        raise InputError(
            "--set dimension", str(settings.dimension), rule, "set components=2, centred=true, dimension=2"
        )
    measure = partial(fisher_line_margins, delta=float(settings.delta))
    return MixtureTarget("nonshared-inclusion", settings, measure, "gmm")


def _simsiam(settings: Settings) -> Target:
    if settings.decay == 0:
        raise InputError("--set decay", "0", "nothing leaks without weight decay", "set decay=1/100, say")
    m = _span(settings)
    measure = partial(leak_margins, delta=float(settings.delta), decay=float(settings.decay), m=m)
    return MixtureTarget("simsiam-inclusion", settings, measure)


def _uncentred(claim: str) -> Callable[[Settings], tuple[str, Settings]]:
    return lambda settings: (claim, replace(settings, centred=False))


def _few_columns(claim: str) -> Callable[[Settings], tuple[str, Settings]]:
    return lambda settings: (claim, replace(settings, rank=1))


CONJECTURES: dict[str, Conjecture] = {
    c.claim: c
    for c in (
        Conjecture(
            "infonce-equality",
            "The InfoNCE optimum fills the Fisher subspace: Col(A*) = S_F, for centred means and r ≥ K.",
            Settings(),
            (*_MIXTURE, "rank", "shape"),
            _equality,
            {"centred": _uncentred("infonce-equality"), "enough-columns": _few_columns("infonce-equality")},
        ),
        Conjecture(
            "infonce-top-r",
            "With r < dim S_F columns the InfoNCE optimum is J-optimal among the maps of rank r.",
            Settings(rank=1),
            (*_MIXTURE, "covariance"),
            _top_line,
            {"centred": _uncentred("infonce-top-r")},
        ),
        Conjecture(
            "nonshared-inclusion",
            "InfoNCE learns nothing outside S_F = Σ̄⁻¹ span μ, whatever the components' covariances.",
            Settings(components=2, covariance="free"),
            (*_MIXTURE, "rank"),
            _border,
        ),
        Conjecture(
            "clip-inclusion-literal",
            "Both factors of every CLIP optimum stay in the Fisher subspaces.",
            Settings(components=2),
            (*_MIXTURE, "rank"),
            lambda settings: PairedTarget("clip-inclusion-literal", settings),
        ),
        Conjecture(
            "clip-effective-equality",
            "The product W* of the CLIP optimum fills both Fisher subspaces.",
            Settings(),
            (*_MIXTURE, "rank"),
            lambda settings: PairedTarget("clip-effective-equality", settings),
        ),
        Conjecture(
            "simsiam-inclusion",
            "With weight decay, stationary points of SimSiam stay in the Fisher subspace.",
            Settings(components=2, covariance="free", rank=1, decay=Fraction(1, 100)),
            (*_MIXTURE, "covariance", "decay"),
            _simsiam,
        ),
        Conjecture(
            "pca-equality",
            "As many principal components as S_F has dimensions span S_F.",
            Settings(components=2, covariance="free"),
            (*_MIXTURE, "covariance", "rank"),
            _pca,
        ),
        Conjecture(
            "spectral-top-r",
            "With r < dim S_F columns the spectral contrastive optimum is J-optimal among the maps of rank r.",
            Settings(delta=Fraction(7, 10), covariance="free", rank=1),
            (*_MIXTURE, "covariance", "rank"),
            _top,
            {"centred": _uncentred("spectral-top-r")},
        ),
    )
}
