"""Unpacks a feed: gzip, zip, one within the other, or neither, detected from the first bytes and not from the
name."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Generator, Iterator
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, Final, Literal, cast

from isal import isal_zlib

from gogobe.feeds.problems import FeedError, Limits

Container = Literal["gzip", "zip", "plain"]

READ_BYTES: Final = 1 << 16
OUTPUT_BYTES: Final = 1 << 16
GZIP_MAGIC: Final = b"\x1f\x8b"
ZIP_MAGIC: Final = b"PK\x03\x04"
_GZIP_WBITS: Final = 31
_RAW_WBITS: Final = -15
# The maximum of nested containers. Portals that pack packed files do so once or twice.
_MAX_LAYERS: Final = 5
_MAX_IN_MEMORY: Final = 8 << 20


class FullReads:
    """A source whose `read` returns as many bytes as requested, except at its end. The wrapped source may
    return fewer."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.seek = source.seek
        self.tell = source.tell

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        while 0 < len(data) < size:
            more = self._source.read(size - len(data))
            if not more:
                break
            data += more
        return data

    def seekable(self) -> bool:
        return True


def container_of(source: FullReads) -> Container:
    """The container of a seekable source. Leaves the source at its start."""
    source.seek(0)
    magic = source.read(4)
    source.seek(0)
    return _container_in(magic)


def _container_in(begin: bytes) -> Container:
    if begin.startswith(GZIP_MAGIC):
        return "gzip"
    return "zip" if begin.startswith((ZIP_MAGIC, b"PK\x05\x06")) else "plain"


