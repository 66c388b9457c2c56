"""The commands about one loss on one instance: its value at a map, and its minimiser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

LossName = Annotated[str, typer.Argument(metavar="LOSS", help="infonce, clip, spectral, simsiam, pca or fisher.")]
InstancePath = Annotated[Path, typer.Argument(metavar="INSTANCE.json", help="The instance file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def loss(
    name: LossName,
    instance: InstancePath,
    map_: Annotated[Path, typer.Argument(metavar="MAP.json", help="The map file.")],
    digits: Annotated[int, typer.Option(min=1, max=1000, help="Significant digits to reach.")] = 30,
    json: AsJson = False,
) -> int:
    """Print an interval that contains the population loss of a linear map.

    The interval is rigorous: it comes from exact rationals or from ball arithmetic. When the digits asked for
    are out of reach, the interval is wider, a note says so, and the exit code is 3.

    \b
    Examples:
      thmverify loss infonce examples/shared-gmm.json examples/encoder.json
      thmverify loss clip examples/clip-gmm.json examples/clip-factors.json --digits 12 --json
    """
    raise NotImplementedError


def minimize(
    name: LossName,
    instance: InstancePath,
    rank: Annotated[int | None, typer.Option(min=1, max=64, help="Columns r of the map.")] = None,
    digits: Annotated[int | None, typer.Option(min=1, max=1000, help="Digits.")] = None,
    json: AsJson = False,
) -> int:
    """Propose a minimiser: M*, its column space and the principal angles to the Fisher subspace S_F.

    Floating point proposes it, so what is printed is supported numerically and is never a verdict.

    \b
    Examples:
      thmverify minimize infonce examples/shared-gmm.json
    """
    raise NotImplementedError
