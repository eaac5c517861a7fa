"""Topics and publishing against a real broker."""

from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, OffsetSpec, ResourceType

from gogobe.io.kafka.topics import (
    MAX_MESSAGE_BYTES,
    PublishError,
    commit_offsets,
    ensure_topics,
    lag,
    publish,
    read_to_end,
)
from gogobe.records.messages import OVERFLOW
from tests.discovery.kafka import broker

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with broker(tmp_path_factory.mktemp("kafka")) as address:
        yield address


def test_topics_are_made_once_with_their_partitions_and_size(bootstrap: str):
    ensure_topics(bootstrap, ["made"], partitions=3)
    ensure_topics(bootstrap, ["made", "second", OVERFLOW])
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics = admin.list_topics(timeout=60).topics
    counts = {name: len(topics[name].partitions) for name in ("made", "second", OVERFLOW)}
    assert counts == {"made": 3, "second": 4, OVERFLOW: 32}
    resource = ConfigResource(ResourceType.TOPIC, "made")
    config = admin.describe_configs([resource])[resource].result(60)
    assert int(config["max.message.bytes"].value) == MAX_MESSAGE_BYTES == 16 << 20


def test_a_client_that_finds_no_leader_is_replaced(bootstrap: str, monkeypatch: pytest.MonkeyPatch):
    """It may go on to find none for much longer than the topic has none."""
    asked: list[AdminClient] = []
    real = AdminClient.list_offsets

    def list_offsets(admin: AdminClient, places: dict[TopicPartition, OffsetSpec], **options: float) -> object:
        asked.append(admin)
        if admin is not asked[0]:
            return real(admin, places, **options)
        none: Future[object] = Future()
        none.set_exception(KafkaException(KafkaError(KafkaError._NOENT)))
        return dict.fromkeys(places, none)

    monkeypatch.setattr(AdminClient, "list_offsets", list_offsets)
    ensure_topics(bootstrap, ["without-a-leader"])
    assert len(asked) > 1


def test_what_is_published_is_there_in_order(bootstrap: str):
    ensure_topics(bootstrap, ["ordered"])
    records = [(b"store %d" % (number % 7), b"%d" % number) for number in range(1000)]
    assert publish(bootstrap, "ordered", records) == 1000
    found = read_to_end(bootstrap, "ordered")
    for store in range(7):
        key = b"store %d" % store
        assert [pair for pair in found if pair[0] == key] == [pair for pair in records if pair[0] == key]
    assert len(found) == 1000


def test_a_batch_of_fifteen_megabytes_goes_through(bootstrap: str):
    ensure_topics(bootstrap, ["large"])
    large = b"\x00\x01" * (15 << 19)
    publish(bootstrap, "large", [(b"key", large)])
    assert read_to_end(bootstrap, "large") == [(b"key", large)]


def test_more_than_the_queue_holds_is_published_all_the_same(bootstrap: str):
    ensure_topics(bootstrap, ["many"], partitions=1)
    assert publish(bootstrap, "many", ((b"k", b"%d" % number) for number in range(150_000))) == 150_000
    assert lag(bootstrap, "new-group", "many") == 150_000


def test_a_message_that_is_too_large_is_an_error(bootstrap: str):
    ensure_topics(bootstrap, ["small"])
    with pytest.raises(PublishError, match=r"small at 127\.0\.0\.1.*[Ll]arge"):
        publish(bootstrap, "small", [(b"key", bytes(17 << 20))])
    assert read_to_end(bootstrap, "small") == []


def test_a_topic_that_is_not_there_is_an_error(bootstrap: str):
    with pytest.raises(
        PublishError, match=r"missing at 127\.0\.0\.1:\d+: 1 of 1 messages not delivered \(.*[Tt]opic"
    ):
        publish(bootstrap, "missing", [(b"key", b"value")])


def test_lag_counts_records_after_the_group_s_offsets(bootstrap: str):
    ensure_topics(bootstrap, ["followed"], partitions=2)
    publish(bootstrap, "followed", [(b"k%d" % number, b"value") for number in range(20)])
    assert lag(bootstrap, "readers", "followed") == 20
    commit_offsets(bootstrap, "readers", "followed", {0: 5})
    assert lag(bootstrap, "readers", "followed") == 15
