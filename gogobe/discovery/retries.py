"""Announces files of the retry queue again: when they are due, with a new link if their link was signed."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any, Final, TypeVar, cast

import msgspec
import psycopg
from confluent_kafka import KafkaException

from gogobe.database.address import Dsn
from gogobe.database.connection import Connection, is_transient
from gogobe.database.session import Session
from gogobe.database.waiting import (
    Waiting,
    claim_due,
    claim_waiting,
    make_due,
    signed_chains,
    signed_identities,
)
from gogobe.discovery.announcer import Topic, message_of
from gogobe.discovery.client import PortalClient
from gogobe.discovery.connections import Connections
from gogobe.discovery.engines import ENGINES
from gogobe.discovery.listing import ListingError
from gogobe.discovery.metrics import Metrics
from gogobe.discovery.portal import Portal
from gogobe.discovery.throttle import Throttles
from gogobe.feeds.ordering import store_of
from gogobe.io.kafka.publisher import Marked, Publisher
from gogobe.io.kafka.topics import PublishError
from gogobe.io.networks import AllowedHosts
from gogobe.records.addresses import identity_of
from gogobe.records.messages import encode

logger = logging.getLogger(__name__)

PUBLISH_SECONDS: Final = 15.0
# The maximum for one host in one round: files that wait for a failing portal are announced in small portions.
PER_HOST: Final = 16
ALL_OF_A_HOST: Final = 100_000
# The mark of repeated announcements. The announcer searches only for its own marks.
_MARK: Final = b"again"
Result = TypeVar("Result")


class Retries:
    """Takes files from the retry queue and publishes them, by one connection in its own thread.

    `give_up` is the setting `fetch_give_up`; `chains` restricts it to some chains. If the database or the
    broker is unreachable, that is logged, and the files are due again later.
    """

    def __init__(
        self,
        dsn: Dsn,
        topic: Topic,
        metrics: Metrics,
        *,
        give_up: float,
        chains: Collection[str] | None = None,
    ) -> None:
        self._metrics = metrics
        self._give_up = give_up
        self._chains = chains
        self._session = Session(dsn)
        self._publisher = Publisher(topic.kafka, topic.name, PUBLISH_SECONDS)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="retries")

    async def close(self) -> None:
        """Closes the connections."""
        await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)
        self._publisher.close()
        self._session.close()

    async def announce_due(self, *, everything: bool = False, per_host: int = PER_HOST) -> int:
        """Announces files that are due and need no new link, or, with `everything`, also files that are not
        due; at most `per_host` for each host. Returns their number."""

        def due(connection: Connection) -> list[Waiting]:
            return claim_due(
                connection,
                per_host=per_host,
                give_up=self._give_up,
                chains=self._chains,
                everything=everything,
            )

        return await self._run(lambda: self._announce(self._session.run(due), {}), 0)

    async def announce_with(self, links: Mapping[bytes, str]) -> int:
        """Announces files, by identity, with new links. Returns their number; the others were already
        announced."""
        if not links:
            return 0
        return await self._run(
            lambda: self._announce(self._session.run(lambda db: claim_waiting(db, links)), links), 0
        )

    async def expected(self, chain: str, *, everything: bool = False) -> frozenset[bytes]:
        """The identities of a chain's files that wait for a new link."""
        return await self._run(
            lambda: self._session.run(lambda db: signed_identities(db, chain, everything=everything)),
            frozenset(),
        )

    async def expecting_chains(self, *, everything: bool = False) -> list[str]:
        """The chains that have such files."""
        chains: list[str] = await self._run(
            lambda: self._session.run(lambda db: signed_chains(db, everything=everything)), []
        )
        return [chain for chain in chains if self._chains is None or chain in self._chains]

    async def wake(self, chain: str) -> None:
        """Makes the files of a chain due now, because a portal of it answers again."""
        await self._run(lambda: self._session.run(lambda db: make_due(db, chain)), 0)

    def _announce(self, files: Sequence[Waiting], links: Mapping[bytes, str]) -> int:
        if not files:
            return 0
        self._publisher.publish([_record_of(file, links.get(file.identity, file.url)) for file in files])
        for chain, count in Counter(file.chain for file in files).items():
            self._metrics.announced_again.labels(chain).inc(count)
        return len(files)

    async def _run(self, work: Callable[[], Result], otherwise: Result) -> Result:
        """Runs work in the thread. `otherwise` is the result if a server is out of reach."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (psycopg.Error, KafkaException, PublishError) as error:
            if isinstance(error, psycopg.Error) and not is_transient(error):
                raise
            logger.warning("waiting files are announced later: %s", str(error).partition("\n")[0])
            return otherwise


def _record_of(file: Waiting, url: str) -> Marked:
    message = msgspec.structs.replace(
        message_of(file.chain, url, file.file_name, file.discovered_at),
        attempts=file.attempts,
        waiting_since=file.waiting_since,
    )
    return Marked(_MARK, store_of(message).encode(), encode(message))


async def retry_once(
    retries: Retries, portals: Sequence[Portal], allowed: AllowedHosts, *, everything: bool = False
) -> int:
    """Announces all files that are due; with `everything`, also files that are not due. Lists the portals of
    chains whose files need new links. Returns how many were announced. Raises psycopg.Error."""
    announced = await retries.announce_due(everything=everything, per_host=ALL_OF_A_HOST)
    chains = await retries.expecting_chains(everything=everything)
    asked = [portal for portal in portals if portal.chain in chains]
    if not asked:
        return announced
    throttles = Throttles()
    for portal in asked:
        throttles.add(portal.host, portal.settings.rate, portal.settings.concurrency)
    connections = Connections(throttles, allowed)
    try:
        for portal in asked:
            expected = await retries.expected(portal.chain, everything=everything)
            announced += await retries.announce_with(await new_links(portal, connections, expected))
    finally:
        await connections.close()
    return announced


async def new_links(
    portal: Portal, connections: Connections, expected: Collection[bytes]
) -> Mapping[bytes, str]:
    """Lists a portal; the addresses of the expected files, by identity. A portal that cannot be listed is
    logged."""
    client = PortalClient(portal, connections)
    links: dict[bytes, str] = {}
    client.begin()
    try:
        engine = ENGINES[portal.settings.engine]
        async with aclosing(cast("Any", engine(portal, client))) as files:
            async for file in files:
                identity = identity_of(portal.chain, portal.address_of(file.url), file.file_name)
                if identity in expected:
                    links[identity] = file.url
                if len(links) == len(expected):
                    break
    except ListingError as error:
        logger.warning("portal %s cannot be listed: %s: %s", portal.key, error.kind, error)
    finally:
        await client.close()
    return links
