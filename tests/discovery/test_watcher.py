"""One portal under watch: what is announced, remembered, counted, and when it is asked again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from gogobe.database.portals import PortalHealth
from gogobe.demo.portals.laibcatalog import LaibcatalogReplica
from gogobe.demo.portals.server import PortalServer
from gogobe.demo.portals.shelf import Shelf, ShelfFile
from gogobe.discovery.announcer import Announcement, Outcome
from gogobe.discovery.client import PortalClient
from gogobe.discovery.connections import Connections
from gogobe.discovery.engines import ENGINES
from gogobe.discovery.health import Listing
from gogobe.discovery.listing import ListedFile, ListingError
from gogobe.discovery.metrics import Metrics
from gogobe.discovery.portal import Portal
from gogobe.discovery.throttle import Throttles
from gogobe.discovery.watcher import CHUNK_FILES, Watcher
from tests.discovery.conftest import ALLOWED, NOW, files, portal
from tests.portals import pages
from tests.portals.faults import Faults

NAMES = sorted(file.file_name if isinstance(file, ListedFile) else file.name for file in files(30))


class Announced:
    """Takes files as the announcer does, without database or broker; `pending` names are another agent's."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.asked: list[str] = []
        self.pending: set[str] = set()

    async def put(self, announcements: Sequence[Announcement]) -> Awaitable[Outcome]:
        names = {one.listed.identity: one.listed.file_name for one in announcements}
        self.asked += names.values()
        new = frozenset(
            key for key, name in names.items() if name not in self.names and name not in self.pending
        )
        self.names += [name for key, name in names.items() if key in new]
        pending = frozenset(key for key, name in names.items() if name in self.pending)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        future.set_result(Outcome(new, pending))
        return future


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def watching(watched: Portal, clock: Clock, engine: Any = None) -> AsyncIterator[Watcher]:
    throttles = Throttles()
    throttles.add(watched.host, watched.settings.rate, watched.settings.concurrency)
    connections = Connections(throttles, ALLOWED)
    client = PortalClient(watched, connections, clock)
    engine = engine or ENGINES[watched.settings.engine]
    watcher = Watcher(watched, engine, client, agent="one", metrics=Metrics())
    try:
        yield watcher
    finally:
        await watcher.close()
        await connections.close()


def watch(
    watched: Portal, work: Callable[[Watcher, Announced, Clock], Awaitable[None]], engine: Any = None
) -> None:
    async def run() -> None:
        clock, announced = Clock(), Announced()
        async with watching(watched, clock, engine) as watcher:
            await work(watcher, announced, clock)

    asyncio.run(run())


def laibcatalog(server: PortalServer, shelf: Shelf, faults: Faults | None = None, **settings: Any) -> Portal:
    app = LaibcatalogReplica({"7290000000001": shelf}).app
    return portal("laibcatalog", server.add(faults.on(app) if faults else app), **settings)


def health(watcher: Watcher) -> PortalHealth:
    row, _ = watcher.health.drain()
    assert row is not None
    return row


def test_a_portal_is_announced_once_and_then_only_what_is_new(portals: PortalServer):
    shelf = Shelf.of(files(30))

    async def work(watcher: Watcher, announced: Announced, _clock: Clock) -> None:
        first = await watcher.list_files(announced.put)
        assert (first.outcome, first.files, first.announced) == ("complete", 30, 30)
        assert sorted(announced.names) == NAMES
        announced.asked.clear()
        again = await watcher.list_files(announced.put)
        assert (again.files, again.announced, announced.asked) == (30, 0, [])
        shelf.put(ShelfFile("PriceFull7290000000001-500-202608110600.gz", b"x", NOW))
        changed = ShelfFile(NAMES[3], b"another content", NOW)
        shelf.put(changed)
        third = await watcher.list_files(announced.put)
        assert sorted(announced.asked) == [NAMES[3], "PriceFull7290000000001-500-202608110600.gz"]
        assert third.announced == 1

    watch(laibcatalog(portals, shelf), work)


