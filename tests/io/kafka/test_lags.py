"""Lags of topics."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaException

from gogobe.io.kafka.lags import Lags
from gogobe.io.kafka.offsets import PartitionOffsets
from gogobe.io.kafka.topics import commit_offsets, ensure_topics, publish
from tests.discovery.kafka import broker


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with broker(tmp_path_factory.mktemp("kafka")) as address:
        yield address


@pytest.mark.server
def test_offsets_of_several_topics(kafka: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gogobe.io.kafka.lags.REQUEST_SECONDS", 60.0)
    ensure_topics(kafka, ["lags.one", "lags.two"], 2)
    publish(kafka, "lags.one", ((b"%d" % n, b"x") for n in range(10)))
    commit_offsets(kafka, "group", "lags.two", {0: 0})  # the group has a coordinator from here on
    lags = Lags(kafka, "group", {"lags.one": None, "lags.two": [1]})
    first = lags.now()
    assert sum(one.lag for one in first["lags.one"].values()) == 10
    assert first["lags.two"] == {1: PartitionOffsets(0, 0, 0)}
    publish(kafka, "lags.two", ((b"%d" % n, b"x") for n in range(10)))
    written = lags.now()["lags.two"][1].high
    assert 0 < written < 10, "of the given partition only"
    commit_offsets(kafka, "group", "lags.two", {1: written - 1})
    assert lags.now()["lags.two"] == {1: PartitionOffsets(0, written, written - 1)}
    lags.close()


@pytest.mark.server
def test_partitions_that_are_added_are_not_those_of_a_running_job(kafka: str, monkeypatch: pytest.MonkeyPatch):
    """They are not read before the job is submitted again."""
    monkeypatch.setattr("gogobe.io.kafka.lags.REQUEST_SECONDS", 60.0)
    ensure_topics(kafka, ["lags.grown"], 4)
    commit_offsets(kafka, "reader", "lags.grown", {0: 0, 2: 0})
    read, unread = Lags(kafka, "reader", {"lags.grown": None}), Lags(kafka, "none", {"lags.grown": None})
    assert set(read.now()["lags.grown"]) == {0, 2}
    assert set(unread.now()["lags.grown"]) == {0, 1, 2, 3}
    commit_offsets(kafka, "reader", "lags.grown", {1: 0})
    assert set(read.now()["lags.grown"]) == {0, 2}
    read.close()
    unread.close()


@pytest.mark.server
def test_a_missing_topic_is_no_empty_one(kafka: str):
    lags = Lags(kafka, "group", {"lags.missing": None})
    with pytest.raises(KafkaException):
        lags.now()
    lags.close()


def test_without_a_broker_nothing_is_known():
    lags = Lags("127.0.0.1:1", "group", {"lags.one": None})
    with pytest.raises(KafkaException):
        lags.now()
    lags.close()


def test_an_offset_that_retention_has_passed_counts_as_the_first_one_left():
    assert PartitionOffsets.of(100, 120, 7).lag == 20
    assert PartitionOffsets.of(100, 120, -1001).lag == 20
    assert PartitionOffsets.of(100, 120, 120).lag == 0
