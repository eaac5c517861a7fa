"""Promotions in every published layout: the first, the one of 2026, and the flat ones."""

from datetime import datetime
from decimal import Decimal

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


def one(*parts: str, **fields: str) -> Promotion:
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
