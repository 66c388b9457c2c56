"""What the statements about losses of scores share: symbols, what cutting a map to S_F gains, and known instances."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import scipy
from flint import arb, fmpq, fmpq_mat
from numpy.typing import NDArray

from thmverify import exact, vocabulary
from thmverify.evidence import Break
from thmverify.exact import to_floats
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import MAPS_INTO, PAIRS, SHARED_PAIRS
from thmverify.integrate.enclosure import ball_to_interval
from thmverify.losses import LOSSES, Loss
from thmverify.losses.levels import enclose, enclosed_gradient, exact_value, float64_value
from thmverify.maps import Encoder, Gram
from thmverify.models import GMM, AugmentedPairs, Floats, Instance, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.sampling import instance_rng, random_instance
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.subspaces import fisher_subspace, mean_subspace
from thmverify.theorems import PAPER
from thmverify.theorems.common import leaking
from thmverify.theorems.formal import formal
from thmverify.theorems.nonshared.common import block_diagonal, proportional
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

SYMBOLS = vocabulary.entries("d", "K", "r", "w", "Sigma_k", "Pi_F", "Pi_mu", "delta")
SHARED_SYMBOLS = vocabulary.entries("d", "K", "r", "w", "Sigma_k", "Sigma_1", "delta")
MAPPED_PAIRS = (*PAIRS, MAPS_INTO)
RATIONAL = ("least-squares", "spectral")  # convex losses of scores whose values are rational
DIGITS = 12  # of enclosed losses
MAPS = 3  # random maps that an instance is tried on


def source(note: str) -> Source:
    """Return the source of a statement: the talk's next steps, and a note on what is known of the loss."""
    return Source(
        PAPER,
        "Theorem 5.2, first half, for other losses (in the talk: Possible next steps, a better contrastive loss)",
        f"the statement and its proof are ours{note}",
    )


def conclusion(sentence: str) -> Conclusion:
    """Return the conclusion that minimisers stay inside S_F, with a sentence that says exactly what is claimed."""
    return Conclusion(
        r"A^* \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A) \implies "
        r"\mathrm{Col}(A^*) \subseteq S_F = \mathrm{span}\{\bar\Sigma^{-1}\mu_k\}",
        sentence,
    )


# -- what cutting a map to S_F gains, in rational losses --------------------------------------------------------------


def random_maps(instance: Instance) -> list[tuple[fmpq_mat, fmpq_mat]]:
    """Return random maps, each with its part in S_F; none where S_F is the whole space."""
    mixture, rng = instance.pairs.mixture, instance_rng(instance)
    if fisher_subspace(mixture).dimension == mixture.dimension:
        return []
    basis = fisher_subspace(mixture).basis
    drawn = [leaking(rng, basis, mixture.sigma_bar, instance.rank) for _ in range(MAPS)]
    return [(inside + outside, inside) for inside, outside in drawn]


def gain(loss: str, instance: Instance, A: fmpq_mat, inside: fmpq_mat) -> fmpq:
    """Return L(A) − L(A_in), exactly, for a loss whose values are rational."""
    values = [exact_value(LOSSES[loss], instance, Encoder(X)) for X in (A, inside)]
    if values[0] is None or values[1] is None:
        raise TypeError(f"the loss {loss} is not rational")
    return values[0] - values[1]


def margin(instance: Instance) -> float:
    """Return −(L(A) − L(A_in)) / L(A) of the least-squares loss, the worst over random maps: < 0 where cutting helps.

    −1 where S_F is the whole space, since then nothing lies outside.
    """
    ratios = [
        gain("least-squares", instance, A, inside) / value
        for A, inside in random_maps(instance)
        if (value := exact_value(LOSSES["least-squares"], instance, Encoder(A)))
    ]
    return -float(exact.to_fraction(min(ratios))) if ratios else -1.0


