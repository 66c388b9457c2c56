"""`python -m thmverify.reports.publish`: the picture that the README shows, the published report's front page."""

from __future__ import annotations

import sys
from pathlib import Path

from thmverify.errors import InputError
from thmverify.reports.browser import run_chromium

PUBLISHED = Path(__file__).parent / "published"
_SIZE = "1440,1500"


def photograph(folder: Path) -> Path:
    """Write front-page.png beside the report's index.html and return its path.

    Raises InputError when the folder holds no report, or Chromium is missing or fails.
    """
    page, picture = folder / "index.html", folder / "front-page.png"
    if not page.is_file():
        raise InputError("report", str(page), "no such file", "build the report first: thmverify report --out DIR")
    run_chromium(f"--window-size={_SIZE}", f"--screenshot={picture.resolve()}", page.resolve().as_uri())
    if not picture.is_file():
        raise InputError("browser", "no file", "took no picture", "install Chromium anew")
    return picture


def main() -> int:
    """Photograph the published report."""
    try:
        print(photograph(PUBLISHED))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
