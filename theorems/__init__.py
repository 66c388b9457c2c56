"""The statements that ship with the toolkit: `THEORY` names them, `REGISTRY` finds them by id.

They lie in folders, one for each family. NAME.py is a statement, named after its id, NAME_proof.py the script of its
proof, and common.py what several of them speak of: the loss, symbols, margins, known instances. A module is imported
when its statement is first asked for, so that `python -m thmverify.theorems.infonce.infonce_inclusion` runs that module
once and not twice. What a list shows of them is in `headlines.json`, which `python -m thmverify.theorems.formal`
writes.
"""

from __future__ import annotations

import re
from pathlib import Path

from thmverify.headlines import OURS
from thmverify.theorems.findings import FINDINGS
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
MAPS = Path(__file__).parent / "maps"
NEIGHBOURHOODS = Path(__file__).parent / "neighbourhoods"  # of counterexamples
COVERS = Path(__file__).parent / "covers"
HEADLINES = Path(__file__).parent / "headlines.json"
FORMAL = Path(__file__).parent / "formal"  # the theory in Coq, and one instance of it
CHECKED = FORMAL / "checked.json"  # what Coq has checked of it: `python -m thmverify.theorems.coq`

FAMILIES = {  # by the folder that they are in; a statement's module has its name
    "fisher": ("lemma-4.2", "fisher-optimality"),
    "infonce": (
        "infonce-inclusion",
        "infonce-slope",
        "infonce-equality",
        "infonce-equality-biased",
        "infonce-equality-two",
        "infonce-equality-balanced",
        "infonce-equality-small-signal",
        "infonce-equality-vanishing",
        "infonce-equality-product",
        "infonce-equality-three",
        "infonce-equality-equal-weights",
        "infonce-equality-equal-weights-biased",
        "infonce-top-r",
        "temperature",
        "translation",
    ),
    "key_bias": ("infonce-key-bias-inclusion", "infonce-key-bias-equality", "infonce-key-bias-equality-biased"),
    "encoders": (
        "affine-inclusion",
        "affine-existence",
        "affine-equality",
        "sufficiency",
        "measurable-encoders",
        "quadratic-features-diverge",
        "relu-inclusion",
    ),
    "clip": (
        "clip-inclusion-effective",
        "clip-inclusion-literal",
        "clip-inclusion-balanced",
        "clip-effective-equality",
        "clip-equality-lines",
        "clip-top-r",
    ),
    "simsiam": (
        "simsiam-inclusion",
        "simsiam-equality",
        "simsiam-top-r",
        "simsiam-collapse",
        "simsiam-weight-decay",
        "simsiam-invariant-means",
    ),
    "simclr": ("simclr-normalised-inclusion",),
    "spectral": ("spectral-inclusion", "spectral-equality", "spectral-top-r"),
    "shared_noise": (
        "shared-noise-bound",
        "shared-noise-inclusion",
        "clip-shared-noise-bound",
        "clip-shared-noise-inclusion",
    ),
    "barlow": ("barlow-inclusion", "barlow-equality"),
    "vicreg": ("vicreg-inclusion", "vicreg-equality"),
    "whitening": ("whitening-equality", "whitening-inclusion"),
    "pca": ("pca-equality", "pca-spherical", "pca-top-r", "pca-top-r-spherical"),
    "graphs": ("population-graph-equivalence", "population-graph-as-printed", "linear-probe-bound"),
    "scores": (
        "convex-scores-inclusion",
        "infonce-finite-inclusion",
        "siglip-inclusion",
        "siglip-equality",
        "logistic-inclusion",
        "dcl-inclusion",
        "supcon-inclusion",
        "ntxent-unnormalised-inclusion",
        "clip-batch-inclusion",
    ),
    "samples": ("sample-inclusion", "sample-existence", "sample-deviation", "sample-radius"),
    "nonshared": (
        "nonshared-inclusion",
        "nonshared-proportional",
        "clip-nonshared-inclusion",
        "clip-proportional-inclusion",
    ),
}


MODULES = {
    name: f"thmverify.theorems.{family}.{re.sub('[-.]', '_', name)}"
    for family, names in FAMILIES.items()
    for name in names
}


TITLES = {  # of the families, for people
    "fisher": "Fisher’s discriminant",
    "infonce": "InfoNCE",
    "key_bias": "InfoNCE with a key bias",
    "clip": "CLIP",
    "simsiam": "SimSiam",
    "simclr": "SimCLR",
    "spectral": "Spectral contrastive",
    "shared_noise": "Pairs that share noise",
    "barlow": "Barlow Twins",
    "vicreg": "VICReg",
    "whitening": "Whitening",
    "pca": "PCA",
    "graphs": "Population graphs",
    "scores": "Losses of scores",
    "encoders": "Affine maps and larger classes",
    "samples": "Samples",
    "nonshared": "Separate covariances",
}

THEORY = Theory(
    OURS,
    modules={name: f"{module}:STATEMENT" for name, module in MODULES.items()},
    headlines=HEADLINES,
    formal=CHECKED,
    title="Linear representations of Gaussian mixtures",
    about="Data come from a mixture of Gaussians, a loss is minimised over the linear maps x ↦ Aᵀx, and the question "
    "is whether the columns of A span the Fisher subspace S_F: the directions that tell the components apart, and no "
    "others. δ is the probability that both points of a pair are of one component.",
    families={TITLES[family]: names for family, names in FAMILIES.items()},
    findings=FINDINGS,
)
REGISTRY = Registry([Found(THEORY, OURS)])
