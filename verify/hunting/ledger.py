"""The ledger: everything a hunt has done, in one SQLite file, append-only and addressed by content.

A batch of margins is written with its round, in one transaction; a certificate is written the moment the kernel has
accepted it. So whenever a hunt is killed, the round in flight is lost and nothing else. Searchers are not saved: told
the margins of the ledger again, they go on as if nothing had happened.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from thmverify.errors import InputError
from thmverify.hunting.jobs import Refutation
from thmverify.hunting.questions import read_draft
from thmverify.models import Floats

FORMAT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS hunts (
    id TEXT PRIMARY KEY, question TEXT NOT NULL, seed INTEGER NOT NULL, searchers TEXT NOT NULL,
    batch INTEGER NOT NULL, versions TEXT NOT NULL, begun TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS batches (
    hunt TEXT NOT NULL REFERENCES hunts, round INTEGER NOT NULL, searcher TEXT NOT NULL,
    points TEXT NOT NULL, margins BLOB NOT NULL, PRIMARY KEY (hunt, round, searcher));
CREATE TABLE IF NOT EXISTS rounds (
    hunt TEXT NOT NULL REFERENCES hunts, round INTEGER NOT NULL, evaluations INTEGER NOT NULL,
    seconds REAL NOT NULL, tried INTEGER NOT NULL, best REAL NOT NULL, PRIMARY KEY (hunt, round));
CREATE TABLE IF NOT EXISTS champions (
    digest TEXT PRIMARY KEY, hunt TEXT NOT NULL REFERENCES hunts, round INTEGER NOT NULL, searcher TEXT NOT NULL,
    margin REAL NOT NULL, point BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS certificates (
    number INTEGER PRIMARY KEY, digest TEXT NOT NULL, hunt TEXT NOT NULL REFERENCES hunts, stage TEXT NOT NULL,
    round INTEGER NOT NULL, draft TEXT NOT NULL, height TEXT NOT NULL, content BLOB NOT NULL,
    UNIQUE (digest, hunt, stage));
"""
_COPY = "put a copy in its place, or name another folder: a hunt with the same options finds the same again"
_SUFFIXES = ("", "-wal", "-shm", "-journal")  # the files of a database
_NAMES = ("hunts", "batches", "rounds", "champions", "certificates")


@dataclass(frozen=True)
class Batch:
    """What one searcher asked in one round (n × size), and what it was told (n)."""

    searcher: str
    points: Floats
    margins: Floats


@dataclass(frozen=True)
class Round:
    """What a round came to: evaluations and seconds since the hunt began, certificates tried, the best margin yet."""

    number: int
    evaluations: int
    seconds: float
    tried: int
    best: float


@dataclass(frozen=True)
class Saved:
    """A certificate in the ledger: "found", "simpler" on the way, or "simplest"."""

    stage: str
    round: int
    refutation: Refutation

    @property
    def digest(self) -> str:
        """The SHA-256 of the certificate's bytes."""
        return hashlib.sha256(self.refutation.certificate).hexdigest()


@dataclass(frozen=True)
class Description:
    """What a hunt is: its question as JSON, seed, searchers, points a batch, versions, and when it began."""

    id: str
    question: dict[str, Any]
    seed: int
    searchers: tuple[str, ...]
    batch: int
    versions: dict[str, str]
    begun: str


