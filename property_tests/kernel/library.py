"""Claims on instances with known answers, for every rule, and their certificates."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from flint import arb_mat, fmpq_mat

from thmverify.certifying import decide
from thmverify.certifying.writing import written_instance
from thmverify.instances import parse_instance
from thmverify.kernel.integrals import Grid, softmax_moments
from thmverify.kernel.linear import select
from thmverify.kernel.models import Mixture
from thmverify.kernel.strict import canonical, digest
from thmverify.models import Instance

SHIPPED = sorted((Path(__file__).parents[2] / "theorems" / "counterexamples").glob("*.json"))


def shared(weights: str, means: str, **fields: Any) -> dict[str, Any]:
    """{"model": "shared-gmm", …} from "1/2 1/2" and "1 0, -1 0"."""
    rows = [row.split() for row in means.split(",")]
    return {"model": "shared-gmm", "weights": weights.split(), "means": rows, **fields}


def clip(weights: str, vision: str, text: str, **fields: Any) -> dict[str, Any]:
    rows = ([row.split() for row in means.split(",")] for means in (vision, text))
    modalities = [{"means": means} for means in rows]
    return {"model": "clip-gmm", "weights": weights.split(), "vision": modalities[0], "text": modalities[1], **fields}


def embedded(instance: dict[str, Any], modality: str) -> dict[str, Any]:
    """The instance with one more coordinate in a modality, all noise."""
    old = instance[modality]
    sigma = [*([*row, "0"] for row in old["covariance"]), [*(["0"] * len(old["covariance"])), "1"]]
    return {**instance, modality: {"means": [[*row, "0"] for row in old["means"]], "covariance": sigma}}


SKEW = [["2", "1"], ["1", "3"]]
LINE = shared("1/3 2/3", "2 1, -1 -1/2", covariance=SKEW)  # K = 2, centred
TRIANGLE = shared("1/3 1/3 1/3", "1 1, -1 1, 0 -2", bias="7/10")
DEGENERATE = shared("9/10 9/100 1/100", "7/15 -2/45, -6 0, 12 4", bias="7/10")  # rank M* = 1 < 2
AT_ONE = shared("49/50 19/1000 1/1000", "44/245 -1/49, -8 1, -24 1")  # the same at δ = 1
UNEVEN = shared("73/100 6/25 3/100", "-4 -4, 10 13, 26 40")  # SigLIP misses a direction
TILTED = shared("1/2 1/2", "3 1, -1 1", bias="1/2", rank=1)
OFFSET = shared("1/4 1/4 1/4 1/4", "2 0 1, -2 0 1, 0 1 1, 0 -1 1", bias="1/2", rank=2)  # μ̄ is an eigenvector
SEPARATE = {
    "model": "gmm",
    "weights": ["1/2", "1/2"],
    "means": [["2", "0"], ["-2", "0"]],
    "covariances": [[["1", "0"], ["0", "1"]], [["3", "0"], ["0", "3"]]],
}
LEANING = SEPARATE | {
    "means": [["1", "0"], ["-1", "0"]],
    "covariances": [[["1", "0"], ["0", "1"]], [["2", "1"], ["1", "2"]]],
}
MIRRORED = LEANING | {"covariances": [[["2", "1"], ["1", "2"]], [["2", "-1"], ["-1", "2"]]]}  # x₁ ↦ −x₁ swaps them
TETRAHEDRON = shared("1/4 1/4 1/4 1/4", "1 1 1, 1 -1 -1, -1 1 -1, -1 -1 1")  # Σ⁻¹S is a multiple of 1
PANCAKES = shared("1/2 1/2", "2 0, -2 0", covariance=[["1", "0"], ["0", "9"]], rank=1)
SKEWED = [["2", "1", "0", "0"], ["1", "2", "1", "0"], ["0", "1", "3", "1"], ["0", "0", "1", "1"]]
LEAKING = shared("1/2 1/4 1/4", "2 1 0 0, 0 -2 1 0, -4 0 -1 0", covariance=SKEWED)
RARE = shared("93/100 3/50 1/100", "94/465 -57/310, -5 161/20, 56/5 -156/5", bias="7/10", rank=3)
TWISTED = shared("1/2 1/2", "2 1, -2 -1", covariance=[["4", "0"], ["0", "1/4"]], rank=1, weight_decay="1")
FAR = "1" + "0" * 160  # its square is beyond any float
PAIRED = clip("1/3 2/3", "2 1, -1 0", "1 1, -1 2", rank=2)
WIDE = clip("1/3 1/3 1/3", "2 1 0, -1 0 1, -1 -1 -1", "1 1, -1 2, 0 -3", rank=2)
LEANING_IMAGES = clip("1/2 1/2", "1 0, -1 0", "1, -1", rank=1)
LEANING_IMAGES["vision"]["covariances"] = LEANING["covariances"]
SEPARATE_TEXTS = clip("1/2 1/2", "1, -1", "2 0, -2 0")
SEPARATE_TEXTS["text"]["covariances"] = SEPARATE["covariances"]
HEXAGON = "1 0 1, 1 1 -1, 0 1 1, -1 0 -1, -1 -1 1, 0 -1 -1"  # and a sign that alternates
TWICE_ROUND = "1 0 1, 0 1 -1, -1 -1 1, 1 0 -1, 0 1 1, -1 -1 -1"
TURNING = clip(" ".join(["1/6"] * 6), HEXAGON, TWICE_ROUND, rank=3)  # only the signs have anything in common
TURNING["vision"]["covariance"] = TURNING["text"]["covariance"] = [["2", "1", "0"], ["1", "2", "0"], ["0", "0", "1"]]
APART = shared("1/3 1/3 1/3", "2 0 0, -1 1 0, -1 -1 0")  # one direction tells much more than the other
ON_AXES = shared("1/4 1/4 1/4 1/4", "2 1, 2 -1, -2 1, -2 -1", rank=1)
SQUARES = clip("1/4 1/4 1/4 1/4", "1 1, 1 -1, -1 1, -1 -1", "1 1, 1 -1, -1 1, -1 -1", rank=1)
EIGHTHS = " ".join(["1/8"] * 8)
CAPTIONS = clip(
    EIGHTHS, "1 2, 1 2, 1 -2, 1 -2, -1 2, -1 2, -1 -2, -1 -2", "1 1, 1 -1, 1 1, 1 -1, -1 1, -1 -1, -1 1, -1 -1", rank=1
)  # they say nothing about the second coordinate of an image
GRAPH = {"model": "population-graph", "weights": [["1/4", "1/8"], ["1/8", "1/2"]], "labels": [0, 1], "rank": 1}

# claim, instance, verdict, rule
KNOWN: list[tuple[str, dict[str, Any], str, str]] = [
    ("lemma-4.2", LINE, "proved", "exact"),
    ("fisher-optimality", SEPARATE, "proved", "exact"),
    ("infonce-inclusion", TRIANGLE, "proved", "exact"),
    ("nonshared-inclusion", SEPARATE, "proved", "exact"),
    ("nonshared-inclusion", LEANING, "refuted", "border"),
    ("nonshared-inclusion", MIRRORED, "proved", "reflection"),
    ("translation", LINE, "proved", "exact"),
    ("translation", shared("1/2 1/2", "1 1, -1 1"), "refuted", "both"),
    ("infonce-top-r", {**TRIANGLE, "bias": "0", "rank": 1}, "refuted", "exact"),
    ("infonce-top-r", {**TRIANGLE, "covariance": [["1", "0"], ["0", "3"]], "rank": 1}, "proved", "exact"),
    ("infonce-top-r", {**TETRAHEDRON, "rank": 2}, "proved", "kkt"),
    ("infonce-top-r", DEGENERATE, "refuted", "kkt"),
    ("infonce-top-r", shared("1/2 1/2", "1 1, -1 1"), "refuted", "symmetry"),
    ("infonce-top-r", shared("1/2 1/4 1/4", "1 0, -2 1, 0 -1", rank=1), "refuted", "border"),
    ("infonce-equality", LINE, "proved", "exact"),
    ("infonce-equality", {**LINE, "bias": "1/100"}, "proved", "exact"),
    ("infonce-equality", TRIANGLE, "proved", "kkt"),
    ("infonce-equality", DEGENERATE, "refuted", "kkt"),
    ("infonce-equality", AT_ONE, "refuted", "kkt"),
    ("infonce-equality", {**LINE, "bias": "0"}, "refuted", "exact"),
    ("infonce-equality", shared("1", "2 1"), "refuted", "exact"),
    ("infonce-equality", shared("1", "0 0", bias="0"), "proved", "exact"),
    ("infonce-equality", {**TRIANGLE, "rank": 1}, "refuted", "exact"),
    ("infonce-equality", shared("1/2 1/2", "1 1, -1 1"), "refuted", "symmetry"),
    ("shared-noise-inclusion", {**PANCAKES, "covariance": SKEW, "rank": 2}, "refuted", "exact"),
    ("shared-noise-inclusion", PANCAKES, "proved", "exact"),
    ("sample-inclusion", LINE, "refuted", "exact"),
    ("sample-inclusion", TRIANGLE, "proved", "exact"),
    ("sample-existence", LINE, "refuted", "exact"),
    ("whitening-inclusion", LINE, "refuted", "exact"),
    ("whitening-inclusion", PANCAKES, "proved", "exact"),
    ("barlow-inclusion", LINE, "proved", "exact"),
    ("barlow-inclusion", {**PANCAKES, "means": [["15", "0"], ["-15", "0"]], "rank": 2}, "refuted", "exact"),
    ("barlow-inclusion", APART, "proved", "levels"),
    ("barlow-equality", {**TRIANGLE, "rank": 1}, "refuted", "exact"),
    ("barlow-equality", APART, "refuted", "levels"),
    ("vicreg-inclusion", PANCAKES, "proved", "exact"),
    ("vicreg-inclusion", APART, "proved", "levels"),
    ("vicreg-inclusion", {**LINE, "bias": "1/100", "rank": 3}, "refuted", "levels"),
    ("vicreg-equality", {**LINE, "bias": "0"}, "refuted", "exact"),
    ("vicreg-equality", APART, "refuted", "levels"),
    ("simclr-normalised-inclusion", {**PANCAKES, "rank": 2}, "refuted", "exact"),
    ("simclr-normalised-inclusion", PANCAKES, "proved", "exact"),
    ("simclr-normalised-inclusion", {**PANCAKES, "bias": "0"}, "refuted", "exact"),
    ("simclr-normalised-inclusion", TRIANGLE, "proved", "exact"),
    ("simclr-normalised-inclusion", LINE, "refuted", "losses"),
    ("affine-equality", LINE, "proved", "exact"),
    ("affine-equality", {**TRIANGLE, "bias": "0"}, "refuted", "exact"),
    ("affine-equality", TRIANGLE, "proved", "kkt"),
    ("affine-equality", shared("49/50 19/1000 1/1000", "144/245 3/49, -7 2, -23 2"), "refuted", "kkt"),
    ("infonce-key-bias-equality", RARE, "refuted", "coupling"),
    ("affine-existence", LINE, "proved", "exact"),
    ("affine-existence", TRIANGLE, "proved", "kkt"),
    ("affine-existence", DEGENERATE, "refuted", "kkt"),
    ("infonce-key-bias-equality", {**TRIANGLE, "bias": "0"}, "refuted", "exact"),
    ("infonce-key-bias-equality", {**TRIANGLE, "rank": 1}, "refuted", "exact"),
    ("infonce-key-bias-equality", shared("1/3 2/3", "2 1, 2 1"), "proved", "exact"),
    ("infonce-key-bias-equality", {**TRIANGLE, "bias": "1"}, "proved", "exact"),
    ("siglip-equality", LINE, "proved", "exact"),
    ("siglip-equality", {**TRIANGLE, "bias": "0"}, "refuted", "exact"),
    ("siglip-equality", UNEVEN, "refuted", "kkt"),
    ("spectral-equality", LINE, "proved", "exact"),
    ("spectral-equality", {**TRIANGLE, "rank": 1}, "refuted", "exact"),
    ("spectral-equality", {**TRIANGLE, "bias": "0"}, "refuted", "exact"),
    ("spectral-top-r", {**TRIANGLE, "rank": 1}, "proved", "exact"),
    ("spectral-top-r", {**TILTED, "rank": 2, "bias": "0"}, "refuted", "exact"),
    ("spectral-top-r", TILTED, "refuted", "exact"),
    ("spectral-top-r", {**TILTED, "bias": "1"}, "proved", "exact"),
    ("spectral-top-r", {**OFFSET, "rank": 1}, "refuted", "threshold"),
    ("spectral-top-r", OFFSET, "proved", "threshold"),
    ("pca-equality", PANCAKES, "refuted", "exact"),
    ("pca-equality", {**PANCAKES, "covariance": [["1", "0"], ["0", "4"]]}, "proved", "exact"),
    ("pca-equality", {**LINE, "rank": 1}, "refuted", "exact"),
    ("pca-equality", PANCAKES | {"rank": 2}, "refuted", "exact"),
    ("pca-top-r", ON_AXES, "proved", "exact"),
    ("pca-top-r", {**ON_AXES, "covariance": SKEW}, "refuted", "exact"),
    ("pca-top-r", {**ON_AXES, "covariance": ["1", "1/2"]}, "proved", "threshold"),
    ("pca-top-r", {**ON_AXES, "covariance": ["9", "1"]}, "refuted", "threshold"),
    ("simsiam-equality", LINE, "refuted", "exact"),
    ("simsiam-top-r", ON_AXES, "refuted", "exact"),
    ("simsiam-top-r", {**TETRAHEDRON, "rank": 2}, "proved", "exact"),
    ("simsiam-inclusion", {**LINE, "rank": 1}, "proved", "exact"),
    ("simsiam-inclusion", {**LINE, "rank": 1, "weight_decay": "1/10"}, "refuted", "leak"),
    ("simsiam-inclusion", {**LEAKING, "rank": 2, "weight_decay": "1/20"}, "refuted", "leak"),
    ("simsiam-inclusion", {**LINE, "rank": 1, "weight_decay": "10"}, "proved", "exact"),
    ("simsiam-inclusion", {**LINE, "rank": 2, "weight_decay": "1/10"}, "proved", "exact"),
    ("simsiam-inclusion", {**PANCAKES, "weight_decay": "1/10"}, "proved", "exact"),
    ("simsiam-inclusion", TWISTED, "proved", "exact"),
    ("simsiam-inclusion", {**TWISTED, "means": [[FAR, "1"], ["-" + FAR, "-1"]]}, "refuted", "root"),
    ("clip-inclusion-effective", WIDE, "proved", "exact"),
    ("clip-nonshared-inclusion", LEANING_IMAGES, "refuted", "border"),
    ("clip-nonshared-inclusion", {**LEANING_IMAGES, "bias": "0"}, "proved", "exact"),
    ("clip-nonshared-inclusion", SEPARATE_TEXTS, "proved", "exact"),
    ("clip-inclusion-literal", WIDE, "proved", "kkt"),
    ("clip-inclusion-literal", {**WIDE, "rank": 3}, "refuted", "exact"),
    ("clip-inclusion-literal", PAIRED, "proved", "exact"),
    ("clip-effective-equality", PAIRED, "proved", "kkt"),
    ("clip-effective-equality", {**PAIRED, "bias": "0"}, "refuted", "exact"),
    ("clip-effective-equality", clip("1/2 1/2", "1 1, -1 1", "1 2, -1 2"), "refuted", "symmetry"),
    ("clip-effective-equality", TURNING, "refuted", "symmetry"),
    ("clip-inclusion-literal", embedded(TURNING, "text") | {"rank": 2}, "refuted", "symmetry"),
    ("clip-top-r", SQUARES, "proved", "exact"),
    ("clip-top-r", clip("1/2 1/2", "1 1, -1 1", "1 2, -1 2"), "refuted", "symmetry"),
    ("clip-top-r", PAIRED, "proved", "kkt"),
    ("clip-top-r", CAPTIONS, "refuted", "unseen"),
    ("clip-shared-noise-inclusion", clip("1/2 1/2", "1 1, -1 -1", "1, -1", rank=2), "refuted", "exact"),
    ("clip-shared-noise-inclusion", PAIRED, "proved", "exact"),
    ("population-graph-equivalence", GRAPH, "proved", "exact"),
    ("population-graph-as-printed", GRAPH, "refuted", "exact"),
    ("linear-probe-bound", GRAPH, "proved", "exact"),
]


def softmax_points(law: Mixture, D: fmpq_mat, b: fmpq_mat, grids: list[Grid], c: Sequence[fmpq_mat] = ()) -> arb_mat:
    """The columns E[p_k t], or E[p_k t (1, qᵀ)] with c, for all k side by side."""
    K, width = len(law.weights), 1 + (b.nrows() if c else 0)
    units = fmpq_mat(K * width, K * width, [int(i == j) for i in range(K * width) for j in range(K * width)])
    targets = [select(units, range(k * width, (k + 1) * width), range(K * width)) for k in range(K)]
    return softmax_moments(law, D, b, targets, grids, c)


def instance_of(fields: dict[str, Any]) -> Instance:
    """The instance of a certificate's fields, in which whole numbers are text too."""
    return written_instance(fields["instance"])


