"""Ways in which a portal misbehaves, as middleware of a replica."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

Fault = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


@dataclass
class Faults:
    """What is wrong with a replica now; may be changed while it runs. Only paths that contain `path` are affected,
    and only `times` requests of them (all, unless given)."""

    kind: str = ""
    path: str = ""
    times: int = 1 << 30
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 503
    seconds: float = 30.0
    requests: int = 0

    def on(self, app: web.Application) -> web.Application:
        """Makes the application behave so."""
        app.middlewares.append(self._middleware)
        return app

    @property
    def _middleware(self) -> Middleware:
        kinds: dict[str, Fault] = {
            "status": self._status,
            "login_page": self._login_page,
            "slow": self._slow,
            "truncated": self._truncated,
            "wrong_length": self._wrong_length,
            "drop": self._drop,
            "redirect": self._redirect,
        }

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.requests += 1
            if not self.kind or self.path not in str(request.rel_url) or self.times <= 0:
                return await handler(request)
            self.times -= 1
            return await kinds[self.kind](request, handler)

        return middleware

    async def _status(self, _request: web.Request, _handler: Handler) -> web.StreamResponse:
        return web.Response(status=self.status, text="busy", headers=self.headers)

    async def _login_page(self, _request: web.Request, _handler: Handler) -> web.StreamResponse:
        form = '<html><form><input name="u"><input type="password" name="p"></form></html>'
        return web.Response(text=form, content_type="text/html")

    async def _slow(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        await asyncio.sleep(self.seconds)
        return await handler(request)

    async def _truncated(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Half of the body, under the whole one's Content-Length."""
        return await _cut(request, handler, announced=1.0, sent=0.5)

    async def _wrong_length(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The whole body, under a Content-Length that is twice as large."""
        return await _cut(request, handler, announced=2.0, sent=1.0)

    async def _drop(self, request: web.Request, _handler: Handler) -> web.StreamResponse:
        """The connection ends without an answer."""
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async def _redirect(self, _request: web.Request, _handler: Handler) -> web.StreamResponse:
        return web.Response(status=302, headers=self.headers)


async def _cut(request: web.Request, handler: Handler, *, announced: float, sent: float) -> web.StreamResponse:
    whole = await handler(request)
    assert isinstance(whole, web.Response)
    body = whole.body
    assert isinstance(body, bytes)
    answer = web.StreamResponse(headers={"Content-Type": whole.content_type})
    answer.content_length = int(len(body) * announced)
    await answer.prepare(request)
    await answer.write(body[: int(len(body) * sent)])
    assert request.transport is not None
    request.transport.close()
    return answer
