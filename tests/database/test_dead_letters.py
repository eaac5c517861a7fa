"""Dead letters are stored once, count their attempts, and are closed when their file is loaded."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from gogobe.database.connection import Connection
from gogobe.database.dead_letters import letter_key, record_dead_letters
from gogobe.database.load.loader import Loader
from gogobe.records.messages import POISON, DeadLetter, IngestBatch
from tests.database.samples import at, file_batches, item

LETTER = DeadLetter(
    "parse", "truncated", "cut short at byte 700", '{"chain":"x"}', at(1), chain="x", file="a.gz"
)


def rows(db: Connection) -> list[tuple[object, ...]]:
    return db.execute(
        "SELECT reason, attempts, first_failed_at, last_failed_at FROM dead_letters ORDER BY reason"
    ).fetchall()


def test_the_same_delivery_counts_once(dsn: str, db: Connection) -> None:
    record_dead_letters(dsn, [LETTER, LETTER])
    record_dead_letters(dsn, [LETTER])
    assert rows(db) == [("truncated", 1, at(1), at(1))]


def test_a_later_failure_counts_its_attempts(dsn: str, db: Connection) -> None:
    later = msgspec.structs.replace(LETTER, failed_at=at(2), attempts=3)
    record_dead_letters(dsn, [later, LETTER])
    record_dead_letters(dsn, [later])
    assert rows(db) == [("truncated", 4, at(1), at(2))]


def test_another_reason_is_another_letter(dsn: str, db: Connection) -> None:
    record_dead_letters(dsn, [LETTER, msgspec.structs.replace(LETTER, reason="no_rows")])
    assert [row[0] for row in rows(db)] == ["no_rows", "truncated"]


def test_originals_that_look_the_same_as_text_are_different_letters(dsn: str, db: Connection) -> None:
    record_dead_letters(
        dsn, [LETTER, *(msgspec.structs.replace(LETTER, original_base64=raw) for raw in ("/w==", "/g=="))]
    )
    assert len(rows(db)) == 3


def test_what_the_database_cannot_hold_still_finds_its_place(dsn: str, db: Connection) -> None:
    record_dead_letters(dsn, [msgspec.structs.replace(LETTER, original="a\0b\ud800", detail="\0")])
    assert db.execute("SELECT original, detail FROM dead_letters").fetchone() == ("a�b�", "�")


def test_every_text_of_a_letter_is_made_to_fit(dsn: str, db: Connection) -> None:
    texts = [
        name for name in DeadLetter.__struct_fields__ if name not in ("failed_at", "attempts", "original_size")
    ]
    record_dead_letters(dsn, [msgspec.structs.replace(LETTER, **dict.fromkeys(texts, "a\0"))])
    found = db.execute(f"SELECT {', '.join(texts)} FROM dead_letters".encode()).fetchone()
    assert found == ("a�",) * len(texts)


def test_an_address_of_any_length_finds_its_place(dsn: str, db: Connection) -> None:
    url = random.Random(1).randbytes(6000).hex()
    record_dead_letters(dsn, [msgspec.structs.replace(LETTER, source_url=url)])
    assert db.execute("SELECT count(*) FROM dead_letters WHERE source_url = %s", (url,)).fetchone() == (1,)


URL = "https://portal.example/Price1.gz"
FILE = msgspec.structs.replace(LETTER, source_url=URL)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"original": '{"downloaded_at":"later"}'}, True),
        ({"content_sha256": "cd", "place": "byte 900"}, True),
        ({"source_url": f"{URL}?sv=1&sig=S1&se=2025-01-01"}, True),
        ({"source_url": f"{URL}?id=2"}, False),
        ({"chain": "y"}, False),
        ({"stage": "load"}, False),
        ({"reason": "no_rows"}, False),
        ({"batch_id": "ab-1"}, False),
    ],
    ids=str,
)
def test_what_makes_a_letter_of_a_file_the_same(changes: dict[str, str], same: bool) -> None:
    assert (letter_key(FILE) == letter_key(msgspec.structs.replace(FILE, **changes))) is same


def test_letters_of_a_file_s_batches_are_each_their_own() -> None:
    first = msgspec.structs.replace(FILE, batch_id="ab-1")
    assert letter_key(first) == letter_key(msgspec.structs.replace(first, original="downloaded later"))
    assert letter_key(first) != letter_key(msgspec.structs.replace(first, batch_id="ab-2"))


def test_the_latest_failure_is_the_one_that_can_be_read(dsn: str, db: Connection) -> None:
    later = msgspec.structs.replace(
        FILE, failed_at=at(2), detail="cut short at byte 900", original="excerpt", original_path="s3://b/o/ab",
        original_sha256="ab", original_size=7_000_000, content_sha256="cd",
    )  # fmt: skip
    for letters in ([FILE], [later], [FILE]):  # one comes late
        record_dead_letters(dsn, letters)
    assert rows(db) == [("truncated", 2, at(1), at(2))]
    columns = "detail, original, original_path, original_sha256, original_size, content_sha256"
    assert db.execute(f"SELECT {columns} FROM dead_letters".encode()).fetchone() == (
        "cut short at byte 900", "excerpt", "s3://b/o/ab", "ab", 7_000_000, "cd",
    )  # fmt: skip


def open_letters(db: Connection) -> list[tuple[str, str]]:
    query = "SELECT stage, reason FROM dead_letters WHERE resolved_at IS NULL ORDER BY 1, 2"
    return db.execute(query).fetchall()


def letter_of(batch: IngestBatch, stage: str, hour: float, **fields: Any) -> DeadLetter:
    return DeadLetter(
        stage,
        "reason",
        "detail",
        "original",
        at(hour),
        chain=batch.chain,
        source_url=batch.source_url,
        **fields,
    )


def loaded(dsn: str, batches: list[IngestBatch]) -> None:
    with Loader(dsn) as loader:
        loader.load(batches)


def test_a_file_that_is_loaded_closes_what_failed_before_its_download(dsn: str, db: Connection) -> None:
    """Downloaded at 5.2 hours: what failed at 6 comes from this very download."""
    batches = file_batches([item("1", "5"), item("2", "5")], hour=5, size=1)
    letters = [
        letter_of(batches[0], "download", 1),
        letter_of(batches[0], "parse", 6),
        letter_of(batches[0], "publish", 1),
        letter_of(batches[0], "load", 6, batch_id=batches[1].batch_id),
        msgspec.structs.replace(letter_of(batches[0], "download", 1), chain="another"),
        msgspec.structs.replace(letter_of(batches[0], "match", 1), source_url=URL),
    ]
    record_dead_letters(dsn, letters)
    loaded(dsn, batches[:1])
    assert len(open_letters(db)) == 6, "it lacks a batch"
    loaded(dsn, batches[1:])
    still_open = [("download", "reason"), ("match", "reason"), ("parse", "reason"), ("publish", "reason")]
    assert open_letters(db) == still_open
    record_dead_letters(dsn, letters)
    assert open_letters(db) == still_open, "the same delivery opens nothing again"
    record_dead_letters(dsn, [letter_of(batches[0], "download", 7)])
    assert open_letters(db) == [("download", "reason"), *still_open], "a further failure does"


def test_a_file_that_was_loaded_before_closes_the_failure_of_a_later_announcement(
    dsn: str, db: Connection
) -> None:
    batches = file_batches([item("1", "5")], hour=1)
    loaded(dsn, batches)
    record_dead_letters(dsn, [letter_of(batches[0], "download", 2)])
    again = msgspec.structs.replace(batches[0], discovered_at=at(3), downloaded_at=at(3))
    loaded(dsn, [again])
    assert open_letters(db) == []


def test_an_incomplete_file_closes_nothing(dsn: str, db: Connection) -> None:
    batches = file_batches([item("1", "5")], hour=5, complete=False)
    record_dead_letters(dsn, [letter_of(batches[0], "parse", 1)])
    loaded(dsn, batches)
    assert open_letters(db) == [("parse", "reason")]


def test_a_poison_file_whose_first_batches_were_committed_is_not_loading_for_ever(
    dsn: str, db: Connection
) -> None:
    first, last = file_batches([item("1", "5"), item("2", "6")], size=1)
    letter = msgspec.structs.replace(
        LETTER,
        reason=POISON,
        source_url=first.source_url,
        content_sha256=first.content_sha256,
        failed_at=at(23),
    )

    def state() -> tuple[object, ...] | None:
        return db.execute("SELECT state, completed_at IS NOT NULL, problems FROM files").fetchone()

    with Loader(dsn) as loader:
        loader.load([first])
        assert state() == ("loading", False, [])
        record_dead_letters(dsn, [msgspec.structs.replace(letter, reason="truncated")])
        assert state() == ("loading", False, [])
        record_dead_letters(dsn, [letter, letter])
        assert state() == ("incomplete", True, [POISON])
        loader.load([last])  # after a replay that succeeds
        assert (state() or ())[0] == "loaded"
        record_dead_letters(dsn, [letter])
        assert (state() or ())[0] == "loaded"
