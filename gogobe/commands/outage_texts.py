"""Which server the last error of a job is about."""

from __future__ import annotations

import re
from typing import Final

_SERVERS: Final = (
    (re.compile(r"AccessRefusedError"), "a database that accepts its account"),
    (re.compile(r"No space left on device|DiskFull"), "room on a disk"),
    (re.compile(r"\bpsycopg\."), "the database"),
    (re.compile(r"\b(?:gcsfs|s3fs|botocore|aiobotocore|aiohttp|google\.auth)\."), "the object store"),
    (re.compile(r"\borg\.apache\.kafka\."), "Kafka"),
    (re.compile(r"\bSecretError\b"), "a secret"),
)


def waited_for(error: str) -> str | None:
    """What a job waits for whose last error is this sentence; None if the sentence names no server.

    >>> waited_for("psycopg.OperationalError: connection refused")
    'the database'
    """
    return next((server for pattern, server in _SERVERS if pattern.search(error)), None)
