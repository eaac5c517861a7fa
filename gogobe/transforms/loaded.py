"""Filters out files that are already loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Never

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.windowed_value import WindowedValue

from gogobe.database.address import Dsn
from gogobe.database.load.announced_again import record_announced_again
from gogobe.database.session import Session
from gogobe.feeds.batches import READER_VERSION
from gogobe.io.objects import ObjectStore
from gogobe.records.messages import FileDownloaded
from gogobe.transforms.bundles import BundleDoFn
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.outages import isolate
from gogobe.transforms.steps import step, windowed

STAGE: Final = "parse"


class SkipLoaded(beam.PTransform):
    """`FileDownloaded` → the files whose content is not loaded according to the ledger, in their order, at
    the end of their bundle. For each of the others the ledger records that it was announced again."""

    def __init__(self, database: Dsn, store: ObjectStore) -> None:
        super().__init__()
        self._dofn = _SkipLoaded(database, DeadLetters(STAGE, store))

    def expand(self, files: beam.PCollection[FileDownloaded]) -> beam.pvalue.DoOutputsTuple:
        return files | step("Look up", self._dofn, main="files", output=FileDownloaded)


class _SkipLoaded(BundleDoFn[FileDownloaded]):
    def __init__(self, database: Dsn, letters: DeadLetters) -> None:
        super().__init__(database)
        self._letters = letters
        self._skipped = Metrics.counter("gogobe.parse", "already_loaded")

    def process(self, file: FileDownloaded) -> Iterator[TaggedOutput]:
        yield from self._letters.guard(file, self._add(file))

    def _add(self, file: FileDownloaded) -> Iterator[Never]:
        if file.content_sha256:
            self._elements.append(file)
        yield from ()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        files = unloaded(self._session, self._elements)
        self._skipped.inc(len(self._elements) - len(files))
        for file in files:
            yield windowed(file)


def unloaded(session: Session, files: Sequence[FileDownloaded]) -> list[FileDownloaded]:
    """The files that must be read, including those for which the ledger query fails. Raises outages."""
    found: list[FileDownloaded] = []

    def look_up(part: Sequence[FileDownloaded]) -> None:
        loaded = record_announced_again(session, part, READER_VERSION)
        found.extend(file for number, file in enumerate(part) if number not in loaded)

    isolate(files, look_up, lambda file, _error: found.append(file))
    return found
