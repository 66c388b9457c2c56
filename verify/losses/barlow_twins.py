"""Barlow Twins of linear maps f(x) = Aᵀx, exactly (Zbontar et al. 2021).

With z_i = a_iᵀx and ẑ_j = a_jᵀx̂ of a positive pair, the correlations c_ij = E z_i ẑ_j / √(E z_i² E ẑ_j²) should be the
identity: L(A) = Σ_i (1 − c_ii)² + λ Σ_{i≠j} c_ij². Squares of correlations are rational in A, since
c_ij² = (a_iᵀC a_j)² / (a_iᵀR a_i · a_jᵀR a_j).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from thmverify.losses.expectations import Matrix, from_formula, of_encoder
from thmverify.losses.record import Parameter, Row, Sense, Settings
from thmverify.maps import Encoder
from thmverify.models import Instance


def formula(instance: Instance, settings: Settings, A: Matrix) -> Any:
    """Return L(A); InputError where a column of A is 0."""
    pairs = instance.pairs
    across = A.T @ pairs.C @ A
    sizes = (A.T @ pairs.mixture.R @ A).diagonal()
    own = across.diagonal() / sizes
    squares = across * across / (sizes @ sizes.T)
    missing = 1 - own
    return (missing * missing).total() + (squares.total() - squares.trace()) * settings["redundancy"]


LOSS = from_formula(
    formula,
    of_encoder,
    (Parameter("redundancy", Fraction(1, 200), "λ, the weight of the off-diagonal part", least=Fraction(0)),),
    name="barlow-twins",
    title="Barlow Twins",
    formula=r"\sum_i (1 - c_{ii})^2 + \lambda \sum_{i \neq j} c_{ij}^2,"
    r" \quad c_{ij} = \frac{a_i^T C a_j}{\sqrt{a_i^T R a_i \cdot a_j^T R a_j}}",
    sense=Sense.MINIMISED,
    normalisation="moments are not centred, where the usual code normalises batches: the same for a centred mixture",
    models=("shared-gmm", "gmm"),
    maps=(Encoder,),
    map_shape='{"A": …} (d × r), no column 0',
    example=("shared-gmm.json", "encoder.json"),
    rows=(Row("barlow-twins", "Barlow Twins", always=False),),
)
