"""Promotions in every published layout: the first, the one of 2026, and the flat ones."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from gogobe.records.rows import Promotion, PromotionGroup, PromotionItem
from tests.feeds.documents import HEAD, leaves, read

NAME = "PromoFull7290-007-202501010000.gz"


def isoformat(at: datetime | None) -> str | None:
    return at.isoformat(timespec="minutes") if at else None


def promotion(promotion_id: str = "1", *parts: str, **fields: str) -> str:
    return f"<Promotion>{leaves(PromotionId=promotion_id, **fields)}{''.join(parts)}</Promotion>\n"


def read_promotions(*promotions: str, count: int | None = None):
    counted = "" if count is None else f' count="{count}"'
    return read(f"<Root>{HEAD}<Promotions{counted}>{''.join(promotions)}</Promotions></Root>", NAME)


def one(*parts: str, **fields: str) -> Any:
    found = read_promotions(promotion("1", *parts, **fields))
    assert found.codes == []
    (row,) = found.rows
    assert isinstance(row, Promotion)
    return row


FIRST_LAYOUT = promotion(
    "587724604",
    "<PromotionItems count='2'>",
    f"<Item>{leaves(ItemCode='7290000000001', IsGiftItem='0', ItemType='1')}</Item>",
    f"<Item>{leaves(ItemCode='7290000000002', IsGiftItem='1', ItemType='0')}</Item>",
    "</PromotionItems>",
    f"<GiftsItems><Item>{leaves(ItemCode='55', ItemType='1')}</Item></GiftsItems>",
    f"<AdditionalRestrictions>{leaves(AdditionalIsCoupon='1')}<Clubs><ClubId>0</ClubId><ClubId>3</ClubId></Clubs></AdditionalRestrictions>",
    "<Remarks> for\n members </Remarks>",
    PromotionDescription="כבד עוף", PromotionUpdateDate="2025-07-08 10:28:00", PromotionStartDate="2025-07-09",
    PromotionStartHour="08:30:00", PromotionEndDate="2025-12-13", PromotionEndHour="23:59:00", RewardType="10",
    DiscountType="1", DiscountRate="0.00", DiscountedPrice="9.90", DiscountedPricePerMida="1.65", MinQty="1.000",
    MaxQty="6", MinNoOfItemOfered="2", MinPurchaseAmnt="50", AllowMultipleDiscounts="0", IsWeightedPromo="1",
)  # fmt: skip


def test_the_first_layout_field_by_field():
    found = read_promotions(FIRST_LAYOUT, count=1)
    (row,) = found.rows
    assert (row.promotion_id, row.row, row.description, row.remarks) == (
        "587724604",
        1,
        "כבד עוף",
        "for members",
    )
    assert isoformat(row.updated_at) == "2025-07-08T10:28+03:00"
    assert (isoformat(row.starts_at), isoformat(row.ends_at)) == (
        "2025-07-09T08:30+03:00",
        "2025-12-13T23:59+02:00",
    )
    assert (row.reward_type, row.discount_type, row.club_ids) == ("10", "1", ["0", "3"])
    numbers = (row.discount_rate, row.discounted_price, row.discounted_price_per_unit, row.min_qty, row.max_qty)
    assert numbers == tuple(map(Decimal, ("0", "9.9", "1.65", "1", "6")))
    assert (row.min_items_offered, row.min_purchase_amount) == (2, 50)
    assert (row.is_weighted, row.is_coupon, row.allow_multiple_discounts) == (True, True, False)
    assert (row.is_gift, row.groups) == (True, [])
    assert row.items == [
        PromotionItem("7290000000001", item_type=1),
        PromotionItem("7290000000002", item_type=0, is_gift=True),
        PromotionItem("55", group_id="gifts", item_type=1, is_gift=True),
    ]
    summary = found.summary
    assert (summary.kind, summary.announced, summary.promotions) == ("promofull", 1, 1)
    assert (summary.promotion_items, summary.gift_items, found.codes) == (2, 2, [])


LAYOUT_OF_2026 = f"""<Root>{HEAD.replace("Id>", "ID>")}<Promotions><Promotion>
  <PromotionUpdateTime>2026-06-07T03:40:00.000</PromotionUpdateTime>
  <AllowMultipleDiscounts>0</AllowMultipleDiscounts>
  <PromotionID>000123</PromotionID>
  <PromotionDescription>קנה שניים קבל אחד</PromotionDescription>
  <PromotionStartDateTime>2026-06-07T00:00:00.000</PromotionStartDateTime>
  <PromotionEndDateTime>2026-12-31T23:59:00.000</PromotionEndDateTime>
  <PromotionStartHour>08:00</PromotionStartHour><PromotionEndHour>22:00</PromotionEndHour>
  <PromotionDays>1,2,3</PromotionDays><RedemptionLimit>4</RedemptionLimit>
  <MinNoOfItemOffered>3</MinNoOfItemOffered><ClubID>0 - כלל הלקוחות</ClubID>
  <IsGiftItem>1</IsGiftItem><AdditionalIsCoupon>0</AdditionalIsCoupon>
  <AdditionalRestrictions>0</AdditionalRestrictions><Remarks>עד גמר המלאי</Remarks>
  <Groups>
    <Group><GroupID>1</GroupID><MinPurchaseAmount>99.90</MinPurchaseAmount><DiscountType>0</DiscountType>
      <PromotionItems>
        <PromotionItem><ItemCode>7290000000001</ItemCode><ItemType>1</ItemType><RewardType>2</RewardType>
          <MinQty>2</MinQty><MaxQty>6</MaxQty><DiscountRate>10.5</DiscountRate>
          <DiscountedPrice>5.90</DiscountedPrice><DiscountedPricePerMida>0.59</DiscountedPricePerMida>
          <bIsWeighted>1</bIsWeighted></PromotionItem>
        <PromotionItem><ItemCode>7290000000002</ItemCode></PromotionItem>
      </PromotionItems></Group>
    <Group><GroupID>2</GroupID><DiscountType>1</DiscountType>
      <PromotionItems><PromotionItem><ItemCode>0000000000000</ItemCode><ItemType>0</ItemType></PromotionItem>
      </PromotionItems></Group>
  </Groups></Promotion></Promotions></Root>"""


def test_the_layout_of_2026_field_by_field():
    found = read(LAYOUT_OF_2026, NAME)
    (row,) = found.rows
    assert (row.promotion_id, row.description, row.remarks) == ("000123", "קנה שניים קבל אחד", "עד גמר המלאי")
    assert isoformat(row.updated_at) == "2026-06-07T03:40+03:00"
    assert (isoformat(row.starts_at), isoformat(row.ends_at)) == (
        "2026-06-07T00:00+03:00",
        "2026-12-31T23:59+02:00",
    )
    assert (row.days, row.redemption_limit, row.min_items_offered) == ("1,2,3", 4, 3)
    assert (row.club_ids, row.is_gift, row.is_coupon, row.allow_multiple_discounts) == (
        ["0"],
        False,
        False,
        False,
    )
    # The hours are those of each day: the times say from and until when.
    assert (row.daily_from, row.daily_to) == ("08:00", "22:00")
    assert row.groups == [
        PromotionGroup("1", min_purchase_amount=Decimal("99.90"), discount_type="0"),
        PromotionGroup("2", discount_type="1"),
    ]
    assert row.items == [
        PromotionItem(
            "7290000000001", group_id="1", item_type=1, reward_type="2", min_qty=Decimal(2), max_qty=Decimal(6),
            discount_rate=Decimal("10.5"), discount_percent=Decimal("10.5"), discounted_price=Decimal("5.90"),
            discounted_price_per_unit=Decimal("0.59"), is_weighted=True,
        ),
        PromotionItem("7290000000002", group_id="1"),
        PromotionItem("0000000000000", group_id="2", item_type=0),
    ]  # fmt: skip
    assert (found.header.chain_id, found.header.store_id, found.summary.announced) == ("7290", "007", None)
    assert (found.summary.promotion_items, found.summary.gift_items, found.codes) == (3, 0, [])


@pytest.mark.parametrize(
    ("published", "read_as"),
    [
        ("0 - כלל הלקוחות", ["0"]),
        ("0=אין", ["0"]),
        ("12 - מועדון", ["12"]),
        ("3", ["3"]),
        ("מועדון", ["מועדון"]),
        ("", []),
        ("לא ידוע", []),
    ],
)
def test_clubs(published, read_as):
    assert one(ClubID=published).club_ids == read_as
    assert one(f"<Clubs><ClubId>{published}</ClubId></Clubs>").club_ids == read_as
    nested = f"<AdditionalRestrictions><Clubs><ClubId>{published}</ClubId></Clubs></AdditionalRestrictions>"
    assert one(nested).club_ids == read_as


@pytest.mark.parametrize(
    ("element", "field"),
    [
        ("MinNoOfItemOfered", "min_items_offered"),
        ("MinNoOfItemOffered", "min_items_offered"),
        ("MinNoOfItemsOfered", "min_items_offered"),
        ("MinPurchaseAmnt", "min_purchase_amount"),
        ("MinPurchaseAmount", "min_purchase_amount"),
        ("RedemptionLimit", "redemption_limit"),
        ("DiscountedPricePerMida", "discounted_price_per_unit"),
    ],
)
@pytest.mark.parametrize("case", [str, str.upper, str.lower])
def test_spellings(element, field, case):
    assert getattr(one(**{case(element): "2.5"}), field) == Decimal("2.5")
    assert one(f"<AdditionalRestrictions>{leaves(**{element: '2.5'})}</AdditionalRestrictions>")


@pytest.mark.parametrize(
    ("fields", "starts_at"),
    [
        ({"PromotionStartDate": "2025-07-09", "PromotionStartHour": "08:30:00"}, "2025-07-09T08:30+03:00"),
        ({"PromotionStartDate": "2025-07-09", "PromotionStartHour": "08:30"}, "2025-07-09T08:30+03:00"),
        ({"PromotionStartDate": "2025/07/09", "PromotionStartHour": "08:30"}, "2025-07-09T08:30+03:00"),
        ({"PromotionStartDate": "2025-07-09 00:00:00", "PromotionStartHour": "08:30:00"}, "2025-07-09T08:30+03:00"),
        ({"PromotionStartDate": "2025-07-09", "PromotionStartHour": "x"}, "2025-07-09T00:00+03:00"),
        ({"PromotionStartDate": "2025-07-09"}, "2025-07-09T00:00+03:00"),
        ({"PromotionStartDateTime": "2025-07-09T01:00:00", "PromotionStartHour": "08:30"}, "2025-07-09T01:00+03:00"),
        ({"PromotionStartHour": "08:30"}, None),
        ({"PromotionStartDate": "x", "PromotionStartHour": "08:30"}, None),
    ],
)  # fmt: skip
def test_begins(fields, starts_at):
    assert isoformat(one(**fields).starts_at) == starts_at
    ends = {name.replace("Start", "End"): text for name, text in fields.items()}
    # An end day without a readable hour holds to its end.
    ends_at = starts_at and starts_at.replace("T00:00", "T23:59")
    assert isoformat(one(**ends).ends_at) == ends_at


def sale(promotion_id: str, code: str, **more: str) -> str:
    return leaves(ItemCode=code, PromotionID=promotion_id, PromotionDescription=f"p{promotion_id}", **more)


@pytest.mark.parametrize(
    ("what", "begin", "tag", "end"),
    [
        ("Sales/Sale", f"<Promos>{HEAD.replace('Id>', 'ID>')}<Sales>", "Sale", "</Sales></Promos>"),
        (
            "Details/Line",
            f"<OrderXml><Envelope>{HEAD}<Header/><Details>",
            "Line",
            "</Details></Envelope></OrderXml>",
        ),
        ("ids in the rows", "<NewDataSet>", "item", "</NewDataSet>"),
    ],
)
def test_flat_layouts(what, begin, tag, end):
    rows = [
        sale("1", "71", DiscountedPrice="5.90", ClubID="0=אין", PriceUpdateDate="2025/07/08 10:28"),
        sale("2", "72", IsGiftItem="1"),
        sale("1", "73", DiscountedPrice="6.90", ItemType="1"),
    ]
    head = HEAD if what == "ids in the rows" else ""
    found = read(f"{begin}{''.join(f'<{tag}>{head}{row}</{tag}>' for row in rows)}{end}", NAME)
    first, second = found.rows
    assert (first.promotion_id, first.description, first.row, first.club_ids) == ("1", "p1", 1, ["0"])
    assert isoformat(first.updated_at) == "2025-07-08T10:28+03:00"
    assert first.items == [
        PromotionItem("71", discounted_price=Decimal("5.90")),
        PromotionItem("73", discounted_price=Decimal("6.90"), item_type=1),
    ]
    assert (second.promotion_id, second.row, second.items) == ("2", 2, [PromotionItem("72", is_gift=True)])
    assert (found.header.chain_id, found.header.store_id) == ("7290", "007")
    summary = found.summary
    assert (summary.kind, summary.read, summary.promotions, summary.promotion_items) == ("promofull", 3, 2, 3)
    assert found.codes == []


def test_flat_promotions_before_a_cut_are_kept():
    rows = "".join(f"<Sale>{sale('1', str(number))}</Sale>" for number in range(10))
    found = read(f"<Root>{HEAD}<Sales>{rows}", NAME)
    assert (len(found.rows), len(found.rows[0].items), found.codes) == (1, 10, ["truncated"])


def test_a_promotion_without_an_id_is_refused():
    found = read_promotions(promotion("1"), promotion(""), promotion("3"), count=3)
    assert [row.promotion_id for row in found.rows] == ["1", "3"]
    assert [(row.row, row.line, row.reason) for row in found.refused] == [(2, 2, "no_promotion_id")]
    assert found.codes == []


def test_a_first_promotion_that_is_empty_hides_none():
    found = read_promotions(
        "<Promotion/>",
        promotion(
            "2", "<PromotionItems><Item><ItemCode>1</ItemCode><ItemName>n</ItemName></Item></PromotionItems>"
        ),
    )
    assert [(row.promotion_id, len(row.items)) for row in found.rows] == [("2", 1)]


def test_the_spellings_of_a_flat_layout():
    """Victory's, where every element of the restrictions has a letter more."""
    row = leaves(
        PromotionID="9", ItemCode="71", ClubID="0", MinPurchaseAmount="50", MinNoOfItemsOffered="2", MinQty="2",
        AdditionalsCoupon="1", AdditionalsGiftCount="3", AdditionalsTotals="1", AdditionalsMinBasketAmount="200",
        AdditionalRestrictions="רק בסניף זה", Remarks="עד גמר המלאי", PriceUpdateDate="2025/07/08 10:28",
    )  # fmt: skip
    found = read(f"<Promos>{HEAD}<Sales><Sale>{row}</Sale></Sales></Promos>", NAME)
    (promo,) = found.rows
    assert (promo.is_coupon, promo.gift_count, promo.is_total, promo.min_basket_amount) == (True, 3, True, 200)
    assert (promo.min_purchase_amount, promo.min_items_offered, promo.min_qty) == (50, 2, 2)
    assert promo.remarks == "עד גמר המלאי\nרק בסניף זה"
    assert (found.codes, found.summary.unknown_elements) == ([], {})


