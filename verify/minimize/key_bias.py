"""InfoNCE with a key bias: the best bias of a map by Sinkhorn's scaling on nodes, and the best map, in float64.

With a learnt number b(y) for each key the loss is −E[xᵀMx̂ + b(x̂)] + E_x log E_y exp(xᵀMy + b(y)). Its least value over
b is −⟨C, M⟩ + 2 E u(x) for the symmetric potential u = log E_y exp(xᵀMy − u(y)), b = −u; then the softmax weights are
the optimal coupling π of F with itself, and the gradient in M is −C + E_π xyᵀ. A shift of x changes nothing, so the
coordinates are centred, whitened, and those of S_LDA. All is on a lattice of nodes around each component: no bounds.
A map of lower rank sees x along its columns alone, so that its nodes lie on these directions through each mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import scipy

from thmverify.errors import InputError
from thmverify.minimize.coordinates import Coordinates
from thmverify.models import Floats, Instance
from thmverify.subspaces import lda_subspace

_STEP = 0.7  # of the lattice of nodes, in standard deviations
_RADII = (0.0, 8.4, 4.5)  # of the lattice, by the number of directions that it fills
_NODES = 4000
_ROUNDS, _TOLERANCE = 60, 1e-13  # of the potential
_MAPS = 200  # steps of the search for the best map


@dataclass
class KeyBiasLoss:
    """The loss, least over the key bias, of M on S_LDA in centred and whitened coordinates.

    weights (K) and centres (K × m) of the components; bias δ; nodes (n × m), their masses (n) and components (n).
    `frame` (m × s, orthonormal) holds the directions that nodes are spread in, all where it is None: enough for the
    maps whose columns it spans, since across it x is independent of what they see, given the component.
    `potential` is the last u that was found, where the next search begins.
    """

    weights: Floats
    centres: Floats
    bias: float
    frame: Floats | None = None
    nodes: Floats = field(init=False)
    masses: Floats = field(init=False)
    components: Floats = field(init=False)
    potential: Floats = field(init=False)

    def __post_init__(self) -> None:
        """Place the nodes. Raises InputError for more than two dimensions, or too many nodes."""
        m = self.centres.shape[1]
        most = len(_RADII) - 1
        if m > most:
            rule = f"is more than the {most} dimensions that nodes are placed in"
            raise InputError("means", f"dim S_LDA = {m}", rule, "use fewer components, or means in a plane")
        frame = np.eye(m) if self.frame is None else self.frame
        grid = _grid(frame.shape[1])
        if len(grid) * len(self.weights) > _NODES:
            rule = f"needs more than {_NODES} nodes"
            raise InputError("weights", f"{len(self.weights)} components", rule, "use fewer components")
        mass = np.exp(-(grid**2).sum(1) / 2)
        self.nodes = np.concatenate([grid @ frame.T + centre for centre in self.centres])
        self.masses = np.concatenate([w * mass / mass.sum() for w in self.weights])
        self.components = np.repeat(np.arange(len(self.weights)), len(grid))
        self.potential = np.zeros(len(self.masses))

    @classmethod
    def of(cls, instance: Instance) -> KeyBiasLoss:
        """Return that of an instance with a shared covariance. Raises InputError as above."""
        mixture = instance.shared
        coordinates = Coordinates(mixture, lda_subspace(mixture).basis)
        centres = coordinates.centres.T
        return cls(coordinates.weights, centres - coordinates.weights @ centres, float(instance.pairs.bias))

    def along(self, V: Floats) -> KeyBiasLoss:
        """Return the loss of the maps whose columns are combinations of those of V (m × s), on nodes along these.

        It turns with V continuously, so that a potential that was found for one V is near that of the next.
        """
        outer, _, inner = np.linalg.svd(V, full_matrices=False)
        return replace(self, frame=outer @ inner)

    @property
    def pairs(self) -> Floats:
        """C = E x x̂ᵀ, centred: δS (m × m)."""
        return np.asarray(self.bias * (self.centres.T * self.weights) @ self.centres)

    def coupling(self, M: Floats) -> Floats:
        """Return the optimal coupling π of the nodes (n × n): Sinkhorn's scaling, then Newton's method, for u."""
        scores = self.nodes @ M @ self.nodes.T
        logs, u = np.log(self.masses), self.potential
        for step in range(_ROUNDS):
            shifted = scores - u + logs
            top = shifted.max(1)
            shares = np.exp(shifted - top[:, None])
            total = shares.sum(1)
            excess = top + np.log(total) - u
            if self.masses @ np.abs(excess) < _TOLERANCE:
                break
            if step < 3 or np.abs(excess).max() > 1:
                u = u + excess / 2
            else:
                u = u + np.linalg.solve(np.eye(len(u)) + shares / total[:, None], excess)
        self.potential = u
        return np.asarray(np.exp(scores - u[:, None] - u + logs[:, None] + logs))

    def at(self, M: Floats) -> tuple[float, Floats]:
        """Return the loss of M, least over the bias, and its gradient (m × m)."""
        coupling = self.coupling(M)
        gradient = self.nodes.T @ coupling @ self.nodes - self.pairs
        value = 2 * float(self.masses @ self.potential) - float(np.sum(self.pairs * M))
        return value, (gradient + gradient.T) / 2

    def shares(self, M: Floats) -> Floats:
        """Return Q_jk (K × K): how much of the optimal coupling joins component j with component k."""
        member = np.equal.outer(np.arange(len(self.weights)), self.components).astype(float)
        return np.asarray(member @ self.coupling(M) @ member.T)

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
        there = self.along(start) if start.shape[1] < m else self

        def loss(entries: Floats) -> tuple[float, Floats]:
            nonlocal there
            V, potential = entries.reshape(m, -1), there.potential
            if V.shape[1] < m:
                there = self.along(V)
                there.potential = potential
            value, gradient = there.at(V @ V.T)
            return value, (2 * gradient @ V).reshape(-1)

        limits = {"gtol": 1e-9, "maxiter": _MAPS}
        found = scipy.optimize.minimize(loss, start.reshape(-1), jac=True, method="BFGS", options=limits)
        return np.asarray(found.x.reshape(m, -1))

    def slope(self) -> float:
        """Return the least slope across the best map of rank m − 1: negative where all of S_LDA is learnt."""
        m = self.centres.shape[1]
        return -1.0 if m == 0 else self.across()[0]

    def across(self) -> tuple[float, Floats]:
        """Return the slope across the best map of rank m − 1, m ≥ 1, and that map (m × m)."""
        V = self._factor(self.centres.shape[1] - 1)
        M = V @ V.T
        null = np.linalg.eigh(M)[1][:, :1]
        return float((null.T @ self.along(V).at(M)[1] @ null).item()), M


def _grid(s: int) -> Floats:
    """Return the nodes round the origin in s dimensions (n × s)."""
    radius = _RADII[s]
    axis = np.arange(-math.floor(radius / _STEP), math.floor(radius / _STEP) + 1) * _STEP
    grid = np.stack(np.meshgrid(*[axis] * s, indexing="ij"), -1).reshape(-1, s) if s else np.zeros((1, 0))
    return np.asarray(grid[(grid**2).sum(1) <= radius**2 + 1e-9])
