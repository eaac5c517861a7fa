"""The age of a topic's messages, against a real broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from gogobe.io.kafka.retention import retention_ms, set_retention, topic_config
from gogobe.io.kafka.topics import MAX_MESSAGE_BYTES, ensure_topics
from tests.discovery.kafka import broker
from tests.local.waiting import wait_for

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with broker(tmp_path_factory.mktemp("kafka")) as address:
        yield address


def setting(bootstrap: str, topic: str, name: str) -> int:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    found = admin.describe_configs([resource])[resource].result(60)
    return int(found[name].value)


def test_new_topics_get_their_age_and_old_ones_another(bootstrap: str):
    ensure_topics(bootstrap, ["made", "other"], config=topic_config(3))
    assert setting(bootstrap, "made", "retention.ms") == 3 * 86_400_000
    assert set_retention(bootstrap, ["made", "other", "missing"], 3) == []
    assert set_retention(bootstrap, ["made", "missing"], 5, dry_run=True) == ["made"]
    assert setting(bootstrap, "made", "retention.ms") == 3 * 86_400_000
    assert set_retention(bootstrap, ["made", "missing"], 5) == ["made"]
    # The controller has taken it; the broker, which is asked, learns of it a little later.
    wait_for(lambda: setting(bootstrap, "made", "retention.ms") == retention_ms(5))
    assert setting(bootstrap, "made", "max.message.bytes") == MAX_MESSAGE_BYTES, "other settings stay"
    assert set_retention(bootstrap, ["made"], 0) == ["made"]
    wait_for(lambda: setting(bootstrap, "made", "retention.ms") == -1)
