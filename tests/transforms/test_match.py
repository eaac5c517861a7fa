"""Matching in the pipeline: the snapshot reaches the step, a newer one is taken up, decisions are recorded."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.metrics import MetricsFilter
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that

from gogobe.io.objects import ObjectStore
from gogobe.masters.codes.decisions import Decision
from gogobe.masters.codes.gtin import computed_master_id
from gogobe.masters.published.store import CURRENT, SnapshotStore
from gogobe.records.messages import IngestBatch, decoder, encode
from gogobe.records.rows import Item
from gogobe.transforms.masters import locate_masters
from gogobe.transforms.match import BatchMatcher, Unmatched
from gogobe.transforms.parse import ParseAndMatch
from tests.database.samples import at
from tests.masters.samples import OTHER_GOODS, VEGETABLES, small_snapshot, vegetable_file, vegetable_master

TOMATO = vegetable_master(0)


def batch(*codes: str) -> IngestBatch:
    items = [
        Item(code, Decimal("5.90"), 1, name=name, unit_qty="קילוגרם", quantity=Decimal(1), is_weighted=True)
        for code, name in zip(codes, VEGETABLES, strict=False)
    ]
    items += [Item(code, Decimal("49.90"), 1, name=name) for code, name in OTHER_GOODS.items()]
    return IngestBatch(
        "b-0", "price", "nine", "9", "1", "1", "f", 0, True, at(0), "b", "u", at(0), at(0), items=items
    )


def published(folder: Path, version: str) -> SnapshotStore:
    store = SnapshotStore(str(folder / "masters"))
    small_snapshot(folder / version, version)
    store.publish(folder / version)
    return store


@pytest.mark.slow
def test_items_on_the_topic_carry_their_master(tmp_path: Path):
    snapshots = published(tmp_path, "v1")

    def check(batches: list[IngestBatch]) -> None:
        (only,) = [decoder(IngestBatch).decode(encode(one)) for one in batches]
        items = {item.item_code: item for item in only.items}
        assert len(items) == len(VEGETABLES) + 1 + len(OTHER_GOODS)
        milk = items["7290000042435"]
        assert (milk.master_id, milk.match, milk.score, milk.gtin) == (
            7290000042435,
            "gtin",
            1.0,
            7290000042435,
        )
        tomato = items["501"]
        assert tomato.master_id == TOMATO
        assert tomato.match == "vector"
        assert 0 < tomato.score <= 1
        for item in items.values():
            assert item.master_id
            assert item.match in ("gtin", "vector")

    def check_decisions(lists: list[list[Decision]]) -> None:
        (decisions,) = lists
        tomato = next(one for one in decisions if one.item_code == "501")
        assert (tomato.chain_id, tomato.match, tomato.candidate_id) == ("9", "vector", TOMATO)
        assert tomato.candidate_name == VEGETABLES[0]
        assert tomato.reasons

    with TestPipeline() as pipeline:
        files = pipeline | beam.Create([vegetable_file(tmp_path)])
        matched = files | ParseAndMatch(ObjectStore(str(tmp_path)), snapshots, 1000)
        assert_that(matched.batches, check, "batches")
        assert_that(matched.decisions, check_decisions, "decisions")
    assert pipeline.result is not None
    counters = pipeline.result.metrics().query(MetricsFilter().with_namespace("gogobe.match"))["counters"]
    counts = {one.key.metric.name: one.result for one in counters}
    assert (counts["snapshot_switches"], counts["snapshot_failures"]) == (1, 0)
    assert counts["gtin"] == 1 + len(OTHER_GOODS)
    assert counts["vector"] == len(VEGETABLES)


def test_without_a_snapshot_gtins_resolve_and_the_rest_is_new(tmp_path: Path):
    def check(batches: list[IngestBatch]) -> None:
        (only,) = batches
        assert {item.match for item in only.items if len(item.item_code) == 13} == {"gtin"}
        rest = [item for item in only.items if len(item.item_code) < 13]
        assert {item.match for item in rest} == {"new"}
        assert [item.master_id for item in rest] == [computed_master_id("9", item.item_code) for item in rest]

    with TestPipeline() as pipeline:
        files = pipeline | beam.Create([vegetable_file(tmp_path)])
        store = SnapshotStore(str(tmp_path / "none"))
        assert_that((files | ParseAndMatch(ObjectStore(str(tmp_path)), store, 1000)).batches, check)


def matched_by(matcher: BatchMatcher, code: str) -> str:
    one = batch(code)
    matcher.match(one, Unmatched())
    return one.items[0].match


def test_a_newer_snapshot_is_taken_up_between_bundles(tmp_path: Path):
    store = SnapshotStore(str(tmp_path / "masters"))
    matcher = BatchMatcher(every=0)
    matcher.refresh()
    matcher.begin(locate_masters(store))
    assert matched_by(matcher, "555") == "new"
    for version in ("v1", "v2"):
        published(tmp_path, version)
        deadline = time.monotonic() + 60
        while matcher.version != version:
            assert time.monotonic() < deadline
            matcher.refresh()
            time.sleep(0.01)
        # Sold by weight under a GTIN that the snapshot does not know: it may be the chain's own number.
        assert matched_by(matcher, "7290000042435") == "vector"
    assert matched_by(matcher, "555") == "vector"


def test_a_store_out_of_reach_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    store = published(tmp_path, "v1")
    pointer = tmp_path / "masters" / CURRENT
    pointer.unlink()
    pointer.mkdir()
    address = locate_masters(store)
    assert address.version is None
    assert "cannot be read" in caplog.text
    matcher = BatchMatcher(every=1000)
    matcher.begin(address)
    assert matched_by(matcher, "7290000042435") == "gtin"
    assert matched_by(matcher, "555") == "new"


def test_the_version_that_the_side_input_names_is_there_to_begin_with(tmp_path: Path):
    store = published(tmp_path, "v1")
    address = locate_masters(store)
    assert address.version == "v1"
    pointer = tmp_path / "masters" / CURRENT
    pointer.unlink()
    pointer.mkdir()
    matcher = BatchMatcher(every=1000)
    matcher.begin(address)
    assert matcher.version == "v1"
