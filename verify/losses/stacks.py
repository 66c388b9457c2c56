"""Float matrices with a leading batch axis: the formula of a loss, traced on many mixtures at once.

`Stack` has the operations of `thmverify.losses.matrices.Matrix`, derivatives included; `Constant` and `Number` stand
for the `fmpq_mat` and `fmpq` of a mixture, so that one formula serves both. A formula that asks for more than they have
fails, and is then evaluated instance by instance. These are floats: they propose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from thmverify import exact
from thmverify.errors import InputError
from thmverify.losses.matrices import Matrix
from thmverify.models import Floats, Instance

Chosen: TypeAlias = NDArray[Any]  # rows of a batch, by number or by a mask


def turned(m: Floats) -> Floats:
    """Return a batch of matrices, each transposed."""
    return np.swapaxes(m, -1, -2)


def array_of(x: Any) -> Floats | None:
    """Return matrices as an array (n, r, c), one for all as (1, r, c); None for what is neither matrix nor number."""
    if isinstance(x, Stack | Constant):
        return x.array
    if isinstance(x, Number):
        return x.array[:, None, None]
    if isinstance(x, Matrix | fmpq_mat):
        return exact.to_floats(x.value if isinstance(x, Matrix) else x)[None]
    return np.array([[[_float(x)]]]) if isinstance(x, int | Fraction | fmpq) else None


def _float(x: int | Fraction | fmpq) -> float:
    return exact.to_float(x) if isinstance(x, fmpq) else float(x)


def _agreed(answers: NDArray[np.bool_]) -> bool:
    """Return the one answer of all mixtures. Raises ValueError where they differ: no one formula serves them."""
    if answers.any() != answers.all():
        raise ValueError("the mixtures of a batch differ in what the formula asks")
    return bool(answers.all())


class _Operand:
    """What the three share: flint's matrices and NumPy's arrays leave their operators to it."""

    __array_ufunc__ = None
    array: Floats

    def nrows(self) -> int:
        """The number of rows."""
        return int(self.array.shape[-2])

    def ncols(self) -> int:
        """The number of columns."""
        return int(self.array.shape[-1])


@dataclass(frozen=True, eq=False)
class Number(_Operand):
    """A number for each mixture, (n): what an `fmpq` is for one."""

    array: Floats

    def _with(self, other: Any, operation: Any) -> Any:
        if isinstance(other, Number):
            return Number(operation(self.array, other.array))
        if isinstance(other, int | Fraction | fmpq):
            return Number(operation(self.array, _float(other)))
        return self.stack if isinstance(other, Stack | Matrix) else NotImplemented

    @property
    def stack(self) -> Stack:
        """The numbers as 1 × 1 matrices."""
        return Stack(self.array[:, None, None])

    def __add__(self, other: Any) -> Any:
        found = self._with(other, np.add)
        return found + other if isinstance(found, Stack) else found

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        found = self._with(other, np.subtract)
        return found - other if isinstance(found, Stack) else found

    def __rsub__(self, other: Any) -> Any:
        return self * -1 + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Constant):
            return other * self
        found = self._with(other, np.multiply)
        return found * other if isinstance(found, Stack) else found

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        found = self._with(other, np.divide)
        return found / other if isinstance(found, Stack) else found

    def __rtruediv__(self, other: Any) -> Any:
        return Number(1 / self.array) * other

    def __neg__(self) -> Number:
        return Number(-self.array)

    def __le__(self, other: Any) -> bool:
        return _agreed(self.array <= _float(other))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | Fraction | fmpq) and _agreed(self.array == _float(other))

    __hash__ = object.__hash__


@dataclass(frozen=True, eq=False)
class Constant(_Operand):
    """A matrix for each mixture, (n, r, c), with the operators of `fmpq_mat`: `*` is the product."""

    array: Floats

    def transpose(self) -> Constant:
        """Return the transposes."""
        return Constant(turned(self.array))

    def __getitem__(self, place: tuple[int, int]) -> Number:
        return Number(self.array[:, place[0], place[1]])

    def column(self, k: int) -> Constant:
        """Return the columns of that number, r × 1 each."""
        return Constant(self.array[:, :, k : k + 1])

    def __add__(self, other: Any) -> Any:
        return Constant(self.array + other.array) if isinstance(other, Constant) else NotImplemented

    def __sub__(self, other: Any) -> Any:
        return Constant(self.array - other.array) if isinstance(other, Constant) else NotImplemented

    def __neg__(self) -> Constant:
        return Constant(-self.array)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Constant):
            return Constant(self.array @ other.array)
        number = array_of(other) if isinstance(other, Number | int | Fraction | fmpq) else None
        return NotImplemented if number is None else Constant(self.array * number)

    __rmul__ = __mul__


@dataclass(frozen=True, eq=False)
class Stack(_Operand):
    """A matrix for each mixture, (n, r, c), and what it was made from: `Matrix` on a batch, with its operations."""

    array: Floats
    parents: tuple[tuple[Stack, Any], ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and of columns."""
        return self.nrows(), self.ncols()

    @property
    def T(self) -> Stack:
        """The transposes."""
        return Stack(turned(self.array), ((self, lambda g, _: turned(g)),))

    @property
    def scalar(self) -> Number:
        """The entries of 1 × 1 matrices."""
        if self.shape != (1, 1):
            raise InputError("expression", f"{self.shape}", "is not a number", "a loss is a 1 × 1 matrix")
        return Number(self.array[:, 0, 0])

    def __add__(self, other: Any) -> Any:
        right = _stack(other)
        if right is None:
            return NotImplemented
        one, two = _fitting(self, right)
        return Stack(self.array + right.array, ((self, lambda g, _: one(g)), (right, lambda g, _: two(g))))

    __radd__ = __add__

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        right = _stack(other)
        return NotImplemented if right is None else self + right * -1

    def __rsub__(self, other: Any) -> Any:
        return self * -1 + other

    def __matmul__(self, other: Any) -> Any:
        right = _stack(other)
        if right is None:
            return NotImplemented
        a, b = self.array, right.array
        return Stack(a @ b, ((self, lambda g, _: g @ turned(b)), (right, lambda g, _: turned(a) @ g)))

    def __rmatmul__(self, other: Any) -> Any:
        left = _stack(other)
        return NotImplemented if left is None else left @ self

    def __mul__(self, other: Any) -> Any:
        right = _stack(other)
        if right is None:
            return NotImplemented
        one, two = _fitting(self, right)
        a, b = self.array, right.array
        return Stack(a * b, ((self, lambda g, _: one(g * b)), (right, lambda g, _: two(g * a))))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        right = _stack(other)
        return NotImplemented if right is None else self * right.reciprocal()

    def __rtruediv__(self, other: Any) -> Any:
        return self.reciprocal() * other

    def reciprocal(self) -> Stack:
        """Return 1/x for every entry x."""
        found = 1 / self.array
        return Stack(found, ((self, lambda g, _: -g * found * found),))

    def inverse(self) -> Stack:
        """Return the inverses."""
        found: Floats = np.asarray(np.linalg.inv(self.array), dtype=np.float64)
        return Stack(found, ((self, lambda g, _: -turned(found) @ g @ turned(found)),))

    def diagonal(self) -> Stack:
        """Return the diagonals as columns."""
        column = np.einsum("nii->ni", self.array)[..., None]
        return Stack(column, ((self, lambda g, _: g * np.eye(self.nrows())),))

    def total(self) -> Stack:
        """Return the sums of the entries, 1 × 1."""
        ones = np.ones(self.shape)
        return Stack(np.sum(self.array, axis=(1, 2), keepdims=True), ((self, lambda g, _: g * ones),))

    def trace(self) -> Stack:
        """Return the traces, 1 × 1."""
        return self.diagonal().total()


