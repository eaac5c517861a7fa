"""The content of a replica: files with a name, a body and a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

ISRAEL = ZoneInfo("Asia/Jerusalem")


@dataclass(frozen=True)
class ShelfFile:
    """A published file; `modified` is aware. `length` is the listed size, by default that of the body. A
    missing file is listed, and its address answers 404."""

    name: str
    body: bytes = b""
    modified: datetime = datetime(2026, 8, 11, 3, tzinfo=UTC)
    length: int | None = None
    is_missing: bool = False

    @property
    def size(self) -> int:
        """The listed size, in bytes."""
        return len(self.body) if self.length is None else self.length

    @property
    def local(self) -> datetime:
        """`modified` in Israel's time, as portals write it."""
        return self.modified.astimezone(ISRAEL)


@dataclass
class Shelf:
    """The files of one replica, by name. Iteration gives the newest first. Files may change at any time."""

    files: dict[str, ShelfFile] = field(default_factory=dict)

    @classmethod
    def of(cls, files: Iterable[ShelfFile]) -> Shelf:
        """A shelf with these files."""
        return cls({file.name: file for file in files})

    def put(self, file: ShelfFile) -> None:
        """Publishes a file; replaces one of the same name."""
        self.files = {**self.files, file.name: file}

    def remove(self, name: str) -> None:
        """Removes a file."""
        self.files = {key: file for key, file in self.files.items() if key != name}

    def __iter__(self) -> Iterator[ShelfFile]:
        return iter(sorted(self.files.values(), key=lambda file: (file.modified, file.name), reverse=True))

    def __len__(self) -> int:
        return len(self.files)
