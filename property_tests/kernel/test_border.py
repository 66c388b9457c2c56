"""The border rule: its integrals and gradients against the definition; what it accepts, and what it never may."""

from __future__ import annotations

import copy
import itertools
import json
import math
import random
from fractions import Fraction
from functools import cache

import mpmath
import numpy as np
import pytest
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from property_tests.kernel.library import LEANING, LEANING_IMAGES, MIRRORED, SEPARATE, SHIPPED, shared, softmax_points
from thmverify import exact
from thmverify import testing as st
from thmverify.certifying import decide
from thmverify.certifying.border import gradient_grids, modulus_of
from thmverify.certifying.grids import propose, rational
from thmverify.certifying.writing import instance_fields
from thmverify.exact import identity
from thmverify.instances import parse_instance
from thmverify.kernel import Rejected, check
from thmverify.kernel.enclosure import infonce_gradient
from thmverify.kernel.integrals import Adaptive, read_grids
from thmverify.kernel.linear import Diagonal
from thmverify.kernel.models import Mixture, Pairs
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.rules import RULES
from thmverify.kernel.rules.border import (
    clip_border,
    largest_fall,
    least_rise,
    nonshared_border,
    reflected,
    steepest,
    top_border,
)
from thmverify.losses import LOSSES
from thmverify.losses.levels import enclose, enclosed_gradient, float64_value
from thmverify.maps import Encoder
from thmverify.minimize import minimise
from thmverify.models import GMM, AugmentedPairs, Instance
from thmverify.testing import MULTIPLIER, Seeded
from thmverify.verdicts import Outcome

SEEDS = pytest.mark.parametrize("seed", range(8 * MULTIPLIER))
TIPPED = shared("1/2 1/4 1/4", "1 0, -2 1, 0 -1", rank=1)  # the best line for J is not the best for InfoNCE


def separate(seed: int, dimension: tuple[int, int] = (2, 4), components: tuple[int, int] = (2, 3)) -> Instance:
    mixture = st.gmm(Seeded(random.Random(3000 + seed)), components, dimension, hostile=False)
    return Instance(AugmentedPairs(mixture, Fraction(1 + seed % 3, 3)), mixture.dimension)


def pairs_of(given: Instance) -> Pairs:
    found = kernel_instance(json.loads(json.dumps(instance_fields(given))))
    assert isinstance(found, Pairs)
    return found


def factor(seed: int, d: int, rho: int) -> fmpq_mat:
    """A d × ρ matrix of full rank, of a size as minimisers have."""
    while True:
        V = st.rational_matrix(Seeded(random.Random(4000 + seed)), d, rho, 1) * fmpq(1, 2)
        if V.rank() == rho:
            return V
        seed += 1000


def gradient(pairs: Pairs, V: fmpq_mat, nats: float = 30.0) -> arb_mat:
    grids = gradient_grids(pairs.mixture, V, nats)
    with ctx.workprec(max(grids.bits, 128)):
        return infonce_gradient(pairs.mixture, pairs.C, V, read_grids(grids.grids, "grids"))


# ---------------------------------------------------------------------------------------------------- integrals


def moments(mixture: Mixture, V: fmpq_mat, grids: object) -> arb_mat:
    """The columns E[p_k x (1, qᵀ)] for bent logits."""
    bends = [V.transpose() * (sigma - mixture.covariances[0]) * V for sigma in mixture.covariances]
    read = grids if isinstance(grids, list) and isinstance(grids[0], Adaptive) else read_grids(grids, "grids")
    return softmax_points(mixture, V, V.transpose() * mixture.offsets, read, bends)


