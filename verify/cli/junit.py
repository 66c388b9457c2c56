"""Results as JUnit XML, which continuous integration shows test by test."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from thmverify.jsonfiles import write_text

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # characters that XML has not


@dataclass(frozen=True)
class Case:
    """One result: its name, what was said, why it failed, if it did, and why there is nothing to confirm, if so."""

    name: str
    said: str = ""
    failure: str = ""
    skipped: str = ""


def write_junit(file: Path, suite: str, cases: Sequence[Case]) -> None:
    """Write the results of a command. Raises InputError when the file cannot be written."""
    root = ElementTree.Element("testsuites")
    counts = {
        "tests": len(cases),
        "failures": sum(bool(case.failure) for case in cases),
        "errors": 0,
        "skipped": sum(bool(case.skipped) for case in cases),
    }
    numbers = {name: str(count) for name, count in counts.items()}
    parent = ElementTree.SubElement(root, "testsuite", {"name": suite, **numbers})
    for case in cases:
        entry = ElementTree.SubElement(parent, "testcase", {"classname": suite, "name": _clean(case.name)})
        if case.failure:
            ElementTree.SubElement(entry, "failure", {"message": _clean(case.failure)})
        if case.skipped:
            ElementTree.SubElement(entry, "skipped", {"message": _clean(case.skipped)})
        if case.said:
            ElementTree.SubElement(entry, "system-out").text = _clean(case.said)
    ElementTree.indent(root)
    write_text(file, '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n")


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("?", text)
