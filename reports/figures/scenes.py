"""Pictures of instances in the plane: components as ellipses, S_F, the column space of the minimiser, and PCA.

The ellipses and S_F come from the exact instance; the minimiser and PCA are float proposals, drawn and not relied on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from thmverify.errors import InputError
from thmverify.exact import to_floats
from thmverify.minimize import Minimiser, minimise
from thmverify.models import GMM, AugmentedPairs, Floats, Instance, PairedGMM
from thmverify.reports.figures.drawing import Ellipse, Frame, sigma_ellipse
from thmverify.reports.figures.records import Direction, Scene
from thmverify.subspaces import Subspace, fisher_subspace, pca_subspace

_PLANE = 2
_COLUMN_SPACES = {"W": "Col(W*)", "Wᵀ": "Col(W*ᵀ)"}
_LONG = 9  # characters of a weight that would cover the picture
_SAME = 1e-5  # sine of an angle too small to draw


def compute(instance: Instance, loss: str | None) -> tuple[Scene, ...]:
    """Return a picture of each mixture in the plane that the instance holds; none where the space is no plane."""
    mixtures: dict[str, GMM]
    match instance.model:
        case PairedGMM(vision=vision, text=text):
            mixtures = {"vision": vision, "text": text}
        case AugmentedPairs(mixture=mixture):
            mixtures = {"": mixture}
        case _:
            return ()
    shown = {name: mixture for name, mixture in mixtures.items() if mixture.dimension == _PLANE}
    if not shown:
        return ()
    found = _proposal(instance, loss)
    return tuple(_scene(name, mixture, found) for name, mixture in shown.items())


def in_fisher_plane(instance: Instance, loss: str) -> Scene:
    """Return a picture of a mixture in any dimension: in two directions of S_F, in standard deviations, all in floats.

    Coordinates are those in which Σ̄ is the identity; the two directions are those along which the means differ most.
    Raises InputError for other models, and in one dimension.
    """
    mixture = instance.pairs.mixture
    if mixture.dimension < _PLANE:
        rule = "has one dimension: there is no plane to draw"
        raise InputError("means", mixture.dimension, rule, "give two coordinates or more")
    root = np.linalg.cholesky(to_floats(mixture.sigma_bar))
    means = np.linalg.solve(root, to_floats(mixture.mu))
    plane = np.linalg.svd(means * np.sqrt(np.array(mixture.weights, dtype=float)))[0][:, :_PLANE]
    shrunk = [np.linalg.solve(root, np.linalg.solve(root, np.array(c, dtype=float)).T) for c in mixture.covariances]
    found, m = _proposal(instance, loss), fisher_subspace(mixture).dimension
    lines = [Direction(name="S_F", direction=(1.0, 0.0), exact=False)] if m == 1 else []
    remarks = (
        [f"The plane is that of two directions of S_F, which has {m} of {mixture.dimension} dimensions"]
        if m > 1
        else []
    )
    for space in [] if found is None else found.spaces[:1]:
        if space.basis.shape[1] == 1:
            x, y = (plane.T @ root.T @ space.basis)[:, 0]
            lines.append(Direction(name="Col(A*)", direction=(float(x), float(y)), exact=False))
        else:
            remarks.append(f"Col(A*) has {space.basis.shape[1]} dimensions")
    return Scene(
        title="",
        means=tuple((float(x), float(y)) for x, y in (plane.T @ means).T),
        covariances=tuple(_pairs(plane.T @ c @ plane) for c in shrunk),
        weights=tuple(str(w) if len(str(w)) < _LONG else f"{float(w):.3g}" for w in mixture.weights),
        lines=tuple(lines),
        remarks=tuple(remarks),
    )


def _proposal(instance: Instance, loss: str | None) -> Minimiser | None:
    try:
        return None if loss is None else minimise(loss, instance)
    except InputError:  # the loss is not defined for the model: the picture does without
        return None


def _scene(name: str, mixture: GMM, found: Minimiser | None) -> Scene:
    drawn = [_exact("S_F", fisher_subspace(mixture))]
    wanted = {"vision": "W", "text": "Wᵀ"}.get(name)  # a single mixture's minimiser has one space only
    spaces = [] if found is None else [s for s in found.spaces if wanted in (None, s.map)]
    drawn += [_floating(_COLUMN_SPACES.get(s.map, "Col(A*)"), s.basis) for s in spaces[:1]]
    drawn.append(_floating("PCA", pca_subspace(to_floats(mixture.R), 1)))
    return Scene(
        title=name,
        means=tuple((float(m[0]), float(m[1])) for m in mixture.means),
        covariances=tuple(_pairs(c) for c in mixture.covariances),
        weights=tuple(str(w) for w in mixture.weights),
        lines=_merged([d for d in drawn if isinstance(d, Direction)]),
        remarks=tuple(d for d in drawn if isinstance(d, str)),
    )


def _merged(lines: Sequence[Direction]) -> tuple[Direction, ...]:
    """Draw floating lines that coincide as one, under both names."""
    out: list[Direction] = []
    for line in lines:
        same = next((i for i, other in enumerate(out) if not other.exact and _parallel(line, other)), None)
        if same is None:
            out.append(line)
        else:
            out[same] = out[same].model_copy(update={"name": f"{out[same].name}, {line.name}"})
    return tuple(out)


def _parallel(a: Direction, b: Direction) -> bool:
    return abs(a.direction[0] * b.direction[1] - a.direction[1] * b.direction[0]) < _SAME


def _pairs(rows: object) -> tuple[tuple[float, float], tuple[float, float]]:
    (a, b), (c, d) = np.array(rows, dtype=float).tolist()
    return (a, b), (c, d)


def _exact(name: str, space: Subspace) -> Direction | str:
    return _described(name, space.as_floats(), exact=True)


def _floating(name: str, basis: Floats) -> Direction | str:
    return _described(name, basis, exact=False)


def _described(name: str, basis: Floats, *, exact: bool) -> Direction | str:
    """Return a line to draw, or a sentence on a subspace that is the whole plane or only the origin."""
    dimension = basis.shape[1]
    if dimension == 1:
        x, y = (round(float(v), 6) for v in basis[:, 0])
        return Direction(name=name, direction=(x, y), exact=exact)
    return f"{name} is {'the whole plane' if dimension else 'only the origin'}"


# --- layout: from the record to what the template draws ------------------------------------------------------------

WIDTH, _MOST, _LEAST = 420.0, 380.0, 170.0
_SIGMAS = 2.0
_MARGIN = 1.12
_LETTER, _ASIDE = 7.0, 15.0  # a label's width for each letter, and how far it stands from its line


@dataclass(frozen=True)
class DrawnLine:
    """A line in pixels, its label's place, and the class that its stroke has in the style sheet."""

    name: str
    style: str
    start: tuple[float, float]
    end: tuple[float, float]
    label: tuple[float, float]


