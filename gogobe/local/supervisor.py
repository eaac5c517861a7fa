"""The supervisor of a stack: restarts services that die or hang, up to a limit.

A dead service is restarted at once, later with growing pauses. A service that hangs (`watch.Watch`) is killed,
which counts as a death. After five restarts within ten minutes a service stays down until `gogobe up`; `gogobe
status` shows that. Jobs that ended with their Flink are submitted again
and continue at the committed offsets. Services on hold (`Records.hold`) are not started. Logs that grow too
large are rotated. Once a day, data that is older than its age is removed (`daily.Daily`).

    python -m gogobe.local.supervisor VAR
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from gogobe.local.daily import Daily, retention_command
from gogobe.local.jobs import JobRecord, JobRecords
from gogobe.local.logs import trim
from gogobe.local.processes import Records, ServiceRecord, StackError, is_running, stop_services
from gogobe.local.services import Service, StackFolders, services_of
from gogobe.local.state import read_state
from gogobe.local.watch import Watch

logger = logging.getLogger(__name__)

NAME: Final = "Supervisor"
MOST_RESTARTS: Final = 5
WITHIN_SECONDS: Final = 600.0
WAITS: Final = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Seconds between a restart and the next one, by the restarts before it."""
LEFTOVER_SECONDS: Final = 1.0
LOOK_EVERY: Final = 0.25
BEAT_SECONDS: Final = 60.0
"""The supervisor hangs if it has not looked for so many seconds; a start of a service may take some of them."""
LOGS_EVERY: Final = 10.0
JOB_ATTEMPTS: Final = 3


@dataclass
class Submission:
    """A process that submits a job when its standard input ends. `attempt` counts from 1."""

    job: JobRecord
    attempt: int
    process: subprocess.Popen[bytes]

    def go(self) -> None:
        """The servers are ready."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    @property
    def waits(self) -> bool:
        """Whether it waits for the servers."""
        assert self.process.stdin is not None
        return not self.process.stdin.closed


class Supervisor:
    """Watches the services of one stack. `look` is one round; `run` repeats it, while a thread asks the
    services whether they answer."""

    def __init__(
        self,
        services: Sequence[Service],
        records: Records,
        jobs: JobRecords,
        log: Path,
        daily: Daily | None = None,
    ) -> None:
        self.watch = Watch(services, records)
        self._services = services
        self._records = records
        self._jobs = jobs
        self._log = log
        self._daily = daily
        self._to_submit: list[tuple[JobRecord, int]] = []
        self._submission: Submission | None = None

    def run(self) -> None:
        """Watches until the process ends."""
        logs_seen = 0.0
        threading.Thread(target=self.watch.run, name="watch", daemon=True).start()
        while True:
            self.look(time.time())
            self._records.beat(NAME)
            if time.monotonic() - logs_seen > LOGS_EVERY:
                self.rotate_logs()
                logs_seen = time.monotonic()
            time.sleep(LOOK_EVERY)

    def look(self, now: float) -> None:
        """Starts what has died or hangs and may be started at `now` (seconds since the epoch), and submits the
        jobs that were lost with it."""
        for service in self._services:
            record = self._records.get(service.name)
            if record is None or record.given_up or self._records.is_held(service.name):
                continue
            if not is_running(record):
                self._restart(service, record, now)
            elif self.watch.hangs(record):
                logger.warning("%s runs and does not answer: it is killed", service.name)
                stop_services([record], LEFTOVER_SECONDS)
                self._restart(service, record, now)
        self._submit_lost()
        if self._daily is not None:
            try:
                self._daily.look(now, self._all_ready)
            except OSError as error:
                logger.error("the daily removal of old data cannot be started: %s", error)

    @property
    def has_submitted(self) -> bool:
        """Whether no lost job waits to be submitted."""
        return self._submission is None and not self._to_submit

    def _restart(self, service: Service, record: ServiceRecord, now: float) -> None:
        recent = tuple(at for at in record.restarts if now - at < WITHIN_SECONDS)
        if len(recent) >= MOST_RESTARTS:
            logger.error("%s died %d times; it stays down", service.name, len(recent) + 1)
            self._records.add(msgspec.structs.replace(record, given_up=True))
            return
        if recent and now - recent[-1] < WAITS[len(recent)]:
            return
        logger.warning("%s has died; restart %d", service.name, len(recent) + 1)
        stop_services([record], LEFTOVER_SECONDS)
        try:
            started = service.start()
        except StackError as error:
            logger.error("%s", error)
            started = record
        self._records.add(msgspec.structs.replace(started, restarts=(*recent, now)))
        if service.has_jobs:
            waiting = self._submission
            being_submitted = {waiting.job.name} if waiting is not None and waiting.waits else set()
            self._to_submit = [(job, 0) for job in self._jobs.read() if job.name not in being_submitted]

    def _submit_lost(self) -> None:
        """Submits one lost job after the other. The process is started at once, because it takes seconds to
        load, and submits when all services are ready; this process goes on watching."""
        if self._submission is not None and not self._is_over(self._submission):
            return
        if self._to_submit:
            job, attempt = self._to_submit.pop(0)
            with self._log.open("ab") as output:
                process = subprocess.Popen(
                    job.command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
                )
            self._submission = Submission(job, attempt + 1, process)

    def _is_over(self, submission: Submission) -> bool:
        code = submission.process.poll()
        if code is None:
            if submission.waits and self._all_ready():
                submission.go()
            return False
        submission.go()
        self._submission = None
        job = submission.job
        if code == 0:
            logger.warning("the job %s is submitted again", job.name)
        elif submission.attempt < JOB_ATTEMPTS:
            self._to_submit.append((job, submission.attempt))
        else:
            logger.error("the job %s cannot be submitted: see the lines above", job.name)
        return True

    def _all_ready(self) -> bool:
        try:
            for service in self._services:
                record = self._records.get(service.name)
                if record is None or not service.ready(record):
                    return False
                if service.is_own:
                    self.watch.note_ready(record)
            return True
        except StackError as error:
            logger.error("%s", error)
            return False

    def rotate_logs(self) -> None:
        """Rotates the logs that have grown too large."""
        for record in self._records.read():
            try:
                trim(Path(record.log))
            except OSError as error:
                logger.warning("%s cannot be rotated: %s", record.log, error)


def main(var: Path) -> None:
    """Supervises the stack over a folder, whose state must be written. Raises StackError if there is none."""
    state = read_state(var)
    if state is None:
        raise StackError(f"no stack was started over {var}")
    folders = StackFolders.of(var, Path(state.jars))
    services = services_of(folders, state.ports, state.addresses.task_managers)
    jobs, log = JobRecords(folders.var / "jobs"), folders.log("supervisor")
    daily = Daily(retention_command(folders.var, state.addresses), folders.var / "retention.stamp", log)
    Supervisor(services, folders.records, jobs, log, daily).run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    main(Path(sys.argv[1]))
