"""The object store: a folder, S3 or GCS, by one small class over fsspec.

Objects are content-addressed: if an object with the same size exists under the key, `put` does nothing. An
interrupted `put` leaves no object under the key: a folder renames the complete file, and S3 and GCS show only
complete objects.

Addresses come from external messages. A store reads and writes only below its own root: no key and no address
leaves it, neither by its text nor by a link in a folder.
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from urllib.parse import unquote, urlsplit

import fsspec

from gogobe.io import folders

# Keys of raw files have up to 140 characters; S3 and GCS accept 1,024 bytes, including the store's prefix.
MAX_KEY: Final = 256
MAX_NAME_BYTES: Final = 255
# A put into a cloud holds this much of its file in memory, twice at most; the libraries' own 50 MB, ten times.
PART_BYTES: Final = 8 << 20
_PARTS_AT_ONCE: Final = 2
# An object of a bucket that is put again is written again if it is older, because its age counts for retention.
RENEWED_AFTER: Final = timedelta(days=1)
_SUFFIX: Final = re.compile(r"\.[a-z0-9]{1,8}\Z")
_NO_NAME: Final = re.compile(r"[\x00-\x1f\x7f/\\?#\ud800-\udfff]")


def open_filesystem(url: str, endpoint: str | None = None) -> tuple[Any, str]:
    """The fsspec filesystem for a store's URL (with its endpoint, unless it is a folder), and the store's
    root in it."""
    scheme = urlsplit(url).scheme
    if scheme == "gs":
        return _gcs(endpoint), url.removeprefix("gs://").rstrip("/")
    options = {"endpoint_url": endpoint} if endpoint and scheme not in ("", "file") else {}
    filesystem, root = fsspec.core.url_to_fs(url, **options)
    return filesystem, root.rstrip("/")


def _gcs(endpoint: str | None) -> Any:
    """gcsfs's plain filesystem. fsspec's default would first request the type of a bucket by gRPC; servers
    other than the cloud's own do not support that, and every call would wait for up to a minute."""
    from gcsfs.core import GCSFileSystem

    return GCSFileSystem(endpoint_url=endpoint)


def store_errors() -> tuple[type[Exception], ...]:
    """The exceptions of a store that is unreachable or refuses: OSError, and those of the cloud libraries.

    Call it within the `except`: without an error these libraries are not imported.
    """
    from aiohttp import ClientError
    from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]
    from gcsfs.retry import HttpError
    from google.auth.exceptions import GoogleAuthError

    return OSError, BotoCoreError, ClientError, HttpError, GoogleAuthError


def content_key(chain: str, sha256: str, file_name: str) -> str:
    """The key of a raw file below the store's root: the chain (in messages a valid folder name), then the
    hash of its bytes.

    A plausible suffix of the published name is kept for people; no code reads it.
    """
    suffix = _SUFFIX.search(file_name.lower())
    return f"raw/{chain}/{sha256[:2]}/{sha256}{suffix[0] if suffix else ''}"


def open_address(address: str, endpoint: str | None = None) -> BinaryIO:
    """Opens a file that a user names, at any place, for reading: a path, `s3://…` or `gs://…`. Never use it
    for an address from a message. Raises FileNotFoundError, one of `store_errors()`, ValueError."""
    if urlsplit(address).scheme in ("", "file"):
        return _path(address).open("rb")
    filesystem, path = open_filesystem(address, endpoint)
    return cast("BinaryIO", filesystem.open(path, "rb"))


def _path(address: str) -> Path:
    """The path of a folder or file, given with or without `file:`."""
    return Path(urlsplit(address).path if address.startswith("file:") else address)


class OutsideStoreError(ValueError):
    """An address or a key that is not an object of the store; the message has it and the store."""


def _is_plain(name: str) -> bool:
    """Whether a part of a key is a plain name, which no file system or server can interpret as a path out of
    the store, even after any number of decodings of `%2e` and the like."""
    forms = [name]
    while (decoded := unquote(forms[-1])) != forms[-1]:
        forms.append(decoded)
    plain = all(one not in ("", ".", "..") and not _NO_NAME.search(one) for one in forms)
    return plain and len(name.encode()) <= MAX_NAME_BYTES


