"""The faults of a run: the same for the same seed, of every kind, two of them within a second."""

from __future__ import annotations

import pytest

from chaos.faults import (
    KINDS,
    LONGEST_STOP,
    SERVERS,
    SHORTEST_STOP,
    TOGETHER_SECONDS,
    groups,
    outages,
    plan,
)


@pytest.mark.parametrize("seed", range(20))
def test_a_plan_has_every_kind_and_two_faults_within_a_second(seed: int):
    faults = plan(2 * len(KINDS), seed)
    assert faults == plan(len(faults), seed)
    assert sorted(fault.target for fault in faults) == sorted([*KINDS, *KINDS])
    assert all(fault.how in KINDS[fault.target] for fault in faults)
    (joined,) = [fault for fault in faults if fault.joins]
    assert joined.pause <= TOGETHER_SECONDS
    assert sorted(map(len, groups(faults)))[-2:] == [1, 2]
    assert [fault for group in groups(faults) for fault in group] == faults
    stops = [fault.seconds for fault in faults if fault.how == "stop"]
    assert all(SHORTEST_STOP <= seconds <= LONGEST_STOP for seconds in stops)
    assert all(fault.seconds == 0 for fault in faults if fault.how != "stop")


def test_seeds_differ_and_one_fault_is_alone():
    assert plan(20, 1) != plan(20, 2)
    assert [len(group) for group in groups(plan(1, 1))] == [1]


def test_in_outages_each_server_is_away_alone():
    assert [(fault.target, fault.how, fault.seconds) for fault in outages(60)] == [
        (server, "away", 60) for server in SERVERS
    ]
    assert [len(group) for group in groups(outages(60))] == [1, 1, 1]
