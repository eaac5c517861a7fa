"""The inputs: the bundled feeds, the files of `tests/data/field`, broken files, and invalid messages."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from conformance.portal import Portal
from gogobe.chains.load import load_chains
from gogobe.demo.published import shelves
from gogobe.feeds.names import parse_file_name
from gogobe.feeds.ordering import store_of
from gogobe.records.messages import FileDiscovered, encode

FIELD: Final = Path(__file__).parent.parent / "tests" / "data" / "field"
# One time for all runs, so that fields derived from it are equal.
ANNOUNCED_AT: Final = datetime(2026, 9, 30, 6, tzinfo=UTC)
CHAIN, CHAIN_ID = "shufersal", "7290027600007"


def files() -> dict[str, bytes | None]:
    """The files by path, CHAIN/FOLDER/NAME; None for a file that is announced but missing."""
    return {**_bundled_files(), **_field_files(), **_broken_files()}


def _bundled_files() -> dict[str, bytes | None]:
    """The demo's files, including its three faulty ones."""
    return {
        f"{chain}/bundled/{file.name}": None if file.is_missing else file.body
        for chain, shelf in shelves().items()
        for file in shelf.files.values()
    }


def _field_files() -> dict[str, bytes | None]:
    chains = load_chains()
    found: dict[str, bytes | None] = {}
    for path in sorted(FIELD.glob("*/*")):
        chain_id = parse_file_name(path.name).chain_id
        (chain, *_) = (*chains.owners(chain_id), "unknown")
        found[f"{chain}/{path.parent.name}/{path.name}"] = path.read_bytes()
    return found


def _feed(store: int, rows: str, chain_id: str = CHAIN_ID) -> bytes:
    head = f"<ChainId>{chain_id}</ChainId><SubChainId>1</SubChainId><StoreId>{store:03}</StoreId>"
    return f"<root>{head}<Items>{rows}</Items></root>".encode()


def _row(code: str, price: str) -> str:
    return f"<Item><ItemCode>{code}</ItemCode><ItemName>חלב</ItemName><ItemPrice>{price}</ItemPrice></Item>"


def _broken_files() -> dict[str, bytes | None]:
    """Broken files, each of its own store, or several of one store, where their order counts."""
    good = "".join(_row(str(7290000030000 + number), "5.90") for number in range(1200))
    cut = gzip.compress(_feed(904, good), mtime=0)
    bodies = {
        _name(901, 1): b"",
        _name(902, 1): b"<!DOCTYPE html><html><body>Log in</body></html>",
        _name(903, 1): bytes(range(256)) * 40,
        _name(904, 1): cut[: len(cut) // 2],
        _name(905, 1): _feed(905, good)[:-2000],
        _name(906, 1): _feed(906, good, chain_id="7290058140886"),
        _name(907, 1): _feed(907, _row("1", "-5") + _row("", "3") + _row("2" * 900, "3") + _row("5", "3.50")),
        _name(908, 1): b"PK\x03\x04" + zlib.compress(b"no archive"),
        _name(909, 1): _feed(909, good),
        _name(909, 2): _feed(909, good.replace("5.90", "6.10")),
        _name(909, 3): _feed(909, good[: len(good) // 2].rpartition("<Item>")[0]),
        "a name that follows no pattern": _feed(910, good),
    }
    return {f"{CHAIN}/broken/{name}": body for name, body in bodies.items()}


def _name(store: int, version: int) -> str:
    return f"PriceFull{CHAIN_ID}-{store:03}-2025090{version}0300.xml"


def records(portal: Portal) -> list[tuple[bytes, bytes]]:
    """The records for the topic of discovered files, the same for every run: an announcement of each file,
    and between them invalid messages."""
    announced = [
        FileDiscovered(path.split("/")[0], f"http://{portal.host}/{quote(path)}", ANNOUNCED_AT)
        for path in portal.paths
    ]
    good = [(store_of(one).encode(), encode(one)) for one in announced]
    return [*good[: len(good) // 2], *_broken_messages(), *good[len(good) // 2 :]]


def _broken_messages() -> list[tuple[bytes, bytes]]:
    no_host: Mapping[str, str] = {"chain": CHAIN, "timestamp": ANNOUNCED_AT.isoformat()}
    addresses = ("ftp://p/x", "http://127.0.0.1:9/PriceFull7290027600007-001-202508070300.gz", "x" * 5000)
    odd = [json.dumps({**no_host, "url": url}).encode() for url in addresses]
    return [(b"odd", value) for value in (b"", b"not json", b'{"chain": 1}', b"\xff\x00", b"[]", *odd)]
