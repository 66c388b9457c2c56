"""The ledger: append-only, killed at any moment, resumed as if nothing had happened."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest

from property_tests.hunt.support import contents, hunted, plan
from verify.errors import InputError
from verify.hunt.executors import Here
from verify.hunt.ledger import Batch, Ledger, Round
from verify.hunt.run import Budget, hunt
from verify.kernel import check

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
    """kill -9, again and again, until the hunt has made its evaluations."""
    options = ["hunt", *LASTING[:1], *(f"--set={pair}" for pair in LASTING[1:]), "--budget", "4000ev", "--resume"]
    command = [sys.executable, "-m", "verify.cli", *options, "--out"]
    rng = random.Random(5)
    kills = 0
    while True:
        running = subprocess.Popen([*command, str(tmp_path / "cut")], stdout=subprocess.DEVNULL)
        time.sleep(1.2 + rng.random())  # it takes a second to start
        if kills >= 2:
            assert running.wait(timeout=120) == 3
            break
        if running.poll() is None:
            running.send_signal(signal.SIGKILL)
        running.wait()
        kills += 1
    the_plan = plan(*LASTING)
    hunted(tmp_path / "whole", the_plan, 4000)
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
    monkeypatch.setattr("verify.hunt.searchers.Random.ask", lambda self, best: np.zeros((128, 5)))
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
