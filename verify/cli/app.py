"""The application: every command by its name. A command imports what it needs when it runs, so `--help` is quick."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from verify.cli import losses, report, statements

# The class above BadParameter is the usage error of typer's click, wherever a release of typer keeps it.
USAGE_ERROR: Any = typer.BadParameter.__base__

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("list")(statements.list_statements)
app.command("show")(statements.show)
app.command("verify")(statements.verify)
app.command("loss")(losses.loss)
app.command("minimize")(losses.minimize)
app.command("report")(report.report)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"thmverify {version('thmverify')}")
        raise typer.Exit


@app.callback()
def thmverify(
    version: Annotated[  # noqa: ARG001 (handled by its callback)
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Check theorems of machine-learning theory, proof and numbers, on exact instances.

    A verdict comes from exact rationals and ball arithmetic alone; a number from floating point is shown as
    such.

    \b
    Exit codes: 0 done and as claimed; 1 a claim is refuted or not confirmed;
                2 bad input; 3 undecided.

    \b
    Examples:
      thmverify list
      thmverify show infonce-inclusion
      thmverify verify --instances 100
      thmverify loss infonce examples/shared-gmm.json examples/encoder.json
      thmverify report --out report --quick
    """
