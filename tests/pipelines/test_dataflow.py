"""Launching a job on Dataflow; `tests/deploy/dataflow` has the graphs that its runner builds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, WorkerOptions

from gogobe.pipelines import dataflow
from gogobe.pipelines.job import JobKind
from gogobe.settings import Settings

FLAGS = (
    "--kafka=kafka.example.org:9092", "--database=postgresql://gogobe@db.example.org/gogobe", "--store=gs://b/store",
    "--masters=gs://b/masters", "--project=project", "--region=europe-west1", "--temp_location=gs://b/temp",
    "--sdk_container_image=registry/image:1",
)  # fmt: skip


class Launched:
    """What a launch has done, in its order."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.kind = ""
        self.options = PipelineOptions([])
        self.settings = Settings()
        self.result = Mock(has_job=True)
        self.result.wait_until_finish.side_effect = AssertionError(
            "Dataflow starts the job after the launcher's end"
        )

    def prepare(self, _settings: Settings) -> None:
        self.done.append("prepare")

    @contextmanager
    def service(self, java: Path) -> Iterator[str]:
        self.done.append(f"service of {java}")
        yield "127.0.0.1:7"
        self.done.append("service ends")

    def built(self, kind: JobKind, options: PipelineOptions, settings: Settings) -> Any:
        self.done.append("build")
        self.kind, self.options, self.settings = kind.name, options, settings
        return Mock(run=lambda: self.result)


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Launched:
    found = Launched()
    monkeypatch.setattr(dataflow, "prepare", found.prepare)
    monkeypatch.setattr(dataflow, "built", found.built)
    monkeypatch.setattr(dataflow, "container_expansion_service", found.service)
    monkeypatch.delenv("GOGOBE_EXPANSION_SERVICE", raising=False)
    return found


def test_the_launcher_builds_with_a_service_of_its_own_and_never_waits(launched: Launched, caplog: Any):
    caplog.set_level("INFO")
    launched.result.job_id.return_value = "2026-11-26_1"
    dataflow.main([*FLAGS, "--job_kind=parse"], {"GOGOBE_VAR": "/opt/gogobe"})
    assert launched.done == ["prepare", "service of /opt/gogobe/java", "build", "service ends"]
    assert launched.kind == "parse"
    assert launched.settings.expansion_service == "127.0.0.1:7"
    assert launched.options.view_as(GoogleCloudOptions).job_name == "gogobe-parse"
    launched.result.wait_until_finish.assert_not_called()
    assert "submitted as job 2026-11-26_1" in caplog.text


def test_a_service_that_is_named_is_used(launched: Launched):
    dataflow.launch([*FLAGS, "--expansion_service=service:8097"], Path("/java"))
    assert launched.done == ["prepare", "build"]
    assert launched.settings.expansion_service == "service:8097"


def test_what_is_given_wins_and_what_is_left_empty_is_as_if_not_given(launched: Launched):
    given = ["--max_num_workers=3", "--job_name=mine", "--worker_machine_type=", "--user_agent_suffix=="]
    dataflow.launch([*FLAGS, *given, "--instance="], Path("/java"))
    workers = launched.options.view_as(WorkerOptions)
    assert (workers.max_num_workers, workers.machine_type, workers.disk_size_gb) == (3, None, dataflow.DISK_GB)
    assert launched.options.view_as(GoogleCloudOptions).job_name == "mine"


def test_a_flag_of_dataflow_that_beam_does_not_know_stops_nothing(launched: Launched, caplog: Any):
    dataflow.launch([*FLAGS, "--launcher_machine_type=n1-standard-1"], Path("/java"))
    assert launched.done[-1] == "service ends"
    assert "--launcher_machine_type: no option" in caplog.text


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--database_password=hunter2"], "database_password is a value"),
        (["--store=var/store"], "is a folder, which Dataflow's workers do not have"),
    ],
)
def test_wrong_flags_end_the_launcher_with_a_message(launched: Launched, flags: list[str], message: str):
    with pytest.raises(SystemExit, match=message):
        dataflow.main([*FLAGS, *flags], {})
    assert launched.done == []