@pytest.mark.parametrize(
    ("published", "is_coupon"), [("0", False), ("1", True), ("2", True), ("כן", True), ("", None), ("x", None)]
)
def test_coupons(published, is_coupon):
    promo = one(f"<AdditionalRestrictions>{leaves(AdditionalIsCoupon=published)}</AdditionalRestrictions>")
    assert (promo.is_coupon, promo.coupon_code) == (is_coupon, published or None)


def test_all_restrictions_and_remarks_from_wherever_they_stand():
    promo = one(
        f"<AdditionalRestrictions>{leaves(AdditionalIsActive='0', AdditionalIsTotal='1', AdditionalGiftCount='2')}</AdditionalRestrictions>",
        "<Remarks> first <Remark>second</Remark><Remark>third\n line</Remark><Remark>second</Remark></Remarks>",
        "<Remark>fourth</Remark>",
        MinAmount="0.5", MaxAmount="3", AdditionalMinBasketAmount="150",
    )  # fmt: skip
    assert (promo.is_active, promo.is_total, promo.gift_count) == (False, True, 2)
    assert (promo.min_amount, promo.max_amount, promo.min_basket_amount) == (Decimal("0.5"), 3, 150)
    assert promo.remarks == "first\nfourth\nsecond\nthird line"


@pytest.mark.parametrize(
    ("published", "read_as"),
    [
        ("((1=מועדון שיווק השקמה|1=מועדון לקוחות אשראי))&amp;(3=תווי זיכוי מימוש|12=אחר)", ["1", "3", "12"]),
        ("1,2;3", ["1", "2", "3"]),
        ("1 - לקוחות 2 - עובדים", ["1", "2"]),
        ("-1", ["-1"]),
    ],
)
def test_several_clubs(published, read_as):
    assert one(ClubID=published).club_ids == read_as
    both = f"<Clubs><ClubId>{published}</ClubId><ClubId>77</ClubId></Clubs>"
    assert one(both, ClubID="0").club_ids == ["0", *read_as, "77"]


