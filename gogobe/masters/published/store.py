"""Masters snapshots in the object store: published atomically by a small pointer, fetched once per machine.

    <store>/<version>/…parts, manifest.json     immutable; the manifest is written last
    <store>/current                             the version in use, as text

A version without its manifest is an incomplete publication and is not used.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from gogobe.io.objects import open_filesystem
from gogobe.masters.snapshot.files import (
    MANIFEST,
    Manifest,
    SnapshotError,
    decode_manifest,
    is_plain,
    verify,
)

CURRENT: Final = "current"
KEPT_IN_CACHE: Final = 2


class StoredSnapshot(msgspec.Struct, frozen=True):
    """A version in the store; `manifest` is None if its publication is incomplete."""

    version: str
    manifest: Manifest | None
    is_current: bool


@dataclass(frozen=True)
class SnapshotStore:
    """A store of snapshots.

    `url` is a folder, `s3://bucket/prefix` or `gs://bucket/prefix`; `endpoint` is a server other than the
    cloud's own. `cache` is the folder on this machine for fetched snapshots, by default one of this user in
    the folder for temporary files; a store in a folder needs none.

    Every method raises one of `store_errors()` if the store cannot be reached.
    """

    url: str
    endpoint: str | None = None
    cache: str = ""

    def current(self) -> str | None:
        """The version in use, None if none has been published. Raises SnapshotError if the pointer holds no
        version."""
        pointer = self._pointer()
        if pointer is not None and not is_plain(pointer):
            remedy = "set one with `gogobe masters rollback VERSION`"
            raise SnapshotError(f"{self.url}/{CURRENT}: {pointer[:100]!r} is not a version; {remedy}")
        return pointer

    def publish(self, folder: Path) -> Manifest:
        """Uploads the snapshot in `folder` and makes it the current one.

        Raises SnapshotError if the folder holds no complete snapshot, if the store has another one under the
        same version, or if a part did not arrive in full; the pointer then stays as it was.
        """
        manifest = verify(folder)
        filesystem, root = open_filesystem(self.url, self.endpoint)
        target = f"{root}/{manifest.version}"
        published = self._manifest(manifest.version)
        if published is None:
            self._upload(folder, manifest, target)
        elif published != manifest:
            raise SnapshotError(
                f"{target}: another snapshot of this version has been published; versions never change: "
                f"build {folder} again"
            )
        _write(filesystem, f"{root}/{CURRENT}", manifest.version.encode())
        return manifest

    def versions(self) -> list[StoredSnapshot]:
        """All versions, newest first."""
        filesystem, root = open_filesystem(self.url, self.endpoint)
        filesystem.invalidate_cache()
        try:
            found = filesystem.ls(root, detail=True)
        except FileNotFoundError:
            return []
        names = {
            entry["name"].rstrip("/").rpartition("/")[2] for entry in found if entry["type"] == "directory"
        }
        current = self._pointer()
        versions = sorted(filter(is_plain, names), reverse=True)
        return [StoredSnapshot(name, self._manifest(name), name == current) for name in versions]

    def rollback(self, version: str | None = None) -> Manifest:
        """Makes an older version the current one: the given one, or the one before the current.

        Raises SnapshotError if there is no such version, or if its publication is incomplete.
        """
        stored = self.versions()
        if version is None:
            version = _before(stored, self.url)
        manifest = next((one.manifest for one in stored if one.version == version), None)
        if manifest is None:
            whole = ", ".join(one.version for one in stored if one.manifest) or "none"
            raise SnapshotError(f"{self.url}: no whole snapshot {version}; there are: {whole}")
        filesystem, root = open_filesystem(self.url, self.endpoint)
        _write(filesystem, f"{root}/{CURRENT}", version.encode())
        return manifest

    def remove_old(self, before: datetime, *, dry_run: bool = False) -> list[str]:
        """Removes the versions that were built before a time (aware), except the current one and the one
        before it; returns them. Incomplete versions, and those of a store without a current one, stay."""
        stored = self.versions()
        current = next((one.version for one in stored if one.is_current), None)
        if current is None:
            return []
        older = [one for one in stored if one.version < current and one.manifest]
        old = [one.version for one in older[1:] if one.manifest and _built_before(one.manifest, before)]
        filesystem, root = open_filesystem(self.url, self.endpoint)
        for version in [] if dry_run else old:
            # Without its manifest a version is incomplete: what is interrupted is not used.
            with contextlib.suppress(FileNotFoundError):
                filesystem.rm_file(f"{root}/{version}/{MANIFEST}")
            filesystem.rm(f"{root}/{version}", recursive=True)
        return old

    def fetch(self, version: str) -> Path:
        """A folder on this machine that holds the version, with the SHA-256 of every part checked.

        The first process of a machine that needs it downloads it; it appears in the cache under its name when
        it is complete. A store in a folder is checked and used in place. Raises SnapshotError if the version
        is missing, incomplete or damaged, or if its manifest names another version.
        """
        if not is_plain(version):
            raise SnapshotError(f"{self.url}: {version[:100]!r} is no version of a snapshot")
        filesystem, root = open_filesystem(self.url, self.endpoint)
        if _is_local(filesystem):
            folder = Path(root) / version
            _verify_version(folder, version)
            return folder
        cache = self._cache_folder()
        folder = cache / version
        with _locked(cache / "lock"):
            if not folder.is_dir():
                _download(filesystem, f"{root}/{version}", folder)
            folder.touch()
            _prune(cache)
        return folder

    def _pointer(self) -> str | None:
        """The content of the pointer."""
        filesystem, root = open_filesystem(self.url, self.endpoint)
        try:
            pointer: bytes = filesystem.cat_file(f"{root}/{CURRENT}")
        except FileNotFoundError:
            return None
        return pointer.decode("utf-8", "replace").strip() or None

    def _manifest(self, version: str) -> Manifest | None:
        filesystem, root = open_filesystem(self.url, self.endpoint)
        where = f"{root}/{version}/{MANIFEST}"
        try:
            manifest = decode_manifest(filesystem.cat_file(where), where)
        except FileNotFoundError:
            return None
        except SnapshotError as error:
            raise SnapshotError(f"{error}; remove {root}/{version}") from error
        return _of_version(manifest, version, where)

    def _upload(self, folder: Path, manifest: Manifest, target: str) -> None:
        filesystem, _ = open_filesystem(self.url, self.endpoint)
        if _is_local(filesystem):
            Path(target).mkdir(parents=True, exist_ok=True)
        names = list(manifest.parts)
        filesystem.put([str(folder / name) for name in names], [f"{target}/{name}" for name in names])
        filesystem.invalidate_cache()
        for name, part in manifest.parts.items():
            size = filesystem.info(f"{target}/{name}")["size"]
            if size != part.size:
                raise SnapshotError(f"{target}/{name}: {size} of {part.size} bytes stored; publish it again")
        _write(filesystem, f"{target}/{MANIFEST}", (folder / MANIFEST).read_bytes())

    def _cache_folder(self) -> Path:
        base = Path(self.cache or Path(tempfile.gettempdir()) / f"gogobe-masters-{os.getuid()}")
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        if base.stat().st_uid != os.getuid():
            raise SnapshotError(f"{base}: belongs to another user; name another folder with masters_cache")
        folder = base / hashlib.sha256(f"{self.url} {self.endpoint}".encode()).hexdigest()[:16]
        folder.mkdir(exist_ok=True)
        return folder


def _download(filesystem: Any, source: str, folder: Path) -> None:
    """Fetches a version into a folder that appears when it is complete."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as scratch:
        part = Path(scratch) / "snapshot"
        part.mkdir()
        try:
            filesystem.get_file(f"{source}/{MANIFEST}", str(part / MANIFEST))
            manifest = decode_manifest((part / MANIFEST).read_bytes(), f"{source}/{MANIFEST}")
            _check_sizes(filesystem, source, manifest)
            names = list(manifest.parts)
            filesystem.get([f"{source}/{name}" for name in names], [str(part / name) for name in names])
        except FileNotFoundError as error:
            raise SnapshotError(f"{source}: no whole snapshot ({error}); publish it again") from error
        _verify_version(part, folder.name)
        part.rename(folder)


