"""Theories: what a package or a file contributes to the toolkit, ours and other people's, by the same door.

A theory is one object, `THEORY`. It is found by the entry-point group `thmverify.theories` of the packages that are
installed, by `--with FILE.py` or `--with MODULE`, by the environment variable THMVERIFY_WITH (separated like PATH), and
by `with = ["FILE.py", "MODULE"]` under `[tool.thmverify]` in the pyproject.toml of the working folder.

A theory is a program: whoever loads one runs it. What it adds is shown with where it comes from. Its certificates and
proofs are judged by the kernel, like ours, and `python -m thmverify.kernel` judges them without loading it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thmverify import artefacts, headlines
from thmverify.artefacts import Artefact
from thmverify.errors import InputError, one_of
from thmverify.headlines import OURS, Headline

if TYPE_CHECKING:
    from thmverify.findings import Finding
    from thmverify.losses import Loss
    from thmverify.statement import Statement

GROUP = "thmverify.theories"
VARIABLE = "THMVERIFY_WITH"
INTERFACE = 1  # of Theory and Statement; it changes when a theory written for the one before may fail


@dataclass(frozen=True)
class Theory:
    """What one package or file contributes.

    `statements` are the statements themselves. `modules` names those that are imported when they are first asked for,
    id → "MODULE:NAME"; `headlines` is the file that says of each what a list shows, so that a list imports none of
    them (`thmverify.headlines.write` makes it). `formal` is a record of what Coq has checked of them
    (`thmverify.artefacts`). `losses` are records of losses (`thmverify.from_formula`).
    A report says what it is `about` under its `title`, puts the statements into `families` (title → ids), and begins
    with its `findings`. `interface` is the `INTERFACE` that the theory was written for.

    >>> Theory("empty").statements
    ()
    """

    name: str
    statements: Sequence[Statement] = ()
    modules: Mapping[str, str] = field(default_factory=dict)
    losses: Sequence[Loss] = ()
    headlines: Path | None = None
    formal: Path | None = None
    title: str = ""
    about: str = ""
    families: Mapping[str, Sequence[str]] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    interface: int = INTERFACE

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its statements, those that are only named included."""
        return (*self.modules, *(s.id for s in self.statements))

    def statement(self, name: str) -> Statement:
        """Return the statement with this id. Raises ValueError when its module has another one."""
        if name not in self.modules:
            return next(s for s in self.statements if s.id == name)
        module, _, attribute = self.modules[name].partition(":")
        found: Statement = getattr(importlib.import_module(module), attribute or "STATEMENT")
        if found.id != name:
            raise ValueError(f"{self.modules[name]} is {found.id}, expected {name}")
        return found


@dataclass(frozen=True)
class Found:
    """A theory and where it comes from: a distribution, a file or a module."""

    theory: Theory
    origin: str


class Registry(Mapping[str, "Statement"]):
    """The statements of every theory, by id; each is imported when it is first asked for.

    `broken` says, in one line each, which installed theories are left out and why.
    """

    def __init__(self, theories: Sequence[Found] = (), broken: Sequence[str] = ()) -> None:
        self.theories = tuple(theories)
        self.broken = tuple(broken)
        self._home = {name: found for found in self.theories for name in found.theory.ids}
        self._loaded: dict[str, Statement] = {}

    def __getitem__(self, name: str) -> Statement:
        """Return a statement by id. Raises KeyError, or InputError when its theory is broken."""
        if name not in self._loaded:
            home = self._home[name]
            try:
                statement = home.theory.statement(name)
            except Exception as error:
                raise _failed(name, home.origin, error) from error
            coq = self.coq.get(name, ())
            asis = home.origin == OURS and not coq
            self._loaded[name] = statement if asis else replace(statement, origin=home.origin, coq=coq)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._home)

    def __len__(self) -> int:
        return len(self._home)

    def __contains__(self, name: object) -> bool:
        return name in self._home

    def find(self, name: str, field: str = "ID") -> Statement:
        """Return a statement by id. Raises InputError, about `field` and with the nearest names, when there is none."""
        if name not in self:
            raise InputError(field, name, "names no statement", one_of(name, self, "`thmverify list` has all of them"))
        return self[name]

    def theory(self, name: str) -> Theory:
        """Return the theory that a statement belongs to. Raises KeyError when there is no such statement."""
        return self._home[name].theory

    def family(self, name: str) -> str:
        """Return the title of a statement's family: where its theory names none, that of the theory."""
        theory = self.theory(name)
        families = (title for title, names in theory.families.items() if name in names)
        return next(families, theory.title or theory.name)

    @cached_property
    def coq(self) -> Mapping[str, tuple[Artefact, ...]]:
        """The theorems in Coq about each statement that has some, checked on the sources as they are."""
        found: dict[str, tuple[Artefact, ...]] = {}
        for theory in (home.theory for home in self.theories):
            for artefact in () if theory.formal is None else artefacts.current(theory.formal):
                if artefact.statement in theory.ids:
                    found[artefact.statement] = (*found.get(artefact.statement, ()), artefact)
        return found

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """What a list shows of each statement, in order."""
        known: dict[str, Headline] = {}
        for found in self.theories:
            if found.theory.headlines is not None:
                listed = headlines.read(found.theory.headlines)
                known |= {h.id: replace(h, origin=found.origin, coq=self.coq.get(h.id, ())) for h in listed}
        return tuple(known[name] if name in known else self[name].headline for name in self)


