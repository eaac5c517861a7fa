"""Rows that are no goods: the labelled rows of six chains, and rows that sound like them."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.feeds.services import RULES, is_service

# Read by hand: rows that are no goods, and goods whose names sound like them.
LABELLED = Path(__file__).parent / "data" / "services.csv"


def test_precision_and_recall_on_the_labelled_rows():
    with LABELLED.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {row["code"]: is_service(row["name"], Decimal(row["price"]), row["code"]) for row in rows}
    wrong = [row["name"] for row in rows if found[row["code"]] and row["service"] == "0"]
    missed = [row["name"] for row in rows if not found[row["code"]] and row["service"] == "1"]
    assert len(rows) == 105
    assert (wrong, missed) == ([], [])


@pytest.mark.parametrize(
    ("name", "price", "code"),
    [
        ("משלוח בתוך העיר", "30", "7290000000056"),
        ("*דמי משלוח", "25", "4"),
        ("דמי פיקדון ארגז", "12", "4"),
        ("ערבון חבית", "100", "77"),
        ("תרומה לבית אלמוג", "15", "7290000101114"),
        ("שקית גופיה בודד.", "0.1", "7290015514866"),
        ("משטח עץ שבור", "4", "7290000963457"),
        ("תו קניה 100", "100", "7290000000100"),
        ("חלב 3%", "0.01", "7290000000101"),
        ("פירות וירקות", "0.00", "88888111"),
        ("לא לאתר  ", "59.9", "1664483"),
    ],
)
def test_no_goods(name, price, code):
    assert is_service(name, Decimal(price), code)
    assert is_service(name, float(price), code)


@pytest.mark.parametrize(
    ("name", "price", "code"),
    [
        ("משלוח מנות לפורים", "39.9", "7290000000132"),
        ("קוקה קולה 1.5 ליטר פיקדון", "8.5", "7290110115210"),
        ("מברשת הנחת צללית 36", "69", "7290117530689"),
        ("שקיות גופיה 75/90", "13.9", "7290108271485"),
        ("משטח עץ משובח", "41.8", "7290118665144"),
        ("דמי מייקאפ שזוף", "130", "9354477000201"),
        ("כרוב לבן שלם", "0.00", "7290000996117"),
        ("לא לאתר קוקה קולה", "108.9", "110"),
        ("בדיקת הריון", "29.6", "8437004395092"),
        ("", "1", "1"),
    ],
)
def test_goods(name, price, code):
    assert not is_service(name, Decimal(price), code)
    assert not is_service(name, None, code)


@given(st.text(), st.decimals(0, 1000, places=2) | st.none(), st.text())
def test_never_raises(name, price, code):
    assert is_service(name, price, code) in (True, False)


def test_each_kind_occurs_once():
    kinds = [rule.kind for rule in RULES]
    assert len(set(kinds)) == len(kinds)
