"""Minimisers of any loss from its value and gradient alone: what a record without a minimiser of its own gets.

The unknowns are the matrices of the map (A; A and b; or A_V and A_T), in coordinates that whiten Σ̄ on the whole space:
nothing is supposed of where the minimiser lies. BFGS from several starts, then Newton's method with a Hessian by
differences of the gradient. For BFGS and for the Hessian a cheaper loss takes the place of the loss, of which few
gradients are left: over samples of candidates, the same in all steps, where it has many of them, or by the rules of
batches; unless Newton's method finds no minimum of the loss from there. The residual that is reported is that of the
point that is returned, evaluated anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from fractions import Fraction
from functools import cached_property

import numpy as np
import scipy
from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.errors import InputError
from thmverify.exact import to_floats
from thmverify.integrate.float64 import Estimate
from thmverify.losses import Loss, Sense
from thmverify.losses.batches import evaluated_twice, has_batches
from thmverify.losses.levels import float64_gradient, float64_value, rough
from thmverify.losses.stacks import Instances
from thmverify.maps import BiasedEncoder, CLIPFactors, Encoder, LinearMap
from thmverify.minimize.closed_forms import Pencil
from thmverify.minimize.coordinates import full_coordinates
from thmverify.minimize.result import ACCEPTED, Minimiser, Note, column_space
from thmverify.models import GMM, Floats, Instance, PairedGMM
from thmverify.subspaces import fisher_subspace

_UNEVALUATED = (TypeError, AttributeError, LookupError, ValueError, ArithmeticError, np.linalg.LinAlgError)
_STARTS, _SEED = 5, 20261129
_ITERATIONS, _POLISHING, _CHORDS = 200, 6, 12
_AIM = 1e-7  # of BFGS, in the gradient: Newton's method does the rest
_STEP = 1e-4  # of the differences
_BLIND = 0.1  # a value with a larger relative error is none: descents turn back there
_AWAY = 10  # how many times the start
_APART = 1e-5  # what two rules of batches may differ by
_FAR = 1e4  # whitened unknowns beyond this have run away
_SMALL = 0.03  # columns of this size, relative to the largest, may be 0 in truth
_RANK = 1e-4  # a smaller singular value of A, relative to the largest, is 0: its square counts in M
_CURVED = -1e-5  # the least curvature, relative to the largest, that rounding may leave at a minimum


class Rules(Enum):
    """What evaluates a loss: its own rules, with their errors; samples of candidates; or the rules of batches."""

    OWN = auto()
    SAMPLES = auto()
    BATCHES = auto()


@dataclass(frozen=True)
class Unknowns:
    """The matrices of a map as one vector v: block i is frames[i] · V_i, V_i the next rows × columns[i] entries of v.

    names: of the blocks: A; A and b; or A_V and A_T. frames: whiten Σ̄ on the whole space; that of b is 1. by:
    what evaluates the loss.
    """

    loss: Loss
    instance: Instance
    names: tuple[str, ...]
    frames: tuple[fmpq_mat, ...]
    columns: tuple[int, ...]
    by: Rules = Rules.OWN

    @classmethod
    def of(cls, loss: Loss, instance: Instance, found: Minimiser | int) -> Unknowns:
        """Return the unknowns of the maps with so many columns, or of those that were found.

        Raises InputError for a loss that is made stationary, or of maps that are not known here.
        """
        if loss.sense is Sense.STATIONARY:
            rule = "is made stationary, not minimised"
            raise InputError("LOSS", loss.name, rule, "give its record a minimiser of its own")
        paired = isinstance(instance.model, PairedGMM)
        columns = found.maps["A_V" if paired else "A"].shape[1] if isinstance(found, Minimiser) else found
        if isinstance(instance.model, PairedGMM):
            sides = instance.model.vision, instance.model.text
            return cls(loss, instance, ("A_V", "A_T"), tuple(_frame(m) for m in sides), (columns, columns))
        frame = _frame(instance.pairs.mixture)
        if BiasedEncoder in loss.maps:
            return cls(loss, instance, ("A", "b"), (frame, exact.identity(1)), (columns, 1))
        return cls(loss, instance, ("A",), (frame,), (columns,))

    @property
    def size(self) -> int:
        """The number of unknowns."""
        return sum(frame.ncols() * n for frame, n in zip(self.frames, self.columns, strict=True))

    def matrices(self, v: fmpq_mat) -> dict[str, fmpq_mat]:
        """Return the blocks at v (n × 1)."""
        entries, blocks, at = v.entries(), {}, 0
        for name, frame, n in zip(self.names, self.frames, self.columns, strict=True):
            count = frame.ncols() * n
            blocks[name] = frame * fmpq_mat(frame.ncols(), n, entries[at : at + count])
            at += count
        return blocks

    def linear_map(self, matrices: Mapping[str, fmpq_mat]) -> LinearMap:
        """Return the map that the blocks make."""
        if "A_V" in matrices:
            return CLIPFactors(matrices["A_V"], matrices["A_T"])
        A = matrices["A"]
        return BiasedEncoder(A, matrices["b"][0, 0]) if "b" in matrices else Encoder(A)

    def pulled(self, gradient: Mapping[str, fmpq_mat], matrices: Mapping[str, fmpq_mat]) -> fmpq_mat:
        """Return the derivative with respect to v from those with respect to M = AAᵀ or A, b, or W = A_V A_Tᵀ."""
        entries: list[fmpq] = []
        for name, frame in zip(self.names, self.frames, strict=True):
            entries += (frame.transpose() * self._of_block(name, gradient, matrices)).entries()
        return fmpq_mat(len(entries), 1, entries)

    def _of_block(self, name: str, gradient: Mapping[str, fmpq_mat], matrices: Mapping[str, fmpq_mat]) -> fmpq_mat:
        if name in gradient:
            return gradient[name]
        if name == "A" and "M" in gradient:
            return (gradient["M"] + gradient["M"].transpose()) * matrices["A"]
        if name == "A_V" and "W" in gradient:
            return gradient["W"] * matrices["A_T"]
        if name == "A_T" and "W" in gradient:
            return gradient["W"].transpose() * matrices["A_V"]
        given = ", ".join(gradient)
        raise InputError("LOSS", self.loss.name, f"has derivatives by {given} alone", "give its record a minimiser")

    def stretch(self, matrices: Mapping[str, fmpq_mat]) -> float:
        """Return how much an error of 1 in every entry of the gradient may come to in the norm of `pulled`."""
        largest = max(1.0, *(2 * float(np.linalg.norm(to_floats(m))) for m in matrices.values()))
        frames = (float(np.linalg.norm(to_floats(frame), 2)) * frame.nrows() for frame in self.frames)
        return largest * sum(frames)

    def is_of_gram(self, v: Floats) -> bool:
        """Whether the loss is a function of M = AAᵀ, as its derivatives at v tell."""
        return "M" in self.loss.gradient(self.instance, self.linear_map(self.matrices(_rationals(v))))

    def value(self, v: Floats) -> Estimate:
        """Return the value to be minimised."""
        found = float64_value(self.loss, self.instance, self.linear_map(self.matrices(_rationals(v))))
        return replace(found, value=-found.value) if self.loss.sense is Sense.MAXIMISED else found

    @property
    def sign(self) -> float:
        """−1 for a loss that is maximised, else 1: what is minimised is the loss times this."""
        return -1.0 if self.loss.sense is Sense.MAXIMISED else 1.0

    @cached_property
    def rough(self) -> Unknowns:
        """The same unknowns with the cheapest rules that there are for the loss."""
        found = self.loss.value(self.instance, self.linear_map(self.matrices(fmpq_mat(self.size, 1, [1] * self.size))))
        if found.candidates:
            return replace(self, by=Rules.SAMPLES)
        batched = has_batches(self.loss) and not isinstance(self.instance.model, PairedGMM)
        return replace(self, by=Rules.BATCHES) if batched else self

    @cached_property
    def batch(self) -> Instances:
        """The instance as a batch of one."""
        return Instances.of([self.instance])

    def evaluate(self, v: Floats) -> tuple[float, Floats]:
        """Return the value to be minimised and its gradient."""
        if self.by is Rules.OWN:
            found = self.value(v)
            seen = found.error <= _BLIND * (1 + abs(found.value))
            return found.value if seen else np.inf, self.gradient(v)[0]
        matrices = self.matrices(_rationals(v))
        if self.by is Rules.SAMPLES:
            value, derivatives = rough(self.loss, self.instance, self.linear_map(matrices))
            return self.sign * value, self._pulled(derivatives, matrices)
        A = to_floats(matrices["A"])[None]
        b = to_floats(matrices["b"])[0] if "b" in matrices else np.zeros(1)
        both = evaluated_twice(self.loss, self.batch, A, b)
        values, gradients = np.array([at.value[0] for at in both]), np.array([at.A[0] for at in both])
        apart = np.abs(values[0] - values[1]) + np.abs(gradients[0] - gradients[1]).max()
        if not apart <= _APART * (1 + np.abs(gradients).max()):  # beyond the rules of batches
            return replace(self, by=Rules.OWN).evaluate(v)
        given = {"A": gradients[0], "b": both[0].b[:, None]}
        return self.sign * float(values[0]), self._pulled({name: given[name] for name in self.names}, matrices)

    def gradient(self, v: Floats) -> tuple[Floats, float]:
        """Return the gradient of what is minimised, and an estimate of its error."""
        if self.by is not Rules.OWN:
            return self.evaluate(v)[1], np.inf
        matrices = self.matrices(_rationals(v))
        found = float64_gradient(self.loss, self.instance, self.linear_map(matrices))
        return self._pulled(found.derivatives, matrices), found.error * self.stretch(matrices)

    def _pulled(self, derivatives: Mapping[str, Floats], matrices: Mapping[str, fmpq_mat]) -> Floats:
        rational = {name: _rational_matrix(m) for name, m in derivatives.items()}
        return self.sign * to_floats(self.pulled(rational, matrices))[:, 0]

    def hessian(self, v: Floats) -> Floats:
        """Return the Hessian by central differences of the gradient (n × n), of the loss itself."""
        v = v.reshape(-1)
        step = _STEP * max(1.0, float(np.abs(v).max()))
        rows = []
        for i in range(self.size):
            moved = step * np.eye(self.size)[i]
            rows.append((self.gradient(v + moved)[0] - self.gradient(v - moved)[0]) / (2 * step))
        H = self.sign * np.array(rows)
        return np.asarray((H + H.T) / 2)

    def start(self, found: Minimiser) -> Floats:
        """Return v (n × 1) at the maps that were found."""
        parts = []
        for name, frame in zip(self.names, self.frames, strict=True):
            matrix = np.atleast_2d(found.maps[name])
            parts.append(np.linalg.solve(to_floats(frame), matrix).reshape(-1))
        return np.concatenate(parts)[:, None]

    def reported(self, matrices: Mapping[str, fmpq_mat]) -> dict[str, fmpq_mat]:
        """Return the matrices, with the product that the loss is a function of."""
        found = dict(matrices)
        if "A_V" in found:
            return {"W": found["A_V"] * found["A_T"].transpose(), **found}
        return {"M": found["A"] * found["A"].transpose(), **found}


def minimise_generally(loss: Loss, instance: Instance, rank: int) -> Minimiser:
    """Return the best local optimum of several starts over maps with `rank` columns.

    Raises InputError for a loss that is made stationary, or whose derivatives are not by M, A, b or W.
    """
    unknowns = Unknowns.of(loss, instance, rank)
    return _quickly(unknowns, rank) or _finished(unknowns, unknowns, *_best(unknowns, rank))


def _quickly(unknowns: Unknowns, rank: int) -> Minimiser | None:
    """Return what the cheapest rules lead to, or None where that is no minimum of the loss, or they are its own."""
    rough = unknowns.rough
    if rough.by is Rules.OWN:
        return None
    try:
        best, runaway = _best(rough, rank)
        if runaway:
            return None
        found = _finished(unknowns, rough, best, runaway)
    except _UNEVALUATED:
        return None
    return found if found.converged else None


def _finished(unknowns: Unknowns, rough: Unknowns, best: Floats, runaway: bool) -> Minimiser:
    """Return the minimiser from the end of a descent, with Hessians of the rough loss."""
    v, curvature = (best, 0.0) if runaway else _newton(unknowns, rough, best)
    if not runaway:
        v = _trimmed(unknowns, rough, v)
    return _report(unknowns, v, curvature, runaway)


def _best(unknowns: Unknowns, rank: int) -> tuple[Floats, bool]:
    """Return the lowest end of all descents, the first that runs away if one does, and whether it has."""
    ends = []
    for start in _starts(unknowns, rank):
        end, value = _descended(unknowns, start)
        if value == -np.inf:
            return end, True
        ends.append((end, value))
    return min(ends, key=lambda pair: pair[1])[0], False


class _RanAwayError(Exception):
    """The loss is lower still where the unknowns are beyond what a minimum is looked for in."""

    def __init__(self, v: Floats) -> None:
        super().__init__()
        self.v = v


def _descended(unknowns: Unknowns, start: Floats) -> tuple[Floats, float]:
    """Return where BFGS ends and the value there; −∞ where the loss falls beyond every bound.

    It does as far as floats see when it falls up to where a value is as uncertain as large, far from the start.
    """
    lowest, best, size = np.inf, start, _AWAY * float(np.abs(start).max())

    def first(v: Floats) -> tuple[float, Floats]:
        nonlocal lowest, best
        value, gradient = unknowns.evaluate(v)
        if np.abs(v).max() > _FAR and value < lowest:
            raise _RanAwayError(v)
        if value == np.inf and np.abs(v).max() > np.abs(best).max() > size:
            raise _RanAwayError(best)
        if value < lowest:
            lowest, best = value, v.copy()
        return value, gradient

    try:
        limits = {"gtol": _AIM, "maxiter": _ITERATIONS}
        found = scipy.optimize.minimize(first, start, jac=True, method="BFGS", options=limits)
    except _RanAwayError as error:
        return error.v, -np.inf
    return np.asarray(found.x), float(found.fun)


def _trimmed(unknowns: Unknowns, rough: Unknowns, v: Floats) -> Floats:
    """Return a point with fewer columns that are not 0, where the value is no higher for that.

    A loss of M = AAᵀ may be flat of fourth order in a column that ought to be 0: no gradient in A tells it from 0.
    """
    if unknowns.names[0] != "A" or not unknowns.is_of_gram(v):
        return v
    d, r = unknowns.frames[0].ncols(), unknowns.columns[0]
    left, sizes, _ = np.linalg.svd(v[: d * r].reshape(d, r), full_matrices=False)
    kept = int(np.sum(sizes > _SMALL * float(sizes.max(initial=0.0))))
    if kept in (0, min(d, r)):
        return v
    columns = (kept, *unknowns.columns[1:])
    fewer, rougher = replace(unknowns, columns=columns), replace(rough, columns=columns)
    start = np.concatenate([(left[:, :kept] * sizes[:kept]).reshape(-1), v[d * r :]])
    found, _ = _newton(fewer, rougher, start)
    padded = np.zeros((d, r))
    padded[:, :kept] = found[: d * kept].reshape(d, kept)
    trimmed = np.concatenate([padded.reshape(-1), found[d * kept :]])
    before, after = unknowns.value(v), unknowns.value(trimmed)
    return trimmed if after.value <= before.value + before.error + after.error else v


def _newton(unknowns: Unknowns, rough: Unknowns, v: Floats) -> tuple[Floats, float]:
    """Return a point with a gradient as small as floats allow, and the least curvature there, relative to the largest.

    Directions without curvature (rotations of the features leave the loss alone) are left out of the steps.
    """
    gradient, error = unknowns.gradient(v)
    size = float(np.linalg.norm(gradient))
    values, vectors = np.linalg.eigh(unknowns.sign * rough.hessian(v))
    scale = float(np.abs(values).max()) or 1.0
    bent = np.abs(values) > -_CURVED * scale
    polishing = _CHORDS if rough.by is Rules.SAMPLES else _POLISHING
    for _ in range(polishing if float(values.min()) >= _CURVED * scale else 0):  # at a saddle it would lead there
        if size < error / 10:
            break
        step = -(vectors[:, bent] / values[bent]) @ (vectors[:, bent].T @ gradient)
        there, error = unknowns.gradient(v + step)
        if not np.linalg.norm(there) < size:
            break
        v, gradient, size = v + step, there, float(np.linalg.norm(there))
    return v, float(values.min()) / scale


def _starts(unknowns: Unknowns, rank: int) -> Iterator[Floats]:
    """Yield starts: the leading directions of the pairs, then random ones of the same size."""
    rng = np.random.default_rng(_SEED)
    leading = [_leading(unknowns.instance, i, rank, rng) for i in range(len(unknowns.names))]
    yield np.concatenate([block.reshape(-1) for block in leading])
    for _ in range(_STARTS - 1):
        blocks = [np.zeros(1) if n == "b" else _random(b, rng) for n, b in zip(unknowns.names, leading, strict=True)]
        yield np.concatenate([block.reshape(-1) for block in blocks])


def _random(like: Floats, rng: np.random.Generator) -> Floats:
    return float(np.linalg.norm(like) / np.sqrt(like.size)) * rng.standard_normal(like.shape)


def _leading(instance: Instance, block: int, rank: int, rng: np.random.Generator) -> Floats:
    """Return the block's start in whitened coordinates: leading eigenvectors, and small random columns beyond."""
    if isinstance(instance.model, PairedGMM):
        mixture: GMM = (instance.model.vision, instance.model.text)[block]
        second = mixture.S
    elif block == 1:
        return np.zeros((1, 1))
    else:
        mixture, second = instance.pairs.mixture, instance.pairs.C
    d = mixture.dimension
    pencil = Pencil(second, mixture.R)
    frame = np.linalg.inv(to_floats(_frame(mixture)))
    kept = min(rank, d)
    sizes = np.sqrt(np.clip(pencil.values[:kept], 0.01, None))
    start = 0.1 * rng.standard_normal((d, rank))
    start[:, :kept] += frame @ pencil.vectors(kept) * sizes
    return start


