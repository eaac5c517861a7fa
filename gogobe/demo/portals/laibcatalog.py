"""A replica of Laibcatalog: a JSON interface by ChainId, empty in its quiet hours."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gogobe.demo.portals.files import file_response
from gogobe.demo.portals.shelf import Shelf


class LaibcatalogReplica:
    """`webapi/api/getfiles?edi=ID` lists the shelf of a ChainId; an empty list while `is_quiet`."""

    def __init__(self, shelves: Mapping[str, Shelf]) -> None:
        self.shelves = shelves
        self.is_quiet = False
        self.app = web.Application()
        self.app.router.add_get("/webapi/api/getfiles", self._list)
        self.app.router.add_get("/webapi/{id}/{name}", self._file)

    async def _list(self, request: web.Request) -> web.Response:
        shelf = self.shelves.get(request.query.get("edi", ""), Shelf())
        rows = [
            {
                "fileName": file.name,
                "fileType": "pricefull",
                "fileSize": f"{file.size / 1024:.2f} KB",
                "fileDate": f"{file.local:%Y-%m-%d %H:%M:%S}",
                "lastModified": "",
            }
            for file in shelf
        ]
        return web.json_response([] if self.is_quiet else rows)

    async def _file(self, request: web.Request) -> web.Response:
        shelf = self.shelves.get(request.match_info["id"], Shelf())
        return file_response(shelf.files.get(request.match_info["name"]))
