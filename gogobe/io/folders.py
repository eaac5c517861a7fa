"""Durable files of a folder store.

A file is written below `.incoming/`, synced, renamed to its key, and its folder is synced. After a crash of
the machine an object is complete or missing, and a missing object was not acknowledged. Paths are strings,
because a worker stores hundreds of files a second and pathlib is slow.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
import uuid
from functools import lru_cache
from typing import Final

PARTS: Final = ".incoming"
# A partial file of a killed worker; no download takes as long.
STALE_SECONDS: Final = 2 * 86_400.0


def new_part(root: str) -> str:
    """A new path below the store's root for a partial file. Creates the folder."""
    folder = os.path.join(root, PARTS)
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, uuid.uuid4().hex)


def drop_stale_parts(root: str) -> int:
    """Removes partial files of killed workers. Returns their number."""
    count, before = 0, time.time() - STALE_SECONDS
    with contextlib.suppress(FileNotFoundError), os.scandir(os.path.join(root, PARTS)) as parts:
        for part in parts:
            with contextlib.suppress(FileNotFoundError):  # another worker was first
                if part.stat().st_mtime < before:
                    os.unlink(part.path)
                    count += 1
    return count


@lru_cache(maxsize=4096)
def refuse_links(root: str, folder: str) -> None:
    """Raises PermissionError if a link in the store's folder leads out of it. A folder is checked once per
    process: messages cannot create links."""
    real, real_root = os.path.realpath(folder), os.path.realpath(root)
    if os.path.commonpath([real, real_root]) != real_root:
        raise PermissionError(f"{folder}: a link leads out of {root}; name that folder as the store")


def put_file(root: str, target: str, source: str) -> None:
    """Copies a local file to `target`, unless a file of the same size exists. Raises OSError."""
    if _has_as_many(target, source):
        _renew(target)
        _sync(os.path.dirname(target))
        return
    part = new_part(root)
    try:
        shutil.copyfile(source, part)
        move_file(target, part)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)


def move_file(target: str, part: str) -> None:
    """Renames a partial file of the same store to `target`, or removes it if a file of the same size exists.
    Content and name are durable when it returns. Raises OSError; the partial file may then remain."""
    folder = os.path.dirname(target)
    if _has_as_many(target, part):
        _renew(target)
        os.unlink(part)  # another thread may have renamed its copy a moment ago
    else:
        _sync(part)
        try:
            os.replace(part, target)
        except FileNotFoundError:
            _make_folders(folder)
            os.replace(part, target)
    _sync(folder)


def _renew(target: str) -> None:
    """Sets a file's time to now: what is needed again is not removed for its age."""
    with contextlib.suppress(PermissionError):  # another account's file
        os.utime(target)


def _has_as_many(target: str, source: str) -> bool:
    try:
        return os.lstat(target).st_size == os.stat(source).st_size
    except FileNotFoundError:
        return False


def _make_folders(folder: str) -> None:
    """Creates a folder and its missing parents, durably."""
    parent = os.path.dirname(folder)
    if not os.path.isdir(parent):
        _make_folders(parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder)
        _sync(parent)


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Network file systems may not support fsync of a folder.
        if error.errno not in (errno.EINVAL, errno.EBADF) or not os.path.isdir(path):
            raise
    finally:
        os.close(descriptor)
