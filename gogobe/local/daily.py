"""A command that a local stack runs once a day: `gogobe retention`, for what is the stack's own."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from gogobe.local.addresses import StackAddresses

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 86_400.0


def retention_command(var: Path, addresses: StackAddresses) -> tuple[str, ...]:
    """The command that removes old data of a stack; never that of servers that settings name."""
    return (
        sys.executable, "-m", "gogobe", "retention", f"--var={var}", f"--database={addresses.database}",
        f"--kafka={addresses.kafka}", f"--store={var / 'store'}", f"--masters={var / 'masters'}",
    )  # fmt: skip


class Daily:
    """Runs `command` a day after the first call and each day from then on; `stamp` is a file with the time of
    the last run, `log` gets the output."""

    def __init__(self, command: Sequence[str], stamp: Path, log: Path) -> None:
        self._command = command
        self._stamp = stamp
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def look(self, now: float, ready: Callable[[], bool]) -> None:
        """Starts the command if it is due at `now` (seconds since the epoch) and the stack is `ready`. Raises
        OSError."""
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return
            self._process = None
            if code:
                logger.error("%s ended with code %d: see the lines above", " ".join(self._command[:4]), code)
        if not self._stamp.exists():
            self._note(now)
        if now - self._stamp.stat().st_mtime < EVERY_SECONDS or not ready():
            return
        self._note(now)
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    def _note(self, now: float) -> None:
        self._stamp.touch()
        os.utime(self._stamp, (now, now))
