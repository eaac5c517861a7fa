"""A Kafka broker that asks for TLS and SASL, with certificates that the test makes."""

from __future__ import annotations

import contextlib
import ipaddress
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from gogobe.io.kafka.options import KafkaAddress, KafkaOptions
from gogobe.local.java import java_command
from gogobe.local.processes import (
    Records,
    free_ports,
    listens,
    start_service,
    stop_services,
    wait_until_ready,
)
from gogobe.secrets import Secret

JARS: Final = Path(__file__).parents[3] / "var" / "java" / "kafka"
USER: Final = "gogobe-client"
PASSWORD: Final = "planted-9c1e ${env:HOME}"
KEY_PASSWORD: Final = "planted-key-77"
# Encrypted with PBE-SHA1-3DES, which every JDK reads: cryptography writes PBES2 only.
CLIENT_KEY: Final = Path(__file__).parent / "data" / "client.key"


@dataclass(frozen=True)
class Certificate:
    """A certificate (with its issuer) and its private key, as PEM files."""

    chain: Path
    key: Path


class Authority:
    """A certificate authority of its own; `file` is its certificate."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority {folder.name}")])
        self._certificate = self._sign(self._name, self._key.public_key(), authority=True)
        self.file = folder / "ca.pem"
        self.file.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def issue(self, name: str) -> Certificate:
        """A certificate for 127.0.0.1, with a new key."""
        key = ec.generate_private_key(ec.SECP256R1())
        file = self._folder / f"{name}.key"
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return Certificate(self._certify(name, key.public_key()), file)

    def issue_for(self, name: str, key: Path, password: str) -> Certificate:
        """A certificate for 127.0.0.1, for a key that is there, encrypted."""
        private = load_pem_private_key(key.read_bytes(), password.encode())
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        return Certificate(self._certify(name, private.public_key()), key)

    def _certify(self, name: str, key: ec.EllipticCurvePublicKey) -> Path:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        file = self._folder / f"{name}.pem"
        certificate = self._sign(subject, key, authority=False)
        file.write_bytes(certificate.public_bytes(Encoding.PEM) + self.file.read_bytes())
        return file

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, authority: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        local = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        return builder.add_extension(local, critical=False).sign(self._key, hashes.SHA256())


@dataclass(frozen=True)
class SecureBroker:
    """A broker with two listeners for clients: SASL over TLS, and TLS with certificates of clients."""

    sasl: str
    mutual: str
    folder: Path
    authority: Authority
    client: Certificate

    @property
    def options(self) -> KafkaOptions:
        """What a client of the SASL listener needs; the password is in a file."""
        return KafkaOptions(
            security_protocol="SASL_SSL",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_username=USER,
            sasl_password=Secret(f"secret://file{self.folder}/password"),
            ssl_ca_location=str(self.authority.file),
        )

    @property
    def plain(self) -> KafkaOptions:
        """The same with the mechanism PLAIN."""
        return msgspec.structs.replace(self.options, sasl_mechanism="PLAIN")

    @property
    def certificates(self) -> KafkaOptions:
        """What a client of the listener for certificates needs; its key is encrypted."""
        return KafkaOptions(
            security_protocol="SSL",
            ssl_ca_location=str(self.authority.file),
            ssl_certificate_location=str(self.client.chain),
            ssl_key_location=str(self.client.key),
            ssl_key_password=Secret(f"secret://file{self.folder}/key-password"),
        )

    @property
    def address(self) -> KafkaAddress:
        return KafkaAddress(self.sasl, self.options)


@contextlib.contextmanager
def running_secure_broker(folder: Path) -> Iterator[SecureBroker]:
    """A broker on free ports for the length of a `with`."""
    authority = Authority(folder / "certificates")
    server, client = authority.issue("server"), authority.issue_for("client", CLIENT_KEY, KEY_PASSWORD)
    (folder / "password").write_text(PASSWORD)
    (folder / "key-password").write_text(KEY_PASSWORD)
    sasl, mutual, controller = free_ports(3)
    properties = folder / "server.properties"
    properties.write_text(_properties(folder, (sasl, mutual, controller), authority.file, server), "utf-8")
    records = Records(folder / "records.json")
    _format(properties)
    command = java_command(JARS, "512m", "kafka.Kafka", str(properties))
    record = start_service("Kafka", command, folder / "kafka.log", records)
    try:
        wait_until_ready(record, lambda: listens(record, sasl), 120)
        yield SecureBroker(f"127.0.0.1:{sasl}", f"127.0.0.1:{mutual}", folder, authority, client)
    finally:
        stop_services([record])


def _format(properties: Path) -> None:
    scram = f'SCRAM-SHA-512=[name="{USER}",password="{PASSWORD}"]'
    arguments = ("format", "-t", "gogobeAAAAAAAAAAAAAAAA", "-c", str(properties), "--add-scram", scram)
    command = java_command(JARS, "256m", "kafka.tools.StorageTool", *arguments)
    subprocess.run(command, capture_output=True, text=True, check=True)


def _properties(folder: Path, ports: tuple[int, int, int], ca: Path, server: Certificate) -> str:
    sasl, mutual, controller = ports
    plain = (
        f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}" '
        f'username="broker" password="unused";'
    )
    keystore = server.chain.with_name("server-keystore.pem")
    keystore.write_bytes(server.key.read_bytes() + server.chain.read_bytes())
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"SASL://127.0.0.1:{sasl},MUTUAL://127.0.0.1:{mutual},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"SASL://127.0.0.1:{sasl},MUTUAL://127.0.0.1:{mutual}",
        "listener.security.protocol.map": "SASL:SASL_SSL,MUTUAL:SSL,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "MUTUAL",
        "controller.listener.names": "CONTROLLER",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "listener.name.sasl.plain.sasl.jaas.config": plain,
        "listener.name.sasl.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": keystore,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": ca,
        "listener.name.mutual.ssl.client.auth": "required",
        "log.dirs": folder / "data",
        "message.max.bytes": 16 << 20,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "auto.create.topics.enable": "false",
    }
    return "".join(f"{name}={value}\n".replace("\\", "\\\\") for name, value in settings.items())
