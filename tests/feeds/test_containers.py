"""Containers go by their first bytes, never by the name."""

import gzip
import io
import random
import struct
import zipfile
import zlib

import pytest

from gogobe.feeds.containers import OUTPUT_BYTES, Contents, FullReads
from gogobe.feeds.problems import FeedError, Limits
from tests.feeds.documents import item, price_feed, read

_chance = random.Random(1)
# Something to pack: with rows all alike the whole feed would be a few hundred bytes.
FEED = price_feed(
    *[item(str(code), ItemStatus=f"{_chance.getrandbits(64):x}") for code in range(1, 3001)]
).encode()


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


class Pipe(io.RawIOBase):
    """What cannot seek makes a zip whose local headers lack the sizes."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += data
        return len(data)


def streamed_zip(data: bytes) -> bytes:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("feed.xml", data)
    return pipe.data


def gzip_with_name(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with gzip.GzipFile("PriceFull7290-1.xml", "wb", fileobj=buffer) as file:
        file.write(data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("what", "name", "data", "container"),
    [
        ("gzip", "Price7290-1-202501010000.gz", gzip.compress(FEED), "gzip"),
        ("gzip named .xml", "Price7290-1-202501010000.xml", gzip.compress(FEED), "gzip"),
        ("gzip without a suffix", "Price7290-1-202501010000", gzip.compress(FEED), "gzip"),
        ("gzip that holds a name", "Price7290-1-202501010000.gz", gzip_with_name(FEED), "gzip"),
        ("gzip members", "Price7290-1-202501010000.gz", gzip.compress(FEED[:999]) + gzip.compress(FEED[999:]), "gzip"),
        ("an empty member first", "Price7290-1-202501010000.gz", gzip.compress(b"") + gzip.compress(FEED), "gzip"),
        ("gzip, padded", "Price7290-1-202501010000.gz", gzip.compress(FEED) + b"\0" * 512, "gzip"),
        ("zip named .gz", "Price7290-1-202501010000.gz", zipped(("a.xml", FEED)), "zip"),
        ("zip, in a folder", "Price7290-1-202501010000.zip", zipped(("a/", b""), ("a/b.xml", FEED)), "zip"),
        ("zip, stored", "Price7290-1-202501010000.gz", zipped(("a.xml", FEED), method=zipfile.ZIP_STORED), "zip"),
        ("zip, written to a pipe", "Price7290-1-202501010000.gz", streamed_zip(FEED), "zip"),
        ("plain", "Price7290-1-202501010000.xml", FEED, "plain"),
        ("plain named .gz", "Price7290-1-202501010000.GZ", FEED, "plain"),
    ],
)  # fmt: skip
def test_containers(what, name, data, container):
    found = read(data, name)
    assert (found.summary.container, found.summary.items, found.codes) == (container, 3000, []), what


@pytest.mark.parametrize("container", ["gzip", "zip", "zip, stored", "zip, written to a pipe", "plain"])
@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.999])
def test_what_is_cut_short_yields_the_rows_before_the_cut_and_the_place(container, kept):
    data = {
        "gzip": gzip.compress(FEED),
        "zip": zipped(("a.xml", FEED)),
        "zip, stored": zipped(("a.xml", FEED), method=zipfile.ZIP_STORED),
        "zip, written to a pipe": streamed_zip(FEED),
        "plain": FEED,
    }[container]
    cut = data[: int(len(data) * kept)]
    found = read(cut)
    assert found.summary.kind == "pricefull"
    assert [row.item_code for row in found.rows] == [str(code) for code in range(1, len(found.rows) + 1)]
    if container.startswith("zip") and len(cut) >= data.rindex(b"PK\1\2"):
        # All of the feed is before the archive's directory, and only that is lost.
        assert (len(found.rows), found.codes) == (3000, [])
    else:
        assert (found.codes, found.summary.complete) == (["truncated"], False)
        assert found.summary.problems[0].byte_offset == len(cut)
        assert len(found.rows) > 3000 * kept * 0.5


def test_every_row_before_the_cut_is_read():
    # The part of a gzip that zlib still yields.
    cut = gzip.compress(FEED)[:12_000]
    text = zlib.decompressobj(31).decompress(cut)
    assert 500 < text.count(b"</Item>") == read(cut).summary.items


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("gzip checksum", flipped(gzip.compress(FEED), -6)),
        ("no gzip after the magic bytes", b"\x1f\x8b" + b"x" * 50),
        ("zip checksum", zipped(("a.xml", FEED)).replace(struct.pack("<L", zlib.crc32(FEED)), b"\1\2\3\4")),
        ("zip method", zipped(("a.xml", FEED), method=zipfile.ZIP_BZIP2)),
    ],
)  # fmt: skip
def test_damage_is_reported(what, data):
    found = read(data)
    assert (found.codes, found.summary.complete) == (["bad_container"], False), what


@pytest.mark.parametrize("data", [gzip.compress(FEED), zipped(("a.xml", FEED))])
@pytest.mark.parametrize("place", [3000, 9000, 30_000])
def test_rows_before_damaged_data_are_right(data, place):
    found = read(flipped(data, place))
    assert found.codes in (["bad_container"], ["bad_xml"])
    assert not found.summary.complete
    before = int(2000 * place / len(data))
    assert found.rows[:before] == read(FEED).rows[:before]


@pytest.mark.parametrize("offset", [-3000, -1, 1, 100])
def test_a_zip_with_a_wrong_directory_is_read_from_its_front(offset):
    """Found by the fuzz run: a directory that points before the archive's begin."""
    data = bytearray(zipped(("a.xml", FEED)))
    end = data.rfind(b"PK\5\6")
    (place,) = struct.unpack_from("<L", data, end + 16)
    struct.pack_into("<L", data, end + 16, place - offset)
    assert read(bytes(data)).summary.items in (0, 3000)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ([("a.xml", FEED), ("b.xml", FEED)], "zip_members"),
        ([], "zip_members"),
        ([("../a.xml", FEED)], "zip_path"),
        ([("a/../../b.xml", FEED)], "zip_path"),
        ([("/etc/passwd", FEED)], "zip_path"),
        ([("..\\a.xml", FEED)], "zip_path"),
        ([("C:a.xml", FEED)], "zip_path"),
    ],
)
def test_hostile_zips(members, code):
    found = read(zipped(*members))
    assert (found.rows, found.codes, found.summary.complete) == ([], [code], False)


