"""Files of each kind of portal, fetched as the settings of its chain say: logins, links, signatures, schemes."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gogobe.chains.load import load_chains
from gogobe.chains.portal import PortalSettings
from gogobe.demo.portals.cerberus import CerberusReplica
from gogobe.demo.portals.server import PortalServer
from gogobe.demo.portals.shelf import Shelf
from gogobe.discovery.portal import portals_of
from gogobe.io.access import Access
from gogobe.io.fetch import Fetcher
from gogobe.io.fetching import FetchError, FetchSettings
from gogobe.io.networks import AllowedHosts
from gogobe.io.portals import Portals
from gogobe.records.messages import FileDiscovered
from gogobe.secrets import Secret
from tests.discovery.conftest import client_of, files, list_with
from tests.discovery.replicas import ENGINES, Replicas, replicas
from tests.portals.ftp import ftp_server

SETTINGS = FetchSettings(attempts=1, connect_timeout=60, allowed=AllowedHosts.parse("127.0.0.1"))
CHAIN_HOSTS = frozenset({"127.0.0.1"})


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Replicas, Path]]:
    folder = tmp_path_factory.mktemp("shops")
    with replicas(folder, count=8) as made:
        yield made, made.write(folder / "chains.toml")


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    made = Fetcher(SETTINGS)
    yield made
    made.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_what_an_engine_lists_is_fetched(
    shops: tuple[Replicas, Path], fetcher: Fetcher, tmp_path: Path, engine: str
):
    """From the listing to the bytes, with the same settings; all of a portal's files at once."""
    made, file = shops
    chains = load_chains(file)
    (watched,) = portals_of(chains, [engine])
    portals = Portals(chains, per_host=4)

    async def listed() -> Any:
        async with client_of(watched, datetime.now(UTC)) as client:
            return await list_with(watched, client)

    def fetch(one: Any) -> tuple[str, bytes]:
        message = FileDiscovered(engine, one.url, datetime.now(UTC), one.file_name)
        target = tmp_path / one.file_name
        fetcher.fetch(message.url, target, portals.access_of(message))
        return one.file_name.removesuffix(".gz"), target.read_bytes()

    with ThreadPoolExecutor(4) as threads:
        found = dict(threads.map(fetch, asyncio.run(listed())))
    assert found == {name.removesuffix(".gz"): one.body for name, one in made.shelves[engine].files.items()}


# Logins


def cerberus(url: str, user: str = "user", password: Secret | None = None) -> Access:
    settings = PortalSettings(engine="cerberus_web", url=url, user=user, password=password)
    return Access.of(CHAIN_HOSTS, settings)


@pytest.fixture
def server() -> Iterator[PortalServer]:
    with PortalServer() as running:
        yield running


def test_one_login_serves_all_files_and_a_session_that_ended_is_begun_anew(
    server: PortalServer, fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PORTAL_PASSWORD", "S3cr3t")
    shelf = Shelf.of(files(12))
    replica = CerberusReplica({"user": ("S3cr3t", shelf)})
    url = server.add(replica.app)
    access = cerberus(url, password=Secret("secret://env/PORTAL_PASSWORD"))

    def fetch(name: str) -> bytes:
        fetcher.fetch(f"{url}/file/d/{name}", tmp_path / name, access)
        return (tmp_path / name).read_bytes()

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(fetch, shelf.files)) == [one.body for one in shelf.files.values()]
    assert replica.logins == 1
    replica.end_sessions()
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(fetch, shelf.files)) == [one.body for one in shelf.files.values()]
    assert replica.logins == 2


@pytest.mark.parametrize(
    ("user", "password", "reason"),
    [("user", None, "login_failed"), ("stranger", None, "login_failed"), ("user", "MISSING", "no_secret")],
)
def test_a_login_that_fails_may_pass_and_names_no_password(
    server: PortalServer, fetcher: Fetcher, tmp_path: Path, user: str, password: str | None, reason: str
):
    url = server.add(CerberusReplica({"user": ("S3cr3t", Shelf.of(files(1)))}).app)
    access = cerberus(url, user, Secret(f"secret://env/{password}") if password else None)
    with pytest.raises(FetchError) as failed:
        fetcher.fetch(f"{url}/file/d/x.gz", tmp_path / "x", access)
    assert (failed.value.reason, failed.value.transient) == (reason, True)
    assert "S3cr3t" not in str(failed.value)


def test_a_file_that_a_portal_with_a_login_does_not_have(
    server: PortalServer, fetcher: Fetcher, tmp_path: Path
):
    url = server.add(CerberusReplica({"user": ("", Shelf())}).app)
    with pytest.raises(FetchError) as failed:
        fetcher.fetch(f"{url}/file/d/x.gz", tmp_path / "x", cerberus(url))
    assert failed.value.reason == "not_found"


# Links


def bina(url: str) -> Access:
    return Access.of(CHAIN_HOSTS, PortalSettings(engine="bina", url=url))


