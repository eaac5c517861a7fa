"""The key of a store's order."""

from datetime import UTC, datetime

import pytest

from gogobe.feeds.ordering import publication_order, store_of
from gogobe.records.messages import FileDiscovered, FileDownloaded

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("PriceFull7290027600007-001-202512250300.gz", "c/7290027600007/1"),
        ("Promo7290027600007-1-202512250900.xml", "c/7290027600007/1"),
        ("PriceFull7290027600007-001-357-20260607-034000.gz", "c/7290027600007/357"),
        ("Stores7290876100000-2025042909000.xml", "c/7290876100000/0"),
    ],
)
def test_the_files_of_a_store_have_its_key(name: str, key: str):
    assert store_of(FileDiscovered("c", f"https://p/{name}?sig=1", NOW)) == key
    assert store_of(FileDiscovered("c", "https://p/d?FileNm=1", NOW, name)) == key
    assert store_of(FileDownloaded("c", "s3://b/k", "sha", 1, "https://p/d", name, NOW, NOW)) == key


def test_names_without_a_store_share_a_bounded_number_of_keys():
    keys = {store_of(FileDiscovered("c", f"http://p/{number}.gz", NOW)) for number in range(1000)}
    assert len(keys) == 64
    assert all(key.startswith("c/?") for key in keys)
    # The same name, the same key: a file announced again stays in order.
    assert store_of(FileDiscovered("c", "http://p/1.gz", NOW)) == store_of(
        FileDiscovered("c", "http://q/1.gz", NOW)
    )
    assert store_of(FileDiscovered("c", "http://[bad/a.gz", NOW)).startswith("c/?")


def test_files_are_ordered_by_the_time_in_their_names_and_the_others_come_last():
    in_order = [
        "PriceFull7290027600007-001-202512240300.gz",
        "Price7290027600007-001-202512250300.gz",
        "PriceFull7290027600007-001-202512250300.gz",
        "Price7290027600007-001-357-20260607-034000.gz",
        "catalogue.gz",
        "list.xml",
    ]
    listed = in_order[3:] + in_order[:3]
    assert sorted(listed, key=publication_order) == in_order
