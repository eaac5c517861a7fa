"""What a replica publishes: files with a name, a body and a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

ISRAEL = ZoneInfo("Asia/Jerusalem")


@dataclass(frozen=True)
class ShelfFile:
    """A published file; `modified` is aware. `length` is the size that is listed, the body's unless given."""

    name: str
    body: bytes = b""
    modified: datetime = datetime(2026, 8, 11, 3, tzinfo=UTC)
    length: int | None = None

    @property
    def size(self) -> int:
        return len(self.body) if self.length is None else self.length

    @property
    def local(self) -> datetime:
        """The time as portals write it: Israel's."""
        return self.modified.astimezone(ISRAEL)


@dataclass
class Shelf:
    """The files of one replica, by name; the newest first when listed. They may change at any time."""

    files: dict[str, ShelfFile] = field(default_factory=dict)

    @classmethod
    def of(cls, files: Iterable[ShelfFile]) -> Shelf:
        return cls({file.name: file for file in files})

    def put(self, file: ShelfFile) -> None:
        """Publishes a file, in place of one of the same name."""
        self.files = {**self.files, file.name: file}

    def remove(self, name: str) -> None:
        """Publishes it no longer."""
        self.files = {key: file for key, file in self.files.items() if key != name}

    def __iter__(self) -> Iterator[ShelfFile]:
        return iter(sorted(self.files.values(), key=lambda file: (file.modified, file.name), reverse=True))

    def __len__(self) -> int:
        return len(self.files)
