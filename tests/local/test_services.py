"""How the services of a stack are started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gogobe.local import java, services
from gogobe.local.addresses import StackPorts
from gogobe.local.flink_services import JOB_SERVER, FlinkServices
from gogobe.local.processes import ServiceRecord
from gogobe.local.services import PRELOADED, WORKER_POOL, StackFolders, services_of

Started = dict[str, tuple[tuple[Any, ...], dict[str, Any]]]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """What would have been started, with its arguments."""
    found: Started = {}

    def start(name: str, *arguments: Any, **named: Any) -> ServiceRecord:
        found[name] = (arguments, named)
        return ServiceRecord(name, 1, 1.0, "")

    def start_job_server(_self: FlinkServices, *arguments: Any, **named: Any) -> ServiceRecord:
        return start(JOB_SERVER, *arguments, **named)

    monkeypatch.setattr(services, "start_service", start)
    monkeypatch.setattr(java, "start_service", start)
    monkeypatch.setattr(java, "java_command", lambda *words, **_named: [*map(str, words)])
    monkeypatch.setattr(FlinkServices, "start_job_server", start_job_server)
    monkeypatch.setattr(java, "_format_kafka", lambda *_arguments: None)
    return found


def start(name: str, folder: Path, cluster: int) -> None:
    found = services_of(StackFolders(folder, folder / "java"), StackPorts.choose(), cluster)
    next(one for one in found if one.name == name).start()


@pytest.mark.parametrize("cluster", [0, 2])
def test_a_job_is_shipped_without_jars_to_a_cluster_that_has_them(
    tmp_path: Path, started: Started, cluster: int
):
    start(JOB_SERVER, tmp_path, cluster)
    assert started[JOB_SERVER][1].get("ships_jars", True) == (not cluster)


def test_workers_are_forked_from_a_process_that_has_the_steps(tmp_path: Path, started: Started):
    start(WORKER_POOL, tmp_path, 0)
    (command, *_), _ = started[WORKER_POOL]
    assert command[-1] == PRELOADED == "gogobe.pipelines.catalogue"
