"""Shares of chains while many announcements wait, on a clock that the test moves."""

from __future__ import annotations

import zlib
from collections import Counter

import pytest

from gogobe.io.kafka import shares as module
from gogobe.io.kafka.offsets import PartitionOffsets
from gogobe.io.kafka.shares import (
    A_SECOND,
    BURST,
    BURST_OF_ALL,
    CROWD,
    USED_SECONDS,
    USED_TIMES,
    Shares,
    Waiting,
)

PARTITIONS = 16


class World:
    """The clock, the announcements that wait, and the overflow: what is written to it, and what is done."""

    def __init__(self) -> None:
        self.now = 100.0
        self.announced = CROWD - 1
        self.written = dict.fromkeys(range(PARTITIONS), 0)
        self.done = dict.fromkeys(range(PARTITIONS), 0)
        self.answers = True
        self.asked = 0

    def ask(self) -> Waiting | None:
        self.asked += 1
        if not self.answers:
            return None
        offsets = {one: PartitionOffsets(0, self.written[one], self.done[one]) for one in range(PARTITIONS)}
        return Waiting(self.announced, offsets)

    def clock(self) -> float:
        return self.now

    def later(self, announced: int) -> None:
        """Some time passes, in which shares are full again; then so many wait."""
        self.now += max(USED_SECONDS, BURST / A_SECOND)
        self.announced = announced

    def write(self, shares: Shares, diverted: list[tuple[str, int]]) -> None:
        """The diverted announcements arrive in the overflow."""
        for _, partition in diverted:
            self.written[partition] += 1
        shares.arrived(Counter(chain for chain, _ in diverted), dict(self.written))

    def work(self) -> None:
        """All that is in the overflow is done."""
        self.done = dict(self.written)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def shares(world: World) -> Shares:
    return Shares(world.ask, world.clock)


def diverted(shares: Shares, chain: str, count: int) -> list[tuple[str, int]]:
    """Which of so many announcements of a chain are diverted, and whereto."""
    places = [shares.divert(chain) for _ in range(count)]
    return [(chain, place) for place in places if place is not None]


def test_all_go_on_while_few_wait(shares: Shares):
    assert diverted(shares, "a", 1000) == []


def test_in_a_crowd_a_chain_has_a_share_and_others_theirs(shares: Shares, world: World):
    world.announced = CROWD
    assert len(diverted(shares, "a", 1000)) == 1000 - BURST
    assert diverted(shares, "b", BURST) == []


def test_in_a_crowd_of_chains_all_have_a_share_together(shares: Shares, world: World):
    """Else the first files of a thousand chains would hold up a checkpoint."""
    world.announced = CROWD
    assert sum(shares.divert(f"chain {number}") is None for number in range(1000)) == BURST_OF_ALL


def test_chains_have_partitions_of_their_own(shares: Shares, world: World):
    """The same ones in each worker: its reader takes turns between partitions."""
    world.announced = CROWD
    for chain in ("a", "b", "c"):
        places = {place for _, place in diverted(shares, chain, 20)}
        assert places == {zlib.crc32(chain.encode()) % PARTITIONS}


def test_a_chain_within_its_rate_never_exceeds_its_share(shares: Shares, world: World):
    world.announced = CROWD
    for _ in range(100):
        world.now += 1 / A_SECOND
        assert shares.divert("b") is None
    assert world.asked == 1, "a quiet chain costs no request"


def test_what_follows_goes_the_same_way_until_what_the_chain_has_in_the_overflow_is_done(
    shares: Shares, world: World
):
    world.announced = CROWD
    world.write(shares, diverted(shares, "a", 10))
    world.later(0)
    assert diverted(shares, "a", 1), "it would overtake older files of its stores"
    assert diverted(shares, "b", 1) == []
    world.work()
    world.later(0)
    assert diverted(shares, "a", 1), "the last one is on its way into the overflow"
    world.write(shares, [("a", shares._partition("a"))] * 2)
    world.work()
    world.later(0)
    assert diverted(shares, "a", 100) == []


def test_what_others_have_in_the_overflow_keeps_no_chain_there(shares: Shares, world: World):
    world.announced = CROWD
    world.write(shares, diverted(shares, "a", 10))
    world.work()
    world.write(shares, diverted(shares, "b", 10))
    world.later(0)
    assert diverted(shares, "a", 1) == []
    assert diverted(shares, "b", 1)


def test_what_is_on_its_way_into_the_overflow_is_not_overtaken(shares: Shares, world: World):
    world.announced = CROWD
    assert diverted(shares, "a", BURST + 1)
    world.later(0)
    assert diverted(shares, "a", 1)


def test_what_did_not_arrive_comes_again(shares: Shares, world: World):
    """The runner repeats the bundle."""
    world.announced = CROWD
    lost = diverted(shares, "a", 10)
    shares.arrived(Counter(chain for chain, _ in lost), {})
    world.later(0)
    assert diverted(shares, "a", 10) == []


def test_a_new_worker_lets_nothing_overtake_what_it_finds_in_the_overflow(world: World):
    world.written = dict.fromkeys(range(PARTITIONS), 500)
    shares = Shares(world.ask, world.clock)
    assert diverted(shares, "a", 1)
    world.write(shares, [("a", shares._partition("a"))])
    world.work()
    world.later(0)
    assert diverted(shares, "a", 1) == []


def test_a_new_crowd_has_new_shares(shares: Shares, world: World):
    world.announced = CROWD
    world.write(shares, diverted(shares, "a", BURST + 1))
    world.work()
    world.later(0)
    assert diverted(shares, "a", 1) == []
    world.later(CROWD)
    assert len(diverted(shares, "a", 100)) == 100 - BURST


def test_a_flood_is_noticed_after_few_announcements(shares: Shares, world: World):
    """The last answer is new, and said that few wait."""
    diverted(shares, "a", BURST + 1)
    world.announced = CROWD
    assert len(diverted(shares, "a", 1000)) == 1000 - (USED_TIMES - 1)


def test_while_nothing_is_known_all_go_on(shares: Shares, world: World):
    world.answers = False
    world.announced = CROWD
    assert diverted(shares, "a", 100) == []
    assert world.asked == 1, "and the broker is not asked for each"
    world.answers = True
    world.later(CROWD)
    assert diverted(shares, "a", 100)
    world.answers = False
    world.later(0)
    assert diverted(shares, "a", 1), "the last answer counts"


def test_names_of_chains_fill_no_memory(shares: Shares, world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST_CHAINS", 10)
    world.announced = CROWD
    for number in range(100):
        world.write(shares, diverted(shares, f"chain {number}", 1))
        world.work()
        world.later(CROWD)
    assert max(len(shares._buckets), len(shares._after), len(shares._under_way)) <= 11
