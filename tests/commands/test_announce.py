"""`gogobe announce`: what is refused, what is published, and how files are followed to their end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gogobe.backfill.load import Backfill, LoadConfig
from gogobe.backfill.read import BatchReader, ReadConfig
from gogobe.chains.load import load_chains
from gogobe.database.dead_letters import record_dead_letters
from gogobe.io.kafka.topics import read_to_end
from gogobe.io.objects import ObjectStore
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.messages import DISCOVERED, FileDiscovered, decoder
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.stored import stored_file
from tests.commands.conftest import Gogobe

NAME = "Price7290027600007-001-202508070300.gz"
URL = f"https://portal.example/{NAME}"
ROWS = "<Items><Item><ItemCode>1</ItemCode><ItemName>a</ItemName><ItemPrice>1</ItemPrice></Item></Items>"


def feed(folder: Path, name: str = NAME, *, end: str = "</Root>") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"<Root><ChainId>7290027600007</ChainId><StoreId>1</StoreId>{ROWS}{end}")
    return folder / name


def on_topic(kafka: str) -> set[bytes]:
    return {value for _, value in read_to_end(kafka, DISCOVERED)}


def published(kafka: str, seen: set[bytes]) -> list[FileDiscovered]:
    """The announcements that were not seen yet."""
    new = on_topic(kafka) - seen
    seen |= new
    return [decoder(FileDiscovered).decode(value) for value in new]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([URL, "--chain", "shufresal"], "did you mean shufersal?"),
        (
            ["https://u:S3cr3t@portal.example/x.gz"],
            "https://portal.example/x.gz: give the address without user",
        ),
        (["portal.example/x.gz"], "an address to download from begins with https://"),
        (["ftp://portal.example/x.gz"], "ftp:// is not downloaded"),
        ([URL, "https://portal.example/x y.gz"], "has a blank in it"),
        ([URL], "Kafka"),
        (["https://portal.example/x.gz"], "give --chain"),
        ([URL, "--chains", "/none.toml"], "/none.toml: cannot be read"),
        ([URL, "--wait", "--database", "postgresql://127.0.0.1:1/none"], "the database cannot be reached"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_published(
    gogobe: Gogobe, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gogobe.io.kafka.topics.DELIVERY_SECONDS", 0.5)
    result = gogobe("announce", *arguments)
    assert result.exit_code in (1, 2)
    assert said in result.output or (said == "Kafka" and "not delivered" in result.output)
    assert "S3cr3t" not in result.output


def test_a_folder_without_feeds_is_not_announced(gogobe: Gogobe, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no feed")
    result = gogobe("announce", str(tmp_path / "empty"))
    assert result.exit_code == 2
    assert "there is no file to announce" in result.output


@pytest.mark.server
def test_addresses_and_files_are_announced_each_once(
    gogobe: Gogobe, kafka: str, store: ObjectStore, tmp_path: Path
):
    before = on_topic(kafka)
    folder = feed(tmp_path / "archive").parent
    result = gogobe("announce", URL, URL, str(folder), "--json", kafka=kafka)
    assert result.exit_code == 0, result.output
    assert "announced 2 on gogobe.files.discovered, 1 of them from the object store" in result.stderr
    found = {message.url: message for message in published(kafka, before)}
    assert found.keys() == {URL, (folder / NAME).as_uri()}
    assert {message.chain for message in found.values()} == {"shufersal"}
    local = found[(folder / NAME).as_uri()]
    assert stored_file(local, store).file_name == NAME
    assert {json.loads(line)["url"] for line in result.stdout.splitlines()} == found.keys()


@contextmanager
def pipeline(kafka: str, dsn: str, store: ObjectStore, tmp_path: Path) -> Iterator[None]:
    """Loads what is announced from now on; an address to download is a dead letter."""
    done, seen = threading.Event(), on_topic(kafka)
    config = ReadConfig(store, SnapshotStore(str(tmp_path / "masters")), load_chains())

    def run() -> None:
        while not done.is_set():
            for message in published(kafka, seen):
                if message.s3_path is None:
                    record_dead_letters(
                        dsn, [DeadLetters("download", store).letter(message, "not_found", "404")]
                    )
                    continue
                file = stored_file(message, store)
                with Backfill(
                    BatchReader(config, lambda _: None), LoadConfig(dsn, 20), lambda _: None
                ) as backfill:
                    backfill.add(file, Path(file.s3_path))
            time.sleep(0.05)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.server
def test_files_are_followed_to_their_end(
    gogobe: Gogobe, kafka: str, dsn: str, store: ObjectStore, tmp_path: Path
):
    good = feed(tmp_path / "good")
    cut = feed(tmp_path / "cut", "Price7290027600007-002-202508070300.gz", end="")
    with pipeline(kafka, dsn, store, tmp_path):
        loaded = gogobe("announce", str(good), "--wait", "--json", kafka=kafka)
        assert (loaded.exit_code, json.loads(loaded.stdout)["state"]) == (0, "loaded"), loaded.output
        mixed = gogobe("announce", str(cut), URL, "--wait", kafka=kafka)
    assert mixed.exit_code == 1, mixed.output
    assert "2 files: 1 dead letter, 1 incomplete" in mixed.stdout
    assert "not_found" in mixed.stdout
    assert "truncated" in mixed.stdout
    states = [json.loads(line) for line in gogobe("files", "--json").stdout.splitlines()]
    assert {(one["file"], one["state"]) for one in states} == {
        (NAME, "loaded"), (cut.name, "incomplete"), (NAME, "failed"),
    }  # fmt: skip


@pytest.mark.server
def test_waiting_has_an_end_and_an_exit_code(gogobe: Gogobe, kafka: str, monkeypatch: pytest.MonkeyPatch):
    over = gogobe("announce", URL, "--wait", "--timeout", "0.3", kafka=kafka)
    assert over.exit_code == 3
    assert "not ended after 0.3 s: 1 of 1 file; the pipeline goes on" in over.stderr

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gogobe.commands.follow.time.sleep", interrupt)
    stopped = gogobe("announce", URL, "--wait", kafka=kafka)
    assert stopped.exit_code == 130
    assert "interrupted: 1 of 1 file; the pipeline goes on" in stopped.stderr
    assert "1 file: 1 waiting" in stopped.stdout
