"""Conditions for starting and stopping a stack: one owner of its folder, disk space, and signals that end a
`with`."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Final

from gogobe.local.processes import StackError

MIN_FREE: Final = 256 << 20


@contextlib.contextmanager
def locked(var: Path) -> Iterator[None]:
    """Holds the lock of a stack's folder, which is created if missing, for the length of a `with`. Raises
    StackError if another process has it."""
    with explained(var):
        var.mkdir(parents=True, exist_ok=True)
        file = (var / "stack.lock").open("a+")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            message = f"the stack over {var} belongs to process {file.read()}: wait, or end that one"
            raise StackError(message) from None
        with explained(var):
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        yield


def check_space(var: Path) -> None:
    """Raises StackError if the disk of the folder has too little space to start a stack."""
    free = shutil.disk_usage(var).free
    if free < MIN_FREE:
        raise StackError(
            f"{free >> 20} MB are free in {var}, and the stack needs {MIN_FREE >> 20} MB to start: "
            "free some, or give another folder with --var"
        )


@contextlib.contextmanager
def explained(var: Path) -> Iterator[None]:
    """Raises an error of the file system as a StackError that names the folder."""
    try:
        yield
    except OSError as error:
        where = error.filename or var
        raise StackError(
            f"the folder {var} cannot be used: {where}: {error.strerror or error}: give another with --var"
        ) from error


@contextlib.contextmanager
def signals_as_exit() -> Iterator[None]:
    """SIGTERM and SIGHUP raise SystemExit for the length of a `with`, so that it is left as after Ctrl-C.
    Only in the main thread; others cannot set signal handlers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def keep_private(var: Path) -> None:
    """Makes the folders of data and logs, which only their owner may enter: Kafka and Flink write their files
    readable for every account. Raises OSError."""
    for name in ("data", "log"):
        (var / name).mkdir(parents=True, exist_ok=True)
        (var / name).chmod(0o700)
