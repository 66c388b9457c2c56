"""What the statements about InfoNCE with a key bias share: the loss, what is claimed, and where it is decided."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from thmverify import exact
from thmverify.certifying.fisher import instance_of
from thmverify.certifying.grids import rational, whitening
from thmverify.errors import InputError
from thmverify.hypotheses import COLUMNS_REACH, SHARED_PAIRS
from thmverify.minimize.key_bias import KeyBiasLoss
from thmverify.minimize.key_bias_bounds import gap
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.sampling import random_instance
from thmverify.statement import Conclusion, Quantity
from thmverify.subspaces import lda_subspace
from thmverify.verdicts import Outcome, Provenance, Verdict

ROW = "infonce-key-bias"
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


def slope_across(instance: Instance) -> float:
    """Return the least slope of the loss across the best map of rank dim S_LDA − 1, in float64: < 0 where it holds.

    −1 where S_LDA = {0}. Raises InputError where S_LDA has more dimensions than nodes are placed in.
    """
    if lda_subspace(instance.shared).dimension == 0:
        return -1.0
    return KeyBiasLoss.of(instance).slope()


def examine(claim: str, instance: Instance) -> Verdict:
    """Decide in balls where S_LDA is a plane and floats see a slope ≥ 0 across the best map of rank 1; else say what
    they see, which decides nothing. Raises InputError for covariances that differ.
    """
    dimension = lda_subspace(instance.shared).dimension
    undecided = Verdict(claim, Outcome.UNDECIDED, "", provenance=Provenance.FLOATING, dimension=dimension)
    try:
        slope = slope_across(instance)
    except InputError as error:
        reason = f"no rule knows the claim, and floats do not see it: {error.value} {error.rule}"
        return replace(undecided, reason=reason)
    refuted = _refuted(claim, instance, dimension) if slope >= 0 and dimension == 2 else None
    if refuted is not None:
        return refuted
    seen = f"{slope:.3g} ≥ 0, a minimiser that misses a part of S_LDA" if slope >= 0 else f"{slope:.3g} < 0"
    reason = f"no rule knows the claim; in floats the slope across the best map of rank dim S_LDA − 1 is {seen}"
    return replace(undecided, reason=reason)


@lru_cache(maxsize=8)
def _refuted(claim: str, instance: Instance, dimension: int) -> Verdict | None:
    """Return the verdict of two bounds of the loss, in centred and nearly white coordinates of S_LDA; None without."""
    mixture, mean = instance.shared, exact.to_rows(instance.shared.mean.transpose())[0]
    means = tuple(tuple(x - a for x, a in zip(row, mean, strict=True)) for row in mixture.means)
    centred = SharedGMM(mixture.weights, means, mixture.covariance)
    law = centred.law.on_fisher
    white = law.reduced(rational(whitening(law), law.m))
    found = gap(instance_of(replace(instance, model=AugmentedPairs(centred, instance.pairs.bias)), [white]))
    if found is None:
        return None
    reason = "a coupling bounds the loss over M ⪰ 0 from below, and an indefinite M has less: no minimiser has rank 2"
    margin = exact.to_fraction(found[0]), exact.to_fraction(found[1])
    return Verdict(claim, Outcome.REFUTED, reason, margin=margin, provenance=Provenance.ENCLOSED, dimension=dimension)


def sample(rng: random.Random, bias: Fraction) -> Instance:
    """Draw a mixture of two or three components, anywhere, whose S_LDA has at most two dimensions."""
    while True:
        instance = random_instance(rng)
        mixture = instance.shared
        if 2 <= mixture.components <= 3 and lda_subspace(mixture).dimension > 0:
            return replace(instance, model=AugmentedPairs(mixture, bias), rank=mixture.components)
