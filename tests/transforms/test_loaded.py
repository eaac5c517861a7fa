"""Files that are loaded already are not read again, and the ledger knows that they came again."""

from __future__ import annotations

from typing import Any

import pytest

from gogobe.database.connection import Connection
from gogobe.database.dead_letters import record_dead_letters
from gogobe.database.load.loader import Loader
from gogobe.database.session import Session
from gogobe.database.waiting import count_waiting, record_waiting
from gogobe.feeds.batches import READER_VERSION
from gogobe.records.messages import DeadLetter, FileDownloaded, IngestBatch, WaitingFile
from gogobe.transforms.loaded import unloaded
from tests.database.samples import at, file_batches, item


def file_of(batch: IngestBatch, hour: float = 9.0, **fields: Any) -> FileDownloaded:
    """The same content, downloaded again."""
    values: dict[str, Any] = {
        "chain": batch.chain,
        "s3_path": "/store/raw/x",
        "content_sha256": batch.content_sha256,
        "size": 1,
        "source_url": batch.source_url,
        "file_name": batch.file,
        "discovered_at": at(hour),
        "downloaded_at": at(hour),
    }
    return FileDownloaded(**(values | fields))


def loaded(dsn: str, **fields: Any) -> IngestBatch:
    (batch,) = file_batches([item("1", "5")], reader_version=READER_VERSION, **fields)
    with Loader(dsn) as loader:
        loader.load([batch])
    return batch


def left(dsn: str, *files: FileDownloaded) -> list[FileDownloaded]:
    with Session(dsn) as session:
        return unloaded(session, files)


def test_a_loaded_file_is_skipped_and_every_other_is_read_in_its_order(dsn: str):
    batch = loaded(dsn)
    first, last = file_of(batch, content_sha256="aa"), file_of(batch, content_sha256="bb")
    assert left(dsn, first, file_of(batch), last) == [first, last]


def test_an_announcement_that_is_delivered_again_is_read_again(dsn: str, db: Connection):
    """After a restart its rows may be committed, and its messages to the topics not."""
    batch = loaded(dsn, hour=5)
    (same,) = [file_of(batch, discovered_at=batch.discovered_at)]
    assert left(dsn, same) == [same]
    assert left(dsn, file_of(batch, 9)) == [], "a newer announcement"
    assert left(dsn, same, file_of(batch, 9), file_of(batch, 10)) == [same, file_of(batch, 9)]
    db.execute("UPDATE files SET completed_at = now() - interval '2 days'")
    assert left(dsn, same) == [], "a whole topic that is read again"


def test_an_announcement_of_a_loaded_file_is_noted(dsn: str, db: Connection):
    batch = loaded(dsn, hour=5)
    other = "https://portal.example/another.gz"
    assert left(dsn, file_of(batch), file_of(batch, 9.5, source_url=other)) == []
    rows = db.execute("SELECT source_url, discovered_at FROM file_addresses ORDER BY discovered_at").fetchall()
    assert rows == [(batch.source_url, at(9)), (other, at(9.5))]
    assert db.execute("SELECT source_url, discovered_at, state FROM files").fetchall() == [
        (other, at(9.5), "loaded")
    ]


def test_letters_and_waiting_files_end_as_when_it_were_loaded_again(dsn: str, db: Connection):
    batch = loaded(dsn, hour=5)
    letter = DeadLetter(
        "download", "not_found", "d", "o", at(8), chain=batch.chain, source_url=batch.source_url
    )
    record_dead_letters(dsn, [letter])
    record_waiting(
        dsn,
        [
            WaitingFile(
                batch.chain,
                batch.source_url,
                batch.file,
                at(6),
                "h",
                "slow",
                "d",
                False,
                0,
                at(6),
                at(8.5),
                at(10),
            )
        ],
    )
    left(dsn, file_of(batch))
    assert db.execute("SELECT resolved_at IS NOT NULL FROM dead_letters").fetchone() == (True,)
    assert count_waiting(db) == []


@pytest.mark.parametrize(
    ("fields", "of_file"),
    [({"complete": False}, {}), ({}, {"chain": "other"})],
    ids=["incomplete", "another chain's"],
)
def test_what_is_not_loaded_for_this_chain_is_read(dsn: str, fields: dict[str, Any], of_file: dict[str, Any]):
    batch = loaded(dsn, **fields)
    assert len(left(dsn, file_of(batch, **of_file))) == 1


def test_what_an_older_reader_has_loaded_is_read(dsn: str, monkeypatch: pytest.MonkeyPatch):
    batch = loaded(dsn)
    monkeypatch.setattr("gogobe.transforms.loaded.READER_VERSION", READER_VERSION + 1)
    assert len(left(dsn, file_of(batch))) == 1
