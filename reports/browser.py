"""Printing the page to PDF with headless Chromium, the one browser engine that sets its MathML and SVG on paper."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from thmverify.errors import InputError
from thmverify.jsonfiles import to_be_written

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_TIMEOUT = 120


def find_chromium() -> str | None:
    """Return the path of an installed Chromium or Chrome, or None."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def run_chromium(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run headless Chromium, with a fresh profile and no background traffic, and return what it printed.

    Raises InputError when no Chromium is installed, or when it fails or takes longer than two minutes.
    """
    chromium = find_chromium()
    if chromium is None:
        remedy = "install Chromium (Debian: apt-get install chromium) or print index.html from a browser"
        raise InputError("browser", "none", f"none of {', '.join(_NAMES)} is installed", remedy)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update", "--hide-scrollbars"]
    with tempfile.TemporaryDirectory(prefix="thmverify-browser-", ignore_cleanup_errors=True) as profile:
        line = [chromium, *flags, f"--user-data-dir={profile}", *arguments]
        try:
            return subprocess.run(line, capture_output=True, text=True, timeout=_TIMEOUT, check=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            reason = f"fails: {error}".splitlines()[0]
            raise InputError("browser", chromium, reason, "print index.html from a browser instead") from None


def print_pdf(html: Path, pdf: Path) -> None:
    """Print the page at `html` to `pdf`, which appears whole or not at all.

    Raises InputError when Chromium is missing or fails, when `html` is missing, or `pdf` cannot be written.
    """
    if not html.is_file():
        raise InputError("html", str(html), "no such file", "build the report first")
    with tempfile.TemporaryDirectory(prefix="thmverify-pdf-") as folder:
        printed = Path(folder) / "report.pdf"
        run_chromium("--no-pdf-header-footer", f"--print-to-pdf={printed}", html.resolve().as_uri())
        if not printed.is_file():
            raise InputError("browser", "no file", "printed nothing", "print index.html from a browser instead")
        _place(printed, pdf)


def _place(source: Path, target: Path) -> None:
    """Copy beside the target, then rename: the target may be on another disk."""
    target = to_be_written(target)
    partial = target.with_name(f".{target.name}.partial")
    try:
        shutil.copyfile(source, partial)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        reason = (error.strerror or "cannot be written").lower()
        raise InputError("output", str(target), reason, "give a path in a writable folder") from None
