"""The newest masters snapshot of a store, opened once in a process and replaced while it works."""

from __future__ import annotations

import logging
import threading
import time
from decimal import Decimal
from typing import Final

import msgspec

from gogobe.masters.matching.resolver import Resolver
from gogobe.masters.published.store import SnapshotStore
from gogobe.masters.snapshot.files import Snapshot, open_snapshot
from gogobe.records.rows import Item

logger = logging.getLogger(__name__)

_TRIAL: Final = Item("0", Decimal(1), 1, name="עגבניה לניסיון בלבד")
REJECTED_PAUSE_SECONDS: Final = 300.0
"""How long a snapshot that could not be opened is not tried again: each fetch may be a gigabyte."""


class SnapshotChanges(msgspec.Struct, frozen=True):
    """How many snapshots were put into use, and how many checks of the pointer and snapshots failed."""

    switches: int
    failures: int


class SnapshotWatch:
    """Reads a store's pointer at most every `every` seconds, when `latest` is called; threads may share it.

    Failures (an unreachable store, a damaged or incomplete snapshot) are logged and counted, and the open
    snapshot stays in use. `failures` and `switches` (snapshots put into use) count from the start.
    """

    def __init__(self, store: SnapshotStore, every: float, fallback: str | None = None) -> None:
        """`fallback` is the version to start with if the pointer cannot be read."""
        self._store = store
        self._every = every
        self._fallback = fallback
        self._lock = threading.Lock()
        self._checker: threading.Thread | None = None
        self._checked = False
        self._due = 0.0
        self._rejected: tuple[str, float] | None = None
        self._snapshot: Snapshot | None = None
        self._reported = SnapshotChanges(0, 0)
        self.failures = 0
        self.switches = 0

    def latest(self) -> Snapshot | None:
        """The snapshot to use now; None while the store has none.

        The first call waits for the first check. Later calls never wait: a thread fetches, checks and opens a
        newer snapshot, and the calls after that return it.
        """
        with self._lock:
            if not self._checked:
                self._checked = True
                self._check()
            elif time.monotonic() >= self._due and self._checker is None:
                self._checker = threading.Thread(
                    target=self._check_in_background, name="masters-snapshot", daemon=True
                )
                self._checker.start()
            return self._snapshot

    def changes(self) -> SnapshotChanges:
        """The changes since the last call, by any thread."""
        with self._lock:
            since, self._reported = self._reported, SnapshotChanges(self.switches, self.failures)
            return SnapshotChanges(
                self._reported.switches - since.switches, self._reported.failures - since.failures
            )

    def _check_in_background(self) -> None:
        self._check()
        self._checker = None

    def _check(self) -> None:
        """Check once. A fault of a store or a snapshot must not stop the users of the open one."""
        version = self._fallback if self._snapshot is None else None
        try:
            version = self._store.current()
        except Exception:
            self.failures += 1
            logger.exception("masters: the pointer in %s cannot be read", self._store.url)
        self._due = time.monotonic() + self._every
        if version is None or (self._snapshot is not None and version == self._snapshot.version):
            return
        if self._rejected is not None and version == self._rejected[0] and time.monotonic() < self._rejected[1]:
            return
        started = time.monotonic()
        try:
            snapshot = open_snapshot(self._store.fetch(version), check=False)
            Resolver(snapshot).resolve("", [_TRIAL])  # a snapshot that opens but cannot match is rejected
        except Exception:
            logger.exception(
                "masters: snapshot %s of %s cannot be used; %s stays in use",
                version,
                self._store.url,
                self._version_in_use(),
            )
            self._rejected = version, time.monotonic() + REJECTED_PAUSE_SECONDS
            self.failures += 1
            return
        self._snapshot = snapshot
        self.switches += 1
        logger.info("masters: snapshot %s is in use after %.1f s", version, time.monotonic() - started)

    def _version_in_use(self) -> str:
        return self._snapshot.version if self._snapshot is not None else "none"
