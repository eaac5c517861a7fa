"""`gogobe deadletters` on a database, a store and a broker of the test."""

from __future__ import annotations

import gzip
import json
import socket
from pathlib import Path

import msgspec
import pytest

from gogobe.backfill.load import Backfill, LoadConfig
from gogobe.backfill.read import BatchReader, ReadConfig
from gogobe.chains.load import load_chains
from gogobe.database.connection import Connection
from gogobe.database.dead_letters import letter_key, record_dead_letters
from gogobe.io.kafka.topics import read_to_end
from gogobe.io.objects import ObjectStore
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.messages import (
    DISCOVERED,
    DOWNLOADED,
    DeadLetter,
    FileDiscovered,
    FileDownloaded,
    decoder,
)
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.stored import stored_file
from tests.commands.conftest import Gogobe
from tests.database.samples import at

NAME = "Price7290027600007-001-202508070300.gz"
URL = f"https://portal.example/{NAME}"
ROWS = "".join(
    f"<Item><ItemCode>{code}</ItemCode><ItemName>חלב {code}</ItemName><ItemPrice>5.90</ItemPrice></Item>\n"
    for code in range(1000, 1020)
)
FEED = f"<Root><ChainId>7290027600007</ChainId><StoreId>1</StoreId><Items>\n{ROWS}</Items></Root>".encode()


@pytest.fixture
def stored(store: ObjectStore, tmp_path: Path) -> FileDownloaded:
    (tmp_path / NAME).write_bytes(gzip.compress(FEED))
    path = store.put(f"raw/shufersal/{NAME}", tmp_path / NAME)
    found = stored_file(FileDiscovered("shufersal", URL, at(0), NAME, path), store)
    return msgspec.structs.replace(found, downloaded_at=at(0.5))


@pytest.fixture
def letters(dsn: str, store: ObjectStore, stored: FileDownloaded) -> list[DeadLetter]:
    """Of a file that failed at line 7 when it was parsed, and of one that the portal does not have."""
    parsed = DeadLetters("parse", store).letter(
        stored, "bad_xml", "not well-formed [/b]", place="line 7", cause="Why"
    )
    missing = FileDiscovered("rami_levy", "https://portal.example/gone.gz", at(0))
    made = [parsed, DeadLetters("download", store).letter(missing, "not_found", "answers 404", attempts=4)]
    record_dead_letters(dsn, made)
    return made


@pytest.mark.usefixtures("letters")
def test_letters_are_listed(gogobe: Gogobe):
    result = gogobe("deadletters", "list")
    assert result.exit_code == 0, result.output
    assert "2 shown; open in all: 2 (1 download/not_found, 1 parse/bad_xml)" in result.output
    lines = [json.loads(line) for line in gogobe("deadletters", "list", "--json").output.splitlines()]
    assert [(line["reason"], line["attempts"], line["state"]) for line in lines] == [
        ("not_found", 4, "open"),
        ("bad_xml", 1, "open"),
    ]
    assert "original" not in lines[0]
    only = gogobe("deadletters", "list", "--json", "--chain", "shufersal", "--since", "1h").output
    assert [json.loads(line)["reason"] for line in only.splitlines()] == ["bad_xml"]


def test_a_letter_is_shown_with_its_cause_and_the_piece_of_its_file(gogobe: Gogobe, letters: list[DeadLetter]):
    key = letter_key(letters[0])
    result = gogobe("deadletters", "show", key[:10])
    assert result.exit_code == 0, result.output
    for said in (key, "not well-formed [/b]", "line 7", "Why", URL, "<ItemCode>1005</ItemCode>"):
        assert said in result.output
    assert "<ItemCode>1010</ItemCode>" not in result.output
    shown = json.loads(gogobe("deadletters", "show", key, "--json").output)
    assert shown["fragment"]["line"] == 7
    assert json.loads(shown["original"])["content_sha256"] == shown["content_sha256"]


def test_a_letter_without_a_stored_file_says_so(gogobe: Gogobe, letters: list[DeadLetter]):
    result = gogobe("deadletters", "show", letter_key(letters[1])[:12])
    assert result.exit_code == 0, result.output
    assert "no excerpt of the file: the file was never stored" in result.output


def test_a_batch_s_letter_is_shown_with_its_first_row(
    gogobe: Gogobe, dsn: str, store: ObjectStore, stored: FileDownloaded, tmp_path: Path
):
    reader = BatchReader(
        ReadConfig(store, SnapshotStore(str(tmp_path / "masters")), load_chains()), lambda _: None
    )
    batch = next(iter(reader.read(stored, tmp_path / NAME)))
    letter = DeadLetters("load", store).letter(batch, "refused_by_database", "no", cause="DataError")
    record_dead_letters(dsn, [letter])
    result = gogobe("deadletters", "show", letter_key(letter))
    assert result.exit_code == 0, result.output
    assert "<ItemCode>1000</ItemCode><ItemName>חלב 1000</ItemName>" in result.output


