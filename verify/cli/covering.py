"""The command that proves a claim on a whole set of instances, by boxes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thmverify.cli.output import DONE, UNDECIDED, progress, write_fields, write_json
from thmverify.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from thmverify.covering import Covering
    from thmverify.covering.boxes import Journal, Team

    How = tuple[float, Callable[[Fraction], None], Team, Callable[[str], Journal]]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
_SHOWN = 10  # boxes that are left, for people
_KEYS = ("distance", "slice")


def cover(
    statement: Annotated[
        str, typer.Argument(metavar="ID", help="infonce-equality-three, or with a slice infonce-equality.")
    ],
    fixed: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="The set: distance=6, distance=any, or slice=FILE.json."),
    ] = None,
    box: Annotated[
        str, typer.Option(metavar="RADIUS", help="With a slice: for every instance within a radius of the family.")
    ] = "0",
    budget: Annotated[str, typer.Option(metavar="60s|5m", help="Time to spend.")] = "10m",
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes that look at boxes.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="A Dask scheduler, instead of processes.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a cover of this set stopped.")] = False,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder of the certificate, the picture and the journal.")
    ] = Path("covers"),
    json: AsJson = False,
) -> int:
    """Prove a statement on a whole set of instances, or map it.

    Boxes of parameters are halved until each is settled.

    The certificate, which `thmverify check` takes, is written when no box is left and the kernel has checked it; the
    picture always. The exit code is 3 when boxes are left: they are listed, and nothing is proved. `share` is of the
    volume of the parameters. With a slice, a family of instances, the certificate is of the boxes that are settled, and
    the picture a map of them; with a RADIUS, as in `thmverify decide --box`, a box stands for all instances near those
    of the family. A cover that is stopped loses the boxes in flight; it goes on with --resume.
    """
    from thmverify.budget import Budget
    from thmverify.hunting.settings import assigned
    from thmverify.rationals import rational

    radius = rational("--box", box)
    given, limit = assigned(fixed or (), _KEYS, "of a cover"), Budget.parse(budget)
    if not limit.seconds:
        raise InputError("--budget", budget, "is no time", "write 60s, 5m or 2h")
    if radius and "slice" not in given:
        raise InputError("--box", box, "goes with a slice, a family of instances", "add --set slice=FILE.json")
    if len(given) > 1:
        raise InputError("--set", " ".join(given), "are two sets", "give one of them")

    def journal(about: str) -> Journal:
        from thmverify.covering.boxes import Journal

        _make(out)  # not sooner: what is refused leaves no folder
        return Journal(out / f"{statement}.boxes.jsonl", about, resume)

    with _team(workers, scheduler) as team, _resumable(), progress(f"covering {statement}", 1.0) as advance:
        how = (limit.seconds, lambda share: advance(float(share)), team, journal)
        if "slice" in given:
            return _map(statement, given["slice"], radius, out, how, json)
        return _cover(statement, given.get("distance", "any"), out, how, json)


@contextmanager
def _team(workers: int, scheduler: str | None) -> Iterator[Team]:
    """Say who looks at the boxes."""
    from functools import partial

    from thmverify.cli.hunting import executing
    from thmverify.covering.boxes import Team
    from thmverify.hunting.executors import run_all

    with executing(workers, scheduler) as executor:
        yield Team(partial(run_all, executor), executor.workers)


@contextmanager
def _resumable() -> Iterator[None]:
    """Say, when the block is interrupted, how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the journal holds every finished round: add --resume to go on\n")
        raise


def _cover(statement: str, distance: str, out: Path, how: How, json: bool) -> int:
    """Cover a set of infonce-equality-three."""
    from thmverify.covering import Region, propose
    from thmverify.covering.picture import draw

    found = propose(statement, Region.of(distance), *how)
    answer = {**found.to_json(), **_written(statement, out, draw(found), found.certificate)}
    if json:
        write_json(answer)
    else:
        write_fields(_readable(found, answer))
    if found.certificate is None:
        return UNDECIDED
    (out / f"{statement}.boxes.jsonl").unlink()
    return DONE


def _map(statement: str, file: str, radius: Fraction, out: Path, how: How, json: bool) -> int:
    """Map a claim on a family of instances."""
    from thmverify.covering.mappicture import draw_map
    from thmverify.covering.maps import CLAIM, Family, chart
    from thmverify.instances import example
    from thmverify.jsonfiles import read_object

    if statement != CLAIM:
        raise InputError("ID", statement, "has no rule that maps", f"write {CLAIM}")
    try:
        family = Family.of(read_object(example(file)), radius)
    except InputError as error:
        raise error.in_file(file) from None
    found = chart(family, *how)
    axes, verdicts = found.family.sides(), {path: piece["verdict"] for path, piece in found.pieces.items()}
    picture = draw_map(f"{statement}: {family.name}", axes, verdicts) if len(axes) == 2 else ""
    answer = {**found.to_json(), **_written(statement, out, picture, found.certificate)}
    if json:
        write_json(answer)
    else:
        shares = f"{float(found.share('proved')):.4%} proved, {float(found.share('refuted')):.4%} refuted"
        fields = [("statement", statement), ("set", family.name), ("settled", f"{len(found.pieces):,} boxes: {shares}")]
        fields += [("not settled", f"{float(1 - found.share('proved') - found.share('refuted')):.4%}")]
        files = [(key, str(answer[key])) for key in ("certificate", "picture") if answer[key]]
        write_fields([*fields, *files, ("time", f"{found.seconds:.1f} s")])
    if found.unsettled:
        return UNDECIDED
    (out / f"{statement}.boxes.jsonl").unlink()
    return DONE


def _written(statement: str, out: Path, picture: str, certificate: bytes | None) -> dict[str, str | None]:
    """Write the picture, and the certificate once the kernel has checked it; return their names."""
    from thmverify.jsonfiles import write_text
    from thmverify.kernel import check

    answer: dict[str, str | None] = {"certificate": None, "picture": None}
    if picture:
        answer["picture"] = str(out / f"{statement}.svg")
        write_text(out / f"{statement}.svg", picture)
    if certificate is not None:
        with progress(f"checking {statement}"):
            check(certificate)
        answer["certificate"] = str(out / f"{statement}.json")
        write_text(out / f"{statement}.json", certificate.decode("ascii"))
    return answer


def _make(folder: Path) -> None:
    """Make the folder, before any work is done. Raises InputError when that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "cannot be made").lower()
        raise InputError("--out", str(folder), reason, "give a folder that can be written") from None


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
