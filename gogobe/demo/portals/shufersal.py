"""A replica of Shufersal's portal: a table in pages, with HTML-escaped signed links that expire."""

from __future__ import annotations

import hashlib
import hmac
import html
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from aiohttp import web

from gogobe.demo.portals.files import file_response
from gogobe.demo.portals.shelf import Shelf, ShelfFile

PAGE_ROWS = 20
SIGNED_FOR = timedelta(minutes=30)


class ShufersalReplica:
    """`/FileObject/UpdateCategory?page=N` lists, `/pricefull/NAME?sv=…&sig=…&se=…` serves until `se`."""

    def __init__(self, shelf: Shelf, *, signed_for: timedelta = SIGNED_FOR, page_rows: int = PAGE_ROWS) -> None:
        self.shelf = shelf
        self.signed_for = signed_for
        self.page_rows = page_rows
        self.pages_asked: list[int] = []
        self._key = hashlib.sha256(b"replica").digest()
        self.app = web.Application()
        self.app.router.add_get("/FileObject/UpdateCategory", self._list)
        self.app.router.add_get("/pricefull/{name}", self._file)

    async def _list(self, request: web.Request) -> web.Response:
        number = int(request.query.get("page", "1"))
        self.pages_asked.append(number)
        files = list(self.shelf)
        last = max(1, -(-len(files) // self.page_rows))
        rows = files[(number - 1) * self.page_rows : number * self.page_rows]
        body = "".join(self._row(request, file) for file in rows)
        return web.Response(
            text='<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><div id="gridContainer">'
            "<table><thead><tr><th>קישור</th><th>זמן עידכון</th><th>גודל</th><th>סוג</th><th>קטגוריה</th>"
            f"<th>סניף</th><th>שם</th></tr></thead><tbody>{body}</tbody>"
            f"<tfoot><tr><td colspan=7>{self._pager(number, last)}</td></tr></tfoot>"
            "</table></div></body></html>",
            content_type="text/html",
        )

    def _row(self, request: web.Request, file: ShelfFile) -> str:
        link = html.escape(self._signed(request, file.name))
        time = f"{file.local:%-m/%-d/%Y %-I:%M:%S %p}"
        stem = file.name.partition(".")[0]
        return (
            f'<tr><td><a href="{link}" target="_blank">לחץ להורדה</a></td><td>{time}</td>'
            f"<td>{file.size / 1024:.2f} KB</td><td>GZ</td><td>pricefull</td><td>1 - שלי</td>"
            f"<td>{stem}</td></tr>"
        )

    def _pager(self, number: int, last: int) -> str:
        """Links to the neighbouring pages and to the last page."""
        near = range(max(1, number - 2), min(last, number + 2) + 1)
        pages = [*near, *([last] if last not in near else [])]
        return " ".join(
            f'<a href="/FileObject/UpdateCategory?catID=0&amp;storeId=0&amp;page={page}">{page}</a>'
            for page in pages
            if page != number
        )

    def _signed(self, request: web.Request, name: str) -> str:
        until = f"{datetime.now(UTC) + self.signed_for:%Y-%m-%dT%H:%M:%S.%fZ}"
        query = {"sv": "2014-02-14", "sr": "b", "sig": self._signature(name, until), "se": until, "sp": "r"}
        return f"{request.url.origin()}/pricefull/{name}?{urlencode(query)}"

    def _signature(self, name: str, until: str) -> str:
        return hmac.new(self._key, f"{name}\n{until}".encode(), "sha256").hexdigest()

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        until = request.query.get("se", "")
        is_signed = hmac.compare_digest(self._signature(name, until), request.query.get("sig", ""))
        if not is_signed or datetime.fromisoformat(until) < datetime.now(UTC):
            return web.Response(
                status=403,
                content_type="application/xml",
                text="<Error><Code>AuthenticationFailed</Code></Error>",
            )
        return file_response(self.shelf.files.get(name))
