"""A server for replicas, and listing a portal once with an engine."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from gogobe.chains.portal import PortalSettings
from gogobe.demo.portals.server import PortalServer
from gogobe.demo.portals.shelf import ShelfFile
from gogobe.discovery.announcer import Topic
from gogobe.discovery.client import PortalClient
from gogobe.discovery.connections import Connections
from gogobe.discovery.engines import ENGINES
from gogobe.discovery.listing import ListedFile
from gogobe.discovery.portal import Portal
from gogobe.discovery.throttle import Throttles
from gogobe.io.kafka.topics import ensure_topics
from gogobe.io.networks import AllowedHosts
from tests.discovery.kafka import broker

ALLOWED = AllowedHosts.parse("127.0.0.1, localhost")
NOW = datetime(2026, 8, 11, 9, tzinfo=UTC)  # noon in Israel


@pytest.fixture(scope="session")
def portals() -> Iterator[PortalServer]:
    """Runs replicas for the length of the test run."""
    with PortalServer() as server:
        yield server


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a broker that lives as long as the module's tests."""
    with broker(tmp_path_factory.mktemp("kafka")) as address:
        yield address


@pytest.fixture
def topic(bootstrap: str) -> Topic:
    """A topic of its own."""
    name = f"files-{uuid.uuid4().hex}"
    ensure_topics(bootstrap, [name], partitions=3)
    return Topic(bootstrap, name)


def portal(engine: str, url: str, **settings: Any) -> Portal:
    """A portal of a chain that is named `chain`."""
    ids = settings.pop("chain_ids", ("7290000000001",))
    fast = {"rate": 10_000.0, "concurrency": 8, "timeout": 60.0} | settings
    return Portal("chain", "chain", ids, PortalSettings(engine=engine, url=url, **fast))  # type: ignore[arg-type]


@asynccontextmanager
async def client_of(watched: Portal, now: datetime = NOW) -> AsyncIterator[PortalClient]:
    """A client for a portal, at a fixed time."""
    throttles = Throttles()
    throttles.add(watched.host, watched.settings.rate, watched.settings.concurrency)
    connections = Connections(throttles, ALLOWED)
    client = PortalClient(watched, connections, lambda: now)
    try:
        yield client
    finally:
        await client.close()
        await connections.close()


async def list_with(watched: Portal, client: PortalClient) -> list[ListedFile]:
    """One listing, complete."""
    client.begin()
    found = [file async for file in ENGINES[watched.settings.engine](watched, client)]
    client.complete()
    return found


def listed(watched: Portal, now: datetime = NOW) -> list[ListedFile]:
    """What an engine lists."""

    async def work() -> list[ListedFile]:
        async with client_of(watched, now) as client:
            return await list_with(watched, client)

    return asyncio.run(work())


def files(count: int, *, kind: str = "PriceFull", chain_id: str = "7290000000001") -> list[ShelfFile]:
    """Files of as many stores, published a minute after each other on the morning of NOW's day."""
    return [
        ShelfFile(
            f"{kind}{chain_id}-{number:03d}-20260811{6 + number // 60 % 3:02d}{number % 60:02d}.gz",
            body=b"\x1f\x8b" + bytes(number % 97),
            modified=datetime(2026, 8, 11, 3 + number // 60 % 3, number % 60, tzinfo=UTC),
        )
        for number in range(1, count + 1)
    ]


Listed = Callable[[Portal], list[ListedFile]]
