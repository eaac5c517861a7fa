"""A replica of a PublishPrice portal: an HTML page whose script holds one day's files."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

from gogobe.demo.portals.files import html_page, serve_files
from gogobe.demo.portals.shelf import Shelf


def publishprice_replica(days: Mapping[str, Shelf], today: str) -> web.Application:
    """The files of each day (`days`, by YYYYMMDD). The page without a parameter is that of `today`."""

    async def index(request: web.Request) -> web.Response:
        day = request.query.get("p", f"./{today}").removeprefix("./")
        files = [
            {"name": file.name, "size": file.size, "modified": f"{file.local:%H:%M %d-%m-%Y}"}
            for file in days.get(day, Shelf())
        ]
        script = f"const path = '{day}';\nconst files = {json.dumps(files)};\nconst branches = [];"
        return html_page(f"<script src=x></script><script>{script}</script><script>show()</script>")

    app = web.Application()
    app.router.add_get("/", index)
    for day, shelf in days.items():
        serve_files(app, f"/{day}/{{name}}", shelf)
    return app