def _is_known(path: Path) -> bool:
    """Whether a shipped certificate decides what a row of KNOWN decides."""
    fields = json.loads(path.read_bytes())
    rows = [parse_instance(instance) for claim, instance, *_ in KNOWN if claim == fields["claim"]]
    return instance_of(fields) in rows


OTHERS = [path for path in SHIPPED if not _is_known(path)]
CASES = [claim for claim, *_ in KNOWN] + [path.stem for path in OTHERS]  # what `certificate_of` takes a number of


HEADS = [(claim, rule) for claim, _, _, rule in KNOWN]  # the claim and the rule of each case, none of them decided
HEADS += [(fields["claim"], fields["rule"]) for fields in (json.loads(path.read_bytes()) for path in OTHERS)]


@cache
def certificate_of(index: int) -> bytes:
    """The certificate of a row of KNOWN, or after these of another shipped file."""
    return _decided(index) if index < len(KNOWN) else OTHERS[index - len(KNOWN)].read_bytes()


def _decided(index: int) -> bytes:
    """Decide a row of KNOWN, once for all the processes of a run: they share the folder of what is kept for it."""
    claim, instance, _, _ = KNOWN[index]
    kept = Path(os.environ["THMVERIFY_CACHE"]) / f"known-{digest([claim, json.dumps(instance)])}"
    if kept.exists():
        return kept.read_bytes()
    data = decide(claim, parse_instance(instance), measured=False)[1]
    if data is None:
        raise LookupError(f"{claim} is undecided on {instance}")
    written = kept.with_name(f"{kept.name}-{os.getpid()}")
    written.write_bytes(data)
    written.replace(kept)
    return data


def all_certificates() -> tuple[bytes, ...]:
    """The certificates of KNOWN, in its order, and the other shipped ones."""
    return tuple(map(certificate_of, range(len(CASES))))


def label(index: int) -> str:
    claim, _, verdict, rule = KNOWN[index]
    return f"{index}-{claim}-{verdict}-{rule}"


def scaled(instance: dict[str, Any], factor: int) -> dict[str, Any]:
    """The instance in coordinates factor · x: Σ ↦ factor² Σ."""
    d = len(instance["means"][0])
    sigma = instance.get("covariance") or [[int(i == j) for j in range(d)] for i in range(d)]
    return {
        **instance,
        "means": [[str(Fraction(x) * factor) for x in row] for row in instance["means"]],
        "covariance": [[str(Fraction(x) * factor**2) for x in row] for row in sigma],
    }


def rehashed(certificate: dict[str, Any]) -> bytes:
    """The bytes of a changed certificate, with the content hash that it needs."""
    body = {key: value for key, value in certificate.items() if key != "content"}
    return canonical({**body, "content": digest(list(body.items()))})
