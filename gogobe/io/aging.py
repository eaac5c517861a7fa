"""Objects of a store by their age, and their removal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gogobe.io.objects import ObjectStore, modified, open_filesystem


@dataclass(frozen=True)
class OldObject:
    """An object by its address in the store, and its size in bytes."""

    path: str
    size: int

    @property
    def sha256(self) -> str:
        """The hash in the object's name."""
        return self.path.rpartition("/")[2].partition(".")[0]


def old_objects(store: ObjectStore, folder: str, before: datetime) -> Iterator[list[OldObject]]:
    """The objects below a folder of the store that were stored before a time (aware), in groups: those of one
    innermost folder. Links are not followed. Raises one of `store_errors()`."""
    filesystem, root = open_filesystem(store.url, store.endpoint)
    filesystem.invalidate_cache()
    pending = [f"{root}/{folder}"]
    while pending:
        found: list[OldObject] = []
        for entry in _entries(filesystem, pending.pop()):
            if entry.get("islink"):
                continue
            if entry["type"] == "directory":
                pending.append(entry["name"])
            elif modified(entry) < before:
                path = store.path_of(entry["name"].removeprefix(f"{root}/"))
                found.append(OldObject(path, int(entry["size"])))
        if found:
            yield found


def _entries(filesystem: Any, folder: str) -> list[dict[str, Any]]:
    try:
        entries: list[dict[str, Any]] = filesystem.ls(folder, detail=True)
    except FileNotFoundError:
        return []
    return [entry for entry in entries if entry["name"].rstrip("/") != folder]  # S3 may have a folder's marker


def remove_objects(store: ObjectStore, objects: Sequence[OldObject]) -> None:
    """Removes objects of the store, if they still exist. Raises one of `store_errors()`."""
    if not objects:
        return
    paths = [one.path for one in objects]
    if store.local_path(paths[0]) is None:
        open_filesystem(store.url, store.endpoint)[0].rm(paths)
        return
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            Path(path).unlink()
