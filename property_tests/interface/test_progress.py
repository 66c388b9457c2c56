"""How far long work is: a line now and then on stderr where there is no terminal, with an estimate of the time left."""

from __future__ import annotations

import sys

import pytest

from thmverify.cli.output import LOG_EVERY, ProgressLog, duration, progress


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_now_and_then_says_how_much_is_left(capsys):
    clock = Clock()
    log = ProgressLog("verifying", 400, clock)
    for done in range(1, 401):
        clock.now = done * LOG_EVERY / 100
        log(done)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "thmverify: verifying: 25 % done, about 3 min left",
        "thmverify: verifying: 50 % done, about 2 min left",
        "thmverify: verifying: 75 % done, about 60 s left",
        "thmverify: verifying: 100 % done, about 0 s left",
    ]


def test_the_stage_under_way_is_named(capsys):
    clock = Clock()
    log = ProgressLog("report", 1.0, clock)
    clock.now = 3 * LOG_EVERY
    log(0.5, description="report: necessity")
    assert capsys.readouterr().err == "thmverify: report: necessity: 50 % done, about 3 min left\n"


@pytest.mark.parametrize(("total", "done"), [(None, 5), (10, 0), (10, None)])
def test_nothing_is_said_where_nothing_is_known(total, done, capsys):
    clock = Clock()
    log = ProgressLog("minimising", total, clock)
    clock.now = 100 * LOG_EVERY
    log(done)
    assert capsys.readouterr().err == ""


def test_work_goes_on_where_stderr_cannot_be_written(monkeypatch):
    class Full:
        def write(self, _text):
            raise OSError("no space left")

        def flush(self):
            pass

        def isatty(self):
            return False

    monkeypatch.setattr(sys, "stderr", Full())
    clock = Clock()
    log = ProgressLog("verifying", 2, clock)
    clock.now = 2 * LOG_EVERY
    log(1)
    with progress("verifying", 2) as advance:
        advance(1)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h")]
)
def test_times_are_in_the_unit_that_suits_them(seconds, text):
    assert duration(seconds) == text
