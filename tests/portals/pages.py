"""Replicas of the engines that are one or two pages of HTML or JSON."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping
from urllib.parse import quote

from aiohttp import web

from gogobe.demo.portals.shelf import Shelf, ShelfFile


def page(body: str) -> web.Response:
    return web.Response(text=f"<!DOCTYPE html><html><body>{body}</body></html>", content_type="text/html")


def serve_files(app: web.Application, pattern: str, shelf: Shelf) -> None:
    """Adds the route from which a shelf's files are fetched; `pattern` ends in `{name}`."""

    async def fetch(request: web.Request) -> web.Response:
        file = shelf.files.get(request.match_info["name"])
        return web.Response(status=404) if file is None else web.Response(body=file.body)

    app.router.add_get(pattern, fetch)


def publishprice(days: Mapping[str, Shelf], today: str) -> web.Application:
    """PublishPrice: the page's script has a day's files (`days` by YYYYMMDD)."""

    async def index(request: web.Request) -> web.Response:
        day = request.query.get("p", f"./{today}").removeprefix("./")
        files = [
            {"name": file.name, "size": file.size, "modified": f"{file.local:%H:%M %d-%m-%Y}"}
            for file in days.get(day, Shelf())
        ]
        script = f"const path = '{day}';\nconst files = {json.dumps(files)};\nconst branches = [];"
        return page(f"<script src=x></script><script>{script}</script><script>show()</script>")

    app = web.Application()
    app.router.add_get("/", index)
    for day, shelf in days.items():
        serve_files(app, f"/{day}/{{name}}", shelf)
    return app


def netiv_hesed(days: Mapping[str, Shelf]) -> web.Application:
    """A page a day (`days` by YYYY-MM-DD), links by file name."""

    async def index(request: web.Request) -> web.Response:
        rows = "".join(
            f"<tr><td>{file.name}</td><td>{file.size} B</td>"
            f'<td><a href="/Prices/Download?fileName={quote(file.name)}&amp;v=1">הורדה</a></td></tr>'
            for file in days.get(request.query.get("Date", ""), Shelf())
        )
        return page(f'<a href="/">ראשי</a><table>{rows}</table>')

    async def fetch(request: web.Request) -> web.Response:
        name = request.query["fileName"]
        found = [shelf.files[name] for shelf in days.values() if name in shelf.files]
        return web.Response(body=found[0].body) if found else web.Response(status=404)

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
        return page("".join(f'<li><a href="{day}.html">{day}</a></li>' for day in days))

    async def day_page(request: web.Request) -> web.Response:
        day = request.match_info["day"]
        links = (f'<li><a href="download/{day}/{file.name}">{file.name}</a></li>' for file in days[day])
        return page(f'<a href="index.html">back</a><ul>{"".join(links)}</ul>')

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
        return page(f"<table id=files><tr><th>Name</th><th></th></tr>{rows}</table>")

    app = web.Application()
    app.router.add_get("/list", index)
    serve_files(app, "/get/{name}", shelf)
    return app


def _apache(file: ShelfFile) -> str:
    return (
        f'<tr><td><img src="/i.gif"></td><td><a href="{quote(file.name)}">{file.name[:20]}..&gt;</a></td>'
        f'<td align="right">{file.local:%Y-%m-%d %H:%M}  </td><td align="right">{file.size}</td><td>&nbsp;</td></tr>'
    )


def _nginx(file: ShelfFile) -> str:
    return (
        f'<a href="{quote(file.name)}">{file.name[:20]}..</a>  {file.local:%d-%b-%Y %H:%M}  {file.size:>19}\n'
    )


def _iis(file: ShelfFile) -> str:
    time = f"{file.local:%-m/%-d/%Y %-I:%M %p}"
    return f'{time:>20} {file.size:>12} <A HREF="/feeds/{quote(file.name)}">{file.name}</A><br>'


INDEXES: Mapping[str, tuple[str, Callable[[ShelfFile], str], str]] = {
    "apache": (
        '<title>Index of /feeds</title><h1>Index of /feeds</h1><table><tr><th><a href="?C=N;O=D">Name</a></th></tr>'
        '<tr><td></td><td><a href="/">Parent Directory</a></td><td></td><td>-</td></tr>',
        _apache,
        "</table>",
    ),
    "nginx": (
        '<title>Index of /feeds/</title><h1>Index of /feeds/</h1><hr><pre><a href="../">../</a>\n',
        _nginx,
        "</pre><hr>",
    ),
    "iis": (
        '<H1>127.0.0.1 - /feeds/</H1><hr><pre><A HREF="/">[To Parent Directory]</A><br><br>',
        _iis,
        "</pre><hr>",
    ),
}


def index(style: str, shelf: Shelf, folders: Mapping[str, Shelf] | None = None) -> web.Application:
    """A directory index below `/feeds/`, as a server of that style makes it, with folders of one level."""
    begin, row, end = INDEXES[style]

    async def listing(_request: web.Request) -> web.Response:
        below = "".join(f'<a href="{name}/">{name}/</a>  -\n' for name in folders or {})
        return page(begin + below + "".join(map(row, shelf)) + end)

    def folder(shelf: Shelf) -> Callable[[web.Request], object]:
        async def listing(_request: web.Request) -> web.Response:
            return page(begin + "".join(map(row, shelf)) + end)

        return listing

    app = web.Application()
    app.router.add_get("/feeds/", listing)
    for name, content in (folders or {}).items():
        app.router.add_get(f"/feeds/{name}/", folder(content))  # type: ignore[arg-type]
        serve_files(app, f"/feeds/{name}/{{name}}", content)
    serve_files(app, "/feeds/{name}", shelf)
    return app