class Contents:
    """The bytes inside the containers of a source. `layers` has the containers from the outermost on, after
    all were read or a fault occurred."""

    def __init__(self, source: FullReads, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._packed = max(_size(source), 1)
        self.layers: list[Container] = [container_of(source)]

    def __iter__(self) -> Iterator[bytes]:
        """The bytes in pieces of exactly 64 KiB, except the last.

        Raises FeedError (`truncated`, `bad_container`, `too_large`, `ratio`, `too_deep`, `zip_…`) after it
        has yielded everything before the fault.
        """
        return self._inside(self._source, self.layers[0])

    def _inside(self, source: FullReads, container: Container) -> Iterator[bytes]:
        pieces = self._bounded(_even({"gzip": _gzip, "zip": _zip, "plain": _plain}[container](source)))
        if container == "plain":
            yield from pieces
            return
        first = next(pieces, b"")
        inner = _container_in(first)
        if inner == "plain":
            yield from chain((first,), pieces)
            return
        self.layers.append(inner)
        if len(self.layers) > _MAX_LAYERS:
            raise FeedError("too_deep", f"more than {_MAX_LAYERS} containers, one in the other")
        # The directory of a zip is at its end, so an inner container is written to a spool file before it is
        # opened.
        with SpooledTemporaryFile(_MAX_IN_MEMORY) as spool:
            fault = _write_all(spool, chain((first,), pieces))
            try:
                yield from self._inside(FullReads(cast("BinaryIO", spool)), inner)
            except FeedError as error:
                raise (fault or error) from error
        if fault is not None:
            raise fault

    def _bounded(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > self._limits.max_bytes:
                raise FeedError("too_large", f"more than {self._limits.max_bytes} bytes decompressed")
            if size > self._limits.ratio_from and size > self._limits.ratio * self._packed:
                raise FeedError(
                    "ratio", f"{size} bytes from {self._packed}, more than {self._limits.ratio} times"
                )
            yield piece


def _write_all(spool: IO[bytes], pieces: Iterator[bytes]) -> FeedError | None:
    """Writes the pieces. Returns the error that ended them, if any."""
    try:
        for piece in pieces:
            spool.write(piece)
    except FeedError as error:
        return error
    finally:
        spool.seek(0)
    return None


def _even(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    fault: FeedError | None = None
    try:
        for piece in pieces:
            held = held + piece if held else piece
            while len(held) >= OUTPUT_BYTES:
                yield held[:OUTPUT_BYTES]
                held = held[OUTPUT_BYTES:]
    except FeedError as error:
        fault = error
    if held:
        yield held
    if fault is not None:
        raise fault


def _size(source: FullReads) -> int:
    place = source.tell()
    size = source.seek(0, 2)
    source.seek(place)
    return size


def _plain(source: FullReads) -> Iterator[bytes]:
    while piece := source.read(OUTPUT_BYTES):
        yield piece


def _gzip(source: FullReads) -> Iterator[bytes]:
    """The content of all members. Bytes after the last member that are not a member (padding) are ignored."""
    while True:
        rest = yield from _inflate(source, _GZIP_WBITS)
        if not rest.startswith(GZIP_MAGIC):
            return
        source.seek(-len(rest), 1)


def _inflate(source: FullReads, wbits: int) -> Generator[bytes, None, bytes]:
    """Decompresses one deflate stream from the current position on. Returns the bytes that were read beyond
    its end."""
    inflater = isal_zlib.decompressobj(wbits=wbits)
    while not inflater.eof:
        data = inflater.unconsumed_tail or source.read(READ_BYTES)
        if not data:
            raise FeedError("truncated", byte_offset=source.tell())
        try:
            piece = inflater.decompress(data, OUTPUT_BYTES)
        except isal_zlib.error as error:
            raise FeedError(
                "bad_container", f"damaged gzip or zip data: {error}", byte_offset=source.tell()
            ) from error
        if piece:
            yield piece
    rest: bytes = inflater.unused_data
    if len(rest) < 2:
        rest += source.read(2 - len(rest))
    return rest


def _zip(source: FullReads) -> Iterator[bytes]:
    start: int
    checksum: int | None
    try:
        with zipfile.ZipFile(cast("BinaryIO", source)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1:
                names = ", ".join(member.filename for member in members[:3])
                raise FeedError("zip_members", f"{len(members)} files in the archive: {names}")
            _check_member(members[0].filename, members[0].flag_bits)
            start, checksum = max(members[0].header_offset, 0), members[0].CRC
            if members[0].compress_type not in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
                raise FeedError("bad_container", f"zip method {members[0].compress_type} is not known")
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, EOFError):
        # The directory is missing or damaged; the first member can still be read.
        start, checksum = 0, None
    found = 0
    for piece in _zip_member(source, start):
        found = isal_zlib.crc32(piece, found)
        yield piece
    if checksum is not None and found != checksum:
        raise FeedError("bad_container", f"checksum {found:08x}, where the zip announces {checksum:08x}")


def _check_member(name: str, flags: int) -> None:
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name:
        raise FeedError("zip_path", f"a member named {name!r}")
    if flags & 1:
        raise FeedError("zip_encrypted", f"member {name!r} is encrypted")


def _zip_member(source: FullReads, start: int) -> Iterator[bytes]:
    """The content of a member, by its local header (APPNOTE.TXT 4.3.7)."""
    source.seek(start)
    header = source.read(30)
    if len(header) < 30 or not header.startswith(ZIP_MAGIC):
        raise FeedError("truncated", byte_offset=source.tell())
    flags, method = struct.unpack_from("<HH", header, 6)
    size, name_length, extra_length = struct.unpack_from("<I4xHH", header, 18)
    name = source.read(name_length).decode("utf-8", "replace")
    source.read(extra_length)
    _check_member(name, flags)
    if method == zipfile.ZIP_STORED:
        yield from _stored(source, size)
    elif method == zipfile.ZIP_DEFLATED:
        yield from _inflate(source, _RAW_WBITS)
    else:
        raise FeedError("bad_container", f"zip method {method} is not known")


def _stored(source: FullReads, size: int) -> Iterator[bytes]:
    left = size
    while left:
        piece = source.read(min(left, OUTPUT_BYTES))
        if not piece:
            raise FeedError("truncated", byte_offset=source.tell())
        left -= len(piece)
        yield piece
