"""Assigns portals to agents by rendezvous hashing: few portals move when the agents change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from gogobe.discovery.portal import Portal


def share(portals: Iterable[Portal], agents: Sequence[str], agent: str) -> list[Portal]:
    """The portals of `agent` when `agents` are alive. All portals of a host go to one agent, which keeps to the
    host's rate for any number of agents."""
    owners = {host: owner_of(host, agents) for host in {portal.host for portal in portals}}
    return [portal for portal in portals if owners[portal.host] == agent]


def owner_of(host: str, agents: Sequence[str]) -> str | None:
    """The agent with the highest hash of itself and the host; None without agents."""
    return max(agents, key=lambda agent: _weight(agent, host), default=None)


def _weight(agent: str, host: str) -> tuple[bytes, str]:
    return hashlib.blake2b(f"{agent}\0{host}".encode(), digest_size=8).digest(), agent
