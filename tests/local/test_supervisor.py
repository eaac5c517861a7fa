"""The supervisor: what dies is started again, with a bound; what is held stays down; lost jobs are submitted."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from gogobe.local.jobs import JobRecord, JobRecords
from gogobe.local.logs import last_lines, old_log
from gogobe.local.processes import Records, ServiceRecord, StackError, is_running, start_service, stop_services
from gogobe.local.services import Service
from gogobe.local.supervisor import MOST_RESTARTS, WITHIN_SECONDS, Supervisor
from gogobe.local.watch import MISSES
from tests.local.waiting import wait_for

pytestmark = pytest.mark.slow

SLEEPER = "import time; time.sleep(600)"
AT = 1_000_000.0


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    records = Records(tmp_path / "services")
    yield records
    stop_services(records.read(), seconds=0)


@pytest.fixture
def jobs(tmp_path: Path) -> JobRecords:
    return JobRecords(tmp_path / "jobs")


def service(records: Records, folder: Path, name: str = "Sleeper", *, has_jobs: bool = False) -> Service:
    def start() -> ServiceRecord:
        return start_service(name, [sys.executable, "-c", SLEEPER], folder / f"{name}.log", records)

    return Service(name, start, is_running, has_jobs=has_jobs)


def supervisor(services: list[Service], records: Records, jobs: JobRecords, folder: Path) -> Supervisor:
    return Supervisor(services, records, jobs, folder / "supervisor.log")


def kill(records: Records, name: str = "Sleeper") -> ServiceRecord:
    record = records.get(name)
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    wait_for(lambda: not is_running(record))
    return record


def record_of(records: Records, name: str = "Sleeper") -> ServiceRecord:
    record = records.get(name)
    assert record is not None
    return record


def test_what_dies_is_started_again_and_what_lives_is_left_alone(
    tmp_path: Path, records: Records, jobs: JobRecords
):
    first, second = service(records, tmp_path), service(records, tmp_path, "Other")
    watcher = supervisor([first, second], records, jobs, tmp_path)
    first.start()
    other = second.start()
    watcher.look(AT)
    assert [one.restarts for one in records.read()] == [(), ()]
    killed = kill(records)
    watcher.look(AT)
    again = record_of(records)
    assert again.pid != killed.pid
    assert is_running(again)
    assert again.restarts == (AT,)
    assert record_of(records, "Other") == other
    starts = [line for line in last_lines(tmp_path / "Sleeper.log", 9) if "is started at" in line]
    assert len(starts) == 2  # the log goes on


def test_a_service_that_was_never_started_is_not_started(tmp_path: Path, records: Records, jobs: JobRecords):
    supervisor([service(records, tmp_path)], records, jobs, tmp_path).look(AT)
    assert records.read() == []


def test_what_keeps_dying_stays_down(tmp_path: Path, records: Records, jobs: JobRecords):
    one = service(records, tmp_path)
    watcher = supervisor([one], records, jobs, tmp_path)
    one.start()
    now = AT
    for count in range(1, MOST_RESTARTS + 1):
        kill(records)
        now += 20
        watcher.look(now)
        assert len(record_of(records).restarts) == count
    kill(records)
    watcher.look(now + 20)
    watcher.look(now + 2 * WITHIN_SECONDS)
    assert record_of(records).given_up
    assert not is_running(record_of(records))


def test_restarts_that_are_long_past_do_not_count(tmp_path: Path, records: Records, jobs: JobRecords):
    one = service(records, tmp_path)
    watcher = supervisor([one], records, jobs, tmp_path)
    one.start()
    for count in range(MOST_RESTARTS + 3):
        kill(records)
        watcher.look(AT + count * (WITHIN_SECONDS / 2))
        assert is_running(record_of(records))
    assert len(record_of(records).restarts) <= 2


def test_the_second_restart_waits(tmp_path: Path, records: Records, jobs: JobRecords):
    one = service(records, tmp_path)
    watcher = supervisor([one], records, jobs, tmp_path)
    one.start()
    kill(records)
    watcher.look(AT)
    kill(records)
    watcher.look(AT + 0.5)
    assert not is_running(record_of(records))
    watcher.look(AT + 1.5)
    assert is_running(record_of(records))


def hanging(records: Records, folder: Path) -> Service:
    """A service that answers as long as its process is not stopped."""

    def answers() -> bool:
        return psutil.Process(record_of(records).pid).status() != psutil.STATUS_STOPPED

    return replace(service(records, folder), answers=answers)


def test_what_hangs_is_started_again_and_counts_as_dead(tmp_path: Path, records: Records, jobs: JobRecords):
    one = hanging(records, tmp_path)
    watcher = supervisor([one], records, jobs, tmp_path)
    one.start()
    now = AT
    for count in range(1, MOST_RESTARTS + 2):
        watcher.watch.ask(now)
        stopped = record_of(records)
        os.kill(stopped.pid, signal.SIGSTOP)
        wait_for(lambda: psutil.Process(record_of(records).pid).status() == psutil.STATUS_STOPPED)
        for _ in range(MISSES):
            watcher.look(now)
            assert record_of(records) == stopped
            watcher.watch.ask(now)
        now += 20
        watcher.look(now)
        assert not is_running(stopped)
        assert record_of(records).given_up == (count > MOST_RESTARTS)
        assert len(record_of(records).restarts) == min(count, MOST_RESTARTS)


def test_a_held_service_that_hangs_is_left_alone(tmp_path: Path, records: Records, jobs: JobRecords):
    one = hanging(records, tmp_path)
    watcher = supervisor([one], records, jobs, tmp_path)
    started = one.start()
    records.hold("Sleeper")
    watcher.watch.ask(AT)
    os.kill(started.pid, signal.SIGSTOP)
    wait_for(lambda: psutil.Process(started.pid).status() == psutil.STATUS_STOPPED)
    for _ in range(MISSES):
        watcher.watch.ask(AT)
    watcher.look(AT)
    assert record_of(records) == started
    assert is_running(started)


def test_a_held_service_stays_down_until_it_is_released(tmp_path: Path, records: Records, jobs: JobRecords):
    one = service(records, tmp_path)
    watcher = supervisor([one], records, jobs, tmp_path)
    one.start()
    records.hold("Sleeper")
    kill(records)
    watcher.look(AT)
    assert not is_running(record_of(records))
    records.release("Sleeper")
    watcher.look(AT)
    assert is_running(record_of(records))


def test_a_service_that_cannot_be_started_counts_as_tried(
    tmp_path: Path, records: Records, jobs: JobRecords, caplog: pytest.LogCaptureFixture
):
    one = service(records, tmp_path)
    one.start()

    def fail() -> ServiceRecord:
        raise StackError("the Java parts are not there")

    kill(records)
    watcher = supervisor([Service("Sleeper", fail, is_running)], records, jobs, tmp_path)
    for number in range(MOST_RESTARTS + 1):
        watcher.look(AT + 20 * number)
    assert record_of(records).given_up
    assert "the Java parts are not there" in caplog.text


def test_what_a_dead_leader_left_is_ended_first(tmp_path: Path, records: Records, jobs: JobRecords):
    child = tmp_path / "child"
    code = f"""
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {SLEEPER!r}])
pathlib.Path({str(child)!r}).write_text(str(child.pid))
time.sleep(600)
"""

    def start() -> ServiceRecord:
        return start_service("Sleeper", [sys.executable, "-c", code], tmp_path / "log", records)

    start()
    wait_for(lambda: child.exists() and bool(child.read_text()))
    left = int(child.read_text())
    kill(records)
    supervisor([Service("Sleeper", start, is_running)], records, jobs, tmp_path).look(AT)
    with contextlib.suppress(psutil.NoSuchProcess):
        assert psutil.Process(left).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("has_jobs", [True, False])
def test_jobs_that_ended_with_their_service_are_submitted_again(
    tmp_path: Path, records: Records, jobs: JobRecords, *, has_jobs: bool
):
    done = tmp_path / "submitted"
    code = f"import pathlib; pathlib.Path({str(done)!r}).touch()"
    jobs.add(JobRecord("gogobe-ingest", (sys.executable, "-c", code)))
    one = service(records, tmp_path, has_jobs=has_jobs)
    watcher = supervisor([one], records, jobs, tmp_path)
    one.start()
    watcher.look(AT)
    assert not done.exists()
    kill(records)
    watcher.look(AT)
    if has_jobs:
        wait_for(done.exists)
    else:
        time.sleep(0.3)
        assert not done.exists()


def test_a_submission_that_fails_is_tried_again(tmp_path: Path, records: Records, jobs: JobRecords):
    tries = tmp_path / "tries"
    code = f"""