@SEEDS
def test_bent_softmax_weights_add_up_to_one(seed):
    """Σ_k E[p_k x] = μ̄ and Σ_k E[p_k x qᵀ] = R V, exactly."""
    mixture = pairs_of(separate(seed)).mixture
    if mixture.shared:
        return
    V = factor(seed, mixture.means.nrows(), 1 + seed % 2)
    K, width = len(mixture.weights), 1 + V.ncols()
    for nats in (8.0, 20.0):
        with ctx.workprec(128):
            found = moments(mixture, V, gradient_grids(mixture, V, nats).grids)
            totals = [
                [sum((row[k * width + n] for k in range(K)), arb(0)) for n in range(width)] for row in found.tolist()
            ]
        truth = exact.hstack([mixture.mean, mixture.R * V], V.nrows())
        assert all(totals[i][n].contains(arb(truth[i, n])) for i in range(V.nrows()) for n in range(width))


@SEEDS
def test_both_engines_and_all_grids_agree(seed):
    mixture = pairs_of(separate(seed)).mixture
    if mixture.shared:
        return
    V = factor(seed, mixture.means.nrows(), 1)
    with ctx.workprec(128):
        answers = [moments(mixture, V, gradient_grids(mixture, V, nats).grids) for nats in (4.0, 10.0, 25.0)]
        answers.append(moments(mixture, V, [Adaptive(12, 60)] * len(mixture.weights)))
        assert max(float(x.rad()) for x in answers[-1].entries()) < 1e-9
        for h, count, a in (("2", "15", "1/10"), ("1/2", "61", "1/50")):  # far too coarse: the bound has to carry it
            rough = [[[h, str(-(int(count) // 2)), count, a]]] * len(mixture.weights)
            try:
                answers.append(moments(mixture, V, rough))
            except Rejected:
                continue
    for one, other in itertools.combinations(answers, 2):
        assert all(x.overlaps(y) for x, y in zip(one.entries(), other.entries(), strict=True))


def test_moments_against_quadrature():
    """E[p_2 x (1, q)] on the line by mpmath: x ~ ½N(−1, 1) + ½N(2, 3), q = x/2."""
    mixture = Mixture((fmpq(1, 2), fmpq(1, 2)), fmpq_mat(1, 2, [-1, 2]), (identity(1), identity(1) * 3))
    V = fmpq_mat(1, 1, [fmpq(1, 2)])
    with ctx.workprec(128):
        found = moments(mixture, V, gradient_grids(mixture, V, 40.0).grids)
    with mpmath.workdps(25):

        def integrand(x, n):
            q = x / 2
            share = 1 / (1 + mpmath.exp(-(1.5 * q + q * q / 4)))  # b = 3/2 and c = (3 − 1)/4 against ½qᵀcq
            density = (mpmath.npdf(x, -1, 1) + mpmath.npdf(x, 2, mpmath.sqrt(3))) / 2
            return density * share * x * q**n

        for n in range(2):
            truth = mpmath.quad(lambda x, n=n: integrand(x, n), [-30, -10, -3, 0, 3, 10, 30])
            assert abs(mpmath.mpf(found[0, 2 + n].mid().str(25, radius=False)) - truth) < 1e-14
            assert float(found[0, 2 + n].rad()) < 1e-13


@pytest.mark.parametrize("rho", [1, 2, 3])
def test_moments_against_monte_carlo(rho):
    spread = [fmpq_mat(3, 3, [2, k, 0, k, 3, 1, 0, 1, 1 + k]) for k in range(3)]
    means = fmpq_mat(3, 3, [2, -1, 0, 1, 1, -2, 0, -1, 1])
    mixture = Mixture((fmpq(1, 2), fmpq(1, 3), fmpq(1, 6)), means, tuple(spread))
    V = factor(rho, 3, rho)
    with ctx.workprec(128):
        found = moments(mixture, V, gradient_grids(mixture, V, 8.0).grids)
    generator = np.random.default_rng(7)
    mu, F = exact.to_floats(mixture.means), exact.to_floats(V)
    weights = np.array([float(exact.to_fraction(w)) for w in mixture.weights])
    sigmas = [exact.to_floats(s) for s in mixture.covariances]
    labels = generator.choice(len(weights), size=200_000, p=weights)
    x = np.stack([mu[:, k] for k in labels]) + sum(
        (labels == k)[:, None] * (generator.standard_normal((len(labels), 3)) @ np.linalg.cholesky(s).T)
        for k, s in enumerate(sigmas)
    )
    M = F @ F.T
    logits = np.stack([x @ M @ mu[:, k] + 0.5 * np.sum((x @ M @ s @ M) * x, 1) for k, s in enumerate(sigmas)], 1)
    p = weights * np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    q = np.hstack([np.ones((len(x), 1)), x @ F])
    for k, i, n in itertools.product(range(3), range(3), range(1 + rho)):
        sample = p[:, k] * x[:, i] * q[:, n]
        error = 6 * sample.std() / math.sqrt(len(x)) + 1e-9
        assert abs(float(found[i, k * (1 + rho) + n].mid()) - sample.mean()) < error


# --------------------------------------------------------------------------------------------------- the gradient


@SEEDS
def test_the_gradient_overlaps_with_that_of_the_loss(seed):
    """∇L from the engines of `thmverify.losses`, which share neither grids nor formulas with the kernel."""
    given = separate(seed)
    pairs = pairs_of(given)
    d = pairs.mixture.means.nrows()
    V = factor(seed, d, min(d, 1 + seed % 2))
    found = gradient(pairs, V)
    other, _ = enclosed_gradient(LOSSES["infonce"], given, Encoder(V), 12)
    assert all(found[i, j].overlaps(other["M"][i, j]) for i in range(d) for j in range(d))
    assert max(float(x.rad()) for x in found.entries()) < 1e-6


@SEEDS
def test_the_gradient_is_that_of_the_definition(seed):
    """Central differences of L along V + sΔ: the derivative is 2⟨∇L V, Δ⟩, across the border too."""
    given = separate(seed, dimension=(2, 3))
    pairs = pairs_of(given)
    d = pairs.mixture.means.nrows()
    V, change, s = factor(seed, d, 1), factor(seed + 1, d, 1), fmpq(1, 1000)
    ends = [float64_value(LOSSES["infonce"], given, Encoder(V + change * step)).value for step in (s, -s)]
    g = np.array([float(x.mid()) for x in gradient(pairs, V).entries()]).reshape(d, d)
    slope = 2 * float((g @ exact.to_floats(V) * exact.to_floats(change)).sum())
    assert (ends[0] - ends[1]) / 0.002 == pytest.approx(slope, abs=1e-4 * (1 + abs(slope)))


@SEEDS
def test_the_loss_is_strongly_convex(seed):
    """⟨∇L(M) − ∇L(M'), M − M'⟩ ≥ κ‖M − M'‖² when Σ_k ⪰ κΣ̄."""
    pairs = pairs_of(separate(seed))
    sigma, d = pairs.mixture.sigma, pairs.mixture.means.nrows()
    kappa = modulus_of(pairs.mixture)
    V, W = factor(seed, d, 1), factor(seed + 5, d, 1)
    step = V * V.transpose() - W * W.transpose()
    change = (gradient(pairs, V) - gradient(pairs, W)) * arb_mat(step)
    rise = sum((change[i, i] for i in range(d)), arb(0))
    assert kappa > 0
    assert rise >= arb(exact.to_fmpq(kappa) * exact.trace(step * sigma * step * sigma)) or exact.is_zero(step)


# ------------------------------------------------------------------------------------------------------ the rule


@cache
def hints_of(claim: str, text: str) -> tuple[Pairs, dict]:
    data = decide(claim, parse_instance(json.loads(text)))[1]
    fields = json.loads(data)
    assert fields["rule"] == "border"
    return kernel_instance(fields["instance"]), fields["hints"]


def leaning() -> tuple[Pairs, dict]:
    return hints_of("nonshared-inclusion", json.dumps(LEANING))


def leaning_images() -> tuple[Pairs, dict]:
    return hints_of("clip-nonshared-inclusion", json.dumps(LEANING_IMAGES))


def tipped() -> tuple[Pairs, dict]:
    return hints_of("infonce-top-r", json.dumps(TIPPED))


def times(m: list[list[str]], x: Fraction) -> list[list[str]]:
    return [[str(Fraction(e) * x) for e in row] for row in m]


SPOILT = {
    "another point inside": lambda h: {**h, "V": times(h["V"], Fraction(3, 2))},
    "no point inside": lambda h: {**h, "V": [["0"] for _ in h["V"]]},
    "a modulus too large": lambda h: {**h, "modulus": "2"},
    "a modulus of 0": lambda h: {**h, "modulus": "0"},
    "a negative modulus": lambda h: {**h, "modulus": "-1"},
    "no step": lambda h: {**h, "W": [["0"] for _ in h["W"]]},
    "a step too long": lambda h: {**h, "W": times(h["W"], Fraction(5, 2))},
    "a step the other way": lambda h: {**h, "W": [h["W"][0], *times(h["W"][1:], Fraction(-1))]},
    "no grids": lambda h: {**h, "grids": []},
    "one grid for all": lambda h: {**h, "grids": h["grids"][:1]},
    "a grid that misses": lambda h: {
        **h,
        "grids_across": [[[a[0], "1000", *a[2:]] for a in g] for g in h["grids_across"]],
    },
    "a strip too wide": lambda h: {**h, "grids": [[[*a[:3], "50"] for a in g] for g in h["grids"]]},
    "a grid too coarse": lambda h: {
        **h,
        "grids_across": [[["8", "-3", "7", "1/100"] for _ in g] for g in h["grids_across"]],
    },
    "null vectors that are none": lambda h: {**h, "N": [["1"] for _ in h["N"]]},
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_hint_is_rejected(name):
    pairs, hints = leaning()
    assert nonshared_border(pairs, hints).verdict == "refuted"
    with pytest.raises((Rejected, ZeroDivisionError)):
        nonshared_border(pairs, SPOILT[name](hints))


SPOILT_IMAGES = {
    "another point inside": lambda h: {**h, "left": times(h["left"], Fraction(3, 2))},
    "no point inside": lambda h: {**h, "left": [["0"]]},
    "moduli too large": lambda h: {**h, "moduli": ["1", "1"]},
    "a modulus of 0": lambda h: {**h, "moduli": ["0", h["moduli"][1]]},
    "a negative modulus": lambda h: {**h, "moduli": ["-1/2", h["moduli"][1]]},
    "one modulus": lambda h: {**h, "moduli": h["moduli"][:1]},
    "three moduli": lambda h: {**h, "moduli": [*h["moduli"], "100"]},
    "no step": lambda h: {**h, "W_V": [["0"], ["0"]]},
    "a step too long": lambda h: {**h, "W_T": times(h["W_T"], Fraction(4))},
    "a step the other way": lambda h: {**h, "W_V": [h["W_V"][0], *times(h["W_V"][1:], Fraction(-1))]},
    "factors of different widths": lambda h: {**h, "right": [[*h["right"][0], "0"]]},
    "more than r columns": lambda h: {**h, "W_V": [[*x, "0"] for x in h["W_V"]], "W_T": [[*h["W_T"][0], "0"]]},
    "no grids": lambda h: {**h, "grids": [[], []]},
    "grids of one modality": lambda h: {**h, "grids": h["grids"][:1]},
    "grids exchanged": lambda h: {**h, "grids_across": h["grids_across"][::-1]},
    "a grid that misses": lambda h: {
        **h,
        "grids_across": [h["grids_across"][0], [[[a[0], "1000", *a[2:]] for a in g] for g in h["grids_across"][1]]],
    },
}


@pytest.mark.parametrize("name", SPOILT_IMAGES)
def test_a_spoilt_hint_for_clip_is_rejected(name):
    pairs, hints = leaning_images()
    assert clip_border(pairs, hints).verdict == "refuted"
    with pytest.raises((Rejected, ZeroDivisionError)):
        clip_border(pairs, SPOILT_IMAGES[name](hints))


def test_where_inclusion_of_w_holds_no_point_across_refutes_it():
    """The hints of an instance that leaks, on one with the same averages that does not."""
    hints = leaning_images()[1]
    sigma = (Fraction(3, 2), Fraction(1, 2))
    alike = [[[str(sigma[i != j]) for j in (0, 1)] for i in (0, 1)]] * 2
    fields = {**LEANING_IMAGES, "vision": {"means": LEANING_IMAGES["vision"]["means"], "covariances": alike}}
    assert decide("clip-nonshared-inclusion", parse_instance(fields))[0].outcome is Outcome.PROVED
    with pytest.raises(Rejected):
        clip_border(kernel_instance(instance_fields(parse_instance(fields))), hints)


@pytest.mark.parametrize(
    "change",
    [
        lambda h: {**h, "levels": h["levels"][::-1]},
        lambda h: {**h, "levels": ["100", h["levels"][1]]},
        lambda h: {**h, "levels": [h["levels"][0], "0"]},
        lambda h: {**h, "X": [["1"], ["1"]]},
        lambda h: {**h, "X": [["0"], ["0"]]},
        lambda h: {**h, "border": {**h["border"], "modulus": "11/10"}},
        lambda h: {**h, "border": {**h["border"], "W": [[*row, "1/9"] for row in h["border"]["W"]]}},
    ],
)
def test_a_spoilt_space_is_rejected(change):
    pairs, hints = tipped()
    assert top_border(pairs, hints).verdict == "refuted"
    with pytest.raises((Rejected, ZeroDivisionError)):
        top_border(pairs, change(copy.deepcopy(hints)))


def test_more_columns_than_r_are_rejected():
    pairs, hints = leaning()
    wide = {**hints, "W": [[*row, "1/100", "1/50"] for row in hints["W"]]}
    with pytest.raises(Rejected, match="more than r columns"):
        nonshared_border(pairs, wide)


BLOCKS = {
    "model": "gmm",
    "weights": ["1/3", "2/3"],
    "means": [["2", "0"], ["-1", "0"]],
    "covariances": [[["1", "0"], ["0", "3"]], [["2", "0"], ["0", "1/2"]]],
}


@pytest.mark.parametrize("given", [SEPARATE, BLOCKS, MIRRORED], ids=["proportional", "blocks", "mirrored"])
@SEEDS
def test_where_inclusion_holds_no_hint_refutes_it(given, seed):
    """The best point inside, and points of every kind across; every modulus the kernel might be told."""
    given = parse_instance(given)
    assert decide("nonshared-inclusion", given)[0].outcome is Outcome.PROVED
    pairs = pairs_of(given)
    found = minimise("infonce", given, 2)
    inside = [row[0] for row in found.maps["A"][:, :1]]
    source = random.Random(seed)
    size = 10.0 ** source.uniform(-6, 0)
    W = [[Fraction(x + source.gauss(0, 1) * size).limit_denominator(10**9)] for x in inside]
    X = pairs.mixture.fisher
    V = Fraction(float(inside[0])) / exact.to_fraction(X[0, 0])
    factors = [X * exact.to_fmpq(V), fmpq_mat(2, 1, [exact.to_fmpq(w[0]) for w in W])]
    grids = [gradient_grids(pairs.mixture, m, 30.0) for m in factors]
    hints = {
        "precision": str(max(g.bits for g in grids)),
        "modulus": "1/4",
        "V": [[str(V)]],
        "N": [[]],
        "grids": grids[0].grids,
        "W": [[str(w[0])] for w in W],
        "grids_across": grids[1].grids,
    }
    for modulus in ("1/4", "1/2", "1"):
        with pytest.raises(Rejected):
            nonshared_border(pairs, {**hints, "modulus": modulus})


@pytest.mark.parametrize("seed", range(4 * MULTIPLIER))
def test_the_least_rise_is_one(seed):
    """L(M̃) − L(M') between two points, by the enclosures of the loss's own values."""
    given = separate(seed, dimension=(2, 3), components=(2, 2))
    pairs = pairs_of(given)
    d = pairs.mixture.means.nrows()
    start, end = factor(seed, d, 1), factor(seed + 5, d, 1)
    grids = gradient_grids(pairs.mixture, start, 30.0)
    with ctx.workprec(128):
        bound = least_rise(
            pairs, exact.to_fmpq(modulus_of(pairs.mixture)), start, end, read_grids(grids.grids, "grids")
        )
        low, high = (enclose(LOSSES["infonce"], given, Encoder(V), 8) for V in (start, end))
        assert bound <= arb(high.upper - low.lower)


@SEEDS
def test_the_largest_fall_holds_on_tilted_subspaces(seed):
    """M̃ on Col(X), M anywhere on a space tilted against it by at most η: L(M) ≥ L(M̃) − fall."""
    source = random.Random(6000 + seed)
    pairs, _ = tipped()
    given = parse_instance(TIPPED)
    tilt = Fraction(source.randint(-50, 50), 10 ** source.randint(2, 4))
    X = fmpq_mat(2, 1, [1, fmpq(source.randint(-3, 3), 5)])
    P = fmpq_mat(2, 1, [-X[1, 0], X[0, 0]])  # Σ is the identity
    U = X + P * exact.to_fmpq(tilt)
    V = fmpq_mat(1, 1, [fmpq(source.randint(5, 40), 50)])
    grids = propose(pairs.mixture, X * V, (X * V).transpose() * pairs.mixture.offsets, 30.0)
    eta2 = exact.to_fmpq(tilt**2 / (1 + tilt**2))
    with ctx.workprec(128):
        fall = largest_fall(pairs, X, eta2, fmpq(1), V, fmpq_mat(1, 0, []), read_grids(grids.grids, "grids"))
    value = float64_value(LOSSES["infonce"], given, Encoder(X * V)).value
    for y in range(1, 60):
        point = U * (V * fmpq(y, 20))
        assert float64_value(LOSSES["infonce"], given, Encoder(point)).value >= value - float(fall.upper()) - 1e-12


@pytest.mark.parametrize("claim", ["nonshared-inclusion", "infonce-top-r"])
def test_the_shipped_point_is_better_than_the_best_inside(claim):
    """By the values of the loss: at W, and on a fine grid of all there is inside, which is a line."""
    fields = json.loads(next(path for path in SHIPPED if path.stem == claim).read_bytes())
    given = parse_instance({**fields["instance"], "rank": int(fields["instance"]["rank"])})
    hints = fields["hints"].get("border", fields["hints"])
    seen = kernel_instance(fields["instance"])
    coordinates = seen.mixture.fisher if claim == "infonce-top-r" else exact.identity(2)
    across = enclose(LOSSES["infonce"], given, Encoder(coordinates * rational(hints["W"], 1)), 8)
    best = min(
        float64_value(LOSSES["infonce"], given, Encoder(fmpq_mat(2, 1, [fmpq(n, 1000), 0]))).value for n in range(1500)
    )
    assert float(exact.to_fraction(across.upper)) < best


# ------------------------------------------------------------------------------------------------------ decisions


@SEEDS
def test_refuted_inclusion_leaks(seed):
    """The float minimiser agrees with every verdict: it leaves S_F, or stays inside."""
    given = separate(seed)
    verdict, data = decide("nonshared-inclusion", given)
    assert verdict.outcome is not Outcome.UNDECIDED or "float64" in verdict.reason
    if data is None:
        return
    assert check(data).finding.verdict == verdict.outcome.value
    found = minimise("infonce", given, given.rank)
    pairs = pairs_of(given)
    M = found.maps["M"]
    B = np.linalg.qr(exact.to_floats(pairs.mixture.fisher))[0]
    outside = np.linalg.norm(M - B @ (B.T @ M)) / max(float(np.linalg.norm(M)), 1e-3)
    assert outside > 1e-7 if verdict.outcome is Outcome.REFUTED else outside < 1e-5


@SEEDS
def test_refuted_top_r_is_not_optimal(seed):
    mixture = st.shared_gmm(Seeded(random.Random(5000 + seed)), (3, 4), (2, 3), hostile=False)
    given = Instance(AugmentedPairs(mixture, Fraction(1, 2)), 1)
    verdict, data = decide("infonce-top-r", given)
    if data is None or b'"rule":"border"' not in data:
        return
    pairs = pairs_of(given)
    A = minimise("infonce", given, 1).maps["A"][:, :1]
    sigma, S = exact.to_floats(pairs.mixture.sigma), exact.to_floats(pairs.mixture.S)
    reached = float((A.T @ S @ A).item() / (A.T @ sigma @ A).item())
    best = max(np.linalg.eigvals(np.linalg.solve(sigma, S)).real)
    assert verdict.outcome is Outcome.REFUTED
    assert reached < best * (1 - 1e-9)


def test_equal_means_learn_nothing():
    """δ Cov(μ) = 0: the minimiser is 0 whatever the covariances, and lies in S_F."""
    leaned = {**LEANING, "means": [["1", "0"], ["1", "0"]]}
    assert decide("nonshared-inclusion", parse_instance(leaned))[0].outcome is Outcome.PROVED
    assert decide("nonshared-inclusion", parse_instance({**LEANING, "bias": "0"}))[0].outcome is Outcome.PROVED


# -------------------------------------------------------------------------------------------------- a reflection


def swapped(seed: int) -> Instance:
    """A mixture of two components that a reflection swaps, and perhaps one that it leaves alone."""
    source = random.Random(7000 + seed)
    d = 2 + seed % 2
    entries = [[fmpq(source.randint(-4, 4), 4) + 2 * (i == j) for j in range(d)] for i in range(d)]
    root = exact.matrix(entries)
    first = root * root.transpose()
    mirror = fmpq_mat(d, d, [(-1 if i == 0 else 1) * (i == j) for i in range(d) for j in range(d)])
    place = Fraction(source.randint(1, 8), 4)
    means = [[place, *[0] * (d - 1)], [-place, *[0] * (d - 1)], [0] * d]
    covariances = [first, mirror * first * mirror, identity(d) * fmpq(source.randint(1, 6), 3)]
    weights = [Fraction(1, 2)] * 2 if seed % 3 else [Fraction(2, 5)] * 2 + [Fraction(1, 5)]
    K = len(weights)
    mixture = GMM(
        weights, means[:K], [[[exact.to_fraction(x) for x in row] for row in m.tolist()] for m in covariances[:K]]
    )
    return Instance(AugmentedPairs(mixture, Fraction(1 + seed % 2, 2)), d)


@SEEDS
def test_where_a_reflection_swaps_components_the_minimiser_is_inside(seed):
    given = swapped(seed)
    verdict, data = decide("nonshared-inclusion", given)
    found = minimise("infonce", given)
    assert verdict.outcome is Outcome.PROVED
    assert json.loads(data)["rule"] in ("reflection", "exact")
    assert float(found.spaces[0].angles.max(initial=0.0)) < 1e-6
    assert found.rank <= 1


@SEEDS
def test_the_steepest_change_of_the_gradient_bounds_what_it_changes_by(seed):
    pairs = pairs_of(swapped(seed) if seed % 2 else separate(seed))
    mixture, d = pairs.mixture, pairs.mixture.dimension
    V, W, u = (factor(seed + n, d, 1) for n in (0, 5, 9))
    step = V * V.transpose() - W * W.transpose()
    sizes = [exact.trace(m * mixture.sigma * m * mixture.sigma) for m in (step, V * V.transpose(), W * W.transpose())]
    change = arb_mat(u.transpose()) * (gradient(pairs, V) - gradient(pairs, W)) * arb_mat(u)
    with ctx.workprec(128):
        away, *ends = (arb(x).sqrt() for x in sizes)
        most = away * steepest(mixture, ends[0].max(ends[1])) * arb((u.transpose() * mixture.sigma * u)[0, 0])
        assert abs(change[0, 0]) <= most


def test_the_moments_of_the_steepest_change_are_those_of_samples():
    """With size² from 0 to 1 the bound grows by 2Λ²E q²; at 0 it is (Λ + 2n)E q."""
    given = swapped(3)
    mixture, law = pairs_of(given).mixture, given.pairs.mixture
    x = law.sample(400_000, np.random.default_rng(5))
    q = np.einsum("ni,ij,nj->n", x, np.linalg.inv(exact.to_floats(mixture.sigma)), x)
    widest = max(float(exact.to_fraction(exact.trace(mixture.sigma.solve(m)))) for m in mixture.covariances)
    inner = mixture.means.transpose() * mixture.sigma.solve(mixture.means)
    longest = max(float(exact.to_fraction(inner[k, k])) for k in range(len(mixture.weights)))
    none, one = (float(steepest(mixture, arb(size))) for size in (0, 1))
    assert none == pytest.approx((widest + 2 * longest) * q.mean(), rel=0.01)
    assert one - none == pytest.approx(2 * widest**2 * (q**2).mean(), rel=0.02)


def mirrored() -> tuple[Pairs, dict]:
    fields = json.loads(decide("nonshared-inclusion", parse_instance(MIRRORED))[1])
    return kernel_instance(fields["instance"]), fields["hints"]


ANOTHER = ["another point inside", "no point inside", "a modulus too large", "a modulus of 0", "a negative modulus"]
ANOTHER += ["no grids", "one grid for all", "a strip too wide", "null vectors that are none"]


@pytest.mark.parametrize("name", ANOTHER)
def test_a_spoilt_hint_of_a_reflection_is_rejected(name):
    pairs, hints = mirrored()
    apply = RULES["nonshared-inclusion", "reflection"]
    assert apply(pairs, hints).verdict == "proved"
    with pytest.raises(Rejected):
        apply(pairs, SPOILT[name](hints))


@pytest.mark.parametrize(
    "change",
    [
        {"weights": ["1/3", "2/3"]},
        {"means": [["1", "0"], ["-2", "0"]]},
        {"means": [["1", "1"], ["-1", "-1"]]},
        {"covariances": [[["2", "1"], ["1", "2"]], [["2", "-1"], ["-1", "3"]]]},
    ],
    ids=["weights", "a mean", "means across", "a covariance"],
)
def test_what_no_reflection_swaps_is_rejected(change):
    with pytest.raises(Rejected, match="does not swap"):
        reflected(pairs_of(parse_instance(MIRRORED | change)), mirrored()[1] | {"modulus": "1/9"})


def test_fewer_columns_than_the_fisher_subspace_has_dimensions_prove_nothing_by_reflection():
    pairs, hints = mirrored()
    pairs.columns = 0
    with pytest.raises(Rejected, match="less than dim"):
        reflected(pairs, hints)


@pytest.mark.parametrize("rule", ["border", "reflection"])
def test_long_numbers_in_the_covariances_alone_are_refused_before_they_cost_anything(rule):
    """Σ̄ = 2I, whose numbers are short; the Σ_k have 2,000 digits in each entry across the border."""
    d, long = 20, [10**1000 + 453 + 2 * n for n in range(20)]
    bend = [[Fraction(1, long[max(i, j)]) if min(i, j) == 0 < max(i, j) else 0 for j in range(d)] for i in range(d)]
    parts = [[[2 * (i == j) + s * x for j, x in enumerate(row)] for i, row in enumerate(bend)] for s in (1, -1)]
    means = [[s, *[0] * (d - 1)] for s in (1, -1)]
    given = Instance(AugmentedPairs(GMM([Fraction(1, 2)] * 2, means, parts), Fraction(1)), 1)
    hints = {"precision": "64", "modulus": "1/9", "V": [[]], "N": [[]], "grids": []}
    across = {"W": [["0"]] * d, "grids_across": []} if rule == "border" else {}
    with pytest.raises(Rejected, match="the modulus: 320000 multiplications"):
        RULES["nonshared-inclusion", rule](pairs_of(given), hints | across)


def test_diagonal_covariances_of_their_own_in_many_dimensions_are_refused_before_they_are_written_out():
    mixture = Mixture([fmpq(1, 2)] * 2, fmpq_mat(10**4, 2), [Diagonal([fmpq(k)] * 10**4) for k in (1, 2)])
    with pytest.raises(Rejected, match="all 10000 dimensions"):
        _ = mixture.covariances