def answering(server: PortalServer, answer: bytes) -> str:
    """A portal that answers each request for a file's place with this; its address."""

    async def download(_: web.Request) -> web.Response:
        return web.Response(body=answer)

    app = web.Application()
    app.router.add_get("/Download.aspx", download)
    return server.add(app)


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("http://[::1]:1/x.gz", "foreign_host"),
        ("file:///etc/passwd", "unsupported_url"),
        ("ftp://127.0.0.1/x", "unsupported_url"),
        ("http://user:S3cr3t@127.0.0.1/x", "credentials_in_url"),
        ("http://[bad/x", "unsupported_url"),
    ],
)
def test_a_link_is_checked_like_a_redirect(
    server: PortalServer, fetcher: Fetcher, tmp_path: Path, link: str, reason: str
):
    url = answering(server, json.dumps([{"SPath": link}]).encode())
    with pytest.raises(FetchError) as failed:
        fetcher.fetch(f"{url}/Download.aspx?FileNm=x", tmp_path / "x", bina(url))
    assert failed.value.reason == reason
    assert "S3cr3t" not in str(failed.value)


@pytest.mark.parametrize(
    "answer", [b"[]", b'[{"SPath": ""}]', b'[{"Other": "x"}]', b"{}", b"[", b"\x1f\x8bfile"]
)
def test_an_answer_without_a_link_is_the_file(server: PortalServer, tmp_path: Path, answer: bytes):
    """What it holds is for the reader to say."""
    url = answering(server, answer)
    Fetcher(SETTINGS).fetch(f"{url}/Download.aspx?FileNm=x", tmp_path / "x", bina(url))
    assert (tmp_path / "x").read_bytes() == answer


# FTP


def ftp_access(port: int, **settings: Any) -> Access:
    values = {"engine": "cerberus_ftp", "url": f"ftp://127.0.0.1:{port}", "user": "user"} | settings
    return Access.of(CHAIN_HOSTS, PortalSettings(**values))


@pytest.mark.parametrize("masquerade", [None, "10.1.2.3"])
def test_data_connections_go_to_the_control_connection_s_host(
    fetcher: Fetcher, tmp_path: Path, masquerade: str | None
):
    """With any address in the passive answer."""
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a folder" / "Price 1.gz").write_bytes(b"prices" * 1000)
    with ftp_server({"user": ("", tmp_path)}, masquerade=masquerade, without=("EPSV",)) as port:
        url = f"ftp://127.0.0.1:{port}/a%20folder/Price%201.gz"
        for _ in range(2):  # the second over the connection of the first
            fetched = fetcher.fetch(url, tmp_path / "got", ftp_access(port))
    assert (fetched.size, (tmp_path / "got").read_bytes()) == (6000, b"prices" * 1000)


@pytest.mark.parametrize(
    ("path", "user", "reason", "transient"),
    [
        ("/missing.gz", "user", "not_found", False),
        ("/x.gz", "stranger", "login_failed", True),
        ("/", "user", "unsupported_url", False),
        ("/x%0d%0aDELE%20y", "user", "unsupported_url", False),
    ],
)
def test_what_cannot_be_had_by_ftp_says_why(
    fetcher: Fetcher, tmp_path: Path, path: str, user: str, reason: str, transient: bool
):
    with ftp_server({"user": ("", tmp_path)}) as port, pytest.raises(FetchError) as failed:
        fetcher.fetch(f"ftp://127.0.0.1:{port}{path}", tmp_path / "got", ftp_access(port, user=user))
    assert (failed.value.reason, failed.value.transient) == (reason, transient)


def test_a_server_that_refuses_tls_gets_no_password(fetcher: Fetcher, tmp_path: Path):
    (tmp_path / "x.gz").write_bytes(b"x")
    with ftp_server({"user": ("", tmp_path)}) as port, pytest.raises(FetchError) as failed:
        fetcher.fetch(f"ftps://127.0.0.1:{port}/x.gz", tmp_path / "got", ftp_access(port))
    assert (failed.value.reason, failed.value.transient) == ("unreachable", True)


def test_ftp_goes_to_the_chain_s_hosts_only(tmp_path: Path):
    with ftp_server({"user": ("", tmp_path)}) as port:
        for allowed, reason in (("", "forbidden_address"), ("127.0.0.1:1", "forbidden_address")):
            settings = dataclasses.replace(SETTINGS, allowed=AllowedHosts.parse(allowed))
            with pytest.raises(FetchError) as failed:
                Fetcher(settings).fetch(f"ftp://127.0.0.1:{port}/x", tmp_path / "x", ftp_access(port))
            assert failed.value.reason == reason
        settings = dataclasses.replace(SETTINGS, allowed=AllowedHosts())
        with pytest.raises(FetchError) as failed:
            Fetcher(settings).fetch(f"ftp://127.0.0.1:{port}/x", tmp_path / "x", Access(frozenset({"p"})))
        assert failed.value.reason == "foreign_host"
        assert failed.value.__cause__ is None, "that libcurl got no connection is no reason of its own"
