"""A Kafka broker for tests, and what a topic holds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from gogobe.io.kafka.options import Kafka
from gogobe.io.kafka.topics import read_to_end
from gogobe.local.java import start_kafka
from gogobe.local.processes import Records, free_ports, listens, stop_services, wait_until_ready
from gogobe.records.messages import DISCOVERED, FileDiscovered, decoder

JARS = Path(__file__).parents[2] / "var" / "java" / "kafka"
_decode = decoder(FileDiscovered)


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[str]:
    """Starts a broker with its data in `folder`; gives its address."""
    records = Records(folder / "records.json")
    port, controller = free_ports(2)
    record = start_kafka(JARS, folder / "data", folder / "kafka.log", (port, controller), records)
    try:
        wait_until_ready(record, lambda: listens(record, port), 120)
        yield f"127.0.0.1:{port}"
    finally:
        stop_services([record])


def announced(bootstrap: Kafka, topic: str = DISCOVERED) -> list[FileDiscovered]:
    """All announcements on the topic."""
    return [_decode.decode(value) for _, value in read_to_end(bootstrap, topic)]
