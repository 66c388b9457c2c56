"""`python docs/offline.py SITE` fails where a page of a built site would load something from elsewhere.

A link that a reader may follow is none of that; scripts, styles, fonts, pictures and frames are.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

_LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src", "object": "data"}
_ELSEWHERE = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
_STYLE = re.compile(r"(?:url\(|@import)\s*[\"']?\s*((?:https?:)?//[^\"')\s]+)", re.IGNORECASE)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        value = given.get(_LOADED.get(tag, ""))
        if value and _ELSEWHERE.match(value) and given.get("rel") != "canonical":
            self.found.append(value)


def loads(site: Path) -> list[str]:
    """Return what the files of a site load from elsewhere, each with its file."""
    found = []
    for path in sorted(site.rglob("*")):
        if path.suffix == ".html":
            page = _Page()
            page.feed(path.read_text(encoding="utf-8"))
            found += [f"{path}: {value}" for value in page.found]
        elif path.suffix == ".css":
            found += [f"{path}: {value}" for value in _STYLE.findall(path.read_text(encoding="utf-8"))]
    return found


if __name__ == "__main__":
    lines = loads(Path(sys.argv[1]))
    sys.exit("\n".join(lines) if lines else 0)