@dataclass(frozen=True)
class ObjectStore:
    """`url` is a folder, `s3://bucket/prefix` or `gs://bucket/prefix`. `endpoint` is an S3 or GCS server
    other than the cloud's own (MinIO, a test server). Credentials come from the environment, as for the
    cloud's own tools.

    If the store is unreachable or refuses, every method raises one of `store_errors()`.
    """

    url: str
    endpoint: str | None = None

    @property
    def _scheme(self) -> str:
        return _scheme_of(self.url)

    def _filesystem(self) -> Any:
        return open_filesystem(self.url, self.endpoint)[0]

    @property
    def _root(self) -> str:
        """The common beginning of all objects' addresses, without its final slash."""
        return _root_of(self.url)

    def path_of(self, key: str) -> str:
        """The full address of an object: an absolute path in a folder store, otherwise a URL. Raises
        OutsideStoreError."""
        return self._checked(f"{self._root}/{key}")

    def put(self, key: str, source: Path) -> str:
        """Stores a local file under the key, unless an object of the same size exists there. Returns its
        address. The age of an object counts from its latest `put`, so that retention keeps a file that is
        announced again; in a bucket an object younger than `RENEWED_AFTER` is not written again.

        Raises OutsideStoreError for a key that leaves the store, PermissionError for a link in the store's
        folder that does.
        """
        target = self.path_of(key)
        if self._scheme == "file":
            folders.refuse_links(self._root, target.rpartition("/")[0])
            folders.put_file(self._root, target, str(source))
        else:
            filesystem = self._filesystem()
            if not _is_stored(filesystem, target, source.stat().st_size):
                filesystem.put_file(str(source), target, chunksize=PART_BYTES, max_concurrency=_PARTS_AT_ONCE)
        return target

    def new_part(self) -> Path:
        """A new local path for a file that will be stored with `move`; in a folder store, a path inside the
        store, so that `move` renames it without a copy."""
        if self._scheme == "file":
            return Path(folders.new_part(self._root))
        return Path(tempfile.gettempdir(), f"gogobe-{uuid.uuid4().hex}")

    def drop_stale_parts(self) -> int:
        """Removes partial files of killed workers from a folder store. Returns their number."""
        return folders.drop_stale_parts(self._root) if self._scheme == "file" else 0

    def move(self, key: str, part: Path) -> str:
        """Stores a file at a path from `new_part` under the key, unless an object of the same size exists, and
        removes the local file. Returns the address. Raises as `put`."""
        if self._scheme == "file":
            target = self.path_of(key)
            folders.refuse_links(self._root, target.rpartition("/")[0])
            folders.move_file(target, str(part))
        else:
            target = self.put(key, part)
            part.unlink()
        return target

    def open(self, path: str) -> BinaryIO:
        """Opens an address returned by `put` for reading; seekable. Raises OutsideStoreError,
        FileNotFoundError."""
        path = self._checked(path)
        if self._scheme != "file":
            opened = self._filesystem().open(path, "rb")
            if opened.details["type"] == "file":
                return cast("BinaryIO", opened)
            opened.close()
        elif (file := self._inside(path)) is None:
            raise OutsideStoreError(f"{path}: a link leads out of {self._root}")
        elif file.is_file():
            return file.open("rb")
        raise FileNotFoundError(errno.ENOENT, "no such object", path)

    def has(self, path: str) -> bool:
        """Whether an address is that of an existing object of the store; False for an address outside of
        it."""
        try:
            self.open(path).close()
        except (OutsideStoreError, FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return False
        return True

    def local_file(self, hint: str | None) -> Path | None:
        """The local file in a message's `local_path`, if it is in this store's folder."""
        try:
            file = self._inside(self._checked(hint)) if hint and self._scheme == "file" else None
        except OutsideStoreError:
            return None
        return file if file is not None and file.is_file() else None

    def _checked(self, path: str) -> str:
        """An address of an object below the root, checked by its text only. Raises OutsideStoreError."""
        key = path.removeprefix(f"{self._root}/")
        if key == path or len(key) > MAX_KEY or not all(map(_is_plain, key.split("/"))):
            raise OutsideStoreError(f"{path[:MAX_KEY]!r} is no address of an object in {self._root}")
        return path

    def _inside(self, path: str) -> Path | None:
        """The path with all links resolved; None if it is outside of the store's folder."""
        real, root = os.path.realpath(path), os.path.realpath(self._root)
        return Path(real) if os.path.commonpath([real, root]) == root else None

    def is_reachable(self) -> bool:
        """Whether the store's folder or bucket can be reached. If it cannot, an object that is not found may
        still exist."""
        if self._scheme == "file":
            return Path(self._root).is_dir()
        return bool(self._filesystem().exists(f"{self._scheme}://{urlsplit(self.url).netloc}"))

    def local_path(self, path: str) -> str | None:
        """The address as a path on this machine, if the store is a folder."""
        return path if self._scheme == "file" else None


@lru_cache
def _root_of(url: str) -> str:
    return url.rstrip("/") if _scheme_of(url) != "file" else str(_path(url).absolute())


@lru_cache
def _scheme_of(url: str) -> str:
    scheme = urlsplit(url).scheme
    return "file" if scheme in ("", "file") else scheme


def _is_stored(filesystem: Any, target: str, size: int) -> bool:
    """Whether a bucket has an object of this size that need not be renewed."""
    try:
        entry = filesystem.info(target)
    except FileNotFoundError:
        return False
    if entry["type"] != "file" or entry["size"] != size:
        return False
    return datetime.now(UTC) - modified(entry) < RENEWED_AFTER


def modified(entry: Mapping[str, Any]) -> datetime:
    """When an object was stored, from fsspec's description of it: a folder's, S3's or GCS's."""
    at = entry["LastModified"] if "LastModified" in entry else entry["mtime"]
    return at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
