"""Every way in which a portal misbehaves ends in a listing error of its kind; what came before it counts."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from gogobe.chains.portal import PageLayout
from gogobe.demo.portals.cerberus import CerberusReplica
from gogobe.demo.portals.directory_index import directory_index_replica
from gogobe.demo.portals.laibcatalog import LaibcatalogReplica
from gogobe.demo.portals.server import PortalServer
from gogobe.demo.portals.shelf import Shelf
from gogobe.demo.portals.shufersal import ShufersalReplica
from gogobe.discovery import client as client_module
from gogobe.discovery.engines import ENGINES
from gogobe.discovery.listing import ListedFile, ListingError
from gogobe.discovery.portal import Portal
from gogobe.io.networks import AllowedHosts
from tests.discovery.conftest import client_of, files, listed, portal
from tests.portals.faults import Faults
from tests.portals.ftp import ftp_server

SHELF = Shelf.of(files(50))
Make = Callable[[PortalServer, Faults], Portal]


def shufersal(server: PortalServer, faults: Faults) -> Portal:
    address = server.add(faults.on(ShufersalReplica(SHELF).app))
    return portal("paged_html", f"{address}/FileObject/UpdateCategory", html=PageLayout(row="tbody tr"))


def laibcatalog(server: PortalServer, faults: Faults) -> Portal:
    return portal("laibcatalog", server.add(faults.on(LaibcatalogReplica({"7290000000001": SHELF}).app)))


def cerberus(server: PortalServer, faults: Faults) -> Portal:
    return portal("cerberus_web", server.add(faults.on(CerberusReplica({"u": ("", SHELF)}).app)), user="u")


def nginx(server: PortalServer, faults: Faults) -> Portal:
    return portal("directory_index", server.add(faults.on(directory_index_replica("nginx", SHELF))) + "/feeds")


PORTALS = {"shufersal": shufersal, "laibcatalog": laibcatalog, "cerberus": cerberus, "nginx": nginx}


def error_of(watched: Portal) -> ListingError:
    with pytest.raises(ListingError) as caught:
        listed(watched)
    return caught.value


@pytest.mark.parametrize("make", PORTALS.values(), ids=PORTALS)
@pytest.mark.parametrize(
    ("faults", "kind", "retry_after"),
    [
        (Faults("status", status=503, headers={"Retry-After": "120"}), "server_error", 120.0),
        (Faults("status", status=429, headers={"Retry-After": "7"}), "rate_limited", 7.0),
        (Faults("status", status=429), "rate_limited", None),
        (Faults("status", status=403), "forbidden", None),
        (Faults("status", status=404), "not_found", None),
        (Faults("status", status=418), "http_status", None),
        (Faults("truncated"), "short_body", None),
        (Faults("wrong_length"), "short_body", None),
        (Faults("drop"), "unreachable", None),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, Faults) else "",
)
def test_a_portal_that_fails(
    portals: PortalServer, make: Make, faults: Faults, kind: str, retry_after: float | None
):
    error = error_of(make(portals, faults))
    assert (error.kind, error.retry_after) == (kind, retry_after)
    assert "127.0.0.1" in str(error)


@pytest.mark.parametrize("make", PORTALS.values(), ids=PORTALS)
def test_a_login_page_with_status_200_is_no_listing(portals: PortalServer, make: Make):
    assert error_of(make(portals, Faults("login_page"))).kind in {"login_failed", "not_a_listing"}


@pytest.mark.parametrize(
    ("engine", "url"),
    [("publishprice", "/"), ("netiv_hesed", "/"), ("meshnat_yosef", "/"), ("wolt", "/"), ("bina", "")],
)
@pytest.mark.parametrize(
    "body", ["", "<html></html>", "{}", '{"error": []}', "[1]", "null", "\ufeff", "[" * 100_000]
)
def test_another_page_is_no_listing(portals: PortalServer, engine: str, url: str, body: str):
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=body, content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    assert error_of(portal(engine, portals.add(app) + url)).kind == "not_a_listing"


@pytest.mark.slow
def test_an_answer_that_does_not_come(portals: PortalServer):
    watched = portal(
        "laibcatalog",
        portals.add(Faults("slow").on(LaibcatalogReplica({}).app)),
        timeout=1.0,
    )
    assert error_of(watched).kind == "timeout"


def test_a_portal_that_is_not_there():
    error = error_of(portal("laibcatalog", "http://127.0.0.1:9"))
    assert error.kind == "unreachable"
    assert str(error).endswith(": no connection to 127.0.0.1:9: Connection refused")
    assert error_of(portal("cerberus_ftp", "ftp://127.0.0.1:9")).kind == "unreachable"


def test_a_portal_that_speaks_no_tls(portals: PortalServer):
    address = portals.add(LaibcatalogReplica({}).app).replace("http:", "https:")
    error = error_of(portal("laibcatalog", address))
    assert error.kind == "tls"
    assert "SSL" in str(error)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://elsewhere.example/x", "not one of the portal's hosts"),
        ("ftp://127.0.0.1/x", "not one of the portal's hosts"),
        ("/again", "more than 10 redirects"),
        ("http://[bad", "no address"),
    ],
)
def test_redirects_stay_on_the_portal_s_hosts(portals: PortalServer, location: str, words: str):
    faults = Faults("redirect", headers={"Location": location})
    error = error_of(laibcatalog(portals, faults))
    assert error.kind == "redirect_refused"
    assert words in str(error)


def test_a_redirect_to_a_host_that_is_allowed(portals: PortalServer):
    target = portals.add(LaibcatalogReplica({"7290000000001": SHELF}).app).replace("127.0.0.1", "localhost")
    location = f"{target}/webapi/api/getfiles?edi=7290000000001"
    moved = portals.add(Faults("redirect", headers={"Location": location}).on(web.Application()))
    assert len(listed(portal("laibcatalog", moved, hosts=("localhost",)))) == 50


def test_a_certificate_that_does_not_verify(portals: PortalServer, tmp_path: Path):
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    address = portals.add(LaibcatalogReplica({"7290000000001": SHELF}).app, tls=context)
    assert error_of(portal("laibcatalog", address)).kind == "tls"
    assert len(listed(portal("laibcatalog", address, ca_file=str(tmp_path / "ca.pem")))) == 50
    assert len(listed(portal("laibcatalog", address, verify_tls=False))) == 50
    assert error_of(portal("laibcatalog", address, ca_file=str(tmp_path / "none.pem"))).kind == "settings"


def test_an_intermediate_certificate_may_be_what_is_trusted(portals: PortalServer, tmp_path: Path):
    """Some portals do not send theirs."""
    child = trustme.CA().create_child_ca()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    leaf = child.issue_cert("127.0.0.1")
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "leaf.pem")
    context.load_cert_chain(tmp_path / "leaf.pem", tmp_path / "key.pem")
    child.cert_pem.write_to_path(tmp_path / "intermediate.pem")
    address = portals.add(LaibcatalogReplica({"7290000000001": SHELF}).app, tls=context)
    assert error_of(portal("laibcatalog", address)).kind == "tls"
    assert len(listed(portal("laibcatalog", address, ca_file=str(tmp_path / "intermediate.pem")))) == 50


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_an_address_that_is_not_public_is_refused_unless_allowed(
    portals: PortalServer, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """The setting fetch_hosts allows it; the tests' other portals are allowed so."""
    address = portals.add(LaibcatalogReplica({"7290000000001": SHELF}).app).replace("127.0.0.1", name)
    assert len(listed(portal("laibcatalog", address))) == 50
    with ftp_server({"anonymous": ("", tmp_path)}) as port:
        assert listed(portal("directory_index", f"ftp://{name}:{port}")) == []
        monkeypatch.setattr("tests.discovery.conftest.ALLOWED", AllowedHosts())
        for watched in (portal("laibcatalog", address), portal("directory_index", f"ftp://{name}:{port}")):
            error = error_of(watched)
            assert error.kind == "address_refused"
            assert "fetch_hosts" in str(error)


