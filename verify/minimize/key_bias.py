"""InfoNCE with a key bias: the best bias of a map by Sinkhorn's scaling on nodes, and the best map, in float64.

With a learnt number b(y) for each key the loss is −E[xᵀMx̂ + b(x̂)] + E_x log E_y exp(xᵀMy + b(y)). Its least value over
b is −⟨C, M⟩ + T(M), with the derivative −C + E_π xyᵀ (`thmverify.integrate.transport`). A shift of x changes nothing,
so that the coordinates are centred, whitened, and those of S_LDA, where every minimiser lies. All is on a lattice of
nodes around each component: no bounds. A map of lower rank sees x along its columns alone, so that its nodes lie on
these directions through each mean. Beyond two directions, and round many components,
the nodes are sampled, the same for all steps of a search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import scipy

from thmverify import exact
from thmverify.errors import InputError
from thmverify.integrate.float64 import REPLICATES
from thmverify.integrate.transport import LARGEST, LATTICE, SAMPLED, Grid, Nodes, Sample, White
from thmverify.losses import find_loss
from thmverify.losses.levels import float64_gradient, float64_value
from thmverify.maps import Encoder
from thmverify.minimize.coordinates import Coordinates
from thmverify.minimize.result import ACCEPTED, TOLERANCE, Minimiser, Note, column_space
from thmverify.models import Floats, Instance
from thmverify.subspaces import fisher_subspace, lda_subspace

_STEP = 0.7  # of the lattice of nodes, in standard deviations
_RADII = (0.0, 8.4, 4.5)  # of the lattice, by the number of directions that it fills
_FINE = (Grid(1.0, 0.0), Grid(0.35, 8.8), Grid(0.65, 7.2))  # on which a map is polished
_SEEDS = range(REPLICATES, REPLICATES + 5)  # of a search, and of four samples for polishing: the value has others
_THIN = 1e-3  # of the largest eigenvalue: a direction that may not be needed
_MAPS = 200  # steps of the search for the best map
_CHORDS, _DIFFERENCE = 12, 1e-4  # steps of polishing, and of differences of the gradient
_SEEN = 1e-6  # of a slope over samples, far below their errors
_FLAT = 1e-9  # turns of the columns leave the loss alone: curvatures relative to the largest

Slopes = Callable[[Floats], tuple[float, Floats]]


@dataclass
class KeyBiasLoss:
    """The loss, least over the key bias, of M on S_LDA in centred and whitened coordinates.

    weights (K) and centres (K × m) of the components; bias δ; `frame` and `rule` are those of the `nodes`, by
    default all directions, and nodes for searches.
    """

    weights: Floats
    centres: Floats
    bias: float
    frame: Floats | None = None
    rule: Grid | Sample | None = None
    nodes: Nodes = field(init=False)

    def __post_init__(self) -> None:
        """Place the nodes. Raises InputError for more than LARGEST dimensions, or too many nodes."""
        m = self.centres.shape[1]
        if m > LARGEST:
            rule = f"is more than the {LARGEST} dimensions that nodes are placed in"
            raise InputError("means", f"dim S_LDA = {m}", rule, "use fewer components")
        placing = self.rule or _searching(len(self.weights), m if self.frame is None else self.frame.shape[1])
        self.nodes = Nodes(self.weights, self.centres, placing, self.frame)

    @classmethod
    def of(cls, instance: Instance) -> KeyBiasLoss:
        """Return that of an instance with a shared covariance. Raises InputError as above."""
        return cls._in(_coordinates(instance), instance)

    @classmethod
    def _in(cls, coordinates: Coordinates, instance: Instance) -> KeyBiasLoss:
        centres = coordinates.centres.T
        return cls(coordinates.weights, centres - coordinates.weights @ centres, float(instance.pairs.bias))

    def along(self, V: Floats) -> KeyBiasLoss:
        """Return the loss of the maps whose columns are combinations of those of V (m × s), on nodes along these.

        It turns with V continuously, so that a potential that was found for one V is near that of the next.
        """
        return replace(self, frame=_frame(V))

    @property
    def pairs(self) -> Floats:
        """C = E x x̂ᵀ, centred: δS (m × m)."""
        return np.asarray(self.bias * (self.centres.T * self.weights) @ self.centres)

    def at(self, M: Floats) -> tuple[float, Floats]:
        """Return the loss of M, least over the bias, and its gradient (m × m)."""
        coupling = self.nodes.coupling(M)
        gradient = self.nodes.points.T @ coupling @ self.nodes.points - self.pairs
        return self.nodes.value - float(np.sum(self.pairs * M)), (gradient + gradient.T) / 2

    def shares(self, M: Floats) -> Floats:
        """Return Q_jk (K × K): how much of the optimal coupling joins component j with component k."""
        member = np.equal.outer(np.arange(len(self.weights)), self.nodes.components).astype(float)
        return np.asarray(member @ self.nodes.coupling(M) @ member.T)

    def best(self, rank: int) -> Floats:
        """Return the M = VVᵀ (m × m) of at most `rank` columns with the least loss that is found."""
        V = self._factor(rank)
        return np.asarray(V @ V.T)

    def _factor(self, rank: int) -> Floats:
        m = self.centres.shape[1]
        if not m * rank:
            return np.zeros((m, rank))
        values, vectors = np.linalg.eigh(self.pairs)
        values, vectors = np.maximum(values[::-1], 1e-6), vectors[:, ::-1]
        start = (vectors * np.sqrt(values / (1 + values) ** 2))[:, :rank]
        search, limits = _Search(self, start.shape), {"gtol": 1e-9, "maxiter": _MAPS}
        found = scipy.optimize.minimize(search, start.reshape(-1), jac=True, method="BFGS", options=limits)
        return np.asarray(found.x.reshape(m, -1))

    def factor(self, rank: int) -> Floats:
        """Return V (m × s), s ≤ rank, of the best M = VVᵀ that is found, on finer nodes; without columns for M = 0.

        No more columns than are needed: where the slope across the best of fewer is not negative, that is the best of
        all, as the loss is convex.
        """
        m = self.centres.shape[1]
        if not self.pairs.any():
            return np.zeros((m, 0))
        V = self._factor(min(rank, m))
        while V.shape[1] > 1 and _is_thin(V):
            slope, fewer = self._across(V.shape[1] - 1)
            if slope < 0:
                break
            V = fewer
        s, rough = V.shape[1], _Search(self, V.shape)
        if not _FINE[min(s, LATTICE)].fits(len(self.weights), s):
            return _polished(rough, _Sampled(self, V.shape), V, _SEEN)
        fine = replace(self.along(V) if s < m else self, rule=_FINE[s])
        return _polished(rough, _Search(fine, V.shape), V, TOLERANCE)

    def slope(self) -> float:
        """Return the least slope across the best map of rank m − 1: negative where all of S_LDA is learnt.

        Raises InputError for more than two dimensions: its sign may hang on the sixth digit, which samples do not have.
        """
        m = self.centres.shape[1]
        if m > LATTICE:
            rule = f"is more than the {LATTICE} dimensions in which nodes tell the sign of a slope"
            raise InputError("means", f"dim S_LDA = {m}", rule, "use fewer components, or means in a plane")
        return -1.0 if m == 0 else self.across()[0]

    def across(self) -> tuple[float, Floats]:
        """Return the slope across the best map of rank m − 1, m ≥ 1, and that map (m × m)."""
        slope, V = self._across(self.centres.shape[1] - 1)
        return slope, V @ V.T

    def _across(self, rank: int) -> tuple[float, Floats]:
        """Return the least slope across the best map VVᵀ of this rank, and V."""
        V = self._factor(rank)
        null = np.linalg.eigh(V @ V.T)[1][:, : len(V) - rank]
        return float(np.linalg.eigvalsh(null.T @ self.along(V).at(V @ V.T)[1] @ null)[0]), V


def _searching(K: int, s: int) -> Grid | Sample:
    """Return how nodes for searches are placed round K components in s directions."""
    grid = Grid(_STEP, _RADII[min(s, LATTICE)])
    return grid if grid.fits(K, s) else Sample(SAMPLED // 2, _SEEDS[0])


def _frame(V: Floats) -> Floats:
    """Return orthonormal columns that span those of V, and turn with them."""
    outer, _, inner = np.linalg.svd(V, full_matrices=False)
    return np.asarray(outer @ inner)


def _is_thin(V: Floats) -> bool:
    """Return whether a direction may not be needed: at a regular minimum of the convex loss all are."""
    sizes = np.linalg.svd(V, compute_uv=False) ** 2
    return bool(sizes[-1] <= _THIN * sizes[0])


class _Sampled:
    """As `_Search`, extrapolated over samples that no step has seen."""

    def __init__(self, loss: KeyBiasLoss, shape: tuple[int, ...]) -> None:
        self._loss, self._shape = loss, shape

    def __call__(self, entries: Floats) -> tuple[float, Floats]:
        V, loss = entries.reshape(self._shape), self._loss
        frame, M = _frame(V), V @ V.T
        white = White(loss.weights, loss.centres @ frame, frame.T @ M @ frame, loss.centres, frame)
        found = [white.extrapolated(seed) for seed in _SEEDS[1:]]
        gradient = np.mean([sample.outer for sample in found], axis=0) - loss.pairs
        value = float(np.mean([sample.value for sample in found])) - float(np.sum(loss.pairs * M))
        return value, ((gradient + gradient.T) @ V).reshape(-1)


class _Search:
    """The loss of VVᵀ and its derivative by V (m × s), as functions of V's entries, each from the last potential."""

    def __init__(self, loss: KeyBiasLoss, shape: tuple[int, ...]) -> None:
        self._there, self._shape = loss, shape

    def __call__(self, entries: Floats) -> tuple[float, Floats]:
        V, potential = entries.reshape(self._shape), self._there.nodes.potential
        if V.shape[1] < V.shape[0]:
            self._there = self._there.along(V)
            if len(potential) == len(self._there.nodes.potential):  # not of other nodes
                self._there.nodes.potential = potential
        value, gradient = self._there.at(V @ V.T)
        return value, (2 * gradient @ V).reshape(-1)


