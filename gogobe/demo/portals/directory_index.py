"""A replica of a web server's directory index, as Apache, nginx and IIS write it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

from aiohttp import web

from gogobe.demo.portals.files import html_page, serve_files
from gogobe.demo.portals.shelf import Shelf, ShelfFile


def _apache(file: ShelfFile) -> str:
    return (
        f'<tr><td><img src="/i.gif"></td><td><a href="{quote(file.name)}">{file.name[:20]}..&gt;</a></td>'
        f'<td align="right">{file.local:%Y-%m-%d %H:%M}  </td><td align="right">{file.size}</td>'
        "<td>&nbsp;</td></tr>"
    )


def _nginx(file: ShelfFile) -> str:
    return (
        f'<a href="{quote(file.name)}">{file.name[:20]}..</a>  {file.local:%d-%b-%Y %H:%M}  {file.size:>19}\n'
    )


def _iis(file: ShelfFile) -> str:
    time = f"{file.local:%-m/%-d/%Y %-I:%M %p}"
    return f'{time:>20} {file.size:>12} <A HREF="/feeds/{quote(file.name)}">{file.name}</A><br>'


INDEXES: Final[Mapping[str, tuple[str, Callable[[ShelfFile], str], str]]] = {
    "apache": (
        "<title>Index of /feeds</title><h1>Index of /feeds</h1>"
        '<table><tr><th><a href="?C=N;O=D">Name</a></th></tr>'
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


def directory_index_replica(
    style: str, shelf: Shelf, folders: Mapping[str, Shelf] | None = None
) -> web.Application:
    """An index at `/feeds/`, sorted by name. `style` is a key of INDEXES; `folders` are shown below it."""
    folders = folders or {}
    app = web.Application()
    links = "".join(f'<a href="{name}/">{name}/</a>  -\n' for name in folders)
    _serve_folder(app, "/feeds/", style, shelf, links)
    for name, content in folders.items():
        _serve_folder(app, f"/feeds/{name}/", style, content)
    return app


def _serve_folder(app: web.Application, path: str, style: str, shelf: Shelf, links: str = "") -> None:
    begin, row, end = INDEXES[style]

    async def listing(_request: web.Request) -> web.Response:
        files = sorted(shelf, key=lambda file: file.name)
        return html_page(begin + links + "".join(map(row, files)) + end)

    app.router.add_get(path, listing)
    serve_files(app, f"{path}{{name}}", shelf)
