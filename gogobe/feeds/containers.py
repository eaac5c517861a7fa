"""What a feed comes wrapped in, told by its first bytes, never by its name: gzip, zip, or nothing."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Generator, Iterator
from typing import BinaryIO, Final, Literal, cast

from isal import isal_zlib

from gogobe.feeds.problems import FeedError, Limits

Container = Literal["gzip", "zip", "plain"]

READ_BYTES: Final = 1 << 16
OUTPUT_BYTES: Final = 1 << 16
GZIP_MAGIC: Final = b"\x1f\x8b"
ZIP_MAGIC: Final = b"PK\x03\x04"
_GZIP_WBITS: Final = 31
_RAW_WBITS: Final = -15


class FullReads:
    """A source that gives as many bytes as are asked for, but at its end; what lies beneath may give fewer."""

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
    """The container of a seekable source, which is left at its start."""
    source.seek(0)
    magic = source.read(4)
    source.seek(0)
    if magic.startswith(GZIP_MAGIC):
        return "gzip"
    return "zip" if magic in (ZIP_MAGIC, b"PK\x05\x06") else "plain"


def contents(source: FullReads, container: Container, limits: Limits) -> Iterator[bytes]:
    """The bytes inside, in pieces of exactly 64 KiB but for the last, however the source gives them.

    Raises FeedError (`truncated`, `bad_container`, `too_large`, `ratio`, `zip_…`), after everything before the
    fault was yielded.
    """
    pieces = _even({"gzip": _gzip, "zip": _zip, "plain": _plain}[container](source))
    compressed = max(_size(source), 1)
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limits.max_bytes:
            raise FeedError("too_large", f"more than {limits.max_bytes} bytes decompressed")
        if size > limits.ratio_from and size > limits.ratio * compressed:
            raise FeedError("ratio", f"{size} bytes from {compressed}, more than {limits.ratio} times")
        yield piece


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
    """All members; what follows the last that is no member (padding) is left alone."""
    while True:
        rest = yield from _inflate(source, _GZIP_WBITS)
        if not rest.startswith(GZIP_MAGIC):
            return
        source.seek(-len(rest), 1)


def _inflate(source: FullReads, wbits: int) -> Generator[bytes, None, bytes]:
    """One deflated stream from where the source stands; returns the bytes read beyond its end."""
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
        # The directory at its end is missing or damaged: the first member still stands in front.
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
    """A member by its local header (APPNOTE.TXT 4.3.7)."""
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