@dataclass(frozen=True)
class Cut:
    """Cut random maps to S_F: the values of losses that are rational fall, exactly, or the claim is refuted."""

    claim: str
    losses: tuple[str, ...] = RATIONAL

    def __call__(self, instance: Instance) -> Verdict:
        """Return the verdict; a claim about all maps is not proved by some."""
        dimension, maps = fisher_subspace(instance.pairs.mixture).dimension, random_maps(instance)
        if not maps:
            reason = "S_F is the whole space, so it contains every column space"
            return Verdict(self.claim, Outcome.PROVED, reason, provenance=Provenance.EXACT, dimension=dimension)
        for loss in self.losses:
            if min(gain(loss, instance, A, inside) for A, inside in maps) <= 0:
                reason = f"a map with a part outside S_F has a {loss} loss no larger than that of its part in S_F"
                return Verdict(self.claim, Outcome.REFUTED, reason, provenance=Provenance.EXACT, dimension=dimension)
        reason = f"{' and '.join(self.losses)} losses of random maps fall, exactly, when these are cut to S_F"
        return Verdict(self.claim, Outcome.UNDECIDED, reason, provenance=Provenance.EXACT, dimension=dimension)


# -- instances --------------------------------------------------------------------------------------------------------


def sample_mapped(rng: random.Random) -> Instance:
    """Draw covariances that map S_F into the span of the means: a shared one, proportional or block-diagonal ones."""
    instance = random_instance(rng, shared=True)
    kind = rng.choice((None, proportional, block_diagonal))
    if kind is None or not 0 < mean_subspace(instance.pairs.mixture).dimension < instance.pairs.mixture.dimension:
        return instance
    return replace(instance, model=AugmentedPairs(kind(rng, instance.pairs.mixture), instance.pairs.bias))


def sample_shared(rng: random.Random) -> Instance:
    """Draw a mixture with one covariance."""
    return random_instance(rng, shared=True)


MAPPED_WITNESS = Instance(
    AugmentedPairs(
        GMM((Fraction(1, 3), Fraction(2, 3)), ((2, 1), (-1, -Fraction(1, 2))), (((2, 1), (1, 3)), ((4, 2), (2, 6)))),
        Fraction(1, 2),
    ),
    1,
)
SHARED_WITNESS = Instance(
    AugmentedPairs(
        SharedGMM((Fraction(1, 3), Fraction(2, 3)), ((1, 0, 0), (0, 1, 0)), ((2, 1, 0), (1, 2, 1), (0, 1, 3))),
        Fraction(7, 10),
    ),
    1,
)


# -- what becomes of the claim without its hypotheses -----------------------------------------------------------------


