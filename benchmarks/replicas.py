"""Serves thousands of replica portals: `python -m benchmarks.replicas PORTALS FILES`.

Four engines in turn, each portal on its own port with its share of the files. Writes a line of JSON for each,
then an empty line, and serves until its standard input ends.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from gogobe.demo.portals.bina import BinaReplica
from gogobe.demo.portals.cerberus import CerberusReplica
from gogobe.demo.portals.laibcatalog import LaibcatalogReplica
from gogobe.demo.portals.server import PortalServer
from gogobe.demo.portals.shelf import ISRAEL, Shelf, ShelfFile
from gogobe.demo.portals.shufersal import ShufersalReplica

ENGINES: Final = ("paged_html", "bina", "laibcatalog", "cerberus_web")
PAGE_ROWS: Final = 100


def chain_id(number: int) -> str:
    """The ChainId of a portal's chain."""
    return f"{7290000100000 + number}"


def file_names(number: int, count: int, day: datetime) -> Iterator[str]:
    """The names of a portal's files on a day: its stores' PriceFull, Price, PromoFull and Promo."""
    kinds = ("PriceFull", "Price", "PromoFull", "Promo")
    for place in range(count):
        store, minute = place // 4 + 1, place % 60
        yield f"{kinds[place % 4]}{chain_id(number)}-{store:03d}-{day:%Y%m%d}03{minute:02d}.gz"


def share(portals: int, files: int, number: int) -> int:
    """The number of files of a portal."""
    return files // portals + (number < files % portals)


def _replica(number: int, shelf: Shelf) -> tuple[web.Application, dict[str, Any]]:
    """A portal's application, and its settings without host and port."""
    engine = ENGINES[number % len(ENGINES)]
    if engine == "paged_html":
        path = "/FileObject/UpdateCategory"
        layout = {"row": "#gridContainer tbody tr", "container": "#gridContainer table"}
        return ShufersalReplica(shelf, page_rows=PAGE_ROWS).app, {"engine": engine, "url": path, "html": layout}
    if engine == "bina":
        return BinaReplica(shelf).app, {"engine": engine, "url": "", "days": 1}
    if engine == "laibcatalog":
        return LaibcatalogReplica({chain_id(number): shelf}).app, {"engine": engine, "url": ""}
    return CerberusReplica({"user": ("", shelf)}).app, {"engine": engine, "url": "", "user": "user"}


def main(portals: int, files: int) -> None:
    """Serves until the standard input ends."""
    today = datetime.now(UTC).astimezone(ISRAEL).replace(hour=3, minute=0, second=0, microsecond=0)
    with PortalServer() as server:
        for number in range(portals):
            names = file_names(number, share(portals, files, number), today)
            shelf = Shelf.of(ShelfFile(name, b"", today, 50_000) for name in names)
            app, settings = _replica(number, shelf)
            settings["url"] = server.add(app) + settings["url"]
            sys.stdout.write(json.dumps(settings) + "\n")
        sys.stdout.write("\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