def _polished(rough: Slopes, fine: Slopes, V: Floats, tolerance: float) -> Floats:
    """Return where the derivative on finer nodes is 0, by chords with the curvature on the others."""
    v, step = V.reshape(-1), _DIFFERENCE
    ends = [[rough(v + sign * step * e)[1] for e in np.eye(v.size)] for sign in (1, -1)]
    curvature = (np.array(ends[0]) - np.array(ends[1])) / (2 * step)
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    bent = values > _FLAT * float(np.abs(values).max())
    slope = fine(v)[1]
    for _ in range(_CHORDS):
        if float(np.linalg.norm(slope)) < tolerance:
            break
        there = v - vectors[:, bent] @ ((vectors[:, bent].T @ slope) / values[bent])
        found = fine(there)[1]
        if not np.linalg.norm(found) < np.linalg.norm(slope):
            break
        v, slope = there, found
    return np.asarray(v.reshape(V.shape))


def minimise_key_bias(instance: Instance, rank: int) -> Minimiser:
    """Return the minimiser over A with `rank` columns, as far as nodes and floats see.

    Raises InputError where S_LDA has more dimensions than nodes are placed in, and for covariances that differ.
    """
    coordinates = _coordinates(instance)
    loss = KeyBiasLoss._in(coordinates, instance)
    V = loss.factor(rank)
    A = coordinates.embedding @ V
    encoder = Encoder(exact.matrix([[Fraction(float(x)) for x in row] for row in A], columns=A.shape[1]))
    record = find_loss("infonce-key-bias")
    estimate, slopes = float64_value(record, instance, encoder), float64_gradient(record, instance, encoder)
    residual = float(np.linalg.norm(2 * coordinates.embedding.T @ slopes.derivatives["M"] @ A))
    scale = 2 * float(np.linalg.norm(coordinates.embedding) * np.linalg.norm(A)) * len(A)
    converged = residual + scale * slopes.error <= ACCEPTED * (1 + float(np.linalg.norm(V)))
    notes = [Note.LOCAL if rank < coordinates.m else Note.ON_NODES]
    notes += [] if converged else [Note.COARSE]
    notes += [] if V.shape[1] else [Note.NOTHING_TO_LEARN]
    return Minimiser(
        loss="infonce-key-bias",
        maps={"M": A @ A.T, "A": A},
        rank=V.shape[1],
        spaces=(column_space("M", A, fisher_subspace(instance.shared).as_floats()),),
        value=estimate.value,
        value_error=estimate.error,
        kkt_residual=residual,
        error_bound=None,
        converged=converged,
        notes=tuple(notes),
    )


def _coordinates(instance: Instance) -> Coordinates:
    mixture = instance.shared
    return Coordinates(mixture, lda_subspace(mixture).basis)
