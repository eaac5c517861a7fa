"""Reads files into matched batches, as the pipeline's step does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gogobe.chains.chain import Chains
from gogobe.io.objects import ObjectStore
from gogobe.masters.codes.decisions import Decision
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.messages import DeadLetter, FileDownloaded, IngestBatch
from gogobe.transforms import parse
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.load import rows_of
from gogobe.transforms.masters import locate_masters
from gogobe.transforms.match import BatchMatcher
from gogobe.transforms.outages import is_outage

MASTERS_EVERY_SECONDS: Final = 60.0


@dataclass(frozen=True)
class ReadConfig:
    """The services for reading files. Large originals of dead letters go to `store`."""

    store: ObjectStore
    snapshots: SnapshotStore
    chains: Chains


class BatchReader:
    """Reads files one after the other, and matches their items by the newest masters snapshot."""

    def __init__(self, config: ReadConfig, count: Callable[[int], None]) -> None:
        """`count` is called with the number of rows of each batch."""
        self.config = config
        self._count = count
        self._letters = DeadLetters(parse.STAGE, config.store)
        self._matcher = BatchMatcher(MASTERS_EVERY_SECONDS)
        self._matcher.begin(locate_masters(config.snapshots))

    def read(self, file: FileDownloaded, path: Path) -> Iterator[IngestBatch | list[Decision] | DeadLetter]:
        """The batches of the content at `path`, with the other outputs of `FileReading`. An unexpected
        exception becomes a dead letter at the end. Raises outages: an unreachable store, no memory."""
        self._matcher.refresh()
        with path.open("rb") as source:
            try:
                for output in parse.FileReading(file, source, self._matcher, self.config.chains, self._letters):
                    yield output
                    if isinstance(output, IngestBatch):
                        self._count(rows_of(output))
            except Exception as error:
                if is_outage(error):
                    raise
                yield self._letters.internal_error(file, error)
