"""The field that each element means, by every name that chains use, and the function that reads its text.

A new spelling is one line in one of these tables. An element of a row that no table has is counted by its
path (`FeedSummary.unknown_elements`).

Layouts: the first one (Cerberus, Bina: Rami Levy, King Store …), the flat ones (Laibcatalog: `Sales/Sale` of
Victory and Mahsanei Hashuk; Super-Pharm until 2025: `Details/Line` with `PromotionDetails`), and the layout
of 2026 (Shufersal, Super-Pharm, Rami Levy, Mahsanei Hashuk, Het Cohen).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Final, Literal

from gogobe.feeds.clock import Clock
from gogobe.feeds.times import moment, past
from gogobe.feeds.values import Reading, clubs, code, is_set, number, text, verbatim, whole, yes_no

Table = Mapping[str, tuple[str, Reading]]

HEADER: Final[Mapping[str, str]] = {
    "chainid": "chain_id",
    "subchainid": "sub_chain_id",
    "storeid": "store_id",
    "bikoretno": "bikoret_no",
    "chainname": "chain_name",
}

ITEM: Final[Table] = {
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

# The terms of a promotion. Days and hours are combined later (`promotion_times.py`).
PROMOTION: Final[Table] = {
    "promotionid": ("promotion_id", code),
    "promotiondescription": ("description", text),
    "promotionupdatedate": ("updated_at", past),
    "promotionupdatetime": ("updated_at", past),
    "priceupdatedate": ("updated_at", past),  # flat
    "priceupdatetime": ("updated_at", past),
    "promotionstartdatetime": ("start_time", verbatim),  # 2026
    "promotionenddatetime": ("end_time", verbatim),
    "promotionstartdate": ("start_date", verbatim),
    "promotionstarthour": ("start_hour", verbatim),
    "promotionenddate": ("end_date", verbatim),
    "promotionendhour": ("end_hour", verbatim),
    "promotiondays": ("days", text),
    "rewardtype": ("reward_type", code),
    "discounttype": ("discount_type", code),
    "discountrate": ("discount_rate", number),
    "discountedprice": ("discounted_price", number),
    "discountedpricepermida": ("discounted_price_per_unit", number),
    "minqty": ("min_qty", number),
    "maxqty": ("max_qty", number),
    "minamount": ("min_amount", number),  # Rami Levy, 2026
    "maxamount": ("max_amount", number),
    "minnoofitemofered": ("min_items_offered", number),
    "minnoofitemoffered": ("min_items_offered", number),  # 2026
    "minnoofitemsofered": ("min_items_offered", number),
    "minnoofitemsoffered": ("min_items_offered", number),  # Victory
    "minpurchaseamnt": ("min_purchase_amount", number),
    "minpurchaseamount": ("min_purchase_amount", number),  # Victory, 2026
    "redemptionlimit": ("redemption_limit", number),
    "isweightedpromo": ("is_weighted", yes_no),
    "allowmultiplediscounts": ("allow_multiple_discounts", yes_no),
    "additionaliscoupon": ("coupon_code", code),
    "additionalscoupon": ("coupon_code", code),  # Victory
    "additionalgiftcount": ("gift_count", number),
    "additionalsgiftcount": ("gift_count", number),
    "additionalistotal": ("is_total", is_set),
    "additionalstotals": ("is_total", is_set),
    "additionalisactive": ("is_active", yes_no),
    "additionalminbasketamount": ("min_basket_amount", number),
    "additionalsminbasketamount": ("min_basket_amount", number),
    "clubid": ("club_ids", clubs),
    "remark": ("remark", text),
    "remarks": ("remark", text),
    "additionalrestrictions": ("restrictions", text),  # 2026: a text
    # In the flat layouts this is a field of the item, because each row is one item. In the layout of 2026 the
    # promotion has it, with 1 and 4 on plain reductions, so it does not mark gifts.
    "isgiftitem": ("", verbatim),
}

PROMOTION_ITEM: Final[Table] = {
    "itemcode": ("item_code", code),
    "itemtype": ("item_type", whole),
    "isgiftitem": ("is_gift", yes_no),
    "giftitemprice": ("gift_price", number),
    "rewardtype": ("reward_type", code),
    "discounttype": ("discount_type", code),
    "discountrate": ("discount_rate", number),
    "discountedprice": ("discounted_price", number),
    "discountedpricepermida": ("discounted_price_per_unit", number),
    "minqty": ("min_qty", number),
    "maxqty": ("max_qty", number),
    "bisweighted": ("is_weighted", yes_no),
    "blsweighted": ("is_weighted", yes_no),
}

PROMOTION_GROUP: Final[Table] = {
    "groupid": ("group_id", code),
    "minpurchaseamount": ("min_purchase_amount", number),
    "minpurchaseamnt": ("min_purchase_amount", number),
    "discounttype": ("discount_type", code),
}

# The parts of a promotion that have children. `item`: the code that makes a row of a flat layout an item as
# well.
Part = Literal["items", "gifts", "groups", "group", "terms", "item"]
PROMOTION_PARTS: Final[Mapping[str, Part]] = {
    "promotionitems": "items",
    "giftsitems": "gifts",
    "groups": "groups",  # 2026
    "group": "group",
    "clubs": "terms",
    "remarks": "terms",
    "additionalrestrictions": "terms",
    "promotiondetails": "terms",  # Super-Pharm, flat
    "itemcode": "item",
}

STORE: Final[Table] = {
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


def by_clock(reading: Reading, clock: Clock) -> Reading:
    """A table's reading for one file: readings of times use the file's clock."""
    return partial(reading, clock=clock) if reading in (moment, past) else reading


@lru_cache(maxsize=1024)
def published_name(tag: str) -> str:
    """The name of an element without its namespace, or without a prefix that has no namespace."""
    return tag.rsplit("}", 1)[-1].rsplit(":", 1)[-1]


@lru_cache(maxsize=1024)
def local_name(tag: str) -> str:
    """The name of an element as in the tables: without namespace and in lower case."""
    return published_name(tag).lower()
