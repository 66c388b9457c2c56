"""The page in a browser: nothing runs into anything, at the width of a telephone and of a desk."""

from __future__ import annotations

import html
import json
import re

import pytest

from thmverify.reports import browser

WIDTHS = (360, 1440)

# Pairs of texts of one drawing whose boxes meet, texts that leave their drawing, and how far the page is too wide.
MEASURE = """
onload = () => {
  const found = [];
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument, excess = page.documentElement.scrollWidth - page.documentElement.clientWidth;
    if (excess > 0) found.push(`page ${excess} px too wide`);
    for (const drawing of page.querySelectorAll("svg")) {
      const outer = drawing.getBoundingClientRect();
      const boxes = [...drawing.querySelectorAll("text")].map(t => [t.textContent, t.getBoundingClientRect()]);
      boxes.forEach(([a, p], i) => {
        const inside = p.left > outer.left - 1 && p.right < outer.right + 1 && p.bottom < outer.bottom + 1;
        if (!inside) found.push(`out: ${a}`);
        for (const [b, q] of boxes.slice(i + 1)) {
          const across = Math.min(p.right, q.right) - Math.max(p.left, q.left);
          const down = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
          if (across > 0 && down > 2) found.push(`meet: ${a} / ${b}`);
        }
      });
    }
  }
  document.body.textContent = "FOUND" + JSON.stringify(found) + "END";
};
"""


def measure(page: str, folder) -> list[str]:
    frames = "".join(f'<iframe width="{w}" height="900" srcdoc="{html.escape(page)}"></iframe>' for w in WIDTHS)
    (folder / "measure.html").write_text(f"<body>{frames}<script>{MEASURE}</script></body>", encoding="utf-8")
    printed = browser.run_chromium("--dump-dom", (folder / "measure.html").as_uri()).stdout
    return json.loads(html.unescape(re.search("FOUND(.*)END</body>", printed, flags=re.DOTALL)[1]))


@pytest.mark.skipif(browser.find_chromium() is None, reason="no Chromium is installed")
def test_texts_do_not_run_into_each_other(built, tmp_path):
    page = (built / "index.html").read_text(encoding="utf-8")
    assert measure(page, tmp_path) == []
    crowded = page.replace('y="18"', 'y="40"').replace("max-width: 30rem", "min-width: 50rem")
    assert any("meet" in line for line in measure(crowded, tmp_path))
    assert any("too wide" in line for line in measure(crowded, tmp_path))
