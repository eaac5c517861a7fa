"""Whether services answer: a silent listener does not, though the kernel takes connections for it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import pytest

from gogobe.database.address import conninfo_of
from gogobe.local.answers import (
    grpc_answers,
    job_manager_answers,
    kafka_answers,
    postgres_answers,
    task_manager_answers,
    worker_pool_answers,
)
from gogobe.local.postgres import PostgresServer, password_file
from gogobe.local.processes import free_ports

SHORT = 0.5
LONG = 60.0
"""For servers that answer, on however slow a machine."""


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed() -> int:
    return free_ports(1)[0]


@pytest.fixture
def flink() -> Iterator[str]:
    """A JobManager's REST interface with one TaskManager."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"taskmanagers": [{"id": "taskmanager-1", "slotsNumber": 4}]}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_grpc_server_answers_and_a_silent_one_does_not(silent: int, closed: int):
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        assert grpc_answers(f"127.0.0.1:{port}", LONG)
        assert not worker_pool_answers(f"127.0.0.1:{port}", LONG)  # it is no worker pool
    finally:
        server.stop(None)
    assert not grpc_answers(f"127.0.0.1:{silent}", SHORT)
    assert not grpc_answers(f"127.0.0.1:{closed}", SHORT)
    assert not worker_pool_answers(f"127.0.0.1:{silent}", SHORT)


def test_a_silent_broker_and_a_silent_job_manager_do_not_answer(silent: int, closed: int):
    for port in (silent, closed):
        assert not kafka_answers(f"127.0.0.1:{port}", SHORT)
        assert not job_manager_answers(f"127.0.0.1:{port}", SHORT)


@pytest.mark.slow
def test_a_silent_database_does_not_answer(tmp_path: Path, silent: int, closed: int):
    assert not postgres_answers(PostgresServer(silent, tmp_path), 2)
    assert not postgres_answers(PostgresServer(closed, tmp_path), 2)


def test_a_database_answers_also_by_a_refusal(tmp_path: Path, dsn: str):
    port = int(conninfo_of(dsn).rpartition(":")[2].partition("/")[0])
    data = tmp_path / "postgres"
    password_file(data).write_text(f"127.0.0.1:*:*:gogobe:wrong{'x' * 8}\n")
    password_file(data).chmod(0o600)
    assert postgres_answers(PostgresServer(port, data), LONG)


def test_a_job_manager_knows_its_task_managers(flink: str, silent: int):
    assert job_manager_answers(flink, LONG)
    assert task_manager_answers(flink, "taskmanager-1", LONG)
    assert not task_manager_answers(flink, "taskmanager-2", LONG)
    # A JobManager that does not answer says nothing about a TaskManager.
    assert task_manager_answers(f"127.0.0.1:{silent}", "taskmanager-2", SHORT)
