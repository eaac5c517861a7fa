"""Logs of services: appended, rotated by size, read from their end.

A service writes to its log by itself, with its output connected to the file. So a log that is too large while
its service runs is copied and truncated; at a start it is renamed, which can lose no line.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

MAX_BYTES: Final = 16 << 20
OLD_LOGS: Final = 4
LINES_SHOWN: Final = 15
_BLOCK: Final = 1 << 16
_STARTED: Final = "--- "


def open_log(log: Path, name: str, max_bytes: int = MAX_BYTES) -> BinaryIO:
    """Opens a log to append to, after a line with the time of this start. Rotates it first if it is too large.
    Raises OSError."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if size_of(log) > max_bytes:
        _shift(log)
        log.rename(old_log(log, 1))
    output = log.open("ab")
    output.write(f"{_STARTED}{name} is started at {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n".encode())
    output.flush()
    return output


def trim(log: Path, max_bytes: int = MAX_BYTES) -> bool:
    """Rotates the log of a running service if it is too large: copies it and truncates it. Returns whether it
    did. Raises OSError, as on a full disk; the log is then as it was."""
    if size_of(log) <= max_bytes:
        return False
    _shift(log)
    with log.open("rb+") as source, old_log(log, 1).open("wb") as copy:
        shutil.copyfileobj(source, copy, _BLOCK)
        copy.flush()
        source.truncate(0)
    return True


def old_log(log: Path, number: int) -> Path:
    """The rotated log of this number; 1 is the newest."""
    return log.with_name(f"{log.name}.{number}")


def _shift(log: Path) -> None:
    """Makes room for `NAME.1`; the oldest rotated log is removed."""
    for number in range(OLD_LOGS, 0, -1):
        one = old_log(log, number)
        if number == OLD_LOGS:
            one.unlink(missing_ok=True)
        elif one.exists():
            one.rename(old_log(log, number + 1))


def size_of(log: Path) -> int:
    """The size in bytes; 0 if there is no such file."""
    try:
        return log.stat().st_size
    except FileNotFoundError:
        return 0


def last_lines(log: Path, count: int) -> list[str]:
    """The last lines of a log, read from its end; continued in the rotated ones if it is short."""
    lines: list[str] = []
    for file in (log, *(old_log(log, number) for number in range(1, OLD_LOGS + 1))):
        if len(lines) >= count or not file.exists():
            break
        lines = [*_end_of(file, count - len(lines)), *lines]
    return lines


def _end_of(file: Path, count: int) -> list[str]:
    with file.open("rb") as source:
        place = source.seek(0, os.SEEK_END)
        text = b""
        while place and text.count(b"\n") <= count:
            step = min(_BLOCK, place)
            place = source.seek(place - step)
            text = source.read(step) + text
            source.seek(place)
    return text.decode("utf-8", "replace").splitlines()[-count:] if count else []


def lines_since_start(log: Path, count: int = LINES_SHOWN) -> list[str]:
    """The last lines that a service wrote since it was last started."""
    lines = last_lines(log, count)
    starts = [number for number, line in enumerate(lines) if line.startswith(_STARTED)]
    return lines[starts[-1] + 1 :] if starts else lines


class LogFollower:
    """Lines that are written to logs from now on, with the name of their log."""

    def __init__(self, logs: Mapping[str, Path]) -> None:
        self._logs = logs
        self._places = {name: size_of(log) for name, log in logs.items()}
        self._rests = dict.fromkeys(logs, b"")

    def new_lines(self) -> Iterator[tuple[str, str]]:
        """The whole lines since the last call."""
        for name, log in self._logs.items():
            size = size_of(log)
            if size < self._places[name]:  # it was rotated
                self._places[name] = 0
            if size > self._places[name]:
                with log.open("rb") as source:
                    source.seek(self._places[name])
                    text = self._rests[name] + source.read(size - self._places[name])
                self._places[name] = size
                *whole, self._rests[name] = text.split(b"\n")
                yield from ((name, line.decode("utf-8", "replace")) for line in whole)