def line(promotion_id: str, code: str, price: str, **more: str) -> str:
    details = leaves(
        PromotionDescription=f"p{promotion_id}", DiscountedPrice=price, ClubId="1", MinQty="2", **more
    )
    return f"<Line>{leaves(ItemCode=code, PromotionId=promotion_id, RewardType='1')}<PromotionDetails>{details}</PromotionDetails></Line>"


def test_details_of_lines():
    lines = [
        line("1", "71", "5.90"),
        line("2", "81", "9.90"),
        line("1", "72", "6.90", Remarks="r"),
        line("1", "", "7"),
    ]
    found = read(
        f"<OrderXml><Envelope>{HEAD}<Header><Details>{''.join(lines)}</Details></Header></Envelope></OrderXml>",
        NAME,
    )
    first, second = found.rows
    assert [(one.item_code, one.discounted_price, one.min_qty) for one in first.items] == [
        ("71", Decimal("5.90"), 2),
        ("72", Decimal("6.90"), 2),
    ]
    assert (first.description, first.club_ids, first.min_qty, first.discounted_price) == ("p1", ["1"], 2, None)
    assert (first.remarks, second.discounted_price) == ("r", Decimal("9.90"))
    assert [(row.row, row.reason) for row in found.refused] == [(4, "no_code")]
    assert (found.summary.read, found.summary.taken, found.summary.promotions) == (4, 4, 2)
    assert (found.header.store_id, found.codes) == ("007", [])


