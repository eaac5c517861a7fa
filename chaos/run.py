"""One run: files appear at a steady rate while faults happen; then everything has to come to its end."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
from confluent_kafka import KafkaException

from chaos.check import Findings, check_files, check_objects, check_rows, check_topic, lagging_views, read_left
from chaos.faults import Fault, groups
from chaos.portal import show
from chaos.published import publish
from chaos.reading import read_file
from chaos.recovery import Injected, seconds_until_rows
from chaos.world import BUCKET, World, running_world
from gogobe.records.messages import INGEST

SLOT_SECONDS: Final = 14.0
"""How long the files last that appear for one fault; the next fault does not wait for their end."""
SETTLE_SECONDS: Final = 10.0
RECOVERED_SECONDS: Final = 120.0
END_SECONDS: Final = 240.0
VIEWS_SECONDS: Final = 60.0

_COMMITS: Final = "SELECT DISTINCT extract(epoch FROM committed_at)::float8 FROM batches ORDER BY 1"
_LATEST: Final = "SELECT coalesce(extract(epoch FROM max(committed_at)), 0)::float8 FROM batches"
_ENDED: Final = """
    SELECT (SELECT count(*) FROM files WHERE state <> 'loading'),
           (SELECT count(DISTINCT source_url) FROM dead_letters d WHERE resolved_at IS NULL
            AND NOT EXISTS (SELECT FROM files f WHERE f.source_url = d.source_url)),
           (SELECT count(*) FROM waiting_files)
