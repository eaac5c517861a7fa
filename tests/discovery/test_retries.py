"""Files of the retry queue come again: through a real broker and database, and from listings."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gogobe.chains.portal import PageLayout
from gogobe.database.connection import Connection
from gogobe.database.waiting import record_waiting
from gogobe.demo.portals.server import PortalServer
from gogobe.demo.portals.shelf import Shelf
from gogobe.demo.portals.shufersal import ShufersalReplica
from gogobe.discovery.announcer import Topic
from gogobe.discovery.metrics import Metrics
from gogobe.discovery.portal import Portal
from gogobe.discovery.retries import Retries, retry_once
from gogobe.discovery.watcher import Watcher
from gogobe.records.addresses import public_address
from gogobe.records.messages import FileDiscovered, WaitingFile
from tests.discovery.conftest import ALLOWED, files, portal
from tests.discovery.kafka import announced
from tests.discovery.replicas import SHUFERSAL_LAYOUT
from tests.discovery.test_watcher import Announced, Clock, watching

MINUTE = timedelta(minutes=1)
SINCE = datetime.now(UTC) - timedelta(hours=1)


def signed_portal(portals: PortalServer, shelf: Shelf, **layout: Any) -> Portal:
    url = portals.add(ShufersalReplica(shelf).app) + "/FileObject/UpdateCategory?catID=0"
    names: dict[str, Any] = {
        name: value for name, value in SHUFERSAL_LAYOUT.items() if name not in ("name", "size")
    }
    return portal("paged_html", url, html=PageLayout(**names, **layout))


def waits(of: Portal, name: str, *, signed: bool, due: timedelta = -MINUTE, attempts: int = 1) -> WaitingFile:
    url = f"http://{of.host}/pricefull/{name}"
    return WaitingFile(
        "chain", url, name, SINCE, of.host, "link_expired" if signed else "unreachable", "detail", signed, attempts,
        SINCE, datetime.now(UTC) - 2 * MINUTE, datetime.now(UTC) + due,
    )  # fmt: skip


class FakeRetries:
    """Expects one file, and keeps what it is given."""

    def __init__(self, expected: frozenset[bytes] = frozenset()) -> None:
        self.identities = expected
        self.links: dict[bytes, str] = {}
        self.woken: list[str] = []

    async def expected(self, _chain: str) -> frozenset[bytes]:
        return self.identities

    async def announce_with(self, links: dict[bytes, str]) -> int:
        self.links |= links
        return len(links)

    async def wake(self, chain: str) -> None:
        self.woken.append(chain)


def with_retries(work: Callable[[Watcher, Announced, FakeRetries], Awaitable[None]], of: Portal) -> None:
    async def run() -> None:
        async with watching(of, Clock()) as watcher:
            watcher._retries = retries = FakeRetries()  # type: ignore[assignment]
            await work(watcher, Announced(), retries)

    asyncio.run(run())


def test_a_listing_gives_a_new_link_to_a_file_that_waits_for_one_on_whichever_page(portals: PortalServer):
    """Though its newest files come first, and all of its files are known."""
    shelf = Shelf.of(files(50))
    watched = signed_portal(portals, shelf, newest_first=True)

    async def work(watcher: Watcher, announced: Announced, retries: FakeRetries) -> None:
        await watcher.list_files(announced.put)
        assert retries.links == {}
        name = "PriceFull7290000000001-001-202608110601.gz"
        address = f"http://{watched.host}/pricefull/{name}"
        retries.identities = frozenset([hashlib.sha256(f"chain\0{address}\0{name}\0".encode()).digest()])
        listing = await watcher.list_files(announced.put)
        assert listing.announced == 0
        (link,) = retries.links.values()
        assert link.startswith(f"{address}?")
        assert "sig=" in link

    with_retries(work, watched)


def test_a_portal_whose_circuit_closes_wakes_its_chain_s_files(portals: PortalServer):
    async def lists(of: Portal, client: Any) -> Any:
        if fails:
            raise OSError("down")
        for file in files(0):
            yield file

    fails = True
    watched = portal("laibcatalog", "http://127.0.0.1:9")

    async def work(watcher: Watcher, announced: Announced, retries: FakeRetries) -> None:
        nonlocal fails
        watcher._engine = lists
        for _ in range(4):
            await watcher.list_files(announced.put)
        assert retries.woken == []
        fails = False
        await watcher.list_files(announced.put)
        await watcher.list_files(announced.put)
        assert retries.woken == ["chain"]

    with_retries(work, watched)


def retried(dsn: str, topic: Topic, portals: list[Portal], *, everything: bool = False, **more: Any) -> int:
    async def run() -> int:
        retries = Retries(dsn, topic, Metrics(), **({"give_up": 86_400.0} | more))
        try:
            return await retry_once(retries, portals, ALLOWED, everything=everything)
        finally:
            await retries.close()

    return asyncio.run(run())


def on(topic: Topic) -> list[FileDiscovered]:
    return announced(topic.kafka, topic.name)


@pytest.mark.server
def test_due_files_come_again_with_their_history_and_signed_ones_with_a_new_link(
    dsn: str, topic: Topic, portals: PortalServer
):
    shelf = Shelf.of(files(3))
    watched = signed_portal(portals, shelf)
    names = sorted(shelf.files)
    record_waiting(
        dsn,
        [
            waits(watched, names[0], signed=True, attempts=3),
            waits(watched, names[1], signed=False, attempts=2),
            waits(watched, names[2], signed=False, due=timedelta(hours=1)),
            waits(watched, "Price7290000000001-009-202608110601.gz", signed=True),
        ],
    )
    assert retried(dsn, topic, [watched]) == 2
    assert retried(dsn, topic, [watched]) == 0
    found = {one.attempts: one for one in on(topic)}
    assert sorted(found) == [2, 3]
    assert public_address(found[3].url) == f"http://{watched.host}/pricefull/{names[0]}" != found[3].url
    assert found[2].url == f"http://{watched.host}/pricefull/{names[1]}"
    assert {(one.timestamp, one.waiting_since, one.chain) for one in found.values()} == {
        (SINCE, SINCE, "chain")
    }
    assert retried(dsn, topic, [watched], everything=True) == 1
    assert retried(dsn, topic, [watched], chains=["other"], everything=True) == 0


@pytest.mark.server
def test_a_broker_out_of_reach_loses_nothing(
    dsn: str, topic: Topic, db: Connection, portals: PortalServer, monkeypatch: pytest.MonkeyPatch
):
    watched = signed_portal(portals, Shelf())
    record_waiting(dsn, [waits(watched, "Price1.gz", signed=False)])
    with monkeypatch.context() as hurried:
        hurried.setattr("gogobe.discovery.retries.PUBLISH_SECONDS", 1.0)
        assert retried(dsn, Topic("127.0.0.1:9", topic.name), [watched]) == 0
    assert retried(dsn, topic, [watched]) == 0, "it counts as announced for some minutes"
    db.execute("UPDATE waiting_files SET due_at = now()")
    assert retried(dsn, topic, [watched]) == 1
    assert [one.waiting_since for one in on(topic)] == [SINCE]
