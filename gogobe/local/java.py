"""Starts the stack's Java programs: Kafka, with its configuration file, and Beam's services.
`flink_services.py` starts Flink.

Main classes and flags were determined by running the programs; `java/pom.xml` has the versions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from gogobe.io.kafka.reading import READ_PARTITIONS
from gogobe.local.processes import Records, ServiceRecord, StackError, start_service

MAX_MESSAGE_BYTES: Final = 16 << 20
JAVA_RELEASE: Final = 17
HARNESS_JAR: Final = "beam-sdks-java-harness-"
# Logs warnings only.
LOGGING: Final = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


def java_command(jars: Path, heap: str, main: str, *arguments: str, options: Sequence[str] = ()) -> list[str]:
    """The command line of a main class with the jars of a folder; `heap` as in `512m`.

    The classes of `java/overrides` precede them, as a jar, because a job is shipped to a Flink cluster with
    the jars of the class path. Raises StackError without a JDK or jars.
    """
    java = _java()
    overrides = jars.parent / "overrides.jar"
    if not any(jars.glob("*.jar")) or not overrides.is_file():
        raise StackError(f"the Java parts are not in {jars} and {overrides}: run `make install`")
    return [java, f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:-UsePerfData", *LOGGING, *options,
            "-cp", f"{overrides}:{jars}/*", main, *arguments]  # fmt: skip


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(Path(home) / "bin" / "java" if home else "java")
    if java is None:
        where = f"in JAVA_HOME ({home})" if home else "on PATH"
        raise StackError(f"java is not {where}: install a JDK of version 17 or newer")
    return java


def start_kafka(jars: Path, data: Path, log: Path, ports: tuple[int, int], records: Records) -> ServiceRecord:
    """Starts a broker that is its own controller (KRaft), on two ports (clients, controller). Its data is
    kept."""
    properties = data / "server.properties"
    data.mkdir(parents=True, exist_ok=True)
    properties.write_text(_kafka_properties(data, *ports), "utf-8")
    if not (data / "log" / "meta.properties").exists():
        _format_kafka(jars, properties)
    # A heap that begins as large as the machine suggests is filled before anything is collected.
    command = java_command(jars, "512m", "kafka.Kafka", str(properties), options=["-Xms64m"])
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
    """Starts Beam's Java expansion service for Flink (`expansion_command`)."""
    command = expansion_command(jars, log.with_name("expansion.yaml"), port, java_worker_port)
    return start_service("Expansion service", command, log, records)


def expansion_command(jars: Path, config: Path, port: int, java_worker_port: int) -> list[str]:
    """The expansion service for Flink, whose Java steps run in a worker at a port. The flag on the command line
    of the service (not of the pipeline) makes ReadFromKafka expand to the read that Flink runs natively, the
    only one whose offsets follow commits. Writes the service's configuration, so that a job stages no jars:
    the Java worker already has the 138 MB of the class path."""
    return _expansion_command(
        jars, port, "--experiments=use_deprecated_read", _staging(config),
        "--defaultEnvironmentType=EXTERNAL", f"--defaultEnvironmentConfig=127.0.0.1:{java_worker_port}",
    )  # fmt: skip


def start_container_expansion_service(
    jars: Path, log: Path, port: int, records: Records, staged: Path | None = None
) -> ServiceRecord:
    """Starts Beam's Java expansion service for a runner whose Java steps run in Beam's own container image.
    ReadFromKafka is a splittable DoFn there. A job stages the jars of the class path, or one file. Raises
    StackError."""
    staging = [] if staged is None else [_staging(log.with_name("expansion.yaml"), staged)]
    command = _expansion_command(
        jars,
        port,
        "--defaultEnvironmentType=DOCKER",
        f"--defaultEnvironmentConfig={java_image(jars)}",
        *staging,
    )
    return start_service("Expansion service", command, log, records)


def java_image(jars: Path) -> str:
    """Beam's image of the Java worker, of the version of the jars in a folder. Raises StackError."""
    versions = [jar.stem.removeprefix(HARNESS_JAR) for jar in jars.glob(f"{HARNESS_JAR}*.jar")]
    if len(versions) != 1:
        raise StackError(f"{jars} has {len(versions)} jars {HARNESS_JAR}VERSION.jar: run `make install`")
    return f"apache/beam_java{JAVA_RELEASE}_sdk:{versions[0]}"


def _expansion_command(jars: Path, port: int, *flags: str) -> list[str]:
    return java_command(
        jars, "384m", "io.gogobe.LoopbackExpansionService", str(port), *flags,
        options=["-XX:TieredStopAtLevel=1"],
    )  # fmt: skip


def _staging(config: Path, staged: Path | None = None) -> str:
    """The flag with which a job stages one file (else: the configuration itself) for Gogobe's transforms."""
    transforms = ("kafka_read_with_metadata", "kafka_read_without_metadata", "kafka_write")
    names = [*(f"beam:transform:org.apache.beam:{name}:v1" for name in transforms), READ_PARTITIONS]
    lines = [f'  "{name}": [{{path: "{staged or config}"}}]\n' for name in names]
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("allowlist: []\ndependencies:\n" + "".join(lines), "utf-8")
    return f"--expansionServiceConfigFile={config}"


def start_java_worker(jars: Path, log: Path, port: int, records: Records) -> ServiceRecord:
    """Starts the Java SDK worker (`java_worker_command`)."""
    command, environment = java_worker_command(jars, port)
    return start_service("Java worker", command, log, records, environment=environment)


def java_worker_command(jars: Path, port: int) -> tuple[list[str], dict[str, str]]:
    """The Java SDK worker, which runs the Java side of WriteToKafka, and its environment."""
    options = msgspec.json.encode(
        {
            "beam:option:environment_options:v1": [f"external_service_address=127.0.0.1:{port}"],
            "beam:option:default_environment_type:v1": "EXTERNAL",
        }
    ).decode()
    command = java_command(jars, "768m", "org.apache.beam.fn.harness.ExternalWorkerService")
    return command, {"PIPELINE_OPTIONS": options}