import pathlib, sys
tries = pathlib.Path({str(tries)!r})
tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
sys.exit(len(tries.read_text()) < 2)
"""
    jobs.add(JobRecord("gogobe-ingest", (sys.executable, "-c", code)))
    one = service(records, tmp_path, has_jobs=True)
    watcher = supervisor([one], records, jobs, tmp_path)
    one.start()
    kill(records)

    def tried_twice() -> bool:
        watcher.look(AT)
        return tries.exists() and tries.read_text() == "xx"

    wait_for(tried_twice)


def test_a_submission_loads_meanwhile_and_waits_until_all_services_are_ready(
    tmp_path: Path, records: Records, jobs: JobRecords
):
    loaded, done = tmp_path / "loaded", tmp_path / "submitted"
    code = f"""
import pathlib, sys
with pathlib.Path({str(loaded)!r}).open("a") as file: file.write("x")
sys.stdin.read()
with pathlib.Path({str(done)!r}).open("a") as file: file.write("x")
"""
    jobs.add(JobRecord("gogobe-ingest", (sys.executable, "-c", code)))
    ready = False
    one = service(records, tmp_path, has_jobs=True)
    slow = Service(
        "Slow", service(records, tmp_path, "Slow").start, lambda record: ready and is_running(record)
    )
    watcher = supervisor([one, slow], records, jobs, tmp_path)
    one.start()
    slow.start()
    kill(records)
    watcher.look(AT)
    wait_for(loaded.exists)
    kill(records)  # once more, before the job was submitted
    for seconds in range(2, 5):
        watcher.look(AT + seconds)
    assert watcher._submission is not None
    assert watcher._submission.waits
    assert not done.exists()
    ready = True

    def submitted() -> bool:
        watcher.look(AT + 60)
        return done.exists() and watcher.has_submitted

    wait_for(submitted)
    assert (loaded.read_text(), done.read_text()) == ("x", "x")


def test_logs_that_grow_too_large_are_rotated(tmp_path: Path, records: Records, jobs: JobRecords):
    log = tmp_path / "large.log"
    loud = "import sys\nfor n in range(400_000): print('line %060d' % n)\nsys.stdout.flush()\nimport time; time.sleep(600)"

    def start() -> ServiceRecord:
        return start_service("Loud", [sys.executable, "-c", loud], log, records)

    start()
    wait_for(lambda: last_lines(log, 1)[0].endswith("0399999"))
    supervisor([Service("Loud", start, is_running)], records, jobs, tmp_path).rotate_logs()
    assert log.stat().st_size == 0
    assert old_log(log, 1).read_text().count("\n") == 400_001
