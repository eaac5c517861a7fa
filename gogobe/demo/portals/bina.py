"""A replica of a Bina portal: a JSON listing cut at 1,000 rows, and one request more for a file's address."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from aiohttp import web

from gogobe.demo.portals.files import file_response
from gogobe.demo.portals.shelf import Shelf, ShelfFile
from gogobe.feeds.names import parse_if_known

CUT_ROWS = 1000
_TYPES = {"stores": "1", "price": "2", "promo": "3", "pricefull": "4", "promofull": "5"}


class BinaReplica:
    """`MainIO_Hok.aspx` lists by day, type and store; `Download.aspx` returns a file's address."""

    def __init__(
        self, shelf: Shelf, *, cut_rows: int = CUT_ROWS, path: str = "", every_day: bool = False
    ) -> None:
        """`every_day` lists every file under each day."""
        self.shelf = shelf
        self.cut_rows = cut_rows
        self.every_day = every_day
        self.asked: list[dict[str, str]] = []
        self.app = web.Application()
        self.app.router.add_get(f"{path}/MainIO_Hok.aspx", self._list)
        self.app.router.add_get(f"{path}/Download.aspx", self._where)
        self.app.router.add_get(f"{path}/Download/{{name}}", self._file)
        self._path = path

    async def _list(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.query))
        day, kind = request.query.get("WDate", ""), request.query.get("WFileType", "")
        store = request.query.get("WStore", "")
        rows = [
            _row(file)
            for file in self.shelf
            if (self.every_day or not day or f"{file.local:%d/%m/%Y}" == day)
            and (kind in ("", "0") or _type_of(file) == kind)
            and (not store or _store_of(file) == store)
        ]
        return web.json_response(rows[: self.cut_rows], content_type="text/html")

    async def _where(self, request: web.Request) -> web.Response:
        name = request.query.get("FileNm", "")
        path = f"{request.url.origin()}{self._path}/Download/{name}"
        return web.json_response([{"SPath": path}], content_type="text/html")

    async def _file(self, request: web.Request) -> web.Response:
        return file_response(self.shelf.files.get(request.match_info["name"]), "application/x-gzip")


def _row(file: ShelfFile) -> dict[str, str]:
    return {
        "FileNm": file.name,
        "Company": "קינג סטור",
        "Store": f"{_store_of(file)} סניף",
        "TypeFile": "מחירים",
        "DateFile": _written(file.local),
    }


def _written(moment: datetime) -> str:
    return f"{moment:%H:%M %d/%m/%Y}"


def _type_of(file: ShelfFile) -> str:
    name = _parsed(file.name)
    return _TYPES.get(name.kind, "") if name else ""


def _store_of(file: ShelfFile) -> str:
    name = _parsed(file.name)
    return (name.store_id or "") if name else ""


_parsed = lru_cache(maxsize=100_000)(parse_if_known)
