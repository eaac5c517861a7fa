"""When a portal is asked: by its local hours, never in quiet ones, ever more seldom while it is ill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gogobe.chains.portal import PortalSettings
from gogobe.discovery.schedule import Schedule
from gogobe.io.circuit import Circuit


def schedule(**settings: Any) -> Schedule:
    return Schedule(PortalSettings(engine="bina", url="https://x/", **settings))


def israel(text: str) -> datetime:
    """A summer's time in Israel, in UTC."""
    return datetime.fromisoformat(f"2026-08-{text}+03:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "seconds"), [("11T05:00", 90), ("11T12:00", 300), ("11T23:30", 1200), ("11T02:59", 1200)]
)
def test_the_interval_follows_the_local_hour(moment: str, seconds: float):
    assert schedule().interval(israel(moment)) == seconds


def test_the_same_hour_is_another_one_elsewhere():
    assert schedule(timezone="America/New_York").interval(israel("11T05:00")) == 1200


def test_the_next_listing_varies_by_a_tenth():
    now = israel("11T12:00")
    waits = {(schedule().next(now) - now).total_seconds() for _ in range(200)}
    assert len(waits) > 100
    assert min(waits) >= 270
    assert max(waits) <= 330
    assert schedule().next(now, at_least=1000) >= now + timedelta(seconds=1000)


def test_quiet_hours_are_not_disturbed():
    quiet = schedule(quiet=("00:00-08:00", "sat 00:00-24:00"))
    assert quiet.is_quiet(israel("11T03:00"))
    assert not quiet.is_quiet(israel("11T08:00"))
    assert quiet.next(israel("10T23:58")) == israel("11T08:00")
    assert quiet.next(israel("14T23:58")) == israel("16T08:00")  # over Saturday
    assert schedule(quiet=("00:00-24:00",)).next(israel("11T12:00")) > israel("18T12:00")


def test_a_circuit_opens_and_closes():
    circuit = Circuit()
    waits = []
    for _ in range(12):
        waits.append(circuit.fail())
        assert circuit.state == ("open" if circuit.failures >= 4 else "closed")
    assert 15 <= waits[0] <= 30
    assert 30 <= waits[1] <= 60
    assert 900 <= waits[-1] <= 1800
    assert circuit.succeed()
    assert (circuit.state, circuit.failures) == ("closed", 0)
    circuit.fail()
    assert not circuit.succeed()


def test_a_portal_is_given_the_time_that_it_asks_for():
    assert Circuit().fail(500.0) == 500.0
    assert Circuit().fail(1.0) >= 15
    assert Circuit().fail(1e9) == 6 * 3600
