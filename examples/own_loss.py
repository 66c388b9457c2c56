"""A loss of your own from its formula: `thmverify --with examples/own_loss.py loss decayed-infonce …`.

InfoNCE with weight decay, L(M) + ⅒ tr M²: the value to any number of digits, with bounds, its gradient and a minimiser
follow from the formula.
"""

from fractions import Fraction

import thmverify as tv
from thmverify.losses.expectations import log_mean_exp, of_gram


def formula(instance, _settings, M):
    """Return the loss as an expression of M = AAᵀ; it takes no parameters."""
    pairs = instance.pairs
    return log_mean_exp(pairs.mixture, M) - (M @ pairs.C).trace() + (M @ M).trace() * Fraction(1, 10)


LOSS = tv.from_formula(
    formula,
    of_gram,
    name="decayed-infonce",
    title="InfoNCE with decay",
    formula=r"L_{InfoNCE}(M) + \tfrac{1}{10} \mathrm{tr}\, M^2",
    sense=tv.Sense.MINIMISED,
    normalisation="that of infonce",
    models=("shared-gmm", "gmm"),
    maps=(tv.Encoder, tv.Gram),
    map_shape='{"A": …} or {"M": …}',
    example=("shared-gmm.json", "encoder.json"),
)
THEORY = tv.Theory("decay", losses=(LOSS,))
