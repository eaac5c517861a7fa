"""A service hangs if it misses several requests in a row, after an answer or after its time to start."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest

from gogobe.local.processes import Records, ServiceRecord
from gogobe.local.services import Service
from gogobe.local.watch import MISSES, START_SECONDS, Watch


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "services")


class Fake:
    """A service whose process is this one, with answers that a test sets."""

    def __init__(self, records: Records, created: float) -> None:
        self.record = ServiceRecord("Fake", os.getpid(), created, "log")
        self.answer: bool | Exception = True
        self.asked = 0
        records.add(self.record)

    def answers(self) -> bool:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    @property
    def service(self) -> Service:
        return Service("Fake", lambda: self.record, lambda _: True, self.answers)


@pytest.fixture
def fake(records: Records) -> Fake:
    return Fake(records, psutil.Process().create_time())


def test_one_miss_is_no_hang_and_several_are(records: Records, fake: Fake):
    watch = Watch([fake.service], records)
    now = fake.record.created
    watch.ask(now)
    fake.answer = False
    for _ in range(MISSES - 1):
        watch.ask(now)
    assert not watch.hangs(fake.record)
    fake.answer = True
    watch.ask(now)
    fake.answer = False
    for _ in range(MISSES):
        assert not watch.hangs(fake.record)
        watch.ask(now)
    assert watch.hangs(fake.record)


def test_a_service_that_starts_need_not_answer_yet(records: Records, fake: Fake):
    fake.answer = False
    watch = Watch([fake.service], records)
    for _ in range(2 * MISSES):
        watch.ask(fake.record.created + START_SECONDS)
    assert not watch.hangs(fake.record)
    for _ in range(MISSES):
        watch.ask(fake.record.created + START_SECONDS + 1)
    assert watch.hangs(fake.record)


def test_a_service_that_is_ready_has_to_answer(records: Records, fake: Fake):
    """It may hang before the first request that it would answer."""
    fake.answer = False
    watch = Watch([fake.service], records)
    watch.ask(fake.record.created)
    watch.note_ready(fake.record)
    for _ in range(MISSES):
        assert not watch.hangs(fake.record)
        watch.ask(fake.record.created)
    assert watch.hangs(fake.record)


def test_what_an_earlier_process_missed_does_not_count(records: Records, fake: Fake):
    watch = Watch([fake.service], records)
    watch.ask(time.time())
    fake.answer = False
    for _ in range(MISSES):
        watch.ask(time.time())
    assert not watch.hangs(ServiceRecord("Fake", os.getpid() + 1, time.time(), "log"))
    assert not watch.hangs(ServiceRecord("Other", os.getpid(), time.time(), "log"))


def test_an_error_of_the_request_says_nothing(records: Records, fake: Fake, caplog: pytest.LogCaptureFixture):
    watch = Watch([fake.service], records)
    watch.ask(time.time())
    fake.answer = RuntimeError("out of file descriptors")
    for _ in range(MISSES):
        watch.ask(time.time())
    assert not watch.hangs(fake.record)
    assert "out of file descriptors" in caplog.text


def test_what_is_dead_or_cannot_be_asked_is_not_asked(records: Records, fake: Fake):
    silent = Service("Silent", lambda: fake.record, lambda _: True)
    dead = Fake(records, fake.record.created - 100)  # another process had this pid
    watch = Watch([dead.service, silent], records)
    watch.ask(time.time())
    assert dead.asked == 0
