"""What an agent remembers of a portal's announced files, so that it asks the database only about the others."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from gogobe.database.announcements import Listed

# The database is asked about everything once a day: it notes then what is still listed.
REMEMBER: Final = timedelta(days=1)


class Memory:
    """Hashes of the files of a portal's last listings that are known to be announced: eight bytes each."""

    def __init__(self) -> None:
        self._hashes = array("q")
        self._until: datetime | None = None

    def is_new(self, now: datetime) -> bool:
        """Whether nothing is remembered, because it is the first time or a day has passed (then it is all
        forgotten)."""
        if self._until is not None and now < self._until:
            return False
        self._hashes, self._until = array("q"), now + REMEMBER
        return True

    def knows(self, key: int) -> bool:
        """Whether a file with this key, as `key_of` makes it, is known to be announced."""
        place = bisect_left(self._hashes, key)
        return place < len(self._hashes) and self._hashes[place] == key

    def replace(self, keys: Iterable[int]) -> None:
        """Remembers these files and no others."""
        self._hashes = array("q", sorted(keys))

    def add(self, keys: Iterable[int]) -> None:
        """Remembers these files too."""
        self.replace({*self._hashes, *keys})


def key_of(file: Listed) -> int:
    """What a file is remembered by: its identity and what tells its contents apart, within this process."""
    return hash((file.identity, file.size, file.modified_at, file.etag))
