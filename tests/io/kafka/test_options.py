"""TLS and SASL options: what contradicts itself is named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gogobe.io.kafka.options import KafkaAddress, KafkaOptions, KafkaOptionsError, kafka_address
from gogobe.secrets import Secret, redacted

SASL: dict[str, Any] = {
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "PLAIN",
    "sasl_username": "u",
    "sasl_password": Secret("secret://env/A"),
}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sasl_username": "u"}, "sasl.username is set, and security.protocol is PLAINTEXT: set SASL_SSL or SASL_PLAINTEXT"),
        ({"security_protocol": "SSL", "sasl_mechanism": "PLAIN"}, "sasl.mechanism is set, and security.protocol is SSL: set SASL"),
        ({"ssl_ca_location": "/ca"}, "ssl.ca.location is set, and security.protocol is PLAINTEXT: set SSL or SASL_SSL"),
        ({"ssl_endpoint_identification_algorithm": "none"}, "ssl.endpoint.identification.algorithm is set, and"),
        (SASL | {"security_protocol": "SASL_PLAINTEXT", "ssl_ca_location": "/ca"}, "ssl.ca.location is set, and"),
        (SASL | {"sasl_mechanism": ""}, "security.protocol is SASL_SSL, and sasl.mechanism is not set"),
        (SASL | {"sasl_username": ""}, "security.protocol is SASL_SSL, and sasl.username is not set"),
        (SASL | {"sasl_password": None}, "security.protocol is SASL_SSL, and sasl.password is not set"),
        ({"security_protocol": "SSL", "ssl_key_location": "/k"}, "ssl.certificate.location and ssl.key.location go together"),
        ({"security_protocol": "SSL", "ssl_certificate_location": "/c"}, "ssl.certificate.location and ssl.key.location go together"),
        ({"security_protocol": "SSL", "ssl_key_password": Secret("secret://env/A")}, "ssl.key.password is set, and ssl.key.location is not"),
    ],
)  # fmt: skip
def test_a_contradiction_is_named(options: dict[str, Any], message: str):
    with pytest.raises(KafkaOptionsError, match=f"^{message}"):
        KafkaOptions(**options).check()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"security_protocol": "SSL"},
        SASL,
        SASL | {"security_protocol": "SASL_PLAINTEXT"},
        SASL | {"ssl_certificate_location": "/c", "ssl_key_location": "/k"},
    ],
)
def test_what_goes_together_passes(options: dict[str, Any]):
    KafkaOptions(**options).check()


def test_the_names_are_librdkafka_s_and_defaults_are_left_out():
    assert msgspec.json.encode(KafkaOptions(**SASL), enc_hook=redacted).decode() == (
        '{"security.protocol":"SASL_SSL","sasl.mechanism":"PLAIN","sasl.username":"u","sasl.password":"secret://env/A"}'
    )
    assert msgspec.json.encode(KafkaOptions()) == b"{}"


def test_bootstrap_servers_alone_are_an_address():
    assert kafka_address("h:1,h:2") == KafkaAddress("h:1,h:2", KafkaOptions())
    assert f"{KafkaAddress('h:1', KafkaOptions(**SASL))}" == "h:1"
