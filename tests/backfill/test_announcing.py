"""Announcements are checked before anything is published, and refused in plain words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.backfill.announcing import (
    AnnouncementError,
    Announcer,
    check_address,
    is_address,
    no_such_chain,
    note_on_host,
)
from gogobe.backfill.sources import find_sources
from gogobe.chains.load import load_chains
from gogobe.io.networks import AllowedHosts
from gogobe.io.objects import ObjectStore
from gogobe.records.messages import FileDiscovered, decoder, encode
from tests.database.samples import at

CHAINS = load_chains()
SHUFERSAL = "Price7290027600007-001-202508070300.gz"
URL = f"https://prices.shufersal.co.il/{SHUFERSAL}"


def announcer(chain: str = "", *, unlisted: bool = False) -> Announcer:
    return Announcer(CHAINS, at(0), chain, unlisted)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://portal.example/x.gz", "ftp:// is not downloaded"),
        ("htps://portal.example/x.gz", "htps:// is not downloaded"),
        ("https:///x.gz", "has no host"),
        ("https://:80/x.gz", "has no host"),
        ("https://portal.example:99999/x.gz", "port is not a number from 1 to 65535"),
        ("https://portal.example:0/x.gz", "port is not a number from 1 to 65535"),
        ("https://portal.example:a/x.gz", "port is not a number from 1 to 65535"),
        ("https://por tal.example/x.gz", "has a blank in it: in an address a blank is written %20"),
        ("https://portal.example/x.gz\n", "has a control character (code 10)"),
        ("https://portal.example/\x1b[31m.gz", "has a control character (code 27)"),
        ("https://portal..example/x.gz", "is no host's name"),
        ("https://-portal.example/x.gz", "is no host's name"),
        (f"https://{'a' * 64}.example/x.gz", "is no host's name"),
        ("https://[::1/x.gz", "is no address"),
        ("https://portal.example", "names a host and no file on it"),
        ("https://portal.example/", "names a host and no file on it"),
        (f"https://portal.example/{'a' * 2100}", "at most 2,048"),
        (
            "https://user:S3cret@portal.example/x.gz",
            "`user` and `password` of its [[chains.KEY.portals]] table",
        ),
    ],
)
def test_what_is_wrong_with_an_address_is_said_in_words(url: str, said: str):
    with pytest.raises(AnnouncementError) as error:
        check_address(url)
    assert said in str(error.value)
    for hidden in ("S3cret", "\x1b", "regex", "pattern"):
        assert hidden not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "HTTPS://Portal.example:8443/a/b?file=Price.gz",
        "http://127.0.0.1:8080/x.gz",
        "http://[::1]:8080/x.gz",
        "https://xn--4dbdcaqatd9b.example/x.gz",
        "https://מחירים.example/x.gz",
        "https://under_score.example/?id=7",
        "https://portal.example./x.gz",
    ],
)
def test_a_good_address_passes(url: str):
    check_address(url)


@given(st.text(max_size=60), st.sampled_from(["https://", "http://", "", "ftp://"]))
def test_an_address_is_refused_or_can_be_announced(rest: str, scheme: str):
    url = scheme + rest
    try:
        check_address(url)
    except AnnouncementError:
        return
    message = FileDiscovered("shufersal", url, at(0))
    assert decoder(FileDiscovered).decode(encode(message)) == message


@pytest.mark.parametrize(
    ("text", "address"),
    [(URL, True), ("ftp://a/b", True), ("/home/x.gz", False), ("s3://b/k", False), ("gs://b/k", False),
     ("file:///x.gz", False), ("x.gz", False), ("portal.example/x.gz", False)],
)  # fmt: skip
def test_addresses_are_distinguished_from_paths(text: str, address: bool):
    assert is_address(text) is address


def test_a_host_in_numbers_that_is_not_public_gets_a_note():
    no_host, all_local = AllowedHosts(), AllowedHosts.parse("127.0.0.1")
    note = note_on_host("http://127.0.0.1:8080/x.gz", no_host)
    assert note is not None
    assert "`fetch_hosts`" in note
    assert note_on_host("http://127.0.0.1:8080/x.gz", all_local) is None
    assert note_on_host("http://[::1]/x.gz", no_host) is not None
    assert note_on_host("https://portal.example/x.gz", no_host) is None
    assert note_on_host("https://8.8.8.8/x.gz", no_host) is None


def test_the_chain_is_that_of_the_chain_id_in_the_name():
    assert announcer().of_address(URL).chain == "shufersal"
    assert announcer("Shufersal").of_address(URL).chain == "shufersal"
    assert announcer("rami-levy").of_address("https://p.example/x.gz").chain == "rami_levy"


@pytest.mark.parametrize(
    ("chain", "url", "said"),
    [
        ("", "https://p.example/prices.gz", "neither its name nor its content carries a ChainId: give --chain"),
        ("", "https://p.example/Price7299999999999-001-202508070300.gz", "no chain lists it: give --chain"),
        ("shufresal", URL, "did you mean shufersal"),
        ("zzz", URL, "`gogobe chains` shows all, --unlisted takes it"),
        ("../x", URL, "a chain's name has 1 to 63 letters, digits"),
        ("rami_levy", URL, "carries ChainId 7290027600007, which is shufersal's"),
    ],
)
def test_a_chain_that_does_not_fit_is_refused(chain: str, url: str, said: str):
    with pytest.raises(AnnouncementError) as error:
        announcer(chain).of_address(url)
    assert said in str(error.value)


def test_an_unlisted_chain_is_taken_when_asked_for_but_not_with_another_s_id():
    taken = announcer("corner_shop", unlisted=True)
    assert taken.of_address("https://p.example/x.gz").chain == "corner_shop"
    with pytest.raises(AnnouncementError, match="of shufersal"):
        taken.of_address(URL)


def test_the_nearest_names_are_shown():
    assert "did you mean rami_levy?" in no_such_chain(CHAINS, "rami_levi")


def feed(tmp_path: Path, chain_id: str, name: str = SHUFERSAL) -> Path:
    rows = "<Items><Item><ItemCode>1</ItemCode><ItemName>a</ItemName><ItemPrice>1</ItemPrice></Item></Items>"
    (tmp_path / name).write_text(f"<Root><ChainId>{chain_id}</ChainId><StoreId>1</StoreId>{rows}</Root>")
    return tmp_path / name


def of_file(path: Path, store: ObjectStore, chain: str = "") -> FileDiscovered:
    (source,) = find_sources([str(path)]).sources
    return announcer(chain).of_file(source, path, store)


@pytest.mark.parametrize("name", [SHUFERSAL, "prices.xml"])
def test_a_local_file_is_stored_and_announced_as_such(tmp_path: Path, name: str):
    store = ObjectStore(str(tmp_path / "store"))
    path = feed(tmp_path, "7290027600007", name)
    message = of_file(path, store)
    assert (message.chain, message.url, message.file_name) == ("shufersal", path.as_uri(), name)
    assert message.s3_path is not None
    with store.open(message.s3_path) as stored:
        assert stored.read() == path.read_bytes()


def test_a_local_file_whose_content_is_another_chain_s_is_refused_and_not_stored(tmp_path: Path):
    store = ObjectStore(str(tmp_path / "store"))
    with pytest.raises(AnnouncementError, match="the content carries ChainId 7290058140886"):
        of_file(feed(tmp_path, "7290058140886"), store)
    assert not (tmp_path / "store").exists()


def test_a_local_file_that_names_no_chain_needs_one(tmp_path: Path):
    store = ObjectStore(str(tmp_path / "store"))
    with pytest.raises(AnnouncementError, match="give --chain"):
        of_file(feed(tmp_path, "0", "prices.xml"), store)
    assert of_file(feed(tmp_path, "0", "prices.xml"), store, "shufersal").chain == "shufersal"
