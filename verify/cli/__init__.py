"""The command line `thmverify`: what it runs, and what it says when something is wrong.

Exit codes: 0 done and as claimed; 1 a claim is refuted or not confirmed; 2 bad input or usage, one line on stderr;
3 undecided; 70 a mistake of ours, with its traceback; 74 the output cannot be written, one line on stderr;
130 interrupted; 141 the reader of the output went away.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import os
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from typing import Any, TextIO

from typer.main import get_command

from thmverify.cli.app import USAGE_ERROR, app
from thmverify.cli.output import BAD_INPUT, Output, OutputError
from thmverify.errors import InputError, one_line, shown

_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_YOUNG = 50_000  # objects that are made before the first are looked at as garbage: imports make many, and none
INTERNAL_ERROR = 70
UNWRITTEN = 74
INTERRUPTED = 130
BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `thmverify` with these arguments (those of the process by default) and return the exit code."""
    os.environ.update(
        dict.fromkeys(_THREADS, "1")
    )  # NumPy is not imported yet; its BLAS reads this, here and in workers
    gc.set_threshold(_YOUNG)
    atexit.register(gc.freeze)  # what is there at the end goes with the process: to look through it takes a while
    if sys.stderr is None:  # closed by whoever started us: its number is not to go to a file
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (as long as the process)
    if sys.stdout is None:
        return _unwritten("is closed")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot write δ still gets the rest
    try:
        with contextlib.redirect_stdout(Output(sys.stdout)):
            return _run(arguments)
    except OutputError as error:
        _silence(sys.stdout)
        return BROKEN_PIPE if error.gone else _unwritten(f"cannot be written ({error})")


def _run(arguments: Sequence[str] | None) -> int:
    """Run the command; what ends it becomes an exit code, but for an output that cannot be written."""
    try:
        code = _command()(arguments, prog_name="thmverify", standalone_mode=False)
        sys.stdout.flush()
    except InputError as error:
        return _refuse(str(error))
    except USAGE_ERROR as error:
        return _refuse(f"{_misused(error)}; see `{error.ctx.command_path if error.ctx else 'thmverify'} --help`")
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit:  # typer exits by itself for one reason alone: a pipe whose other end is gone
        return BROKEN_PIPE
    except OutputError:
        raise
    except Exception as error:  # an exit code of 1 would read as a refuted claim
        if isinstance(error.__cause__, KeyboardInterrupt):  # Python 3.11 wraps one that arrives while a class is made
            return INTERRUPTED
        _say(traceback.format_exc().rstrip())
        return INTERNAL_ERROR
    return code or 0


@cache
def _command() -> Any:
    """Return the commands, made from their functions once a process."""
    return get_command(app)


def _misused(error: Any) -> str:
    """Return what is wrong with the arguments: for a value that an option does not take, its name, value and rule."""
    message = " ".join(error.format_message().split()).rstrip(".")
    option, broken = getattr(error, "param", None), error.__cause__
    if option is None or not hasattr(broken, "errors"):
        return one_line(message, 400)
    first = broken.errors()[0]  # of pydantic, by which typer reads values
    rule = first["msg"].partition(", unable")[0].removeprefix("Value error, ").rstrip(".")
    rule = rule.replace("Input should be", "must be").removeprefix(f"{first['input']!r} ")
    name = max(option.opts, key=len) if option.param_type_name == "option" else option.human_readable_name
    return f"{name}: {shown(first['input'])}: {one_line(rule, 400)}"


def _refuse(message: str) -> int:
    _say(f"thmverify: {message}")
    return BAD_INPUT


def _unwritten(what: str) -> int:
    remedy = "send it to a file or a pipe that takes it; the exit code of what was asked is lost"
    _say(f"thmverify: stdout: {what}; {remedy}")
    return UNWRITTEN


def _say(text: str) -> None:
    """Write to stderr; where that fails as well, there is nobody to tell."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        _silence(sys.stderr)


def _silence(stream: TextIO) -> None:
    """Let the interpreter flush `stream` into nothing when it exits."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
