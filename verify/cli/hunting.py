"""The commands that hunt for counterexamples, and that show past hunts."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thmverify.cli.options import AsJson
from thmverify.cli.output import CLAIM_FAILED, DONE, UNDECIDED, progress, write_fields, write_json, write_table
from thmverify.errors import InputError

if TYPE_CHECKING:
    from thmverify.budget import Budget
    from thmverify.hunting.executors import Executor
    from thmverify.hunting.ledger import Champion, Description, Ledger
    from thmverify.hunting.run import Plan, Progress, Result

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the ledger and the certificates.")]
_OUT = Path("hunts")


def hunt(
    conjecture: Annotated[str, typer.Argument(metavar="ID", help="A statement, e.g. infonce-equality; your own too.")],
    fixed: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Fix a part of the instances: delta=7/10.")
    ] = None,
    dropped: Annotated[
        list[str] | None, typer.Option("--drop", metavar="HYPOTHESIS", help="Hunt without this hypothesis.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the search.")] = 0,
    budget: Annotated[str, typer.Option(metavar="60s|5m|2000ev", help="Time or evaluations to spend.")] = "60s",
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes that search.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="A Dask scheduler, instead of processes.")
    ] = None,
    searchers: Annotated[
        list[str] | None, typer.Option("--searcher", metavar="NAME", help="random, cma, hypothesis, polish; or all.")
    ] = None,
    islands: Annotated[
        int | None,
        typer.Option(min=1, max=4096, help="Independent searches: as many as workers, or those of the hunt to resume."),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(min=16, max=65536, help="Points of each searcher in a turn: 128, or 16 where each is slow."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a hunt with these options stopped.")] = False,
    out: Out = _OUT,
    json: AsJson = False,
) -> int:
    """Hunt for a counterexample to a statement.

    What is found is proved by the kernel, and simplified. The exit code is 1 when a counterexample is certified and 3
    when none is found. What is done is in the ledger, so a hunt that was stopped goes on with --resume. With the same
    options a hunt finds the same, however many workers search its islands.
    """
    from thmverify.budget import Budget
    from thmverify.hunting.ledger import Ledger
    from thmverify.hunting.questions import ask
    from thmverify.hunting.run import Plan

    question = ask(conjecture, fixed or (), dropped or ())
    plan = Plan(question, seed, _named(searchers), batch or question.batch)
    limit = Budget.parse(budget)
    plan.check()
    with executing(workers, scheduler) as executor, closing(Ledger(out)) as ledger:
        plan = replace(plan, islands=islands or (_begun(plan, ledger) if resume else 0) or executor.workers)
        if ledger.checkpoints(plan.id)[0] and not resume:
            rule = f"asks for hunt {plan.id}, which is in {ledger.path}"
            raise InputError("--seed", seed, rule, "add --resume to go on with it, or choose another seed or --out")
        with _resumable():
            result = _watched(plan, ledger, limit, executor)
    return _report(plan, result, out, json)


def _begun(plan: Plan, ledger: Ledger) -> int:
    """Return how many islands the hunt in the ledger has that differs in nothing else; 0 where there is none.

    Raises InputError when there are several such hunts.
    """
    found = [hunt.islands for hunt in ledger.hunts() if replace(plan, islands=hunt.islands).id == hunt.id]
    if len(found) > 1:
        numbers = ", ".join(map(str, sorted(found)))
        raise InputError("--islands", "", f"is not given, and there are hunts with {numbers}", "give the number")
    return found[0] if found else 0


def _named(searchers: list[str] | None) -> tuple[str, ...]:
    """Return the searchers of a hunt: all of them when none is named, or "all" is."""
    from thmverify.hunting.searchers import PORTFOLIO

    return tuple(searchers) if searchers and searchers != ["all"] else PORTFOLIO


@contextmanager
def executing(workers: int, scheduler: str | None) -> Iterator[Executor]:
    """Start what runs jobs, and close it in the end."""
    from thmverify.hunting.executors import Cluster, Here, Pool

    if scheduler is not None and workers != 1:
        rule = "stands beside --scheduler, which has workers of its own"
        raise InputError("--workers", workers, rule, "leave one of the two out")
    if scheduler is not None:
        executor: Executor = Cluster(scheduler)
    else:
        executor = Here() if workers == 1 else Pool(workers)
    try:
        yield executor
    finally:
        executor.close()


@contextmanager
def _resumable() -> Iterator[None]:
    """Say, when the block is interrupted, how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the ledger holds every finished round: add --resume to go on\n")
        raise


