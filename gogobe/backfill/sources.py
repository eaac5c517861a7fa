"""Finds published files: single files, folders, and prefixes of buckets, in the order of publication."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_to_bytes, urlsplit

from gogobe.feeds.names import parse_if_known
from gogobe.io.objects import open_filesystem, store_errors
from gogobe.records.addresses import file_name_of

CLOUDS: Final = ("s3", "gs")
_FIRST: Final = datetime.min.replace(tzinfo=UTC)


class SourceError(Exception):
    """A file or folder that cannot be found or read; the message has the address and the reason."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(f"{address}: {why}")
        self.why = why


@dataclass(frozen=True)
class Source:
    """A published file. `address` is its URL (`file:///…`, `s3://…`, `gs://…`), `name` the published name."""

    address: str
    name: str

    @property
    def path(self) -> Path | None:
        """Its path on this machine; None for an object of a bucket."""
        return _path_in(self.address) if self.address.startswith("file:") else None


@dataclass(frozen=True)
class Found:
    """Files in the order of publication, and the number of skipped files, whose names have no known form."""

    sources: list[Source]
    skipped: int


def find_sources(addresses: Iterable[str], endpoint: str = "", *, every_name: bool = False) -> Found:
    """The published files at paths and URLs (`endpoint`: an S3 or GCS server other than the cloud's own).

    Of a folder or a prefix, the files below it whose names have a known form, or, with `every_name`, all
    files. A single file may have any name. Raises SourceError.
    """
    found: dict[str, Source] = {}
    skipped = 0
    for address in addresses:
        several, sources = _at(address, endpoint)
        for source in sources:
            if several and not every_name and parse_if_known(source.name) is None:
                skipped += 1
            else:
                found[source.address] = source
    return Found(sorted(found.values(), key=_published), skipped)


@contextlib.contextmanager
def local_copy(source: Source, scratch: Path, endpoint: str = "") -> Iterator[Path]:
    """The file on this machine, for the length of a `with`: itself, or a copy below `scratch`. Raises
    SourceError."""
    if source.path is not None:
        yield source.path
        return
    copy = scratch / "part"
    try:
        with _explained(source.address):
            filesystem, path = open_filesystem(source.address, endpoint or None)
            with filesystem.open(path, "rb") as reading, copy.open("wb") as writing:
                shutil.copyfileobj(reading, writing, 1 << 20)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def _published(source: Source) -> tuple[datetime, str]:
    """A sort key. The history requires the older file first; a name without a time comes before all."""
    name = parse_if_known(source.name)
    return (name.published_at if name else None) or _FIRST, source.address


def _at(address: str, endpoint: str) -> tuple[bool, Iterable[Source]]:
    """Whether an address is a folder or prefix, and the files there."""
    scheme = urlsplit(address).scheme if "://" in address else ""
    with _explained(address):
        if scheme in CLOUDS:
            return _in_bucket(address, scheme, endpoint)
        if scheme in ("", "file"):
            return _on_disk(_path_in(address) if scheme else Path(address))
    remedy = "; `gogobe announce` has the pipeline download a file" if scheme in ("http", "https") else ""
    raise SourceError(address, f"{scheme}:// is not read here, but paths, s3:// and gs://{remedy}")


def _on_disk(path: Path) -> tuple[bool, Iterable[Source]]:
    path = path.expanduser().absolute()
    if path.is_dir():
        return True, [
            _of_path(one) for one in path.rglob("*") if one.is_file() and not one.name.startswith(".")
        ]
    if not path.is_file():
        raise SourceError(str(path), "there is no such file or folder")
    return False, [_of_path(path)]


def _path_in(url: str) -> Path:
    """The path in a `file:` URL, byte by byte, because names need not be UTF-8."""
    return Path(os.fsdecode(unquote_to_bytes(urlsplit(url).path)))


def _of_path(path: Path) -> Source:
    return Source(path.as_uri(), path.name)


def _in_bucket(address: str, scheme: str, endpoint: str) -> tuple[bool, Iterable[Source]]:
    filesystem, root = open_filesystem(address, endpoint or None)
    if filesystem.isfile(root):
        return False, [_of_object(scheme, root)]
    objects: list[Any] = filesystem.find(root)
    if not objects:
        raise SourceError(address, "there is no such object, and none below it")
    return True, [_of_object(scheme, one) for one in objects]


def _of_object(scheme: str, path: str) -> Source:
    address = f"{scheme}://{path}"
    return Source(address, path.rpartition("/")[2] or file_name_of(address))


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    """Raises the errors of file systems and clouds as SourceError."""
    try:
        yield
    except SourceError:
        raise
    except Exception as error:
        if not isinstance(error, (*store_errors(), ValueError, ImportError)):
            raise
        why = getattr(error, "strerror", None) or str(error).lstrip(", ")
        raise SourceError(address, f"cannot be read: {why}") from error
