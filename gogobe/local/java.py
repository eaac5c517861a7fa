"""The stack's Java programs, and Kafka's and Flink's configuration files.

Main classes, flags and what they need were found by running them; `java/pom.xml` has the versions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from gogobe.local.processes import Records, ServiceRecord, StackError, start_service

MAX_MESSAGE_BYTES: Final = 16 << 20
ADD_OPENS: Final = tuple(
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in ("java.lang", "java.util", "java.nio", "java.util.concurrent")
)
# A quiet console: what is worth reading is a warning.
LOGGING: Final = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


def java_command(jars: Path, heap: str, main: str, *arguments: str, options: Sequence[str] = ()) -> list[str]:
    """A command line for a main class over the jars of a folder. Raises StackError without a JDK or jars."""
    java = _java()
    if not any(jars.glob("*.jar")):
        raise StackError(f"the Java parts are not in {jars}: run `make install`")
    return [java, f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=4", *LOGGING, *options,
            "-cp", f"{jars}/*", main, *arguments]  # fmt: skip


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None:
        raise StackError("java is not on PATH: install a JDK of version 17 or newer")
    return java


def start_kafka(jars: Path, data: Path, log: Path, ports: tuple[int, int], records: Records) -> ServiceRecord:
    """Starts a broker that is its own controller (KRaft) on ports (clients, controller); data stays."""
    properties = data / "server.properties"
    data.mkdir(parents=True, exist_ok=True)
    properties.write_text(_kafka_properties(data, *ports), "utf-8")
    if not (data / "log" / "meta.properties").exists():
        _format_kafka(jars, properties)
    command = java_command(jars, "512m", "kafka.Kafka", str(properties))
    return start_service("Kafka", command, log, records)


def _format_kafka(jars: Path, properties: Path) -> None:
    arguments = ("format", "-t", "gogobeAAAAAAAAAAAAAAAA", "-c", str(properties))
    command = java_command(jars, "256m", "kafka.tools.StorageTool", *arguments)
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise StackError(f"Kafka's storage cannot be formatted:\n{made.stdout}{made.stderr}")


def _kafka_properties(data: Path, clients: int, controller: int) -> str:
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{clients},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{clients}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": data / "log",
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "replica.fetch.max.bytes": MAX_MESSAGE_BYTES,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "auto.create.topics.enable": "false",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def start_expansion_service(
    jars: Path, log: Path, port: int, java_worker_port: int, records: Records
) -> ServiceRecord:
    """Starts Beam's Java expansion service. The flag on its own command line (not the pipeline's) makes
    ReadFromKafka expand to the read that Flink runs natively: the one way in which offsets follow commits."""
    command = java_command(
        jars, "384m", "org.apache.beam.sdk.expansion.service.ExpansionService", str(port),
        "--experiments=use_deprecated_read",
        "--defaultEnvironmentType=EXTERNAL", f"--defaultEnvironmentConfig=127.0.0.1:{java_worker_port}",
    )  # fmt: skip
    return start_service("Expansion service", command, log, records)


def start_java_worker(jars: Path, log: Path, port: int, records: Records) -> ServiceRecord:
    """Starts the Java SDK worker, which runs the Java side of WriteToKafka."""
    options = msgspec.json.encode(
        {
            "beam:option:environment_options:v1": [f"external_service_address=127.0.0.1:{port}"],
            "beam:option:default_environment_type:v1": "EXTERNAL",
        }
    ).decode()
    command = java_command(jars, "768m", "org.apache.beam.fn.harness.ExternalWorkerService")
    return start_service("Java worker", command, log, records, environment={"PIPELINE_OPTIONS": options})


def start_job_server(
    jars: Path, folder: Path, log: Path, ports: tuple[int, int, int], records: Records
) -> ServiceRecord:
    """Starts Beam's job server with Flink embedded in it, on ports (jobs, artifacts, expansion)."""
    (folder / "flink-conf").mkdir(parents=True, exist_ok=True)
    conf = folder / "flink-conf" / "flink-conf.yaml"
    conf.write_text("".join(f"{line}\n" for line in _flink_conf(folder)), "utf-8")
    job, artifact, expansion = ports
    command = java_command(
        jars, "2g", "org.apache.beam.runners.flink.FlinkJobServerDriver",
        "--job-host=127.0.0.1", f"--job-port={job}", f"--artifact-port={artifact}",
        f"--expansion-port={expansion}", f"--artifacts-dir={folder / 'artifacts'}",
        "--flink-master=[local]", f"--flink-conf-dir={folder / 'flink-conf'}",
        options=ADD_OPENS,
    )  # fmt: skip
    return start_service("Flink job server", command, log, records)


def _flink_conf(folder: Path) -> list[str]:
    return [
        "state.backend.type: hashmap",
        "state.checkpoint-storage: filesystem",
        f"state.checkpoints.dir: file://{folder.absolute() / 'checkpoints'}",
        # Little in flight: a message here stands for a whole file.
        "taskmanager.memory.segment-size: 8kb",
        "taskmanager.network.memory.buffers-per-channel: 2",
        "taskmanager.network.memory.floating-buffers-per-gate: 2",
        "rest.address: 127.0.0.1",
        "rest.bind-address: 127.0.0.1",
        "restart-strategy.type: fixed-delay",
        "restart-strategy.fixed-delay.attempts: 2147483647",
        "restart-strategy.fixed-delay.delay: 1 s",
    ]
