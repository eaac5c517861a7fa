"""The answer to one HTTP request of an engine, and its body as text, JSON or HTML."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from lxml import etree, html

from gogobe.discovery.listing import ListingError

# A larger document is parsed in a thread, so that it does not hold up the other portals.
LARGE_BYTES: Final = 1 << 18


@dataclass(frozen=True)
class Page:
    """An answer: the address after all redirects, and the whole body, decompressed."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    charset: str | None = None

    def json(self) -> Any:
        """The body as JSON. Raises ListingError for anything else: a login page, for example."""
        try:
            return msgspec.json.decode(self.body.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.DecodeError, RecursionError) as error:
            raise ListingError("not_a_listing", f"{self.url}: expected JSON: {error}") from error

    def text(self) -> str:
        """The body as text; bytes that are invalid in its encoding become U+FFFD."""
        try:
            return self.body.decode(self.charset or "utf-8", "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    async def document(self) -> html.HtmlElement:
        """The body as an HTML document. Raises ListingError if it cannot be parsed as one."""
        if len(self.body) < LARGE_BYTES:
            return self._parse_html()
        return await asyncio.to_thread(self._parse_html)

    def _parse_html(self) -> html.HtmlElement:
        try:
            parser = html.HTMLParser(encoding=self.charset)
        except LookupError:
            parser = html.HTMLParser()
        try:
            return html.document_fromstring(self.body, parser=parser)
        except (etree.ParserError, etree.XMLSyntaxError) as error:
            raise ListingError("not_a_listing", f"{self.url}: expected an HTML page: {error}") from error
