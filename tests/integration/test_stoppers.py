"""Inputs that used to stop every chain, among many good files: the good ones are loaded, and it ends by itself."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gogobe.commands.follow import follow
from gogobe.database.announcements import AnnouncedFile
from gogobe.demo.run import pipeline_flags
from gogobe.feeds.ordering import store_of
from gogobe.io.kafka.publisher import ends_of
from gogobe.io.kafka.shares import CROWD
from gogobe.io.kafka.topics import ensure_topics, lag, publish, read_to_end
from gogobe.io.objects import ObjectStore
from gogobe.io.originals import original_of
from gogobe.local.flink import cancel_jobs, jobs
from gogobe.local.stack import StackAddresses, running_stack
from gogobe.pipelines.ingest import INGEST_JOB
from gogobe.pipelines.submission import submit
from gogobe.records.addresses import file_name_of
from gogobe.records.messages import (
    DEADLETTER,
    DISCOVERED,
    OVERFLOW,
    TOPICS,
    DeadLetter,
    FileDiscovered,
    decoder,
    encode,
)
from tests.portals import Request, Response, portal

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

CHAIN, CHAIN_ID = "shufersal", "7290027600007"
# More than a crowd: they are read together, and most go through the overflow.
GOOD = 2 * CROWD + 50
ITEMS = 20
SECONDS = 240.0
# Loaded by Python itself as each worker starts: no code of the product knows of it.
UNFORESEEN = """
from gogobe.feeds.reader import FeedReader

blocks_of = FeedReader.__iter__


def fail(reader):
    for number, block in enumerate(blocks_of(reader)):
        if number == 2 and "{CHAIN_ID}-901-" in reader._file_name:
            raise LookupError("no code foresaw this")
        yield block


FeedReader.__iter__ = fail
"""


def name_of(store: int, kind: str = "Price") -> str:
    return f"{kind}{CHAIN_ID}-{store:03}-202508070300.xml"


def feed(store: int, tag: str, rows: Sequence[str]) -> bytes:
    head = f"<ChainId>{CHAIN_ID}</ChainId><SubChainId>1</SubChainId><StoreId>{store:03}</StoreId>"
    return f'<root>{head}<{tag} Count="{len(rows)}">{"".join(rows)}</{tag}></root>'.encode()


def item(code: str, name: str = "חלב") -> str:
    fields = f"<ItemCode>{code}</ItemCode><ItemName>{name}</ItemName><ItemPrice>5.90</ItemPrice>"
    return f"<Item>{fields}</Item>"


def prices(store: int, count: int = ITEMS) -> bytes:
    return feed(store, "Items", [item(str(7290000000000 + 10_000 + number)) for number in range(count)])


def promotion(promotion_id: str) -> str:
    times = "<PromotionStartDate>2025-08-01</PromotionStartDate><PromotionEndDate>2100-01-01</PromotionEndDate>"
    items = '<PromotionItems Count="1"><Item><ItemCode>7290000010000</ItemCode></Item></PromotionItems>'
    return f"<Promotion><PromotionId>{promotion_id}</PromotionId>{times}{items}</Promotion>"


@dataclass(frozen=True)
class Stopper:
    """A message on the topic of discovered files, or a file, and its end: the letters (stage and reason) that the
    stream makes of it, the file's state in the ledger, and how many of its rows are refused."""

    message: bytes | None = None
    file: tuple[str, bytes] | None = None
    letter: tuple[str, str] | None = None
    state: str | None = None
    refused: int = 0


def announcement(url: str, **more: Any) -> bytes:
    return json.dumps({"chain": CHAIN, "url": url, "timestamp": "2025-08-07T03:00:00Z", **more}).encode()


INVALID = ("decode", "invalid_message")
ODD_NAME = f"፩ ᧚ {'9' * 400}*3 קג"
STOPPERS: dict[int, list[Stopper]] = {
    1: [
        Stopper(
            file=(name_of(901), prices(901, 1200)), letter=("parse", "internal_error"), state="incomplete"
        )
    ],
    2: [Stopper(file=(name_of(902), feed(902, "Items", [item("1234", ODD_NAME)])), state="loaded")],
    3: [
        Stopper(message=announcement("http://p/x")[:-1] + b',"deep":' + b"[" * 1000 + b"]" * 1000 + b"}", letter=INVALID),
        Stopper(message=announcement("x" * 6_000_000), letter=INVALID),
        Stopper(message=b'"\x01' * 3_000_000, letter=INVALID),
    ],
    4: [
        Stopper(
            file=(name_of(904), feed(904, "Items", [item("1" * 2704), item("7290000010000")])),
            state="loaded",
            refused=1,
        ),
        Stopper(
            file=(name_of(905, "Promo"), feed(905, "Promotions", [promotion("7" * 3000), promotion("8")])),
            state="loaded",
            refused=1,
        ),
    ],
}  # fmt: skip