@pytest.mark.parametrize("breaks_off", [False, True])
def test_a_whole_listing_is_announced_in_the_order_of_publication(breaks_off: bool):
    """Also one of many chunks, and one that breaks off."""
    listed = [f"PriceFull7290000000001-{number % 7:03d}-2026081106{number // 60:02d}{number % 60:02d}.gz"
              for number in range(3 * CHUNK_FILES + 10)]  # fmt: skip

    async def newest_first(watched: Portal, _client: PortalClient) -> AsyncIterator[ListedFile]:
        for name in reversed(listed):
            yield ListedFile(f"http://{watched.host}/{name}", name)
        if breaks_off:
            raise ListingError("short_body", "it broke off")

    async def work(watcher: Watcher, announced: Announced, _clock: Clock) -> None:
        listing = await watcher.list_files(announced.put)
        assert listing.announced == len(listed)
        assert announced.names == sorted(listed, key=lambda name: name.rpartition("-")[2])

    watch(portal("html_links", "http://portal.example"), work, newest_first)


def test_what_another_agent_announces_is_asked_for_again(portals: PortalServer):
    async def work(watcher: Watcher, announced: Announced, _clock: Clock) -> None:
        announced.pending = {NAMES[0], NAMES[7]}
        first = await watcher.list_files(announced.put)
        assert (first.announced, first.pending) == (28, 2)
        announced.asked.clear()
        announced.pending = set()
        assert (await watcher.list_files(announced.put)).pending == 0
        assert sorted(announced.asked) == [NAMES[0], NAMES[7]]

    watch(laibcatalog(portals, Shelf.of(files(30))), work)


def test_after_a_day_everything_is_checked_anew(portals: PortalServer):
    async def work(watcher: Watcher, announced: Announced, clock: Clock) -> None:
        await watcher.list_files(announced.put)
        announced.asked.clear()
        assert (await watcher.list_files(announced.put)).outcome == "not_modified"
        clock.now = NOW + timedelta(hours=25)
        assert (await watcher.list_files(announced.put)).outcome == "complete"
        assert sorted(announced.asked) == NAMES

    watch(portal("meshnat_yosef", portals.add(pages.meshnat_yosef(Shelf.of(files(30))))), work)


def test_a_listing_that_failed_half_way_is_announced_so_far(portals: PortalServer):
    async def engine(_portal: Portal, client: PortalClient) -> AsyncIterator[ListedFile]:
        for number in range(3):
            yield ListedFile(f"{_portal.base}{number}.gz", f"Price{number}.gz")
        await client.get(f"{_portal.base}missing")

    async def work(watcher: Watcher, announced: Announced, _clock: Clock) -> None:
        listing = await watcher.list_files(announced.put)
        assert (listing.outcome, listing.announced) == ("failed", 3)
        assert listing.error is not None
        assert listing.error.kind == "not_found"
        # A listing that was not complete is not remembered.
        announced.asked.clear()
        await watcher.list_files(announced.put)
        assert len(announced.asked) == 3

    watch(laibcatalog(portals, Shelf()), work, engine)


def test_an_error_that_was_not_foreseen_is_one_of_the_portal(portals: PortalServer):
    async def engine(_portal: Portal, _client: PortalClient) -> AsyncIterator[ListedFile]:
        yield ListedFile(f"{_portal.base}1.gz", "Price1.gz")
        raise ZeroDivisionError("by zero")

    async def work(watcher: Watcher, announced: Announced, _clock: Clock) -> None:
        listing = await watcher.list_files(announced.put)
        assert announced.names == ["Price1.gz"]
        assert listing.details == {"internal_error": "ZeroDivisionError: by zero"}

    watch(laibcatalog(portals, Shelf()), work, engine)


@pytest.mark.parametrize(
    ("url", "name", "words"),
    [
        ("https://elsewhere.example/Price1.gz", "Price1.gz", "not one of the portal's hosts"),
        ("https://u:hush@127.0.0.1/Price1.gz", "Price1.gz", "a user or a password"),
        ("http://127.0.0.1/" + "x" * 2100, "Price1.gz", "no announcement"),
        ("http://127.0.0.1/x", "Price" + "x" * 300, "no announcement"),
        ("http://127.0.0.1/x", "Price\x001.gz", "no announcement"),
        ("http://127.0.0.1/x", "Price\ud8001.gz", "no announcement"),
    ],
)
def test_a_link_that_cannot_be_announced_costs_the_others_nothing(
    portals: PortalServer, url: str, name: str, words: str
):
    async def engine(_portal: Portal, _client: PortalClient) -> AsyncIterator[ListedFile]:
        yield ListedFile(url, name)
        yield ListedFile(f"{_portal.base}2.gz", "Price2.gz")

    async def work(watcher: Watcher, announced: Announced, _clock: Clock) -> None:
        listing = await watcher.list_files(announced.put)
        assert (listing.outcome, announced.names) == ("complete", ["Price2.gz"])
        assert words in listing.details["bad_link"]
        assert "hush" not in str(listing.details)
        assert listing.errors == {"bad_link": 1}

    watch(laibcatalog(portals, Shelf()), work, engine)


