"""Flink's processes and their configuration: Beam's job server, with Flink embedded, or with a cluster of a
JobManager and TaskManagers in separate processes.

All run from the same jars. Embedded, every job gets its own Flink, whose REST server takes the first free
port of a few reserved ones. A cluster has one REST server, and its jobs share its slots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gogobe.local.java import java_command
from gogobe.local.processes import Records, ServiceRecord, slug, start_service

JOBS_AT_ONCE: Final = 8
# The slots of one TaskManager. As many jobs can run at once, each with a slot on every TaskManager.
SLOTS: Final = 4
EMBEDDED: Final = "[local]"
JOB_SERVER: Final = "Flink job server"
JOB_MANAGER: Final = "JobManager"
TASK_MANAGER: Final = "TaskManager"
# Beam's Flink runner uses these packages, which JDK 17 does not open.
ADD_OPENS: Final = tuple(
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in ("java.lang", "java.util", "java.nio", "java.util.concurrent")
)
# Read by java/overrides: a job is shipped without jars.
JARS_ON_CLUSTER: Final = "-Dgogobe.jars.on.cluster=true"
# For processes that compute little: they start with two thirds of the CPU time.
QUICK_START: Final = "-XX:TieredStopAtLevel=1"
MANAGER_CLASS: Final = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
WORKER_CLASS: Final = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"

COMMON_SETTINGS: Final[Mapping[str, object]] = {
    "rest.address": "127.0.0.1",
    "rest.bind-address": "127.0.0.1",
    "jobmanager.bind-host": "127.0.0.1",
    "taskmanager.bind-host": "127.0.0.1",
    "taskmanager.host": "127.0.0.1",
    # Jobs come from the job server; the web interface does not accept jars.
    "web.submit.enable": "false",
    "state.backend.type": "hashmap",
    "state.checkpoint-storage": "filesystem",
    # Few messages in flight: a checkpoint waits for them, and each message is a whole file. (With one buffer
    # of each kind a job hangs.)
    "taskmanager.memory.segment-size": "4kb",
    "taskmanager.memory.min-segment-size": "256b",
    "taskmanager.network.memory.buffer-debloat.enabled": "true",
    "taskmanager.network.memory.buffer-debloat.target": "500 ms",
    "taskmanager.network.memory.buffers-per-channel": 2,
    "taskmanager.network.memory.floating-buffers-per-gate": 2,
    # A job whose worker has died restarts from its last checkpoint at once. In an outage the steps wait first
    # (`WORKER_ATTEMPTS`), and the pauses between restarts grow.
    "restart-strategy.type": "exponential-delay",
    "restart-strategy.exponential-delay.initial-backoff": "200 ms",
    "restart-strategy.exponential-delay.backoff-multiplier": 1.5,
    "restart-strategy.exponential-delay.max-backoff": "2 s",
    "restart-strategy.exponential-delay.jitter-factor": 0.2,
    "restart-strategy.exponential-delay.reset-backoff-threshold": "1 min",
    # About a day in which no attempt runs for a minute; then the job has failed, and says why.
    "restart-strategy.exponential-delay.attempts-before-reset-backoff": 2_500,
}
CLUSTER_SETTINGS: Final[Mapping[str, object]] = {
    "jobmanager.rpc.address": "127.0.0.1",
    # The JobManager detects a killed TaskManager after two heartbeats that reach no process. A silent process
    # is detected after the timeout; so is a killed JobManager, by its TaskManagers.
    "heartbeat.interval": 1_000,
    "heartbeat.rpc-failure-threshold": 2,
    "heartbeat.timeout": 6_000,
    # TaskManagers look for a JobManager that starts again; the defaults are 10 s, 30 s and 30 s.
    "cluster.registration.error-delay": 500,
    "cluster.registration.max-timeout": 2_000,
    "cluster.registration.refused-registration-delay": 1_000,
    # A job of another job server brings jars that the class path has as well. With its own classes first, the
    # threads that it leaves behind mix both once its class loader is closed. Then the next job cannot link its
    # classes (LinkageError) until the TaskManager is started again.
    "classloader.resolve-order": "parent-first",
    "taskmanager.load-balance.mode": "SLOTS",
    "taskmanager.numberOfTaskSlots": SLOTS,
    # A TaskManager started by its class has no defaults for these.
    "taskmanager.cpu.cores": 1,
    "taskmanager.memory.task.heap.size": "512m",
    "taskmanager.memory.task.off-heap.size": "64m",
    "taskmanager.memory.managed.size": "64m",
    "taskmanager.memory.framework.heap.size": "128m",
    "taskmanager.memory.framework.off-heap.size": "128m",
    "taskmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.network.min": "64m",
    "taskmanager.memory.network.max": "64m",
    "taskmanager.memory.jvm-overhead.min": "192m",
    "taskmanager.memory.jvm-overhead.max": "192m",
}


@dataclass(frozen=True)
class FlinkPorts:
    """The ports of Beam's job server and of REST interfaces: those of the embedded Flinks, or, the first one,
    that of the cluster. `manager`: the port of the JobManager for the TaskManagers."""

    jobs: int
    artifacts: int
    expansion: int
    rest: tuple[int, ...]
    manager: int


@dataclass(frozen=True)
class FlinkServices:
    """Starts Flink's processes with the jars of a folder. Data is below `folder`, logs are in `logs`."""

    jars: Path
    folder: Path
    logs: Path
    ports: FlinkPorts
    records: Records

    def start_job_server(
        self, master: str = EMBEDDED, log_name: str = "flink.log", *, ships_jars: bool = True
    ) -> ServiceRecord:
        """Starts Beam's job server for a cluster by its REST address (HOST:PORT), or with Flink embedded.
        `ships_jars`: a job takes the jars of the class path to the cluster; not needed where its processes have
        the same class path. Raises StackError."""
        settings = flink_settings(self.folder.absolute())
        if master == EMBEDDED:
            settings["rest.bind-port"] = ",".join(map(str, self.ports.rest))
        conf = write_settings(self.folder / "conf", settings)
        command = java_command(
            self.jars, "2g", "org.apache.beam.runners.flink.FlinkJobServerDriver",
            "--job-host=127.0.0.1", f"--job-port={self.ports.jobs}", f"--artifact-port={self.ports.artifacts}",
            f"--expansion-port={self.ports.expansion}", f"--artifacts-dir={self.folder / 'artifacts'}",
            f"--flink-master={master}", f"--flink-conf-dir={conf}",
            options=[
                *ADD_OPENS,
                f"-Djava.io.tmpdir={self.folder}",
                *([] if master == EMBEDDED else [QUICK_START]),
                *([] if ships_jars else [JARS_ON_CLUSTER]),
            ],
        )  # fmt: skip
        return start_service(JOB_SERVER, command, self.logs / log_name, self.records)

    def start_job_manager(self) -> ServiceRecord:
        """Starts the JobManager of a cluster. Raises StackError."""
        return self._start(JOB_MANAGER, MANAGER_CLASS, "512m", QUICK_START)

    def start_task_manager(self, number: int) -> ServiceRecord:
        """Starts a TaskManager, which registers with the JobManager. Raises StackError."""
        return self._start(f"{TASK_MANAGER} {number}", WORKER_CLASS, "640m")

    def _start(self, name: str, main: str, heap: str, *options: str) -> ServiceRecord:
        short = slug(name)
        settings = cluster_settings(self.folder.absolute(), short, self.ports)
        conf = write_settings(self.folder / short, settings)
        command = java_command(
            self.jars, heap, main, "-c", str(conf), options=[*ADD_OPENS, "-XX:MaxMetaspaceSize=512m", *options]
        )
        return start_service(name, command, self.logs / f"{short}.log", self.records)


