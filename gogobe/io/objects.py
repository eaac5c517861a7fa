"""The object store: a folder, S3 or GCS behind one small class, over fsspec.

Objects are content-addressed, so a put that finds its key taken by as many bytes has nothing to do, and a put
that dies half way leaves nothing under the key: folders rename into place, S3 and GCS show an object only once
it is whole.

Addresses come with messages, from outside. A store reads and writes below its own root only: no key and no
address leads out of it, by its text or by a link in a folder.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from urllib.parse import unquote, urlsplit

import fsspec

# Raw files have keys of up to 140 characters; S3 and GCS take 1,024 bytes, with the store's prefix.
MAX_KEY: Final = 256
MAX_NAME_BYTES: Final = 255
_SUFFIX: Final = re.compile(r"\.[a-z0-9]{1,8}\Z")
_NO_NAME: Final = re.compile(r"[\x00-\x1f\x7f/\\?#\ud800-\udfff]")


def open_filesystem(url: str, endpoint: str | None = None) -> tuple[Any, str]:
    """The fsspec filesystem of a store's URL (its endpoint unless a folder), and the store's root in it."""
    scheme = urlsplit(url).scheme
    if scheme == "gs":
        return _gcs(endpoint), url.removeprefix("gs://").rstrip("/")
    options = {"endpoint_url": endpoint} if endpoint and scheme not in ("", "file") else {}
    filesystem, root = fsspec.core.url_to_fs(url, **options)
    return filesystem, root.rstrip("/")


def _gcs(endpoint: str | None) -> Any:
    """gcsfs's plain filesystem. The one that fsspec would take first asks over gRPC what kind a bucket is of;
    servers other than the cloud's own do not know, and every call waits for up to a minute."""
    from gcsfs.core import GCSFileSystem

    return GCSFileSystem(endpoint_url=endpoint)


def store_errors() -> tuple[type[Exception], ...]:
    """What is raised where a store cannot be reached or says no: OSError, or the cloud libraries' own errors.

    Call it in the `except` itself: without an error these libraries are not loaded.
    """
    from aiohttp import ClientError
    from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]
    from gcsfs.retry import HttpError
    from google.auth.exceptions import GoogleAuthError

    return OSError, BotoCoreError, ClientError, HttpError, GoogleAuthError


def content_key(chain: str, sha256: str, file_name: str) -> str:
    """The key of a raw file below the store's root: by chain (in messages a valid folder name), then by the
    hash of its bytes.

    The published name's suffix, if it looks like one, is kept for people who look; nothing reads it.
    """
    suffix = _SUFFIX.search(file_name.lower())
    return f"raw/{chain}/{sha256[:2]}/{sha256}{suffix[0] if suffix else ''}"


def open_address(address: str, endpoint: str | None = None) -> BinaryIO:
    """Opens a file that a user names, anywhere, for reading: a path, `s3://…` or `gs://…`. Never for an address
    from a message. Raises FileNotFoundError, one of `store_errors()`, ValueError."""
    if urlsplit(address).scheme in ("", "file"):
        return _path(address).open("rb")
    filesystem, path = open_filesystem(address, endpoint)
    return cast("BinaryIO", filesystem.open(path, "rb"))


def _path(address: str) -> Path:
    """The path that a folder's or a file's address without or with `file:` names."""
    return Path(urlsplit(address).path if address.startswith("file:") else address)


class OutsideStoreError(ValueError):
    """An address or a key that is not one of an object in the store; the message names it and the store."""


def _is_plain(name: str) -> bool:
    """Whether one part of a key is a name, and nothing that a file system or a server takes for a way out; not
    when `%2e` and the like are decoded either, however often."""
    forms = [name]
    while (decoded := unquote(forms[-1])) != forms[-1]:
        forms.append(decoded)
    plain = all(one not in ("", ".", "..") and not _NO_NAME.search(one) for one in forms)
    return plain and len(name.encode()) <= MAX_NAME_BYTES


