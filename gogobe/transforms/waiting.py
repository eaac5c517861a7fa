"""The retry queue: files that their portal did not deliver."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import apache_beam as beam
import msgspec
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.windowed_value import WindowedValue

from gogobe.database.address import Dsn
from gogobe.database.session import Session
from gogobe.database.waiting import record_waiting
from gogobe.io.backoff import backoff
from gogobe.io.download_work import Postponed
from gogobe.io.objects import ObjectStore
from gogobe.io.portals import Portals, name_of
from gogobe.records.addresses import authority_of
from gogobe.records.messages import DeadLetter, FileDiscovered, WaitingFile
from gogobe.transforms.bundles import BundleDoFn, bundle_outputs
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.steps import step

STAGE: Final = "waiting"
FIRST_SECONDS: Final = 30.0
LONGEST_SECONDS: Final = 1800.0
# Spreads the files of a portal that answers again.
SPREAD_SECONDS: Final = 20.0
PORTAL_GONE: Final = "portal_gone"
_WHY: Final = {
    "host_ill": "its host's circuit is open, or it requested to wait; no request was made",
    "slow": "its download takes longer than a bundle waits, or waits for the limits of its host",
    "busy": "its worker has no room for another slow download",
}


@dataclass(frozen=True)
class Missed:
    """A download that failed for a transient reason, after `attempts` attempts."""

    reason: str
    detail: str
    attempts: int
    retry_after: float | None = None


def waiting_file(
    message: FileDiscovered, why: Missed | Postponed, portals: Portals, at: datetime
) -> WaitingFile:
    """The row of the retry queue for a file, from `at` on. After a failure its due time grows with the
    number of attempts; half of the delay is random."""
    address = portals.address_of(message)
    if isinstance(why, Missed):
        reason, detail, attempts = why.reason, why.detail, message.attempts + why.attempts
        seconds = max(why.retry_after or 0.0, backoff(attempts, FIRST_SECONDS, LONGEST_SECONDS))
    else:
        reason, detail, attempts = why.reason, _WHY[why.reason], message.attempts
        seconds = why.seconds + SPREAD_SECONDS * random.uniform(0.2, 1.0)
    return WaitingFile(
        chain=message.chain,
        url=address,
        file_name=name_of(message),
        discovered_at=message.timestamp,
        host=authority_of(message.url),
        reason=reason,
        detail=detail,
        is_signed=portals.is_signed(message),
        attempts=attempts,
        waiting_since=message.waiting_since or at,
        failed_at=at,
        due_at=at + timedelta(seconds=seconds),
    )


def is_given_up(message: FileDiscovered, why: Missed | Postponed, give_up: float, at: datetime) -> bool:
    """Whether a file has waited for `give_up` seconds and its portal still does not deliver it. A file whose
    download continues is not given up."""
    since = message.waiting_since
    is_portals_fault = isinstance(why, Missed) or why.reason == "host_ill"
    return is_portals_fault and since is not None and at - since >= timedelta(seconds=give_up)


def gone_letter(
    message: FileDiscovered, why: Missed | Postponed, letters: DeadLetters, at: datetime
) -> DeadLetter:
    """The dead letter of a file that is given up. Raises one of `store_errors()`."""
    last = f"{why.reason}: {why.detail}" if isinstance(why, Missed) else _WHY[why.reason]
    hours = (at - (message.waiting_since or at)).total_seconds() / 3600
    attempts = message.attempts + (why.attempts if isinstance(why, Missed) else 0)
    detail = f"the portal did not deliver the file for {hours:.1f} hours (fetch_give_up); the last: {last}"
    # A replayed letter waits as if it were announced for the first time.
    fresh = msgspec.structs.replace(message, attempts=0, waiting_since=None)
    return letters.letter(fresh, PORTAL_GONE, detail, attempts=max(1, attempts))


class RecordWaiting(beam.PTransform):
    """Postponed files → the table `waiting_files`; outputs the number recorded for each bundle. A file that
    the table refuses is a dead letter."""

    def __init__(self, database: Dsn, store: ObjectStore) -> None:
        super().__init__()
        self._dofn = _RecordWaiting(database, DeadLetters(STAGE, store))

    def expand(self, files: beam.PCollection[WaitingFile]) -> beam.pvalue.DoOutputsTuple:
        return files | step("Record", self._dofn, main="recorded", output=int)


class _RecordWaiting(BundleDoFn[WaitingFile]):
    def __init__(self, database: Dsn, letters: DeadLetters) -> None:
        super().__init__(database)
        self._letters = letters
        self._recorded = Metrics.counter("gogobe.waiting", "recorded")

    def process(self, file: WaitingFile) -> None:
        self._elements.append(file)

    def finish_bundle(self) -> Iterator[WindowedValue | TaggedOutput]:
        if not self._elements:
            return
        failed = record_each(self._session, self._elements, self._letters)
        yield from bundle_outputs(len(self._elements), failed, self._recorded)


def record_each(
    database: Session | Dsn, files: Sequence[WaitingFile], letters: DeadLetters
) -> list[DeadLetter]:
    """Records files. Returns a dead letter for each that the table refuses."""
    return letters.isolate(files, lambda part: record_waiting(database, part))
