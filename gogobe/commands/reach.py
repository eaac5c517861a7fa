"""Whether a server can be reached at all, before a client tries for longer than a user waits."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from typing import Final

import click
from psycopg.conninfo import conninfo_to_dict

from gogobe.records.addresses import without_credentials
from gogobe.settings import Settings

SECONDS: Final = 3.0
POSTGRES_PORT: Final = 5432
KAFKA_PORT: Final = 9092
_TITLES: Final = {"kafka": "Kafka", "database": "the database"}


def check_reachable(settings: Settings, names: Sequence[str]) -> None:
    """Raises ClickException, which names those of the servers `names` (`kafka`, `database`) that take no
    connection within a few seconds. A local socket is not tried."""
    failures = [failure for name in names if (failure := _failure_of(name, getattr(settings, name)))]
    if failures:
        remedy = "`gogobe status` shows the local stack, `gogobe up` starts what is missing"
        raise click.ClickException(f"{'; '.join(failures)}: is the address right, and does it run? {remedy}")


def _failure_of(name: str, address: str) -> str | None:
    """Why the servers of an address cannot be reached; None if one of them can."""
    servers = kafka_servers(address) if name == "kafka" else database_servers(address)
    errors = [_error_of(*server) for server in servers]
    if not errors or not all(errors):
        return None
    return f"{_TITLES[name]} cannot be reached at {without_credentials(address)}: {errors[0]}"


def kafka_servers(address: str) -> list[tuple[str, int]]:
    """Host and port of each bootstrap server."""
    return [
        _host_port(one.rpartition("://")[2].strip(), KAFKA_PORT) for one in address.split(",") if one.strip()
    ]


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


def _error_of(host: str, port: int) -> str | None:
    """Why a server takes no connection; None if it does."""
    try:
        socket.create_connection((host, port), SECONDS).close()
    except TimeoutError:
        return f"no answer within {SECONDS:.0f} seconds"
    except (OSError, OverflowError) as error:
        return (error.strerror if isinstance(error, OSError) else None) or str(error)
    return None
