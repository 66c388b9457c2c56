"""The command that proves a claim on a whole set of instances, by boxes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thmverify.cli.options import AsJson
from thmverify.cli.output import DONE, UNDECIDED, progress, write_fields, write_json
from thmverify.errors import InputError

if TYPE_CHECKING:
    from thmverify.covering import Covering, Region

_SHOWN = 10  # boxes that are left, for people
_KEYS = ("distance",)


def cover(
    statement: Annotated[str, typer.Argument(metavar="ID", help="A statement with a cover: infonce-equality-three.")],
    fixed: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="The set: distance=6, or distance=any."),
    ] = None,
    budget: Annotated[str, typer.Option(metavar="60s|5m", help="Time to spend.")] = "10m",
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder of the certificate and the picture.")
    ] = Path("covers"),
    json: AsJson = False,
) -> int:
    """Prove a statement on a whole set of instances.

    Boxes of parameters are halved until each is settled.

    The certificate, which `thmverify check` takes, is written when no box is left and the kernel has checked it; the
    picture always. The exit code is 3 when boxes are left: they are listed, and nothing is proved. `share` is of the
    volume of the parameters.
    """
    from thmverify.covering import propose
    from thmverify.covering.picture import draw
    from thmverify.hunting.run import Budget
    from thmverify.jsonfiles import write_text
    from thmverify.kernel import check

    region, limit = _region(fixed or ()), Budget.parse(budget)
    if not limit.seconds:
        raise InputError("--budget", budget, "is no time", "write 60s, 5m or 2h")
    _make(out)
    with progress(f"covering {statement}", 1.0) as advance:
        found = propose(statement, region, limit.seconds, lambda share: advance(float(share)))
    picture = out / f"{statement}.svg"
    write_text(picture, draw(found))
    answer = {**found.to_json(), "certificate": None, "picture": str(picture)}
    if found.certificate is not None:
        with progress(f"checking {statement}"):
            check(found.certificate)
        path = out / f"{statement}.json"
        write_text(path, found.certificate.decode("ascii"))
        answer["certificate"] = str(path)
    if json:
        write_json(answer)
    else:
        write_fields(_readable(found, answer))
    return UNDECIDED if found.certificate is None else DONE


def _make(folder: Path) -> None:
    """Make the folder, before any work is done. Raises InputError when that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "cannot be made").lower()
        raise InputError("--out", str(folder), reason, "give a folder that can be written") from None


def _region(pairs: tuple[str, ...] | list[str]) -> Region:
    """Return the set that the options say. Raises InputError."""
    from thmverify.covering import Region
    from thmverify.hunting.settings import assigned

    given = assigned(pairs, _KEYS, "of a cover")
    return Region.of(given.get("distance", "any"))


def _readable(found: Covering, answer: dict[str, Any]) -> list[tuple[str, str]]:
    fields = [
        ("statement", found.claim),
        ("set", found.region.text),
        ("verdict", answer["verdict"]),
        ("settled", f"{len(found.settled):,} boxes, {float(found.share):.4%} of the volume of the parameters"),
    ]
    if found.remaining:
        boxes = answer["remaining"][:_SHOWN]
        texts = [", ".join(f"{a} [{x}, {y}]" for a, (x, y) in zip(answer["axes"], box, strict=True)) for box in boxes]
        fields.append(("remaining", f"{len(found.remaining):,} boxes, such as\n" + "\n".join(texts)))
    else:
        fields.append(("certificate", answer["certificate"]))
    return [*fields, ("picture", answer["picture"]), ("time", f"{found.seconds:.1f} s")]
