"""Configuration files and command lines of Flink's processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gogobe.local import flink_services
from gogobe.local.flink_services import (
    JARS_ON_CLUSTER,
    FlinkPorts,
    FlinkServices,
    cluster_settings,
    flink_settings,
)
from gogobe.local.processes import Records, ServiceRecord

PORTS = FlinkPorts(1, 2, 3, (5001, 5002), 5003)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The command lines of what would have been started, by name."""
    commands: dict[str, list[str]] = {}

    def start(name: str, command: list[str], log: Path, records: Any) -> ServiceRecord:
        commands[name] = command
        return ServiceRecord(name, 1, 1.0, str(log))

    monkeypatch.setattr(flink_services, "start_service", start)
    monkeypatch.setattr(flink_services, "java_command", lambda *words, options: [*map(str, words), *options])
    return commands


def settings_of(conf: Path) -> dict[str, str]:
    lines = (conf / "flink-conf.yaml").read_text("utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines)


def services(folder: Path) -> FlinkServices:
    return FlinkServices(folder / "java", folder / "flink", folder / "log", PORTS, Records(folder / "records"))


def test_settings_keep_to_loopback_and_to_the_folder(tmp_path: Path):
    settings = flink_settings(tmp_path)
    assert settings["rest.bind-address"] == "127.0.0.1"
    assert str(settings["state.checkpoints.dir"]) == f"file://{tmp_path}/checkpoints"
    for name in ("jobmanager.bind-host", "taskmanager.bind-host", "jobmanager.rpc.address"):
        assert cluster_settings(tmp_path, "jobmanager", PORTS)[name] == "127.0.0.1"


def test_an_embedded_flink_takes_one_of_the_ports(tmp_path: Path, started: dict[str, list[str]]):
    services(tmp_path).start_job_server()
    assert "--flink-master=[local]" in started["Flink job server"]
    assert settings_of(tmp_path / "flink" / "conf")["rest.bind-port"] == "5001,5002"


def test_a_cluster_is_a_manager_and_its_workers_and_the_job_server_s_master(
    tmp_path: Path, started: dict[str, list[str]]
):
    flink = services(tmp_path)
    assert flink.start_job_manager().name == "JobManager"
    assert [flink.start_task_manager(number).name for number in (1, 2)] == ["TaskManager 1", "TaskManager 2"]
    flink.start_job_server("127.0.0.1:5001")
    assert "--flink-master=127.0.0.1:5001" in started["Flink job server"]
    manager = settings_of(tmp_path / "flink" / "jobmanager")
    workers = [settings_of(tmp_path / "flink" / f"taskmanager-{number}") for number in (1, 2)]
    assert manager["rest.port"] == "5001"
    assert {one["jobmanager.rpc.port"] for one in (manager, *workers)} == {"5003"}
    assert len({one["taskmanager.resource-id"] for one in workers}) == 2
    folders = [one["io.tmp.dirs"] for one in (manager, *workers)]
    assert len({*folders}) == 3
    assert all(Path(folder).is_dir() for folder in folders)
    assert len({one["state.checkpoints.dir"] for one in (manager, *workers)}) == 1


def test_a_lost_process_is_noticed_within_seconds():
    settings = flink_services.CLUSTER_SETTINGS
    beats = int(str(settings["heartbeat.interval"])) * int(str(settings["heartbeat.rpc-failure-threshold"]))
    assert beats <= 2_000
    assert int(str(settings["heartbeat.timeout"])) <= 6_000
    assert int(str(settings["cluster.registration.error-delay"])) <= 1_000


def test_a_job_restarts_at_once():
    settings = flink_services.COMMON_SETTINGS
    assert settings["restart-strategy.type"] == "exponential-delay"
    assert settings["restart-strategy.exponential-delay.initial-backoff"] == "200 ms"


@pytest.mark.parametrize("ships_jars", [True, False])
def test_a_job_takes_its_jars_along_only_where_the_cluster_has_others(
    tmp_path: Path, started: dict[str, list[str]], *, ships_jars: bool
):
    services(tmp_path).start_job_server("127.0.0.1:5001", ships_jars=ships_jars)
    assert (JARS_ON_CLUSTER in started["Flink job server"]) == (not ships_jars)
