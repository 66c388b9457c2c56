"""The README shows what its commands print: they are run and compared."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from thmverify.cli import main

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")


def examples() -> list[tuple[str, str]]:
    """Each command of the console blocks with the output shown below it."""
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    shown = [part.partition("\n") for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE) if part]
    return [(command, output) for command, _, output in shown]


def pattern(output: str) -> re.Pattern[str]:
    """What the output must match; a line … stands for any lines."""
    parts = [re.escape(part.strip("\n")) for part in re.split(r"^…$", output, flags=re.MULTILINE)]
    return re.compile(r"\n(?:.*\n)*".join(parts) + r"\n?")


@pytest.mark.parametrize(("command", "output"), examples(), ids=[command for command, _ in examples()])
def test_the_readme_shows_what_is_printed(command, output, monkeypatch, capsys):
    program, *arguments = command.split()
    monkeypatch.chdir(ROOT)
    assert program == "thmverify"
    refuted = "refuted" in output and arguments[0] == "decide"
    assert main(arguments) == (1 if refuted else 0)
    printed = capsys.readouterr().out.strip("\n")
    if arguments[0] == "minimize":  # floats: the last digits differ from machine to machine
        output, printed = (" ".join(NUMBER.sub("#", text).split()) for text in (output, printed))
    assert pattern(output).fullmatch(printed + "\n")


def test_there_are_examples():
    assert len(examples()) >= 6
