"""Following announced files until each has reached an end: loaded, or dead-lettered with a reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from gogobe.database.address import Dsn
from gogobe.database.connection import Connection, connect
from gogobe.database.queries import FileLine, failures_report, files_report
from gogobe.records.addresses import file_name_of


class FileOutcome(msgspec.Struct):
    """What became of one announced file. `seconds` run from its announcement to its last row's commit, or to
    its dead letter; `first_row_seconds` to its first rows' commit, None where this run loaded none."""

    source_url: str
    file: str
    chain: str = ""
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
    seconds: float | None = None
    first_row_seconds: float | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ("loaded", "incomplete", "dead letter")


def outcomes(connection: Connection, urls: Sequence[str], since: datetime) -> list[FileOutcome]:
    """The state of each file that was announced at `since` (aware)."""
    found = {url: FileOutcome(url, file_name_of(url)) for url in urls}
    for file in files_report(connection, urls, since):
        _take_file(found[file.source_url], file, since)
    for failure in failures_report(connection, urls, since):
        outcome = found[failure.source_url]
        if failure.reason not in outcome.reasons:
            outcome.reasons.append(failure.reason)
        if outcome.state == "waiting":
            outcome.state = "dead letter"
            outcome.seconds = (failure.failed_at - since).total_seconds()
    return list(found.values())


def _take_file(outcome: FileOutcome, file: FileLine, since: datetime) -> None:
    outcome.chain, outcome.store, outcome.kind, outcome.state = file.chain, file.store_id, file.kind, file.state
    outcome.announced, outcome.read = file.announced, file.read or 0
    outcome.loaded, outcome.unchanged, outcome.stale = file.loaded, file.unchanged, file.stale
    outcome.refused = file.refused
    if outcome.ended:
        end = file.completed_at if file.completed_at and file.completed_at >= since else file.seen_at
        outcome.seconds = (end - since).total_seconds()
    if file.first_loaded_at >= since:
        outcome.first_row_seconds = (file.first_loaded_at - since).total_seconds()


def follow(
    database: Dsn,
    urls: Sequence[str],
    since: datetime,
    *,
    seconds: float,
    show: Callable[[Sequence[FileOutcome]], None],
    check: Callable[[], None],
) -> list[FileOutcome]:
    """Polls until every file has ended, or `seconds` are over; `show` gets each state, `check` may raise when
    the pipeline has stopped."""
    deadline = time.monotonic() + seconds
    with connect(database) as connection:
        while True:
            now = outcomes(connection, urls, since)
            show(now)
            if all(outcome.ended for outcome in now) or time.monotonic() > deadline:
                return now
            check()
            time.sleep(0.2)


def by_state(found: Sequence[FileOutcome]) -> Mapping[str, int]:
    """How many files stand in each state."""
    counts: dict[str, int] = {}
    for outcome in found:
        counts[outcome.state] = counts.get(outcome.state, 0) + 1
    return counts
