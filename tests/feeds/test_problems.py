"""What goes wrong in files, each with its code, and every row before it read."""

import gzip

import pytest

from gogobe.feeds.problems import NOTICES, PROBLEMS
from tests.feeds.documents import HEAD, PRICE_NAME, item, leaves, price_feed, read

ROWS = [item(str(code)) for code in range(1, 3001)]
WHOLE = price_feed(*ROWS)
EMPTY = "<Item><ItemCode/><ItemPrice></ItemPrice><ItemName> </ItemName></Item>"


@pytest.mark.parametrize(
    ("what", "feed", "rows", "problem"),
    [
        ("closing tags missing at the end", WHOLE.removesuffix("</Items></Root>"), 3000, "truncated"),
        ("cut in a row", WHOLE[: WHOLE.index("<ItemCode>2000<") + 20], 1999, "truncated"),
        ("cut in a tag", WHOLE[: WHOLE.index("<ItemCode>2000<") + 5], 1999, "truncated"),
        ("a closing tag missing in a row", WHOLE.replace("</ItemName></Item>\n<Item><ItemCode>2000<", "</Item>\n<Item><ItemCode>2000<"), 1998, "bad_xml"),
        ("a row's closing tag missing", WHOLE.replace("</Item>\n<Item><ItemCode>2000<", "<Item><ItemCode>2000<"), 2999, "bad_xml"),
        ("text after the end", WHOLE + "<Root/>", 3000, "bad_xml"),
        ("the feed twice", WHOLE + WHOLE, 3000, "bad_xml"),
        ("another count", price_feed(*ROWS, count=3001), 3000, "count_mismatch"),
        ("a count of fewer", price_feed(*ROWS, count=2999), 3000, "count_mismatch"),
        ("no row, but a count", price_feed(count=7), 0, "no_rows"),
        ("all-empty records", price_feed(EMPTY, EMPTY, count=2), 0, "no_rows"),
        ("records without elements", price_feed("<Item/>", "<Item></Item>"), 0, "no_rows"),
        ("all rows refused", price_feed(item("1", "0"), item("", "1")), 0, "no_rows"),
        ("a full file that says it has no row", price_feed(count=0), 0, "empty_pricefull"),
        ("a full file with an empty list", price_feed(), 0, "empty_pricefull"),
        ("a header alone", f"<Root>{HEAD}</Root>", 0, "no_rows"),
        ("HTML", "<!DOCTYPE html><html><body>Login</body></html>", 0, "html_page"),
        ("HTML without a type", "\n <HTML><head><title>link expired</title></head></HTML>", 0, "html_page"),
        ("XHTML", '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>', 0, "html_page"),
        ("JSON", '{"error": "expired"}', 0, "not_a_feed"),
        ("nothing", "", 0, "not_a_feed"),
        ("blanks", " \r\n ", 0, "not_a_feed"),
        ("other XML", "<catalog><book><title>x</title></book></catalog>", 0, "unknown_layout"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())])
def test_each_fault_has_its_code(what, feed, rows, problem, pack):
    found = read(pack(feed))
    assert (len(found.rows), found.codes, found.summary.complete) == (rows, [problem], False), what
    assert found.summary.problems[0].detail


def test_a_file_cut_short_says_at_which_byte_and_line():
    cut = WHOLE[: WHOLE.index("<ItemCode>2000<")]
    (problem,) = read(cut).summary.problems
    assert (problem.byte_offset, problem.line, problem.place) == (len(cut), 2000, f"byte {len(cut)}, line 2000")
    packed = gzip.compress(WHOLE.encode())
    cut_at = len(packed) // 2
    (problem,) = read(packed[:cut_at]).summary.problems
    assert (problem.code, problem.byte_offset) == ("truncated", cut_at)


@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())])
def test_a_file_cut_before_its_first_row_still_says_whose_it_is(pack):
    feed = price_feed(*ROWS, count=3000)
    found = read(pack(feed[: feed.index("<ItemPrice>")]))
    assert (found.codes, found.summary.complete, found.rows) == (["truncated"], False, [])
    assert (found.summary.kind, found.summary.announced) == ("pricefull", 3000)
    assert (found.header.chain_id, found.header.store_id) == ("7290", "007")


