"""The command line `thmverify`: what it runs, and what it says when something is wrong.

Exit codes: 0 done and as claimed; 1 a claim is refuted or not confirmed; 2 bad input or usage, one line on stderr;
3 undecided; 70 a mistake of ours, with its traceback; 130 interrupted.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TextIO

from verify.cli.app import USAGE_ERROR, app
from verify.cli.output import BAD_INPUT
from verify.errors import InputError, one_line

_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
INTERNAL_ERROR = 70
INTERRUPTED = 130
BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `thmverify` with these arguments (those of the process by default) and return the exit code."""
    os.environ.update(
        dict.fromkeys(_THREADS, "1")
    )  # NumPy is not imported yet; its BLAS reads this, here and in workers
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot write δ still gets the rest
    try:
        code = app(arguments, prog_name="thmverify", standalone_mode=False)
        sys.stdout.flush()
    except InputError as error:
        return _refuse(str(error))
    except USAGE_ERROR as error:
        message = " ".join(error.format_message().split()).rstrip(".")
        return _refuse(f"{one_line(message, 400)}; see `{error.ctx.command_path if error.ctx else 'thmverify'} --help`")
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit:  # typer exits by itself for one reason alone: the reader of stdout is gone
        return BROKEN_PIPE
    except BrokenPipeError:
        _silence(sys.stdout)
        return BROKEN_PIPE
    except Exception as error:  # an exit code of 1 would read as a refuted claim
        if isinstance(error.__cause__, KeyboardInterrupt):  # Python 3.11 wraps one that arrives while a class is made
            return INTERRUPTED
        traceback.print_exc()
        return INTERNAL_ERROR
    return code or 0


def _refuse(message: str) -> int:
    with contextlib.suppress(BrokenPipeError):
        print(f"thmverify: {message}", file=sys.stderr)
    return BAD_INPUT


def _silence(stream: TextIO) -> None:
    """Let the interpreter flush `stream` into nothing when it exits."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
