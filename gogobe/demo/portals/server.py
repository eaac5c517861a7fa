"""Runs replicas on ports of 127.0.0.1, in a thread."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from aiohttp import web

Result = TypeVar("Result")


class PortalServer:
    """Serves any number of applications, each on its own port. A context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="portals", daemon=True)
        self._runners: list[web.AppRunner] = []

    def __enter__(self) -> PortalServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def add(self, app: web.Application, *, port: int = 0, tls: ssl.SSLContext | None = None) -> str:
        """Starts an application and returns its address; port 0 chooses a free port. Raises OSError."""
        return self._run(self._start(app, port, tls))

    async def _start(self, app: web.Application, port: int, tls: ssl.SSLContext | None) -> str:
        # Tests disconnect in the middle of an answer: cancel the handler then.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls, reuse_address=True)
        await site.start()
        self._runners.append(runner)
        return f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"

    async def _stop(self) -> None:
        await asyncio.gather(*(runner.cleanup() for runner in self._runners))

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
