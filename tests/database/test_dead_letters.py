"""Dead letters are kept once, and count when they come again."""

from __future__ import annotations

import random

import msgspec

from gogobe.database.connection import Connection
from gogobe.database.dead_letters import record_dead_letters
from gogobe.records.messages import DeadLetter
from tests.database.samples import at

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
    assert db.execute("SELECT original, detail FROM dead_letters").fetchone() == ("a�b?", "�")


def test_every_text_of_a_letter_is_made_to_fit(dsn: str, db: Connection) -> None:
    texts = ("stage", "reason", "detail", "original", "original_base64", "cause", "chain", "source_url", "file",
             "content_sha256", "place")  # fmt: skip
    record_dead_letters(dsn, [msgspec.structs.replace(LETTER, **dict.fromkeys(texts, "a\0"))])
    found = db.execute(f"SELECT {', '.join(texts)} FROM dead_letters".encode()).fetchone()
    assert found == ("a�",) * len(texts)


def test_an_address_of_any_length_finds_its_place(dsn: str, db: Connection) -> None:
    url = random.Random(1).randbytes(6000).hex()
    record_dead_letters(dsn, [msgspec.structs.replace(LETTER, source_url=url)])
    assert db.execute("SELECT count(*) FROM dead_letters WHERE source_url = %s", (url,)).fetchone() == (1,)
