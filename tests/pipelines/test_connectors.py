"""Where a job reads its records."""

from __future__ import annotations

from typing import Any

import pytest

from gogobe.io.kafka.beam import IN_TURN, JOINED
from gogobe.io.kafka.reading import Backlog
from gogobe.pipelines.connectors import KafkaSource
from gogobe.records.messages import DISCOVERED, DOWNLOADED, OVERFLOW
from gogobe.settings import Settings
from tests.io.kafka.test_beam import sent


def source(**own: Any) -> KafkaSource:
    return KafkaSource(Settings(kafka="127.0.0.1:1", expansion_service="127.0.0.1:2"), **own)


def consumer_config(topic: str, **own: Any) -> dict[str, str]:
    return dict(sent(source(**own).records(topic)._read).consumer_config)


def test_announcements_that_wait_are_read_together_and_split_again():
    assert JOINED.items() <= consumer_config(DISCOVERED, is_native=True).items()
    assert source(is_native=True).is_joined(DISCOVERED)


def test_chains_take_turns_in_the_overflow():
    assert IN_TURN.items() <= consumer_config(OVERFLOW, is_native=True).items()
    assert not source(is_native=True).is_joined(OVERFLOW)


def test_files_are_read_one_by_one():
    """Each is work for a long time."""
    assert "max.poll.records" not in consumer_config(DOWNLOADED, is_native=True)
    assert not source(is_native=True).is_joined(DOWNLOADED)


@pytest.mark.parametrize("own", [{}, {"is_native": True, "backlog": Backlog({0: (0, 9)})}])
def test_where_bundles_are_large_or_records_are_counted_none_are_joined(own: dict[str, Any]):
    assert "gogobe.join.from" not in consumer_config(DISCOVERED, **own)
    assert not source(**own).is_joined(DISCOVERED)
