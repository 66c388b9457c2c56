"""The commands about one loss on one instance: its value at a map, and its minimiser."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from thmverify.cli.output import DONE, UNDECIDED, progress, write_fields, write_json
from thmverify.cli.statements import registry
from thmverify.decimals import DecimalInterval, outward, rounded
from thmverify.errors import InputError

if TYPE_CHECKING:
    from thmverify.losses import Loss
    from thmverify.maps import LinearMap
    from thmverify.minimize.result import Minimiser
    from thmverify.models import Floats, Instance

_MAP_FIELDS = ("map", "A", "M", "P", "A_V", "A_T", "W", "b")
_LONGEST_EXACT = 1000
_WIDEST = 5
LossName = Annotated[str, typer.Argument(metavar="LOSS", help="One of the losses listed below.")]
InstancePath = Annotated[Path, typer.Argument(metavar="INSTANCE.json", help="The instance file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the loss, as a rational.")
]


class LossCommand(TyperCommand):
    """A command whose help lists the losses, read off their records when it is asked for."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the losses before the examples."""
        from thmverify.losses import LOSSES

        with formatter.section("Losses"):
            formatter.write_dl([(name, loss.title) for name, loss in LOSSES.items()])
            formatter.write_text("`thmverify losses` says what each is, and which maps and parameters it takes.")
        super().format_epilog(ctx, formatter)


def losses(json: AsJson = False) -> int:
    """List the losses.

    Each with its formula, maps and parameters, and how it is normalised against the usual code.
    """
    from thmverify.losses import LOSSES

    registry()
    if json:
        write_json({"losses": [_record(loss) for loss in LOSSES.values()]})
        return DONE
    for number, loss in enumerate(LOSSES.values()):
        sys.stdout.write("\n" if number else "")
        write_fields([(key, value) for key, value in _record_fields(loss) if value])
    return DONE


def _record(loss: Loss) -> dict[str, Any]:
    return {
        "name": loss.name,
        "title": loss.title,
        "formula": loss.formula,
        "sense": loss.sense.value,
        "normalisation": loss.normalisation,
        "models": [*loss.models],
        "maps": loss.map_shape,
        "parameters": {p.name: {"default": str(p.default), "meaning": p.meaning} for p in loss.parameters},
        "origin": loss.origin,
    }


def _record_fields(loss: Loss) -> list[tuple[str, str]]:
    parameters = [f"{p.name} = {p.default}: {p.meaning}" for p in loss.parameters]
    return [
        ("loss", loss.name),
        ("title", f"{loss.title}, {loss.sense.value}"),
        ("formula", loss.formula),
        ("normalised", loss.normalisation),
        ("models", ", ".join(loss.models)),
        ("maps", loss.map_shape),
        ("parameters", "\n".join(parameters)),
        ("origin", loss.origin),
    ]


def _chosen(name: str, settings: list[str] | None) -> Loss:
    """Return the loss of this name, with the parameters that `--set` gives it."""
    from thmverify.losses import find_loss
    from thmverify.rationals import rational

    registry()  # losses of one's own are in the table from here on
    chosen: dict[str, Fraction] = {}
    for text in settings or ():
        key, sign, value = text.partition("=")
        if not sign:
            raise InputError("--set", text, "is not NAME=VALUE", "e.g. temperature=1/2")
        if key in chosen:
            raise InputError("--set", text, f"sets {key} a second time", "give each parameter once")
        chosen[key] = rational(f"--set {key}", value)
    return find_loss(name).at(chosen)


def loss(
    name: LossName,
    instance: InstancePath,
    map_: Annotated[Path, typer.Argument(metavar="MAP.json", help="The map file.")],
    digits: Annotated[int, typer.Option(min=1, max=1000, help="Significant digits to reach.")] = 30,
    settings: Settings = None,
    json: AsJson = False,
) -> int:
    """Enclose the population loss of a linear map.

    The interval is rigorous: it comes from exact rationals or from ball arithmetic. When the digits asked for
    are out of reach, the interval is wider, a note says so, and the exit code is 3.
    """
    from thmverify.instances import read_instance, read_map

    found = _chosen(name, settings)
    model, linear_map = read_instance(instance), read_map(map_)
    with progress(f"enclosing {name} to {digits} digits"), _naming(instance, map_):
        found.check_model(model)
        enclosed = enclose_in_decimals(found, model, linear_map, digits)
    if json:
        write_json(enclosed)
    else:
        write_fields(_readable(enclosed))
    return DONE if enclosed["reached"] else UNDECIDED