def hunt_id(question: dict[str, Any], seed: int, searchers: Sequence[str], batch: int) -> str:
    """Return the hunt's name: what it asks and how, hashed."""
    text = json.dumps([FORMAT, question, seed, [*searchers], batch], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _digest(array: Floats) -> str:
    return hashlib.sha256(np.ascontiguousarray(array, dtype="<f8").tobytes()).hexdigest()


def _blob(array: Floats) -> bytes:
    return np.ascontiguousarray(array, dtype="<f8").tobytes()


def _champion(hunt: str, point: bytes) -> str:
    return hashlib.sha256(hunt.encode() + point).hexdigest()


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
        self._db.executescript(_TABLES + "".join(_append_only(name) for name in _NAMES))
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

    def begin(self, hunt: Description) -> None:
        """Enter a hunt, unless it is there."""
        row = (
            hunt.id,
            json.dumps(hunt.question, sort_keys=True),
            hunt.seed,
            json.dumps(hunt.searchers),
            hunt.batch,
            json.dumps(hunt.versions),
            hunt.begun or datetime.now(UTC).isoformat(timespec="seconds"),
        )
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO hunts VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def record(
        self, hunt: str, done: Round, batches: Sequence[Batch], champion: tuple[str, float, Floats] | None
    ) -> None:
        """Write a round, all or nothing; `champion` is the searcher, margin and point of a new best."""
        with self._transaction() as db:
            db.executemany(
                "INSERT INTO batches VALUES (?, ?, ?, ?, ?)",
                [(hunt, done.number, b.searcher, _digest(b.points), _blob(b.margins)) for b in batches],
            )
            db.execute("INSERT INTO rounds VALUES (?, ?, ?, ?, ?, ?)", (hunt, *astuple(done)))
            if champion is not None:
                searcher, margin, point = champion
                found = (_champion(hunt, _blob(point)), hunt, done.number, searcher, margin, _blob(point))
                db.execute("INSERT OR IGNORE INTO champions VALUES (?, ?, ?, ?, ?, ?)", found)

    def save(self, hunt: str, saved: Saved) -> None:
        """Write a certificate."""
        draft = saved.refutation.draft
        row = (
            saved.digest,
            hunt,
            saved.stage,
            saved.round,
            json.dumps(draft.to_json()),
            str(draft.height),
            saved.refutation.certificate,
        )
        with self._transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO certificates (digest, hunt, stage, round, draft, height, content) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )

    def margins(self, hunt: str, number: int, searcher: str, points: Floats) -> Floats | None:
        """Return the margins of a batch that is in the ledger.

        Raises InputError when the ledger holds other points: another version of a library searched.
        """
        query = "SELECT points, margins FROM batches WHERE hunt = ? AND round = ? AND searcher = ?"
        with self._reading():
            row = self._db.execute(query, (hunt, number, searcher)).fetchone()
            found = None if row is None else np.frombuffer(row[1], dtype="<f8").astype(np.float64)
            _hold(found is None or len(found) == len(points), f"round {number} has margins of other points")
        if row is not None and row[0] != _digest(points):
            rule = f"round {number} does not replay: {searcher} now proposes other points"
            raise InputError(
                "--resume", hunt, rule, "use the versions that `thmverify hunts show` names, or a new seed"
            )
        return found

    def rounds(self, hunt: str) -> list[Round]:
        """Return the rounds of a hunt, in order."""
        query = "SELECT round, evaluations, seconds, tried, best FROM rounds WHERE hunt = ? ORDER BY round"
        with self._reading():
            rounds = [Round(*row) for row in self._db.execute(query, (hunt,))]
            for number, done in enumerate(rounds):
                _hold(done.number == number, f"round {number} is missing")
                numbers = (done.evaluations, done.tried, done.seconds, done.best)
                _hold([type(x) for x in numbers] == [int, int, float, float], f"round {number} has other numbers")
        return rounds

    def certificates(self, hunt: str) -> list[Saved]:
        """Return the certificates of a hunt, the first found first."""
        query = "SELECT stage, round, draft, content, digest FROM certificates WHERE hunt = ? ORDER BY number"
        found = []
        with self._reading():
            for stage, number, draft, content, digest in self._db.execute(query, (hunt,)):
                found.append(Saved(stage, number, Refutation(read_draft(json.loads(draft)), content)))
                _hold(found[-1].digest == digest, "a certificate is not the one that was saved")
        return found

    def champions(self, hunt: str) -> list[tuple[int, str, float, Floats]]:
        """Return round, searcher, margin and point of each best so far, in order."""
        query = "SELECT round, searcher, margin, point, digest FROM champions WHERE hunt = ? ORDER BY round"
        found = []
        with self._reading():
            for number, searcher, margin, point, digest in self._db.execute(query, (hunt,)):
                _hold(digest == _champion(hunt, point), "a best point is not the one that was found")
                found.append((number, str(searcher), float(margin), np.frombuffer(point, dtype="<f8")))
        return found

    def hunts(self) -> list[Description]:
        """Return every hunt, the oldest first."""
        found = []
        with self._reading():
            for id_, question, *rest in self._db.execute("SELECT * FROM hunts ORDER BY begun, id"):
                seed, searchers, batch, versions, begun = rest
                asked, names = json.loads(question), tuple(json.loads(searchers))
                _hold(id_ == hunt_id(asked, seed, names, batch), f"hunt {id_} asks something else than it did")
                found.append(Description(id_, asked, seed, names, batch, dict(json.loads(versions)), str(begun)))
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
