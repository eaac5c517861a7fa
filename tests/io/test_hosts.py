"""One host's limits and its circuit, on a clock that the test moves."""

from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from gogobe.io.circuit import Circuit
from gogobe.io.hosts import Host, Limits


def failed(host: Host, times: int, now: float = 0.0, retry_after: float | None = None) -> bool:
    opened = False
    for _ in range(times):
        host.begin(now)
        opened = host.end(now, 0.1, failed=True, retry_after=retry_after)
    return opened


def test_downloads_at_once_are_bounded():
    host = Host(Limits(2))
    for _ in range(2):
        assert host.ready_at(5.0) == 5.0
        host.begin(5.0)
    assert host.ready_at(5.0) == math.inf
    host.end(6.0, 1.0, failed=False)
    assert host.ready_at(6.0) == 6.0


@given(st.lists(st.floats(0, 3), min_size=2, max_size=40), st.floats(0.5, 20))
def test_no_two_downloads_begin_closer_than_the_rate_allows(pauses: list[float], rate: float):
    host, now, begun = Host(Limits(100, rate)), 0.0, []
    for pause in pauses:
        now = max(now + pause, host.ready_at(now))
        host.begin(now)
        begun.append(now)
    assert all(later - earlier >= 1 / rate - 1e-9 for earlier, later in itertools.pairwise(begun))


def test_a_circuit_opens_after_failures_in_a_row_and_one_success_closes_it():
    host = Host(Limits(4))
    assert not failed(host, Circuit.OPEN_AFTER - 1)
    host.begin(0.0)
    host.end(0.0, 0.1, failed=False)
    assert not failed(host, Circuit.OPEN_AFTER - 1)
    assert not host.is_refusing(0.0)
    assert failed(host, 1)
    assert host.is_refusing(0.0)
    assert 15 <= host.pause(0.0) <= 40


def test_an_open_circuit_lets_one_download_through_when_its_pause_is_over():
    host = Host(Limits(4))
    failed(host, Circuit.OPEN_AFTER)
    later = host.pause(0.0) + 0.001
    assert not host.is_refusing(later)
    assert host.ready_at(later) == later
    host.left += 1
    assert host.is_refusing(later)
    host.begin(later)
    assert host.ready_at(later) == math.inf
    host.left -= 1
    host.end(later, 0.1, failed=False)
    assert not host.is_refusing(later)
    assert host.is_prompt(2.0)


def test_a_host_that_says_when_to_come_again_is_not_asked_before():
    host = Host(Limits(4))
    failed(host, 1, retry_after=100.0)
    assert host.is_refusing(99.0)
    assert host.ready_at(1.0) == 100.0
    assert not host.is_refusing(100.5)


def test_a_host_is_prompt_until_a_download_takes_long_and_again_when_one_does_not():
    host = Host(Limits(2))
    host.begin(0.0)
    host.end(20.0, 20.0, failed=False)
    assert not host.is_prompt(2.0)
    host.begin(20.0)
    host.end(21.0, 1.0, failed=False)
    assert host.is_prompt(2.0)
    # One long download leaves room for others, as many as are allowed do not.
    host.begin(21.0)
    host.left = 1
    assert host.is_prompt(2.0)
    host.begin(21.0)
    assert not host.is_prompt(2.0)
