"""Dead letters back into messages: each into the topic of its kind, or as an announcement of the stored file."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gogobe.feeds.ordering import store_of
from gogobe.io.objects import ObjectStore, content_key
from gogobe.records.messages import (
    DISCOVERED,
    DOWNLOADED,
    INGEST,
    DeadLetter,
    FileDiscovered,
    FileDownloaded,
    IngestBatch,
    decoder,
    encode,
)
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.publish import keyed_batch, keyed_downloaded
from gogobe.transforms.replay import CannotReplayError, Replay, replay_of
from tests.database.samples import at, file_batches, item

NAME = "Price7290027600007-001-202508070300.gz"
URL = f"https://portal.example/{NAME}"
ANNOUNCED = FileDiscovered("shufersal", f"{URL}?sv=1&sig=secret", at(0))


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(str(tmp_path / "store"))


@pytest.fixture
def stored(store: ObjectStore, tmp_path: Path) -> FileDownloaded:
    (tmp_path / "file").write_bytes(b"<Root/>")
    path = store.put(content_key("shufersal", "ab" * 32, NAME), tmp_path / "file")
    return FileDownloaded("shufersal", path, "ab" * 32, 7, URL, NAME, at(0), at(0.5), path)


def never_read(_topic: str) -> bool:
    return False


def always_read(_topic: str) -> bool:
    return True


def discovered(replay: Replay) -> FileDiscovered:
    assert replay.topic == DISCOVERED
    message: FileDiscovered = decoder(FileDiscovered).decode(replay.value)
    assert replay.key == store_of(message).encode()
    return message


@pytest.mark.parametrize("is_read", [never_read, always_read])
def test_an_announcement_is_announced_again_with_its_signature(store: ObjectStore, is_read: Any):
    letter = DeadLetters("download", store).letter(ANNOUNCED, "server_error", "503")
    replay = replay_of(letter, store, is_read)
    assert discovered(replay) == ANNOUNCED
    assert not replay.ends_letter


def test_a_downloaded_file_goes_to_its_topic_where_a_job_reads_it(store: ObjectStore, stored: FileDownloaded):
    letter = DeadLetters("parse", store).letter(stored, "bad_xml", "…", place="line 3")
    replay = replay_of(letter, store, always_read)
    assert (replay.topic, replay.key, replay.value) == (DOWNLOADED, *keyed_downloaded(stored))


def test_a_downloaded_file_is_announced_as_stored_where_no_job_reads_its_topic(
    store: ObjectStore, stored: FileDownloaded
):
    letter = DeadLetters("match", store).letter(stored, "internal_error", "…")
    message = discovered(replay_of(letter, store, never_read))
    assert message == FileDiscovered("shufersal", URL, at(0), NAME, stored.s3_path)


def batch(store: ObjectStore, **fields: Any) -> IngestBatch:
    (made,) = file_batches([item("1", "5.90")], source_url=URL, file=NAME, content_sha256="ab" * 32, **fields)
    return made


def test_a_batch_goes_to_its_topic_where_a_job_reads_it(store: ObjectStore):
    letter = DeadLetters("load", store).letter(batch(store), "refused_by_database", "…")
    replay = replay_of(letter, store, always_read)
    assert (replay.topic, replay.key, replay.value) == (INGEST, *keyed_batch(batch(store)))


@pytest.mark.parametrize("known", [True, False], ids=["named by the batch", "found by the hash"])
def test_a_batch_is_replayed_by_its_stored_file_where_no_job_reads_its_topic(
    store: ObjectStore, stored: FileDownloaded, known: bool
):
    made = batch(store, s3_path=stored.s3_path if known else None)
    letter = DeadLetters("load", store).letter(made, "internal_error", "…")
    assert discovered(replay_of(letter, store, never_read)).s3_path == stored.s3_path


def test_a_file_that_the_store_lost_is_downloaded_again(store: ObjectStore, stored: FileDownloaded):
    Path(stored.s3_path).unlink()
    letter = DeadLetters("parse", store).letter(stored, "missing_object", "…")
    assert discovered(replay_of(letter, store, never_read)).s3_path is None


def test_a_local_file_that_the_store_lost_cannot_be_replayed(store: ObjectStore, stored: FileDownloaded):
    Path(stored.s3_path).unlink()
    local = msgspec.structs.replace(stored, source_url=f"file:///home/{NAME}")
    letter = DeadLetters("parse", store).letter(local, "missing_object", "…")
    with pytest.raises(CannotReplayError, match="announce the file again"):
        replay_of(letter, store, never_read)


def test_the_letter_s_chain_counts_because_a_chain_may_be_renamed(store: ObjectStore):
    misspelt = msgspec.structs.replace(ANNOUNCED, chain="shufresal")
    letter = DeadLetters("download", store).letter(misspelt, "not_found", "404")
    renamed = msgspec.structs.replace(letter, chain="shufersal")
    assert discovered(replay_of(renamed, store, never_read)).chain == "shufersal"


def test_a_message_that_is_valid_now_is_published_and_ends_its_letter(store: ObjectStore):
    letter = DeadLetters("decode", store).letter(
        encode(ANNOUNCED), "invalid_message", "not a FileDiscovered: …"
    )
    replay = replay_of(letter, store, never_read)
    assert (discovered(replay), replay.ends_letter) == (ANNOUNCED, True)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff", b'{"chain":"../x","url":"u","timestamp":"2025-01-01T00:00:00Z"}']
)
def test_a_message_that_is_still_not_valid_is_not_published(store: ObjectStore, raw: bytes):
    letter = DeadLetters("decode", store).letter(raw, "invalid_message", "not a FileDiscovered: …")
    with pytest.raises(CannotReplayError, match="still no FileDiscovered"):
        replay_of(letter, store, never_read)


def test_what_a_topic_lacks_goes_to_that_topic_and_ends_the_letter(store: ObjectStore):
    letter = DeadLetters("publish", store).letter(batch(store), "internal_error", "…")
    replay = replay_of(letter, store, never_read)
    assert (replay.topic, replay.ends_letter) == (INGEST, True)


def test_an_original_in_the_store_is_replayed_whole(store: ObjectStore):
    made = file_batches([item(str(code), "5.90", name="x" * 4000) for code in range(400)])[0]
    letter = DeadLetters("load", store).letter(made, "refused_by_database", "…")
    assert letter.original_path
    assert replay_of(letter, store, always_read).value == encode(made)


def test_bytes_are_replayed_as_bytes(store: ObjectStore):
    raw = encode(ANNOUNCED)
    letter = DeadLetter(
        "decode", "invalid_message", "…", "excerpt", at(0), original_base64=base64.b64encode(raw).decode()
    )
    assert discovered(replay_of(letter, store, never_read)) == ANNOUNCED


def test_a_letter_about_no_file_says_so(store: ObjectStore):
    letter = DeadLetters("record_decisions", store).letter([1, 2], "internal_error", "…")
    with pytest.raises(CannotReplayError, match="no message about a file"):
        replay_of(letter, store, never_read)
