"""What this theory has found, for people who read one screen; which sentence shows depends on the checks."""

from __future__ import annotations

from thmverify.findings import Clause, Finding
from thmverify.verdicts import Standing

PROVED, CONDITIONAL, REFUTED = Standing.PROVED, Standing.CONDITIONAL, Standing.REFUTED

SCORES = Clause(
    (
        *("convex-scores-inclusion", "infonce-inclusion", "infonce-finite-inclusion", "siglip-inclusion"),
        *("logistic-inclusion", "supcon-inclusion", "dcl-inclusion"),
    ),
    {
        PROVED: "If the components share one covariance, every best linear map uses directions of S_F alone: for "
        "InfoNCE at every bias δ, and for every loss that is a convex function of scores and not affine, whatever "
        "the batch and the number of columns. SigLIP, triplet, supervised and decoupled losses are of this kind."
    },
)
NORMALISED = Clause(
    ("simclr-normalised-inclusion",),
    {
        REFUTED: "Scaled to length one, features gain from a noise direction, in which all components are alike: the "
        "best map leaves S_F, here and, for two opposite components of equal weight, at every temperature."
    },
)
UNNORMALISED = Clause(
    ("ntxent-unnormalised-inclusion",),
    {PROVED: "The same loss without the scaling stays inside."},
)
MISSED = Clause(
    ("infonce-equality",),
    {
        REFUTED: "At δ = 1 InfoNCE was said to learn all of S_F. For three components, one of them rare and far out, "
        "it does not: S_F is the whole plane, and what it learns is a line."
    },
)
_BETTER = (
    "A better loss, with one learnt number for each key, learns at δ = 1 every direction that tells the components "
    "apart, and at no δ any other"
)
KEY_BIAS = Clause(
    ("infonce-key-bias-equality", "infonce-key-bias-inclusion"),
    {PROVED: f"{_BETTER}.", CONDITIONAL: f"{_BETTER}; the proof supposes what is listed with it as assumed."},
)
BELOW_ONE = Clause(
    ("infonce-key-bias-equality-biased",),
    {REFUTED: "At δ = 7/10 that loss, too, misses a direction of one such mixture."},
)

FINDINGS = (
    Finding(
        "Contrastive losses of scores learn nothing outside the Fisher subspace",
        (SCORES,),
        picture="infonce-inclusion",
    ),
    Finding(
        "SimCLR leaks: with normalised features, noise lowers the loss",
        (NORMALISED, UNNORMALISED),
        picture="simclr-normalised-inclusion",
    ),
    Finding(
        "InfoNCE can miss a direction, even if both points of a pair always match",
        (MISSED, KEY_BIAS, BELOW_ONE),
        picture="infonce-equality",
    ),
)
