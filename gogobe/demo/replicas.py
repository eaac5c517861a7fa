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
from gogobe.demo.portals.bina import BinaReplica
from gogobe.demo.portals.cerberus import CerberusReplica
from gogobe.demo.portals.laibcatalog import LaibcatalogReplica
from gogobe.demo.portals.server import PortalServer
from gogobe.demo.portals.shufersal import ShufersalReplica
from gogobe.demo.published import CHAINS, shelves
from gogobe.discovery.portal import Portal, portals_of
from gogobe.local.processes import free_ports
from gogobe.local.stack import Stack

CHAINS_FILE: Final = "portals.toml"
_HEADING: Final = "# Written by `gogobe demo`: the bundled chains with portals on this machine.\n"
# A replica on this machine needs no politeness.
_SETTINGS: Final[Mapping[str, Any]] = {"rate": 100.0, "concurrency": 4, "full": [], "night": [], "quiet": []}


@dataclass(frozen=True)
class _Replica:
    """A server with the portals of some chains: their paths below its address, and their settings."""

    app: web.Application
    portals: Mapping[str, tuple[str, Mapping[str, Any]]]


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
    files stay valid. New ports are outside of the range for outgoing connections, which may take one meanwhile.
    Raises OSError.
    """
    ports_file = folder / "portals.json"
    known, ports, tables, replicas = _ports(ports_file), {}, [], _replicas()
    with PortalServer() as server:
        for new, (name, replica) in zip(free_ports(len(replicas)), replicas.items(), strict=True):
            address = _start(server, replica.app, known.get(name, new))
            ports[name] = int(address.rpartition(":")[2])
            for key, (path, settings) in replica.portals.items():
                tables.append(_table(key, address + path, settings))
        ports_file.write_bytes(msgspec.json.encode(ports))
        part = folder / "portals.part"
        part.write_text("\n".join([_HEADING, *tables]), "utf-8")
        part.replace(folder / CHAINS_FILE)
        yield read_portals(folder)


def read_portals(folder: Path) -> DemoPortals:
    """The portals that run below `folder`."""
    chains_file = folder / CHAINS_FILE
    portals = portals_of(load_chains(chains_file), list(CHAINS.values()))
    return DemoPortals(portals, sorted({portal.host for portal in portals}), chains_file)


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
    """The servers by name: of each chain's portal one of the engine that its real portal has."""
    files = shelves()
    chains = load_chains()
    shufersal, victory = chains.get("shufersal"), chains.get("victory")
    assert shufersal is not None, "a bundled chain"
    assert victory is not None, "a bundled chain"
    layout = msgspec.to_builtins(shufersal.portals[0].html)
    users = {"rami_levy": "RamiLevi", "yohananof": "yohananof"}
    return {
        "shufersal": _Replica(
            ShufersalReplica(files["shufersal"]).app,
            {"shufersal": ("/FileObject/UpdateCategory?catID=0", {"engine": "paged_html", "html": layout})},
        ),
        "laibcatalog": _Replica(
            LaibcatalogReplica({victory.chain_ids[0]: files["victory"]}).app,
            {"victory": ("/", {"engine": "laibcatalog"})},
        ),
        **{
            key: _Replica(BinaReplica(files[key], every_day=True).app, {key: ("/", {"engine": "bina"})})
            for key in ("king_store", "super_sapir")
        },
        "cerberus": _Replica(
            CerberusReplica({user: ("", files[key]) for key, user in users.items()}).app,
            {key: ("/", {"engine": "cerberus_web", "user": user}) for key, user in users.items()},
        ),
    }


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


def _table(key: str, url: str, settings: Mapping[str, Any]) -> str:
    """A portal as a table of the chains file."""
    return "\n".join([f"[[chains.{key}.portals]]", *portal_lines({"url": url, **_SETTINGS, **settings}), ""])


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
