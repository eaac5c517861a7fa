"""Services as processes: started, recorded, checked, and stopped with all that belongs to them."""

import socket
import sys
from pathlib import Path

import psutil
import pytest

from gogobe.local.processes import (
    Records,
    ServiceRecord,
    StackError,
    accepts_connections,
    free_ports,
    is_running,
    listens,
    members,
    start_service,
    stop_services,
    wait_until_ready,
)

pytestmark = pytest.mark.slow

FAMILY = """
import os, signal, subprocess, sys, time
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
subprocess.Popen(sleep)
subprocess.Popen(sleep, start_new_session=True)
print("ready", flush=True)
time.sleep(600)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"


@pytest.fixture
def records(tmp_path: Path):
    records = Records(tmp_path / "records.json")
    yield records
    stop_services(records.read(), seconds=0)


def start(code: str, tmp_path: Path, records: Records, name: str = "Thing") -> ServiceRecord:
    return start_service(name, [sys.executable, "-c", code], tmp_path / "log" / "thing.log", records)


def wait_for_ready(record: ServiceRecord) -> None:
    wait_until_ready(record, lambda: "ready" in Path(record.log).read_text(), 60)


def test_a_service_is_recorded_and_writes_to_its_log(tmp_path: Path, records: Records):
    record = start("print('ready', flush=True); import time; time.sleep(600)", tmp_path, records)
    wait_for_ready(record)
    assert records.read() == [record]
    assert is_running(record)


def test_stopping_takes_the_descendants_along(tmp_path: Path, records: Records):
    record = start(FAMILY, tmp_path, records)
    wait_for_ready(record)
    family = members(record)
    assert len(family) == 3
    stop_services([record])
    assert not any(process.is_running() for process in family)
    assert not is_running(record)


def test_a_dead_leader_s_session_is_still_its_own(tmp_path: Path, records: Records):
    record = start(FAMILY.replace(", start_new_session=True", ""), tmp_path, records)
    wait_for_ready(record)
    psutil.Process(record.pid).kill()
    psutil.wait_procs([psutil.Process(record.pid)], timeout=5)
    orphans = members(record)
    assert len(orphans) == 2
    assert not is_running(record)
    stop_services([record])
    assert not members(record)


def test_who_does_not_listen_is_killed(tmp_path: Path, records: Records):
    record = start(DEAF, tmp_path, records)
    wait_for_ready(record)
    stop_services([record], seconds=0.5)
    assert not members(record)


def test_another_process_is_left_alone(tmp_path: Path, records: Records):
    record = start("import time; time.sleep(600)", tmp_path, records)
    impostor = ServiceRecord("Old thing", record.pid, record.created - 3600, record.log)
    assert members(impostor) == []
    stop_services([impostor])
    assert is_running(record)


def test_a_service_that_dies_is_named_with_the_end_of_its_log(tmp_path: Path, records: Records):
    record = start("print('no such luck'); raise SystemExit(3)", tmp_path, records, "Kafka")
    with pytest.raises(StackError, match=r"(?s)Kafka stopped while starting.*thing\.log.*no such luck"):
        wait_until_ready(record, lambda: False, 60)


def test_a_service_that_is_not_ready_in_time_is_named(tmp_path: Path, records: Records):
    record = start("import time; time.sleep(600)", tmp_path, records, "Kafka")
    with pytest.raises(StackError, match=r"Kafka was not ready within 0 seconds.*"):
        wait_until_ready(record, lambda: False, 0.2)


def test_a_command_that_is_not_there_is_named(tmp_path: Path, records: Records):
    with pytest.raises(StackError, match="Thing cannot be started"):
        start_service("Thing", ["/no/such/program"], tmp_path / "thing.log", records)
    assert records.read() == []


def test_records_cut_short_are_none(tmp_path: Path):
    assert Records(tmp_path / "services").read() == []
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "kafka.json").write_text('{"name": "Kaf')
    assert Records(tmp_path / "services").read() == []


def test_listening_processes_are_distinguished(tmp_path: Path, records: Records):
    port = free_ports(1)[0]
    code = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"
    listener = start(code, tmp_path, records)
    other = start("print('ready', flush=True); import time; time.sleep(600)", tmp_path, records)
    wait_until_ready(listener, lambda: listens(listener, port), 60)
    assert not listens(other, port)


def test_free_ports_differ_and_are_free():
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert not any(accepts_connections(port) for port in ports[:3])
    with socket.create_server(("127.0.0.1", ports[0])):
        assert accepts_connections(ports[0])
