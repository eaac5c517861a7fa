"""Whether a server answers at all, before a client tries for longer than a user waits.

A server that refuses connections is reported at once. One that takes them has some seconds to answer, because
a busy server is not out of reach.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

import click
import psycopg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from psycopg.conninfo import conninfo_to_dict

from gogobe.commands.probes import UnansweredError, ask_all
from gogobe.database.address import DatabaseAddress, conninfo_of
from gogobe.io.kafka.clients import librdkafka_config
from gogobe.local.answers import grpc_answers
from gogobe.records.addresses import without_credentials
from gogobe.settings import Settings

SECONDS: Final = 4.0
GRACE_SECONDS: Final = 0.5
POSTGRES_PORT: Final = 5432
DEFAULT_PORTS: Final = {"kafka": 9092, "http": 80, "https": 443}
SERVERS: Final = {
    "kafka": "Kafka",
    "database": "the database",
    "loader": "the database",
    "reader": "the database",
    "expansion_service": "the expansion service",
    "store_endpoint": "the object store",
}
ROLES: Final = ("loader", "reader")
DATABASE_NAMES: Final = ("database", *ROLES)


def check_reachable(settings: Settings, names: Sequence[str]) -> None:
    """Raises ClickException, which names those of the servers `names` that do not answer within a few seconds:
    to a client, the object store to a connection. Names are settings, or roles: the database, with their
    address. A local socket is not tried. Raises errors of the settings: KafkaOptionsError, SecretError."""
    questions = {name: partial(_failure_of, settings, name) for name in names if _address_of(settings, name)}
    failures = []
    for name, found in ask_all(questions, SECONDS + GRACE_SECONDS).items():
        if isinstance(found, UnansweredError):
            if found.__cause__ is not None:
                raise found.__cause__
            failures.append(_sentence(settings, name, _silent()))
        elif found is not None:
            failures.append(found)
    if failures:
        remedy = "`gogobe status` shows the local stack, `gogobe up` starts what is missing"
        raise click.ClickException(f"{'; '.join(failures)}: is the address right, and does it run? {remedy}")


def check_store(settings: Settings) -> None:
    """Raises ClickException if the object store's endpoint, where one is set, does not take a connection."""
    check_reachable(settings, ["store_endpoint"])


def store_failure(settings: Settings) -> str | None:
    """Why the object store's endpoint takes no connection, as a sentence; None if it does, or none is set."""
    try:
        check_store(settings)
    except click.ClickException as error:
        return error.message
    return None


def check_servers(settings: Settings, *, uses_kafka: bool = True) -> None:
    """Raises ClickException if a server that the submission of a job needs does not answer."""
    check_reachable(settings, ("database", *(("kafka", "expansion_service") if uses_kafka else ())))
    check_store(settings)


def _address_of(settings: Settings, name: str) -> str:
    return _database_of(settings, name).url if name in DATABASE_NAMES else str(getattr(settings, name))


def _database_of(settings: Settings, name: str) -> DatabaseAddress:
    return {
        "database": settings.database_address,
        "loader": settings.loader_address,
        "reader": settings.reader_address,
    }[name]


def _failure_of(settings: Settings, name: str) -> str | None:
    """Why the servers of a setting cannot be reached, as a sentence; None if one of them can."""
    address = _address_of(settings, name)
    servers = database_servers(address) if name in DATABASE_NAMES else other_servers(name, address)
    deadline = time.monotonic() + SECONDS
    errors = [_error_of(*server, deadline) for server in servers]
    if not errors:
        return None
    if all(errors):
        return _sentence(settings, name, errors[0] or "")
    return None if _answers(settings, name, deadline) else _sentence(settings, name, _silent())


def _silent() -> str:
    return f"no answer within {SECONDS:.0f} seconds"


def _sentence(settings: Settings, name: str, why: str) -> str:
    return f"{SERVERS[name]} cannot be reached at {without_credentials(_address_of(settings, name))}: {why}"


def _answers(settings: Settings, name: str, deadline: float) -> bool:
    """Whether a server that takes connections answers a client. What it answers, also that it refuses the
    password, is reported by the command itself."""
    if name == "kafka":
        config = librdkafka_config(settings.kafka_address)
        try:
            client = AdminClient({**config, "log_level": 0})
            client.list_topics(timeout=max(0.1, deadline - time.monotonic()))
        except KafkaException:
            return False
    elif name in DATABASE_NAMES:
        try:
            psycopg.connect(conninfo_of(_database_of(settings, name)), connect_timeout=int(SECONDS)).close()
        except psycopg.errors.ConnectionTimeout:
            return False
        except psycopg.Error:
            return True
    elif name == "expansion_service":
        return grpc_answers(settings.expansion_service, max(0.1, deadline - time.monotonic()))
    return True


def other_servers(name: str, address: str) -> list[tuple[str, int]]:
    """Host and port of each server of an address, HOST:PORT or a URL, of which Kafka has several. `name` is
    its setting."""
    found = []
    for one in filter(None, map(str.strip, address.split(","))):
        scheme, separator, rest = one.rpartition("://")
        default = DEFAULT_PORTS.get(scheme if name == "store_endpoint" else name, 0)
        found.append(_host_port(rest.partition("/")[0] if separator else one, default))
    return found


def database_servers(address: str) -> list[tuple[str, int]]:
    """Host and port of each server of a libpq address; none for a local socket."""
    parameters = conninfo_to_dict(address)
    hosts = str(parameters.get("hostaddr") or parameters.get("host") or "").split(",")
    ports = str(parameters.get("port") or "").split(",")
    wide = ports * len(hosts) if len(ports) == 1 else ports
    pairs: Iterable[tuple[str, str]] = zip(hosts, wide, strict=False)
    return [
        (host, int(port or POSTGRES_PORT)) for host, port in pairs if host and not host.startswith(("/", "@"))
    ]


def _host_port(text: str, default: int) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit():
        return text, default
    return host.strip("[]"), int(port)


def _error_of(host: str, port: int, deadline: float) -> str | None:
    """Why a server takes no connection; None if it does."""
    try:
        socket.create_connection((host, port), max(0.1, deadline - time.monotonic())).close()
    except TimeoutError:
        return _silent()
    except (OSError, OverflowError) as error:
        return (error.strerror if isinstance(error, OSError) else None) or str(error)
    return None