def _watched(plan: Plan, ledger: Ledger, limit: Budget, executor: Executor) -> Result:
    from thmverify.hunting.run import hunt as run

    def view(advance: Callable[..., None]) -> Callable[[Progress], None]:
        def show(at: Progress) -> None:
            done = at.done
            share = done.evaluations / limit.evaluations if limit.evaluations else done.seconds / limit.seconds
            text = f"{at.stage} {plan.question.name}: best margin {done.best:.3g}, {at.certified} certified"
            if at.height is not None:
                text += f", height {at.height}"
            advance(min(share, 1.0), description=f"{text}, {done.rate:,.0f}/s")

        return show

    with progress(f"hunting {plan.question.name}", 1.0) as advance:
        return run(plan, ledger, limit, executor, view(advance))


def _report(plan: Plan, result: Result, out: Path, json: bool) -> int:
    answer = _answer(plan, result)
    if result.simplest is not None:
        from thmverify.jsonfiles import write_text

        path = out / f"{plan.question.name}-{plan.id}.json"
        write_text(path, result.simplest.certificate.decode("ascii"))
        answer["certificate" if plan.question.by_kernel else "instance_file"] = str(path)
    if json:
        write_json(answer)
    else:
        write_fields(_readable(answer))
    return UNDECIDED if result.simplest is None else CLAIM_FAILED


def _answer(plan: Plan, result: Result) -> dict[str, Any]:
    from thmverify.instances import instance_to_json

    simplest = result.simplest
    return {
        "hunt": plan.id,
        **plan.question.to_json(),
        "seed": plan.seed,
        "islands": plan.islands,
        "verdict": "undecided" if simplest is None else "refuted",
        "evaluations": result.done.evaluations,
        "seconds": round(result.done.seconds, 3),
        "best_margin": result.done.best if math.isfinite(result.done.best) else None,
        "height_found": None if result.found is None else result.found.draft.height,
        "height": None if simplest is None else simplest.draft.height,
        "instance": None if simplest is None else instance_to_json(simplest.draft.instance()),
        "certificate": None,
    }


def _readable(answer: dict[str, Any]) -> list[tuple[str, str]]:
    fields = [
        ("hunt", answer["hunt"]),
        ("conjecture", answer["conjecture"]),
        ("claim", answer["claim"]),
        ("searched", _settings(answer["settings"])),
        ("seed", str(answer["seed"])),
        ("islands", str(answer["islands"])),
        ("verdict", answer["verdict"]),
        ("evaluations", f"{answer['evaluations']:,} in {answer['seconds']:.3g} s"),
        ("best margin", _number(answer["best_margin"]) + " (floating point; positive looks violated)"),
    ]
    if answer["instance"] is None:
        return [*fields, ("", "no counterexample found (this is not a proof)")]
    for key, value in answer["instance"].items():
        fields.append((key, _covariance(value) if key == "covariance" else _shown(value)))
    fields.append(
        ("height", f"{answer['height']} (the largest numerator or denominator; {answer['height_found']} found)")
    )
    if answer["certificate"] is None:
        claim = f"decided by the statement's own exact evaluation: the kernel has no claim for {answer['claim']}"
        return [*fields, ("instance", answer["instance_file"]), ("", claim)]
    return [*fields, ("certificate", answer["certificate"])]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key} {_shown(part)}" for key, part in value.items())
    if isinstance(value, list):
        return "(" + ", ".join(_shown(part) for part in value) + ")"
    return str(value)


def _covariance(value: list[Any]) -> str:
    """Return a covariance; one that is the identity, or diagonal, by its name."""
    if any(isinstance(row, list) for row in value):
        return _shown(value)
    return "identity" if all(x == "1" for x in value) else f"diagonal {_shown(value)}"


def _number(value: float | None) -> str:
    return "none" if value is None or not math.isfinite(value) else f"{value:.4g}"


def _settings(settings: dict[str, Any]) -> str:
    if "fixed" in settings:  # of a model of one's own
        fixed = [f"{name}={value}" for name, value in settings["fixed"].items()]
        return ", ".join([*fixed, *(f"without {name}" for name in settings["dropped"])]) or "the whole space"
    shown = [
        f"{key}={str(value).lower() if isinstance(value, bool) else value}"
        for key, value in settings.items()
        if key not in ("named", "dropped") and not (key in ("rank", "decay") and str(value) == "0")
    ]
    return ", ".join([*shown, *(f"without {name}" for name in settings.get("dropped", ()))])