@cache
def registry() -> Registry:
    """Return the statements of every theory that there is, found once a process.

    An installed theory that fails is left out and said so in `broken`. Raises InputError when one that was asked for
    by name fails, or has the id of a statement that is there already.
    """
    theories: list[Found] = []
    broken = []
    for entry in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda e: (e.value != _OUR_ENTRY, e.name)):
        origin = OURS if entry.value == _OUR_ENTRY else _distribution(entry)
        try:
            _add(theories, Found(_checked(entry.load(), origin), origin))
        except (Exception, SystemExit) as error:
            broken.append(f"the theory {entry.name} of {origin} is left out: {_why(error)}")
    for spec in asked_for():
        found = _from(spec)
        if all(found.theory is not other.theory for other in theories):  # installed as well as asked for
            _add(theories, found)
    return Registry(theories, broken)


_OUR_ENTRY = "thmverify.theorems:THEORY"


def asked_for() -> tuple[str, ...]:
    """Return the files and modules asked for by name, each once: by the environment, then by pyproject.toml."""
    return tuple(dict.fromkeys((*_by_environment(), *_configured(Path("pyproject.toml")))))


def ask_for(specs: Sequence[str]) -> None:
    """Ask for files and modules, in this process and in those that it starts."""
    paths = [str(Path(s).absolute()) if _is_file(s) else s for s in specs]
    os.environ[VARIABLE] = os.pathsep.join(dict.fromkeys((*_by_environment(), *paths)))
    registry.cache_clear()


def _by_environment() -> tuple[str, ...]:
    return tuple(spec for spec in os.environ.get(VARIABLE, "").split(os.pathsep) if spec)


def _configured(file: Path) -> list[str]:
    """Return `with` of `[tool.thmverify]`. Raises InputError when the file cannot be read or it is no list of names."""
    try:
        with file.open("rb") as stream:
            data = tomllib.load(stream)
    except OSError:
        return []
    except ValueError as error:
        raise InputError("file", str(file), f"is not TOML: {error}", "correct it", str(file)) from None
    wanted = data.get("tool", {}).get("thmverify", {}).get("with", [])
    if not isinstance(wanted, list) or not all(isinstance(x, str) for x in wanted):
        rule = "is not a list of files and modules"
        raise InputError("tool.thmverify.with", wanted, rule, 'write with = ["own_theorem.py"]', str(file))
    return wanted


def _is_file(spec: str) -> bool:
    """Whether a file is meant, or the folder of a package, and not the name of a module."""
    return spec.endswith(".py") or os.sep in spec or spec in (os.curdir, os.pardir)