def enclose_in_decimals(loss: Loss, instance: Instance, linear_map: LinearMap, digits: int) -> dict[str, Any]:
    """Return what `thmverify loss` prints: decimals with lower ≤ value ≤ upper that contain the loss.

    `reached` says whether upper − lower ≤ 10^−digits · max(1, |value|), for the decimals as printed.
    """
    from thmverify.exact import to_fraction
    from thmverify.losses.levels import enclose, exact_value

    exact = exact_value(loss, instance, linear_map)
    enclosure = enclose(loss, instance, linear_map, digits + 1)  # one more, for the rounding below
    decimals = outward(to_fraction(enclosure.lower), to_fraction(enclosure.upper), digits + 2)
    value, lower, upper = (Fraction(text) for text in (decimals.value, decimals.lower, decimals.upper))
    reached = (upper - lower) * 10**digits <= max(1, abs(value))
    best, note = decimals.value, ""
    if not reached:
        best, note = _best_guess(loss, instance, linear_map, decimals, f"{digits} digits are out of reach")
    return {
        "loss": loss.name,
        **_settings_json(loss.settings),
        "value": best,
        "lower": decimals.lower,
        "upper": decimals.upper,
        "rigorous": True,
        "digits": digits,
        "reached": reached,
        "exact": None if exact is None or len(str(exact)) > _LONGEST_EXACT else str(exact),
        "note": note,
    }


def _best_guess(
    loss: Loss, instance: Instance, linear_map: LinearMap, decimals: DecimalInterval, note: str
) -> tuple[str, str]:
    """Return the value to print between bounds that are wide: a float where it is sharper; and a note that says so."""
    from thmverify.exact import FLOATS_FAIL
    from thmverify.losses.levels import float64_value

    try:
        estimate = float64_value(loss, instance, linear_map)
    except FLOATS_FAIL:
        return decimals.value, f"{note} of rigorous integration and of floats: this is what is known"
    lower, upper = Fraction(decimals.lower), Fraction(decimals.upper)
    sharp = math.isfinite(estimate.error) and Fraction(estimate.error) * 2 < upper - lower
    if not (sharp and math.isfinite(estimate.value) and lower <= Fraction(estimate.value) <= upper):
        return decimals.value, f"{note} of rigorous integration: this is what is known"
    note = f"{note} of rigorous integration: the bounds are what is known, the value in them is floating point"
    return repr(estimate.value), f"{note}, with an estimated error of {estimate.error:.1e}"


def _readable(enclosed: dict[str, Any]) -> list[tuple[str, str]]:
    parameters = [(name, value) for name, value in enclosed.get("parameters", {}).items()]
    fields = [("loss", enclosed["loss"]), *parameters, *((key, enclosed[key]) for key in ("value", "lower", "upper"))]
    if enclosed["exact"]:
        fields.append(("exact", enclosed["exact"]))
    fields.append(("rigorous", "yes: [lower, upper] contains the loss, by exact or ball arithmetic"))
    return fields if enclosed["reached"] else [*fields, ("undecided", enclosed["note"])]


@contextmanager
def _naming(instance: Path, map_: Path) -> Iterator[None]:
    """Name, in an InputError about an instance and a map, the file that the field is in."""
    try:
        yield
    except InputError as error:
        in_map = error.field.partition("[")[0] in _MAP_FIELDS
        raise error.in_file(str(map_ if in_map else instance)) from None


def minimize(
    name: LossName,
    instance: InstancePath,
    rank: Annotated[
        int | None, typer.Option(min=1, max=64, help="Columns r of the map, instead of the instance's.")
    ] = None,
    digits: Annotated[int | None, typer.Option(min=1, max=1000, help="Digits of the maps, beyond floats.")] = None,
    settings: Settings = None,
    budget: Annotated[
        str | None, typer.Option(metavar="60s|5m", help="Time for InfoNCE and CLIP; then the best so far is printed.")
    ] = None,
    json: AsJson = False,
) -> int:
    """Propose a minimiser and compare it with the subspace S_F.

    Floating point proposes it, so what is printed is supported numerically and is never a verdict. The exit code
    is 3 when the error bound, or the digits asked for, were not reached; the text says what was.
    """
    from thmverify.instances import read_instance

    found = _chosen(name, settings)
    model = read_instance(instance)
    from thmverify.budget import Budget
    from thmverify.minimize import Effort, Note, minimise

    seconds = math.inf if budget is None else Budget.parse(budget).seconds or math.inf
    with progress(f"minimising {name}") as advance, _naming(instance, instance):
        effort = Effort(seconds, lambda text: advance(None, description=f"minimising {name}: {text}"))
        minimiser = minimise(found, model, rank, digits, effort)
    precise = {} if digits is None else _precise_maps(minimiser, digits)
    if json:
        write_json({**_as_json(minimiser, found), "digits": digits, "precise": precise})
    else:
        _write_minimiser(minimiser, found, precise)
    return DONE if minimiser.converged and Note.SHORT not in minimiser.notes else UNDECIDED


