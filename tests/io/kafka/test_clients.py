"""One address for every client: librdkafka's configuration, and Java's without a secret in it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from gogobe.io.kafka.clients import java_config, librdkafka_config
from gogobe.io.kafka.options import KafkaAddress, KafkaOptions, KafkaOptionsError
from gogobe.secrets import Secret, SecretError
from tests.io.kafka.secure_broker import CLIENT_KEY

PLANTED = "planted-7f3a"
PKCS8 = "-----BEGIN PRIVATE KEY-----\ncGxhbnRlZC03ZjNh\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KafkaOptions:
    """Everything that can be set; the passwords are in a file and in the environment."""
    for name, text in (("ca", "ca"), ("certificate", "certificate"), ("key", PKCS8), ("password", PLANTED)):
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("KEY_PASSWORD", PLANTED)
    return KafkaOptions(
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username='a "b\\',
        sasl_password=Secret(f"secret://file{tmp_path}/password"),
        ssl_ca_location=f"{tmp_path}/ca",
        ssl_certificate_location=f"{tmp_path}/certificate",
        ssl_key_location=f"{tmp_path}/key",
        ssl_key_password=Secret("secret://env/KEY_PASSWORD"),
        ssl_endpoint_identification_algorithm="none",
    )


def test_librdkafka_takes_the_options_as_they_are_and_secrets_resolved(options: KafkaOptions, tmp_path: Path):
    assert librdkafka_config(KafkaAddress("h:1", options)) == {
        "bootstrap.servers": "h:1",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": 'a "b\\',
        "sasl.password": PLANTED,
        "ssl.ca.location": f"{tmp_path}/ca",
        "ssl.certificate.location": f"{tmp_path}/certificate",
        "ssl.key.location": f"{tmp_path}/key",
        "ssl.key.password": PLANTED,
        "ssl.endpoint.identification.algorithm": "none",
    }


def test_java_takes_pem_files_and_references(options: KafkaOptions, tmp_path: Path):
    config = java_config(KafkaAddress("h:1", options))
    assert PLANTED not in str(config)
    assert config == {
        "bootstrap.servers": "h:1",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required "
        f'username="a \\"b\\\\" password="${{directory:{tmp_path}:password}}";',
        "ssl.endpoint.identification.algorithm": "",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": f"{tmp_path}/ca",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.key": f"${{directory:{tmp_path}:key}}",
        "ssl.keystore.certificate.chain": f"${{directory:{tmp_path}:certificate}}",
        "ssl.key.password": "${env:KEY_PASSWORD}",
        "config.providers": "env,directory",
        "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
        "config.providers.directory.class": "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
    }


def test_bootstrap_servers_alone_need_nothing_else():
    assert librdkafka_config("h:1") == java_config("h:1") == {"bootstrap.servers": "h:1"}


@pytest.mark.parametrize(("password", "line_end"), [('a"b', ""), ("a\\b", ""), ("ab", "\n"), ("ab", "\r\n")])
def test_a_password_that_java_would_read_otherwise_is_refused(
    options: KafkaOptions, tmp_path: Path, password: str, line_end: str
):
    (tmp_path / "password").write_bytes(f"{password}{line_end}".encode())
    assert librdkafka_config(KafkaAddress("h:1", options))["sasl.password"] == password
    with pytest.raises(
        KafkaOptionsError,
        match=rf"sasl.password: secret://file{tmp_path}/password has a line end, or a quotation",
    ):
        java_config(KafkaAddress("h:1", options))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sasl_password": Secret.of_value(PLANTED)}, "sasl.password is given as its value"),
        ({"sasl_password": Secret("secret://gcp/projects/p/secrets/s/versions/1")}, "Java's clients resolve secret://file"),
        ({"ssl_key_location": "/a:b/key"}, "ssl.key.location: /a:b/key has a colon or a brace"),
    ],
)  # fmt: skip
def test_what_java_cannot_resolve_is_refused(options: KafkaOptions, changed: dict[str, object], message: str):
    with pytest.raises(KafkaOptionsError, match=message) as refused:
        java_config(KafkaAddress("h:1", msgspec.structs.replace(options, **changed)))
    assert PLANTED not in str(refused.value)


def test_a_key_in_another_form_is_refused_with_the_remedy(options: KafkaOptions, tmp_path: Path):
    (tmp_path / "key").write_text(PKCS8.replace("PRIVATE", "RSA PRIVATE"))
    with pytest.raises(
        KafkaOptionsError,
        match=rf"ssl.key.location: {tmp_path}/key has no private key in PKCS #8.*openssl pkcs8",
    ):
        java_config(KafkaAddress("h:1", options))


def test_an_encrypted_key_is_read_by_every_jdk_or_refused(options: KafkaOptions, tmp_path: Path):
    key = ec.generate_private_key(ec.SECP256R1())
    secrecy = BestAvailableEncryption(b"password")
    (tmp_path / "key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secrecy))
    with pytest.raises(KafkaOptionsError, match=rf"{tmp_path}/key is encrypted by PBES2.*-v1 PBE-SHA1-3DES"):
        java_config(KafkaAddress("h:1", options))
    (tmp_path / "key").write_bytes(CLIENT_KEY.read_bytes())
    assert java_config(KafkaAddress("h:1", options))["ssl.keystore.key"] == f"${{directory:{tmp_path}:key}}"


def test_files_that_only_workers_have_do_not_stop_a_pipeline_from_being_built(
    options: KafkaOptions, tmp_path: Path
):
    for name in ("ca", "certificate", "key", "password"):
        (tmp_path / name).unlink()
    address = KafkaAddress("h:1", options)
    assert "${directory:" in java_config(address)["sasl.jaas.config"]
    with pytest.raises(SecretError, match=f"{tmp_path}/password"):
        librdkafka_config(address)
    (tmp_path / "password").write_text(PLANTED)
    with pytest.raises(KafkaOptionsError, match=rf"ssl.ca.location: there is no file {tmp_path}/ca on this"):
        librdkafka_config(address)
