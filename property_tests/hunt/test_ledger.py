"""The ledger: what is in it is never another thing; a hunt that is killed is resumed as if nothing had happened."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from fractions import Fraction

import pytest

from property_tests.hunt.support import contents, generations, hunted, plan
from thmverify.budget import Budget
from thmverify.cli import main
from thmverify.errors import InputError
from thmverify.hunting.drafts import Draft
from thmverify.hunting.executors import Here
from thmverify.hunting.islands import Best, Checkpoint, Goal, advance, versions
from thmverify.hunting.jobs import Refutation
from thmverify.hunting.ledger import Ledger, Saved
from thmverify.hunting.run import decided_again, hunt
from thmverify.kernel import check
from thmverify.verdicts import Outcome

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


@pytest.fixture
def short(monkeypatch):
    """Rounds of one generation."""
    monkeypatch.setattr("thmverify.hunting.run._SHORTEST", 0.0)
    monkeypatch.setattr("thmverify.hunting.run._LONGEST", 0.0)


@pytest.mark.parametrize("jobs", [0, 1, 4, 9])
def test_a_hunt_cut_off_and_resumed_is_the_hunt_that_was_not(tmp_path, jobs, short):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    the_plan = plan(*LASTING, islands=2)
    hunted(whole, the_plan, 3800)
    with pytest.raises(Killed):
        hunted(cut, the_plan, 3800, executor=Dying(jobs))
    assert generations(cut, the_plan.id) == jobs  # no round that was finished is lost
    hunted(cut, the_plan, 3800)
    assert contents(cut, the_plan.id) == contents(whole, the_plan.id)
    assert generations(whole, the_plan.id) == 10


@pytest.mark.parametrize("name", ["random", "cma", "hypothesis", "polish"])
def test_where_rounds_end_makes_no_difference(name):
    island = plan(*LASTING, searchers=(name,)).island(3)
    goal = Goal(130.0, 900.0, 60.0)
    at, whole = Checkpoint(), advance(island, Checkpoint(), goal, versions()).after
    while at.generation < whole.generation:
        at = Checkpoint.read(advance(island, at, Goal(at.generation + 1.0, 1e9, 60.0), versions()).after.text())
    assert at.text() == whole.text()
    assert whole.evaluations >= 700
    assert (
        whole.text()
        != advance(plan(*LASTING, searchers=(name,)).island(4), Checkpoint(), goal, versions()).after.text()
    )


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


def test_of_what_islands_find_the_earliest_counts_whoever_is_first(tmp_path, short):
    """Three islands; the one that is served first is not always the one whose certificate comes first."""
    the_plan = plan("infonce-equality", "delta=1", searchers=("cma",), islands=3)
    results = []
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):

        class Ordered(Here):
            workers = 3

        folder = tmp_path / str(order)
        ledger = Ledger(folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "thmverify.hunting.run._Hunt._waiting",
                lambda self, busy, order=order: [n for n in order if n not in busy and not self._done(n)],
            )
            result = hunt(the_plan, ledger, Budget(0.0, 60_000), Ordered(), simpler=False)
        ledger.close()
        assert result.found is not None
        results.append((result.found.draft, result.found.certificate))
    assert results[0] == results[1] == results[2]


def test_a_real_run_killed_at_random_moments_ends_like_one_that_was_not(tmp_path):
    """kill -9 when there are some rounds; then the hunt makes its evaluations."""
    options = ["hunt", *LASTING[:1], *(f"--set={pair}" for pair in LASTING[1:]), "--budget", "12000ev", "--resume"]
    command = [sys.executable, "-m", "thmverify", *options, "--out"]
    rng, the_plan = random.Random(5), plan(*LASTING)
    running = subprocess.Popen([*command, str(tmp_path / "cut")], stdout=subprocess.DEVNULL)
    while running.poll() is None and not generations(tmp_path / "cut", the_plan.id):
        time.sleep(0.02)
    time.sleep(0.1 * rng.random())  # somewhere in the round that follows
    running.kill()
    running.wait()
    assert subprocess.run([*command, str(tmp_path / "cut")], stdout=subprocess.DEVNULL, check=False).returncode == 3
    hunted(tmp_path / "whole", the_plan, 12000)
    assert contents(tmp_path / "cut", the_plan.id) == contents(tmp_path / "whole", the_plan.id)


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


@pytest.mark.parametrize("stage", ["found", "simplest"])
def test_what_a_ledger_calls_found_is_decided_again(tmp_path, stage, capsys):
    """A row whose hash is right, about an instance on which the claim holds, is no counterexample of a resumed hunt."""
    the_plan, mean = plan("infonce-equality", "components=2", "dimension=1"), (Fraction(1),)
    draft = Draft("shared-gmm", 2, (), ((mean,),), (), Fraction(1))
    assert draft.decide("infonce-equality")[0].outcome is Outcome.PROVED
    ledger = Ledger(tmp_path)
    ledger.begin(the_plan.description())
    ledger.save(the_plan.id, Saved(stage, 0, 1, Refutation(draft, b"{}")))
    saved = ledger.certificates(the_plan.id)[0]
    ledger.close()
    with pytest.raises(InputError, match="does not refute infonce-equality"):
        hunted(tmp_path, the_plan, 600) if stage == "found" else decided_again(the_plan, saved)
    assert main(["hunts", "--out", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["hunts"][0]["verdict"] == "unconfirmed"
    assert main(["hunts", "export", the_plan.id, str(tmp_path / "record.json"), "--out", str(tmp_path)]) == 2
    assert "does not refute infonce-equality" in capsys.readouterr().err
    assert not (tmp_path / "record.json").exists()


@pytest.fixture(scope="module")
def ledger_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ledger")
    hunted(folder, plan(*QUICK), 400)
    return folder / "ledger.sqlite"


@pytest.mark.parametrize("table", ["hunts", "champions", "certificates"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET hunt = 'x'"])
def test_nothing_is_ever_changed(ledger_file, table, change):
    statement = change.format(table).replace("hunt = 'x'", "id = 'x'" if table == "hunts" else "hunt = 'x'")
    with sqlite3.connect(ledger_file) as db, pytest.raises(sqlite3.DatabaseError, match="append-only"):
        db.execute(statement)
    db.close()


def test_a_hunt_begun_with_other_versions_is_not_mixed_with_these(tmp_path):
    the_plan = plan(*LASTING)
    ledger = Ledger(tmp_path)
    begun = the_plan.description()
    begun.versions["numpy"] = "1.0"
    ledger.begin(begun)
    with pytest.raises(InputError, match=r"begun with numpy 1\.0"):
        hunt(the_plan, ledger, Budget(0.0, 400))
    ledger.close()
    with pytest.raises(InputError, match="install the same"):
        advance(the_plan.island(0), Checkpoint(), Goal(1, 1, 1.0), {**versions(), "numpy": "1.0"})


def test_two_processes_cannot_write_one_round(tmp_path):
    the_plan = plan(*LASTING)
    ledger = Ledger(tmp_path)
    hunt(the_plan, ledger, Budget(0.0, 400))
    for before in (Checkpoint(), Checkpoint(generation=1, evaluations=128)):
        with pytest.raises(InputError, match="let one process run a hunt"):
            ledger.record(the_plan.id, 0, 0.0, before, Checkpoint(generation=3), None)
    assert ledger.checkpoints(the_plan.id)[0][0].generation == 2
    ledger.close()


def test_a_ledger_of_ten_to_the_eight_evaluations_is_small_and_read_at_once(tmp_path):
    """A hundred islands, each with a round a hundred times over: what resuming reads and what is on the disk."""
    the_plan = plan("infonce-equality", "components=16", "dimension=2", islands=100)
    place = advance(the_plan.island(0), Checkpoint(), Goal(1, 1, 1.0), versions()).after
    assert place.best is not None
    ledger = Ledger(tmp_path)
    ledger.begin(the_plan.description())
    for island in range(100):
        before = Checkpoint()
        for i in range(3):
            best = Best(float(i), place.best.point, "polish", i)
            after = Checkpoint(i + 1, (i + 1) * 10**6 // 3 + 1, i, (), best, place.state)
            ledger.record(the_plan.id, island, 60.0 * i, before, after, None)
            before = after
    start = time.process_time()
    result = hunt(the_plan, ledger, Budget(0.0, 10**8))
    spent = time.process_time() - start
    ledger.close()
    assert result.done.evaluations >= 10**8
    assert spent < 5
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 10**8 / 2


def test_an_old_ledger_is_one_line(tmp_path, capsys):
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        db.execute("CREATE TABLE hunts (id TEXT PRIMARY KEY)")
        db.execute("PRAGMA user_version = 1")
    db.close()
    assert main(["hunts", "--out", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "format 1" in err
    assert "name a folder" in err


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
    assert all("ledger.sqlite" in line for line in lines)
    assert any(str(tmp_path / "damaged" / "ledger.sqlite") in line for line in lines)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("DROP TABLE hunts; CREATE TABLE hunts (id TEXT)", "its table hunts is another one"),
        ("DROP TABLE checkpoints; CREATE VIEW checkpoints AS SELECT * FROM hunts", "its table checkpoints"),
        ("PRAGMA user_version = 3", "a format that is not 2"),
        ("DROP TRIGGER hunts_update; UPDATE hunts SET question = '{}'", "asks something else"),
        ("DROP TRIGGER hunts_update; UPDATE hunts SET question = 'no JSON'", "cannot be read"),
        ("DROP TRIGGER hunts_update; UPDATE hunts SET searchers = '7'", "cannot be read"),
        ("DROP TRIGGER hunts_update; UPDATE hunts SET versions = CAST(x'ff' AS TEXT)", "cannot be read"),
        ("UPDATE checkpoints SET seconds = 7.0", "is not the one that was saved"),
        ("UPDATE checkpoints SET island = island + 1", "is not the one that was saved"),
        ("UPDATE checkpoints SET content = replace(content, '1', '2')", "is not the one that was saved"),
        ("UPDATE checkpoints SET content = x'00'", "is not the one that was saved"),
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


def test_a_checkpoint_with_a_changed_byte_is_refused(tmp_path):
    the_plan = plan(*LASTING)
    hunted(tmp_path / "whole", the_plan, 900)
    ledger = Ledger(tmp_path / "whole")
    text = ledger.checkpoints(the_plan.id)[0][0].text()
    ledger.close()
    rng = random.Random(1)
    for _ in range(20):
        at = rng.randrange(len(text))
        changed = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]
        shutil.rmtree(tmp_path / "cut", ignore_errors=True)
        shutil.copytree(tmp_path / "whole", tmp_path / "cut")
        db = sqlite3.connect(tmp_path / "cut" / "ledger.sqlite", isolation_level=None)
        db.execute("UPDATE checkpoints SET content = ?", (changed,))
        db.close()
        with pytest.raises(InputError, match="the checkpoint of island 0 is not the one that was saved"):
            hunted(tmp_path / "cut", the_plan, 2000)


STATES = {
    "no searchers": lambda data: data.update(state=[]),
    "a searcher too few": lambda data: data["state"].pop(),
    "no generator": lambda data: data["state"][0].pop("random"),
    "another generator": lambda data: data["state"][0]["random"].update(bit_generator="MT19937"),
    "numbers too few": lambda data: data["state"][1].update(_mean="AAAAAAAA8D8="),
    "no numbers": lambda data: data["state"][1].update(_mean="!"),
    "no object": lambda data: data["state"].__setitem__(0, 7),
}


@pytest.mark.parametrize("change", STATES.values(), ids=STATES)
def test_a_checkpoint_that_no_searcher_wrote_is_refused_although_its_hash_is_right(change):
    island = plan(*LASTING).island(0)
    data = json.loads(advance(island, Checkpoint(), Goal(2, 1e9, 60.0), versions()).after.text())
    change(data)
    with pytest.raises(InputError, match="island 0"):
        advance(island, Checkpoint.read(json.dumps(data)), Goal(3, 1e9, 60.0), versions())


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"generation": -1}', "null", '{"generation": "1"}'])
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises((ValueError, LookupError, TypeError)):
        Checkpoint.read(text)


def test_a_ledger_that_is_a_folder_is_refused(tmp_path, capsys):
    (tmp_path / "ledger.sqlite").mkdir()
    for command in (["hunts"], ["hunt", *QUICK]):
        assert main([*command, "--out", str(tmp_path)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
