"""What the scripts of the package propose, kept from one run to the next in a folder that may be deleted at any time.

It holds proposals and no verdicts: the kernel replays a trace that comes from here as it replays any other. What is
kept belongs to the package's sources, all of them: a changed file anywhere in it, and every script runs again. Scripts
of other packages are never kept, since what they import is not known.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from thmverify.errors import InputError
from thmverify.jsonfiles import write_text

VARIABLE = "THMVERIFY_CACHE"  # another folder; "off" keeps nothing
_VERSIONS = 4  # of the sources, the newest: what others propose is forgotten


def kept(module: str) -> dict[str, Any] | None:
    """Return what the script in a module proposed when it ran on these sources, or None where that is not known."""
    path = _path(module)
    if path is None:
        return None
    try:
        digest, text = path.read_text(encoding="utf-8").split("\n", 1)
    except (OSError, ValueError):
        return None
    if digest != _hash(text):  # damaged: the script runs again
        return None
    value: dict[str, Any] = json.loads(text)
    return value


def keep(module: str, proposed: dict[str, Any]) -> None:
    """Keep what the script in a module proposes; a folder that cannot be written keeps nothing, and nothing is said."""
    path = _path(module)
    if path is None or "failure" in proposed:
        return
    text = json.dumps(proposed)
    with contextlib.suppress(OSError, InputError):
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            _forget(path.parent.parent)
        write_text(path, f"{_hash(text)}\n{text}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _path(module: str) -> Path | None:
    wanted = os.environ.get(VARIABLE, "")
    if wanted == "off" or not module.startswith("thmverify."):
        return None
    folder = Path(wanted) if wanted else user_cache_path("thmverify", appauthor=False)
    return folder / "proposals" / _sources() / f"{module}.json"


def _forget(folder: Path) -> None:
    """Delete what belongs to older sources, all but the newest few."""
    versions = sorted((f for f in folder.iterdir() if f.is_dir()), key=lambda f: f.stat().st_mtime, reverse=True)
    for old in versions[_VERSIONS:]:
        shutil.rmtree(old, ignore_errors=True)


@cache
def _sources() -> str:
    """Return a hash of all the package's Python files, by name, and of the version of Python that runs them."""
    digest = hashlib.sha256(sys.version.encode())
    for folder in ("thmverify", "thmverify.theorems"):  # two places on disk in an editable installation
        for name, source in sorted(_texts(files(folder), folder)):
            digest.update(f"\n{name} {len(source)}\n".encode())
            digest.update(source)
    return digest.hexdigest()[:32]


def _texts(folder: Traversable, name: str) -> list[tuple[str, bytes]]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _texts(entry, f"{name}/{entry.name}")
        elif entry.name.endswith(".py"):
            found.append((f"{name}/{entry.name}", entry.read_bytes()))
    return found