def test_details_that_hold_the_id_are_no_rows():
    lines = "".join(
        f"<Line>{leaves(ItemCode=str(code))}<PromotionDetails>{leaves(PromotionId='5', DiscountedPrice=str(code))}</PromotionDetails></Line>"
        for code in (1, 2)
    )
    found = read(f"<OrderXml><Envelope>{HEAD}<Details>{lines}</Details></Envelope></OrderXml>", NAME)
    assert [(row.promotion_id, [item.item_code for item in row.items]) for row in found.rows] == [
        ("5", ["1", "2"])
    ]
    assert (found.summary.read, found.codes) == (2, [])


def test_elements_of_one_id_are_one_promotion_at_any_distance():
    group = "<Groups><Group>{}<PromotionItems><PromotionItem><ItemCode>{}</ItemCode></PromotionItem></PromotionItems></Group></Groups>"
    rows = [promotion("1", group.format(leaves(GroupID="1"), "a"), ClubID="1", PromotionDescription="d")]
    rows += [promotion(str(number)) for number in range(2, 1500)]
    rows.append(
        promotion("1", group.format(leaves(GroupID="2"), "b"), ClubID="2", PromotionDescription="other")
    )
    found = read_promotions(*rows, count=1500)
    first = found.rows[0]
    assert [(item.group_id, item.item_code) for item in first.items] == [("1", "a"), ("2", "b")]
    assert (first.club_ids, [group.group_id for group in first.groups], first.description) == (
        ["1", "2"],
        ["1", "2"],
        "d",
    )
    assert [len(block.rows) for block in found.blocks] == [500, 500, 499]
    assert (found.summary.read, found.summary.taken, found.summary.promotions) == (1500, 1500, 1499)
    assert found.codes[0] == "promotion_differs"
    assert "first 1: description, in row 1500" in found.summary.problems[0].detail


