"""The fast path gives the very rows of the XML parser, and takes nearly all of them."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gogobe.demo
from gogobe.feeds.item_pattern import ItemPattern, MatchedRows
from tests.feeds.documents import HEAD, item, leaves, price_feed, read

FEEDS = Path(gogobe.demo.__file__).parent / "feeds"


@pytest.fixture
def taken(monkeypatch):
    """How many rows the pattern took, and how many it was asked for."""
    counts: list[int] = []
    take = ItemPattern.match_rows

    def counted(*arguments: object) -> MatchedRows:
        found: MatchedRows = take(*arguments)  # type: ignore[arg-type]
        counts.append(len(found.rows) + len(found.refused))
        return found

    monkeypatch.setattr(ItemPattern, "match_rows", counted)
    return counts


@pytest.mark.parametrize("path", sorted(FEEDS.glob("PriceFull*")), ids=lambda path: path.name)
def test_nearly_every_row_of_real_feeds_is_taken_by_the_pattern(path, taken):
    found = read(path.read_bytes(), path.name)
    assert sum(taken) > 0.98 * found.summary.read


def test_rows_that_lack_elements_or_bring_new_ones_are_learned(taken):
    fields = {"ItemCode": "1", "ItemPrice": "2", "ItemName": "n", "UnitQty": "g", "Quantity": "5"}
    rows = []
    for number in range(1000):
        row = {
            name: text
            for name, text in fields.items()
            if name != ["UnitQty", "Quantity", "ItemName"][number % 3]
        }
        if number > 500:
            row["LastSaleDateTime"] = "2025-01-01 10:00"
        rows.append(f"<Item>{leaves(**row)}</Item>")
    found = read(price_feed(*rows))
    assert (len(found.rows), found.codes) == (1000, [])
    assert sum(taken) > 950


def test_rows_of_another_order_are_learned(taken):
    rows = [item(str(number)) for number in range(300)]
    rows += [
        f"<Item>{leaves(ItemName='n', ItemPrice='3', ItemCode=str(number))}</Item>" for number in range(300)
    ]
    found = read(price_feed(*rows))
    assert [str(row.price) for row in found.rows] == ["2.50"] * 300 + ["3"] * 300
    assert sum(taken) > 550


@pytest.mark.parametrize("blanks", ["", "\n    ", "\t", "\n\t\t", "\n\n", " \n "])
def test_blanks_between_elements_are_learned(taken, blanks):
    rows = [item(str(number)).replace("><", f">{blanks}<") for number in range(500)]
    assert len(read(price_feed(*[item("1")] * 500, *rows)).rows) == 1000
    assert sum(taken) > 980


@pytest.mark.parametrize("leaf", ["<Item/>", "<Item />", "<Item></Item>", "<Item>x</Item>"])
def test_a_leaf_may_have_the_name_of_the_rows(leaf):
    """Found by the fuzz run: the parser took it for a row, and the pattern did not."""
    rows = [item(str(number)).replace("<ItemName>", f"{leaf}<ItemName>") for number in range(100)]
    found = read(price_feed(*rows, count=100))
    assert (len(found.rows), found.refused, found.codes) == (100, [], ["unknown_elements"])
    assert found.summary.unknown_elements == {"Item/Item": 100}


def test_a_feed_of_rows_that_are_never_alike_is_left_to_the_parser(taken):
    rows = [
        f'<Item a="{number}">{leaves(ItemCode="1", ItemPrice="2", ItemName="n")}</Item>'
        for number in range(2000)
    ]
    found = read(price_feed(*rows))
    assert (len(found.rows), sum(taken)) == (2000, 0)
    # It gives up, and is not asked for every row.
    assert len(taken) < 500


blanks = st.sampled_from(["", " ", "\n", "\n    ", "\t", "\r\n", "\u00a0", "\u2003"])
names = st.sampled_from(
    ["ItemCode", "ItemPrice", "ItemName", "ItemNm", "Quantity", "UnitQty", "Other", "ITEMCODE"]
)
texts = st.sampled_from(
    ["", " ", "1", "2.50", "0", "-1", "x", "לא ידוע", "a\n b", "a&amp;b", "&#39;", "&#x5d0;", "<![CDATA[<Item>]]>", "<!-- </Item> -->", "a&b",
     "]]", "]]>", ">", "\u00a0x\u00a0", "00000", "<b>1</b>", "\x0b", "<Item/>", "<Item>1</Item>"]
)  # fmt: skip


@st.composite
def elements(draw: st.DrawFn) -> str:
    name, text = draw(names), draw(texts)
    form = draw(
        st.sampled_from(
            ["<{0}>{1}</{0}>"] * 8 + ["<{0}/>", "<{0} />", "<{0} a='1'>{1}</{0}>", "<{0}>{1}</{0} >"]
        )
    )
    return form.format(name, text) + draw(blanks)


@st.composite
def rows(draw: st.DrawFn) -> str:
    usual = "<ItemCode>1</ItemCode><ItemPrice>2.50</ItemPrice><ItemName>n</ItemName>"
    body = draw(
        st.sampled_from([usual] * 3 + [usual.replace(">n<", "><")])
        | st.lists(elements(), max_size=6).map("".join)
    )
    form = draw(
        st.sampled_from(
            ["<Item>{0}</Item>"] * 9
            + ["<Item >{0}</Item>", "<Item/>", "<item>{0}</item>", "<Item>{0}", "{0}</Item>"]
        )
    )
    return form.format(body) + draw(blanks)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(rows(), min_size=1, max_size=30), st.integers(1, 5))
def test_any_rows_read_the_same_on_both_paths(some, times):
    # `read` compares the paths.
    read(price_feed(item("7", "1"), *(some * times)))


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200), st.integers(0, 300))
def test_any_text_within_a_feed_reads_the_same_on_both_paths(text, place):
    feed = price_feed(*[item(str(number)) for number in range(20)])
    at = len(HEAD) + 20 + place
    read((feed[:at] + text + feed[at:]).encode("utf-8", "replace"))