def test_dropping_needs_a_reason_and_a_choice(gogobe: Gogobe, letters: list[DeadLetter], db: Connection):
    assert "Missing option '--why'" in gogobe("deadletters", "drop", "--all").output
    assert "name letters by id or by a filter" in gogobe("deadletters", "drop", "--why", "old").output
    both = gogobe("deadletters", "drop", letter_key(letters[0]), "--chain", "x", "--why", "old").output
    assert "not both" in both
    result = gogobe("deadletters", "drop", "--reason", "not_found", "--why", "removed", "--by", "dana")
    assert (result.exit_code, result.output) == (0, "1 letter dropped by dana: removed\n")
    query = "SELECT reason, dropped_by, dropped_why FROM dead_letters WHERE resolved_at IS NOT NULL"
    assert db.execute(query).fetchall() == [("not_found", "dana", "removed")]
    again = gogobe("deadletters", "drop", letter_key(letters[1]), "--why", "again")
    assert again.exit_code == 2
    assert "is dropped already" in again.output
    (dropped,) = gogobe("deadletters", "list", "--state", "dropped", "--json").output.splitlines()
    assert json.loads(dropped)["dropped_why"] == "removed"


@pytest.mark.parametrize(
    "arguments", [["list"], ["show", "abcd"], ["replay", "--all"], ["drop", "--all", "--why", "x"]]
)
def test_a_database_out_of_reach_is_a_sentence(gogobe: Gogobe, arguments: list[str]):
    result = gogobe("deadletters", *arguments, "--database", "postgresql://127.0.0.1:1/none")
    assert result.exit_code == 1
    assert "the database cannot be reached" in result.output


@pytest.mark.usefixtures("letters", "hurried")
def test_a_broker_out_of_reach_leaves_the_letters_as_they_were(gogobe: Gogobe, db: Connection, monkeypatch):
    monkeypatch.setattr("gogobe.io.kafka.topics.DELIVERY_SECONDS", 1.0)
    arguments = ("deadletters", "replay", "--reason", "not_found", "--as", "announcement")
    result = gogobe(*arguments)
    assert (result.exit_code, "Kafka cannot be reached" in result.output) == (1, True)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kafka = f"127.0.0.1:{silent.getsockname()[1]}"
        assert "no answer within 3 seconds" in gogobe(*arguments, kafka=kafka).output
        # It falls silent after it has answered.
        monkeypatch.setattr("gogobe.commands.options.check_reachable", lambda *_: None)
        result = gogobe(*arguments, kafka=kafka)
    assert result.exit_code == 1
    assert "the letters are as they were" in result.output
    assert db.execute("SELECT DISTINCT replays, replayed_at FROM dead_letters").fetchall() == [(0, None)]


@pytest.mark.server
def test_what_is_replayed_and_loaded_is_resolved(
    gogobe: Gogobe,
    kafka: str,
    dsn: str,
    db: Connection,
    store: ObjectStore,
    letters: list[DeadLetter],
    tmp_path: Path,
):
    before = {value for _, value in read_to_end(kafka, DISCOVERED)}
    dry = gogobe("deadletters", "replay", "--all", "--dry-run", kafka=kafka)
    assert dry.output == "2 of 2 letters would be replayed to gogobe.files.discovered\n"
    assert {value for _, value in read_to_end(kafka, DISCOVERED)} == before
    result = gogobe("deadletters", "replay", "--all", kafka=kafka)
    assert result.exit_code == 0, result.output
    assert "2 of 2 letters replayed to gogobe.files.discovered" in result.output
    decode = decoder(FileDiscovered).decode
    new = {value for _, value in read_to_end(kafka, DISCOVERED)} - before
    published = {decode(value).chain: decode(value) for value in new}
    assert published.keys() == {"shufersal", "rami_levy"}
    file = stored_file(published["shufersal"], store)
    config = ReadConfig(store, SnapshotStore(str(tmp_path / "masters")), load_chains())
    with Backfill(BatchReader(config, lambda _: None), LoadConfig(dsn, 20), lambda _: None) as backfill:
        backfill.add(file, Path(file.s3_path))
    states = db.execute(
        "SELECT reason, resolved_at IS NOT NULL, replays FROM dead_letters ORDER BY 1"
    ).fetchall()
    assert states == [("bad_xml", True, 1), ("not_found", False, 1)]


@pytest.mark.server
def test_a_message_goes_to_its_own_topic_when_asked(gogobe: Gogobe, kafka: str, letters: list[DeadLetter]):
    key = letter_key(letters[0])
    result = gogobe("deadletters", "replay", key[:12], "--as", "message", "--json", kafka=kafka)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"id": key, "topic": DOWNLOADED, "refused": None}
    values = [value for _, value in read_to_end(kafka, DOWNLOADED)]
    assert letters[0].original.encode() in values


@pytest.mark.server
def test_what_cannot_be_replayed_is_said_and_the_rest_is(
    gogobe: Gogobe, kafka: str, dsn: str, store: ObjectStore, letters: list[DeadLetter]
):
    broken = DeadLetters("decode", store).letter(b"{", "invalid_message", "not a FileDiscovered: …")
    record_dead_letters(dsn, [broken])
    result = gogobe("deadletters", "replay", "--all", kafka=kafka)
    assert result.exit_code == 1
    assert f"{letter_key(broken)[:12]} not replayed: it is still no FileDiscovered" in result.output
    assert "2 of 3 letters replayed" in result.output