def test_items_without_a_code_are_refused_and_cost_nothing_else():
    items = "".join(f"<Item>{leaves(ItemCode=code, ItemType='1')}</Item>" for code in ("1", "", "3", " "))
    found = read_promotions(
        promotion("a", f"<PromotionItems>{items}</PromotionItems>"),
        promotion(""),
        promotion("c", f"<GiftsItems>{items}</GiftsItems>"),
    )
    assert [[item.item_code for item in row.items] for row in found.rows] == [["1", "3"], ["1", "3"]]
    assert [(row.row, row.line, row.reason) for row in found.refused] == [
        (1, 1, "no_code"), (1, 1, "no_code"), (2, 2, "no_promotion_id"), (3, 3, "no_code"), (3, 3, "no_code"),
    ]  # fmt: skip
    assert (found.summary.read, found.summary.taken, found.summary.refused, found.summary.refused_items) == (
        3,
        2,
        5,
        4,
    )
    assert (found.summary.promotion_items, found.summary.gift_items) == (2, 2)


def test_a_promotion_of_one_day_from_midnight_to_midnight():
    promo = one(
        PromotionStartDate="2025-07-09", PromotionStartHour="00:00:00", PromotionEndDate="2025-07-09", PromotionEndHour="00:00:00"
    )  # fmt: skip
    assert (isoformat(promo.starts_at), isoformat(promo.ends_at)) == (
        "2025-07-09T00:00+03:00",
        "2025-07-09T23:59+03:00",
    )