@pytest.fixture
def unforeseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that are started from now on fail with the file of store 901."""
    (tmp_path / "sitecustomize.py").write_text(UNFORESEEN.replace("{CHAIN_ID}", CHAIN_ID))
    known = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *([known] if known else [])]))


def wait_for(what: str, true: Callable[[], bool], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} seconds: {what}"
        time.sleep(0.5)


def run_with(stoppers: Sequence[Stopper], var: Path, jars: Path) -> None:
    """Feeds the stoppers among good files to a stack of their own, and checks every end."""
    bodies = {name_of(store): prices(store) for store in range(1, GOOD + 1)}
    bodies |= dict(stopper.file for stopper in stoppers if stopper.file is not None)

    def answer(request: Request) -> Response:
        return Response(body=bodies[request.path.removeprefix("/")])

    with running_stack(var, jars) as stack, portal(answer) as served:
        since = datetime.now(UTC)
        files = [FileDiscovered(CHAIN, f"{served.url}/{name}", since) for name in bodies]
        records = [(store_of(file).encode(), encode(file)) for file in files]
        odd = [(b"odd", stopper.message) for stopper in stoppers if stopper.message is not None]
        ensure_topics(stack.kafka, TOPICS)
        publish(stack.kafka, DISCOVERED, records[: GOOD // 2] + odd + records[GOOD // 2 :])
        submit(INGEST_JOB, pipeline_flags(stack, var, served.host))
        outcomes = follow(
            stack.database,
            [AnnouncedFile(file.chain, file.url, file_name_of(file.url), since) for file in files],
            seconds=SECONDS,
            show=lambda _: None,
            check=lambda: None,
            since=since,
        )
        states = {outcome.file: (outcome.state, outcome.refused) for outcome in outcomes}
        assert {name: states[name] for name in list(bodies)[:GOOD]} == dict.fromkeys(
            list(bodies)[:GOOD], ("loaded", 0)
        )
        for stopper in stoppers:
            if stopper.file is not None:
                assert states[stopper.file[0]] == (stopper.state, stopper.refused)
        expected = sorted(stopper.letter for stopper in stoppers if stopper.letter is not None)
        check_letters(stack, ObjectStore(str(var / "store")), expected)
        wait_for("offsets at the end", lambda: lag(stack.kafka, "gogobe-ingest", DISCOVERED) == 0)
        wait_for(
            "views with the prices", lambda: rows(stack, "SELECT 1 FROM master_chain_prices LIMIT 1") != []
        )
        assert sum(ends_of(stack.kafka, OVERFLOW).values()) >= CROWD
        assert [job.state for job in jobs(stack.flink)] == ["RUNNING"]
        cancel_jobs(stack.flink)


def rows(stack: StackAddresses, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.database) as connection:
        return connection.execute(query.encode()).fetchall()


def check_letters(stack: StackAddresses, store: ObjectStore, expected: list[tuple[str, str]]) -> None:
    """The letters are in the table, once each, and in the topic, and their originals are whole."""

    def recorded() -> list[tuple[Any, ...]]:
        return rows(stack, "SELECT stage, reason FROM dead_letters WHERE resolved_at IS NULL ORDER BY 1, 2")

    def published() -> list[DeadLetter]:
        return [decoder(DeadLetter).decode(value) for _, value in read_to_end(stack.kafka, DEADLETTER)]

    wait_for("dead letters in the table", lambda: len(recorded()) >= len(expected))
    assert recorded() == expected
    wait_for("dead letters in the topic", lambda: len(published()) >= len(expected))
    for letter in published():
        assert (letter.stage, letter.reason) in expected
        original = original_of(letter, store)
        assert letter.original_size in (None, len(original))


@pytest.mark.usefixtures("unforeseen")
def test_stoppers_among_many_good_files(tmp_path: Path, jars: Path):
    run_with([stopper for stoppers in STOPPERS.values() for stopper in stoppers], tmp_path / "var", jars)


@pytest.mark.acceptance
@pytest.mark.usefixtures("unforeseen")
@pytest.mark.parametrize("point", STOPPERS)
def test_each_stopper_on_a_stack_of_its_own(tmp_path: Path, jars: Path, point: int):
    run_with(STOPPERS[point], tmp_path / "var", jars)
