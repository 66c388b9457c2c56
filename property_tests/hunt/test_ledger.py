"""The ledger: append-only, killed at any moment, resumed as if nothing had happened."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest

from property_tests.hunt.support import contents, hunted, plan
from thmverify.cli import main
from thmverify.errors import InputError
from thmverify.hunting.executors import Here
from thmverify.hunting.ledger import Batch, Ledger, Round
from thmverify.hunting.run import Budget, hunt
from thmverify.kernel import check

# No counterexample is there to be found, so that these hunts last; and one whose certificate comes at once.
LASTING = ("infonce-equality", "weights=equal", "components=4")
QUICK = ("infonce-top-r",)


class Killed(BaseException):
    """What stands for a kill: nothing of ours catches it."""


class Dying(Here):
    """An executor that dies after a number of jobs."""

    def __init__(self, jobs: int) -> None:
        self.left = jobs

    def submit(self, function, *arguments):
        if self.left == 0:
            raise Killed
        self.left -= 1
        return super().submit(function, *arguments)


@pytest.mark.parametrize("jobs", [0, 1, 4, 9])
def test_a_hunt_cut_off_and_resumed_is_the_hunt_that_was_not(tmp_path, jobs):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    the_plan = plan(*LASTING)
    hunted(whole, the_plan, 1900)
    with pytest.raises(Killed):
        hunted(cut, the_plan, 1900, executor=Dying(jobs))
    hunted(cut, the_plan, 1900)
    assert contents(cut, the_plan.id) == contents(whole, the_plan.id)
    assert len(contents(whole, the_plan.id)["rounds"]) >= 5


@pytest.mark.parametrize("steps", [0, 2])
def test_a_hunt_cut_off_while_it_simplifies_ends_with_the_same_certificates(tmp_path, steps):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    the_plan = plan(*QUICK)
    hunted(whole, the_plan, 2000)
    left = [steps]

    def dying(progress):
        if progress.stage == "simplifying":
            left[0] -= 1
            if left[0] < 0:
                raise Killed

    with pytest.raises(Killed):
        hunted(cut, the_plan, 2000, observe=dying)
    assert contents(cut, the_plan.id)["certificates"]  # what was found is there already
    hunted(cut, the_plan, 2000)
    assert contents(cut, the_plan.id) == contents(whole, the_plan.id)


def test_a_certificate_found_in_a_round_that_was_not_written_is_kept(tmp_path, monkeypatch):
    the_plan = plan(*QUICK)

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "record", killed)
        with pytest.raises(Killed):
            hunted(tmp_path / "cut", the_plan, 2000)
    (found,) = contents(tmp_path / "cut", the_plan.id)["certificates"]
    assert found[0] == "found"
    hunted(tmp_path / "cut", the_plan, 2000)
    hunted(tmp_path / "whole", the_plan, 2000)
    assert contents(tmp_path / "cut", the_plan.id) == contents(tmp_path / "whole", the_plan.id)


def test_a_real_run_killed_at_random_moments_ends_like_one_that_was_not(tmp_path):
    """kill -9, each time that there are some rounds more, until the hunt has made its evaluations."""
    options = ["hunt", *LASTING[:1], *(f"--set={pair}" for pair in LASTING[1:]), "--budget", "4000ev", "--resume"]
    command = [sys.executable, "-m", "thmverify", *options, "--out"]
    rng, the_plan = random.Random(5), plan(*LASTING)
    for rounds in (1, 4):
        running = subprocess.Popen([*command, str(tmp_path / "cut")], stdout=subprocess.DEVNULL)
        while running.poll() is None and _rounds(tmp_path / "cut", the_plan.id) < rounds:
            time.sleep(0.02)
        time.sleep(0.1 * rng.random())  # somewhere in the round that follows
        running.kill()
        running.wait()
    assert subprocess.run([*command, str(tmp_path / "cut")], stdout=subprocess.DEVNULL, check=False).returncode == 3
    hunted(tmp_path / "whole", the_plan, 4000)
    assert contents(tmp_path / "cut", the_plan.id) == contents(tmp_path / "whole", the_plan.id)


def _rounds(folder, hunt_id: str) -> int:
    if not (folder / "ledger.sqlite").exists():
        return 0
    ledger = Ledger(folder)
    try:
        return len(ledger.rounds(hunt_id))
    finally:
        ledger.close()


def test_a_larger_budget_goes_on_where_a_smaller_one_ended(tmp_path):
    the_plan = plan(*LASTING)
    hunted(tmp_path / "twice", the_plan, 900)
    hunted(tmp_path / "twice", the_plan, 2000)
    hunted(tmp_path / "once", the_plan, 2000)
    assert contents(tmp_path / "twice", the_plan.id) == contents(tmp_path / "once", the_plan.id)


def test_saved_certificates_verify(tmp_path):
    the_plan = plan(*QUICK)
    hunted(tmp_path, the_plan, 2000)
    ledger = Ledger(tmp_path)
    saved = ledger.certificates(the_plan.id)
    ledger.close()
    assert [s.stage for s in saved][0::100][0] == "found"
    assert saved[-1].stage == "simplest"
    for each in saved:
        found = check(each.refutation.certificate)
        assert (found.claim, found.finding.verdict) == ("infonce-top-r", "refuted")


@pytest.fixture(scope="module")
def ledger_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ledger")
    hunted(folder, plan(*QUICK), 400)
    return folder / "ledger.sqlite"


@pytest.mark.parametrize("table", ["hunts", "batches", "rounds", "champions", "certificates"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET hunt = 'x'"])
def test_nothing_is_ever_changed(ledger_file, table, change):
    statement = change.format(table).replace("hunt = 'x'", "id = 'x'" if table == "hunts" else "hunt = 'x'")
    with sqlite3.connect(ledger_file) as db, pytest.raises(sqlite3.DatabaseError, match="append-only"):
        db.execute(statement)
    db.close()


def test_other_points_than_those_of_the_ledger_are_refused(tmp_path, monkeypatch):
    the_plan = plan(*LASTING)
    hunted(tmp_path, the_plan, 900)
    monkeypatch.setattr("thmverify.hunting.searchers.Random.ask", lambda self, best: np.zeros((128, 5)))
    with pytest.raises(InputError, match="does not replay"):
        hunted(tmp_path, the_plan, 2000)


def test_two_processes_cannot_write_one_round(tmp_path):
    the_plan = plan(*LASTING)
    ledger = Ledger(tmp_path)
    hunt(the_plan, ledger, Budget(0.0, 400))
    batch = Batch("random", np.zeros((1, 2)), np.zeros(1))
    with pytest.raises(InputError, match="let one process run a hunt"):
        ledger.record(the_plan.id, Round(0, 1, 0.0, 0, 0.0), [batch], None)
    assert [r.number for r in ledger.rounds(the_plan.id)] == [0, 1]
    ledger.close()


COMMANDS = (
    ("hunts",),
    ("hunts", "show", plan(*QUICK).id),
    ("hunts", "export", plan(*QUICK).id, "RECORD"),
    ("hunt", *QUICK, "--budget", "400ev"),
    ("hunt", *QUICK, "--budget", "400ev", "--resume"),
)


def refusals(folder, data: bytes, capsys) -> list[str]:
    """What the commands say, one line each, of a ledger with these bytes; "" of one that they can read."""
    lines = []
    for command in COMMANDS:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "ledger.sqlite").write_bytes(data)
        code = main([*(str(folder / part) if part == "RECORD" else part for part in command), "--out", str(folder)])
        out, err = capsys.readouterr()
        assert code in (0, 1, 2, 3), (command, err)
        assert "Traceback" not in err
        assert (code == 2) == bool(err)
        if code == 2:
            assert out == ""
            assert err.count("\n") == 1
        lines.append(err)
    return lines


def test_a_ledger_damaged_inside_is_one_line(ledger_file, tmp_path, capsys):
    whole, rng, noticed = ledger_file.read_bytes(), random.Random(3), 0
    for _ in range(12):
        start, length = rng.randrange(len(whole)), rng.choice((1, 8, 64, 1024))
        damage = rng.choice((rng.randbytes(length), bytes(length), b"\xff" * length))
        lines = refusals(tmp_path / "damaged", (whole[:start] + damage + whole[start + length :])[: len(whole)], capsys)
        noticed += any(str(tmp_path / "damaged" / "ledger.sqlite") in line for line in lines)
    assert noticed >= 4


def test_every_page_of_a_ledger_overwritten_is_one_line(ledger_file, tmp_path, capsys):
    whole = ledger_file.read_bytes()
    for start in range(0, len(whole), 4096):
        lines = refusals(tmp_path / "damaged", whole[:start] + b"\x5a" * 4096 + whole[start + 4096 :], capsys)
        assert any("--out" in line and "folder" in line for line in lines)


@pytest.mark.parametrize("share", [0.001, 0.3, 0.7, 0.99])
def test_a_ledger_cut_short_is_one_line(ledger_file, share, tmp_path, capsys):
    whole = ledger_file.read_bytes()
    lines = refusals(tmp_path / "damaged", whole[: int(share * len(whole))], capsys)
    assert all(str(tmp_path / "damaged" / "ledger.sqlite") in line for line in lines)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("DROP TABLE hunts; CREATE TABLE hunts (id TEXT)", "its table hunts is another one"),
        ("DROP TABLE rounds; CREATE VIEW rounds AS SELECT * FROM hunts", "view: rounds"),
        ("PRAGMA user_version = 2", "a format that is not 1"),
        ("DROP TRIGGER hunts_update; UPDATE hunts SET question = '{}'", "asks something else"),
        ("DROP TRIGGER hunts_update; UPDATE hunts SET question = 'no JSON'", "cannot be read"),
        ("DROP TRIGGER hunts_update; UPDATE hunts SET searchers = '7'", "cannot be read"),
        ("DROP TRIGGER hunts_update; UPDATE hunts SET versions = CAST(x'ff' AS TEXT)", "cannot be read"),
        ("DROP TRIGGER rounds_update; UPDATE rounds SET evaluations = 'many'", "has other numbers"),
        ("DROP TRIGGER rounds_update; UPDATE rounds SET round = round + 1", "round 0 is missing"),
        ("DROP TRIGGER champions_update; UPDATE champions SET point = x'00'", "a best point"),
        ("DROP TRIGGER certificates_update; UPDATE certificates SET content = x'00'", "a certificate"),
        ("DROP TRIGGER certificates_update; UPDATE certificates SET draft = '{}'", "cannot be read"),
    ],
)
def test_a_ledger_with_other_content_is_one_line(change, rule, ledger_file, tmp_path, capsys):
    shutil.copy(ledger_file, tmp_path / "changed.sqlite")
    db = sqlite3.connect(tmp_path / "changed.sqlite")
    db.executescript(change)
    db.close()
    lines = refusals(tmp_path / "damaged", (tmp_path / "changed.sqlite").read_bytes(), capsys)
    assert any(rule in line for line in lines)


@pytest.mark.parametrize("margins", ["x'00'", "x'0000000000000000'", "'text'"])
def test_damaged_margins_are_not_replayed(margins, tmp_path):
    the_plan = plan(*LASTING)
    hunted(tmp_path, the_plan, 900)
    db = sqlite3.connect(tmp_path / "ledger.sqlite")
    db.executescript(f"DROP TRIGGER batches_update; UPDATE batches SET margins = {margins}")
    db.close()
    with pytest.raises(InputError, match="cannot be read"):
        hunted(tmp_path, the_plan, 2000)


def test_a_ledger_that_is_a_folder_is_refused(tmp_path, capsys):
    (tmp_path / "ledger.sqlite").mkdir()
    for command in (["hunts"], ["hunt", *QUICK]):
        assert main([*command, "--out", str(tmp_path)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
