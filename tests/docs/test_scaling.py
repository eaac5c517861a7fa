"""docs/scaling.md has the figures that benchmarks/capacity.py computes, and these follow from their inputs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.capacity import Capacity, Market, Measured, Prices, Rules, capacity, pages

PAGE = Path(__file__).parent.parent.parent / "docs" / "scaling.md"


@pytest.mark.parametrize("name", sorted(pages(capacity())))
def test_a_table_of_the_page_is_the_computed_one(name: str) -> None:
    (shown,) = re.findall(rf"<!-- {name} -->\n(.*?)\n<!-- end -->", PAGE.read_text(), re.DOTALL)
    assert shown == pages(capacity())[name], "run `python -m benchmarks.capacity` and take its table over"


def small() -> Capacity:
    """Numbers that can be added up by hand."""
    market = Market(
        chains=2,
        stores=10,
        items=1_000,
        promotions=100,
        items_of_a_promotion=2,
        update_files=3,
        prices_changed=0.1,
        promotions_changed=0.2,
        full_hours=1.0,
        burst=2.0,
        codes_of_a_chain=1_500,
        masters=2_000,
    )
    return Capacity(market, Measured(), Prices(), Rules())


def test_the_arithmetic() -> None:
    of = small()
    assert of.files == 10 * (1 + 3) * 2
    assert of.item_rows == 10 * 1_100
    assert of.promotion_rows == 10 * 120
    assert of.batches == 10 * (2 + 1 + 3 + 3)
    assert of.feed_bytes == 11_000 * 43 + 1_200 * 65
    assert of.message_bytes == 11_000 * 450 + 1_200 * 943 + 2 * 80 * 700
    assert of.peak == pytest.approx(11_000 / 3600 * 2)
    assert of.changes_a_day == 1_000
    assert of.promotions_written == 10 * 20 * 3
    assert of.ledger_bytes_a_day == 80 * Measured().file + 90 * Measured().batch
    sizes = {name: (rows, size) for name, rows, size in of.tables}
    rows = {name: count for name, (count, _) in sizes.items()}
    assert rows["`price_changes`"] == 1_000 * 30 * 13
    assert (rows["`prices`"], rows["`promotion_items`"]) == (10_000, 2_000)
    assert sizes["`prices`"][1] == 10_000 * Measured().price
    assert of.database_bytes == sum(size for _, size in sizes.values())


def test_costs_grow_with_the_stores() -> None:
    one = capacity()
    twice = replace(one, market=replace(one.market, stores=2 * one.market.stores))
    before, after = ({what: dollars for what, _, dollars in of.costs} for of in (one, twice))
    assert all(after[what] >= dollars for what, dollars in before.items())
    for linear in ("Kafka's disks", "raw files in the object store", "puts into the object store"):
        assert after[linear] == pytest.approx(2 * before[linear])
    assert twice.peak == pytest.approx(2 * one.peak)
    assert twice.partitions == 2 * one.partitions
