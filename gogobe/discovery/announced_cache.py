"""A cache of a portal's announced files, which saves database queries."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from gogobe.database.announcements import FileToClaim

# Once a day every file goes to the database, which records that it is still listed.
REMEMBER: Final = timedelta(days=1)


class AnnouncedCache:
    """Hashes (8 bytes each) of announced files in the last listings of a portal."""

    def __init__(self) -> None:
        self._hashes = array("q")
        self._until: datetime | None = None

    def is_new(self, now: datetime) -> bool:
        """Whether the cache is empty: at the first call, and once a day, when this call clears it."""
        if self._until is not None and now < self._until:
            return False
        self._hashes, self._until = array("q"), now + REMEMBER
        return True

    def knows(self, key: int) -> bool:
        """Whether a file with this key (`key_of`) is known to be announced."""
        place = bisect_left(self._hashes, key)
        return place < len(self._hashes) and self._hashes[place] == key

    def replace(self, keys: Iterable[int]) -> None:
        """Replaces the content by these keys."""
        self._hashes = array("q", sorted(keys))

    def add(self, keys: Iterable[int]) -> None:
        """Adds keys."""
        self.replace({*self._hashes, *keys})


def key_of(file: FileToClaim) -> int:
    """A hash of a file's identity and version (size, time, ETag), valid within this process."""
    return hash((file.identity, file.size, file.modified_at, file.etag))