def _stack(x: Any) -> Stack | None:
    if isinstance(x, Stack):
        return x
    found = array_of(x)
    return None if found is None else Stack(found)


def _fitting(left: Stack, right: Stack) -> tuple[Any, Any]:
    """Return how a derivative with respect to entries goes back to each side; a 1 × 1 matrix goes with every entry."""
    if left.shape != right.shape and (1, 1) not in (left.shape, right.shape):
        raise InputError("expression", f"{left.shape} and {right.shape}", "differ in shape", "check them")

    def same(g: Floats) -> Floats:
        return g

    def summed(g: Floats) -> Floats:
        return np.asarray(np.sum(g, axis=(1, 2), keepdims=True))

    return summed if left.shape == (1, 1) else same, summed if right.shape == (1, 1) else same


def beside(parts: Sequence[Any]) -> Stack:
    """Return matrices with the same number of rows side by side."""
    stacks = [part if isinstance(part, Stack) else Stack(part.array) for part in parts]
    ends = np.cumsum([0, *(part.ncols() for part in stacks)])
    pulls = [
        (part, lambda g, _, i=i, j=j: g[:, :, i:j]) for part, i, j in zip(stacks, ends[:-1], ends[1:], strict=True)
    ]
    return Stack(np.concatenate([part.array for part in stacks], axis=2), tuple(pulls))


