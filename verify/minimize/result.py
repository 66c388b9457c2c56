"""What a minimiser reports: the map, how good it is, and what happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from functools import cached_property

import numpy as np
from flint import fmpq_mat
from numpy.typing import NDArray

from thmverify.minimize.energy import Point
from thmverify.models import Floats
from thmverify.subspaces import principal_angles

# An eigenvalue this much smaller than the largest is 0 as far as float64 can tell.
NEGLIGIBLE = 1e-14
# What Newton's methods aim at, and the error bound up to which a minimiser counts as found: enough for a certificate.
TOLERANCE, ACCEPTED = 1e-13, 1e-8
# Quadrature that reaches this much does not limit a minimiser.
_COARSE = 1e-11


class Note(Enum):
    """What happened, likely why, and what to change."""

    CONVEX = "Global minimum of a strongly convex problem, up to the error bound."
    CLOSED_FORM = "Global optimum in closed form, evaluated in float64."
    NOTHING_TO_LEARN = "The minimiser is 0: no pair of components differs in a way that the pairs (x, x̂) reveal."
    LOCAL = (
        "Best of several starts of a rank-constrained, non-convex problem: a local minimum; no global certificate is "
        "claimed. Raise the rank to that of the unconstrained minimiser for one."
    )
    STATIONARY = "A stationary point with an invertible predictor: the target is held fixed, so no loss is minimised."
    STABLE = "The training dynamics do not leave it."
    UNSTABLE = "The training dynamics leave it in some direction. Fewer columns may give a stable point."
    COLLAPSED = (
        "Only stationary points with a singular predictor were found: weight decay outweighs the signal in some "
        "column. Lower weight_decay or the rank."
    )
    NOT_UNIQUE = (
        "Eigenvalues tie at the rank limit: other optimal column spaces exist. Change the rank to break the tie."
    )
    FAR = (
        "Means many standard deviations apart amplify the rounding of the gradient: the error bound is above what a "
        "certificate accepts. Bring them closer; far clusters separate anyway."
    )
    STALLED = (
        "Newton's method stopped above the tolerance, as a rule because rounding or the quadrature limits the "
        "gradient. Rescale the instance, or ask for more digits."
    )
    COARSE = (
        "The integral's dimension leaves the quadrature short of float64 precision; the error bound says how far. "
        "Lower the rank, the number of components or the dimension for more."
    )
    SHORT = (
        "The digits asked for were not reached: the integrals' enclosures stop short of them, as a rule because of "
        "their dimension. The KKT residual says how far the map is."
    )
    GENERAL = (
        "Best of several starts of a general-purpose method, from the loss's value and gradient alone: a local "
        "minimum, supported by its gradient and curvature; no global certificate is claimed."
    )
    SADDLE = (
        "The gradient vanishes, but the curvature does not show a minimum: a saddle point, or a flat direction. Change "
        "the rank."
    )
    UNBOUNDED = (
        "The loss keeps falling while the map grows: there may be no minimum. Change the instance or the parameters "
        "of the loss."
    )
    ON_NODES = (
        "Minimum of a convex problem, as the gradient shows in floating point on quadrature nodes: no bound of the "
        "distance is claimed."
    )
    FULL_RANK = "The optimum needs fewer columns than r: raising the rank changes nothing."


@dataclass(frozen=True)
class ColumnSpace:
    """The numerical column space of one map and the Fisher subspace, by orthonormal bases (d × rank and d × m)."""

    map: str
    basis: Floats
    fisher: Floats

    @cached_property
    def angles(self) -> Floats:
        """The min(rank, dim S_F) principal angles to S_F in radians, largest first."""
        return principal_angles(self.basis, self.fisher)


@dataclass(frozen=True, repr=False)
class Minimiser:
    """An untrusted proposal of a minimiser, in float64 and in the coordinates of the data.

    maps: name → matrix: M and A (M = AAᵀ); W, A_V and A_T; or A and P. reduced, bases: M = B Y Bᵀ with the rational B
    (W = B_V Y B_Tᵀ), where the problem was reduced. kkt_residual: the norm of what stationarity leaves over, in
    whitened coordinates. error_bound: a bound for the whitened distance ‖Y* − Y‖ to the global minimiser; None where
    none is claimed. exact_value: the value where it is rational. precise: maps as rationals with the digits that were
    asked for, when they were.
    """

    loss: str
    maps: dict[str, Floats]
    rank: int
    spaces: tuple[ColumnSpace, ...]
    value: float
    value_error: float
    kkt_residual: float
    error_bound: float | None
    converged: bool
    notes: tuple[Note, ...]
    reduced: Floats | None = None
    bases: tuple[fmpq_mat, ...] = ()
    exact_value: Fraction | None = None
    precise: dict[str, fmpq_mat] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Leave NumPy's scalars behind: what people print and write as JSON is Python's."""
        for name, kind in (("value", float), ("value_error", float), ("kkt_residual", float), ("converged", bool)):
            object.__setattr__(self, name, kind(getattr(self, name)))
        if self.error_bound is not None:
            object.__setattr__(self, "error_bound", float(self.error_bound))

    def __repr__(self) -> str:
        """The numbers, and the shapes of the matrices: these may have thousands of entries."""
        names = ("loss", "value", "value_error", "rank", "kkt_residual", "error_bound", "converged")
        maps = ", ".join(f"{name} of {' × '.join(map(str, matrix.shape))}" for name, matrix in self.maps.items())
        return f"Minimiser({', '.join(f'{name}={getattr(self, name)!r}' for name in names)}, maps=<{maps}>)"

    @property
    def note(self) -> str:
        """The notes as one text."""
        return " ".join(note.value for note in self.notes)


def column_space(name: str, factor: Floats, fisher: Floats) -> ColumnSpace:
    """Return the column space of a d × r matrix of full column rank; `fisher` is an orthonormal basis of S_F."""
    return ColumnSpace(name, orthonormal(factor), fisher)


def orthonormal(columns: Floats) -> Floats:
    """Return an orthonormal basis of what independent columns span."""
    lengths = np.linalg.norm(columns, axis=0)
    return np.asarray(np.linalg.qr(columns / np.where(lengths > 0, lengths, 1.0))[0])


def shortfall(residual: float, point: Point) -> Note:
    """Return why an error bound is not small enough."""
    if point.quadrature > _COARSE:
        return Note.COARSE
    return Note.FAR if residual < point.gradient_error else Note.STALLED


def leading(values: NDArray[np.floating], floor: float) -> int:
    """Return how many eigenvalues exceed `floor` and what rounding makes of 0."""
    return int(np.sum(values > max(floor, NEGLIGIBLE * float(values.max(initial=0.0)))))


def gram_factor(Y: Floats) -> Floats:
    """Return V (m × n) with VVᵀ = Y ⪰ 0, one column for each positive eigenvalue, largest first."""
    values, vectors = np.linalg.eigh(Y)
    positive = values > NEGLIGIBLE * max(float(values.max(initial=0.0)), 0.0)
    factor: Floats = vectors[:, positive] * np.sqrt(values[positive])
    return factor[:, ::-1]
