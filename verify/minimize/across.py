"""How far minimisers are from learning all of S_F: the slope of a loss across its best map of less rank.

Let m = dim S_F, and M = AAᵀ the best map with m − 1 columns. Where L falls from M in some direction v of S_F, so
vᵀ∇L(M)v < 0, no minimiser has so small a rank, as far as the best map is it; where it falls in none and L is convex in
M (and b), M is a minimiser over all maps, and misses a part of S_F.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from thmverify import exact
from thmverify.errors import InputError
from thmverify.integrate.stacks import TooManyError
from thmverify.losses import Loss, Sense, find_loss
from thmverify.losses.batches import has_batches
from thmverify.losses.levels import float64_gradient
from thmverify.losses.stacks import Instances
from thmverify.maps import BiasedEncoder, Encoder
from thmverify.minimize import minimise
from thmverify.minimize.batches import minimise_batch
from thmverify.models import Floats, Instance
from thmverify.subspaces import Subspace, fisher_subspace

NOTHING = -1.0  # where S_F has no dimension, or one: there is nothing to miss but all


@dataclass(frozen=True)
class SlopeAcross:
    """The margin of "Col(A*) = S_F for every minimiser A*" of a loss of M = AAᵀ, convex in M, by name or as a record.

    Of a loss that is maximised it is that of −L.

    Called on an instance it is the least slope of L across the best map with dim S_F − 1 columns, in coordinates that
    whiten Σ̄: ≤ 0 where the claim looks true, −1 where dim S_F < 2. `batch` is the same on many instances. Floats: it
    proposes. Hunts use it as the `margin` of a statement.

    Raises InputError when there is no loss of that name, or when it is no function of M.

    >>> import thmverify as tv
    >>> mixture = tv.SharedGMM(["1/2", "1/3", "1/6"], [[1, 0], [-1, 1], ["1/2", -2]])
    >>> triangle = tv.Instance(tv.AugmentedPairs(mixture), 2)
    >>> margin = tv.SlopeAcross("infonce-weighted")
    >>> bool(margin(triangle) < 0), bool(margin.batch([triangle])[0] < 0)
    (True, True)
    """

    loss: str | Loss

    @property
    def record(self) -> Loss:
        """The record of the loss. Raises InputError when there is none of that name."""
        return find_loss(self.loss) if isinstance(self.loss, str) else self.loss

    @property
    def _sign(self) -> float:
        return -1.0 if self.record.sense is Sense.MAXIMISED else 1.0

    def __call__(self, instance: Instance) -> float:
        """Return the margin of one instance, −1 where dim S_F < 2."""
        space = fisher_subspace(instance.pairs.mixture)
        if space.dimension < 2:
            return NOTHING
        found = minimise(self.record, instance, space.dimension - 1)
        names = "Ab" if "b" in found.maps else "A"
        A, *b = (
            exact.matrix([[Fraction(float(x)) for x in row] for row in np.atleast_2d(found.maps[n])]) for n in names
        )
        linear_map = BiasedEncoder(A, b[0][0, 0]) if b else Encoder(A)
        g = float64_gradient(self.record, instance, linear_map).derivatives
        if "M" not in g:
            rule = "is no function of M = AAᵀ, in which slopes are taken"
            raise InputError("SlopeAcross", self.record.name, rule, "give the statement a margin of its own")
        sigma = exact.to_floats(instance.pairs.mixture.sigma_bar)
        return float(_slopes(_bases([space]), sigma[None], found.maps["A"][None], self._sign * g["M"][None])[0])

    def batch(self, instances: Sequence[Instance]) -> Floats:
        """Return the margins of many instances (n), NaN where they are not told at once."""
        found = np.full(len(instances), np.nan)
        if not has_batches(self.record):
            return found
        spaces = [fisher_subspace(instance.pairs.mixture) for instance in instances]
        groups: dict[tuple[object, ...], list[int]] = {}
        for i, (instance, space) in enumerate(zip(instances, spaces, strict=True)):
            pairs = instance.pairs
            kind = pairs.mixture.components, pairs.mixture.dimension, space.dimension, pairs.bias
            groups.setdefault((*kind, len(set(pairs.mixture.covariances)) == 1), []).append(i)
        for rows in groups.values():
            if spaces[rows[0]].dimension < 2:
                found[rows] = NOTHING
            else:
                found[rows] = self._alike([instances[i] for i in rows], [spaces[i] for i in rows])
        return found

    def _alike(self, instances: Sequence[Instance], spaces: Sequence[Subspace]) -> Floats:
        """Return the margins of instances of one shape, NaN where they are not told."""
        many = Instances.of(instances)
        try:
            best = minimise_batch(self.record, many, spaces[0].dimension - 1)
        except np.linalg.LinAlgError:  # one of them breaks off the whole batch
            if len(instances) == 1:
                return np.full(1, np.nan)
            half = len(instances) // 2
            parts = (slice(half), slice(half, None))
            return np.concatenate([self._alike(instances[part], spaces[part]) for part in parts])
        except (TooManyError, *UNTRACED):
            return np.full(len(instances), np.nan)
        if best.found.M is None:
            return np.full(len(instances), np.nan)
        slopes = _slopes(_bases(spaces), many.pairs.mixture.sigma_bar.array, best.A, self._sign * best.found.M)
        return np.where(best.told, slopes, np.nan)


# What a formula may raise that asks a batch for more than it has.
UNTRACED = (TypeError, AttributeError, LookupError, ValueError, ArithmeticError, InputError)


def _bases(spaces: Sequence[Subspace]) -> Floats:
    return np.stack([space.as_floats() for space in spaces])


def _slopes(B: Floats, sigma: Floats, A: Floats, g: Floats) -> Floats:
    """Return the least slope across Col(A) in S_F, whitened (n): B (n, d, m), Σ̄, A (n, d, r), ∇L by M (n, d, d)."""
    whole = B.swapaxes(1, 2) @ sigma @ B  # the metric of S_F
    within = np.linalg.cholesky(whole)
    part = np.linalg.solve(within, B.swapaxes(1, 2) @ sigma @ A)  # A's part in S_F, orthonormal coordinates
    across = np.linalg.svd(part)[0][:, :, A.shape[2] :]
    V = B @ np.linalg.inv(within).swapaxes(1, 2) @ across
    slopes: Floats = np.linalg.eigvalsh(V.swapaxes(1, 2) @ g @ V)[:, 0]
    return slopes
