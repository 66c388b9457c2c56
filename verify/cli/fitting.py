"""The command that makes an instance file from data."""

from __future__ import annotations

import json as json_
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thmverify.cli.output import DONE, progress, write_fields, write_json
from thmverify.errors import InputError

if TYPE_CHECKING:
    from thmverify.data import Rounded
    from thmverify.models import Instance


def fit(
    data: Annotated[Path, typer.Argument(metavar="DATA.csv|.npz", help="One row for each point.")],
    labels: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column (in .npz the array) of the labels.")
    ] = None,
    components: Annotated[int | None, typer.Option(metavar="K", help="Components, where there are no labels.")] = None,
    covariance: Annotated[str, typer.Option(help="tied (one for all components), full, diag or spherical.")] = "tied",
    digits: Annotated[int, typer.Option(min=1, max=15, help="Digits to keep, in standard deviations.")] = 6,
    centre: Annotated[bool, typer.Option("--centre", help="Subtract the weighted mean of the means, exactly.")] = False,
    bias: Annotated[str, typer.Option(help="δ of the instance, e.g. 7/10.")] = "1",
    rank: Annotated[
        int | None, typer.Option(min=1, max=64, help="Columns r of the map; the number of components when omitted.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the fit without labels.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="INSTANCE.json", help="Where to write the instance.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> int:
    """Fit a mixture to data, and round it to an exact instance.

    With --labels each label is a component, fitted by discriminant analysis; without, expectation maximisation finds
    --components of them (both by scikit-learn). Without --out the instance goes to stdout. What was rounded, dropped or
    shifted is said, with a warning where it matters for the Fisher subspace. A column is named by the header of the
    file, or by its number from 1.
    """
    from thmverify.data import fit as fitted
    from thmverify.data import read_table
    from thmverify.instances import instance_to_json
    from thmverify.jsonfiles import keep, write_text
    from thmverify.models import AugmentedPairs, Instance
    from thmverify.rationals import rational

    delta = rational("--bias", bias)
    keep([data], "--out", out)
    table = read_table(data, labels)
    if labels is None and components is not None:  # an .npz file may hold labels that are not asked for
        table = replace(table, labels=None)
    with progress(f"fitting {data.name}"):
        try:
            rounded = fitted(
                table, components=components, covariance=covariance, digits=digits, centre=centre, seed=seed
            )
        except InputError as error:
            raise error.in_file(str(data)) from None
    instance = Instance(AugmentedPairs(rounded.mixture, delta), rank)
    written = instance_to_json(instance)
    if out is not None:
        write_text(out, _instance_text(written))
    if json:
        file = None if out is None else str(out)
        effect = {"dimension": rounded.dimension, "intended": rounded.intended, "moved": rounded.moved}
        notes = {"changes": [*rounded.changes], "warnings": [*rounded.warnings]}
        write_json({"file": file, "instance": written, **effect, **notes})
    elif out is None:
        sys.stdout.write(_instance_text(written))
        for line in str(rounded).splitlines():
            sys.stderr.write(f"thmverify: {line}\n")
    else:
        write_fields(_readable(out, instance, rounded))
    return DONE


def _instance_text(data: dict[str, object]) -> str:
    """Return the instance file, a field a line, the rows of a matrix on lines of their own."""

    def field(value: object) -> str:
        if isinstance(value, list) and value and isinstance(value[0], list):
            rows = ",\n    ".join(json_.dumps(row) for row in value)
            return f"[\n    {rows}\n  ]"
        return json_.dumps(value)

    return "{\n" + ",\n".join(f"  {json_.dumps(key)}: {field(value)}" for key, value in data.items()) + "\n}\n"


def _readable(out: Path, instance: Instance, rounded: Rounded) -> list[tuple[str, str]]:
    mixture = rounded.mixture
    size = f"{mixture.components} components in {mixture.dimension} dimensions, S_F of {rounded.dimension}"
    moved = f"rounding moves S_F by {rounded.moved:.1g} rad (floating point)"
    fields = [("written", str(out)), ("mixture", size), ("bias", str(instance.pairs.bias))]
    fields += [("rank", str(instance.rank)), *(("changed", text) for text in rounded.changes), ("effect", moved)]
    return [*fields, *(("warning", text) for text in rounded.warnings)]
