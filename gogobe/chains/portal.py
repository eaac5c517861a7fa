"""The settings of a chain's portal: its address, the form of its listing, and when and how often to request
it."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Final, Literal, get_args
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from gogobe.chains.hours import Hours
from gogobe.records.addresses import public_address
from gogobe.secrets import Secret

Engine = Literal[
    "bina",
    "cerberus_ftp",
    "cerberus_web",
    "directory_index",
    "html_links",
    "laibcatalog",
    "meshnat_yosef",
    "netiv_hesed",
    "paged_html",
    "publishprice",
    "wolt",
]
ENGINES: Final[tuple[str, ...]] = get_args(Engine)
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_SCHEMES: Final = ("http", "https", "ftp", "ftps")


def _means(text: str, at_least: float | None = None) -> msgspec.Meta:
    return msgspec.Meta(description=text, ge=at_least)


class PageLayout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The places of files in an HTML listing, as CSS selectors. All except `row` apply within a row."""

    row: Annotated[str, _means("CSS selector of the element that holds one file")] = "tr"
    link: Annotated[str, _means("CSS selector of the link to the file, within the row")] = "a[href]"
    name: Annotated[str, _means("CSS selector of the file's name; empty: the last part of its address")] = ""
    size: Annotated[str, _means("CSS selector of the size, as in 562.8 KB")] = ""
    modified: Annotated[str, _means("CSS selector of the time")] = ""
    modified_format: Annotated[str, _means("how the time is written, as in %d/%m/%Y %H:%M")] = ""
    container: Annotated[
        str, _means("CSS selector of an element that every listing has, also an empty one")
    ] = ""
    page: Annotated[str, _means("name of the query parameter that counts pages from 1")] = "page"
    newest_first: Annotated[bool, _means("whether the newest files are on the first page")] = False


class PortalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one portal. The description of a field is part of the message of an error in it."""

    engine: Annotated[Engine, _means(f"how its listing is read: {', '.join(ENGINES)}")]
    url: Annotated[str, _means("its listing's address: http, https, ftp or ftps, without user or password")]
    user: Annotated[str, _means("the user's name for a login")] = ""
    password: Annotated[Secret | None, _means("its password: secret://env/NAME or secret://file/PATH")] = None
    rate: Annotated[float, msgspec.Meta(gt=0, description="requests a second to its host, at most")] = 2.0
    concurrency: Annotated[int, _means("requests at once to its host, at most", 1)] = 2
    headers: Annotated[dict[str, str], _means("headers of every request, as { User-Agent = … }")] = {}
    proxy: Annotated[Secret | None, _means("address of an HTTP proxy, with its password if it has one")] = None
    timezone: Annotated[str, _means("its local time, as in Asia/Jerusalem")] = "Asia/Jerusalem"
    quiet: Annotated[tuple[str, ...], _means("hours in which it is not asked, as in sat 00:00-24:00")] = ()
    full: Annotated[tuple[str, ...], _means("hours in which full files come: it is asked every full_every")] = (
        "03:00-08:00",
    )
    night: Annotated[tuple[str, ...], _means("hours with few new files: it is asked every night_every")] = (
        "22:00-03:00",
    )
    every: Annotated[float, _means("seconds between two listings", 1)] = 300.0
    full_every: Annotated[float, _means("seconds between two listings when full files come", 1)] = 90.0
    night_every: Annotated[float, _means("seconds between two listings at night", 1)] = 1200.0
    hosts: Annotated[tuple[str, ...], _means("hosts of files and redirects, besides its own")] = ()
    verify_tls: Annotated[bool, _means("whether its certificate is checked")] = True
    ca_file: Annotated[str, _means("PEM file of the certificates it is checked against")] = ""
    timeout: Annotated[float, _means("seconds without an answer after which a request is given up", 1)] = 60.0
    max_pages: Annotated[int, _means("requests for one listing, at most", 1)] = 2000
    days: Annotated[int, _means("days whose pages are read, where a page is a day's: 1 is today's only", 1)] = 2
    depth: Annotated[int, _means("how many folders deep a directory index is followed", 0)] = 0
    match: Annotated[str, _means("regular expression that a file's name contains; others are ignored")] = (
        r"(?i)price|promo|store"
    )
    signature: Annotated[
        tuple[str, ...], _means("query parameters that sign its links, besides the usual")
    ] = ()
    html: Annotated[PageLayout, _means("where an HTML listing keeps its files: a table of CSS selectors")] = (
        PageLayout()
    )

    def __post_init__(self) -> None:
        """Checks what types cannot express. Raises ValueError; its message begins with the field."""
        _check_url(self.url)
        if "{day" in self.url:
            try:
                self.url.format(day=date.min)
            except (LookupError, ValueError, AttributeError) as error:
                raise ValueError(f"url: the day is written as in {{day:%Y-%m-%d}}: {error}") from error
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"timezone: {self.timezone!r} is no time zone, as in Asia/Jerusalem") from error
        for name in ("quiet", "full", "night"):
            for text in getattr(self, name):
                try:
                    Hours.parse(text)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from error
        for header, value in self.headers.items():
            if not _HEADER_NAME.fullmatch(header) or _CONTROL.search(value):
                raise ValueError(f"headers: {header!r} is no header that HTTP can carry")
        for name in ("password", "proxy"):
            secret: Secret | None = getattr(self, name)
            if secret is not None and secret.reference is None:
                raise ValueError(f"{name}: this file holds no secrets: name its place, as in secret://env/NAME")
        try:
            re.compile(self.match)
        except re.error as error:
            raise ValueError(f"match: {self.match!r} is no regular expression: {error}") from error

    @property
    def host(self) -> str:
        """The host of the portal's address, in lower case."""
        return urlsplit(self.url).hostname or ""

    @property
    def all_hosts(self) -> frozenset[str]:
        """The allowed hosts of the portal's files and redirects, in lower case."""
        return frozenset({self.host, *(host.lower() for host in self.hosts)})

    def address_of(self, url: str) -> str:
        """The address of a file in the form that is stored: without credentials, signature and fragment."""
        address = public_address(url).partition("#")[0]
        if not self.signature or "?" not in address:
            return address
        signing = {name.lower() for name in self.signature}
        path, _, query = address.partition("?")
        kept = [pair for pair in query.split("&") if unquote(pair.partition("=")[0]).lower() not in signing]
        return f"{path}?{'&'.join(kept)}" if kept else path


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError as error:
        raise ValueError(f"url: {error}") from error
    if parts.scheme not in _SCHEMES or not parts.hostname or not port_is_valid:
        raise ValueError(f"url: not an address with one of the schemes {', '.join(_SCHEMES)} and a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("url: an address holds no user and no password: use the fields user and password")
