"""Where a job reads its records."""

from __future__ import annotations

from gogobe.io.kafka.beam import IN_TURN, JOINED
from gogobe.pipelines.connectors import KafkaSource
from gogobe.records.messages import DISCOVERED, DOWNLOADED, OVERFLOW
from gogobe.settings import Settings
from tests.io.kafka.test_beam import sent


def consumer_config(topic: str) -> dict[str, str]:
    row = sent(KafkaSource(Settings(kafka="127.0.0.1:1", expansion_service="127.0.0.1:2")).records(topic)._read)
    return dict(row.consumer_config)


def test_announcements_that_wait_are_read_together():
    assert JOINED.items() <= consumer_config(DISCOVERED).items()


def test_chains_take_turns_in_the_overflow():
    assert IN_TURN.items() <= consumer_config(OVERFLOW).items()


def test_files_are_read_one_by_one():
    """Each is work for a long time."""
    assert "max.poll.records" not in consumer_config(DOWNLOADED)
