"""The agent: watches its share of the portals, each on its own schedule, and announces their files."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg

from gogobe.database.address import Dsn
from gogobe.database.connection import is_transient
from gogobe.discovery.announcer import Announcer, Topic
from gogobe.discovery.client import PortalClient
from gogobe.discovery.connections import Connections
from gogobe.discovery.engines import ENGINES
from gogobe.discovery.health import Listing
from gogobe.discovery.metrics import Metrics
from gogobe.discovery.portal import Portal
from gogobe.discovery.presence import Presence
from gogobe.discovery.queue import AnnouncementQueue
from gogobe.discovery.retries import ALL_OF_A_HOST, Retries
from gogobe.discovery.sharing import share
from gogobe.discovery.throttle import Throttles
from gogobe.discovery.watcher import Watcher
from gogobe.io.networks import AllowedHosts
from gogobe.records.addresses import host_of
from gogobe.secrets import SecretError

logger = logging.getLogger(__name__)

HEALTH_SECONDS: Final = 5.0
HOUSEKEEPING_SECONDS: Final = 3600.0
RETRY_SECONDS: Final = 5.0
START_SECONDS: Final = 30.0
START_A_SECOND: Final = 50
ROUNDS: Final = 3


@dataclass(frozen=True)
class AgentSettings:
    """The settings of an agent.

    `allowed`: addresses that are not public but may be connected to; `lease`: seconds for which the agent
    counts as alive after a heartbeat; `listings`: maximum of concurrent listings; `keep_days`: days for which a
    file that no portal lists is remembered; `give_up`: seconds after which the pipeline gives up a waiting
    file; `only`: the chains whose waiting files are announced again, all unless given.
    """

    dsn: Dsn
    topic: Topic
    name: str
    allowed: AllowedHosts
    lease: float = 30.0
    listings: int = 64
    keep_days: int = 30
    give_up: float = 86_400.0
    only: frozenset[str] | None = None


def agent_name() -> str:
    """A unique name: machine, process and a random part."""
    return f"{socket.gethostname()[:64]}-{os.getpid()}-{random.randrange(1 << 32):08x}"


def _proxy_host(portal: Portal) -> str:
    """The host of a portal's proxy; empty without a proxy, and if the secret cannot be resolved (each listing
    then reports that)."""
    try:
        return host_of(portal.settings.proxy.value()) if portal.settings.proxy else ""
    except SecretError:
        return ""


class Agent:
    """Watches portals. An asynchronous context manager with two modes: `run` and `list_once`."""

    def __init__(self, portals: Sequence[Portal], settings: AgentSettings, metrics: Metrics) -> None:
        self._portals = portals
        self._settings = settings
        self._metrics = metrics
        self._watchers: dict[str, Watcher] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._jobs: set[asyncio.Task[None]] = set()
        self._alive: Sequence[str] = ()

    async def __aenter__(self) -> Agent:
        settings = self._settings
        throttles = Throttles()
        for portal in self._portals:
            throttles.add(portal.host, portal.settings.rate, portal.settings.concurrency)
        proxies = frozenset(host for portal in self._portals if (host := _proxy_host(portal)))
        self._connections = Connections(throttles, settings.allowed, proxies)
        self._places = asyncio.Semaphore(settings.listings)
        self._presence = Presence(settings.dsn, settings.name, settings.lease)
        self._queue = AnnouncementQueue(Announcer(settings.dsn, settings.topic, settings.name, settings.lease))
        self._retries = Retries(
            settings.dsn, settings.topic, self._metrics, give_up=settings.give_up, chains=settings.only
        )
        for portal in self._portals:
            self._watchers[portal.key] = Watcher(
                portal,
                ENGINES[portal.settings.engine],
                PortalClient(portal, self._connections),
                agent=settings.name,
                metrics=self._metrics,
                retries=self._retries,
            )
        try:
            await self._presence.beat()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._queue.close()
        for watcher in self._watchers.values():
            await watcher.close()
        await self._connections.close()
        await self._retries.close()
        await self._presence.leave()

    async def run(self, stop: asyncio.Event) -> None:
        """Watches this agent's share of the portals until `stop` is set.

        Raises an ExceptionGroup of permanent errors: a database without the schema, for example.
        """
        async with self._working():
            self._start(self._every(self._settings.lease / 3, self._share))
            self._start(self._every(RETRY_SECONDS, self._retries.announce_due))
            await stop.wait()
            logger.info("agent %s stops", self._settings.name)

    async def list_once(self) -> dict[str, Listing]:
        """Lists every portal once, at any hour, also those of other agents. Returns the listings by portal key.

        Waits for files that another agent has claimed: that agent publishes them, or its lease ends and this
        agent does. Raises as `run` does.
        """
        async with self._working():
            self._start(self._every(self._settings.lease / 3, self._presence.beat))
            await self._retries.announce_due(per_host=ALL_OF_A_HOST)
            listings = await self._list(self._watchers)
            for _ in range(ROUNDS):
                again = [key for key, listing in listings.items() if listing.pending]
                if not again:
                    break
                await self._until_settled()
                for key, listing in (await self._list(again)).items():
                    listing.announced += listings[key].announced
                    listings[key] = listing
            return listings

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[None]:
        """Runs the announcer and housekeeping during the body. An error in one of them, or in a task that the
        body started, cancels the body; the end of the body cancels them all."""
        async with asyncio.TaskGroup() as self._group:
            self._start(self._queue.run(self._settings.lease))
            self._start(self._every(HEALTH_SECONDS, self._write_health))
            self._start(self._every(HOUSEKEEPING_SECONDS, self._delete_old_rows))
            yield
            for task in tuple(self._jobs):
                task.cancel()
        await self._write_health()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._group.create_task(work)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)
        return task

    async def _every(self, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        """Repeats work with the database every `seconds`; a transient error waits for the next turn."""
        while True:
            try:
                await work()
            except psycopg.Error as error:
                if not is_transient(error):
                    raise
                logger.warning("the database is out of reach: %s", str(error).partition("\n")[0])
            await asyncio.sleep(seconds)

    async def _write_health(self) -> None:
        await self._presence.write(watcher.health for watcher in self._watchers.values())

    async def _delete_old_rows(self) -> None:
        await self._presence.delete_old_rows(self._settings.keep_days)

    async def _until_settled(self) -> None:
        """Waits until no claimed file is unpublished, for one and a half leases at most."""
        until = time.monotonic() + 1.5 * self._settings.lease
        while time.monotonic() < until and await self._presence.unpublished():
            await asyncio.sleep(min(1.0, self._settings.lease / 4))
            await self._queue.settle()

    async def _list(self, keys: Iterable[str]) -> dict[str, Listing]:
        async with asyncio.TaskGroup() as tasks:
            found = {key: tasks.create_task(self._listed(self._watchers[key])) for key in keys}
        return {key: task.result() for key, task in found.items()}

    async def _listed(self, watcher: Watcher) -> Listing:
        async with self._places:
            return await watcher.list_files(self._queue.put)

    async def _watch(self, watcher: Watcher) -> None:
        """Lists one portal repeatedly, each time when it is due."""
        spread = min(START_SECONDS, len(self._watchers) / START_A_SECOND)
        soon = datetime.now(UTC) + timedelta(seconds=random.uniform(0, spread))
        watcher.due = watcher.schedule.not_quiet(max(soon, watcher.due or soon))
        while True:
            await asyncio.sleep((watcher.due - datetime.now(UTC)).total_seconds())
            await self._listed(watcher)

    async def _share(self) -> None:
        """Renews the lease. If the agents have changed, starts and stops watching portals accordingly."""
        alive = await self._presence.beat()
        if alive == self._alive:
            return
        self._alive = alive
        mine = {portal.key for portal in share(self._portals, alive, self._settings.name)}
        logger.info(
            "%d agents are alive; this one watches %d of %d portals", len(alive), len(mine), len(self._portals)
        )
        self._metrics.watched.set(len(mine))
        for key in self._tasks.keys() - mine:
            self._tasks.pop(key).cancel()
        for key in sorted(mine - self._tasks.keys()):
            self._tasks[key] = self._start(self._watch(self._watchers[key]))


async def list_once(portals: Sequence[Portal], settings: AgentSettings, metrics: Metrics) -> dict[str, Listing]:
    """Runs an agent for one listing of every portal (`Agent.list_once`). Returns the listings by portal key."""
    async with Agent(portals, settings, metrics) as agent:
        return await agent.list_once()