@dataclass(frozen=True)
class Leaks:
    """Refute Col(A*) ⊆ S_F for a convex loss where S_F is a line: a map does better than every map with columns in it.

    Inside, M = c uuᵀ with c ≥ 0, and the loss is convex in c: it lies above its tangent at any c_1, so above
    L(c_1) + (c_2 − c_1)L'(c_1) everywhere if its slope is ≤ 0 at c_1 and ≥ 0 at c_2 > c_1. Floats propose c_1, c_2 and
    the map outside; values and slopes are enclosed. `loss` is a name of the table, or a function that returns a record.
    """

    claim: str
    loss: str | Callable[[], Loss]

    @property
    def record(self) -> Loss:
        """The record of the loss."""
        return LOSSES[self.loss] if isinstance(self.loss, str) else self.loss()

    def __call__(self, instance: Instance) -> Verdict:
        """Return the verdict: refuted, or undecided."""
        undecided = Verdict(self.claim, Outcome.UNDECIDED, "no map is seen to do better than those inside S_F")
        basis = fisher_subspace(instance.pairs.mixture).basis
        if basis.ncols() != 1:
            return undecided
        u = basis * basis.transpose()
        low = self.least_inside(instance, u)
        if low is None or enclose(self.record, instance, Encoder(self.proposed(instance)), DIGITS).upper >= low:
            return undecided
        reason = (
            f"the loss {self.record.name} of a map with a part outside S_F is smaller than that of every map inside"
        )
        return replace(undecided, outcome=Outcome.REFUTED, reason=reason, provenance=Provenance.ENCLOSED)

    def proposed(self, instance: Instance) -> fmpq_mat:
        """Return a good map of one column, found in float64 and rounded."""

        def column(a: Iterable[float]) -> fmpq_mat:
            return exact.matrix([[Fraction(float(x)).limit_denominator(1000)] for x in a])

        start = to_floats(fisher_subspace(instance.pairs.mixture).basis)[:, 0]
        found = scipy.optimize.minimize(
            lambda a: float64_value(self.record, instance, Encoder(column(a))).value,
            start / np.linalg.norm(start),
            method="Nelder-Mead",
            options={"xatol": 1e-3, "fatol": 1e-9},
        )
        return column(found.x)

    def least_inside(self, instance: Instance, u: fmpq_mat) -> fmpq | None:
        """Return a lower bound of L(c u) over c ≥ 0, or None where the slopes do not have the signs that they must."""

        def along(s: float) -> float:
            return float64_value(self.record, instance, Gram(u * _rational(math.exp(s)))).value

        found = scipy.optimize.minimize_scalar(along)
        low, high = (_rational(math.exp(float(found.x)) * (1 + step)) for step in (-1e-3, 1e-3))
        down, up = (self.slope(instance, u, c) for c in (low, high))
        if low <= 0 or down[1] > 0 or up[0] < 0:
            return None
        return enclose(self.record, instance, Gram(u * low), DIGITS).lower + (high - low) * down[0]

    def slope(self, instance: Instance, u: fmpq_mat, c: fmpq) -> tuple[fmpq, fmpq]:
        """Return rational ends of dL(c u)/dc = ⟨∇L, u⟩."""
        gradient, _ = enclosed_gradient(self.record, instance, Gram(u * c), DIGITS)
        parts = zip(gradient["M"].ravel(), u.entries(), strict=True)
        return ball_to_interval(sum((ball * entry for ball, entry in parts), arb(0)))


def _rational(x: float) -> fmpq:
    return exact.to_fmpq(Fraction(x).limit_denominator(10**6))


# -- losses of a few scores, on samples -------------------------------------------------------------------------------

Scores: TypeAlias = Floats  # of one array of batches: the last two axes are those of the items
Labels: TypeAlias = NDArray[np.intp]
SAMPLES = 60
ROUNDING = 1e-13  # of a mean of losses, relative; scores are of size 1


