"""The system of a run: a stack with a Flink cluster, an object store's server, portals, agents, and the job."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import requests

from chaos.faults import Fault
from chaos.processes import (
    Keeper,
    OwnService,
    memory_of,
    own_service,
    signal_all,
    stop_for,
    wait_for_workers,
)
from chaos.recovery import Injected
from deploy.gcs import gcs_command
from gogobe.commands.health import assess, gather
from gogobe.demo.published import CHAINS
from gogobe.io.kafka.topics import ensure_topics, lag
from gogobe.local.addresses import StackAddresses, StackPorts
from gogobe.local.flink import cancel_jobs, jobs, wait_for_job
from gogobe.local.processes import Records, ServiceRecord, StackError, free_ports, members, stop_services
from gogobe.local.stack import Stack
from gogobe.pipelines.ingest import INGEST_JOB
from gogobe.pipelines.options import flags_of, flink_flags
from gogobe.pipelines.resubmit import record_of
from gogobe.pipelines.submission import submit
from gogobe.records.messages import TOPICS
from gogobe.settings import Settings, stack_settings

JOB: Final = "gogobe-ingest"
TASK_MANAGERS: Final = 2
PORTALS: Final = 2
AGENTS: Final = 2
BUCKET: Final = "chaos"
JOB_SECONDS: Final = 90.0
LEASE_SECONDS: Final = 6.0
VIEWS_SECONDS: Final = 5.0
WORKER_POOL: Final = "Python worker pool"
# Of these there are several, numbered from 1.
_SEVERAL: Final[Mapping[str, int]] = {"TaskManager": TASK_MANAGERS, "Portal": PORTALS, "Agent": AGENTS}


@dataclass(frozen=True)
class World:
    """The running system of a run. `store` is the address of the object store's server."""

    stack: StackAddresses
    ports: StackPorts
    records: Records
    keeper: Keeper
    job: Job
    store: str

    def inject(self, fault: Fault) -> Injected:
        """Lets a fault happen; returns when it is over. What dies of it is started again by its supervisor,
        which is no part of the fault."""
        started = time.time()
        said: tuple[str, ...] = ()
        try:
            if fault.how == "away":
                name, said = fault.name, self._take_away(fault)
            else:
                name = self._break(fault)
        except Exception as error:  # noqa: BLE001 - shown beside the fault; the run goes on
            problem = f"{type(error).__name__}: {error}".splitlines()[0]
            return Injected(fault.name, started, time.time(), problem)
        return Injected(name, started, time.time(), said=said)

    def _take_away(self, fault: Fault) -> tuple[str, ...]:
        """Kills a server, and starts it again only after the fault's seconds. Returns the problems that
        `gogobe status` reports meanwhile, and how the memory of the workers changes."""
        record = self._record(fault)
        workers = [one for one in self.records.read() if one.name.startswith(("TaskManager", WORKER_POOL))]
        before = memory_of(workers)
        self.keeper.hold(record.name, is_held=True)
        self.records.hold(record.name)
        try:
            signal_all(members(record), signal.SIGKILL)
            time.sleep(fault.seconds * 0.8)
            settings = self.job.settings
            problems = assess(gather(self.job.stack, settings, [])).problems
            after = memory_of(workers)
            time.sleep(fault.seconds * 0.2)
        finally:
            self.records.release(record.name)
            self.keeper.hold(record.name, is_held=False)
        grown = f"memory of the workers: {before >> 20} MB before, {after >> 20} MB in the outage"
        return (*problems, grown)

    def _break(self, fault: Fault) -> str:
        if fault.how == "resubmit":
            self.job.resubmit()
            return fault.name
        record = self._record(fault)
        processes = members(record)
        name = fault.name.replace(fault.target, record.name, 1)
        if fault.target == "Python worker":
            workers = wait_for_workers(record, self.ports.worker_pool)
            processes, name = workers[int(fault.choice * len(workers)) :][:1], fault.name
        match fault.how:
            case "kill":
                signal_all(processes, signal.SIGKILL)
            case "stop":
                stop_for(processes, fault.seconds)
            case "restart":
                stop_services([record])
        return name

    def _record(self, fault: Fault) -> ServiceRecord:
        """The service that a fault is about. Raises StackError where it does not run."""
        number = 1 + int(fault.choice * _SEVERAL.get(fault.target, 1))
        name = f"{fault.target} {number}" if fault.target in _SEVERAL else fault.target
        name = WORKER_POOL if fault.target == "Python worker" else name
        record = self.keeper.get(name) or self.records.get(name)
        if record is None:
            raise StackError(f"{name} does not run")
        return record

    def wait_for_job(self) -> float | None:
        """Waits until the job runs, at most `JOB_SECONDS`. Returns when it did (seconds since the epoch), or
        None where it ran all the time: rows that still flow while a lost JobManager is being replaced are no
        recovery."""
        with contextlib.suppress(StackError, requests.RequestException):
            if any(one.name == JOB and one.state == "RUNNING" for one in jobs(self.stack.flink)):
                return None
            wait_for_job(self.stack.flink, JOB, seconds=JOB_SECONDS)
        return time.time()

    def lag(self) -> int:
        """Announcements that the job has not done."""
        return sum(lag(self.stack.kafka, Settings().group, topic) for topic in INGEST_JOB.topics)


