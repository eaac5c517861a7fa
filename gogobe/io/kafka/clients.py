"""The configuration of Kafka's clients for one address: librdkafka's, and that of Java clients for Beam's
KafkaIO.

The configuration of a Java client is part of the pipeline, which the runner shows to everyone who can see the
job. It therefore has no secret: Kafka's configuration providers read files and environment variables where
the client is created (https://kafka.apache.org/documentation/#config_providers). A provider returns the
content of a file unchanged.
"""

from __future__ import annotations

import binascii
import os
import re
from pathlib import Path
from typing import Any, Final

import msgspec

from gogobe.io.kafka.options import SASL_PROTOCOLS, Kafka, KafkaOptions, KafkaOptionsError, kafka_address
from gogobe.secrets import SCHEME, Secret

PROVIDERS: Final = {
    "config.providers": "env,directory",
    "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
    "config.providers.directory.class": "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
}
LOGIN_MODULES: Final = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}

_PRIVATE_KEY: Final = re.compile(rb"-----BEGIN (ENCRYPTED )?PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END")
# The object identifier 1.2.840.113549.1.5.13 in DER. JDKs up to 18, at least, do not find this algorithm:
# "PBES2 SecretKeyFactory not available".
_PBES2: Final = bytes.fromhex("06092a864886f70d01050d")


def librdkafka_config(kafka: Kafka) -> dict[str, Any]:
    """The configuration of confluent-kafka's clients, with resolved secrets: only for a client, never stored.

    Raises SecretError, and KafkaOptionsError for a file that does not exist.
    """
    address = kafka_address(kafka)
    config: dict[str, Any] = {"bootstrap.servers": address.bootstrap}
    for field in msgspec.structs.fields(address.options):
        name, value = field.encode_name, getattr(address.options, field.name)
        if name.endswith(".location") and value and not Path(value).is_file():
            raise KafkaOptionsError(f"{name}: there is no file {value} on this machine")
        if value != field.default:
            config[name] = value.value() if isinstance(value, Secret) else value
    return config


def java_config(kafka: Kafka) -> dict[str, str]:
    """The configuration of Java clients. Secrets are references that its configuration providers resolve.

    Raises KafkaOptionsError for a secret that a provider cannot resolve to the intended value.
    """
    address = kafka_address(kafka)
    options = address.options
    config = {"bootstrap.servers": address.bootstrap}
    if options != KafkaOptions():
        config["security.protocol"] = options.security_protocol
    if options.security_protocol in SASL_PROTOCOLS:
        config |= _java_sasl(options)
    if options.security_protocol.endswith("SSL"):
        config |= _java_tls(options)
    if any("${" in value for value in config.values()):
        config |= PROVIDERS
    return config


def _java_sasl(options: KafkaOptions) -> dict[str, str]:
    user = options.sasl_username.replace("\\", "\\\\").replace('"', '\\"')
    reference = _java_reference("sasl.password", options.sasl_password, forbidden='"\\\r\n')
    return {
        "sasl.mechanism": options.sasl_mechanism,
        "sasl.jaas.config": f'{LOGIN_MODULES[options.sasl_mechanism]} required username="{user}" '
        f'password="{reference}";',
    }


def _java_tls(options: KafkaOptions) -> dict[str, str]:
    identification = options.ssl_endpoint_identification_algorithm
    config: dict[str, str] = {
        "ssl.endpoint.identification.algorithm": "" if identification == "none" else identification
    }
    if options.ssl_ca_location:
        authority = str(Path(options.ssl_ca_location).absolute())
        config |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": authority}
    if options.ssl_key_location:
        _check_key(Path(options.ssl_key_location))
        config |= {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.key": _file_reference("ssl.key.location", options.ssl_key_location),
            "ssl.keystore.certificate.chain": _file_reference(
                "ssl.certificate.location", options.ssl_certificate_location
            ),
        }
    if options.ssl_key_password is not None:
        config["ssl.key.password"] = _java_reference("ssl.key.password", options.ssl_key_password, "\r\n")
    return config


def _check_key(file: Path) -> None:
    """Raises KafkaOptionsError for a key that Java clients cannot read; their own errors do not name the
    file."""
    if not file.is_file():
        return  # the file may exist on the workers only
    key = _PRIVATE_KEY.search(file.read_bytes())
    if key is None:
        raise KafkaOptionsError(
            f"ssl.key.location: {file} has no private key in PKCS #8, the one form that Java's clients read: "
            "`openssl pkcs8 -topk8` makes it"
        )
    if key[1] and _PBES2 in binascii.a2b_base64(key[2]):
        raise KafkaOptionsError(
            f"ssl.key.location: {file} is encrypted by PBES2, which Java's clients do not read on every JDK: "
            "encrypt it with `openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES`, or leave it unencrypted, mode 0600"
        )


def _java_reference(option: str, secret: Secret | None, forbidden: str) -> str:
    """A secret as a variable of Kafka's configuration providers. Raises KafkaOptionsError."""
    if secret is None or secret.reference is None:
        raise KafkaOptionsError(f"{option} is given as its value and would be shown with the job")
    kind, _, place = secret.reference.removeprefix(SCHEME).partition("/")
    if kind not in ("env", "file"):
        raise KafkaOptionsError(
            f"{option}: Java's clients resolve secret://file/… and secret://env/… only, not {secret}"
        )
    if set(_content(kind, place)) & set(forbidden):
        raise KafkaOptionsError(
            f"{option}: {secret} has a line end, or a quotation mark or backslash in a password, which the "
            "configuration of Java's clients cannot take (a file without a line end is written by `printf %s`)"
        )
    return f"${{env:{place}}}" if kind == "env" else _file_reference(option, f"/{place}")


def _content(kind: str, place: str) -> str:
    """The value that a provider would read on this machine; empty if only the workers have it."""
    if kind == "env":
        return os.environ.get(place, "")
    file = Path("/", place)
    return file.read_bytes().decode("utf-8", "replace") if file.is_file() else ""


def _file_reference(option: str, file: str) -> str:
    path = Path(file).absolute()
    if set(str(path)) & set(":}"):
        raise KafkaOptionsError(f"{option}: {path} has a colon or a brace, which Java's clients cannot take")
    return f"${{directory:{path.parent}:{path.name}}}"