@dataclass(frozen=True)
class ObjectStore:
    """`url` is a folder, `s3://bucket/prefix` or `gs://bucket/prefix`; `endpoint` names an S3 or GCS server
    other than the cloud's own (MinIO, a test server). Credentials come from the environment, as the cloud's
    own tools read them.

    Where the store cannot be reached or says no, every method raises one of `store_errors()`.
    """

    url: str
    endpoint: str | None = None

    @property
    def _scheme(self) -> str:
        scheme = urlsplit(self.url).scheme
        return "file" if scheme in ("", "file") else scheme

    def _filesystem(self) -> Any:
        return open_filesystem(self.url, self.endpoint)[0]

    @property
    def _root(self) -> str:
        """The address that all objects' addresses begin with, without its last slash."""
        if self._scheme != "file":
            return self.url.rstrip("/")
        return str(_path(self.url).absolute())

    def path_of(self, key: str) -> str:
        """The object's full address: an absolute path in a folder store, else a URL. Raises
        OutsideStoreError."""
        return self._checked(f"{self._root}/{key}")

    def put(self, key: str, source: Path) -> str:
        """Puts a local file under the key, unless as many bytes are stored there already; returns its address.

        Raises OutsideStoreError for a key that leads out of the store, PermissionError where a link in the
        store's folder does.
        """
        target = self.path_of(key)
        if self._scheme == "file":
            if self._inside(target) is None:
                raise PermissionError(
                    f"{target}: a link leads out of {self._root}; name that folder as the store"
                )
            _put_in_folder(Path(target), source)
        else:
            filesystem = self._filesystem()
            if _size(filesystem, target) != source.stat().st_size:
                filesystem.put_file(str(source), target)
        return target

    def open(self, path: str) -> BinaryIO:
        """Opens an address from `put` for reading; seekable. Raises OutsideStoreError, FileNotFoundError."""
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
        """Whether an address names an object of the store; of one outside of it, no."""
        try:
            self.open(path).close()
        except (OutsideStoreError, FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return False
        return True

    def local_file(self, hint: str | None) -> Path | None:
        """The file of this machine that a message's `local_path` names, where it is in this store's folder."""
        try:
            file = self._inside(self._checked(hint)) if hint and self._scheme == "file" else None
        except OutsideStoreError:
            return None
        return file if file is not None and file.is_file() else None

    def _checked(self, path: str) -> str:
        """The address of an object below the root; by its text alone. Raises OutsideStoreError."""
        key = path.removeprefix(f"{self._root}/")
        if key == path or len(key) > MAX_KEY or not all(map(_is_plain, key.split("/"))):
            raise OutsideStoreError(f"{path[:MAX_KEY]!r} is no address of an object in {self._root}")
        return path

    def _inside(self, path: str) -> Path | None:
        """Where a path leads once all links are followed; None where that is outside of the store's folder."""
        real, root = os.path.realpath(path), os.path.realpath(self._root)
        return Path(real) if os.path.commonpath([real, root]) == root else None

    def is_there(self) -> bool:
        """Whether the store itself, its folder or its bucket, can be seen: without it, an object that is not
        found need not be lost."""
        if self._scheme == "file":
            return Path(self._root).is_dir()
        return bool(self._filesystem().exists(f"{self._scheme}://{urlsplit(self.url).netloc}"))

    def local_path(self, path: str) -> str | None:
        """The address as a path on this machine, where the store is a folder."""
        return path if self._scheme == "file" else None


def _size(filesystem: Any, target: str) -> int | None:
    try:
        return cast("int", filesystem.size(target))
    except FileNotFoundError:
        return None


def _put_in_folder(target: Path, source: Path) -> None:
    if target.exists() and target.stat().st_size == source.stat().st_size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        shutil.copyfile(source, part)
        with part.open("rb") as file:  # else a name may outlive a crash of the machine, and its bytes not
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