@dataclass(frozen=True)
class Job:
    """The job on the cluster. A JobManager on one machine forgets its jobs when it dies; the supervisor submits
    this one again by its record, and it goes on from the committed offsets."""

    stack: Stack
    addresses: StackAddresses
    settings: Settings

    def submit(self) -> None:
        """Submits the job, and waits until it runs. Raises StackError."""
        to = self.addresses
        known = {one.id for one in jobs(to.flink)}
        flags = flink_flags(to.job_endpoint, to.worker_pool, JOB, to.parallelism, to.task_managers)
        flags = [*flags, *flags_of(self.settings)]
        submit(INGEST_JOB, flags)
        self.stack.jobs.add(record_of(JOB, INGEST_JOB.name, flags))
        wait_for_job(to.flink, JOB, seconds=JOB_SECONDS, other_than=known)

    def resubmit(self) -> None:
        """Cancels the job and submits it again, as one does with another version. Raises StackError."""
        cancel_jobs(self.addresses.flink)
        self.submit()

    def cancel(self) -> None:
        """Ends the job."""
        with contextlib.suppress(StackError, requests.RequestException):
            cancel_jobs(self.addresses.flink)


@contextlib.contextmanager
def running_world(folder: Path, published: Path, jars: Path) -> Iterator[World]:
    """Runs the system for the length of a `with`, from nothing. Raises StackError."""
    var = (folder / "var").absolute()
    shutil.rmtree(var, ignore_errors=True)
    os.environ |= {"NO_GCE_CHECK": "true", "CLOUDSDK_CONFIG": str(folder.absolute() / "gcloud")}
    ports = StackPorts.choose()
    free = free_ports(1 + PORTALS)
    hosts = [f"127.0.0.1:{port}" for port in free[1:]]
    stack = Stack(var, jars, TASK_MANAGERS)
    with contextlib.ExitStack() as entered:
        own = Records(var / "own")
        entered.callback(lambda: stop_services(own.read()))
        store = _start_store(var, free[0], own)
        addresses = entered.enter_context(stack.running(ports, supervised=True))
        settings = msgspec.structs.replace(
            stack_settings(addresses, var),
            store=f"gs://{BUCKET}/store",
            store_endpoint=f"http://127.0.0.1:{free[0]}",
            views_every=VIEWS_SECONDS,
            chains=str(_write_chains(var / "portals.toml", hosts)),
            fetch_hosts=",".join(hosts),
            crawl_lease=LEASE_SECONDS,
        )
        ensure_topics(addresses.kafka, TOPICS)
        job = Job(stack, addresses, settings)
        entered.callback(job.cancel)
        job.submit()
        portals = [_start_portal(number, published, var, port, own) for number, port in enumerate(free[1:], 1)]
        agents = [_start_agent(number, settings, var, own) for number in range(1, AGENTS + 1)]
        keeper = entered.enter_context(Keeper([store, *portals, *agents], own))
        yield World(addresses, ports, Records(var / "services"), keeper, job, settings.store_endpoint)


def _start_portal(number: int, published: Path, var: Path, port: int, records: Records) -> OwnService:
    command = [sys.executable, "-m", "chaos.portal", str(published.absolute()), str(port)]
    return own_service(f"Portal {number}", command, var / "log" / f"portal-{number}.log", records)


def _start_store(var: Path, port: int, records: Records) -> OwnService:
    """A GCS server that keeps its objects in a folder, with the run's bucket."""
    objects = var / "data" / "objects"
    (objects / BUCKET).mkdir(parents=True)
    return own_service("Object store", gcs_command(port, objects), var / "log" / "store.log", records)


def _start_agent(number: int, settings: Settings, var: Path, records: Records) -> OwnService:
    flags = {
        "kafka": settings.kafka,
        "database": settings.database,
        "chains": settings.chains,
        "fetch-hosts": settings.fetch_hosts,
        "crawl-lease": str(settings.crawl_lease),
    }
    command = [str(Path(sys.executable).with_name("gogobe")), "crawl", "--var", str(var)]
    command += [word for name, value in flags.items() for word in (f"--{name}", value)]
    command += [word for chain in CHAINS.values() for word in ("--chain", chain)]
    return own_service(f"Agent {number}", command, var / "log" / f"agent-{number}.log", records)


def _write_chains(file: Path, hosts: list[str]) -> Path:
    """The chains of the run, each with a portal on one of the hosts, asked every second."""
    tables = []
    for number, chain in enumerate(CHAINS.values()):
        url = f"http://{hosts[number % len(hosts)]}/{chain}/"
        tables.append(
            f'[[chains.{chain}.portals]]\nengine = "directory_index"\nurl = "{url}"\nrate = 200.0\n'
            f"concurrency = 4\nevery = 1.0\nfull = []\nnight = []\nquiet = []\ntimeout = 5.0\n"
        )
    file.write_text("\n".join(tables), "utf-8")
    return file