@dataclass(frozen=True)
class DrawnScene:
    """A scene in pixels; `labels` are the places of the components' weights."""

    frame: Frame
    ellipses: tuple[Ellipse, ...]
    labels: tuple[tuple[float, float, str], ...]
    lines: tuple[DrawnLine, ...]
    sentence: str


def layout(scene: Scene) -> DrawnScene:
    """Return where everything goes: one scale on both axes, the origin and every 2σ ellipse inside."""
    frame = _frame(scene)
    ellipses = tuple(
        sigma_ellipse(frame, m, np.array(c), _SIGMAS) for m, c in zip(scene.means, _covariances(scene), strict=True)
    )
    labels = tuple(
        (e.cx, max(e.cy - max(e.rx, e.ry) - 5, frame.top + 12), w) for e, w in zip(ellipses, scene.weights, strict=True)
    )
    obstacles = [(e.cx, e.cy, max(e.rx, e.ry)) for e in ellipses] + [(x, y, 14.0) for x, y, _ in labels]
    lines: list[DrawnLine] = []
    for direction in scene.lines:
        lines.append(_line(frame, direction, scene.lines, obstacles))
        obstacles.append((*lines[-1].label, 30.0))
    said = [f"{d.name} runs along ({d.direction[0]:.3g}, {d.direction[1]:.3g})" for d in scene.lines]
    return DrawnScene(frame, ellipses, labels, tuple(lines), "; ".join([*said, *scene.remarks]))


