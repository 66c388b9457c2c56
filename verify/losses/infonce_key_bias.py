"""InfoNCE of linear maps with a key bias, a learnt number b(y) for each key, which takes its best value.

    L(M) = min over b of −E[xᵀMx̂ + b(x̂)] + E_x log E_y exp(xᵀMy + b(y)),     M = AAᵀ.

In a batch Sinkhorn's scaling finds the best b; in the population −b is Schrödinger's potential, and its softmax weights
are the coupling π of F with itself for which E_π xᵀMy − KL(π | F × F) is largest: `thmverify.integrate.transport`. So L
is convex in M, with the derivative E_π xyᵀ − C. The origin is of no matter: xᵀMy − (x − μ̄)ᵀM(y − μ̄) is a function of
x plus one of y, and the best b takes up the second; here all is centred.
"""

from __future__ import annotations

from typing import Any

from thmverify.losses.expectations import Matrix, best_bias, from_formula, of_gram
from thmverify.losses.record import Row, Sense, Settings, deferred
from thmverify.maps import Encoder, Gram
from thmverify.models import Instance


def formula(instance: Instance, _: Settings, M: Matrix) -> Any:
    """Return L(M). Raises InputError for covariances that differ."""
    mixture = instance.pairs.mixture
    return best_bias(mixture, M) - (M @ (instance.pairs.C - mixture.mean * mixture.mean.transpose())).trace()


LOSS = from_formula(
    formula,
    of_gram,
    name="infonce-key-bias",
    title="InfoNCE, key bias",
    formula=r"\min_b -\mathbb{E}\,[f(x)^T f(\hat{x}) + b(\hat{x})]"
    r" + \mathbb{E}_x \log \mathbb{E}_y \exp(f(x)^T f(y) + b(y))",
    sense=Sense.MINIMISED,
    normalisation="as for infonce, with a number for each key that is learnt as well; a temperature τ is M/τ",
    models=("shared-gmm",),
    maps=(Encoder, Gram),
    map_shape='{"A": …} (d × r) or {"M": …} (d × d)',
    example=("shared-gmm.json", "column.json"),
    rows=(Row("infonce-key-bias", "InfoNCE, key bias", always=False),),
    minimiser=deferred("minimize.key_bias:minimise_key_bias"),
    polisher=deferred("minimize.polishing:polish_key_bias"),
)
