"""Elements that no table knows are counted by their path, on the fast path and by the parser."""

from __future__ import annotations

from gogobe.feeds.unknown import OTHERS, UnknownElements
from tests.feeds.documents import HEAD, item, leaves, price_feed, read

PROMO = "PromoFull7290-007-202501010000.gz"


def test_elements_of_price_rows():
    rows = [item(str(number), NewTerm="" if number % 2 else "x") for number in range(1000)]
    rows[500] = rows[500].replace("<NewTerm>x</NewTerm>", "<NewTerm/><Other a='1'><Deep>1</Deep></Other>")
    rows[501] = rows[501].replace("<ItemName>n</ItemName>", "<ItemName>n<b>x</b></ItemName>")
    rows[502] = rows[502].replace("<NewTerm>x</NewTerm>", "")
    found = read(price_feed(*rows))
    assert found.summary.unknown_elements == {
        "Item/NewTerm": 999,
        "Item/Other": 1,
        "Item/Other/Deep": 1,
        "Item/ItemName/b": 1,
    }
    assert (found.codes, found.summary.complete, len(found.rows)) == (["unknown_elements"], True, 1000)
    assert "999 Item/NewTerm" in found.summary.problems[0].detail


def test_elements_of_promotions_wherever_they_stand():
    promotion = "<Promotion><PromotionId>{}</PromotionId>{}</Promotion>"
    parts = [
        "<Mood>x</Mood>",
        "<AdditionalRestrictions><AdditionalIsHappy>1</AdditionalIsHappy></AdditionalRestrictions>",
        "<PromotionItems><Item><ItemCode>1</ItemCode><Mood/></Item><Item><ItemCode>2</ItemCode><Mood/></Item></PromotionItems>",
        "<Groups><Group><GroupID>1</GroupID><Mood/><PromotionItems><PromotionItem><ItemCode>1</ItemCode><Mood/></PromotionItem></PromotionItems></Group><Mood/></Groups>",
        "<Remarks><Remark>a</Remark><Mood/></Remarks>",
        "<Clubs><ClubId>0</ClubId><Mood/></Clubs>",
    ]
    rows = "".join(promotion.format(number, part) for number, part in enumerate(parts))
    found = read(f"<Root>{HEAD}<Promotions>{rows}</Promotions></Root>", PROMO)
    assert found.summary.unknown_elements == {
        "Promotion/Mood": 1,
        "Promotion/AdditionalRestrictions/AdditionalIsHappy": 1,
        "Promotion/PromotionItems/Item/Mood": 2,
        "Promotion/Groups/Group/Mood": 1,
        "Promotion/Groups/Group/PromotionItems/PromotionItem/Mood": 1,
        "Promotion/Groups/Mood": 1,
        "Promotion/Remarks/Mood": 1,
        "Promotion/Clubs/Mood": 1,
    }
    assert len(found.rows) == len(parts)


def test_elements_of_stores_and_of_rows_with_their_own_header():
    store = f"<Store>{leaves(StoreId='1', StoreName='n', Mood='x')}</Store>"
    found = read(
        f"<Root>{HEAD}<SubChains><SubChain><Mood/><Stores>{store}</Stores></SubChain></SubChains></Root>",
        "Stores7290-0-202501010000.gz",
    )
    assert found.summary.unknown_elements == {"Store/Mood": 1}
    rows = "".join(
        f"<item>{HEAD}{leaves(ItemCode=str(n), ItemPrice='1', ItemName=f'n{n}')}</item>" for n in range(300)
    )
    assert read(f"<NewDataSet>{rows}</NewDataSet>").summary.unknown_elements == {}


def test_the_most_frequent_paths_are_named_and_the_others_added_up():
    unknown = UnknownElements()
    for number in range(2000):
        unknown.add(f"Item/{number:04}", 1 + (number < 40))
    unknown.add("x" * 1000, 5)
    shown = unknown.shown()
    assert len(shown) == 51
    assert sum(shown.values()) == 2000 + 40 + 5
    assert list(shown)[-1] == OTHERS
    assert all(len(path) <= 200 for path in shown)
