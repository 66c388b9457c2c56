"""The command that starts a project of one's own."""

from __future__ import annotations

import re
import sys
from importlib.resources import files
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from string import Template
from typing import Annotated, Any

import typer

from thmverify.cli.output import DONE, write_fields
from thmverify.errors import InputError

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the project and its folder, e.g. my-theory.")],
) -> int:
    """Start a project of your own.

    It has a theory with two statements, their tests, and an entry point. Its tests pass as it stands; change the
    statements into yours.
    """
    if not _NAME.fullmatch(name):
        rule = "is no name of small letters, digits and hyphens"
        raise InputError("NAME", name, rule, "write one such as my-theory")
    folder, module = Path(name), name.replace("-", "_")
    if iskeyword(module) or module in sys.stdlib_module_names or find_spec(module) is not None:
        rule = f"is the name of a module that is there already, or a word of Python: {module}"
        raise InputError("NAME", name, rule, f"write another one, such as my-{name}")
    if folder.exists():
        raise InputError("NAME", name, "is the name of a file or folder here", "choose another name or folder")
    words = {"name": name, "module": module}
    theory = _text("theory.py", words)
    texts = {
        Path("pyproject.toml"): _text("pyproject.toml", words),
        Path("README.md"): _text("README.md", words),
        Path(module, "__init__.py"): theory,
        Path(module, "longer.json"): _counterexample(theory),
        Path("tests", "test_theory.py"): _text("test_theory.py", words),
    }
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    next_ = f"cd {name} && pip install -e . && thmverify verify {name}-contracts && pytest"
    write_fields([("written", str(folder)), ("next", next_)])
    return DONE


def _text(file: str, words: dict[str, str]) -> str:
    source = files("thmverify.cli").joinpath("template", f"{file}.txt").read_text(encoding="utf-8")
    return Template(source).substitute(words)


def _counterexample(theory: str) -> str:
    """Return the certificate that h = L with a short step refutes the second statement of the theory."""
    from thmverify.models import Instance, Record

    scope: dict[str, Any] = {"__file__": "theory.py"}
    exec(theory, scope)
    _, data = scope["THEORY"].statements[1].decided(Instance(Record(mu=1, L=1, h=1, s="1/2", x=1)))
    if data is None:
        raise RuntimeError("the certificate of the template is not one")
    return str(data.decode("ascii"))