@dataclass(frozen=True)
class OnSamples:
    """A convex loss Φ of the scores of a small batch, and what it gains, on samples, when a map is cut to S_F.

    The batch is `pairs` augmented pairs and `others` independent points; phi takes the scores of all items with each
    other, and their components. The parts of items across S_F have a law that is the same when their signs change, and
    over all changes of signs the mean of the scores is exactly that of the cut map: so by convexity the loss falls on
    every sample, and floats see nothing but rounding beside that.
    """

    claim: str
    phi: Callable[[Scores, Labels], Floats]
    pairs: int = 1
    others: int = 1

    def batch(self, instance: Instance, rng: np.random.Generator) -> tuple[Labels, Floats]:
        """Return components (samples × items) and points (samples × items × d)."""
        mixture, delta = instance.pairs.mixture, float(instance.pairs.bias)
        own = [mixture.sample_labels(SAMPLES, rng) for _ in range(self.pairs)]
        free = [mixture.sample_labels(SAMPLES, rng) for _ in range(self.pairs)]
        partners = [np.where(rng.random(SAMPLES) < delta, a, b) for a, b in zip(own, free, strict=True)]
        rest = [mixture.sample_labels(SAMPLES, rng) for _ in range(self.others)]
        labels = np.stack([x for pair in zip(own, partners, strict=True) for x in pair] + rest, axis=1)
        points = mixture.sample_given(labels.reshape(-1), rng)
        return labels, points.reshape(*labels.shape, -1)

    def gains(self, instance: Instance) -> list[float]:
        """Return L(A) − L(A_in), on samples, relative to the size of the scores, for each random map."""
        found = []
        rng = np.random.default_rng(instance_rng(instance).getrandbits(32))
        for A, inside in random_maps(instance):
            labels, points = self.batch(instance, rng)
            within, across = (points @ to_floats(X) for X in (inside, A - inside))
            size = np.sqrt(np.mean((within + across) ** 2)) + 1e-12
            within, across = within / size, across / size
            signs = np.array(list(itertools.product((1.0, -1.0), repeat=labels.shape[1])))
            features = within[:, None] + signs[None, :, :, None] * across[:, None]
            whole = self.phi(features @ features.swapaxes(-1, -2), labels[:, None, :])
            found.append(fallen(whole, self.phi(within @ within.swapaxes(-1, -2), labels)))
        return found

    def margin(self, instance: Instance) -> float:
        """Return minus the least gain over random maps: negative where cutting helps; −1 where S_F is everything."""
        return -min(self.gains(instance), default=1.0)

    def __call__(self, instance: Instance) -> Verdict:
        """Look for a map that is no worse than its part in S_F: floats can contradict the proof, not prove it."""
        dimension, gains = fisher_subspace(instance.pairs.mixture).dimension, self.gains(instance)
        if not gains:
            reason = "S_F is the whole space, so it contains every column space"
            return Verdict(self.claim, Outcome.PROVED, reason, provenance=Provenance.EXACT, dimension=dimension)
        if min(gains) < 0:
            reason = f"on samples the loss of a map is smaller than that of its part in S_F, by {-min(gains):.3g}"
            return Verdict(self.claim, Outcome.FAILED, reason, provenance=Provenance.FLOATING, dimension=dimension)
        reason = f"on samples the loss falls when a map is cut to S_F, by {min(gains):.3g} or more, up to rounding"
        return Verdict(self.claim, Outcome.UNDECIDED, reason, provenance=Provenance.FLOATING, dimension=dimension)


def fallen(before: Floats, after: Floats) -> float:
    """Return by how much the mean of a loss has fallen at most: with what rounding may have taken from that."""
    values = float(np.mean(before)), float(np.mean(after))
    return values[0] - values[1] + ROUNDING * (1 + abs(values[0]) + abs(values[1]))


def log_sum_exp(scores: Floats) -> Floats:
    """Return log Σ exp over the last axis."""
    found: Floats = np.logaddexp.reduce(scores, axis=-1)
    return found


def others(scores: Scores, item: int) -> Floats:
    """Return the scores of an item with all other ones, on the last axis."""
    found: Floats = np.delete(scores[..., item, :], item, axis=-1)
    return found


def statement(
    id: str, title: str, note: str, quantity: Quantity, sentence: str, tried: OnSamples, breaks: tuple[Break, ...] = ()
) -> Statement:
    """Return the statement that a loss stays inside S_F for a shared covariance, a corollary of the general one.

    Its row of the guarantee matrix has its name, less "-inclusion".
    """
    module = id.replace("-", "_")
    return Statement(
        id=id,
        title=title,
        source=source(note),
        status=Status.PROVED,
        symbols=SHARED_SYMBOLS,
        hypotheses=SHARED_PAIRS,
        quantity=quantity,
        conclusion=conclusion(sentence),
        margin=tried.margin,
        examine=tried,
        witness=SHARED_WITNESS,
        sample=sample_shared,
        proof=Proof(f"thmverify.theorems.scores.{module}_proof"),
        formal=formal(id),
        breaks=breaks,
        guarantees=(Guarantee(id.removesuffix("-inclusion"), Column.INCLUSION),),
    )