def test_files_that_are_no_feeds_are_ignored(portals: PortalServer):
    shelf = Shelf.of(
        [*files(3), ShelfFile("readme.txt"), ShelfFile("NULLPrice7290000000001-001-202608110600.gz")]
    )

    async def work(watcher: Watcher, announced: Announced, _clock: Clock) -> None:
        listing = await watcher.list_files(announced.put)
        assert (listing.files, listing.ignored, len(announced.names)) == (5, 1, 4)

    watch(laibcatalog(portals, shelf), work)


@pytest.mark.parametrize(
    ("files", "settings", "words"),
    [
        ([], {}, "lists no file"),
        ([], {"quiet": ("11:00-13:00",)}, ""),
        ([ShelfFile("readme.txt"), ShelfFile("x.csv")], {}, "none of its 2 files"),
    ],
)
def test_a_listing_with_nothing_in_it_is_reported(
    portals: PortalServer, files: list[ShelfFile], settings: dict[str, Any], words: str
):
    async def work(watcher: Watcher, announced: Announced, _clock: Clock) -> None:
        listing = await watcher.list_files(announced.put)
        assert (listing.outcome, listing.errors["empty_listing"]) == ("complete", bool(words))
        assert words in listing.details.get("empty_listing", "")
        assert (health(watcher).failures, announced.names) == (0, [])

    watch(laibcatalog(portals, Shelf.of(files), **settings), work)


def test_an_ill_portal_is_asked_more_seldom_until_it_answers(
    portals: PortalServer, caplog: pytest.LogCaptureFixture
):
    faults = Faults("status", headers={"Retry-After": "900"})

    async def work(watcher: Watcher, announced: Announced, _clock: Clock) -> None:
        for failures in range(1, 6):
            await watcher.list_files(announced.put)
            row = health(watcher)
            assert (row.failures, row.circuit) == (failures, "open" if failures >= 4 else "closed")
            assert watcher.due is not None
            assert watcher.due >= NOW + timedelta(seconds=900)
            assert row.next_at == watcher.due
            assert row.last_error is not None
            assert row.last_error.startswith("server_error: ")
        assert len([record for record in caplog.records if "has its circuit open" in record.message]) == 1
        faults.kind = ""
        await watcher.list_files(announced.put)
        row = health(watcher)
        assert (row.failures, row.circuit, row.last_error, row.files) == (0, "closed", None, 30)
        assert watcher.due is not None
        assert watcher.due < NOW + timedelta(seconds=400)
        assert "answers again" in caplog.text

    watch(laibcatalog(portals, Shelf.of(files(30)), faults), work)


def test_health_says_how_late_files_were(portals: PortalServer):
    shelf = Shelf.of(
        ShelfFile(f"Price7290000000001-{number:03d}-2026081111{number:02d}.gz", b"", NOW)
        for number in (10, 20, 30)
    )

    async def work(watcher: Watcher, announced: Announced, _clock: Clock) -> None:
        await watcher.list_files(announced.put)
        row = health(watcher)
        assert (row.announced, row.late_median, row.late_p95) == (3, 2400.0, 3000.0)
        assert row.newest_file_at == NOW - timedelta(minutes=30)
        assert watcher.health.drain() == (None, [])
        await watcher.list_files(announced.put)
        assert health(watcher).announced == 0

    watch(laibcatalog(portals, shelf), work)


def test_the_outcome_of_a_listing():
    assert Listing().outcome == "failed"
    assert Listing(is_complete=True).outcome == "complete"
    assert Listing(is_complete=True, is_modified=False).outcome == "not_modified"
