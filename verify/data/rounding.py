"""From floats to an exact mixture: what is rounded, by how much, and what that does to the Fisher subspace.

A coordinate is measured in its own standard deviation σ_i (of Σ̄, the within-component covariance), so the result does
not depend on units: a mean moves by at most ½·10^−digits σ_i, an entry of a covariance by ½·10^−digits σ_i σ_j.
What is said about the effect on S_F is floating point: advice, no verdict.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from thmverify import exact, rationals
from thmverify.errors import InputError
from thmverify.exact import Diagonal, Rows
from thmverify.models import GMM, Covariance, Floats, SharedGMM

MAX_DIGITS = 15  # a float has no more
_LARGE_ANGLE = 0.01  # radians
_ASYMMETRY = 1e-8  # of a covariance, in standard deviations, up to which it is rounding and not a mistake
_MASS = 1e-6  # by which weights may miss 1


@dataclass(frozen=True)
class Rounded:
    """An exact mixture made from floats, and what was changed to make it exact.

    `dimension` is that of S_F, exactly; `intended` counts its directions that are larger than the rounding; `moved` is
    the largest principal angle, in radians, between S_F before and after, coordinates measured in standard deviations.
    The last two are floating point.
    """

    mixture: GMM
    changes: tuple[str, ...]
    warnings: tuple[str, ...]
    dimension: int
    intended: int
    moved: float

    def __str__(self) -> str:
        """Return what was changed, one sentence a line, warnings last."""
        return "\n".join([*self.changes, *(f"warning: {text}" for text in self.warnings)])


def from_floats(
    weights: Any,
    means: Any,
    covariance: Any = None,
    *,
    covariances: Any = None,
    digits: int = 6,
    centre: bool = False,
) -> Rounded:
    """Return the exact mixture that floats round to, and what was changed.

    weights (K), means (K × d), and either `covariance`, which all components share (a number, d numbers or d × d; the
    identity when omitted), or `covariances`, one for each (K numbers, K × d or K × d × d). With `centre` the weighted
    mean is subtracted exactly. Exact weights are kept.

    Raises InputError for what is no number, no mixture, or a covariance that is singular as far as floats can tell.

    >>> rounded = from_floats([0.25, 0.75], [[1.23456789, 0], [-0.5, 0.1]], 2.0, digits=3)
    >>> rounded.mixture.means[0]
    (Fraction(247, 200), Fraction(0, 1))
    >>> print(rounded)
    means are rounded by at most 0.0005 standard deviations of their coordinate (3 digits)
    """
    _check_digits(digits)
    centres = _finite("means", means, (2,))
    K, d = centres.shape
    shares, notes = _weights(weights, K, digits)
    if covariance is not None and covariances is not None:
        raise InputError("covariance", "given twice", "stands beside covariances", "leave one of them out")
    shared = covariances is None
    given = _shared(covariance, d) if shared else _separate(covariances, K, d)
    names = ["covariance"] if shared else [f"covariances[{k}]" for k in range(K)]
    average = _average(given, np.array([1.0]) if shared else np.array(shares, dtype=np.float64))
    _check_scales(names[0] if shared else "covariances", average)
    powers = [math.floor(math.log10(math.sqrt(x))) for x in np.diag(average)]
    made = [_covariance(name, c, powers, digits) for name, c in zip(names, given, strict=True)]
    rounded: Rows = tuple(tuple(_round(x, p - digits) for x, p in zip(row, powers, strict=True)) for row in centres)
    if any(
        Fraction(float(x)) != y for row, to in zip(centres, rounded, strict=True) for x, y in zip(row, to, strict=True)
    ):
        size = f"{0.5 * 10.0**-digits:.1g}"
        notes.append(f"means are rounded by at most {size} standard deviations of their coordinate ({digits} digits)")
    if centre:
        centres = centres - np.array(shares, dtype=np.float64) @ centres
        rounded = exact.centred(shares, rounded)
        notes.append("the weighted mean of the means is subtracted, exactly")
    notes += list(dict.fromkeys(note for _, found in made for note in found))
    exactly = [c for c, _ in made]
    mixture = SharedGMM(shares, rounded, exactly[0]) if shared else GMM(shares, rounded, tuple(exactly))
    return _judged(mixture, centres, average, digits, centre, notes)


def _check_digits(digits: int) -> None:
    if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= MAX_DIGITS:
        raise InputError("digits", digits, f"must be an integer from 1 to {MAX_DIGITS}", "e.g. 6")


def _finite(field: str, values: Any, axes: tuple[int, ...]) -> Floats:
    """Return an array of finite floats with one of these numbers of axes. Raises InputError for the first bad entry."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(field, values, "is not an array of numbers", "give numbers, in rows of one length") from None
    if array.ndim not in axes or array.size == 0:
        shape = " × ".join(map(str, array.shape)) or "one number"
        raise InputError(field, shape, "has not the shape of this field", f"give {_shapes(axes)}")
    for at in np.argwhere(~np.isfinite(array)):
        where = "".join(f"[{i}]" for i in at)
        raise InputError(f"{field}{where}", float(array[tuple(at)]), "is not a finite number", "fill it in or drop it")
    return array


