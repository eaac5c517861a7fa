"""What Beam's Java side is asked for: the configuration in the pipeline that is submitted."""

from __future__ import annotations

from typing import Any

import pytest
from apache_beam.coders import RowCoder
from apache_beam.portability.api import external_transforms_pb2
from apache_beam.transforms.external import ExternalTransform

from gogobe.io.kafka.beam import IN_TURN, JOINED, UP_TO_OFFSETS, ReadTopic, WriteTopic
from gogobe.io.kafka.reading import Backlog

KAFKA, EXPANSION = "127.0.0.1:1", "127.0.0.1:2"


def sent(transform: ExternalTransform) -> Any:
    """The configuration that the expansion service gets, as a row."""
    payload = external_transforms_pb2.ExternalConfigurationPayload()
    payload.ParseFromString(transform._payload)
    return RowCoder(payload.schema).decode(payload.payload)


def test_offsets_are_committed_when_the_work_is_final_and_never_by_the_client():
    row = sent(ReadTopic("t", KAFKA, "a-group", EXPANSION)._read)
    assert row.commit_offset_in_finalize is True
    assert row.consumer_config["enable.auto.commit"] == "false"
    assert (row.consumer_config["group.id"], list(row.topics)) == ("a-group", ["t"])
    assert row.consumer_config["auto.offset.reset"] == "earliest", "a new group reads all that there is"


@pytest.mark.parametrize(
    "how", [{"partitions": [0, 2]}, {"backlog": Backlog({0: (3, 7)})}], ids=["partitions", "backlog"]
)
def test_no_way_of_reading_commits_by_itself(how: dict[str, Any]):
    row = sent(ReadTopic("t", KAFKA, "a-group", EXPANSION, **how)._read)
    assert row.consumer_config["enable.auto.commit"] == "false"
    # Offsets of partitions are committed by the class in java/overrides, those of a backlog by the caller.
    assert not getattr(row, "commit_offset_in_finalize", False)


def test_a_record_counts_as_written_when_all_replicas_have_it():
    row = sent(WriteTopic("t", KAFKA, EXPANSION)._write)
    assert row.producer_config["acks"] == "all"
    assert row.topic == "t"


@pytest.mark.parametrize("pace", [IN_TURN, JOINED], ids=["in turn", "joined"])
def test_a_backlog_is_read_at_no_pace(pace: dict[str, str]):
    """It counts records, and has an interceptor of its own."""
    unbounded = sent(ReadTopic("t", KAFKA, "a-group", EXPANSION, pace=pace)._read)
    assert dict(pace).items() <= dict(unbounded.consumer_config).items()
    backlog = Backlog({0: (3, 7)})
    bounded = sent(ReadTopic("t", KAFKA, "a-group", EXPANSION, backlog=backlog, pace=pace)._read)
    assert bounded.consumer_config["interceptor.classes"] == UP_TO_OFFSETS
    assert not {"max.poll.records", "gogobe.join.from"} & set(bounded.consumer_config)
