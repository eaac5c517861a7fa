"""Portals are shared out by hash: all of them, evenly, and few move when an agent goes."""

from __future__ import annotations

from collections import Counter

from gogobe.discovery.sharing import owner_of, share
from tests.discovery.conftest import portal

AGENTS = [f"agent {number}" for number in range(5)]
PORTALS = [portal("bina", f"https://portal{number}.example/") for number in range(2000)]


def test_every_portal_has_one_agent():
    shares = {agent: share(PORTALS, AGENTS, agent) for agent in AGENTS}
    assert sum(len(portals) for portals in shares.values()) == 2000
    assert min(len(portals) for portals in shares.values()) > 300


def test_only_a_dead_agent_s_portals_move():
    before = {one.host: owner_of(one.host, AGENTS) for one in PORTALS}
    after = {one.host: owner_of(one.host, AGENTS[1:]) for one in PORTALS}
    moved = Counter(before[host] for host in before if before[host] != after[host])
    assert set(moved) == {AGENTS[0]}


def test_the_portals_of_a_host_stay_together():
    together = [portal("cerberus_ftp", "ftps://one.example/", user=str(number)) for number in range(20)]
    assert [len(share(together, AGENTS, agent)) for agent in AGENTS].count(20) == 1


def test_no_agent_is_alive():
    assert owner_of("host", []) is None
    assert share(PORTALS, [], "agent 1") == []
