"""Free space of disks: read, judged, and watched while a command runs."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import click
import msgspec

from gogobe.settings import Settings

SPACE_LOW: Final = 2 << 30
SPACE_GONE: Final = 64 << 20
LOOK_SECONDS: Final = 2.0


class Disk(msgspec.Struct, frozen=True):
    """The free and total bytes of the disk of a folder."""

    folder: str
    free: int
    total: int

    @property
    def shortage(self) -> Literal["full", "almost full"] | None:
        """Whether it is full or almost full; a small disk by its size."""
        if self.free < min(SPACE_GONE, self.total // 20):
            return "full"
        return "almost full" if self.free < min(SPACE_LOW, self.total // 10) else None

    def sentence(self) -> str:
        """Its shortage as a sentence."""
        return f"the disk of {self.folder} is {self.shortage}: {self.free >> 20} MB are left"


def disks_of(folders: Sequence[Path]) -> Iterator[Disk]:
    """The disks of folders, each once; of a folder that does not exist yet, that of the nearest one above
    it. A folder that cannot be read is left out."""
    seen = set()
    for folder in folders:
        there = next((one for one in (folder, *folder.absolute().parents) if one.is_dir()), None)
        if there is None:
            continue
        try:
            device = there.stat().st_dev
            usage = shutil.disk_usage(there)
        except OSError:
            continue
        if device not in seen:
            seen.add(device)
            yield Disk(str(folder), usage.free, usage.total)


def written_folders(settings: Settings, var: Path) -> list[Path]:
    """The folders of this machine that a load writes to: the stack's, the store's, temporary files."""
    store = [] if "://" in settings.store else [Path(settings.store)]
    return [var, *store, Path(tempfile.gettempdir())]


def size_text(count: int) -> str:
    """Bytes for people: `46.6 GB`, `24 MB`."""
    return f"{count / (1 << 30):,.1f} GB" if count >= 1 << 30 else f"{count >> 20} MB"


def _warn(text: str) -> None:
    click.echo(f"warning: {text}", err=True)


@contextlib.contextmanager
def space_watched(
    folders: Sequence[Path], say: Callable[[str], None] = _warn, every: float = LOOK_SECONDS
) -> Iterator[None]:
    """For the length of a `with`, `say` gets a sentence when a disk of the folders is almost full, at once if
    it is so at the beginning, and another when it is full."""
    ended = threading.Event()
    said: set[tuple[str, str]] = set()

    def look() -> None:
        for disk in disks_of(folders):
            if disk.shortage is not None and (disk.folder, disk.shortage) not in said:
                said.add((disk.folder, disk.shortage))
                say(disk.sentence())

    def watch() -> None:
        while not ended.wait(every):
            look()

    look()
    watcher = threading.Thread(target=watch, name="space", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
