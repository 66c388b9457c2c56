"""A statement's evidence as a test that stands alone: pytest, the kernel, and the files in the test itself."""

from __future__ import annotations

import base64
import re
import textwrap
import zlib
from collections.abc import Iterator
from pprint import pformat

from thmverify.errors import InputError
from thmverify.export.subjects import File, Subject
from thmverify.kernel.strict import digest

_WIDTH = 100  # characters of a line of the file
_LONG = 4000  # bytes from which a file is packed

_HEAD = '''"""{title}

Written by `thmverify export {name} --format pytest`. It needs pytest and the kernel of thmverify, which takes
python-flint and the standard library; nothing else of the package is imported.
"""

{modules}

import pytest

from thmverify.kernel import Rejected
from thmverify.kernel.answer import answer
from thmverify.kernel.strict import canonical, digest, parse

{constants}


def changed(data, **fields):
    """Return the file with other fields and its hash made anew, so that it is not the hash that is refused."""
    whole = {{**parse(data), **fields}}
    del whole["content"]
    return canonical({{**whole, "content": digest([*whole.items()])}})
'''
_TEST = """

def test_{name}_is_what_the_kernel_verifies():
    _, lines = answer({constant})
    assert lines == {constant}_ANSWER


def test_{name}_is_refused_when_it_says_something_else():
    with pytest.raises(Rejected):
        answer({other})
"""
_INSTANCE = """

def test_{name}_is_about_this_instance():
    assert parse({constant})["instance"] == {constant}_INSTANCE
"""


def pytest_file(subject: Subject) -> str:
    """Return the text of a test file, for the kernel alone.

    Raises InputError when there is no certificate, no cover and no proof.
    """
    if not subject.files:
        rule = "has no certificate, no cover and no proof that a test can hold"
        raise InputError("ID", subject.name, rule, "export it as latex or bibtex, or a statement that has one")
    packed = any(_packed(file) for file in subject.files)
    head = _HEAD.format(
        title=_title(subject),
        name=subject.name,
        modules="import base64\nimport zlib" if packed else "",
        constants="\n".join(part for file in subject.files for part in _constants(file)),
    )
    text = head + "".join(part for file in subject.files for part in _tests(file))
    return re.sub(r'"""\n\n+import', '"""\n\nimport', text)


def _title(subject: Subject) -> str:
    if subject.statement is None:
        return f"The certificate {subject.name}."
    title = "\n".join(textwrap.wrap(f"{subject.statement.title}: {subject.standing}.", _WIDTH))
    return title.replace("\\", "\\\\").replace('"', "'")


def _packed(file: File) -> bool:
    return len(file.data) > _LONG


def _constant(file: File) -> str:
    return re.sub(r"\W", "_", file.name).upper()


def _constants(file: File) -> Iterator[str]:
    """Yield the constants of a file: its bytes, the kernel's answer, its instance."""
    name = _constant(file)
    if _packed(file):
        packed = pformat(base64.b64encode(zlib.compress(file.data, 9)), width=_WIDTH)
        yield f"{name} = zlib.decompress(base64.b64decode(\n{textwrap.indent(packed, '    ')}\n))"
    else:
        yield f"{name} = {_bracketed(pformat(file.data, width=_WIDTH))}"
    yield f"{name}_ANSWER = {pformat([*file.lines], width=_WIDTH)}"
    if file.instance is not None:
        yield f"{name}_INSTANCE = {pformat(file.instance, width=_WIDTH, sort_dicts=False)}"


def _bracketed(literal: str) -> str:
    return literal if literal.startswith("(") else f"({literal})"


def _tests(file: File) -> Iterator[str]:
    words = {"name": re.sub(r"\W", "_", file.name).lower(), "constant": _constant(file)}
    yield _TEST.format(**words, other=_other(file, words["constant"]))
    if file.instance is not None:
        yield _INSTANCE.format(**words)


def _other(file: File, constant: str) -> str:
    """Return the expression of a file that claims the contrary, or whose evidence does not suffice."""
    whole = file.whole
    if "verdict" in whole:
        return f'changed({constant}, verdict="{"proved" if whole["verdict"] == "refuted" else "refuted"}")'
    if "lines" in whole:
        return f'changed({constant}, lines=parse({constant})["lines"][:-1])'
    if "formula" in whole:
        statement = digest([whole["claim"], whole["definitions"], ["not", whole["formula"]]])
        return f'changed({constant}, formula=["not", parse({constant})["formula"]], statement="{statement}")'
    fewer = '"boxes": "1"' if "boxes" in whole["hints"] else '"pieces": []'  # which leaves a part of the set
    return f'changed({constant}, hints={{**parse({constant})["hints"], {fewer}}})'
