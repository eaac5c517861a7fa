"""What an agent writes to the database apart from announcements: its heartbeat and its portals' health."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import psycopg

from gogobe.database.address import Dsn
from gogobe.database.agents import beat, forget_dead, leave
from gogobe.database.announcements import forget_unlisted, unpublished_batches
from gogobe.database.connection import Connection
from gogobe.database.portals import PortalErrors, PortalHealth, write_health
from gogobe.database.session import Session
from gogobe.discovery.health import Health

logger = logging.getLogger(__name__)

DEAD_SECONDS: Final = 24 * 3600.0
Result = TypeVar("Result")


class Presence:
    """One connection, in a thread of its own. Each call raises psycopg.Error; the next one may succeed."""

    def __init__(self, dsn: Dsn, agent: str, lease: float) -> None:
        self._agent = agent
        self._lease = lease
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="presence")
        self._session = Session(dsn)

    async def beat(self) -> Sequence[str]:
        """Renews the lease; gives the agents that are alive, this one among them."""
        return await self._run(lambda db: beat(db, self._agent, self._lease))

    async def write(self, healths: Iterable[Health]) -> None:
        """Writes the health of portals that were listed since the last call."""
        rows: list[PortalHealth] = []
        errors: list[PortalErrors] = []
        for health in healths:
            row, counted = health.take()
            if row is not None:
                rows.append(row)
                errors += counted
        if rows:
            await self._run(lambda db: write_health(db, rows, errors))

    async def unpublished(self) -> int:
        """How many batches of all agents are claimed and not yet published."""
        return await self._run(unpublished_batches)

    async def keep_house(self, keep_days: int) -> None:
        """Forgets agents that have long been dead, and files that no portal has listed for `keep_days`."""

        def work(db: Connection) -> None:
            forget_dead(db, DEAD_SECONDS)
            forget_unlisted(db, keep_days)

        await self._run(work)

    async def leave(self) -> None:
        """Ends the lease, if the database can be reached, and the connection."""
        try:
            await self._run(lambda db: leave(db, self._agent))
        except psycopg.Error as error:
            logger.warning("agent %s leaves without a word: %s", self._agent, error)
        self._thread.shutdown()
        self._session.close()

    async def _run(self, work: Callable[[Connection], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._session.run, work)
