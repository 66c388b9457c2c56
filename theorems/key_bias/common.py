"""What the statements about InfoNCE with a key bias share: the loss, what is claimed, and where it is decided."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import numpy as np

from thmverify.errors import InputError
from thmverify.evidence import ByKernel
from thmverify.hypotheses import COLUMNS_REACH, SHARED_PAIRS
from thmverify.minimize.key_bias import KeyBiasLoss
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.sampling import random_instance
from thmverify.statement import Conclusion, Quantity
from thmverify.subspaces import lda_subspace
from thmverify.verdicts import Outcome, Provenance, Verdict

ROW = "infonce-key-bias"
CLAIM = "infonce-key-bias-equality"
QUANTITY = Quantity(
    r"L(A, b) = -\mathbb{E}[f(x)^T f(\hat x) + b(\hat x)] + \mathbb{E}_x \log \mathbb{E}_y \exp(f(x)^T f(y) + b(y)),"
    r"\quad f(x) = A^T x"
)
CONCLUSION = Conclusion(
    r"(A^*, b^*) \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r},\, b} L(A, b) \implies "
    r"\mathrm{Col}(A^*) = S_{\mathrm{LDA}} = \mathrm{span}\{\Sigma^{-1}(\mu_k - \mu_l)\}",
    "Col(A*) = S_LDA for every minimiser (A*, b*) of L over R^{d×r} and the key biases b.",
)
SETTING = (*SHARED_PAIRS, COLUMNS_REACH)

# Three components of very unequal weights, in the plane: at δ = 7/10 every minimiser has rank 1.
UNEVEN = SharedGMM(
    (Fraction(93, 100), Fraction(3, 50), Fraction(1, 100)),
    ((Fraction(94, 465), Fraction(-57, 310)), (-5, Fraction(161, 20)), (Fraction(56, 5), Fraction(-156, 5))),
)
BIASED = Instance(AugmentedPairs(UNEVEN, Fraction(7, 10)), 3)


RESOLVED = 1e-12  # what rounding leaves open of a slope, relative to the E x x̂ᵀ that it is a difference from


@lru_cache(maxsize=64)
def _across(instance: Instance) -> tuple[float, float]:
    """Return the slope below, and what rounding leaves open of it."""
    if lda_subspace(instance.shared).dimension == 0:
        return -1.0, 0.0
    loss = KeyBiasLoss.of(instance)
    return loss.slope(), RESOLVED * float(np.trace(loss.pairs))


def slope_across(instance: Instance) -> float:
    """Return the least slope of the loss across the best map of rank dim S_LDA − 1, in float64: < 0 where it holds.

    −1 where S_LDA = {0}. Raises InputError where S_LDA has more dimensions than nodes are placed in.
    """
    return _across(instance)[0]


def margin(instance: Instance) -> float:
    """Return that slope, less what float64 leaves open: means far apart leave a slope as small as rounding."""
    slope, open_ = _across(instance)
    return slope - open_


def seen(instance: Instance) -> Verdict:
    """Say what floats see, which decides nothing. Raises InputError for covariances that differ."""
    dimension = lda_subspace(instance.shared).dimension
    undecided = Verdict(CLAIM, Outcome.UNDECIDED, "", provenance=Provenance.FLOATING, dimension=dimension)
    try:
        slope, open_ = _across(instance)
    except InputError as error:
        return replace(undecided, reason=f"floats do not see it: {error.value} {error.rule}")
    if abs(slope) <= open_:
        what = f"0 up to rounding, {open_:.1g}"
    else:
        what = f"{slope:.3g} ≥ 0, a minimiser that misses a part of S_LDA" if slope > 0 else f"{slope:.3g} < 0"
    reason = f"in floats the slope across the best map of rank dim S_LDA − 1 is {what}"
    return replace(undecided, reason=reason)


examine = ByKernel(CLAIM, seen)


def sample(rng: random.Random, bias: Fraction) -> Instance:
    """Draw a mixture of two or three components, anywhere, whose S_LDA has at most two dimensions."""
    while True:
        instance = random_instance(rng)
        mixture = instance.shared
        if 2 <= mixture.components <= 3 and lda_subspace(mixture).dimension > 0:
            return replace(instance, model=AugmentedPairs(mixture, bias), rank=mixture.components)
