"""Hebrew that was decoded wrongly before it was encoded, and attributes without quotes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.feeds.repairs import HebrewRepair, with_quotes
from tests.feeds.documents import HEAD, item, price_feed, read

HEBREW = 'במבה אסם 80 גרם, נס קפה ק"ג ₪ 5 – פחמימות'
NAMES = ["במבה", "נס קפה", 'ק"ג', "חלב 3%", "שוקולד פרה", "אבגדהוזחטיכלמנסעפצקרשת ךםןףץ"]


def shown_as(text: str, encoding: str, shown: str) -> str:
    """Text as it shows when its bytes are taken for another encoding's; bytes that this lacks as in Latin-1."""
    characters = []
    for byte in text.encode(encoding):
        char = bytes([byte]).decode(shown, "replace")
        characters.append(chr(byte) if char == "\ufffd" else char)
    return "".join(characters)


WRONG = [
    ("windows-1255", "latin-1"), ("windows-1255", "cp1252"), ("iso-8859-8", "latin-1"),
    ("utf-8", "latin-1"), ("utf-8", "cp1252"), ("utf-8", "cp1255"),
]  # fmt: skip


@pytest.mark.parametrize(("encoding", "shown"), WRONG)
@pytest.mark.parametrize("again", [None, "latin-1", "cp1252"])
@pytest.mark.parametrize("lost", ["\xa0", " "])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_read_as_it_was_meant(encoding: str, shown: str, again: str | None, lost: str, name: str):
    wrong = shown_as(name, encoding, shown)
    if again is not None:
        wrong = shown_as(wrong, "utf-8", again)
    repair = HebrewRepair()
    # A no-break space (the second byte of נ in UTF-8) often arrives as a plain one.
    assert repair.repaired(f"<a>{wrong.replace(chr(0xA0), lost)}</a>") == f"<a>{name}</a>"
    assert repair.count == 1


def test_signs_and_punctuation_come_along():
    for encoding, shown in WRONG:
        if encoding != "iso-8859-8":
            assert HebrewRepair().repaired(f"<a>{shown_as(HEBREW, encoding, shown)}</a>") == f"<a>{HEBREW}</a>"


@pytest.mark.parametrize(
    "text",
    [
        "crème brûlée à la maison", "où été café", "CAFÉ Nescafé", "não são Müller Häagen-Dazs", "3 × 4 × 5", "é è",
        "ג׳ירף, צ׳יפס ז׳ ׳", "½ ק״ג", "Señor ½ ° ÷ 2", "Ã", "× ", "", "£5 ±2", HEBREW, "a÷b à", "Ça où à â",
    ],
)  # fmt: skip
def test_what_is_right_stays(text: str):
    repair = HebrewRepair()
    assert repair.repaired(f"<a>{text}</a><b>{text}</b>") == f"<a>{text}</a><b>{text}</b>"
    assert repair.count == 0


@given(st.text(alphabet="אבגדהוזחטיכלמנסעפצקרשת abcXYZ0123456789.,-%/()", max_size=40))
def test_hebrew_and_plain_letters_are_never_touched(text: str):
    assert HebrewRepair().repaired(f"<a>{text}</a>") == f"<a>{text}</a>"


def test_one_letter_is_repaired_where_others_were():
    wrong, unit = shown_as("חלב", "windows-1255", "latin-1"), shown_as("ל'", "windows-1255", "latin-1")
    assert HebrewRepair().repaired(f"<a>{unit}</a>") == f"<a>{unit}</a>"
    repair = HebrewRepair()
    assert repair.repaired(f"<a>{wrong}</a>") == "<a>חלב</a>"
    assert repair.repaired(f"<a>{unit}</a><b>Nescafé</b>") == "<a>ל'</a><b>Nescafé</b>"


@pytest.mark.parametrize(("encoding", "shown"), [("windows-1255", "latin-1"), ("utf-8", "cp1252")])
@pytest.mark.parametrize("written", ["utf-8", "utf-16"])
def test_a_whole_feed_wherever_its_pieces_are_cut(encoding: str, shown: str, written: str):
    name = "במבה אסם ארוזה"
    rows = [item(str(number)).replace(">n<", f">{shown_as(name, encoding, shown)}<") for number in range(3000)]
    right = [item(str(number)).replace(">n<", f">{name}<") for number in range(300)]
    found = read(price_feed(*rows, *right).encode(written))
    assert {row.name for row in found.rows} == {name}
    # Names that are nearly all the same are reported, too.
    assert (found.codes, found.summary.complete) == (["mojibake", "implausible_names"], True)


@pytest.mark.parametrize(
    ("tag", "repaired"),
    [
        ("<a b=1>", '<a b="1">'),
        ("<a b=1 c=x.y/>", '<a b="1" c="x.y"/>'),
        ("<a b='1' c=2 d=\"3\">", '<a b=\'1\' c="2" d="3">'),
        ("<a\n b = 12 >", '<a\n b = "12" >'),
        ("<?xml version=1.0 encoding=utf-8?>", '<?xml version="1.0" encoding="utf-8"?>'),
        ("<a href=http://x/y>", '<a href="http://x/y">'),
        ("<a b=x=y>", "<a b=x=y>"),
    ],
)
def test_quotes_around_values(tag: str, repaired: str):
    assert with_quotes(f"<r>{tag}<b c='d=e'>1 = 2</b>")[0] == f"<r>{repaired}<b c='d=e'>1 = 2</b>"


@pytest.mark.parametrize(
    "text", ["<a>x = y</a>", "<a b='c=d'>", '<a b="1" c="2">', "a=b", "=", "<a>=</a>", "<a =b>"]
)
def test_what_has_its_quotes_stays(text: str):
    assert with_quotes(text) == (text, 0)


@pytest.mark.parametrize("rows", [1, 2000])
def test_a_feed_with_attributes_without_quotes(rows: int):
    feed = price_feed(*(item(str(number)).replace("<Item>", "<Item a=1 b='2'>") for number in range(rows)))
    found = read(f"<?xml version=1.0 encoding=utf-8?>{feed.replace('<Items>', f'<Items Count={rows}>')}")
    assert (len(found.rows), found.summary.announced) == (rows, rows)
    assert (found.codes, found.summary.complete) == (["unquoted_attributes"], True)


def test_attributes_within_cdata_are_text():
    name = "<![CDATA[<a b=c>]]>"
    found = read(f"<Root>{HEAD}<Items>{item('1').replace('>n<', f'>{name}<')}</Items></Root>")
    assert (found.rows[0].name, found.codes) == ("<a b=c>", [])
