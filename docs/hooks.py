"""What mkdocs asks of us: the generated pages, and links to files of the repository.

The pages in `pages/` link to files as the repository has them, so that they work there too. On the site, a link to a
document that has a page leads to it, a picture is copied, and any other file is named without a link.
"""

from __future__ import annotations

import html
import inspect
import posixpath
import re
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
PAGES = "docs/pages"
# Documents of the repository that are pages of the site.
DOCUMENTS = {
    "verify/kernel/FORMAT.md": "project/certificates.md",
    "verify/kernel/PROOFS.md": "project/kernel.md",
    "verify/kernel/proofs/PROOFS.md": "project/rules.md",
    "CHANGELOG.md": "project/changelog.md",
    "ARCHITECTURE.md": "project/architecture.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
}
# Names of the package by what they are for; what is in none of these comes last.
GROUPS = {
    "Ask": (
        "decide",
        "certify",
        "check",
        "near",
        "cover",
        "chart",
        "hunt",
        "loss",
        "minimise",
        "picture",
        "statements",
        "instance",
        "load",
    ),
    "Models and data": (
        *("SharedGMM", "GMM", "AugmentedPairs", "CLIPGMM", "PopulationGraph", "Record", "Instance"),
        *("from_floats", "from_sklearn", "Rounded"),
    ),
    "Maps": ("Encoder", "Gram", "Factors"),
    "Theories of your own": (
        "Theory",
        "Statement",
        "Hypothesis",
        "Space",
        "Variable",
        "Loss",
        "from_formula",
        "SlopeAcross",
        "Proof",
    ),
}
WIDTH = 72  # of a signature on one line
PICTURES = (".png", ".svg")
_FORMULA = re.compile(r"\](?=\([^)]*\s)")  # [f](x + y) is mathematics
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are generated, those of the repository's documents, and the pictures."""
    for uri, text in generated():
        files.append(File.generated(config, uri, content=text))
    for path in sorted(pictures()):
        files.append(File.generated(config, f"pictures/{path}", abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links to files of the repository lead to their pages."""
    documents = {uri: path for path, uri in DOCUMENTS.items()}
    source = documents.get(page.file.src_uri, f"{PAGES}/{page.file.src_uri}")
    return linked(markdown, source, page.file.src_uri)


def linked(markdown: str, source: str, uri: str) -> str:
    """Return a page with its links as the site has them; `source` is its file in the repository."""

    def replaced(match: re.Match[str]) -> str:
        picture, text, target, anchor = match[1], match[2], match[3], match[4] or ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if path.startswith(f"{PAGES}/"):
            return match[0]
        if picture:
            found = f"pictures/{path}"
        elif path in DOCUMENTS:
            found = DOCUMENTS[path]
        else:
            return text if text.startswith("`") else f"`{path}`"
        relative = posixpath.relpath(found, posixpath.dirname(uri) or ".")
        return f"{picture}[{text}]({relative}{'' if picture else anchor})"

    return _FORMULA.sub(r"]\\", _LINK.sub(replaced, markdown))


def pictures() -> set[str]:
    """Return the pictures that pages show, by their paths in the repository."""
    found = set()
    for page in (ROOT / PAGES).rglob("*.md"):
        for mark, _, target, _ in _LINK.findall(page.read_text(encoding="utf-8")):
            if mark and target.endswith(PICTURES):
                found.add((page.parent / target).resolve().relative_to(ROOT).as_posix())
    return found


def generated() -> Iterator[tuple[str, str]]:
    """Yield the generated pages: uri and text."""
    yield "statements.md", gallery()
    yield "names.md", vocabulary()
    yield "api.md", reference()
    for path, uri in DOCUMENTS.items():
        yield uri, (ROOT / path).read_text(encoding="utf-8")


def gallery() -> str:
    """Return the page of all statements, from the registry."""
    from thmverify import theories
    from thmverify.headlines import OURS

    statements = [s for s in theories.registry().values() if s.headline.origin == OURS]
    lines = [
        "# Gallery of statements",
        "",
        "Generated from the registry. `thmverify show ID` prints one with its proof, `thmverify verify ID` checks it.",
        "",
        "| statement | status |",
        "| --- | --- |",
    ]
    lines += [f"| [{_cell(s.title)}](#{s.id.replace('.', '')}) | {_status(s)} |" for s in statements]
    for s in statements:
        lines += ["", *_statement(s)]
    return "\n".join(lines) + "\n"


def vocabulary() -> str:
    """Return the page of the names that proofs use, from their table."""
    from thmverify.formulas import names

    lines = [
        "# Names in proofs",
        "",
        "Generated from the table of names. Each means one formula, which the kernel prints with every theorem that",
        "speaks of it: `thmverify show ID` has it under *where*, beside these words.",
    ]
    modules: dict[str, list[Any]] = {}
    for record in names().values():
        modules.setdefault(record.meaning.__module__, []).append(record)
    for module, records in sorted(modules.items()):
        heading = (sys.modules[module].__doc__ or "").partition("\n")[0].rstrip(".")
        lines += ["", f"## {_text(heading)}", "", "| name | letters | what it is |", "| --- | --- | --- |"]
        for record in records:
            letters = ", ".join(str(x) for x in record.letters)
            lines.append(f"| `{record.name}` | {_cell(letters)} | {_cell(record.says)} |")
    return "\n".join(lines) + "\n"


def _status(statement: Any) -> str:
    word = statement.status.value
    return f'<span class="status {word}">{word}</span>'


def _statement(statement: Any) -> Iterator[str]:
    from thmverify.mathml import formula

    yield f"## {_cell(statement.title)} {{ #{statement.id.replace('.', '')} }}"
    yield ""
    yield f"{_status(statement)} `{statement.id}` · {_text(str(statement.source))}"
    yield ""
    yield _text(statement.conclusion.sentence)
    yield ""
    yield f'<div class="formula">{formula(statement.conclusion.latex, display=True)}</div>'
    yield ""
    if statement.hypotheses:
        yield "| hypothesis | meaning |"
        yield "| --- | --- |"
        for h in statement.hypotheses:
            yield f"| `{h.name}` | {_cell(h.meaning)} |"
        yield ""
    for text in statement.known:
        yield f"- {_text(text)}"


def _text(text: str) -> str:
    """Return text that Markdown and HTML leave as it is, but for `code`."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(p if i % 2 else _escaped(p) for i, p in enumerate(parts))


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]#])", r"\\\1", html.escape(text, quote=False))


def _cell(text: str) -> str:
    return _text(" ".join(text.split())).replace("|", "\\|")


def reference() -> str:
    """Return the page of what `import thmverify as tv` and the modules for users offer, from their docstrings."""
    import thmverify

    lines = ["# Python", "", "What `import thmverify as tv` offers, generated from the docstrings.", ""]
    grouped = {name for names in GROUPS.values() for name in names}
    rest = tuple(name for name in thmverify.__all__ if name not in grouped and name != "__version__")
    for title, names in {**GROUPS, "Words": rest}.items():
        lines += ["", f"## {title}"]
        for name in names:
            lines += ["", *_entry(f"tv.{name}", getattr(thmverify, name), 3)]
    for module in ("thmverify.testing", "thmverify.certifying.formulas", "thmverify.losses"):
        __import__(module)
        found = sys.modules[module]
        lines += ["", f"## {module}", "", _summary(found)]
        for name in found.__all__:
            thing = getattr(found, name)
            if callable(thing) and (name, thing) not in {(n, getattr(thmverify, n)) for n in thmverify.__all__}:
                lines += ["", *_entry(name, thing, 3)]
    return "\n".join(lines) + "\n"


def _entry(name: str, thing: Any, level: int) -> Iterator[str]:
    yield f"{'#' * level} `{name}`"
    yield ""
    signature = _signature(thing)
    if signature:
        yield f"```python\n{name.removeprefix('tv.')}{signature}\n```"
        yield ""
    yield _summary(thing)
    if inspect.isclass(thing):
        for member, value in sorted(vars(thing).items()):
            called = value.fget if isinstance(value, property) else value
            if not member.startswith("_") and inspect.isfunction(called) and called.__doc__:
                yield ""
                yield f"**`{member}`**: {_text(inspect.getdoc(called).partition(chr(10) * 2)[0])}"


def _signature(thing: Callable[..., Any]) -> str:
    """Return the parameters as they are written, a line each where they are many; nothing where there is no call."""
    if not callable(thing) or (inspect.isclass(thing) and issubclass(thing, Enum)):
        return ""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return ""
    parts, before = [], None
    for p in found.parameters.values():
        if p.kind is p.KEYWORD_ONLY and before not in (p.KEYWORD_ONLY, p.VAR_POSITIONAL):
            parts.append("*")
        before = p.kind
        mark = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        default = "" if p.default is p.empty else f" = {_default(p.default)}"
        parts.append(f"{mark}{p.name}{_annotation(p.annotation)}{default}")
    line = ", ".join(parts)
    inner = line if len(line) < WIDTH else "\n    " + ",\n    ".join(parts) + ",\n"
    returned = "" if inspect.isclass(thing) else _annotation(found.return_annotation, " -> ")
    return f"({inner}){returned}"


def _annotation(annotation: Any, sign: str = ": ") -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    return sign + (annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation)))


def _default(value: Any) -> str:
    text = repr(value)
    return "…" if "<" in text or "\n" in text else text


def _summary(thing: Any) -> str:
    """Return a docstring as Markdown: doctests are code."""
    parts = (inspect.getdoc(thing) or "").split("\n\n")
    return "\n\n".join(f"```pycon\n{p}\n```" if p.lstrip().startswith(">>>") else _text(p) for p in parts)