def _frame(mixture: GMM) -> fmpq_mat:
    """Return coordinates on the whole space that whiten Σ̄, as the rationals that the floats are."""
    return _rational_matrix(full_coordinates(mixture).embedding)


def _rational_matrix(m: Floats) -> fmpq_mat:
    return exact.matrix([[Fraction(float(x)) for x in row] for row in m], columns=m.shape[1])


def _rationals(v: Floats) -> fmpq_mat:
    return _rational_matrix(np.asarray(v).reshape(-1, 1))


def _report(unknowns: Unknowns, v: Floats, curvature: float, runaway: bool) -> Minimiser:
    loss, instance = unknowns.loss, unknowns.instance
    matrices = unknowns.matrices(_rationals(v))
    estimate = float64_value(loss, instance, unknowns.linear_map(matrices))
    gradient, error = unknowns.gradient(v)
    size = float(np.linalg.norm(gradient))
    stationary = size + error <= ACCEPTED * (1 + float(np.linalg.norm(v)))
    notes = [Note.GENERAL]
    if runaway:
        notes = [Note.UNBOUNDED]
    elif not stationary:
        notes.append(Note.STALLED)
    elif curvature < _CURVED:
        notes.append(Note.SADDLE)
    maps = in_floats(unknowns.reported(matrices))
    sides = {"A": "M", "A_V": "W", "A_T": "Wᵀ"}
    spaces, ranks = [], []
    for name, frame in zip(unknowns.names, unknowns.frames, strict=True):
        if name in sides:
            mixture = _mixture(instance, name)
            whitened = np.linalg.solve(to_floats(frame), maps[name])
            left, sizes, _ = np.linalg.svd(whitened, full_matrices=False)
            ranks.append(int(np.sum(sizes > _RANK * max(float(sizes.max(initial=0.0)), _RANK))))
            spanning = to_floats(frame) @ left[:, : ranks[-1]]
            spaces.append(column_space(sides[name], spanning, fisher_subspace(mixture).as_floats()))
    return Minimiser(
        loss=loss.name,
        maps=maps,
        rank=min(ranks),
        spaces=tuple(spaces),
        value=estimate.value,
        value_error=estimate.error,
        kkt_residual=size,
        error_bound=None,
        converged=stationary and not runaway and curvature >= _CURVED,
        notes=tuple(notes),
    )


def in_floats(maps: Mapping[str, fmpq_mat]) -> dict[str, Floats]:
    """Return the matrices in floats, and b as a number, an array of no dimensions."""
    return {name: to_floats(m).reshape(()) if name == "b" else to_floats(m) for name, m in maps.items()}


def _mixture(instance: Instance, name: str) -> GMM:
    if isinstance(instance.model, PairedGMM):
        return instance.model.vision if name == "A_V" else instance.model.text
    return instance.pairs.mixture
