"""What each rule makes of an instance and its hints: a finding, or a rejection. There is no other way to a verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from verify.kernel.models import Graph, Instance, Paired, Pairs
from verify.kernel.parse import Rejected, record
from verify.kernel.rules import border, clip, fisher, graphs, infonce, simsiam, spectral
from verify.kernel.rules.finding import Finding

Kind = TypeVar("Kind", Pairs, Paired, Graph)
Rule = Callable[[Instance, object], Finding]


def _rule(kind: type[Kind], finding: Callable[[Kind, object], Finding]) -> Rule:
    def apply(instance: Instance, hints: object) -> Finding:
        if not isinstance(instance, kind):
            raise Rejected("the claim is about another model")
        return finding(instance, hints)

    return apply


def _exact(kind: type[Kind], finding: Callable[[Kind], Finding]) -> Rule:
    def apply(instance: Kind, hints: object) -> Finding:
        record(hints, "hints", ())
        return finding(instance)

    return _rule(kind, apply)


RULES: dict[tuple[str, str], Rule] = {
    ("lemma-4.2", "exact"): _exact(Pairs, fisher.posterior),
    ("fisher-optimality", "exact"): _exact(Pairs, fisher.fisher),
    ("infonce-inclusion", "exact"): _exact(Pairs, infonce.infonce_inclusion),
    ("infonce-equality", "exact"): _exact(Pairs, infonce.infonce_equality),
    ("infonce-equality", "kkt"): _rule(Pairs, infonce.infonce_kkt),
    ("infonce-equality", "symmetry"): _rule(Pairs, infonce.infonce_symmetry),
    ("infonce-top-r", "exact"): _exact(Pairs, infonce.infonce_top),
    ("infonce-top-r", "kkt"): _rule(Pairs, infonce.infonce_top_kkt),
    ("infonce-top-r", "symmetry"): _rule(Pairs, infonce.infonce_symmetry),
    ("infonce-top-r", "border"): _rule(Pairs, border.infonce_top_border),
    ("nonshared-inclusion", "exact"): _exact(Pairs, infonce.nonshared_inclusion),
    ("nonshared-inclusion", "border"): _rule(Pairs, border.nonshared_border),
    ("spectral-equality", "exact"): _exact(Pairs, spectral.spectral_equality),
    ("spectral-top-r", "exact"): _exact(Pairs, spectral.spectral_top),
    ("spectral-top-r", "threshold"): _rule(Pairs, spectral.spectral_top_threshold),
    ("pca-equality", "exact"): _exact(Pairs, spectral.pca_exact),
    ("pca-equality", "threshold"): _rule(Pairs, spectral.pca_threshold),
    ("simsiam-inclusion", "exact"): _exact(Pairs, simsiam.simsiam_exact),
    ("simsiam-inclusion", "leak"): _rule(Pairs, simsiam.simsiam_leak),
    ("clip-inclusion-effective", "exact"): _exact(Paired, clip.clip_inclusion),
    ("clip-effective-equality", "exact"): _exact(Paired, clip.clip_equality),
    ("clip-effective-equality", "kkt"): _rule(Paired, clip.clip_equality_kkt),
    ("clip-effective-equality", "symmetry"): _rule(Paired, clip.clip_symmetry),
    ("clip-inclusion-literal", "exact"): _exact(Paired, clip.clip_literal),
    ("clip-inclusion-literal", "kkt"): _rule(Paired, clip.clip_literal_kkt),
    ("clip-inclusion-literal", "symmetry"): _rule(Paired, clip.clip_literal_symmetry),
    ("population-graph-equivalence", "exact"): _exact(Graph, graphs.graph_equivalence),
    ("linear-probe-bound", "exact"): _exact(Graph, graphs.probe_bound),
}

__all__ = ["RULES", "Finding"]
