"""Which element means which field, under every name that chains give it, and how its text is read.

A new chain's variant is one line in one of these tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final

from gogobe.feeds.clock import UNBOUND, Clock

# Words for null, as published; "00000" is one where a code or text is expected.
NULL_WORDS: Final = frozenset({"", "לא ידוע", "00000", "null", "None", "NULL", "אין", "-"})
_TRUE: Final = frozenset({"1", "true", "True", "TRUE", "Y", "כן"})
_FALSE: Final = frozenset({"0", "false", "False", "FALSE", "N", "לא"})

# Bounds in characters. Codes and ids are keys in the database, whose B-trees take entries of 2,704 bytes at
# most; a row with a longer one is refused, as is one with a text that no honest row has.
LONGEST_CODE: Final = 64
LONGEST_TEXT: Final = 4096
_LONGEST_NUMBER: Final = 32
_CLUB: Final = re.compile(r"\s*(\d+)\s*(?:[-=]|$)", re.ASCII)

Reading = Callable[[str], Any]


class TooLongError(ValueError):
    """A code, id or text of a row beyond its bound; `reason` is why the row is refused."""

    def __init__(self, reason: str, length: int, longest: int) -> None:
        super().__init__(f"{length:,} characters, of which at most {longest:,} are taken")
        self.reason = reason


def text(raw: str) -> str | None:
    """Text in one line without spaces around it; None for a word for null. Raises TooLongError."""
    words = " ".join(raw.split())
    if len(words) > LONGEST_TEXT:
        raise TooLongError("text_too_long", len(words), LONGEST_TEXT)
    return None if words in NULL_WORDS else words


def code(raw: str) -> str | None:
    """A code or id, as published but for spaces around it. Raises TooLongError."""
    stripped = raw.strip()
    if len(stripped) > LONGEST_CODE:
        raise TooLongError("code_too_long", len(stripped), LONGEST_CODE)
    return stripped or None


def verbatim(raw: str) -> str | None:
    """What is read again later (a price, a day, an hour): without spaces around it, and no more of it than any
    such value has."""
    return raw.strip()[:LONGEST_CODE] or None


def number(raw: str) -> Decimal | None:
    """An exact decimal, below 10^12 and of up to 12 places; None for what is no such number."""
    stripped = raw.strip()
    if len(stripped) > _LONGEST_NUMBER or not stripped.isascii() or "_" in stripped:
        return None
    try:
        value = Decimal(stripped)
    except InvalidOperation:
        return None
    return value if value.is_finite() and value.adjusted() < 12 and _few_places(stripped, value) else None


def _few_places(published: str, value: Decimal) -> bool:
    if len(published) <= 12 and "e" not in published and "E" not in published:
        return True  # as most numbers; their parts are slow to take apart
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -12


def positive(raw: str) -> Decimal | None:
    """A price: a number above zero, else None."""
    value = number(raw)
    return value if value is not None and value > 0 else None


def club(raw: str) -> str | None:
    """A club's number, where its name comes with it (`0 - כלל הלקוחות`, `0=אין`); else as `text`."""
    match = _CLUB.match(raw)
    return code(match[1] if match else text(raw) or "")


def whole(raw: str) -> int | None:
    """A small whole number; None for what is none."""
    stripped = raw.strip()
    return int(stripped) if stripped.isascii() and stripped.isdecimal() and len(stripped) < 9 else None


def yes_no(raw: str) -> bool | None:
    """1 or 0, true or false; None for anything else."""
    stripped = raw.strip()
    if stripped in _TRUE:
        return True
    return False if stripped in _FALSE else None


def moment(raw: str, clock: Clock = UNBOUND) -> datetime | None:
    """A time in any of the published forms, the clock's local time unless it says otherwise, made aware:
    `2025-12-18 09:15:00`, `2025-12-18 09:15`, `2024-03-03`, `2016/08/27 11:17`,
    `25/07/2022 09:55:14`, ISO 8601."""
    stripped = raw.strip().replace("/", "-")
    if stripped[2:3] == "-":  # 25/07/2022 09:55:14
        stripped = f"{stripped[6:10]}-{stripped[3:5]}-{stripped[:2]}{stripped[10:]}"
    try:
        value = datetime.fromisoformat(stripped)
    except ValueError:
        return None
    if value.year < 1971 or value.year > 9000:
        return None
    return clock.aware(value)


def past(raw: str, clock: Clock = UNBOUND) -> datetime | None:
    """As `moment`, of something that has happened (an update, a sale); None for one later than the download."""
    at = moment(raw, clock)
    return None if at is None else clock.past(at)


def day_and_hour(day: str, hour: str | None, clock: Clock = UNBOUND) -> datetime | None:
    """A time whose day and hour stand in two elements; an hour that cannot be read leaves the day's own."""
    at = moment(f"{day.strip()[:10]} {hour.strip()}", clock) if hour else None
    return at or moment(day, clock)


def by_clock(reading: Reading, clock: Clock) -> Reading:
    """A table's reading for one file: those of times go by its clock."""
    return partial(reading, clock=clock) if reading in (moment, past) else reading


HEADER: Final[Mapping[str, str]] = {
    "chainid": "chain_id",
    "subchainid": "sub_chain_id",
    "storeid": "store_id",
    "bikoretno": "bikoret_no",
    "chainname": "chain_name",
}

