"""The application: every command by its name. A command imports what it needs when it runs, so `--help` is quick."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from thmverify.cli import (
    certificates,
    covering,
    exporting,
    figures,
    fitting,
    hunting,
    losses,
    matrix,
    report,
    starting,
    statements,
)

# The class above BadParameter is the usage error of typer's click, wherever a release of typer keeps it.
USAGE_ERROR: Any = typer.BadParameter.__base__


def _examples(*lines: str) -> str:
    """Return an epilogue of example commands."""
    # The backspace tells click to leave the lines as they are.
    return "\b\nExamples:\n" + "\n".join(f"  thmverify {line}" for line in lines)


app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_examples(
        "list",
        "verify --instances 100",
        "loss infonce examples/shared-gmm.json examples/encoder.json",
        "report --quick",
    ),
)
app.command("list", epilog=_examples("list", "list --json"))(statements.list_statements)
app.command("show", epilog=_examples("show infonce-inclusion", "show lemma-4.2 --json"))(statements.show)
app.command("matrix", epilog=_examples("matrix", "matrix infonce", "matrix --json"))(matrix.matrix)
app.command(
    "verify",
    epilog=_examples("verify", "verify infonce-inclusion --instances 1000 --jobs 2"),
)(statements.verify)
app.command(
    "fit",
    epilog=_examples(
        "fit iris.csv --labels species --centre --out iris.json",
        "fit points.npz --components 3 --covariance full > points.json",
    ),
)(fitting.fit)
app.command(
    "loss",
    cls=losses.LossCommand,
    epilog=_examples(
        "loss infonce examples/shared-gmm.json examples/encoder.json",
        "loss clip examples/clip-gmm.json examples/clip-factors.json --digits 12",
        "loss pca examples/shared-gmm.json examples/orthonormal.json --json",
    ),
)(losses.loss)
app.command("losses", epilog=_examples("losses", "losses --json"))(losses.losses)
app.command(
    "minimize",
    cls=losses.LossCommand,
    epilog=_examples(
        "minimize infonce examples/shared-gmm.json",
        "minimize infonce examples/shared-gmm.json --digits 50",
        "minimize clip examples/clip-gmm.json --rank 1 --json",
    ),
)(losses.minimize)
app.command(
    "decide",
    epilog=_examples(
        "decide infonce-equality examples/shared-gmm.json",
        "decide clip-inclusion-literal examples/clip-gmm.json --certificate literal.json",
    ),
)(certificates.decide)
app.command("check", epilog=_examples("check literal.json", "check literal.json --json"))(certificates.check)
app.command(
    "cover",
    epilog=_examples(
        "cover infonce-equality-three",
        "cover infonce-equality-three --set distance=6 --budget 5m --out covers",
        "cover infonce-equality --set slice=examples/slice.json --budget 10m --out map",
    ),
)(covering.cover)
app.command(
    "export",
    epilog=_examples(
        "export infonce-equality --format pytest --out test_infonce_equality.py",
        "export infonce-inclusion --format latex",
        "export literal.json --format bibtex",
        "export infonce-equality --format coq --out infonce-in-coq",
    ),
)(exporting.export)
app.command(
    "hunt",
    epilog=_examples(
        "hunt infonce-equality --set delta=7/10",
        "hunt infonce-equality --set weights=equal --set components=4 --budget 20000ev",
        "hunt spectral-top-r --drop centred --workers 2 --json",
    ),
)(hunting.hunt)
app.add_typer(
    hunting.hunts_app, name="hunts", epilog=_examples("hunts", "hunts show 1a2b", "hunts export 1a2b record.json")
)
app.command("new", epilog=_examples("new my-theory"))(starting.new)
app.command(
    "report", epilog=_examples("report --out report --quick", "report --pdf", "report --diff old.json new.json")
)(report.report)
app.command("figures", epilog=_examples("figures --jobs 2", "figures --quick --only 2b --only 6"))(figures.figures)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"thmverify {version('thmverify')}")
        raise typer.Exit


@app.callback()
def thmverify(
    theories: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="FILE.py|MODULE", help="Load a theory of your own: what defines THEORY."),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Check theorems of machine-learning theory, proofs and numbers, on exact instances.

    A verdict comes from exact rationals and ball arithmetic alone; what comes from floating point says so.

    Exit codes: 0 done and as claimed; 1 a claim is refuted or not confirmed; 2 bad input; 3 undecided; 74 the output
    cannot be written.
    """
    if theories:
        from thmverify.theories import ask_for

        ask_for(theories)
