"""The newest masters snapshot of a store, open once in a process, a newer one taken up while it works."""

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
REFUSED_PAUSE_SECONDS: Final = 300.0
"""How long a snapshot that could not be opened is left alone: fetching it may be a gigabyte each time."""


class News(msgspec.Struct, frozen=True):
    """How many snapshots were taken up, and how many looks and snapshots failed."""

    switches: int
    failures: int


class SnapshotWatch:
    """Looks at a store's pointer at most every `every` seconds, when it is asked; may be shared by threads.

    Failures (an unreachable store, a damaged or incomplete snapshot) are logged and counted, and the open
    snapshot stays in use. `failures` counts since the beginning, `switches` the snapshots that were taken up.
    """

    def __init__(self, store: SnapshotStore, every: float, fallback: str | None = None) -> None:
        """`fallback` is the version to begin with where the pointer cannot be read."""
        self._store = store
        self._every = every
        self._fallback = fallback
        self._lock = threading.Lock()
        self._looker: threading.Thread | None = None
        self._looked = False
        self._due = 0.0
        self._refused: tuple[str, float] | None = None
        self._snapshot: Snapshot | None = None
        self._told = News(0, 0)
        self.failures = 0
        self.switches = 0

    def latest(self) -> Snapshot | None:
        """The snapshot to use now; None where the store has none yet.

        The first call waits for the first look. Later ones never wait: a snapshot is fetched, checked and
        opened in a thread of its own, and the calls after that give it.
        """
        with self._lock:
            if not self._looked:
                self._looked = True
                self._look()
            elif time.monotonic() >= self._due and self._looker is None:
                self._looker = threading.Thread(target=self._look_aside, name="masters-snapshot", daemon=True)
                self._looker.start()
            return self._snapshot

    def news(self) -> News:
        """What has happened since the last call, whichever thread made it."""
        with self._lock:
            since, self._told = self._told, News(self.switches, self.failures)
            return News(self._told.switches - since.switches, self._told.failures - since.failures)

    def _look_aside(self) -> None:
        self._look()
        self._looker = None

    def _look(self) -> None:
        """One look. Nothing that goes wrong with a store or a snapshot may stop those who use the old one."""
        version = self._fallback if self._snapshot is None else None
        try:
            version = self._store.current()
        except Exception:
            self.failures += 1
            logger.exception("masters: the pointer in %s cannot be read", self._store.url)
        self._due = time.monotonic() + self._every
        if version is None or (self._snapshot is not None and version == self._snapshot.version):
            return
        if self._refused is not None and version == self._refused[0] and time.monotonic() < self._refused[1]:
            return
        started = time.monotonic()
        try:
            snapshot = open_snapshot(self._store.fetch(version), check=False)
            Resolver(snapshot).resolve("", [_TRIAL])  # what can be opened but not matched by is refused, too
        except Exception:
            logger.exception(
                "masters: snapshot %s of %s cannot be used, %s stays",
                version,
                self._store.url,
                self._standing(),
            )
            self._refused = version, time.monotonic() + REFUSED_PAUSE_SECONDS
            self.failures += 1
            return
        self._snapshot = snapshot
        self.switches += 1
        logger.info("masters: snapshot %s is in use after %.1f s", version, time.monotonic() - started)

    def _standing(self) -> str:
        return self._snapshot.version if self._snapshot is not None else "none"