ITEM: Final[Mapping[str, tuple[str, Reading]]] = {
    "itemcode": ("item_code", code),
    "itemprice": ("price", verbatim),
    "itemname": ("name", text),
    "itemnm": ("name", text),
    "itemtype": ("item_type", whole),
    "manufacturername": ("manufacturer", text),
    "manufacturename": ("manufacturer", text),
    "manufacturecountry": ("country", text),
    "manufacturercountry": ("country", text),
    "manufactureitemdescription": ("description", text),
    "manufactureritemdescription": ("description", text),
    "manufacturer": ("manufacturer", text),
    "unitqty": ("unit_qty", text),
    "quantity": ("quantity", number),
    "unitofmeasure": ("unit_of_measure", text),
    "unitmeasure": ("unit_of_measure", text),
    "bisweighted": ("is_weighted", yes_no),
    "blsweighted": ("is_weighted", yes_no),
    "qtyinpackage": ("qty_in_package", number),
    "unitofmeasureprice": ("unit_price", number),
    "allowdiscount": ("allow_discount", yes_no),
    "itemstatus": ("item_status", code),
    "itemid": ("item_id", code),
    "priceupdatedate": ("price_updated_at", past),
    "priceupdatetime": ("price_updated_at", past),
    "lastsaledatetime": ("last_sold_at", past),
}

PROMOTION: Final[Mapping[str, tuple[str, Reading]]] = {
    "promotionid": ("promotion_id", code),
    "promotiondescription": ("description", text),
    "promotionupdatedate": ("updated_at", past),
    "promotionupdatetime": ("updated_at", past),
    "priceupdatedate": ("updated_at", past),
    "priceupdatetime": ("updated_at", past),
    "promotionstartdatetime": ("starts_at", moment),
    "promotionenddatetime": ("ends_at", moment),
    "promotionstartdate": ("start_date", verbatim),
    "promotionstarthour": ("start_hour", verbatim),
    "promotionenddate": ("end_date", verbatim),
    "promotionendhour": ("end_hour", verbatim),
    "rewardtype": ("reward_type", code),
    "discounttype": ("discount_type", code),
    "discountrate": ("discount_rate", number),
    "discountedprice": ("discounted_price", number),
    "discountedpricepermida": ("discounted_price_per_unit", number),
    "minqty": ("min_qty", number),
    "maxqty": ("max_qty", number),
    "minnoofitemofered": ("min_items_offered", number),
    "minnoofitemoffered": ("min_items_offered", number),
    "minnoofitemsofered": ("min_items_offered", number),
    "minpurchaseamnt": ("min_purchase_amount", number),
    "minpurchaseamount": ("min_purchase_amount", number),
    "redemptionlimit": ("redemption_limit", number),
    "promotiondays": ("days", text),
    "isweightedpromo": ("is_weighted", yes_no),
    "additionaliscoupon": ("is_coupon", yes_no),
    "isgiftitem": ("is_gift", yes_no),
    "allowmultiplediscounts": ("allow_multiple_discounts", yes_no),
    "remarks": ("remarks", text),
    "clubid": ("club_id", club),
}

PROMOTION_ITEM: Final[Mapping[str, tuple[str, Reading]]] = {
    "itemcode": ("item_code", code),
    "isgiftitem": ("is_gift", yes_no),
    "itemtype": ("item_type", whole),
    "rewardtype": ("reward_type", code),
    "minqty": ("min_qty", number),
    "maxqty": ("max_qty", number),
    "discountrate": ("discount_rate", number),
    "discountedprice": ("discounted_price", number),
    "discountedpricepermida": ("discounted_price_per_unit", number),
    "bisweighted": ("is_weighted", yes_no),
    "blsweighted": ("is_weighted", yes_no),
}

PROMOTION_GROUP: Final[Mapping[str, tuple[str, Reading]]] = {
    "groupid": ("group_id", code),
    "minpurchaseamount": ("min_purchase_amount", number),
    "minpurchaseamnt": ("min_purchase_amount", number),
    "discounttype": ("discount_type", code),
}

STORE: Final[Mapping[str, tuple[str, Reading]]] = {
    "storeid": ("store_id", code),
    "chainid": ("chain_id", code),
    "subchainid": ("sub_chain_id", code),
    "chainname": ("chain_name", text),
    "subchainname": ("sub_chain_name", text),
    "bikoretno": ("bikoret_no", code),
    "storetype": ("store_type", code),
    "storename": ("name", text),
    "address": ("address", text),
    "city": ("city", text),
    "zipcode": ("zip_code", text),
    "latitude": ("latitude", number),
    "lat": ("latitude", number),
    "longitude": ("longitude", number),
    "lon": ("longitude", number),
    "lng": ("longitude", number),
    "lastupdatedate": ("update_date", verbatim),
    "lastupdatetime": ("update_time", verbatim),
}


def published_name(tag: str) -> str:
    """An element's name without its namespace, or a prefix that has none."""
    return tag.rsplit("}", 1)[-1].rsplit(":", 1)[-1]


def local_name(tag: str) -> str:
    """An element's name as the tables have it."""
    return published_name(tag).lower()
