"""Operators' access to dead letters: find, mark, close."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gogobe.database.connection import Connection
from gogobe.database.dead_letters import letter_key, record_dead_letters
from gogobe.database.letters import (
    LetterFilter,
    UnknownLetterError,
    drop_letters,
    find_letters,
    letter_of_id,
    mark_replayed,
    mark_resolved,
    open_counts,
    unmark_replayed,
)
from gogobe.database.load.loader import Loader
from gogobe.records.messages import DeadLetter
from tests.database.samples import at, file_batches, item

FIRST = DeadLetter(
    "download", "not_found", "answers 404", "{}", at(1), chain="rami_levy", source_url="https://a/1.gz"
)
SECOND = DeadLetter(
    "parse", "truncated", "cut short", "{}", at(2), chain="shufersal", source_url="https://b/2.gz", file="2.gz"
)
THIRD = msgspec.structs.replace(SECOND, reason="bad_xml", failed_at=at(3), cause="why", attempts=2)


@pytest.fixture
def three(dsn: str) -> None:
    record_dead_letters(dsn, [FIRST, SECOND, THIRD])


def found(db: Connection, **wanted: Any) -> list[str]:
    return [letter.reason for letter in find_letters(db, LetterFilter(**wanted))]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("wanted", "reasons"),
    [
        ({}, ["bad_xml", "truncated", "not_found"]),
        ({"limit": 1}, ["bad_xml"]),
        ({"chain": "shufersal"}, ["bad_xml", "truncated"]),
        ({"stage": "download"}, ["not_found"]),
        ({"reason": "truncated"}, ["truncated"]),
        ({"since": at(2)}, ["bad_xml", "truncated"]),
        ({"until": at(2)}, ["not_found"]),
        ({"address": "/1.g"}, ["not_found"]),
        ({"address": "%"}, []),
        ({"chain": "shufersal", "since": at(2.5), "reason": "bad_xml"}, ["bad_xml"]),
        ({"state": "dropped"}, []),
        ({"state": None}, ["bad_xml", "truncated", "not_found"]),
    ],
    ids=str,
)
def test_letters_are_found_by_what_they_are(db: Connection, wanted: dict[str, Any], reasons: list[str]):
    assert found(db, **wanted) == reasons


@pytest.mark.usefixtures("three")
def test_originals_come_only_when_asked_for(db: Connection):
    (without,) = find_letters(db, LetterFilter(reason="bad_xml"))
    (whole,) = find_letters(db, LetterFilter(reason="bad_xml"), whole=True)
    assert (without.original, without.cause) == (None, None)
    assert (whole.original, whole.cause, whole.attempts) == ("{}", "why", 2)


@pytest.mark.usefixtures("three")
def test_a_letter_is_named_by_the_beginning_of_its_id(db: Connection):
    key = letter_key(FIRST)
    assert letter_of_id(db, key[:10]).id == letter_of_id(db, key).id == key
    for wrong, said in (("x" * 8, "is no id"), ("ab", "is no id"), ("0" * 64, "no dead letter has the id")):
        with pytest.raises(UnknownLetterError, match=said):
            letter_of_id(db, wrong)


def test_an_id_that_begins_several_is_not_guessed(dsn: str, db: Connection):
    many = [msgspec.structs.replace(FIRST, source_url=f"https://a/{n}.gz") for n in range(40_000)]
    keys: dict[str, list[DeadLetter]] = {}
    for letter in many:
        keys.setdefault(letter_key(letter)[:4], []).append(letter)
    beginning, same = next((key, letters) for key, letters in keys.items() if len(letters) > 1)
    record_dead_letters(dsn, same[:2])
    with pytest.raises(UnknownLetterError, match="several dead letters"):
        letter_of_id(db, beginning)


@pytest.mark.usefixtures("three")
def test_a_dropped_letter_says_who_and_why_and_opens_again_when_it_fails_again(dsn: str, db: Connection):
    key = letter_key(FIRST)
    assert drop_letters(db, [key], "dana", "the portal removed it") == 1
    assert drop_letters(db, [key], "eli", "again") == 0
    letter = letter_of_id(db, key)
    assert (letter.state, letter.dropped_by, letter.dropped_why) == ("dropped", "dana", "the portal removed it")
    assert letter.resolved_at is not None
    assert (found(db), found(db, state="dropped")) == (["bad_xml", "truncated"], ["not_found"])
    assert open_counts(db) == [("parse", "bad_xml", 1), ("parse", "truncated", 1)]
    record_dead_letters(dsn, [FIRST])
    assert letter_of_id(db, key).state == "dropped", "the same delivery opens nothing"
    record_dead_letters(dsn, [msgspec.structs.replace(FIRST, failed_at=at(9))])
    letter = letter_of_id(db, key)
    assert (letter.state, letter.dropped_by, letter.attempts) == ("open", None, 2)


def test_one_bad_file_announced_three_times_is_one_open_letter_with_three_attempts(dsn: str, db: Connection):
    for hour in (1, 2, 3):
        record_dead_letters(dsn, [msgspec.structs.replace(SECOND, failed_at=at(hour))])
    (letter,) = find_letters(db, LetterFilter())
    assert (letter.attempts, letter.state) == (3, "open")


def test_a_letter_that_was_replayed_is_closed_by_the_load_of_the_same_download(dsn: str, db: Connection):
    """A downloaded file that is published again has its first time of download, which is before the failure."""
    batches = file_batches([item("1", "5")], hour=1)
    letter = msgspec.structs.replace(SECOND, source_url=batches[0].source_url, failed_at=at(6))
    record_dead_letters(dsn, [letter])
    key = letter_key(letter)
    with Loader(dsn) as loader:
        loader.load(batches)
        assert letter_of_id(db, key).state == "open"
        mark_replayed(db, [key])
        loader.load(batches)
    replayed = letter_of_id(db, key)
    assert (replayed.state, replayed.replays) == ("resolved", 1)


def test_a_letter_that_failed_again_after_its_replay_stays_open(dsn: str, db: Connection):
    batches = file_batches([item("1", "5")], hour=1)
    letter = msgspec.structs.replace(SECOND, source_url=batches[0].source_url, failed_at=at(6))
    record_dead_letters(dsn, [letter])
    mark_replayed(db, [letter_key(letter)])
    row = db.execute("SELECT clock_timestamp() + interval '1 second'").fetchone()
    assert row is not None
    record_dead_letters(dsn, [msgspec.structs.replace(letter, failed_at=row[0])])
    with Loader(dsn) as loader:
        loader.load(batches)
    assert letter_of_id(db, letter_key(letter)).state == "open"


@pytest.mark.usefixtures("three")
def test_a_replay_that_was_not_published_leaves_no_mark(db: Connection):
    before = find_letters(db, LetterFilter())
    keys = [letter.id for letter in before]
    mark_replayed(db, keys)
    marked = find_letters(db, LetterFilter())
    assert all(letter.replays == 1 and letter.replayed_at for letter in marked)
    unmark_replayed(db, before)
    assert find_letters(db, LetterFilter()) == before
    mark_resolved(db, keys[:1])
    assert letter_of_id(db, keys[0]).state == "resolved"
