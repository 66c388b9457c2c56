"""What each rule makes of an instance and its hints: a finding, or a rejection. There is no other way to a verdict."""

from collections.abc import Callable
from typing import Any

from thmverify.kernel.models import Finding, Instance, Pairs
from thmverify.kernel.rules import (
    affine,
    angles,
    border,
    correlations,
    coupling,
    identities,
    ranks,
    siglip,
    simsiam,
    spectral,
)
from thmverify.kernel.strict import Rejected, record

Rule = Callable[[Any, object], Any]


def _exact(finding: Callable[[Any], Any]) -> dict[str, Rule]:
    def apply(instance: object, hints: object) -> object:
        record(hints, "hints", ())
        return finding(instance)

    return {"exact": apply}


_SEEN: dict[str, Rule] = {"kkt": ranks.enclosed, "symmetry": ranks.symmetric}


def _ranked(conclude: Callable[[Pairs, ranks.Bounds], Finding], seen: dict[str, Rule] = _SEEN) -> dict[str, Rule]:
    def rule(bounds: Rule) -> Rule:
        return lambda pairs, hints: conclude(pairs, bounds(pairs, hints))

    return {name: rule(bounds) for name, bounds in (_exact(ranks.unaided) | seen).items()}


def _centred(rules: dict[str, Rule]) -> dict[str, Rule]:
    def rule(given: Rule) -> Rule:
        return lambda pairs, hints: given(affine.centred(pairs), hints)

    return {name: rule(given) for name, given in rules.items()}


def _whole(inclusion: Callable[[Pairs], Finding], seen: Rule) -> dict[str, Rule]:
    return _exact(correlations.equality(inclusion)) | {"levels": correlations.equality_levels(seen)}


def _moved(pairs: Pairs, hints: object) -> Finding:
    """infonce-equality by a rule of its own for the pairs, and by one for those of x − μ̄."""
    answers = []
    for given, part in zip((pairs, affine.centred(pairs)), record(hints, "hints", ("here", "there")), strict=True):
        name, inner = record(part, "a half of the hints", ("rule", "hints"))
        if not isinstance(name, str) or ("infonce-equality", name) not in RULES:
            raise Rejected("infonce-equality has no such rule")
        answers.append(RULES["infonce-equality", name](given, inner).verdict)
    return Finding("proved" if answers[0] == answers[1] else "refuted")


_CLAIMS: dict[str, tuple[str, dict[str, Rule]]] = {
    "lemma-4.2": ("shared", _exact(identities.valid)),
    "fisher-optimality": ("pairs", _exact(identities.valid)),
    "infonce-inclusion": ("shared", _exact(identities.valid)),
    "infonce-equality": ("shared", _ranked(ranks.equality)),
    "translation": ("shared", _exact(identities.unmoved) | {"both": _moved}),
    "infonce-top-r": ("shared", _ranked(ranks.top) | {"border": border.top_border}),
    "nonshared-inclusion": (
        "pairs",
        _exact(identities.inclusion) | {"border": border.nonshared_border, "reflection": border.reflected},
    ),
    "simclr-normalised-inclusion": ("shared", _exact(angles.normalised_exact) | {"losses": angles.normalised_losses}),
    "infonce-key-bias-equality": (
        "shared",
        _centred(_exact(coupling.unaided) | {"coupling": coupling.key_bias}),
    ),
    "siglip-equality": ("shared", _ranked(ranks.equality, {"kkt": siglip.enclosed})),
    "affine-equality": ("shared", _centred(_ranked(ranks.equality, {"kkt": affine.bounds}))),
    "affine-existence": ("shared", _centred(_exact(affine.on_a_line) | {"kkt": affine.existence})),
    "shared-noise-inclusion": ("shared", _exact(identities.shared_noise)),
    "sample-inclusion": ("shared", _exact(identities.sample_inclusion)),
    "sample-existence": ("shared", _exact(identities.sample_existence)),
    "whitening-inclusion": ("pairs", _exact(correlations.whitening)),
    "barlow-inclusion": ("pairs", _exact(correlations.barlow) | {"levels": correlations.barlow_levels}),
    "barlow-equality": ("pairs", _whole(correlations.barlow, correlations.barlow_levels)),
    "vicreg-inclusion": ("pairs", _exact(correlations.vicreg) | {"levels": correlations.vicreg_levels}),
    "vicreg-equality": ("pairs", _whole(correlations.vicreg, correlations.vicreg_levels)),
    "spectral-equality": ("pairs", _exact(spectral.spectral_equality)),
    "spectral-top-r": ("pairs", _exact(spectral.spectral_top) | {"threshold": spectral.spectral_top_threshold}),
    "pca-equality": ("pairs", _exact(spectral.pca)),
    "pca-top-r": ("pairs", _exact(spectral.pca_top) | {"threshold": spectral.pca_top_threshold}),
    "simsiam-equality": ("pairs", _exact(simsiam.simsiam_equality)),
    "simsiam-top-r": ("pairs", _exact(simsiam.simsiam_top)),
    "simsiam-inclusion": (
        "pairs",
        _exact(simsiam.simsiam_exact) | {"leak": simsiam.simsiam_leak, "root": simsiam.simsiam_root},
    ),
    "clip-inclusion-effective": ("clip", _exact(identities.valid)),
    "clip-nonshared-inclusion": ("paired", _exact(identities.inclusion) | {"border": border.clip_border}),
    "clip-effective-equality": ("clip", _ranked(ranks.equality)),
    "clip-inclusion-literal": ("clip", _ranked(ranks.literal)),
    "clip-top-r": ("clip", _ranked(ranks.top) | {"unseen": ranks.unseen}),
    "clip-shared-noise-inclusion": ("clip", _exact(identities.shared_noise)),
    "population-graph-equivalence": ("graph", _exact(identities.graph_equivalence)),
    "population-graph-as-printed": ("graph", _exact(identities.graph_printed)),
    "linear-probe-bound": ("graph", _exact(identities.probe_bound)),
}


KINDS = {claim: kind for claim, (kind, _) in _CLAIMS.items()}  # what each claim is about


def _on(kind: str, rule: Rule) -> Callable[[Instance, object], Finding]:
    def apply(instance: Instance, hints: object) -> Finding:
        if kind not in instance.kinds:
            raise Rejected("the claim is about another model, or about a shared covariance")
        try:
            found: Finding = rule(instance, hints)
        except ZeroDivisionError:
            raise Rejected("a matrix is not certainly invertible at this precision") from None
        return found

    return apply


RULES = {(claim, name): _on(kind, rule) for claim, (kind, rules) in _CLAIMS.items() for name, rule in rules.items()}
