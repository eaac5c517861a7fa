"""How a replica serves the files of a shelf."""

from __future__ import annotations

from aiohttp import web

from gogobe.demo.portals.shelf import Shelf, ShelfFile


def file_response(file: ShelfFile | None, content_type: str = "application/octet-stream") -> web.Response:
    """The file's body; status 404 for None and for a missing file."""
    if file is None or file.is_missing:
        return web.Response(status=404)
    return web.Response(body=file.body, content_type=content_type)


def serve_files(app: web.Application, pattern: str, shelf: Shelf) -> None:
    """Adds a route that serves the shelf's files; `pattern` ends in `{name}`."""

    async def fetch(request: web.Request) -> web.Response:
        return file_response(shelf.files.get(request.match_info["name"]))

    app.router.add_get(pattern, fetch)


def html_page(body: str) -> web.Response:
    """An HTML page with this body."""
    return web.Response(text=f"<!DOCTYPE html><html><body>{body}</body></html>", content_type="text/html")
