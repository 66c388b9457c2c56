"""Parallel pancakes: PCA against Fisher, after Figure 1 of Bansal, Kavis, Sanghavi (arXiv:2411.03517).

Three mixtures in the plane with rational parameters. Their top PCA directions are rational too (the eigenvalues of
R = E xxᵀ are), so that every subspace drawn is exact and every angle between two of them is enclosed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import numpy as np
from flint import arb, ctx, fmpq, fmpq_mat

from thmverify import exact
from thmverify.decimals import outward
from thmverify.instances import instance_to_json, parse_instance
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.reports.figures.drawing import Ellipse, Frame, sigma_ellipse
from thmverify.reports.figures.records import Angle, Line, Pancakes, Panel
from thmverify.subspaces import Subspace, certified_principal_angles, fisher_subspace, mean_subspace
from thmverify.theorems.pca.common import BALLS, PANCAKES
from thmverify.theorems.pca.pca_equality import SHIFTED_PANCAKES

POINTS_PER_PANEL = 450
_DIGITS = 10
_BITS = 96


MIXTURES = (
    ("a", "Spherical", BALLS),
    ("b", "Parallel pancakes", PANCAKES),
    ("c", "Shifted parallel pancakes", SHIFTED_PANCAKES),
)


def top_eigenline(R: fmpq_mat) -> Subspace:
    """Return the eigenspace of the largest eigenvalue of a symmetric rational matrix, exactly.

    Raises ValueError when that eigenvalue is irrational or not simple.
    """
    _, factors = R.charpoly().factor()
    if any(factor.degree() > 1 for factor, _ in factors):
        raise ValueError("an eigenvalue of R is irrational: the PCA direction has no rational form")
    top: fmpq = max(-factor[0] / factor[1] for factor, _ in factors)
    line = Subspace.spanned_by(exact.null_space(R - exact.identity(R.nrows()) * top))
    if line.dimension != 1:
        raise ValueError(f"the largest eigenvalue of R has multiplicity {line.dimension}: no single PCA direction")
    return line


def fisher_ratio(mixture: SharedGMM, line: Subspace) -> Fraction:
    """Return J(v) = vᵀSv / vᵀΣ̄v for the line spanned by v: Fisher's discriminant (Definition 3.2) at rank one."""
    v = line.basis
    between, within = v.transpose() * mixture.S * v, v.transpose() * mixture.sigma_bar * v
    return exact.to_fraction(between[0, 0] / within[0, 0])


def angle(first: Line, second: Line) -> Angle:
    """Return the angle between two lines, enclosed in ball arithmetic, and its cos² = (uᵀv)²/(uᵀu·vᵀv), a rational."""
    u, v = _direction(first), _direction(second)
    uv, uu, vv = exact.inner(u, v), exact.inner(u, u), exact.inner(v, v)
    with ctx.workprec(_BITS):
        (radians,) = certified_principal_angles(Subspace.spanned_by(u), Subspace.spanned_by(v))
        turned = radians * 180 / arb.pi()
        bounds = outward(_fraction(turned.lower()), _fraction(turned.upper()), _DIGITS)
    cos2 = str(uv * uv / (uu * vv))
    return Angle(
        first=first.name, second=second.name, cos2=cos2, value=bounds.value, lower=bounds.lower, upper=bounds.upper
    )


def _direction(line: Line) -> fmpq_mat:
    return exact.column([Fraction(x) for x in line.direction])


def _fraction(x: arb) -> Fraction:
    mantissa, exponent = x.man_exp()
    return int(mantissa) * Fraction(2) ** int(exponent)


def lines(mixture: SharedGMM) -> tuple[Line, ...]:
    """Return S_F, S_SVD and S_μ of a mixture in the plane for which each of them is a line."""
    subspaces = {
        "S_F": fisher_subspace(mixture),
        "S_SVD": top_eigenline(mixture.R),
        "S_μ": mean_subspace(mixture),
    }
    return tuple(
        Line(name=name, direction=_texts(line), fisher=str(fisher_ratio(mixture, line)))
        for name, line in subspaces.items()
    )


def _texts(line: Subspace) -> tuple[str, str]:
    ((x, y),) = line.basis_rows
    return str(x), str(y)


def compute(seed: int) -> Pancakes:
    """Return the record of the figure; `seed` decides the sampled points and nothing else."""
    return Pancakes(
        seed=seed,
        panels=tuple(_panel(seed, index, *entry) for index, entry in enumerate(MIXTURES)),
    )