def _shapes(axes: tuple[int, ...]) -> str:
    names = ("one number", "a list of numbers", "rows of numbers", "a matrix for each component")
    return " or ".join(names[n] for n in axes)


def _weights(weights: Any, components: int, digits: int) -> tuple[list[Fraction], list[str]]:
    """Return weights that sum to exactly 1, and what was changed; exact ones are returned as they are."""
    given = list(weights)
    if len(given) != components:
        raise InputError("weights", f"{len(given)} weights", f"must be {components}", "give one for each row of means")
    try:
        return [rationals.read(w) for w in given], []  # the mixture judges their sum
    except rationals.NotRationalError:
        pass
    floats = _finite("weights", given, (1,))
    for k, w in enumerate(floats):
        if w < 10.0**-digits:
            rule = f"is below 10^-{digits}, the last digit that is kept"
            raise InputError(f"weights[{k}]", float(w), rule, "drop the component, or keep more digits")
    if abs(floats.sum() - 1) > _MASS:
        raise InputError("weights", floats.tolist(), f"sum to {floats.sum():.9g}, not to 1", "divide each by their sum")
    shares = [Fraction(float(w)) for w in floats]
    shares = [w / sum(shares) * 10**digits for w in shares]
    units = [math.floor(w) for w in shares]
    largest = sorted(range(components), key=lambda k: units[k] - shares[k])  # the largest remainders are rounded up
    for k in largest[: 10**digits - sum(units)]:
        units[k] += 1
    rounded = [Fraction(n, 10**digits) for n in units]
    same = all(Fraction(str(float(w))) == to for w, to in zip(floats, rounded, strict=True))
    return rounded, [] if same else [f"weights are rounded to {digits} decimals, so that they sum to exactly 1"]


def _shared(covariance: Any, d: int) -> list[Floats]:
    """Return the one covariance as d × d, or as the d entries of a diagonal one."""
    if covariance is None:
        return [np.ones(d)]
    array = _finite("covariance", covariance, (0, 1, 2))
    if array.ndim == 0:
        return [np.full(d, float(array))]
    return [_of_shape("covariance", array, (d,) * array.ndim)]


def _separate(covariances: Any, components: int, d: int) -> list[Floats]:
    """Return a covariance for each component, as d × d or as the d entries of a diagonal one."""
    array = _finite("covariances", covariances, (1, 2, 3))
    array = _of_shape("covariances", array, (components, d, d)[: array.ndim])
    return [np.full(d, float(c)) if c.ndim == 0 else c for c in array]


def _of_shape(field: str, array: Floats, shape: tuple[int, ...]) -> Floats:
    if array.shape != shape:
        found, wanted = (" × ".join(map(str, s)) for s in (array.shape, shape))
        raise InputError(field, found, f"must be {wanted}, like the means", "give one entry for each coordinate")
    return array


def _average(covariances: Sequence[Floats], weights: Floats) -> Floats:
    """Return Σ̄ (d × d)."""
    whole = [np.diag(c) if c.ndim == 1 else c for c in covariances]
    total: Floats = sum((w * c for w, c in zip(weights, whole, strict=True)), np.zeros_like(whole[0]))
    return total


def _check_scales(field: str, average: Floats) -> None:
    for i, x in enumerate(np.diag(average)):
        if not x > 0 or not math.isfinite(x):
            rule = f"is the variance of coordinate {i}, and must be > 0"
            raise InputError(field, float(x), rule, "drop a coordinate that is constant within the components")


def _round(x: float, place: int) -> Fraction:
    """Return the multiple of 10^place that is nearest."""
    unit = Fraction(10) ** place
    return round(Fraction(float(x)) / unit) * unit


