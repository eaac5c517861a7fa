"""The messages' JSON: fixed names, exact prices, and a clear refusal of what does not validate."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gogobe.records.messages import FileDiscovered, decoder, encode
from gogobe.records.rows import Item


def test_discovered_reads_the_architectures_example():
    message = b'{"chain":"shufersal","url":"https://x/y.gz","timestamp":"2025-12-25T10:00:00Z","more":1}'
    assert decoder(FileDiscovered).decode(message) == FileDiscovered(
        chain="shufersal", url="https://x/y.gz", timestamp=datetime(2025, 12, 25, 10, tzinfo=UTC)
    )


def test_a_price_keeps_its_digits_both_ways():
    item = Item(item_code="7290000000001", price=Decimal("10.90"), row=1, master_id=501)
    encoded = encode(item)
    assert b'"ean":"7290000000001","price":10.90' in encoded
    assert decoder(Item).decode(encoded) == item


@pytest.mark.parametrize(
    "message",
    [
        b"not json",
        b'{"chain":"","url":"u","timestamp":"2025-12-25T10:00:00Z"}',
        b'{"chain":"c","url":"u","timestamp":"2025-12-25T10:00:00"}',
        b'{"chain":"c","timestamp":"2025-12-25T10:00:00Z"}',
    ],
)
def test_what_does_not_validate_is_a_value_error(message):
    with pytest.raises(ValueError, match=r".+"):
        decoder(FileDiscovered).decode(message)