def _check_sizes(filesystem: Any, source: str, manifest: Manifest) -> None:
    """Raises SnapshotError if the size of a part is not the manifest's, before anything is fetched."""
    filesystem.invalidate_cache()
    found = {entry["name"].rpartition("/")[2]: entry["size"] for entry in filesystem.ls(source, detail=True)}
    for name, part in manifest.parts.items():
        if found.get(name) != part.size:
            size = f"{found[name]} bytes" if name in found else "missing"
            raise SnapshotError(f"{source}/{name}: {size}, its manifest says {part.size}; publish it again")


def _verify_version(folder: Path, version: str) -> None:
    _of_version(verify(folder), version, str(folder / MANIFEST))


def _of_version(manifest: Manifest, version: str, where: str) -> Manifest:
    if manifest.version != version:
        raise SnapshotError(f"{where}: names snapshot {manifest.version}, not {version}; remove it")
    return manifest


def _is_local(filesystem: Any) -> bool:
    return "file" in (filesystem.protocol if isinstance(filesystem.protocol, tuple) else (filesystem.protocol,))


def _write(filesystem: Any, path: str, data: bytes) -> None:
    """Writes a small object atomically."""
    if not _is_local(filesystem):
        filesystem.pipe_file(path, data)
        return
    target = Path(path)
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    part.write_bytes(data)
    part.replace(target)


def _built_before(manifest: Manifest, before: datetime) -> bool:
    try:
        built = datetime.fromisoformat(manifest.created_at)
    except ValueError:
        return False
    return (built if built.tzinfo else built.replace(tzinfo=UTC)) < before


def _before(stored: list[StoredSnapshot], url: str) -> str:
    current = next((one.version for one in stored if one.is_current), None)
    older = [one.version for one in stored if one.manifest and current and one.version < current]
    if not older:
        raise SnapshotError(f"{url}: no snapshot before {current or 'the first'} to roll back to")
    return older[0]


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock among the processes of this machine."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _prune(cache: Path) -> None:
    """Removes all but the most recently used versions. A process that has mapped a removed one keeps its
    data."""
    folders = sorted((one for one in cache.iterdir() if one.is_dir()), key=lambda one: one.stat().st_mtime)
    for folder in folders[:-KEPT_IN_CACHE]:
        shutil.rmtree(folder, ignore_errors=True)
