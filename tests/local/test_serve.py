"""Services as the only program of a container."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gogobe.local.processes import StackError
from gogobe.local.serve import command_of
from tests.local.test_java import _jars


@pytest.fixture
def var(tmp_path: Path) -> Path:
    java = tmp_path / "java"
    java.mkdir()
    _jars(java)
    (java / "expansion").mkdir()
    (java / "expansion" / "beam.jar").touch()
    return tmp_path


def test_the_expansion_service_names_the_java_worker_of_the_pod_and_reads_natively(var: Path):
    command, environment = command_of(["expansion", "8097", "--java-worker", "50001"], var)
    assert "io.gogobe.LoopbackExpansionService" in command
    assert "--defaultEnvironmentConfig=127.0.0.1:50001" in command
    assert "--experiments=use_deprecated_read" in command
    assert environment == {}
    (config,) = [one.partition("=")[2] for one in command if one.startswith("--expansionServiceConfigFile=")]
    assert "kafka_write" in Path(config).read_text()


def test_the_java_worker_listens_at_its_port(var: Path):
    command, environment = command_of(["java-worker", "50001"], var)
    assert command[-1] == "org.apache.beam.fn.harness.ExternalWorkerService"
    options = json.loads(environment["PIPELINE_OPTIONS"])
    assert options["beam:option:environment_options:v1"] == ["external_service_address=127.0.0.1:50001"]


def test_without_jars_the_remedy_is_named(tmp_path: Path):
    with pytest.raises(StackError, match="make install"):
        command_of(["java-worker", "1"], tmp_path)


def test_an_unknown_service_is_refused(var: Path):
    with pytest.raises(SystemExit):
        command_of(["kafka", "1"], var)
