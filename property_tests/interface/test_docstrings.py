"""The examples in the docstrings of every module are run, and print what they say."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil
from pathlib import Path

import pytest

import thmverify
import thmverify.theorems

ROOT = Path(__file__).parents[2]  # examples name files from here


def modules() -> list[str]:
    """Every module of the package with an example."""
    found = []
    for package in (thmverify, thmverify.theorems):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            spec = importlib.util.find_spec(module.name)
            if spec and spec.origin and ">>> " in Path(spec.origin).read_text(encoding="utf-8"):
                found.append(module.name)
    return sorted({*found})


@pytest.mark.parametrize("name", modules())
def test_examples_print_what_they_say(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted
    assert not found.failed


def test_an_example_that_is_wrong_is_seen() -> None:
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(wrong, out=lambda _text: None).failed == 1
