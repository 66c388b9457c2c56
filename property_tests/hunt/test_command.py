"""`thmverify hunt` and `thmverify hunts`: what they print, save and refuse."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from property_tests.hunt.support import generations, plan
from property_tests.interrupts import SAFETY_NET, heed_interrupts
from thmverify.budget import Budget
from thmverify.cli import main
from thmverify.hunting.executors import Here
from thmverify.hunting.ledger import Ledger
from thmverify.hunting.plots import climb_plot


def answer(capsys, *arguments: str) -> tuple[int, dict]:
    code = main([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_hunt_saves_a_certificate_that_checks(tmp_path, capsys):
    code, found = answer(capsys, "hunt", "infonce-top-r", "--out", str(tmp_path))
    assert code == 1
    assert (found["verdict"], found["claim"]) == ("refuted", "infonce-top-r")
    assert found["height"] <= found["height_found"]
    assert main(["check", found["certificate"]]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "VERIFIED infonce-top-r: refuted for the instance given"
    instance = tmp_path / "instance.json"
    instance.write_text(json.dumps(found["instance"]))
    assert main(["decide", "infonce-top-r", str(instance)]) == 1
    code, listed = answer(capsys_cleared(capsys), "hunts", "--out", str(tmp_path))
    assert code == 0
    assert [row["hunt"] for row in listed["hunts"]] == [found["hunt"]]
    code, shown = answer(capsys, "hunts", "show", found["hunt"][:4], "--out", str(tmp_path))
    assert shown["certificates"][-1]["height"] == found["height"]
    assert shown["champions"][-1]["margin"] == found["best_margin"]


def capsys_cleared(capsys):
    capsys.readouterr()
    return capsys


def test_a_hunt_that_finds_nothing_is_undecided(tmp_path, capsys):
    options = ["--set", "components=2", "--set", "dimension=1", "--budget", "500ev", "--out", str(tmp_path)]
    code, found = answer(capsys, "hunt", "infonce-equality", *options)
    assert code == 3
    assert (found["verdict"], found["certificate"], found["instance"]) == ("undecided", None, None)
    assert found["best_margin"] == pytest.approx(-1)
    assert not list(tmp_path.glob("*.json"))
    assert main(["hunts", "show", found["hunt"], "--out", str(tmp_path)]) == 0
    assert "best margin" in capsys.readouterr().out
    assert main(["hunt", "infonce-equality", *options]) == 2
    assert "--resume" in capsys.readouterr().err
    assert main(["hunt", "infonce-equality", *options, "--resume"]) == 3


BAD = {
    "no such conjecture": (["perpetual-motion"], "ID", "perpetual-motion"),
    "not key=value": (["infonce-equality", "--set", "delta"], "--set", "KEY=VALUE"),
    "a key of another conjecture": (["infonce-equality", "--set", "decay=1"], "--set", "decay=1"),
    "a key twice": (["infonce-equality", "--set", "delta=1", "--set", "delta=1/2"], "--set", "second time"),
    "a bias above 1": (["infonce-equality", "--set", "delta=3/2"], "--set delta", "[0, 1]"),
    "a bias that is no number": (["infonce-equality", "--set", "delta=nan"], "--set delta", "nan"),
    "a bias divided by 0": (["infonce-equality", "--set", "delta=1/0"], "--set delta", "1/0"),
    "a bias of a million digits": (["infonce-equality", "--set", "delta=0." + "1" * 10**6], "--set delta", "…"),
    "no components": (["infonce-equality", "--set", "components=0"], "--set components", "from 1"),
    "a fraction of components": (["infonce-equality", "--set", "components=5/2"], "--set components", "5/2"),
    "many components": (["infonce-equality", "--set", "components=99999999"], "--set components", "from 1 to"),
    "more dimensions than the means span": (["infonce-equality", "--set", "dimension=3"], "--set dimension", "span"),
    "neither true nor false": (["infonce-equality", "--set", "centred=maybe"], "--set centred", "true or false"),
    "r not below dim S_F": (["spectral-top-r", "--set", "rank=2"], "--set rank", "dim S_F"),
    "no weight decay": (["simsiam-inclusion", "--set", "decay=0"], "--set decay", "without weight decay"),
    "a statement that is proved": (["infonce-inclusion"], "ID", "--drop shared-covariance"),
    "no such hypothesis": (["infonce-equality", "--drop", "luck"], "--drop", "luck"),
    "a hypothesis that cannot be dropped": (["pca-equality", "--drop", "centred"], "--drop", "none"),
    "no such searcher": (["infonce-equality", "--searcher", "oracle"], "--searcher", "oracle"),
    "a searcher twice": (["infonce-equality", "--searcher", "cma", "--searcher", "cma"], "--searcher", "twice"),
    "a budget without a unit": (["infonce-equality", "--budget", "60"], "--budget", "60s"),
    "no budget": (["infonce-equality", "--budget", "0s"], "--budget", "0s"),
    "a negative budget": (["infonce-equality", "--budget=-5s"], "--budget", "-5s"),
    "no scheduler there": (["infonce-equality", "--scheduler", "tcp://127.0.0.1:1"], "--scheduler", "dask scheduler"),
    "a scheduler that is no address": (["infonce-equality", "--scheduler", "::"], "--scheduler", "::"),
    "a negative seed": (["infonce-equality", "--seed", "-1"], "--seed", "hunt --help"),
    "no workers": (["infonce-equality", "--workers", "0"], "--workers", "hunt --help"),
}


def refused(arguments: list[str], capsys) -> str:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize(("arguments", "field", "part"), BAD.values(), ids=BAD)
def test_bad_input_is_one_line(arguments, field, part, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("thmverify.hunting.executors._CONNECT", 0.5)
    err = refused(["hunt", *arguments, "--out", str(tmp_path / "out")], capsys)
    assert field in err
    assert part in err
    assert not (tmp_path / "out").exists() or "--scheduler" in arguments


def test_a_folder_that_is_none_is_refused(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("")
    assert "--out" in refused(["hunt", "pca-equality", "--out", str(file)], capsys)
    assert "--out" in refused(["hunts", "--out", str(tmp_path / "nowhere")], capsys)
    (tmp_path / "ledger.sqlite").write_text("no database, but long enough to be taken for one " * 100)
    assert "--out" in refused(["hunts", "--out", str(tmp_path)], capsys)
    assert "--out" in refused(["hunt", "pca-equality", "--out", str(tmp_path)], capsys)


def test_another_database_is_refused(tmp_path, capsys):
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        db.execute("CREATE TABLE hunts (something TEXT)")
    db.close()
    assert "--out" in refused(["hunts", "--out", str(tmp_path)], capsys)


def test_a_hunt_that_is_not_there(tmp_path, capsys):
    Ledger(tmp_path).close()
    assert "ID" in refused(["hunts", "show", "abc", "--out", str(tmp_path)], capsys)


def test_an_interrupt_leaves_a_valid_ledger_and_says_how_to_go_on(tmp_path):
    options = ["--set", "weights=equal", "--set", "components=4", "--budget", "2h", "--out", str(tmp_path)]
    command = [sys.executable, "-m", "thmverify", "hunt", "infonce-equality", *options]
    apart = {"env": {**os.environ, "PYTHONUNBUFFERED": "1"}, "start_new_session": True, "preexec_fn": heed_interrupts}
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **apart)
    the_plan = plan("infonce-equality", "weights=equal", "components=4")
    while running.poll() is None:  # until a round is done, however long a busy machine takes for it
        time.sleep(0.1)
        if (tmp_path / "ledger.sqlite").exists() and generations(tmp_path, the_plan.id):
            break
    try:
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=SAFETY_NET)
    finally:
        running.kill()
    assert running.returncode == 130
    assert "--resume" in err
    assert err.count("\n") == 1
    assert generations(tmp_path, the_plan.id)


class Two(Here):
    """What says that it has two workers."""

    workers = 2

    def __init__(self, _workers: int) -> None:
        pass


def test_the_islands_are_as_many_as_workers_unless_they_are_given(tmp_path, capsys, monkeypatch):
    options = ["infonce-equality", "--set", "components=2", "--set", "dimension=1", "--out", str(tmp_path)]
    monkeypatch.setattr("thmverify.hunting.executors.Pool", Two)
    code, found = answer(capsys, "hunt", *options, "--budget", "500ev", "--workers", "2")
    assert (code, found["islands"]) == (3, 2)
    code, again = answer(capsys, "hunt", *options, "--budget", "2000ev", "--resume")
    assert (again["hunt"], again["islands"]) == (found["hunt"], 2)  # those of the hunt, although there is one worker
    assert again["evaluations"] > found["evaluations"]
    assert answer(capsys, "hunt", *options, "--budget", "500ev", "--islands", "3")[1]["islands"] == 3
    assert main(["hunt", *options, "--resume"]) == 2
    assert "--islands" in capsys.readouterr().err


def test_budgets():
    assert Budget.parse("90s") == Budget(90.0, 0)
    assert Budget.parse("5m") == Budget(300.0, 0)
    assert Budget.parse("2000ev") == Budget(0.0, 2000)
    assert Budget(0.0, 10).spent(1e9, 9) is False
    assert Budget(1.0, 0).spent(1.0, 0) is True


def test_the_plot_rises_and_shows_nought():
    lines = climb_plot([0.0, 1.0, 2.0], [-1.0, 0.0, 1.0], width=12, height=5)
    assert re.search(r"1 \|.*\*$", lines[0])
    assert lines[4].strip().startswith("-1 |*")
    assert "-" in lines[2]
    assert climb_plot([], []) == []
    assert climb_plot([1.0], [0.5])
