"""Detection of in-house numbers that look like barcodes."""

from __future__ import annotations

import numpy as np

from gogobe.masters.build.private_numbers import private_numbers
from gogobe.masters.text.facts import Described, describe

NUMBER = 7290102395408


def private(*named: tuple[str, float, bool]) -> list[int]:
    """What is private of one number that so many chains use, each under a name, at a price, weighed or not."""
    facts = describe([Described(name, price=price, is_weighted=weighed) for name, price, weighed in named])[1]
    count = len(named)
    return [
        int(number)
        for number in private_numbers(facts, np.full(count, NUMBER), np.arange(count, dtype=np.uint32))
    ]


def test_other_words_and_weighed_or_far_dearer_is_another_thing() -> None:
    assert private(("פלפל אדום", 9.9, True), ("משלוח עד הבית", 29.9, False)) == [NUMBER]
    assert private(("פלפל אדום", 9.9, True), ("עגבניה", 25.0, True)) == [NUMBER]


def test_loose_goods_under_the_number_of_packed_ones() -> None:
    packed = ("עגבניה מגי מובחרת ארוזה", 17.9, True)
    assert private(packed, ("עגבניה מגי", 9.9, True)) == [NUMBER]
    assert private(packed, ("עגבניה מגי", 14.9, True)) == []
    assert private(packed, ("עגבניה מגי ארוזה", 9.9, True)) == []
    assert private(("לחמניות ארוזות", 17.9, False), ("לחמניות", 9.9, False)) == []


def test_other_words_alone_are_not() -> None:
    assert private(("שמפו", 15.0, False), ("הד אנד שולדרס", 12.9, False)) == []


def test_the_same_words_at_any_price_are_one_thing() -> None:
    assert private(("עגבניה", 2.9, True), ("עגבניות ישראל", 9.9, True)) == []
    assert private(("גזר ארוז", 2.9, True), ("גזר ארוז", 9.9, False)) == []


def test_one_chain_that_misuses_a_barcode_does_not_make_it_private() -> None:
    coffee = ("קפה נמס", 30.0, False)
    assert private(coffee, coffee, coffee, ("דמי כרטיס", 5.0, False)) == []


def test_without_numbers_there_is_nothing_to_find() -> None:
    facts = describe([Described("עגבניה")])[1]
    assert private_numbers(facts, np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.uint32)).tolist() == []
    assert private(("", 1.0, True), ("עגבניה", 9.0, False)) == []
