"""Every engine lists exactly what its replica holds, with addresses from which it can be fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import trustme

from gogobe.chains.portal import PageLayout
from gogobe.demo.portals.bina import BinaReplica
from gogobe.demo.portals.cerberus import CerberusReplica
from gogobe.demo.portals.directory_index import directory_index_replica
from gogobe.demo.portals.laibcatalog import LaibcatalogReplica
from gogobe.demo.portals.publishprice import publishprice_replica
from gogobe.demo.portals.server import PortalServer
from gogobe.demo.portals.shelf import Shelf, ShelfFile
from gogobe.demo.portals.shufersal import ShufersalReplica
from gogobe.discovery.listing import ListedFile, ListingError, NotModified
from gogobe.discovery.portal import Portal
from gogobe.secrets import Secret
from tests.discovery.conftest import NOW, client_of, files, list_with, listed, portal
from tests.portals import pages
from tests.portals.ftp import ftp_server

SHELF = Shelf.of(files(30))
EARLIER = Shelf.of(files(3, kind="Price"))
NAMES = sorted(SHELF.files)
MakeSecret = Callable[[str], Secret]


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Secret]:
    """A secret with that value, in the environment."""

    def made(value: str) -> Secret:
        monkeypatch.setenv("GOGOBE_TEST_PASSWORD", value)
        return Secret("secret://env/GOGOBE_TEST_PASSWORD")

    return made


def names(found: list[ListedFile]) -> list[str]:
    return sorted(file.file_name for file in found)


def shufersal(server: PortalServer, shelf: Shelf) -> Portal:
    return shufersal_at(server, ShufersalReplica(shelf))


def shufersal_at(server: PortalServer, replica: ShufersalReplica, **layout: Any) -> Portal:
    address = server.add(replica.app)
    fields = {
        "row": "#gridContainer tbody tr", "name": "td:nth-child(7)", "size": "td:nth-child(3)",
        "modified": "td:nth-child(2)", "modified_format": "%m/%d/%Y %I:%M:%S %p",
        "container": "#gridContainer table",
    } | layout  # fmt: skip
    return portal("paged_html", f"{address}/FileObject/UpdateCategory?catID=0", html=PageLayout(**fields))


def cerberus(server: PortalServer, shelf: Shelf) -> Portal:
    address = server.add(CerberusReplica({"RamiLevi": ("", shelf)}).app)
    return portal("cerberus_web", address, user="RamiLevi")


def publishprice(server: PortalServer, shelf: Shelf) -> Portal:
    return portal("publishprice", server.add(publishprice_replica({"20260811": shelf}, "20260811")))


def laibcatalog(server: PortalServer, shelf: Shelf) -> Portal:
    return portal("laibcatalog", server.add(LaibcatalogReplica({"7290000000001": shelf}).app))


def html_links(server: PortalServer, shelf: Shelf) -> Portal:
    layout = PageLayout(row="#files tr", name="td.n", size="td:nth-child(2)", modified="td:nth-child(3)")
    return portal("html_links", server.add(pages.table(shelf)) + "/list", html=layout)


def bina(server: PortalServer, shelf: Shelf) -> Portal:
    return portal("bina", server.add(BinaReplica(shelf).app))


def netiv_hesed(server: PortalServer, shelf: Shelf) -> Portal:
    return portal("netiv_hesed", server.add(pages.netiv_hesed({"2026-08-11": shelf})))


def meshnat_yosef(server: PortalServer, shelf: Shelf) -> Portal:
    return portal("meshnat_yosef", server.add(pages.meshnat_yosef(shelf)))


def wolt(server: PortalServer, shelf: Shelf) -> Portal:
    return portal("wolt", server.add(pages.wolt({"2026-08-11": shelf})) + "/v1/index.html")


def directory(style: str) -> Callable[[PortalServer, Shelf], Portal]:
    def made(server: PortalServer, shelf: Shelf) -> Portal:
        return portal("directory_index", server.add(directory_index_replica(style, shelf)) + "/feeds")

    return made


WEB = {
    "shufersal": shufersal,
    "cerberus": cerberus,
    "publishprice": publishprice,
    "laibcatalog": laibcatalog,
    "html_links": html_links,
    "bina": bina,
    "netiv_hesed": netiv_hesed,
    "meshnat_yosef": meshnat_yosef,
    "wolt": wolt,
    "apache": directory("apache"),
    "nginx": directory("nginx"),
    "iis": directory("iis"),
}


@pytest.mark.parametrize("kind", WEB)
def test_an_engine_lists_what_the_portal_holds(portals: PortalServer, kind: str):
    found = listed(WEB[kind](portals, SHELF))
    stems = [name.removesuffix(".gz") for name in NAMES] if kind == "shufersal" else NAMES
    assert names(found) == stems


@pytest.mark.parametrize("kind", WEB)
def test_sizes_and_times_are_read(portals: PortalServer, kind: str):
    file = ShelfFile("PriceFull7290000000001-001-202608110600.gz", b"x" * 2048, NOW - timedelta(hours=3))
    (found,) = listed(WEB[kind](portals, Shelf.of([file])))
    assert found.size in {None, 2048} if kind in {"bina", "netiv_hesed", "meshnat_yosef", "wolt"} else 2048
    assert found.modified == (None if kind in {"netiv_hesed", "wolt"} else file.modified)


@pytest.mark.parametrize("kind", sorted(set(WEB) - {"cerberus", "bina"}))
def test_a_file_can_be_fetched_where_it_is_listed(portals: PortalServer, kind: str):
    found = listed(WEB[kind](portals, SHELF))
    one = found[7]
    name = one.file_name if one.file_name.endswith(".gz") else f"{one.file_name}.gz"
    assert requests.get(one.url, timeout=60).content == SHELF.files[name].body


@pytest.mark.parametrize("kind", sorted(set(WEB) - {"netiv_hesed", "wolt"}))
def test_an_empty_portal_is_an_empty_listing(portals: PortalServer, kind: str):
    assert listed(WEB[kind](portals, Shelf())) == []


def test_signed_links_are_unescaped_and_have_one_address(portals: PortalServer):
    watched = shufersal(portals, SHELF)
    first, second = listed(watched), listed(watched)
    assert all("&amp;" not in file.url and "sig=" in file.url for file in first)
    assert {file.url for file in first}.isdisjoint(file.url for file in second)
    addresses = [{watched.address_of(file.url) for file in found} for found in (first, second)]
    assert addresses[0] == addresses[1]
    assert len(addresses[0]) == 30
    assert all(urlsplit(address).query == "" for address in addresses[0])


def test_a_link_is_dead_after_its_time(portals: PortalServer):
    replica = ShufersalReplica(SHELF, signed_for=timedelta(seconds=-1))
    found = listed(shufersal_at(portals, replica))
    assert len(found) == 30
    assert requests.get(found[0].url, timeout=60).status_code == 403


def test_pages_are_read_to_the_last_and_no_further(portals: PortalServer):
    replica = ShufersalReplica(Shelf.of(files(230)))
    assert len(listed(shufersal_at(portals, replica))) == 230
    assert replica.pages_asked == list(range(1, 13))


def test_where_the_newest_come_first_known_pages_are_not_read(portals: PortalServer):
    replica = ShufersalReplica(Shelf.of(files(170)))
    watched = shufersal_at(portals, replica, newest_first=True)

    async def work() -> None:
        async with client_of(watched) as client:
            known = {watched.address_of(file.url) for file in await list_with(watched, client)}
            whole = [client.is_whole]
            client.known = lambda file: watched.address_of(file.url) in known
            replica.pages_asked.clear()
            replica.shelf.put(ShelfFile("PriceFull7290000000001-500-202608111000.gz", b"", NOW))
            found = await list_with(watched, client)
            assert len([file for file in found if not client.known(file)]) == 1
            assert [*whole, client.is_whole] == [True, False]

    asyncio.run(work())
    assert replica.pages_asked == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("per_type", [150, 1200])
def test_a_cut_listing_is_asked_for_in_parts(portals: PortalServer, per_type: int):
    """Every type together, or one of them alone, has more rows than a listing gives."""
    shelf = Shelf()
    for kind in ("Price", "Promo", "PriceFull", "PromoFull"):
        for number in range(per_type):
            store, minute = number % 12 + 1, number // 12
            name = f"{kind}7290000000001-{store:03d}-202608110{minute // 60}{minute % 60:02d}.gz"
            shelf.files[name] = ShelfFile(name, b"", NOW - timedelta(minutes=number % 300))
    replica = BinaReplica(shelf, cut_rows=1000 if per_type > 1000 else 200)
    found = listed_with_cut(portals, replica, 1000 if per_type > 1000 else 200)
    assert names(found) == sorted(shelf.files)


def listed_with_cut(server: PortalServer, replica: BinaReplica, cut: int) -> list[ListedFile]:
    from gogobe.discovery.engines import bina as engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "CUT_ROWS", cut)
        return listed(portal("bina", server.add(replica.app)))


def test_a_store_that_is_cut_by_itself_is_an_error(portals: PortalServer):
    shelf = Shelf.of(
        ShelfFile(f"Price7290000000001-001-2026081106{n // 60:02d}{n % 60:02d}.gz", b"", NOW)
        for n in range(1500)
    )
    with pytest.raises(ListingError, match="store 001 alone") as caught:
        listed(portal("bina", portals.add(BinaReplica(shelf).app)))
    assert caught.value.kind == "listing_cut"


def test_the_day_before_is_read_too(portals: PortalServer):
    old = ShelfFile("Price7290000000001-009-202608102355.gz", b"", NOW - timedelta(hours=12, minutes=5))
    shelf = Shelf.of([*SHELF, old])
    assert old.name in names(listed(bina(portals, shelf)))
    days = {"2026-08-10": Shelf.of([old]), "2026-08-11": SHELF, "2026-08-09": EARLIER}
    assert names(listed(portal("netiv_hesed", portals.add(pages.netiv_hesed(days))))) == sorted(
        [*NAMES, old.name]
    )
    address = portals.add(pages.wolt(days)) + "/v1/index.html"
    assert names(listed(portal("wolt", address))) == sorted([*NAMES, old.name])
    dense = {day.replace("-", ""): shelf for day, shelf in days.items()}
    address = portals.add(publishprice_replica(dense, "20260811"))
    assert names(listed(portal("publishprice", address))) == sorted([*NAMES, old.name])


def test_cerberus_asks_anew_for_a_session_that_has_ended(portals: PortalServer, secret: MakeSecret):
    replica = CerberusReplica({"u": ("p", SHELF)})
    watched = portal("cerberus_web", portals.add(replica.app), user="u", password=secret("p"))

    async def work() -> None:
        async with client_of(watched) as client:
            assert len(await list_with(watched, client)) == 30
            assert len(await list_with(watched, client)) == 30
            assert replica.logins == 1
            replica.end_sessions()
            assert len(await list_with(watched, client)) == 30
            assert replica.logins == 2

    asyncio.run(work())


def test_cerberus_with_a_wrong_password(portals: PortalServer, secret: MakeSecret):
    address = portals.add(CerberusReplica({"u": ("p", SHELF)}).app)
    with pytest.raises(ListingError, match="'u' was refused") as caught:
        listed(portal("cerberus_web", address, user="u", password=secret("wrong")))
    assert caught.value.kind == "login_failed"
    assert "wrong" not in str(caught.value)


def test_cerberus_in_a_folder(portals: PortalServer):
    address = portals.add(CerberusReplica({"yuda_ho": ("", SHELF)}, folder="/Yuda").app)
    found = listed(portal("cerberus_web", f"{address}/Yuda", user="yuda_ho"))
    assert names(found) == NAMES
    assert found[0].url == f"{address}/file/d/Yuda/{found[0].file_name}"


def test_laibcatalog_asks_for_each_id_and_may_be_empty(portals: PortalServer):
    shelves = {"7290000000001": SHELF, "7290000000002": EARLIER}
    replica = LaibcatalogReplica(shelves)
    watched = portal("laibcatalog", portals.add(replica.app), chain_ids=tuple(shelves))
    assert names(listed(watched)) == sorted([*NAMES, *EARLIER.files])
    replica.is_quiet = True
    assert listed(watched) == []


def test_a_listing_that_has_not_changed_is_not_sent_again(portals: PortalServer):
    shelf = Shelf.of(files(3))
    watched = portal("meshnat_yosef", portals.add(pages.meshnat_yosef(shelf)))

    async def work() -> None:
        async with client_of(watched) as client:
            assert len(await list_with(watched, client)) == 3
            with pytest.raises(NotModified):
                await list_with(watched, client)
            with pytest.raises(NotModified):
                await list_with(watched, client)
            shelf.put(ShelfFile("PriceFull7290000000001-077-202608111000.gz"))
            assert len(await list_with(watched, client)) == 4
            client.forget()
            assert len(await list_with(watched, client)) == 4

    asyncio.run(work())


def test_a_directory_is_followed_as_deep_as_is_said(portals: PortalServer):
    address = portals.add(directory_index_replica("nginx", SHELF, {"20260810": EARLIER})) + "/feeds"
    assert names(listed(portal("directory_index", address))) == NAMES
    deep = listed(portal("directory_index", address, depth=1))
    assert names(deep) == sorted([*NAMES, *EARLIER.files])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "feeds"
    made.mkdir()
    for file in SHELF:
        (made / file.name).write_bytes(file.body)
    (made / "Yuda").mkdir()
    (made / "Yuda" / "Price7290000000001-007-202608110600.gz").write_bytes(b"12345")
    return made


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def certificate(authority: trustme.CA, folder: Path, name: str = "127.0.0.1") -> Path:
    file = folder / "server.pem"
    authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(file)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return file


@pytest.mark.parametrize("engine", ["cerberus_ftp", "directory_index"])
def test_ftp_with_explicit_tls(
    engine: str, authority: trustme.CA, folder: Path, tmp_path: Path, secret: MakeSecret
):
    users = {"RamiLevi": ("secret", folder)}
    with ftp_server(users, certificate=certificate(authority, tmp_path), masquerade="10.1.2.3") as port:
        settings = {"user": "RamiLevi", "password": secret("secret"), "ca_file": str(tmp_path / "ca.pem")}
        found = listed(portal(engine, f"ftps://127.0.0.1:{port}", **settings))
        assert names(found) == NAMES
        assert {file.size for file in found} == {len(file.body) for file in SHELF}
        assert all(file.modified for file in found)
        assert found[0].url == f"ftps://127.0.0.1:{port}/{found[0].file_name}"
        below = listed(portal(engine, f"ftps://127.0.0.1:{port}/Yuda", **settings))
        assert [(file.url, file.size) for file in below] == [
            (f"ftps://127.0.0.1:{port}/Yuda/Price7290000000001-007-202608110600.gz", 5)
        ]


def test_plain_ftp_and_folders_below(folder: Path):
    with ftp_server({"anonymous": ("", folder)}) as port:
        found = listed(portal("directory_index", f"ftp://127.0.0.1:{port}", depth=1))
        assert len(found) == 31


def test_an_ftp_server_without_mlsd(folder: Path):
    with ftp_server({"u": ("", folder)}, without=("MLSD", "MLST")) as port:
        found = listed(portal("cerberus_ftp", f"ftp://127.0.0.1:{port}", user="u"))
        assert names(found) == NAMES
        assert {file.size for file in found} == {len(file.body) for file in SHELF}


def test_ftp_with_a_certificate_that_does_not_verify(authority: trustme.CA, folder: Path, tmp_path: Path):
    with ftp_server({"u": ("", folder)}, certificate=certificate(authority, tmp_path)) as port:
        address = f"ftps://127.0.0.1:{port}"
        with pytest.raises(ListingError) as caught:
            listed(portal("cerberus_ftp", address, user="u"))
        assert caught.value.kind == "tls"
        assert len(listed(portal("cerberus_ftp", address, user="u", verify_tls=False))) == 30


@pytest.mark.parametrize(
    ("url", "user", "kind"),
    [("ftps://127.0.0.1:{port}", "wrong", "login_failed"), ("ftps://127.0.0.1:{port}/none", "u", "not_found")],
)
def test_ftp_refuses(authority: trustme.CA, folder: Path, tmp_path: Path, url: str, user: str, kind: str):
    with ftp_server({"u": ("", folder)}, certificate=certificate(authority, tmp_path)) as port:
        with pytest.raises(ListingError) as caught:
            listed(portal("cerberus_ftp", url.format(port=port), user=user, verify_tls=False))
        assert caught.value.kind == kind
