"""What the tests of the report share: small reports, changed statements, and a reader of pages."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

from thmverify.reports import builder, render
from thmverify.reports.effort import Effort
from thmverify.reports.records import Report, Settings
from thmverify.standing import Standing
from thmverify.theorems.fisher.fisher_optimality import STATEMENT

SCRIPT = "<script>alert(1)</script>"
SETTINGS = Settings(effort=Effort.QUICK, seed=3, instances=6)


def made(*statements, settings=SETTINGS, **options) -> Report:
    return builder.make(statements, settings, **options)


def shown(statement) -> tuple[Standing, str, str]:
    report = made(statement)
    return report.statements[0].standing, render.html(report), render.markdown(report)


def with_hypotheses(*hypotheses):
    return replace(STATEMENT, hypotheses=hypotheses)


class Page(HTMLParser):
    """The tags of a page with their attributes, in order; and which tags are left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "br", "input", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"
