"""Command lines and configuration files of the Java programs."""

from pathlib import Path

import pytest

from gogobe.local import java
from gogobe.local.flink_services import FlinkPorts, FlinkServices
from gogobe.local.processes import Records, StackError


def test_a_command_has_its_heap_its_jars_and_its_arguments(tmp_path: Path):
    jars = _jars(tmp_path)
    command = java.java_command(jars, "512m", "kafka.Kafka", "server.properties", options=["-Dx=y"])
    assert Path(command[0]).name == "java"
    assert "-Xmx512m" in command
    assert command[command.index("-cp") + 1] == f"{tmp_path}/overrides.jar:{jars}/*"
    assert command[-2:] == ["kafka.Kafka", "server.properties"]
    assert command.index("-Dx=y") < command.index("kafka.Kafka")


def _jars(folder: Path) -> Path:
    """A folder of jars, as `make install` leaves it."""
    (folder / "overrides.jar").touch()
    (folder / "kafka").mkdir()
    (folder / "kafka" / "kafka.jar").touch()
    return folder / "kafka"


def test_without_jars_the_remedy_is_named(tmp_path: Path):
    with pytest.raises(StackError, match="make install"):
        java.java_command(tmp_path, "1g", "kafka.Kafka")
    (_jars(tmp_path).parent / "overrides.jar").unlink()
    with pytest.raises(StackError, match="make install"):
        java.java_command(tmp_path / "kafka", "1g", "kafka.Kafka")
    ports = FlinkPorts(1, 2, 3, (4,), 5)
    with pytest.raises(StackError, match="make install"):
        FlinkServices(
            tmp_path, tmp_path / "flink", tmp_path / "log", ports, Records(tmp_path / "records")
        ).start_job_server()


def test_without_java_the_place_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    jars = _jars(tmp_path)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(StackError, match=f"JAVA_HOME.*{tmp_path}.*JDK"):
        java.java_command(jars, "1g", "kafka.Kafka")
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match=r"PATH.*JDK"):
        java.java_command(jars, "1g", "kafka.Kafka")