def test_a_listing_that_is_too_large(portals: PortalServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client_module, "MAX_BODY_BYTES", 1000)
    assert error_of(laibcatalog(portals, Faults())).kind == "too_large"


def test_a_listing_of_too_many_pages(portals: PortalServer):
    address = portals.add(ShufersalReplica(SHELF).app)
    watched = portal("paged_html", f"{address}/FileObject/UpdateCategory", max_pages=2)
    assert error_of(watched).kind == "listing_cut"


def test_what_was_listed_before_the_fault_counts(portals: PortalServer):
    watched = shufersal(portals, Faults("status", path="page=3"))
    found: list[ListedFile] = []

    async def work() -> None:
        async with client_of(watched) as client:
            async for file in ENGINES["paged_html"](watched, client):
                found.append(file)

    with pytest.raises(ListingError):
        asyncio.run(work())
    assert len(found) == 40


def test_a_secret_that_is_missing_is_named(portals: PortalServer, monkeypatch: pytest.MonkeyPatch):
    from gogobe.secrets import Secret

    monkeypatch.delenv("GOGOBE_NOT_SET", raising=False)
    password = Secret("secret://env/GOGOBE_NOT_SET")
    address = portals.add(CerberusReplica({"u": ("p", SHELF)}).app)
    for watched in (
        portal("cerberus_web", address, user="u", password=password),
        portal("laibcatalog", address, proxy=password),
        portal("cerberus_ftp", "ftp://127.0.0.1:9", password=password),
    ):
        error = error_of(watched)
        assert error.kind == "settings"
        assert "GOGOBE_NOT_SET" in str(error)
