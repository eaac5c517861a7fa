"""Shares of chains while many announcements wait, on a clock that the test moves."""

from __future__ import annotations

import pytest

from gogobe.io import shares as module
from gogobe.io.shares import A_SECOND, BURST, BURST_OF_ALL, CROWD, USED_SECONDS, USED_TIMES, Shares, Waiting

CROWDED = Waiting(CROWD, 0)


class World:
    """The clock, and how many announcements wait."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waiting = Waiting(CROWD - 1, 0)
        self.asked = 0

    def ask(self) -> Waiting:
        self.asked += 1
        return self.waiting

    def clock(self) -> float:
        return self.now

    def later(self, waiting: Waiting) -> None:
        """Some time passes, in which shares are full again; then so many wait."""
        self.now += max(USED_SECONDS, BURST / A_SECOND)
        self.waiting = waiting


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def shares(world: World) -> Shares:
    return Shares(world.ask, world.clock)


def admitted(shares: Shares, chain: str, count: int) -> int:
    return sum(shares.admits(chain) for _ in range(count))


def test_all_go_on_while_few_wait(shares: Shares):
    assert admitted(shares, "a", 1000) == 1000


def test_in_a_crowd_a_chain_has_a_share_and_others_theirs(shares: Shares, world: World):
    world.waiting = CROWDED
    assert admitted(shares, "a", 1000) == BURST
    assert admitted(shares, "b", BURST) == BURST


def test_in_a_crowd_of_chains_all_have_a_share_together(shares: Shares, world: World):
    """Else the first files of a thousand chains would hold up a checkpoint."""
    world.waiting = CROWDED
    assert sum(shares.admits(f"chain {number}") for number in range(1000)) == BURST_OF_ALL


def test_a_chain_within_its_rate_never_exceeds_its_share(shares: Shares, world: World):
    world.waiting = CROWDED
    for _ in range(100):
        world.now += 1 / A_SECOND
        assert shares.admits("b")
    assert world.asked == 0, "a quiet chain costs no request"


def test_what_follows_goes_the_same_way_until_the_overflow_is_empty(shares: Shares, world: World):
    world.waiting = CROWDED
    admitted(shares, "a", 10)
    world.later(Waiting(0, 500))
    assert not shares.admits("a"), "it would overtake older files of its stores"
    assert shares.admits("b")
    world.later(Waiting(0, 0))
    assert admitted(shares, "a", 100) == 100


def test_an_overflow_that_is_empty_for_a_moment_ends_no_crowd(shares: Shares, world: World):
    """What was diverted is on its way into the topic."""
    world.waiting = CROWDED
    admitted(shares, "a", 10)
    world.later(CROWDED)
    assert not shares.admits("a")


def test_a_new_crowd_has_new_shares(shares: Shares, world: World):
    world.waiting = CROWDED
    admitted(shares, "a", BURST + 1)
    world.later(Waiting(0, 0))
    assert shares.admits("a")
    world.later(CROWDED)
    assert admitted(shares, "a", 100) == BURST


def test_a_flood_is_noticed_after_few_announcements(shares: Shares, world: World):
    """The last answer is new, and said that few wait."""
    admitted(shares, "a", BURST + 1)
    world.waiting = CROWDED
    assert admitted(shares, "a", 1000) == USED_TIMES - 1


def test_names_of_chains_fill_no_memory(shares: Shares, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST_CHAINS", 10)
    for number in range(100):
        assert shares.admits(f"chain {number}")
    assert len(shares._buckets) <= 11