def flink_settings(folder: Path) -> dict[str, object]:
    """The common settings of all Flinks, with data below a folder."""
    return {
        **COMMON_SETTINGS,
        "io.tmp.dirs": folder,
        "state.checkpoints.dir": f"file://{folder}/checkpoints",
        "state.savepoints.dir": f"file://{folder}/savepoints",
    }


def cluster_settings(folder: Path, name: str, ports: FlinkPorts) -> dict[str, object]:
    """The settings of a process of a cluster."""
    return {
        **flink_settings(folder),
        **CLUSTER_SETTINGS,
        "io.tmp.dirs": folder / name / "tmp",
        "jobmanager.rpc.port": ports.manager,
        "rest.port": ports.rest[0],
        "rest.bind-port": ports.rest[0],
        "taskmanager.resource-id": name,
    }


def write_settings(conf: Path, settings: Mapping[str, object]) -> Path:
    """Writes Flink's `flink-conf.yaml` to a folder, and creates it and the folders in the settings. Returns
    the folder."""
    Path(str(settings["io.tmp.dirs"])).mkdir(parents=True, exist_ok=True)
    conf.mkdir(parents=True, exist_ok=True)
    lines = [f"{name}: {value}\n" for name, value in settings.items()]
    (conf / "flink-conf.yaml").write_text("".join(lines), "utf-8")
    return conf
