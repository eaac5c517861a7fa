"""The commands' clients against a real broker that asks for TLS, SASL and certificates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from confluent_kafka import KafkaException

from gogobe.io.kafka.options import KafkaAddress, KafkaOptions
from gogobe.io.kafka.topics import PublishError, ensure_topics, lag, publish, read_to_end
from gogobe.secrets import Secret
from tests.io.kafka.secure_broker import PASSWORD, Authority, SecureBroker, running_secure_broker

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    with running_secure_broker(tmp_path_factory.mktemp("secure")) as running:
        yield running


@pytest.mark.parametrize("way", ["scram", "plain", "certificate"])
def test_every_client_connects(broker: SecureBroker, way: str):
    address = {
        "scram": broker.address,
        "plain": KafkaAddress(broker.sasl, broker.plain),
        "certificate": KafkaAddress(broker.mutual, broker.certificates),
    }[way]
    ensure_topics(address, [way], partitions=2, replication=1)
    assert publish(address, way, [(b"key", b"value")]) == 1
    assert read_to_end(address, way) == [(b"key", b"value")]
    assert lag(address, "new-group", way) == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sasl_password": Secret.of_value("wrong")}, "Authentication failed"),
        ({"ssl_ca_location": ""}, r"certificate verify failed"),
    ],
)
def test_a_refusal_is_reported_at_once_with_its_reason(
    broker: SecureBroker, changed: dict[str, Any], message: str
):
    address = KafkaAddress(broker.sasl, msgspec.structs.replace(broker.options, **changed))
    for call in (
        lambda: ensure_topics(address, ["x"]),
        lambda: lag(address, "g", "x"),
        lambda: read_to_end(address, "x"),
    ):
        with pytest.raises(KafkaException, match=message) as refused:
            call()
        assert PASSWORD not in str(refused.value)


def test_another_authority_s_broker_is_not_trusted(broker: SecureBroker):
    other = Authority(broker.folder / "other")
    options = msgspec.structs.replace(broker.options, ssl_ca_location=str(other.file))
    with pytest.raises(KafkaException, match="certificate verify failed"):
        ensure_topics(KafkaAddress(broker.sasl, options), ["x"])


def test_publishing_without_credentials_says_why(broker: SecureBroker, monkeypatch: pytest.MonkeyPatch):
    options = KafkaOptions(security_protocol="SSL", ssl_ca_location=broker.options.ssl_ca_location)
    wrong = msgspec.structs.replace(broker.options, sasl_password=Secret.of_value("wrong"))
    with pytest.raises(PublishError, match=r"1 of 1 messages not delivered \(.*Authentication failed"):
        publish(KafkaAddress(broker.sasl, wrong), "x", [(b"k", b"v")])
    monkeypatch.setattr("gogobe.io.kafka.topics.DELIVERY_SECONDS", 3.0)
    with pytest.raises(PublishError, match="1 of 1 messages not delivered"):
        publish(KafkaAddress(broker.sasl, options), "x", [(b"k", b"v")])
