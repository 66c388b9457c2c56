"""The ledger: what hunts have come to, in one SQLite file.

It holds each island's last checkpoint, hashed, every best point and every certificate, and not the points between. A
checkpoint takes the place of the one before it, in one transaction with what its round found; all else is append-only.
So whenever a hunt is killed, the rounds in flight are lost and nothing else, and a resumed hunt goes on at once.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from thmverify.errors import InputError
from thmverify.hunting.islands import Best, Checkpoint
from thmverify.hunting.jobs import Refutation
from thmverify.hunting.questions import read_draft
from thmverify.hunting.searchers import packed, unpacked

FORMAT = 2
_TABLES = """
CREATE TABLE IF NOT EXISTS hunts (
    id TEXT PRIMARY KEY, question TEXT NOT NULL, seed INTEGER NOT NULL, searchers TEXT NOT NULL,
    batch INTEGER NOT NULL, islands INTEGER NOT NULL, versions TEXT NOT NULL, begun TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS checkpoints (
    hunt TEXT NOT NULL REFERENCES hunts, island INTEGER NOT NULL, seconds REAL NOT NULL, content TEXT NOT NULL,
    digest TEXT NOT NULL, PRIMARY KEY (hunt, island));
CREATE TABLE IF NOT EXISTS champions (
    number INTEGER PRIMARY KEY, hunt TEXT NOT NULL REFERENCES hunts, island INTEGER NOT NULL,
    generation INTEGER NOT NULL, seconds REAL NOT NULL, searcher TEXT NOT NULL, margin REAL NOT NULL,
    point BLOB NOT NULL, digest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS certificates (
    number INTEGER PRIMARY KEY, digest TEXT NOT NULL, hunt TEXT NOT NULL REFERENCES hunts, stage TEXT NOT NULL,
    island INTEGER NOT NULL, generation INTEGER NOT NULL, draft TEXT NOT NULL, height TEXT NOT NULL,
    content BLOB NOT NULL, UNIQUE (digest, hunt, stage, island));
"""
_COPY = "put a copy in its place, or name another folder: a hunt with the same options finds the same again"
_SUFFIXES = ("", "-wal", "-shm", "-journal")  # the files of a database
_KEPT = ("hunts", "champions", "certificates")  # append-only
_NAMES = (*_KEPT, "checkpoints")


@dataclass(frozen=True)
class Champion:
    """The best point of an island at the end of a round, and after how many seconds of the hunt that was."""

    island: int
    seconds: float
    best: Best


@dataclass(frozen=True)
class Saved:
    """A certificate in the ledger: "found" by an island in a generation, "simpler" on the way, or "simplest"."""

    stage: str
    island: int
    generation: int
    refutation: Refutation

    @property
    def digest(self) -> str:
        """The SHA-256 of the certificate's bytes."""
        return hashlib.sha256(self.refutation.certificate).hexdigest()


@dataclass(frozen=True)
class Description:
    """What a hunt is: its question as JSON, seed, searchers, points a batch, islands, versions, and when it began."""

    id: str
    question: dict[str, Any]
    seed: int
    searchers: tuple[str, ...]
    batch: int
    islands: int
    versions: dict[str, str]
    begun: str


def hunt_id(question: dict[str, Any], seed: int, searchers: Sequence[str], batch: int, islands: int) -> str:
    """Return the hunt's name: what it asks and how, hashed. Of hunts before there were islands, `islands` is 0."""
    how = (
        [FORMAT, question, seed, [*searchers], batch, islands] if islands else [1, question, seed, [*searchers], batch]
    )
    return hashlib.sha256(json.dumps(how, sort_keys=True).encode()).hexdigest()[:12]


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _hold(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


class Ledger:
    """The ledger in one folder. Several processes may read it; one hunt at a time writes its own rows."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._check_files()
            self._db = sqlite3.connect(self.path, isolation_level=None, timeout=60)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise
        except (sqlite3.Error, OSError, UnicodeError) as error:
            rule = f"is no ledger that can be opened ({getattr(error, 'strerror', None) or error})"
            raise self._refused(
                rule, "name a folder of its own that can be written to, or put a copy in its place"
            ) from None

    def _prepare(self) -> None:
        """Make the tables where there are none. Raises sqlite3.Error when the file is something else, or damaged."""
        self._check_format()
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_TABLES + "".join(_append_only(name) for name in _KEPT))
        self._check_tables()

    def _refused(self, rule: str, remedy: str) -> InputError:
        return InputError("--out", self.path.name, rule, remedy, str(self.path))

    def _check_files(self) -> None:
        """Raise OSError when a pipe, a device or a folder is where SQLite would open a file, and wait."""
        for path in (Path(f"{self.path}{suffix}") for suffix in _SUFFIXES):
            if path.exists() and not path.is_file():
                raise OSError(f"{path.name} is not a regular file")

    def _check_format(self) -> None:
        """Mark a new file as a ledger of this format.

        Raises sqlite3.DatabaseError when the file is something else.
        """
        (found,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if found == 0 and tables == 0:
            self._db.execute(f"PRAGMA user_version = {FORMAT}")
        elif found == 1:
            raise sqlite3.DatabaseError(f"it is of format 1, of release 0.1, and this one reads format {FORMAT}")
        elif found != FORMAT:
            raise sqlite3.DatabaseError(f"it holds another kind of database, or a format that is not {FORMAT}")

    def _check_tables(self) -> None:
        """Raise sqlite3.DatabaseError when SQLite finds damage, or a table has other columns than those of FORMAT."""
        (found,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(f"it is damaged: {found}")
        with closing(sqlite3.connect(":memory:")) as fresh:
            fresh.executescript(_TABLES)
            for name in _NAMES:
                there, wanted = (
                    db.execute(f"SELECT name FROM pragma_table_info('{name}')") for db in (self._db, fresh)
                )
                if there.fetchall() != wanted.fetchall():
                    raise sqlite3.DatabaseError(f"its table {name} is another one")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Raise InputError when what the block reads is damaged: SQLite says so, or its content is not what it was."""
        try:
            yield
        except (sqlite3.Error, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
            raise self._refused(f"cannot be read ({error})", _COPY) from None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all of the block, or nothing.

        Raises InputError when the file cannot be written, or another process has written the same rows.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.IntegrityError:
            rule = "has rows of this hunt that another process wrote just now"
            raise self._refused(rule, "let one process run a hunt") from None
        except sqlite3.OperationalError as error:
            rule = f"cannot be written ({error})"
            raise self._refused(rule, "free the disk or name another folder") from None
        except sqlite3.DatabaseError as error:
            raise self._refused(f"is damaged ({error})", _COPY) from None

    def begin(self, hunt: Description) -> Description:
        """Enter a hunt, unless it is there, and return what the ledger has of it."""
        row = (
            hunt.id,
            json.dumps(hunt.question, sort_keys=True),
            hunt.seed,
            json.dumps(hunt.searchers),
            hunt.batch,
            hunt.islands,
            json.dumps(hunt.versions),
            hunt.begun or datetime.now(UTC).isoformat(timespec="seconds"),
        )
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO hunts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return self.find(hunt.id)

    def record(
        self, hunt: str, island: int, seconds: float, before: Checkpoint, after: Checkpoint, found: Refutation | None
    ) -> None:
        """Write the checkpoint in which a round ended, and what the round found, all or nothing.

        Raises InputError when the last checkpoint is not the one `before` the round.
        """
        place, text = (hunt, island), after.text()
        with self._transaction() as db:
            db.execute("DELETE FROM checkpoints WHERE (hunt, island, content) = (?, ?, ?)", (*place, before.text()))
            db.execute(
                "INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?)",
                (*place, seconds, text, _digest(*place, seconds, text)),
            )
            if after.best is not None and after.margin > before.margin:
                best = after.best
                row = (*place, best.generation, seconds, best.searcher, best.margin, packed(best.point))
                db.execute(
                    "INSERT INTO champions (hunt, island, generation, seconds, searcher, margin, point, digest) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (*row, _digest(*row)),
                )
            if found is not None:
                self._save(db, hunt, Saved("found", island, after.generation, found))

    def save(self, hunt: str, saved: Saved) -> None:
        """Write a certificate."""
        with self._transaction() as db:
            self._save(db, hunt, saved)

    def _save(self, db: sqlite3.Connection, hunt: str, saved: Saved) -> None:
        draft = saved.refutation.draft
        row = (
            saved.digest,
            hunt,
            saved.stage,
            saved.island,
            saved.generation,
            json.dumps(draft.to_json()),
            str(draft.height),
            saved.refutation.certificate,
        )
        db.execute(
            "INSERT OR IGNORE INTO certificates "
            "(digest, hunt, stage, island, generation, draft, height, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )

    def checkpoints(self, hunt: str) -> tuple[dict[int, Checkpoint], float]:
        """Return the last checkpoint of each island that has one, and the seconds that the hunt has taken."""
        query = "SELECT island, seconds, content, digest FROM checkpoints WHERE hunt = ? ORDER BY island"
        found, taken = {}, 0.0
        with self._reading():
            for island, seconds, text, digest in self._db.execute(query, (hunt,)):
                whole = _digest(hunt, island, seconds, text) == digest
                _hold(whole, f"the checkpoint of island {island} is not the one that was saved")
                found[island], taken = Checkpoint.read(text), max(taken, seconds)
        return found, taken

    def certificates(self, hunt: str) -> list[Saved]:
        """Return the certificates of a hunt, the first found first."""
        query = (
            "SELECT stage, island, generation, draft, content, digest FROM certificates WHERE hunt = ? ORDER BY number"
        )
        found = []
        with self._reading():
            for stage, island, generation, draft, content, digest in self._db.execute(query, (hunt,)):
                refutation = Refutation(read_draft(json.loads(draft)), content)
                found.append(Saved(stage, int(island), int(generation), refutation))
                _hold(found[-1].digest == digest, "a certificate is not the one that was saved")
        return found

    def champions(self, hunt: str) -> list[Champion]:
        """Return the best points of the islands, as they came."""
        query = (
            "SELECT hunt, island, generation, seconds, searcher, margin, point, digest FROM champions WHERE hunt = ?"
        )
        found = []
        with self._reading():
            for *row, digest in self._db.execute(f"{query} ORDER BY number", (hunt,)):
                _hold(_digest(*row) == digest, "a best point is not the one that was found")
                _, island, generation, seconds, searcher, margin, point = row
                found.append(Champion(island, seconds, Best(margin, unpacked(point, (-1,)), searcher, generation)))
        return found

    def hunts(self) -> list[Description]:
        """Return every hunt, the oldest first."""
        found = []
        with self._reading():
            for id_, question, *rest in self._db.execute("SELECT * FROM hunts ORDER BY begun, id"):
                seed, searchers, batch, islands, versions, begun = rest
                asked, names = json.loads(question), tuple(json.loads(searchers))
                same = id_ == hunt_id(asked, seed, names, batch, islands)
                _hold(same, f"hunt {id_} asks something else than it did")
                made = dict(json.loads(versions))
                found.append(Description(id_, asked, seed, names, batch, islands, made, str(begun)))
        return found

    def find(self, prefix: str) -> Description:
        """Return the hunt whose id starts so.

        Raises InputError when there is none, or more than one.
        """
        found = [hunt for hunt in self.hunts() if prefix and hunt.id.startswith(prefix)]
        if len(found) != 1:
            rule = f"names {len(found) or 'no'} hunts of {self.path}"
            raise InputError("ID", prefix, rule, "`thmverify hunts` lists them")
        return found[0]


def _append_only(table: str) -> str:
    return "".join(
        f"CREATE TRIGGER IF NOT EXISTS {table}_{event} BEFORE {event.upper()} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;"
        for event in ("update", "delete")
    )