def test_an_encrypted_zip():
    data = bytearray(zipped(("a.xml", FEED)))
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    assert read(bytes(data)).codes == ["zip_encrypted"]


def test_a_source_that_gives_fewer_bytes_than_asked_for_gives_the_same_rows():
    class Dribble(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(size if size is None or size < 100 else 97)

    for container, data in (("gzip", gzip.compress(FEED)), ("zip", zipped(("a", FEED))), ("plain", FEED)):
        opened = Contents(FullReads(Dribble(data)), Limits())
        pieces = list(opened)
        assert opened.layers == [container]
        assert b"".join(pieces) == FEED
        assert {len(piece) for piece in pieces[:-1]} == {OUTPUT_BYTES}


def packed(data: bytes, *layers: str) -> bytes:
    for layer in layers:
        data = gzip.compress(data, 1) if layer == "gzip" else zipped(("feed.xml", data))
    return data


@pytest.mark.parametrize(
    "layers",
    [
        ("gzip", "gzip"),
        ("zip", "gzip"),
        ("gzip", "zip"),
        ("gzip", "gzip", "gzip"),
        ("gzip", "zip", "gzip", "zip", "gzip"),
    ],
)
def test_containers_in_containers(layers: tuple[str, ...]):
    found = read(packed(FEED, *layers))
    assert (found.summary.container, len(found.rows), found.summary.complete) == (layers[-1], 3000, True)
    assert found.codes == ["nested_container"]
    assert found.summary.problems[0].detail.startswith(" in ".join(layers))


def test_more_containers_than_anybody_packs():
    found = read(packed(FEED, *["gzip"] * 6))
    assert (found.codes, found.summary.complete, found.rows) == (["nested_container", "too_deep"], False, [])


@pytest.mark.parametrize("layers", [("gzip", "gzip"), ("zip", "gzip")])
def test_a_cut_outer_container_gives_what_is_in_front_of_it(layers: tuple[str, ...]):
    # Stored bytes: all in front of the cut can be unpacked.
    inner = (
        gzip.compress(FEED, 0) if layers[0] == "gzip" else zipped(("feed.xml", FEED), method=zipfile.ZIP_STORED)
    )
    data = gzip.compress(inner, 0)
    found = read(data[: len(data) // 2])
    assert 1000 < len(found.rows) < 2000
    assert (found.codes[-1], found.summary.complete) == ("truncated", False)
    assert found.summary.problems[-1].byte_offset == len(data) // 2


def test_what_is_inside_is_bounded_by_what_was_published():
    bomb = packed(b" " * (80 << 20), "gzip", "gzip")
    with pytest.raises(FeedError, match="more than 200 times"):
        for _ in Contents(FullReads(io.BytesIO(bomb)), Limits()):
            pass
