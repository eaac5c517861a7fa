"""The demo's portals: replicas of four engines on this machine, and the chains file that describes them.

python -m gogobe.demo.replicas FOLDER
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from gogobe.chains.load import load_chains
from gogobe.demo.portals.directory_index import directory_index_replica
from gogobe.demo.portals.laibcatalog import LaibcatalogReplica
from gogobe.demo.portals.publishprice import publishprice_replica
from gogobe.demo.portals.server import PortalServer
from gogobe.demo.portals.shelf import Shelf
from gogobe.demo.portals.shufersal import ShufersalReplica
from gogobe.demo.published import CHAINS, shelves
from gogobe.discovery.portal import Portal, portals_of
from gogobe.local.stack import Stack

CHAINS_FILE: Final = "portals.toml"
_DAY: Final = "20250807"
# A replica on this machine needs no politeness.
_SETTINGS: Final[Mapping[str, Any]] = {"rate": 100.0, "concurrency": 4, "full": [], "night": [], "quiet": []}


@dataclass(frozen=True)
class _Replica:
    """A chain's portal: its application, the path of its listing, and its settings in the chains file."""

    app: web.Application
    path: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class DemoPortals:
    """The running portals. `chains_file` describes them in the form of `chains.toml`; `hosts` are their
    HOST:PORT."""

    portals: Sequence[Portal]
    hosts: Sequence[str]
    chains_file: Path


@contextlib.contextmanager
def running_portals(folder: Path) -> Iterator[DemoPortals]:
    """Runs a portal for each chain on 127.0.0.1 for the length of a `with`; writes `portals.toml` to `folder`.

    Each portal has the port of the previous run (`portals.json`), if it is free: the addresses of announced
    files stay valid. Raises OSError.
    """
    ports_file = folder / "portals.json"
    known = _ports(ports_file)
    replicas = _replicas()
    with PortalServer() as server:
        addresses = {key: _start(server, one.app, known.get(key, 0)) for key, one in replicas.items()}
        ports = {key: int(address.rpartition(":")[2]) for key, address in addresses.items()}
        ports_file.write_bytes(msgspec.json.encode(ports))
        part = folder / "portals.part"
        part.write_text(_chains_file(replicas, addresses), "utf-8")
        part.replace(folder / CHAINS_FILE)
        yield read_portals(folder)


def read_portals(folder: Path) -> DemoPortals:
    """The portals that run below `folder`."""
    chains_file = folder / CHAINS_FILE
    portals = portals_of(load_chains(chains_file), list(CHAINS.values()))
    return DemoPortals(portals, [portal.host for portal in portals], chains_file)


@contextlib.contextmanager
def portals_service(var: Path) -> Iterator[DemoPortals]:
    """Runs the portals as a service of the stack below `var`: like the stack, they outlive a killed demo, so
    that its pipeline does not lose the files. Raises StackError."""
    chains_file = var / CHAINS_FILE
    chains_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "gogobe.demo.replicas", str(var)]
    with Stack(var).service("Portals", command, chains_file.exists):
        yield read_portals(var)


def _replicas() -> dict[str, _Replica]:
    """A replica for each chain, by the chain's key."""
    files = shelves()
    chains = load_chains()
    shufersal, victory = chains.get("shufersal"), chains.get("victory")
    assert shufersal is not None, "a bundled chain"
    assert victory is not None, "a bundled chain"
    layout = msgspec.to_builtins(shufersal.portals[0].html)
    return {
        "shufersal": _Replica(
            ShufersalReplica(files["shufersal"]).app,
            "/FileObject/UpdateCategory?catID=0",
            {"engine": "paged_html", "html": layout},
        ),
        "victory": _Replica(
            LaibcatalogReplica({victory.chain_ids[0]: files["victory"]}).app, "/", {"engine": "laibcatalog"}
        ),
        **{key: _publishprice(files[key]) for key in ("king_store", "super_sapir")},
        **{key: _directory_index(files[key]) for key in ("rami_levy", "yohananof")},
    }


def _publishprice(shelf: Shelf) -> _Replica:
    app = publishprice_replica({_DAY: shelf}, _DAY)
    return _Replica(app, "/", {"engine": "publishprice", "days": 1})


def _directory_index(shelf: Shelf) -> _Replica:
    return _Replica(directory_index_replica("nginx", shelf), "/feeds/", {"engine": "directory_index"})


def _ports(file: Path) -> Mapping[str, int]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, int])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}


def _start(server: PortalServer, app: web.Application, port: int) -> str:
    try:
        return server.add(app, port=port)
    except OSError:
        return server.add(app)


def _chains_file(replicas: Mapping[str, _Replica], addresses: Mapping[str, str]) -> str:
    lines = ["# Written by `gogobe demo`: the bundled chains with replicas of their portals on this machine."]
    for key, address in addresses.items():
        replica = replicas[key]
        portal = {"url": address + replica.path, **_SETTINGS, **replica.settings}
        lines += ["", f"[[chains.{key}.portals]]", *portal_lines(portal)]
    return "\n".join([*lines, ""])


def portal_lines(settings: Mapping[str, Any]) -> list[str]:
    """Settings as lines of TOML; a table of settings becomes an inline table."""
    return [f"{name} = {_toml(value)}" for name, value in settings.items()]


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_toml(one)}" for name, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    with running_portals(Path(sys.argv[1])):
        threading.Event().wait()