# ------------------------------------------------------------------------------------------------------------ mixtures


@dataclass(frozen=True, eq=False)
class Mixtures:
    """Mixtures of one shape: weights (n, K), means (n, d, K), covariances (n, 1 or K, d, d); a `GMM` to a formula."""

    weights: Floats
    centres: Floats
    spreads: Floats

    @property
    def components(self) -> int:
        """K."""
        return int(self.weights.shape[1])

    @property
    def dimension(self) -> int:
        """d."""
        return int(self.centres.shape[1])

    @cached_property
    def w(self) -> tuple[Number, ...]:
        """The weights."""
        return tuple(Number(self.weights[:, k]) for k in range(self.components))

    @cached_property
    def mu(self) -> Constant:
        """The means as columns, d × K."""
        return Constant(self.centres)

    @cached_property
    def sigmas(self) -> tuple[Constant, ...]:
        """The covariances, K of them, one object where they are shared."""
        found = [Constant(self.spreads[:, k]) for k in range(self.spreads.shape[1])]
        return tuple(found if len(found) > 1 else found * self.components)

    @cached_property
    def sigma_bar(self) -> Constant:
        """Σ̄."""
        shared = self.spreads.shape[1] == 1
        return self.sigmas[0] if shared else Constant(np.einsum("nk,nkij->nij", self.weights, self.spreads))

    @cached_property
    def mean(self) -> Constant:
        """μ̄ (d × 1)."""
        return Constant(self.centres @ self.weights[:, :, None])

    @cached_property
    def S(self) -> Constant:
        """S = Σ_k w_k μ_k μ_kᵀ."""
        return Constant((self.centres * self.weights[:, None]) @ turned(self.centres))

    @cached_property
    def R(self) -> Constant:
        """R = Σ̄ + S."""
        return Constant(self.sigma_bar.array + self.S.array)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Augmented pairs of mixtures, with one bias for all."""

    mixture: Mixtures
    bias: Fraction

    @cached_property
    def C(self) -> Constant:
        """C = δS + (1 − δ) μ̄μ̄ᵀ."""
        delta, mean = float(self.bias), self.mixture.mean.array
        return Constant(self.mixture.S.array * delta + mean @ turned(mean) * (1 - delta))


@dataclass(frozen=True, eq=False)
class Instances:
    """A batch of instances of the same K, d and δ; to a formula, an instance.

    Example: `Instances.of([instance, other])`.
    """

    pairs: Pairs

    @classmethod
    def of(cls, instances: Sequence[Instance]) -> Instances:
        """Return the batch in float64. The instances have the same K, d and δ."""
        mixtures = [instance.pairs.mixture for instance in instances]
        shared = all(len(set(m.covariances)) == 1 for m in mixtures)
        spreads = [[exact.to_floats(s) for s in (m.sigmas[:1] if shared else m.sigmas)] for m in mixtures]
        weights = np.array([[float(w) for w in m.weights] for m in mixtures])
        centres = np.array([exact.to_floats(m.mu) for m in mixtures])
        return cls(Pairs(Mixtures(weights, centres, np.array(spreads)), instances[0].pairs.bias))

    def where(self, rows: Chosen) -> Instances:
        """Return the chosen rows."""
        m = self.pairs.mixture
        return Instances(Pairs(Mixtures(m.weights[rows], m.centres[rows], m.spreads[rows]), self.pairs.bias))

    def __len__(self) -> int:
        return len(self.pairs.mixture.weights)