def test_bad_xml_says_in_which_line():
    (problem,) = read(WHOLE.replace("<ItemCode>2000<", "<ItemCode><b>2000<")).summary.problems
    assert (problem.code, problem.line) == ("bad_xml", 2000)
    # An undeclared namespace is not a fault, and does not hide one.
    (problem,) = read(
        WHOLE.replace("<Item>", "<Item><x:y/>").replace("<ItemCode>2000<", "<ItemCode><b>2000<")
    ).summary.problems
    assert (problem.code, problem.line) == ("bad_xml", 2000)


@pytest.mark.parametrize("rows_after", [0, 10, 2000])
def test_text_after_a_fault_is_not_reported(rows_after):
    """Found by the fuzz run: how far the text behind it was read depended on the path."""
    odd = item("x", ItemStatus="\x0b&|")
    feed = price_feed(*ROWS[:1500], "<Item><a b></Item>", *ROWS[:rows_after], odd)
    before, after = feed.encode().split(b"|")
    found = read(before + b"\xff" + after)
    assert (found.codes, len(found.rows)) == (["bad_xml"], 1500)


def test_an_unknown_layout_is_reported_with_its_root_and_first_path():
    rows = "<Row><Kod>1</Kod><Mehir>2</Mehir></Row>" * 3
    found = read(f"<Root>{HEAD}<Rows>{rows}</Rows></Root>")
    assert (found.codes, found.summary.kind) == (["unknown_layout"], None)
    assert "root Root, first path Root/Rows/Row/Kod:" in found.summary.problems[0].detail
    # Known lists do not help when nothing in them is known.
    found = read(f"<Prices>{HEAD}<Items>{rows}</Items></Prices>")
    assert (found.codes, found.rows) == (["unknown_layout"], [])
    assert "root Prices, first path Prices/Items/Row/Kod:" in found.summary.problems[0].detail


@pytest.mark.parametrize(
    ("what", "name", "feed", "kind"),
    [
        ("a count of 0", "Price7290-1-202501010000.gz", price_feed(count=0), "price"),
        ("an empty list", "Price7290-1-202501010000.gz", f"<Root>{HEAD}<Items/></Root>", "price"),
        ("no promotions", "PromoFull7290-1-202501010000.gz", f"<Root>{HEAD}<Promotions>\n</Promotions></Root>", "promofull"),
        ("no sales", "Promo7290-1-202501010000.gz", f"<Root>{HEAD}<Sales Count='0'/></Root>", "promo"),
    ],
)  # fmt: skip
def test_a_feed_that_is_really_empty_is_no_problem(what, name, feed, kind):
    found = read(feed, name)
    assert (found.summary.kind, found.codes, found.summary.complete) == (kind, [], True), what
    assert (found.header.chain_id, found.header.store_id) == ("7290", "007")


def test_an_empty_full_file_is_named_with_what_to_do():
    (problem,) = read(price_feed(count=0)).summary.problems
    assert PRICE_NAME in problem.detail
    assert "announce it again" in problem.detail


def test_all_empty_records_are_counted():
    found = read(price_feed(EMPTY, EMPTY, EMPTY, count=3))
    assert (found.summary.kind, found.summary.read, found.summary.refused) == ("pricefull", 3, 3)
    assert {row.reason for row in found.refused} == {"no_code"}


@pytest.mark.parametrize(
    ("name", "kind", "codes"),
    [
        ("PriceFull7290-1-202501010000.gz", "pricefull", []),
        ("Price7290-1-202501010000.gz", "price", []),
        ("NULLPrice7290-1-202501010000.gz", "price", []),
        ("feed.xml", "price", ["unknown_name"]),
        ("PromoFull7290-1-202501010000.gz", "price", ["kind_differs"]),
        ("Stores7290-0-202501010000.gz", "price", ["kind_differs"]),
    ],
)
def test_what_a_file_holds_counts_and_its_name_says_whether_it_is_full(name, kind, codes):
    found = read(price_feed(item(), count=1), name)
    assert (found.summary.kind, found.codes, found.summary.complete) == (kind, codes, True)


def test_every_problem_is_described():
    assert all(PROBLEMS.values())
    assert PROBLEMS.keys() >= NOTICES


def test_rows_of_other_lists_are_not_taken_for_rows():
    # Items of promotions look like items of price feeds.
    promotion = f"<Promotion>{leaves(PromotionId='1')}<PromotionItems><Item>{leaves(ItemCode='1', ItemName='n')}</Item></PromotionItems></Promotion>"
    found = read(f"<Root>{HEAD}<Promotions>{promotion}</Promotions></Root>", "Promo7290-1-202501010000.gz")
    assert (found.summary.promotions, found.summary.items) == (1, 0)
