"""A replica of Cerberus' web interface: a login with tokens, and a session cookie that redirects replace."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import UTC
from typing import Final

from aiohttp import web

from gogobe.demo.portals.files import file_response
from gogobe.demo.portals.shelf import Shelf

COOKIE: Final = "cftpSID"
SESSION_SECONDS: Final = 1800.0


class CerberusReplica:
    """Each user has a password and a shelf. Only the cookie of the last redirect is valid."""

    def __init__(
        self,
        users: Mapping[str, tuple[str, Shelf]],
        *,
        session_seconds: float = SESSION_SECONDS,
        folder: str = "/",
    ) -> None:
        self.users = users
        self.session_seconds = session_seconds
        self.logins = 0
        self._folder = folder
        self._steps: dict[str, str] = {}
        self._sessions: dict[str, tuple[str, float]] = {}
        self._tokens: dict[str, str] = {}
        self.app = web.Application()
        self.app.router.add_get("/login", self._login_page)
        self.app.router.add_post("/login/user", self._log_in)
        self.app.router.add_get("/welcome", self._welcome)
        self.app.router.add_get("/file", self._files_page)
        self.app.router.add_post("/file/json/dir", self._list)
        self.app.router.add_get("/file/d/{path:.+}", self._file)

    async def _login_page(self, _request: web.Request) -> web.Response:
        session = secrets.token_hex(8)
        answer = self._page(
            session, '<form action="/login/user"><input name="password" type="password"></form>'
        )
        answer.set_cookie(COOKIE, session)
        return answer

    async def _log_in(self, request: web.Request) -> web.Response:
        form = await request.post()
        user = str(form.get("username", ""))
        password, _ = self.users.get(user, ("", None))
        is_known = user in self.users and form.get("password") == password
        if form.get("csrftoken") != self._tokens.get(request.cookies.get(COOKIE, "")) or not is_known:
            return web.Response(status=302, headers={"Location": "/login"})
        self.logins += 1
        step = secrets.token_hex(8)
        self._steps[step] = user
        return _redirected("/welcome", step)

    async def _welcome(self, request: web.Request) -> web.Response:
        user = self._steps.pop(request.cookies.get(COOKIE, ""), None)
        if user is None:
            return web.Response(status=302, headers={"Location": "/login"})
        session = secrets.token_hex(8)
        self._sessions[session] = user, time.monotonic() + self.session_seconds
        return _redirected("/file", session)

    async def _files_page(self, request: web.Request) -> web.Response:
        if self._user(request) is None:
            return web.Response(status=302, headers={"Location": "/login"})
        return self._page(request.cookies[COOKIE], "<table></table>")

    async def _list(self, request: web.Request) -> web.Response:
        user = self._user(request)
        form = await request.post()
        if user is None or form.get("csrftoken") != self._tokens.get(request.cookies.get(COOKIE, "")):
            return web.Response(status=302, headers={"Location": "/login"})
        if form.get("cd") != self._folder:
            return web.json_response({"aaData": []})
        rows = [
            {
                "DT_RowId": file.name,
                "fname": file.name,
                "typeLabel": "GZ",
                "type": "file",
                "size": file.size,
                "ftime": f"{file.local:%d/%m/%Y %H:%M}",
                "time": f"{file.modified.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            }
            for file in self.users[user][1]
        ]
        return web.json_response({"sEcho": 1, "iTotalRecords": len(rows), "aaData": rows})

    async def _file(self, request: web.Request) -> web.Response:
        user = self._user(request)
        if user is None:
            return web.Response(status=302, headers={"Location": "/login"})
        return file_response(self.users[user][1].files.get(request.match_info["path"].rpartition("/")[2]))

    def _page(self, session: str, body: str) -> web.Response:
        token = self._tokens[session] = secrets.token_hex(16)
        return web.Response(
            content_type="text/html",
            text=f'<html><head><meta name="csrftoken" content="{token}"/></head><body>{body}</body></html>',
        )

    def _user(self, request: web.Request) -> str | None:
        user, until = self._sessions.get(request.cookies.get(COOKIE, ""), ("", 0.0))
        return user if time.monotonic() < until else None

    def end_sessions(self) -> None:
        """Ends every session, as a restart of the portal does."""
        self._sessions.clear()


def _redirected(location: str, session: str) -> web.Response:
    answer = web.Response(status=302, headers={"Location": location})
    answer.set_cookie(COOKIE, session)
    return answer
