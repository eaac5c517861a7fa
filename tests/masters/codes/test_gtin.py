"""Which codes are GTINs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.masters.codes.gtin import END_OF_IDS, FIRST_COMPUTED_ID, computed_master_id, valid_gtins


def check_digit(body: str) -> str:
    """One at a time, as GS1 writes it down: weights 3 and 1 from the right."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return str(-total % 10)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("7290000042435", 7290000042435),
        (" 7290000042435 ", 7290000042435),
        ("07290000042435", 7290000042435),
        ("11210000094", 11210000094),  # a UPC that lost its zero
        ("011210000094", 11210000094),
        ("72961223", 72961223),  # a GTIN-8
        ("7290000042436", 0),  # wrong check digit
        ("2000000000008", 0),  # restricted circulation
        ("20000004", 0),
        ("0200000000004", 0),
        ("1595", 0),
        ("", 0),
        ("729000004243a", 0),
        ("٧٢٩٠٠٠٠٠٤٢٤٣٥", 0),
        ("0000000000000", 0),
        ("1111111111116", 0),
        ("1234567890128", 0),
        ("9800000000008", 0),  # a refund receipt
        ("7290000 042435", 0),
        ("7290000000107", 0),  # a chain's own number, its check digit right by chance
        ("7290000009995", 0),
        ("07290000000107", 0),
        ("7290000010007", 7290000010007),
    ],
)
def test_codes_as_they_are_published(code: str, expected: int) -> None:
    assert valid_gtins([code]).tolist() == [expected]


def test_a_batch_is_judged_code_by_code() -> None:
    codes = ["7290000042435", "5", "", "72961223", "x", "2000000000008"] * 100
    assert valid_gtins(codes).tolist() == [valid_gtins([code])[0] for code in codes]
    assert len(valid_gtins([])) == 0


@given(st.integers(10**11, 10**12 - 1))
def test_a_right_check_digit_and_no_other_makes_a_gtin(body: int) -> None:
    right = check_digit(f"7{body:012d}"[:12])
    code = f"7{body:012d}"[:12]
    found = valid_gtins([code + digit for digit in "0123456789"])
    assert [str(place) for place, gtin in enumerate(found) if gtin] in ([right], [])
    assert found.max() in (0, int(code + right))


@given(st.text(max_size=20))
def test_any_text_is_taken(code: str) -> None:
    found = int(valid_gtins([code])[0])
    assert found == 0 or str(found) == code.strip().lstrip("0")


def test_a_computed_id_is_the_chains_own_and_forever_the_same() -> None:
    ours = computed_master_id("7290027600007", "1595")
    assert ours == computed_master_id("7290027600007", " 001595")
    assert ours != computed_master_id("7290058140886", "1595")
    assert FIRST_COMPUTED_ID <= ours < END_OF_IDS
    assert ours == 1_605_881_762_940_672
