"""A host is asked at its rate, and by few at once."""

from __future__ import annotations

import asyncio
import time

import pytest

from gogobe.discovery.throttle import HostThrottle, Throttles


def test_requests_are_spaced_and_few_at_once():
    throttle = HostThrottle(rate=200, concurrency=3)
    running, most = 0, 0
    since = time.monotonic()
    begun: list[float] = []

    async def ask() -> None:
        nonlocal running, most
        async with throttle.request():
            begun.append(time.monotonic())
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.02)
            running -= 1

    async def work() -> None:
        await asyncio.gather(*(ask() for _ in range(20)))

    asyncio.run(work())
    assert most <= 3
    assert max(begun) - since >= 19 / 200 - 0.001


def test_the_strictest_settings_of_a_host_count():
    throttles = Throttles()
    throttles.add("a", 5, 4)
    throttles.add("a", 2, 8)
    throttles.add("b", 9, 9)
    assert throttles.of("a") is throttles.of("a")
    assert throttles._settings == {"a": (2, 4), "b": (9, 9)}
    with pytest.raises(KeyError):
        throttles.of("c")
