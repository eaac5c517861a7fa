"""The worker pool as Flink uses it: real processes, a control endpoint that only listens."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc

from gogobe.local.answers import worker_pool_answers
from gogobe.local.processes import (
    Records,
    ServiceRecord,
    StackError,
    free_ports,
    is_running,
    listens,
    members,
    start_service,
    stop_services,
    wait_until_ready,
)
from gogobe.local.services import PRELOADED

pytestmark = pytest.mark.slow

SECONDS = 60


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def pool(tmp_path: Path, port: int) -> Iterator[ServiceRecord]:
    records = Records(tmp_path / "records.json")
    record = start_pool(tmp_path / "workers.log", port, records)
    wait_until_ready(record, lambda: listens(record, port), SECONDS)
    yield record
    stop_services(records.read())


@pytest.fixture
def control() -> Iterator[socket.socket]:
    """What a runner would listen on for its workers."""
    with socket.create_server(("127.0.0.1", 0)) as endpoint:
        endpoint.settimeout(SECONDS)
        yield endpoint


def start_pool(log: Path, port: int, records: Records) -> ServiceRecord:
    return start_service("Pool", [sys.executable, "-m", "gogobe.local.worker_pool", str(port)], log, records)


def ask(port: int, *, start: str = "", stop: str = "", control: socket.socket | None = None) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub(channel)
        if start and control is not None:
            request = beam_fn_api_pb2.StartWorkerRequest(worker_id=start)
            request.control_endpoint.url = f"127.0.0.1:{control.getsockname()[1]}"
            stub.StartWorker(request, timeout=SECONDS)
        if stop:
            stub.StopWorker(beam_fn_api_pb2.StopWorkerRequest(worker_id=stop), timeout=SECONDS)


def test_a_worker_calls_its_runner_until_it_is_stopped(pool: ServiceRecord, port: int, control: socket.socket):
    before = set(members(pool))
    ask(port, start="one", control=control)
    ask(port, start="two", control=control)
    for _ in range(2):
        control.accept()[0].close()
    workers = set(members(pool)) - before
    assert len(workers) == 2
    ask(port, stop="one")
    ask(port, stop="never started")
    gone, alive = psutil.wait_procs(workers, timeout=1)
    while not gone:
        gone, alive = psutil.wait_procs(workers, timeout=1)
    assert len(gone) == len(alive) == 1


def test_ending_the_pool_ends_its_workers(pool: ServiceRecord, port: int, control: socket.socket):
    ask(port, start="one", control=control)
    control.accept()[0].close()
    everybody = members(pool)
    assert len(everybody) == 3
    psutil.Process(pool.pid).send_signal(signal.SIGTERM)
    assert psutil.wait_procs(everybody, timeout=20)[1] == []


def test_a_port_that_is_taken_ends_the_pool(tmp_path: Path, pool: ServiceRecord, port: int):
    records = Records(tmp_path / "second.json")
    second = start_pool(tmp_path / "second.log", port, records)
    with pytest.raises(StackError, match=r"(?s)Pool stopped while starting.*second\.log"):
        wait_until_ready(second, lambda: listens(second, port), SECONDS)
    assert is_running(pool)


def test_a_pool_answers_unless_it_hangs(pool: ServiceRecord, port: int, control: socket.socket):
    assert worker_pool_answers(f"127.0.0.1:{port}", SECONDS)
    ask(port, start="one", control=control)
    control.accept()[0].close()
    psutil.Process(pool.pid).send_signal(signal.SIGSTOP)
    assert not worker_pool_answers(f"127.0.0.1:{port}", 1)  # its gRPC server is another process, and runs
    psutil.Process(pool.pid).send_signal(signal.SIGCONT)
    assert worker_pool_answers(f"127.0.0.1:{port}", SECONDS)
    ask(port, stop="one")


def test_nothing_listens_beyond_this_machine(pool: ServiceRecord):
    listening = [
        one.laddr.ip.removeprefix("::ffff:")
        for process in members(pool)
        for one in process.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"]


def test_what_workers_share_is_imported_without_threads():
    """A fork has only the thread that forks: a lock that another one held would stay locked."""
    code = f"""
import importlib, os
import gogobe.local.worker_pool
before = len(os.listdir("/proc/self/task"))
importlib.import_module({PRELOADED!r})
print(len(os.listdir("/proc/self/task")) - before)
"""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "0\n"
