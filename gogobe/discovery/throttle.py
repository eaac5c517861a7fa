"""Limits on rate and concurrency of requests to a host, across its portals."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator


class HostThrottle:
    """Limits requests to one host to `rate` a second and `concurrency` at once."""

    def __init__(self, rate: float, concurrency: int) -> None:
        self._interval = 1.0 / rate
        self._places = asyncio.Semaphore(concurrency)
        self._next = 0.0

    @contextlib.asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """Waits for a free place and for the request's turn; holds the place during the `with`."""
        async with self._places:
            now = time.monotonic()
            turn = max(self._next, now)
            self._next = turn + self._interval
            if turn > now:
                await asyncio.sleep(turn - now)
            yield


class Throttles:
    """The throttle of each host. Of different settings for one host, the strictest apply."""

    def __init__(self) -> None:
        self._settings: dict[str, tuple[float, int]] = {}
        self._throttles: dict[str, HostThrottle] = {}

    def add(self, host: str, rate: float, concurrency: int) -> None:
        """Adds the limits of one portal; must precede the first request to the host."""
        slowest, fewest = self._settings.get(host, (rate, concurrency))
        self._settings[host] = min(slowest, rate), min(fewest, concurrency)

    def of(self, host: str) -> HostThrottle:
        """The host's throttle. Raises KeyError for a host that was not added."""
        throttle = self._throttles.get(host)
        if throttle is None:
            throttle = self._throttles[host] = HostThrottle(*self._settings[host])
        return throttle