@pytest.mark.parametrize(
    ("from_", "to", "daily"),
    [
        ("08:00", "22:00", ("08:00", "22:00")),
        ("00:00", "23:59", (None, None)),
        ("", "", (None, None)),
        ("", "1400", ("00:00", "14:00")),
    ],
)
def test_hours_of_each_day(from_, to, daily):
    promo = one(
        PromotionStartDateTime="2026-08-16T00:00:00.000", PromotionEndDateTime="2026-08-21T00:00:00.000",
        PromotionStartHour=from_, PromotionEndHour=to,
    )  # fmt: skip
    assert (promo.daily_from, promo.daily_to) == daily
    assert (isoformat(promo.starts_at), isoformat(promo.ends_at)) == (
        "2026-08-16T00:00+03:00",
        "2026-08-21T23:59+03:00",
    )


def test_rates_whose_meaning_is_open_are_reported():
    found = read_promotions(*[promotion(str(number), DiscountRate="40") for number in range(3)])
    assert {(row.discount_rate, row.discount_percent, row.discount_amount) for row in found.rows} == {
        (40, None, None)
    }
    assert (found.codes, found.summary.complete) == (["discount_unclear"], True)
    assert "3 promotions" in found.summary.problems[0].detail


def test_times_in_no_known_form_are_counted():
    ends = ["2025-12-31", "sometime", "0001-01-01T00:00:00", "", "9999-12-31", "31/02/2026", "לא ידוע"] * 5
    rows = "".join(
        f"<Promotion>{leaves(PromotionId=str(row), PromotionEndDate=end, PromotionDescription=f'd{row}', DiscountedPrice='9')}</Promotion>"
        for row, end in enumerate(ends)
    )
    found = read(f"<Root>{HEAD}<Promotions>{rows}</Promotions></Root>", "PromoFull7290-007-202501010000.gz")
    assert (found.codes, found.summary.complete, len(found.rows)) == (["unreadable_times"], True, 35)
    assert found.summary.problems[0].detail == "10 promotions; first 1: 'sometime'"
