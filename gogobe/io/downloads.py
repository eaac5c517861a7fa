"""Scheduling of downloads: many at once, each store's results in order, each host within its limits.

A bundle holds up the checkpoint, so it waits `wait` seconds for a download and no longer. A download that
takes longer is left behind: its bundle ends without it, and it goes on in threads of its own (the slow lane).
Its file has meanwhile been handed to the retry queue, so nothing is lost with this process. A host that is
known to be slow, or that has a queue, is not waited for at all, and one whose circuit is open is not asked.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, Generic

from gogobe.io.download_work import (
    Download,
    Ended,
    Message,
    Plan,
    Postponed,
    Result,
    Value,
    Work,
)
from gogobe.io.hosts import Host, Limits
from gogobe.io.slow_lane import SlowLane, postponed
from gogobe.io.threads import Threads

logger = logging.getLogger(__name__)

MOST_HOSTS: Final = 4096


class Downloads(Generic[Message, Value]):
    """Runs downloads in threads and gives their results: those of one order key in the order of their
    submission, those of different keys as soon as they are there.

    What the work raises is raised when its result is due; of a download that was left behind it is logged,
    since its file comes again. One thread submits and takes the results.
    """

    def __init__(
        self, plan: Plan, limits: Callable[[str], Limits], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._plan = plan
        self._limits = limits
        self._clock = clock
        self._pool = Threads()
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        self._timer = threading.Condition(lock)
        self._hosts: dict[str, Host] = {}
        # In the order of submission: running, done but not first of its key, or waiting for its host.
        self._pending: list[Download[Message, Value]] = []
        self._slow: SlowLane[Message, Value] = SlowLane(plan.slow_threads, plan.backlog)
        self._ended_late: list[Result[Message, Value]] = []
        self._fast = 0
        self._wake_at = math.inf
        self._is_closed = False
        self._clockwork = threading.Thread(target=self._keep_time, name="download-clock", daemon=True)
        self._clockwork.start()

    def submit(
        self, message: Message, *, identity: bytes, order: str, host: str, work: Work[Value]
    ) -> list[Result[Message, Value]]:
        """Takes a download; returns the results that are due by now, its own `Postponed` among them where it is
        not waited for. `identity` is the same for the same file that comes again."""
        download = Download(message, identity, order, host, work, self._clock())
        with self._changed:
            due = self._take_due()
            state, now = self._host(host), self._clock()
            if identity in self._slow:
                due.append((message, postponed(state)))
            elif state.is_refusing(now):
                due.append((message, Postponed("host_ill", state.pause(now))))
            elif self._slow.has_queue(host) or not state.is_prompt(self._plan.wait):
                due.append(self._leave(download))
                self._start()
            else:
                while len(self._pending) >= self._plan.pending:
                    self._wait()
                    due += self._take_due()
                self._pending.append(download)
                self._start()
        return due

    def finish(self) -> Iterator[Result[Message, Value]]:
        """The results of all that was submitted, each as soon as it is due; within `wait` seconds at most."""
        while True:
            with self._changed:
                while not (due := self._take_due()) and self._pending:
                    self._wait()
            if not due:
                return
            yield from due

    def abandon(self) -> None:
        """Forgets what a bundle submitted that failed. Work that runs goes on to its end, and its result is
        dropped. What was left behind stays."""
        with self._changed:
            self._pending.clear()

    def close(self) -> None:
        """Forgets all that has not begun, and waits for what bundles waited for. What was left behind and runs
        is not waited for."""
        with self._changed:
            self._pending.clear()
            for name in self._slow.hosts:
                self._slow.drop(name, self._host(name))
            self._is_closed = True
            self._timer.notify_all()
            while self._fast:
                self._changed.wait()
        self._pool.close()
        self._clockwork.join()

    def _host(self, name: str) -> Host:
        found = self._hosts.get(name)
        if found is None:
            if len(self._hosts) >= MOST_HOSTS:
                self._hosts = {key: host for key, host in self._hosts.items() if not host.is_idle}
            found = self._hosts[name] = Host(self._limits(name))
        return found

    def _take_due(self) -> list[Result[Message, Value]]:
        """Removes and returns what has ended: of a key, only what no pending download of the same key was
        submitted before. Also leaves behind what has taken too long."""
        due, self._ended_late = self._ended_late, []
        overdue = self._clock() - self._plan.wait
        blocked: set[str] = set()
        kept = []
        for one in self._pending:
            if one.outcome is None and one.submitted <= overdue:
                due.append(self._leave(one))
            elif one.outcome is None or one.order in blocked:
                blocked.add(one.order)
                kept.append(one)
            elif isinstance(one.outcome, Ended):
                due.append((one.message, one.outcome))
            else:
                raise one.outcome
        if len(kept) < len(self._pending):
            self._pending = kept
            self._start()
        return due

    def _wait(self) -> None:
        """Waits for a change, or until the oldest pending download has taken too long."""
        until = min(one.submitted for one in self._pending) + self._plan.wait
        self._changed.wait(max(0.0, until - self._clock()) + 0.001)

    def _leave(self, one: Download[Message, Value]) -> Result[Message, Value]:
        """Goes on without a download."""
        why = self._slow.join(one, self._host(one.host))
        if one.started is not None and one.ticket.is_left:
            self._fast -= 1
        return one.message, why

    def _start(self) -> None:
        """Gives free threads to what may begin: what a bundle waits for in the order of submission, what was
        left behind host by host."""
        now, wake_at = self._clock(), math.inf
        for one in self._pending:
            if self._fast >= self._plan.threads:
                break
            if one.started is None:
                ready_at = self._host(one.host).ready_at(now)
                if ready_at <= now:
                    self._fast += 1
                    self._begin(one, now)
                else:
                    wake_at = min(wake_at, ready_at)
        for name in self._slow.hosts:
            if self._slow.is_full:
                break
            ready_at = self._host(name).ready_at(now)
            if ready_at <= now:
                self._begin(self._slow.next_of(name), now)
            else:
                wake_at = min(wake_at, ready_at)
        if wake_at < self._wake_at:
            self._wake_at = wake_at
            self._timer.notify()

    def _begin(self, one: Download[Message, Value], now: float) -> None:
        one.started = now
        self._host(one.host).begin(now)
        self._pool.run(partial(self._run, one))

    def _run(self, one: Download[Message, Value]) -> None:
        outcome: Ended[Value] | BaseException
        try:
            outcome = one.work(one.ticket)
        except BaseException as error:  # noqa: BLE001 - it is raised where its result is taken
            outcome = error
        with self._changed:
            one.outcome = outcome
            self._note(one, outcome)
            self._start()
            self._changed.notify_all()

    def _note(self, one: Download[Message, Value], outcome: Ended[Value] | BaseException) -> None:
        """Notes that a download has ended: for its host, for its lane, and among the results."""
        host, now = self._host(one.host), self._clock()
        assert one.started is not None
        if one.ticket.is_cancelled or not isinstance(outcome, Ended):
            host.cancel()
        elif host.end(now, now - one.started, failed=outcome.host_failed, retry_after=outcome.retry_after):
            logger.warning("%s counts as ill after %d failures in a row", one.host, host.circuit.failures)
            self._slow.drop(one.host, host)
        if not one.ticket.is_left:
            self._fast -= 1
            return
        self._slow.end(one, host)
        if isinstance(outcome, Ended):
            self._ended_late.append((one.message, outcome))
        else:
            logger.warning("a download that was left behind failed, its file comes again", exc_info=outcome)

    def _keep_time(self) -> None:
        """Starts downloads when their host's turn comes, whether a bundle is under way or not."""
        with self._timer:
            while not self._is_closed:
                seconds = self._wake_at - self._clock()
                if seconds > 0:
                    self._timer.wait(None if math.isinf(seconds) else seconds)
                    continue
                self._wake_at = math.inf
                self._start()
