"""Finds services that run and do not answer: they hang."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from gogobe.local.processes import Records, ServiceRecord, is_running
from gogobe.local.services import Service

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 3.0
MISSES: Final = 4
START_SECONDS: Final = 180.0
"""Seconds after its start in which a service need not answer."""


@dataclass(frozen=True)
class _Answers:
    """What a process has answered: whether it ever did, and how many requests in a row it did not."""

    pid: int
    ever: bool = False
    missed: int = 0


class Watch:
    """Asks the running services of a stack. `ask` is one round; `run` repeats it. A service hangs if it misses
    several rounds in a row after an answer, after its health check, or after its time to start."""

    def __init__(self, services: Sequence[Service], records: Records) -> None:
        self._services = [service for service in services if service.answers is not None]
        self._records = records
        self._answers: dict[str, _Answers] = {}
        self._ready: dict[str, int] = {}
        self._pool = ThreadPoolExecutor(max(1, len(self._services)), thread_name_prefix="asks")

    def run(self) -> None:
        """Asks until the process ends."""
        while True:
            self.ask(time.time())
            time.sleep(EVERY_SECONDS)

    def note_ready(self, record: ServiceRecord) -> None:
        """Records that this process has passed its health check, so that it has to answer from now on. Another
        thread may call this."""
        self._ready[record.name] = record.pid

    def ask(self, now: float) -> None:
        """Asks all running services at once; `now` in seconds since the epoch. Takes as long as the longest
        answer."""
        running = [
            (service, record)
            for service in self._services
            if (record := self._records.get(service.name)) is not None and is_running(record)
        ]
        answers = list(self._pool.map(_answers, [service for service, _ in running]))
        for (service, record), answered in zip(running, answers, strict=True):
            before = self._answers.get(service.name)
            if before is None or before.pid != record.pid:
                before = _Answers(record.pid)
            ever = before.ever or self._ready.get(service.name) == record.pid
            if answered:
                after = _Answers(record.pid, ever=True)
            elif ever or now - record.created > START_SECONDS:
                after = _Answers(record.pid, ever, before.missed + 1)
            else:
                after = before
            self._answers[service.name] = after

    def hangs(self, record: ServiceRecord) -> bool:
        """Whether this process of a service hangs."""
        found = self._answers.get(record.name)
        return found is not None and found.pid == record.pid and found.missed >= MISSES


def _answers(service: Service) -> bool:
    """Whether a service answers; an error of the request itself says nothing about the service."""
    assert service.answers is not None
    try:
        return service.answers()
    except Exception:  # one request must not end the thread that asks all
        logger.exception("%s cannot be asked", service.name)
        return True
