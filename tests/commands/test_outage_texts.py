"""What a job waits for, from its last error."""

from __future__ import annotations

import pytest

from gogobe.commands.outage_texts import waited_for


@pytest.mark.parametrize(
    ("error", "server"),
    [
        ("psycopg.OperationalError: connection failed: connection to server failed: Connection refused", "the database"),
        ("psycopg.errors.AdminShutdown: terminating connection due to administrator command", "the database"),
        ("psycopg.errors.DiskFull: could not extend file: No space left on device", "room on a disk"),
        (
            "gogobe.database.connection.AccessRefusedError: the database refuses this account: …",
            "a database that accepts its account",
        ),
        ("aiohttp.client_exceptions.ClientConnectorError: Cannot connect to host 127.0.0.1:4443", "the object store"),
        ("gcsfs.retry.HttpError: Service unavailable, 503", "the object store"),
        ("botocore.exceptions.EndpointConnectionError: Could not connect to the endpoint URL", "the object store"),
        ("org.apache.kafka.common.errors.TimeoutException: Topic not present in metadata after 60000 ms", "Kafka"),
        ("gogobe.secrets.SecretError: secret://file/x cannot be read", "a secret"),
        ("ValueError: 5", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_server_of_an_error(error: str, server: str | None):
    assert waited_for(error) == server