def _panel(seed: int, index: int, letter: str, title: str, mixture: SharedGMM) -> Panel:
    rng = np.random.default_rng([seed, index])
    labels = mixture.sample_labels(POINTS_PER_PANEL, rng)
    sampled = mixture.sample_given(labels, rng)
    drawn = lines(mixture)
    return Panel(
        letter=letter,
        title=title,
        instance=instance_to_json(Instance(AugmentedPairs(mixture), rank=1)),
        lines=drawn,
        angles=tuple(angle(a, b) for a, b in combinations(drawn, 2)),
        points=tuple((round(x, 2), round(y, 2), int(k)) for (x, y), k in zip(sampled.tolist(), labels, strict=True)),
    )


# --- layout: from the record to what the template draws ------------------------------------------------------------

_REACH = 12.0
_SIDE = 300.0
_STRIP = 62.0
_STRIPS = ("S_F", "S_SVD")


@dataclass(frozen=True)
class DrawnLine:
    """Subspaces that coincide, drawn as one line: their names, style, ends and label position in pixels."""

    names: tuple[str, ...]
    start: tuple[float, float]
    end: tuple[float, float]
    label: tuple[float, float]
    anchor: str


@dataclass(frozen=True)
class Strip:
    """The density of the mixture projected on one line: a path for each component, all in one frame."""

    name: str
    frame: Frame
    paths: tuple[str, ...]


@dataclass(frozen=True)
class DrawnPanel:
    """A panel in pixels."""

    frame: Frame
    marks: tuple[tuple[float, float, int], ...]
    ellipses: tuple[Ellipse, ...]
    lines: tuple[DrawnLine, ...]
    strips: tuple[Strip, ...]
    height: float


def layout(panel: Panel) -> DrawnPanel:
    """Return where everything in a panel goes: the scatter above, the two projections below."""
    mixture = parse_instance(panel.instance).shared
    frame = Frame(0, 0, _SIDE, _SIDE, (-_REACH, _REACH), (-_REACH, _REACH))
    covariance = np.array(mixture.covariance, dtype=float)
    strips = tuple(
        _strip(mixture, line, Frame(0, _SIDE + 22 + i * (_STRIP + 22), _SIDE, _STRIP, (-_REACH, _REACH), (0, 1)))
        for i, line in enumerate(line for line in panel.lines if line.name in _STRIPS)
    )
    return DrawnPanel(
        frame=frame,
        marks=tuple((frame.x(x), frame.y(y), k) for x, y, k in panel.points if max(abs(x), abs(y)) < _REACH),
        ellipses=tuple(sigma_ellipse(frame, [float(x) for x in m], covariance, 2.0) for m in mixture.means),
        lines=tuple(_drawn(frame, group) for group in coinciding(panel.lines)),
        strips=strips,
        height=strips[-1].frame.bottom + 2,
    )


def coinciding(drawn: Sequence[Line]) -> list[list[Line]]:
    """Return the lines in groups of equal ones, decided on their exact directions, in the order given."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in drawn:
        groups.setdefault(line.direction, []).append(line)
    return list(groups.values())


def _drawn(frame: Frame, group: list[Line]) -> DrawnLine:
    dx, dy = (float(Fraction(x)) for x in group[0].direction)
    start, end = frame.clipped_line((dx, dy))
    if abs(dy) < abs(dx) / 2:  # a flat line carries its label above its right end, a steep one right of its upper end
        label, anchor = (end[0] - 4, end[1] - 9), "end"
    elif abs(dx) < abs(dy) / 2:
        label, anchor = (end[0] + 7, end[1] + 14), "start"
    else:
        label, anchor = (end[0] - 6, end[1] + 34), "end"
    return DrawnLine(tuple(line.name for line in group), start, end, label, anchor)


def _strip(mixture: SharedGMM, line: Line, frame: Frame) -> Strip:
    """Lay out the densities w_k N(v̂ᵀμ_k, v̂ᵀΣv̂) of the mixture projected on the unit vector v̂ of a line."""
    v = np.array([float(Fraction(x)) for x in line.direction])
    v /= np.linalg.norm(v)
    s = np.linspace(-_REACH, _REACH, 241)
    variance = float(v @ np.array(mixture.covariance, dtype=float) @ v)
    centres = np.array(mixture.means, dtype=float) @ v
    density = np.exp(-((s[None, :] - centres[:, None]) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    density *= np.array(mixture.weights, dtype=float)[:, None]
    density /= 1.08 * density.max()
    return Strip(line.name, frame, tuple(frame.path(zip(s, row, strict=True)) for row in density))
