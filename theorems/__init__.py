"""The statements that ship with the toolkit, one module each: `THEORY` names them, `REGISTRY` finds them by id.

A module is imported when its statement is first asked for, so that `python -m thmverify.theorems.theorem_5_2` runs that
module once and not twice. What a list shows of them is in `headlines.json`, which
`python -m thmverify.theorems.formal` writes.
"""

from __future__ import annotations

from pathlib import Path

from thmverify.headlines import OURS
from thmverify.theories import Found, Registry, Theory

PAPER = (
    "P. Bansal, A. Kavis, S. Sanghavi, Understanding Self-Supervised Learning via Gaussian Mixture Models, "
    "arXiv:2411.03517"
)
SPECTRAL_PAPER = (
    "J. HaoChen, C. Wei, A. Gaidon, T. Ma, Provable Guarantees for Self-Supervised Deep Learning with Spectral "
    "Contrastive Loss, arXiv:2106.04156"
)

COUNTEREXAMPLES = Path(__file__).parent / "counterexamples"
HEADLINES = Path(__file__).parent / "headlines.json"
FORMAL = Path(__file__).parent / "formal"  # the theory in Coq, and one instance of it

MODULES = {
    "lemma-4.2": "lemma_4_2",
    "fisher-optimality": "fisher_optimality",
    "infonce-inclusion": "theorem_5_2",
    "infonce-slope": "infonce_slope",
    "infonce-equality": "infonce_equality",
    "infonce-equality-biased": "infonce_equality_biased",
    "infonce-equality-two": "infonce_equality_two",
    "infonce-equality-balanced": "infonce_equality_balanced",
    "infonce-equality-small-signal": "infonce_equality_small_signal",
    "infonce-equality-vanishing": "infonce_equality_vanishing",
    "infonce-equality-product": "infonce_equality_product",
    "infonce-equality-equal-weights": "infonce_equality_equal_weights",
    "infonce-equality-equal-weights-biased": "infonce_equality_equal_weights_biased",
    "infonce-top-r": "infonce_top_r",
    "clip-inclusion-effective": "clip_inclusion_effective",
    "clip-inclusion-literal": "clip_inclusion_literal",
    "clip-inclusion-balanced": "clip_inclusion_balanced",
    "clip-effective-equality": "clip_effective_equality",
    "clip-equality-lines": "clip_equality_lines",
    "clip-top-r": "clip_top_r",
    "simsiam-inclusion": "simsiam_inclusion",
    "simsiam-equality": "simsiam_equality",
    "simsiam-top-r": "simsiam_top_r",
    "simsiam-collapse": "simsiam_collapse",
    "simsiam-weight-decay": "simsiam_weight_decay",
    "simsiam-invariant-means": "simsiam_invariant_means",
    "spectral-inclusion": "spectral_inclusion",
    "spectral-equality": "spectral_equality",
    "spectral-top-r": "spectral_top_r",
    "pca-equality": "pca_equality",
    "pca-spherical": "pca_spherical",
    "pca-top-r": "pca_top_r",
    "pca-top-r-spherical": "pca_top_r_spherical",
    "population-graph-equivalence": "population_graph_equivalence",
    "population-graph-as-printed": "population_graph_as_printed",
    "linear-probe-bound": "linear_probe_bound",
    "nonshared-inclusion": "nonshared_inclusion",
    "nonshared-proportional": "nonshared_proportional",
    "temperature": "temperature",
    "translation": "translation",
}


THEORY = Theory(
    OURS,
    modules={name: f"thmverify.theorems.{module}:STATEMENT" for name, module in MODULES.items()},
    headlines=HEADLINES,
)
REGISTRY = Registry([Found(THEORY, OURS)])
