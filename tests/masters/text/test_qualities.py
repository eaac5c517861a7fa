"""Qualities in a name, and the words that name the product."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.masters.text.normal import parse_name
from gogobe.masters.text.qualities import (
    NAMES,
    NEGATED,
    PARTS,
    QUALITIES,
    USUAL,
    WITH_IT,
    WITHOUT_IT,
    bits_of,
    read_qualities,
)


def read(name: str, *, may_be_cut: bool = False) -> tuple[list[str], dict[str, set[str]]]:
    """The words that name the thing, and the values of its qualities."""
    words = parse_name(name).words
    reading = read_qualities(words, may_be_cut=may_be_cut)
    values = {}
    for column, bits in reading.bits.items():
        if column < len(QUALITIES):
            known = {value for bit, value in enumerate(QUALITIES[column].values) if bits >> bit & 1}
        else:
            known = {value for bit, value in ((WITH_IT, "with"), (WITHOUT_IT, "without")) if bits & bit}
        values[NAMES[column]] = known
    return [word for place, word in enumerate(words) if reading.naming >> place & 1], values


@pytest.mark.parametrize(
    ("name", "naming", "qualities"),
    [
        ("עגבנייה ישראל", ["עגבניה"], {}),
        ("בטטה מובחרת", ["בטטה"], {}),
        ("מלון קנרי", ["מלונ", "קנרי"], {}),
        ("פלפל ירוק כהה", ["פלפל"], {"colour": {"green", "dark"}}),
        ("תפוח אדמה לבן בתפזורת", ["תפוח", "אדמה"], {"colour": {"white"}, "packing": {"loose"}}),
        ("מלפפון בחומץ", ["מלפפונ"], {"process": {"in vinegar"}}),
        ("מארז אבוקדו ברשת", ["אבוקדו"], {"packing": {"packed", "net"}}),
        ("כרוב לבן כשר (ק)", ["כרוב"], {"colour": {"white"}, "supervision": {"free of insects"}}),
        ("אסאדו ללא עצם טרי", ["אסאדו"], {"bone": {"without"}, "state": {"fresh"}}),
        ("נתח אסאדו טרי ללאעצם", ["אסאדו"], {"bone": {"without"}, "state": {"fresh"}, "cut": {"pieces"}}),
        ("גבינה מעושנת", [], {"process": {"smoked"}}),
        (
            "חזה עוף קפוא מחפוד",
            ["חזה"],
            {"animal": {"chicken"}, "state": {"frozen"}, "supervision": {"mahpud"}},
        ),
        ("בוטנים קלויים", ["בוטנימ"], {"process": {"roasted"}}),
        ("שזיף מגולען", ["שזיפ"], {"stone": {"without"}}),
        ("אבטיח ללא גרעינים", ["אבטיח"], {"stone": {"without"}}),
        ("נתחי הודו טריים", [], {"animal": {"turkey"}, "cut": {"pieces"}, "state": {"fresh"}}),
        ("תפוז סיני", ["תפוז", "סיני"], {}),
        ("עלי סלרי", ["עלי", "סלרי"], {}),
    ],
)
def test_names_of_a_shelf(name: str, naming: list[str], qualities: dict[str, set[str]]) -> None:
    found, values = read(name)
    assert values == qualities
    assert found == (naming or found)


def test_a_part_says_something_only_behind_with_or_without() -> None:
    assert read("עור עוף")[1] == {"animal": {"chicken"}}
    assert read("פילה סלמון עם עור")[1]["skin"] == {"with"}
    assert read("פילה סלמון בלי עור")[1]["skin"] == {"without"}


def test_where_nothing_else_names_a_thing_its_kind_does() -> None:
    assert read("דג טרי")[0] == ["דג"]
    assert read("דג דניס טרי")[0] == ["דניס"]


def test_a_kind_behind_the_thing_is_what_it_is_made_of() -> None:
    assert read("גבינת ברי פקאן")[0] == ["ברי", "פקאנ"]
    assert read("בורקס גבינה")[0] == ["בורקס", "גבינה"]
    assert read("לחם שיפון אגוזים")[0] == ["לחמ", "שיפונ", "אגוזימ"]


def test_a_value_that_is_negated_is_another_value() -> None:
    words = parse_name("בוטנים לא קלויים").words
    column = NAMES.index("process")
    assert read_qualities(words).bits == {column: NEGATED}
    assert read("מוח בקר לא מוכשר")[1] == {"animal": {"beef"}}


def test_a_word_that_the_end_of_a_name_cuts_off() -> None:
    assert read("כרוב אדום רמי לוי מהד", may_be_cut=True)[1]["supervision"] == {"mehadrin"}
    assert "supervision" not in read("כרוב אדום רמי לוי מהד")[1]
    assert read("כרוב אדום רמי לוי מ", may_be_cut=True)[1] == {"colour": {"red"}}


def test_the_table_is_whole() -> None:
    assert len(set(NAMES)) == len(NAMES) == len(QUALITIES) + len(PARTS) == len(USUAL)
    for column, quality in enumerate(QUALITIES):
        assert len(quality.values) <= 15
        assert bits_of(column, quality.usual) | NEGATED == USUAL[column]
        for pair in quality.near:
            assert set(pair) <= set(quality.values)
    assert USUAL.dtype == np.uint16


@given(st.text())
def test_any_name_can_be_read(name: str) -> None:
    words = parse_name(name).words
    reading = read_qualities(words, may_be_cut=True)
    assert reading.naming >> len(words) == 0
    assert all(0 <= column < len(NAMES) and 0 < bits < 1 << 16 for column, bits in reading.bits.items())
