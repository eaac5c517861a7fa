"""The problem codes of a file with their sentences, and the bounds for hostile input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

PROBLEMS: Final[dict[str, str]] = {
    "truncated": "the file is cut short; all rows before the cut were read",
    "count_mismatch": "the file announces another number of rows than it holds",
    "no_rows": "the file holds no row that could be taken, and does not say that it is empty",
    "empty_pricefull": "a PriceFull that says it is empty, as no store is; its store's prices stay as they are",
    "unknown_layout": "no element of the file looks like a row of a known kind",
    "kind_differs": "the file holds another kind of rows than its name says; what it holds was read",
    "html_page": "an HTML page (a login, an expired link), not a feed",
    "not_a_feed": "neither XML, gzip nor zip",
    "bad_xml": "not well-formed XML from this place on; all rows before it were read",
    "bad_encoding": "bytes that are not in the file's encoding, read as U+FFFD; codes and names may be damaged",
    "bad_container": "the gzip or zip data is damaged; all rows before the damage were read",
    "control_characters": "characters that XML forbids; they were read as spaces and nothing is missing",
    "stray_ampersands": "an & that begins no reference; read literally, and nothing is missing",
    "unquoted_attributes": "values of attributes without quotes; read literally, and nothing is missing",
    "mojibake": "Hebrew that was decoded wrongly before it was encoded; it was read as it was meant",
    "nested_container": "gzip or zip data within gzip or zip data; the innermost was read",
    "unknown_name": "a name of no known pattern; its file counts as published when discovered",
    "implausible_names": "names that are nearly all empty, the same, or decoded wrongly",
    "implausible_descriptions": "descriptions that are nearly all empty, the same, or decoded wrongly",
    "implausible_ends": "promotions nearly none of which has an end",
    "implausible_prices": "promotions nearly none of which has a price or a discount",
    "implausible_price_level": "prices on another scale than the last ones of the store, such as agorot",
    "unreadable_times": "starts or ends of promotions in no known form of a time; they are left out",
    "too_large": "more decompressed bytes than are allowed",
    "ratio": "decompresses to far more than a feed does",
    "too_deep": "elements nested deeper than are allowed",
    "text_too_long": "a text longer than is allowed",
    "row_too_long": "more between the ends of two rows than is allowed",
    "too_many_refused": "more refused rows within one block of good ones than are allowed",
    "zip_members": "a zip archive that does not hold exactly one file",
    "zip_path": "a zip member whose name leads out of its folder",
    "zip_encrypted": "a zip member that is encrypted",
    "dtd": "a document type definition; feeds have none, and entities are not expanded",
    "no_chain": "neither the file nor its name has the chain",
    "chain_differs": "announcement, file name and content do not agree on the chain; no row was taken",
    "code_too_long": "an id above the rows is longer than any chain's; no row was taken",
    "future_date": "its name or its announcement carries a time that cannot be, as one after the download",
    "future_times": "rows carry times of updates or sales after the download; these times are left out",
    "unknown_elements": "elements of rows that no table knows; they were not read",
    "promotion_differs": "elements of one promotion say different things",
    "discount_unclear": "discount rates that may be percent or amounts; they are kept as published only",
}

# Problems that do not make a file incomplete.
NOTICES: Final = frozenset(
    {
        *("kind_differs", "control_characters", "stray_ampersands", "future_date", "future_times"),
        *("unknown_elements", "promotion_differs", "discount_unclear", "unquoted_attributes", "mojibake"),
        *("nested_container", "unknown_name", "implausible_names", "implausible_descriptions"),
        *("implausible_ends", "implausible_prices", "implausible_price_level"),
        "unreadable_times",
    }
)


class Problem(msgspec.Struct, frozen=True):
    """A problem of a file: a code of `PROBLEMS`, a sentence for people, and its position: the line of the
    text, from 1, or the byte offset, from 0. The offset is in the published file for a truncated or damaged
    container, and in the decompressed bytes for a wrong encoding."""

    code: str
    detail: str
    byte_offset: int | None = None
    line: int | None = None

    @property
    def place(self) -> str | None:
        """The position as text; None without one."""
        places = [("byte", self.byte_offset), ("line", self.line)]
        return ", ".join(f"{name} {number}" for name, number in places if number is not None) or None


class FeedError(Exception):
    """Ends the reading of a file; has the problem. It does not leave the reader."""

    def __init__(self, code: str, detail: str = "", *, byte_offset: int | None = None, line: int | None = None):
        self.problem = Problem(code, detail or PROBLEMS[code], byte_offset, line)
        super().__init__(self.problem.detail)


@dataclass(frozen=True)
class Limits:
    """Bounds for one file.

    `ratio` is the ratio of decompressed to compressed bytes, checked from `ratio_from` decompressed bytes on.
    `max_text` bounds one text, in characters; `max_row` the bytes between the ends of two rows, or of two
    items of a promotion; `max_items` the items of one promotion; `max_refused` the refused rows of one block,
    or of a feed of promotions. libxml2 itself bounds the depth, at 256.
    """

    max_bytes: int = 4 << 30
    ratio: int = 200
    ratio_from: int = 64 << 20
    max_text: int = 1 << 20
    max_row: int = 32 << 20
    max_items: int = 100_000
    max_refused: int = 50_000
