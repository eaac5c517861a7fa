"""How far a group is in a topic, and how fast messages come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gogobe.io.kafka.progress import TopicProgress, topic_progress
from gogobe.io.kafka.topics import commit_offsets, ensure_topics, publish
from tests.discovery.kafka import broker

pytestmark = pytest.mark.server
SECONDS = 30.0  # a group's coordinator is elected when the group is first asked for


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with broker(tmp_path_factory.mktemp("kafka")) as address:
        yield address


def test_lag_and_rate(kafka: str, tmp_path: Path):
    ensure_topics(kafka, ["progress.read", "progress.unread"], 2)
    publish(kafka, "progress.read", ((b"%d" % n, b"x") for n in range(10)))
    unread, missing = "progress.unread", "progress.missing"
    read, other = topic_progress(kafka, "group", ["progress.read", missing, unread], SECONDS)
    assert read == TopicProgress("progress.read", 10, 10, None, None)
    assert other == TopicProgress(unread, 0, 0, None, None)
    commit_offsets(kafka, "group", "progress.read", {0: 1})
    (read,) = topic_progress(kafka, "group", ["progress.read"], SECONDS)
    assert (read.lag, read.done) == (9, 1)
