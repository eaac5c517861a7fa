"""An agent's heartbeat and the health of its portals, in the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import psycopg

from gogobe.database.address import Dsn
from gogobe.database.agents import record_heartbeat, remove_agent, remove_expired
from gogobe.database.announcements import remove_unlisted, unpublished_batches
from gogobe.database.connection import Connection
from gogobe.database.portals import PortalErrors, PortalHealth, write_health
from gogobe.database.session import Session
from gogobe.discovery.health import Health

logger = logging.getLogger(__name__)

DEAD_SECONDS: Final = 24 * 3600.0
Result = TypeVar("Result")


class Presence:
    """Uses one connection in one thread. Each call may raise psycopg.Error; the next one reconnects."""

    def __init__(self, dsn: Dsn, agent: str, lease: float) -> None:
        self._agent = agent
        self._lease = lease
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="presence")
        self._session = Session(dsn)

    async def beat(self) -> Sequence[str]:
        """Renews the lease; returns the names of the agents that are alive, including this one."""
        return await self._run(lambda db: record_heartbeat(db, self._agent, self._lease))

    async def write(self, healths: Iterable[Health]) -> None:
        """Writes the health of the portals that were listed since the last call."""
        rows: list[PortalHealth] = []
        errors: list[PortalErrors] = []
        for health in healths:
            row, counted = health.drain()
            if row is not None:
                rows.append(row)
                errors += counted
        if rows:
            await self._run(lambda db: write_health(db, rows, errors))

    async def unpublished(self) -> int:
        """The number of batches, of all agents, that are claimed and not published."""
        return await self._run(unpublished_batches)

    async def delete_old_rows(self, keep_days: int) -> None:
        """Deletes agents whose lease ended a day ago, and files that no portal has listed for `keep_days`."""

        def work(db: Connection) -> None:
            remove_expired(db, DEAD_SECONDS)
            remove_unlisted(db, keep_days)

        await self._run(work)

    async def leave(self) -> None:
        """Ends the lease, if the database answers, and closes the connection."""
        try:
            await self._run(lambda db: remove_agent(db, self._agent))
        except psycopg.Error as error:
            logger.warning("agent %s could not end its lease: %s", self._agent, error)
        self._thread.shutdown()
        self._session.close()

    async def _run(self, work: Callable[[Connection], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._session.run, work)
