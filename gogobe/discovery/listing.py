"""The result of a listing: files with their identity, or an error with a reason code."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Kind = Literal[
    "address_refused",
    "bad_link",
    "empty_listing",
    "forbidden",
    "http_status",
    "internal_error",
    "listing_cut",
    "login_failed",
    "not_a_listing",
    "not_found",
    "rate_limited",
    "redirect_refused",
    "server_error",
    "settings",
    "short_body",
    "timeout",
    "tls",
    "too_large",
    "unreachable",
]


class ListedFile(msgspec.Struct, frozen=True, gc=False):
    """A file as a portal lists it. `url` is its current address, including a signature; `size` (bytes, rounded
    by some portals), `modified` (aware) and `etag` are set if the listing has them."""

    url: str
    file_name: str
    size: int | None = None
    modified: datetime | None = None
    etag: str | None = None


class ListingError(Exception):
    """A listing that failed, at once or part way. `kind` is the reason code; `retry_after` are the seconds that
    the portal demands to wait."""

    def __init__(self, kind: Kind, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.retry_after = retry_after


def address_refused(host: str, refusal: str | None) -> ListingError:
    """The error for a host whose address may not be connected to; `refusal` is the reason."""
    return ListingError(
        "address_refused", f"{host}: {refusal}; the setting fetch_hosts lists what is allowed all the same"
    )


class NotModified(Exception):  # noqa: N818 (an answer, not an error)
    """The portal reports that its listing has not changed since the last complete one."""
