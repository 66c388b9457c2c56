"""What to cite for a statement or a certificate, as BibTeX: the source, the evidence by its hash, and the toolkit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version

from thmverify.export.subjects import Subject
from thmverify.export.tex import text

# "A. Author, B. Author, Title, arXiv:1234.56789"; a citation of another form is a note as it stands.
_NAME = r"(?:[A-Z]\. ?)+[\w'’-]+"
_ARXIV = re.compile(rf"(?P<authors>{_NAME}(?:, {_NAME})*), (?P<title>.+), arXiv:(?P<number>\d{{4}}\.\d{{4,5}})")


def bibtex(subject: Subject) -> str:
    """Return the entries, each ending in a newline."""
    return "\n".join(_entry(kind, key, fields) for kind, key, fields in _entries(subject))


def _entries(subject: Subject) -> Iterator[tuple[str, str, dict[str, str]]]:
    if subject.statement is not None:
        yield _source(subject.statement.source.text)
        title = f"{text(subject.statement.title)}: {subject.standing}"
        where = text(subject.statement.source.label) if subject.statement.source.label != subject.name else ""
    else:
        title, where = f"The certificate {text(subject.name)}", ""
    hashes = "; ".join(f"{file.name}: SHA-256 {file.digest}" for file in subject.files)
    fields = {
        "title": f"{{{title}}}",
        "author": "{The thmverify authors}",
        "howpublished": f"thmverify {version('thmverify')}, {_command(subject)}",
        "note": "; ".join(part for part in (where, hashes) if part),
    }
    yield "misc", f"thmverify:{subject.name}", fields
    yield (
        "misc",
        "thmverify",
        {
            "title": "{thmverify}",
            "author": "{The thmverify authors}",
            "version": version("thmverify"),
            "note": "Proof-checking numerical verification of theorems of machine-learning theory",
        },
    )


def _command(subject: Subject) -> str:
    verb = "check" if subject.statement is None else "show"
    return rf"\texttt{{thmverify {verb} {text(subject.name)}}}"


def _source(citation: str) -> tuple[str, str, dict[str, str]]:
    found = _ARXIV.fullmatch(citation)
    if found is None:
        key = re.sub(r"\W+", "", citation.title())[:24] or "source"
        return "misc", key, {"note": text(citation)}
    authors = found["authors"].split(", ")
    year = "20" + found["number"][:2]
    key = re.sub(r"\W", "", authors[0].split()[-1].lower()) + year
    fields = {
        "title": f"{{{text(found['title'])}}}",
        "author": " and ".join(map(text, authors)),
        "year": year,
        "eprint": found["number"],
        "archivePrefix": "arXiv",
    }
    return "misc", key, fields


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    body = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@{kind}{{{key},\n{body}}}\n"
