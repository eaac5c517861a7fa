"""TLS and SASL of Kafka's clients: one table of options for all clients, in Python and in Java.

The names are librdkafka's (https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md);
`clients.py` translates them for Java clients.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from gogobe.secrets import Secret

SASL_PROTOCOLS: Final = ("SASL_PLAINTEXT", "SASL_SSL")
TLS_PROTOCOLS: Final = ("SSL", "SASL_SSL")


class KafkaOptionsError(Exception):
    """Options that contradict each other, or that a client cannot use; the message has their names."""


def _dotted(name: str) -> str:
    return name.replace("_", ".")


class KafkaOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename=_dotted):
    """Authentication and trust of clients. Without any option a client uses PLAINTEXT.

    Files are PEM, and are read on every machine with a client: the one that submits a pipeline, and its
    workers. An empty `ssl.ca.location` means the certificates that the system (in Java: the JDK) trusts.
    """

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = ""
    sasl_username: str = ""
    sasl_password: Secret | None = None
    ssl_ca_location: str = ""
    ssl_certificate_location: str = ""
    ssl_key_location: str = ""
    ssl_key_password: Secret | None = None
    ssl_endpoint_identification_algorithm: Literal["https", "none"] = "https"

    def check(self) -> None:
        """Raises KafkaOptionsError for the first contradiction."""
        for problem in self._contradictions():
            raise KafkaOptionsError(problem)

    def _contradictions(self) -> Iterator[str]:
        protocol = self.security_protocol
        sasl = self._given("sasl.")
        tls = self._given("ssl.")
        if protocol in SASL_PROTOCOLS:
            for name in ("sasl.mechanism", "sasl.username", "sasl.password"):
                if name not in sasl:
                    yield f"security.protocol is {protocol}, and {name} is not set"
        elif sasl:
            yield f"{sasl[0]} is set, and security.protocol is {protocol}: set SASL_SSL or SASL_PLAINTEXT"
        if tls and protocol not in TLS_PROTOCOLS:
            yield f"{tls[0]} is set, and security.protocol is {protocol}: set SSL or SASL_SSL"
        if bool(self.ssl_certificate_location) != bool(self.ssl_key_location):
            yield "ssl.certificate.location and ssl.key.location go together: one of them is not set"
        if self.ssl_key_password is not None and not self.ssl_key_location:
            yield "ssl.key.password is set, and ssl.key.location is not"

    def _given(self, prefix: str) -> list[str]:
        """The options with this prefix that differ from their default."""
        return [
            field.encode_name
            for field in msgspec.structs.fields(self)
            if field.encode_name.startswith(prefix) and getattr(self, field.name) != field.default
        ]


class KafkaAddress(msgspec.Struct, frozen=True):
    """A Kafka cluster: its bootstrap servers (HOST:PORT[,HOST:PORT…]) and how clients connect to them."""

    bootstrap: str
    options: KafkaOptions = KafkaOptions()

    def __str__(self) -> str:
        return self.bootstrap


Kafka = str | KafkaAddress


def kafka_address(kafka: Kafka) -> KafkaAddress:
    """An address of either form. Bootstrap servers without options use PLAINTEXT."""
    return kafka if isinstance(kafka, KafkaAddress) else KafkaAddress(kafka)
