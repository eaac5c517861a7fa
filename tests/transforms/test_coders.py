"""Elements between stages: each type comes back as it was, from bytes that are always the same."""

from __future__ import annotations

import pickle
from decimal import Decimal
from typing import Any

import pytest
from apache_beam import coders

from gogobe.database.load.loader import FailedBatch, LoadResult
from gogobe.masters.codes.decisions import Decision
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.messages import DeadLetter, FileDiscovered, FileDownloaded, WaitingFile
from gogobe.transforms.coders import ELEMENT_TYPES, PADDED_BYTES, MessageCoder
from gogobe.transforms.masters import MastersAddress
from tests.database.samples import at, file_batches, item, promotion

(BATCH,) = file_batches([item("1", "5.90"), item("2", "0.10", quantity=Decimal("1.50"), score=0.1)])
ELEMENTS = [
    FileDiscovered("shufersal", "http://p.example/x", at(1)),
    FileDownloaded("shufersal", "s3://b/x", "ab", 1, "http://p.example/x", "x", at(1), at(2)),
    BATCH,
    WaitingFile("x", "http://p.example/x", "x", at(1), "p.example", "slow", "", False, 1, at(1), at(2), at(3)),
    DeadLetter("parse", "truncated", "cut short", 'א\0\x1f\\"', at(1), chain="x"),
    LoadResult(batches=2, failed=[FailedBatch(BATCH, "refused_by_database", "detail", "cause")]),
    Decision("vector", "9", "501", "עגבניה", 1, 2, "עגבניות", 0.1 + 0.2, ["same name"]),
    MastersAddress(SnapshotStore("s3://b/masters", "http://127.0.0.1:1"), None),
]


def test_every_type_has_an_example():
    assert {type(one) for one in ELEMENTS} == set(ELEMENT_TYPES)


@pytest.mark.parametrize("element", ELEMENTS, ids=lambda one: type(one).__name__)
def test_an_element_comes_back_as_it_was(element: Any):
    coder = coders.registry.get_coder(type(element))
    assert coder == MessageCoder(type(element))
    assert coder.is_deterministic()
    sent: MessageCoder = pickle.loads(pickle.dumps(coder))
    assert sent == coder
    assert sent.decode(coder.encode(element)) == element
    assert coder.encode(sent.decode(coder.encode(element))) == coder.encode(element)


def test_few_files_fit_into_a_runner_s_buffers():
    """A checkpoint waits for the files in flight."""
    sizes = {type(one): len(MessageCoder(type(one)).encode(one)) for one in ELEMENTS}
    assert sizes.pop(FileDiscovered) == sizes.pop(FileDownloaded) == PADDED_BYTES
    assert max(sizes.values()) < PADDED_BYTES


def test_promotions_come_back_as_they_were():
    (batch,) = file_batches([promotion("1", "2", "3", discounted_price=Decimal("9.90"))], kind="promo")
    coder = MessageCoder(type(batch))
    assert coder.decode(coder.encode(batch)) == batch


def test_a_text_that_utf_8_does_not_hold_stops_nothing():
    """A coder runs between steps, where no dead letter can be made of an element."""
    (batch,) = file_batches([item("1", "5.90", name="a\ud800b"), item("2", "0.10")])
    coder = MessageCoder(type(batch))
    found = coder.decode(coder.encode(batch))
    assert [(one.name, one.price) for one in found.items] == [
        ("a\ufffdb", Decimal("5.90")),
        ("item 2", Decimal("0.10")),
    ]
    failed = LoadResult(failed=[FailedBatch(batch, "reason", "detail", "cause")])
    assert MessageCoder(LoadResult).decode(MessageCoder(LoadResult).encode(failed)).failed[0].batch == found
