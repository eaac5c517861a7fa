"""From a file to its message: chain, hash, place in the store."""

from __future__ import annotations

import gzip
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gogobe.backfill.describe import UndescribedFileError, describe
from gogobe.backfill.sources import Source, find_sources
from gogobe.chains.load import load_chains
from gogobe.io.objects import ObjectStore
from gogobe.records.messages import FileDownloaded

AT = datetime(2026, 1, 2, tzinfo=UTC)
CHAINS = load_chains()
CONTENT = gzip.compress(
    b"<Root><ChainId>7290058140886</ChainId><StoreId>1</StoreId><Items Count='0'></Items></Root>",
    mtime=0,  # the ids of tests must be the same in all processes
)


def source_of(folder: Path, name: str, content: bytes = CONTENT) -> Source:
    (folder / name).write_bytes(content)
    (source,) = find_sources([str(folder / name)]).sources
    return source


def described(source: Source, store: ObjectStore | None = None, chain: str = "") -> FileDownloaded:
    assert source.path is not None
    return describe(source, source.path, chains=CHAINS, store=store, at=AT, chain=chain)


def test_it_is_the_message_of_a_download(tmp_path: Path):
    name = "Price7290027600007-001-202501011200.gz"
    source = source_of(tmp_path, name)
    store = ObjectStore(str(tmp_path / "store"))
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    stored = f"{tmp_path}/store/raw/shufersal/{sha256[:2]}/{sha256}.gz"
    assert described(source, store) == FileDownloaded(
        chain="shufersal",
        s3_path=stored,
        local_path=stored,
        content_sha256=sha256,
        size=len(CONTENT),
        source_url=(tmp_path / name).as_uri(),
        file_name=name,
        discovered_at=AT,
        downloaded_at=AT,
    )
    assert Path(stored).read_bytes() == CONTENT
    assert described(source).s3_path == described(source).local_path == str(tmp_path / name)


def test_the_chain_is_that_of_the_name_then_of_the_content_and_the_given_one_wins(tmp_path: Path):
    assert described(source_of(tmp_path, "Price7290027600007-001-202501011200.gz")).chain == "shufersal"
    unnamed = source_of(tmp_path, "prices.gz")
    assert described(unnamed).chain == "rami_levy"
    assert described(unnamed, chain="another").chain == "another"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "Price9999999999999-001-202501011200.gz",
            CONTENT,
            "its ChainId is 9999999999999, and no chain lists it: give --chain",
        ),
        ("prices.gz", b"", "neither its name nor its content carries a ChainId: give --chain"),
        ("prices.gz", b"<html></html>", "neither its name nor its content carries a ChainId: give --chain"),
        ("Price7290027600007-001-202501011200.gz\n", CONTENT, "neither its name|no message can describe it"),
    ],
)
def test_a_file_that_cannot_be_described_says_what_helps(
    tmp_path: Path, name: str, content: bytes, message: str
):
    with pytest.raises(UndescribedFileError, match=message):
        described(source_of(tmp_path, name, content))


def test_a_name_that_is_no_text_and_a_file_that_vanished(tmp_path: Path):
    name = "Price7290027600007-001-202501011200\udcff.gz"
    with pytest.raises(UndescribedFileError, match="no message can describe it"):
        described(source_of(tmp_path, name), chain="shufersal")
    source = source_of(tmp_path, "Price7290027600007-001-202501011200.gz")
    assert source.path is not None
    source.path.unlink()
    with pytest.raises(UndescribedFileError, match="cannot be read: No such file"):
        described(source)
    with pytest.raises(UndescribedFileError, match="no message can describe it"):
        described(source_of(tmp_path, "Price7290027600007-001-202501011200.gz"), chain="../other")
