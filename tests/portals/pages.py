"""Replicas of the engines that are one or two pages of HTML or JSON."""

from __future__ import annotations

import html
from collections.abc import Mapping
from urllib.parse import quote

from aiohttp import web

from gogobe.demo.portals.files import file_response, html_page, serve_files
from gogobe.demo.portals.shelf import Shelf


def netiv_hesed(days: Mapping[str, Shelf]) -> web.Application:
    """A page a day (`days` by YYYY-MM-DD), links by file name."""

    async def index(request: web.Request) -> web.Response:
        rows = "".join(
            f"<tr><td>{file.name}</td><td>{file.size} B</td>"
            f'<td><a href="/Prices/Download?fileName={quote(file.name)}&amp;v=1">הורדה</a></td></tr>'
            for file in days.get(request.query.get("Date", ""), Shelf())
        )
        return html_page(f'<a href="/">ראשי</a><table>{rows}</table>')

    async def fetch(request: web.Request) -> web.Response:
        name = request.query["fileName"]
        return file_response(next((shelf.files[name] for shelf in days.values() if name in shelf.files), None))

    app = web.Application()
    app.router.add_get("/", index)
    app.router.add_get("/Prices/Download", fetch)
    return app


def meshnat_yosef(shelf: Shelf) -> web.Application:
    """One JSON list, with an ETag that is kept to."""

    async def index(request: web.Request) -> web.Response:
        rows = [
            {
                "name": file.name,
                "type": "PriceFull",
                "date": f"{file.local:%d/%m/%Y %H:%M}",
                "url": f"{request.url.origin()}/files/{file.name}",
            }
            for file in shelf
        ]
        etag = f'"{hash(tuple(shelf.files.values()))}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.json_response(rows, headers={"ETag": etag})

    app = web.Application()
    app.router.add_get("/", index)
    serve_files(app, "/files/{name}", shelf)
    return app


def wolt(days: Mapping[str, Shelf]) -> web.Application:
    """An index of days (YYYY-MM-DD), a page each."""

    async def index(_request: web.Request) -> web.Response:
        return html_page("".join(f'<li><a href="{day}.html">{day}</a></li>' for day in days))

    async def day_page(request: web.Request) -> web.Response:
        day = request.match_info["day"]
        links = (f'<li><a href="download/{day}/{file.name}">{file.name}</a></li>' for file in days[day])
        return html_page(f'<a href="index.html">back</a><ul>{"".join(links)}</ul>')

    app = web.Application()
    app.router.add_get("/v1/index.html", index)
    app.router.add_get("/v1/{day}.html", day_page)
    for day, shelf in days.items():
        serve_files(app, f"/v1/download/{day}/{{name}}", shelf)
    return app


def table(shelf: Shelf) -> web.Application:
    """A plain table: name, size, time and link in cells of their own."""

    async def index(_request: web.Request) -> web.Response:
        rows = "".join(
            f"<tr><td class=n>{html.escape(file.name)}</td><td>{file.size:,} bytes</td>"
            f"<td>{file.local:%d/%m/%Y %H:%M}</td><td><a href='/get/{quote(file.name)}'>get</a></td></tr>"
            for file in shelf
        )
        return html_page(f"<table id=files><tr><th>Name</th><th></th></tr>{rows}</table>")

    app = web.Application()
    app.router.add_get("/list", index)
    serve_files(app, "/get/{name}", shelf)
    return app