def _covariances(scene: Scene) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    shared = len(scene.covariances) == 1
    return [scene.covariances[0 if shared else k] for k in range(len(scene.means))]


def _frame(scene: Scene) -> Frame:
    means, spread = np.array(scene.means), np.array([np.sqrt(np.diag(c)) for c in _covariances(scene)]) * _SIGMAS
    low = np.minimum((means - spread).min(axis=0), 0.0) * _MARGIN
    high = np.maximum((means + spread).max(axis=0), 0.0) * _MARGIN
    width, height = high - low
    scale = min(WIDTH / width, _MOST / height)
    drawn_height = max(height * scale, _LEAST)
    extra_x, extra_y = (WIDTH / scale - width) / 2, (drawn_height / scale - height) / 2
    xs, ys = (low[0] - extra_x, high[0] + extra_x), (low[1] - extra_y, high[1] + extra_y)
    return Frame(0, 0, WIDTH, drawn_height, (float(xs[0]), float(xs[1])), (float(ys[0]), float(ys[1])))


_Obstacle = tuple[float, float, float]  # a disc in pixels: centre and radius


def _line(frame: Frame, direction: Direction, others: Sequence[Direction], obstacles: Sequence[_Obstacle]) -> DrawnLine:
    """Draw a line, its label where there is most room beside it."""
    start, end = _clipped(frame, direction.direction)
    style = {"S_F": "S_F", "PCA": "S_SVD"}.get(direction.name, "column")
    rivals = [_clipped(frame, other.direction) for other in others if other is not direction]
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    normal = (end[1] - start[1]) / length, (start[0] - end[0]) / length
    places = [
        (start[0] + t * (end[0] - start[0]) + side * normal[0], start[1] + t * (end[1] - start[1]) + side * normal[1])
        for t in (i / 30 for i in range(1, 30))
        for side in (-_ASIDE, _ASIDE)
    ]
    half = _LETTER * len(direction.name) / 2 + 6
    inside = [(x, y) for x, y in places if half < x < frame.right - half and 12 < y < frame.bottom - 8]
    x, y = max(inside or places, key=lambda place: _room(place, rivals, obstacles))
    return DrawnLine(direction.name, style, start, end, (x, y + 4))


_Point = tuple[float, float]


def _room(place: _Point, lines: Sequence[tuple[_Point, _Point]], obstacles: Sequence[_Obstacle]) -> float:
    """Return the distance from a place to what is drawn, at most 40 pixels: more room is not better."""
    x, y = place
    gaps = [math.hypot(x - cx, y - cy) - radius for cx, cy, radius in obstacles]
    for (x0, y0), (x1, y1) in lines:
        gaps.append(abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) / math.hypot(x1 - x0, y1 - y0) - _LETTER)
    return min([40.0, *gaps])


def _clipped(frame: Frame, direction: tuple[float, float]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ends in pixels of the line through the data origin, which the frame contains; the right one last."""
    dx, dy = direction if direction > (0.0, 0.0) else (-direction[0], -direction[1])
    reach = []
    for sign in (-1.0, 1.0):
        limits = [
            (frame.x_range[sign * dx > 0], dx),
            (frame.y_range[sign * dy > 0], dy),
        ]
        reach.append(sign * min(abs(end / d) for end, d in limits if d))
    (a, b) = reach
    return (frame.x(a * dx), frame.y(a * dy)), (frame.x(b * dx), frame.y(b * dy))
