"""Replicas of every engine's portal at once, and the chains file that has them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import trustme

from gogobe.demo.portals.bina import BinaReplica
from gogobe.demo.portals.cerberus import CerberusReplica
from gogobe.demo.portals.directory_index import directory_index_replica
from gogobe.demo.portals.laibcatalog import LaibcatalogReplica
from gogobe.demo.portals.publishprice import publishprice_replica
from gogobe.demo.portals.server import PortalServer
from gogobe.demo.portals.shelf import ISRAEL, Shelf, ShelfFile
from gogobe.demo.portals.shufersal import ShufersalReplica
from gogobe.demo.replicas import portal_lines
from tests.portals import pages
from tests.portals.ftp import ftp_server

SHUFERSAL_LAYOUT = {
    "row": "#gridContainer tbody tr", "name": "td:nth-child(7)", "size": "td:nth-child(3)",
    "modified": "td:nth-child(2)", "modified_format": "%m/%d/%Y %I:%M:%S %p",
    "container": "#gridContainer table",
}  # fmt: skip
ENGINES = (
    "paged_html", "bina", "laibcatalog", "cerberus_web", "publishprice", "netiv_hesed", "meshnat_yosef", "wolt",
    "directory_index", "html_links", "cerberus_ftp",
)  # fmt: skip


@dataclass
class Replicas:
    """One portal an engine; a chain's key is its engine's name. `shelves` hold what they publish."""

    shelves: dict[str, Shelf] = field(default_factory=dict)
    portals: dict[str, dict[str, Any]] = field(default_factory=dict)

    def names(self) -> list[tuple[str, str]]:
        """Chain and file name of everything that is published."""
        return sorted((key, name) for key, shelf in self.shelves.items() for name in shelf.files)

    def write(self, file: Path, **settings: Any) -> Path:
        """Writes the chains file; `settings` hold for every portal."""
        lines = []
        for number, (key, portal) in enumerate(self.portals.items(), start=1):
            lines += [f"[chains.{key}]", f'chain_ids = ["{chain_id(number)}"]', f'names = {{ en = "{key}" }}']
            lines += [f"[[chains.{key}.portals]]"]
            fast = {"rate": 1000.0, "concurrency": 4, "timeout": 60.0, "full": [], "night": []}
            lines += portal_lines(fast | portal | settings)
        file.write_text("\n".join(lines), "utf-8")
        return file


def chain_id(number: int) -> str:
    return f"{7290000001000 + number}"


def files_of_day(today: datetime, number: int, count: int) -> list[ShelfFile]:
    """Files of a chain's stores, published on the morning of a day."""
    moment = today.replace(hour=0, minute=0, second=0, microsecond=0)
    return [
        ShelfFile(
            f"PriceFull{chain_id(number)}-{store:03d}-{today:%Y%m%d}{store % 24:02d}{store % 60:02d}.gz",
            b"\x1f\x8b" + bytes(store % 50),
            moment.replace(minute=store % 60),
        )
        for store in range(1, count + 1)
    ]


@contextlib.contextmanager
def replicas(folder: Path, count: int = 25) -> Iterator[Replicas]:
    """Starts a replica of each engine's portal, with `count` files."""
    today = datetime.now(UTC).astimezone(ISRAEL)
    made = Replicas({key: Shelf.of(files_of_day(today, n, count)) for n, key in enumerate(ENGINES, start=1)})
    shelves = made.shelves
    day = f"{today:%Y-%m-%d}"
    ftp_folder = folder / "ftp"
    ftp_folder.mkdir()
    for file in shelves["cerberus_ftp"]:
        (ftp_folder / file.name).write_bytes(file.body)
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    apps = {
        "paged_html": ShufersalReplica(shelves["paged_html"]).app,
        "bina": BinaReplica(shelves["bina"]).app,
        "laibcatalog": LaibcatalogReplica({chain_id(3): shelves["laibcatalog"]}).app,
        "cerberus_web": CerberusReplica({"user": ("", shelves["cerberus_web"])}).app,
        "publishprice": publishprice_replica({f"{today:%Y%m%d}": shelves["publishprice"]}, f"{today:%Y%m%d}"),
        "netiv_hesed": pages.netiv_hesed({day: shelves["netiv_hesed"]}),
        "meshnat_yosef": pages.meshnat_yosef(shelves["meshnat_yosef"]),
        "wolt": pages.wolt({day: shelves["wolt"]}),
        "directory_index": directory_index_replica("nginx", shelves["directory_index"]),
        "html_links": pages.table(shelves["html_links"]),
    }
    paths: Mapping[str, str] = {
        "paged_html": "/FileObject/UpdateCategory?catID=0", "wolt": "/v1/index.html", "directory_index": "/feeds/",
        "html_links": "/list",
    }  # fmt: skip
    further: Mapping[str, dict[str, Any]] = {
        "paged_html": {"html": SHUFERSAL_LAYOUT},
        "cerberus_web": {"user": "user"},
        "html_links": {"html": {"row": "#files tr", "name": "td.n"}},
    }
    users = {"user": ("", ftp_folder)}
    with PortalServer() as server, ftp_server(users, certificate=folder / "server.pem") as ftp_port:
        for key, app in apps.items():
            url = server.add(app) + paths.get(key, "")
            made.portals[key] = {"engine": key, "url": url} | further.get(key, {})
        made.portals["cerberus_ftp"] = {
            "engine": "cerberus_ftp", "url": f"ftps://127.0.0.1:{ftp_port}", "user": "user",
            "ca_file": str(folder / "ca.pem"),
        }  # fmt: skip
        yield made
