"""A picture of one's own instance: `tv.picture`, an SVG that shows itself in a notebook and saves itself to a file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thmverify.api import Given, instance
from thmverify.errors import InputError
from thmverify.jsonfiles import write_text
from thmverify.models import AugmentedPairs, Instance, PairedGMM
from thmverify.reports import render
from thmverify.reports.figures import scenes

if TYPE_CHECKING:
    from thmverify.rationals import Number
    from thmverify.reports.figures.records import Scene

_PLANE = 2


@dataclass(frozen=True)
class Picture:
    """A drawing and what to say under it. It illustrates: what is learnt is drawn from floats."""

    svg: str
    caption: str

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the SVG file. Raises InputError when it cannot be written."""
        write_text(path, self.svg)

    def _repr_svg_(self) -> str:
        return self.svg


def picture(
    model: Given, loss: str = "", *, bias: Number | None = None, rank: int | None = None, part: str = "vision"
) -> Picture:
    """Return a picture of a mixture: its components, S_F, and the column space that a loss learns.

    In the plane, the coordinates are the data's; in more dimensions, two directions of S_F are shown, in standard
    deviations. `loss` is infonce when it is left out, and clip for a model of images and texts, in the plane alone, of
    which `part` says which mixture is drawn.

    Raises InputError for a model that cannot be drawn.

    >>> import thmverify as tv
    >>> tv.picture(tv.load("deficient")).caption
    'The components as 2σ ellipses, with their weights. S_F is the whole plane. Dotted: what infonce learns, in floats.'
    """
    given = instance(model, bias=bias, rank=rank)
    scene, name = _scene(given, loss, part)
    said = " ".join(f"{remark}." for remark in scene.remarks)
    learnt = any(line.name.startswith("Col") for line in scene.lines)
    dotted = f" Dotted: what {name} learns, in floats." if learnt else ""
    caption = " ".join(f"The components as 2σ ellipses, with their weights. {said}{dotted}".split())
    return Picture(render.scene_alone(scene, caption), caption)


def _scene(given: Instance, loss: str, part: str) -> tuple[Scene, str]:
    match given.model:
        case PairedGMM():
            found = {scene.title: scene for scene in scenes.compute(given, loss or "clip")}
            if part not in found:
                planar = ", ".join(found) or "none"
                rule = f"is not drawn: mixtures in the plane are ({planar})"
                raise InputError("part", part, rule, "give a model whose part is in the plane")
            return found[part], loss or "clip"
        case AugmentedPairs(mixture=mixture) if mixture.dimension == _PLANE:
            return scenes.compute(given, loss or "infonce")[0], loss or "infonce"
        case _:
            return scenes.in_fisher_plane(given, loss or "infonce"), loss or "infonce"
