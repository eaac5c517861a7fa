"""The pauses between attempts, and their end."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.io.backoff import Patience, backoff


@given(st.integers(1, 10_000))
def test_pauses_double_up_to_a_bound_and_half_of_them_is_chance(failures: int):
    span = min(1800.0, 30.0 * 2 ** min(failures - 1, 16))
    assert span / 2 <= backoff(failures, 30.0, 1800.0) <= span


def test_two_series_differ():
    patience = Patience(first=1.0, longest=64.0, attempts=20)
    assert list(patience.pauses()) != list(patience.pauses())


@pytest.mark.parametrize("attempts", [1, 2, 12])
def test_the_pauses_end_before_the_last_attempt(attempts: int):
    pauses = list(Patience(first=0.1, longest=1.0, attempts=attempts).pauses())
    assert len(pauses) == attempts - 1
    assert all(pause <= 1.0 for pause in pauses)


def test_no_attempt_begins_after_the_time(monkeypatch: pytest.MonkeyPatch):
    now = 1000.0
    monkeypatch.setattr("gogobe.io.backoff.time.monotonic", lambda: now)
    waited = 0.0
    for pause in Patience(first=1.0, longest=8.0, seconds=60.0).pauses():
        waited += pause
        now += pause
    assert 60.0 - 8.0 <= waited <= 60.0


def test_without_bounds_it_never_ends():
    assert len(list(islice(Patience(first=0.2, longest=5.0).pauses(), 10_000))) == 10_000
