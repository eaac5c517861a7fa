"""Politeness: how fast and how often at once a host is asked, whichever portals are on it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator


class HostThrottle:
    """Lets requests to one host through: `rate` a second and `concurrency` at once, at most."""

    def __init__(self, rate: float, concurrency: int) -> None:
        self._interval = 1.0 / rate
        self._places = asyncio.Semaphore(concurrency)
        self._next = 0.0

    @contextlib.asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """Waits for a place and for the request's turn; the place is held for the length of the `with`."""
        async with self._places:
            now = time.monotonic()
            turn = max(self._next, now)
            self._next = turn + self._interval
            if turn > now:
                await asyncio.sleep(turn - now)
            yield


class Throttles:
    """The throttle of each host. Where portals of one host have different settings, the strictest count."""

    def __init__(self) -> None:
        self._settings: dict[str, tuple[float, int]] = {}
        self._throttles: dict[str, HostThrottle] = {}

    def add(self, host: str, rate: float, concurrency: int) -> None:
        """Takes a portal's settings into account; before the first request to the host."""
        slowest, fewest = self._settings.get(host, (rate, concurrency))
        self._settings[host] = min(slowest, rate), min(fewest, concurrency)

    def of(self, host: str) -> HostThrottle:
        """The host's throttle. Raises KeyError for a host that was not added."""
        throttle = self._throttles.get(host)
        if throttle is None:
            throttle = self._throttles[host] = HostThrottle(*self._settings[host])
        return throttle
