"""Output that cannot be written: a full disk, a closed stdout, a reader that went away. No traceback, no success."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CERTIFICATE = "theorems/counterexamples/infonce-equality.json"
UNWRITTEN, BROKEN_PIPE = 74, 141
KERNEL = ["thmverify.kernel", CERTIFICATE, CERTIFICATE]
COMMANDS = [
    KERNEL,
    ["thmverify", "--help"],
    ["thmverify", "--version"],
    ["thmverify", "list"],
    ["thmverify", "show", "lemma-4.2"],
    ["thmverify", "check", CERTIFICATE],
    ["thmverify", "check", CERTIFICATE, "--json"],
    ["thmverify", "loss", "spectral", "examples/gmm.json", "examples/encoder.json"],
    ["thmverify", "minimize", "pca", "examples/shared-gmm.json", "--json"],
    ["thmverify", "decide", "infonce-inclusion", "examples/shared-gmm.json"],
]
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")


def run(module: str, *arguments: str, flags: tuple[str, ...] = (), **options) -> subprocess.CompletedProcess:
    command = [sys.executable, *flags, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False, **options)


def one_line(done: subprocess.CompletedProcess) -> str:
    assert done.returncode == UNWRITTEN
    assert done.stderr.count("\n") == 1
    assert "stdout" in done.stderr
    return done.stderr


@full
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_full_disk_is_one_line(command):
    with open("/dev/full", "w", encoding="utf-8") as stream:
        assert "no space left" in one_line(run(*command, stdout=stream)).lower()


@full
@pytest.mark.parametrize("flags", [("-u",), ("-X", "dev")], ids=" ".join)
@pytest.mark.parametrize("command", [KERNEL, ["thmverify", "list"]], ids=["kernel", "list"])
def test_a_full_disk_is_one_line_however_python_writes(command, flags):
    with open("/dev/full", "w", encoding="utf-8") as stream:
        one_line(run(*command, flags=("-W", "ignore", *flags), stdout=stream))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_closed_stdout_is_one_line(command):
    one_line(run(*command, preexec_fn=lambda: os.close(1)))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_pipe_without_a_reader_is_quiet(command):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run(*command, stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, "")


@full
@pytest.mark.parametrize("command", [KERNEL, ["thmverify", "list"]], ids=["kernel", "list"])
def test_the_exit_code_survives_where_nothing_can_be_written_at_all(command):
    with open("/dev/full", "w", encoding="utf-8") as stream:
        command = [sys.executable, "-m", *command]
        assert subprocess.run(command, cwd=ROOT, stdout=stream, stderr=stream, check=False).returncode == UNWRITTEN
    closed = subprocess.run(command, cwd=ROOT, preexec_fn=lambda: os.closerange(0, 3), check=False)
    assert closed.returncode == UNWRITTEN


@full
def test_bad_input_keeps_its_code_where_stderr_cannot_be_written():
    command = [sys.executable, "-m", "thmverify", "show", "lemma-9.9"]
    with open("/dev/full", "w", encoding="utf-8") as stream:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stream, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, preexec_fn=lambda: os.close(2), check=False)
    assert (done.returncode, done.stdout) == (2, b"")


def test_nothing_is_written_to_a_file_in_the_place_of_a_closed_stdout(tmp_path):
    out = tmp_path / "hunts"
    one_line(run("thmverify", "hunt", "infonce-top-r", "--out", str(out), preexec_fn=lambda: os.close(1)))
    assert not out.exists()
