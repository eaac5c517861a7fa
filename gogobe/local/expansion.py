"""Runs an expansion service while a job is built whose Java steps run in containers."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gogobe.local.java import start_container_expansion_service
from gogobe.local.processes import Records, free_ports, listens, stop_services, wait_until_ready

READY_SECONDS: Final = 60.0


@contextlib.contextmanager
def container_expansion_service(java: Path, staged: Path | None = None) -> Iterator[str]:
    """Runs Beam's expansion service with the jars of `java/expansion` for the length of a `with`; yields its
    address, HOST:PORT. A job stages all of these jars, or one file. Raises StackError."""
    with tempfile.TemporaryDirectory(prefix="gogobe-expansion-") as scratch:
        folder = Path(scratch)
        (port,) = free_ports(1)
        records = Records(folder / "processes.json")
        jars = java.absolute() / "expansion"
        record = start_container_expansion_service(jars, folder / "expansion.log", port, records, staged)
        try:
            wait_until_ready(record, lambda: listens(record, port), READY_SECONDS)
            yield f"127.0.0.1:{port}"
        finally:
            stop_services([record])