"""


@dataclass(frozen=True)
class FaultResult:
    """A fault, and after how many seconds rows flowed again; None: not before the next fault. `said` is as in
    `Injected`."""

    name: str
    at: float
    lasted: float
    seconds: float | None
    problem: str
    said: Sequence[str] = ()


@dataclass(frozen=True)
class Result:
    """The outcome of a run."""

    seed: int
    files: int
    rows: int
    faults: Sequence[FaultResult]
    findings: Findings
    repeated_messages: int
    seconds: float


Say = Callable[[str], None]


def run(
    folder: Path,
    jars: Path,
    *,
    files: int,
    faults: Sequence[Fault],
    seed: int,
    say: Say,
    settle: float = SETTLE_SECONDS,
) -> Result:
    """Runs the system from nothing over `folder` with so many files, drawn from a seed, and these faults.
    `settle`: seconds after a fault before the next one is prepared, for times of recovery that mean something.
    Raises StackError."""
    started = time.monotonic()
    published_in = folder / "published"
    say(f"Writing {files} files …")
    published = publish(published_in, files, seed)
    show(published_in, 0)
    reading = threading.Thread(target=lambda: read.extend(read_file(published_in, one) for one in published))
    read: list[Any] = []
    say("Starting the stack, portals, agents and the job …")
    with running_world(folder, published_in, jars) as world:
        appearing = _Appearing(published_in, len(published), len(faults))
        injected = _break_all(world, faults, appearing, say, settle)
        appearing.finish()
        reading.start()
        _wait_for_ends(world, len(published), say)
        reading.join()
        findings = Findings()
        repeated, commits = _check(world, read, findings, say)
    ends = [together[0].started for together in injected[1:]] + [time.time()]
    results = [
        FaultResult(one.name, one.started - commits[0], one.ended - one.started,
                    seconds_until_rows(one, commits, end), one.problem, one.said)
        for together, end in zip(injected, ends, strict=True)
        for one in together
    ]  # fmt: skip
    rows = sum(one.rows for one in read)
    return Result(seed, len(published), rows, results, findings, repeated, time.monotonic() - started)


class _Appearing:
    """Lets files appear at a steady rate, so many for each fault, whatever happens meanwhile."""

    def __init__(self, folder: Path, files: int, faults: int) -> None:
        self._folder = folder
        self._files = files
        self._slots = faults + 1
        self._slot = 0
        self._slot_began = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="appearing", daemon=True)
        self._thread.start()

    def next_slot(self) -> None:
        """The files of the next fault begin to appear."""
        self._slot, self._slot_began = self._slot + 1, time.monotonic()

    def finish(self) -> None:
        """All files have appeared."""
        self._ended.set()
        self._thread.join()
        show(self._folder, self._files)

    def _run(self) -> None:
        while not self._ended.wait(0.25):
            done = min(1.0, (time.monotonic() - self._slot_began) / SLOT_SECONDS)
            show(self._folder, min(self._files, int(self._files * (self._slot + done) / self._slots)))


def _break_all(
    world: World, faults: Sequence[Fault], appearing: _Appearing, say: Say, settle: float
) -> list[list[Injected]]:
    """Injects all faults, each when rows flow again after the one before. Returns them in their order,
    simultaneous ones in one group."""
    _wait_for_commit(world, after=0.0)
    injected: list[list[Injected]] = []
    numbers = itertools.count(1)
    for together in groups(faults):
        appearing.next_slot()
        time.sleep(together[0].pause + 1.0)
        threads = []
        happened: list[Injected] = []
        for fault in together:
            if fault.joins:
                time.sleep(fault.pause)
            say(f"{next(numbers)}/{len(faults)} {fault.name}")
            inject = partial(_inject, world, fault, happened)
            threads.append(threading.Thread(target=inject))
            threads[-1].start()
        for thread in threads:
            thread.join()
        injected.append(sorted(happened, key=lambda one: one.started))
        time.sleep(settle)
        ran_at = world.wait_for_job()
        _wait_for_commit(world, after=ran_at or max(one.ended for one in happened) + 1.0)
    return injected


def _inject(world: World, fault: Fault, happened: list[Injected]) -> None:
    happened.append(world.inject(fault))


def _wait_for_commit(world: World, after: float) -> None:
    """Waits for a commit after a time, but not for ever: what does not recover is seen in the result."""
    until = time.monotonic() + RECOVERED_SECONDS
    while time.monotonic() < until:
        try:
            with psycopg.connect(world.stack.database, connect_timeout=3) as connection:
                if (connection.execute(_LATEST).fetchone() or (0.0,))[0] > after:
                    return
        except psycopg.Error:
            pass  # it is being started again, or has no tables yet
        time.sleep(0.3)


def _wait_for_ends(world: World, files: int, say: Say) -> None:
    """Waits until each file has ended and all offsets are committed, or until nothing has moved for long."""
    before: Any = None
    until = time.monotonic() + END_SECONDS
    while time.monotonic() < until:
        try:
            with psycopg.connect(world.stack.database, connect_timeout=3) as connection:
                now = connection.execute(_ENDED).fetchone() or (0, 0, 0)
            behind = world.lag()
        except (psycopg.Error, KafkaException):
            time.sleep(1.0)
            continue
        if now[0] + now[1] >= files and not now[2] and not behind:
            return
        if (now, behind) != before:
            before, until = (now, behind), time.monotonic() + END_SECONDS
            say(f"{now[0]} files in the ledger, {now[1]} dead letters, {now[2]} waiting; {behind} not done")
        time.sleep(1.0)


def _check(world: World, read: Sequence[Any], findings: Findings, say: Say) -> tuple[int, list[float]]:
    """Compares all; returns how many messages of the ingest topic are repeated, and the times of commits."""
    say("Checking …")
    with psycopg.connect(world.stack.database, autocommit=True) as connection:
        until = time.monotonic() + VIEWS_SECONDS
        while (behind := lagging_views(connection)) and time.monotonic() < until:
            time.sleep(1.0)
        findings.note(f"views that lag: {', '.join(behind)}", unaccounted=len(behind))
        left = read_left(connection)
        commits = [at for (at,) in connection.execute(_COMMITS).fetchall()]
    findings.note(f"{world.lag()} announcements are not done", unaccounted=world.lag())
    check_files(read, left, findings)
    check_rows(read, left, findings)
    check_objects(world.store, BUCKET, read, findings)
    return check_topic(world.stack.kafka, INGEST, read, findings), commits
