"""The object store: a folder, S3 or GCS behind one small class, over fsspec.

Objects are content-addressed, so a put that finds its key taken by as many bytes has nothing to do, and a put
that dies half way leaves nothing under the key: folders rename into place, S3 and GCS show an object only once
it is whole.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from urllib.parse import urlsplit

import fsspec

_SUFFIX: Final = re.compile(r"\.[a-z0-9]{1,8}\Z")


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

    def _folder(self) -> Path:
        return Path(urlsplit(self.url).path if self.url.startswith("file:") else self.url).absolute()

    def path_of(self, key: str) -> str:
        """The object's full address: an absolute path in a folder store, else a URL."""
        if self._scheme == "file":
            return str(self._folder() / key)
        return f"{self.url.rstrip('/')}/{key}"

    def put(self, key: str, source: Path) -> str:
        """Puts a local file under the key, unless as many bytes lie there already; returns its address."""
        target = self.path_of(key)
        if self._scheme == "file":
            _put_in_folder(Path(target), source)
        else:
            filesystem = self._filesystem()
            if _size(filesystem, target) != source.stat().st_size:
                filesystem.put_file(str(source), target)
        return target

    def open(self, path: str) -> BinaryIO:
        """Opens an address from `put` for reading; seekable. Raises FileNotFoundError."""
        if self._scheme == "file":
            return Path(path).open("rb")
        return cast("BinaryIO", self._filesystem().open(path, "rb"))

    def is_there(self) -> bool:
        """Whether the store itself, its folder or its bucket, can be seen: without it, an object that is not
        found need not be lost."""
        if self._scheme == "file":
            return self._folder().is_dir()
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
