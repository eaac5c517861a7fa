"""Follows announced files until each has its final state: loaded, or dead-lettered with a reason."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from gogobe.database.address import Dsn
from gogobe.database.announcements import AnnouncedFile
from gogobe.database.connection import Connection, connect
from gogobe.database.ledger_files import postponed_files
from gogobe.database.queries import FileLine, failures_report, files_report
from gogobe.feeds.names import parse_if_known

POLL_SECONDS: Final = 0.2
# A letter of these stages is the final state of a file. After one of a later stage rows may still be loaded.
FINAL_STAGES: Final = ("decode", "order", "download")
SETTLE_SECONDS: Final = 3.0
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class FileOutcome(msgspec.Struct):
    """The state of one announced file. `announced` is the number of rows that the file claims to have; `store`
    and `kind` are those of the file's name until the file has been read.

    `seconds` run from `announced_at` to `ended_at`: the commit of the file's last row, or its dead letter.
    `first_loaded_at` is the commit of its first rows. Times are aware.
    """

    source_url: str
    file: str
    chain: str
    announced_at: datetime
    store: str = ""
    kind: str = ""
    state: str = "waiting"
    announced: int | None = None
    read: int = 0
    loaded: int = 0
    unchanged: int = 0
    stale: int = 0
    refused: int = 0
    reasons: list[str] = []
    first_loaded_at: datetime | None = None
    ended_at: datetime | None = None
    seconds: float | None = None
    is_final: bool = True

    @property
    def ended(self) -> bool:
        """Whether the file has reached its final state; if not `is_final`, it may change within seconds."""
        return self.state in ("loaded", "incomplete", "dead letter")

    def is_loaded_since(self, moment: datetime) -> bool:
        """Whether its first rows were committed at this (aware) time or later."""
        return self.first_loaded_at is not None and self.first_loaded_at >= moment

    def end(self, moment: datetime) -> None:
        """Sets the time of the end; a file that was loaded before it was announced again takes no time."""
        self.ended_at = max(moment, self.announced_at)
        self.seconds = (self.ended_at - self.announced_at).total_seconds()


def outcomes(
    connection: Connection, files: Sequence[AnnouncedFile], since: datetime = EPOCH
) -> list[FileOutcome]:
    """The state of each file, from the ledger's lines and dead letters of `since` (aware) or later."""
    found = {one.url: _announced(one) for one in files}
    for line in files_report(connection, list(found), since):
        _add_line(found[line.source_url], line)
    for waiting in postponed_files(connection, list(found), since):
        found[waiting.source_url].reasons.append(waiting.problems[0])
        if found[waiting.source_url].state == "waiting":
            found[waiting.source_url].state = "postponed"
    for failure in failures_report(connection, list(found), since):
        outcome = found[failure.source_url]
        if failure.reason not in outcome.reasons:
            outcome.reasons.append(failure.reason)
        if outcome.state in ("waiting", "postponed"):
            outcome.state = "dead letter"
            outcome.is_final = failure.stage in FINAL_STAGES
            outcome.end(failure.failed_at)
    for outcome in found.values():
        # The letter with the reason may be committed after the last row of the file.
        if outcome.state == "incomplete" and not outcome.reasons:
            outcome.is_final = False
    return list(found.values())


def _announced(file: AnnouncedFile) -> FileOutcome:
    name = parse_if_known(file.file_name)
    outcome = FileOutcome(file.url, file.file_name, file.chain, file.discovered_at)
    if name is not None:
        outcome.kind, outcome.store = name.kind, (name.store_id or "").lstrip("0")
    return outcome


def _add_line(outcome: FileOutcome, line: FileLine) -> None:
    for name in ("chain", "kind", "state", "announced", "loaded", "unchanged", "stale", "refused"):
        setattr(outcome, name, getattr(line, name))
    outcome.store, outcome.read = line.store_id, line.read or 0
    outcome.first_loaded_at = line.first_loaded_at
    if outcome.ended:
        outcome.end(line.completed_at or line.seen_at)


def follow(
    database: Dsn,
    files: Sequence[AnnouncedFile],
    *,
    seconds: float,
    show: Callable[[Sequence[FileOutcome]], None],
    check: Callable[[], None],
    since: datetime = EPOCH,
) -> list[FileOutcome]:
    """Polls until every file has ended, or `seconds` have passed. `show` gets each state; `check` may raise to
    end the polling. `since` is that of `outcomes`."""
    deadline = time.monotonic() + seconds
    settled: float | None = None
    with connect(database) as connection:
        while True:
            now = outcomes(connection, files, since)
            show(now)
            if all(outcome.ended for outcome in now):
                settled = settled or time.monotonic() + SETTLE_SECONDS
                if all(outcome.is_final for outcome in now) or time.monotonic() > settled:
                    return now
            if time.monotonic() > deadline:
                return now
            check()
            time.sleep(POLL_SECONDS)


def by_state(files: Sequence[FileOutcome]) -> Mapping[str, int]:
    """The number of files in each state."""
    return Counter(outcome.state for outcome in files)
