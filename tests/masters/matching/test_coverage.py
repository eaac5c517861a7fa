"""Which part of a chain's range other chains sell: counted by barcodes, or estimated by names."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.masters.build.build import build_snapshot
from gogobe.masters.codes.gtin import chain_hash
from gogobe.masters.matching.chain_context import MIN_CHAIN_ITEMS
from gogobe.masters.matching.coverage import FOUND_BY_NAME, UNKNOWN_SHARE, Coverage, known_coverage
from gogobe.masters.matching.resolver import Resolver
from gogobe.masters.snapshot.files import Snapshot, open_snapshot
from gogobe.masters.snapshot.lexicon import company_of
from gogobe.records.rows import Item


def groups(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.uint32)


def shares(coverage: Coverage, group: int, *, key: int = 0, chance: float = 0.0) -> float:
    found = coverage.log_shares(groups(group), np.array([chance]), np.array([key]))
    return float(np.exp(found[0]))


def test_a_group_of_many_items_has_its_own_share_and_a_small_one_that_of_the_chain() -> None:
    chances = np.array([0.9] * 100 + [0.1] * 100 + [0.9])
    coverage = Coverage.of(groups(*[1] * 100, *[2] * 100, 3), chances)
    assert shares(coverage, 1) == pytest.approx(0.9, abs=0.02)
    assert shares(coverage, 2) == pytest.approx(0.1, abs=0.02)
    assert shares(coverage, 3) == pytest.approx((0.9 + 4 * chances.mean()) / 5)
    assert shares(coverage, 0) == shares(coverage, 4) == pytest.approx(chances.mean())


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1)), min_size=2, max_size=30), st.integers(0, 29))
def test_an_item_says_nothing_of_itself(listed: list[tuple[int, float]], place: int) -> None:
    place %= len(listed)
    keys = np.arange(len(listed)) + 1
    numbers, chances = groups(*[group for group, _ in listed]), np.array([chance for _, chance in listed])
    coverage = Coverage.of(numbers, chances, keys)
    alone = coverage.log_shares(numbers[[place]], chances[[place]], keys[[place]])
    kept = (np.arange(len(listed)) != place) & (numbers == numbers[place]) & (numbers != 0)
    expected = (chances[kept].sum() + 4 * coverage.overall) / (kept.sum() + 4)
    assert float(np.exp(alone[0])) == pytest.approx(max(expected, 0.01), rel=1e-4)


def test_a_chain_beside_an_empty_snapshot(tmp_path: Path) -> None:
    build_snapshot([], tmp_path / "s")
    empty = open_snapshot(tmp_path / "s")
    items = [
        Item(item_code=str(number), price=Decimal(1), row=1, name=f"מגבת {number}")
        for number in range(MIN_CHAIN_ITEMS)
    ]
    counts = Resolver(empty).resolve("a", items)
    assert (counts.new, counts.decisions) == (MIN_CHAIN_ITEMS, [])


def test_nothing_is_known_of_a_chain_without_items() -> None:
    assert shares(Coverage.unknown(), 1) == pytest.approx(UNKNOWN_SHARE)


@pytest.mark.slow
def test_a_chain_in_a_snapshot_is_counted_by_its_barcodes(snapshot: Snapshot) -> None:
    coverage = known_coverage(snapshot, chain_hash("a"))
    company = int(company_of(np.array([7299990000000]))[0])
    assert coverage.company.overall == pytest.approx(FOUND_BY_NAME)  # chain b sells the same
    assert shares(coverage.company, company) == pytest.approx(FOUND_BY_NAME)
    assert known_coverage(snapshot, chain_hash("none")).company.overall == pytest.approx(UNKNOWN_SHARE)
