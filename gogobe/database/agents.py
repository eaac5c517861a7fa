"""The discovery agents that are alive, by their heartbeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gogobe.database.connection import Connection

_BEAT: Final = """
    INSERT INTO crawl_agents (agent) VALUES (%s) ON CONFLICT (agent) DO UPDATE SET heartbeat_at = now()
"""
_ALIVE: Final = """
    SELECT agent FROM crawl_agents WHERE heartbeat_at > now() - make_interval(secs => %s) ORDER BY agent
"""
_LEAVE: Final = "DELETE FROM crawl_agents WHERE agent = %s"
_FORGET: Final = "DELETE FROM crawl_agents WHERE heartbeat_at < now() - make_interval(secs => %s)"


def record_heartbeat(connection: Connection, agent: str, lease: float) -> Sequence[str]:
    """Writes an agent's heartbeat; returns all agents that had one within `lease` seconds, in order."""
    connection.execute(_BEAT, (agent,))
    return [row[0] for row in connection.execute(_ALIVE, (lease,))]


def remove_agent(connection: Connection, agent: str) -> None:
    """Removes an agent that ends, so that other agents take over its portals at once."""
    connection.execute(_LEAVE, (agent,))


def remove_expired(connection: Connection, seconds: float) -> None:
    """Removes agents without a heartbeat for `seconds`."""
    connection.execute(_FORGET, (seconds,))
