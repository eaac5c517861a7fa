"""The health of a portal, updated after each listing: for the database and the metrics."""

from __future__ import annotations

import logging
import statistics
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from gogobe.database.announcements import FileToClaim
from gogobe.database.portals import PortalErrors, PortalHealth
from gogobe.discovery.listing import ListingError
from gogobe.discovery.metrics import Metrics
from gogobe.discovery.portal import Portal
from gogobe.feeds.names import parse_if_known
from gogobe.io.circuit import Circuit

logger = logging.getLogger(__name__)

LATE_FILES: Final = 500


@dataclass
class Listing:
    """The outcome of one listing.

    `files` counts all listed files, `ignored` files that are not feeds, `announced` files that this listing
    announced, `pending` files that another agent has claimed. `error` ended an incomplete listing; `errors`
    counts it and the errors of single files, by kind, and `details` has the last message of each kind.
    """

    files: int = 0
    ignored: int = 0
    announced: int = 0
    pending: int = 0
    is_complete: bool = False
    is_modified: bool = True
    seconds: float = 0.0
    error: ListingError | None = None
    errors: Counter[str] = field(default_factory=Counter)
    details: dict[str, str] = field(default_factory=dict)

    def count(self, error: ListingError) -> None:
        """Counts an error of the listing or of one of its files."""
        self.errors[error.kind] += 1
        self.details[error.kind] = str(error)

    @property
    def outcome(self) -> str:
        """`complete`, `not_modified` or `failed`."""
        if not self.is_complete:
            return "failed"
        return "complete" if self.is_modified else "not_modified"


class Health:
    """The health of one portal. `note` adds a listing; `drain` returns the changes to write to the database."""

    def __init__(self, portal: Portal, agent: str, metrics: Metrics) -> None:
        self._portal = portal
        self._metrics = metrics
        self._row = PortalHealth(
            portal=portal.key, chain=portal.chain, engine=portal.settings.engine, agent=agent
        )
        self._late: deque[float] = deque(maxlen=LATE_FILES)
        self._errors: dict[str, PortalErrors] = {}
        self._is_changed = False

    def note(
        self,
        listing: Listing,
        new: Sequence[FileToClaim],
        circuit: Circuit,
        *,
        now: datetime,
        due: datetime | None,
    ) -> None:
        """Adds a listing, the files that it announced, and the circuit's state after it. Times are aware."""
        row = self._row
        row.listed_at, row.next_at = now, due
        row.circuit, row.failures = circuit.state, circuit.failures
        if listing.is_complete:
            row.succeeded_at = now
            row.last_error = None
            if listing.is_modified:
                row.files = listing.files
        for kind, count in listing.errors.items():
            self._count(kind, count, now, listing.details[kind])
            row.last_error = f"{kind}: {listing.details[kind]}"
        self._note_new(new, now)
        self._measure(listing, circuit)
        self._is_changed = True

    def drain(self) -> tuple[PortalHealth | None, list[PortalErrors]]:
        """The row and the errors since the last call; None and no errors if nothing changed."""
        if not self._is_changed:
            return None, []
        row, errors = msgspec.structs.replace(self._row), list(self._errors.values())
        self._row.announced = 0
        self._errors = {}
        self._is_changed = False
        return row, errors

    def _count(self, kind: str, count: int, now: datetime, detail: str) -> None:
        before = self._errors.get(kind)
        total = count + (before.count if before else 0)
        self._errors[kind] = PortalErrors(self._portal.key, kind, total, now, detail[:1000])

    def _note_new(self, files: Sequence[FileToClaim], now: datetime) -> None:
        row, late = self._row, []
        for file in files:
            row.announced += 1
            row.announced_at = now
            if (own := timestamp_of(file)) is not None:
                late.append(max(0.0, (now - own).total_seconds()))
                row.newest_file_at = max(own, row.newest_file_at or own)
        if late:
            self._late.extend(late)
            ordered = sorted(self._late)
            row.late_median = statistics.median(ordered)
            row.late_p95 = ordered[round(0.95 * (len(ordered) - 1))]
            histogram = self._metrics.lateness.labels(self._portal.chain)
            for seconds in late:
                histogram.observe(seconds)
        if files:
            self._metrics.announced.labels(self._portal.chain).inc(len(files))

    def _measure(self, listing: Listing, circuit: Circuit) -> None:
        chain = self._portal.chain
        self._metrics.listings.labels(chain, listing.outcome).inc()
        self._metrics.listed.labels(chain).inc(listing.files)
        self._metrics.seconds.labels(self._portal.settings.engine).observe(listing.seconds)
        self._metrics.circuits.labels(self._portal.key).set(circuit.state == "open")
        for kind, count in listing.errors.items():
            self._metrics.errors.labels(chain, kind).inc(count)


def timestamp_of(file: FileToClaim) -> datetime | None:
    """A file's own timestamp: the one in its name, otherwise that of the listing."""
    name = parse_if_known(file.file_name)
    return (name.published_at if name else None) or file.modified_at
