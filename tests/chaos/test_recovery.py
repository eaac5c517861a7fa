"""When rows flowed again: the end of the longest pause of commits that a fault explains."""

from __future__ import annotations

import pytest

from chaos.recovery import Injected, seconds_until_rows


def steady(begin: float, end: float) -> list[float]:
    """A commit every half second."""
    return [begin + number / 2 for number in range(int((end - begin) * 2) + 1)]


@pytest.mark.parametrize(
    ("commits", "seconds"),
    [
        # Commits in flight go on for a second, then nothing for six.
        ([*steady(0, 101), *steady(107, 120)], 7.0),
        # A heartbeat is missed only after a while.
        ([*steady(0, 108), *steady(117, 130)], 17.0),
        # A pause long after the fault has another cause.
        ([*steady(0, 112), *steady(119, 130)], 0.0),
        ([*steady(0, 100)], None),
        ([], None),
    ],
)
def test_a_kill(commits: list[float], seconds: float | None):
    assert seconds_until_rows(Injected("kill", 100.0, 100.0), commits, 130.0) == seconds


def test_the_length_of_a_stop_does_not_count():
    commits = [*steady(0, 100), *steady(111, 120)]
    assert seconds_until_rows(Injected("stop", 100.0, 108.0), commits, 120.0) == 3.0
    assert seconds_until_rows(Injected("stop", 100.0, 108.0), steady(0, 120), 120.0) == 0.0


def test_what_comes_after_the_next_fault_is_not_counted():
    commits = [*steady(0, 100), *steady(130, 140)]
    assert seconds_until_rows(Injected("kill", 100.0, 100.0), commits, 120.0) is None
