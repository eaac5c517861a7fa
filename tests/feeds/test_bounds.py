"""Codes, ids and texts have bounds: a row beyond one is refused, an id above the rows refuses the file."""

import pytest

from gogobe.feeds.values import LONGEST_CODE, LONGEST_TEXT
from gogobe.records.rows import RefusedRow
from tests.feeds.documents import HEAD, item, leaves, price_feed, read

LONG = "9" * (LONGEST_CODE + 1)
JUST = "9" * LONGEST_CODE


def promo_feed(promotion: str) -> str:
    return f"<Root>{HEAD}<Promotions>{promotion}</Promotions></Root>"


def promotion(promotion_id: str = "1", code: str = "7", club: str = "0", **more: str) -> str:
    return (
        f"<Promotion>{leaves(PromotionId=promotion_id, **more)}<Clubs><ClubId>{club}</ClubId></Clubs>"
        f"<PromotionItems><Item>{leaves(ItemCode=code)}</Item></PromotionItems></Promotion>"
    )


def grouped(group: str) -> str:
    return f"<Promotion><PromotionID>1</PromotionID><Groups><Group><GroupID>{group}</GroupID><PromotionItems><PromotionItem><ItemCode>7</ItemCode></PromotionItem></PromotionItems></Group></Groups></Promotion>"


def store_feed(store_id: str = "1", sub_chain_id: str = "1", **more: str) -> str:
    return f"<Root><ChainId>7290</ChainId><SubChains><SubChain><SubChainId>{sub_chain_id}</SubChainId><Stores><Store>{leaves(StoreId=store_id, StoreName='n', **more)}</Store></Stores></SubChain></SubChains></Root>"


@pytest.mark.parametrize(
    ("feed", "name"),
    [
        (price_feed(item("{}"), item("2")), "PriceFull"),
        (price_feed(item("1", ItemId="{}"), item("2")), "PriceFull"),
        (promo_feed(promotion("{}") + promotion("2")), "PromoFull"),
        (promo_feed(promotion(club="{}") + promotion("2")), "PromoFull"),
        (promo_feed(promotion(club="x{}") + promotion("2")), "PromoFull"),
        (promo_feed(promotion(RewardType="{}") + promotion("2")), "PromoFull"),
        (promo_feed(grouped("{}") + promotion("2")), "PromoFull"),
        (store_feed("{}"), "Stores"),
        (store_feed(sub_chain_id="{}"), "Stores"),
        (store_feed(BikoretNo="{}"), "Stores"),
    ],
)
def test_a_row_with_a_code_that_no_index_holds_is_refused(feed: str, name: str):
    file = f"{name}7290-1-202501010000.gz"
    whole = read(feed.replace("x{}", "x" + JUST[1:]).format(JUST), file)
    assert (whole.refused, whole.codes) == ([], [])
    for code in (LONG, " " + LONG, "7" * 2704, "א" * 2704):
        found = read(feed.format(code), file)
        assert len(found.rows) == len(whole.rows) - 1
        assert [row.reason for row in found.refused] == ["code_too_long"]
        assert f"at most {LONGEST_CODE} are taken" in (found.refused[0].detail or "")
        assert found.summary.refused == 1


def test_an_item_with_a_code_that_no_index_holds_does_not_cost_its_promotion():
    found = read(promo_feed(promotion(code=LONG) + promotion("2")), "PromoFull7290-1-202501010000.gz")
    assert [(row.promotion_id, len(row.items)) for row in found.rows] == [("1", 0), ("2", 1)]
    assert [(row.row, row.reason) for row in found.refused] == [(1, "code_too_long")]
    assert (found.summary.refused, found.summary.refused_items, found.summary.taken) == (1, 1, 2)


@pytest.mark.slow
@pytest.mark.parametrize("spaces", ["", " " * 5000])
def test_spaces_around_a_code_do_not_count(spaces: str):
    found = read(price_feed(*[item(f"{spaces}{JUST}{spaces}", ItemStatus=f"{spaces}1{spaces}")] * 20))
    assert [row.item_code for row in found.rows] == [JUST] * 20
    assert found.refused == []


@pytest.mark.parametrize("element", ["ItemName", "ManufacturerName", "UnitQty", "ManufacturerItemDescription"])
def test_a_row_with_a_text_that_no_honest_row_has_is_refused_and_keeps_its_code(element: str):
    rows = [item(str(n)).replace("<ItemName>n</ItemName>", "") for n in range(40)]
    rows[7] = rows[7].replace("</Item>", leaves(**{element: "מ" * LONGEST_TEXT}) + "</Item>")
    rows[9] = rows[9].replace("</Item>", leaves(**{element: "מ" * (LONGEST_TEXT + 1)}) + "</Item>")
    found = read(price_feed(*rows, count=40))
    # The rows have no names, and that is reported.
    assert (len(found.rows), found.codes, found.summary.complete) == (39, ["implausible_names"], True)
    detail = f"{element}: {LONGEST_TEXT + 1:,} characters, of which at most {LONGEST_TEXT:,} are taken"
    assert found.refused == [RefusedRow(10, 10, "text_too_long", "9", detail)]


def test_a_refused_promotion_keeps_its_id_so_that_it_is_not_ended():
    found = read(
        promo_feed(promotion("77", PromotionDescription="x" * 5000)), "PromoFull7290-1-202501010000.gz"
    )
    assert [(row.reason, row.item_code) for row in found.refused] == [("text_too_long", "77")]


def test_the_detail_of_a_price_that_is_none_is_bounded():
    (refused,) = read(price_feed(item("1", "x" * 100_000))).refused
    assert (refused.reason, refused.detail) == ("bad_price", "x" * LONGEST_CODE)


@pytest.mark.parametrize("element", ["ChainId", "SubChainId", "StoreId", "BikoretNo"])
def test_an_id_above_the_rows_that_no_index_holds_refuses_the_file(element: str):
    head = HEAD.replace(f"<{element}>", f"<{element}>{LONG}")
    found = read(price_feed(*[item(str(n)) for n in range(600)]).replace(HEAD, head))
    assert (found.rows, found.codes, found.summary.complete) == ([], ["code_too_long"], False)
    assert f"{len(LONG) + found_length(element)} characters" in found.summary.problems[0].detail


def found_length(element: str) -> int:
    return len(HEAD.split(f"<{element}>")[1].split("<")[0])