def _precise_maps(minimiser: Minimiser, digits: int) -> dict[str, list[list[str]]]:
    """Return the maps that were asked for to more digits than a float has, as rows of decimals."""
    from thmverify.exact import to_rows

    maps = {}
    for key, matrix in minimiser.precise.items():
        rows = to_rows(matrix)
        decimals = iter(rounded([x for row in rows for x in row], digits))
        maps[key] = [[next(decimals) for _ in row] for row in rows]
    return maps


def _settings_json(settings: Mapping[str, Fraction]) -> dict[str, Any]:
    """Return the field for the parameters, for a loss that has some."""
    return {"parameters": {name: str(value) for name, value in settings.items()}} if settings else {}


def _as_json(minimiser: Minimiser, loss: Loss) -> dict[str, Any]:
    return {
        "loss": minimiser.loss,
        **_settings_json(loss.settings),
        "supported": "numerically",
        "rank": minimiser.rank,
        "value": minimiser.value,
        "value_error": minimiser.value_error,
        "exact_value": None if minimiser.exact_value is None else str(minimiser.exact_value),
        **{key: matrix.tolist() for key, matrix in minimiser.maps.items()},
        **_spaces_json(minimiser),
        "kkt_residual": minimiser.kkt_residual,
        "error_bound": minimiser.error_bound,
        "converged": minimiser.converged,
        "note": minimiser.note,
    }


def _settings_fields(settings: Mapping[str, Fraction]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in settings.items()]


def _spaces_json(minimiser: Minimiser) -> dict[str, Any]:
    """Return an orthonormal basis of the column space and its angles to S_F; of the row space too, for CLIP's W."""
    fields = {}
    for side, space in zip(("column", "row"), minimiser.spaces, strict=False):
        fields[f"{side}_space"] = space.basis.tolist()
        prefix = "" if side == "column" else "row_"
        fields[f"{prefix}principal_angles"] = space.angles.tolist()
    return fields


def _write_minimiser(minimiser: Minimiser, loss: Loss, precise: dict[str, list[list[str]]]) -> None:
    fields = [
        ("loss", minimiser.loss),
        *_settings_fields(loss.settings),
        ("value", f"{minimiser.value:.15g} ± {minimiser.value_error:.1g}"),
        *((f"{key}*", _rows(matrix)) for key, matrix in minimiser.maps.items() if key not in precise),
        *((f"{key}*", "\n\n".join("\n".join(row) for row in rows)) for key, rows in precise.items()),
        ("rank", str(minimiser.rank)),
    ]
    for space in minimiser.spaces:
        fields.append((f"Col({space.map}*)", _rows(space.basis) if space.basis.size else "{0}"))
        fields.append(("angles to S_F", "  ".join(f"{angle:.3g}" for angle in space.angles) or "none"))
    bound = minimiser.error_bound
    distance = "none is claimed" if bound is None else f"{bound:.2g} (whitened distance to the optimum)"
    fields.append(("KKT residual", f"{minimiser.kkt_residual:.2g}"))
    fields.append(("error bound", distance))
    fields.append(("standing", _standing(minimiser)))
    fields.append(("note", minimiser.note))
    write_fields(fields)


def _standing(minimiser: Minimiser) -> str:
    """Return what was reached, and what it was to be."""
    from thmverify.minimize.result import ACCEPTED

    if minimiser.converged:
        return "supported numerically; no verdict"
    if minimiser.error_bound is None:
        return f"the best map found; a KKT residual of {minimiser.kkt_residual:.2g} was reached, which shows no minimum"
    aim = f"{ACCEPTED:.0e} (relative to ‖M*‖)"
    return f"supported numerically, to an error bound of {minimiser.error_bound:.2g}; {aim} was aimed at"


def _rows(matrix: Floats) -> str:
    """Return a matrix row by row, or its shape alone where a row would not fit on a line."""
    if matrix.ndim == 0:
        return f"{float(matrix):.5g}"
    rows, columns = matrix.shape
    if columns > _WIDEST:
        return f"{rows} × {columns}: see --json"
    return "\n".join("".join(f"{x:12.5g}" for x in row) for row in matrix + 0.0)