def _from(spec: str) -> Found:
    """Load a theory that is asked for by name. Raises InputError when it is none."""
    try:
        module, _, attribute = spec.partition(":")
        home = _load_file(Path(spec)) if _is_file(spec) else importlib.import_module(module)
        theory = getattr(home, attribute or "THEORY", None)
        return Found(_checked(theory, spec), spec)
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # a theory is somebody's program
        if isinstance(error, ModuleNotFoundError) and not _is_file(spec) and error.name == module.split(".")[0]:
            rule = "is no module that is installed, and no .py file"
            raise InputError("--with", spec, rule, "give the path of a Python file that defines THEORY") from None
        raise InputError("--with", spec, _why(error), "correct it, and define THEORY = Theory(…)") from error


def _load_file(path: Path) -> Any:
    """Import a file under its own name, so that other processes find it by the same. Raises InputError."""
    if path.is_dir():
        path = path / "__init__.py"
    if not path.is_file():
        raise InputError("--with", str(path), "is no file", "give the path of a Python file that defines THEORY")
    home = path.parent if path.name == "__init__.py" else path
    name, folder = home.absolute().stem, str(home.parent.absolute())
    if not name.isidentifier():
        raise InputError("--with", str(path), f'"{name}" is no name of a module', "rename the file")
    loaded = sys.modules.get(name)
    if folder not in sys.path:
        sys.path.append(folder)
    spec = importlib.util.find_spec(name) if loaded is None else loaded.__spec__
    if spec is None or spec.origin is None or not os.path.samefile(spec.origin, path):
        rule = f"has the name of a module that is there already, {name}"
        raise InputError("--with", str(path), rule, "rename the file")
    return importlib.import_module(name)


def _checked(theory: object, origin: str) -> Theory:
    """Return the theory. Raises InputError when it is none, or is one for another release."""
    if not isinstance(theory, Theory):
        what = "is not defined" if theory is None else "is no theory"
        raise InputError("THEORY", type(theory).__name__, f"{what} in {origin}", "define THEORY = Theory(…)")
    parts = (theory.statements, theory.losses)
    if not all(isinstance(part, Sequence) and not isinstance(part, str) for part in parts):
        raise InputError(
            "THEORY", theory.name, f"of {origin} has no sequences of statements and losses", "write (a, b)"
        )
    _check_words(theory, origin)
    if theory.interface != INTERFACE:
        rule = f"of {origin} is for interface {theory.interface} of the toolkit, this release has {INTERFACE}"
        raise InputError("theory", theory.name, rule, "install releases that fit each other")
    return theory


def _check_words(theory: Theory, origin: str) -> None:
    """Raise InputError when a family or a finding is about a statement that the theory does not have."""
    named = [("families", name) for names in theory.families.values() for name in names]
    named += [("findings", name) for finding in theory.findings for name in finding.statements]
    for field_, name in named:
        if name not in theory.ids:
            known = ", ".join(theory.ids) or "none"
            raise InputError(f"THEORY.{field_}", name, f"names no statement of {origin}", f"its statements are {known}")


def _add(theories: list[Found], found: Found) -> None:
    """Add a theory. Raises InputError when a statement of it has an id that is taken."""
    taken = {name: other.origin for other in theories for name in other.theory.ids}
    for name in found.theory.ids:
        if name in taken:
            same = taken[name] == found.origin
            rule = f"names a statement of {taken[name]} and {'another' if same else f'one of {found.origin}'}"
            raise InputError("id", name, rule, "rename one of them")
        taken[name] = found.origin
    if found.theory.losses:
        _register(found)
    theories.append(found)


def _register(found: Found) -> None:
    """Add the losses of a theory to the table. Raises InputError when a name is taken."""
    from thmverify.losses import LOSSES, register

    for loss in found.theory.losses:
        known = LOSSES.get(loss.name)
        if known is None or known.origin != found.origin:  # looked for again in this process
            register(loss, found.origin)


def _distribution(entry: importlib.metadata.EntryPoint) -> str:
    return entry.value if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


def _why(error: BaseException) -> str:
    return str(error) if isinstance(error, InputError) else f"fails with {type(error).__name__}: {error}"


def _failed(name: str, origin: str, error: Exception) -> Exception:
    """Return what to raise for a statement that fails to load: ours is a mistake of ours."""
    if origin == OURS:
        return error
    return InputError("ID", name, f"cannot be loaded from {origin}: {_why(error)}", "correct the theory")
