"""The CLIP rules: symmetries bound the rank of the minimiser, and margins enclose its singular values."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from scipy.linalg import sqrtm

from property_tests.kernel.library import PAIRED, TURNING, WIDE, clip, embedded
from thmverify import exact
from thmverify import testing as st
from thmverify.certifying import decide
from thmverify.certifying.exact_hints import symmetry_proposals
from thmverify.certifying.writing import instance_fields
from thmverify.instances import parse_instance
from thmverify.kernel import Rejected
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.rules import RULES
from thmverify.kernel.rules.ranks import symmetric
from thmverify.minimize import minimise
from thmverify.models import CLIPGMM, Instance
from thmverify.testing import MULTIPLIER, Seeded
from thmverify.verdicts import Outcome

TURN = [["1", "2", "3", "4", "5", "0"]]
# What a rotation of six components by one place may do to the means: coordinates in which Σ⁻¹ ∝ [[2, −1], [−1, 2]].
PARTS = {
    "constant": [[1]] * 6,
    "sign": [[1], [-1]] * 3,
    "hexagon": [[1, 0], [1, 1], [0, 1], [-1, 0], [-1, -1], [0, -1]],
    "twice": [[1, 0], [0, 1], [-1, -1]] * 2,
}
METRIC = {1: [[1]], 2: [[2, 1], [1, 2]]}


def modality(names: list[str], sizes: list[int]) -> dict:
    blocks = [METRIC[len(PARTS[n][0])] for n in names]
    d = sum(map(len, blocks))
    sigma, at = [["0"] * d for _ in range(d)], 0
    for block in blocks:
        for i, row in enumerate(block):
            sigma[at + i][at : at + len(block)] = map(str, row)
        at += len(block)
    means = [[str(s * x) for n, s in zip(names, sizes, strict=True) for x in PARTS[n][k]] for k in range(6)]
    return {"means": means, "covariance": sigma}


def turning(seed: int):
    rng = random.Random(seed)
    fields = {"model": "clip-gmm", "weights": ["1/6"] * 6, "rank": 6, "bias": f"{rng.randint(1, 4)}/4"}
    for name in ("vision", "text"):
        names = rng.sample(list(PARTS), rng.randint(1, 3))
        fields[name] = modality(names, [rng.randint(1, 2) for _ in names])
    return parse_instance(fields)


@pytest.mark.parametrize("seed", range(12 * MULTIPLIER))
def test_no_minimiser_exceeds_the_bound_of_its_symmetries(seed):
    instance = turning(seed)
    paired = kernel_instance(instance_fields(instance))
    W = minimise("clip", instance, min(paired.sizes)).maps["W"]
    found = int(np.sum(np.linalg.svd(W, compute_uv=False) > 1e-7))
    assert found <= symmetric(paired, {"permutations": TURN})[1]
    for proposal in symmetry_proposals(paired):
        assert found <= symmetric(paired, proposal.hints)[1] <= symmetric(paired, {"permutations": TURN})[1]


@pytest.mark.parametrize("names", [["hexagon"], ["hexagon", "sign"], ["hexagon", "sign", "twice"]])
def test_the_same_symmetry_on_both_sides_bounds_nothing(names):
    both = modality(names, [1] * len(names))
    fields = {"model": "clip-gmm", "weights": ["1/6"] * 6, "vision": both, "text": both, "rank": 6}
    paired = kernel_instance(instance_fields(parse_instance(fields)))
    assert symmetric(paired, {"permutations": TURN})[1] == paired.mixture.m
    assert list(symmetry_proposals(paired)) == []


@pytest.mark.parametrize("rule", [("clip-effective-equality", "symmetry"), ("clip-inclusion-literal", "symmetry")])
@pytest.mark.parametrize(
    "permutations",
    [
        [],
        [["0", "1", "2", "3", "4", "5"]],
        [["1", "0", "2", "3", "4", "5"]],
        [["1", "2", "3", "4", "5"]],
        [["1", "2", "3", "4", "5", "5"]],
        [["1", "2", "3", "4", "5", "6"]],
        [["1", "2", "3", "4", "5", "-1"]],
        "0",
    ],
)
def test_other_permutations_are_refused(rule, permutations):
    fields = embedded(TURNING, "text") | {"rank": 3}  # where the literal claim does not hold trivially
    paired = kernel_instance(instance_fields(parse_instance(fields)))
    with pytest.raises(Rejected):
        RULES[rule](paired, {"permutations": permutations})


@pytest.mark.parametrize("seed", range(6 * MULTIPLIER))
def test_without_a_common_symmetry_nothing_is_refuted_by_one(seed):
    source = Seeded(random.Random(seed))
    instance = Instance(st.clip_gmm(source, (2, 5), (2, 2), hostile=False), 2)
    verdict, data = decide("clip-effective-equality", instance)
    if data is not None and b'"rule":"symmetry"' in data:
        W = minimise("clip", instance, 2).maps["W"]
        assert np.linalg.svd(W, compute_uv=False)[-1] < 1e-9
        assert verdict.outcome is Outcome.REFUTED


def whitened_singular_values(instance) -> np.ndarray:
    model, W = instance.model, minimise("clip", instance, 6).maps["W"]
    assert isinstance(model, CLIPGMM)
    roots = [np.real(sqrtm(exact.to_floats(m.sigma))) for m in (model.vision, model.text)]
    return np.linalg.svd(roots[0] @ W @ roots[1], compute_uv=False)


@pytest.mark.parametrize(
    ("claim", "fields", "n"),
    [
        ("clip-effective-equality", PAIRED, 2),
        ("clip-inclusion-literal", WIDE, 2),
        ("clip-inclusion-literal", WIDE | {"rank": 1}, 1),
        ("clip-effective-equality", clip("1/2 1/2", "1, -1", "2, -2", rank=1), 1),
    ],
)
def test_margins_enclose_a_singular_value(claim, fields, n):
    instance = parse_instance(fields)
    low, high = decide(claim, instance)[0].margin
    truth = Fraction(-float(whitened_singular_values(instance)[n - 1]))
    assert low - Fraction(1, 10**8) < truth < high + Fraction(1, 10**8)
    assert low < high < 0
    assert high - low < Fraction(1, 10**6)