def _covariance(name: str, given: Floats, powers: Sequence[int], digits: int) -> tuple[Covariance, list[str]]:
    """Return a definite covariance of short decimals, and what was changed; it keeps the digits that this takes."""
    if given.ndim == 1:
        entries = [_round(x, 2 * p - digits) for x, p in zip(given, powers, strict=True)]
        for i, x in enumerate(entries):
            if x <= 0:
                raise InputError(f"{name}[{i}]", float(given[i]), "rounds to no positive variance", "keep more digits")
        exactly = all(Fraction(float(x)) == to for x, to in zip(given, entries, strict=True))
        return Diagonal(entries), [] if exactly else [f"covariances are rounded to {digits} digits"]
    notes, scale = [], np.sqrt(np.abs(np.diag(given)))
    difference = np.abs(given - given.T)
    if (difference > _ASYMMETRY * np.outer(scale, scale)).any():
        i, j = divmod(int(np.argmax(difference)), len(given))
        rule = f"differs from {name}[{j}][{i}] = {given[j, i]:.6g}: a covariance is symmetric"
        raise InputError(f"{name}[{i}][{j}]", float(given[i, j]), rule, "make the two entries equal")
    if difference.any():
        notes.append("covariances are made symmetric")
        given = (given + given.T) / 2
    for kept in range(digits, MAX_DIGITS + 1):
        rows = _rounded_rows(given, powers, kept)
        if exact.is_positive_definite(exact.matrix(rows)):
            if kept > digits:
                notes.append(f"{name} keeps {kept} digits: rounded to {digits} it is not positive definite")
            elif any(
                Fraction(float(x)) != y
                for row, to in zip(given, rows, strict=True)
                for x, y in zip(row, to, strict=True)
            ):
                notes.append(f"covariances are rounded to {digits} digits")
            return rows, notes
    smallest = float(np.linalg.eigvalsh(given)[0])
    remedy = "drop coordinates that are combinations of others, or give more points"
    raise InputError(name, f"smallest eigenvalue {smallest:.2g}", "is singular as far as floats can tell", remedy)


def _rounded_rows(given: Floats, powers: Sequence[int], digits: int) -> Rows:
    d = len(powers)
    lower = [[_round(given[i, j], powers[i] + powers[j] - digits) for j in range(i + 1)] for i in range(d)]
    return tuple(tuple(lower[max(i, j)][min(i, j)] for j in range(d)) for i in range(d))


def _judged(mixture: GMM, means: Floats, average: Floats, digits: int, centred: bool, notes: list[str]) -> Rounded:
    """Return the mixture with what rounding did to S_F, by floats in coordinates measured in standard deviations.

    Whitened means Z = L⁻¹μ, with Σ̄ = LLᵀ, move by E; by Weyl's inequality a direction of the rounded ones that is
    larger than ‖E‖ was there before.
    """
    from thmverify.subspaces import principal_angles

    scale = np.sqrt(np.diag(average))
    before, root = _whitened(means.T, average, scale)
    after, root_after = _whitened(exact.to_floats(mixture.mu), exact.to_floats(mixture.sigma_bar), scale)
    noise = 2 * np.linalg.norm(after - before, 2) + 64 * np.finfo(np.float64).eps * np.linalg.norm(before, 2)
    bases, sizes = zip(*((np.linalg.svd(Z, full_matrices=False)[:2]) for Z in (before, after)), strict=True)
    dimension, intended = mixture.mu.rank(), int((sizes[1] > noise).sum())
    spaces = [np.linalg.solve(L.T, U[:, :intended]) for L, U in zip((root, root_after), bases, strict=True)]
    moved = float(principal_angles(*spaces).max(initial=0.0))
    warnings = []
    if moved > _LARGE_ANGLE:
        condition = np.linalg.cond(average / np.outer(scale, scale))
        text = f"rounding to {digits} digits moves the Fisher subspace by {moved:.2g} rad (the condition number of the"
        warnings.append(f"{text} correlations is {condition:.1g}); keep more digits")
    if dimension > intended:
        count = dimension - intended
        what = "a direction" if count == 1 else f"{count} directions"
        text = f"{what} of the Fisher subspace (of {dimension}) may come from rounding alone"
        how = "keep more digits, or drop the component that repeats another"
        remedy = (
            how if centred else f"--centre (centre=True) removes it where the means are meant to be centred; else {how}"
        )
        warnings.append(f"{text}: {remedy}")
    return Rounded(mixture, tuple(notes), tuple(warnings), dimension, intended, moved)


def _whitened(means: Floats, covariance: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """Return L⁻¹μ (d × K) and L (d × d), Σ = LLᵀ, in coordinates divided by `scale`."""
    root = np.asarray(np.linalg.cholesky(covariance / np.outer(scale, scale)), dtype=np.float64)
    scaled = np.asarray(np.linalg.solve(root, means / scale[:, None]), dtype=np.float64)
    return scaled, root
