"""Shares of chains while many announcements wait, on a clock that the test moves."""

from __future__ import annotations

import pytest

from gogobe.io.shares import A_SECOND, BURST, CROWD, Shares


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shares(clock: Clock) -> Shares:
    return Shares(clock)


def admitted(shares: Shares, chain: str, count: int) -> int:
    return sum(shares.admits(chain) for _ in range(count))


def test_all_go_on_while_few_wait(shares: Shares):
    shares.look(CROWD, 0)
    assert admitted(shares, "a", 1000) == 1000


def test_in_a_crowd_a_chain_has_a_share_and_others_theirs(shares: Shares):
    shares.look(CROWD + 1, 0)
    assert admitted(shares, "a", 1000) == BURST
    assert admitted(shares, "b", BURST) == BURST


def test_a_chain_within_its_rate_never_exceeds_its_share(shares: Shares, clock: Clock):
    shares.look(CROWD + 1, 0)
    for _ in range(100):
        clock.now += 1 / A_SECOND
        assert shares.admits("b")


def test_what_follows_goes_the_same_way_until_the_overflow_is_empty(shares: Shares):
    shares.look(CROWD + 1, 0)
    admitted(shares, "a", 10)
    shares.look(0, 500)
    assert not shares.admits("a"), "it would overtake older files of its stores"
    assert shares.admits("b")
    shares.look(0, 0)
    assert admitted(shares, "a", 100) == 100


def test_an_overflow_that_is_empty_for_a_moment_ends_no_crowd(shares: Shares):
    """What was diverted is on its way into the topic."""
    shares.look(CROWD + 1, 0)
    admitted(shares, "a", 10)
    shares.look(CROWD + 1, 0)
    assert not shares.admits("a")


def test_a_new_crowd_has_new_shares(shares: Shares):
    shares.look(CROWD + 1, 0)
    admitted(shares, "a", BURST)
    shares.look(0, 0)
    shares.look(CROWD + 1, 0)
    assert admitted(shares, "a", 100) == BURST
