"""Input that means harm: nothing is expanded or fetched, and every bound has its reason."""

import gzip
import io
import socket

import pytest

from gogobe.feeds.problems import Limits
from gogobe.feeds.reader import FeedReader
from tests.feeds.documents import HEAD, PRICE_NAME, item, price_feed, read

BODY = price_feed(item("&a;"))


@pytest.mark.parametrize(
    ("what", "feed"),
    [
        ("an entity", f'<!DOCTYPE Root [<!ENTITY a "7">]>{BODY}'),
        ("a billion laughs", "<!DOCTYPE Root [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)) + f"<!ENTITY a '&a9;'>]>{BODY}"),
        ("a quadratic blow-up", f"<!DOCTYPE Root [<!ENTITY a '{'x' * 3000}'>]>" + price_feed(item("&a;" * 1000))),
        ("a file", f'<?xml version="1.0"?><!DOCTYPE Root [<!ENTITY a SYSTEM "file:///etc/passwd">]>{BODY}'),
        ("an address", f'<!DOCTYPE Root [<!ENTITY a SYSTEM "http://127.0.0.1:9/x">]>{BODY}'),
        ("a DTD elsewhere", f'<!DOCTYPE Root SYSTEM "http://127.0.0.1:9/x.dtd">{BODY}'),
        ("a public DTD", f'<!DOCTYPE Root PUBLIC "-//x//y" "http://127.0.0.1:9/x.dtd">{BODY}'),
        ("a parameter entity", f'<!DOCTYPE Root [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x"> %a;]>{BODY}'),
        ("a DTD in UTF-16", f'<!DOCTYPE Root [<!ENTITY a "7">]>{BODY}'.encode("utf-16")),
        ("a DTD behind much else", "<!--" + "x" * 100_000 + f'--><!DOCTYPE Root [<!ENTITY a "7">]>{BODY}'),
    ],
)  # fmt: skip
def test_a_document_type_is_refused_and_nothing_is_fetched(what, feed, monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    found = read(feed)
    assert (found.rows, found.codes, found.summary.complete) == ([], ["dtd"], False), what


def test_a_file_that_unpacks_to_too_much():
    rows = [item(str(code)) for code in range(20_000)]
    found = read(gzip.compress(price_feed(*rows).encode()), limits=Limits(max_bytes=500_000))
    assert (found.codes, found.summary.complete) == (["too_large"], False)
    assert 5000 < len(found.rows) < 10_000


def test_a_file_that_unpacks_to_far_more_than_a_feed_does():
    bomb = gzip.compress(price_feed(item() * 50_000).encode())
    found = read(bomb, limits=Limits(ratio_from=1_000_000))
    assert (found.codes, found.summary.complete) == (["ratio"], False)
    assert len(found.rows) > 10_000


class Endless(io.BytesIO):
    """A gzip of one feed's begin and then of the same bytes without end; counts what was read of it."""

    def __init__(self, begin: str, more: bytes) -> None:
        super().__init__()
        self._begin, self._more = gzip.compress(begin.encode()), gzip.compress(more * 1000)
        self._place = 0

    def seek(self, offset: int, whence: int = 0, /) -> int:
        size = 1 << 40
        self._place = {0: 0, 1: self._place, 2: size}[whence] + offset
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size > 0
        found = self._begin[self._place :][:size]
        if not found:
            found = self._more[(self._place - len(self._begin)) % len(self._more) :][:size]
        self._place += len(found)
        return found


@pytest.mark.parametrize(
    ("what", "begin", "more", "code"),
    [
        ("blanks", f"<Root>{HEAD}<Items>{item()}", b" " * 999, "text_too_long"),
        ("text", f"<Root>{HEAD}<Items>{item()}<Item><ItemName>", b"x" * 999, "text_too_long"),
        ("text before a row", f"<Root>{HEAD}<Items>", b"x" * 999, "unknown_layout"),
        ("elements that are no rows", f"<Root>{HEAD}<Items>{item()}", b"<a/>" * 99, "row_too_long"),
        ("elements before a row", f"<Root>{HEAD}<Items>", b"<a/>" * 99, "unknown_layout"),
        ("a row of elements", f"<Root>{HEAD}<Items>{item()}<Item>", b"<a>1</a>" * 99, "row_too_long"),
        ("comments", f"<Root>{HEAD}<Items>{item()}", b"<!-- a -->" * 99, "row_too_long"),
        ("one comment", f"<Root>{HEAD}<Items>{item()}<!--", b"a " * 99, "text_too_long"),
        ("one tag", f"<Root>{HEAD}<Items>{item()}<Item ", b"a " * 99, "text_too_long"),
        ("attributes", f"<Root>{HEAD}<Items>{item()}<Item a='", b"a " * 99, "text_too_long"),
        ("depth", f"<Root>{HEAD}<Items>{item()}", b"<a>" * 99, ("too_deep", "row_too_long")),
        ("depth before a row", f"<Root>{HEAD}", b"<a>" * 99, "too_deep"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("fast", [True, False])
def test_what_never_ends_is_ended(what, begin, more, code, fast):
    source = Endless(begin, more)
    reader = FeedReader(source, PRICE_NAME, Limits(max_text=200_000, max_row=2_000_000), fast=fast)
    rows = sum(len(block.rows) for block in reader)
    (problem,) = reader.summary.problems
    assert problem.code in code, what
    assert rows == begin.count("</Item>")
    assert source.tell() < 1_000_000


@pytest.mark.parametrize("length", [150_000, 300_000])
@pytest.mark.parametrize("place", [0, 5, 1500])
def test_a_text_may_be_long_but_not_too_long(length, place):
    rows = [item(str(code)) for code in range(2000)]
    rows.insert(place, item("long", Unknown="x" * length))
    found = read(price_feed(*rows), limits=Limits(max_text=200_000))
    if length < 200_000:
        assert (len(found.rows), found.codes) == (2001, ["unknown_elements"])
    else:
        assert (len(found.rows), found.codes) == (place, ["text_too_long"])


def test_refused_rows_are_kept_up_to_a_bound():
    rows = [item("1"), *["<Item/>"] * 100_000]
    found = read(price_feed(*rows), limits=Limits(max_refused=20_000))
    assert (len(found.rows), found.codes, found.summary.complete) == (1, ["too_many_refused"], False)
    assert found.summary.refused == len(found.refused) == 20_000
    assert found.summary.read == 20_001


@pytest.mark.parametrize("depth", [200, 300])
def test_depth_is_bounded(depth):
    found = read(price_feed(item("1"), f"<Item>{'<a>' * depth}{'</a>' * depth}</Item>", item("3")))
    assert found.codes == (["unknown_elements"] if depth < 256 else ["too_deep"])
    assert found.rows[0].item_code == "1"