hunts_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@hunts_app.callback()
def hunts(context: typer.Context, out: Out = _OUT, json: AsJson = False) -> int | None:
    """List past hunts; `thmverify hunts show ID` shows one."""
    if context.invoked_subcommand is not None:
        return None
    ledger = _existing(out)
    try:
        rows = [_summary(ledger, found) for found in ledger.hunts()]
    finally:
        ledger.close()
    if json:
        write_json({"hunts": rows})
    else:
        columns = ("hunt", "conjecture", "seed", "evaluations", "margin", "verdict")
        table = [
            (
                row["hunt"],
                row["conjecture"],
                str(row["seed"]),
                f"{row['evaluations']:,}",
                _number(row["best_margin"]),
                row["verdict"],
            )
            for row in rows
        ]
        write_table(columns, table, right=columns[2:5])
    return DONE


@hunts_app.command("show")
def show(
    hunt_: Annotated[str, typer.Argument(metavar="ID", help="The id of a hunt, or how it starts.")],
    out: Out = _OUT,
    json: AsJson = False,
) -> int:
    """Show one hunt: what it asked, how its best margin grew, and its certificates."""
    from thmverify.hunting.plots import climb_plot

    ledger = _existing(out)
    try:
        found = ledger.find(hunt_)
        certificates, champions = ledger.certificates(found.id), ledger.champions(found.id)
        summary = _summary(ledger, found)
    finally:
        ledger.close()
    chain = [
        {"stage": c.stage, "island": c.island, "height": c.refutation.draft.height, "sha256": c.digest}
        for c in certificates
    ]
    climbed = _climbed(champions)
    bests = [
        {"island": c.island, "generation": c.best.generation, "searcher": c.best.searcher, "margin": c.best.margin}
        for c in climbed
    ]
    if json:
        write_json({**summary, "settings": found.question["settings"], "champions": bests, "certificates": chain})
        return DONE
    steps = f"{len(chain)}, heights {chain[0]['height']} to {chain[-1]['height']}" if chain else "none"
    write_fields(
        [
            *((key.replace("_", " "), str(value)) for key, value in summary.items()),
            ("searched", _settings(found.question["settings"])),
            ("searchers", ", ".join(found.searchers)),
            ("versions", ", ".join(f"{name} {number}" for name, number in found.versions.items())),
            ("champions", ", ".join(f"{c['searcher']} {c['margin']:.3g}" for c in bests[-5:]) or "none"),
            ("certificates", steps),
        ]
    )
    times, margins = [c.seconds for c in climbed], [c.best.margin for c in climbed]
    plot = climb_plot([*times, summary["seconds"]], [*margins, *margins[-1:]]) if climbed else []
    if plot:
        sys.stdout.write("\n".join(["", "best margin", *plot]) + "\n")
    return DONE


def _climbed(champions: list[Champion]) -> list[Champion]:
    """Return those that were the best of all islands when they came."""
    best, found = -math.inf, []
    for champion in champions:
        if champion.best.margin > best:
            best = champion.best.margin
            found.append(champion)
    return found


@hunts_app.command("export")
def export(
    hunt_: Annotated[str, typer.Argument(metavar="ID", help="The id of a hunt, or how it starts.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the record goes.")],
    out: Out = _OUT,
) -> int:
    """Write the record of one hunt: what it searched, how far it got, its best point and its certificates.

    A statement that is open carries such records as evidence.
    """
    from thmverify.hunting.exports import record
    from thmverify.jsonfiles import write_text

    ledger = _existing(out)
    try:
        made = record(ledger, ledger.find(hunt_))
    finally:
        ledger.close()
    write_text(file, made.model_dump_json(indent=1) + "\n")
    write_fields([("hunt", made.hunt), ("evaluations", f"{made.evaluations:,}"), ("record", str(file))])
    return DONE


def _existing(out: Path) -> Ledger:
    from thmverify.hunting.ledger import Ledger

    if not (out / "ledger.sqlite").is_file():
        raise InputError("--out", str(out), "holds no ledger of hunts", "name the folder given to `thmverify hunt`")
    return Ledger(out)


def _summary(ledger: Ledger, found: Description) -> dict[str, Any]:
    from thmverify.hunting.exports import verdict

    places, seconds = ledger.checkpoints(found.id)
    best = max((place.margin for place in places.values()), default=-math.inf)
    return {
        "hunt": found.id,
        "conjecture": found.question["conjecture"],
        "claim": found.question["claim"],
        "seed": found.seed,
        "islands": found.islands,
        "begun": found.begun,
        "evaluations": sum(place.evaluations for place in places.values()),
        "seconds": round(seconds, 3),
        "best_margin": best if math.isfinite(best) else None,
        "verdict": verdict(ledger, found),
    }
